/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A column summary as a blob, and back. About 4 kB for a number: coarse cells as varints, registers
 * in six bits each or, while few are set, as a list. Fine cells are never written. What is read is
 * checked throughout; the grid is attached by the caller afterwards. */
#include <math.h>
#include <stdlib.h>

#include "agent/summary/parts.h"

/* Version 1 had no count of texts that could not be converted, and no quantiles. */
enum { COLUMN_VERSION = 2, VERSION_WITHOUT_UNCAST = 1 };
enum { HAS_COARSE = 1, HAS_HLL = 2, HAS_TOP = 4, HAS_QUANTILES = 8, HAS_ALL = 15 };
enum { HLL_LIST, HLL_PACKED };
enum { NAME_MAX_BYTES = 1 << 16, PACKED_BYTES = VG_HLL_SIZE * 6 / 8 };

static void write_numbers(const struct vg_column_summary *column, struct vg_buf *out)
{
    vg_blob_put_count(out, column->zeros);
    vg_blob_put_count(out, column->negatives);
    vg_blob_put_double(out, column->min);
    vg_blob_put_double(out, column->max);
    vg_blob_put_double(out, column->sum.hi);
    vg_blob_put_double(out, column->sum.lo);
    vg_blob_put_double(out, column->m2.hi);
    vg_blob_put_double(out, column->m2.lo);
}

static void read_numbers(struct vg_blob *blob, struct vg_column_summary *column)
{
    uint64_t n = vg_column_finite(column);
    column->zeros = vg_blob_count_to(blob, n);
    column->negatives = vg_blob_count_to(blob, n - column->zeros);
    column->min = vg_blob_double(blob);
    column->max = vg_blob_double(blob);
    column->sum.hi = vg_blob_double(blob);
    column->sum.lo = vg_blob_double(blob);
    column->m2.hi = vg_blob_double(blob);
    column->m2.lo = vg_blob_double(blob);
    bool ordered = isfinite(column->min) && isfinite(column->max) && column->min <= column->max;
    blob->bad |= n && !ordered;
}

static void write_lengths(const struct vg_column_summary *column, struct vg_buf *out)
{
    vg_blob_put_count(out, column->empties);
    vg_blob_put_count(out, column->length_sum);
    vg_blob_put_count(out, column->length_min);
    vg_blob_put_count(out, column->length_max);
}

static void read_lengths(struct vg_blob *blob, struct vg_column_summary *column)
{
    uint64_t n = vg_column_finite(column);
    column->empties = vg_blob_count_to(blob, n);
    column->length_sum = vg_blob_count(blob);
    column->length_min = (uint32_t)vg_blob_count_to(blob, UINT32_MAX);
    column->length_max = (uint32_t)vg_blob_count_to(blob, UINT32_MAX);
    blob->bad |= n && column->length_min > column->length_max;
}

static void write_cells(const uint64_t *cells, size_t n, struct vg_buf *out)
{
    vg_blob_put_count(out, n);
    vg_blob_put_counts(out, cells, n);
}

/* The coarse cells, made from the fine ones where only those exist. */
static int write_coarse(const struct vg_column_summary *column, struct vg_buf *out)
{
    if (column->coarse) {
        write_cells(column->coarse, column->coarse_cells, out);
        return 0;
    }
    size_t n = 2 * (size_t)column->grid->ncoarse + 1;
    uint64_t *cells = vg_array(n, sizeof *cells);
    if (!cells)
        return -1;
    vg_cells_coarsen(column->grid, column->fine, cells);
    write_cells(cells, n, out);
    free(cells);
    return 0;
}

/* The cells hold every finite value once, so their sum is known. */
static int read_coarse(struct vg_blob *blob, struct vg_column_summary *column)
{
    uint64_t n = vg_blob_count_to(blob, 2 * VG_GRID_MAX + 1), left = vg_column_finite(column);
    if (n > (uint64_t)(blob->end - blob->at) || n % 2 == 0)
        blob->bad = true;
    if (blob->bad)
        return 0;
    column->coarse = vg_array(n, sizeof *column->coarse);
    if (!column->coarse)
        return -1;
    column->coarse_cells = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        bool small = blob->at < blob->end && *blob->at < 0x80 && *blob->at <= left && !blob->bad;
        column->coarse[i] = small ? *blob->at++ : vg_blob_count_to(blob, left);
        left -= column->coarse[i];
    }
    blob->bad |= left != 0;
    return 0;
}

/* Those of a segment live as long as its window. */
static bool has_registers(const struct vg_column_summary *column)
{
    return column->hll && column->hll_bits == VG_HLL_BITS;
}

static void write_hll_packed(const uint8_t *registers, struct vg_buf *out)
{
    for (size_t i = 0; i < VG_HLL_SIZE; i += 4) {
        uint32_t four = (uint32_t)registers[i] | (uint32_t)registers[i + 1] << 6 |
                        (uint32_t)registers[i + 2] << 12 | (uint32_t)registers[i + 3] << 18;
        uint8_t bytes[3] = {(uint8_t)four, (uint8_t)(four >> 8), (uint8_t)(four >> 16)};
        vg_buf_add(out, bytes, sizeof bytes);
    }
}

/* Few registers of a small window are set: eight that are not are seen at one look. */
static bool are_unset(const uint8_t *registers, size_t i)
{
    uint64_t eight;
    memcpy(&eight, registers + i, sizeof eight);
    return eight == 0;
}

static size_t count_used(const uint8_t *registers)
{
    size_t used = 0;
    for (size_t i = 0; i < VG_HLL_SIZE; i += 8) {
        if (are_unset(registers, i))
            continue;
        for (size_t k = i; k < i + 8; k++)
            used += registers[k] != 0;
    }
    return used;
}

/* Each used one as how many before it are not, and its rank: three bytes at most. */
static void write_hll_list(const uint8_t *registers, struct vg_buf *out)
{
    uint8_t bytes[PACKED_BYTES];
    size_t n = 0, next = 0;
    for (size_t i = 0; i < VG_HLL_SIZE; i += 8) {
        if (are_unset(registers, i))
            continue;
        for (size_t k = i; k < i + 8; k++) {
            size_t gap = k - next;
            if (!registers[k])
                continue;
            if (gap >= 0x80)
                bytes[n++] = (uint8_t)(gap | 0x80);
            bytes[n++] = (uint8_t)(gap >= 0x80 ? gap >> 7 : gap);
            bytes[n++] = registers[k];
            next = k + 1;
        }
    }
    vg_buf_add(out, bytes, n);
}

static void write_hll(const uint8_t *registers, struct vg_buf *out)
{
    size_t used = count_used(registers);
    uint8_t mode = 3 * used < PACKED_BYTES ? HLL_LIST : HLL_PACKED;
    vg_buf_add(out, &mode, 1);
    if (mode == HLL_PACKED) {
        write_hll_packed(registers, out);
        return;
    }
    vg_blob_put_count(out, used);
    write_hll_list(registers, out);
}

static void read_hll_packed(struct vg_blob *blob, uint8_t *registers)
{
    const uint8_t *bytes = vg_blob_bytes(blob, PACKED_BYTES);
    uint8_t most = 0;
    for (size_t i = 0; bytes && i < VG_HLL_SIZE; i += 4, bytes += 3) {
        uint32_t four = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
        for (size_t k = 0; k < 4; k++) {
            uint8_t rank = (four >> (6 * k)) & 63;
            registers[i + k] = rank;
            most = rank > most ? rank : most;
        }
    }
    blob->bad |= most > VG_HLL_RANK_MAX;
}

static int read_hll(struct vg_blob *blob, struct vg_column_summary *column)
{
    column->hll_bits = VG_HLL_BITS;
    column->hll = vg_array(VG_HLL_SIZE, 1);
    if (!column->hll)
        return -1;
    uint8_t mode = vg_blob_byte(blob);
    if (mode == HLL_PACKED) {
        read_hll_packed(blob, column->hll);
    } else {
        uint64_t used = vg_blob_count_to(blob, VG_HLL_SIZE), next = 0;
        for (uint64_t k = 0; k < used && !blob->bad; k++) {
            uint64_t i = next + vg_blob_count_to(blob, VG_HLL_SIZE - 1);
            blob->bad |= i >= VG_HLL_SIZE;
            if (!blob->bad)
                column->hll[i] = vg_blob_byte(blob);
            blob->bad |= !blob->bad && column->hll[i] > VG_HLL_RANK_MAX;
            next = i + 1;
        }
    }
    blob->bad |= mode > HLL_PACKED;
    return 0;
}

static int write_top(const struct vg_top *top, struct vg_buf *out)
{
    size_t n = vg_top_size(top);
    uint8_t sampled = vg_top_sampled(top);
    struct vg_top_entry *entries = vg_array(n, sizeof *entries);
    if (!entries)
        return -1;
    vg_top_list(top, entries);
    vg_buf_add(out, &sampled, 1);
    vg_blob_put_count(out, n);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(entries[i].label);
        vg_blob_put_u64(out, entries[i].hash);
        vg_blob_put_count(out, entries[i].count);
        vg_blob_put_count(out, len);
        vg_buf_add(out, entries[i].label, len);
    }
    free(entries);
    return 0;
}

static int read_entry(struct vg_blob *blob, struct vg_top *top, uint64_t *left)
{
    uint64_t hash = vg_blob_u64(blob), count = vg_blob_count_to(blob, *left);
    uint64_t len = vg_blob_count_to(blob, VG_TOP_LABEL);
    const char *label = (const char *)vg_blob_bytes(blob, len);
    blob->bad |= !count || !label || !vg_utf8_valid(label, len) || memchr(label, 0, len);
    if (blob->bad)
        return 0;
    *left -= count;
    return vg_top_restore(top, hash, count, label, len);
}

static int read_top(struct vg_blob *blob, struct vg_column_summary *column)
{
    column->top = vg_top_new(VG_TOP_EXACT);
    if (!column->top)
        return -1;
    uint8_t sampled = vg_blob_byte(blob);
    uint64_t n = vg_blob_count_to(blob, VG_TOP_EXACT), left = vg_column_finite(column);
    blob->bad |= sampled > 1 || (sampled && !n);
    for (uint64_t i = 0; i < n && !blob->bad; i++) {
        if (read_entry(blob, column->top, &left) < 0)
            return -1;
    }
    if (sampled)
        vg_top_set_sampled(column->top);
    else
        blob->bad |= left != 0;
    return 0;
}

int vg_column_write(const struct vg_column_summary *column, struct vg_buf *out,
                    struct vg_error *err)
{
    size_t start, len = strlen(column->name);
    bool coarse = column->coarse || (column->fine && column->grid);
    uint8_t head[2] = {(uint8_t)column->kind,
                       (uint8_t)((coarse ? HAS_COARSE : 0) | (has_registers(column) ? HAS_HLL : 0) |
                                 (column->top ? HAS_TOP : 0) |
                                 (column->quantiles ? HAS_QUANTILES : 0))};
    int rc = 0;
    vg_blob_begin(out, COLUMN_VERSION, &start);
    vg_blob_put_count(out, len);
    vg_buf_add(out, column->name, len);
    vg_buf_add(out, head, sizeof head);
    vg_blob_put_count(out, column->rows);
    vg_blob_put_count(out, column->nulls);
    vg_blob_put_count(out, column->nans);
    vg_blob_put_count(out, column->pinfs);
    vg_blob_put_count(out, column->ninfs);
    vg_blob_put_count(out, column->uncast);
    if (vg_kind_is_numeric(column->kind))
        write_numbers(column, out);
    if (column->kind == VG_KIND_TEXT)
        write_lengths(column, out);
    vg_blob_put_u64(out, column->grid_id);
    if (coarse)
        rc |= write_coarse(column, out);
    if (has_registers(column))
        write_hll(column->hll, out);
    if (column->top)
        rc |= write_top(column->top, out);
    if (column->quantiles)
        rc |= vg_quantiles_write(column->quantiles, out);
    vg_blob_end(out, start);
    if (rc < 0 || out->failed)
        return vg_fail(err, VG_E_MEMORY, "out of memory writing column %s", column->name);
    return 0;
}

/* Name, kind and plain counts; returns the flags. */
static uint8_t read_head(struct vg_blob *blob, uint8_t version, struct vg_column_summary *column)
{
    uint64_t len = vg_blob_count_to(blob, NAME_MAX_BYTES);
    const char *name = (const char *)vg_blob_bytes(blob, len);
    column->name = name ? strndup(name, len) : NULL;
    uint8_t kind = vg_blob_byte(blob), flags = vg_blob_byte(blob);
    blob->bad |= kind > VG_KIND_TEXT || flags > HAS_ALL;
    column->kind = blob->bad ? VG_KIND_OTHER : (enum vg_kind)kind;
    column->rows = vg_blob_count(blob);
    column->nulls = vg_blob_count_to(blob, vg_column_finite(column));
    column->nans = vg_blob_count_to(blob, vg_column_finite(column));
    column->pinfs = vg_blob_count_to(blob, vg_column_finite(column));
    column->ninfs = vg_blob_count_to(blob, vg_column_finite(column));
    if (version != VERSION_WITHOUT_UNCAST)
        column->uncast = vg_blob_count_to(blob, vg_column_finite(column));
    column->min = INFINITY;
    column->max = -INFINITY;
    column->length_min = UINT32_MAX;
    return flags;
}

int vg_column_read(const void *data, size_t size, struct vg_column_summary **out,
                   struct vg_error *err)
{
    struct vg_blob blob;
    *out = NULL;
    bool old = data && size && *(const uint8_t *)data == VERSION_WITHOUT_UNCAST;
    uint8_t version = old ? VERSION_WITHOUT_UNCAST : COLUMN_VERSION;
    if (vg_blob_open(&blob, data, size, version, err) < 0)
        return -1;
    struct vg_column_summary *column = calloc(1, sizeof *column);
    if (!column)
        return vg_fail(err, VG_E_MEMORY, "out of memory reading a stored summary");
    int rc = 0;
    uint8_t flags = read_head(&blob, version, column);
    if (vg_kind_is_numeric(column->kind))
        read_numbers(&blob, column);
    if (column->kind == VG_KIND_TEXT)
        read_lengths(&blob, column);
    column->grid_id = vg_blob_u64(&blob);
    if (flags & HAS_COARSE)
        rc |= read_coarse(&blob, column);
    if (flags & HAS_HLL)
        rc |= read_hll(&blob, column);
    if (flags & HAS_TOP)
        rc |= read_top(&blob, column);
    if (flags & HAS_QUANTILES)
        rc |= vg_quantiles_read(&blob, vg_column_finite(column), &column->quantiles);
    if (!rc && !blob.bad && column->name && blob.at == blob.end) {
        *out = column;
        return 0;
    }
    vg_column_free(column);
    if (rc < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory reading a stored summary");
    return vg_fail(err, VG_E_STATE, "a stored summary of %zu bytes contradicts itself", size);
}
