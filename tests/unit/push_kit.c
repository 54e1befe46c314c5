/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of pushes share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/push.h"
#include "tests/unit/board.h"
#include "tests/unit/exposition.h"
#include "tests/unit/push_kit.h"

static int record(void *arg, const char *url, const char *method, char *body, size_t n)
{
    struct push_world *world = arg;
    assert_true(world->n < SENT_MOST);
    assert_true(body ? strlen(body) == n : n == 0);
    if (world->full) {
        free(body);
        return -1;
    }
    world->sent[world->n++] = (struct push_sent){strdup(url), strdup(method), body};
    if (body)
        exposition_check(body);
    return 0;
}

void push_forget_sent(struct push_world *world)
{
    for (size_t i = 0; i < world->n; i++) {
        free(world->sent[i].url);
        free(world->sent[i].method);
        free(world->sent[i].body);
    }
    world->n = 0;
}

/* The agent starts: a new board and new groups over the same store. */
void push_start(struct push_world *world, const char *job)
{
    struct vg_push_target target = {"http://gw:9091/", job, "prod", record, world};
    world->metrics = vg_metrics_new("1");
    assert_non_null(world->metrics);
    MUST(world->fixture, vg_push_new(&target, world->metrics, world->fixture->store, &world->push,
                                     &world->fixture->err));
}

void push_stop(struct push_world *world)
{
    vg_push_free(world->push);
    vg_metrics_free(world->metrics);
    push_forget_sent(world);
}

int push_set_up(void **state)
{
    struct push_world *world = calloc(1, sizeof *world);
    void *fixture = NULL;
    if (!world || fixture_setup(&fixture) < 0)
        return -1;
    world->fixture = fixture;
    push_start(world, "pgvigil");
    *state = world;
    return 0;
}

int push_tear_down(void **state)
{
    struct push_world *world = *state;
    void *fixture = world->fixture;
    push_stop(world);
    free(world);
    return fixture_teardown(&fixture);
}

/* --- Acting and looking ---------------------------------------------------------------------- */

void push_cycle(struct push_world *world, const char *dataset)
{
    struct vg_publisher *publisher = vg_push_publisher(world->push);
    struct vg_result drift = board_drift(0.384, VG_FAIL);
    struct vg_cycle cycle = board_cycle(dataset);
    board_window(&cycle, &drift, 1);
    publisher->ops->publish(publisher, &cycle, NULL, 0);
}

void push_retire(struct push_world *world, const char *dataset)
{
    struct vg_publisher *publisher = vg_push_publisher(world->push);
    publisher->ops->retire(publisher, dataset);
}

/* The newest request of this method for this URL, or NULL. */
const struct push_sent *push_find(const struct push_world *world, const char *method,
                                  const char *url)
{
    for (size_t i = world->n; i-- > 0;) {
        if (!strcmp(world->sent[i].url, url) && !strcmp(world->sent[i].method, method))
            return &world->sent[i];
    }
    return NULL;
}

size_t push_count(const struct push_world *world, const char *method, const char *url)
{
    size_t n = 0;
    for (size_t i = 0; i < world->n; i++)
        n += !strcmp(world->sent[i].url, url) && !strcmp(world->sent[i].method, method);
    return n;
}

void push_answer(struct push_world *world, const char *method, const char *url, int status)
{
    struct vg_response *response = calloc(1, sizeof *response);
    assert_non_null(response);
    response->status = status;
    response->body_size = (size_t)snprintf(response->body, 100, "said %d", status);
    vg_push_answered(world->push, url, method, response, board_noon_us);
    free(response);
}

void push_assert_own(struct push_world *world, const char *series, double want)
{
    char *text = board_text(world->metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, series, want);
    free(text);
}

size_t push_remembered(struct push_world *world, const char *dataset, const char *url)
{
    struct vg_pushed *pushed;
    size_t n, found = 0;
    struct fixture *f = world->fixture;
    MUST(f, vg_store_pushed(f->store, f->arena, &pushed, &n, &f->err));
    for (size_t i = 0; i < n; i++)
        found += !strcmp(pushed[i].dataset, dataset) && (!url || !strcmp(pushed[i].url, url));
    return found;
}
