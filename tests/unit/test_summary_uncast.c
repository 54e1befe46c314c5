/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts that could not be converted: counted apart, added, stored, and absent from old blobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/summary.h"

static const uint8_t states[] = {VG_CELL_VALUE, VG_CELL_UNCAST, VG_CELL_NULL, VG_CELL_UNCAST,
                                 VG_CELL_NAN,   VG_CELL_VALUE,  VG_CELL_PINF, VG_CELL_NINF};
static const double num[] = {2, 0, 0, 0, 0, 4, 0, 0};

static void count(struct vg_column_summary *column, enum vg_kind kind)
{
    struct vg_error err;
    const struct vg_column rows = {.kind = kind, .special = 6, .state = states, .num = num};
    assert_int_equal(vg_column_init(column, "x", kind, NULL, VG_PART_HLL, &err), 0);
    assert_int_equal(vg_column_count(column, &rows, sizeof states, &err), 0);
}

static void test_counted_apart(void **state)
{
    (void)state;
    static const enum vg_kind kinds[] = {VG_KIND_NUMBER, VG_KIND_TIME, VG_KIND_BOOL};
    for (size_t i = 0; i < 3; i++) {
        struct vg_column_summary column;
        count(&column, kinds[i]);
        assert_true(column.rows == 8 && column.uncast == 2 && column.nulls == 1);
        assert_int_equal(vg_column_finite(&column), 2);
        assert_true(vg_column_mean(&column) == (kinds[i] == VG_KIND_BOOL ? 1 : 3));
        assert_true(vg_column_null_ratio(&column) == 1.0 / 8);
        vg_column_clear(&column);
    }
}

static void test_added_in_any_order(void **state)
{
    (void)state;
    struct vg_column_summary a, b;
    struct vg_error err;
    count(&a, VG_KIND_NUMBER);
    count(&b, VG_KIND_NUMBER);
    b.uncast = 5;
    b.rows += 3;
    assert_int_equal(vg_column_merge(&a, &b, &err), 0);
    assert_true(a.uncast == 7 && a.rows == 19 && vg_column_finite(&a) == 4);
    vg_column_clear(&a);
    vg_column_clear(&b);
}

static void put_checksum(struct vg_buf *blob)
{
    uint64_t sum = vg_hash64(blob->data, blob->len);
    for (unsigned i = 0; i < 8; i++)
        vg_buf_putc(blob, (char)(sum >> (8 * i)));
}

static void test_stored(void **state)
{
    (void)state;
    enum { VERSION, LENGTH, NAME, KIND, FLAGS, ROWS, NULLS, NANS, PINFS, NINFS, UNCAST };
    struct vg_column_summary column, *read;
    struct vg_buf blob, old;
    struct vg_error err;
    count(&column, VG_KIND_NUMBER);
    vg_buf_init(&blob, 1 << 16);
    assert_int_equal(vg_column_write(&column, &blob, &err), 0);
    assert_int_equal(blob.data[UNCAST], 2);
    assert_int_equal(vg_column_read(blob.data, blob.len, &read, &err), 0);
    assert_true(read->uncast == 2 && vg_column_finite(read) == 2);
    vg_column_free(read);
    /* the same rows but those two, as the version before wrote them */
    vg_buf_init(&old, 1 << 16);
    vg_buf_add(&old, blob.data, UNCAST);
    vg_buf_add(&old, blob.data + UNCAST + 1, blob.len - UNCAST - 1 - 8);
    old.data[VERSION] = 1;
    old.data[ROWS] = 6;
    put_checksum(&old);
    assert_int_equal(vg_column_read(old.data, old.len, &read, &err), 0);
    assert_true(read->uncast == 0 && read->rows == 6 && vg_column_finite(read) == 2);
    vg_column_free(read);
    /* more than there are rows */
    blob.data[UNCAST] = 9;
    blob.len -= 8;
    put_checksum(&blob);
    assert_int_equal(vg_column_read(blob.data, blob.len, &read, &err), -1);
    assert_int_equal(err.code, VG_E_STATE);
    vg_buf_free(&blob);
    vg_buf_free(&old);
    vg_column_clear(&column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted_apart),
        cmocka_unit_test(test_added_in_any_order),
        cmocka_unit_test(test_stored),
    };
    return cmocka_run_group_tests_name("summary_uncast", tests, NULL, NULL);
}
