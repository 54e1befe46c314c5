/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the HTTP client (agent/http/http.c) against tests/receiver.py on
 * loopback: what is sent, what counts as an answer, and where it does not connect to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/http/http.h"
#include "tests/unit/receiver_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct kit_receiver plain;
static struct vg_http *http;

static int set_up(void **state)
{
    struct vg_error err = {0};
    (void)state;
    /* a proxy of the environment is none of ours */
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    setenv("all_proxy", "http://127.0.0.1:9", 1);
    assert_int_equal(vg_http_new(&http, &err), 0);
    kit_start(&plain, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_stop(&plain);
    http->ops->free(http);
    return 0;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static char *url_of(const char *format, int port)
{
    static char url[200];
    const char *at = strstr(format, "PORT");
    assert_non_null(at);
    snprintf(url, sizeof url, "%.*s%d%s", (int)(at - format), format, port, at + 4);
    return url;
}

static const struct vg_response *post(const char *path, const char *body, int64_t timeout_us)
{
    char format[150];
    snprintf(format, sizeof format, "http://127.0.0.1:PORT%s", path);
    const struct vg_request request = {
        .method = "POST",
        .url = url_of(format, plain.port),
        .body = body,
        .body_size = strlen(body),
        .timeout_us = timeout_us,
    };
    return kit_exchange(http, &request);
}

/* --- What is sent ----------------------------------------------------------------------------- */

static void test_what_is_sent(void **state)
{
    (void)state;
    const struct vg_pair headers[] = {
        {"Content-Type", "application/json"}, {"Idempotency-Key", "k1"}, {"X-Empty", ""}};
    char url[100], body[] = "{\"a\": 1}";
    snprintf(url, sizeof url, "http://127.0.0.1:%d/train?x=%%20y", plain.port);
    const struct vg_request request = {.method = "POST",
                                       .url = url,
                                       .headers = headers,
                                       .nheaders = COUNT(headers),
                                       .body = body,
                                       .body_size = sizeof body - 1};
    struct vg_error err = {0};
    const struct vg_response *response;
    int mine;
    void *tag;
    assert_int_equal(http->ops->start(http, &request, &mine, &err), 0);
    memset(url, 'x', sizeof url - 1); /* everything was copied */
    memset(body, 'x', sizeof body - 1);
    assert_true(http->ops->poll(http, 20 * VG_US, &tag, &response));
    assert_ptr_equal(tag, &mine);
    assert_int_equal(response->status, 201);
    assert_true(response->whole);
    assert_string_equal(response->body, "{\"run\": \"k1\"}");
    assert_int_equal(response->body_size, strlen(response->body));
    assert_int_equal(response->retry_after_us, 0);

    json_t *last = kit_ask(http, &plain, "/requests/last");
    const json_t *got = json_object_get(last, "headers");
    assert_string_equal(json_string_value(json_object_get(last, "method")), "POST");
    assert_string_equal(json_string_value(json_object_get(last, "body")), "{\"a\": 1}");
    assert_string_equal(json_string_value(json_object_get(got, "User-Agent")),
                        "pgvigil/" VG_VERSION);
    assert_string_equal(json_string_value(json_object_get(got, "Content-Type")),
                        "application/json");
    assert_string_equal(json_string_value(json_object_get(got, "X-Empty")), "");
    assert_null(json_object_get(got, "Expect"));
    json_decref(last);
}

static void test_methods(void **state)
{
    static const char *const methods[] = {"GET", "PUT", "DELETE", "HEAD", "POST", "PATCH"};
    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        bool with_body = !strcmp(methods[i], "PUT");
        const struct vg_request request = {.method = methods[i],
                                           .url = url_of("http://127.0.0.1:PORT/x", plain.port),
                                           .body = with_body ? "1\n" : NULL,
                                           .body_size = with_body ? 2 : 0};
        assert_int_equal(kit_exchange(http, &request)->status, 404);
        json_t *last = kit_ask(http, &plain, "/requests/last");
        assert_string_equal(json_string_value(json_object_get(last, "method")), methods[i]);
        assert_string_equal(json_string_value(json_object_get(last, "body")),
                            with_body ? "1\n" : "");
        assert_null(json_object_get(json_object_get(last, "headers"), "Content-Type"));
        json_decref(last);
    }
}

static void test_a_large_body_asks_for_nothing(void **state)
{
    (void)state;
    enum { LARGE = 2 << 20 };
    char *body = malloc(LARGE);
    assert_non_null(body);
    memset(body, 'x', LARGE);
    const struct vg_request request = {.method = "PUT",
                                       .url = url_of("http://127.0.0.1:PORT/large", plain.port),
                                       .body = body,
                                       .body_size = LARGE};
    kit_rules(http, &plain,
              "[{\"path\": \"/large\", \"status\": 200, \"unless_header\": "
              "\"Expect\"}]");
    assert_int_equal(kit_exchange(http, &request)->status, 200);
    free(body);
}

static void test_what_cannot_be_sent(void **state)
{
    static const struct {
        const char *method, *url, *key, *value;
    } cases[] = {
        {"POST", "https://x.test/", "X-A", "1\r\nX-B: 2"},
        {"POST", "https://x.test/", "X-A", "1\n"},
        {"POST", "https://x.test/", "X A", "1"},
        {"POST", "https://x.test/", "", "1"},
        {"POST", "https://x.test/", "X:A", "1"},
        {"PO ST", "https://x.test/", "X-A", "1"},
        {"", "https://x.test/", "X-A", "1"},
        {"POST", "not a url", "X-A", "1"},
        {"POST", "ftp://x.test/secret", "X-A", "1"},
        {"POST", "file:///etc/passwd", "X-A", "1"},
        {"POST", "http://x.test/secret", "X-A", "1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct vg_pair header = {cases[i].key, cases[i].value};
        const struct vg_request request = {
            .method = cases[i].method, .url = cases[i].url, .headers = &header, .nheaders = 1};
        struct vg_error err = {0};
        assert_int_equal(http->ops->start(http, &request, NULL, &err), -1);
        assert_int_equal(err.code, VG_E_CONFIG);
        assert_null(strstr(err.msg, "secret"));
    }
}

/* --- What is an answer ------------------------------------------------------------------------ */

static void test_statuses_and_retry_after(void **state)
{
    (void)state;
    kit_rules(http, &plain,
              "[{\"status\": 429, \"headers\": {\"Retry-After\": \"7\"}, "
              "\"body\": \"slow down\"}]");
    const struct vg_response *response = post("/slack", "{}", 0);
    assert_int_equal(response->status, 429);
    assert_string_equal(response->body, "slow down");
    assert_int_equal(response->retry_after_us, 7 * VG_US);

    char rule[200], date[64];
    time_t later = time(NULL) + 90;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&later));
    snprintf(rule, sizeof rule, "[{\"status\": 503, \"headers\": {\"Retry-After\": \"%s\"}}]",
             date);
    kit_rules(http, &plain, rule);
    response = post("/slack", "{}", 0);
    assert_int_equal(response->status, 503);
    assert_in_range(response->retry_after_us, 80 * VG_US, 95 * VG_US);
}

static void test_redirects_are_answers(void **state)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    (void)state;
    json_t *before = kit_ask(http, &plain, "/state");
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char rules[200];
        snprintf(rules, sizeof rules,
                 "[{\"path\": \"/train\", \"status\": %d, \"headers\": {\"Location\": "
                 "\"%s\"}}]",
                 statuses[i], i % 2 ? "/hook" : "http://169.254.169.254/latest");
        kit_rules(http, &plain, rules);
        assert_int_equal(post("/train", "{}", 0)->status, statuses[i]);
    }
    json_t *after = kit_ask(http, &plain, "/state");
    assert_int_equal(json_integer_value(json_object_get(after, "requests")),
                     json_integer_value(json_object_get(before, "requests")) +
                         (int)COUNT(statuses));
    json_decref(before);
    json_decref(after);
}

static void test_no_answer(void **state)
{
    (void)state;
    kit_rules(http, &plain,
              "[{\"path\": \"/hang\", \"action\": \"hang\", \"seconds\": 30},"
              " {\"path\": \"/reset\", \"action\": \"reset\"}]");
    double begun = now_s();
    const struct vg_response *response = post("/hang/secret", "{}", 300 * 1000);
    assert_int_equal(response->status, 0);
    assert_int_equal(response->error.code, VG_E_TIMEOUT);
    assert_null(strstr(response->error.msg, "secret"));
    assert_true(now_s() - begun < 5);
    response = post("/reset/secret", "{}", 0);
    assert_int_equal(response->status, 0);
    assert_int_equal(response->error.code, VG_E_HTTP);
    assert_null(strstr(response->error.msg, "secret"));
    assert_non_null(strstr(response->error.msg, "http://127.0.0.1"));

    struct kit_receiver gone;
    kit_start(&gone, NULL);
    kit_stop(&gone);
    const struct vg_request request = {.method = "POST",
                                       .url = url_of("http://127.0.0.1:PORT/secret", gone.port),
                                       .body = "",
                                       .body_size = 0};
    response = kit_exchange(http, &request);
    assert_int_equal(response->status, 0);
    assert_int_equal(response->error.code, VG_E_CONNECT);
    assert_null(strstr(response->error.msg, "secret"));
}

static void test_a_status_is_an_answer(void **state)
{
    (void)state;
    kit_rules(http, &plain,
              "[{\"path\": \"/big\", \"action\": \"big\", \"bytes\": 10000000000},"
              " {\"path\": \"/slow\", \"action\": \"slow\", \"seconds\": 5}]");
    double begun = now_s();
    const struct vg_response *response = post("/big", "{}", 0);
    assert_true(now_s() - begun < 5); /* ten gigabytes were not waited for */
    assert_int_equal(response->status, 200);
    assert_false(response->whole);
    assert_int_equal(response->body_size, VG_HTTP_BODY_BYTES);
    assert_int_equal(strlen(response->body), VG_HTTP_BODY_BYTES);
    begun = now_s();
    response = post("/slow", "{}", 500 * 1000);
    assert_int_equal(response->status, 404);
    assert_false(response->whole);
    assert_true(response->body_size < 2);
    assert_true(now_s() - begun < 4);
}

/* The limit counts in seconds since 1970, and for 403 only. */
static void test_rate_limits(void **state)
{
    static const struct {
        int status;
        const char *left;
        int64_t after_s, least_us, most_us;
    } cases[] = {{403, "0", 100, 90 * VG_US, 100 * VG_US},
                 {403, "0", -100, VG_US, VG_US},
                 {403, "7", 100, 0, 0},
                 {200, "0", 100, 0, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char rules[300];
        snprintf(rules, sizeof rules,
                 "[{\"path\": \"/limited\", \"status\": %d, \"headers\":"
                 " {\"X-RateLimit-Remaining\": \"%s\", \"X-RateLimit-Reset\": \"%lld\"}}]",
                 cases[i].status, cases[i].left, (long long)(time(NULL) + cases[i].after_s));
        kit_rules(http, &plain, rules);
        const struct vg_response *response = post("/limited", "{}", 0);
        assert_int_equal(response->status, cases[i].status);
        assert_in_range(response->retry_after_us, cases[i].least_us, cases[i].most_us);
    }
}

static void test_one_delays_no_other(void **state)
{
    (void)state;
    enum { MANY = 20 };
    int tags[MANY + 1], answered = 0;
    void *tag;
    const struct vg_response *response;
    kit_rules(http, &plain, "[{\"path\": \"/hang\", \"action\": \"hang\", \"seconds\": 30}]");
    for (int i = 0; i <= MANY; i++) {
        const struct vg_request request = {
            .method = "POST",
            .url = url_of(i ? "http://127.0.0.1:PORT/x" : "http://127.0.0.1:PORT/hang", plain.port),
            .body = "{}",
            .body_size = 2,
            .timeout_us = 3 * VG_US};
        assert_int_equal(http->ops->start(http, &request, &tags[i], NULL), 0);
    }
    double begun = now_s();
    for (; answered < MANY; answered++) {
        assert_true(http->ops->poll(http, 3 * VG_US, &tag, &response));
        assert_ptr_not_equal(tag, &tags[0]);
        assert_int_equal(response->status, 404);
    }
    assert_true(now_s() - begun < 3);
    assert_true(http->ops->poll(http, 10 * VG_US, &tag, &response));
    assert_ptr_equal(tag, &tags[0]);
    assert_int_equal(response->error.code, VG_E_TIMEOUT);
}

static void *wake_soon(void *arg)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    nanosleep(&pause, NULL);
    http->ops->wake(arg);
    return NULL;
}

static void test_wake_ends_a_poll(void **state)
{
    (void)state;
    void *tag;
    const struct vg_response *response;
    pthread_t thread;
    double begun = now_s();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, http), 0);
    assert_false(http->ops->poll(http, 20 * VG_US, &tag, &response));
    assert_true(now_s() - begun < 10);
    pthread_join(thread, NULL);
    http->ops->wake(http); /* also one that came before the poll */
    assert_false(http->ops->poll(http, 20 * VG_US, &tag, &response));
    assert_true(now_s() - begun < 10);
    assert_false(http->ops->poll(http, 1000, &tag, &response));
}

/* --- Where it does not go --------------------------------------------------------------------- */

static void test_private_addresses_are_refused(void **state)
{
    static const char *const urls[] = {
        "https://[::ffff:127.0.0.1]:PORT/secret",
        "https://2130706433:PORT/secret",
        "https://0x7f.1:PORT/secret",
        "https://0177.0.0.1:PORT/secret",
        "https://0.0.0.0:PORT/secret",
        "https://10.0.0.1:PORT/secret",
        "https://192.168.0.1:PORT/secret",
        "https://169.254.169.254:PORT/secret",
        "https://100.64.0.1:PORT/secret",
        "https://[fe80::1]:PORT/secret",
        "https://[fd00::1]:PORT/secret",
        "https://[::]:PORT/secret",
        "https://any.localhost:PORT/secret", /* a name that leads to loopback */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        const struct vg_request request = {
            .method = "POST", .url = url_of(urls[i], plain.port), .timeout_us = 5 * VG_US};
        const struct vg_response *response = kit_exchange(http, &request);
        assert_int_equal(response->status, 0);
        if (response->error.code != VG_E_PERMISSION)
            fail_msg("%s: %s", urls[i], response->error.msg);
        assert_non_null(strstr(response->error.hint, "allow_private"));
        assert_null(strstr(response->error.msg, "secret"));
    }
    /* the same is reached where it is meant */
    struct vg_request request = {.method = "GET",
                                 .url = url_of("http://[::ffff:127.0.0.1]:PORT/x", plain.port),
                                 .insecure_http = true,
                                 .allow_private = true};
    assert_int_equal(kit_exchange(http, &request)->status, 404);
    request.url = url_of("http://localhost:PORT/x", plain.port);
    request.insecure_http = request.allow_private = false;
    assert_int_equal(kit_exchange(http, &request)->status, 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_a_large_body_asks_for_nothing),
        cmocka_unit_test(test_what_cannot_be_sent),
        cmocka_unit_test(test_statuses_and_retry_after),
        cmocka_unit_test(test_redirects_are_answers),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_a_status_is_an_answer),
        cmocka_unit_test(test_rate_limits),
        cmocka_unit_test(test_one_delays_no_other),
        cmocka_unit_test(test_wake_ends_a_poll),
        cmocka_unit_test(test_private_addresses_are_refused),
    };
    return cmocka_run_group_tests_name("http", tests, set_up, tear_down);
}
