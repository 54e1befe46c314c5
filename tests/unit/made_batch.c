/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random batches and comparisons for the tests of summaries, tally and sketch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/sort.h"
#include "tests/unit/made_batch.h"

uint64_t chance_bits(struct chance *chance)
{
    uint64_t x = chance->at += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint32_t chance_below(struct chance *chance, uint32_t n)
{
    return (uint32_t)(((chance_bits(chance) >> 32) * n) >> 32);
}

double chance_unit(struct chance *chance)
{
    return (double)(chance_bits(chance) >> 11) * 0x1p-53;
}

double chance_normal(struct chance *chance)
{
    double radius = sqrt(-2 * log(1 - chance_unit(chance)));
    return radius * cos(2 * acos(-1.0) * chance_unit(chance));
}

double make_value(struct chance *chance, enum shape shape)
{
    double sign = chance_below(chance, 2) ? 1 : -1;
    switch (shape) {
    case SHAPE_TIES:
        return floor(5 * chance_normal(chance));
    case SHAPE_CONSTANT:
        return 0.1;
    case SHAPE_OFFSET:
        return 1e9 + chance_normal(chance);
    case SHAPE_CANCEL:
        return sign * 1e9 * (1 + chance_below(chance, 3)) + 1e-3 * chance_unit(chance);
    case SHAPE_TAILS:
        return sign * exp(230 * (2 * chance_unit(chance) - 1));
    case SHAPE_HUGE:
        return sign * 1.7e308 * chance_unit(chance);
    case SHAPE_DENORMAL:
        return sign * 4.9406564584124654e-324 * chance_below(chance, 50);
    case SHAPE_SIGNED_ZERO:
        return sign * 0.0;
    default:
        return chance_normal(chance);
    }
}

static void *must(void *memory)
{
    assert_non_null(memory);
    return memory;
}

static struct vg_slice make_text(struct chance *chance, bool uuid)
{
    static const char *const words[] = {"a",
                                        "b",
                                        "visa",
                                        "mastercard",
                                        "",
                                        "Zürich",
                                        "日本語",
                                        "🙂 smile",
                                        "\xff\xfe broken",
                                        "cut \xe2\x82",
                                        "exactly ten",
                                        "The quick brown fox jumps over the lazy dog"};
    char bytes[700];
    size_t len = 0;
    if (uuid) {
        uint64_t parts[2] = {
            chance_below(chance, 5) ? chance_below(chance, 9) : chance_bits(chance), 7};
        memcpy(bytes, parts, len = sizeof parts);
    } else if (chance_below(chance, 12) == 0) {
        size_t times = chance_below(chance, 40);
        for (size_t i = 0; i < times; i++)
            len += (size_t)snprintf(bytes + len, sizeof bytes - len, "%s", words[6 + i % 3]);
    } else if (chance_below(chance, 3) == 0) {
        len = (size_t)snprintf(bytes, sizeof bytes, "value %u", chance_below(chance, 300));
    } else {
        const char *word = words[chance_below(chance, sizeof words / sizeof *words)];
        len = (size_t)snprintf(bytes, sizeof bytes, "%s", word);
    }
    char *copy = must(malloc(len + 1));
    memcpy(copy, bytes, len);
    return (struct vg_slice){copy, (uint32_t)len};
}

static enum vg_cell make_state(struct chance *chance, enum vg_kind kind, bool plain)
{
    uint32_t dice = chance_below(chance, 20);
    if (plain || dice > 3)
        return VG_CELL_VALUE;
    if (dice == 0 || kind == VG_KIND_TEXT || kind == VG_KIND_BOOL || kind == VG_KIND_OTHER)
        return VG_CELL_NULL;
    if (kind == VG_KIND_TIME && dice == 1)
        return VG_CELL_NULL;
    return dice == 1 ? VG_CELL_NAN : dice == 2 ? VG_CELL_PINF : VG_CELL_NINF;
}

static void fill_cell(struct chance *chance, struct vg_column *column, size_t row, enum shape shape,
                      enum vg_cell state)
{
    uint8_t *states = (uint8_t *)column->state;
    double *num = (double *)column->num;
    struct vg_slice *raw = (struct vg_slice *)column->raw;
    states[row] = (uint8_t)state;
    column->special += state != VG_CELL_VALUE;
    if (state != VG_CELL_VALUE)
        return;
    if (column->kind == VG_KIND_NUMBER)
        num[row] = make_value(chance, shape);
    else if (column->kind == VG_KIND_TIME)
        num[row] = 1e15 + (double)chance_below(chance, 1000000) * 1e6;
    else if (column->kind == VG_KIND_BOOL)
        num[row] = chance_below(chance, 2);
    else
        raw[row] = make_text(chance, column->wire_oid == 2950);
}

static void allocate_column(struct vg_column *column, size_t nrows)
{
    bool text = column->kind == VG_KIND_TEXT || column->kind == VG_KIND_OTHER;
    column->state = must(vg_array(nrows, 1));
    if (text)
        column->raw = must(vg_array(nrows, sizeof *column->raw));
    else
        column->num = must(vg_array(nrows, sizeof *column->num));
}

static struct made_batch *allocate_batch(size_t ncols, size_t nrows)
{
    struct made_batch *made = must(calloc(1, sizeof *made));
    made->cols = must(vg_array(ncols, sizeof *made->cols));
    made->batch = (struct vg_batch){nrows, ncols, made->cols};
    return made;
}

struct made_batch *make_batch(struct chance *chance, const enum vg_kind *kinds, size_t ncols,
                              size_t nrows, bool plain)
{
    struct made_batch *made = allocate_batch(ncols, nrows);
    for (size_t c = 0; c < ncols; c++) {
        struct vg_column *column = &made->cols[c];
        enum shape shape = (enum shape)chance_below(chance, SHAPES);
        bool none = !plain && chance_below(chance, 12) == 0;
        column->kind = kinds[c];
        column->wire_oid = kinds[c] == VG_KIND_TEXT && c % 2 ? 2950 : 25;
        allocate_column(column, nrows);
        for (size_t row = 0; row < nrows; row++) {
            enum vg_cell state = none ? VG_CELL_NULL : make_state(chance, kinds[c], plain);
            fill_cell(chance, column, row, shape, state);
        }
    }
    return made;
}

struct made_batch *pick_rows(const struct made_batch *from, const uint32_t *rows, size_t n)
{
    struct made_batch *made = allocate_batch(from->batch.ncols, n);
    for (size_t c = 0; c < from->batch.ncols; c++) {
        const struct vg_column *source = &from->cols[c];
        struct vg_column *column = &made->cols[c];
        *column = (struct vg_column){.kind = source->kind, .wire_oid = source->wire_oid};
        allocate_column(column, n);
        for (size_t i = 0; i < n; i++) {
            ((uint8_t *)column->state)[i] = source->state[rows[i]];
            column->special += source->state[rows[i]] != VG_CELL_VALUE;
            if (source->num)
                ((double *)column->num)[i] = source->num[rows[i]];
            const struct vg_slice *raw = source->raw ? &source->raw[rows[i]] : NULL;
            if (!raw || !raw->data)
                continue;
            char *copy = must(malloc(raw->len + 1u));
            memcpy(copy, raw->data, raw->len);
            ((struct vg_slice *)column->raw)[i] = (struct vg_slice){copy, raw->len};
        }
    }
    return made;
}

void free_batch(struct made_batch *made)
{
    for (size_t c = 0; c < made->batch.ncols; c++) {
        struct vg_column *column = &made->cols[c];
        for (size_t row = 0; column->raw && row < made->batch.nrows; row++)
            free((void *)column->raw[row].data);
        free((void *)column->state);
        free((void *)column->num);
        free((void *)column->raw);
    }
    free(made->cols);
    free(made);
}

void shuffle_rows(struct chance *chance, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = chance_below(chance, (uint32_t)i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
}

struct vg_grid *make_grid(struct chance *chance, enum shape shape, uint32_t n)
{
    double *q = must(vg_array(n, sizeof *q));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        q[i] = make_value(chance, shape);
    vg_sort_doubles(q, n);
    for (uint32_t i = 0; i < n; i++) {
        if (!kept || q[i] > q[kept - 1])
            q[kept++] = q[i];
    }
    struct vg_grid *grid = must(vg_grid_new(q, kept, true));
    free(q);
    return grid;
}

void assert_close(double a, double b, double tolerance)
{
    if (a == b || (isnan(a) && isnan(b)))
        return;
    if (!(fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b))))
        fail_msg("%.17g and %.17g differ by more than %g", a, b, tolerance);
}

static void assert_same_top(const struct vg_top *a, const struct vg_top *b)
{
    bool sampled_a, sampled_b;
    size_t n = vg_top_size(a);
    assert_int_equal(n, vg_top_size(b));
    struct vg_top_entry *x = must(vg_array(n, sizeof *x)), *y = must(vg_array(n, sizeof *y));
    assert_int_equal(vg_top_largest(a, x, n, &sampled_a), n);
    assert_int_equal(vg_top_largest(b, y, n, &sampled_b), n);
    assert_int_equal(sampled_a, sampled_b);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(x[i].label, y[i].label);
        assert_true(x[i].hash == y[i].hash && x[i].count == y[i].count);
    }
    free(x);
    free(y);
}

static void assert_same_cells(const uint64_t *a, const uint64_t *b, size_t n)
{
    assert_int_equal(a != NULL, b != NULL);
    if (a)
        assert_memory_equal(a, b, n * sizeof *a);
}

void assert_same_column(const struct vg_column_summary *a, const struct vg_column_summary *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->kind, b->kind);
    assert_true(a->rows == b->rows && a->nulls == b->nulls && a->nans == b->nans);
    assert_true(a->pinfs == b->pinfs && a->ninfs == b->ninfs);
    assert_true(a->zeros == b->zeros && a->negatives == b->negatives);
    assert_memory_equal(&a->min, &b->min, sizeof a->min);
    assert_memory_equal(&a->max, &b->max, sizeof a->max);
    assert_true(a->empties == b->empties && a->length_sum == b->length_sum);
    assert_true(a->length_min == b->length_min && a->length_max == b->length_max);
    assert_true(a->grid_id == b->grid_id && a->coarse_cells == b->coarse_cells);
    assert_close(vg_column_mean(a), vg_column_mean(b), 1e-12);
    assert_close(vg_column_stddev(a), vg_column_stddev(b), 1e-12);
    if (a->grid && b->grid)
        assert_same_cells(a->fine, b->fine, 2 * (size_t)a->grid->n + 1);
    assert_same_cells(a->coarse, b->coarse, a->coarse_cells);
    assert_int_equal(a->hll != NULL, b->hll != NULL);
    if (a->hll)
        assert_memory_equal(a->hll, b->hll, VG_HLL_SIZE);
    assert_int_equal(a->top != NULL, b->top != NULL);
    if (a->top)
        assert_same_top(a->top, b->top);
}

void assert_same_summary(const struct vg_summary *a, const struct vg_summary *b)
{
    assert_true(a->rows == b->rows);
    assert_true(a->null_times == b->null_times && a->infinite_times == b->infinite_times);
    assert_int_equal(a->ncolumns, b->ncolumns);
    for (size_t i = 0; i < a->ncolumns; i++)
        assert_same_column(&a->columns[i], &b->columns[i]);
    assert_int_equal(a->npredicates, b->npredicates);
    for (size_t i = 0; i < a->npredicates; i++) {
        const struct vg_predicate_summary *p = &a->predicates[i], *q = &b->predicates[i];
        assert_string_equal(p->id, q->id);
        assert_true(p->tested == q->tested && p->offending == q->offending);
        assert_int_equal(p->nkeys, q->nkeys);
        for (size_t k = 0; k < p->nkeys; k++) {
            assert_string_equal(p->keys[k], q->keys[k]);
            assert_true(p->key_hashes[k] == q->key_hashes[k]);
        }
    }
}
