/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/retraining.c: what becomes of requests for retraining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pgvigil/time.h"
#include "tests/unit/store_fixture.h"

static const char first[] = "00112233445566778899aabbccddeeff";
static const char second[] = "ffeeddccbbaa99887766554433221100";

static struct vg_retrain_run read_run(struct fixture *f, const char *key)
{
    struct vg_retrain_run run;
    bool found;
    MUST(f, vg_store_retrain_run(f->store, key, f->arena, &run, &found, &f->err));
    assert_true(found);
    return run;
}

static void test_a_run_from_asking_to_its_end(void **state)
{
    struct fixture *f = *state;
    MUST(f, vg_store_retrain_run_ask(f->store, first, "m", 100, &f->err));
    struct vg_retrain_run run = read_run(f, first);
    assert_int_equal(run.state, VG_RETRAIN_ASKED);
    assert_true(run.asked_us == 100 && run.changed_us == 100);
    assert_true(run.accepted_us == VG_NEVER && run.ended_us == VG_NEVER);
    assert_true(run.next_us == VG_NEVER && run.until_us == VG_NEVER);
    assert_string_equal(run.system, "");
    assert_null(run.id);
    run.system = "airflow";
    run.id = "pgvigil__x";
    run.url = "https://a/b";
    run.state = VG_RETRAIN_RUNNING;
    run.asked_us = 999; /* stays what it was */
    run.accepted_us = 200;
    run.next_us = 300;
    run.until_us = 400;
    run.looks = 5;
    run.answer = "running";
    assert_null(run.place);
    run.place = "0a1b";
    MUST(f, vg_store_retrain_run_put(f->store, &run, &f->err));
    MUST(f, vg_store_retrain_run_ask(f->store, first, "m", 500, &f->err)); /* it is there */
    run = read_run(f, first);
    assert_int_equal(run.state, VG_RETRAIN_RUNNING);
    assert_true(run.asked_us == 100 && run.accepted_us == 200 && run.next_us == 300);
    assert_string_equal(run.id, "pgvigil__x");
    assert_string_equal(run.answer, "running");
    assert_string_equal(run.place, "0a1b");
    assert_int_equal(run.looks, 5);
}

static void test_lists_and_times(void **state)
{
    struct fixture *f = *state;
    struct vg_retrain_run *runs;
    size_t n;
    int64_t next_us;
    bool found;
    MUST(f, vg_store_retrain_run_ask(f->store, first, "m", 100, &f->err));
    MUST(f, vg_store_retrain_run_ask(f->store, second, "other", 200, &f->err));
    MUST(f, vg_store_retrain_runs(f->store, NULL, 10, f->arena, &runs, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(runs[0].key, second); /* the newest first */
    MUST(f, vg_store_retrain_runs(f->store, "m", 10, f->arena, &runs, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f, vg_store_retrain_runs_next(f->store, 0, &next_us, &f->err));
    assert_true(next_us == VG_NEVER);
    MUST(f, vg_store_retrain_runs_due(f->store, 1000, f->arena, &runs, &n, &f->err));
    assert_int_equal(n, 0);
    struct vg_retrain_run run = read_run(f, second);
    run.next_us = 700;
    MUST(f, vg_store_retrain_run_put(f->store, &run, &f->err));
    MUST(f, vg_store_retrain_runs_next(f->store, 0, &next_us, &f->err));
    assert_true(next_us == 700);
    MUST(f, vg_store_retrain_runs_due(f->store, 699, f->arena, &runs, &n, &f->err));
    assert_int_equal(n, 0);
    MUST(f, vg_store_retrain_runs_due(f->store, 700, f->arena, &runs, &n, &f->err));
    assert_int_equal(n, 1);
    /* what is over goes after 400 days, what waits or is looked at does not */
    run.next_us = VG_NEVER;
    run.state = VG_RETRAIN_LOST;
    MUST(f, vg_store_retrain_run_put(f->store, &run, &f->err));
    MUST(f, vg_store_trim(f->store, 401 * VG_DAY_US, &f->err));
    MUST(f, vg_store_retrain_run(f->store, second, f->arena, &run, &found, &f->err));
    assert_false(found);
    read_run(f, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_run_from_asking_to_its_end, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lists_and_times, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("store_retraining", tests, NULL, NULL);
}
