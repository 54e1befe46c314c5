/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first half of a cycle: open the snapshot, read catalogue, reference, newest row and open
 * windows, then stream the window's rows into the tally. Nothing is judged or stored here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/loop/cycle.h"
#include "agent/loop/cycle_ask.h"
#include "agent/loop/cycle_limits.h"
#include "agent/loop/cycle_reference.h"
#include "agent/loop/cycle_revisit.h"
#include "agent/loop/cycle_segments.h"
#include "agent/loop/cycle_still.h"
#include "agent/loop/cycle_structure.h"
#include "agent/loop/source.h"
#include "agent/plan_bind.h"
#include "agent/window.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int read_number(struct vg_work *work, const char *sql, int64_t *out, bool *found,
                       struct vg_error *err)
{
    struct vg_rows rows;
    if (!sql)
        return fail_memory(err);
    if (work->env->source->ops->rows(work->session, sql, NULL, 0, work->arena, &rows, err) < 0)
        return -1;
    *found = rows.nrows == 1 && rows.cells[0];
    if (*found && vg_parse_int64(rows.cells[0], out) < 0)
        return vg_fail(err, VG_E_DATA, "the server answered '%s' where a number is due",
                       rows.cells[0]);
    return 0;
}

/* A statement beside the scan that was too slow or was rejected costs its own answer only; the
 * session goes on behind its savepoint. */
static bool is_aside(const struct vg_error *err)
{
    return err->code == VG_E_TIMEOUT || err->code == VG_E_QUERY;
}

int vg_cycle_forgive(struct vg_work *work, struct vg_error *err, const char **why)
{
    char *text = vg_arena_strdup(work->arena, err->msg);
    vg_log(VG_LOG_WARN, "a statement beside the scan failed", "dataset", work->job.dataset->id,
           "error", err->msg, "hint", *err->hint ? err->hint : NULL, NULL);
    if (why)
        *why = text;
    memset(err, 0, sizeof *err);
    return text ? 0 : fail_memory(err);
}

static int take_newest(struct vg_work *work, const struct vg_rows *rows, struct vg_error *err)
{
    struct vg_rows_of all = vg_plan_rows(&work->plan, NULL, 0);
    int64_t newest, untimed, future;
    bool whole = rows->nrows == 1 && rows->ncols == 3 && rows->cells[1] && rows->cells[2];
    if (!whole || (rows->cells[0] && vg_parse_int64(rows->cells[0], &newest) < 0) ||
        vg_parse_int64(rows->cells[1], &untimed) < 0 || vg_parse_int64(rows->cells[2], &future) < 0)
        return vg_fail(err, VG_E_DATA, "the server does not answer with three numbers");
    work->live.has_newest = true;
    if (rows->cells[0])
        work->live.newest_us = vg_sql_instant(&all, newest);
    work->cycle.has_untimed = true;
    work->cycle.untimed_rows = (uint64_t)untimed;
    work->cycle.future_rows = (uint64_t)future;
    return 0;
}

static int read_newest(struct vg_work *work, struct vg_error *err)
{
    struct vg_live *live = &work->live;
    const struct vg_plan *plan = &work->plan;
    live->newest_us = VG_NEVER;
    if (!plan->time) {
        live->newest_why = plan->time_problem ? plan->time_problem : "there is no time column";
        return 0;
    }
    if (!plan->time->indexed_first) {
        live->newest_why = "no index on the time column";
        return 0;
    }
    struct vg_rows rows;
    const char *sql = vg_cycle_newest_sql(work);
    if (!sql)
        return fail_memory(err);
    if (work->env->source->ops->rows(work->session, sql, NULL, 0, work->arena, &rows, err) < 0)
        return is_aside(err) ? vg_cycle_forgive(work, err, &live->newest_why) : -1;
    return take_newest(work, &rows, err);
}

static int count_rows(struct vg_work *work, const struct vg_window *window, uint64_t *out,
                      struct vg_error *err)
{
    struct vg_rows_of rows = vg_plan_rows(&work->plan, window, 0);
    int64_t n = 0;
    bool found = false;
    if (read_number(work, vg_sql_count(&rows, work->arena), &n, &found, err) < 0)
        return -1;
    *out = n > 0 ? (uint64_t)n : 0;
    return 0;
}

/* An open empty window that has the same rows on two ticks running is ready to be judged. */
static int probe_window(struct vg_work *work, const struct vg_window_row *open,
                        struct vg_error *err)
{
    struct vg_rows_of rows = vg_plan_rows(&work->plan, &open->window, 0);
    int64_t one = 0;
    bool found = false;
    if (read_number(work, vg_sql_exists(&rows, work->arena), &one, &found, err) < 0)
        return -1;
    struct vg_window_row probed = *open;
    if (!found) {
        probed.probe_rows = -1;
    } else {
        uint64_t n;
        if (count_rows(work, &open->window, &n, err) < 0)
            return -1;
        probed.probe_rows = (int64_t)n;
    }
    if (found && probed.probe_rows == open->probe_rows)
        work->ready[work->nready++] = probed;
    else if (probed.probe_rows != open->probe_rows)
        work->probed[work->nprobed++] = probed;
    return 0;
}

static int probe_open(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    if (!work->job.tick || !work->env->commits || !work->plan.time)
        return 0;
    struct vg_window_row *open;
    size_t n;
    int64_t since = work->cycle.now_us - dataset->schedule.late_us;
    if (vg_store_windows_open(work->env->store, dataset->id, since, work->arena, &open, &n, err) <
        0)
        return -1;
    work->ready = vg_arena_array(work->arena, n, sizeof *work->ready);
    work->probed = vg_arena_array(work->arena, n, sizeof *work->probed);
    if (!work->ready || !work->probed)
        return fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (probe_window(work, &open[i], err) < 0)
            return is_aside(err) ? vg_cycle_forgive(work, err, NULL)
                                 : -1; /* left for the next tick */
    }
    return 0;
}

/* The columns that "*" once found, and finds no more. */
static int find_lost(struct vg_work *work, struct vg_error *err)
{
    const char *id = work->job.dataset->id;
    struct vg_alert *alerts;
    size_t n;
    if (!work->env->store)
        return 0;
    if (vg_store_alerts(work->env->store, id, work->arena, &alerts, &n, err) < 0)
        return -1;
    return vg_plan_bind_lost(&work->plan, alerts, n, work->arena) < 0 ? fail_memory(err) : 0;
}

int vg_cycle_bind(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_source *source = work->env->source;
    struct vg_limits_of_session limits = {dataset->timeout_us, work->env->stop};
    if (vg_cycle_reference_load(work, err) < 0)
        return -1;
    if (!work->session &&
        source->ops->open(source, dataset->connection, &limits, &work->session, err) < 0)
        return -1;
    if (vg_source_columns(source, work->session, dataset, work->reference, work->arena,
                          &work->catalog, err) < 0)
        return -1;
    if (vg_plan_make(dataset, work->catalog, work->reference, &work->rejects, work->arena,
                     &work->plan, err) < 0)
        return -1;
    return vg_cycle_reference_plan(work, err);
}

int vg_cycle_look(struct vg_work *work, struct vg_error *err)
{
    if (vg_cycle_bind(work, err) < 0 || find_lost(work, err) < 0 ||
        vg_cycle_structure_load(work, err) < 0)
        return -1;
    work->cycle.private_columns = work->plan.private_columns;
    if (work->job.tick && read_newest(work, err) < 0)
        return -1;
    return probe_open(work, err);
}

struct scan {
    struct vg_work *work;
    struct vg_tally *tally;
    uint64_t rows;
};

static int tally_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct scan *scan = arg;
    vg_failpoint("mid_copy");
    scan->rows += batch->nrows;
    if (vg_cycle_limits_rows(scan->work, scan->rows, err) < 0)
        return -1;
    if (scan->work->plan.checksum.ncolumns)
        vg_checksum_add(&scan->work->checksum, &scan->work->plan.checksum, batch);
    return vg_tally_add(scan->tally, batch, err);
}

static void report_progress(void *arg, uint64_t rows)
{
    struct vg_work *work = arg;
    if (work->env->progress)
        work->env->progress(work->env->progress_arg, work->job.dataset->id, rows);
}

/* percent of the rows to read; all below 0. Over rows: n is first counted exactly. */
static int choose_sample(struct vg_work *work, double *percent, struct vg_error *err)
{
    const struct vg_sample *sample = &work->job.dataset->sample;
    *percent = 0;
    if (sample->mode == VG_SAMPLE_ALL)
        return 0;
    const struct vg_window *window = work->plan.time ? &work->job.range : NULL;
    if (count_rows(work, window, &work->cycle.rows, err) < 0)
        return -1;
    bool few = sample->mode == VG_SAMPLE_ROWS && (double)work->cycle.rows <= sample->amount;
    if (few || !work->cycle.rows)
        return 0;
    *percent = sample->mode == VG_SAMPLE_PERCENT ? sample->amount
                                                 : 100 * sample->amount / (double)work->cycle.rows;
    work->cycle.sample = vg_arena_printf(work->arena, "%.4g %%", *percent);
    return work->cycle.sample ? 0 : fail_memory(err);
}

static int guard_size(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    bool large = work->catalog->bytes > 1000000000;
    if (dataset->time_column || !large || dataset->long_scan ||
        dataset->sample.mode != VG_SAMPLE_ALL)
        return 0;
    vg_fail(err, VG_E_LIMIT, "table %s has %lld MB and no time column", dataset->table,
            (long long)(work->catalog->bytes / 1000000));
    return vg_hint(err, "set sample: {percent: 1} or long_scan: true");
}

static int run_scan(struct vg_work *work, double percent, struct vg_error *err)
{
    struct vg_plan *plan = &work->plan;
    struct scan scan = {.work = work};
    struct vg_rows_of rows = vg_plan_rows(plan, &work->job.range, percent);
    const char *select = vg_sql_select(&rows, plan->items, plan->nitems, false, work->arena);
    struct vg_query query = {
        .sql = vg_sql_copy(&rows, plan->items, plan->nitems, false, work->arena),
        .columns = plan->query,
        .ncolumns = plan->nitems,
        .timeout_us = work->job.dataset->scan_timeout_us,
        .progress = report_progress,
        .progress_arg = work,
    };
    if (!query.sql || !select)
        return fail_memory(err);
    if (vg_cycle_limits_cost(work, select, err) < 0)
        return -1;
    memset(&work->checksum, 0, sizeof work->checksum);
    plan->tally.until_us = plan->time ? work->job.range.end_us : work->cycle.now_us;
    if (work->job.revisit)
        plan->tally.nsplits = 0; /* its rules look at no segments */
    if (vg_tally_new(&plan->tally, &scan.tally, err) < 0)
        return -1;
    int rc = work->env->source->ops->scan(work->session, &query, tally_batch, &scan, err);
    for (size_t v = 0; rc == 0 && v < plan->tally.nvariants; v++)
        work->summaries[work->nsummaries++] = vg_tally_take(scan.tally, v);
    vg_cycle_reference_hide(work);
    if (rc == 0 && plan->tally.nsplits)
        rc = vg_cycle_segments_take(work, scan.tally, err);
    if (rc == 0)
        vg_cycle_limits_scanned(work);
    vg_tally_free(scan.tally);
    return rc;
}

/* Rows that came into the window before after it was judged. */
static int count_late(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    if (!work->env->commits || !work->plan.time)
        return 0;
    struct vg_window before;
    struct vg_window_row row;
    bool found;
    vg_window_before(dataset->zone, dataset->schedule.window_us, &work->job.range, &before);
    if (vg_store_window(work->env->store, dataset->id, before.start_us, &row, &found, err) < 0)
        return -1;
    if (!found || row.status != VG_WINDOW_JUDGED)
        return 0;
    uint64_t now;
    if (count_rows(work, &row.window, &now, err) < 0)
        return err->code == VG_E_CANCELLED ? -1 : vg_cycle_forgive(work, err, NULL);
    work->cycle.has_late_rows = true;
    work->cycle.late_rows = now > row.rows ? now - row.rows : 0;
    if (now > row.rows && (double)(now - row.rows) > 0.01 * (double)row.rows) {
        char start[VG_TIME_TEXT], text[VG_NUMBER_TEXT];
        vg_log(VG_LOG_WARN, "rows came late: raise schedule.delay", "dataset", dataset->id,
               "window", vg_format_time(row.window.start_us, start), "rows",
               vg_format_double((double)(now - row.rows), text), NULL);
    }
    return 0;
}

static int read_window(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle *cycle = &work->cycle;
    double percent;
    if (work->plan.time_problem)
        return vg_fail(err, VG_E_CONFIG, "%s: %s", work->job.dataset->time_column,
                       work->plan.time_problem);
    if (vg_cycle_limits_columns(work, err) < 0 || guard_size(work, err) < 0 ||
        choose_sample(work, &percent, err) < 0)
        return -1;
    work->summaries =
        vg_arena_array(work->arena, work->plan.tally.nvariants, sizeof *work->summaries);
    if (!work->summaries)
        return fail_memory(err);
    if (run_scan(work, percent, err) < 0)
        return -1;
    struct vg_summary *all = work->summaries[0];
    if (!cycle->sample)
        cycle->rows = all->rows;
    all->rows = cycle->rows;
    cycle->summary = all;
    if (!work->plan.time || !work->job.dataset->schedule.nrevisits)
        return 0;
    int rc = vg_checksum_finish(&work->checksum, &work->plan.checksum, cycle->rows, all,
                                &work->plan.private_columns, work->arena);
    return rc < 0 ? fail_memory(err) : 0;
}

/* Without an index a scan that found no row leaves open whether the table has any. */
static int look_for_rows(struct vg_work *work, struct vg_error *err)
{
    struct vg_live *live = &work->live;
    struct vg_rows_of rows = vg_plan_rows(&work->plan, NULL, 0);
    int64_t one = 0;
    bool found = true;
    if (!work->cycle.empty || !work->job.tick || live->has_newest || work->plan.time->indexed_first)
        return 0;
    if (read_number(work, vg_sql_exists(&rows, work->arena), &one, &found, err) < 0)
        return is_aside(err) ? vg_cycle_forgive(work, err, &live->newest_why) : -1;
    live->has_newest = !found;
    return 0;
}

int vg_cycle_scan(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle *cycle = &work->cycle;
    if (read_window(work, err) < 0)
        return -1;
    if (work->job.revisit)
        return vg_cycle_revisit_compare(work, err);
    cycle->empty = work->plan.time && cycle->rows == 0;
    if (count_late(work, err) < 0 || look_for_rows(work, err) < 0)
        return -1;
    /* Last, for an answer that has to be abandoned takes the session with it. */
    return cycle->empty ? 0 : vg_cycle_ask(work, err);
}
