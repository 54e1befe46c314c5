/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status page: one HTML document for people, readable on a phone, light or dark as the reader
 * prefers. No script and nothing from elsewhere; every text from outside is cleaned and escaped.
 * Loading reads the store; rendering is a function of what was loaded. */
#ifndef PGVIGIL_AGENT_REPORT_H
#define PGVIGIL_AGENT_REPORT_H

#include "agent/retrain_state.h"
#include "pgvigil/error.h"
#include "pgvigil/event.h"
#include "pgvigil/mem.h"
#include "pgvigil/rule.h"
#include "pgvigil/store.h"

enum {
    VG_REPORT_BYTES = 16 << 20,
    VG_REPORT_RESULTS = 500,  /* results shown of a dataset, the gravest first */
    VG_REPORT_INCIDENTS = 20, /* incidents shown, open ones first */
    VG_REPORT_DECISIONS = 30,
    VG_REPORT_LINE = 1 << 16,
};

struct vg_report_dataset {
    const char *id;
    struct vg_progress progress;
    bool has_window;
    struct vg_window_row window; /* the newest with rows */
    struct vg_latest *latest;
    size_t n;              /* the gravest first */
    enum vg_verdict worst; /* of them; VG_NODATA without any */
};

struct vg_report {
    struct vg_report_dataset *datasets;
    size_t ndatasets; /* the gravest first */
    struct vg_alert *alerts;
    size_t nalerts; /* that are not ok, new or pending */
    struct vg_incident *incidents;
    size_t nincidents;
    struct vg_decision *decisions;
    size_t ndecisions;
    struct vg_retrain_standing *standings; /* of the onsets that have not ended */
    size_t nstandings;
    struct vg_outbox_count *sinks;
    size_t nsinks;
    struct vg_silence *silences; /* in force and to come */
    size_t nsilences;
    struct vg_quiet *quiets; /* those of files, likewise */
    size_t nquiets;
};

struct vg_report_about {
    const char *name; /* of the agent */
    const char *version;
    const char *problem; /* a sentence about what is wrong with the agent itself, or NULL */
    const struct vg_config *config; /* whose silences are shown, and of the rules; or NULL */
    const struct vg_ruleset *rules;
};

/* Everything in arena. */
int vg_report_load(struct vg_store *store, int64_t now_us, struct vg_arena *arena,
                   struct vg_report *out, struct vg_error *err);
/* Appends the whole document; out->failed tells when it did not fit. */
void vg_report_render(const struct vg_report *report, const struct vg_report_about *about,
                      int64_t now_us, struct vg_buf *out);
/* Both. */
int vg_report_page(struct vg_store *store, const struct vg_report_about *about, int64_t now_us,
                   struct vg_buf *out, struct vg_error *err);

/* Appends text from outside, cleaned and escaped. */
void vg_report_text(struct vg_buf *out, const char *text);
/* A cell of a table; its label is shown before it where the page is narrow. NULL: empty. */
void vg_report_cell(struct vg_buf *out, const char *label, const char *text);
void vg_report_time_cell(struct vg_buf *out, const char *label, int64_t us);
void vg_report_silences(const struct vg_report *report, struct vg_buf *out);
/* Begins a table; a name that begins with "#" heads a column of numbers. Ended by NULL. */
void vg_report_heads(struct vg_buf *out, const char *const *heads);
/* The style sheet, between the pages' <style> tags. */
extern const char vg_report_style[];

#endif
