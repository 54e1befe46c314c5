/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows that are read again: when, what is said of them, what is stored, and what a failing read
 * means. */
#include "tests/unit/cycle_kit.h"

#include <string.h>

#include "agent/loop/due.h"
#include "agent/window.h"

#define RULES(schedule, rest)                                                                      \
    "version: 1\n"                                                                                 \
    "dataset: flights\n"                                                                           \
    "source: {connection: warehouse, table: ml.flights, time_column: at, key: [id]}\n"             \
    "schedule: {window: 1h, delay: 10m, every: 5m, " schedule "}\n"                                \
    "columns: {value: {nulls: 50%}}\n"                                                             \
    "checks:\n"                                                                                    \
    "  - volume: {min: 2}\n" rest "notify: {to: [ops]}\n"

static const char both[] = RULES("revisit: [1d, 1h], immutable: 7d", "");

static const struct vg_span span = {.from_us = VG_NEVER, .until_us = VG_NEVER};

/* All cycles that are due up to `until`; how many of them were revisits. */
static int run_until(struct cycle_kit *kit, int64_t until)
{
    int revisits = 0;
    for (;;) {
        int64_t now_us = kit->env.clock->ops->now_us(kit->env.clock);
        int64_t next = vg_due_next(kit->datasets[0], &kit->progress, &span, now_us);
        if (next > until)
            return revisits;
        kit->nresults = 0;
        assert_int_equal(cycle_kit_run(kit, next > now_us ? next : now_us), 0);
        cycle_kit_same_progress(kit);
        revisits += kit->cycle.revisited;
        if (kit->cycle.revisited)
            return revisits;
    }
}

static void start(struct cycle_kit *kit, void **state, const char *rules)
{
    cycle_kit_start(kit, state, rule_kit_config, rules);
    struct vg_window hour = made_hour(0);
    source_kit_add(&kit->source, &hour, 1000, 1, 1);
    assert_int_equal(cycle_kit_run(kit, cycle_kit_due(0)), 0);
    cycle_kit_window(kit, 0, "judged", 1000);
}

static int count_stored(struct cycle_kit *kit, const char *sql)
{
    return (int)fixture_int(kit->env.store, sql);
}

static bool has_result(const struct cycle_kit *kit, const char *rule)
{
    for (size_t i = 0; i < kit->nresults; i++) {
        if (!strcmp(kit->results[i].rule, rule))
            return true;
    }
    return false;
}

static void test_unchanged(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, both);
    assert_false(has_result(&kit, "late_rows") || has_result(&kit, "rewritten"));
    assert_int_equal(kit.progress.revisit_us, cycle_kit_due(0) + VG_HOUR_US);
    assert_int_equal(run_until(&kit, cycle_kit_due(1) - 1), 0);
    assert_int_equal(run_until(&kit, cycle_kit_due(1) + VG_MINUTE_US), 1);
    assert_int_equal(kit.nresults, 2);
    assert_false(kit.cycle.has_window || kit.cycle.ticked);
    assert_non_null(
        strstr(cycle_kit_expect(&kit, "late_rows", VG_PASS)->why, "unchanged, 1000 rows"));
    cycle_kit_expect(&kit, "rewritten", VG_PASS);
    assert_int_equal(kit.progress.revisit_us, cycle_kit_due(0) + VG_DAY_US);
    assert_int_equal(kit.progress.watermark_us, made_hour(1).end_us);
    cycle_kit_stop(&kit);
}

static void test_late(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, both);
    struct vg_window hour = made_hour(0);
    source_kit_add(&kit.source, &hour, 30, 5, 0);
    assert_int_equal(run_until(&kit, cycle_kit_due(1) + VG_MINUTE_US), 1);
    const struct seen_result *late = cycle_kit_expect(&kit, "late_rows", VG_FAIL);
    assert_non_null(strstr(late->why, "30 added of 1000 rows"));
    assert_non_null(strstr(cycle_kit_expect(&kit, "rewritten", VG_FAIL)->why, "30 added"));
    assert_false(has_result(&kit, "volume") || has_result(&kit, "value.nulls"));
    cycle_kit_window(&kit, 0, "judged", 1030);
    /* what is stored is replaced, and compared with the next time */
    assert_int_equal(run_until(&kit, cycle_kit_due(0) + VG_DAY_US + VG_HOUR_US), 1);
    cycle_kit_expect(&kit, "late_rows", VG_PASS);
    assert_int_equal(run_until(&kit, cycle_kit_due(0) + 8 * VG_DAY_US), 1);
    cycle_kit_expect(&kit, "rewritten", VG_PASS);
    assert_int_equal(kit.progress.revisit_us, 0);
    assert_int_equal(count_stored(&kit, "SELECT count(*) FROM checked_window"), 0);
    cycle_kit_stop(&kit);
}

/* Fewer than one in a hundred are no late rows, but nothing may change where windows are immutable.
 * The number of rows alone does not tell. */
static void test_rewritten(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, both);
    kit.source.rows[7].value = -1;
    kit.source.rows[8].id = 5000;
    assert_int_equal(run_until(&kit, cycle_kit_due(1) + VG_MINUTE_US), 1);
    cycle_kit_expect(&kit, "late_rows", VG_PASS);
    assert_non_null(strstr(cycle_kit_expect(&kit, "rewritten", VG_FAIL)->why,
                           "1 added, 1 removed, 1 changed of 1000 rows"));
    cycle_kit_stop(&kit);
}

/* An alert of a window's own rules stays as it is: the window is not judged again. */
static void test_alerts_stay(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, RULES("revisit: 1h", ""));
    for (size_t i = 0; i < 1000; i++)
        kit.source.rows[i].null = true; /* more nulls than value.nulls allows */
    assert_int_equal(run_until(&kit, cycle_kit_due(1) + VG_MINUTE_US), 1);
    assert_int_equal(kit.nresults, 1);
    cycle_kit_expect(&kit, "late_rows", VG_FAIL);
    assert_int_equal(count_stored(&kit, "SELECT count(*) FROM alert WHERE rule = 'value.nulls'"
                                        " AND state = 0"),
                     1);
    assert_int_equal(count_stored(&kit, "SELECT count(*) FROM alert WHERE rule = 'late_rows'"
                                        " AND state = 6"),
                     1);
    /* nor does the history of the window lose what was judged then */
    assert_int_equal(count_stored(&kit, "SELECT count(*) FROM result WHERE rule = 'value.nulls'"),
                     count_stored(&kit, "SELECT count(*) FROM result WHERE rule = 'volume'"));
    assert_int_equal(count_stored(&kit, "SELECT count(*) FROM result WHERE rule = 'late_rows'"
                                        " AND window_start_us IS NOT NULL"),
                     1);
    cycle_kit_stop(&kit);
}

static void test_limit_of_its_own(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, RULES("revisit: [1h]", "  - late_rows: 5%\n"));
    struct vg_window hour = made_hour(0);
    source_kit_add(&kit.source, &hour, 30, 5, 0);
    assert_int_equal(run_until(&kit, cycle_kit_due(1) + VG_MINUTE_US), 1);
    assert_int_equal(kit.nresults, 1);
    cycle_kit_expect(&kit, "late_rows", VG_PASS);
    cycle_kit_window(&kit, 0, "judged", 1030);
    cycle_kit_stop(&kit);
}

/* After a restart the store knows what is to be read again; times that passed meanwhile are one. */
static void test_restart(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, both);
    struct vg_window hour = made_hour(0);
    source_kit_add(&kit.source, &hour, 30, 5, 0);
    struct vg_progress stored;
    MUST(&kit, vg_store_progress(kit.env.store, "flights", kit.store->arena, &stored, &kit.err));
    assert_int_equal(stored.revisit_us, cycle_kit_due(0) + VG_HOUR_US);
    kit.progress = stored;
    kit.env.clock->ops->sleep_until(kit.env.clock, cycle_kit_due(0) + 3 * VG_DAY_US);
    int64_t before = kit.progress.revisit_us;
    for (int i = 0; i < 200 && !kit.cycle.revisited; i++) {
        int64_t now_us = kit.env.clock->ops->now_us(kit.env.clock);
        assert_int_equal(cycle_kit_run(&kit, now_us), 0);
    }
    assert_true(kit.cycle.revisited);
    cycle_kit_expect(&kit, "late_rows", VG_FAIL);
    assert_true(kit.progress.revisit_us > before);
    assert_int_equal(count_stored(&kit, "SELECT count(*) FROM checked_window"
                                        " WHERE read_us > checked_us"),
                     1);
    assert_int_equal(count_stored(&kit, "SELECT next_us - checked_us FROM checked_window"
                                        " WHERE read_us > checked_us") /
                         0x7fffffff,
                     0);
    cycle_kit_stop(&kit);
}

/* A read that fails is tried again and holds up nothing else; the third time the two rules are
 * unknown and the next time is waited for. */
static void test_failure(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, RULES("revisit: [20m, 2h]", ""));
    int64_t now_us = cycle_kit_due(0) + 20 * VG_MINUTE_US;
    assert_int_equal(run_until(&kit, now_us - 1), 0);
    for (int i = 0; i < 3; i++) {
        kit.source.scan = (struct source_trouble){.times = 1, .code = VG_E_TIMEOUT, .msg = "slow"};
        do {
            int64_t next = vg_due_next(kit.datasets[0], &kit.progress, &span, now_us);
            now_us = next > now_us ? next : now_us; /* the clock does not go back */
            assert_true(now_us < cycle_kit_due(1));
            kit.nresults = 0;
            assert_int_equal(cycle_kit_run(&kit, now_us), 0);
        } while (!kit.cycle.revisited);
        assert_true(kit.cycle.failed);
        assert_false(has_result(&kit, "reach"));
        assert_true(kit.progress.retry_us == VG_NEVER && kit.progress.failures == 0);
        assert_true(kit.progress.revisit_us > now_us);
        struct vg_job job;
        int64_t tick = vg_tick_after(kit.datasets[0], kit.progress.tick_us);
        assert_true(vg_due_job(kit.datasets[0], &kit.progress, &span, tick, &job) && job.tick);
        assert_int_equal(has_result(&kit, "late_rows"), i == 2);
    }
    cycle_kit_expect(&kit, "late_rows", VG_UNKNOWN);
    assert_int_equal(kit.progress.revisit_us, cycle_kit_due(0) + 2 * VG_HOUR_US);
    cycle_kit_stop(&kit);
}

/* A dataset whose file no longer asks for it leaves what was kept alone. */
static void test_no_longer_asked(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, both);
    kit.rule.dataset->schedule.nrevisits = 0;
    assert_int_equal(run_until(&kit, cycle_kit_due(30)), 0);
    cycle_kit_stop(&kit);
}

static void test_limit_of_rows(void **state)
{
    struct cycle_kit kit;
    cycle_kit_start(&kit, state, rule_kit_config, cycle_kit_rules);
    kit.rule.dataset->caps.rows = 999;
    struct vg_window hour = made_hour(0);
    source_kit_add(&kit.source, &hour, 1000, 1, 1);
    assert_int_equal(cycle_kit_run(&kit, cycle_kit_due(0)), 0);
    assert_true(kit.cycle.failed);
    assert_non_null(strstr(cycle_kit_expect(&kit, "reach", VG_UNKNOWN)->why, "more than 999 rows"));
    assert_non_null(strstr(kit.cycle.error.hint, "limits.rows"));
    cycle_kit_window(&kit, 0, "none", 0);
    cycle_kit_stop(&kit);
}

static void test_limit_of_columns(void **state)
{
    struct cycle_kit kit;
    cycle_kit_start(&kit, state, rule_kit_config, cycle_kit_rules);
    kit.rule.dataset->caps.columns = 2;
    assert_int_equal(cycle_kit_run(&kit, cycle_kit_due(0)), 0);
    assert_non_null(strstr(cycle_kit_expect(&kit, "reach", VG_UNKNOWN)->why, "allowed are 2"));
    assert_int_equal(kit.source.nscans, 0);
    cycle_kit_stop(&kit);
}

/* A standby's conflict is tried once more in the same cycle. */
static void test_conflict(void **state)
{
    for (int times = 1; times <= 2; times++) {
        struct cycle_kit kit;
        cycle_kit_start(&kit, state, rule_kit_config, cycle_kit_rules);
        kit.rule.dataset->id = times > 1 ? "twice" : "once";
        struct vg_window hour = made_hour(0);
        source_kit_add(&kit.source, &hour, 10, 1, 1);
        kit.source.scan = (struct source_trouble){.times = times,
                                                  .code = VG_E_QUERY,
                                                  .sqlstate = "40001",
                                                  .msg = "canceling statement due to conflict"};
        assert_int_equal(cycle_kit_run(&kit, cycle_kit_due(0)), 0);
        assert_int_equal(kit.source.nscans, 2);
        assert_int_equal(kit.source.opens, 2);
        assert_int_equal(kit.cycle.failed, times > 1);
        cycle_kit_expect(&kit, "reach", times > 1 ? VG_UNKNOWN : VG_PASS);
        cycle_kit_stop(&kit);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unchanged),        TEST(test_late),
        TEST(test_rewritten),        TEST(test_alerts_stay),
        TEST(test_limit_of_its_own), TEST(test_restart),
        TEST(test_failure),          TEST(test_no_longer_asked),
        TEST(test_limit_of_rows),    TEST(test_limit_of_columns),
        TEST(test_conflict),
    };
    return cmocka_run_group_tests_name("cycle_revisit", tests, NULL, NULL);
}
