/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SQLite driver of the state store: connection, statements, transactions.
 *
 * Owns the connection, its settings, the cache of prepared statements and the meaning of SQLite's
 * error codes. Promises that after a failure `trouble` says what the connection is still good for.
 * Knows no table of ours.
 */
#include <stdlib.h>
#include <unistd.h>

#include "agent/store/sqlite.h"

enum { BUSY_MS = 5000 };        /* how long another process may hold the write lock */
enum { AUTOCHECKPOINT = 1000 }; /* pages in the log, SQLite's own default */

static enum vg_code code_of(int primary)
{
    switch (primary) {
    case SQLITE_NOMEM:
        return VG_E_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
        return VG_E_TIMEOUT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return VG_E_PERMISSION;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return VG_E_STATE;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_NOLFS:
        return VG_E_IO;
    default:
        return VG_E_INTERNAL;
    }
}

static enum vg_db_trouble trouble_of(int rc)
{
    if (rc == SQLITE_IOERR_NOMEM)
        return VG_DB_FINE;
    switch (rc & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return VG_DB_IO;
    case SQLITE_FULL:
        return VG_DB_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return VG_DB_DAMAGED;
    default:
        return VG_DB_FINE;
    }
}

void vg_sqlite_keep_evidence(struct sqlite_db *db)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static int fail_with(struct sqlite_db *db, int rc, const char *doing, struct vg_error *err)
{
    int full = sqlite3_extended_errcode(db->handle);
    if ((full & 0xff) != (rc & 0xff))
        full = rc;
    enum vg_db_trouble trouble = trouble_of(full);
    if (trouble > db->base.trouble)
        db->base.trouble = trouble;
    if (trouble == VG_DB_DAMAGED)
        vg_sqlite_keep_evidence(db);
    enum vg_code code = full == SQLITE_IOERR_NOMEM ? VG_E_MEMORY : code_of(full & 0xff);
    return vg_fail(err, code, "state store %s: %s: %s (SQLite %d)", db->path, doing,
                   sqlite3_errmsg(db->handle), full);
}

static int exec_text(struct vg_db *base, const char *text, struct vg_error *err)
{
    struct sqlite_db *db = self_of(base);
    int rc = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail_with(db, rc, "statement", err);
}

/* Parameters are bound by position, so the text must name them in order. */
static void check_parameters(const struct vg_sql *sql, sqlite3_stmt *stmt)
{
    int n = sqlite3_bind_parameter_count(stmt);
    if ((size_t)n != sql->n)
        BUG("%d parameters in the text, %zu given: %s", n, sql->n, sql->text);
    for (int i = 1; i <= n; i++) {
        char name[16];
        snprintf(name, sizeof name, "$%d", i);
        const char *found = sqlite3_bind_parameter_name(stmt, i);
        if (!found || strcmp(found, name) != 0)
            BUG("parameter %d is called %s: %s", i, found ? found : "nothing", sql->text);
    }
}

static int prepare_statement(struct sqlite_db *db, const struct vg_sql *sql, sqlite3_stmt **out,
                             struct vg_error *err)
{
    int rc = sqlite3_prepare_v3(db->handle, sql->text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc != SQLITE_OK) {
        fail_with(db, rc, "prepare", err);
        return -1;
    }
    check_parameters(sql, *out);
    return 0;
}

/* The slot of this text, or a free one; NULL when it is in use by a query that still runs. */
static struct vg_db_rows *find_slot(struct sqlite_db *db, const char *text)
{
    size_t at = (size_t)(((uintptr_t)text >> 3) * 0x9e3779b97f4a7c15u >> 32);
    for (size_t i = 0; i < STATEMENTS; i++) {
        struct vg_db_rows *slot = &db->cache[(at + i) & (STATEMENTS - 1)];
        if (slot->text == text)
            return slot->busy ? NULL : slot;
        if (!slot->text)
            return slot;
    }
    return NULL;
}

static int acquire(struct sqlite_db *db, const struct vg_sql *sql, struct vg_db_rows **out,
                   struct vg_error *err)
{
    struct vg_db_rows *rows = find_slot(db, sql->text);
    bool cached = rows != NULL;
    if (!rows && !(rows = calloc(1, sizeof *rows))) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
        return -1;
    }
    if (!rows->stmt && prepare_statement(db, sql, &rows->stmt, err) < 0) {
        if (!cached)
            free(rows);
        return -1;
    }
    rows->db = db;
    rows->text = sql->text;
    rows->cached = cached;
    rows->busy = true;
    *out = rows;
    return 0;
}

static void end_rows(struct vg_db_rows *rows)
{
    if (!rows)
        return;
    if (rows->cached) {
        sqlite3_reset(rows->stmt);
        sqlite3_clear_bindings(rows->stmt);
        rows->busy = false;
        return;
    }
    sqlite3_finalize(rows->stmt);
    free(rows);
}

static int bind_value(sqlite3_stmt *stmt, int i, const struct vg_sql_value *value)
{
    switch (value->type) {
    case VG_SQL_INT:
        return sqlite3_bind_int64(stmt, i, value->integer);
    case VG_SQL_REAL:
        return sqlite3_bind_double(stmt, i, value->real);
    case VG_SQL_TEXT:
        return sqlite3_bind_text64(stmt, i, value->data, value->size, SQLITE_STATIC, SQLITE_UTF8);
    case VG_SQL_BLOB:
        return sqlite3_bind_blob64(stmt, i, value->data, value->size, SQLITE_STATIC);
    case VG_SQL_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, i);
}

static int start_query(struct vg_db *base, const struct vg_sql *sql, struct vg_db_rows **out,
                       struct vg_error *err)
{
    struct sqlite_db *db = self_of(base);
    struct vg_db_rows *rows = NULL;
    *out = NULL;
    if (acquire(db, sql, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < sql->n; i++) {
        int rc = bind_value(rows->stmt, (int)i + 1, &sql->params[i]);
        if (rc != SQLITE_OK) {
            fail_with(db, rc, "bind", err);
            end_rows(rows);
            return -1;
        }
    }
    *out = rows;
    return 0;
}

static int step_rows(struct vg_db_rows *rows, bool *more, struct vg_error *err)
{
    int rc = sqlite3_step(rows->stmt);
    *more = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return 0;
    return fail_with(rows->db, rc, "step", err);
}

static int64_t column_int(struct vg_db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->stmt, column);
}

static double column_real(struct vg_db_rows *rows, int column)
{
    if (sqlite3_column_type(rows->stmt, column) == SQLITE_NULL)
        return NAN;
    return sqlite3_column_double(rows->stmt, column);
}

static const char *column_text(struct vg_db_rows *rows, int column)
{
    return (const char *)sqlite3_column_text(rows->stmt, column);
}

static const void *column_blob(struct vg_db_rows *rows, int column, size_t *size)
{
    const void *data = sqlite3_column_blob(rows->stmt, column);
    *size = (size_t)sqlite3_column_bytes(rows->stmt, column);
    return data;
}

static int run_statement(struct vg_db *base, const struct vg_sql *sql, int64_t *changed,
                         struct vg_error *err)
{
    struct vg_db_rows *rows = NULL;
    bool more = false;
    if (start_query(base, sql, &rows, err) < 0)
        return -1;
    int rc = step_rows(rows, &more, err);
    end_rows(rows);
    if (rc == 0 && changed)
        *changed = sqlite3_changes64(self_of(base)->handle);
    return rc;
}

static int begin_transaction(struct vg_db *base, enum vg_db_begin kind, struct vg_error *err)
{
    const struct vg_sql sql =
        kind == VG_DB_WRITE ? VG_SQL_PLAIN("BEGIN IMMEDIATE") : VG_SQL_PLAIN("BEGIN");
    return run_statement(base, &sql, NULL, err);
}

static int commit_transaction(struct vg_db *base, struct vg_error *err)
{
    return run_statement(base, &VG_SQL_PLAIN("COMMIT"), NULL, err);
}

/* After some errors SQLite has rolled back by itself; the outcome is the same. Without memory it
 * may be unable to: then only closing the connection ends the transaction. */
static void roll_back(struct vg_db *base)
{
    struct sqlite_db *db = self_of(base);
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    if (!sqlite3_get_autocommit(db->handle) && base->trouble < VG_DB_IO)
        base->trouble = VG_DB_IO;
}

/* The log is begun anew as soon as all of it has gone into the file, and keeps its size. What does
 * not go, for want of room or for somebody who reads, goes with a later commit. */
static void spare_room(struct vg_db *base, bool on)
{
    sqlite3 *handle = self_of(base)->handle;
    sqlite3_wal_autocheckpoint(handle, on ? 1 : AUTOCHECKPOINT);
    if (on)
        sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int set_durable(struct vg_db *base, bool on, struct vg_error *err)
{
    if (!self_of(base)->lasting)
        return 0;
    return exec_text(base, on ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
}

/* A file that may be written and yet is taken for one that cannot: its header says that only a
 * newer SQLite knows how. */
static int explain_readonly(struct sqlite_db *db, struct vg_error *err)
{
    if (access(db->path, W_OK) != 0)
        return vg_fail(err, VG_E_PERMISSION, "state store %s cannot be written", db->path);
    db->base.trouble = VG_DB_DAMAGED;
    vg_sqlite_keep_evidence(db);
    return vg_fail(err, VG_E_STATE, "state store %s: the header is of an unknown format", db->path);
}

static int use_wal(struct vg_db *base, struct vg_error *err)
{
    struct sqlite_db *db = self_of(base);
    struct vg_db_rows *rows = NULL;
    bool more = false;
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return explain_readonly(db, err);
    if (start_query(base, &VG_SQL_PLAIN("PRAGMA journal_mode=WAL"), &rows, err) < 0)
        return -1;
    int rc = step_rows(rows, &more, err);
    const char *mode = rc == 0 && more ? column_text(rows, 0) : NULL;
    if (rc == 0 && (!mode || strcmp(mode, "wal") != 0))
        rc = vg_fail(err, VG_E_IO, "state store %s: the file system cannot hold a write-ahead log",
                     db->path);
    end_rows(rows);
    return rc;
}

static void close_file(struct vg_db *base)
{
    if (!base)
        return;
    struct sqlite_db *db = self_of(base);
    for (size_t i = 0; i < STATEMENTS; i++) {
        if (db->cache[i].busy)
            BUG("a query still runs while the store is closed: %s", db->cache[i].text);
        sqlite3_finalize(db->cache[i].stmt);
    }
    sqlite3_close(db->handle);
    free(db);
}

static const struct vg_dialect dialect = {
    .integer = "INTEGER",
    .real = "REAL",
    .blob = "BLOB",
    .identity = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .table = "STRICT",
};

static const struct vg_db_ops ops = {
    .name = "sqlite",
    .dialect = &dialect,
    .exec = exec_text,
    .query = start_query,
    .next = step_rows,
    .get_int = column_int,
    .get_real = column_real,
    .get_text = column_text,
    .get_blob = column_blob,
    .done = end_rows,
    .run = run_statement,
    .begin = begin_transaction,
    .commit = commit_transaction,
    .rollback = roll_back,
    .spare = spare_room,
    .durable = set_durable,
    .examine = vg_sqlite_examine,
    .resembles = vg_sqlite_resembles,
    .identify = vg_sqlite_identify,
    .stamp = vg_sqlite_stamp,
    .prepare = use_wal,
    .close = close_file,
};

static int set_up(struct sqlite_db *db, struct vg_error *err)
{
    static const char settings[] = "PRAGMA trusted_schema=0;"
                                   "PRAGMA cell_size_check=1;"
                                   "PRAGMA foreign_keys=1;"
                                   "PRAGMA temp_store=MEMORY;"
                                   "PRAGMA journal_size_limit=16777216;";
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (exec_text(&db->base, settings, err) < 0)
        return -1;
    return exec_text(&db->base, db->lasting ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF",
                     err);
}

int vg_sqlite_open(const char *path, bool lasting, struct vg_db **out, struct vg_error *err)
{
    /* "./" keeps SQLite from reading a meaning into names like ":memory:" and "file:a". */
    const char *prefix = !path || path[0] == '/' ? "" : "./";
    const char *name = path ? path : ":memory:";
    size_t size = strlen(prefix) + strlen(name) + 1;
    struct sqlite_db *db = calloc(1, sizeof *db + size);
    *out = NULL;
    if (!db)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    snprintf(db->path, size, "%s%s", prefix, name);
    db->base.ops = &ops;
    db->lasting = lasting;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (path ? 0 : SQLITE_OPEN_MEMORY);
    int rc = sqlite3_open_v2(db->path, &db->handle, flags, NULL);
    int done = !db->handle       ? vg_fail(err, VG_E_MEMORY, "out of memory")
               : rc != SQLITE_OK ? fail_with(db, rc, "open", err)
                                 : set_up(db, err);
    if (done < 0) {
        close_file(&db->base);
        return -1;
    }
    *out = &db->base;
    return 0;
}
