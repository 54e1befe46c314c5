/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the Pushgateway's groups (agent/metrics/push*.c) with a real store and a recording
 * sender: addresses, replacement, deletion until it is taken, rejected bodies. */
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

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Addresses ------------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *url, *job, *instance, *dataset, *want;
    } cases[] = {
        {"http://gw:9091", "pgvigil", "prod", NULL, OWN},
        {"http://gw:9091//", "pgvigil", "prod", "predictions", PREDICTIONS},
        {"http://gw/prefix/", "a.b-c_d~1", "prod", "f",
         "http://gw/prefix/metrics/job/a.b-c_d~1/instance/prod/dataset@base64/Zg"},
        {"http://gw", "team/watch", "a b", "fo",
         "http://gw/metrics/job@base64/dGVhbS93YXRjaA/instance@base64/YSBi/dataset@base64/Zm8"},
        {"http://gw", "..", "", "foo",
         "http://gw/metrics/job@base64/Li4/instance@base64/=/dataset@base64/Zm9v"},
        {"http://gw", "j", "i", "\xff\xfe\xfd",
         "http://gw/metrics/job/j/instance/i/dataset@base64/__79"},
        {"http://gw", "j", "i", "Straße?#%",
         "http://gw/metrics/job/j/instance/i/dataset@base64/U3RyYcOfZT8jJQ"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_push_target target = {cases[i].url, cases[i].job, cases[i].instance, NULL, NULL};
        struct vg_buf out;
        vg_buf_init(&out, 1000);
        vg_push_url(&out, &target, cases[i].dataset);
        assert_string_equal(out.data, cases[i].want);
        vg_buf_free(&out);
    }
}

/* --- Replacing and deleting ------------------------------------------------------------------ */

static void test_a_cycle_replaces_two_groups(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    assert_int_equal(world->n, 2);
    const struct push_sent *dataset = push_find(world, "PUT", PREDICTIONS);
    const struct push_sent *own = push_find(world, "PUT", OWN);
    assert_non_null(dataset);
    assert_non_null(own);
    assert_int_equal(exposition_count(dataset->body, "pgvigil_drift_ks"), 1);
    assert_int_equal(exposition_count(dataset->body, "pgvigil_build_info"), 0);
    assert_int_equal(exposition_count(own->body, "pgvigil_build_info"), 1);
    assert_int_equal(exposition_count(own->body, "pgvigil_dataset_up"), 0);
    exposition_promtool(dataset->body);
    exposition_promtool(own->body);
    assert_int_equal(push_remembered(world, "predictions", PREDICTIONS), 1);
    assert_int_equal(push_remembered(world, "", OWN), 1);
}

static void test_answers_are_counted(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_assert_own(world, "pgvigil_pushes_total", 0);
    push_answer(world, "PUT", OWN, 200);
    push_answer(world, "PUT", PREDICTIONS, 200);
    push_answer(world, "PUT", OWN, 0);
    push_answer(world, "PUT", OWN, 503);
    push_assert_own(world, "pgvigil_pushes_total", 4);
    push_assert_own(world, "pgvigil_push_failures_total", 2);
    push_assert_own(world, "pgvigil_push_last_success_timestamp_seconds", 992347200);
    assert_int_equal(world->n, 2); /* trying again is the sender's business */
}

static void test_deletion_until_it_is_taken(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_retire(world, "predictions");
    assert_int_equal(push_count(world, "DELETE", PREDICTIONS), 1);
    assert_null(push_find(world, "DELETE", PREDICTIONS)->body);
    push_answer(world, "DELETE", PREDICTIONS, 0);
    assert_int_equal(push_remembered(world, "predictions", NULL), 1);
    vg_push_own(world->push);
    assert_int_equal(push_count(world, "DELETE", PREDICTIONS), 2);
    push_answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(push_remembered(world, "predictions", NULL), 0);
    vg_push_own(world->push);
    assert_int_equal(push_count(world, "DELETE", PREDICTIONS), 2);
    assert_int_equal(push_remembered(world, "", OWN), 1);
}

/* It was retired, and is there again before the deletion was answered. */
static void test_a_dataset_that_comes_back(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_retire(world, "predictions");
    push_cycle(world, "predictions");
    push_answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(push_remembered(world, "predictions", PREDICTIONS), 1);
    vg_push_own(world->push);
    assert_int_equal(push_count(world, "DELETE", PREDICTIONS), 1);
    assert_int_equal(push_count(world, "PUT", PREDICTIONS), 2);
}

static void test_a_retired_stranger_is_nothing(void **state)
{
    struct push_world *world = *state;
    push_retire(world, "never pushed");
    assert_int_equal(push_count(world, "PUT", OWN), 1);
    assert_int_equal(world->n, 1);
}

/* --- Rejected bodies ------------------------------------------------------------------------- */

/* Answers requests for the group until none is left: 400 to those that hold the family. */
static size_t play_gateway(struct push_world *world, const char *family)
{
    size_t requests = 0;
    for (; requests < 200; requests++) {
        const struct push_sent *last = world->n ? &world->sent[world->n - 1] : NULL;
        if (!last || strcmp(last->url, PREDICTIONS) != 0)
            return requests;
        bool bad = exposition_count(last->body, family) > 0;
        char *method = strdup(last->method);
        push_forget_sent(world);
        push_answer(world, method, PREDICTIONS, bad ? 400 : 200);
        free(method);
    }
    return requests;
}

static void test_a_rejected_body_is_sent_family_by_family(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    size_t families = 0;
    for (const char *at = push_find(world, "PUT", PREDICTIONS)->body;
         (at = strstr(at, "# TYPE ")) != NULL; at++)
        families++;
    push_forget_sent(world);
    push_answer(world, "PUT", PREDICTIONS, 400);
    assert_int_equal(world->n, 1);
    assert_string_equal(world->sent[0].method, "POST"); /* which leaves the other families alone */
    assert_int_equal(exposition_count(world->sent[0].body, NULL), 1);
    assert_int_equal(play_gateway(world, "no such family"), families + 1); /* and the whole again */
    push_assert_own(world, "pgvigil_push_rejected_families", 0);
}

static void test_the_culprit_is_left_out_and_tried_again(void **state)
{
    static const char culprit[] = "pgvigil_check_status";
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_forget_sent(world);
    push_answer(world, "PUT", PREDICTIONS, 400);
    assert_true(play_gateway(world, culprit) > 5);
    push_assert_own(world, "pgvigil_push_rejected_families", 1);
    size_t pushes = 0;
    const struct push_sent *put;
    do {
        push_forget_sent(world);
        push_cycle(world, "predictions");
        put = push_find(world, "PUT", PREDICTIONS);
        assert_non_null(put);
        assert_int_equal(exposition_count(put->body, "pgvigil_drift_ks"), 1);
        pushes++;
    } while (!exposition_count(put->body, culprit) && pushes < 1000);
    assert_in_range(pushes, 10, 100);
    push_assert_own(world, "pgvigil_push_rejected_families",
                    1); /* until the answer says otherwise */
    push_answer(world, "PUT", PREDICTIONS, 200);
    push_assert_own(world, "pgvigil_push_rejected_families", 0);
}

/* Every family alone is taken, the whole is not: that must not go round in circles. */
static void test_a_search_ends(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_forget_sent(world);
    push_answer(world, "PUT", PREDICTIONS, 400);
    size_t requests = 0;
    while (world->n && requests < 200) {
        char *method = strdup(world->sent[world->n - 1].method);
        push_forget_sent(world);
        push_answer(world, method, PREDICTIONS, !strcmp(method, "PUT") ? 400 : 200);
        free(method);
        requests++;
    }
    assert_in_range(requests, 5, 60);
}

/* A search whose answer never comes does not hold the group up. */
static void test_a_lost_search_is_given_up(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_forget_sent(world);
    push_answer(world, "PUT", PREDICTIONS, 400);
    assert_non_null(push_find(world, "POST", PREDICTIONS));
    size_t cycles = 0;
    while (!push_find(world, "PUT", PREDICTIONS) && cycles < 100) {
        push_cycle(world, "predictions");
        cycles++;
    }
    assert_in_range(cycles, 2, 20);
}

static void test_trouble_of_the_gateway_is_no_rejection(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_forget_sent(world);
    push_answer(world, "PUT", PREDICTIONS, 503);
    push_answer(world, "PUT", PREDICTIONS, 0);
    assert_int_equal(world->n, 0);
    push_answer(world, "PUT", PREDICTIONS, 400);
    push_forget_sent(world);
    push_answer(world, "POST", PREDICTIONS, 503); /* in the middle of a search */
    assert_int_equal(world->n, 0);
    push_assert_own(world, "pgvigil_push_rejected_families", 0);
    push_cycle(world, "predictions");
    assert_non_null(push_find(world, "PUT", PREDICTIONS));
}

static void test_a_sender_that_takes_nothing(void **state)
{
    struct push_world *world = *state;
    world->full = true;
    push_cycle(world, "predictions");
    push_retire(world, "predictions");
    world->full = false;
    vg_push_own(world->push);
    assert_non_null(push_find(world, "DELETE", PREDICTIONS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, push_set_up, push_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        TEST(test_a_cycle_replaces_two_groups),
        TEST(test_answers_are_counted),
        TEST(test_deletion_until_it_is_taken),
        TEST(test_a_dataset_that_comes_back),
        TEST(test_a_retired_stranger_is_nothing),
        TEST(test_a_rejected_body_is_sent_family_by_family),
        TEST(test_the_culprit_is_left_out_and_tried_again),
        TEST(test_a_search_ends),
        TEST(test_a_lost_search_is_given_up),
        TEST(test_trouble_of_the_gateway_is_no_rejection),
        TEST(test_a_sender_that_takes_nothing),
    };
    return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
