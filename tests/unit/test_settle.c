/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settling: grouping into incidents, their end, messages, catching up, retirement. A small world
 * holds what a store would, and each step is one cycle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/settle.h"
#include "agent/settle_message.h"

static const char *const to_ops[] = {"ops"};
static const char *const to_oncall[] = {"oncall"};

struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_alert alerts[20];
    size_t nalerts;
    struct vg_incident incidents[20];
    size_t nincidents;
    struct vg_episode episodes[20];
    size_t nepisodes;
    int64_t clock_us;
    int resolve_after;
    struct vg_settle_out out; /* of the last cycle */
};

static void start(struct world *world)
{
    *world =
        (struct world){.arena = vg_arena_new(), .clock_us = 1000 * VG_HOUR_US, .resolve_after = 1};
    world->dataset = (struct vg_dataset){
        .id = "d", .table = "t", .group_for_us = 4 * VG_HOUR_US, .remind_us = 0};
    assert_non_null(world->arena);
}

static void stop(struct world *world)
{
    vg_arena_free(world->arena);
}

/* "a:b c:g": rule a fails, rule c passes. Capital B: a fail of severity warning. */
static size_t read_results(struct world *world, const char *text, struct vg_result *results)
{
    size_t n = 0;
    for (const char *p = text; *p; p += 3 + (p[3] == ' '), n++) {
        char *rule = vg_arena_strndup(world->arena, p, 1);
        enum vg_verdict verdict = p[2] == 'g'                  ? VG_PASS
                                  : p[2] == 'b' || p[2] == 'B' ? VG_FAIL
                                                               : VG_UNKNOWN;
        results[n] = (struct vg_result){
            .rule = rule,
            .check = "ks",
            .cadence = VG_ON_WINDOW,
            .verdict = verdict,
            .severity = p[2] == 'B' ? VG_SEVERITY_WARNING : VG_SEVERITY_CRITICAL,
            .why = "why",
            .after = 1,
            .resolve_after = world->resolve_after,
            .value = 1,
            .to = {*rule == 'c' ? to_oncall : to_ops, 1},
        };
        if (!p[3])
            return n + 1;
    }
    return n;
}

static void keep_incidents(struct world *world)
{
    for (size_t i = 0; i < world->out.nincidents; i++) {
        struct vg_incident *incident = &world->out.incidents[i];
        size_t at = 0;
        while (at < world->nincidents && strcmp(world->incidents[at].key, incident->key))
            at++;
        world->incidents[at] = *incident;
        world->nincidents += at == world->nincidents;
    }
}

static bool is_same(const struct vg_episode *a, const struct vg_episode *b)
{
    return !strcmp(a->rule, b->rule) && a->due_us == b->due_us && a->known == b->known;
}

static void keep_episodes(struct world *world)
{
    if (world->out.told)
        world->nepisodes = 0;
    for (size_t i = 0; !world->out.told && i < world->out.nepisodes; i++) {
        const struct vg_episode *episode = &world->out.episodes[i];
        size_t at = 0;
        while (at < world->nepisodes && !is_same(&world->episodes[at], episode))
            at++;
        world->episodes[at] = *episode;
        world->nepisodes += at == world->nepisodes;
    }
}

static void run(struct world *world, const char *text, int64_t step_us, bool catching_up,
                const struct vg_strings *gone)
{
    struct vg_result results[10];
    struct vg_incident open[20];
    size_t nopen = 0;
    for (size_t i = 0; i < world->nincidents; i++) {
        const struct vg_incident *incident = &world->incidents[i];
        bool untold = incident->told_us == VG_NEVER || incident->told_us < incident->closed_us;
        if (incident->closed_us == VG_NEVER || untold)
            open[nopen++] = *incident;
    }
    struct vg_episode held[20];
    size_t nheld = 0;
    for (size_t i = 0; i < world->nepisodes; i++) {
        if (!catching_up || !world->episodes[i].over)
            held[nheld++] = world->episodes[i];
    }
    world->clock_us += step_us;
    struct vg_cycle cycle = {.dataset = "d",
                             .due_us = world->clock_us,
                             .now_us = world->clock_us,
                             .has_window = true,
                             .window = {world->clock_us - VG_HOUR_US, world->clock_us, false},
                             .results = results,
                             .nresults = *text == '-' ? 0 : read_results(world, text, results)};
    struct vg_settle_in in = {.cycle = &cycle,
                              .agent = "prod",
                              .dataset = text[0] == '-' ? NULL : &world->dataset,
                              .alerts = world->alerts,
                              .nalerts = world->nalerts,
                              .incidents = open,
                              .nincidents = nopen,
                              .episodes = held,
                              .nepisodes = nheld,
                              .gone = gone,
                              .catching_up = catching_up};
    struct vg_error err;
    assert_int_equal(vg_settle(&in, world->arena, &world->out, &err), 0);
    size_t kept = 0;
    for (size_t i = 0; i < world->out.nalerts; i++) {
        if (!world->out.retired[i])
            world->alerts[kept++] = world->out.alerts[i];
    }
    world->nalerts = kept;
    keep_incidents(world);
    keep_episodes(world);
}

static void assert_said(const struct world *world, const char *expect)
{
    char said[200] = "";
    for (size_t i = 0; i < world->out.nmessages; i++) {
        const struct vg_message *message = &world->out.messages[i];
        static const char *const kinds[] = {"open", "update", "remind", "resolve", "summary"};
        size_t n = strlen(said);
        snprintf(said + n, sizeof said - n, "%s%s(", i ? " " : "", kinds[message->kind]);
        for (size_t k = 0; k < message->nitems; k++) {
            n = strlen(said);
            snprintf(said + n, sizeof said - n, "%s", message->items[k].rule);
        }
        n = strlen(said);
        snprintf(said + n, sizeof said - n, ")");
    }
    assert_string_equal(said, expect);
}

static void test_one_message_per_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:b e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(ac)");
    assert_int_equal(world.nincidents, 1);
    assert_int_equal(world.out.receivers[0].n, 2); /* ops and oncall: both are told */
    run(&world, "a:b c:b e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:g c:b e:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "update(ace)"); /* a cleared, e joined */
    run(&world, "a:g c:g e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(ce)");
    assert_int_equal(world.nincidents, 1);
    stop(&world);
}

static void test_key(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    char key[VG_KEY_SIZE];
    vg_incident_key(key, "prod", "d", VG_SEVERITY_CRITICAL, world.clock_us);
    assert_string_equal(world.incidents[0].key, key);
    vg_incident_key(key, "test", "d", VG_SEVERITY_CRITICAL, world.clock_us);
    assert_string_not_equal(world.incidents[0].key, key);
    stop(&world);
}

static void test_late_joiner_opens_another(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:g", VG_HOUR_US, false, NULL);
    run(&world, "a:b c:b", 5 * VG_HOUR_US, false, NULL);
    assert_said(&world, "open(c)");
    assert_int_equal(world.nincidents, 2);
    run(&world, "a:g c:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(c)");
    stop(&world);
}

static void test_severities_are_apart(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:B", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a) open(c)");
    assert_int_not_equal(world.incidents[0].severity, world.incidents[1].severity);
    stop(&world);
}

static void test_refire_is_a_new_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    assert_int_equal(world.nincidents, 2);
    assert_string_not_equal(world.incidents[0].key, world.incidents[1].key);
    stop(&world);
}

static void test_reminder(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.dataset.remind_us = 2 * VG_HOUR_US;
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "remind(a)");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    stop(&world);
}

static void test_catching_up(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b", VG_HOUR_US, true, NULL);
    assert_said(&world, "");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    assert_int_equal(world.out.messages[0].onset_us, 1000 * VG_HOUR_US); /* the true onset */
    run(&world, "a:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    /* a fire that began and ended meanwhile pages nobody */
    run(&world, "a:b", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "summary(a)");
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    stop(&world);
}

/* Fires, clears and fires again: each fire is listed, none twice, and the summary is one. */
static void test_catching_up_with_many_fires(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:b c:g e:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:b e:g", VG_HOUR_US, true, NULL);
    run(&world, "a:b c:g e:b", VG_HOUR_US, true, NULL);
    assert_int_equal(world.nepisodes, 4);
    run(&world, "a:g c:g e:b", VG_HOUR_US, false, NULL); /* a ends in the last window of all */
    assert_said(&world, "open(e) summary(aca)");
    assert_int_equal(world.nepisodes, 0);
    assert_int_equal(world.out.receivers[1].n, 2); /* ops for a, oncall for c, each once */
    assert_int_equal(world.out.messages[0].onset_us, 1002 * VG_HOUR_US);
    const struct vg_message *summary = &world.out.messages[1];
    assert_int_equal(summary->onset_us, 1000 * VG_HOUR_US);
    for (size_t i = 0; i < summary->nitems; i++) {
        int64_t begun_us = (1000 + (int64_t)i) * VG_HOUR_US;
        assert_int_equal(summary->items[i].onset_us, begun_us);
        assert_int_equal(summary->items[i].ended_us, begun_us + VG_HOUR_US);
        assert_true(summary->items[i].value == 1);
    }
    char key[VG_KEY_SIZE];
    vg_summary_key(key, "prod", "d", 1001 * VG_HOUR_US);
    assert_string_equal(summary->key, key);
    run(&world, "a:g c:g e:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(e)");
    stop(&world);
}

/* With resolve_after the fire ends where the good looks began, not where that was believed. */
static void test_end_of_a_fire(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    world.resolve_after = 2;
    static const char *const steps[] = {"a:b", "a:g", "a:b", "a:g", "a:u", "a:g"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        run(&world, steps[i], VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "summary(a)");
    assert_int_equal(world.out.messages[0].items[0].onset_us, 1000 * VG_HOUR_US);
    assert_int_equal(world.out.messages[0].items[0].ended_us, 1003 * VG_HOUR_US);
    stop(&world);
}

/* Blindness that began and ended meanwhile is told as well, and not as a fire. */
static void test_blind_while_catching_up(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    run(&world, "a:u c:u", VG_HOUR_US, true, NULL);
    run(&world, "a:u c:u", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:b", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g c:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "summary(ac)");
    const struct vg_message *summary = &world.out.messages[0];
    assert_int_equal(summary->items[0].emits, VG_EMIT_BLIND | VG_EMIT_SIGHTED);
    assert_int_equal(summary->items[1].emits,
                     VG_EMIT_BLIND | VG_EMIT_SIGHTED | VG_EMIT_FIRE | VG_EMIT_CLEAR);
    assert_int_equal(summary->items[1].verdict, VG_FAIL);
    assert_int_equal(summary->items[1].onset_us, 1003 * VG_HOUR_US);
    stop(&world);
}

/* A blindness that was told turns into a fire that began and ended meanwhile: both are said. */
static void test_told_blindness_ends_in_a_fire(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    run(&world, "a:b", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, true, NULL);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a) summary(a)");
    stop(&world);
}

static void test_gone_rule_and_retired_dataset(void **state)
{
    (void)state;
    struct world world;
    static const char *const gone_items[] = {"a"};
    const struct vg_strings gone = {gone_items, 1};
    start(&world);
    run(&world, "a:b c:b", VG_HOUR_US, false, NULL);
    run(&world, "c:b", VG_HOUR_US, false, &gone);
    assert_said(&world, "update(ac)");
    assert_string_equal(world.out.messages[0].items[0].why, "rule removed");
    assert_int_equal(world.nalerts, 1);
    run(&world, "-", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(c)");
    assert_int_equal(world.nalerts, 0);
    stop(&world);
}

static void test_blind_is_an_incident(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    assert_said(&world, "");
    run(&world, "a:u", VG_HOUR_US, false, NULL);
    assert_said(&world, "open(a)");
    run(&world, "a:b", VG_HOUR_US, false, NULL);
    assert_said(&world, "update(a)"); /* sighted, and firing: the incident stays open */
    run(&world, "a:g", VG_HOUR_US, false, NULL);
    assert_said(&world, "resolve(a)");
    assert_int_equal(world.nincidents, 1);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_message_per_incident),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_late_joiner_opens_another),
        cmocka_unit_test(test_severities_are_apart),
        cmocka_unit_test(test_refire_is_a_new_incident),
        cmocka_unit_test(test_reminder),
        cmocka_unit_test(test_catching_up),
        cmocka_unit_test(test_catching_up_with_many_fires),
        cmocka_unit_test(test_end_of_a_fire),
        cmocka_unit_test(test_blind_while_catching_up),
        cmocka_unit_test(test_told_blindness_ends_in_a_fire),
        cmocka_unit_test(test_gone_rule_and_retired_dataset),
        cmocka_unit_test(test_blind_is_an_incident),
    };
    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
