/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the budget's mathematics (agent/budget/) against its reference implementation:
 * every fitted value, p, smallest visible change and level within 1e-9 relative. The tables are
 * made by tests/fixtures/budget_reference.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "agent/budget/parts.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { STREAMS = 10 };

struct windows {
    size_t n, width;
    const int *window;
    const double *rows, *cells, *s1, *s2;
};
struct scale {
    double deff, c, g, w, rows;
    const double *phi, *p;
};
struct stream {
    double visible;
    struct scale scales[VG_BUDGET_SCALES];
};
struct fixture {
    const char *name;
    uint32_t per_day, types, nscales;
    struct windows reference, now;
    struct stream ks, spread, counts;
    const double *crossed;
};
static const struct fixture fixtures[] = {
#include "tests/fixtures/budget_numeric_28x24.inc"
    ,
#include "tests/fixtures/budget_numeric_14x24.inc"
    ,
#include "tests/fixtures/budget_numeric_28x4.inc"
    ,
#include "tests/fixtures/budget_numeric_14x4.inc"
    ,
#include "tests/fixtures/budget_numeric_28x3.inc"
    ,
#include "tests/fixtures/budget_category_28x24.inc"
    ,
#include "tests/fixtures/budget_category_14x24.inc"
    ,
#include "tests/fixtures/budget_category_14x4.inc"
    ,
#include "tests/fixtures/budget_category_28x2.inc"
    ,
#include "tests/fixtures/budget_nulls_28x24.inc"
    ,
#include "tests/fixtures/budget_nulls_14x4.inc"
    ,
#include "tests/fixtures/budget_nulls_28x3.inc"
};

struct replay {
    const char *name;
    size_t n;
    uint32_t gap;
    double alpha0, allowed, common;
    size_t nstruck;
    const int *struck;
    double level[STREAMS], share[STREAMS], days[STREAMS], aside[STREAMS], noisy[STREAMS];
    size_t nhours;
    const uint64_t *hours;
    int base_hours;
    const double *p;
};
static const struct replay replays[] = {
#include "tests/fixtures/budget_replay_28x24.inc"
    ,
#include "tests/fixtures/budget_replay_14x4.inc"
    ,
#include "tests/fixtures/budget_replay_28x4.inc"
};

static void assert_near(double got, double want, const char *what, const char *name, size_t i)
{
    if (got == want || fabs(got - want) <= 1e-9 * fabs(want))
        return;
    print_error("%s: %s %zu: got %.17g, want %.17g\n", name, what, i, got, want);
    fail();
}

/* --- a fixture as series --- */

struct made {
    struct vg_series series;
    uint32_t *slot;
    double *cells, *m2;
};

/* Numbers: cells become rows below each place; moments become squared deviations. */
static void make_series(const struct windows *windows, const struct vg_calendar *calendar,
                        struct made *out)
{
    size_t n = windows->n, width = windows->s1 ? windows->width - 1 : windows->width;
    out->slot = calloc(n, sizeof *out->slot);
    out->cells = calloc(n * width, sizeof *out->cells);
    out->m2 = calloc(n, sizeof *out->m2);
    uint32_t per_day = (uint32_t)calendar->per_day;
    for (size_t w = 0; w < n; w++) {
        uint32_t window = (uint32_t)windows->window[w];
        struct vg_budget_place place = {window % per_day, window / per_day % 7};
        out->slot[w] = vg_calendar_slot(calendar, place);
        double below = 0;
        for (size_t j = 0; j < width; j++) {
            below = (windows->s1 ? below : 0) + windows->cells[w * windows->width + j];
            out->cells[w * width + j] = below;
        }
        if (windows->s1 && windows->rows[w] > 0)
            out->m2[w] = windows->s2[w] - windows->s1[w] * windows->s1[w] / windows->rows[w];
    }
    out->series = (struct vg_series){n, out->slot, windows->rows, out->cells, width, out->m2};
}

static void free_series(struct made *made)
{
    free(made->slot);
    free(made->cells);
    free(made->m2);
}

static void make_calendar(const struct fixture *fixture, struct vg_calendar *out)
{
    struct vg_budget_place *places = calloc(fixture->reference.n, sizeof *places);
    for (size_t w = 0; w < fixture->reference.n; w++) {
        uint32_t window = (uint32_t)fixture->reference.window[w];
        places[w] =
            (struct vg_budget_place){window % fixture->per_day, window / fixture->per_day % 7};
    }
    vg_calendar_of(places, fixture->reference.n, fixture->per_day, out);
    free(places);
    assert_int_equal(out->types, fixture->types);
    assert_int_equal(out->nscales, fixture->nscales);
}

/* What is judged need not know the scales that are longer than the series. */
static void assert_p(const struct fixture *fixture, const char *what, const struct scale *scale,
                     uint32_t span, const double *p)
{
    size_t looks = fixture->now.n - span + 1;
    for (size_t i = 0; i < looks; i++) {
        double got = p[span - 1 + i];
        assert_near(isnan(got) ? 1 : got, scale->p[i], what, fixture->name, i);
    }
}

static void check_ks(const struct fixture *fixture, const struct vg_calendar *calendar,
                     const struct made *reference, const struct made *now)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_work work = {0};
    struct vg_fit_ks fit;
    double *p[VG_BUDGET_SCALES];
    for (size_t i = 0; i < VG_BUDGET_SCALES; i++)
        p[i] = calloc(now->series.n, sizeof **p);
    assert_int_equal(vg_fit_ks(&reference->series, calendar, false, arena, &work, &fit), 0);
    assert_int_equal(vg_fit_ks_judge(&fit, &now->series, 0, &work, NULL, p), 0);
    for (size_t i = 0; i < calendar->nscales; i++) {
        const struct scale *scale = &fixture->ks.scales[i];
        assert_near(fit.deff[i], scale->deff, "deff", fixture->name, i);
        if (scale->p)
            assert_p(fixture, "p of ks", scale, calendar->scales[i], p[i]);
    }
    assert_near(vg_fit_ks_visible(&fit, 1e-6), fixture->ks.visible, "visible", fixture->name, 0);
    for (size_t i = 0; i < VG_BUDGET_SCALES; i++)
        free(p[i]);
    vg_work_free(&work);
    vg_arena_free(arena);
}

static void check_spread(const struct fixture *fixture, const struct vg_calendar *calendar,
                         const struct made *reference, const struct made *now)
{
    struct vg_work work = {0};
    struct vg_fit_spread fit;
    assert_int_equal(vg_fit_spread(&reference->series, calendar, &work, &fit), 0);
    for (size_t i = 0; i < calendar->nscales; i++) {
        const struct scale *scale = &fixture->spread.scales[i];
        assert_near(fit.c[i], scale->c, "c", fixture->name, i);
        assert_near(fit.g[i], scale->g, "g", fixture->name, i);
        assert_near(fit.w[i], scale->w, "w", fixture->name, i);
        double *p = calloc(now->series.n, sizeof *p);
        for (size_t w = calendar->scales[i] - 1; w < now->series.n; w++)
            p[w] = vg_fit_spread_p(&fit, i, vg_spread_level(&now->series, w, calendar->scales[i]));
        assert_p(fixture, "p of spread", scale, calendar->scales[i], p);
        free(p);
    }
    double visible = vg_fit_spread_visible(&fit, 1e-6);
    assert_near(visible, fixture->spread.visible, "visible spread", fixture->name, 0);
    vg_work_free(&work);
}

static void check_counts(const struct fixture *fixture, const struct vg_calendar *calendar,
                         const struct made *reference, const struct made *now)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_work work = {0};
    struct vg_fit_counts fit;
    struct vg_counts_look look;
    assert_int_equal(vg_fit_counts(&reference->series, calendar, false, arena, &work, &fit), 0);
    assert_int_equal(vg_counts_look_init(&look, fit.ntested, arena), 0);
    for (size_t i = 0; i < calendar->nscales; i++) {
        const struct scale *scale = &fixture->counts.scales[i];
        assert_near(fit.rows[i], scale->rows, "rows", fixture->name, i);
        for (size_t j = 0; j < fit.ntested; j++)
            assert_near(fit.phi[i][j], scale->phi[j], "phi", fixture->name, j);
        double *p = calloc(now->series.n, sizeof *p);
        for (size_t w = calendar->scales[i] - 1; w < now->series.n; w++) {
            vg_fit_counts_judge(&fit, &now->series, w, i, &look);
            p[w] = look.smallest;
        }
        assert_p(fixture, "p of counts", scale, calendar->scales[i], p);
        free(p);
    }
    size_t of;
    double visible = vg_fit_counts_visible(&fit, 1e-6, &of);
    assert_near(visible, fixture->counts.visible, "visible share", fixture->name, 0);
    vg_work_free(&work);
    vg_arena_free(arena);
}

static void check_crossed(const struct fixture *fixture, const struct vg_calendar *calendar,
                          const struct made *reference, const enum vg_budget_kind *kinds, size_t n)
{
    struct vg_work work = {0};
    size_t windows = reference->series.n;
    double *p = calloc(windows, sizeof *p);
    for (size_t s = 0; s < n; s++) {
        assert_int_equal(vg_replay_stream(kinds[s], &reference->series, calendar, &work, p), 0);
        for (size_t w = 0; w < windows; w++)
            assert_near(p[w], fixture->crossed[s * windows + w], "replayed p", fixture->name, w);
    }
    free(p);
    vg_work_free(&work);
}

static void test_fixtures(void **state)
{
    (void)state;
    const enum vg_budget_kind numbers[] = {VG_BUDGET_KS, VG_BUDGET_SPREAD};
    const enum vg_budget_kind shares[] = {VG_BUDGET_LEVELS};
    for (size_t i = 0; i < COUNT(fixtures); i++) {
        const struct fixture *fixture = &fixtures[i];
        struct vg_calendar calendar;
        struct made reference, now;
        make_calendar(fixture, &calendar);
        make_series(&fixture->reference, &calendar, &reference);
        make_series(&fixture->now, &calendar, &now);
        if (fixture->reference.s1) {
            check_ks(fixture, &calendar, &reference, &now);
            check_spread(fixture, &calendar, &reference, &now);
            check_crossed(fixture, &calendar, &reference, numbers, 2);
        } else {
            check_counts(fixture, &calendar, &reference, &now);
            check_crossed(fixture, &calendar, &reference, shares, 1);
        }
        free_series(&reference);
        free_series(&now);
    }
}

static void test_replays(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replays); i++) {
        const struct replay *want = &replays[i];
        const double *p[STREAMS];
        struct vg_budget_stream streams[STREAMS] = {0};
        struct vg_levels levels;
        bool *struck = calloc(want->n, sizeof *struck);
        for (size_t s = 0; s < STREAMS; s++)
            p[s] = want->p + s * want->n;
        struct vg_replayed replayed = {p, STREAMS, want->n, want->alpha0, want->allowed, want->gap};
        assert_int_equal(vg_find_disasters(&replayed, struck), want->nstruck);
        for (size_t s = 0; s < want->nstruck; s++)
            assert_true(struck[want->struck[s]]);
        assert_int_equal(vg_find_levels(&replayed, streams, &levels), 0);
        assert_near(levels.alpha_star, want->common, "alpha*", want->name, 0);
        assert_true(levels.days <= fmax(want->allowed - 1, 0));
        for (size_t s = 0; s < STREAMS; s++) {
            assert_near(streams[s].level, want->level[s], "level", want->name, s);
            assert_near(streams[s].share, want->share[s], "share", want->name, s);
            assert_near(streams[s].days, want->days[s], "days", want->name, s);
            assert_int_equal(streams[s].not_stationary, want->aside[s] != 0);
            assert_int_equal(streams[s].noisy, want->noisy[s] != 0);
        }
        assert_int_equal(vg_budget_base_hours(want->hours, want->nhours), want->base_hours);
        free(struck);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_replays),
    };
    return cmocka_run_group_tests_name("budget_fixtures", tests, NULL, NULL);
}
