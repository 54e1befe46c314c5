/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a column as bytes: counts by slot, learnt factors, and the values of a category.
 * Pure. Shares and curves are made anew from the counts, by the code that fitted them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/learn.h"
#include "agent/summary/codec.h"

enum {
    PART_VERSION = 2,
    HAS_CATEGORIES = 1 << VG_BUDGET_KINDS,
    UNCALIBRATED = HAS_CATEGORIES << 1
};
static const uint64_t most_rows = UINT64_C(1) << 53; /* what a double counts */

int vg_slot_counts_of(const struct vg_series *series, uint32_t nslots, struct vg_arena *arena,
                      struct vg_slot_counts *out)
{
    *out = (struct vg_slot_counts){
        .width = series->width,
        .counts = vg_arena_array(arena, nslots * series->width, sizeof *out->counts)};
    if (!out->counts)
        return -1;
    for (size_t i = 0; i < series->n * series->width; i++)
        out->counts[series->slot[i / series->width] * series->width + i % series->width] +=
            (uint64_t)series->cells[i];
    return 0;
}

int vg_slot_cells_of(const struct vg_series *series, uint32_t nslots, struct vg_arena *arena,
                     struct vg_slot_counts *out)
{
    size_t width = series->width + 1;
    *out = (struct vg_slot_counts){
        .width = width, .counts = vg_arena_array(arena, nslots * width, sizeof *out->counts)};
    if (!out->counts)
        return -1;
    for (size_t w = 0; w < series->n; w++) {
        const double *below = series->cells + w * series->width;
        uint64_t *counts = out->counts + series->slot[w] * width;
        for (size_t j = 0; j < series->width; j++)
            counts[j] += (uint64_t)(below[j] - (j ? below[j - 1] : 0));
        counts[width - 1] += (uint64_t)(series->rows[w] - below[series->width - 1]);
    }
    return 0;
}

/* --- writing --- */

static void put_counts(struct vg_buf *out, const struct vg_slot_counts *counts, uint32_t nslots)
{
    for (size_t i = 0; i < nslots * counts->width; i++)
        vg_blob_put_count(out, counts->counts[i]);
}

static void put_factors(struct vg_buf *out, const struct vg_fit_counts *fit, uint32_t nscales)
{
    for (uint32_t i = 0; i < nscales; i++) {
        uint8_t has = fit->phi[i] != NULL;
        vg_buf_add(out, &has, 1);
        for (size_t j = 0; has && j < fit->ntested; j++)
            vg_blob_put_double(out, fit->phi[i][j]);
        if (has)
            vg_blob_put_double(out, fit->rows[i]);
    }
}

static void put_categories(struct vg_buf *out, const struct vg_categories *categories)
{
    uint8_t bits =
        (uint8_t)(categories->has_other | categories->has_unseen << 1 | categories->whole << 2);
    vg_buf_add(out, &bits, 1);
    vg_blob_put_count(out, categories->ntop);
    for (size_t i = 0; i < categories->ntop; i++) {
        const char *label = categories->label[i] ? categories->label[i] : "";
        size_t len = strlen(label);
        vg_blob_put_u64(out, categories->hash[i]);
        vg_blob_put_count(out, len);
        vg_buf_add(out, label, len);
    }
    vg_blob_put_count(out, categories->nvalues);
    for (size_t i = 0; i < categories->nvalues; i++)
        vg_blob_put_u64(out, categories->values[i]);
}

static void put_numbers(struct vg_buf *out, const struct vg_budget_part *part,
                        const struct vg_part_counts *counts)
{
    const struct vg_calendar *calendar = &part->calendar;
    if (part->has[VG_BUDGET_KS]) {
        vg_blob_put_u64(out, part->grid_id);
        vg_blob_put_count(out, counts->ks.width);
        put_counts(out, &counts->ks, calendar->nslots);
        for (uint32_t i = 0; i < calendar->nscales; i++)
            vg_blob_put_double(out, part->ks.deff[i]);
    }
    for (uint32_t i = 0; part->has[VG_BUDGET_SPREAD] && i < calendar->nscales; i++) {
        vg_blob_put_double(out, part->spread.c[i]);
        vg_blob_put_double(out, part->spread.g[i]);
        vg_blob_put_double(out, part->spread.w[i]);
        vg_blob_put_double(out, part->spread.few[i]);
        vg_blob_put_double(out, part->spread.thin[i]);
    }
}

int vg_budget_part_write(const struct vg_budget_part *part, const struct vg_part_counts *counts,
                         struct vg_buf *out, struct vg_error *err)
{
    const struct vg_calendar *calendar = &part->calendar;
    bool has_categories = part->categories.ntop > 0;
    uint8_t bits =
        (uint8_t)((has_categories ? HAS_CATEGORIES : 0) | (part->uncalibrated ? UNCALIBRATED : 0));
    size_t start;
    for (int kind = 0; kind < VG_BUDGET_KINDS; kind++)
        bits |= (uint8_t)(part->has[kind] << kind);
    vg_blob_begin(out, PART_VERSION, &start);
    vg_buf_add(out, &bits, 1);
    vg_calendar_put(calendar, out);
    put_numbers(out, part, counts);
    if (has_categories)
        put_categories(out, &part->categories);
    if (part->has[VG_BUDGET_LEVELS]) {
        put_counts(out, &counts->levels, calendar->nslots);
        put_factors(out, &part->levels, calendar->nscales);
    }
    if (part->has[VG_BUDGET_NULLS]) {
        put_counts(out, &counts->nulls, calendar->nslots);
        put_factors(out, &part->nulls, calendar->nscales);
    }
    vg_blob_end(out, start);
    return out->failed ? vg_fail(err, VG_E_MEMORY, "out of memory writing the budget") : 0;
}

/* --- reading: 0, or -1 when out of memory; nonsense is blob->bad --- */

static size_t count_left(const struct vg_blob *blob)
{
    return (size_t)(blob->end - blob->at);
}

/* Counts by slot, each at least a byte, and the rows by slot that they make. */
static int read_counts(struct vg_blob *blob, const struct vg_calendar *calendar, size_t width,
                       struct vg_arena *arena, struct vg_slot_counts *counts,
                       struct vg_basis *basis)
{
    *basis = (struct vg_basis){.calendar = *calendar};
    *counts = (struct vg_slot_counts){.width = width};
    blob->bad |= width > count_left(blob) / calendar->nslots;
    if (blob->bad)
        return 0;
    counts->counts = vg_arena_array(arena, calendar->nslots * width, sizeof *counts->counts);
    basis->slot_rows = vg_arena_array(arena, calendar->nslots, sizeof *basis->slot_rows);
    if (!counts->counts || !basis->slot_rows)
        return -1;
    uint64_t left = most_rows;
    uint64_t *at = counts->counts;
    for (uint32_t slot = 0; slot < calendar->nslots; slot++) {
        uint64_t before = left;
        for (size_t j = 0; j < width; j++) {
            bool small = blob->at < blob->end && *blob->at < 0x80 && *blob->at <= left;
            *at = small ? *blob->at++ : vg_blob_count_to(blob, left);
            left -= *at++;
        }
        basis->slot_rows[slot] = (double)(before - left);
    }
    basis->rows = (double)(most_rows - left);
    return 0;
}

static double read_number(struct vg_blob *blob, double least, double most)
{
    double x = vg_blob_double(blob);
    blob->bad |= !(x >= least && x <= most);
    return x;
}

static int read_ks(struct vg_blob *blob, struct vg_budget_part *part)
{
    struct vg_slot_counts counts;
    struct vg_basis basis;
    part->grid_id = vg_blob_u64(blob);
    part->ncells = (size_t)vg_blob_count_to(blob, 2 * VG_GRID_MAX + 1);
    blob->bad |= !part->grid_id || part->ncells < 3 || part->ncells % 2 == 0;
    if (read_counts(blob, &part->calendar, part->ncells, part->arena, &counts, &basis) < 0)
        return -1;
    if (blob->bad)
        return 0;
    if (vg_fit_ks_restore(&basis, &counts, part->arena, &part->ks) < 0)
        return -1;
    part->cells = counts.counts;
    for (uint32_t i = 0; i < part->calendar.nscales; i++) {
        double deff = read_number(blob, 0, HUGE_VAL);
        blob->bad |= deff > 0 && deff < 1;
        part->ks.deff[i] = deff;
    }
    return 0;
}

static void read_spread(struct vg_blob *blob, struct vg_budget_part *part)
{
    part->spread.nscales = part->calendar.nscales;
    memcpy(part->spread.scales, part->calendar.scales, sizeof part->spread.scales);
    for (uint32_t i = 0; i < part->calendar.nscales; i++) {
        part->spread.c[i] = read_number(blob, -1e4, 1e4);
        part->spread.g[i] = read_number(blob, 0, 1e4);
        part->spread.w[i] = read_number(blob, part->spread.g[i] > 0 ? 2 : 0, 1e6);
        part->spread.few[i] = read_number(blob, 0, (double)most_rows);
        part->spread.thin[i] = read_number(blob, 0, 1e4);
    }
}

static int read_factors(struct vg_blob *blob, struct vg_arena *arena, struct vg_fit_counts *fit)
{
    for (uint32_t i = 0; i < fit->basis.calendar.nscales && !blob->bad; i++) {
        uint8_t has = vg_blob_byte(blob);
        blob->bad |= has > 1 || (has && !(fit->basis.rows > 0));
        if (!has || blob->bad)
            continue;
        fit->phi[i] = vg_arena_array(arena, fit->ntested, sizeof *fit->phi[i]);
        if (!fit->phi[i])
            return -1;
        for (size_t j = 0; j < fit->ntested; j++)
            fit->phi[i][j] = read_number(blob, 1, HUGE_VAL);
        fit->rows[i] = read_number(blob, 0, HUGE_VAL);
    }
    return 0;
}

static int read_shares(struct vg_blob *blob, struct vg_budget_part *part, size_t levels,
                       struct vg_fit_counts *out)
{
    struct vg_slot_counts counts;
    struct vg_basis basis;
    if (read_counts(blob, &part->calendar, levels, part->arena, &counts, &basis) < 0)
        return -1;
    if (blob->bad)
        return 0;
    if (vg_fit_counts_restore(&basis, &counts, part->arena, out) < 0)
        return -1;
    return read_factors(blob, part->arena, out);
}

static int read_top(struct vg_blob *blob, struct vg_arena *arena, struct vg_categories *categories)
{
    categories->ntop = (size_t)vg_blob_count_to(blob, VG_BUDGET_TOP);
    blob->bad |= !categories->ntop;
    for (size_t i = 0; i < categories->ntop && !blob->bad; i++) {
        categories->hash[i] = vg_blob_u64(blob);
        size_t len = (size_t)vg_blob_count_to(blob, VG_TOP_LABEL);
        const char *label = (const char *)vg_blob_bytes(blob, len);
        blob->bad |= !label || !vg_utf8_valid(label, len) || memchr(label, 0, len);
        if (blob->bad)
            return 0;
        categories->label[i] = vg_arena_strndup(arena, label, len);
        if (!categories->label[i])
            return -1;
    }
    return 0;
}

static int read_categories(struct vg_blob *blob, struct vg_arena *arena,
                           struct vg_categories *categories)
{
    uint8_t bits = vg_blob_byte(blob);
    categories->has_other = bits & 1;
    categories->has_unseen = bits >> 1 & 1;
    categories->whole = bits >> 2 & 1;
    blob->bad |= bits > 7;
    if (read_top(blob, arena, categories) < 0)
        return -1;
    size_t n = (size_t)vg_blob_count_to(blob, VG_TOP_EXACT);
    blob->bad |= n > count_left(blob) / sizeof(uint64_t) || (!categories->whole && n) ||
                 vg_categories_levels(categories) < 2;
    if (blob->bad)
        return 0;
    categories->nvalues = n;
    categories->values = vg_arena_array(arena, n + 1, sizeof *categories->values);
    if (!categories->values)
        return -1;
    for (size_t i = 0; i < n; i++) {
        categories->values[i] = vg_blob_u64(blob);
        blob->bad |= i && categories->values[i] <= categories->values[i - 1];
    }
    return 0;
}

static int read_payload(struct vg_blob *blob, struct vg_budget_part *part)
{
    uint8_t bits = vg_blob_byte(blob);
    int rc = 0;
    for (int kind = 0; kind < VG_BUDGET_KINDS; kind++)
        part->has[kind] = bits >> kind & 1;
    part->uncalibrated = bits & UNCALIBRATED;
    vg_calendar_get(blob, &part->calendar);
    blob->bad |=
        bits >= UNCALIBRATED << 1 || (part->has[VG_BUDGET_LEVELS] && !(bits & HAS_CATEGORIES));
    if (!blob->bad && part->has[VG_BUDGET_KS])
        rc = read_ks(blob, part);
    if (rc == 0 && !blob->bad && part->has[VG_BUDGET_SPREAD])
        read_spread(blob, part);
    if (rc == 0 && !blob->bad && bits & HAS_CATEGORIES)
        rc = read_categories(blob, part->arena, &part->categories);
    if (rc == 0 && !blob->bad && part->has[VG_BUDGET_LEVELS])
        rc = read_shares(blob, part, vg_categories_levels(&part->categories), &part->levels);
    if (rc == 0 && !blob->bad && part->has[VG_BUDGET_NULLS])
        rc = read_shares(blob, part, 2, &part->nulls);
    return rc;
}

int vg_budget_part_read(const void *data, size_t size, struct vg_budget_part **out,
                        struct vg_error *err)
{
    struct vg_blob blob;
    *out = NULL;
    if (vg_blob_open(&blob, data, size, PART_VERSION, err) < 0)
        return vg_where(err, "the budget of a column");
    struct vg_arena *arena = vg_arena_new();
    struct vg_budget_part *part = arena ? vg_arena_alloc(arena, sizeof *part) : NULL;
    if (part)
        part->arena = arena;
    int rc = part ? read_payload(&blob, part) : -1;
    if (rc == 0 && !blob.bad && blob.at == blob.end) {
        *out = part;
        return 0;
    }
    vg_arena_free(arena);
    if (rc < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory reading the budget of a column");
    return vg_fail(err, VG_E_STATE, "the stored budget of a column (%zu bytes) contradicts itself",
                   size);
}

void vg_budget_part_free(struct vg_budget_part *part)
{
    if (part)
        vg_arena_free(part->arena);
}

uint64_t vg_budget_part_grid(const struct vg_budget_part *part)
{
    return part->grid_id;
}

size_t vg_budget_part_cells(const struct vg_budget_part *part)
{
    return part->ncells;
}
