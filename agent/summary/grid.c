/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grids: thresholds that cut the line into atoms and open gaps, and finding a value's cell fast.
 *
 * A bucket table made with the grid maps a value by one multiplication to the few thresholds that
 * share its bucket; eight values are searched at once without branching on them. The table is an
 * accelerator only: cells are those of a plain binary search, whatever the values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/summary.h"

/* Short inner loops written out, so that what they carry stays in registers. */
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

/* bucket(x) = 1 + (x - base) scale, cut to 0 .. top: rounding keeps it monotone, so the thresholds
 * of lower buckets are below x, those of higher ones above it. begin[b] counts those of buckets
 * below b. The outer two buckets take the tails. */
struct vg_grid_index {
    double base, scale, top;
    uint32_t begin[]; /* buckets + 1 */
};

enum { WIDE = 8, LEAST_INDEXED = 8 };

static inline uint32_t find_bucket(const struct vg_grid_index *index, double x)
{
    double t = (x - index->base) * index->scale + 1;
    t = t > 0 ? t : 0;
    t = t < index->top ? t : index->top;
    return (uint32_t)(int32_t)t;
}

static void fill_index(struct vg_grid_index *index, const double *q, uint32_t n, uint32_t buckets)
{
    uint32_t i = 0;
    for (uint32_t b = 0; b < buckets; b++) {
        index->begin[b] = i;
        while (i < n && find_bucket(index, q[i]) == b)
            i++;
    }
    index->begin[buckets] = n;
}

/* Steps of all searches, were every threshold sought once. */
static uint64_t measure_index(const struct vg_grid_index *index, uint32_t buckets)
{
    uint64_t steps = 0;
    for (uint32_t b = 0; b < buckets; b++) {
        uint32_t inside = index->begin[b + 1] - index->begin[b];
        steps += inside ? (uint64_t)inside * (32 - (unsigned)__builtin_clz(inside)) : 0;
    }
    return steps;
}

/* Spreads the buckets evenly between the thresholds at `trim` from either end. */
static void set_span(struct vg_grid_index *index, const double *q, uint32_t n, uint32_t trim,
                     uint32_t buckets)
{
    index->base = q[trim];
    index->top = buckets - 1;
    index->scale = (buckets - 2) / (q[n - 1 - trim] - q[trim]);
    /* A span too wide or too narrow for a double: all in one bucket, a binary search. */
    if (!isfinite(index->scale) || index->scale <= 0)
        index->base = index->scale = 0;
    fill_index(index, q, n, buckets);
}

/* How far out the tails begin is tried, as it depends on how heavy they are. NULL: no memory. */
static struct vg_grid_index *build_index(const double *q, uint32_t n)
{
    static const uint32_t shares[] = {0, 4096, 1024, 256, 64, 16};
    uint32_t buckets = 16, best = 0;
    uint64_t fewest = UINT64_MAX;
    while (buckets < 2 * n)
        buckets *= 2;
    struct vg_grid_index *index = malloc(sizeof *index + (buckets + 1) * sizeof index->begin[0]);
    if (!index)
        return NULL;
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        uint32_t trim = shares[i] ? n / shares[i] : 0;
        set_span(index, q, n, trim, buckets);
        uint64_t steps = measure_index(index, buckets);
        if (steps < fewest) {
            fewest = steps;
            best = trim;
        }
    }
    set_span(index, q, n, best, buckets);
    return index;
}

/* Never 0, which stands for no grid. */
static uint64_t hash_grid(const struct vg_grid *grid)
{
    uint64_t parts[2] = {vg_hash64(grid->q, grid->n * sizeof *grid->q),
                         vg_hash64(grid->coarse, grid->ncoarse * sizeof *grid->coarse)};
    uint64_t id = vg_hash64(parts, sizeof parts);
    return id ? id : 1;
}

struct vg_grid *vg_grid_new_coarse(const double *q, uint32_t n, bool exact, const uint32_t *coarse,
                                   uint32_t ncoarse)
{
    if (!n || n > VG_GRID_MAX || ncoarse > n)
        BUG("a grid of %u thresholds, %u coarse", n, ncoarse);
    struct vg_grid *grid = calloc(1, sizeof *grid);
    if (!grid)
        return NULL;
    grid->n = n;
    grid->exact = exact;
    grid->ncoarse = ncoarse;
    grid->q = vg_array((size_t)n + 1, sizeof *grid->q);
    grid->coarse = vg_array(ncoarse, sizeof *grid->coarse);
    if (!grid->q || !grid->coarse)
        goto fail;
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(q[i]) || (i && q[i] <= q[i - 1]))
            BUG("threshold %u of a grid is out of order", i);
        grid->q[i] = q[i] + 0.0;
    }
    grid->q[n] = NAN; /* a finished search may look at it: never at or below a value */
    for (uint32_t i = 0; i < ncoarse; i++) {
        if (coarse[i] >= n || (i && coarse[i] <= coarse[i - 1]))
            BUG("coarse threshold %u of a grid is out of order", i);
        grid->coarse[i] = coarse[i];
    }
    grid->id = hash_grid(grid);
    if (n < LEAST_INDEXED)
        return grid;
    grid->index = build_index(grid->q, n);
    if (grid->index)
        return grid;
fail:
    vg_grid_free(grid);
    return NULL;
}

struct vg_grid *vg_grid_new(const double *q, uint32_t n, bool exact)
{
    uint32_t coarse[VG_COARSE], ncoarse = n < VG_COARSE ? n : VG_COARSE;
    for (uint32_t i = 0; i < ncoarse; i++)
        coarse[i] = (uint32_t)((2 * (uint64_t)i + 1) * n / (2 * ncoarse));
    return vg_grid_new_coarse(q, n, exact, coarse, ncoarse);
}

void vg_grid_free(struct vg_grid *grid)
{
    if (!grid)
        return;
    free(grid->q);
    free(grid->coarse);
    free(grid->index);
    free(grid);
}

uint32_t vg_grid_cell(const struct vg_grid *grid, double x)
{
    uint32_t below = 0, len = grid->n;
    while (len) {
        uint32_t half = len / 2;
        if (grid->q[below + half] <= x) {
            below += half + 1;
            len -= half + 1;
        } else {
            len = half;
        }
    }
    return 2 * below - (below && grid->q[below - 1] == x);
}

/* One step of WIDE searches among the `len` thresholds from `below` on; a finished one, len 0,
 * looks at a threshold above its value and so stays. Returns 0 when all have finished. */
static inline uint32_t step_searches(const double *q, const double *x, uint32_t *below,
                                     uint32_t *len)
{
    uint32_t open = 0;
    UNROLLED
    for (int k = 0; k < WIDE; k++) {
        uint32_t half = len[k] >> 1;
        uint32_t up = q[below[k] + half] <= x[k];
        below[k] += (half + 1) & (0 - up);
        len[k] = half - (up & ~len[k]);
        open |= len[k];
    }
    return open;
}

/* The cells of WIDE values. */
static inline void find_wide(const struct vg_grid *grid, const double *x, uint32_t *cells)
{
    const struct vg_grid_index *index = grid->index;
    const double *q = grid->q;
    uint32_t below[WIDE], len[WIDE], open = 0;
    UNROLLED
    for (int k = 0; k < WIDE; k++) {
        uint32_t b = find_bucket(index, x[k]);
        below[k] = index->begin[b];
        len[k] = index->begin[b + 1] - below[k];
        open |= len[k];
    }
    while (open)
        open = step_searches(q, x, below, len);
    UNROLLED
    for (int k = 0; k < WIDE; k++) {
        uint32_t last = below[k] - (below[k] > 0);
        cells[k] = 2 * below[k] - (q[last] == x[k]);
    }
}

void vg_grid_count(const struct vg_grid *grid, const double *x, size_t n, uint64_t *cells)
{
    size_t i = 0;
    for (; grid->index && i + WIDE <= n; i += WIDE) {
        uint32_t at[WIDE];
        find_wide(grid, x + i, at);
        UNROLLED
        for (int k = 0; k < WIDE; k++)
            cells[at[k]]++;
    }
    for (; i < n; i++)
        cells[vg_grid_cell(grid, x[i])]++;
}

void vg_grid_find(const struct vg_grid *grid, const double *x, size_t n, uint32_t *cells)
{
    size_t i = 0;
    for (; grid->index && i + WIDE <= n; i += WIDE)
        find_wide(grid, x + i, cells + i);
    for (; i < n; i++)
        cells[i] = vg_grid_cell(grid, x[i]);
}

int vg_grid_choose_coarse(struct vg_grid *grid, const uint64_t *cells)
{
    uint32_t chosen[VG_COARSE], n = 0, i = 0;
    double total = 0, below = 0, before = 0; /* mass below q[i]; up to and with q[i - 1] */
    if (grid->n <= VG_COARSE) {
        for (; n < grid->n; n++)
            chosen[n] = n;
    }
    for (size_t c = 0; c <= 2 * (size_t)grid->n; c++)
        total += (double)cells[c];
    if (total <= 0 && grid->n > VG_COARSE)
        return 0;
    below = (double)cells[0];
    for (uint32_t j = 1; grid->n > VG_COARSE && j <= VG_COARSE; j++) {
        double target = total * j / (VG_COARSE + 1);
        while (i + 1 < grid->n && below + (double)cells[2 * i + 1] < target) {
            before = below + (double)cells[2 * i + 1];
            below = before + (double)cells[2 * i + 2];
            i++;
        }
        uint32_t nearest = i && target - before < below - target ? i - 1 : i;
        if (!n || nearest > chosen[n - 1])
            chosen[n++] = nearest;
    }
    uint32_t *coarse = vg_array(n, sizeof *coarse);
    if (!coarse)
        return -1;
    memcpy(coarse, chosen, n * sizeof *coarse);
    free(grid->coarse);
    grid->coarse = coarse;
    grid->ncoarse = n;
    grid->id = hash_grid(grid);
    return 0;
}
