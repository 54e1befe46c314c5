/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/offenders.c, and of the keys that agent/store/results.c keeps. */
#include "tests/unit/store_fixture.h"

#include <string.h>

static struct vg_offenders made(const char *dataset, const char *rule, int hour, int64_t at_us)
{
    return (struct vg_offenders){.dataset = dataset,
                                 .rule = rule,
                                 .window = made_hour(hour),
                                 .at_us = at_us,
                                 .next_us = at_us + 5};
}

static void add(struct fixture *f, const struct vg_offenders *row)
{
    MUST(f, vg_store_offenders_add(f->store, row, &f->err));
}

static size_t list_due(struct fixture *f, int64_t now_us, struct vg_offenders **rows)
{
    size_t n;
    MUST(f, vg_store_offenders_due(f->store, now_us, f->arena, rows, &n, &f->err));
    return n;
}

static int64_t find_next(struct fixture *f)
{
    int64_t next_us;
    MUST(f, vg_store_offenders_next(f->store, &next_us, &f->err));
    return next_us;
}

static void test_due(void **state)
{
    struct fixture *f = *state;
    struct vg_offenders *rows, row = made("b", "r", 2, 100);
    assert_int_equal(list_due(f, INT64_MAX, &rows), 0);
    assert_true(find_next(f) == VG_NEVER);
    row.warn = row.window.repeated = true;
    add(f, &row);
    row = made("b", "r", 1, 200);
    add(f, &row);
    row = made("a", "z", 3, 50);
    add(f, &row);
    assert_int_equal(list_due(f, 54, &rows), 0);
    assert_true(find_next(f) == 55);
    assert_int_equal(list_due(f, 204, &rows), 2);
    assert_int_equal(list_due(f, 205, &rows), 3); /* by dataset and window */
    assert_string_equal(rows[0].dataset, "a");
    assert_true(rows[1].window.start_us == made_hour(1).start_us && !rows[1].warn);
    assert_true(rows[2].warn && rows[2].window.repeated && rows[2].at_us == 100);
    assert_true(rows[2].window.end_us == made_hour(2).end_us && !rows[2].why);
}

/* What was written or given up is no longer due; what came meanwhile is not touched by it. */
static void test_put(void **state)
{
    struct fixture *f = *state;
    struct vg_offenders *rows, old, row = made("d", "r", 1, 100);
    add(f, &row);
    row.attempts = 3;
    row.next_us = 900;
    row.why = "no such table";
    MUST(f, vg_store_offenders_put(f->store, &row, &f->err));
    assert_int_equal(list_due(f, 899, &rows), 0);
    assert_int_equal(list_due(f, 900, &rows), 1);
    assert_int_equal(rows[0].attempts, 3);
    assert_string_equal(rows[0].why, "no such table");
    old = rows[0];
    row = made("d", "r", 1, 500); /* judged again */
    add(f, &row);
    old.state = VG_OFFENDERS_WRITTEN;
    MUST(f, vg_store_offenders_put(f->store, &old, &f->err));
    assert_int_equal(list_due(f, 505, &rows), 1);
    assert_true(rows[0].attempts == 0 && !rows[0].why && rows[0].at_us == 500);
    row.state = VG_OFFENDERS_WRITTEN;
    row.keys = UINT64_C(1) << 40;
    row.cut = true;
    MUST(f, vg_store_offenders_put(f->store, &row, &f->err));
    assert_int_equal(list_due(f, INT64_MAX, &rows), 0);
    size_t n;
    MUST(f, vg_store_offenders(f->store, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    assert_true(rows[0].keys == UINT64_C(1) << 40 && rows[0].cut);
}

/* Those that wait come first; a dataset takes its own along, or with it. */
static void test_list_rename_retire_trim(void **state)
{
    struct fixture *f = *state;
    struct vg_offenders *rows, row = made("d", "old", 1, 100);
    size_t n;
    add(f, &row);
    row = made("d", "new", 2, 900);
    add(f, &row);
    row.state = VG_OFFENDERS_GIVEN_UP;
    MUST(f, vg_store_offenders_put(f->store, &row, &f->err));
    MUST(f, vg_store_rename(f->store, "d", "e", &f->err));
    MUST(f, vg_store_offenders(f->store, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].rule, "old");
    assert_string_equal(rows[0].dataset, "e");
    assert_int_equal(rows[1].state, VG_OFFENDERS_GIVEN_UP);
    MUST(f, vg_store_trim(f->store, 31 * VG_DAY_US, &f->err)); /* but never what waits */
    MUST(f, vg_store_offenders(f->store, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].rule, "old");
    MUST(f, vg_store_retire(f->store, "e", &f->err));
    MUST(f, vg_store_offenders(f->store, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 0);
}

/* A new id takes along what waits, unless it has the same window of its own. */
static void test_rule_renamed(void **state)
{
    struct fixture *f = *state;
    struct vg_offenders *rows, row = made("d", "old", 1, 100);
    add(f, &row);
    row = made("d", "old", 2, 100);
    add(f, &row);
    row = made("d", "new", 2, 300);
    add(f, &row);
    row = made("e", "old", 1, 100);
    add(f, &row);
    MUST(f, vg_store_alert_rename(f->store, "d", "old", "new", &f->err));
    assert_int_equal(list_due(f, INT64_MAX, &rows), 4);
    assert_string_equal(rows[0].rule, "new");
    assert_true(rows[0].window.start_us == made_hour(1).start_us && rows[0].at_us == 100);
    assert_string_equal(rows[1].rule, "new");
    assert_int_equal(rows[1].at_us, 300);
    assert_string_equal(rows[2].rule, "old");
    assert_string_equal(rows[3].rule, "old");
    assert_string_equal(rows[3].dataset, "e");
}

/* Who asks keeps what he knew. */
static void test_next_unknown(void **state)
{
    struct fixture *f = *state;
    int64_t next_us = 17;
    fixture_exec(f->store, "DROP TABLE offenders");
    assert_int_equal(vg_store_offenders_next(f->store, &next_us, &f->err), -1);
    assert_int_equal(next_us, 17);
}

/* The first keys of a rule's latest result, whatever is in them; a pass has none. */
static void test_latest_keys(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"17", "a\nb, \"c\"", "", "x\036y"};
    struct vg_latest *latest;
    size_t n;
    struct vg_result result = made_result("r", VG_FAIL);
    result.keys = keys;
    result.nkeys = 4;
    struct vg_cycle cycle = made_cycle(1, &result, 1);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    MUST(f, vg_store_latest(f->store, NULL, f->arena, &latest, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(latest[0].keys.n, 4);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(latest[0].keys.items[i], keys[i]);
    assert_string_equal(latest[0].keys.items[3], "x y");
    result = made_result("r", VG_PASS);
    result.nkeys = 0;
    cycle = made_cycle(2, &result, 1);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    MUST(f, vg_store_latest(f->store, "d", f->arena, &latest, &n, &f->err));
    assert_int_equal(latest[0].keys.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_due, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_put, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_list_rename_retire_trim, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rule_renamed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_next_unknown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_latest_keys, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("store_offenders", tests, NULL, NULL);
}
