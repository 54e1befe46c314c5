/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Onsets of drift in a model's group, and what was decided about them.
 *
 * Owns `onset` and `decision`. Cooldown and budget of requests rest on what is kept here, so a
 * restart forgets none of them.
 */
#include "agent/store/inner.h"

#include <ctype.h>

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
    onset->by_hand = vg_row_bool(row);
    onset->approval = (enum vg_approval)vg_row_enum(row, VG_APPROVALS);
    onset->approval_us = vg_row_int(row);
    onset->approval_by = vg_row_text(row);
    onset->approval_why = vg_row_text(row);
    onset->told = (enum vg_onset_told)vg_row_enum(row, VG_ONSET_TOLDS);
    onset->outcome = (enum vg_onset_outcome)vg_row_enum(row, VG_ONSET_OUTCOMES);
}

#define ONSET_COLUMNS                                                                              \
    "key, model, dataset, rule, check_name, column_name, due_us, start_us, end_us, repeated,"      \
    " state, fired, fired_us, ended_us, value, limit_value, row_count, segment, by_hand,"          \
    " approval, approval_us, approval_by, approval_why, told, outcome"

int vg_store_onset(struct vg_store *store, const char *model, struct vg_arena *arena,
                   struct vg_onset *out, bool *found, struct vg_error *err)
{
    /* 2 is VG_ONSET_ENDED. */
    static const char text[] = "SELECT " ONSET_COLUMNS " FROM onset WHERE model = $1 AND state <> 2"
                               " ORDER BY due_us DESC, key LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_onset, arena};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(model)), &shape, out, found, err);
}

int vg_store_onset_of(struct vg_store *store, const char *key, struct vg_arena *arena,
                      struct vg_onset *out, bool *found, struct vg_error *err)
{
    static const char text[] = "SELECT " ONSET_COLUMNS " FROM onset WHERE key = $1";
    const struct vg_sql_shape shape = {sizeof *out, read_onset, arena};
    return vg_sql_one(store, &VG_SQL(text, vg_p_text(key)), &shape, out, found, err);
}

int vg_store_onset_put(struct vg_store *store, const struct vg_onset *o, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO onset (" ONSET_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25) ON CONFLICT "
        "(key) "
        "DO UPDATE SET"
        " model = excluded.model, dataset = excluded.dataset, rule = excluded.rule,"
        " check_name = excluded.check_name, column_name = excluded.column_name,"
        " due_us = excluded.due_us, start_us = excluded.start_us, end_us = excluded.end_us,"
        " repeated = excluded.repeated, state = excluded.state, fired = excluded.fired,"
        " fired_us = excluded.fired_us, ended_us = excluded.ended_us, value = excluded.value,"
        " limit_value = excluded.limit_value, row_count = excluded.row_count,"
        " segment = excluded.segment, by_hand = excluded.by_hand, approval = excluded.approval,"
        " approval_us = excluded.approval_us, approval_by = excluded.approval_by,"
        " approval_why = excluded.approval_why, told = excluded.told, outcome = excluded.outcome";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(o->key), vg_p_text(o->model), vg_p_text(o->dataset), vg_p_text(o->rule),
        vg_p_text(o->check), vg_p_text(o->column), vg_p_int(o->due_us),
        vg_p_int(o->evidence.start_us), vg_p_int(o->evidence.end_us),
        vg_p_int(o->evidence.repeated), vg_p_int((int64_t)o->state), vg_p_int(o->fired),
        vg_p_int(o->fired_us), vg_p_int(o->ended_us), vg_p_real(o->value), vg_p_real(o->limit),
        vg_p_count(o->rows), vg_p_text(o->segment ? o->segment : ""), vg_p_int(o->by_hand),
        vg_p_int((int64_t)o->approval), vg_p_int(o->approval_us), vg_p_text(o->approval_by),
        vg_p_text(o->approval_why), vg_p_int((int64_t)o->told), vg_p_int((int64_t)o->outcome));
    return vg_sql_run(store, &sql, err);
}

int vg_store_onsets(struct vg_store *store, const char *model, size_t most, struct vg_arena *arena,
                    struct vg_onset **out, size_t *n, struct vg_error *err)
{
    static const char text[] = "SELECT " ONSET_COLUMNS " FROM onset WHERE $1 IS NULL OR model = $1"
                               " ORDER BY state = 2, due_us DESC, key LIMIT $2";
    const struct vg_sql_shape shape = {sizeof **out, read_onset, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL(text, vg_p_text(model), vg_p_count(most)), &shape, &items,
                         n, err);
    *out = items;
    return rc;
}

int vg_store_onsets_over(struct vg_store *store, struct vg_arena *arena, struct vg_onset **out,
                         size_t *n, struct vg_error *err)
{
    /* 2 is VG_OUTCOME_DONE, 4 VG_RETRAIN_SUCCEEDED, the first of the ends. */
    static const char text[] = "SELECT " ONSET_COLUMNS " FROM onset WHERE fired = 1"
                               " AND outcome < 2 AND key IN (SELECT key FROM retrain_run"
                               " WHERE state >= 4) ORDER BY due_us, key LIMIT 100";
    const struct vg_sql_shape shape = {sizeof **out, read_onset, arena};
    void *items;
    int rc = vg_sql_list(store, &VG_SQL_PLAIN(text), &shape, &items, n, err);
    *out = items;
    return rc;
}

static void read_fired(struct vg_sql_row *row, void *item)
{
    struct vg_fired *fired = item;
    vg_row_key(row, fired->key);
    fired->at_us = vg_row_int(row);
}

int vg_store_fired(struct vg_store *store, const struct vg_fired_of *of, struct vg_arena *arena,
                   struct vg_fired **out, size_t *n, struct vg_error *err)
{
    /* 9223372036854775807 is VG_NEVER. */
    static const char text[] = "SELECT key, fired_us FROM onset WHERE model = $1"
                               " AND fired_us >= $2 AND (fired = 1"
                               " OR ($3 = 1 AND fired_us < 9223372036854775807))"
                               " ORDER BY fired_us DESC, key";
    const struct vg_sql_shape shape = {sizeof **out, read_fired, arena};
    const struct vg_sql sql =
        VG_SQL(text, vg_p_text(of->model), vg_p_int(of->since_us), vg_p_int(of->dry));
    void *items;
    int rc = vg_sql_list(store, &sql, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_outbox_told(struct vg_store *store, const char *key, struct vg_arena *arena,
                         struct vg_strings *out, struct vg_error *err)
{
    /* 0 is VG_SINK_RECEIVER, and VG_MSG_OPEN. */
    static const char text[] = "SELECT DISTINCT sink FROM outbox WHERE sink_kind = 0"
                               " AND key = $1 AND kind = 0 ORDER BY sink";
    return vg_sql_strings(store, &VG_SQL(text, vg_p_text(key)), arena, out, err);
}

int vg_store_outbox_has_change(struct vg_store *store, const char *key, const char *sink, bool *out,
                               struct vg_error *err)
{
    /* 0 is VG_SINK_RECEIVER, 7 VG_MSG_CHANGE. In this form, so that an index serves it. */
    static const char text[] = "SELECT count(*) FROM outbox WHERE sink_kind = 0 AND kind = 7"
                               " AND key = $1 AND sink = $2";
    int64_t n = 0;
    int rc = vg_sql_int(store, &VG_SQL(text, vg_p_text(key), vg_p_text(sink)), &n, err);
    *out = n > 0;
    return rc;
}

int vg_store_rows_since(struct vg_store *store, const char *dataset, int64_t since_us,
                        uint64_t *rows, struct vg_error *err)
{
    /* 0 is VG_WINDOW_JUDGED. */
    static const char text[] = "SELECT coalesce(sum(row_count), 0) FROM scanned_window"
                               " WHERE dataset = $1 AND status = 0 AND committed_us > $2";
    int64_t sum = 0;
    int rc = vg_sql_int(store, &VG_SQL(text, vg_p_text(dataset), vg_p_int(since_us)), &sum, err);
    *rows = sum > 0 ? (uint64_t)sum : 0;
    return rc;
}

/* --- Decisions ------------------------------------------------------------------------- */

/* Past a number or a time at `at` that is no part of a name: not that of x2.nulls. */
static const char *skip_number(const char *text, const char *at)
{
    bool named = at > text && (isalnum((unsigned char)at[-1]) || strchr("_.\"", at[-1]));
    if (named || !*at || !strchr("0123456789+-", *at))
        return at;
    return at + strspn(at, "0123456789.:+-TZ");
}

/* A refusal that lasts says other numbers at each window, and is the same refusal. */
static bool is_same_but_numbers(const char *was, const char *is)
{
    const char *a = was, *b = is;
    for (;; a++, b++) {
        a = skip_number(was, a);
        b = skip_number(is, b);
        if (*a != *b || !*a)
            return *a == *b;
    }
}

struct newest {
    enum vg_decision_kind kind;
    const char *reason, *by;
};

static void read_newest(struct vg_sql_row *row, void *item)
{
    struct newest *newest = item;
    newest->kind = (enum vg_decision_kind)vg_row_enum(row, VG_DECISIONS);
    newest->reason = vg_row_text(row);
    newest->by = vg_row_text(row);
}

/* Whether the newest decision on this key says so already. */
static int find_said(struct vg_store *store, const struct vg_decision *decision, bool *said,
                     struct vg_error *err)
{
    struct newest newest = {.reason = NULL};
    struct vg_arena *arena = vg_arena_new();
    const struct vg_sql_shape shape = {sizeof newest, read_newest, arena};
    const struct vg_sql sql = VG_SQL("SELECT kind, reason, given_by FROM decision WHERE key = $1"
                                     " ORDER BY id DESC LIMIT 1",
                                     vg_p_text(decision->key));
    bool found = false;
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_sql_one(store, &sql, &shape, &newest, &found, err);
    *said = rc == 0 && found && newest.kind == decision->kind &&
            vg_streq(newest.by ? newest.by : "", decision->by ? decision->by : "") &&
            is_same_but_numbers(newest.reason, decision->reason ? decision->reason : "");
    vg_arena_free(arena);
    return rc;
}

int vg_store_decision_put(struct vg_store *store, const struct vg_decision *decision,
                          bool *recorded, struct vg_error *err)
{
    static const char text[] =
        "INSERT INTO decision (model, key, at_us, kind, reason, given_by, dataset, rule, start_us,"
        " end_us, repeated, value, limit_value, row_count) SELECT $1, $2, $3, $4, $5, $6,"
        " coalesce($7, o.dataset), coalesce($8, o.rule),"
        " CASE WHEN $7 IS NULL THEN coalesce(o.start_us, 0) ELSE $9 END,"
        " CASE WHEN $7 IS NULL THEN coalesce(o.end_us, 0) ELSE $10 END,"
        " CASE WHEN $7 IS NULL THEN coalesce(o.repeated, 0) ELSE $11 END,"
        " CASE WHEN $7 IS NULL THEN o.value ELSE $12 END,"
        " CASE WHEN $7 IS NULL THEN o.limit_value ELSE $13 END,"
        " CASE WHEN $7 IS NULL THEN coalesce(o.row_count, 0) ELSE $14 END"
        " FROM (SELECT $2 AS key) AS k LEFT JOIN onset AS o ON o.key = k.key";
    const struct vg_sql sql = VG_SQL(
        text, vg_p_text(decision->model), vg_p_text(decision->key), vg_p_int(decision->at_us),
        vg_p_int((int64_t)decision->kind), vg_p_text(decision->reason ? decision->reason : ""),
        vg_p_text(decision->by), vg_p_text(decision->dataset), vg_p_text(decision->rule),
        vg_p_int(decision->evidence.start_us), vg_p_int(decision->evidence.end_us),
        vg_p_int(decision->evidence.repeated), vg_p_real(decision->value),
        vg_p_real(decision->limit), vg_p_count(decision->rows));
    bool said = false;
    int rc = find_said(store, decision, &said, err);
    if (rc == 0 && !said)
        rc = vg_sql_run(store, &sql, err);
    if (recorded)
        *recorded = rc == 0 && !said;
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
    decision->by = vg_row_text(row);
    decision->dataset = vg_row_text(row);
    decision->rule = vg_row_text(row);
    decision->evidence = vg_row_window(row);
    decision->value = vg_row_real(row);
    decision->limit = vg_row_real(row);
    decision->rows = vg_row_count(row);
}

#define DECISION_COLUMNS                                                                           \
    "model, key, at_us, kind, reason, given_by, dataset, rule, start_us, end_us, repeated, value," \
    " limit_value, row_count"

int vg_store_decisions(struct vg_store *store, const char *model, size_t most,
                       struct vg_arena *arena, struct vg_decision **out, size_t *n,
                       struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof **out, read_decision, arena};
    const struct vg_sql one = VG_SQL("SELECT " DECISION_COLUMNS " FROM decision"
                                     " WHERE model = $1 ORDER BY id DESC LIMIT $2",
                                     vg_p_text(model), vg_p_count(most));
    const struct vg_sql all = VG_SQL("SELECT " DECISION_COLUMNS " FROM decision"
                                     " ORDER BY id DESC LIMIT $1",
                                     vg_p_count(most));
    void *items;
    int rc = vg_sql_list(store, model ? &one : &all, &shape, &items, n, err);
    *out = items;
    return rc;
}

int vg_store_decision_of(struct vg_store *store, const char *key, enum vg_decision_kind kind,
                         struct vg_arena *arena, struct vg_decision *out, bool *found,
                         struct vg_error *err)
{
    static const char text[] = "SELECT " DECISION_COLUMNS " FROM decision WHERE key = $1"
                               " AND kind = $2 ORDER BY id DESC LIMIT 1";
    const struct vg_sql_shape shape = {sizeof *out, read_decision, arena};
    const struct vg_sql sql = VG_SQL(text, vg_p_text(key), vg_p_int((int64_t)kind));
    return vg_sql_one(store, &sql, &shape, out, found, err);
}
