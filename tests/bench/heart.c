/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nanoseconds a row of counting, in all and part by part: what the inner loops cost, apart from any
 * server. Rows are made up with a fixed seed: 8 doubles, text, bool, time and bigint in batches of
 * 1024, as the decoder delivers them. Prints one line per part; ends with 1 where the exact p of
 * Kolmogorov and Smirnov takes longer than its target. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/summary/parts.h"
#include "agent/tally.h"
#include "checks/stat_ks.h"
#include "checks/stat_pairs.h"
#include "pgvigil/check.h"
#include "pgvigil/sort.h"

enum { NUMBERS = 8, TEXT = NUMBERS, TRUTH, WHEN, ID, COLUMNS, BATCHES = 64, CATEGORIES = 12 };

static uint64_t seed = 20010612;

static double draw(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) * 0x1p-53;
}

static double draw_normal(void)
{
    double radius = sqrt(-2 * log(1 - draw()));
    return radius * cos(2 * acos(-1.0) * draw());
}

static double draw_number(int column)
{
    double normal = draw_normal();
    switch (column) {
    case 1:
        return exp(normal);
    case 2:
        return 1000 * draw();
    case 3:
        return floor(30 * normal);
    case 4:
        return 1e6 + normal;
    case 5:
        return -log(1 - draw());
    case 6:
        return normal / (fabs(draw_normal()) + 0.01);
    default:
        return normal;
    }
}

static double numbers[BATCHES][COLUMNS][VG_BATCH_ROWS];
static uint8_t states[VG_BATCH_ROWS];
static struct vg_slice texts[BATCHES][VG_BATCH_ROWS];
static struct vg_column columns[BATCHES][COLUMNS];
static const char *const categories[CATEGORIES] = {
    "visa",    "mastercard", "transfer", "cash",      "direct debit", "cheque",
    "voucher", "paypal",     "klarna",   "apple pay", "google pay",   "crypto"};

static void make_batches(void)
{
    for (int b = 0; b < BATCHES; b++) {
        for (int row = 0; row < VG_BATCH_ROWS; row++) {
            for (int c = 0; c < NUMBERS; c++)
                numbers[b][c][row] = draw_number(c);
            const char *text = categories[(int)(CATEGORIES * draw() * draw())];
            texts[b][row] = (struct vg_slice){text, (uint32_t)strlen(text)};
            numbers[b][TRUTH][row] = draw() < 0.3;
            numbers[b][WHEN][row] = 9.9e14 + (b * VG_BATCH_ROWS + row) * 1e6;
            numbers[b][ID][row] = b * VG_BATCH_ROWS + row;
        }
        for (int c = 0; c < COLUMNS; c++) {
            enum vg_kind kind = c == TEXT    ? VG_KIND_TEXT
                                : c == TRUTH ? VG_KIND_BOOL
                                : c == WHEN  ? VG_KIND_TIME
                                             : VG_KIND_NUMBER;
            columns[b][c] = (struct vg_column){.kind = kind, .state = states};
            columns[b][c].num = c == TEXT ? NULL : numbers[b][c];
            columns[b][c].raw = c == TEXT ? texts[b] : NULL;
        }
    }
}

/* A grid of up to n distinct drawn values. */
static struct vg_grid *make_grid(int column, uint32_t n)
{
    double *q = malloc(n * sizeof *q);
    uint32_t kept = 0;
    for (uint32_t i = 0; q && i < n; i++)
        q[i] = draw_number(column);
    if (!q)
        abort();
    vg_sort_doubles(q, n);
    for (uint32_t i = 0; i < n; i++) {
        if (!kept || q[i] > q[kept - 1])
            q[kept++] = q[i];
    }
    struct vg_grid *grid = vg_grid_new(q, kept, true);
    free(q);
    return grid;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum { ROUNDS = 15, ROWS = BATCHES * VG_BATCH_ROWS };

/* The fastest of some rounds over all rows: the machine is shared, and noise only ever adds. */
#define MEASURE(name, statement)                                                                   \
    do {                                                                                           \
        double best = INFINITY;                                                                    \
        for (int round = 0; round < ROUNDS; round++) {                                             \
            double begun = now_ns();                                                               \
            for (int b = 0; b < BATCHES; b++)                                                      \
                statement;                                                                         \
            double took = (now_ns() - begun) / ROWS;                                               \
            best = took < best ? took : best;                                                      \
        }                                                                                          \
        printf("%-44s %7.2f ns\n", name, best);                                                    \
    } while (0)

static int range_offends(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct vg_bounds *bounds = warn ? &rule->limits.warn_bounds : &rule->limits.bounds;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    return cell->state != VG_VIEW_VALUE || cell->num < bounds->min || cell->num > bounds->max;
}

static int allowed_offends(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct vg_strings *allowed = rule->params;
    (void)warn;
    for (size_t i = 0; i < allowed->n; i++) {
        if (strlen(allowed->items[i]) == cell->text.len &&
            !memcmp(allowed->items[i], cell->text.data, cell->text.len))
            return 0;
    }
    return 1;
}

static void add(struct vg_tally *tally, int b)
{
    struct vg_error err;
    struct vg_batch batch = {VG_BATCH_ROWS, COLUMNS, columns[b]};
    if (vg_tally_add(tally, &batch, &err) < 0)
        BUG("%s", err.msg);
}

static struct vg_tally *make_tally(const struct vg_tally_plan *plan)
{
    struct vg_error err;
    struct vg_tally *tally;
    if (vg_tally_new(plan, &tally, &err) < 0)
        BUG("%s", err.msg);
    return tally;
}

static void measure_parts(struct vg_grid *const *grids, struct vg_grid *const *large)
{
    static uint64_t cells[2 * 10000 + 1], signs;
    static uint8_t registers[VG_HLL_SIZE];
    double kept = 0;
    MEASURE("moments of a number",
            kept += vg_moments_of(columns[b][0].num, VG_BATCH_ROWS, &signs, &signs).m2.hi);
    MEASURE("distinct of a number",
            vg_hll_add_numbers(registers, VG_HLL_BITS, columns[b][0].num, VG_BATCH_ROWS));
    for (int c = 0; c < NUMBERS; c++) {
        char name[60];
        snprintf(name, sizeof name, "cells of number %d, %u thresholds", c, grids[c]->n);
        MEASURE(name, vg_grid_count(grids[c], columns[b][c].num, VG_BATCH_ROWS, cells));
        snprintf(name, sizeof name, "cells of number %d, %u thresholds", c, large[c]->n);
        MEASURE(name, vg_grid_count(large[c], columns[b][c].num, VG_BATCH_ROWS, cells));
    }
    if (isnan(kept))
        puts("unreachable");
}

/* The exact p of 10 000 x 10 000 values without ties, at p about 5e-2, 1e-4 and 1e-8; whether each
 * takes at most 40 ms. */
static bool measure_ks(void)
{
    bool soon = true;
    static const int64_t distances[] = {1930000, 3120000, 4370000};
    const uint64_t n = 10000;
    struct vg_ks_counts counts = {&n, &n, 1, true};
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        double best = INFINITY, p = 0;
        struct vg_error err;
        for (int round = 0; round < ROUNDS; round++) {
            double begun = now_ns();
            if (vg_ks_exact(&counts, distances[i], &p, &err) < 0)
                BUG("%s", err.msg);
            best = fmin(best, now_ns() - begun);
        }
        printf("exact p of ks, 10000 x 10000, p %.2g %12.2f ms\n", p, best / 1e6);
        soon &= best <= 40e6;
    }
    return soon;
}

/* The cross products of d columns, a twentieth of the values of `nulls` of them missing; the search
 * for their cells is measured apart. */
static void measure_pairs(uint32_t d, uint32_t nulls)
{
    static int16_t ranks[VG_PAIRS_COLUMNS][VG_BATCH_ROWS];
    const int16_t *at[VG_PAIRS_COLUMNS];
    static char labels[VG_PAIRS_COLUMNS][12];
    const char *names[VG_PAIRS_COLUMNS];
    for (uint32_t c = 0; c < d; c++) {
        snprintf(labels[c], sizeof labels[c], "c%u", c);
        names[c] = labels[c];
    }
    struct vg_pairs *pairs = vg_pairs_new(1, names, d);
    struct vg_reconstruction rebuilt;
    struct vg_error err;
    char name[60];
    for (uint32_t c = 0; c < d; c++) {
        at[c] = ranks[c];
        for (int i = 0; i < VG_BATCH_ROWS; i++)
            ranks[c][i] = c < nulls && draw() < 0.05 ? VG_RANK_NONE
                                                     : (int16_t)((2 * draw() - 1) * VG_RANK_MOST);
    }
    if (!pairs)
        abort();
    snprintf(name, sizeof name, "pairs of %u columns, %u with NULLs", d, nulls);
    MEASURE(name, if (vg_pairs_count(pairs, at, VG_BATCH_ROWS, &err) < 0) BUG("%s", err.msg));
    double begun = now_ns(), z = vg_pairs_fisher(pairs, pairs, 30).value;
    double between = now_ns();
    if (vg_pairs_reconstruction(pairs, pairs, .65, &rebuilt, &err) < 0 || z != 0)
        BUG("%s", err.msg);
    printf("max |Fisher z| of %u columns %17.2f ms, reconstruction %.2f ms\n", d,
           (between - begun) / 1e6, (now_ns() - between) / 1e6);
    vg_pairs_free(pairs);
}

int main(void)
{
    static const char *const names[COLUMNS] = {"a", "b", "c", "d",     "e",    "f",
                                               "g", "h", "t", "truth", "time", "id"};
    static const struct vg_check_type range = {
        .name = "range", .bounds = VG_BOUNDS_ON_ROWS, .offends = range_offends};
    static const struct vg_check_type allowed = {.name = "allowed", .offends = allowed_offends};
    static const struct vg_strings list = {categories, CATEGORIES};
    static const size_t key = ID;
    struct vg_rule rules[NUMBERS + 1];
    struct vg_tally_predicate predicates[NUMBERS + 1];
    struct vg_tally_column counted[COLUMNS];
    struct vg_grid *grids[NUMBERS], *large[NUMBERS];
    struct vg_tally_variant variant = {.condition = VG_TALLY_NONE};
    make_batches();
    for (int c = 0; c < NUMBERS; c++) {
        grids[c] = make_grid(c, 4096);
        large[c] = make_grid(c, 10000);
    }
    for (int c = 0; c < COLUMNS; c++)
        counted[c] = (struct vg_tally_column){.name = names[c],
                                              .source = (size_t)c,
                                              .kind = columns[0][c].kind,
                                              .distinct = true,
                                              .top = c == TEXT || c == TRUTH};
    for (int c = 0; c <= NUMBERS; c++) {
        rules[c] = (struct vg_rule){
            .id = names[c], .type = c < NUMBERS ? &range : &allowed, .params = &list};
        rules[c].limits.bounds = (struct vg_bounds){true, true, -1e7, 1e7};
        predicates[c] = (struct vg_tally_predicate){.rule = &rules[c], .source = (size_t)c};
    }
    struct vg_tally_plan plan = {.columns = counted,
                                 .ncolumns = COLUMNS,
                                 .variants = &variant,
                                 .nvariants = 1,
                                 .keys = &key,
                                 .nkeys = 1,
                                 .max_keys = 10,
                                 .time = VG_TALLY_NONE};
    bool soon = measure_ks();
    measure_pairs(12, 0);
    measure_pairs(12, 4);
    measure_pairs(VG_PAIRS_COLUMNS, 0);
    measure_pairs(VG_PAIRS_COLUMNS, 20);
    measure_parts(grids, large);
    for (int c = 0; c < COLUMNS; c++) {
        char name[60];
        struct vg_tally_plan one = plan;
        one.columns = &counted[c];
        one.ncolumns = 1;
        struct vg_tally *tally = make_tally(&one);
        snprintf(name, sizeof name, "column %s without cells", names[c]);
        MEASURE(name, add(tally, b));
        vg_tally_free(tally);
    }
    plan.predicates = predicates;
    plan.npredicates = NUMBERS + 1;
    variant.none = true;
    struct vg_tally *tests = make_tally(&plan);
    MEASURE("9 predicates", add(tests, b));
    vg_tally_free(tests);
    variant.none = false;
    for (int which = 0; which < 2; which++) {
        for (int c = 0; c < NUMBERS; c++)
            counted[c].grid = which ? large[c] : grids[c];
        struct vg_tally *tally = make_tally(&plan);
        MEASURE(which ? "all, 12 columns, 10000 thresholds" : "all, 12 columns, 4096 thresholds",
                add(tally, b));
        vg_tally_free(tally);
    }
    for (int c = 0; c < NUMBERS; c++) {
        vg_grid_free(grids[c]);
        vg_grid_free(large[c]);
    }
    return soon ? 0 : 1;
}
