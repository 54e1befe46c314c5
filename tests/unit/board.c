/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small world behind the tests of metrics and pushes. */
#include "tests/unit/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tests/unit/exposition.h"

const int64_t board_noon_us = INT64_C(992347200) * VG_US; /* 2001-06-12T12:00:00Z */

struct vg_result board_result(const char *rule, const char *check, enum vg_class class,
                              enum vg_cadence cadence)
{
    return (struct vg_result){
        .rule = rule,
        .check = check,
        .class = class,
        .cadence = cadence,
        .verdict = VG_PASS,
        .severity = VG_SEVERITY_CRITICAL,
        .value = NAN,
        .limit = NAN,
        .warn_limit = NAN,
        .p_value = NAN,
        .why = "",
    };
}

struct vg_result board_drift(double value, enum vg_verdict verdict)
{
    struct vg_result result = board_result("score-drift", "ks", VG_CLASS_DRIFT, VG_ON_WINDOW);
    result.column = "probability";
    result.value = value;
    result.verdict = verdict;
    result.limit = 0.35;
    result.warn_limit = 0.25;
    return result;
}

struct vg_result board_freshness(enum vg_verdict verdict)
{
    struct vg_result result =
        board_result("freshness", "freshness", VG_CLASS_FRESHNESS, VG_ON_TICK);
    result.verdict = verdict;
    return result;
}

struct vg_cycle board_cycle(const char *dataset)
{
    return (struct vg_cycle){
        .dataset = dataset,
        .due_us = board_noon_us,
        .now_us = board_noon_us,
        .ticked = true,
        .newest_us = board_noon_us - 5 * VG_MINUTE_US,
        .seconds = 0.25,
        .every_us = 5 * VG_MINUTE_US,
        .last_success_us = board_noon_us,
        .cycles = 7,
        .cycle_failures = 1,
        .rows_scanned = 3458,
    };
}

void board_window(struct vg_cycle *cycle, struct vg_result *results, size_t n)
{
    cycle->has_window = true;
    cycle->window = (struct vg_window){board_noon_us - VG_DAY_US, board_noon_us, false};
    cycle->rows = 3458;
    cycle->results = results;
    cycle->nresults = n;
}

struct vg_alert board_alert(const char *rule, enum vg_alert_state state)
{
    return (struct vg_alert){.dataset = "predictions",
                             .rule = rule,
                             .segment = "",
                             .state = state,
                             .severity = VG_SEVERITY_CRITICAL,
                             .why = ""};
}

void board_publish(struct vg_metrics *metrics, const struct vg_cycle *cycle,
                   const struct vg_alert *alerts, size_t n)
{
    struct vg_publisher *publisher = vg_metrics_publisher(metrics);
    publisher->ops->publish(publisher, cycle, alerts, n);
}

/* The scope as text, read by the strict reader; to be freed. */
char *board_text(struct vg_metrics *metrics, struct vg_metrics_scope scope)
{
    struct vg_buf out;
    vg_buf_init(&out, VG_METRICS_BYTES);
    assert_int_equal(vg_metrics_render(metrics, &scope, &out), 0);
    char *text = vg_buf_take(&out);
    assert_non_null(text);
    exposition_check(text);
    return text;
}

char *board_group(struct vg_metrics *metrics, const char *dataset)
{
    return board_text(metrics, (struct vg_metrics_scope){.dataset = dataset});
}

void board_assert(const char *text, const char *series, double want)
{
    double got;
    if (!exposition_value(text, series, &got)) {
        print_error("no series %s in\n%s", series, text);
        fail();
    } else if (got != want) {
        print_error("%s is %.17g, not %.17g\n", series, got, want);
        fail();
    }
}

void board_assert_absent(const char *text, const char *name)
{
    if (exposition_count(text, name)) {
        print_error("%s should not be in\n%s", name, text);
        fail();
    }
}
