/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Feast's values: literals that Feast 0.67 wrote, every type against every field, and bytes that no
 * writer makes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pg/decode.h"
#include "agent/pg/decode_feast.h"
#include "tests/unit/stream_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { ANY = 0 };

struct value_case {
    uint32_t oid;
    const char *hex; /* blanks are for people */
    enum vg_cell cell;
    double num;
    const char *text; /* of TEXT */
};

static size_t read_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; *hex; hex += *hex == ' ' ? 1 : 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        if (*hex != ' ')
            out[n++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

/* From memory of exactly that size: a read beyond it is seen by the sanitizer. */
static enum vg_cell convert(uint32_t oid, const uint8_t *bytes, size_t n, double *num, char *text)
{
    struct vg_slice slice;
    uint8_t *own = malloc(n + (n == 0));
    assert_non_null(own);
    memcpy(own, bytes, n);
    enum vg_cell cell = vg_feast_convert(oid, own, n, num, &slice);
    assert_true(slice.len <= n);
    snprintf(text, 64, "%.*s", (int)slice.len, slice.data);
    free(own);
    return cell;
}

static void expect(const struct value_case *c)
{
    uint8_t bytes[128];
    char text[64];
    double num = -1;
    enum vg_cell cell = convert(c->oid, bytes, read_hex(c->hex, bytes), &num, text);
    if (cell != c->cell || num != c->num || (c->text && strcmp(text, c->text) != 0))
        fail_msg("type %u, %s: %d with %.17g '%s', not %d with %.17g", c->oid, c->hex, cell, num,
                 text, c->cell, c->num);
}

#define V VG_CELL_VALUE
#define U VG_CELL_UNCAST

static void test_scalars(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        /* written by Feast */
        {VG_OID_FLOAT8, "29 a697c9758f3cea3f", V, 0.8198926258598831, NULL},
        {VG_OID_INT8, "20 1b", V, 27, NULL},
        {VG_OID_TEXT, "12 02 6331", V, 0, "c1"},
        {VG_OID_BOOL, "38 01", V, 1, NULL},
        {VG_OID_BOOL, "38 00", V, 0, NULL},
        {VG_OID_INT8, "", VG_CELL_NULL, 0, NULL},
        {VG_OID_TEXT, "98 01 00", VG_CELL_NULL, 0, NULL},
        /* numbers */
        {VG_OID_INT8, "20 ffffffffffffffffff01", V, -1, NULL},
        {VG_OID_INT8, "20 80808080808080808001", V, (double)INT64_MIN, NULL},
        {VG_OID_INT4, "18 ffffffff07", V, INT32_MAX, NULL},
        {VG_OID_INT4, "18 80808080f8ffffffff01", V, INT32_MIN, NULL},
        {VG_OID_INT4, "20 ffffffff07", V, INT32_MAX, NULL},
        {VG_OID_INT4, "20 8080808008", U, 0, NULL},
        {VG_OID_INT8, "18 8080808008", U, 0, NULL}, /* an int32 that is none */
        {VG_OID_INT2, "20 ffff01", V, 32767, NULL},
        {VG_OID_INT2, "20 808002", U, 0, NULL},
        {VG_OID_FLOAT8, "20 1b", V, 27, NULL},
        {VG_OID_NUMERIC, "18 1b", V, 27, NULL},
        {VG_OID_FLOAT4, "20 1b", U, 0, NULL},
        {VG_OID_FLOAT4, "35 0000203f", V, 0.625, NULL},
        {VG_OID_FLOAT8, "35 cdcccc3d", V, (double)0.1f, NULL},
        {VG_OID_FLOAT4, "29 000000000000e43f", U, 0, NULL},
        {VG_OID_INT8, "29 000000000000f03f", U, 0, NULL},
        {VG_OID_FLOAT8, "29 000000000000f07f", VG_CELL_PINF, 0, NULL},
        {VG_OID_FLOAT8, "35 000080ff", VG_CELL_NINF, 0, NULL},
        {VG_OID_FLOAT4, "35 0000c07f", VG_CELL_NAN, 0, NULL},
        {VG_OID_FLOAT8, "29 0000000000000000", V, 0, NULL},
        /* others */
        {VG_OID_TIMESTAMPTZ, "40 80e2cfaa06", V, 1700000000e6, NULL},
        {VG_OID_TIMESTAMP, "40 ffffffffffffffffff01", V, -1e6, NULL},
        {VG_OID_TIMESTAMPTZ, "40 ffffffffffffffff7f", U, 0, NULL},
        {VG_OID_DATE, "40 00", U, 0, NULL},
        {VG_OID_TEXT, "12 00", V, 0, ""},
        {VG_OID_VARCHAR, "12 03 c3b878", V, 0, "\xc3\xb8x"},
        {VG_OID_TEXT, "12 02 6100", U, 0, NULL},
        {VG_OID_TEXT, "12 01 ff", U, 0, NULL},
        {VG_OID_TEXT, "0a 01 61", U, 0, NULL},
        {VG_OID_INT8, "12 01 31", U, 0, NULL},
        {VG_OID_BOOL, "20 01", U, 0, NULL},
        {VG_OID_INT8, "38 01", U, 0, NULL},
        {VG_OID_BOOL, "38 02", U, 0, NULL},
        {VG_OID_FLOAT8, "98 01 01", U, 0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(&cases[i]);
}

static void test_lists_are_their_length(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {VG_OID_FLOAT4S, "82 01 0a 0a 08 0000803f 00000040", V, 2, NULL},
        {VG_OID_FLOAT8S, "82 01 0a 0a 08 0000803f 00000040", V, 2, NULL},
        {VG_OID_FLOAT4S, "82 01 00", V, 0, NULL},
        {VG_OID_FLOAT4S, "82 01 02 0a 00", V, 0, NULL},
        {VG_OID_FLOAT4S, "82 01 05 0d 0000803f", V, 1, NULL}, /* not packed */
        {VG_OID_FLOAT4S, "82 01 05 0a 03 000080", U, 0, NULL},
        {VG_OID_FLOAT4S, "82 01 07 0a 05 0000803f00", U, 0, NULL},
        {VG_OID_FLOAT4S, "82 01 05 15 0000803f", U, 0, NULL}, /* another field */
        {VG_OID_FLOAT4S, "82 01 06 0a 08 0000803f", U, 0, NULL},
        {VG_OID_FLOAT4S, "7a 0a 0a 08 000000000000f03f", U, 0, NULL},
        {VG_OID_FLOAT8S, "7a 0a 0a 08 000000000000f03f", V, 1, NULL},
        {VG_OID_INT8S, "72 06 0a 04 01 8001 02", V, 3, NULL},
        {VG_OID_INT8S, "6a 04 0a 02 01 02", V, 2, NULL},
        {VG_OID_INT4S, "6a 04 0a 02 01 02", V, 2, NULL},
        {VG_OID_INT4S, "72 04 0a 02 01 02", U, 0, NULL},
        {VG_OID_INT8S, "72 04 0a 02 01 82", U, 0, NULL},
        {VG_OID_TEXTS, "62 05 0a 01 61 0a 00", V, 2, NULL},
        {VG_OID_TEXTS, "62 05 0a 01 61 0a 01", U, 0, NULL},
        {VG_OID_BYTEAS, "5a 02 0a 00", V, 1, NULL},
        {VG_OID_BOOLS, "8a 01 04 0a 02 00 01", V, 2, NULL},
        {VG_OID_TIMESTAMPTZS, "92 01 03 0a 01 05", V, 1, NULL},
        {VG_OID_FLOAT4, "82 01 00", U, 0, NULL},
        {VG_OID_FLOAT4S, "35 0000203f", U, 0, NULL},
        {VG_OID_FLOAT4S, "", VG_CELL_NULL, 0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(&cases[i]);
}

static const char *const damaged[] = {
    "29",
    "29 00000000000000",
    "29 0000000000000000 00",
    "29 000000000000f03f 29 000000000000f03f",
    "28 01",
    "2a 01 00",
    "20",
    "20 80",
    "20 ffffffffffffffffffff",
    "20 8080808080808080808001",
    "20 ffffffffffffffffff02",
    "00",
    "00 00",
    "02 00",
    "0c",
    "0b 00",
    "12",
    "12 ffffffff0f",
    "12 ffffffffffffffffff01",
    "12 05 6161",
    "12 01 61 61",
    "50 01",
    "9a 01 00",
    "a0 01 00",
    "f8ffffffff01 00",
    "f8ffffffffffffffff01 00",
    "ff",
    "ffffffffffffffffffff",
    "98 01",
    "82",
    "82 01",
    "82 01 05 0a 80 80 80 80",
    "82 01 0b 0a ffffffffffffffffff01",
    "35 00",
    "20 01 35 00",
};

static void test_hostile_bytes(void **state)
{
    (void)state;
    static const uint32_t types[] = {VG_OID_INT8,    VG_OID_FLOAT8, VG_OID_FLOAT4,
                                     VG_OID_BOOL,    VG_OID_TEXT,   VG_OID_TIMESTAMPTZ,
                                     VG_OID_FLOAT4S, VG_OID_TEXTS,  VG_OID_INT8S};
    for (size_t i = 0; i < COUNT(damaged); i++) {
        for (size_t t = 0; t < COUNT(types); t++)
            expect(&(struct value_case){types[t], damaged[i], U, 0, NULL});
        expect(&(struct value_case){ANY, damaged[i], V, 0, NULL});
    }
    expect(&(struct value_case){ANY, "98 01 00", VG_CELL_NULL, 0, NULL});
    expect(&(struct value_case){ANY, "", VG_CELL_NULL, 0, NULL});
    expect(&(struct value_case){ANY, "0a 01 61", V, 0, NULL});
}

/* All messages of up to three bytes, and all beginnings of sound ones: no read beyond the end, and
 * never anything but a state with a number that is finite. */
static void test_every_short_message(void **state)
{
    (void)state;
    static const uint32_t types[] = {VG_OID_INT4, VG_OID_TEXT, VG_OID_FLOAT4S, ANY};
    char text[64];
    for (uint32_t n = 0; n < 1 << 16; n++) {
        const uint8_t bytes[] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n * 7)};
        double num;
        enum vg_cell cell = convert(types[n % 4], bytes, 1 + n % 3, &num, text);
        assert_true(cell < VG_CELLS && isfinite(num));
    }
    uint8_t whole[128];
    size_t n = read_hex("62 0c 0a 04 61626364 0a 04 65666768", whole);
    for (size_t cut = 1; cut < n; cut++) {
        double num;
        assert_int_equal(convert(VG_OID_TEXTS, whole, cut, &num, text), U);
    }
}

static void put_cell(struct vg_buf *out, const char *hex)
{
    uint8_t bytes[128];
    uint32_t n = (uint32_t)read_hex(hex, bytes);
    const uint8_t size[] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n};
    vg_buf_add(out, "\0\1", 2);
    vg_buf_add(out, size, 4);
    vg_buf_add(out, bytes, n);
}

static void test_columns_of_a_stream(void **state)
{
    (void)state;
    static const char *const cells[] = {"12 02 6331", "", "20 1b", "12 00"};
    static const enum vg_cell states[] = {V, VG_CELL_NULL, U, V};
    const struct vg_query_column column = {.kind = VG_KIND_TEXT,
                                           .wire_oid = VG_OID_BYTEA,
                                           .cast_oid = VG_OID_TEXT,
                                           .codec = VG_CODEC_FEAST};
    struct vg_buf stream;
    struct seen seen;
    struct vg_error err;
    vg_buf_init(&stream, 1 << 16);
    vg_buf_add(&stream, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    for (size_t i = 0; i < COUNT(cells); i++)
        put_cell(&stream, cells[i]);
    vg_buf_add(&stream, "\0\1\377\377\377\377\377\377", 8); /* a NULL, and the end */
    for (size_t piece = 1; piece <= stream.len; piece += 5) {
        kit_clear_seen(&seen);
        assert_int_equal(kit_decode(&column, 1, &stream, piece, &seen, &err), 0);
        assert_int_equal(seen.nrows, COUNT(cells) + 1);
        for (size_t i = 0; i < COUNT(cells); i++)
            assert_int_equal(seen.state[i], states[i]);
        assert_int_equal(seen.state[COUNT(cells)], VG_CELL_NULL);
        assert_string_equal(seen.raw.data, "c1|| \x1b|||");
        vg_buf_free(&seen.raw);
    }
    vg_buf_free(&stream);
}

static void test_columns_that_contradict_themselves(void **state)
{
    (void)state;
    static const struct vg_query_column wrong[] = {
        {.kind = VG_KIND_TEXT, .wire_oid = VG_OID_BYTEA, .cast_oid = VG_OID_INT8, .codec = 1},
        {.kind = VG_KIND_NUMBER, .wire_oid = VG_OID_TEXT, .cast_oid = VG_OID_INT8, .codec = 1},
        {.kind = VG_KIND_OTHER, .wire_oid = VG_OID_BYTEA, .cast_oid = VG_OID_FLOAT4S, .codec = 1},
        {.kind = VG_KIND_NUMBER, .wire_oid = VG_OID_BYTEA, .cast_oid = 0, .codec = 1},
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
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_lists_are_their_length),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_every_short_message),
        cmocka_unit_test(test_columns_of_a_stream),
        cmocka_unit_test(test_columns_that_contradict_themselves),
    };
    return cmocka_run_group_tests_name("decode_feast", tests, NULL, NULL);
}
