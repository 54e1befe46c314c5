/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A training system made up for tests of delivery, and an engine that asks it, on a virtual clock.
 * To be included by one file of a program, behind cmocka. */
#ifndef TESTS_UNIT_TRAINING_WORLD_H
#define TESTS_UNIT_TRAINING_WORLD_H

#include <stdlib.h>

#include "agent/deliver/deliver.h"
#include "agent/message.h"
#include "agent/triggers/systems.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/fake_http.h"
#include "tests/unit/fake_outbox.h"

#define UNUSED __attribute__((unused))
#define NOW    (KIT_JUNE_12 + VG_DAY_US)
#define SECRET "canary-token-5e"

/* --- The system ------------------------------------------------------------------------------- */

static int render(const struct vg_trigger_in *in, struct vg_arena *a, struct vg_request *out,
                  struct vg_error *err)
{
    const char *memory = in->memory ? in->memory : "-";
    char *url = vg_arena_printf(a, "%s/ask/%d/%s", in->url, in->step, memory);
    int rc = vg_trigger_get(in, url, a, out, err);
    out->method = in->step ? "POST" : "GET";
    return rc;
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    if (!vg_trigger_took(response, said))
        return;
    if (!strcmp(response->body, "login"))
        vg_buf_puts(&said->token, SECRET);
    if (strcmp(response->body, "ok") != 0) {
        snprintf(said->memory, sizeof said->memory, "m%d", in->step);
        vg_trigger_more(said, in->step + 1);
        snprintf(said->url, sizeof said->url, "https://page.test");
        return;
    }
    snprintf(said->id, sizeof said->id, "r1");
}

static int follow(const struct vg_trigger_in *in, struct vg_arena *a, struct vg_request *out,
                  struct vg_error *err)
{
    return vg_trigger_get(in, vg_trigger_url(in, a, "/run/%s", in->run->id), a, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    static const struct vg_trigger_word words[] = {{"queued", VG_RETRAIN_QUEUED},
                                                   {"running", VG_RETRAIN_RUNNING},
                                                   {"done", VG_RETRAIN_SUCCEEDED},
                                                   {"broken", VG_RETRAIN_FAILED}};
    (void)in;
    if (vg_trigger_took(response, said))
        said->state = vg_trigger_state(words, 4, response->body);
}

static const struct vg_trigger_ops made_up = {
    .name = "made-up",
    .render = render,
    .answer = answer,
    .follow = follow,
    .followed = followed,
};

UNUSED static const char *const variables[] = {"VG_TEST_ID", "VG_TEST_SECRET", "VG_TEST_SESSION",
                                               NULL};
UNUSED static const struct vg_trigger_ops from_environment = {
    .name = "made-up",
    .environment = variables,
    .render = render,
    .answer = answer,
};

/* --- The world -------------------------------------------------------------------------------- */

UNUSED static const char *command[] = {"/bin/print-token", "now"};
static struct vg_trigger_settings settings;
static struct vg_retraining retraining[] = {{.model = "delay-model",
                                             .system = &made_up,
                                             .settings = &settings,
                                             .http = {.url = "https://train.test"}}};
static struct vg_config config = {.name = "prod", .retraining = retraining, .nretraining = 1};
UNUSED static struct vg_config empty = {.name = "prod"};

static struct fake_http http;
static struct fake_clock fake_clock;
static struct vg_deliver *engine;
static struct vg_arena *arena;
static enum vg_retrain_state ran[20];
static size_t nran, nasked;

UNUSED static void on_ran(void *arg, const struct vg_retrain_run *run)
{
    (void)arg;
    ran[nran++] = run->state;
}

UNUSED static void on_asked(void *arg, const struct vg_retrain_run *run, enum vg_outcome outcome)
{
    (void)arg;
    (void)outcome;
    assert_string_equal(run->system, "made-up");
    nasked++;
}

UNUSED static void make_engine(void)
{
    struct vg_error err = {0};
    static const struct vg_deliver_hooks hooks = {.asked = on_asked, .ran = on_ran};
    if (vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err) < 0)
        fail_msg("%s", err.msg);
    vg_deliver_hooks(engine, &hooks);
}

UNUSED static int set_up(void **state)
{
    (void)state;
    vg_log_setup(VG_LOG_LEVELS, false);
    memset(&store, 0, sizeof store);
    settings = (struct vg_trigger_settings){.follow_for_us = VG_DAY_US};
    retraining[0].system = &made_up;
    retraining[0].in_flight_us = 0;
    nran = nasked = 0;
    fake_http_init(&http);
    fake_clock_init(&fake_clock, NOW);
    arena = vg_arena_new();
    make_engine();
    return 0;
}

UNUSED static int tear_down(void **state)
{
    (void)state;
    vg_deliver_free(engine);
    fake_http_free(&http);
    vg_arena_free(arena);
    return store.open;
}

UNUSED static void answer_with(const char *part, int times, int status, const char *body)
{
    fake_http_rule(&http, part, times, status, 0);
    http.rules[http.nrules - 1].body = body;
}

UNUSED static int64_t put_onset(void)
{
    struct vg_onset onset = kit_onset();
    const char *body;
    assert_int_equal(vg_onset_write(&onset, arena, &body, NULL), 0);
    int64_t id = put_row(VG_SINK_RETRAIN, "delay-model", KIT_KEY, VG_MSG_OPEN, body);
    store.rows[store.n - 1].row.created_us = NOW;
    return id;
}

UNUSED static void drain(int64_t now_us)
{
    struct vg_error err = {0};
    fake_clock.now_us = now_us;
    if (vg_deliver_drain(engine, now_us, &err) < 0)
        fail_msg("not drained: %s", err.msg);
}

UNUSED static const struct vg_retrain_run *run(void)
{
    assert_int_equal(store.nruns, 1);
    return &store.runs[0].row;
}

/* Asked for and accepted at NOW; one minute of pauses later there is news. */
UNUSED static void accept(void)
{
    answer_with("/ask/", -1, 200, "ok");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_SENT);
    assert_int_equal(run()->state, VG_RETRAIN_ACCEPTED);
}

#endif
