/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory: arenas of growing blocks, and buffers with a maximum. Every allocation may fail and is
 * reported by NULL or by the buffer's failed flag; nothing here aborts. */
#include "pgvigil/mem.h"

#include <stdalign.h>
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
};

struct vg_arena *vg_arena_new(void)
{
    struct vg_arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->next_size = FIRST_BLOCK;
    return arena;
}

void vg_arena_free(struct vg_arena *arena)
{
    if (!arena)
        return;
    for (struct block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
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

void vg_buf_free(struct vg_buf *buf)
{
    if (buf->cap)
        free(buf->data);
    vg_buf_init(buf, buf->max);
}

void vg_buf_clear(struct vg_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->cap)
        buf->data[0] = '\0';
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
