/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for tests of settling: it holds what a store would, and each step is one cycle.
 * To be included by one file of a program. */
#ifndef TESTS_UNIT_SETTLE_WORLD_H
#define TESTS_UNIT_SETTLE_WORLD_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/settle.h"

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
    const char *column;          /* of all rules */
    const char *against;         /* name of another reference that all are judged against */
    struct vg_quiet quiet, made; /* of the configuration; made by somebody */
    size_t nquiet, nmade;
    struct vg_route routes[3];
    size_t nroutes;
    struct vg_incident lost[2]; /* of other datasets */
    size_t nlost;
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
            .value = verdict == VG_UNKNOWN ? (double)NAN : 1,
            .column = world->column,
            .against = world->against,
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
                              .silences = &world->made,
                              .nsilences = world->nmade,
                              .quiet = &world->quiet,
                              .nquiet = world->nquiet,
                              .routes = world->routes,
                              .nroutes = world->nroutes,
                              .lost = world->lost,
                              .nlost = world->nlost,
                              .neighbours = world->nlost,
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

#endif
