/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of the values of a category: exact up to `most` distinct values, beyond that the `most`
 * values of smallest hash, each still counted exactly. Bounded memory, the same result
 * in any split and order of the rows.
 *
 * Why it is the same. Let K = most and let a value be its 64-bit hash (two values sharing
 * one, a chance of 2^-64 a pair, count as one). Claim: after any rows, the table holds exactly the
 * K smallest hashes seen so far (all, while there are at most K), each with the number of all its
 * rows.
 *  - One more row with hash h. If h is held, its count stays complete. If h is not held and there
 * is room or h lies below the largest held one, it must never have been seen: the largest held hash
 *    only falls once the table is full, and whatever was turned away or evicted was above it at
 * that moment, hence is above it now. So this row is its first, and counting from 1 is complete. If
 * the table was full, evicting the largest leaves the K smallest. Else h is above all K held, and
 * is turned away: K smaller ones are known.
 *  - Two tables merge: a hash among the K smallest of both sets of rows together has fewer than K
 *    below it in either part, so each part that saw it holds it with its complete count. Adding up
 *    and keeping the K smallest therefore gives the table of all rows. Of two tables with different
 *    K the smaller holds: a table is cut to what it is added to may keep.
 * `sampled` says that over K distinct values were seen, which depends on the set of rows alone. */
#include <stdlib.h>

#include "agent/summary/parts.h"

struct slot {
    uint64_t hash, count;
    char *label; /* NULL: free slot */
};

struct vg_top {
    struct slot *slots; /* open addressing, linear probing */
    size_t capacity;    /* a power of two */
    size_t n, most;
    uint64_t *heap;  /* of the hashes held, largest first; from the first value turned away on */
    uint32_t *ranks; /* slots by rank, until something changes; or NULL */
    bool sampled;
};

enum { FIRST_CAPACITY = 64 };

struct vg_top *vg_top_new(size_t most)
{
    struct vg_top *top = calloc(1, sizeof *top);
    if (!top)
        return NULL;
    top->most = most;
    top->capacity = FIRST_CAPACITY;
    top->slots = vg_array(top->capacity, sizeof *top->slots);
    if (!top->slots) {
        free(top);
        return NULL;
    }
    return top;
}

void vg_top_free(struct vg_top *top)
{
    if (!top)
        return;
    for (size_t i = 0; i < top->capacity; i++)
        free(top->slots[i].label);
    free(top->slots);
    free(top->heap);
    free(top->ranks);
    free(top);
}

/* The slot that holds the hash, or the free one where it belongs. */
static size_t find_slot(const struct vg_top *top, uint64_t hash)
{
    size_t i = hash & (top->capacity - 1);
    while (top->slots[i].label && top->slots[i].hash != hash)
        i = (i + 1) & (top->capacity - 1);
    return i;
}

static int grow(struct vg_top *top)
{
    struct vg_top larger = {.capacity = 2 * top->capacity};
    larger.slots = vg_array(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return -1;
    for (size_t i = 0; i < top->capacity; i++) {
        if (top->slots[i].label)
            larger.slots[find_slot(&larger, top->slots[i].hash)] = top->slots[i];
    }
    free(top->slots);
    top->slots = larger.slots;
    top->capacity = larger.capacity;
    return 0;
}

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && heap[child + 1] > heap[child];
        if (heap[i] >= heap[child])
            return;
        uint64_t held = heap[i];
        heap[i] = heap[child];
        heap[child] = held;
    }
}

static int build_heap(struct vg_top *top)
{
    top->heap = vg_array(top->n, sizeof *top->heap);
    if (!top->heap)
        return -1;
    size_t n = 0;
    for (size_t i = 0; i < top->capacity; i++) {
        if (top->slots[i].label)
            top->heap[n++] = top->slots[i].hash;
    }
    for (size_t i = n / 2; i-- > 0;)
        sift_down(top->heap, n, i);
    return 0;
}

/* Frees a slot and moves up what was pushed past it, so that no search stops short. */
static void remove_slot(struct vg_top *top, size_t hole)
{
    size_t wrap = top->capacity - 1;
    free(top->slots[hole].label);
    for (size_t i = (hole + 1) & wrap; top->slots[i].label; i = (i + 1) & wrap) {
        size_t home = top->slots[i].hash & wrap;
        if (((i - home) & wrap) < ((i - hole) & wrap))
            continue;
        top->slots[hole] = top->slots[i];
        hole = i;
    }
    top->slots[hole] = (struct slot){0};
    top->n--;
}

static bool is_ascii(const char *s, size_t n)
{
    unsigned char all = 0;
    for (size_t i = 0; i < n; i++)
        all |= (unsigned char)s[i];
    return all < 0x80;
}

/* strndup() for what ends without a NUL. */
static char *copy_label(const char *data, size_t len)
{
    char *label = malloc(len + 1);
    if (!label)
        return NULL;
    if (len)
        memcpy(label, data, len);
    label[len] = '\0';
    return label;
}

/* Clean UTF-8 of at most VG_TOP_LABEL bytes; cleaning never shortens, so a little more than that is
 * enough to look at, and a character broken at its end lies beyond the cut. */
static char *make_label(struct vg_slice value)
{
    struct vg_buf buf;
    size_t len = value.len < VG_TOP_LABEL + 4 ? value.len : VG_TOP_LABEL + 4;
    if (is_ascii(value.data, len))
        return copy_label(value.data, len < VG_TOP_LABEL ? len : VG_TOP_LABEL);
    vg_buf_init(&buf, 4 * VG_TOP_LABEL);
    vg_utf8_clean(&buf, value.data, len, false);
    if (!buf.failed && buf.len > VG_TOP_LABEL) {
        size_t cut = VG_TOP_LABEL;
        while (((unsigned char)buf.data[cut] & 0xc0) == 0x80)
            cut--;
        buf.len = cut;
        buf.data[cut] = '\0';
    }
    char *label = buf.failed ? NULL : strndup(buf.data, buf.len);
    vg_buf_free(&buf);
    return label;
}

static void forget_ranks(struct vg_top *top)
{
    if (top->ranks)
        free(top->ranks);
    top->ranks = NULL;
}

/* Makes a full table ready for one more hash below its largest, which is given up. */
static int make_room(struct vg_top *top, uint64_t hash)
{
    if (!top->heap && build_heap(top) < 0)
        return -1;
    remove_slot(top, find_slot(top, top->heap[0]));
    top->heap[0] = hash;
    sift_down(top->heap, top->most, 0);
    return 0;
}

/* A hash not held yet; takes the label over, also when it fails. */
static int insert(struct vg_top *top, uint64_t hash, uint64_t count, char *label)
{
    bool full = top->n == top->most;
    if (!label || (full && make_room(top, hash) < 0) ||
        (4 * (top->n + 1) > 3 * top->capacity && grow(top) < 0)) {
        free(label);
        return -1;
    }
    top->slots[find_slot(top, hash)] = (struct slot){hash, count, label};
    top->n++;
    return 0;
}

/* Whether a hash not held has K smaller ones before it; notes that the table is a sample then. */
static int turn_away(struct vg_top *top, uint64_t hash, bool *away)
{
    *away = false;
    if (top->n < top->most)
        return 0;
    if (!top->heap && build_heap(top) < 0)
        return -1;
    top->sampled = true;
    *away = hash > top->heap[0];
    return 0;
}

int vg_top_add(struct vg_top *top, uint64_t hash, uint64_t count, struct vg_slice value)
{
    /* A full table with its heap is asked first: it holds no hash above its largest, and most of
     * many values are above. */
    if (top->heap && hash > top->heap[0]) {
        top->sampled = true;
        return 0;
    }
    forget_ranks(top);
    struct slot *slot = &top->slots[find_slot(top, hash)];
    if (slot->label) {
        slot->count += count;
        return 0;
    }
    bool away;
    if (turn_away(top, hash, &away) < 0)
        return -1;
    return away ? 0 : insert(top, hash, count, make_label(value));
}

/* Gives up the largest hashes until no more than `most` are held. */
static int cut(struct vg_top *top, size_t most)
{
    if (most >= top->most)
        return 0;
    forget_ranks(top);
    if (top->n > most && !top->heap && build_heap(top) < 0)
        return -1;
    while (top->n > most) {
        size_t n = top->n;
        remove_slot(top, find_slot(top, top->heap[0]));
        top->heap[0] = top->heap[n - 1];
        sift_down(top->heap, n - 1, 0);
        top->sampled = true;
    }
    top->most = most;
    return 0;
}

int vg_top_merge(struct vg_top *into, const struct vg_top *from)
{
    if (from->sampled && cut(into, from->most) < 0)
        return -1;
    into->sampled |= from->sampled;
    for (size_t i = 0; i < from->capacity; i++) {
        const struct slot *slot = &from->slots[i];
        if (!slot->label)
            continue;
        struct vg_slice label = {slot->label, (uint32_t)strlen(slot->label)};
        if (vg_top_add(into, slot->hash, slot->count, label) < 0)
            return -1;
    }
    return 0;
}

int vg_top_restore(struct vg_top *top, uint64_t hash, uint64_t count, const char *label, size_t len)
{
    if (top->n == top->most || top->slots[find_slot(top, hash)].label)
        return -1;
    forget_ranks(top);
    return insert(top, hash, count, strndup(label, len));
}

bool vg_top_sampled(const struct vg_top *top)
{
    return top->sampled;
}

void vg_top_set_sampled(struct vg_top *top)
{
    top->sampled = true;
    top->most = top->n ? top->n : 1;
}

void vg_top_settle(struct vg_top *top)
{
    free(top->heap);
    top->heap = NULL;
    top->most = VG_TOP_EXACT;
    if (top->sampled)
        vg_top_set_sampled(top);
}

size_t vg_top_size(const struct vg_top *top)
{
    return top->n;
}

uint64_t vg_top_count_hash(const struct vg_top *top, uint64_t hash)
{
    const struct slot *slot = &top->slots[find_slot(top, hash)];
    return slot->label ? slot->count : 0;
}

uint64_t vg_top_count(const struct vg_top *top, const char *label, size_t len)
{
    return vg_top_count_hash(top, vg_hash64(label, len));
}

static int compare_hashes(const void *left, const void *right)
{
    const struct vg_top_entry *a = left, *b = right;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

void vg_top_all(const struct vg_top *top, struct vg_top_entry *out)
{
    size_t n = 0;
    for (size_t i = 0; i < top->capacity && n < top->n; i++) {
        const struct slot *slot = &top->slots[i];
        if (slot->label)
            out[n++] = (struct vg_top_entry){slot->label, slot->hash, slot->count};
    }
}

void vg_top_list(const struct vg_top *top, struct vg_top_entry *out)
{
    vg_top_all(top, out);
    qsort(out, top->n, sizeof *out, compare_hashes);
}

/* Larger count first, then label, then hash: a total order. */
static int compare_ranks(const void *left, const void *right)
{
    const struct vg_top_entry *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    int by_label = strcmp(a->label, b->label);
    return by_label ? by_label : compare_hashes(a, b);
}

/* Restores the heap of `out` with the last in rank at its root. */
static void sink_entry(struct vg_top_entry *out, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && compare_ranks(&out[child + 1], &out[child]) > 0;
        if (compare_ranks(&out[i], &out[child]) >= 0)
            return;
        struct vg_top_entry held = out[i];
        out[i] = out[child];
        out[child] = held;
    }
}

int vg_top_rank(struct vg_top *top)
{
    struct vg_top_entry *entries = vg_array(top->n, sizeof *entries);
    uint32_t *ranks = vg_array(top->n, sizeof *ranks);
    bool sampled;
    if (!entries || !ranks) {
        free(entries);
        free(ranks);
        return -1;
    }
    forget_ranks(top);
    size_t n = vg_top_largest(top, entries, top->n, &sampled);
    for (size_t i = 0; i < n; i++)
        ranks[i] = (uint32_t)find_slot(top, entries[i].hash);
    free(entries);
    top->ranks = ranks;
    return 0;
}

static size_t copy_ranked(const struct vg_top *top, struct vg_top_entry *out, size_t n)
{
    n = n < top->n ? n : top->n;
    for (size_t i = 0; i < n; i++) {
        const struct slot *slot = &top->slots[top->ranks[i]];
        out[i] = (struct vg_top_entry){slot->label, slot->hash, slot->count};
    }
    return n;
}

size_t vg_top_largest(const struct vg_top *top, struct vg_top_entry *out, size_t n, bool *sampled)
{
    size_t kept = 0;
    *sampled = top->sampled;
    if (top->ranks)
        return copy_ranked(top, out, n);
    for (size_t i = 0; n && i < top->capacity; i++) {
        const struct slot *slot = &top->slots[i];
        struct vg_top_entry entry = {slot->label, slot->hash, slot->count};
        if (!slot->label)
            continue;
        if (kept < n) {
            out[kept++] = entry;
            for (size_t j = kept / 2; kept == n && j-- > 0;)
                sink_entry(out, kept, j);
        } else if (compare_ranks(&entry, &out[0]) < 0) {
            out[0] = entry;
            sink_entry(out, kept, 0);
        }
    }
    qsort(out, kept, sizeof *out, compare_ranks);
    return kept;
}
