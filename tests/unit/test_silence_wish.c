/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/commands/silence_wish.c: what silences, what is refused, what is doubted. */
#include "tests/unit/store_fixture.h"

#include <string.h>

#include "agent/commands/silence_wish.h"
#include "agent/phrase.h"
#include "pgvigil/text.h"

enum { MOST = 4 };
static const int64_t now_us = INT64_C(992347200) * VG_US; /* 2001-06-12T12:00:00Z */

static int read_all(struct fixture *f, const char *const *texts, struct vg_silence *out)
{
    char *arguments[MOST];
    int n = 0;
    for (; n < MOST && texts[n]; n++)
        arguments[n] = vg_arena_strdup(f->arena, texts[n]);
    f->err = (struct vg_error){0};
    return vg_silence_read(arguments, n, now_us, f->arena, out, &f->err);
}

static void test_read(void **state)
{
    static const struct {
        const char *arguments[MOST], *what;
        int64_t from_us, until_us; /* from now */
    } cases[] = {
        {{"dataset=a", "for=1h"}, "dataset=a", 0, VG_HOUR_US},
        {{"dataset=*", "for=90m"}, "dataset=*", 0, 90 * VG_MINUTE_US},
        {{"severity=info,critical", "until=2001-06-12T13:00:00Z"},
         "severity=info severity=critical",
         0,
         VG_HOUR_US},
        {{"rule=r", "tag=t", "for=1h", "from=2001-06-12T14:00:00Z"},
         "rule=r tag=t",
         2 * VG_HOUR_US,
         3 * VG_HOUR_US},
        {{"tag=t", "for=1h", "by=", "why="}, "tag=t", 0, VG_HOUR_US},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_silence silence;
        struct vg_buf what;
        if (read_all(f, cases[i].arguments, &silence) < 0)
            fail_msg("case %zu: %s", i, f->err.msg);
        vg_buf_init(&what, 1000);
        vg_phrase_match(&what, &silence.match);
        assert_string_equal(what.data, cases[i].what);
        assert_true(silence.from_us == now_us + cases[i].from_us);
        assert_true(silence.until_us == now_us + cases[i].until_us);
        vg_buf_free(&what);
    }
}

/* An empty variable of a shell silences nothing. */
static void test_refused(void **state)
{
    static const struct {
        const char *arguments[MOST], *says;
    } cases[] = {
        {{"dataset=", "for=1h"}, "dataset= is empty"},
        {{"rule=", "for=1h"}, "rule= is empty"},
        {{"tag=", "for=1h"}, "tag= is empty"},
        {{"severity=", "for=1h"}, "severity= is empty"},
        {{"dataset=a", "for="}, "for= is empty"},
        {{"dataset=a", "until="}, "until= is empty"},
        {{"dataset=a", "from=", "for=1h"}, "from= is empty"},
        {{"for=2h"}, "everything: dataset='*'"},
        {{"for=2h", "by=anna", "why=x"}, "everything: dataset='*'"},
        {{"dataset=a", "dataset=b", "for=1h"}, "dataset= is given twice"},
        {{"why=a", "why=b", "dataset=a", "for=1h"}, "why= is given twice"},
        {{"dataset=a", "for=1h", "until=2001-06-13T00:00:00Z"}, "exclude each other"},
        {{"dataset=a"}, "a silence has an end"},
        {{"dataset=a", "for=soon"}, "for=soon is not a duration"},
        {{"dataset=a", "until=soon"}, "until=soon is not a time"},
        {{"dataset=a", "severity=bad", "for=1h"}, "severity= takes"},
        {{"datasets=a", "for=1h"}, "'datasets=a' is none of"},
        {{"dataset", "for=1h"}, "'dataset' is none of"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_silence silence;
        if (read_all(f, cases[i].arguments, &silence) == 0)
            fail_msg("case %zu was taken", i);
        assert_int_equal(f->err.code, VG_E_USAGE);
        if (!strstr(f->err.msg, cases[i].says))
            fail_msg("case %zu: %s", i, f->err.msg);
    }
}

static void test_doubt(void **state)
{
    static const struct {
        const char *dataset;
        int64_t lasts_us;
        const char *says;
    } cases[] = {
        {"d", VG_HOUR_US, ""},
        {"*", VG_HOUR_US, ""},
        {NULL, 30 * VG_DAY_US, ""},
        {"nosuch", VG_HOUR_US, "no dataset that was judged so far fits dataset=nosuch\n"},
        {"d", 3652 * VG_DAY_US, "it lasts 3652 days\n"},
    };
    struct fixture *f = *state;
    struct vg_result results[] = {made_result("a", VG_PASS)};
    struct vg_cycle cycle = made_cycle(1, results, 1);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    struct vg_progress progress = {.known = true};
    MUST(f, vg_store_progress_put(f->store, "d", &progress, &f->err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct vg_silence silence = {.match = {.dataset = cases[i].dataset},
                                           .from_us = now_us,
                                           .until_us = now_us + cases[i].lasts_us};
        struct vg_buf text;
        vg_buf_init(&text, 1000);
        MUST(f, vg_silence_doubt(f->store, &silence, f->arena, &text, &f->err));
        assert_string_equal(text.len ? text.data : "", cases[i].says);
        vg_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_doubt, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("silence_wish", tests, NULL, NULL);
}
