/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window and the reference in the same bins: numbers in quantiles of the reference, categories
 * by the hash of the whole value, those that the reference never saw as one. */
#include "checks/check_binned.h"

static int make_room(struct vg_bins *bins, size_t n, struct vg_arena *arena, struct vg_error *err)
{
    *bins = (struct vg_bins){.n = 0};
    bins->ref = vg_arena_array(arena, n, sizeof *bins->ref);
    bins->now = vg_arena_array(arena, n, sizeof *bins->now);
    return bins->ref && bins->now ? 1 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The values of the reference beside those of the window, and last all others of the window. */
static int fill_categories(const struct vg_top *then, const struct vg_top *now, uint64_t rows,
                           struct vg_arena *arena, struct vg_bins *bins)
{
    bool sampled;
    size_t n = vg_top_size(then);
    uint64_t known = 0;
    struct vg_top_entry *entries = vg_arena_array(arena, n + 1, sizeof *entries);
    if (!entries)
        return -1;
    n = vg_top_largest(then, entries, n, &sampled);
    for (size_t i = 0; i < n; i++) {
        bins->ref[i] = entries[i].count;
        known += bins->now[i] = vg_top_count_hash(now, entries[i].hash);
    }
    bins->ref[n] = 0;
    bins->now[n] = rows - known;
    bins->n = n + 1;
    return 0;
}

static int find_categories(const struct vg_rule *rule, const struct vg_drift *drift,
                           struct vg_measures *out, struct vg_bins *bins, struct vg_error *err)
{
    const struct vg_column_summary *now = drift->now, *then = drift->then->total;
    if (!now->top || vg_dataset_is_private(rule->dataset, rule->column))
        return vg_drift_skip(rule, out, VG_NODATA, "the column is private: its values are not kept",
                             err);
    if (!then || !then->top)
        return vg_drift_skip(rule, out, VG_NODATA, "the reference holds no values of it", err);
    if (vg_top_sampled(then->top))
        return vg_drift_skip(rule, out, VG_NODATA,
                             "the reference had too many values to know all of them", err);
    if (vg_top_sampled(now->top))
        return vg_drift_skip(rule, out, VG_UNKNOWN,
                             "the window has too many values to know all of them", err);
    if (make_room(bins, vg_top_size(then->top) + 1, out->arena, err) < 0)
        return -1;
    if (fill_categories(then->top, now->top, vg_column_finite(now), out->arena, bins) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return 1;
}

static int find_numbers(const struct vg_rule *rule, const struct vg_evidence *evidence,
                        struct vg_measures *out, struct vg_bins *bins, struct vg_error *err)
{
    const struct vg_binned_param *params = rule->params;
    size_t nbins = (size_t)params->bins;
    struct vg_drift drift;
    int rc = vg_drift_cells(rule, evidence, out, &drift, err);
    if (rc > 0)
        rc = make_room(bins, vg_bins_room(nbins), out->arena, err);
    if (rc > 0)
        vg_bins_cut(&drift.counts, nbins, bins);
    return rc;
}

int vg_binned_find(const struct vg_rule *rule, const struct vg_evidence *evidence,
                   struct vg_measures *out, struct vg_binned *binned, struct vg_error *err)
{
    struct vg_drift drift;
    bool empty;
    int rc = vg_drift_find(rule, evidence, out, &drift, err);
    if (rc <= 0)
        return rc;
    binned->categories = drift.now->kind != VG_KIND_NUMBER;
    rc = binned->categories ? find_categories(rule, &drift, out, &binned->bins, err)
                            : find_numbers(rule, evidence, out, &binned->bins, err);
    if (rc <= 0)
        return rc;
    vg_bins_pool(&binned->bins);
    binned->measure =
        vg_drift_add(rule, out, binned->bins.now_sum, binned->bins.ref_sum, &empty, err);
    if (!binned->measure)
        return -1;
    return empty ? 0 : 1;
}
