/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of requests for retraining: one run for each onset.
 *
 * Owns `retrain_run`. A run that is followed has a time at which its system is asked again, so that
 * a restart goes on where the former process was.
 */
#include "agent/store/inner.h"

enum { DUE_MOST = 100 };

#define COLUMNS                                                                                    \
    "key, model, system, run_id, url, state, asked_us, accepted_us, changed_us, ended_us,"         \
    " next_us, until_us, looks, answer, place"

static void read_run(struct vg_sql_row *row, void *item)
{
    struct vg_retrain_run *run = item;
    vg_row_key(row, run->key);
    run->model = vg_row_text(row);
    run->system = vg_row_text(row);
    run->id = vg_row_text(row);
    run->url = vg_row_text(row);
    run->state = (enum vg_retrain_state)vg_row_enum(row, VG_RETRAIN_STATES);
    run->asked_us = vg_row_int(row);
    run->accepted_us = vg_row_int(row);
    run->changed_us = vg_row_int(row);
    run->ended_us = vg_row_int(row);
    run->next_us = vg_row_int(row);
    run->until_us = vg_row_int(row);
    run->looks = (int)vg_row_int(row);
    run->answer = vg_row_text(row);
    run->place = vg_row_text(row);
}

int vg_store_retrain_run(struct vg_store *store, const char *key, struct vg_arena *arena,
                         struct vg_retrain_run *out, bool *found, struct vg_error *err)
{
    static const char text[] = "SELECT " COLUMNS " FROM retrain_run WHERE key = $1";
    const struct vg_sql_shape shape = {sizeof *out, read_run, arena};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(key)), &shape, out, found, err);
}

static int list_runs(struct vg_store *store, const struct vg_sql *sql, struct vg_arena *arena,
                     struct vg_retrain_run **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_run, arena};
    void *items;
    int rc = vg_sql_list(store, sql, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_retrain_runs(struct vg_store *store, const char *model, size_t most,
                          struct vg_arena *arena, struct vg_retrain_run **out, size_t *n,
                          struct vg_error *err)
{
    static const char one[] = "SELECT " COLUMNS " FROM retrain_run WHERE model = $1"
                              " ORDER BY asked_us DESC, key LIMIT $2";
    static const char all[] = "SELECT " COLUMNS " FROM retrain_run"
                              " ORDER BY asked_us DESC, key LIMIT $1";
    return model ? list_runs(store, &VG_SQL(one, vg_p_text(model), vg_p_count(most)), arena, out, n,
                             err)
                 : list_runs(store, &VG_SQL(all, vg_p_count(most)), arena, out, n, err);
}

int vg_store_retrain_runs_due(struct vg_store *store, int64_t now_us, struct vg_arena *arena,
                              struct vg_retrain_run **out, size_t *n, struct vg_error *err)
{
    static const char text[] = "SELECT " COLUMNS " FROM retrain_run WHERE next_us <= $1"
                               " ORDER BY next_us, key LIMIT $2";
    return list_runs(store, &VG_SQL(text, vg_p_int(now_us), vg_p_int(DUE_MOST)), arena, out, n,
                     err);
}

int vg_store_retrain_runs_next(struct vg_store *store, int64_t now_us, int64_t *out,
                               struct vg_error *err)
{
    static const char text[] = "SELECT COALESCE(min(next_us), 9223372036854775807) FROM retrain_run"
                               " WHERE next_us > $1";
    *out = VG_NEVER;
    return vg_sql_int(store, &VG_SQL(text, vg_p_int(now_us)), out, err);
}

int vg_store_retrain_run_put(struct vg_store *store, const struct vg_retrain_run *run,
                             struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO retrain_run (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15) ON CONFLICT (key) DO UPDATE SET model = excluded.model,"
        " system = excluded.system, run_id = excluded.run_id, url = excluded.url,"
        " state = excluded.state, accepted_us = excluded.accepted_us,"
        " changed_us = excluded.changed_us, ended_us = excluded.ended_us,"
        " next_us = excluded.next_us, until_us = excluded.until_us, looks = excluded.looks,"
        " answer = excluded.answer, place = excluded.place";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(run->key), vg_p_text(run->model), vg_p_text(run->system),
               vg_p_text(run->id), vg_p_text(run->url), vg_p_int((int64_t)run->state),
               vg_p_int(run->asked_us), vg_p_int(run->accepted_us), vg_p_int(run->changed_us),
               vg_p_int(run->ended_us), vg_p_int(run->next_us), vg_p_int(run->until_us),
               vg_p_int(run->looks), vg_p_text(run->answer), vg_p_text(run->place));
    return vg_sql_run(store, &sql, err);
}

int vg_store_retrain_run_ask(struct vg_store *store, const char *key, const char *model,
                             int64_t now_us, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO retrain_run (" COLUMNS ") VALUES ($1, $2, '', NULL, NULL, 0, $3, $4, $3, $4,"
        " $4, $4, 0, NULL, NULL) ON CONFLICT (key) DO NOTHING";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(key), vg_p_text(model), vg_p_int(now_us), vg_p_int(VG_NEVER));
    return vg_sql_run(store, &sql, err);
}

int vg_store_retrain_run_forget(struct vg_store *store, const char *key, struct vg_error *err)
{
    /* 0 is VG_RETRAIN_ASKED */
    return vg_sql_run(
        store, &VG_SQL("DELETE FROM retrain_run WHERE key = $1 AND state = 0", vg_p_text(key)),
        err);
}
