/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of how columns of a reference depend on each other in the store: written, read back,
 * absent, damaged, and gone with their version. */
#include "tests/unit/store_fixture.h"

#include <string.h>

#include "pgvigil/summary_pairs.h"

static const char *const names[3] = {"a", "b\n\"c\"", "d"};

static int64_t capture(struct fixture *f, bool with, bool complete)
{
    const struct vg_reference meta = {
        .from_us = 10, .to_us = 20, .base_us = VG_HOUR_US, .resolution = 4096, .spec = "spec"};
    struct vg_error *err = &f->err;
    int64_t version;
    MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, err));
    if (with) {
        static const int16_t ranks[3][4] = {
            {1, -2, 3, VG_RANK_NONE}, {4, 5, -6, 7}, {VG_RANK_MOST, 0, 0, -VG_RANK_MOST}};
        const int16_t *const at[3] = {ranks[0], ranks[1], ranks[2]};
        struct vg_pairs *pairs = vg_pairs_new(5, names, 3);
        assert_non_null(pairs);
        MUST(f, vg_pairs_count(pairs, at, 4, err));
        MUST(f, vg_store_reference_pairs_put(f->store, version, pairs, err));
        MUST(f, vg_store_reference_pairs_put(f->store, version, pairs, err));
        vg_pairs_free(pairs);
    }
    MUST(f, vg_store_reference_done(f->store, version, 15, complete ? NULL : "broken", 77, err));
    return version;
}

static struct vg_reference *load(struct fixture *f)
{
    struct vg_reference *reference;
    MUST(f, vg_store_reference(f->store, "d", 0, NULL, &reference, &f->err));
    assert_non_null(reference);
    assert_null(reference->pairs);
    return reference;
}

static void test_read_back(void **state)
{
    struct fixture *f = *state;
    int64_t version = capture(f, true, true);
    struct vg_reference *reference = load(f);
    MUST(f, vg_store_reference_pairs(f->store, reference, &f->err));
    const struct vg_pairs *pairs = reference->pairs;
    assert_non_null(pairs);
    assert_true(pairs->id == 5 && pairs->d == 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(vg_pairs_find(pairs, names[i]), i);
    const struct vg_rank_pair want = {3, 2, 3, 14, 77, 4 - 10 - 18};
    assert_memory_equal(vg_pairs_at(pairs, 0, 1), &want, sizeof want);
    vg_reference_free(reference);
    struct vg_pairs *late = vg_pairs_new(5, names, 3);
    REFUSED(f, VG_E_USAGE, vg_store_reference_pairs_put(f->store, version, late, &f->err));
    vg_pairs_free(late);
}

static void test_without(void **state)
{
    struct fixture *f = *state;
    capture(f, false, true);
    struct vg_reference *reference = load(f);
    MUST(f, vg_store_reference_pairs(f->store, reference, &f->err));
    assert_null(reference->pairs);
    vg_reference_free(reference);
}

static void test_damaged(void **state)
{
    struct fixture *f = *state;
    capture(f, true, true);
    struct vg_reference *reference = load(f);
    fixture_exec(f->store, "UPDATE reference_pairs SET body = substr(body, 1, 40)");
    REFUSED(f, VG_E_STATE, vg_store_reference_pairs(f->store, reference, &f->err));
    assert_non_null(strstr(f->err.msg, "pairs of columns"));
    assert_null(reference->pairs);
    vg_reference_free(reference);
}

static void test_gone_with_the_version(void **state)
{
    struct fixture *f = *state;
    capture(f, true, false);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM reference_pairs"), 0);
    int64_t first = capture(f, true, true);
    capture(f, true, true);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM reference_pairs"), 2);
    MUST(f, vg_store_reference_drop(f->store, "d", first, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM reference_pairs"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_back, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_without, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_gone_with_the_version, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests_name("store_pairs", tests, NULL, NULL);
}
