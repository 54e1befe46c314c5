/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time zones from the system's data: changes to the second, forms of table, unknown names and their
 * hints. The instants are those of the tz database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/zone.h"

static struct vg_arena *arena;

static const struct vg_zone *load(const char *name)
{
    struct vg_error err = {0};
    const struct vg_zone *zone = vg_zone_load(name, arena, &err);
    if (!zone)
        fail_msg("%s", err.msg);
    return zone;
}

static int64_t offset_at(const struct vg_zone *zone, int64_t s)
{
    return (vg_zone_local(zone, s * VG_US) - s * VG_US) / VG_US;
}

/* Each instant is the first second of the new offset. */
static void test_changes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t s;
        int64_t before, after;
    } rows[] = {
        {"Europe/Berlin", 985482000, 3600, 7200},          /* 2001-03-25 01:00 UTC */
        {"Europe/Berlin", 1004230800, 7200, 3600},         /* 2001-10-28 01:00 */
        {"Europe/Berlin", 2140045200, 7200, 3600},         /* 2037-10-25 01:00 */
        {"Europe/Berlin", 4078429200, 3600, 7200},         /* 2099-03-29 01:00, by rule */
        {"America/New_York", 1173596400, -18000, -14400},  /* 2007-03-11 07:00 */
        {"America/New_York", 126687600, -18000, -14400},   /* 1974-01-06 07:00 */
        {"Australia/Lord_Howe", 1301756400, 39600, 37800}, /* 2011-04-02 15:00: half an hour */
        {"Pacific/Apia", 1325239200, -36000, 50400},       /* 2011-12-30 10:00: a day is left out */
        {"Africa/Casablanca", 1557021600, 3600, 0},        /* 2019-05-05 02:00: Ramadan */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct vg_zone *zone = load(rows[i].name);
        assert_int_equal(offset_at(zone, rows[i].s - 1), rows[i].before);
        assert_int_equal(offset_at(zone, rows[i].s), rows[i].after);
    }
}

static void test_form(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin",  "America/New_York", "Asia/Kolkata",
                                        "Asia/Kathmandu", "Etc/GMT+12",       "Pacific/Kiritimati"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct vg_zone *zone = load(names[i]);
        assert_string_equal(zone->name, names[i]);
        assert_true(zone->n >= 1);
        assert_true(zone->steps[0].from_us == INT64_MIN);
        for (size_t k = 1; k < zone->n; k++) {
            assert_true(zone->steps[k].from_us > zone->steps[k - 1].from_us);
            assert_true(zone->steps[k].offset_us != zone->steps[k - 1].offset_us);
        }
    }
    assert_int_equal(load("Asia/Kolkata")->n, 1);
    assert_int_equal(load("Asia/Kolkata")->steps[0].offset_us, 330 * VG_MINUTE_US);
    assert_ptr_equal(load("UTC"), &vg_utc);
    assert_int_equal(load("Etc/UTC")->n, 1);
}

static void test_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hint;
    } rows[] = {
        {"Europe/Berlln", "did you mean Europe/Berlin?"},
        {"europe/berlin", "did you mean Europe/Berlin?"},
        {"berlin", "did you mean Europe/Berlin?"},
        {"+02:00", "an IANA name such as Europe/Berlin or UTC"},
        {"CET-1CEST", "an IANA name such as Europe/Berlin or UTC"},
        {"../../../etc/passwd", "an IANA name such as Europe/Berlin or UTC"},
        {"Europe", "an IANA name such as Europe/Berlin or UTC"},
        {"", "an IANA name such as Europe/Berlin or UTC"},
        {"zone.tab", "an IANA name such as Europe/Berlin or UTC"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_error err = {0};
        assert_null(vg_zone_load(rows[i].name, arena, &err));
        assert_int_equal(err.code, VG_E_NOT_FOUND);
        assert_string_equal(err.hint, rows[i].hint);
    }
}

/* A naive time through a loaded zone, over the change to summer time and back. */
static void test_naive(void **state)
{
    (void)state;
    const struct vg_zone *zone = load("Europe/Berlin");
    int64_t us;
    char text[VG_TIME_TEXT];
    assert_int_equal(vg_parse_time("2025-03-30", zone, &us), 0);
    assert_string_equal(vg_format_time(us, text), "2025-03-29T23:00:00Z");
    assert_int_equal(vg_parse_time("2025-03-30 02:30:00", zone, &us), 0);
    assert_string_equal(vg_format_time(us, text), "2025-03-30T01:00:00Z");
    int64_t from, to;
    assert_true(
        vg_zone_repeated(zone, vg_zone_local(zone, INT64_C(1761438600) * VG_US), &from, &to));
    assert_int_equal(to - from, VG_HOUR_US);
}

static int set_up(void **state)
{
    (void)state;
    arena = vg_arena_new();
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    vg_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_naive),
    };
    return cmocka_run_group_tests_name("zone", tests, set_up, tear_down);
}
