/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the delivery engine share: its state, and the request made of a row.
 *
 * deliver.c owns rows, thread.c the thread, lanes.c lanes, counts and configuration, push.c the
 * pushes, pack.c the making of requests, record.c outcomes, gather.c what is told together and
 * compose.c how, training.c requests for retraining and follow.c the runs they started. The lock is
 * around config, agent, the list of lanes, counts and pushes; it is never held during a call of the
 * store, a hook or a poll. All else belongs to the thread that delivers.
 */
#ifndef PGVIGIL_AGENT_DELIVER_PARTS_H
#define PGVIGIL_AGENT_DELIVER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/deliver/deliver.h"
#include "agent/secret.h"

enum {
    VG_DELIVER_WHY = 200,
    VG_DELIVER_KEPT = 500,
    VG_DELIVER_BREAK = 5,   /* failures in a row that open the breaker */
    VG_GATHER_MOST = 500,   /* incidents told in one message */
    VG_GATHER_SORTS = 3,    /* what can be told together: news, reminders, ends */
    VG_GATHER_SINGLES = 100 /* the most that `digest` can be */
};

/* The engine writes with the right of the process that holds the store. */
#define VG_DELIVER_CLAIM (&(const struct vg_claim){.owner = "", .epoch = 0})
/* After the store has failed. */
#define VG_DELIVER_PAUSE_US VG_US

typedef enum vg_outcome vg_answer_fn(const struct vg_response *response, int64_t *retry_after_us,
                                     char *why, size_t why_size);
typedef void vg_keep_fn(const struct vg_response *response, struct vg_buf *out);

struct vg_chain;
struct vg_follower;
struct vg_trigger_said;

/* First in everything that is the tag of a request. */
enum vg_cargo { VG_CARGO_ROW, VG_CARGO_PUSH, VG_CARGO_BEAT, VG_CARGO_RUN };
struct vg_tag {
    enum vg_cargo cargo;
};

/* Whether somebody was told that it is in trouble; after a start only the store knows. */
enum vg_trouble_known { VG_TROUBLE_UNKNOWN, VG_TROUBLE_NONE, VG_TROUBLE_TOLD };

/* A message that was sent alone to who is told of many at once; id 0: none. */
struct vg_single {
    int64_t id, at_us;
};

/* A receiver or a model: one request at a time. */
struct vg_lane {
    struct vg_tag tag;
    _Atomic(struct vg_lane *) next; /* lanes are only ever added, so they are walked unlocked */
    enum vg_sink_kind kind;
    char *name;
    struct vg_deliver_count count; /* under the lock */
    bool absent_said;              /* under the lock: the log knows that it is not configured */
    int failures;                  /* attempts in a row after which it was to be tried again */
    int64_t down_us;               /* the first of them */
    enum vg_trouble_known trouble;
    bool held_known;   /* what it asked for before the start is in hold_us */
    int64_t asked_us;  /* of the last answer: it asked for silence until then; 0: not */
    atomic_bool urged; /* a person wants it to be tried now */
    bool unclear;      /* of the answer: the request may have arrived all the same */
    bool lost;         /* of a model: it may have arrived where nobody can be asked any more */
    int64_t hold_us;   /* nothing before */
    int64_t pace_us;   /* theoretical time of the next request, as in GCRA */
    int64_t spacing_us;
    int burst;
    bool busy;              /* a request is under way, or its outcome is not recorded */
    bool answered;          /* of busy: what follows is set */
    int64_t row, record_us; /* id of the row; record not before */
    char key[VG_KEY_SIZE];
    enum vg_message_kind message;
    int attempts;
    vg_answer_fn *answer;
    vg_keep_fn *keep;
    bool more, standing; /* of the request, of the row */
    int64_t again_us;
    enum vg_outcome outcome;
    bool afresh;    /* of the outcome: what was kept is to be forgotten */
    bool apart;     /* of the outcome: refused as a message of many, each for itself from now on */
    size_t missing; /* of the outcome: rows that were not in the outbox any more */
    int64_t next_us;
    char why[VG_DELIVER_WHY];
    char kept[VG_DELIVER_KEPT]; /* to be kept of the answer, or "" */
    struct vg_chain *chain;     /* of a model, else NULL */
    /* Of a receiver that is told of many incidents at once (gather.c). */
    int64_t members[VG_GATHER_MOST]; /* ids of the rows of the request; none: `row` alone */
    size_t nmembers;
    struct vg_single singles[VG_GATHER_SORTS][VG_GATHER_SINGLES]; /* of late, in no order */
    bool gathering[VG_GATHER_SORTS];  /* rows of this sort wait for others */
    int64_t rush_us[VG_GATHER_SORTS]; /* what was made by then was due at once, and is told so */
    int64_t gather_us;                /* rows wait until then; 0: none does */
    int64_t singly_us;                /* one of many was refused: each for itself until then */
};

struct vg_beat {
    struct vg_tag tag;
    atomic_bool wanted;
    bool in_flight, failed;
    int64_t sent_us;
    int64_t hold_us; /* nothing before */
};

struct vg_push_entry {
    struct vg_tag tag;
    struct vg_push_entry *next;
    char *url, *method, *body;
    size_t n;
    bool wanted, in_flight;
    bool abandoned;      /* a reload took the gateway away: not again by itself */
    bool elsewhere;      /* of the request under way: not to the gateway in force */
    char sent_method[8]; /* of the request under way */
};

/* A gateway that a reload has replaced: groups there are deleted with the rights it had. */
struct vg_former_gateway {
    struct vg_former_gateway *next;
    struct vg_arena *arena; /* owns all of it */
    struct vg_endpoint endpoint;
};

struct vg_deliver {
    const atomic_bool *watched; /* set: a drain ends; or NULL */
    struct vg_store *store;
    struct vg_http *http;
    struct vg_clock *clock;
    struct vg_deliver_hooks hooks;
    double (*random)(void *arg);
    void *random_arg;
    pthread_t thread;
    bool started;
    bool paced; /* keep to the spacing of services: on the real clock only */
    atomic_bool stopping;
    int64_t store_us; /* the store failed: not before */
    int64_t room_us;  /* look again whether the outbox is full, not before */
    enum vg_trouble_known room_trouble;
    int64_t turn_us; /* clock of the turn */
    int64_t seen_us; /* clock of the turn before; 0: there was none */
    bool spared;     /* in it rows were let go of */
    struct vg_beat beat;
    struct vg_follower *followers;
    pthread_mutex_t lock;
    const struct vg_config *config;
    char *agent;
    _Atomic(struct vg_lane *) lanes;
    struct vg_push_entry *pushes;
    struct vg_former_gateway *former; /* the newest first */
    int pushes_in_flight, push_failures;
    int elsewhere_in_flight;             /* not among pushes_in_flight: they hold nobody up */
    int64_t push_hold_us, push_asked_us; /* nothing before; because the gateway asked for it */
    struct vg_deliver_push_count push_count;
};

static inline int64_t vg_deliver_now(const struct vg_deliver *deliver)
{
    return deliver->clock->ops->now_us(deliver->clock);
}

/* Whether what is to be recorded must wait for a store that has failed. A time further off is of a
 * clock that was set back. */
static inline bool vg_deliver_pauses(int64_t record_us, int64_t now_us)
{
    return record_us > now_us && record_us - now_us <= VG_DELIVER_PAUSE_US;
}

/* --- lanes.c ---------------------------------------------------------------------------------- */
/* Under the lock: the lane of a sink, made if it is new. NULL out of memory. */
struct vg_lane *vg_deliver_lane(struct vg_deliver *deliver, enum vg_sink_kind kind,
                                const char *name);
/* Lanes that people want to be tried now wait no more than they were asked to. */
void vg_deliver_hurry(struct vg_deliver *deliver);

/* --- deliver.c -------------------------------------------------------------------------------- */
/* Microseconds to wait after an attempt before which so many had failed: 1 s doubled for each, at
 * most most_us, times share, a random number in [0, 1): full jitter. */
int64_t vg_deliver_backoff(int failed_before, int64_t most_us, double share);
/* One turn: what is known is recorded, what is due is sent. *again_us: when to look again. */
int vg_deliver_turn(struct vg_deliver *deliver, int64_t now_us, int64_t *again_us,
                    struct vg_error *err);
/* record.c: records what can be recorded; *any says whether there was something. */
int vg_deliver_record(struct vg_deliver *deliver, int64_t now_us, bool *any, struct vg_error *err);
void vg_deliver_answered(struct vg_deliver *deliver, void *tag, const struct vg_response *response,
                         int64_t now_us);
/* Whether an answer is awaited. */
bool vg_deliver_under_way(const struct vg_deliver *deliver);

/* --- pack.c ----------------------------------------------------------------------------------- */
enum vg_ready {
    VG_READY_SEND,
    VG_READY_NOTHING, /* this receiver is not sent such a message */
    VG_READY_ABSENT,  /* the receiver or model is not in the configuration */
};
struct vg_parcel {
    enum vg_ready ready;
    struct vg_request request; /* in the arena, but for the secrets */
    vg_answer_fn *answer;
    vg_keep_fn *keep;   /* or NULL */
    const char *scheme; /* of Authorization; NULL: Bearer */
    int64_t spacing_us;
    int burst;
    struct vg_secret secret, token, signing[2];
    const char *hidden[5]; /* those of them that there are, and one lent */
};
/* What a row is rendered for. */
struct vg_packing {
    const struct vg_config *config;
    const char *agent;
    int64_t now_us;
};
/* The request of a receiver's row. VG_E_DATA: its text cannot be read. To be emptied whatever is
 * returned. */
int vg_deliver_pack(const struct vg_packing *packing, const struct vg_outgoing *row,
                    struct vg_arena *arena, struct vg_parcel *out, struct vg_error *err);
void vg_deliver_unpack(struct vg_parcel *parcel);
/* The request of a message that is not of the outbox; `kept` as in vg_sink_in. */
int vg_deliver_pack_message(const struct vg_packing *packing, const char *receiver,
                            const struct vg_message *message, const char *kept,
                            struct vg_arena *arena, struct vg_parcel *out, struct vg_error *err);
/* Says which texts of the parcel, and `also` unless NULL, are secrets: struck out of answers. */
void vg_deliver_say_secrets(struct vg_parcel *parcel, const char *also);
/* Adds "Authorization: Bearer" from the file, if there is one; the text is the parcel's. Last of
 * all: it also says which of the parcel's texts are secret. */
int vg_deliver_authorize(struct vg_parcel *parcel, const char *token_file, struct vg_arena *arena,
                         struct vg_error *err);

/* --- gather.c --------------------------------------------------------------------------------- */
/* What is to become of the rows of a lane now. */
struct vg_gather {
    const struct vg_outgoing *listed; /* the first few rows of all lanes that are due; given */
    size_t nlisted;
    struct vg_outgoing *rows; /* that can be told with others, the gravest first, no bodies */
    size_t n;
    bool *alone;                   /* per row: it goes singly, now or after others */
    bool held[VG_GATHER_SORTS];    /* of this sort nothing goes singly but those */
    int64_t next[VG_GATHER_SORTS]; /* of those the one to be sent now; 0: none */
    int next_attempts[VG_GATHER_SORTS];
    int together; /* what is held of this sort is told in one message now; -1: of none */
    const struct vg_outgoing *gravest; /* of what is told together */
    /* A message of many that may have arrived, the oldest: its key, and how often it was tried. */
    const char *begun; /* or NULL */
    int begun_attempts;
};
/* News, reminders and ends are told apart; -1: never together with others. */
int vg_gather_sort(enum vg_message_kind kind);
/* Looks at what is due to the lane. Of a receiver that does not gather nothing is held. Who is held
 * is held until lane->gather_us. */
int vg_deliver_gather(struct vg_deliver *deliver, struct vg_lane *lane, struct vg_arena *arena,
                      struct vg_gather *out, struct vg_error *err);
/* The row that goes singly now, or NULL: of those tried least the gravest, of such the oldest. */
int vg_gather_choose(struct vg_deliver *deliver, const struct vg_lane *lane,
                     const struct vg_gather *gather, struct vg_arena *arena,
                     const struct vg_outgoing **best, struct vg_error *err);
/* Whether a row that goes singly is graver than what is to be told together. */
bool vg_gather_goes_before(const struct vg_gather *gather, const struct vg_outgoing *row);
/* What was to be told together goes one by one. */
void vg_gather_let_go(struct vg_gather *gather);
/* A message is sent alone: it counts for what may be sent alone after it. */
void vg_gather_count(struct vg_deliver *deliver, struct vg_lane *lane,
                     const struct vg_outgoing *row, int64_t now_us);

/* --- compose.c -------------------------------------------------------------------------------- */
/* Makes one message of the rows that are to be told together; their ids are in lane->members, the
 * first of them in *first, with what is kept where that is the same of all. From here on they are
 * told in it until it is known not to have arrived. *message NULL: there are no two that can be
 * read. */
int vg_gather_compose(struct vg_deliver *deliver, struct vg_lane *lane,
                      const struct vg_gather *gather, struct vg_outgoing *first,
                      struct vg_arena *arena, const struct vg_message **message,
                      struct vg_error *err);
/* The same once more of gather->begun. *message NULL: what was left of it is for itself now. */
int vg_gather_again(struct vg_deliver *deliver, struct vg_lane *lane,
                    const struct vg_gather *gather, struct vg_outgoing *first,
                    struct vg_arena *arena, const struct vg_message **message,
                    struct vg_error *err);

/* --- set_back.c ------------------------------------------------------------------------------- */
/* Compares the clock with that of the turn before: was it set back, what waits is due as much
 * earlier. The first time what waits longer than any back-off is due now. */
int vg_deliver_set_back(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err);

/* --- push.c ----------------------------------------------------------------------------------- */
/* Starts what may be sent now; returns when to look again. */
int64_t vg_deliver_start_pushes(struct vg_deliver *deliver, int64_t now_us);
void vg_deliver_take_push(struct vg_deliver *deliver, struct vg_push_entry *entry,
                          const struct vg_response *response, int64_t now_us);
/* Under the lock: forgets requests that are not under way. */
void vg_deliver_drop_pushes(struct vg_deliver *deliver);

/* --- alarm.c ---------------------------------------------------------------------------------- */
/* After an outcome was recorded: tells others when the lane's trouble begins or is over, and when a
 * message was lost. */
void vg_deliver_alarm(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us);
/* Every few seconds: what is too much for the outbox goes, and somebody is told before. */
int vg_deliver_make_room(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err);
/* Whether the message need not be sent any more, with all that waits behind it. */
int vg_deliver_spare(struct vg_deliver *deliver, const struct vg_outgoing *row, int64_t now_us,
                     bool *spared, struct vg_error *err);

/* --- training.c ------------------------------------------------------------------------------- */
enum vg_way {
    VG_WAY_OPEN,
    VG_WAY_ABSENT, /* the model is not in the configuration */
    VG_WAY_LOST,   /* it may have arrived elsewhere, and goes nowhere any more */
    VG_WAY_GONE,   /* it was withdrawn since it was listed */
    VG_WAY_FAILED, /* why is in lane->why */
};
/* Where a request for retraining may go; OPEN: the row says so in the store, and lane->chain is
 * prepared. */
int vg_deliver_find_way(struct vg_deliver *deliver, struct vg_lane *lane,
                        const struct vg_outgoing *row, enum vg_way *way, struct vg_error *err);
/* An answer to a model's request: true when another request of the same chain is under way now. */
bool vg_deliver_take_said(struct vg_deliver *deliver, struct vg_lane *lane,
                          const struct vg_response *response, int64_t now_us,
                          int64_t *retry_after_us, enum vg_outcome *outcome);
/* Inside the transaction that records the outcome: what is known of the run. */
int vg_deliver_put_run(struct vg_deliver *deliver, struct vg_lane *lane, int64_t now_us,
                       struct vg_error *err);
/* After it was recorded. */
void vg_deliver_end_ask(struct vg_deliver *deliver, struct vg_lane *lane);
/* Under the lock: reads an answer and sends the next request of the chain, if there is one. True
 * when there is. */
bool vg_deliver_go_on(struct vg_deliver *deliver, struct vg_chain *chain, void *tag,
                      const struct vg_response *response, struct vg_trigger_said *said);

/* --- follow.c --------------------------------------------------------------------------------- */
/* Records what was heard of runs, and asks about those whose time has come. */
int vg_deliver_follow(struct vg_deliver *deliver, int64_t now_us, int64_t *again_us,
                      struct vg_error *err);
void vg_deliver_take_run(struct vg_deliver *deliver, struct vg_follower *follower,
                         const struct vg_response *response, int64_t now_us);
/* Whether an answer about a run is awaited. */
bool vg_deliver_follows(const struct vg_deliver *deliver);
void vg_deliver_drop_followers(struct vg_deliver *deliver);

/* --- beat.c ----------------------------------------------------------------------------------- */
void vg_deliver_start_beat(struct vg_deliver *deliver, int64_t now_us);
void vg_deliver_take_beat(struct vg_deliver *deliver, const struct vg_response *response,
                          int64_t now_us);

/* --- rights.c --------------------------------------------------------------------------------- */
/* Under the lock. The endpoint whose rights a request for the group has: that of the gateway its
 * URL belongs to, in force or former; else *bare, which has neither token nor headers. *elsewhere:
 * it is not the one in force. */
const struct vg_endpoint *vg_deliver_rights(const struct vg_deliver *deliver, const char *group_url,
                                            struct vg_endpoint *bare, bool *elsewhere);
/* Under the lock, before the configuration is replaced: keeps its gateway as a former one. */
int vg_deliver_retire_gateway(struct vg_deliver *deliver, struct vg_error *err);
void vg_deliver_forget_gateways(struct vg_deliver *deliver);

#endif
