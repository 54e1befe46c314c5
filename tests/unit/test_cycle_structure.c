/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/cycle_structure.c: a change is told by the cycle whose verdict is stored
 * with it, and by that one only. */
#include "tests/unit/cycle_kit.h"

#include <string.h>

#include "agent/loop/cycle_structure.h"

static const char told[] = "column at is no longer NOT NULL since the last look";

static void start(struct cycle_kit *kit, void **state)
{
    cycle_kit_start(kit, state, rule_kit_config, cycle_kit_rules);
    for (int hour = 0; hour < 4; hour++) {
        struct vg_window span = made_hour(hour);
        source_kit_add(&kit->source, &span, 60, 1, 1);
    }
    MUST(kit, cycle_kit_run(kit, cycle_kit_due(0)));
    assert_non_null(strstr(cycle_kit_expect(kit, "schema", VG_PASS)->why, "not compared"));
}

static const char *read_stored(struct cycle_kit *kit)
{
    const char *text = NULL;
    MUST(kit,
         vg_store_structure(kit->store->store, "flights", kit->store->arena, &text, &kit->err));
    return text;
}

static void test_told_once(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    const char *before = read_stored(&kit);
    assert_non_null(strstr(before, "table\tml.flights\t"));
    kit.source.null_times = true;
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(1)));
    assert_string_equal(cycle_kit_expect(&kit, "schema", VG_WARN)->why, told);
    assert_string_not_equal(read_stored(&kit), before);
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(2)));
    assert_string_equal(cycle_kit_expect(&kit, "schema", VG_PASS)->why,
                        "3 columns as expected, compared with the last look");
    cycle_kit_stop(&kit);
}

/* A cycle without verdicts saw the change, too; it is told by the next one that has some. */
static void test_not_swallowed_by_a_failure(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    const char *before = read_stored(&kit);
    kit.source.null_times = true;
    kit.source.scan = (struct source_trouble){1, VG_E_TIMEOUT, "57014", "too slow"};
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(1)));
    assert_true(kit.cycle.failed && kit.nresults == 1);
    assert_string_equal(read_stored(&kit), before);
    MUST(&kit, cycle_kit_run(&kit, kit.progress.retry_us));
    assert_string_equal(cycle_kit_expect(&kit, "schema", VG_WARN)->why, told);
    cycle_kit_stop(&kit);
}

/* A window that is given up is committed with the tick's verdicts. */
static void test_beside_an_unreadable_window(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.source.null_times = true;
    kit.source.scan = (struct source_trouble){3, VG_E_TIMEOUT, "57014", "too slow"};
    for (int i = 0; i < 3; i++) {
        int64_t at = cycle_kit_due(2);
        if (kit.progress.retry_us != VG_NEVER && at < kit.progress.retry_us)
            at = kit.progress.retry_us;
        MUST(&kit, cycle_kit_run(&kit, at));
    }
    assert_true(kit.cycle.unreadable);
    assert_string_equal(cycle_kit_expect(&kit, "schema", VG_WARN)->why, told);
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(3)));
    cycle_kit_expect(&kit, "schema", VG_PASS);
    cycle_kit_stop(&kit);
}

static void test_too_large(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 20000 };
    char *name = vg_arena_alloc(f->arena, 1000);
    struct vg_catalog_column *columns = vg_arena_array(f->arena, MANY, sizeof *columns);
    const char *text;
    assert_true(name && columns);
    memset(name, 'x', 999);
    for (size_t i = 0; i < MANY; i++)
        columns[i] = (struct vg_catalog_column){.name = name, .type = "text"};
    struct vg_catalog catalog = {.quoted = "s.t", .columns = columns, .n = 10};
    MUST(f, vg_cycle_structure_text(&catalog, f->arena, &text, &f->err));
    catalog.n = MANY;
    REFUSED(f, VG_E_LIMIT, vg_cycle_structure_text(&catalog, f->arena, &text, &f->err));
    assert_string_equal(f->err.msg, "the structure of s.t takes more than 8 MiB");
    assert_true(vg_cycle_structure_too_large(&f->err) && f->err.code == VG_OK);
    /* A cycle goes on without it, and what was stored before is not compared with any more. */
    struct vg_cycle_env env = {.store = f->store};
    struct vg_dataset dataset = {.id = "d"};
    struct vg_work work = {.env = &env,
                           .job = {.dataset = &dataset, .tick = true},
                           .arena = f->arena,
                           .catalog = &catalog,
                           .cycle = {.ticked = true}};
    catalog.n = 10;
    MUST(f, vg_cycle_structure_store(&work, &f->err));
    MUST(f, vg_cycle_structure_load(&work, &f->err));
    assert_non_null(work.last_structure);
    catalog.n = MANY;
    for (int i = 0; i < 2; i++) {
        MUST(f, vg_cycle_structure_store(&work, &f->err));
        MUST(f, vg_cycle_structure_load(&work, &f->err));
        assert_null(work.last_structure);
    }
    catalog.n = 10;
    MUST(f, vg_cycle_structure_store(&work, &f->err));
    MUST(f, vg_cycle_structure_load(&work, &f->err));
    assert_non_null(work.last_structure);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_told_once),
        TEST(test_not_swallowed_by_a_failure),
        TEST(test_beside_an_unreadable_window),
        TEST(test_too_large),
    };
    return cmocka_run_group_tests_name("cycle_structure", tests, NULL, NULL);
}
