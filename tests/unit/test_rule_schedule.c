/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The defaults of a dataset: times that depend on the window, the defaults of pgvigil.yaml below
 * the file's own, tables without a time column, reference, zone and privacy of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/config.h"
#include "pgvigil/time.h"
#include "tests/unit/rule_kit.h"

#define HEADER                                                                                     \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: s.t, time_column: at, key: [id]}\n"
#define STATE                                                                                      \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: s.t}\n"

static struct rule_kit read_after(const char *header, const char *config, const char *text)
{
    char whole[2000], conf[2000];
    snprintf(whole, sizeof whole, "%s%s", header, text);
    snprintf(conf, sizeof conf, "%s%s", rule_kit_config, config);
    return rule_kit_fine(conf, whole);
}

struct times {
    const char *config, *text;
    int64_t window, delay, every, late, catch_up, nodata_after, timeout, scan_timeout; /* seconds */
};

static const struct times rows[] = {
    {"", "", 3600, 120, 300, 172800, 86400, 86400, 25, 600},
    {"", "schedule: {window: 1m}\n", 60, 120, 60, 172800, 86400, 86400, 25, 30},
    {"", "schedule: {window: 5s}\n", 5, 120, 5, 172800, 86400, 86400, 25, 2},
    {"", "schedule: {window: 4h}\n", 14400, 120, 300, 172800, 100800, 86400, 25, 600},
    {"", "schedule: {window: 1d, delay: 10m, every: 1h}\n", 86400, 600, 3600, 172800, 604800,
     172800, 25, 600},
    {"", "schedule: {window: 1w}\n", 604800, 120, 300, 1209600, 4233600, 1209600, 25, 600},
    {"", "schedule: {late: 2h, catch_up: 0s, nodata_after: 2h}\ntimeout: 5s\nscan_timeout: 9m\n",
     3600, 120, 300, 7200, 0, 7200, 5, 540},
    {"", "scan_timeout: 2h\nlong_scan: true\n", 3600, 120, 300, 172800, 86400, 86400, 25, 7200},
    {"defaults: {schedule: {every: 1m, delay: 0s}}\n", "", 3600, 0, 60, 172800, 86400, 86400, 25,
     600},
    {"defaults: {schedule: {every: 1m, window: 1d, late: 3h, nodata_after: 1h}}\n", "", 86400, 120,
     60, 172800, 604800, 172800, 25, 600},
    {"defaults: {schedule: {window: 1d, every: 10m, catch_up: 2d}}\n",
     "schedule: {window: 15m, catch_up: 1h}\n", 900, 120, 600, 172800, 3600, 86400, 25, 450},
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct times *row = &rows[i];
        struct rule_kit kit = read_after(HEADER, row->config, row->text);
        const struct vg_schedule *s = &kit.dataset->schedule;
        assert_int_equal(s->window_us / VG_US, row->window);
        assert_int_equal(s->delay_us / VG_US, row->delay);
        assert_int_equal(s->every_us / VG_US, row->every);
        assert_int_equal(s->late_us / VG_US, row->late);
        assert_int_equal(s->catch_up_us / VG_US, row->catch_up);
        assert_int_equal(s->nodata_after_us / VG_US, row->nodata_after);
        assert_int_equal(kit.dataset->timeout_us / VG_US, row->timeout);
        assert_int_equal(kit.dataset->scan_timeout_us / VG_US, row->scan_timeout);
        rule_kit_free(&kit);
    }
}

static void test_dataset(void **state)
{
    (void)state;
    struct rule_kit kit = read_after(HEADER, "", "");
    const struct vg_dataset *d = kit.dataset;
    assert_string_equal(d->id, "d");
    assert_string_equal(d->file, "rule.yaml");
    assert_string_equal(d->connection, "warehouse");
    assert_string_equal(d->table, "s.t");
    assert_string_equal(d->time_column, "at");
    assert_int_equal(d->key.n, 1);
    assert_int_equal(d->connection_loc.line, 3);
    assert_int_equal(d->connection_loc.column, 22);
    assert_int_equal(d->table_loc.column, 40);
    assert_int_equal(d->time_loc.column, 58);
    assert_null(d->model);
    assert_int_equal(d->role, VG_ROLE_NONE);
    assert_ptr_equal(d->zone, &vg_utc);
    assert_true(d->private_keys);
    assert_false(d->expose_values);
    assert_false(d->schedule.window_given);
    assert_int_equal(d->max_offending, 10);
    assert_int_equal(d->sample.mode, VG_SAMPLE_ALL);
    assert_int_equal(d->reference.kind, VG_REF_NONE);
    assert_int_equal(d->to.n + d->warn_to.n, 0);
    assert_int_equal(d->remind_us, 0);
    assert_true(d->group_for_us == 4 * VG_HOUR_US);
    rule_kit_free(&kit);
    kit = read_after(HEADER, "",
                     "was: e\nmodel: m\nrole: labels\nowner: o\nrunbook: r\n"
                     "description: x\nexpose_values: true\nmax_offending: 3\n"
                     "private_keys: false\nsample: {percent: 10%}\ndrift: {base: 6h}\n"
                     "notify: {to: [ops, oncall], warn: audit, remind: 4h, group_for: 1h}\n");
    d = kit.dataset;
    assert_string_equal(d->was, "e");
    assert_string_equal(d->model, "m");
    assert_int_equal(d->role, VG_ROLE_LABELS);
    assert_string_equal(d->owner, "o");
    assert_true(d->expose_values && !d->private_keys);
    assert_int_equal(d->max_offending, 3);
    assert_int_equal(d->sample.mode, VG_SAMPLE_PERCENT);
    assert_true(d->sample.amount == 10);
    assert_true(d->base_us == 6 * VG_HOUR_US);
    assert_int_equal(d->to.n, 2);
    assert_string_equal(d->warn_to.items[0], "audit");
    assert_true(d->remind_us == 4 * VG_HOUR_US && d->group_for_us == VG_HOUR_US);
    rule_kit_free(&kit);
}

static void test_config_defaults(void **state)
{
    (void)state;
    static const char config[] = "defaults:\n"
                                 "  notify: {to: [ops], warn: [audit], remind: 1d, group_for: 2h, "
                                 "after: 3, resolve_after: 2,"
                                 " blind_after: 1h}\n"
                                 "  sample: {rows: 1000}\n"
                                 "  timezone: Europe/Berlin\n";
    struct rule_kit kit = read_after(HEADER, config, "");
    const struct vg_dataset *d = kit.dataset;
    assert_string_equal(d->to.items[0], "ops");
    assert_string_equal(d->warn_to.items[0], "audit");
    assert_true(d->remind_us == VG_DAY_US && d->group_for_us == 2 * VG_HOUR_US);
    assert_int_equal(d->sample.mode, VG_SAMPLE_ROWS);
    assert_true(d->sample.amount == 1000);
    assert_string_equal(d->zone->name, "Europe/Berlin");
    assert_int_equal(d->rules[0].after, 3);
    assert_int_equal(d->rules[0].resolve_after, 2);
    assert_true(d->rules[0].blind_after_us == VG_HOUR_US);
    rule_kit_free(&kit);
    kit = read_after(HEADER, config,
                     "notify: {to: [], remind: 0s, after: 1}\nsample: all\ntimezone: UTC\n");
    d = kit.dataset;
    assert_int_equal(d->to.n, 0);
    assert_int_equal(d->warn_to.n, 1);
    assert_int_equal(d->remind_us, 0);
    assert_int_equal(d->sample.mode, VG_SAMPLE_ALL);
    assert_ptr_equal(d->zone, &vg_utc);
    assert_int_equal(d->rules[0].after, 1);
    assert_int_equal(d->rules[0].resolve_after, 2);
    rule_kit_free(&kit);
}

/* The ruleset outlives the configuration it was read with. */
static void test_own_memory(void **state)
{
    (void)state;
    struct rule_kit kit =
        read_after(HEADER, "defaults: {notify: {to: [ops], warn: [audit]}}\n", "");
    vg_config_free(kit.config);
    kit.config = NULL;
    assert_string_equal(kit.dataset->to.items[0], "ops");
    assert_string_equal(kit.dataset->rules[0].warn_to.items[0], "audit");
    rule_kit_free(&kit);
}

static void test_reference(void **state)
{
    (void)state;
    struct rule_kit kit =
        read_after(HEADER, "",
                   "timezone: America/New_York\n"
                   "reference: {from: 2001-01-01, to: \"2001-02-01T00:00:00Z\", resolution: 65536, "
                   "timeout: 1h, exclude: [a, \"b c\"]}\n");
    const struct vg_reference_spec *spec = &kit.dataset->reference;
    char text[VG_TIME_TEXT];
    assert_int_equal(spec->kind, VG_REF_WINDOW);
    assert_string_equal(vg_format_time(spec->from_us, text), "2001-01-01T05:00:00Z");
    assert_string_equal(vg_format_time(spec->to_us, text), "2001-02-01T00:00:00Z");
    assert_int_equal(spec->resolution, 65536);
    assert_true(spec->timeout_us == VG_HOUR_US);
    assert_int_equal(spec->exclude.n, 2);
    assert_int_equal(spec->loc.line, 5);
    rule_kit_free(&kit);
    static const struct {
        const char *text;
        enum vg_reference_kind kind;
    } kinds[] = {{"reference: {table: old.t}\n", VG_REF_TABLE},
                 {"reference: {filter: \"a < '$$1'\"}\n", VG_REF_FILTER},
                 {"reference: {capture: now}\n", VG_REF_CAPTURE_NOW}};
    for (size_t i = 0; i < 3; i++) {
        char whole[200];
        snprintf(whole, sizeof whole, "schedule: {window: 1d}\n%s", kinds[i].text);
        kit = read_after(STATE, "", whole);
        assert_int_equal(kit.dataset->reference.kind, kinds[i].kind);
        assert_int_equal(kit.dataset->reference.resolution, 4096);
        assert_true(kit.dataset->reference.timeout_us == 10 * VG_MINUTE_US);
        if (kinds[i].kind == VG_REF_FILTER)
            assert_string_equal(kit.dataset->reference.filter, "a < '$$1'");
        rule_kit_free(&kit);
    }
}

static void test_state_table(void **state)
{
    (void)state;
    static const struct {
        const char *config, *text, *msg; /* NULL: fine */
    } cases[] = {
        {"", "", "a table without a time column needs schedule.window"},
        {"", "schedule: {every: 5m}\n", "a table without a time column needs schedule.window"},
        {"", "schedule: {window: 1h}\n", NULL},
        {"defaults: {schedule: {window: 1d}}\n", "", NULL},
        {"", "schedule: {window: 1h, late: 2d}\n",
         "late has no meaning for a table without a time column"},
        {"", "schedule: {window: 1h, catch_up: 2d}\n",
         "catch_up has no meaning for a table without a time column"},
        {"", "schedule: {window: 1h}\nreference: {from: 2001-01-01, to: 2001-02-01}\n",
         "a table without a time column has no span of time as reference"},
        {"", "schedule: {window: 1h}\nchecks: [{freshness: 8h}]\n",
         "freshness needs a time column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char whole[500], config[1000];
        snprintf(whole, sizeof whole, STATE "%s", cases[i].text);
        snprintf(config, sizeof config, "%s%s", rule_kit_config, cases[i].config);
        struct rule_kit kit = rule_kit_read(config, whole);
        assert_int_equal(kit.diags.n, cases[i].msg ? 1 : 0);
        if (cases[i].msg)
            assert_string_equal(kit.diags.items[0].msg, cases[i].msg);
        else
            assert_true(kit.dataset->schedule.window_given);
        rule_kit_free(&kit);
    }
}

static void test_privacy(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool private_keys;
    } cases[] = {
        {"columns: {x: {private: true}}\n", true},
        {"columns: {id: {private: false}}\n", false},
        {"columns: {id: {nulls: 0}}\n", true},
        {"private_keys: false\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rule_kit kit = read_after(HEADER, "", cases[i].text);
        assert_int_equal(kit.dataset->private_keys, cases[i].private_keys);
        rule_kit_free(&kit);
    }
    struct rule_kit kit =
        read_after("version: 1\ndataset: d\nsource: {connection: warehouse, table: t, time_column: "
                   "at, key: [a, b]}\n",
                   "", "columns: {a: {private: false, type: int}, c: {private: true}}\n");
    assert_true(kit.dataset->private_keys);
    assert_int_equal(kit.dataset->ncolumns, 2);
    assert_string_equal(kit.dataset->columns[0].type, "int");
    assert_false(kit.dataset->columns[0].is_private);
    assert_true(kit.dataset->columns[1].is_private);
    assert_int_equal(kit.dataset->columns[1].loc.line, 4);
    rule_kit_free(&kit);
}

static void test_windows(void **state)
{
    (void)state;
    static const char *const fine[] = {"1s",  "10s", "1m",  "5m", "15m", "20m", "30m",
                                       "1h",  "60m", "2h",  "3h", "4h",  "6h",  "8h",
                                       "12h", "1d",  "24h", "7d", "1w"};
    static const char *const wrong[] = {"7s", "11m", "45m", "90m", "5h", "7h", "2d", "36h"};
    char text[200];
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        snprintf(text, sizeof text, "schedule: {window: %s}\n", fine[i]);
        struct rule_kit kit = read_after(HEADER, "", text);
        assert_true(kit.dataset->schedule.window_given);
        rule_kit_free(&kit);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, HEADER "schedule: {window: %s}\n", wrong[i]);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        assert_int_equal(kit.diags.errors, 1);
        assert_int_equal(kit.diags.items[0].loc.column, 20);
        rule_kit_free(&kit);
    }
}

/* A runbook may be any text: of one that is no address no link is made, which is said where it
 * looks like one. Only what would run does not load. */
static void test_runbooks(void **state)
{
    (void)state;
    static const struct {
        const char *runbook;
        int warnings, errors;
    } cases[] = {
        {"https://wiki/page", 0, 0},
        {"http://wiki/page", 0, 0},
        {"the page of y", 0, 0},
        {"see wiki/page: chapter 3", 0, 0},
        {"wiki.local:8080/page", 1, 0},
        {"Call: +49 30 123456", 1, 0},
        {"TODO: write one", 1, 0},
        {"https:wiki", 1, 0},
        {"HTTPS://wiki", 1, 0}, /* messages have no link of it */
        {"file:///srv/wiki", 1, 0},
        {"javascript:alert(1)", 0, 1},
        {" \\x01JavaScript:alert(1)", 0, 1},
        {"java\\tscr\\nipt\\r:alert(1)", 0, 1},
        {"vbscript:x", 0, 1},
        {"data:text/html,x", 0, 1},
        {"javascripts: how to write them", 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[500];
        snprintf(text, sizeof text,
                 HEADER "runbook: \"%s\"\ncolumns: {x: {nulls: {fail: 0, runbook: \"%s\"}}}\n",
                 cases[i].runbook, cases[i].runbook);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        int errors = (int)kit.diags.errors, all = (int)kit.diags.n;
        if (errors != 2 * cases[i].errors || all - errors != 2 * cases[i].warnings)
            fail_msg("%s: %d errors, %d in all", cases[i].runbook, errors, all);
        rule_kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),           cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_config_defaults), cmocka_unit_test(test_own_memory),
        cmocka_unit_test(test_reference),       cmocka_unit_test(test_state_table),
        cmocka_unit_test(test_privacy),         cmocka_unit_test(test_windows),
        cmocka_unit_test(test_runbooks),
    };
    return cmocka_run_group_tests_name("rule_schedule", tests, NULL, NULL);
}
