/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An HTTP client and a clock for tests of delivery: answers come from a script, requests are kept,
 * time stands still until it is told. Thread-safe.
 */
#ifndef TESTS_UNIT_FAKE_HTTP_H
#define TESTS_UNIT_FAKE_HTTP_H

#include <pthread.h>

#include "pgvigil/ports.h"

enum { FAKE_REQUESTS = 400, FAKE_RULES = 40, FAKE_HANGS = -1, FAKE_FAILS_TO_START = -2 };

struct fake_request {
    char url[100], method[10];
    char key[40], authorization[60], type[60], scope[20]; /* headers, "" for none */
    char *body;
    void *tag;
    bool answered;
};

struct fake_http {
    struct vg_http port;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken;
    struct fake_request requests[FAKE_REQUESTS];
    size_t n;
    int most_at_once; /* requests to one URL under way at the same time */
    /* rules, the first that fits and has times left decides; without one: 200 "ok" */
    struct fake_rule {
        const char *part; /* of the URL or of the body */
        int times, status;
        int64_t retry_after_us;
        const char *body;
    } rules[FAKE_RULES];
    size_t nrules;
    struct vg_response response;
};

void fake_http_init(struct fake_http *http);
void fake_http_free(struct fake_http *http);
void fake_http_rule(struct fake_http *http, const char *part, int times, int status,
                    int64_t retry_after_us);
/* The requests to URLs with this part. */
size_t fake_http_count(struct fake_http *http, const char *url);
/* Waits, at most 20 s, until there are so many; true when there are. */
bool fake_http_await(struct fake_http *http, const char *url, size_t n);
/* The body of the nth (from 0) request to such URLs, or NULL. */
const struct fake_request *fake_http_nth(struct fake_http *http, const char *url, size_t nth);

struct fake_clock {
    struct vg_clock port;
    _Atomic int64_t now_us;
};
void fake_clock_init(struct fake_clock *clock, int64_t now_us);

#endif
