/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hard rules of the check `budget`: what needs no statistics and stands outside the budget.
 * Each that is broken is a measure without p whose value is beyond its limit. Pure. */
#include "checks/check_budget.h"

#include <stdio.h>

static uint64_t count_rows(const struct vg_budget_evidence *of)
{
    const struct vg_column_summary *last = of->recent->windows[of->recent->n - 1];
    return last ? last->rows : 0;
}

/* A hard rule: its value is beyond its limit, whatever the budget. */
static int fail_hard(const struct vg_budget_finding *in, double value, double limit,
                     const char *why)
{
    struct vg_measure *measure = vg_check_budget_add(in);
    if (!measure)
        return -1;
    measure->value = measure->effect = value;
    measure->limit = limit;
    measure->n_now = (double)count_rows(in->of);
    snprintf(measure->why, sizeof measure->why, "%s", why);
    return 0;
}

int vg_check_budget_hard(const struct vg_budget_finding *in)
{
    char why[VG_WHY], share[VG_SHARE_TEXT];
    const struct vg_budget_evidence *of = in->of;
    const struct vg_budget_column *column = &of->model->columns[of->column];
    const struct vg_column_summary *last = of->recent->windows[of->recent->n - 1];
    int rc = 0;
    if (of->lost)
        rc = fail_hard(in, 1, 0,
                       "no rows in a base window that always had 30 or more in the reference");
    if (of->type_now) {
        snprintf(why, sizeof why, "its type was %s in the reference and is %s now", of->type_then,
                 of->type_now);
        rc = rc < 0 ? rc : fail_hard(in, 1, 0, why);
    }
    bool enough = count_rows(of) >= VG_BUDGET_THIN;
    if (rc == 0 && enough && vg_budget_all_null(column, last))
        rc =
            fail_hard(in, 1, 0,
                      "every row is NULL, which was not usual in the reference once the column had "
                      "values");
    else if (rc == 0 && last && vg_budget_first_null(column, last))
        rc = fail_hard(in, vg_column_null_ratio(last), 0, "NULLs, of which the reference has none");
    if (rc < 0 || !of->nfresh)
        return rc;
    snprintf(why, sizeof why, "%zu new value%s in 24h, the most frequent with %s of the rows",
             of->nfresh, of->nfresh == 1 ? "" : "s",
             vg_budget_say_share(of->fresh[0].share, share));
    return fail_hard(in, of->fresh[0].share, 0, why);
}
