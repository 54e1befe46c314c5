/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store's contract where it is about telling people: what is told together, what waits
 * in the outbox in vain, receivers that fail, silences; layer 2. Part of store.h. */
#ifndef PGVIGIL_STORE_TELLING_H
#define PGVIGIL_STORE_TELLING_H

#include "pgvigil/event.h"

struct vg_store;

/* --- What is told together (outbox_many.c) ----------------------------------------------- */
/* Rows of a receiver that can be told in one message with others, the gravest first and of equal
 * ones the oldest, at most 1000: those of due() that tell of an incident, of which no request has
 * been made, and to which nothing is kept, or what a message of many left (VG_KEPT_GATHERED).
 * Without bodies. */
int vg_store_outbox_gather(struct vg_store *store, const char *sink, int64_t now_us,
                           struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                           struct vg_error *err);
/* The body of a row; VG_E_NOT_FOUND. In arena. */
int vg_store_outbox_body(struct vg_store *store, int64_t id, struct vg_arena *arena,
                         const char **out, struct vg_error *err);
/* Of the rows of a receiver that may be tried now the one that was tried least, of such the one
 * whose turn it is: none that was begun to be told with others, and of what can be told together no
 * news, reminders, ends that are held. */
struct vg_outbox_beside {
    const char *sink;
    int64_t now_us;
    bool held[3];   /* news, reminders, ends */
    int64_t but[3]; /* ids of rows that may go though their sort is held; 0: none */
};
int vg_store_outbox_first(struct vg_store *store, const struct vg_outbox_beside *of,
                          struct vg_arena *arena, struct vg_outgoing *out, bool *found,
                          struct vg_error *err);
/* Before a message of many is sent for the first time: these rows are told in it, under this key,
 * until it is known not to have arrived. */
int vg_store_outbox_begun(struct vg_store *store, const int64_t *ids, size_t n, const char *digest,
                          struct vg_error *err);
/* The rows that wait and are told in it, in order, whenever they are due. Without bodies. */
int vg_store_outbox_digest(struct vg_store *store, const char *sink, const char *digest,
                           struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                           struct vg_error *err);
/* It was certainly not taken this time: the row may be told otherwise, unless it may have arrived
 * the time before. refused: not even then has anybody read it. */
int vg_store_outbox_apart(struct vg_store *store, int64_t id, bool refused, struct vg_error *err);

/* --- What waits in vain (outbox_room.c) ------------------------------------------------- */
/* Every message that waits may have been sent by whoever held the store before and not been marked;
 * of requests for retraining those that were claimed. To be called once, before anything is sent.
 */
int vg_store_outbox_recover(struct vg_store *store, struct vg_error *err);
/* The row was sent, and whether it arrived is unknown. */
int vg_store_outbox_touch(struct vg_store *store, int64_t id, struct vg_error *err);
/* A request for retraining is about to be sent there: until a retry is recorded nobody may withdraw
 * it, and as long as it may have arrived went_to says where. *claimed false: it does not wait any
 * more, and must not be sent. */
int vg_store_outbox_claim(struct vg_store *store, int64_t id, const char *place, bool *claimed,
                          struct vg_error *err);
/* The receiver asked for silence until then; and the latest such time of any message to it. */
int vg_store_outbox_hold(struct vg_store *store, int64_t id, int64_t until_us,
                         struct vg_error *err);
int vg_store_outbox_held(struct vg_store *store, enum vg_sink_kind kind, const char *sink,
                         int64_t *until_us, struct vg_error *err);
/* The clock was set back to now by back_us: messages, runs that are followed and keys of offending
 * rows that wait for a time of the former clock do so for one that is as much earlier. back_us 0,
 * at a start: those that wait over an hour, which no back-off does, wait no more (set_back.c). */
int vg_store_set_back(struct vg_store *store, int64_t now_us, int64_t back_us,
                      struct vg_error *err);
/* Where the row is a trigger that has certainly not been delivered, and its end waits behind it, no
 * one needs to hear of either: what waits of its sink and key up to this end is let go of. *n: how
 * many. */
int vg_store_outbox_pair(struct vg_store *store, int64_t id, int64_t now_us, int64_t *n,
                         struct vg_error *err);
/* What waits in all, and how many messages were dropped to bring it below the limits: reminders
 * first, then what pages nobody, updates, triggers whose end waits too, and last what is left; of
 * the receiver for which most waits, the oldest first. Retraining requests are never dropped. */
enum { VG_OUTBOX_ROWS = 10000, VG_OUTBOX_BYTES = 64 << 20 };
struct vg_outbox_room {
    int64_t rows, bytes, dropped;
};
int vg_store_outbox_room(struct vg_store *store, int64_t rows_most, int64_t bytes_most,
                         int64_t now_us, struct vg_outbox_room *out, struct vg_error *err);
/* Rows that wait or were set aside, in order; at most 1000. No bodies. In arena. */
struct vg_outbox_row {
    struct vg_outgoing row;
    bool dead;
    int64_t ended_us; /* of a dead one */
};
int vg_store_outbox_list(struct vg_store *store, struct vg_arena *arena, struct vg_outbox_row **out,
                         size_t *n, struct vg_error *err);
struct vg_outbox_choice {
    int64_t id;       /* 0: all */
    const char *sink; /* NULL: of any */
};
/* Rows that were set aside wait again; not a trigger whose end is or may be on its way. Those that
 * wait are due at once. Not a request for retraining that was set aside. *n: how many. */
int vg_store_outbox_redrive(struct vg_store *store, const struct vg_outbox_choice *choice,
                            int64_t now_us, int64_t *n, struct vg_error *err);
/* Rows that wait or were set aside are let go of; not a request for retraining that waits. */
int vg_store_outbox_drop(struct vg_store *store, const struct vg_outbox_choice *choice,
                         int64_t now_us, int64_t *n, struct vg_error *err);
/* Requests for retraining among those chosen: that were set aside, or that wait. */
int vg_store_outbox_requests(struct vg_store *store, const struct vg_outbox_choice *choice,
                             bool dead, int64_t *n, struct vg_error *err);
/* The request for retraining of a model that waits. */
struct vg_outbox_pending {
    char key[VG_KEY_SIZE]; /* of its onset */
    bool touched;          /* it was sent, and whether it arrived is unknown */
    bool sending;          /* it is being sent now */
};
int vg_store_outbox_pending(struct vg_store *store, const char *model, struct vg_arena *arena,
                            struct vg_outbox_pending *out, bool *found, struct vg_error *err);
/* Lets go of the request of an onset; VG_E_NOT_FOUND where it does not wait or is being sent. */
int vg_store_outbox_withdraw(struct vg_store *store, const char *key, int64_t now_us,
                             struct vg_error *err);
/* A receiver or model that fails and was reported; found false when there is none. In arena. */
struct vg_trouble {
    enum vg_sink_kind sink_kind;
    const char *sink;
    char key[VG_KEY_SIZE]; /* of the report */
    int64_t since_us;
    const char *told; /* the receiver that was told */
};
int vg_store_trouble(struct vg_store *store, enum vg_sink_kind kind, const char *sink,
                     struct vg_arena *arena, struct vg_trouble *out, bool *found,
                     struct vg_error *err);
int vg_store_trouble_put(struct vg_store *store, const struct vg_trouble *row,
                         struct vg_error *err);
int vg_store_trouble_delete(struct vg_store *store, enum vg_sink_kind kind, const char *sink,
                            struct vg_error *err);

/* Messages that open an incident and were set aside for this receiver (outbox_aside.c). */
int vg_store_outbox_aside(struct vg_store *store, const char *sink, int64_t *n,
                          struct vg_error *err);
/* Receivers in trouble for which nothing waits and nothing is set aside any more. In arena. */
int vg_store_trouble_idle(struct vg_store *store, struct vg_arena *arena, struct vg_strings *out,
                          struct vg_error *err);

/* --- Silences (silences.c) --------------------------------------------------------------- */
struct vg_silence {
    int64_t id;
    struct vg_match match;
    int64_t from_us, until_us, made_us;
    const char *by, *why;
};
int vg_store_silence_put(struct vg_store *store, const struct vg_silence *row, int64_t *id,
                         struct vg_error *err);
/* Those that end after since_us, in the order they were made. In arena. */
int vg_store_silences(struct vg_store *store, int64_t since_us, struct vg_arena *arena,
                      struct vg_silence **out, size_t *n, struct vg_error *err);
/* Ends it now. VG_E_NOT_FOUND where none of this number is in force or to come. */
int vg_store_silence_expire(struct vg_store *store, int64_t id, int64_t now_us,
                            struct vg_error *err);

#endif
