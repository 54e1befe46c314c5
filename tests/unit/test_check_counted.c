/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_counted.c and of what stands on it: zero, negative, nan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *check, *why;
        double value;
    } rows[] = {
        {"zero", "30 of 400 numbers zero", 0.075},
        {"negative", "22 of 400 numbers negative", 0.055},
        {"nan", "9 of 400 numbers NaN or infinite", 0.0225},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_column_summary column = {.name = "amount",
                                           .rows = 510,
                                           .nulls = 100,
                                           .uncast = 10,
                                           .nans = 4,
                                           .pinfs = 3,
                                           .ninfs = 2,
                                           .zeros = 30,
                                           .negatives = 20};
        struct kit kit;
        kit_init(&kit, rows[i].check, "amount");
        kit.now.columns = &column;
        kit.now.ncolumns = 1;
        const struct vg_measure *measure = kit_measure(&kit, 1);
        kit_assert_found(measure, rows[i].value, rows[i].why);
        assert_true(measure->n_now == 400 && measure->effect == rows[i].value);
        column = (struct vg_column_summary){.name = "amount", .rows = 7, .nulls = 7};
        measure = kit_measure(&kit, 1);
        assert_true(isnan(measure->value) && measure->n_now == 0);
        kit.now.ncolumns = 0;
        kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column amount does not exist");
        assert_int_equal(kit.rule.type->kinds, 1 << VG_KIND_NUMBER);
        kit_free(&kit);
    }
}

/* Asked row by row they say what was counted: of 0, -0, -2, 3, NULL, NaN, Infinity, -Infinity. */
static void test_blames(void **state)
{
    (void)state;
    static const struct {
        const char *check;
        int want[8];
    } rows[] = {
        {"zero", {1, 1, 0, 0, -1, 0, 0, 0}},
        {"negative", {0, 0, 1, 0, -1, 0, 0, 1}},
        {"nan", {0, 0, 0, 0, -1, 1, 1, 1}},
        {"nulls", {0, 0, 0, 0, 1, 0, 0, 0}},
    };
    static const double numbers[] = {0, -0.0, -2, 3};
    static const int states[] = {VG_VIEW_NULL, VG_VIEW_NAN, VG_VIEW_PINF, VG_VIEW_NINF};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct vg_check_type *type = vg_check_find(rows[i].check);
        for (size_t k = 0; k < 8; k++) {
            struct vg_cell_view cell = {.kind = VG_KIND_NUMBER, .num = k < 4 ? numbers[k] : 0};
            cell.state = k < 4 ? VG_VIEW_VALUE : (enum vg_cell_state)states[k - 4];
            assert_int_equal(type->blames(NULL, &cell, false), rows[i].want[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_blames)};
    return cmocka_run_group_tests_name("check_counted", tests, NULL, NULL);
}
