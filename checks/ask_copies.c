/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that occur more than once: one GROUP BY, of which only counts and the first keys leave the
 * server. Pure. */
#include "checks/ask_copies.h"

/* Whether a row lies in the window, where the statement reads more than that. */
static void put_in_window(struct vg_buf *out, const struct vg_rows_of *rows)
{
    vg_buf_printf(out, "%s >= ", rows->time->quoted);
    vg_sql_put_instant(out, rows, rows->range->start_us);
    vg_buf_printf(out, " AND %s < ", rows->time->quoted);
    vg_sql_put_instant(out, rows, rows->range->end_us);
}

void vg_ask_copies(const struct vg_asked *asked, const struct vg_ask_copies *copies,
                   struct vg_buf *out)
{
    struct vg_rows_of rows = vg_ask_rows(asked), read = rows;
    bool beyond = copies->whole_table && rows.range && rows.time;
    size_t most = copies->key->n ? vg_ask_most_keys(asked) : 0;
    if (beyond)
        read.range = NULL;
    vg_buf_puts(out, "WITH g AS (SELECT pg_catalog.count(*) AS n, pg_catalog.count(*)");
    if (beyond) {
        vg_buf_puts(out, " FILTER (WHERE ");
        put_in_window(out, &rows);
        vg_buf_putc(out, ')');
    }
    vg_buf_puts(out, " AS w");
    if (most) {
        vg_buf_puts(out, ",\n  ");
        vg_ask_put_least_key(out, copies->key);
        vg_buf_puts(out, " AS k");
    }
    vg_ask_put_rows(out, &read, copies->columns, !copies->nulls_equal);
    vg_buf_puts(out, "\nGROUP BY ");
    for (size_t i = 0; i < copies->columns->n; i++) {
        vg_buf_puts(out, i ? ", " : "");
        vg_ask_put_value(out, copies->columns->items[i]);
    }
    vg_buf_puts(out, ")\nSELECT 0 AS o, coalesce(pg_catalog.sum(w), 0) AS tested,"
                     " coalesce(pg_catalog.sum(w) FILTER (WHERE n > 1), 0) AS offending,\n"
                     "  pg_catalog.count(*) FILTER (WHERE n > 1 AND w > 0) AS groups,"
                     " NULL::pg_catalog.text AS k\nFROM g");
    if (most)
        vg_buf_printf(out,
                      "\nUNION ALL (SELECT 1, NULL, n, NULL, k FROM g WHERE n > 1 AND w > 0\n"
                      "ORDER BY k LIMIT %zu)\nORDER BY o, k",
                      most);
}

int vg_ask_copied(const struct vg_asked *asked, const struct vg_ask_copies *copies,
                  struct vg_buf *out, struct vg_error *err)
{
    struct vg_rows_of rows = vg_ask_rows(asked), read = rows;
    bool beyond = copies->whole_table && rows.range && rows.time;
    if (beyond)
        read.range = NULL;
    vg_buf_puts(out, "SELECT * FROM (");
    if (vg_ask_put_keys(asked, out, err) < 0)
        return -1;
    vg_buf_puts(out, ", pg_catalog.count(*) OVER (PARTITION BY ");
    for (size_t i = 0; i < copies->columns->n; i++) {
        vg_buf_puts(out, i ? ", " : "");
        vg_ask_put_value(out, copies->columns->items[i]);
    }
    vg_buf_puts(out, ") AS n, ");
    if (beyond)
        put_in_window(out, &rows);
    else
        vg_buf_puts(out, "true");
    vg_buf_puts(out, " AS w");
    vg_ask_put_rows(out, &read, copies->columns, !copies->nulls_equal);
    vg_buf_puts(out, ") AS g\nWHERE n > 1 AND w");
    return 0;
}
