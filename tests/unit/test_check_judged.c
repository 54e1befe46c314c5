/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_judged.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/check_kit.h"

static void test_age_of_the_last_judged_window(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "judged", NULL);
    kit.live.last_judged_us = kit.evidence.now_us - 30 * VG_HOUR_US;
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 108000, "30h without a judged window with rows");
    assert_true(measure->limit == 2 * 86400);
    kit.live.last_judged_us = kit.evidence.now_us + VG_HOUR_US; /* the clock was put back */
    kit_assert_found(kit_measure(&kit, 1), 0, "0s without a judged window with rows");
    kit_free(&kit);
}

static void test_stale_rule(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "judged", NULL);
    kit.live.last_judged_us = kit.evidence.now_us;
    kit.live.stale_rule = "delay.drift.ks";
    kit_measure(&kit, 2);
    kit_assert_found(&kit.measures.items[1], INFINITY,
                     "rule delay.drift.ks has had no verdict but nodata for too long");
    assert_true(kit.measures.items[1].limit == 2 * 86400);
    kit_free(&kit);
}

static void test_nothing_remembered(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "judged", NULL);
    kit_assert_skipped(kit_measure(&kit, 1), VG_NODATA, "nothing is remembered");
    kit.evidence.live = NULL;
    kit_assert_skipped(kit_measure(&kit, 1), VG_NODATA, "nothing is remembered");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age_of_the_last_judged_window),
        cmocka_unit_test(test_stale_rule),
        cmocka_unit_test(test_nothing_remembered),
    };
    return cmocka_run_group_tests_name("check_judged", tests, NULL, NULL);
}
