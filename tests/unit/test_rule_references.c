/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/rules/reference.c and predictions.c: references that roll, several of them,
 * against; prediction and importances; and every fault of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/check.h"
#include "tests/unit/rule_kit.h"

#define PLAIN                                                                                      \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: a.b, time_column: at, key: [id]}\n"                    \
    "schedule: {window: 1d}\n"
#define STATE                                                                                      \
    "version: 1\ndataset: d\nsource: {connection: warehouse, table: a.b}\nschedule: {window: "     \
    "1d}\n"

static void test_several(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config, PLAIN
        "references:\n"
        "  training: {from: 2001-01-01, to: 2001-02-01}\n"
        "  week: {rolling: 7d, season: hour_of_week}\n"
        "  yesterday: {rolling: 1d, except: [{from: 2001-01-01, to: 2001-01-02, why: fire}]}\n"
        "columns: {x: {drift: {ks: [{fail: 0.2}, {fail: 0.1, id: w, against: week}]}}}\n");
    const struct vg_dataset *d = kit.dataset;
    assert_string_equal(d->reference.name, "training");
    assert_int_equal(d->reference.kind, VG_REF_WINDOW);
    assert_int_equal(d->nothers, 2);
    assert_int_equal(d->others[0].kind, VG_REF_ROLLING);
    assert_int_equal(d->others[0].every_us, VG_WEEK_US);
    assert_int_equal(d->others[0].season, VG_SEASON_HOUR_OF_WEEK);
    assert_int_equal(d->others[1].every_us, VG_DAY_US);
    assert_int_equal(d->others[1].nexcept, 1);
    assert_string_equal(d->others[1].except[0].why, "fire");
    assert_int_equal(rule_kit_find(&kit, "x.drift.ks")->against, 0);
    assert_int_equal(rule_kit_find(&kit, "w")->against, 1);
    rule_kit_free(&kit);
    kit = rule_kit_fine(rule_kit_config, PLAIN "references:\n"
                                               "  training: {from: 2001-01-01, to: 2001-02-01}\n"
                                               "  reference: {rolling: 14d, every: 1d}\n"
                                               "columns: {x: {drift: {ks: 0.2}}}\n");
    assert_string_equal(kit.dataset->reference.name, "reference");
    assert_int_equal(kit.dataset->reference.every_us, VG_DAY_US);
    assert_string_equal(kit.dataset->others[0].name, "training");
    rule_kit_free(&kit);
}

/* A day that is left, and a base as long as the reference. */
static void test_what_is_left(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config, PLAIN "reference: {from: 2001-01-01, to: 2001-01-08, except: [{from: "
                               "2001-01-05, to: 2001-02-01, why: b}, {from: 2000-01-01, to: "
                               "2001-01-04, why: a}]}\ndrift: {base: 1w}\n");
    assert_int_equal(kit.dataset->reference.nexcept, 2);
    assert_true(kit.dataset->base_us == VG_WEEK_US);
    rule_kit_free(&kit);
}

static void test_predictions(void **state)
{
    (void)state;
    struct rule_kit kit =
        rule_kit_fine(rule_kit_config, PLAIN "reference: {from: 2001-01-01, to: 2001-02-01}\n"
                                             "importances: {x: 0.5, y: 2}\n"
                                             "columns:\n"
                                             "  p: {prediction: probability}\n"
                                             "  q\"r: {prediction: probability, drift: {ks: 0.3}}\n"
                                             "  c: {prediction: class}\n"
                                             "  s: {prediction: score}\n"
                                             "  b: {prediction: probability, drift: true}\n"
                                             "  o: {prediction: probability, drift: false}\n");
    const struct vg_dataset *d = kit.dataset;
    assert_int_equal(d->ncolumns, 10);
    assert_string_equal(d->columns[6].name, "p_confidence");
    assert_string_equal(d->columns[6].expr,
                        "CAST(GREATEST(\"p\", 1 - \"p\") AS pg_catalog.float8)");
    assert_int_equal(d->columns[6].prediction, VG_PREDICTION_CONFIDENCE);
    assert_non_null(strstr(d->columns[7].expr, "\"q\"\"r\""));
    /* The budget is drift enough, and of the confidence too; what is off stays off. */
    assert_int_equal(rule_kit_find(&kit, "b.drift")->policy, VG_POLICY_BUDGET);
    assert_int_equal(rule_kit_find(&kit, "b_confidence.drift")->policy, VG_POLICY_BUDGET);
    for (size_t i = 0; i < d->nrules; i++) {
        assert_string_not_equal(d->rules[i].id, "b.drift.psi");
        assert_true(strncmp(d->rules[i].id, "o", 1) != 0);
    }
    assert_true(d->columns[9].undrifted && d->columns[9].prediction == VG_PREDICTION_CONFIDENCE);
    assert_true(rule_kit_find(&kit, "p.drift.psi")->limits.fail == .25);
    assert_true(rule_kit_find(&kit, "p_confidence.drift.psi")->limits.fail == .25);
    assert_true(rule_kit_find(&kit, "\"q\"\"r_confidence\".drift.ks")->limits.fail == .3);
    assert_true(rule_kit_find(&kit, "c.drift.linf")->limits.fail == .1);
    assert_true(rule_kit_find(&kit, "s.drift.psi")->limits.fail == .25);
    assert_int_equal(d->nimportances, 2);
    assert_string_equal(d->importances[1].column, "y");
    assert_true(d->importances[1].weight == 2);
    assert_true(d->importances[1].loc.line > 0 && d->importances[1].loc.column > 1);
    rule_kit_free(&kit);
    /* Where "*" is under the budget, so are the prediction and its confidence, and by it alone. */
    static const char *const all[] = {"{drift: true}", "{drift: {budget: {severity: warning}}}"};
    for (size_t i = 0; i < 2; i++) {
        char text[500];
        snprintf(text, sizeof text,
                 PLAIN "reference: {from: 2001-01-01, to: 2001-02-01}\n"
                       "columns:\n"
                       "  p: {prediction: probability}\n"
                       "  own: {prediction: score, drift: {ks: 0.3}}\n"
                       "  \"*\": %s\n",
                 all[i]);
        kit = rule_kit_fine(rule_kit_config, text);
        for (size_t k = 0; k < kit.dataset->nrules; k++)
            assert_string_not_equal(kit.dataset->rules[k].type->name, "psi");
        assert_true(rule_kit_find(&kit, "own.drift.ks")->limits.fail == .3);
        assert_string_equal(kit.dataset->columns[3].name, "p_confidence");
        rule_kit_free(&kit);
    }
    kit = rule_kit_fine(rule_kit_config, PLAIN "reference: {from: 2001-01-01, to: 2001-02-01}\n"
                                               "columns: {\"*\": {drift: {ks: 0.2}},"
                                               " s: {prediction: score}}\n");
    assert_true(rule_kit_find(&kit, "s.drift.psi")->limits.fail == .25);
    rule_kit_free(&kit);
    /* Without a reference there is no drift to watch. */
    kit = rule_kit_fine(rule_kit_config, PLAIN "columns: {p: {prediction: probability}}\n");
    assert_int_equal(kit.dataset->ncolumns, 1);
    rule_kit_free(&kit);
}

static const struct {
    const char *text, *msg;
} faults[] = {
    {PLAIN "reference: {rolling: 7d, from: 2001-01-01, to: 2001-01-02}\n",
     "a reference is of one kind only"},
    {PLAIN "reference: {from: 2001-01-01, to: 2001-01-09, every: 7d}\n",
     "only a rolling reference is captured anew"},
    {PLAIN "reference: {rolling: 7d, every: 5d}\n",
     "a reference is captured anew at local times: every is no such length"},
    {PLAIN "reference: {rolling: 7d, every: 1h}\n",
     "a rolling reference is captured anew after a whole number of windows"},
    {PLAIN "reference: {rolling: 36h}\n", "rolling must be a whole multiple of the window"},
    {PLAIN "reference: {rolling: 7d, except: [{from: 2001-01-02, to: 2001-01-01, why: x}]}\n",
     "the span ends before it begins"},
    {PLAIN "reference: {rolling: 7d, except: [{from: 2001-01-01, to: 2001-01-02}]}\n",
     "\"why\" is missing in except"},
    {PLAIN "reference: {rolling: 7d, except: none}\n", "except is a list of at most 100 spans"},
    {PLAIN "reference: {from: 2001-01-01, to: 2001-01-09, except: [{from: 2001-01-05, to: "
           "2001-02-01, why: b}, {from: 2000-01-01, to: 2001-01-05, why: a}]}\n",
     "except leaves nothing of the reference"},
    {PLAIN "reference: {from: 2001-01-01, to: 2001-01-04}\ndrift: {base: 1w}\n",
     "base is longer than the reference"},
    {PLAIN "reference: {rolling: 3d, every: 1d}\ndrift: {base: 1w}\n",
     "base is longer than the reference"},
    {STATE "reference: {rolling: 7d}\n",
     "a table without a time column has no span of time as reference"},
    {STATE "reference: {capture: now, season: hour_of_week}\n",
     "a table without a time column has no windows of the same hour"},
    {PLAIN "references: []\n", "references is a mapping of 1 to 8 names to references"},
    {PLAIN "references: {a b: {rolling: 7d}}\n", "\"a b\" cannot be the name of a reference here"},
    {PLAIN "reference: {rolling: 7d}\nreferences: {reference: {rolling: 7d}}\n",
     "\"reference\" is the name of what stands under reference: already"},
    {PLAIN "reference: {rolling: 7d}\n"
           "columns: {x: {drift: {ks: {fail: 0.1, against: training}}}}\n",
     "\"training\" is none of the references"},
    {PLAIN "reference: {rolling: 7d}\nreferences: {training: {from: 2001-01-01, to: 2001-02-01}}\n"
           "columns: {x: {drift: {budget: {against: training}}}}\n",
     "the budget is learnt from the reference \"reference\" only"},
    {PLAIN "reference: {rolling: 7d}\ncolumns: {x: {nulls: {fail: 0.1, against: reference}}}\n",
     "nulls is not measured against a reference"},
    {PLAIN "reference: {rolling: 7d}\ncolumns: {\"*\": {prediction: score}}\n",
     "\"*\" cannot be a prediction"},
    {PLAIN "reference: {rolling: 7d}\n"
           "columns: {p: {prediction: probability}, p_confidence: {nulls: 0}}\n",
     "\"p_confidence\" is the confidence of the prediction \"p\""},
    {PLAIN "importances: [x]\n", "importances is a mapping of at most 2000 columns to weights"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct rule_kit kit = rule_kit_read(rule_kit_config, faults[i].text);
        bool found = false;
        for (size_t d = 0; d < kit.diags.n; d++)
            found |= strcmp(kit.diags.items[d].msg, faults[i].msg) == 0;
        if (!found)
            fail_msg("%s:\n%s", faults[i].text, rule_kit_print(&kit.diags));
        rule_kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_predictions),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("rule_references", tests, NULL, NULL);
}
