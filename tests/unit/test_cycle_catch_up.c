/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows caught up after downtime: nothing is told before the end, then only what stands, with its
 * true onset, and one summary of what began and ended meanwhile, whatever stopped the agent. */
#include "tests/unit/cycle_kit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/message.h"

static const char rules[] = "version: 1\n"
                            "dataset: flights\n"
                            "source: {connection: warehouse, table: ml.flights, time_column: at}\n"
                            "schedule: {window: 1h, delay: 10m, every: 5m}\n"
                            "columns:\n"
                            "  value: {range: {min: 0, max: 100, notify: {to: [oncall]}}}\n"
                            "checks:\n"
                            "  - volume: {min: 2}\n"
                            "notify: {to: [ops], resolve_after: 1}\n";

enum { MESSAGES = 20 };

struct world {
    struct cycle_kit kit;
    int hours; /* filled so far */
    struct vg_outgoing *rows;
    struct vg_message told[MESSAGES];
    size_t ntold;
};

static void start(struct world *world, void **state)
{
    *world = (struct world){0};
    cycle_kit_start(&world->kit, state, rule_kit_config, rules);
}

/* The rows of the next hours: g fine, v too few, r out of range, b both. */
static void fill(struct world *world, const char *hours)
{
    for (; *hours; hours++, world->hours++) {
        struct vg_window hour = made_hour(world->hours);
        size_t n = *hours == 'v' || *hours == 'b' ? 1 : 20;
        source_kit_add(&world->kit.source, &hour, n, *hours == 'r' || *hours == 'b' ? 500 : 1, 0);
    }
}

/* Judges the next window; the clock stands where the last hour filled is due. */
static void step(struct world *world)
{
    struct cycle_kit *kit = &world->kit;
    int64_t at_us = cycle_kit_due(world->hours - 1);
    if (kit->progress.retry_us != VG_NEVER && kit->progress.retry_us > at_us)
        at_us = kit->progress.retry_us;
    MUST(kit, cycle_kit_run(kit, at_us));
}

static bool is_behind(const struct world *world)
{
    return world->kit.progress.watermark_us < made_hour(world->hours - 1).end_us;
}

/* The messages that wait, in the order in which they were written; they are then sent. */
static void collect(struct world *world)
{
    struct cycle_kit *kit = &world->kit;
    size_t n;
    world->ntold = 0;
    for (;;) {
        MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena,
                                      &world->rows, &n, &kit->err));
        if (!n)
            return;
        for (size_t i = 0; i < n; i++) {
            assert_true(world->ntold < MESSAGES);
            MUST(kit, vg_message_read(world->rows[i].body, kit->store->arena,
                                      &world->told[world->ntold++], &kit->err));
            MUST(kit, vg_store_outbox_sent(kit->env.store, world->rows[i].id, 1, &kit->err));
        }
    }
}

static void describe(const struct vg_message *message, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s:", vg_message_kind_name(message->kind));
    for (size_t i = 0; i < message->nitems; i++)
        used += (size_t)snprintf(out + used, size - used, " %s", message->items[i].rule);
}

/* One for each receiver, in any order: "summary: volume" and how many. */
static void expect(const struct world *world, const char *message, size_t times)
{
    size_t n = 0;
    char text[400];
    for (size_t i = 0; i < world->ntold; i++) {
        describe(&world->told[i], text, sizeof text);
        n += !strcmp(text, message);
    }
    if (n != times)
        fail_msg("%zu times '%s', not %zu", n, message, times);
}

static const struct vg_message *find(const struct world *world, enum vg_message_kind kind)
{
    for (size_t i = 0; i < world->ntold; i++) {
        if (world->told[i].kind == kind)
            return &world->told[i];
    }
    fail_msg("no message of kind %s", vg_message_kind_name(kind));
    return NULL;
}

static void catch_up(struct world *world)
{
    while (is_behind(world)) {
        collect(world);
        assert_int_equal(world->ntold, 0);
        step(world);
    }
    collect(world);
}

static int64_t held(struct world *world)
{
    return fixture_int(world->kit.env.store, "SELECT count(*) FROM episode");
}

static void assert_item(const struct vg_message_item *item, const char *rule, int from, int to,
                        double value)
{
    assert_string_equal(item->rule, rule);
    assert_int_equal(item->onset_us, made_hour(from).start_us);
    assert_int_equal(item->ended_us, made_hour(to).start_us);
    assert_true(item->value == value);
    assert_int_equal(item->verdict, VG_FAIL);
    assert_int_equal(item->emits, VG_EMIT_FIRE | VG_EMIT_CLEAR);
}

/* Fires, clears and fires again, of two rules: one summary names them all, to both receivers. */
static void test_one_summary(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "g");
    step(&world);
    fill(&world, "vgvrgg");
    catch_up(&world);
    assert_int_equal(world.ntold, 2);
    expect(&world, "summary: volume volume value.range", 2);
    const struct vg_message *summary = &world.told[0];
    assert_string_equal(world.told[1].key, summary->key);
    assert_item(&summary->items[0], "volume", 1, 2, 1);
    assert_item(&summary->items[1], "volume", 3, 4, 1);
    assert_item(&summary->items[2], "value.range", 4, 5, 1);
    assert_string_equal(summary->items[2].column, "value");
    assert_int_equal(summary->onset_us, made_hour(1).start_us);
    assert_int_equal(summary->severity, VG_SEVERITY_CRITICAL);
    assert_false(summary->has_window);
    assert_int_equal(held(&world), 0);
    struct vg_incident *incidents;
    size_t n;
    MUST(&world.kit, vg_store_incidents(world.kit.env.store, "flights", true,
                                        world.kit.store->arena, &incidents, &n, &world.kit.err));
    assert_int_equal(n, 0);
    fill(&world, "g"); /* and it is told once */
    step(&world);
    collect(&world);
    assert_int_equal(world.ntold, 0);
    cycle_kit_stop(&world.kit);
}

/* The agent dies after every commit; what it had seen is in the store. */
static void test_killed_all_the_while(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "g");
    step(&world);
    fill(&world, "vgbvgrgg");
    while (is_behind(&world)) {
        struct fixture *store = world.kit.store;
        fixture_close(store);
        fixture_open(store, VG_STORE_DAEMON);
        world.kit.env.store = store->store;
        MUST(&world.kit, vg_store_progress(store->store, "flights", store->arena,
                                           &world.kit.progress, &world.kit.err));
        collect(&world);
        assert_int_equal(world.ntold, 0);
        step(&world);
    }
    collect(&world);
    assert_int_equal(world.ntold, 2);
    expect(&world, "summary: volume value.range volume value.range", 2);
    assert_item(&world.told[0].items[0], "volume", 1, 2, 1);
    assert_item(&world.told[0].items[1], "value.range", 3, 4, 1);
    assert_item(&world.told[0].items[2], "volume", 3, 5, 1);
    assert_int_equal(held(&world), 0);
    cycle_kit_stop(&world.kit);
}

/* What fires at the end is told as such, with the onset of this fire. */
static void test_state_at_the_end(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "g");
    step(&world);
    fill(&world,
         "vrvv"); /* volume twice, in the incident that value.range keeps open for a while */
    catch_up(&world);
    assert_int_equal(world.ntold, 3);
    expect(&world, "open: volume", 1); /* who is not concerned by what stands hears of no more */
    expect(&world, "summary: volume value.range", 2);
    const struct vg_message *open = find(&world, VG_MSG_OPEN);
    assert_int_equal(open->onset_us, made_hour(3).start_us);
    assert_int_equal(open->items[0].onset_us, made_hour(3).start_us);
    assert_int_equal(held(&world), 0);
    fill(&world, "g");
    step(&world);
    collect(&world);
    expect(&world, "resolve: volume", 1);
    assert_string_equal(find(&world, VG_MSG_RESOLVE)->key, open->key);
    cycle_kit_stop(&world.kit);
}

/* What was told before ends, and its incident is resolved by name, though it fires anew. */
static void test_told_before(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "v");
    step(&world);
    collect(&world);
    expect(&world, "open: volume", 1);
    char key[VG_KEY_SIZE];
    memcpy(key, world.told[0].key, sizeof key);
    fill(&world, "gvgv");
    catch_up(&world);
    assert_int_equal(world.ntold, 3);
    expect(&world, "resolve: volume", 1);
    expect(&world, "open: volume", 1);
    expect(&world, "summary: volume", 1);
    assert_string_equal(find(&world, VG_MSG_RESOLVE)->key, key);
    assert_string_not_equal(find(&world, VG_MSG_OPEN)->key, key);
    assert_item(&find(&world, VG_MSG_SUMMARY)->items[0], "volume", 2, 3, 1);
    assert_int_equal(find(&world, VG_MSG_RESOLVE)->items[0].onset_us, made_hour(0).start_us);
    cycle_kit_stop(&world.kit);
}

/* A fire meanwhile in an incident that was told: it has its place in the summary, the incident has
 * nothing new. */
static void test_guest_of_a_told_incident(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "v");
    step(&world);
    collect(&world);
    fill(&world, "bvv");
    catch_up(&world);
    assert_int_equal(world.ntold, 1);
    expect(&world, "summary: value.range", 1);
    cycle_kit_stop(&world.kit);
}

/* A read that fails on the way does not end the catch-up... */
static void test_read_fails_on_the_way(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "g");
    step(&world);
    fill(&world, "vgvgg");
    step(&world);
    step(&world);
    world.kit.source.open = (struct source_trouble){1, VG_E_CONNECT, NULL, "refused"};
    catch_up(&world);
    assert_int_equal(world.kit.progress.cycle_failures, 1);
    assert_int_equal(world.ntold, 1);
    expect(&world, "summary: volume volume", 1);
    cycle_kit_stop(&world.kit);
}

/* ... unless it lasts: then people hear of that, and of what is known so far. */
static void test_read_fails_for_long(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "g");
    step(&world);
    fill(&world, "vgvggg");
    for (int i = 0; i < 3; i++)
        step(&world);
    world.kit.source.open = (struct source_trouble){4, VG_E_CONNECT, NULL, "refused"};
    for (int i = 0; i < 4; i++)
        step(&world);
    collect(&world);
    expect(&world, "summary: volume", 1);
    expect(&world, "open: reach volume", 1);
    assert_int_equal(world.ntold, 2);
    assert_int_equal(held(&world), 0);
    while (is_behind(&world))
        step(&world);
    collect(&world);
    expect(&world, "resolve: reach volume", 1);
    assert_int_equal(world.ntold, 1);
    cycle_kit_stop(&world.kit);
}

/* The dataset or the rule goes before the end. */
static void test_removed_on_the_way(void **state)
{
    struct world world;
    start(&world, state);
    fill(&world, "v");
    step(&world);
    collect(&world);
    struct vg_dataset *dataset = world.kit.rule.dataset;
    fill(&world, "bgg");
    step(&world);
    size_t kept = 0;
    for (size_t i = 0; i < dataset->nrules; i++) {
        if (strcmp(dataset->rules[i].id, "volume") != 0)
            dataset->rules[kept++] = dataset->rules[i];
    }
    dataset->nrules = kept;
    step(&world);
    collect(&world);
    assert_int_equal(world.ntold, 0);
    MUST(&world.kit, vg_cycle_retire(&world.kit.env, "flights", &world.kit.err));
    collect(&world);
    expect(&world, "resolve: volume", 1);
    assert_string_equal(find(&world, VG_MSG_RESOLVE)->items[0].why, "rule removed");
    expect(&world, "summary: value.range", 1);
    assert_int_equal(held(&world), 0);
    cycle_kit_stop(&world.kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_summary),
        TEST(test_killed_all_the_while),
        TEST(test_state_at_the_end),
        TEST(test_told_before),
        TEST(test_guest_of_a_told_incident),
        TEST(test_read_fails_on_the_way),
        TEST(test_read_fails_for_long),
        TEST(test_removed_on_the_way),
    };
    return cmocka_run_group_tests_name("cycle_catch_up", tests, NULL, NULL);
}
