/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the state store share: the store itself, transactions, statements, rows.
 *
 * Everything here may be called with or without a transaction of vg_store_begin(); outside of one
 * each statement stands for itself. Nothing of it is known outside agent/store/ and its tests.
 */
#ifndef AGENT_STORE_INNER_H
#define AGENT_STORE_INNER_H

#include <pthread.h>
#include <sys/types.h>

#include "agent/store/driver.h"
#include "pgvigil/store.h"

/* What the file was that was opened; not known while there is none. */
struct vg_file_identity {
    bool known;
    dev_t device;
    ino_t inode;
};
struct vg_health {
    pthread_mutex_t mutex; /* around all of it; never held while a file is looked at */
    struct vg_file_identity file, lock;
    bool looking; /* somebody looks at the files, and may have to wait for them */
    const char *file_lost, *lock_lost; /* "removed", "replaced", or NULL */
    bool write_failed;
    int64_t unwritten; /* how often it did */
    struct vg_error why;
    int64_t looked_s;
};

enum vg_store_doubt { VG_DOUBT_NONE, VG_DOUBT_SOME, VG_DOUBT_GRAVE };

struct vg_store {
    char *path;
    bool keeps_turns; /* all versions of rolling references */
    enum vg_store_mode mode;
    int lock_fd;               /* holds the flock of a daemon, else -1 */
    bool known_place;          /* a lock signed earlier says that a store has been here */
    pthread_mutex_t mutex;     /* recursive; held from begin to commit or rollback */
    int depth;                 /* how often its owner holds it */
    struct vg_db *db;          /* NULL: closed after a failure, opened again by the next call */
    enum vg_store_doubt doubt; /* how closely it is to be examined when it is opened */
    bool started;              /* it has been open before */
    bool sparing;              /* the disk was full, and the ballast is not back */
    bool in_transaction;
    bool failed;            /* a statement of the transaction failed: it cannot be committed */
    struct vg_error first;  /* the failure */
    bool failed_writing;    /* it was a failure to write */
    bool writing;           /* the call that is under way writes */
    bool reads_only;        /* the transaction does not write */
    uint64_t writes;        /* statements that changed something */
    uint64_t judged_writes; /* of them, those whose fate health knows */
    struct vg_health health;
    struct vg_arena *names;          /* of quarantined, which is never freed before the store is */
    const char *_Atomic quarantined; /* where a damaged file was put, or NULL */
};

/* --- Opening (open.c, quarantine.c) ---------------------------------------------------- */

/* Opens store->path as its mode asks, sets a damaged file aside, migrates. */
int vg_store_connect(struct vg_store *store, struct vg_error *err);
/* Renames path, path-wal and path-shm to path.damaged-<time>...; the new name of path in *aside, in
 * arena. What is not there is left out. VG_E_IO. */
int vg_quarantine(const char *path, struct vg_arena *arena, const char **aside,
                  struct vg_error *err);
/* Whether a write-ahead log lies beside a file that is missing or empty: it has been cut off. */
bool vg_quarantine_orphan(const char *path);
/* A file of 1 MiB beside the store, given up when the disk is full so that there is room for what
 * matters. Making it is best effort, and says whether it is there; freeing says whether it was. */
bool vg_ballast_make(const char *path);
bool vg_ballast_free(const char *path);

/* --- Health (health.c) ----------------------------------------------------------------- */

/* From here on the file at the path is the one in use; forget: none is. */
void vg_health_remember(struct vg_store *store);
void vg_health_forget(struct vg_store *store);
/* Every few seconds at most: whether file and lock are still there. To be called without any lock,
 * for a file system that does not answer keeps the caller waiting; the others go on. */
void vg_health_look(struct vg_store *store);
/* What became of an attempt to write; a failure counts only when it is the storage's. A failure to
 * read says nothing here. */
void vg_health_failed(struct vg_store *store, const struct vg_error *err);
void vg_health_wrote(struct vg_store *store);

/* --- Schema (schema.c, migrations.c) --------------------------------------------------- */

struct vg_migration {
    const char *what;              /* for the error message */
    const char *const *statements; /* NULL-terminated; {int} {real} {blob} {id} {table} are the
                                      dialect's words */
};
extern const struct vg_migration vg_migrations[];
extern const size_t vg_migrations_n;

/* Stores up to this version were written before the first release; nobody reads them. */
enum { VG_SCHEMA_UNRELEASED = 24 };

/* The version that the last migration leads to. */
int64_t vg_schema_latest(void);
/* Runs the steps from `version` on, 0 for an empty store, each in one transaction that also marks
 * the new version: the first step leads to VG_SCHEMA_UNRELEASED + 1. */
int vg_schema_migrate(struct vg_db *db, int64_t version, const struct vg_migration *steps, size_t n,
                      struct vg_error *err);
/* The version that the store itself says it has, beside the mark; -1 when it says nothing. */
int vg_schema_recorded(struct vg_db *db, int64_t *version, struct vg_error *err);
/* Whether a store of the present version has the tables it should have, and numbers that this
 * program takes for enums are within their range. No: *sound false with a reason in err. */
int vg_schema_plausible(struct vg_db *db, bool *sound, struct vg_error *err);

/* --- Transactions and statements (session.c, rows.c) ----------------------------------- */

/* Locks, and makes sure of a connection; on failure nothing is locked. Every enter that returned 0
 * is followed by a leave, which hands rc on. */
int vg_call_enter(struct vg_store *store, struct vg_error *err);
int vg_call_leave(struct vg_store *store, int rc, const struct vg_error *err);
/* There is room again: the store need not spare it any more. */
void vg_store_relax(struct vg_store *store);

/* Of a call that needs several statements: joins the transaction that is open, else opens one. */
struct vg_scope {
    bool own;        /* opened here */
    bool hurried;    /* its commit need not survive a power cut by itself */
    uint64_t writes; /* of the store when it was entered */
};
int vg_scope_enter(struct vg_store *store, enum vg_db_begin kind, struct vg_scope *scope,
                   struct vg_error *err);
/* As vg_scope_enter() for writing; a power cut may undo it until the next ordinary commit. */
int vg_scope_enter_hurried(struct vg_store *store, struct vg_scope *scope, struct vg_error *err);
/* rc 0 commits what was opened here, else rolls it back; in a transaction that was open before, a
 * failure after something was written makes that one fail as a whole. Returns -1 if either says so.
 */
int vg_scope_leave(struct vg_store *store, const struct vg_scope *scope, int rc,
                   struct vg_error *err);

int vg_sql_run(struct vg_store *store, const struct vg_sql *sql, struct vg_error *err);
int vg_sql_change(struct vg_store *store, const struct vg_sql *sql, int64_t *changed,
                  struct vg_error *err);
/* The first column of the first row; without a row *out stays as it is. */
int vg_sql_int(struct vg_store *store, const struct vg_sql *sql, int64_t *out,
               struct vg_error *err);
/* Of an INSERT ... RETURNING: the number that the new row was given. */
int vg_sql_made(struct vg_store *store, const struct vg_sql *sql, int64_t *out,
                struct vg_error *err);

/* A row being read: columns come in the order of the SELECT, failures are kept until its end. */
struct vg_sql_row {
    struct vg_store *store;
    struct vg_db_rows *rows;
    struct vg_arena *arena;
    int column;
    bool failed;
    struct vg_error *err; /* filled once failed */
    const void *given;    /* to vg_sql_list_given(), else NULL */
};
int64_t vg_row_int(struct vg_sql_row *row);
uint64_t vg_row_count(struct vg_sql_row *row);
bool vg_row_bool(struct vg_sql_row *row);
double vg_row_real(struct vg_sql_row *row);
const char *vg_row_text(struct vg_sql_row *row); /* in arena; NULL for NULL */
void vg_row_key(struct vg_sql_row *row, char out[VG_KEY_SIZE]);
struct vg_window vg_row_window(struct vg_sql_row *row); /* start, end, repeated */
/* The gravest that was seen of an alert. */
#define VG_WORST_COLUMNS "worst_us, worst_value, worst_limit, worst_verdict"
#define VG_WORST_EXCLUDED                                                                          \
    " worst_us = excluded.worst_us, worst_value = excluded.worst_value,"                           \
    " worst_limit = excluded.worst_limit, worst_verdict = excluded.worst_verdict"
#define VG_WORST_VALUES(worst)                                                                     \
    vg_p_int((worst).at_us), vg_p_real((worst).value), vg_p_real((worst).limit),                   \
        vg_p_int((int64_t)(worst).verdict)
struct vg_worst vg_row_worst(struct vg_sql_row *row);
/* An enum of `n` values; anything else fails with VG_E_STATE. */
int vg_row_enum(struct vg_sql_row *row, int n);
const void *vg_row_blob(struct vg_sql_row *row, size_t *size); /* borrowed until the next row */
void vg_row_skip(struct vg_sql_row *row);

/* How a query's rows become structs. */
struct vg_sql_shape {
    size_t size; /* of one struct */
    /* Reads one row, runs no statement; the struct is zeroed before. */
    void (*read)(struct vg_sql_row *row, void *item);
    struct vg_arena *arena; /* of texts and of a list; NULL: has none */
};
/* All rows as an array in the arena; *items NULL when there are none. */
int vg_sql_list(struct vg_store *store, const struct vg_sql *sql, const struct vg_sql_shape *shape,
                void **items, size_t *n, struct vg_error *err);
/* The same, and `read` has something to look at beside the row: row->given. */
int vg_sql_list_given(struct vg_store *store, const struct vg_sql *sql,
                      const struct vg_sql_shape *shape, const void *given, void **items, size_t *n,
                      struct vg_error *err);
/* The first row into *item. */
int vg_sql_one(struct vg_store *store, const struct vg_sql *sql, const struct vg_sql_shape *shape,
               void *item, bool *found, struct vg_error *err);
/* A list of one text column. */
int vg_sql_strings(struct vg_store *store, const struct vg_sql *sql, struct vg_arena *arena,
                   struct vg_strings *out, struct vg_error *err);

/* Ends whose beginning was certainly heard by nobody (outbox_aside.c), of the receiver and key of
 * this row; 0: all. Where the beginning was set aside they are so too; they wait again when it
 * does, and go when it was dropped. */
int vg_outbox_part(struct vg_store *store, int64_t id, int64_t now_us, struct vg_error *err);

#endif
