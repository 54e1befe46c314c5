/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_cast.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/check_kit.h"

static void test_share(void **state)
{
    (void)state;
    static const struct {
        uint64_t rows, nulls, uncast;
        double value;
        const char *why;
    } cases[] = {
        {1000, 100, 9, 0.01, "9 of 900 values are no double precision"},
        {1000, 0, 0, 0, "0 of 1000 values are no double precision"},
        {7, 0, 7, 1, "7 of 7 values are no double precision"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kit kit;
        struct vg_column_summary column = {.name = "amount",
                                           .rows = cases[i].rows,
                                           .nulls = cases[i].nulls,
                                           .uncast = cases[i].uncast};
        kit_init(&kit, "cast", "amount");
        kit_column(&kit, "amount", "double precision", VG_KIND_NUMBER);
        kit.now.columns = &column;
        kit.now.ncolumns = 1;
        const struct vg_measure *measure = kit_measure(&kit, 1);
        kit_assert_found(measure, cases[i].value, cases[i].why);
        assert_true(measure->n_now == (double)(cases[i].rows - cases[i].nulls));
        kit_free(&kit);
    }
}

static void test_nothing_to_convert(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_column_summary column = {.name = "amount", .rows = 5, .nulls = 5};
    kit_init(&kit, "cast", "amount");
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column amount does not exist");
    kit.now.columns = &column;
    kit.now.ncolumns = 1;
    const struct vg_measure *measure = kit_measure(&kit, 1);
    assert_true(isnan(measure->value) && measure->n_now == 0);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_nothing_to_convert),
    };
    return cmocka_run_group_tests_name("check_cast", tests, NULL, NULL);
}
