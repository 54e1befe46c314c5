/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suggestions for texts, booleans and the table; figures that people read; texts as YAML; the
 * whole file. */
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

/* --- Texts and booleans ----------------------------------------------------------------------- */

static void suggest_texts(struct made *made, const char *name, const char *const *texts, size_t n)
{
    const char *cells[MANY];
    make_profile(made, name, "text", VG_KIND_TEXT);
    for (size_t k = 0; k < MANY; k++)
        cells[k] = texts[k % n];
    count_cells(made, NULL, cells, MANY);
    made->columns[1].distinct_least = (double)n;
    suggest(made);
}

static void test_sets_of_texts(void **state)
{
    (void)state;
    static const char *const plain[] = {"LGA", "ATL", "$x", "yes", "a: \"b\"", "01"};
    static const char *const empty[] = {"a", "", "b"};
    struct made made;
    suggest_texts(&made, "x", plain, 6);
    assert_rule(&made, "allowed",
                "+allowed: [\"$$x\", \"01\", ATL, LGA, \"a: \\\"b\\\"\", \"yes\"]");
    assert_rule(&made, "distinct", "+distinct: {min: 6, min_rows: 50}");
    assert_rule(&made, "categories", NULL);
    free_made(&made);
    suggest_texts(&made, "x", empty, 3);
    assert_rule(&made, "allowed", "+allowed: [\"\", a, b]");
    free_made(&made);
    suggest_texts(&made, "email", plain, 6); /* nothing of it may be shown */
    assert_rule(&made, "allowed", NULL);
    assert_rule(&made, "private", "+private: true");
    free_made(&made);
}

static void test_codes_and_formats(void **state)
{
    (void)state;
    struct made made;
    const char *cells[MANY];
    static char codes[MANY][8], dates[MANY][16], words[MANY][16];
    for (unsigned k = 0; k < MANY; k++) {
        snprintf(codes[k], sizeof codes[k], "%c%c%c", 'A' + (char)(k % 26),
                 'A' + (char)(k / 26 % 26), 'A' + (char)(k / 676 % 26));
        snprintf(dates[k], sizeof dates[k], "2001-%02u-%02u", 1 + k % 12, 1 + k % 28);
        snprintf(words[k], sizeof words[k], "word %u", k);
    }
    make_profile(&made, "x", "text", VG_KIND_TEXT);
    for (size_t k = 0; k < MANY; k++)
        cells[k] = codes[k];
    count_cells(&made, NULL, cells, MANY);
    made.columns[1].novel_known = true;
    made.columns[1].novel = 0.004;
    suggest(&made);
    assert_rule(&made, "length", "+length: {min: 3, max: 3}");
    assert_rule(&made, "pattern", "+pattern: \"^[A-Z]{3}$\"");
    assert_rule(&made, "categories", "+categories: {fail: 2%, missing: 1%}");
    free_made(&made);
    make_profile(&made, "x", "text", VG_KIND_TEXT);
    for (size_t k = 0; k < MANY; k++)
        cells[k] = dates[k];
    count_cells(&made, NULL, cells, MANY);
    suggest(&made);
    assert_rule(&made, "format", "+format: iso_date");
    free_made(&made);
    make_profile(&made, "x", "text", VG_KIND_TEXT);
    for (size_t k = 0; k < MANY; k++)
        cells[k] = words[k];
    count_cells(&made, NULL, cells, MANY);
    suggest(&made);
    assert_rule(&made, "format", NULL);
    assert_rule(&made, "pattern", NULL);
    assert_rule(&made, "blank", "+blank: 0");
    assert_rule(&made, "length", "+length: {max: 18}");
    free_made(&made);
}

static void test_booleans(void **state)
{
    (void)state;
    static const struct {
        double least, most;
        size_t windows;
        const char *share, *constant;
    } cases[] = {
        {0.09, 0.45, 28, "+share: {value: \"true\", min: 4%, max: 75%, min_rows: 500}", NULL},
        {0, 0.42, 28, "+share: {value: \"true\", max: 75%, min_rows: 500}",
         "+constant: {min_rows: 50}"},
        {0.09, 0.45, 1, "-share: {value: \"true\", min: 4%, max: 75%, min_rows: 500}", NULL},
        {0, 1, 28, NULL, "+constant: {min_rows: 50}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        double numbers[MANY];
        make_profile(&made, "late", "boolean", VG_KIND_BOOL);
        for (size_t k = 0; k < MANY; k++)
            numbers[k] = k % 4 == 0;
        count_cells(&made, numbers, NULL, MANY);
        made.columns[1].trues = (struct vg_profile_share){
            .windows = cases[i].windows, .least = cases[i].least, .most = cases[i].most};
        suggest(&made);
        if (cases[i].share && strstr(cases[i].share, "min: 4%"))
            assert_non_null(strstr(why_of(&made, "share"), "true in 9 % .. 45 %"));
        assert_rule(&made, "constant", cases[i].constant);
        free_made(&made);
    }
}

/* --- The table -------------------------------------------------------------------------------- */

static void test_volume_and_freshness(void **state)
{
    (void)state;
    struct made made;
    make_profile(&made, "x", "real", VG_KIND_NUMBER);
    for (size_t w = 0; w < WINDOWS; w++)
        made.windows[w].rows = w % 7 == 5 ? 700 + w : 1000 + w; /* fewer on Saturdays */
    made.windows[WINDOWS - 1].rows = 20;                        /* the day is not over */
    suggest(&made);
    assert_rule(&made, "freshness", "+freshness: 36h");
    assert_rule(&made, "volume:", "+volume: {min: 630, max: 2600}");
    assert_non_null(strstr(why_of(&made, "volume:"), "partial ones aside"));
    char text[200];
    const char *change = find_rule(&made, "volume_change", text, sizeof text);
    assert_true(change && *change == '+' && strstr(change, "against: same_time"));
    assert_non_null(strstr(why_of(&made, "volume_change"), "Sat 7"));
    made.profile.gap_us = 20 * VG_HOUR_US;
    suggest(&made);
    assert_rule(&made, "freshness", "+freshness: 3d");
    made.profile.nwindows = 2;
    suggest(&made);
    assert_true(*find_rule(&made, "volume:", text, sizeof text) == '-');
    assert_rule(&made, "volume_change", NULL);
    free_made(&made);
}

static void test_hours(void **state)
{
    (void)state;
    static const struct {
        size_t from, to;
        uint64_t least;
        const char *rule;
    } cases[] = {
        {6, 22, 9, "+gaps: {every: 1h, look_back: 1d, hours: \"06:00-22:00\"}"},
        {6, 24, 9, "+gaps: {every: 1h, look_back: 1d, hours: \"06:00-23:59\"}"},
        {0, 24, 9, "+gaps: {every: 1h, look_back: 1d}"},
        {6, 22, 4, NULL},
        {6, 11, 9, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        make_profile(&made, "x", "real", VG_KIND_NUMBER);
        made.profile.hour_days = 20;
        for (size_t h = cases[i].from; h < cases[i].to; h++)
            made.profile.hour_least[h] = cases[i].least;
        suggest(&made);
        assert_rule(&made, "gaps", cases[i].rule);
        free_made(&made);
    }
}

/* --- Figures and text ------------------------------------------------------------------------- */

static void test_figures(void **state)
{
    (void)state;
    char text[64];
    assert_true(fabs(vg_suggest_wilson(0, 100, 2) - 0.0385) < 1e-4);
    assert_true(fabs(vg_suggest_wilson(50, 100, 1.96) - 0.5962) < 1e-3);
    assert_true(fabs(vg_suggest_wilson(0, 0, 3) - 1) < 1e-12);
    assert_true(fabs(vg_suggest_share_up(0.0101) - 0.015) < 1e-12);
    assert_true(fabs(vg_suggest_share_up(0.71) - 1) < 1e-12);
    assert_true(fabs(vg_suggest_share_down(0.0299) - 0.02) < 1e-12);
    assert_int_equal(vg_suggest_count_down(3489.9), 3400);
    assert_int_equal(vg_suggest_count_up(3401), 3500);
    assert_int_equal(vg_suggest_count_up(7.2), 8);
    assert_string_equal(vg_suggest_commas(1234567, text), "1,234,567");
    assert_string_equal(vg_suggest_commas(999, text), "999");
    assert_string_equal(vg_suggest_of(0, 105943, text), "0 of 105,943");
    assert_string_equal(vg_suggest_duration(7 * VG_HOUR_US, text), "8h");
    assert_string_equal(vg_suggest_duration(1, text), "1m");
    assert_string_equal(vg_suggest_duration(INT64_MAX, text), "52w");
}

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text, *yaml;
    } cases[] = {
        {"ATL", "ATL"},
        {"late15-2001-01", "late15-2001-01"},
        {"a b", "a b"},
        {"a ", "\"a \""},
        {"", "\"\""},
        {"true", "\"true\""},
        {"NO", "\"NO\""},
        {"1", "\"1\""},
        {"-", "\"-\""},
        {"a: b", "\"a: b\""},
        {"a\"\\", "\"a\\\"\\\\\""},
        {"a\nb", "\"a\\x0ab\""},
        {"\xc2\x85 \xc2\x9f\xc2\xa0", "\"\\u0085 \\u009f\xc2\xa0\""},
        {"\xe2\x80\xa8\xe2\x80\xa7", "\"\\u2028\xe2\x80\xa7\""},
        {"\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbd", "\"\\ufeff\\ufffe\xef\xbf\xbd\""},
        {"$a", "\"$$a\""},
        {"\xc3\xa4", "\"\xc3\xa4\""},
        {"numeric(10,2)", "\"numeric(10,2)\""},
    };
    struct vg_buf out;
    vg_buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vg_buf_clear(&out);
        vg_suggest_put(&out, cases[i].text, true);
        assert_string_equal(out.data, cases[i].yaml);
    }
    vg_buf_clear(&out);
    vg_suggest_put(&out, "$a", false);
    assert_string_equal(out.data, "\"$a\"");
    vg_buf_free(&out);
}

static void test_whole_file(void **state)
{
    (void)state;
    struct made made;
    struct vg_buf out;
    make_profile(&made, "x y", "real", VG_KIND_NUMBER);
    count_ramp(&made);
    made.columns[1].rises = true;
    made.profile.hour_median = 40;
    suggest(&made);
    vg_buf_init(&out, 1 << 16);
    vg_suggest_write(&made.profile, &made.list, &out);
    assert_false(out.failed);
    static const char *const parts[] = {
        "# Rules for ml.t, suggested by `pgvigil init` from 4,000 rows,",
        "\nversion: 1\ndataset: t\n",
        "  connection: warehouse\n  table: ml.t\n",
        "  time_column: at\n",
        "  # key: [...]: there is no primary key and no unique index\n",
        "schedule: {window: 1d, delay: 10m, every: 1h}  # 40 rows an hour in the median\n",
        "reference: {from: \"2001-01-01\", to: \"2001-01-29\"}",
        "\ncolumns:\n  x y:\n    type: real\n    nulls: 0 ",
        "    # drift: {ks: 0.3} ",
        "\nchecks:\n",
        "  - freshness: 36h\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!strstr(out.data, parts[i]))
            fail_msg("\"%s\" is not in\n%s", parts[i], out.data);
    }
    for (const char *line = out.data; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 100);
    vg_buf_free(&out);
    free_made(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_of_texts), cmocka_unit_test(test_codes_and_formats),
        cmocka_unit_test(test_booleans),      cmocka_unit_test(test_volume_and_freshness),
        cmocka_unit_test(test_hours),         cmocka_unit_test(test_figures),
        cmocka_unit_test(test_scalars),       cmocka_unit_test(test_whole_file),
    };
    return cmocka_run_group_tests_name("test_suggest_text", tests, NULL, NULL);
}
