/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of training systems that run jobs and pipelines (agent/triggers/kubeflow.c to
 * vertex.c): keys that do not load, what an answer means, and the state of a run by its word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/systems_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT       "url: \"https://a.test\", "

#define KUBEFLOW "kubeflow: {" AT "pipeline_id: p}"
#define ARGO     "argo: {" AT "namespace: ml, template: t}"
#define EVENTS   "argo_events: {" AT "namespace: ml}"
#define FLYTE    "flyte: {" AT "project: p, launch_plan: w}"
#define FLYTE_V  "flyte: {" AT "project: p, launch_plan: w, version: v}"
#define PREFECT  "prefect: {url: \"https://a.test/api\", deployment: flow a/b}"
#define DAGSTER  "dagster: {" AT "job: j, location: l}"
#define CRONJOB  "kubernetes: {namespace: ml, cronjob: c}"
#define SAGE     "sagemaker: {region: eu-central-1, pipeline: p}"
#define PLACE    "project: p, location: europe-west4, template_uri: \"https://t.test\", "
#define VERTEX   "vertex: {" PLACE "output: \"gs://b\", token_file: p.yaml}"

#define GITHUB "github: {repository: a/b, workflow: w.yml, token_file: p.yaml}"
#define OLD    "{\"message\":\"\\\"return_run_details\\\" is not a permitted key.\"}"

#define QUOTA "{\"message\":\"jobs.batch \\\"x\\\" is forbidden: exceeded quota: q\"}"

#define NAMED(rest) "{\"metadata\":{\"name\":\"pgvigil-" KIT_KEY "\"}," rest "}"
#define RUNS(list)  "{\"data\":{\"runsOrError\":{\"__typename\":\"Runs\",\"results\":[" list "]}}}"
#define LAUNCH(is)  "{\"data\":{\"launchRun\":{\"__typename\":\"" is "\",\"message\":\"m\"}}}"
#define WHERE       "{\"message\":\"m\",\"locations\":[{\"line\":1,\"column\":2}]"
#define TYPE(type)  "{\"__type\":\"" type "\",\"message\":\"m\"}"
#define ENDED(a, b) "{\"status\":{\"conditions\":[{\"type\":\"" a "\",\"status\":\"" b "\"}]}}"

static void test_keys_that_are_refused(void **state)
{
    static const struct {
        const char *keys, *msg;
    } cases[] = {
        {"kubeflow: {" AT "}", "\"pipeline_id\" is missing in kubeflow"},
        {"argo: {" AT "namespace: ml}", "\"template\" is missing in argo"},
        {"argo: {" AT "namespace: ml, template: t, kind: Pod}", "kind: \"Pod\""},
        {"argo_events: {" AT "discriminator: d}", "the namespace is missing"},
        {"argo_events: {" AT "parameters: {a: b}}", "none holds {{onset_key}}"},
        {"flyte: {" AT "project: p}", "\"launch_plan\" is missing in flyte"},
        {"flyte: {" AT "project: p, launch_plan: w, parameters: {a: [[1]]}}", "lists of lists"},
        {"prefect: {" AT "deployment: d}", "neither an id nor flow/deployment"},
        {"prefect: {" AT "deployment: a/b/c}", "neither an id nor flow/deployment"},
        {"dagster: {" AT "job: j}", "\"location\" is missing in dagster"},
        {"kubernetes: {namespace: ml}", "one of job and cronjob is given"},
        {"kubernetes: {namespace: ml, cronjob: c, job: {spec: {}}}",
         "one of job and cronjob is given"},
        {"kubernetes: {namespace: ml, job: {spec: {template: {}}}}",
         "no spec.template.spec.containers"},
        {"sagemaker: {region: \"eu:x\", pipeline: p}", "not the name of a region"},
        {"sagemaker: {region: eu-central-1}", "\"pipeline\" is missing in sagemaker"},
        {"vertex: {project: p, location: a.b, template_uri: t, output: \"gs://b\", token_file:"
         " p.yaml}",
         "not the name of a location"},
        {"vertex: {" PLACE "output: /x, token_file: p.yaml}", "it begins with gs://"},
        {"vertex: {" PLACE "output: \"gs://b\"}", "\"token_file\" or \"token_command\" is missing"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        systems_refuse(cases[i].keys, cases[i].msg);
}

/* What an answer to a step means; `more`: another request follows. */
struct taken {
    const char *keys;
    int step, status;
    const char *body;
    enum vg_outcome outcome;
    bool more;
    enum vg_retrain_state state;
};

static void check_taken(const struct taken *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct asked asked;
        systems_begin(&asked, cases[i].keys);
        asked.in.step = cases[i].step;
        systems_take(&asked, cases[i].status, cases[i].body);
        if (asked.said.outcome != cases[i].outcome || asked.said.more != cases[i].more ||
            asked.said.state != cases[i].state)
            fail_msg("%s, %d %s: %d, %d, %d, %s", cases[i].keys, cases[i].status, cases[i].body,
                     (int)asked.said.outcome, asked.said.more, (int)asked.said.state,
                     asked.said.why);
        systems_end(&asked);
    }
}

static void test_answers(void **state)
{
    static const struct taken cases[] = {
        {KUBEFLOW, 0, 200, "{}", VG_DELIVERED, true, 0},
        {KUBEFLOW, 0, 200, "not JSON", VG_RETRY, false, 0}, /* it could hide our run */
        {KUBEFLOW, 0, 403, "{}", VG_PERMANENT, false, 0},
        {KUBEFLOW, 0, 200, "{\"runs\":[{\"run_id\":\"r\",\"state\":\"CANCELED\"}]}", VG_DELIVERED,
         false, VG_RETRAIN_FAILED},
        {KUBEFLOW, 0, 200, "{\"runs\":[{\"run_id\":\"r\",\"state\":\"RUNNING\", \"run_details\":{",
         VG_DELIVERED, false, VG_RETRAIN_RUNNING},
        {KUBEFLOW, 1, 200, "{\"run_id\":\"r\",\"state\":\"PENDING\"}", VG_DELIVERED, false,
         VG_RETRAIN_QUEUED},
        {KUBEFLOW, 1, 400, "{}", VG_PERMANENT, false, 0},
        {ARGO, 0, 409, "{\"code\":6,\"message\":\"already exists\"}", VG_DELIVERED, false, 0},
        {ARGO, 0, 409, "{\"reason\":\"AlreadyExists\"}", VG_DELIVERED, false, 0},
        {ARGO, 0, 409, "{\"code\":10}", VG_RETRY, false, 0},
        {ARGO, 0, 409, "<html>", VG_RETRY, false, 0},
        {ARGO, 0, 200, NAMED("\"status\":{\"phase\":\"Error\"}"), VG_DELIVERED, false,
         VG_RETRAIN_FAILED},
        {ARGO, 0, 200, "{\"metadata\":{\"name\":\"pgvigil-" KIT_KEY, VG_DELIVERED, false,
         0}, /* longer than what is kept */
        {ARGO, 0, 404, "{}", VG_PERMANENT, false, 0},
        {ARGO, 0, 500, "{\"code\":2}", VG_DELIVERED, true, 0}, /* perhaps the name is taken */
        {ARGO, 1, 200, NAMED("\"status\":{\"phase\":\"Pending\"}"), VG_DELIVERED, false,
         VG_RETRAIN_QUEUED},
        {ARGO, 1, 404, "{}", VG_RETRY, false, 0},
        {ARGO, 1, 500, "{}", VG_RETRY, false, 0},
        {ARGO, 1, 403, "{}", VG_RETRY, false, 0}, /* who may create need not get */
        {ARGO, 0, 403, "{}", VG_PERMANENT, false, 0},
        {ARGO, 0, 403, QUOTA, VG_RETRY, false, 0},
        {CRONJOB, 1, 403, QUOTA, VG_RETRY, false, 0},
        {GITHUB, 1, 422, OLD, VG_DELIVERED, true, 0},
        {GITHUB, 1, 400, OLD, VG_DELIVERED, true, 0},
        {GITHUB, 2, 400, OLD, VG_PERMANENT, false, 0},
        {GITHUB, 1, 422, "{}", VG_PERMANENT, false, 0},
        {EVENTS, 0, 200, "{}", VG_DELIVERED, false, 0},
        {EVENTS, 0, 503, "{}", VG_RETRY, false, 0}, /* its queue is full */
        {FLYTE, 0, 200, "{\"id\":{\"version\":\"v\"}}", VG_DELIVERED, true, 0},
        {FLYTE, 0, 200, "{}", VG_PERMANENT, false, 0},
        {FLYTE, 0, 404, "{}", VG_PERMANENT, false, 0},
        {FLYTE_V, 1, 409, "{\"code\":6}", VG_DELIVERED, false, 0},
        {FLYTE_V, 1, 409, "{\"code\":10}", VG_RETRY, false, 0},
        {PREFECT, 0, 200, "{\"id\":\"x\"}", VG_DELIVERED, true, 0},
        {PREFECT, 0, 409, "{}", VG_PERMANENT, false, 0},
        {CRONJOB, 0, 200, "{\"spec\":{\"jobTemplate\":{\"spec\":{}}}}", VG_DELIVERED, true, 0},
        {CRONJOB, 0, 200, "{}", VG_PERMANENT, false, 0},
        {CRONJOB, 0, 404, "{}", VG_PERMANENT, false, 0},
        {CRONJOB, 1, 409, "{\"reason\":\"AlreadyExists\"}", VG_DELIVERED, false, 0},
        {CRONJOB, 1, 409, "{\"reason\":\"Conflict\"}", VG_RETRY, false, 0}, /* over a quota */
        {CRONJOB, 1, 422, "{\"reason\":\"Invalid\"}", VG_PERMANENT, false, 0},
        {CRONJOB, 1, 201, NAMED("\"status\":{}"), VG_DELIVERED, false, VG_RETRAIN_QUEUED},
        {SAGE, 0, 200, "{\"PipelineExecutionArn\":\"arn\"}", VG_DELIVERED, false, 0},
        {SAGE, 0, 400, TYPE("ThrottlingException"), VG_RETRY, false, 0},
        {SAGE, 0, 400, TYPE("a.b#ResourceLimitExceeded"), VG_RETRY, false, 0},
        {SAGE, 0, 400, TYPE("ExpiredTokenException"), VG_RETRY, false, 0},
        {SAGE, 0, 400, TYPE("ValidationException"), VG_PERMANENT, false, 0},
        {SAGE, 0, 400, TYPE("ResourceNotFound"), VG_PERMANENT, false, 0},
        {SAGE, 0, 403, TYPE("AccessDeniedException"), VG_PERMANENT, false, 0},
        {SAGE, 0, 503, "", VG_RETRY, false, 0},
        {VERTEX, 0, 409, "{\"error\":{\"status\":\"ALREADY_EXISTS\"}}", VG_DELIVERED, false, 0},
        {VERTEX, 0, 409, "{\"error\":{\"status\":\"ABORTED\"}}", VG_RETRY, false, 0},
        {VERTEX, 0, 200, "{\"name\":\"n\",\"state\":\"PIPELINE_STATE_PENDING\"}", VG_DELIVERED,
         false, VG_RETRAIN_QUEUED},
        {VERTEX, 0, 429, "{}", VG_RETRY, false, 0},
    };
    (void)state;
    check_taken(cases, COUNT(cases));
}

static void test_answers_of_dagster(void **state)
{
    static const struct taken cases[] = {
        {DAGSTER, 0, 200, RUNS(""), VG_DELIVERED, true, 0},
        {DAGSTER, 0, 200, RUNS("{\"runId\":\"b\",\"status\":\"STARTED\"}"), VG_DELIVERED, false,
         VG_RETRAIN_RUNNING},
        {DAGSTER, 1, 200, LAUNCH("PythonError"), VG_RETRY, false, 0},
        {DAGSTER, 1, 200, LAUNCH("UnauthorizedError"), VG_PERMANENT, false, 0},
        {DAGSTER, 1, 200, LAUNCH("RunConfigValidationInvalid"), VG_PERMANENT, false, 0},
        {DAGSTER, 1, 200, "{\"data\":null,\"errors\":[{\"message\":\"m\"}]}", VG_RETRY, false, 0},
        {DAGSTER, 1, 400, "{\"data\":null,\"errors\":[" WHERE ",\"path\":[\"launchRun\"]}]}",
         VG_RETRY, false, 0}, /* a code location that is being loaded */
        {DAGSTER, 1, 400, "{\"data\":null,\"errors\":[" WHERE ",\"path\":null}]}", VG_PERMANENT,
         false, 0},
        {DAGSTER, 0, 200, "{\"errors\":[" WHERE "}]}", VG_PERMANENT, false, 0},
        {DAGSTER, 1, 400, "bad gateway of a kind", VG_PERMANENT, false, 0},
        {DAGSTER, 1, 200, "<html>", VG_RETRY, false, 0}, /* a proxy on the way */
    };
    (void)state;
    check_taken(cases, COUNT(cases));
}

static void test_what_became_of_it(void **state)
{
    static const struct {
        const char *keys;
        int status;
        const char *body;
        enum vg_retrain_state state;
    } cases[] = {
        {KUBEFLOW, 404, "{}", VG_RETRAIN_LOST},
        {KUBEFLOW, 200, "{\"state\":\"SKIPPED\"}", VG_RETRAIN_FAILED},
        {KUBEFLOW, 200, "{\"state\":\"NEW_WORD\"}", VG_RETRAIN_ASKED},
        {ARGO, 404, "{}", VG_RETRAIN_LOST},
        {ARGO, 200, "{\"status\":{\"phase\":\"Succeeded\"}}", VG_RETRAIN_SUCCEEDED},
        {FLYTE, 200, "{\"closure\":{\"phase\":\"TIMED_OUT\"}}", VG_RETRAIN_FAILED},
        {FLYTE, 200, "{\"closure\":{\"phase\":\"ABORTING\"}}", VG_RETRAIN_RUNNING},
        {PREFECT, 404, "{}", VG_RETRAIN_LOST},
        {PREFECT, 200, "{\"state\":{\"type\":\"CRASHED\"}}", VG_RETRAIN_FAILED},
        {DAGSTER, 200,
         "{\"data\":{\"runOrError\":{\"__typename\":\"Run\",\"runId\":\"b\",\"status\":"
         "\"CANCELED\"}}}",
         VG_RETRAIN_FAILED},
        {DAGSTER, 200, "{\"data\":{\"runOrError\":{\"__typename\":\"RunNotFoundError\"}}}",
         VG_RETRAIN_LOST},
        {CRONJOB, 404, "{}", VG_RETRAIN_LOST},
        {CRONJOB, 200, "{\"status\":{\"active\":1}}", VG_RETRAIN_RUNNING},
        {CRONJOB, 200, ENDED("Complete", "True"), VG_RETRAIN_SUCCEEDED},
        {CRONJOB, 200, ENDED("Failed", "True"), VG_RETRAIN_FAILED},
        {CRONJOB, 200, ENDED("Failed", "False"), VG_RETRAIN_QUEUED},
        {SAGE, 200, "{\"PipelineExecutionStatus\":\"Stopped\"}", VG_RETRAIN_FAILED},
        {SAGE, 400, TYPE("ResourceNotFound"), VG_RETRAIN_LOST},
        {SAGE, 400, TYPE("ThrottlingException"), VG_RETRAIN_ASKED},
        {VERTEX, 404, "{}", VG_RETRAIN_LOST},
        {VERTEX, 200, "{\"state\":\"PIPELINE_STATE_CANCELLED\"}", VG_RETRAIN_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct asked asked;
        systems_begin(&asked, cases[i].keys);
        asked.in.token = "id:secret";
        systems_follow(&asked, "r");
        systems_look(&asked, cases[i].status, cases[i].body);
        if (asked.said.state != cases[i].state)
            fail_msg("%s, %s: %d, %s", cases[i].keys, cases[i].body, (int)asked.said.state,
                     asked.said.why);
        systems_end(&asked);
    }
}

/* --- Requests --------------------------------------------------------------------------------- */

static void check_variables(const json_t *container)
{
    size_t i, models = 0;
    const json_t *env = json_object_get(container, "env"), *one;
    assert_int_equal(json_array_size(env), 7);
    json_array_foreach(env, i, one)
    {
        models += !strcmp(kit_text(one, "name"), "PGVIGIL_MODEL") &&
                  !strcmp(kit_text(one, "value"), "delay-model");
    }
    assert_int_equal(models, 1);
}

static void test_a_copied_job(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, CRONJOB);
    systems_ask(&asked, 0);
    assert_string_equal(asked.request.url, "https://kubernetes.default.svc/apis/batch/v1/"
                                           "namespaces/ml/cronjobs/c");
    assert_string_equal(systems_header(&asked, "Authorization"), "Bearer token");
    systems_take(&asked, 200,
                 "{\"spec\":{\"jobTemplate\":{\"metadata\":{\"creationTimestamp\":null},\"spec\":"
                 "{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":"
                 "\"PGVIGIL_MODEL\",\"value\":\"old\"}]},{\"name\":\"b\"}]}}}}}}");
    const struct vg_trigger_said said = asked.said;
    asked.in.memory = said.memory;
    json_t *job = json_loads(systems_ask(&asked, said.step), 0, NULL);
    assert_string_equal(kit_text(job, "metadata/name"), "pgvigil-" KIT_KEY);
    assert_null(json_object_get(kit_at(job, "metadata"), "creationTimestamp"));
    check_variables(kit_at(job, "spec/template/spec/containers/0"));
    check_variables(kit_at(job, "spec/template/spec/containers/1"));
    json_decref(job);
    systems_end(&asked);
}

/* A job that does not fit into the memory of a chain is refused, not cut. */
static void test_a_job_that_is_too_long(void **state)
{
    (void)state;
    struct asked asked;
    static char body[VG_TRIGGER_MEMORY + 100] = "{\"spec\":{\"jobTemplate\":{\"a\":\"";
    size_t n = strlen(body);
    memset(body + n, 'x', VG_TRIGGER_MEMORY);
    memcpy(body + n + VG_TRIGGER_MEMORY, "\"}}}", 5);
    systems_begin(&asked, CRONJOB);
    systems_take(&asked, 200, body);
    assert_int_equal(asked.said.outcome, VG_PERMANENT);
    assert_non_null(strstr(asked.said.why, "too long"));
    assert_string_equal(asked.said.memory, "");
    systems_end(&asked);
}

static void test_credentials(void **state)
{
    static const struct {
        const char *token, *id, *secret, *session;
    } cases[] = {
        {"a:b/c+d", "a", "b/c+d", ""},
        {"a:b:", "a", "b", ""},
        {"a:b:c==", "a", "b", "c=="},
        {" {\"AccessKeyId\" : \"a\", \"SecretAccessKey\":\"b\", \"SessionToken\":\"c\"}\n", "a",
         "b", "c"},
        {"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"SessionToken\":null}", "a", "b", ""},
        {"{\"AccessKeyId\":\"a\"}", NULL, NULL, NULL},
        {"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"", NULL, NULL, NULL},
        {"ab", NULL, NULL, NULL},
        {":b", NULL, NULL, NULL},
        {"a:", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct asked asked;
        struct vg_error err = {0};
        systems_begin(&asked, SAGE);
        asked.in.token = cases[i].token;
        int rc = asked.system->render(&asked.in, asked.arena, &asked.request, &err);
        assert_int_equal(rc, cases[i].id ? 0 : -1);
        if (rc == 0) {
            assert_string_equal(asked.request.aws->id, cases[i].id);
            assert_string_equal(asked.request.aws->secret, cases[i].secret);
            assert_string_equal(systems_header(&asked, "X-Amz-Security-Token"), cases[i].session);
            assert_string_equal(systems_header(&asked, "Authorization"), "");
            assert_string_equal(asked.request.url,
                                "https://api.sagemaker.eu-central-1.amazonaws.com/");
        }
        systems_end(&asked);
    }
}

static void test_literals_of_flyte(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, "flyte: {" AT "project: p, launch_plan: w, version: v, parameters: {s:"
                          " x, i: \"{{rows}}\", f: \"{{value}}\", b: true, n: null, l: [1, y],"
                          " o: {k: 1}}}");
    json_t *body = json_loads(systems_ask(&asked, 0), 0, NULL);
    json_t *wanted = json_loads(
        "{\"s\":{\"scalar\":{\"primitive\":{\"string_value\":\"x\"}}},"
        "\"i\":{\"scalar\":{\"primitive\":{\"integer\":3458}}},"
        "\"f\":{\"scalar\":{\"primitive\":{\"float_value\":0.384}}},"
        "\"b\":{\"scalar\":{\"primitive\":{\"boolean\":true}}},"
        "\"n\":{\"scalar\":{\"none_type\":{}}},"
        "\"l\":{\"collection\":{\"literals\":[{\"scalar\":{\"primitive\":{\"integer\":1}}},"
        "{\"scalar\":{\"primitive\":{\"string_value\":\"y\"}}}]}},"
        "\"o\":{\"scalar\":{\"generic\":{\"k\":1}}}}",
        0, NULL);
    assert_true(json_equal(kit_at(body, "inputs/literals"), wanted));
    assert_int_equal(strlen(kit_text(body, "name")), 20);
    json_decref(wanted);
    json_decref(body);
    systems_end(&asked);
}

/* A rehearsal asks for the next step although nothing has answered: what cannot be made is refused.
 */
static void test_steps_without_an_answer(void **state)
{
    static const char *const systems[] = {
        KUBEFLOW,
        ARGO,
        EVENTS,
        FLYTE,
        FLYTE_V,
        PREFECT,
        DAGSTER,
        CRONJOB,
        SAGE,
        VERTEX,
        "airflow: {" AT "dag: d, token_file: p.yaml}",
        GITHUB,
        "gitlab: {project: 7, token_file: p.yaml, api_token_file: p.yaml}",
        "jenkins: {" AT "job: j, user: u, token_file: p.yaml}",
        "mlflow: {" AT "experiment: e, registered_model: m}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(systems); i++) {
        for (int step = 0; step < 3; step++) {
            struct asked asked;
            struct vg_error err = {0};
            systems_begin(&asked, systems[i]);
            asked.in.step = step;
            asked.in.token = "id:secret";
            if (asked.system->render(&asked.in, asked.arena, &asked.request, &err) < 0)
                assert_true(err.code != VG_OK);
            else
                assert_true(asked.request.url && *asked.request.url);
            systems_end(&asked);
        }
    }
}

/* The token of Dagster+ has a header of its own; a proxy's user is Basic. */
static void test_rights_of_dagster(void **state)
{
    (void)state;
    struct asked asked;
    systems_begin(&asked, DAGSTER);
    systems_ask(&asked, 0);
    assert_string_equal(systems_header(&asked, "Dagster-Cloud-Api-Token"), "token");
    assert_string_equal(systems_header(&asked, "Authorization"), "");
    systems_end(&asked);
    systems_begin(&asked,
                  "dagster: {" AT "job: j, location: l, user: Aladdin, password_file: p.yaml}");
    asked.in.token = NULL;
    asked.in.password = "open sesame";
    systems_ask(&asked, 1);
    assert_string_equal(systems_header(&asked, "Authorization"),
                        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    systems_end(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_refused),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answers_of_dagster),
        cmocka_unit_test(test_what_became_of_it),
        cmocka_unit_test(test_a_copied_job),
        cmocka_unit_test(test_a_job_that_is_too_long),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_literals_of_flyte),
        cmocka_unit_test(test_rights_of_dagster),
        cmocka_unit_test(test_steps_without_an_answer),
    };
    return cmocka_run_group_tests_name("systems_jobs", tests, NULL, NULL);
}
