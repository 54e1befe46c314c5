/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycles of a model that is retrained: the onset with the drift, withheld while data are broken,
 * fired once, ended with the drift; and what of it is stored in the cycle's transaction. */
#include "tests/unit/cycle_kit.h"

#include <stdio.h>
#include <string.h>

#include "agent/loop/cycle_change.h"
#include "agent/message.h"

static const char rules[] =
    "version: 1\n"
    "dataset: predictions\n"
    "model: delays\n"
    "role: predictions\n"
    "source: {connection: warehouse, table: ml.predictions, time_column: at, key: [id]}\n"
    "schedule: {window: 1h, delay: 10m, every: 5m}\n"
    "reference: {from: \"2001-01-01\", to: \"2001-02-01\"}\n"
    "columns:\n"
    "  value: {nulls: 10%, drift: {ks: 0.35}}\n"
    "checks:\n"
    "  - freshness: 8h\n"
    "notify: {to: [ops]}\n";

/* The distribution of value in the reference: 0 .. 99, each as often. */
static void add_reference(struct cycle_kit *kit)
{
    const struct vg_reference meta = {
        .base_us = VG_HOUR_US, .captured_us = 1, .resolution = 4096, .spec = "made"};
    const struct vg_reference_column at = {
        .name = "at", .type = "timestamp with time zone", .kind = VG_KIND_TIME, .not_null = true};
    const struct vg_reference_column id = {.name = "id", .type = "bigint", .kind = VG_KIND_NUMBER};
    struct made_column *made = made_column("value", 100, 10);
    struct vg_distribution *fine;
    int64_t version;
    struct vg_store *store = kit->env.store;
    MUST(kit, vg_distribution_of(&made->column, &fine, &kit->err));
    const struct vg_reference_column value = {.name = "value",
                                              .type = "double precision",
                                              .kind = VG_KIND_NUMBER,
                                              .fine = fine,
                                              .total = &made->column};
    MUST(kit, vg_store_reference_begin(store, "predictions", &meta, &version, &kit->err));
    MUST(kit, vg_store_reference_column(store, version, 0, &at, &kit->err));
    MUST(kit, vg_store_reference_column(store, version, 1, &value, &kit->err));
    MUST(kit, vg_store_reference_column(store, version, 2, &id, &kit->err));
    MUST(kit, vg_store_reference_done(store, version, 100, NULL, 1, &kit->err));
    vg_distribution_free(fine);
    free_column(made);
}

static void start(struct cycle_kit *kit, void **state)
{
    char config[2000];
    snprintf(config, sizeof config, "%s%s", rule_kit_config,
             "retraining:\n"
             "  delays: {http: {url: \"https://example.test/train\"}, cooldown: 4h}\n");
    cycle_kit_start(kit, state, config, rules);
    for (size_t i = 0; i < kit->rule.dataset->nrules; i++)
        kit->rule.dataset->rules[i].resolve_after = 1; /* of hours it would take three */
    add_reference(kit);
}

/* One hour of 300 rows, and the cycle that judges it. */
static void run_hour(struct cycle_kit *kit, int hour, bool drifts, bool broken)
{
    struct vg_window span = made_hour(hour);
    source_kit_add(&kit->source, &span, 300, drifts ? 80 : 0, 1 / 3.0);
    source_kit_spoil(&kit->source, broken ? 60 : 0);
    kit->decided = 0;
    MUST(kit, cycle_kit_run(kit, cycle_kit_due(hour)));
    cycle_kit_same_progress(kit);
    cycle_kit_expect(kit, "value.drift.ks", drifts ? VG_FAIL : VG_PASS);
    cycle_kit_expect(kit, "value.nulls", broken ? VG_FAIL : VG_PASS);
    cycle_kit_expect(kit, "schema", VG_PASS);
}

/* The requests that wait in the outbox. */
static size_t list_requests(struct cycle_kit *kit, struct vg_outgoing *last)
{
    struct vg_outgoing *rows;
    size_t n, requests = 0;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].sink_kind != VG_SINK_RETRAIN)
            continue;
        *last = rows[i];
        requests++;
    }
    return requests;
}

static bool find_onset(struct cycle_kit *kit, struct vg_onset *onset)
{
    bool found;
    MUST(kit,
         vg_store_onset(kit->env.store, "delays", kit->store->arena, onset, &found, &kit->err));
    return found;
}

static void expect_decision(const struct cycle_kit *kit, int n, enum vg_decision_kind kind,
                            const char *words)
{
    assert_int_equal(kit->decided, n);
    assert_string_equal(vg_decision_name(kit->decision.kind), vg_decision_name(kind));
    if (!strstr(kit->decision.reason, words))
        fail_msg("\"%s\" is not in: %s", words, kit->decision.reason);
}

static void test_withheld_then_fired_once(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state);
    run_hour(&kit, 0, false, false);
    assert_int_equal(kit.decided, 0);
    assert_false(find_onset(&kit, &onset));

    run_hour(&kit, 1, true, true);
    expect_decision(&kit, 2, VG_DECIDED_WITHHELD, "value.nulls of predictions: fail");
    assert_true(find_onset(&kit, &onset));
    assert_int_equal(onset.state, VG_ONSET_OPEN);
    assert_int_equal(onset.evidence.start_us, made_hour(1).start_us);
    assert_int_equal(onset.due_us, cycle_kit_due(1));
    assert_string_equal(onset.rule, "value.drift.ks");
    assert_int_equal(list_requests(&kit, &request), 0);

    run_hour(&kit, 2, true, false);
    expect_decision(&kit, 1, VG_DECIDED_FIRED, "");
    assert_true(find_onset(&kit, &onset));
    assert_true(onset.state == VG_ONSET_FIRED && onset.fired);
    assert_int_equal(onset.fired_us, cycle_kit_due(2));
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_string_equal(request.sink, "delays");
    assert_string_equal(request.key, onset.key);
    assert_non_null(strstr(request.body, "value.drift.ks"));

    run_hour(&kit, 3, true, false); /* it goes on, and that is no news */
    assert_int_equal(kit.decided, 0);
    assert_int_equal(list_requests(&kit, &request), 1);

    run_hour(&kit, 4, false, false);
    expect_decision(&kit, 1, VG_DECIDED_ENDED, "");
    assert_false(find_onset(&kit, &onset));
    cycle_kit_stop(&kit);
}

/* One request at a time, and none before the cooldown has passed. */
static void test_budget_of_requests(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state);
    run_hour(&kit, 0, true, false);
    expect_decision(&kit, 2, VG_DECIDED_FIRED, "");
    assert_int_equal(list_requests(&kit, &request), 1);
    run_hour(&kit, 1, false, false);
    run_hour(&kit, 2, true, false);
    expect_decision(&kit, 2, VG_DECIDED_WITHHELD, "a request is still being delivered");
    MUST(&kit, vg_store_outbox_sent(kit.env.store, request.id, cycle_kit_due(2), &kit.err));
    run_hour(&kit, 3, true, false);
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "cooldown until");
    assert_null(strstr(kit.decision.reason, "delivered"));
    assert_int_equal(list_requests(&kit, &request), 0);
    run_hour(&kit, 4, true, false); /* four hours after the first */
    expect_decision(&kit, 1, VG_DECIDED_FIRED, "");
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_true(find_onset(&kit, &onset));
    assert_int_equal(onset.evidence.start_us, made_hour(2).start_us);
    cycle_kit_stop(&kit);
}

/* Drift that goes before the data are whole asks for nothing. */
static void test_ended_unfired(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state);
    run_hour(&kit, 0, true, true);
    expect_decision(&kit, 2, VG_DECIDED_WITHHELD, "value.nulls");
    run_hour(&kit, 1, false, false);
    expect_decision(&kit, 1, VG_DECIDED_ENDED_UNFIRED, "");
    assert_false(find_onset(&kit, &onset));
    assert_int_equal(list_requests(&kit, &request), 0);
    cycle_kit_stop(&kit);
}

/* A dataset that cannot be read withholds, and fires when it can be again. */
static void test_unreadable_withholds(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state);
    run_hour(&kit, 0, true, true);
    kit.decided = 0;
    kit.source.open = (struct source_trouble){1, VG_E_CONNECT, NULL, "refused"};
    MUST(&kit, cycle_kit_run(&kit, cycle_kit_due(0) + 6 * VG_MINUTE_US));
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "predictions could not be read");
    assert_true(find_onset(&kit, &onset));
    run_hour(&kit, 1, true, false);
    expect_decision(&kit, 1, VG_DECIDED_FIRED, "");
    assert_int_equal(list_requests(&kit, &request), 1);
    cycle_kit_stop(&kit);
}

/* The change message of the onset, or NULL; how many there are. */
static size_t list_changes(struct cycle_kit *kit, struct vg_outgoing *last)
{
    struct vg_outgoing *rows;
    size_t n, changes = 0;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind != VG_MSG_CHANGE)
            continue;
        *last = rows[i];
        changes++;
    }
    return changes;
}

/* A receiver that shows changes beside incidents is told when a request is made, once. */
static void test_a_change_is_told(void **state)
{
    struct cycle_kit kit;
    struct vg_outgoing row;
    struct vg_onset onset;
    struct vg_message message;
    start(&kit, state);
    kit.rule.config->receivers[0].kind = VG_RECEIVER_PAGERDUTY;
    run_hour(&kit, 0, true, true);
    assert_int_equal(list_changes(&kit, &row), 0); /* withheld */
    kit.rule.config->receivers[0].changes = true;
    run_hour(&kit, 1, true, false);
    run_hour(&kit, 2, true, false);
    assert_int_equal(list_changes(&kit, &row), 1);
    assert_string_equal(row.sink, "ops");
    assert_true(find_onset(&kit, &onset));
    assert_string_equal(row.key, onset.key);
    MUST(&kit, vg_message_read(row.body, kit.store->arena, &message, &kit.err));
    assert_string_equal(message.model, "delays");
    assert_string_equal(message.role, "predictions");
    assert_string_equal(message.items[0].rule, "value.drift.ks");
    assert_true(message.items[0].value > message.items[0].limit);
    cycle_kit_stop(&kit);
}

static void test_the_address_of_a_dashboard(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    assert_null(vg_cycle_dashboard(NULL, "d", arena));
    assert_string_equal(vg_cycle_dashboard("https://g.test/x", "d", arena), "https://g.test/x");
    assert_string_equal(vg_cycle_dashboard("https://g.test/?d={{dataset}}&k=1", "a b&c", arena),
                        "https://g.test/?d=a%20b%26c&k=1");
    vg_arena_free(arena);
}

/* A model that pgvigil.yaml does not name is not retrained. */
static void test_without_configuration(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    cycle_kit_start(&kit, state, rule_kit_config, rules);
    add_reference(&kit);
    run_hour(&kit, 0, true, false);
    assert_int_equal(kit.decided, 0);
    assert_false(find_onset(&kit, &onset));
    cycle_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_withheld_then_fired_once),
        TEST(test_budget_of_requests),
        TEST(test_ended_unfired),
        TEST(test_unreadable_withholds),
        TEST(test_a_change_is_told),
        cmocka_unit_test(test_the_address_of_a_dashboard),
        TEST(test_without_configuration),
    };
    return cmocka_run_group_tests_name("cycle_retrain", tests, NULL, NULL);
}
