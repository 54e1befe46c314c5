/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tuned thresholds as a piece of a rule file: limits only, each beside what stands there now. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "agent/commands/backtest_show.h"
#include "agent/suggest_parts.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

static void put_name(struct vg_buf *out, const char *name)
{
    vg_suggest_put(out, name, false);
}

static bool is_tuned(const struct vg_backtest_rule *rule)
{
    return !isnan(rule->tuned);
}

static void put_value(struct vg_buf *out, const struct vg_backtest_rule *rule, double limit)
{
    char text[VG_NUMBER_TEXT], length[VG_DURATION_TEXT];
    bool time = rule->rule->type->unit == VG_UNIT_SECONDS && fabs(limit) < 1e12;
    vg_buf_puts(out, time ? vg_format_duration((int64_t)llround(limit * (double)VG_US), length)
                          : vg_format_double(limit, text));
}

/* The limit, and beside it what becomes of it, and of the one that stands there now. */
static void put_limit(struct vg_buf *out, const struct vg_backtest_rule *rule)
{
    const struct vg_limits *limits = &rule->rule->limits;
    vg_buf_puts(out, "{fail: ");
    put_value(out, rule, rule->tuned);
    vg_buf_puts(out, ", id: ");
    put_name(out, rule->id);
    vg_buf_printf(out, "}  # above it %" PRIu64 " of %" PRIu64 " windows; above ", rule->above,
                  rule->known);
    put_value(out, rule, limits->fail);
    vg_buf_printf(out, ", as it is now, %" PRIu64 ", fired %zu time%s", rule->above_now,
                  rule->fired, rule->fired == 1 ? "" : "s");
    if (limits->has_warn && limits->warn >= rule->tuned) {
        vg_buf_puts(out, "; warn, now ");
        put_value(out, rule, limits->warn);
        vg_buf_puts(out, ", must be below it");
    }
    vg_buf_puts(out, "\n");
}

static bool is_of(const struct vg_backtest_rule *rule, const char *column, const char *check)
{
    return is_tuned(rule) && vg_streq(rule->column, column) && vg_streq(rule->check, check);
}

static size_t count_of(const struct vg_backtest *test, size_t end, const char *column,
                       const char *check)
{
    size_t n = 0;
    for (size_t i = 0; i < end; i++)
        n += is_of(&test->rules[i], column, check);
    return n;
}

/* One limit behind the name of its check, several as a list below it. */
static void put_check(struct vg_buf *out, const struct vg_backtest *test, size_t first,
                      const char *indent)
{
    const char *column = test->rules[first].column, *check = test->rules[first].check;
    bool several = count_of(test, test->nrules, column, check) > 1;
    vg_buf_puts(out, indent);
    put_name(out, check);
    vg_buf_puts(out, several ? ":\n" : ": ");
    for (size_t i = first; i < test->nrules; i++) {
        if (!is_of(&test->rules[i], column, check))
            continue;
        if (several)
            vg_buf_printf(out, "%s  - ", indent);
        put_limit(out, &test->rules[i]);
    }
}

static void put_checks(struct vg_buf *out, const struct vg_backtest *test, const char *column,
                       bool drift)
{
    bool headed = !drift;
    for (size_t i = 0; i < test->nrules; i++) {
        const struct vg_backtest_rule *rule = &test->rules[i];
        bool is_drift = rule->rule->type->class == VG_CLASS_DRIFT;
        if (!is_of(rule, column, rule->check) || is_drift != drift ||
            count_of(test, i, column, rule->check))
            continue;
        if (!headed)
            vg_buf_puts(out, "    drift:\n");
        headed = true;
        put_check(out, test, i, drift ? "      " : "    ");
    }
}

static bool is_first(const struct vg_backtest *test, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (is_tuned(&test->rules[i]) && vg_streq(test->rules[i].column, test->rules[at].column))
            return false;
    }
    return true;
}

static void put_columns(struct vg_buf *out, const struct vg_backtest *test)
{
    bool headed = false;
    for (size_t i = 0; i < test->nrules; i++) {
        const char *column = test->rules[i].column;
        if (!is_tuned(&test->rules[i]) || !column || !is_first(test, i))
            continue;
        vg_buf_puts(out, headed ? "  " : "columns:\n  ");
        headed = true;
        put_name(out, column);
        vg_buf_puts(out, ":\n");
        put_checks(out, test, column, false);
        put_checks(out, test, column, true);
    }
}

static void put_others(struct vg_buf *out, const struct vg_backtest *test)
{
    bool headed = false;
    for (size_t i = 0; i < test->nrules; i++) {
        const struct vg_backtest_rule *rule = &test->rules[i];
        if (!is_tuned(rule) || rule->column)
            continue;
        vg_buf_puts(out, headed ? "  - " : "checks:\n  - ");
        headed = true;
        put_name(out, rule->check);
        vg_buf_puts(out, ": ");
        put_limit(out, rule);
    }
}

static void put_untuned(struct vg_buf *out, const struct vg_backtest *test)
{
    bool headed = false;
    for (size_t i = 0; i < test->nrules; i++) {
        const struct vg_backtest_rule *rule = &test->rules[i];
        if (is_tuned(rule) || !rule->why_untuned)
            continue;
        vg_buf_puts(out, headed ? "" : "# No limit is proposed for:\n");
        headed = true;
        vg_buf_puts(out, "#   ");
        put_name(out, rule->id);
        vg_buf_printf(out, ": %s\n", rule->why_untuned);
    }
}

void vg_backtest_yaml(const struct vg_backtest *test, struct vg_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < test->nrules; i++)
        any |= is_tuned(&test->rules[i]);
    if (any)
        vg_buf_puts(out, "# The smallest limits that open at most one incident over these windows; "
                         "of each rule\n# all else stays as it is.\n");
    put_columns(out, test);
    put_others(out, test);
    put_untuned(out, test);
}
