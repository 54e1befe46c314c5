/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A columnar batch of rows, between the decoder and the tally; layer 1.
 *
 * Borrowed: valid inside the callback only. Rows are never kept.
 */
#ifndef PGVIGIL_BATCH_H
#define PGVIGIL_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/catalog.h"
#include "pgvigil/text.h"

enum vg_cell {
    VG_CELL_VALUE,
    VG_CELL_NULL,
    VG_CELL_NAN,
    VG_CELL_PINF,
    VG_CELL_NINF,
    VG_CELL_UNCAST, /* a text that is no value of the type it is converted to */
    VG_CELLS
};
enum { VG_BATCH_ROWS = 1024, VG_BATCH_BYTES = 1 << 20 }; /* a batch ends at whichever comes first */

struct vg_column {
    enum vg_kind kind;
    uint32_t wire_oid;
    size_t special;             /* rows whose state is not VG_CELL_VALUE */
    const uint8_t *state;       /* nrows of enum vg_cell */
    const double *num;          /* NUMBER, TIME (us since 1970), BOOL (0, 1); 0.0 where no value */
    const struct vg_slice *raw; /* wire bytes of the field; text of TEXT; len 0 where null */
};

struct vg_batch {
    size_t nrows, ncols;
    const struct vg_column *cols;
};

/* The cell as text for people and keys ("17", "2001-06-12T00:00:00Z", "a b"), cut at `size` - 1
 * bytes without breaking a character; "NULL" where null. Returns out. */
char *vg_cell_text(const struct vg_column *column, size_t row, char *out, size_t size);

#endif
