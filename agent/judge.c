/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From measurements to verdicts: policies, least numbers of rows, the worst measure of each rule,
 * and the sentence that says by how much. Pure; nothing of a result points into a rule. */
#include "agent/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/judge_text.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

enum { DEFAULT_MIN_ROWS_BUDGET = 30, DEFAULT_RESOLVE_AFTER = 3 };
static const int64_t default_blind_after_us = 15 * VG_MINUTE_US;

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- limits --- */

static double find_min_rows(const struct vg_rule *rule)
{
    if (rule->min_rows != VG_DEFAULT)
        return (double)rule->min_rows;
    return rule->policy == VG_POLICY_BUDGET ? DEFAULT_MIN_ROWS_BUDGET
                                            : (double)rule->type->min_rows;
}

/* The limit of a rule that has none of its own: the measure's, else the type's, else none. */
static double find_default_limit(const struct vg_measure *measure)
{
    const struct vg_check_type *type = measure->rule->type;
    double limit;
    int64_t us;
    if (!isnan(measure->limit) || !type->default_fail)
        return measure->limit;
    if (type->unit == VG_UNIT_SECONDS)
        return vg_parse_duration(type->default_fail, &us) < 0 ? NAN : (double)us / (double)VG_US;
    return vg_parse_ratio(type->default_fail, &limit) < 0 ? NAN : limit;
}

static struct vg_judge_limit make_bounds(const struct vg_bounds *bounds)
{
    return (struct vg_judge_limit){.given = bounds->has_min || bounds->has_max,
                                   .min = bounds->has_min ? bounds->min : -INFINITY,
                                   .max = bounds->has_max ? bounds->max : INFINITY};
}

static struct vg_judge_limit make_most(double most, bool at)
{
    return (struct vg_judge_limit){.given = !isnan(most), .min = -INFINITY, .max = most, .at = at};
}

static void find_limits(struct vg_judged *judged)
{
    const struct vg_rule *rule = judged->measure->rule;
    const struct vg_limits *limits = &rule->limits;
    if (rule->type->bounds == VG_BOUNDS_ON_VALUE) {
        judged->fail = make_bounds(&limits->bounds);
        judged->warn = make_bounds(&limits->warn_bounds);
        return;
    }
    bool at = rule->type->at_limit;
    bool none = !limits->has_fail && !limits->has_warn && rule->policy != VG_POLICY_BUDGET;
    judged->fail = make_most(limits->has_fail ? limits->fail
                             : none           ? find_default_limit(judged->measure)
                                              : NAN,
                             at);
    judged->warn = make_most(limits->has_warn ? limits->warn : NAN, at);
}

/* --- policies --- */

/* All of what the exact value may be lies beyond the limit. */
static bool breaks(const struct vg_judge_limit *limit, const struct vg_measure *measure)
{
    double lo = measure->bounded ? measure->lo : measure->value;
    double hi = measure->bounded ? measure->hi : measure->value;
    return limit->given && (hi < limit->min || lo > limit->max || (limit->at && lo == limit->max));
}

static enum vg_verdict judge_value(const struct vg_judged *judged)
{
    if (breaks(&judged->fail, judged->measure))
        return VG_FAIL;
    return breaks(&judged->warn, judged->measure) ? VG_WARN : VG_PASS;
}

/* What has no p is a hard rule of the budget, with a limit of its own. */
static bool is_hard(const struct vg_measure *measure)
{
    return measure->rule->policy == VG_POLICY_BUDGET && isnan(measure->p_value);
}

static enum vg_verdict judge_budget(const struct vg_measure *measure)
{
    bool below = measure->p_value < measure->level && !measure->slight;
    return below || (is_hard(measure) && measure->value > measure->limit) ? VG_FAIL : VG_PASS;
}

/* p below the limits; of bh `p` is the adjusted one and may reach them. */
static enum vg_verdict judge_p(const struct vg_judged *judged)
{
    if (judged->measure->rule->policy == VG_POLICY_BUDGET)
        return judge_budget(judged->measure);
    bool bh = judged->measure->rule->policy == VG_POLICY_BH;
    double p = judged->p;
    if (judged->fail.given && (p < judged->fail.max || (bh && p <= judged->fail.max)))
        return VG_FAIL;
    bool warns = judged->warn.given && (p < judged->warn.max || (bh && p <= judged->warn.max));
    return warns ? VG_WARN : VG_PASS;
}

static int compare_p(const void *a, const void *b)
{
    double x = (*(struct vg_judged *const *)a)->p, y = (*(struct vg_judged *const *)b)->p;
    return (x > y) - (x < y);
}

/* Replaces p by min over j >= i of p_(j) tests / j, for the i-th smallest: rejecting where this is
 * at most q is the procedure of Benjamini and Hochberg at level q, whatever q a rule has. */
static int adjust_p(struct vg_judged *items, size_t n, struct vg_arena *arena)
{
    struct vg_judged **tests = vg_arena_array(arena, n, sizeof *tests);
    if (!tests)
        return -1;
    size_t ntests = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].look == VG_PASS && items[i].measure->rule->policy == VG_POLICY_BH)
            tests[ntests++] = &items[i];
    }
    if (ntests)
        qsort(tests, ntests, sizeof *tests, compare_p);
    double least = 1;
    for (size_t i = ntests; i-- > 0;) {
        least = fmin(least, tests[i]->p * (double)ntests / (double)(i + 1));
        tests[i]->p = least;
        tests[i]->tests = ntests;
    }
    return 0;
}

/* Whether the measure can be judged; what keeps it from being goes to look and why. */
static void look(struct vg_judged *judged)
{
    const struct vg_measure *measure = judged->measure;
    bool by_p = measure->rule->policy != VG_POLICY_THRESHOLD;
    double min_rows = find_min_rows(measure->rule), n = measure->n_now;
    judged->look = measure->look;
    judged->p = measure->p_value;
    if (is_hard(measure))
        return;
    if (measure->look == VG_PASS && n < min_rows) {
        judged->look = VG_NODATA;
        judged->min_rows = min_rows;
    } else if (measure->look == VG_PASS && isnan(by_p ? judged->p : measure->value) &&
               (judged->fail.given || judged->warn.given)) {
        judged->look = VG_NODATA;
    }
}

static enum vg_verdict judge_one(const struct vg_judged *judged)
{
    if (judged->look != VG_PASS)
        return judged->look;
    bool by_p = judged->measure->rule->policy != VG_POLICY_THRESHOLD;
    enum vg_verdict verdict = by_p ? judge_p(judged) : judge_value(judged);
    return verdict > judged->measure->at_most ? judged->measure->at_most : verdict;
}

/* --- the worst of each rule --- */

/* Order in which verdicts of one rule replace each other. */
static int rank(enum vg_verdict verdict)
{
    static const int ranks[] = {
        [VG_NODATA] = 0, [VG_UNKNOWN] = 1, [VG_PASS] = 2, [VG_WARN] = 3, [VG_FAIL] = 4};
    return ranks[verdict];
}

static bool same_alert(const struct vg_measure *a, const struct vg_measure *b)
{
    return a->rule == b->rule && vg_streq(a->segment, b->segment);
}

static size_t pick_worst(const struct vg_judged *items, size_t n, const struct vg_judged **worst)
{
    size_t nworst = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = nworst; /* the newest are looked at first: measures of a rule come together */
        while (at > 0 && !same_alert(worst[at - 1]->measure, items[i].measure))
            at--;
        if (at == 0)
            worst[nworst++] = &items[i];
        else if (rank(items[i].verdict) > rank(worst[at - 1]->verdict))
            worst[at - 1] = &items[i];
    }
    return nworst;
}

/* --- results --- */

/* The limit that was broken, or else is nearest. NAN without. */
static double show_limit(const struct vg_judge_limit *limit, double value)
{
    if (!limit->given)
        return NAN;
    if (isinf(limit->min))
        return limit->max;
    if (isinf(limit->max))
        return limit->min;
    return fabs(value - limit->min) < fabs(value - limit->max) ? limit->min : limit->max;
}

/* A copy in arena; NULL stays NULL. *ok false when out of memory. */
static const char *copy_text(const char *s, struct vg_arena *arena, bool *ok)
{
    char *copy = vg_arena_strdup(arena, s);
    *ok &= copy || !s;
    return copy;
}

static struct vg_strings copy_texts(const struct vg_strings *texts, struct vg_arena *arena,
                                    bool *ok)
{
    const char **items = vg_arena_array(arena, texts->n, sizeof *items);
    *ok &= items != NULL;
    for (size_t i = 0; items && i < texts->n; i++)
        items[i] = copy_text(texts->items[i], arena, ok);
    return (struct vg_strings){items, items ? texts->n : 0};
}

static void fill_numbers(const struct vg_judged *judged, struct vg_result *result)
{
    const struct vg_measure *measure = judged->measure;
    bool by_p = measure->rule->policy != VG_POLICY_THRESHOLD;
    result->verdict = judged->verdict;
    result->value = measure->value;
    result->bounded = measure->bounded;
    result->lo = measure->lo;
    result->hi = measure->hi;
    bool budget = measure->rule->policy == VG_POLICY_BUDGET;
    result->limit = budget ? measure->limit
                    : by_p ? NAN
                           : show_limit(&judged->fail, measure->value);
    result->warn_limit = by_p ? NAN : show_limit(&judged->warn, measure->value);
    result->p_value = measure->p_value;
    result->by_p = by_p;
    result->level = budget ? measure->level : by_p && judged->fail.given ? judged->fail.max : NAN;
    result->standing = judged->look == VG_NODATA && measure->standing;
    result->readings = measure->readings;
    result->nreadings = measure->nreadings;
    result->effect = measure->effect;
    result->n = measure->n_now;
    result->n_ref = measure->n_ref;
    result->direction = measure->direction;
    result->fingerprint = measure->fingerprint;
    result->moved = result->importance = NAN;
}

static void fill_alerting(const struct vg_measure *measure, struct vg_result *result)
{
    const struct vg_rule *rule = measure->rule;
    bool often = rule->dataset->schedule.window_us <= VG_HOUR_US;
    result->after = rule->after != VG_DEFAULT ? rule->after : 1;
    result->resolve_after = rule->resolve_after != VG_DEFAULT ? rule->resolve_after
                            : measure->resolve_after          ? measure->resolve_after
                            : often                           ? DEFAULT_RESOLVE_AFTER
                                                              : 1;
    result->blind_after_us =
        rule->blind_after_us != VG_DEFAULT ? rule->blind_after_us : default_blind_after_us;
    result->severity = rule->severity;
}

static bool has_words(const struct vg_judged *judged, bool terse)
{
    return !terse || (judged->verdict != VG_PASS && judged->verdict != VG_NODATA);
}

static int fill_result(const struct vg_judged *judged, bool terse, struct vg_arena *arena,
                       struct vg_result *result)
{
    const struct vg_rule *rule = judged->measure->rule;
    bool ok = true;
    fill_numbers(judged, result);
    fill_alerting(judged->measure, result);
    result->rule = copy_text(rule->id, arena, &ok);
    result->check = copy_text(rule->type->name, arena, &ok);
    result->column = copy_text(rule->column, arena, &ok);
    result->segment = copy_text(judged->measure->segment, arena, &ok);
    result->class = rule->type->class;
    result->cadence = rule->type->cadence;
    result->unit = rule->type->unit;
    result->why = has_words(judged, terse) ? vg_judge_text(judged, arena) : "";
    result->description = copy_text(rule->description, arena, &ok);
    result->runbook = copy_text(rule->runbook, arena, &ok);
    result->file = copy_text(rule->loc.file ? rule->loc.file : rule->dataset->file, arena, &ok);
    result->line = rule->loc.line;
    result->to = copy_texts(&rule->to, arena, &ok);
    result->warn_to = copy_texts(&rule->warn_to, arena, &ok);
    result->was = copy_text(rule->was, arena, &ok);
    if (rule->against)
        result->against = copy_text(rule->dataset->others[rule->against - 1].name, arena, &ok);
    if (judged->verdict == VG_FAIL || judged->verdict == VG_WARN) {
        result->keys = judged->measure->keys; /* in the same arena as the measures */
        result->nkeys = judged->measure->nkeys;
    }
    return ok && result->why ? 0 : -1;
}

int vg_judge(const struct vg_measures *measures, struct vg_arena *arena, struct vg_result **out,
             size_t *n, struct vg_error *err)
{
    struct vg_judged *items = vg_arena_array(arena, measures->n, sizeof *items);
    const struct vg_judged **worst = vg_arena_array(arena, measures->n, sizeof *worst);
    if (!items || !worst)
        return fail_memory(err);
    for (size_t i = 0; i < measures->n; i++) {
        items[i].measure = &measures->items[i];
        find_limits(&items[i]);
        look(&items[i]);
    }
    if (adjust_p(items, measures->n, arena) < 0)
        return fail_memory(err);
    for (size_t i = 0; i < measures->n; i++)
        items[i].verdict = judge_one(&items[i]);
    *n = pick_worst(items, measures->n, worst);
    *out = vg_arena_array(arena, *n, sizeof **out);
    for (size_t i = 0; *out && i < *n; i++) {
        if (fill_result(worst[i], measures->terse, arena, &(*out)[i]) < 0)
            return fail_memory(err);
    }
    return *out ? 0 : fail_memory(err);
}
