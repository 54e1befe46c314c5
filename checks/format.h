/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named formats of texts; layer 3, pure.
 *
 * One function for each: whether the whole text is of the format, without white space around it. No
 * format has an empty text. A text may hold any bytes and is not ended by NUL.
 */
#ifndef PGVIGIL_FORMAT_H
#define PGVIGIL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "pgvigil/text.h"

#define VG_FORMAT(name, doc) bool vg_format_is_##name(struct vg_slice text);
#include "checks/formats.def"
#undef VG_FORMAT

/* Sorts of ASCII characters; locale-free. */
static inline bool vg_format_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool vg_format_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool vg_format_hex_digit(char c)
{
    return vg_format_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
/* n characters from s on, at least one, all of the sort. */
bool vg_format_all(const char *s, size_t n, bool (*sort)(char c));
/* n <= 9 decimal digits at s as a number, or -1 if one is none. */
int vg_format_digits(const char *s, size_t n);

#endif
