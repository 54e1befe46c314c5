/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk that is full for an hour, seen through the daemon's loop on a clock that moves only while
 * nothing is under way: the database is left alone meanwhile, and cycles go on at once when there
 * is room. */
#include "tests/unit/loop_kit.h"

#include <sched.h>
#include <sqlite3.h>

#include "tests/unit/store_vfs.h"

/* Full just before everything is due, freed an hour later; ends when a cycle was committed after
 * that. */
struct disk_clock {
    struct vg_clock base;
    struct loop_kit *kit;
    _Atomic int64_t now_us;
    int64_t due_us;                     /* when everything is due */
    int64_t full_us, freed_us, back_us; /* 0: not yet */
    int committed, opens, refused;      /* when it became full; writes that failed */
};

static int64_t read_clock(struct vg_clock *self)
{
    return ((struct disk_clock *)self)->now_us;
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

static void change_disk(struct disk_clock *clock)
{
    struct loop_kit *kit = clock->kit;
    if (!clock->full_us && clock->now_us >= clock->due_us - 2 * VG_US) {
        clock->full_us = clock->now_us;
        clock->committed = kit->committed;
        clock->opens = kit->source.opens;
        vfs_fail(VFS_WRITE, 1, true, SQLITE_FULL);
    } else if (clock->full_us && !clock->freed_us && clock->now_us >= clock->full_us + VG_HOUR_US) {
        clock->freed_us = clock->now_us;
        assert_int_equal(kit->committed, clock->committed);
        clock->opens = kit->source.opens - clock->opens;
        clock->refused = vfs_heal();
    } else if (clock->freed_us && kit->committed > clock->committed) {
        clock->back_us = clock->now_us;
        vg_loop_stop(&kit->loop);
    }
}

static void sleep_until(struct vg_clock *self, int64_t until_us)
{
    struct disk_clock *clock = (struct disk_clock *)self;
    if (is_working(&clock->kit->loop)) {
        sched_yield();
        return;
    }
    change_disk(clock);
    if (until_us > clock->now_us)
        clock->now_us = until_us;
    if (clock->now_us > made_hour(9).end_us)
        vg_loop_stop(&clock->kit->loop); /* it never went on */
}

static void wake(struct vg_clock *self)
{
    (void)self;
}

static const struct vg_clock_ops disk_ops = {read_clock, sleep_until, wake};

static void test_full_for_an_hour(void **state)
{
    struct loop_kit kit;
    struct disk_clock clock = {.base.ops = &disk_ops, .kit = &kit};
    clock.now_us = made_hour(5).end_us + 5 * VG_MINUTE_US;
    clock.due_us = made_hour(5).end_us + 10 * VG_MINUTE_US;
    loop_kit_start(&kit, state, "amxy", clock.now_us); /* four of one schedule */
    kit.loop.env.clock = &clock.base;
    MUST(&kit, vg_loop_run(&kit.loop, 1, &kit.err));
    assert_true(clock.full_us && clock.full_us < clock.due_us && clock.freed_us);
    assert_true(clock.refused >= 1000); /* it was asked every two seconds or so */
    assert_int_equal(clock.opens, 1);   /* though four were queued, and due in the hour */
    if (!clock.back_us || clock.back_us - clock.freed_us > 3 * VG_US)
        fail_msg("cycles go on after %.1f s",
                 (double)(clock.back_us - clock.freed_us) / (double)VG_US);
    assert_true(kit.loop.failed_cycles >= 1);
    loop_kit_stop(&kit);
}

/* Where the store takes the little that it is asked and no cycle, cycles take a fifth of the time;
 * on a virtual clock, where nobody frees a disk by waiting, they wait as after any failure. */
static void test_how_long(void **state)
{
    static const struct {
        bool unwritten, replay;
        int n;
        int64_t took_us, want_us;
        bool lost;
    } cases[] = {
        {true, false, 1, 0, 2 * VG_US, true},
        {true, false, 9, VG_US / 4, 2 * VG_US, true},
        {true, false, 9, VG_MINUTE_US, 4 * VG_MINUTE_US, true},
        {true, false, 1, VG_HOUR_US, 5 * VG_MINUTE_US, true},
        {false, false, 3, 0, 20 * VG_MINUTE_US, false},
        {false, false, 9, VG_MINUTE_US, VG_HOUR_US, false},
        {true, true, 2, 0, 10 * VG_MINUTE_US, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loop_kit kit;
        int64_t now_us = made_hour(5).end_us;
        loop_kit_start(&kit, state, "a", now_us);
        kit.loop.span.until_us = cases[i].replay ? now_us + VG_DAY_US : VG_NEVER;
        const struct vg_cycle_end end = {-1, cases[i].unwritten, now_us - cases[i].took_us};
        const struct vg_dataset *dataset = kit.loop.book->rules->datasets[0];
        assert_int_equal(vg_loop_lost(&kit.loop, dataset, cases[i].n, &end) - now_us,
                         cases[i].want_us);
        assert_int_equal(kit.loop.store_lost, cases[i].lost);
        loop_kit_stop(&kit);
    }
}

/* What is damaged of one dataset has the code of a damaged store, and no waiting mends it: the
 * others go on, and it is tried less and less often. */
static void test_not_the_store(void **state)
{
    struct loop_kit kit;
    int64_t now_us = made_hour(5).end_us + VG_HOUR_US / 2;
    loop_kit_start(&kit, state, "ac", now_us);
    kit.source.open = (struct source_trouble){1, VG_E_STATE, NULL, "a summary is damaged"};
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    assert_int_equal(loop_kit_slot(&kit, "a")->lost, 1);
    assert_int_equal(loop_kit_slot(&kit, "a")->next_us, now_us + 5 * VG_MINUTE_US);
    assert_false(kit.loop.store_lost);
    assert_int_equal(kit.committed, 1); /* the other one */
    loop_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_full_for_an_hour), TEST(test_how_long),
                                       TEST(test_not_the_store)};
    vfs_install();
    return cmocka_run_group_tests_name("loop_store", tests, NULL, NULL);
}
