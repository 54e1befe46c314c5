/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is retired by a load, and when nobody is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/loop/book.h"

enum { NAMES = 6 };

/* Names of one letter each. `renamed`: pairs of the new and the former name. */
static const struct retirement_case {
    const char *files, *renamed, *known;
    bool folder_ok, force;
    const char *gone;
    bool refused;
} cases[] = {
    {"abcd", "", "abcd", true, false, "", false},
    {"abcd", "", "", true, false, "", false}, /* a first start */
    {"abcd", "", "abc", true, false, "", false},
    {"abc", "", "abcd", true, false, "d", false},
    {"ab", "", "abcd", true, false, "cd", false}, /* just half may go */
    {"a", "", "abcd", true, false, "", true},
    {"a", "", "abcd", true, true, "bcd", false},
    {"", "", "a", true, false, "", true},
    {"", "", "a", true, true, "a", false},
    {"abc", "", "abcd", false, false, "", true}, /* a folder that cannot be read */
    {"abc", "", "abcd", false, true, "d", false},
    {"abcd", "", "abcd", false, false, "", false},
    {"abcx", "xd", "abcd", true, false, "", false}, /* renamed, not gone */
    {"xyzw", "xaybzcwd", "abcd", true, false, "", false},
    {"abx", "xd", "abcd", true, false, "c", false},
};

struct world {
    char names[NAMES][2], former[NAMES][2], known[NAMES][2];
    struct vg_dataset datasets[NAMES];
    struct vg_dataset *list[NAMES];
    const char *known_list[NAMES];
    struct vg_ruleset rules;
};

static int compare_ids(const void *a, const void *b)
{
    return strcmp((*(struct vg_dataset *const *)a)->id, (*(struct vg_dataset *const *)b)->id);
}

static void fill(struct world *world, const struct retirement_case *c)
{
    *world = (struct world){.rules = {.folder_ok = c->folder_ok}};
    for (size_t i = 0; c->files[i]; i++) {
        world->names[i][0] = c->files[i];
        world->datasets[i].id = world->names[i];
        world->list[i] = &world->datasets[i];
        world->rules.ndatasets++;
        for (const char *p = c->renamed; *p; p += 2) {
            if (*p != c->files[i])
                continue;
            world->former[i][0] = p[1];
            world->datasets[i].was = world->former[i];
        }
    }
    qsort(world->list, world->rules.ndatasets, sizeof *world->list, compare_ids);
    world->rules.datasets = world->list;
    for (size_t i = 0; c->known[i]; i++) {
        world->known[i][0] = c->known[i];
        world->known_list[i] = world->known[i];
    }
}

static void test_retirement(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct retirement_case *c = &cases[i];
        struct vg_arena *arena = vg_arena_new();
        struct vg_retirement out;
        struct vg_error err;
        struct world world;
        assert_non_null(arena);
        fill(&world, c);
        struct vg_strings known = {world.known_list, strlen(c->known)};
        assert_int_equal(vg_book_retirement(&world.rules, &known, c->force, arena, &out, &err), 0);
        if (out.gone.n != strlen(c->gone) || !out.refused == c->refused)
            fail_msg("case %zu: %zu gone, %s", i, out.gone.n, out.refused ? out.refused : "-");
        for (size_t g = 0; g < out.gone.n; g++)
            assert_int_equal(out.gone.items[g][0], c->gone[g]);
        vg_arena_free(arena);
    }
}

/* Each name once, from wherever it is known. */
static void test_known(void **state)
{
    (void)state;
    static const struct {
        const char *in_force, *stored, *want;
    } rows[] = {
        {"", "", ""}, {"ab", "", "ab"}, {"", "ab", "ab"}, {"bc", "abd", "adbc"}, {"ab", "ab", "ab"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct retirement_case c = {
            rows[i].in_force, "", rows[i].stored, true, false, "", false};
        struct vg_arena *arena = vg_arena_new();
        struct vg_strings out;
        struct vg_error err;
        struct world world;
        assert_non_null(arena);
        fill(&world, &c);
        struct vg_strings stored = {world.known_list, strlen(c.known)};
        assert_int_equal(vg_book_known(&stored, &world.rules, arena, &out, &err), 0);
        assert_int_equal(out.n, strlen(rows[i].want));
        for (size_t k = 0; k < out.n; k++)
            assert_int_equal(*out.items[k], rows[i].want[k]);
        vg_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retirement),
        cmocka_unit_test(test_known),
    };
    return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
