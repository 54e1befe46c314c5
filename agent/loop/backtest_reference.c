/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking a reference in use along: out of the live state, which is only read, into the store of a
 * backtest, column by column, with its segments and calibration, and with its base windows, which
 * are thousands, where they are read again. And versions that roll, captured as the daemon would.
 */
#include "agent/loop/backtest_run.h"
#include "agent/loop/calibrate.h"

#include "agent/loop/wanted.h"
#include "agent/reference.h"
#include "agent/window.h"

struct copy {
    struct vg_store *from, *to;
    const struct vg_reference *reference;
    int64_t version; /* in the store that is written */
    bool windows;    /* base windows, too */
};

/* They are what a calibration is made of, and the parts of a season. */
static int choose_windows(struct copy *copy, const struct vg_dataset *dataset,
                          const struct vg_reference_spec *spec, struct vg_error *err)
{
    if (spec == &dataset->reference &&
        vg_calibrate_lacks(copy->from, dataset, copy->reference->version, &copy->windows, err) < 0)
        return -1;
    copy->windows |= spec->season != VG_SEASON_NONE;
    return 0;
}

static int copy_window(void *arg, const struct vg_window *base,
                       const struct vg_column_summary *summary, struct vg_error *err)
{
    struct copy *copy = arg;
    return vg_store_reference_window(copy->to, copy->version, base, summary, err);
}

static int copy_columns(struct copy *copy, struct vg_error *err)
{
    const struct vg_reference *reference = copy->reference;
    for (size_t i = 0; i < reference->ncolumns; i++) {
        const struct vg_reference_column *column = &reference->columns[i];
        if (vg_store_reference_column(copy->to, copy->version, i, column, err) < 0)
            return -1;
        if (copy->windows && vg_store_reference_windows(copy->from, reference->version,
                                                        column->name, copy_window, copy, err) < 0)
            return -1;
    }
    return 0;
}

static int copy_segments(struct copy *copy, struct vg_error *err)
{
    const struct vg_reference *reference = copy->reference;
    for (size_t s = 0; s < reference->nsegments; s++) {
        const struct vg_reference_segment *segment = &reference->segments[s];
        for (size_t i = 0; i < segment->view->ncolumns; i++) {
            const struct vg_reference_column *column = &segment->view->columns[i];
            if (column->total && vg_store_reference_segment(copy->to, copy->version, segment->name,
                                                            column->total, err) < 0)
                return -1;
        }
    }
    return 0;
}

static int copy_part(struct copy *copy, const struct vg_calibration *of, int64_t id,
                     const char *column, struct vg_error *err)
{
    const void *body;
    size_t size;
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = vg_store_calibration_column(copy->from, of->id, column, arena, &body, &size, err);
    if (rc == 0 && body)
        rc = vg_store_calibration_part(copy->to, id, column, body, size, err);
    vg_arena_free(arena);
    return rc;
}

static int copy_calibration(struct copy *copy, struct vg_error *err)
{
    const struct vg_reference *reference = copy->reference;
    struct vg_calibration stored;
    bool found;
    int64_t id;
    if (vg_store_calibration(copy->from, reference->version, reference->arena, &stored, &found,
                             err) < 0)
        return -1;
    if (!found)
        return 0;
    if (vg_store_calibration_begin(copy->to, copy->version, stored.inputs, stored.at_us, &id, err) <
        0)
        return -1;
    for (size_t i = 0; i < reference->ncolumns; i++) {
        if (copy_part(copy, &stored, id, reference->columns[i].name, err) < 0)
            return -1;
    }
    return vg_store_calibration_done(copy->to, id, stored.body, stored.size, err);
}

static int copy_all(struct copy *copy, const char *dataset, struct vg_error *err)
{
    const struct vg_reference *reference = copy->reference;
    if (vg_store_reference_begin(copy->to, dataset, reference, &copy->version, err) < 0 ||
        copy_columns(copy, err) < 0 || copy_segments(copy, err) < 0 ||
        vg_store_reference_done(copy->to, copy->version, reference->rows, NULL,
                                reference->captured_us, err) < 0)
        return -1;
    return copy_calibration(copy, err);
}

int vg_backtest_reference(struct vg_store *from, struct vg_store *to,
                          const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                          int64_t *version, struct vg_error *err)
{
    const struct vg_claim claim = {"backtest", 1};
    struct vg_reference *reference = NULL;
    if (vg_store_reference_of(from, dataset->id, spec->name, VG_NEVER, version, err) < 0)
        return -1;
    if (!*version)
        return 0;
    if (vg_store_reference(from, dataset->id, *version, NULL, &reference, err) < 0)
        return -1;
    struct copy copy = {.from = from, .to = to, .reference = reference};
    int rc = vg_reference_coarse(reference) < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    if (rc == 0)
        rc = choose_windows(&copy, dataset, spec, err);
    if (rc == 0)
        rc = vg_store_reference_segments(from, reference, NULL, err);
    if (rc == 0)
        rc = vg_store_begin(to, &claim, err);
    if (rc == 0 && copy_all(&copy, dataset->id, err) < 0) {
        vg_store_rollback(to);
        rc = -1;
    } else if (rc == 0) {
        rc = vg_store_commit(to, err);
    }
    vg_reference_free(reference);
    return rc;
}

/* Whether a window that starts then needs the versions that the one before it needs. */
static bool is_same_turn(const struct vg_dataset *dataset, int64_t before_us, int64_t start_us)
{
    for (size_t i = 0; i <= dataset->nothers; i++) {
        const struct vg_reference_spec *spec = vg_reference_spec_of(dataset, i);
        struct vg_window before, now;
        if (spec->kind != VG_REF_ROLLING)
            continue;
        vg_reference_span(dataset, spec, before_us, &before);
        vg_reference_span(dataset, spec, start_us, &now);
        if (before.end_us != now.end_us)
            return false;
    }
    return true;
}

void vg_backtest_turns(const struct vg_backtest_task *task)
{
    const struct vg_dataset *dataset = task->dataset;
    struct vg_window window;
    int64_t before_us = VG_NEVER;
    vg_window_at(dataset->zone, dataset->schedule.window_us, task->from_us, &window);
    while (window.start_us < task->to_us && !(task->env.stop && *task->env.stop)) {
        if (before_us == VG_NEVER || !is_same_turn(dataset, before_us, window.start_us))
            vg_wanted_catch_up(&task->env, dataset, window.start_us);
        before_us = window.start_us;
        vg_window_next(dataset->zone, dataset->schedule.window_us, &window, &window);
    }
}
