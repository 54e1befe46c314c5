/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold of the requests of every receiver, whatever stands in a message: of any text, of
 * each service by its documentation, of mail. For test_receivers.c alone. */
#ifndef TESTS_UNIT_RECEIVER_CHECKS_H
#define TESTS_UNIT_RECEIVER_CHECKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/receivers/letter.h"
#include "pgvigil/digest.h"
#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

/* --- What must hold of any text --------------------------------------------------------------- */

static size_t units_of(const json_t *string)
{
    return vg_markup_units(json_string_value(string));
}

/* No control character but the line end, nothing that reorders text. */
static void assert_printable(const char *text)
{
    struct vg_buf clean;
    vg_buf_init(&clean, 8 << 20);
    vg_utf8_clean(&clean, text, strlen(text), true);
    assert_string_equal(clean.data, text);
    assert_null(strchr(text, '\t'));
    vg_buf_free(&clean);
}

static void walk(const json_t *at, void (*each)(const char *key, const json_t *string),
                 const char *key)
{
    const char *name;
    const json_t *value;
    size_t i;
    if (json_is_string(at))
        each(key, at);
    json_array_foreach(at, i, value)
    {
        walk(value, each, key);
    }
    json_object_foreach((json_t *)(uintptr_t)at, name, value)
    {
        walk(value, each, name);
    }
}

static void expect_printable(const char *key, const json_t *string)
{
    (void)key;
    assert_printable(json_string_value(string));
}

/* --- Each service ----------------------------------------------------------------------------- */

/* A mention or a link stands in < >; ours are an address and one of our own words. */
static void expect_link(const char *at)
{
    static const char *const labels[] = {"Open the report", "Dashboard", "Runbook"};
    size_t n = strcspn(at, "|"), found = 0;
    assert_true(!strncmp(at, "<https://", 9) || !strncmp(at, "<http://", 8));
    for (size_t i = 1; i < n; i++)
        assert_true(at[i] > ' ' && at[i] < 0x7f && !strchr("<>\"\\`", at[i]));
    for (size_t i = 0; at[n] && i < sizeof labels / sizeof labels[0]; i++) {
        const char *label = at + n + 1, *end = label + strlen(labels[i]);
        if (strncmp(label, labels[i], strlen(labels[i])) != 0)
            continue;
        end += *end == ' ' ? 1 + strspn(end + 1, "0123456789") : 0; /* of one line */
        found += *end == '>';
    }
    assert_int_equal(found, 1);
}

static void expect_slack(const char *key, const json_t *string)
{
    for (const char *p = json_string_value(string); (p = strpbrk(p, "<&")); p++) {
        if (*p == '<')
            expect_link(p);
        else
            assert_true(!strncmp(p, "&amp;", 5) || !strncmp(p, "&lt;", 4) ||
                        !strncmp(p, "&gt;", 4));
    }
    if (!strcmp(key, "text"))
        assert_true(units_of(string) > 0 && units_of(string) <= 3000);
}

static void check_slack(const json_t *body, const struct vg_request *request)
{
    size_t total = 0, i;
    const json_t *block;
    walk(body, expect_slack, "");
    assert_true(units_of(kit_at(body, "text")) <= 300);
    assert_true(units_of(kit_at(body, "blocks/0/text/text")) <= 150);
    assert_true(json_array_size(kit_at(body, "attachments/0/blocks")) <= 50);
    json_array_foreach(kit_at(body, "attachments/0/blocks"), i, block)
    {
        const json_t *text = json_object_get(block, "text");
        text = text ? text : kit_at(block, "elements/0");
        total += units_of(json_object_get(text, "text"));
    }
    assert_true(total < 12500);
    assert_null(json_object_get(body, "link_names"));
    assert_non_null(request->url);
}

static void check_pagerduty(const json_t *body, const struct vg_request *request)
{
    const json_t *payload = json_object_get(body, "payload");
    assert_true(request->body_size <= 512000);
    if (!payload)
        return;
    size_t n = strlen(kit_text(payload, "summary"));
    assert_int_equal(vg_utf8_prefix(kit_text(payload, "summary"), n, 1024), n);
    assert_true(units_of(kit_at(payload, "source")) <= 2 * 255);
}

static void check_webhook(const json_t *body, const struct vg_request *request)
{
    const json_t *data = json_object_get(body, "data");
    data = data ? data : body;
    assert_string_equal(kit_text(data, "version"), "4");
    for (size_t i = 0; i < request->nheaders; i++) {
        for (const char *p = request->headers[i].value; *p; p++)
            assert_true(*p >= ' ' && *p < 0x7f);
    }
    if (json_object_get(body, "timestamp"))
        assert_true(request->body_size < 20000 || json_array_size(kit_at(data, "alerts")) == 1);
}

static void expect_label(const char *key, const json_t *string)
{
    assert_true(json_string_length(string) > 0);
    (void)key;
}

static void check_alertmanager(const json_t *body, const struct vg_request *request)
{
    size_t i;
    const json_t *alert;
    (void)request;
    assert_true(json_is_array(body) && json_array_size(body) > 0);
    json_array_foreach(body, i, alert)
    {
        walk(kit_at(alert, "labels"), expect_label, "");
        kit_text(alert, "labels/alertname");
        assert_true(strcmp(kit_text(alert, "startsAt"), kit_text(alert, "endsAt")) <= 0);
    }
}

static void check_opsgenie(const json_t *body, const struct vg_request *request)
{
    (void)request;
    if (!json_object_get(body, "message")) {
        assert_true(units_of(kit_at(body, "note")) <= 25000);
        assert_true(units_of(kit_at(body, "user")) <= 100);
        return;
    }
    size_t i;
    const json_t *tag;
    assert_in_range(units_of(kit_at(body, "message")), 1, 130);
    assert_string_equal(kit_text(body, "alias"), KIT_KEY);
    assert_true(units_of(kit_at(body, "description")) <= 15000);
    assert_true(units_of(kit_at(body, "entity")) <= 512);
    json_array_foreach(kit_at(body, "tags"), i, tag)
    {
        assert_true(units_of(tag) <= 50);
    }
}

/* No text block: those read markup. No "<at>". */
static void expect_teams(const char *key, const json_t *string)
{
    if (!strcmp(key, "type"))
        assert_string_not_equal(json_string_value(string), "TextBlock");
    assert_null(strcasestr(json_string_value(string), "<at"));
    assert_null(strcasestr(json_string_value(string), "</at"));
}

static void check_teams(const json_t *body, const struct vg_request *request)
{
    walk(body, expect_teams, "");
    assert_true(request->body_size < 27000);
}

/* Of markdown nothing stands without a backslash, and behind every @ something that is no name. */
static void expect_discord(const char *key, const json_t *string)
{
    const char *text = json_string_value(string);
    if (!strcmp(key, "value") && !strncmp(text, "http", 4))
        return; /* a link that was made safe */
    for (const char *p = text; *p; p++) {
        if (*p == '@')
            assert_memory_equal(p + 1, "\xe2\x80\x8b", 3);
        else if (*p == '\\')
            assert_true(*++p && strchr("\\*_~`|<>[]()#-:", *p));
        else
            assert_null(strchr("*_~`|<>[]()#", *p));
    }
}

static void check_discord(const json_t *body, const struct vg_request *request)
{
    const json_t *embed = kit_at(body, "embeds/0"), *field;
    size_t i,
        total = units_of(kit_at(embed, "description")) + units_of(kit_at(embed, "footer/text"));
    (void)request;
    walk(kit_at(body, "content"), expect_discord, "content");
    walk(embed, expect_discord, "");
    assert_int_equal(json_array_size(kit_at(body, "allowed_mentions/parse")), 0);
    assert_in_range(units_of(kit_at(body, "content")), 1, 2000);
    assert_true(units_of(kit_at(embed, "description")) <= 4096);
    json_array_foreach(kit_at(embed, "fields"), i, field)
    {
        assert_in_range(units_of(json_object_get(field, "value")), 1, 1024);
        total +=
            units_of(json_object_get(field, "value")) + units_of(json_object_get(field, "name"));
    }
    assert_true(total <= 6000);
    assert_true(json_array_size(kit_at(embed, "fields")) <= 25);
}

static void check_command(const json_t *body, const struct vg_request *request)
{
    assert_string_equal(kit_text(body, "key"), KIT_KEY);
    assert_string_equal(request->run[0], "/usr/local/bin/tell");
    assert_string_equal(request->run[1], "--now");
    assert_null(request->run[2]);
    assert_int_equal(request->nheaders, 0);
}

/* --- Mail ------------------------------------------------------------------------------------- */

static const char *const mail_headers[] = {"From: ",
                                           "To: ",
                                           "Subject: ",
                                           "Date: ",
                                           "Message-ID: ",
                                           "In-Reply-To: ",
                                           "References: ",
                                           "Importance: ",
                                           "X-Pgvigil-Incident: ",
                                           "Auto-Submitted: ",
                                           "MIME-Version: ",
                                           "Content-Type: ",
                                           "Content-Transfer-Encoding: ",
                                           " "};

static void check_header(const char *line, size_t n)
{
    bool known = false;
    for (size_t i = 0; i < sizeof mail_headers / sizeof mail_headers[0]; i++)
        known = known || !strncmp(line, mail_headers[i], strlen(mail_headers[i]));
    if (!known)
        fail_msg("a header that is not ours: %.60s", line);
    assert_true(n <= 78 || strncmp(line, " =?", 3));
    if (!strncmp(line, " =?", 3))
        assert_true(n <= 76);
}

/* The text of an encoded word is whole characters. */
static void check_words(const char *line)
{
    const char *word = strstr(line, "=?UTF-8?B?");
    const char *end = word ? strstr(word + 10, "?=") : NULL;
    uint8_t plain[64];
    assert_non_null(end);
    int n = vg_base64_read(word + 10, (size_t)(end - word - 10), plain, sizeof plain);
    assert_true(n > 0 && vg_utf8_valid((const char *)plain, (size_t)n));
}

static void check_mail(const struct vg_request *request)
{
    const char *at = request->body, *end = strstr(at, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(strlen(request->body), request->body_size);
    while (at < end + 2) {
        size_t n = strcspn(at, "\r\n");
        assert_memory_equal(at + n, "\r\n", 2);
        check_header(at, n);
        if (!strncmp(at, "Subject: ", 9) || !strncmp(at, " =?", 3))
            check_words(at);
        at += n + 2;
    }
    for (at = end + 4; *at;) {
        size_t n = strcspn(at, "\r\n");
        assert_true(n <= 76);
        assert_memory_equal(at + n, "\r\n", 2);
        at += n + 2;
    }
    for (const char *p = request->body; *p; p++)
        assert_true((*p >= ' ' && *p < 0x7f) || *p == '\r' || *p == '\n');
}

/* --- All of them ------------------------------------------------------------------------------ */

static void check(const struct vg_receiver *receiver, const json_t *body,
                  const struct vg_request *request)
{
    walk(body, expect_printable, "");
    switch (receiver->kind) {
    case VG_RECEIVER_SLACK:
        check_slack(body, request);
        break;
    case VG_RECEIVER_PAGERDUTY:
        check_pagerduty(body, request);
        break;
    case VG_RECEIVER_WEBHOOK:
        check_webhook(body, request);
        break;
    case VG_RECEIVER_ALERTMANAGER:
        check_alertmanager(body, request);
        break;
    case VG_RECEIVER_OPSGENIE:
        check_opsgenie(body, request);
        break;
    case VG_RECEIVER_TEAMS:
        check_teams(body, request);
        break;
    case VG_RECEIVER_DISCORD:
        check_discord(body, request);
        break;
    case VG_RECEIVER_COMMAND:
        check_command(body, request);
        break;
    case VG_RECEIVER_EMAIL:
    case VG_RECEIVER_KINDS:
        fail_msg("not JSON");
    }
}

#endif
