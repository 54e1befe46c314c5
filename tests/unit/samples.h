/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two samples and their counts on the reference's values, for tests of statistics. */
#ifndef PGVIGIL_TESTS_SAMPLES_H
#define PGVIGIL_TESTS_SAMPLES_H

#include "checks/stat_ks.h"
#include "checks/stat_wasserstein.h"

struct samples {
    double *ref, *now; /* sorted */
    size_t m, n;
    double *q; /* distinct values of ref, or every `step`-th of them */
    size_t k;
    uint64_t *ref_cells, *now_cells;
    struct vg_dd *gaps; /* of now */
    struct vg_ks_counts counts;
    struct vg_wasserstein_side ref_side, now_side;
};

/* A uniform draw from 0 .. n - 1 by splitmix64, as tests/fixtures does it. */
uint64_t samples_below(uint64_t *state, uint64_t n);
/* A draw from the normal law. */
double samples_normal(uint64_t *state);
/* Room for m and n values, to be filled and counted. */
struct samples samples_new(size_t m, size_t n);
/* The tie-heavy case of that seed, filled and counted. */
struct samples samples_case(uint64_t seed);
/* Sorts and counts; step 1: on all values of the reference. */
void samples_count(struct samples *samples, size_t step);
void samples_free(struct samples *samples);
/* |a - b| <= tolerance max(1, |b|), NAN equals NAN. */
bool samples_near(double a, double b, double tolerance);
/* Fails with both numbers otherwise. */
void samples_assert(double a, double b, double tolerance, const char *what, size_t row);

#endif
