/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statement that counts rows whose values occur more than once; layer 3, pure. */
#ifndef PGVIGIL_ASK_COPIES_H
#define PGVIGIL_ASK_COPIES_H

#include "checks/ask_parts.h"

enum { VG_ASK_WINDOW, VG_ASK_TABLE };

struct vg_ask_copies {
    const struct vg_ask_columns *columns; /* at least one */
    const struct vg_ask_columns *key;     /* what is shown of a group; none: nothing */
    bool nulls_equal;                     /* else rows with a NULL are not tested */
    bool whole_table;                     /* the other of two may lie outside the window */
};
/* Answers as vg_ask_share reads them; groups: values that occur more than once. */
void vg_ask_copies(const struct vg_asked *asked, const struct vg_ask_copies *copies,
                   struct vg_buf *out);
/* The keys of those rows, as `offenders` writes them. Errors as vg_ask_put_keys(). */
int vg_ask_copied(const struct vg_asked *asked, const struct vg_ask_copies *copies,
                  struct vg_buf *out, struct vg_error *err);

#endif
