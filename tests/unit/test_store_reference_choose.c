/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several references of a dataset, rolling ones, and what became of them. */
#include "tests/unit/store_fixture.h"

static int64_t made(struct fixture *f, const struct vg_reference *meta)
{
    int64_t version;
    MUST(f, vg_store_reference_begin(f->store, "d", meta, &version, &f->err));
    MUST(f, vg_store_reference_done(f->store, version, 1, NULL, 77, &f->err));
    return version;
}

static int64_t rolled(struct fixture *f, int64_t to_us)
{
    return made(f, &(struct vg_reference){.name = "week",
                                          .rolling = true,
                                          .from_us = to_us - 10,
                                          .to_us = to_us,
                                          .spec = "rolling"});
}

static int64_t find(struct fixture *f, const char *name, int64_t until_us)
{
    int64_t version;
    MUST(f, vg_store_reference_of(f->store, "d", name, until_us, &version, &f->err));
    return version;
}

static void test_names(void **state)
{
    struct fixture *f = *state;
    int64_t pinned = made(f, &(struct vg_reference){.from_us = 1, .to_us = 2, .spec = "a"});
    int64_t week = rolled(f, 20);
    assert_int_equal(find(f, "reference", VG_NEVER), pinned);
    assert_int_equal(find(f, "week", VG_NEVER), week);
    assert_int_equal(find(f, "month", VG_NEVER), 0);
}

/* The window's time decides, not the order of captures; old ones go. */
static void test_rolling(void **state)
{
    struct fixture *f = *state;
    int64_t v30 = rolled(f, 30), v20 = rolled(f, 20), v40 = rolled(f, 40);
    assert_int_equal(find(f, "week", VG_NEVER), v40);
    assert_int_equal(find(f, "week", 39), v30);
    assert_int_equal(find(f, "week", 30), v30);
    assert_int_equal(find(f, "week", 29), v20);
    assert_int_equal(find(f, "week", 19), 0);
    rolled(f, 50);
    assert_int_equal(find(f, "week", 29), 0); /* three stand behind which it was */
    assert_int_equal(find(f, "week", 39), v30);
    assert_int_equal(find(f, "week", VG_NEVER), find(f, "week", 50));
}

static void choose(struct fixture *f, int64_t version, enum vg_reference_how how, int64_t former)
{
    struct vg_reference_change change = {
        .dataset = "d", .version = version, .how = how, .by = "me", .at_us = 88};
    MUST(f, vg_store_reference_choose(f->store, &change, "file", f->arena, &f->err));
    assert_string_equal(change.name, "reference");
    assert_int_equal(change.former, former);
}

static int64_t former(struct fixture *f)
{
    int64_t version;
    MUST(f, vg_store_reference_former(f->store, "d", "reference", &version, &f->err));
    return version;
}

static void test_changes(void **state)
{
    struct fixture *f = *state;
    struct vg_reference_change *rows;
    size_t n;
    int64_t version;
    int64_t a = made(f, &(struct vg_reference){.to_us = 1, .spec = "a"});
    REFUSED(f, VG_E_NOT_FOUND,
            vg_store_reference_former(f->store, "d", "reference", &version, &f->err));
    int64_t b = made(
        f, &(struct vg_reference){.to_us = 2, .spec = "b", .stands_for = "a", .given_by = "you"});
    int64_t c = made(f, &(struct vg_reference){.to_us = 3, .spec = "c"});
    assert_int_equal(former(f), b);
    choose(f, b, VG_REFERENCE_BACK, c);
    assert_int_equal(former(f), a);
    choose(f, a, VG_REFERENCE_BACK, b);
    choose(f, a, VG_REFERENCE_USED, a); /* nothing changes, nothing is kept */
    choose(f, c, VG_REFERENCE_PROMOTED, a);
    assert_int_equal(former(f), a);
    MUST(f, vg_store_reference_changes(f->store, "d", f->arena, &rows, &n, &f->err));
    static const enum vg_reference_how hows[] = {VG_REFERENCE_PROMOTED, VG_REFERENCE_BACK,
                                                 VG_REFERENCE_BACK,     VG_REFERENCE_CAPTURED,
                                                 VG_REFERENCE_PROMOTED, VG_REFERENCE_CAPTURED};
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i].how, hows[i]);
    assert_string_equal(rows[4].by, "you");
    assert_int_equal(rows[4].former, a);
    struct vg_reference_row *list;
    MUST(f, vg_store_references(f->store, "d", f->arena, &list, &n, &f->err));
    assert_string_equal(list[0].stands_for, "file"); /* c, newest first */
    struct vg_reference_change none = {.dataset = "d", .version = 99};
    REFUSED(f, VG_E_NOT_FOUND, vg_store_reference_choose(f->store, &none, NULL, f->arena, &f->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rolling, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_changes, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("store_reference_choose", tests, NULL, NULL);
}
