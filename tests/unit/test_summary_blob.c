/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of blobs (agent/summary/blob.c, summary_codec.c, summary_distribution.c): round trips,
 * sizes, every flipped bit and every truncation, and nonsense under a checksum that is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"
#include "tests/unit/made_batch.h"

enum { BLOB_MAX = 1 << 24 };

static const enum vg_kind kinds[] = {VG_KIND_NUMBER, VG_KIND_TEXT, VG_KIND_TEXT,
                                     VG_KIND_BOOL,   VG_KIND_TIME, VG_KIND_OTHER};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A counted column of a random kind; the grid is the caller's. */
static struct vg_column_summary *make_column(struct chance *chance, enum vg_kind kind, size_t nrows,
                                             struct vg_grid **grid)
{
    struct vg_error err;
    size_t at = 0;
    while (kinds[at] != kind)
        at++;
    struct made_batch *made = make_batch(chance, kinds, KINDS, nrows, chance_below(chance, 4) == 0);
    struct vg_column_summary *column = calloc(1, sizeof *column);
    *grid = make_grid(chance, (enum shape)chance_below(chance, SHAPES), nrows < 10 ? 30 : 1500);
    assert_int_equal(vg_column_init(column, "näme \"x\"", kind,
                                    chance_below(chance, 4) ? *grid : NULL, chance_below(chance, 4),
                                    &err),
                     0);
    assert_int_equal(vg_column_count(column, &made->cols[at], nrows, &err), 0);
    free_batch(made);
    return column;
}

static struct vg_buf write_column(const struct vg_column_summary *column)
{
    struct vg_buf blob;
    struct vg_error err;
    vg_buf_init(&blob, BLOB_MAX);
    assert_int_equal(vg_column_write(column, &blob, &err), 0);
    return blob;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct chance chance = {1};
    struct vg_error err;
    for (int round = 0; round < 400; round++) {
        struct vg_grid *grid;
        size_t nrows = chance_below(&chance, round % 9 ? 200 : 9000);
        struct vg_column_summary *column = make_column(&chance, kinds[round % KINDS], nrows, &grid);
        struct vg_column_summary *again, *copy;
        struct vg_buf fresh = write_column(column); /* coarse cells made on the way */
        assert_int_equal(vg_column_coarsen(column), 0);
        struct vg_buf blob = write_column(column);
        assert_int_equal(blob.len, fresh.len);
        assert_memory_equal(blob.data, fresh.data, blob.len);
        assert_int_equal(vg_column_read(blob.data, blob.len, &again, &err), 0);
        assert_null(again->fine);
        assert_same_column(column, again);
        struct vg_buf rewritten = write_column(again);
        assert_int_equal(rewritten.len, blob.len);
        assert_memory_equal(rewritten.data, blob.data, blob.len);
        assert_int_equal(vg_column_read(blob.data, blob.len, &copy, &err), 0);
        assert_int_equal(vg_column_merge(copy, again, &err), 0);
        assert_int_equal(copy->rows, 2 * column->rows);
        if (column->grid)
            assert_int_equal(vg_column_attach(again, column->grid, &err), 0);
        vg_column_free(again);
        vg_column_free(copy);
        vg_column_free(column);
        vg_grid_free(grid);
        vg_buf_free(&fresh);
        vg_buf_free(&blob);
        vg_buf_free(&rewritten);
    }
}

static void test_sum_that_overflowed(void **state)
{
    (void)state;
    static const double num[] = {1.7e308, 1.7e308, -1.7e308};
    static const uint8_t states[3];
    struct vg_column rows = {.kind = VG_KIND_NUMBER, .state = states, .num = num};
    struct vg_column_summary column, *again;
    struct vg_error err;
    assert_int_equal(vg_column_init(&column, "x", VG_KIND_NUMBER, NULL, 0, &err), 0);
    assert_int_equal(vg_column_count(&column, &rows, 3, &err), 0);
    struct vg_buf blob = write_column(&column);
    assert_int_equal(vg_column_read(blob.data, blob.len, &again, &err), 0);
    assert_true(again->max == 1.7e308 && again->negatives == 1 && isnan(vg_column_mean(again)));
    vg_column_free(again);
    vg_column_clear(&column);
    vg_buf_free(&blob);
}

/* A full numeric column: some 4 kB; one of few values far less. */
static void test_sizes(void **state)
{
    (void)state;
    struct chance chance = {3};
    struct vg_error err;
    for (int few = 0; few < 2; few++) {
        struct vg_grid *grid = make_grid(&chance, SHAPE_NORMAL, 4096);
        static const enum vg_kind number = VG_KIND_NUMBER;
        struct made_batch *made = make_batch(&chance, &number, 1, 20000, true);
        struct vg_column_summary column;
        assert_int_equal(vg_column_init(&column, "amount", number, grid, VG_PART_HLL, &err), 0);
        for (size_t i = 0; i < 20000; i++)
            ((double *)made->cols[0].num)[i] = few ? (double)(i % 7) : chance_normal(&chance);
        assert_int_equal(vg_column_count(&column, &made->cols[0], 20000, &err), 0);
        struct vg_buf blob = write_column(&column);
        assert_in_range(blob.len, few ? 400 : 3000, few ? 700 : 4200);
        vg_buf_free(&blob);
        vg_column_clear(&column);
        vg_grid_free(grid);
        free_batch(made);
    }
}

static void assert_refused(const void *data, size_t size)
{
    struct vg_column_summary *column;
    struct vg_distribution *dist;
    struct vg_error err = {0};
    assert_int_equal(vg_column_read(data, size, &column, &err), -1);
    assert_null(column);
    assert_int_equal(err.code, VG_E_STATE);
    err.code = VG_OK;
    assert_int_equal(vg_distribution_read(data, size, &dist, &err), -1);
    assert_null(dist);
    assert_int_equal(err.code, VG_E_STATE);
}

/* Each copy is as long as what it holds, so that reading past its end is seen. */
static void damage(const struct vg_buf *blob)
{
    for (size_t size = 0; size < blob->len; size++) {
        char *copy = malloc(size + 1);
        memcpy(copy, blob->data, size);
        assert_refused(copy, size);
        free(copy);
    }
    char *copy = malloc(blob->len);
    for (size_t bit = 0; bit < 8 * blob->len; bit++) {
        memcpy(copy, blob->data, blob->len);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        assert_refused(copy, blob->len);
    }
    free(copy);
}

static void test_every_flip_and_truncation_is_refused(void **state)
{
    (void)state;
    struct chance chance = {4};
    assert_refused(NULL, 0);
    for (int round = 0; round < 2 * KINDS; round++) {
        struct vg_grid *grid;
        size_t nrows = round < KINDS ? 30 : 0;
        struct vg_column_summary *column = make_column(&chance, kinds[round % KINDS], nrows, &grid);
        struct vg_buf blob = write_column(column);
        damage(&blob);
        vg_buf_free(&blob);
        vg_column_free(column);
        vg_grid_free(grid);
    }
}

/* Random damage under a right checksum reaches the checks behind it. What passes them must be safe
 * to use. */
static void forge(struct chance *chance, struct vg_buf *blob)
{
    size_t payload = blob->len - 8;
    if (chance_below(chance, 4) == 0)
        payload = 1 + chance_below(chance, (uint32_t)payload);
    for (uint32_t times = 1 + chance_below(chance, 3); times > 0; times--) {
        size_t at = 1 + chance_below(chance, (uint32_t)payload);
        if (at < payload)
            blob->data[at] = (char)chance_bits(chance);
    }
    blob->len = payload;
    vg_blob_end(blob, 0);
}

static void test_forged_columns(void **state)
{
    (void)state;
    struct chance chance = {5};
    struct vg_error err;
    int accepted = 0;
    for (int round = 0; round < 20000; round++) {
        struct vg_grid *grid;
        struct vg_column_summary *column = make_column(&chance, kinds[round % KINDS], 4, &grid);
        struct vg_column_summary *forged, *other;
        struct vg_buf blob = write_column(column);
        forge(&chance, &blob);
        if (vg_column_read(blob.data, blob.len, &forged, &err) == 0) {
            struct vg_buf again = write_column(forged);
            accepted++;
            assert_int_equal(vg_column_read(again.data, again.len, &other, &err), 0);
            vg_column_merge(other, forged, &err);
            (void)vg_column_distinct(other);
            (void)vg_column_stddev(other);
            vg_column_free(other);
            vg_column_free(forged);
            vg_buf_free(&again);
        }
        vg_buf_free(&blob);
        vg_column_free(column);
        vg_grid_free(grid);
    }
    assert_in_range(accepted, 1, 19999);
}

static struct vg_distribution *make_distribution(struct chance *chance, uint32_t most)
{
    struct vg_column_summary column;
    struct vg_distribution *dist;
    struct vg_error err;
    struct vg_grid *grid = make_grid(chance, (enum shape)chance_below(chance, SHAPES), most);
    assert_int_equal(vg_column_init(&column, "x", VG_KIND_NUMBER, grid, 0, &err), 0);
    for (size_t i = 0; i <= 2 * (size_t)grid->n; i++)
        column.fine[i] = chance_below(chance, 3) ? chance_below(chance, 400) : 0;
    assert_int_equal(vg_grid_choose_coarse(grid, column.fine), 0);
    assert_int_equal(vg_distribution_of(&column, &dist, &err), 0);
    assert_true(dist->grid->id == grid->id);
    vg_column_clear(&column);
    vg_grid_free(grid);
    return dist;
}

static struct vg_buf write_distribution(const struct vg_distribution *dist)
{
    struct vg_buf blob;
    struct vg_error err;
    vg_buf_init(&blob, BLOB_MAX);
    assert_int_equal(vg_distribution_write(dist, &blob, &err), 0);
    return blob;
}

static void test_distribution_round_trip(void **state)
{
    (void)state;
    struct chance chance = {6};
    struct vg_error err;
    for (int round = 0; round < 120; round++) {
        uint32_t most = round == 7 ? VG_GRID_MAX : 1 + chance_below(&chance, 600);
        struct vg_distribution *dist = make_distribution(&chance, most), *again;
        struct vg_buf blob = write_distribution(dist);
        assert_int_equal(vg_distribution_read(blob.data, blob.len, &again, &err), 0);
        assert_true(again->grid->id == dist->grid->id && again->grid->n == dist->grid->n);
        assert_true(again->grid->exact == dist->grid->exact && again->n == dist->n);
        assert_memory_equal(again->grid->q, dist->grid->q, dist->grid->n * sizeof(double));
        assert_int_equal(again->grid->ncoarse, dist->grid->ncoarse);
        assert_memory_equal(again->grid->coarse, dist->grid->coarse,
                            dist->grid->ncoarse * sizeof(uint32_t));
        assert_memory_equal(again->cells, dist->cells,
                            (2 * (size_t)dist->grid->n + 1) * sizeof(uint64_t));
        vg_buf_free(&blob);
        vg_distribution_free(dist);
        vg_distribution_free(again);
    }
    vg_distribution_free(NULL);
}

static void test_damaged_distributions(void **state)
{
    (void)state;
    struct chance chance = {7};
    for (int round = 0; round < 3; round++) {
        struct vg_distribution *dist = make_distribution(&chance, 1 + 60 * (uint32_t)round);
        struct vg_buf blob = write_distribution(dist);
        damage(&blob);
        vg_buf_free(&blob);
        vg_distribution_free(dist);
    }
}

static void test_forged_distributions(void **state)
{
    (void)state;
    struct chance chance = {8};
    struct vg_error err;
    int accepted = 0;
    for (int round = 0; round < 20000; round++) {
        struct vg_distribution *dist = make_distribution(&chance, 1 + (uint32_t)round % 7), *forged;
        struct vg_buf blob = write_distribution(dist);
        forge(&chance, &blob);
        if (vg_distribution_read(blob.data, blob.len, &forged, &err) == 0) {
            accepted++;
            vg_grid_count(forged->grid, dist->grid->q, dist->grid->n, forged->cells);
            vg_distribution_free(forged);
        }
        vg_buf_free(&blob);
        vg_distribution_free(dist);
    }
    assert_in_range(accepted, 1, 19999);
}

/* Varints at their edges; one of eleven bytes or over 64 bits is refused. */
static void test_varints(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct vg_buf buf;
        vg_buf_init(&buf, 100);
        vg_blob_put_count(&buf, values[i]);
        struct vg_blob blob = {(const uint8_t *)buf.data, (const uint8_t *)buf.data + buf.len,
                               false};
        assert_true(vg_blob_count(&blob) == values[i]);
        assert_false(blob.bad);
        assert_ptr_equal(blob.at, blob.end);
        vg_buf_free(&buf);
    }
    static const uint8_t over[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 2};
    static const uint8_t endless[] = {128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1};
    struct vg_blob blob = {over, over + sizeof over, false};
    assert_true(vg_blob_count(&blob) == 0 && blob.bad);
    blob = (struct vg_blob){endless, endless + sizeof endless, false};
    assert_true(vg_blob_count(&blob) == 0 && blob.bad);
    blob = (struct vg_blob){endless, endless + 3, false};
    assert_true(vg_blob_count(&blob) == 0 && blob.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sum_that_overflowed),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_every_flip_and_truncation_is_refused),
        cmocka_unit_test(test_forged_columns),
        cmocka_unit_test(test_distribution_round_trip),
        cmocka_unit_test(test_damaged_distributions),
        cmocka_unit_test(test_forged_distributions),
        cmocka_unit_test(test_varints),
    };
    return cmocka_run_group_tests_name("test_summary_blob", tests, NULL, NULL);
}
