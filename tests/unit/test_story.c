/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/story*.c: sentences of drifts made up of literals. */
#include "tests/unit/story_world.h"

static double wider(size_t i, size_t n)
{
    double x = even(i, n);
    return x < 50 ? x / 2 : 50 + x / 2;
}

static double closer(size_t i, size_t n)
{
    return 40 + even(i, n) / 5;
}

/* The middle and the upper end go to what lies between them. */
static double huddled(size_t i, size_t n)
{
    double x = even(i, n);
    return x >= 40 && x < 60 ? floor(60 + (x - 40) * 1.4)
           : x >= 90         ? floor(60 + (x - 90) * 2.8)
                             : x;
}

static double stuck(size_t i, size_t n)
{
    return i % 2 ? even(i, n) : 50;
}

/* Six windows before, the first `old` of them like the reference. */
static void add_past(struct world *world, size_t old, draw *value, size_t nulls)
{
    for (size_t i = 0; i < PAST; i++) {
        bool is_old = i < old;
        count(&world->past[i], world->grid, is_old ? even : value, 200, is_old ? 2 : nulls);
        assert_int_equal(vg_column_coarsen(&world->past[i]), 0);
        world->windows[i] = (struct vg_story_past){
            .window = {(int64_t)(4 + i) * VG_HOUR_US, (int64_t)(5 + i) * VG_HOUR_US, false},
            .column = &world->past[i]};
    }
    world->of.past = world->windows;
    world->of.npast = PAST;
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        draw *value;
        enum vg_story_shape shape;
        double share;
        const char *text;
    } rows[] = {
        {higher, VG_STORY_HIGHER, .2,
         "values are higher: median 69.5, was 49.5; 20% of the rows are above 99, were 0%; at "
         "least 20% of the rows concerned"},
        {lower, VG_STORY_LOWER, .5,
         "values are lower: median 24.8, was 49.5; 100% of the rows are below 50, were 50%; at "
         "least 50% of the rows concerned"},
        {wider, VG_STORY_WIDER, .5, NULL},
        {closer, VG_STORY_NARROWER, .8,
         "values are closer together: 10% quantile 42, was 9.9, 90% quantile 57.6, was 89.1; 99% "
         "of the rows are from 40 to 60, were 19%; at least 80% of the rows concerned"},
        {huddled, VG_STORY_NARROWER, .3, NULL},
        {stuck, VG_STORY_OTHER, .49,
         "values are distributed differently: median 50, was 49.5; 50.4% of the rows are 50, were "
         "1%; at least 49.4% of the rows concerned"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world world;
        start(&world, rows[i].value, 5);
        const char *text = tell(&world);
        print_message("%s\n", text);
        assert_int_equal(world.story.shape, rows[i].shape);
        assert_true(fabs(world.story.share - rows[i].share) < .02);
        assert_true(world.story.since_us == VG_NEVER && !world.story.segment);
        if (rows[i].text)
            assert_string_equal(text, rows[i].text);
        end(&world);
    }
}

/* No value of a private column is told, nor in the numbers behind the sentence. */
static void test_private_column(void **state)
{
    (void)state;
    struct world world;
    start(&world, higher, 5);
    world.of.is_private = true;
    assert_string_equal(tell(&world), "values are higher; 20% of the rows are in what was the "
                                      "reference from 100% to 100%, were 0%; at least 20% of the "
                                      "rows concerned");
    assert_true(isnan(world.story.now[1]) && isnan(world.story.then[1]));
    assert_true(isnan(world.story.gained.from) && isnan(world.story.lost.to));
    end(&world);
}

static void test_nulls(void **state)
{
    (void)state;
    struct world world;
    start(&world, even, 125);
    world.of.nulls = true;
    add_past(&world, 5, even, 50);
    assert_string_equal(tell(&world), "NULLs are 20% of the rows, were 0.99%; at least 19% of the "
                                      "rows concerned; since 1970-01-01T09:00:00Z");
    assert_int_equal(world.story.shape, VG_STORY_NULLS);
    end(&world);
}

/* Windows of other hours, at which values are usually higher, are no beginning of it. */
static void test_since_when_of_other_hours(void **state)
{
    (void)state;
    double usual[201] = {0}, rows = 0;
    struct world world;
    start(&world, higher, 0);
    add_past(&world, 0, higher, 0);
    size_t n = world.past[0].coarse_cells;
    assert_true(n <= 201);
    for (size_t i = 0; i < n; i++)
        rows += (double)world.past[0].coarse[i];
    for (size_t i = 0; i < n; i++)
        usual[i] = (double)world.past[0].coarse[i] / rows;
    tell(&world);
    assert_int_equal(world.story.since_us, 4 * VG_HOUR_US);
    for (size_t i = 0; i < PAST - 2; i++)
        world.windows[i].usual = usual;
    tell(&world);
    assert_int_equal(world.story.since_us, (4 + PAST - 2) * VG_HOUR_US);
    end(&world);
}

/* Nor are windows of other hours, at which there are always more NULLs. */
static void test_nulls_since_when_of_other_hours(void **state)
{
    (void)state;
    struct world world;
    start(&world, even, 125);
    world.of.nulls = true;
    add_past(&world, 0, even, 50);
    tell(&world);
    assert_int_equal(world.story.since_us, 4 * VG_HOUR_US);
    for (size_t i = 0; i < PAST - 2; i++) {
        world.windows[i].has_usual_nulls = true;
        world.windows[i].usual_nulls = .2;
    }
    tell(&world);
    assert_int_equal(world.story.since_us, (4 + PAST - 2) * VG_HOUR_US);
    end(&world);
}

static void test_since_when(void **state)
{
    (void)state;
    for (size_t old = 0; old <= PAST; old++) {
        struct world world;
        start(&world, higher, 0);
        add_past(&world, old, higher, 0);
        tell(&world);
        assert_int_equal(world.story.since_us, (int64_t)(4 + old) * VG_HOUR_US);
        assert_true(world.story.earlier == (old == 0));
        end(&world);
    }
    /* One window like it long ago is another story; without a time column there is none. */
    struct world world;
    start(&world, higher, 0);
    add_past(&world, PAST, higher, 0);
    vg_column_clear(&world.past[1]);
    count(&world.past[1], world.grid, higher, 200, 0);
    assert_int_equal(vg_column_coarsen(&world.past[1]), 0);
    tell(&world);
    assert_int_equal(world.story.since_us, 10 * VG_HOUR_US);
    world.of.window = NULL;
    tell(&world);
    assert_int_equal(world.story.since_us, VG_NEVER);
    end(&world);
}

static void test_change_point(void **state)
{
    (void)state;
    static const double then[2] = {900, 100}, now[2] = {40, 60};
    static const struct {
        double past[5][2];
        size_t since;
    } rows[] = {
        {{{90, 10}, {91, 9}, {88, 12}, {90, 10}, {90, 10}}, 5},
        {{{90, 10}, {91, 9}, {88, 12}, {41, 59}, {45, 55}}, 3},
        {{{90, 10}, {91, 9}, {0, 0}, {41, 59}, {45, 55}}, 3},
        {{{90, 10}, {40, 60}, {38, 62}, {70, 30}, {45, 55}}, 1}, /* one milder window between */
        {{{40, 60}, {40, 60}, {38, 62}, {41, 59}, {45, 55}}, 0},
        {{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}}, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(vg_story_since(then, now, 2, rows[i].past[0], 5), rows[i].since);
    assert_int_equal(vg_story_since(then, then + 1, 0, NULL, 0), 0);
}

/* --- categories --- */

static void count_words(struct vg_column_summary *column, const char *const *words, size_t n,
                        size_t each, size_t first)
{
    struct vg_error err;
    struct vg_slice raw[400];
    static uint8_t states[400];
    size_t rows = 0;
    for (size_t w = 0; w < n; w++) {
        for (size_t i = 0; i < (w ? each : first); i++)
            raw[rows++] = (struct vg_slice){words[w], (uint32_t)strlen(words[w])};
    }
    struct vg_column batch = {.kind = VG_KIND_TEXT, .state = states, .raw = raw};
    assert_int_equal(vg_column_init(column, "c", VG_KIND_TEXT, NULL, VG_PART_TOP, &err), 0);
    assert_int_equal(vg_column_count(column, &batch, rows, &err), 0);
}

static void test_categories(void **state)
{
    (void)state;
    static const char *const known[] = {"visa", "cash", "cheque"}, *const other[] = {"visa",
                                                                                     "gold"};
    struct world world;
    memset(&world, 0, sizeof world);
    world.arena = vg_arena_new();
    world.then = (struct vg_reference_column){.kind = VG_KIND_TEXT, .total = &world.total};
    world.of = (struct vg_story_of){.now = &world.now, .then = &world.then, .shows_values = true};
    count_words(&world.total, known, 3, 100, 200);
    count_words(&world.now, known, 3, 20, 160);
    assert_string_equal(tell(&world), "\"visa\" is 80% of the rows, was 50%; at least 30% of the "
                                      "rows concerned");
    world.of.shows_values = false;
    assert_string_equal(tell(&world), "one value is 80% of the rows, was 50%; at least 30% of the "
                                      "rows concerned");
    /* What is told is of the value that failed, though another moved by more. */
    const uint64_t cash = vg_hash64("cash", 4);
    world.of.tested = &cash;
    assert_string_equal(tell(&world), "one value is 10% of the rows, was 25%; at least 15% of the "
                                      "rows concerned");
    world.of.tested = NULL;
    world.of.together = "the rare values together";
    world.of.together_then = 1e-9;
    world.of.together_now = .0208;
    assert_string_equal(tell(&world),
                        "the rare values together are 2.08% of the rows, were next to "
                        "none; at least 2.08% of the rows concerned");
    world.of.together_then = .1208;
    assert_string_equal(tell(&world), "the rare values together are 2.08% of the rows, were 12.1%; "
                                      "at least 10% of the rows concerned");
    world.of.unseen = true;
    assert_string_equal(tell(&world), "values that the reference never saw are 2.08% of the rows; "
                                      "at least 10% of the rows concerned");
    world.of.unseen = false;
    world.of.together = NULL;
    world.of.is_private = true;
    assert_int_equal(vg_story_tell(&world.of, world.arena, &world.story), 0);
    world.of.is_private = false;
    vg_column_clear(&world.now);
    count_words(&world.now, other, 2, 100, 100);
    assert_string_equal(tell(&world), "values that the reference never saw are 50% of the rows; at "
                                      "least 50% of the rows concerned");
    assert_true(world.story.unseen && !world.story.level);
    world.window = (struct vg_window){10 * VG_HOUR_US, 11 * VG_HOUR_US, false};
    world.of.window = &world.window;
    for (size_t i = 0; i < 2; i++) {
        count_words(&world.past[i], i ? other : known, 2 + !i, 100, 100);
        world.windows[i] = (struct vg_story_past){
            .window = {(int64_t)(8 + i) * VG_HOUR_US, (int64_t)(9 + i) * VG_HOUR_US, false},
            .column = &world.past[i]};
    }
    world.of.past = world.windows;
    world.of.npast = 2;
    tell(&world);
    assert_int_equal(world.story.since_us, 9 * VG_HOUR_US);
    end(&world);
}

static void test_nothing_to_tell(void **state)
{
    (void)state;
    struct world world;
    start(&world, higher, 0);
    world.now.grid_id++; /* counted on another grid */
    assert_int_equal(vg_story_tell(&world.of, world.arena, &world.story), 0);
    world.now.grid_id--;
    vg_column_clear(&world.now);
    count(&world.now, world.grid, even, 0, 7); /* NULLs alone */
    assert_int_equal(vg_story_tell(&world.of, world.arena, &world.story), 0);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_private_column),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_since_when),
        cmocka_unit_test(test_since_when_of_other_hours),
        cmocka_unit_test(test_nulls_since_when_of_other_hours),
        cmocka_unit_test(test_change_point),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_nothing_to_tell),
    };
    return cmocka_run_group_tests_name("story", tests, NULL, NULL);
}
