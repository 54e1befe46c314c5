/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cross products of ranks. The inner loop multiplies 16-bit numbers into 32-bit sums, 64 rows at a
 * time, which no such sum can leave; pairs of columns without a NULL in the batch need the product
 * alone. */
#include "pgvigil/summary_pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"

enum { BLOCK = 64, VERSION = 1, NAME_BYTES = 1 << 16 };

void vg_ranks_make(const struct vg_distribution *dist, int16_t *ranks)
{
    double below = 0, all = dist->n ? (double)dist->n : 1;
    for (size_t i = 0; i < 2 * (size_t)dist->grid->n + 1; i++) {
        double mass = (double)dist->cells[i];
        ranks[i] = (int16_t)lrint(((below + mass / 2) / all - 0.5) * 2 * VG_RANK_MOST);
        below += mass;
    }
}

static size_t count_pairs(uint32_t d)
{
    return (size_t)d * (d + 1) / 2;
}

uint64_t vg_pairs_id(const char *const *names, const uint64_t *grids, size_t n)
{
    uint64_t id = n;
    for (size_t i = 0; i < n; i++) {
        const uint64_t parts[] = {id, vg_hash64(names[i], strlen(names[i])), grids[i]};
        id = vg_hash64(parts, sizeof parts);
    }
    return id;
}

/* Without names yet. */
static struct vg_pairs *make_pairs(uint64_t id, uint32_t d)
{
    if (!d || d > VG_PAIRS_COLUMNS)
        BUG("pairs of %u columns", d);
    struct vg_pairs *pairs = calloc(1, sizeof *pairs);
    if (!pairs)
        return NULL;
    *pairs = (struct vg_pairs){.id = id, .d = d};
    pairs->pairs = vg_array(count_pairs(d), sizeof *pairs->pairs);
    pairs->names = vg_array(d, sizeof *pairs->names);
    if (pairs->pairs && pairs->names)
        return pairs;
    vg_pairs_free(pairs);
    return NULL;
}

struct vg_pairs *vg_pairs_new(uint64_t id, const char *const *names, uint32_t d)
{
    struct vg_pairs *pairs = make_pairs(id, d);
    for (uint32_t i = 0; pairs && i < d; i++) {
        pairs->names[i] = strdup(names[i]);
        if (pairs->names[i])
            continue;
        vg_pairs_free(pairs);
        pairs = NULL;
    }
    return pairs;
}

void vg_pairs_free(struct vg_pairs *pairs)
{
    if (!pairs)
        return;
    for (uint32_t i = 0; pairs->names && i < pairs->d; i++)
        free(pairs->names[i]);
    free(pairs->names);
    free(pairs->pairs);
    free(pairs);
}

int vg_pairs_find(const struct vg_pairs *pairs, const char *name)
{
    for (uint32_t i = 0; i < pairs->d; i++) {
        if (!strcmp(pairs->names[i], name))
            return (int)i;
    }
    return -1;
}

static size_t find_place(uint32_t d, uint32_t i, uint32_t j)
{
    return (size_t)i * d - (size_t)i * (i + 1) / 2 + j;
}

const struct vg_rank_pair *vg_pairs_at(const struct vg_pairs *pairs, uint32_t i, uint32_t j)
{
    return &pairs->pairs[find_place(pairs->d, i, j)];
}

struct vg_pairs *vg_pairs_pick(const struct vg_pairs *pairs, const uint32_t *which, uint32_t d)
{
    const char *names[VG_PAIRS_COLUMNS] = {NULL};
    for (uint32_t i = 0; i < d && i < VG_PAIRS_COLUMNS; i++)
        names[i] = pairs->names[which[i]];
    const uint64_t parts[] = {pairs->id, vg_hash64(which, d * sizeof *which)};
    struct vg_pairs *picked = vg_pairs_new(vg_hash64(parts, sizeof parts), names, d);
    struct vg_rank_pair *to = picked ? picked->pairs : NULL;
    for (uint32_t i = 0; picked && i < d; i++) {
        for (uint32_t j = i; j < d; j++, to++) {
            bool turned = which[i] > which[j];
            *to = *vg_pairs_at(pairs, which[turned ? j : i], which[turned ? i : j]);
            if (turned)
                *to = (struct vg_rank_pair){to->n, to->b, to->a, to->bb, to->aa, to->ab};
        }
    }
    return picked;
}

/* --- counting --- */

struct ranks { /* of one column in a batch, padded with rows without a value to whole blocks */
    int16_t value[VG_BATCH_ROWS]; /* 0 where there is none */
    int16_t there[VG_BATCH_ROWS]; /* all bits, or none */
    uint32_t n;                   /* values */
    int64_t sum;
};

static void load(const int16_t *from, size_t n, struct ranks *out)
{
    out->n = 0;
    out->sum = 0;
    for (size_t i = 0; i < n; i++) {
        bool there = from[i] != VG_RANK_NONE;
        out->there[i] = there ? -1 : 0;
        out->value[i] = there ? from[i] : 0;
        out->n += there;
        out->sum += out->value[i];
    }
    for (size_t i = n; i % BLOCK; i++)
        out->there[i] = out->value[i] = 0;
}

static int64_t multiply(const int16_t *a, const int16_t *b, size_t n)
{
    int64_t sum = 0;
    for (size_t first = 0; first < n; first += BLOCK) {
        int32_t part = 0;
        for (int i = 0; i < BLOCK; i++)
            part += (int32_t)a[first + (size_t)i] * b[first + (size_t)i];
        sum += part;
    }
    return sum;
}

/* Some rows have a value in one of the two only. */
static void add_partial(struct vg_rank_pair *pair, const struct ranks *a, const struct ranks *b,
                        size_t n)
{
    int16_t x[BLOCK], y[BLOCK];
    for (size_t first = 0; first < n; first += BLOCK) {
        int32_t rows = 0, xs = 0, ys = 0;
        for (int i = 0; i < BLOCK; i++) {
            size_t row = first + (size_t)i;
            x[i] = a->value[row] & b->there[row];
            y[i] = b->value[row] & a->there[row];
            rows -= a->there[row] & b->there[row];
            xs += x[i];
            ys += y[i];
        }
        pair->n += (uint64_t)rows;
        pair->a += xs;
        pair->b += ys;
        pair->aa += multiply(x, x, BLOCK);
        pair->bb += multiply(y, y, BLOCK);
        pair->ab += multiply(x, y, BLOCK);
    }
}

static void add_whole(struct vg_rank_pair *pair, const struct ranks *a, const struct ranks *b,
                      const int64_t squares[2], size_t n)
{
    pair->n += n;
    pair->a += a->sum;
    pair->b += b->sum;
    pair->aa += squares[0];
    pair->bb += squares[1];
    pair->ab += multiply(a->value, b->value, n);
}

int vg_pairs_count(struct vg_pairs *pairs, const int16_t *const *ranks, size_t n,
                   struct vg_error *err)
{
    struct ranks *columns = vg_array(pairs->d, sizeof *columns);
    int64_t squares[VG_PAIRS_COLUMNS];
    if (n > VG_BATCH_ROWS)
        BUG("%zu rows of pairs", n);
    if (!columns)
        return vg_fail(err, VG_E_MEMORY, "out of memory counting pairs");
    for (uint32_t i = 0; i < pairs->d; i++) {
        load(ranks[i], n, &columns[i]);
        squares[i] = multiply(columns[i].value, columns[i].value, n);
    }
    struct vg_rank_pair *pair = pairs->pairs;
    for (uint32_t i = 0; i < pairs->d; i++) {
        for (uint32_t j = i; j < pairs->d; j++, pair++) {
            const int64_t both[2] = {squares[i], squares[j]};
            if (columns[i].n == n && columns[j].n == n)
                add_whole(pair, &columns[i], &columns[j], both, n);
            else
                add_partial(pair, &columns[i], &columns[j], n);
        }
    }
    free(columns);
    return 0;
}

int vg_pairs_merge(struct vg_pairs *a, const struct vg_pairs *b, struct vg_error *err)
{
    if (a->id != b->id || a->d != b->d)
        return vg_fail(err, VG_E_INTERNAL, "pairs of other columns cannot be added");
    for (size_t i = 0; i < count_pairs(a->d); i++) {
        struct vg_rank_pair *x = &a->pairs[i];
        const struct vg_rank_pair *y = &b->pairs[i];
        x->n += y->n;
        x->a += y->a;
        x->b += y->b;
        x->aa += y->aa;
        x->bb += y->bb;
        x->ab += y->ab;
    }
    return 0;
}

/* --- blobs --- */

int vg_pairs_write(const struct vg_pairs *pairs, struct vg_buf *out, struct vg_error *err)
{
    size_t start;
    vg_blob_begin(out, VERSION, &start);
    vg_blob_put_u64(out, pairs->id);
    vg_blob_put_count(out, pairs->d);
    for (uint32_t i = 0; i < pairs->d; i++) {
        size_t len = strlen(pairs->names[i]);
        vg_blob_put_count(out, len);
        vg_buf_add(out, pairs->names[i], len);
    }
    for (size_t i = 0; i < count_pairs(pairs->d); i++) {
        const struct vg_rank_pair *pair = &pairs->pairs[i];
        vg_blob_put_count(out, pair->n);
        vg_blob_put_u64(out, (uint64_t)pair->a);
        vg_blob_put_u64(out, (uint64_t)pair->b);
        vg_blob_put_count(out, (uint64_t)pair->aa);
        vg_blob_put_count(out, (uint64_t)pair->bb);
        vg_blob_put_u64(out, (uint64_t)pair->ab);
    }
    vg_blob_end(out, start);
    return out->failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

/* -1 when out of memory. */
static int read_names(struct vg_blob *blob, struct vg_pairs *pairs)
{
    for (uint32_t i = 0; i < pairs->d && !blob->bad; i++) {
        size_t len = (size_t)vg_blob_count_to(blob, NAME_BYTES);
        const uint8_t *bytes = vg_blob_bytes(blob, len);
        pairs->names[i] = bytes ? strndup((const char *)bytes, len) : NULL;
        if (bytes && !pairs->names[i])
            return -1;
        blob->bad |= !bytes || strlen(pairs->names[i]) != len;
    }
    return 0;
}

/* Sums of at most VG_RANK_MOST a row, squares of its square. */
static bool is_possible(const struct vg_rank_pair *pair)
{
    double n = (double)pair->n, most = VG_RANK_MOST;
    return fabs((double)pair->a) <= n * most && fabs((double)pair->b) <= n * most &&
           (double)pair->aa <= n * most * most && (double)pair->bb <= n * most * most &&
           fabs((double)pair->ab) <= n * most * most && pair->aa >= 0 && pair->bb >= 0;
}

int vg_pairs_read(const void *data, size_t size, struct vg_pairs **out, struct vg_error *err)
{
    struct vg_blob blob;
    *out = NULL;
    if (vg_blob_open(&blob, data, size, VERSION, err) < 0)
        return -1;
    uint64_t id = vg_blob_u64(&blob);
    uint32_t d = (uint32_t)vg_blob_count_to(&blob, VG_PAIRS_COLUMNS);
    blob.bad |= !d;
    struct vg_pairs *pairs = make_pairs(id, blob.bad ? 1 : d);
    if (!pairs || read_names(&blob, pairs) < 0) {
        vg_pairs_free(pairs);
        return vg_fail(err, VG_E_MEMORY, "out of memory reading stored pairs");
    }
    for (size_t i = 0; !blob.bad && i < count_pairs(d); i++) {
        struct vg_rank_pair *pair = &pairs->pairs[i];
        pair->n = vg_blob_count(&blob);
        pair->a = (int64_t)vg_blob_u64(&blob);
        pair->b = (int64_t)vg_blob_u64(&blob);
        pair->aa = (int64_t)vg_blob_count(&blob);
        pair->bb = (int64_t)vg_blob_count(&blob);
        pair->ab = (int64_t)vg_blob_u64(&blob);
        blob.bad |= !is_possible(pair);
    }
    if (!blob.bad && blob.at == blob.end) {
        *out = pairs;
        return 0;
    }
    vg_pairs_free(pairs);
    return vg_fail(err, VG_E_STATE, "stored pairs of %zu bytes contradict themselves", size);
}
