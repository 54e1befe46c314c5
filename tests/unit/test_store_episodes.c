/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a catch-up holds back, in the store: read back equal, in order, moved and cleared with its
 * dataset. */
#include "tests/unit/store_fixture.h"

#include <math.h>
#include <string.h>

#include "pgvigil/text.h"

static const char *const receivers[] = {"ops", "on call"};

static struct vg_episode made_episode(const char *rule, int64_t due_us)
{
    return (struct vg_episode){
        .dataset = "d",
        .rule = rule,
        .segment = "carrier=AA",
        .check = "ks",
        .column = "delay",
        .class = VG_CLASS_DRIFT,
        .severity = VG_SEVERITY_WARNING,
        .due_us = due_us,
        .onset_us = due_us - 1,
        .ended_us = due_us + 1,
        .over = true,
        .known = true,
        .incident = "00112233445566778899aabbccddeeff",
        .emits = VG_EMIT_FIRE | VG_EMIT_CLEAR,
        .value = 0.5,
        .limit = 0.25,
        .p_value = NAN,
        .unit = VG_UNIT_RATIO,
        .verdict = VG_FAIL,
        .worst = {.at_us = 3, .value = 0.75, .limit = 0.25, .verdict = VG_WARN},
        .why = "why",
        .runbook = "https://example.test/runbook",
        .to = {receivers, 2},
    };
}

static void assert_same(const struct vg_episode *a, const struct vg_episode *b)
{
    assert_string_equal(a->dataset, b->dataset);
    assert_string_equal(a->rule, b->rule);
    assert_string_equal(a->segment, b->segment);
    assert_string_equal(a->check, b->check);
    assert_true(vg_streq(a->column, b->column));
    assert_int_equal(a->class, b->class);
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->due_us, b->due_us);
    assert_int_equal(a->onset_us, b->onset_us);
    assert_int_equal(a->ended_us, b->ended_us);
    assert_true(a->over == b->over && a->known == b->known);
    assert_string_equal(a->incident, b->incident);
    assert_int_equal(a->emits, b->emits);
    assert_true(a->value == b->value && a->limit == b->limit);
    assert_true(isnan(a->p_value) && isnan(b->p_value));
    assert_int_equal(a->unit, b->unit);
    assert_int_equal(a->verdict, b->verdict);
    assert_true(a->worst.at_us == b->worst.at_us && a->worst.value == b->worst.value);
    assert_true(a->worst.limit == b->worst.limit && a->worst.verdict == b->worst.verdict);
    assert_string_equal(a->why, b->why);
    assert_true(vg_streq(a->runbook, b->runbook));
    assert_int_equal(a->to.n, b->to.n);
    for (size_t i = 0; i < a->to.n; i++)
        assert_string_equal(a->to.items[i], b->to.items[i]);
}

static struct vg_episode *list(struct fixture *f, const char *dataset, bool all, size_t want)
{
    struct vg_episode *got;
    size_t n;
    MUST(f, vg_store_episodes(f->store, dataset, all, f->arena, &got, &n, &f->err));
    assert_int_equal(n, want);
    return got;
}

static void test_put_and_list(void **state)
{
    struct fixture *f = *state;
    struct vg_episode late = made_episode("a", 20), early = made_episode("b", 10);
    early.over = early.known = false;
    early.segment = "";
    early.incident[0] = '\0';
    early.column = early.runbook = NULL;
    early.ended_us = VG_NEVER;
    early.to.n = 0;
    MUST(f, vg_store_episode_put(f->store, &late, &f->err));
    MUST(f, vg_store_episode_put(f->store, &early, &f->err));
    struct vg_episode *got = list(f, "d", true, 2);
    assert_same(&got[0], &early);
    assert_same(&got[1], &late);
    assert_same(list(f, "d", false, 1), &early);
    list(f, "x", true, 0);
    early.over = true;
    early.ended_us = 12;
    early.value = 7;
    MUST(f, vg_store_episode_put(f->store, &early, &f->err)); /* it goes on */
    assert_same(list(f, "d", true, 2), &early);
    list(f, "d", false, 0);
    early.known = true; /* another one */
    MUST(f, vg_store_episode_put(f->store, &early, &f->err));
    list(f, "d", true, 3);
}

static void test_clear_move_and_retire(void **state)
{
    struct fixture *f = *state;
    struct vg_episode here = made_episode("a", 10), there = made_episode("a", 10);
    struct vg_progress progress = {.known = true};
    there.dataset = "e";
    MUST(f, vg_store_episode_put(f->store, &here, &f->err));
    MUST(f, vg_store_episode_put(f->store, &there, &f->err));
    MUST(f, vg_store_progress_put(f->store, "e", &progress, &f->err));
    MUST(f, vg_store_episodes_clear(f->store, "d", &f->err));
    list(f, "d", true, 0);
    list(f, "e", true, 1);
    MUST(f, vg_store_rename(f->store, "e", "new", &f->err));
    list(f, "e", true, 0);
    list(f, "new", true, 1);
    MUST(f, vg_store_retire(f->store, "new", &f->err));
    list(f, "new", true, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_put_and_list),
        TEST(test_clear_move_and_retire),
    };
    return cmocka_run_group_tests_name("store_episodes", tests, NULL, NULL);
}
