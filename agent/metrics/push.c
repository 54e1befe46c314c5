/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups on a Pushgateway. Owns which groups exist, what their URLs are, and what a rejected body
 * is answered with. Promises PUT for replacement (only PUT drops series that vanished), DELETE
 * until it has been taken, and that one bad family does not keep the others from being seen. */
#include "agent/metrics/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/push_parts.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum {
    AGAIN_AFTER = 60, /* pushes after which rejected families are tried again */
    WAITS_MOST = 10,  /* pushes left out for the sake of a search for them */
};

/* --- Groups, under the lock ------------------------------------------------------------------ */

void vg_push_free_group(struct vg_push_group *group)
{
    if (!group)
        return;
    free(group->dataset);
    free(group->url);
    free(group->rejected);
    free(group);
}

/* url: NULL for the one that the target gives this dataset. NULL without memory. */
struct vg_push_group *vg_push_add(struct vg_push *push, const char *dataset, const char *url)
{
    void *items = push->groups;
    if (vg_grow(&items, &push->size, push->n + 1, sizeof push->groups[0]) < 0)
        return NULL;
    push->groups = items;
    struct vg_buf text;
    vg_buf_init(&text, VG_PUSH_URL_BYTES);
    if (url)
        vg_buf_puts(&text, url);
    else
        vg_push_url(&text, &push->target, *dataset ? dataset : NULL);
    struct vg_push_group *group = calloc(1, sizeof *group);
    if (group) {
        group->dataset = strdup(dataset);
        group->url = vg_buf_take(&text);
        group->rejected = vg_array(push->families, sizeof group->rejected[0]);
    }
    vg_buf_free(&text);
    if (!group || !group->dataset || !group->url || !group->rejected) {
        vg_push_free_group(group);
        return NULL;
    }
    push->groups[push->n++] = group;
    return group;
}

/* The one that is pushed, or was until the dataset was retired. */
struct vg_push_group *vg_push_find(const struct vg_push *push, const char *dataset)
{
    for (size_t i = 0; i < push->n; i++) {
        if (!push->groups[i]->moved && !strcmp(push->groups[i]->dataset, dataset))
            return push->groups[i];
    }
    return NULL;
}

static struct vg_push_group *find_url(const struct vg_push *push, const char *url)
{
    for (size_t i = 0; i < push->n; i++) {
        if (!strcmp(push->groups[i]->url, url))
            return push->groups[i];
    }
    return NULL;
}

void vg_push_remove(struct vg_push *push, const struct vg_push_group *group)
{
    size_t kept = 0;
    for (size_t i = 0; i < push->n; i++) {
        if (push->groups[i] != group)
            push->groups[kept++] = push->groups[i];
    }
    push->n = kept;
}

static size_t count_rejected(const struct vg_push *push)
{
    size_t n = 0;
    for (size_t i = 0; i < push->n; i++) {
        for (size_t k = 0; k < push->families; k++)
            n += push->groups[i]->rejected[k];
    }
    return n;
}

/* --- Requests, built under the lock and sent outside it -------------------------------------- */

struct request {
    char *url, *body;
    size_t n;
    const char *method; /* NULL: none */
};

static void set_request(struct request *request, const struct vg_push_group *group,
                        const char *method)
{
    request->url = strdup(group->url);
    request->method = request->url ? method : NULL;
}

/* The group as text: all but the rejected families, or one family alone. False for nothing. */
static bool render_body(struct vg_push *push, const struct vg_push_group *group, const char *only,
                        struct request *request)
{
    struct vg_metrics_scope scope = {.agent = !*group->dataset, .only = only};
    scope.dataset = *group->dataset ? group->dataset : NULL;
    scope.skip = only ? NULL : group->rejected;
    struct vg_buf body;
    vg_buf_init(&body, VG_METRICS_BYTES);
    int rc = vg_metrics_render(push->metrics, &scope, &body);
    if (rc == 0 && body.len) {
        request->n = body.len;
        request->body = vg_buf_take(&body);
    }
    vg_buf_free(&body);
    if (rc < 0)
        vg_log(VG_LOG_ERROR, "metrics not pushed: out of memory", "dataset", group->dataset, NULL);
    return request->body != NULL;
}

/* False when there was one and it was not taken. */
static bool send_request(const struct vg_push *push, struct request *request)
{
    int rc = 0;
    if (request->method)
        rc = push->target.send(push->target.arg, request->url, request->method, request->body,
                               request->n);
    else
        free(request->body);
    if (rc < 0)
        vg_log(VG_LOG_WARN, "push not queued", "method", request->method, NULL);
    free(request->url);
    return rc == 0;
}

/* A new push of the whole group, unless families are being tried or there is nothing to push. An
 * answer about a family that never comes does not hold the group up for ever. */
static void build_put(struct vg_push *push, struct vg_push_group *group, struct request *request)
{
    if (group->state == GROUP_SPLIT && ++group->waits < WAITS_MOST)
        return;
    group->state = GROUP_WHOLE;
    if (group->searched && ++group->pushes >= AGAIN_AFTER) {
        memset(group->rejected, 0, push->families * sizeof group->rejected[0]);
        group->searched = false;
        group->pushes = 0;
    }
    if (render_body(push, group, NULL, request))
        set_request(request, group, "PUT");
}

/* --- The publisher --------------------------------------------------------------------------- */

void vg_push_group_now(struct vg_push *push, const char *dataset)
{
    struct request request = {0};
    bool remember = false;
    pthread_mutex_lock(&push->lock);
    struct vg_push_group *group = push->target.url ? vg_push_find(push, dataset) : NULL;
    if (!group && push->target.url)
        group = vg_push_add(push, dataset, NULL);
    if (group) {
        build_put(push, group, &request);
        remember = request.method && !group->remembered;
        group->remembered = group->remembered || remember;
    }
    pthread_mutex_unlock(&push->lock);
    struct vg_error err = {0};
    if (remember && vg_store_pushed_put(push->store, dataset, request.url, &err) < 0)
        vg_log(VG_LOG_WARN, "group not remembered", "dataset", dataset, "error", err.msg, NULL);
    send_request(push, &request);
}

void vg_push_delete_groups(struct vg_push *push)
{
    vg_push_finish_moved(push);
    for (size_t i = 0;; i++) {
        struct request request = {0};
        pthread_mutex_lock(&push->lock);
        bool more = i < push->n;
        if (more && push->groups[i]->moved)
            push->groups[i]->tries++;
        if (more && push->groups[i]->state == GROUP_DELETING)
            set_request(&request, push->groups[i], "DELETE");
        pthread_mutex_unlock(&push->lock);
        if (!more)
            return;
        send_request(push, &request);
    }
}

void vg_push_own(struct vg_push *push)
{
    vg_push_group_now(push, "");
    vg_push_delete_groups(push);
}

static void publish(struct vg_publisher *self, const struct vg_cycle *cycle,
                    const struct vg_alert *alerts, size_t nalerts)
{
    struct vg_push *push = (struct vg_push *)self;
    struct vg_publisher *board = vg_metrics_publisher(push->metrics);
    board->ops->publish(board, cycle, alerts, nalerts);
    vg_push_group_now(push, cycle->dataset);
    vg_push_own(push);
}

static void retire(struct vg_publisher *self, const char *dataset)
{
    struct vg_push *push = (struct vg_push *)self;
    struct vg_publisher *board = vg_metrics_publisher(push->metrics);
    board->ops->retire(board, dataset);
    pthread_mutex_lock(&push->lock);
    struct vg_push_group *group = vg_push_find(push, dataset);
    if (group)
        group->state = GROUP_DELETING;
    pthread_mutex_unlock(&push->lock);
    vg_push_own(push);
}

static bool is_wanted(const struct vg_ruleset *rules, const char *dataset)
{
    for (size_t i = 0; i < rules->ndatasets; i++) {
        if (!strcmp(rules->datasets[i]->id, dataset))
            return true;
    }
    return !*dataset;
}

int vg_push_begin(struct vg_push *push, const struct vg_ruleset *rules, struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    struct vg_pushed *pushed;
    size_t n;
    int rc = vg_store_pushed(push->store, arena, &pushed, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        pthread_mutex_lock(&push->lock);
        if (vg_push_take_pushed(push, &pushed[i], is_wanted(rules, pushed[i].dataset)) < 0)
            rc = vg_fail(err, VG_E_MEMORY, "out of memory");
        pthread_mutex_unlock(&push->lock);
    }
    vg_arena_free(arena);
    vg_push_delete_groups(push);
    return rc;
}

/* --- Answers --------------------------------------------------------------------------------- */

/* The next family, from `trying` on, that the group has; true when there is one. */
static bool build_family(struct vg_push *push, struct vg_push_group *group, struct request *request)
{
    size_t n;
    const struct vg_metric_type *types = vg_metric_types(&n);
    for (; group->trying < n; group->trying++) {
        if (render_body(push, group, types[group->trying].name, request)) {
            set_request(request, group, "POST"); /* replaces this family and no other */
            group->waits = 0;
            return true;
        }
    }
    return false;
}

static void say_rejected(const struct vg_push_group *group, size_t family,
                         const struct vg_response *response)
{
    size_t n;
    char said[301];
    snprintf(said, sizeof said, "%.300s", response->body);
    vg_log(VG_LOG_ERROR, "the Pushgateway rejects a family of metrics", "family",
           vg_metric_types(&n)[family].name, "dataset", group->dataset, "answer", said, NULL);
}

/* One family was answered: on to the next, and after the last a push of what is left. */
static void step_split(struct vg_push *push, struct vg_push_group *group,
                       const struct vg_response *response, struct request *request)
{
    bool taken = response->status >= 200 && response->status < 300;
    if (!taken && response->status != 400) {
        group->state = GROUP_WHOLE; /* the gateway has other troubles now */
        return;
    }
    if (!taken) {
        group->rejected[group->trying] = true;
        say_rejected(group, group->trying, response);
    }
    group->trying++;
    if (build_family(push, group, request))
        return;
    group->state = GROUP_WHOLE;
    build_put(push, group, request);
}

static void take_answer(struct vg_push *push, struct vg_push_group *group, const char *method,
                        const struct vg_response *response, struct request *request)
{
    if (group->state == GROUP_SPLIT && !strcmp(method, "POST")) {
        step_split(push, group, response, request);
    } else if (group->state == GROUP_WHOLE && !strcmp(method, "PUT") && response->status == 400 &&
               !group->searched) {
        group->state = GROUP_SPLIT;
        group->searched = true;
        group->trying = 0;
        group->pushes = 0;
        if (!build_family(push, group, request))
            group->state = GROUP_WHOLE;
    }
}

static void log_failure(const char *method, const struct vg_response *response)
{
    char status[16], said[301];
    snprintf(status, sizeof status, "%d", response->status);
    snprintf(said, sizeof said, "%.300s", response->status ? response->body : response->error.msg);
    vg_log(VG_LOG_WARN, "push failed", "method", method, "status", status, "answer", said, NULL);
}

void vg_push_answered(struct vg_push *push, const char *url, const char *method,
                      const struct vg_response *response, int64_t now_us)
{
    bool ok = response->status >= 200 && response->status < 300;
    struct request request = {0};
    struct vg_push_group *gone = NULL;
    vg_metrics_pushed(push->metrics, ok, now_us);
    if (!ok)
        log_failure(method, response);
    pthread_mutex_lock(&push->lock);
    struct vg_push_group *group = find_url(push, url);
    if (group && group->state == GROUP_DELETING && ok && !strcmp(method, "DELETE")) {
        vg_push_remove(push, group);
        gone = group;
    } else if (group) {
        take_answer(push, group, method, response, &request);
    }
    vg_metrics_rejected(push->metrics, count_rejected(push));
    pthread_mutex_unlock(&push->lock);
    if (gone)
        vg_push_forget(push, gone->dataset);
    vg_push_free_group(gone);
    send_request(push, &request);
}

/* --- Life ------------------------------------------------------------------------------------ */

static const struct vg_publish_ops ops = {.publish = publish, .retire = retire};

int vg_push_new(const struct vg_push_target *target, struct vg_metrics *metrics,
                struct vg_store *store, struct vg_push **out, struct vg_error *err)
{
    struct vg_push *push = calloc(1, sizeof *push);
    if (push && pthread_mutex_init(&push->lock, NULL)) {
        free(push);
        push = NULL;
    }
    if (!push)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    char *url = target->url ? strdup(target->url) : NULL, *job = strdup(target->job);
    char *instance = strdup(target->instance);
    push->publisher.ops = &ops;
    push->metrics = metrics;
    push->store = store;
    push->target = (struct vg_push_target){url, job, instance, target->send, target->arg};
    vg_metric_types(&push->families);
    if ((target->url && !url) || !job || !instance) {
        vg_push_free(push);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    if (url)
        vg_metrics_pushing(metrics);
    *out = push;
    return 0;
}

void vg_push_free(struct vg_push *push)
{
    if (!push)
        return;
    for (size_t i = 0; i < push->n; i++)
        vg_push_free_group(push->groups[i]);
    free(push->groups);
    free((char *)push->target.url);
    free((char *)push->target.job);
    free((char *)push->target.instance);
    pthread_mutex_destroy(&push->lock);
    free(push);
}

struct vg_publisher *vg_push_publisher(struct vg_push *push)
{
    return &push->publisher;
}
