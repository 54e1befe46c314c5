/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rows offend, asked once more and for their keys alone. A condition is left to the server,
 * as it was in the scan; a predicate looks at its column again, by the very function that counted;
 * a check with statements of its own writes one that lists. */
#include <string.h>

#include "agent/loop/offenders.h"

enum { STATEMENT_MAX = 4 << 20 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

bool vg_offenders_can(const struct vg_check_type *type)
{
    bool of_rows = type->offends || type->needs & VG_NEEDS_NAMES;
    /* Rows do not offend where a share of them is bounded from below, too. */
    return (of_rows && type->bounds != VG_BOUNDS_ON_VALUE) || type->blames || type->offenders;
}

static const struct vg_bound *find_bound(const struct vg_plan *plan, const char *rule)
{
    const struct vg_bound *former = NULL;
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_bound *bound = &plan->bound[i];
        if (vg_streq(bound->rule.id, rule))
            return bound;
        if (vg_streq(bound->rule.was, rule))
            former = bound;
    }
    return former;
}

/* The key of a row as one JSON object, its values those that the server makes of them. */
static int put_key(struct vg_work *work, bool listed, struct vg_buf *out, struct vg_error *err)
{
    const struct vg_strings *key = &work->job.dataset->key;
    vg_buf_puts(out, "pg_catalog.jsonb_build_object(");
    for (size_t i = 0; i < key->n; i++) {
        const struct vg_catalog_column *column = vg_catalog_find(work->catalog, key->items[i]);
        if (!column || column->problem || column->unreadable)
            return vg_fail(err, VG_E_CONFIG, "the key's column %s cannot be read", key->items[i]);
        vg_buf_puts(out, i ? ", " : "");
        vg_sql_put_text(out, key->items[i]);
        if (listed)
            vg_buf_printf(out, ", k%zu", i + 1);
        else
            vg_buf_printf(out, ", %s", vg_sql_item(column));
    }
    vg_buf_puts(out, ")::pg_catalog.text");
    return 0;
}

/* What the check's own statement lists, and where it needs a limit. */
static int put_listed(struct vg_work *work, const struct vg_bound *bound,
                      const struct vg_window *window, struct vg_buf *out, struct vg_error *err)
{
    struct vg_rows_of rows = vg_plan_rows(&work->plan, window, 0);
    const struct vg_rule *rule = &bound->rule;
    struct vg_asked asked = {
        .rule = rule,
        .catalog = work->catalog,
        .column = rule->column ? vg_catalog_find(work->catalog, rule->column) : NULL,
        .rows = &rows,
        .window = rows.range,
        .now_us = work->cycle.now_us,
    };
    size_t before;
    if (put_key(work, true, out, err) < 0)
        return -1;
    vg_buf_puts(out, " FROM (\n");
    before = out->len;
    if (rule->type->offenders(&asked, out, err) < 0)
        return -1;
    if (!out->failed && out->len == before)
        return vg_fail(err, VG_E_NOT_FOUND, "the rule cannot name the rows that offend");
    vg_buf_puts(out, "\n) AS listed");
    return 0;
}

/* FROM and WHERE: the window's rows, the rule's where, and its condition if it has one. */
static void put_rows(struct vg_work *work, const struct vg_bound *bound,
                     const struct vg_window *window, struct vg_buf *out)
{
    const struct vg_rule *rule = &bound->rule;
    const struct vg_catalog_column *column =
        rule->column ? vg_catalog_find(work->catalog, rule->column) : NULL;
    struct vg_rows_of rows = vg_plan_rows(&work->plan, window, 0);
    struct vg_buf condition;
    vg_buf_init(&condition, STATEMENT_MAX);
    rows.filter = column ? column->only : NULL;
    if (rule->where)
        vg_buf_printf(&condition, "(\n%s\n) IS TRUE", rule->where);
    if (bound->condition)
        vg_buf_printf(&condition, "%s(\n%s\n) IS TRUE", condition.len ? " AND " : "",
                      bound->condition);
    vg_sql_put_rows(out, &rows, condition.len ? condition.data : NULL);
    out->failed |= condition.failed;
    vg_buf_free(&condition);
}

/* The column that is looked at again, or NULL. */
static int find_column(const struct vg_work *work, const struct vg_bound *bound,
                       const struct vg_catalog_column **out, struct vg_error *err)
{
    const struct vg_check_type *type = bound->rule.type;
    *out = NULL;
    if (bound->condition)
        return 0;
    const char *name = type->needs & VG_NEEDS_NAMES ? work->catalog->names : bound->rule.column;
    *out = name ? vg_catalog_find(work->catalog, name) : NULL;
    return *out ? 0 : vg_fail(err, VG_E_NOT_FOUND, "the rule's column is not there any more");
}

static int put_query(struct vg_work *work, const struct vg_offenders *row,
                     struct vg_offenders_query *out, struct vg_buf *buf, struct vg_error *err)
{
    const struct vg_bound *bound = out->bound;
    const struct vg_catalog_column *column;
    out->columns[0] = (struct vg_query_column){.kind = VG_KIND_TEXT, .wire_oid = VG_OID_TEXT};
    out->ncolumns = 1;
    vg_buf_puts(buf, "COPY (SELECT ");
    if (bound->rule.type->offenders) {
        if (put_listed(work, bound, &row->window, buf, err) < 0)
            return -1;
    } else {
        if (find_column(work, bound, &column, err) < 0 || put_key(work, false, buf, err) < 0)
            return -1;
        if (column) {
            vg_buf_printf(buf, ", %s", vg_sql_item(column));
            out->columns[out->ncolumns++] = vg_sql_query_column(column);
            out->routes = bound->rule.type->needs & VG_NEEDS_NAMES;
        }
        put_rows(work, bound, &row->window, buf);
    }
    if (out->ncolumns == 1)
        vg_buf_printf(buf, "\nLIMIT %lld", (long long)work->job.dataset->quarantine.limit + 1);
    vg_buf_puts(buf, ") TO STDOUT (FORMAT binary)");
    return 0;
}

int vg_offenders_query(struct vg_work *work, const struct vg_offenders *row,
                       struct vg_offenders_query *out, struct vg_error *err)
{
    struct vg_buf buf;
    *out = (struct vg_offenders_query){.bound = find_bound(&work->plan, row->rule)};
    if (!out->bound || !vg_offenders_can(out->bound->rule.type))
        return vg_fail(err, VG_E_NOT_FOUND, "the rule is not in force any more");
    if (out->bound->problem)
        return vg_fail(err, VG_E_CONFIG, "%s", out->bound->problem);
    if (work->plan.time_problem)
        return vg_fail(err, VG_E_CONFIG, "%s", work->plan.time_problem);
    vg_buf_init(&buf, STATEMENT_MAX);
    int rc = put_query(work, row, out, &buf, err);
    if (rc == 0 && buf.failed)
        rc = vg_fail(err, VG_E_LIMIT, "the statement would be longer than %d MB",
                     STATEMENT_MAX >> 20);
    else if (rc == 0 && !(out->sql = vg_arena_strdup(work->arena, buf.data)))
        rc = fail_memory(err);
    vg_buf_free(&buf);
    return rc;
}

bool vg_offenders_is(const struct vg_work *work, const struct vg_offenders *what,
                     const struct vg_offenders_query *query, const struct vg_batch *batch,
                     size_t row)
{
    if (query->ncolumns == 1)
        return true;
    const struct vg_column *column = &batch->cols[1];
    if (query->routes) {
        bool named = column->state[row] == VG_CELL_VALUE &&
                     vg_routes_find(work->plan.tally.routes, column->raw[row]);
        return !named;
    }
    int64_t until_us = work->plan.time ? what->window.end_us : what->at_us;
    return vg_tally_offends(&query->bound->rule, what->warn, column, row, until_us) > 0;
}
