/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source without a server. What rows are meant is read off the statement's own bounds, so that a
 * cycle that asks for the wrong time range gets the wrong rows. */
#include "tests/unit/source_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct vg_session {
    struct source_kit *kit;
};

static const struct vg_catalog_column columns[] = {
    {.name = "at",
     .quoted = "\"at\"",
     .type = "timestamp with time zone",
     .wire_oid = 1184,
     .kind = VG_KIND_TIME,
     .not_null = true,
     .indexed_first = true},
    {.name = "value",
     .quoted = "value",
     .type = "double precision",
     .wire_oid = 701,
     .kind = VG_KIND_NUMBER},
    {.name = "id", .quoted = "id", .type = "bigint", .wire_oid = 20, .kind = VG_KIND_NUMBER},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static int fail_if_due(struct source_trouble *trouble, struct vg_error *err)
{
    if (!trouble->times)
        return 0;
    trouble->times--;
    vg_fail(err, trouble->code, "%s", trouble->msg);
    if (trouble->sqlstate)
        memcpy(err->sqlstate, trouble->sqlstate, sizeof err->sqlstate);
    return -1;
}

static int open_session(struct vg_source *self, const char *connection,
                        const struct vg_limits_of_session *limits, struct vg_session **out,
                        struct vg_error *err)
{
    struct source_kit *kit = (struct source_kit *)self;
    assert_non_null(limits);
    *out = NULL;
    if (fail_if_due(&kit->open, err) < 0)
        return -1;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->kit = kit;
    kit->opens++;
    snprintf(kit->connection, sizeof kit->connection, "%s", connection);
    return 0;
}

static void close_session(struct vg_session *session)
{
    if (session)
        session->kit->closes++;
    free(session);
}

static int read_catalog(struct vg_session *session, const char *table, struct vg_arena *arena,
                        const struct vg_catalog **out, struct vg_error *err)
{
    (void)err;
    struct vg_catalog *catalog = vg_arena_alloc(arena, sizeof *catalog);
    struct vg_catalog_column *own = vg_arena_array(arena, COLUMNS, sizeof *own);
    assert_true(catalog && own);
    memcpy(own, columns, sizeof columns);
    own[0].indexed_first = !session->kit->no_index;
    own[0].not_null = !session->kit->null_times;
    *catalog = (struct vg_catalog){.oid = 16384,
                                   .relkind = 'r',
                                   .quoted = vg_arena_strdup(arena, table),
                                   .bytes = session->kit->bytes,
                                   .rows_estimate = -1,
                                   .server_encoding = "UTF8",
                                   .server_version = 150000,
                                   .columns = own,
                                   .n = COLUMNS};
    *out = catalog;
    return 0;
}

/* --- Reading statements ----------------------------------------------------------------------- */

static int64_t read_bound(const char *sql, const char *before, int64_t otherwise)
{
    char text[VG_TIME_TEXT] = "";
    const char *at = strstr(sql, before);
    if (!at)
        return otherwise;
    at += strlen(before);
    size_t n = strcspn(at, "'");
    assert_in_range(n, 1, sizeof text - 1);
    memcpy(text, at, n);
    int64_t us;
    assert_int_equal(vg_parse_time(text, &vg_utc, &us), 0);
    return us;
}

static struct source_scan read_statement(const char *sql)
{
    struct source_scan scan = {
        .from_us = read_bound(sql, "\"at\" >= '", INT64_MIN),
        .to_us = read_bound(sql, "\"at\" < '", INT64_MAX),
        .conditional = strstr(sql, "IS TRUE") != NULL,
    };
    int64_t up_to = read_bound(sql, "\"at\" <= '", INT64_MAX);
    if (up_to != INT64_MAX)
        scan.to_us = up_to + 1;
    const char *from = strstr(sql, "FROM ");
    /* the newest row is asked for as (extract(epoch FROM "at") ... */
    while (from && from[5] == '"')
        from = strstr(from + 5, "FROM ");
    assert_non_null(from);
    size_t n = strcspn(from + 5, "\n )");
    assert_in_range(n, 1, sizeof scan.table - 1);
    memcpy(scan.table, from + 5, n);
    return scan;
}

static bool is_meant(const struct source_scan *scan, const struct source_row *row)
{
    return row->at_us >= scan->from_us && row->at_us < scan->to_us;
}

static int read_rows(struct vg_session *session, const char *sql, const char *const *params,
                     size_t nparams, struct vg_arena *arena, struct vg_rows *out,
                     struct vg_error *err)
{
    struct source_kit *kit = session->kit;
    (void)params;
    assert_int_equal(nparams, 0);
    if (fail_if_due(&kit->count, err) < 0)
        return -1;
    struct source_scan scan = read_statement(sql);
    int64_t n = 0, newest = INT64_MIN;
    for (size_t i = 0; i < kit->nrows; i++) {
        const struct source_row *row = &kit->rows[i];
        if (!is_meant(&scan, row))
            continue;
        n++;
        newest = row->at_us > newest ? row->at_us : newest;
    }
    bool ages = strstr(sql, "extract(epoch") != NULL, counts = strstr(sql, "count(*)") != NULL;
    assert_true(ages || counts || strstr(sql, "LIMIT 1"));
    const char **cells = vg_arena_array(arena, 3, sizeof *cells);
    assert_non_null(cells);
    cells[1] = cells[2] = "0"; /* rows without a proper time */
    if (!ages || n)
        cells[0] = vg_arena_printf(arena, "%lld", (long long)(ages ? newest : counts ? n : 1));
    *out = (struct vg_rows){.nrows = ages || counts || n, .ncols = ages ? 3 : 1, .cells = cells};
    return 0;
}

/* --- Streaming -------------------------------------------------------------------------------- */

struct stream { /* columns of a batch */
    struct vg_column cols[8];
    uint8_t state[8][VG_BATCH_ROWS];
    double num[8][VG_BATCH_ROWS];
    struct vg_slice raw[8][VG_BATCH_ROWS];
    char wire[VG_BATCH_ROWS][8];
    char text[VG_BATCH_ROWS][32]; /* a key as JSON */
    size_t nrows;
};

static void begin_batch(struct stream *stream, const struct vg_query *query)
{
    stream->nrows = 0;
    for (size_t c = 0; c < query->ncolumns; c++)
        stream->cols[c] = (struct vg_column){
            .kind = query->columns[c].kind,
            .wire_oid = query->columns[c].wire_oid,
            .state = stream->state[c],
            .num = stream->num[c],
            .raw = query->columns[c].raw || query->columns[c].kind == VG_KIND_TEXT ? stream->raw[c]
                                                                                   : NULL};
}

/* A time is the time, a truth is whether a value exceeds 10, a bigint the id, else the value. */
static void put_cell(struct stream *stream, size_t c, const struct source_row *row)
{
    struct vg_column *column = &stream->cols[c];
    size_t r = stream->nrows;
    bool is_id = column->wire_oid == 20;
    bool null = row->null && !is_id && column->kind != VG_KIND_TIME;
    double value = column->kind == VG_KIND_TIME   ? (double)row->at_us
                   : column->kind == VG_KIND_BOOL ? row->value > 10
                   : is_id                        ? (double)row->id
                                                  : row->value;
    stream->state[c][r] = null ? VG_CELL_NULL : VG_CELL_VALUE;
    stream->num[c][r] = null ? 0 : value;
    column->special += null;
    if (!column->raw)
        return;
    if (column->kind == VG_KIND_TEXT) {
        int n =
            snprintf(stream->text[r], sizeof stream->text[r], "{\"id\": %lld}", (long long)row->id);
        column->special -= null;
        stream->state[c][r] = VG_CELL_VALUE;
        stream->raw[c][r] = (struct vg_slice){stream->text[r], (uint32_t)n};
        return;
    }
    for (int i = 0; i < 8; i++)
        stream->wire[r][i] = (char)((uint64_t)row->id >> (56 - 8 * i));
    const char *number = (const char *)&stream->num[c][r];
    stream->raw[c][r] = (struct vg_slice){is_id ? stream->wire[r] : number, null ? 0 : 8};
}

static int send_batch(struct stream *stream, size_t ncols,
                      int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
                      void *arg, struct vg_error *err)
{
    struct vg_batch batch = {stream->nrows, ncols, stream->cols};
    return stream->nrows ? each(arg, &batch, err) : 0;
}

static int reject(struct vg_error *err)
{
    vg_fail(err, VG_E_QUERY, "column \"gone\" does not exist");
    memcpy(err->sqlstate, "42703", 6);
    return -1;
}

static int stream_rows(struct vg_session *session, const struct vg_query *query,
                       int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
                       void *arg, struct vg_error *err)
{
    struct source_kit *kit = session->kit;
    struct source_scan scan = read_statement(query->sql);
    kit->scans[kit->nscans++ % SOURCE_SCANS] = scan;
    assert_true(!strncmp(query->sql, "COPY (", 6) && query->ncolumns <= 8);
    if (kit->rejects_where && scan.conditional)
        return reject(err);
    if (fail_if_due(&kit->scan, err) < 0)
        return -1;
    if (kit->during)
        kit->during(kit->during_arg);
    struct stream *stream = calloc(1, sizeof *stream);
    assert_non_null(stream);
    begin_batch(stream, query);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < kit->nrows; i++) {
        if (!is_meant(&scan, &kit->rows[i]))
            continue;
        for (size_t c = 0; c < query->ncolumns; c++)
            put_cell(stream, c, &kit->rows[i]);
        if (++stream->nrows < VG_BATCH_ROWS)
            continue;
        rc = send_batch(stream, query->ncolumns, each, arg, err);
        begin_batch(stream, query);
    }
    if (rc == 0)
        rc = send_batch(stream, query->ncolumns, each, arg, err);
    free(stream);
    return rc;
}

static void free_source(struct vg_source *self)
{
    (void)self;
}

/* What a cycle asks of an expression by itself. */
static int ask_rows(struct vg_session *session, const char *sql, int64_t timeout_us,
                    struct vg_arena *arena, struct vg_rows *out, struct vg_error *err)
{
    (void)sql;
    (void)timeout_us;
    if (session->kit->rejects_where)
        return reject(err);
    static const char *const one[] = {"1"};
    const char **cells = vg_arena_array(arena, 1, sizeof *cells);
    assert_non_null(cells);
    cells[0] = one[0];
    *out = (struct vg_rows){.nrows = 1, .ncols = 1, .cells = cells};
    return 0;
}

/* --- The one table that is written ------------------------------------------------------------ */

static int begin_writing(struct vg_source *self, const char *connection,
                         const struct vg_limits_of_session *limits, int64_t idle_us,
                         struct vg_session **out, struct vg_error *err)
{
    (void)idle_us;
    struct source_kit *kit = (struct source_kit *)self;
    return fail_if_due(&kit->begin, err) < 0 ? -1
                                             : open_session(self, connection, limits, out, err);
}

static int write_keys(struct vg_session *session, const char *sql, const char *const *params,
                      size_t nparams, uint64_t *changed, struct vg_error *err)
{
    struct source_kit *kit = session->kit;
    assert_null(changed);
    assert_int_equal(nparams, 7);
    if (fail_if_due(&kit->write, err) < 0)
        return -1;
    kit->writes++;
    for (size_t i = 0; i < 6; i++)
        snprintf(kit->params[i], sizeof kit->params[i], "%s", params[i]);
    snprintf(kit->written, sizeof kit->written, "%s", params[6]);
    snprintf(kit->statement, sizeof kit->statement, "%s", sql);
    return 0;
}

static int commit_keys(struct vg_session *session, struct vg_error *err)
{
    if (fail_if_due(&session->kit->commit, err) < 0)
        return -1;
    session->kit->commits++;
    return 0;
}

static const struct vg_source_ops ops = {.begin = begin_writing,
                                         .write = write_keys,
                                         .commit = commit_keys,
                                         .open = open_session,
                                         .catalog = read_catalog,
                                         .scan = stream_rows,
                                         .rows = read_rows,
                                         .ask = ask_rows,
                                         .close = close_session,
                                         .free = free_source};

void source_kit_init(struct source_kit *kit)
{
    *kit = (struct source_kit){.base = {&ops}, .rows = vg_array(SOURCE_ROWS, sizeof *kit->rows)};
    assert_non_null(kit->rows);
}

void source_kit_free(struct source_kit *kit)
{
    assert_int_equal(kit->opens, kit->closes); /* every snapshot was given back */
    free(kit->rows);
}

void source_kit_add(struct source_kit *kit, const struct vg_window *span, size_t n, double first,
                    double step)
{
    assert_true(kit->nrows + n <= SOURCE_ROWS);
    for (size_t i = 0; i < n; i++) {
        int64_t width = span->end_us - span->start_us;
        kit->rows[kit->nrows] =
            (struct source_row){.at_us = span->start_us + (int64_t)i * (width / (int64_t)n),
                                .id = (int64_t)kit->nrows + 1,
                                .value = first + step * (double)i};
        kit->nrows++;
    }
}

void source_kit_spoil(struct source_kit *kit, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kit->rows[kit->nrows - 1 - i].null = true;
}
