/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blank: the share of texts that are empty or consist of white space only, by the Unicode property
 * White_Space (no-break and ideographic spaces, line and paragraph separators; not the zero-width
 * characters, which are no space). NULLs are not tested. */
#include "pgvigil/check.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

/* Bytes of the white space character that begins at s, or 0. */
static uint32_t skip_space(const char *s, uint32_t n)
{
    static const char *const wide[] = {
        "\xc2\x85",     "\xc2\xa0",     /* U+0085, U+00A0 */
        "\xe1\x9a\x80",                 /* U+1680 */
        "\xe2\x80\xa8", "\xe2\x80\xa9", /* U+2028, U+2029 */
        "\xe2\x80\xaf", "\xe2\x81\x9f", /* U+202F, U+205F */
        "\xe3\x80\x80",                 /* U+3000 */
    };
    unsigned char c = (unsigned char)*s;
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        size_t len = strlen(wide[i]);
        if (len <= n && !memcmp(s, wide[i], len))
            return (uint32_t)len;
    }
    /* U+2000 .. U+200A */
    bool general = n >= 3 && !memcmp(s, "\xe2\x80", 2) && (unsigned char)s[2] >= 0x80;
    return general && (unsigned char)s[2] <= 0x8a ? 3 : 0;
}

static int offends_blank(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)rule;
    (void)warn;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    for (uint32_t at = 0; at < cell->text.len;) {
        uint32_t used = skip_space(cell->text.data + at, cell->text.len - at);
        if (!used)
            return 0;
        at += used;
    }
    return 1;
}

static int measure_blank(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *out, struct vg_error *err)
{
    struct vg_measure *measure;
    int found = vg_evidence_offending(rule, evidence, "", out, &measure, err);
    if (found <= 0)
        return found;
    size_t used = strlen(measure->why);
    snprintf(measure->why + used, sizeof measure->why - used, " empty or white space only");
    return 0;
}

const struct vg_check_type vg_check_blank = {
    .name = "blank",
    .doc = "Share of texts that are empty or white space only (Unicode white space included). "
           "NULLs are not tested.",
    .class = VG_CLASS_QUALITY,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .kinds = 1 << VG_KIND_TEXT,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_PREDICATE,
    .min_rows = 1,
    .shorthand = "fail",
    .default_fail = "0",
    .offends = offends_blank,
    .measure = measure_blank,
};
