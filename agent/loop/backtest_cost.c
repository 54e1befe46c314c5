/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timing the tally of one rule at a time on rows of the real scan. Each plan is made as that of a
 * dataset with this rule alone; the batch is rearranged to what that plan reads. */
#include "agent/loop/backtest_cost.h"

#include <math.h>
#include <string.h>

enum { ENOUGH_NS = 400000, ROUNDS_MOST = 200 };

const double vg_backtest_unmeasured = (double)NAN;

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The columns of the batch in the order of another plan; false: it does not hold them all. */
static bool rearrange(const struct vg_plan *whole, const struct vg_plan *plan,
                      const struct vg_batch *batch, struct vg_column *cols)
{
    for (size_t i = 0; i < plan->nitems; i++) {
        size_t at = 0;
        while (at < whole->nitems && (strcmp(whole->items[at], plan->items[i]) != 0 ||
                                      whole->query[at].cast_oid != plan->query[i].cast_oid ||
                                      whole->query[at].codec != plan->query[i].codec ||
                                      (plan->query[i].raw && !whole->query[at].raw)))
            at++;
        if (at == whole->nitems)
            return false;
        cols[i] = batch->cols[at];
    }
    return true;
}

/* Nanoseconds a row in the fastest of some rounds: others may have the processor in between. */
static int time_plan(const struct vg_plan *plan, const struct vg_batch *batch,
                     int64_t (*elapsed_ns)(void), double *out, struct vg_error *err)
{
    struct vg_tally *tally;
    if (vg_tally_new(&plan->tally, &tally, err) < 0)
        return -1;
    int rc = vg_tally_add(tally, batch, err); /* the first time warms up */
    int64_t all = 0, least = INT64_MAX;
    for (size_t rounds = 0; rc == 0 && all < ENOUGH_NS && rounds < ROUNDS_MOST; rounds++) {
        int64_t begun = elapsed_ns();
        rc = vg_tally_add(tally, batch, err);
        int64_t passed = elapsed_ns() - begun;
        least = passed < least ? passed : least;
        all += passed;
    }
    vg_tally_free(tally);
    *out = (double)least / (double)batch->nrows;
    return rc;
}

/* `rule` NULL: nothing but the time column. */
static int time_rule(const struct vg_work *bound, const struct vg_rule *rule,
                     const struct vg_batch *batch, int64_t (*elapsed_ns)(void), double *out,
                     struct vg_error *err)
{
    struct vg_dataset alone = *bound->job.dataset;
    struct vg_plan plan;
    int rc = -1;
    struct vg_arena *arena = vg_arena_new();
    struct vg_rule *copy = arena ? vg_arena_alloc(arena, sizeof *copy) : NULL;
    *out = vg_backtest_unmeasured;
    if (!copy) {
        vg_arena_free(arena);
        return fail_memory(err);
    }
    if (rule)
        *copy = *rule;
    alone.rules = copy;
    alone.nrules = rule != NULL;
    alone.nsegments = alone.key.n = 0;
    if (vg_plan_make(&alone, bound->catalog, bound->reference, NULL, arena, &plan, err) < 0)
        goto out;
    struct vg_column *cols = vg_arena_array(arena, plan.nitems + 1, sizeof *cols);
    if (!cols) {
        fail_memory(err);
        goto out;
    }
    rc = 0;
    struct vg_batch part = {batch->nrows, plan.nitems, cols};
    if (rearrange(&bound->plan, &plan, batch, cols))
        rc = time_plan(&plan, &part, elapsed_ns, out, err);
out:
    vg_arena_free(arena);
    return rc;
}

int vg_backtest_cost(const struct vg_work *bound, const struct vg_batch *batch,
                     int64_t (*elapsed_ns)(void), struct vg_backtest *out, struct vg_error *err)
{
    double none;
    if (time_rule(bound, NULL, batch, elapsed_ns, &none, err) < 0)
        return -1;
    for (size_t i = 0; i < out->nrules; i++) {
        struct vg_backtest_rule *rule = &out->rules[i];
        double all;
        if (rule->why_not)
            continue;
        if (time_rule(bound, rule->rule, batch, elapsed_ns, &all, err) < 0)
            return -1;
        rule->row_ns = all > none ? all - none : 0;
        rule->row_ns = isnan(all) ? all : rule->row_ns;
    }
    return 0;
}
