/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order in which people read what has moved. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/rank.h"

static void assert_order(const struct vg_moved *items, size_t n, const char *names)
{
    char got[40] = "";
    for (size_t i = 0; i < n; i++)
        strncat(got, items[i].column, 1);
    assert_string_equal(got, names);
}

static void test_order(void **state)
{
    const double none = (double)NAN;
    const struct vg_moved made[] = {
        {.column = "a", .moved = .1, .importance = .9},
        {.column = "b", .moved = .3, .importance = .1},
        {.column = "c", .moved = none, .importance = 1},
        {.column = "d", .moved = .5, .importance = none},
        {.column = "e", .moved = .3, .importance = none},
        {.column = "p", .moved = .01, .importance = none, .prediction = true},
        {.column = "q", .moved = .02, .importance = 5, .prediction = true},
    };
    enum { N = sizeof made / sizeof made[0] };
    struct vg_moved items[N];
    (void)state;
    memcpy(items, made, sizeof made);
    vg_rank_order(items, N, false);
    assert_order(items, N, "qpdbeac"); /* b and e have moved alike: by name */
    assert_int_equal(items[0].rank, 0);
    assert_int_equal(items[2].rank, 1);
    assert_int_equal(items[5].rank, 4);
    assert_int_equal(items[6].rank, 0); /* not known */
    memcpy(items, made, sizeof made);
    vg_rank_order(items, N, true);
    assert_order(items, N, "qpabdec"); /* .09, .03, then those that count for nothing */
    assert_true(fabs(items[2].score - .09) < 1e-15);
    vg_rank_order(items, 0, true);
}

static void test_results(void **state)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_result results[] = {
        {.rule = "reach"},
        {.rule = "y.ks", .rank = 2},
        {.rule = "x.ks", .rank = 1},
        {.rule = "p.range", .prediction = true},
        {.rule = "volume"},
        {.rule = "x.psi", .rank = 1},
        {.rule = "p.ks", .prediction = true},
    };
    static const char *const order[] = {"p.range", "p.ks",  "reach", "volume",
                                        "x.ks",    "x.psi", "y.ks"};
    (void)state;
    assert_non_null(arena);
    assert_int_equal(vg_rank_results(results, 7, arena), 0);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(results[i].rule, order[i]);
    /* Without anything ranked nothing moves, whatever the names. */
    struct vg_latest latest[] = {{.dataset = "b", .rule = "2"}, {.dataset = "a", .rule = "1"}};
    assert_int_equal(vg_rank_latest(latest, 2, arena), 0);
    assert_string_equal(latest[0].rule, "2");
    struct vg_latest more[] = {{.dataset = "a", .rule = "x", .rank = 1},
                               {.dataset = "a", .rule = "p", .prediction = true},
                               {.dataset = "b", .rule = "q", .prediction = true}};
    assert_int_equal(vg_rank_latest(more, 3, arena), 0);
    assert_string_equal(more[0].rule, "p");
    assert_string_equal(more[1].rule, "x");
    assert_string_equal(more[2].rule, "q");
    vg_arena_free(arena);
}

/* D of counts on one grid of two thresholds: cells are below, at, between, at, above. */
static void test_distance_of_numbers(void **state)
{
    double q[] = {1, 2};
    uint64_t then[5] = {0, 50, 0, 50, 0}, now[5] = {0, 10, 0, 20, 10};
    struct vg_grid *grid = vg_grid_new(q, 2, true);
    (void)state;
    assert_non_null(grid);
    struct vg_distribution fine = {.grid = grid, .cells = then, .n = 100};
    struct vg_reference_column column = {.kind = VG_KIND_NUMBER, .fine = &fine};
    struct vg_column_summary summary = {.kind = VG_KIND_NUMBER, .fine = now, .grid_id = grid->id};
    assert_true(fabs(vg_rank_distance(&summary, &column) - .25) < 1e-15);
    summary.grid_id++;
    assert_true(isnan(vg_rank_distance(&summary, &column)));
    assert_true(isnan(vg_rank_distance(NULL, &column)));
    assert_true(isnan(vg_rank_distance(&summary, NULL)));
    summary.kind = VG_KIND_TEXT;
    assert_true(isnan(vg_rank_distance(&summary, &column)));
    vg_grid_free(grid);
}

static void test_predictions_are_known(void **state)
{
    struct vg_column_spec columns[] = {{.name = "x"},
                                       {.name = "p", .prediction = VG_PREDICTION_SCORE}};
    struct vg_importance importance = {.column = "x", .weight = 1};
    struct vg_dataset dataset = {.columns = columns, .ncolumns = 1};
    (void)state;
    assert_false(vg_rank_wanted(&dataset));
    dataset.ncolumns = 2;
    assert_true(vg_rank_wanted(&dataset));
    assert_int_equal(vg_rank_prediction(&dataset, "p"), VG_PREDICTION_SCORE);
    assert_int_equal(vg_rank_prediction(&dataset, "x"), VG_PREDICTION_NONE);
    assert_int_equal(vg_rank_prediction(&dataset, NULL), VG_PREDICTION_NONE);
    dataset.ncolumns = 0;
    dataset.importances = &importance;
    dataset.nimportances = 1;
    assert_true(vg_rank_wanted(&dataset));
}

static void test_worst_first(void **state)
{
    static const enum vg_verdict verdicts[] = {VG_NODATA, VG_PASS, VG_WARN,    VG_FAIL,
                                               VG_NODATA, VG_FAIL, VG_UNKNOWN, VG_PASS};
    static const size_t want[] = {3, 5, 6, 2, 0, 4};
    enum { N = sizeof verdicts / sizeof verdicts[0], NWANT = sizeof want / sizeof want[0] };
    struct vg_latest latest[N];
    size_t places[N];
    (void)state;
    for (size_t i = 0; i < N; i++)
        latest[i] = (struct vg_latest){.verdict = verdicts[i]};
    assert_int_equal(vg_rank_worst(latest, N, places), NWANT);
    assert_memory_equal(places, want, sizeof want);
    assert_int_equal(vg_rank_worst(latest, 0, places), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_worst_first),
        cmocka_unit_test(test_distance_of_numbers),
        cmocka_unit_test(test_predictions_are_known),
    };
    return cmocka_run_group_tests_name("rank", tests, NULL, NULL);
}
