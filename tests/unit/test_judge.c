/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/judge.c: verdicts by threshold, least numbers of rows, the worst of a rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/check.h"
#include "pgvigil/text.h"
#include "tests/unit/judge_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_threshold(void **state)
{
    (void)state;
    static const struct {
        bool has_fail, has_warn;
        double fail, warn, value;
        enum vg_verdict verdict;
    } rows[] = {
        {true, false, .35, 0, .384, VG_FAIL},     {true, false, .35, 0, .35, VG_PASS},
        {true, false, .35, 0, .21, VG_PASS},      {true, true, .35, .25, .3, VG_WARN},
        {true, true, .35, .25, .25, VG_PASS},     {true, true, .35, .25, .36, VG_FAIL},
        {false, true, 0, .25, .9, VG_WARN},       {false, true, 0, .25, .2, VG_PASS},
        {true, false, 0, 0, 0, VG_PASS},          {true, false, 0, 0, 1e-9, VG_FAIL},
        {true, false, .35, 0, INFINITY, VG_FAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        set_rule(&world, 0, "ks")->limits = (struct vg_limits){.has_fail = rows[i].has_fail,
                                                               .has_warn = rows[i].has_warn,
                                                               .fail = rows[i].fail,
                                                               .warn = rows[i].warn};
        add(&world, 0, rows[i].value);
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_true(rows[i].has_fail ? result->limit == rows[i].fail : isnan(result->limit));
        assert_true(rows[i].has_warn ? result->warn_limit == rows[i].warn
                                     : isnan(result->warn_limit));
        assert_true(isnan(result->level) && !result->by_p);
        stop(&world);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        struct vg_bounds fail, warn;
        double value;
        enum vg_verdict verdict;
        double limit, warn_limit;
        const char *why;
    } rows[] = {
        {{.has_min = true, .min = 2500}, {0}, 2499, VG_FAIL, 2500, NAN, "volume 2499, below 2500"},
        {{.has_min = true, .min = 2500},
         {0},
         2500,
         VG_PASS,
         2500,
         NAN,
         "volume 2500, at least 2500"},
        {{.has_max = true, .max = 10}, {0}, 11, VG_FAIL, 10, NAN, "volume 11, above 10"},
        {{.has_max = true, .max = 10}, {0}, 10, VG_PASS, 10, NAN, "volume 10, limit 10"},
        {{true, true, 10, 20}, {0}, 9, VG_FAIL, 10, NAN, "volume 9, below 10"},
        {{true, true, 10, 20}, {0}, 21, VG_FAIL, 20, NAN, "volume 21, above 20"},
        {{true, true, 10, 20}, {0}, 12, VG_PASS, 10, NAN, "volume 12, within [10, 20]"},
        {{true, true, 10, 20},
         {true, true, 12, 18},
         19,
         VG_WARN,
         20,
         18,
         "volume 19, above the warning limit 18"},
        {{true, true, 10, 20}, {true, true, 12, 18}, 9, VG_FAIL, 10, 12, "volume 9, below 10"},
        {{0},
         {.has_min = true, .min = 5},
         4,
         VG_WARN,
         NAN,
         5,
         "volume 4, below the warning limit 5"},
        {{0}, {0}, 4, VG_PASS, NAN, NAN, "volume 4"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_limits *limits = &set_rule(&world, 0, "volume")->limits;
        limits->bounds = rows[i].fail;
        limits->warn_bounds = rows[i].warn;
        add(&world, 0, rows[i].value);
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_true(isnan(rows[i].limit) ? isnan(result->limit) : result->limit == rows[i].limit);
        assert_true(isnan(rows[i].warn_limit) ? isnan(result->warn_limit)
                                              : result->warn_limit == rows[i].warn_limit);
        assert_string_equal(result->why, rows[i].why);
        stop(&world);
    }
}

static void test_bounded_values(void **state)
{
    (void)state;
    static const struct {
        double lo, hi, warn;
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {.30, .31, .25, VG_WARN, "D above the warning limit 0.25, upwards; p 0.01"},
        {.30, .36, .25, VG_WARN,
         "D above the warning limit 0.25, limit 0.35 within these bounds, so not counted as above "
         "it, upwards; p 0.01"},
        {.24, .26, .25, VG_PASS, "D, limit 0.35, upwards; p 0.01"},
        {.36, .37, 1, VG_FAIL, "D above 0.35, upwards; p 0.01"},
        {.34, .36, 1, VG_PASS,
         "D, limit 0.35 within these bounds, so not counted as above it, upwards; p 0.01"},
        {.35, .36, 1, VG_PASS,
         "D, limit 0.35 within these bounds, so not counted as above it, upwards; p 0.01"},
        {.30, .31, 1, VG_PASS, "D, limit 0.35, upwards; p 0.01"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        set_rule(&world, 0, "ks")->limits = (struct vg_limits){
            .has_fail = true, .has_warn = true, .fail = .35, .warn = rows[i].warn};
        struct vg_measure *measure = add(&world, 0, rows[i].lo);
        measure->bounded = true;
        measure->lo = rows[i].lo;
        measure->hi = rows[i].hi;
        measure->p_value = .01;
        measure->direction = 1;
        memcpy(measure->why, "D", 2);
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_string_equal(result->why, rows[i].why);
        assert_true(result->bounded && result->lo == rows[i].lo && result->hi == rows[i].hi);
        stop(&world);
    }
}

/* Limits that nobody wrote: of the type, of the measure; none when only a warning is asked for. */
static void test_default_limits(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "range")->limits.bounds = (struct vg_bounds){true, true, 0, 1};
    set_rule(&world, 1, "range")->limits =
        (struct vg_limits){.has_fail = true, .fail = .1, .bounds = {true, true, 0, 1}};
    set_rule(&world, 2, "judged");
    set_rule(&world, 3, "judged")->limits = (struct vg_limits){.has_fail = true, .fail = 10};
    set_rule(&world, 4, "range")->limits = (struct vg_limits){.has_warn = true, .warn = .1};
    set_rule(&world, 5, "reach");
    add(&world, 0, .05);
    add(&world, 1, .05);
    add(&world, 2, 100)->limit = 99;
    add(&world, 3, 11)->limit = 99;
    add(&world, 4, .05);
    add(&world, 5, NAN);
    const struct vg_result *results = judge(&world, 6);
    assert_verdict(&results[0], VG_FAIL);
    assert_true(results[0].limit == 0);
    assert_verdict(&results[1], VG_PASS);
    assert_true(results[1].limit == .1);
    assert_verdict(&results[2], VG_FAIL);
    assert_true(results[2].limit == 99);
    assert_verdict(&results[3], VG_FAIL);
    assert_true(results[3].limit == 10);
    assert_verdict(&results[4], VG_PASS);
    assert_true(isnan(results[4].limit));
    assert_verdict(&results[5], VG_PASS);
    assert_true(isnan(results[5].limit));
    stop(&world);
}

/* The default of a type is text in the unit of its value. */
static void test_default_limit_as_text(void **state)
{
    (void)state;
    static const struct {
        enum vg_unit unit;
        const char *text;
        double limit;
    } rows[] = {{VG_UNIT_SECONDS, "8h", 28800}, {VG_UNIT_SECONDS, "500ms", .5},
                {VG_UNIT_RATIO, "5%", .05},     {VG_UNIT_COUNT, "3", 3},
                {VG_UNIT_SECONDS, "8", NAN},    {VG_UNIT_RATIO, "much", NAN}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_check_type type = {
            .name = "new", .unit = rows[i].unit, .default_fail = rows[i].text};
        set_rule(&world, 0, "reach")->type = &type;
        add(&world, 0, 1e9);
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, isnan(rows[i].limit) ? VG_PASS : VG_FAIL);
        assert_true(isnan(rows[i].limit) ? isnan(result->limit) : result->limit == rows[i].limit);
        stop(&world);
    }
}

static void test_min_rows(void **state)
{
    (void)state;
    static const struct {
        const char *check;
        int64_t min_rows;
        double n;
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {"ks", VG_DEFAULT, 199, VG_NODATA, "only 199 rows, 200 needed"},
        {"ks", VG_DEFAULT, 200, VG_FAIL, NULL},
        {"ks", 34, 34, VG_FAIL, NULL},
        {"ks", 35, 34, VG_NODATA, "only 34 rows, 35 needed"},
        {"ks", VG_DEFAULT, 1, VG_NODATA, "only 1 row, 200 needed"},
        {"ks", 0, 0, VG_FAIL, NULL},
        {"nulls", VG_DEFAULT, 0, VG_NODATA, "no rows to look at"},
        {"nulls", VG_DEFAULT, 1, VG_FAIL, NULL},
        {"freshness", VG_DEFAULT, 0, VG_FAIL, NULL},
        {"schema", VG_DEFAULT, 0, VG_FAIL, NULL},
        {"schema", VG_DEFAULT, NAN, VG_FAIL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_rule *rule = set_rule(&world, 0, rows[i].check);
        rule->limits = (struct vg_limits){.has_fail = true, .fail = .5};
        rule->min_rows = rows[i].min_rows;
        struct vg_measure *measure = add(&world, 0, 1);
        measure->n_now = rows[i].n;
        memcpy(measure->why, "something", 10);
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        if (rows[i].why)
            assert_string_equal(result->why, rows[i].why);
        stop(&world);
    }
}

static void test_no_number_is_nodata(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "ks")->limits = (struct vg_limits){.has_fail = true, .fail = .5};
    memcpy(add(&world, 0, NAN)->why, "no finite values in the reference", 34);
    const struct vg_result *result = judge(&world, 1);
    assert_verdict(result, VG_NODATA);
    assert_string_equal(result->why, "no finite values in the reference");
    stop(&world);
}

/* The worst of a rule's measures; what could not be looked at counts only when nothing could. */
static void test_worst_of_a_rule(void **state)
{
    (void)state;
    enum { P, W, F, U, N, END }; /* pass, warn, fail, unknown, nodata */
    static const struct {
        int measures[4];
        enum vg_verdict verdict;
    } rows[] = {
        {{P, END}, VG_PASS},       {{W, P, END}, VG_WARN},    {{P, F, W, END}, VG_FAIL},
        {{F, P, END}, VG_FAIL},    {{U, P, END}, VG_PASS},    {{N, P, END}, VG_PASS},
        {{U, W, N, END}, VG_WARN}, {{N, U, END}, VG_UNKNOWN}, {{U, N, END}, VG_UNKNOWN},
        {{N, N, END}, VG_NODATA},  {{U, F, END}, VG_FAIL},
    };
    static const double values[] = {[P] = .1, [W] = .3, [F] = .4};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        set_rule(&world, 0, "ks")->limits =
            (struct vg_limits){.has_fail = true, .has_warn = true, .fail = .35, .warn = .25};
        for (size_t k = 0; rows[i].measures[k] != END; k++) {
            int kind = rows[i].measures[k];
            if (kind == U || kind == N)
                assert_int_equal(vg_measure_skip(&world.measures, &world.rules[0],
                                                 kind == U ? VG_UNKNOWN : VG_NODATA, "dark"),
                                 0);
            else
                add(&world, 0, values[kind]);
        }
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        if (result->verdict == VG_UNKNOWN || result->verdict == VG_NODATA)
            assert_string_equal(result->why, "dark");
        else
            assert_true(result->value == values[result->verdict == VG_FAIL   ? F
                                                : result->verdict == VG_WARN ? W
                                                                             : P]);
        stop(&world);
    }
}

/* Of measures with the same verdict the first is shown. */
static void test_first_of_equals(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "ks")->limits = (struct vg_limits){.has_fail = true, .fail = .35};
    add(&world, 0, .1);
    add(&world, 0, .4);
    add(&world, 0, .5);
    const struct vg_result *result = judge(&world, 1);
    assert_true(result->value == .4);
    stop(&world);
}

static void test_a_measure_that_can_only_warn(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "range")->limits.bounds = (struct vg_bounds){true, true, 0, 1};
    add(&world, 0, 0);
    add(&world, 0, .2)->at_most = VG_WARN;
    const struct vg_result *result = judge(&world, 1);
    assert_verdict(result, VG_WARN);
    assert_true(result->value == .2 && result->limit == 0);
    stop(&world);
}

static void test_segments_and_order(void **state)
{
    (void)state;
    static const struct {
        size_t rule;
        const char *segment;
        double value;
    } measures[] = {{0, "ORD", .1}, {0, "SFO", .9}, {1, NULL, .9}, {0, "ORD", .9},
                    {0, NULL, .1},  {1, NULL, .1},  {0, "ORD", .1}};
    static const struct {
        const char *rule, *segment;
        enum vg_verdict verdict;
    } wanted[] = {
        {"a", "ORD", VG_FAIL}, {"a", "SFO", VG_FAIL}, {"b", NULL, VG_FAIL}, {"a", NULL, VG_PASS}};
    struct world world;
    start(&world);
    for (size_t r = 0; r < 2; r++)
        set_rule(&world, r, "ks")->limits = (struct vg_limits){.has_fail = true, .fail = .35};
    for (size_t i = 0; i < COUNT(measures); i++)
        add(&world, measures[i].rule, measures[i].value)->segment = measures[i].segment;
    const struct vg_result *results = judge(&world, COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_string_equal(results[i].rule, wanted[i].rule);
        assert_true(vg_streq(results[i].segment, wanted[i].segment));
        assert_verdict(&results[i], wanted[i].verdict);
    }
    stop(&world);
}

static void test_empty_list(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    judge(&world, 0);
    stop(&world);
}

static void test_many_rules(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct world world;
    start(&world);
    struct vg_rule *rules = vg_arena_array(world.arena, N, sizeof *rules);
    assert_non_null(rules);
    for (size_t i = 0; i < N; i++) {
        rules[i] = *set_rule(&world, 0, "nulls");
        rules[i].limits = (struct vg_limits){.has_fail = true, .fail = .5};
        for (size_t k = 0; k < 2; k++) {
            struct vg_measure *measure = vg_measure_add(&world.measures, &rules[i]);
            assert_non_null(measure);
            measure->value = k && i % 3 == 0 ? 1 : 0;
        }
    }
    const struct vg_result *results = judge(&world, N);
    for (size_t i = 0; i < N; i++)
        assert_verdict(&results[i], i % 3 == 0 ? VG_FAIL : VG_PASS);
    stop(&world);
}

/* A value known between two numbers breaks a bound when both do. */
static void test_bounds_of_bounded_values(void **state)
{
    (void)state;
    static const struct {
        double lo, hi, min, max;
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {962, 1062, 900, 1100, VG_PASS, "about, within [900, 1100]"},
        {962, 1062, 1100, 1200, VG_FAIL, "about, below 1100"},
        {962, 1062, 800, 900, VG_FAIL, "about, above 900"},
        {962, 1062, 1000, 1200, VG_PASS,
         "about, limit 1000 within these bounds, so not counted as below it"},
        {962, 1062, 900, 1000, VG_PASS,
         "about, limit 1000 within these bounds, so not counted as above it"},
        {962, 1062, 1062, 1200, VG_PASS,
         "about, limit 1062 within these bounds, so not counted as below it"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_bounds bounds = {true, true, rows[i].min, rows[i].max};
        set_rule(&world, 0, "distinct")->limits = (struct vg_limits){.bounds = bounds};
        struct vg_measure *measure = add(&world, 0, 1012);
        measure->bounded = true;
        measure->lo = rows[i].lo;
        measure->hi = rows[i].hi;
        snprintf(measure->why, sizeof measure->why, "about");
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_string_equal(result->why, rows[i].why);
        stop(&world);
    }
}

/* Of some checks the limit itself is broken already. */
static void test_at_limit(void **state)
{
    (void)state;
    static const struct {
        double value, warn; /* 0: none */
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {1, 0, VG_FAIL, "rows (100%), at the limit 100%"},
        {0.99, 0, VG_PASS, "rows (99%), limit 100%"},
        {0.95, 0.95, VG_WARN, "rows (95%), at the warning limit 95%"},
        {0.96, 0.95, VG_WARN, "rows (96%), above the warning limit 95%"},
        {0.94, 0.95, VG_PASS, "rows (94%), limit 100%"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        struct vg_limits limits = {.has_fail = true, .fail = 1, .warn = rows[i].warn};
        limits.has_warn = rows[i].warn > 0;
        set_rule(&world, 0, "constant")->limits = limits;
        struct vg_measure *measure = add(&world, 0, rows[i].value);
        snprintf(measure->why, sizeof measure->why, "rows");
        const struct vg_result *result = judge(&world, 1);
        assert_verdict(result, rows[i].verdict);
        assert_string_equal(result->why, rows[i].why);
        stop(&world);
    }
}

static void test_times_and_fingerprints(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    struct vg_bounds bounds = {.has_min = true, .min = 978307200e6};
    set_rule(&world, 0, "maximum")->limits = (struct vg_limits){.bounds = bounds};
    struct vg_measure *measure = add(&world, 0, 978220800e6);
    measure->is_time = true;
    measure->fingerprint = 77;
    snprintf(measure->why, sizeof measure->why, "then");
    const struct vg_result *result = judge(&world, 1);
    assert_verdict(result, VG_FAIL);
    assert_string_equal(result->why, "then, below 2001-01-01T00:00:00Z");
    assert_true(result->fingerprint == 77);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_bounded_values),
        cmocka_unit_test(test_bounds_of_bounded_values),
        cmocka_unit_test(test_at_limit),
        cmocka_unit_test(test_times_and_fingerprints),
        cmocka_unit_test(test_default_limits),
        cmocka_unit_test(test_default_limit_as_text),
        cmocka_unit_test(test_min_rows),
        cmocka_unit_test(test_first_of_equals),
        cmocka_unit_test(test_no_number_is_nodata),
        cmocka_unit_test(test_worst_of_a_rule),
        cmocka_unit_test(test_a_measure_that_can_only_warn),
        cmocka_unit_test(test_segments_and_order),
        cmocka_unit_test(test_empty_list),
        cmocka_unit_test(test_many_rules),
    };
    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
