/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How often each value of a reference occurs, by hash, and how often the rule "new value" would
 * have spoken in its second half. Pure. Open addressing; a value that has no row has no slot. */
#include <stdlib.h>
#include <string.h>

#include "agent/budget/learn.h"

struct slot {
    uint64_t hash, count; /* count 0: free */
    uint32_t recent;      /* of the rehearsal: rows in the windows that count now */
    bool first, reported;
};
struct vg_values {
    struct slot *slots;
    size_t capacity, n; /* a power of two */
    double rows;
    bool full;
};
enum { FIRST_CAPACITY = 256 };

struct vg_values *vg_values_new(void)
{
    struct vg_values *values = calloc(1, sizeof *values);
    if (!values)
        return NULL;
    values->capacity = FIRST_CAPACITY;
    values->slots = vg_array(values->capacity, sizeof *values->slots);
    if (!values->slots) {
        free(values);
        return NULL;
    }
    return values;
}

void vg_values_free(struct vg_values *values)
{
    if (values)
        free(values->slots);
    free(values);
}

static size_t find_slot(const struct slot *slots, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);
    while (slots[at].count && slots[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return at;
}

static int grow(struct vg_values *values)
{
    size_t capacity = 2 * values->capacity;
    struct slot *slots = vg_array(capacity, sizeof *slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i < values->capacity; i++) {
        if (values->slots[i].count)
            slots[find_slot(slots, capacity, values->slots[i].hash)] = values->slots[i];
    }
    free(values->slots);
    values->slots = slots;
    values->capacity = capacity;
    return 0;
}

int vg_values_add(struct vg_values *values, uint64_t hash, uint64_t count, bool first)
{
    if (!count)
        return 0;
    values->rows += (double)count;
    size_t at = find_slot(values->slots, values->capacity, hash);
    if (!values->slots[at].count) {
        if (values->n == VG_VALUES_MOST) {
            values->full = true;
            return 0;
        }
        if (2 * values->n >= values->capacity) {
            if (grow(values) < 0)
                return -1;
            at = find_slot(values->slots, values->capacity, hash);
        }
        values->n++;
        values->slots[at].hash = hash;
    }
    struct slot *slot = &values->slots[at];
    slot->count = count > UINT64_MAX - slot->count ? UINT64_MAX : slot->count + count;
    slot->first |= first;
    return 0;
}

bool vg_values_full(const struct vg_values *values)
{
    return values->full;
}

size_t vg_values_n(const struct vg_values *values)
{
    return values->n;
}

double vg_values_rows(const struct vg_values *values)
{
    return values->rows;
}

size_t vg_values_largest(const struct vg_values *values, size_t n, uint64_t *hashes,
                         uint64_t *counts)
{
    size_t kept = 0;
    for (size_t i = 0; i < values->capacity; i++) {
        const struct slot *slot = &values->slots[i];
        size_t at = kept;
        while (at && slot->count &&
               (counts[at - 1] < slot->count ||
                (counts[at - 1] == slot->count && hashes[at - 1] > slot->hash)))
            at--;
        if (!slot->count || at == n)
            continue;
        kept += kept < n;
        memmove(counts + at + 1, counts + at, (kept - at - 1) * sizeof *counts);
        memmove(hashes + at + 1, hashes + at, (kept - at - 1) * sizeof *hashes);
        counts[at] = slot->count;
        hashes[at] = slot->hash;
    }
    return kept;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void vg_values_hashes(const struct vg_values *values, uint64_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < values->capacity; i++) {
        if (values->slots[i].count)
            out[n++] = values->slots[i].hash;
    }
    qsort(out, n, sizeof *out, compare_hashes);
}

/* --- the rehearsal of the rule "new value" --- */

bool vg_value_is_news(double count, double rows)
{
    return rows >= VG_BUDGET_THIN && count >= 5 && count >= 0.01 * rows;
}

/* The new values of one window: where they are in the table, and their rows. */
struct batch {
    double rows;
    struct entry {
        size_t slot;
        uint32_t count;
    } * entries;
    size_t n, capacity;
};
struct vg_rehearsal {
    struct vg_values *values;
    struct batch *ring;
    size_t gap, at;
    double rows;
    uint32_t reported;
};

struct vg_rehearsal *vg_rehearsal_new(struct vg_values *values, size_t gap)
{
    struct vg_rehearsal *rehearsal = calloc(1, sizeof *rehearsal);
    if (!rehearsal)
        return NULL;
    *rehearsal = (struct vg_rehearsal){
        .values = values, .ring = vg_array(gap, sizeof *rehearsal->ring), .gap = gap};
    if (!rehearsal->ring) {
        free(rehearsal);
        return NULL;
    }
    return rehearsal;
}

void vg_rehearsal_free(struct vg_rehearsal *rehearsal)
{
    for (size_t i = 0; rehearsal && i < rehearsal->gap; i++)
        free(rehearsal->ring[i].entries);
    if (rehearsal)
        free(rehearsal->ring);
    free(rehearsal);
}

void vg_rehearsal_begin(struct vg_rehearsal *rehearsal, double rows)
{
    rehearsal->at = (rehearsal->at + 1) % rehearsal->gap;
    struct batch *batch = &rehearsal->ring[rehearsal->at];
    for (size_t i = 0; i < batch->n; i++)
        rehearsal->values->slots[batch->entries[i].slot].recent -= batch->entries[i].count;
    rehearsal->rows += rows - batch->rows;
    batch->rows = rows;
    batch->n = 0;
}

int vg_rehearsal_add(struct vg_rehearsal *rehearsal, uint64_t hash, uint64_t count)
{
    struct vg_values *values = rehearsal->values;
    size_t at = find_slot(values->slots, values->capacity, hash);
    struct slot *slot = &values->slots[at];
    if (!slot->count || slot->first || slot->reported)
        return 0;
    struct batch *batch = &rehearsal->ring[rehearsal->at];
    void *entries = batch->entries;
    if (vg_grow(&entries, &batch->capacity, batch->n + 1, sizeof *batch->entries) < 0)
        return -1;
    uint32_t most = UINT32_MAX - slot->recent;
    uint32_t kept = count > most ? most : (uint32_t)count;
    batch->entries = entries;
    batch->entries[batch->n++] = (struct entry){at, kept};
    slot->recent += kept;
    return 0;
}

void vg_rehearsal_end(struct vg_rehearsal *rehearsal)
{
    const struct batch *batch = &rehearsal->ring[rehearsal->at];
    for (size_t i = 0; i < batch->n; i++) {
        struct slot *slot = &rehearsal->values->slots[batch->entries[i].slot];
        if (!slot->reported && vg_value_is_news(slot->recent, rehearsal->rows)) {
            slot->reported = true;
            rehearsal->reported++;
        }
    }
}

uint32_t vg_rehearsal_reported(const struct vg_rehearsal *rehearsal)
{
    return rehearsal->reported;
}
