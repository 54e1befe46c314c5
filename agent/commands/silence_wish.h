/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people write behind `pgvigil silence add`, and what is to be said of it; layer 6. */
#ifndef PGVIGIL_SILENCE_WISH_H
#define PGVIGIL_SILENCE_WISH_H

#include "pgvigil/store.h"

/* Reads KEY=VALUE arguments; `by` stays NULL where it was not given. Everything is silenced only
 * where that was asked for: an empty value, no restriction at all and a repeated key are errors.
 * VG_E_USAGE with a sentence for people. */
int vg_silence_read(char *const *arguments, int n, int64_t now_us, struct vg_arena *arena,
                    struct vg_silence *out, struct vg_error *err);

/* Appends what is odd about it, a sentence a line: names that nothing judged so far has, a long
 * time. Nothing of it is an error. */
int vg_silence_doubt(struct vg_store *store, const struct vg_silence *row, struct vg_arena *arena,
                     struct vg_buf *out, struct vg_error *err);

#endif
