/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns that the rule file computes. The server says what types they have; a text that is cast at
 * last is read as text and converted here, so that one bad value is counted and ends nothing. An
 * expression that the server refuses keeps the reason. */
#include <string.h>

#include "agent/loop/source_look.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

size_t vg_look_count_expressions(const struct vg_dataset *dataset)
{
    size_t n = 0;
    for (size_t i = 0; i < dataset->ncolumns; i++)
        n += dataset->columns[i].expr != NULL;
    return n;
}

/* An expression and, where it ends in a cast, what is cast: "(expr), (inner)". */
static void put_expression(struct vg_buf *out, const char *expr)
{
    struct vg_sql_cast cast;
    vg_buf_printf(out, " (\n%s\n)", expr);
    if (vg_sql_cast_of(expr, &cast))
        vg_buf_printf(out, ", (\n%.*s\n)", (int)cast.len, cast.inner);
}

/* Where the server refuses what is no value of one row: aggregates, windows, sets. */
static void put_test(struct vg_buf *out, const char *expr, bool first)
{
    vg_buf_printf(out, "%s (\n%s\n) IS NULL", first ? "\nWHERE" : " OR", expr);
}

/* A name as SQL's identifier. */
static const char *quote(const struct vg_look *look, const char *name)
{
    struct vg_buf buf;
    vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
    vg_sql_put_name(&buf, name);
    return vg_look_keep(look, &buf);
}

/* What a text column of the server's is converted to here, or 0. The server must agree about the
 * cast. The time column stays the server's: its bounds are compared there. */
static uint32_t find_cast(const struct vg_look *look, const struct vg_column_spec *spec,
                          const struct vg_sql_cast *cast, const struct vg_described *described)
{
    uint32_t inner = described[1].oid;
    bool text = inner == VG_OID_TEXT || inner == VG_OID_VARCHAR || inner == VG_OID_BPCHAR;
    bool same = described[0].oid == cast->oid;
    return text && same && !vg_streq(spec->name, look->dataset->time_column) ? cast->oid : 0;
}

/* Fills a column from what the server says of its expression; *used: descriptions of it. */
static int take_expression(struct vg_look *look, const struct vg_column_spec *spec,
                           const struct vg_described *described, size_t *used, struct vg_error *err)
{
    struct vg_sql_cast cast;
    bool casts = vg_sql_cast_of(spec->expr, &cast);
    struct vg_catalog_column *column = vg_look_put(look, spec->name);
    *used = casts ? 2 : 1;
    column->quoted = quote(look, spec->name);
    column->type = described[0].type;
    column->wire_oid = described[0].oid;
    column->kind = described[0].kind;
    if (!column->quoted)
        return fail_memory(err);
    column->cast_oid = casts ? find_cast(look, spec, &cast, described) : 0;
    if (!column->cast_oid)
        return 0;
    size_t place = (size_t)(spec - look->dataset->columns);
    column->scan = vg_arena_printf(look->arena, "\"pgvigil text %zu\"", place + 1);
    return column->scan ? 0 : fail_memory(err);
}

static enum vg_kind guess_kind(const char *type)
{
    switch (vg_sql_type_oid(type, strlen(type))) {
    case 0:
        return strncmp(type, "text", 4) && strncmp(type, "varchar", 7) ? VG_KIND_OTHER
                                                                       : VG_KIND_TEXT;
    case VG_OID_BOOL:
        return VG_KIND_BOOL;
    case VG_OID_DATE:
    case VG_OID_TIMESTAMP:
    case VG_OID_TIMESTAMPTZ:
        return VG_KIND_TIME;
    default:
        return VG_KIND_NUMBER;
    }
}

/* The server refused the expression: the column keeps the type that was declared. */
static int take_problem(struct vg_look *look, const struct vg_column_spec *spec, const char *why,
                        struct vg_error *err)
{
    struct vg_catalog_column *column = vg_look_put(look, spec->name);
    column->quoted = quote(look, spec->name);
    column->type = spec->type;
    column->kind = guess_kind(spec->type);
    column->problem = vg_arena_strdup(look->arena, why);
    return column->quoted && column->problem ? 0 : fail_memory(err);
}

/* The confidence of a probability is no expression that the user has written. */
static const char *say_refused(const struct vg_look *look, const struct vg_column_spec *spec,
                               const char *why)
{
    if (spec->prediction != VG_PREDICTION_CONFIDENCE)
        return why;
    return vg_arena_printf(look->arena,
                           "prediction: probability is of a column of numbers; a text of classes "
                           "is prediction: class (the server: %s)",
                           why);
}

bool vg_source_refused(const struct vg_error *err)
{
    return err->code == VG_E_QUERY || err->code == VG_E_DATA || err->code == VG_E_PERMISSION ||
           err->code == VG_E_NOT_FOUND || err->code == VG_E_CONFIG || err->code == VG_E_LIMIT;
}

/* One at a time: who is at fault keeps the reason. */
static int look_singly(struct vg_look *look, const char *from, struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        const struct vg_column_spec *spec = &dataset->columns[i];
        struct vg_described *described;
        struct vg_buf buf;
        size_t n, used;
        if (!spec->expr)
            continue;
        vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
        vg_buf_puts(&buf, "SELECT");
        put_expression(&buf, spec->expr);
        vg_buf_printf(&buf, "\nFROM %s", from);
        put_test(&buf, spec->expr, true);
        const char *select = vg_look_keep(look, &buf);
        if (!select)
            return fail_memory(err);
        if (vg_look_describe(look, select, &described, &n, err) == 0) {
            if (take_expression(look, spec, described, &used, err) < 0)
                return -1;
            continue;
        }
        if (!vg_source_refused(err))
            return -1;
        const char *why = say_refused(look, spec, err->msg);
        if (!why)
            return fail_memory(err);
        if (take_problem(look, spec, why, err) < 0)
            return -1;
        memset(err, 0, sizeof *err);
    }
    return 0;
}

static int look_together(struct vg_look *look, const char *from, struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    struct vg_described *described;
    struct vg_buf buf;
    size_t n, used = 0;
    bool first = true;
    vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
    vg_buf_puts(&buf, "SELECT");
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (!dataset->columns[i].expr)
            continue;
        vg_buf_puts(&buf, first ? "" : ",");
        put_expression(&buf, dataset->columns[i].expr);
        first = false;
    }
    vg_buf_printf(&buf, "\nFROM %s", from);
    first = true;
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (dataset->columns[i].expr)
            put_test(&buf, dataset->columns[i].expr, first);
        first &= !dataset->columns[i].expr;
    }
    const char *select = vg_look_keep(look, &buf);
    if (!select)
        return fail_memory(err);
    if (vg_look_describe(look, select, &described, &n, err) < 0) {
        if (!vg_source_refused(err))
            return -1;
        memset(err, 0, sizeof *err);
        return look_singly(look, from, err);
    }
    for (size_t i = 0, at = 0; i < dataset->ncolumns; i++, at += used) {
        used = 0;
        if (!dataset->columns[i].expr)
            continue;
        if (take_expression(look, &dataset->columns[i], described + at, &used, err) < 0)
            return -1;
    }
    return 0;
}

/* The name that the user's conditions may write before a column: the table's own. */
static const char *find_alias(const char *quoted)
{
    const char *p = quoted;
    bool inside = false;
    for (const char *c = quoted; *c; c++) {
        inside ^= *c == '"';
        if (*c == '.' && !inside)
            p = c + 1;
    }
    return p;
}

/* A sub-select that has the relation's columns and the computed ones, so that conditions name them
 * alike. The planner sees through it: indexes serve as before. */
static int put_relation(struct vg_look *look, const struct vg_catalog *base, struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    const char *comma = "";
    struct vg_buf buf;
    vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
    vg_buf_puts(&buf, "(SELECT");
    for (size_t i = 0; i < base->n; i++) {
        const struct vg_catalog_column *now = vg_catalog_find(look->catalog, base->columns[i].name);
        if (base->columns[i].unreadable || now->computed)
            continue;
        vg_buf_printf(&buf, "%s %s", comma, base->columns[i].quoted);
        comma = ",";
    }
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        const struct vg_column_spec *spec = &dataset->columns[i];
        const struct vg_catalog_column *now = vg_catalog_find(look->catalog, spec->name);
        struct vg_sql_cast cast;
        if (!spec->expr || now->problem)
            continue;
        vg_buf_printf(&buf, "%s (\n%s\n) AS %s", comma, spec->expr, now->quoted);
        comma = ",";
        if (now->cast_oid && vg_sql_cast_of(spec->expr, &cast))
            vg_buf_printf(&buf, ", (\n%.*s\n)::pg_catalog.text AS %s", (int)cast.len, cast.inner,
                          now->scan);
    }
    bool query = base->relkind == 'q';
    vg_buf_printf(&buf, "\nFROM %s) AS %s", base->quoted,
                  query ? "\"source\"" : find_alias(base->quoted));
    look->catalog->relation = base->quoted;
    look->catalog->quoted = vg_look_keep(look, &buf);
    return look->catalog->quoted ? 0 : fail_memory(err);
}

int vg_look_expressions(struct vg_look *look, struct vg_error *err)
{
    const struct vg_catalog base = *look->catalog;
    struct vg_catalog_column *own = vg_arena_array(look->arena, base.n + 1, sizeof *own);
    if (!own)
        return fail_memory(err);
    if (base.n)
        memcpy(own, base.columns, base.n * sizeof *own);
    struct vg_catalog before = base;
    before.columns = own;
    return look_together(look, base.quoted, err) < 0 ? -1 : put_relation(look, &before, err);
}
