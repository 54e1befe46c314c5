/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory: arenas of growing blocks, buffers with a maximum, and what overwrites what it held. Every
 * allocation may fail and is reported by NULL or by the buffer's failed flag; nothing here aborts.
 */
#include "pgvigil/mem.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct vg_arena {
    struct block *blocks; /* the first is the one being filled */
    size_t next_size;
    bool wiped;
};

static atomic_size_t wiped_bytes;

static void wipe(void *data, size_t n)
{
    explicit_bzero(data, n);
    wiped_bytes += n;
}

size_t vg_wiped_bytes(void)
{
    return wiped_bytes;
}

struct vg_arena *vg_arena_new(void)
{
    struct vg_arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->next_size = FIRST_BLOCK;
    return arena;
}

struct vg_arena *vg_arena_new_wiped(void)
{
    struct vg_arena *arena = vg_arena_new();
    if (arena)
        arena->wiped = true;
    return arena;
}

void vg_arena_free(struct vg_arena *arena)
{
    if (!arena)
        return;
    for (struct block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        if (arena->wiped)
            wipe(b->data, b->used);
        free(b);
    }
    free(arena);
}

static struct block *add_block(struct vg_arena *arena, size_t need)
{
    size_t size = need > arena->next_size ? need : arena->next_size;
    struct block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    if (arena->next_size < LARGEST_BLOCK)
        arena->next_size *= 2;
    return block;
}

void *vg_arena_alloc(struct vg_arena *arena, size_t size)
{
    size_t unit = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + unit - 1) / unit * unit;
    struct block *block = arena->blocks;
    if (!block || block->size - block->used < size)
        block = add_block(arena, size);
    if (!block)
        return NULL;
    void *out = block->data + block->used;
    block->used += size;
    return out;
}

void *vg_arena_array(struct vg_arena *arena, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 2 / size)
        return NULL;
    return vg_arena_alloc(arena, n * size);
}

char *vg_arena_strndup(struct vg_arena *arena, const char *s, size_t n)
{
    if (!s)
        return NULL;
    char *out = vg_arena_alloc(arena, n + 1);
    if (out)
        memcpy(out, s, n);
    return out;
}

char *vg_arena_strdup(struct vg_arena *arena, const char *s)
{
    return s ? vg_arena_strndup(arena, s, strlen(s)) : NULL;
}

char *vg_arena_printf(struct vg_arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *out = n < 0 ? NULL : vg_arena_alloc(arena, (size_t)n + 1);
    if (out)
        vsnprintf(out, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return out;
}

void *vg_array(size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 2 / size)
        return NULL;
    return calloc(n ? n : 1, size ? size : 1);
}

int vg_grow(void **items, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return 0;
    size_t larger = *capacity ? *capacity : 8;
    while (larger < need && larger <= SIZE_MAX / 4)
        larger *= 2;
    if (larger < need || larger > SIZE_MAX / 2 / size)
        return -1;
    void *moved = realloc(*items, larger * size);
    if (!moved)
        return -1;
    *items = moved;
    *capacity = larger;
    return 0;
}

/* An empty buffer points here, so that data is never NULL; it is never written to. */
static char nothing[1];

void vg_buf_init(struct vg_buf *buf, size_t max)
{
    *buf = (struct vg_buf){.data = nothing, .max = max};
}

void vg_buf_init_wiped(struct vg_buf *buf, size_t max)
{
    vg_buf_init(buf, max);
    buf->wiped = true;
}

void vg_buf_free(struct vg_buf *buf)
{
    if (buf->cap && buf->wiped)
        wipe(buf->data, buf->cap);
    if (buf->cap)
        free(buf->data);
    *buf = (struct vg_buf){.data = nothing, .max = buf->max, .wiped = buf->wiped};
}

void vg_buf_clear(struct vg_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->cap)
        buf->data[0] = '\0';
}

/* vg_grow, but the old memory is overwritten. */
static int grow_wiped(struct vg_buf *buf, size_t need)
{
    void *larger = NULL;
    size_t cap = 0;
    if (vg_grow(&larger, &cap, need, 1) < 0)
        return -1;
    memcpy(larger, buf->data, buf->len + 1);
    if (buf->cap) {
        wipe(buf->data, buf->cap);
        free(buf->data);
    }
    buf->data = larger;
    buf->cap = cap;
    return 0;
}

/* Room for n more bytes and the NUL; sets failed when there cannot be. */
static bool reserve(struct vg_buf *buf, size_t n)
{
    if (buf->failed)
        return false;
    if (n > buf->max || buf->len > buf->max - n) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + n + 1;
    if (need <= buf->cap)
        return true;
    if (buf->wiped) {
        buf->failed = grow_wiped(buf, need) < 0;
        return !buf->failed;
    }
    void *data = buf->cap ? buf->data : NULL;
    if (vg_grow(&data, &buf->cap, need, 1) < 0) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    return true;
}

void vg_buf_add(struct vg_buf *buf, const void *data, size_t n)
{
    if (!reserve(buf, n))
        return;
    if (n)
        memcpy(buf->data + buf->len, data, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
}

void vg_buf_puts(struct vg_buf *buf, const char *s)
{
    vg_buf_add(buf, s, strlen(s));
}

void vg_buf_putc(struct vg_buf *buf, char c)
{
    vg_buf_add(buf, &c, 1);
}

void vg_buf_vprintf(struct vg_buf *buf, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) {
        buf->failed = true;
    } else if (reserve(buf, (size_t)n)) {
        vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

void vg_buf_printf(struct vg_buf *buf, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vg_buf_vprintf(buf, fmt, ap);
    va_end(ap);
}

char *vg_buf_take(struct vg_buf *buf)
{
    char *out = NULL;
    if (!buf->failed)
        out = buf->cap ? buf->data : calloc(1, 1);
    else
        vg_buf_free(buf);
    vg_buf_init(buf, buf->max);
    return out;
}

/* --- For libraries --------------------------------------------------------------------------- */

/* Before what was given out: how much it was. */
struct given {
    size_t size;
    alignas(max_align_t) char data[];
};

static struct given *given_of(void *data)
{
    return (struct given *)(void *)((char *)data - offsetof(struct given, data));
}

void *vg_wiped_malloc(size_t size)
{
    struct given *given = size < SIZE_MAX / 2 ? malloc(sizeof *given + size) : NULL;
    if (!given)
        return NULL;
    given->size = size;
    return given->data;
}

void *vg_wiped_calloc(size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 2 / size)
        return NULL;
    void *data = vg_wiped_malloc(n * size);
    if (data)
        memset(data, 0, n * size);
    return data;
}

void *vg_wiped_realloc(void *old, size_t size)
{
    size_t held = old ? given_of(old)->size : 0;
    void *data = vg_wiped_malloc(size);
    if (data && old)
        memcpy(data, old, held < size ? held : size);
    if (data)
        vg_wiped_free(old);
    return data;
}

char *vg_wiped_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = vg_wiped_malloc(n);
    return copy ? memcpy(copy, s, n) : NULL;
}

void vg_wiped_free(void *data)
{
    if (!data)
        return;
    struct given *given = given_of(data);
    wipe(given->data, given->size);
    free(given);
}
