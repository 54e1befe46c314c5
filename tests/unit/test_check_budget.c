/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_budget*.c: what was found of streams as measures and in words, what
 * stands, and the hard rules. The mathematics has tests of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "checks/check_budget.h"
#include "pgvigil/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct world {
    struct vg_rule rule;
    struct vg_measures measures;
    struct vg_budget_stream streams[4];
    struct vg_budget_column columns[1];
    struct vg_budget model;
    struct vg_column_summary last;
    const struct vg_column_summary *windows[1];
    struct vg_budget_recent recent;
    struct vg_budget_evidence of;
    struct vg_budget_finding in;
};

static void start(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->rule = (struct vg_rule){.id = "a.drift",
                               .column = "a",
                               .type = vg_check_find("budget"),
                               .policy = VG_POLICY_BUDGET};
    w->measures.arena = vg_arena_new();
    for (int k = 0; k < VG_BUDGET_KINDS; k++)
        w->streams[k] = (struct vg_budget_stream){
            .kind = (enum vg_budget_kind)k, .level = 1e-4, .own = 1e-3, .visible = .25};
    w->streams[VG_BUDGET_SPREAD].visible = 1.4;
    w->columns[0] = (struct vg_budget_column){.name = "a", .kind = VG_KIND_NUMBER};
    w->model = (struct vg_budget){.base_us = 6 * VG_HOUR_US,
                                  .gap = 4,
                                  .streams = w->streams,
                                  .nstreams = 4,
                                  .columns = w->columns,
                                  .ncolumns = 1};
    w->last = (struct vg_column_summary){.kind = VG_KIND_NUMBER, .rows = 100};
    w->windows[0] = &w->last;
    w->recent = (struct vg_budget_recent){.windows = w->windows, .n = 1};
    w->of = (struct vg_budget_evidence){.model = &w->model, .recent = &w->recent};
    w->in = (struct vg_budget_finding){&w->rule, &w->of, &w->measures, NULL, 0};
}

static void stop(struct world *w)
{
    vg_arena_free(w->measures.arena);
}

static const struct vg_budget_found plain = {
    .p = 1e-6,
    .level = 1e-4,
    .scale = 4,
    .value = .31,
    .limit = .22,
    .effect = .31,
    .n_now = 900,
    .n_ref = 9000,
    .expected = NAN,
    .direction = 1,
};

static void test_measures(void **state)
{
    (void)state;
    struct world w;
    start(&w);
    assert_int_equal(vg_check_budget_found(&w.in, &plain), 0);
    const struct vg_measure *m = &w.measures.items[0];
    assert_int_equal(m->look, VG_PASS);
    assert_true(m->value == .31 && m->limit == .22 && m->effect == .31);
    assert_true(m->p_value == 1e-6 && m->level == 1e-4);
    assert_true(m->n_now == 900 && m->n_ref == 9000);
    assert_int_equal(m->direction, 1);
    assert_int_equal(m->resolve_after, 4);
    assert_false(m->standing || m->slight);
    assert_string_equal(m->why, "D 0.31 over the last 4 base windows of 6h");
    stop(&w);
}

/* Of a replay what is no alarm has no words. */
static void test_terse(void **state)
{
    (void)state;
    struct world w;
    struct vg_budget_found quiet = plain;
    quiet.p = .01;
    start(&w);
    w.measures.terse = true;
    assert_int_equal(vg_check_budget_found(&w.in, &plain), 0);
    assert_int_equal(vg_check_budget_found(&w.in, &quiet), 0);
    assert_string_equal(w.measures.items[0].why, "D 0.31 over the last 4 base windows of 6h");
    assert_string_equal(w.measures.items[1].why, "");
    assert_true(w.measures.items[1].p_value == .01 && w.measures.items[1].n_now == 900);
    stop(&w);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        struct vg_budget_found found;
        const char *why;
    } rows[] = {
        {{.stream = VG_BUDGET_KS, .value = .0421, .scale = 1}, "D 0.0421 in the base window of 6h"},
        {{.stream = VG_BUDGET_SPREAD, .value = 1.25, .scale = 8},
         "standard deviation 1.25 times the reference's over the last 8 base windows of 6h"},
        {{.stream = VG_BUDGET_LEVELS,
          .value = .05,
          .expected = .1,
          .which = VG_BUDGET_ONE,
          .label = "secret",
          .scale = 2},
         "share of one value 15%, expected 10% over the last 2 base windows of 6h"},
        {{.stream = VG_BUDGET_LEVELS,
          .value = .02,
          .expected = 0,
          .which = VG_BUDGET_UNSEEN,
          .scale = 1},
         "share of values unknown to the reference 2%, expected 0% in the base window of 6h"},
        {{.stream = VG_BUDGET_LEVELS,
          .value = .02,
          .expected = 1.2e-9,
          .which = VG_BUDGET_RARE,
          .scale = 1},
         "share of the rare values together 2%, expected next to none in the base window of 6h"},
        {{.stream = VG_BUDGET_NULLS,
          .value = -.01,
          .expected = .03,
          .which = VG_BUDGET_NULL,
          .scale = 24},
         "share of NULLs 2%, expected 3% over the last 24 base windows of 6h"},
    };
    struct world w;
    start(&w);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char why[VG_WHY];
        vg_budget_say_found(&w.of, &rows[i].found, why);
        assert_string_equal(why, rows[i].why);
    }
    stop(&w);
}

static void test_what_is_seen(void **state)
{
    (void)state;
    static const struct {
        struct vg_budget_stream stream;
        const char *visible, *why;
    } rows[] = {
        {{.kind = VG_BUDGET_KS, .visible = .06}, "a distance D of 0.06", ""},
        {{.kind = VG_BUDGET_NULLS, .visible = .004}, "a null rate risen by 0.4 points", ""},
        {{.kind = VG_BUDGET_LEVELS,
          .visible = .00086,
          .visible_of = VG_BUDGET_UNSEEN,
          .visible_top = .012},
         "an unseen value risen to 0.086%, the most frequent by 1.2 points",
         ""},
        {{.kind = VG_BUDGET_LEVELS,
          .visible = .01,
          .visible_of = VG_BUDGET_ONE,
          .visible_top = .01},
         "one value risen by 1 points",
         ""},
        {{.kind = VG_BUDGET_LEVELS,
          .visible = .02,
          .visible_of = VG_BUDGET_OTHER,
          .visible_top = INFINITY},
         "the less frequent values risen by 2 points, no rise of the most frequent",
         ""},
        {{.kind = VG_BUDGET_KS, .visible = INFINITY, .blind = true},
         "none",
         "distribution: blind, it can see no change at all"},
        {{.kind = VG_BUDGET_KS, .visible = 1.63, .blind = true},
         "none",
         "distribution: blind, it can see no change at all"},
        {{.kind = VG_BUDGET_NULLS, .visible = INFINITY, .blind = true},
         "none",
         "null rate: blind, it can see no rise, whatever its size"},
        {{.kind = VG_BUDGET_KS, .visible = .1, .noisy = true, .level = 1e-5, .own = 1e-5},
         "a distance D of 0.1",
         "distribution: noisy, with a stricter level of its own"},
        {{.kind = VG_BUDGET_KS, .visible = .1, .noisy = true, .level = 1e-5, .own = 2e-5},
         "a distance D of 0.1",
         "distribution: noisy, but the level of all streams is strict enough for it"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char visible[VG_WHY / 2], why[VG_WHY];
        vg_budget_say_visible(&rows[i].stream, visible);
        vg_budget_say_stream(&rows[i].stream, why);
        assert_string_equal(visible, rows[i].visible);
        assert_string_equal(why, rows[i].why);
    }
}

/* What a stream cannot see, or never tells, is nodata that stands; an alarm of a blind one is one
 * all the same. */
static void test_what_stands(void **state)
{
    (void)state;
    static const struct {
        bool not_stationary, blind;
        enum vg_budget_look look;
        double p;
        enum vg_verdict want;
        bool standing;
        const char *why;
    } rows[] = {
        {false, true, VG_BUDGET_LOOKED, .5, VG_NODATA, true,
         "distribution: blind, the smallest change it can see is a distance D of 0.25"},
        {false, true, VG_BUDGET_LOOKED, 1e-9, VG_PASS, false,
         "D 0.31 over the last 4 base windows of 6h"},
        {true, false, VG_BUDGET_LOOKED, 1e-9, VG_NODATA, true,
         "distribution: the reference is not stationary, so it is not calibrated: choose a later "
         "start"},
        {false, false, VG_BUDGET_FEW_ROWS, 1, VG_NODATA, false,
         "fewer rows than 30 in every look-back"},
        {false, false, VG_BUDGET_OTHER_GRID, 1, VG_NODATA, false,
         "warming up: earlier windows were counted on another grid"},
        {false, false, VG_BUDGET_NOT_COUNTED, 1, VG_NODATA, false,
         "its values were not counted in all windows"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world w;
        start(&w);
        w.streams[0].not_stationary = rows[i].not_stationary;
        w.streams[0].blind = rows[i].blind;
        struct vg_budget_found found = plain;
        found.look = rows[i].look;
        found.p = rows[i].p;
        assert_int_equal(vg_check_budget_found(&w.in, &found), 0);
        assert_int_equal(w.measures.items[0].look, rows[i].want);
        assert_int_equal(w.measures.items[0].standing, rows[i].standing);
        assert_string_equal(w.measures.items[0].why, rows[i].why);
        stop(&w);
    }
}

/* Whose values nothing watches does not pass because its spread does; an alarm of that counts. */
static void test_what_passes_for_values(void **state)
{
    (void)state;
    static const struct {
        bool blind, not_stationary;
        enum vg_budget_kind values;
        double p, p_spread;
        bool unwatched, spread_decides;
    } rows[] = {
        {false, false, VG_BUDGET_KS, .5, .5, false, false},
        {true, false, VG_BUDGET_KS, .5, .5, true, false},
        {true, false, VG_BUDGET_LEVELS, .5, .5, true, false},
        {true, false, VG_BUDGET_KS, 1e-9, .5, false, false},
        {true, false, VG_BUDGET_KS, .5, 1e-9, true, true},
        {false, true, VG_BUDGET_KS, 1e-9, .5, true, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world w;
        start(&w);
        w.streams[rows[i].values].blind = rows[i].blind;
        w.streams[rows[i].values].not_stationary = rows[i].not_stationary;
        struct vg_budget_found found[2] = {plain, plain};
        found[0].stream = VG_BUDGET_SPREAD;
        found[0].p = rows[i].p_spread;
        found[1].stream = rows[i].values;
        found[1].p = rows[i].p;
        assert_int_equal(vg_check_budget_unwatched(&w.model, found, 2), rows[i].unwatched);
        assert_int_equal(vg_check_budget_decides(&w.model, &found[0]), rows[i].spread_decides);
        assert_true(vg_check_budget_decides(&w.model, &found[1]));
        assert_false(vg_check_budget_unwatched(&w.model, found, 1)); /* it has no such stream */
        stop(&w);
    }
}

static void expect_hard(struct world *w, const char *why)
{
    w->measures.n = 0;
    assert_int_equal(vg_check_budget_hard(&w->in), 0);
    if (!why) {
        assert_int_equal(w->measures.n, 0);
        return;
    }
    assert_int_equal(w->measures.n, 1);
    const struct vg_measure *m = &w->measures.items[0];
    assert_true(isnan(m->p_value) && m->value > m->limit && !m->direction);
    assert_string_equal(m->why, why);
}

static void test_hard_rules(void **state)
{
    (void)state;
    static const struct vg_budget_new_value fresh[] = {{.share = .04}, {.share = .02}};
    struct world w;
    start(&w);
    expect_hard(&w, NULL);
    w.last.nulls = 1;
    expect_hard(&w, "NULLs, of which the reference has none");
    w.columns[0].had_nulls = true;
    expect_hard(&w, NULL);
    w.last.nulls = 100;
    expect_hard(&w, "every row is NULL, which was not usual in the reference once the column had "
                    "values");
    w.last.rows = w.last.nulls = 29; /* too few for that to be more than chance */
    expect_hard(&w, NULL);
    w.last.nulls = 0;
    w.of.fresh = fresh;
    w.of.nfresh = 2;
    expect_hard(&w, "2 new values in 24h, the most frequent with 4% of the rows");
    w.of.nfresh = 0;
    w.of.type_then = "integer";
    w.of.type_now = "bigint";
    expect_hard(&w, "its type was integer in the reference and is bigint now");
    w.of.type_now = NULL;
    w.windows[0] = NULL;
    w.of.lost = true;
    expect_hard(&w, "no rows in a base window that always had 30 or more in the reference");
    stop(&w);
}

static void test_without_a_model(void **state)
{
    (void)state;
    static const struct vg_reference reference = {.version = 1};
    static const struct {
        bool reference, failed;
        const char *why, *reference_why;
        enum vg_verdict want;
        const char *said;
    } rows[] = {
        {false, false, NULL, NULL, VG_NODATA, "no reference yet"},
        {false, true, NULL, "capturing failed", VG_UNKNOWN, "capturing failed"},
        {true, false, "not calibrated", NULL, VG_NODATA, "not calibrated"},
        {true, false, NULL, NULL, VG_NODATA,
         "the reference was calibrated without this column: capture another one"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world w;
        struct vg_error err = {0};
        start(&w);
        struct vg_budget_evidence none = {.why = rows[i].why, .column = -1};
        struct vg_evidence evidence = {.reference = rows[i].reference ? &reference : NULL,
                                       .reference_failed = rows[i].failed,
                                       .reference_why = rows[i].reference_why,
                                       .budget = &none};
        assert_int_equal(w.rule.type->measure(&w.rule, &evidence, &w.measures, &err), 0);
        assert_int_equal(w.measures.n, 1);
        assert_int_equal(w.measures.items[0].look, rows[i].want);
        assert_string_equal(w.measures.items[0].why, rows[i].said);
        stop(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measures),     cmocka_unit_test(test_terse),
        cmocka_unit_test(test_words),        cmocka_unit_test(test_what_stands),
        cmocka_unit_test(test_hard_rules),   cmocka_unit_test(test_without_a_model),
        cmocka_unit_test(test_what_is_seen), cmocka_unit_test(test_what_passes_for_values),
    };
    return cmocka_run_group_tests_name("check_budget", tests, NULL, NULL);
}
