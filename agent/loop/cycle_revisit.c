/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Revisits: a window that was judged is read again, compared with what it was, and its stored
 * summary replaced. Its rules are not judged again and their alerts do not move; only late_rows and
 * rewritten speak. Each revisit is a cycle of its own, in its own snapshot and transaction. */
#include "agent/loop/cycle_revisit.h"

#include <string.h>

#include "agent/loop/cycle_commit.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { CHECKSUM_MAX = 8 << 20, READS_BEFORE_OVER = 3 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_cycle_revisit_load(struct vg_work *work, bool *found, struct vg_error *err)
{
    const char *id = work->job.dataset->id;
    if (vg_store_checked_due(work->env->store, id, work->cycle.now_us, work->arena, &work->checked,
                             found, err) < 0)
        return -1;
    if (*found)
        work->job.range = work->cycle.window = work->checked.window;
    work->cycle.revisited = *found;
    return 0;
}

int vg_cycle_revisit_compare(struct vg_work *work, struct vg_error *err)
{
    const struct vg_checked *checked = &work->checked;
    struct vg_checksum then;
    work->revisit = (struct vg_revisit){.window = checked->window, .read_us = checked->read_us};
    if (vg_checksum_read(checked->body, checked->size, work->arena, &then, err) < 0)
        return -1;
    vg_checksum_compare(&then, &work->checksum, &work->revisit);
    return 0;
}

bool vg_cycle_revisit_over(const struct vg_work *work, bool scanning)
{
    return work->job.revisit && scanning && work->checked.failures + 1 >= READS_BEFORE_OVER;
}

/* The first time to read it again that is still to come; 0: none. What was missed while nothing ran
 * is one with the read at hand. */
static int64_t find_next(const struct vg_schedule *schedule, int64_t checked_us, int64_t now_us)
{
    for (size_t i = 0; i < schedule->nrevisits; i++) {
        if (checked_us + schedule->revisit_us[i] > now_us)
            return checked_us + schedule->revisit_us[i];
    }
    return 0;
}

/* The row with the checksum that was just taken. */
static int put_checked(struct vg_work *work, struct vg_checked *row, struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_buf body;
    vg_buf_init(&body, CHECKSUM_MAX);
    vg_checksum_write(&work->checksum, &body);
    row->read_us = work->cycle.now_us;
    row->next_us = find_next(&dataset->schedule, row->checked_us, work->cycle.now_us);
    row->failures = 0;
    row->body = body.data;
    row->size = body.len;
    int rc = body.failed ? fail_memory(err)
                         : vg_store_checked_put(work->env->store, dataset->id, row, err);
    row->body = NULL;
    vg_buf_free(&body);
    return rc;
}

/* A window that was judged with rows. */
static int store_judged(struct vg_work *work, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    struct vg_window base;
    struct vg_checked row = {.window = cycle->window, .checked_us = cycle->now_us};
    vg_cycle_base(work, &cycle->window, &base);
    bool whole = base.start_us == cycle->window.start_us && base.end_us == cycle->window.end_us;
    if (!whole && vg_store_summary_part(work->env->store, work->job.dataset->id, &base,
                                        &cycle->window, cycle->summary, err) < 0)
        return -1;
    return put_checked(work, &row, err);
}

/* What has changed takes the place of what was stored. */
static int store_changed(struct vg_work *work, const struct vg_window *base, struct vg_error *err)
{
    struct vg_store *store = work->env->store;
    const char *id = work->job.dataset->id;
    struct vg_window_row row;
    bool found;
    vg_cycle_hide_private(work);
    if (vg_store_window(store, id, work->checked.window.start_us, &row, &found, err) < 0)
        return -1;
    row.rows = work->cycle.rows;
    if (found && vg_store_window_put(store, id, &row, err) < 0)
        return -1;
    return vg_store_summary_replace(store, id, base, &work->checked.window, work->cycle.summary,
                                    err);
}

static int store_revisit(struct vg_work *work, struct vg_error *err)
{
    struct vg_checked row = work->checked;
    struct vg_window base;
    vg_cycle_base(work, &row.window, &base);
    if (!work->revisit.same && store_changed(work, &base, err) < 0)
        return -1;
    if (put_checked(work, &row, err) < 0)
        return -1;
    if (base.end_us > work->cycle.now_us)
        return 0; /* more windows of it are to come */
    return vg_store_summary_settle(work->env->store, work->job.dataset->id, &base, err);
}

/* Tried again later, the later the more often it failed; after the third failure the next time of
 * the schedule is waited for. A failure before the scan is not the window's, and counts no more
 * than as one. */
static int store_failed(struct vg_work *work, struct vg_error *err)
{
    struct vg_checked row = work->checked;
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_schedule *schedule = &dataset->schedule;
    row.failures += work->scanning;
    row.next_us = vg_due_retry(dataset, row.failures ? row.failures : 1, work->cycle.now_us);
    if (vg_cycle_revisit_over(work, work->scanning)) {
        row.failures = 0;
        row.next_us = find_next(schedule, row.checked_us, work->cycle.now_us);
    }
    return vg_store_checked_put(work->env->store, dataset->id, &row, err);
}

int vg_cycle_revisit_store(struct vg_work *work, struct vg_progress *after, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    const struct vg_dataset *dataset = work->job.dataset;
    bool judged = cycle->has_window && !cycle->unreadable && !cycle->empty && cycle->summary &&
                  work->plan.time && dataset->schedule.nrevisits;
    int rc = 0;
    if (judged)
        rc = store_judged(work, err);
    else if (cycle->revisited)
        rc = cycle->failed ? store_failed(work, err) : store_revisit(work, err);
    if (rc < 0)
        return -1;
    return vg_store_checked_next(work->env->store, dataset->id, &after->revisit_us, err);
}
