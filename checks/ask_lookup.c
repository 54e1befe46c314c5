/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking values up in another table. Pure. Values are made distinct first, so that each is looked
 * up once; those that go to another connection go as literals, private ones as hashes. */
#include "checks/ask_lookup.h"

#include "checks/ask_segments.h"

#include <stdio.h>
#include <string.h>

enum { GROUPS_MAX = 256 << 10 };

/* The key of the row shown for a missing value, else the value; nothing where it is private. */
static void choose_key(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                       struct vg_ask_columns *out)
{
    out->n = 0;
    if (!vg_ask_most_keys(asked))
        return;
    vg_ask_key(asked, out);
    if (!out->n && !vg_ask_private(asked, lookup->own))
        *out = *lookup->own;
}

/* Types that cannot be grouped or looked up are so as text; of jsonb, arrays and the like the
 * equality of the type serves. */
static const char *cast_of(const struct vg_catalog_column *column)
{
    static const uint32_t unequal[] = {VG_OID_JSON,    VG_OID_XML,  VG_OID_POINT,
                                       VG_OID_LSEG,    VG_OID_PATH, VG_OID_BOX,
                                       VG_OID_POLYGON, VG_OID_LINE, VG_OID_CIRCLE};
    for (size_t i = 0; i < sizeof unequal / sizeof *unequal; i++) {
        if (column->wire_oid == unequal[i])
            return "::pg_catalog.text";
    }
    return "";
}

static void put_own(struct vg_buf *out, const struct vg_catalog_column *column)
{
    vg_buf_printf(out, "%s%s", column->quoted, cast_of(column));
}

static void put_grouping(struct vg_buf *out, const struct vg_asked *asked,
                         const struct vg_ask_columns *own)
{
    struct vg_buf list;
    vg_buf_init(&list, GROUPS_MAX);
    for (size_t i = 0; i < own->n; i++) {
        vg_buf_puts(&list, i ? ", " : "");
        put_own(&list, own->items[i]);
    }
    vg_ask_put_sets(out, asked, list.data);
    out->failed |= list.failed;
    vg_buf_free(&list);
}

/* The counts of each segment: its rows, and those of missing values. */
static void put_segments(struct vg_buf *out)
{
    vg_buf_puts(out,
                "\nUNION ALL SELECT 0, pg_catalog.sum(t), pg_catalog.sum(f), pg_catalog.sum(g),"
                " NULL, sg, sv FROM (\n"
                "  SELECT sg, sv, n AS t, 0 AS f, 0 AS g FROM d WHERE sg > 0\n"
                "  UNION ALL SELECT sg, sv, 0, n, 1 FROM m WHERE sg > 0) AS u GROUP BY sg, sv");
}

/* The row of the other table that has the values c1, c2 ... of d. */
static void put_match(struct vg_buf *out, const struct vg_ask_lookup *lookup)
{
    vg_ask_put_table(out, lookup->table);
    vg_buf_puts(out, " AS r WHERE ");
    for (size_t i = 0; i < lookup->own->n; i++) {
        vg_buf_puts(out, i ? " AND r." : "r.");
        vg_ask_put_name(out, lookup->theirs.items[i]);
        vg_buf_printf(out, "%s = d.c%zu", cast_of(lookup->own->items[i]), i + 1);
    }
}

void vg_ask_missing(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                    struct vg_buf *out)
{
    const struct vg_ask_columns *own = lookup->own;
    struct vg_rows_of rows = vg_ask_rows(asked);
    struct vg_ask_columns key;
    choose_key(asked, lookup, &key);
    vg_buf_puts(out, "WITH d AS (SELECT ");
    for (size_t i = 0; i < own->n; i++) {
        put_own(out, own->items[i]);
        vg_buf_printf(out, " AS c%zu, ", i + 1);
    }
    vg_buf_puts(out, "pg_catalog.count(*) AS n, ");
    vg_ask_put_least_key(out, &key);
    vg_buf_puts(out, " AS k");
    vg_ask_put_segment(out, asked);
    vg_ask_put_rows(out, &rows, own, true);
    put_grouping(out, asked, own);
    const char *more = asked->nsplits ? ", sg, sv" : "",
               *all = asked->nsplits ? " WHERE sg = 0" : "";
    vg_buf_printf(out, "),\nm AS (SELECT n, k%s FROM d WHERE NOT EXISTS (SELECT 1 FROM ", more);
    put_match(out, lookup);
    vg_buf_printf(out,
                  "))\nSELECT 0 AS o, (SELECT coalesce(pg_catalog.sum(n), 0) FROM d%s) AS tested,"
                  " (SELECT coalesce(pg_catalog.sum(n), 0) FROM m%s) AS offending,\n"
                  "  (SELECT pg_catalog.count(*) FROM m%s) AS groups,"
                  " NULL::pg_catalog.text AS k",
                  all, all, all);
    vg_ask_put_no_segment(out, asked);
    if (asked->nsplits)
        put_segments(out);
    if (key.n)
        vg_buf_printf(out,
                      "\nUNION ALL (SELECT 1, NULL, n, NULL, k%s FROM m%s ORDER BY k LIMIT %zu)\n"
                      "ORDER BY o, k",
                      asked->nsplits ? ", 0, NULL" : "", all, vg_ask_most_keys(asked));
}

int vg_ask_unknown(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                   struct vg_buf *out, struct vg_error *err)
{
    const struct vg_ask_columns *own = lookup->own;
    struct vg_rows_of rows = vg_ask_rows(asked);
    vg_buf_puts(out, "SELECT * FROM (");
    if (vg_ask_put_keys(asked, out, err) < 0)
        return -1;
    for (size_t i = 0; i < own->n; i++) {
        vg_buf_puts(out, ", ");
        put_own(out, own->items[i]);
        vg_buf_printf(out, " AS c%zu", i + 1);
    }
    vg_ask_put_rows(out, &rows, own, true);
    vg_buf_puts(out, ") AS d\nWHERE NOT EXISTS (SELECT 1 FROM ");
    put_match(out, lookup);
    vg_buf_putc(out, ')');
    return 0;
}

/* --- two connections --- */

void vg_ask_put_carried(struct vg_buf *out, const char *quoted, bool hashed)
{
    if (hashed)
        vg_buf_printf(out,
                      "pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to("
                      "%s::pg_catalog.text, 'UTF8')), 'hex')",
                      quoted);
    else
        vg_buf_puts(out, quoted);
}

const char *vg_ask_carried_type(const struct vg_catalog_column *column, bool hashed)
{
    if (hashed || column->kind == VG_KIND_OTHER)
        return "";
    switch (column->wire_oid) {
    case VG_OID_BOOL:
        return "::pg_catalog.bool";
    case VG_OID_INT2:
    case VG_OID_INT4:
    case VG_OID_INT8:
        return "::pg_catalog.int8";
    case VG_OID_FLOAT4:
        return "::pg_catalog.float4";
    case VG_OID_FLOAT8:
        return "::pg_catalog.float8";
    case VG_OID_NUMERIC:
        return "::pg_catalog.numeric";
    case VG_OID_DATE:
        return "::pg_catalog.date";
    case VG_OID_TIMESTAMP:
        return "::pg_catalog.timestamp";
    case VG_OID_TIMESTAMPTZ:
        return "::pg_catalog.timestamptz";
    case VG_OID_UUID:
        return "::pg_catalog.uuid";
    default:
        return "::pg_catalog.text";
    }
}

void vg_ask_distinct(const struct vg_asked *asked, const struct vg_ask_lookup *lookup,
                     struct vg_buf *out)
{
    const struct vg_ask_columns *own = lookup->own;
    struct vg_rows_of rows = vg_ask_rows(asked);
    struct vg_ask_columns key;
    choose_key(asked, lookup, &key);
    vg_buf_puts(out, "WITH d AS (SELECT pg_catalog.count(*) AS n, ");
    vg_ask_put_least_key(out, &key);
    vg_buf_puts(out, " AS k");
    for (size_t i = 0; i < own->n; i++) {
        vg_buf_puts(out, ", (");
        vg_ask_put_carried(out, own->items[i]->quoted, lookup->hashed);
        vg_buf_printf(out, ")::pg_catalog.text AS c%zu", i + 1);
    }
    vg_ask_put_rows(out, &rows, own, true);
    put_grouping(out, asked, own);
    vg_buf_puts(out, "),\ns AS (SELECT pg_catalog.count(*) AS n, coalesce(pg_catalog.sum(n), 0)"
                     " AS rows, coalesce(pg_catalog.sum(0");
    for (size_t i = 0; i < own->n; i++)
        vg_buf_printf(out, " + pg_catalog.octet_length(c%zu)", i + 1);
    vg_buf_puts(out, "), 0) AS bytes FROM d)\nSELECT 0 AS o, n, rows, bytes,"
                     " NULL::pg_catalog.text AS k");
    for (size_t i = 0; i < own->n; i++)
        vg_buf_printf(out, ", NULL::pg_catalog.text AS c%zu", i + 1);
    vg_buf_puts(out, " FROM s\nUNION ALL SELECT pg_catalog.row_number() OVER (ORDER BY d.k), d.n,"
                     " NULL, NULL, d.k");
    for (size_t i = 0; i < own->n; i++)
        vg_buf_printf(out, ", d.c%zu", i + 1);
    vg_buf_printf(out, " FROM d, s WHERE s.n <= %d AND s.bytes <= %d\nORDER BY o",
                  VG_ASK_VALUES_MAX, VG_ASK_VALUES_BYTES);
}

bool vg_ask_has_values(const struct vg_rows *distinct)
{
    return distinct->nrows > 1;
}

void vg_ask_put_values(struct vg_buf *out, const struct vg_rows *rows, size_t first)
{
    vg_buf_puts(out, "(VALUES ");
    for (size_t row = 1; row < rows->nrows; row++) {
        vg_buf_printf(out, "%s(%zu", row > 1 ? ", " : "", row);
        for (size_t c = first; c < rows->ncols; c++) {
            const char *cell = vg_ask_cell(rows, row, c);
            vg_buf_puts(out, ", ");
            if (cell)
                vg_sql_put_text(out, cell);
            else
                vg_buf_puts(out, "NULL");
        }
        vg_buf_putc(out, ')');
    }
    vg_buf_puts(out, ") AS x(i");
    for (size_t c = first; c < rows->ncols; c++)
        vg_buf_printf(out, ", c%zu", c - first + 1);
    vg_buf_putc(out, ')');
}

void vg_ask_missing_values(const struct vg_ask_lookup *lookup, const struct vg_rows *distinct,
                           struct vg_buf *out)
{
    const struct vg_ask_columns *own = lookup->own;
    vg_buf_puts(out, "SELECT v.i FROM (SELECT i");
    for (size_t i = 0; i < own->n; i++)
        vg_buf_printf(out, ", c%zu%s AS c%zu", i + 1,
                      vg_ask_carried_type(own->items[i], lookup->hashed), i + 1);
    vg_buf_puts(out, " FROM ");
    vg_ask_put_values(out, distinct, 5);
    vg_buf_puts(out, ") AS v\nWHERE NOT EXISTS (SELECT 1 FROM ");
    vg_ask_put_table(out, lookup->table);
    vg_buf_puts(out, " AS r WHERE ");
    for (size_t i = 0; i < own->n; i++) {
        struct vg_buf name;
        vg_buf_init(&name, 1024);
        vg_ask_put_name(&name, lookup->theirs.items[i]);
        bool as_text = own->items[i]->kind == VG_KIND_OTHER && !lookup->hashed;
        vg_buf_puts(out, i ? " AND " : "");
        vg_ask_put_carried(out, name.data, lookup->hashed);
        vg_buf_printf(out, "%s = v.c%zu", as_text ? "::pg_catalog.text" : "", i + 1);
        out->failed |= name.failed;
        vg_buf_free(&name);
    }
    vg_buf_puts(out, ")\nORDER BY v.i");
}

static int say_too_many(const struct vg_rule *rule, double values, struct vg_measures *measures,
                        struct vg_error *err)
{
    int rc = vg_measure_skip(measures, rule, VG_UNKNOWN,
                             "%.0f distinct values are too many to be looked up on another "
                             "connection (at most %d, and 1 MB): narrow the rule with where",
                             values, VG_ASK_VALUES_MAX);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

int vg_ask_carried_share(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *measures, struct vg_measure **out,
                         struct vg_error *err)
{
    bool failed;
    if (!vg_evidence_answered(rule, evidence, measures, &failed, err))
        return failed ? -1 : 0;
    const struct vg_rows *distinct = &evidence->answers[0], *missing = &evidence->answers[1];
    size_t n = evidence->nanswers > 1 ? missing->nrows : 0, nkeys = 0;
    double values = vg_ask_number(distinct, 0, 1), offending = 0;
    if (values > 0 && evidence->nanswers < 2)
        return say_too_many(rule, values, measures, err);
    struct vg_measure *measure = *out = vg_measure_add(measures, rule);
    const char **keys = vg_arena_array(measures->arena, n, sizeof *keys);
    if (!measure || !keys)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        double place = vg_ask_number(missing, i, 0);
        if (!(place >= 1 && place < (double)distinct->nrows))
            continue;
        const char *key = vg_ask_cell(distinct, (size_t)place, 4);
        offending += vg_ask_number(distinct, (size_t)place, 1);
        if (key && nkeys < rule->dataset->max_offending)
            keys[nkeys++] = key;
    }
    measure->keys = nkeys ? keys : NULL;
    measure->nkeys = nkeys;
    measure->n_now = vg_ask_number(distinct, 0, 2);
    if (measure->n_now > 0)
        measure->value = measure->effect = offending / measure->n_now;
    snprintf(measure->why, sizeof measure->why, "%.0f of %.0f rows", offending, measure->n_now);
    return 1;
}

void vg_ask_say_missing(const struct vg_evidence *evidence, bool elsewhere, const char *table,
                        struct vg_measure *measure)
{
    const struct vg_rows *answers = evidence->answers;
    size_t used = strlen(measure->why);
    double carried = evidence->nanswers > 1 ? (double)answers[1].nrows : 0;
    double values = elsewhere ? carried : vg_ask_number(&answers[0], 0, 3);
    snprintf(measure->why + used, sizeof measure->why - used,
             " hold one of %.0f value%s that %s does not have", values, values == 1 ? "" : "s",
             table);
}
