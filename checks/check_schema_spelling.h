/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a type's spelling; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_SPELLING_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_SPELLING_H

enum { VG_SPELLING = 128 };

/* A type in parts, as format_type() spells it: name "timestamp", modifiers "(3)", tail " with time
 * zone", brackets of an array included. */
struct vg_spelling {
    char name[VG_SPELLING];
    char modifiers[VG_SPELLING];
    char tail[VG_SPELLING];
};

/* 0, or -1 for a text that is too long to be a spelling of ours. */
int vg_schema_spell(const char *type, struct vg_spelling *out);
/* The alias of a spelling replaced, and the modifiers that PostgreSQL fills in. */
void vg_schema_spell_out(struct vg_spelling *spelling);

#endif
