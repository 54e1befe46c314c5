/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_nulls.c. */
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
    struct kit kit;
    struct vg_column_summary columns[2] = {{.name = "other", .rows = 9, .nulls = 9},
                                           {.name = "delay", .rows = 3593, .nulls = 187}};
    kit_init(&kit, "nulls", "delay");
    kit.now.columns = columns;
    kit.now.ncolumns = 2;
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 187.0 / 3593, "187 of 3593 rows null");
    assert_true(measure->n_now == 3593 && measure->at_most == VG_FAIL);
    columns[1].rows = columns[1].nulls = 0;
    measure = kit_measure(&kit, 1);
    assert_true(isnan(measure->value) && measure->n_now == 0);
    kit_free(&kit);
}

static void test_column_not_counted(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "nulls", "delay");
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column delay does not exist");
    kit_column(&kit, "delay", "integer", VG_KIND_NUMBER);
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column delay was not counted");
    kit.evidence.now = NULL;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column delay was not counted");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_column_not_counted),
    };
    return cmocka_run_group_tests_name("check_nulls", tests, NULL, NULL);
}
