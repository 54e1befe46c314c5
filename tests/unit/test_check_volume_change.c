/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_volume_change.c and check_volume_then.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/check_volume_then.h"
#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { PAST = 40 };

struct world {
    struct kit kit;
    struct vg_past past[PAST];
    struct vg_history history;
    struct vg_reference reference;
};

static const int64_t day = VG_DAY_US, monday = 986169600 * VG_US; /* 2001-04-02, UTC */

static void set_params(struct kit *kit, int against, int64_t weeks)
{
    const struct vg_check_type *type = kit->rule.type;
    char *params = vg_arena_alloc(kit->arena, type->params_size);
    assert_non_null(params);
    assert_string_equal(type->params[0].name, "against");
    assert_string_equal(
        type->params[0].choices[against],
        ((const char *[]){"previous", "same_time", "average", "reference"})[against]);
    *(int *)(void *)(params + type->params[0].offset) = against;
    *(int64_t *)(void *)(params + type->params[1].offset) = weeks;
    kit->rule.params = params;
}

/* 35 days before the window at hand, day k before it with 100 + k rows. */
static void start(struct world *world, int against)
{
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, "volume_change", NULL);
    set_params(&world->kit, against, 4);
    world->kit.dataset.time_column = "t";
    world->kit.window = (struct vg_window){monday, monday + day, false};
    for (int64_t k = 35; k >= 1; k--) {
        struct vg_window window = {monday - k * day, monday - k * day + day, false};
        world->past[world->history.n++] = (struct vg_past){window, (uint64_t)(100 + k)};
    }
    world->history.windows = world->past;
    world->kit.evidence.history = &world->history;
    world->kit.now.rows = 50;
}

static void drop(struct world *world, int64_t days)
{
    world->past[35 - days].window.start_us -= 1;
}

static void test_against(void **state)
{
    (void)state;
    static const struct {
        int against;
        double then;
        const char *why;
    } cases[] = {
        {VG_AGAINST_PREVIOUS, 101, "50 rows, 101 in the window before"},
        {VG_AGAINST_SAME_TIME, 107, "50 rows, 107 in the same window of last week"},
        {VG_AGAINST_AVERAGE, 117.5,
         "50 rows, 117.5 on average in the same window of the weeks before"},
        {VG_AGAINST_REFERENCE, 40, "50 rows, 40 a window in the reference"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world world;
        start(&world, cases[i].against);
        world.reference =
            (struct vg_reference){.from_us = monday - 10 * day, .to_us = monday, .rows = 400};
        world.kit.evidence.reference = &world.reference;
        const struct vg_measure *measure = kit_measure(&world.kit, 1);
        kit_assert_found(measure, 50 / cases[i].then, cases[i].why);
        assert_true(measure->n_now == 50 && fabs(measure->n_ref - cases[i].then) < 1e-9);
        kit_free(&world.kit);
    }
}

static void test_windows_that_are_not_there(void **state)
{
    (void)state;
    struct world world;
    start(&world, VG_AGAINST_PREVIOUS);
    world.past[34].window.end_us -= 1;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "the window before was not judged");
    set_params(&world.kit, VG_AGAINST_SAME_TIME, 4);
    drop(&world, 7);
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "last week was not judged");
    set_params(&world.kit, VG_AGAINST_AVERAGE, 4);
    drop(&world, 21);
    assert_true(kit_measure(&world.kit, 1)->n_ref == 121); /* (114 + 128) / 2: half are enough */
    drop(&world, 28);
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "too few of the weeks before");
    set_params(&world.kit, VG_AGAINST_REFERENCE, 4);
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference with a span of time");
    world.reference = (struct vg_reference){.from_us = VG_NEVER, .to_us = VG_NEVER, .rows = 400};
    world.kit.evidence.reference = &world.reference;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference with a span of time");
    kit_free(&world.kit);
}

static void test_no_history(void **state)
{
    (void)state;
    struct world world;
    start(&world, VG_AGAINST_PREVIOUS);
    world.kit.window.repeated = true;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "an hour twice");
    world.kit.window.repeated = false;
    world.kit.evidence.history = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "the daemon's state only");
    world.kit.evidence.window = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no time column");
    world.kit.evidence.now = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "not counted");
    kit_free(&world.kit);
}

/* Windows of another width, and those that hold an hour twice, are not alike. */
static void test_alike(void **state)
{
    (void)state;
    struct world world;
    start(&world, VG_AGAINST_PREVIOUS);
    struct vg_window *before = &world.past[34].window;
    before->start_us = before->end_us - 2 * VG_HOUR_US;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "was not judged");
    before->start_us = before->end_us - 23 * VG_HOUR_US; /* the day of the change of the clock */
    kit_assert_found(kit_measure(&world.kit, 1), 50 / 101.0, "50 rows, 101 in the window before");
    before->repeated = true;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "was not judged");
    kit_free(&world.kit);
}

/* A week ago by the wall clock: an hour earlier or later in UTC after a change. */
static void test_change_of_the_clock(void **state)
{
    (void)state;
    static const struct vg_zone_step steps[] = {{INT64_MIN, 0}, {986169600 * VG_US, VG_HOUR_US}};
    static const struct vg_zone zone = {"there", steps, 2};
    struct world world;
    start(&world, VG_AGAINST_SAME_TIME);
    world.kit.dataset.zone = &zone;
    world.kit.window = (struct vg_window){monday + day - VG_HOUR_US, monday + day, false};
    world.past[0] = (struct vg_past){{monday - 6 * day, monday - 6 * day + VG_HOUR_US, false}, 25};
    world.history.n = 1;
    assert_true(kit_measure(&world.kit, 1)->value == 2);
    kit_free(&world.kit);
}

static void test_validate(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        int64_t weeks;
        size_t errors;
    } cases[] = {{"t", 1, 0}, {"t", 5, 0}, {"t", 0, 1}, {"t", 6, 1}, {NULL, 4, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_diags diags = {0};
        struct kit kit;
        kit_init(&kit, "volume_change", NULL);
        set_params(&kit, VG_AGAINST_AVERAGE, cases[i].weeks);
        kit.dataset.time_column = cases[i].time;
        kit.rule.type->validate(&kit.rule, &diags);
        assert_int_equal(diags.errors, cases[i].errors);
        vg_diags_free(&diags);
        kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against),
        cmocka_unit_test(test_windows_that_are_not_there),
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_change_of_the_clock),
        cmocka_unit_test(test_validate),
    };
    return cmocka_run_group_tests_name("check_volume_change", tests, NULL, NULL);
}
