/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The count of every value of a category against its share at these hours, with a learnt
 * resemblance of rows; the null rate is the same with two levels, of which the last is tested.
 * Pure. */
#include <math.h>
#include <string.h>

#include "agent/budget/learn.h"
#include "checks/stat_counts.h"
#include "checks/stat_tails.h"
#include "pgvigil/sort.h"

static const double rare = 5; /* levels expected fewer times are tested together */
enum { FIRST_QUANTILE = 2 };  /* phi from the quantiles .9 and .95 */

/* Makes counts, slot by slot, into shares: those of the slot drawn a little to those of all. */
static int normalise(struct vg_fit_counts *fit, struct vg_arena *arena)
{
    size_t levels = fit->levels, nslots = fit->basis.calendar.nslots;
    double *total = vg_arena_array(arena, levels, sizeof *total);
    fit->whole = vg_arena_array(arena, fit->ntested, sizeof *fit->whole);
    if (!total || !fit->whole)
        return -1;
    for (size_t i = 0; i < nslots * levels; i++)
        total[i % levels] += fit->share[i];
    for (size_t i = 0; i < nslots * levels; i++) {
        size_t j = i % levels;
        double rows = fit->basis.slot_rows[i / levels];
        double prior = (total[j] + 0.5) / (fit->basis.rows + 1);
        fit->share[i] = (fit->share[i] + prior) / (rows + 1);
        if (!fit->single || j == 1)
            fit->whole[fit->single ? 0 : j] += fit->share[i] * rows / fit->basis.rows;
    }
    return 0;
}

static int open_shares(const struct vg_basis *basis, size_t levels, struct vg_arena *arena,
                       struct vg_fit_counts *out)
{
    *out = (struct vg_fit_counts){.basis = *basis, .levels = levels, .single = levels == 2};
    out->ntested = out->single ? 1 : levels + 1;
    out->share = vg_arena_array(arena, basis->calendar.nslots * levels, sizeof *out->share);
    return out->share ? 0 : -1;
}

int vg_fit_counts_restore(const struct vg_basis *basis, const struct vg_slot_counts *counts,
                          struct vg_arena *arena, struct vg_fit_counts *out)
{
    if (open_shares(basis, counts->width, arena, out) < 0)
        return -1;
    for (size_t i = 0; i < basis->calendar.nslots * counts->width; i++)
        out->share[i] = (double)counts->counts[i];
    return normalise(out, arena);
}

int vg_counts_look_init(struct vg_counts_look *look, size_t ntested, struct vg_arena *arena)
{
    double *numbers = vg_arena_array(arena, 5 * ntested, sizeof *numbers);
    *look = (struct vg_counts_look){.now = numbers,
                                    .mean = numbers + ntested,
                                    .variance = numbers + 2 * ntested,
                                    .p = numbers + 3 * ntested,
                                    .z = numbers + 4 * ntested,
                                    .slight = -1,
                                    .asked = 1};
    return numbers ? 0 : -1;
}

static void add_levels(const struct vg_fit_counts *fit, const struct vg_series *series, size_t w,
                       uint32_t scale, struct vg_counts_look *look)
{
    size_t skip = fit->single ? 1 : 0;
    memset(look->now, 0, fit->ntested * sizeof *look->now);
    memset(look->mean, 0, fit->ntested * sizeof *look->mean);
    for (size_t i = w + 1 - scale; i <= w; i++) {
        const double *cells = series->cells + i * fit->levels;
        const double *share = fit->share + series->slot[i] * fit->levels;
        for (size_t j = skip; j < fit->levels; j++) {
            look->now[j - skip] += cells[j];
            look->mean[j - skip] += share[j] * series->rows[i];
        }
    }
}

/* Puts the rare levels together into the last; whether there are any. */
static bool join_rare(const struct vg_fit_counts *fit, struct vg_counts_look *look)
{
    bool any = false;
    for (size_t j = 0; j < fit->levels; j++) {
        if (look->mean[j] >= rare)
            continue;
        look->now[fit->levels] += look->now[j];
        look->mean[fit->levels] += look->mean[j];
        any = true;
    }
    return any;
}

static double round12(double x)
{
    return rint(x * 1e12) / 1e12;
}

/* The oracle of this policy rounds the parameters of the exact law, so that look-backs alike share
 * one; so it is done here. A p known to be `enough` is 1. */
static void judge_level(struct vg_counts_look *look, size_t j, double rho, double enough)
{
    double n = look->noise.n, share = fmin(fmax(look->mean[j] / fmax(n, 1), 1e-9), 1 - 1e-9);
    look->variance[j] = (1 + (n - 1) * rho) * (1 + look->noise.r);
    struct vg_count_law law = {n, share, look->variance[j]};
    if (n * fmin(share, 1 - share) < VG_COUNT_FEW) {
        struct vg_count_law rounded = {n, round12(share), round12(look->variance[j])};
        bool usual = enough < 1 && vg_count_is_usual(&rounded, look->now[j], enough);
        look->p[j] = usual ? 1 : vg_count_mid_p(&rounded, look->now[j]);
        look->z[j] = vg_normal_score(fmax(look->p[j], 1e-300));
    } else {
        look->z[j] = vg_count_score(&law, look->now[j]);
        look->p[j] = vg_normal_tails(look->z[j]);
    }
}

double vg_fit_counts_rho(const struct vg_fit_counts *fit, size_t scale, size_t level)
{
    double rho = (fit->phi[scale][level] - 1) / fmax(fit->rows[scale] - 1, 1);
    return fmin(fmax(rho, 0), 0.99);
}

/* Whether a level is tested: alone, or as those of the rare ones together. */
static bool is_tested(const struct vg_fit_counts *fit, const struct vg_counts_look *look, size_t j,
                      bool any_rare)
{
    if (look->noise.n < VG_BUDGET_THIN)
        return false;
    return fit->single || (j == fit->levels ? any_rare : look->mean[j] >= rare);
}

/* scale: an index; with `plain` rows are taken as independent. */
static void judge(const struct vg_fit_counts *fit, const struct vg_series *series, size_t w,
                  size_t scale, bool plain, struct vg_counts_look *look)
{
    uint32_t span = fit->basis.calendar.scales[scale];
    look->noise = vg_basis_noise(&fit->basis, series, w, span);
    add_levels(fit, series, w, span, look);
    bool any_rare = !fit->single && join_rare(fit, look);
    double smallest = (double)NAN;
    look->tested = look->level = 0;
    for (size_t j = 0; j < fit->ntested; j++)
        look->tested += is_tested(fit, look, j, any_rare);
    double enough = look->asked < 1 ? look->asked / (double)look->tested * (1 + 1e-9) : 1;
    for (size_t j = 0; j < fit->ntested; j++) {
        look->p[j] = look->z[j] = (double)NAN;
        if (!is_tested(fit, look, j, any_rare))
            continue;
        judge_level(look, j, plain ? 0 : vg_fit_counts_rho(fit, scale, j), enough);
        double moved = fabs(look->now[j] - look->mean[j]);
        if (moved <= look->slight || moved < look->least * look->noise.n)
            continue;
        if (isnan(smallest) || look->p[j] < smallest) {
            smallest = look->p[j];
            look->level = j;
        }
    }
    look->smallest = isnan(smallest) ? 1 : fmin(smallest * (double)look->tested, 1);
}

void vg_fit_counts_judge(const struct vg_fit_counts *fit, const struct vg_series *series, size_t w,
                         size_t scale, struct vg_counts_look *look)
{
    judge(fit, series, w, scale, false, look);
}

/* Raises phi of one level at one scale to what the scores of the fitted look-backs need. */
static double raise_phi(double phi, double *z, size_t n)
{
    if (!n)
        return phi;
    vg_sort_doubles(z, n);
    for (size_t q = FIRST_QUANTILE; q < VG_NULL_QUANTILES; q++) {
        double ratio = vg_sorted_quantile(z, n, vg_null_quantiles[q]) / vg_null_normal[q];
        phi = fmax(phi, ratio * ratio);
    }
    return phi;
}

/* work->x: the scores of all look-backs, level by level. */
static void fit_phi(const struct vg_series *series, size_t scale, const double *before,
                    struct vg_work *work, struct vg_counts_look *look, struct vg_fit_counts *fit)
{
    uint32_t span = fit->basis.calendar.scales[scale];
    size_t n = 0;
    for (size_t w = span - 1; w < series->n; w++) {
        judge(fit, series, w, scale, true, look);
        double others = vg_basis_others(&fit->basis, series, w, span);
        for (size_t j = 0; j < fit->ntested; j++)
            work->x[j * series->n + w] = look->z[j] / others;
        if (look->noise.n >= VG_BUDGET_THIN)
            work->y[n++] = look->noise.n;
    }
    fit->sight[scale] = vg_find_median(work->y, n);
    for (size_t j = 0; j < fit->ntested; j++) {
        size_t kept = 0;
        for (size_t w = span - 1; w < series->n; w++) {
            double z = work->x[j * series->n + w];
            if (isfinite(z))
                work->y[kept++] = z;
        }
        fit->phi[scale][j] = raise_phi(before ? before[j] : 1, work->y, kept);
    }
}

int vg_fit_counts(const struct vg_series *series, const struct vg_calendar *calendar,
                  bool independent, struct vg_arena *arena, struct vg_work *work,
                  struct vg_fit_counts *out)
{
    struct vg_counts_look look;
    struct vg_basis basis;
    if (vg_basis_fit(series, calendar, arena, &basis) < 0 ||
        open_shares(&basis, series->width, arena, out) < 0)
        return -1;
    if (!(basis.rows > 0))
        return 0;
    for (size_t i = 0; i < series->n * out->levels; i++)
        out->share[series->slot[i / out->levels] * out->levels + i % out->levels] +=
            series->cells[i];
    if (normalise(out, arena) < 0 || vg_counts_look_init(&look, out->ntested, arena) < 0 ||
        vg_work_grow(work, series->n * out->ntested, series->n) < 0)
        return -1;
    for (size_t i = 0; i < calendar->nscales; i++) {
        if (calendar->scales[i] >= series->n && !independent)
            break;
        out->phi[i] = vg_arena_array(arena, out->ntested, sizeof *out->phi[i]);
        if (!out->phi[i])
            return -1;
        fit_phi(series, i, i ? out->phi[i - 1] : NULL, work, &look, out);
        for (size_t j = 0; j < out->ntested && independent; j++)
            out->phi[i][j] = 1;
        out->rows[i] = out->basis.rows * calendar->scales[i] / fmax(out->basis.windows, 1);
    }
    return 0;
}

double vg_fit_counts_visible_of(const struct vg_fit_counts *fit, double level, size_t j)
{
    double best = INFINITY;
    size_t levels = fit->single ? 1 : fit->levels;
    double score = vg_normal_score(level / (double)levels);
    for (size_t i = 0; i < VG_BUDGET_SCALES; i++) {
        double n = fit->sight[i];
        if (!fit->phi[i] || isnan(n))
            continue;
        double rho = vg_fit_counts_rho(fit, i, j);
        double angle = asin(sqrt(fit->whole[j])) + score / 2 * sqrt((1 + (n - 1) * rho) / n);
        if (angle < M_PI_2)
            best = fmin(best, sin(angle) * sin(angle) - fit->whole[j]);
    }
    return best;
}

double vg_fit_counts_visible(const struct vg_fit_counts *fit, double level, size_t *of)
{
    double best = INFINITY;
    size_t levels = fit->single ? 1 : fit->levels;
    *of = 0;
    for (size_t j = 0; j < levels; j++) {
        double one = vg_fit_counts_visible_of(fit, level, j);
        if (one < best)
            *of = j;
        best = fmin(best, one);
    }
    return best;
}
