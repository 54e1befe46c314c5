/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/cycle_ask.c: the statements of rules against a source that answers as it
 * is told, and what each way of failing costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/loop/cycle_ask.h"

enum { RULES = 3, ASKED_MAX = 32 };

struct trouble {
    const char *sql; /* the statement that fails */
    enum vg_code code;
    const char *sqlstate;
};

struct world;
struct vg_session {
    struct world *world;
    bool elsewhere;
};

struct world {
    struct vg_source source;
    struct vg_clock clock;
    struct vg_cycle_env env;
    struct vg_dataset dataset;
    struct vg_catalog catalog;
    struct vg_bound bound[RULES];
    struct vg_work work;
    struct vg_session own;
    struct trouble trouble[2];
    bool parts;              /* the statements that fail are told by a part of them */
    bool lost;               /* the own session was given up: all that follows is refused */
    int64_t now_us, each_us; /* what a statement takes */
    char asked[ASKED_MAX][128];
    bool there[ASKED_MAX];
    int64_t timeout_us[ASKED_MAX];
    size_t nasked;
    int opens, closes;
    struct vg_error err;
};

/* --- a source that is told what to do --- */

static int open_there(struct vg_source *self, const char *connection,
                      const struct vg_limits_of_session *limits, struct vg_session **out,
                      struct vg_error *err)
{
    struct world *world = (struct world *)self;
    static struct vg_session there;
    (void)limits;
    assert_string_equal(connection, "other");
    if (world->trouble[0].sql && !strcmp(world->trouble[0].sql, "open"))
        return vg_fail(err, world->trouble[0].code, "no such server");
    there = (struct vg_session){world, true};
    world->opens++;
    *out = &there;
    return 0;
}

static void close_there(struct vg_session *session)
{
    session->world->closes++;
}

static int refuse(struct world *world, const struct trouble *trouble, bool elsewhere,
                  struct vg_error *err)
{
    vg_fail(err, trouble->code, "trouble with %s", trouble->sql);
    snprintf(err->sqlstate, sizeof err->sqlstate, "%s", trouble->sqlstate);
    world->lost |= !elsewhere && !*trouble->sqlstate;
    return -1;
}

static int answer(struct vg_session *session, const char *sql, int64_t timeout_us,
                  struct vg_arena *arena, struct vg_rows *out, struct vg_error *err)
{
    struct world *world = session->world;
    assert_true(world->nasked < ASKED_MAX);
    snprintf(world->asked[world->nasked], sizeof world->asked[0], "%s", sql);
    world->there[world->nasked] = session->elsewhere;
    world->timeout_us[world->nasked++] = timeout_us;
    world->now_us += world->each_us;
    if (world->lost && !session->elsewhere)
        return vg_fail(err, VG_E_CONNECT, "the session was given up");
    for (size_t i = 0; i < 2; i++) {
        const char *wanted = world->trouble[i].sql;
        if (wanted && (world->parts ? strstr(sql, wanted) != NULL : !strcmp(wanted, sql)))
            return refuse(world, &world->trouble[i], session->elsewhere, err);
    }
    const char **cells = vg_arena_array(arena, 1, sizeof *cells);
    assert_non_null(cells);
    cells[0] = vg_arena_strdup(arena, strncmp(sql, "EXPLAIN", 7) ? sql
                                      : strstr(sql, "count")     ? "Aggregate  (cost=5.00..50.00)"
                                                                 : "Limit  (cost=0.00..0.01)");
    *out = (struct vg_rows){1, 1, cells};
    return 0;
}

static const struct vg_source_ops source_ops = {
    .open = open_there, .ask = answer, .close = close_there};

static int64_t read_clock(struct vg_clock *clock)
{
    struct world *world = (struct world *)((char *)clock - offsetof(struct world, clock));
    return world->now_us;
}

static const struct vg_clock_ops clock_ops = {.now_us = read_clock};

/* --- checks that ask --- */

/* Two statements, the second of which holds the first one's answer. */
static int ask_twice(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                     struct vg_error *err)
{
    (void)connection;
    (void)err;
    if (asked->nanswers == 0)
        vg_buf_printf(out, "%s one", asked->rule->id);
    if (asked->nanswers == 1)
        vg_buf_printf(out, "%s two after %s", asked->rule->id, asked->answers[0].cells[0]);
    return 0;
}

static int ask_there(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                     struct vg_error *err)
{
    (void)err;
    if (asked->nanswers == 0)
        vg_buf_printf(out, "%s here", asked->rule->id);
    if (asked->nanswers == 1) {
        vg_buf_printf(out, "%s there", asked->rule->id);
        *connection = "other";
    }
    return 0;
}

static int ask_without_end(const struct vg_asked *asked, struct vg_buf *out,
                           const char **connection, struct vg_error *err)
{
    (void)connection;
    (void)err;
    for (size_t i = 0; asked->nanswers == 0 && i < 1 << 20; i++)
        vg_buf_puts(out, "SELECT ");
    return 0;
}

static int ask_nobody(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                      struct vg_error *err)
{
    (void)out;
    (void)connection;
    return vg_fail(err, VG_E_NOT_FOUND, "column of %s is gone", asked->rule->id);
}

static const struct vg_check_type twice = {
    .name = "twice", .needs = VG_NEEDS_LOOKUP, .lookup = ask_twice};
static const struct vg_check_type there = {
    .name = "there", .needs = VG_NEEDS_LOOKUP, .lookup = ask_there};
static const struct vg_check_type endless = {
    .name = "endless", .needs = VG_NEEDS_LOOKUP, .lookup = ask_without_end};
static const struct vg_check_type nobody = {
    .name = "nobody", .needs = VG_NEEDS_LOOKUP, .lookup = ask_nobody};
static const struct vg_check_type silent = {.name = "silent"};

static void start(struct world *world, const struct vg_check_type *a, const struct vg_check_type *b,
                  const struct vg_check_type *c)
{
    static const char *const ids[] = {"a", "b", "c"};
    const struct vg_check_type *const types[] = {a, b, c};
    *world = (struct world){
        .source = {&source_ops},
        .clock = {&clock_ops},
        .dataset = {.id = "d",
                    .connection = "warehouse",
                    .zone = &vg_utc,
                    .timeout_us = 25 * VG_US,
                    .scan_timeout_us = 10 * VG_MINUTE_US},
    };
    world->own = (struct vg_session){world, false};
    world->env = (struct vg_cycle_env){.source = &world->source, .clock = &world->clock};
    for (size_t i = 0; i < RULES; i++)
        world->bound[i].rule =
            (struct vg_rule){.id = ids[i], .type = types[i], .dataset = &world->dataset};
    world->work = (struct vg_work){
        .env = &world->env,
        .job = {.dataset = &world->dataset},
        .arena = vg_arena_new(),
        .session = &world->own,
        .catalog = &world->catalog,
        .plan = {.dataset = &world->dataset,
                 .catalog = &world->catalog,
                 .bound = world->bound,
                 .nbound = RULES},
    };
    assert_non_null(world->work.arena);
}

static void stop(struct world *world)
{
    assert_int_equal(world->opens, world->closes);
    vg_arena_free(world->work.arena);
}

static void expect_asked(const struct world *world, const char *const *asked, size_t n)
{
    assert_int_equal(world->nasked, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(world->asked[i], asked[i]);
}

/* --- tests --- */

static void test_one_after_the_other(void **state)
{
    (void)state;
    static const char *const asked[] = {"a one", "a two after a one", "c one", "c two after c one"};
    struct world world;
    start(&world, &twice, &silent, &twice);
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
    expect_asked(&world, asked, 4);
    assert_true(world.work.asked[0].n == 2 && world.work.asked[2].n == 2);
    assert_true(world.work.asked[1].n == 0 && !world.work.asked[0].why);
    assert_string_equal(world.work.asked[2].answers[1].cells[0], "c two after c one");
    stop(&world);
    start(&world, &twice, &silent, &silent);
    world.bound[0].problem = "it cannot be bound";
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
    assert_int_equal(world.nasked, 0);
    stop(&world);
}

static void test_what_costs_one_rule(void **state)
{
    (void)state;
    static const struct {
        enum vg_code code;
        const char *sqlstate;
        bool fatal;
    } rows[] = {
        {VG_E_QUERY, "22012", false},      {VG_E_TIMEOUT, "57014", false},
        {VG_E_PERMISSION, "42501", false}, {VG_E_LIMIT, "", false},
        {VG_E_TIMEOUT, "", false},         {VG_E_DATA, "22021", false},
        {VG_E_CONNECT, "57P01", true},     {VG_E_CONNECT, "", true},
        {VG_E_CANCELLED, "", true},        {VG_E_MEMORY, "", true},
        {VG_E_INTERNAL, "", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world world;
        start(&world, &twice, &twice, &silent);
        world.trouble[0] = (struct trouble){"a two after a one", rows[i].code, rows[i].sqlstate};
        int rc = vg_cycle_ask(&world.work, &world.err);
        assert_int_equal(rc, rows[i].fatal ? -1 : 0);
        if (rows[i].fatal) {
            assert_int_equal(world.err.code, rows[i].code);
        } else {
            assert_string_equal(world.work.asked[0].why, "trouble with a two after a one");
            assert_int_equal(world.err.code, VG_OK);
            bool goes_on = *rows[i].sqlstate != '\0';
            assert_int_equal(world.work.asked[1].why == NULL, goes_on);
            if (!goes_on)
                assert_string_equal(world.work.asked[1].why, "the session was given up");
        }
        stop(&world);
    }
}

/* A connection that breaks by itself is the read's failure, also behind a mere refusal. */
static void test_a_break_after_a_refusal(void **state)
{
    (void)state;
    struct world world;
    start(&world, &twice, &twice, &silent);
    world.trouble[0] = (struct trouble){"a one", VG_E_QUERY, "42P01"};
    world.trouble[1] = (struct trouble){"b one", VG_E_CONNECT, "57P01"};
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), -1);
    assert_int_equal(world.err.code, VG_E_CONNECT);
    stop(&world);
}

static void test_another_connection(void **state)
{
    (void)state;
    struct world world;
    start(&world, &there, &silent, &twice);
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
    assert_int_equal(world.nasked, 5);
    assert_string_equal(world.asked[0], "a here");
    assert_non_null(strstr(world.asked[1], "'idle_in_transaction_session_timeout', '1310000'"));
    assert_string_equal(world.asked[2], "a there");
    assert_true(!world.there[1] && world.there[2] && !world.there[3]);
    assert_int_equal(world.opens, 1);
    stop(&world);
    static const struct trouble troubles[] = {{"open", VG_E_CONNECT, ""},
                                              {"a there", VG_E_CONNECT, "57P01"},
                                              {"a there", VG_E_LIMIT, ""},
                                              {"a there", VG_E_QUERY, "42P01"}};
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        start(&world, &there, &silent, &twice);
        world.trouble[0] = troubles[i];
        assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
        assert_int_equal(strncmp(world.work.asked[0].why, "connection other: ", 18), 0);
        assert_int_equal(world.work.asked[2].n, 2);
        stop(&world);
    }
    start(&world, &there, &silent, &twice);
    world.trouble[0] = (struct trouble){"a there", VG_E_CANCELLED, ""};
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), -1);
    stop(&world);
}

/* All statements share the time of the scan, but each gets as much as a quick one needs. */
static void test_time_for_all(void **state)
{
    (void)state;
    struct world world;
    start(&world, &twice, &twice, &twice);
    world.each_us = 4 * VG_MINUTE_US;
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
    static const int64_t seconds[] = {600, 360, 120, 25, 25, 25};
    assert_int_equal(world.nasked, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(world.timeout_us[i], seconds[i] * VG_US);
    stop(&world);
    start(&world, &twice, &silent, &silent);
    world.dataset.scan_timeout_us = 5 * VG_US;
    world.each_us = VG_MINUTE_US;
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
    assert_true(world.timeout_us[0] == 5 * VG_US && world.timeout_us[1] == 5 * VG_US);
    stop(&world);
}

static void test_statements_that_cannot_be_written(void **state)
{
    (void)state;
    struct world world;
    start(&world, &endless, &nobody, &twice);
    assert_int_equal(vg_cycle_ask(&world.work, &world.err), 0);
    assert_string_equal(world.work.asked[0].why, "the statement would be longer than 4 MB");
    assert_string_equal(world.work.asked[1].why, "column of b is gone");
    assert_true(world.work.asked[2].n == 2 && world.nasked == 2);
    stop(&world);
}

/* --- expressions at fault --- */

static void start_search(struct world *world)
{
    static const char *const conditions[] = {"a > 1", "b / 0", "c > 1"};
    start(world, &silent, &silent, &silent);
    world->catalog.quoted = "s.t";
    world->parts = true;
    for (size_t i = 0; i < RULES; i++)
        world->bound[i].condition = conditions[i];
}

static void test_who_is_at_fault(void **state)
{
    (void)state;
    static const struct {
        enum vg_code code;
        const char *sqlstate;
        size_t rejects, asked;
        int rc;
    } rows[] = {
        {VG_E_QUERY, "22012", 1, 5, 0},    {VG_E_PERMISSION, "42501", 1, 5, 0},
        {VG_E_TIMEOUT, "57014", 0, 5, 0},  {VG_E_TIMEOUT, "55P03", 0, 5, 0},
        {VG_E_QUERY, "53200", 0, 5, 0},    {VG_E_TIMEOUT, "", 0, 3, 0},
        {VG_E_LIMIT, "", 0, 3, 0},         {VG_E_QUERY, "40001", 0, 3, 0},
        {VG_E_CONNECT, "57P01", 0, 3, -1}, {VG_E_CANCELLED, "", 0, 3, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world world;
        start_search(&world);
        world.trouble[0] = (struct trouble){"b / 0", rows[i].code, rows[i].sqlstate};
        assert_int_equal(vg_cycle_find_rejects(&world.work, &world.err), rows[i].rc);
        assert_int_equal(world.nasked, rows[i].asked);
        assert_int_equal(world.work.rejects.n, rows[i].rejects);
        if (rows[i].rejects)
            assert_string_equal(world.work.rejects.items[0].expression, "b / 0");
        assert_int_equal(world.err.code, rows[i].rc ? rows[i].code : VG_OK);
        stop(&world);
    }
}

/* The time of one scan for all of them; who was not tried is not blamed. */
static void test_time_of_the_search(void **state)
{
    (void)state;
    struct world world;
    start_search(&world);
    world.each_us = 4 * VG_MINUTE_US;
    world.trouble[0] = (struct trouble){"c > 1", VG_E_QUERY, "22012"};
    assert_int_equal(vg_cycle_find_rejects(&world.work, &world.err), 0);
    static const int64_t minutes[] = {10, 6, 2};
    assert_int_equal(world.nasked, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(world.timeout_us[i], minutes[i] * VG_MINUTE_US);
    assert_int_equal(world.work.rejects.n, 0);
    stop(&world);
}

/* What would cost too much is not run, and not blamed; what fails for no row is found. */
static void test_cost_of_the_search(void **state)
{
    (void)state;
    struct world world;
    start_search(&world);
    world.dataset.caps.cost = 10;
    world.trouble[0] = (struct trouble){"b / 0", VG_E_QUERY, "42703"};
    assert_int_equal(vg_cycle_find_rejects(&world.work, &world.err), 0);
    assert_int_equal(world.work.rejects.n, 1);
    assert_string_equal(world.work.rejects.items[0].expression, "b / 0");
    assert_int_equal(world.nasked, 3 + 1 + 3);
    for (size_t i = 0; i < world.nasked; i++)
        assert_true(strncmp(world.asked[i], "SELECT pg_catalog.count", 23) != 0);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_what_costs_one_rule),
        cmocka_unit_test(test_a_break_after_a_refusal),
        cmocka_unit_test(test_another_connection),
        cmocka_unit_test(test_time_for_all),
        cmocka_unit_test(test_statements_that_cannot_be_written),
        cmocka_unit_test(test_who_is_at_fault),
        cmocka_unit_test(test_time_of_the_search),
        cmocka_unit_test(test_cost_of_the_search),
    };
    return cmocka_run_group_tests_name("cycle_ask", tests, NULL, NULL);
}
