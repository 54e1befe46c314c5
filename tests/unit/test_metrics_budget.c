/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/metrics/samples.c: what the board shows of the budget, and how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tests/unit/board.h"

#define LABELS "{dataset=\"flights\",rule=\"x.drift\",column=\"x\",segment=\"\""

static const struct vg_reading readings[] = {
    {"ks", .12, .2, 1e-3, 1e-5, .18},
    {"spread", 1.1, INFINITY, .5, 1e-4, 1.3},
    {"nulls", NAN, NAN, NAN, 0, INFINITY},
    {"levels", -.05, -.1, .2, 1e-5, .07},
};

static struct vg_result make_result(void)
{
    struct vg_result result = board_drift(.12, VG_PASS);
    result.rule = "x.drift";
    result.check = "budget";
    result.column = "x";
    result.readings = readings;
    result.nreadings = sizeof readings / sizeof readings[0];
    return result;
}

static void test_readings(void **state)
{
    (void)state;
    struct vg_result result = make_result();
    struct vg_cycle cycle = board_cycle("flights");
    struct vg_alert alert = board_alert("x.drift", VG_ALERT_OK);
    struct vg_metrics *metrics = vg_metrics_new("1");
    cycle.has_expected = true;
    cycle.expected_week = .5;
    board_window(&cycle, &result, 1);
    board_publish(metrics, &cycle, &alert, 1);
    /* The next window closes no base window: what was said stands. */
    struct vg_cycle next = board_cycle("flights");
    board_window(&next, NULL, 0);
    board_publish(metrics, &next, &alert, 1);
    char *text = board_group(metrics, "flights");
    board_assert(text, "pgvigil_drift_ks" LABELS "}", .12);
    board_assert_absent(text, "pgvigil_drift_ks_threshold");
    board_assert(text, "pgvigil_drift_spread" LABELS "}", 1.1);
    board_assert(text, "pgvigil_drift_value_share" LABELS "}", -.05);
    board_assert_absent(text, "pgvigil_drift_null_share");
    board_assert_absent(text, "pgvigil_drift_budget");
    board_assert(text, "pgvigil_drift_p_value" LABELS ",statistic=\"levels\"}", .2);
    board_assert(text, "pgvigil_drift_alarm_level" LABELS ",statistic=\"nulls\"}", 0);
    board_assert(text, "pgvigil_drift_smallest_visible" LABELS ",statistic=\"spread\"}", 1.3);
    board_assert(text, "pgvigil_drift_expected_incidents{dataset=\"flights\"}", .5);
    free(text);
    /* Without its alert the rule is gone. */
    struct vg_alert other = board_alert("y.drift", VG_ALERT_OK);
    board_publish(metrics, &next, &other, 1);
    text = board_group(metrics, "flights");
    board_assert_absent(text, "pgvigil_drift_ks");
    free(text);
    vg_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_readings)};
    return cmocka_run_group_tests_name("metrics_budget", tests, NULL, NULL);
}
