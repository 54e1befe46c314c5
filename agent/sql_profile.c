/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements of a profile. Like all others they hold no text from outside but the server's own
 * quoting of identifiers. */
#include "agent/sql_profile.h"

enum { STATEMENT_MAX = 1 << 16 };

static const char *finish(struct vg_buf *out, struct vg_arena *arena)
{
    const char *text = out->failed ? NULL : vg_arena_strdup(arena, out->data);
    vg_buf_free(out);
    return text;
}

static void put_bound(struct vg_buf *out, const struct vg_rows_of *rows, const char *is, int64_t us)
{
    vg_buf_printf(out, " AND %s %s ", rows->time->quoted, is);
    vg_sql_put_instant(out, rows, us);
}

const char *vg_sql_edge(const struct vg_rows_of *rows, bool last, struct vg_arena *arena)
{
    struct vg_buf out, where;
    struct vg_rows_of open = *rows;
    const char *time = rows->time->quoted;
    open.range = NULL;
    vg_buf_init(&where, STATEMENT_MAX);
    vg_buf_init(&out, STATEMENT_MAX);
    vg_buf_printf(&where, "%s > '-infinity' AND %s < 'infinity'", time, time);
    if (rows->range->start_us != INT64_MIN)
        put_bound(&where, rows, ">=", rows->range->start_us);
    if (rows->range->end_us != VG_NEVER)
        put_bound(&where, rows, "<", rows->range->end_us);
    vg_buf_printf(&out, "SELECT (extract(epoch FROM %s) * 1000000)::pg_catalog.int8", time);
    vg_sql_put_rows(&out, &open, where.data);
    vg_buf_printf(&out, "\nORDER BY %s%s LIMIT 1", time, last ? " DESC" : "");
    out.failed |= where.failed;
    vg_buf_free(&where);
    return finish(&out, arena);
}

const char *vg_sql_hours(const struct vg_rows_of *rows, struct vg_arena *arena)
{
    struct vg_buf out;
    vg_buf_init(&out, STATEMENT_MAX);
    vg_buf_puts(&out, "SELECT pg_catalog.count(*)");
    vg_sql_put_rows(&out, rows, NULL);
    vg_buf_printf(&out, "\nGROUP BY pg_catalog.date_trunc('hour', %s)", rows->time->quoted);
    return finish(&out, arena);
}

const char *vg_sql_unique_indexes(const struct vg_catalog *catalog, struct vg_arena *arena)
{
    return vg_arena_printf(
        arena,
        "SELECT pg_catalog.string_agg(a.attname, E'\\x1f' ORDER BY k.place)"
        " FROM pg_catalog.pg_index i,"
        " LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)"
        " JOIN pg_catalog.pg_attribute a ON a.attnum = k.attnum"
        " WHERE i.indrelid = %u AND a.attrelid = i.indrelid AND i.indisunique AND i.indisvalid"
        " AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts"
        " GROUP BY i.indexrelid ORDER BY pg_catalog.count(*), i.indexrelid",
        catalog->oid);
}
