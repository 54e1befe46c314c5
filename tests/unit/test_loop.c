/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: replays in the order of due times, single runs that catch up, reloads and what they
 * retire, commands left in the store, and the daemon's threads in virtual time. */
#include "tests/unit/rule_kit.h"
#include "tests/unit/source_kit.h"
#include "tests/unit/store_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/loop/loop.h"
#include "pgvigil/log.h"

enum { DATASETS = 4 };

/* A book of some of the datasets below, by letter, in the order of letters. */
struct made_book {
    struct vg_book base;
    struct rule_kit kits[DATASETS];
    struct vg_dataset *datasets[DATASETS];
    struct vg_ruleset rules;
    int *freed;
};

struct world {
    struct fixture *store;
    struct source_kit source;
    struct vg_cycle_env env;
    struct vg_shell_ops shell;
    struct vg_loop loop;
    struct vg_error err;
    const char *next_book; /* letters of the next load; NULL: it fails */
    int loads, loaded, refused, drained, idled, freed;
    atomic_int committed;
    int stop_after; /* commits; 0: never */
};

static const struct {
    char letter;
    const char *head, *schedule;
} texts[] = {
    {'a', "dataset: a\n", "{window: 1h, delay: 10m, every: 5m}"},
    {'b', "dataset: b\n", "{window: 2h, delay: 25m, every: 5m}"},
    {'c', "dataset: c\n", "{window: 1h, delay: 40m, every: 5m}"},
    {'n', "dataset: n\nwas: a\n", "{window: 1h, delay: 10m, every: 5m}"},
};

static void free_book(struct vg_book *book)
{
    struct made_book *made = (struct made_book *)book;
    for (size_t i = 0; i < DATASETS; i++)
        rule_kit_free(&made->kits[i]);
    ++*made->freed;
    free(made);
}

static struct vg_book *make_book(struct world *world, const char *letters)
{
    struct made_book *made = calloc(1, sizeof *made);
    assert_non_null(made);
    for (size_t i = 0; letters[i]; i++) {
        char text[500];
        size_t t = 0;
        while (texts[t].letter != letters[i])
            t++;
        snprintf(text, sizeof text,
                 "version: 1\n%ssource: {connection: warehouse, table: ml.%c, time_column: at}\n"
                 "schedule: %s\nchecks:\n  - volume: {min: 1}\n",
                 texts[t].head, letters[i], texts[t].schedule);
        made->kits[i] = rule_kit_fine(rule_kit_config, text);
        made->datasets[made->rules.ndatasets++] = made->kits[i].dataset;
    }
    made->rules.datasets = made->datasets;
    made->rules.folder_ok = true;
    made->freed = &world->freed;
    made->base = (struct vg_book){.config = made->kits[0].config, .rules = &made->rules};
    made->base.free = free_book;
    return &made->base;
}

static struct vg_book *load(void *arg)
{
    struct world *world = arg;
    world->loads++;
    return world->next_book ? make_book(world, world->next_book) : NULL;
}

static void note_loaded(void *arg, const struct vg_book *book)
{
    struct world *world = arg;
    assert_true(book == world->loop.book);
    world->loaded++;
}

static void note_refused(void *arg)
{
    ((struct world *)arg)->refused++;
}

static void note_drain(void *arg, int64_t now_us)
{
    struct world *world = arg;
    assert_int_equal(now_us, world->env.clock->ops->now_us(world->env.clock));
    world->drained++;
}

static void note_idle(void *arg, int64_t now_us)
{
    (void)now_us;
    ((struct world *)arg)->idled++;
}

static void note_commit(void *arg)
{
    struct world *world = arg;
    if (++world->committed == world->stop_after)
        vg_loop_stop(&world->loop);
}

/* A loop over these datasets; ten hours of rows. */
static void start(struct world *world, void **state, const char *letters, int64_t now_us)
{
    *world = (struct world){.store = *state};
    vg_log_setup(VG_LOG_LEVELS, false);
    source_kit_init(&world->source);
    for (int hour = 0; hour < 10; hour++) {
        struct vg_window span = made_hour(hour);
        source_kit_add(&world->source, &span, 20, 0, 1);
    }
    MUST(world, vg_clock_virtual(now_us, &world->env.clock, &world->err));
    world->env.source = &world->source.base;
    world->env.store = world->store->store;
    world->env.commits = true;
    world->env.agent = "prod";
    world->env.committed = note_commit;
    world->env.committed_arg = world;
    world->shell = (struct vg_shell_ops){.load = load,
                                         .loaded = note_loaded,
                                         .refused = note_refused,
                                         .drain = note_drain,
                                         .idle = note_idle,
                                         .arg = world};
    MUST(world, vg_loop_init(&world->loop, &world->env, &world->shell, make_book(world, letters),
                             &world->err));
}

static void stop(struct world *world)
{
    vg_loop_free(&world->loop);
    assert_int_equal(world->freed, world->loaded + world->refused + 1); /* every book, once */
    vg_clock_free(world->env.clock);
    source_kit_free(&world->source);
}

/* Asserts the scans since the first of them, as "a0 b0": table and hour of the window's start. */
static void assert_scans(const struct world *world, const char *want)
{
    struct vg_buf out;
    vg_buf_init(&out, 10000);
    for (size_t i = 0; i < world->source.nscans && i < SOURCE_SCANS; i++) {
        const struct source_scan *scan = &world->source.scans[i];
        int64_t hour = (scan->from_us - made_hour(0).start_us) / VG_HOUR_US;
        vg_buf_printf(&out, "%s%s%lld", i ? " " : "", scan->table + strlen("ml."), (long long)hour);
    }
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

/* Asserts the letters of the datasets that the store knows. */
static void assert_known(struct world *world, const char *want)
{
    struct vg_strings known;
    MUST(world, vg_store_datasets(world->env.store, world->store->arena, &known, &world->err));
    assert_int_equal(known.n, strlen(want));
    for (size_t i = 0; i < known.n; i++)
        assert_non_null(strstr(want, known.items[i]));
    assert_int_equal(world->loop.nslots, world->loop.book->rules->ndatasets);
}

static struct vg_slot *find_slot(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->loop.nslots; i++) {
        if (!strcmp(world->loop.slots[i]->id, id))
            return world->loop.slots[i];
    }
    fail_msg("there is no slot %s", id);
    return NULL;
}

/* --- Replays ---------------------------------------------------------------------------------- */

/* Two datasets, each window when it is due, none that is due after the end. */
static void test_replay_in_order(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(0).start_us);
    world.loop.span.from_us = made_hour(0).start_us;
    world.loop.span.until_us = made_hour(5).end_us;
    MUST(&world, vg_loop_replay(&world.loop, &world.err));
    /* b's two hours are due a quarter of an hour behind a's second one */
    assert_scans(&world, "a0 a1 b0 a2 a3 b2 a4");
    assert_int_equal(find_slot(&world, "a")->progress.watermark_us, made_hour(4).end_us);
    assert_int_equal(find_slot(&world, "b")->progress.watermark_us, made_hour(3).end_us);
    int64_t now_us = world.env.clock->ops->now_us(world.env.clock);
    assert_true(now_us <= made_hour(5).end_us && now_us > made_hour(5).end_us - 6 * VG_MINUTE_US);
    assert_int_equal(world.drained, world.committed); /* after every cycle */
    assert_int_equal(world.loop.failed_cycles, 0);
    stop(&world);
}

/* A dataset that fails waits alone; the other goes on. */
static void test_replay_with_a_failure(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(0).start_us);
    world.loop.span.from_us = made_hour(0).start_us;
    world.loop.span.until_us = made_hour(3).end_us + VG_HOUR_US / 2;
    world.source.scan = (struct source_trouble){2, VG_E_TIMEOUT, "57014", "too slow"};
    MUST(&world, vg_loop_replay(&world.loop, &world.err));
    assert_scans(&world, "a0 a0 a0 a1 b0 a2 a3 b2");
    assert_int_equal(world.loop.failed_cycles, 2);
    struct vg_window_row row;
    bool found;
    MUST(&world,
         vg_store_window(world.env.store, "a", made_hour(0).start_us, &row, &found, &world.err));
    assert_true(found && row.status == VG_WINDOW_JUDGED);
    assert_int_equal(row.committed_us - row.due_us, 15 * VG_MINUTE_US); /* 5 and 10 of waiting */
    stop(&world);
}

static void test_replay_stops(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(0).start_us);
    world.loop.span.from_us = made_hour(0).start_us;
    world.loop.span.until_us = made_hour(9).end_us;
    world.stop_after = 20;
    MUST(&world, vg_loop_replay(&world.loop, &world.err));
    assert_int_equal(world.committed, 20);
    stop(&world);
}

/* --- Single runs ------------------------------------------------------------------------------ */

/* The first run judges the newest closed window; later ones catch up; then nothing is due. */
static void test_once(void **state)
{
    struct world world;
    start(&world, state, "a", made_hour(5).end_us + VG_HOUR_US / 2);
    world.loop.span.tick_now = true;
    MUST(&world, vg_loop_once(&world.loop, &world.err));
    assert_scans(&world, "a5");
    assert_int_equal(world.committed, 1);
    assert_true(find_slot(&world, "a")->progress.tick_us != VG_NEVER);
    stop(&world);

    start(&world, state, "a", made_hour(8).end_us + VG_HOUR_US / 2);
    MUST(&world, vg_loop_once(&world.loop, &world.err)); /* a new process: progress is stored */
    assert_scans(&world, "a6 a7 a8");
    assert_int_equal(world.drained, 1);
    int before = world.committed;
    MUST(&world, vg_loop_once(&world.loop, &world.err));
    assert_scans(&world, "a6 a7 a8");
    assert_int_equal(world.committed, before);
    stop(&world);
}

/* --- Reloads ---------------------------------------------------------------------------------- */

/* Leaves a command, runs once, and asserts that the answer holds these words. */
static void command(struct world *world, const char *verb, const char *argument, const char *words)
{
    struct vg_control row = {.verb = verb, .argument = argument, .by = "test", .at_us = 1};
    int64_t id;
    const char *answer;
    MUST(world, vg_store_control_put(world->env.store, &row, &id, &world->err));
    MUST(world, vg_loop_once(&world->loop, &world->err));
    MUST(world,
         vg_store_control_answer(world->env.store, id, world->store->arena, &answer, &world->err));
    assert_non_null(answer);
    if (!strstr(answer, words))
        fail_msg("%s %s: %s", verb, argument, answer);
}

static void test_reload_retires(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    world.loop.span.tick_now = true;
    MUST(&world, vg_loop_once(&world.loop, &world.err));
    assert_known(&world, "ab");
    world.next_book = "ac";
    command(&world, "reload", "", "ok");
    assert_known(&world, "ac");
    assert_true(world.loads == 1 && world.loaded == 1 && world.freed == 1);
    assert_true(world.loop.last_load_ok);
    assert_scans(&world, "a5 b4 c4"); /* what came new is looked at in the same run */
    stop(&world);
}

/* A configuration that does not load leaves the old one in force. */
static void test_reload_fails(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    world.next_book = NULL;
    const struct vg_book *before = world.loop.book;
    command(&world, "reload", "", "the log says what is wrong");
    assert_true(world.loop.book == before && world.loaded == 0 && world.freed == 0);
    assert_false(world.loop.last_load_ok);
    world.next_book = "ab";
    command(&world, "reload", "", "ok");
    assert_true(world.loop.last_load_ok && world.loop.book != before);
    stop(&world);
}

/* When more than half would go it was an accident, unless it is said to be meant. */
static void test_reload_that_loses_most(void **state)
{
    struct world world;
    start(&world, state, "abc", made_hour(5).end_us + VG_HOUR_US / 2);
    world.loop.span.tick_now = true;
    MUST(&world, vg_loop_once(&world.loop, &world.err));
    world.next_book = "a";
    command(&world, "reload", "", "the log says what is wrong");
    assert_known(&world, "abc");
    assert_true(world.refused == 1 && world.loaded == 0);
    command(&world, "reload", "force", "ok");
    assert_known(&world, "a");
    assert_false(world.loop.force_reload);
    stop(&world);
}

static void test_rename(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    world.loop.span.tick_now = true;
    MUST(&world, vg_loop_once(&world.loop, &world.err));
    world.next_book = "bn";
    command(&world, "reload", "", "ok");
    assert_known(&world, "bn");
    assert_int_equal(find_slot(&world, "n")->progress.watermark_us, made_hour(5).end_us);
    assert_scans(&world, "a5 b4"); /* nothing is judged again */
    stop(&world);
}

static void reload_now(void *arg)
{
    struct world *world = arg;
    world->source.during = NULL;
    vg_loop_renew(&world->loop);
}

/* A dataset that is retired while its cycle is on the way does not come back by its commit. */
static void test_retired_during_a_cycle(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    world.loop.span.tick_now = true;
    MUST(&world, vg_loop_once(&world.loop, &world.err));
    struct vg_slot *slot = find_slot(&world, "b");
    world.next_book = "a";
    world.source.during = reload_now;
    world.source.during_arg = &world;
    slot->busy = true; /* as a worker of the daemon has it */
    world.env.clock->ops->sleep_until(world.env.clock, made_hour(8).end_us);
    vg_loop_cycle(&world.loop, slot);
    assert_scans(&world, "a5 b4 b6");
    struct vg_strings known;
    MUST(&world, vg_store_datasets(world.env.store, world.store->arena, &known, &world.err));
    assert_int_equal(known.n, 1);
    assert_string_equal(known.items[0], "a");
    assert_true(slot->next_us == VG_NEVER && !slot->busy);
    stop(&world);
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
    struct world world;
    start(&world, state, "a", made_hour(5).end_us + VG_HOUR_US / 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        command(&world, cases[i].verb, cases[i].argument, cases[i].words);
    struct vg_control *rows;
    size_t n;
    MUST(&world,
         vg_store_control_pending(world.env.store, world.store->arena, &rows, &n, &world.err));
    assert_int_equal(n, 0);
    stop(&world);
}

/* --- The daemon ------------------------------------------------------------------------------- */

/* Threads in virtual time: windows in order, the reload that was asked for, and an end. */
static void test_daemon(void **state)
{
    struct world world;
    start(&world, state, "ab", made_hour(5).end_us + VG_HOUR_US / 2);
    world.next_book = "ab";
    world.stop_after = 12;
    vg_loop_reload(&world.loop);
    MUST(&world, vg_loop_run(&world.loop, 1, &world.err));
    assert_true(world.committed >= 12);
    assert_true(world.idled >= 1 && world.drained == 0);
    assert_true(world.loads == 1 && world.loaded == 1);
    assert_int_equal(world.loop.failed_cycles, 0);
    int64_t last[2] = {0, 0};
    for (size_t i = 0; i < world.source.nscans && i < SOURCE_SCANS; i++) {
        const struct source_scan *scan = &world.source.scans[i];
        int64_t *before = &last[scan->table[3] == 'b'];
        assert_true(scan->from_us >= *before); /* each dataset's windows in their order */
        *before = scan->to_us;
    }
    assert_true(last[0] && last[1]);
    for (size_t i = 0; i < world.loop.nslots; i++)
        assert_false(world.loop.slots[i]->busy);
    stop(&world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replay_in_order),
        TEST(test_replay_with_a_failure),
        TEST(test_replay_stops),
        TEST(test_once),
        TEST(test_reload_retires),
        TEST(test_reload_fails),
        TEST(test_reload_that_loses_most),
        TEST(test_rename),
        TEST(test_retired_during_a_cycle),
        TEST(test_commands),
        TEST(test_daemon),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
