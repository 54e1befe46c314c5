/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/marks.c. */
#include "tests/unit/store_fixture.h"

#include <string.h>

#include "pgvigil/check.h"

static void put(struct fixture *f, int hour, const char *rule, uint64_t fingerprint)
{
    struct vg_result results[2] = {made_result(rule, VG_PASS), made_result("other", VG_PASS)};
    results[0].segment = results[1].segment = NULL;
    results[0].fingerprint = fingerprint;
    results[1].fingerprint = 0;
    struct vg_cycle cycle = made_cycle(hour, results, 2);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
}

static size_t list(struct fixture *f, const char *dataset, int from, int until,
                   struct vg_mark **marks)
{
    struct vg_window span = {made_hour(from).start_us, made_hour(until).start_us, false};
    size_t n;
    const struct vg_marks_of of = {dataset, span, INT64_MIN};
    MUST(f, vg_store_marks(f->store, &of, f->arena, marks, &n, &f->err));
    return n;
}

/* All 64 bits come back, in order of time, of the span alone; results without one leave none. */
static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct vg_mark *marks;
    put(f, 2, "b", UINT64_MAX);
    put(f, 1, "a", 1);
    put(f, 3, "c", UINT64_C(1) << 63);
    assert_int_equal(list(f, "d", 1, 3, &marks), 2);
    assert_string_equal(marks[0].rule, "a");
    assert_string_equal(marks[0].segment, "");
    assert_true(marks[0].fingerprint == 1 && marks[1].fingerprint == UINT64_MAX);
    assert_true(marks[1].start_us == made_hour(2).start_us);
    assert_int_equal(list(f, "d", 3, 4, &marks), 1);
    assert_true(marks[0].fingerprint == UINT64_C(1) << 63);
    assert_int_equal(list(f, "d", 4, 9, &marks), 0);
    assert_int_equal(list(f, "elsewhere", 0, 9, &marks), 0);
}

/* A window judged again has those of its last judging. */
static void test_judged_again(void **state)
{
    struct fixture *f = *state;
    struct vg_mark *marks;
    put(f, 1, "a", 5);
    put(f, 1, "b", 6);
    assert_int_equal(list(f, "d", 1, 2, &marks), 1);
    assert_string_equal(marks[0].rule, "b");
}

static void test_segments(void **state)
{
    struct fixture *f = *state;
    struct vg_mark *marks;
    struct vg_result results[2] = {made_result("r", VG_PASS), made_result("r", VG_PASS)};
    results[0].segment = "x";
    results[1].segment = "y";
    results[0].fingerprint = 8;
    results[1].fingerprint = 9;
    struct vg_cycle cycle = made_cycle(1, results, 2);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    assert_int_equal(list(f, "d", 1, 2, &marks), 2);
    assert_string_equal(marks[1].segment, "y");
    assert_true(marks[1].fingerprint == 9);
    cycle.has_window = false; /* a tick leaves what windows left */
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    assert_int_equal(list(f, "d", 1, 2, &marks), 2);
}

/* They follow rules and datasets to their new names, and are forgotten with a dataset. */
static void test_names(void **state)
{
    struct fixture *f = *state;
    struct vg_mark *marks;
    struct vg_alert alert = made_alert("a", VG_ALERT_OK);
    const struct vg_progress progress = {.known = true};
    put(f, 1, "a", 5);
    MUST(f, vg_store_progress_put(f->store, "d", &progress, &f->err));
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    MUST(f, vg_store_alert_rename(f->store, "d", "a", "new", &f->err));
    MUST(f, vg_store_rename(f->store, "d", "e", &f->err));
    assert_int_equal(list(f, "e", 1, 2, &marks), 1);
    assert_string_equal(marks[0].rule, "new");
    MUST(f, vg_store_retire(f->store, "e", &f->err));
    assert_int_equal(list(f, "e", 1, 2, &marks), 0);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {OPEN(test_round_trip), OPEN(test_judged_again),
                                       OPEN(test_segments), OPEN(test_names)};
    return cmocka_run_group_tests_name("store_marks", tests, NULL, NULL);
}
