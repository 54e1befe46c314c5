/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Obeys what people ask about telling, each in one transaction. */
#include "agent/loop/loop_tell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/loop/cycle_change.h"
#include "agent/message.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/text.h"

enum { PARTS = 8, KEY_LEAST = 6 };
static const struct vg_claim claim = {.owner = "", .epoch = 0};

static const char *const verbs[] = {"silence", "expire", "acknowledge", "outbox-retry",
                                    "outbox-drop"};
enum { SILENCE, EXPIRE, ACKNOWLEDGE, RETRY, DROP, VERBS };

static int find_verb(const char *verb)
{
    int i = 0;
    while (i < VERBS && strcmp(verbs[i], verb) != 0)
        i++;
    return i;
}

bool vg_tell_knows(const char *verb)
{
    return find_verb(verb) < VERBS;
}

int vg_tell_split(const struct vg_control *row, size_t nparts, struct vg_arena *arena,
                  const char **out, struct vg_error *err)
{
    const char *text = row->argument ? row->argument : "";
    for (size_t i = 0; i < nparts; i++) {
        size_t n = strcspn(text, "\t");
        out[i] = vg_arena_strndup(arena, text, n);
        if (!out[i])
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        text += n + (text[n] == '\t');
    }
    return 0;
}

static int read_number(const char *text, int64_t *out, struct vg_error *err)
{
    return vg_parse_int64(text, out) < 0 ? vg_fail(err, VG_E_USAGE, "'%.40s' is no number", text)
                                         : 0;
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static int silence(struct vg_store *store, const char *const parts[PARTS], int64_t now_us,
                   struct vg_error *err)
{
    int64_t severities, id;
    struct vg_silence row = {
        .match = {.dataset = or_null(parts[3]),
                  .rule = or_null(parts[4]),
                  .tag = or_null(parts[5])},
        .made_us = now_us,
        .by = parts[6],
        .why = parts[7],
    };
    if (read_number(parts[0], &severities, err) < 0 ||
        read_number(parts[1], &row.from_us, err) < 0 ||
        read_number(parts[2], &row.until_us, err) < 0)
        return -1;
    if (severities < 0 || severities >= 1 << VG_SEVERITIES || row.until_us <= now_us ||
        row.until_us <= row.from_us)
        return vg_fail(err, VG_E_USAGE, "this silence ends before it begins, or is over");
    row.match.severities = (unsigned)severities;
    return vg_store_silence_put(store, &row, &id, err);
}

static void fill_item(const struct vg_alert *alert, struct vg_message_item *item)
{
    *item = (struct vg_message_item){
        .rule = alert->rule,
        .check = alert->check,
        .column = alert->column,
        .segment = *alert->segment ? alert->segment : NULL,
        .class = vg_class_name(alert->class),
        .state = alert->state,
        .verdict = alert->verdict,
        .unit = alert->unit,
        .value = alert->value,
        .limit = alert->limit,
        .p_value = (double)NAN,
        .onset_us = alert->onset_us,
        .why = alert->why,
        .runbook = alert->runbook,
    };
}

static int fill_message(const struct vg_cycle_env *env, const struct vg_incident *incident,
                        struct vg_arena *arena, struct vg_message *out, struct vg_error *err)
{
    struct vg_alert *alerts;
    size_t n;
    memcpy(out->key, incident->key, VG_KEY_SIZE);
    out->dataset = incident->dataset;
    out->severity = incident->severity;
    out->onset_us = incident->onset_us;
    out->opened_us = incident->opened_due_us;
    vg_cycle_place(env, arena, out);
    if (vg_store_alerts(env->store, incident->dataset, arena, &alerts, &n, err) < 0)
        return -1;
    out->items = vg_arena_array(arena, n + 1, sizeof *out->items);
    if (!out->items)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(alerts[i].incident, incident->key))
            fill_item(&alerts[i], &out->items[out->nitems++]);
    }
    return 0;
}

/* Everybody who was told that it opened hears that somebody has taken it on. */
static int tell_taken(struct vg_store *store, const struct vg_incident *incident,
                      const struct vg_message *message, struct vg_arena *arena,
                      struct vg_error *err)
{
    struct vg_outgoing row = {.kind = message->kind,
                              .severity = message->severity,
                              .created_us = message->at_us,
                              .next_us = message->at_us};
    memcpy(row.key, incident->key, VG_KEY_SIZE);
    if (vg_message_write(message, arena, &row.body, err) < 0)
        return -1;
    for (size_t i = 0; i < incident->to.n; i++) {
        row.sink = incident->to.items[i];
        if (vg_store_outbox_put(store, &row, err) < 0)
            return -1;
    }
    return 0;
}

static int acknowledge(const struct vg_cycle_env *env, const char *const parts[PARTS],
                       struct vg_arena *arena, const struct vg_message *about, struct vg_error *err)
{
    struct vg_store *store = env->store;
    struct vg_incident *incidents;
    size_t n, found = 0, length = strlen(parts[0]);
    if (vg_store_incidents(store, NULL, true, arena, &incidents, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct vg_incident *incident = &incidents[i];
        bool named = length >= KEY_LEAST && !strncmp(incident->key, parts[0], length);
        if (incident->closed_us != VG_NEVER || (!named && strcmp(incident->dataset, parts[0]) != 0))
            continue;
        found++;
        struct vg_message message = *about;
        if (vg_store_incident_ack(store, incident->key, parts[1], about->at_us, err) < 0 ||
            fill_message(env, incident, arena, &message, err) < 0)
            return -1;
        if (incident->told_us != VG_NEVER && tell_taken(store, incident, &message, arena, err) < 0)
            return -1;
    }
    return found ? 0
                 : vg_fail(err, VG_E_NOT_FOUND, "no open incident has this key or dataset: %.60s",
                           parts[0]);
}

static int move_rows(struct vg_store *store, const char *const parts[PARTS], bool retry,
                     int64_t now_us, int64_t *moved, struct vg_error *err)
{
    struct vg_outbox_choice choice = {.sink = or_null(parts[1])};
    int64_t n = 0, requests = 0;
    bool all = !strcmp(parts[0], "all");
    if (!all && read_number(parts[0], &choice.id, err) < 0)
        return -1;
    int rc = retry ? vg_store_outbox_redrive(store, &choice, now_us, &n, err)
                   : vg_store_outbox_drop(store, &choice, now_us, &n, err);
    if (rc == 0 && !n && vg_store_outbox_requests(store, &choice, retry, &requests, err) < 0)
        return -1;
    if (requests)
        return vg_fail(err, VG_E_USAGE, "%s",
                       retry ? "a request for retraining that was refused is not sent again as it"
                               " is: pgvigil retrain fire MODEL --why TEXT asks for another"
                             : "a request for retraining that waits is not dropped:"
                               " pgvigil retrain deny KEY --why TEXT takes it back");
    if (rc == 0 && !n && !all)
        return vg_fail(err, VG_E_NOT_FOUND, "%s",
                       retry ? "no such message waits or was set aside, or its incident has ended"
                             : "no such message waits or was set aside");
    if (rc == 0 && !n && *parts[1])
        return vg_fail(err, VG_E_NOT_FOUND, "no message to %.100s waits or was set aside%s",
                       parts[1], retry ? ", or its incident has ended" : "");
    *moved = n;
    return rc;
}

/* Of the receivers and models that were chosen: how many asked to be left alone for longer than
 * now, and the one of which it is longest. */
struct held {
    const char *sink;
    int64_t until_us;
    size_t n;
};

static bool is_chosen(const struct vg_outbox_row *row, const char *const parts[PARTS], int64_t id)
{
    return (!id || row->row.id == id) && (!*parts[1] || !strcmp(row->row.sink, parts[1]));
}

static bool is_first(const struct vg_outbox_row *rows, size_t i)
{
    size_t k = 0;
    while (rows[k].row.sink_kind != rows[i].row.sink_kind ||
           strcmp(rows[k].row.sink, rows[i].row.sink) != 0)
        k++;
    return k == i;
}

static int find_held(struct vg_store *store, const char *const parts[PARTS], int64_t now_us,
                     struct vg_arena *arena, struct held *out, struct vg_error *err)
{
    struct vg_outbox_row *rows;
    size_t n;
    int64_t id = 0, until_us;
    vg_parse_int64(parts[0], &id);
    *out = (struct held){0};
    if (vg_store_outbox_list(store, arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct vg_outgoing *row = &rows[i].row;
        if (rows[i].dead || !is_chosen(&rows[i], parts, id) || (!id && !is_first(rows, i)))
            continue;
        if (vg_store_outbox_held(store, row->sink_kind, row->sink, &until_us, err) < 0)
            return -1;
        out->n += until_us > now_us;
        if (until_us > now_us && until_us > out->until_us) {
            out->sink = row->sink;
            out->until_us = until_us;
        }
    }
    return 0;
}

static int say_moved(int64_t n, bool retry, const struct held *held, struct vg_arena *arena,
                     const char **answer, struct vg_error *err)
{
    char until[VG_TIME_TEXT] = "";
    const char *but = "";
    if (held->n)
        but = vg_arena_printf(arena, ", but to %s not before %s, which it has asked for%s",
                              held->sink, vg_format_time(held->until_us, until),
                              held->n > 1 ? "; others have asked for less" : "");
    *answer = vg_arena_printf(arena, "ok: %" PRId64 " message%s %s%s", n, n == 1 ? " is" : "s are",
                              retry ? "sent again" : "let go", but ? but : "");
    return *answer && but ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int move(struct vg_store *store, const char *const parts[PARTS], bool retry, int64_t now_us,
                struct vg_arena *arena, const char **answer, struct vg_error *err)
{
    struct held held = {0};
    int64_t n = 0;
    if (move_rows(store, parts, retry, now_us, &n, err) < 0 ||
        (retry && find_held(store, parts, now_us, arena, &held, err) < 0))
        return -1;
    return say_moved(n, retry, &held, arena, answer, err);
}

static int obey(const struct vg_cycle_env *env, const struct vg_control *row, int64_t now_us,
                struct vg_arena *arena, const char **answer, struct vg_error *err)
{
    struct vg_store *store = env->store;
    const char *parts[PARTS];
    int64_t number = 0;
    bool retry = find_verb(row->verb) == RETRY;
    struct vg_message message = {.kind = VG_MSG_ACKNOWLEDGE, .agent = env->agent, .at_us = now_us};
    if (vg_tell_split(row, PARTS, arena, parts, err) < 0)
        return -1;
    message.by = parts[1];
    switch (find_verb(row->verb)) {
    case SILENCE:
        return silence(store, parts, now_us, err);
    case EXPIRE:
        return read_number(parts[0], &number, err) < 0
                   ? -1
                   : vg_store_silence_expire(store, number, now_us, err);
    case ACKNOWLEDGE:
        return acknowledge(env, parts, arena, &message, err);
    case RETRY:
    case DROP:
        return move(store, parts, retry, now_us, arena, answer, err);
    default:
        return vg_fail(err, VG_E_USAGE, "unknown command '%s'", row->verb);
    }
}

int vg_tell_obey(const struct vg_cycle_env *env, const struct vg_control *row, int64_t now_us,
                 struct vg_arena *arena, const char **answer, struct vg_error *err)
{
    struct vg_store *store = env->store;
    vg_failpoint("before_command");
    *answer = "ok";
    int rc = vg_store_begin(store, &claim, err);
    if (rc == 0) {
        rc = obey(env, row, now_us, arena, answer, err);
        vg_failpoint("mid_command");
        rc = rc ? rc : vg_store_commit(store, err);
        if (rc < 0)
            vg_store_rollback(store);
    }
    vg_failpoint("after_command");
    return rc;
}

bool vg_tell_urges(struct vg_store *store, const struct vg_control *row, struct vg_arena *arena,
                   const char **sink)
{
    const char *parts[PARTS];
    struct vg_outbox_row *rows;
    size_t n;
    int64_t id;
    *sink = NULL;
    if (find_verb(row->verb) != RETRY || vg_tell_split(row, PARTS, arena, parts, NULL) < 0)
        return false;
    *sink = or_null(parts[1]);
    if (*sink || vg_parse_int64(parts[0], &id) < 0 ||
        vg_store_outbox_list(store, arena, &rows, &n, NULL) < 0)
        return true;
    for (size_t i = 0; i < n && !*sink; i++)
        *sink = rows[i].row.id == id ? rows[i].row.sink : NULL;
    return true;
}
