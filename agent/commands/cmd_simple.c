/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that only print what the program is made of: checks, states, version. */
#include <jansson.h>
#include <string.h>

#include "agent/alert.h"
#include "agent/commands/shell.h"
#include "agent/commands/show.h"
#include "pgvigil/check.h"

static const char *name_param(enum vg_param_type type)
{
    static const char *const names[] = {
        [VG_PARAM_BOOL] = "boolean",      [VG_PARAM_INT] = "integer",
        [VG_PARAM_NUMBER] = "number",     [VG_PARAM_RATIO] = "ratio",
        [VG_PARAM_DURATION] = "duration", [VG_PARAM_STRING] = "text",
        [VG_PARAM_CHOICE] = "choice",     [VG_PARAM_STRINGS] = "list of scalars",
        [VG_PARAM_SQL] = "SQL",           [VG_PARAM_TIME] = "time",
        [VG_PARAM_CONNECTION] = "name",   [VG_PARAM_QUERY] = "SELECT",
        [VG_PARAM_VALUE] = "text",        [VG_PARAM_VALUES] = "list of scalars",
    };
    return names[type];
}

static const char *name_bounds(enum vg_bounds_use use)
{
    static const char *const names[] = {"none", "value", "rows"};
    return names[use];
}

static json_t *make_kinds(unsigned kinds)
{
    json_t *list = json_array();
    for (int kind = VG_KIND_OTHER; list && kind <= VG_KIND_TEXT; kind++) {
        if (!kinds || (kinds >> kind) & 1)
            json_array_append_new(list, json_string(vg_kind_name((enum vg_kind)kind)));
    }
    return list;
}

static json_t *make_params(const struct vg_check_type *type)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < type->nparams; i++) {
        const struct vg_param *param = &type->params[i];
        json_t *choices = param->choices ? json_array() : json_null();
        for (size_t c = 0; param->choices && param->choices[c]; c++)
            json_array_append_new(choices, json_string(param->choices[c]));
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:s?, s:o, s:s}", "name", param->name, "type",
                            name_param(param->type), "required", param->required, "default",
                            param->fallback, "choices", choices, "doc", param->doc));
    }
    return list;
}

static json_t *make_check(const struct vg_check_type *type)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:s, s:s?, s:s?, s:s, s:I, s:o}",
        "name", type->name, "doc", type->doc, "class", vg_class_name(type->class), "cadence",
        vg_cadence_name(type->cadence), "unit", vg_unit_name(type->unit), "of",
        type->of_both     ? "column or dataset"
        : type->of_column ? "column"
                          : "dataset",
        "implicit", type->implicit, "where", type->filterable, "segments",
        !vg_check_unsegmented(type), "kinds", make_kinds(type->kinds), "bounds",
        name_bounds(type->bounds), "shorthand", type->shorthand, "default", type->default_fail,
        "policy", vg_policy_name(type->policy), "min_rows", (json_int_t)type->min_rows, "params",
        make_params(type));
}

static int print_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < vg_checks_n; i++)
        json_array_append_new(list, make_check(vg_checks[i]));
    int rc = list ? json_dumpf(list, stdout, JSON_INDENT(2)) : -1;
    putchar('\n');
    json_decref(list);
    return rc < 0 ? VG_EXIT_INTERNAL : VG_EXIT_OK;
}

static int run_checks(const struct vg_options *options)
{
    if (options->json)
        return print_json();
    for (size_t i = 0; i < vg_checks_n; i++) {
        const struct vg_check_type *type = vg_checks[i];
        printf("%-10s %-9s %-6s  %s\n", type->name, vg_class_name(type->class),
               vg_cadence_name(type->cadence), type->doc);
        for (size_t p = 0; p < type->nparams; p++)
            printf("%-28s  %s: %s%s%s\n", "", type->params[p].name, type->params[p].doc,
                   type->params[p].fallback ? "; default " : "",
                   type->params[p].fallback ? type->params[p].fallback : "");
    }
    return VG_EXIT_OK;
}

static int run_states(const struct vg_options *options)
{
    (void)options;
    vg_alert_print_table(stdout);
    return VG_EXIT_OK;
}

static int run_version(const struct vg_options *options)
{
    if (options->json)
        printf("{\"version\": \"%s\"}\n", VG_VERSION);
    else
        printf("pgvigil %s\n", VG_VERSION);
    return VG_EXIT_OK;
}

extern const struct vg_command vg_command_checks, vg_command_states, vg_command_version;
const struct vg_command vg_command_checks = {
    .name = "checks",
    .arguments = "",
    .doc = "every check with its parameters",
    .options = "json",
    .run = run_checks,
};
const struct vg_command vg_command_states = {
    .name = "states",
    .arguments = "",
    .doc = "the table of alert states",
    .options = "",
    .run = run_states,
};
const struct vg_command vg_command_version = {
    .name = "version",
    .arguments = "",
    .doc = "the version",
    .options = "json",
    .run = run_version,
};
