/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of dependence between columns. Pure. Sums are integers, products of them 128 bits wide:
 * nothing is rounded before the last division. */
#include "checks/stat_pairs.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <math.h>

__extension__ typedef __int128 wide;

static const double most_correlation = 0.999, rank_variance = 1.06, floor_level = 1e-3;

double vg_pairs_correlation(const struct vg_rank_pair *pair)
{
    wide n = (wide)pair->n;
    double a = (double)(n * pair->aa - (wide)pair->a * pair->a);
    double b = (double)(n * pair->bb - (wide)pair->b * pair->b);
    double ab = (double)(n * pair->ab - (wide)pair->a * pair->b);
    if (!(a > 0 && b > 0))
        return NAN;
    return fmax(fmin(ab / sqrt(a) / sqrt(b), 1), -1);
}

static double find_z(double r)
{
    return atanh(fmax(fmin(r, most_correlation), -most_correlation));
}

struct vg_fisher vg_pairs_fisher(const struct vg_pairs *then, const struct vg_pairs *now,
                                 double least)
{
    struct vg_fisher out = {.value = NAN, .then = NAN, .now = NAN, .p = NAN, .floor = NAN};
    double surest = 0, widest = 0;
    least = fmax(least, 4);
    for (uint32_t i = 0; i < then->d; i++) {
        for (uint32_t j = i + 1; j < then->d; j++) {
            const struct vg_rank_pair *a = vg_pairs_at(then, i, j), *b = vg_pairs_at(now, i, j);
            double r = vg_pairs_correlation(a), s = vg_pairs_correlation(b);
            double m = (double)a->n, n = (double)b->n;
            if (isnan(r) || isnan(s) || m < least || n < least) {
                out.left++;
                continue;
            }
            double change = fabs(find_z(s) - find_z(r));
            double deviation = sqrt(rank_variance / (m - 3) + rank_variance / (n - 3));
            out.compared++;
            surest = fmax(surest, change / deviation);
            widest = fmax(widest, deviation);
            if (change <= out.value) /* false for the first */
                continue;
            out.value = change;
            out.then = r;
            out.now = s;
            out.i = i;
            out.j = j;
            out.rows = n;
        }
    }
    if (!out.compared)
        return out;
    double pairs = (double)out.compared;
    out.p = fmin(2 * pairs * gsl_cdf_ugaussian_Q(surest), 1);
    out.floor = widest * gsl_cdf_ugaussian_Qinv(floor_level / 2 / pairs);
    return out;
}

/* --- reconstruction --- */

struct moments {
    double mean, deviation; /* of the reference */
};

static bool find_moments(const struct vg_rank_pair *self, struct moments *out)
{
    wide n = (wide)self->n;
    double spread = (double)(n * self->aa - (wide)self->a * self->a), rows = (double)self->n;
    *out = (struct moments){(double)self->a / rows, sqrt(spread) / rows};
    return spread > 0;
}

/* Columns that vary in the reference and have rows now; returns how many. */
static uint32_t pick_columns(const struct vg_pairs *then, const struct vg_pairs *now,
                             uint32_t *picked, struct moments *moments)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < then->d; i++) {
        picked[n] = i;
        n += vg_pairs_at(now, i, i)->n && find_moments(vg_pairs_at(then, i, i), &moments[n]);
    }
    return n;
}

/* Second moments of a pair about the reference's means, in its deviations; 0 without rows. */
static double find_product(const struct vg_rank_pair *pair, const struct moments *a,
                           const struct moments *b)
{
    double n = (double)pair->n;
    if (!pair->n)
        return 0;
    double sum = (double)pair->ab / n - a->mean * (double)pair->b / n -
                 b->mean * (double)pair->a / n + a->mean * b->mean;
    return sum / a->deviation / b->deviation;
}

static void fill(const struct vg_pairs *pairs, const uint32_t *picked,
                 const struct moments *moments, gsl_matrix *out)
{
    for (size_t i = 0; i < out->size1; i++) {
        for (size_t j = i; j < out->size1; j++) {
            double x =
                find_product(vg_pairs_at(pairs, picked[i], picked[j]), &moments[i], &moments[j]);
            gsl_matrix_set(out, i, j, x);
            gsl_matrix_set(out, j, i, x);
        }
    }
}

/* w' M w of eigenvector c. */
static double find_explained(const gsl_matrix *vectors, size_t c, const gsl_matrix *second)
{
    double sum = 0;
    for (size_t i = 0; i < second->size1; i++) {
        for (size_t j = 0; j < second->size1; j++)
            sum += gsl_matrix_get(vectors, i, c) * gsl_matrix_get(second, i, j) *
                   gsl_matrix_get(vectors, j, c);
    }
    return sum;
}

static double find_trace(const gsl_matrix *second)
{
    double sum = 0;
    for (size_t i = 0; i < second->size1; i++)
        sum += gsl_matrix_get(second, i, i);
    return sum;
}

static void measure(const gsl_vector *values, const gsl_matrix *vectors, const gsl_matrix *second,
                    double share, struct vg_reconstruction *out)
{
    double d = (double)values->size, held = 0, now = find_trace(second), then = d;
    while (out->components < values->size && held < share * d) {
        double value = gsl_vector_get(values, out->components);
        now -= find_explained(vectors, out->components++, second);
        then -= value;
        held += value;
    }
    out->now = fmax(now, 0) / d;
    out->then = fmax(then, 0) / d;
    double squares = 0;
    for (size_t i = out->components; i < values->size; i++)
        squares += pow(gsl_vector_get(values, i), 2);
    out->spread = sqrt(1 + 2 * squares / then / then);
}

int vg_pairs_reconstruction(const struct vg_pairs *then, const struct vg_pairs *now, double share,
                            struct vg_reconstruction *out, struct vg_error *err)
{
    uint32_t picked[VG_PAIRS_COLUMNS + 1];
    struct moments moments[VG_PAIRS_COLUMNS + 1];
    size_t d = pick_columns(then, now, picked, moments);
    *out = (struct vg_reconstruction){.now = NAN, .then = NAN, .spread = NAN, .columns = d};
    if (!d)
        return 0;
    out->rows_then = out->rows_now = INFINITY;
    for (size_t i = 0; i < d; i++) {
        out->rows_then = fmin(out->rows_then, (double)vg_pairs_at(then, picked[i], picked[i])->n);
        out->rows_now = fmin(out->rows_now, (double)vg_pairs_at(now, picked[i], picked[i])->n);
    }
    gsl_matrix *matrix = gsl_matrix_alloc(d, d), *vectors = gsl_matrix_alloc(d, d);
    gsl_vector *values = gsl_vector_alloc(d);
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(d);
    int rc = -1;
    if (!matrix || !vectors || !values || !work) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
        goto out;
    }
    fill(then, picked, moments, matrix);
    if (gsl_eigen_symmv(matrix, values, vectors, work) ||
        gsl_eigen_symmv_sort(values, vectors, GSL_EIGEN_SORT_VAL_DESC)) {
        vg_fail(err, VG_E_INTERNAL, "no principal components of %zu columns", d);
        goto out;
    }
    fill(now, picked, moments, matrix);
    measure(values, vectors, matrix, share, out);
    rc = 0;
out:
    gsl_eigen_symmv_free(work);
    gsl_vector_free(values);
    gsl_matrix_free(vectors);
    gsl_matrix_free(matrix);
    return rc;
}
