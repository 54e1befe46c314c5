/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a relation's columns to those of a dataset: a query is described by the server, expressions
 * are columns of the server's type, and each name of a long source is a column. A column that
 * cannot be computed keeps its place with the reason: it costs its own rules only. */
#include "agent/loop/source.h"

#include <string.h>

#include "agent/loop/source_look.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

const char *vg_look_keep(const struct vg_look *look, struct vg_buf *buf)
{
    const char *text = buf->failed ? NULL : vg_arena_strdup(look->arena, buf->data);
    vg_buf_free(buf);
    return text;
}

int vg_look_describe(const struct vg_look *look, const char *select, struct vg_described **out,
                     size_t *n, struct vg_error *err)
{
    return look->source->ops->describe(look->session, select, look->arena, out, n, err);
}

/* --- The relation ----------------------------------------------------------------------------- */

/* Columns of the same name could not be told apart. */
static int check_names(const struct vg_described *described, size_t n, struct vg_error *err)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(described[i].name, described[j].name) != 0)
                continue;
            vg_fail(err, VG_E_CONFIG, "the query has two columns named %.63s", described[i].name);
            return vg_hint(err, "name one of them with AS");
        }
    }
    return 0;
}

static int look_query(const struct vg_look *look, const struct vg_catalog **out,
                      struct vg_error *err)
{
    struct vg_described *described;
    struct vg_catalog *catalog = vg_arena_alloc(look->arena, sizeof *catalog);
    const char *from = vg_arena_printf(look->arena, "(\n%s\n) AS \"source\"", look->dataset->query);
    const char *select = from ? vg_arena_printf(look->arena, "SELECT * FROM %s", from) : NULL;
    if (!catalog || !select)
        return fail_memory(err);
    if (vg_look_describe(look, select, &described, &catalog->n, err) < 0 ||
        check_names(described, catalog->n, err) < 0)
        return -1;
    catalog->relkind = 'q';
    catalog->quoted = from;
    catalog->bytes = -1;
    catalog->rows_estimate = -1;
    catalog->server_encoding = "unknown";
    catalog->columns = vg_arena_array(look->arena, catalog->n, sizeof *catalog->columns);
    if (!catalog->columns)
        return fail_memory(err);
    for (size_t i = 0; i < catalog->n; i++)
        catalog->columns[i] = (struct vg_catalog_column){.name = described[i].name,
                                                         .quoted = described[i].quoted,
                                                         .type = described[i].type,
                                                         .wire_oid = described[i].oid,
                                                         .kind = described[i].kind};
    *out = catalog;
    return 0;
}

static int look_relation(const struct vg_look *look, const char *table,
                         const struct vg_catalog **out, struct vg_error *err)
{
    if (!table && look->dataset->query)
        return look_query(look, out, err);
    return look->source->ops->catalog(look->session, table ? table : look->dataset->table,
                                      look->arena, out, err);
}

/* Rows are drawn by TABLESAMPLE where there is no key to draw them by: of a table, as it is. */
static int check_sample(const struct vg_look *look, const struct vg_catalog *base,
                        struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    bool plain = strchr("rpm", base->relkind) && !vg_look_count_expressions(dataset);
    if (dataset->sample.mode == VG_SAMPLE_ALL || dataset->key.n || plain)
        return 0;
    vg_fail(err, VG_E_CONFIG, "%s is %s, and without a key it cannot be sampled", dataset->table,
            strchr("rpm", base->relkind) ? "read with computed columns" : "no table");
    return vg_hint(err, "set source.key: rows are then drawn by a hash of it");
}

/* A copy of the catalogue with room for more columns. */
static int copy_catalog(struct vg_look *look, const struct vg_catalog *base, size_t more,
                        struct vg_error *err)
{
    look->catalog = vg_arena_alloc(look->arena, sizeof *look->catalog);
    look->most = base->n + more;
    struct vg_catalog_column *columns = vg_arena_array(look->arena, look->most, sizeof *columns);
    if (!look->catalog || !columns)
        return fail_memory(err);
    *look->catalog = *base;
    look->catalog->columns = columns;
    if (base->n)
        memcpy(columns, base->columns, base->n * sizeof *columns);
    return 0;
}

struct vg_catalog_column *vg_look_put(struct vg_look *look, const char *name)
{
    struct vg_catalog *catalog = look->catalog;
    size_t i = 0;
    while (i < catalog->n && strcmp(catalog->columns[i].name, name) != 0)
        i++;
    if (i == catalog->n && catalog->n++ == look->most)
        BUG("a catalogue has no room for column %s", name);
    catalog->columns[i] = (struct vg_catalog_column){.name = name, .computed = true};
    return &catalog->columns[i];
}

/* --- All of it -------------------------------------------------------------------------------- */

static int look_columns(struct vg_look *look, const struct vg_source_rows *rows, bool asks,
                        const struct vg_reference *reference, const struct vg_catalog **out,
                        struct vg_error *err)
{
    const struct vg_dataset *dataset = look->dataset;
    const struct vg_catalog *base;
    size_t expressions = vg_look_count_expressions(dataset);
    bool wide = dataset->long_source.name != NULL;
    if (look_relation(look, rows->table, &base, err) < 0 || check_sample(look, base, err) < 0)
        return -1;
    *out = base;
    if (!expressions && !wide)
        return 0;
    if (copy_catalog(look, base, expressions + (wide ? VG_LONG_NAMES : 0), err) < 0 ||
        (expressions && vg_look_expressions(look, err) < 0) ||
        (wide && vg_look_names(look, reference, asks ? rows : NULL, err) < 0))
        return -1;
    *out = look->catalog;
    return 0;
}

int vg_source_columns(struct vg_source *source, struct vg_session *session,
                      const struct vg_dataset *dataset, const struct vg_reference *reference,
                      struct vg_arena *arena, const struct vg_catalog **out, struct vg_error *err)
{
    struct vg_look look = {
        .source = source, .session = session, .dataset = dataset, .arena = arena};
    const struct vg_source_rows rows = {0};
    return look_columns(&look, &rows, false, reference, out, err);
}

int vg_source_captured(struct vg_source *source, struct vg_session *session,
                       const struct vg_dataset *dataset, const struct vg_source_rows *rows,
                       struct vg_arena *arena, const struct vg_catalog **out, struct vg_error *err)
{
    struct vg_look look = {
        .source = source, .session = session, .dataset = dataset, .arena = arena};
    return look_columns(&look, rows, true, NULL, out, err);
}
