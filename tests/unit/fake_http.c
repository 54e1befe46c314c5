/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An HTTP client that answers from a script, and a clock that stands still. */
#include "tests/unit/fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static struct fake_http *fake_of(struct vg_http *port)
{
    return (struct fake_http *)port;
}

static void copy(char *out, size_t size, const char *s)
{
    snprintf(out, size, "%s", s ? s : "");
}

/* Under the lock. */
static struct fake_rule *find_rule(struct fake_http *http, const char *url, const char *body)
{
    for (size_t i = 0; i < http->nrules; i++) {
        const char *part = http->rules[i].part;
        if (http->rules[i].times && (strstr(url, part) || (body && strstr(body, part))))
            return &http->rules[i];
    }
    return NULL;
}

static void count_at_once(struct fake_http *http, const char *url)
{
    int now = 0;
    for (size_t i = 0; i < http->n; i++)
        now += !http->requests[i].answered && !strcmp(http->requests[i].url, url);
    if (now > http->most_at_once)
        http->most_at_once = now;
}

static int start(struct vg_http *self, const struct vg_request *request, void *tag,
                 struct vg_error *err)
{
    struct fake_http *http = fake_of(self);
    int rc = 0;
    pthread_mutex_lock(&http->lock);
    struct fake_rule *rule = find_rule(http, request->url, request->body);
    if (http->n == FAKE_REQUESTS) {
        rc = vg_fail(err, VG_E_INTERNAL, "the fake holds no more requests");
    } else if (rule && rule->status == FAKE_FAILS_TO_START) {
        rule->times -= rule->times > 0;
        rc = vg_fail(err, VG_E_CONFIG, "the fake does not start this");
    } else {
        struct fake_request *kept = &http->requests[http->n++];
        copy(kept->url, sizeof kept->url, request->url);
        copy(kept->method, sizeof kept->method, request->method);
        for (size_t i = 0; i < request->nheaders; i++) {
            const struct vg_pair *pair = &request->headers[i];
            if (!strcasecmp(pair->key, "Idempotency-Key"))
                copy(kept->key, sizeof kept->key, pair->value);
            if (!strcasecmp(pair->key, "Authorization"))
                copy(kept->authorization, sizeof kept->authorization, pair->value);
            if (!strcasecmp(pair->key, "Content-Type"))
                copy(kept->type, sizeof kept->type, pair->value);
            else if (!strcasecmp(pair->key, "X-Scope"))
                copy(kept->scope, sizeof kept->scope, pair->value);
        }
        kept->body = request->body ? strndup(request->body, request->body_size) : NULL;
        kept->tag = tag;
        count_at_once(http, kept->url);
        pthread_cond_broadcast(&http->changed);
    }
    pthread_mutex_unlock(&http->lock);
    return rc;
}

/* Under the lock: answers the oldest request that does not hang. */
static struct fake_request *answer(struct fake_http *http)
{
    for (size_t i = 0; i < http->n; i++) {
        struct fake_request *request = &http->requests[i];
        if (request->answered)
            continue;
        struct fake_rule *rule = find_rule(http, request->url, request->body);
        if (rule && rule->status == FAKE_HANGS)
            continue;
        struct vg_response *response = &http->response;
        response->status = rule ? rule->status : 200;
        response->whole = response->status > 0;
        response->retry_after_us = rule ? rule->retry_after_us : 0;
        copy(response->body, sizeof response->body, rule ? rule->body : "ok");
        response->body_size = strlen(response->body);
        response->error = (struct vg_error){0};
        if (!response->status)
            vg_fail(&response->error, VG_E_TIMEOUT, "no answer in time");
        if (rule)
            rule->times -= rule->times > 0;
        request->answered = true;
        return request;
    }
    return NULL;
}

static struct timespec deadline(int64_t us)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += us / VG_US;
    at.tv_nsec += (us % VG_US) * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static bool poll_fake(struct vg_http *self, int64_t timeout_us, void **tag,
                      const struct vg_response **out)
{
    struct fake_http *http = fake_of(self);
    struct timespec until = deadline(timeout_us);
    struct fake_request *request;
    bool waiting = true;
    pthread_mutex_lock(&http->lock);
    while (!(request = answer(http)) && !http->woken && waiting)
        waiting = !pthread_cond_timedwait(&http->changed, &http->lock, &until);
    if (request) {
        *tag = request->tag;
        *out = &http->response;
    } else {
        http->woken = false;
    }
    pthread_mutex_unlock(&http->lock);
    return request != NULL;
}

static void wake(struct vg_http *self)
{
    struct fake_http *http = fake_of(self);
    pthread_mutex_lock(&http->lock);
    http->woken = true;
    pthread_cond_broadcast(&http->changed);
    pthread_mutex_unlock(&http->lock);
}

static const struct vg_http_ops fake_ops = {.start = start, .poll = poll_fake, .wake = wake};

void fake_http_init(struct fake_http *http)
{
    memset(http, 0, sizeof *http);
    http->port.ops = &fake_ops;
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->changed, NULL);
}

void fake_http_free(struct fake_http *http)
{
    for (size_t i = 0; i < http->n; i++)
        free(http->requests[i].body);
    pthread_mutex_destroy(&http->lock);
    pthread_cond_destroy(&http->changed);
}

void fake_http_rule(struct fake_http *http, const char *part, int times, int status,
                    int64_t retry_after_us)
{
    pthread_mutex_lock(&http->lock);
    http->rules[http->nrules++] =
        (struct fake_rule){part, times, status, retry_after_us, "said so"};
    pthread_mutex_unlock(&http->lock);
}

const struct fake_request *fake_http_nth(struct fake_http *http, const char *url, size_t nth)
{
    const struct fake_request *found = NULL;
    pthread_mutex_lock(&http->lock);
    for (size_t i = 0; i < http->n && !found; i++) {
        if (strstr(http->requests[i].url, url) && nth-- == 0)
            found = &http->requests[i];
    }
    pthread_mutex_unlock(&http->lock);
    return found;
}

static size_t count(const struct fake_http *http, const char *url)
{
    size_t n = 0;
    for (size_t i = 0; i < http->n; i++)
        n += strstr(http->requests[i].url, url) != NULL;
    return n;
}

size_t fake_http_count(struct fake_http *http, const char *url)
{
    pthread_mutex_lock(&http->lock);
    size_t n = count(http, url);
    pthread_mutex_unlock(&http->lock);
    return n;
}

bool fake_http_await(struct fake_http *http, const char *url, size_t n)
{
    struct timespec until = deadline(20 * VG_US);
    bool waiting = true;
    pthread_mutex_lock(&http->lock);
    while (count(http, url) < n && waiting)
        waiting = !pthread_cond_timedwait(&http->changed, &http->lock, &until);
    bool there = count(http, url) >= n;
    pthread_mutex_unlock(&http->lock);
    return there;
}

static int64_t now_of(struct vg_clock *self)
{
    return ((struct fake_clock *)self)->now_us;
}

static const struct vg_clock_ops clock_ops = {.now_us = now_of};

void fake_clock_init(struct fake_clock *clock, int64_t now_us)
{
    clock->port.ops = &clock_ops;
    clock->now_us = now_us;
}
