/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When delivering itself is in trouble, somebody else is told: a receiver that refuses a message or
 * has been silent for minutes, and an outbox that fills up.
 *
 * Owns what is said of it: one message when it begins and one when it is over, under a key that the
 * store keeps. It goes through another receiver, those of alarm_to or the first that is not the one
 * in trouble; where there is none the log says so. Also keeps the outbox within its limits.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "agent/deliver/parts.h"
#include "agent/message.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { FULL_PERCENT = 80, ROOMY_PERCENT = 60, NAMES_BYTES = 2000 };
static const int64_t silent_us = 5 * VG_MINUTE_US, look_us = 10 * VG_US;

/* What is in trouble; sink "" is the outbox as a whole. */
struct subject {
    enum vg_sink_kind kind;
    const char *sink;
    enum vg_severity severity;
    char why[VG_DELIVER_WHY + 100];
};

/* Under the lock: the receivers that are to hear of it, one a line, in out. */
static void choose_told(const struct vg_config *config, const struct subject *subject,
                        struct vg_buf *out)
{
    bool receiver = subject->kind == VG_SINK_RECEIVER;
    for (size_t i = 0; i < config->alarm_to.n; i++) {
        const char *name = config->alarm_to.items[i];
        if (!receiver || strcmp(name, subject->sink) != 0)
            vg_buf_printf(out, "%s%s", out->len ? "\n" : "", name);
    }
    for (size_t i = 0; !out->len && i < config->nreceivers; i++) {
        const char *name = config->receivers[i].name;
        if (!receiver || strcmp(name, subject->sink) != 0)
            vg_buf_puts(out, name);
    }
}

static void fill_message(const struct vg_trouble *trouble, const struct subject *subject,
                         int64_t now_us, struct vg_message_item *item, struct vg_message *message)
{
    bool over = subject->severity == VG_SEVERITY_INFO;
    *item = (struct vg_message_item){
        .rule = "delivery",
        .check = "delivery",
        .segment = *subject->sink ? subject->sink : NULL,
        .class = vg_class_name(VG_CLASS_QUALITY),
        .emits = over ? VG_EMIT_CLEAR : VG_EMIT_FIRE,
        .state = over ? VG_ALERT_OK : VG_ALERT_FIRING,
        .verdict = over ? VG_PASS : VG_FAIL,
        .value = (double)NAN,
        .limit = (double)NAN,
        .p_value = (double)NAN,
        .onset_us = trouble->since_us,
        .why = subject->why,
    };
    *message = (struct vg_message){
        .kind = over ? VG_MSG_RESOLVE : VG_MSG_OPEN,
        .dataset = "pgvigil",
        .severity = over ? VG_SEVERITY_WARNING : subject->severity,
        .at_us = now_us,
        .onset_us = trouble->since_us,
        .opened_us = trouble->since_us,
        .items = item,
        .nitems = 1,
    };
    memcpy(message->key, trouble->key, VG_KEY_SIZE);
}

static int put_messages(struct vg_deliver *deliver, const struct vg_trouble *trouble,
                        const struct subject *subject, int64_t now_us, struct vg_arena *arena,
                        struct vg_error *err)
{
    struct vg_message_item item;
    struct vg_message message;
    struct vg_outgoing row = {.created_us = now_us, .next_us = now_us};
    fill_message(trouble, subject, now_us, &item, &message);
    message.agent = deliver->agent;
    row.kind = message.kind;
    row.severity = message.severity;
    memcpy(row.key, message.key, VG_KEY_SIZE);
    if (vg_message_write(&message, arena, &row.body, err) < 0)
        return -1;
    for (const char *name = trouble->told; *name;) {
        size_t n = strcspn(name, "\n");
        row.sink = vg_arena_strndup(arena, name, n);
        if (!row.sink)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        if (vg_store_outbox_put(deliver->store, &row, err) < 0)
            return -1;
        name += n + (name[n] == '\n');
    }
    return 0;
}

static int raise_inside(struct vg_deliver *deliver, const struct subject *subject, int64_t now_us,
                        struct vg_arena *arena, struct vg_error *err)
{
    struct vg_trouble trouble;
    struct vg_buf told;
    bool found;
    if (vg_store_trouble(deliver->store, subject->kind, subject->sink, arena, &trouble, &found,
                         err) < 0)
        return -1;
    if (found)
        return 0;
    char since[24];
    snprintf(since, sizeof since, "%" PRId64, now_us);
    const char *parts[] = {deliver->agent, "delivery",
                           subject->kind == VG_SINK_RETRAIN ? "model" : "receiver", subject->sink,
                           since};
    trouble =
        (struct vg_trouble){.sink_kind = subject->kind, .sink = subject->sink, .since_us = now_us};
    vg_hash_hex(trouble.key, parts, 5);
    vg_buf_init(&told, NAMES_BYTES);
    pthread_mutex_lock(&deliver->lock);
    choose_told(deliver->config, subject, &told);
    pthread_mutex_unlock(&deliver->lock);
    trouble.told = vg_arena_strdup(arena, told.len ? told.data : "");
    vg_buf_free(&told);
    if (!trouble.told)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    vg_log(VG_LOG_ERROR, "delivery is in trouble",
           subject->kind == VG_SINK_RETRAIN ? "model" : "receiver",
           *subject->sink ? subject->sink : "all", "why", subject->why, "told",
           *trouble.told ? trouble.told : "nobody, there is no other receiver", NULL);
    return vg_store_trouble_put(deliver->store, &trouble, err) < 0
               ? -1
               : put_messages(deliver, &trouble, subject, now_us, arena, err);
}

static int end_inside(struct vg_deliver *deliver, const struct subject *subject, int64_t now_us,
                      struct vg_arena *arena, struct vg_error *err)
{
    struct vg_trouble trouble;
    bool found;
    if (vg_store_trouble(deliver->store, subject->kind, subject->sink, arena, &trouble, &found,
                         err) < 0)
        return -1;
    if (!found)
        return 0;
    vg_log(VG_LOG_INFO, "delivery is no longer in trouble",
           subject->kind == VG_SINK_RETRAIN ? "model" : "receiver",
           *subject->sink ? subject->sink : "all", NULL);
    return vg_store_trouble_delete(deliver->store, subject->kind, subject->sink, err) < 0
               ? -1
               : put_messages(deliver, &trouble, subject, now_us, arena, err);
}

/* Severity INFO: it is over. What cannot be stored now is tried with the next outcome. */
static bool tell(struct vg_deliver *deliver, const struct subject *subject, int64_t now_us)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    bool over = subject->severity == VG_SEVERITY_INFO;
    int rc = arena ? vg_store_begin(deliver->store, VG_DELIVER_CLAIM, &err)
                   : vg_fail(&err, VG_E_MEMORY, "out of memory");
    if (rc == 0) {
        rc = over ? end_inside(deliver, subject, now_us, arena, &err)
                  : raise_inside(deliver, subject, now_us, arena, &err);
        vg_failpoint("alarm");
        rc = rc ? rc : vg_store_commit(deliver->store, &err);
        if (rc < 0)
            vg_store_rollback(deliver->store);
    }
    if (rc < 0)
        vg_log(VG_LOG_ERROR, "trouble with deliveries cannot be told", "error", err.msg, NULL);
    vg_arena_free(arena);
    return rc == 0;
}

/* Of what is set aside nobody has heard, whatever the receiver takes now. */
static bool has_aside(struct vg_deliver *deliver, const struct vg_lane *lane)
{
    struct vg_error err = {0};
    int64_t n = 0;
    if (lane->kind == VG_SINK_RECEIVER &&
        vg_store_outbox_aside(deliver->store, lane->name, &n, &err) < 0) {
        vg_log(VG_LOG_ERROR, "what is set aside cannot be counted", "error", err.msg, NULL);
        n = 1;
    }
    return n > 0;
}

static struct vg_lane *find_receiver(struct vg_deliver *deliver, const char *name)
{
    struct vg_lane *lane = deliver->lanes;
    while (lane && (lane->kind != VG_SINK_RECEIVER || strcmp(lane->name, name) != 0))
        lane = lane->next;
    return lane;
}

/* Where people have dropped what was set aside, no message of the receiver says that it is over. */
static int end_idle(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err)
{
    struct vg_strings idle = {0};
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_store_trouble_idle(deliver->store, arena, &idle, err);
    for (size_t i = 0; rc == 0 && i < idle.n; i++) {
        struct vg_lane *lane = find_receiver(deliver, idle.items[i]);
        struct subject subject = {
            .kind = VG_SINK_RECEIVER, .sink = idle.items[i], .severity = VG_SEVERITY_INFO};
        if (lane && (lane->failures || lane->busy))
            continue;
        snprintf(subject.why, sizeof subject.why,
                 "nothing waits for receiver %s, and nothing is set aside any more", idle.items[i]);
        if (tell(deliver, &subject, now_us) && lane)
            lane->trouble = VG_TROUBLE_NONE;
    }
    vg_arena_free(arena);
    return rc;
}

void vg_deliver_alarm(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us)
{
    struct subject subject = {.kind = lane->kind, .sink = lane->name};
    const char *what = lane->kind == VG_SINK_RETRAIN ? "the training system of model" : "receiver";
    bool silent = lane->outcome == VG_RETRY && lane->failures >= VG_DELIVER_BREAK &&
                  now_us - lane->down_us >= silent_us;
    bool gone = lane->missing && lane->outcome != VG_DELIVERED;
    /* of a request that is lost those hear who are told of its onset */
    bool refused = lane->outcome == VG_PERMANENT && !lane->lost;
    if (lane->outcome == VG_DELIVERED && lane->trouble != VG_TROUBLE_NONE) {
        if (has_aside(deliver, lane))
            return;
        snprintf(subject.why, sizeof subject.why, "%s %s takes messages again", what, lane->name);
        subject.severity = VG_SEVERITY_INFO;
        if (tell(deliver, &subject, now_us))
            lane->trouble = VG_TROUBLE_NONE;
    } else if ((silent || refused || gone) && lane->trouble != VG_TROUBLE_TOLD) {
        subject.severity = VG_SEVERITY_CRITICAL;
        snprintf(subject.why, sizeof subject.why, "%s %s %s: %s", what, lane->name,
                 gone     ? "was to get a message that is not in the outbox any more"
                 : silent ? "has taken nothing for 5 minutes"
                          : "refused a message for good",
                 lane->why);
        if (tell(deliver, &subject, now_us))
            lane->trouble = VG_TROUBLE_TOLD;
    }
}

/* --- Room ------------------------------------------------------------------------------------- */

static void watch_room(struct vg_deliver *deliver, const struct vg_outbox_room *room,
                       int64_t now_us)
{
    int64_t percent = room->rows * 100 / VG_OUTBOX_ROWS;
    int64_t bytes = room->bytes * 100 / VG_OUTBOX_BYTES;
    percent = percent > bytes ? percent : bytes;
    struct subject subject = {.kind = VG_SINK_RECEIVER, .sink = ""};
    if (percent >= FULL_PERCENT && deliver->room_trouble != VG_TROUBLE_TOLD) {
        subject.severity = VG_SEVERITY_CRITICAL;
        snprintf(subject.why, sizeof subject.why,
                 "%" PRId64 " messages wait, %" PRId64 " %% of what the outbox holds; when it is"
                 " full, reminders are dropped first and triggers last",
                 room->rows, percent);
        if (tell(deliver, &subject, now_us))
            deliver->room_trouble = VG_TROUBLE_TOLD;
    } else if (percent < ROOMY_PERCENT && deliver->room_trouble != VG_TROUBLE_NONE) {
        subject.severity = VG_SEVERITY_INFO;
        snprintf(subject.why, sizeof subject.why, "the outbox has room again");
        if (tell(deliver, &subject, now_us))
            deliver->room_trouble = VG_TROUBLE_NONE;
    }
}

int vg_deliver_make_room(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err)
{
    struct vg_outbox_room room;
    int64_t left_us = deliver->room_us - now_us;
    if (left_us > 0 && left_us <= look_us)
        return 0;
    if (vg_store_outbox_room(deliver->store, VG_OUTBOX_ROWS, VG_OUTBOX_BYTES, now_us, &room, err) <
        0)
        return -1;
    deliver->room_us = now_us + look_us;
    if (room.dropped) {
        char dropped[VG_NUMBER_TEXT];
        vg_log(VG_LOG_ERROR, "the outbox is full, messages are dropped", "messages",
               vg_format_double((double)room.dropped, dropped), NULL);
    }
    watch_room(deliver, &room, now_us);
    return end_idle(deliver, now_us, err);
}

/* --- Pairs ------------------------------------------------------------------------------------ */

int vg_deliver_spare(struct vg_deliver *deliver, const struct vg_outgoing *row, int64_t now_us,
                     bool *spared, struct vg_error *err)
{
    int64_t n = 0;
    *spared = false;
    if (row->sink_kind != VG_SINK_RECEIVER || row->kind != VG_MSG_OPEN)
        return 0;
    vg_failpoint("before_pair");
    if (vg_store_outbox_pair(deliver->store, row->id, now_us, &n, err) < 0)
        return -1;
    *spared = n > 0;
    if (n)
        vg_log(VG_LOG_INFO, "not sent: it ended before it could be delivered", "receiver",
               row->sink, "key", row->key, NULL);
    return 0;
}
