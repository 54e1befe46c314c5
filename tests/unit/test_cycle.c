/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycles that can read: what is judged, stored, told and published; empty windows and those filled
 * late; sampling; retirement. Failures are test_cycle_failures.c's. */
#include "tests/unit/cycle_kit.h"

#include <string.h>

static const char *const all_rules[] = {"value.nulls", "filtered", "id.range", "volume",
                                        "freshness",   "reach",    "judged",   "schema"};
enum { ALL_RULES = sizeof all_rules / sizeof all_rules[0] };

static const char wild_rules[] =
    "version: 1\n"
    "dataset: flights\n"
    "source: {connection: warehouse, table: ml.flights, time_column: at, key: [id]}\n"
    "schedule: {window: 1h, delay: 10m, every: 5m}\n"
    "columns: {\"*\": {nulls: 10%}}\n"
    "notify: {to: [ops]}\n";

static void start(struct cycle_kit *kit, void **state)
{
    cycle_kit_start(kit, state, rule_kit_config, cycle_kit_rules);
}

static int run(struct cycle_kit *kit, int64_t at_us)
{
    int rc = cycle_kit_run(kit, at_us);
    cycle_kit_same_progress(kit);
    return rc;
}

static void add_hour(struct cycle_kit *kit, int hour, size_t n)
{
    struct vg_window span = made_hour(hour);
    source_kit_add(&kit->source, &span, n, 1, 1);
}

static struct vg_outgoing *list_outbox(struct cycle_kit *kit, size_t want)
{
    struct vg_outgoing *rows;
    size_t n;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    assert_int_equal(n, want);
    return rows;
}

static void test_window_judged(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    add_hour(&kit, 0, 60);
    add_hour(&kit, 1, 5); /* of the next window, not to be counted in this one */
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    cycle_kit_window(&kit, 0, "judged", 60);
    assert_int_equal(kit.nresults, ALL_RULES);
    for (size_t i = 0; i < ALL_RULES; i++) {
        bool settled = strcmp(all_rules[i], "schema") != 0; /* that one has no baseline */
        if (settled)
            cycle_kit_expect(&kit, all_rules[i], VG_PASS);
    }
    assert_string_equal(cycle_kit_expect(&kit, "volume", VG_PASS)->why, "60 rows, at least 2");
    assert_string_equal(cycle_kit_expect(&kit, "filtered", VG_PASS)->why,
                        "0 of 50 rows outside [0, 100], none allowed");
    assert_int_equal(kit.progress.watermark_us, made_hour(0).end_us);
    assert_int_equal(kit.progress.judged_us, cycle_kit_due(0));
    assert_int_equal(kit.progress.success_us, cycle_kit_due(0));
    assert_int_equal(kit.progress.rows_scanned, 60);
    assert_true(kit.committed == 1 && kit.published == 1);
    assert_int_equal(kit.cycle.rows_scanned, 60);
    assert_int_equal(kit.cycle.last_success_us, cycle_kit_due(0));
    /* rows of the second hour, up to now: the tenth minute holds none, the first one does */
    assert_int_equal(kit.cycle.newest_us, made_hour(1).start_us);
    assert_string_equal(kit.source.connection, "warehouse");
    assert_string_equal(kit.source.scans[0].table, "ml.flights");
    list_outbox(&kit, 0);
    cycle_kit_stop(&kit);
}

/* A tick between windows looks at what is live and reads no row. */
static void test_tick(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    add_hour(&kit, 0, 60);
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    assert_int_equal(run(&kit, cycle_kit_due(0) + 6 * VG_MINUTE_US), 0);
    assert_int_equal(kit.source.nscans, 1);
    assert_int_equal(kit.nresults, 4);
    cycle_kit_expect(&kit, "freshness", VG_PASS);
    cycle_kit_expect(&kit, "reach", VG_PASS);
    assert_false(kit.cycle.has_window);
    assert_int_equal(kit.progress.watermark_us, made_hour(0).end_us);
    assert_int_equal(run(&kit, made_hour(8).end_us), 0);
    cycle_kit_expect(&kit, "freshness", VG_FAIL); /* over 8h */
    cycle_kit_stop(&kit);
}

/* Without an index the newest row comes from the scan, and a tick has nothing to say of it. */
static void test_newest_without_index(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.source.no_index = true;
    add_hour(&kit, 0, 60);
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    cycle_kit_expect(&kit, "freshness", VG_PASS);
    assert_int_equal(kit.cycle.newest_us, made_hour(0).end_us - VG_MINUTE_US);
    assert_int_equal(run(&kit, cycle_kit_due(0) + 6 * VG_MINUTE_US), 0);
    assert_int_equal(kit.nresults, 3);
    assert_int_equal(run(&kit, cycle_kit_due(1)), 0);
    cycle_kit_window(&kit, 1, "empty", 0); /* which does not say what came before it */
    assert_string_equal(cycle_kit_expect(&kit, "freshness", VG_NODATA)->why,
                        "the newest row is not known: no index on the time column");
    cycle_kit_stop(&kit);
}

/* A breach: alert, incident, one message for each receiver, the keys of offending rows. */
static void test_breach_is_told(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    struct vg_window hour = made_hour(0);
    source_kit_add(&kit.source, &hour, 50, 20, 0);
    source_kit_add(&kit.source, &hour, 2, 500, 1);
    source_kit_add(&kit.source, &hour, 8, 1, 0);
    source_kit_spoil(&kit.source, 8);
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    cycle_kit_expect(&kit, "value.nulls", VG_FAIL);
    const char *keys = cycle_kit_expect(&kit, "filtered", VG_FAIL)->keys;
    assert_true(!strcmp(keys, "51 52") || !strcmp(keys, "52 51"));
    assert_string_equal(cycle_kit_expect(&kit, "id.range", VG_PASS)->keys, "");
    struct vg_outgoing *rows = list_outbox(&kit, 2);
    assert_string_equal(rows[0].sink, "ops");
    assert_string_equal(rows[1].sink, "audit");
    assert_string_equal(rows[0].key, rows[1].key);
    assert_int_equal(rows[0].kind, VG_MSG_OPEN);
    assert_non_null(strstr(rows[0].body, "value.nulls"));
    assert_non_null(strstr(rows[0].body, "filtered"));
    assert_null(strstr(rows[0].body, "\"51\"")); /* values leave only with expose_values */
    struct vg_incident *incidents;
    size_t n;
    MUST(&kit, vg_store_incidents(kit.env.store, "flights", true, kit.store->arena, &incidents, &n,
                                  &kit.err));
    assert_int_equal(n, 1);
    assert_string_equal(incidents[0].key, rows[0].key);
    assert_int_equal(incidents[0].opened_due_us, cycle_kit_due(0));
    cycle_kit_stop(&kit);
}

/* A replay tells the receivers it was given, and no other. */
static void test_only_chosen_receivers(void **state)
{
    static const char *const chosen[] = {"audit"};
    for (size_t n = 0; n <= 1; n++) {
        struct cycle_kit kit;
        struct vg_strings only = {chosen, n};
        start(&kit, state);
        kit.env.only_receivers = &only;
        kit.rule.dataset->id = n ? "told" : "untold";
        add_hour(&kit, 0, 1); /* too few for volume */
        assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
        cycle_kit_expect(&kit, "volume", VG_FAIL);
        struct vg_outgoing *rows = list_outbox(&kit, n);
        if (n)
            assert_string_equal(rows[0].sink, "audit");
        cycle_kit_stop(&kit);
    }
}

/* An empty window is committed as such. Once rows stand in it at two ticks running it is judged. */
static void test_empty_window_filled_late(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    int64_t due = cycle_kit_due(0);
    assert_int_equal(run(&kit, due), 0);
    cycle_kit_window(&kit, 0, "empty", 0);
    assert_string_equal(cycle_kit_expect(&kit, "volume", VG_NODATA)->why,
                        "no rows in this window yet");
    cycle_kit_expect(&kit, "value.nulls", VG_NODATA);
    cycle_kit_expect(&kit, "freshness", VG_FAIL); /* a table without rows */
    assert_int_equal(kit.progress.watermark_us, made_hour(0).end_us);
    assert_true(kit.progress.judged_us == VG_NEVER);
    add_hour(&kit, 0, 10);
    assert_int_equal(run(&kit, due + 6 * VG_MINUTE_US), 0);
    cycle_kit_window(&kit, 0, "empty", 0);
    add_hour(&kit, 0, 5); /* still growing */
    assert_int_equal(run(&kit, due + 12 * VG_MINUTE_US), 0);
    cycle_kit_window(&kit, 0, "empty", 0);
    int before = kit.published;
    assert_int_equal(run(&kit, due + 18 * VG_MINUTE_US), 0);
    cycle_kit_window(&kit, 0, "judged", 15);
    assert_int_equal(kit.published, before + 2); /* the tick, then the window as a cycle */
    assert_int_equal(kit.nresults, 4);           /* rules of windows alone */
    cycle_kit_expect(&kit, "volume", VG_PASS);
    assert_int_equal(kit.progress.watermark_us, made_hour(0).end_us);
    assert_int_equal(kit.progress.judged_us, due + 18 * VG_MINUTE_US);
    assert_int_equal(run(&kit, due + 24 * VG_MINUTE_US), 0);
    assert_int_equal(kit.source.nscans, 2); /* and is not judged again */
    cycle_kit_stop(&kit);
}

/* Rows that came into a window after it was judged are counted with the next one. */
static void test_late_rows(void **state)
{
    static const size_t late[] = {0, 7};
    for (size_t i = 0; i < 2; i++) {
        struct cycle_kit kit;
        start(&kit, state);
        kit.rule.dataset->id = i ? "late" : "complete";
        add_hour(&kit, 0, 20);
        add_hour(&kit, 1, 20);
        assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
        assert_false(kit.cycle.has_late_rows);
        add_hour(&kit, 0, late[i]);
        assert_int_equal(run(&kit, cycle_kit_due(1)), 0);
        assert_true(kit.cycle.has_late_rows);
        assert_int_equal(kit.cycle.late_rows, late[i]);
        assert_int_equal(kit.cycle.rows, 20);
        cycle_kit_stop(&kit);
    }
}

static void test_windows_skipped(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    kit.rule.dataset->schedule.catch_up_us = 2 * VG_HOUR_US;
    add_hour(&kit, 0, 20);
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    add_hour(&kit, 4, 20);
    assert_int_equal(run(&kit, cycle_kit_due(6)), 0);
    for (int hour = 1; hour < 4; hour++)
        cycle_kit_window(&kit, hour, "skipped", 0);
    cycle_kit_window(&kit, 4, "judged", 20);
    assert_int_equal(kit.progress.windows_skipped, 3);
    assert_int_equal(kit.cycle.windows_skipped, 3);
    assert_true(kit.progress.ticks_skipped > 60);
    cycle_kit_window(&kit, 5, "none", 0); /* one at a time */
    cycle_kit_stop(&kit);
}

/* Over so many rows only a share of them is read; the volume is counted exactly. */
static void test_sampling(void **state)
{
    static const struct {
        double rows;
        const char *sample;
    } cases[] = {{30, "50 %"}, {100, NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct cycle_kit kit;
        start(&kit, state);
        kit.rule.dataset->id = i ? "whole" : "sampled";
        kit.rule.dataset->sample = (struct vg_sample){VG_SAMPLE_ROWS, cases[i].rows};
        add_hour(&kit, 0, 60);
        assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
        assert_int_equal(kit.cycle.rows, 60);
        assert_string_equal(cycle_kit_expect(&kit, "volume", VG_PASS)->why, "60 rows, at least 2");
        assert_int_equal(kit.cycle.sample != NULL, cases[i].sample != NULL);
        cycle_kit_stop(&kit);
    }
}

/* A dataset that left the rules: its incident ends and is told, its alerts and progress go. */
static void test_retire(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    add_hour(&kit, 0, 1);
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    struct vg_outgoing *rows = list_outbox(&kit, 2);
    for (size_t i = 0; i < 2; i++)
        MUST(&kit, vg_store_outbox_sent(kit.env.store, rows[i].id, 1, &kit.err));
    char key[VG_KEY_SIZE];
    memcpy(key, rows[0].key, sizeof key);
    MUST(&kit, vg_cycle_retire(&kit.env, "flights", &kit.err));
    rows = list_outbox(&kit, 2);
    assert_int_equal(rows[0].kind, VG_MSG_RESOLVE);
    assert_string_equal(rows[0].key, key);
    struct vg_alert *alerts;
    struct vg_incident *incidents;
    struct vg_strings known;
    size_t n;
    MUST(&kit, vg_store_alerts(kit.env.store, NULL, kit.store->arena, &alerts, &n, &kit.err));
    assert_int_equal(n, 0);
    MUST(&kit,
         vg_store_incidents(kit.env.store, NULL, true, kit.store->arena, &incidents, &n, &kit.err));
    assert_int_equal(n, 0);
    MUST(&kit, vg_store_datasets(kit.env.store, kit.store->arena, &known, &kit.err));
    assert_int_equal(known.n, 0);
    assert_int_equal(kit.retired, 1);
    cycle_kit_stop(&kit);
}

/* A rule that left the file loses its alert; one that was renamed keeps it. */
static void test_rules_that_go(void **state)
{
    struct cycle_kit kit;
    start(&kit, state);
    add_hour(&kit, 0, 1);
    add_hour(&kit, 1, 1);
    assert_int_equal(run(&kit, cycle_kit_due(0)), 0);
    size_t before = kit.nalerts;
    struct vg_dataset *dataset = kit.rule.dataset;
    for (size_t i = 0; i < dataset->nrules; i++) {
        struct vg_rule *rule = &dataset->rules[i];
        if (strcmp(rule->id, "volume") != 0)
            continue;
        rule->was = "volume";
        rule->id = "amount";
    }
    struct vg_rule *last = &dataset->rules[dataset->nrules - 1];
    const char *lost = last->id;
    assert_string_equal(lost, "freshness");
    dataset->nrules--;
    assert_int_equal(run(&kit, cycle_kit_due(1)), 0);
    struct vg_alert *alerts;
    size_t n, failing = 0;
    MUST(&kit, vg_store_alerts(kit.env.store, "flights", kit.store->arena, &alerts, &n, &kit.err));
    assert_int_equal(n, before - 1);
    for (size_t i = 0; i < n; i++) {
        assert_string_not_equal(alerts[i].rule, lost);
        assert_string_not_equal(alerts[i].rule, "volume");
        failing += !strcmp(alerts[i].rule, "amount") && alerts[i].state == VG_ALERT_FIRING &&
                   alerts[i].onset_us == made_hour(0).start_us;
    }
    assert_int_equal(failing, 1);
    cycle_kit_stop(&kit);
}

/* A column that "*" once found is gone, and no reference knows it: its alert, which fires, is blind
 * at each judged window, and keeps its incident. */
static void test_lost_column(void **state)
{
    struct cycle_kit kit;
    cycle_kit_start(&kit, state, rule_kit_config, wild_rules);
    struct vg_alert lost = made_alert("gone.nulls", VG_ALERT_FIRING);
    lost.dataset = "flights";
    lost.segment = "";
    lost.check = "nulls";
    lost.column = "gone";
    lost.blind = lost.good = 0;
    lost.blind_since_us = VG_NEVER;
    MUST(&kit, vg_store_alert_put(kit.env.store, &lost, &kit.err));
    for (int hour = 0; hour < 2; hour++) {
        add_hour(&kit, hour, 20);
        assert_int_equal(run(&kit, cycle_kit_due(hour)), 0);
        cycle_kit_expect(&kit, "value.nulls", VG_PASS);
        assert_string_equal(cycle_kit_expect(&kit, "gone.nulls", VG_UNKNOWN)->why,
                            "column gone does not exist in ml.flights");
    }
    struct vg_alert *alerts;
    size_t n, found = 0;
    MUST(&kit, vg_store_alerts(kit.env.store, "flights", kit.store->arena, &alerts, &n, &kit.err));
    for (size_t i = 0; i < n; i++)
        found += !strcmp(alerts[i].rule, "gone.nulls") &&
                 alerts[i].state == VG_ALERT_FIRING_BLIND && alerts[i].blind == 2;
    assert_int_equal(found, 1);
    cycle_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_window_judged),
        TEST(test_tick),
        TEST(test_newest_without_index),
        TEST(test_breach_is_told),
        TEST(test_only_chosen_receivers),
        TEST(test_empty_window_filled_late),
        TEST(test_late_rows),
        TEST(test_windows_skipped),
        TEST(test_sampling),
        TEST(test_retire),
        TEST(test_rules_that_go),
        TEST(test_lost_column),
    };
    return cmocka_run_group_tests_name("cycle", tests, NULL, NULL);
}
