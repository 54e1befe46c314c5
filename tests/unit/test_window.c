/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows on local wall clocks, over both changes of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/window.h"

/* Europe/Berlin in 2025: +1, +2 from 30 March 01:00 UTC, +1 from 26 October 01:00 UTC. */
static struct vg_zone_step berlin_steps[] = {
    {INT64_MIN, VG_HOUR_US}, {0, 2 * VG_HOUR_US}, {0, VG_HOUR_US}};
static struct vg_zone berlin = {"Europe/Berlin", berlin_steps, 3};
static const struct vg_zone_step india_steps[] = {{INT64_MIN, 11 * VG_HOUR_US / 2}};
static const struct vg_zone india = {"Asia/Kolkata", india_steps, 1};

static int64_t at(const char *text)
{
    int64_t us;
    if (vg_parse_time(text, &vg_utc, &us) < 0)
        fail_msg("bad time %s", text);
    return us;
}

static int set_up(void **state)
{
    (void)state;
    berlin_steps[1].from_us = at("2025-03-30T01:00:00Z");
    berlin_steps[2].from_us = at("2025-10-26T01:00:00Z");
    return 0;
}

static void test_alignment(void **state)
{
    (void)state;
    static const struct {
        const struct vg_zone *zone;
        int64_t width_us;
        const char *inside, *start, *end;
        bool repeated;
    } cases[] = {
        {&vg_utc, VG_HOUR_US, "2025-01-01T00:59:59Z", "2025-01-01T00:00:00Z",
         "2025-01-01T01:00:00Z", false},
        {&vg_utc, 15 * VG_MINUTE_US, "2025-01-01T00:15:00Z", "2025-01-01T00:15:00Z",
         "2025-01-01T00:30:00Z", false},
        {&vg_utc, VG_WEEK_US, "2025-01-01T12:00:00Z", "2024-12-30T00:00:00Z",
         "2025-01-06T00:00:00Z", false},
        {&vg_utc, VG_HOUR_US, "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z",
         "1970-01-01T00:00:00Z", false},
        {&india, VG_HOUR_US, "2025-01-01T00:00:00Z", "2024-12-31T23:30:00Z", "2025-01-01T00:30:00Z",
         false},
        {&india, VG_DAY_US, "2025-01-01T00:00:00Z", "2024-12-31T18:30:00Z", "2025-01-01T18:30:00Z",
         false},
        /* spring: the hour from 2 to 3 does not exist */
        {&berlin, VG_HOUR_US, "2025-03-30T00:30:00Z", "2025-03-30T00:00:00Z",
         "2025-03-30T01:00:00Z", false},
        {&berlin, VG_HOUR_US, "2025-03-30T01:00:00Z", "2025-03-30T01:00:00Z",
         "2025-03-30T02:00:00Z", false},
        {&berlin, 2 * VG_HOUR_US, "2025-03-30T01:30:00Z", "2025-03-30T01:00:00Z",
         "2025-03-30T02:00:00Z", false},
        {&berlin, 4 * VG_HOUR_US, "2025-03-30T00:00:00Z", "2025-03-29T23:00:00Z",
         "2025-03-30T02:00:00Z", false},
        {&berlin, VG_DAY_US, "2025-03-30T12:00:00Z", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z",
         false},
        /* autumn: the hour from 2 to 3 occurs twice and is one window */
        {&berlin, VG_HOUR_US, "2025-10-26T00:30:00Z", "2025-10-26T00:00:00Z",
         "2025-10-26T02:00:00Z", true},
        {&berlin, VG_HOUR_US, "2025-10-26T01:30:00Z", "2025-10-26T00:00:00Z",
         "2025-10-26T02:00:00Z", true},
        {&berlin, 15 * VG_MINUTE_US, "2025-10-26T01:10:00Z", "2025-10-26T00:00:00Z",
         "2025-10-26T02:00:00Z", true},
        {&berlin, 15 * VG_MINUTE_US, "2025-10-25T23:50:00Z", "2025-10-25T23:45:00Z",
         "2025-10-26T00:00:00Z", false},
        {&berlin, 15 * VG_MINUTE_US, "2025-10-26T02:00:00Z", "2025-10-26T02:00:00Z",
         "2025-10-26T02:15:00Z", false},
        {&berlin, 4 * VG_HOUR_US, "2025-10-26T00:00:00Z", "2025-10-25T22:00:00Z",
         "2025-10-26T03:00:00Z", false},
        {&berlin, VG_DAY_US, "2025-10-26T12:00:00Z", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_window window;
        char start[VG_TIME_TEXT], end[VG_TIME_TEXT];
        vg_window_at(cases[i].zone, cases[i].width_us, at(cases[i].inside), &window);
        assert_string_equal(vg_format_time(window.start_us, start), cases[i].start);
        assert_string_equal(vg_format_time(window.end_us, end), cases[i].end);
        assert_int_equal(window.repeated, cases[i].repeated);
    }
}

/* A year of windows of every width joins without gap or overlap, forwards and backwards. */
static void test_tiling(void **state)
{
    (void)state;
    static const int64_t widths[] = {5 * VG_MINUTE_US, 20 * VG_MINUTE_US, VG_HOUR_US,
                                     2 * VG_HOUR_US,   3 * VG_HOUR_US,    4 * VG_HOUR_US,
                                     6 * VG_HOUR_US,   8 * VG_HOUR_US,    12 * VG_HOUR_US,
                                     VG_DAY_US,        VG_WEEK_US};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct vg_window window, next, back;
        vg_window_at(&berlin, widths[i], at("2025-01-01T00:00:00Z"), &window);
        while (window.end_us < at("2026-01-01T00:00:00Z")) {
            assert_true(window.start_us < window.end_us);
            vg_window_next(&berlin, widths[i], &window, &next);
            assert_int_equal(next.start_us, window.end_us);
            vg_window_before(&berlin, widths[i], &next, &back);
            assert_int_equal(back.start_us, window.start_us);
            window = next;
        }
    }
}

static void test_ticks(void **state)
{
    (void)state;
    struct vg_dataset dataset = {.id = "flights", .schedule = {.every_us = 5 * VG_MINUTE_US}};
    int64_t t = vg_tick_after(&dataset, at("2025-01-01T00:00:00Z"));
    assert_true(t > at("2025-01-01T00:00:00Z"));
    assert_true(t <= at("2025-01-01T00:05:00Z"));
    assert_int_equal(vg_tick_after(&dataset, t - 1), t);
    assert_int_equal(vg_tick_after(&dataset, t), t + 5 * VG_MINUTE_US);
    struct vg_dataset other = dataset;
    other.id = "payments";
    assert_int_not_equal(vg_tick_after(&other, t) % (5 * VG_MINUTE_US),
                         t % (5 * VG_MINUTE_US)); /* spread by the name */
}

static void test_newest_due(void **state)
{
    (void)state;
    struct vg_dataset dataset = {
        .id = "d",
        .zone = &vg_utc,
        .schedule = {.window_us = VG_DAY_US, .delay_us = 10 * VG_MINUTE_US}};
    struct vg_window window;
    vg_window_newest_due(&dataset, at("2001-06-13T00:10:00Z"), &window);
    assert_int_equal(window.start_us, at("2001-06-12T00:00:00Z"));
    vg_window_newest_due(&dataset, at("2001-06-13T00:09:59Z"), &window);
    assert_int_equal(window.start_us, at("2001-06-11T00:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_tiling),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_newest_due),
    };
    return cmocka_run_group_tests_name("window", tests, set_up, NULL);
}
