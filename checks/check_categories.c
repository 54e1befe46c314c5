/* SPDX-License-Identifier: GPL-3.0-or-later */
/* categories: the share of rows with a value that the reference never saw, and the values of the
 * reference that no row has any more. Values are named only where the rule file exposes them. */
#include "checks/check_categories.h"

#include <math.h>
#include <stdio.h>

/* Of a value expected so often none comes by chance once in 20 000 windows. */
enum { EXPECTED_LEAST = 10 };

struct params {
    const char *missing;
};

static void validate_categories(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *params = rule->params;
    double least = vg_categories_least(params->missing);
    if (isnan(least))
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "missing: true, or missing: 5%",
                    "missing is true or the share from which on a value may not be missing");
    else if (least > 0 && rule->where)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, "leave out where or missing",
                    "missing compares with all rows of the reference, and where leaves some out");
}

static int add_new(const struct vg_rule *rule, const struct vg_categories *found,
                   struct vg_measures *out, struct vg_error *err)
{
    struct vg_categories_only new;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure ||
        vg_categories_only(found->now, found->then, 0, found->names, out->arena, &new) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    double n = measure->n_now = (double)vg_column_finite(found->now);
    measure->n_ref = (double)vg_column_finite(found->then);
    if (n == 0)
        return 0;
    measure->value = measure->effect = (double)new.rows / n;
    measure->bounded = found->sampled; /* the rows that are not held may be of new values or not */
    measure->lo = measure->value;
    measure->hi = 1 - (double)new.known / n;
    if (new.n)
        snprintf(measure->why, sizeof measure->why,
                 "%.0f of %.0f rows have %zu value%s that the reference never saw%s",
                 (double)new.rows, n, new.n, new.n == 1 ? "" : "s", new.first);
    else
        snprintf(measure->why, sizeof measure->why, "no new value in %.0f rows", n);
    return 0;
}

static int add_missing(const struct vg_rule *rule, const struct vg_categories *found, double least,
                       struct vg_measures *out, struct vg_error *err)
{
    double n = (double)vg_column_finite(found->now), n_ref = (double)vg_column_finite(found->then);
    double share = n > 0 ? fmax(least, EXPECTED_LEAST / n) : 1;
    struct vg_categories_only gone;
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure || vg_categories_only(found->then, found->now, share * n_ref, found->names,
                                       out->arena, &gone) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->n_now = n;
    measure->n_ref = n_ref;
    measure->value = measure->effect = (double)gone.rows / n_ref;
    if (gone.n)
        snprintf(measure->why, sizeof measure->why,
                 "%zu value%s of %.0f of %.0f rows of the reference %s missing%s", gone.n,
                 gone.n == 1 ? "" : "s", (double)gone.rows, n_ref, gone.n == 1 ? "is" : "are",
                 gone.first);
    else
        snprintf(measure->why, sizeof measure->why, "no value of the reference is missing");
    return 0;
}

static int measure_categories(const struct vg_rule *rule, const struct vg_evidence *evidence,
                              struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    double least = vg_categories_least(params->missing);
    struct vg_categories found;
    int rc = vg_categories_find(rule, evidence, out, &found, err);
    if (rc <= 0)
        return rc;
    if (add_new(rule, &found, out, err) < 0)
        return -1;
    return least > 0 && !found.sampled ? add_missing(rule, &found, least, out, err) : 0;
}

static const struct vg_param categories_params[] = {
    {"missing", VG_PARAM_STRING, offsetof(struct params, missing), false, NULL, NULL,
     "true, or the share of the reference from which on a value may not be missing (true: 1%)"},
};

const struct vg_check_type vg_check_categories = {
    .name = "categories",
    .doc =
        "Share of rows with a value that the reference never saw; with missing also the share of "
        "the reference whose values are gone, of values of which the window should hold at least "
        "ten. NULLs are not tested. Not for private columns, nor above 10 000 values.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .needs_reference = true,
    .kinds = 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_TOP,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .params = categories_params,
    .nparams = sizeof categories_params / sizeof *categories_params,
    .params_size = sizeof(struct params),
    .validate = validate_categories,
    .measure = measure_categories,
};
