/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Summaries of columns counted from values that a test writes down. */
#include "tests/unit/counted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void init(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                 const struct vg_grid *grid, unsigned parts)
{
    struct vg_error err = {0};
    assert_int_equal(vg_column_init(column, name, kind, grid, parts, &err), 0);
}

static uint8_t state_of(double x)
{
    if (isnan(x))
        return VG_CELL_NAN;
    return isinf(x) ? (x > 0 ? VG_CELL_PINF : VG_CELL_NINF) : VG_CELL_VALUE;
}

void counted_numbers(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                     const struct vg_grid *grid, const double *x, size_t n)
{
    struct vg_error err = {0};
    uint8_t *state = calloc(n + 1, 1);
    double *num = calloc(n + 1, sizeof *num);
    assert_true(state && num);
    struct vg_column rows = {.kind = kind, .state = state, .num = num};
    for (size_t i = 0; i < n; i++) {
        state[i] = state_of(x[i]);
        num[i] = state[i] == VG_CELL_VALUE ? x[i] : 0;
        rows.special += state[i] != VG_CELL_VALUE;
    }
    init(column, name, kind, grid, VG_PART_HLL | VG_PART_TOP | VG_PART_QUANTILE);
    assert_int_equal(vg_column_count(column, &rows, n, &err), 0);
    free(state);
    free(num);
}

void counted_texts(struct vg_column_summary *column, const char *name, bool is_private,
                   const char *const *texts, size_t n)
{
    struct vg_error err = {0};
    uint8_t *state = calloc(n + 1, 1);
    struct vg_slice *raw = calloc(n + 1, sizeof *raw);
    assert_true(state && raw);
    struct vg_column rows = {.kind = VG_KIND_TEXT, .state = state, .raw = raw};
    for (size_t i = 0; i < n; i++) {
        state[i] = texts[i] ? VG_CELL_VALUE : VG_CELL_NULL;
        rows.special += !texts[i];
        if (texts[i])
            raw[i] = (struct vg_slice){texts[i], (uint32_t)strlen(texts[i])};
    }
    init(column, name, VG_KIND_TEXT, NULL, VG_PART_HLL | (is_private ? 0 : VG_PART_TOP));
    assert_int_equal(vg_column_count(column, &rows, n, &err), 0);
    free(state);
    free(raw);
}

void counted_nulls(struct vg_column_summary *column, size_t n)
{
    column->rows += n;
    column->nulls += n;
}
