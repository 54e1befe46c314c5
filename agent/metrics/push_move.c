/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups that stand where they no longer belong: after a reload with another address or job, and
 * what an earlier run left. Owns when they are asked to be deleted and when they are given up; what
 * is given up is said. */
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/push_parts.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { MOVED_TRIES = 5 }; /* a gateway that was given up may be gone for good */

/* The store forgets a group that has gone, unless the dataset has another. */
void vg_push_forget(struct vg_push *push, const char *dataset)
{
    struct vg_error err = {0};
    pthread_mutex_lock(&push->lock);
    bool other = vg_push_find(push, dataset);
    pthread_mutex_unlock(&push->lock);
    if (!other && vg_store_pushed_delete(push->store, dataset, &err) < 0)
        vg_log(VG_LOG_WARN, "deleted group not forgotten", "dataset", dataset, "error", err.msg,
               NULL);
}

/* Under the lock: a moved group that is not to be deleted any more, taken out; NULL: none. */
static struct vg_push_group *take_finished(struct vg_push *push)
{
    for (size_t i = 0; i < push->n; i++) {
        struct vg_push_group *group = push->groups[i], *twin = NULL;
        if (!group->moved)
            continue;
        for (size_t k = 0; k < push->n && !twin; k++) {
            if (!push->groups[k]->moved && !strcmp(push->groups[k]->url, group->url))
                twin = push->groups[k];
        }
        if (twin || group->tries >= MOVED_TRIES) {
            group->tries = twin ? 0 : group->tries;
            vg_push_remove(push, group);
            return group;
        }
    }
    return NULL;
}

void vg_push_finish_moved(struct vg_push *push)
{
    struct vg_push_group *group;
    do {
        pthread_mutex_lock(&push->lock);
        group = take_finished(push);
        pthread_mutex_unlock(&push->lock);
        if (group && group->tries)
            vg_log(VG_LOG_WARN, "a group is left on the Pushgateway that was in use before",
                   "dataset", group->dataset, "reason", "it was not deleted when asked", NULL);
        if (group)
            vg_push_forget(push, group->dataset);
        vg_push_free_group(group);
    } while (group);
}

/* Whether the group would stand there if the dataset were pushed now. Under the lock. */
static bool is_current(const struct vg_push *push, const char *dataset, const char *url)
{
    struct vg_buf text;
    vg_buf_init(&text, VG_PUSH_URL_BYTES);
    if (push->target.url)
        vg_push_url(&text, &push->target, *dataset ? dataset : NULL);
    bool same = !text.failed && !strcmp(text.data, url);
    vg_buf_free(&text);
    return same;
}

/* A group that an earlier run has pushed. Under the lock; -1 without memory. */
int vg_push_take_pushed(struct vg_push *push, const struct vg_pushed *pushed, bool wanted)
{
    struct vg_push_group *group = vg_push_add(push, pushed->dataset, pushed->url);
    if (!group)
        return -1;
    group->moved = !is_current(push, pushed->dataset, pushed->url);
    group->remembered = true;
    if (group->moved || !wanted)
        group->state = GROUP_DELETING;
    return 0;
}

/* --- Another target -------------------------------------------------------------------------- */

/* What stands at the old addresses is to be deleted, what was pushed is pushed again. Under the
 * lock. */
static void move_groups(struct vg_push *push)
{
    for (size_t i = 0, n = push->n; i < n; i++) {
        struct vg_push_group *group = push->groups[i];
        if (group->moved || is_current(push, group->dataset, group->url))
            continue;
        group->moved = true;
        if (group->state != GROUP_DELETING && push->target.url)
            vg_push_add(push, group->dataset, NULL); /* without memory the next push makes it */
        group->state = GROUP_DELETING;
        memset(group->rejected, 0, push->families * sizeof group->rejected[0]);
    }
}

static void push_all(struct vg_push *push)
{
    for (size_t i = 0;; i++) {
        char *dataset = NULL;
        pthread_mutex_lock(&push->lock);
        bool more = i < push->n;
        if (more && push->groups[i]->state != GROUP_DELETING)
            dataset = strdup(push->groups[i]->dataset);
        pthread_mutex_unlock(&push->lock);
        if (dataset)
            vg_push_group_now(push, dataset);
        free(dataset);
        if (!more)
            return;
    }
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

int vg_push_retarget(struct vg_push *push, const char *url, const char *job, struct vg_error *err)
{
    struct vg_push_target old = push->target;
    if (vg_streq(old.url, url) && vg_streq(old.job, job))
        return 0;
    char *new_url = copy_text(url), *new_job = strdup(job);
    if ((url && !new_url) || !new_job) {
        free(new_url);
        free(new_job);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    pthread_mutex_lock(&push->lock);
    push->target.url = new_url;
    push->target.job = new_job;
    move_groups(push);
    pthread_mutex_unlock(&push->lock);
    free((char *)old.url);
    free((char *)old.job);
    if (url)
        vg_metrics_pushing(push->metrics);
    push_all(push);
    vg_push_delete_groups(push);
    return 0;
}
