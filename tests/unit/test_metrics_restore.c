/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the board after a restart (agent/metrics/restore.c), over a real store: what the
 * store remembers is shown again, and nothing that it does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/metrics/metrics.h"
#include "tests/unit/board.h"
#include "tests/unit/exposition.h"
#include "tests/unit/store_fixture.h"

static void put_progress(struct fixture *f, int failures)
{
    struct vg_progress progress = {
        .known = true,
        .watermark_us = board_noon_us,
        .judged_us = board_noon_us,
        .success_us = board_noon_us,
        .tick_us = board_noon_us,
        .retry_us = VG_NEVER,
        .failures = failures,
        .cycles = 12,
        .cycle_failures = 3,
        .ticks_skipped = 2,
        .windows_skipped = 1,
        .rows_scanned = 3458,
    };
    MUST(f, vg_store_progress_put(f->store, "predictions", &progress, &f->err));
}

/* The last cycle before the restart, as the loop commits it. */
static void put_cycle(struct fixture *f)
{
    struct vg_result results[] = {board_drift(0.384, VG_FAIL), board_freshness(VG_PASS)};
    struct vg_cycle cycle = board_cycle("predictions");
    board_window(&cycle, results, 2);
    struct vg_window_row row = {.window = cycle.window,
                                .due_us = board_noon_us,
                                .committed_us = board_noon_us,
                                .status = VG_WINDOW_JUDGED,
                                .rows = cycle.rows,
                                .probe_rows = -1};
    struct vg_alert alert = made_alert("score-drift", VG_ALERT_FIRING);
    alert.dataset = "predictions";
    alert.column = "probability";
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    MUST(f, vg_store_window_put(f->store, "predictions", &row, &f->err));
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
}

/* The group of the dataset on a new board, filled from the store. */
static char *restore(struct fixture *f, const char *dataset)
{
    struct vg_dataset only = {.id = dataset, .schedule = {.every_us = 5 * VG_MINUTE_US}};
    struct vg_dataset *list[] = {&only};
    struct vg_ruleset rules = {.datasets = list, .ndatasets = 1, .folder_ok = true};
    struct vg_metrics *metrics = vg_metrics_new("1");
    assert_non_null(metrics);
    MUST(f, vg_metrics_restore(metrics, f->store, &rules, &f->err));
    char *text = board_group(metrics, dataset);
    char *own = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(own, "pgvigil_cycle_duration_seconds_count", 0); /* no cycle has run */
    free(own);
    vg_metrics_free(metrics);
    return text;
}

#define RULE   "dataset=\"predictions\",rule=\"score-drift\",column=\"probability\",segment=\"\""
#define SERIES "{dataset=\"predictions\"}"

static void test_results_and_counts_are_shown_again(void **state)
{
    struct fixture *f = *state;
    put_progress(f, 0);
    put_cycle(f);
    char *text = restore(f, "predictions");
    board_assert(text, "pgvigil_dataset_up" SERIES, 1);
    board_assert(text, "pgvigil_dataset_rows" SERIES, 3458);
    board_assert(text, "pgvigil_dataset_window_end_timestamp_seconds" SERIES, 992347200);
    board_assert(text, "pgvigil_dataset_last_success_timestamp_seconds" SERIES, 992347200);
    board_assert(text, "pgvigil_dataset_interval_seconds" SERIES, 300);
    board_assert(text, "pgvigil_cycles_total" SERIES, 12);
    board_assert(text, "pgvigil_cycle_failures_total" SERIES, 3);
    board_assert(text, "pgvigil_ticks_skipped_total" SERIES, 2);
    board_assert(text, "pgvigil_windows_skipped_total" SERIES, 1);
    board_assert(text, "pgvigil_rows_scanned_total" SERIES, 3458);
    board_assert(text, "pgvigil_drift_ks{" RULE "}", 0.384);
    board_assert(text, "pgvigil_drift_ks_threshold{" RULE ",level=\"fail\"}", 0.35);
    board_assert(text, "pgvigil_check_status{" RULE ",severity=\"critical\"}", 4);
    board_assert(text, "pgvigil_alert_state{" RULE ",severity=\"critical\"}", 6);
    assert_int_equal(exposition_count(text, "pgvigil_check_status"), 2);
    board_assert_absent(text, "pgvigil_column_mean");
    board_assert_absent(text, "pgvigil_dataset_newest_row_timestamp_seconds");
    free(text);
}

static void test_a_dataset_that_could_not_be_read(void **state)
{
    struct fixture *f = *state;
    put_progress(f, 4);
    put_cycle(f);
    char *text = restore(f, "predictions");
    board_assert(text, "pgvigil_dataset_up" SERIES, 0);
    board_assert(text, "pgvigil_dataset_rows" SERIES, 3458);
    board_assert(text, "pgvigil_drift_ks{" RULE "}", 0.384);
    assert_int_equal(exposition_count(text, "pgvigil_check_status"), 2);
    free(text);
}

static void test_nothing_is_made_up(void **state)
{
    struct fixture *f = *state;
    put_progress(f, 0);
    put_cycle(f);
    char *text = restore(f, "never looked at");
    assert_string_equal(text, "");
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_results_and_counts_are_shown_again),
        TEST(test_a_dataset_that_could_not_be_read),
        TEST(test_nothing_is_made_up),
    };
    return cmocka_run_group_tests_name("metrics_restore", tests, NULL, NULL);
}
