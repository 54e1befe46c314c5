/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns that "*" once found and finds no more: their alerts stay named and their rules are
 * unknown, with the reason, until the rules or a later reference let go of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/plan_bind.h"
#include "pgvigil/text.h"

enum { MOST = 4 };

struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_rule rules[MOST];
    struct vg_catalog catalog;
    struct vg_catalog_column columns[MOST];
    struct vg_reference reference;
    struct vg_reference_column known[MOST];
    struct vg_plan plan;
};

static const char *const key_id[] = {"id"};

/* Columns x, a number, and name, a text; the rule "*": range. */
static void start(struct world *world)
{
    *world = (struct world){.arena = vg_arena_new()};
    assert_non_null(world->arena);
    world->dataset = (struct vg_dataset){
        .id = "d", .table = "t", .time_column = "at", .key = {key_id, 1}, .rules = world->rules};
    world->catalog = (struct vg_catalog){.columns = world->columns, .n = 2};
    world->columns[0] =
        (struct vg_catalog_column){.name = "x", .type = "integer", .kind = VG_KIND_NUMBER};
    world->columns[1] =
        (struct vg_catalog_column){.name = "name", .type = "text", .kind = VG_KIND_TEXT};
    world->reference.columns = world->known;
}

static void add_rule(struct world *world, const char *id, const char *check, const char *column)
{
    world->rules[world->dataset.nrules++] = (struct vg_rule){
        .id = id, .column = column, .dataset = &world->dataset, .type = vg_check_find(check)};
}

static struct vg_alert make_alert(const char *rule, const char *check, const char *column)
{
    return (struct vg_alert){.dataset = "d",
                             .rule = rule,
                             .segment = "",
                             .check = check,
                             .column = column,
                             .state = VG_ALERT_FIRING,
                             .blind_since_us = VG_NEVER};
}

static void bind(struct world *world, bool reference, const struct vg_alert *alerts, size_t n)
{
    world->plan = (struct vg_plan){.dataset = &world->dataset,
                                   .catalog = &world->catalog,
                                   .reference = reference ? &world->reference : NULL};
    assert_int_equal(vg_plan_bind(&world->plan, NULL, world->arena), 0);
    assert_int_equal(vg_plan_bind_lost(&world->plan, alerts, n, world->arena), 0);
}

/* "id id: problem", with "; " between them. */
static void assert_bound(const struct world *world, const char *want)
{
    struct vg_buf out;
    vg_buf_init(&out, 10000);
    for (size_t i = 0; i < world->plan.nbound; i++) {
        const struct vg_bound *bound = &world->plan.bound[i];
        vg_buf_printf(&out, "%s%s", i ? "; " : "", bound->rule.id);
        if (bound->problem)
            vg_buf_printf(&out, ": %s", bound->problem);
    }
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

static void test_found_by_their_alerts(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "*.range", "range", "*");
    const struct vg_alert alerts[] = {
        make_alert("x.range", "range", "x"),         /* is there */
        make_alert("\"a b\".range", "range", "a b"), /* is gone */
        make_alert("name.range", "range", "name"),   /* is a text now */
        make_alert("a.nulls", "nulls", "a"),         /* of another check */
        make_alert("id.range", "range", "id"),       /* the key now */
        make_alert("renamed", "range", "b"),         /* of a rule of its own, that is gone */
        make_alert("\"a b\".range", "range", "a b"), /* once is enough */
        make_alert("reach", "reach", NULL),
    };
    bind(&world, false, alerts, sizeof alerts / sizeof alerts[0]);
    assert_bound(&world, "x.range; \"a b\".range: column a b does not exist in t; "
                         "name.range: range does not fit column name of type text");
    assert_string_equal(world.plan.bound[1].rule.column, "a b");
    vg_arena_free(world.arena);
}

static void test_slips_of_names(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "n.range", "range", "Name");
    add_rule(&world, "q.range", "range", "q");
    bind(&world, false, NULL, 0);
    assert_bound(&world, "n.range: column Name does not exist in t (did you mean name?); "
                         "q.range: column q does not exist in t");
    vg_arena_free(world.arena);
}

static void test_no_wild_rule(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "x.range", "range", "x");
    const struct vg_alert alert = make_alert("a.range", "range", "a");
    bind(&world, false, &alert, 1);
    assert_bound(&world, "x.range");
    assert_false(vg_plan_names(&world.dataset, &world.plan, &alert));
    vg_arena_free(world.arena);
}

static void test_what_is_named(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    add_rule(&world, "*.range", "range", "*");
    add_rule(&world, "mine", "range", "y");
    add_rule(&world, "volume", "volume", NULL);
    const struct {
        struct vg_alert alert;
        bool named;
    } cases[] = {
        {make_alert("x.range", "range", "x"), true},
        {make_alert("gone.range", "range", "gone"), true},
        {make_alert("mine", "range", "y"), true},
        {make_alert("y.range", "range", "y"), false}, /* y has a rule of its own */
        {make_alert("id.range", "range", "id"), false},
        {make_alert("x.nulls", "nulls", "x"), false},
        {make_alert("volume", "volume", NULL), true},
        {make_alert("amount", "volume", NULL), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (vg_plan_names(&world.dataset, NULL, &cases[i].alert) != cases[i].named)
            fail_msg("%s", cases[i].alert.rule);
    }
    vg_arena_free(world.arena);
}

/* A reference without the column says that nobody misses it, if it was made when it had gone. */
static void test_a_later_reference(void **state)
{
    (void)state;
    static const struct {
        int64_t blind_us;
        const char *column, *known;
        enum vg_kind kind;
        bool named;
    } cases[] = {
        {99, "gone", "x", VG_KIND_NUMBER, false},
        {99, "name", "name", VG_KIND_TEXT, false},  /* it was made with the new type */
        {99, "name", "name", VG_KIND_NUMBER, true}, /* with the old one */
        {99, "x", "name", VG_KIND_TEXT, true},      /* which is there, if hard to read */
        {101, "gone", "x", VG_KIND_NUMBER, true},   /* the column came and went since */
        {VG_NEVER, "gone", "x", VG_KIND_NUMBER, true},
        {99, "gone", "gone", VG_KIND_NUMBER, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        start(&world);
        add_rule(&world, "*.range", "range", "*");
        world.reference.captured_us = 100;
        world.known[world.reference.ncolumns++] =
            (struct vg_reference_column){.name = cases[i].known, .kind = cases[i].kind};
        char id[40];
        snprintf(id, sizeof id, "%s.range", cases[i].column);
        struct vg_alert alert = make_alert(id, "range", cases[i].column);
        alert.blind_since_us = cases[i].blind_us;
        bind(&world, true, &alert, 1);
        size_t bound = 0;
        for (size_t b = 0; b < world.plan.nbound; b++)
            bound += !strcmp(world.plan.bound[b].rule.id, id);
        if (bound != cases[i].named ||
            vg_plan_names(&world.dataset, &world.plan, &alert) != cases[i].named)
            fail_msg("case %zu: bound %zu times", i, bound);
        vg_arena_free(world.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_their_alerts), cmocka_unit_test(test_slips_of_names),
        cmocka_unit_test(test_no_wild_rule),          cmocka_unit_test(test_what_is_named),
        cmocka_unit_test(test_a_later_reference),
    };
    return cmocka_run_group_tests_name("plan_bind", tests, NULL, NULL);
}
