/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results of cycles: their history, and the latest of every rule.
 *
 * Owns `result` and `latest`. A window judged again replaces its rows in the history. A tick's
 * result enters the history when its verdict differs from the one before, and else once an hour, as
 * ticks come every minute and mostly say the same. An older window that is judged late never
 * overwrites what a newer one said.
 */
#include "agent/store/inner.h"

enum { OFFENDING_MAX = 64 << 10, BETWEEN_KEYS = 0x1e };

/* What is known of a rule's latest result, as far as a new one depends on it. */
struct before {
    bool found;
    enum vg_verdict verdict, decided;
    int64_t at_us, window_end_us, decided_us, decided_window_end_us, kept_us;
};

static void read_before(struct vg_sql_row *row, void *item)
{
    struct before *before = item;
    before->found = true;
    before->verdict = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    before->decided = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    before->at_us = vg_row_int(row);
    before->window_end_us = vg_row_int(row);
    before->decided_us = vg_row_int(row);
    before->decided_window_end_us = vg_row_int(row);
    before->kept_us = vg_row_int(row);
}

static const char *segment_of(const struct vg_result *result)
{
    return result->segment ? result->segment : "";
}

static int load_before(struct vg_store *store, const char *dataset, const struct vg_result *result,
                       struct before *out, struct vg_error *err)
{
    static const char text[] =
        "SELECT verdict, decided, at_us, window_end_us, decided_us, decided_window_end_us, kept_us"
        " FROM latest WHERE dataset = $1 AND rule = $2 AND segment = $3";
    const struct vg_sql_shape shape = {sizeof *out, read_before, NULL};
    bool found;
    return vg_sql_one(
        store,
        &VG_SQL(text, vg_p_text(dataset), vg_p_text(result->rule), vg_p_text(segment_of(result))),
        &shape, out, &found, err);
}

static bool on_window(const struct vg_cycle *cycle, const struct vg_result *result)
{
    return result->cadence == VG_ON_WINDOW && cycle->has_window;
}

/* Whether the window that ends at `end` comes before the one that ended at `then`. */
static bool is_older(int64_t end, int64_t then)
{
    return end != VG_NEVER && then != VG_NEVER && end < then;
}

static bool belongs_in_history(const struct vg_cycle *cycle, const struct vg_result *result,
                               const struct before *before)
{
    if (on_window(cycle, result) || cycle->revisited || !before->found ||
        before->verdict != result->verdict)
        return true;
    int64_t since = cycle->now_us - before->kept_us;
    return since < 0 || since >= VG_HOUR_US;
}

static int put_history(struct vg_store *store, const struct vg_cycle *cycle,
                       const struct vg_result *r, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO result (dataset, rule, segment, check_name, column_name, class, cadence,"
        " verdict, severity, unit, at_us, due_us, window_start_us, window_end_us,"
        " reference_version, sample, value, lo, hi, limit_value, warn_limit, p_value, level,"
        " effect, n, n_ref, direction, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)";
    const struct vg_sql_value none = {.type = VG_SQL_NULL};
    bool window = on_window(cycle, r) || cycle->revisited;
    bool referred = cycle->reference_version > 0;
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(cycle->dataset), vg_p_text(r->rule), vg_p_text(segment_of(r)),
               vg_p_text(r->check), vg_p_text(r->column), vg_p_int((int64_t)r->class),
               vg_p_int((int64_t)r->cadence), vg_p_int((int64_t)r->verdict),
               vg_p_int((int64_t)r->severity), vg_p_int((int64_t)r->unit), vg_p_int(cycle->now_us),
               vg_p_int(cycle->due_us), window ? vg_p_int(cycle->window.start_us) : none,
               window ? vg_p_int(cycle->window.end_us) : none,
               referred ? vg_p_int(cycle->reference_version) : none, vg_p_text(cycle->sample),
               vg_p_real(r->value), r->bounded ? vg_p_real(r->lo) : none,
               r->bounded ? vg_p_real(r->hi) : none, vg_p_real(r->limit), vg_p_real(r->warn_limit),
               vg_p_real(r->p_value), vg_p_real(r->level), vg_p_real(r->effect), vg_p_real(r->n),
               vg_p_real(r->n_ref), vg_p_int(r->direction), vg_p_text(r->why));
    return vg_sql_run(store, &sql, err);
}

/* Keys in one text, with a character between them that a key loses, should it have it; those that
 * find no room are left out. */
static void write_keys(const struct vg_result *result, struct vg_buf *out)
{
    for (size_t i = 0; i < result->nkeys; i++) {
        const char *key = result->keys[i];
        if (out->len + strlen(key) + 2 > OFFENDING_MAX / 2)
            return;
        for (; *key; key++)
            vg_buf_putc(out, *key == BETWEEN_KEYS ? ' ' : *key);
        vg_buf_putc(out, BETWEEN_KEYS);
    }
}

static int put_latest(struct vg_store *store, const struct vg_cycle *cycle,
                      const struct vg_result *r, const struct before *now, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO latest (dataset, rule, segment, check_name, column_name, why, class, cadence,"
        " severity, unit, verdict, at_us, window_end_us, decided, decided_us,"
        " decided_window_end_us, value, limit_value, p_value, kept_us, offending,"
        " prediction, moved, importance, rank) VALUES ($1, $2,"
        " $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
        " $22, $23, $24, $25)"
        " ON CONFLICT (dataset, rule, segment) DO UPDATE SET check_name = excluded.check_name,"
        " column_name = excluded.column_name, why = excluded.why, class = excluded.class,"
        " cadence = excluded.cadence, severity = excluded.severity, unit = excluded.unit,"
        " verdict = excluded.verdict, at_us = excluded.at_us,"
        " window_end_us = excluded.window_end_us, decided = excluded.decided,"
        " decided_us = excluded.decided_us, decided_window_end_us = excluded.decided_window_end_us,"
        " value = excluded.value, limit_value = excluded.limit_value, p_value = excluded.p_value,"
        " kept_us = excluded.kept_us, offending = excluded.offending,"
        " prediction = excluded.prediction, moved = excluded.moved,"
        " importance = excluded.importance, rank = excluded.rank";
    struct vg_buf keys;
    vg_buf_init(&keys, OFFENDING_MAX);
    write_keys(r, &keys);
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(cycle->dataset), vg_p_text(r->rule), vg_p_text(segment_of(r)),
        vg_p_text(r->check), vg_p_text(r->column), vg_p_text(r->why), vg_p_int((int64_t)r->class),
        vg_p_int((int64_t)r->cadence), vg_p_int((int64_t)r->severity), vg_p_int((int64_t)r->unit),
        vg_p_int((int64_t)now->verdict), vg_p_int(now->at_us), vg_p_int(now->window_end_us),
        vg_p_int((int64_t)now->decided), vg_p_int(now->decided_us),
        vg_p_int(now->decided_window_end_us), vg_p_real(r->value), vg_p_real(r->limit),
        vg_p_real(r->p_value), vg_p_int(now->kept_us), vg_p_text(r->nkeys ? keys.data : NULL),
        vg_p_int(r->prediction), vg_p_real(r->moved), vg_p_real(r->importance), vg_p_int(r->rank));
    int rc =
        keys.failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : vg_sql_run(store, &sql, err);
    vg_buf_free(&keys);
    return rc;
}

/* An older window may still hold the newest verdict that decides anything. */
static int put_decided(struct vg_store *store, const struct vg_cycle *cycle,
                       const struct vg_result *r, const struct before *now, struct vg_error *err)
{
    static const char text[] =
        "UPDATE latest SET decided = $1, decided_us = $2, decided_window_end_us = $3"
        " WHERE dataset = $4 AND rule = $5 AND segment = $6";
    const struct vg_sql sql =
        VG_SQL(text, vg_p_int((int64_t)now->decided), vg_p_int(now->decided_us),
               vg_p_int(now->decided_window_end_us), vg_p_text(cycle->dataset), vg_p_text(r->rule),
               vg_p_text(segment_of(r)));
    return vg_sql_run(store, &sql, err);
}

static int put_result(struct vg_store *store, const struct vg_cycle *cycle,
                      const struct vg_result *r, struct vg_error *err)
{
    struct before before;
    if (load_before(store, cycle->dataset, r, &before, err) < 0)
        return -1;
    int64_t end = on_window(cycle, r) ? cycle->window.end_us : VG_NEVER;
    bool keep = belongs_in_history(cycle, r, &before);
    bool newer = !before.found || !is_older(end, before.window_end_us);
    /* What no data will change has decided as much as it ever can. */
    enum vg_verdict verdict = r->standing ? VG_UNKNOWN : r->verdict;
    bool decides = verdict != VG_NODATA && (!before.found || before.decided == VG_NODATA ||
                                            !is_older(end, before.decided_window_end_us));
    struct before now = {
        .verdict = r->verdict,
        .at_us = cycle->now_us,
        .window_end_us = end,
        .decided = decides        ? verdict
                   : before.found ? before.decided
                                  : VG_NODATA,
        .decided_us = decides        ? cycle->now_us
                      : before.found ? before.decided_us
                                     : VG_NEVER,
        .decided_window_end_us = decides        ? end
                                 : before.found ? before.decided_window_end_us
                                                : VG_NEVER,
        .kept_us = keep ? cycle->now_us : before.kept_us,
    };
    if (keep && put_history(store, cycle, r, err) < 0)
        return -1;
    if (newer)
        return put_latest(store, cycle, r, &now, err);
    return decides ? put_decided(store, cycle, r, &now, err) : 0;
}

static int put_results(struct vg_store *store, const struct vg_cycle *cycle, struct vg_error *err)
{
    if (cycle->has_window &&
        vg_sql_run(store,
                   &VG_SQL("DELETE FROM result WHERE dataset = $1 AND window_start_us = $2",
                           vg_p_text(cycle->dataset), vg_p_int(cycle->window.start_us)),
                   err) < 0)
        return -1;
    if (vg_store_marks_put(store, cycle, err) < 0)
        return -1;
    for (size_t i = 0; i < cycle->nresults; i++) {
        if (put_result(store, cycle, &cycle->results[i], err) < 0)
            return -1;
    }
    return 0;
}

int vg_store_results_put(struct vg_store *store, const struct vg_cycle *cycle, struct vg_error *err)
{
    struct vg_scope scope;
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    return vg_scope_leave(store, &scope, put_results(store, cycle, err), err);
}

static void read_keys(struct vg_sql_row *row, struct vg_strings *out)
{
    static const char between[] = {BETWEEN_KEYS, '\0'};
    const char *text = vg_row_text(row);
    size_t most = 0, n = 0;
    for (const char *c = text; c && *c; c++)
        most += *c == BETWEEN_KEYS;
    const char **items = vg_arena_array(row->arena, most + 1, sizeof *items);
    for (; items && n < most; n++) {
        size_t len = strcspn(text, between);
        items[n] = vg_arena_strndup(row->arena, text, len);
        if (!items[n])
            break;
        text += len + 1;
    }
    if ((!items || n < most) && !row->failed) {
        row->failed = true;
        vg_fail(row->err, VG_E_MEMORY, "out of memory");
    }
    *out = (struct vg_strings){items, n};
}

static void read_latest(struct vg_sql_row *row, void *item)
{
    struct vg_latest *latest = item;
    latest->dataset = vg_row_text(row);
    latest->rule = vg_row_text(row);
    latest->segment = vg_row_text(row);
    latest->check = vg_row_text(row);
    latest->column = vg_row_text(row);
    latest->why = vg_row_text(row);
    latest->class = (enum vg_class)vg_row_enum(row, VG_CLASSES);
    latest->cadence = (enum vg_cadence)vg_row_enum(row, VG_ON_WINDOW + 1);
    latest->severity = (enum vg_severity)vg_row_enum(row, VG_SEVERITIES);
    latest->unit = (enum vg_unit)vg_row_enum(row, VG_UNIT_ROWS + 1);
    latest->verdict = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    latest->at_us = vg_row_int(row);
    latest->window_end_us = vg_row_int(row);
    latest->decided = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    latest->decided_us = vg_row_int(row);
    latest->decided_window_end_us = vg_row_int(row);
    latest->value = vg_row_real(row);
    latest->limit = vg_row_real(row);
    latest->p_value = vg_row_real(row);
    read_keys(row, &latest->keys);
    latest->prediction = vg_row_bool(row);
    latest->moved = vg_row_real(row);
    latest->importance = vg_row_real(row);
    latest->rank = (int)vg_row_int(row);
}

#define SELECT_LATEST                                                                              \
    "SELECT dataset, rule, segment, check_name, column_name, why, class, cadence, severity, unit," \
    " verdict, at_us, window_end_us, decided, decided_us, decided_window_end_us, value,"           \
    " limit_value, p_value, offending, prediction, moved, importance, rank FROM latest"
#define IN_ORDER " ORDER BY dataset, rule, segment"

int vg_store_latest(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                    struct vg_latest **out, size_t *n, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_latest, arena};
    void *items;
    const struct vg_sql one =
        VG_SQL(SELECT_LATEST " WHERE dataset = $1" IN_ORDER, vg_p_text(dataset));
    const struct vg_sql all = VG_SQL_PLAIN(SELECT_LATEST IN_ORDER);
    int rc = vg_sql_list(store, dataset ? &one : &all, &shape, &items, n, err);
    *out = items;
    return rc;
}

static void read_basis(struct vg_sql_row *row, void *item)
{
    struct vg_result_basis *basis = item;
    basis->verdict = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    basis->value = vg_row_real(row);
    basis->limit = vg_row_real(row);
    basis->p_value = vg_row_real(row);
    basis->n = vg_row_real(row);
    basis->n_ref = vg_row_real(row);
    basis->start_us = vg_row_int(row);
    basis->reference_version = vg_row_int(row);
}

int vg_store_result_basis(struct vg_store *store, const char *dataset, const char *rule,
                          const char *segment, struct vg_result_basis *out, bool *found,
                          struct vg_error *err)
{
    /* 1 is VG_NODATA, 3 VG_UNKNOWN, 9223372036854775807 VG_NEVER. */
    static const char text[] =
        "SELECT verdict, value, limit_value, p_value, n, n_ref,"
        " coalesce(window_start_us, 9223372036854775807), coalesce(reference_version, 0)"
        " FROM result WHERE dataset = $1 AND rule = $2 AND segment = $3"
        " AND verdict NOT IN (1, 3) ORDER BY id DESC LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_basis, NULL};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(dataset), vg_p_text(rule), vg_p_text(segment)),
                      &shape, out, found, err);
}
