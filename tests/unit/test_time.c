/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times: civil dates both ways, RFC 3339, and zones made by hand: gaps, repeated spans, the first
 * instant of a wall-clock time. Zones of the system are test_zone.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pgvigil/time.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SPRING_S = 985482000, AUTUMN_S = 1004230800 }; /* 2001-03-25 and 2001-10-28, 01:00 UTC */

/* Berlin in 2001: an hour is left out at 02:00 in spring, one is repeated from 02:00 in autumn. */
static const struct vg_zone_step berlin_steps[] = {
    {INT64_MIN, VG_HOUR_US},
    {SPRING_S * VG_US, 2 * VG_HOUR_US},
    {AUTUMN_S * VG_US, VG_HOUR_US},
};
static const struct vg_zone berlin = {"Europe/Berlin", berlin_steps, COUNT(berlin_steps)};

/* Apia left out the whole 30 December 2011 when it crossed the date line. */
static const struct vg_zone_step apia_steps[] = {
    {INT64_MIN, -10 * VG_HOUR_US},
    {INT64_C(1325239200) * VG_US, 14 * VG_HOUR_US},
};
static const struct vg_zone apia = {"Pacific/Apia", apia_steps, COUNT(apia_steps)};

static int64_t at(const char *text)
{
    int64_t us;
    if (vg_parse_time(text, &vg_utc, &us) < 0)
        fail_msg("\"%s\" is refused", text);
    return us;
}

/* --- Dates ------------------------------------------------------------------------------------ */

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *want;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {INT64_C(992391000) * VG_US, "2001-06-13T00:10:00Z"},
        {INT64_C(951782400) * VG_US, "2000-02-29T00:00:00Z"},
        {INT64_C(4107542400) * VG_US, "2100-03-01T00:00:00Z"}, /* 2100 has no 29 February */
        {1, "1970-01-01T00:00:00.000001Z"},
        {120000, "1970-01-01T00:00:00.120000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-VG_US, "1969-12-31T23:59:59Z"},
        {INT64_C(-62167219200) * VG_US, "0000-01-01T00:00:00Z"},
        {VG_NEVER, "never"},
    };
    char text[VG_TIME_TEXT];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(vg_format_time(cases[i].us, text), cases[i].want);
    assert_true(strlen(vg_format_time(INT64_MIN, text)) > 20); /* and no overflow on the way */
    assert_true(strlen(vg_format_time(INT64_MAX - 1, text)) > 20);
}

/* Every day of 1890 to 2110 against the C library, and back. */
static void test_dates_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -29220; day < 51135; day++) {
        time_t seconds = (time_t)(day * 86400 + 86399);
        struct tm tm;
        char want[32], text[VG_TIME_TEXT];
        int64_t back;
        assert_non_null(gmtime_r(&seconds, &tm));
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_string_equal(vg_format_time((int64_t)seconds * VG_US, text), want);
        assert_int_equal(vg_parse_time(text, &vg_utc, &back), 0);
        assert_int_equal(back, (int64_t)seconds * VG_US);
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want; /* the same as an instant of UTC; NULL: refused */
    } cases[] = {
        {"2001-06-13T00:10:00Z", "2001-06-13T00:10:00Z"},
        {"2001-06-13t00:10:00z", "2001-06-13T00:10:00Z"},
        {"2001-06-13 00:10:00+02:00", "2001-06-12T22:10:00Z"},
        {"2001-06-13T00:10:00-05:30", "2001-06-13T05:40:00Z"},
        {"2001-06-13T00:10:00-00:00", "2001-06-13T00:10:00Z"},
        {"2001-06-13", "2001-06-12T22:00:00Z"}, /* midnight in Berlin */
        {"2001-06-13T12:30", "2001-06-13T10:30:00Z"},
        {"2001-01-13T12:30:15", "2001-01-13T11:30:15Z"},
        {"2001-06-13T00:00:00.5Z", "2001-06-13T00:00:00.500000Z"},
        {"2001-06-13T00:00:00.1234567899Z", "2001-06-13T00:00:00.123456Z"},
        {"2000-02-29", "2000-02-28T23:00:00Z"},
        {"2001-02-29", NULL},
        {"1900-02-29", NULL},
        {"2001-04-31", NULL},
        {"2001-00-10", NULL},
        {"2001-13-10", NULL},
        {"2001-01-00", NULL},
        {"2001-1-01", NULL},
        {"201-01-01", NULL},
        {"-2001-01-01", NULL},
        {"2001/01/01", NULL},
        {"", NULL},
        {"2001-06-13T", NULL},
        {"2001-06-13T12", NULL},
        {"2001-06-13T24:00:00Z", NULL},
        {"2001-06-13T12:60:00Z", NULL},
        {"2001-06-13T12:00:60Z", NULL},
        {"2001-06-13T12:00:00.Z", NULL},
        {"2001-06-13T12:30.5Z", NULL}, /* a fraction of a minute */
        {"2001-06-13T12:00:00+2", NULL},
        {"2001-06-13T12:00:00+0200", NULL},
        {"2001-06-13T12:00:00+24:00", NULL},
        {"2001-06-13T12:00:00+02:60", NULL},
        {"2001-06-13T12:00:00ZZ", NULL},
        {"2001-06-13Z", NULL},
        {"2001-06-13 ", NULL},
    };
    char text[VG_TIME_TEXT];
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t us = 77;
        int rc = vg_parse_time(cases[i].text, &berlin, &us);
        if (rc != (cases[i].want ? 0 : -1) || (rc < 0 && us != 77))
            fail_msg("\"%s\": %d", cases[i].text, rc);
        if (rc == 0)
            assert_string_equal(vg_format_time(us, text), cases[i].want);
    }
}

/* --- Zones ------------------------------------------------------------------------------------ */

static void test_local(void **state)
{
    (void)state;
    assert_int_equal(vg_zone_local(&vg_utc, 12345), 12345);
    assert_int_equal(vg_zone_local(&berlin, SPRING_S * VG_US - 1),
                     SPRING_S * VG_US - 1 + VG_HOUR_US);
    assert_int_equal(vg_zone_local(&berlin, SPRING_S * VG_US), SPRING_S * VG_US + 2 * VG_HOUR_US);
    assert_int_equal(vg_zone_local(&berlin, AUTUMN_S * VG_US - 1),
                     AUTUMN_S * VG_US - 1 + 2 * VG_HOUR_US);
    assert_int_equal(vg_zone_local(&berlin, AUTUMN_S * VG_US), AUTUMN_S * VG_US + VG_HOUR_US);
}

static void test_instant(void **state)
{
    (void)state;
    static const struct {
        const struct vg_zone *zone;
        const char *local, *want;
    } cases[] = {
        {&vg_utc, "2001-06-13T00:00:00Z", "2001-06-13T00:00:00Z"},
        {&berlin, "2001-01-01T00:00:00Z", "2000-12-31T23:00:00Z"},
        {&berlin, "2001-06-13T00:00:00Z", "2001-06-12T22:00:00Z"},
        {&berlin, "2001-12-01T00:00:00Z", "2001-11-30T23:00:00Z"},
        /* around the gap from 02:00 to 03:00 */
        {&berlin, "2001-03-25T01:59:59Z", "2001-03-25T00:59:59Z"},
        {&berlin, "2001-03-25T02:00:00Z", "2001-03-25T01:00:00Z"},
        {&berlin, "2001-03-25T02:30:00Z", "2001-03-25T01:00:00Z"},
        {&berlin, "2001-03-25T03:00:00Z", "2001-03-25T01:00:00Z"},
        {&berlin, "2001-03-25T03:00:01Z", "2001-03-25T01:00:01Z"},
        /* around the span from 02:00 to 03:00 that comes twice: the first pass */
        {&berlin, "2001-10-28T01:59:59Z", "2001-10-27T23:59:59Z"},
        {&berlin, "2001-10-28T02:00:00Z", "2001-10-28T00:00:00Z"},
        {&berlin, "2001-10-28T02:59:59Z", "2001-10-28T00:59:59Z"},
        {&berlin, "2001-10-28T03:00:00Z", "2001-10-28T02:00:00Z"},
        /* a day that is missing */
        {&apia, "2011-12-29T23:59:59Z", "2011-12-30T09:59:59Z"},
        {&apia, "2011-12-30T00:00:00Z", "2011-12-30T10:00:00Z"},
        {&apia, "2011-12-30T18:00:00Z", "2011-12-30T10:00:00Z"},
        {&apia, "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z"},
        {&apia, "2011-12-31T00:00:01Z", "2011-12-30T10:00:01Z"},
    };
    char text[VG_TIME_TEXT];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(
            vg_format_time(vg_zone_instant(cases[i].zone, at(cases[i].local)), text),
            cases[i].want);
}

static void test_repeated(void **state)
{
    (void)state;
    static const struct {
        const struct vg_zone *zone;
        const char *local;
        bool want;
    } cases[] = {
        {&vg_utc, "2001-10-28T02:30:00Z", false},
        {&berlin, "2001-10-28T01:59:59Z", false},
        {&berlin, "2001-10-28T02:00:00Z", true},
        {&berlin, "2001-10-28T02:59:59Z", true},
        {&berlin, "2001-10-28T03:00:00Z", false},
        {&berlin, "2001-03-25T02:30:00Z", false}, /* a gap is no repetition */
        {&berlin, "2001-06-13T02:30:00Z", false},
        {&apia, "2011-12-30T12:00:00Z", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t from = -1, to = -1;
        bool found = vg_zone_repeated(cases[i].zone, at(cases[i].local), &from, &to);
        if (found != cases[i].want)
            fail_msg("%s", cases[i].local);
        assert_int_equal(from, found ? at("2001-10-28T02:00:00Z") : -1);
        assert_int_equal(to, found ? at("2001-10-28T03:00:00Z") : -1);
    }
}

/* The clock of any instant leads back to it, or to the same clock's first pass an hour before. */
static void test_instant_undoes_local(void **state)
{
    (void)state;
    for (int64_t us = at("2001-03-20"); us < at("2001-11-02"); us += 17 * VG_MINUTE_US) {
        int64_t back = vg_zone_instant(&berlin, vg_zone_local(&berlin, us));
        bool second_pass = us >= AUTUMN_S * VG_US && us < AUTUMN_S * VG_US + VG_HOUR_US;
        assert_int_equal(back, second_pass ? us - VG_HOUR_US : us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_dates_agree_with_the_c_library),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_instant),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_instant_undoes_local),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
