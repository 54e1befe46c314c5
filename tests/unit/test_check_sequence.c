/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_sequence.c, checks/check_gaps.c and their statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/ask_calendar.h"
#include "checks/ask_order.h"
#include "tests/unit/ask_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_numbers_and_order(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "sequence", "id");
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "pg_catalog.max(v)::pg_catalog.numeric - pg_catalog.min(v) + 1 -"
                        " pg_catalog.count(DISTINCT v) FILTER (WHERE v = pg_catalog.trunc(v))");
    ask_kit_holds(&kit, "FROM (SELECT v\nFROM (SELECT \"id\"::pg_catalog.numeric AS v\nFROM");
    assert_null(strstr(kit.text, "lag("));
    static const struct {
        int order;
        const char *step, *by;
    } rows[] = {{VG_ASK_UP, "WHERE v < p)", "ORDER BY t, v)"},
                {VG_ASK_DOWN, "WHERE v > p)", "ORDER BY t, v DESC)"},
                {VG_ASK_STRICTLY_UP, "WHERE v <= p)", "ORDER BY t, v)"},
                {VG_ASK_STRICTLY_DOWN, "WHERE v >= p)", "ORDER BY t, v DESC)"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        *(int *)ask_kit_param(&kit, "monotonic") = rows[i].order;
        ask_kit_next(&kit);
        ask_kit_holds(&kit, rows[i].step);
        ask_kit_holds(&kit, rows[i].by);
    }
    *(bool *)ask_kit_param(&kit, "gapless") = false;
    ask_kit_next(&kit);
    assert_null(strstr(kit.text, "DISTINCT"));
    kit.base.rule.column = "delay";
    ask_kit_next(&kit);
    *(bool *)ask_kit_param(&kit, "gapless") = true;
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    ask_kit_free(&kit);
}

static void test_what_a_sequence_lacks(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "sequence", "id");
    ask_kit_answer(&kit, (const char *const[]){"90", "7", "2", NULL}, 1, 4);
    const struct vg_measure *measure = ask_kit_measure(&kit);
    kit_assert_found(measure, 9, "7 missing and 2 repeated numbers in 90 rows");
    assert_true(measure->n_now == 90);
    *(int *)ask_kit_param(&kit, "monotonic") = VG_ASK_DOWN;
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"90", "0", "0", "4"}};
    kit_assert_found(ask_kit_measure(&kit), 4,
                     "0 missing and 0 repeated numbers, 4 steps that are not downwards in 90 rows");
    *(bool *)ask_kit_param(&kit, "gapless") = false;
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"90", NULL, NULL, "4"}};
    kit_assert_found(ask_kit_measure(&kit), 4, "4 steps that are not downwards in 90 rows");
    *(bool *)ask_kit_param(&kit, "gapless") = true;
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"90", "NaN", "0", "0"}};
    kit_assert_skipped(ask_kit_measure(&kit), VG_UNKNOWN, "not all values are finite numbers");
    kit.answers[0] = (struct vg_rows){1, 4, (const char *const[]){"0", NULL, "0", "0"}};
    assert_true(ask_kit_measure(&kit)->n_now == 0);
    kit.base.dataset.time_column = NULL;
    assert_int_equal(ask_kit_faults(&kit), 1);
    *(int *)ask_kit_param(&kit, "monotonic") = VG_ASK_UNORDERED;
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(bool *)ask_kit_param(&kit, "gapless") = false;
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_free(&kit);
}

static void test_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *hours, *from, *to; /* from NULL: refused */
    } rows[] = {
        {"08:00-18:00", "08:00", "18:00"}, {"22:30-06:00", "22:30", "06:00"},
        {"00:00-24:00", "00:00", "24:00"}, {"08:00-08:00", NULL, NULL},
        {"24:00-25:00", NULL, NULL},       {"08:60-18:00", NULL, NULL},
        {"8:00-18:00", NULL, NULL},        {"08:00-24:30", NULL, NULL},
        {"08:00-18:00'", NULL, NULL},      {"", NULL, NULL},
        {"08.00-18.00", NULL, NULL},
    };
    struct vg_ask_calendar calendar;
    struct vg_strings none = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *fault = vg_ask_calendar_read(&none, rows[i].hours, &calendar);
        assert_int_equal(fault == NULL, rows[i].from != NULL);
        if (fault)
            continue;
        assert_string_equal(calendar.from, rows[i].from);
        assert_string_equal(calendar.to, rows[i].to);
    }
    static const char *const week[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    static const char *const odd[] = {"Sunday"};
    struct vg_strings days = {week + 5, 2};
    assert_null(vg_ask_calendar_read(&days, NULL, &calendar));
    assert_int_equal(calendar.days_off, 1 << 6 | 1 << 7);
    assert_false(calendar.has_hours);
    days = (struct vg_strings){week, 7};
    assert_non_null(vg_ask_calendar_read(&days, NULL, &calendar));
    days = (struct vg_strings){odd, 1};
    assert_non_null(vg_ask_calendar_read(&days, NULL, &calendar));
}

static const struct vg_zone_step berlin_steps[] = {{INT64_MIN, 2 * VG_HOUR_US}};
static const struct vg_zone berlin = {"Europe/Berlin", berlin_steps, 1};

static void test_slots(void **state)
{
    (void)state;
    static const char *const weekend[] = {"saturday", "sunday"};
    struct ask_kit kit;
    ask_kit_init(&kit, "gaps", NULL);
    kit.base.dataset.zone = &berlin;
    assert_string_equal(
        ask_kit_next(&kit),
        "WITH s AS (SELECT i, t, b, e FROM (SELECT i, "
        "'2001-06-06T00:00:00Z'::pg_catalog.timestamptz + i * "
        "'3600000000 microseconds'::pg_catalog.interval AS t, "
        "pg_catalog.timezone('Europe/Berlin', '2001-06-06T00:00:00Z'::pg_catalog.timestamptz + "
        "i * '3600000000 microseconds'::pg_catalog.interval) AS l,\n"
        "    '2001-06-06T00:00:00Z'::pg_catalog.timestamptz + i * "
        "'3600000000 microseconds'::pg_catalog.interval AS b, "
        "'2001-06-06T00:00:00Z'::pg_catalog.timestamptz + (i + 1) * "
        "'3600000000 microseconds'::pg_catalog.interval AS e\n"
        "  FROM pg_catalog.generate_series(0, 167) AS i) AS x),\n"
        "f AS (SELECT pg_catalog.min(\"at\") AS first\nFROM \"ml\".\"flights\")\n"
        "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE missing),"
        " extract(epoch FROM pg_catalog.min(t) FILTER (WHERE missing))\n"
        "FROM (SELECT t, b < e AND NOT EXISTS (SELECT 1\nFROM \"ml\".\"flights\"\n"
        "WHERE (\n\"at\" >= pgvigil_slot.b AND \"at\" < pgvigil_slot.e\n)) AS missing\n"
        "  FROM s AS pgvigil_slot, f WHERE e > f.first) AS y");
    kit.base.columns[1].indexed_first = false; /* one pass instead */
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "pgvigil_slot.i IN (SELECT pg_catalog.floor(extract(epoch FROM \"at\" - (");
    ask_kit_holds(&kit, ")) / 3600.000000)::pg_catalog.int4\nFROM \"ml\".\"flights\"\n"
                        "WHERE \"at\" >= '2001-06-06T00:00:00Z'::pg_catalog.timestamptz");
    ask_kit_list(&kit, "except", weekend, 2);
    *(const char **)ask_kit_param(&kit, "hours") = "22:00-06:00";
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "WHERE NOT extract(isodow FROM l) IN (0, 6, 7) AND"
                        " (l::pg_catalog.time >= '22:00'::pg_catalog.time OR"
                        " l::pg_catalog.time < '06:00'::pg_catalog.time)");
    ask_kit_free(&kit);
}

/* Days begin at local midnight, whatever the type of the time column. */
static void test_slots_of_days(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "gaps", NULL);
    kit.base.dataset.zone = &berlin;
    kit.base.window.start_us -= 2 * VG_HOUR_US;
    kit.base.window.end_us -= 2 * VG_HOUR_US;
    *(int64_t *)ask_kit_param(&kit, "every") = VG_DAY_US;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "pg_catalog.timezone('Europe/Berlin', '2001-06-06T00:00:00'"
                        "::pg_catalog.timestamp + i * '1 days'::pg_catalog.interval) AS b");
    kit.base.columns[1].wire_oid = 1082;
    ask_kit_next(&kit);
    ask_kit_holds(&kit, "'2001-06-06T00:00:00'::pg_catalog.timestamp + i * '1 days'"
                        "::pg_catalog.interval AS b");
    *(int64_t *)ask_kit_param(&kit, "every") = VG_HOUR_US;
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    kit.rows.time = NULL;
    assert_int_equal(ask_kit_refused(&kit), VG_E_CONFIG);
    ask_kit_free(&kit);
}

static void test_what_gaps_says(void **state)
{
    (void)state;
    struct ask_kit kit;
    ask_kit_init(&kit, "gaps", NULL);
    ask_kit_answer(&kit, (const char *const[]){"168", "3", "991785600.000000"}, 1, 3);
    kit_assert_found(ask_kit_measure(&kit), 3,
                     "3 of 168 slots of 1h without rows, the first from 2001-06-06T00:00:00Z");
    kit.answers[0] = (struct vg_rows){1, 3, (const char *const[]){"168", "0", NULL}};
    kit_assert_found(ask_kit_measure(&kit), 0, "0 of 168 slots of 1h without rows");
    kit.answers[0] = (struct vg_rows){1, 3, (const char *const[]){"0", "0", NULL}};
    kit_assert_skipped(ask_kit_measure(&kit), VG_NODATA, "no slot of the time looked at is open");
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(int64_t *)ask_kit_param(&kit, "look_back") = VG_MINUTE_US;
    assert_int_equal(ask_kit_faults(&kit), 1);
    *(int64_t *)ask_kit_param(&kit, "every") = VG_US;
    *(int64_t *)ask_kit_param(&kit, "look_back") = 10001 * VG_US;
    assert_int_equal(ask_kit_faults(&kit), 1);
    *(int64_t *)ask_kit_param(&kit, "look_back") = 10000 * VG_US;
    assert_int_equal(ask_kit_faults(&kit), 0);
    *(int64_t *)ask_kit_param(&kit, "every") = 36 * VG_HOUR_US;
    assert_int_equal(ask_kit_faults(&kit), 1);
    kit.base.dataset.time_column = NULL;
    *(int64_t *)ask_kit_param(&kit, "every") = VG_US;
    assert_int_equal(ask_kit_faults(&kit), 1);
    ask_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_order), cmocka_unit_test(test_what_a_sequence_lacks),
        cmocka_unit_test(test_calendar),          cmocka_unit_test(test_slots),
        cmocka_unit_test(test_slots_of_days),     cmocka_unit_test(test_what_gaps_says),
    };
    return cmocka_run_group_tests_name("check_sequence", tests, NULL, NULL);
}
