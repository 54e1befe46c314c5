/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of two samples in the same bins. Pure. */
#include "checks/stat_bins.h"

#include <math.h>

size_t vg_bins_room(size_t nbins)
{
    return 3 * nbins + 1; /* at most nbins heavy values, each with a bin below it and one above */
}

/* Begins another bin, in the place of the last one if that is empty. */
static void begin_bin(struct vg_bins *bins)
{
    if (!bins->n || bins->ref[bins->n - 1] || bins->now[bins->n - 1])
        bins->n++;
    bins->ref[bins->n - 1] = bins->now[bins->n - 1] = 0;
}

void vg_bins_sum(struct vg_bins *bins)
{
    size_t kept = 0;
    bins->ref_sum = bins->now_sum = 0;
    for (size_t i = 0; i < bins->n; i++) {
        if (!bins->ref[i] && !bins->now[i])
            continue;
        bins->ref_sum += (double)bins->ref[i];
        bins->now_sum += (double)bins->now[i];
        bins->ref[kept] = bins->ref[i];
        bins->now[kept++] = bins->now[i];
    }
    bins->n = kept;
}

void vg_bins_cut(const struct vg_ks_counts *counts, size_t nbins, struct vg_bins *bins)
{
    double m = 0, below = 0, parts = (double)nbins;
    size_t next = 1; /* the edge to come */
    for (size_t i = 0; i < counts->cells; i++)
        m += (double)counts->ref[i];
    bins->n = bins->sparse = 0;
    begin_bin(bins);
    for (size_t i = 0; i < counts->cells; i++) {
        bool atom = i % 2 == 1, heavy = atom && m > 0 && (double)counts->ref[i] * parts >= m;
        if (heavy)
            begin_bin(bins);
        bins->ref[bins->n - 1] += counts->ref[i];
        bins->now[bins->n - 1] += counts->now[i];
        below += (double)counts->ref[i];
        bool edge = atom && next < nbins && below * parts >= (double)next * m;
        while (edge && next < nbins && below * parts >= (double)next * m)
            next++;
        if (edge || heavy)
            begin_bin(bins);
    }
    vg_bins_sum(bins);
}

static bool is_sparse(const struct vg_bins *bins, double rows)
{
    double less = fmin(bins->ref_sum, bins->now_sum);
    return less * rows < VG_BINS_EXPECTED * (bins->ref_sum + bins->now_sum);
}

static double count_rows(const struct vg_bins *bins, size_t i)
{
    return (double)bins->ref[i] + (double)bins->now[i];
}

void vg_bins_pool(struct vg_bins *bins)
{
    uint64_t ref = 0, now = 0;
    size_t kept = 0, least = 0;
    vg_bins_sum(bins);
    bins->sparse = 0;
    for (size_t i = 0; i < bins->n; i++) {
        if (is_sparse(bins, count_rows(bins, i))) {
            ref += bins->ref[i];
            now += bins->now[i];
            bins->sparse++;
            continue;
        }
        bins->ref[kept] = bins->ref[i];
        bins->now[kept] = bins->now[i];
        if (count_rows(bins, kept) < count_rows(bins, least))
            least = kept;
        kept++;
    }
    bins->n = kept;
    if (!bins->sparse)
        return;
    if (kept && is_sparse(bins, (double)ref + (double)now)) {
        bins->ref[least] += ref;
        bins->now[least] += now;
        bins->sparse++;
        return;
    }
    bins->ref[kept] = ref;
    bins->now[kept] = now;
    bins->n = kept + 1;
}
