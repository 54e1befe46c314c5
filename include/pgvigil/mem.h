/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory: arenas and bounded buffers; layer 0.
 *
 * Three lifetimes exist: a ruleset's arena (until a reload), a cycle's arena (until the end of one
 * cycle), and the heap for long-lived owners. Every allocation may fail and says so by NULL; the
 * caller returns VG_E_MEMORY. Buffers are born with a maximum.
 */
#ifndef PGVIGIL_MEM_H
#define PGVIGIL_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vg_arena;

/* A new arena; all of it is freed at once. NULL when out of memory. */
struct vg_arena *vg_arena_new(void);
/* The same for what may hold a secret: all of it is overwritten when it is freed. */
struct vg_arena *vg_arena_new_wiped(void);
void vg_arena_free(struct vg_arena *arena);
/* size bytes, zeroed, aligned for any type; NULL when out of memory. */
void *vg_arena_alloc(struct vg_arena *arena, size_t size);
/* n zeroed elements; NULL when out of memory or when n * size overflows. */
void *vg_arena_array(struct vg_arena *arena, size_t n, size_t size);
char *vg_arena_strdup(struct vg_arena *arena, const char *s); /* NULL in gives NULL out */
char *vg_arena_strndup(struct vg_arena *arena, const char *s, size_t n);
char *vg_arena_printf(struct vg_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* n zeroed elements on the heap; NULL on overflow or when out of memory. */
void *vg_array(size_t n, size_t size);
/* Grows *items (elements of `size` bytes) to hold at least `need`; doubles. 0, or -1 and
 * unchanged. */
int vg_grow(void **items, size_t *capacity, size_t need, size_t size);

/* A growable text or byte buffer, always NUL-terminated. Appending past `max` or out of memory sets
 * `failed` and later calls do nothing: build all of it, then look once. */
struct vg_buf {
    char *data; /* never NULL after vg_buf_init, "" when empty */
    size_t len, cap, max;
    bool failed, wiped;
};
void vg_buf_init(struct vg_buf *buf, size_t max);
/* The same for what may hold a secret: memory is overwritten when it is grown out of and freed. */
void vg_buf_init_wiped(struct vg_buf *buf, size_t max);
void vg_buf_free(struct vg_buf *buf);
void vg_buf_clear(struct vg_buf *buf); /* len 0, failed false; keeps the memory */
void vg_buf_add(struct vg_buf *buf, const void *data, size_t n);
void vg_buf_puts(struct vg_buf *buf, const char *s);
void vg_buf_putc(struct vg_buf *buf, char c);
void vg_buf_printf(struct vg_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vg_buf_vprintf(struct vg_buf *buf, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* The text as an owned heap string and an emptied buffer; NULL if the buffer has failed. */
char *vg_buf_take(struct vg_buf *buf);

/* malloc and its like for libraries that are given secrets: what is freed or grown out of is
 * overwritten first. */
void *vg_wiped_malloc(size_t size);
void *vg_wiped_calloc(size_t n, size_t size);
void *vg_wiped_realloc(void *old, size_t size);
char *vg_wiped_strdup(const char *s);
void vg_wiped_free(void *data);
/* Bytes overwritten so far by all of the above, for tests. */
size_t vg_wiped_bytes(void);

#endif
