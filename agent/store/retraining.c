/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Onsets of drift in a model's group, and what was decided about them.
 *
 * Owns `onset` and `decision`. Cooldown and budget of requests rest on what is kept here, so a
 * restart forgets none of them.
 */
#include "agent/store/inner.h"

static void read_onset(struct vg_sql_row *row, void *item)
{
    struct vg_onset *onset = item;
    vg_row_key(row, onset->key);
    onset->model = vg_row_text(row);
    onset->dataset = vg_row_text(row);
    onset->rule = vg_row_text(row);
    onset->check = vg_row_text(row);
    onset->column = vg_row_text(row);
    onset->due_us = vg_row_int(row);
    onset->evidence = vg_row_window(row);
    onset->state = (enum vg_onset_state)vg_row_enum(row, VG_ONSET_ENDED + 1);
    onset->fired = vg_row_bool(row);
    onset->fired_us = vg_row_int(row);
    onset->ended_us = vg_row_int(row);
    onset->value = vg_row_real(row);
    onset->limit = vg_row_real(row);
    onset->rows = vg_row_count(row);
    const char *segment = vg_row_text(row);
    onset->segment = segment && *segment ? segment : NULL;
}

#define ONSET_COLUMNS                                                                              \
    "key, model, dataset, rule, check_name, column_name, due_us, start_us, end_us, repeated,"      \
    " state, fired, fired_us, ended_us, value, limit_value, row_count, segment"

int vg_store_onset(struct vg_store *store, const char *model, struct vg_arena *arena,
                   struct vg_onset *out, bool *found, struct vg_error *err)
{
    /* 2 is VG_ONSET_ENDED. */
    static const char text[] = "SELECT " ONSET_COLUMNS " FROM onset WHERE model = $1 AND state <> 2"
                               " ORDER BY due_us DESC, key LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_onset, arena};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(model)), &shape, out, found, err);
}

int vg_store_onset_put(struct vg_store *store, const struct vg_onset *o, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO onset (" ONSET_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT (key) DO UPDATE SET"
        " model = excluded.model, dataset = excluded.dataset, rule = excluded.rule,"
        " check_name = excluded.check_name, column_name = excluded.column_name,"
        " due_us = excluded.due_us, start_us = excluded.start_us, end_us = excluded.end_us,"
        " repeated = excluded.repeated, state = excluded.state, fired = excluded.fired,"
        " fired_us = excluded.fired_us, ended_us = excluded.ended_us, value = excluded.value,"
        " limit_value = excluded.limit_value, row_count = excluded.row_count,"
        " segment = excluded.segment";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(o->key), vg_p_text(o->model), vg_p_text(o->dataset),
               vg_p_text(o->rule), vg_p_text(o->check), vg_p_text(o->column), vg_p_int(o->due_us),
               vg_p_int(o->evidence.start_us), vg_p_int(o->evidence.end_us),
               vg_p_int(o->evidence.repeated), vg_p_int((int64_t)o->state), vg_p_int(o->fired),
               vg_p_int(o->fired_us), vg_p_int(o->ended_us), vg_p_real(o->value),
               vg_p_real(o->limit), vg_p_count(o->rows), vg_p_text(o->segment ? o->segment : ""));
    return vg_sql_run(store, &sql, err);
}

static void read_time(struct vg_sql_row *row, void *item)
{
    *(int64_t *)item = vg_row_int(row);
}

int vg_store_fired(struct vg_store *store, const char *model, int64_t since_us,
                   struct vg_arena *arena, int64_t **out, size_t *n, struct vg_error *err)
{
    static const char text[] = "SELECT fired_us FROM onset WHERE model = $1 AND fired = 1"
                               " AND fired_us >= $2 ORDER BY fired_us DESC";
    const struct vg_sql_shape shape = {sizeof **out, read_time, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL(text, vg_p_text(model), vg_p_int(since_us)), &shape, &items,
                         n, err);
    *out = items;
    return rc;
}

/* --- Decisions ------------------------------------------------------------------------- */

int vg_store_decision_put(struct vg_store *store, const struct vg_decision *decision,
                          bool *recorded, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO decision (model, key, at_us, kind, reason) SELECT $1, $2, $3, $4, $5"
        " WHERE NOT EXISTS (SELECT 1 FROM decision AS d WHERE d.key = $2 AND d.kind = $4"
        " AND d.reason = $5 AND d.id = (SELECT max(l.id) FROM decision AS l WHERE l.key = $2))";
    const struct vg_sql sql = VG_SQL(text, vg_p_text(decision->model), vg_p_text(decision->key),
                                     vg_p_int(decision->at_us), vg_p_int((int64_t)decision->kind),
                                     vg_p_text(decision->reason ? decision->reason : ""));
    int64_t changed = 0;
    int rc = vg_sql_change(store, &sql, &changed, err);
    if (recorded)
        *recorded = rc == 0 && changed > 0;
    return rc;
}

static void read_decision(struct vg_sql_row *row, void *item)
{
    struct vg_decision *decision = item;
    decision->model = vg_row_text(row);
    vg_row_key(row, decision->key);
    decision->at_us = vg_row_int(row);
    decision->kind = (enum vg_decision_kind)vg_row_enum(row, VG_DECISIONS);
    decision->reason = vg_row_text(row);
}

int vg_store_decisions(struct vg_store *store, const char *model, size_t most,
                       struct vg_arena *arena, struct vg_decision **out, size_t *n,
                       struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_decision, arena};
    const struct vg_sql one = VG_SQL("SELECT model, key, at_us, kind, reason FROM decision"
                                     " WHERE model = $1 ORDER BY id DESC LIMIT $2",
                                     vg_p_text(model), vg_p_count(most));
    const struct vg_sql all = VG_SQL("SELECT model, key, at_us, kind, reason FROM decision"
                                     " ORDER BY id DESC LIMIT $1",
                                     vg_p_count(most));
    void *items;
    int rc = vg_sql_list(store, model ? &one : &all, &shape, &items, n, err);
    *out = items;
    return rc;
}
