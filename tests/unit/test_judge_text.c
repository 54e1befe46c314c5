/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/judge_text.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "agent/judge_text.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct row {
    const char *check, *found;
    double value, fail, warn; /* NAN: no such limit */
    double p;
    int direction;
    enum vg_verdict verdict;
    const char *why;
};

static const struct row rows[] = {
    {"ks", "D 0.384", .384, .35, NAN, 0, 1, VG_FAIL, "D 0.384 above 0.35, upwards; p < 1e-300"},
    {"ks", "D 0.21", .21, .35, NAN, 3.21e-12, -1, VG_PASS,
     "D 0.21, limit 0.35, downwards; p 3.2e-12"},
    {"ks", "D 0.3", .3, .35, .25, .5, 0, VG_WARN, "D 0.3 above the warning limit 0.25; p 0.5"},
    {"ks", "D 0.2", .2, NAN, .25, .5, 0, VG_PASS, "D 0.2, limit 0.25; p 0.5"},
    {"ks", "D 0.35", .350000001, .35, NAN, 1, 0, VG_FAIL, "D 0.35 above 0.35; p 1"},
    {"nulls", "187 of 3593 rows null", 187.0 / 3593, .05, NAN, NAN, 0, VG_FAIL,
     "187 of 3593 rows null (5.205%), above 5%"},
    {"nulls", "0 of 3593 rows null", 0, .05, NAN, NAN, 0, VG_PASS, "0 of 3593 rows null, limit 5%"},
    {"nulls", "9 of 900 rows null", .01, 0, NAN, NAN, 0, VG_FAIL,
     "9 of 900 rows null (1%), none allowed"},
    {"nulls", "50001 of 1000000 rows null", .050001, .05, NAN, NAN, 0, VG_FAIL,
     "50001 of 1000000 rows null (5%), above 5%"},
    {"range", "286 of 3593 rows outside [-120, 900]", 286.0 / 3593, 0, NAN, NAN, 0, VG_FAIL,
     "286 of 3593 rows outside [-120, 900] (7.96%), none allowed"},
    {"range", "0 of 3593 rows outside [-120, 900]", 0, 0, NAN, NAN, 0, VG_PASS,
     "0 of 3593 rows outside [-120, 900], none allowed"},
    {"freshness", "newest row 9.02h old", 32472, 28800, NAN, NAN, 0, VG_FAIL,
     "newest row 9.02h old, above 8h"},
    {"freshness", "newest row 90m old", 5400, 3600, NAN, NAN, 0, VG_FAIL,
     "newest row 90m old, above 1h"},
    {"freshness", "newest row 12m old", 720, 28800, NAN, NAN, 0, VG_PASS,
     "newest row 12m old, limit 8h"},
    {"freshness", "no row with a time up to now", INFINITY, 28800, NAN, NAN, 0, VG_FAIL,
     "no row with a time up to now, limit 8h"},
    {"schema", "column a is missing", 1, 0, NAN, NAN, 0, VG_FAIL, "column a is missing"},
    {"schema", "12 columns as expected", 0, 0, NAN, NAN, 0, VG_PASS, "12 columns as expected"},
    {"reach", "readable", NAN, NAN, NAN, NAN, 0, VG_PASS, "readable"},
    {"reach",
     "a\nb\tc\x01"
     "d\xff",
     NAN, NAN, NAN, NAN, 0, VG_PASS,
     "a b c\xef\xbf\xbd"
     "d\xef\xbf\xbd"},
    {"reach", "\na", NAN, NAN, NAN, NAN, 0, VG_PASS, " a"},
    {"reach", "caf\xc3\xa9", NAN, NAN, NAN, NAN, 0, VG_PASS, "caf\xc3\xa9"},
};

static struct vg_judge_limit make_limit(double most)
{
    return (struct vg_judge_limit){.given = !isnan(most), .min = -INFINITY, .max = most};
}

static void test_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_rule rule = {.id = "x", .type = vg_check_find(rows[i].check)};
        struct vg_measure measure = {.rule = &rule,
                                     .at_most = VG_FAIL,
                                     .value = rows[i].value,
                                     .p_value = rows[i].p,
                                     .direction = rows[i].direction};
        memcpy(measure.why, rows[i].found, strlen(rows[i].found) + 1);
        struct vg_judged judged = {.measure = &measure,
                                   .fail = make_limit(rows[i].fail),
                                   .warn = make_limit(rows[i].warn),
                                   .look = VG_PASS,
                                   .verdict = rows[i].verdict};
        const char *why = vg_judge_text(&judged, arena);
        assert_non_null(why);
        assert_string_equal(why, rows[i].why);
        vg_arena_free(arena);
    }
}

/* Words that a measure's size has cut in the middle of a character lose that character. */
static void test_cut_characters(void **state)
{
    (void)state;
    static const char *const endings[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < COUNT(endings); i++) {
        for (size_t cut = 0; cut <= strlen(endings[i]); cut++) {
            struct vg_arena *arena = vg_arena_new();
            struct vg_rule rule = {.id = "x", .type = vg_check_find("reach")};
            struct vg_measure measure = {.rule = &rule, .look = VG_UNKNOWN};
            size_t before = VG_WHY - 1 - cut;
            memset(measure.why, 'x', before);
            memcpy(measure.why + before, endings[i], cut);
            struct vg_judged judged = {.measure = &measure, .look = VG_UNKNOWN};
            const char *why = vg_judge_text(&judged, arena);
            assert_non_null(why);
            bool whole = cut == strlen(endings[i]);
            assert_int_equal(strlen(why), whole ? VG_WHY - 1 : before);
            assert_true(vg_utf8_valid(why, strlen(why)));
            assert_null(strstr(why, "\xef\xbf\xbd"));
            vg_arena_free(arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_cut_characters),
    };
    return cmocka_run_group_tests_name("judge_text", tests, NULL, NULL);
}
