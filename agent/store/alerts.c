/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alert states and incidents.
 *
 * Owns `alert`, `incident` and `incident_receiver`. A retired alert takes the latest result of its
 * rule along, and a renamed one brings it and its history.
 */
#include "agent/store/inner.h"

/* --- Alerts ---------------------------------------------------------------------------- */

#define ALERT_COLUMNS                                                                              \
    "dataset, rule, segment, check_name, column_name, class, state, severity, good, bad, blind,"   \
    " blind_since_us, onset_us, due_us, changed_us, reminded_us, incident, untold, why, value,"    \
    " limit_value, unit, verdict, runbook, proposed, is_private, " VG_WORST_COLUMNS

static void read_alert(struct vg_sql_row *row, void *item)
{
    struct vg_alert *alert = item;
    alert->dataset = vg_row_text(row);
    alert->rule = vg_row_text(row);
    alert->segment = vg_row_text(row);
    alert->check = vg_row_text(row);
    alert->column = vg_row_text(row);
    alert->class = (enum vg_class)vg_row_enum(row, VG_CLASSES);
    alert->state = (enum vg_alert_state)vg_row_enum(row, VG_ALERT_STATES);
    alert->severity = (enum vg_severity)vg_row_enum(row, VG_SEVERITIES);
    alert->good = (int)vg_row_int(row);
    alert->bad = (int)vg_row_int(row);
    alert->blind = (int)vg_row_int(row);
    alert->blind_since_us = vg_row_int(row);
    alert->onset_us = vg_row_int(row);
    alert->due_us = vg_row_int(row);
    alert->changed_us = vg_row_int(row);
    alert->reminded_us = vg_row_int(row);
    vg_row_key(row, alert->incident);
    alert->untold = (unsigned)vg_row_int(row);
    alert->why = vg_row_text(row);
    alert->value = vg_row_real(row);
    alert->limit = vg_row_real(row);
    alert->unit = (enum vg_unit)vg_row_enum(row, VG_UNIT_ROWS + 1);
    alert->verdict = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    alert->runbook = vg_row_text(row);
    alert->proposed = vg_row_bool(row);
    alert->is_private = vg_row_bool(row);
    alert->worst = vg_row_worst(row);
}

int vg_store_alerts(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                    struct vg_alert **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_alert, arena};
    const struct vg_sql one = VG_SQL("SELECT " ALERT_COLUMNS " FROM alert WHERE dataset = $1"
                                     " ORDER BY dataset, rule, segment",
                                     vg_p_text(dataset));
    const struct vg_sql all =
        VG_SQL_PLAIN("SELECT " ALERT_COLUMNS " FROM alert ORDER BY dataset, rule, segment");
    void *items;
    int rc = vg_sql_list(store, dataset ? &one : &all, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_alert_put(struct vg_store *store, const struct vg_alert *a, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO alert (" ALERT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,"
        " $28, $29, $30)"
        " ON CONFLICT (dataset, rule, segment) DO UPDATE SET check_name = excluded.check_name,"
        " column_name = excluded.column_name, class = excluded.class, state = excluded.state,"
        " severity = excluded.severity, good = excluded.good, bad = excluded.bad,"
        " blind = excluded.blind, blind_since_us = excluded.blind_since_us,"
        " onset_us = excluded.onset_us, due_us = excluded.due_us,"
        " changed_us = excluded.changed_us, reminded_us = excluded.reminded_us,"
        " incident = excluded.incident, untold = excluded.untold, why = excluded.why,"
        " value = excluded.value, limit_value = excluded.limit_value, unit = excluded.unit, "
        "verdict = excluded.verdict,"
        " runbook = excluded.runbook, proposed = excluded.proposed, is_private = "
        "excluded.is_private," VG_WORST_EXCLUDED;
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(a->dataset), vg_p_text(a->rule), vg_p_text(a->segment ? a->segment : ""),
        vg_p_text(a->check), vg_p_text(a->column), vg_p_int((int64_t)a->class),
        vg_p_int((int64_t)a->state), vg_p_int((int64_t)a->severity), vg_p_int(a->good),
        vg_p_int(a->bad), vg_p_int(a->blind), vg_p_int(a->blind_since_us), vg_p_int(a->onset_us),
        vg_p_int(a->due_us), vg_p_int(a->changed_us), vg_p_int(a->reminded_us),
        vg_p_text(a->incident), vg_p_int((int64_t)a->untold), vg_p_text(a->why ? a->why : ""),
        vg_p_real(a->value), vg_p_real(a->limit), vg_p_int((int64_t)a->unit),
        vg_p_int((int64_t)a->verdict), vg_p_text(a->runbook), vg_p_int(a->proposed),
        vg_p_int(a->is_private), VG_WORST_VALUES(a->worst));
    return vg_sql_run(store, &sql, err);
}

int vg_store_alert_delete(struct vg_store *store, const char *dataset, const char *rule,
                          const char *segment, struct vg_error *err)
{
    const char *part = segment ? segment : "";
    const struct vg_sql alert =
        VG_SQL("DELETE FROM alert WHERE dataset = $1 AND rule = $2 AND segment = $3",
               vg_p_text(dataset), vg_p_text(rule), vg_p_text(part));
    const struct vg_sql latest =
        VG_SQL("DELETE FROM latest WHERE dataset = $1 AND rule = $2 AND segment = $3",
               vg_p_text(dataset), vg_p_text(rule), vg_p_text(part));
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = vg_sql_run(store, &alert, err) < 0 ? -1 : vg_sql_run(store, &latest, err);
    return vg_scope_leave(store, &scope, rc, err);
}

static int move_rule(struct vg_store *store, const char *dataset, const char *was, const char *rule,
                     struct vg_error *err)
{
    static const char *const texts[] = {
        "UPDATE alert SET rule = $1 WHERE dataset = $2 AND rule = $3 AND NOT EXISTS (SELECT 1"
        " FROM alert AS o WHERE o.dataset = $2 AND o.rule = $1 AND o.segment = alert.segment)",
        "UPDATE latest SET rule = $1 WHERE dataset = $2 AND rule = $3 AND NOT EXISTS (SELECT 1"
        " FROM latest AS o WHERE o.dataset = $2 AND o.rule = $1 AND o.segment = latest.segment)",
        "UPDATE result SET rule = $1 WHERE dataset = $2 AND rule = $3",
        "UPDATE fingerprint SET rule = $1 WHERE dataset = $2 AND rule = $3 AND NOT EXISTS (SELECT 1"
        " FROM fingerprint AS o WHERE o.dataset = $2 AND o.rule = $1"
        " AND o.start_us = fingerprint.start_us AND o.segment = fingerprint.segment)",
        "UPDATE offenders SET rule = $1 WHERE dataset = $2 AND rule = $3 AND NOT EXISTS (SELECT 1"
        " FROM offenders AS o WHERE o.dataset = $2 AND o.rule = $1"
        " AND o.start_us = offenders.start_us)",
    };
    int64_t known = 0;
    if (vg_sql_int(store,
                   &VG_SQL("SELECT (SELECT count(*) FROM alert WHERE dataset = $1 AND rule = $2)"
                           " + (SELECT count(*) FROM offenders WHERE dataset = $1 AND rule = $2)",
                           vg_p_text(dataset), vg_p_text(was)),
                   &known, err) < 0)
        return -1;
    for (size_t i = 0; known && i < sizeof texts / sizeof texts[0]; i++) {
        const struct vg_sql sql =
            VG_SQL(texts[i], vg_p_text(rule), vg_p_text(dataset), vg_p_text(was));
        if (vg_sql_run(store, &sql, err) < 0)
            return -1;
    }
    /* What could not be moved, as the new id has a result already, is out of date. */
    return known ? vg_sql_run(store,
                              &VG_SQL("DELETE FROM latest WHERE dataset = $1 AND rule = $2",
                                      vg_p_text(dataset), vg_p_text(was)),
                              err)
                 : 0;
}

int vg_store_alert_rename(struct vg_store *store, const char *dataset, const char *was,
                          const char *rule, struct vg_error *err)
{
    struct vg_scope scope;
    if (!strcmp(was, rule))
        return 0;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, move_rule(store, dataset, was, rule, err), err);
}

/* --- Incidents ------------------------------------------------------------------------- */

static void read_incident(struct vg_sql_row *row, void *item)
{
    struct vg_incident *incident = item;
    vg_row_key(row, incident->key);
    incident->dataset = vg_row_text(row);
    incident->severity = (enum vg_severity)vg_row_enum(row, VG_SEVERITIES);
    incident->opened_due_us = vg_row_int(row);
    incident->first_us = vg_row_int(row);
    incident->closed_us = vg_row_int(row);
    incident->onset_us = vg_row_int(row);
    incident->told_us = vg_row_int(row);
    incident->acked_us = vg_row_int(row);
    incident->acked_by = vg_row_text(row);
    incident->rules = vg_row_text(row);
}

/* 9223372036854775807 is VG_NEVER: not closed, or never told. */
#define SELECT_INCIDENTS                                                                           \
    "SELECT key, dataset, severity, opened_due_us, first_us, closed_us, onset_us, told_us,"        \
    " acked_us, acked_by, rules FROM incident"
#define NEWEST_FIRST " ORDER BY opened_due_us DESC, key LIMIT 1000"
#define OPEN                                                                                       \
    " (closed_us = 9223372036854775807 OR told_us < closed_us OR told_us = 9223372036854775807)"

static int list_incidents(struct vg_store *store, const char *dataset, bool open_only,
                          struct vg_arena *arena, struct vg_incident **out, size_t *n,
                          struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_incident, arena};
    const struct vg_sql texts[2][2] = {
        {VG_SQL_PLAIN(SELECT_INCIDENTS NEWEST_FIRST),
         VG_SQL_PLAIN(SELECT_INCIDENTS " WHERE" OPEN NEWEST_FIRST)},
        {VG_SQL(SELECT_INCIDENTS " WHERE dataset = $1" NEWEST_FIRST, vg_p_text(dataset)),
         VG_SQL(SELECT_INCIDENTS " WHERE dataset = $1 AND" OPEN NEWEST_FIRST, vg_p_text(dataset))},
    };
    void *items;
    int rc = vg_sql_list(store, &texts[dataset != NULL][open_only], &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_incidents(struct vg_store *store, const char *dataset, bool open_only,
                       struct vg_arena *arena, struct vg_incident **out, size_t *n,
                       struct vg_error *err)
{
    struct vg_scope scope;
    *out = NULL;
    *n = 0;
    if (vg_scope_enter(store, VG_DB_READ, &scope, err) < 0)
        return -1;
    int rc = list_incidents(store, dataset, open_only, arena, out, n, err);
    for (size_t i = 0; rc == 0 && i < *n; i++)
        rc = vg_sql_strings(store,
                            &VG_SQL("SELECT receiver FROM incident_receiver WHERE key = $1"
                                    " ORDER BY position",
                                    vg_p_text((*out)[i].key)),
                            arena, &(*out)[i].to, err);
    return vg_scope_leave(store, &scope, rc, err);
}

static int put_receivers(struct vg_store *store, const struct vg_incident *incident,
                         struct vg_error *err)
{
    if (vg_sql_run(
            store,
            &VG_SQL("DELETE FROM incident_receiver WHERE key = $1", vg_p_text(incident->key)),
            err) < 0)
        return -1;
    for (size_t i = 0; i < incident->to.n; i++) {
        const struct vg_sql sql =
            VG_SQL("INSERT INTO incident_receiver (key, position, receiver) VALUES ($1, $2, $3)",
                   vg_p_text(incident->key), vg_p_count(i), vg_p_text(incident->to.items[i]));
        if (vg_sql_run(store, &sql, err) < 0)
            return -1;
    }
    return 0;
}

int vg_store_incident_put(struct vg_store *store, const struct vg_incident *incident,
                          struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO incident (key, dataset, severity, opened_due_us, first_us, closed_us,"
        " onset_us, told_us, rules) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key)"
        " DO UPDATE SET dataset = excluded.dataset, severity = excluded.severity,"
        " opened_due_us = excluded.opened_due_us, first_us = excluded.first_us,"
        " closed_us = excluded.closed_us, onset_us = excluded.onset_us, told_us = excluded.told_us,"
        " rules = excluded.rules";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(incident->key), vg_p_text(incident->dataset),
        vg_p_int((int64_t)incident->severity), vg_p_int(incident->opened_due_us),
        vg_p_int(incident->first_us), vg_p_int(incident->closed_us), vg_p_int(incident->onset_us),
        vg_p_int(incident->told_us), vg_p_text(incident->rules));
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = vg_sql_run(store, &sql, err) < 0 ? -1 : put_receivers(store, incident, err);
    return vg_scope_leave(store, &scope, rc, err);
}

int vg_store_incident_ack(struct vg_store *store, const char *key, const char *by, int64_t now_us,
                          struct vg_error *err)
{
    static const char text[] = "UPDATE incident SET acked_us = $1, acked_by = $2 WHERE key = $3"
                               " AND closed_us = 9223372036854775807";
    int64_t changed = 0;
    if (vg_sql_change(store, &VG_SQL(text, vg_p_int(now_us), vg_p_text(by), vg_p_text(key)),
                      &changed, err) < 0)
        return -1;
    return changed ? 0 : vg_fail(err, VG_E_NOT_FOUND, "no incident %s is open", key);
}
