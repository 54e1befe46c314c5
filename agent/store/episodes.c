/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a catch-up holds back until its end.
 *
 * Owns `episode`. Names of receivers are one text, a line each: there are few, and they are never
 * looked for. Knows nothing of when an episode begins, ends or is told.
 */
#include "agent/store/inner.h"

enum { RECEIVERS_MAX = 1 << 20 };

#define EPISODE_COLUMNS                                                                            \
    "dataset, rule, segment, due_us, known, check_name, column_name, class, severity, onset_us,"   \
    " ended_us, over, incident, emits, value, limit_value, p_value, unit, verdict, why, runbook,"  \
    " receivers, " VG_WORST_COLUMNS

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void read_receivers(struct vg_sql_row *row, struct vg_strings *out)
{
    const char *text = vg_row_text(row);
    size_t most = text ? count_lines(text) : 0, n = 0;
    const char **items = vg_arena_array(row->arena, most, sizeof *items);
    for (; items && n < most; n++) {
        size_t len = strcspn(text, "\n");
        items[n] = vg_arena_strndup(row->arena, text, len);
        if (!items[n])
            break;
        text += len + 1;
    }
    if (n < most && !row->failed) {
        row->failed = true;
        vg_fail(row->err, VG_E_MEMORY, "out of memory");
    }
    *out = (struct vg_strings){items, n};
}

static void read_episode(struct vg_sql_row *row, void *item)
{
    struct vg_episode *e = item;
    e->dataset = vg_row_text(row);
    e->rule = vg_row_text(row);
    e->segment = vg_row_text(row);
    e->due_us = vg_row_int(row);
    e->known = vg_row_bool(row);
    e->check = vg_row_text(row);
    e->column = vg_row_text(row);
    e->class = (enum vg_class)vg_row_enum(row, VG_CLASSES);
    e->severity = (enum vg_severity)vg_row_enum(row, VG_SEVERITIES);
    e->onset_us = vg_row_int(row);
    e->ended_us = vg_row_int(row);
    e->over = vg_row_bool(row);
    vg_row_key(row, e->incident);
    e->emits = (unsigned)vg_row_int(row);
    e->value = vg_row_real(row);
    e->limit = vg_row_real(row);
    e->p_value = vg_row_real(row);
    e->unit = (enum vg_unit)vg_row_enum(row, VG_UNIT_ROWS + 1);
    e->verdict = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    e->why = vg_row_text(row);
    e->runbook = vg_row_text(row);
    read_receivers(row, &e->to);
    e->worst = vg_row_worst(row);
}

int vg_store_episodes(struct vg_store *store, const char *dataset, bool all, struct vg_arena *arena,
                      struct vg_episode **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_episode, arena};
    const struct vg_sql every = VG_SQL("SELECT " EPISODE_COLUMNS " FROM episode WHERE dataset = $1"
                                       " ORDER BY due_us, rule, segment, known",
                                       vg_p_text(dataset));
    const struct vg_sql open = VG_SQL("SELECT " EPISODE_COLUMNS " FROM episode WHERE dataset = $1"
                                      " AND over = 0 ORDER BY due_us, rule, segment, known",
                                      vg_p_text(dataset));
    void *items;
    int rc = vg_sql_list(store, all ? &every : &open, &shape, &items, n, err);
    *out = items;
    return rc;
}

static int put(struct vg_store *store, const struct vg_episode *e, const char *receivers,
               struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO episode (" EPISODE_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)"
        " ON CONFLICT (dataset, rule, segment, due_us, known) DO UPDATE SET"
        " check_name = excluded.check_name, column_name = excluded.column_name,"
        " class = excluded.class, severity = excluded.severity, onset_us = excluded.onset_us,"
        " ended_us = excluded.ended_us, over = excluded.over, incident = excluded.incident,"
        " emits = excluded.emits, value = excluded.value, limit_value = excluded.limit_value,"
        " p_value = excluded.p_value, unit = excluded.unit, verdict = excluded.verdict,"
        " why = excluded.why, runbook = excluded.runbook, receivers = "
        "excluded.receivers," VG_WORST_EXCLUDED;
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(e->dataset), vg_p_text(e->rule), vg_p_text(e->segment ? e->segment : ""),
        vg_p_int(e->due_us), vg_p_int(e->known), vg_p_text(e->check), vg_p_text(e->column),
        vg_p_int((int64_t)e->class), vg_p_int((int64_t)e->severity), vg_p_int(e->onset_us),
        vg_p_int(e->ended_us), vg_p_int(e->over), vg_p_text(e->incident),
        vg_p_int((int64_t)e->emits), vg_p_real(e->value), vg_p_real(e->limit),
        vg_p_real(e->p_value), vg_p_int((int64_t)e->unit), vg_p_int((int64_t)e->verdict),
        vg_p_text(e->why ? e->why : ""), vg_p_text(e->runbook), vg_p_text(receivers),
        VG_WORST_VALUES(e->worst));
    return vg_sql_run(store, &sql, err);
}

int vg_store_episode_put(struct vg_store *store, const struct vg_episode *episode,
                         struct vg_error *err)
{
    struct vg_buf receivers;
    vg_buf_init(&receivers, RECEIVERS_MAX);
    for (size_t i = 0; i < episode->to.n; i++)
        vg_buf_printf(&receivers, "%s\n", episode->to.items[i]);
    int rc = receivers.failed ? vg_fail(err, VG_E_MEMORY, "out of memory")
                              : put(store, episode, receivers.data, err);
    vg_buf_free(&receivers);
    return rc;
}

int vg_store_episodes_clear(struct vg_store *store, const char *dataset, struct vg_error *err)
{
    return vg_sql_run(store, &VG_SQL("DELETE FROM episode WHERE dataset = $1", vg_p_text(dataset)),
                      err);
}
