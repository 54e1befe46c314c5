/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agent/backtest_tune.c and agent/commands/backtest_yaml.c: which limits are proposed, and what is
 * said beside them and of rules that get none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/commands/backtest_show.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

enum { RULES = 4, DAYS = 20 };

struct bench {
    struct vg_dataset dataset;
    struct vg_rule rules[RULES];
    struct vg_backtest test;
    struct vg_buf yaml;
};

static void open_bench(struct bench *bench)
{
    struct vg_error err = {0};
    *bench = (struct bench){
        .dataset = {.id = "flights", .zone = &vg_utc, .group_for_us = 4 * VG_HOUR_US}};
    bench->dataset.schedule.window_us = VG_DAY_US;
    assert_int_equal(vg_backtest_open(&bench->test, &bench->dataset, NULL, 0, &err), 0);
    bench->test.tunes = true;
    bench->test.rules = vg_arena_array(bench->test.arena, RULES, sizeof *bench->test.rules);
    assert_non_null(bench->test.rules);
    vg_buf_init(&bench->yaml, 1 << 16);
}

/* column NULL: of the dataset. */
static struct vg_rule *add_rule(struct bench *bench, const char *id, const char *check,
                                const char *column, double limit)
{
    struct vg_rule *rule = &bench->rules[bench->test.nrules];
    *rule = (struct vg_rule){
        .id = id,
        .column = column,
        .type = vg_check_find(check),
        .dataset = &bench->dataset,
        .severity = VG_SEVERITY_CRITICAL,
        .limits = {.has_fail = true, .fail = limit},
        .min_rows = VG_DEFAULT,
        .after = VG_DEFAULT,
        .resolve_after = VG_DEFAULT,
    };
    assert_non_null(rule->type);
    bench->test.rules[bench->test.nrules++] = (struct vg_backtest_rule){
        .id = id, .check = check, .column = column, .rule = rule, .tuned = (double)NAN};
    return rule;
}

struct found {
    const char *rule, *segment;
    const double *values; /* one for each day; NAN: no data */
};

static void take_day(struct bench *bench, int day, const struct found *found, size_t n)
{
    struct vg_error err = {0};
    struct vg_result results[8] = {{0}};
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++) {
        double value = found[i].values[day];
        results[i] = (struct vg_result){.rule = found[i].rule,
                                        .segment = found[i].segment,
                                        .check = "",
                                        .why = "",
                                        .verdict = isnan(value) ? VG_NODATA : VG_PASS,
                                        .value = isnan(value) ? 99 : value};
    }
    struct vg_cycle cycle = {.dataset = "flights",
                             .due_us = (day + 1) * VG_DAY_US,
                             .has_window = true,
                             .window = {day * VG_DAY_US, (day + 1) * VG_DAY_US, false},
                             .results = results,
                             .nresults = n};
    assert_int_equal(vg_backtest_take(&bench->test, &cycle, NULL, 0, &err), 0);
}

static const char *tune(struct bench *bench, int days, const struct found *found, size_t n)
{
    struct vg_error err = {0};
    for (int day = 0; day < days; day++)
        take_day(bench, day, found, n);
    assert_int_equal(vg_backtest_tune(&bench->test, &bench->dataset, &err), 0);
    vg_backtest_yaml(&bench->test, &bench->yaml);
    assert_false(bench->yaml.failed);
    return bench->yaml.data;
}

static void close_bench(struct bench *bench)
{
    vg_buf_free(&bench->yaml);
    vg_backtest_close(&bench->test);
}

#define HEAD                                                                                       \
    "# The smallest limits that open at most one incident over these windows; of each rule\n"      \
    "# all else stays as it is.\n"

static const double quiet[DAYS] = {.1, .12, .11, .1, .1, .09, .1, .1, .1, .13,
                                   .1, .1,  .1,  .1, .1, .1,  .1, .1, .1, .1};
static const double stormy[DAYS] = {.1, .12, .11, .4, .1, .09, NAN, .1, .1, .2,
                                    .1, .1,  .35, .1, .1, .1,  .1,  .1, .1, .1};
static const double absent[DAYS] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                    NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};

/* At .35 the one day at .4 fails; at .2 two of them do, days apart. */
static void test_one_rule(void **state)
{
    static const struct {
        const double *values;
        double limit;
        double tuned;
        const char *said;
    } cases[] = {
        {stormy, .3, .35,
         "{fail: 0.35, id: x.drift.ks}  # above it 1 of 19 windows; above 0.3, as "
         "it is now, 2, fired 0 times\n"},
        /* One that fires too often gets a higher limit, */
        {stormy, .05, .35, "above 0.05, as it is now, 19, fired 0 times\n"},
        /* one that never fires a lower one. */
        {quiet, .9, .12,
         "{fail: 0.12, id: x.drift.ks}  # above it 1 of 20 windows; above 0.9, as "
         "it is now, 0, fired 0 times\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        struct found found = {"x.drift.ks", NULL, cases[i].values};
        open_bench(&bench);
        add_rule(&bench, "x.drift.ks", "ks", "x", cases[i].limit);
        const char *said = tune(&bench, DAYS, &found, 1);
        if (!(fabs(bench.test.rules[0].tuned - cases[i].tuned) < 1e-12))
            fail_msg("case %zu: %g", i, bench.test.rules[0].tuned);
        assert_null(bench.test.rules[0].why_untuned);
        if (!strstr(said, cases[i].said))
            fail_msg("case %zu: %s", i, said);
        assert_true(!strncmp(said, HEAD "columns:\n  x:\n    drift:\n      ks: {", 140));
        close_bench(&bench);
    }
}

/* A limit below which the windows are one endless incident would forbid everything. */
static void test_restless_windows(void **state)
{
    static const double wild[DAYS] = {.1, .9, .2, .8, .3, .7, .4, .6, .5, .55,
                                      .1, .9, .2, .8, .3, .7, .4, .6, .5, .95};
    (void)state;
    struct bench bench;
    struct found found = {"x.drift.ks", NULL, wild};
    open_bench(&bench);
    add_rule(&bench, "x.drift.ks", "ks", "x", .35);
    assert_non_null(strstr(tune(&bench, DAYS, &found, 1),
                           "{fail: 0.9, id: x.drift.ks}  # above it 1 of 20 windows; above 0.35"));
    close_bench(&bench);
}

/* No number is made of what is not known. */
static void test_none(void **state)
{
    static const char none[] = "# No limit is proposed for:\n"
                               "#   x.drift.ks: no window gave it a value\n";
    static const char few[] = "# No limit is proposed for:\n"
                              "#   x.drift.ks: 13 windows gave it a value, fewer than 14\n";
    static const struct {
        const double *values;
        int days;
        const char *said;
    } cases[] = {{absent, DAYS, none}, {quiet, 0, none}, {quiet, 13, few}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        struct found found = {"x.drift.ks", NULL, cases[i].values};
        open_bench(&bench);
        add_rule(&bench, "x.drift.ks", "ks", "x", .3);
        assert_string_equal(tune(&bench, cases[i].days, &found, 1), cases[i].said);
        assert_true(isnan(bench.test.rules[0].tuned));
        close_bench(&bench);
    }
}

/* A share of all rows is never exceeded. */
static void test_all_rows(void **state)
{
    double values[DAYS] = {[3] = 1, [9] = .9997, [12] = 1};
    (void)state;
    struct bench bench;
    struct found found = {"x.nulls", NULL, values};
    open_bench(&bench);
    add_rule(&bench, "x.nulls", "nulls", "x", .01);
    assert_string_equal(tune(&bench, DAYS, &found, 1),
                        "# No limit is proposed for:\n#   x.nulls: only a limit of 100% opens at "
                        "most one incident, and never fails\n");
    close_bench(&bench);
}

static void test_rules_without_a_limit(void **state)
{
    (void)state;
    struct bench bench;
    struct found found[] = {{"x.drift", NULL, quiet}, {"p", NULL, quiet}, {"volume", NULL, quiet}};
    open_bench(&bench);
    add_rule(&bench, "x.drift", "budget", "x", 0)->policy = VG_POLICY_BUDGET;
    add_rule(&bench, "p", "ks", "x", .001)->policy = VG_POLICY_P_VALUE;
    add_rule(&bench, "volume", "volume", NULL, 0)->limits =
        (struct vg_limits){.bounds = {.has_min = true, .min = 5}};
    add_rule(&bench, "unique", "unique", NULL, 0);
    bench.test.rules[3].why_not = "asks the database by itself";
    assert_string_equal(tune(&bench, DAYS, found, 3),
                        "# No limit is proposed for:\n"
                        "#   x.drift: the budget sets its levels by itself\n"
                        "#   p: its limit is one of p\n"
                        "#   volume: it has min or max, not one limit\n"
                        "#   unique: it is not replayed\n");
    close_bench(&bench);
    struct vg_rule rule = {.type = vg_check_find("ks"), .limits = {.has_warn = true}};
    assert_string_equal(vg_backtest_untuned(&rule), "it has no limit of failing");
    rule.limits.has_fail = true;
    assert_null(vg_backtest_untuned(&rule));
    rule.compare.segment = "c";
    assert_string_equal(vg_backtest_untuned(&rule), "it compares segments with each other");
    rule = (struct vg_rule){.type = vg_check_find("stuck"), .limits = {.has_fail = true}};
    assert_string_equal(vg_backtest_untuned(&rule), "a value at its limit fails already");
}

/* Two of one check are one key with a list, for YAML knows a key once. */
static void test_several_of_one_column(void **state)
{
    (void)state;
    struct bench bench;
    struct found found[] = {{"x.drift.ks", NULL, stormy},
                            {"x.nulls", NULL, quiet},
                            {"sudden", NULL, quiet},
                            {"y.drift.psi", NULL, quiet}};
    open_bench(&bench);
    add_rule(&bench, "x.drift.ks", "ks", "x", .3);
    add_rule(&bench, "x.nulls", "nulls", "x", .01);
    add_rule(&bench, "sudden", "ks", "x", .3)->limits.warn = .2;
    add_rule(&bench, "y.drift.psi", "psi", "a y", .3);
    bench.rules[2].limits.has_warn = true;
    bench.test.rules[2].fired = 1;
    assert_string_equal(
        tune(&bench, DAYS, found, 4),
        HEAD "columns:\n"
             "  x:\n"
             "    nulls: {fail: 0.12, id: x.nulls}  # above it 1 of 20 windows; above 0.01, as it "
             "is now, 20, fired 0 times\n"
             "    drift:\n"
             "      ks:\n"
             "        - {fail: 0.35, id: x.drift.ks}  # above it 1 of 19 windows; above 0.3, as it "
             "is now, 2, fired 0 times\n"
             "        - {fail: 0.12, id: sudden}  # above it 1 of 20 windows; above 0.3, as it is "
             "now, 0, fired 1 time; warn, now 0.2, must be below it\n"
             "  a y:\n"
             "    drift:\n"
             "      psi: {fail: 0.12, id: y.drift.psi}  # above it 1 of 20 windows; above 0.3, as "
             "it is now, 0, fired 0 times\n");
    close_bench(&bench);
}

/* The limit is one for all rows and each segment: what a segment shows counts, too. */
static void test_segments(void **state)
{
    static const double de[DAYS] = {NAN, NAN, NAN, .1, .1, .6, .1, .1, .1, .1,
                                    .1,  .1,  .1,  .1, .1, .1, .1, .1, .1, .1};
    static const double fr[DAYS] = {.1, .1, .1, .1, .1, .1, .1, .1, .1, .1,
                                    .1, .1, .1, .1, .5, .1, .1, .1, .1, .1};
    (void)state;
    struct bench bench;
    struct found found[] = {
        {"x.drift.ks", NULL, quiet}, {"x.drift.ks", "c=DE", de}, {"x.drift.ks", "c=FR", fr}};
    open_bench(&bench);
    add_rule(&bench, "x.drift.ks", "ks", "x", .3);
    assert_non_null(strstr(tune(&bench, DAYS, found, 3),
                           "{fail: 0.5, id: x.drift.ks}  # above it 1 of 20 windows; above 0.3, as "
                           "it is now, 2"));
    close_bench(&bench);
}

/* What is proposed is not reached by the windows it was made of, in whatever unit, and is no
 * coarser than they are. */
static void test_rounding(void **state)
{
    static const struct {
        const char *check;
        double value;
        const char *limit;
    } cases[] = {
        {"ks", 0.1234, "0.124"},
        {"ks", 0.35, "0.35"},
        {"nulls", 0.0000123, "1.3e-05"},
        {"nulls", 0, "0"},
        {"wasserstein", 1234567, "1240000"},
        {"wasserstein", 12.345, "12.4"},
        {"wasserstein", 0.00456, "0.0046"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        double values[DAYS], limit;
        char text[96];
        for (int day = 0; day < DAYS; day++)
            values[day] = cases[i].value;
        struct found found = {"r", NULL, values};
        open_bench(&bench);
        add_rule(&bench, "r", cases[i].check, "x", .3);
        snprintf(text, sizeof text, "{fail: %s, id: r}  # above it 0 of 20", cases[i].limit);
        const char *said = tune(&bench, DAYS, &found, 1);
        if (!strstr(said, text))
            fail_msg("%s %g: %s", cases[i].check, cases[i].value, said);
        assert_int_equal(vg_parse_double(cases[i].limit, &limit), 0);
        assert_true(limit >= cases[i].value);
        close_bench(&bench);
    }
}

/* A limit of time is written as one. */
static void test_times(void **state)
{
    double values[DAYS];
    (void)state;
    for (int day = 0; day < DAYS; day++)
        values[day] = 3600.5;
    struct bench bench;
    struct found found = {"stale", NULL, values};
    open_bench(&bench);
    add_rule(&bench, "stale", "stale", "x", 7200);
    assert_non_null(
        strstr(tune(&bench, DAYS, &found, 1),
               "stale: {fail: 3610s, id: stale}  # above it 0 of 20 windows; above 2h"));
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_rule),
        cmocka_unit_test(test_restless_windows),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_all_rows),
        cmocka_unit_test(test_rules_without_a_limit),
        cmocka_unit_test(test_several_of_one_column),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests_name("backtest_tune", tests, NULL, NULL);
}
