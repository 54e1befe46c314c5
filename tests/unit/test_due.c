/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is due: ticks, windows, catch-up, skipping, back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/loop/due.h"
#include "agent/window.h"

static const struct vg_span no_span = {false, VG_NEVER, VG_NEVER};

static struct vg_dataset make_dataset(void)
{
    return (struct vg_dataset){
        .id = "d",
        .zone = &vg_utc,
        .time_column = "t",
        .schedule = {.window_us = VG_HOUR_US,
                     .delay_us = 2 * VG_MINUTE_US,
                     .every_us = 5 * VG_MINUTE_US,
                     .catch_up_us = VG_DAY_US},
    };
}

static struct vg_progress make_progress(int64_t now_us)
{
    return (struct vg_progress){.first_seen_us = now_us,
                                .watermark_us = VG_NEVER,
                                .tick_us = VG_NEVER,
                                .retry_us = VG_NEVER};
}

static void test_first_run(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    int64_t now = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US;
    struct vg_progress progress = make_progress(now);
    struct vg_job job;
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_true(job.window);
    assert_int_equal(job.range.start_us, 999 * VG_HOUR_US); /* the newest closed window only */
    assert_int_equal(job.due_us, 1000 * VG_HOUR_US + 2 * VG_MINUTE_US);
    assert_false(job.tick); /* the first tick is spread by the name */
    assert_false(job.catching_up);
    struct vg_span back = {false, 990 * VG_HOUR_US + 1, VG_NEVER};
    assert_true(vg_due_job(&dataset, &progress, &back, now, &job));
    assert_int_equal(job.range.start_us, 991 * VG_HOUR_US); /* --backfill */
    assert_true(job.catching_up);
}

static void test_catch_up_and_skip(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    int64_t now = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US;
    struct vg_progress progress = make_progress(now);
    struct vg_job job;
    progress.watermark_us = 997 * VG_HOUR_US;
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_int_equal(job.range.start_us, 997 * VG_HOUR_US);
    assert_true(job.catching_up);
    assert_int_equal(job.skipped.end_us, job.skipped.start_us);
    progress.watermark_us = 900 * VG_HOUR_US; /* 100 hours behind, 24 are caught up */
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_int_equal(job.skipped.start_us, 900 * VG_HOUR_US);
    assert_int_equal(job.skipped.end_us, job.range.start_us);
    assert_true(job.range.end_us + dataset.schedule.delay_us >= now - VG_DAY_US);
    assert_true(job.range.start_us <= now - VG_DAY_US);
    dataset.schedule.catch_up_us = 0; /* still never past the newest closed window */
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_int_equal(job.range.start_us, 999 * VG_HOUR_US);
    assert_false(job.catching_up);
}

static void test_ticks_are_counted_not_run(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    int64_t start = 1000 * VG_HOUR_US;
    struct vg_progress progress = make_progress(start);
    struct vg_job job;
    int64_t tick = vg_tick_after(&dataset, start);
    progress.watermark_us = start;
    assert_false(vg_due_job(&dataset, &progress, &no_span, tick - 1, &job));
    assert_int_equal(vg_due_next(&dataset, &progress, &no_span, start), tick);
    assert_true(vg_due_job(&dataset, &progress, &no_span, tick + 3, &job));
    assert_true(job.tick);
    assert_int_equal(job.due_us, tick);
    assert_int_equal(job.ticks_skipped, 0);
    assert_true(vg_due_job(&dataset, &progress, &no_span, tick + 11 * VG_MINUTE_US, &job));
    assert_int_equal(job.ticks_skipped, 2);
    assert_int_equal(job.due_us, tick + 10 * VG_MINUTE_US);
}

static void test_back_off(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    static const int64_t waits[] = {5, 10, 20, 40, 60, 60};
    for (int i = 0; i < 6; i++)
        assert_int_equal(vg_due_retry(&dataset, i + 1, 7), 7 + waits[i] * VG_MINUTE_US);
    int64_t now = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US;
    struct vg_progress progress = make_progress(now - VG_DAY_US);
    struct vg_job job;
    progress.retry_us = now + 1;
    assert_false(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_int_equal(vg_due_next(&dataset, &progress, &no_span, now), now + 1);
    assert_true(vg_due_job(&dataset, &progress, &no_span, now + 1, &job));
}

static void test_replay_judges_exactly_its_span(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    dataset.schedule.window_us = VG_DAY_US;
    dataset.schedule.every_us = VG_HOUR_US;
    struct vg_span span = {false, 100 * VG_DAY_US, 103 * VG_DAY_US + 2 * VG_MINUTE_US};
    int64_t now = span.from_us;
    struct vg_progress progress = make_progress(now);
    int64_t judged = 0, ticks = 0;
    while ((now = vg_due_next(&dataset, &progress, &span, now)) != VG_NEVER) {
        struct vg_job job;
        assert_true(vg_due_job(&dataset, &progress, &span, now, &job));
        assert_false(job.catching_up);
        if (job.window) {
            assert_int_equal(job.range.start_us, (100 + judged) * VG_DAY_US);
            progress.watermark_us = job.range.end_us;
            judged++;
        }
        if (job.tick)
            progress.tick_us = now;
        ticks += job.tick;
    }
    assert_int_equal(judged, 3); /* the third is due at the very end of the span */
    assert_in_range((uintmax_t)ticks, 71, 73);
}

/* What a clock that was two days ahead has left does not keep the dataset blind until then. */
static void test_clock_was_ahead(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    int64_t now = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US;
    struct vg_progress progress = make_progress(now - VG_DAY_US);
    struct vg_job job;
    progress.tick_us = now + VG_DAY_US;
    progress.retry_us = now + VG_DAY_US;
    progress.watermark_us = 1048 * VG_HOUR_US;
    assert_true(vg_due_next(&dataset, &progress, &no_span, now) <= now);
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_true(job.tick);
    assert_false(job.window); /* the newest closed one was committed; the next is not due */
    now += VG_HOUR_US;
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    progress.watermark_us = 1001 * VG_HOUR_US; /* an ordinary one stays */
    assert_true(vg_due_job(&dataset, &progress, &no_span, now + VG_HOUR_US, &job));
    assert_true(job.window);
    assert_int_equal(job.range.start_us, 1001 * VG_HOUR_US);
}

/* Set back by an hour or a day: ticks and retries go on, and no window is judged twice. */
static void test_clock_set_back(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    static const int64_t backs[] = {VG_HOUR_US, VG_DAY_US};
    for (size_t i = 0; i < 2; i++) {
        int64_t then = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US, now = then - backs[i];
        struct vg_progress progress = make_progress(now - VG_DAY_US);
        struct vg_job job;
        progress.tick_us = then;
        progress.watermark_us = 1000 * VG_HOUR_US;
        progress.failures = 1;
        progress.retry_us = then + 5 * VG_MINUTE_US; /* left by a failure before the jump */
        assert_true(vg_due_next(&dataset, &progress, &no_span, now) <= now);
        assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
        assert_true(job.tick && !job.window);
        progress.failures = 0;
        progress.retry_us = VG_NEVER;
        int64_t due = 1001 * VG_HOUR_US + 2 * VG_MINUTE_US;
        for (; now < due; now += 10 * VG_MINUTE_US)
            assert_false(vg_due_job(&dataset, &progress, &no_span, now, &job) && job.window);
        assert_true(vg_due_job(&dataset, &progress, &no_span, due, &job));
        assert_true(job.window);
        assert_int_equal(job.range.start_us, 1000 * VG_HOUR_US);
    }
}

static void test_no_time_column(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    dataset.time_column = NULL;
    int64_t now = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US;
    struct vg_progress progress = make_progress(now);
    struct vg_job job;
    progress.watermark_us = 900 * VG_HOUR_US;
    assert_true(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_int_equal(job.range.start_us, 999 * VG_HOUR_US);
    assert_int_equal(job.skipped.end_us, job.skipped.start_us); /* a state has no past */
    assert_false(job.catching_up);
}

/* What is to be read again comes after windows and ticks, and only where the file asks for it. */
static void test_revisits(void **state)
{
    (void)state;
    struct vg_dataset dataset = make_dataset();
    int64_t now = 1000 * VG_HOUR_US + 30 * VG_MINUTE_US;
    struct vg_progress progress = make_progress(now);
    struct vg_job job;
    progress.watermark_us = 1000 * VG_HOUR_US;
    progress.tick_us = now;
    int64_t tick = vg_tick_after(&dataset, now);
    progress.revisit_us = now + 1;
    assert_int_equal(vg_due_next(&dataset, &progress, &no_span, now), tick);
    dataset.schedule.nrevisits = 1;
    assert_int_equal(vg_due_next(&dataset, &progress, &no_span, now), now + 1);
    assert_false(vg_due_job(&dataset, &progress, &no_span, now, &job));
    assert_true(vg_due_job(&dataset, &progress, &no_span, now + 1, &job));
    assert_true(job.revisit && !job.tick && !job.window && job.due_us == now + 1);
    assert_true(vg_due_job(&dataset, &progress, &no_span, tick, &job));
    assert_true(job.tick && !job.revisit);
    assert_true(
        vg_due_job(&dataset, &progress, &no_span, 1001 * VG_HOUR_US + 3 * VG_MINUTE_US, &job));
    assert_true(job.window && !job.revisit);
    struct vg_span span = {false, VG_NEVER, now}; /* a replay that ends before */
    assert_int_equal(vg_due_next(&dataset, &progress, &span, now), VG_NEVER);
    progress.retry_us = now + VG_MINUTE_US; /* nor while a failed read waits */
    assert_false(vg_due_job(&dataset, &progress, &no_span, now + 1, &job));
    progress.retry_us = VG_NEVER;
    progress.revisit_us = 0;
    assert_int_equal(vg_due_next(&dataset, &progress, &no_span, now), tick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_run),
        cmocka_unit_test(test_catch_up_and_skip),
        cmocka_unit_test(test_ticks_are_counted_not_run),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_replay_judges_exactly_its_span),
        cmocka_unit_test(test_clock_was_ahead),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_no_time_column),
        cmocka_unit_test(test_revisits),
    };
    return cmocka_run_group_tests_name("due", tests, NULL, NULL);
}
