/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that writes the keys of offending rows, so that no cycle waits for another server. A
 * cycle's snapshot is taken over only while nothing else is being written: one that had to wait
 * would keep a connection from the cycles, until the server ends it. Else the rows are read anew,
 * from what the store says is due. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/loop.h"
#include "agent/loop/offenders.h"
#include "pgvigil/log.h"

void vg_loop_offended(void *arg, const char *dataset, struct vg_session *session)
{
    struct vg_loop *loop = arg;
    char *id = session ? strdup(dataset) : NULL;
    pthread_mutex_lock(&loop->mutex);
    bool taken = id && loop->offenders_idle && !loop->offended_session;
    if (taken) {
        loop->offended_session = session;
        loop->offended_dataset = id;
    }
    loop->offenders_us = 0;
    pthread_cond_broadcast(&loop->work);
    pthread_mutex_unlock(&loop->mutex);
    if (taken)
        return;
    free(id);
    if (session)
        loop->env.source->ops->close(session);
}

/* Writes what is due, and says when to come again. With the mutex, which it lets go meanwhile. */
static void write_due(struct vg_loop *loop)
{
    struct vg_error err = {0};
    struct vg_book *book = vg_loop_hold(loop);
    struct vg_session *session = loop->offended_session;
    char *id = loop->offended_dataset;
    struct vg_cycle_env env = loop->env;
    int64_t next_us;
    env.config = book->config;
    env.rules = book->rules;
    loop->offended_session = NULL;
    loop->offended_dataset = NULL;
    loop->offenders_us = VG_NEVER; /* what comes meanwhile sets it again */
    pthread_mutex_unlock(&loop->mutex);
    if (vg_offenders_run(&env, id, session, &next_us, &err) < 0 && err.code != VG_E_CANCELLED)
        vg_log(VG_LOG_ERROR, "keys of offending rows not written", "code", vg_code_name(err.code),
               "error", err.msg, NULL);
    free(id);
    pthread_mutex_lock(&loop->mutex);
    if (next_us < loop->offenders_us)
        loop->offenders_us = next_us;
    vg_loop_release(loop, book);
}

static bool is_due(const struct vg_loop *loop)
{
    return loop->offended_session ||
           loop->offenders_us <= loop->env.clock->ops->now_us(loop->env.clock);
}

void *vg_loop_offenders_on(void *arg)
{
    struct vg_loop *loop = arg;
    pthread_mutex_lock(&loop->mutex);
    while (!loop->stop) {
        if (is_due(loop))
            write_due(loop);
        else {
            loop->offenders_idle = true;
            pthread_cond_wait(&loop->work, &loop->mutex);
            loop->offenders_idle = false;
        }
    }
    pthread_mutex_unlock(&loop->mutex);
    return NULL;
}

void vg_loop_offenders(struct vg_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    while (!loop->stop && is_due(loop))
        write_due(loop);
    pthread_mutex_unlock(&loop->mutex);
}

void vg_loop_offenders_kept(struct vg_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    if (loop->offended_session) {
        write_due(loop);
        /* After a failure the rest comes at the end, so that not every cycle waits for it. */
        loop->offenders_idle = loop->offenders_us == VG_NEVER;
    }
    pthread_mutex_unlock(&loop->mutex);
}

void vg_loop_offenders_free(struct vg_loop *loop)
{
    if (loop->offended_session)
        loop->env.source->ops->close(loop->offended_session);
    free(loop->offended_dataset);
}
