/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SQLite driver of the state store: what a file is, and whether it is sound.
 *
 * Owns the mark by which a file is known as ours. Damage is an answer here, not a failure.
 */
#include <stdlib.h>

#include "agent/store/sqlite.h"

enum { OUR_MARK = 0x70677667 }; /* application_id: "pgvg" */

static int read_int(struct vg_db *base, const struct vg_sql *sql, int64_t *out,
                    struct vg_error *err)
{
    struct vg_db_rows *rows = NULL;
    bool more = false;
    int rc = base->ops->query(base, sql, &rows, err);
    if (rc == 0)
        rc = base->ops->next(rows, &more, err);
    *out = rc == 0 && more ? base->ops->get_int(rows, 0) : 0;
    base->ops->done(rows);
    return rc;
}

/* A page that could not be read is reported among the faults of the file, but it is the disk's. */
static bool blames_disk(const char *text)
{
    static const char with_code[] = "unable to get the page. error code=";
    const char *at = strstr(text, with_code);
    if (at)
        return (strtol(at + strlen(with_code), NULL, 10) & 0xff) != SQLITE_CORRUPT;
    return strstr(text, "failed to get page") != NULL;
}

/* Looks at every page, row and constraint; the whole examination also at every index entry. */
int vg_sqlite_examine(struct vg_db *base, bool whole, bool *sound, struct vg_error *err)
{
    const struct vg_sql sql =
        whole ? VG_SQL_PLAIN("PRAGMA integrity_check(1)") : VG_SQL_PLAIN("PRAGMA quick_check(1)");
    struct vg_db_rows *rows = NULL;
    struct vg_error found = {.code = VG_OK};
    bool more = false;
    int rc = base->ops->query(base, &sql, &rows, &found);
    if (rc == 0)
        rc = base->ops->next(rows, &more, &found);
    const char *text = rc == 0 && more ? base->ops->get_text(rows, 0) : NULL;
    *sound = text && !strcmp(text, "ok");
    if (rc == 0 && !*sound)
        vg_fail(&found, text && blames_disk(text) ? VG_E_IO : VG_E_STATE, "state store %s: %s",
                self_of(base)->path, text ? text : "the examination said nothing");
    base->ops->done(rows);
    if (*sound)
        return 0;
    if (err)
        *err = found;
    if (found.code != VG_E_STATE)
        return -1;
    vg_sqlite_keep_evidence(self_of(base));
    return 0;
}

/* Whether the file has the object at which rows stand, with the same definition. */
static int has_object(struct vg_db *base, struct vg_db *model, struct vg_db_rows *rows, bool *same,
                      struct vg_error *err)
{
    int64_t n = 0;
    const char *name = model->ops->get_text(rows, 1);
    const struct vg_sql sql =
        VG_SQL("SELECT count(*) FROM sqlite_schema WHERE type = $1 AND name = $2 AND sql = $3",
               vg_p_text(model->ops->get_text(rows, 0)), vg_p_text(name),
               vg_p_text(model->ops->get_text(rows, 2)));
    if (read_int(base, &sql, &n, err) < 0)
        return -1;
    *same = n == 1;
    if (!*same)
        vg_fail(err, VG_E_STATE, "state store %s is damaged: the definition of %s has changed",
                self_of(base)->path, name);
    return 0;
}

int vg_sqlite_resembles(struct vg_db *base, struct vg_db *model, bool *same, struct vg_error *err)
{
    struct vg_db_rows *rows = NULL;
    bool more = false;
    *same = true;
    int rc = model->ops->query(
        model, &VG_SQL_PLAIN("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"),
        &rows, err);
    if (rc == 0)
        rc = model->ops->next(rows, &more, err);
    while (rc == 0 && more && *same) {
        rc = has_object(base, model, rows, same, err);
        if (rc == 0)
            rc = model->ops->next(rows, &more, err);
    }
    model->ops->done(rows);
    return rc;
}

int vg_sqlite_identify(struct vg_db *base, struct vg_db_identity *out, struct vg_error *err)
{
    int64_t version = 0, mark = 0, objects = 0;
    if (read_int(base, &VG_SQL_PLAIN("PRAGMA user_version"), &version, err) < 0 ||
        read_int(base, &VG_SQL_PLAIN("PRAGMA application_id"), &mark, err) < 0 ||
        read_int(base, &VG_SQL_PLAIN("SELECT count(*) FROM sqlite_schema"), &objects, err) < 0)
        return -1;
    *out = (struct vg_db_identity){
        .empty = objects == 0 && version == 0 && mark == 0,
        .ours = mark == OUR_MARK,
        .version = version,
    };
    return 0;
}

int vg_sqlite_stamp(struct vg_db *base, int64_t version, struct vg_error *err)
{
    char text[100];
    snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%lld", OUR_MARK,
             (long long)version);
    return base->ops->exec(base, text, err);
}
