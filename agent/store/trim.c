/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What retention lets go of, deleted in small steps.
 *
 * Each step is a transaction of its own, and between two steps other threads come in. What still
 * waits, is open, or is in use is never deleted, however old.
 */
#include "agent/store/outbox.h"

enum { STEP_ROWS = 500, STEPS_MAX = 400 }; /* a call deletes at most so much of a table */

#define RESULTS_US   (30 * VG_DAY_US)
#define SUMMARIES_US (8 * VG_DAY_US)
#define HISTORY_US   (36 * VG_DAY_US) /* what checks look back, and a day */
#define AUDIT_US     (400 * VG_DAY_US)
#define REVISITS_US  (54 * VG_WEEK_US) /* a window is revisited within 52 weeks */

struct rule {
    const char *text; /* $1: the time before which things go; $2: most rows of a step */
    int64_t keep_us;
};

/* summaries: the longer of 8 days and 35 base windows */
static const struct rule rules[] = {
    {"DELETE FROM result WHERE id IN (SELECT id FROM result WHERE at_us < $1"
     " ORDER BY at_us LIMIT $2)",
     RESULTS_US},
    {"DELETE FROM summary WHERE (dataset, start_us, column_name) IN (SELECT dataset, start_us,"
     " column_name FROM summary WHERE end_us + 35 * (end_us - start_us) - 8 * 86400000000 < $1"
     " AND end_us < $1 ORDER BY end_us LIMIT $2)",
     SUMMARIES_US},
    {"DELETE FROM fingerprint WHERE (dataset, start_us, rule, segment) IN (SELECT dataset,"
     " start_us, rule, segment FROM fingerprint WHERE end_us < $1 ORDER BY end_us LIMIT $2)",
     HISTORY_US},
    {"DELETE FROM checked_window WHERE (dataset, start_us) IN (SELECT dataset, start_us"
     " FROM checked_window WHERE end_us < $1 ORDER BY end_us LIMIT $2)",
     REVISITS_US},
    {"DELETE FROM summary_part WHERE (dataset, base_us, column_name, start_us) IN (SELECT dataset,"
     " base_us, column_name, start_us FROM summary_part WHERE end_us < $1"
     " ORDER BY end_us LIMIT $2)",
     REVISITS_US},
    {"DELETE FROM offenders WHERE (dataset, rule, start_us) IN (SELECT dataset, rule, start_us"
     " FROM offenders WHERE at_us < $1 AND state <> 0 ORDER BY at_us LIMIT $2)",
     RESULTS_US},
    {"UPDATE outbox SET body = '' WHERE id IN (SELECT id FROM outbox WHERE ended_us < $1"
     " AND body <> '' AND state IN (1, " VG_ROW_GONE ") ORDER BY ended_us LIMIT $2)",
     RESULTS_US},
    {"DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE ended_us < $1 AND state <> 0"
     " ORDER BY ended_us LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM kept WHERE (sink_kind, sink, key) IN (SELECT sink_kind, sink, key FROM kept"
     " WHERE at_us < $1 ORDER BY at_us LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM silence WHERE id IN (SELECT id FROM silence WHERE until_us < $1"
     " ORDER BY until_us LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM scanned_window WHERE (dataset, start_us) IN (SELECT dataset, start_us"
     " FROM scanned_window WHERE end_us < $1 ORDER BY end_us LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE at_us < $1"
     " ORDER BY at_us LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM retrain_run WHERE key IN (SELECT key FROM retrain_run WHERE changed_us < $1"
     " AND state > 0 AND next_us = 9223372036854775807 LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM onset WHERE key IN (SELECT key FROM onset WHERE state = 2 AND ended_us < $1"
     " LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM incident WHERE key IN (SELECT key FROM incident WHERE closed_us < $1 LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM control WHERE id IN (SELECT id FROM control WHERE done_us < $1 LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM reference_change WHERE id IN (SELECT id FROM reference_change WHERE at_us < $1"
     " ORDER BY at_us LIMIT $2)",
     AUDIT_US},
    {"DELETE FROM reference WHERE version IN (SELECT version FROM reference WHERE state = 2"
     " AND captured_us < $1 LIMIT $2)",
     AUDIT_US},
};

static int apply(struct vg_store *store, const struct rule *rule, int64_t now_us,
                 struct vg_error *err)
{
    const struct vg_sql sql =
        VG_SQL(rule->text, vg_p_int(now_us - rule->keep_us), vg_p_int(STEP_ROWS));
    int64_t changed = STEP_ROWS;
    for (int step = 0; changed == STEP_ROWS && step < STEPS_MAX; step++) {
        if (vg_sql_change(store, &sql, &changed, err) < 0)
            return -1;
    }
    return 0;
}

int vg_store_trim(struct vg_store *store, int64_t now_us, struct vg_error *err)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (apply(store, &rules[i], now_us, err) < 0)
            return vg_where(err, "trimming the state store");
    }
    if (store->mode == VG_STORE_DAEMON && vg_ballast_make(store->path))
        vg_store_relax(store);
    return 0;
}
