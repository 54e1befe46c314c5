/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program for tests of the PostgreSQL source: a line of JSON in is one call, a line out is what
 * came of it. A scan can pause inside its callback until the next line, so that a test can harm the
 * server at a known moment. Keeps eight sessions by number. */
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/pg/pg.h"
#include "pgvigil/mem.h"

enum { SESSIONS = 8, CELL_TEXT = 400 };

static struct vg_source *source;
static struct vg_session *sessions[SESSIONS];
static atomic_bool stop;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * VG_US + t.tv_nsec / 1000;
}

static void put_line(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

static json_t *get_line(void)
{
    char *text = NULL;
    size_t size = 0;
    json_t *line = getline(&text, &size, stdin) > 0 ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return line;
}

static const char *get_text(const json_t *call, const char *key)
{
    return json_string_value(json_object_get(call, key));
}

static int64_t get_int(const json_t *call, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(call, key);
    return value ? json_integer_value(value) : otherwise;
}

static json_t *describe_error(const struct vg_error *err)
{
    return json_pack("{s:{s:s,s:s,s:s,s:s}}", "error", "code", vg_code_name(err->code), "sqlstate",
                     err->sqlstate, "msg", err->msg, "hint", err->hint);
}

/* "connections": {name: [conninfo, password_file or null]} */
static void fill_config(const json_t *call, struct vg_config *config)
{
    const char *name;
    json_t *value, *all = json_object_get(call, "connections");
    config->connections = calloc(json_object_size(all) + 1, sizeof *config->connections);
    json_object_foreach(all, name, value)
    {
        config->connections[config->nconnections++] = (struct vg_connection){
            .name = name,
            .conninfo = json_string_value(json_array_get(value, 0)),
            .password_file = json_string_value(json_array_get(value, 1)),
        };
    }
}

static json_t *do_config(const json_t *call, struct vg_error *err)
{
    struct vg_config config = {0};
    int rc = 0;
    fill_config(call, &config);
    if (source)
        vg_pg_source_reload(source, &config);
    else
        rc = vg_pg_source_new(&config, &source, err);
    free(config.connections);
    return rc == 0 ? json_object() : NULL;
}

static json_t *do_open(const json_t *call, struct vg_session **session, struct vg_error *err)
{
    struct vg_limits_of_session limits = {.timeout_us = get_int(call, "timeout_us", 10 * VG_US),
                                          .stop = &stop};
    return source->ops->open(source, get_text(call, "name"), &limits, session, err) == 0
               ? json_object()
               : NULL;
}

/* JSON holds valid UTF-8 only. */
static json_t *clean(const char *text)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 1 << 20);
    vg_utf8_clean(&buf, text, strlen(text), false);
    json_t *string = json_string(buf.data);
    vg_buf_free(&buf);
    return string;
}

static json_t *do_catalog(const json_t *call, struct vg_session *session, struct vg_arena *arena,
                          struct vg_error *err)
{
    const struct vg_catalog *c;
    if (source->ops->catalog(session, get_text(call, "table"), arena, &c, err) != 0)
        return NULL;
    json_t *columns = json_array();
    for (size_t i = 0; i < c->n; i++) {
        const struct vg_catalog_column *col = &c->columns[i];
        json_array_append_new(
            columns, json_pack("{s:o,s:o,s:s,s:i,s:s,s:b,s:b}", "name", clean(col->name), "quoted",
                               clean(col->quoted), "type", col->type, "oid", (int)col->wire_oid,
                               "kind", vg_kind_name(col->kind), "not_null", col->not_null,
                               "indexed_first", col->indexed_first));
    }
    char relkind[2] = {c->relkind, '\0'};
    return json_pack("{s:i,s:s,s:s,s:I,s:f,s:s,s:i,s:o}", "oid", (int)c->oid, "relkind", relkind,
                     "quoted", c->quoted, "bytes", (json_int_t)c->bytes, "rows", c->rows_estimate,
                     "encoding", c->server_encoding, "version", (int)c->server_version, "columns",
                     columns);
}

struct scan {
    json_t *cells; /* rows of [state, num or null, text]; NULL: not asked for */
    int64_t rows, batches, pause_at, fail_at, progress;
    size_t largest_batch;
};

static json_t *describe_cell(const struct vg_column *column, size_t row)
{
    char text[CELL_TEXT];
    vg_cell_text(column, row, text, sizeof text);
    json_t *num = column->num ? json_real(column->num[row]) : NULL;
    if (column->num && !num)
        abort(); /* a special must have been given as 0.0 */
    return json_pack("[iosi]", column->state[row], num ? num : json_null(), text,
                     column->raw ? (int)column->raw[row].len : -1);
}

static int each_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct scan *scan = arg;
    for (size_t r = 0; scan->cells && r < batch->nrows; r++) {
        json_t *row = json_array();
        for (size_t c = 0; c < batch->ncols; c++)
            json_array_append_new(row, describe_cell(&batch->cols[c], r));
        json_array_append_new(scan->cells, row);
    }
    for (size_t c = 0; c < batch->ncols; c++) {
        size_t special = 0;
        for (size_t r = 0; r < batch->nrows; r++)
            special += batch->cols[c].state[r] != VG_CELL_VALUE;
        if (special != batch->cols[c].special)
            abort();
    }
    scan->rows += (int64_t)batch->nrows;
    scan->batches++;
    scan->largest_batch = batch->nrows > scan->largest_batch ? batch->nrows : scan->largest_batch;
    if (scan->pause_at && scan->rows >= scan->pause_at) {
        scan->pause_at = 0;
        put_line(json_pack("{s:I}", "paused", (json_int_t)scan->rows));
        json_decref(get_line());
    }
    if (scan->fail_at && scan->rows >= scan->fail_at)
        return vg_fail(err, VG_E_BLIND, "as the test wanted");
    return 0;
}

static void count_progress(void *arg, uint64_t rows)
{
    (void)rows;
    ((struct scan *)arg)->progress++;
}

static int ignore_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    (void)err;
    ((struct scan *)arg)->rows += (int64_t)batch->nrows;
    ((struct scan *)arg)->batches++;
    return 0;
}

static enum vg_kind find_kind(const char *name)
{
    for (enum vg_kind kind = VG_KIND_OTHER; kind <= VG_KIND_TEXT; kind++)
        if (strcmp(vg_kind_name(kind), name) == 0)
            return kind;
    abort();
}

/* "columns": [[kind, oid, raw]...]; "quiet": the callback does nothing, for timing. */
static json_t *do_scan(const json_t *call, struct vg_session *session, struct vg_error *err)
{
    json_t *columns = json_object_get(call, "columns"), *column;
    size_t i, n = json_array_size(columns);
    struct vg_query_column *wanted = calloc(n + 1, sizeof *wanted);
    json_array_foreach(columns, i, column)
    {
        wanted[i].kind = find_kind(json_string_value(json_array_get(column, 0)));
        wanted[i].wire_oid = (uint32_t)json_integer_value(json_array_get(column, 1));
        wanted[i].raw = json_is_true(json_array_get(column, 2));
    }
    bool quiet = json_is_true(json_object_get(call, "quiet"));
    struct scan scan = {.cells = json_is_true(json_object_get(call, "print")) ? json_array() : NULL,
                        .pause_at = get_int(call, "pause_at", 0),
                        .fail_at = get_int(call, "fail_at", 0)};
    struct vg_query query = {.sql = get_text(call, "sql"),
                             .columns = wanted,
                             .ncolumns = n,
                             .timeout_us = get_int(call, "timeout_us", 60 * VG_US),
                             .progress = count_progress,
                             .progress_arg = &scan};
    int rc = source->ops->scan(session, &query, quiet ? ignore_batch : each_batch, &scan, err);
    free(wanted);
    json_t *answer = rc == 0 ? json_object() : describe_error(err);
    if (scan.cells)
        json_object_set_new(answer, "cells", scan.cells);
    json_object_set_new(answer, "rows", json_integer(scan.rows));
    json_object_set_new(answer, "batches", json_integer(scan.batches));
    json_object_set_new(answer, "progress", json_integer(scan.progress));
    json_object_set_new(answer, "largest_batch", json_integer((json_int_t)scan.largest_batch));
    return answer;
}

static json_t *do_rows(const json_t *call, struct vg_session *session, struct vg_arena *arena,
                       struct vg_error *err)
{
    json_t *given = json_object_get(call, "params"), *value;
    size_t i, n = json_array_size(given);
    const char **params = calloc(n + 1, sizeof *params);
    struct vg_rows rows;
    json_array_foreach(given, i, value) params[i] = json_string_value(value);
    int rc = source->ops->rows(session, get_text(call, "sql"), params, n, arena, &rows, err);
    free(params);
    if (rc != 0)
        return NULL;
    json_t *all = json_array();
    for (size_t r = 0; r < rows.nrows; r++) {
        json_t *row = json_array();
        for (size_t c = 0; c < rows.ncols; c++) {
            const char *cell = rows.cells[r * rows.ncols + c];
            json_array_append_new(row, cell ? json_string(cell) : json_null());
        }
        json_array_append_new(all, row);
    }
    return json_pack("{s:o}", "cells", all);
}

static void *raise_stop(void *arg)
{
    int64_t us = *(int64_t *)arg;
    struct timespec t = {us / VG_US, (us % VG_US) * 1000};
    free(arg);
    nanosleep(&t, NULL);
    atomic_store(&stop, true);
    return NULL;
}

/* Sets the stop flag in "after_us"; without it clears the flag. */
static json_t *do_stop(const json_t *call)
{
    pthread_t thread;
    int64_t *after = malloc(sizeof *after);
    *after = get_int(call, "after_us", -1);
    if (*after < 0) {
        free(after);
        atomic_store(&stop, false);
    } else {
        if (pthread_create(&thread, NULL, raise_stop, after) != 0)
            abort();
        pthread_detach(thread);
    }
    return json_object();
}

static json_t *do_rss(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return json_pack("{s:I}", "kib", (json_int_t)usage.ru_maxrss);
}

struct storm {
    const char *name;
    int64_t times;
    int failures;
    struct vg_error err;
};

static void *open_and_close(void *arg)
{
    struct storm *storm = arg;
    struct vg_limits_of_session limits = {.timeout_us = 20 * VG_US};
    for (int64_t i = 0; i < storm->times; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_session *session = NULL;
        struct vg_rows rows;
        if (source->ops->open(source, storm->name, &limits, &session, &storm->err) != 0 ||
            source->ops->rows(session, "SELECT 1", NULL, 0, arena, &rows, &storm->err) != 0 ||
            rows.nrows != 1)
            storm->failures++;
        source->ops->close(session);
        vg_arena_free(arena);
    }
    return NULL;
}

/* "threads" threads open and close "times" sessions each, all at once. */
static json_t *do_storm(const json_t *call, struct vg_error *err)
{
    pthread_t threads[16];
    struct storm storms[16] = {0};
    int64_t n = get_int(call, "threads", 1), failures = 0;
    for (int64_t i = 0; i < n && i < 16; i++) {
        storms[i].name = get_text(call, "name");
        storms[i].times = get_int(call, "times", 1);
        if (pthread_create(&threads[i], NULL, open_and_close, &storms[i]) != 0)
            abort();
    }
    for (int64_t i = 0; i < n && i < 16; i++) {
        pthread_join(threads[i], NULL);
        failures += storms[i].failures;
        if (storms[i].failures)
            *err = storms[i].err;
    }
    return failures ? NULL : json_object();
}

static json_t *obey(const json_t *call, struct vg_arena *arena, struct vg_error *err)
{
    const char *what = get_text(call, "do");
    struct vg_session **session = &sessions[get_int(call, "session", 0) % SESSIONS];
    if (strcmp(what, "config") == 0)
        return do_config(call, err);
    if (strcmp(what, "open") == 0)
        return do_open(call, session, err);
    if (strcmp(what, "catalog") == 0)
        return do_catalog(call, *session, arena, err);
    if (strcmp(what, "scan") == 0)
        return do_scan(call, *session, err);
    if (strcmp(what, "rows") == 0)
        return do_rows(call, *session, arena, err);
    if (strcmp(what, "stop") == 0)
        return do_stop(call);
    if (strcmp(what, "storm") == 0)
        return do_storm(call, err);
    if (strcmp(what, "rss") == 0)
        return do_rss();
    if (strcmp(what, "close") != 0)
        abort();
    source->ops->close(*session);
    *session = NULL;
    return json_object();
}

int main(void)
{
    json_t *call;
    while ((call = get_line())) {
        struct vg_error err = {0};
        struct vg_arena *arena = vg_arena_new();
        int64_t begun = now_us();
        json_t *answer = obey(call, arena, &err);
        if (!answer)
            answer = describe_error(&err);
        json_object_set_new(answer, "us", json_integer(now_us() - begun));
        put_line(answer);
        vg_arena_free(arena);
        json_decref(call);
    }
    for (size_t i = 0; i < SESSIONS; i++)
        source->ops->close(sessions[i]);
    if (source)
        source->ops->free(source);
    return 0;
}
