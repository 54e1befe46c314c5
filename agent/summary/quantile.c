/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantiles of numbers without a grid known beforehand. A double, as an integer of the same order,
 * is cut to its leading bits; equal ones are a cell and are counted. Cells begin as single values
 * and lose one more bit whenever they are more than `most`, so what is held depends on the
 * values alone: it is identical in any split and order, and exact while values are few. */
#include <math.h>
#include <stdlib.h>

#include "agent/summary/parts.h"

enum { FIRST_SLOTS = 256, KEY_BITS = 64 };

struct cell {
    uint64_t key, count; /* count 0: free */
};

struct vg_quantiles {
    unsigned shift;     /* bits that are cut off */
    struct cell *cells; /* open addressing */
    size_t slots;       /* a power of two, more than half of them free */
    size_t n, most;
};

/* Order-preserving: negative doubles have all bits turned, others the sign bit set. */
static uint64_t key_of(double x)
{
    double plain = x + 0.0; /* -0.0 becomes 0.0 */
    uint64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    return bits ^ ((0 - (bits >> 63)) | UINT64_C(1) << 63);
}

static double value_of(uint64_t key)
{
    uint64_t bits = key ^ (((key >> 63) - 1) | UINT64_C(1) << 63);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct vg_quantiles *vg_quantiles_new(size_t most)
{
    struct vg_quantiles *quantiles = calloc(1, sizeof *quantiles);
    if (!quantiles)
        return NULL;
    quantiles->most = most;
    quantiles->slots = FIRST_SLOTS;
    quantiles->cells = vg_array(quantiles->slots, sizeof *quantiles->cells);
    if (quantiles->cells)
        return quantiles;
    free(quantiles);
    return NULL;
}

void vg_quantiles_free(struct vg_quantiles *quantiles)
{
    if (quantiles)
        free(quantiles->cells);
    free(quantiles);
}

static struct cell *find_cell(struct cell *cells, size_t slots, uint64_t key)
{
    uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (hash ^ hash >> 32) & (slots - 1);
    while (cells[i].count && cells[i].key != key)
        i = (i + 1) & (slots - 1);
    return &cells[i];
}

/* The same cells, each cut by `more` bits, in a table of their own. */
static int rebuild(struct vg_quantiles *quantiles, size_t slots, unsigned more)
{
    struct cell *cells = vg_array(slots, sizeof *cells);
    if (!cells)
        return -1;
    quantiles->n = 0;
    for (size_t i = 0; i < quantiles->slots; i++) {
        const struct cell *old = &quantiles->cells[i];
        if (!old->count)
            continue;
        struct cell *cell = find_cell(cells, slots, old->key >> more);
        quantiles->n += !cell->count;
        cell->key = old->key >> more;
        cell->count += old->count;
    }
    free(quantiles->cells);
    quantiles->cells = cells;
    quantiles->slots = slots;
    quantiles->shift += more;
    return 0;
}

/* After a new cell: neither too many nor too close to one another. */
static int make_room(struct vg_quantiles *quantiles)
{
    while (quantiles->n > quantiles->most) {
        if (rebuild(quantiles, quantiles->slots, 1) < 0)
            return -1;
    }
    bool full = 2 * quantiles->n >= quantiles->slots;
    return full ? rebuild(quantiles, 2 * quantiles->slots, 0) : 0;
}

static int add_key(struct vg_quantiles *quantiles, uint64_t key, uint64_t count)
{
    struct cell *cell = find_cell(quantiles->cells, quantiles->slots, key);
    bool is_new = !cell->count;
    cell->key = key;
    cell->count += count;
    quantiles->n += is_new;
    return is_new ? make_room(quantiles) : 0;
}

int vg_quantiles_add(struct vg_quantiles *quantiles, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (add_key(quantiles, key_of(x[i]) >> quantiles->shift, 1) < 0)
            return -1;
    }
    return 0;
}

int vg_quantiles_merge(struct vg_quantiles *into, const struct vg_quantiles *from)
{
    if (into->shift < from->shift && rebuild(into, into->slots, from->shift - into->shift) < 0)
        return -1;
    for (size_t i = 0; i < from->slots; i++) {
        const struct cell *cell = &from->cells[i];
        if (cell->count && add_key(into, cell->key >> (into->shift - from->shift), cell->count) < 0)
            return -1;
    }
    return 0;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static uint64_t count_up_to(const struct vg_quantiles *quantiles, uint64_t key)
{
    uint64_t n = 0;
    for (size_t i = 0; i < quantiles->slots; i++) {
        if (quantiles->cells[i].key <= key)
            n += quantiles->cells[i].count;
    }
    return n;
}

/* The key is found bit by bit: the least with more than `rank` values up to it. */
void vg_quantiles_rank(const struct vg_quantiles *quantiles, uint64_t rank, double *lo, double *hi)
{
    uint64_t key = 0;
    for (unsigned bit = KEY_BITS - quantiles->shift; bit-- > 0;) {
        uint64_t below = key | ((UINT64_C(1) << bit) - 1);
        if (count_up_to(quantiles, below) <= rank)
            key |= UINT64_C(1) << bit;
    }
    *lo = value_of(key << quantiles->shift);
    *hi = value_of((key << quantiles->shift) | ((UINT64_C(1) << quantiles->shift) - 1));
}

/* The extremes of the fine cell of a rank; infinite at the open ends. */
static void find_fine(const struct vg_column_summary *column, uint64_t rank, double *lo, double *hi)
{
    const struct vg_grid *grid = column->grid;
    size_t cell = 0;
    for (uint64_t passed = column->fine[0]; passed <= rank && cell < 2 * (size_t)grid->n;)
        passed += column->fine[++cell];
    bool atom = cell % 2 == 1;
    *lo = atom ? grid->q[cell / 2] : cell ? grid->q[cell / 2 - 1] : -INFINITY;
    *hi = atom || cell < 2 * (size_t)grid->n ? grid->q[cell / 2] : INFINITY;
}

static void find_rank(const struct vg_column_summary *column, uint64_t rank, double *lo, double *hi)
{
    double low, high;
    *lo = column->min;
    *hi = column->max;
    if (column->fine && column->grid) {
        find_fine(column, rank, &low, &high);
        *lo = fmax(*lo, low);
        *hi = fmin(*hi, high);
    }
    if (column->quantiles) {
        vg_quantiles_rank(column->quantiles, rank, &low, &high);
        *lo = fmax(*lo, low);
        *hi = fmin(*hi, high);
    }
}

static double interpolate(double a, double b, double share)
{
    return a == b ? a : a * (1 - share) + b * share;
}

bool vg_column_quantile(const struct vg_column_summary *column, double q, double *lo, double *hi)
{
    uint64_t n = vg_column_finite(column);
    bool counted =
        column->quantiles || (column->fine && column->grid) || column->min == column->max;
    if (!n || !counted || !vg_kind_is_numeric(column->kind))
        return false;
    double place = (double)(n - 1) * q, whole = floor(place), low, high;
    uint64_t rank = (uint64_t)whole;
    find_rank(column, rank, lo, hi);
    if (place > whole && rank + 1 < n) {
        find_rank(column, rank + 1, &low, &high);
        *lo = interpolate(*lo, low, place - whole);
        *hi = interpolate(*hi, high, place - whole);
    }
    return true;
}

/* --- Blobs ------------------------------------------------------------------------------------ */

static int compare_keys(const void *left, const void *right)
{
    const struct cell *a = left, *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

int vg_quantiles_write(const struct vg_quantiles *quantiles, struct vg_buf *out)
{
    struct cell *cells = vg_array(quantiles->n, sizeof *cells);
    uint8_t shift = (uint8_t)quantiles->shift;
    size_t n = 0;
    if (!cells)
        return -1;
    for (size_t i = 0; i < quantiles->slots; i++) {
        if (quantiles->cells[i].count)
            cells[n++] = quantiles->cells[i];
    }
    qsort(cells, n, sizeof *cells, compare_keys);
    vg_buf_add(out, &shift, 1);
    vg_blob_put_count(out, n);
    for (size_t i = 0; i < n; i++) {
        vg_blob_put_count(out, i ? cells[i].key - cells[i - 1].key : cells[i].key);
        vg_blob_put_count(out, cells[i].count);
    }
    free(cells);
    return 0;
}

/* Cells must ascend, fit the cut, and hold what the column holds. */
static int read_cells(struct vg_blob *blob, uint64_t left, struct vg_quantiles *quantiles)
{
    uint64_t most = UINT64_MAX >> quantiles->shift, key = 0;
    uint64_t n = vg_blob_count_to(blob, VG_QUANTILE_CELLS);
    for (uint64_t i = 0; i < n && !blob->bad; i++) {
        uint64_t step = vg_blob_count_to(blob, most - key), count = vg_blob_count_to(blob, left);
        key += step;
        left -= count;
        blob->bad |= !count || (i && !step);
        if (!blob->bad && add_key(quantiles, key, count) < 0)
            return -1;
    }
    blob->bad |= left != 0;
    return 0;
}

int vg_quantiles_read(struct vg_blob *blob, uint64_t n, struct vg_quantiles **out)
{
    *out = vg_quantiles_new(VG_QUANTILE_CELLS);
    if (!*out)
        return -1;
    (*out)->shift = vg_blob_byte(blob);
    blob->bad |= (*out)->shift >= KEY_BITS;
    if (blob->bad)
        (*out)->shift = 0;
    return read_cells(blob, n, *out);
}
