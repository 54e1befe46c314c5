/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules suggested from a profile, and the file they are written to; layer 3, pure.
 *
 * Every suggestion says what it rests on. Those that hold of the rows seen but may not hold
 * tomorrow are written commented out. No value of a key or of what sounds private is shown.
 */
#ifndef PGVIGIL_AGENT_SUGGEST_H
#define PGVIGIL_AGENT_SUGGEST_H

#include "agent/profile.h"

struct vg_suggestion {
    const char *column; /* NULL: of the dataset */
    const char *yaml;   /* "nulls: 1%" */
    const char *why;    /* the evidence */
    bool off;           /* to be commented out */
};
struct vg_suggestions {
    struct vg_arena *arena;
    struct vg_suggestion *items;
    size_t n, size;
    bool failed; /* out of memory */
};

/* In the order of the file: columns as in the table, then the dataset. In arena. VG_E_MEMORY. */
int vg_suggest(const struct vg_profile *profile, struct vg_arena *arena, struct vg_suggestions *out,
               struct vg_error *err);
/* The whole rule file. Appended; `out` says when there is no room. */
void vg_suggest_write(const struct vg_profile *profile, const struct vg_suggestions *suggestions,
                      struct vg_buf *out);

#endif
