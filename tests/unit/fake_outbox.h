/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outbox part of store.h, in memory, for tests of delivery: it defines the functions of the
 * contract, so it is included by exactly one file of a program that does not link the real store.
 */
#ifndef TESTS_UNIT_FAKE_OUTBOX_H
#define TESTS_UNIT_FAKE_OUTBOX_H

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/store.h"

enum fake_state { FAKE_WAITING, FAKE_SENT, FAKE_DEAD, FAKE_GONE };
enum { FAKE_ROWS = 300, FAKE_DECISIONS = 20, FAKE_RUNS = 20 };

struct vg_store {
    struct fake_row {
        struct vg_outgoing row;
        enum fake_state state;
        char why[200], kept[200];
        char sink[40], body[3000]; /* of rows that the engine put */
        bool touched;
        char went_to[VG_KEY_SIZE], digest[VG_KEY_SIZE];
        int64_t held_us;
    } rows[FAKE_ROWS];
    size_t n;
    struct {
        enum vg_decision_kind kind;
        char model[40], key[VG_KEY_SIZE], reason[300];
        int64_t at_us;
    } decisions[FAKE_DECISIONS];
    size_t ndecisions;
    struct {
        struct vg_trouble row;
        char sink[40], told[200];
    } troubles[8];
    size_t ntroubles;
    bool touches;               /* rows put by the test may have been sent before */
    struct vg_outbox_room room; /* what is said of it */
    int fail_records;           /* so many calls that record an outcome fail */
    int64_t withdrawn;          /* id of a row that is withdrawn just before it is claimed */
    int open;                   /* transactions begun and not ended */
    bool unordered;             /* a row ended while an older one of its key waited */
    struct fake_run {
        struct vg_retrain_run row;
        char model[40], system[40], id[600], url[1100], answer[300], place[VG_KEY_SIZE];
    } runs[FAKE_RUNS];
    size_t nruns;
    size_t run_puts;
};
static struct vg_store store;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t store_changed = PTHREAD_COND_INITIALIZER;

static bool is_first(const struct vg_outgoing *row);

static bool can_be_told(const struct fake_row *row)
{
    const char *kept = row->row.kept;
    return row->state == FAKE_WAITING && row->row.sink_kind == VG_SINK_RECEIVER &&
           row->row.kind <= VG_MSG_RESOLVE && row->row.step == 0 && !row->row.standing &&
           (!kept || strstr(kept, VG_KEPT_GATHERED));
}

static struct vg_outgoing fake_outgoing(const struct fake_row *row)
{
    struct vg_outgoing out = row->row;
    out.went_to = row->went_to[0] ? row->went_to : NULL;
    out.digest = row->digest[0] ? row->digest : NULL;
    if (!out.turn_us)
        out.turn_us = vg_outgoing_turn(&out);
    return out;
}

static bool is_first(const struct vg_outgoing *row)
{
    for (size_t i = 0; i < store.n; i++) {
        const struct vg_outgoing *other = &store.rows[i].row;
        if (store.rows[i].state == FAKE_WAITING && other->id < row->id &&
            other->sink_kind == row->sink_kind && !strcmp(other->sink, row->sink) &&
            !strcmp(other->key, row->key))
            return false;
    }
    return true;
}

static bool fake_is_due(size_t i, int64_t now_us)
{
    const struct fake_row *row = &store.rows[i];
    return row->state == FAKE_WAITING && row->row.next_us <= now_us && is_first(&row->row);
}

/* Of one sink in their turn. */
static bool fake_goes_before(const struct vg_outgoing *a, const struct vg_outgoing *b)
{
    bool same = a->sink_kind == b->sink_kind && !strcmp(a->sink, b->sink);
    int64_t first = vg_outgoing_turn(a), then = vg_outgoing_turn(b);
    return same && (first < then || (first == then && a->id < b->id));
}

int vg_store_outbox_due(struct vg_store *self, int64_t now_us, size_t per_sink,
                        struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                        struct vg_error *err)
{
    *n = 0;
    *out = vg_arena_array(arena, FAKE_ROWS, sizeof **out);
    if (!*out)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    pthread_mutex_lock(&store_lock);
    bool due[FAKE_ROWS];
    for (size_t i = 0; i < self->n; i++)
        due[i] = fake_is_due(i, now_us);
    for (size_t i = 0; i < self->n; i++) {
        size_t before = 0;
        for (size_t k = 0; due[i] && k < self->n; k++)
            before += due[k] && fake_goes_before(&self->rows[k].row, &self->rows[i].row);
        if (due[i] && before < per_sink)
            (*out)[(*n)++] = fake_outgoing(&self->rows[i]);
    }
    pthread_mutex_unlock(&store_lock);
    return 0;
}

int vg_store_outbox_next(struct vg_store *self, int64_t now_us, int64_t *out, struct vg_error *err)
{
    (void)err;
    *out = VG_NEVER;
    pthread_mutex_lock(&store_lock);
    for (size_t i = 0; i < self->n; i++) {
        const struct vg_outgoing *row = &self->rows[i].row;
        if (self->rows[i].state == FAKE_WAITING && row->next_us > now_us && row->next_us < *out &&
            is_first(row))
            *out = row->next_us;
    }
    pthread_mutex_unlock(&store_lock);
    return 0;
}

static int end_row(int64_t id, enum fake_state state, int64_t next_us, const char *why,
                   struct vg_error *err)
{
    int rc = 0;
    pthread_mutex_lock(&store_lock);
    struct fake_row *row = &store.rows[id - 1];
    if (store.open != 1)
        rc = vg_fail(err, VG_E_INTERNAL, "outside a transaction");
    else if (store.fail_records > 0 && store.fail_records--)
        rc = vg_fail(err, VG_E_IO, "the disk is full");
    else if (row->state == FAKE_GONE)
        rc = vg_fail(err, VG_E_NOT_FOUND, "no such row");
    if (!rc) {
        store.unordered = store.unordered || !is_first(&row->row);
        row->state = state;
        row->row.attempts++;
        row->row.next_us = state == FAKE_WAITING ? next_us : row->row.next_us;
        snprintf(row->why, sizeof row->why, "%s", why ? why : "");
        pthread_cond_broadcast(&store_changed);
    }
    pthread_mutex_unlock(&store_lock);
    return rc;
}

int vg_store_outbox_sent(struct vg_store *self, int64_t id, int64_t now_us, struct vg_error *err)
{
    (void)self;
    (void)now_us;
    return end_row(id, FAKE_SENT, 0, NULL, err);
}

int vg_store_outbox_dead(struct vg_store *self, int64_t id, int64_t now_us, const char *why,
                         struct vg_error *err)
{
    (void)self;
    (void)now_us;
    return end_row(id, FAKE_DEAD, 0, why, err);
}

int vg_store_outbox_retry(struct vg_store *self, int64_t id, int64_t next_us, const char *why,
                          struct vg_error *err)
{
    int rc = end_row(id, FAKE_WAITING, next_us, why, err);
    if (!rc && !self->rows[id - 1].touched)
        self->rows[id - 1].went_to[0] = '\0';
    return rc;
}

int vg_store_outbox_step(struct vg_store *self, int64_t id, int64_t now_us, struct vg_error *err)
{
    int rc = end_row(id, FAKE_WAITING, now_us, NULL, err);
    self->rows[id - 1].row.step += !rc;
    self->rows[id - 1].row.attempts = 0;
    return rc;
}

/* What stands is a waiting row that is known to stand. */
int vg_store_outbox_stand(struct vg_store *self, int64_t id, int64_t now_us, int64_t next_us,
                          struct vg_error *err)
{
    (void)now_us;
    int rc = end_row(id, FAKE_WAITING, next_us, NULL, err);
    self->rows[id - 1].row.standing = !rc;
    return rc;
}

int vg_store_outbox_keep(struct vg_store *self, int64_t id, const char *text, int64_t now_us,
                         struct vg_error *err)
{
    struct fake_row *row = &self->rows[id - 1];
    (void)now_us;
    (void)err;
    for (size_t i = 0; i < self->n; i++) {
        struct fake_row *other = &self->rows[i];
        if (strcmp(other->row.sink, row->row.sink) || strcmp(other->row.key, row->row.key) ||
            (text && other->kept[0]))
            continue;
        snprintf(other->kept, sizeof other->kept, "%s", text ? text : "");
        other->row.kept = other->kept[0] ? other->kept : NULL;
    }
    return 0;
}

int vg_store_begin(struct vg_store *self, const struct vg_claim *claim, struct vg_error *err)
{
    (void)claim;
    (void)err;
    pthread_mutex_lock(&store_lock);
    self->open++;
    pthread_mutex_unlock(&store_lock);
    return 0;
}

int vg_store_commit(struct vg_store *self, struct vg_error *err)
{
    (void)err;
    pthread_mutex_lock(&store_lock);
    self->open--;
    pthread_mutex_unlock(&store_lock);
    return 0;
}

void vg_store_rollback(struct vg_store *self)
{
    pthread_mutex_lock(&store_lock);
    self->open--;
    pthread_mutex_unlock(&store_lock);
}

int vg_store_decision_put(struct vg_store *self, const struct vg_decision *decision, bool *recorded,
                          struct vg_error *err)
{
    (void)err;
    pthread_mutex_lock(&store_lock);
    size_t i = self->ndecisions++;
    self->decisions[i].kind = decision->kind;
    self->decisions[i].at_us = decision->at_us;
    snprintf(self->decisions[i].model, sizeof self->decisions[i].model, "%s", decision->model);
    snprintf(self->decisions[i].reason, sizeof self->decisions[i].reason, "%s", decision->reason);
    memcpy(self->decisions[i].key, decision->key, VG_KEY_SIZE);
    *recorded = true;
    pthread_mutex_unlock(&store_lock);
    return 0;
}

int vg_store_name(struct vg_store *self, const char *given, struct vg_arena *arena,
                  const char **out, struct vg_error *err)
{
    (void)self;
    *out = vg_arena_strdup(arena, given ? given : "made-once");
    return *out ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- outbox_room.c */

int vg_store_outbox_recover(struct vg_store *self, struct vg_error *err)
{
    (void)err;
    for (size_t i = 0; i < self->n; i++) {
        struct fake_row *row = &self->rows[i];
        bool sent = row->row.sink_kind == VG_SINK_RETRAIN && row->went_to[0];
        row->touched = row->touched || sent;
    }
    return 0;
}

int vg_store_outbox_touch(struct vg_store *self, int64_t id, struct vg_error *err)
{
    (void)err;
    self->rows[id - 1].touched = true;
    return 0;
}

int vg_store_outbox_claim(struct vg_store *self, int64_t id, const char *place, bool *claimed,
                          struct vg_error *err)
{
    struct fake_row *row = &self->rows[id - 1];
    (void)err;
    if (self->withdrawn == id)
        row->state = FAKE_GONE;
    *claimed = row->state == FAKE_WAITING;
    if (*claimed)
        snprintf(row->went_to, sizeof row->went_to, "%s", place);
    return 0;
}

int vg_store_outbox_hold(struct vg_store *self, int64_t id, int64_t until_us, struct vg_error *err)
{
    (void)err;
    self->rows[id - 1].held_us = until_us;
    return 0;
}

int vg_store_set_back(struct vg_store *self, int64_t now_us, int64_t back_us, struct vg_error *err)
{
    (void)err;
    for (size_t i = 0; i < self->n; i++) {
        int64_t *next_us = &self->rows[i].row.next_us;
        if (back_us && *next_us > now_us)
            *next_us -= back_us;
        else if (!back_us && *next_us > now_us + VG_HOUR_US)
            *next_us = now_us;
    }
    return 0;
}

int vg_store_outbox_held(struct vg_store *self, enum vg_sink_kind kind, const char *sink,
                         int64_t *until_us, struct vg_error *err)
{
    (void)kind;
    (void)err;
    *until_us = 0;
    for (size_t i = 0; i < self->n; i++) {
        if (self->rows[i].state == FAKE_WAITING && !strcmp(self->rows[i].row.sink, sink) &&
            self->rows[i].held_us > *until_us)
            *until_us = self->rows[i].held_us;
    }
    return 0;
}

int vg_store_outbox_put(struct vg_store *self, const struct vg_outgoing *row, struct vg_error *err)
{
    pthread_mutex_lock(&store_lock);
    struct fake_row *own = &self->rows[self->n++];
    *own = (struct fake_row){.row = *row};
    snprintf(own->sink, sizeof own->sink, "%s", row->sink);
    size_t n = (size_t)snprintf(own->body, sizeof own->body, "%s", row->body);
    own->row.sink = own->sink;
    own->row.body = own->body;
    own->row.id = (int64_t)self->n;
    pthread_mutex_unlock(&store_lock);
    return n < sizeof own->body ? 0 : vg_fail(err, VG_E_LIMIT, "too long for the fake");
}

/* As in the SQL: a trigger that is known not to have arrived, and its end behind it. */
int vg_store_outbox_pair(struct vg_store *self, int64_t id, int64_t now_us, int64_t *n,
                         struct vg_error *err)
{
    const struct fake_row *open = &self->rows[id - 1];
    bool ended = false;
    (void)now_us;
    (void)err;
    *n = 0;
    for (size_t i = 0; i < self->n; i++) {
        const struct vg_outgoing *row = &self->rows[i].row;
        ended = ended || (self->rows[i].state == FAKE_WAITING && row->id > id &&
                          row->kind == VG_MSG_RESOLVE && !strcmp(row->key, open->row.key) &&
                          !strcmp(row->sink, open->row.sink));
    }
    for (size_t i = 0; ended && !open->touched && i < self->n; i++) {
        const struct vg_outgoing *row = &self->rows[i].row;
        if (self->rows[i].state == FAKE_WAITING && !strcmp(row->key, open->row.key) &&
            !strcmp(row->sink, open->row.sink)) {
            self->rows[i].state = FAKE_GONE;
            ++*n;
        }
    }
    return 0;
}

int vg_store_outbox_room(struct vg_store *self, int64_t rows_most, int64_t bytes_most,
                         int64_t now_us, struct vg_outbox_room *out, struct vg_error *err)
{
    (void)rows_most;
    (void)bytes_most;
    (void)now_us;
    (void)err;
    *out = self->room;
    return 0;
}

static size_t find_trouble(struct vg_store *self, enum vg_sink_kind kind, const char *sink)
{
    size_t i = 0;
    while (i < self->ntroubles &&
           (self->troubles[i].row.sink_kind != kind || strcmp(self->troubles[i].sink, sink) != 0))
        i++;
    return i;
}

int vg_store_trouble(struct vg_store *self, enum vg_sink_kind kind, const char *sink,
                     struct vg_arena *arena, struct vg_trouble *out, bool *found,
                     struct vg_error *err)
{
    size_t i = find_trouble(self, kind, sink);
    (void)err;
    *found = i < self->ntroubles;
    if (!*found)
        return 0;
    *out = self->troubles[i].row;
    out->sink = vg_arena_strdup(arena, self->troubles[i].sink);
    out->told = vg_arena_strdup(arena, self->troubles[i].told);
    return 0;
}

int vg_store_trouble_put(struct vg_store *self, const struct vg_trouble *row, struct vg_error *err)
{
    size_t i = self->ntroubles++;
    (void)err;
    self->troubles[i].row = *row;
    snprintf(self->troubles[i].sink, sizeof self->troubles[i].sink, "%s", row->sink);
    snprintf(self->troubles[i].told, sizeof self->troubles[i].told, "%s", row->told);
    return 0;
}

int vg_store_trouble_delete(struct vg_store *self, enum vg_sink_kind kind, const char *sink,
                            struct vg_error *err)
{
    size_t i = find_trouble(self, kind, sink);
    (void)err;
    if (i < self->ntroubles)
        self->troubles[i] = self->troubles[--self->ntroubles];
    return 0;
}

#include "tests/unit/fake_aside.h"

/* Puts a row into the outbox; its body lives as long as the test. Returns its id. */
static int64_t put_row(enum vg_sink_kind kind, const char *sink, const char *key,
                       enum vg_message_kind message, const char *body)
{
    pthread_mutex_lock(&store_lock);
    struct fake_row *row = &store.rows[store.n++];
    *row = (struct fake_row){.row = {.id = (int64_t)store.n,
                                     .sink_kind = kind,
                                     .sink = sink,
                                     .kind = message,
                                     .body = body}};
    row->touched = store.touches;
    snprintf(row->row.key, VG_KEY_SIZE, "%s", key);
    int64_t id = row->row.id;
    pthread_mutex_unlock(&store_lock);
    return id;
}

static enum fake_state state_of(int64_t id)
{
    pthread_mutex_lock(&store_lock);
    enum fake_state state = store.rows[id - 1].state;
    pthread_mutex_unlock(&store_lock);
    return state;
}

#include "tests/unit/fake_many.h"
#include "tests/unit/fake_runs.h"

#endif
