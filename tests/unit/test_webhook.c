/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the generic webhook (agent/receivers/webhook.c): Alertmanager's version-4 body, and
 * labels that stay the same from an alert's first message to its last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

static const struct vg_pair headers[] = {{"X-Team", "ml"}};
static const struct vg_receiver receiver = {
    .name = "audit",
    .kind = VG_RECEIVER_WEBHOOK,
    .endpoint = {.url = "https://example.test/hook",
                 .method = "PUT",
                 .headers = headers,
                 .nheaders = 1,
                 .ca_file = "/etc/ca.pem",
                 .allow_private = true},
};

static void test_the_body_of_version_4(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item items[2];
    struct vg_message message = kit_message(items);
    struct vg_request request;
    message.url = "https://vigil.example.test/delay";
    items[1] = items[0];
    items[1].rule = "recent.nulls";
    items[1].check = "nulls";
    items[1].class = "quality";
    items[1].state = VG_ALERT_OK;
    items[1].emits = VG_EMIT_CLEAR;
    message.nitems = 2;
    message.more = 3;
    json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
    assert_string_equal(request.method, "PUT");
    assert_string_equal(request.ca_file, "/etc/ca.pem");
    assert_true(request.allow_private);
    assert_false(request.insecure_http);
    assert_int_equal(request.nheaders, 2);
    assert_string_equal(request.headers[0].key, "X-Team");
    assert_string_equal(kit_text(body, "version"), "4");
    assert_string_equal(kit_text(body, "groupKey"), KIT_KEY);
    assert_string_equal(kit_text(body, "status"), "firing");
    assert_string_equal(kit_text(body, "receiver"), "audit");
    assert_string_equal(kit_text(body, "externalURL"), "https://vigil.example.test/delay");
    assert_int_equal(json_integer_value(kit_at(body, "truncatedAlerts")), 3);
    assert_string_equal(kit_text(body, "groupLabels/dataset"), "delay_predictions");
    assert_string_equal(kit_text(body, "groupLabels/severity"), "critical");
    assert_string_equal(kit_text(body, "commonLabels/dataset"), "delay_predictions");
    assert_string_equal(kit_text(body, "commonLabels/column"), "probability");
    assert_null(json_object_get(kit_at(body, "commonLabels"), "rule"));
    assert_string_equal(kit_text(body, "commonAnnotations/runbook_url"), message.runbook);

    const json_t *first = kit_at(body, "alerts/0"), *second = kit_at(body, "alerts/1");
    assert_string_equal(kit_text(first, "status"), "firing");
    assert_string_equal(kit_text(first, "labels/alertname"), "ks");
    assert_string_equal(kit_text(first, "labels/rule"), "score-drift");
    assert_string_equal(kit_text(first, "labels/model"), "delay-model");
    assert_string_equal(kit_text(first, "labels/class"), "drift");
    assert_string_equal(kit_text(first, "labels/severity"), "critical");
    assert_string_equal(kit_text(first, "labels/agent"), "prod");
    assert_string_equal(
        kit_text(first, "annotations/summary"),
        "drift (ks) of probability fires: 0.384, above the limit 0.35 (p < 0.001), since "
        "2001-06-12T00:00:00Z, rule score-drift");
    assert_string_equal(kit_text(first, "annotations/description"),
                        "the largest distance is at 0.41; table ml.delay_predictions on warehouse, "
                        "window 2001-06-12T00:00:00Z to 2001-06-13T00:00:00Z, 3458 rows, model "
                        "delay-model, owner ml-team");
    assert_string_equal(kit_text(first, "startsAt"), "2001-06-12T00:00:00Z");
    assert_string_equal(kit_text(first, "endsAt"), "0001-01-01T00:00:00Z");
    assert_string_equal(kit_text(first, "generatorURL"), "https://vigil.example.test/delay");
    assert_int_equal(strlen(kit_text(first, "fingerprint")), 16);
    assert_int_equal(strspn(kit_text(first, "fingerprint"), "0123456789abcdef"), 16);
    assert_string_equal(kit_text(second, "status"), "resolved");
    assert_string_equal(kit_text(second, "endsAt"), "2001-06-13T00:10:00Z");
    assert_string_not_equal(kit_text(first, "fingerprint"), kit_text(second, "fingerprint"));
    json_decref(body);
    vg_arena_free(arena);
}

static void test_an_alert_keeps_its_fingerprint(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_request request;
    json_t *opened = kit_render(&receiver, NULL, &message, arena, &request);
    message.kind = VG_MSG_RESOLVE;
    message.at_us += VG_DAY_US;
    item.state = VG_ALERT_OK;
    item.emits = VG_EMIT_CLEAR;
    item.value = 0.21;
    item.verdict = VG_PASS;
    json_t *ended = kit_render(&receiver, "https://other.test/hook", &message, arena, &request);
    assert_string_equal(request.url, "https://other.test/hook");
    assert_string_equal(kit_text(ended, "status"), "resolved");
    assert_string_equal(kit_text(ended, "alerts/0/status"), "resolved");
    assert_string_equal(kit_text(ended, "alerts/0/startsAt"),
                        kit_text(opened, "alerts/0/startsAt"));
    assert_string_equal(kit_text(ended, "alerts/0/endsAt"), "2001-06-14T00:10:00Z");
    assert_true(json_equal(kit_at(ended, "alerts/0/labels"), kit_at(opened, "alerts/0/labels")));
    assert_string_equal(kit_text(ended, "alerts/0/fingerprint"),
                        kit_text(opened, "alerts/0/fingerprint"));
    json_decref(opened);
    json_decref(ended);
    vg_arena_free(arena);
}

static void test_kinds(void **state)
{
    static const char *const statuses[] = {
        [VG_MSG_OPEN] = "firing",      [VG_MSG_UPDATE] = "firing",    [VG_MSG_REMIND] = "firing",
        [VG_MSG_RESOLVE] = "resolved", [VG_MSG_SUMMARY] = "resolved", [VG_MSG_TEST] = "firing"};
    (void)state;
    for (int kind = 0; kind <= VG_MSG_TEST; kind++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        message.kind = (enum vg_message_kind)kind;
        message.nitems = kind != VG_MSG_TEST;
        message.onset_us = item.onset_us = VG_NEVER; /* never after the end */
        json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
        assert_string_equal(kit_text(body, "status"), statuses[kind]);
        assert_int_equal(json_array_size(kit_at(body, "alerts")), 1);
        assert_string_equal(kit_text(body, "alerts/0/startsAt"), "2001-06-13T00:10:00Z");
        assert_string_equal(kit_text(body, "alerts/0/labels/alertname"),
                            kind == VG_MSG_TEST ? "pgvigil_test" : "ks");
        json_decref(body);
        vg_arena_free(arena);
    }
}

static void test_hostile_names(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int i = 0; i < 1000; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item items[3];
        struct vg_message message = kit_message(items);
        struct vg_request request;
        items[1] = items[2] = items[0];
        message.nitems = 3;
        kit_poison(&message, &seed, arena);
        json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
        for (size_t k = 0; k < 3; k++) {
            const char *key;
            json_t *value, *alert = json_array_get(kit_at(body, "alerts"), k);
            json_object_foreach(json_object_get(alert, "labels"), key, value)
            {
                assert_true(json_is_string(value));
                assert_true(json_string_length(value) > 0);
            }
            assert_int_equal(strlen(kit_text(alert, "fingerprint")), 16);
        }
        json_decref(body);
        vg_arena_free(arena);
    }
}

static void test_a_webhook_without_url(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_request request;
    struct vg_error err = {0};
    struct vg_receiver bare = {.name = "audit", .kind = VG_RECEIVER_WEBHOOK};
    const struct vg_sink_in in = {.receiver = &bare, .message = &message};
    const struct vg_sink_ops *sink = vg_sink_of(VG_RECEIVER_WEBHOOK);
    assert_int_equal(sink->render(&in, arena, &request, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    vg_arena_free(arena);
}

/* The policy of all sinks: INTEGRATIONS 3. */
static void test_answers(void **state)
{
    (void)state;
    const struct vg_sink_ops *sink = vg_sink_of(VG_RECEIVER_WEBHOOK);
    for (int status = 200; status < 700; status++) {
        bool again = status == 408 || status == 425 || status == 429 || status >= 500;
        kit_expect_answer(sink, status, "said",
                          status < 300 ? VG_DELIVERED
                          : again      ? VG_RETRY
                                       : VG_PERMANENT);
    }
    kit_expect_answer(sink, 0, "", VG_RETRY);
    char why[200];
    int64_t retry_after_us = 0;
    struct vg_response *response = kit_response(400, "not\r\n a \xff\x01 body\n");
    sink->answer(response, &retry_after_us, why, sizeof why);
    assert_string_equal(why, "status 400: not\xef\xbf\xbd a \xef\xbf\xbd\xef\xbf\xbd body");
    sink->answer(kit_response(0, ""), &retry_after_us, why, sizeof why);
    assert_string_equal(why, "https://example.test: no answer in time");
    assert_int_equal(retry_after_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_body_of_version_4),
        cmocka_unit_test(test_an_alert_keeps_its_fingerprint),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_a_webhook_without_url),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
