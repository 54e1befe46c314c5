/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of training systems that are followed to their end, each asked about on its own, beside the
 * lanes, a few at a time; what is heard is recorded with its decision in one transaction before the
 * run is asked about again.
 *
 * A run is looked for where it was asked for. Once that is not in the configuration any more, this
 * is said, and the run is lost sight of for good.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/deliver/chain.h"
#include "agent/deliver/parts.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { SIDE_BY_SIDE = 4 };

struct vg_follower {
    struct vg_tag tag;
    struct vg_follower *next;
    struct vg_chain chain;
    bool answered; /* what follows is to be recorded */
    bool changed;
    int64_t record_us;
};

/* --- What was heard --------------------------------------------------------------------------- */

static void fill_news(const struct vg_retrain_run *run, char *reason, size_t size,
                      struct vg_decision *decision)
{
    static const enum vg_decision_kind kinds[VG_RETRAIN_STATES] = {
        [VG_RETRAIN_ASKED] = VG_DECIDED_STARTED,       [VG_RETRAIN_ACCEPTED] = VG_DECIDED_STARTED,
        [VG_RETRAIN_QUEUED] = VG_DECIDED_STARTED,      [VG_RETRAIN_RUNNING] = VG_DECIDED_STARTED,
        [VG_RETRAIN_SUCCEEDED] = VG_DECIDED_SUCCEEDED, [VG_RETRAIN_FAILED] = VG_DECIDED_FAILED,
        [VG_RETRAIN_REFUSED] = VG_DECIDED_FAILED,      [VG_RETRAIN_LOST] = VG_DECIDED_LOST,
    };
    snprintf(reason, size, "run %.200s of %s: %s%s%s", run->id ? run->id : "", run->system,
             vg_retrain_state_name(run->state), run->answer && *run->answer ? ", " : "",
             run->answer ? run->answer : "");
    *decision = (struct vg_decision){
        .model = run->model,
        .at_us = run->changed_us,
        .kind = kinds[run->state],
        .reason = reason,
    };
    memcpy(decision->key, run->key, VG_KEY_SIZE);
}

static void tell_change(struct vg_deliver *deliver, const struct vg_retrain_run *run,
                        const struct vg_decision *decision, bool decided)
{
    bool bad = run->state >= VG_RETRAIN_FAILED;
    vg_log(bad ? VG_LOG_WARN : VG_LOG_INFO, "the training system tells of a run", "model",
           run->model, "state", vg_retrain_state_name(run->state), "run", run->id, "answer",
           run->answer, NULL);
    if (decided && deliver->hooks.decided)
        deliver->hooks.decided(deliver->hooks.arg, decision);
    if (deliver->hooks.ran)
        deliver->hooks.ran(deliver->hooks.arg, run);
}

static int record(struct vg_deliver *deliver, struct vg_follower *follower, struct vg_error *err)
{
    const struct vg_retrain_run *run = &follower->chain.run;
    struct vg_decision decision;
    char reason[VG_TRIGGER_WHY + 300];
    bool decided = false;
    fill_news(run, reason, sizeof reason, &decision);
    if (vg_failpoint("before_run") < 0)
        return vg_fail(err, VG_E_IO, "failpoint");
    if (vg_store_begin(deliver->store, VG_DELIVER_CLAIM, err) < 0)
        return -1;
    if (vg_store_retrain_run_put(deliver->store, run, err) < 0 ||
        (follower->changed &&
         vg_store_decision_put(deliver->store, &decision, &decided, err) < 0) ||
        vg_store_commit(deliver->store, err) < 0) {
        vg_store_rollback(deliver->store);
        return -1;
    }
    vg_failpoint("after_run");
    if (follower->changed)
        tell_change(deliver, run, &decision, decided);
    return 0;
}

static void free_follower(struct vg_deliver *deliver, struct vg_follower *follower)
{
    struct vg_follower **link = &deliver->followers;
    while (*link != follower)
        link = &(*link)->next;
    *link = follower->next;
    vg_chain_end(&follower->chain);
    free(follower);
}

static void learn(struct vg_follower *follower, const struct vg_trigger_said *said, int64_t now_us)
{
    follower->changed = vg_chain_learn(&follower->chain, said, now_us);
    follower->answered = true;
    follower->record_us = now_us;
}

void vg_deliver_take_run(struct vg_deliver *deliver, struct vg_follower *follower,
                         const struct vg_response *response, int64_t now_us)
{
    struct vg_trigger_said said;
    pthread_mutex_lock(&deliver->lock);
    bool more = vg_deliver_go_on(deliver, &follower->chain, follower, response, &said);
    pthread_mutex_unlock(&deliver->lock);
    if (!more)
        learn(follower, &said, now_us);
}

/* --- Asking ----------------------------------------------------------------------------------- */

static struct vg_follower *find_follower(const struct vg_deliver *deliver, const char *key,
                                         size_t *n)
{
    struct vg_follower *found = NULL;
    *n = 0;
    for (struct vg_follower *f = deliver->followers; f; f = f->next, ++*n)
        found = !strcmp(f->chain.run.key, key) ? f : found;
    return found;
}

/* What cannot be asked just now is known no better than before. */
static void look_at(struct vg_deliver *deliver, const struct vg_retrain_run *run,
                    struct vg_follower *follower, int64_t now_us)
{
    struct vg_trigger_said said = {.outcome = VG_RETRY};
    struct vg_parcel parcel;
    struct vg_error err = {0};
    pthread_mutex_lock(&deliver->lock);
    const struct vg_packing packing = {deliver->config, deliver->agent, now_us};
    int rc = vg_chain_follow(&follower->chain, &packing, run, &parcel, &err);
    bool sends = !rc && parcel.ready == VG_READY_SEND && parcel.request.url;
    if (sends)
        rc = deliver->http->ops->start(deliver->http, &parcel.request, follower, &err);
    vg_deliver_unpack(&parcel);
    pthread_mutex_unlock(&deliver->lock);
    if (sends && !rc)
        return;
    if (rc) {
        snprintf(said.why, sizeof said.why, "%.190s", err.msg);
    } else {
        said = (struct vg_trigger_said){.outcome = VG_DELIVERED, .state = VG_RETRAIN_LOST};
        snprintf(said.why, sizeof said.why,
                 "%.40s, where it was asked for, is not in the configuration any more",
                 run->system);
    }
    learn(follower, &said, now_us);
}

static int start_follower(struct vg_deliver *deliver, const struct vg_retrain_run *run,
                          int64_t now_us, struct vg_error *err)
{
    struct vg_follower *follower = vg_array(1, sizeof *follower);
    if (!follower)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    follower->tag.cargo = VG_CARGO_RUN;
    follower->next = deliver->followers;
    deliver->followers = follower;
    look_at(deliver, run, follower, now_us);
    if (follower->chain.run.model)
        return 0;
    free_follower(deliver, follower); /* for want of memory it knows nothing */
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int start_due(struct vg_deliver *deliver, int64_t now_us, struct vg_error *err)
{
    struct vg_retrain_run *runs;
    size_t n, busy;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_store_retrain_runs_due(deliver->store, now_us, arena, &runs, &n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        if (!find_follower(deliver, runs[i].key, &busy) && busy < SIDE_BY_SIDE)
            rc = start_follower(deliver, &runs[i], now_us, err);
    }
    vg_arena_free(arena);
    return rc;
}

static int record_answered(struct vg_deliver *deliver, int64_t now_us, bool *any,
                           struct vg_error *err)
{
    int rc = 0;
    struct vg_follower *next;
    *any = false;
    for (struct vg_follower *f = deliver->followers; f && !rc; f = next) {
        next = f->next;
        if (!f->answered || vg_deliver_pauses(f->record_us, now_us))
            continue;
        f->record_us = now_us + VG_DELIVER_PAUSE_US;
        rc = record(deliver, f, err);
        if (!rc)
            free_follower(deliver, f);
        *any = true;
    }
    return rc;
}

int vg_deliver_follow(struct vg_deliver *deliver, int64_t now_us, int64_t *again_us,
                      struct vg_error *err)
{
    bool any;
    *again_us = VG_NEVER;
    int rc = record_answered(deliver, now_us, &any, err);
    rc = rc ? rc : start_due(deliver, now_us, err);
    /* what could not even be asked is recorded at once */
    rc = rc ? rc : record_answered(deliver, now_us, &any, err);
    rc = rc ? rc : vg_store_retrain_runs_next(deliver->store, now_us, again_us, err);
    for (const struct vg_follower *f = deliver->followers; f; f = f->next) {
        if (f->answered && f->record_us < *again_us)
            *again_us = f->record_us;
    }
    return rc;
}

bool vg_deliver_follows(const struct vg_deliver *deliver)
{
    bool any = false;
    for (const struct vg_follower *f = deliver->followers; f; f = f->next)
        any = any || !f->answered;
    return any;
}

void vg_deliver_drop_followers(struct vg_deliver *deliver)
{
    while (deliver->followers)
        free_follower(deliver, deliver->followers);
}
