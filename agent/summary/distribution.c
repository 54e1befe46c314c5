/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fine distribution of a reference column: a grid and the mass in each of its cells; made from
 * a counted column, written and read as a blob. Thresholds are kept bit by bit. */
#include <math.h>
#include <stdlib.h>

#include "agent/summary/parts.h"

enum { DISTRIBUTION_VERSION = 65 };

void vg_distribution_free(struct vg_distribution *dist)
{
    if (!dist)
        return;
    vg_grid_free(dist->grid);
    free(dist->cells);
    free(dist);
}

int vg_distribution_of(const struct vg_column_summary *column, struct vg_distribution **out,
                       struct vg_error *err)
{
    const struct vg_grid *grid = column->grid;
    *out = NULL;
    if (!grid || !column->fine)
        return vg_fail(err, VG_E_INTERNAL, "column %s has no fine cells", column->name);
    struct vg_distribution *dist = calloc(1, sizeof *dist);
    size_t n = 2 * (size_t)grid->n + 1;
    if (dist) {
        dist->grid = vg_grid_new_coarse(grid->q, grid->n, grid->exact, grid->coarse, grid->ncoarse);
        dist->cells = vg_array(n, sizeof *dist->cells);
    }
    if (!dist || !dist->grid || !dist->cells) {
        vg_distribution_free(dist);
        return vg_fail(err, VG_E_MEMORY, "out of memory for the distribution of column %s",
                       column->name);
    }
    for (size_t i = 0; i < n; i++)
        dist->n += dist->cells[i] = column->fine[i];
    *out = dist;
    return 0;
}

int vg_distribution_write(const struct vg_distribution *dist, struct vg_buf *out,
                          struct vg_error *err)
{
    const struct vg_grid *grid = dist->grid;
    uint8_t exact = grid->exact;
    uint32_t before = 0;
    size_t start;
    vg_blob_begin(out, DISTRIBUTION_VERSION, &start);
    vg_buf_add(out, &exact, 1);
    vg_blob_put_count(out, grid->n);
    for (uint32_t i = 0; i < grid->n; i++)
        vg_blob_put_double(out, grid->q[i]);
    vg_blob_put_count(out, grid->ncoarse);
    for (uint32_t i = 0; i < grid->ncoarse; i++) {
        vg_blob_put_count(out, grid->coarse[i] - before);
        before = grid->coarse[i] + 1;
    }
    for (size_t i = 0; i <= 2 * (size_t)grid->n; i++)
        vg_blob_put_count(out, dist->cells[i]);
    vg_blob_end(out, start);
    return out->failed ? vg_fail(err, VG_E_MEMORY, "out of memory writing a distribution") : 0;
}

static void read_thresholds(struct vg_blob *blob, double *q, uint32_t n)
{
    for (uint32_t i = 0; i < n && !blob->bad; i++) {
        q[i] = vg_blob_double(blob);
        blob->bad |= !isfinite(q[i]) || (i && q[i] <= q[i - 1]);
    }
}

static uint32_t read_coarse_subset(struct vg_blob *blob, uint32_t *coarse, uint32_t n)
{
    uint32_t ncoarse = (uint32_t)vg_blob_count_to(blob, n);
    uint64_t next = 0;
    for (uint32_t i = 0; i < ncoarse && !blob->bad; i++) {
        next += vg_blob_count_to(blob, n);
        blob->bad |= next >= n;
        coarse[i] = (uint32_t)next++;
    }
    return ncoarse;
}

static void read_masses(struct vg_blob *blob, struct vg_distribution *dist, size_t ncells)
{
    for (size_t i = 0; i < ncells && !blob->bad; i++) {
        dist->cells[i] = vg_blob_count_to(blob, UINT64_MAX - dist->n);
        dist->n += dist->cells[i];
    }
}

int vg_distribution_read(const void *data, size_t size, struct vg_distribution **out,
                         struct vg_error *err)
{
    struct vg_blob blob;
    *out = NULL;
    if (vg_blob_open(&blob, data, size, DISTRIBUTION_VERSION, err) < 0)
        return -1;
    uint8_t exact = vg_blob_byte(&blob);
    uint32_t n = (uint32_t)vg_blob_count_to(&blob, VG_GRID_MAX);
    blob.bad |= exact > 1 || !n || n > (size_t)(blob.end - blob.at) / sizeof(double);
    n = blob.bad ? 1 : n;
    struct vg_distribution *dist = calloc(1, sizeof *dist);
    double *q = vg_array(n, sizeof *q);
    uint32_t *coarse = vg_array(n, sizeof *coarse);
    int rc = -1;
    if (!dist || !q || !coarse)
        goto out;
    read_thresholds(&blob, q, n);
    uint32_t ncoarse = read_coarse_subset(&blob, coarse, n);
    if (!blob.bad) {
        dist->grid = vg_grid_new_coarse(q, n, exact, coarse, ncoarse);
        dist->cells = vg_array(2 * (size_t)n + 1, sizeof *dist->cells);
        if (!dist->grid || !dist->cells)
            goto out;
        read_masses(&blob, dist, 2 * (size_t)n + 1);
    }
    rc = 0;
out:
    free(q);
    free(coarse);
    if (!rc && !blob.bad && blob.at == blob.end) {
        *out = dist;
        return 0;
    }
    vg_distribution_free(dist);
    if (rc < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory reading a stored distribution");
    return vg_fail(err, VG_E_STATE, "a stored distribution of %zu bytes contradicts itself", size);
}
