/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema: the table's columns against the fingerprint of the reference and the rule file. Implicit.
 * Differences of level fail and of level warn are one measure each; the first few are told in
 * words. Without a reference what the rule file says is judged all the same. */
#include "pgvigil/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checks/check_schema_diff.h"

enum { LEVEL_FAIL, LEVEL_WARN, LEVEL_IGNORE };
static const char *const levels[] = {"fail", "warn", "ignore", NULL};

struct params {
    int of[VG_SCHEMA_KINDS]; /* level by enum vg_schema_kind */
};
static const struct params defaults = {{LEVEL_FAIL, LEVEL_WARN, LEVEL_FAIL, LEVEL_WARN}};

enum { NAMED = 3 }; /* differences told in words */

struct found {
    const struct params *params;
    unsigned n[2]; /* by level */
    char text[2][VG_WHY];
};

static void append(char text[VG_WHY], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(char text[VG_WHY], const char *fmt, ...)
{
    size_t used = strlen(text);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text + used, VG_WHY - used, fmt, ap);
    va_end(ap);
}

static void note(void *arg, const struct vg_schema_difference *difference)
{
    struct found *found = arg;
    int level = found->params->of[difference->kind];
    if (level == LEVEL_IGNORE || ++found->n[level] > NAMED)
        return;
    char *text = found->text[level];
    append(text, "%scolumn %.63s ", *text ? ", " : "", difference->column);
    if (difference->kind == VG_SCHEMA_MISSING)
        append(text, "is missing");
    else if (difference->kind == VG_SCHEMA_UNEXPECTED)
        append(text, "is unexpected");
    else if (difference->kind == VG_SCHEMA_NULLABILITY)
        append(text, "%s", difference->not_null ? "is now NOT NULL" : "is no longer NOT NULL");
    else
        append(text, "is %.40s, %s %.40s", difference->is, difference->declared ? "not" : "was",
               difference->wanted);
}

static int add(const struct vg_rule *rule, const struct vg_evidence *evidence, struct found *found,
               int level, struct vg_measures *out)
{
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return -1;
    measure->value = found->n[level];
    measure->at_most = level == LEVEL_WARN ? VG_WARN : VG_FAIL;
    if (found->n[level] > NAMED)
        append(found->text[level], " and %u more", found->n[level] - NAMED);
    if (!found->n[level])
        append(found->text[level], "%zu columns as expected%s", evidence->catalog->n,
               evidence->reference ? "" : ", not compared with a reference");
    memcpy(measure->why, found->text[level], sizeof measure->why);
    return 0;
}

static int measure_schema(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    int rc = 0;
    struct found found = {.params = rule->params ? rule->params : &defaults};
    if (!evidence->catalog) {
        rc = vg_measure_skip(out, rule, VG_UNKNOWN, "the table's columns could not be read");
    } else {
        vg_schema_compare(rule->dataset, evidence->catalog, evidence->reference, note, &found);
        rc = add(rule, evidence, &found, LEVEL_FAIL, out);
        if (rc == 0 && found.n[LEVEL_WARN])
            rc = add(rule, evidence, &found, LEVEL_WARN, out);
    }
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

#define LEVEL(name, kind, fallback, doc)                                                           \
    {                                                                                              \
        name, VG_PARAM_CHOICE, offsetof(struct params, of[kind]), false, fallback, levels, doc     \
    }
static const struct vg_param schema_params[] = {
    LEVEL("missing", VG_SCHEMA_MISSING, "fail", "a column is gone"),
    LEVEL("unexpected", VG_SCHEMA_UNEXPECTED, "warn", "a column that the reference did not have"),
    LEVEL("type", VG_SCHEMA_TYPE, "fail", "a column's type has changed"),
    LEVEL("nullability", VG_SCHEMA_NULLABILITY, "warn", "NOT NULL was added or dropped"),
};

const struct vg_check_type vg_check_schema = {
    .name = "schema",
    .doc = "Columns, types and NOT NULL against the reference and the rule file. Every dataset has "
           "it.",
    .class = VG_CLASS_SCHEMA,
    .cadence = VG_ON_TICK,
    .unit = VG_UNIT_COUNT,
    .implicit = true,
    .default_fail = "0",
    .params = schema_params,
    .nparams = sizeof schema_params / sizeof *schema_params,
    .params_size = sizeof(struct params),
    .measure = measure_schema,
};
