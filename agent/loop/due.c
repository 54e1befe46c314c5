/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is due for a dataset. Pure: progress and a time in, a job out. Windows come in order, one at
 * a time; ticks that passed are counted, never run in a burst. */
#include "agent/loop/due.h"

#include "agent/window.h"

static int64_t find_due(const struct vg_dataset *dataset, const struct vg_window *window)
{
    return window->end_us + dataset->schedule.delay_us;
}

static void find_first(const struct vg_dataset *dataset, const struct vg_span *span, int64_t now_us,
                       struct vg_window *out)
{
    int64_t width = dataset->schedule.window_us;
    if (span->from_us == VG_NEVER || !dataset->time_column) {
        vg_window_newest_due(dataset, now_us, out);
        return;
    }
    vg_window_at(dataset->zone, width, span->from_us, out);
    if (out->start_us < span->from_us)
        vg_window_next(dataset->zone, width, out, out);
}

/* The next window to judge, and what is skipped before it: what lies further back than catch-up
 * reaches, but never the newest closed window. A table without time is only ever as it is now. */
static void find_window(const struct vg_dataset *dataset, const struct vg_progress *progress,
                        const struct vg_span *span, int64_t now_us, struct vg_job *job)
{
    int64_t width = dataset->schedule.window_us;
    if (progress->watermark_us == VG_NEVER)
        find_first(dataset, span, now_us, &job->range);
    else
        vg_window_at(dataset->zone, width, progress->watermark_us, &job->range);
    job->skipped = (struct vg_window){job->range.start_us, job->range.start_us, false};
    bool backfill = span->from_us != VG_NEVER && progress->watermark_us == VG_NEVER;
    if (backfill || find_due(dataset, &job->range) > now_us)
        return;
    struct vg_window newest, wanted;
    vg_window_newest_due(dataset, now_us, &newest);
    wanted = newest;
    if (dataset->time_column) {
        int64_t oldest_end = vg_catch_up_from(dataset, now_us) - dataset->schedule.delay_us;
        vg_window_at(dataset->zone, width, oldest_end - 1, &wanted);
    }
    if (wanted.start_us > newest.start_us)
        wanted = newest;
    bool replay = span->until_us != VG_NEVER;
    if (replay || wanted.start_us <= job->range.start_us)
        return;
    if (dataset->time_column)
        job->skipped.end_us = wanted.start_us;
    job->range = wanted;
}

static int64_t find_tick(const struct vg_dataset *dataset, const struct vg_progress *progress,
                         const struct vg_span *span)
{
    if (progress->tick_us != VG_NEVER)
        return vg_tick_after(dataset, progress->tick_us);
    return span->tick_now ? progress->first_seen_us
                          : vg_tick_after(dataset, progress->first_seen_us);
}

/* What a clock that was ahead, or was set back, has left in the future must not stop the dataset:
 * ticks and retries go on at once. Windows that were judged are not judged again: the next one has
 * its turn when its time comes. Only where that is more than a day, it is forgotten. */
static struct vg_progress mend(const struct vg_dataset *dataset, const struct vg_progress *progress,
                               int64_t now_us)
{
    struct vg_progress mended = *progress;
    struct vg_window newest;
    vg_window_newest_due(dataset, now_us, &newest);
    int64_t ahead = newest.end_us + dataset->schedule.window_us + VG_DAY_US + VG_HOUR_US;
    int64_t retry_us =
        mended.failures ? vg_due_retry(dataset, mended.failures, now_us) : now_us + VG_HOUR_US;
    if (mended.tick_us != VG_NEVER && mended.tick_us > now_us + dataset->schedule.every_us)
        mended.tick_us = now_us - dataset->schedule.every_us;
    if (mended.tick_us == VG_NEVER && mended.first_seen_us > now_us)
        mended.first_seen_us = now_us - dataset->schedule.every_us;
    if (mended.retry_us != VG_NEVER && mended.retry_us > retry_us)
        mended.retry_us = VG_NEVER;
    if (mended.watermark_us != VG_NEVER && mended.watermark_us > ahead)
        mended.watermark_us = newest.end_us;
    return mended;
}

/* When a window is to be read again; VG_NEVER: none. What a file no longer asks for waits. */
static int64_t find_revisit(const struct vg_dataset *dataset, const struct vg_progress *progress)
{
    bool some = dataset->schedule.nrevisits && progress->revisit_us;
    return some ? progress->revisit_us : VG_NEVER;
}

int64_t vg_due_next(const struct vg_dataset *dataset, const struct vg_progress *stored,
                    const struct vg_span *span, int64_t now_us)
{
    const struct vg_progress mended = mend(dataset, stored, now_us), *progress = &mended;
    struct vg_job job = {0};
    find_window(dataset, progress, span, now_us, &job);
    int64_t window = find_due(dataset, &job.range);
    int64_t tick = find_tick(dataset, progress, span);
    int64_t revisit = find_revisit(dataset, progress);
    int64_t next = window < tick ? window : tick;
    if (revisit < next)
        next = revisit;
    if (progress->retry_us != VG_NEVER && next < progress->retry_us)
        next = progress->retry_us;
    return next > span->until_us ? VG_NEVER : next;
}

bool vg_due_job(const struct vg_dataset *dataset, const struct vg_progress *stored,
                const struct vg_span *span, int64_t now_us, struct vg_job *out)
{
    const struct vg_progress mended = mend(dataset, stored, now_us), *progress = &mended;
    *out = (struct vg_job){.dataset = dataset};
    if (progress->retry_us != VG_NEVER && now_us < progress->retry_us)
        return false;
    find_window(dataset, progress, span, now_us, out);
    int64_t due = find_due(dataset, &out->range);
    out->window = due <= now_us && due <= span->until_us;
    if (!out->window)
        out->skipped.end_us = out->skipped.start_us;
    int64_t tick = find_tick(dataset, progress, span);
    out->tick = tick <= now_us && tick <= span->until_us;
    if (out->tick)
        out->ticks_skipped = (now_us - tick) / dataset->schedule.every_us;
    out->due_us = out->window ? due : tick + out->ticks_skipped * dataset->schedule.every_us;
    struct vg_window next;
    vg_window_next(dataset->zone, dataset->schedule.window_us, &out->range, &next);
    out->next_due = out->window && find_due(dataset, &next) <= now_us;
    out->catching_up = out->next_due && dataset->time_column;
    if (out->window || out->tick)
        return true;
    int64_t revisit = find_revisit(dataset, progress);
    out->revisit = revisit <= now_us && revisit <= span->until_us;
    if (out->revisit)
        out->due_us = revisit;
    return out->revisit;
}

int64_t vg_due_retry(const struct vg_dataset *dataset, int failures, int64_t now_us)
{
    int64_t wait = dataset->schedule.every_us;
    for (int i = 1; i < failures && wait < VG_HOUR_US; i++)
        wait *= 2;
    return now_us + (wait < VG_HOUR_US ? wait : VG_HOUR_US);
}
