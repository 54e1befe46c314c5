/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format: the share of texts that are not of a named format, as an e-mail address, a country code
 * or an IBAN with right check digits. An empty text is of no format; NULLs are not tested. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "checks/format.h"

static const char *const names[] = {
#define VG_FORMAT(name, doc) #name,
#include "checks/formats.def"
#undef VG_FORMAT
    NULL,
};
static bool (*const functions[])(struct vg_slice text) = {
#define VG_FORMAT(name, doc) vg_format_is_##name,
#include "checks/formats.def"
#undef VG_FORMAT
};
static const char doc_of_names[] = "name of the format: "
#define VG_FORMAT(name, doc) #name " (" doc "); "
#include "checks/formats.def"
#undef VG_FORMAT
                                   "an empty text is of none";

struct params {
    int is;
};

static int offends_format(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct params *params = rule->params;
    (void)warn;
    return cell->state == VG_VIEW_NULL ? -1 : !functions[params->is](cell->text);
}

static int measure_format(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " not of the format %s",
             names[params->is]);
    return 0;
}

static const struct vg_param format_params[] = {
    {"is", VG_PARAM_CHOICE, offsetof(struct params, is), true, NULL, names, doc_of_names},
};

const struct vg_check_type vg_check_format = {
    .name = "format",
    .doc = "Share of texts that are not of a named format. NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .min_rows = 1,
    .shorthand = "is",
    .default_fail = "0",
    .params = format_params,
    .nparams = sizeof format_params / sizeof *format_params,
    .params_size = sizeof(struct params),
    .offends = offends_format,
    .measure = measure_format,
};
