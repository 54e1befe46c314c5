/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/story_segments.c: which segment a story names. */
#include "tests/unit/story_world.h"

static void test_segment_that_moved_most(void **state)
{
    (void)state;
    struct world world;
    start(&world, higher, 0);
    count(&world.segment_now[0], world.grid, even, 200, 0);
    count(&world.segment_now[1], world.grid, lower, 200, 0);
    world.segments[0] = (struct vg_story_segment){"origin=ATL", &world.segment_now[0], &world.then};
    world.segments[1] = (struct vg_story_segment){"origin=ORD", &world.segment_now[1], &world.then};
    world.of.segments = world.segments;
    world.of.nsegments = 2;
    assert_non_null(strstr(tell(&world), "; most in origin=ORD, 50%"));
    world.of.nsegments = 1; /* it did not move */
    assert_null(strstr(tell(&world), "origin"));
    world.segments[0].now = NULL; /* nor one that was not counted */
    assert_null(strstr(tell(&world), "origin"));
    end(&world);
}

/* Of two segments of as many rows one is at night as low as `lower` always. */
static double night(size_t i, size_t n)
{
    return i % 2 ? even(i, n) : lower(i, n);
}

static double beyond(size_t i, size_t n)
{
    return even(i, n) + 100;
}

/* What is said of passengers and freight at night, when freight is usually lower than by day: that
 * is in the reference of all hours only as far as both together show it. */
static void test_segment_against_other_hours(void **state)
{
    static const struct {
        draw *usual, *passengers, *freight;
        const char *said;
    } rows[] = {
        {night, even, lower, NULL},   /* as on each night, though freight is off its day by 50 % */
        {night, higher, lower, NULL}, /* who knows: freight is off by more, the passengers moved */
        {night, beyond, lower, "; most in kind=passenger, 100%"},
        {even, higher, even, "; most in kind=passenger, 20%"}, /* the hours are alike */
        {even, even, lower, "; most in kind=freight, 50%"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world world;
        struct vg_column_summary usual, half;
        struct vg_distribution *usual_fine, *half_fine;
        struct vg_error err;
        start(&world, higher, 0);
        assert_int_equal(vg_column_coarsen(&world.total), 0);
        count(&usual, world.grid, rows[i].usual, REF, 10);
        count(&half, world.grid, even, REF / 2, 5);
        assert_int_equal(vg_distribution_of(&usual, &usual_fine, &err), 0);
        assert_int_equal(vg_distribution_of(&half, &half_fine, &err), 0);
        struct vg_reference_column then = world.then, part = world.then;
        then.fine = usual_fine, then.total = &usual;
        part.fine = half_fine, part.total = &half;
        count(&world.segment_now[0], world.grid, rows[i].passengers, 200, 0);
        count(&world.segment_now[1], world.grid, rows[i].freight, 200, 0);
        world.segments[0] =
            (struct vg_story_segment){"kind=passenger", &world.segment_now[0], &part};
        world.segments[1] = (struct vg_story_segment){"kind=freight", &world.segment_now[1], &part};
        world.of.segments = world.segments;
        world.of.nsegments = 2;
        world.of.then = &then;
        world.of.all_hours = &world.then;
        const char *said = strstr(tell(&world), "; most in");
        if (rows[i].said)
            assert_true(said && strncmp(said, rows[i].said, strlen(rows[i].said)) == 0);
        else
            assert_null(said);
        vg_distribution_free(usual_fine);
        vg_distribution_free(half_fine);
        vg_column_clear(&usual);
        vg_column_clear(&half);
        end(&world);
    }
}

/* The same of NULLs: ten of a hundred at night, five by day. */
static void test_nulls_of_a_segment_against_other_hours(void **state)
{
    (void)state;
    struct world world;
    struct vg_column_summary usual;
    start(&world, even, 20);
    count(&usual, world.grid, even, 900, 100);
    struct vg_reference_column then = world.then;
    then.total = &usual;
    count(&world.segment_now[0], world.grid, even, 200, 22);
    count(&world.segment_now[1], world.grid, even, 100, 100);
    world.segments[0] =
        (struct vg_story_segment){"kind=passenger", &world.segment_now[0], &world.then};
    world.segments[1] =
        (struct vg_story_segment){"kind=freight", &world.segment_now[1], &world.then};
    world.of.segments = world.segments;
    world.of.nulls = true;
    world.of.then = &then;
    world.of.all_hours = &world.then;
    world.of.nsegments = 1;
    assert_null(strstr(tell(&world), "; most in"));
    world.of.nsegments = 2;
    assert_non_null(strstr(tell(&world), "; most in kind=freight"));
    vg_column_clear(&usual);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_that_moved_most),
        cmocka_unit_test(test_segment_against_other_hours),
        cmocka_unit_test(test_nulls_of_a_segment_against_other_hours),
    };
    return cmocka_run_group_tests_name("story_segments", tests, NULL, NULL);
}
