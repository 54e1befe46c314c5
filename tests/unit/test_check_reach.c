/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_reach.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/check_kit.h"

static void test_readable(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "reach", NULL);
    kit_assert_found(kit_measure(&kit, 1), NAN, "readable");
    kit.evidence.live = NULL;
    kit_assert_found(kit_measure(&kit, 1), NAN, "readable");
    kit_free(&kit);
}

static void test_failed(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_error error;
    kit_init(&kit, "reach", NULL);
    vg_fail(&error, VG_E_CONNECT, "connection refused");
    kit.live.error = &error;
    kit.evidence.now = NULL;
    kit.evidence.catalog = NULL;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN,
                       "could not be read (connect): connection refused");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readable),
        cmocka_unit_test(test_failed),
    };
    return cmocka_run_group_tests_name("check_reach", tests, NULL, NULL);
}
