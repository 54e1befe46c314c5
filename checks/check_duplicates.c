/* SPDX-License-Identifier: GPL-3.0-or-later */
/* duplicates: the share of rows of the window that are a copy of another one in all columns, or in
 * all but some: a serial number or a time of loading differs between copies. */
#include <stdio.h>
#include <string.h>

#include "checks/ask_copies.h"
#include "pgvigil/text.h"

struct params {
    struct vg_strings except;
};

static bool is_excepted(const struct params *params, const char *column)
{
    bool found = false;
    for (size_t i = 0; i < params->except.n && !found; i++)
        found = vg_streq(params->except.items[i], column);
    return found;
}

static int choose_columns(const struct vg_asked *asked, struct vg_ask_columns *out,
                          struct vg_error *err)
{
    const struct params *params = asked->rule->params;
    struct vg_ask_columns excepted;
    if (vg_ask_find(asked, &params->except, &excepted, err) < 0)
        return -1;
    out->n = 0;
    for (size_t i = 0; i < asked->catalog->n && i < VG_ASK_COLUMNS; i++) {
        const struct vg_catalog_column *column = &asked->catalog->columns[i];
        if (!column->unreadable && !column->computed && !is_excepted(params, column->name))
            out->items[out->n++] = column;
    }
    return out->n ? 0 : vg_fail(err, VG_E_CONFIG, "no column is left to be compared");
}

static int lookup_duplicates(const struct vg_asked *asked, struct vg_buf *out,
                             const char **connection, struct vg_error *err)
{
    (void)connection;
    struct vg_ask_columns columns, key;
    if (asked->nanswers)
        return 0;
    if (choose_columns(asked, &columns, err) < 0)
        return -1;
    vg_ask_key(asked, &key);
    struct vg_ask_copies copies = {&columns, &key, true, false};
    vg_ask_copies(asked, &copies, out);
    return 0;
}

static int find_duplicates(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    struct vg_ask_columns columns;
    if (choose_columns(asked, &columns, err) < 0)
        return -1;
    struct vg_ask_copies copies = {&columns, NULL, true, false};
    return vg_ask_copied(asked, &copies, out, err);
}

static int measure_duplicates(const struct vg_rule *rule, const struct vg_evidence *evidence,
                              struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    int found = vg_ask_share(rule, evidence, out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    double groups = vg_ask_number(&evidence->answers[0], 0, 3);
    snprintf(measure->why + used, sizeof measure->why - used,
             " are copies of each other, of %.0f different row%s", groups, groups == 1 ? "" : "s");
    return 0;
}

static const struct vg_param duplicates_params[] = {
    {"except", VG_PARAM_STRINGS, offsetof(struct params, except), false, NULL, NULL,
     "columns that are not compared: serial numbers, times of loading"},
};

const struct vg_check_type vg_check_duplicates = {
    .name = "duplicates",
    .doc = "Share of rows that are a copy of another row of the window in all columns that the "
           "role may read. NULLs are equal.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .filterable = true,
    .grouped = true,
    .needs = VG_NEEDS_LOOKUP,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .params = duplicates_params,
    .nparams = 1,
    .params_size = sizeof(struct params),
    .lookup = lookup_duplicates,
    .offenders = find_duplicates,
    .measure = measure_duplicates,
};
