/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of statements. Pure; promises that nothing from outside is put between quotes it could end:
 * identifiers are the server's own quoting, literals are numbers and times made here. */
#include "agent/sql.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { STATEMENT_MAX = 1 << 20 };

bool vg_sql_naive(const struct vg_catalog_column *time)
{
    return time->wire_oid == VG_OID_DATE || time->wire_oid == VG_OID_TIMESTAMP;
}

int64_t vg_sql_instant(const struct vg_rows_of *rows, int64_t value_us)
{
    return vg_sql_naive(rows->time) ? vg_zone_instant(rows->dataset->zone, value_us) : value_us;
}

int64_t vg_sql_cell_instant(const struct vg_dataset *dataset, const struct vg_catalog_column *time,
                            double value_us)
{
    int64_t us = llround(value_us);
    return vg_sql_naive(time) ? vg_zone_instant(dataset->zone, us) : us;
}

/* An instant as a literal of the column's type. Years before 1 do not occur in windows. */
static void put_time(struct vg_buf *out, const struct vg_rows_of *rows, int64_t us)
{
    bool naive = vg_sql_naive(rows->time);
    char text[VG_TIME_TEXT];
    vg_format_time(naive ? vg_zone_local(rows->dataset->zone, us) : us, text);
    if (naive)
        text[strlen(text) - 1] = '\0'; /* the Z */
    const char *type = rows->time->wire_oid == VG_OID_DATE ? "date"
                       : naive                             ? "timestamp"
                                                           : "timestamptz";
    if (rows->time->wire_oid == VG_OID_DATE)
        text[10] = '\0';
    vg_buf_printf(out, "'%s'::pg_catalog.%s", text, type);
}

const char *vg_sql_item(const struct vg_catalog_column *column)
{
    return column->scan ? column->scan : column->quoted;
}

struct vg_query_column vg_sql_query_column(const struct vg_catalog_column *column)
{
    return (struct vg_query_column){
        .kind = column->kind,
        .wire_oid = column->codec      ? VG_OID_BYTEA
                    : column->cast_oid ? VG_OID_TEXT
                                       : column->wire_oid,
        .cast_oid = column->cast_oid,
        .codec = column->codec,
    };
}

static const char *join_word(bool *first)
{
    const char *word = *first ? "\nWHERE " : "\n  AND ";
    *first = false;
    return word;
}

static void put_condition(struct vg_buf *out, bool *first, const char *condition)
{
    if (condition)
        vg_buf_printf(out, "%s(\n%s\n)", join_word(first), condition);
}

static void put_range(struct vg_buf *out, bool *first, const struct vg_rows_of *rows)
{
    if (!rows->range || !rows->time)
        return;
    vg_buf_printf(out, "%s%s >= ", join_word(first), rows->time->quoted);
    put_time(out, rows, rows->range->start_us);
    vg_buf_printf(out, "%s%s < ", join_word(first), rows->time->quoted);
    put_time(out, rows, rows->range->end_us);
}

/* Sampling by a hash of the key keeps the use of an index and works on every relation; without a
 * key, rows of a plain table are drawn one by one: blocks of a sorted table are no fair sample. */
static bool samples_by_key(const struct vg_rows_of *rows)
{
    return rows->dataset->key.n > 0;
}

static bool is_sampled(const struct vg_rows_of *rows)
{
    return rows->sample_percent > 0 && rows->sample_percent < 100;
}

static void put_key_sample(struct vg_buf *out, bool *first, const struct vg_rows_of *rows)
{
    if (!is_sampled(rows) || !samples_by_key(rows))
        return;
    vg_buf_puts(out, join_word(first));
    vg_buf_puts(out, "(pg_catalog.hashtextextended(pg_catalog.concat_ws(','");
    for (size_t i = 0; i < rows->dataset->key.n; i++) {
        const struct vg_catalog_column *key =
            vg_catalog_find(rows->catalog, rows->dataset->key.items[i]);
        if (key)
            vg_buf_printf(out, ", %s", key->quoted);
    }
    vg_buf_printf(out, "), 0) & 1048575) < %" PRId64,
                  (int64_t)llround(rows->sample_percent / 100 * 1048576));
}

static void put_from(struct vg_buf *out, const struct vg_rows_of *rows)
{
    vg_buf_printf(out, "\nFROM %s", rows->catalog->quoted);
    if (is_sampled(rows) && !samples_by_key(rows))
        vg_buf_printf(out, " TABLESAMPLE BERNOULLI (%.6g)", rows->sample_percent);
}

static void put_where(struct vg_buf *out, const struct vg_rows_of *rows)
{
    bool first = true;
    put_range(out, &first, rows);
    put_condition(out, &first, rows->dataset->filter);
    put_condition(out, &first, rows->filter);
    put_key_sample(out, &first, rows);
}

static const char *finish(struct vg_buf *out, struct vg_arena *arena)
{
    const char *text = out->failed ? NULL : vg_arena_strdup(arena, out->data);
    vg_buf_free(out);
    return text;
}

const char *vg_sql_select(const struct vg_rows_of *rows, const char *const *items, size_t nitems,
                          bool ordered, struct vg_arena *arena)
{
    struct vg_buf out;
    vg_buf_init(&out, STATEMENT_MAX);
    vg_buf_puts(&out, "SELECT");
    for (size_t i = 0; i < nitems; i++)
        vg_buf_printf(&out, "%s %s", i ? "," : "", items[i]);
    put_from(&out, rows);
    put_where(&out, rows);
    if (ordered && rows->time)
        vg_buf_printf(&out, "\nORDER BY %s", rows->time->quoted);
    return finish(&out, arena);
}

const char *vg_sql_copy(const struct vg_rows_of *rows, const char *const *items, size_t nitems,
                        bool ordered, struct vg_arena *arena)
{
    const char *select = vg_sql_select(rows, items, nitems, ordered, arena);
    return select ? vg_arena_printf(arena, "COPY (%s) TO STDOUT (FORMAT binary)", select) : NULL;
}

void vg_sql_put_rows(struct vg_buf *out, const struct vg_rows_of *rows, const char *where)
{
    bool first = true;
    vg_buf_printf(out, "\nFROM %s", rows->catalog->quoted);
    put_range(out, &first, rows);
    put_condition(out, &first, rows->dataset->filter);
    put_condition(out, &first, rows->filter);
    put_condition(out, &first, where);
}

void vg_sql_put_text(struct vg_buf *out, const char *text)
{
    vg_buf_puts(out, strchr(text, '\\') ? "E'" : "'");
    for (const char *c = text; *c; c++) {
        if (*c == '\'' || *c == '\\')
            vg_buf_putc(out, *c);
        vg_buf_putc(out, *c);
    }
    vg_buf_putc(out, '\'');
}

void vg_sql_put_number(struct vg_buf *out, double value)
{
    char text[VG_NUMBER_TEXT];
    if (isfinite(value))
        vg_buf_printf(out, "'%s'::pg_catalog.float8", vg_format_double(value, text));
    else
        vg_buf_printf(out, "'%s'::pg_catalog.float8",
                      isnan(value) ? "NaN"
                      : value > 0  ? "Infinity"
                                   : "-Infinity");
}

void vg_sql_put_instant(struct vg_buf *out, const struct vg_rows_of *rows, int64_t us)
{
    put_time(out, rows, us);
}

void vg_sql_put_moment(struct vg_buf *out, const struct vg_zone *zone, int64_t us)
{
    char text[VG_TIME_TEXT];
    int64_t local = vg_zone_local(zone, us), offset = (local - us) / VG_US;
    int64_t size = offset < 0 ? -offset : offset;
    vg_format_time(local, text);
    text[strlen(text) - 1] = '\0'; /* the Z */
    vg_buf_printf(out, "'%s%c%02" PRId64 ":%02" PRId64 ":%02" PRId64 "'", text,
                  offset < 0 ? '-' : '+', size / 3600, size / 60 % 60, size % 60);
}

const char *vg_sql_count(const struct vg_rows_of *rows, struct vg_arena *arena)
{
    struct vg_buf out;
    vg_buf_init(&out, STATEMENT_MAX);
    vg_buf_puts(&out, "SELECT pg_catalog.count(*)");
    struct vg_rows_of all = *rows;
    all.sample_percent = 0; /* volume always counts exactly */
    put_from(&out, &all);
    put_where(&out, &all);
    return finish(&out, arena);
}

const char *vg_sql_exists(const struct vg_rows_of *rows, struct vg_arena *arena)
{
    struct vg_buf out;
    vg_buf_init(&out, STATEMENT_MAX);
    struct vg_rows_of all = *rows;
    all.sample_percent = 0;
    vg_buf_puts(&out, "SELECT 1");
    put_from(&out, &all);
    put_where(&out, &all);
    vg_buf_puts(&out, "\nLIMIT 1");
    return finish(&out, arena);
}

const char *vg_sql_newest(const struct vg_rows_of *rows, int64_t now_us, struct vg_arena *arena)
{
    struct vg_buf out;
    vg_buf_init(&out, STATEMENT_MAX);
    const char *time = rows->time->quoted;
    vg_buf_printf(&out, "SELECT (extract(epoch FROM %s) * 1000000)::pg_catalog.int8", time);
    struct vg_rows_of all = *rows;
    all.sample_percent = 0;
    all.range = NULL;
    put_from(&out, &all);
    bool first = true;
    vg_buf_printf(&out, "%s%s <= ", join_word(&first), time);
    put_time(&out, rows, now_us);
    vg_buf_printf(&out, "%s%s > '-infinity'", join_word(&first), time);
    put_condition(&out, &first, rows->dataset->filter);
    vg_buf_printf(&out, "\nORDER BY %s DESC LIMIT 1", time);
    return finish(&out, arena);
}
