/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the status page shows, read from the store and put into the order in which a reader wants
 * it: the gravest first. Writes nothing. */
#include <stdlib.h>
#include <string.h>

#include "agent/phrase.h"
#include "agent/web/report.h"

static int compare_latest(const void *a, const void *b)
{
    const struct vg_latest *x = a, *y = b;
    if (x->verdict != y->verdict)
        return x->verdict > y->verdict ? -1 : 1;
    if (x->prediction != y->prediction) /* what the model gives out, then what moved most */
        return x->prediction ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank && (!y->rank || x->rank < y->rank) ? -1 : 1;
    int order = strcmp(x->rule, y->rule);
    return order ? order : strcmp(x->segment, y->segment);
}

static int compare_datasets(const void *a, const void *b)
{
    const struct vg_report_dataset *x = a, *y = b;
    if (x->worst != y->worst)
        return x->worst > y->worst ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* Open ones first, then the newest. */
static int compare_incidents(const void *a, const void *b)
{
    const struct vg_incident *x = a, *y = b;
    bool x_open = x->closed_us == VG_NEVER, y_open = y->closed_us == VG_NEVER;
    if (x_open != y_open)
        return x_open ? -1 : 1;
    return (x->first_us < y->first_us) - (x->first_us > y->first_us);
}

static int compare_alerts(const void *a, const void *b)
{
    const struct vg_alert *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->state != y->state)
        return x->state > y->state ? -1 : 1;
    int order = strcmp(x->dataset, y->dataset);
    return order ? order : strcmp(x->rule, y->rule);
}

static int load_dataset(struct vg_store *store, struct vg_arena *arena,
                        struct vg_report_dataset *out, struct vg_error *err)
{
    if (vg_store_progress(store, out->id, arena, &out->progress, err) < 0 ||
        vg_store_window_newest(store, out->id, &out->window, &out->has_window, err) < 0 ||
        vg_store_latest(store, out->id, arena, &out->latest, &out->n, err) < 0)
        return -1;
    if (out->n)
        qsort(out->latest, out->n, sizeof out->latest[0], compare_latest);
    out->worst = out->n ? out->latest[0].verdict : VG_NODATA;
    return 0;
}

static int load_datasets(struct vg_store *store, struct vg_arena *arena, struct vg_report *out,
                         struct vg_error *err)
{
    struct vg_strings names;
    if (vg_store_datasets(store, arena, &names, err) < 0)
        return -1;
    out->datasets = vg_arena_array(arena, names.n + 1, sizeof out->datasets[0]);
    if (!out->datasets)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < names.n; i++) {
        struct vg_report_dataset *dataset = &out->datasets[out->ndatasets];
        dataset->id = names.items[i];
        if (load_dataset(store, arena, dataset, err) < 0)
            return -1;
        if (dataset->progress.known)
            out->ndatasets++;
    }
    qsort(out->datasets, out->ndatasets, sizeof out->datasets[0], compare_datasets);
    return 0;
}

static bool is_active(const struct vg_alert *alert)
{
    return alert->state == VG_ALERT_FIRING || alert->state == VG_ALERT_FIRING_BLIND ||
           alert->state == VG_ALERT_BLIND || alert->state == VG_ALERT_CLEARING;
}

static int load_alerts(struct vg_store *store, struct vg_arena *arena, struct vg_report *out,
                       struct vg_error *err)
{
    size_t n;
    if (vg_store_alerts(store, NULL, arena, &out->alerts, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (is_active(&out->alerts[i]))
            out->alerts[out->nalerts++] = out->alerts[i];
    }
    if (out->nalerts)
        qsort(out->alerts, out->nalerts, sizeof out->alerts[0], compare_alerts);
    return 0;
}

static int load_incidents(struct vg_store *store, struct vg_arena *arena, struct vg_report *out,
                          struct vg_error *err)
{
    if (vg_store_incidents(store, NULL, false, arena, &out->incidents, &out->nincidents, err) < 0)
        return -1;
    if (out->nincidents)
        qsort(out->incidents, out->nincidents, sizeof out->incidents[0], compare_incidents);
    if (out->nincidents > VG_REPORT_INCIDENTS)
        out->nincidents = VG_REPORT_INCIDENTS;
    return 0;
}

/* Of each model that drifts: its onset, the run of its request, the newest decision about it. */
static int load_standings(struct vg_store *store, struct vg_arena *arena, struct vg_report *out,
                          struct vg_error *err)
{
    enum { MOST = 100 };
    struct vg_onset *onsets;
    struct vg_retrain_run *runs = vg_arena_array(arena, MOST, sizeof *runs);
    size_t n, ndecisions;
    bool found;
    out->standings = vg_arena_array(arena, MOST, sizeof *out->standings);
    if (!out->standings || !runs)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_store_onsets(store, NULL, MOST, arena, &onsets, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && onsets[i].state != VG_ONSET_ENDED; i++) {
        struct vg_retrain_standing *standing = &out->standings[out->nstandings++];
        struct vg_decision *decisions;
        if (vg_store_retrain_run(store, onsets[i].key, arena, &runs[i], &found, err) < 0 ||
            vg_store_decisions(store, onsets[i].model, 1, arena, &decisions, &ndecisions, err) < 0)
            return -1;
        *standing = (struct vg_retrain_standing){
            .onset = &onsets[i],
            .run = found ? &runs[i] : NULL,
            .decision =
                ndecisions && !strcmp(decisions[0].key, onsets[i].key) ? &decisions[0] : NULL,
        };
    }
    return 0;
}

int vg_report_load(struct vg_store *store, int64_t now_us, struct vg_arena *arena,
                   struct vg_report *out, struct vg_error *err)
{
    *out = (struct vg_report){0};
    if (load_datasets(store, arena, out, err) < 0 || load_alerts(store, arena, out, err) < 0 ||
        load_incidents(store, arena, out, err) < 0)
        return -1;
    if (load_standings(store, arena, out, err) < 0 ||
        vg_store_decisions(store, NULL, VG_REPORT_DECISIONS, arena, &out->decisions,
                           &out->ndecisions, err) < 0 ||
        vg_store_silences(store, now_us, arena, &out->silences, &out->nsilences, err) < 0)
        return -1;
    return vg_store_outbox_counts(store, arena, &out->sinks, &out->nsinks, err);
}

int vg_report_page(struct vg_store *store, const struct vg_report_about *about, int64_t now_us,
                   struct vg_buf *out, struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    struct vg_report report;
    int rc = vg_report_load(store, now_us, arena, &report, err);
    if (rc == 0 && vg_phrase_quiets(about->config, about->rules, now_us, arena, &report.quiets,
                                    &report.nquiets) < 0)
        rc = vg_fail(err, VG_E_MEMORY, "out of memory");
    if (rc == 0)
        vg_report_render(&report, about, now_us, out);
    vg_arena_free(arena);
    if (rc == 0 && out->failed)
        rc = vg_fail(err, VG_E_LIMIT, "the report does not fit into %d bytes", VG_REPORT_BYTES);
    return rc;
}
