/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fingerprint of a window: a hash of what was counted. Sums that depend on the order of the
 * rows by a rounding are cut to the digits that do not. The extremes of a private column, which are
 * values of rows and could be guessed from a hash, are no part of it. */
#include "checks/check_stuck_print.h"

#include <math.h>
#include <string.h>

#include "agent/summary/private.h"
#include "pgvigil/text.h"

enum { WORDS = 24, NONE = 1 };

static uint64_t bits_of(double x)
{
    double plain = x + 0.0; /* -0.0 becomes 0.0 */
    uint64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    return bits;
}

/* What cancels out but for rounding is none; 40 bits of the rest are the same in every order. */
static uint64_t bits_of_sum(double sum, double largest)
{
    const uint64_t half = UINT64_C(1) << 11;
    return fabs(sum) <= largest * 1e-15 ? 0 : (bits_of(sum) + half) & ~(2 * half - 1);
}

static size_t list_numbers(const struct vg_column_summary *column, bool is_private, uint64_t *words)
{
    double n = (double)vg_column_finite(column);
    double largest = fmax(fabs(column->min), fabs(column->max)), range = column->max - column->min;
    words[0] = is_private ? 0 : bits_of(column->min);
    words[1] = is_private ? 0 : bits_of(column->max);
    words[2] = bits_of_sum(column->sum.hi / n, largest);
    words[3] = bits_of_sum(column->m2.hi / n, range * range);
    return 4;
}

static int hash_top(const struct vg_top *top, struct vg_arena *arena, uint64_t *out)
{
    size_t n = vg_top_size(top);
    struct vg_top_entry *entries = vg_arena_array(arena, n + 1, sizeof *entries);
    uint64_t *words = vg_arena_array(arena, 2 * n + 1, sizeof *words);
    bool sampled;
    if (!entries || !words)
        return -1;
    n = vg_top_largest(top, entries, n + 1, &sampled);
    for (size_t i = 0; i < n; i++) {
        words[2 * i] = entries[i].hash;
        words[2 * i + 1] = entries[i].count;
    }
    *out = vg_hash64(words, 2 * n * sizeof *words);
    return 0;
}

bool vg_stuck_may_print(const struct vg_column_summary *column, bool is_private)
{
    return !is_private || vg_column_finite(column) >= VG_PRIVATE_ROWS;
}

uint64_t vg_stuck_print(const struct vg_column_summary *column, bool is_private,
                        struct vg_arena *arena)
{
    uint64_t words[WORDS] = {column->rows,       column->nulls,      column->nans,
                             column->pinfs,      column->ninfs,      column->uncast,
                             column->zeros,      column->negatives,  column->empties,
                             column->length_sum, column->length_min, column->length_max};
    size_t n = 12;
    if (is_private)
        words[10] = words[11] = 0; /* the shortest and the longest text */
    bool numeric = column->kind == VG_KIND_NUMBER || column->kind == VG_KIND_TIME;
    if (numeric && vg_column_finite(column))
        n += list_numbers(column, is_private, words + n);
    if (column->hll)
        words[n++] = vg_hash64(column->hll, (size_t)1 << column->hll_bits);
    if (column->top && hash_top(column->top, arena, &words[n++]) < 0)
        return 0;
    uint64_t print = vg_hash64(words, n * sizeof *words);
    return print ? print : NONE;
}

uint64_t vg_stuck_print_all(const struct vg_summary *summary, const struct vg_dataset *dataset,
                            bool *none, struct vg_arena *arena)
{
    uint64_t *words = vg_arena_array(arena, summary->ncolumns + 1, sizeof *words);
    size_t n = 0;
    if (!words)
        return 0;
    for (size_t i = 0; i < summary->ncolumns; i++) {
        const struct vg_column_summary *column = &summary->columns[i];
        bool is_private = vg_dataset_is_private(dataset, column->name);
        if (vg_streq(column->name, dataset->time_column) || !vg_stuck_may_print(column, is_private))
            continue;
        words[n] = vg_stuck_print(column, is_private, arena);
        if (!words[n++])
            return 0;
    }
    *none = n == 0;
    uint64_t print = vg_hash64(words, n * sizeof *words);
    return print ? print : NONE;
}
