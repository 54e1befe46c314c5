/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for tests of delivery: an engine on a virtual clock, a scripted HTTP client and an
 * outbox in memory. To be included by one file of a program. */
#ifndef TESTS_UNIT_DELIVER_WORLD_H
#define TESTS_UNIT_DELIVER_WORLD_H

#include "agent/deliver/deliver.h"
#include "agent/message.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/fake_http.h"
#include "tests/unit/fake_outbox.h"

#define NOW (KIT_JUNE_12 + VG_DAY_US)

static struct fake_http http;
static struct fake_clock fake_clock;
static struct vg_deliver *engine;
static struct vg_arena *arena;
static double share; /* what the source of jitter says */

static double next_share(void *arg)
{
    (void)arg;
    return share;
}

/* The engine of a configuration, which is kept. */
static int begin(const struct vg_config *config, double jitter)
{
    struct vg_error err = {0};
    vg_log_setup(VG_LOG_LEVELS, false);
    memset(&store, 0, sizeof store);
    share = jitter;
    fake_http_init(&http);
    fake_clock_init(&fake_clock, NOW);
    arena = vg_arena_new();
    int rc = vg_deliver_new(&store, &http.port, &fake_clock.port, config, &engine, &err);
    if (!rc)
        vg_deliver_random(engine, next_share, NULL);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    vg_deliver_free(engine);
    fake_http_free(&http);
    vg_arena_free(arena);
    return store.open || store.unordered;
}

static int64_t put_message(const char *sink, const char *key, enum vg_message_kind kind)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    const char *body;
    message.kind = kind;
    snprintf(message.key, VG_KEY_SIZE, "%s", key);
    assert_int_equal(vg_message_write(&message, arena, &body, NULL), 0);
    return put_row(VG_SINK_RECEIVER, sink, key, kind, body);
}

static void drain(int64_t now_us)
{
    struct vg_error err = {0};
    if (vg_deliver_drain(engine, now_us, &err) < 0)
        fail_msg("%s", err.msg);
}

#endif
