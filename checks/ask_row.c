/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL of conditions on one row. Pure; identifiers are the catalogue's quoting, texts go through
 * vg_sql_put_text(), a user's condition stands in parentheses on lines of its own. */
#include "checks/ask_row.h"

#include <inttypes.h>

#include "agent/sql.h"

/* What follows a value: ::text ~ 'regex' */
static void put_match(struct vg_buf *out, const struct vg_ask_pattern *pattern, bool mismatch)
{
    vg_buf_printf(out, "::pg_catalog.text OPERATOR(pg_catalog.%s~%s) ", mismatch ? "!" : "",
                  pattern->case_insensitive ? "*" : "");
    vg_sql_put_text(out, pattern->regex);
}

void vg_ask_row_pattern(struct vg_buf *out, const struct vg_catalog_column *column,
                        const struct vg_ask_pattern *pattern)
{
    /* The first match is of two constants: the planner evaluates it, says what is wrong with the
     * expression, and leaves the second alone to the rows. */
    vg_buf_puts(out, "CASE WHEN (''");
    put_match(out, pattern, false);
    vg_buf_printf(out, ") IS NULL THEN NULL ELSE %s", column->quoted);
    put_match(out, pattern, !pattern->inverted);
    vg_buf_puts(out, " END");
}

void vg_ask_row_holds(struct vg_buf *out, const char *condition, bool nulls_offend)
{
    vg_buf_printf(out, "%s(\n%s\n)%s", nulls_offend ? "" : "NOT ", condition,
                  nulls_offend ? " IS NOT TRUE" : "");
}

/* The instant that a column says: what has no offset is wall clock of the dataset's zone. */
static void put_instant(struct vg_buf *out, const struct vg_catalog_column *column,
                        const struct vg_zone *zone)
{
    if (!vg_sql_naive(column)) {
        vg_buf_puts(out, column->quoted);
        return;
    }
    vg_buf_puts(out, "pg_catalog.timezone(");
    vg_sql_put_text(out, zone->name);
    vg_buf_printf(out, ", %s::pg_catalog.timestamp)", column->quoted);
}

void vg_ask_row_delay(struct vg_buf *out, const struct vg_ask_delay *delay)
{
    struct vg_buf from, to;
    vg_buf_init(&from, out->max);
    vg_buf_init(&to, out->max);
    put_instant(&from, delay->from, delay->zone);
    put_instant(&to, delay->to, delay->zone);
    /* Infinite times cannot be subtracted. */
    vg_buf_printf(out,
                  "CASE WHEN %s IS NULL OR %s IS NULL THEN NULL"
                  " WHEN pg_catalog.isfinite(%s) AND pg_catalog.isfinite(%s)"
                  " THEN %s - %s > '%" PRId64 " microseconds'::pg_catalog.interval",
                  delay->from->quoted, delay->to->quoted, delay->from->quoted, delay->to->quoted,
                  to.data, from.data, delay->most_us);
    if (delay->negative)
        vg_buf_printf(out, " OR %s < %s", to.data, from.data);
    vg_buf_puts(out, " ELSE true END");
    out->failed = out->failed || from.failed || to.failed;
    vg_buf_free(&from);
    vg_buf_free(&to);
}
