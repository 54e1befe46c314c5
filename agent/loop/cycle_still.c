/* SPDX-License-Identifier: GPL-3.0-or-later */
/* skip_unchanged, and the counting of rows without a proper time.
 *
 * A table without time column stands still while the server has counted no insert, update or
 * delete, and its file, structure and rules are the same. The counters are read in a session of
 * their own that ends before the snapshot of the scan begins: what is counted later is seen as a
 * change then. Where they cannot be trusted (a standby, track_counts off, views, foreign tables)
 * all is read. */
#include "agent/loop/cycle_still.h"

#include <inttypes.h>
#include <string.h>

#include "agent/loop/cycle_structure.h"
#include "agent/sql.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { STATEMENT_MAX = 1 << 20 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- Tables that stand still ------------------------------------------------------------------ */

/* One row: NULL, or the counters of the table and all below it. A file's number changes with
 * TRUNCATE, which counts nothing; counters that began anew are told by when they did. */
static const char counters_sql[] =
    "WITH RECURSIVE t(oid) AS (SELECT %" PRIu32 "::pg_catalog.oid UNION ALL SELECT i.inhrelid"
    " FROM pg_catalog.pg_inherits i JOIN t ON i.inhparent = t.oid)"
    " SELECT CASE WHEN pg_catalog.pg_is_in_recovery()"
    " OR pg_catalog.current_setting('track_counts') <> 'on'"
    " OR pg_catalog.bool_or(c.relkind NOT IN ('r', 'p', 'm')) THEN NULL"
    " ELSE pg_catalog.concat_ws(' ', pg_catalog.date_part('epoch',"
    " pg_catalog.pg_postmaster_start_time()),"
    " coalesce(pg_catalog.date_part('epoch', (SELECT d.stats_reset FROM"
    " pg_catalog.pg_stat_database d WHERE d.datname = pg_catalog.current_database())), 0),"
    " pg_catalog.string_agg(pg_catalog.concat_ws(':', c.oid,"
    " pg_catalog.pg_relation_filenode(c.oid), pg_catalog.pg_stat_get_tuples_inserted(c.oid),"
    " pg_catalog.pg_stat_get_tuples_updated(c.oid), pg_catalog.pg_stat_get_tuples_deleted(c.oid)),"
    " ' ' ORDER BY c.oid)) END"
    " FROM t JOIN pg_catalog.pg_class c ON c.oid = t.oid";

static uint64_t hash_text(const char *text)
{
    return text ? vg_hash64(text, strlen(text)) : 0;
}

static uint64_t hash_file(const struct vg_work *work)
{
    const struct vg_ruleset *rules = work->env->rules;
    for (size_t i = 0; i < rules->nfiles; i++) {
        if (vg_streq(rules->files[i].path, work->job.dataset->file))
            return hash_text(rules->files[i].text);
    }
    return 0;
}

/* Whether a rule carries SQL of the user's. */
static bool has_sql(const struct vg_rule *rule)
{
    const struct vg_check_type *type = rule->type;
    bool found = rule->where != NULL;
    for (size_t i = 0; rule->params && i < type->nparams && !found; i++) {
        bool sql = type->params[i].type == VG_PARAM_SQL || type->params[i].type == VG_PARAM_QUERY;
        found = sql && *(const char *const *)((const char *)rule->params + type->params[i].offset);
    }
    return found;
}

/* Some verdict may rest on more than the rows of the table. SQL of the user's may look at the clock
 * or at other tables: which, only the server could tell. */
static bool looks_elsewhere(const struct vg_dataset *dataset)
{
    bool found = dataset->query || dataset->filter;
    for (size_t i = 0; i < dataset->ncolumns && !found; i++)
        found = dataset->columns[i].expr != NULL;
    for (size_t i = 0; i < dataset->nrules && !found; i++)
        found = (dataset->rules[i].type->needs & VG_NEEDS_OTHERS) || has_sql(&dataset->rules[i]);
    return found;
}

static int read_counters(struct vg_work *work, struct vg_session *session, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_source *source = work->env->source;
    const struct vg_catalog *catalog;
    struct vg_reference_row *references;
    struct vg_rows rows;
    const char *structure;
    size_t n;
    if (source->ops->catalog(session, dataset->table, work->arena, &catalog, err) < 0)
        return -1;
    if (vg_cycle_structure_text(catalog, work->arena, &structure, err) < 0)
        return vg_cycle_structure_too_large(err) ? 0 : -1;
    if (vg_store_references(work->env->store, dataset->id, work->arena, &references, &n, err) < 0)
        return -1;
    const char *sql = vg_arena_printf(work->arena, counters_sql, catalog->oid);
    if (!sql)
        return fail_memory(err);
    if (source->ops->rows(session, sql, NULL, 0, work->arena, &rows, err) < 0)
        return -1;
    if (rows.nrows != 1 || !rows.cells[0])
        return 0;
    int64_t version = 0;
    for (size_t i = 0; i < n; i++)
        version = references[i].active ? references[i].version : version;
    work->standstill =
        vg_arena_printf(work->arena, "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %" PRId64,
                        hash_text(rows.cells[0]), hash_text(structure), hash_file(work), version);
    return work->standstill ? 0 : fail_memory(err);
}

/* A rule that could not look the last time looks again. */
static int find_unknown(struct vg_work *work, bool *found, struct vg_error *err)
{
    struct vg_latest *latest;
    size_t n;
    *found = false;
    if (vg_store_latest(work->env->store, work->job.dataset->id, work->arena, &latest, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        *found = *found || (latest[i].cadence == VG_ON_WINDOW && latest[i].verdict == VG_UNKNOWN);
    return 0;
}

int vg_cycle_still_look(struct vg_work *work, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_source *source = work->env->source;
    struct vg_limits_of_session limits = {dataset->timeout_us, work->env->stop};
    struct vg_session *session;
    const char *before;
    int64_t since_us;
    bool unknown;
    work->standstill = NULL;
    work->live.unchanged_us = 0;
    if (!dataset->skip_unchanged || !work->job.window || dataset->time_column ||
        !work->env->commits || looks_elsewhere(dataset))
        return 0;
    if (source->ops->open(source, dataset->connection, &limits, &session, err) < 0)
        return -1;
    int rc = read_counters(work, session, err);
    source->ops->close(session);
    if (rc < 0 ||
        vg_store_standstill(work->env->store, dataset->id, work->arena, &before, &since_us, err) <
            0 ||
        find_unknown(work, &unknown, err) < 0)
        return -1;
    bool stands = work->standstill && vg_streq(before, work->standstill);
    if (!stands || unknown || work->before.watermark_us == VG_NEVER)
        return 0;
    work->cycle.unchanged = true;
    work->cycle.has_window = false;
    work->live.unchanged_us = since_us;
    return 0;
}

int vg_cycle_still_store(const struct vg_work *work, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    const struct vg_dataset *dataset = work->job.dataset;
    if (!dataset->skip_unchanged || !work->job.window || cycle->unchanged)
        return 0;
    const char *text = cycle->failed ? NULL : work->standstill;
    return vg_store_standstill_put(work->env->store, dataset->id, text, cycle->now_us, err);
}

/* --- Rows without a proper time --------------------------------------------------------------- */

static void put_count(struct vg_buf *out, const struct vg_rows_of *rows, const char *condition)
{
    vg_buf_puts(out, "(SELECT pg_catalog.count(*) FROM (SELECT 1");
    vg_sql_put_rows(out, rows, condition);
    vg_buf_printf(out, "\nLIMIT %d) AS \"some\")", VG_UNTIMED_MOST);
}

const char *vg_cycle_newest_sql(struct vg_work *work)
{
    struct vg_rows_of rows = vg_plan_rows(&work->plan, NULL, 0);
    struct vg_buf condition, out;
    const char *time = work->plan.time->quoted;
    const char *newest = vg_sql_newest(&rows, work->cycle.now_us, work->arena);
    if (!newest)
        return NULL;
    vg_buf_init(&out, STATEMENT_MAX);
    vg_buf_init(&condition, STATEMENT_MAX);
    vg_buf_printf(&out, "SELECT (%s), ", newest);
    vg_buf_printf(&condition, "%s IS NULL", time);
    put_count(&out, &rows, condition.failed ? "" : condition.data);
    vg_buf_puts(&out, " + ");
    vg_buf_free(&condition);
    vg_buf_init(&condition, STATEMENT_MAX);
    vg_buf_printf(&condition, "%s IN ('infinity', '-infinity')", time);
    put_count(&out, &rows, condition.failed ? "" : condition.data);
    vg_buf_puts(&out, ", ");
    vg_buf_free(&condition);
    vg_buf_init(&condition, STATEMENT_MAX);
    vg_buf_printf(&condition, "%s > ", time);
    vg_sql_put_instant(&condition, &rows, work->cycle.now_us);
    vg_buf_printf(&condition, " AND %s <> 'infinity'", time);
    if (work->env->past)
        vg_buf_puts(&out, "0");
    else
        put_count(&out, &rows, condition.failed ? "" : condition.data);
    const char *sql =
        out.failed || condition.failed ? NULL : vg_arena_strdup(work->arena, out.data);
    vg_buf_free(&condition);
    vg_buf_free(&out);
    return sql;
}
