/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_freshness.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/check_kit.h"

static void start(struct kit *kit)
{
    kit_init(kit, "freshness", NULL);
    kit->dataset.time_column = "at";
    kit_column(kit, "at", "timestamp with time zone", VG_KIND_TIME);
    kit->live.has_newest = true;
}

static void test_age(void **state)
{
    (void)state;
    struct kit kit;
    start(&kit);
    kit.live.newest_us = kit.evidence.now_us - 90 * VG_MINUTE_US;
    kit_assert_found(kit_measure(&kit, 1), 5400, "newest row 90m old");
    kit.live.newest_us = kit.evidence.now_us - 9 * VG_HOUR_US - 72 * VG_US;
    kit_assert_found(kit_measure(&kit, 1), 32472, "newest row 9.02h old");
    kit.live.newest_us = kit.evidence.now_us;
    kit_assert_found(kit_measure(&kit, 1), 0, "newest row 0s old");
    kit_free(&kit);
}

static void test_table_without_rows_fails(void **state)
{
    (void)state;
    struct kit kit;
    start(&kit);
    kit.live.newest_us = VG_NEVER;
    kit_assert_found(kit_measure(&kit, 1), INFINITY, "no row with a time up to now");
    kit_free(&kit);
}

static void test_not_looked_up(void **state)
{
    (void)state;
    struct kit kit;
    start(&kit);
    kit.live.has_newest = false;
    kit.live.newest_why = "the time column does not exist";
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "the time column does not exist");
    kit.live.newest_why = NULL;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "it was not looked up");
    kit.columns[0].indexed_first = false; /* known after scans only */
    kit.live.newest_why = "no index on the time column";
    kit_assert_skipped(kit_measure(&kit, 1), VG_NODATA, "no index on the time column");
    kit.columns[0].kind = VG_KIND_TEXT;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "no index on the time column");
    kit.evidence.live = NULL;
    kit.evidence.catalog = NULL;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "it was not looked up");
    kit_free(&kit);
}

static void test_needs_a_time_column(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_diags diags = {0};
    start(&kit);
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.n, 0);
    kit.dataset.time_column = NULL;
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.errors, 1);
    assert_int_equal(diags.items[0].loc.line, 12);
    assert_string_equal(diags.items[0].msg, "freshness needs a time column");
    assert_string_equal(diags.items[0].hint, "set source.time_column");
    vg_diags_free(&diags);
    kit_free(&kit);
}

static void test_no_row_is_of_no_age(void **state)
{
    (void)state;
    static const struct {
        struct vg_limits limits;
        size_t errors;
    } cases[] = {
        {{.has_fail = true, .fail = 1e-6}, 0},
        {{.has_fail = true}, 1},
        {{.has_fail = true, .fail = 60, .has_warn = true}, 1},
        {{.has_fail = true, .fail = 60, .has_warn = true, .warn = 30}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit;
        struct vg_diags diags = {0};
        start(&kit);
        kit.rule.limits = cases[i].limits;
        kit.rule.type->validate(&kit.rule, &diags);
        assert_int_equal(diags.errors, cases[i].errors);
        if (diags.n)
            assert_string_equal(diags.items[0].hint, "freshness: 8h");
        vg_diags_free(&diags);
        kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_table_without_rows_fails),
        cmocka_unit_test(test_not_looked_up),
        cmocka_unit_test(test_needs_a_time_column),
        cmocka_unit_test(test_no_row_is_of_no_age),
    };
    return cmocka_run_group_tests_name("check_freshness", tests, NULL, NULL);
}
