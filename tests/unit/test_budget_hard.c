/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/budget/hard.c and values.c, and of calibration and test with hostile numbers:
 * not finite, single rows, counts near 2^53, faults of the caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/budget_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- hard rules --- */

/* Nothing at 3 h, and a handful of rows at 4 h on one day. */
static bool draw_day(size_t w, struct vg_column_summary *window)
{
    if (w == 28)
        vg_kit_cells(window, 3, VG_BUDGET_THIN - 1, 0, 1);
    else
        vg_kit_draw_numbers(w, window);
    return w % 24 != 3;
}

static void test_hard_rules(void **state)
{
    (void)state;
    struct vg_budget_column clean = {.had_nulls = false}, nulls = {.had_nulls = true};
    struct vg_budget_column none = {.had_nulls = true, .all_null = true};
    const struct vg_column_summary some = {.rows = 9, .nulls = 1}, all = {.rows = 9, .nulls = 9};
    const struct vg_column_summary empty = {.rows = 0};
    assert_true(vg_budget_first_null(&clean, &some) && !vg_budget_first_null(&nulls, &some));
    assert_true(vg_budget_all_null(&nulls, &all) && !vg_budget_all_null(&none, &all));
    assert_false(vg_budget_all_null(&nulls, &some) || vg_budget_all_null(&nulls, &empty));

    struct vg_kit_learnt learnt = {.n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = draw_day};
    assert_int_equal(vg_kit_learn(&learnt), 0);
    for (uint32_t h = 0; h < 24; h++) {
        struct vg_budget_place place = {h, 0}, tuesday = {h, 1};
        bool thin = vg_budget_slot(learnt.budget, tuesday) == vg_budget_slot(learnt.budget, place);
        assert_int_equal(vg_budget_must_have_rows(learnt.budget, place),
                         h != 3 && !(thin && h == 4));
    }
    vg_kit_forget(&learnt);
}

/* Nothing but NULLs: at 3 h of each day; on two days of the four weeks; until the third week. */
static bool draw_void_nights(size_t w, struct vg_column_summary *window)
{
    return w % 24 == 3 ? vg_kit_draw_nulls(w, window) : vg_kit_draw_numbers(w, window);
}

static bool draw_void_twice(size_t w, struct vg_column_summary *window)
{
    bool is_void = (w >= 100 && w < 110) || w == 300;
    return is_void ? vg_kit_draw_nulls(w, window) : vg_kit_draw_numbers(w, window);
}

static bool draw_void_first(size_t w, struct vg_column_summary *window)
{
    return w < 14 * 24 ? vg_kit_draw_nulls(w, window) : vg_kit_draw_numbers(w, window);
}

/* Where it is usual it is no news; a column that came to be filled is expected to stay so. */
static void test_windows_of_nulls(void **state)
{
    static const struct {
        bool (*draw)(size_t w, struct vg_column_summary *window);
        bool usual;
    } cases[] = {{draw_void_nights, true},
                 {draw_void_twice, false},
                 {draw_void_first, false},
                 {vg_kit_draw_nulls, true},
                 {vg_kit_draw_numbers, false}};
    const struct vg_column_summary all = {.rows = 90, .nulls = 90};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_kit_learnt learnt = {
            .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = cases[i].draw};
        assert_int_equal(vg_kit_learn(&learnt), 0);
        if (vg_budget_all_null(&learnt.budget->columns[0], &all) == cases[i].usual)
            fail_msg("case %zu", i);
        struct vg_budget_place night = {3, 1}, day = {12, 1};
        double at_night = vg_budget_usual_nulls(learnt.budget, learnt.part, night);
        double by_day = vg_budget_usual_nulls(learnt.budget, learnt.part, day);
        if (cases[i].draw == draw_void_nights)
            assert_true(at_night > .99 && by_day < .01);
        assert_int_equal(isnan(by_day), cases[i].draw == vg_kit_draw_numbers);
        vg_kit_forget(&learnt);
    }
}

static bool draw_fashion(size_t w, struct vg_column_summary *window)
{
    char value[32];
    snprintf(value, sizeof value, "day %zu", w / 24);
    vg_kit_add(window, value, 20);
    return vg_kit_draw_words(w, window);
}

static void test_new_values(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = vg_kit_draw_words};
    struct vg_column_summary window;
    struct vg_budget_new_values found;
    assert_int_equal(vg_kit_learn(&learnt), 0);
    assert_true(learnt.budget->columns[0].new_values);
    vg_kit_open(VG_KIND_TEXT, &window);
    vg_kit_add(&window, "red", 900);
    vg_kit_add(&window, "mauve", 60);
    vg_kit_add(&window, "pink", 30);
    vg_kit_add(&window, "teal", 9);
    const struct vg_column_summary *windows[2] = {NULL, &window};
    struct vg_budget_recent recent = {
        .zone = &vg_utc, .starts = learnt.starts, .windows = windows, .n = 2};
    const struct vg_budget_column *column = &learnt.budget->columns[0];
    assert_int_equal(vg_budget_find_new_values(column, learnt.part, &recent, NULL, 0, &found, NULL),
                     0);
    assert_int_equal(found.n, 2); /* teal holds less than 1 % */
    assert_string_equal(found.items[0].label, "mauve");
    assert_true(found.items[0].count == 60 && fabs(found.items[0].share - 60.0 / 999) < 1e-15);
    assert_string_equal(found.items[1].label, "pink");
    uint64_t told = found.items[0].hash;
    assert_int_equal(
        vg_budget_find_new_values(column, learnt.part, &recent, &told, 1, &found, NULL), 0);
    assert_true(found.n == 1 && !strcmp(found.items[0].label, "pink"));
    vg_column_clear(&window);
    vg_kit_forget(&learnt);

    /* A column that shows a new value every day: 14 in the second half, more than two. */
    struct vg_kit_learnt fashion = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = draw_fashion};
    assert_int_equal(vg_kit_learn(&fashion), 0);
    assert_false(fashion.budget->columns[0].new_values);
    assert_int_equal(fashion.budget->columns[0].new_values_learnt, 14);
    vg_kit_forget(&fashion);
}

/* --- references that show too little --- */

static bool draw_nan(size_t w, struct vg_column_summary *window)
{
    window->nans = 40;
    window->uncast = w % 3; /* too many digits for a double */
    window->rows = window->nans + window->uncast;
    return true;
}

static bool draw_one_number(size_t w, struct vg_column_summary *window)
{
    if (w == 5)
        vg_kit_cells(window, 2, 1, 7, 7);
    return w == 5;
}

static bool draw_one_word(size_t w, struct vg_column_summary *window)
{
    if (w == 5)
        vg_kit_add(window, "red", 1);
    return w == 5;
}

/* 10 values among many nulls: these are watched, and the first null is no news. */
static bool draw_few_words(size_t w, struct vg_column_summary *window)
{
    if (w % 70 == 5)
        vg_kit_add(window, "red", 1);
    window->rows += 50;
    window->nulls = 50;
    return true;
}

static void test_too_little(void **state)
{
    (void)state;
    static const struct {
        enum vg_kind kind;
        bool (*draw)(size_t, struct vg_column_summary *);
        enum vg_budget_reason reason;
        uint32_t nstreams;
        bool first_null;
    } rows[] = {
        {VG_KIND_NUMBER, draw_nan, VG_BUDGET_NOT_FINITE, 0, true},
        {VG_KIND_NUMBER, vg_kit_draw_nulls, VG_BUDGET_NO_VALUES, 1, false},
        {VG_KIND_NUMBER, draw_one_number, VG_BUDGET_FEW_VALUES, 0, false},
        {VG_KIND_TEXT, draw_one_word, VG_BUDGET_FEW_VALUES, 0, false},
        {VG_KIND_TEXT, draw_few_words, VG_BUDGET_FEW_VALUES, 1, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_kit_learnt learnt = {
            .n = VG_KIT_WINDOWS, .kind = rows[i].kind, .draw = rows[i].draw};
        const struct vg_column_summary nulls = {.rows = 50, .nulls = 50};
        assert_int_equal(vg_kit_learn(&learnt), 0);
        const struct vg_budget_column *column = &learnt.budget->columns[0];
        assert_int_equal(column->reason, rows[i].reason);
        assert_int_equal(learnt.budget->nstreams, rows[i].nstreams);
        assert_int_equal(vg_budget_first_null(column, &nulls), rows[i].first_null);
        assert_false(column->new_values);
        vg_kit_forget(&learnt);
    }
}

/* What is seen of a never seen value, and of the most frequent, which needs more. */
static void test_smallest_changes(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = vg_kit_draw_words};
    assert_int_equal(vg_kit_learn(&learnt), 0);
    const struct vg_budget_stream *stream = &learnt.budget->streams[0];
    assert_int_equal(stream->visible_of, VG_BUDGET_UNSEEN);
    assert_true(stream->visible_top > 3 * stream->visible && stream->visible_top < .1);
    vg_kit_forget(&learnt);
}

/* --- hostile numbers --- */

static bool draw_infinite(size_t w, struct vg_column_summary *window)
{
    vg_kit_draw_numbers(w, window);
    window->m2.hi = w % 3 ? (double)NAN : (double)INFINITY;
    window->nans = window->pinfs = 3;
    window->rows += 6;
    return true;
}

static bool draw_single(size_t w, struct vg_column_summary *window)
{
    vg_kit_cells(window, 2 * (w % 4), 1, -1, 1);
    return true;
}

static bool draw_huge(size_t w, struct vg_column_summary *window)
{
    uint64_t many = (UINT64_C(1) << 52) / VG_KIT_WINDOWS / 4;
    vg_kit_cells(window, 2, many - w, -1, 1);
    vg_kit_cells(window, 5, many + w, -1, 1);
    window->nulls = 7 + w;
    window->rows += 7 + w;
    window->m2.hi = 1e300;
    return true;
}

static bool draw_too_many(size_t w, struct vg_column_summary *window)
{
    (void)w;
    vg_kit_cells(window, 2, UINT64_C(1) << 52, -1, 1);
    return true;
}

static void test_hostile(void **state)
{
    (void)state;
    bool (*const draws[])(size_t, struct vg_column_summary *) = {
        draw_infinite, draw_single, draw_huge, vg_kit_draw_constant, vg_kit_draw_nulls};
    for (size_t i = 0; i < COUNT(draws); i++) {
        struct vg_kit_learnt learnt = {
            .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = draws[i]};
        struct vg_column_summary windows[24] = {0};
        struct vg_budget_found found[VG_BUDGET_STREAMS];
        assert_int_equal(vg_kit_learn(&learnt), 0);
        assert_true(learnt.budget->alpha_star >= 0);
        for (size_t s = 0; s < learnt.budget->nstreams; s++)
            assert_true(learnt.budget->streams[s].visible >= 0);
        for (size_t k = 0; k < COUNT(draws); k++) {
            for (size_t w = 0; w < 24; w++) {
                vg_kit_open(VG_KIND_NUMBER, &windows[w]);
                draws[k](w, &windows[w]);
            }
            vg_kit_test(&learnt, windows, 24, found);
            for (size_t w = 0; w < 24; w++)
                vg_column_clear(&windows[w]);
        }
        vg_kit_forget(&learnt);
    }
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = draw_too_many};
    assert_int_equal(vg_kit_learn(&learnt), -1);
    assert_int_equal(learnt.err.code, VG_E_LIMIT);
    vg_kit_forget(&learnt);
}

/* Windows of two grids are a fault of the caller. */
static bool draw_two_grids(size_t w, struct vg_column_summary *window)
{
    window->grid_id = VG_KIT_GRID + (w == 9);
    return vg_kit_draw_numbers(w, window);
}

static void test_faults(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {.n = 30, .kind = VG_KIND_NUMBER, .draw = draw_two_grids};
    assert_int_equal(vg_kit_learn(&learnt), -1);
    assert_int_equal(learnt.err.code, VG_E_INTERNAL);
    vg_kit_forget(&learnt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hard_rules),       cmocka_unit_test(test_windows_of_nulls),
        cmocka_unit_test(test_new_values),       cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_faults),           cmocka_unit_test(test_too_little),
        cmocka_unit_test(test_smallest_changes),
    };
    return cmocka_run_group_tests_name("budget_hard", tests, NULL, NULL);
}
