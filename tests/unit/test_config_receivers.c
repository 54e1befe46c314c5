/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receivers in pgvigil.yaml (agent/config/receivers.c, keys_receivers.c): every field of each kind,
 * and what is refused, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"
#include "tests/unit/rule_kit.h"

#define HEAD "connections: {a: {conninfo: \"service=x\"}}\nreceivers:\n  r: "

static struct vg_config *parse(const char *receiver, struct vg_diags *diags)
{
    struct vg_config *config;
    char text[1000];
    *diags = (struct vg_diags){0};
    snprintf(text, sizeof text, HEAD "%s\n", receiver);
    int rc = vg_config_parse(text, strlen(text), "pgvigil.yaml", diags, &config);
    assert_int_equal(rc, config ? 0 : -1);
    return config;
}

static const struct vg_receiver *only(struct vg_config **config, const char *receiver)
{
    struct vg_diags diags;
    *config = parse(receiver, &diags);
    if (!*config)
        fail_msg("%s: %s", receiver, diags.items[0].msg);
    vg_diags_free(&diags);
    assert_int_equal((*config)->nreceivers, 1);
    return &(*config)->receivers[0];
}

static void test_every_kind(void **state)
{
    (void)state;
    struct vg_config *config;
    const struct vg_receiver *r =
        only(&config, "{slack: {token_file: /dev/null, channel: C1, title: \"{{dataset}}\"}}");
    assert_int_equal(r->kind, VG_RECEIVER_SLACK);
    assert_string_equal(r->channel, "C1");
    assert_string_equal(r->title, "{{dataset}}");
    assert_string_equal(r->endpoint.token_file, "/dev/null");
    vg_config_free(config);
    r = only(&config, "{webhook: {url: \"https://h.test\", format: standard, "
                      "signing_secret_file: /dev/null, former_signing_secret_file: /dev/zero}}");
    assert_int_equal(r->format, VG_FORMAT_STANDARD);
    assert_string_equal(r->signing_file, "/dev/null");
    assert_string_equal(r->former_signing_file, "/dev/zero");
    vg_config_free(config);
    r = only(&config, "{alertmanager: {url: \"http://127.0.0.1:9093\", refresh: 30s}}");
    assert_int_equal(r->kind, VG_RECEIVER_ALERTMANAGER);
    assert_int_equal(r->refresh_us, 30 * VG_US);
    vg_config_free(config);
    r = only(&config, "{opsgenie: {api_key_file: /dev/null, team: data}}");
    assert_string_equal(r->team, "data");
    assert_string_equal(r->endpoint.token_file, "/dev/null");
    assert_string_equal(r->endpoint.url, "https://api.atlassian.com/jsm/ops/integration");
    vg_config_free(config);
    r = only(&config, "{email: {server: \"smtp://mail.test:587\", from: a@b.test, "
                      "to: [c@d.test, e@f.test], user: u, password_file: /dev/null}}");
    assert_int_equal(r->kind, VG_RECEIVER_EMAIL);
    assert_string_equal(r->endpoint.url, "smtp://mail.test:587");
    assert_int_equal(r->endpoint.timeout_us, 30 * VG_US);
    assert_int_equal(r->to.n, 2);
    assert_string_equal(r->to.items[1], "e@f.test");
    assert_string_equal(r->password_file, "/dev/null");
    vg_config_free(config);
    r = only(&config, "{command: {run: [/bin/tell, -x, \"a b\"], timeout: 1m}}");
    assert_int_equal(r->run.n, 3);
    assert_string_equal(r->run.items[2], "a b");
    assert_int_equal(r->endpoint.timeout_us, VG_MINUTE_US);
    vg_config_free(config);
    r = only(&config, "{pagerduty: {routing_key_file: /dev/null, changes: false}}");
    assert_false(r->changes);
    vg_config_free(config);
    r = only(&config, "{pagerduty: {routing_key_file: /dev/null}}");
    assert_true(r->changes);
    vg_config_free(config);
}

#define MAIL(rest) "{email: {from: a@b.test, to: c@d.test, " rest "}}"

static const struct {
    const char *receiver;
    uint32_t column;
    const char *msg, *hint;
} refused[] = {
    {"{slack: {token_file: /dev/null}}", 27,
     "\"channel\" is missing: a bot must know where to post", "channel: C0123456789"},
    {"{slack: {url_file: /dev/null, channel: C1}}", 0,
     "channel: the address of a webhook decides its channel", "a bot's token: token_file"},
    {"{slack: {url_file: /dev/null, token_file: /dev/null, channel: C1}}", 0,
     "token_file and url_file exclude each other", NULL},
    {"{slack: {token: xoxb-hunter2, channel: C1}}", 0, "a secret does not stand in this file",
     NULL},
    {"{teams: {url: \"https://x.test/hunter2\"}}", 0, "the address of a Teams webhook is a secret",
     "write it to a file and name that: url_file"},
    {"{discord: {}}", 0, "\"url_file\" is missing in discord",
     "the address of a Discord webhook is a secret"},
    {"{webhook: {url: \"https://h.test\", format: standard}}", 0,
     "format: Standard Webhooks are signed", "signing_secret_file: a file that holds whsec_..."},
    {"{webhook: {url: \"https://h.test\", former_signing_secret_file: /dev/null}}", 0,
     "former_signing_secret_file needs a signing_secret_file beside it", NULL},
    {"{webhook: {url: \"https://h.test\", signing_secret: hunter2}}", 0,
     "a secret does not stand in this file", NULL},
    {"{alertmanager: {url: \"http://10.0.0.1:9093\"}}", 0,
     "url: this is a private or local address", NULL},
    {"{opsgenie: {}}", 0, "\"api_key_file\" is missing in opsgenie", NULL},
    {MAIL("server: \"http://a.b\""), 0, "server: this is not smtp:// or smtps:// with a host",
     NULL},
    {MAIL("server: \"smtp://u:hunter2@a.b\""), 0, "a secret does not stand in this file",
     "user and password_file"},
    {MAIL("server: \"smtp://10.0.0.1\""), 0, "server: this is a private or local address",
     "set allow_private: true"},
    {MAIL("server: \"smtp://0177.1\""), 0,
     "server: the address of the host is not written in the usual form", NULL},
    {MAIL("server: \"smtp://a.b\", user: u"), 0, "user: a name to log in with needs its password",
     NULL},
    {MAIL("server: \"smtp://a.b\", password: hunter2"), 0, "a secret does not stand in this file",
     NULL},
    {"{email: {server: \"smtp://a.b\", from: \"a@b.test\\nBcc: x@y.test\", to: c@d.test}}", 0, NULL,
     NULL},
    {"{email: {server: \"smtp://a.b\", from: a@b.test, to: \"c@d.test, e@f.test\"}}", 0,
     "to: \"c@d.test, e@f.test\" is not the address of a mailbox", "data-team@example.com"},
    {"{command: {run: tell}}", 0, "run: the path of the program begins with a slash",
     "run: [/usr/local/bin/tell-us]"},
    {"{command: {run: /bin/tell, timeout: 3m}}", 0, "timeout: 3m is above 2m, the most allowed",
     NULL},
    {"{command: {run: /bin/tell, text: \"a {{datset}}\"}}", 44,
     "text: there is no variable \"datset\"", "did you mean dataset?"},
    {"{command: {run: /bin/tell, title: \"{{what | cut}}\"}}", 50,
     "title: cut needs a colon and what it works with", "for example {{why | cut:80}}"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct vg_diags diags;
        struct vg_config *config = parse(refused[i].receiver, &diags);
        if (config)
            fail_msg("%s is accepted", refused[i].receiver);
        const struct vg_diag *diag = &diags.items[0];
        for (size_t k = 0; refused[i].msg && k < diags.n; k++) {
            if (diags.items[k].msg && !strcmp(diags.items[k].msg, refused[i].msg))
                diag = &diags.items[k];
        }
        if (refused[i].msg && strcmp(diag->msg, refused[i].msg))
            fail_msg("%s: %s", refused[i].receiver, diag->msg);
        if (refused[i].hint)
            assert_string_equal(diag->hint, refused[i].hint);
        assert_int_equal(diag->loc.line, 3);
        if (refused[i].column && diag->loc.column != refused[i].column)
            fail_msg("%s: column %u", refused[i].receiver, diag->loc.column);
        char *printed = rule_kit_print(&diags);
        assert_null(strstr(printed, "hunter2"));
        free(printed);
        vg_diags_free(&diags);
    }
}

/* A fault in a block of lines is shown in its line. */
static void test_a_fault_in_a_block(void **state)
{
    static const struct {
        const char *receiver;
        unsigned line, column;
    } cases[] = {
        {"{command: {run: /bin/tell, text: \"{{nosuch}}\"}}", 3, 0},
        {"\n    command:\n      run: /bin/tell\n      text: |\n        one {{dataset}}\n\n"
         "          more {{nosuch}}\n",
         9, 18},
        {"\n    command:\n      run: /bin/tell\n      text: |-\n        {{nosuch}}\n", 7, 11},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        assert_null(parse(cases[i].receiver, &diags));
        assert_int_equal(diags.items[0].loc.line, cases[i].line);
        if (cases[i].column)
            assert_int_equal(diags.items[0].loc.column, cases[i].column);
        vg_diags_free(&diags);
    }
}

/* Files that are named are looked at: what is not there, empty or cannot be run is warned of. */
static void test_files_that_are_named(void **state)
{
    char folder[] = "/tmp/pgvigil-named-XXXXXX";
    static const struct {
        const char *receiver, *msg; /* NULL: no warning */
        unsigned column;
    } cases[] = {
        {"{command: {run: [%s/none, x]}}", "run: there is no such program", 23},
        {"{command: {run: %s/none}}", "run: there is no such program", 22},
        {"{command: {run: [%s/plain]}}", "run: this cannot be executed", 23},
        {"{command: {run: [%s]}}", "run: this cannot be executed", 23},
        {"{command: {run: [%s/program, none]}}", NULL, 0},
        {"{slack: {url_file: %s/none}}", "url_file: there is no such file", 25},
        {"{slack: {url_file: %s/empty}}", "url_file: this file is empty", 25},
        {"{slack: {token_file: %s/line, channel: C1}}", "token_file: this file is empty", 27},
        {"{pagerduty: {routing_key_file: %s/empty}}", "routing_key_file: this file is empty", 37},
        {"{opsgenie: {api_key_file: %s/empty}}", "api_key_file: this file is empty", 32},
        {"{slack: {url_file: %s/secret}}", NULL, 0},
    };
    static const struct {
        const char *name, *content;
        mode_t mode;
    } files[] = {{"plain", "x", 0600},
                 {"program", "#!/bin/true", 0700},
                 {"empty", "", 0600},
                 {"line", "\n", 0600},
                 {"secret", "https://hooks.slack.com/x\n", 0600}};
    char path[100], text[300];
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *out = fopen(path, "w");
        assert_true(out && fputs(files[i].content, out) >= 0 && fclose(out) == 0);
        assert_int_equal(chmod(path, files[i].mode), 0);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        const char *at = strchr(cases[i].receiver, '%');
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - cases[i].receiver), cases[i].receiver,
                 folder, at + 2);
        struct vg_config *config = parse(text, &diags);
        assert_non_null(config);
        assert_int_equal(diags.n, cases[i].msg != NULL);
        if (diags.n) {
            assert_int_equal(diags.items[0].grade, VG_GRADE_WARNING);
            assert_string_equal(diags.items[0].msg, cases[i].msg);
            assert_int_equal(diags.items[0].loc.line, 3);
            assert_int_equal(diags.items[0].loc.column, cases[i].column);
        }
        vg_diags_free(&diags);
        vg_config_free(config);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_fault_in_a_block),
        cmocka_unit_test(test_files_that_are_named),
    };
    return cmocka_run_group_tests_name("config_receivers", tests, NULL, NULL);
}
