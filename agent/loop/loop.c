/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's threads and the two loops without threads. Owns the order in which things happen;
 * what happens in a cycle is cycle.c's, what changes with a reload loop_book.c's and
 * loop_adopt.c's. */
#include "agent/loop/loop.h"
#include "agent/loop/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"

int vg_loop_init(struct vg_loop *loop, const struct vg_cycle_env *env,
                 const struct vg_shell_ops *shell, struct vg_book *book, struct vg_error *err)
{
    memset(loop, 0, sizeof *loop);
    loop->env = *env;
    loop->env.stop = &loop->stop;
    loop->shell = *shell;
    loop->book = book;
    loop->last_load_ok = true;
    loop->span = (struct vg_span){.from_us = VG_NEVER, .until_us = VG_NEVER};
    book->refs = 1;
    if (pthread_mutex_init(&loop->mutex, NULL) || pthread_cond_init(&loop->work, NULL))
        return vg_fail(err, VG_E_INTERNAL, "cannot make a mutex");
    return 0;
}

static void free_slot(struct vg_slot *slot)
{
    vg_promotion_free(slot->promotion);
    free(slot->id);
    free(slot);
}

void vg_loop_free(struct vg_loop *loop)
{
    vg_loop_offenders_free(loop);
    for (size_t i = 0; i < loop->nslots; i++)
        free_slot(loop->slots[i]);
    free(loop->slots);
    if (loop->book)
        vg_loop_release(loop, loop->book);
    pthread_cond_destroy(&loop->work);
    pthread_mutex_destroy(&loop->mutex);
}

void vg_loop_stop(struct vg_loop *loop)
{
    loop->stop = true;
    loop->env.clock->ops->wake(loop->env.clock);
}

void vg_loop_reload(struct vg_loop *loop)
{
    loop->reload = true;
    loop->env.clock->ops->wake(loop->env.clock);
}

static int64_t read_clock(struct vg_loop *loop)
{
    return loop->env.clock->ops->now_us(loop->env.clock);
}

/* Whether a commit that failed took place is unknown: what the store says counts. */
static void read_again(struct vg_loop *loop, const char *id, struct vg_progress *progress)
{
    struct vg_error err = {0};
    struct vg_progress stored;
    struct vg_arena *arena = vg_arena_new();
    if (arena && vg_store_progress(loop->env.store, id, arena, &stored, &err) == 0 && stored.known)
        *progress = stored;
    vg_arena_free(arena);
}

/* A commit in the last moment may have been published after the reload had said that it is over. */
static void say_over(struct vg_loop *loop, const struct vg_slot *slot)
{
    pthread_mutex_lock(&loop->mutex);
    bool over = slot->gone && !vg_loop_slot(loop, slot->id);
    pthread_mutex_unlock(&loop->mutex);
    if (over && loop->env.publisher)
        loop->env.publisher->ops->retire(loop->env.publisher, slot->id);
}

/* What the cycle has come to, when the next one is due, and who may have the slot now. */
static void end_cycle(struct vg_loop *loop, struct vg_slot *slot, struct vg_book *book,
                      struct vg_progress *progress, const struct vg_cycle_end *end)
{
    pthread_mutex_lock(&loop->mutex);
    const struct vg_dataset *before = vg_ruleset_find(book->rules, slot->id);
    /* By the rules in force now, which a reload may have changed meanwhile. */
    const struct vg_dataset *now = slot->gone ? NULL : vg_ruleset_find(loop->book->rules, slot->id);
    bool lost = end->rc < 0 && slot->barrier <= book->number;
    slot->lost = lost ? slot->lost + 1 : 0;
    if (lost && before)
        progress->retry_us = vg_loop_lost(loop, before, slot->lost, end);
    progress->model = NULL;
    slot->progress = *progress;
    slot->next_us = now ? vg_due_next(now, progress, &loop->span, read_clock(loop)) : VG_NEVER;
    loop->failed_cycles += lost || progress->failures > 0;
    vg_loop_release(loop, book);
    slot->busy = false;
    pthread_mutex_unlock(&loop->mutex);
}

void vg_loop_cycle(struct vg_loop *loop, struct vg_slot *slot)
{
    struct vg_error err = {0};
    pthread_mutex_lock(&loop->mutex);
    struct vg_book *book = vg_loop_hold(loop);
    struct vg_progress progress = slot->progress;
    pthread_mutex_unlock(&loop->mutex);
    struct vg_cycle_env env = loop->env;
    env.config = book->config;
    env.rules = book->rules;
    env.book = book->number;
    env.barrier = &slot->barrier;
    const struct vg_dataset *dataset = vg_ruleset_find(book->rules, slot->id);
    struct vg_job job;
    int64_t now_us = read_clock(loop), unwritten = vg_store_unwritten(env.store);
    int rc = 0;
    if (dataset && vg_due_job(dataset, &progress, &loop->span, now_us, &job)) {
        if (job.window && job.catching_up)
            vg_wanted_catch_up(&env, dataset, job.range.start_us);
        rc = vg_cycle_run(&env, &job, &progress, &err);
    }
    if (rc < 0 && slot->barrier > book->number) {
        vg_log(VG_LOG_INFO, "cycle dropped, a reload came between", "dataset", slot->id, NULL);
    } else if (rc < 0 && err.code != VG_E_CANCELLED) {
        vg_log(VG_LOG_ERROR, "cycle lost", "dataset", slot->id, "code", vg_code_name(err.code),
               "error", err.msg, NULL);
        read_again(loop, slot->id, &progress);
    }
    say_over(loop, slot);
    const struct vg_cycle_end end = {rc, vg_store_unwritten(env.store) > unwritten, now_us};
    end_cycle(loop, slot, book, &progress, &end);
}

/* --- the daemon ------------------------------------------------------------------------------- */

static struct vg_slot *take_queued(struct vg_loop *loop)
{
    struct vg_slot *first = NULL;
    for (size_t i = 0; i < loop->nslots; i++) {
        struct vg_slot *slot = loop->slots[i];
        /* Behind a barrier it waits for the book to come: its commit would be refused. */
        bool free_to_go = slot->queued && !slot->busy && slot->barrier <= loop->book->number;
        if (free_to_go && (!first || slot->next_us < first->next_us))
            first = slot;
    }
    if (first) {
        first->queued = false;
        first->busy = true;
    }
    return first;
}

static void *work_on(void *arg)
{
    struct vg_loop *loop = arg;
    pthread_mutex_lock(&loop->mutex);
    while (!loop->stop) {
        struct vg_slot *slot = take_queued(loop);
        if (!slot) {
            pthread_cond_wait(&loop->work, &loop->mutex);
            continue;
        }
        pthread_mutex_unlock(&loop->mutex);
        vg_loop_cycle(loop, slot);
        loop->env.clock->ops->wake(loop->env.clock);
        pthread_mutex_lock(&loop->mutex);
    }
    pthread_mutex_unlock(&loop->mutex);
    return NULL;
}

static struct vg_slot *find_capture(struct vg_loop *loop)
{
    int64_t now_us = read_clock(loop);
    for (size_t i = 0; i < loop->nslots; i++) {
        if (loop->slots[i]->capture_us <= now_us)
            return loop->slots[i];
    }
    return NULL;
}

/* References are captured in a thread of their own: they may take minutes. */
static void *capture_on(void *arg)
{
    struct vg_loop *loop = arg;
    pthread_mutex_lock(&loop->mutex);
    while (!loop->stop) {
        struct vg_slot *slot = find_capture(loop);
        /* The slot may go with a reload as soon as the mutex is free: its name is enough. */
        char *id = slot ? strdup(slot->id) : NULL;
        if (!id) {
            pthread_cond_wait(&loop->work, &loop->mutex);
            continue;
        }
        pthread_mutex_unlock(&loop->mutex);
        vg_loop_capture(loop, id);
        free(id);
        pthread_mutex_lock(&loop->mutex);
    }
    pthread_mutex_unlock(&loop->mutex);
    return NULL;
}

/* Queues what is due and says when to look again. Under the mutex. */
static int64_t queue_due(struct vg_loop *loop, int64_t now_us)
{
    int64_t next = now_us + VG_US; /* control rows are noticed within a second */
    for (size_t i = 0; i < loop->nslots; i++) {
        struct vg_slot *slot = loop->slots[i];
        if (slot->busy || slot->queued)
            continue;
        if (slot->next_us <= now_us)
            slot->queued = !loop->store_lost;
        else if (slot->next_us < next)
            next = slot->next_us;
    }
    pthread_cond_broadcast(&loop->work);
    return next;
}

static void schedule(struct vg_loop *loop)
{
    int64_t idle_us = 0, control_us = 0;
    while (!loop->stop) {
        int64_t now_us = read_clock(loop);
        if (vg_loop_set_back(loop, now_us))
            idle_us = control_us = 0;
        if (atomic_exchange(&loop->reload, false))
            vg_loop_renew(loop);
        if (now_us >= control_us) {
            vg_loop_control(loop);
            vg_loop_follow(loop);
            control_us = now_us + VG_US / 2;
        }
        if (now_us >= idle_us) {
            loop->shell.idle(loop->shell.arg, now_us);
            idle_us = now_us + VG_MINUTE_US;
        }
        vg_loop_probe(loop, now_us);
        pthread_mutex_lock(&loop->mutex);
        int64_t next = queue_due(loop, now_us);
        pthread_mutex_unlock(&loop->mutex);
        loop->env.clock->ops->sleep_until(loop->env.clock, next);
    }
}

static void keep_offenders(struct vg_loop *loop)
{
    loop->env.offended = vg_loop_offended;
    loop->env.offended_arg = loop;
}

int vg_loop_run(struct vg_loop *loop, size_t workers, struct vg_error *err)
{
    pthread_t threads[34];
    size_t n = 0, wanted = (workers < 32 ? workers : 32) + 2;
    keep_offenders(loop);
    int rc = vg_loop_adopt(loop, loop->book, false, err);
    while (rc == 0 && n < wanted) {
        void *(*start)(void *) = n == 0 ? capture_on : n == 1 ? vg_loop_offenders_on : work_on;
        if (pthread_create(&threads[n], NULL, start, loop))
            rc = vg_fail(err, VG_E_INTERNAL, "cannot start a thread");
        else
            n++;
    }
    if (rc == 0)
        schedule(loop);
    vg_failpoint("shutdown");
    pthread_mutex_lock(&loop->mutex);
    loop->stop = true;
    pthread_cond_broadcast(&loop->work);
    pthread_mutex_unlock(&loop->mutex);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return rc;
}

/* --- without threads -------------------------------------------------------------------------- */

static void capture_all(struct vg_loop *loop)
{
    for (size_t i = 0; i < loop->nslots && !loop->stop; i++) {
        if (loop->slots[i]->capture_us <= read_clock(loop))
            vg_loop_capture(loop, loop->slots[i]->id);
    }
}

int vg_loop_once(struct vg_loop *loop, struct vg_error *err)
{
    keep_offenders(loop);
    loop->offenders_idle = true;
    if (vg_loop_adopt(loop, loop->book, false, err) < 0)
        return -1;
    vg_loop_control(loop);
    vg_loop_follow(loop);
    capture_all(loop);
    loop->follow_us = 0;
    vg_loop_follow(loop); /* what was captured is promoted */
    for (size_t i = 0; i < loop->nslots && !loop->stop; i++) {
        struct vg_slot *slot = loop->slots[i];
        int64_t watermark, revisit, began_us = read_clock(loop); /* what is due later is not now */
        do { /* a dataset that lags catches up, then what is to be read again is */
            watermark = slot->progress.watermark_us;
            revisit = slot->progress.revisit_us;
            vg_loop_cycle(loop, slot);
            vg_loop_offenders_kept(loop);
        } while (!loop->stop && slot->next_us <= began_us && !slot->progress.failures &&
                 (slot->progress.watermark_us != watermark || (revisit && revisit <= began_us)));
    }
    vg_loop_offenders(loop);
    loop->shell.drain(loop->shell.arg, read_clock(loop));
    loop->shell.idle(loop->shell.arg, read_clock(loop));
    return 0;
}

static struct vg_slot *find_first(struct vg_loop *loop)
{
    struct vg_slot *first = NULL;
    for (size_t i = 0; i < loop->nslots; i++) {
        if (!first || loop->slots[i]->next_us < first->next_us)
            first = loop->slots[i];
    }
    return first && first->next_us != VG_NEVER ? first : NULL;
}

int vg_loop_replay(struct vg_loop *loop, struct vg_error *err)
{
    struct vg_clock *clock = loop->env.clock;
    if (vg_loop_adopt(loop, loop->book, false, err) < 0)
        return -1;
    capture_all(loop);
    for (struct vg_slot *slot; !loop->stop && (slot = find_first(loop)) != NULL;) {
        clock->ops->sleep_until(clock, slot->next_us);
        capture_all(loop);
        vg_loop_cycle(loop, slot);
        /* A dead receiver is tried again with the next cycle, not at every virtual second. */
        loop->shell.drain(loop->shell.arg, read_clock(loop));
    }
    return 0;
}
