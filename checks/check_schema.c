/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema: the table's structure against the reference, the rule file and the last look. Implicit.
 * Each difference is classed by what it means for the columns that the rule file names. Those of
 * level fail and of level warn are one measure each; the first few are told in words, and safe ones
 * beside a pass. Without a reference what the rule file says is judged all the same. */
#include "checks/check_schema_params.h"

#include <stdio.h>
#include <string.h>

enum { LEVELS = VG_SCHEMA_IGNORE + 1, NAMED = 3 }; /* differences told in words */

struct found {
    const struct vg_schema_params *params;
    unsigned n[LEVELS]; /* by level; IGNORE holds what is safe */
    char text[LEVELS][VG_WHY];
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
    static const int levels[] = {VG_SCHEMA_IGNORE, VG_SCHEMA_WARN, VG_SCHEMA_FAIL};
    struct found *found = arg;
    char text[VG_WHY];
    int level = found->params->of[difference->kind];
    if (level == VG_SCHEMA_IGNORE)
        return;
    if (level == VG_SCHEMA_BY_CLASS)
        level = levels[difference->class];
    if (++found->n[level] > NAMED)
        return;
    vg_schema_tell(difference, text, sizeof text);
    append(found->text[level], "%s%s", found->n[level] > 1 ? ", " : "", text);
}

static int add(const struct vg_rule *rule, struct found *found, int level, struct vg_measures *out)
{
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return -1;
    measure->value = found->n[level];
    measure->at_most = level == VG_SCHEMA_WARN ? VG_WARN : VG_FAIL;
    memcpy(measure->why, found->text[level], sizeof measure->why);
    if (found->n[level] > NAMED)
        append(measure->why, " and %u more", found->n[level] - NAMED);
    return 0;
}

static void tell_pass(struct found *found, const struct vg_schema_view *view)
{
    char *text = found->text[VG_SCHEMA_FAIL];
    unsigned safe = found->n[VG_SCHEMA_IGNORE];
    append(text, "%zu columns as expected%s", view->now->n,
           view->reference ? ""
           : view->last    ? ", compared with the last look"
                           : ", not compared with a reference");
    if (safe)
        append(text, "; safe: %s", found->text[VG_SCHEMA_IGNORE]);
    if (safe > NAMED)
        append(text, " and %u more", safe - NAMED);
}

static int measure_schema(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    int rc = 0;
    struct found found = {.params = rule->params ? rule->params : &vg_schema_defaults};
    int64_t ahead_us = found.params->partitions_ahead_us;
    struct vg_schema_view view = {
        .dataset = rule->dataset,
        .now = evidence->catalog,
        .reference = evidence->reference,
        .now_us = evidence->now_us,
        .ahead_us = ahead_us ? ahead_us : rule->dataset->schedule.window_us,
        .arena = out->arena,
        .each = note,
        .arg = &found,
    };
    if (!evidence->catalog) {
        rc = vg_measure_skip(out, rule, VG_UNKNOWN, "the table's columns could not be read");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    view.then = vg_schema_read(&view, view.reference ? view.reference->structure : NULL);
    view.last = vg_schema_read(&view, evidence->last_structure);
    vg_schema_compare(&view);
    if (!found.n[VG_SCHEMA_FAIL])
        tell_pass(&found, &view);
    rc = view.failed ? -1 : add(rule, &found, VG_SCHEMA_FAIL, out);
    if (rc == 0 && found.n[VG_SCHEMA_WARN])
        rc = add(rule, &found, VG_SCHEMA_WARN, out);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

const struct vg_check_type vg_check_schema = {
    .name = "schema",
    .doc = "The table's structure against the reference, the rule file and the last look: what "
           "breaks fails, what loses warns, what is safe is only said. Every dataset has it.",
    .class = VG_CLASS_SCHEMA,
    .cadence = VG_ON_TICK,
    .unit = VG_UNIT_COUNT,
    .implicit = true,
    .default_fail = "0",
    .params = vg_schema_param_table,
    .nparams = VG_SCHEMA_PARAMS,
    .params_size = sizeof(struct vg_schema_params),
    .measure = measure_schema,
};
