/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/budget/slots.c: places in the local week, starts over a change of the clock,
 * day types by the length of the reference, base windows by the 200-row rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/budget/parts.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* One hour east, two from Sunday 02:00 UTC + 1 h on until a week later. */
static const struct vg_zone_step steps[] = {
    {INT64_MIN, VG_HOUR_US},
    {4 * VG_DAY_US + 6 * VG_DAY_US + VG_HOUR_US, 2 * VG_HOUR_US},
    {4 * VG_DAY_US + 13 * VG_DAY_US + VG_HOUR_US, VG_HOUR_US},
};
static const struct vg_zone zone = {"Test/Zone", steps, COUNT(steps)};

static void test_places(void **state)
{
    (void)state;
    const struct {
        int64_t base_us, start_us;
        uint32_t of_day, day;
    } cases[] = {
        {VG_HOUR_US, 4 * VG_DAY_US, 1, 0},
        {VG_HOUR_US, 4 * VG_DAY_US - VG_HOUR_US, 0, 0},
        {VG_HOUR_US, 4 * VG_DAY_US - 2 * VG_HOUR_US, 23, 6},
        {6 * VG_HOUR_US, 9 * VG_DAY_US + 17 * VG_HOUR_US, 3, 5},
        {VG_DAY_US, -10 * VG_DAY_US, 0, 0},
        {VG_HOUR_US, 10 * VG_DAY_US + 5 * VG_HOUR_US, 7, 6},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_budget_place place = vg_budget_place(&zone, cases[i].base_us, cases[i].start_us);
        assert_int_equal(place.of_day, cases[i].of_day);
        assert_int_equal(place.day, cases[i].day);
    }
}

static void test_starts(void **state)
{
    (void)state;
    int64_t *starts, back[48], from = 10 * VG_DAY_US - VG_HOUR_US; /* local Sunday 00:00 */
    size_t n;
    struct vg_error err = {0};
    assert_int_equal(
        vg_budget_starts(&zone, VG_HOUR_US, from, from + 47 * VG_HOUR_US, &starts, &n, &err), 0);
    assert_int_equal(n, 47); /* a day of 23 hours and one of 24 */
    for (size_t i = 1; i < n; i++)
        assert_true(starts[i] - starts[i - 1] == VG_HOUR_US);
    assert_int_equal(vg_budget_place(&zone, VG_HOUR_US, starts[46]).of_day, 23);
    vg_budget_starts_before(&zone, VG_HOUR_US, starts[46], n, back);
    for (size_t i = 0; i < n; i++)
        assert_true(back[i] == starts[i]);
    free(starts);
    assert_int_equal(vg_budget_starts(&zone, VG_HOUR_US, 0, 100010 * VG_HOUR_US, &starts, &n, &err),
                     -1);
    assert_int_equal(err.code, VG_E_LIMIT);
    assert_null(starts);
}

static void make_places(struct vg_budget_place *places, size_t n, uint32_t per_day)
{
    for (size_t w = 0; w < n; w++)
        places[w] = (struct vg_budget_place){(uint32_t)w % per_day, (uint32_t)(w / per_day % 7)};
}

static void test_calendars(void **state)
{
    (void)state;
    const struct {
        size_t n;
        uint32_t per_day, types, nslots, nscales;
    } cases[] = {
        {28 * 24, 24, 3, 72, 5}, {27 * 24, 24, 2, 48, 4}, {14 * 24, 24, 2, 48, 4},
        {13 * 24, 24, 1, 24, 4}, {3 * 24, 24, 0, 1, 2},   {28 * 3, 3, 0, 1, 2},
        {28 * 4, 4, 3, 12, 3},   {28, 1, 0, 1, 1},        {1, 24, 0, 1, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_budget_place *places = calloc(cases[i].n, sizeof *places);
        struct vg_calendar calendar;
        make_places(places, cases[i].n, cases[i].per_day);
        vg_calendar_of(places, cases[i].n, cases[i].per_day, &calendar);
        assert_int_equal(calendar.types, cases[i].types);
        assert_int_equal(calendar.nslots, cases[i].nslots);
        assert_int_equal(calendar.nscales, cases[i].nscales);
        free(places);
    }
    struct vg_calendar two = {.per_day = 24, .types = 2, .nslots = 48};
    assert_int_equal(vg_calendar_slot(&two, (struct vg_budget_place){5, 4}), 5);
    assert_int_equal(vg_calendar_slot(&two, (struct vg_budget_place){5, 5}), 29);
    assert_int_equal(vg_calendar_slot(&two, (struct vg_budget_place){5, 6}), 29);
    assert_int_equal(vg_calendar_slot(&two, (struct vg_budget_place){99, 6}), 47);
    assert_true(vg_budget_per_day(VG_WEEK_US) * 7 == 1);
}

static void test_base_hours(void **state)
{
    (void)state;
    uint64_t rows[50];
    const struct {
        uint64_t rows;
        int hours;
    } cases[] = {{200, 1}, {199, 2}, {100, 2}, {67, 3}, {50, 4},
                 {34, 6},  {17, 12}, {16, 24}, {0, 24}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t h = 0; h < 48; h++)
            rows[h] = cases[i].rows;
        assert_int_equal(vg_budget_base_hours(rows, 48), cases[i].hours);
    }
    /* The median of an even number lies between the two in the middle; empty hours do not count,
     * nor does a window that is cut short. */
    for (size_t h = 0; h < 48; h++)
        rows[h] = h < 12 ? 0 : h % 2 ? 150 : 250;
    assert_int_equal(vg_budget_base_hours(rows, 48), 1);
    for (size_t h = 0; h < 48; h++)
        rows[h] = h % 2 ? 149 : 250;
    assert_int_equal(vg_budget_base_hours(rows, 48), 2);
    rows[48] = rows[49] = 0;
    assert_int_equal(vg_budget_base_hours(rows, 50), 2);
    assert_int_equal(vg_budget_base_hours(rows, 0), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_calendars),
        cmocka_unit_test(test_base_hours),
    };
    return cmocka_run_group_tests_name("budget_slots", tests, NULL, NULL);
}
