/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What monitoring systems see of the agent: a board of latest values and its text exposition.
 *
 * The board takes a copy of what it needs of each published cycle and of the agent's own counts,
 * and renders text format 0.0.4 once for everybody: the page /metrics, the group of one dataset and
 * the group of the agent itself. Thread-safe. It opens no socket and reads no clock; the process
 * figures come from /proc.
 */
#ifndef PGVIGIL_AGENT_METRICS_H
#define PGVIGIL_AGENT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/event.h"
#include "pgvigil/mem.h"
#include "pgvigil/ports.h"
#include "pgvigil/rule.h"
#include "pgvigil/store.h"

/* --- The table of metrics --------------------------------------------------------------------- */

enum vg_metric_kind { VG_METRIC_GAUGE, VG_METRIC_COUNTER, VG_METRIC_HISTOGRAM };
const char *vg_metric_kind_name(enum vg_metric_kind kind);

struct vg_metric_type {
    const char *name;
    enum vg_metric_kind kind;
    bool of_dataset;    /* in a dataset's group, else in the agent's own */
    const char *labels; /* names with a space between them, "" for none */
    const char *help;   /* one line */
};
/* Every metric there is, in the order of the exposition; the drift gauges of the registered checks
 * are made at the first call. Never fails; lives as long as the program. */
const struct vg_metric_type *vg_metric_types(size_t *n);

/* --- The board ------------------------------------------------------------------------------- */

/* At most so many series, and so many of one dataset; the rest is counted and left out. */
enum { VG_SERIES_DATASET = 10000, VG_SERIES_TOTAL = 40000, VG_METRICS_BYTES = 32 << 20 };

struct vg_metrics;

/* NULL when out of memory. `version` is copied. */
struct vg_metrics *vg_metrics_new(const char *version);
void vg_metrics_free(struct vg_metrics *metrics);
/* Its publisher: publish() takes a cycle over, retire() forgets a dataset. Borrowed. */
struct vg_publisher *vg_metrics_publisher(struct vg_metrics *metrics);
/* Fills the board with the last results, alerts and counts of the ruleset's datasets from the
 * store, so that a restart does not lose series until the next window. Column statistics are not
 * stored and come with the next window. */
int vg_metrics_restore(struct vg_metrics *metrics, struct vg_store *store,
                       const struct vg_ruleset *rules, struct vg_error *err);

/* The agent's own counts. Each series exists from its announcement on, at 0. */
void vg_metrics_receivers(struct vg_metrics *metrics, const struct vg_receiver *receivers,
                          size_t n);
void vg_metrics_models(struct vg_metrics *metrics, const struct vg_retraining *models, size_t n);
/* Configuration and rule files were read at now_us; ok: all of them load. */
void vg_metrics_reloaded(struct vg_metrics *metrics, bool ok, int64_t now_us);
/* Whether the state store is in its place and takes what is written. */
void vg_metrics_state(struct vg_metrics *metrics, const struct vg_store_health *health);
/* Replaces what is known of rule files. */
void vg_metrics_rule_files(struct vg_metrics *metrics, const struct vg_rule_file *files, size_t n);
/* One attempt to deliver to a receiver, or to a model's retraining endpoint, and its outcome. */
void vg_metrics_notified(struct vg_metrics *metrics, enum vg_sink_kind kind, const char *sink,
                         enum vg_outcome outcome);
/* Messages waiting, per sink; sinks not named wait for nothing. */
void vg_metrics_outbox(struct vg_metrics *metrics, const struct vg_outbox_count *counts, size_t n);
void vg_metrics_decided(struct vg_metrics *metrics, const char *model, enum vg_decision_kind kind);
/* How many onsets of the model wait for approval. */
void vg_metrics_pending(struct vg_metrics *metrics, const char *model, size_t n);
/* A training system that a model names; and one attempt to ask it. */
void vg_metrics_system(struct vg_metrics *metrics, const char *system);
void vg_metrics_triggered(struct vg_metrics *metrics, const char *system, enum vg_outcome outcome);
/* What is known of a run now; an older one does no harm. */
void vg_metrics_retrained(struct vg_metrics *metrics, const struct vg_retrain_run *run);
/* The datasets with a quarantine; and one attempt to write to it. */
void vg_metrics_quarantines(struct vg_metrics *metrics, const struct vg_ruleset *rules);
void vg_metrics_quarantined(struct vg_metrics *metrics, const char *dataset, uint64_t keys,
                            bool failed);
/* The Pushgateway is in use; its counters appear. */
void vg_metrics_pushing(struct vg_metrics *metrics);
/* An answer of the Pushgateway, or none (ok false). */
void vg_metrics_pushed(struct vg_metrics *metrics, bool ok, int64_t now_us);
/* How many families the Pushgateway rejects, over all groups. */
void vg_metrics_rejected(struct vg_metrics *metrics, size_t families);

/* What to render. */
struct vg_metrics_scope {
    bool agent;          /* the agent's own series */
    bool datasets;       /* those of every dataset */
    const char *dataset; /* those of this one; or NULL */
    const char *only;    /* this family alone; NULL: all */
    const bool *skip;    /* by position in vg_metric_types(): left out; or NULL */
};
/* Appends the exposition to out: families in the order of the table, HELP and TYPE before the first
 * series, nothing for families without any. 0, or -1 when out has failed or memory is short. */
int vg_metrics_render(struct vg_metrics *metrics, const struct vg_metrics_scope *scope,
                      struct vg_buf *out);

#endif
