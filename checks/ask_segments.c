/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grouping sets: one for all rows, one for each column that tells rows apart. A value that is no
 * segment of its own is NULL before it is grouped, so that all such rows are one segment. Pure. */
#include "checks/ask_segments.h"

void vg_ask_put_route(struct vg_buf *out, const struct vg_asked_split *split)
{
    const char *name = split->column->quoted;
    if (!split->values.n) {
        vg_buf_puts(out, "NULL::pg_catalog.text");
        return;
    }
    vg_buf_printf(out, "CASE WHEN %s::pg_catalog.text COLLATE pg_catalog.\"C\" IN (", name);
    for (size_t i = 0; i < split->values.n; i++) {
        vg_buf_puts(out, i ? ", " : "");
        vg_sql_put_text(out, split->values.items[i]);
    }
    vg_buf_printf(out, ") THEN %s::pg_catalog.text COLLATE pg_catalog.\"C\" END", name);
}

void vg_ask_put_segment(struct vg_buf *out, const struct vg_asked *asked)
{
    if (!asked->nsplits)
        return;
    for (int value = 0; value <= 1; value++) {
        vg_buf_puts(out, ",\n  CASE");
        for (size_t i = 0; i < asked->nsplits; i++) {
            vg_buf_puts(out, " WHEN GROUPING(");
            vg_ask_put_route(out, &asked->splits[i]);
            vg_buf_puts(out, ") = 0 THEN ");
            if (value)
                vg_ask_put_route(out, &asked->splits[i]);
            else
                vg_buf_printf(out, "%zu", i + 1);
        }
        vg_buf_puts(out, value ? " END AS sv" : " ELSE 0 END AS sg");
    }
}

void vg_ask_put_sets(struct vg_buf *out, const struct vg_asked *asked, const char *expressions)
{
    if (!asked->nsplits) {
        vg_buf_printf(out, "\nGROUP BY %s", expressions);
        return;
    }
    vg_buf_printf(out, "\nGROUP BY GROUPING SETS ((%s)", expressions);
    for (size_t i = 0; i < asked->nsplits; i++) {
        vg_buf_printf(out, ",\n  (%s, ", expressions);
        vg_ask_put_route(out, &asked->splits[i]);
        vg_buf_putc(out, ')');
    }
    vg_buf_putc(out, ')');
}

void vg_ask_put_no_segment(struct vg_buf *out, const struct vg_asked *asked)
{
    if (asked->nsplits)
        vg_buf_puts(out, ", 0 AS sg, NULL::pg_catalog.text AS sv");
}

void vg_ask_put_all_rows(struct vg_buf *out, const struct vg_asked *asked)
{
    if (asked->nsplits)
        vg_buf_puts(out, " WHERE sg = 0");
}
