/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The replay over the reference: each half is judged by what the other half shows. Pure. */
#include <math.h>

#include "agent/budget/parts.h"

struct replay {
    const struct vg_calendar *calendar;
    struct vg_arena *arena;
    struct vg_work *work;
};

static void lower(double *p, const double *found, size_t n)
{
    for (size_t w = 0; w < n; w++)
        p[w] = found[w] < p[w] ? found[w] : p[w];
}

static int replay_ks(const struct replay *replay, const struct vg_series *learnt,
                     const struct vg_series *judged, double *p)
{
    struct vg_fit_ks fit;
    double *found[VG_BUDGET_SCALES];
    if (vg_fit_ks(learnt, replay->calendar, false, replay->arena, replay->work, &fit) < 0)
        return -1;
    for (size_t i = 0; i < replay->calendar->nscales; i++) {
        found[i] = vg_arena_array(replay->arena, judged->n, sizeof *found[i]);
        if (!found[i])
            return -1;
    }
    if (vg_fit_ks_judge(&fit, judged, 0, replay->work, NULL, found) < 0)
        return -1;
    for (size_t i = 0; i < replay->calendar->nscales; i++)
        lower(p, found[i], judged->n);
    return 0;
}

static int replay_spread(const struct replay *replay, const struct vg_series *learnt,
                         const struct vg_series *judged, double *p)
{
    struct vg_fit_spread fit;
    if (vg_fit_spread(learnt, replay->calendar, replay->work, &fit) < 0)
        return -1;
    for (size_t i = 0; i < fit.nscales; i++) {
        for (size_t w = fit.scales[i] - 1; w < judged->n && fit.g[i] > 0; w++) {
            double level = vg_spread_level(judged, w, fit.scales[i]);
            double found = vg_fit_spread_p(&fit, i, level);
            lower(&p[w], &found, 1);
        }
    }
    return 0;
}

static int replay_counts(const struct replay *replay, const struct vg_series *learnt,
                         const struct vg_series *judged, double *p)
{
    struct vg_fit_counts fit;
    struct vg_counts_look look;
    if (vg_fit_counts(learnt, replay->calendar, false, replay->arena, replay->work, &fit) < 0 ||
        vg_counts_look_init(&look, fit.ntested, replay->arena) < 0)
        return -1;
    for (size_t i = 0; i < replay->calendar->nscales && fit.phi[i]; i++) {
        for (size_t w = replay->calendar->scales[i] - 1; w < judged->n; w++) {
            vg_fit_counts_judge(&fit, judged, w, i, &look);
            lower(&p[w], &look.smallest, 1);
        }
    }
    return 0;
}

static int replay_half(enum vg_budget_kind kind, const struct replay *replay,
                       const struct vg_series *learnt, const struct vg_series *judged, double *p)
{
    for (size_t w = 0; w < judged->n; w++)
        p[w] = 1;
    switch (kind) {
    case VG_BUDGET_KS:
        return replay_ks(replay, learnt, judged, p);
    case VG_BUDGET_SPREAD:
        return replay_spread(replay, learnt, judged, p);
    default:
        return replay_counts(replay, learnt, judged, p);
    }
}

int vg_replay_stream(enum vg_budget_kind kind, const struct vg_series *series,
                     const struct vg_calendar *calendar, struct vg_work *work, double *p)
{
    size_t half = series->n / 2;
    struct vg_series a = vg_series_part(series, 0, half);
    struct vg_series b = vg_series_part(series, half, series->n);
    struct replay replay = {calendar, vg_arena_new(), work};
    int rc = replay.arena ? replay_half(kind, &replay, &b, &a, p) : -1;
    if (rc == 0)
        rc = replay_half(kind, &replay, &a, &b, p + half);
    vg_arena_free(replay.arena);
    return rc;
}
