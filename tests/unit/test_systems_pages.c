/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit test of training systems (agent/triggers): answers of 2xx that are of somebody else, as the
 * page of a proxy is, start nothing and end nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/systems_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT       "url: \"https://a.test\", "
#define GITHUB   "repository: a/b, workflow: w.yml, token_file: p.yaml"

/* A proxy's page to log in at is no run, and no token. */
static void test_pages_are_no_runs(void **state)
{
    static const struct {
        const char *keys;
        int step, status;
    } cases[] = {
        {"airflow: {" AT "dag: d, token_file: p.yaml}", 0, 200},
        {"airflow: {" AT "dag: d, token_file: p.yaml}", 1, 200},
        {"airflow: {" AT "dag: d, token_file: p.yaml}", 2, 200},
        {"airflow: {" AT "dag: d, user: u, password_file: p.yaml}", 0, 200},
        {"airflow: {" AT "dag: d, user: u, password_file: p.yaml}", 0, 302},
        {"argo: {" AT "namespace: ml, template: t}", 0, 200},
        {"argo: {" AT "namespace: ml, template: t}", 1, 200},
        {"argo_events: {" AT "}", 0, 200},
        {"dagster: {" AT "job: j, location: l}", 0, 200},
        {"dagster: {" AT "job: j, location: l}", 1, 200},
        {"flyte: {" AT "project: p, launch_plan: w}", 0, 200},
        {"flyte: {" AT "project: p, launch_plan: w, version: v}", 0, 200},
        {"github: {" GITHUB "}", 0, 200},
        {"github: {" GITHUB "}", 1, 200},
        {"gitlab: {project: p, token_file: p.yaml, api_token_file: p.yaml}", 0, 200},
        {"gitlab: {project: p, token_file: p.yaml, api_token_file: p.yaml}", 1, 200},
        {"jenkins: {" AT "job: j, user: u, token_file: p.yaml}", 0, 200},
        {"jenkins: {" AT "job: j, user: u, token_file: p.yaml}", 1, 200},
        {"jenkins: {" AT "job: j, user: u, token_file: p.yaml}", 2, 200},
        {"kubeflow: {" AT "pipeline_id: p}", 0, 200},
        {"kubeflow: {" AT "pipeline_id: p}", 1, 200},
        {"kubernetes: {" AT "namespace: ml, cronjob: c}", 0, 200},
        {"mlflow: {" AT "experiment: e}", 0, 200},
        {"mlflow: {" AT "experiment: e}", 1, 200},
        {"mlflow: {" AT "experiment: e}", 2, 200},
        {"mlflow: {" AT "experiment: e}", 3, 200},
        {"prefect: {" AT "deployment: a/b}", 0, 200},
        {"prefect: {" AT "deployment: 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f}", 0, 200},
        {"sagemaker: {region: eu-central-1, pipeline: p}", 0, 200},
        {"vertex: {project: p, location: l, template_uri: t, output: \"gs://b\", token_file:"
         " p.yaml}",
         0, 200},
    };
    static const char *const bodies[] = {"<html>Who are you?</html>", "[]", "{\"a\":1}", ""};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < COUNT(bodies); k++) {
            struct asked asked;
            systems_begin(&asked, cases[i].keys);
            asked.in.step = cases[i].step;
            asked.in.memory = "12 ";
            if (strstr(cases[i].keys, "user: u, password"))
                asked.in.token = NULL;
            if (strstr(cases[i].keys, "prefect") || strstr(cases[i].keys, "flyte"))
                asked.in.memory = NULL;
            systems_take(&asked, cases[i].status, bodies[k]);
            bool fine = asked.said.outcome == VG_RETRY || (k && asked.said.more) ||
                        (k == 2 && asked.said.outcome == VG_PERMANENT); /* JSON of its own */
            if (!fine && k &&
                (strstr(cases[i].keys, "argo_events") || strstr(cases[i].keys, "mlflow")))
                fine = true; /* an empty object is an answer */
            if (!fine)
                fail_msg("%s, step %d, %s: %d, %s", cases[i].keys, cases[i].step, bodies[k],
                         (int)asked.said.outcome, asked.said.why);
            systems_end(&asked);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages_are_no_runs)};
    return cmocka_run_group_tests_name("systems_pages", tests, NULL, NULL);
}
