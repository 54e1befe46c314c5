/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls that block without a deadline (name resolution while connecting, PQcancel) run in a thread
 * of their own. A caller that cannot wait any longer leaves the thread behind; it ends with its
 * call, and whoever is last to leave frees. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/pg/session.h"
#include "pgvigil/time.h"

enum { SLICE_MS = 100 };

struct aside {
    pthread_mutex_t mutex;
    pthread_cond_t ended_cond;
    bool ended, left; /* by the work, by the caller */
    struct vg_pg_work work;
};

static void free_aside(struct aside *aside)
{
    pthread_cond_destroy(&aside->ended_cond);
    pthread_mutex_destroy(&aside->mutex);
    free(aside);
}

static void *run_aside(void *arg)
{
    struct aside *aside = arg;
    aside->work.run(aside->work.arg);
    pthread_mutex_lock(&aside->mutex);
    bool left = aside->left;
    aside->ended = true;
    pthread_cond_signal(&aside->ended_cond);
    pthread_mutex_unlock(&aside->mutex);
    if (left) {
        aside->work.discard(aside->work.arg);
        free_aside(aside);
    }
    return NULL;
}

static struct aside *new_aside(void)
{
    struct aside *aside = calloc(1, sizeof *aside);
    if (!aside)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&aside->mutex, NULL);
    pthread_cond_init(&aside->ended_cond, &attr);
    pthread_condattr_destroy(&attr);
    return aside;
}

/* Signals are for the threads that expect them. */
static int start_thread(struct aside *aside, pthread_t *thread)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(thread, NULL, run_aside, aside);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static struct timespec next_slice(const struct vg_pg_wait *wait)
{
    int64_t at = vg_pg_now_us() + SLICE_MS * 1000;
    if (at > wait->until_us)
        at = wait->until_us;
    return (struct timespec){.tv_sec = (time_t)(at / VG_US), .tv_nsec = (long)(at % VG_US) * 1000};
}

int vg_pg_aside(const struct vg_pg_work *work, const struct vg_pg_wait *wait, struct vg_error *err)
{
    struct aside *aside = new_aside();
    if (!aside) {
        work->discard(work->arg);
        return vg_fail(err, VG_E_MEMORY, "out of memory for a thread");
    }
    aside->work = *work;
    pthread_t thread;
    int rc = start_thread(aside, &thread);
    if (rc != 0) {
        free_aside(aside);
        work->discard(work->arg);
        return vg_fail(err, VG_E_INTERNAL, "a thread could not be started: %s", strerror(rc));
    }
    pthread_mutex_lock(&aside->mutex);
    while (!aside->ended && vg_pg_check(wait, err) == 0) {
        struct timespec at = next_slice(wait);
        pthread_cond_timedwait(&aside->ended_cond, &aside->mutex, &at);
    }
    aside->left = !aside->ended;
    bool ended = aside->ended;
    /* The thread cannot have discarded arg: it has not seen yet that it is left alone. */
    if (!ended && work->left)
        atomic_store(work->left, true);
    pthread_mutex_unlock(&aside->mutex);
    if (!ended) {
        pthread_detach(thread);
        return -1;
    }
    pthread_join(thread, NULL); /* what libraries keep for the thread goes with it */
    free_aside(aside);
    return 0;
}
