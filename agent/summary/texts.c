/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts of a batch into the summary of their column. Short ones, which repeat in most columns, wait
 * in a few slots with the number of times they came: the parts of the summary are then touched once
 * a batch for each value of a category, not once a row. All parts count alike in any order, and
 * what waits is counted before the batch is done. A column whose texts do not repeat waits for
 * nothing. */
#include <endian.h>

#include "agent/summary/parts.h"
#include "pgvigil/oid.h"

enum { UUID_BYTES = 16, UUID_TEXT = 36 };
enum { SLOT_BITS = 6, SLOTS = 1 << SLOT_BITS };

struct waiting {
    struct vg_short_text key;
    struct vg_slice text;
    uint32_t times; /* 0: free */
};

/* The hex digits of 4 bytes: each half of a byte to a byte of its own, then all to letters at once.
 */
static void write_hex(const char *bytes, char out[8])
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint32_t wire;
    memcpy(&wire, bytes, sizeof wire);
    uint64_t x = be32toh(wire);
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & 15 * ones;
    uint64_t letters = (x + 6 * ones) >> 4 & ones;
    x = htobe64(x + '0' * ones + ('a' - '0' - 10) * letters);
    memcpy(out, &x, sizeof x);
}

static void write_uuid(const char *bytes, char out[UUID_TEXT])
{
    char digits[2 * UUID_BYTES];
    for (size_t i = 0; i < UUID_BYTES; i += 4)
        write_hex(bytes + i, digits + 2 * i);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

struct vg_slice vg_text_cell(const struct vg_column *rows, size_t row, char space[36])
{
    struct vg_slice raw = rows->raw[row];
    while (rows->wire_oid == VG_OID_BPCHAR && raw.len && raw.data[raw.len - 1] == ' ')
        raw.len--;
    if (rows->wire_oid != VG_OID_UUID || raw.len != UUID_BYTES)
        return raw;
    write_uuid(raw.data, space);
    return (struct vg_slice){space, UUID_TEXT};
}

static int add_text(struct vg_column_summary *column, struct vg_slice text, uint32_t times)
{
    uint32_t length = vg_utf8_count(text.data, text.len);
    column->empties += text.len ? 0 : times;
    column->length_sum += (uint64_t)length * times;
    column->length_min = length < column->length_min ? length : column->length_min;
    column->length_max = length > column->length_max ? length : column->length_max;
    if (!column->hll && !column->top)
        return 0;
    uint64_t hash = vg_hash64(text.data, text.len);
    if (column->hll)
        vg_hll_add(column->hll, column->hll_bits, hash);
    return column->top ? vg_top_add(column->top, hash, times, text) : 0;
}

/* 1: such a text waits already; 0: it does now, and what waited in its place is counted; -1: out of
 * memory. */
static int let_wait(struct vg_column_summary *column, struct waiting *slots, struct vg_slice text)
{
    struct vg_short_text key = vg_short_text_of(text.data, text.len);
    struct waiting *slot = &slots[vg_short_text_slot(key, text.len, SLOT_BITS)];
    if (slot->times && slot->key.head == key.head && slot->key.tail == key.tail &&
        slot->text.len == text.len) {
        slot->times++;
        return 1;
    }
    if (slot->times && add_text(column, slot->text, slot->times) < 0)
        return -1;
    *slot = (struct waiting){key, text, 1};
    return 0;
}

int vg_texts_count(struct vg_column_summary *column, const struct vg_column *rows, size_t nrows)
{
    char space[UUID_TEXT];
    struct waiting slots[SLOTS];
    bool plain = rows->wire_oid != VG_OID_BPCHAR && rows->wire_oid != VG_OID_UUID;
    size_t met = 0, news = 0;
    for (size_t s = 0; s < SLOTS; s++)
        slots[s].times = 0;
    for (size_t i = 0; i < nrows; i++) {
        if (rows->state[i] != VG_CELL_VALUE)
            continue;
        struct vg_slice text = plain ? rows->raw[i] : vg_text_cell(rows, i, space);
        bool repeats = news < SLOTS || 2 * news < met;
        int rc = text.len <= VG_SHORT_TEXT && repeats ? let_wait(column, slots, text)
                                                      : add_text(column, text, 1);
        if (rc < 0)
            return -1;
        met++;
        news += rc == 0;
    }
    for (size_t s = 0; s < SLOTS; s++) {
        if (slots[s].times && add_text(column, slots[s].text, slots[s].times) < 0)
            return -1;
    }
    return 0;
}
