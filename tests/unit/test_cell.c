/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells as text: exact where the wire is at hand, valid UTF-8 always, cut between characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pg/decode.h"
#include "pgvigil/time.h"

static const struct {
    enum vg_kind kind;
    uint32_t oid;
    double num;
    const char *raw; /* NULL: the batch has none */
    uint32_t len;
    uint8_t state;
    const char *text;
} cells[] = {
    {VG_KIND_NUMBER, VG_OID_INT4, 17, NULL, 0, VG_CELL_VALUE, "17"},
    {VG_KIND_NUMBER, VG_OID_INT2, -5, NULL, 0, VG_CELL_VALUE, "-5"},
    {VG_KIND_NUMBER, VG_OID_INT8, 1e15, NULL, 0, VG_CELL_VALUE, "1000000000000000"},
    {VG_KIND_NUMBER, VG_OID_INT8, 0x1p53, "\0\x20\0\0\0\0\0\1", 8, VG_CELL_VALUE,
     "9007199254740993"},
    {VG_KIND_NUMBER, VG_OID_FLOAT4, (double)0.1F, NULL, 0, VG_CELL_VALUE, "0.1"},
    {VG_KIND_NUMBER, VG_OID_FLOAT8, 0.1, NULL, 0, VG_CELL_VALUE, "0.1"},
    {VG_KIND_NUMBER, VG_OID_FLOAT8, 1.0 / 3, NULL, 0, VG_CELL_VALUE, "0.3333333333333333"},
    {VG_KIND_NUMBER, VG_OID_NUMERIC, 1.5, NULL, 0, VG_CELL_VALUE, "1.5"},
    {VG_KIND_NUMBER, VG_OID_NUMERIC, 1.5, "\0\2\0\0\0\0\0\2\0\1\x13\x88", 12, VG_CELL_VALUE,
     "1.50"},
    {VG_KIND_NUMBER, VG_OID_FLOAT8, 0, NULL, 0, VG_CELL_NAN, "NaN"},
    {VG_KIND_NUMBER, VG_OID_FLOAT8, 0, NULL, 0, VG_CELL_PINF, "+Inf"},
    {VG_KIND_NUMBER, VG_OID_FLOAT8, 0, NULL, 0, VG_CELL_NINF, "-Inf"},
    {VG_KIND_NUMBER, VG_OID_FLOAT8, 0, NULL, 0, VG_CELL_NULL, "NULL"},
    {VG_KIND_TIME, VG_OID_TIMESTAMPTZ, 992304000e6, NULL, 0, VG_CELL_VALUE, "2001-06-12T00:00:00Z"},
    {VG_KIND_TIME, VG_OID_TIMESTAMP, 992304000e6, NULL, 0, VG_CELL_VALUE, "2001-06-12T00:00:00"},
    {VG_KIND_TIME, VG_OID_DATE, 992304000e6, NULL, 0, VG_CELL_VALUE, "2001-06-12"},
    {VG_KIND_TIME, VG_OID_DATE, 1.8e20, NULL, 0, VG_CELL_VALUE, "2.08333e+09 days since 1970"},
    {VG_KIND_TIME, VG_OID_DATE, 0, NULL, 0, VG_CELL_PINF, "infinity"},
    {VG_KIND_TIME, VG_OID_TIMESTAMPTZ, 0, NULL, 0, VG_CELL_NINF, "-infinity"},
    {VG_KIND_BOOL, VG_OID_BOOL, 1, NULL, 0, VG_CELL_VALUE, "true"},
    {VG_KIND_BOOL, VG_OID_BOOL, 0, NULL, 0, VG_CELL_VALUE, "false"},
    {VG_KIND_TEXT, VG_OID_TEXT, 0, "a b", 3, VG_CELL_VALUE, "a b"},
    {VG_KIND_TEXT, VG_OID_TEXT, 0, "", 0, VG_CELL_VALUE, ""},
    {VG_KIND_TEXT, VG_OID_TEXT, 0, "", 0, VG_CELL_NULL, "NULL"},
    {VG_KIND_TEXT, VG_OID_TEXT, 0, "a\xff\xc3z", 4, VG_CELL_VALUE, "a\xef\xbf\xbd\xef\xbf\xbdz"},
    {VG_KIND_TEXT, VG_OID_TEXT, 0, "a\0b", 3, VG_CELL_VALUE,
     "a\xef\xbf\xbd"
     "b"},
    {VG_KIND_TEXT, 99999, 0, "happy", 5, VG_CELL_VALUE, "happy"},
    {VG_KIND_TEXT, VG_OID_UUID, 0, "\xf8\x1d\x4f\xae\x7d\xec\x11\xd0\xa7\x65\0\xa0\xc9\x1e\x6b\xf6",
     16, VG_CELL_VALUE, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
    {VG_KIND_OTHER, 17, 0, "\1\xab", 2, VG_CELL_VALUE, "\\x01ab"},
    {VG_KIND_OTHER, 17, 0, NULL, 0, VG_CELL_VALUE, "?"},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct vg_slice raw = {cells[i].raw, cells[i].len};
        bool numeric = cells[i].kind != VG_KIND_TEXT && cells[i].kind != VG_KIND_OTHER;
        struct vg_column column = {.kind = cells[i].kind,
                                   .wire_oid = cells[i].oid,
                                   .state = &cells[i].state,
                                   .num = numeric ? &cells[i].num : NULL,
                                   .raw = cells[i].raw ? &raw : NULL};
        char text[80];
        assert_ptr_equal(vg_cell_text(&column, 0, text, sizeof text), text);
        assert_string_equal(text, cells[i].text);
        /* every size from none to enough: never too long, never half a character */
        for (size_t size = 1; size <= strlen(cells[i].text) + 1; size++) {
            char *exact = malloc(size);
            assert_non_null(exact);
            vg_cell_text(&column, 0, exact, size);
            assert_true(vg_utf8_valid(exact, strlen(exact)));
            if (cells[i].kind == VG_KIND_TEXT)
                assert_memory_equal(exact, cells[i].text, strlen(exact));
            free(exact);
        }
    }
}

static void test_kinds(void **state)
{
    (void)state;
    assert_string_equal(vg_kind_name(VG_KIND_OTHER), "other");
    assert_string_equal(vg_kind_name(VG_KIND_NUMBER), "number");
    assert_string_equal(vg_kind_name(VG_KIND_TIME), "time");
    assert_string_equal(vg_kind_name(VG_KIND_BOOL), "bool");
    assert_string_equal(vg_kind_name(VG_KIND_TEXT), "text");
}

static void test_find(void **state)
{
    (void)state;
    struct vg_catalog_column columns[] = {{.name = "a"}, {.name = "A"}, {.name = ""}};
    struct vg_catalog catalog = {.columns = columns, .n = 3};
    assert_ptr_equal(vg_catalog_find(&catalog, "A"), &columns[1]);
    assert_ptr_equal(vg_catalog_find(&catalog, ""), &columns[2]);
    assert_null(vg_catalog_find(&catalog, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
