/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Silences that people made while the daemon runs. Owns `silence`. One that has ended stays until
 * it is trimmed, so that it can be told later who kept quiet what, and why. */
#include "agent/store/inner.h"

int vg_store_silence_put(struct vg_store *store, const struct vg_silence *row, int64_t *id,
                         struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO silence (dataset, rule, tag, severities, from_us, until_us, made_us,"
        " given_by, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(row->match.dataset), vg_p_text(row->match.rule), vg_p_text(row->match.tag),
        vg_p_count(row->match.severities), vg_p_int(row->from_us), vg_p_int(row->until_us),
        vg_p_int(row->made_us), vg_p_text(row->by), vg_p_text(row->why));
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, vg_sql_made(store, &sql, id, err), err);
}

static void read_silence(struct vg_sql_row *row, void *item)
{
    struct vg_silence *silence = item;
    silence->id = vg_row_int(row);
    silence->match.dataset = vg_row_text(row);
    silence->match.rule = vg_row_text(row);
    silence->match.tag = vg_row_text(row);
    silence->match.severities = (unsigned)vg_row_enum(row, 1 << VG_SEVERITIES);
    silence->from_us = vg_row_int(row);
    silence->until_us = vg_row_int(row);
    silence->made_us = vg_row_int(row);
    silence->by = vg_row_text(row);
    silence->why = vg_row_text(row);
}

int vg_store_silences(struct vg_store *store, int64_t since_us, struct vg_arena *arena,
                      struct vg_silence **out, size_t *n, struct vg_error *err)
{
    static const char text[] =
        "SELECT id, dataset, rule, tag, severities, from_us, until_us, made_us, given_by, why"
        " FROM silence WHERE until_us > $1 ORDER BY id LIMIT 1000";
    const struct vg_sql_shape shape = {sizeof **out, read_silence, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL(text, vg_p_int(since_us)), &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_silence_expire(struct vg_store *store, int64_t id, int64_t now_us,
                            struct vg_error *err)
{
    int64_t changed = 0;
    if (vg_sql_change(store,
                      &VG_SQL("UPDATE silence SET until_us = $1, from_us = min(from_us, $1)"
                              " WHERE id = $2 AND until_us > $1",
                              vg_p_int(now_us), vg_p_int(id)),
                      &changed, err) < 0)
        return -1;
    return changed ? 0 : vg_fail(err, VG_E_NOT_FOUND, "no silence %lld is in force", (long long)id);
}
