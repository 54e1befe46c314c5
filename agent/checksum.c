/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checksums of windows. Pure. A row's hash is made of the wire bytes of its columns, so that a
 * change beyond the digits of a double counts too; nulls differ from empty texts. */
#include "agent/checksum.h"

#include <math.h>
#include <string.h>

#include "agent/summary/private.h"
#include "pgvigil/summary.h"
#include "pgvigil/text.h"

enum { VERSION = 1, NAME_MAX_BYTES = 1000, SUMS_MAX = 10000 };

/* --- Counting --------------------------------------------------------------------------------- */

/* The finaliser of MurmurHash3 (Appleby, public domain): every bit of x reaches every bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static uint64_t hash_row(const struct vg_batch *batch, const size_t *columns, size_t n, size_t row)
{
    uint64_t hash = n;
    for (size_t i = 0; i < n; i++) {
        const struct vg_column *column = &batch->cols[columns[i]];
        bool null = column->state[row] == VG_CELL_NULL;
        uint64_t cell = null || !column->raw
                            ? 1 + (uint64_t)column->state[row]
                            : vg_hash64(column->raw[row].data, column->raw[row].len);
        hash = mix(hash * UINT64_C(0x9e3779b97f4a7c15) + cell);
    }
    return hash;
}

static void add_rows(struct vg_rows_sketch *sketch, const struct vg_batch *batch,
                     const size_t *columns, size_t n)
{
    for (size_t row = 0; row < batch->nrows; row++) {
        uint64_t hash = hash_row(batch, columns, n, row);
        sketch->total += hash;
        sketch->cells[hash % VG_SKETCH_CELLS] += hash >> 63 ? 1 : -1;
    }
}

void vg_checksum_add(struct vg_checksum *checksum, const struct vg_checksum_plan *plan,
                     const struct vg_batch *batch)
{
    if (plan->ncolumns)
        add_rows(&checksum->whole, batch, plan->columns, plan->ncolumns);
    if (plan->nkeys)
        add_rows(&checksum->keys, batch, plan->keys, plan->nkeys);
}

static bool holds(const struct vg_strings *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!strcmp(list->items[i], text))
            return true;
    }
    return false;
}

static int take_sums(struct vg_checksum *checksum, const struct vg_summary *summary,
                     const struct vg_strings *private_columns, struct vg_arena *arena)
{
    struct vg_checksum_sum *sums = vg_arena_array(arena, summary->ncolumns + 1, sizeof *sums);
    if (!sums)
        return -1;
    for (size_t i = 0; i < summary->ncolumns && checksum->nsums < SUMS_MAX; i++) {
        const struct vg_column_summary *column = &summary->columns[i];
        double sum = column->sum.hi + column->sum.lo;
        bool named = strlen(column->name) <= NAME_MAX_BYTES;
        if (column->kind != VG_KIND_NUMBER || !named || holds(private_columns, column->name))
            continue;
        sums[checksum->nsums++] =
            (struct vg_checksum_sum){column->name, vg_column_finite(column), sum};
    }
    checksum->sums = sums;
    return 0;
}

int vg_checksum_finish(struct vg_checksum *checksum, const struct vg_checksum_plan *plan,
                       uint64_t rows, const struct vg_summary *summary,
                       const struct vg_strings *private_columns, struct vg_arena *arena)
{
    checksum->rows = rows;
    checksum->whole.scope = plan->ncolumns ? plan->scope : 0;
    checksum->keys.scope = plan->nkeys ? plan->keys_scope : 0;
    if (plan->is_private && rows < VG_PRIVATE_ROWS) {
        checksum->whole = (struct vg_rows_sketch){0};
        checksum->keys = (struct vg_rows_sketch){0};
    }
    return take_sums(checksum, summary, private_columns, arena);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void put_number(struct vg_buf *out, uint64_t x)
{
    for (; x > 127; x >>= 7)
        vg_buf_putc(out, (char)(unsigned char)((x & 127) | 128));
    vg_buf_putc(out, (char)x);
}

static void put_sketch(struct vg_buf *out, const struct vg_rows_sketch *sketch)
{
    put_number(out, sketch->scope);
    if (!sketch->scope)
        return;
    put_number(out, sketch->total);
    for (size_t i = 0; i < VG_SKETCH_CELLS; i++) {
        uint64_t twice = (uint64_t)sketch->cells[i] << 1;
        put_number(out, sketch->cells[i] < 0 ? ~twice : twice);
    }
}

void vg_checksum_write(const struct vg_checksum *checksum, struct vg_buf *out)
{
    put_number(out, VERSION);
    put_number(out, checksum->rows);
    put_sketch(out, &checksum->keys);
    put_sketch(out, &checksum->whole);
    put_number(out, checksum->nsums);
    for (size_t i = 0; i < checksum->nsums; i++) {
        const struct vg_checksum_sum *sum = &checksum->sums[i];
        size_t len = strlen(sum->column);
        uint64_t bits;
        memcpy(&bits, &sum->sum, sizeof bits);
        put_number(out, len);
        vg_buf_add(out, sum->column, len);
        put_number(out, sum->n);
        put_number(out, bits);
    }
}

struct bytes {
    const unsigned char *at, *end;
    bool bad;
};

static uint64_t get_number(struct bytes *in)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        unsigned char byte = *in->at++;
        x |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return x;
    }
    in->bad = true;
    return 0;
}

static void get_sketch(struct bytes *in, struct vg_rows_sketch *out)
{
    *out = (struct vg_rows_sketch){.scope = get_number(in)};
    if (!out->scope)
        return;
    out->total = get_number(in);
    for (size_t i = 0; i < VG_SKETCH_CELLS; i++) {
        uint64_t x = get_number(in);
        out->cells[i] = (int64_t)(x & 1 ? ~(x >> 1) : x >> 1);
    }
}

static void get_sum(struct bytes *in, struct vg_arena *arena, struct vg_checksum_sum *out)
{
    uint64_t len = get_number(in);
    if (in->bad || len > NAME_MAX_BYTES || len > (uint64_t)(in->end - in->at)) {
        in->bad = true;
        return;
    }
    out->column = vg_arena_strndup(arena, (const char *)in->at, (size_t)len);
    in->at += len;
    out->n = get_number(in);
    uint64_t bits = get_number(in);
    memcpy(&out->sum, &bits, sizeof bits);
}

int vg_checksum_read(const void *data, size_t size, struct vg_arena *arena, struct vg_checksum *out,
                     struct vg_error *err)
{
    struct bytes in = {.at = data, .end = (const unsigned char *)data + size};
    *out = (struct vg_checksum){0};
    if (get_number(&in) != VERSION)
        return vg_fail(err, VG_E_DATA, "a stored checksum is of another version");
    out->rows = get_number(&in);
    get_sketch(&in, &out->keys);
    get_sketch(&in, &out->whole);
    uint64_t nsums = get_number(&in);
    if (in.bad || nsums > SUMS_MAX)
        return vg_fail(err, VG_E_DATA, "a stored checksum is damaged");
    struct vg_checksum_sum *sums = vg_arena_array(arena, (size_t)nsums + 1, sizeof *sums);
    if (!sums)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < nsums && !in.bad; i++) {
        get_sum(&in, arena, &sums[i]);
        if (!in.bad && !sums[i].column)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    out->sums = sums;
    out->nsums = (size_t)nsums;
    return in.bad || in.at != in.end ? vg_fail(err, VG_E_DATA, "a stored checksum is damaged") : 0;
}

/* --- Comparing -------------------------------------------------------------------------------- */

/* Rows that only one of two sketches of the same scope has, about; 0 only when they are equal. */
static double differ(const struct vg_rows_sketch *a, const struct vg_rows_sketch *b)
{
    double squares = 0;
    for (size_t i = 0; i < VG_SKETCH_CELLS; i++) {
        double d = (double)a->cells[i] - (double)b->cells[i];
        squares += d * d;
    }
    return squares == 0 && a->total != b->total ? 2 : squares;
}

static bool comparable(const struct vg_rows_sketch *a, const struct vg_rows_sketch *b)
{
    return a->scope && a->scope == b->scope;
}

/* Twice the standard error of what is estimated: the simpler story is told within it. Of fewer than
 * a dozen rows it is less than the least step. */
static const double noise = 0.177; /* 2 sqrt(2 / VG_SKETCH_CELLS) */

/* Splits what differs by what is known: growth exactly, the difference of keys, that of rows. */
static void split(struct vg_revisit *out, const double *keys, double rows)
{
    double growth = (double)out->rows_now - (double)out->rows_then;
    double apart = fmax(keys ? *keys : rows, fabs(growth));
    rows = fmax(rows, apart);
    if (apart - fabs(growth) <= noise * apart)
        apart = fabs(growth);
    if (rows - apart <= noise * rows)
        rows = apart;
    double all = keys ? apart : rows;
    double added = round((all + growth) / 2), removed = round((all - growth) / 2);
    if (keys) {
        out->changed = round(fmax(0, rows - apart) / 2);
    } else {
        out->changed = fmin(added, removed);
        added -= out->changed;
        removed -= out->changed;
    }
    out->added = added;
    out->removed = removed;
    if (rows > 0 && added + removed + out->changed < 1)
        out->changed = 1;
}

static const struct vg_checksum_sum *find_sum(const struct vg_checksum *checksum, const char *name)
{
    for (size_t i = 0; i < checksum->nsums; i++) {
        if (!strcmp(checksum->sums[i].column, name))
            return &checksum->sums[i];
    }
    return NULL;
}

/* Sums are added up in the order of rows: the last digits say nothing. */
static double moved(const struct vg_checksum_sum *then, const struct vg_checksum_sum *now)
{
    double change = fabs(now->sum - then->sum);
    double scale = fmax(fabs(now->sum), fabs(then->sum));
    if (!isfinite(change))
        return 0;
    return change > 1e-9 * scale ? change / scale : 0;
}

static void compare_sums(const struct vg_checksum *then, const struct vg_checksum *now,
                         struct vg_revisit *out)
{
    double most = 0;
    for (size_t i = 0; i < now->nsums; i++) {
        const struct vg_checksum_sum *b = &now->sums[i], *a = find_sum(then, b->column);
        double change = a ? moved(a, b) : 0;
        out->same = out->same && (!a || (a->n == b->n && change == 0));
        if (change <= most)
            continue;
        most = change;
        out->column = b->column;
        out->sum_then = a->sum;
        out->sum_now = b->sum;
    }
}

void vg_checksum_compare(const struct vg_checksum *then, const struct vg_checksum *now,
                         struct vg_revisit *out)
{
    out->rows_then = then->rows;
    out->rows_now = now->rows;
    out->compared = comparable(&then->whole, &now->whole);
    out->same = then->rows == now->rows;
    if (out->compared) {
        bool keyed = comparable(&then->keys, &now->keys);
        double keys = keyed ? differ(&then->keys, &now->keys) : 0;
        double rows = differ(&then->whole, &now->whole);
        out->same = out->same && rows == 0;
        split(out, keyed ? &keys : NULL, rows);
    } else {
        split(out, NULL, 0);
        out->why_not = then->whole.scope && now->whole.scope
                           ? "other columns were read then"
                           : "the rows are sampled, or private and fewer than 10";
    }
    compare_sums(then, now, out);
    /* Nothing but a sum tells that some row has changed. */
    if (!out->same && out->added + out->removed + out->changed < 1)
        out->changed = 1;
}
