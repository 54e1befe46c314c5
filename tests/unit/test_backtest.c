/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agent/backtest.c: what is collected of cycles, alerts and messages. */
#include "agent/backtest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/check.h"

static const struct vg_check_type ks = {
    .name = "ks", .class = VG_CLASS_DRIFT, .cadence = VG_ON_WINDOW, .of_column = true};

struct bench {
    struct vg_dataset dataset;
    struct vg_rule rule;
    struct vg_injection injections[2];
    struct vg_backtest test;
};

static void open_bench(struct bench *bench, size_t injections)
{
    struct vg_error err = {0};
    bench->dataset =
        (struct vg_dataset){.id = "flights", .zone = &vg_utc, .group_for_us = 4 * VG_HOUR_US};
    bench->dataset.schedule.window_us = VG_DAY_US;
    bench->rule = (struct vg_rule){
        .id = "x.drift.ks",
        .column = "x",
        .type = &ks,
        .severity = VG_SEVERITY_CRITICAL,
        .limits = {.has_fail = true, .fail = 0.3},
        .min_rows = VG_DEFAULT,
        .after = VG_DEFAULT,
        .resolve_after = VG_DEFAULT,
    };
    assert_int_equal(
        vg_backtest_open(&bench->test, &bench->dataset, bench->injections, injections, &err), 0);
    bench->test.to_us = 21 * VG_DAY_US;
    bench->test.rules = vg_arena_array(bench->test.arena, 1, sizeof *bench->test.rules);
    assert_non_null(bench->test.rules);
    bench->test.rules[0] = (struct vg_backtest_rule){
        .id = "x.drift.ks", .check = "ks", .column = "x", .rule = &bench->rule};
    bench->test.nrules = 1;
}

/* The cycle of one day, with the rule's value and the state of its alert afterwards. */
static void take(struct bench *bench, int day, double value, enum vg_alert_state state,
                 int onset_day)
{
    struct vg_error err = {0};
    struct vg_result result = {
        .rule = "x.drift.ks",
        .check = "ks",
        .verdict = isnan(value)  ? VG_NODATA
                   : value > 0.3 ? VG_FAIL
                                 : VG_PASS,
        .value = value,
        .why = "",
    };
    struct vg_cycle cycle = {
        .dataset = "flights",
        .due_us = (day + 1) * VG_DAY_US + VG_MINUTE_US,
        .has_window = true,
        .window = {day * VG_DAY_US, (day + 1) * VG_DAY_US, false},
        .rows = 100,
        .results = &result,
        .nresults = 1,
    };
    struct vg_alert alert = {
        .dataset = "flights",
        .rule = "x.drift.ks",
        .segment = "",
        .check = "ks",
        .column = "x",
        .class = VG_CLASS_DRIFT,
        .state = state,
        .severity = VG_SEVERITY_CRITICAL,
        .onset_us = onset_day < 0 ? VG_NEVER : onset_day * VG_DAY_US,
        .why = "D above .3",
        .value = value,
        .limit = 0.3,
    };
    if (onset_day >= 0)
        snprintf(alert.incident, sizeof alert.incident, "incident%d", onset_day);
    assert_int_equal(vg_backtest_take(&bench->test, &cycle, &alert, 1, &err), 0);
}

static void test_incidents(void **state)
{
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, 0);
    take(&bench, 0, 0.1, VG_ALERT_OK, -1);
    take(&bench, 1, 0.4, VG_ALERT_FIRING, 1);
    take(&bench, 2, 0.1, VG_ALERT_CLEARING, 1);
    take(&bench, 3, (double)NAN, VG_ALERT_CLEARING, 1);
    take(&bench, 4, 0.1, VG_ALERT_OK, 1); /* the key stays with the alert */
    take(&bench, 5, 0.5, VG_ALERT_FIRING, 5);
    const struct vg_backtest *test = &bench.test;
    assert_int_equal(test->windows, 6);
    assert_int_equal(test->rows, 600);
    assert_int_equal(test->nincidents, 2);
    assert_string_equal(test->incidents[0].key, "incident1");
    assert_true(test->incidents[0].onset_us == VG_DAY_US);
    assert_true(test->incidents[0].opened_us == 2 * VG_DAY_US + VG_MINUTE_US);
    assert_true(test->incidents[0].closed_us == 5 * VG_DAY_US + VG_MINUTE_US);
    assert_int_equal(test->incidents[0].nalerts, 1);
    assert_string_equal(test->incidents[0].alerts[0].why, "D above .3");
    assert_true(test->incidents[1].closed_us == VG_NEVER);
    assert_int_equal(test->rules[0].fired, 2);
    assert_int_equal(test->rules[0].verdicts[VG_FAIL], 2);
    assert_int_equal(test->rules[0].verdicts[VG_PASS], 3);
    assert_int_equal(test->rules[0].verdicts[VG_NODATA], 1);
    vg_backtest_close(&bench.test);
}

/* What fires without a change, too, is no find, whenever it began. */
static void test_changes(void **state)
{
    (void)state;
    struct bench bench = {0}, control = {0};
    open_bench(&control, 0);
    take(&control, 1, 0.4, VG_ALERT_FIRING, 1);
    take(&control, 3, 0.4, VG_ALERT_FIRING, 1);
    take(&control, 4, 0.1, VG_ALERT_OK, -1);
    take(&control, 5, 0.4, VG_ALERT_FIRING, 5);
    take(&control, 6, 0.1, VG_ALERT_OK, 5);
    bench.injections[0] = (struct vg_injection){
        .column = "x", .from_us = 3 * VG_DAY_US + VG_HOUR_US, .to_us = VG_NEVER};
    bench.injections[1] = bench.injections[0];
    bench.injections[1].column = "y";
    open_bench(&bench, 2);
    bench.test.control = &control.test;
    take(&bench, 1, 0.4, VG_ALERT_FIRING, 1);
    assert_null(bench.test.changes[0].before);
    take(&bench, 3, 0.4, VG_ALERT_FIRING, 1);
    assert_string_equal(bench.test.changes[0].before, "x.drift.ks");
    take(&bench, 4, 0.1, VG_ALERT_OK, -1);
    take(&bench, 5, 0.4, VG_ALERT_FIRING, 5); /* by chance after it: it fires anyway */
    assert_null(bench.test.changes[0].found);
    take(&bench, 6, 0.4, VG_ALERT_FIRING, 5); /* there it had ended */
    take(&bench, 7, 0.4, VG_ALERT_FIRING, 5);
    assert_string_equal(bench.test.changes[0].found, "x.drift.ks");
    assert_true(bench.test.changes[0].found_us == 7 * VG_DAY_US + VG_MINUTE_US);
    assert_true(vg_backtest_delay(&bench.test, &bench.test.changes[0]) ==
                4 * VG_DAY_US + VG_MINUTE_US - VG_HOUR_US);
    bench.test.from_us = 5 * VG_DAY_US; /* a change from before the first window */
    assert_true(vg_backtest_delay(&bench.test, &bench.test.changes[0]) ==
                2 * VG_DAY_US + VG_MINUTE_US);
    assert_null(bench.test.changes[1].found); /* another column's */
    vg_backtest_close(&bench.test);
    vg_backtest_close(&control.test);
}

static void test_pages(void **state)
{
    static const struct {
        int day;
        enum vg_message_kind kind;
        const char *receiver;
    } messages[] = {
        {1, VG_MSG_OPEN, "ops"},    {1, VG_MSG_OPEN, "boss"}, {2, VG_MSG_RESOLVE, "ops"},
        {3, VG_MSG_OPEN, "ops"},    {12, VG_MSG_OPEN, "ops"}, {12, VG_MSG_REMIND, "ops"},
        {5, VG_MSG_UPDATE, "boss"},
    };
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, 0);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        struct vg_error err = {0};
        struct vg_message message = {.kind = messages[i].kind,
                                     .at_us = messages[i].day * VG_DAY_US};
        assert_int_equal(vg_backtest_tell(&bench.test, &message, messages[i].receiver, &err), 0);
    }
    /* 1970-01-01 was a Thursday: weeks begin on days -3, 4 and 11. */
    static const struct vg_backtest_week due[] = {
        {-3 * VG_DAY_US, "boss", 1, 0},
        {4 * VG_DAY_US, "boss", 0, 1},
        {-3 * VG_DAY_US, "ops", 2, 1},
        {11 * VG_DAY_US, "ops", 1, 1},
    };
    assert_int_equal(bench.test.nweeks, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct vg_backtest_week *got = &bench.test.weeks[i];
        assert_string_equal(got->receiver, due[i].receiver);
        assert_true(got->start_us == due[i].start_us);
        assert_int_equal(got->opened, due[i].opened);
        assert_int_equal(got->others, due[i].others);
    }
    vg_backtest_close(&bench.test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incidents),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests_name("backtest", tests, NULL, NULL);
}
