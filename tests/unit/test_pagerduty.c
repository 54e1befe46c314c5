/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the PagerDuty receiver (agent/receivers/pagerduty.c): events, keys, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

#define ROUTING_KEY "0123456789abcdef0123456789abcdef"

static const struct vg_receiver receiver = {.name = "oncall", .kind = VG_RECEIVER_PAGERDUTY};

static void test_an_incident_opens(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    static const char *const keys[] = {"17"};
    struct vg_request request;
    message.url = "https://vigil.example.test/delay";
    item.runbook = "https://wiki.example.test/ks";
    item.keys = keys;
    item.nkeys = 1;
    json_t *event = kit_render(&receiver, ROUTING_KEY, &message, arena, &request);
    assert_string_equal(request.url, "https://events.pagerduty.com/v2/enqueue");
    assert_string_equal(kit_text(event, "routing_key"), ROUTING_KEY);
    assert_string_equal(kit_text(event, "event_action"), "trigger");
    assert_string_equal(kit_text(event, "dedup_key"), KIT_KEY);
    assert_string_equal(kit_text(event, "client"), "pgvigil");
    assert_string_equal(kit_text(event, "client_url"), "https://vigil.example.test/delay");
    assert_string_equal(kit_text(event, "payload/summary"),
                        "CRITICAL delay_predictions: drift (ks) of probability 0.384, above 0.35");
    assert_string_equal(kit_text(event, "payload/severity"), "critical");
    assert_string_equal(kit_text(event, "payload/source"), "warehouse/ml.delay_predictions");
    assert_string_equal(kit_text(event, "payload/timestamp"), "2001-06-13T00:10:00Z");
    assert_string_equal(kit_text(event, "payload/component"), "delay_predictions");
    assert_string_equal(kit_text(event, "payload/group"), "delay-model");
    assert_string_equal(kit_text(event, "payload/class"), "drift");
    assert_string_equal(kit_text(event, "payload/custom_details/since"), "2001-06-12T00:00:00Z");
    assert_string_equal(kit_text(event, "payload/custom_details/window_to"),
                        "2001-06-13T00:00:00Z");
    assert_int_equal(json_integer_value(kit_at(event, "payload/custom_details/rows")), 3458);
    assert_string_equal(kit_text(event, "payload/custom_details/standing"), "1 alert fires");
    const json_t *alert = kit_at(event, "payload/custom_details/alerts/0");
    assert_string_equal(
        kit_text(alert, "what"),
        "drift (ks) of probability fires: 0.384, above the limit 0.35 (p < 0.001), since "
        "2001-06-12T00:00:00Z, rule score-drift");
    assert_true(json_number_value(kit_at(alert, "value")) == 0.384);
    assert_true(json_number_value(kit_at(alert, "limit")) == 0.35);
    assert_string_equal(kit_text(alert, "first_rows/0"), "17");
    assert_string_equal(kit_text(event, "links/0/href"), "https://vigil.example.test/delay");
    assert_string_equal(kit_text(event, "links/1/href"), "https://wiki.example.test/delay?a=1&b=2");
    assert_string_equal(kit_text(event, "links/2/href"), "https://wiki.example.test/ks");
    json_decref(event);
    vg_arena_free(arena);
}

static void test_actions_and_severities(void **state)
{
    static const struct {
        enum vg_message_kind kind;
        enum vg_severity severity;
        const char *action, *said;
    } cases[] = {
        {VG_MSG_OPEN, VG_SEVERITY_CRITICAL, "trigger", "critical"},
        {VG_MSG_OPEN, VG_SEVERITY_INFO, "trigger", "info"},
        {VG_MSG_UPDATE, VG_SEVERITY_WARNING, "trigger", "warning"},
        {VG_MSG_REMIND, VG_SEVERITY_CRITICAL, "trigger", "critical"},
        {VG_MSG_TEST, VG_SEVERITY_CRITICAL, "trigger", "info"},
        {VG_MSG_RESOLVE, VG_SEVERITY_CRITICAL, "resolve", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        message.kind = cases[i].kind;
        message.severity = cases[i].severity;
        message.table = message.model = message.connection = NULL;
        json_t *event = kit_render(&receiver, ROUTING_KEY, &message, arena, &request);
        assert_string_equal(kit_text(event, "event_action"), cases[i].action);
        assert_string_equal(kit_text(event, "dedup_key"), KIT_KEY);
        if (cases[i].said) {
            assert_string_equal(kit_text(event, "payload/severity"), cases[i].said);
            assert_string_equal(kit_text(event, "payload/source"), "delay_predictions");
        } else {
            assert_null(json_object_get(event, "payload"));
        }
        json_decref(event);
        vg_arena_free(arena);
    }
}

static void test_a_summary_pages_nobody(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_request request;
    message.kind = VG_MSG_SUMMARY;
    assert_null(kit_render(&receiver, ROUTING_KEY, &message, arena, &request));
    assert_null(request.url);
    vg_arena_free(arena);
}

static void test_what_it_needs(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_request request;
    struct vg_error err = {0};
    const struct vg_sink_in in = {.receiver = &receiver, .message = &message};
    const struct vg_sink_ops *sink = vg_sink_of(VG_RECEIVER_PAGERDUTY);
    assert_int_equal(sink->render(&in, arena, &request, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    struct vg_receiver elsewhere = receiver;
    elsewhere.endpoint.url = "https://events.eu.pagerduty.com/v2/enqueue";
    json_t *event = kit_render(&elsewhere, ROUTING_KEY, &message, arena, &request);
    assert_string_equal(request.url, elsewhere.endpoint.url);
    json_decref(event);
    vg_arena_free(arena);
}

static void assert_runes(const json_t *event, const char *path, size_t most)
{
    const char *text = kit_text(event, path);
    size_t n = strlen(text);
    assert_true(n > 0);
    assert_int_equal(vg_utf8_prefix(text, n, most), n);
}

static void assert_event_limits(const json_t *event, const struct vg_request *request)
{
    assert_true(request->body_size <= 512000);
    assert_runes(event, "payload/summary", 1024);
    assert_runes(event, "payload/source", 255);
    static const char *const optional[] = {"component", "group", "class"};
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        if (json_object_get(kit_at(event, "payload"), optional[i]))
            assert_runes(kit_at(event, "payload"), optional[i], 255);
    }
    assert_true(json_array_size(kit_at(event, "links")) <= 12);
}

static void test_hostile_names_and_many_items(void **state)
{
    (void)state;
    enum { MANY = 60 };
    uint64_t seed = 5;
    for (int i = 0; i < 1000; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item first;
        struct vg_message message = kit_message(&first);
        struct vg_request request;
        message.items = vg_arena_array(arena, MANY, sizeof *message.items);
        message.nitems = i % 50 ? 2 : MANY;
        for (size_t k = 0; k < message.nitems; k++)
            message.items[k] = first;
        message.items[0].value = NAN;
        message.items[1].value = INFINITY;
        message.items[1].onset_us = VG_NEVER;
        kit_poison(&message, &seed, arena);
        json_t *event = kit_render(&receiver, ROUTING_KEY, &message, arena, &request);
        assert_event_limits(event, &request);
        assert_true(json_is_null(kit_at(event, "payload/custom_details/alerts/0/value")));
        assert_true(json_is_null(kit_at(event, "payload/custom_details/alerts/1/value")));
        assert_true(json_is_null(kit_at(event, "payload/custom_details/alerts/1/since")));
        size_t shown = json_array_size(kit_at(event, "payload/custom_details/alerts"));
        assert_int_equal(shown, i % 50 ? 2 : 20);
        if (shown == 20)
            assert_int_equal(
                json_integer_value(kit_at(event, "payload/custom_details/more_alerts")), 40);
        json_decref(event);
        vg_arena_free(arena);
    }
}

static void test_the_largest_event(void **state)
{
    (void)state;
    enum { MANY = 200, LONG = 8000 };
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item first;
    struct vg_message message = kit_message(&first);
    struct vg_request request;
    char *lots = vg_arena_alloc(arena, 4 * LONG + 1);
    for (size_t i = 0; i < LONG; i++)
        memcpy(lots + 4 * i, "\xf0\x9f\x92\xa9", 4);
    const char *keys[20];
    for (size_t i = 0; i < 20; i++)
        keys[i] = lots;
    message.items = vg_arena_array(arena, MANY, sizeof *message.items);
    message.nitems = MANY;
    message.dataset = message.table = message.model = message.owner = message.agent = lots;
    for (size_t i = 0; i < MANY; i++) {
        struct vg_message_item *item = &message.items[i];
        *item = first;
        item->rule = item->check = item->column = item->segment = item->class = lots;
        item->why = item->description = lots;
        item->keys = keys;
        item->nkeys = 20;
    }
    json_t *event = kit_render(&receiver, ROUTING_KEY, &message, arena, &request);
    assert_event_limits(event, &request);
    json_decref(event);
    vg_arena_free(arena);
}

static void test_answers(void **state)
{
    (void)state;
    const struct vg_sink_ops *sink = vg_sink_of(VG_RECEIVER_PAGERDUTY);
    kit_expect_answer(sink, 202, "{\"status\":\"success\"}", VG_DELIVERED);
    kit_expect_answer(sink, 400, "{\"status\":\"invalid event\"}", VG_PERMANENT);
    kit_expect_answer(sink, 429, "", VG_RETRY);
    kit_expect_answer(sink, 500, "", VG_RETRY);
    kit_expect_answer(sink, 0, "", VG_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_incident_opens),
        cmocka_unit_test(test_actions_and_severities),
        cmocka_unit_test(test_a_summary_pages_nobody),
        cmocka_unit_test(test_what_it_needs),
        cmocka_unit_test(test_hostile_names_and_many_items),
        cmocka_unit_test(test_the_largest_event),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests_name("pagerduty", tests, NULL, NULL);
}
