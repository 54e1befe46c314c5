/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test of a column's last base windows: each stream at every look-back, the smallest p, and
 * what it rests on. Pure. */
#include <math.h>
#include <string.h>

#include "agent/budget/recent.h"
#include "checks/stat_counts.h"
#include "checks/stat_ks.h"
#include "checks/stat_tails.h"

struct testing {
    const struct vg_budget *budget;
    const struct vg_budget_part *part;
    struct vg_recent recent;
    const double *least; /* effects, by kind */
    struct vg_arena *arena;
    struct vg_budget_found *found;
    bool terse;
};

/* What an alarm is made of costs more than to see that there is none. */
static bool is_asked(const struct testing *testing)
{
    return !testing->terse || testing->found->p < testing->found->level;
}

/* Reference rows of the slots that a look-back touches. */
static double count_reference(const struct vg_basis *basis, const struct vg_series *series,
                              uint32_t scale)
{
    double rows = 0;
    for (size_t w = series->n - scale; w < series->n; w++) {
        bool seen = false;
        for (size_t i = series->n - scale; i < w && !seen; i++)
            seen = series->slot[i] == series->slot[w];
        rows += seen ? 0 : basis->slot_rows[series->slot[w]];
    }
    return rows;
}

/* --- KS --- */

/* Where the current values are more by most: below a place they are smaller. */
static int find_direction(const struct vg_fit_ks *fit, const struct vg_series *series,
                          uint32_t scale)
{
    double most = 0, least = 0;
    for (size_t j = 0; j < fit->width; j++) {
        double excess = 0;
        for (size_t w = series->n - scale; w < series->n; w++)
            excess += series->cells[w * fit->width + j] -
                      fit->curve[series->slot[w] * fit->width + j] * series->rows[w];
        most = fmax(most, excess);
        least = fmin(least, excess);
    }
    return most == -least ? 0 : most > -least ? -1 : 1;
}

static void fill_ks(const struct testing *testing, size_t i, double d, double effective)
{
    const struct vg_fit_ks *fit = &testing->part->ks;
    const struct vg_series *series = &testing->recent.series;
    struct vg_budget_found *found = testing->found;
    found->value = found->effect = d;
    found->scale = fit->basis.calendar.scales[i];
    found->n_now = vg_series_rows(series, series->n - 1, found->scale);
    if (!is_asked(testing))
        return;
    found->limit = vg_sight_distance(effective, found->level);
    found->n_ref = count_reference(&fit->basis, series, found->scale);
    found->direction = find_direction(fit, series, found->scale);
}

static double least_effect(const struct testing *testing)
{
    const struct vg_budget_stream *stream = &testing->budget->streams[testing->found->stream];
    return testing->least[stream->kind];
}

/* A reference too short to learn from: two samples of independent rows. */
static int test_exact(const struct testing *testing, struct vg_error *err)
{
    const struct vg_budget_part *part = testing->part;
    const struct vg_series *series = &testing->recent.series;
    const double *below = series->cells + (series->n - 1) * series->width;
    double rows = series->rows[series->n - 1], m = part->ks.basis.rows;
    uint64_t *now = vg_arena_array(testing->arena, part->ncells, sizeof *now);
    if (!now)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (!(rows >= VG_BUDGET_THIN))
        return 0;
    for (size_t j = 0; j < part->ncells; j++)
        now[j] = (uint64_t)((j < series->width ? below[j] : rows) - (j ? below[j - 1] : 0));
    struct vg_ks_counts counts = {part->cells, now, part->ncells, true};
    struct vg_ks ks;
    double p;
    vg_ks_compare(&counts, &ks);
    if (vg_ks_p(&counts, &ks, VG_KS_MOST_STEPS, &p, err) < 0)
        return -1;
    if (isnan(p))
        return 0;
    testing->found->p = p;
    fill_ks(testing, 0, ks.d, rows * m / (rows + m));
    testing->found->slight = p < testing->found->level && ks.d < least_effect(testing);
    return 0;
}

/* The look-back with the smallest p of those whose D is not below `least`; VG_BUDGET_SCALES: none.
 * last: the window that they end with. */
static size_t find_scale(double *const *d, double *const *p, size_t nscales, size_t last,
                         double least)
{
    size_t best = VG_BUDGET_SCALES;
    for (size_t i = 0; i < nscales; i++) {
        if (isnan(p[i][last]) || d[i][last] < least)
            continue;
        if (best == VG_BUDGET_SCALES || p[i][last] < p[best][last])
            best = i;
    }
    return best;
}

static int test_ks(const struct testing *testing, struct vg_error *err)
{
    const struct vg_fit_ks *fit = &testing->part->ks;
    const struct vg_series *series = &testing->recent.series;
    double *d[VG_BUDGET_SCALES], *p[VG_BUDGET_SCALES];
    size_t n = series->n, nscales = fit->basis.calendar.nscales;
    if (testing->part->uncalibrated)
        return test_exact(testing, err);
    double *numbers = vg_arena_array(testing->arena, 2 * VG_BUDGET_SCALES * n, sizeof *numbers);
    struct vg_work work = {0};
    int rc = numbers ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < VG_BUDGET_SCALES; i++) {
        d[i] = numbers + 2 * i * n;
        p[i] = d[i] + n;
    }
    if (rc == 0)
        rc = vg_fit_ks_judge(fit, series, n - 1, &work, d, p);
    vg_work_free(&work);
    if (rc < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    struct vg_budget_found *found = testing->found;
    size_t best = find_scale(d, p, nscales, n - 1, 0);
    if (best == VG_BUDGET_SCALES)
        return 0;
    if (p[best][n - 1] < found->level && d[best][n - 1] < least_effect(testing)) {
        size_t other = find_scale(d, p, nscales, n - 1, least_effect(testing));
        found->slight = other == VG_BUDGET_SCALES || !(p[other][n - 1] < found->level);
        best = found->slight ? best : other;
    }
    struct vg_noise noise =
        vg_basis_noise(&fit->basis, series, n - 1, fit->basis.calendar.scales[best]);
    found->p = p[best][n - 1];
    fill_ks(testing, best, d[best][n - 1], vg_fit_ks_effective(fit, best, noise));
    return 0;
}

/* --- spread --- */

/* The smallest p over look-backs in which the deviations differ by `least` or more. */
static void find_spread(const struct testing *testing, const struct vg_fit_spread *fit,
                        double least)
{
    const struct vg_series *series = &testing->recent.series;
    struct vg_budget_found *found = testing->found;
    size_t best = 0;
    double level = 0;
    for (size_t i = 0; i < fit->nscales && fit->scales[i] <= series->n; i++) {
        double now = vg_spread_level(series, series->n - 1, fit->scales[i]);
        double p = vg_fit_spread_p(fit, i, now);
        if (isnan(p) || (found->scale && p >= found->p) ||
            fabs(exp((now - fit->c[i]) / 2) - 1) < least)
            continue;
        best = i;
        level = now;
        found->p = p;
        found->scale = fit->scales[i];
    }
    if (!found->scale)
        return;
    found->value = exp((level - fit->c[best]) / 2);
    found->direction = (level > fit->c[best]) - (level < fit->c[best]);
    found->effect = found->value - 1;
    found->expected = 1;
    found->n_now = vg_series_rows(series, series->n - 1, found->scale);
    found->n_ref = testing->part->ks.basis.rows;
    if (!is_asked(testing))
        return;
    double limit = vg_fit_spread_limit(fit, best, found->level);
    found->limit = found->direction < 0 ? 1 / limit : limit;
}

/* As with shares: what alarms is the smallest p of look-backs that are not too slight, those of few
 * rows judged by what such look-backs of the reference show. */
static void test_spread(const struct testing *testing)
{
    const struct vg_series *series = &testing->recent.series;
    struct vg_fit_spread fit = testing->part->spread;
    struct vg_budget_found *found = testing->found, blank = *found;
    find_spread(testing, &fit, 0);
    if (!(found->p < found->level))
        return;
    for (size_t i = 0; i < fit.nscales && fit.scales[i] <= series->n; i++) {
        if (vg_spread_weight(series, series->n - 1, fit.scales[i]) < fit.few[i])
            fit.g[i] = fmax(fit.g[i], fit.thin[i]);
    }
    struct vg_budget_found slight = *found;
    *found = blank;
    find_spread(testing, &fit, least_effect(testing));
    if (!(found->p < found->level)) {
        *found = slight;
        found->slight = true;
    }
}

/* --- shares --- */

static void fill_share(const struct testing *testing, const struct vg_fit_counts *fit, bool nulls,
                       const struct vg_counts_look *look)
{
    const struct vg_categories *categories = &testing->part->categories;
    struct vg_budget_found *found = testing->found;
    size_t j = look->level, level = fit->single ? 1 : j;
    struct vg_count_law law = {look->noise.n, look->mean[j] / look->noise.n, look->variance[j]};
    law.share = fmin(fmax(law.share, 1e-9), 1 - 1e-9);
    found->n_now = look->noise.n;
    found->expected = law.share;
    found->value = found->effect = look->now[j] / law.n - law.share;
    found->direction = (found->value > 0) - (found->value < 0);
    found->n_ref = count_reference(&fit->basis, &testing->recent.series, found->scale);
    found->limit =
        vg_count_limit(&law, found->level / (double)look->tested, found->direction < 0 ? -1 : 1);
    found->which = nulls ? VG_BUDGET_NULL : vg_categories_level(categories, level);
    if (found->which == VG_BUDGET_ONE) {
        found->value_hash = categories->hash[level];
        found->label = categories->label[level];
    }
}

/* The smallest p over look-backs of the levels that moved by more rows than `slight`. */
static int find_share(const struct testing *testing, const struct vg_fit_counts *fit, bool nulls,
                      double slight)
{
    const struct vg_series *series = &testing->recent.series;
    struct vg_budget_found *found = testing->found;
    struct vg_counts_look look;
    size_t best = 0;
    if (vg_counts_look_init(&look, fit->ntested, testing->arena) < 0)
        return -1;
    look.slight = slight;
    look.asked = testing->terse ? found->level : 1;
    look.least = slight < 0 ? 0 : least_effect(testing);
    for (size_t i = 0; i < fit->basis.calendar.nscales; i++) {
        uint32_t scale = fit->basis.calendar.scales[i];
        if (scale > series->n || !fit->phi[i])
            continue;
        vg_fit_counts_judge(fit, series, series->n - 1, i, &look);
        if (!look.tested || (found->scale && look.smallest >= found->p))
            continue;
        best = i;
        found->p = look.smallest;
        found->scale = scale;
    }
    if (!found->scale)
        return 0;
    found->n_now = vg_series_rows(series, series->n - 1, found->scale);
    if (!is_asked(testing))
        return 0;
    vg_fit_counts_judge(fit, series, series->n - 1, best, &look);
    fill_share(testing, fit, nulls, &look);
    return 0;
}

/* One row of a value never seen is rare enough for any level, and no news: such a p is said, but
 * what alarms is the smallest p of a level that moved by enough rows. */
static int test_shares(const struct testing *testing, const struct vg_fit_counts *fit, bool nulls)
{
    struct vg_budget_found *found = testing->found, blank = *found;
    if (find_share(testing, fit, nulls, -1) < 0)
        return -1;
    double moved = fabs(found->value);
    bool slightly = moved * found->n_now <= VG_BUDGET_SLIGHT || moved < least_effect(testing);
    if (!(found->p < found->level) || !slightly)
        return 0;
    struct vg_budget_found slight = *found;
    *found = blank;
    if (find_share(testing, fit, nulls, VG_BUDGET_SLIGHT) < 0)
        return -1;
    if (!(found->p < found->level)) {
        *found = slight;
        found->slight = true;
    }
    return 0;
}

/* --- all streams of a column --- */

static int test_stream(struct testing *testing, const struct vg_budget_recent *recent,
                       enum vg_budget_kind kind, struct vg_error *err)
{
    const struct vg_budget_part *part = testing->part;
    struct vg_budget_found *found = testing->found;
    int rc = 0;
    if (vg_recent_read(testing->budget, part, recent, kind, testing->arena, &testing->recent) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (!testing->recent.series.n) {
        found->look =
            testing->recent.look != VG_BUDGET_LOOKED ? testing->recent.look : VG_BUDGET_FEW_ROWS;
        return 0;
    }
    if (kind == VG_BUDGET_KS)
        return test_ks(testing, err);
    if (kind == VG_BUDGET_SPREAD)
        test_spread(testing);
    else if (kind == VG_BUDGET_NULLS)
        rc = test_shares(testing, &part->nulls, true);
    else
        rc = test_shares(testing, &part->levels, false);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

static bool fit_together(const struct vg_budget *budget, uint32_t column,
                         const struct vg_budget_part *part)
{
    if (column >= budget->ncolumns || budget->per_day != part->calendar.per_day ||
        budget->day_types != part->calendar.types || budget->nscales != part->calendar.nscales ||
        budget->uncalibrated != part->uncalibrated)
        return false;
    for (int kind = 0; kind < VG_BUDGET_KINDS; kind++) {
        if (part->has[kind] != (vg_budget_stream(budget, column, (enum vg_budget_kind)kind) >= 0))
            return false;
    }
    return true;
}

int vg_budget_test(const struct vg_budget *budget, uint32_t column,
                   const struct vg_budget_part *part, const struct vg_budget_recent *recent,
                   struct vg_budget_found *out, size_t *n, struct vg_error *err)
{
    *n = 0;
    if (!fit_together(budget, column, part))
        return vg_fail(err, VG_E_INTERNAL, "the budget of a column is not of this dataset");
    struct testing testing = {.budget = budget,
                              .part = part,
                              .least = recent->least,
                              .arena = vg_arena_new(),
                              .terse = recent->terse};
    int rc = testing.arena ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
    for (uint32_t s = 0; rc == 0 && s < budget->nstreams; s++) {
        if (budget->streams[s].column != column)
            continue;
        double none = (double)NAN;
        testing.found = &out[(*n)++];
        *testing.found = (struct vg_budget_found){.stream = s,
                                                  .p = 1,
                                                  .level = budget->streams[s].level,
                                                  .value = none,
                                                  .limit = none,
                                                  .effect = none,
                                                  .n_now = none,
                                                  .n_ref = none,
                                                  .expected = none};
        rc = test_stream(&testing, recent, budget->streams[s].kind, err);
        if (testing.found->look == VG_BUDGET_LOOKED && !testing.found->scale)
            testing.found->look = VG_BUDGET_FEW_ROWS;
    }
    vg_arena_free(testing.arena);
    return rc;
}
