/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: UTF-8, numbers, durations, nearest words; layer 0. Pure, locale-free. */
#ifndef PGVIGIL_TEXT_H
#define PGVIGIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* FNV-free 64-bit hash of bytes (XXH3, seed 0): stable across versions and machines. */
uint64_t vg_hash64(const void *data, size_t n);
/* 32 lower-case hex digits of a 128-bit hash (XXH3) of the parts joined with NUL; for keys. */
void vg_hash_hex(char out[33], const char *const *parts, size_t n);

#endif
