/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References that are there: which one is in force, choosing and dropping versions, and what became
 * of them.
 *
 * Owns `reference_change`. Of a rolling reference the window decides which version judges it; of
 * the others the one that is active does, and every change of that is kept with its cause. */
#include "agent/store/inner.h"

enum state { CAPTURING, COMPLETE, FAILED };

/* --- Choosing and dropping ------------------------------------------------------------- */

struct standing { /* of one version of a dataset */
    bool found, active;
    int64_t state, others; /* other complete versions of the dataset */
};

static void read_standing(struct vg_sql_row *row, void *item)
{
    struct standing *standing = item;
    standing->found = true;
    standing->state = vg_row_int(row);
    standing->active = vg_row_bool(row);
    standing->others = vg_row_int(row);
}

static int look_up(struct vg_store *store, const char *dataset, int64_t version,
                   struct standing *out, struct vg_error *err)
{
    static const char text[] =
        "SELECT state, active, (SELECT count(*) FROM reference AS o WHERE o.dataset = r.dataset"
        " AND o.name = r.name AND o.version <> r.version AND o.state = 1)"
        " FROM reference AS r WHERE r.version = $1 AND r.dataset = $2";
    const struct vg_sql_shape shape = {sizeof *out, read_standing, NULL};
    bool found;
    if (vg_sql_one(store, &VG_SQL(text, vg_p_int(version), vg_p_text(dataset)), &shape, out, &found,
                   err) < 0)
        return -1;
    if (found)
        return 0;
    vg_fail(err, VG_E_NOT_FOUND, "%s has no reference of version %lld", dataset,
            (long long)version);
    return vg_hint(err, "pgvigil reference list %s shows those it has", dataset);
}

static int use_version(struct vg_store *store, const char *dataset, int64_t version,
                       struct vg_error *err)
{
    struct standing standing;
    if (look_up(store, dataset, version, &standing, err) < 0)
        return -1;
    if (standing.state != COMPLETE)
        return vg_fail(
            err, VG_E_USAGE, "reference version %lld of %s %s", (long long)version, dataset,
            standing.state == FAILED ? "was not captured: it failed" : "is still being captured");
    if (standing.active)
        return 0;
    if (vg_sql_run(store,
                   &VG_SQL("UPDATE reference SET active = 0 WHERE dataset = $1 AND active = 1"
                           " AND name = (SELECT name FROM reference WHERE version = $2)",
                           vg_p_text(dataset), vg_p_int(version)),
                   err) < 0)
        return -1;
    return vg_sql_run(
        store, &VG_SQL("UPDATE reference SET active = 1 WHERE version = $1", vg_p_int(version)),
        err);
}

int vg_store_reference_use(struct vg_store *store, const char *dataset, int64_t version,
                           struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, use_version(store, dataset, version, err), err);
}

static int drop_version(struct vg_store *store, const char *dataset, int64_t version,
                        struct vg_error *err)
{
    struct standing standing;
    if (look_up(store, dataset, version, &standing, err) < 0)
        return -1;
    if (standing.state == CAPTURING)
        return vg_fail(err, VG_E_USAGE, "reference version %lld of %s is still being captured",
                       (long long)version, dataset);
    if (standing.active && standing.others > 0) {
        vg_fail(err, VG_E_USAGE, "reference version %lld of %s is in use, and there are others",
                (long long)version, dataset);
        return vg_hint(err, "pgvigil reference use another version first; only a dataset's last "
                            "version can be dropped while it is in use");
    }
    return vg_sql_run(store, &VG_SQL("DELETE FROM reference WHERE version = $1", vg_p_int(version)),
                      err);
}

int vg_store_reference_drop(struct vg_store *store, const char *dataset, int64_t version,
                            struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, drop_version(store, dataset, version, err), err);
}

/* --- Which one ------------------------------------------------------------------------- */

int vg_store_reference_of(struct vg_store *store, const char *dataset, const char *name,
                          int64_t until_us, int64_t *version, struct vg_error *err)
{
    const struct vg_sql active =
        VG_SQL("SELECT version FROM reference WHERE dataset = $1 AND name = $2 AND active = 1",
               vg_p_text(dataset), vg_p_text(name));
    const struct vg_sql then =
        VG_SQL("SELECT version FROM reference WHERE dataset = $1 AND name = $2 AND state = 1"
               " AND to_us <= $3 ORDER BY to_us DESC, version DESC LIMIT 1",
               vg_p_text(dataset), vg_p_text(name), vg_p_int(until_us));
    *version = 0;
    return vg_sql_int(store, until_us == VG_NEVER ? &active : &then, version, err);
}

/* --- What became of them --------------------------------------------------------------- */

static void read_change(struct vg_sql_row *row, void *item)
{
    struct vg_reference_change *change = item;
    change->dataset = vg_row_text(row);
    change->name = vg_row_text(row);
    change->version = vg_row_int(row);
    change->former = vg_row_int(row);
    change->how = (enum vg_reference_how)vg_row_enum(row, VG_REFERENCE_BACK + 1);
    change->by = vg_row_text(row);
    change->at_us = vg_row_int(row);
}

#define SELECT_CHANGES                                                                             \
    "SELECT dataset, name, version, former, how, given_by, at_us FROM reference_change"

int vg_store_reference_changes(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                               struct vg_reference_change **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_change, arena};
    const struct vg_sql one =
        VG_SQL(SELECT_CHANGES " WHERE dataset = $1 ORDER BY id DESC LIMIT 200", vg_p_text(dataset));
    const struct vg_sql all = VG_SQL_PLAIN(SELECT_CHANGES " ORDER BY id DESC LIMIT 200");
    void *items;
    int rc = vg_sql_list(store, dataset ? &one : &all, &shape, &items, n, err);
    *out = items;
    return rc;
}

static void read_name(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

static int note_change(struct vg_store *store, const struct vg_reference_change *change,
                       const char *stands_for, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO reference_change (dataset, name, version, former, how, given_by, at_us)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)";
    const struct vg_sql note =
        VG_SQL(text, vg_p_text(change->dataset), vg_p_text(change->name), vg_p_int(change->version),
               vg_p_int(change->former), vg_p_int((int64_t)change->how), vg_p_text(change->by),
               vg_p_int(change->at_us));
    const struct vg_sql stand = VG_SQL("UPDATE reference SET stands_for = $1 WHERE version = $2",
                                       vg_p_text(stands_for), vg_p_int(change->version));
    if (stands_for && vg_sql_run(store, &stand, err) < 0)
        return -1;
    return vg_sql_run(store, &note, err);
}

static int choose(struct vg_store *store, struct vg_reference_change *change,
                  const char *stands_for, struct vg_arena *arena, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof change->name, read_name, arena};
    bool found;
    if (vg_sql_one(store,
                   &VG_SQL("SELECT name FROM reference WHERE version = $1 AND dataset = $2",
                           vg_p_int(change->version), vg_p_text(change->dataset)),
                   &shape, &change->name, &found, err) < 0)
        return -1;
    if (!found)
        return use_version(store, change->dataset, change->version, err); /* says so */
    if (vg_store_reference_of(store, change->dataset, change->name, VG_NEVER, &change->former,
                              err) < 0 ||
        use_version(store, change->dataset, change->version, err) < 0)
        return -1;
    return change->former == change->version ? 0 : note_change(store, change, stands_for, err);
}

int vg_store_reference_choose(struct vg_store *store, struct vg_reference_change *change,
                              const char *stands_for, struct vg_arena *arena, struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, choose(store, change, stands_for, arena, err), err);
}

int vg_store_reference_former(struct vg_store *store, const char *dataset, const char *name,
                              int64_t *version, struct vg_error *err)
{
    const struct vg_sql sql =
        VG_SQL("SELECT c.former FROM reference_change AS c JOIN reference AS r"
               " ON r.version = c.version AND r.active = 1 JOIN reference AS f"
               " ON f.version = c.former AND f.state = 1"
               " WHERE c.dataset = $1 AND c.name = $2 AND c.how <> 3 ORDER BY c.id DESC LIMIT 1",
               vg_p_text(dataset), vg_p_text(name));
    *version = 0;
    if (vg_sql_int(store, &sql, version, err) < 0)
        return -1;
    if (*version)
        return 0;
    vg_fail(err, VG_E_NOT_FOUND, "no version is known that %s used before", dataset);
    return vg_hint(err, "pgvigil reference list %s shows the versions there are", dataset);
}
