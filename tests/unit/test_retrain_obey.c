/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people say of retraining, and what follows from the ends of runs, on a real store: approval,
 * denial, requests by hand, a word that is obeyed once whatever crashes, promotion, failure. */
#include "tests/unit/retrain_cycles.h"

#include "agent/loop/loop_tell.h"
#include "agent/loop/promotion.h"
#include "agent/loop/retrain_follow.h"
#include "agent/loop/retrain_obey.h"
#include "agent/message.h"

/* --- The word of people ----------------------------------------------------------------------- */

/* Five minutes after the hour was judged. */
static int64_t after(int hour)
{
    return cycle_kit_due(hour) + 5 * VG_MINUTE_US;
}

static int say(struct cycle_kit *kit, const char *verb, const char *argument, int64_t at_us,
               const char **answer)
{
    const struct vg_control row = {.verb = verb, .argument = argument, .by = "", .at_us = at_us};
    assert_true(vg_retrain_knows(verb));
    return vg_retrain_obey(&kit->env, &row, at_us, kit->store->arena, answer, &kit->err);
}

static void expect_answer(struct cycle_kit *kit, const char *verb, const char *argument,
                          int64_t at_us, const char *words)
{
    const char *answer = NULL;
    MUST(kit, say(kit, verb, argument, at_us, &answer));
    if (strncmp(answer, words, strlen(words)) != 0)
        fail_msg("\"%s\" does not begin with: %s", answer, words);
}

static void expect_refusal(struct cycle_kit *kit, const char *verb, const char *argument,
                           const char *words)
{
    const char *answer = NULL;
    assert_int_equal(say(kit, verb, argument, after(9), &answer), -1);
    if (!strstr(kit->err.msg, words))
        fail_msg("\"%s\" does not say: %s", kit->err.msg, words);
}

/* Messages of this kind for this receiver that wait, and the newest. */
static size_t list_messages(struct cycle_kit *kit, enum vg_message_kind kind, const char *key,
                            struct vg_message *last)
{
    struct vg_outgoing *rows;
    size_t n, found = 0;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].sink_kind != VG_SINK_RECEIVER || rows[i].kind != kind ||
            strcmp(rows[i].key, key) != 0)
            continue;
        found++;
        MUST(kit, vg_message_read(rows[i].body, kit->store->arena, last, &kit->err));
    }
    return found;
}

/* Only the oldest message of a key is due: it is delivered. */
static void deliver(struct cycle_kit *kit, const char *key)
{
    struct vg_outgoing *rows;
    size_t n;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].sink_kind == VG_SINK_RECEIVER && !strcmp(rows[i].key, key))
            MUST(kit, vg_store_outbox_sent(kit->env.store, rows[i].id, 1, &kit->err));
    }
}

static void test_approval(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    struct vg_message message;
    char argument[100];
    start(&kit, state, "approval: manual");
    run_hour(&kit, 0, true, false);
    expect_decision(&kit, 2, VG_DECIDED_WAITING, "somebody must approve");
    assert_true(find_onset(&kit, &onset));
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_int_equal(list_messages(&kit, VG_MSG_OPEN, onset.key, &message), 1);
    assert_non_null(strstr(message.items[0].why, "pgvigil retrain approve"));
    assert_non_null(strstr(message.items[0].why, "pgvigil retrain deny"));
    deliver(&kit, onset.key);
    run_hour(&kit, 1, true, false); /* nobody has said anything, and nobody is told again */
    assert_int_equal(list_messages(&kit, VG_MSG_OPEN, onset.key, &message), 0);
    assert_int_equal(list_requests(&kit, &request), 0);

    snprintf(argument, sizeof argument, "%.12s\tada\tlooks real\t", onset.key);
    expect_answer(&kit, "retrain-approve", argument, after(1), "ok: the request");
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_string_equal(request.key, onset.key);
    assert_int_equal(list_messages(&kit, VG_MSG_RESOLVE, onset.key, &message), 1);
    expect_decision(&kit, kit.decided, VG_DECIDED_FIRED, "approved by ada");
    expect_answer(&kit, "retrain-approve", argument, after(1), "ok"); /* its row was not marked */
    assert_int_equal(list_requests(&kit, &request), 1);
    expect_refusal(&kit, "retrain-approve", argument, "has been made");
    cycle_kit_stop(&kit);
}

/* The data broke between the question and the answer. */
static void test_approval_while_quality_fails(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    struct vg_message message;
    start(&kit, state, "approval: manual");
    run_hour(&kit, 0, true, false);
    assert_true(find_onset(&kit, &onset));
    deliver(&kit, onset.key);
    run_hour(&kit, 1, true, true);
    expect_answer(&kit, "retrain-approve", "delays\tada\t\t", after(1),
                  "ok: approved; withheld for now");
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_int_equal(list_messages(&kit, VG_MSG_RESOLVE, onset.key, &message), 0);
    run_hour(&kit, 2, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_int_equal(list_messages(&kit, VG_MSG_RESOLVE, onset.key, &message), 1);
    assert_string_equal(message.items[0].why, "approved by ada: the request is on its way");
    cycle_kit_stop(&kit);
}

/* It was approved, withheld, and the drift ended before the request could be made. */
static void test_drift_ends_after_the_approval(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    struct vg_message message;
    start(&kit, state, "approval: manual");
    run_hour(&kit, 0, true, false);
    assert_true(find_onset(&kit, &onset));
    deliver(&kit, onset.key);
    run_hour(&kit, 1, true, true);
    expect_answer(&kit, "retrain-approve", "delays\tada\t\t", after(1),
                  "ok: approved; withheld for now");
    run_hour(&kit, 2, false, true);
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_int_equal(list_messages(&kit, VG_MSG_RESOLVE, onset.key, &message), 1);
    assert_string_equal(message.items[0].why, "the drift has ended");
    cycle_kit_stop(&kit);
}

static void test_denial_and_what_makes_no_sense(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    char argument[100];
    start(&kit, state, "approval: manual");
    expect_refusal(&kit, "retrain-approve", "delays\tada\t\t", "no open onset is of this model");
    expect_refusal(&kit, "retrain-deny", "abc\tada\t\t", "no open onset is of this model");
    expect_refusal(&kit, "retrain-fire", "unknown\tada\twhy\t", "there is no retraining.unknown");
    run_hour(&kit, 0, true, false);
    assert_true(find_onset(&kit, &onset));
    expect_answer(&kit, "retrain-deny", "delays\tada\tnot on a Friday\t", after(0), "ok: denied");
    run_hour(&kit, 1, true, false);
    assert_int_equal(list_requests(&kit, &request), 0);
    run_hour(&kit, 2, false, false);
    expect_decision(&kit, 1, VG_DECIDED_ENDED_UNFIRED, "");
    snprintf(argument, sizeof argument, "%s\tada\t\t", onset.key);
    expect_refusal(&kit, "retrain-approve", argument, "ended at");
    cycle_kit_stop(&kit);
}

static void test_approval_where_none_is_needed(void **state)
{
    struct cycle_kit kit;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, true);
    expect_refusal(&kit, "retrain-approve", "delays\tada\t\t", "need no approval");
    cycle_kit_stop(&kit);
}

static void test_by_hand(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    struct vg_retrain_run run;
    const char *answer;
    bool found;
    start(&kit, state, "cooldown: 1d");
    run_hour(&kit, 0, false, true);
    kit.decided = 0;
    expect_answer(&kit, "retrain-fire", "delays\tada\tnew labels\tforce", after(0),
                  "withheld: asked for by hand (new labels): value.nulls of predictions: fail");
    expect_decision(&kit, 1, VG_DECIDED_WITHHELD, "value.nulls");
    assert_string_equal(kit.decision.by, "ada");
    assert_int_equal(list_requests(&kit, &request), 0);

    run_hour(&kit, 1, false, false);
    expect_answer(&kit, "retrain-fire", "delays\tada\tnew labels\t", after(1), "ok: the request");
    expect_answer(&kit, "retrain-fire", "delays\tada\tnew labels\t", after(1), "ok");
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_non_null(strstr(request.body, "by hand"));
    MUST(&kit, vg_store_retrain_run(kit.env.store, request.key, kit.store->arena, &run, &found,
                                    &kit.err));
    assert_true(found && run.state == VG_RETRAIN_ASKED);
    expect_answer(&kit, "retrain-fire", "delays\tada\tonce more\tforce", after(1) + 1,
                  "withheld: asked for by hand (once more): a request is still being delivered");
    MUST(&kit, say(&kit, "retrain-fire", "delays\tada\tonce more\tforce", after(1) + 2, &answer));
    assert_null(strstr(answer, "cooldown")); /* which kept nothing back */

    MUST(&kit, vg_store_outbox_sent(kit.env.store, request.id, after(1), &kit.err));
    run_hour(&kit, 2, true, false); /* drift that comes now is another onset */
    expect_decision(&kit, 2, VG_DECIDED_WITHHELD, "cooldown until");
    assert_true(find_onset(&kit, &onset));
    expect_answer(&kit, "retrain-fire", "delays\tada\tonce more\t", after(2),
                  "withheld: asked for by hand (once more): cooldown until");
    expect_answer(&kit, "retrain-fire", "delays\tada\tonce more\tforce", after(2), "ok: the");
    assert_int_equal(list_requests(&kit, &request), 1);
    assert_string_equal(request.key, onset.key);
    cycle_kit_stop(&kit);
}

static void expect_refused_move(struct cycle_kit *kit, const char *verb, const char *words)
{
    const struct vg_control row = {.verb = verb, .argument = "all\tdelays", .by = "", .at_us = 1};
    const char *answer;
    assert_int_equal(vg_tell_obey(&kit->env, &row, 1, kit->store->arena, &answer, &kit->err), -1);
    if (!strstr(kit->err.msg, words))
        fail_msg("\"%s\" does not say: %s", kit->err.msg, words);
}

/* A request that waits is taken back by the word of a person, not by moving its row. */
static void test_denial_of_what_waits(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_outgoing request;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    expect_refused_move(&kit, "outbox-drop", "pgvigil retrain deny");
    expect_answer(&kit, "retrain-deny", "delays\tada\tnot now\t", after(0), "ok: denied");
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_true(find_onset(&kit, &onset));
    assert_true(onset.state == VG_ONSET_OPEN && onset.approval == VG_APPROVAL_DENIED);
    run_hour(&kit, 1, true, false);
    assert_int_equal(list_requests(&kit, &request), 0);
    run_hour(&kit, 2, false, false);

    expect_answer(&kit, "retrain-fire", "delays\tada\tnew labels\t", after(2), "ok: the request");
    expect_answer(&kit, "retrain-deny", "delays\tbob\tnot now\t", after(2) + 1, "ok: denied; the");
    assert_int_equal(list_requests(&kit, &request), 0);

    run_hour(&kit, 3, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    MUST(&kit, vg_store_outbox_touch(kit.env.store, request.id, &kit.err));
    expect_answer(&kit, "retrain-deny", "delays\tada\tgone\t", after(3),
                  "ok: denied; the request"
                  " is not sent any more, but");
    assert_int_equal(list_requests(&kit, &request), 0);
    assert_true(find_onset(&kit, &onset));
    assert_true(onset.state == VG_ONSET_FIRED && onset.approval == VG_APPROVAL_DENIED);
    cycle_kit_stop(&kit);
}

static void test_a_refused_request_is_not_sent_again(void **state)
{
    struct cycle_kit kit;
    struct vg_outgoing request;
    start(&kit, state, "cooldown: 4h");
    run_hour(&kit, 0, true, false);
    assert_int_equal(list_requests(&kit, &request), 1);
    MUST(&kit, vg_store_outbox_dead(kit.env.store, request.id, after(0), "403", &kit.err));
    expect_refused_move(&kit, "outbox-retry", "pgvigil retrain fire");
    assert_int_equal(list_requests(&kit, &request), 0);
    cycle_kit_stop(&kit);
}

/* Who spoke of one onset has not spoken of the next. */
static void test_a_word_is_about_its_onset(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset, other;
    struct vg_outgoing request;
    char argument[100];
    start(&kit, state, "approval: manual");
    run_hour(&kit, 0, true, false);
    assert_true(find_onset(&kit, &onset));
    other = onset;
    memset(other.key, 'a', VG_KEY_SIZE - 1);
    other.due_us--;
    MUST(&kit, vg_store_onset_put(kit.env.store, &other, &kit.err));
    snprintf(argument, sizeof argument, "%s\tada\t\t", other.key);
    expect_refusal(&kit, "retrain-approve", argument, "is not the one that is open");
    assert_int_equal(list_requests(&kit, &request), 0);
    cycle_kit_stop(&kit);
}

/* --- Runs that have ended --------------------------------------------------------------------- */

static void end_run(struct cycle_kit *kit, const char *key, enum vg_retrain_state state)
{
    const struct vg_retrain_run run = {
        .model = "delays",
        .system = "http",
        .state = state,
        .accepted_us = after(0),
        .changed_us = after(1),
        .ended_us = after(1),
        .next_us = VG_NEVER,
        .until_us = after(9),
        .answer = "out of disk",
    };
    struct vg_retrain_run put = run;
    memcpy(put.key, key, VG_KEY_SIZE);
    MUST(kit, vg_store_retrain_run_put(kit->env.store, &put, &kit->err));
}

static size_t follow(struct cycle_kit *kit, struct vg_followed **followed)
{
    size_t n;
    bool promoting;
    kit->decided = 0;
    MUST(kit, vg_retrain_follow(&kit->env, after(1), kit->store->arena, followed, &n, &promoting,
                                &kit->err));
    return n;
}

static void fire_one(struct cycle_kit *kit, void **state, const char *keys, struct vg_onset *onset)
{
    struct vg_outgoing request;
    start(kit, state, keys);
    run_hour(kit, 0, true, false);
    assert_int_equal(list_requests(kit, &request), 1);
    MUST(kit, vg_store_outbox_sent(kit->env.store, request.id, after(0), &kit->err));
    assert_true(find_onset(kit, onset));
    struct vg_followed *followed;
    assert_int_equal(follow(kit, &followed), 0);
    assert_int_equal(kit->decided, 0);
}

static void test_a_failed_run_is_told_once(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_message message;
    struct vg_followed *followed;
    fire_one(&kit, state, "cooldown: 1h", &onset);
    end_run(&kit, onset.key, VG_RETRAIN_FAILED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(follow(&kit, &followed), 0);
        assert_int_equal(list_messages(&kit, VG_MSG_OPEN, onset.key, &message), i == 0);
        deliver(&kit, onset.key);
    }
    assert_non_null(strstr(message.items[0].why, "has failed: out of disk"));
    assert_true(find_onset(&kit, &onset)); /* it stays asked for */
    assert_true(onset.state == VG_ONSET_FIRED && onset.told == VG_TOLD_FAILED);
    run_hour(&kit, 1, false, false);
    assert_int_equal(list_messages(&kit, VG_MSG_RESOLVE, onset.key, &message), 1);
    assert_string_equal(message.items[0].rule, "retraining.run");
    cycle_kit_stop(&kit);
}

static void test_a_request_waits_for_the_run(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    fire_one(&kit, state, "cooldown: 1h", &onset);
    end_run(&kit, onset.key, VG_RETRAIN_RUNNING);
    run_hour(&kit, 1, false, false);
    run_hour(&kit, 2, true, false);
    expect_decision(&kit, 2, VG_DECIDED_WITHHELD, "has not ended");
    end_run(&kit, onset.key, VG_RETRAIN_SUCCEEDED);
    run_hour(&kit, 3, true, false);
    expect_decision(&kit, 1, VG_DECIDED_FIRED, "");
    cycle_kit_stop(&kit);
}

/* What the thread that captures would store. */
static void capture(struct cycle_kit *kit, const struct vg_promotion *promotion,
                    const char *failure)
{
    struct vg_dataset item;
    struct vg_capture_how how;
    int64_t version;
    MUST(kit, vg_promotion_make(kit->rule.dataset, promotion, kit->store->arena, &item, &how,
                                &kit->err));
    const struct vg_reference meta = {
        .base_us = VG_HOUR_US,
        .captured_us = after(1),
        .resolution = 4096,
        .spec = (char *)(uintptr_t)vg_capture_spec(&item, kit->store->arena)};
    MUST(kit, vg_store_reference_begin(kit->env.store, "predictions", &meta, &version, &kit->err));
    struct vg_followed *followed;
    assert_int_equal(follow(kit, &followed), 0); /* it is on its way */
    assert_int_equal(kit->decided, 0);
    MUST(kit, vg_store_reference_done(kit->env.store, version, 100, failure, after(1), &kit->err));
}

static void promote_one(void **state, const char *failure, const char *words)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_followed *followed;
    fire_one(&kit, state, "promote: {window: 6h}", &onset);
    end_run(&kit, onset.key, VG_RETRAIN_SUCCEEDED);
    for (int i = 0; i < 2; i++) { /* also after a restart, until it is captured */
        assert_int_equal(follow(&kit, &followed), 1);
        assert_string_equal(followed[0].dataset, "predictions");
        assert_int_equal(followed[0].promotion.to_us, made_hour(0).end_us);
        assert_int_equal(followed[0].promotion.from_us, made_hour(0).end_us - 6 * VG_HOUR_US);
        assert_non_null(strstr(followed[0].promotion.by, "retraining "));
        assert_int_equal(kit.decided, 0);
    }
    capture(&kit, &followed[0].promotion, failure);
    assert_int_equal(follow(&kit, &followed), 0);
    expect_decision(&kit, 1, VG_DECIDED_PROMOTED, words);
    assert_int_equal(follow(&kit, &followed), 0);
    assert_int_equal(kit.decided, 0);
    cycle_kit_stop(&kit);
}

static void test_one_failure_stops_no_other(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset, other;
    struct vg_followed *followed;
    struct vg_message message;
    size_t n;
    bool promoting;
    fire_one(&kit, state, "cooldown: 1h", &onset);
    other = onset;
    memset(other.key, 'a', VG_KEY_SIZE - 1);
    other.due_us--; /* it comes first */
    other.state = VG_ONSET_ENDED;
    MUST(&kit, vg_store_onset_put(kit.env.store, &other, &kit.err));
    end_run(&kit, other.key, VG_RETRAIN_FAILED);
    end_run(&kit, onset.key, VG_RETRAIN_FAILED);
    fixture_exec(kit.env.store, "CREATE TRIGGER fails BEFORE UPDATE ON onset WHEN NEW.key LIKE"
                                " 'aaa%' BEGIN SELECT RAISE(ABORT, 'made to fail'); END");
    assert_int_equal(vg_retrain_follow(&kit.env, after(1), kit.store->arena, &followed, &n,
                                       &promoting, &kit.err),
                     -1);
    assert_non_null(strstr(kit.err.msg, "made to fail"));
    assert_int_equal(list_messages(&kit, VG_MSG_OPEN, onset.key, &message), 1);
    assert_int_equal(list_messages(&kit, VG_MSG_OPEN, other.key, &message), 0);
    cycle_kit_stop(&kit);
}

static void test_promotion(void **state)
{
    promote_one(state, NULL, "predictions promoted: version 2");
}

static void test_promotion_that_fails(void **state)
{
    promote_one(state, "no rows", "predictions not promoted: no rows");
}

static void test_promotion_by_a_person(void **state)
{
    struct cycle_kit kit;
    struct vg_onset onset;
    struct vg_followed *followed;
    fire_one(&kit, state, "promote: {after: manual, window: 6h}", &onset);
    end_run(&kit, onset.key, VG_RETRAIN_SUCCEEDED);
    assert_int_equal(follow(&kit, &followed), 0);
    expect_decision(&kit, 1, VG_DECIDED_PROPOSED, "pgvigil reference promote predictions --from ");
    cycle_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_approval),
        TEST(test_approval_while_quality_fails),
        TEST(test_drift_ends_after_the_approval),
        TEST(test_denial_and_what_makes_no_sense),
        TEST(test_approval_where_none_is_needed),
        TEST(test_by_hand),
        TEST(test_denial_of_what_waits),
        TEST(test_a_refused_request_is_not_sent_again),
        TEST(test_a_word_is_about_its_onset),
        TEST(test_a_failed_run_is_told_once),
        TEST(test_a_request_waits_for_the_run),
        TEST(test_one_failure_stops_no_other),
        TEST(test_promotion),
        TEST(test_promotion_that_fails),
        TEST(test_promotion_by_a_person),
    };
    return cmocka_run_group_tests_name("retrain_obey", tests, NULL, NULL);
}
