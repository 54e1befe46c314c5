/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of chains of requests and of runs that are followed (agent/deliver/chain.c,
 * training.c), with a training system made up for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/deliver/deliver.h"
#include "agent/message.h"
#include "agent/triggers/systems.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/fake_http.h"
#include "tests/unit/fake_outbox.h"

#define NOW    (KIT_JUNE_12 + VG_DAY_US)
#define SECRET "canary-token-5e"

/* --- The system ------------------------------------------------------------------------------- */

static int render(const struct vg_trigger_in *in, struct vg_arena *a, struct vg_request *out,
                  struct vg_error *err)
{
    char *url =
        vg_arena_printf(a, "https://train.test/ask/%d/%s", in->step, in->memory ? in->memory : "-");
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

static const char *const variables[] = {"VG_TEST_ID", "VG_TEST_SECRET", "VG_TEST_SESSION", NULL};
static const struct vg_trigger_ops from_environment = {
    .name = "made-up",
    .environment = variables,
    .render = render,
    .answer = answer,
};

/* --- The world -------------------------------------------------------------------------------- */

static const char *command[] = {"/bin/print-token", "now"};
static struct vg_trigger_settings settings;
static struct vg_retraining retraining[] = {{.model = "delay-model",
                                             .system = &made_up,
                                             .settings = &settings,
                                             .http = {.url = "https://train.test"}}};
static struct vg_config config = {.name = "prod", .retraining = retraining, .nretraining = 1};
static struct vg_config empty = {.name = "prod"};

static struct fake_http http;
static struct fake_clock fake_clock;
static struct vg_deliver *engine;
static struct vg_arena *arena;
static enum vg_retrain_state ran[20];
static size_t nran, nasked;

static void on_ran(void *arg, const struct vg_retrain_run *run)
{
    (void)arg;
    ran[nran++] = run->state;
}

static void on_asked(void *arg, const struct vg_retrain_run *run, enum vg_outcome outcome)
{
    (void)arg;
    (void)outcome;
    assert_string_equal(run->system, "made-up");
    nasked++;
}

static void make_engine(void)
{
    struct vg_error err = {0};
    static const struct vg_deliver_hooks hooks = {.asked = on_asked, .ran = on_ran};
    if (vg_deliver_new(&store, &http.port, &fake_clock.port, &config, &engine, &err) < 0)
        fail_msg("%s", err.msg);
    vg_deliver_hooks(engine, &hooks);
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
    (void)state;
    vg_deliver_free(engine);
    fake_http_free(&http);
    vg_arena_free(arena);
    return store.open;
}

static void answer_with(const char *part, int times, int status, const char *body)
{
    fake_http_rule(&http, part, times, status, 0);
    http.rules[http.nrules - 1].body = body;
}

static int64_t put_onset(void)
{
    struct vg_onset onset = kit_onset();
    const char *body;
    assert_int_equal(vg_onset_write(&onset, arena, &body, NULL), 0);
    int64_t id = put_row(VG_SINK_RETRAIN, "delay-model", KIT_KEY, VG_MSG_OPEN, body);
    store.rows[store.n - 1].row.created_us = NOW;
    return id;
}

static void drain(int64_t now_us)
{
    struct vg_error err = {0};
    fake_clock.now_us = now_us;
    if (vg_deliver_drain(engine, now_us, &err) < 0)
        fail_msg("not drained: %s", err.msg);
}

static const struct vg_retrain_run *run(void)
{
    assert_int_equal(store.nruns, 1);
    return &store.runs[0].row;
}

/* Asked for and accepted at NOW; one minute of pauses later there is news. */
static void accept(void)
{
    answer_with("/ask/", -1, 200, "ok");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_SENT);
    assert_int_equal(run()->state, VG_RETRAIN_ACCEPTED);
}

/* --- Chains ----------------------------------------------------------------------------------- */

static void test_a_chain_of_requests(void **state)
{
    (void)state;
    answer_with("/ask/0", -1, 200, "login");
    answer_with("/ask/1", -1, 200, "further");
    accept();
    assert_int_equal(http.n, 3);
    assert_string_equal(http.requests[0].url, "https://train.test/ask/0/-");
    assert_string_equal(http.requests[0].authorization, "");
    assert_string_equal(http.requests[1].url, "https://train.test/ask/1/m0");
    assert_string_equal(http.requests[1].authorization, "Bearer " SECRET);
    assert_string_equal(http.requests[2].url, "https://train.test/ask/2/m1");
    assert_string_equal(run()->id, "r1");
    assert_string_equal(run()->url, "https://page.test"); /* said on the way */
    assert_true(run()->accepted_us == NOW && run()->ended_us == VG_NEVER);
    assert_true(run()->next_us == NOW + 30 * VG_US);
    assert_true(run()->until_us == NOW + VG_DAY_US);
    assert_int_equal(store.ndecisions, 1);
    assert_int_equal(store.decisions[0].kind, VG_DECIDED_ACCEPTED);
    assert_int_equal(nasked, 1); /* not one for each request */
    assert_null(memmem(&store, sizeof store, SECRET, strlen(SECRET)));
}

static void test_a_chain_that_fails_begins_anew(void **state)
{
    (void)state;
    answer_with("/ask/0", -1, 200, "further");
    answer_with("/ask/1", 1, 503, "busy");
    answer_with("/ask/1", -1, 200, "ok");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_WAITING);
    assert_int_equal(run()->state, VG_RETRAIN_ASKED);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(state_of(id), FAKE_SENT);
    assert_int_equal(http.n, 4);
    assert_string_equal(http.requests[2].url, "https://train.test/ask/0/-");
    assert_int_equal(nasked, 2);
}

/* A run that was perhaps started is not looked for before it can be seen. */
static void test_an_unclear_end(void **state)
{
    (void)state;
    answer_with("/ask/0", -1, 200, "further");
    answer_with("/ask/1", 1, 0, "");
    answer_with("/ask/1", -1, 200, "ok");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(http.n, 2);
    drain(NOW + VG_MINUTE_US - 1);
    assert_int_equal(http.n, 2);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(http.n, 4);
    assert_int_equal(state_of(id), FAKE_SENT);
}

static void test_a_chain_without_end(void **state)
{
    (void)state;
    answer_with("/ask/", -1, 200, "further");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_WAITING);
    assert_int_equal(http.n, 128);
    assert_non_null(strstr(run()->answer, "more than 128 requests"));
}

static void test_a_refusal_ends_the_run(void **state)
{
    (void)state;
    answer_with("/ask/", -1, 404, "no such thing");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_DEAD);
    assert_int_equal(run()->state, VG_RETRAIN_REFUSED);
    assert_true(run()->ended_us == NOW && run()->next_us == VG_NEVER);
    assert_int_equal(store.decisions[0].kind, VG_DECIDED_REFUSED);
}

static void test_a_command_prints_the_token(void **state)
{
    (void)state;
    settings.token_command = (struct vg_strings){command, 2};
    answer_with("print-token", 1, VG_STATUS_EXIT + 3, SECRET);
    answer_with("print-token", 1, VG_STATUS_EXIT, "two words");
    answer_with("print-token", -1, VG_STATUS_EXIT, SECRET "\n");
    int64_t id = put_onset();
    drain(NOW);
    assert_string_equal(run()->answer, "token_command: exit code 3");
    drain(NOW + VG_MINUTE_US);
    assert_string_equal(run()->answer, "token_command: what it printed is not a token");
    assert_int_equal(http.n, 2);
    drain(NOW + 2 * VG_MINUTE_US);
    assert_int_equal(state_of(id), FAKE_SENT);
    assert_string_equal(http.requests[3].authorization, "Bearer " SECRET);
    assert_null(memmem(&store, sizeof store, SECRET, strlen(SECRET)));
}

/* --- Runs ------------------------------------------------------------------------------------- */

static void test_a_run_is_followed_to_its_end(void **state)
{
    (void)state;
    accept();
    answer_with("/run/r1", 1, 200, "queued");
    answer_with("/run/r1", 2, 200, "running");
    answer_with("/run/r1", 1, 503, "busy");
    answer_with("/run/r1", 1, 200, "done");
    for (int64_t now_us = NOW; run()->next_us != VG_NEVER; now_us = run()->next_us)
        drain(now_us);
    assert_int_equal(run()->state, VG_RETRAIN_SUCCEEDED);
    assert_int_equal(run()->looks, 5);
    assert_true(run()->ended_us == NOW + 3 * 30 * VG_US + 30 * VG_US + VG_MINUTE_US);
    static const enum vg_decision_kind kinds[] = {VG_DECIDED_ACCEPTED, VG_DECIDED_STARTED,
                                                  VG_DECIDED_STARTED, VG_DECIDED_SUCCEEDED};
    assert_int_equal(store.ndecisions, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(store.decisions[i].kind, kinds[i]);
    assert_int_equal(nran, 3);
    assert_int_equal(ran[2], VG_RETRAIN_SUCCEEDED);
    drain(NOW + 10 * VG_DAY_US);
    assert_int_equal(run()->looks, 5);
}

/* Whoever is busy says when to look again; not for longer than an hour. */
static void test_a_look_that_is_to_wait(void **state)
{
    (void)state;
    accept();
    fake_http_rule(&http, "/run/r1", 1, 429, 20 * VG_MINUTE_US);
    fake_http_rule(&http, "/run/r1", 1, 503, VG_DAY_US);
    fake_http_rule(&http, "/run/r1", 1, 503, VG_US);
    drain(NOW + VG_MINUTE_US);
    assert_true(run()->next_us == NOW + 21 * VG_MINUTE_US);
    drain(NOW + 21 * VG_MINUTE_US);
    assert_true(run()->next_us == NOW + 81 * VG_MINUTE_US);
    drain(NOW + 81 * VG_MINUTE_US);
    assert_true(run()->next_us == NOW + 81 * VG_MINUTE_US + 30 * VG_US);
}

static void test_a_run_that_is_lost(void **state)
{
    (void)state;
    settings.follow_for_us = VG_HOUR_US;
    accept();
    answer_with("/run/", -1, 200, "what?");
    int64_t longest_us = 0;
    for (int64_t now_us = NOW, next_us; (next_us = run()->next_us) != VG_NEVER; now_us = next_us) {
        longest_us = next_us - now_us > longest_us ? next_us - now_us : longest_us;
        drain(next_us);
    }
    assert_int_equal(run()->state, VG_RETRAIN_LOST);
    assert_true(run()->ended_us == NOW + VG_HOUR_US);
    assert_true(longest_us == 5 * VG_MINUTE_US);
    assert_int_equal(store.decisions[store.ndecisions - 1].kind, VG_DECIDED_LOST);
}

/* What is known to run is not given up before it counts as over. */
static void test_a_run_that_goes_on(void **state)
{
    (void)state;
    settings.follow_for_us = VG_HOUR_US;
    retraining[0].in_flight_us = 2 * VG_HOUR_US;
    accept();
    answer_with("/run/", 15, 200, "running");
    answer_with("/run/", -1, 503, "");
    for (int64_t next_us; (next_us = run()->next_us) != VG_NEVER;) {
        drain(next_us);
        if (next_us < NOW + 2 * VG_HOUR_US)
            assert_int_equal(run()->state, VG_RETRAIN_RUNNING);
    }
    assert_int_equal(run()->state, VG_RETRAIN_LOST);
    assert_true(run()->ended_us == NOW + 2 * VG_HOUR_US);
}

static void test_not_followed(void **state)
{
    (void)state;
    settings.follow_for_us = 0;
    accept();
    assert_true(run()->next_us == VG_NEVER && run()->until_us == VG_NEVER);
}

/* The run is in the store: another engine, or another configuration, goes on with it. */
static void test_a_restart_and_a_reload(void **state)
{
    (void)state;
    accept();
    answer_with("/run/", -1, 200, "broken");
    assert_int_equal(vg_deliver_reload(engine, &empty, NULL), 0);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(run()->looks, 1);
    assert_non_null(strstr(run()->answer, "not in the configuration"));
    vg_deliver_free(engine);
    make_engine();
    drain(run()->next_us);
    assert_int_equal(run()->state, VG_RETRAIN_FAILED);
    assert_int_equal(store.decisions[store.ndecisions - 1].kind, VG_DECIDED_FAILED);
}

/* A system that takes it from there: what is set is joined, the first two must be. */
static void test_a_token_of_the_environment(void **state)
{
    (void)state;
    retraining[0].system = &from_environment;
    setenv("VG_TEST_ID", "id", 1);
    unsetenv("VG_TEST_SECRET");
    answer_with("/ask/", -1, 200, "ok");
    put_onset();
    drain(NOW);
    assert_int_equal(http.n, 0);
    setenv("VG_TEST_SECRET", SECRET, 1);
    drain(NOW + VG_HOUR_US);
    assert_int_equal(http.n, 1);
    assert_string_equal(http.requests[0].authorization, "Bearer id:" SECRET);
    assert_null(memmem(&store, sizeof store, SECRET, strlen(SECRET)));
    unsetenv("VG_TEST_ID");
    unsetenv("VG_TEST_SECRET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_chain_of_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chain_that_fails_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unclear_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chain_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_refusal_ends_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_command_prints_the_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_is_followed_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_look_that_is_to_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_restart_and_a_reload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_token_of_the_environment, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("deliver_training", tests, NULL, NULL);
}
