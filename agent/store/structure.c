/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each dataset's table looked like when it was last seen.
 *
 * Owns the table `structure`, one row a dataset, replaced with the cycle that saw it changed. Knows
 * nothing of what the text says.
 */
#include "agent/store/inner.h"

static void read_body(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

int vg_store_structure(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                       const char **out, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_body, arena};
    bool found;
    return vg_sql_one(store,
                      &VG_SQL("SELECT body FROM structure WHERE dataset = $1", vg_p_text(dataset)),
                      &shape, out, &found, err);
}

int vg_store_structure_put(struct vg_store *store, const char *dataset, const char *text,
                           int64_t now_us, struct vg_error *err)
{
    static const char upsert[] = "INSERT INTO structure (dataset, body, at_us) VALUES ($1, $2, $3)"
                                 " ON CONFLICT (dataset) DO UPDATE SET body = excluded.body,"
                                 " at_us = excluded.at_us WHERE structure.body <> excluded.body";
    return vg_sql_run(store, &VG_SQL(upsert, vg_p_text(dataset), vg_p_text(text), vg_p_int(now_us)),
                      err);
}
