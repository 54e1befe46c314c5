/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_volume.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_rows_of_the_window(void **state)
{
    (void)state;
    static const struct {
        uint64_t rows;
        const char *why;
    } rows[] = {{0, "0 rows"}, {1, "1 row"}, {3458, "3458 rows"}, {5000000000, "5000000000 rows"}};
    struct kit kit;
    kit_init(&kit, "volume", NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        kit.now.rows = rows[i].rows;
        kit_assert_found(kit_measure(&kit, 1), (double)rows[i].rows, rows[i].why);
    }
    kit.evidence.window = NULL; /* a state has no window */
    kit_assert_found(kit_measure(&kit, 1), 5e9, "5000000000 rows");
    kit_free(&kit);
}

static void test_repeated_hour(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "volume", NULL);
    kit.now.rows = 3458;
    kit.window.repeated = true;
    kit_assert_skipped(kit_measure(&kit, 1), VG_NODATA, "holds an hour twice");
    kit_free(&kit);
}

static void test_not_counted(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "volume", NULL);
    kit.evidence.now = NULL;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "not counted");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_the_window),
        cmocka_unit_test(test_repeated_hour),
        cmocka_unit_test(test_not_counted),
    };
    return cmocka_run_group_tests_name("check_volume", tests, NULL, NULL);
}
