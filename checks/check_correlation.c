/* SPDX-License-Identifier: GPL-3.0-or-later */
/* correlation: the pair of columns whose rank correlation is farthest from the reference's, on the
 * scale of Fisher's z. It sees columns that come apart, each looking as ever. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks/check_drift.h"
#include "checks/check_pairs.h"
#include "checks/stat_pairs.h"

enum { DIGITS = 3 };

/* The pair by name, unless one of the two is private. */
static void name_pair(const struct vg_rule *rule, const struct vg_pairs *pairs,
                      const struct vg_fisher *fisher, struct vg_measure *measure)
{
    const char *a = pairs->names[fisher->i], *b = pairs->names[fisher->j];
    char value[VG_VALUE_TEXT], now[VG_VALUE_TEXT], then[VG_VALUE_TEXT];
    bool hidden =
        vg_dataset_is_private(rule->dataset, a) || vg_dataset_is_private(rule->dataset, b);
    vg_value_text(fisher->value, VG_UNIT_RATIO, DIGITS, value);
    vg_value_text(fisher->now, VG_UNIT_RATIO, DIGITS, now);
    vg_value_text(fisher->then, VG_UNIT_RATIO, DIGITS, then);
    snprintf(measure->why, sizeof measure->why,
             "max |z| %s: %s%s%s correlate by %s, by %s in the reference", value,
             hidden ? "two columns, one of them private," : a, hidden ? "" : " and ",
             hidden ? "" : b, now, then);
}

static void say_pairs(const struct vg_fisher *fisher, struct vg_measure *measure)
{
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, ", of %zu pair%s", fisher->compared,
             fisher->compared == 1 ? "" : "s");
    used = strlen(measure->why);
    if (fisher->left)
        snprintf(measure->why + used, sizeof measure->why - used,
                 ", %zu left out as constant or too few", fisher->left);
}

static int compare(const struct vg_rule *rule, const struct vg_pairs_drift *drift,
                   struct vg_measures *out, struct vg_error *err)
{
    int64_t least = rule->min_rows == VG_DEFAULT ? rule->type->min_rows : rule->min_rows;
    struct vg_fisher fisher = vg_pairs_fisher(drift->then, drift->now, (double)least);
    if (!fisher.compared)
        return vg_drift_skip(rule, out, VG_NODATA,
                             "no two columns vary and have enough rows in common", err);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value = fisher.value;
    measure->effect = tanh(fisher.value);
    measure->p_value = fisher.p;
    measure->n_now = fisher.rows;
    measure->n_ref = (double)vg_pairs_at(drift->then, fisher.i, fisher.j)->n;
    measure->direction = (fisher.now > fisher.then) - (fisher.now < fisher.then);
    name_pair(rule, drift->now, &fisher, measure);
    say_pairs(&fisher, measure);
    vg_pairs_say_lost(measure, drift);
    vg_drift_floor(measure, fisher.floor);
    return 0;
}

static int measure_correlation(const struct vg_rule *rule, const struct vg_evidence *evidence,
                               struct vg_measures *out, struct vg_error *err)
{
    return vg_pairs_measure(rule, evidence, out, compare, err);
}

static const struct vg_param correlation_params[] = {VG_PAIRS_PARAM};

const struct vg_check_type vg_check_correlation = {
    .name = "correlation",
    .doc = "Largest change of a rank correlation between two columns, |atanh r - atanh r_ref| (max "
           "|Fisher z|); the pair is named. p holds for independent rows and allows for all pairs "
           "(Bonferroni). At the noise floor of that many rows or below it nothing fails. Rows "
           "with a NULL, NaN or infinity in one of two columns are left out of that pair; ranks "
           "are those of the reference's grid.",
    VG_DRIFT_TYPE,
    .is_multiple = true,
    .needs = VG_NEEDS_PAIRS,
    .has_p = true,
    .shorthand = "fail",
    .params = correlation_params,
    .nparams = sizeof correlation_params / sizeof *correlation_params,
    .params_size = sizeof(struct vg_pairs_params),
    .validate = vg_pairs_validate,
    .ranked = vg_pairs_ranked,
    .measure = measure_correlation,
};
