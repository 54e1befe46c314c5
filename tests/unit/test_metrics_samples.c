/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of what a cycle puts on the board and takes off (agent/metrics/samples.c), and of its
 * text: word for word, absent figures, private columns, hostile names, caps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/metrics.h"
#include "pgvigil/summary.h"
#include "tests/unit/board.h"
#include "tests/unit/exposition.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- What a cycle says ----------------------------------------------------------------------- */

static const char predictions_text[] =
    "# HELP pgvigil_dataset_up Whether the last cycle could read the table (1) or not (0).\n"
    "# TYPE pgvigil_dataset_up gauge\n"
    "pgvigil_dataset_up{dataset=\"predictions\"} 1\n"
    "# HELP pgvigil_dataset_rows Rows of the window judged last.\n"
    "# TYPE pgvigil_dataset_rows gauge\n"
    "pgvigil_dataset_rows{dataset=\"predictions\"} 3458\n"
    "# HELP pgvigil_dataset_window_end_timestamp_seconds End of the window judged last.\n"
    "# TYPE pgvigil_dataset_window_end_timestamp_seconds gauge\n"
    "pgvigil_dataset_window_end_timestamp_seconds{dataset=\"predictions\"} 992347200\n"
    "# HELP pgvigil_dataset_newest_row_timestamp_seconds Newest time in the table that is not in "
    "the future.\n"
    "# TYPE pgvigil_dataset_newest_row_timestamp_seconds gauge\n"
    "pgvigil_dataset_newest_row_timestamp_seconds{dataset=\"predictions\"} 992346900\n"
    "# HELP pgvigil_dataset_last_success_timestamp_seconds When a cycle could last read the "
    "table.\n"
    "# TYPE pgvigil_dataset_last_success_timestamp_seconds gauge\n"
    "pgvigil_dataset_last_success_timestamp_seconds{dataset=\"predictions\"} 992347200\n"
    "# HELP pgvigil_dataset_interval_seconds Time between two cycles, as scheduled.\n"
    "# TYPE pgvigil_dataset_interval_seconds gauge\n"
    "pgvigil_dataset_interval_seconds{dataset=\"predictions\"} 300\n"
    "# HELP pgvigil_cycles_total Cycles since the dataset was first seen.\n"
    "# TYPE pgvigil_cycles_total counter\n"
    "pgvigil_cycles_total{dataset=\"predictions\"} 7\n"
    "# HELP pgvigil_cycle_failures_total Cycles that could not read the table.\n"
    "# TYPE pgvigil_cycle_failures_total counter\n"
    "pgvigil_cycle_failures_total{dataset=\"predictions\"} 1\n"
    "# HELP pgvigil_ticks_skipped_total Ticks left out because an earlier cycle was still "
    "running.\n"
    "# TYPE pgvigil_ticks_skipped_total counter\n"
    "pgvigil_ticks_skipped_total{dataset=\"predictions\"} 0\n"
    "# HELP pgvigil_windows_skipped_total Windows never judged: older than the catch-up reaches, "
    "or given up.\n"
    "# TYPE pgvigil_windows_skipped_total counter\n"
    "pgvigil_windows_skipped_total{dataset=\"predictions\"} 0\n"
    "# HELP pgvigil_rows_scanned_total Rows read from the database.\n"
    "# TYPE pgvigil_rows_scanned_total counter\n"
    "pgvigil_rows_scanned_total{dataset=\"predictions\"} 3458\n"
    "# HELP pgvigil_check_status Last verdict: 0 pass, 1 nodata, 2 warn, 3 unknown, 4 fail.\n"
    "# TYPE pgvigil_check_status gauge\n"
    "pgvigil_check_status{dataset=\"predictions\",rule=\"score-drift\",column=\"probability\","
    "segment=\"\",severity=\"critical\"} 4\n"
    "# HELP pgvigil_alert_state State of the alert: 0 ok, 1 new, 2 pending, 3 blind, 4 clearing, "
    "5 firing blind, 6 firing.\n"
    "# TYPE pgvigil_alert_state gauge\n"
    "pgvigil_alert_state{dataset=\"predictions\",rule=\"score-drift\",column=\"\",segment=\"\","
    "severity=\"critical\"} 6\n";

static void test_group_of_a_dataset_word_for_word(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1.2.3");
    struct vg_result drift = board_drift(0.384, VG_FAIL);
    struct vg_alert alert = board_alert("score-drift", VG_ALERT_FIRING);
    struct vg_cycle cycle = board_cycle("predictions");
    board_window(&cycle, &drift, 1);
    board_publish(metrics, &cycle, &alert, 1);
    char *text = board_group(metrics, "predictions");
    char *rest = strstr(text, "# HELP pgvigil_drift_ks ");
    assert_non_null(rest);
    assert_int_equal(rest - text, (long)strlen(predictions_text));
    assert_memory_equal(text, predictions_text, strlen(predictions_text));
    const char *labels =
        "dataset=\"predictions\",rule=\"score-drift\",column=\"probability\",segment=\"\"";
    char series[300];
    snprintf(series, sizeof series, "pgvigil_drift_ks{%s}", labels);
    board_assert(rest, series, 0.384);
    snprintf(series, sizeof series, "pgvigil_drift_ks_threshold{%s,level=\"fail\"}", labels);
    board_assert(rest, series, 0.35);
    snprintf(series, sizeof series, "pgvigil_drift_ks_threshold{%s,level=\"warn\"}", labels);
    board_assert(rest, series, 0.25);
    exposition_promtool(text);
    free(text);
    vg_metrics_free(metrics);
}

static void test_what_was_not_measured_is_absent(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    struct vg_result drift = board_drift(NAN, VG_NODATA);
    drift.limit = drift.warn_limit = NAN;
    struct vg_cycle cycle = board_cycle("predictions");
    cycle.newest_us = cycle.last_success_us = VG_NEVER;
    cycle.every_us = 0;
    board_window(&cycle, &drift, 1);
    board_publish(metrics, &cycle, NULL, 0);
    char *text = board_group(metrics, "predictions");
    board_assert_absent(text, "pgvigil_drift_ks");
    board_assert_absent(text, "pgvigil_drift_ks_threshold");
    board_assert_absent(text, "pgvigil_dataset_newest_row_timestamp_seconds");
    board_assert_absent(text, "pgvigil_dataset_last_success_timestamp_seconds");
    board_assert_absent(text, "pgvigil_dataset_interval_seconds");
    board_assert_absent(text, "pgvigil_dataset_late_rows");
    board_assert_absent(text, "pgvigil_alert_state");
    assert_null(strstr(text, "NaN"));
    assert_int_equal(exposition_count(text, "pgvigil_check_status"), 1);
    free(text);
    vg_metrics_free(metrics);
}

/* A tick leaves what the last window said; a failed one leaves what it has no verdict on. */
static void test_ticks_and_failures_keep_the_window(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    struct vg_result both[] = {board_drift(0.2, VG_PASS), board_freshness(VG_FAIL)};
    struct vg_cycle window = board_cycle("predictions");
    board_window(&window, both, 2);
    window.late_rows = 40;
    window.has_late_rows = true;
    board_publish(metrics, &window, NULL, 0);

    struct vg_result reach = board_result("reach", "reach", VG_CLASS_SCHEMA, VG_ON_TICK);
    reach.verdict = VG_UNKNOWN;
    struct vg_cycle failed = board_cycle("predictions");
    failed.failed = true;
    failed.newest_us = VG_NEVER;
    failed.results = &reach;
    failed.nresults = 1;
    board_publish(metrics, &failed, NULL, 0);
    char *text = board_group(metrics, "predictions");
    board_assert(text, "pgvigil_dataset_up{dataset=\"predictions\"}", 0);
    board_assert(text, "pgvigil_dataset_rows{dataset=\"predictions\"}", 3458);
    board_assert(text, "pgvigil_dataset_late_rows{dataset=\"predictions\"}", 40);
    assert_int_equal(exposition_count(text, "pgvigil_dataset_newest_row_timestamp_seconds"), 1);
    assert_int_equal(exposition_count(text, "pgvigil_check_status"), 3);
    assert_int_equal(exposition_count(text, "pgvigil_drift_ks"), 1);
    free(text);

    struct vg_result fresh = board_freshness(VG_PASS);
    struct vg_cycle tick = board_cycle("predictions");
    tick.results = &fresh;
    tick.nresults = 1;
    board_publish(metrics, &tick, NULL, 0);
    text = board_group(metrics, "predictions");
    board_assert(text, "pgvigil_dataset_up{dataset=\"predictions\"}", 1);
    board_assert(text,
                 "pgvigil_check_status{dataset=\"predictions\",rule=\"freshness\",column=\"\","
                 "segment=\"\",severity=\"critical\"}",
                 0);
    assert_int_equal(exposition_count(text, "pgvigil_check_status"), 2); /* reach has gone */
    assert_int_equal(exposition_count(text, "pgvigil_drift_ks"), 1);
    free(text);
    vg_metrics_free(metrics);
}

static void test_removed_rules_and_datasets_go(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    struct vg_result drift = board_drift(0.2, VG_PASS);
    struct vg_alert alerts[] = {board_alert("score-drift", VG_ALERT_OK),
                                board_alert("freshness", VG_ALERT_OK)};
    struct vg_cycle window = board_cycle("predictions");
    board_window(&window, &drift, 1);
    board_publish(metrics, &window, alerts, 2);

    struct vg_cycle tick = board_cycle("predictions");
    board_publish(metrics, &tick, &alerts[1], 1); /* score-drift is in neither now */
    char *text = board_group(metrics, "predictions");
    board_assert_absent(text, "pgvigil_drift_ks");
    board_assert_absent(text, "pgvigil_check_status");
    assert_int_equal(exposition_count(text, "pgvigil_alert_state"), 1);
    free(text);

    struct vg_publisher *publisher = vg_metrics_publisher(metrics);
    publisher->ops->retire(publisher, "unheard-of");
    publisher->ops->retire(publisher, "predictions");
    text = board_text(metrics, (struct vg_metrics_scope){.datasets = true});
    assert_string_equal(text, "");
    free(text);
    vg_metrics_free(metrics);
}

/* --- Columns --------------------------------------------------------------------------------- */

static struct vg_column_summary make_column(char *name, enum vg_kind kind, uint64_t finite)
{
    return (struct vg_column_summary){.name = name,
                                      .kind = kind,
                                      .rows = finite + 2,
                                      .nulls = 1,
                                      .nans = 1,
                                      .min = 4e6,
                                      .max = 8e6,
                                      .sum = {6e6 * (double)finite, 0},
                                      .m2 = {4 * (double)(finite - 1), 0}};
}

static void test_statistics_of_columns(void **state)
{
    (void)state;
    char names[][8] = {"amount", "seen", "label", "few", "many"};
    struct vg_column_summary columns[] = {
        make_column(names[0], VG_KIND_NUMBER, 4), make_column(names[1], VG_KIND_TIME, 4),
        make_column(names[2], VG_KIND_TEXT, 4), make_column(names[3], VG_KIND_NUMBER, 9),
        make_column(names[4], VG_KIND_NUMBER, 10)};
    struct vg_summary summary = {.rows = 6, .columns = columns, .ncolumns = COUNT(columns)};
    const char *const private[] = {"few", "many"};
    struct vg_cycle cycle = board_cycle("d");
    board_window(&cycle, NULL, 0);
    cycle.summary = &summary;
    cycle.private_columns = (struct vg_strings){private, 2};
    struct vg_metrics *metrics = vg_metrics_new("1");
    board_publish(metrics, &cycle, NULL, 0);
    char *text = board_group(metrics, "d");
    static const struct {
        const char *name, *column;
        double want;
    } cases[] = {
        {"nulls_ratio", "amount", 1.0 / 6},
        {"min", "amount", 4e6},
        {"max", "amount", 8e6},
        {"mean", "amount", 6e6},
        {"stddev", "amount", 2},
        {"min", "seen", 4},
        {"max", "seen", 8},
        {"mean", "seen", 6},
        {"stddev", "seen", 2e-6},
        {"nulls_ratio", "label", 1.0 / 6},
        {"mean", "many", 6e6},
        {"stddev", "many", 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char series[200];
        snprintf(series, sizeof series,
                 "pgvigil_column_%s{dataset=\"d\",column=\"%s\",segment=\"\"}", cases[i].name,
                 cases[i].column);
        board_assert(text, series, cases[i].want);
    }
    /* of a private column no end of its range, of a small one no moment either; of text no number
     */
    assert_int_equal(exposition_count(text, "pgvigil_column_min"), 2);
    assert_int_equal(exposition_count(text, "pgvigil_column_max"), 2);
    assert_int_equal(exposition_count(text, "pgvigil_column_mean"), 3);
    assert_int_equal(exposition_count(text, "pgvigil_column_stddev"), 3);
    board_assert_absent(text, "pgvigil_column_distinct");
    free(text);

    struct vg_cycle empty = board_cycle("d");
    board_window(&empty, NULL, 0);
    empty.rows = 0;
    empty.empty = true;
    board_publish(metrics, &empty, NULL, 0);
    text = board_group(metrics, "d");
    board_assert(text, "pgvigil_dataset_rows{dataset=\"d\"}", 0);
    board_assert_absent(text, "pgvigil_column_nulls_ratio");
    free(text);
    vg_metrics_free(metrics);
}

/* --- Hostile names --------------------------------------------------------------------------- */

static void test_hostile_names_stay_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *want; /* NULL: as it is */
    } cases[] = {
        {"plain", NULL},
        {"quote\"} 1\nup{x=\"", NULL},
        {"back\\slash\\n", NULL},
        {"line\nfeed", NULL},
        {"<!channel> & <b>", NULL},
        {"Straße \xf0\x9f\x9a\x80", NULL},
        {"", NULL},
        {"bad\xff utf8", "bad\xef\xbf\xbd utf8~"},
        {"bell\a", "bell\xef\xbf\xbd~"},
        {"bidi\xe2\x80\xae", "bidi\xef\xbf\xbd~"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_metrics *metrics = vg_metrics_new("1");
        struct vg_cycle cycle = board_cycle(cases[i].name);
        board_publish(metrics, &cycle, NULL, 0);
        char *text = board_group(metrics, cases[i].name), got[300];
        assert_true(exposition_label(text, "pgvigil_dataset_up", "dataset", got, sizeof got));
        const char *want = cases[i].want ? cases[i].want : cases[i].name;
        assert_memory_equal(got, want, strlen(want));
        assert_int_equal(strlen(got), strlen(want) + (cases[i].want ? 16 : 0));
        exposition_promtool(text);
        free(text);
        vg_metrics_free(metrics);
    }
}

/* Two names that look the same once cleaned, or cut, are two series; the same name is one. */
static void test_names_do_not_collide(void **state)
{
    (void)state;
    char longer[2][400];
    memset(longer, 'x', sizeof longer);
    memcpy(longer[0] + 390, "one", 4);
    memcpy(longer[1] + 390, "two", 4);
    struct vg_result results[] = {board_freshness(VG_PASS), board_freshness(VG_PASS),
                                  board_freshness(VG_PASS), board_freshness(VG_PASS),
                                  board_freshness(VG_PASS), board_freshness(VG_FAIL)};
    const char *const columns[] = {"a\x01", "a\x02", longer[0], longer[1], "same", "same"};
    for (size_t i = 0; i < COUNT(results); i++)
        results[i].column = columns[i];
    struct vg_cycle cycle = board_cycle("d");
    cycle.results = results;
    cycle.nresults = COUNT(results);
    struct vg_metrics *metrics = vg_metrics_new("1");
    board_publish(metrics, &cycle, NULL, 0);
    char *text = board_group(metrics, "d");
    assert_int_equal(exposition_count(text, "pgvigil_check_status"), 5);
    board_assert(text,
                 "pgvigil_check_status{dataset=\"d\",rule=\"freshness\",column=\"same\","
                 "segment=\"\",severity=\"critical\"}",
                 4); /* the graver of the two */
    free(text);
    vg_metrics_free(metrics);
}

/* --- Caps ------------------------------------------------------------------------------------ */

static void publish_columns(struct vg_metrics *metrics, const char *dataset, size_t ncolumns)
{
    struct vg_summary summary = {.rows = 6, .ncolumns = ncolumns};
    summary.columns = calloc(ncolumns, sizeof *summary.columns);
    assert_non_null(summary.columns);
    for (size_t i = 0; i < ncolumns; i++) {
        char name[32];
        snprintf(name, sizeof name, "column %zu", i);
        summary.columns[i] = make_column(strdup(name), VG_KIND_NUMBER, 4);
    }
    struct vg_cycle cycle = board_cycle(dataset);
    board_window(&cycle, NULL, 0);
    cycle.summary = &summary;
    board_publish(metrics, &cycle, NULL, 0);
    for (size_t i = 0; i < ncolumns; i++)
        free(summary.columns[i].name);
    free(summary.columns);
}

static void test_series_are_capped(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    publish_columns(metrics, "wide", 2400); /* 5 series each */
    char *text = board_group(metrics, "wide");
    size_t kept = exposition_count(text, NULL);
    assert_int_equal(kept, VG_SERIES_DATASET);
    assert_int_equal(exposition_count(text, "pgvigil_dataset_up"), 1);
    free(text);
    text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, "pgvigil_series_dropped_total", 11 + 2400 * 5 - VG_SERIES_DATASET);
    free(text);
    vg_metrics_free(metrics);
}

static void test_series_are_capped_over_all(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    for (int i = 0; i < 28; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%02d", i);
        publish_columns(metrics, name, 300); /* 1 511 series each */
    }
    struct vg_buf out;
    vg_buf_init(&out, VG_METRICS_BYTES);
    struct vg_metrics_scope scope = {.datasets = true};
    assert_int_equal(vg_metrics_render(metrics, &scope, &out), 0);
    assert_int_equal(exposition_count(out.data, NULL), VG_SERIES_TOTAL);
    vg_buf_free(&out);
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, "pgvigil_series_dropped_total", 28 * 1511 - VG_SERIES_TOTAL);
    free(text);
    vg_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_of_a_dataset_word_for_word),
        cmocka_unit_test(test_what_was_not_measured_is_absent),
        cmocka_unit_test(test_ticks_and_failures_keep_the_window),
        cmocka_unit_test(test_removed_rules_and_datasets_go),
        cmocka_unit_test(test_statistics_of_columns),
        cmocka_unit_test(test_hostile_names_stay_values),
        cmocka_unit_test(test_names_do_not_collide),
        cmocka_unit_test(test_series_are_capped),
        cmocka_unit_test(test_series_are_capped_over_all),
    };
    return cmocka_run_group_tests_name("metrics_samples", tests, NULL, NULL);
}
