/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suggestions for numbers and nulls from profiles of literals: which rules, how sure, with which
 * evidence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/time.h"
#include "tests/unit/suggest_kit.h"

/* --- Numbers ---------------------------------------------------------------------------------- */

static void add_few(struct vg_profile_column *column, const double *values, size_t n, uint64_t each)
{
    column->nfew = n;
    for (size_t i = 0; i < n; i++) {
        column->few[i] = values[i];
        column->few_rows[i] = each;
    }
}

static void test_bounds_of_numbers(void **state)
{
    (void)state;
    static const struct {
        double few[4];
        size_t nfew; /* 0: many values from lo to hi */
        uint64_t each;
        double lo, hi;
        const char *range, *allowed;
    } cases[] = {
        {{1, 2, 3}, 3, 100, 1, 3, "+range: {min: 1, max: 3}", NULL},
        {{1, 2, 10}, 3, 100, 1, 10, NULL, "+allowed: [1, 2, 10]"},
        {{0.5, 1.5}, 2, 100, 0.5, 1.5, NULL, "+allowed: [0.5, 1.5]"},
        {{1, 2, 10}, 3, 2, 1, 10, "+range: {min: 0, max: 12.5}", NULL}, /* each twice */
        {{7}, 1, 100, 7, 7, NULL, "-allowed: [7]"},
        {{0}, 0, 0, 0, 1, "+range: {min: 0, max: 1}", NULL},
        {{0}, 0, 0, -100, 100, "+range: {min: -150, max: 150}", NULL},
        {{0}, 0, 0, -100, -90, "+range: {min: -102.5, max: -87.5}", NULL},
        {{0}, 0, 0, 0.2, 0.9, "+range: {min: 0, max: 1}", NULL},
        {{0}, 0, 0, 20010101, 20010131, "+range: {min: 20010092, max: 20010140}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        double numbers[MANY];
        make_profile(&made, "x", "double precision", VG_KIND_NUMBER);
        for (size_t k = 0; k < MANY; k++)
            numbers[k] = cases[i].nfew ? cases[i].few[k % cases[i].nfew]
                                       : cases[i].lo + (cases[i].hi - cases[i].lo) *
                                                           (double)(k % 1001) / 1000;
        count_cells(&made, numbers, NULL, MANY);
        if (cases[i].nfew)
            add_few(&made.columns[1], cases[i].few, cases[i].nfew, cases[i].each);
        else
            made.columns[1].nfew = VG_PROFILE_FEW + 1;
        suggest(&made);
        assert_rule(&made, "range", cases[i].range);
        assert_rule(&made, "allowed", cases[i].allowed);
        assert_rule(&made, "type", "+type: double precision");
        assert_rule(&made, "nulls", "+nulls: 0");
        free_made(&made);
    }
}

static void test_numbers_of_things_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool rises, key, off, any;
    } cases[] = {{"customer_id", false, false, true, true}, {"id", false, false, true, true},
                 {"counter", true, false, true, true},      {"amount", false, false, false, true},
                 {"amount", false, true, false, false},     {"phone", false, false, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        char text[200];
        make_profile(&made, cases[i].name, "bigint", VG_KIND_NUMBER);
        count_ramp(&made);
        made.columns[1].rises = cases[i].rises;
        made.profile.key[0] = cases[i].name;
        made.profile.key_why = "the primary key";
        made.profile.nkey = cases[i].key;
        suggest(&made);
        const char *range = find_rule(&made, "range", text, sizeof text);
        assert_int_equal(range != NULL, cases[i].any);
        assert_true(!range || (*range == '-') == cases[i].off);
        assert_rule(&made, "unique", cases[i].key ? "+unique: 0" : NULL);
        assert_rule(&made, "private", vg_streq(cases[i].name, "phone") ? "+private: true" : NULL);
        free_made(&made);
    }
}

static void test_drift(void **state)
{
    (void)state;
    static const struct {
        double usual, odd;
        size_t nodd, n;
        const char *rule;
    } cases[] = {
        {0.02, 0.02, 0, 28, "+drift: {ks: 0.05}"},
        {0.15, 0.40, 2, 28, "+drift: {ks: {fail: 0.45, warn: 0.41}}"},
        {0.15, 0.80, 1, 28, "-drift: {ks: 0.88}"},
        {0.15, 0.15, 0, 4, "-drift: {ks: 0.3}"},
        {0.15, 0.15, 0, 0, "-drift: {ks: 0.3}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        double d[WINDOWS];
        struct vg_window compared[WINDOWS];
        make_profile(&made, "x", "real", VG_KIND_NUMBER);
        count_ramp(&made);
        for (size_t w = 0; w < WINDOWS; w++) {
            int64_t at = made.windows[w].start_us;
            d[w] = w >= 10 && w < 10 + 4 * cases[i].nodd && (w - 10) % 4 == 0 ? cases[i].odd
                                                                              : cases[i].usual;
            compared[w] = (struct vg_window){at, at + VG_DAY_US, false};
        }
        made.columns[1].d = d;
        made.columns[1].compared = compared;
        made.columns[1].nd = cases[i].n;
        suggest(&made);
        assert_rule(&made, "drift", cases[i].rule);
        free_made(&made);
    }
}

/* The least limit with one incident warns where it lies below the one without any. */
static void test_drift_warns(void **state)
{
    (void)state;
    struct made made;
    double d[WINDOWS];
    struct vg_window compared[WINDOWS];
    make_profile(&made, "x", "real", VG_KIND_NUMBER);
    count_ramp(&made);
    for (size_t w = 0; w < WINDOWS; w++) {
        int64_t at = made.windows[w].start_us;
        d[w] = w == 5 ? 0.45 : w == 12 ? 0.30 : w == 20 ? 0.25 : 0.1;
        compared[w] = (struct vg_window){at, at + VG_DAY_US, false};
    }
    made.columns[1].d = d;
    made.columns[1].compared = compared;
    made.columns[1].nd = WINDOWS;
    suggest(&made);
    assert_rule(&made, "drift", "+drift: {ks: {fail: 0.51, warn: 0.31}}");
    assert_string_equal(why_of(&made, "drift"), "D of 28 windows from all: median 0.100, largest "
                                                "0.450; 0.31 would have opened one incident");
    free_made(&made);
}

/* --- Nulls ------------------------------------------------------------------------------------ */

static void test_nulls(void **state)
{
    (void)state;
    static const struct {
        size_t rows, nulls;
        bool not_null;
        struct vg_profile_share share;
        const char *rule, *why;
    } cases[] = {
        {4000, 0, true, {.windows = 28}, "+nulls: 0", "NOT NULL; 0 of 4,000 rows null"},
        {4000, 0, false, {.windows = 28}, "+nulls: 0", "0 of 4,000 rows null"},
        {40, 0, false, {.windows = 0}, "+nulls: 10%", "0 of 40 rows null"},
        {40, 0, true, {.windows = 0}, "+nulls: 0", "NOT NULL; 0 of 40 rows null"},
        {4000,
         40,
         false,
         {.windows = 28, .most = 0.02, .hits = 20, .rows = 1000},
         "+nulls: 15%",
         NULL},
        {4000,
         40,
         false,
         {.windows = 20, .most = 0.02, .hits = 20, .rows = 1000},
         "+nulls: {fail: 15%, min_rows: 50}",
         NULL},
        {4000,
         4000,
         false,
         {.windows = 28, .most = 1, .hits = 1000, .rows = 1000},
         "-nulls: 100%",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        double numbers[MANY];
        make_profile(&made, "x", "jsonb", VG_KIND_OTHER);
        made.catalog_columns[1].not_null = cases[i].not_null;
        for (size_t k = 0; k < cases[i].rows; k++)
            numbers[k] = k < cases[i].nulls ? (double)NAN : 1;
        count_cells(&made, numbers, NULL, cases[i].rows);
        made.columns[1].nulls = cases[i].share;
        suggest(&made);
        assert_rule(&made, "nulls", cases[i].rule);
        if (cases[i].why)
            assert_string_equal(why_of(&made, "nulls"), cases[i].why);
        free_made(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_of_numbers),
        cmocka_unit_test(test_numbers_of_things_are_left_alone),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_drift_warns),
        cmocka_unit_test(test_nulls),
    };
    return cmocka_run_group_tests_name("test_suggest", tests, NULL, NULL);
}
