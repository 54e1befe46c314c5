/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts as values, by PostgreSQL's rules: each literal was tried on a server. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pg/decode_text.h"
#include "pgvigil/time.h"
#include "tests/unit/stream_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct text_case {
    uint32_t oid;
    const char *text;
    enum vg_cell cell;
    double value;
};

static void expect(const struct text_case *c)
{
    double out = -1;
    enum vg_cell cell = vg_text_convert(c->oid, c->text, strlen(c->text), &out);
    if (cell != c->cell || out != (cell == VG_CELL_VALUE ? c->value : 0))
        fail_msg("type %u, '%s': %d with %.17g, not %d with %.17g", c->oid, c->text, cell, out,
                 c->cell, c->value);
}

#define GOOD(oid, text, value)                                                                     \
    {                                                                                              \
        oid, text, VG_CELL_VALUE, value                                                            \
    }
#define BAD(oid, text)                                                                             \
    {                                                                                              \
        oid, text, VG_CELL_UNCAST, 0                                                               \
    }

static void test_truths_and_integers(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        GOOD(VG_OID_BOOL, "t", 1),
        GOOD(VG_OID_BOOL, " TRUE\n", 1),
        GOOD(VG_OID_BOOL, "tru", 1),
        GOOD(VG_OID_BOOL, "y", 1),
        GOOD(VG_OID_BOOL, "on", 1),
        GOOD(VG_OID_BOOL, "1", 1),
        GOOD(VG_OID_BOOL, "f", 0),
        GOOD(VG_OID_BOOL, "No", 0),
        GOOD(VG_OID_BOOL, "of", 0),
        GOOD(VG_OID_BOOL, "0", 0),
        BAD(VG_OID_BOOL, "o"),
        BAD(VG_OID_BOOL, "truee"),
        BAD(VG_OID_BOOL, "2"),
        BAD(VG_OID_BOOL, ""),
        GOOD(VG_OID_INT2, "32767", 32767),
        GOOD(VG_OID_INT2, "-32768", -32768),
        BAD(VG_OID_INT2, "32768"),
        BAD(VG_OID_INT2, "-32769"),
        GOOD(VG_OID_INT4, " +007 ", 7),
        GOOD(VG_OID_INT4, "-2147483648", -2147483648.0),
        BAD(VG_OID_INT4, "2147483648"),
        GOOD(VG_OID_INT8, "9223372036854775807", 9223372036854775807.0),
        GOOD(VG_OID_INT8, "-9223372036854775808", -9223372036854775808.0),
        BAD(VG_OID_INT8, "9223372036854775808"),
        BAD(VG_OID_INT4, "1.0"),
        BAD(VG_OID_INT4, "1e3"),
        BAD(VG_OID_INT4, "- 1"),
        BAD(VG_OID_INT4, "+-1"),
        BAD(VG_OID_INT4, "1 2"),
        BAD(VG_OID_INT4, "+"),
        BAD(VG_OID_INT4, ""),
        BAD(VG_OID_INT4, "   "),
        BAD(VG_OID_INT4, "null"),
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(&cases[i]);
}

static void test_floats_and_numerics(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        GOOD(VG_OID_FLOAT8, "1.5", 1.5),
        GOOD(VG_OID_FLOAT8, "-.5", -0.5),
        GOOD(VG_OID_FLOAT8, "5.", 5),
        GOOD(VG_OID_FLOAT8, "1E-2", 0.01),
        GOOD(VG_OID_FLOAT8, "\t+2e+3 ", 2000),
        GOOD(VG_OID_FLOAT8, "-0", 0),
        GOOD(VG_OID_FLOAT8, "0e999", 0),
        GOOD(VG_OID_FLOAT8, "4.9e-324", 4.9406564584124654e-324),
        {VG_OID_FLOAT8, "NaN", VG_CELL_NAN, 0},
        {VG_OID_FLOAT8, "inf", VG_CELL_PINF, 0},
        {VG_OID_FLOAT8, "-Infinity", VG_CELL_NINF, 0},
        BAD(VG_OID_FLOAT8, "1e400"),
        BAD(VG_OID_FLOAT8, "1e-400"),
        BAD(VG_OID_FLOAT8, "1,5"),
        BAD(VG_OID_FLOAT8, "1.5 EUR"),
        BAD(VG_OID_FLOAT8, "1e"),
        BAD(VG_OID_FLOAT8, "."),
        BAD(VG_OID_FLOAT8, "--1"),
        BAD(VG_OID_FLOAT8, "infinit"),
        BAD(VG_OID_FLOAT8, ""),
        GOOD(VG_OID_FLOAT4, "0.1", (double)0.1f),
        BAD(VG_OID_FLOAT4, "1e39"),
        BAD(VG_OID_FLOAT4, "1e-60"),
        GOOD(VG_OID_NUMERIC, "123456789.987654321", 123456789.987654321),
        GOOD(VG_OID_NUMERIC, "1e-400", 0),
        {VG_OID_NUMERIC, "1e400", VG_CELL_PINF, 0},
        {VG_OID_NUMERIC, "-1e400", VG_CELL_NINF, 0},
        {VG_OID_NUMERIC, "nan", VG_CELL_NAN, 0},
        BAD(VG_OID_NUMERIC, "1e131072"),
        BAD(VG_OID_NUMERIC, "1e-16384"),
        BAD(VG_OID_NUMERIC, "1e99999999999999999999"),
        BAD(VG_OID_NUMERIC, "12 000"),
        BAD(99999, "1"),
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(&cases[i]);
    char wide[1101];
    double out;
    memset(wide, '1', sizeof wide);
    assert_int_equal(vg_text_convert(VG_OID_NUMERIC, wide, 1000, &out), VG_CELL_PINF);
    assert_int_equal(vg_text_convert(VG_OID_NUMERIC, wide, sizeof wide, &out), VG_CELL_UNCAST);
    assert_int_equal(vg_text_convert(VG_OID_INT4, "1\0002", 3, &out), VG_CELL_UNCAST);
}

#define AT(text) at_us(text)

static double at_us(const char *text)
{
    int64_t us;
    assert_int_equal(vg_parse_time(text, NULL, &us), 0);
    return (double)us;
}

static void test_times(void **state)
{
    (void)state;
    const struct text_case cases[] = {
        GOOD(VG_OID_DATE, "2001-06-13", AT("2001-06-13T00:00:00Z")),
        GOOD(VG_OID_DATE, "20010613", AT("2001-06-13T00:00:00Z")),
        GOOD(VG_OID_DATE, "2001-06-13 23:59", AT("2001-06-13T00:00:00Z")),
        GOOD(VG_OID_DATE, "2000-02-29", AT("2000-02-29T00:00:00Z")),
        GOOD(VG_OID_DATE, "0001-01-01", -62135596800e6),
        GOOD(VG_OID_DATE, "5874897-12-31", 2145042905.0 * 86400e6),
        {VG_OID_DATE, "infinity", VG_CELL_PINF, 0},
        {VG_OID_DATE, "-Infinity", VG_CELL_NINF, 0},
        BAD(VG_OID_DATE, "2001-02-29"),
        BAD(VG_OID_DATE, "1900-02-29"),
        BAD(VG_OID_DATE, "2001-13-01"),
        BAD(VG_OID_DATE, "2001-06-00"),
        BAD(VG_OID_DATE, "0000-01-01"),
        BAD(VG_OID_DATE, "n/a"),
        BAD(VG_OID_DATE, "2001-06-13x"),
        BAD(VG_OID_DATE, "5874898-01-01"),
        GOOD(VG_OID_TIMESTAMPTZ, "2001-06-13 10:20", AT("2001-06-13T10:20:00Z")),
        GOOD(VG_OID_TIMESTAMPTZ, "2001-06-13T10:20:30.5Z", AT("2001-06-13T10:20:30.5Z")),
        GOOD(VG_OID_TIMESTAMPTZ, "2001-06-13 10:20:30+02", AT("2001-06-13T08:20:30Z")),
        GOOD(VG_OID_TIMESTAMPTZ, "2001-06-13 10:20:30 -0530", AT("2001-06-13T15:50:30Z")),
        GOOD(VG_OID_TIMESTAMPTZ, "2001-06-13T10:20:30+05:45", AT("2001-06-13T04:35:30Z")),
        GOOD(VG_OID_TIMESTAMPTZ, "2001-06-13 10:20:30 UTC", AT("2001-06-13T10:20:30Z")),
        GOOD(VG_OID_TIMESTAMP, "2001-06-13 10:20:30+05", AT("2001-06-13T10:20:30Z")),
        GOOD(VG_OID_TIMESTAMP, "2001-06-13", AT("2001-06-13T00:00:00Z")),
        GOOD(VG_OID_TIMESTAMP, "20010613T10:20:30", AT("2001-06-13T10:20:30Z")),
        GOOD(VG_OID_TIMESTAMP, "2001-06-13 24:00:00", AT("2001-06-14T00:00:00Z")),
        GOOD(VG_OID_TIMESTAMP, "2001-06-13 23:59:60", AT("2001-06-14T00:00:00Z")),
        GOOD(VG_OID_TIMESTAMP, "2001-06-13 10:20:30.1234567", AT("2001-06-13T10:20:30.123457Z")),
        {VG_OID_TIMESTAMP, "infinity", VG_CELL_PINF, 0},
        BAD(VG_OID_TIMESTAMP, "2001-06-13 24:00:01"),
        BAD(VG_OID_TIMESTAMP, "2001-06-13 10:60"),
        BAD(VG_OID_TIMESTAMP, "2001-06-13 10:20:61"),
        BAD(VG_OID_TIMESTAMP, "2001-06-13 10:20:30+5x"),
        BAD(VG_OID_TIMESTAMP, "2001-06-13 10:20:30."),
        BAD(VG_OID_TIMESTAMPTZ, "2001-06-13 10:20:30+16"),
        BAD(VG_OID_TIMESTAMPTZ, "294277-01-01 00:00:00"),
        BAD(VG_OID_TIMESTAMPTZ, "1718272800"),
        BAD(VG_OID_TIMESTAMPTZ, ""),
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(&cases[i]);
}

/* --- In the stream of a scan ------------------------------------------------------------------ */

static void put_u32(struct vg_buf *out, uint32_t x)
{
    char bytes[4] = {(char)(x >> 24), (char)(x >> 16), (char)(x >> 8), (char)x};
    vg_buf_add(out, bytes, sizeof bytes);
}

static void test_a_column_of_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.5", NULL, "n/a", "-inf", "NaN", "7", ""};
    static const enum vg_cell cells[] = {VG_CELL_VALUE, VG_CELL_NULL,  VG_CELL_UNCAST, VG_CELL_NINF,
                                         VG_CELL_NAN,   VG_CELL_VALUE, VG_CELL_UNCAST};
    const struct vg_query_column column = {
        .kind = VG_KIND_NUMBER, .wire_oid = VG_OID_TEXT, .cast_oid = VG_OID_FLOAT8, .raw = true};
    struct vg_buf stream;
    struct seen seen;
    struct vg_error err;
    vg_buf_init(&stream, 1 << 16);
    vg_buf_add(&stream, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    for (size_t i = 0; i < COUNT(texts); i++) {
        vg_buf_add(&stream, "\0\1", 2);
        put_u32(&stream, texts[i] ? (uint32_t)strlen(texts[i]) : UINT32_MAX);
        vg_buf_add(&stream, texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) : 0);
    }
    vg_buf_add(&stream, "\377\377", 2);
    for (size_t piece = 1; piece <= stream.len; piece += 7) {
        kit_clear_seen(&seen);
        assert_int_equal(kit_decode(&column, 1, &stream, piece, &seen, &err), 0);
        assert_int_equal(seen.nrows, COUNT(texts));
        for (size_t i = 0; i < COUNT(texts); i++)
            assert_int_equal(seen.state[i], cells[i]);
        assert_true(seen.num[0] == 1.5 && seen.num[5] == 7 && seen.num[2] == 0);
        assert_string_equal(seen.raw.data, "1.5||n/a|-inf|NaN|7||");
        vg_buf_free(&seen.raw);
    }
    vg_buf_free(&stream);
}

static void test_columns_that_contradict_themselves(void **state)
{
    (void)state;
    static const struct vg_query_column wrong[] = {
        {.kind = VG_KIND_NUMBER, .wire_oid = VG_OID_INT4, .cast_oid = VG_OID_FLOAT8},
        {.kind = VG_KIND_TEXT, .wire_oid = VG_OID_TEXT, .cast_oid = VG_OID_FLOAT8},
        {.kind = VG_KIND_TIME, .wire_oid = VG_OID_TEXT, .cast_oid = VG_OID_BOOL},
    };
    struct vg_decoder *decoder;
    struct vg_error err;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(vg_decoder_new(&wrong[i], 1, kit_note_batch, NULL, &decoder, &err), -1);
        assert_int_equal(err.code, VG_E_INTERNAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truths_and_integers),
        cmocka_unit_test(test_floats_and_numerics),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_a_column_of_texts),
        cmocka_unit_test(test_columns_that_contradict_themselves),
    };
    return cmocka_run_group_tests_name("decode_text", tests, NULL, NULL);
}
