/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/calibration.c: what the budget learnt, complete or not at all, and gone
 * with its reference; new values told once; and single summaries read back. */
#include "tests/unit/store_fixture.h"

#include <string.h>

#include "tests/unit/made_batch.h"

static int64_t make_reference(struct fixture *f)
{
    const struct vg_reference meta = {
        .from_us = 10, .to_us = 20, .base_us = VG_HOUR_US, .resolution = 4096, .spec = "spec"};
    int64_t version;
    MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, &f->err));
    MUST(f, vg_store_reference_done(f->store, version, 15, NULL, 77, &f->err));
    return version;
}

static int64_t calibrate(struct fixture *f, int64_t version, const char *inputs, bool complete)
{
    int64_t id;
    MUST(f, vg_store_calibration_begin(f->store, version, inputs, 5, &id, &f->err));
    MUST(f, vg_store_calibration_part(f->store, id, "a", inputs, strlen(inputs), &f->err));
    if (complete)
        MUST(f, vg_store_calibration_done(f->store, id, "model", 5, &f->err));
    return id;
}

static bool find(struct fixture *f, int64_t version, struct vg_calibration *out)
{
    bool found;
    MUST(f, vg_store_calibration(f->store, version, f->arena, out, &found, &f->err));
    return found;
}

static void test_complete_or_none(void **state)
{
    struct fixture *f = *state;
    struct vg_calibration out;
    int64_t version = make_reference(f);
    assert_false(find(f, version, &out));
    calibrate(f, version, "lost", false);
    assert_false(find(f, version, &out));
    int64_t first = calibrate(f, version, "first", true);
    assert_true(find(f, version, &out));
    assert_int_equal(out.id, first);
    assert_int_equal(out.at_us, 5);
    assert_string_equal(out.inputs, "first");
    assert_int_equal(out.size, 5);
    assert_memory_equal(out.body, "model", 5);
    /* One that is on its way changes nothing yet, and its parts are its own. */
    int64_t second = calibrate(f, version, "second", false);
    assert_true(find(f, version, &out));
    assert_int_equal(out.id, first);
    const void *body;
    size_t size;
    MUST(f, vg_store_calibration_column(f->store, first, "a", f->arena, &body, &size, &f->err));
    assert_int_equal(size, 5);
    assert_memory_equal(body, "first", 5);
    MUST(f, vg_store_calibration_done(f->store, second, "other", 5, &f->err));
    assert_true(find(f, version, &out));
    assert_int_equal(out.id, second);
    MUST(f, vg_store_calibration_column(f->store, first, "a", f->arena, &body, &size, &f->err));
    assert_null(body);
    MUST(f, vg_store_calibration_column(f->store, second, "b", f->arena, &body, &size, &f->err));
    assert_null(body);
}

static void test_goes_with_the_reference(void **state)
{
    struct fixture *f = *state;
    struct vg_calibration out;
    int64_t version = make_reference(f);
    int64_t id = calibrate(f, version, "inputs", false);
    MUST(f, vg_store_told_put(f->store, version, "a", UINT64_MAX, 3, &f->err));
    MUST(f, vg_store_reference_drop(f->store, "d", version, &f->err));
    assert_int_equal(vg_store_calibration_done(f->store, id, "model", 5, &f->err), -1);
    assert_int_equal(f->err.code, VG_E_NOT_FOUND);
    assert_false(find(f, version, &out));
}

static void test_told_once(void **state)
{
    struct fixture *f = *state;
    int64_t version = make_reference(f);
    uint64_t *told;
    size_t n;
    for (int i = 0; i < 2; i++)
        MUST(f, vg_store_told_put(f->store, version, "a", UINT64_MAX - 1, i, &f->err));
    MUST(f, vg_store_told_put(f->store, version, "b", 7, 3, &f->err));
    MUST(f, vg_store_told(f->store, version, "a", f->arena, &told, &n, &f->err));
    assert_int_equal(n, 1);
    assert_true(told[0] == UINT64_MAX - 1);
    MUST(f, vg_store_told(f->store, version + 1, "a", f->arena, &told, &n, &f->err));
    assert_int_equal(n, 0);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(test_complete_or_none),
        OPEN(test_goes_with_the_reference),
        OPEN(test_told_once),
    };
    return cmocka_run_group_tests_name("store_calibration", tests, NULL, NULL);
}
