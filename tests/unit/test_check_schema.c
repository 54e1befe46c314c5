/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_schema.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct world {
    struct kit kit;
    struct vg_reference_column known[KIT_COLUMNS];
    struct vg_reference reference;
};

static void start(struct world *world)
{
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, "schema", NULL);
    static const char *const names[] = {"id", "at", "delay", "carrier"};
    for (size_t i = 0; i < COUNT(names); i++) {
        kit_column(&world->kit, names[i], "integer", VG_KIND_NUMBER);
        world->known[i] = (struct vg_reference_column){.name = names[i], .type = "integer"};
    }
    world->reference = (struct vg_reference){.columns = world->known, .ncolumns = COUNT(names)};
    world->kit.evidence.reference = &world->reference;
    world->kit.evidence.now = NULL;
}

/* Sets the levels in the order of the check's table, from the words of its choices. */
static void set_levels(struct world *world, const char *const levels[4])
{
    const struct vg_check_type *type = world->kit.rule.type;
    char *params = vg_arena_alloc(world->kit.arena, type->params_size);
    assert_non_null(params);
    assert_int_equal(type->nparams, 4);
    for (size_t i = 0; i < 4; i++) {
        const char *level = levels ? levels[i] : type->params[i].fallback;
        int choice = 0;
        while (strcmp(type->params[i].choices[choice], level))
            choice++;
        memcpy(params + type->params[i].offset, &choice, sizeof choice);
    }
    world->kit.rule.params = params;
}

static void test_nothing_changed(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    kit_assert_found(kit_measure(&world.kit, 1), 0, "4 columns as expected");
    world.kit.evidence.reference = NULL;
    kit_assert_found(kit_measure(&world.kit, 1), 0,
                     "4 columns as expected, not compared with a reference");
    kit_free(&world.kit);
}

/* One difference of each kind: missing and type fail, unexpected and nullability warn. */
static void test_default_levels(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.kit.columns[0].name = "number";
    world.kit.columns[1].type = "text";
    world.kit.columns[2].not_null = true;
    for (int given = 0; given < 2; given++) { /* implicit without params, and with the table's */
        kit_measure(&world.kit, 2);
        const struct vg_measure *items = world.kit.measures.items;
        kit_assert_found(&items[0], 2, "column id is missing, column at is text, was integer");
        assert_int_equal(items[0].at_most, VG_FAIL);
        kit_assert_found(&items[1], 2, "column delay is now NOT NULL, column number is unexpected");
        assert_int_equal(items[1].at_most, VG_WARN);
        set_levels(&world, NULL);
    }
    kit_free(&world.kit);
}

static void test_levels_are_chosen(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.kit.columns[0].name = "number";
    world.kit.columns[1].type = "text";
    world.kit.columns[2].not_null = true;
    set_levels(&world, (const char *const[]){"ignore", "fail", "warn", "ignore"});
    kit_measure(&world.kit, 2);
    kit_assert_found(&world.kit.measures.items[0], 1, "column number is unexpected");
    kit_assert_found(&world.kit.measures.items[1], 1, "column at is text, was integer");
    set_levels(&world, (const char *const[]){"ignore", "ignore", "ignore", "ignore"});
    kit_assert_found(kit_measure(&world.kit, 1), 0, "4 columns as expected");
    kit_free(&world.kit);
}

static void test_only_the_first_are_told(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.kit.catalog.n = 1;
    kit_assert_found(kit_measure(&world.kit, 1), 3,
                     "column at is missing, column delay is missing, column carrier is missing");
    world.kit.catalog.n = 0;
    kit_assert_found(kit_measure(&world.kit, 1), 4,
                     "column id is missing, column at is missing, column delay is missing and 1 "
                     "more");
    kit_free(&world.kit);
}

static void test_declared_type(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    struct vg_column_spec spec = {.name = "delay", .type = "float8"};
    world.kit.dataset.columns = &spec;
    world.kit.dataset.ncolumns = 1;
    world.kit.evidence.reference = NULL;
    kit_assert_found(kit_measure(&world.kit, 1), 1, "column delay is integer, not float8");
    kit_free(&world.kit);
}

static void test_long_names_are_cut(void **state)
{
    (void)state;
    struct world world;
    char names[4][600];
    start(&world);
    for (size_t i = 0; i < 4; i++) {
        memset(names[i], 'a' + (int)i, sizeof names[i] - 1);
        names[i][sizeof names[i] - 1] = '\0';
        world.known[i].name = names[i];
    }
    world.kit.catalog.n = 0;
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_true(measure->value == 4);
    assert_true(strlen(measure->why) < VG_WHY && strstr(measure->why, "aaa is missing"));
    kit_free(&world.kit);
}

static void test_no_catalogue(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.kit.evidence.catalog = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "could not be read");
    kit_free(&world.kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_changed),   cmocka_unit_test(test_default_levels),
        cmocka_unit_test(test_levels_are_chosen), cmocka_unit_test(test_only_the_first_are_told),
        cmocka_unit_test(test_declared_type),     cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_no_catalogue),
    };
    return cmocka_run_group_tests_name("check_schema", tests, NULL, NULL);
}
