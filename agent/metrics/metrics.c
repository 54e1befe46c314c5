/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board: for each dataset the samples that hold now, and the agent's own counts. Owns both and
 * the lock around them. Promises that a reader sees the whole of a cycle or nothing of it, that
 * counters only grow, and that the number of series is bounded. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/board.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

const double vg_duration_bounds[VG_DURATION_BOUNDS] = {0.01, 0.03, 0.1, 0.3, 1,   3,
                                                       10,   30,   60,  180, 600, 1800};

static void publish(struct vg_publisher *self, const struct vg_cycle *cycle,
                    const struct vg_alert *alerts, size_t nalerts);
static void retire(struct vg_publisher *self, const char *dataset);
static const struct vg_publish_ops ops = {.publish = publish, .retire = retire};

/* --- The agent's own series ------------------------------------------------------------------ */

/* The series of these labels, or NULL. */
static struct vg_sample_value *find_own(struct vg_samples *own, size_t metric, const char *labels)
{
    for (size_t i = 0; i < own->n; i++) {
        if (own->items[i].metric == metric && !strcmp(own->items[i].labels, labels))
            return &own->items[i];
    }
    return NULL;
}

/* The value of one of the agent's own series, made at 0 when new; NULL without memory or when there
 * are too many. Needs the lock. */
static double *claim_own(struct vg_metrics *metrics, size_t metric, const struct vg_label *labels,
                         size_t n)
{
    struct vg_buf text;
    vg_buf_init(&text, VG_METRICS_BYTES);
    vg_labels_put(&text, labels, n);
    struct vg_sample_value *at = NULL;
    if (!text.failed) {
        at = find_own(&metrics->own, metric, text.data);
        if (!at) {
            vg_samples_add(&metrics->own,
                           &(struct vg_sample_value){.metric = metric, .labels = text.data});
            at = find_own(&metrics->own, metric, text.data);
        }
    }
    vg_buf_free(&text);
    return at ? &at->value : NULL;
}

static void count_own(struct vg_metrics *metrics, size_t metric, const struct vg_label *labels,
                      size_t n, double more)
{
    double *value = claim_own(metrics, metric, labels, n);
    if (value)
        *value += more;
}

static void set_own(struct vg_metrics *metrics, size_t metric, const struct vg_label *labels,
                    size_t n, double value)
{
    double *at = claim_own(metrics, metric, labels, n);
    if (at)
        *at = value;
}

static void announce_receiver(struct vg_metrics *metrics, const char *name)
{
    const struct vg_label label = {"receiver", name};
    count_own(metrics, VG_M_NOTIFICATIONS, &label, 1, 0);
    count_own(metrics, VG_M_NOTIFICATION_FAILURES, &label, 1, 0);
    count_own(metrics, VG_M_NOTIFICATIONS_DROPPED, &label, 1, 0);
    count_own(metrics, VG_M_OUTBOX, &label, 1, 0);
}

enum { SINK_SIZE = 300 };

/* A model's endpoint stands beside the receivers under a name that no receiver can have. */
static const char *name_sink(enum vg_sink_kind kind, const char *sink, char out[SINK_SIZE])
{
    if (kind == VG_SINK_RECEIVER)
        return sink;
    snprintf(out, SINK_SIZE, "retraining/%s", sink);
    return out;
}

void vg_metrics_receivers(struct vg_metrics *metrics, const struct vg_receiver *receivers, size_t n)
{
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < n; i++)
        announce_receiver(metrics, receivers[i].name);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_models(struct vg_metrics *metrics, const struct vg_retraining *models, size_t n)
{
    char name[SINK_SIZE];
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < n; i++) {
        announce_receiver(metrics, name_sink(VG_SINK_RETRAIN, models[i].model, name));
        for (int kind = VG_DECIDED_OPENED; kind < VG_DECISIONS; kind++) {
            const char *decision = vg_decision_name((enum vg_decision_kind)kind);
            const struct vg_label labels[] = {{"model", models[i].model}, {"decision", decision}};
            count_own(metrics, VG_M_RETRAIN_DECISIONS, labels, 2, 0);
        }
        const struct vg_label model = {"model", models[i].model};
        count_own(metrics, VG_M_RETRAIN_PENDING, &model, 1, 0);
    }
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_reloaded(struct vg_metrics *metrics, bool ok, int64_t now_us)
{
    pthread_mutex_lock(&metrics->lock);
    set_own(metrics, VG_M_RELOAD_OK, NULL, 0, ok ? 1 : 0);
    if (ok)
        set_own(metrics, VG_M_RELOAD_TIME, NULL, 0, (double)now_us / (double)VG_US);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_state(struct vg_metrics *metrics, const struct vg_store_health *health)
{
    pthread_mutex_lock(&metrics->lock);
    set_own(metrics, VG_M_STATE_IN_PLACE, NULL, 0, health->in_place ? 1 : 0);
    set_own(metrics, VG_M_STATE_WRITABLE, NULL, 0, health->writable ? 1 : 0);
    pthread_mutex_unlock(&metrics->lock);
}

/* Removes the series of a metric whose value is NaN. */
static void drop_unset(struct vg_samples *own, size_t metric)
{
    size_t kept = 0;
    for (size_t i = 0; i < own->n; i++) {
        if (own->items[i].metric != metric || !isnan(own->items[i].value))
            own->items[kept++] = own->items[i];
    }
    own->n = kept;
}

void vg_metrics_rule_files(struct vg_metrics *metrics, const struct vg_rule_file *files, size_t n)
{
    struct vg_samples *own = &metrics->own;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < own->n; i++) {
        if (own->items[i].metric == VG_M_RULE_FILE_OK)
            own->items[i].value = NAN;
    }
    for (size_t i = 0; i < n; i++) {
        const struct vg_label label = {"file", files[i].path};
        set_own(metrics, VG_M_RULE_FILE_OK, &label, 1, files[i].ok ? 1 : 0);
    }
    drop_unset(own, VG_M_RULE_FILE_OK);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_notified(struct vg_metrics *metrics, enum vg_sink_kind kind, const char *sink,
                         enum vg_outcome outcome)
{
    char name[SINK_SIZE];
    const struct vg_label label = {"receiver", name_sink(kind, sink, name)};
    pthread_mutex_lock(&metrics->lock);
    announce_receiver(metrics, label.value);
    count_own(metrics, VG_M_NOTIFICATIONS, &label, 1, 1);
    count_own(metrics, VG_M_NOTIFICATION_FAILURES, &label, 1, outcome != VG_DELIVERED);
    count_own(metrics, VG_M_NOTIFICATIONS_DROPPED, &label, 1, outcome == VG_PERMANENT);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_outbox(struct vg_metrics *metrics, const struct vg_outbox_count *counts, size_t n)
{
    char name[SINK_SIZE];
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->own.n; i++) {
        if (metrics->own.items[i].metric == VG_M_OUTBOX)
            metrics->own.items[i].value = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct vg_label label = {"receiver",
                                       name_sink(counts[i].sink_kind, counts[i].sink, name)};
        announce_receiver(metrics, label.value);
        set_own(metrics, VG_M_OUTBOX, &label, 1, (double)counts[i].waiting);
        /* as the store counts it: also what was dropped for want of room, and before a restart */
        set_own(metrics, VG_M_NOTIFICATIONS_DROPPED, &label, 1,
                (double)(counts[i].dead + counts[i].dropped));
    }
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_decided(struct vg_metrics *metrics, const char *model, enum vg_decision_kind kind)
{
    const struct vg_label labels[] = {{"model", model}, {"decision", vg_decision_name(kind)}};
    pthread_mutex_lock(&metrics->lock);
    count_own(metrics, VG_M_RETRAIN_DECISIONS, labels, 2, 1);
    /* any other decision of these ends the wait; being withheld meanwhile does not */
    if (kind == VG_DECIDED_WAITING)
        set_own(metrics, VG_M_RETRAIN_PENDING, labels, 1, 1);
    else if (kind == VG_DECIDED_APPROVED || kind == VG_DECIDED_DENIED || kind == VG_DECIDED_FIRED ||
             kind == VG_DECIDED_ENDED_UNFIRED)
        set_own(metrics, VG_M_RETRAIN_PENDING, labels, 1, 0);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_pending(struct vg_metrics *metrics, const char *model, size_t n)
{
    const struct vg_label label = {"model", model};
    pthread_mutex_lock(&metrics->lock);
    set_own(metrics, VG_M_RETRAIN_PENDING, &label, 1, (double)n);
    pthread_mutex_unlock(&metrics->lock);
}

static void count_trigger(struct vg_metrics *metrics, const char *system, int n, bool failed)
{
    const struct vg_label label = {"system", system};
    count_own(metrics, VG_M_RETRAIN_TRIGGERS, &label, 1, n);
    count_own(metrics, VG_M_RETRAIN_TRIGGER_FAILURES, &label, 1, failed);
}

void vg_metrics_system(struct vg_metrics *metrics, const char *system)
{
    pthread_mutex_lock(&metrics->lock);
    count_trigger(metrics, system, 0, false);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_triggered(struct vg_metrics *metrics, const char *system, enum vg_outcome outcome)
{
    pthread_mutex_lock(&metrics->lock);
    count_trigger(metrics, system, 1, outcome != VG_DELIVERED);
    pthread_mutex_unlock(&metrics->lock);
}

static void set_latest(struct vg_metrics *metrics, size_t metric, const char *model, int64_t at_us)
{
    const struct vg_label label = {"model", model};
    double *at = claim_own(metrics, metric, &label, 1), now = (double)at_us / (double)VG_US;
    if (at && now > *at)
        *at = now;
}

void vg_metrics_retrained(struct vg_metrics *metrics, const struct vg_retrain_run *run)
{
    pthread_mutex_lock(&metrics->lock);
    set_latest(metrics, VG_M_RETRAIN_ASKED, run->model, run->asked_us);
    if (run->state == VG_RETRAIN_SUCCEEDED)
        set_latest(metrics, VG_M_RETRAIN_SUCCEEDED, run->model, run->ended_us);
    else if (run->state > VG_RETRAIN_SUCCEEDED)
        set_latest(metrics, VG_M_RETRAIN_FAILED, run->model, run->ended_us);
    pthread_mutex_unlock(&metrics->lock);
}

static void count_quarantine(struct vg_metrics *metrics, const char *dataset, uint64_t keys,
                             bool failed)
{
    const struct vg_label label = {"dataset", dataset};
    count_own(metrics, VG_M_QUARANTINE_KEYS, &label, 1, (double)keys);
    count_own(metrics, VG_M_QUARANTINE_FAILURES, &label, 1, failed);
}

void vg_metrics_quarantines(struct vg_metrics *metrics, const struct vg_ruleset *rules)
{
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < rules->ndatasets; i++) {
        if (rules->datasets[i]->quarantine.connection)
            count_quarantine(metrics, rules->datasets[i]->id, 0, false);
    }
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_quarantined(struct vg_metrics *metrics, const char *dataset, uint64_t keys,
                            bool failed)
{
    pthread_mutex_lock(&metrics->lock);
    count_quarantine(metrics, dataset, keys, failed);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_pushing(struct vg_metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    count_own(metrics, VG_M_PUSHES, NULL, 0, 0);
    count_own(metrics, VG_M_PUSH_FAILURES, NULL, 0, 0);
    count_own(metrics, VG_M_PUSH_REJECTED, NULL, 0, 0);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_pushed(struct vg_metrics *metrics, bool ok, int64_t now_us)
{
    pthread_mutex_lock(&metrics->lock);
    count_own(metrics, VG_M_PUSHES, NULL, 0, 1);
    count_own(metrics, VG_M_PUSH_FAILURES, NULL, 0, ok ? 0 : 1);
    if (ok)
        set_own(metrics, VG_M_PUSH_LAST_SUCCESS, NULL, 0, (double)now_us / (double)VG_US);
    pthread_mutex_unlock(&metrics->lock);
}

void vg_metrics_rejected(struct vg_metrics *metrics, size_t families)
{
    pthread_mutex_lock(&metrics->lock);
    set_own(metrics, VG_M_PUSH_REJECTED, NULL, 0, (double)families);
    pthread_mutex_unlock(&metrics->lock);
}

/* --- Datasets -------------------------------------------------------------------------------- */

/* Where a dataset is or belongs, by id. */
static size_t find_dataset(const struct vg_metrics *metrics, const char *id, bool *found)
{
    size_t low = 0, high = metrics->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(metrics->datasets[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < metrics->n && !strcmp(metrics->datasets[low].id, id);
    return low;
}

/* The dataset's place on the board, made where there was none; NULL without memory. */
static struct vg_board_dataset *claim_dataset(struct vg_metrics *metrics, const char *id)
{
    bool found;
    size_t at = find_dataset(metrics, id, &found);
    if (found)
        return &metrics->datasets[at];
    void *items = metrics->datasets;
    if (vg_grow(&items, &metrics->size, metrics->n + 1, sizeof metrics->datasets[0]) < 0)
        return NULL;
    metrics->datasets = items;
    char *copy = strdup(id);
    if (!copy)
        return NULL;
    memmove(&metrics->datasets[at + 1], &metrics->datasets[at],
            (metrics->n - at) * sizeof metrics->datasets[0]);
    metrics->datasets[at] = (struct vg_board_dataset){.id = copy};
    metrics->n++;
    return &metrics->datasets[at];
}

/* How many series a dataset may have beside the others'. */
static size_t count_free(const struct vg_metrics *metrics, const char *id)
{
    size_t others = 0;
    for (size_t i = 0; i < metrics->n; i++) {
        if (strcmp(metrics->datasets[i].id, id) != 0)
            others += metrics->datasets[i].samples.n;
    }
    size_t left = others < VG_SERIES_TOTAL ? VG_SERIES_TOTAL - others : 0;
    return left < VG_SERIES_DATASET ? left : VG_SERIES_DATASET;
}

static int take(struct vg_metrics *metrics, const struct vg_cycle *cycle,
                const struct vg_alert *alerts, size_t n)
{
    struct vg_board_dataset *dataset = claim_dataset(metrics, cycle->dataset);
    struct vg_samples fresh;
    if (!dataset || vg_samples_init(&fresh, count_free(metrics, cycle->dataset)) < 0)
        return -1;
    vg_samples_of_cycle(&fresh, &dataset->samples, cycle, alerts, n);
    if (fresh.failed) {
        vg_samples_free(&fresh);
        return -1;
    }
    count_own(metrics, VG_M_SERIES_DROPPED, NULL, 0, (double)fresh.dropped);
    vg_samples_free(&dataset->samples);
    dataset->samples = fresh;
    return 0;
}

void vg_metrics_take(struct vg_metrics *metrics, const struct vg_cycle *cycle,
                     const struct vg_alert *alerts, size_t n)
{
    pthread_mutex_lock(&metrics->lock);
    int rc = take(metrics, cycle, alerts, n);
    pthread_mutex_unlock(&metrics->lock);
    if (rc < 0)
        vg_log(VG_LOG_ERROR, "metrics not updated: out of memory", "dataset", cycle->dataset, NULL);
}

static void observe(struct vg_metrics *metrics, double seconds)
{
    size_t i = 0;
    while (i < VG_DURATION_BOUNDS && seconds > vg_duration_bounds[i])
        i++;
    pthread_mutex_lock(&metrics->lock);
    metrics->durations[i]++;
    metrics->duration_sum += seconds;
    pthread_mutex_unlock(&metrics->lock);
}

static void publish(struct vg_publisher *self, const struct vg_cycle *cycle,
                    const struct vg_alert *alerts, size_t nalerts)
{
    struct vg_metrics *metrics = (struct vg_metrics *)self;
    if (isfinite(cycle->seconds) && cycle->seconds >= 0)
        observe(metrics, cycle->seconds);
    vg_metrics_take(metrics, cycle, alerts, nalerts);
}

static void retire(struct vg_publisher *self, const char *dataset)
{
    struct vg_metrics *metrics = (struct vg_metrics *)self;
    bool found;
    pthread_mutex_lock(&metrics->lock);
    size_t at = find_dataset(metrics, dataset, &found);
    if (found) {
        free(metrics->datasets[at].id);
        vg_samples_free(&metrics->datasets[at].samples);
        metrics->n--;
        memmove(&metrics->datasets[at], &metrics->datasets[at + 1],
                (metrics->n - at) * sizeof metrics->datasets[0]);
    }
    pthread_mutex_unlock(&metrics->lock);
}

/* --- Life ------------------------------------------------------------------------------------ */

struct vg_metrics *vg_metrics_new(const char *version)
{
    struct vg_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    metrics->publisher.ops = &ops;
    if (pthread_mutex_init(&metrics->lock, NULL)) {
        free(metrics);
        return NULL;
    }
    const struct vg_label label = {"version", version};
    if (vg_samples_init(&metrics->own, VG_SERIES_DATASET) < 0 ||
        !claim_own(metrics, VG_M_BUILD_INFO, &label, 1)) {
        vg_metrics_free(metrics);
        return NULL;
    }
    set_own(metrics, VG_M_BUILD_INFO, &label, 1, 1);
    count_own(metrics, VG_M_SERIES_DROPPED, NULL, 0, 0);
    return metrics;
}

void vg_metrics_free(struct vg_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->n; i++) {
        free(metrics->datasets[i].id);
        vg_samples_free(&metrics->datasets[i].samples);
    }
    free(metrics->datasets);
    vg_samples_free(&metrics->own);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

struct vg_publisher *vg_metrics_publisher(struct vg_metrics *metrics)
{
    return &metrics->publisher;
}
