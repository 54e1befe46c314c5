/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycles of a model that is retrained: the onset with the drift, withheld while data are broken,
 * fired once, ended with the drift; and what of it is stored in the cycle's transaction. */
#include "tests/unit/retrain_cycles.h"

#include "agent/loop/cycle_change.h"
#include "agent/message.h"

static void test_withheld_then_fired_once(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state, "cooldown: 4h");
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

    MUST(&kit, vg_store_outbox_sent(kit.env.store, request.id, cycle_kit_due(3), &kit.err));
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
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    expect_decision(&kit, 2, VG_DECIDED_FIRED, "");
    assert_int_equal(list_requests(&kit, &request), 1);
    MUST(&kit, vg_store_outbox_touch(kit.env.store, request.id, &kit.err));
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

static bool has_run(struct cycle_kit *kit, const char *key)
{
    struct vg_retrain_run run;
    bool found;
    MUST(kit,
         vg_store_retrain_run(kit->env.store, key, kit->store->arena, &run, &found, &kit->err));
    return found;
}

/* The training system is down: what waits for it has to pass what made it so. */
static void test_a_waiting_request_is_judged_again(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    run_hour(&kit, 1, true, true);
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "withdrawn: value.nulls of predictions: fail");
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_true(find_onset(&kit, &onset));
    assert_true(onset.state == VG_ONSET_OPEN && !onset.fired && onset.fired_us == VG_NEVER);
    assert_false(has_run(&kit, onset.key));

    run_hour(&kit, 2, true, false); /* no cooldown runs for what was not sent */
    expect_decision(&kit, 1, VG_DECIDED_FIRED, "");
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_true(has_run(&kit, onset.key));
    run_hour(&kit, 3, false, false);
    expect_decision(&kit, 2, VG_DECIDED_ENDED_UNFIRED, "is clear");
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_false(find_onset(&kit, &onset));
    cycle_kit_stop(&kit);
}

/* Not while it is being sent, and never what may have arrived. */
static void test_what_may_have_arrived_stays(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    bool claimed;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    MUST(&kit, vg_store_outbox_claim(kit.env.store, request.id, "A", &claimed, &kit.err));
    assert_true(claimed);
    run_hour(&kit, 1, true, true);
    assert_int_equal(list_requests(&kit, &request), 1);
    MUST(&kit, vg_store_outbox_retry(kit.env.store, request.id, 1, "refused", &kit.err));
    run_hour(&kit, 2, true, true);
    assert_int_equal(list_requests(&kit, &request), 0);
    MUST(&kit, vg_store_outbox_claim(kit.env.store, request.id, "A", &claimed, &kit.err));
    assert_false(claimed); /* listed before, and withdrawn since */

    run_hour(&kit, 3, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    MUST(&kit, vg_store_outbox_touch(kit.env.store, request.id, &kit.err));
    MUST(&kit, vg_store_outbox_claim(kit.env.store, request.id, "A", &claimed, &kit.err));
    MUST(&kit, vg_store_outbox_retry(kit.env.store, request.id, 1, "refused", &kit.err));
    run_hour(&kit, 4, true, true);
    assert_int_equal(kit.decided, 0);
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_true(find_onset(&kit, &onset) && onset.fired);
    cycle_kit_stop(&kit);
}

/* Nor in a quiet time or a dry run; what a person forced into a quiet time stays forced. */
static void test_what_withdraws_beside_data(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    static struct vg_quiet freeze = {.from_us = INT64_MIN, .until_us = VG_NEVER, .why = "freeze"};
    start(&kit, state, "cooldown: 4h");
    struct vg_retraining *config = &kit.rule.config->retraining[0];
    run_hour(&kit, 0, true, false);
    config->quiet = &freeze;
    config->nquiet = 1;
    run_hour(&kit, 1, true, false);
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "withdrawn: a quiet time: freeze");
    config->nquiet = 0;
    run_hour(&kit, 2, true, false);
    assert_true(find_onset(&kit, &onset));
    onset.approval = VG_APPROVAL_GIVEN;
    MUST(&kit, vg_store_onset_put(kit.env.store, &onset, &kit.err));
    config->nquiet = 1;
    run_hour(&kit, 3, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    config->nquiet = 0;
    config->dry_run = true;
    run_hour(&kit, 4, true, false);
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "withdrawn: dry_run is set");
    assert_int_equal(list_requests(&kit, &request), 0);
    config->quiet = NULL;
    cycle_kit_stop(&kit);
}

/* Drift that goes before the data are whole asks for nothing. */
static void test_ended_unfired(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state, "cooldown: 4h");
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
    start(&kit, state, "cooldown: 4h");
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
    start(&kit, state, "cooldown: 4h");
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
    assert_true(message.items[0].p_value < 0.001 && message.items[0].n > 0);
    assert_true(message.items[0].n_ref > 0);
    assert_true(strlen(message.items[0].why) > 10);
    cycle_kit_stop(&kit);
}

/* A request that is taken back and made again is the same change, be it delivered or not. */
static void tell_once(void **state, bool delivered)
{
    struct cycle_kit kit;
    struct vg_outgoing row, request;
    start(&kit, state, "cooldown: 4h");
    kit.rule.config->receivers[0].kind = VG_RECEIVER_PAGERDUTY;
    kit.rule.config->receivers[0].changes = true;
    run_hour(&kit, 0, true, false);
    assert_int_equal(list_changes(&kit, &row), 1);
    if (delivered)
        MUST(&kit, vg_store_outbox_sent(kit.env.store, row.id, 1, &kit.err));
    run_hour(&kit, 1, true, true);
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "withdrawn");
    run_hour(&kit, 2, true, false);
    expect_decision(&kit, 1, VG_DECIDED_FIRED, "");
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_int_equal(fixture_int(kit.env.store, "SELECT count(*) FROM outbox WHERE kind = 7"), 1);
    MUST(&kit, vg_store_outbox_sent(kit.env.store, request.id, 1, &kit.err));
    run_hour(&kit, 3, false, false);
    for (int hour = 4; hour < 6; hour++)
        run_hour(&kit, hour, true, false);
    run_hour(&kit, 6, true, false); /* another onset is another change */
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_int_equal(fixture_int(kit.env.store, "SELECT count(*) FROM outbox WHERE kind = 7"), 2);
    cycle_kit_stop(&kit);
}

static void test_a_change_is_told_once(void **state)
{
    tell_once(state, false);
}

static void test_a_delivered_change_is_told_once(void **state)
{
    tell_once(state, true);
}

/* Silences of the dataset, or of its rule, are silences of this too. */
static void test_a_silenced_change_is_not_told(void **state)
{
    static const struct {
        struct vg_match match;
        size_t changes;
    } cases[] = {
        {{.dataset = "predictions"}, 0},
        {{.rule = "value.drift.*"}, 0},
        {{.severities = 1u << VG_SEVERITY_INFO}, 0},
        {{.dataset = "other"}, 1},
        {{.severities = 1u << VG_SEVERITY_CRITICAL}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cycle_kit kit;
        struct vg_outgoing row;
        int64_t id;
        const struct vg_silence silence = {
            .match = cases[i].match, .until_us = VG_NEVER, .by = "ada", .why = ""};
        if (i) { /* a store of its own */
            fixture_teardown(state);
            fixture_setup(state);
        }
        start(&kit, state, "cooldown: 4h");
        kit.rule.config->receivers[0].kind = VG_RECEIVER_PAGERDUTY;
        kit.rule.config->receivers[0].changes = true;
        MUST(&kit, vg_store_silence_put(kit.env.store, &silence, &id, &kit.err));
        run_hour(&kit, 0, true, false);
        assert_int_equal(list_requests(&kit, &row), 1);
        assert_int_equal(list_changes(&kit, &row), cases[i].changes);
        cycle_kit_stop(&kit);
    }
}

static void test_the_address_of_the_page(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    assert_null(vg_cycle_page(NULL, "d", arena));
    assert_string_equal(vg_cycle_page("https://v.test/p/", "a b", arena),
                        "https://v.test/p/#dataset-a%20b");
    assert_string_equal(vg_cycle_page("https://v.test/#top", "d", arena), "https://v.test/#top");
    vg_arena_free(arena);
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
        TEST(test_a_waiting_request_is_judged_again),
        TEST(test_what_may_have_arrived_stays),
        TEST(test_what_withdraws_beside_data),
        TEST(test_ended_unfired),
        TEST(test_unreadable_withholds),
        TEST(test_a_change_is_told),
        TEST(test_a_change_is_told_once),
        TEST(test_a_delivered_change_is_told_once),
        TEST(test_a_silenced_change_is_not_told),
        cmocka_unit_test(test_the_address_of_the_page),
        cmocka_unit_test(test_the_address_of_a_dashboard),
        TEST(test_without_configuration),
    };
    return cmocka_run_group_tests_name("cycle_retrain", tests, NULL, NULL);
}
