/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sentence of a verdict. The check's own words come first, the comparison with the limit after
 * them; a passing verdict has its numbers too. Pure. */
#include "agent/judge_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/check.h"
#include "pgvigil/text.h"

enum { MOST_TEXT = 4096, VALUE_DIGITS = 4, LIMIT_DIGITS = 12 };

static bool is_percent(const struct vg_check_type *type)
{
    return type->unit == VG_UNIT_RATIO && type->class != VG_CLASS_DRIFT &&
           type->class != VG_CLASS_PERFORMANCE;
}

static void write_value(const struct vg_check_type *type, double value, int digits,
                        char out[VG_VALUE_TEXT])
{
    char number[VG_NUMBER_TEXT];
    if (is_percent(type))
        snprintf(out, VG_VALUE_TEXT, "%s%%", vg_format_human(100 * value, digits, number));
    else
        vg_value_text(value, type->unit, digits, out);
}

/* A limit is shown as it was written, which a value need not be. */
static void write_limit(const struct vg_measure *measure, double limit, char out[VG_VALUE_TEXT])
{
    const struct vg_check_type *type = measure->rule->type;
    char number[VG_TIME_TEXT];
    if (measure->is_time && fabs(limit) < 9e18)
        snprintf(out, VG_VALUE_TEXT, "%s", vg_format_time((int64_t)limit, number));
    else if (type->unit == VG_UNIT_SECONDS && fabs(limit) < 1e12)
        snprintf(out, VG_VALUE_TEXT, "%s",
                 vg_format_duration((int64_t)llround(limit * (double)VG_US), number));
    else
        write_value(type, limit, LIMIT_DIGITS, out);
}

static void add_p(struct vg_buf *text, const char *before, double p)
{
    if (p < 1e-300)
        vg_buf_printf(text, "%sp < 1e-300", before);
    else
        vg_buf_printf(text, "%sp %.2g", before, p);
}

/* "above 0.35", "limit 0.35", "below 2500", "within [10, 20]", "at least 10" */
static void add_limit(struct vg_buf *text, const struct vg_judged *judged,
                      const struct vg_judge_limit *limit, const char *name)
{
    const struct vg_measure *measure = judged->measure;
    double lo = measure->bounded ? measure->lo : measure->value;
    double hi = measure->bounded ? measure->hi : measure->value;
    char min[VG_VALUE_TEXT], max[VG_VALUE_TEXT];
    write_limit(measure, limit->min, min);
    write_limit(measure, limit->max, max);
    if (hi < limit->min)
        vg_buf_printf(text, "below %s%s", name, min);
    else if (lo > limit->max && !isinf(lo))
        vg_buf_printf(text, "above %s%s", name, max);
    else if (limit->at && lo == limit->max)
        vg_buf_printf(text, "at %s%s", *name ? name : "the limit ", max);
    else if (isinf(limit->min))
        vg_buf_printf(text, "limit %s", max);
    else if (isinf(limit->max))
        vg_buf_printf(text, "at least %s", min);
    else
        vg_buf_printf(text, "within [%s, %s]", min, max);
}

/* Whether nobody can say on which side of a limit the exact value lies: "above", "below" it, or
 * NULL. */
static const char *find_doubt(const struct vg_measure *measure, const struct vg_judge_limit *limit)
{
    if (!measure->bounded || !limit->given)
        return NULL;
    if (measure->lo <= limit->max && measure->hi > limit->max)
        return "above";
    return measure->lo < limit->min && measure->hi >= limit->min ? "below" : NULL;
}

static void add_threshold(struct vg_buf *text, const struct vg_judged *judged)
{
    const struct vg_measure *measure = judged->measure;
    const struct vg_check_type *type = measure->rule->type;
    bool warned = judged->verdict == VG_WARN && measure->at_most != VG_WARN;
    const struct vg_judge_limit *limit = warned ? &judged->warn : &judged->fail;
    if (!limit->given)
        limit = &judged->warn;
    bool counted = type->unit == VG_UNIT_COUNT && limit->max == 0; /* the words say it all */
    if (!limit->given || counted)
        return;
    bool plain = type->class == VG_CLASS_DRIFT && judged->verdict != VG_PASS;
    if (is_percent(type) && limit->max == 0) {
        vg_buf_puts(text, ", none allowed");
        return;
    }
    vg_buf_puts(text, plain ? " " : ", ");
    const char *doubt = judged->verdict == VG_FAIL ? NULL : find_doubt(measure, &judged->fail);
    if (!doubt || limit == &judged->warn)
        add_limit(text, judged, limit, limit == &judged->warn ? "the warning limit " : "");
    if (!doubt)
        return;
    char shown[VG_VALUE_TEXT];
    write_limit(measure, *doubt == 'a' ? judged->fail.max : judged->fail.min, shown);
    vg_buf_printf(text, "%slimit %s within these bounds, so not counted as %s it",
                  limit == &judged->warn ? ", " : "", shown, doubt);
}

static void add_level(struct vg_buf *text, const struct vg_judged *judged)
{
    char level[VG_NUMBER_TEXT];
    double limit =
        judged->verdict == VG_WARN || !judged->fail.given ? judged->warn.max : judged->fail.max;
    if (judged->measure->rule->policy == VG_POLICY_BUDGET) {
        if (!isnan(judged->p))
            vg_buf_printf(text, ", %s %s", judged->verdict == VG_PASS ? "level" : "below its level",
                          vg_format_human(judged->measure->level, 2, level));
        if (judged->measure->slight)
            vg_buf_puts(text, ", but too slight or of too few rows to count");
        return;
    }
    if (judged->tests) {
        vg_buf_printf(text, ", adjusted for %zu test%s", judged->tests,
                      judged->tests == 1 ? "" : "s");
        add_p(text, " ", judged->p);
    }
    vg_buf_printf(text, ", %s %s", judged->verdict == VG_PASS ? "level" : "below",
                  vg_format_human(limit, LIMIT_DIGITS, level));
}

/* Bytes of a measure's words without a character that their size has cut in the middle. */
static size_t measure_whole(const char *why)
{
    size_t n = strlen(why);
    return n == VG_WHY - 1 ? vg_utf8_whole(why, n) : n;
}

static void add_why(struct vg_buf *text, const char *why)
{
    vg_buf_add(text, why, measure_whole(why));
}

static void add_found(struct vg_buf *text, const struct vg_judged *judged)
{
    const struct vg_measure *measure = judged->measure;
    const struct vg_check_type *type = measure->rule->type;
    char value[VG_VALUE_TEXT];
    write_value(type, measure->value, VALUE_DIGITS, value);
    if (!*measure->why)
        vg_buf_printf(text, "%s %s", type->name, value);
    else
        add_why(text, measure->why);
    if (*measure->why && is_percent(type) && measure->value > 0)
        vg_buf_printf(text, " (%s)", value);
    bool by_p = measure->rule->policy != VG_POLICY_THRESHOLD;
    if (!by_p)
        add_threshold(text, judged);
    if (measure->direction)
        vg_buf_puts(text, measure->direction > 0 ? ", upwards" : ", downwards");
    if (!isnan(measure->p_value))
        add_p(text, "; ", measure->p_value);
    if (by_p)
        add_level(text, judged);
}

static void add_too_few(struct vg_buf *text, const struct vg_judged *judged)
{
    double n = judged->measure->n_now;
    if (n > 0)
        vg_buf_printf(text, "only %.0f row%s, %.0f needed", n, n == 1 ? "" : "s", judged->min_rows);
    else
        vg_buf_puts(text, "no rows to look at");
}

/* Appends as one line of clean UTF-8. */
static void add_clean(struct vg_buf *out, char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' || s[i] == '\t')
            s[i] = ' ';
    }
    vg_utf8_clean(out, s, n, true);
}

const char *vg_judge_text(const struct vg_judged *judged, struct vg_arena *arena)
{
    const char *copy = NULL;
    struct vg_buf raw, clean;
    vg_buf_init(&raw, MOST_TEXT);
    vg_buf_init(&clean, 4 * MOST_TEXT);
    if (judged->min_rows > 0)
        add_too_few(&raw, judged);
    else if (judged->look == VG_PASS)
        add_found(&raw, judged);
    else if (*judged->measure->why)
        add_why(&raw, judged->measure->why);
    else
        vg_buf_puts(&raw, "nothing to look at");
    add_clean(&clean, raw.data, raw.len);
    if (!raw.failed && !clean.failed)
        copy = vg_arena_strndup(arena, clean.data, clean.len);
    vg_buf_free(&raw);
    vg_buf_free(&clean);
    return copy;
}
