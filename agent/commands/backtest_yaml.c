/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tuned thresholds as a piece of a rule file: limits only, each beside what stands there now. */
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
    return rule->values && !isnan(rule->tuned);
}

static bool has_value(const struct vg_backtest *test, const struct vg_backtest_rule *rule)
{
    for (uint64_t i = 0; i < test->windows; i++) {
        if (!isnan(rule->values[i]))
            return true;
    }
    return false;
}

static void put_limit(struct vg_buf *out, const struct vg_backtest_rule *rule)
{
    char limit[VG_NUMBER_TEXT], now[VG_NUMBER_TEXT];
    put_name(out, rule->check);
    vg_buf_printf(out, ": {fail: %s, id: ", vg_format_double(rule->tuned, limit));
    put_name(out, rule->id);
    vg_buf_printf(out, "}  # now %s, fired %zu times\n",
                  vg_format_double(rule->rule->limits.fail, now), rule->fired);
}

static void put_column(struct vg_buf *out, const struct vg_backtest *test, size_t first)
{
    const char *column = test->rules[first].column;
    vg_buf_puts(out, "  ");
    put_name(out, column);
    vg_buf_puts(out, ":\n");
    for (int drift = 0; drift <= 1; drift++) {
        bool headed = false;
        for (size_t i = first; i < test->nrules; i++) {
            const struct vg_backtest_rule *rule = &test->rules[i];
            bool is_drift = rule->rule->type->class == VG_CLASS_DRIFT;
            if (!is_tuned(rule) || !vg_streq(rule->column, column) || is_drift != (drift == 1))
                continue;
            if (drift && !headed)
                vg_buf_puts(out, "    drift:\n");
            headed = true;
            vg_buf_puts(out, drift ? "      " : "    ");
            put_limit(out, rule);
        }
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

void vg_backtest_yaml(const struct vg_backtest *test, struct vg_buf *out)
{
    size_t columns = 0, others = 0, none = 0, mute = 0;
    for (size_t i = 0; i < test->nrules; i++) {
        columns += is_tuned(&test->rules[i]) && test->rules[i].column;
        others += is_tuned(&test->rules[i]) && !test->rules[i].column;
        bool lacks = test->rules[i].values && isnan(test->rules[i].tuned);
        mute += lacks && !has_value(test, &test->rules[i]);
        none += lacks && has_value(test, &test->rules[i]);
    }
    vg_buf_puts(out, "# The smallest limits that open at most one incident over these windows.\n");
    if (none)
        vg_buf_printf(out, "# Of %zu rules none does: their windows differ too much.\n", none);
    if (mute)
        vg_buf_printf(out, "# For %zu rules there is none: no window gave them a value.\n", mute);
    vg_buf_puts(out, columns ? "columns:\n" : "");
    for (size_t i = 0; i < test->nrules; i++) {
        if (is_tuned(&test->rules[i]) && test->rules[i].column && is_first(test, i))
            put_column(out, test, i);
    }
    vg_buf_puts(out, others ? "checks:\n" : "");
    for (size_t i = 0; i < test->nrules; i++) {
        if (!is_tuned(&test->rules[i]) || test->rules[i].column)
            continue;
        vg_buf_puts(out, "  - ");
        put_limit(out, &test->rules[i]);
    }
}
