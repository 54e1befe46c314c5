/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: replays in the order of due times, single runs that catch up, and the daemon's threads
 * in virtual time. */
#include "tests/unit/loop_kit.h"

#include <sched.h>

#include "agent/clock.h"

/* --- Replays ---------------------------------------------------------------------------------- */

/* Two datasets, each window when it is due, none that is due after the end. */
static void test_replay_in_order(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(0).start_us);
    kit.loop.span.from_us = made_hour(0).start_us;
    kit.loop.span.until_us = made_hour(5).end_us;
    MUST(&kit, vg_loop_replay(&kit.loop, &kit.err));
    /* b's two hours are due a quarter of an hour behind a's second one */
    loop_kit_scans(&kit, "a0 a1 b0 a2 a3 b2 a4");
    assert_int_equal(loop_kit_slot(&kit, "a")->progress.watermark_us, made_hour(4).end_us);
    assert_int_equal(loop_kit_slot(&kit, "b")->progress.watermark_us, made_hour(3).end_us);
    int64_t now_us = kit.env.clock->ops->now_us(kit.env.clock);
    assert_true(now_us <= made_hour(5).end_us && now_us > made_hour(5).end_us - 6 * VG_MINUTE_US);
    assert_int_equal(kit.drained, kit.committed); /* after every cycle */
    assert_int_equal(kit.loop.failed_cycles, 0);
    loop_kit_stop(&kit);
}

/* A dataset that fails waits alone; the other goes on. */
static void test_replay_with_a_failure(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(0).start_us);
    kit.loop.span.from_us = made_hour(0).start_us;
    kit.loop.span.until_us = made_hour(3).end_us + VG_HOUR_US / 2;
    kit.source.scan = (struct source_trouble){2, VG_E_TIMEOUT, "57014", "too slow"};
    MUST(&kit, vg_loop_replay(&kit.loop, &kit.err));
    loop_kit_scans(&kit, "a0 a0 a0 a1 b0 a2 a3 b2");
    assert_int_equal(kit.loop.failed_cycles, 2);
    struct vg_window_row row;
    bool found;
    MUST(&kit, vg_store_window(kit.env.store, "a", made_hour(0).start_us, &row, &found, &kit.err));
    assert_true(found && row.status == VG_WINDOW_JUDGED);
    assert_int_equal(row.committed_us - row.due_us, 15 * VG_MINUTE_US); /* 5 and 10 of waiting */
    loop_kit_stop(&kit);
}

static void test_replay_stops(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(0).start_us);
    kit.loop.span.from_us = made_hour(0).start_us;
    kit.loop.span.until_us = made_hour(9).end_us;
    kit.stop_after = 20;
    MUST(&kit, vg_loop_replay(&kit.loop, &kit.err));
    assert_int_equal(kit.committed, 20);
    loop_kit_stop(&kit);
}

/* --- Single runs ------------------------------------------------------------------------------ */

/* The first run judges the newest closed window; later ones catch up; then nothing is due. */
static void test_once(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "a", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.loop.span.tick_now = true;
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    loop_kit_scans(&kit, "a5");
    assert_int_equal(kit.committed, 1);
    assert_true(loop_kit_slot(&kit, "a")->progress.tick_us != VG_NEVER);
    loop_kit_stop(&kit);

    loop_kit_start(&kit, state, "a", made_hour(8).end_us + VG_HOUR_US / 2);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err)); /* a new process: progress is stored */
    loop_kit_scans(&kit, "a6 a7 a8");
    assert_int_equal(kit.drained, 1);
    int before = kit.committed;
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    loop_kit_scans(&kit, "a6 a7 a8");
    assert_int_equal(kit.committed, before);
    loop_kit_stop(&kit);
}

/* --- The daemon ------------------------------------------------------------------------------- */

/* Threads in virtual time: windows in order, the reload that was asked for, and an end. */
static void test_daemon(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.next_book = "ab";
    kit.stop_after = 12;
    vg_loop_reload(&kit.loop);
    MUST(&kit, vg_loop_run(&kit.loop, 1, &kit.err));
    assert_true(kit.committed >= 12);
    assert_true(kit.idled >= 1 && kit.drained == 0);
    assert_true(kit.loads == 1 && kit.loaded == 1);
    assert_int_equal(kit.loop.failed_cycles, 0);
    int64_t last[2] = {0, 0};
    for (size_t i = 0; i < kit.source.nscans && i < SOURCE_SCANS; i++) {
        const struct source_scan *scan = &kit.source.scans[i];
        int64_t *before = &last[scan->table[3] == 'b'];
        assert_true(scan->from_us >= *before); /* each dataset's windows in their order */
        *before = scan->to_us;
    }
    assert_true(last[0] && last[1]);
    for (size_t i = 0; i < kit.loop.nslots; i++)
        assert_false(kit.loop.slots[i]->busy);
    loop_kit_stop(&kit);
}

/* A clock that is set back once, and moves only while nothing is under way. */
struct unsteady_clock {
    struct vg_clock base;
    _Atomic int64_t now_us;
    int64_t back_us, stop_us;
    struct loop_kit *kit;
};

static int64_t read_unsteady(struct vg_clock *self)
{
    return ((struct unsteady_clock *)self)->now_us;
}

static bool is_working(struct vg_loop *loop)
{
    bool working = false;
    pthread_mutex_lock(&loop->mutex);
    for (size_t i = 0; i < loop->nslots; i++)
        working |= loop->slots[i]->busy || loop->slots[i]->queued;
    pthread_mutex_unlock(&loop->mutex);
    return working;
}

static void sleep_unsteady(struct vg_clock *self, int64_t until_us)
{
    struct unsteady_clock *clock = (struct unsteady_clock *)self;
    if (is_working(&clock->kit->loop)) {
        sched_yield();
        return;
    }
    if (clock->back_us && clock->kit->committed >= 4) {
        clock->now_us -= clock->back_us;
        clock->stop_us = clock->now_us + 21 * VG_MINUTE_US;
        clock->back_us = 0;
        clock->kit->committed = 0; /* from here on */
        return;
    }
    if (until_us > clock->now_us)
        clock->now_us = until_us;
    if (clock->stop_us && clock->now_us >= clock->stop_us)
        vg_loop_stop(&clock->kit->loop);
}

static void wake_unsteady(struct vg_clock *self)
{
    (void)self;
}

static const struct vg_clock_ops unsteady_ops = {read_unsteady, sleep_unsteady, wake_unsteady};

/* Ticks go on as before, commands are answered, and no window is read a second time. */
static void run_set_back(void **state, int64_t back_us)
{
    struct loop_kit kit;
    struct unsteady_clock clock = {.base.ops = &unsteady_ops, .back_us = back_us, .kit = &kit};
    clock.now_us = made_hour(5).end_us + 5 * VG_MINUTE_US;
    loop_kit_start(&kit, state, "a", clock.now_us);
    kit.loop.env.clock = &clock.base;
    kit.loop.promote_us = clock.now_us + VG_MINUTE_US;
    MUST(&kit, vg_loop_run(&kit.loop, 1, &kit.err));
    assert_in_range(kit.committed - 1, 4,
                    6); /* ticks of 21 minutes, and what the jump itself said */
    assert_int_equal(kit.loop.promote_us, 0);
    assert_true(kit.idled >= 20); /* each minute */
    loop_kit_scans(&kit, "a4 a5");
    int64_t until_us;
    assert_int_equal(vg_loop_behind(&kit.loop, clock.now_us, &until_us), 1);
    assert_int_equal(until_us, made_hour(5).end_us);
    loop_kit_stop(&kit);
}

static void test_set_back_an_hour(void **state)
{
    run_set_back(state, VG_HOUR_US);
}

static void test_set_back_a_day(void **state)
{
    run_set_back(state, VG_DAY_US);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replay_in_order), TEST(test_replay_with_a_failure),
        TEST(test_replay_stops),    TEST(test_once),
        TEST(test_daemon),          TEST(test_set_back_an_hour),
        TEST(test_set_back_a_day),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
