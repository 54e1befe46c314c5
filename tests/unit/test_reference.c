/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns of rolling references and slots of seasonal ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/reference.h"
#include "pgvigil/check.h"

static int64_t at(const char *text)
{
    int64_t us = 0;
    assert_int_equal(vg_parse_time(text, &vg_utc, &us), 0);
    return us;
}

static void assert_time(int64_t us, const char *text)
{
    char shown[VG_TIME_TEXT];
    assert_string_equal(vg_format_time(us, shown), text);
}

static struct vg_dataset dataset(int64_t rolling_us, int64_t every_us)
{
    return (struct vg_dataset){
        .zone = &vg_utc,
        .schedule = {.window_us = VG_HOUR_US, .delay_us = 2 * VG_MINUTE_US},
        .reference = {.name = "reference",
                      .kind = VG_REF_ROLLING,
                      .rolling_us = rolling_us,
                      .every_us = every_us},
    };
}

/* The version that judges a window ends before it, at least a seventh of a turn, and at most a turn
 * and a seventh. */
static void test_spans(void **state)
{
    static const struct {
        int64_t rolling_us, every_us;
        const char *start, *from, *to;
    } cases[] = {
        {28 * VG_DAY_US, VG_WEEK_US, "2001-03-06T00:00:00Z", "2001-02-05T00:00:00Z",
         "2001-03-05T00:00:00Z"},
        {28 * VG_DAY_US, VG_WEEK_US, "2001-03-05T23:00:00Z", "2001-01-29T00:00:00Z",
         "2001-02-26T00:00:00Z"},
        {28 * VG_DAY_US, VG_WEEK_US, "2001-03-11T23:00:00Z", "2001-02-05T00:00:00Z",
         "2001-03-05T00:00:00Z"},
        {VG_DAY_US, VG_DAY_US, "2001-03-05T03:00:00Z", "2001-03-03T00:00:00Z",
         "2001-03-04T00:00:00Z"},
        {VG_DAY_US, VG_DAY_US, "2001-03-05T04:00:00Z", "2001-03-04T00:00:00Z",
         "2001-03-05T00:00:00Z"},
        {36 * VG_HOUR_US, 6 * VG_HOUR_US, "2001-03-05T07:00:00Z", "2001-03-03T18:00:00Z",
         "2001-03-05T06:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_dataset d = dataset(cases[i].rolling_us, cases[i].every_us);
        struct vg_window span;
        vg_reference_span(&d, &d.reference, at(cases[i].start), &span);
        assert_time(span.start_us, cases[i].from);
        assert_time(span.end_us, cases[i].to);
        assert_true(span.end_us < at(cases[i].start));
    }
}

/* Days of a rolling reference are days of the calendar, also where the clock changes. */
static void test_days_of_the_calendar(void **state)
{
    static const struct vg_zone_step steps[] = {
        {INT64_MIN, VG_HOUR_US}, {INT64_C(985482000) * VG_US, 2 * VG_HOUR_US}}; /* 2001-03-25 */
    static const struct vg_zone zone = {"Test/Berlin", steps, 2};
    struct vg_dataset d = dataset(VG_WEEK_US, VG_WEEK_US);
    struct vg_window span;
    (void)state;
    d.zone = &zone;
    vg_reference_span(&d, &d.reference, at("2001-03-28T00:00:00Z"), &span);
    assert_time(span.start_us, "2001-03-18T23:00:00Z");
    assert_time(span.end_us, "2001-03-25T22:00:00Z");
}

static void test_the_newest_turn(void **state)
{
    struct vg_dataset d = dataset(VG_WEEK_US, VG_WEEK_US), pinned;
    struct vg_window span;
    int64_t next_us;
    (void)state;
    vg_reference_newest(&d, &d.reference, at("2001-03-05T00:01:59Z"), &span, &next_us);
    assert_time(span.end_us, "2001-02-26T00:00:00Z");
    assert_time(next_us, "2001-03-05T00:02:00Z");
    vg_reference_newest(&d, &d.reference, next_us, &span, &next_us);
    assert_time(span.end_us, "2001-03-05T00:00:00Z");
    assert_time(next_us, "2001-03-12T00:02:00Z");
    vg_reference_pin(&d, &d.reference, &span, &pinned);
    assert_int_equal(pinned.reference.kind, VG_REF_WINDOW);
    assert_int_equal(pinned.reference.to_us, span.end_us);
    assert_int_equal(pinned.reference.rolling_us, VG_WEEK_US);
}

static void test_slots(void **state)
{
    static const struct {
        enum vg_season season;
        const char *start;
        int slot;
    } cases[] = {
        {VG_SEASON_NONE, "2001-03-05T07:00:00Z", 0},
        {VG_SEASON_HOUR_OF_DAY, "2001-03-05T07:00:00Z", 7},
        {VG_SEASON_HOUR_OF_DAY, "1969-12-31T23:00:00Z", 23},
        {VG_SEASON_HOUR_OF_WEEK, "2001-03-05T07:00:00Z", 7}, /* a Monday */
        {VG_SEASON_HOUR_OF_WEEK, "2001-03-11T23:00:00Z", 167},
        {VG_SEASON_HOUR_OF_WEEK, "1969-12-28T05:00:00Z", 149},
        {VG_SEASON_DAY_TYPE, "2001-03-05T07:00:00Z", 7},
        {VG_SEASON_DAY_TYPE, "2001-03-09T07:00:00Z", 7},
        {VG_SEASON_DAY_TYPE, "2001-03-10T07:00:00Z", 31},
        {VG_SEASON_DAY_TYPE, "2001-03-11T07:00:00Z", 55},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(vg_reference_slot(&vg_utc, cases[i].season, at(cases[i].start)),
                         cases[i].slot);
}

static void test_apart(void **state)
{
    const struct vg_check_type drift = {.needs_reference = true}, other = {0};
    struct vg_dataset d = dataset(VG_WEEK_US, VG_WEEK_US);
    struct vg_rule rule = {.dataset = &d, .type = &drift};
    (void)state;
    assert_false(vg_reference_apart(&rule));
    rule.against = 1;
    assert_true(vg_reference_apart(&rule));
    rule.against = 0;
    d.reference.season = VG_SEASON_DAY_TYPE;
    assert_true(vg_reference_apart(&rule));
    rule.compare.segment = "country";
    assert_false(vg_reference_apart(&rule));
    rule.compare.segment = NULL;
    rule.type = &other;
    assert_false(vg_reference_apart(&rule));
}

/* As people read it: the span, else what was captured, and in which version. */
static void test_words(void **state)
{
    static const struct {
        struct vg_reference_said said;
        const char *words;
    } cases[] = {
        {{NULL, "from ...", 3, 0, VG_DAY_US, 5},
         "the reference from 1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z"},
        {{"training", "from ...", 3, 0, VG_DAY_US, 5},
         "the reference training from 1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z"},
        {{"reference", "table ml.train of ml.p; window 1h of x", 3, VG_NEVER, VG_NEVER, 5},
         "the reference table ml.train (version 3)"},
        {{"old", "table \"a of b\".t of ml.p; window 1h base", 12, VG_NEVER, VG_NEVER, 5},
         "the reference old table \"a of b\".t (version 12)"},
        {{NULL, "table t", 1, VG_NEVER, VG_NEVER, 5}, "the reference table t (version 1)"},
        {{NULL, "filter secret = 7 of ml.p; window 1h", 4, VG_NEVER, VG_NEVER, 5},
         "the reference chosen by a filter (version 4)"},
        {{NULL, "captured now of ml.p; window", 2, VG_NEVER, VG_NEVER, VG_DAY_US},
         "the reference captured at 1970-01-02T00:00:00Z (version 2)"},
    };
    struct vg_arena *arena = vg_arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(vg_reference_words(&cases[i].said, arena), cases[i].words);
    vg_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),           cmocka_unit_test(test_days_of_the_calendar),
        cmocka_unit_test(test_the_newest_turn), cmocka_unit_test(test_slots),
        cmocka_unit_test(test_apart),           cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
