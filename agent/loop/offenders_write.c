/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys on their way from one server to the other, a batch at a time: memory does not depend on how
 * many they are. Rows that are there already stay as they are, so that the same window may be
 * written any number of times; one transaction holds all keys of a rule and window. */
#include <string.h>

#include "agent/loop/offenders.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/text.h"

enum { STATEMENT_MAX = 4096 };

#define LEAST_US                                                                                   \
    (10 * VG_MINUTE_US) /* that a rule's keys may take, however short its scan_timeout */

struct writing {
    struct vg_work *work;
    struct vg_offenders *row;
    struct vg_offenders_query query;
    struct vg_session *to;
    const char *sql, *params[7]; /* the last one: the keys */
    struct vg_buf keys;          /* as an array of texts */
    size_t n;                    /* in it */
    bool refused;                /* by the user's table */
};

static void begin_batch(struct writing *w)
{
    vg_buf_clear(&w->keys);
    vg_buf_putc(&w->keys, '{');
    w->n = 0;
}

/* Of the user's table: what it lacks is in the statement that makes it. */
static int explain_refusal(struct writing *w, struct vg_error *err)
{
    const char *table = w->work->job.dataset->quarantine.table;
    w->refused = true;
    if (!strcmp(err->sqlstate, "42501"))
        vg_hint(err, "the role needs USAGE on the schema, INSERT and SELECT on %.100s", table);
    else if (!strncmp(err->sqlstate, "42", 2))
        vg_hint(err, "pgvigil quarantine ddl prints the statement that makes %.100s", table);
    return vg_where(err, "writing to %s", table);
}

static int flush(struct writing *w, struct vg_error *err)
{
    if (!w->n)
        return 0;
    vg_buf_putc(&w->keys, '}');
    if (w->keys.failed)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    w->params[6] = w->keys.data;
    vg_failpoint("mid_quarantine");
    if (w->work->env->source->ops->write(w->to, w->sql, w->params, 7, NULL, err) < 0)
        return explain_refusal(w, err);
    begin_batch(w);
    return 0;
}

static int add_key(struct writing *w, struct vg_slice key, struct vg_error *err)
{
    vg_buf_puts(&w->keys, w->n++ ? ",\"" : "\"");
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] == '"' || key.data[i] == '\\')
            vg_buf_putc(&w->keys, '\\');
        vg_buf_putc(&w->keys, key.data[i]);
    }
    vg_buf_putc(&w->keys, '"');
    w->row->keys++;
    bool full = w->n == VG_OFFENDERS_BATCH || w->keys.len > VG_OFFENDERS_BATCH_BYTES;
    return full ? flush(w, err) : 0;
}

static int take_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct writing *w = arg;
    uint64_t limit = (uint64_t)w->work->job.dataset->quarantine.limit;
    for (size_t i = 0; i < batch->nrows; i++) {
        if (!vg_offenders_is(w->work, w->row, &w->query, batch, i))
            continue;
        if (w->row->keys == limit) {
            w->row->cut = true;
            return vg_fail(err, VG_E_LIMIT, "more than quarantine.limit");
        }
        if (add_key(w, batch->cols[0].raw[i], err) < 0)
            return -1;
    }
    return 0;
}

static int put_statement(struct writing *w, struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, STATEMENT_MAX);
    vg_buf_puts(&buf, "INSERT INTO ");
    vg_sql_put_table(&buf, w->work->job.dataset->quarantine.table);
    vg_buf_puts(&buf, " (agent, dataset, rule, window_start, window_end, found_at, key)\n"
                      "SELECT $1, $2, $3, $4::pg_catalog.timestamptz, $5::pg_catalog.timestamptz,"
                      " $6::pg_catalog.timestamptz, k::pg_catalog.jsonb\n"
                      "FROM pg_catalog.unnest($7::pg_catalog.text[]) AS k\n"
                      "ON CONFLICT (agent, dataset, rule, window_start, key) DO NOTHING");
    w->sql = buf.failed ? NULL : vg_arena_strdup(w->work->arena, buf.data);
    vg_buf_free(&buf);
    return w->sql ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int64_t choose_timeout(const struct vg_dataset *dataset)
{
    return dataset->scan_timeout_us > LEAST_US ? dataset->scan_timeout_us : LEAST_US;
}

/* A statement that names what is not there, or does not parse, will do so again; a table that is
 * being replaced, and a right, can come back. */
static bool is_wrong(const struct vg_error *err)
{
    return !strncmp(err->sqlstate, "42", 2) && strcmp(err->sqlstate, "42501") != 0 &&
           strcmp(err->sqlstate, "42P01") != 0;
}

static int copy_keys(struct writing *w, struct vg_error *err)
{
    struct vg_work *work = w->work;
    const struct vg_source_ops *ops = work->env->source->ops;
    struct vg_query query = {
        .sql = w->query.sql,
        .columns = w->query.columns,
        .ncolumns = w->query.ncolumns,
        .timeout_us = choose_timeout(work->job.dataset),
    };
    begin_batch(w);
    int rc = ops->scan(work->session, &query, take_batch, w, err);
    if (rc < 0 && w->row->cut) { /* what there is room for is complete */
        memset(err, 0, sizeof *err);
        rc = 0;
    }
    if (rc < 0 && !w->refused && is_wrong(err))
        w->row->state = VG_OFFENDERS_GIVEN_UP;
    return rc == 0 ? flush(w, err) : -1;
}

int vg_offenders_write(struct vg_work *work, struct vg_offenders *row, struct vg_error *err)
{
    char start[VG_TIME_TEXT], end[VG_TIME_TEXT], found[VG_TIME_TEXT];
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_source_ops *ops = work->env->source->ops;
    struct writing w = {.work = work, .row = row};
    struct vg_limits_of_session limits = {dataset->timeout_us, work->env->stop};
    row->keys = 0;
    row->cut = false;
    if (vg_offenders_query(work, row, &w.query, err) < 0) {
        if (err->code == VG_E_NOT_FOUND)
            row->state = VG_OFFENDERS_GIVEN_UP;
        return -1;
    }
    if (put_statement(&w, err) < 0)
        return -1;
    w.params[0] = work->env->agent;
    w.params[1] = row->dataset;
    w.params[2] = w.query.bound->rule.id;
    w.params[3] = vg_format_time(row->window.start_us, start);
    w.params[4] = vg_format_time(row->window.end_us, end);
    w.params[5] = vg_format_time(row->at_us, found);
    vg_buf_init(&w.keys, 2 * VG_OFFENDERS_BATCH_BYTES + (4 << 20));
    vg_failpoint("before_quarantine");
    int rc = ops->begin(work->env->source, dataset->quarantine.connection, &limits,
                        choose_timeout(dataset), &w.to, err);
    if (rc == 0)
        rc = copy_keys(&w, err);
    if (rc == 0)
        rc = ops->commit(w.to, err) < 0 ? explain_refusal(&w, err) : 0;
    vg_failpoint("after_quarantine");
    if (w.to)
        ops->close(w.to);
    vg_buf_free(&w.keys);
    return rc;
}

int vg_offenders_try(struct vg_work *work, struct vg_error *err)
{
    char now[VG_TIME_TEXT];
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_source_ops *ops = work->env->source->ops;
    struct vg_limits_of_session limits = {dataset->timeout_us, work->env->stop};
    struct writing w = {.work = work};
    vg_format_time(work->cycle.now_us, now);
    const char *const params[] = {"", "", "", now, now, now, "{}"};
    if (put_statement(&w, err) < 0 || ops->begin(work->env->source, dataset->quarantine.connection,
                                                 &limits, dataset->timeout_us, &w.to, err) < 0)
        return -1;
    int rc = ops->write(w.to, w.sql, params, 7, NULL, err) < 0 ? explain_refusal(&w, err) : 0;
    ops->close(w.to);
    return rc;
}
