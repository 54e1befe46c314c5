/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The delivery engine: takes what the outbox holds due, sends it, and records every outcome.
 *
 * At least once, with a stable key: a row leaves the outbox only after its answer. One request is
 * under way per receiver or model, any number of them side by side, so that a dead one delays no
 * other. Refusals for good are set aside and counted; all else is tried again for ever, with full
 * jitter (1 s doubling to 5 min) and no sooner than Retry-After says (at most 1 h). It also carries
 * the requests to the Pushgateway, of which the last one per group counts and none is stored.
 */
#ifndef PGVIGIL_AGENT_DELIVER_H
#define PGVIGIL_AGENT_DELIVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/ports.h"
#include "pgvigil/rule.h"
#include "pgvigil/store.h"

struct vg_deliver;

/* The ports are borrowed and must live longer, config until it is replaced by a reload.
 * VG_E_MEMORY, VG_E_INTERNAL, and what the store says about the agent's name. */
int vg_deliver_new(struct vg_store *store, struct vg_http *http, struct vg_clock *clock,
                   const struct vg_config *config, struct vg_deliver **out, struct vg_error *err);
/* Ends the thread if it runs. NULL is fine. */
void vg_deliver_free(struct vg_deliver *deliver);

/* --- In the daemon: a thread of its own, on the clock ----------------------------------------- */
int vg_deliver_start(struct vg_deliver *deliver, struct vg_error *err);
/* Sends nothing new, waits at most 2 s for answers under way, records them, and ends the thread; a
 * drain in another thread ends with VG_E_CANCELLED. */
void vg_deliver_stop(struct vg_deliver *deliver);
/* There is news in the outbox. From any thread. */
void vg_deliver_wake(struct vg_deliver *deliver);

/* A person has asked for another attempt: who is waited for after failures, a receiver or a model
 * of this name (NULL: any), is waited for no more, except for as long as it asked for itself. From
 * any thread. */
void vg_deliver_urge(struct vg_deliver *deliver, const char *sink);

/* All is well: the heartbeat of the configuration is due. From any thread. */
void vg_deliver_beat(struct vg_deliver *deliver);

/* --- On a virtual clock: without the thread --------------------------------------------------- */
/* Sends everything that is due at now_us, waits for the answers and records them. What must be
 * tried again waits for a later call. -1: the store failed; what was sent may be sent again. */
/* A drain ends early, with VG_E_CANCELLED, once *stop is set; what was under way is sent again. */
void vg_deliver_watch(struct vg_deliver *deliver, const atomic_bool *stop);
int vg_deliver_drain(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err);

/* --- Either way, from any thread -------------------------------------------------------------- */
/* Another configuration from now on; the former one is no longer used when this returns. -1: it is
 * in use all the same, but there is no memory for counts, or for the rights of the Pushgateway that
 * was replaced: then its groups are asked to be deleted without any. */
int vg_deliver_reload(struct vg_deliver *deliver, const struct vg_config *config,
                      struct vg_error *err);

/* A request to a Pushgateway: method PUT, POST or DELETE on the URL of a group. It has the rights
 * of config->push only where that is the gateway; on one that a reload has replaced it has the
 * rights of then, elsewhere none, and is tried once. `body` (n bytes from malloc, or NULL) belongs
 * to the engine from here on, also on -1 (no memory). A request for the same URL that has not been
 * sent yet is replaced. No answer, 408, 425, 429 and 5xx are tried again with what is newest then;
 * a body that was refused is not. */
int vg_deliver_push(struct vg_deliver *deliver, const char *group_url, const char *method,
                    char *body, size_t n);

/* Told of what happens, from the thread that delivers, with no lock held; each may be NULL. */
struct vg_deliver_hooks {
    void *arg;
    /* An attempt to deliver, and its outcome; a request that could not even be made is one too. */
    void (*notified)(void *arg, enum vg_sink_kind kind, const char *sink, enum vg_outcome outcome);
    /* A decision was recorded: ACCEPTED or REFUSED. */
    void (*decided)(void *arg, const struct vg_decision *decision);
    /* An attempt to ask a training system, recorded; run is what is known of it. */
    void (*asked)(void *arg, const struct vg_retrain_run *run, enum vg_outcome outcome);
    /* A run that is followed has changed its state, recorded. */
    void (*ran)(void *arg, const struct vg_retrain_run *run);
    /* A push was answered (status 0: there was no answer). */
    void (*pushed)(void *arg, const char *group_url, const char *method,
                   const struct vg_response *response, int64_t now_us);
};
/* To be called before start and before the first drain. */
void vg_deliver_hooks(struct vg_deliver *deliver, const struct vg_deliver_hooks *hooks);
/* The source of jitter: numbers in [0, 1). For tests. */
void vg_deliver_random(struct vg_deliver *deliver, double (*next)(void *arg), void *arg);

struct vg_deliver_count {
    const char *sink; /* lives as long as the engine */
    enum vg_sink_kind sink_kind;
    uint64_t attempts, sent, failures, dropped; /* failures: attempts that did not deliver */
};
/* The first n counts into out; returns how many there are. Every configured sink has one. */
size_t vg_deliver_counts(struct vg_deliver *deliver, struct vg_deliver_count *out, size_t n);
struct vg_deliver_push_count {
    uint64_t ok, failed;
};
struct vg_deliver_push_count vg_deliver_push_counts(struct vg_deliver *deliver);

/* --- Beside any engine ------------------------------------------------------------------------ */
struct vg_deliver_said {
    enum vg_outcome outcome;
    bool nothing; /* this receiver is not sent such a message */
    int status;   /* 0: no answer */
    char why[200];
};
/* Sends one message to one receiver now and waits for the answer; touches no store. -1: there is no
 * request to be made (secret file, URL). */
int vg_deliver_once(struct vg_http *http, const struct vg_receiver *receiver,
                    const struct vg_message *message, struct vg_deliver_said *out,
                    struct vg_error *err);

#endif
