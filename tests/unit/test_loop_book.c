/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reloads and what they retire, and commands left in the store. */
#include "tests/unit/loop_kit.h"

#include <string.h>

#include "agent/clock.h"

/* --- Reloads ---------------------------------------------------------------------------------- */

static void test_reload_retires(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.loop.span.tick_now = true;
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    loop_kit_known(&kit, "ab");
    kit.next_book = "ac";
    loop_kit_command(&kit, "reload", "", "ok");
    loop_kit_known(&kit, "ac");
    assert_true(kit.loads == 1 && kit.loaded == 1 && kit.freed == 1);
    assert_true(kit.loop.last_load_ok);
    loop_kit_scans(&kit, "a5 b4 c4"); /* what came new is looked at in the same run */
    loop_kit_stop(&kit);
}

/* A configuration that does not load leaves the old one in force. */
static void test_reload_fails(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.next_book = NULL;
    const struct vg_book *before = kit.loop.book;
    loop_kit_command(&kit, "reload", "", "the log says what is wrong");
    assert_true(kit.loop.book == before && kit.loaded == 0 && kit.freed == 0);
    assert_false(kit.loop.last_load_ok);
    kit.next_book = "ab";
    loop_kit_command(&kit, "reload", "", "ok");
    assert_true(kit.loop.last_load_ok && kit.loop.book != before);
    loop_kit_stop(&kit);
}

/* When more than half would go it was an accident, unless it is said to be meant. */
static void test_reload_that_loses_most(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "abc", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.loop.span.tick_now = true;
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    kit.next_book = "a";
    loop_kit_command(&kit, "reload", "", "nothing has changed, the rules in force stay");
    kit.next_book = "a";
    loop_kit_command(&kit, "reload", "", "pgvigil reload --force");
    loop_kit_known(&kit, "abc");
    assert_true(kit.refused == 2 && kit.loaded == 0);
    loop_kit_command(&kit, "reload", "force", "ok");
    loop_kit_known(&kit, "a");
    assert_false(kit.loop.force_reload);
    loop_kit_stop(&kit);
}

static void test_rename(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.loop.span.tick_now = true;
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    kit.next_book = "bn";
    loop_kit_command(&kit, "reload", "", "ok");
    loop_kit_known(&kit, "bn");
    assert_int_equal(loop_kit_slot(&kit, "n")->progress.watermark_us, made_hour(5).end_us);
    loop_kit_scans(&kit, "a5 b4"); /* nothing is judged again */
    loop_kit_stop(&kit);
}

/* A folder that gives nothing is refused even before the store knows a dataset. */
static void test_reload_that_loses_the_folder(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    kit.next_book = "";
    kit.folder_lost = true;
    vg_loop_renew(&kit.loop);
    assert_true(kit.refused == 1 && kit.loaded == 0 && !kit.loop.last_load_ok);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    vg_loop_renew(&kit.loop);
    assert_int_equal(kit.refused, 2);
    loop_kit_command(&kit, "reload", "force", "ok");
    loop_kit_known(&kit, "");
    loop_kit_stop(&kit);
}

/* --- Reloads while a cycle is on the way ------------------------------------------------------ */

static void reload_now(struct loop_kit *kit)
{
    vg_loop_renew(&kit->loop);
}

static void reload_in_scan(void *arg)
{
    struct loop_kit *kit = arg;
    kit->source.during = NULL;
    vg_loop_renew(&kit->loop);
}

/* Two datasets with a window each; then a cycle of `id` three hours later, in whose scan a book of
 * these letters comes into force. */
static struct vg_slot *interrupt(struct loop_kit *kit, void **state, const char *first,
                                 const char *id, const char *next)
{
    loop_kit_start(kit, state, first, made_hour(5).end_us + VG_HOUR_US / 2);
    kit->loop.span.tick_now = true;
    MUST(kit, vg_loop_once(&kit->loop, &kit->err));
    struct vg_slot *slot = loop_kit_slot(kit, id);
    kit->next_book = next;
    kit->source.during = reload_in_scan;
    kit->source.during_arg = kit;
    kit->env.clock->ops->sleep_until(kit->env.clock, made_hour(8).end_us);
    slot->busy = true; /* as a worker of the daemon has it */
    vg_loop_cycle(&kit->loop, slot);
    assert_int_equal(kit->loaded, 1);
    return slot;
}

static void assert_incident(struct loop_kit *kit, const char *dataset)
{
    struct vg_incident *incidents;
    size_t n;
    MUST(kit, vg_store_incidents(kit->env.store, NULL, false, kit->store->arena, &incidents, &n,
                                 &kit->err));
    assert_int_equal(n, 1);
    assert_string_equal(incidents[0].dataset, dataset);
    assert_int_equal(incidents[0].closed_us, VG_NEVER);
}

static void assert_names(struct loop_kit *kit, const char *want)
{
    struct vg_strings known;
    MUST(kit, vg_store_datasets(kit->env.store, kit->store->arena, &known, &kit->err));
    assert_int_equal(known.n, strlen(want));
    for (size_t i = 0; i < known.n; i++)
        assert_int_equal(*known.items[i], want[i]);
}

/* A dataset that is retired while its cycle is on the way does not come back by its commit. */
static void test_retired_during_a_cycle(void **state)
{
    struct loop_kit kit;
    struct vg_slot *slot = interrupt(&kit, state, "ab", "b", "a");
    loop_kit_scans(&kit, "a5 b4 b6");
    assert_names(&kit, "a");
    assert_int_equal(kit.committed, 2);
    assert_true(slot->gone && slot->next_us == VG_NEVER && !slot->busy);
    assert_true(kit.shown['a'] && !kit.shown['b']);
    assert_int_equal(kit.loop.failed_cycles, 0);
    kit.next_book = "a";
    loop_kit_command(&kit, "reload", "", "ok"); /* the slot goes with the next reload */
    loop_kit_known(&kit, "a");
    loop_kit_stop(&kit);
}

/* Also when the reload was forced, which a later look at the store would not know. */
static void test_emptied_during_a_cycle(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "f", made_hour(5).end_us + VG_HOUR_US / 2);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    kit.next_book = "";
    kit.folder_lost = true;
    kit.loop.force_reload = true;
    kit.source.during = reload_in_scan;
    kit.source.during_arg = &kit;
    kit.env.clock->ops->sleep_until(kit.env.clock, made_hour(8).end_us);
    loop_kit_slot(&kit, "f")->busy = true;
    vg_loop_cycle(&kit.loop, loop_kit_slot(&kit, "f"));
    assert_names(&kit, "");
    assert_int_equal(kit.committed, 1);
    loop_kit_stop(&kit);
}

/* What it read is judged again under the new name, once, and its incident goes on. */
static void test_renamed_during_a_cycle(void **state)
{
    struct loop_kit kit;
    struct vg_slot *slot = interrupt(&kit, state, "bf", "f", "bg");
    loop_kit_scans(&kit, "b4 f5 f6");
    assert_names(&kit, "bg");
    assert_int_equal(kit.committed, 2);
    assert_incident(&kit, "g");
    assert_true(slot->gone && slot->next_us == VG_NEVER);
    struct vg_slot *now = loop_kit_slot(&kit, "g");
    assert_int_equal(now->progress.watermark_us, made_hour(5).end_us);
    assert_true(now->next_us <= made_hour(8).end_us);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    loop_kit_scans(&kit, "b4 f5 f6 g6 g7 b6");
    assert_names(&kit, "bg");
    assert_incident(&kit, "g");
    assert_int_equal(now->progress.watermark_us, made_hour(7).end_us);
    assert_true(kit.shown['g'] && !kit.shown['f']);
    struct vg_window_row row;
    bool found;
    MUST(&kit, vg_store_window(kit.env.store, "g", made_hour(6).start_us, &row, &found, &kit.err));
    assert_true(found && row.status == VG_WINDOW_JUDGED);
    MUST(&kit, vg_store_window(kit.env.store, "f", made_hour(6).start_us, &row, &found, &kit.err));
    assert_false(found);
    loop_kit_stop(&kit);
}

/* A commit just before the reload is carried over, and its late publishing leaves no trace. */
static void test_renamed_after_a_commit(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "bf", made_hour(5).end_us + VG_HOUR_US / 2);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    kit.next_book = "bg";
    kit.at_commit = reload_now;
    kit.env.clock->ops->sleep_until(kit.env.clock, made_hour(7).end_us);
    loop_kit_slot(&kit, "f")->busy = true;
    vg_loop_cycle(&kit.loop, loop_kit_slot(&kit, "f"));
    assert_int_equal(kit.loaded, 1);
    assert_names(&kit, "bg");
    assert_incident(&kit, "g");
    assert_int_equal(loop_kit_slot(&kit, "g")->progress.watermark_us, made_hour(6).end_us);
    assert_false(kit.shown['f']);
    loop_kit_scans(&kit, "b4 f5 f6");
    loop_kit_stop(&kit);
}

/* A commit of another member of the group would see a group without the renamed one, and could end
 * an onset that goes on: it waits for the new book. One of another group goes through. */
static void test_group_of_a_renamed(void **state)
{
    struct loop_kit kit;
    struct vg_slot *slot = interrupt(&kit, state, "fm", "m", "gm");
    assert_int_equal(kit.committed, 2);
    assert_true(!slot->gone && !slot->busy && slot->lost == 0);
    assert_int_equal(slot->progress.retry_us, VG_NEVER);
    assert_true(slot->next_us <= made_hour(8).end_us);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    loop_kit_scans(&kit, "f5 m5 m6 g6 g7 m6 m7");
    loop_kit_stop(&kit);
}

static void test_stranger_to_a_renamed(void **state)
{
    struct loop_kit kit;
    interrupt(&kit, state, "bf", "b", "bg");
    assert_int_equal(kit.committed, 3);
    assert_names(&kit, "bg");
    loop_kit_stop(&kit);
}

/* A name that comes back while its old cycle is on the way has a slot of its own. */
static void back_and_forth(struct loop_kit *kit)
{
    vg_loop_renew(&kit->loop);
    kit->next_book = "ab";
    vg_loop_renew(&kit->loop);
}

static void test_name_comes_back(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    kit.next_book = "a";
    kit.at_commit = back_and_forth;
    struct vg_slot *old = loop_kit_slot(&kit, "b");
    old->busy = true;
    kit.env.clock->ops->sleep_until(kit.env.clock, made_hour(8).end_us);
    vg_loop_cycle(&kit.loop, old);
    assert_true(old->gone && old->next_us == VG_NEVER);
    struct vg_slot *now = NULL;
    for (size_t i = 0; i < kit.loop.nslots; i++) {
        if (kit.loop.slots[i] != old && !strcmp(kit.loop.slots[i]->id, "b"))
            now = kit.loop.slots[i];
    }
    assert_non_null(now);
    assert_true(!now->gone && now->next_us != VG_NEVER);
    assert_int_equal(now->progress.watermark_us, VG_NEVER); /* retired meanwhile: it begins anew */
    loop_kit_stop(&kit);
}

/* --- The store is never waited for under the mutex -------------------------------------------- */

static struct {
    const struct vg_db_ops *real;
    pthread_mutex_t *mutex;
    int calls, held;
} guard;

static void look(void)
{
    guard.calls++;
    if (pthread_mutex_trylock(guard.mutex))
        guard.held++;
    else
        pthread_mutex_unlock(guard.mutex);
}

static int watch_query(struct vg_db *db, const struct vg_sql *sql, struct vg_db_rows **out,
                       struct vg_error *err)
{
    look();
    return guard.real->query(db, sql, out, err);
}

static int watch_run(struct vg_db *db, const struct vg_sql *sql, int64_t *changed,
                     struct vg_error *err)
{
    look();
    return guard.real->run(db, sql, changed, err);
}

static int watch_commit(struct vg_db *db, struct vg_error *err)
{
    look();
    return guard.real->commit(db, err);
}

static void test_store_without_the_mutex(void **state)
{
    struct loop_kit kit;
    loop_kit_start(&kit, state, "abfr", made_hour(5).end_us + VG_HOUR_US / 2);
    struct vg_db *db = kit.store->store->db;
    guard.real = db->ops;
    guard.mutex = &kit.loop.mutex;
    guard.calls = guard.held = 0;
    struct vg_db_ops watched = *guard.real;
    watched.query = watch_query;
    watched.run = watch_run;
    watched.commit = watch_commit;
    db->ops = &watched;
    MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
    kit.next_book = "bcgr"; /* one gone, one new, one renamed, one to be captured */
    loop_kit_command(&kit, "reload", "", "ok");
    loop_kit_command(&kit, "capture", "r", "ok");
    vg_loop_capture(&kit.loop, "r");
    kit.next_book = "bg";
    kit.source.during = reload_in_scan;
    kit.source.during_arg = &kit;
    kit.env.clock->ops->sleep_until(kit.env.clock, made_hour(8).end_us);
    vg_loop_cycle(&kit.loop, loop_kit_slot(&kit, "b"));
    assert_int_equal(kit.loaded, 2);
    db->ops = guard.real;
    assert_true(guard.calls > 100);
    assert_int_equal(guard.held, 0);
    loop_kit_stop(&kit);
}

static void test_commands(void **state)
{
    static const struct {
        const char *verb, *argument, *words;
    } cases[] = {
        {"capture", "a", "ok"},
        {"capture", "nobody", "there is no dataset nobody"},
        {"use", "a", "'a' is not a dataset and a version"},
        {"use", "a x", "'a x' is not a dataset and a version"},
        {"use", " 1", "' 1' is not a dataset and a version"},
        {"drop", "a ", "'a ' is not a dataset and a version"},
        {"use", "a 7", "7"},
        {"drop", "a 7", "7"},
        {"dance", "", "unknown command 'dance'"},
    };
    struct loop_kit kit;
    loop_kit_start(&kit, state, "a", made_hour(5).end_us + VG_HOUR_US / 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        loop_kit_command(&kit, cases[i].verb, cases[i].argument, cases[i].words);
    struct vg_control *rows;
    size_t n;
    MUST(&kit, vg_store_control_pending(kit.env.store, kit.store->arena, &rows, &n, &kit.err));
    assert_int_equal(n, 0);
    loop_kit_stop(&kit);
}

static char urged[20];
static int nurged;

static void note_urged(void *arg, const char *sink)
{
    (void)arg;
    snprintf(urged, sizeof urged, "%s", sink ? sink : "all");
    nurged++;
}

/* What a retry wants is done at once, but for whom a receiver has asked to wait. */
static void test_retry_is_urgent(void **state)
{
    struct loop_kit kit;
    int64_t now_us = made_hour(5).end_us + VG_HOUR_US / 2;
    loop_kit_start(&kit, state, "a", now_us);
    kit.loop.env.urged = note_urged;
    const char *const sinks[] = {"ops", "audit"};
    for (int i = 0; i < 2; i++) {
        struct vg_outgoing row = {.sink = sinks[i], .key = "k", .body = "{}", .next_us = now_us};
        MUST(&kit, vg_store_outbox_put(kit.env.store, &row, &kit.err));
    }
    nurged = 0;
    loop_kit_command(&kit, "outbox-drop", "9", "no such message");
    assert_int_equal(nurged, 0);
    loop_kit_command(&kit, "outbox-retry", "all\t", "ok: 2 messages are sent again");
    assert_string_equal(urged, "all");
    loop_kit_command(&kit, "outbox-retry", "all\tops", "ok: 1 message is sent again");
    assert_string_equal(urged, "ops");
    MUST(&kit, vg_store_outbox_hold(kit.env.store, 2, now_us + VG_MINUTE_US, &kit.err));
    loop_kit_command(&kit, "outbox-retry", "2",
                     "1 message is sent again, but to audit not before 2001-");
    assert_string_equal(urged, "audit");
    loop_kit_command(&kit, "outbox-retry", "all\t", "but to audit not before 2001-");
    assert_int_equal(nurged, 4);
    loop_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reload_retires),
        TEST(test_reload_fails),
        TEST(test_reload_that_loses_most),
        TEST(test_rename),
        TEST(test_reload_that_loses_the_folder),
        TEST(test_retired_during_a_cycle),
        TEST(test_emptied_during_a_cycle),
        TEST(test_renamed_during_a_cycle),
        TEST(test_renamed_after_a_commit),
        TEST(test_group_of_a_renamed),
        TEST(test_stranger_to_a_renamed),
        TEST(test_name_comes_back),
        TEST(test_store_without_the_mutex),
        TEST(test_commands),
        TEST(test_retry_is_urgent),
    };
    return cmocka_run_group_tests_name("loop_book", tests, NULL, NULL);
}
