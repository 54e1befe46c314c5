/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stream of COPY BINARY: header, rows, trailer. Whole rows are copied into one block, the
 * places of their fields noted, and decoded column by column when the block is full; a row larger
 * than the block is decoded where it lies. Rows cut by the feeder are put together in `partial`
 * first. */
#include "agent/pg/decode.h"

#include <stdlib.h>
#include <string.h>

#include "agent/pg/decode_column.h"
#include "agent/pg/decode_wire.h"

static const uint8_t signature[11] = "PGCOPY\n\377\r\n";

enum {
    HEADER_SIZE = 19, /* signature, flags, length of the extension */
    EXTENSION_MAX = 1 << 16,
    ROW_MAX = 1 << 30, /* PostgreSQL makes no message larger */
    ROW_HEAD = 2,      /* number of fields */
    FIELD_HEAD = 4,    /* length of a field */
    TRAILER = 0xffff,
    /* All arrays of a batch together; many columns make batches of fewer rows. */
    ARRAYS_BYTES = 4 << 20,
    ROWS_MIN = 16,
    /* Keeps columns' arrays from falling on the same cache lines' sets. */
    STAGGER = 16,
};

enum part { PART_HEADER, PART_ROWS, PART_DONE };

struct vg_decoder {
    int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err);
    void *arg;
    struct vg_field *fields;
    struct vg_column *columns; /* what a batch shows */
    size_t ncolumns, rows_max;
    uint8_t *block; /* VG_BATCH_BYTES of whole rows */
    size_t filled, nrows;
    uint64_t total; /* rows handed over */
    size_t largest;
    uint8_t *clean; /* rows_max states of VALUE, never written */
    void *arrays;   /* memory of all fields' arrays */
    enum part part;
    struct {
        uint8_t *data;
        size_t len, cap;
    } partial; /* bytes of the row or header that is not complete yet */
};

/* The bytes of one row in the arrays of one column. */
static size_t row_bytes(const struct vg_query_column *column)
{
    size_t n = sizeof(uint32_t) + sizeof(uint8_t);
    if (column->kind != VG_KIND_TEXT && column->kind != VG_KIND_OTHER)
        n += sizeof(double);
    if (column->kind == VG_KIND_TEXT || column->raw)
        n += sizeof(struct vg_slice);
    return n;
}

static size_t round_up(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

/* Hands out the next piece of the arrays. */
static void *take_array(uint8_t **next, size_t n)
{
    void *array = *next;
    *next += round_up(n);
    return array;
}

static int lay_out_fields(struct vg_decoder *d, const struct vg_query_column *columns,
                          struct vg_error *err)
{
    size_t per_row = sizeof(uint8_t), fixed = 0;
    for (size_t c = 0; c < d->ncolumns; c++)
        per_row += row_bytes(&columns[c]);
    d->rows_max = ARRAYS_BYTES / per_row;
    if (d->rows_max > VG_BATCH_ROWS)
        d->rows_max = VG_BATCH_ROWS;
    if (d->rows_max < ROWS_MIN)
        d->rows_max = ROWS_MIN;
    size_t rows = d->rows_max + STAGGER;
    fixed = 4 * 16 * (d->ncolumns + 1); /* what round_up() may add */
    uint8_t *next = d->arrays = calloc(1, per_row * rows + fixed);
    if (!next)
        return vg_fail(err, VG_E_MEMORY, "out of memory for %zu columns", d->ncolumns);
    d->clean = take_array(&next, rows);
    for (size_t c = 0; c < d->ncolumns; c++) {
        struct vg_field *f = &d->fields[c];
        if (vg_field_setup(f, &columns[c]) != 0)
            return vg_fail(err, VG_E_INTERNAL, "column %zu: kind %s does not fit type %u", c + 1,
                           vg_kind_name(columns[c].kind), columns[c].wire_oid);
        f->at = take_array(&next, rows * sizeof *f->at);
        f->state = take_array(&next, rows);
        if (columns[c].kind != VG_KIND_TEXT && columns[c].kind != VG_KIND_OTHER)
            f->num = take_array(&next, rows * sizeof *f->num);
        if (columns[c].kind == VG_KIND_TEXT || columns[c].raw)
            f->raw = take_array(&next, rows * sizeof *f->raw);
    }
    return 0;
}

int vg_decoder_new(const struct vg_query_column *columns, size_t ncolumns,
                   int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
                   void *arg, struct vg_decoder **out, struct vg_error *err)
{
    struct vg_decoder *d = calloc(1, sizeof *d);
    if (!d)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a decoder");
    d->each = each;
    d->arg = arg;
    d->ncolumns = ncolumns;
    d->fields = vg_array(ncolumns + 1, sizeof *d->fields);
    d->columns = vg_array(ncolumns + 1, sizeof *d->columns);
    d->block = calloc(1, VG_BATCH_BYTES);
    if (!d->fields || !d->columns || !d->block) {
        vg_fail(err, VG_E_MEMORY, "out of memory for a decoder");
        goto out;
    }
    if (lay_out_fields(d, columns, err) != 0)
        goto out;
    *out = d;
    return 0;
out:
    vg_decoder_free(d);
    return -1;
}

void vg_decoder_free(struct vg_decoder *decoder)
{
    if (!decoder)
        return;
    free(decoder->partial.data);
    free(decoder->arrays);
    free(decoder->block);
    free(decoder->columns);
    free(decoder->fields);
    free(decoder);
}

uint64_t vg_decoder_rows(const struct vg_decoder *decoder)
{
    return decoder->total + decoder->nrows;
}

size_t vg_decoder_largest(const struct vg_decoder *decoder)
{
    return decoder->largest;
}

/* Decodes the rows noted so far, which lie in `base`, and hands them over. */
static int hand_over(struct vg_decoder *d, const uint8_t *base, struct vg_error *err)
{
    if (d->nrows == 0)
        return 0;
    for (size_t c = 0; c < d->ncolumns; c++) {
        struct vg_field *f = &d->fields[c];
        size_t bad = 0;
        if (vg_field_batch(f, base, d->nrows, d->clean, &d->columns[c], &bad) != 0)
            return vg_fail(err, VG_E_DATA, "row %llu, column %zu: malformed value",
                           (unsigned long long)(d->total + bad + 1), c + 1);
        f->nulls = 0;
    }
    struct vg_batch batch = {.nrows = d->nrows, .ncols = d->ncolumns, .cols = d->columns};
    d->total += d->nrows;
    d->nrows = 0;
    d->filled = 0;
    return d->each(d->arg, &batch, err);
}

static int reject_field(const struct vg_decoder *d, size_t c, int32_t len, struct vg_error *err)
{
    return vg_fail(err, VG_E_DATA, "row %llu, column %zu: a field of %d bytes where %u are due",
                   (unsigned long long)(vg_decoder_rows(d) + 1), c + 1, len, d->fields[c].width);
}

/* Takes back the nulls of the first n fields of a row that turned out to be incomplete. */
static void forget_row(struct vg_decoder *d, size_t n)
{
    for (size_t c = 0; c < n; c++)
        d->fields[c].nulls -= d->fields[c].at[d->nrows] == 0;
}

/* Notes where the fields of the row at p lie when its first byte comes to stand at `base`. Sets
 * *size to the row's, 0 when it is not complete. */
static int walk_row(struct vg_decoder *d, const uint8_t *p, size_t avail, size_t base, size_t *size,
                    struct vg_error *err)
{
    size_t pos = ROW_HEAD, row = d->nrows;
    *size = 0;
    for (size_t c = 0; c < d->ncolumns; c++) {
        struct vg_field *f = &d->fields[c];
        if (avail - pos < FIELD_HEAD) {
            forget_row(d, c);
            return 0;
        }
        int32_t len = (int32_t)read_u32(p + pos);
        pos += FIELD_HEAD;
        if (len == -1) {
            f->at[row] = 0;
            f->nulls++;
            continue;
        }
        /* Taking a fixed width, not the length just read, lets the processor run ahead. */
        size_t step = f->width ? f->width : (size_t)len;
        if (len < 0 || (f->width && (uint32_t)len != f->width))
            return reject_field(d, c, len, err);
        if (avail - pos < step) {
            forget_row(d, c);
            return 0;
        }
        f->at[row] = (uint32_t)(base + pos);
        pos += step;
    }
    *size = pos;
    return 0;
}

/* A row that is not to be copied: it alone is larger than the block. */
static int take_large_row(struct vg_decoder *d, const uint8_t *p, size_t avail,
                          struct vg_error *err)
{
    size_t size;
    if (walk_row(d, p, avail, 0, &size, err) != 0)
        return -1;
    d->nrows = 1;
    return hand_over(d, p, err);
}

/* Copies a whole row, whose fields have been noted, into the block. */
static int keep_row(struct vg_decoder *d, const uint8_t *p, size_t size, struct vg_error *err)
{
    if (size > d->largest)
        d->largest = size;
    if (d->filled + size > VG_BATCH_BYTES) {
        forget_row(d, d->ncolumns);
        if (hand_over(d, d->block, err) != 0)
            return -1;
        if (size > VG_BATCH_BYTES)
            return take_large_row(d, p, size, err);
        if (walk_row(d, p, size, 0, &size, err) != 0)
            return -1;
    }
    memcpy(d->block + d->filled, p, size);
    d->filled += size;
    d->nrows++;
    return d->nrows == d->rows_max ? hand_over(d, d->block, err) : 0;
}

/* Every take_ function sets *used to the bytes it consumed, 0 when more are needed first. */
static int take_row(struct vg_decoder *d, const uint8_t *p, size_t avail, size_t *used,
                    struct vg_error *err)
{
    *used = 0;
    if (avail < ROW_HEAD)
        return 0;
    unsigned count = read_u16(p);
    if (count == TRAILER) {
        d->part = PART_DONE;
        *used = ROW_HEAD;
        return 0;
    }
    if (count != d->ncolumns)
        return vg_fail(err, VG_E_DATA, "row %llu has %u fields where %zu are due",
                       (unsigned long long)(vg_decoder_rows(d) + 1), count, d->ncolumns);
    if (walk_row(d, p, avail, d->filled, used, err) != 0)
        return -1;
    return *used ? keep_row(d, p, *used, err) : 0;
}

static int take_header(struct vg_decoder *d, const uint8_t *p, size_t avail, size_t *used,
                       struct vg_error *err)
{
    *used = 0;
    size_t n = avail < sizeof signature ? avail : sizeof signature;
    if (memcmp(p, signature, n) != 0)
        return vg_fail(err, VG_E_DATA, "the stream does not begin as a binary COPY");
    if (avail < HEADER_SIZE)
        return 0;
    uint32_t flags = read_u32(p + sizeof signature);
    uint32_t extension = read_u32(p + sizeof signature + 4);
    /* The upper half of the flags, row identities among them, changes the format of rows. */
    if (flags >> 16 || extension > EXTENSION_MAX)
        return vg_fail(err, VG_E_DATA, "a binary COPY of an unknown version (flags 0x%08x)", flags);
    if (avail - HEADER_SIZE < extension)
        return 0;
    *used = HEADER_SIZE + extension;
    d->part = PART_ROWS;
    return 0;
}

/* Makes `partial` hold n bytes more than len. */
static int grow_partial(struct vg_decoder *d, size_t n, struct vg_error *err)
{
    if (n > ROW_MAX || d->partial.len > ROW_MAX - n)
        return vg_fail(err, VG_E_LIMIT, "a row of more than %d bytes", ROW_MAX);
    void *data = d->partial.data;
    if (vg_grow(&data, &d->partial.cap, d->partial.len + n, 1) != 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory for a row of %zu bytes",
                       d->partial.len + n);
    d->partial.data = data;
    return 0;
}

static int take_all(struct vg_decoder *d, const uint8_t *p, size_t size, size_t *done,
                    struct vg_error *err)
{
    size_t used = 1;
    for (*done = 0; used && *done < size && d->part != PART_DONE; *done += used) {
        int rc = d->part == PART_HEADER ? take_header(d, p + *done, size - *done, &used, err)
                                        : take_row(d, p + *done, size - *done, &used, err);
        if (rc != 0)
            return -1;
    }
    if (d->part == PART_DONE && *done < size)
        return vg_fail(err, VG_E_DATA, "the stream goes on after its end");
    return 0;
}

int vg_decoder_feed(struct vg_decoder *decoder, const void *data, size_t size, struct vg_error *err)
{
    struct vg_decoder *d = decoder;
    size_t done;
    if (size == 0)
        return 0;
    if (d->partial.len == 0) {
        if (take_all(d, data, size, &done, err) != 0)
            return -1;
        if (done == size)
            return 0;
        if (grow_partial(d, size - done, err) != 0)
            return -1;
        memcpy(d->partial.data, (const uint8_t *)data + done, size - done);
        d->partial.len = size - done;
        return 0;
    }
    if (grow_partial(d, size, err) != 0)
        return -1;
    memcpy(d->partial.data + d->partial.len, data, size);
    d->partial.len += size;
    if (take_all(d, d->partial.data, d->partial.len, &done, err) != 0)
        return -1;
    d->partial.len -= done;
    memmove(d->partial.data, d->partial.data + done, d->partial.len);
    return 0;
}

int vg_decoder_finish(struct vg_decoder *decoder, struct vg_error *err)
{
    if (decoder->part != PART_DONE)
        return vg_fail(err, VG_E_DATA, "the stream broke off after row %llu",
                       (unsigned long long)vg_decoder_rows(decoder));
    return hand_over(decoder, decoder->block, err);
}
