/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the check `budget` says of its streams, in words. Pure. The commands use the same words, so
 * that a verdict and the status speak alike. */
#include "checks/check_budget_text.h"

#include <stdio.h>

#include "pgvigil/text.h"

enum { DIGITS = 3 };
static const double hardly_any = 1e-6; /* a share that is nobody's number */

const char *vg_budget_say_kind(enum vg_budget_kind kind)
{
    static const char *const names[VG_BUDGET_KINDS] = {
        [VG_BUDGET_KS] = "distribution",
        [VG_BUDGET_SPREAD] = "spread",
        [VG_BUDGET_LEVELS] = "shares of values",
        [VG_BUDGET_NULLS] = "null rate",
    };
    return names[kind];
}

const char *vg_budget_say_reason(const struct vg_budget_column *column)
{
    static const char *const names[VG_BUDGET_REASONS] = {
        [VG_BUDGET_TESTED] = "",
        [VG_BUDGET_CALENDAR] = "values are not tested: they follow the calendar",
        [VG_BUDGET_IDENTIFIER] = "values are not tested: it looks like an identifier",
        [VG_BUDGET_CROWDED] = "values are not tested: there are too many in a base window",
        [VG_BUDGET_UNCOUNTED] = "values are not tested: the reference keeps no counts of them",
        [VG_BUDGET_NO_VALUES] = "values are not tested: the reference has none but nulls",
        [VG_BUDGET_NOT_FINITE] = "values are not tested: the reference has no finite number",
        [VG_BUDGET_FEW_VALUES] = "values are not tested: the reference has fewer than 30",
    };
    bool uncounted = column->reason == VG_BUDGET_UNCOUNTED;
    if (uncounted && column->is_private)
        return "values are not tested: they are private, and no counts of them are kept";
    if (uncounted && (column->kind == VG_KIND_OTHER || column->kind == VG_KIND_TIME))
        return "values are not tested: there is no test for their type";
    return names[column->reason];
}

const char *vg_budget_say_value(enum vg_budget_value which)
{
    static const char *const names[] = {
        [VG_BUDGET_NO_VALUE] = "a value",
        [VG_BUDGET_ONE] = "one value",
        [VG_BUDGET_OTHER] = "the less frequent values",
        [VG_BUDGET_UNSEEN] = "values unknown to the reference",
        [VG_BUDGET_RARE] = "the rare values together",
        [VG_BUDGET_NULL] = "NULLs",
    };
    return names[which];
}

char *vg_budget_say_share(double share, char out[VG_SHARE_TEXT])
{
    char number[VG_NUMBER_TEXT];
    snprintf(out, VG_SHARE_TEXT, "%s%%", vg_format_human(100 * share, DIGITS, number));
    return out;
}

static int say_value(const struct vg_budget_evidence *of, const struct vg_budget_found *found,
                     char *out, size_t size)
{
    char value[VG_NUMBER_TEXT], expected[VG_SHARE_TEXT], share[VG_SHARE_TEXT];
    vg_format_human(found->value, DIGITS, value);
    switch (of->model->streams[found->stream].kind) {
    case VG_BUDGET_KS:
        return snprintf(out, size, "D %s", value);
    case VG_BUDGET_SPREAD:
        return snprintf(out, size, "standard deviation %s times the reference's", value);
    default:
        if (found->expected > 0 && found->expected < hardly_any)
            snprintf(expected, sizeof expected, "next to none");
        else
            vg_budget_say_share(found->expected, expected);
        vg_budget_say_share(found->expected + found->value, share);
        return snprintf(out, size, "share of %s %s, expected %s", vg_budget_say_value(found->which),
                        share, expected);
    }
}

void vg_budget_say_found(const struct vg_budget_evidence *of, const struct vg_budget_found *found,
                         char out[VG_WHY])
{
    char base[VG_DURATION_TEXT];
    int n = say_value(of, found, out, VG_WHY);
    vg_format_duration(of->model->base_us, base);
    if (n < 0 || n >= VG_WHY)
        return;
    if (found->scale > 1)
        snprintf(out + n, VG_WHY - (size_t)n, " over the last %u base windows of %s", found->scale,
                 base);
    else
        snprintf(out + n, VG_WHY - (size_t)n, " in the base window of %s", base);
}
