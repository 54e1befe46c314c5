/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Summaries of base windows made by hand. */
#include "tests/unit/budget_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

void vg_kit_numbers(struct vg_column_summary *out, const char *name, uint64_t grid_id,
                    size_t ncells)
{
    assert_int_equal(vg_column_init(out, name, VG_KIND_NUMBER, NULL, 0, NULL), 0);
    out->coarse = calloc(ncells, sizeof *out->coarse);
    out->coarse_cells = (uint32_t)ncells;
    out->grid_id = grid_id;
}

void vg_kit_text(struct vg_column_summary *out, const char *name)
{
    assert_int_equal(vg_column_init(out, name, VG_KIND_TEXT, NULL, VG_PART_TOP, NULL), 0);
}

void vg_kit_add(struct vg_column_summary *window, const char *value, uint64_t count)
{
    struct vg_slice slice = {value, (uint32_t)strlen(value)};
    uint64_t hash = vg_hash64(value, slice.len);
    if (count)
        assert_int_equal(vg_top_add(window->top, hash, count, slice), 0);
    window->rows += count;
}

uint8_t *vg_kit_damage(const void *blob, size_t size, size_t seed)
{
    uint8_t *bytes = malloc(size ? size : 1);
    memcpy(bytes, blob, size);
    if (size < 9)
        return bytes;
    uint64_t random = vg_hash64(&seed, sizeof seed);
    bytes[random % (size - 8)] = (uint8_t)(random >> 32);
    uint64_t checksum = vg_hash64(bytes, size - 8);
    for (int i = 0; i < 8 && random >> 63; i++)
        bytes[size - 8 + (size_t)i] = (uint8_t)(checksum >> (8 * i));
    return bytes;
}

void vg_kit_check_limit(const struct vg_budget_stream *stream, const struct vg_budget_found *found)
{
    bool low = stream->kind != VG_BUDGET_KS && found->direction < 0;
    bool beyond = low ? found->value < found->limit : found->value > found->limit;
    if (beyond == (found->p < found->level))
        return;
    print_error("stream %u: p %.17g, level %.17g, but value %.17g, limit %.17g\n", found->stream,
                found->p, found->level, found->value, found->limit);
    fail();
}

void vg_kit_open(enum vg_kind kind, struct vg_column_summary *out)
{
    if (kind == VG_KIND_TEXT || kind == VG_KIND_BOOL)
        vg_kit_text(out, "x");
    else
        vg_kit_numbers(out, "x", VG_KIT_GRID, VG_KIT_CELLS);
}

static int visit(void *arg, size_t column, struct vg_budget_feed *feed, struct vg_error *err)
{
    const struct vg_kit_learnt *learnt = arg;
    (void)column;
    for (size_t w = 0; w < learnt->n; w++) {
        struct vg_column_summary window;
        vg_kit_open(learnt->kind, &window);
        int rc =
            learnt->draw(w, &window) ? vg_budget_feed(feed, learnt->starts[w], &window, err) : 0;
        vg_column_clear(&window);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int keep(void *arg, size_t column, const void *blob, size_t size, struct vg_error *err)
{
    struct vg_kit_learnt *learnt = arg;
    (void)column;
    return vg_budget_part_read(blob, size, &learnt->part, err);
}

int vg_kit_learn(struct vg_kit_learnt *learnt)
{
    struct vg_budget_input input = {"x", learnt->kind, learnt->is_private};
    int64_t to = VG_KIT_MONDAY_US + (int64_t)learnt->n * VG_HOUR_US;
    size_t n;
    assert_int_equal(
        vg_budget_starts(&vg_utc, VG_HOUR_US, VG_KIT_MONDAY_US, to, &learnt->starts, &n, NULL), 0);
    struct vg_budget_task task = {.zone = &vg_utc,
                                  .base_us = VG_HOUR_US,
                                  .budget = 1.0 / 7,
                                  .starts = learnt->starts,
                                  .nwindows = n,
                                  .columns = &input,
                                  .ncolumns = 1,
                                  .visit = visit,
                                  .keep = keep,
                                  .arg = learnt};
    return vg_budget_calibrate(&task, &learnt->budget, &learnt->err);
}

void vg_kit_forget(struct vg_kit_learnt *learnt)
{
    vg_budget_free(learnt->budget);
    vg_budget_part_free(learnt->part);
    free(learnt->starts);
}

void vg_kit_cells(struct vg_column_summary *window, size_t cell, uint64_t rows, double lo,
                  double hi)
{
    window->coarse[cell] += rows;
    window->rows += rows;
    window->min = lo;
    window->max = hi;
    window->sum.hi = (lo + hi) / 2 * (double)rows;
    window->m2.hi = hi > lo ? (double)rows : 0;
}

bool vg_kit_draw_numbers(size_t w, struct vg_column_summary *window)
{
    uint64_t more = vg_hash64(&w, sizeof w) % 40;
    vg_kit_cells(window, 2, 150 + more, -1, 1);
    vg_kit_cells(window, 4, 250 - more, -1, 1);
    window->m2.hi = (double)window->rows * (1 + (double)more / 400);
    return true;
}

bool vg_kit_draw_words(size_t w, struct vg_column_summary *window)
{
    static const char *const words[] = {"red", "green", "blue", "black", "white"};
    for (size_t i = 0; i < COUNT(words); i++)
        vg_kit_add(window, words[i], 40 + (vg_hash64(&w, sizeof w) >> (8 * i)) % 20);
    return true;
}

static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_same(const struct vg_budget_found *a, const struct vg_budget_found *b)
{
    assert_true(is_same(a->p, b->p) && is_same(a->value, b->value) && is_same(a->limit, b->limit));
    assert_true(is_same(a->effect, b->effect) && is_same(a->expected, b->expected));
    assert_true(is_same(a->n_now, b->n_now) && is_same(a->n_ref, b->n_ref));
    assert_true(a->scale == b->scale && a->direction == b->direction && a->which == b->which);
    assert_true(a->value_hash == b->value_hash && a->label == b->label);
}

void vg_kit_check_shortcuts(const struct vg_budget *budget, uint32_t column,
                            const struct vg_budget_part *part,
                            const struct vg_budget_recent *recent,
                            const struct vg_budget_found *found, size_t n)
{
    struct vg_budget_counts *counts[64] = {NULL};
    struct vg_budget_found again[VG_BUDGET_STREAMS];
    struct vg_budget_recent known = *recent;
    size_t nagain;
    for (size_t i = 0; i + 1 < recent->n; i++)
        counts[i] = recent->windows[i] ? vg_budget_count(part, recent->windows[i]) : NULL;
    known.counts = (const struct vg_budget_counts *const *)counts;
    for (int terse = 0; terse <= 1; terse++) {
        known.terse = terse;
        assert_int_equal(vg_budget_test(budget, column, part, &known, again, &nagain, NULL), 0);
        assert_int_equal(nagain, n);
        for (size_t i = 0; i < n; i++) {
            bool below = found[i].p < found[i].level;
            assert_true(again[i].stream == found[i].stream && again[i].look == found[i].look);
            assert_true(again[i].slight == found[i].slight && again[i].level == found[i].level);
            assert_int_equal(again[i].p < again[i].level, below);
            assert_int_equal(again[i].n_now >= VG_BUDGET_THIN, found[i].n_now >= VG_BUDGET_THIN);
            if (below || !terse)
                check_same(&again[i], &found[i]);
        }
    }
    for (size_t i = 0; i < recent->n; i++)
        vg_budget_counts_free(counts[i]);
}

size_t vg_kit_test(const struct vg_kit_learnt *learnt, struct vg_column_summary *windows, size_t n,
                   struct vg_budget_found *found)
{
    const struct vg_column_summary *pointers[64];
    int64_t starts[64];
    size_t nfound;
    for (size_t i = 0; i < n; i++)
        pointers[i] = windows[i].name ? &windows[i] : NULL;
    vg_budget_starts_before(&vg_utc, VG_HOUR_US,
                            VG_KIT_MONDAY_US + (VG_KIT_WINDOWS + (int64_t)n) * VG_HOUR_US, n,
                            starts);
    struct vg_budget_recent recent = {
        .zone = &vg_utc, .starts = starts, .windows = pointers, .n = n};
    memcpy(recent.least, learnt->least, sizeof recent.least);
    assert_int_equal(vg_budget_test(learnt->budget, 0, learnt->part, &recent, found, &nfound, NULL),
                     0);
    vg_kit_check_shortcuts(learnt->budget, 0, learnt->part, &recent, found, nfound);
    for (size_t i = 0; i < nfound; i++) {
        assert_true(found[i].p >= 0 && found[i].p <= 1);
        if (found[i].look == VG_BUDGET_LOOKED && !learnt->budget->uncalibrated)
            vg_kit_check_limit(&learnt->budget->streams[found[i].stream], &found[i]);
    }
    return nfound;
}

bool vg_kit_draw_constant(size_t w, struct vg_column_summary *window)
{
    (void)w;
    vg_kit_cells(window, 3, 100, 5, 5);
    return true;
}

bool vg_kit_draw_nulls(size_t w, struct vg_column_summary *window)
{
    (void)w;
    window->rows = window->nulls = 100;
    return true;
}
