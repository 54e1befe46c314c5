/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the status page (agent/web/report*.c) over a real store: what it shows and in which
 * order, that its markup is balanced and self-contained, and that no text from outside becomes
 * markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/report.h"
#include "tests/unit/store_fixture.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
static const int64_t now_us = INT64_C(992347200) * VG_US; /* 2001-06-12T12:00:00Z */
static const struct vg_report_about about = {.name = "prod", .version = "1.2.3"};

/* --- A store with a story --------------------------------------------------------------------- */

static void put_progress(struct fixture *f, const char *dataset)
{
    struct vg_progress progress = {
        .known = true,
        .first_seen_us = now_us - 10 * VG_DAY_US,
        .watermark_us = VG_NEVER,
        .judged_us = VG_NEVER,
        .success_us = now_us - 3 * VG_MINUTE_US,
        .tick_us = VG_NEVER,
        .retry_us = VG_NEVER,
        .cycles = 2880,
        .cycle_failures = 2,
        .windows_skipped = 1,
        .model = "delay-model",
        .role = VG_ROLE_PREDICTIONS,
    };
    MUST(f, vg_store_progress_put(f->store, dataset, &progress, &f->err));
}

static void put_results(struct fixture *f, const char *dataset, struct vg_result *results, size_t n)
{
    struct vg_window window = {now_us - VG_DAY_US, now_us, false};
    struct vg_window_row row = {.window = window,
                                .due_us = now_us,
                                .committed_us = now_us,
                                .status = VG_WINDOW_JUDGED,
                                .rows = 3458,
                                .probe_rows = -1};
    struct vg_cycle cycle = {.dataset = dataset,
                             .has_window = true,
                             .ticked = true,
                             .window = window,
                             .rows = 3458,
                             .due_us = now_us,
                             .now_us = now_us,
                             .newest_us = VG_NEVER,
                             .results = results,
                             .nresults = n};
    put_progress(f, dataset);
    MUST(f, vg_store_window_put(f->store, dataset, &row, &f->err));
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
}

static struct vg_result make_result(const char *rule, enum vg_verdict verdict, const char *why)
{
    struct vg_result result = made_result(rule, verdict);
    result.why = why;
    return result;
}

static void put_incident(struct fixture *f, const char *key, int64_t opened_us, int64_t closed_us)
{
    static const char *const to[] = {"ops", "oncall"};
    struct vg_incident incident = {.dataset = "predictions",
                                   .severity = VG_SEVERITY_CRITICAL,
                                   .opened_due_us = opened_us,
                                   .first_us = opened_us,
                                   .closed_us = closed_us,
                                   .onset_us = opened_us - VG_DAY_US,
                                   .told_us = opened_us,
                                   .to = {to, 2}};
    snprintf(incident.key, sizeof incident.key, "%032d%s", 0, "");
    memcpy(incident.key, key, strlen(key));
    MUST(f, vg_store_incident_put(f->store, &incident, &f->err));
}

static void put_story(struct fixture *f)
{
    struct vg_result good[] = {make_result("amount.nulls", VG_PASS, "0.2 % are null")};
    struct vg_result bad[] = {make_result("probability.range", VG_PASS, "all rows are inside"),
                              make_result("score-drift", VG_FAIL, "D 0.384 is above 0.35")};
    put_results(f, "features", good, 1);
    put_results(f, "predictions", bad, 2);
    struct vg_alert firing = made_alert("score-drift", VG_ALERT_FIRING);
    struct vg_alert fine = made_alert("probability.range", VG_ALERT_OK);
    firing.dataset = fine.dataset = "predictions";
    firing.onset_us = now_us - VG_DAY_US;
    MUST(f, vg_store_alert_put(f->store, &firing, &f->err));
    MUST(f, vg_store_alert_put(f->store, &fine, &f->err));
    put_incident(f, "aaaa", now_us - 5 * VG_DAY_US, now_us - 4 * VG_DAY_US);
    put_incident(f, "bbbb", now_us, VG_NEVER);
    struct vg_decision decision = {.model = "delay-model",
                                   .at_us = now_us,
                                   .kind = VG_DECIDED_WITHHELD,
                                   .reason = "features: recent_origin_delay.nulls fails"};
    bool recorded;
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    const struct vg_onset onset = {.key = "0123456789abcdef",
                                   .model = "score-model",
                                   .dataset = "predictions",
                                   .rule = "score-drift",
                                   .fired_us = VG_NEVER,
                                   .ended_us = VG_NEVER,
                                   .approval = VG_APPROVAL_ASKED,
                                   .approval_us = now_us};
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    struct vg_outgoing waiting = made_outgoing("ops", "cccc", now_us);
    MUST(f, vg_store_outbox_put(f->store, &waiting, &f->err));
}

/* --- Reading the page ------------------------------------------------------------------------- */

static bool is_void(const char *name)
{
    return !strcmp(name, "meta") || !strcmp(name, "br");
}

/* The name of the tag at `at` (past "<" or "</") in lower case. */
static void read_name(const char *at, char *out, size_t size)
{
    size_t n = 0;
    for (; n + 1 < size && isalnum((unsigned char)at[n]); n++)
        out[n] = (char)tolower((unsigned char)at[n]);
    out[n] = '\0';
}

/* Nothing is fetched or run: links lead to the agent's own pages. */
static void check_tag(const char *at)
{
    static const char *const foreign[] = {"<script", "<link", "<img", "<iframe", "<form", "<base",
                                          "src=",    "://",   " on",  "style=",  "\"//"};
    char tag[300];
    snprintf(tag, sizeof tag, "%.*s", (int)strcspn(at, ">"), at);
    for (size_t i = 0; i < COUNT(foreign); i++) {
        if (strstr(tag, foreign[i])) {
            print_error("foreign tag: %s\n", tag);
            fail();
        }
    }
}

/* Fails the test unless every tag is closed in the right order, and is ours. */
static void check_markup(const char *page)
{
    char open[32][16];
    size_t depth = 0;
    assert_int_equal(strncmp(page, "<!DOCTYPE html>", 15), 0);
    assert_null(strstr(vg_report_style, "@import"));
    assert_null(strstr(vg_report_style, "url("));
    for (const char *at = page + 15; (at = strchr(at, '<')) != NULL; at++) {
        char name[16];
        bool closing = at[1] == '/';
        read_name(at + 1 + closing, name, sizeof name);
        if (!*name || (closing && (!depth || strcmp(open[depth - 1], name) != 0))) {
            print_error("bad markup at: %.100s\n", at);
            fail();
        }
        check_tag(at);
        assert_true(depth < COUNT(open));
        if (closing)
            depth--;
        else if (!is_void(name))
            memcpy(open[depth++], name, sizeof name);
    }
    assert_int_equal(depth, 0);
}

static char *get_page(struct fixture *f, const struct vg_report_about *who)
{
    struct vg_buf out;
    vg_buf_init(&out, VG_REPORT_BYTES);
    MUST(f, vg_report_page(f->store, who, now_us, &out, &f->err));
    char *page = vg_buf_take(&out);
    assert_non_null(page);
    check_markup(page);
    return page;
}

static const char *find_text(const char *page, const char *text)
{
    const char *at = strstr(page, text);
    if (!at) {
        print_error("the page does not hold: %s\n%s\n", text, page);
        fail();
    }
    return at;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_an_empty_store(void **state)
{
    struct fixture *f = *state;
    char *page = get_page(f, &about);
    find_text(page, "<title>pgvigil: prod</title>");
    find_text(page, "No dataset has been looked at yet.");
    find_text(page, "Nothing fires.");
    find_text(page, "<b>0</b>datasets");
    find_text(page, "pgvigil 1.2.3");
    free(page);
}

static void test_the_story_is_told(void **state)
{
    struct fixture *f = *state;
    put_story(f);
    struct vg_report_about troubled = {
        .name = "prod", .version = "1.2.3", .problem = "rules/a.yaml does not load"};
    char *page = get_page(f, &troubled);
    static const char *const texts[] = {
        "rules/a.yaml does not load",
        "<b>2</b>datasets",
        "<b>1</b>failing",
        "<b>1</b>in order",
        "<b>1</b>message waiting",
        "D 0.384 is above 0.35",
        "<time datetime=\"2001-06-12T12:00:00Z\">2001-06-12 12:00</time>",
        "3458 rows",
        "model delay-model",
        "(3 min ago)",
        "cycles: 2880, failed: 2 · windows skipped: 1",
        ">0.384</td>",
        ">0.35</td>",
        "features: recent_origin_delay.nulls fails",
        "waits for approval since ",
        "pgvigil retrain approve 0123456789ab",
        "runbook: https://example.test/runbook",
        ">ops, oncall</td>",
        "<tr><td data-label=Receiver>ops</td><td class=num data-label=\"Waiting\">1</td>",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        find_text(page, texts[i]);
    free(page);
}

static void test_the_gravest_comes_first(void **state)
{
    struct fixture *f = *state;
    put_story(f);
    char *page = get_page(f, &about);
    const char *alerts = find_text(page, "<h2>Alerts</h2>");
    const char *datasets = find_text(page, "<h2>Datasets</h2>");
    assert_true(alerts < datasets);
    const char *bad = find_text(datasets, "<strong>predictions</strong>");
    assert_true(bad < find_text(datasets, "<strong>features</strong>"));
    assert_true(find_text(bad, "<code>score-drift</code>") <
                find_text(bad, "<code>probability.range</code>"));
    /* what fails is open, what passes is folded */
    find_text(page, "<details id=\"dataset-predictions\" class=\"box fail\" open>");
    find_text(page, "<details id=\"dataset-features\" class=\"box pass\">");
    const char *incidents = find_text(page, "<h2>Incidents</h2>");
    assert_true(find_text(incidents, ">open</span>") < find_text(incidents, ">closed</span>"));
    /* an alert that is ok is not one of the alerts */
    const char *ok = strstr(alerts, "probability.range");
    assert_true(!ok || ok > datasets);
    free(page);
}

/* In force and to come; what is over is not shown. */
static void test_silences(void **state)
{
    struct fixture *f = *state;
    struct vg_silence row = {.match = {.dataset = "a<*"}, .by = "anna", .why = "over"};
    int64_t id;
    char *page = get_page(f, &about);
    assert_null(strstr(page, "Silences"));
    free(page);
    row.from_us = now_us - 2 * VG_HOUR_US;
    row.until_us = now_us;
    MUST(f, vg_store_silence_put(f->store, &row, &id, &f->err));
    row.until_us = now_us + VG_HOUR_US;
    row.why = "the move";
    MUST(f, vg_store_silence_put(f->store, &row, &id, &f->err));
    row.from_us = now_us + VG_MINUTE_US;
    row.why = "to come";
    MUST(f, vg_store_silence_put(f->store, &row, &id, &f->err));
    page = get_page(f, &about);
    const char *at = find_text(page, "<h2>Silences</h2>");
    assert_true(at < find_text(page, "<h2>Datasets</h2>"));
    find_text(at, "dataset=a&lt;*");
    assert_true(find_text(at, "the move") < find_text(at, "to come"));
    assert_null(strstr(page, "over</td>"));
    free(page);
}

/* Those of files say where they stand; what is over is not shown either. */
static void test_silences_of_files(void **state)
{
    struct fixture *f = *state;
    struct vg_quiet own[] = {
        {.match = {.tag = "night<ly"},
         .hours = {.given = true, .days = 96, .from_us = VG_HOUR_US, .until_us = 5 * VG_HOUR_US},
         .from_us = INT64_MIN,
         .until_us = VG_NEVER,
         .why = "the batch",
         .loc = {"pgvigil.yaml", 12, 5}},
        {.match = {.dataset = "gone"}, .from_us = INT64_MIN, .until_us = now_us},
    };
    struct vg_quiet of_rule = {.from_us = now_us - VG_HOUR_US,
                               .until_us = now_us + VG_HOUR_US,
                               .loc = {"rules/d.yaml", 30, 3}};
    struct vg_dataset dataset = {.id = "d", .quiet = &of_rule, .nquiet = 1};
    struct vg_dataset *datasets[] = {&dataset};
    const struct vg_config config = {.quiet = own, .nquiet = 2};
    const struct vg_ruleset rules = {.datasets = datasets, .ndatasets = 1};
    const struct vg_report_about who = {
        .name = "prod", .version = "1.2.3", .config = &config, .rules = &rules};
    char *page = get_page(f, &who);
    const char *at = find_text(page, "<h2>Silences</h2>");
    find_text(at, "tag=night&lt;ly");
    find_text(at, "sat sun 01:00-05:00 UTC");
    find_text(at, "the batch");
    const char *first = find_text(at, "pgvigil.yaml:12"),
               *second = find_text(at, "rules/d.yaml:30");
    assert_true(first < second && second < find_text(page, "<h2>Datasets</h2>"));
    find_text(at, "dataset=d<");
    assert_null(strstr(page, "dataset=gone"));
    free(page);
}

static size_t count_text(const char *page, const char *text)
{
    size_t n = 0;
    for (; (page = strstr(page, text)) != NULL; page++)
        n++;
    return n;
}

static void test_long_lists_are_cut(void **state)
{
    struct fixture *f = *state;
    enum { MANY = VG_REPORT_RESULTS + 7 };
    struct vg_result *results = calloc(MANY, sizeof *results);
    char(*names)[16] = calloc(MANY, sizeof *names);
    assert_true(results && names);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "rule%03zu", i);
        results[i] = make_result(names[i], i == MANY - 1 ? VG_FAIL : VG_PASS, "fine");
    }
    put_results(f, "wide", results, MANY);
    for (int i = 0; i < 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "%04d", i);
        put_incident(f, key, now_us - i * VG_DAY_US, i == 29 ? VG_NEVER : now_us);
    }
    char *page = get_page(f, &about);
    assert_int_equal(count_text(page, "<td data-label=Verdict>"), VG_REPORT_RESULTS);
    find_text(page, "and 7 more");
    find_text(page, names[MANY - 1]); /* the one that fails is shown */
    assert_int_equal(count_text(page, ">ops, oncall</td>"), VG_REPORT_INCIDENTS);
    find_text(page, ">open</span>"); /* the oldest, because it is open */
    free(page);
    free(names);
    free(results);
}

/* The first rows that offend stand below the finding, as text. */
static void test_keys_are_shown(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"17", "<b>", "3", "4", "5", "6", "7", "8", "9", "10", "11"};
    struct vg_result result = make_result("r", VG_FAIL, "3 of 4 rows");
    result.keys = keys;
    result.nkeys = COUNT(keys);
    put_results(f, "d", &result, 1);
    char *page = get_page(f, &about);
    find_text(page, "3 of 4 rows<br><span class=soft>rows <code>17</code>, <code>&lt;b&gt;</code>");
    find_text(page, "<code>10</code> and 1 more</span></td>");
    free(page);
}

static void test_no_text_becomes_markup(void **state)
{
    static const char evil[] =
        "</td><script>alert('x')</script>&amp;\"'><img src=x>\xff\x1b\xe2\x80\xae";
    struct fixture *f = *state;
    struct vg_result results[] = {make_result(evil, VG_FAIL, evil)};
    results[0].segment = evil;
    put_results(f, "predictions", results, 1);
    struct vg_alert alert = made_alert(evil, VG_ALERT_FIRING);
    alert.why = alert.runbook = evil;
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    struct vg_decision decision = {.model = evil, .at_us = now_us, .reason = evil};
    bool recorded;
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    struct vg_outgoing waiting = made_outgoing(evil, "cccc", now_us);
    MUST(f, vg_store_outbox_put(f->store, &waiting, &f->err));
    struct vg_report_about hostile = {.name = evil, .version = evil, .problem = evil};
    char *page = get_page(f, &hostile);
    assert_true(count_text(page, "&lt;script&gt;alert(&#39;x&#39;)") >= 11);
    assert_null(strchr(page, '\x1b'));
    assert_true(vg_utf8_valid(page, strlen(page)));
    assert_null(strstr(page, "\xe2\x80\xae"));
    free(page);
}

static void test_a_page_that_does_not_fit(void **state)
{
    struct fixture *f = *state;
    struct vg_buf out;
    vg_buf_init(&out, 500);
    REFUSED(f, VG_E_LIMIT, vg_report_page(f->store, &about, now_us, &out, &f->err));
    vg_buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_store),          TEST(test_the_story_is_told),
        TEST(test_the_gravest_comes_first), TEST(test_silences),
        TEST(test_silences_of_files),       TEST(test_the_gravest_comes_first),
        TEST(test_long_lists_are_cut),      TEST(test_keys_are_shown),
        TEST(test_no_text_becomes_markup),  TEST(test_a_page_that_does_not_fit),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
