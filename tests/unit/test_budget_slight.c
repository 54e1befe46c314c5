/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/budget/test.c: what has a p below its level and is no alarm, as it moved too
 * few rows, by less than the rule file asks for, or in look-backs of few rows that always vary
 * much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/budget_kit.h"

enum { MOST = 24 };

/* What is found of one kind of stream in the n windows after the reference, which are emptied. */
static struct vg_budget_found find(const struct vg_kit_learnt *learnt,
                                   struct vg_column_summary *windows, size_t n,
                                   enum vg_budget_kind kind)
{
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    size_t nfound = vg_kit_test(learnt, windows, n, found), at = 0;
    for (size_t w = 0; w < n; w++)
        vg_column_clear(&windows[w]);
    memset(windows, 0, n * sizeof *windows);
    while (at < nfound && learnt->budget->streams[found[at].stream].kind != kind)
        at++;
    assert_true(at < nfound);
    return found[at];
}

/* One row of a value never seen has a p below every level, and is no alarm; five are. */
static void test_few_rows(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = vg_kit_draw_words};
    assert_int_equal(vg_kit_learn(&learnt), 0);
    for (uint64_t rows = 1; rows <= 6; rows++) {
        struct vg_column_summary window;
        vg_kit_open(VG_KIND_TEXT, &window);
        vg_kit_draw_words(VG_KIT_WINDOWS, &window);
        vg_kit_add(&window, "mauve", rows);
        struct vg_budget_found found = find(&learnt, &window, 1, VG_BUDGET_LEVELS);
        assert_true(found.p < found.level);
        assert_int_equal(found.slight, rows <= VG_BUDGET_SLIGHT);
    }
    vg_kit_forget(&learnt);
}

/* So many rows in the cells 2 and 4, with this variance. */
static void put(struct vg_column_summary *window, uint64_t low, uint64_t high, double variance)
{
    vg_kit_cells(window, 2, low, -1, 1);
    vg_kit_cells(window, 4, high, -1, 1);
    window->m2.hi = variance * (double)(low + high - 1);
}

static void fill(struct vg_column_summary *window, uint64_t low, uint64_t high, double variance)
{
    vg_kit_open(VG_KIND_NUMBER, window);
    put(window, low, high, variance);
}

/* A change below the floor is told with its p and is no alarm; at the floor it is one. */
static void test_distance_and_spread(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = vg_kit_draw_numbers};
    struct vg_column_summary window;
    assert_int_equal(vg_kit_learn(&learnt), 0);
    for (int kind = VG_BUDGET_KS; kind <= VG_BUDGET_SPREAD; kind++) {
        fill(&window, 330, 70, 1.7);
        struct vg_budget_found plain = find(&learnt, &window, 1, (enum vg_budget_kind)kind);
        assert_true(plain.p < plain.level && !plain.slight && fabs(plain.effect) > .05);
        for (int above = 0; above < 2; above++) {
            learnt.least[kind] = fabs(plain.effect) + (above ? 1e-9 : -1e-9);
            fill(&window, 330, 70, 1.7);
            struct vg_budget_found found = find(&learnt, &window, 1, (enum vg_budget_kind)kind);
            assert_int_equal(found.slight, above);
            assert_true(found.p == plain.p && found.value == plain.value);
        }
        learnt.least[kind] = 0;
    }
    vg_kit_forget(&learnt);
}

/* Where the smallest p is of a long look-back that moved too little, a shorter one decides. */
static void test_other_scale(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = vg_kit_draw_numbers};
    struct vg_column_summary windows[MOST] = {0};
    assert_int_equal(vg_kit_learn(&learnt), 0);
    for (int floor = 0; floor < 2; floor++) {
        for (size_t w = 0; w < MOST; w++)
            fill(&windows[w], w + 1 < MOST ? 190 : 280, w + 1 < MOST ? 210 : 120, 1.05);
        learnt.least[VG_BUDGET_KS] = floor ? .25 : 0;
        struct vg_budget_found found = find(&learnt, windows, MOST, VG_BUDGET_KS);
        assert_true(found.p < found.level && !found.slight);
        assert_true(floor ? found.scale == 1 && found.value >= .25 : found.scale > 1);
    }
    vg_kit_forget(&learnt);
}

static void test_share(void **state)
{
    (void)state;
    struct vg_kit_learnt learnt = {
        .n = VG_KIT_WINDOWS, .kind = VG_KIND_TEXT, .draw = vg_kit_draw_words};
    assert_int_equal(vg_kit_learn(&learnt), 0);
    for (int i = 0; i < 3; i++) { /* 20 rows of 266 */
        struct vg_column_summary window;
        learnt.least[VG_BUDGET_LEVELS] = i == 0 ? 0 : i == 1 ? .05 : .1;
        vg_kit_open(VG_KIND_TEXT, &window);
        vg_kit_draw_words(VG_KIT_WINDOWS, &window);
        vg_kit_add(&window, "mauve", 20);
        struct vg_budget_found found = find(&learnt, &window, 1, VG_BUDGET_LEVELS);
        assert_true(found.p < found.level && found.value < .1 && found.value > .05);
        assert_int_equal(found.slight, i == 2);
    }
    vg_kit_forget(&learnt);
}

/* Three hours a day have a quarter of the rows, and a variance that is anywhere between a third and
 * three times that of the others. */
static bool draw_nights(size_t w, struct vg_column_summary *window)
{
    if (w % 24 >= 3)
        return vg_kit_draw_numbers(w, window);
    double part = (double)(vg_hash64(&w, sizeof w) % 1000) / 999;
    put(window, 50, 50, exp(2.2 * (part - .5)));
    return true;
}

static bool draw_one_night(size_t w, struct vg_column_summary *window)
{
    return w / 24 % 7 == 2 ? draw_nights(w, window) : vg_kit_draw_numbers(w, window);
}

/* A spread that is out of the ordinary for hours of many rows, but not for those of few, is no
 * alarm in these. Where the reference has fewer than 20 of them, it cannot tell. */
static void test_thin_hours(void **state)
{
    (void)state;
    static const struct {
        bool (*draw)(size_t w, struct vg_column_summary *window);
        size_t hour;
        uint64_t rows;
        double variance;
        bool slight;
    } rows[] = {
        {draw_nights, 2, 100, 8, true},
        {draw_nights, 10, 400, 8, false},
        {draw_nights, 2, 100, 1000, false},
        {draw_one_night, 2, 100, 8, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vg_kit_learnt learnt = {
            .n = VG_KIT_WINDOWS, .kind = VG_KIND_NUMBER, .draw = rows[i].draw};
        struct vg_column_summary windows[MOST] = {0};
        size_t n = rows[i].hour + 1;
        assert_int_equal(vg_kit_learn(&learnt), 0);
        for (size_t w = 0; w + 1 < n; w++)
            fill(&windows[w], w < 3 ? 50 : 168, w < 3 ? 50 : 232, 1.05);
        fill(&windows[n - 1], rows[i].rows / 2, rows[i].rows / 2, rows[i].variance);
        struct vg_budget_found found = find(&learnt, windows, n, VG_BUDGET_SPREAD);
        assert_true(found.p < found.level);
        assert_int_equal(found.slight, rows[i].slight);
        vg_kit_forget(&learnt);
    }
}

static void test_visible(void **state)
{
    (void)state;
    static const double none[VG_BUDGET_KINDS] = {0}, some[VG_BUDGET_KINDS] = {.02, .05, .3, .01};
    static const struct {
        enum vg_budget_kind kind;
        double visible, without, with;
    } rows[] = {{VG_BUDGET_KS, .01, .01, .02},
                {VG_BUDGET_KS, .4, .4, .4},
                {VG_BUDGET_KS, 1.63, INFINITY, INFINITY},
                {VG_BUDGET_SPREAD, 1.01, 1.01, 1.05},
                {VG_BUDGET_SPREAD, 1.2, 1.2, 1.2},
                {VG_BUDGET_LEVELS, .1, .1, .3},
                {VG_BUDGET_NULLS, .1, .1, .1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vg_budget_stream stream = {.kind = rows[i].kind, .visible = rows[i].visible};
        assert_true(vg_budget_visible(&stream, none) == rows[i].without);
        assert_true(vg_budget_visible(&stream, some) == rows[i].with);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_rows),    cmocka_unit_test(test_distance_and_spread),
        cmocka_unit_test(test_other_scale), cmocka_unit_test(test_share),
        cmocka_unit_test(test_thin_hours),  cmocka_unit_test(test_visible),
    };
    return cmocka_run_group_tests_name("budget_slight", tests, NULL, NULL);
}
