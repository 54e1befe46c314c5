/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that occur more than once: one GROUP BY, of which only counts and the first keys leave the
 * server. Pure. */
#include "checks/ask_copies.h"

#include "checks/ask_segments.h"

enum { GROUPS_MAX = 256 << 10 };

/* By what copies are found. */
static void put_groups(struct vg_buf *out, const struct vg_asked *asked,
                       const struct vg_ask_copies *copies)
{
    struct vg_buf list;
    vg_buf_init(&list, GROUPS_MAX);
    for (size_t i = 0; i < copies->columns->n; i++) {
        vg_buf_puts(&list, i ? ", " : "");
        vg_ask_put_value(&list, copies->columns->items[i]);
    }
    vg_ask_put_sets(out, asked, list.data);
    out->failed |= list.failed;
    vg_buf_free(&list);
}

static void put_counts(struct vg_buf *out, bool of_segments)
{
    const char *none = of_segments ? "" : "coalesce(", *zero = of_segments ? "" : ", 0)";
    vg_buf_printf(out,
                  "SELECT 0 AS o, %spg_catalog.sum(w)%s AS tested,"
                  " coalesce(pg_catalog.sum(w) FILTER (WHERE n > 1), 0) AS offending,\n"
                  "  pg_catalog.count(*) FILTER (WHERE n > 1 AND w > 0) AS groups,"
                  " NULL::pg_catalog.text AS k",
                  none, zero);
}

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
    vg_ask_put_segment(out, asked);
    vg_ask_put_rows(out, &read, copies->columns, !copies->nulls_equal);
    put_groups(out, asked, copies);
    vg_buf_puts(out, ")\n");
    put_counts(out, false);
    vg_ask_put_no_segment(out, asked);
    vg_buf_puts(out, "\nFROM g");
    vg_ask_put_all_rows(out, asked);
    if (asked->nsplits) {
        vg_buf_puts(out, "\nUNION ALL ");
        put_counts(out, true);
        vg_buf_puts(out, ", sg, sv\nFROM g WHERE sg > 0 GROUP BY sg, sv HAVING pg_catalog.sum(w)"
                         " > 0");
    }
    if (most)
        vg_buf_printf(out,
                      "\nUNION ALL (SELECT 1, NULL, n, NULL, k%s FROM g WHERE n > 1 AND w > 0%s\n"
                      "ORDER BY k LIMIT %zu)\nORDER BY o, k",
                      asked->nsplits ? ", 0, NULL" : "", asked->nsplits ? " AND sg = 0" : "", most);
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
