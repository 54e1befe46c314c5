/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses by their text: the host, its kind in every notation, and what must not be in clear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/config/url.h"

static void test_host(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host; /* NULL: cannot be read */
    } rows[] = {
        {"https://a.b", "a.b"},
        {"https://A.b:80/c?d#e", "a.b"},
        {"http://[::1]:80/", "::1"},
        {"http://[::1]", "::1"},
        {"https://u:p@a.b/c", "a.b"},
        {"https://a.b/c@d", "a.b"},
        {"https://u@v@a.b/", "a.b"},
        {"https://a.b?x=@y", "a.b"},
        {"https://[::1", NULL},
        {"https://[::1]x/", NULL},
        {"https://:80/", NULL},
        {"https:///c", NULL},
        {"https://a.b:x/", NULL},
        {"https://a.b:123456/", NULL},
        {"https://a.b:/", NULL},
        {"https://a.b:0/", NULL},
        {"https://a.b:65536/", NULL},
        {"https://a.b:65535/", "a.b"},
        {"a.b", NULL},
        {"https://1.2.3.4:8/", "1.2.3.4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char host[VG_HOST_TEXT] = "";
        bool fine = vg_url_host(rows[i].url, host);
        assert_int_equal(fine, rows[i].host != NULL);
        if (fine)
            assert_string_equal(host, rows[i].host);
    }
    char url[400] = "https://";
    memset(url + 8, 'a', 300);
    char host[VG_HOST_TEXT];
    assert_false(vg_url_host(url, host));
}

static void test_kind(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        enum vg_host_kind kind;
    } rows[] = {
        {"localhost", VG_HOST_LOOPBACK},
        {"127.0.0.1", VG_HOST_LOOPBACK},
        {"127.9.8.7", VG_HOST_LOOPBACK},
        {"::1", VG_HOST_LOOPBACK},
        {"localhost.evil.test", VG_HOST_NAME},
        {"a.b", VG_HOST_NAME},
        {"x9", VG_HOST_NAME},
        {"9x.test", VG_HOST_NAME},
        {"8.8.8.8", VG_HOST_PUBLIC},
        {"2001:db8::1", VG_HOST_PUBLIC},
        {"10.1.2.3", VG_HOST_PRIVATE},
        {"172.16.0.1", VG_HOST_PRIVATE},
        {"172.32.0.1", VG_HOST_PUBLIC},
        {"192.168.1.1", VG_HOST_PRIVATE},
        {"169.254.169.254", VG_HOST_PRIVATE},
        {"100.64.0.1", VG_HOST_PRIVATE},
        {"0.0.0.0", VG_HOST_PRIVATE},
        {"224.0.0.1", VG_HOST_PRIVATE},
        {"255.255.255.255", VG_HOST_PRIVATE},
        {"::", VG_HOST_PRIVATE},
        {"fe80::1", VG_HOST_PRIVATE},
        {"fc00::1", VG_HOST_PRIVATE},
        {"fd12:3456::1", VG_HOST_PRIVATE},
        {"::ffff:127.0.0.1", VG_HOST_PRIVATE},
        {"::ffff:10.0.0.1", VG_HOST_PRIVATE},
        {"::ffff:8.8.8.8", VG_HOST_PUBLIC},
        {"2002:7f00:1::", VG_HOST_PRIVATE},
        {"64:ff9b::7f00:1", VG_HOST_PRIVATE},
        {"0177.0.0.1", VG_HOST_UNCLEAR},
        {"0x7f.0.0.1", VG_HOST_UNCLEAR},
        {"2130706433", VG_HOST_UNCLEAR},
        {"0x7f000001", VG_HOST_UNCLEAR},
        {"127.1", VG_HOST_UNCLEAR},
        {"127.0.0.1.", VG_HOST_UNCLEAR},
        {"1.2.3.4.5", VG_HOST_UNCLEAR},
        {"256.1.1.1", VG_HOST_UNCLEAR},
        {"fe80::1%eth0", VG_HOST_UNCLEAR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (vg_host_kind(rows[i].host) != rows[i].kind)
            fail_msg("%s is %d", rows[i].host, (int)vg_host_kind(rows[i].host));
    }
}

static void test_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool secret;
    } rows[] = {
        {"https://a.b/hook", false},
        {"https://a.b/?model=m&job=1", false},
        {"https://a.b/?design=x&monkey=1", false},
        {"https://a.b/token=x", false},
        {"https://a.b/?idempotency_key=x", false},
        {"https://u@a.b/", true},
        {"https://u:p@a.b/", true},
        {"https://a.b/?token=x", true},
        {"https://a.b/?a=1&api_key=x", true},
        {"https://a.b/?apiKey=x", true},
        {"https://a.b/?sig=x", true},
        {"https://a.b/?X-Amz-Signature=x", true},
        {"https://a.b/?accessToken=x", true},
        {"https://a.b/?client_secret=x", true},
        {"https://hooks.slack.com/services/x", true},
        {"https://discord.com/api/webhooks/x", true},
        {"https://x.webhook.office.com/y", true},
        {"https://notdiscord.com/x", false},
        {"a.b", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (vg_url_has_secret(rows[i].url) != rows[i].secret)
            fail_msg("%s", rows[i].url);
    }
    assert_true(vg_url_is_plain("HTTP://a.b"));
    assert_false(vg_url_is_plain("https://a.b"));
}

static void test_words(void **state)
{
    (void)state;
    static const char *const secrets[] = {"Authorization", "X-Api-Key", "access_token",
                                          "password",      "Cookie",    "client-secret",
                                          "X-Auth",        "apiKey"};
    static const char *const others[] = {"Idempotency-Key", "X-Team", "Content-Type", "keyspace",
                                         "author",          "signal", "tokens",       ""};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        assert_true(vg_word_is_secret(secrets[i], strlen(secrets[i])));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(vg_word_is_secret(others[i], strlen(others[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_kind),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("config_url", tests, NULL, NULL);
}
