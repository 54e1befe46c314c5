/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What learning a budget and judging by it cost: 28 days of hourly windows, 100 columns. Rows are
 * made up with a fixed seed: numbers in 401 cells that wander over the day, categories of 60 values
 * of which most are rare enough for the exact law, a null now and then. Prints CPU time and the
 * most memory; ends with 1 above a target. Usage: budget numbers|categories */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "agent/summary/parts.h"
#include "pgvigil/budget.h"

enum { COLUMNS = 100, WINDOWS = 672, ROWS = 504, CELLS = 401, VALUES = 60, RUNS = 20 };

static const double most_learning_s = 60, most_mib = 64, most_judging_ms = 50;

static uint64_t seed = 20010612;

static double draw(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) * 0x1p-53;
}

static struct vg_column_summary windows[WINDOWS];
static int64_t *starts;
static void *blobs[COLUMNS];
static size_t sizes[COLUMNS];
static bool numbers;

static double read_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void fill_numbers(struct vg_column_summary *window, size_t w)
{
    window->coarse = vg_array(CELLS, sizeof *window->coarse);
    window->coarse_cells = CELLS;
    window->grid_id = 1;
    window->min = 0;
    window->max = 1;
    window->m2.hi = ROWS * (1 + 0.1 * draw());
    double shift = 0.1 * sin((double)(w % 24) / 24 * 2 * acos(-1.0)) + 0.05 * draw();
    for (int i = 0; window->coarse && i < ROWS; i++) {
        double x = fmin(fmax(draw() * 0.9 + shift, 0), 0.999);
        window->coarse[2 * (size_t)(x * (CELLS / 2))]++;
    }
}

static int fill_category(struct vg_column_summary *window)
{
    char value[16];
    for (int i = 0; i < ROWS; i++) {
        int n = snprintf(value, sizeof value, "value %d", (int)(draw() * draw() * VALUES));
        struct vg_slice slice = {value, (uint32_t)n};
        if (vg_top_add(window->top, vg_hash64(value, slice.len), 1, slice) < 0)
            return -1;
    }
    return 0;
}

static int make_windows(struct vg_error *err)
{
    for (size_t w = 0; w < WINDOWS; w++) {
        struct vg_column_summary *window = &windows[w];
        if (vg_column_init(window, "x", numbers ? VG_KIND_NUMBER : VG_KIND_TEXT, NULL,
                           numbers ? 0 : VG_PART_TOP, err) < 0)
            return -1;
        window->nulls = (uint64_t)(draw() * 10);
        window->rows = ROWS + window->nulls;
        if (numbers)
            fill_numbers(window, w);
        else if (fill_category(window) < 0)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    return 0;
}

/* Nulls differ by column, so that none shares another's stream. */
static int visit(void *arg, size_t column, struct vg_budget_feed *feed, struct vg_error *err)
{
    (void)arg;
    for (size_t w = 0; w < WINDOWS; w++) {
        struct vg_column_summary window = windows[w];
        window.nulls += w == column;
        window.rows += w == column;
        if (vg_budget_feed(feed, starts[w], &window, err) < 0)
            return -1;
    }
    return 0;
}

static int keep(void *arg, size_t column, const void *blob, size_t size, struct vg_error *err)
{
    (void)arg;
    blobs[column] = malloc(size);
    if (!blobs[column])
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    memcpy(blobs[column], blob, size);
    sizes[column] = size;
    return 0;
}

static int learn(struct vg_budget **out, struct vg_error *err)
{
    static struct vg_budget_input inputs[COLUMNS];
    static char names[COLUMNS][8];
    size_t n;
    for (size_t i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "c%zu", i);
        inputs[i] = (struct vg_budget_input){names[i], numbers ? VG_KIND_NUMBER : VG_KIND_TEXT, 0};
    }
    if (vg_budget_starts(&vg_utc, VG_HOUR_US, 0, WINDOWS * VG_HOUR_US, &starts, &n, err) < 0)
        return -1;
    struct vg_budget_task task = {.zone = &vg_utc,
                                  .base_us = VG_HOUR_US,
                                  .budget = 1.0 / 7,
                                  .starts = starts,
                                  .nwindows = n,
                                  .columns = inputs,
                                  .ncolumns = COLUMNS,
                                  .visit = visit,
                                  .keep = keep};
    return vg_budget_calibrate(&task, out, err);
}

/* Reads every column's part and tests its last 24 windows. */
static int judge(const struct vg_budget *budget, double *reading, struct vg_error *err)
{
    const struct vg_column_summary *last[VG_BUDGET_LOOK];
    struct vg_budget_recent recent = {.zone = &vg_utc,
                                      .starts = starts + WINDOWS - VG_BUDGET_LOOK,
                                      .windows = last,
                                      .n = VG_BUDGET_LOOK};
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++)
        last[i] = &windows[WINDOWS - VG_BUDGET_LOOK + i];
    for (uint32_t c = 0; c < COLUMNS; c++) {
        struct vg_budget_found found[VG_BUDGET_STREAMS];
        struct vg_budget_part *part;
        size_t n;
        double from = read_clock();
        if (vg_budget_part_read(blobs[c], sizes[c], &part, err) < 0)
            return -1;
        *reading += read_clock() - from;
        int rc = vg_budget_test(budget, c, part, &recent, found, &n, err);
        vg_budget_part_free(part);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static long read_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

int main(int argc, char **argv)
{
    struct vg_error err = {0};
    struct vg_budget *budget = NULL;
    numbers = argc < 2 || strcmp(argv[1], "categories") != 0;
    if (make_windows(&err) < 0)
        goto out;
    long before = read_memory();
    double from = read_clock();
    if (learn(&budget, &err) < 0)
        goto out;
    double learnt = read_clock() - from, reading = 0;
    long most = read_memory();
    from = read_clock();
    for (int run = 0; run < RUNS; run++) {
        if (judge(budget, &reading, &err) < 0)
            goto out;
    }
    double judging_ms = 1e3 * (read_clock() - from) / RUNS, mib = (double)(most - before) / 1024;
    printf("%s: learnt in %.2f s with %.1f MiB more (blobs of %.0f KiB each), judged in %.1f ms, "
           "of which reading blobs %.1f ms; %u streams\n",
           numbers ? "numbers" : "categories", learnt, mib, (double)sizes[0] / 1024, judging_ms,
           1e3 * reading / RUNS, budget->nstreams);
    for (uint32_t i = 0; i < 3; i++)
        printf("  %s: level %.3g, visible %.3g, days %u\n",
               vg_budget_kind_name(budget->streams[i].kind), budget->streams[i].level,
               budget->streams[i].visible, budget->streams[i].days);
    if (learnt > most_learning_s || mib > most_mib || judging_ms > most_judging_ms)
        vg_fail(&err, VG_E_LIMIT, "the targets are %.0f s, %.0f MiB and %.0f ms", most_learning_s,
                most_mib, most_judging_ms);
out:
    vg_budget_free(budget);
    free(starts);
    for (size_t i = 0; i < COLUMNS; i++)
        free(blobs[i]);
    for (size_t w = 0; w < WINDOWS; w++)
        vg_column_clear(&windows[w]);
    if (err.code != VG_OK)
        fprintf(stderr, "budget: %s\n", err.msg);
    return err.code == VG_OK ? 0 : 1;
}
