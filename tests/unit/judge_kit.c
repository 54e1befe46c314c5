/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pgvigil/check.h"
#include "tests/unit/judge_kit.h"

void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new()};
    assert_non_null(world->arena);
    world->measures.arena = world->arena;
    world->dataset = (struct vg_dataset){
        .id = "flights", .file = "rules/flights.yaml", .schedule = {.window_us = VG_HOUR_US}};
}

void stop(struct world *world)
{
    vg_arena_free(world->arena);
}

struct vg_rule *set_rule(struct world *world, size_t at, const char *check)
{
    static const char *const ids[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    const struct vg_check_type *type = vg_check_find(check);
    assert_non_null(type);
    world->rules[at] = (struct vg_rule){
        .id = ids[at],
        .column = type->of_column ? "delay" : NULL,
        .dataset = &world->dataset,
        .type = type,
        .severity = VG_SEVERITY_CRITICAL,
        .min_rows = VG_DEFAULT,
        .after = VG_DEFAULT,
        .resolve_after = VG_DEFAULT,
        .blind_after_us = VG_DEFAULT,
    };
    return &world->rules[at];
}

struct vg_measure *add(struct world *world, size_t rule, double value)
{
    struct vg_measure *measure = vg_measure_add(&world->measures, &world->rules[rule]);
    assert_non_null(measure);
    measure->value = value;
    measure->n_now = 1000;
    return measure;
}

const struct vg_result *judge(struct world *world, size_t expected)
{
    struct vg_error err;
    assert_int_equal(vg_judge(&world->measures, world->arena, &world->results, &world->n, &err), 0);
    assert_int_equal(world->n, expected);
    return world->results;
}

void assert_verdict(const struct vg_result *result, enum vg_verdict verdict)
{
    assert_string_equal(vg_verdict_name(result->verdict), vg_verdict_name(verdict));
}
