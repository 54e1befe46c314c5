/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups on a Pushgateway over a real store with a recording sender. */
#ifndef TESTS_UNIT_PUSH_KIT_H
#define TESTS_UNIT_PUSH_KIT_H

#include "agent/metrics/push.h"
#include "tests/unit/store_fixture.h"

#define PREDICTIONS                                                                                \
    "http://gw:9091/metrics/job/pgvigil/instance/prod/dataset@base64/cHJlZGljdGlvbnM"
#define OWN "http://gw:9091/metrics/job/pgvigil/instance/prod"

enum { SENT_MOST = 400 };

/* The sender: keeps what it was given. */
struct push_sent {
    char *url, *method, *body;
};
struct push_world {
    struct fixture *fixture;
    struct vg_metrics *metrics;
    struct vg_push *push;
    struct push_sent sent[SENT_MOST];
    size_t n;
    bool full; /* refuses everything */
};

void push_forget_sent(struct push_world *world);
void push_start(struct push_world *world, const char *job);
void push_stop(struct push_world *world);
int push_set_up(void **state);
int push_tear_down(void **state);
void push_cycle(struct push_world *world, const char *dataset);
void push_retire(struct push_world *world, const char *dataset);
const struct push_sent *push_find(const struct push_world *world, const char *method,
                                  const char *url);
size_t push_count(const struct push_world *world, const char *method, const char *url);
void push_answer(struct push_world *world, const char *method, const char *url, int status);
void push_assert_own(struct push_world *world, const char *series, double want);
size_t push_remembered(struct push_world *world, const char *dataset, const char *url);

#endif
