/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/judge.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "agent/judge.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A list of measures of up to eight rules of one dataset. */
struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_rule rules[8];
    struct vg_measures measures;
    struct vg_result *results;
    size_t n;
};

static void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new()};
    assert_non_null(world->arena);
    world->measures.arena = world->arena;
    world->dataset = (struct vg_dataset){
        .id = "flights", .file = "rules/flights.yaml", .schedule = {.window_us = VG_HOUR_US}};
}

static void stop(struct world *world)
{
    vg_arena_free(world->arena);
}

static struct vg_rule *set_rule(struct world *world, size_t at, const char *check)
{
    static const char *const ids[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    const struct vg_check_type *type = vg_check_find(check);
    assert_non_null(type);
    world->rules[at] = (struct vg_rule){
        .id = ids[at],
        .column = type->of_column ? "delay" : NULL,
        .dataset = &world->dataset,
        .type = type,
        .severity = VG_SEVERITY_CRITICAL,
        .min_rows = VG_DEFAULT,
        .after = VG_DEFAULT,
        .resolve_after = VG_DEFAULT,
        .blind_after_us = VG_DEFAULT,
    };
    return &world->rules[at];
}

static struct vg_measure *add(struct world *world, size_t rule, double value)
{
    struct vg_measure *measure = vg_measure_add(&world->measures, &world->rules[rule]);
    assert_non_null(measure);
    measure->value = value;
    measure->n_now = 1000;
    return measure;
}

static const struct vg_result *judge(struct world *world, size_t expected)
{
    struct vg_error err;
    assert_int_equal(vg_judge(&world->measures, world->arena, &world->results, &world->n, &err), 0);
    assert_int_equal(world->n, expected);
    return world->results;
}

static void assert_verdict(const struct vg_result *result, enum vg_verdict verdict)
{
    assert_string_equal(vg_verdict_name(result->verdict), vg_verdict_name(verdict));
}

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
        assert_true(isnan(result->level));
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
        double lo, hi;
        enum vg_verdict verdict;
        const char *why;
    } rows[] = {
        {.36, .37, VG_FAIL, "D above 0.35, upwards; p 0.01"},
        {.34, .36, VG_PASS,
         "D, limit 0.35 within these bounds, so not counted as above it, upwards; p 0.01"},
        {.35, .36, VG_PASS,
         "D, limit 0.35 within these bounds, so not counted as above it, upwards; p 0.01"},
        {.30, .31, VG_PASS, "D, limit 0.35, upwards; p 0.01"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        set_rule(&world, 0, "ks")->limits = (struct vg_limits){.has_fail = true, .fail = .35};
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
    stop(&world);
}

static void test_budget_is_not_judged(void **state)
{
    (void)state;
    struct world world;
    struct vg_error err;
    start(&world);
    set_rule(&world, 0, "ks")->policy = VG_POLICY_BUDGET;
    add(&world, 0, .1);
    assert_int_equal(vg_judge(&world.measures, world.arena, &world.results, &world.n, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    stop(&world);
}

static void test_streak_defaults(void **state)
{
    (void)state;
    static const struct {
        int64_t window_us;
        int after, resolve_after;
        int64_t blind_after_us;
        int want_after, want_resolve;
        int64_t want_blind;
    } rows[] = {
        {VG_HOUR_US, -1, -1, -1, 1, 3, 15 * VG_MINUTE_US},
        {VG_MINUTE_US, -1, -1, -1, 1, 3, 15 * VG_MINUTE_US},
        {2 * VG_HOUR_US, -1, -1, -1, 1, 1, 15 * VG_MINUTE_US},
        {VG_DAY_US, 2, 4, VG_HOUR_US, 2, 4, VG_HOUR_US},
        {VG_HOUR_US, 1, 1, 0, 1, 1, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world world;
        start(&world);
        world.dataset.schedule.window_us = rows[i].window_us;
        struct vg_rule *rule = set_rule(&world, 0, "nulls");
        rule->after = rows[i].after;
        rule->resolve_after = rows[i].resolve_after;
        rule->blind_after_us = rows[i].blind_after_us;
        add(&world, 0, 0);
        const struct vg_result *result = judge(&world, 1);
        assert_int_equal(result->after, rows[i].want_after);
        assert_int_equal(result->resolve_after, rows[i].want_resolve);
        assert_int_equal(result->blind_after_us, rows[i].want_blind);
        stop(&world);
    }
}

/* Everything of the rule is copied: a reload frees the rules while results live on. */
static void test_fields_are_copied(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    char id[] = "late", column[] = "delay", was[] = "old", text[] = "why it matters",
         url[] = "https://wiki/x", file[] = "rules/a.yaml", ops[] = "ops", audit[] = "audit",
         segment[] = "ORD";
    const char *to[] = {ops, audit}, *warn_to[] = {audit};
    struct vg_rule *rule = set_rule(&world, 0, "ks");
    rule->id = id;
    rule->column = column;
    rule->was = was;
    rule->description = text;
    rule->runbook = url;
    rule->loc = (struct vg_loc){file, 12, 3};
    rule->to = (struct vg_strings){to, 2};
    rule->warn_to = (struct vg_strings){warn_to, 1};
    rule->severity = VG_SEVERITY_WARNING;
    rule->limits = (struct vg_limits){.has_fail = true, .fail = .35};
    struct vg_measure *measure = add(&world, 0, .384);
    measure->segment = segment;
    measure->effect = .384;
    measure->p_value = 1e-9;
    measure->n_now = 3458;
    measure->n_ref = 105943;
    measure->direction = -1;
    const struct vg_result *r = judge(&world, 1);
    memset(id, '?', 4);
    memset(column, '?', 5);
    memset(was, '?', 3);
    memset(text, '?', 14);
    memset(url, '?', 14);
    memset(file, '?', 12);
    memset(ops, '?', 3);
    memset(audit, '?', 5);
    memset(segment, '?', 3);
    assert_string_equal(r->rule, "late");
    assert_string_equal(r->check, "ks");
    assert_string_equal(r->column, "delay");
    assert_string_equal(r->segment, "ORD");
    assert_string_equal(r->was, "old");
    assert_string_equal(r->description, "why it matters");
    assert_string_equal(r->runbook, "https://wiki/x");
    assert_string_equal(r->file, "rules/a.yaml");
    assert_int_equal(r->line, 12);
    assert_int_equal(r->to.n, 2);
    assert_string_equal(r->to.items[0], "ops");
    assert_string_equal(r->to.items[1], "audit");
    assert_int_equal(r->warn_to.n, 1);
    assert_string_equal(r->warn_to.items[0], "audit");
    assert_true(r->severity == VG_SEVERITY_WARNING && r->class == VG_CLASS_DRIFT &&
                r->cadence == VG_ON_WINDOW && r->unit == VG_UNIT_RATIO);
    assert_true(r->value == .384 && r->effect == .384 && r->p_value == 1e-9);
    assert_true(r->n == 3458 && r->n_ref == 105943 && r->direction == -1);
    assert_true(!r->keys && !r->nkeys);
    assert_string_equal(r->why, "ks 0.384 above 0.35, downwards; p 1e-09");
    stop(&world);
}

static void test_absent_text_stays_absent(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_rule(&world, 0, "reach");
    add(&world, 0, NAN);
    const struct vg_result *r = judge(&world, 1);
    assert_true(!r->column && !r->segment && !r->was && !r->description && !r->runbook);
    assert_string_equal(r->file, "rules/flights.yaml"); /* of the dataset: the rule is implicit */
    assert_int_equal(r->line, 0);
    assert_true(r->to.n == 0 && r->warn_to.n == 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_bounded_values),
        cmocka_unit_test(test_default_limits),
        cmocka_unit_test(test_min_rows),
        cmocka_unit_test(test_no_number_is_nodata),
        cmocka_unit_test(test_worst_of_a_rule),
        cmocka_unit_test(test_a_measure_that_can_only_warn),
        cmocka_unit_test(test_segments_and_order),
        cmocka_unit_test(test_p_value_policy),
        cmocka_unit_test(test_benjamini_hochberg),
        cmocka_unit_test(test_bh_counts_its_own_tests),
        cmocka_unit_test(test_budget_is_not_judged),
        cmocka_unit_test(test_streak_defaults),
        cmocka_unit_test(test_fields_are_copied),
        cmocka_unit_test(test_absent_text_stays_absent),
        cmocka_unit_test(test_empty_list),
        cmocka_unit_test(test_many_rules),
    };
    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
