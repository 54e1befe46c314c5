/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of what a budget does beside its mathematics: which columns are left out and why, hard
 * rules, references too short to learn from, windows that cannot be looked back on, hostile
 * numbers. Summaries are made by hand: one column, hourly windows. */
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
#include "agent/summary/private.h"
#include "checks/stat_ks.h"
#include "tests/unit/budget_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { GRID = 77, CELLS = 7, MOST = 24 * 28 };
static const int64_t monday_us = 4 * VG_DAY_US; /* 1970-01-05 */

/* A learnt column: made by draw(w, window) for each window of the reference; false: no rows. */
struct learnt {
    size_t n;
    enum vg_kind kind;
    bool is_private;
    bool (*draw)(size_t w, struct vg_column_summary *window);
    int64_t *starts;
    struct vg_budget *budget;
    struct vg_budget_part *part;
    struct vg_error err;
};

static void open_window(enum vg_kind kind, struct vg_column_summary *out)
{
    if (kind == VG_KIND_TEXT || kind == VG_KIND_BOOL)
        vg_kit_text(out, "x");
    else
        vg_kit_numbers(out, "x", GRID, CELLS);
}

static int visit(void *arg, size_t column, struct vg_budget_feed *feed, struct vg_error *err)
{
    const struct learnt *learnt = arg;
    (void)column;
    for (size_t w = 0; w < learnt->n; w++) {
        struct vg_column_summary window;
        open_window(learnt->kind, &window);
        int rc =
            learnt->draw(w, &window) ? vg_budget_feed(feed, learnt->starts[w], &window, err) : 0;
        vg_column_clear(&window);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int keep(void *arg, size_t column, const void *blob, size_t size, struct vg_error *err)
{
    struct learnt *learnt = arg;
    (void)column;
    return vg_budget_part_read(blob, size, &learnt->part, err);
}

static int learn(struct learnt *learnt)
{
    struct vg_budget_input input = {"x", learnt->kind, learnt->is_private};
    int64_t to = monday_us + (int64_t)learnt->n * VG_HOUR_US;
    size_t n;
    assert_int_equal(
        vg_budget_starts(&vg_utc, VG_HOUR_US, monday_us, to, &learnt->starts, &n, NULL), 0);
    struct vg_budget_task task = {.zone = &vg_utc,
                                  .base_us = VG_HOUR_US,
                                  .budget = 1.0 / 7,
                                  .starts = learnt->starts,
                                  .nwindows = n,
                                  .columns = &input,
                                  .ncolumns = 1,
                                  .visit = visit,
                                  .keep = keep,
                                  .arg = learnt};
    return vg_budget_calibrate(&task, &learnt->budget, &learnt->err);
}

static void forget(struct learnt *learnt)
{
    vg_budget_free(learnt->budget);
    vg_budget_part_free(learnt->part);
    free(learnt->starts);
}

static void set_cells(struct vg_column_summary *window, size_t cell, uint64_t rows, double lo,
                      double hi)
{
    window->coarse[cell] += rows;
    window->rows += rows;
    window->min = lo;
    window->max = hi;
    window->sum.hi = (lo + hi) / 2 * (double)rows;
    window->m2.hi = hi > lo ? (double)rows : 0;
}

/* --- why a column is left out --- */

static bool draw_plain(size_t w, struct vg_column_summary *window)
{
    uint64_t more = vg_hash64(&w, sizeof w) % 40;
    set_cells(window, 2, 150 + more, -1, 1);
    set_cells(window, 4, 250 - more, -1, 1);
    window->m2.hi = (double)window->rows * (1 + (double)more / 400);
    return true;
}

static bool draw_serial(size_t w, struct vg_column_summary *window)
{
    set_cells(window, w * CELLS / MOST, 100, (double)w, (double)w + 0.9);
    return true;
}

static bool draw_date(size_t w, struct vg_column_summary *window)
{
    set_cells(window, 1 + 2 * (w / 24 % 3), 100, (double)(w / 24 % 3), (double)(w / 24 % 3));
    return true;
}

static bool draw_constant(size_t w, struct vg_column_summary *window)
{
    (void)w;
    set_cells(window, 3, 100, 5, 5);
    return true;
}

static bool draw_nulls(size_t w, struct vg_column_summary *window)
{
    (void)w;
    window->rows = window->nulls = 100;
    return true;
}

static bool draw_uncounted(size_t w, struct vg_column_summary *window)
{
    draw_plain(w, window);
    if (w == 17) {
        free(window->coarse);
        window->coarse = NULL;
    }
    return true;
}

static bool draw_words(size_t w, struct vg_column_summary *window)
{
    static const char *const words[] = {"red", "green", "blue", "black", "white"};
    for (size_t i = 0; i < COUNT(words); i++)
        vg_kit_add(window, words[i], 40 + (vg_hash64(&w, sizeof w) >> (8 * i)) % 20);
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
    vg_kit_add(window, w < MOST / 2 ? "May" : "June", 100);
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
        {draw_plain, VG_KIND_NUMBER, false, VG_BUDGET_TESTED, 2},
        {draw_serial, VG_KIND_NUMBER, false, VG_BUDGET_CALENDAR, 0},
        {draw_serial, VG_KIND_TIME, false, VG_BUDGET_CALENDAR, 0},
        {draw_serial, VG_KIND_NUMBER, true, VG_BUDGET_TESTED, 2},
        {draw_date, VG_KIND_NUMBER, false, VG_BUDGET_CALENDAR, 0},
        {draw_date, VG_KIND_NUMBER, true, VG_BUDGET_CALENDAR, 0},
        {draw_constant, VG_KIND_NUMBER, false, VG_BUDGET_TESTED, 2},
        {draw_nulls, VG_KIND_NUMBER, false, VG_BUDGET_NO_VALUES, 1},
        {draw_nulls, VG_KIND_TEXT, false, VG_BUDGET_NO_VALUES, 1},
        {draw_uncounted, VG_KIND_NUMBER, false, VG_BUDGET_UNCOUNTED, 0},
        {draw_plain, VG_KIND_TIME, false, VG_BUDGET_UNCOUNTED, 0},
        {draw_plain, VG_KIND_OTHER, false, VG_BUDGET_UNCOUNTED, 0},
        {draw_words, VG_KIND_TEXT, false, VG_BUDGET_TESTED, 1},
        {draw_codes, VG_KIND_TEXT, false, VG_BUDGET_IDENTIFIER, 0},
        {draw_months, VG_KIND_TEXT, false, VG_BUDGET_CALENDAR, 0},
        {draw_truth, VG_KIND_BOOL, false, VG_BUDGET_TESTED, 1},
        {draw_secret, VG_KIND_TEXT, true, VG_BUDGET_UNCOUNTED, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct learnt learnt = {.n = MOST,
                                .kind = cases[i].kind,
                                .is_private = cases[i].is_private,
                                .draw = cases[i].draw};
        assert_int_equal(learn(&learnt), 0);
        if (learnt.budget->columns[0].reason != cases[i].reason ||
            learnt.budget->nstreams != cases[i].streams) {
            print_error("case %zu: %s, %u streams\n", i,
                        vg_budget_reason_name(learnt.budget->columns[0].reason),
                        learnt.budget->nstreams);
            fail();
        }
        forget(&learnt);
    }
}

/* --- tests of windows by hand --- */

static size_t test_windows(const struct learnt *learnt, struct vg_column_summary *windows, size_t n,
                           struct vg_budget_found *found)
{
    const struct vg_column_summary *pointers[64];
    int64_t starts[64];
    size_t nfound;
    for (size_t i = 0; i < n; i++)
        pointers[i] = windows[i].name ? &windows[i] : NULL;
    vg_budget_starts_before(&vg_utc, VG_HOUR_US, monday_us + (MOST + (int64_t)n) * VG_HOUR_US, n,
                            starts);
    struct vg_budget_recent recent = {&vg_utc, starts, pointers, n};
    assert_int_equal(vg_budget_test(learnt->budget, 0, learnt->part, &recent, found, &nfound, NULL),
                     0);
    for (size_t i = 0; i < nfound; i++) {
        assert_true(found[i].p >= 0 && found[i].p <= 1);
        if (found[i].look == VG_BUDGET_LOOKED && !learnt->budget->uncalibrated)
            vg_kit_check_limit(&learnt->budget->streams[found[i].stream], &found[i]);
    }
    return nfound;
}

/* A drift is seen, with its direction; gaps count as empty; thin look-backs carry no test. */
static void test_looks(void **state)
{
    (void)state;
    struct learnt learnt = {.n = MOST, .kind = VG_KIND_NUMBER, .draw = draw_plain};
    struct vg_column_summary windows[24] = {0};
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    assert_int_equal(learn(&learnt), 0);
    assert_int_equal(test_windows(&learnt, windows, 24, found), 2);
    assert_int_equal(found[0].look, VG_BUDGET_FEW_ROWS);
    assert_true(found[0].p == 1 && isnan(found[0].value) && !found[0].scale);

    open_window(VG_KIND_NUMBER, &windows[23]);
    set_cells(&windows[23], 6, 400, 9, 10);
    test_windows(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_LOOKED);
    assert_true(found[0].p < found[0].level && found[0].direction == 1);
    assert_true(found[0].value == 1 && found[0].n_now == 400 && found[0].scale == 1);

    windows[23].grid_id = GRID + 1;
    test_windows(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_OTHER_GRID);
    assert_true(found[0].p == 1);
    free(windows[23].coarse);
    windows[23].coarse = NULL;
    test_windows(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_NOT_COUNTED);
    vg_column_clear(&windows[23]);

    /* The window before is on another grid: the newest is judged at once, alone. */
    open_window(VG_KIND_NUMBER, &windows[22]);
    open_window(VG_KIND_NUMBER, &windows[23]);
    set_cells(&windows[22], 6, 4000, 9, 10);
    set_cells(&windows[23], 0, 29, -9, -8);
    test_windows(&learnt, windows, 24, found);
    assert_true(found[0].direction == 1 && found[0].scale == 2);
    windows[22].grid_id = GRID + 1;
    test_windows(&learnt, windows, 24, found);
    assert_int_equal(found[0].look, VG_BUDGET_FEW_ROWS);
    set_cells(&windows[23], 0, 1, -9, -8);
    test_windows(&learnt, windows, 24, found);
    assert_true(found[0].direction == -1 && found[0].scale == 1 && found[0].n_now == 30);
    vg_column_clear(&windows[22]);
    vg_column_clear(&windows[23]);
    forget(&learnt);
}

/* Rows of the look-back by cell, and as many expected. */
static void test_expected(void **state)
{
    (void)state;
    struct learnt learnt = {.n = MOST, .kind = VG_KIND_NUMBER, .draw = draw_plain};
    double expected[CELLS], now[CELLS], sums[2] = {0, 0};
    assert_int_equal(learn(&learnt), 0);
    assert_int_equal(vg_budget_part_cells(learnt.part), CELLS);
    struct vg_column_summary window;
    open_window(VG_KIND_NUMBER, &window);
    set_cells(&window, 6, 100, 9, 10);
    const struct vg_column_summary *windows[2] = {&window, &window};
    int64_t starts[2] = {monday_us, monday_us + VG_HOUR_US};
    struct vg_budget_recent recent = {&vg_utc, starts, windows, 2};
    assert_true(vg_budget_expected(learnt.budget, learnt.part, &recent, 2, expected, now));
    for (size_t j = 0; j < CELLS; j++) {
        sums[0] += expected[j];
        sums[1] += now[j];
    }
    assert_true(fabs(sums[0] - 200) < 1e-9 && sums[1] == 200 && now[6] == 200);
    assert_true(expected[2] > 70 && expected[4] > 90 && fabs(expected[6]) < 1e-9);
    assert_false(vg_budget_expected(learnt.budget, learnt.part, &recent, 3, expected, now));
    vg_column_clear(&window);
    forget(&learnt);
}

/* A value that vanishes, one that nobody knew, a truth that is always true. */
static void test_categories(void **state)
{
    (void)state;
    struct learnt learnt = {.n = MOST, .kind = VG_KIND_TEXT, .draw = draw_words};
    struct vg_column_summary window[1] = {0};
    struct vg_budget_found found[VG_BUDGET_STREAMS];
    assert_int_equal(learn(&learnt), 0);
    open_window(VG_KIND_TEXT, window);
    vg_kit_add(window, "red", 250);
    assert_int_equal(test_windows(&learnt, window, 1, found), 1);
    assert_true(found[0].p < found[0].level && found[0].which == VG_BUDGET_ONE);
    vg_column_clear(window);
    open_window(VG_KIND_TEXT, window);
    draw_words(5, window);
    vg_kit_add(window, "mauve", 30);
    test_windows(&learnt, window, 1, found);
    assert_true(found[0].p < found[0].level && found[0].direction == 1);
    assert_int_equal(found[0].which, VG_BUDGET_RARE);
    vg_column_clear(window);
    forget(&learnt);

    struct learnt truth = {.n = MOST, .kind = VG_KIND_BOOL, .draw = draw_truth};
    assert_int_equal(learn(&truth), 0);
    open_window(VG_KIND_BOOL, window);
    vg_kit_add(window, "true", 100);
    test_windows(&truth, window, 1, found);
    assert_true(found[0].p < found[0].level && found[0].direction == -1);
    assert_true(found[0].which == VG_BUDGET_ONE && !strcmp(found[0].label, "false"));
    vg_column_clear(window);
    forget(&truth);
}

/* --- too short to learn from --- */

static void test_uncalibrated(void **state)
{
    (void)state;
    const size_t lengths[] = {1, 2, 13};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct learnt learnt = {.n = lengths[i], .kind = VG_KIND_NUMBER, .draw = draw_plain};
        struct vg_column_summary window[1] = {0};
        struct vg_budget_found found[VG_BUDGET_STREAMS];
        uint64_t pooled[CELLS] = {0};
        assert_int_equal(learn(&learnt), 0);
        assert_true(learnt.budget->uncalibrated && learnt.budget->nslots == 1);
        assert_true(learnt.budget->streams[0].level == learnt.budget->alpha0);
        assert_true(fabs(learnt.budget->alpha0 - 1.0 / 7 / 24 / 2) < 1e-15);
        assert_true(learnt.budget->streams[0].visible < 0.5);
        for (size_t w = 0; w < lengths[i]; w++) {
            open_window(VG_KIND_NUMBER, window);
            draw_plain(w, window);
            for (size_t j = 0; j < CELLS; j++)
                pooled[j] += window->coarse[j];
            vg_column_clear(window);
        }
        open_window(VG_KIND_NUMBER, window);
        set_cells(window, 2, 60, -1, 1);
        set_cells(window, 4, 40, -1, 1);
        struct vg_ks_counts counts = {pooled, window->coarse, CELLS, true};
        struct vg_ks ks;
        double p;
        vg_ks_compare(&counts, &ks);
        assert_int_equal(vg_ks_p(&counts, &ks, &p, NULL), 0);
        test_windows(&learnt, window, 1, found);
        assert_true(found[0].p == p && found[0].value == ks.d && found[0].scale == 1);
        assert_int_equal(found[1].look, lengths[i] > 1 ? VG_BUDGET_LOOKED : VG_BUDGET_FEW_ROWS);
        vg_column_clear(window);
        forget(&learnt);
    }
}

/* --- hard rules --- */

static bool draw_day(size_t w, struct vg_column_summary *window)
{
    draw_plain(w, window);
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

    struct learnt learnt = {.n = MOST, .kind = VG_KIND_NUMBER, .draw = draw_day};
    assert_int_equal(learn(&learnt), 0);
    for (uint32_t h = 0; h < 24; h++) {
        struct vg_budget_place place = {h, h % 7};
        assert_int_equal(vg_budget_must_have_rows(learnt.budget, place), h != 3);
    }
    forget(&learnt);
}

static bool draw_fashion(size_t w, struct vg_column_summary *window)
{
    char value[32];
    snprintf(value, sizeof value, "day %zu", w / 24);
    vg_kit_add(window, value, 20);
    return draw_words(w, window);
}

static void test_new_values(void **state)
{
    (void)state;
    struct learnt learnt = {.n = MOST, .kind = VG_KIND_TEXT, .draw = draw_words};
    struct vg_column_summary window;
    struct vg_budget_new_values found;
    assert_int_equal(learn(&learnt), 0);
    assert_true(learnt.budget->columns[0].new_values);
    open_window(VG_KIND_TEXT, &window);
    vg_kit_add(&window, "red", 900);
    vg_kit_add(&window, "mauve", 60);
    vg_kit_add(&window, "pink", 30);
    vg_kit_add(&window, "teal", 9);
    const struct vg_column_summary *windows[2] = {NULL, &window};
    struct vg_budget_recent recent = {&vg_utc, learnt.starts, windows, 2};
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
    forget(&learnt);

    /* A column that shows a new value every day: 14 in the second half, more than two. */
    struct learnt fashion = {.n = MOST, .kind = VG_KIND_TEXT, .draw = draw_fashion};
    assert_int_equal(learn(&fashion), 0);
    assert_false(fashion.budget->columns[0].new_values);
    assert_int_equal(fashion.budget->columns[0].new_values_learnt, 14);
    forget(&fashion);
}

/* --- hostile numbers --- */

static bool draw_infinite(size_t w, struct vg_column_summary *window)
{
    draw_plain(w, window);
    window->m2.hi = w % 3 ? (double)NAN : (double)INFINITY;
    window->nans = window->pinfs = 3;
    window->rows += 6;
    return true;
}

static bool draw_single(size_t w, struct vg_column_summary *window)
{
    set_cells(window, 2 * (w % 4), 1, -1, 1);
    return true;
}

static bool draw_huge(size_t w, struct vg_column_summary *window)
{
    uint64_t many = (UINT64_C(1) << 52) / MOST / 4;
    set_cells(window, 2, many - w, -1, 1);
    set_cells(window, 5, many + w, -1, 1);
    window->nulls = 7 + w;
    window->rows += 7 + w;
    window->m2.hi = 1e300;
    return true;
}

static bool draw_too_many(size_t w, struct vg_column_summary *window)
{
    (void)w;
    set_cells(window, 2, UINT64_C(1) << 52, -1, 1);
    return true;
}

static void test_hostile(void **state)
{
    (void)state;
    bool (*const draws[])(size_t, struct vg_column_summary *) = {
        draw_infinite, draw_single, draw_huge, draw_constant, draw_nulls};
    for (size_t i = 0; i < COUNT(draws); i++) {
        struct learnt learnt = {.n = MOST, .kind = VG_KIND_NUMBER, .draw = draws[i]};
        struct vg_column_summary windows[24] = {0};
        struct vg_budget_found found[VG_BUDGET_STREAMS];
        assert_int_equal(learn(&learnt), 0);
        assert_true(learnt.budget->alpha_star >= 0);
        for (size_t s = 0; s < learnt.budget->nstreams; s++)
            assert_true(learnt.budget->streams[s].visible >= 0);
        for (size_t k = 0; k < COUNT(draws); k++) {
            for (size_t w = 0; w < 24; w++) {
                open_window(VG_KIND_NUMBER, &windows[w]);
                draws[k](w, &windows[w]);
            }
            test_windows(&learnt, windows, 24, found);
            for (size_t w = 0; w < 24; w++)
                vg_column_clear(&windows[w]);
        }
        forget(&learnt);
    }
    struct learnt learnt = {.n = MOST, .kind = VG_KIND_NUMBER, .draw = draw_too_many};
    assert_int_equal(learn(&learnt), -1);
    assert_int_equal(learnt.err.code, VG_E_LIMIT);
    forget(&learnt);
}

/* Windows out of order, of no reference window, or of two grids are faults of the caller. */
static bool draw_two_grids(size_t w, struct vg_column_summary *window)
{
    window->grid_id = GRID + (w == 9);
    return draw_plain(w, window);
}

static void test_faults(void **state)
{
    (void)state;
    struct learnt learnt = {.n = 30, .kind = VG_KIND_NUMBER, .draw = draw_two_grids};
    assert_int_equal(learn(&learnt), -1);
    assert_int_equal(learnt.err.code, VG_E_INTERNAL);
    forget(&learnt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),      cmocka_unit_test(test_looks),
        cmocka_unit_test(test_expected),     cmocka_unit_test(test_categories),
        cmocka_unit_test(test_uncalibrated), cmocka_unit_test(test_hard_rules),
        cmocka_unit_test(test_new_values),   cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("budget_rules", tests, NULL, NULL);
}
