/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of chains of requests and of runs that are followed (agent/deliver/chain.c,
 * training.c), with a training system made up for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/training_world.h"

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

/* Every request of the chain is a POST. */
static int render_post(const struct vg_trigger_in *in, struct vg_arena *a, struct vg_request *out,
                       struct vg_error *err)
{
    int rc = render(in, a, out, err);
    out->method = "POST";
    return rc;
}

/* What only got as far as a log-in cannot have arrived, whatever the answer: it is withdrawn. */
static void test_what_cannot_have_arrived(void **state)
{
    static const struct vg_trigger_ops late = {.name = "made-up",
                                               .render = render_post,
                                               .answer = answer,
                                               .asks = 1,
                                               .posts_before = true};
    (void)state;
    retraining[0].system = &late;
    settings.token_command = (struct vg_strings){command, 2};
    answer_with("print-token", 1, VG_STATUS_EXIT + 3, "");
    answer_with("print-token", -1, VG_STATUS_EXIT, SECRET);
    answer_with("/ask/0", 1, 500, "broken");
    answer_with("/ask/0", 1, 0, "");
    answer_with("/ask/0", -1, 200, "further");
    answer_with("/ask/1", -1, 500, "broken");
    int64_t id = put_onset();
    for (int i = 0; i < 4; i++) {
        assert_false(store.rows[id - 1].touched);
        drain(NOW + i * VG_HOUR_US);
    }
    assert_int_equal(fake_http_count(&http, "/ask/1"), 1);
    assert_true(store.rows[id - 1].touched);
}

/* One that needs no look posts for the run at once, at the step of the look. */
static void test_what_may_have_arrived_at_once(void **state)
{
    static const struct vg_trigger_ops early = {
        .name = "made-up", .render = render_post, .answer = answer, .asks = 1};
    (void)state;
    retraining[0].system = &early;
    answer_with("/ask/0", -1, 0, "");
    int64_t id = put_onset();
    drain(NOW);
    assert_true(store.rows[id - 1].touched);
}

/* The request of step 0 is a POST, and what follows it looks. */
static int render_post_first(const struct vg_trigger_in *in, struct vg_arena *a,
                             struct vg_request *out, struct vg_error *err)
{
    int rc = render(in, a, out, err);
    out->method = in->step ? "GET" : "POST";
    return rc;
}

/* A look that is turned away does not unmake the request before it. */
static void test_what_has_arrived_before_a_look(void **state)
{
    static const struct vg_trigger_ops looks = {
        .name = "made-up", .render = render_post_first, .answer = answer};
    (void)state;
    retraining[0].system = &looks;
    answer_with("/ask/0", -1, 200, "further");
    answer_with("/ask/1", -1, 503, "");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(fake_http_count(&http, "/ask/1"), 1);
    assert_true(store.rows[id - 1].touched);
}

static int render_get(const struct vg_trigger_in *in, struct vg_arena *a, struct vg_request *out,
                      struct vg_error *err)
{
    int rc = render(in, a, out, err);
    out->method = "GET";
    return rc;
}

static void answer_inside(const struct vg_trigger_in *in, const struct vg_response *response,
                          struct vg_trigger_said *said)
{
    (void)in;
    if (vg_trigger_took(response, said))
        vg_trigger_more(said, 2);
}

/* A look is a look, also at a step behind that of the request. */
static void test_looks_of_any_step(void **state)
{
    static const struct vg_trigger_ops inside = {
        .name = "made-up", .render = render_get, .answer = answer_inside, .asks = 1};
    (void)state;
    retraining[0].system = &inside;
    answer_with("/ask/0", -1, 200, "further");
    answer_with("/ask/2", -1, 500, "broken");
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(fake_http_count(&http, "/ask/2"), 1);
    assert_false(store.rows[id - 1].touched);
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

/* The run is in the store: another engine goes on with it. */
static void test_a_restart(void **state)
{
    (void)state;
    accept();
    answer_with("/run/", -1, 200, "broken");
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
        cmocka_unit_test_setup_teardown(test_what_cannot_have_arrived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_have_arrived_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_has_arrived_before_a_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looks_of_any_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chain_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_refusal_ends_the_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_command_prints_the_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_is_followed_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_look_that_is_to_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_token_of_the_environment, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("deliver_training", tests, NULL, NULL);
}
