/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of groups that stand where they no longer belong (agent/metrics/push_move.c): after a
 * restart, after a reload with another address, without a gateway. */
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

/* --- Restarts -------------------------------------------------------------------------------- */

static void begin(struct push_world *world, const char *dataset)
{
    struct vg_dataset only = {.id = dataset};
    struct vg_dataset *list[] = {&only};
    struct vg_ruleset rules = {.datasets = list, .ndatasets = 1, .folder_ok = true};
    MUST(world->fixture, vg_push_begin(world->push, &rules, &world->fixture->err));
}

static void test_groups_retired_while_down_are_deleted(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_cycle(world, "features");
    push_stop(world);
    push_start(world, "pgvigil");
    begin(world, "features");
    assert_int_equal(world->n, 1);
    assert_non_null(push_find(world, "DELETE", PREDICTIONS));
    push_answer(world, "DELETE", PREDICTIONS, 503);
    push_stop(world);
    push_start(world, "pgvigil"); /* it is still owed after another restart */
    begin(world, "features");
    assert_non_null(push_find(world, "DELETE", PREDICTIONS));
    push_answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(push_remembered(world, "predictions", NULL), 0);
    assert_int_equal(push_remembered(world, "features", NULL), 1);
}

static void test_groups_that_moved_are_deleted(void **state)
{
    static const char moved[] =
        "http://gw:9091/metrics/job/other/instance/prod/dataset@base64/cHJlZGljdGlvbnM";
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_stop(world);
    push_start(world, "other");
    begin(world, "predictions");
    assert_non_null(push_find(world, "DELETE", PREDICTIONS));
    assert_non_null(push_find(world, "DELETE", OWN));
    assert_int_equal(world->n, 2);
    push_cycle(world, "predictions");
    assert_non_null(push_find(world, "PUT", moved));
    assert_int_equal(push_remembered(world, "predictions", moved), 1);
    push_answer(world, "DELETE", PREDICTIONS, 202); /* of an address that is no group of ours now */
    assert_int_equal(push_remembered(world, "predictions", moved), 1);
}

/* --- Another target -------------------------------------------------------------------------- */

#define MOVED     "http://new:1/base/metrics/job/other/instance/prod"
#define MOVED_SET MOVED "/dataset@base64/cHJlZGljdGlvbnM"

static void retarget(struct push_world *world, const char *url, const char *job)
{
    MUST(world->fixture, vg_push_retarget(world->push, url, job, &world->fixture->err));
}

static void test_another_target(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_forget_sent(world);
    retarget(world, "http://gw:9091/", "pgvigil");
    assert_int_equal(world->n, 0); /* the same */
    retarget(world, "http://new:1/base", "other");
    assert_int_equal(world->n, 4); /* at once, before any cycle */
    exposition_check(push_find(world, "PUT", MOVED_SET)->body);
    assert_non_null(push_find(world, "PUT", MOVED));
    assert_non_null(push_find(world, "DELETE", PREDICTIONS));
    assert_non_null(push_find(world, "DELETE", OWN));
    assert_int_equal(push_remembered(world, "predictions", MOVED_SET), 1);
    assert_int_equal(push_remembered(world, "", MOVED), 1);
    push_answer(world, "DELETE", PREDICTIONS, 202);
    push_answer(world, "DELETE", OWN, 503);
    assert_int_equal(push_remembered(world, "predictions", MOVED_SET), 1);
    push_forget_sent(world);
    for (int i = 0; i < 20; i++)
        vg_push_own(world->push);
    assert_int_equal(push_count(world, "DELETE", PREDICTIONS), 0);
    assert_int_equal(push_count(world, "DELETE", OWN), 4); /* and no more: it may be gone */
    assert_int_equal(push_count(world, "PUT", OWN), 0);
    assert_int_equal(push_count(world, "PUT", MOVED), 20);
    assert_int_equal(push_remembered(world, "", MOVED), 1);
}

static void test_a_target_that_comes_back(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    retarget(world, "http://new:1/base", "other");
    retarget(world, "http://gw:9091", "pgvigil");
    push_forget_sent(world);
    vg_push_own(world->push);
    push_cycle(world, "predictions");
    assert_int_equal(push_count(world, "DELETE", PREDICTIONS), 0);
    assert_int_equal(push_count(world, "DELETE", OWN), 0);
    assert_non_null(push_find(world, "DELETE", MOVED_SET));
    assert_non_null(push_find(world, "PUT", PREDICTIONS));
    push_answer(world, "DELETE", MOVED_SET, 202);
    assert_int_equal(push_remembered(world, "predictions", PREDICTIONS), 1);
}

static void test_no_target_and_one_again(void **state)
{
    struct push_world *world = *state;
    push_cycle(world, "predictions");
    push_forget_sent(world);
    retarget(world, NULL, "pgvigil");
    push_cycle(world, "predictions");
    assert_non_null(push_find(world, "DELETE", PREDICTIONS));
    assert_non_null(push_find(world, "DELETE", OWN));
    assert_null(push_find(world, "PUT", OWN));
    assert_null(push_find(world, "PUT", PREDICTIONS));
    push_answer(world, "DELETE", PREDICTIONS, 202);
    assert_int_equal(push_remembered(world, "predictions", NULL), 0);
    assert_int_equal(push_remembered(world, "", OWN), 1);
    retarget(world, "http://gw:9091", "pgvigil");
    push_cycle(world, "predictions");
    assert_non_null(push_find(world, "PUT", PREDICTIONS));
    assert_non_null(push_find(world, "PUT", OWN));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, push_set_up, push_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_groups_retired_while_down_are_deleted),
        TEST(test_groups_that_moved_are_deleted),
        TEST(test_another_target),
        TEST(test_a_target_that_comes_back),
        TEST(test_no_target_and_one_again),
    };
    return cmocka_run_group_tests_name("push_move", tests, NULL, NULL);
}
