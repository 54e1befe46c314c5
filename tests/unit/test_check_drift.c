/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_drift.c and checks/check_binned.c, by all drift checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/check_binned.h"
#include "tests/unit/check_kit.h"

enum { REF = 600, NOW = 400 };

/* A reference on all its values, and a window that may be counted in two halves and merged. */
struct world {
    struct kit kit;
    struct vg_binned_param params;
    double ref[REF], now[NOW];
    struct vg_grid *grid;
    struct vg_distribution *fine;
    struct vg_column_summary then, column, rest;
    struct vg_reference_column known;
    struct vg_reference reference;
};

static void count(struct vg_column_summary *column, const struct vg_grid *grid, double *x, size_t n)
{
    struct vg_error err = {0};
    uint8_t state[REF];
    struct vg_column rows = {.kind = VG_KIND_NUMBER, .num = x, .state = state};
    for (size_t i = 0; i < n; i++) {
        state[i] = isnan(x[i]) ? VG_CELL_NAN : isinf(x[i]) ? VG_CELL_PINF : VG_CELL_VALUE;
        rows.special += state[i] != VG_CELL_VALUE;
        x[i] = state[i] == VG_CELL_VALUE ? x[i] : 0;
    }
    assert_int_equal(vg_column_init(column, "delay", VG_KIND_NUMBER, grid, 0, &err), 0);
    assert_int_equal(vg_column_count(column, &rows, n, &err), 0);
}

static void start(struct world *world, const char *check, double shift, bool halves)
{
    static const int none = 0; /* the first choice of every other check */
    struct vg_error err = {0};
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, check, "delay");
    kit_column(&world->kit, "delay", "double precision", VG_KIND_NUMBER);
    world->params.bins = 10;
    if (world->kit.rule.type->params == vg_binned_params)
        world->kit.rule.params = &world->params;
    else
        world->kit.rule.params = &none;
    for (size_t i = 0; i < REF; i++)
        world->ref[i] = (double)i / 10;
    for (size_t i = 0; i < NOW; i++)
        world->now[i] = (double)(i * 7919 % 600) / 10 + shift;
    world->grid = vg_grid_new(world->ref, REF, true);
    assert_non_null(world->grid);
    count(&world->then, world->grid, world->ref, REF);
    assert_int_equal(vg_distribution_of(&world->then, &world->fine, &err), 0);
    count(&world->column, world->grid, world->now, halves ? 150 : NOW);
    count(&world->rest, world->grid, world->now + 150, NOW - 150);
    if (halves)
        assert_int_equal(vg_column_merge(&world->column, &world->rest, &err), 0);
    world->known = (struct vg_reference_column){.name = "delay",
                                                .type = "double precision",
                                                .kind = VG_KIND_NUMBER,
                                                .fine = world->fine,
                                                .total = &world->then};
    world->reference = (struct vg_reference){.version = 1, .columns = &world->known, .ncolumns = 1};
    world->kit.now.columns = &world->column;
    world->kit.now.ncolumns = 1;
    world->kit.evidence.reference = &world->reference;
}

static void end(struct world *world)
{
    vg_column_clear(&world->then);
    vg_column_clear(&world->column);
    vg_column_clear(&world->rest);
    vg_distribution_free(world->fine);
    vg_grid_free(world->grid);
    kit_free(&world->kit);
}

typedef void each_check(const char *name);

static void for_all(each_check *each)
{
    size_t n = 0;
    for (size_t i = 0; i < vg_checks_n; i++) {
        bool windowed = vg_checks[i]->policy != VG_POLICY_BUDGET; /* that one is of base windows */
        if (vg_checks[i]->class == VG_CLASS_DRIFT && vg_checks[i]->of_column && windowed && ++n)
            each(vg_checks[i]->name);
    }
    assert_true(n >= 16);
}

static void compare_halves(const char *name)
{
    struct world whole, halves;
    start(&whole, name, 3.3, false);
    start(&halves, name, 3.3, true);
    const struct vg_measure *a = kit_measure(&whole.kit, 1), *b = kit_measure(&halves.kit, 1);
    assert_int_equal(a->look, VG_PASS);
    assert_true(fabs(a->value - b->value) <= 1e-12 && isfinite(a->value));
    assert_true(isnan(a->p_value) ? isnan(b->p_value) : fabs(a->p_value - b->p_value) <= 1e-12);
    assert_string_equal(a->why, b->why);
    assert_true(a->n_now == NOW && a->n_ref == REF);
    end(&whole);
    end(&halves);
}

static void test_merged_as_whole(void **state)
{
    (void)state;
    for_all(compare_halves);
}

static void expect_guard(const char *name)
{
    struct world world;
    start(&world, name, 0, false);
    world.kit.evidence.reference = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference yet");
    world.kit.evidence.reference_failed = true;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "no reference yet");
    world.kit.evidence.reference = &world.reference;
    world.known.type = "integer";
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "its type was integer");
    world.known.type = "text";
    world.known.kind = VG_KIND_TEXT;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "its type was text");
    world.reference.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "does not hold this column");
    world.kit.now.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "was not counted");
    end(&world);
}

static void test_changed_type_is_never_drift(void **state)
{
    (void)state;
    for_all(expect_guard);
}

/* Without values, of one value, of the largest: a number or a reason. */
static void expect_sense(const char *name)
{
    static const double constants[] = {5, -1e308, 1e308, INFINITY, NAN};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        struct world world;
        start(&world, name, 0, false);
        vg_column_clear(&world.column);
        for (size_t k = 0; k < NOW; k++)
            world.now[k] = constants[i];
        count(&world.column, world.grid, world.now, NOW);
        const struct vg_measure *measure = kit_measure(&world.kit, 1);
        assert_true(isfinite(measure->value) || measure->look != VG_PASS || measure->n_now == 0);
        assert_true(measure->why[0] != '\0');
        end(&world);
    }
}

static void test_hostile_windows(void **state)
{
    (void)state;
    for_all(expect_sense);
}

static void test_noise_floor_cannot_fail(void **state)
{
    (void)state;
    static const char *const names[] = {"psi", "js", "hellinger", "kl", "wasserstein"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct world world;
        start(&world, names[i], 0.2, false);
        const struct vg_measure *measure = kit_measure(&world.kit, 1);
        assert_int_equal(measure->at_most, VG_PASS);
        assert_non_null(strstr(measure->why, "noise floor"));
        assert_non_null(strstr(measure->why, "not passed"));
        world.kit.rule.policy = VG_POLICY_P_VALUE; /* there p alone decides */
        assert_int_equal(kit_measure(&world.kit, 1)->at_most, VG_FAIL);
        end(&world);
        start(&world, names[i], 30, false);
        assert_int_equal(kit_measure(&world.kit, 1)->at_most, VG_FAIL);
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merged_as_whole),
        cmocka_unit_test(test_changed_type_is_never_drift),
        cmocka_unit_test(test_hostile_windows),
        cmocka_unit_test(test_noise_floor_cannot_fail),
    };
    return cmocka_run_group_tests_name("check_drift", tests, NULL, NULL);
}
