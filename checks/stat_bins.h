/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of two samples in the same bins; layer 3, pure. Owns how numbers are cut into bins, and
 * how bins with too few rows for a statistic of shares are counted together. The arrays are the
 * caller's. */
#ifndef PGVIGIL_CHECKS_STAT_BINS_H
#define PGVIGIL_CHECKS_STAT_BINS_H

#include "checks/stat_ks.h"

struct vg_bins {
    uint64_t *ref, *now;
    size_t n;       /* bins */
    size_t sparse;  /* how many were counted together by vg_bins_pool() */
    double ref_sum; /* rows in all bins, m and n of the formulas */
    double now_sum;
};

enum { VG_BINS_MOST = 1000, VG_BINS_EXPECTED = 5 };

/* Room for the bins of vg_bins_cut(). */
size_t vg_bins_room(size_t nbins);
/* Cuts cells with gaps into nbins (2 .. VG_BINS_MOST) bins that hold equal shares of the reference:
 * (-inf, e1], (e1, e2], ... (e, inf) with e_j the smallest threshold t with F(t) >= j / nbins: on a
 * grid of all values of the reference its quantile of type 1 (Hyndman and Fan 1996, Am. Stat.
 * 50:361-365). A value that holds 1 / nbins of the reference or more is a bin of its own. Bins
 * without rows of either sample are left out. */
void vg_bins_cut(const struct vg_ks_counts *counts, size_t nbins, struct vg_bins *bins);
/* Adds up ref_sum and now_sum, and leaves out bins without rows. */
void vg_bins_sum(struct vg_bins *bins);
/* The rule for sparse cells (Cochran 1954, Biometrics 10:417-451): bins of which one of the samples
 * would hold fewer than VG_BINS_EXPECTED rows, min(m, n) (r + c) / (m + n), were both drawn alike,
 * are counted together; if all of these are still too few, the smallest other bin joins them. */
void vg_bins_pool(struct vg_bins *bins);

#endif
