/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles: which column is the time, which days are the reference, distances, formats, and the
 * figures of windows counted from a batch of literals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/profile.h"
#include "agent/tally.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

/* --- Choices ---------------------------------------------------------------------------------- */

static void test_time_column(void **state)
{
    (void)state;
    static const struct {
        struct vg_catalog_column columns[3];
        const char *range_column, *chosen;
    } cases[] = {
        {{{.name = "id", .kind = VG_KIND_NUMBER, .not_null = true, .indexed_first = true},
          {.name = "note", .kind = VG_KIND_TEXT}},
         NULL,
         NULL},
        {{{.name = "updated_at", .kind = VG_KIND_TIME, .not_null = true},
          {.name = "created_at", .kind = VG_KIND_TIME, .not_null = true}},
         NULL,
         "created_at"},
        {{{.name = "birth_date", .kind = VG_KIND_TIME, .wire_oid = VG_OID_DATE}}, NULL, NULL},
        {{{.name = "x", .kind = VG_KIND_TIME, .indexed_first = true},
          {.name = "seen_at", .kind = VG_KIND_TIME, .not_null = true}},
         NULL,
         "x"},
        {{{.name = "x", .kind = VG_KIND_TIME, .indexed_first = true, .unreadable = true},
          {.name = "y", .kind = VG_KIND_TIME, .not_null = true}},
         NULL,
         "y"},
        {{{.name = "part", .kind = VG_KIND_TIME, .wire_oid = VG_OID_DATE},
          {.name = "at", .kind = VG_KIND_TIME, .indexed_first = true, .not_null = true}},
         "part",
         "part"},
        {{{.name = "day", .kind = VG_KIND_TIME, .wire_oid = VG_OID_DATE, .not_null = true},
          {.name = "ts", .kind = VG_KIND_TIME, .wire_oid = VG_OID_TIMESTAMPTZ, .not_null = true}},
         NULL,
         "ts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_catalog_column columns[3];
        memcpy(columns, cases[i].columns, sizeof columns);
        struct vg_catalog catalog = {.columns = columns, .range_column = cases[i].range_column};
        while (catalog.n < 3 && columns[catalog.n].name)
            catalog.n++;
        const struct vg_catalog_column *time = vg_profile_time(&catalog);
        assert_true(vg_streq(time ? time->name : NULL, cases[i].chosen));
    }
}

static int64_t time_of(const char *text)
{
    int64_t us;
    assert_int_equal(vg_parse_time(text, &vg_utc, &us), 0);
    return us;
}

static void test_reference_days(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *first, *last;
    } cases[] = {
        {"2001-01-01", "2001-07-01", "2001-01-01", "2001-02-01"}, /* a month */
        {"2001-02-01", "2001-07-01", "2001-02-01", "2001-03-01"},
        {"2001-01-10", "2001-07-01", "2001-01-10", "2001-02-07"}, /* four weeks */
        {"2001-01-01", "2001-02-05", "2001-01-01", "2001-02-05"}, /* all of 35 days */
        {"2001-01-01 05:00", "2001-01-02 03:00", "2001-01-01", "2001-01-03"},
        {"1969-12-01", "1970-06-01", "1969-12-01", "1970-01-01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_window range = {time_of(cases[i].from), time_of(cases[i].to), false};
        struct vg_window made = vg_profile_reference(&vg_utc, &range);
        assert_int_equal(made.start_us, time_of(cases[i].first));
        assert_int_equal(made.end_us, time_of(cases[i].last));
    }
}

static void test_window(void **state)
{
    (void)state;
    struct vg_catalog_column stamp = {.wire_oid = VG_OID_TIMESTAMPTZ},
                             date = {.wire_oid = VG_OID_DATE};
    assert_int_equal(vg_profile_window_us(&stamp, 200), VG_HOUR_US);
    assert_int_equal(vg_profile_window_us(&stamp, 199), VG_DAY_US);
    assert_int_equal(vg_profile_window_us(&date, 100000), VG_DAY_US);
    assert_int_equal(vg_profile_window_us(NULL, 100000), VG_DAY_US);
}

/* --- Distances -------------------------------------------------------------------------------- */

static void test_distances(void **state)
{
    (void)state;
    double low[] = {1, 2, 3, 4}, high[] = {11, 12, 13, 14}, ties[] = {5, 5, 5, 5};
    struct vg_error err;
    double d[3];
    struct vg_points same[] = {{.rows = 100, .n = 4, .q = low}, {.rows = 900, .n = 4, .q = low}};
    assert_int_equal(vg_points_distances(same, 2, d, &err), 0);
    assert_true(d[0] < 1e-12 && d[1] < 1e-12);
    /* By rows: the mixture is nearer to the larger one. */
    struct vg_points apart[] = {{.rows = 100, .n = 4, .q = low}, {.rows = 300, .n = 4, .q = high}};
    assert_int_equal(vg_points_distances(apart, 2, d, &err), 0);
    assert_true(fabs(d[0] - 0.75) < 1e-12 && fabs(d[1] - 0.25) < 1e-12);
    struct vg_points tied[] = {{.rows = 50, .n = 4, .q = ties}, {.rows = 50, .n = 4, .q = ties}};
    assert_int_equal(vg_points_distances(tied, 2, d, &err), 0);
    assert_true(d[0] < 1e-12);
}

/* --- Texts ------------------------------------------------------------------------------------ */

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *texts[3];
        const char *format;
        unsigned sorts;
        uint64_t blank;
    } cases[] = {
        {{"ATL", "LGA", "ORD"}, NULL, VG_PROFILE_UPPER, 0},
        {{"2001-06-12", "2001-06-13", "2001-02-28"},
         "iso_date",
         VG_PROFILE_DIGIT | VG_PROFILE_REST,
         0},
        {{"12", "-7", "0"}, "integer", VG_PROFILE_DIGIT | VG_PROFILE_REST, 0},
        {{"1.5", "2", "3e4"}, "number", VG_PROFILE_DIGIT | VG_PROFILE_REST, 0},
        {{"a@b.org", "c@d.org", "e@f.org"}, "email", VG_PROFILE_LOWER | VG_PROFILE_REST, 0},
        {{"EUR", "USD", "CHF"}, "currency", VG_PROFILE_UPPER, 0},
        {{" ", "", "\t\n"}, NULL, VG_PROFILE_REST, 3},
        {{"{}", "[1]", "{\"a\": 2}"}, "json", VG_PROFILE_REST, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_profile_text text;
        vg_profile_text_begin(&text);
        for (size_t t = 0; t < 3; t++)
            vg_profile_text_add(
                &text, (struct vg_slice){cases[i].texts[t], (uint32_t)strlen(cases[i].texts[t])});
        assert_true(vg_streq(vg_profile_text_format(&text), cases[i].format));
        assert_int_equal(text.sorts & cases[i].sorts, cases[i].sorts);
        assert_int_equal(text.blank, cases[i].blank);
    }
}

static void test_private_names(void **state)
{
    (void)state;
    assert_true(vg_profile_sounds_private("customer_Email"));
    assert_true(vg_profile_sounds_private("phone2"));
    assert_false(vg_profile_sounds_private("origin"));
}

/* --- Counting --------------------------------------------------------------------------------- */

enum { PER_DAY = 240, DAYS = 10, ROWS = PER_DAY * DAYS, COLUMNS = 5 };

/* Ten days of 240 rows, one every six minutes but none before 06:00 of a day. */
struct table {
    struct vg_catalog_column catalog_columns[COLUMNS];
    struct vg_catalog catalog;
    struct vg_profile_column columns[COLUMNS];
    struct vg_profile profile;
    uint8_t state[COLUMNS][ROWS];
    double num[COLUMNS][ROWS];
    struct vg_slice raw[COLUMNS][ROWS];
    struct vg_column cells[COLUMNS];
};
enum { AT, AMOUNT, SERIAL, FLAG, CODE };

static void fill_row(struct table *table, size_t row, int64_t from_us)
{
    size_t day = row / PER_DAY, within = row % PER_DAY;
    int64_t step = 18 * VG_HOUR_US / PER_DAY;
    table->num[AT][row] =
        (double)(from_us + (int64_t)day * VG_DAY_US + 6 * VG_HOUR_US + (int64_t)within * step);
    table->num[AMOUNT][row] = (double)(within % 60) + (day == 3 ? 30 : 0);
    table->state[AMOUNT][row] = day == 5 && within < 24 ? VG_CELL_NULL : VG_CELL_VALUE;
    if (table->state[AMOUNT][row] == VG_CELL_NULL)
        table->num[AMOUNT][row] = 0;
    table->num[SERIAL][row] = (double)row;
    table->num[FLAG][row] = within % 4 == 0;
    table->raw[CODE][row] = (struct vg_slice){day == 8 && within < 12 ? "NEW" : "OLD", 3};
}

static void make_table(struct table *table)
{
    static const struct vg_catalog_column columns[COLUMNS] = {
        {.name = "at", .kind = VG_KIND_TIME, .wire_oid = VG_OID_TIMESTAMPTZ, .type = "timestamptz"},
        {.name = "amount", .kind = VG_KIND_NUMBER, .wire_oid = VG_OID_FLOAT8, .type = "float8"},
        {.name = "serial", .kind = VG_KIND_NUMBER, .wire_oid = VG_OID_FLOAT8, .type = "float8"},
        {.name = "flag", .kind = VG_KIND_BOOL, .wire_oid = VG_OID_BOOL, .type = "boolean"},
        {.name = "code", .kind = VG_KIND_TEXT, .wire_oid = VG_OID_TEXT, .type = "text"},
    };
    memset(table, 0, sizeof *table);
    memcpy(table->catalog_columns, columns, sizeof columns);
    table->catalog = (struct vg_catalog){.columns = table->catalog_columns, .n = COLUMNS};
    int64_t from_us = time_of("2001-01-01");
    struct vg_window range = {from_us, from_us + DAYS * VG_DAY_US, false};
    table->profile = (struct vg_profile){.zone = &vg_utc,
                                         .catalog = &table->catalog,
                                         .time = &table->catalog_columns[AT],
                                         .window_us = VG_DAY_US,
                                         .range = range,
                                         .reference = range,
                                         .columns = table->columns,
                                         .ncolumns = COLUMNS};
    for (size_t c = 0; c < COLUMNS; c++) {
        table->columns[c].column = &table->catalog_columns[c];
        table->cells[c] = (struct vg_column){
            .kind = columns[c].kind, .wire_oid = columns[c].wire_oid, .special = ROWS};
    }
    for (size_t row = 0; row < ROWS; row++)
        fill_row(table, row, from_us);
}

/* In batches of this many rows. */
static void count_table(struct table *table, size_t size, struct vg_arena *arena)
{
    static const size_t source[COLUMNS] = {0, 1, 2, 3, 4};
    struct vg_collect_spec spec = {
        .profile = &table->profile, .arena = arena, .n = COLUMNS, .source = source, .time = AT};
    struct vg_collect *collect;
    struct vg_error err;
    assert_int_equal(vg_collect_new(&spec, &collect, &err), 0);
    for (size_t first = 0; first < ROWS; first += size) {
        size_t n = ROWS - first < size ? ROWS - first : size;
        for (size_t c = 0; c < COLUMNS; c++) {
            table->cells[c].state = table->state[c] + first;
            table->cells[c].num = table->num[c] + first;
            table->cells[c].raw = table->raw[c] + first;
        }
        struct vg_batch batch = {n, COLUMNS, table->cells};
        assert_int_equal(vg_collect_add(collect, &batch, &err), 0);
    }
    assert_int_equal(vg_collect_finish(collect, &err), 0);
    vg_collect_free(collect);
}

static void look_at_columns(const struct table *table)
{
    const struct vg_profile_column *amount = &table->columns[AMOUNT];
    assert_int_equal(amount->total->rows, ROWS);
    assert_int_equal(amount->total->nulls, 24);
    assert_int_equal(amount->nulls.windows, DAYS);
    assert_int_equal(amount->nulls.hits, 24);
    assert_int_equal(amount->nulls.rows, PER_DAY);
    assert_true(fabs(amount->nulls.most - 0.1) < 1e-12 && !(amount->nulls.least > 0));
    assert_int_equal(amount->nfew, VG_PROFILE_FEW + 1);
    assert_false(amount->rises);
    /* The day with nulls has 216 numbers: all ten are compared, the shifted one is the farthest. */
    assert_int_equal(amount->nd, DAYS);
    for (size_t i = 0; i < DAYS; i++)
        assert_true(i == 3 ? amount->d[i] > 0.4 && amount->d[i] < 0.5 : amount->d[i] < 0.1);
    assert_true(table->columns[SERIAL].rises);
    const struct vg_profile_column *flag = &table->columns[FLAG], *code = &table->columns[CODE];
    assert_true(fabs(flag->trues.least - 0.25) < 1e-12 && fabs(flag->trues.most - 0.25) < 1e-12);
    assert_int_equal(flag->single, 0);
    assert_int_equal(code->windows, DAYS);
    assert_int_equal(code->single, DAYS - 1);
    assert_true(code->novel_known && fabs(code->novel - 12.0 / PER_DAY) < 1e-12);
    assert_true(fabs(code->distinct_least - 1) < 1e-12);
    assert_int_equal(table->columns[AT].ahead, 0);
}

static void test_windows_are_counted(void **state)
{
    (void)state;
    static const size_t sizes[] = {1024, 100, 1};
    struct table *table = malloc(sizeof *table);
    assert_non_null(table);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        make_table(table);
        count_table(table, sizes[i], arena);
        const struct vg_profile *profile = &table->profile;
        assert_int_equal(profile->rows, ROWS);
        assert_int_equal(profile->nwindows, DAYS);
        for (size_t w = 0; w < DAYS; w++)
            assert_int_equal(profile->windows[w].rows, PER_DAY);
        assert_int_equal(vg_profile_median(profile), PER_DAY);
        assert_int_equal(profile->gap_us, 6 * VG_HOUR_US + 18 * VG_HOUR_US / PER_DAY);
        assert_int_equal(profile->oldest_us, profile->range.start_us + 6 * VG_HOUR_US);
        assert_int_equal(profile->hour_days, DAYS - 2);
        assert_int_equal(profile->hour_least[5], 0);
        assert_int_equal(profile->hour_least[6], 14);
        look_at_columns(table);
        vg_profile_clear(&table->profile);
        vg_arena_free(arena);
    }
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_column),
        cmocka_unit_test(test_reference_days),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_private_names),
        cmocka_unit_test(test_windows_are_counted),
    };
    return cmocka_run_group_tests_name("test_profile", tests, NULL, NULL);
}
