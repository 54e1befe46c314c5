/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_categories.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/check_kit.h"
#include "tests/unit/counted.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct world {
    struct kit kit;
    struct vg_column_summary now, then;
    struct vg_reference_column known;
    struct vg_reference reference;
};

/* Texts as "card*60 cash*25": so many rows of each; "-" is NULL. */
static void count(struct vg_column_summary *column, const char *spec)
{
    static const char *texts[4096];
    static char words[32][300];
    size_t n = 0, w = 0;
    int used;
    for (unsigned times; sscanf(spec, " %299[^*]*%u%n", words[w], &times, &used) == 2; w++) {
        for (spec += used; times--;)
            texts[n++] = strcmp(words[w], "-") != 0 ? words[w] : NULL;
    }
    counted_texts(column, "x", false, texts, n);
}

static void start(struct world *world, const char *now, const char *then, const char *missing)
{
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, "categories", "x");
    kit_column(&world->kit, "x", "text", VG_KIND_TEXT);
    const struct vg_check_type *type = world->kit.rule.type;
    char *params = vg_arena_alloc(world->kit.arena, type->params_size);
    assert_non_null(params);
    *(const char **)(void *)(params + type->params[0].offset) = missing;
    world->kit.rule.params = params;
    count(&world->now, now);
    count(&world->then, then);
    world->known = (struct vg_reference_column){
        .name = "x", .type = "text", .kind = VG_KIND_TEXT, .total = &world->then};
    world->reference = (struct vg_reference){.version = 1, .columns = &world->known, .ncolumns = 1};
    world->kit.now.columns = &world->now;
    world->kit.now.ncolumns = 1;
    world->kit.evidence.reference = &world->reference;
}

static void stop(struct world *world)
{
    vg_column_clear(&world->now);
    vg_column_clear(&world->then);
    kit_free(&world->kit);
}

static void test_new(void **state)
{
    (void)state;
    struct world world;
    start(&world, "card*90 voucher*6 coupon*4 -*7", "card*60 cash*40", NULL);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 0.1, "10 of 100 rows have 2 values that the reference never saw");
    assert_true(measure->n_now == 100 && measure->n_ref == 100 && !measure->bounded);
    stop(&world);
    start(&world, "card*90", "card*60 cash*40", NULL);
    kit_assert_found(kit_measure(&world.kit, 1), 0, "no new value in 90 rows");
    stop(&world);
}

static void test_missing(void **state)
{
    (void)state;
    static const struct {
        const char *missing, *now;
        double value;
        const char *why; /* NULL: not measured */
    } cases[] = {
        /* of 60 rows 3 should be cheque: too few to miss it */
        {"true", "card*60", 0.35, "1 value of 350 of 1000 rows of the reference is missing"},
        {"true", "card*600", 0.4, "2 values of 400 of 1000 rows of the reference are missing"},
        {"false", "card*60", 0, NULL},
        {"true", "card*50 cash*10", 0, "no value of the reference is missing"},
        {"true", "card*200 cash*50", 0.05,
         "1 value of 50 of 1000 rows of the reference is missing"},
        {"10%", "card*200 cash*50", 0, "no value of the reference is missing"},
        {"0.05", "card*200 cash*50", 0.05,
         "1 value of 50 of 1000 rows of the reference is missing"},
        {"true", "-*10", 0, "no value of the reference is missing"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world world;
        start(&world, cases[i].now, "card*600 cash*350 cheque*50", cases[i].missing);
        const struct vg_measure *measure = kit_measure(&world.kit, cases[i].why ? 2 : 1);
        if (cases[i].why)
            kit_assert_found(measure + 1, cases[i].value, cases[i].why);
        stop(&world);
    }
}

/* Values are named where the rule file exposes them, three of them, cut, and never private ones. */
static void test_names(void **state)
{
    (void)state;
    struct world world;
    start(&world, "card*9 a*4 b*3 Schifffahrtsgesellschaftskapit\xc3\xa4n*2 d*1", "card*60", NULL);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_null(strstr(measure->why, "\"a\""));
    world.kit.dataset.expose_values = true;
    measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 10.0 / 19,
                     "10 of 19 rows have 4 values that the reference never saw: \"a\", \"b\", "
                     "\"Schifffahrtsgesellschaft...\"");
    struct vg_column_spec spec = {.name = "x", .is_private = true};
    world.kit.dataset.columns = &spec;
    world.kit.dataset.ncolumns = 1;
    measure = kit_measure(&world.kit, 1);
    kit_assert_skipped(measure, VG_NODATA, "the column is private");
    assert_null(strstr(measure->why, "Schiff"));
    stop(&world);
}

static void test_nothing_to_compare(void **state)
{
    (void)state;
    struct world world;
    start(&world, "card*9", "card*60", NULL);
    struct vg_evidence *evidence = &world.kit.evidence;
    world.known.total = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "holds no values of it");
    world.known.kind = VG_KIND_NUMBER;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "its type was another");
    world.known.name = "y";
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "does not hold this column");
    evidence->reference = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference yet");
    evidence->reference_failed = true;
    evidence->reference_why = "capturing the reference failed: x";
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "capturing the reference failed");
    world.kit.now.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "was not counted");
    stop(&world);
}

static void count_many(struct vg_column_summary *column, int from, int n)
{
    static char space[12000][8];
    static const char *texts[12000];
    assert_true((size_t)n <= COUNT(texts));
    for (int i = 0; i < n; i++) {
        snprintf(space[i], sizeof space[i], "%d", from + i);
        texts[i] = space[i];
    }
    vg_column_clear(column);
    counted_texts(column, "x", false, texts, (size_t)n);
}

/* More values than are held: the share of new ones between bounds, or none to compare with. */
static void test_sampled(void **state)
{
    (void)state;
    struct world world;
    start(&world, "card*1", "card*1", "true");
    count_many(&world.then, 0, 9000);
    count_many(&world.now, 3000, 12000);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_true(measure->bounded && measure->lo < 0.5 && measure->hi > 0.5);
    assert_true(measure->value == measure->lo && measure->lo > 0.35 && measure->hi < 0.65);
    count_many(&world.then, 0, 12000);
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "too many values");
    stop(&world);
}

static void test_validate(void **state)
{
    (void)state;
    static const struct {
        const char *missing, *where;
        size_t errors;
    } cases[] = {{NULL, NULL, 0},   {"true", NULL, 0}, {"5%", NULL, 0},  {"0.1", NULL, 0},
                 {"false", "a", 0}, {NULL, "a", 0},    {"true", "a", 1}, {"150%", NULL, 1},
                 {"0", NULL, 1},    {"-1", NULL, 1},   {"yes", NULL, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world world;
        start(&world, "card*1", "card*1", cases[i].missing);
        world.kit.rule.where = cases[i].where;
        struct vg_diags diags = {0};
        world.kit.rule.type->validate(&world.kit.rule, &diags);
        assert_int_equal(diags.errors, cases[i].errors);
        vg_diags_free(&diags);
        stop(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),     cmocka_unit_test(test_missing),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_sampled), cmocka_unit_test(test_validate),
    };
    return cmocka_run_group_tests_name("check_categories", tests, NULL, NULL);
}
