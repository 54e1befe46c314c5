/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results in the order in which people read them, where the rule file names predictions or
 * importances; and what each of the ranked columns says of itself. */
#include <math.h>
#include <string.h>

#include "agent/loop/cycle_reference.h"
#include "agent/rank.h"
#include "pgvigil/text.h"

enum { TOLD = 3 }; /* places that are said in words */

static double find_importance(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->nimportances; i++) {
        if (!strcmp(dataset->importances[i].column, column))
            return dataset->importances[i].weight;
    }
    return (double)NAN;
}

static struct vg_moved *find_moved(const struct vg_cycle *cycle, const char *column)
{
    for (size_t i = 0; column && i < cycle->nmoved; i++) {
        if (!strcmp(cycle->moved[i].column, column))
            return &cycle->moved[i];
    }
    return NULL;
}

/* The columns with drift rules, each once. */
static void list_moved(struct vg_work *work)
{
    struct vg_cycle *cycle = &work->cycle;
    const struct vg_dataset *dataset = work->job.dataset;
    for (size_t i = 0; i < cycle->nresults; i++) {
        const char *name = cycle->results[i].column;
        if (cycle->results[i].class != VG_CLASS_DRIFT || !name || find_moved(cycle, name))
            continue;
        const struct vg_reference_column *then =
            work->reference ? vg_reference_find(work->reference, name) : NULL;
        const struct vg_column_summary *now =
            cycle->summary ? vg_summary_column(cycle->summary, name) : NULL;
        cycle->moved[cycle->nmoved++] = (struct vg_moved){
            .column = name,
            .prediction = vg_rank_prediction(dataset, name) != VG_PREDICTION_NONE,
            .moved = vg_rank_distance(now, then),
            .importance = find_importance(dataset, name),
        };
    }
}

static int say_rank(struct vg_work *work, struct vg_result *result, int ranked)
{
    if (!result->rank || result->rank > TOLD || ranked < 2)
        return 0;
    bool weighted = work->job.dataset->nimportances > 0;
    /* Without a verdict, or without a weight among weighted ones, a place says nothing. */
    if (result->verdict == VG_NODATA || result->verdict == VG_UNKNOWN ||
        (weighted && !(result->importance > 0)))
        return 0;
    const char *by = weighted ? " by importance" : "";
    result->why = result->rank == 1
                      ? vg_arena_printf(work->arena, "%s; moved most of %d features%s", result->why,
                                        ranked, by)
                      : vg_arena_printf(work->arena, "%s; moved as number %d of %d features%s",
                                        result->why, result->rank, ranked, by);
    return result->why ? 0 : -1;
}

static int mark_results(struct vg_work *work)
{
    struct vg_cycle *cycle = &work->cycle;
    int ranked = 0;
    for (size_t i = 0; i < cycle->nmoved; i++)
        ranked = cycle->moved[i].rank > ranked ? cycle->moved[i].rank : ranked;
    for (size_t i = 0; i < cycle->nresults; i++) {
        struct vg_result *result = &cycle->results[i];
        const struct vg_moved *moved =
            result->class == VG_CLASS_DRIFT ? find_moved(cycle, result->column) : NULL;
        result->prediction =
            vg_rank_prediction(work->job.dataset, result->column) != VG_PREDICTION_NONE;
        if (!moved)
            continue;
        result->moved = moved->moved;
        result->importance = moved->importance;
        result->rank = moved->rank;
        if (say_rank(work, result, ranked) < 0)
            return -1;
    }
    return 0;
}

int vg_cycle_rank(struct vg_work *work, struct vg_error *err)
{
    struct vg_cycle *cycle = &work->cycle;
    const struct vg_dataset *dataset = work->job.dataset;
    if (!vg_rank_wanted(dataset))
        return 0;
    cycle->moved = vg_arena_array(work->arena, cycle->nresults + 1, sizeof *cycle->moved);
    if (!cycle->moved)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    list_moved(work);
    vg_rank_order(cycle->moved, cycle->nmoved, dataset->nimportances > 0);
    if (mark_results(work) < 0 ||
        vg_rank_results(cycle->results, cycle->nresults, work->arena) < 0 ||
        vg_rank_predicted(dataset, cycle->empty ? NULL : cycle->summary, work->reference,
                          work->arena, &cycle->predicted, &cycle->npredicted) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return 0;
}
