/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Levels out of a replay: alarm-days of the dataset, disasters, streams that contradict themselves,
 * noisy ones, and the common level. Pure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/parts.h"

static const double stuck_share = 0.2;   /* more windows in alarm: not stationary */
static const double strike_share = 0.05; /* of the reference, at most, is struck out */
static const double noisy_share = 0.75;  /* of the allowed alarm-days that noisy streams may use */
enum { HALVINGS = 50 };
static const double least_log = -200; /* of a level */

uint32_t vg_alarm_days(const bool *alarm, size_t n, uint32_t gap)
{
    uint32_t days = 0;
    size_t next = 0;
    for (size_t w = 0; w < n; w++) {
        if (alarm[w] && w >= next) {
            days++;
            next = w + gap;
        }
    }
    return days;
}

static double find_share(const double *p, size_t n, double level)
{
    size_t below = 0;
    for (size_t w = 0; w < n; w++)
        below += p[w] < level;
    return n ? (double)below / (double)n : 0;
}

/* --- disasters --- */

struct worst {
    double p;
    size_t window;
};

static int compare_worst(const void *a, const void *b)
{
    const struct worst *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->window > y->window) - (x->window < y->window);
}

int vg_find_disasters(const struct vg_replayed *replayed, bool *struck)
{
    struct worst *worst = vg_array(replayed->n ? replayed->n : 1, sizeof *worst);
    int found = 0;
    if (!worst)
        return -1;
    for (size_t w = 0; w < replayed->n; w++)
        worst[w] = (struct worst){1, w};
    for (size_t s = 0; s < replayed->nstreams; s++) {
        const double *p = replayed->p[s];
        if (find_share(p, replayed->n, replayed->alpha0) > stuck_share)
            continue;
        for (size_t w = 0; w < replayed->n; w++)
            worst[w].p = fmin(worst[w].p, p[w]);
    }
    qsort(worst, replayed->n, sizeof *worst, compare_worst);
    memset(struck, 0, replayed->n * sizeof *struck);
    size_t most = (size_t)(strike_share * (double)replayed->n);
    for (size_t i = 0; i < most && worst[i].p < replayed->alpha0 * replayed->alpha0; i++) {
        struck[worst[i].window] = true;
        found++;
    }
    free(worst);
    return found;
}

/* --- levels --- */

/* Streams that share a number of alarm-days: each below the smaller of a common level and its own,
 * or windows that are taken already. */
struct share_out {
    const struct vg_replayed *replayed;
    const double *own; /* NULL: no own levels */
    const bool *member;
    const bool *taken; /* n windows, or NULL */
    bool *alarm;       /* scratch, n windows */
};

static uint32_t count_days(const struct share_out *out, double level)
{
    const struct vg_replayed *replayed = out->replayed;
    for (size_t w = 0; w < replayed->n; w++)
        out->alarm[w] = out->taken && out->taken[w];
    for (size_t s = 0; s < replayed->nstreams; s++) {
        double least = out->own ? fmin(level, out->own[s]) : level;
        const double *p = replayed->p[s];
        for (size_t w = 0; w < replayed->n && out->member[s]; w++)
            out->alarm[w] |= p[w] < least;
    }
    return vg_alarm_days(out->alarm, replayed->n, replayed->gap);
}

/* The largest level up to `most` that keeps to `allowed` alarm-days, by halving its logarithm; 0
 * where not even e^-200 does. */
static double find_largest(const struct share_out *out, double allowed, double most)
{
    if (count_days(out, most) <= allowed)
        return most;
    double low = least_log, high = log(most);
    if (count_days(out, exp(low)) > allowed)
        return 0;
    for (int i = 0; i < HALVINGS; i++) {
        double mid = (low + high) / 2;
        if (count_days(out, exp(mid)) > allowed)
            high = mid;
        else
            low = mid;
    }
    return exp(low);
}

struct scratch {
    bool *alarm, *taken, *member;
    double *own;
    size_t *order;
};

static int open_scratch(const struct vg_replayed *replayed, struct scratch *scratch)
{
    size_t n = replayed->n + 1, nstreams = replayed->nstreams + 1;
    *scratch = (struct scratch){.alarm = vg_array(n, sizeof(bool)),
                                .taken = vg_array(n, sizeof(bool)),
                                .member = vg_array(nstreams, sizeof(bool)),
                                .own = vg_array(nstreams, sizeof(double)),
                                .order = vg_array(nstreams, sizeof(size_t))};
    return scratch->alarm && scratch->taken && scratch->member && scratch->own && scratch->order
               ? 0
               : -1;
}

static void close_scratch(struct scratch *scratch)
{
    free(scratch->alarm);
    free(scratch->taken);
    free(scratch->member);
    free(scratch->own);
    free(scratch->order);
}

/* Of one stream, beside windows that are taken already. */
static double find_own(const struct vg_replayed *replayed, size_t stream, const bool *taken,
                       double most, struct scratch *scratch)
{
    struct vg_replayed one = *replayed;
    const bool yes = true;
    one.p += stream;
    one.nstreams = 1;
    struct share_out out = {
        .replayed = &one, .member = &yes, .taken = taken, .alarm = scratch->alarm};
    return find_largest(&out, noisy_share * replayed->allowed, most);
}

static void judge_streams(const struct vg_replayed *replayed, struct scratch *scratch,
                          struct vg_budget_stream *streams)
{
    for (size_t s = 0; s < replayed->nstreams; s++) {
        struct vg_replayed one = *replayed;
        const bool yes = true;
        one.p += s;
        one.nstreams = 1;
        struct share_out out = {.replayed = &one, .member = &yes, .alarm = scratch->alarm};
        streams[s].days = count_days(&out, replayed->alpha0);
        streams[s].share = find_share(replayed->p[s], replayed->n, replayed->alpha0);
        scratch->own[s] = find_own(replayed, s, NULL, replayed->alpha0, scratch);
        streams[s].not_stationary = streams[s].share > stuck_share || scratch->own[s] == 0;
        streams[s].noisy = streams[s].days > replayed->allowed / 2 && !streams[s].not_stationary;
    }
}

/* Whether noisy stream a is served before b: the quieter, then the one with the larger level. */
static bool comes_before(const struct vg_budget_stream *streams, const double *own, size_t a,
                         size_t b)
{
    if (streams[a].days != streams[b].days)
        return streams[a].days < streams[b].days;
    return own[a] != own[b] ? own[a] > own[b] : a < b;
}

/* The noisy streams share three quarters of the alarm-days, the quietest first. */
static void serve_noisy(const struct vg_replayed *replayed, struct scratch *scratch,
                        const struct vg_budget_stream *streams)
{
    size_t n = 0;
    for (size_t s = 0; s < replayed->nstreams; s++) {
        if (!streams[s].noisy)
            continue;
        size_t at = n++;
        for (; at && comes_before(streams, scratch->own, s, scratch->order[at - 1]); at--)
            scratch->order[at] = scratch->order[at - 1];
        scratch->order[at] = s;
    }
    for (size_t i = 0; i < n; i++) {
        size_t s = scratch->order[i];
        double *own = &scratch->own[s];
        *own = find_own(replayed, s, scratch->taken, *own, scratch);
        for (size_t w = 0; w < replayed->n; w++)
            scratch->taken[w] |= replayed->p[s][w] < *own;
    }
}

int vg_find_levels(const struct vg_replayed *replayed, struct vg_budget_stream *streams,
                   struct vg_levels *out)
{
    struct scratch scratch;
    int rc = open_scratch(replayed, &scratch);
    if (rc < 0)
        goto out;
    judge_streams(replayed, &scratch, streams);
    serve_noisy(replayed, &scratch, streams);
    for (size_t s = 0; s < replayed->nstreams; s++)
        scratch.member[s] = !streams[s].not_stationary;
    struct share_out all = {
        .replayed = replayed, .own = scratch.own, .member = scratch.member, .alarm = scratch.alarm};
    out->alpha_star = find_largest(&all, fmax(replayed->allowed - 1, 1e-9), replayed->alpha0);
    out->days = count_days(&all, out->alpha_star);
    size_t windows = 0;
    for (size_t w = 0; w < replayed->n; w++)
        windows += scratch.alarm[w];
    out->share = replayed->n ? (double)windows / (double)replayed->n : 0;
    for (size_t s = 0; s < replayed->nstreams; s++) {
        streams[s].own = scratch.own[s];
        streams[s].level = fmin(out->alpha_star, scratch.own[s]);
    }
out:
    close_scratch(&scratch);
    return rc;
}
