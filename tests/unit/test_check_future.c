/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_future.c, and of the instant that the tally gives it: the end of the
 * window, in the clock of the column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "agent/tally.h"
#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const int64_t noon_us = 992347200 * VG_US; /* 2001-06-12T12:00:00Z */

static int64_t *set_ahead(struct kit *kit, int64_t ahead_us)
{
    int64_t *params = vg_arena_alloc(kit->arena, kit->rule.type->params_size);
    assert_non_null(params);
    assert_int_equal(kit->rule.type->params[0].offset, 0);
    *params = ahead_us;
    kit->rule.params = params;
    return params;
}

static void test_which_times_are_later(void **state)
{
    (void)state;
    const struct {
        enum vg_cell_state state;
        int64_t after_us; /* noon */
        int offends, offends_hour;
    } rows[] = {
        {VG_VIEW_VALUE, 0, 0, 0},
        {VG_VIEW_VALUE, -VG_DAY_US, 0, 0},
        {VG_VIEW_VALUE, 1, 1, 0},
        {VG_VIEW_VALUE, VG_HOUR_US, 1, 0},
        {VG_VIEW_VALUE, VG_HOUR_US + 1, 1, 1},
        {VG_VIEW_NULL, 0, -1, -1},
        {VG_VIEW_PINF, 0, 1, 1},
        {VG_VIEW_NINF, 0, 0, 0},
    };
    struct kit kit;
    kit_init(&kit, "future", "shipped_at");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_cell_view cell = {.kind = VG_KIND_TIME,
                                    .state = rows[i].state,
                                    .num = (double)(noon_us + rows[i].after_us),
                                    .until_us = noon_us};
        set_ahead(&kit, 0);
        assert_int_equal(kit.rule.type->offends(&kit.rule, &cell, false), rows[i].offends);
        set_ahead(&kit, VG_HOUR_US);
        assert_int_equal(kit.rule.type->offends(&kit.rule, &cell, false), rows[i].offends_hour);
    }
    kit_free(&kit);
}

/* A zone two hours east: where it is noon UTC, a wall clock says 14:00. */
static void test_the_clock_of_the_column(void **state)
{
    (void)state;
    const struct {
        uint32_t oid;
        int64_t after_us; /* noon */
        uint64_t offending;
    } rows[] = {
        {VG_OID_TIMESTAMPTZ, 0, 0},
        {VG_OID_TIMESTAMPTZ, 1, 1},
        {VG_OID_TIMESTAMP, 2 * VG_HOUR_US, 0},
        {VG_OID_TIMESTAMP, 2 * VG_HOUR_US + 1, 1},
        {VG_OID_DATE, -12 * VG_HOUR_US, 0}, /* today */
        {VG_OID_DATE, 12 * VG_HOUR_US, 1},  /* tomorrow */
    };
    static const struct vg_zone_step steps[] = {{INT64_MIN, 2 * VG_HOUR_US}};
    static const struct vg_zone east = {"East/Two", steps, 1};
    struct kit kit;
    kit_init(&kit, "future", "shipped_at");
    set_ahead(&kit, 0);
    kit.dataset.zone = &east;
    for (size_t i = 0; i < COUNT(rows); i++) {
        double num = (double)(noon_us + rows[i].after_us);
        uint8_t value = VG_CELL_VALUE;
        struct vg_column column = {
            .kind = VG_KIND_TIME, .wire_oid = rows[i].oid, .state = &value, .num = &num};
        struct vg_batch batch = {1, 1, &column};
        struct vg_tally_predicate predicate = {.rule = &kit.rule};
        struct vg_tally_variant all = {.condition = VG_TALLY_NONE};
        struct vg_tally_plan plan = {.predicates = &predicate,
                                     .npredicates = 1,
                                     .variants = &all,
                                     .nvariants = 1,
                                     .time = VG_TALLY_NONE,
                                     .until_us = noon_us};
        struct vg_tally *tally;
        assert_int_equal(vg_tally_new(&plan, &tally, &kit.err), 0);
        assert_int_equal(vg_tally_add(tally, &batch, &kit.err), 0);
        struct vg_summary *summary = vg_tally_take(tally, 0);
        assert_int_equal(summary->predicates[0].tested, 1);
        assert_int_equal(summary->predicates[0].offending, rows[i].offending);
        vg_summary_free(summary);
        vg_tally_free(tally);
    }
    kit_free(&kit);
}

static void test_share_and_faults(void **state)
{
    (void)state;
    struct vg_predicate_summary predicate = {
        .id = "shipped_at.future", .tested = 40, .offending = 3};
    struct vg_diags diags = {0};
    struct kit kit;
    kit_init(&kit, "future", "shipped_at");
    set_ahead(&kit, 0);
    kit.now.predicates = &predicate;
    kit.now.npredicates = 1;
    kit_assert_found(kit_measure(&kit, 1), 0.075, "3 of 40 rows later than now");
    kit.dataset.time_column = "at";
    kit_assert_found(kit_measure(&kit, 1), 0.075, "3 of 40 rows later than the end of the window");
    set_ahead(&kit, 5 * VG_MINUTE_US);
    kit_assert_found(kit_measure(&kit, 1), 0.075,
                     "3 of 40 rows more than 5m later than the end of the window");
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.n, 0);
    kit.dataset.time_column = "shipped_at";
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.errors, 1);
    vg_diags_free(&diags);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_times_are_later),
        cmocka_unit_test(test_the_clock_of_the_column),
        cmocka_unit_test(test_share_and_faults),
    };
    return cmocka_run_group_tests_name("check_future", tests, NULL, NULL);
}
