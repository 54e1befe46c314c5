/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The third pass of a capture: all numbers in one statement. A private number is ranked on the grid
 * that is kept of it, whose cells hold ten rows or more. Memory is two bytes for each cell, 48 for
 * each pair. */
#include "agent/loop/capture_pairs.h"

#include "agent/loop/capture_group.h"
#include "agent/plan_pairs.h"
#include "agent/summary/private.h"
#include "agent/tally.h"
#include "pgvigil/log.h"
#include "pgvigil/summary_pairs.h"
#include "pgvigil/text.h"

struct pass3 {
    struct vg_capture_column columns[VG_PAIRS_COLUMNS]; /* as the capture's */
    struct vg_distribution *hidden[VG_PAIRS_COLUMNS];   /* of private ones; else NULL */
    struct vg_tally_rank ranked[VG_PAIRS_COLUMNS];
    size_t n;
    struct vg_tally_variant all;
    struct vg_tally_plan plan;
    struct vg_tally *tally;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static bool is_key(const struct vg_dataset *dataset, const char *column)
{
    bool found = false;
    for (size_t i = 0; i < dataset->key.n && !found; i++)
        found = vg_streq(dataset->key.items[i], column);
    return found;
}

/* Those that rules name, or the others. */
static size_t choose_columns(const struct vg_capture *capture, bool named, struct pass3 *pass)
{
    size_t left = 0;
    for (size_t i = 0; i < capture->ncolumns; i++) {
        const struct vg_capture_column *column = &capture->columns[i];
        const char *name = column->column->name;
        bool counted = column->grid && column->total && column->total->fine;
        bool is_named = vg_plan_pairs_name(capture->dataset, name);
        if (!counted || is_named != named || (!named && is_key(capture->dataset, name)))
            continue;
        if (pass->n < VG_PAIRS_COLUMNS)
            pass->columns[pass->n++] = *column;
        else
            left++;
    }
    return left;
}

static void say_left(const struct vg_capture *capture, size_t left)
{
    char text[VG_NUMBER_TEXT];
    if (left)
        vg_log(VG_LOG_WARN, "dependence is counted of 100 columns at most; name those that matter",
               "dataset", capture->dataset->id, "left_out", vg_format_double((double)left, text),
               NULL);
}

static int rank_column(const struct vg_capture *capture, struct pass3 *pass, size_t i,
                       struct vg_error *err)
{
    const struct vg_capture_column *column = &pass->columns[i];
    struct vg_distribution own = {.grid = column->grid, .cells = column->total->fine};
    const struct vg_distribution *cells = &own;
    if (column->is_private) {
        if (vg_private_distribution(column->grid, column->total->fine, &pass->hidden[i], err) < 0)
            return -1;
        cells = pass->hidden[i];
    }
    if (!cells) /* too few rows to keep a grid of it */
        return 0;
    size_t ncells = 2 * (size_t)cells->grid->n + 1;
    int16_t *ranks = vg_arena_array(capture->arena, ncells, sizeof *ranks);
    if (!ranks)
        return fail_memory(err);
    for (size_t c = 0; c < ncells && cells == &own; c++)
        own.n += own.cells[c];
    vg_ranks_make(cells, ranks);
    pass->ranked[i] = (struct vg_tally_rank){column->column->name, 0, cells->grid, ranks};
    return 0;
}

/* Leaves out what could not be ranked. */
static int rank_columns(const struct vg_capture *capture, struct pass3 *pass, struct vg_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < pass->n; i++) {
        if (rank_column(capture, pass, i, err) < 0)
            return -1;
        if (!pass->ranked[i].ranks)
            continue;
        pass->columns[n] = pass->columns[i];
        pass->ranked[n++] = pass->ranked[i];
    }
    pass->n = n;
    return 0;
}

static int count_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct pass3 *pass = arg;
    return vg_tally_add(pass->tally, batch, err);
}

static int store_pairs(struct vg_capture *capture, const struct vg_pairs *pairs,
                       struct vg_error *err)
{
    struct vg_store *store = capture->env->store;
    if (vg_store_begin(store, &capture->env->claim, err) < 0)
        return -1;
    if (vg_store_reference_pairs_put(store, capture->version, pairs, err) < 0) {
        vg_store_rollback(store);
        return -1;
    }
    return vg_store_commit(store, err);
}

static int scan(struct vg_capture *capture, struct pass3 *pass, struct vg_error *err)
{
    struct vg_capture view = *capture;
    view.columns = pass->columns;
    view.ncolumns = pass->n;
    view.nsplits = 0;
    struct vg_capture_group group = {.capture = &view, .n = pass->n};
    if (vg_capture_group_open(&group, err) < 0)
        return -1;
    for (size_t i = 0; i < pass->n; i++)
        pass->ranked[i].source = group.source[i];
    pass->all = (struct vg_tally_variant){.condition = VG_TALLY_NONE, .none = true};
    pass->plan = (struct vg_tally_plan){
        .variants = &pass->all,
        .nvariants = 1,
        .time = group.time_item,
        .ranked = pass->ranked,
        .nranked = pass->n,
    };
    if (vg_tally_new(&pass->plan, &pass->tally, err) < 0 ||
        vg_capture_group_scan(&group, false, count_batch, pass, err) < 0)
        return -1;
    struct vg_summary *summary = vg_tally_take(pass->tally, 0);
    int rc = store_pairs(capture, summary->pairs, err);
    vg_summary_free(summary);
    return rc;
}

int vg_capture_pairs(struct vg_capture *capture, struct vg_error *err)
{
    if (capture->routes || !vg_plan_has_pairs(capture->dataset))
        return 0;
    struct pass3 *pass = vg_arena_alloc(capture->arena, sizeof *pass);
    if (!pass)
        return fail_memory(err);
    *pass = (struct pass3){.n = 0};
    size_t left = choose_columns(capture, true, pass);
    left += choose_columns(capture, false, pass);
    say_left(capture, left);
    int rc = rank_columns(capture, pass, err);
    if (rc == 0 && pass->n)
        rc = scan(capture, pass, err);
    vg_tally_free(pass->tally);
    for (size_t i = 0; i < VG_PAIRS_COLUMNS; i++)
        vg_distribution_free(pass->hidden[i]);
    return rc;
}
