/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes, silences, digests, heartbeat and alarm_to of pgvigil.yaml: every key, what is refused and
 * with which advice at which place, hours over midnight and through changes of the clock, and what
 * validate says of what can never match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/commands/validate_telling.h"
#include "agent/config/config.h"
#include "agent/settle_quiet.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"
#include "tests/unit/rule_kit.h"

#define HEAD                                                                                       \
    "connections: {warehouse: {conninfo: \"service=warehouse\"}}\n"                                \
    "receivers:\n"                                                                                 \
    "  ops: {webhook: {url: \"http://127.0.0.1:1/\"}}\n"                                           \
    "  night: {teams: {url: \"http://127.0.0.1:1/\"}}\n"

static struct vg_config *parse(const char *text, struct vg_diags *diags)
{
    struct vg_config *config;
    *diags = (struct vg_diags){0};
    int rc = vg_config_parse(text, strlen(text), "pgvigil.yaml", diags, &config);
    assert_int_equal(rc, config ? 0 : -1);
    return config;
}

static int64_t at(const char *text)
{
    int64_t us;
    assert_int_equal(vg_parse_time(text, &vg_utc, &us), 0);
    return us;
}

static void test_every_key(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "routes:\n"
             "  - {dataset: \"pay*\", rule: x.range, tag: gdpr, severity: [critical, info],\n"
             "     days: [mon, sun], between: 22:00-06:30, timezone: Europe/Berlin,\n"
             "     to: [ops, night], continue: true}\n"
             "  - to: ops\n"
             "silences:\n"
             "  - {dataset: d, rule: r, tag: t, severity: warning, from: 2025-03-29,\n"
             "     until: 2025-04-02T06:00, days: sat, between: 00:00-24:00, timezone: UTC,\n"
             "     why: migration}\n"
             "  - {}\n"
             "heartbeat: {url: \"https://hc.example.test/x\", method: POST, every: 5m}\n"
             "alarm_to: [night]\n";
    struct vg_diags diags;
    struct vg_config *config = parse(text, &diags);
    assert_int_equal(diags.n, 0);
    assert_int_equal(config->nroutes, 2);
    const struct vg_route *route = &config->routes[0];
    assert_string_equal(route->match.dataset, "pay*");
    assert_string_equal(route->match.rule, "x.range");
    assert_string_equal(route->match.tag, "gdpr");
    assert_int_equal(route->match.severities, 1 << VG_SEVERITY_CRITICAL | 1 << VG_SEVERITY_INFO);
    assert_true(route->hours.given);
    assert_int_equal(route->hours.days, 1 | 1 << 6);
    assert_int_equal(route->hours.from_us, 22 * VG_HOUR_US);
    assert_int_equal(route->hours.until_us, 6 * VG_HOUR_US + 30 * VG_MINUTE_US);
    assert_int_equal(route->to.n, 2);
    assert_string_equal(route->to.items[1], "night");
    assert_true(route->more);
    assert_int_equal(route->loc.line, 6);
    assert_string_equal(route->loc.file, "pgvigil.yaml");
    assert_null(config->routes[1].match.dataset);
    assert_int_equal(config->routes[1].match.severities, 0);
    assert_false(config->routes[1].hours.given || config->routes[1].more);
    assert_int_equal(config->nquiet, 2);
    const struct vg_quiet *quiet = &config->quiet[0];
    assert_int_equal(quiet->from_us, at("2025-03-29T00:00:00Z"));
    assert_int_equal(quiet->until_us, at("2025-04-02T06:00:00Z"));
    assert_int_equal(quiet->match.severities, 1 << VG_SEVERITY_WARNING);
    assert_int_equal(quiet->hours.days, 1 << 5);
    assert_string_equal(quiet->why, "migration");
    assert_int_equal(config->quiet[1].from_us, INT64_MIN);
    assert_int_equal(config->quiet[1].until_us, VG_NEVER);
    assert_string_equal(config->heartbeat.url, "https://hc.example.test/x");
    assert_string_equal(config->heartbeat.method, "POST");
    assert_int_equal(config->heartbeat_every_us, 5 * VG_MINUTE_US);
    assert_int_equal(config->alarm_to.n, 1);
    vg_config_free(config);
}

static void test_digests(void **state)
{
    (void)state;
    struct vg_diags diags;
    struct vg_config *config = parse(HEAD, &diags);
    assert_int_equal(vg_config_receiver(config, "night")->digest, 5);
    assert_int_equal(vg_config_receiver(config, "night")->digest_within_us, 30 * VG_US);
    vg_config_free(config);
    config = parse(HEAD "  own: {teams: {url: \"http://127.0.0.1:1/\", digest: 0,\n"
                        "    digest_within: 2m}}\n"
                        "defaults: {digest: 20, digest_within: 10s}\n",
                   &diags);
    assert_int_equal(diags.n, 0);
    assert_int_equal(vg_config_receiver(config, "night")->digest, 20);
    assert_int_equal(vg_config_receiver(config, "night")->digest_within_us, 10 * VG_US);
    assert_int_equal(vg_config_receiver(config, "own")->digest, 0);
    assert_int_equal(vg_config_receiver(config, "own")->digest_within_us, 2 * VG_MINUTE_US);
    vg_config_free(config);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *msg, *hint;
        uint32_t line, column;
    } cases[] = {
        {"routes:\n  - {datset: x, to: ops}\n", "datset", "did you mean \"dataset\"?", 6, 6},
        {"routes:\n  - {to: opps}\n", "opps", "did you mean \"ops\"?", 6, 10},
        {"routes:\n  - {to: [ops, nigth]}\n", "nigth", "did you mean \"night\"?", 6, 16},
        {"routes:\n  - {dataset: x}\n", "\"to\" is missing", NULL, 6, 5},
        {"routes:\n  - {to: ops, severity: critcal}\n", "critcal", "did you mean \"critical\"?", 6,
         25},
        {"routes:\n  - {to: ops, days: [mon, tus]}\n", "tus", "did you mean", 6, 27},
        {"routes:\n  - {to: ops, between: 22-6}\n", "is not a span of hours",
         "between: 22:00-06:00", 6, 24},
        {"routes:\n  - {to: ops, between: 24:00-06:00}\n", "is not a span of hours",
         "between: 22:00-06:00", 6, 24},
        {"routes:\n  - {to: ops, between: 22:60-06:00}\n", "is not a span of hours",
         "between: 22:00-06:00", 6, 24},
        {"web: {listen: \"127.0.0.1:1\", dashboard_url: \"javascript:x()\"}\n",
         "dashboard_url is not an address that begins with http:// or https://", "https://", 5, 45},
        {"routes:\n  - {to: ops, timezone: Europe/Berlln}\n", "Europe/Berlln", NULL, 6, 25},
        {"routes:\n  - {to: ops, continue: perhaps}\n", "continue", NULL, 6, 25},
        {"routes: {to: ops}\n", "must be a list", NULL, 5, 9},
        {"silences:\n  - {util: 2025-04-02}\n", "util", "did you mean \"until\"?", 6, 6},
        {"silences:\n  - {until: later}\n", "until", NULL, 6, 13},
        {"silences:\n  - {from: 2025-04-02, until: 2025-04-01}\n", "ends before it begins", NULL, 6,
         5},
        {"silences:\n  - {to: ops}\n", "\"to\"", NULL, 6, 6},
        {"heartbeat: {url: \"https://x.example.test\", every: 1s}\n", "every", NULL, 5, 51},
        {"heartbeat: {urll: \"https://x.example.test\"}\n", "urll", "did you mean \"url\"?", 5, 13},
        {"alarm_to: [opps]\n", "opps", "did you mean \"ops\"?", 5, 12},
        {"defaults: {digest: 101}\n", "digest", NULL, 5, 20},
        {"defaults: {digest_within: 10m}\n", "digest_within", NULL, 5, 27},
        {"defaults: {digst: 3}\n", "digst", "did you mean \"digest\"?", 5, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        char text[2000];
        snprintf(text, sizeof text, "%s%s", HEAD, cases[i].text);
        assert_null(parse(text, &diags));
        const struct vg_diag *diag = &diags.items[0];
        if (!strstr(diag->msg, cases[i].msg) || diag->loc.line != cases[i].line ||
            diag->loc.column != cases[i].column ||
            (cases[i].hint && (!diag->hint || !strstr(diag->hint, cases[i].hint))))
            fail_msg("%s: %u:%u: %s (%s)", cases[i].text, diag->loc.line, diag->loc.column,
                     diag->msg, diag->hint ? diag->hint : "");
        vg_diags_free(&diags);
    }
}

/* Hours are those of the wall: over midnight, and on days of 23 and 25 hours. */
static void test_hours(void **state)
{
    (void)state;
    static const struct {
        const char *hours, *time; /* UTC */
        bool holds;
    } cases[] = {
        /* Berlin is UTC+1; the night of Saturday, 29 March 2025, has no hour from 2 to 3 */
        {"days: [sat], between: 22:00-06:00", "2025-03-29T20:59:59Z", false},
        {"days: [sat], between: 22:00-06:00", "2025-03-29T21:00:00Z", true},
        {"days: [sat], between: 22:00-06:00", "2025-03-30T00:59:59Z", true},
        {"days: [sat], between: 22:00-06:00", "2025-03-30T03:59:59Z", true},
        {"days: [sat], between: 22:00-06:00", "2025-03-30T04:00:00Z", false}, /* 06:00 +2 */
        {"days: [sat], between: 22:00-06:00", "2025-03-30T20:00:00Z", false}, /* Sunday */
        {"between: 02:00-03:00", "2025-03-30T00:59:59Z", false},
        {"between: 02:00-03:00", "2025-03-30T01:00:00Z", false}, /* 03:00: it was left out */
        /* 26 October 2025: the hour from 2 to 3 comes twice, and counts twice */
        {"between: 02:00-03:00", "2025-10-25T23:59:59Z", false},
        {"between: 02:00-03:00", "2025-10-26T00:00:00Z", true},
        {"between: 02:00-03:00", "2025-10-26T01:59:59Z", true},
        {"between: 02:00-03:00", "2025-10-26T02:00:00Z", false},
        {"between: 00:00-24:00, days: sun", "2025-10-25T22:00:00Z", true},
        {"between: 00:00-24:00, days: sun", "2025-10-26T22:59:59Z", true},
        {"between: 00:00-24:00, days: sun", "2025-10-26T23:00:00Z", false},
        /* 24 hours from six on, of a Wednesday */
        {"days: wed, between: 06:00-06:00", "2025-01-01T04:59:59Z", false},
        {"days: wed, between: 06:00-06:00", "2025-01-01T05:00:00Z", true},
        {"days: wed, between: 06:00-06:00", "2025-01-02T04:59:59Z", true},
        {"days: wed, between: 06:00-06:00", "2025-01-02T05:00:00Z", false},
        {"days: thu", "1969-12-31T23:00:00Z", true}, /* before 1970 there were days */
        {"days: wed", "1969-12-31T22:59:59Z", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        char text[2000];
        snprintf(text, sizeof text, "%sroutes:\n  - {to: ops, timezone: Europe/Berlin, %s}\n", HEAD,
                 cases[i].hours);
        struct vg_config *config = parse(text, &diags);
        assert_non_null(config);
        if (vg_quiet_hours(&config->routes[0].hours, at(cases[i].time)) != cases[i].holds)
            fail_msg("%s at %s", cases[i].hours, cases[i].time);
        vg_config_free(config);
    }
}

/* --- What can never match --------------------------------------------------------------------- */

static const char *const tags[] = {"gdpr"};
static struct vg_rule routed[] = {
    {.id = "a", .severity = VG_SEVERITY_CRITICAL, .routed = true, .tags = {tags, 1}},
    {.id = "b", .severity = VG_SEVERITY_CRITICAL, .routed = true},
};
static struct vg_rule named[] = {{.id = "c", .severity = VG_SEVERITY_CRITICAL}};
static struct vg_column_spec star = {.name = "*"};
static struct vg_dataset payments = {
    .id = "payments", .model = "paid", .role = VG_ROLE_LABELS, .rules = routed, .nrules = 2};
static struct vg_dataset trips = {.id = "trips", .rules = named, .nrules = 1};
static struct vg_dataset wide = {
    .id = "wide", .rules = routed, .nrules = 1, .columns = &star, .ncolumns = 1};

static struct vg_dataset *watched[] = {&payments, &trips, &wide};
static const struct vg_ruleset all_watched = {.datasets = watched, .ndatasets = 3};

static void test_what_never_matches(void **state)
{
    (void)state;
    static const struct {
        const char *text, *msg, *hint; /* msg NULL: no warning */
        uint32_t line;
    } cases[] = {
        {"routes: [{dataset: payments, to: ops}]\n", NULL, NULL, 0},
        {"routes: [{dataset: \"pay*\", tag: \"gd?r\", to: ops}]\n", NULL, NULL, 0},
        {"routes: [{severity: warning, to: ops}]\n", NULL, NULL, 0},
        {"routes: [{dataset: wide, rule: x.nulls, to: ops}]\n", NULL, NULL, 0},
        {"routes: [{to: ops}]\n", NULL, NULL, 0},
        {"routes:\n  - {dataset: paymnts, to: ops}\n",
         "this route never matches: there is no dataset \"paymnts\"", "did you mean \"payments\"?",
         6},
        {"routes: [{dataset: \"zz*\", to: ops}]\n", "there is no dataset \"zz*\"", NULL, 5},
        {"routes: [{rule: zz, dataset: payments, to: ops}]\n", "no rule has all that it asks for",
         NULL, 5},
        {"routes: [{tag: zz, to: ops}]\n", "no rule has all that it asks for", NULL, 5},
        {"routes: [{severity: info, to: ops}]\n", "no rule has all that it asks for", NULL, 5},
        {"routes: [{dataset: trips, to: ops}]\n", "name receivers", "notify: {to: ...}", 5},
        {"routes:\n  - {to: ops}\n  - {dataset: payments, to: night}\n",
         "that of line 6 takes all that it fits", "continue: true", 7},
        {"routes:\n  - {to: ops, continue: true}\n  - {dataset: payments, to: night}\n", NULL, NULL,
         0},
        {"routes:\n  - {to: ops, days: mon}\n  - {dataset: payments, to: night}\n", NULL, NULL, 0},
        {"routes:\n  - {severity: critical, to: ops}\n  - {severity: warning, to: night}\n", NULL,
         NULL, 0},
        {"silences: [{dataset: payments}]\n", NULL, NULL, 0},
        {"silences: [{dataset: trips, rule: c}]\n", NULL, NULL, 0},
        {"silences: [{dataset: paymets}]\n", "this silence never matches: there is no dataset",
         "did you mean \"payments\"?", 5},
        {"silences: [{rule: zz, dataset: trips}]\n", "silence never matches: no rule", NULL, 5},
        {"silences: [{dataset: zz, until: 2025-03-31}]\n",
         "this silence is over since 2025-03-31T00:00:00Z", "leave it out", 5},
        {"silences: [{dataset: trips, until: \"2025-04-01T00:00:01Z\"}]\n", NULL, NULL, 0},
        {"silences: [{why: nobody knows}]\n", "silences everything without an end", "until when",
         5},
        {"silences: [{dataset: \"*\", rule: \"**\", from: 2025-01-01}]\n",
         "silences everything without an end", NULL, 5},
        {"silences: [{severity: [info, warning, critical]}]\n", "silences everything", NULL, 5},
        {"silences: [{severity: [info, warning]}]\n", NULL, NULL, 0},
        {"silences: [{dataset: \"*\", until: 2026-01-01}]\n", NULL, NULL, 0},
        {"silences: [{between: 22:00-06:00}]\n", NULL, NULL, 0},
        {"silences: [{between: 04:00-04:00}]\n",
         "between: \"04:00-04:00\" ends when it begins, and is the whole day",
         "for the whole day leave it out", 5},
        {"web: {listen: \"127.0.0.1:1\", dashboard_url: x}\n", "dashboard_url is not", NULL, 5},
        {"retraining:\n  d: {min_labels: 10, command: {run: [/bin/true]}}\n",
         "no dataset of d holds labels, so nothing is ever asked for", "role: labels", 6},
        {"retraining:\n  paid: {min_labels: 10, command: {run: [/bin/true]}}\n", NULL, NULL, 0},
        {"retraining:\n  paid: {quiet: [{until: 2025-01-01}], command: {run: [/bin/true]}}\n",
         "this quiet time is over since 2025-01-01T00:00:00Z", "leave it out", 6},
        {"retraining:\n  paid: {quiet: [{why: x}], command: {run: [/bin/true]}}\n",
         "no request is ever made in it", "until", 6},
        {"retraining:\n  paid: {quiet: [{days: sun}], command: {run: [/bin/true]}}\n", NULL, NULL,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        char text[2000];
        snprintf(text, sizeof text, "%s%s", HEAD, cases[i].text);
        struct vg_config *config = parse(text, &diags);
        assert_non_null(config);
        vg_validate_telling(config, &all_watched, at("2025-04-01T00:00:00Z"), &diags);
        const struct vg_diag *diag = diags.items;
        size_t n = 0; /* before those of rules that no case has a receiver for */
        while (n < diags.n && strncmp(diags.items[n].msg, "nobody is told of ", 18) != 0)
            n++;
        if (n != (cases[i].msg != NULL))
            fail_msg("%s: %zu warnings", cases[i].text, n);
        if (n && (diag->grade != VG_GRADE_WARNING || !strstr(diag->msg, cases[i].msg) ||
                  diag->loc.line != cases[i].line ||
                  (cases[i].hint && (!diag->hint || !strstr(diag->hint, cases[i].hint)))))
            fail_msg("%s: line %u: %s (%s)", cases[i].text, diag->loc.line, diag->msg,
                     diag->hint ? diag->hint : "");
        vg_diags_free(&diags);
        vg_config_free(config);
    }
}

/* With receivers, but none for what is critical. */
static void test_critical_rules_that_nobody_hears_of(void **state)
{
    static const struct {
        const char *text;
        bool first, second; /* routed */
        const char *msg;
    } cases[] = {
        {"", true, true, "nobody is told of a, and of 1 more rules of d that are critical"},
        {"", false, true, "nobody is told of b, which is critical"},
        {"", false, false, NULL},
        {"routes: [{to: ops}]\n", true, true, NULL},
        {"routes: [{rule: a, days: mon, to: ops}]\n", true, true, "nobody is told of b"},
        {"routes: [{severity: warning, to: ops}]\n", true, false, "nobody is told of a,"},
    };
    (void)state;
    struct vg_rule rule[] = {{.id = "a", .severity = VG_SEVERITY_CRITICAL, .loc = {"r.yaml", 3, 5}},
                             {.id = "b", .severity = VG_SEVERITY_CRITICAL, .loc = {"r.yaml", 4, 5}},
                             {.id = "c", .severity = VG_SEVERITY_INFO, .routed = true}};
    struct vg_dataset dataset = {.id = "d", .rules = rule, .nrules = 3};
    struct vg_dataset *datasets[] = {&dataset};
    const struct vg_ruleset rules = {.datasets = datasets, .ndatasets = 1};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        char text[2000];
        rule[0].routed = cases[i].first;
        rule[1].routed = cases[i].second;
        snprintf(text, sizeof text, "%s%s", HEAD, cases[i].text);
        struct vg_config *config = parse(text, &diags);
        assert_non_null(config);
        vg_validate_telling(config, &rules, at("2025-04-01T00:00:00Z"), &diags);
        assert_int_equal(diags.n, cases[i].msg != NULL);
        if (diags.n)
            assert_non_null(strstr(diags.items[0].msg, cases[i].msg));
        vg_diags_free(&diags);
        vg_config_free(config);
    }
}

/* Those of a rule file, too. */
static void test_a_rule_file_whose_silence_is_over(void **state)
{
    (void)state;
    struct vg_quiet quiet[] = {{.until_us = at("2025-04-01T00:00:00Z"), .loc = {"r.yaml", 9, 5}},
                               {.until_us = VG_NEVER, .loc = {"r.yaml", 10, 5}}};
    struct vg_dataset dataset = {.id = "d", .quiet = quiet, .nquiet = 2};
    struct vg_dataset *datasets[] = {&dataset};
    const struct vg_ruleset rules = {.datasets = datasets, .ndatasets = 1};
    struct vg_diags diags;
    struct vg_config *config = parse(HEAD, &diags);
    assert_non_null(config);
    vg_validate_telling(config, &rules, at("2025-03-31T23:59:59Z"), &diags);
    assert_int_equal(diags.n, 0);
    vg_validate_telling(config, &rules, at("2025-04-01T00:00:00Z"), &diags);
    assert_int_equal(diags.n, 1);
    assert_int_equal(diags.items[0].loc.line, 9);
    assert_non_null(strstr(diags.items[0].msg, "this silence is over since 2025-04-01T00:00:00Z"));
    vg_diags_free(&diags);
    vg_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_what_never_matches),
        cmocka_unit_test(test_critical_rules_that_nobody_hears_of),
        cmocka_unit_test(test_a_rule_file_whose_silence_is_over),
    };
    return cmocka_run_group_tests_name("config_telling", tests, NULL, NULL);
}
