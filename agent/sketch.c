/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pass one of a reference capture: distinct values while they are few, then a ladder of compactors.
 *
 * Values are kept as 64-bit keys in the order of the doubles. Level h holds keys that stand for 2^h
 * values each. A full level is sorted and every other key of it climbs one level, the offset drawn
 * at random for one compaction and opposite for the next of that level, so that their errors
 * cancel: Manku, Rajagopalan, Lindsay, "Approximate Medians and other Quantiles in One Pass and
 * with Limited Memory" (SIGMOD 1998) with the random offsets of Agarwal et al., "Mergeable
 * Summaries" (PODS 2012). The generator is seeded with a constant: the same values in the same
 * order give the same grid. */
#include "agent/sketch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 64, FIRST_SLOTS = 256 };
static const uint32_t CAPACITY_PER_THRESHOLD = 32, CAPACITY_MIN = 1u << 17, CAPACITY_MAX = 1u << 19;

struct level {
    uint64_t *keys;
    size_t n, capacity;
    bool opposite; /* the next compaction takes the offset not taken by the last */
    size_t offset;
};

struct distinct {
    uint64_t key, count; /* count 0: free */
};

struct vg_sketch {
    uint32_t resolution;
    uint64_t count, random;
    double min, max;
    struct distinct *table; /* open addressing; NULL once values are poured into the ladder */
    size_t slots, ndistinct;
    size_t level_capacity; /* even */
    struct level levels[LEVELS];
    uint64_t *scratch; /* of sorting, level_capacity keys */
};

/* Order-preserving: negative doubles have all bits turned, others the sign bit set. */
static uint64_t key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((0 - (bits >> 63)) | UINT64_C(1) << 63);
}

static double value_of(uint64_t key)
{
    uint64_t bits = key ^ (((key >> 63) - 1) | UINT64_C(1) << 63);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static size_t choose_capacity(uint32_t resolution)
{
    uint32_t wanted = CAPACITY_PER_THRESHOLD * resolution, capacity = CAPACITY_MIN;
    while (capacity < wanted && capacity < CAPACITY_MAX)
        capacity *= 2;
    return capacity;
}

struct vg_sketch *vg_sketch_new(uint32_t resolution)
{
    if (resolution < 2 || resolution > VG_GRID_MAX)
        BUG("a sketch of resolution %u", resolution);
    struct vg_sketch *sketch = calloc(1, sizeof *sketch);
    if (!sketch)
        return NULL;
    sketch->resolution = resolution;
    sketch->random = UINT64_C(0x243f6a8885a308d3);
    sketch->min = INFINITY;
    sketch->max = -INFINITY;
    sketch->slots = FIRST_SLOTS;
    sketch->level_capacity = choose_capacity(resolution);
    sketch->table = vg_array(sketch->slots, sizeof *sketch->table);
    if (sketch->table)
        return sketch;
    free(sketch);
    return NULL;
}

void vg_sketch_free(struct vg_sketch *sketch)
{
    if (!sketch)
        return;
    for (size_t h = 0; h < LEVELS; h++)
        free(sketch->levels[h].keys);
    free(sketch->table);
    free(sketch->scratch);
    free(sketch);
}

uint64_t vg_sketch_count(const struct vg_sketch *sketch)
{
    return sketch->count;
}

/* SplitMix64. */
static uint64_t draw(struct vg_sketch *sketch)
{
    uint64_t x = sketch->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* --- sorting: least significant digit first, eleven bits at a time ---------------------------- */

enum { DIGITS = 6, DIGIT_BITS = 11, BUCKETS = 1 << DIGIT_BITS };

static bool sort_by_digit(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    uint32_t begin[BUCKETS] = {0}, total = 0;
    for (size_t i = 0; i < n; i++)
        begin[from[i] >> shift & (BUCKETS - 1)]++;
    if (n && begin[from[0] >> shift & (BUCKETS - 1)] == n)
        return false; /* all share this digit */
    for (size_t b = 0; b < BUCKETS; b++) {
        uint32_t size = begin[b];
        begin[b] = total;
        total += size;
    }
    for (size_t i = 0; i < n; i++)
        to[begin[from[i] >> shift & (BUCKETS - 1)]++] = from[i];
    return true;
}

static void sort_keys(uint64_t *keys, uint64_t *scratch, size_t n)
{
    uint64_t *from = keys, *to = scratch;
    for (unsigned d = 0; d < DIGITS; d++) {
        if (!sort_by_digit(from, to, n, d * DIGIT_BITS))
            continue;
        uint64_t *held = from;
        from = to;
        to = held;
    }
    if (from != keys)
        memcpy(keys, from, n * sizeof *keys);
}

/* --- the ladder ------------------------------------------------------------------------------- */

static int push_keys(struct vg_sketch *sketch, size_t h, const uint64_t *keys, size_t n);

static int reserve_scratch(struct vg_sketch *sketch)
{
    if (!sketch->scratch)
        sketch->scratch = vg_array(sketch->level_capacity, sizeof *sketch->scratch);
    return sketch->scratch ? 0 : -1;
}

static int compact(struct vg_sketch *sketch, size_t h)
{
    struct level *level = &sketch->levels[h];
    if (h + 1 == LEVELS || reserve_scratch(sketch) < 0)
        return -1;
    sort_keys(level->keys, sketch->scratch, level->n);
    level->offset = level->opposite ? 1 - level->offset : draw(sketch) & 1;
    level->opposite = !level->opposite;
    size_t half = level->n / 2;
    for (size_t i = 0; i < half; i++)
        level->keys[i] = level->keys[2 * i + level->offset];
    level->n = 0;
    return push_keys(sketch, h + 1, level->keys, half);
}

/* A level never stays full, so a compaction always halves exactly level_capacity keys and no weight
 * is lost. */
static int push_keys(struct vg_sketch *sketch, size_t h, const uint64_t *keys, size_t n)
{
    struct level *level = &sketch->levels[h];
    while (n) {
        size_t room = sketch->level_capacity - level->n, some = n < room ? n : room;
        void *grown = level->keys;
        if (vg_grow(&grown, &level->capacity, level->n + some, sizeof *level->keys) < 0)
            return -1;
        level->keys = grown;
        memcpy(level->keys + level->n, keys, some * sizeof *keys);
        level->n += some;
        keys += some;
        n -= some;
        if (level->n == sketch->level_capacity && compact(sketch, h) < 0)
            return -1;
    }
    return 0;
}

/* --- few distinct values ---------------------------------------------------------------------- */

static size_t find_slot(const struct distinct *table, size_t slots, uint64_t key)
{
    uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (hash ^ hash >> 32) & (slots - 1);
    while (table[i].count && table[i].key != key)
        i = (i + 1) & (slots - 1);
    return i;
}

static int grow_table(struct vg_sketch *sketch)
{
    size_t slots = 2 * sketch->slots;
    struct distinct *table = vg_array(slots, sizeof *table);
    if (!table)
        return -1;
    for (size_t i = 0; i < sketch->slots; i++) {
        if (sketch->table[i].count)
            table[find_slot(table, slots, sketch->table[i].key)] = sketch->table[i];
    }
    free(sketch->table);
    sketch->table = table;
    sketch->slots = slots;
    return 0;
}

/* Too many distinct values: each goes to the levels that make up its count in binary. */
static int pour(struct vg_sketch *sketch)
{
    for (size_t i = 0; i < sketch->slots; i++) {
        const struct distinct *entry = &sketch->table[i];
        for (size_t h = 0; h < LEVELS; h++) {
            bool has = entry->count >> h & 1;
            if (has && push_keys(sketch, h, &entry->key, 1) < 0)
                return -1;
        }
    }
    free(sketch->table);
    sketch->table = NULL;
    return 0;
}

static int count_distinct(struct vg_sketch *sketch, uint64_t key)
{
    size_t i = find_slot(sketch->table, sketch->slots, key);
    if (sketch->table[i].count++)
        return 0;
    sketch->table[i].key = key;
    sketch->ndistinct++;
    if (sketch->ndistinct > sketch->resolution)
        return pour(sketch);
    return 2 * sketch->ndistinct > sketch->slots ? grow_table(sketch) : 0;
}

/* A run of keys that are already counted into count, min and max. */
static int add_keys(struct vg_sketch *sketch, const uint64_t *keys, size_t n)
{
    size_t i = 0;
    for (; i < n && sketch->table; i++) {
        if (count_distinct(sketch, keys[i]) < 0)
            return -1;
    }
    return push_keys(sketch, 0, keys + i, n - i);
}

int vg_sketch_add(struct vg_sketch *sketch, const double *x, size_t n, struct vg_error *err)
{
    uint64_t keys[512];
    for (size_t i = 0; i < n;) {
        size_t k = 0;
        for (; i < n && k < sizeof keys / sizeof *keys; i++) {
            double value = x[i] + 0.0; /* -0.0 becomes 0.0 */
            if (!isfinite(value))
                continue;
            sketch->min = value < sketch->min ? value : sketch->min;
            sketch->max = value > sketch->max ? value : sketch->max;
            keys[k++] = key_of(value);
        }
        sketch->count += k;
        if (add_keys(sketch, keys, k) < 0)
            return vg_fail(err, VG_E_MEMORY, "out of memory for the distribution of a column");
    }
    return 0;
}

/* --- the grid --------------------------------------------------------------------------------- */

/* Walks all levels, each sorted, as one ascending series of keys and their weights. */
struct walk {
    const struct level *levels;
    size_t nlevels, at[LEVELS];
    uint64_t key, weight;
};

static struct walk start_walk(const struct vg_sketch *sketch)
{
    struct walk walk = {.levels = sketch->levels, .nlevels = LEVELS};
    while (walk.nlevels && !sketch->levels[walk.nlevels - 1].n)
        walk.nlevels--;
    return walk;
}

static bool walk_on(struct walk *walk)
{
    const struct level *levels = walk->levels;
    bool found = false;
    for (size_t h = 0; h < walk->nlevels; h++) {
        bool has = walk->at[h] < levels[h].n;
        if (has && (!found || levels[h].keys[walk->at[h]] < walk->key)) {
            walk->key = levels[h].keys[walk->at[h]];
            found = true;
        }
    }
    walk->weight = 0;
    for (size_t h = 0; found && h < walk->nlevels; h++) {
        for (; walk->at[h] < levels[h].n && levels[h].keys[walk->at[h]] == walk->key; walk->at[h]++)
            walk->weight += UINT64_C(1) << h;
    }
    return found;
}

static uint32_t list_distinct(const struct vg_sketch *sketch, uint64_t *keys)
{
    uint32_t n = 0;
    for (size_t i = 0; i < sketch->slots; i++) {
        if (sketch->table[i].count)
            keys[n++] = sketch->table[i].key;
    }
    return n;
}

/* floor(j (count - 1) / parts), without overflow for any count. */
static uint64_t place_rank(uint64_t count, uint64_t j, uint64_t parts)
{
    return (count - 1) / parts * j + (count - 1) % parts * j / parts;
}

/* The values at `resolution` evenly spaced ranks, ties once; the extremes always, although the
 * ladder may have given them up. */
static uint32_t list_quantiles(const struct vg_sketch *sketch, uint64_t *keys)
{
    struct walk walk = start_walk(sketch);
    uint64_t lowest = key_of(sketch->min), highest = key_of(sketch->max), passed = 0, j = 1;
    uint64_t parts = sketch->resolution - 1;
    uint32_t n = 0;
    keys[n++] = lowest;
    while (j < parts && walk_on(&walk)) {
        passed += walk.weight;
        if (passed <= place_rank(sketch->count, j, parts))
            continue;
        if (walk.key > lowest && walk.key < highest)
            keys[n++] = walk.key;
        while (j < parts && place_rank(sketch->count, j, parts) < passed)
            j++;
    }
    if (highest > lowest)
        keys[n++] = highest;
    return n;
}

/* The masses seen, in the cells of the grid: exact from the table, estimates from the ladder. */
static void fill_cells(const struct vg_sketch *sketch, const struct vg_grid *grid, uint64_t *cells)
{
    struct walk walk = start_walk(sketch);
    for (size_t i = 0; sketch->table && i < sketch->slots; i++) {
        const struct distinct *entry = &sketch->table[i];
        if (entry->count)
            cells[vg_grid_cell(grid, value_of(entry->key))] += entry->count;
    }
    while (!sketch->table && walk_on(&walk))
        cells[vg_grid_cell(grid, value_of(walk.key))] += walk.weight;
}

static int sort_levels(struct vg_sketch *sketch)
{
    for (size_t h = 0; h < LEVELS; h++) {
        struct level *level = &sketch->levels[h];
        if (level->n && reserve_scratch(sketch) < 0)
            return -1;
        if (level->n)
            sort_keys(level->keys, sketch->scratch, level->n);
    }
    return 0;
}

/* The thresholds in ascending order as doubles, in place of their keys. */
static void order_thresholds(uint64_t *keys, uint64_t *scratch, double *q, uint32_t n)
{
    sort_keys(keys, scratch, n);
    for (uint32_t i = 0; i < n; i++)
        q[i] = value_of(keys[i]);
}

int vg_sketch_grid(struct vg_sketch *sketch, struct vg_grid **out, struct vg_error *err)
{
    size_t room = (size_t)sketch->resolution + 2;
    uint64_t *keys = vg_array(room, sizeof *keys), *scratch = vg_array(room, sizeof *scratch);
    double *q = vg_array(room, sizeof *q);
    uint64_t *cells = NULL;
    struct vg_grid *grid = NULL;
    int rc = -1;
    *out = NULL;
    if (!keys || !scratch || !q || sort_levels(sketch) < 0)
        goto out;
    rc = 0;
    if (!sketch->count)
        goto out;
    uint32_t n = sketch->table ? list_distinct(sketch, keys) : list_quantiles(sketch, keys);
    order_thresholds(keys, scratch, q, n);
    grid = vg_grid_new(q, n, sketch->table != NULL);
    cells = vg_array(2 * (size_t)n + 1, sizeof *cells);
    rc = grid && cells ? 0 : -1;
    if (rc < 0)
        goto out;
    fill_cells(sketch, grid, cells);
    rc = vg_grid_choose_coarse(grid, cells);
out:
    free(keys);
    free(scratch);
    free(q);
    free(cells);
    if (rc < 0) {
        vg_grid_free(grid);
        return vg_fail(err, VG_E_MEMORY, "out of memory for the grid of a column");
    }
    *out = grid;
    return 0;
}

size_t vg_sketch_bytes(uint32_t resolution, uint64_t rows)
{
    size_t capacity = choose_capacity(resolution), slots = FIRST_SLOTS;
    while (slots < 2 * (size_t)resolution)
        slots *= 2;
    /* Two tables while one grows; one is there while it is poured. */
    size_t table = slots * sizeof(struct distinct) * 3 / 2, levels = 0;
    for (size_t h = 0; h < LEVELS && rows >> h; h++) {
        uint64_t held = rows >> h < capacity / 2 ? 2 * (rows >> h) + 8 : capacity;
        levels += (size_t)held * sizeof(uint64_t);
    }
    /* of sorting, and as much again while a level grows */
    size_t scratch = 2 * capacity * sizeof(uint64_t);
    /* keys, scratch and thresholds, the grid with its index, cells */
    size_t grid = (size_t)resolution * (3 * 8 + 8 + 4 + 4 * 4 + 2 * 8) + 4096;
    return sizeof(struct vg_sketch) + table + levels + scratch + grid;
}
