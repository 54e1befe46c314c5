/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delay: the share of rows that took longer than `most` from one time column to another, by default
 * the dataset's time column: ingestion delay. A row that arrives before it left offends too, unless
 * `negative: skip`; infinite times offend; rows with a NULL in either column are not tested. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "checks/ask_row.h"
#include "pgvigil/text.h"

enum { NEGATIVE_FAIL, NEGATIVE_SKIP };
static const char *const negative_choices[] = {"fail", "skip", NULL};

struct params {
    const char *from, *to;
    int64_t most_us;
    int negative;
};

static const char *find_to(const struct vg_rule *rule)
{
    const struct params *params = rule->params;
    return params->to ? params->to : rule->dataset->time_column;
}

static void validate_delay(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    const char *to = find_to(rule);
    if (!to)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "to: a time column",
                    "delay needs \"to\": the dataset has no time column");
    else if (vg_streq(params->from, to))
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "from: another time column",
                    "delay from %s to itself is always 0", to);
}

static const struct vg_catalog_column *find_time(const struct vg_asked *asked, const char *name,
                                                 struct vg_error *err)
{
    const struct vg_catalog_column *column = vg_catalog_find(asked->catalog, name);
    if (!column)
        vg_fail(err, VG_E_NOT_FOUND, "column %s does not exist in %s", name,
                asked->rule->dataset->table);
    else if (column->unreadable)
        vg_fail(err, VG_E_CONFIG, "no permission to read column %s", name);
    else if (column->kind != VG_KIND_TIME)
        vg_fail(err, VG_E_CONFIG, "delay does not fit column %s of type %s", name, column->type);
    else
        return column;
    return NULL;
}

static int write_delay(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    const struct params *params = asked->rule->params;
    struct vg_ask_delay delay = {.zone = asked->rule->dataset->zone,
                                 .most_us = params->most_us,
                                 .negative = params->negative == NEGATIVE_FAIL};
    delay.from = find_time(asked, params->from, err);
    delay.to = delay.from ? find_time(asked, find_to(asked->rule), err) : NULL;
    if (!delay.to)
        return -1;
    vg_ask_row_delay(out, &delay);
    return 0;
}

static int measure_delay(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    char most[VG_DURATION_TEXT];
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " took more than %s%s from %s to %s",
             vg_format_duration(params->most_us, most),
             params->negative == NEGATIVE_FAIL ? " or less than nothing" : "", params->from,
             find_to(rule));
    return 0;
}

static const struct vg_param delay_params[] = {
    {"from", VG_PARAM_STRING, offsetof(struct params, from), true, NULL, NULL,
     "time column at which the delay begins"},
    {"to", VG_PARAM_STRING, offsetof(struct params, to), false, NULL, NULL,
     "time column at which it ends; if none is written the dataset's time column"},
    {"most", VG_PARAM_DURATION, offsetof(struct params, most_us), true, NULL, NULL,
     "longest delay that is fine"},
    {"negative", VG_PARAM_CHOICE, offsetof(struct params, negative), false, "fail",
     negative_choices, "a row that ends before it begins: fail lets it offend, skip does not"},
};

const struct vg_check_type vg_check_delay = {
    .name = "delay",
    .doc = "Share of rows with too long a delay between two time columns, or a negative one. Rows "
           "with a NULL in either are not tested.",
    .class = VG_CLASS_FRESHNESS,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .filterable = true,
    .needs = VG_NEEDS_CONDITION,
    .min_rows = 1,
    .default_fail = "0",
    .params = delay_params,
    .nparams = sizeof delay_params / sizeof *delay_params,
    .params_size = sizeof(struct params),
    .validate = validate_delay,
    .offends = vg_check_offends_condition,
    .condition = write_delay,
    .measure = measure_delay,
};
