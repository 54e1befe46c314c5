/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycles whose read fails: what is unknown then, what is not stored, when it is tried again, when a
 * window is given up, and what one rule's condition may not take down. */
#include "tests/unit/cycle_kit.h"

#include <string.h>

static void start(struct cycle_kit *kit, void **state)
{
    cycle_kit_start(kit, state, rule_kit_config, cycle_kit_rules);
    for (int hour = 0; hour < 3; hour++) {
        struct vg_window span = made_hour(hour);
        source_kit_add(&kit->source, &span, 60, 1, 1);
    }
}

/* As the loop does it: runs, and comes again when the back-off has passed. */
static void run(struct cycle_kit *kit, int64_t at_us)
{
    if (kit->progress.retry_us != VG_NEVER && at_us < kit->progress.retry_us)
        at_us = kit->progress.retry_us;
    MUST(kit, cycle_kit_run(kit, at_us));
    cycle_kit_same_progress(kit);
}

/* No window, `reach` alone is unknown, and the waits double from one tick to an hour. */
static void test_open_fails(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.source.open =
        (struct source_trouble){7, VG_E_CONNECT, NULL, "connection refused by warehouse"};
    static const int64_t waits[] = {5, 10, 20, 40, 60, 60, 60};
    int64_t at = cycle_kit_due(0);
    for (int i = 0; i < 7; i++) {
        run(&kit, at);
        assert_int_equal(kit.nresults, 1);
        assert_string_equal(cycle_kit_expect(&kit, "reach", VG_UNKNOWN)->why,
                            "could not be read (connect): connection refused by warehouse");
        assert_true(kit.cycle.failed && !kit.cycle.has_window);
        assert_int_equal(kit.progress.failures, i + 1);
        assert_int_equal(kit.progress.cycle_failures, i + 1);
        assert_int_equal(kit.progress.retry_us, at + waits[i] * VG_MINUTE_US);
        at = kit.progress.retry_us;
    }
    assert_int_equal(kit.source.opens, 0);
    assert_int_equal(kit.progress.scan_failures, 0); /* never came to the scan */
    assert_true(kit.progress.watermark_us == VG_NEVER && kit.progress.success_us == VG_NEVER);
    cycle_kit_window(&kit, 0, "none", 0);
    run(&kit, at);
    cycle_kit_expect(&kit, "reach", VG_PASS);
    assert_int_equal(kit.progress.failures, 0);
    assert_true(kit.progress.retry_us == VG_NEVER);
    assert_int_equal(kit.progress.cycle_failures, 7);
    cycle_kit_stop(&kit);
}

/* The third failure in the scan while the next window waits: the window is given up. */
static void test_unreadable(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    run(&kit, cycle_kit_due(0));
    kit.source.scan =
        (struct source_trouble){3, VG_E_TIMEOUT, "57014", "canceling statement due to timeout"};
    for (int i = 1; i <= 2; i++) {
        run(&kit, cycle_kit_due(2));
        assert_int_equal(kit.nresults, 1);
        assert_int_equal(kit.progress.scan_failures, i);
        assert_int_equal(kit.progress.watermark_us, made_hour(0).end_us);
        cycle_kit_window(&kit, 1, "none", 0);
    }
    run(&kit, cycle_kit_due(2));
    cycle_kit_window(&kit, 1, "unreadable", 0);
    assert_true(kit.cycle.unreadable && kit.cycle.failed && kit.cycle.has_window);
    static const char *const rules[] = {"value.nulls", "filtered", "id.range", "volume"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        assert_string_equal(cycle_kit_expect(&kit, rules[i], VG_UNKNOWN)->why,
                            "canceling statement due to timeout");
    cycle_kit_expect(&kit, "reach", VG_UNKNOWN);
    assert_int_equal(kit.progress.watermark_us, made_hour(1).end_us);
    assert_int_equal(kit.progress.scan_failures, 0);
    assert_int_equal(kit.progress.success_us, cycle_kit_due(0));
    assert_int_equal(kit.progress.judged_us, cycle_kit_due(0));
    assert_int_equal(kit.progress.rows_scanned, 60);
    run(&kit, cycle_kit_due(2) + VG_HOUR_US);
    cycle_kit_window(&kit, 2, "judged", 60);
    cycle_kit_stop(&kit);
}

/* The tick beside the window that is given up has its own verdicts; `reach` alone has none. */
static void test_tick_beside_an_unreadable_window(void **state)
{
    for (int late = 0; late <= 1; late++) {
        struct cycle_kit kit;
        start(&kit, state);
        kit.rule.dataset->id = late ? "stale" : "fresh";
        run(&kit, cycle_kit_due(0));
        int64_t due = cycle_kit_due(late ? 11 : 2);
        kit.source.scan = (struct source_trouble){3, VG_E_TIMEOUT, "57014", "too slow"};
        for (int i = 0; i < 3; i++)
            run(&kit, due);
        assert_true(kit.cycle.unreadable && kit.cycle.ticked);
        cycle_kit_expect(&kit, "freshness", late ? VG_FAIL : VG_PASS);
        cycle_kit_expect(&kit, "judged", VG_PASS);
        cycle_kit_expect(&kit, "schema", VG_PASS);
        cycle_kit_expect(&kit, "reach", VG_UNKNOWN);
        cycle_kit_expect(&kit, "volume", VG_UNKNOWN);
        cycle_kit_stop(&kit);
    }
}

/* Without a tick, too, a failed read is a blind look of `reach`. */
static void test_unreadable_off_ticks(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    run(&kit, cycle_kit_due(0));
    kit.source.scan = (struct source_trouble){3, VG_E_TIMEOUT, "57014", "too slow"};
    for (int i = 0; i < 3; i++) {
        kit.rule.dataset->schedule.every_us = i < 2 ? 5 * VG_MINUTE_US : 12 * VG_HOUR_US;
        run(&kit, cycle_kit_due(2));
    }
    assert_true(kit.cycle.unreadable && !kit.cycle.ticked);
    cycle_kit_expect(&kit, "reach", VG_UNKNOWN);
    assert_int_equal(kit.nresults, 5); /* and the four of the window */
    cycle_kit_stop(&kit);
}

/* While no later window waits, nothing is lost by waiting. */
static void test_not_given_up_without_need(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.rule.dataset->schedule.every_us = VG_MINUTE_US;
    kit.source.scan = (struct source_trouble){5, VG_E_TIMEOUT, "57014", "too slow"};
    for (int i = 1; i <= 5; i++) {
        run(&kit, cycle_kit_due(0));
        assert_int_equal(kit.progress.scan_failures, i);
        cycle_kit_window(&kit, 0, "none", 0);
    }
    assert_true(kit.progress.retry_us < cycle_kit_due(1));
    run(&kit, cycle_kit_due(0));
    cycle_kit_window(&kit, 0, "judged", 60);
    assert_int_equal(kit.progress.scan_failures, 0);
    cycle_kit_stop(&kit);
}

/* A condition that the server rejects: its rule is unknown and says why, the rest is judged. */
static void test_rejected_where(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.source.rejects_where = true;
    run(&kit, cycle_kit_due(0));
    assert_int_equal(kit.source.nscans, 2);
    assert_true(kit.source.scans[0].conditional && !kit.source.scans[1].conditional);
    assert_false(kit.cycle.failed);
    assert_string_equal(cycle_kit_expect(&kit, "filtered", VG_UNKNOWN)->why,
                        "its where cannot be evaluated: column \"gone\" does not exist");
    cycle_kit_expect(&kit, "value.nulls", VG_PASS);
    cycle_kit_expect(&kit, "id.range", VG_PASS);
    cycle_kit_expect(&kit, "volume", VG_PASS);
    cycle_kit_expect(&kit, "reach", VG_PASS);
    cycle_kit_window(&kit, 0, "judged", 60);
    assert_int_equal(kit.progress.failures, 0);
    assert_int_equal(kit.progress.rows_scanned, 60);
    cycle_kit_stop(&kit);
}

/* Empty windows that were probed before the condition was rejected are probed anew, once each. */
static void test_rejected_where_beside_open_windows(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    size_t full = kit.source.nrows;
    kit.source.nrows = 0;
    run(&kit, cycle_kit_due(0));
    run(&kit, cycle_kit_due(1));
    kit.source.nrows = full;
    kit.source.rejects_where = true;
    run(&kit, cycle_kit_due(2)); /* sees rows in both for the first time */
    cycle_kit_window(&kit, 2, "judged", 60);
    cycle_kit_window(&kit, 0, "empty", 0);
    int64_t made_up =
        fixture_int(kit.env.store, "SELECT count(*) FROM scanned_window WHERE start_us = 0");
    assert_int_equal(made_up, 0);
    run(&kit, cycle_kit_due(2) + 6 * VG_MINUTE_US);
    cycle_kit_window(&kit, 0, "judged", 60);
    cycle_kit_window(&kit, 1, "judged", 60);
    cycle_kit_stop(&kit);
}

/* The count of late rows stands beside the scan: when it fails, that alone is not known. */
static void test_failure_beside_the_scan(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    run(&kit, cycle_kit_due(0));
    kit.source.count = (struct source_trouble){1, VG_E_QUERY, "22012", "division by zero"};
    kit.source.no_index = true; /* the late rows are then the first to be counted */
    run(&kit, cycle_kit_due(1));
    assert_int_equal(kit.source.count.times, 0);
    assert_int_equal(kit.source.nscans, 2);
    cycle_kit_expect(&kit, "volume", VG_PASS);
    cycle_kit_expect(&kit, "filtered", VG_PASS);
    cycle_kit_window(&kit, 1, "judged", 60);
    assert_int_equal(kit.cycle.rows, 60);
    assert_false(kit.cycle.has_late_rows || kit.cycle.failed);
    cycle_kit_stop(&kit);
}

/* So does the look for the newest row: freshness is unknown, the window is judged. */
static void test_newest_is_not_known(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.source.count = (struct source_trouble){1, VG_E_TIMEOUT, "57014", "too slow"};
    run(&kit, cycle_kit_due(0));
    assert_int_equal(kit.source.count.times, 0);
    assert_string_equal(cycle_kit_expect(&kit, "freshness", VG_UNKNOWN)->why,
                        "the newest row is not known: too slow");
    cycle_kit_expect(&kit, "reach", VG_PASS);
    cycle_kit_window(&kit, 0, "judged", 60);
    cycle_kit_stop(&kit);
}

/* A condition is blamed when the server rejects it by itself too; a deadline, a lost server, and a
 * rejection that no condition explains fail the read. */
static void test_where_is_not_blamed(void **state)
{
    static const struct {
        const char *sqlstate;
        enum vg_code code;
        const char *why;
    } cases[] = {
        {"57014", VG_E_TIMEOUT, "could not be read (timeout): said no"},
        {"42501", VG_E_PERMISSION, "could not be read (permission): said no"},
        {"53300", VG_E_CONNECT, "could not be read (connect): said no"},
        {NULL, VG_E_DATA, "could not be read (data): said no"},
    };
    static const char *const ids[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cycle_kit kit;
        start(&kit, state);
        kit.rule.dataset->id = ids[i];
        kit.source.scan = (struct source_trouble){1, cases[i].code, cases[i].sqlstate, "said no"};
        run(&kit, cycle_kit_due(0));
        assert_true(kit.cycle.failed);
        assert_int_equal(kit.source.nscans, 1);
        assert_string_equal(cycle_kit_expect(&kit, "reach", VG_UNKNOWN)->why, cases[i].why);
        cycle_kit_stop(&kit);
    }
}

/* Asked to stop: nothing at all is stored, as if the cycle had not begun. */
static void test_cancelled(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    struct vg_progress before = kit.progress, stored;
    kit.source.scan = (struct source_trouble){1, VG_E_CANCELLED, NULL, "asked to stop"};
    assert_int_equal(cycle_kit_run(&kit, cycle_kit_due(0)), -1);
    assert_int_equal(kit.err.code, VG_E_CANCELLED);
    MUST(&kit, vg_store_progress(kit.env.store, "flights", kit.store->arena, &stored, &kit.err));
    assert_false(stored.known);
    assert_true(kit.progress.watermark_us == before.watermark_us && !kit.progress.known);
    assert_true(!kit.committed && !kit.published);
    cycle_kit_stop(&kit);
}

/* A store that refuses: the cycle is lost and says so, nothing is published. */
static void test_store_refuses(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    fixture_exec(kit.env.store, "CREATE TRIGGER refuse BEFORE INSERT ON dataset "
                                "BEGIN SELECT RAISE(ABORT, 'refused'); END");
    assert_int_equal(cycle_kit_run(&kit, cycle_kit_due(0)), -1);
    assert_true(!kit.committed && !kit.published && !kit.progress.known);
    assert_int_equal(fixture_int(kit.env.store, "SELECT count(*) FROM result"), 0);
    assert_int_equal(fixture_int(kit.env.store, "SELECT count(*) FROM alert"), 0);
    fixture_exec(kit.env.store, "DROP TRIGGER refuse");
    run(&kit, cycle_kit_due(0));
    cycle_kit_window(&kit, 0, "judged", 60);
    cycle_kit_stop(&kit);
}

/* What the rule file says of the time column does not hold in the database. */
static void test_time_column_that_cannot_serve(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.rule.dataset->time_column = "value";
    run(&kit, cycle_kit_due(0));
    assert_string_equal(cycle_kit_expect(&kit, "reach", VG_UNKNOWN)->why,
                        "could not be read (config): value: the time column is not a date or "
                        "timestamp");
    assert_int_equal(kit.source.nscans, 0);
    cycle_kit_stop(&kit);
}

/* A large table without time column is read on demand only. */
static void test_large_table_without_time(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.rule.dataset->time_column = NULL;
    kit.source.bytes = INT64_C(4200000000);
    run(&kit, cycle_kit_due(0));
    assert_non_null(strstr(cycle_kit_expect(&kit, "reach", VG_UNKNOWN)->why,
                           "table ml.flights has 4200 MB and no time column"));
    assert_int_equal(kit.source.nscans, 0);
    kit.rule.dataset->long_scan = true;
    run(&kit, cycle_kit_due(0));
    cycle_kit_window(&kit, 0, "judged", 180); /* all of it, as it is now */
    cycle_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open_fails),
        TEST(test_unreadable),
        TEST(test_tick_beside_an_unreadable_window),
        TEST(test_unreadable_off_ticks),
        TEST(test_not_given_up_without_need),
        TEST(test_rejected_where),
        TEST(test_rejected_where_beside_open_windows),
        TEST(test_failure_beside_the_scan),
        TEST(test_newest_is_not_known),
        TEST(test_where_is_not_blamed),
        TEST(test_cancelled),
        TEST(test_store_refuses),
        TEST(test_time_column_that_cannot_serve),
        TEST(test_large_table_without_time),
    };
    return cmocka_run_group_tests_name("cycle_failures", tests, NULL, NULL);
}
