/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of calibration and test of a whole dataset through summaries and blobs
 * (agent/budget/calibrate*.c, column.c, part.c, model.c, recent.c, test.c) against the reference
 * implementation: tests/fixtures/budget_dataset.inc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/budget_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { COLUMNS = 6, STREAMS = 13 };

struct windows {
    size_t n, width;
    const int *window;
    const double *rows, *cells, *s1, *s2;
};
static const struct dataset {
    double alpha0, common;
    size_t nstruck;
    const int *struck;
    const double *level, *share, *days, *aside, *noisy, *visible, *p;
    struct column {
        struct windows reference, now;
        const double *reference_nulls, *now_nulls; /* present, null */
    } columns[COLUMNS];
} dataset =
#include "tests/fixtures/budget_dataset.inc"
    ;
static const char *const names[COLUMNS] = {"a", "b", "walk", "storm", "step", "kind"};
static const enum vg_budget_kind kinds[STREAMS] = {
    VG_BUDGET_KS,     VG_BUDGET_SPREAD, VG_BUDGET_NULLS, VG_BUDGET_KS,     VG_BUDGET_SPREAD,
    VG_BUDGET_KS,     VG_BUDGET_SPREAD, VG_BUDGET_KS,    VG_BUDGET_SPREAD, VG_BUDGET_KS,
    VG_BUDGET_SPREAD, VG_BUDGET_LEVELS, VG_BUDGET_NULLS};
static const int64_t base_us = 6 * VG_HOUR_US;
static const int64_t monday_us = 4 * VG_DAY_US; /* 1970-01-05 */

static void assert_near(double got, double want, const char *what, size_t i)
{
    if (got == want || fabs(got - want) <= 1e-9 * fabs(want))
        return;
    print_error("%s %zu: got %.17g, want %.17g\n", what, i, got, want);
    fail();
}

/* --- the dataset as summaries --- */

static void make_window(size_t c, const struct windows *windows, const double *nulls, size_t w,
                        struct vg_column_summary *out)
{
    uint64_t values = (uint64_t)windows->rows[w];
    const double *cells = windows->cells + w * windows->width;
    uint64_t none = nulls ? (uint64_t)nulls[2 * w + 1] : 0;
    if (c == COLUMNS - 1) {
        vg_kit_text(out, names[c]);
        for (size_t j = 0; j + 1 < windows->width; j++)
            vg_kit_add(out, (const char *[]){"A", "B", "C", "D", "E", "F", "G", "H"}[j],
                       (uint64_t)cells[j]);
    } else {
        vg_kit_numbers(out, names[c], 77, windows->width);
        for (size_t j = 0; j < windows->width; j++)
            out->coarse[j] = (uint64_t)cells[j];
        out->m2.hi = windows->s2[w] - windows->s1[w] * windows->s1[w] / windows->rows[w];
        out->sum.hi = windows->s1[w];
        out->min = -9;
        out->max = 9;
    }
    out->nulls = none;
    out->rows = values + none;
}

struct given {
    int64_t *starts;
    size_t visits[COLUMNS];
    void *blobs[COLUMNS];
    size_t sizes[COLUMNS];
    double done;
    bool stops;
};

static int visit(void *arg, size_t c, struct vg_budget_feed *feed, struct vg_error *err)
{
    struct given *given = arg;
    const struct column *column = &dataset.columns[c];
    given->visits[c]++;
    for (size_t w = 0; w < column->reference.n; w++) {
        struct vg_column_summary summary;
        make_window(c, &column->reference, column->reference_nulls, w, &summary);
        int rc = vg_budget_feed(feed, given->starts[w], &summary, err);
        vg_column_clear(&summary);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int keep(void *arg, size_t c, const void *blob, size_t size, struct vg_error *err)
{
    struct given *given = arg;
    (void)err;
    given->blobs[c] = malloc(size);
    memcpy(given->blobs[c], blob, size);
    given->sizes[c] = size;
    return 0;
}

static bool progress(void *arg, double done)
{
    struct given *given = arg;
    assert_true(done >= given->done && done <= 1);
    given->done = done;
    return !given->stops;
}

static int calibrate(struct given *given, struct vg_budget **out, struct vg_error *err)
{
    struct vg_budget_input inputs[COLUMNS];
    size_t n = dataset.columns[0].reference.n, nstarts;
    for (size_t c = 0; c < COLUMNS; c++)
        inputs[c] = (struct vg_budget_input){
            names[c], c == COLUMNS - 1 ? VG_KIND_TEXT : VG_KIND_NUMBER, false};
    assert_int_equal(vg_budget_starts(&vg_utc, base_us, monday_us, monday_us + (int64_t)n * base_us,
                                      &given->starts, &nstarts, err),
                     0);
    assert_int_equal(nstarts, n);
    struct vg_budget_task task = {.zone = &vg_utc,
                                  .base_us = base_us,
                                  .budget = 1.0 / 7,
                                  .starts = given->starts,
                                  .nwindows = n,
                                  .columns = inputs,
                                  .ncolumns = COLUMNS,
                                  .visit = visit,
                                  .keep = keep,
                                  .progress = progress,
                                  .arg = given};
    return vg_budget_calibrate(&task, out, err);
}

static void clear_given(struct given *given)
{
    for (size_t c = 0; c < COLUMNS; c++)
        free(given->blobs[c]);
    free(given->starts);
    memset(given, 0, sizeof *given);
}

/* --- what is learnt, and every test after it --- */

static void check_model(const struct vg_budget *budget)
{
    assert_near(budget->alpha0, dataset.alpha0, "alpha0", 0);
    assert_near(budget->alpha_star, dataset.common, "alpha*", 0);
    assert_int_equal(budget->nstreams, STREAMS);
    assert_int_equal(budget->day_types, 3);
    assert_int_equal(budget->nstruck, dataset.nstruck);
    for (size_t i = 0; i < dataset.nstruck; i++)
        assert_int_equal(budget->struck[i], monday_us + dataset.struck[i] * base_us);
    for (size_t s = 0; s < STREAMS; s++) {
        const struct vg_budget_stream *stream = &budget->streams[s];
        assert_int_equal(stream->kind, kinds[s]);
        assert_near(stream->level, dataset.level[s], "level", s);
        assert_near(stream->share, dataset.share[s], "share", s);
        assert_near(stream->days, dataset.days[s], "days", s);
        assert_int_equal(stream->not_stationary, dataset.aside[s] != 0);
        assert_int_equal(stream->noisy, dataset.noisy[s] != 0);
        assert_near(stream->visible, dataset.visible[s], "visible", s);
        if (stream->kind == VG_BUDGET_LEVELS)
            assert_true(stream->visible_top >= stream->visible);
        double most = stream->kind == VG_BUDGET_KS       ? 0.5
                      : stream->kind == VG_BUDGET_SPREAD ? 4
                                                         : 0.3;
        assert_int_equal(stream->blind, dataset.visible[s] > most);
    }
    assert_int_equal(budget->columns[0].nulls_with, 0);
    assert_int_equal(budget->columns[1].nulls_with, 0);
    assert_true(budget->columns[2].nulls_with == UINT32_MAX);
    assert_int_equal(budget->columns[5].nulls_with, 5);
    assert_true(budget->columns[5].new_values);
    assert_false(budget->uncalibrated);
    assert_true(budget->replay_days <= 3 && budget->share <= 0.1);
    assert_near(budget->expected_week, 7 * fmin(1.0 / 7, (budget->replay_days + 1) / 28.0), "e", 0);
    assert_int_equal(vg_budget_find(budget, "kind"), 5);
    assert_int_equal(vg_budget_find(budget, "none"), -1);
}

/* Every stream of a column at every window of the three days after the reference. */
static void check_tests(const struct vg_budget *budget, uint32_t c,
                        const struct vg_budget_part *part)
{
    const struct column *column = &dataset.columns[c];
    size_t n = column->now.n;
    struct vg_column_summary *summaries = calloc(n, sizeof *summaries);
    const struct vg_column_summary **windows = calloc(n, sizeof *windows);
    int64_t *starts = calloc(n, sizeof *starts);
    vg_budget_starts_before(&vg_utc, base_us, monday_us + (28 * 4 + (int64_t)n - 1) * base_us, n,
                            starts);
    for (size_t w = 0; w < n; w++) {
        make_window(c, &column->now, column->now_nulls, w, &summaries[w]);
        windows[w] = &summaries[w];
    }
    for (size_t w = 0; w < n; w++) {
        struct vg_budget_recent recent = {
            .zone = &vg_utc, .starts = starts, .windows = windows, .n = w + 1};
        struct vg_budget_found found[VG_BUDGET_STREAMS];
        size_t nfound;
        assert_int_equal(vg_budget_test(budget, c, part, &recent, found, &nfound, NULL), 0);
        vg_kit_check_shortcuts(budget, c, part, &recent, found, nfound);
        for (size_t i = 0; i < nfound; i++) {
            assert_int_equal(found[i].look, VG_BUDGET_LOOKED);
            assert_near(found[i].p, dataset.p[found[i].stream * n + w], names[c],
                        found[i].stream * n + w);
            vg_kit_check_limit(&budget->streams[found[i].stream], &found[i]);
        }
    }
    for (size_t w = 0; w < n; w++)
        vg_column_clear(&summaries[w]);
    free(summaries);
    free(windows);
    free(starts);
}

static void test_dataset(void **state)
{
    (void)state;
    struct given given = {0};
    struct vg_budget *made, *budget;
    struct vg_error err = {0};
    struct vg_buf blob;
    assert_int_equal(calibrate(&given, &made, &err), 0);
    assert_true(given.done == 1);
    check_model(made);
    vg_buf_init(&blob, 1 << 20);
    assert_int_equal(vg_budget_write(made, &blob, &err), 0);
    assert_int_equal(vg_budget_read(blob.data, blob.len, &budget, &err), 0);
    check_model(budget);
    assert_memory_equal(made->seen_thin, budget->seen_thin, made->nslots);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        struct vg_budget_part *part;
        assert_int_equal(vg_budget_part_read(given.blobs[c], given.sizes[c], &part, &err), 0);
        assert_true(vg_budget_part_grid(part) == (c == COLUMNS - 1 ? 0 : 77));
        check_tests(budget, c, part);
        vg_budget_part_free(part);
        assert_true(given.visits[c] == (c == COLUMNS - 1 ? 3 : 2));
    }
    vg_buf_free(&blob);
    vg_budget_free(made);
    vg_budget_free(budget);
    clear_given(&given);
}

static void test_stopped(void **state)
{
    (void)state;
    struct given given = {.stops = true};
    struct vg_budget *made;
    struct vg_error err = {0};
    assert_int_equal(calibrate(&given, &made, &err), -1);
    assert_int_equal(err.code, VG_E_CANCELLED);
    assert_null(made);
    clear_given(&given);
}

/* Blobs cut short, with a bit turned, and with the checksum made right again: never a crash. */
static void test_hostile_blobs(void **state)
{
    (void)state;
    struct given given = {0};
    struct vg_budget *made, *budget;
    struct vg_budget_part *part;
    struct vg_buf blob;
    assert_int_equal(calibrate(&given, &made, NULL), 0);
    vg_buf_init(&blob, 1 << 20);
    assert_int_equal(vg_budget_write(made, &blob, NULL), 0);
    for (size_t i = 0; i < blob.len * 2; i++) {
        size_t size = i % 3 ? blob.len : i / 2;
        uint8_t *bytes = vg_kit_damage(blob.data, size, i);
        if (vg_budget_read(bytes, size, &budget, NULL) == 0)
            vg_budget_free(budget);
        free(bytes);
    }
    for (size_t c = 0; c < COLUMNS; c += COLUMNS - 1) {
        for (size_t i = 0; i < given.sizes[c] * 2; i++) {
            size_t size = i % 3 ? given.sizes[c] : i / 2;
            uint8_t *bytes = vg_kit_damage(given.blobs[c], size, i);
            if (vg_budget_part_read(bytes, size, &part, NULL) == 0) {
                struct vg_budget_found found[VG_BUDGET_STREAMS];
                size_t n;
                struct vg_column_summary summary;
                make_window(c, &dataset.columns[c].now, NULL, 0, &summary);
                const struct vg_column_summary *window = &summary;
                int64_t start = monday_us;
                struct vg_budget_recent recent = {
                    .zone = &vg_utc, .starts = &start, .windows = &window, .n = 1};
                (void)!vg_budget_test(made, (uint32_t)c, part, &recent, found, &n, NULL);
                vg_column_clear(&summary);
                vg_budget_part_free(part);
            }
            free(bytes);
        }
    }
    vg_buf_free(&blob);
    vg_budget_free(made);
    clear_given(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_hostile_blobs),
    };
    return cmocka_run_group_tests_name("budget_calibrate", tests, NULL, NULL);
}
