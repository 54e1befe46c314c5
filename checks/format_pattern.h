/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain regular expressions of PostgreSQL, matched here; layer 3, pure.
 *
 * Plain is a row of ASCII characters, sets of them such as [A-Z0-9_], and \d, each with *, +, ?,
 * {n}, {n,} or {n,m} or without, bound by ^ and $ or not. No character beyond ASCII matches any of
 * these, in any encoding and collation, so that the server cannot say otherwise; but for \d, which
 * has more digits in ICU's collations. Whatever else an expression has is the server's to match.
 */
#ifndef PGVIGIL_FORMAT_PATTERN_H
#define PGVIGIL_FORMAT_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "pgvigil/text.h"

enum { VG_PATTERN_PLACES = 62 };
/* Bit i stands for "the text so far leads up to place i", bit n for "it is matched". */
struct vg_format_pattern {
    uint64_t of_char[128]; /* the places that a character fits */
    uint64_t start, repeats, optional;
    unsigned n;
    bool from_start, to_end; /* ^ and $ */
    bool digits;             /* has \d */
};

/* Whether the expression is plain; *out is then made. */
bool vg_format_pattern_read(const char *regex, struct vg_format_pattern *out);
/* As text ~ regex. */
bool vg_format_pattern_fits(const struct vg_format_pattern *pattern, struct vg_slice text);

#endif
