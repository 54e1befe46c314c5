/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: UTF-8, numbers, durations, ratios, the nearest word, and hashes that must never change. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/text.h"
#include "pgvigil/time.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_streq(void **state)
{
    (void)state;
    char a[] = "a";
    assert_true(vg_streq(a, "a"));
    assert_false(vg_streq(a, "b"));
    assert_false(vg_streq(a, "ab"));
    assert_false(vg_streq(a, NULL));
    assert_false(vg_streq(NULL, a));
    assert_true(vg_streq(NULL, NULL));
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

static const struct utf8_case {
    const char *bytes;
    size_t n;
    bool valid;
    const char *clean, *plain; /* after cleaning; NULL: as it was */
} utf8_cases[] = {
    {"", 0, true, NULL, NULL},
    {"plain", 5, true, NULL, NULL},
    {"\xc3\xa9", 2, true, NULL, NULL},
    {"\xe2\x82\xac", 3, true, NULL, NULL},
    {"\xf0\x9f\x98\x80", 4, true, NULL, NULL},
    {"\xf4\x8f\xbf\xbf", 4, true, NULL, NULL}, /* the last code point */
    {"\xed\x9f\xbf", 3, true, NULL, NULL},     /* the last before the surrogates */
    {"\xee\x80\x80", 3, true, NULL, NULL},     /* the first after them */
    {"\xe0\xa0\x80", 3, true, NULL, NULL},     /* the least of three bytes */
    {"\xf0\x90\x80\x80", 4, true, NULL, NULL}, /* the least of four */
    {"\x80", 1, false, "\ufffd", NULL},
    {"a\xff", 2, false, "a\ufffd", NULL},
    {"\xc3", 1, false, "\ufffd", NULL}, /* cut short */
    {"\xe2\x82", 2, false, "\ufffd\ufffd", NULL},
    {"\xc3(", 2, false, "\ufffd(", NULL},
    {"\xc0\x80", 2, false, "\ufffd\ufffd", NULL}, /* overlong */
    {"\xc1\xbf", 2, false, "\ufffd\ufffd", NULL},
    {"\xe0\x9f\xbf", 3, false, "\ufffd\ufffd\ufffd", NULL},
    {"\xf0\x8f\xbf\xbf", 4, false, "\ufffd\ufffd\ufffd\ufffd", NULL},
    {"\xed\xa0\x80", 3, false, "\ufffd\ufffd\ufffd", NULL}, /* a surrogate */
    {"\xf4\x90\x80\x80", 4, false, "\ufffd\ufffd\ufffd\ufffd", NULL},
    {"\xf5\x80\x80\x80", 4, false, "\ufffd\ufffd\ufffd\ufffd", NULL},
    {"a\tb\nc", 5, true, NULL, NULL},
    {"a\x1b[1m", 5, true, NULL, "a\ufffd[1m"},
    {"\x7f", 1, true, NULL, "\ufffd"},
    {"\0a", 2, true, NULL,
     "\ufffd"
     "a"},
    {"\xc2\x9b", 2, true, NULL, "\ufffd"},     /* the last of C1 but four */
    {"\xc2\xa0", 2, true, NULL, NULL},         /* behind C1 */
    {"\xe2\x80\x8d", 3, true, NULL, NULL},     /* a joiner orders nothing */
    {"\xe2\x80\x8e", 3, true, NULL, "\ufffd"}, /* the marks that reorder text */
    {"\xe2\x80\x8f", 3, true, NULL, "\ufffd"},
    {"\xe2\x80\x90", 3, true, NULL, NULL},
    {"\xe2\x80\xa9", 3, true, NULL, NULL},
    {"\xe2\x80\xaa", 3, true, NULL, "\ufffd"},
    {"\xe2\x80\xae", 3, true, NULL, "\ufffd"},
    {"\xe2\x80\xaf", 3, true, NULL, NULL},
    {"\xe2\x81\xa5", 3, true, NULL, NULL},
    {"\xe2\x81\xa6", 3, true, NULL, "\ufffd"},
    {"\xe2\x81\xa9", 3, true, NULL, "\ufffd"},
    {"\xd8\x9c", 2, true, NULL, "\ufffd"},
    {"\xd8\x9b", 2, true, NULL, NULL},
};

static void clean(const struct utf8_case *c, const char *bytes, bool plain)
{
    const char *want = c->clean;
    if (plain && c->plain)
        want = c->plain;
    size_t n = want ? strlen(want) : c->n;
    struct vg_buf out;
    vg_buf_init(&out, 100);
    vg_utf8_clean(&out, bytes, c->n, plain);
    assert_int_equal(out.len, n);
    assert_memory_equal(out.data, want ? want : c->bytes, n);
    assert_true(vg_utf8_valid(out.data, out.len));
    vg_buf_free(&out);
}

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(utf8_cases); i++) {
        const struct utf8_case *c = &utf8_cases[i];
        char *exact = malloc(c->n ? c->n : 1); /* the sanitizer sees a step beyond it */
        assert_non_null(exact);
        memcpy(exact, c->bytes, c->n);
        if (vg_utf8_valid(exact, c->n) != c->valid)
            fail_msg("case %zu", i);
        clean(c, exact, false);
        clean(c, exact, true);
        free(exact);
    }
}

static void test_utf8_prefix(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t want[] = {0, 1, 3, 6, 10, 11, 11};
    for (size_t chars = 0; chars < COUNT(want); chars++)
        assert_int_equal(vg_utf8_prefix(text, strlen(text), chars), want[chars]);
    assert_int_equal(vg_utf8_prefix("\xff\xff", 2, 1), 1); /* each broken byte counts as one */
    assert_int_equal(vg_utf8_prefix(text, 2, 2), 2);       /* a character cut by n too */
}

static void test_utf8_whole(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t n = 0; n < COUNT(want); n++)
        assert_int_equal(vg_utf8_whole(text, n), want[n]);
}

static void test_utf8_count(void **state)
{
    (void)state;
    static const char text[] =
        "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
        "bcdefghi\xc3\xa9";
    uint32_t characters = 0;
    for (uint32_t n = 0; n < sizeof text; n++) {
        char *exact = malloc(n ? n : 1); /* the sanitizer sees a step beyond it */
        assert_non_null(exact);
        memcpy(exact, text, n);
        assert_int_equal(vg_utf8_count(exact, n), characters);
        characters += ((unsigned char)text[n] & 0xc0) != 0x80;
        free(exact);
    }
}

/* Each byte of a text of each length changes its words, and its length is told beside them. */
static void test_short_texts_differ(void **state)
{
    (void)state;
    for (size_t n = 0; n <= VG_SHORT_TEXT; n++) {
        char *exact = calloc(1, n ? n : 1);
        assert_non_null(exact);
        struct vg_short_text zeros = vg_short_text_of(exact, n);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            exact[bit / 8] = (char)(1 << bit % 8);
            struct vg_short_text other = vg_short_text_of(exact, n);
            assert_true(zeros.head != other.head || zeros.tail != other.tail);
            assert_true(vg_short_text_slot(other, n, 6) < 64);
            exact[bit / 8] = 0;
        }
        free(exact);
    }
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static void test_parse_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
        double want;
    } cases[] = {
        {"0", true, 0},      {"-1.5", true, -1.5}, {"+2", true, 2},
        {".5", true, 0.5},   {"1e3", true, 1000},  {"1E-2", true, 0.01},
        {"", false, 0},      {" 1", false, 0},     {"1 ", false, 0},
        {"1,5", false, 0},   {"1.2.3", false, 0},  {"x", false, 0},
        {"0x10", false, 0},  {"0X1p3", false, 0},  {"nan", false, 0},
        {"NaN", false, 0},   {"inf", false, 0},    {"-Infinity", false, 0},
        {"1e999", false, 0}, {"-1e999", false, 0}, {"1e", false, 0},
        {"-", false, 0},     {"1e-999", true, 0},  {"1.7976931348623157e308", true, DBL_MAX},
        {"\t1", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double x = -77;
        int rc = vg_parse_double(cases[i].text, &x);
        if (rc != (cases[i].fine ? 0 : -1) || x != (cases[i].fine ? cases[i].want : -77))
            fail_msg("\"%s\": %d, %g", cases[i].text, rc, x);
    }
}

static void test_parse_int64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
        int64_t want;
    } cases[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x1", false, 0},
        {"-", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t x = -77;
        int rc = vg_parse_int64(cases[i].text, &x);
        if (rc != (cases[i].fine ? 0 : -1) || x != (cases[i].fine ? cases[i].want : -77))
            fail_msg("\"%s\": %d, %lld", cases[i].text, rc, (long long)x);
    }
}

static void test_parse_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"250ms", 250000},
        {"30s", 30 * VG_US},
        {"5m", 5 * VG_MINUTE_US},
        {"8h", 8 * VG_HOUR_US},
        {"1d", VG_DAY_US},
        {"1w", VG_WEEK_US},
        {"0s", 0},
        {"1.5h", 90 * VG_MINUTE_US},
        {"0.0000005s", 1}, /* rounded to the nearest microsecond */
        {"", -1},
        {"5", -1},
        {"m", -1},
        {"-5m", -1},
        {"+5m", -1},
        {" 5m", -1},
        {"5 m", -1},
        {"5m ", -1},
        {"1h30m", -1},
        {"5M", -1},
        {"5min", -1},
        {"5us", -1},
        {".5h", -1},
        {"1e3s", -1},
        {"1.2.3s", -1},
        {"9999999w", -1},              /* beyond all times */
        {"99999999999999999999s", -1}, /* longer than any number here */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t us = -1;
        int rc = vg_parse_duration(cases[i].text, &us);
        if (rc != (cases[i].want < 0 ? -1 : 0) || us != cases[i].want)
            fail_msg("\"%s\": %d, %lld", cases[i].text, rc, (long long)us);
    }
}

static void test_parse_ratio(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
        double want;
    } cases[] = {
        {"1%", true, 0.01},
        {"0.5 %", true, 0.005},
        {"0.01", true, 0.01},
        {"100%", true, 1},
        {"250%", true, 2.5},
        {"-1%", true, -0.01},
        {"1e1%", true, 0.1},
        {"%", false, 0},
        {" %", false, 0},
        {"", false, 0},
        {"1%%", false, 0},
        {"0.1 ", false, 0},
        {"% 1", false, 0},
        {"nan%", false, 0},
        {"x", false, 0},
        {"0.000000000000000000000000000000000000001%", false, 0}, /* longer than any sensible one */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double x = -77;
        int rc = vg_parse_ratio(cases[i].text, &x);
        if (rc != (cases[i].fine ? 0 : -1) || (cases[i].fine && fabs(x - cases[i].want) > 1e-15))
            fail_msg("\"%s\": %d, %g", cases[i].text, rc, x);
    }
}

static void test_format_double(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *want;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e300, "1e+300"},
        {123456789, "123456789"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
        {-0.0, "-0"},
    };
    char text[VG_NUMBER_TEXT];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(vg_format_double(cases[i].x, text), cases[i].want);
    static const double shapes[] = {DBL_MAX, DBL_MIN,  DBL_EPSILON, 5e-324,
                                    1.0 / 3, 2e15 / 3, -1e-5};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        double back;
        assert_int_equal(vg_parse_double(vg_format_double(shapes[i], text), &back), 0);
        assert_true(back == shapes[i]);
    }
}

static void test_format_human(void **state)
{
    (void)state;
    static const struct {
        double x;
        int digits;
        const char *want;
    } cases[] = {
        {0.38412, 3, "0.384"},
        {0.38, 3, "0.38"},
        {3458, 3, "3458"}, /* whole digits are never cut */
        {3458.6, 3, "3459"},
        {999.96, 4, "1000"},
        {12.5, 3, "12.5"},
        {12.0, 3, "12"},
        {0, 3, "0"},
        {-0.0, 3, "0"},
        {-0.05, 3, "-0.05"},
        {0.00012345, 3, "0.000123"},
        {0.000012345, 3, "1.23e-05"},
        {1234567, 3, "1234567"},
        {999999999999999.0, 3, "999999999999999"},
        {1e15, 3, "1e+15"},
        {INFINITY, 3, "+Inf"},
        {-INFINITY, 3, "-Inf"},
        {NAN, 3, "NaN"},
    };
    char text[VG_NUMBER_TEXT];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(vg_format_human(cases[i].x, cases[i].digits, text), cases[i].want);
}

static void test_format_duration(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *want;
    } cases[] = {
        {0, "0s"},
        {VG_WEEK_US, "1w"},
        {VG_DAY_US, "1d"},
        {36 * VG_HOUR_US, "36h"},
        {90 * VG_MINUTE_US, "90m"},
        {90 * VG_US, "90s"},
        {250000, "250ms"},
        {1500, "0.0015s"},
        {-VG_HOUR_US, "-1h"},
    };
    char text[VG_DURATION_TEXT];
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t back;
        assert_string_equal(vg_format_duration(cases[i].us, text), cases[i].want);
        assert_int_equal(vg_parse_duration(text, &back), cases[i].us < 0 ? -1 : 0);
        if (cases[i].us >= 0)
            assert_int_equal(back, cases[i].us);
    }
}

/* --- Words and hashes ------------------------------------------------------------------------- */

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"nulls", "range", "volume", "freshness", "ks"};
    static char long_word[100];
    memset(long_word, 'n', sizeof long_word - 1);
    const struct {
        const char *given, *want;
    } cases[] = {
        {"nulls", "nulls"},
        {"null", "nulls"},
        {"nuls", "nulls"},
        {"rnage", "range"},
        {"volumes", "volume"},
        {"frehsness", "freshness"},
        {"k", "ks"},
        {"kz", "ks"},
        {"completely", NULL},
        {"", NULL},
        {"freshnes", "freshness"},
        {"fresh", NULL},
        {"Range", "range"},
        {long_word, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *found = vg_nearest(cases[i].given, words, COUNT(words));
        if (!vg_streq(found, cases[i].want))
            fail_msg("\"%s\": %s", cases[i].given, found ? found : "none");
    }
    static const char *const twins[] = {"aab", "aac"};
    assert_string_equal(vg_nearest("aaa", twins, 2), "aab"); /* the first of equals */
    static const char *const cases_of[] = {"w", "y"};
    assert_string_equal(vg_nearest("Y", cases_of, 2), "y"); /* nearer than another letter */
    assert_null(vg_nearest("a", words, 0));
}

/* Stored in state files: a change of these values would orphan them. */
static void test_hashes_are_those_of_all_versions(void **state)
{
    (void)state;
    static const char *const parts[] = {"prod", "flights", "critical"};
    static const char *const moved[] = {"prodf", "lights", "critical"};
    char hex[33], other[33];
    assert_true(vg_hash64("", 0) == UINT64_C(0x2d06800538d394c2)); /* as xxHash documents it */
    assert_true(vg_hash64("a", 1) != vg_hash64("b", 1));
    vg_hash_hex(hex, parts, 3);
    assert_string_equal(hex, "328df47c2eeb505a64791cd80f1fa9a5");
    assert_int_equal(strspn(hex, "0123456789abcdef"), 32);
    vg_hash_hex(other, moved, 3);
    assert_string_not_equal(hex, other); /* parts do not run into each other */
    vg_hash_hex(other, parts, 2);
    assert_string_not_equal(hex, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streq),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_utf8_prefix),
        cmocka_unit_test(test_utf8_whole),
        cmocka_unit_test(test_utf8_count),
        cmocka_unit_test(test_short_texts_differ),
        cmocka_unit_test(test_parse_double),
        cmocka_unit_test(test_parse_int64),
        cmocka_unit_test(test_parse_duration),
        cmocka_unit_test(test_parse_ratio),
        cmocka_unit_test(test_format_double),
        cmocka_unit_test(test_format_human),
        cmocka_unit_test(test_format_duration),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_hashes_are_those_of_all_versions),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
