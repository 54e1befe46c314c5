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

/* In whatever writing a server repeats them. */
static void test_secrets_in_other_writings(void **state)
{
    static const struct {
        const char *secret, *said, *left;
    } cases[] = {
        /* JSON */
        {"a\"b\\c/d<e", "{\"was\": \"a\\\"b\\\\c\\/d\\u003ce\"}",
         "{\"was\": \"*****************\"}"},
        {"a\"b\\c/d<e", "[a\\u0022b\\u005Cc\\u002fd\\u003Ce]", "[*****************************]"},
        {"s\xc3\xa9"
         "cret\n",
         "'s\\u00e9cret\\n'", "'*************'"},
        {"key\xf0\x9f\x98\x80!", "key\\ud83d\\ude00!", "****************"},
        {"pa\"ss\\w", "{\"e\": \"{\\\"p\\\": \\\"pa\\\\\\\"ss\\\\\\\\w\\\"}\"}",
         "{\"e\": \"{\\\"p\\\": \\\"*************\\\"}\"}"},
        {"tab\there", "tab\\there", "*********"},
        /* addresses */
        {"p w/+\xc3\xa9", "?t=p%20w%2F%2B%C3%A9&x", "?t=*****************&x"},
        {"p w/+\xc3\xa9", "?t=p+w%2f+%c3%a9&x", "?t=*************&x"},
        {"a/b=cd", "?back=%2Fx%3Ft%3Da%252Fb%253Dcd", "?back=%2Fx%3Ft%3D**************"},
        {"100%sure", "100%25sure 100%sure", "********** ********"},
        /* HTML */
        {"<a&b'c\">", "<p>&lt;a&amp;b&#39;c&quot;&gt;</p>", "<p>***************************</p>"},
        {"<a&b'c\">", "&#60;a&#x26;b&#x27;c&#X22;&#62;", "*******************************"},
        {"s\xc3\xa9"
         "cret",
         "s&#233;cret s&#xE9;cret", "*********** ***********"},
        /* base64: alone, behind one byte, behind two, and in the alphabet of addresses */
        {"hunter2secret", "aHVudGVyMnNlY3JldA==", "*****************A=="},
        {"hunter2secret", "Basic dTpodW50ZXIyc2VjcmV0", "Basic dTp*****************"},
        {"hunter2secret", "Basic dXM6aHVudGVyMnNlY3JldA==", "Basic dXM6*****************A=="},
        {"hunter2secret", "Basic dXNlOmh1bnRlcjJzZWNyZXQ=", "Basic dXNlOm****************Q="},
        {"\xfb\xff\xbf\xfb\xff\xbf", "_-_-_-_- -_-_-_-_ +/+/+/+/", "_-_-_-_- ******** ********"},
        /* what only looks like it */
        {"a\"b\\c", "a\\b\"c a&b%5", "a\\b\"c a&b%5"},
        {"hunter2", "hunter%3", "hunter%3"},
        {"long-secret", "long-secre%74 long-secre%7", "************* long-secre%7"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct vg_request request = {.secrets = &cases[i].secret, .nsecrets = 1};
        struct vg_buf hidden;
        char body[200];
        size_t n = (size_t)snprintf(body, sizeof body, "%s", cases[i].said);
        vg_http_note_secrets(&request, &hidden);
        vg_http_strike(&hidden, body, &n);
        if (strcmp(body, cases[i].left) != 0)
            fail_msg("case %zu: %s of %s, not %s", i, body, cases[i].said, cases[i].left);
        assert_int_equal(n, strlen(cases[i].said));
        vg_buf_free(&hidden);
    }
}

/* What two secrets have in common saves the rest of neither, in whichever order they are given. */
static void test_secrets_that_overlap(void **state)
{
    static const struct {
        const char *secrets[3], *said, *left;
    } cases[] = {
        {{"token", "token-long", "x"}, "token-long token", "********** *****"},
        {{"token-long", "token", "x"}, "token-long token", "********** *****"},
        {{"abcd1234", "1234wxyz", "x"}, "abcd1234wxyz", "************"},
        {{"1234wxyz", "abcd1234", "x"}, "=abcd1234wxyz=", "=************="},
        {{"aXaXa", "x", "x"}, "aXaXaXaXa.", "*********."},
        {{"abcd%2F", "/efgh", "x"}, "abcd%2Fefgh", "***********"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct vg_request request = {.secrets = cases[i].secrets, .nsecrets = 3};
        struct vg_buf hidden;
        char body[100];
        size_t n = (size_t)snprintf(body, sizeof body, "%s", cases[i].said);
        vg_http_note_secrets(&request, &hidden);
        vg_http_strike(&hidden, body, &n);
        if (strcmp(body, cases[i].left) != 0)
            fail_msg("case %zu: %s", i, body);
        vg_buf_free(&hidden);
    }
}

/* An address that is a secret, quoted as the server has read it; and an answer that was cut. */
static void test_secrets_of_addresses(void **state)
{
    static const char *const secrets[] = {"https://hooks.test/in/a%2Fsecret%20part?k=1"};
    static char long_body[VG_HTTP_BODY_BYTES + 1];
    const struct vg_request request = {.secrets = secrets, .nsecrets = 1};
    struct vg_buf hidden;
    char body[] = "no a/secret part, no a%2Fsecret%20part";
    size_t n = sizeof body - 1;
    (void)state;
    vg_http_note_secrets(&request, &hidden);
    vg_http_strike(&hidden, body, &n);
    assert_string_equal(body, "no *************, no *****************");
    memset(long_body, '.', VG_HTTP_BODY_BYTES);
    memcpy(long_body + VG_HTTP_BODY_BYTES - 9, "/a%2Fsecr", 9);
    n = VG_HTTP_BODY_BYTES;
    vg_http_strike(&hidden, long_body, &n);
    assert_string_equal(long_body + VG_HTTP_BODY_BYTES - 10, "./********");
    char whole[] = "see a%2Fsecr"; /* of a body that came to its end */
    n = strlen(whole);
    vg_http_strike(&hidden, whole, &n);
    assert_string_equal(whole, "see a%2Fsecr");
    vg_buf_free(&hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_header_text),
        cmocka_unit_test(test_secrets_are_struck_out),
        cmocka_unit_test(test_secrets_in_other_writings),
        cmocka_unit_test(test_secrets_that_overlap),
        cmocka_unit_test(test_secrets_of_addresses),
    };
    return cmocka_run_group_tests_name("http_rules", tests, NULL, NULL);
}
