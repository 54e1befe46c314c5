/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for tests of stories: a reference, a window of one column and its segments. To be
 * included by one file of a program. */
#ifndef TESTS_UNIT_STORY_WORLD_H
#define TESTS_UNIT_STORY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/story.h"
#include "pgvigil/text.h"

enum { REF = 1000, NOW = 500, PAST = 6 };

/* A reference of the values 0 .. 99, ten each, and a window; both may be made into others. */
struct world {
    struct vg_arena *arena;
    struct vg_grid *grid;
    struct vg_distribution *fine;
    struct vg_column_summary total, now, past[PAST], segment_now[2];
    struct vg_reference_column then;
    struct vg_story_past windows[PAST];
    struct vg_story_segment segments[2];
    struct vg_window window;
    struct vg_story_of of;
    struct vg_story story;
    char text[2048];
};

typedef double draw(size_t i, size_t n);

static void count(struct vg_column_summary *column, const struct vg_grid *grid, draw *value,
                  size_t n, size_t nulls)
{
    struct vg_error err;
    double *num = calloc(n + nulls, sizeof *num);
    uint8_t *state = calloc(n + nulls, 1);
    assert_true(num && state);
    for (size_t i = 0; i < n + nulls; i++) {
        state[i] = i < n ? VG_CELL_VALUE : VG_CELL_NULL;
        num[i] = i < n ? value(i, n) : 0;
    }
    struct vg_column rows = {
        .kind = VG_KIND_NUMBER, .special = nulls > 0, .num = num, .state = state};
    assert_int_equal(vg_column_init(column, "x", VG_KIND_NUMBER, grid, 0, &err), 0);
    assert_int_equal(vg_column_count(column, &rows, n + nulls, &err), 0);
    free(num);
    free(state);
}

static double even(size_t i, size_t n)
{
    return floor((double)i * 100 / (double)n);
}

static double higher(size_t i, size_t n)
{
    return even(i, n) + 20;
}

static double lower(size_t i, size_t n)
{
    return even(i, n) / 2;
}

static void start(struct world *world, draw *value, size_t nulls)
{
    struct vg_error err;
    double q[100];
    memset(world, 0, sizeof *world);
    world->arena = vg_arena_new();
    for (size_t i = 0; i < 100; i++)
        q[i] = (double)i;
    world->grid = vg_grid_new(q, 100, true);
    assert_true(world->arena && world->grid);
    count(&world->total, world->grid, even, REF, 10);
    count(&world->now, world->grid, value, NOW, nulls);
    assert_int_equal(vg_distribution_of(&world->total, &world->fine, &err), 0);
    world->then = (struct vg_reference_column){.name = "x",
                                               .type = "float8",
                                               .kind = VG_KIND_NUMBER,
                                               .fine = world->fine,
                                               .total = &world->total};
    world->window = (struct vg_window){10 * VG_HOUR_US, 11 * VG_HOUR_US, false};
    world->of =
        (struct vg_story_of){.now = &world->now, .then = &world->then, .window = &world->window};
}

static const char *tell(struct world *world)
{
    struct vg_buf text;
    vg_buf_init(&text, sizeof world->text);
    assert_int_equal(vg_story_tell(&world->of, world->arena, &world->story), 1);
    vg_story_write(&world->story, &text);
    assert_true(!text.failed && text.len < sizeof world->text);
    memcpy(world->text, text.data, text.len + 1);
    vg_buf_free(&text);
    return world->text;
}

static void end(struct world *world)
{
    vg_column_clear(&world->total);
    vg_column_clear(&world->now);
    for (size_t i = 0; i < PAST; i++)
        vg_column_clear(&world->past[i]);
    for (size_t i = 0; i < 2; i++)
        vg_column_clear(&world->segment_now[i]);
    vg_distribution_free(world->fine);
    vg_grid_free(world->grid);
    vg_arena_free(world->arena);
}

#endif
