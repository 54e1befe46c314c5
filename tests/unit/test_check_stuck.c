/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_stuck.c and check_stuck_print.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "checks/check_stuck_print.h"
#include "tests/unit/check_kit.h"
#include "tests/unit/counted.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static uint64_t print_numbers(const double *x, size_t n)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_column_summary column;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, n);
    uint64_t print = vg_stuck_print(&column, false, arena);
    assert_true(print != 0);
    vg_column_clear(&column);
    vg_arena_free(arena);
    return print;
}

static uint64_t print_texts(const char *const *texts, size_t n)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_column_summary column;
    counted_texts(&column, "x", false, texts, n);
    uint64_t print = vg_stuck_print(&column, false, arena);
    vg_column_clear(&column);
    vg_arena_free(arena);
    return print;
}

/* The same values in any order, also where sums round; and what is not the same. */
static void test_prints(void **state)
{
    (void)state;
    enum { N = 3000 };
    static double x[N], y[N];
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)(i * 7919 % 3001) * 0.1 - 150;
        y[N - 1 - (i + 17) % N] = x[i];
    }
    uint64_t print = print_numbers(x, N);
    assert_true(print == print_numbers(y, N));
    assert_true(print != print_numbers(x, N - 1));
    y[7] += 1e-6;
    assert_true(print != print_numbers(y, N));
    assert_true(print_numbers(x, 0) == print_numbers(y, 0));
    /* as many, as large, as much, with the same distinct values: only the spread differs */
    static const double a[] = {0, 1, 1, 1, 2}, b[] = {0, 0, 1, 2, 2};
    assert_true(print_numbers(a, 5) != print_numbers(b, 5));
    /* what cancels out leaves a rounding that depends on the order */
    static const double p[] = {1e16, 0.1, -1e16, -0.1}, q[] = {0.1, -0.1, 1e16, -1e16};
    assert_true(print_numbers(p, 4) == print_numbers(q, 4));
    static const char *const s[] = {"a", "b", NULL, "a"}, *const t[] = {"a", "a", "b", NULL};
    static const char *const u[] = {"a", "b", "b", NULL};
    assert_true(print_texts(s, 4) == print_texts(t, 4));
    assert_true(print_texts(s, 4) != print_texts(u, 4));
}

enum { PAST = 6 };

struct world {
    struct kit kit;
    struct vg_past past[PAST];
    struct vg_mark marks[PAST];
    struct vg_history history;
    struct vg_column_summary columns[2];
};

static void start(struct world *world, const char *column)
{
    static const double x[] = {1, 2, 3}, when[] = {5e6, 6e6, 7e6};
    memset(world, 0, sizeof *world);
    kit_init(&world->kit, "stuck", column);
    kit_column(&world->kit, "x", "integer", VG_KIND_NUMBER);
    world->kit.dataset.time_column = "t";
    counted_numbers(&world->columns[0], "x", VG_KIND_NUMBER, NULL, x, 3);
    counted_numbers(&world->columns[1], "t", VG_KIND_TIME, NULL, when, 3);
    world->kit.now = (struct vg_summary){.rows = 3, .columns = world->columns, .ncolumns = 2};
    world->history = (struct vg_history){world->past, PAST, world->marks, PAST};
    world->kit.evidence.history = &world->history;
    uint64_t print = kit_measure(&world->kit, 1)->fingerprint;
    assert_true(print != 0);
    for (int i = 0; i < PAST; i++) {
        world->past[i].window =
            (struct vg_window){i * VG_HOUR_US, i * VG_HOUR_US + VG_HOUR_US, false};
        world->marks[i] = (struct vg_mark){world->kit.rule.id, "", i * VG_HOUR_US, print};
    }
}

static void stop(struct world *world)
{
    vg_column_clear(&world->columns[0]);
    vg_column_clear(&world->columns[1]);
    kit_free(&world->kit);
}

static void test_windows_running(void **state)
{
    (void)state;
    struct world world;
    start(&world, "x");
    kit_assert_found(kit_measure(&world.kit, 1), 7, "the same values in 7 windows running");
    world.marks[3].fingerprint++;
    kit_assert_found(kit_measure(&world.kit, 1), 3, "the same values in 3 windows running");
    world.marks[3].fingerprint--;
    world.marks[4].rule = "other";
    kit_assert_found(kit_measure(&world.kit, 1), 2, "the same values in 2 windows running");
    world.marks[5].fingerprint++;
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_found(measure, 1, "other values than in the window before");
    assert_true(measure->n_now == 3);
    stop(&world);
}

/* Whatever the verdict, the window leaves its fingerprint. */
static void test_nothing_before(void **state)
{
    (void)state;
    struct world world;
    start(&world, "x");
    world.marks[5].segment = "another";
    const struct vg_measure *measure = kit_measure(&world.kit, 1);
    kit_assert_skipped(measure, VG_NODATA, "nothing to compare with");
    assert_true(measure->fingerprint != 0);
    world.history.n = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "nothing to compare with");
    world.kit.evidence.history = NULL;
    measure = kit_measure(&world.kit, 1);
    kit_assert_skipped(measure, VG_NODATA, "the daemon's state only");
    assert_true(measure->fingerprint != 0);
    world.kit.now.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_UNKNOWN, "was not counted");
    stop(&world);
}

/* Of the dataset: all columns but the time, which never repeats. */
static void test_dataset(void **state)
{
    (void)state;
    struct world world;
    start(&world, NULL);
    kit_assert_found(kit_measure(&world.kit, 1), 7, "the same values in 7 windows running");
    static const double later[] = {8e6, 9e6, 9.5e6}, other[] = {1, 2, 4};
    vg_column_clear(&world.columns[1]);
    counted_numbers(&world.columns[1], "t", VG_KIND_TIME, NULL, later, 3);
    assert_true(kit_measure(&world.kit, 1)->value == 7);
    vg_column_clear(&world.columns[0]);
    counted_numbers(&world.columns[0], "x", VG_KIND_NUMBER, NULL, other, 3);
    assert_true(kit_measure(&world.kit, 1)->value == 1);
    world.kit.now.ncolumns = 0;
    kit_assert_skipped(kit_measure(&world.kit, 1), VG_NODATA, "no column is counted");
    stop(&world);
}

/* Of a private column with few values there is nothing; of more, nothing of a single row. */
static void test_private(void **state)
{
    (void)state;
    enum { N = 12 };
    struct vg_column_spec spec = {.name = "x", .is_private = true};
    static const double x[N] = {-4, -4, -4, -3, 0, 0, 0, 0, 3, 4, 4, 4};
    struct vg_column_summary column;
    struct vg_arena *arena = vg_arena_new();
    struct world world;
    counted_numbers(&column, "x", VG_KIND_NUMBER, NULL, x, N);
    uint64_t print = vg_stuck_print(&column, true, arena),
             open = vg_stuck_print(&column, false, arena);
    assert_true(print != open);
    column.min = -5;
    column.length_max = 7;
    assert_true(print == vg_stuck_print(&column, true, arena));
    assert_true(open != vg_stuck_print(&column, false, arena));
    column.sum.hi += 1;
    assert_true(print != vg_stuck_print(&column, true, arena));
    column.sum.hi -= 1;
    for (int of_dataset = 0; of_dataset < 2; of_dataset++) {
        start(&world, of_dataset ? NULL : "x");
        world.kit.dataset.columns = &spec;
        world.kit.dataset.ncolumns = 1;
        const struct vg_measure *measure = kit_measure(&world.kit, 1);
        kit_assert_skipped(measure, VG_NODATA, "too few values of private columns");
        assert_true(measure->fingerprint == 0);
        struct vg_column_summary few = world.columns[0];
        world.columns[0] = column;
        assert_true(kit_measure(&world.kit, 1)->fingerprint != 0);
        world.columns[0] = few;
        stop(&world);
    }
    vg_column_clear(&column);
    vg_arena_free(arena);
}

static void test_validate(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        double fail;
        size_t errors;
    } cases[] = {{"t", 3, 0}, {"t", 2, 0}, {"t", 1, 1}, {NULL, 3, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_diags diags = {0};
        struct kit kit;
        kit_init(&kit, "stuck", "x");
        kit.dataset.time_column = cases[i].time;
        kit.rule.limits = (struct vg_limits){.has_fail = true, .fail = cases[i].fail};
        kit.rule.type->validate(&kit.rule, &diags);
        assert_int_equal(diags.errors, cases[i].errors);
        vg_diags_free(&diags);
        kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prints),         cmocka_unit_test(test_windows_running),
        cmocka_unit_test(test_nothing_before), cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_private),        cmocka_unit_test(test_validate),
    };
    return cmocka_run_group_tests_name("check_stuck", tests, NULL, NULL);
}
