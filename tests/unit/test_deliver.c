/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the delivery engine on a virtual clock (agent/deliver/deliver.c, deliver_pack.c,
 * deliver_lanes.c), with a scripted HTTP client and an outbox in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "pgvigil/text.h"
#include "tests/unit/deliver_world.h"

static char secret_path[] = P_tmpdir "/pgvigil-test-deliver-XXXXXX";
static struct vg_receiver receivers[] = {
    {.name = "audit",
     .kind = VG_RECEIVER_WEBHOOK,
     .endpoint = {.url = "https://audit.test/hook", .token_file = secret_path}},
    {.name = "ops", .kind = VG_RECEIVER_SLACK, .endpoint = {.url_file = secret_path}},
    {.name = "oncall",
     .kind = VG_RECEIVER_PAGERDUTY,
     .endpoint = {.url = "https://pager.test/v2/enqueue"},
     .routing_key_file = secret_path},
    {.name = "second", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://second.test/"}},
    {.name = "nosecret",
     .kind = VG_RECEIVER_WEBHOOK,
     .endpoint = {.url_file = "/nonexistent/pgvigil/secret"}},
};
static struct vg_retraining retraining[] = {
    {.model = "delay-model", .http = {.url = "https://train.test/runs", .token_file = secret_path}},
};
static struct vg_config config = {
    .receivers = receivers, .nreceivers = 5, .retraining = retraining, .nretraining = 1};

static int hooked_decisions, hooked_outcomes[VG_PERMANENT + 1];

static void on_notified(void *arg, enum vg_sink_kind kind, const char *sink,
                        enum vg_outcome outcome)
{
    (void)arg;
    (void)kind;
    (void)sink;
    hooked_outcomes[outcome]++;
}

static void on_decided(void *arg, const struct vg_decision *decision)
{
    (void)arg;
    hooked_decisions += decision->kind == VG_DECIDED_ACCEPTED ? 1 : 100;
}

static int set_up(void **state)
{
    const struct vg_deliver_hooks hooks = {.notified = on_notified, .decided = on_decided};
    (void)state;
    memset(hooked_outcomes, 0, sizeof hooked_outcomes);
    hooked_decisions = 0;
    int rc = begin(&config, 0.5);
    if (!rc)
        vg_deliver_hooks(engine, &hooks);
    return rc;
}

static int64_t put_onset(const char *key)
{
    struct vg_onset onset = kit_onset();
    const char *body;
    snprintf(onset.key, VG_KEY_SIZE, "%s", key);
    assert_int_equal(vg_onset_write(&onset, arena, &body, NULL), 0);
    return put_row(VG_SINK_RETRAIN, "delay-model", key, VG_MSG_OPEN, body);
}

static struct vg_deliver_count count_of(const char *sink)
{
    struct vg_deliver_count counts[20];
    size_t n = vg_deliver_counts(engine, counts, 20);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(counts[i].sink, sink))
            return counts[i];
    }
    fail_msg("there is no count of %s", sink);
    return counts[0];
}

static void expect_counts(const char *sink, uint64_t attempts, uint64_t sent, uint64_t failures,
                          uint64_t dropped)
{
    struct vg_deliver_count count = count_of(sink);
    assert_int_equal(count.attempts, attempts);
    assert_int_equal(count.sent, sent);
    assert_int_equal(count.failures, failures);
    assert_int_equal(count.dropped, dropped);
}

static void test_all_that_is_due_is_sent(void **state)
{
    (void)state;
    store.touches = true;
    int64_t ids[12];
    for (int i = 0; i < 4; i++) {
        const char *key = i % 2 ? "k1" : "k2";
        ids[i] = put_message("audit", key, i < 2 ? VG_MSG_OPEN : VG_MSG_RESOLVE);
        ids[4 + i] = put_message("ops", key, i < 2 ? VG_MSG_OPEN : VG_MSG_RESOLVE);
        ids[8 + i] = put_message("oncall", key, i < 2 ? VG_MSG_OPEN : VG_MSG_RESOLVE);
    }
    fake_http_rule(&http, "pager", -1, 202, 0);
    expect_counts("audit", 0, 0, 0, 0);
    expect_counts("delay-model", 0, 0, 0, 0);
    drain(NOW);
    for (int i = 0; i < 12; i++)
        assert_int_equal(state_of(ids[i]), FAKE_SENT);
    assert_int_equal(http.n, 12);
    assert_int_equal(http.most_at_once, 1);
    expect_counts("audit", 4, 4, 0, 0);
    expect_counts("ops", 4, 4, 0, 0);
    expect_counts("oncall", 4, 4, 0, 0);
    assert_int_equal(hooked_outcomes[VG_DELIVERED], 12);
    assert_string_equal(fake_http_nth(&http, "audit", 0)->authorization,
                        "Bearer https://slack.test/T/B/X");
    assert_string_equal(fake_http_nth(&http, "slack.test", 0)->url, "https://slack.test/T/B/X");
    assert_non_null(strstr(fake_http_nth(&http, "pager", 3)->body, "\"resolve\""));
    drain(NOW + VG_DAY_US);
    assert_int_equal(http.n, 12);
}

static void test_backoff_doubles_with_full_jitter(void **state)
{
    (void)state;
    int64_t id = put_message("audit", "k1", VG_MSG_OPEN), now_us = NOW;
    fake_http_rule(&http, "audit.test", -1, 503, 0);
    for (int i = 0; i < 40; i++) {
        share = i % 2 ? 0.25 : 0.999;
        drain(now_us);
        assert_int_equal(fake_http_count(&http, "audit"), i + 1);
        double most_us = (i < 9 ? 1 << i : 300) * 1e6;
        assert_int_equal(store.rows[0].row.next_us - now_us, (int64_t)(share * most_us));
        drain(store.rows[0].row.next_us - 1);
        assert_int_equal(fake_http_count(&http, "audit"), i + 1);
        now_us = store.rows[0].row.next_us;
    }
    assert_int_equal(state_of(id), FAKE_WAITING); /* for ever */
    assert_string_equal(store.rows[0].why, "status 503: said so");
    expect_counts("audit", 40, 0, 40, 0);
    http.rules[0].times = 0;
    drain(now_us);
    assert_int_equal(state_of(id), FAKE_SENT);
    expect_counts("audit", 41, 1, 40, 0);
}

static void test_retry_after_is_a_minimum_up_to_an_hour(void **state)
{
    static const struct {
        int64_t asked_us, wait_us;
    } cases[] = {{0, VG_US / 2},
                 {100000, VG_US / 2},
                 {7 * VG_US, 7 * VG_US},
                 {VG_HOUR_US, VG_HOUR_US},
                 {1000000000 * VG_US, VG_HOUR_US}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&store, 0, sizeof store);
        put_message("audit", "k1", VG_MSG_OPEN);
        put_message("audit", "k2", VG_MSG_OPEN); /* the receiver asked, not the message */
        fake_http_rule(&http, "audit", 1, 429, cases[i].asked_us);
        int64_t now_us = NOW + (int64_t)i * VG_DAY_US;
        size_t before = fake_http_count(&http, "audit");
        drain(now_us);
        assert_int_equal(store.rows[0].row.next_us, now_us + cases[i].wait_us);
        drain(now_us + cases[i].wait_us - 1);
        assert_int_equal(fake_http_count(&http, "audit"), before + 1);
        drain(now_us + cases[i].wait_us);
        assert_int_equal(fake_http_count(&http, "audit"), before + 3);
        assert_int_equal(state_of(2), FAKE_SENT);
    }
}

/* Eight seconds stay eight seconds, whatever the clock is set back to. */
static void test_a_clock_that_is_set_back(void **state)
{
    static const int64_t backs[] = {VG_HOUR_US, VG_DAY_US};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int64_t then = NOW + (int64_t)i * VG_WEEK_US, now = then - backs[i];
        size_t before = fake_http_count(&http, "audit");
        memset(&store, 0, sizeof store);
        put_message("audit", "k1", VG_MSG_OPEN);
        store.rows[0].row.next_us = then;
        fake_http_rule(&http, "audit", 1, 429, 8 * VG_US);
        drain(then);
        drain(now);
        drain(now + 8 * VG_US - 1);
        assert_int_equal(fake_http_count(&http, "audit"), before + 1);
        drain(now + 8 * VG_US);
        assert_int_equal(fake_http_count(&http, "audit"), before + 2);
        assert_int_equal(state_of(1), FAKE_SENT);
    }
}

static void test_what_is_refused_is_set_aside(void **state)
{
    (void)state;
    store.touches = true;
    int64_t first = put_message("audit", "k1", VG_MSG_OPEN);
    int64_t second = put_message("audit", "k1", VG_MSG_RESOLVE);
    fake_http_rule(&http, "audit", 1, 404, 0);
    drain(NOW);
    assert_int_equal(state_of(first), FAKE_DEAD);
    assert_string_equal(store.rows[0].why, "status 404: said so");
    assert_int_equal(state_of(second), FAKE_SENT);
    expect_counts("audit", 2, 1, 1, 1);
    assert_int_equal(hooked_outcomes[VG_PERMANENT], 1);
}

static void test_a_dead_receiver_delays_no_other(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char *key = vg_arena_printf(arena, "k%d", i);
        put_message("audit", key, VG_MSG_OPEN);
        put_message("second", key, VG_MSG_OPEN);
    }
    fake_http_rule(&http, "audit", -1, 0, 0);
    drain(NOW);
    assert_int_equal(fake_http_count(&http, "second"), 20);
    assert_int_equal(fake_http_count(&http, "audit"), 1); /* one probe, not twenty */
    assert_string_equal(store.rows[0].why, "no answer in time");
    int64_t now_us = NOW;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(vg_store_outbox_next(&store, now_us, &now_us, NULL), 0);
        drain(now_us);
    }
    assert_true(fake_http_count(&http, "audit") <= 6);
    http.rules[0].times = 0;
    assert_int_equal(vg_store_outbox_next(&store, now_us, &now_us, NULL), 0);
    drain(now_us);
    for (int i = 0;
         i < 5 && vg_store_outbox_next(&store, now_us, &now_us, NULL) == 0 && now_us != VG_NEVER;
         i++)
        drain(now_us);
    expect_counts("audit", count_of("audit").attempts, 20, count_of("audit").failures, 0);
}

static void test_a_poisonous_message_delays_no_other(void **state)
{
    (void)state;
    int64_t poison = put_message("audit", "poison", VG_MSG_OPEN), now_us = NOW;
    fake_http_rule(&http, "poison", -1, 500, 0);
    for (int i = 0; i < 20; i++) {
        drain(now_us);
        int64_t id = put_message("audit", vg_arena_printf(arena, "k%d", i), VG_MSG_OPEN);
        drain(now_us + 2 * VG_US); /* a second is the most that one failure may cost */
        assert_int_equal(state_of(id), FAKE_SENT);
        now_us = store.rows[0].row.next_us;
    }
    assert_int_equal(state_of(poison), FAKE_WAITING);
    assert_true(store.rows[0].row.attempts >= 20);
}

static void test_a_row_waits_as_long_as_its_receiver(void **state)
{
    (void)state;
    fake_http_rule(&http, "audit", -1, 500, 0);
    int64_t now_us = NOW;
    put_message("audit", "k0", VG_MSG_OPEN);
    for (int i = 0; i < 6; i++) {
        drain(now_us);
        now_us = store.rows[0].row.next_us;
    }
    int64_t id = put_message("audit", "k1", VG_MSG_OPEN);
    drain(now_us);
    assert_int_equal(store.rows[id - 1].row.attempts, 1);
    assert_int_equal(store.rows[id - 1].row.next_us - now_us, 32 * VG_US); /* half of 2^6 s */
    assert_int_equal(fake_http_count(&http, "audit"), 7);
}

static void test_rows_without_a_request(void **state)
{
    (void)state;
    store.touches = true;
    int64_t summary = put_message("oncall", "k1", VG_MSG_SUMMARY);
    int64_t open = put_message("oncall", "k2", VG_MSG_OPEN);
    int64_t broken = put_row(VG_SINK_RECEIVER, "audit", "k1", VG_MSG_OPEN, "{\"kind\": ");
    int64_t after = put_message("audit", "k1", VG_MSG_RESOLVE);
    fake_http_rule(&http, "pager", -1, 202, 0);
    drain(NOW);
    assert_int_equal(state_of(summary), FAKE_SENT);
    assert_int_equal(state_of(open), FAKE_SENT);
    assert_int_equal(fake_http_count(&http, "pager"), 1);
    expect_counts("oncall", 1, 1, 0, 0);
    for (int i = 0; i < 3; i++) { /* it may have been a lack of memory */
        assert_int_equal(state_of(broken), FAKE_WAITING);
        assert_int_equal(store.rows[broken - 1].row.attempts, i + 1);
        drain(store.rows[broken - 1].row.next_us);
    }
    assert_int_equal(state_of(broken), FAKE_DEAD);
    assert_non_null(strstr(store.rows[broken - 1].why, "this is not JSON"));
    assert_int_equal(state_of(after), FAKE_SENT);
    expect_counts("audit", 5, 1, 4, 1);
}

static void test_what_cannot_be_sent_now_waits(void **state)
{
    (void)state;
    int64_t unread = put_message("nosecret", "k1", VG_MSG_OPEN);
    int64_t refused = put_message("audit", "k1", VG_MSG_OPEN);
    int64_t absent = put_message("newcomer", "k1", VG_MSG_OPEN);
    fake_http_rule(&http, "audit", 1, FAKE_FAILS_TO_START, 0);
    drain(NOW);
    assert_int_equal(http.n, 0);
    assert_int_equal(state_of(unread), FAKE_WAITING);
    assert_non_null(strstr(store.rows[0].why, "/nonexistent/pgvigil/secret"));
    assert_int_equal(state_of(refused), FAKE_WAITING);
    assert_int_equal(state_of(absent), FAKE_WAITING);
    assert_int_equal(store.rows[2].row.attempts, 0);
    expect_counts("nosecret", 1, 0, 1, 0);
    expect_counts("newcomer", 0, 0, 0, 0);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(state_of(refused), FAKE_SENT);

    struct vg_receiver more[] = {
        {.name = "newcomer",
         .kind = VG_RECEIVER_WEBHOOK,
         .endpoint = {.url = "https://newcomer.test/"}},
        {.name = "nosecret", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url_file = secret_path}},
    };
    struct vg_config other = {.receivers = more, .nreceivers = 2, .name = "prod"};
    assert_int_equal(vg_deliver_reload(engine, &other, NULL), 0);
    drain(NOW + 2 * VG_MINUTE_US);
    assert_int_equal(state_of(absent), FAKE_SENT);
    assert_int_equal(state_of(unread), FAKE_SENT);
    assert_int_equal(vg_deliver_reload(engine, &config, NULL), 0);
}

static void test_retraining_requests(void **state)
{
    static const struct {
        int status;
        enum fake_state state;
        enum vg_decision_kind kind;
        const char *reason;
    } cases[] = {
        {201, FAKE_SENT, VG_DECIDED_ACCEPTED,
         "the training system accepted the request: status 201: said so"},
        {409, FAKE_SENT, VG_DECIDED_ACCEPTED,
         "the training system accepted the request: status 409: said so"},
        {400, FAKE_DEAD, VG_DECIDED_REFUSED,
         "the training system refused the request: status 400: said so"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *key = vg_arena_printf(arena, "onset-%zu", i);
        int64_t id = put_onset(key);
        fake_http_rule(&http, "train", 1, 503, 0);
        fake_http_rule(&http, "train", 1, cases[i].status, 0);
        int64_t now_us = NOW + (int64_t)i * VG_DAY_US;
        drain(now_us);
        assert_int_equal(state_of(id), FAKE_WAITING);
        assert_int_equal(store.ndecisions, i);
        drain(now_us + VG_MINUTE_US);
        assert_int_equal(state_of(id), cases[i].state);
        assert_int_equal(store.ndecisions, i + 1);
        assert_int_equal(store.decisions[i].kind, cases[i].kind);
        assert_string_equal(store.decisions[i].model, "delay-model");
        assert_string_equal(store.decisions[i].key, key);
        assert_string_equal(store.decisions[i].reason, cases[i].reason);
        assert_int_equal(store.decisions[i].at_us, now_us + VG_MINUTE_US);
        const struct fake_request *request = fake_http_nth(&http, "train", 2 * i + 1);
        assert_string_equal(request->key, key);
        assert_string_equal(request->authorization, "Bearer https://slack.test/T/B/X");
        assert_non_null(strstr(request->body, "\"agent\":\"made-once\""));
    }
    assert_int_equal(hooked_decisions, 102);
    expect_counts("delay-model", 6, 2, 4, 1);
    assert_int_equal(count_of("delay-model").sink_kind, VG_SINK_RETRAIN);
}

static void test_an_outcome_is_kept_until_it_is_stored(void **state)
{
    (void)state;
    struct vg_error err = {0};
    int64_t first = put_message("audit", "k1", VG_MSG_OPEN);
    int64_t second = put_message("audit", "k2", VG_MSG_OPEN);
    store.fail_records = 3;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vg_deliver_drain(engine, NOW + i, &err), -1);
        assert_int_equal(err.code, VG_E_IO);
        assert_int_equal(fake_http_count(&http, "audit"), 1); /* not sent again */
        assert_int_equal(state_of(first), FAKE_WAITING);
    }
    drain(NOW + 3);
    assert_int_equal(state_of(first), FAKE_SENT);
    assert_int_equal(state_of(second), FAKE_SENT);
    assert_int_equal(fake_http_count(&http, "audit"), 2);
    int64_t third = put_message("audit", "k3", VG_MSG_OPEN);
    store.fail_records = 1;
    assert_int_equal(vg_deliver_drain(engine, NOW + 4, &err), -1);
    store.rows[third - 1].state = FAKE_GONE; /* trimmed, or the store was replaced */
    int64_t fourth = put_message("audit", "k4", VG_MSG_OPEN);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(state_of(fourth), FAKE_SENT);
}

static void test_one_message_beside_the_engine(void **state)
{
    (void)state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_deliver_said said;
    struct vg_error err = {0};
    message.kind = VG_MSG_TEST;
    message.nitems = 0;
    fake_http_rule(&http, "audit", 1, 403, 0);
    assert_int_equal(vg_deliver_once(&http.port, &receivers[0], &message, &said, &err), 0);
    assert_int_equal(said.outcome, VG_PERMANENT);
    assert_int_equal(said.status, 403);
    assert_string_equal(said.why, "status 403: said so");
    assert_int_equal(vg_deliver_once(&http.port, &receivers[1], &message, &said, &err), 0);
    assert_int_equal(said.outcome, VG_DELIVERED);
    assert_false(said.nothing);
    message.kind = VG_MSG_SUMMARY;
    assert_int_equal(vg_deliver_once(&http.port, &receivers[2], &message, &said, &err), 0);
    assert_true(said.nothing);
    assert_int_equal(vg_deliver_once(&http.port, &receivers[4], &message, &said, &err), -1);
    assert_int_equal(err.code, VG_E_NOT_FOUND);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_all_that_is_due_is_sent),
        WITH(test_backoff_doubles_with_full_jitter),
        WITH(test_retry_after_is_a_minimum_up_to_an_hour),
        WITH(test_a_clock_that_is_set_back),
        WITH(test_what_is_refused_is_set_aside),
        WITH(test_a_dead_receiver_delays_no_other),
        WITH(test_a_poisonous_message_delays_no_other),
        WITH(test_a_row_waits_as_long_as_its_receiver),
        WITH(test_rows_without_a_request),
        WITH(test_what_cannot_be_sent_now_waits),
        WITH(test_retraining_requests),
        WITH(test_an_outcome_is_kept_until_it_is_stored),
        WITH(test_one_message_beside_the_engine),
    };
    int fd = mkstemp(secret_path);
    if (fd < 0 || write(fd, "https://slack.test/T/B/X\n", 25) != 25 || close(fd))
        return 1;
    int failed = cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
    unlink(secret_path);
    return failed;
}
