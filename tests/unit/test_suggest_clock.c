/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers that follow from when the row came: parts of the time column, found in rows and broken by
 * one, and running numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/profile_watch.h"
#include "tests/unit/suggest_kit.h"

enum { ROWS = 4 };
/* 2001-01-07 23:59:59 and 2001-01-08 00:00, a Sunday and a Monday; two years before 1970. */
static const double instants[ROWS] = {978911999e6, 978912000e6, 978915661e6, -63158400e6};

static unsigned watch_parts(const double *numbers, const uint8_t *states)
{
    static const uint8_t there[ROWS];
    struct made made;
    make_profile(&made, "n", "integer", VG_KIND_NUMBER);
    made.catalog_columns[0].wire_oid = 1184; /* timestamptz */
    struct vg_column cells = {.kind = VG_KIND_NUMBER, .num = (double *)numbers, .state = NULL};
    struct vg_column times = {.kind = VG_KIND_TIME, .num = (double *)instants, .state = NULL};
    cells.state = (uint8_t *)states;
    times.state = (uint8_t *)there;
    vg_clock_begin(&made.columns[1]);
    vg_clock_rows(&made.profile, &made.columns[1], &cells, &times, 0, ROWS);
    unsigned parts = made.columns[1].parts;
    free_made(&made);
    return parts;
}

static void test_parts_of_time(void **state)
{
    (void)state;
    static const uint8_t there[ROWS], third_null[ROWS] = {[2] = VG_CELL_NULL},
                                      third_nan[ROWS] = {[2] = VG_CELL_NAN};
    static const struct {
        double numbers[ROWS];
        const uint8_t *states;
        unsigned parts;
    } cases[] = {
        {{23, 0, 1, 0}, there, 1 << VG_PROFILE_HOUR},
        {{59, 0, 1, 0}, there, 1 << VG_PROFILE_MINUTE},
        {{7, 1, 1, 1}, there, 1 << VG_PROFILE_ISODOW}, /* 1968-01-01 was a Monday, too */
        {{0, 1, 1, 1}, there, 1 << VG_PROFILE_DOW},
        {{23, 0, 2, 0}, there, 0},
        {{23, 0, 2, 0}, third_null, 1 << VG_PROFILE_HOUR},
        {{23, 0, 1, 0}, third_nan, 0},
        {{23.5, 0, 1, 0}, there, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(watch_parts(cases[i].numbers, cases[i].states), cases[i].parts);
}

static void test_clock(void **state)
{
    (void)state;
    static const struct {
        unsigned parts;
        uint64_t rows;
        size_t values;
        uint32_t oid;
        const char *rule;
    } cases[] = {
        {1 << VG_PROFILE_HOUR, 5000, 24, 1184,
         "+condition: {id: n-at, holds: '\"n\" = extract(hour FROM \"at\" AT TIME ZONE ''UTC'')'}"},
        {1 << VG_PROFILE_DOW, 5000, 7, 1114,
         "+condition: {id: n-at, holds: '\"n\" = extract(dow FROM \"at\")'}"},
        {1 << VG_PROFILE_HOUR, 999, 24, 1184, NULL},
        {1 << VG_PROFILE_HOUR, 5000, 2, 1184, NULL}, /* little to go by */
        {0, 5000, 24, 1184, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made made;
        make_profile(&made, "n", "integer", VG_KIND_NUMBER);
        made.list = (struct vg_suggestions){.arena = made.arena};
        made.catalog_columns[0].quoted = "\"at\"";
        made.catalog_columns[0].wire_oid = cases[i].oid;
        made.catalog_columns[1].quoted = "\"n\"";
        made.columns[1].parts = cases[i].parts;
        made.columns[1].parts_rows = cases[i].rows;
        made.columns[1].nfew = cases[i].values;
        vg_suggest_pairs(&made.profile, &made.list);
        assert_rule(&made, "condition", cases[i].rule);
        free_made(&made);
    }
}

static void test_sequence(void **state)
{
    (void)state;
    static const struct {
        size_t windows;
        double most;
        const char *rule;
    } cases[] = {
        {WINDOWS, 0, "+sequence: {fail: 5}"},     /* half a hundredth of 1000 rows */
        {WINDOWS, 0.01, "+sequence: {fail: 15}"}, /* and what was missing */
        {WINDOWS, 0.011, NULL},
        {4, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made made;
        make_profile(&made, "n", "integer", VG_KIND_NUMBER);
        made.list = (struct vg_suggestions){.arena = made.arena};
        made.columns[1].holes = (struct vg_profile_share){
            .windows = cases[i].windows, .most = cases[i].most, .hits = 1, .rows = 1000};
        struct vg_suggesting at = {
            .profile = &made.profile, .column = &made.columns[1], .list = &made.list};
        vg_suggest_sequence(&at);
        assert_rule(&made, "sequence", cases[i].rule);
        free_made(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_time),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_sequence),
    };
    return cmocka_run_group_tests_name("suggest_clock", tests, NULL, NULL);
}
