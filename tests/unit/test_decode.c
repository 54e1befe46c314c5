/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder against streams built by hand: every wire type and its edges, any split of the bytes,
 * batches at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/time.h"
#include "tests/unit/stream_kit.h"

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* --- values ----------------------------------------------------------------------------------- */

static const struct value {
    uint32_t oid;
    enum vg_kind kind;
    int bytes;
    uint64_t wire;
    enum vg_cell state;
    double num;
} values[] = {
    {VG_OID_BOOL, VG_KIND_BOOL, 1, 0, VG_CELL_VALUE, 0},
    {VG_OID_BOOL, VG_KIND_BOOL, 1, 1, VG_CELL_VALUE, 1},
    {VG_OID_INT2, VG_KIND_NUMBER, 2, 0x8000, VG_CELL_VALUE, -32768},
    {VG_OID_INT2, VG_KIND_NUMBER, 2, 0x7fff, VG_CELL_VALUE, 32767},
    {VG_OID_INT4, VG_KIND_NUMBER, 4, 0x80000000, VG_CELL_VALUE, -2147483648.0},
    {VG_OID_INT4, VG_KIND_NUMBER, 4, 5, VG_CELL_VALUE, 5},
    {VG_OID_INT8, VG_KIND_NUMBER, 8, UINT64_C(0x8000000000000000), VG_CELL_VALUE, -0x1p63},
    {VG_OID_INT8, VG_KIND_NUMBER, 8, INT64_MAX, VG_CELL_VALUE, 0x1p63},
    {VG_OID_FLOAT4, VG_KIND_NUMBER, 4, 0x3dcccccd, VG_CELL_VALUE, (double)0.1F},
    {VG_OID_FLOAT4, VG_KIND_NUMBER, 4, 0x00000001, VG_CELL_VALUE, 0x1p-149},
    {VG_OID_FLOAT4, VG_KIND_NUMBER, 4, 0x7fc00000, VG_CELL_NAN, 0},
    {VG_OID_FLOAT4, VG_KIND_NUMBER, 4, 0x7f800000, VG_CELL_PINF, 0},
    {VG_OID_FLOAT4, VG_KIND_NUMBER, 4, 0xff800000, VG_CELL_NINF, 0},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, UINT64_C(0x3fb999999999999a), VG_CELL_VALUE, 0.1},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, 1, VG_CELL_VALUE, 0x1p-1074},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, UINT64_C(0x7fefffffffffffff), VG_CELL_VALUE,
     0x1.fffffffffffffp1023},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, UINT64_C(0x7ff8000000000000), VG_CELL_NAN, 0},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, UINT64_C(0xfff0000000000001), VG_CELL_NAN, 0},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, UINT64_C(0x7ff0000000000000), VG_CELL_PINF, 0},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, UINT64_C(0xfff0000000000000), VG_CELL_NINF, 0},
    {VG_OID_NUMERIC, VG_KIND_NUMBER, 8, UINT64_C(0x00000000c0000000), VG_CELL_NAN, 0},
    {VG_OID_NUMERIC, VG_KIND_NUMBER, 8, UINT64_C(0x00000000d0000000), VG_CELL_PINF, 0},
    {VG_OID_NUMERIC, VG_KIND_NUMBER, 8, UINT64_C(0x00000000f0000000), VG_CELL_NINF, 0},
    {VG_OID_NUMERIC, VG_KIND_NUMBER, 8, 0, VG_CELL_VALUE, 0},
    {VG_OID_DATE, VG_KIND_TIME, 4, 0, VG_CELL_VALUE, 946684800e6},
    {VG_OID_DATE, VG_KIND_TIME, 4, (uint32_t)-10957, VG_CELL_VALUE, 0},
    {VG_OID_DATE, VG_KIND_TIME, 4, 0x7fffffff, VG_CELL_PINF, 0},
    {VG_OID_DATE, VG_KIND_TIME, 4, 0x80000000, VG_CELL_NINF, 0},
    {VG_OID_TIMESTAMP, VG_KIND_TIME, 8, 1, VG_CELL_VALUE, 946684800e6 + 1},
    {VG_OID_TIMESTAMPTZ, VG_KIND_TIME, 8, (uint64_t)-INT64_C(946684800000000), VG_CELL_VALUE, 0},
    {VG_OID_TIMESTAMPTZ, VG_KIND_TIME, 8, INT64_MAX, VG_CELL_PINF, 0},
    {VG_OID_TIMESTAMP, VG_KIND_TIME, 8, UINT64_C(0x8000000000000000), VG_CELL_NINF, 0},
    /* the last microsecond of the type, later than int64 microseconds since 1970 can say */
    {VG_OID_TIMESTAMP, VG_KIND_TIME, 8, INT64_C(9223371331199999999), VG_CELL_VALUE,
     9223371331199999999.0 + 946684800e6},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value *v = &values[i];
        struct vg_query_column column = {.kind = v->kind, .wire_oid = v->oid};
        assert_int_equal(vg_wire_kind(v->oid), v->kind);
        struct vg_buf stream;
        kit_begin_stream(&stream);
        kit_put_int(&stream, 1, 2);
        kit_put_field(&stream, v->wire, v->bytes);
        kit_put_int(&stream, 1, 2);
        kit_put_null(&stream);
        kit_end_stream(&stream);
        struct seen seen;
        struct vg_error err;
        kit_clear_seen(&seen);
        assert_int_equal(kit_decode(&column, 1, &stream, stream.len, &seen, &err), 0);
        assert_int_equal(seen.nrows, 2);
        if (seen.state[0] != v->state || bits_of(seen.num[0]) != bits_of(v->num))
            fail_msg("value %zu: state %d, %.17g instead of %d, %.17g", i, seen.state[0],
                     seen.num[0], (int)v->state, v->num);
        assert_int_equal(seen.state[1], VG_CELL_NULL);
        assert_true(bits_of(seen.num[1]) == 0);
        assert_int_equal(seen.special, v->state == VG_CELL_VALUE ? 1 : 2);
        vg_buf_free(&stream);
        vg_buf_free(&seen.raw);
    }
}

static void test_text_kinds(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        enum vg_kind kind;
        bool raw;
        const char *wire, *seen;
        size_t n;
    } cases[] = {
        {VG_OID_TEXT, VG_KIND_TEXT, false, "a b ", "a b |", 4},
        {VG_OID_TEXT, VG_KIND_TEXT, false, "", "|", 0},
        {VG_OID_VARCHAR, VG_KIND_TEXT, false, " x", " x|", 2},
        {VG_OID_BPCHAR, VG_KIND_TEXT, false, " ab  ", " ab|", 5},
        {VG_OID_BPCHAR, VG_KIND_TEXT, false, "   ", "|", 3},
        {VG_OID_CHAR, VG_KIND_TEXT, false, "x", "x|", 1},
        {VG_OID_CHAR, VG_KIND_TEXT, false, "\0", "|", 1},
        {VG_OID_UUID, VG_KIND_TEXT, false, "0123456789abcdef", "0123456789abcdef|", 16},
        {99999, VG_KIND_TEXT, false, "happy", "happy|", 5},
        {99999, VG_KIND_OTHER, false, "what", "", 4},
        {99999, VG_KIND_OTHER, true, "what", "what|", 4},
        {VG_OID_INT4, VG_KIND_NUMBER, true, "abcd", "abcd|", 4},
        {VG_OID_INT4, VG_KIND_OTHER, true, "ab", "ab|", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_query_column column = {
            .kind = cases[i].kind, .wire_oid = cases[i].oid, .raw = cases[i].raw};
        struct vg_buf stream;
        kit_begin_stream(&stream);
        kit_put_int(&stream, 1, 2);
        kit_put_text(&stream, cases[i].wire, cases[i].n);
        kit_end_stream(&stream);
        struct seen seen;
        struct vg_error err;
        kit_clear_seen(&seen);
        assert_int_equal(kit_decode(&column, 1, &stream, stream.len, &seen, &err), 0);
        assert_string_equal(seen.raw.data, cases[i].seen);
        vg_buf_free(&stream);
        vg_buf_free(&seen.raw);
    }
}

/* --- the stream ------------------------------------------------------------------------------- */

static void test_any_split_gives_the_same(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 5, 18, 19, 20, 64, 1000, 8192, 1 << 20};
    struct vg_buf stream;
    struct seen whole;
    struct vg_error err;
    kit_make_mixed(&stream, 2500, 40);
    kit_clear_seen(&whole);
    assert_int_equal(kit_decode(kit_mixed, 4, &stream, stream.len, &whole, &err), 0);
    assert_int_equal(whole.nrows, 2500);
    assert_int_equal(whole.nbatches, 3);
    assert_int_equal(whole.largest, VG_BATCH_ROWS);
    for (size_t i = 0; i < 2500; i++) {
        assert_int_equal(whole.state[i], i % 7 == 3 ? VG_CELL_NULL : VG_CELL_VALUE);
        assert_true(whole.num[i] == (i % 7 == 3 ? 0.0 : (double)i));
    }
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        struct seen seen;
        kit_clear_seen(&seen);
        assert_int_equal(kit_decode(kit_mixed, 4, &stream, pieces[p], &seen, &err), 0);
        assert_int_equal(seen.nrows, whole.nrows);
        assert_int_equal(seen.special, whole.special);
        assert_memory_equal(seen.num, whole.num, sizeof whole.num);
        assert_memory_equal(seen.state, whole.state, sizeof whole.state);
        assert_string_equal(seen.raw.data, whole.raw.data);
        vg_buf_free(&seen.raw);
    }
    vg_buf_free(&whole.raw);
    vg_buf_free(&stream);
}

static void test_large_rows(void **state)
{
    (void)state;
    static const size_t sizes[] = {10,      1 << 20, 7, (1 << 20) - 10, 3 << 20,
                                   1 << 19, 1 << 19, 1, (1 << 20) - 6,  0};
    struct vg_query_column column = {.kind = VG_KIND_TEXT, .wire_oid = VG_OID_TEXT};
    for (size_t piece = 5000; piece <= 50000000; piece *= 100) {
        struct vg_buf stream;
        kit_begin_stream(&stream);
        size_t total = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            kit_put_int(&stream, 1, 2);
            kit_put_int(&stream, sizes[i], 4);
            for (size_t k = 0; k < sizes[i]; k++)
                vg_buf_putc(&stream, (char)('a' + (i + k) % 26));
            total += sizes[i] + 1;
        }
        kit_end_stream(&stream);
        struct seen seen;
        struct vg_error err;
        kit_clear_seen(&seen);
        assert_int_equal(kit_decode(&column, 1, &stream, piece, &seen, &err), 0);
        assert_int_equal(seen.nrows, sizeof sizes / sizeof *sizes);
        assert_int_equal(seen.raw.len, total);
        size_t at = 0, wrong = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, at++)
            for (size_t k = 0; k < sizes[i]; k++)
                wrong += seen.raw.data[at++] != (char)('a' + (i + k) % 26);
        assert_int_equal(wrong, 0);
        vg_buf_free(&stream);
        vg_buf_free(&seen.raw);
    }
}

static void test_no_columns(void **state)
{
    (void)state;
    struct vg_buf stream;
    struct seen seen;
    struct vg_error err;
    kit_begin_stream(&stream);
    for (size_t i = 0; i < 3000; i++)
        kit_put_int(&stream, 0, 2);
    kit_end_stream(&stream);
    kit_clear_seen(&seen);
    assert_int_equal(kit_decode(NULL, 0, &stream, 77, &seen, &err), 0);
    assert_int_equal(seen.nrows, 3000);
    vg_buf_free(&stream);
    vg_buf_free(&seen.raw);
}

static void test_many_columns_make_smaller_batches(void **state)
{
    (void)state;
    enum { COLUMNS = 1600, ROWS = 300 };
    struct vg_query_column *columns = vg_array(COLUMNS, sizeof *columns);
    assert_non_null(columns);
    for (size_t c = 0; c < COLUMNS; c++)
        columns[c] = (struct vg_query_column){
            .kind = VG_KIND_NUMBER, .wire_oid = VG_OID_FLOAT8, .raw = true};
    struct vg_buf stream;
    kit_begin_stream(&stream);
    for (size_t i = 0; i < ROWS; i++) {
        kit_put_int(&stream, COLUMNS, 2);
        for (size_t c = 0; c < COLUMNS; c++)
            kit_put_field(&stream, bits_of((double)(i * c)), 8);
    }
    kit_end_stream(&stream);
    struct seen seen;
    struct vg_error err;
    kit_clear_seen(&seen);
    assert_int_equal(kit_decode(columns, COLUMNS, &stream, 8192, &seen, &err), 0);
    assert_int_equal(seen.nrows, ROWS);
    assert_true(seen.largest < 128);
    free(columns);
    vg_buf_free(&stream);
    vg_buf_free(&seen.raw);
}

static void test_callback_that_fails(void **state)
{
    (void)state;
    struct vg_buf stream;
    struct seen seen;
    struct vg_error err;
    kit_make_mixed(&stream, 5000, 0);
    kit_clear_seen(&seen);
    seen.stop_after = 2;
    assert_int_equal(kit_decode(kit_mixed, 4, &stream, 100, &seen, &err), -1);
    assert_int_equal(err.code, VG_E_BLIND);
    assert_int_equal(seen.nbatches, 2);
    vg_buf_free(&stream);
    vg_buf_free(&seen.raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_text_kinds),
        cmocka_unit_test(test_any_split_gives_the_same),
        cmocka_unit_test(test_large_rows),
        cmocka_unit_test(test_no_columns),
        cmocka_unit_test(test_many_columns_make_smaller_batches),
        cmocka_unit_test(test_callback_that_fails),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
