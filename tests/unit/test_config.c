/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil.yaml: every field from a full file, the defaults of an empty one, paths, and what is
 * refused: secrets in clear above all, and that no message holds one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "pgvigil/text.h"
#include "tests/unit/rule_kit.h"

#define MINIMAL "connections: {warehouse: {conninfo: \"service=warehouse\"}}\n"

static struct vg_config *parse(const char *path, const char *text, struct vg_diags *diags)
{
    struct vg_config *config;
    *diags = (struct vg_diags){0};
    int rc = vg_config_parse(text, strlen(text), path, diags, &config);
    assert_int_equal(rc, config ? 0 : -1);
    assert_int_equal(rc, diags->errors ? -1 : 0);
    return config;
}

static void test_minimal(void **state)
{
    (void)state;
    struct vg_diags diags;
    struct vg_config *config = parse("pgvigil.yaml", MINIMAL, &diags);
    assert_int_equal(diags.n, 0);
    assert_string_equal(config->file, "pgvigil.yaml");
    assert_null(config->name);
    assert_string_equal(config->rules, "rules");
    assert_string_equal(config->state, "pgvigil.db");
    assert_int_equal(config->workers, 4);
    assert_null(config->listen_host);
    assert_null(config->push_url);
    assert_string_equal(config->push_job, "pgvigil");
    assert_int_equal(config->nreceivers + config->nretraining, 0);
    assert_int_equal(config->default_schedule_set, 0);
    assert_int_equal(config->default_after, VG_DEFAULT);
    const struct vg_connection *connection = vg_config_connection(config, "warehouse");
    assert_string_equal(connection->conninfo, "service=warehouse");
    assert_null(connection->password_file);
    assert_int_equal(connection->loc.line, 1);
    assert_null(vg_config_connection(config, "other"));
    vg_config_free(config);
    vg_config_free(NULL);
}

static const char full[] =
    "name: prod\n"
    "rules: rules/\n"
    "state: /var/lib/pgvigil/state.db\n"
    "workers: 8\n"
    "connections:\n"
    "  warehouse: {conninfo: \"service=warehouse\", password_file: secrets/pg}\n"
    "  other: {conninfo: \"postgresql://me@h/db\"}\n"
    "web: {listen: \"[::1]:9787\", external_url: https://watch.test/, datasets: always}\n"
    "pushgateway: {url: http://127.0.0.1:9091, job: watch, timeout: 5s}\n"
    "receivers:\n"
    "  ops: {slack: {url_file: secrets/slack}}\n"
    "  oncall: {pagerduty: {routing_key_file: secrets/pd}}\n"
    "  audit:\n"
    "    webhook:\n"
    "      url: http://10.0.0.5/hook\n"
    "      method: PUT\n"
    "      headers: {X-Team: \"a ${PGVIGIL_TEST_TEAM:-b}\", Idempotency-Key: k}\n"
    "      token_file: secrets/token\n"
    "      ca_file: ca.pem\n"
    "      insecure_http: true\n"
    "      allow_private: true\n"
    "retraining:\n"
    "  delay-model:\n"
    "    when: [drift]\n"
    "    after: 2\n"
    "    cooldown: 12h\n"
    "    max_per_week: 3\n"
    "    http:\n"
    "      url: https://flow.test/run\n"
    "      body:\n"
    "        model: \"{{model}}\"\n"
    "        text: \"a \\\"{{ value }}\\\"\\n\\\\ {{limit}}\"\n"
    "        list: [1, -2.5e3, 007, .5, null, ~, true, yes, \"1\", '{{rows}}']\n"
    "        nested: {a: {}, b: [], \"k\\\"\": \xc3\xa9}\n"
    "defaults:\n"
    "  schedule: {every: 1m, window: 4h, late: 1d}\n"
    "  sample: {percent: 5}\n"
    "  notify: {to: [ops], warn: [audit], remind: 4h, after: 2}\n"
    "  timezone: Europe/Berlin\n";

static void check_receivers(const struct vg_config *config)
{
    const struct vg_receiver *ops = vg_config_receiver(config, "ops");
    assert_int_equal(ops->kind, VG_RECEIVER_SLACK);
    assert_string_equal(ops->endpoint.url_file, "etc/secrets/slack");
    assert_null(ops->endpoint.url);
    assert_string_equal(ops->endpoint.method, "POST");
    assert_true(ops->endpoint.timeout_us == 10 * VG_US);
    const struct vg_receiver *oncall = vg_config_receiver(config, "oncall");
    assert_int_equal(oncall->kind, VG_RECEIVER_PAGERDUTY);
    assert_string_equal(oncall->routing_key_file, "etc/secrets/pd");
    assert_string_equal(oncall->endpoint.url, "https://events.pagerduty.com/v2/enqueue");
    const struct vg_receiver *audit = vg_config_receiver(config, "audit");
    assert_int_equal(audit->kind, VG_RECEIVER_WEBHOOK);
    assert_int_equal(audit->loc.line, 13);
    assert_string_equal(audit->endpoint.url, "http://10.0.0.5/hook");
    assert_string_equal(audit->endpoint.method, "PUT");
    assert_int_equal(audit->endpoint.nheaders, 2);
    assert_string_equal(audit->endpoint.headers[0].key, "X-Team");
    assert_string_equal(audit->endpoint.headers[0].value, "a b");
    assert_string_equal(audit->endpoint.token_file, "etc/secrets/token");
    assert_string_equal(audit->endpoint.ca_file, "etc/ca.pem");
    assert_true(audit->endpoint.insecure_http && audit->endpoint.allow_private);
}

static void test_full(void **state)
{
    (void)state;
    struct vg_diags diags;
    struct vg_config *config = parse("etc/pgvigil.yaml", full, &diags);
    if (!config)
        fail_msg("%s", rule_kit_print(&diags));
    assert_int_equal(diags.n, 4); /* the files of secrets are not there */
    for (size_t i = 0; i < diags.n; i++)
        assert_non_null(strstr(diags.items[i].msg, "there is no such file"));
    vg_diags_free(&diags);
    assert_string_equal(config->name, "prod");
    assert_string_equal(config->rules, "etc/rules");
    assert_string_equal(config->state, "/var/lib/pgvigil/state.db");
    assert_int_equal(config->workers, 8);
    assert_string_equal(config->connections[0].password_file, "etc/secrets/pg");
    assert_string_equal(config->connections[1].conninfo, "postgresql://me@h/db");
    assert_string_equal(config->listen_host, "::1");
    assert_int_equal(config->listen_port, 9787);
    assert_string_equal(config->external_url, "https://watch.test/");
    assert_true(config->web_datasets_always);
    assert_string_equal(config->push_url, "http://127.0.0.1:9091");
    assert_string_equal(config->push.url, config->push_url);
    assert_string_equal(config->push_job, "watch");
    assert_true(config->push.timeout_us == 5 * VG_US);
    check_receivers(config);
    const struct vg_retraining *retraining = vg_config_retraining(config, "delay-model");
    assert_int_equal(retraining->when, 1u << VG_CLASS_DRIFT);
    assert_int_equal(retraining->after, 2);
    assert_int_equal(retraining->max_per_week, 3);
    assert_true(retraining->cooldown_us == 12 * VG_HOUR_US);
    assert_string_equal(retraining->http.url, "https://flow.test/run");
    assert_string_equal(
        retraining->body,
        "{\"model\":\"{{model}}\",\"text\":\"a \\\"{{value}}\\\"\\u000a\\\\ {{limit}}\","
        "\"list\":[1,-2.5e3,\"007\",\".5\",null,null,true,\"yes\",\"1\",\"{{rows}}\"],"
        "\"nested\":{\"a\":{},\"b\":[],\"k\\\"\":\"\xc3\xa9\"}}");
    assert_int_equal(config->default_schedule_set, VG_SET_EVERY | VG_SET_WINDOW | VG_SET_LATE);
    assert_true(config->default_schedule.window_us == 4 * VG_HOUR_US);
    assert_true(config->default_sample_set && config->default_sample.amount == 5);
    assert_string_equal(config->default_to.items[0], "ops");
    assert_string_equal(config->default_warn_to.items[0], "audit");
    assert_true(config->default_remind_set && config->default_remind_us == 4 * VG_HOUR_US);
    assert_false(config->default_group_for_set);
    assert_int_equal(config->default_after, 2);
    assert_string_equal(config->default_timezone, "Europe/Berlin");
    vg_config_free(config);
}

static void test_retraining_defaults(void **state)
{
    (void)state;
    struct vg_diags diags;
    struct vg_config *config = parse(
        "p.yaml", MINIMAL "retraining: {m: {http: {url: \"http://127.0.0.1:1/x\"}}}\n", &diags);
    assert_int_equal(diags.n, 0);
    const struct vg_retraining *r = &config->retraining[0];
    assert_int_equal(r->when, 1u << VG_CLASS_DRIFT);
    assert_int_equal(r->after, 1);
    assert_int_equal(r->max_per_week, 2);
    assert_true(r->cooldown_us == VG_DAY_US);
    assert_null(r->body);
    vg_config_free(config);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *rules, *out;
    } rows[] = {
        {"pgvigil.yaml", "rules/", "rules"},
        {"./pgvigil.yaml", "rules", "./rules"},
        {"etc/p.yaml", "rules", "etc/rules"},
        {"/etc/p.yaml", "./rules", "/etc/rules"},
        {"/p.yaml", "rules", "/rules"},
        {"etc/p.yaml", "/a/b//", "/a/b"},
        {"etc/p.yaml", "../rules", "etc/../rules"},
        {"p.yaml", ".", "."},
        {"p.yaml", "/", "/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_diags diags;
        char text[200];
        snprintf(text, sizeof text, MINIMAL "rules: %s\n", rows[i].rules);
        struct vg_config *config = parse(rows[i].path, text, &diags);
        assert_string_equal(config->rules, rows[i].out);
        vg_config_free(config);
    }
}

struct refusal {
    const char *text, *msg, *hint;
};

#define RECEIVER(kind, body) "receivers: {r: {" kind ": {" body "}}}\n"
#define HTTP(body)           "retraining: {m: {http: {" body "}}}\n"
#define GOOD                 "url: \"https://a.b/c\""
#define PASSWORD             "a password does not stand in this file"
#define SECRET               "a secret does not stand in this file"
#define FILE_HINT            "write it to a file and name that: "

/* Each after MINIMAL, with one fault; hunter2 is always the secret. */
static const struct refusal refusals[] = {
    {"connections2: {}\n", "unknown key \"connections2\" in pgvigil.yaml",
     "did you mean \"connections\"?"},
    {"name: a b\n", "name: \"a b\" is not a name of letters, digits, _ . and -, at most 100", NULL},
    {"workers: 0\n", "workers: 0 is below 1, the least allowed", NULL},
    {"rules: [a]\n", "rules must be the path of a file, not a list", NULL},
    {"web: {}\n", "\"listen\" is missing in web", "address:port, for example 127.0.0.1:9787"},
    {"web: {listen: 9787}\n", "listen: \"9787\" is not address:port",
     "127.0.0.1:9787; port 0 takes any that is free"},
    {"web: {listen: \"a:70000\"}\n", "listen: \"a:70000\" is not address:port", ""},
    {"web: {listen: \"::1:80\"}\n", "listen: \"::1:80\" is not address:port", ""},
    {"web: {listen: \":80\"}\n", "listen: \":80\" is not address:port", ""},
    {"pushgateway: {}\n", "\"url\" is missing in pushgateway", "http://127.0.0.1:9091"},
    {"pushgateway: {url: \"http://push.test:9091\"}\n", "url: http is for loopback addresses only",
     "use https, or set insecure_http: true"},
    {"pushgateway: {url: \"https://u:hunter2@push.test\"}\n", SECRET, "token_file"},
    {"receivers: [a]\n", "receivers must be a mapping, not a list", "receivers: {name: {...}}"},
    {"receivers: {a b: {webhook: {" GOOD "}}}\n", "\"a b\" cannot be a name",
     "letters, digits, _ . and -, at most 100 of them"},
    {"receivers: {r: {}}\n", "a receiver is of one kind, not of 0",
     "slack, pagerduty, webhook, alertmanager, opsgenie, teams, discord, email or command"},
    {"receivers: {r: {fax: {}}}\n", "unknown key \"fax\" in a receiver",
     "known here: slack, pagerduty, webhook, alertmanager, opsgenie, teams, discord, email, "
     "command"},
    {"receivers: {r: {webhook: {" GOOD "}, slack: {url: \"http://127.0.0.1/\"}}}\n",
     "a receiver is of one kind, not of 2", ""},
    {RECEIVER("webhook", ""), "\"url\" or \"url_file\" is missing in webhook", NULL},
    {RECEIVER("webhook", "url: \"ftp://a.b\""),
     "url is not an address that begins with http:// or https://", NULL},
    {RECEIVER("webhook", "url: \"https://a.b:x/\""), "url: the host or the port cannot be read",
     NULL},
    {RECEIVER("webhook", "url: \"http://a.b\""), "url: http is for loopback addresses only", ""},
    {RECEIVER("webhook", "url: \"https://10.1.2.3\""), "url: this is a private or local address",
     "set allow_private: true"},
    {RECEIVER("webhook", "url: \"https://[fe80::1]\""), "url: this is a private or local address",
     ""},
    {RECEIVER("webhook", "url: \"http://169.254.169.254/x\", insecure_http: true"),
     "url: this is a private or local address", ""},
    {RECEIVER("webhook", "url: \"https://0177.0.0.1\""),
     "url: the address of the host is not written in the usual form", ""},
    {RECEIVER("webhook", "url: \"https://2130706433\", allow_private: true"),
     "url: the address of the host is not written in the usual form", ""},
    {RECEIVER("webhook", GOOD ", timeout: 31s"), "timeout: 31s is above 30s, the most allowed",
     NULL},
    {RECEIVER("webhook", GOOD ", method: GET"),
     "method: \"GET\" is not one of the words allowed here", ""},
    {RECEIVER("webhook", GOOD ", headers: [a]"), "headers must be a mapping of at most 100 headers",
     ""},
    {RECEIVER("webhook", GOOD ", headers: {\"a b\": c}"), "\"a b\" is not the name of a header",
     NULL},
    {RECEIVER("webhook", GOOD ", headers: {A: \"b\\nc\"}"),
     "a header holds no line ends or control characters", NULL},
    {RECEIVER("webhook", GOOD ", headers: {Content-Length: 5}"),
     "the header Content-Length is set by the program", NULL},
    {RECEIVER("webhook", GOOD ", headers: {X-A: b, x-a: c}"), "the header x-a was given already",
     NULL},
    {RECEIVER("slack", ""), "\"url_file\" is missing in slack",
     "the address of a Slack webhook is a secret"},
    {RECEIVER("pagerduty", ""), "\"routing_key_file\" is missing in pagerduty",
     "file that holds the integration key"},
    /* Secrets in clear: always refused, with the file to name instead. */
    {"connections: {a: {conninfo: \"host=h password=hunter2\"}}\n", "duplicate", NULL},
    {RECEIVER("slack", "url: \"https://hooks.slack.com/services/hunter2\""),
     "the address of a Slack webhook is a secret", FILE_HINT "url_file"},
    {RECEIVER("slack", "url: \"https://a.b/hunter2\""),
     "the address of a Slack webhook is a secret", FILE_HINT "url_file"},
    {RECEIVER("slack", "url: \"${PGVIGIL_TEST_SLACK}\""),
     "the address of a Slack webhook is a secret", FILE_HINT "url_file"},
    {RECEIVER("webhook", "url: \"https://u:hunter2@a.b\""), SECRET, FILE_HINT "url_file"},
    {RECEIVER("webhook", "url: \"https://hunter2@a.b\""), SECRET, FILE_HINT "url_file"},
    {RECEIVER("webhook", "url: \"https://a.b/?x=1&access_token=hunter2\""), SECRET,
     FILE_HINT "url_file"},
    {RECEIVER("webhook", "url: \"https://discord.com/api/webhooks/hunter2\""), SECRET,
     FILE_HINT "url_file"},
    {RECEIVER("webhook", "url: \"${PGVIGIL_TEST_SLACK}\""), SECRET, FILE_HINT "url_file"},
    {RECEIVER("webhook", GOOD ", token: hunter2"), SECRET, FILE_HINT "token_file"},
    {RECEIVER("webhook", GOOD ", token: \"${PGVIGIL_TEST_PASSWORD}\""), SECRET,
     FILE_HINT "token_file"},
    {RECEIVER("webhook", GOOD ", headers: {Authorization: Bearer hunter2}"),
     SECRET ": header Authorization",
     "token_file: a file whose text becomes Authorization: Bearer"},
    {RECEIVER("webhook", GOOD ", headers: {X-Api-Key: \"${PGVIGIL_TEST_PASSWORD}\"}"),
     SECRET ": header X-Api-Key", ""},
    {RECEIVER("pagerduty", "routing_key_file: pgvigil.yaml, routing_key: hunter2"), SECRET,
     FILE_HINT "routing_key_file"},
    {HTTP(GOOD ", token: hunter2"), SECRET, FILE_HINT "token_file"},
    {HTTP(GOOD ", body: {token: \"${PGVIGIL_TEST_PASSWORD}\"}"),
     "a secret does not come from the environment", ""},
    /* Retraining */
    {"retraining: {m: {}}\n", "a retraining is asked of one training system, not of 0", ""},
    {"retraining: {m: {when: [quality], http: {" GOOD "}}}\n",
     "when: this version retrains on drift only, not on quality yet", "when: [drift]"},
    {"retraining: {m: {when: [drif], http: {" GOOD "}}}\n", "when: there is no class \"drif\"",
     "did you mean \"drift\"?"},
    {HTTP(GOOD ", body: [a]"), "body must be a mapping, not a list", ""},
    {HTTP(GOOD ", body: {a: \"{{modle}}\"}"), "body: there is no {{modle}}",
     "did you mean {{model}}?"},
    {HTTP(GOOD ", body: {a: \"{{model}\"}"), "body: {{ is not closed", NULL},
    {HTTP(GOOD ", body: {a: {{model}}}"), "a key must be a single word, not a mapping",
     "put {{...}} in quotes"},
    {"defaults: {notify: {to: [nobody]}}\n", "there is no receiver \"nobody\"", ""},
    {"defaults: {schedule: {window: 5h}}\n",
     "window: 5h is no length for a window: windows above 1h have 2h, 3h, 4h, 6h, 8h, 12h, 1d or "
     "1w",
     ""},
    {"defaults: {timezone: Mars}\n", "the time zone \"Mars\" is not known to this system", ""},
    {"defaults: {timezone: UTC, schedule: {timezone: UTC}}\n", "timezone is given twice", NULL},
    {"defaults: {sample: {percent: 140}}\n", "percent: 140 is above 100, the most allowed", NULL},
};

static void check_refusal(const struct refusal *row)
{
    struct vg_diags diags;
    char text[1000];
    snprintf(text, sizeof text, MINIMAL "%s", row->text);
    struct vg_config *config = parse("pgvigil.yaml", text, &diags);
    char *printed = rule_kit_print(&diags);
    if (strstr(printed, "hunter2"))
        fail_msg("the secret shows:\n%s", printed);
    if (strcmp(row->msg, "duplicate")) {
        if (config || diags.errors != 1 || strcmp(diags.items[0].msg, row->msg))
            fail_msg("%s:\n%s", row->text, printed);
        if (row->hint && *row->hint)
            assert_string_equal(diags.items[0].hint, row->hint);
        else if (!row->hint)
            assert_null(diags.items[0].hint);
    }
    free(printed);
    vg_diags_free(&diags);
    vg_config_free(config);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_int_equal(setenv("PGVIGIL_TEST_PASSWORD", "hunter2", 1), 0);
    assert_int_equal(setenv("PGVIGIL_TEST_SLACK", "https://hooks.slack.com/services/hunter2", 1),
                     0);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        check_refusal(&refusals[i]);
}

static void test_conninfo(void **state)
{
    (void)state;
    static const struct {
        const char *conninfo;
        bool refused;
    } rows[] = {
        {"service=warehouse", false},
        {"host=h user=u passfile=/x sslkey=/y", false},
        {"host=h application_name='password=x'", false},
        {"postgresql://me@h/db?sslmode=verify-full", false},
        {"${PGVIGIL_TEST_NONE:-service=x}", false},
        {"host=h password=hunter2", true},
        {"password = 'hunter 2' host=h", true},
        {"host=h sslpassword=hunter2", true},
        {"host=h password=${PGVIGIL_TEST_PASSWORD}", true},
        {"${PGVIGIL_TEST_CONNINFO}", true},
        {"postgres://me:hunter2@h/db", true},
        {"postgresql://h/db?password=hunter2", true},
        {"host=h password hunter2", true},
    };
    assert_int_equal(setenv("PGVIGIL_TEST_PASSWORD", "hunter2", 1), 0);
    assert_int_equal(setenv("PGVIGIL_TEST_CONNINFO", "host=h password=hunter2", 1), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_diags diags;
        char text[200];
        snprintf(text, sizeof text, "connections: {a: {conninfo: \"%s\"}}\n", rows[i].conninfo);
        struct vg_config *config = parse("pgvigil.yaml", text, &diags);
        char *printed = rule_kit_print(&diags);
        assert_int_equal(config == NULL, rows[i].refused);
        /* What is no connection string at all is not known to hold a secret word by word. */
        if (strcmp(rows[i].conninfo, "host=h password hunter2"))
            assert_null(strstr(printed, "hunter2"));
        if (rows[i].refused) {
            assert_string_equal(diags.items[0].msg, PASSWORD);
            assert_string_equal(diags.items[0].hint, FILE_HINT "password_file");
        }
        free(printed);
        vg_diags_free(&diags);
        vg_config_free(config);
    }
    struct vg_diags diags;
    static const char text[] = "connections: {a: {conninfo: \"host=h\", password: hunter2}}\n";
    assert_null(parse("pgvigil.yaml", text, &diags));
    assert_string_equal(diags.items[0].hint, FILE_HINT "password_file");
    assert_null(strstr(diags.items[0].line_text, "hunter2"));
    vg_diags_free(&diags);
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const fine[] = {
        RECEIVER("slack", "url: \"http://127.0.0.1:8080/services/x\""),
        RECEIVER("slack", "url: \"http://[::1]:8080/\""),
        RECEIVER("webhook", "url: \"http://localhost:1/\""),
        RECEIVER("pagerduty", "routing_key_file: /dev/null, url: \"http://127.0.0.1:8080/\""),
        RECEIVER("webhook", "url: \"https://192.0.2.1/\", allow_private: true"),
        RECEIVER("webhook", "url: \"https://8.8.8.8/\""),
        RECEIVER("webhook", "url: \"http://a.b/\", insecure_http: true"),
        RECEIVER(
            "pagerduty",
            "routing_key_file: /dev/null, url: \"https://events.eu.pagerduty.com/v2/enqueue\""),
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        struct vg_diags diags;
        char text[300];
        snprintf(text, sizeof text, MINIMAL "%s", fine[i]);
        struct vg_config *config = parse("pgvigil.yaml", text, &diags);
        if (!config)
            fail_msg("%s: %s", fine[i], diags.items[0].msg);
        vg_diags_free(&diags);
        vg_config_free(config);
    }
}

static void test_load(void **state)
{
    (void)state;
    char folder[] = "/tmp/pgvigil-config-XXXXXX", path[64];
    struct vg_diags diags = {0};
    struct vg_config *config;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/p.yaml", folder);
    assert_int_equal(vg_config_load(path, &diags, &config), -1);
    assert_null(config);
    assert_string_equal(diags.items[0].msg, "No such file or directory");
    assert_int_equal(vg_config_load(folder, &diags, &config), -1);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(MINIMAL, file);
    fclose(file);
    assert_int_equal(chmod(path, 0644), 0);
    vg_diags_free(&diags);
    assert_int_equal(vg_config_load(path, &diags, &config), 0);
    assert_int_equal(diags.n, 0);
    assert_int_equal(strncmp(config->rules, folder, strlen(folder)), 0);
    vg_config_free(config);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(vg_config_load(path, &diags, &config), -1);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(vg_config_load(path, &diags, &config), 0);
    vg_config_free(config);
    vg_diags_free(&diags);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_retraining_defaults),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_conninfo),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
