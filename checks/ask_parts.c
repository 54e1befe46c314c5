/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of the statements of checks. Pure. What leaves here is quoted: names by SQL's own rules,
 * values as literals. */
#include "checks/ask_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { CONDITION_MAX = 256 << 10 };

/* --- columns --- */

static int add_column(const struct vg_asked *asked, const char *name, struct vg_ask_columns *out,
                      struct vg_error *err)
{
    const struct vg_catalog_column *column = vg_catalog_find(asked->catalog, name);
    if (!column)
        return vg_fail(err, VG_E_NOT_FOUND, "column %s does not exist in %s", name,
                       asked->rule->dataset->table);
    if (column->problem)
        return vg_fail(err, VG_E_CONFIG, "column %s: %s", name, column->problem);
    if (column->unreadable)
        return vg_fail(err, VG_E_CONFIG, "no permission to read column %s", name);
    if (out->n == VG_ASK_COLUMNS)
        return vg_fail(err, VG_E_CONFIG, "%s has more than %d columns", asked->rule->id,
                       VG_ASK_COLUMNS);
    out->items[out->n++] = column;
    return 0;
}

int vg_ask_find(const struct vg_asked *asked, const struct vg_strings *names,
                struct vg_ask_columns *out, struct vg_error *err)
{
    out->n = 0;
    for (size_t i = 0; i < names->n; i++) {
        if (add_column(asked, names->items[i], out, err) < 0)
            return -1;
    }
    return 0;
}

int vg_ask_own(const struct vg_asked *asked, const struct vg_strings *names,
               struct vg_ask_columns *out, struct vg_error *err)
{
    out->n = 0;
    if (asked->rule->column)
        return add_column(asked, asked->rule->column, out, err);
    const struct vg_strings *chosen = names->n ? names : &asked->rule->dataset->key;
    if (!chosen->n)
        return vg_fail(err, VG_E_CONFIG, "it names no columns, and the dataset has no source.key");
    return vg_ask_find(asked, chosen, out, err);
}

void vg_ask_key(const struct vg_asked *asked, struct vg_ask_columns *out)
{
    if (vg_ask_find(asked, &asked->rule->dataset->key, out, NULL) < 0)
        out->n = 0;
}

bool vg_ask_private(const struct vg_asked *asked, const struct vg_ask_columns *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        if (vg_dataset_is_private(asked->rule->dataset, columns->items[i]->name))
            return true;
    }
    return false;
}

size_t vg_ask_most_keys(const struct vg_asked *asked)
{
    return asked->shows_keys ? asked->rule->dataset->max_offending : 0;
}

/* --- rows --- */

struct vg_rows_of vg_ask_rows(const struct vg_asked *asked)
{
    struct vg_rows_of rows = *asked->rows;
    rows.filter = asked->rule->where;
    return rows;
}

void vg_ask_put_rows(struct vg_buf *out, const struct vg_rows_of *rows,
                     const struct vg_ask_columns *columns, bool present)
{
    struct vg_buf condition;
    vg_buf_init(&condition, CONDITION_MAX);
    for (size_t i = 0; columns && i < columns->n; i++) {
        const struct vg_catalog_column *column = columns->items[i];
        if (column->only) /* of a long table: the rows of its name */
            vg_buf_printf(&condition, "%s(%s)", condition.len ? " AND " : "", column->only);
        if (present)
            vg_buf_printf(&condition, "%s%s IS NOT NULL", condition.len ? " AND " : "",
                          column->quoted);
    }
    vg_sql_put_rows(out, rows, condition.len ? condition.data : NULL);
    out->failed |= condition.failed;
    vg_buf_free(&condition);
}

int vg_ask_put_keys(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    struct vg_ask_columns key;
    if (vg_ask_find(asked, &asked->rule->dataset->key, &key, err) < 0)
        return -1;
    for (size_t i = 0; i < key.n; i++)
        vg_buf_printf(out, "%s%s AS k%zu", i ? ", " : "SELECT ", key.items[i]->quoted, i + 1);
    return 0;
}

void vg_ask_put_value(struct vg_buf *out, const struct vg_catalog_column *column)
{
    vg_buf_printf(out, column->kind == VG_KIND_OTHER ? "%s::pg_catalog.text" : "%s",
                  column->quoted);
}

void vg_ask_put_key(struct vg_buf *out, const struct vg_ask_columns *columns)
{
    vg_buf_puts(out, "pg_catalog.left(pg_catalog.concat_ws(', '");
    for (size_t i = 0; i < columns->n; i++)
        vg_buf_printf(out, ", coalesce(%s::pg_catalog.text, 'null')", columns->items[i]->quoted);
    vg_buf_printf(out, "), %d)", VG_KEY_TEXT / 2);
}

void vg_ask_put_least_key(struct vg_buf *out, const struct vg_ask_columns *key)
{
    if (!key->n) {
        vg_buf_puts(out, "NULL::pg_catalog.text");
        return;
    }
    vg_buf_puts(out, "pg_catalog.min(");
    vg_ask_put_key(out, key);
    vg_buf_puts(out, " COLLATE pg_catalog.\"C\")");
}

/* --- names and values --- */

void vg_ask_put_name(struct vg_buf *out, const char *name)
{
    vg_sql_put_name(out, name);
}

const char *vg_ask_table_fault(const char *table)
{
    return vg_sql_table_fault(table);
}

void vg_ask_put_table(struct vg_buf *out, const char *table)
{
    vg_sql_put_table(out, table);
}

void vg_ask_put_interval(struct vg_buf *out, int64_t us)
{
    bool days = us % VG_DAY_US == 0;
    vg_buf_printf(out, "'%" PRId64 " %s'::pg_catalog.interval", days ? us / VG_DAY_US : us,
                  days ? "days" : "microseconds");
}

/* --- answers --- */

const char *vg_ask_cell(const struct vg_rows *rows, size_t row, size_t column)
{
    bool there = row < rows->nrows && column < rows->ncols;
    return there ? rows->cells[row * rows->ncols + column] : NULL;
}

double vg_ask_number(const struct vg_rows *rows, size_t row, size_t column)
{
    double out;
    const char *cell = vg_ask_cell(rows, row, column);
    return cell && vg_parse_double(cell, &out) == 0 ? out : NAN;
}

int vg_ask_take_keys(const struct vg_rows *rows, size_t column, struct vg_arena *arena,
                     struct vg_measure *measure, struct vg_error *err)
{
    const char **keys = vg_arena_array(arena, rows->nrows, sizeof *keys);
    size_t n = 0;
    if (!keys)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t row = 0; row < rows->nrows; row++) {
        const char *key = vg_ask_cell(rows, row, column);
        if (key && vg_ask_number(rows, row, 0) > 0)
            keys[n++] = key;
    }
    measure->keys = n ? keys : NULL;
    measure->nkeys = n;
    return 0;
}

int vg_ask_share(const struct vg_rule *rule, const struct vg_evidence *evidence,
                 struct vg_measures *measures, struct vg_measure **out, struct vg_error *err)
{
    bool failed;
    if (!vg_evidence_answered(rule, evidence, measures, &failed, err))
        return failed ? -1 : 0;
    const struct vg_rows *rows = &evidence->answers[0];
    struct vg_measure *measure = *out = vg_measure_add(measures, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    double tested = vg_ask_number(rows, 0, 1), offending = vg_ask_number(rows, 0, 2);
    measure->n_now = tested;
    if (tested > 0)
        measure->value = measure->effect = offending / tested;
    snprintf(measure->why, sizeof measure->why, "%.0f of %.0f rows", offending, tested);
    return vg_ask_take_keys(rows, 4, measures->arena, measure, err) < 0 ? -1 : 1;
}
