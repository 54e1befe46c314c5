/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of what a budget does beside its mathematics: which columns are left out and why,
 * references too short to learn from, windows that cannot be looked back on. Summaries are made by
 * hand: one column, hourly windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/parts.h"
#include "agent/summary/parts.h"
#include "agent/summary/private.h"
#include "checks/stat_ks.h"
#include "tests/unit/budget_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
/* --- why a column is left out --- */

static bool draw_serial(size_t w, struct vg_column_summary *window)
{
    vg_kit_cells(window, w * VG_KIT_CELLS / VG_KIT_WINDOWS, 100, (double)w, (double)w + 0.9);
    return true;
}

static bool draw_date(size_t w, struct vg_column_summary *window)
{
    vg_kit_cells(window, 1 + 2 * (w / 24 % 3), 100, (double)(w / 24 % 3), (double)(w / 24 % 3));
    return true;
}

static bool draw_uncounted(size_t w, struct vg_column_summary *window)
{
    vg_kit_draw_numbers(w, window);
    if (w == 17) {
        free(window->coarse);
        window->coarse = NULL;
    }
    return true;
}

static bool draw_codes(size_t w, struct vg_column_summary *window)
{
    char code[16];
    for (size_t i = 0; i < 100; i++) {
        snprintf(code, sizeof code, "%zu", (w * 100 + i * 7) % 4000);
        vg_kit_add(window, code, 1);
    }
    return true;
}

static bool draw_months(size_t w, struct vg_column_summary *window)
{
    vg_kit_add(window, w < VG_KIT_WINDOWS / 2 ? "May" : "June", 100);
    return true;
}

static bool draw_truth(size_t w, struct vg_column_summary *window)
{
    vg_kit_add(window, "true", 80 + w % 7);
    vg_kit_add(window, "false", 20 + w % 5);
    return true;
}

static bool draw_secret(size_t w, struct vg_column_summary *window)
{
    vg_kit_add(window, "secret", 100 + w);
    vg_private_column(window);
    return true;
}

static void test_reasons(void **state)
{
    (void)state;
    const struct {
        bool (*draw)(size_t w, struct vg_column_summary *window);
        enum vg_kind kind;
        bool is_private;
        enum vg_budget_reason reason;
        uint32_t streams;
    } cases[] = {
        {vg_kit_draw_numbers, VG_KIND_NUMBER, false, VG_BUDGET_TESTED, 2},
        {draw_serial, VG_KIND_NUMBER, false, VG_BUDGET_CALENDAR, 0},
        {draw_serial, VG_KIND_TIME, false, VG_BUDGET_CALENDAR, 0},
        {draw_serial, VG_KIND_NUMBER, true, VG_BUDGET_TESTED, 2},
        {draw_date, VG_KIND_NUMBER, false, VG_BUDGET_CALENDAR, 0},
        {draw_date, VG_KIND_NUMBER, true, VG_BUDGET_CALENDAR, 0},
        {vg_kit_draw_constant, VG_KIND_NUMBER, false, VG_BUDGET_TESTED, 2},
        {vg_kit_draw_nulls, VG_KIND_NUMBER, false, VG_BUDGET_NO_VALUES, 1},
        {vg_kit_draw_nulls, VG_KIND_TEXT, false, VG_BUDGET_NO_VALUES, 1},
        {draw_uncounted, VG_KIND_NUMBER, false, VG_BUDGET_UNCOUNTED, 0},
        {vg_kit_draw_numbers, VG_KIND_TIME, false, VG_BUDGET_UNCOUNTED, 0},
        {vg_kit_draw_numbers, VG_KIND_OTHER, false, VG_BUDGET_UNCOUNTED, 0},
        {vg_kit_draw_words, VG_KIND_TEXT, false, VG_BUDGET_TESTED, 1},
        {draw_codes, VG_KIND_TEXT, false, VG_BUDGET_IDENTIFIER, 0},
        {draw_months, VG_KIND_TEXT, false, VG_BUDGET_CALENDAR, 0},
        {draw_truth, VG_KIND_BOOL, false, VG_BUDGET_TESTED, 1},
        {draw_secret, VG_KIND_TEXT, true, VG_BUDGET_UNCOUNTED, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_kit_learnt learnt = {.n = VG_KIT_WINDOWS,
                                       .kind = cases[i].kind,
                                       .is_private = cases[i].is_private,
                                       .draw = cases[i].draw};
        assert_int_equal(vg_kit_learn(&learnt), 0);
        if (learnt.budget->columns[0].reason != cases[i].reason ||
            learnt.budget->nstreams != cases[i].streams) {
            print_error("case %zu: %s, %u streams\n", i,
                        vg_budget_reason_name(learnt.budget->columns[0].reason),
                        learnt.budget->nstreams);
            fail();
        }
        vg_kit_forget(&learnt);
    }
}

/* --- the made values of the reference implementation --- */

struct values {
    const char *name;
    size_t windows, rows;
    bool text;
    const char *reason;
    const int *values;
};
static const struct values values[] = {
#include "tests/fixtures/budget_values.inc"
};

static size_t drawn; /* of values[] */

static bool draw_values(size_t w, struct vg_column_summary *window)
{
    const struct values *column = &values[drawn];
    const int *row = column->values + w * column->rows;
    double lo = INFINITY, hi = -INFINITY;
    char text[16];
    for (size_t r = 0; r < column->rows; r++) {
        lo = fmin(lo, row[r]);
        hi = fmax(hi, row[r]);
        snprintf(text, sizeof text, "%d", row[r]);
        if (column->text)
            vg_kit_add(window, text, 1);
    }
    if (!column->text)
        vg_kit_cells(window, 2, column->rows, lo, hi);
    return true;
}

static void test_made_values(void **state)
{
    (void)state;
    for (drawn = 0; drawn < COUNT(values); drawn++) {
        struct vg_kit_learnt learnt = {.n = values[drawn].windows,
                                       .kind = values[drawn].text ? VG_KIND_TEXT : VG_KIND_NUMBER,
                                       .draw = draw_values};
        assert_int_equal(vg_kit_learn(&learnt), 0);
        assert_string_equal(vg_budget_reason_name(learnt.budget->columns[0].reason),
                            values[drawn].reason);
        vg_kit_forget(&learnt);
    }
}

/* --- tests of windows --- */

/* A drift is seen, with its direction; gaps count as empty; thin look-backs carry no test. */
static void test_looks(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = vg_kit_draw_numbers};
    struct vg_column_summary windows[24] = {0};
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    assert_int_equal(vg_kit_learn(&learnt), 0);
    assert_int_equal(vg_kit_test(&learnt, windows, 24, found), 2);
    assert_int_equal(found[0].look, VG_BUDGET_FEW_ROWS);
    assert_true(found[0].p == 1 && isnan(found[0].value) && !found[0].scale);

    vg_kit_open(VG_KIND_NUMBER, &windows[23]);
    vg_kit_cells(&windows[23], 6, 400, 9, 10);
    vg_kit_test(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_LOOKED);
    assert_true(found[0].p < found[0].level && found[0].direction == 1);
    assert_true(found[0].value == 1 && found[0].n_now == 400 && found[0].scale == 1);

    windows[23].grid_id = VG_KIT_GRID + 1;
    vg_kit_test(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_OTHER_GRID);
    assert_true(found[0].p == 1);
    free(windows[23].coarse);
    windows[23].coarse = NULL;
    vg_kit_test(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_NOT_COUNTED);
    vg_column_clear(&windows[23]);

    /* The window before is on another grid: the newest is judged at once, alone. */
    vg_kit_open(VG_KIND_NUMBER, &windows[22]);
    vg_kit_open(VG_KIND_NUMBER, &windows[23]);
    vg_kit_cells(&windows[22], 6, 4000, 9, 10);
    vg_kit_cells(&windows[23], 0, 29, -9, -8);
    vg_kit_test(&learnt, windows, 24, found);
    assert_true(found[0].direction == 1 && found[0].scale == 2);
    windows[22].grid_id = VG_KIT_GRID + 1;
    vg_kit_test(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_FEW_ROWS);
    vg_kit_cells(&windows[23], 0, 1, -9, -8);
    vg_kit_test(&learnt, windows, 24, found);
    assert_true(found[0].direction == -1 && found[0].scale == 1 && found[0].n_now == 30);
    vg_column_clear(&windows[22]);
    vg_column_clear(&windows[23]);
    vg_kit_forget(&learnt);
}

/* A drawn category: at night of another mixture than by day. */
static bool draw_shifts(size_t w, struct vg_column_summary *window)
{
    bool night = w % 24 < 6;
    vg_kit_add(window, "freight", night ? 80 : 20);
    vg_kit_add(window, "people", night ? 20 : 80);
    return true;
}

/* Values as they are usual at the hours that are looked at, not in the reference as a whole. */
static void test_expected_values(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {.n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = draw_shifts};
    struct vg_column_summary whole, window;
    struct vg_top *top;
    struct vg_error err;
    const double rows = 1e9;
    assert_int_equal(vg_kit_learn(&learnt), 0);
    vg_kit_open(VG_KIND_TEXT, &whole);
    vg_kit_open(VG_KIND_TEXT, &window);
    vg_kit_add(&whole, "freight", 35);
    vg_kit_add(&whole, "people", 65);
    vg_kit_add(&window, "freight", 100);
    const struct vg_column_summary *windows[2] = {&window, &window};
    static const struct {
        int64_t hour;
        double freight;
    } cases[] = {{2, .8}, {12, .2}, {5, .5}}; /* the last look-back: an hour of both kinds */
    for (size_t i = 0; i < 3; i++) {
        int64_t first = VG_KIT_MONDAY_US + cases[i].hour * VG_HOUR_US;
        int64_t starts[2] = {first, first + VG_HOUR_US};
        struct vg_budget_recent recent = {
            .zone = &vg_utc, .starts = starts, .windows = windows, .n = 2};
        assert_int_equal(vg_budget_expected_values(learnt.budget, learnt.part, &recent, 2,
                                                   whole.top, &top, &err),
                         1);
        double share = (double)vg_top_count(top, "freight", 7) / rows;
        assert_true(fabs(share - cases[i].freight) < .01);
        vg_top_free(top);
        struct vg_budget_place place = vg_budget_place(&vg_utc, VG_HOUR_US, first);
        assert_int_equal(
            vg_budget_usual_values(learnt.budget, learnt.part, place, whole.top, &top, &err), 1);
        share = (double)vg_top_count(top, "people", 6) / rows;
        assert_true(fabs(share - (cases[i].hour < 6 ? .2 : .8)) < .01);
        vg_top_free(top);
    }
    vg_column_clear(&window);
    vg_column_clear(&whole);
    vg_kit_forget(&learnt);
}

/* Rows of the look-back by cell, and as many expected. */
static void test_expected(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = vg_kit_draw_numbers};
    double expected[VG_KIT_CELLS], now[VG_KIT_CELLS], sums[2] = {0, 0};
    assert_int_equal(vg_kit_learn(&learnt), 0);
    assert_int_equal(vg_budget_part_cells(learnt.part), VG_KIT_CELLS);
    struct vg_column_summary window;
    vg_kit_open(VG_KIND_NUMBER, &window);
    vg_kit_cells(&window, 6, 100, 9, 10);
    const struct vg_column_summary *windows[2] = {&window, &window};
    int64_t starts[2] = {VG_KIT_MONDAY_US, VG_KIT_MONDAY_US + VG_HOUR_US};
    struct vg_budget_recent recent = {
        .zone = &vg_utc, .starts = starts, .windows = windows, .n = 2};
    assert_true(vg_budget_expected(learnt.budget, learnt.part, &recent, 2, expected, now));
    for (size_t j = 0; j < VG_KIT_CELLS; j++) {
        sums[0] += expected[j];
        sums[1] += now[j];
    }
    assert_true(fabs(sums[0] - 200) < 1e-9 && sums[1] == 200 && now[6] == 200);
    assert_true(expected[2] > 70 && expected[4] > 90 && fabs(expected[6]) < 1e-9);
    assert_false(vg_budget_expected(learnt.budget, learnt.part, &recent, 3, expected, now));
    struct vg_budget_place place = vg_budget_place(&vg_utc, VG_HOUR_US, starts[0]);
    assert_true(vg_budget_usual(learnt.budget, learnt.part, place, now));
    for (size_t j = 0; j < VG_KIT_CELLS; j++)
        assert_true(now[j] >= -1e-12 && now[j] <= 1);
    vg_column_clear(&window);
    vg_kit_forget(&learnt);
}

/* A value that vanishes, one that nobody knew, a truth that is always true. */
static void test_categories(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = vg_kit_draw_words};
    struct vg_column_summary window[1] = {0};
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    assert_int_equal(vg_kit_learn(&learnt), 0);
    vg_kit_open(VG_KIND_TEXT, window);
    vg_kit_add(window, "red", 250);
    assert_int_equal(vg_kit_test(&learnt, window, 1, found), 1);
    assert_true(found[0].p < found[0].level && found[0].which == VG_BUDGET_ONE);
    vg_column_clear(window);
    vg_kit_open(VG_KIND_TEXT, window);
    vg_kit_draw_words(5, window);
    vg_kit_add(window, "mauve", 30);
    vg_kit_test(&learnt, window, 1, found);
    assert_true(found[0].p < found[0].level && found[0].direction == 1);
    assert_int_equal(found[0].which, VG_BUDGET_RARE);
    vg_column_clear(window);
    vg_kit_forget(&learnt);

    struct vg_kit_learnt truth = {.n = VG_KIT_WINDOWS, .kind = VG_KIND_BOOL, .draw = draw_truth};
    assert_int_equal(vg_kit_learn(&truth), 0);
    vg_kit_open(VG_KIND_BOOL, window);
    vg_kit_add(window, "true", 100);
    vg_kit_test(&truth, window, 1, found);
    assert_true(found[0].p < found[0].level && found[0].direction == -1);
    assert_true(found[0].which == VG_BUDGET_ONE && !strcmp(found[0].label, "false"));
    vg_column_clear(window);
    vg_kit_forget(&truth);
}

/* --- too short to learn from --- */

static void test_uncalibrated(void **state)
{
    (void)state;
    const size_t lengths[] = {1, 2, 13};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct vg_kit_learnt learnt = {
            .n = lengths[i], .kind = VG_KIND_NUMBER, .draw = vg_kit_draw_numbers};
        struct vg_column_summary window[1] = {0};
        struct vg_budget_found found[VG_BUDGET_STREAMS];
        uint64_t pooled[VG_KIT_CELLS] = {0};
        assert_int_equal(vg_kit_learn(&learnt), 0);
        assert_true(learnt.budget->uncalibrated && learnt.budget->nslots == 1);
        assert_true(learnt.budget->streams[0].level == learnt.budget->alpha0);
        assert_true(fabs(learnt.budget->alpha0 - 1.0 / 7 / 24 / 2) < 1e-15);
        assert_true(learnt.budget->streams[0].visible < 0.5);
        for (size_t w = 0; w < lengths[i]; w++) {
            vg_kit_open(VG_KIND_NUMBER, window);
            vg_kit_draw_numbers(w, window);
            for (size_t j = 0; j < VG_KIT_CELLS; j++)
                pooled[j] += window->coarse[j];
            vg_column_clear(window);
        }
        vg_kit_open(VG_KIND_NUMBER, window);
        vg_kit_cells(window, 2, 60, -1, 1);
        vg_kit_cells(window, 4, 40, -1, 1);
        struct vg_ks_counts counts = {pooled, window->coarse, VG_KIT_CELLS, true};
        struct vg_ks ks;
        double p;
        vg_ks_compare(&counts, &ks);
        assert_int_equal(vg_ks_p(&counts, &ks, VG_KS_MOST_STEPS, &p, NULL), 0);
        vg_kit_test(&learnt, window, 1, found);
        assert_true(found[0].p == p && found[0].value == ks.d && found[0].scale == 1);
        assert_int_equal(found[1].look, lengths[i] > 1 ? VG_BUDGET_LOOKED : VG_BUDGET_FEW_ROWS);
        vg_column_clear(window);
        vg_kit_forget(&learnt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),         cmocka_unit_test(test_made_values),
        cmocka_unit_test(test_looks),           cmocka_unit_test(test_expected),
        cmocka_unit_test(test_expected_values), cmocka_unit_test(test_categories),
        cmocka_unit_test(test_uncalibrated),
    };
    return cmocka_run_group_tests_name("budget_rules", tests, NULL, NULL);
}
