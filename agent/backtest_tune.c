/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Thresholds out of a backtest: what each rule measured in each window, kept, and rehearsed at
 * lower and lower limits. A limit is the rule's for all rows and each of its segments, so all of
 * them count. Pure. */
#include <math.h>

#include "agent/backtest.h"
#include "agent/rehearse.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

const char *vg_backtest_untuned(const struct vg_rule *rule)
{
    const struct vg_limits *limits = &rule->limits;
    if (rule->policy == VG_POLICY_BUDGET)
        return "the budget sets its levels by itself";
    if (rule->policy != VG_POLICY_THRESHOLD)
        return "its limit is one of p";
    if (rule->compare.segment)
        return "it compares segments with each other";
    if (limits->bounds.has_min || limits->bounds.has_max)
        return "it has min or max, not one limit";
    if (!limits->has_fail)
        return "it has no limit of failing";
    return rule->type->at_limit ? "a value at its limit fails already" : NULL;
}

/* --- Keeping ---------------------------------------------------------------------------------- */

/* A value of the series for every window up to the one at hand. */
static int extend(const struct vg_backtest *test, struct vg_backtest_series *series, size_t from)
{
    size_t n = (size_t)test->windows + 1;
    if (vg_grow((void **)&series->values, &series->size, n, sizeof *series->values) < 0)
        return -1;
    for (size_t w = from; w < n; w++)
        series->values[w] = (double)NAN;
    return 0;
}

static struct vg_backtest_series *add_series(struct vg_backtest *test,
                                             struct vg_backtest_rule *rule, const char *segment)
{
    const char *name = segment ? vg_arena_strdup(test->arena, segment) : NULL;
    if ((segment && !name) || vg_grow((void **)&rule->series, &rule->series_size, rule->nseries + 1,
                                      sizeof *rule->series) < 0)
        return NULL;
    struct vg_backtest_series *series = &rule->series[rule->nseries];
    *series = (struct vg_backtest_series){.segment = name};
    if (extend(test, series, 0) < 0)
        return NULL;
    rule->nseries++;
    return series;
}

static struct vg_backtest_series *find_series(const struct vg_backtest_rule *rule,
                                              const char *segment)
{
    for (size_t i = 0; i < rule->nseries; i++) {
        if (vg_streq(rule->series[i].segment, segment))
            return &rule->series[i];
    }
    return NULL;
}

static int open_window(struct vg_backtest *test, const struct vg_window *window)
{
    size_t n = (size_t)test->windows;
    if (vg_grow((void **)&test->judged, &test->judged_size, n + 1, sizeof *test->judged) < 0)
        return -1;
    test->judged[n] = *window;
    for (size_t i = 0; i < test->nrules; i++) {
        struct vg_backtest_rule *rule = &test->rules[i];
        if (rule->why_not || vg_backtest_untuned(rule->rule))
            continue;
        for (size_t k = 0; k < rule->nseries; k++) {
            if (extend(test, &rule->series[k], n) < 0)
                return -1;
        }
        if (!rule->nseries && !add_series(test, rule, NULL))
            return -1;
    }
    return 0;
}

int vg_backtest_keep(struct vg_backtest *test, const struct vg_cycle *cycle, struct vg_error *err)
{
    size_t at = 0;
    if (open_window(test, &cycle->window) < 0)
        return fail_memory(err);
    for (size_t i = 0; i < cycle->nresults; i++) {
        const struct vg_result *result = &cycle->results[i];
        struct vg_backtest_rule *rule = vg_backtest_next(test, result->rule, &at);
        bool looked = result->verdict != VG_NODATA && result->verdict != VG_UNKNOWN;
        if (!rule || !rule->nseries || !looked)
            continue;
        struct vg_backtest_series *series = find_series(rule, result->segment);
        if (!series)
            series = add_series(test, rule, result->segment);
        if (!series)
            return fail_memory(err);
        series->values[test->windows] = result->value;
    }
    return 0;
}

/* --- Tuning ----------------------------------------------------------------------------------- */

/* Windows in which a value of any series is above the limit; *known: in which there is one. */
static uint64_t count_above(const struct vg_backtest *test, const struct vg_backtest_rule *rule,
                            double limit, uint64_t *known)
{
    uint64_t above = 0;
    *known = 0;
    for (uint64_t w = 0; w < test->windows; w++) {
        bool is_above = false, is_known = false;
        for (size_t k = 0; k < rule->nseries; k++) {
            is_above |= rule->series[k].values[w] > limit;
            is_known |= !isnan(rule->series[k].values[w]);
        }
        above += is_above;
        *known += is_known;
    }
    return above;
}

static int rehearse(const struct vg_backtest *test, const struct vg_dataset *dataset,
                    struct vg_backtest_rule *rule, struct vg_error *err)
{
    struct vg_rehearsed_segment *segments =
        vg_arena_array(test->arena, rule->nseries, sizeof *segments);
    if (!segments)
        return fail_memory(err);
    for (size_t k = 1; k < rule->nseries; k++)
        segments[k - 1] =
            (struct vg_rehearsed_segment){rule->series[k].segment, rule->series[k].values};
    struct vg_rehearsed_rule rehearsed = {.rule = rule->rule,
                                          .d = rule->series[0].values,
                                          .segments = segments,
                                          .nsegments = rule->nseries - 1};
    struct vg_rehearsal rehearsal = {
        .dataset = dataset,
        .windows = test->judged,
        .nwindows = (size_t)test->windows,
        .rules = &rehearsed,
        .nrules = 1,
    };
    if (vg_rehearse(&rehearsal, err) < 0)
        return -1;
    rule->tuned = rehearsed.least;
    if (rule->rule->type->unit == VG_UNIT_SECONDS) /* a rule file has no fractions of them */
        rule->tuned = ceil(rule->tuned);
    return 0;
}

static int tune(struct vg_backtest *test, const struct vg_dataset *dataset,
                struct vg_backtest_rule *rule, struct vg_error *err)
{
    rule->tuned = (double)NAN;
    rule->why_untuned = rule->why_not ? "it is not replayed" : vg_backtest_untuned(rule->rule);
    if (rule->why_untuned)
        return 0;
    if (rule->nseries)
        count_above(test, rule, 0, &rule->known);
    if (!rule->known) {
        rule->why_untuned = "no window gave it a value";
        return 0;
    }
    if (rule->known < VG_BACKTEST_LEAST) {
        rule->why_untuned =
            vg_arena_printf(test->arena, "%u window%s gave it a value, fewer than %d",
                            (unsigned)rule->known, rule->known == 1 ? "" : "s", VG_BACKTEST_LEAST);
        return rule->why_untuned ? 0 : fail_memory(err);
    }
    if (rehearse(test, dataset, rule, err) < 0)
        return -1;
    const struct vg_check_type *type = rule->rule->type;
    if (type->unit == VG_UNIT_RATIO && !type->is_multiple && rule->tuned >= 1) {
        rule->tuned = (double)NAN;
        rule->why_untuned = "only a limit of 100% opens at most one incident, and never fails";
        return 0;
    }
    rule->above = count_above(test, rule, rule->tuned, &rule->known);
    rule->above_now = count_above(test, rule, rule->rule->limits.fail, &rule->known);
    return 0;
}

int vg_backtest_tune(struct vg_backtest *test, const struct vg_dataset *dataset,
                     struct vg_error *err)
{
    for (size_t i = 0; i < test->nrules; i++) {
        if (tune(test, dataset, &test->rules[i], err) < 0)
            return -1;
    }
    return 0;
}
