/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing two tables. Pure. On one connection each comparison is one statement. On two, each side
 * answers for itself: counts, sums, and keys as counts and sums of hashes in buckets, none of which
 * depends on an order; values go over as a sample, the same keys each time. */
#include <inttypes.h>

#include "checks/ask_compare.h"
#include "checks/ask_lookup.h"
#include "pgvigil/text.h"

/* One comparison while its statement is written. */
struct comparison {
    const struct vg_asked *asked;
    const struct vg_ask_compare *params;
    struct vg_ask_columns on, columns;
    bool elsewhere, hashed; /* hashed: keys are private and go to another connection */
};

bool vg_ask_compare_elsewhere(const struct vg_rule *rule)
{
    const struct vg_ask_compare *params = rule->params;
    return params->connection && !vg_streq(params->connection, rule->dataset->connection);
}

/* --- sides --- */

/* A column of one side; theirs has our name. */
static void put_column(struct vg_buf *out, const struct vg_catalog_column *column, bool theirs)
{
    if (theirs)
        vg_ask_put_name(out, column->name);
    else
        vg_buf_puts(out, column->quoted);
}

static bool is_rounded(const struct vg_catalog_column *column)
{
    return column->wire_oid == VG_OID_FLOAT4 || column->kind == VG_KIND_TIME;
}

/* What a value of theirs is to a decoded one of ours, which has passed through the store: a real is
 * rounded, beyond the type to infinity or zero as there, and a time has whole seconds. */
static void put_stored(struct vg_buf *out, const struct vg_catalog_column *column)
{
    struct vg_buf name;
    vg_buf_init(&name, 4096);
    vg_ask_put_name(&name, column->name);
    if (column->wire_oid == VG_OID_FLOAT4)
        vg_buf_printf(
            out,
            "CASE WHEN pg_catalog.abs(%s) < 'Infinity'"
            " AND pg_catalog.abs(%s) >= 3.4028235677973366e38\n"
            "THEN CASE WHEN %s < 0 THEN '-Infinity' ELSE 'Infinity' END::pg_catalog.float4"
            " WHEN pg_catalog.abs(%s) <= 7.006492321624085e-46 THEN 0"
            " ELSE %s::pg_catalog.float4 END",
            name.data, name.data, name.data, name.data, name.data);
    else
        vg_buf_printf(out, "pg_catalog.date_trunc('second', %s)", name.data);
    out->failed |= name.failed;
    vg_buf_free(&name);
}

/* One row for each key: the newest. */
static void put_chosen(struct vg_buf *out, const struct comparison *c)
{
    for (size_t i = 0; i < c->on.n; i++) {
        vg_buf_puts(out, i ? ", " : " DISTINCT ON (");
        vg_ask_put_name(out, c->on.items[i]->name);
    }
    vg_buf_puts(out, ") *");
}

static void put_order(struct vg_buf *out, const struct comparison *c)
{
    vg_buf_puts(out, "\nORDER BY ");
    for (size_t i = 0; i < c->on.n; i++) {
        vg_buf_puts(out, i ? ", " : "");
        vg_ask_put_name(out, c->on.items[i]->name);
    }
    for (size_t i = 0; i < c->params->newest.n; i++) {
        vg_buf_puts(out, ", ");
        vg_ask_put_name(out, c->params->newest.items[i]);
        vg_buf_puts(out, " DESC NULLS LAST");
    }
    vg_buf_puts(out, ") AS newest");
}

static void put_from_theirs(struct vg_buf *out, const struct comparison *c,
                            const struct vg_ask_columns *present)
{
    const char *word = "\nWHERE ";
    const struct vg_window *window = c->asked->window;
    bool chosen = c->params->newest.n > 0;
    vg_buf_puts(out, "\nFROM ");
    if (chosen) {
        vg_buf_puts(out, "(SELECT");
        put_chosen(out, c);
        vg_buf_puts(out, " FROM ");
    }
    vg_ask_put_table(out, c->params->with);
    for (int end = 0; c->params->time_column && window && end < 2; end++) {
        vg_buf_puts(out, word);
        vg_ask_put_name(out, c->params->time_column);
        vg_buf_puts(out, end ? " < " : " >= ");
        vg_sql_put_moment(out, c->asked->rows->dataset->zone,
                          end ? window->end_us : window->start_us);
        word = " AND ";
    }
    /* No other type than those of time has it: a text would be compared letter by letter. */
    if (c->params->time_column && window) {
        vg_buf_puts(out, " AND pg_catalog.isfinite(");
        vg_ask_put_name(out, c->params->time_column);
        vg_buf_putc(out, ')');
    }
    if (c->params->filter && !chosen) {
        vg_buf_printf(out, "%s(\n%s\n)", word, c->params->filter);
        word = " AND ";
    }
    for (size_t i = 0; present && i < present->n; i++) {
        vg_buf_puts(out, word);
        vg_ask_put_name(out, present->items[i]->name);
        vg_buf_puts(out, " IS NOT NULL");
        word = " AND ";
    }
    if (!chosen)
        return;
    put_order(out, c);
    /* Before the choice it would put an older row in the place of one that it leaves out. */
    if (c->params->filter)
        vg_buf_printf(out, "\nWHERE (\n%s\n)", c->params->filter);
}

static void put_from(struct vg_buf *out, const struct comparison *c, bool theirs,
                     const struct vg_ask_columns *present)
{
    struct vg_rows_of rows = vg_ask_rows(c->asked);
    if (theirs)
        put_from_theirs(out, c, present);
    else
        vg_ask_put_rows(out, &rows, present, true);
}

/* "k1, k2": keys of one side under common names; hashed where they may not travel. */
static void put_keys(struct vg_buf *out, const struct comparison *c, bool theirs)
{
    for (size_t i = 0; i < c->on.n; i++) {
        struct vg_buf name;
        vg_buf_init(&name, 1 << 20);
        put_column(&name, c->on.items[i], theirs);
        vg_buf_puts(out, i ? ", " : "");
        vg_ask_put_carried(out, name.data, c->hashed);
        bool as_text = c->on.items[i]->kind == VG_KIND_OTHER && !c->hashed;
        vg_buf_printf(out, "%s AS k%zu", as_text ? "::pg_catalog.text" : "", i + 1);
        out->failed |= name.failed;
        vg_buf_free(&name);
    }
}

static void put_compared(struct vg_buf *out, const struct comparison *c, bool theirs)
{
    for (size_t i = 0; i < c->columns.n; i++) {
        const struct vg_catalog_column *column = c->columns.items[i];
        vg_buf_puts(out, ", ");
        if (column->only && !theirs)
            vg_buf_printf(out, "(pg_catalog.array_agg(%s) FILTER (WHERE %s))[1]", column->quoted,
                          column->only);
        else if (theirs && column->codec && is_rounded(column))
            put_stored(out, column);
        else
            put_column(out, column, theirs);
        bool as_text = column->kind == VG_KIND_OTHER;
        vg_buf_printf(out, "%s AS c%zu", as_text ? "::pg_catalog.text" : "", i + 1);
    }
}

/* Of a long source the values of one key stand in several rows. */
static void put_pivot(struct vg_buf *out, const struct comparison *c, bool theirs)
{
    bool wide = false;
    for (size_t i = 0; i < c->columns.n; i++)
        wide |= c->columns.items[i]->only != NULL;
    for (size_t i = 0; wide && !theirs && i < c->on.n; i++)
        vg_buf_printf(out, "%s%zu", i ? ", " : "\nGROUP BY ", i + 1);
}

static void put_join(struct vg_buf *out, const struct comparison *c)
{
    for (size_t i = 0; i < c->on.n; i++)
        vg_buf_printf(out, "%sa.k%zu = b.k%zu", i ? " AND " : "", i + 1, i + 1);
}

/* The key of a row of a join, as text; `one` where the other side may lack it. */
static void put_joined_key(struct vg_buf *out, const struct comparison *c, bool full)
{
    vg_buf_puts(out, "pg_catalog.left(pg_catalog.concat_ws(', '");
    for (size_t i = 0; i < c->on.n; i++)
        vg_buf_printf(
            out, full ? ", coalesce(a.k%zu, b.k%zu)::pg_catalog.text" : ", a.k%zu::pg_catalog.text",
            i + 1, i + 1);
    vg_buf_printf(out, "), %d) COLLATE pg_catalog.\"C\"", VG_KEY_TEXT / 2);
}

static size_t choose_most(const struct comparison *c)
{
    return vg_ask_private(c->asked, &c->on) ? 0 : vg_ask_most_keys(c->asked);
}

/* --- rows and sums --- */

static void put_totals(struct vg_buf *out, const struct comparison *c, bool theirs)
{
    vg_buf_puts(out, "SELECT pg_catalog.count(*)");
    for (size_t i = 0; i < c->columns.n && c->params->what == VG_ASK_SUMS; i++) {
        vg_buf_puts(out, ", pg_catalog.sum(");
        put_column(out, c->columns.items[i], theirs);
        vg_buf_puts(out, ")::pg_catalog.float8");
    }
    put_from(out, c, theirs, NULL);
}

/* --- keys --- */

static void put_full_join(struct vg_buf *out, const struct comparison *c)
{
    size_t most = choose_most(c);
    static const char *const bad[] = {[VG_ASK_EITHER] = "NOT (ours AND theirs)",
                                      [VG_ASK_THEIRS] = "NOT theirs",
                                      [VG_ASK_OURS] = "NOT ours"};
    const char *wrong = bad[c->params->missing];
    vg_buf_puts(out, "WITH j AS (SELECT a.h IS NOT NULL AS ours, b.h IS NOT NULL AS theirs");
    if (most) {
        vg_buf_puts(out, ",\n  ");
        put_joined_key(out, c, true);
        vg_buf_puts(out, " AS k");
    }
    for (int theirs = 0; theirs < 2; theirs++) {
        vg_buf_puts(out,
                    theirs ? ") AS a\nFULL JOIN (SELECT DISTINCT " : "\nFROM (SELECT DISTINCT ");
        put_keys(out, c, theirs);
        vg_buf_puts(out, ", true AS h");
        put_from(out, c, theirs, &c->on);
    }
    vg_buf_puts(out, ") AS b ON ");
    put_join(out, c);
    vg_buf_printf(out,
                  ")\nSELECT 0 AS o, pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE %s),\n"
                  "  pg_catalog.count(*) FILTER (WHERE NOT theirs),"
                  " NULL::pg_catalog.text AS k FROM j",
                  wrong);
    if (most)
        vg_buf_printf(out,
                      "\nUNION ALL (SELECT 1, NULL, NULL, NULL, k FROM j WHERE %s\n"
                      "ORDER BY k LIMIT %zu)\nORDER BY o, k",
                      wrong, most);
}

/* The hash of a side's keys as text, which does not depend on the server. */
static void put_buckets(struct vg_buf *out, const struct comparison *c, bool theirs)
{
    vg_buf_printf(out,
                  "SELECT h & %d AS b, pg_catalog.count(*), pg_catalog.sum(h)\nFROM ("
                  "SELECT DISTINCT pg_catalog.hashtextextended(pg_catalog.concat_ws(E'\\x1f'",
                  VG_ASK_BUCKETS - 1);
    for (size_t i = 0; i < c->on.n; i++)
        vg_buf_printf(out, ", k%zu::pg_catalog.text", i + 1);
    vg_buf_puts(out, ") COLLATE pg_catalog.\"C\", 0) AS h FROM (SELECT ");
    put_keys(out, c, theirs);
    put_from(out, c, theirs, &c->on);
    vg_buf_puts(out, ") AS x) AS y\nGROUP BY b ORDER BY b");
}

/* --- values --- */

/* Whether the values of a joined row differ; equal ones, infinities too, never do. */
static void put_differs(struct vg_buf *out, const struct comparison *c, size_t i)
{
    bool near = c->params->tolerance > 0 || c->params->relative > 0;
    vg_buf_printf(out, "(a.c%zu IS DISTINCT FROM b.c%zu", i, i);
    if (near && c->columns.items[i - 1]->kind == VG_KIND_NUMBER) {
        struct vg_buf x, d;
        vg_buf_init(&x, 4096);
        vg_buf_init(&d, 4096);
        vg_buf_printf(&x, "a.c%zu::pg_catalog.float8, b.c%zu::pg_catalog.float8", i, i);
        vg_buf_printf(&d, "pg_catalog.abs(a.c%zu::pg_catalog.float8 - b.c%zu::pg_catalog.float8)",
                      i, i);
        vg_buf_printf(out, " AND NOT coalesce(%s < 'Infinity' AND %s <= greatest(", d.data, d.data);
        vg_sql_put_number(out, c->params->tolerance);
        vg_buf_puts(out, ", ");
        vg_sql_put_number(out, c->params->relative);
        vg_buf_printf(out,
                      " * greatest(%s, -a.c%zu::pg_catalog.float8, -b.c%zu::pg_catalog.float8)"
                      "), false)",
                      x.data, i, i);
        out->failed |= x.failed || d.failed;
        vg_buf_free(&x);
        vg_buf_free(&d);
    }
    vg_buf_putc(out, ')');
}

/* The carried sample as the left side: literals cast back to the types that they had. */
static void put_carried_side(struct vg_buf *out, const struct comparison *c)
{
    size_t n = c->on.n;
    vg_buf_puts(out, "SELECT i");
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(out, ", c%zu%s AS k%zu", i + 1,
                      vg_ask_carried_type(c->on.items[i], c->hashed), i + 1);
    for (size_t i = 0; i < c->columns.n; i++)
        vg_buf_printf(out, ", c%zu%s AS c%zu", n + i + 1,
                      vg_ask_carried_type(c->columns.items[i], false), i + 1);
    vg_buf_puts(out, "\nFROM ");
    vg_ask_put_values(out, &c->asked->answers[0], 2);
}

static void put_values_join(struct vg_buf *out, const struct comparison *c)
{
    size_t n = c->columns.n,
           most = c->elsewhere ? c->asked->rule->dataset->max_offending : choose_most(c);
    vg_buf_puts(out, "WITH j AS (SELECT ");
    if (c->elsewhere)
        vg_buf_puts(out, "a.i::pg_catalog.text");
    else if (most)
        put_joined_key(out, c, false);
    else
        vg_buf_puts(out, "NULL::pg_catalog.text");
    vg_buf_puts(out, " AS k");
    for (size_t i = 1; i <= n; i++) {
        vg_buf_puts(out, ",\n  ");
        put_differs(out, c, i);
        vg_buf_printf(out, " AS d%zu", i);
    }
    for (int theirs = 0; theirs < 2; theirs++) {
        vg_buf_puts(out, theirs ? ") AS a\nJOIN (" : "\nFROM (");
        if (!theirs && c->elsewhere) {
            put_carried_side(out, c);
            continue;
        }
        vg_buf_puts(out, "SELECT ");
        put_keys(out, c, theirs);
        put_compared(out, c, theirs);
        put_from(out, c, theirs, &c->on);
        put_pivot(out, c, theirs);
    }
    vg_buf_puts(out, ") AS b ON ");
    put_join(out, c);
    vg_buf_puts(out, "),\ne AS (SELECT *, (d1");
    for (size_t i = 2; i <= n; i++)
        vg_buf_printf(out, " OR d%zu", i);
    vg_buf_puts(out, ") AS d FROM j)\nSELECT 0 AS o, pg_catalog.count(*),"
                     " pg_catalog.count(*) FILTER (WHERE d), 0, NULL::pg_catalog.text AS k");
    for (size_t i = 1; i <= n; i++)
        vg_buf_printf(out, ", pg_catalog.count(*) FILTER (WHERE d%zu)", i);
    vg_buf_puts(out, " FROM e");
    if (!most)
        return;
    vg_buf_puts(out, "\nUNION ALL (SELECT 1, NULL, NULL, NULL, k");
    for (size_t i = 1; i <= n; i++)
        vg_buf_puts(out, ", NULL");
    vg_buf_printf(out, " FROM e WHERE d ORDER BY k LIMIT %zu)\nORDER BY o, k", most);
}

/* Rows of ours by the hash of their key: (0, rows), then (place, key shown, keys, values). */
static void put_sample(struct vg_buf *out, const struct comparison *c)
{
    bool shown = choose_most(c) > 0;
    vg_buf_puts(out, "WITH s AS (SELECT ");
    put_keys(out, c, false);
    put_compared(out, c, false);
    put_from(out, c, false, &c->on);
    put_pivot(out, c, false);
    vg_buf_puts(out, "),\nt AS (SELECT pg_catalog.row_number() OVER (ORDER BY"
                     " pg_catalog.hashtextextended(pg_catalog.concat_ws(', '");
    for (size_t i = 1; i <= c->on.n; i++)
        vg_buf_printf(out, ", k%zu::pg_catalog.text", i);
    vg_buf_puts(out, ") COLLATE pg_catalog.\"C\", 0)) AS i, * FROM s)\nSELECT 0 AS i,"
                     " NULL::pg_catalog.text");
    for (size_t i = 0; i < c->on.n + c->columns.n; i++)
        vg_buf_puts(out, ", NULL::pg_catalog.text");
    vg_buf_puts(out, "\nUNION ALL SELECT i, ");
    if (shown)
        put_joined_key(out, c, false);
    else
        vg_buf_puts(out, "NULL");
    for (size_t i = 1; i <= c->on.n; i++)
        vg_buf_printf(out, ", k%zu::pg_catalog.text", i);
    for (size_t i = 1; i <= c->columns.n; i++)
        vg_buf_printf(out, ", c%zu::pg_catalog.text", i);
    vg_buf_puts(out,
                "\nFROM (SELECT *, pg_catalog.sum(pg_catalog.octet_length(pg_catalog.concat(k1");
    for (size_t i = 2; i <= c->on.n; i++)
        vg_buf_printf(out, ", k%zu", i);
    for (size_t i = 1; i <= c->columns.n; i++)
        vg_buf_printf(out, ", c%zu", i);
    vg_buf_printf(out,
                  "))) OVER (ORDER BY i) AS bytes FROM t WHERE i <= %" PRId64 ") AS a\n"
                  "WHERE bytes <= %d\nORDER BY i",
                  c->params->sample, VG_ASK_VALUES_BYTES);
}

/* --- all --- */

static int choose_columns(const struct vg_asked *asked, struct comparison *c, struct vg_error *err)
{
    int what = c->params->what;
    bool keyed = what == VG_ASK_KEYS || what == VG_ASK_VALUES;
    if (keyed && vg_ask_own(asked, &c->params->on, &c->on, err) < 0)
        return -1;
    if (vg_ask_find(asked, &c->params->columns, &c->columns, err) < 0)
        return -1;
    for (size_t i = 0; i < c->columns.n; i++) {
        const struct vg_catalog_column *column = c->columns.items[i];
        if (column->codec && (!column->cast_oid || vg_array_element(column->cast_oid)))
            return vg_fail(err, VG_E_CONFIG,
                           "column %s: only a decoded value with a type that is no array can be "
                           "compared",
                           column->name);
    }
    c->hashed = c->elsewhere && vg_ask_private(asked, &c->on);
    if (c->elsewhere && what == VG_ASK_VALUES && vg_ask_private(asked, &c->columns))
        return vg_fail(err, VG_E_CONFIG, "private values are not sent to another connection");
    return 0;
}

static void put_part(struct vg_buf *out, const struct comparison *c, bool theirs)
{
    if (c->params->what == VG_ASK_KEYS)
        put_buckets(out, c, theirs);
    else if (c->params->what != VG_ASK_VALUES)
        put_totals(out, c, theirs);
    else if (theirs)
        put_values_join(out, c);
    else
        put_sample(out, c);
}

static void put_whole(struct vg_buf *out, const struct comparison *c)
{
    if (c->params->what == VG_ASK_KEYS) {
        put_full_join(out, c);
    } else if (c->params->what == VG_ASK_VALUES) {
        put_values_join(out, c);
    } else {
        vg_buf_puts(out, "SELECT * FROM (");
        put_totals(out, c, false);
        vg_buf_puts(out, ") AS a, (");
        put_totals(out, c, true);
        vg_buf_puts(out, ") AS b");
    }
}

int vg_ask_compare(const struct vg_asked *asked, struct vg_buf *out, bool *theirs,
                   struct vg_error *err)
{
    struct comparison c = {.asked = asked,
                           .params = asked->rule->params,
                           .elsewhere = vg_ask_compare_elsewhere(asked->rule)};
    size_t statements = c.elsewhere ? 2 : 1;
    *theirs = c.elsewhere && asked->nanswers == 1;
    if (asked->nanswers == statements)
        return 0;
    /* A sample of no rows needs no answer. */
    if (*theirs && c.params->what == VG_ASK_VALUES && asked->answers[0].nrows < 2)
        return 0;
    if (choose_columns(asked, &c, err) < 0)
        return -1;
    if (c.elsewhere)
        put_part(out, &c, *theirs);
    else
        put_whole(out, &c);
    return 0;
}
