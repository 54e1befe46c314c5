/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numeric to double against strtod(), which glibc rounds correctly, over random decimals of every
 * length and over the midpoints between doubles; numeric to text against the text it came from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pg/decode.h"

enum { WIRE_MAX = 8 + 2 * 600 };

static void put_word(uint8_t *out, unsigned word)
{
    out[0] = (uint8_t)(word >> 8);
    out[1] = (uint8_t)word;
}

/* "-123.45" as the server sends it: words without zeros at either end. Returns the size. */
static size_t encode(const char *text, uint8_t *out)
{
    const char *digits = text + (*text == '-');
    size_t whole = strcspn(digits, "."), len = strlen(digits);
    size_t scale = whole < len ? len - whole - 1 : 0;
    size_t lead = (4 - whole % 4) % 4, words = (lead + whole) / 4 + (scale + 3) / 4;
    int weight = (int)((lead + whole) / 4) - 1;
    unsigned value[600] = {0};
    assert_true(words <= 600);
    for (size_t i = 0; i < len; i++) {
        if (i == whole)
            continue;
        size_t at = lead + i - (i > whole);
        unsigned unit = at % 4 == 0 ? 1000 : at % 4 == 1 ? 100 : at % 4 == 2 ? 10 : 1;
        value[at / 4] += unit * (unsigned)(digits[i] - '0');
    }
    size_t first = 0;
    while (first < words && value[first] == 0) {
        first++;
        weight--;
    }
    while (words > first && value[words - 1] == 0)
        words--;
    size_t n = words - first;
    put_word(out, (unsigned)n);
    put_word(out + 2, n ? (unsigned)weight & 0xffff : 0);
    put_word(out + 4, *text == '-' && n ? 0x4000 : 0);
    put_word(out + 6, (unsigned)scale);
    for (size_t i = 0; i < n; i++)
        put_word(out + 8 + 2 * i, value[first + i]);
    return 8 + 2 * n;
}

static void check_double(const char *text)
{
    uint8_t wire[WIRE_MAX];
    double x = 17, wanted = strtod(text, NULL);
    size_t size = encode(text, wire);
    assert_int_equal(vg_numeric_double(wire, size, &x), 0);
    if (x != wanted)
        fail_msg("%s: %.17g instead of %.17g", text, x, wanted);
}

static uint64_t random_state = 20010612;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Up to 40 digits, sometimes 300, the point anywhere, sometimes zeros after it. */
static void make_decimal(char *text, size_t digits)
{
    size_t len = 0, point = next_random() % (digits + 1), zeros = next_random() % 8 ? 0 : 30;
    if (next_random() % 2)
        text[len++] = '-';
    if (point == 0)
        text[len++] = '0';
    for (size_t i = 0; i < digits; i++) {
        if (i == point)
            text[len++] = '.';
        for (size_t z = 0; i == point && z < zeros; z++)
            text[len++] = '0';
        text[len++] = (char)('0' + (next_random() % 5 ? next_random() % 10 : 0));
    }
    text[len] = '\0';
}

static void test_random_decimals(void **state)
{
    (void)state;
    char text[500];
    for (int round = 0; round < 200000; round++) {
        make_decimal(text, 1 + next_random() % (round % 100 ? 40 : 300));
        check_double(text);
    }
}

/* Between two doubles in decimal: the midpoint goes to the even one, a hair decides otherwise. */
static void test_midpoints(void **state)
{
    (void)state;
    static const char *const tails[] = {"", "000000000001", "0000000000000000000000000001"};
    char text[200], below[200];
    for (int round = 0; round < 20000; round++) {
        /* 53 bits and a half: one decimal; scaled down further by powers of two elsewhere */
        uint64_t mantissa = (UINT64_C(1) << 52) | (next_random() >> 12);
        for (size_t t = 0; t < sizeof tails / sizeof *tails; t++) {
            snprintf(text, sizeof text, "%llu.5%s", (unsigned long long)mantissa, tails[t]);
            check_double(text);
        }
        snprintf(below, sizeof below, "%llu.4999999999999999999999999999",
                 (unsigned long long)mantissa);
        check_double(below);
        snprintf(text, sizeof text, "%.*f", (int)(next_random() % 24), (double)mantissa / 0x1p40);
        check_double(text);
    }
}

static void test_edges(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "0.0",
        "0.00000",
        "1",
        "-1",
        "9999",
        "10000",
        "10001",
        "0.0001",
        "0.00001",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "999999999999999999999999999999999",
        "10000000000000000000000",
        "100000000000000000000000",
        "0.0000000000000000000001",
        "0.00000000000000000000000001",
        "0.000000000000000000000000001",
        "0.0000000000000000000000000001",
        "123456789012345678901234567.890123456789012345678901234567",
        "0.1",
        "0.3",
        "2.675",
        "1.7976931348623157",
        "100000000",
        "1000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_double(texts[i]);
}

/* More digits than are kept: the last of them may still decide a midpoint. */
static void test_thousand_digits(void **state)
{
    (void)state;
    char text[1600];
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740992.5", 18);
    text[1500] = '\0';
    check_double(text);
    text[1499] = '1';
    check_double(text);
    memset(text, '7', sizeof text);
    text[300] = '.';
    text[1500] = '\0';
    check_double(text);
}

static void test_beyond_a_double(void **state)
{
    (void)state;
    uint8_t wire[10] = {0, 1, 0, 200, 0, 0, 0, 0, 0, 5};
    double x;
    assert_int_equal(vg_numeric_double(wire, sizeof wire, &x), 0);
    assert_true(x == INFINITY);
    wire[4] = 0x40;
    assert_int_equal(vg_numeric_double(wire, sizeof wire, &x), 0);
    assert_true(x == -INFINITY);
    wire[2] = 0xff;
    wire[3] = 0;
    assert_int_equal(vg_numeric_double(wire, sizeof wire, &x), 0);
    assert_true(x == 0);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint8_t bytes[12];
    } cases[] = {
        {0, {0}},
        {7, {0}},
        {9, {0}},
        {8, {0, 1}},                                /* a word too few */
        {12, {0, 1, 0, 0, 0, 0, 0, 0, 0, 1}},       /* a word too many */
        {8, {0, 0, 0, 0, 0x12, 0x34}},              /* no sign */
        {8, {0, 0, 0, 0, 0xe0, 0}},                 /* no sign */
        {10, {0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10}}, /* digit 10000 */
        {10, {0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0xff, 0xff}},
    };
    char text[40];
    double x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(vg_numeric_double(cases[i].bytes, cases[i].size, &x), -1);
        assert_string_equal(vg_numeric_text(cases[i].bytes, cases[i].size, text, sizeof text), "");
    }
}

static void test_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "0.00",
                                        "1",
                                        "-1",
                                        "10",
                                        "9999",
                                        "10000",
                                        "-10000.0000",
                                        "123456.7890",
                                        "0.0001",
                                        "0.00010",
                                        "-0.00001",
                                        "100000000",
                                        "12345678901234567890123456789.123",
                                        "0.000000000000000000000000000000000001"};
    char text[80];
    uint8_t wire[WIRE_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t size = encode(texts[i], wire);
        assert_string_equal(vg_numeric_text(wire, size, text, sizeof text), texts[i]);
        assert_string_equal(vg_numeric_text(wire, size, text, 2), (char[2]){texts[i][0]});
    }
    uint8_t special[8] = {0, 0, 0, 0, 0xc0, 0, 0, 0};
    assert_string_equal(vg_numeric_text(special, 8, text, sizeof text), "NaN");
    special[4] = 0xd0;
    assert_string_equal(vg_numeric_text(special, 8, text, sizeof text), "+Inf");
    special[4] = 0xf0;
    assert_string_equal(vg_numeric_text(special, 8, text, sizeof text), "-Inf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_decimals),
        cmocka_unit_test(test_midpoints),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_thousand_digits),
        cmocka_unit_test(test_beyond_a_double),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests_name("decode_numeric", tests, NULL, NULL);
}
