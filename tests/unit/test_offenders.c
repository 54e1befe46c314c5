/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/offenders*.c: what a cycle notes, what is read and written of it, and
 * what becomes of failures. */
#include "tests/unit/cycle_kit.h"

#include <stdio.h>
#include <string.h>

#include "agent/loop/loop.h"
#include "agent/loop/offenders.h"
#include "tests/unit/rule_kit.h"

#define HEAD                                                                                       \
    "version: 1\n"                                                                                 \
    "dataset: flights\n"                                                                           \
    "source: {connection: warehouse, table: ml.flights, time_column: at, key: [id]}\n"             \
    "schedule: {window: 1h, delay: 10m, every: 5m}\n"                                              \
    "columns:\n"                                                                                   \
    "  value:\n"                                                                                   \
    "    range: {min: 0, max: 100, warn: {min: 5}}\n"                                              \
    "    nulls: 50%\n"
static const char rules[] = HEAD "quarantine: {connection: archive, table: audit.Bad, limit: 3}\n";

struct seen {
    struct cycle_kit kit;
    struct vg_session *left;
    int times, counted, failed;
    uint64_t keys;
};

static void take_session(void *arg, const char *dataset, struct vg_session *session)
{
    struct seen *seen = arg;
    assert_string_equal(dataset, "flights");
    assert_non_null(session);
    assert_null(seen->left);
    seen->left = session;
    seen->times++;
}

static void count(void *arg, const struct vg_offenders *row, bool failed)
{
    struct seen *seen = arg;
    seen->counted++;
    seen->failed += failed;
    seen->keys += row->keys;
}

static void start(struct seen *seen, void **state, const char *text)
{
    memset(seen, 0, sizeof *seen);
    cycle_kit_start(&seen->kit, state, rule_kit_config, text);
    seen->kit.env.offended = take_session;
    seen->kit.env.offended_arg = seen;
    seen->kit.env.quarantined = count;
    seen->kit.env.quarantined_arg = seen;
    struct vg_window hour = made_hour(0);
    source_kit_add(&seen->kit.source, &hour, 10, 92, 1); /* 92 .. 101: one too large */
    assert_int_equal(cycle_kit_run(&seen->kit, cycle_kit_due(0)), 0);
}

static void stop(struct seen *seen)
{
    if (seen->left)
        seen->kit.env.source->ops->close(seen->left);
    cycle_kit_stop(&seen->kit);
}

static struct vg_offenders only_row(struct seen *seen)
{
    struct cycle_kit *kit = &seen->kit;
    struct vg_offenders *rows;
    size_t n;
    MUST(kit, vg_store_offenders(kit->env.store, kit->store->arena, &rows, &n, &kit->err));
    assert_int_equal(n, 1);
    return rows[0];
}

static int64_t run(struct seen *seen, bool left)
{
    struct cycle_kit *kit = &seen->kit;
    struct vg_session *session = left ? seen->left : NULL;
    int64_t next_us;
    seen->left = left ? NULL : seen->left;
    MUST(kit, vg_offenders_run(&kit->env, left ? "flights" : NULL, session, &next_us, &kit->err));
    return next_us;
}

static void test_written(void **state)
{
    struct seen seen;
    start(&seen, state, rules);
    assert_int_equal(seen.times, 1);
    struct vg_offenders row = only_row(&seen);
    assert_string_equal(row.rule, "value.range");
    assert_true(row.state == VG_OFFENDERS_WAITING && !row.warn);
    assert_true(run(&seen, true) == VG_NEVER);
    struct source_kit *source = &seen.kit.source;
    assert_string_equal(source->written, "{\"{\\\"id\\\": 10}\"}");
    assert_string_equal(source->params[0], "prod");
    assert_string_equal(source->params[1], "flights");
    assert_string_equal(source->params[2], "value.range");
    assert_non_null(strstr(source->statement, "INSERT INTO \"audit\".\"bad\" ("));
    assert_int_equal(source->commits, 1);
    row = only_row(&seen);
    assert_true(row.state == VG_OFFENDERS_WRITTEN && row.keys == 1 && !row.cut);
    assert_true(seen.counted == 1 && seen.keys == 1 && !seen.failed);
    assert_true(run(&seen, false) == VG_NEVER); /* once is enough */
    assert_int_equal(source->commits, 1);
    stop(&seen);
}

/* A warning means its own bounds; more than the limit is said, and what was written stays. */
static void test_warn_and_limit(void **state)
{
    struct seen seen;
    start(&seen, state, rules);
    run(&seen, true);
    struct vg_window hour = made_hour(1);
    source_kit_add(&seen.kit.source, &hour, 10, 0, 1); /* 0 .. 9: half of them below 5 */
    assert_int_equal(cycle_kit_run(&seen.kit, cycle_kit_due(1)), 0);
    run(&seen, true);
    struct cycle_kit *kit = &seen.kit;
    struct vg_offenders *rows;
    size_t n;
    MUST(kit, vg_store_offenders(kit->env.store, kit->store->arena, &rows, &n, &kit->err));
    assert_int_equal(n, 2);
    assert_true(rows[0].warn && rows[0].cut && rows[0].keys == 3);
    assert_string_equal(kit->source.written,
                        "{\"{\\\"id\\\": 11}\",\"{\\\"id\\\": 12}\",\"{\\\"id\\\": 13}\"}");
    assert_int_equal(kit->source.commits, 2);
    stop(&seen);
}

/* Nothing is noted where nobody writes, or the file names no table, or all is well. */
static void test_not_noted(void **state)
{
    struct seen seen;
    struct vg_offenders *rows;
    size_t n;
    start(&seen, state, HEAD);
    assert_int_equal(seen.times, 0);
    struct cycle_kit *kit = &seen.kit;
    MUST(kit, vg_store_offenders(kit->env.store, kit->store->arena, &rows, &n, &kit->err));
    assert_int_equal(n, 0);
    stop(&seen);
}

static void test_failures(void **state)
{
    struct seen seen;
    start(&seen, state, rules);
    struct cycle_kit *kit = &seen.kit;
    struct vg_clock *clock = kit->env.clock;
    kit->source.write = (struct source_trouble){1, VG_E_QUERY, "42P01", "no such relation"};
    int64_t now_us = clock->ops->now_us(clock), next_us = run(&seen, true);
    struct vg_offenders row = only_row(&seen);
    assert_true(next_us == now_us + 5 * VG_US && row.next_us == next_us);
    assert_true(row.state == VG_OFFENDERS_WAITING && row.attempts == 1 && !row.keys);
    assert_non_null(strstr(row.why, "writing to audit.Bad: no such relation"));
    assert_int_equal(kit->source.commits, 0);
    assert_true(run(&seen, false) == next_us); /* not before */
    clock->ops->sleep_until(clock, next_us);
    kit->source.begin = (struct source_trouble){1, VG_E_CONNECT, NULL, "gone"};
    now_us = clock->ops->now_us(clock);
    assert_true(run(&seen, false) == now_us + 10 * VG_US);
    clock->ops->sleep_until(clock, now_us + 10 * VG_US);
    kit->source.open = (struct source_trouble){1, VG_E_CONNECT, NULL, "down"};
    assert_true(run(&seen, false) > now_us);
    assert_int_equal(only_row(&seen).attempts, 3);
    clock->ops->sleep_until(clock, only_row(&seen).next_us);
    kit->source.commit = (struct source_trouble){1, VG_E_QUERY, "40001", "again"};
    run(&seen, false);
    assert_int_equal(only_row(&seen).state, VG_OFFENDERS_WAITING);
    clock->ops->sleep_until(clock, only_row(&seen).next_us);
    assert_true(run(&seen, false) == VG_NEVER);
    assert_int_equal(only_row(&seen).state, VG_OFFENDERS_WRITTEN);
    assert_true(seen.failed == 4 && seen.counted == 5 && seen.keys == 1);
    stop(&seen);
}

/* After a week, or at once where it can never be. */
static void test_given_up(void **state)
{
    struct seen seen;
    start(&seen, state, rules);
    struct cycle_kit *kit = &seen.kit;
    struct vg_clock *clock = kit->env.clock;
    kit->source.begin = (struct source_trouble){1000, VG_E_CONNECT, NULL, "gone"};
    clock->ops->sleep_until(clock, clock->ops->now_us(clock) + 8 * VG_DAY_US);
    assert_true(run(&seen, true) == VG_NEVER);
    assert_int_equal(only_row(&seen).state, VG_OFFENDERS_GIVEN_UP);
    struct vg_offenders row = only_row(&seen);
    row.rule = "no.such.rule";
    row.next_us = 0;
    MUST(kit, vg_store_offenders_add(kit->env.store, &row, &kit->err));
    kit->source.begin.times = 0;
    assert_true(run(&seen, false) == VG_NEVER);
    struct vg_offenders *rows;
    size_t n;
    MUST(kit, vg_store_offenders(kit->env.store, kit->store->arena, &rows, &n, &kit->err));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i].state, VG_OFFENDERS_GIVEN_UP);
    stop(&seen);
}

/* What is wrong with the rule's own statement stays so; whatever a server lacks can come. */
static void test_hopeless(void **state)
{
    static const struct {
        struct source_trouble open, scan, write;
        enum vg_offenders_state state;
    } rows[] = {
        {.scan = {1, VG_E_QUERY, "42703", "no such column"}, .state = VG_OFFENDERS_GIVEN_UP},
        {.scan = {1, VG_E_QUERY, "42601", "syntax"}, .state = VG_OFFENDERS_GIVEN_UP},
        {.scan = {1, VG_E_PERMISSION, "42501", "denied"}, .state = VG_OFFENDERS_WAITING},
        {.scan = {1, VG_E_QUERY, "42P01", "no such table"}, .state = VG_OFFENDERS_WAITING},
        {.scan = {1, VG_E_TIMEOUT, "57014", "slow"}, .state = VG_OFFENDERS_WAITING},
        {.open = {1, VG_E_NOT_FOUND, NULL, "no table"}, .state = VG_OFFENDERS_WAITING},
        {.write = {1, VG_E_QUERY, "42703", "no column key"}, .state = VG_OFFENDERS_WAITING},
    };
    struct seen seen;
    start(&seen, state, rules);
    struct cycle_kit *kit = &seen.kit;
    struct vg_offenders row = only_row(&seen);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        MUST(kit, vg_store_offenders_add(kit->env.store, &row, &kit->err));
        kit->source.open = rows[i].open;
        kit->source.scan = rows[i].scan;
        kit->source.write = rows[i].write;
        run(&seen, false);
        assert_int_equal(only_row(&seen).state, rows[i].state);
        assert_int_equal(only_row(&seen).attempts, 1);
    }
    MUST(kit, vg_store_offenders_add(kit->env.store, &row, &kit->err));
    run(&seen, false);
    assert_int_equal(only_row(&seen).state, VG_OFFENDERS_WRITTEN);
    stop(&seen);
}

/* Noted under an id that the rule had before; no cycle has told the store the new one yet. */
static void test_former_id(void **state)
{
    static const char renamed[] =
        "version: 1\n"
        "dataset: flights\n"
        "source: {connection: warehouse, table: ml.flights, time_column: at, key: [id]}\n"
        "schedule: {window: 1h, delay: 10m, every: 5m}\n"
        "columns: {value: {range: {id: new, was: old, min: 0, max: 100}}}\n"
        "quarantine: {connection: archive, table: audit.Bad}\n";
    struct seen seen;
    start(&seen, state, renamed);
    struct cycle_kit *kit = &seen.kit;
    run(&seen, true);
    struct vg_offenders *rows, row = only_row(&seen);
    size_t n;
    assert_string_equal(row.rule, "new");
    row.rule = "old";
    MUST(kit, vg_store_offenders_add(kit->env.store, &row, &kit->err));
    assert_true(run(&seen, false) == VG_NEVER);
    assert_int_equal(kit->source.commits, 2);
    assert_string_equal(kit->source.params[2], "new");
    MUST(kit, vg_store_offenders(kit->env.store, kit->store->arena, &rows, &n, &kit->err));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i].state, VG_OFFENDERS_WRITTEN);
    stop(&seen);
}

/* A snapshot that nobody would use at once goes back, and the rows are due all the same. */
static void test_not_kept_while_busy(void **state)
{
    struct seen seen;
    start(&seen, state, rules);
    int *closes = &seen.kit.source.closes;
    struct vg_loop loop = {.env = seen.kit.env, .offenders_us = VG_NEVER};
    struct vg_limits_of_session limits = {VG_US, NULL};
    assert_int_equal(pthread_mutex_init(&loop.mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&loop.work, NULL), 0);
    int before = *closes;
    vg_loop_offended(&loop, "flights", seen.left); /* it is writing */
    assert_int_equal(*closes, before + 1);
    assert_true(!loop.offended_session && loop.offenders_us == 0);
    for (int i = 0; i < 2; i++) { /* the second one comes while the first is not yet fetched */
        MUST(&seen.kit, loop.env.source->ops->open(loop.env.source, "warehouse", &limits,
                                                   &seen.left, &seen.kit.err));
        loop.offenders_idle = true;
        vg_loop_offended(&loop, "flights", seen.left);
        assert_int_equal(*closes, before + 1 + i);
    }
    assert_string_equal(loop.offended_dataset, "flights");
    seen.left = NULL;
    vg_loop_offenders_free(&loop);
    assert_int_equal(*closes, before + 3);
    pthread_cond_destroy(&loop.work);
    pthread_mutex_destroy(&loop.mutex);
    stop(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_warn_and_limit, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_not_noted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failures, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_given_up, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_hopeless, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_former_id, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_not_kept_while_busy, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("offenders", tests, NULL, NULL);
}
