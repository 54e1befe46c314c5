/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thin driver below the state store: one connection, statements, typed values.
 *
 * Everything a back end must provide. The store's logic and its SQL are written once against it, in
 * the SQL that SQLite and PostgreSQL share: parameters are $1, $2 ..., numbered in the order in
 * which they first occur, and a statement's text is a constant of the program, so that its address
 * is the key of the cache of prepared statements. Not thread-safe: the store serialises.
 */
#ifndef AGENT_STORE_DRIVER_H
#define AGENT_STORE_DRIVER_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pgvigil/error.h"

enum vg_sql_type { VG_SQL_NULL, VG_SQL_INT, VG_SQL_REAL, VG_SQL_TEXT, VG_SQL_BLOB };

/* A parameter. Text and blobs are borrowed until the statement has ended. */
struct vg_sql_value {
    enum vg_sql_type type;
    int64_t integer;
    double real;
    const void *data;
    size_t size;
};

static inline struct vg_sql_value vg_p_int(int64_t x)
{
    return (struct vg_sql_value){.type = VG_SQL_INT, .integer = x};
}

/* A count; what no int64_t holds is stored as the largest one. */
static inline struct vg_sql_value vg_p_count(uint64_t x)
{
    return vg_p_int(x > INT64_MAX ? INT64_MAX : (int64_t)x);
}

/* NaN and the infinities are stored as NULL. */
static inline struct vg_sql_value vg_p_real(double x)
{
    enum vg_sql_type type = isfinite(x) ? VG_SQL_REAL : VG_SQL_NULL;
    return (struct vg_sql_value){.type = type, .real = x};
}

/* NULL is stored as NULL. */
static inline struct vg_sql_value vg_p_text(const char *s)
{
    enum vg_sql_type type = s ? VG_SQL_TEXT : VG_SQL_NULL;
    return (struct vg_sql_value){.type = type, .data = s, .size = s ? strlen(s) : 0};
}

static inline struct vg_sql_value vg_p_blob(const void *data, size_t size)
{
    enum vg_sql_type type = data ? VG_SQL_BLOB : VG_SQL_NULL;
    return (struct vg_sql_value){.type = type, .data = data, .size = size};
}

/* A statement and its parameters. */
struct vg_sql {
    const char *text;
    const struct vg_sql_value *params;
    size_t n;
};
#define VG_VALUES(...)                                                                             \
    (const struct vg_sql_value[])                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* &VG_SQL("... $1 ... $2", vg_p_int(1), vg_p_text("a")), valid in the enclosing block. */
#define VG_SQL(text, ...)                                                                          \
    ((const struct vg_sql){(text), VG_VALUES(__VA_ARGS__),                                         \
                           sizeof(VG_VALUES(__VA_ARGS__)) / sizeof(struct vg_sql_value)})
#define VG_SQL_PLAIN(text) ((const struct vg_sql){(text), NULL, 0})

/* What a failure says of the connection; it stays until the connection is closed. */
enum vg_db_trouble {
    VG_DB_FINE,
    VG_DB_FULL,    /* no space: what was to be written is not there, the connection is good */
    VG_DB_IO,      /* the outcome of the last commit is unknown: close, open again, read again */
    VG_DB_DAMAGED, /* what is stored contradicts itself: close, examine */
};

enum vg_db_begin {
    VG_DB_READ,  /* several reads of one state */
    VG_DB_WRITE, /* excludes other writers from its beginning */
};

/* Words in which the back ends differ when tables are made; see vg_schema_expand(). */
struct vg_dialect {
    const char *integer, *real, *blob; /* 64 bits, double precision, bytes */
    const char *identity;              /* a key that grows and is never given twice */
    const char *table;                 /* after the closing parenthesis of a table */
};

/* What was found at the place where the store should be. */
struct vg_db_identity {
    bool empty;      /* nothing is there yet */
    bool ours;       /* it bears our mark */
    int64_t version; /* of the schema, as marked; 0: none */
};

struct vg_db {
    const struct vg_db_ops *ops;
    enum vg_db_trouble trouble;
};
struct vg_db_rows; /* a running query */

struct vg_db_ops {
    const char *name;
    const struct vg_dialect *dialect;
    /* Any number of statements without parameters and rows; not cached, the text may vary. */
    int (*exec)(struct vg_db *db, const char *text, struct vg_error *err);
    /* Starts a query; *out must be ended with done(), also after a failure of next(). */
    int (*query)(struct vg_db *db, const struct vg_sql *sql, struct vg_db_rows **out,
                 struct vg_error *err);
    /* Steps to the first or next row; *more false at the end. */
    int (*next)(struct vg_db_rows *rows, bool *more, struct vg_error *err);
    /* Columns of the present row from 0; text and blobs are borrowed until the next step. */
    int64_t (*get_int)(struct vg_db_rows *rows, int column);                    /* NULL: 0 */
    double (*get_real)(struct vg_db_rows *rows, int column);                    /* NULL: NAN */
    const char *(*get_text)(struct vg_db_rows *rows, int column);               /* NULL: NULL */
    const void *(*get_blob)(struct vg_db_rows *rows, int column, size_t *size); /* NULL: NULL */
    void (*done)(struct vg_db_rows *rows);                                      /* NULL is fine */
    /* Runs a statement that gives no rows; *changed (may be NULL): rows it touched. */
    int (*run)(struct vg_db *db, const struct vg_sql *sql, int64_t *changed, struct vg_error *err);
    int (*begin)(struct vg_db *db, enum vg_db_begin kind, struct vg_error *err);
    int (*commit)(struct vg_db *db, struct vg_error *err);
    void (*rollback)(struct vg_db *db); /* without a transaction: nothing */
    /* While the disk is full: what is written goes to its place at once, so that the room it has
     * already is used again before it asks for more. Off: as is best otherwise. Outside
     * transactions only. */
    void (*spare)(struct vg_db *db, bool on);
    /* Whether the next commits must survive a power cut; a later one that does keeps all before it.
     * Outside transactions only. */
    int (*durable)(struct vg_db *db, bool on, struct vg_error *err);
    /* Examines what is stored, quickly or whole. Damage is *sound false with a reason in err, and
     * no failure. */
    int (*examine)(struct vg_db *db, bool whole, bool *sound, struct vg_error *err);
    /* Whether it has all that a model has, defined in the same words; more is allowed. A difference
     * is *same false with a reason in err, and no failure. */
    int (*resembles)(struct vg_db *db, struct vg_db *model, bool *same, struct vg_error *err);
    int (*identify)(struct vg_db *db, struct vg_db_identity *out, struct vg_error *err);
    /* Marks it as ours, of this version; inside the transaction that makes it so. */
    int (*stamp)(struct vg_db *db, int64_t version, struct vg_error *err);
    /* Once it is known to be ours or empty: how it is to be kept from now on. */
    int (*prepare)(struct vg_db *db, struct vg_error *err);
    void (*close)(struct vg_db *db); /* NULL is fine */
};

/* --- Drivers --------------------------------------------------------------------------- */

/* Opens the SQLite file `path`, which must exist (it may be empty); NULL opens one in memory.
 * Errors: VG_E_IO, VG_E_PERMISSION, VG_E_MEMORY. `lasting` false: nothing need survive a power cut.
 */
int vg_sqlite_open(const char *path, bool lasting, struct vg_db **out, struct vg_error *err);

#endif
