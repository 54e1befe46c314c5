/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/structure.c, and of the structure that a reference keeps. */
#include "tests/unit/store_fixture.h"

#include <string.h>

static const char *read_of(struct fixture *f, const char *dataset)
{
    const char *text = "unset";
    MUST(f, vg_store_structure(f->store, dataset, f->arena, &text, &f->err));
    return text;
}

static void put(struct fixture *f, const char *dataset, const char *text, int64_t now_us)
{
    MUST(f, vg_store_structure_put(f->store, dataset, text, now_us, &f->err));
}

static int64_t read_time(struct fixture *f)
{
    return fixture_int(f->store, "SELECT at_us FROM structure WHERE dataset = 'd'");
}

static void test_put_and_read(void **state)
{
    struct fixture *f = *state;
    assert_null(read_of(f, "d"));
    put(f, "d", "one\ttwo\n", 5);
    put(f, "e", "", 6);
    assert_string_equal(read_of(f, "d"), "one\ttwo\n");
    assert_string_equal(read_of(f, "e"), "");
    put(f, "d", "one\ttwo\n", 7); /* no write */
    assert_int_equal(read_time(f), 5);
    put(f, "d", "three\n", 8);
    assert_string_equal(read_of(f, "d"), "three\n");
    assert_int_equal(read_time(f), 8);
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    assert_string_equal(read_of(f, "d"), "three\n");
}

static void test_rolled_back_with_its_cycle(void **state)
{
    struct fixture *f = *state;
    const struct vg_claim claim = {"test", 1};
    put(f, "d", "before", 5);
    MUST(f, vg_store_begin(f->store, &claim, &f->err));
    put(f, "d", "after", 6);
    vg_store_rollback(f->store);
    assert_string_equal(read_of(f, "d"), "before");
}

static void test_move_and_retire(void **state)
{
    struct fixture *f = *state;
    put(f, "d", "of d", 5);
    put(f, "new", "left behind", 5);
    MUST(f, vg_store_rename(f->store, "d", "new", &f->err));
    assert_null(read_of(f, "d"));
    assert_string_equal(read_of(f, "new"), "of d");
    put(f, "d", "another", 6);
    MUST(f, vg_store_retire(f->store, "new", &f->err));
    assert_null(read_of(f, "new"));
    assert_string_equal(read_of(f, "d"), "another");
}

static void test_of_a_reference(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"pgvigil schema 1\ntable\tt\n", NULL};
    for (size_t i = 0; i < 2; i++) {
        const struct vg_reference meta = {.spec = "t", .structure = texts[i]};
        struct vg_reference *got;
        int64_t version;
        MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, &f->err));
        MUST(f, vg_store_reference_done(f->store, version, 1, NULL, 1, &f->err));
        MUST(f, vg_store_reference(f->store, "d", 0, NULL, &got, &f->err));
        assert_non_null(got);
        if (texts[i])
            assert_string_equal(got->structure, texts[i]);
        else
            assert_null(got->structure);
        vg_reference_free(got);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_put_and_read),
        TEST(test_rolled_back_with_its_cycle),
        TEST(test_move_and_retire),
        TEST(test_of_a_reference),
    };
    return cmocka_run_group_tests_name("store_structure", tests, NULL, NULL);
}
