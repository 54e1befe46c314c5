/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The book: a configuration with its rules, shared by whoever works with them; layer 5.
 *
 * A reload makes a new book; the old one lives until the last cycle that holds it has ended. What
 * to load from is the caller's (layer 6), so that the loop names no parser.
 */
#ifndef PGVIGIL_BOOK_H
#define PGVIGIL_BOOK_H

#include "pgvigil/rule.h"
#include "pgvigil/store.h"

struct vg_book {
    int refs;    /* guarded by the loop's mutex */
    int number;  /* grows with every book that comes into force */
    bool forced; /* what it retires was said to be meant */
    struct vg_config *config;
    struct vg_ruleset *rules;
    void (*free)(struct vg_book *book); /* frees config, rules and the book */
};

/* What a load of a new book means for datasets the store knows and the rules no longer name. */
struct vg_retirement {
    struct vg_strings gone; /* to be retired */
    const char *refused;    /* why nothing is retired, or NULL */
};
/* The reason for a folder that gives no rules. */
extern const char vg_no_folder[];
/* Nothing is retired when the folder cannot be read or holds no rule file, or when more than half
 * of the known datasets would go, unless forced. In arena. 0, or -1 VG_E_MEMORY. */
int vg_book_retirement(const struct vg_ruleset *rules, const struct vg_strings *known, bool force,
                       struct vg_arena *arena, struct vg_retirement *out, struct vg_error *err);

/* What a reload must not lose unasked: the datasets the store knows and those in force. In arena.
 * 0, or -1 VG_E_MEMORY. */
int vg_book_known(const struct vg_strings *stored, const struct vg_ruleset *in_force,
                  struct vg_arena *arena, struct vg_strings *out, struct vg_error *err);

#endif
