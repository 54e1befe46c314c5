/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: UTF-8, numbers, durations, nearest words; layer 0. Pure, locale-free. */
#ifndef PGVIGIL_TEXT_H
#define PGVIGIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pgvigil/mem.h"

struct vg_slice {
    const char *data;
    uint32_t len;
};

bool vg_streq(const char *a, const char *b); /* NULL equals only NULL */
bool vg_utf8_valid(const char *s, size_t n);
/* Appends s with invalid bytes as U+FFFD; with `plain`, also C0, C1 and bidi controls as U+FFFD. */
void vg_utf8_clean(struct vg_buf *out, const char *s, size_t n, bool plain);
/* Bytes of s that make at most max_chars code points, never cutting one. */
size_t vg_utf8_prefix(const char *s, size_t n, size_t max_chars);
/* Bytes of a text that was cut at n, without a character that this has cut. */
size_t vg_utf8_whole(const char *s, size_t n);
/* Code points of a valid text: its bytes that do not continue one. */
uint32_t vg_utf8_count(const char *s, uint32_t n);

/* The whole of s as a finite double (C locale). 0 or -1. */
int vg_parse_double(const char *s, double *out);
int vg_parse_int64(const char *s, int64_t *out);
/* "250ms" "30s" "5m" "8h" "1d" "1w", one unit, no sign: microseconds. 0 or -1. */
int vg_parse_duration(const char *s, int64_t *out_us);
/* "1%" "0.5 %" or "0.01": a ratio; not range-checked. 0 or -1. */
int vg_parse_ratio(const char *s, double *out);

enum { VG_NUMBER_TEXT = 32, VG_DURATION_TEXT = 32 };
/* Shortest text that reads back as the same double; "NaN", "+Inf", "-Inf". Returns out. */
char *vg_format_double(double x, char out[VG_NUMBER_TEXT]);
/* For people: about `digits` significant digits, never an exponent for 1e-4 .. 1e15. */
char *vg_format_human(double x, int digits, char out[VG_NUMBER_TEXT]);
/* "90s" "8h" "1d" "1.5h": exact in the largest fitting unit. Returns out. */
char *vg_format_duration(int64_t us, char out[VG_DURATION_TEXT]);

/* The nearest of `words` to `given` by edit distance, or NULL when none is near. */
const char *vg_nearest(const char *given, const char *const *words, size_t n);

/* A text of at most VG_SHORT_TEXT bytes as two words: together with its length they are equal where
 * the texts are, on one machine. */
enum { VG_SHORT_TEXT = 16 };
struct vg_short_text {
    uint64_t head, tail;
};
static inline struct vg_short_text vg_short_text_of(const char *s, size_t n)
{
    struct vg_short_text out = {0, 0};
    uint32_t first = 0, last = 0;
    if (n >= 8) {
        memcpy(&out.head, s, 8);
        memcpy(&out.tail, s + n - 8, 8);
    } else if (n >= 4) {
        memcpy(&first, s, 4);
        memcpy(&last, s + n - 4, 4);
        out.head = (uint64_t)last << 32 | first;
    } else if (n) {
        out.head = (uint64_t)(unsigned char)s[n / 2] << 16 |
                   (uint64_t)(unsigned char)s[n - 1] << 8 | (unsigned char)s[0];
    }
    return out;
}
/* Its place among 1 << bits slots, bits 1 .. 32. */
static inline size_t vg_short_text_slot(struct vg_short_text text, size_t n, unsigned bits)
{
    uint64_t mixed = (text.head ^ (text.tail << 29 | text.tail >> 35)) + n;
    return (size_t)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

/* FNV-free 64-bit hash of bytes (XXH3, seed 0): stable across versions and machines. */
uint64_t vg_hash64(const void *data, size_t n);
/* 32 lower-case hex digits of a 128-bit hash (XXH3) of the parts joined with NUL; for keys. */
void vg_hash_hex(char out[33], const char *const *parts, size_t n);

#endif
