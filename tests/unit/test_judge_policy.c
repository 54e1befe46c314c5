/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/judge.c: the policies that judge by p. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "tests/unit/judge_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_p_value_policy(void **state)
{
    (void)state;
    static const struct {
        double p;
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {.009, VG_FAIL, "ks 0.9; p 0.009, below 0.01"},
        {.01, VG_WARN, "ks 0.9; p 0.01, below 0.05"},
        {.05, VG_PASS, "ks 0.9; p 0.05, level 0.01"},
        {0, VG_FAIL, "ks 0.9; p < 1e-300, below 0.01"},
        {NAN, VG_NODATA, "nothing to look at"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_rule *rule = set_rule(&world, 0, "ks");
        rule->policy = VG_POLICY_P_VALUE;
        rule->limits =
            (struct vg_limits){.has_fail = true, .has_warn = true, .fail = .01, .warn = .05};
        add(&world, 0, .9)->p_value = rows[i].p;
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_string_equal(result->why, rows[i].why);
        assert_true(result->level == .01 && isnan(result->limit) && isnan(result->warn_limit));
        assert_true(result->by_p);
        assert_true(isnan(rows[i].p) || result->p_value == rows[i].p);
        stop(&world);
    }
}

/* The example of Benjamini and Hochberg (1995): 15 tests, four rejected at q = 0.05; eight of them
 * here with the same cut, as R's p.adjust(p, "BH") gives them. */
static void test_benjamini_hochberg(void **state)
{
    (void)state;
    static const double p[8] = {.0344, .0001, .6528, .0019, .0004, .0298, .0278, .0095};
    /* p.adjust: .03931429 .0008 .6528 .005066667 .0016 .03931429 .03931429 .019 */
    static const bool at_039[8] = {false, true, false, true, true, false, false, true};
    static const bool at_040[8] = {true, true, false, true, true, true, true, true};
    for (int level = 0; level < 2; level++) {
        struct world world;
        start(&world);
        for (size_t i = 0; i < 8; i++) {
            struct vg_rule *rule = set_rule(&world, i, "ks");
            rule->policy = VG_POLICY_BH;
            rule->limits = (struct vg_limits){.has_fail = true, .fail = level ? .040 : .039};
            add(&world, i, .1)->p_value = p[i];
        }
        const struct vg_result *results = judge(&world, 8);
        for (size_t i = 0; i < 8; i++) {
            assert_verdict(&results[i], (level ? at_040 : at_039)[i] ? VG_FAIL : VG_PASS);
            assert_true(results[i].p_value == p[i]);
            assert_true(results[i].level == (level ? .040 : .039));
        }
        assert_string_equal(results[7].why, level ? "ks 0.1; p 0.0095, adjusted for 8 tests p "
                                                    "0.019, below 0.04"
                                                  : "ks 0.1; p 0.0095, adjusted for 8 tests p "
                                                    "0.019, below 0.039");
        stop(&world);
    }
}

/* Only tests that were made are counted: too few rows, no p, other policies are none. */
static void test_bh_counts_its_own_tests(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    for (size_t i = 0; i < 4; i++) {
        struct vg_rule *rule = set_rule(&world, i, "ks");
        rule->policy = i == 3 ? VG_POLICY_P_VALUE : VG_POLICY_BH;
        rule->limits = (struct vg_limits){.has_fail = true, .fail = .05};
    }
    add(&world, 0, .1)->p_value = .05; /* the only test: adjusted p is .05, at the level */
    struct vg_measure *few = add(&world, 1, .1);
    few->p_value = .9;
    few->n_now = 3;
    add(&world, 2, .1);
    add(&world, 3, .1)->p_value = .9;
    const struct vg_result *results = judge(&world, 4);
    assert_verdict(&results[0], VG_FAIL);
    assert_string_equal(results[0].why, "ks 0.1; p 0.05, adjusted for 1 test p 0.05, below 0.05");
    assert_verdict(&results[1], VG_NODATA);
    assert_verdict(&results[2], VG_NODATA);
    assert_verdict(&results[3], VG_PASS);
    world.rules[0].limits =
        (struct vg_limits){.has_fail = true, .has_warn = true, .fail = .01, .warn = .05};
    assert_verdict(judge(&world, 4), VG_WARN);
    stop(&world);
}

/* p against the measure's own level; a hard rule has no p, and needs no rows. */
static void test_budget_policy(void **state)
{
    (void)state;
    static const struct {
        double p, level, n;
        bool slight;
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {1e-9, 1e-5, 500, false, VG_FAIL, "budget 0.4; p 1e-09, below its level 1e-05"},
        {1e-9, 1e-5, 500, true, VG_PASS,
         "budget 0.4; p 1e-09, level 1e-05, but too slight or of too few rows to count"},
        {1e-5, 1e-5, 500, false, VG_PASS, "budget 0.4; p 1e-05, level 1e-05"},
        {0, 0, 500, false, VG_PASS, "budget 0.4; p < 1e-300, level 0"},
        {1e-9, 1e-5, 29, false, VG_NODATA, "only 29 rows, 30 needed"},
        {NAN, NAN, 3, false, VG_FAIL, "budget 0.4"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        set_rule(&world, 0, "budget")->policy = VG_POLICY_BUDGET;
        struct vg_measure *measure = add(&world, 0, .4);
        measure->p_value = rows[i].p;
        measure->level = rows[i].level;
        measure->slight = rows[i].slight;
        measure->limit = .3;
        measure->n_now = rows[i].n;
        measure->resolve_after = 24;
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_string_equal(result->why, rows[i].why);
        assert_true(result->limit == .3 && isnan(result->warn_limit));
        assert_true(result->by_p); /* the hard rule, too, has no unit in common with others */
        assert_true(isnan(rows[i].level) || result->level == rows[i].level);
        assert_int_equal(result->resolve_after, 24);
        assert_int_equal(result->after, 1);
        stop(&world);
    }
}

/* What stands is nodata, and any verdict of another stream of the column replaces it. */
static void test_budget_standing(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "budget")->policy = VG_POLICY_BUDGET;
    struct vg_measure *blind = add(&world, 0, NAN);
    blind->look = VG_NODATA;
    blind->standing = true;
    snprintf(blind->why, sizeof blind->why, "spread: blind");
    const struct vg_result *result = judge(&world, 1);
    assert_verdict(result, VG_NODATA);
    assert_true(result->standing);
    struct vg_measure *seen = add(&world, 0, .1);
    seen->p_value = .5;
    seen->level = 1e-4;
    result = judge(&world, 1);
    assert_verdict(result, VG_PASS);
    assert_false(result->standing);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p_value_policy),          cmocka_unit_test(test_benjamini_hochberg),
        cmocka_unit_test(test_bh_counts_its_own_tests), cmocka_unit_test(test_budget_policy),
        cmocka_unit_test(test_budget_standing),
    };
    return cmocka_run_group_tests_name("judge_policy", tests, NULL, NULL);
}
