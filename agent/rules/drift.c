/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How drift rules come to their verdicts, as it is written: `drift: true` and `drift: false`, the
 * budget of false incidents, and the policy of a single rule. Promises that a policy is only chosen
 * where its check has a p-value, and that the budget is a rate above zero, of
 * fewer incidents than there are tests. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/rules/reading.h"
#include "pgvigil/text.h"

/* Days of the last word of a budget, or 0. */
static double find_period(const char *word)
{
    static const struct {
        const char *word;
        double days;
    } periods[] = {{"day", 1}, {"week", 7}, {"month", 30}};
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        if (!strcmp(word, periods[i].word))
            return periods[i].days;
    }
    return 0;
}

void vg_rule_budget(struct vg_rule_reading *in, const struct vg_node *node, const char *text,
                    int64_t base_us)
{
    char number[VG_NUMBER_TEXT];
    const char *per = strstr(text, " per ");
    size_t n = per ? (size_t)(per - text) : 0;
    double rate = 0, days = per ? find_period(per + 5) : 0;
    if (n && n < sizeof number) {
        memcpy(number, text, n);
        number[n] = '\0';
        if (vg_parse_double(number, &rate) < 0)
            rate = 0;
    }
    /* The shortest base windows there can be: what is chosen at a capture is at least an hour. */
    int64_t window_us = in->dataset->schedule.window_us;
    int64_t least_us = base_us ? base_us : window_us > VG_HOUR_US ? window_us : VG_HOUR_US;
    double most = fmax((double)VG_DAY_US / (double)least_us, 1);
    if (days > 0 && rate > 0 && rate / days <= most)
        in->dataset->budget_per_day = rate / days;
    else if (days > 0 && rate > 0)
        vg_read_fault(&in->r, node->loc, "budget: 1 per week",
                      "budget: %s is more than one false incident in every base window",
                      vg_read_shown(&in->r, text));
    else
        vg_read_fault(&in->r, node->loc, "budget: 1 per week",
                      "budget must be a number above 0 per day, week or month, not \"%s\"",
                      vg_read_shown(&in->r, text));
}

bool vg_node_off(const struct vg_node *node)
{
    return node->kind == VG_NODE_SCALAR && node->plain && !strcmp(node->text, "false");
}

bool vg_rule_budget_switch(struct vg_rule_reading *in, const struct vg_node *node,
                           const char *column)
{
    bool on = node->kind == VG_NODE_SCALAR && node->plain && !strcmp(node->text, "true");
    if (on) {
        struct vg_rule_site site = {vg_check_find("budget"), column, node->loc};
        if (!site.type)
            BUG("there is no check budget");
        vg_rule_read(in, &site, node);
    } else if (vg_node_off(node) && !strcmp(column, "*"))
        vg_read_fault(&in->r, node->loc, "leave it out", "drift is off unless it is asked for");
    return on || vg_node_off(node);
}

void vg_rule_policy(struct vg_rule_reading *in, const struct vg_node *node, int policy,
                    struct vg_rule *rule)
{
    static const enum vg_policy policies[] = {VG_POLICY_THRESHOLD, VG_POLICY_P_VALUE, VG_POLICY_BH};
    const struct vg_check_type *type = rule->type;
    if (!vg_node_get(node, "policy"))
        return;
    struct vg_loc loc = vg_key_loc(node, "policy");
    if (type->policy == VG_POLICY_BUDGET)
        vg_read_fault(&in->r, loc, "leave it out", "%s is a policy itself", type->name);
    else if (!type->has_p && policy)
        vg_read_fault(&in->r, loc, "leave it out",
                      "%s has no p-value, so its limit is one of the value", type->name);
    else
        rule->policy = policies[policy];
}
