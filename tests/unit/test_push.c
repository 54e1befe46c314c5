/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the Pushgateway's groups (agent/metrics/push*.c) with a real store and a recording
 * sender: addresses, replacement, deletion until it is taken, what a restart remembers, rejected
 * bodies. */
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
#include "tests/unit/store_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define PREDICTIONS                                                                                \
    "http://gw:9091/metrics/job/pgvigil/instance/prod/dataset@base64/cHJlZGljdGlvbnM"
#define OWN "http://gw:9091/metrics/job/pgvigil/instance/prod"

enum { SENT_MOST = 400 };

/* The sender: keeps what it was given. */
struct sent {
    char *url, *method, *body;
};
struct world {
    struct fixture *fixture;
    struct vg_metrics *metrics;
    struct vg_push *push;
    struct sent sent[SENT_MOST];
    size_t n;
    bool full; /* refuses everything */
};

static int record(void *arg, const char *url, const char *method, char *body, size_t n)
{
    struct world *world = arg;
    assert_true(world->n < SENT_MOST);
    assert_true(body ? strlen(body) == n : n == 0);
    if (world->full) {
        free(body);
        return -1;
    }
    world->sent[world->n++] = (struct sent){strdup(url), strdup(method), body};
    if (body)
        exposition_check(body);
    return 0;
}

static void forget_sent(struct world *world)
{
    for (size_t i = 0; i < world->n; i++) {
        free(world->sent[i].url);
        free(world->sent[i].method);
        free(world->sent[i].body);
    }
    world->n = 0;
}

/* The agent starts: a new board and new groups over the same store. */
static void start(struct world *world, const char *job)
{
    struct vg_push_target target = {"http://gw:9091/", job, "prod", record, world};
    world->metrics = vg_metrics_new("1");
    assert_non_null(world->metrics);
    MUST(world->fixture, vg_push_new(&target, world->metrics, world->fixture->store, &world->push,
                                     &world->fixture->err));
}

static void stop(struct world *world)
{
    vg_push_free(world->push);
    vg_metrics_free(world->metrics);
    forget_sent(world);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    void *fixture = NULL;
    if (!world || fixture_setup(&fixture) < 0)
        return -1;
    world->fixture = fixture;
    start(world, "pgvigil");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    void *fixture = world->fixture;
    stop(world);
    free(world);
    return fixture_teardown(&fixture);
}

/* --- Acting and looking ---------------------------------------------------------------------- */

static void run_cycle(struct world *world, const char *dataset)
{
    struct vg_publisher *publisher = vg_push_publisher(world->push);
    struct vg_result drift = board_drift(0.384, VG_FAIL);
    struct vg_cycle cycle = board_cycle(dataset);
    board_window(&cycle, &drift, 1);
    publisher->ops->publish(publisher, &cycle, NULL, 0);
}

static void retire(struct world *world, const char *dataset)
{
    struct vg_publisher *publisher = vg_push_publisher(world->push);
    publisher->ops->retire(publisher, dataset);
}

/* The newest request of this method for this URL, or NULL. */
static const struct sent *find_sent(const struct world *world, const char *method, const char *url)
{
    for (size_t i = world->n; i-- > 0;) {
        if (!strcmp(world->sent[i].url, url) && !strcmp(world->sent[i].method, method))
            return &world->sent[i];
    }
    return NULL;
}

static size_t count_sent(const struct world *world, const char *method, const char *url)
{
    size_t n = 0;
    for (size_t i = 0; i < world->n; i++)
        n += !strcmp(world->sent[i].url, url) && !strcmp(world->sent[i].method, method);
    return n;
}

static void answer(struct world *world, const char *method, const char *url, int status)
{
    struct vg_response *response = calloc(1, sizeof *response);
    assert_non_null(response);
    response->status = status;
    response->body_size = (size_t)snprintf(response->body, 100, "said %d", status);
    vg_push_answered(world->push, url, method, response, board_noon_us);
    free(response);
}

static void assert_own(struct world *world, const char *series, double want)
{
    char *text = board_text(world->metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, series, want);
    free(text);
}

static size_t count_remembered(struct world *world, const char *dataset, const char *url)
{
    struct vg_pushed *pushed;
    size_t n, found = 0;
    struct fixture *f = world->fixture;
    MUST(f, vg_store_pushed(f->store, f->arena, &pushed, &n, &f->err));
    for (size_t i = 0; i < n; i++)
        found += !strcmp(pushed[i].dataset, dataset) && (!url || !strcmp(pushed[i].url, url));
    return found;
}

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
    struct world *world = *state;
    run_cycle(world, "predictions");
    assert_int_equal(world->n, 2);
    const struct sent *dataset = find_sent(world, "PUT", PREDICTIONS);
    const struct sent *own = find_sent(world, "PUT", OWN);
    assert_non_null(dataset);
    assert_non_null(own);
    assert_int_equal(exposition_count(dataset->body, "pgvigil_drift_ks"), 1);
    assert_int_equal(exposition_count(dataset->body, "pgvigil_build_info"), 0);
    assert_int_equal(exposition_count(own->body, "pgvigil_build_info"), 1);
    assert_int_equal(exposition_count(own->body, "pgvigil_dataset_up"), 0);
    exposition_promtool(dataset->body);
    exposition_promtool(own->body);
    assert_int_equal(count_remembered(world, "predictions", PREDICTIONS), 1);
    assert_int_equal(count_remembered(world, "", OWN), 1);
}

static void test_answers_are_counted(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    assert_own(world, "pgvigil_pushes_total", 0);
    answer(world, "PUT", OWN, 200);
    answer(world, "PUT", PREDICTIONS, 200);
    answer(world, "PUT", OWN, 0);
    answer(world, "PUT", OWN, 503);
    assert_own(world, "pgvigil_pushes_total", 4);
    assert_own(world, "pgvigil_push_failures_total", 2);
    assert_own(world, "pgvigil_push_last_success_timestamp_seconds", 992347200);
    assert_int_equal(world->n, 2); /* trying again is the sender's business */
}

static void test_deletion_until_it_is_taken(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    retire(world, "predictions");
    assert_int_equal(count_sent(world, "DELETE", PREDICTIONS), 1);
    assert_null(find_sent(world, "DELETE", PREDICTIONS)->body);
    answer(world, "DELETE", PREDICTIONS, 0);
    assert_int_equal(count_remembered(world, "predictions", NULL), 1);
    vg_push_own(world->push);
    assert_int_equal(count_sent(world, "DELETE", PREDICTIONS), 2);
    answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(count_remembered(world, "predictions", NULL), 0);
    vg_push_own(world->push);
    assert_int_equal(count_sent(world, "DELETE", PREDICTIONS), 2);
    assert_int_equal(count_remembered(world, "", OWN), 1);
}

/* It was retired, and is there again before the deletion was answered. */
static void test_a_dataset_that_comes_back(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    retire(world, "predictions");
    run_cycle(world, "predictions");
    answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(count_remembered(world, "predictions", PREDICTIONS), 1);
    vg_push_own(world->push);
    assert_int_equal(count_sent(world, "DELETE", PREDICTIONS), 1);
    assert_int_equal(count_sent(world, "PUT", PREDICTIONS), 2);
}

static void test_a_retired_stranger_is_nothing(void **state)
{
    struct world *world = *state;
    retire(world, "never pushed");
    assert_int_equal(count_sent(world, "PUT", OWN), 1);
    assert_int_equal(world->n, 1);
}

/* --- Restarts -------------------------------------------------------------------------------- */

static void begin(struct world *world, const char *dataset)
{
    struct vg_dataset only = {.id = dataset};
    struct vg_dataset *list[] = {&only};
    struct vg_ruleset rules = {.datasets = list, .ndatasets = 1, .folder_ok = true};
    MUST(world->fixture, vg_push_begin(world->push, &rules, &world->fixture->err));
}

static void test_groups_retired_while_down_are_deleted(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    run_cycle(world, "features");
    stop(world);
    start(world, "pgvigil");
    begin(world, "features");
    assert_int_equal(world->n, 1);
    assert_non_null(find_sent(world, "DELETE", PREDICTIONS));
    answer(world, "DELETE", PREDICTIONS, 503);
    stop(world);
    start(world, "pgvigil"); /* it is still owed after another restart */
    begin(world, "features");
    assert_non_null(find_sent(world, "DELETE", PREDICTIONS));
    answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(count_remembered(world, "predictions", NULL), 0);
    assert_int_equal(count_remembered(world, "features", NULL), 1);
}

static void test_groups_that_moved_are_deleted(void **state)
{
    static const char moved[] =
        "http://gw:9091/metrics/job/other/instance/prod/dataset@base64/cHJlZGljdGlvbnM";
    struct world *world = *state;
    run_cycle(world, "predictions");
    stop(world);
    start(world, "other");
    begin(world, "predictions");
    assert_non_null(find_sent(world, "DELETE", PREDICTIONS));
    assert_non_null(find_sent(world, "DELETE", OWN));
    assert_int_equal(world->n, 2);
    run_cycle(world, "predictions");
    assert_non_null(find_sent(world, "PUT", moved));
    assert_int_equal(count_remembered(world, "predictions", moved), 1);
    answer(world, "DELETE", PREDICTIONS, 202); /* of an address that is no group of ours now */
    assert_int_equal(count_remembered(world, "predictions", moved), 1);
}

/* --- Rejected bodies ------------------------------------------------------------------------- */

/* Answers requests for the group until none is left: 400 to those that hold the family. */
static size_t play_gateway(struct world *world, const char *family)
{
    size_t requests = 0;
    for (; requests < 200; requests++) {
        const struct sent *last = world->n ? &world->sent[world->n - 1] : NULL;
        if (!last || strcmp(last->url, PREDICTIONS) != 0)
            return requests;
        bool bad = exposition_count(last->body, family) > 0;
        char *method = strdup(last->method);
        forget_sent(world);
        answer(world, method, PREDICTIONS, bad ? 400 : 200);
        free(method);
    }
    return requests;
}

static void test_a_rejected_body_is_sent_family_by_family(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    size_t families = 0;
    for (const char *at = find_sent(world, "PUT", PREDICTIONS)->body;
         (at = strstr(at, "# TYPE ")) != NULL; at++)
        families++;
    forget_sent(world);
    answer(world, "PUT", PREDICTIONS, 400);
    assert_int_equal(world->n, 1);
    assert_string_equal(world->sent[0].method, "POST"); /* which leaves the other families alone */
    assert_int_equal(exposition_count(world->sent[0].body, NULL), 1);
    assert_int_equal(play_gateway(world, "no such family"), families + 1); /* and the whole again */
    assert_own(world, "pgvigil_push_rejected_families", 0);
}

static void test_the_culprit_is_left_out_and_tried_again(void **state)
{
    static const char culprit[] = "pgvigil_check_status";
    struct world *world = *state;
    run_cycle(world, "predictions");
    forget_sent(world);
    answer(world, "PUT", PREDICTIONS, 400);
    assert_true(play_gateway(world, culprit) > 5);
    assert_own(world, "pgvigil_push_rejected_families", 1);
    size_t pushes = 0;
    const struct sent *put;
    do {
        forget_sent(world);
        run_cycle(world, "predictions");
        put = find_sent(world, "PUT", PREDICTIONS);
        assert_non_null(put);
        assert_int_equal(exposition_count(put->body, "pgvigil_drift_ks"), 1);
        pushes++;
    } while (!exposition_count(put->body, culprit) && pushes < 1000);
    assert_in_range(pushes, 10, 100);
    assert_own(world, "pgvigil_push_rejected_families", 1); /* until the answer says otherwise */
    answer(world, "PUT", PREDICTIONS, 200);
    assert_own(world, "pgvigil_push_rejected_families", 0);
}

/* Every family alone is taken, the whole is not: that must not go round in circles. */
static void test_a_search_ends(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    forget_sent(world);
    answer(world, "PUT", PREDICTIONS, 400);
    size_t requests = 0;
    while (world->n && requests < 200) {
        char *method = strdup(world->sent[world->n - 1].method);
        forget_sent(world);
        answer(world, method, PREDICTIONS, !strcmp(method, "PUT") ? 400 : 200);
        free(method);
        requests++;
    }
    assert_in_range(requests, 5, 60);
}

/* A search whose answer never comes does not hold the group up. */
static void test_a_lost_search_is_given_up(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    forget_sent(world);
    answer(world, "PUT", PREDICTIONS, 400);
    assert_non_null(find_sent(world, "POST", PREDICTIONS));
    size_t cycles = 0;
    while (!find_sent(world, "PUT", PREDICTIONS) && cycles < 100) {
        run_cycle(world, "predictions");
        cycles++;
    }
    assert_in_range(cycles, 2, 20);
}

static void test_trouble_of_the_gateway_is_no_rejection(void **state)
{
    struct world *world = *state;
    run_cycle(world, "predictions");
    forget_sent(world);
    answer(world, "PUT", PREDICTIONS, 503);
    answer(world, "PUT", PREDICTIONS, 0);
    assert_int_equal(world->n, 0);
    answer(world, "PUT", PREDICTIONS, 400);
    forget_sent(world);
    answer(world, "POST", PREDICTIONS, 503); /* in the middle of a search */
    assert_int_equal(world->n, 0);
    assert_own(world, "pgvigil_push_rejected_families", 0);
    run_cycle(world, "predictions");
    assert_non_null(find_sent(world, "PUT", PREDICTIONS));
}

static void test_a_sender_that_takes_nothing(void **state)
{
    struct world *world = *state;
    world->full = true;
    run_cycle(world, "predictions");
    retire(world, "predictions");
    world->full = false;
    vg_push_own(world->push);
    assert_non_null(find_sent(world, "DELETE", PREDICTIONS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        TEST(test_a_cycle_replaces_two_groups),
        TEST(test_answers_are_counted),
        TEST(test_deletion_until_it_is_taken),
        TEST(test_a_dataset_that_comes_back),
        TEST(test_a_retired_stranger_is_nothing),
        TEST(test_groups_retired_while_down_are_deleted),
        TEST(test_groups_that_moved_are_deleted),
        TEST(test_a_rejected_body_is_sent_family_by_family),
        TEST(test_the_culprit_is_left_out_and_tried_again),
        TEST(test_a_search_ends),
        TEST(test_a_lost_search_is_given_up),
        TEST(test_trouble_of_the_gateway_is_no_rejection),
        TEST(test_a_sender_that_takes_nothing),
    };
    return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
