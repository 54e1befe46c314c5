/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After a restart: the board as the store remembers it. Builds of each dataset's last results the
 * cycle that would have said them, and hands it to the board. Reads the store, changes nothing. */
#include <math.h>
#include <string.h>

#include "agent/metrics/board.h"
#include "pgvigil/time.h"

enum { RUNS_MOST = 1000 };

static const char *null_if_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static struct vg_result make_result(const struct vg_latest *latest)
{
    return (struct vg_result){
        .rule = latest->rule,
        .check = latest->check,
        .column = latest->column,
        .segment = null_if_empty(latest->segment),
        .class = latest->class,
        .cadence = latest->cadence,
        .verdict = latest->verdict,
        .severity = latest->severity,
        .unit = latest->unit,
        .value = latest->value,
        .limit = latest->limit,
        .warn_limit = NAN, /* not stored; comes with the next window */
        .p_value = latest->p_value,
        .why = latest->why,
    };
}

static int load_results(struct vg_store *store, struct vg_arena *arena, struct vg_cycle *cycle,
                        struct vg_error *err)
{
    struct vg_latest *latest;
    size_t n;
    if (vg_store_latest(store, cycle->dataset, arena, &latest, &n, err) < 0)
        return -1;
    cycle->results = vg_arena_array(arena, n + 1, sizeof cycle->results[0]);
    if (!cycle->results)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++)
        cycle->results[i] = make_result(&latest[i]);
    cycle->nresults = n;
    return 0;
}

static int load_window(struct vg_store *store, struct vg_cycle *cycle, struct vg_error *err)
{
    struct vg_window_row newest;
    if (vg_store_window_newest(store, cycle->dataset, &newest, &cycle->has_window, err) < 0)
        return -1;
    if (cycle->has_window) {
        cycle->window = newest.window;
        cycle->rows = newest.rows;
    }
    return 0;
}

static int restore_dataset(struct vg_metrics *metrics, struct vg_store *store,
                           const struct vg_dataset *dataset, struct vg_arena *arena,
                           struct vg_error *err)
{
    struct vg_progress progress;
    if (vg_store_progress(store, dataset->id, arena, &progress, err) < 0)
        return -1;
    if (!progress.known)
        return 0;
    struct vg_cycle cycle = {
        .dataset = dataset->id,
        .ticked = true,
        .newest_us = VG_NEVER,
        .every_us = dataset->schedule.every_us,
        .last_success_us = progress.success_us,
        .cycles = (uint64_t)progress.cycles,
        .cycle_failures = (uint64_t)progress.cycle_failures,
        .ticks_skipped = (uint64_t)progress.ticks_skipped,
        .windows_skipped = (uint64_t)progress.windows_skipped,
        .rows_scanned = progress.rows_scanned,
    };
    struct vg_alert *alerts;
    size_t n;
    if (load_window(store, &cycle, err) < 0 || load_results(store, arena, &cycle, err) < 0 ||
        vg_store_alerts(store, dataset->id, arena, &alerts, &n, err) < 0)
        return -1;
    vg_metrics_take(metrics, &cycle, alerts, n);
    /* A second time as what it was: the values stay, only up becomes 0. */
    if (progress.failures) {
        cycle.failed = true;
        vg_metrics_take(metrics, &cycle, alerts, n);
    }
    return 0;
}

static int restore_runs(struct vg_metrics *metrics, struct vg_store *store, struct vg_error *err)
{
    struct vg_retrain_run *runs;
    size_t n;
    struct vg_arena *arena = vg_arena_new();
    int rc = arena ? vg_store_retrain_runs(store, NULL, RUNS_MOST, arena, &runs, &n, err)
                   : vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; !rc && i < n; i++)
        vg_metrics_retrained(metrics, &runs[i]);
    vg_arena_free(arena);
    return rc;
}

int vg_metrics_restore(struct vg_metrics *metrics, struct vg_store *store,
                       const struct vg_ruleset *rules, struct vg_error *err)
{
    for (size_t i = 0; i < rules->ndatasets; i++) {
        struct vg_arena *arena = vg_arena_new();
        if (!arena)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        int rc = restore_dataset(metrics, store, rules->datasets[i], arena, err);
        vg_arena_free(arena);
        if (rc < 0)
            return -1;
    }
    return restore_runs(metrics, store, err);
}
