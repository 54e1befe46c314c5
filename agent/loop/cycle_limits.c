/* SPDX-License-Identifier: GPL-3.0-or-later */
/* limits: what a read may cost. Cost, rows and columns above theirs end it; segments and categories
 * above theirs leave some out. Each is noted in the cycle when it is reached, for the log and the
 * metrics. */
#include "agent/loop/cycle_limits.h"

#include "agent/loop/cost.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static bool look(struct vg_work *work, enum vg_limit limit, uint64_t n)
{
    work->cycle.reached[limit] = (struct vg_reached){true, n};
    return n > 0;
}

int vg_cycle_limits_columns(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    int64_t most = dataset->caps.columns;
    if (!most || !look(work, VG_LIMIT_COLUMNS, work->plan.nitems > (size_t)most))
        return 0;
    vg_fail(err, VG_E_LIMIT,
            "the scan of %s would read %zu columns and conditions, allowed are %lld",
            dataset->table, work->plan.nitems, (long long)most);
    return vg_hint(err, "raise limits.columns, or name columns instead of \"*\"");
}

int vg_cycle_limits_rows(struct vg_work *work, uint64_t rows, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    int64_t most = dataset->caps.rows;
    if (!most || !look(work, VG_LIMIT_ROWS, rows > (uint64_t)most))
        return 0;
    vg_fail(err, VG_E_LIMIT, "the scan of %s has more than %lld rows", dataset->table,
            (long long)most);
    return vg_hint(err, "raise limits.rows, or read a part: sample: {rows: %lld}",
                   (long long)(most / 2 + 1));
}

int vg_cycle_limits_cost(struct vg_work *work, const char *select, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    bool before = work->cycle.reached[VG_LIMIT_COST].n > 0;
    struct vg_cost_of of = {work->env->source, work->session, dataset->caps.cost,
                            dataset->timeout_us};
    int rc = vg_cost_guard(&of, select, work->arena, err);
    if (dataset->caps.cost > 0)
        look(work, VG_LIMIT_COST, before || (rc < 0 && err->code == VG_E_LIMIT));
    return rc;
}

static uint64_t count_left(const struct vg_plan *plan)
{
    size_t left = 0;
    for (size_t i = 0; i < plan->nsplits; i++)
        left += plan->splits[i].left;
    return left;
}

static uint64_t count_sampled(const struct vg_summary *summary, const char **first)
{
    uint64_t n = 0;
    for (size_t i = 0; i < summary->ncolumns; i++) {
        const struct vg_column_summary *column = &summary->columns[i];
        if (!column->top || !vg_top_sampled(column->top))
            continue;
        *first = *first ? *first : column->name;
        n++;
    }
    return n;
}

static void tell(const struct vg_work *work, enum vg_limit limit, const char *column)
{
    char reached[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO,
           limit == VG_LIMIT_SEGMENTS
               ? "values beyond the limit are in the segment other"
               : "columns have more values than are counted: a sample of them is",
           "dataset", work->job.dataset->id, "limit", vg_limit_name(limit), "column", column,
           limit == VG_LIMIT_SEGMENTS ? "values" : "columns",
           vg_format_double((double)work->cycle.reached[limit].n, reached), NULL);
}

void vg_cycle_limits_scanned(struct vg_work *work)
{
    const char *column = NULL;
    uint64_t sampled = work->nsummaries ? count_sampled(work->summaries[0], &column) : 0;
    if (work->plan.nsplits && look(work, VG_LIMIT_SEGMENTS, count_left(&work->plan)))
        tell(work, VG_LIMIT_SEGMENTS, NULL);
    if (look(work, VG_LIMIT_CATEGORIES, sampled))
        tell(work, VG_LIMIT_CATEGORIES, column);
}
