/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far each dataset has come, and what happens when one is renamed or retired.
 *
 * Owns the table `dataset`, and the lists of tables that follow a dataset to a new id or go with
 * it.
 */
#include "agent/store/inner.h"

static void read_progress(struct vg_sql_row *row, void *item)
{
    struct vg_progress *p = item;
    p->known = true;
    p->model = vg_row_text(row);
    p->role = (enum vg_role)vg_row_enum(row, VG_ROLE_LABELS + 1);
    p->first_seen_us = vg_row_int(row);
    p->watermark_us = vg_row_int(row);
    p->judged_us = vg_row_int(row);
    p->success_us = vg_row_int(row);
    p->tick_us = vg_row_int(row);
    p->retry_us = vg_row_int(row);
    p->failures = (int)vg_row_int(row);
    p->scan_failures = (int)vg_row_int(row);
    p->cycles = vg_row_int(row);
    p->cycle_failures = vg_row_int(row);
    p->ticks_skipped = vg_row_int(row);
    p->windows_skipped = vg_row_int(row);
    p->rows_scanned = vg_row_count(row);
    p->revisit_us = vg_row_int(row); /* of NULL 0 */
}

int vg_store_progress(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                      struct vg_progress *out, struct vg_error *err)
{
    static const char text[] =
        "SELECT model, role, first_seen_us, watermark_us, judged_us, success_us, tick_us, retry_us,"
        " failures, scan_failures, cycles, cycle_failures, ticks_skipped, windows_skipped,"
        " rows_scanned, (SELECT min(next_us) FROM checked_window AS c"
        " WHERE c.dataset = dataset.dataset) FROM dataset WHERE dataset = $1";
    const struct vg_sql_shape shape = {sizeof *out, read_progress, arena};
    bool found;
    if (vg_sql_one(store, &VG_SQL(text, vg_p_text(dataset)), &shape, out, &found, err) < 0)
        return -1;
    if (!found)
        *out = (struct vg_progress){
            .first_seen_us = VG_NEVER,
            .watermark_us = VG_NEVER,
            .judged_us = VG_NEVER,
            .success_us = VG_NEVER,
            .tick_us = VG_NEVER,
            .retry_us = VG_NEVER,
        };
    return 0;
}

int vg_store_progress_put(struct vg_store *store, const char *dataset, const struct vg_progress *p,
                          struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO dataset (dataset, model, role, first_seen_us, watermark_us, judged_us,"
        " success_us, tick_us, retry_us, failures, scan_failures, cycles, cycle_failures,"
        " ticks_skipped, windows_skipped, rows_scanned) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
        " $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (dataset) DO UPDATE SET"
        " model = excluded.model, role = excluded.role, first_seen_us = excluded.first_seen_us,"
        " watermark_us = excluded.watermark_us, judged_us = excluded.judged_us,"
        " success_us = excluded.success_us, tick_us = excluded.tick_us,"
        " retry_us = excluded.retry_us, failures = excluded.failures,"
        " scan_failures = excluded.scan_failures, cycles = excluded.cycles,"
        " cycle_failures = excluded.cycle_failures, ticks_skipped = excluded.ticks_skipped,"
        " windows_skipped = excluded.windows_skipped, rows_scanned = excluded.rows_scanned";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(dataset), vg_p_text(p->model), vg_p_int((int64_t)p->role),
        vg_p_int(p->first_seen_us), vg_p_int(p->watermark_us), vg_p_int(p->judged_us),
        vg_p_int(p->success_us), vg_p_int(p->tick_us), vg_p_int(p->retry_us), vg_p_int(p->failures),
        vg_p_int(p->scan_failures), vg_p_int(p->cycles), vg_p_int(p->cycle_failures),
        vg_p_int(p->ticks_skipped), vg_p_int(p->windows_skipped), vg_p_count(p->rows_scanned));
    return vg_sql_run(store, &sql, err);
}

/* A retired dataset keeps its references and its history, but is no longer known. */
int vg_store_datasets(struct vg_store *store, struct vg_arena *arena, struct vg_strings *out,
                      struct vg_error *err)
{
    return vg_sql_strings(
        store,
        &VG_SQL_PLAIN("SELECT dataset FROM dataset UNION SELECT dataset FROM alert"
                      " UNION SELECT dataset FROM latest ORDER BY 1"),
        arena, out, err);
}

static int forget(struct vg_store *store, const char *dataset, struct vg_error *err)
{
    static const char *const texts[] = {
        "DELETE FROM dataset WHERE dataset = $1",
        "DELETE FROM scanned_window WHERE dataset = $1",
        "DELETE FROM latest WHERE dataset = $1",
        "DELETE FROM alert WHERE dataset = $1",
        "DELETE FROM episode WHERE dataset = $1",
        "DELETE FROM structure WHERE dataset = $1",
        "DELETE FROM offenders WHERE dataset = $1",
        /* A dataset that comes back would add its windows to these a second time. */
        "DELETE FROM summary WHERE dataset = $1",
        "DELETE FROM fingerprint WHERE dataset = $1",
        "DELETE FROM standstill WHERE dataset = $1",
        "DELETE FROM summary_part WHERE dataset = $1",
        "DELETE FROM checked_window WHERE dataset = $1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (vg_sql_run(store, &VG_SQL(texts[i], vg_p_text(dataset)), err) < 0)
            return -1;
    }
    return 0;
}

int vg_store_retire(struct vg_store *store, const char *dataset, struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, forget(store, dataset, err), err);
}

static int move_all(struct vg_store *store, const char *was, const char *id, struct vg_error *err)
{
    static const char *const texts[] = {
        ("UPDATE reference SET active = 0 WHERE dataset = $1 AND active = 1 AND EXISTS (SELECT 1"
         " FROM reference AS old WHERE old.dataset = $2 AND old.active = 1 AND old.name = "
         "reference.name)"),
        "UPDATE reference SET dataset = $1 WHERE dataset = $2",
        "UPDATE reference_change SET dataset = $1 WHERE dataset = $2",
        "UPDATE dataset SET dataset = $1 WHERE dataset = $2",
        "UPDATE scanned_window SET dataset = $1 WHERE dataset = $2",
        "UPDATE latest SET dataset = $1 WHERE dataset = $2",
        "UPDATE result SET dataset = $1 WHERE dataset = $2",
        "UPDATE summary SET dataset = $1 WHERE dataset = $2",
        "UPDATE fingerprint SET dataset = $1 WHERE dataset = $2",
        "UPDATE standstill SET dataset = $1 WHERE dataset = $2",
        "UPDATE summary_part SET dataset = $1 WHERE dataset = $2",
        "UPDATE checked_window SET dataset = $1 WHERE dataset = $2",
        "UPDATE alert SET dataset = $1 WHERE dataset = $2",
        "UPDATE incident SET dataset = $1 WHERE dataset = $2",
        "UPDATE episode SET dataset = $1 WHERE dataset = $2",
        "UPDATE structure SET dataset = $1 WHERE dataset = $2",
        "UPDATE offenders SET dataset = $1 WHERE dataset = $2",
        "UPDATE onset SET dataset = $1 WHERE dataset = $2",
    };
    int64_t known = 0;
    if (vg_sql_int(store, &VG_SQL("SELECT count(*) FROM dataset WHERE dataset = $1", vg_p_text(id)),
                   &known, err) < 0)
        return -1;
    if (known)
        return 0;
    if (forget(store, id, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (vg_sql_run(store, &VG_SQL(texts[i], vg_p_text(id), vg_p_text(was)), err) < 0)
            return -1;
    }
    return 0;
}

int vg_store_rename(struct vg_store *store, const char *was, const char *id, struct vg_error *err)
{
    struct vg_scope scope;
    if (!strcmp(was, id))
        return 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, move_all(store, was, id, err), err);
}
