/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the retraining request (agent/triggers/trigger.c): templates, keys, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/triggers/trigger.h"
#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *render(const char *body, const struct vg_onset *onset, struct vg_arena *arena,
                          struct vg_request *out)
{
    struct vg_retraining retraining = {.model = "delay-model", .body = body};
    const struct vg_trigger_in in = {
        .retraining = &retraining,
        .url = "https://train.example.test/runs",
        .agent = "prod",
        .key = onset->key,
        .onset = onset,
    };
    struct vg_error err = {0};
    if (vg_trigger_http.render(&in, arena, out, &err) < 0)
        fail_msg("%s", err.msg);
    return out->body;
}

static void test_the_default_body(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_onset onset = kit_onset();
    struct vg_request request;
    assert_string_equal(
        render(NULL, &onset, arena, &request),
        "{\"model\":\"delay-model\",\"onset_key\":\"" KIT_KEY
        "\",\"dataset\":\"delay_predictions\",\"rule\":\"score-drift\",\"column\":\"probability\","
        "\"check\":\"ks\",\"value\":0.384,\"limit\":0.35,\"rows\":3458,"
        "\"window_from\":\"2001-06-12T00:00:00Z\",\"window_to\":\"2001-06-13T00:00:00Z\","
        "\"onset_due\":\"2001-06-13T00:10:00Z\",\"agent\":\"prod\"}");
    assert_string_equal(request.method, "POST");
    assert_string_equal(request.url, "https://train.example.test/runs");
    assert_int_equal(request.nheaders, 2);
    assert_string_equal(request.headers[0].value, "application/json");
    assert_string_equal(request.headers[1].key, "Idempotency-Key");
    assert_string_equal(request.headers[1].value, KIT_KEY);
    vg_arena_free(arena);
}

static void test_templates(void **state)
{
    static const struct {
        const char *body, *filled;
    } cases[] = {
        {"{\"a\":\"{{value}}\"}", "{\"a\":0.384}"},
        {"{\"a\":\" {{value}}\"}", "{\"a\":\" 0.384\"}"},
        {"{\"a\":\"{{ rows }}\"}", "{\"a\":3458}"},
        {"{\"a\":\"{{model}}\"}", "{\"a\":\"delay-model\"}"},
        {"{\"a\":\"D={{value}} of {{limit}} ({{rows}})\"}", "{\"a\":\"D=0.384 of 0.35 (3458)\"}"},
        {"{\"run\":{\"id\":\"pgvigil__{{onset_key}}\",\"date\":null,\"n\":[1,true,\"{{column}}\"]}"
         "}",
         "{\"run\":{\"id\":\"pgvigil__" KIT_KEY
         "\",\"date\":null,\"n\":[1,true,\"probability\"]}}"},
        {"{\"{{model}}\":\"{{agent}}{{agent}}\"}", "{\"{{model}}\":\"prodprod\"}"},
        {"[\"{{window_from}}/{{window_to}}\",\"{{onset_due}}\"]",
         "[\"2001-06-12T00:00:00Z/2001-06-13T00:00:00Z\",\"2001-06-13T00:10:00Z\"]"},
        {"[\"no places\",\"{{\",\"}}\",\"{ {model} }\"]",
         "[\"no places\",\"{{\",\"}}\",\"{ {model} }\"]"},
        {"{}", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_onset onset = kit_onset();
        struct vg_request request;
        const char *got = render(cases[i].body, &onset, arena, &request);
        json_t *is = json_loads(got, 0, NULL), *should = json_loads(cases[i].filled, 0, NULL);
        if (!json_equal(is, should))
            fail_msg("%s became %s, not %s", cases[i].body, got, cases[i].filled);
        json_decref(is);
        json_decref(should);
        vg_arena_free(arena);
    }
}

static void test_numbers_that_are_none(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_onset onset = kit_onset();
    struct vg_request request;
    onset.value = NAN;
    onset.limit = INFINITY;
    onset.column = NULL;
    assert_string_equal(render("[\"{{value}}\",\"{{limit}}\",\"x {{value}}\",\"{{column}}\"]",
                               &onset, arena, &request),
                        "[null,null,\"x NaN\",\"\"]");
    vg_arena_free(arena);
}

static void test_wrong_templates(void **state)
{
    static const struct {
        const char *body, *msg, *hint;
    } cases[] = {
        {"{\"a\":\"{{modle}}\"}", "{{modle}}", "{{model}}"},
        {"{\"a\":[{\"b\":\"x {{onset}} y\"}]}", "{{onset}}", "onset_key"},
        {"{\"a\":\"{{}}\"}", "{{}}", "known are"},
        {"{\"a\":{{value}}}", "not JSON", "inside quotes"},
        {"", "not JSON", ""},
        {"{\"a\":1,\"a\":2}", "not JSON", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_error err = {0};
        assert_int_equal(vg_trigger_check(cases[i].body, &err), -1);
        assert_int_equal(err.code, VG_E_CONFIG);
        if (!strstr(err.msg, cases[i].msg) || !strstr(err.hint, cases[i].hint))
            fail_msg("%s: '%s', hint '%s'", cases[i].body, err.msg, err.hint);
    }
    struct vg_buf deep;
    vg_buf_init(&deep, 10000);
    for (int i = 0; i < 100; i++)
        vg_buf_putc(&deep, '[');
    for (int i = 0; i < 100; i++)
        vg_buf_putc(&deep, ']');
    assert_int_equal(vg_trigger_check(deep.data, NULL), -1);
    vg_buf_free(&deep);
    assert_int_equal(vg_trigger_check(NULL, NULL), 0);
    assert_int_equal(vg_trigger_check("{\"a\":\"{{ value }}\"}", NULL), 0);
}

static void test_hostile_names_change_no_shape(void **state)
{
    (void)state;
    uint64_t seed = 23;
    for (int i = 0; i < 2000; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_onset onset = kit_onset();
        struct vg_request request;
        onset.dataset = kit_hostile_name(&seed, arena);
        onset.rule = kit_hostile_name(&seed, arena);
        onset.column = kit_hostile_name(&seed, arena);
        const char *body = render("{\"a\":\"{{dataset}}{{rule}}\",\"b\":[\"{{column}}\"],\"c\":1}",
                                  &onset, arena, &request);
        json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_object_size(root), 3);
        assert_int_equal(json_array_size(kit_at(root, "b")), 1);
        assert_true(vg_utf8_valid(kit_text(root, "a"), strlen(kit_text(root, "a"))));
        /* a placeholder that comes with a value is text */
        if (!strcmp(onset.column, "{{model}}"))
            assert_string_equal(kit_text(root, "b/0"), "{{model}}");
        json_decref(root);
        vg_arena_free(arena);
    }
}

static void test_headers_of_the_endpoint(void **state)
{
    static const struct vg_pair headers[] = {
        {"idempotency-key", "theirs"}, {"content-type", "application/vnd.x+json"}, {"X-Api", "1"}};
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_onset onset = kit_onset();
    struct vg_retraining retraining = {
        .http = {.method = "PUT", .headers = headers, .nheaders = 3, .insecure_http = true}};
    struct vg_trigger_in in = {.retraining = &retraining,
                               .url = "http://train.test/",
                               .agent = "prod",
                               .key = onset.key,
                               .onset = &onset};
    struct vg_request request;
    struct vg_error err = {0};
    assert_int_equal(vg_trigger_http.render(&in, arena, &request, &err), 0);
    assert_string_equal(request.method, "PUT");
    assert_true(request.insecure_http);
    assert_int_equal(request.nheaders, 3);
    assert_string_equal(request.headers[0].value, "application/vnd.x+json");
    assert_string_equal(request.headers[1].key, "X-Api");
    assert_string_equal(request.headers[2].key, "Idempotency-Key");
    assert_string_equal(request.headers[2].value, KIT_KEY);
    in.url = NULL;
    assert_int_equal(vg_trigger_http.render(&in, arena, &request, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    retraining.body = "{\"a\":\"{{nothing}}\"}";
    assert_int_equal(vg_trigger_http.render(&in, arena, &request, &err), -1);
    vg_arena_free(arena);
}

static void test_answers(void **state)
{
    static const struct {
        int status;
        enum vg_outcome outcome;
    } cases[] = {{200, VG_DELIVERED}, {201, VG_DELIVERED}, {204, VG_DELIVERED},
                 {409, VG_DELIVERED}, {302, VG_PERMANENT}, {400, VG_PERMANENT},
                 {404, VG_PERMANENT}, {429, VG_RETRY},     {503, VG_RETRY},
                 {0, VG_RETRY},       {401, VG_RETRY},     {403, VG_PERMANENT}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_trigger_said said = {0};
        vg_trigger_http.answer(NULL, kit_response(cases[i].status, ""), &said);
        assert_int_equal(said.outcome, cases[i].outcome);
        assert_false(said.more);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_default_body),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_wrong_templates),
        cmocka_unit_test(test_hostile_names_change_no_shape),
        cmocka_unit_test(test_headers_of_the_endpoint),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests_name("trigger", tests, NULL, NULL);
}
