/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the rules of the HTTP client (agent/http/rules.c and the pure parts of
 * agent/http/http.c): addresses, URLs, header text, Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/http.h"
#include "pgvigil/time.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_retry_after(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"7", 7 * VG_US},
        {"0", 0},
        {"0.376", 376000},
        {"1e9", 1000000000 * VG_US},
        {"1e300", INT64_C(1000000000000) * VG_US},
        {"-5", 0},
        {"soon", 0},
        {"", 0},
        {"Thu, 01 Jan 1970 00:20:00 GMT", 200 * VG_US},
        {"Thu, 01 Jan 1970 00:10:00 GMT", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(vg_http_retry_after(cases[i].text, 1000), cases[i].us);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        bool open;
    } cases[] = {
        {"1.1.1.1", true},
        {"8.8.8.8", true},
        {"9.255.255.255", true},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.128.0.0", true},
        {"172.15.255.255", true},
        {"172.32.0.0", true},
        {"192.167.1.1", true},
        {"192.169.0.0", true},
        {"198.17.255.255", true},
        {"198.20.0.0", true},
        {"223.255.255.255", true},
        {"0.0.0.0", false},
        {"10.0.0.1", false},
        {"100.64.0.1", false},
        {"127.0.0.1", false},
        {"127.255.255.255", false},
        {"169.254.169.254", false},
        {"172.16.0.1", false},
        {"172.31.255.255", false},
        {"192.168.1.1", false},
        {"198.18.0.1", false},
        {"224.0.0.1", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"192.0.0.8", false},
        {"2606:4700::1111", true},
        {"2001:4860:4860::8888", true},
        {"::", false},
        {"::1", false},
        {"fe80::1", false},
        {"fc00::1", false},
        {"fd12:3456::1", false},
        {"ff02::1", false},
        {"fec0::1", false},
        {"::ffff:127.0.0.1", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:8.8.8.8", true},
        {"::127.0.0.1", false},
        {"64:ff9b::7f00:1", false},
        {"64:ff9b::808:808", true},
        {"2002:7f00:1::", false},
        {"2002:a9fe:a9fe::1", false},
        {"2002:808:808::1", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        const struct sockaddr *address = (const struct sockaddr *)&v4;
        if (inet_pton(AF_INET, cases[i].text, &v4.sin_addr) != 1) {
            assert_int_equal(inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr), 1);
            address = (const struct sockaddr *)&v6;
        }
        if (vg_http_address_allowed(address, false, false) != cases[i].open)
            fail_msg("%s", cases[i].text);
        assert_true(vg_http_address_allowed(address, false, true));
        bool loopback = !strncmp(cases[i].text, "127.", 4) || !strcmp(cases[i].text, "::1");
        assert_int_equal(vg_http_address_allowed(address, true, true), loopback);
    }
    const struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(vg_http_address_allowed(&other, false, false));
}

static void test_urls(void **state)
{
    static const struct {
        const char *url;
        bool insecure, fine;
        const char *where;
    } cases[] = {
        {"https://hooks.slack.com/services/T0/B0/XYZ", false, true, "https://hooks.slack.com"},
        {"https://user:pass@x.test:8443/a?b#c", false, true, "https://x.test"},
        {"http://x.test/", false, false, "http://x.test"},
        {"http://x.test/", true, true, "http://x.test"},
        {"http://127.0.0.1:9091/metrics", false, true, "http://127.0.0.1"},
        {"http://127.8.9.1/", false, true, "http://127.8.9.1"},
        {"http://[::1]:80/", false, true, "http://[::1]"},
        {"http://localhost/", false, true, "http://localhost"},
        {"http://u@127.0.0.1/", false, true, "http://127.0.0.1"},
        {"http://127.0.0.1.evil.test/", false, false, "http://127.0.0.1.evil.test"},
        {"http://127.evil.test/", false, false, "http://127.evil.test"},
        {"http://localhost.evil.test/", false, false, "http://localhost.evil.test"},
        {"http://2130706433/", false, false, "http://127.0.0.1"},
        {"http://0177.0.0.1/", false, false, "http://127.0.0.1"},
        {"http://10.0.0.1/", false, false, "http://10.0.0.1"},
        {"gopher://x.test/", true, false, "gopher://x.test"},
        {"file:///etc/passwd", true, false, NULL},
        {"x.test/path", true, false, "(not a URL)"},
        {"", true, false, "(not a URL)"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char where[VG_HTTP_WHERE_SIZE];
        struct vg_error err = {0};
        int rc = vg_http_check_url(cases[i].url, cases[i].insecure, &err);
        if ((rc == 0) != cases[i].fine)
            fail_msg("%s: %s", cases[i].url, err.msg);
        vg_http_where(cases[i].url, where);
        if (cases[i].where)
            assert_string_equal(where, cases[i].where);
        assert_null(strstr(where, "pass"));
    }
}

static void test_header_text(void **state)
{
    static const struct {
        const char *text;
        bool token, value;
    } cases[] = {
        {"X-Api_1", true, true}, {"POST", true, true},      {"", false, true},
        {"a b", false, true},    {"a:b", false, true},      {"a\r\nb", false, false},
        {"a\nb", false, false},  {"a\tb", false, true},     {"a\x01", false, false},
        {"a\x7f", false, false}, {"\xc3\xa9", false, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (vg_http_token(cases[i].text) != cases[i].token ||
            vg_http_value(cases[i].text) != cases[i].value)
            fail_msg("case %zu", i);
    }
}

static void test_secrets_are_struck_out(void **state)
{
    static const char *const secrets[] = {
        "https://hooks.test/services/T0123456/abc/x7fSECRET?k=y8gSECRET", "xoxb-0123", "abc",
        "whsec_\xc3\xa9"};
    static const struct {
        const char *said, *left;
    } cases[] = {
        {"", ""},
        {"no_service", "no_service"},
        {"Cannot POST /services/T0123456/abc/x7fSECRET?k=y8gSECRET",
         "Cannot POST /********/********/abc/*********?k=*********"},
        {"x7fSECRETx7fSECRET", "******************"},
        {"x7fSECRE", "x7fSECRE"},
        {"token xoxb-0123 of hooks.test", "token ********* of hooks.test"},
        {"xoxb-xoxb-0123", "xoxb-*********"},
        {"{\"ok\": false, \"was\": \"whsec_\xc3\xa9\"}", "{\"ok\": false, \"was\": \"********\"}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct vg_request request = {.secrets = secrets, .nsecrets = COUNT(secrets)};
        struct vg_buf hidden;
        char body[100];
        size_t n = (size_t)snprintf(body, sizeof body, "%s", cases[i].said);
        vg_http_note_secrets(&request, &hidden);
        vg_http_strike(&hidden, body, &n);
        assert_string_equal(body, cases[i].left);
        assert_int_equal(n, strlen(cases[i].left));
        hidden.failed = true; /* what is secret is not known */
        vg_http_strike(&hidden, body, &n);
        assert_int_equal(n, 0);
        assert_string_equal(body, "");
        vg_buf_free(&hidden);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_header_text),
        cmocka_unit_test(test_secrets_are_struck_out),
    };
    return cmocka_run_group_tests_name("http_rules", tests, NULL, NULL);
}
