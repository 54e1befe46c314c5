/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_schema.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { LEVELS = 13 };

struct world {
    struct kit kit;
    struct vg_column_spec named[2]; /* id and at, by the rule file */
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
        world->known[i] = (struct vg_reference_column){
            .name = names[i], .type = "integer", .kind = VG_KIND_NUMBER};
    }
    world->named[0].name = "id";
    world->named[1].name = "at";
    world->kit.dataset.columns = world->named;
    world->kit.dataset.ncolumns = 2;
    world->kit.catalog.quoted = "public.t";
    world->reference = (struct vg_reference){.columns = world->known, .ncolumns = COUNT(names)};
    world->kit.evidence.reference = &world->reference;
    world->kit.evidence.now = NULL;
}

/* The params of the check's table, with levels of some of them: "missing=fail type=ignore". */
static void set_levels(struct world *world, const char *levels)
{
    const struct vg_check_type *type = world->kit.rule.type;
    char *params = vg_arena_alloc(world->kit.arena, type->params_size);
    assert_non_null(params);
    size_t found = 0;
    for (size_t i = 0; i < type->nparams; i++) {
        const struct vg_param *param = &type->params[i];
        if (param->type != VG_PARAM_CHOICE)
            continue;
        char key[64];
        snprintf(key, sizeof key, "%s=", param->name);
        const char *given = strstr(levels, key);
        const char *level = given ? given + strlen(key) : param->fallback;
        int choice = 0;
        while (strncmp(param->choices[choice], level, strlen(param->choices[choice])) != 0)
            choice++;
        memcpy(params + param->offset, &choice, sizeof choice);
        found++;
    }
    assert_int_equal(found, LEVELS);
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

static void change(struct world *world)
{
    world->kit.columns[0].name = "number";
    world->kit.columns[1].type = "text";
    world->kit.columns[1].kind = VG_KIND_TEXT;
    world->kit.columns[2].not_null = true;
    world->kit.columns[3].type = "bigint";
}

/* What breaks fails, what loses or is unexpected warns, and what is safe is told with a pass. */
static void test_default_levels(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    change(&world);
    for (int given = 0; given < 2; given++) { /* implicit without params, and with the table's */
        kit_measure(&world.kit, 2);
        const struct vg_measure *items = world.kit.measures.items;
        kit_assert_found(&items[0], 2, "column id is missing, column at is text, was integer");
        assert_int_equal(items[0].at_most, VG_FAIL);
        kit_assert_found(&items[1], 1, "column number is unexpected");
        assert_int_equal(items[1].at_most, VG_WARN);
        set_levels(&world, "");
    }
    world.kit.columns[0].name = "id";
    world.kit.columns[1] =
        (struct vg_catalog_column){.name = "at", .type = "integer", .kind = VG_KIND_NUMBER};
    kit_assert_found(kit_measure(&world.kit, 1), 0,
                     "4 columns as expected; safe: column delay is now NOT NULL, column carrier is "
                     "bigint, was integer");
    kit_free(&world.kit);
}

static void test_levels_are_chosen(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    change(&world);
    set_levels(&world, "missing=ignore unexpected=fail type=warn nullability=ignore");
    kit_measure(&world.kit, 2);
    kit_assert_found(&world.kit.measures.items[0], 1, "column number is unexpected");
    kit_assert_found(&world.kit.measures.items[1], 2,
                     "column at is text, was integer, column carrier is bigint, was integer");
    set_levels(&world, "missing=ignore unexpected=ignore type=ignore nullability=ignore");
    kit_assert_found(kit_measure(&world.kit, 1), 0, "4 columns as expected");
    kit_free(&world.kit);
}

static void test_only_the_first_are_told(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    set_levels(&world, "missing=fail");
    world.kit.catalog.n = 1;
    kit_assert_found(kit_measure(&world.kit, 1), 3,
                     "column at is missing, column delay is missing, column carrier is missing");
    world.kit.catalog.n = 0;
    kit_assert_found(kit_measure(&world.kit, 1), 4,
                     "column id is missing, column at is missing, column delay is missing and 1 "
                     "more");
    kit_free(&world.kit);
}

/* A structure as the store would keep it, in the kit's arena. */
static const char *write_structure(struct world *world)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 1 << 20);
    vg_catalog_write(&world->kit.catalog, &buf);
    assert_false(buf.failed);
    const char *text = vg_arena_strdup(world->kit.arena, buf.data);
    vg_buf_free(&buf);
    return text;
}

/* Without a reference the last look counts; a text of another table or version says nothing. */
static void test_last_look(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.kit.evidence.reference = NULL;
    const char *last = world.kit.evidence.last_structure = write_structure(&world);
    kit_assert_found(kit_measure(&world.kit, 1), 0,
                     "4 columns as expected, compared with the last look");
    world.kit.columns[2].type = "text";
    world.kit.columns[2].kind = VG_KIND_TEXT;
    kit_measure(&world.kit, 2);
    kit_assert_found(&world.kit.measures.items[1], 1,
                     "column delay is text, was integer at the last look");
    static const char *const texts[] = {"", "pgvigil schema 2\ntable\tpublic.t\tr\t-\t15\n",
                                        "pgvigil schema 1\n", "pgvigil schema 1\ntable\tx\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        world.kit.evidence.last_structure = texts[i];
        kit_assert_found(kit_measure(&world.kit, 1), 0,
                         "4 columns as expected, not compared with a reference");
    }
    world.kit.evidence.last_structure = last;
    world.kit.catalog.quoted = "public.u";
    kit_assert_found(kit_measure(&world.kit, 1), 0,
                     "4 columns as expected, not compared with a reference");
    kit_free(&world.kit);
}

/* What the reference knows of the structure is compared with it, and no more with the last look. */
static void test_structure_of_the_reference(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    const char *const columns[] = {"id"};
    struct vg_catalog_constraint key = {
        .kind = 'p', .valid = true, .name = "t_pkey", .hash = 7, .columns = columns, .ncolumns = 1};
    world.kit.dataset.key = (struct vg_strings){columns, 1};
    world.kit.catalog.constraints = &key;
    world.kit.catalog.nconstraints = 1;
    world.reference.structure = write_structure(&world);
    world.kit.catalog.nconstraints = 0;
    world.kit.evidence.last_structure = write_structure(&world);
    kit_assert_found(kit_measure(&world.kit, 1), 1, "constraint t_pkey is gone");
    kit_free(&world.kit);
}

static void test_declared_type(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.named[0] = (struct vg_column_spec){.name = "delay", .type = "float8"};
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
    world.kit.dataset.ncolumns = 0;
    set_levels(&world, "missing=fail");
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
        cmocka_unit_test(test_nothing_changed),
        cmocka_unit_test(test_default_levels),
        cmocka_unit_test(test_levels_are_chosen),
        cmocka_unit_test(test_only_the_first_are_told),
        cmocka_unit_test(test_declared_type),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_no_catalogue),
        cmocka_unit_test(test_last_look),
        cmocka_unit_test(test_structure_of_the_reference),
    };
    return cmocka_run_group_tests_name("check_schema", tests, NULL, NULL);
}
