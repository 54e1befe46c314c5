/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of training systems (agent/triggers): what their keys may be, and answers that no
 * played system gives in passing: collisions, words for states, names that must be made fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/delivery_kit.h"
#include "tests/unit/systems_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Keys ------------------------------------------------------------------------------------- */

#define AT     "url: \"https://a.test\", "
#define GITHUB "repository: a/b, workflow: w.yml, token_file: p.yaml"

static void test_keys_that_are_refused(void **state)
{
    static const struct {
        const char *keys, *msg;
    } cases[] = {
        {"http: {" AT "}, airflow: {" AT "dag: d}",
         "a retraining is asked of one training system, not of 2"},
        {"airflow: {dag: d}", "\"url\" is missing in airflow"},
        {"airflow: {" AT "}", "\"dag\" is missing in airflow"},
        {"airflow: {" AT "dag: d, version: 4}", "version: \"4\""},
        {"airflow: {" AT "dag: d, user: u}", "user: a name to log in with needs its password"},
        {"airflow: {" AT "dag: d, password_file: p.yaml}", "whose password it is is missing"},
        {"airflow: {" AT "dag: d, password: hunter2}", "a secret does not stand in this file"},
        {"airflow: {" AT "dag: d, token_file: p.yaml, token_command: [/bin/x]}",
         "token_file and token_command exclude each other"},
        {"airflow: {" AT "dag: d, token_command: [x]}", "begins with a slash"},
        {"airflow: {" AT "dag: d, parameters: {a: \"{{modle}}\"}}",
         "parameters: there is no {{modle}}"},
        {"airflow: {url: \"http://10.0.0.1\", dag: d}", "private or local address"},
        {"airflow: {url: \"http://a.test\", dag: d}", "http is for loopback addresses only"},
        {"command: {run: [retrain]}", "the path of the program begins with a slash"},
        {"github: {" GITHUB ", event_type: e}", "one of workflow and event_type is given"},
        {"github: {repository: a, workflow: w, token_file: p.yaml}", "this is not owner/name"},
        {"github: {repository: a/b, workflow: w}",
         "\"token_file\" or \"token_command\" is missing"},
        {"github: {" GITHUB ", parameters: {a: b}}", "none holds {{onset_key}}"},
        {"github: {repository: a/b, event_type: e, token_file: p.yaml, parameters: {k:"
         " \"{{onset_key}}\", a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1}}",
         "GitHub takes at most 10 of them"},
        {"gitlab: {project: p, token_file: p.yaml}", "\"api_token_file\" is missing in gitlab"},
        {"jenkins: {" AT "job: j, token_file: p.yaml}", "\"user\" is missing in jenkins"},
        {"mlflow: {" AT "}", "\"experiment\" is missing in mlflow"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        systems_refuse(cases[i].keys, cases[i].msg);
}

/* --- Airflow ---------------------------------------------------------------------------------- */

static void test_airflow_collides(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, "airflow: {" AT "dag: \"a b/c\", token_file: p.yaml}");
    systems_ask(&asked, 0);
    assert_string_equal(asked.request.url, "https://a.test/api/v2/dags/a%20b%2Fc");
    assert_true(systems_take(&asked, 403, "{}")->more); /* it may start what it may not read */
    assert_non_null(strstr(systems_ask(&asked, asked.said.step), "\"logical_date\":null"));
    assert_true(systems_take(&asked, 409, "{}")->more);
    systems_ask(&asked, asked.said.step);
    assert_string_equal(asked.request.method, "GET");
    assert_non_null(strstr(asked.request.url, "/dagRuns/pgvigil__" KIT_KEY));
    assert_true(systems_take(&asked, 404, "{}")->more); /* only the date was taken */
    assert_non_null(strstr(systems_ask(&asked, asked.said.step), "2001-06-12T00:00:00.000001Z"));
    assert_true(systems_take(&asked, 409, "{}")->more);
    systems_ask(&asked, asked.said.step);
    systems_take(&asked, 200, "{\"dag_run_id\":\"pgvigil__" KIT_KEY "\",\"state\":\"failed\"}");
    assert_false(asked.said.more);
    assert_int_equal(asked.said.state, VG_RETRAIN_FAILED);
    systems_end(&asked);
}

static void test_airflow_answers(void **state)
{
    static const struct {
        int status;
        enum vg_outcome outcome;
    } cases[] = {{200, VG_DELIVERED}, {201, VG_DELIVERED}, {401, VG_RETRY},
                 {404, VG_PERMANENT}, {422, VG_PERMANENT}, {302, VG_PERMANENT},
                 {429, VG_RETRY},     {500, VG_RETRY},     {0, VG_RETRY}};
    (void)state;
    struct asked asked;
    systems_begin(&asked, "airflow: {" AT "dag: d, token_file: p.yaml}");
    asked.in.step = 1;
    for (size_t i = 0; i < COUNT(cases); i++) {
        systems_take(&asked, cases[i].status, "{\"dag_run_id\":\"r\"}");
        assert_int_equal(asked.said.outcome, cases[i].outcome);
        assert_false(asked.said.more);
    }
    systems_end(&asked);
}

/* What is said to a log-in is not for others' eyes. */
static void test_airflow_does_not_quote_a_log_in(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, "airflow: {" AT "dag: d, user: u, password_file: p.yaml}");
    asked.in.token = NULL;
    systems_take(&asked, 401, "{\"input\":{\"password\":\"canary\"}}");
    assert_string_equal(asked.said.why, "/auth/token: status 401");
    assert_int_equal(asked.said.outcome, VG_RETRY);
    systems_take(&asked, 422, "canary");
    assert_string_equal(asked.said.why, "/auth/token: status 422");
    assert_int_equal(systems_take(&asked, 200, "<html>log in</html>")->outcome, VG_RETRY);
    assert_string_equal(asked.said.why, "/auth/token: status 200, with an answer that is no token");
    assert_non_null(strstr(systems_take(&asked, 0, "")->why, "no answer in time"));
    systems_end(&asked);
}

static void test_airflow_2_is_basic(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked,
                  "airflow: {" AT "version: 2, dag: d, user: Aladdin, password_file: p.yaml}");
    asked.in.token = NULL;
    asked.in.password = "open sesame";
    assert_non_null(strstr(systems_ask(&asked, 1), "\"logical_date\":\"2001"));
    assert_non_null(strstr(asked.request.url, "/api/v1/"));
    /* RFC 7617 */
    assert_string_equal(asked.request.headers[asked.request.nheaders - 1].value,
                        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    systems_end(&asked);
}

/* --- The others ------------------------------------------------------------------------------- */

static void test_github_finds_its_run(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, "github: {" GITHUB "}");
    systems_ask(&asked, 0);
    assert_string_equal(asked.request.url,
                        "https://api.github.com/repos/a/b/actions/workflows/w.yml/"
                        "runs?event=workflow_dispatch&per_page=3&page=1&created=%3E%3D2001-06-12");
    assert_true(
        systems_take(&asked, 200, "{\"workflow_runs\":[{\"display_title\":\"retrain\"}]}")->more);
    systems_take(
        &asked, 200,
        "{\"workflow_runs\":[{\"id\":1,\"display_title\":null},{\"id\":30433642,\"display_title\":"
        "\"x " KIT_KEY "\",\"status\":\"completed\",\"conclusion\":\"timed_out\"}]}");
    assert_false(asked.said.more);
    assert_string_equal(asked.said.id, "30433642");
    assert_int_equal(asked.said.state, VG_RETRAIN_FAILED);
    /* who may not look must not start either */
    assert_int_equal(systems_take(&asked, 403, "{}")->outcome, VG_PERMANENT);
    systems_take(&asked, 403, "{\"message\":\"You have exceeded a secondary rate limit\"}");
    assert_int_equal(asked.said.outcome, VG_RETRY);
    struct vg_response *limited = kit_response(403, "{}");
    limited->retry_after_us = VG_MINUTE_US;
    asked.system->answer(&asked.in, limited, &asked.said);
    assert_int_equal(asked.said.outcome, VG_RETRY);
    assert_true(asked.said.retry_after_us == VG_MINUTE_US);
    systems_end(&asked);
}

/* Three runs fit into what is kept of an answer: the others are on further pages. */
static void test_github_turns_pages(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, "github: {" GITHUB "}");
    for (int page = 1; page <= 100; page++) {
        char part[40];
        snprintf(part, sizeof part, "&per_page=3&page=%d&", page);
        systems_ask(&asked, 0);
        assert_non_null(strstr(asked.request.url, part));
        systems_take(&asked, 200, "{\"workflow_runs\":[{},{},{}]}");
        assert_int_equal(asked.said.more, page < 100);
        assert_int_equal(asked.said.step, 0);
        asked.in.memory = vg_arena_strdup(asked.arena, asked.said.memory);
    }
    assert_int_equal(asked.said.outcome, VG_RETRY); /* rather none than two */
    systems_end(&asked);
}

/* An answer to a look that is cut off, or is none, hides whether there is a run of ours. */
static void test_looks_that_cannot_be_read(void **state)
{
    static const struct {
        const char *keys;
        int step;
        const char *memory, *body; /* of a look that finds nothing */
    } cases[] = {
        {"airflow: {" AT "dag: d, token_file: p.yaml}", 2, NULL, NULL},
        {"github: {" GITHUB "}", 0, NULL, "{\"workflow_runs\":[]}"},
        {"gitlab: {project: 7, token_file: p.yaml, api_token_file: p.yaml}", 0, NULL, "[]"},
        {"gitlab: {project: 7, token_file: p.yaml, api_token_file: p.yaml}", 2, "1 ", "[]"},
        {"jenkins: {" AT "job: j, user: u, token_file: p.yaml}", 0, NULL, "{\"items\":[]}"},
        {"jenkins: {" AT "job: j, user: u, token_file: p.yaml}", 1, NULL, "{\"builds\":[]}"},
        {"mlflow: {" AT "experiment: e}", 1, "7", "{}"},
        {"kubeflow: {" AT "pipeline_id: p}", 0, NULL, "{}"},
        {"flyte: {" AT "project: p, launch_plan: w}", 0, NULL, "{\"id\":{\"version\":\"v\"}}"},
        {"prefect: {" AT "deployment: a/b}", 0, NULL, "{\"id\":\"i\"}"},
        {"dagster: {" AT "job: j, location: l}", 0, NULL,
         "{\"data\":{\"runsOrError\":{\"__typename\":\"Runs\",\"results\":[]}}}"},
    };
    static const char *const unreadable[] = {"",   "<html>", "{\"runs\":[{",
                                             "[[", "7",      "{\"runs\":\"\"}"};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct asked asked;
        systems_begin(&asked, cases[i].keys);
        asked.in.step = cases[i].step;
        asked.in.memory = cases[i].memory;
        size_t n = cases[i].body ? COUNT(unreadable) : COUNT(unreadable) - 1;
        if (strstr(cases[i].keys, "flyte") || strstr(cases[i].keys, "prefect"))
            n--; /* an object without what is looked for is a refusal */
        for (size_t k = 0; k < n; k++) {
            systems_take(&asked, 200, unreadable[k]);
            if (asked.said.more || asked.said.outcome != VG_RETRY)
                fail_msg("%s: %s: %s", cases[i].keys, unreadable[k], asked.said.why);
        }
        if (cases[i].body) {
            struct vg_response *cut = kit_response(200, cases[i].body);
            assert_true(systems_take(&asked, 200, cases[i].body)->more);
            cut->whole = false;
            asked.said = (struct vg_trigger_said){0};
            asked.system->answer(&asked.in, cut, &asked.said);
            assert_int_equal(asked.said.outcome, VG_RETRY);
        }
        systems_end(&asked);
    }
}

/* [{"id": from}, {"id": from - 1}, ...], n of them. */
static const char *make_pipelines(struct vg_arena *arena, int from, int n)
{
    struct vg_buf list;
    vg_buf_init(&list, 1 << 16);
    for (int i = 0; i < n; i++)
        vg_buf_printf(&list, "%s{\"id\":%d}", i ? "," : "[", from - i);
    vg_buf_puts(&list, n ? "]" : "[]");
    const char *text = vg_arena_strdup(arena, list.data);
    vg_buf_free(&list);
    return text;
}

/* The next request of the chain, as the answer before it said. */
static void go_on(struct asked *asked)
{
    assert_true(asked->said.more);
    if (*asked->said.memory)
        asked->in.memory = vg_arena_strdup(asked->arena, asked->said.memory);
    systems_ask(asked, asked->said.step);
}

#define GITLAB "gitlab: {project: 7, token_file: p.yaml, api_token_file: p.yaml}"

/* Every pipeline since the request is looked into, on as many pages as there are. */
static void test_gitlab_looks_into_all(void **state)
{
    char at[120];
    (void)state;
    struct asked asked;
    systems_begin(&asked, GITLAB);
    systems_ask(&asked, 0);
    assert_string_equal(asked.request.url,
                        "https://gitlab.com/api/v4/projects/7/pipelines?source=trigger&per_page=50"
                        "&page=1&order_by=id&sort=desc&updated_after=2001-06-12T23%3A10%3A00Z"
                        "&created_after=2001-06-12T23%3A10%3A00Z");
    systems_take(&asked, 200, make_pipelines(asked.arena, 60, 50));
    go_on(&asked);
    assert_non_null(strstr(asked.request.url, "&page=2&"));
    systems_take(&asked, 200, make_pipelines(asked.arena, 10, 10));
    for (int id = 60; id > 0; id--) {
        go_on(&asked);
        snprintf(at, sizeof at,
                 "https://gitlab.com/api/v4/projects/7/pipelines/%d/variables?per_page=100", id);
        assert_string_equal(asked.request.url, at);
        assert_string_equal(systems_header(&asked, "PRIVATE-TOKEN"), "password");
        if (id % 7)
            systems_take(&asked, 200, "[{\"key\":\"A\",\"value\":\"b\"}]");
        else
            systems_take(&asked, 404, "{}"); /* deleted meanwhile */
    }
    go_on(&asked);
    assert_non_null(strstr(asked.request.body, "token=token&ref=main"));
    systems_end(&asked);
}

static void test_gitlab_finds_its_pipeline(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, GITLAB);
    systems_ask(&asked, 0);
    systems_take(&asked, 200, "[{\"id\":12},{\"id\":11}]");
    go_on(&asked);
    systems_take(&asked, 200, "[]");
    go_on(&asked);
    systems_take(&asked, 200, "[{\"key\":\"PGVIGIL_ONSET_KEY\",\"value\":\"" KIT_KEY "\"}]");
    assert_int_equal(asked.said.outcome, VG_DELIVERED);
    assert_false(asked.said.more);
    assert_string_equal(asked.said.id, "11");
    systems_end(&asked);
}

static void test_gitlab_starts_rather_none_than_two(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, GITLAB);
    systems_ask(&asked, 0);
    assert_true(systems_take(&asked, 200, "[]")->more);
    assert_non_null(strstr(systems_ask(&asked, asked.said.step), "token=token&ref=main"));
    systems_ask(&asked, 0);
    assert_int_equal(systems_take(&asked, 200, "[{}]")->outcome, VG_RETRY);
    assert_int_equal(systems_take(&asked, 200, "not JSON")->outcome, VG_RETRY);
    systems_take(&asked, 200, make_pipelines(asked.arena, 100, 50));
    go_on(&asked);
    systems_take(&asked, 200, make_pipelines(asked.arena, 50, 50));
    assert_int_equal(asked.said.outcome, VG_RETRY);
    assert_false(asked.said.more);
    assert_non_null(strstr(asked.said.why, "100 pipelines were triggered since the request"));
    /* who may not read variables must not start either */
    asked.in.memory = "1 ";
    systems_ask(&asked, 2);
    assert_int_equal(systems_take(&asked, 403, "{}")->outcome, VG_PERMANENT);
    systems_end(&asked);
}

/* {"builds": [...]} of n that were started so many seconds after the request. */
static const char *make_builds(struct vg_arena *arena, const struct asked *asked, int n, int after)
{
    struct vg_buf list;
    vg_buf_init(&list, 1 << 16);
    for (int i = 0; i < n; i++)
        vg_buf_printf(&list, "%s{\"number\":%d,\"timestamp\":%lld}", i ? "," : "", 100 - i,
                      (long long)(asked->in.asked_us / 1000 + after * 1000));
    const char *text = vg_arena_printf(arena, "{\"builds\":[%s]}", list.data);
    vg_buf_free(&list);
    return text;
}

#define JENKINS "jenkins: {" AT "job: j, user: u, token_file: p.yaml}"
#define TEN     "{},{},{},{},{},{},{},{},{},{}"

/* The queue and the builds are gone through in parts, up to builds older than the request. */
static void test_jenkins_goes_through_its_lists(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, JENKINS);
    systems_ask(&asked, 0);
    assert_non_null(strstr(asked.request.url, "/queue/api/json?tree=items%5B"));
    assert_non_null(strstr(asked.request.url, "%7B0%2C10%7D"));
    systems_take(&asked, 200, "{\"items\":[" TEN "]}");
    go_on(&asked);
    assert_non_null(strstr(asked.request.url, "%7B10%2C20%7D"));
    systems_take(&asked, 200, "{\"items\":[{}]}");
    go_on(&asked);
    assert_non_null(strstr(asked.request.url, "/job/j/api/json?tree=builds%5B"));
    assert_non_null(strstr(asked.request.url, "%7B0%2C10%7D"));
    systems_take(&asked, 200, make_builds(asked.arena, &asked, 10, 60));
    go_on(&asked);
    assert_non_null(strstr(asked.request.url, "%7B10%2C20%7D"));
    systems_take(&asked, 200, make_builds(asked.arena, &asked, 10, -3000));
    go_on(&asked); /* by a clock that may be an hour behind */
    systems_take(&asked, 200, make_builds(asked.arena, &asked, 10, -4000));
    go_on(&asked);
    assert_non_null(strstr(asked.request.url, "/buildWithParameters"));
    systems_end(&asked);
}

static void test_jenkins_builds_rather_none_than_two(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, JENKINS);
    systems_ask(&asked, 1);
    for (int part = 1; part < 10; part++) {
        systems_take(&asked, 200, make_builds(asked.arena, &asked, 10, 60));
        go_on(&asked);
    }
    systems_take(&asked, 200, make_builds(asked.arena, &asked, 10, 60));
    assert_int_equal(asked.said.outcome, VG_RETRY);
    assert_false(asked.said.more);
    assert_string_equal(asked.said.why, "100 builds and more: too many to look for ours");
    systems_end(&asked);
}

static void test_jenkins_has_not_queued(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, "jenkins: {" AT "job: a/b c, user: u, token_file: p.yaml}");
    systems_ask(&asked, 2);
    assert_string_equal(asked.request.url,
                        "https://a.test/job/a/job/b%20c/buildWithParameters?delay=0sec");
    assert_int_equal(systems_take(&asked, 302, "")->outcome, VG_PERMANENT);
    assert_int_equal(systems_take(&asked, 201, "")->outcome, VG_DELIVERED);
    assert_string_equal(asked.said.id, ""); /* no Location: it cannot be followed */
    systems_end(&asked);
}

/* What the server calls a number is a number, and never part of a format. */
static void test_jenkins_numbers_its_builds(void **state)
{
    static const struct {
        const char *id, *body, *becomes;
        enum vg_retrain_state state;
    } cases[] = {
        {"queue/7", "{\"executable\":{\"number\":5}}", "build/5", VG_RETRAIN_RUNNING},
        {"queue/7", "{\"executable\":{\"number\":\"%s%n\"}}", "", VG_RETRAIN_ASKED},
        {"queue/7", "{\"why\":\"no executor\"}", "", VG_RETRAIN_QUEUED},
        {"build/5", "{\"number\":5,\"result\":\"SUCCESS\"}", "build/5", VG_RETRAIN_SUCCEEDED},
        {"build/5", "{\"number\":\"%s\",\"result\":\"SUCCESS\"}", "", VG_RETRAIN_ASKED},
        {"build/5", "<html>", "", VG_RETRAIN_ASKED},
    };
    (void)state;
    struct asked asked;
    systems_begin(&asked, "jenkins: {" AT "job: j, user: u, token_file: p.yaml}");
    systems_follow(&asked, "build/%s%n");
    assert_string_equal(asked.request.url,
                        "https://a.test/job/j/%25s%25n/api/json?tree=number,url,building,result");
    for (size_t i = 0; i < COUNT(cases); i++) {
        systems_follow(&asked, cases[i].id);
        systems_look(&asked, 200, cases[i].body);
        assert_string_equal(asked.said.id, cases[i].becomes);
        assert_int_equal(asked.said.state, cases[i].state);
    }
    systems_end(&asked);
}

static void test_mlflow_takes_any_name_and_number(void **state)
{
    (void)state;
    struct asked asked;
    char longest[400];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    systems_begin(&asked, "mlflow: {" AT "experiment: e}");
    asked.in.memory = "run1";
    asked.onset.value = NAN;
    asked.onset.limit = -INFINITY;
    asked.onset.rule = "a:b\xc3\xa4";
    json_t *body = json_loads(systems_ask(&asked, 3), 0, NULL);
    assert_string_equal(kit_text(body, "metrics/0/key"), "drift/delay_predictions/a_b__/value");
    assert_string_equal(kit_text(body, "metrics/0/value"), "NaN");
    assert_string_equal(kit_text(body, "metrics/1/value"), "-Infinity");
    assert_int_equal(json_integer_value(kit_at(body, "metrics/2/timestamp")), 992391000000);
    assert_string_equal(kit_text(body, "tags/0/value"), KIT_KEY);
    json_decref(body);
    asked.onset.rule = longest;
    body = json_loads(systems_ask(&asked, 3), 0, NULL);
    assert_int_equal(strlen(kit_text(body, "metrics/0/key")), 250);
    json_decref(body);
    systems_end(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_refused),
        cmocka_unit_test(test_airflow_collides),
        cmocka_unit_test(test_airflow_answers),
        cmocka_unit_test(test_airflow_does_not_quote_a_log_in),
        cmocka_unit_test(test_airflow_2_is_basic),
        cmocka_unit_test(test_github_finds_its_run),
        cmocka_unit_test(test_github_turns_pages),
        cmocka_unit_test(test_looks_that_cannot_be_read),
        cmocka_unit_test(test_gitlab_looks_into_all),
        cmocka_unit_test(test_gitlab_finds_its_pipeline),
        cmocka_unit_test(test_gitlab_starts_rather_none_than_two),
        cmocka_unit_test(test_jenkins_goes_through_its_lists),
        cmocka_unit_test(test_jenkins_builds_rather_none_than_two),
        cmocka_unit_test(test_jenkins_has_not_queued),
        cmocka_unit_test(test_jenkins_numbers_its_builds),
        cmocka_unit_test(test_mlflow_takes_any_name_and_number),
    };
    return cmocka_run_group_tests_name("systems", tests, NULL, NULL);
}
