/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_pairs.c and of the checks of dependence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/check_pairs.h"
#include "tests/unit/check_kit.h"

enum { COLUMNS = 3, ROWS = 900 };
static const char *const names[COLUMNS] = {"price", "cost", "day"};

struct world {
    struct kit kit;
    struct vg_pairs_params params;
    struct vg_reference_column columns[COLUMNS];
    struct vg_reference reference;
};

/* price runs through its ranks; cost follows it, or runs against it; day does neither. */
static struct vg_pairs *count(size_t rows, bool against, bool constant)
{
    struct vg_error err;
    static int16_t ranks[COLUMNS][ROWS];
    const int16_t *const at[COLUMNS] = {ranks[0], ranks[1], ranks[2]};
    for (size_t i = 0; i < rows; i++) {
        int place = (int)(i * 8 % 8000) - 4000, other = place + (int)(i * 61 % 400) - 200;
        ranks[0][i] = (int16_t)place;
        ranks[1][i] = (int16_t)((against ? -other : other) * 9 / 10);
        ranks[2][i] = (int16_t)(constant ? 5 : (int)(i * 337 % 8000) - 4000);
    }
    struct vg_pairs *pairs = vg_pairs_new(1, names, COLUMNS);
    assert_non_null(pairs);
    assert_int_equal(vg_pairs_count(pairs, at, rows, &err), 0);
    return pairs;
}

static void start(struct world *world, const char *check, size_t rows, bool against)
{
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, check, NULL);
    world->params.share = .4;
    world->kit.rule.params = &world->params;
    for (size_t i = 0; i < COLUMNS; i++) {
        kit_column(&world->kit, names[i], "integer", VG_KIND_NUMBER);
        world->columns[i] = (struct vg_reference_column){
            .name = names[i], .type = "integer", .kind = VG_KIND_NUMBER};
    }
    world->reference = (struct vg_reference){.version = 1,
                                             .columns = world->columns,
                                             .ncolumns = COLUMNS,
                                             .pairs = count(ROWS, false, false)};
    world->kit.now.pairs = count(rows, against, false);
    world->kit.evidence.reference = &world->reference;
}

static void end(struct world *world)
{
    vg_pairs_free(world->reference.pairs);
    vg_pairs_free(world->kit.now.pairs);
    kit_free(&world->kit);
}

static void test_the_pair_is_named(void **state)
{
    (void)state;
    struct world world;
    start(&world, "correlation", ROWS, true);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_true(measure->look == VG_PASS && measure->value > 6 && measure->p_value == 0);
    assert_true(measure->n_now == ROWS && measure->n_ref == ROWS && measure->direction == -1);
    assert_non_null(strstr(measure->why, ": price and cost correlate by -0.9"));
    assert_non_null(strstr(measure->why, " in the reference, of 3 pairs, noise floor "));
    assert_int_equal(measure->at_most, VG_FAIL);
    end(&world);
    start(&world, "correlation", ROWS, false);
    measure = kit_measure(&world.kit, 1);
    assert_true(measure->value == 0 && measure->p_value == 1 && measure->at_most == VG_PASS);
    assert_non_null(strstr(measure->why, "not passed"));
    end(&world);
}

static void test_private_names(void **state)
{
    (void)state;
    struct world world;
    start(&world, "correlation", ROWS, true);
    struct vg_column_spec private = {.name = "cost", .is_private = true};
    world.kit.dataset.columns = &private;
    world.kit.dataset.ncolumns = 1;
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_true(measure->value > 6);
    assert_non_null(strstr(measure->why, "two columns, one of them private, correlate by -0.9"));
    assert_null(strstr(measure->why, "cost"));
    assert_null(strstr(measure->why, "price"));
    end(&world);
}

static void test_columns_of_the_rule(void **state)
{
    (void)state;
    static const char *const two[] = {"day", "price"}, *const absent[] = {"day", "age"};
    struct world world;
    start(&world, "correlation", ROWS, true);
    world.params.columns = (struct vg_strings){two, 2};
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_true(measure->value < 1e-12);
    assert_non_null(strstr(measure->why, ", of 1 pair, "));
    world.params.columns = (struct vg_strings){absent, 2};
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "column age does not exist");
    kit_column(&world.kit, "age", "text", VG_KIND_TEXT);
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "column age holds no numbers");
    world.kit.columns[COLUMNS].kind = VG_KIND_NUMBER;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "column age was not ranked");
    end(&world);
}

static void skip_all(const char *check)
{
    struct world world;
    start(&world, check, ROWS, true);
    struct vg_pairs *then = world.reference.pairs, *now = world.kit.now.pairs;
    world.reference.pairs = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "captured without ranks");
    world.reference.pairs = then;
    world.kit.now.pairs = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no two columns");
    world.kit.now.pairs = now;
    world.kit.evidence.reference = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference yet");
    world.kit.evidence.reference_failed = true;
    world.kit.evidence.reference_why = "capturing the reference failed: no";
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "failed: no");
    end(&world);
}

static void test_nothing_to_compare(void **state)
{
    (void)state;
    skip_all("correlation");
    skip_all("reconstruction");
    struct world world;
    start(&world, "correlation", 150, true); /* below min_rows of every pair */
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "enough rows in common");
    end(&world);
}

static void test_reconstruction(void **state)
{
    (void)state;
    struct world world;
    start(&world, "reconstruction", ROWS, false);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    assert_true(fabs(measure->value - 1) < 1e-9 && isnan(measure->p_value));
    assert_int_equal(measure->at_most, VG_PASS);
    end(&world);
    start(&world, "reconstruction", ROWS, true);
    measure = kit_measure(&world.kit, 1);
    assert_true(measure->value > 2 && measure->at_most == VG_FAIL && measure->direction == 1);
    assert_non_null(strstr(measure->why, "by 1 component of 3 columns, noise floor 1 +- "));
    end(&world);
    start(&world, "reconstruction", ROWS, true);
    world.params.share = 1; /* nothing is left over */
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "without error");
    end(&world);
}

static void test_faults(void **state)
{
    (void)state;
    static const char *many[VG_PAIRS_COLUMNS + 1];
    static const char *const twice[] = {"a", "b", "a"};
    static char texts[VG_PAIRS_COLUMNS + 1][4];
    for (size_t i = 0; i <= VG_PAIRS_COLUMNS; i++) {
        texts[i][0] = (char)('a' + i / 26);
        texts[i][1] = (char)('a' + i % 26);
        many[i] = texts[i];
    }
    const struct {
        const char *const *items;
        size_t n, faults;
    } cases[] = {{NULL, 0, 0},
                 {twice, 1, 1},
                 {twice, 2, 0},
                 {twice, 3, 1},
                 {many, VG_PAIRS_COLUMNS, 0},
                 {many, VG_PAIRS_COLUMNS + 1, 1}};
    struct world world;
    start(&world, "correlation", ROWS, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_diags diags = {0};
        world.params.columns = (struct vg_strings){cases[i].items, cases[i].n};
        vg_pairs_validate(&world.kit.rule, &diags);
        assert_int_equal(diags.n, cases[i].faults);
        vg_diags_free(&diags);
    }
    struct vg_diags diags = {0};
    world.params.columns = (struct vg_strings){NULL, 0};
    world.kit.dataset.long_source.name = "feature";
    vg_pairs_validate(&world.kit.rule, &diags);
    assert_int_equal(diags.n, 1);
    vg_diags_free(&diags);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pair_is_named),   cmocka_unit_test(test_private_names),
        cmocka_unit_test(test_columns_of_the_rule), cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_reconstruction),      cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("check_pairs", tests, NULL, NULL);
}
