/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of the SQLite driver share; nobody else includes it, or sqlite3.h. */
#ifndef AGENT_STORE_SQLITE_H
#define AGENT_STORE_SQLITE_H

#include <sqlite3.h>

#include "agent/store/driver.h"

enum { STATEMENTS = 256 }; /* a power of two, more than the store has statements */

struct vg_db_rows {
    struct sqlite_db *db;
    const char *text;
    sqlite3_stmt *stmt;
    bool busy, cached;
};

struct sqlite_db {
    struct vg_db base;
    sqlite3 *handle;
    bool lasting;
    struct vg_db_rows cache[STATEMENTS]; /* a hash table by the address of the text */
    char path[];
};

static inline struct sqlite_db *self_of(struct vg_db *db)
{
    return (struct sqlite_db *)db;
}

/* A damaged file is set aside as it was found: its log is not written into it on closing. */
void vg_sqlite_keep_evidence(struct sqlite_db *db);

int vg_sqlite_examine(struct vg_db *base, bool whole, bool *sound, struct vg_error *err);
int vg_sqlite_resembles(struct vg_db *base, struct vg_db *model, bool *same, struct vg_error *err);
int vg_sqlite_identify(struct vg_db *base, struct vg_db_identity *out, struct vg_error *err);
int vg_sqlite_stamp(struct vg_db *base, int64_t version, struct vg_error *err);

#endif
