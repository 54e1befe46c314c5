/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which requests a message becomes: address, method, steps, what is kept of answers and what the
 * answers mean; for receivers that keep something current. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

#define CHANNEL "C0123 1503435956.000247"
#define HOOK    "https://d.test/api/webhooks/1/t"
#define ALERTS  "https://api.atlassian.com/jsm/ops/integration/v2/alerts"

static const struct vg_receiver bot = {.kind = VG_RECEIVER_SLACK, .channel = "C0123"};
static const struct vg_receiver discord = {.kind = VG_RECEIVER_DISCORD,
                                           .endpoint = {.url = HOOK "?thread_id=7"}};
static const struct vg_receiver jsm = {.kind = VG_RECEIVER_OPSGENIE};
static const struct vg_receiver pager = {.kind = VG_RECEIVER_PAGERDUTY, .changes = true};
static const struct vg_receiver hushed = {.kind = VG_RECEIVER_PAGERDUTY};
static const struct vg_receiver manager = {.kind = VG_RECEIVER_ALERTMANAGER,
                                           .endpoint = {.url = "http://127.0.0.1:9093/"}};

static const struct {
    const struct vg_receiver *receiver;
    enum vg_message_kind kind;
    const char *kept;
    int step;
    const char *method, *url; /* url NULL: nothing is sent */
    bool more;
    const char *key, *value; /* of the body, or NULL */
} calls[] = {
    {&bot, VG_MSG_OPEN, NULL, 0, "POST", "https://slack.com/api/chat.postMessage", false, "channel",
     "C0123"},
    {&bot, VG_MSG_UPDATE, NULL, 0, "POST", "https://slack.com/api/chat.postMessage", false,
     "channel", "C0123"},
    {&bot, VG_MSG_UPDATE, CHANNEL, 0, "POST", "https://slack.com/api/chat.postMessage", true,
     "thread_ts", "1503435956.000247"},
    {&bot, VG_MSG_UPDATE, CHANNEL, 1, "POST", "https://slack.com/api/chat.update", false, "ts",
     "1503435956.000247"},
    {&bot, VG_MSG_REMIND, CHANNEL, 0, "POST", "https://slack.com/api/chat.postMessage", false,
     "thread_ts", "1503435956.000247"},
    {&bot, VG_MSG_ACKNOWLEDGE, CHANNEL, 0, "POST", "https://slack.com/api/chat.postMessage", false,
     "thread_ts", "1503435956.000247"},
    {&bot, VG_MSG_RESOLVE, CHANNEL, 0, "POST", "https://slack.com/api/chat.update", true, "ts",
     "1503435956.000247"},
    {&bot, VG_MSG_RESOLVE, CHANNEL, 1, "POST", "https://slack.com/api/chat.postMessage", false,
     "thread_ts", "1503435956.000247"},
    {&discord, VG_MSG_OPEN, NULL, 0, "POST", HOOK "?thread_id=7&wait=true", false, NULL, NULL},
    {&discord, VG_MSG_UPDATE, "77", 0, "POST", HOOK "?thread_id=7&wait=true", true, NULL, NULL},
    {&discord, VG_MSG_UPDATE, "77", 1, "PATCH", HOOK "/messages/77?thread_id=7", false, NULL, NULL},
    {&discord, VG_MSG_RESOLVE, "77", 0, "PATCH", HOOK "/messages/77?thread_id=7", true, NULL, NULL},
    {&discord, VG_MSG_RESOLVE, "77", 1, "POST", HOOK "?thread_id=7&wait=true", false, NULL, NULL},
    {&discord, VG_MSG_RESOLVE, "../x", 0, "POST", HOOK "?thread_id=7&wait=true", false, NULL, NULL},
    {&jsm, VG_MSG_OPEN, NULL, 0, "POST", ALERTS, false, "alias", KIT_KEY},
    {&jsm, VG_MSG_TEST, NULL, 0, "POST", ALERTS, false, "priority", "P5"},
    {&jsm, VG_MSG_UPDATE, NULL, 0, "POST", ALERTS, true, "alias", KIT_KEY},
    {&jsm, VG_MSG_UPDATE, NULL, 1, "POST", ALERTS "/" KIT_KEY "/notes?identifierType=alias", false,
     "source", "prod"},
    {&jsm, VG_MSG_ACKNOWLEDGE, NULL, 0, "POST",
     ALERTS "/" KIT_KEY "/acknowledge?identifierType=alias", false, "user", "jo"},
    {&jsm, VG_MSG_RESOLVE, NULL, 0, "POST", ALERTS "/" KIT_KEY "/close?identifierType=alias", false,
     "user", "pgvigil"},
    {&jsm, VG_MSG_CHANGE, NULL, 0, NULL, NULL, false, NULL, NULL},
    {&jsm, VG_MSG_SUMMARY, NULL, 0, NULL, NULL, false, NULL, NULL},
    {&pager, VG_MSG_ACKNOWLEDGE, NULL, 0, "POST", "https://events.pagerduty.com/v2/enqueue", false,
     "event_action", "acknowledge"},
    {&pager, VG_MSG_CHANGE, NULL, 0, "POST", "https://events.pagerduty.com/v2/change/enqueue",
     false, "payload/source", "warehouse/ml.delay_predictions"},
    {&hushed, VG_MSG_CHANGE, NULL, 0, NULL, NULL, false, NULL, NULL},
    {&manager, VG_MSG_OPEN, NULL, 0, "POST", "http://127.0.0.1:9093/api/v2/alerts", false,
     "0/labels/rule", "score-drift"},
    {&manager, VG_MSG_ACKNOWLEDGE, NULL, 0, NULL, NULL, false, NULL, NULL},
    {&manager, VG_MSG_SUMMARY, NULL, 0, NULL, NULL, false, NULL, NULL},
};

static void test_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        message.kind = calls[i].kind;
        message.by = "jo";
        const struct vg_sink_in in = {.receiver = calls[i].receiver,
                                      .message = &message,
                                      .secret = calls[i].receiver->kind == VG_RECEIVER_PAGERDUTY
                                                    ? "0123456789abcdef0123456789abcdef"
                                                    : NULL,
                                      .kept = calls[i].kept,
                                      .step = calls[i].step,
                                      .now_us = message.at_us};
        json_t *body = kit_render_in(&in, arena, &request);
        if (!calls[i].url) {
            assert_null(request.url);
        } else {
            assert_string_equal(request.url, calls[i].url);
            assert_string_equal(request.method, calls[i].method);
            assert_int_equal(request.more, calls[i].more);
        }
        if (calls[i].key)
            assert_string_equal(kit_text(body, calls[i].key), calls[i].value);
        json_decref(body);
        vg_arena_free(arena);
    }
}

/* What stands ends four refreshes from now, and is told again; an end is told for five minutes. */
static void test_alertmanager_is_told_again(void **state)
{
    static const struct {
        enum vg_message_kind kind;
        int64_t later_us, again_us;
        const char *ends;
    } cases[] = {
        {VG_MSG_OPEN, 0, VG_MINUTE_US, "2001-06-13T00:14:00Z"},
        {VG_MSG_REMIND, VG_HOUR_US, VG_MINUTE_US, "2001-06-13T01:14:00Z"},
        {VG_MSG_RESOLVE, 0, VG_MINUTE_US, "2001-06-13T00:10:00Z"},
        {VG_MSG_RESOLVE, 4 * VG_MINUTE_US, VG_MINUTE_US, "2001-06-13T00:10:00Z"},
        {VG_MSG_RESOLVE, 5 * VG_MINUTE_US, 0, "2001-06-13T00:10:00Z"},
        {VG_MSG_TEST, 0, 0, "2001-06-13T00:14:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        message.kind = cases[i].kind;
        if (message.kind == VG_MSG_RESOLVE)
            item.state = VG_ALERT_OK;
        const struct vg_sink_in in = {
            .receiver = &manager, .message = &message, .now_us = message.at_us + cases[i].later_us};
        json_t *body = kit_render_in(&in, arena, &request);
        assert_int_equal(request.again_us, cases[i].again_us);
        assert_string_equal(kit_text(body, "0/endsAt"), cases[i].ends);
        assert_string_equal(kit_text(body, "0/startsAt"), "2001-06-12T00:00:00Z");
        json_decref(body);
        vg_arena_free(arena);
    }
}

static void expect_kept(enum vg_receiver_kind kind, const char *body, const char *want)
{
    struct vg_buf out;
    vg_buf_init(&out, 400);
    vg_sink_of(kind)->keep(kit_response(200, body), &out);
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

static void test_what_is_kept(void **state)
{
    (void)state;
    expect_kept(VG_RECEIVER_SLACK, "{\"ok\":true,\"channel\":\"C0123\",\"ts\":\"1.2\"}",
                "C0123 1.2");
    expect_kept(VG_RECEIVER_SLACK, "ok", "");
    expect_kept(VG_RECEIVER_SLACK, "{\"ok\":true,\"channel\":\"C 1\",\"ts\":\"1.2\"}", "");
    expect_kept(VG_RECEIVER_SLACK, "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1/../2\"}", "");
    expect_kept(VG_RECEIVER_DISCORD, "{\"id\":\"1234567890\"}", "1234567890");
    expect_kept(VG_RECEIVER_DISCORD, "{\"id\":\"../../x\"}", "");
    expect_kept(VG_RECEIVER_DISCORD, "{\"id\":7}", "");
    expect_kept(VG_RECEIVER_DISCORD, "", "");
}

static void test_answers(void **state)
{
    static const struct {
        enum vg_receiver_kind kind;
        int status;
        const char *body;
        enum vg_outcome outcome;
    } cases[] = {
        {VG_RECEIVER_SLACK, 200, "{\"ok\":true,\"ts\":\"1.2\"}", VG_DELIVERED},
        {VG_RECEIVER_SLACK, 200, "{\"ok\":false,\"error\":\"channel_not_found\"}", VG_PERMANENT},
        {VG_RECEIVER_SLACK, 200, "{\"ok\":false,\"error\":\"ratelimited\"}", VG_RETRY},
        {VG_RECEIVER_SLACK, 200, "{\"ok\":false,\"error\":\"internal_error\"}", VG_RETRY},
        {VG_RECEIVER_SLACK, 200, "{\"ok\":false}", VG_RETRY},
        {VG_RECEIVER_SLACK, 200, "{\"ok\":false,\"error\":\"message_not_found\"}", VG_AFRESH},
        {VG_RECEIVER_SLACK, 200, "{\"ok\":false,\"error\":\"invalid_auth\"}", VG_PERMANENT},
        {VG_RECEIVER_DISCORD, 204, "", VG_DELIVERED},
        {VG_RECEIVER_DISCORD, 404, "{\"message\":\"Unknown Message\",\"code\":10008}", VG_AFRESH},
        {VG_RECEIVER_DISCORD, 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}",
         VG_PERMANENT},
        {VG_RECEIVER_DISCORD, 429, "{\"retry_after\":0.376,\"global\":false}", VG_RETRY},
        {VG_RECEIVER_OPSGENIE, 202, "{\"requestId\":\"r\"}", VG_DELIVERED},
        {VG_RECEIVER_OPSGENIE, 422, "{\"message\":\"no\"}", VG_PERMANENT},
        {VG_RECEIVER_OPSGENIE, 429, "{}", VG_RETRY},
        {VG_RECEIVER_TEAMS, 202, "", VG_DELIVERED},
        {VG_RECEIVER_TEAMS, 413, "too large", VG_PERMANENT},
        {VG_RECEIVER_TEAMS, 429, "", VG_RETRY},
        {VG_RECEIVER_ALERTMANAGER, 200, "", VG_DELIVERED},
        {VG_RECEIVER_ALERTMANAGER, 400, "\"bad\"", VG_PERMANENT},
        {VG_RECEIVER_EMAIL, 250, "", VG_DELIVERED},
        {VG_RECEIVER_EMAIL, 450, "", VG_RETRY},
        {VG_RECEIVER_EMAIL, 354, "", VG_RETRY},
        {VG_RECEIVER_EMAIL, 550, "", VG_PERMANENT},
        {VG_RECEIVER_EMAIL, 0, "", VG_RETRY},
        {VG_RECEIVER_COMMAND, VG_STATUS_EXIT, "told", VG_DELIVERED},
        {VG_RECEIVER_COMMAND, VG_STATUS_EXIT + 1, "", VG_RETRY},
        {VG_RECEIVER_COMMAND, VG_STATUS_EXIT + 64, "usage", VG_PERMANENT},
        {VG_RECEIVER_COMMAND, VG_STATUS_EXIT + 65, "", VG_PERMANENT},
        {VG_RECEIVER_COMMAND, 0, "", VG_RETRY},
    };
    char why[200];
    int64_t retry_after_us = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        kit_expect_answer(vg_sink_of(cases[i].kind), cases[i].status, cases[i].body,
                          cases[i].outcome);
    vg_sink_of(VG_RECEIVER_DISCORD)
        ->answer(kit_response(429, "{\"retry_after\":0.376}"), &retry_after_us, why, sizeof why);
    assert_int_equal(retry_after_us, 376000);
}

/* A secret that is none is an error, not an unsigned message. */
static void test_a_signing_secret_that_is_none(void **state)
{
    static const struct vg_receiver hook = {.kind = VG_RECEIVER_WEBHOOK,
                                            .endpoint = {.url = "https://h.test/"}};
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_request request;
    struct vg_error err = {0};
    const struct vg_sink_in in = {
        .receiver = &hook, .message = &message, .signing = {"whsec_not base64!", NULL}};
    assert_int_equal(vg_sink_of(VG_RECEIVER_WEBHOOK)->render(&in, arena, &request, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    assert_null(strstr(err.msg, "not base64!"));
    vg_arena_free(arena);
}

/* With a title of one's own, too, it is said who has acknowledged; once. */
static void test_who_has_acknowledged(void **state)
{
    static const struct {
        const char *title, *made;
    } cases[] = {
        {"{{state}} {{dataset}}", "ACKNOWLEDGED delay_predictions, by bob"},
        {"{{dataset}} by", "delay_predictions by, by bob"},
        {"{{by}} took {{dataset}}", "bob took delay_predictions"},
        {"{{ by | upper }}: {{kind}}", "BOB: acknowledge"},
    };
    (void)state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    message.kind = VG_MSG_ACKNOWLEDGE;
    message.by = "bob";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct vg_receiver own = {.kind = VG_RECEIVER_SLACK, .title = cases[i].title};
        const struct vg_sink_in in = {.receiver = &own, .message = &message};
        struct vg_buf out;
        vg_buf_init(&out, 1000);
        vg_receiver_title(&out, &in);
        assert_string_equal(out.data, cases[i].made);
        vg_buf_free(&out);
    }
}

/* An answer in long characters is cut between two of them, so that it can stand in JSON. */
static void test_an_answer_is_cut_whole(void **state)
{
    (void)state;
    struct vg_response response = {.status = 500};
    for (size_t i = 0; i < 120; i++)
        memcpy(response.body + 4 * i, "\xf0\x9f\x98\x80", 5);
    for (size_t size = 40; size < 44; size++) {
        char why[44];
        int64_t retry_after_us = 0;
        assert_int_equal(vg_receiver_answer(&response, &retry_after_us, why, size), VG_RETRY);
        assert_true(strlen(why) > size - 5 && vg_utf8_valid(why, strlen(why)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_cut_whole),
        cmocka_unit_test(test_who_has_acknowledged),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_alertmanager_is_told_again),
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_a_signing_secret_that_is_none),
    };
    return cmocka_run_group_tests_name("receivers_calls", tests, NULL, NULL);
}
