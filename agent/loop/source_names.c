/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names of a long source as columns: those that the rule file lists, that the reference knows,
 * or, when one is captured, that its rows carry. Names travel as literals, never as SQL. */
#include <string.h>

#include "agent/loop/source_look.h"
#include "agent/sql_feast.h"
#include "pgvigil/result.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

struct names {
    const char **items;
    size_t n;
};

/* A name becomes a column unless the source has one of this name. */
static int add_name(struct vg_look *look, struct names *names, const char *name,
                    struct vg_error *err)
{
    bool known = vg_streq(name, "*") || vg_catalog_find(look->catalog, name);
    for (size_t i = 0; i < names->n && !known; i++)
        known = !strcmp(names->items[i], name);
    if (known)
        return 0;
    if (names->n == VG_LONG_NAMES) {
        vg_fail(err, VG_E_LIMIT, "%s has more than %d names in %s", look->dataset->table,
                VG_LONG_NAMES, look->dataset->long_source.name);
        return vg_hint(err, "read some of them only: source.filter");
    }
    names->items[names->n++] = name;
    return 0;
}

static int add_known(struct vg_look *look, struct names *names,
                     const struct vg_reference *reference, struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    for (size_t i = 0; reference && i < reference->ncolumns; i++) {
        const struct vg_reference_column *column = &reference->columns[i];
        const char *name = vg_arena_strdup(look->arena, column->name);
        if (!name)
            return fail_memory(err);
        if (column->computed && add_name(look, names, name, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (!dataset->columns[i].expr && add_name(look, names, dataset->columns[i].name, err) < 0)
            return -1;
    }
    return 0;
}

static int ask_names(struct vg_look *look, struct names *names, const struct vg_source_rows *rows,
                     struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    const struct vg_catalog_column *name =
        vg_catalog_find(look->catalog, dataset->long_source.name);
    struct vg_rows_of of = {
        .dataset = dataset,
        .catalog = look->catalog,
        .filter = rows->filter,
        .range = rows->range,
        .time = rows->range ? vg_catalog_find(look->catalog, dataset->time_column) : NULL};
    struct vg_rows found;
    struct vg_buf buf;
    vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
    vg_buf_printf(&buf, "SELECT DISTINCT %s::pg_catalog.text", name->quoted);
    vg_sql_put_rows(&buf, &of, NULL);
    vg_buf_printf(&buf, "\nORDER BY 1 LIMIT %d", VG_LONG_NAMES + 2);
    const char *sql = vg_look_keep(look, &buf);
    if (!sql)
        return fail_memory(err);
    if (look->source->ops->ask(look->session, sql, rows->timeout_us, look->arena, &found, err) < 0)
        return -1;
    for (size_t i = 0; i < found.nrows; i++) {
        if (found.cells[i] && add_name(look, names, found.cells[i], err) < 0)
            return -1;
    }
    return 0;
}

/* The type that the rule file declares for a decoded feature; NULL: none. */
static const char *find_declared(const struct vg_dataset *dataset, const char *feature)
{
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        if (vg_streq(dataset->columns[i].name, feature))
            return dataset->columns[i].type;
    }
    return NULL;
}

/* The bytes of a feature as a value of the declared type: here for the scan, and in SQL. */
static const char *put_decoded(struct vg_look *look, const char *value, const char *feature,
                               struct vg_catalog_column *column)
{
    const char *declared = find_declared(look->dataset, feature);
    struct vg_feast_type type = {0, VG_KIND_OTHER};
    struct vg_buf buf;
    if (declared && !vg_feast_type(declared, &type))
        BUG("the type of %s was not checked", feature);
    column->codec = VG_CODEC_FEAST;
    column->cast_oid = type.oid;
    column->kind = type.kind;
    if (type.oid) {
        column->type = declared;
        column->wire_oid = type.oid;
    }
    vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
    vg_feast_put_value(&buf, value, type.oid);
    return vg_look_keep(look, &buf);
}

static int put_name(struct vg_look *look, const struct vg_catalog_column *name,
                    const struct vg_catalog_column *value, const char *feature, uint32_t route)
{
    struct vg_buf buf;
    vg_buf_init(&buf, VG_LOOK_STATEMENT_MAX);
    vg_buf_printf(&buf, "(%s::pg_catalog.text = ", name->quoted);
    vg_sql_put_text(&buf, feature);
    vg_buf_putc(&buf, ')');
    const char *only = vg_look_keep(look, &buf);
    struct vg_catalog_column *column = vg_look_put(look, feature);
    column->type = value->type;
    column->wire_oid = value->wire_oid;
    column->kind = value->kind;
    column->unreadable = value->unreadable || name->unreadable;
    column->problem = value->problem;
    column->scan = vg_sql_item(value);
    column->cast_oid = value->cast_oid;
    column->route = route;
    column->only = only;
    const char *quoted = value->quoted;
    if (look->dataset->long_source.codec)
        quoted = put_decoded(look, quoted, feature, column);
    column->quoted = only && quoted
                         ? vg_arena_printf(look->arena, "(CASE WHEN %s THEN %s END)", only, quoted)
                         : NULL;
    return column->quoted ? 0 : -1;
}

static int check_long(const struct vg_look *look, struct vg_error *err)
{
    const struct vg_long_source *wide = &look->dataset->long_source;
    const char *columns[] = {wide->name, wide->value};
    for (size_t i = 0; i < 2; i++) {
        if (!vg_catalog_find(look->catalog, columns[i]))
            return vg_fail(err, VG_E_CONFIG, "column %s of source.long does not exist in %s",
                           columns[i], look->dataset->table);
    }
    const struct vg_catalog_column *name = vg_catalog_find(look->catalog, wide->name);
    const struct vg_catalog_column *value = vg_catalog_find(look->catalog, wide->value);
    if (wide->codec && value->wire_oid != VG_OID_BYTEA && !value->problem)
        return vg_fail(err, VG_E_CONFIG,
                       "column %s of source.long holds no serialised values: its type is %s",
                       wide->value, value->type);
    if (name->kind == VG_KIND_TEXT && !name->problem)
        return 0;
    return vg_fail(err, VG_E_CONFIG, "column %s of source.long holds no names: its type is %s",
                   wide->name, name->type);
}

static int put_names(struct vg_look *look, const struct names *names, struct vg_error *err)
{
    const struct vg_long_source *wide = &look->dataset->long_source;
    look->catalog->names = wide->name;
    for (size_t i = 0; i < names->n; i++) {
        const struct vg_catalog_column *name = vg_catalog_find(look->catalog, wide->name);
        const struct vg_catalog_column *value = vg_catalog_find(look->catalog, wide->value);
        if (put_name(look, name, value, names->items[i], (uint32_t)i + 1) < 0)
            return fail_memory(err);
    }
    return 0;
}

int vg_look_names(struct vg_look *look, const struct vg_reference *reference,
                  const struct vg_source_rows *asked, struct vg_error *err)
{
    struct names names = {.items = vg_arena_array(look->arena, VG_LONG_NAMES, sizeof(char *))};
    if (!names.items)
        return fail_memory(err);
    if (check_long(look, err) < 0 || add_known(look, &names, reference, err) < 0 ||
        (asked && ask_names(look, &names, asked, err) < 0))
        return -1;
    return put_names(look, &names, err);
}
