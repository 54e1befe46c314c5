/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_ks.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/check_kit.h"

/* A world of one column: a reference on three thresholds 1, 2, 3 and a window counted on it. */
struct world {
    struct kit kit;
    bool exactly; /* the only parameter */
    struct vg_grid grid;
    double q[3];
    uint64_t ref[7], now[7];
    struct vg_distribution fine;
    struct vg_reference_column known;
    struct vg_reference reference;
    struct vg_column_summary column;
};

static void start(struct world *world, bool exact)
{
    static const uint64_t exact_ref[7] = {0, 100, 0, 200, 0, 100, 0};
    static const uint64_t grid_ref[7] = {40, 60, 40, 120, 40, 60, 40};
    static const uint64_t now[7] = {0, 50, 0, 50, 100, 200, 0};
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, "ks", "delay");
    world->kit.rule.params = &world->exactly;
    kit_column(&world->kit, "delay", "double precision", VG_KIND_NUMBER);
    memcpy(world->q, (const double[]){1, 2, 3}, sizeof world->q);
    memcpy(world->ref, exact ? exact_ref : grid_ref, sizeof world->ref);
    memcpy(world->now, now, sizeof world->now);
    world->grid = (struct vg_grid){.id = 77, .n = 3, .exact = exact, .q = world->q};
    world->fine = (struct vg_distribution){.grid = &world->grid, .cells = world->ref, .n = 400};
    world->known = (struct vg_reference_column){
        .name = "delay", .type = "double precision", .kind = VG_KIND_NUMBER, .fine = &world->fine};
    world->reference = (struct vg_reference){.version = 1, .columns = &world->known, .ncolumns = 1};
    world->column = (struct vg_column_summary){.name = "delay",
                                               .kind = VG_KIND_NUMBER,
                                               .rows = 410,
                                               .nulls = 10,
                                               .grid = &world->grid,
                                               .grid_id = 77,
                                               .fine = world->now};
    world->kit.now.columns = &world->column;
    world->kit.now.ncolumns = 1;
    world->kit.evidence.reference = &world->reference;
}

static void test_exact_reference(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 0.5, "D 0.5");
    assert_false(measure->bounded);
    assert_true(measure->lo == 0.5 && measure->hi == 0.5 && measure->effect == 0.5);
    assert_true(measure->n_now == 400 && measure->n_ref == 400);
    assert_int_equal(measure->direction, 1);
    assert_true(measure->p_value > 0 && measure->p_value < 1e-30);
    kit_free(&world.kit);
}

/* F: .1 .25 | .35 .65 | .75 .9 | 1, G: 0 .125 | .125 .25 | .5 1 | 1 at the ends of the cells: D at
 * least .4, at q = 2. The gap (2, 3) bounds it by F(3-) - G(2) = .75 - .25 = .5. */
static void test_grid_reference(void **state)
{
    (void)state;
    struct world world;
    start(&world, false);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 0.4, "D between 0.4 and 0.5");
    assert_true(measure->bounded && fabs(measure->lo - 0.4) < 1e-15);
    assert_true(fabs(measure->hi - 0.5) < 1e-15);
    kit_free(&world.kit);
}

static void test_same_distribution(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    memcpy(world.now, world.ref, sizeof world.now);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 0, "D 0");
    assert_true(measure->p_value == 1 && measure->direction == 0);
    kit_free(&world.kit);
}

static void test_smaller_values(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    const uint64_t small[7] = {400, 0, 0, 0, 0, 0, 0};
    memcpy(world.now, small, sizeof small);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 1, "D 1");
    assert_int_equal(measure->direction, -1);
    kit_free(&world.kit);
}

static void test_no_reference(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    world.kit.evidence.reference = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference yet");
    world.kit.evidence.reference_why = "no reference is configured";
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no reference is configured");
    world.kit.evidence.reference_why = "capturing the reference failed: no rows";
    world.kit.evidence.reference_failed = true;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "failed: no rows");
    kit_free(&world.kit);
}

static void test_column_not_in_reference(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    world.known.fine = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "holds no distribution");
    world.reference.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "does not hold this column");
    kit_free(&world.kit);
}

static void test_changed_type_is_not_drift(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    world.known.type = "integer";
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA,
                       "its type was integer in the reference and is double precision now");
    world.known.type = "text";
    world.known.kind = VG_KIND_TEXT;
    world.known.fine = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "its type was text");
    kit_free(&world.kit);
}

static void test_other_grid(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    world.column.grid_id = 78;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "another grid");
    world.column.grid_id = 77;
    world.column.fine = NULL;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "another grid");
    kit_free(&world.kit);
}

static void test_no_finite_values(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    memset(world.now, 0, sizeof world.now);
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, NAN, "no finite values in the window");
    assert_true(measure->n_now == 0 && isnan(measure->p_value));
    memset(world.ref, 0, sizeof world.ref);
    world.now[1] = 300;
    kit_assert_found(kit_measure(&world.kit, 1), NAN, "no finite values in the reference");
    kit_free(&world.kit);
}

static void test_column_not_counted(void **state)
{
    (void)state;
    struct world world;
    start(&world, true);
    world.kit.now.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "column delay was not counted");
    kit_free(&world.kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_reference),
        cmocka_unit_test(test_grid_reference),
        cmocka_unit_test(test_same_distribution),
        cmocka_unit_test(test_smaller_values),
        cmocka_unit_test(test_no_reference),
        cmocka_unit_test(test_column_not_in_reference),
        cmocka_unit_test(test_changed_type_is_not_drift),
        cmocka_unit_test(test_other_grid),
        cmocka_unit_test(test_no_finite_values),
        cmocka_unit_test(test_column_not_counted),
    };
    return cmocka_run_group_tests_name("check_ks", tests, NULL, NULL);
}
