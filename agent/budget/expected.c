/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the reference lets expect at the hours of a look-back: what an alarm is explained against,
 * for the whole reference would show the hour of the day where the column has moved. Pure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/recent.h"
#include "agent/summary/parts.h"

bool vg_budget_expected(const struct vg_budget *budget, const struct vg_budget_part *part,
                        const struct vg_budget_recent *recent, size_t scale, double *expected,
                        double *now)
{
    struct vg_recent read;
    struct vg_arena *arena = vg_arena_new();
    bool ok = arena && part->has[VG_BUDGET_KS] && scale &&
              vg_recent_read(budget, part, recent, VG_BUDGET_KS, arena, &read) == 0 &&
              scale <= read.series.n;
    memset(expected, 0, part->ncells * sizeof *expected);
    memset(now, 0, part->ncells * sizeof *now);
    for (size_t w = ok ? read.series.n - scale : 0; ok && w < read.series.n; w++) {
        size_t width = part->ncells - 1;
        const double *below = read.series.cells + w * width;
        const double *curve = part->ks.curve + read.series.slot[w] * width;
        double rows = read.series.rows[w];
        for (size_t j = 0; j <= width; j++) {
            now[j] += (j < width ? below[j] : rows) - (j ? below[j - 1] : 0);
            expected[j] += rows * ((j < width ? curve[j] : 1) - (j ? curve[j - 1] : 0));
        }
    }
    vg_arena_free(arena);
    return ok;
}

bool vg_budget_usual(const struct vg_budget *budget, const struct vg_budget_part *part,
                     struct vg_budget_place place, double *shares)
{
    if (!part->has[VG_BUDGET_KS])
        return false;
    size_t width = part->ncells - 1;
    const double *curve = part->ks.curve + vg_budget_slot(budget, place) * width;
    for (size_t j = 0; j <= width; j++)
        shares[j] = (j < width ? curve[j] : 1) - (j ? curve[j - 1] : 0);
    return true;
}

double vg_budget_usual_nulls(const struct vg_budget *budget, const struct vg_budget_part *part,
                             struct vg_budget_place place)
{
    size_t at = vg_budget_slot(budget, place) * part->nulls.levels;
    return part->has[VG_BUDGET_NULLS] ? part->nulls.share[at + 1] : (double)NAN;
}

/* --- values of a category --- */

static size_t find_level(const struct vg_categories *categories, uint64_t hash)
{
    size_t level = 0;
    while (level < categories->ntop && categories->hash[level] != hash)
        level++;
    return level; /* of the others, where it is none of them */
}

/* The share of each level at the hours of the look-back. */
static bool expect_levels(const struct vg_budget *budget, const struct vg_budget_part *part,
                          const struct vg_budget_recent *recent, size_t scale,
                          struct vg_arena *arena, double *share)
{
    struct vg_recent read;
    size_t levels = part->levels.levels;
    double rows = 0;
    if (vg_recent_read(budget, part, recent, VG_BUDGET_LEVELS, arena, &read) < 0 ||
        scale > read.series.n)
        return false;
    for (size_t w = read.series.n - scale; w < read.series.n; w++)
        rows += read.series.rows[w];
    for (size_t w = read.series.n - scale; w < read.series.n; w++) {
        const double *slot = part->levels.share + read.series.slot[w] * levels;
        for (size_t j = 0; rows > 0 && j < levels; j++)
            share[j] += read.series.rows[w] / rows * slot[j];
    }
    return rows > 0;
}

/* Each value with its part of what is expected of its level. */
static struct vg_top *spread_out(const struct vg_categories *categories,
                                 const struct vg_top_entry *entries, size_t n, const double *share)
{
    double held[VG_BUDGET_TOP + 2] = {0};
    struct vg_top *top = vg_top_new(VG_TOP_EXACT);
    for (size_t i = 0; i < n; i++)
        held[find_level(categories, entries[i].hash)] += (double)entries[i].count;
    for (size_t i = 0; top && i < n; i++) {
        size_t level = find_level(categories, entries[i].hash);
        double part = (double)entries[i].count / held[level] * share[level] * VG_BUDGET_USUAL_ROWS;
        if (vg_top_restore(top, entries[i].hash, (uint64_t)fmax(part, 1), entries[i].label,
                           strlen(entries[i].label)) < 0) {
            vg_top_free(top);
            return NULL;
        }
    }
    return top;
}

int vg_budget_usual_values(const struct vg_budget *budget, const struct vg_budget_part *part,
                           struct vg_budget_place place, const struct vg_top *whole,
                           struct vg_top **out, struct vg_error *err)
{
    bool sampled;
    size_t n;
    *out = NULL;
    if (!part->has[VG_BUDGET_LEVELS] || !whole)
        return 0;
    struct vg_top_entry *entries = vg_top_entries(whole, &n, &sampled);
    size_t at = vg_budget_slot(budget, place) * part->levels.levels;
    if (entries && !sampled)
        *out = spread_out(&part->categories, entries, n, part->levels.share + at);
    bool lacks = !entries || (!sampled && !*out);
    free(entries);
    return lacks ? vg_fail(err, VG_E_MEMORY, "out of memory") : *out != NULL;
}

int vg_budget_expected_values(const struct vg_budget *budget, const struct vg_budget_part *part,
                              const struct vg_budget_recent *recent, size_t scale,
                              const struct vg_top *whole, struct vg_top **out, struct vg_error *err)
{
    double share[VG_BUDGET_TOP + 2] = {0};
    bool sampled;
    size_t n;
    *out = NULL;
    if (!part->has[VG_BUDGET_LEVELS] || !scale || !whole)
        return 0;
    struct vg_arena *arena = vg_arena_new();
    struct vg_top_entry *entries = arena ? vg_top_entries(whole, &n, &sampled) : NULL;
    bool told = entries && !sampled && expect_levels(budget, part, recent, scale, arena, share);
    if (told)
        *out = spread_out(&part->categories, entries, n, share);
    bool lacks = !entries || (told && !*out);
    free(entries);
    vg_arena_free(arena);
    if (lacks)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return told;
}
