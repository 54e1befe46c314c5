/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions on one row that PostgreSQL evaluates in the scan; layer 3, pure. Each writes one SQL
 * boolean: true where the row offends, false where it is fine, null where it is not tested. */
#ifndef PGVIGIL_ASK_ROW_H
#define PGVIGIL_ASK_ROW_H

#include "pgvigil/catalog.h"
#include "pgvigil/mem.h"
#include "pgvigil/time.h"

struct vg_format_pattern;
struct vg_ask_pattern {
    const char *regex;
    bool case_insensitive, inverted;       /* inverted: a text that matches offends */
    const struct vg_format_pattern *plain; /* NULL: only the server can match it */
};
struct vg_ask_delay {
    const struct vg_catalog_column *from, *to; /* of kind TIME */
    const struct vg_zone *zone;                /* of columns without offset */
    int64_t most_us;
    bool negative; /* `to` before `from` offends too */
};

/* A text that does not match. An invalid expression is an error of the server when it plans the
 * statement, whether there are rows or not. */
void vg_ask_row_pattern(struct vg_buf *out, const struct vg_catalog_column *column,
                        const struct vg_ask_pattern *pattern);
/* A user's condition that does not hold. Null is not tested, or, with nulls_offend, offends. */
void vg_ask_row_holds(struct vg_buf *out, const char *condition, bool nulls_offend);
/* to - from above most. Infinite times offend. */
void vg_ask_row_delay(struct vg_buf *out, const struct vg_ask_delay *delay);

#endif
