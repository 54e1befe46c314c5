/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training systems whole: configuration, engine, HTTP client and store against the strict systems
 * of tests/systems. Of each the answer to the first request that starts something is lost, and
 * still one run is there; a second onset starts a second one; both are followed to their ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/config/config.h"
#include "agent/deliver/deliver.h"
#include "agent/http/http.h"
#include "agent/message.h"
#include "agent/run/run.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/receiver_kit.h"
#include "tests/unit/store_fixture.h"

#define NOW (KIT_JUNE_12 + VG_DAY_US)
enum { TURNS = 60 };

/* %1$d: the port; %2$s: the folder of secrets. */
static const struct system {
    const char *name, *keys, *secrets[3]; /* name and text of files: "a=b" */
    const char *starts;                   /* path of the request that starts something */
    const char *held;                     /* list or mapping of runs in the system's state */
    enum vg_retrain_state end;
    const char *holds; /* words in the body of the request that starts something, or NULL */
} systems[] = {
    {"airflow3",
     "airflow: {url: \"http://127.0.0.1:%1$d/airflow3/\", dag: retrain, user: admin,"
     " password_file: %2$s/pw}",
     {"pw=canary-airflow-password"},
     "/airflow3/api/v2/dags/retrain/dagRuns",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"airflow3",
     "airflow: {url: \"http://127.0.0.1:%1$d/airflow3\", dag: retrain,"
     " token_command: [/bin/sh, -c, \"echo oops >&2; cat %2$s/tok\"], parameters: {rows:"
     " \"{{rows}}\"}}",
     {"tok=canary-airflow-token"},
     "/airflow3/api/v2/dags/retrain/dagRuns",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"airflow2",
     "airflow: {version: 2, url: \"http://127.0.0.1:%1$d/airflow2\", dag: retrain, user: admin,"
     " password_file: %2$s/pw}",
     {"pw=canary-airflow-password"},
     "/airflow2/api/v1/dags/retrain/dagRuns",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"github",
     "github: {url: \"http://127.0.0.1:%1$d/github\", repository: acme/models, workflow:"
     " retrain.yml, token_file: %2$s/tok}",
     {"tok=canary-github-token"},
     "/github/repos/acme/models/actions/workflows/retrain.yml/dispatches",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"github",
     "github: {url: \"http://127.0.0.1:%1$d/github\", repository: acme/models, workflow: old.yml,"
     " token_file: %2$s/tok, parameters: {onset_key: \"{{onset_key}}\"}}",
     {"tok=canary-github-token"},
     "/github/repos/acme/models/actions/workflows/old.yml/dispatches",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"github",
     "github: {url: \"http://127.0.0.1:%1$d/github\", repository: acme/models, event_type: drift,"
     " token_file: %2$s/tok}",
     {"tok=canary-github-token"},
     "/github/repos/acme/models/dispatches",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"gitlab",
     "gitlab: {url: \"http://127.0.0.1:%1$d/gitlab\", project: ml/models, token_file: %2$s/tok,"
     " api_token_file: %2$s/api}",
     {"tok=canary-gitlab-trigger", "api=canary-gitlab-access"},
     "/gitlab/api/v4/projects/ml%2Fmodels/trigger",
     "pipelines",
     VG_RETRAIN_FAILED,
     NULL},
    {"jenkins",
     "jenkins: {url: \"http://127.0.0.1:%1$d/jenkins\", job: ml/retrain, user: pgvigil,"
     " token_file: %2$s/tok}",
     {"tok=canary-jenkins-token"},
     "/jenkins/job/ml/job/retrain/buildWithParameters",
     "builds",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"mlflow",
     "mlflow: {url: \"http://127.0.0.1:%1$d/mlflow\", experiment: \"drift & more\","
     " registered_model: delay, token_file: %2$s/tok}",
     {"tok=canary-mlflow-token"},
     "/mlflow/api/2.0/mlflow/runs/log-batch",
     "runs",
     VG_RETRAIN_ACCEPTED,
     NULL},
    {"kubeflow",
     "kubeflow: {url: \"http://127.0.0.1:%1$d/kubeflow\", pipeline_id: p-1, namespace: ml,"
     " experiment_id: e-1, token_file: %2$s/tok, parameters: {model: \"{{model}}\"}}",
     {"tok=canary-kubeflow-token"},
     "/kubeflow/apis/v2beta1/runs",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     "display_name"},
    {"argo",
     "argo: {url: \"http://127.0.0.1:%1$d/argo\", namespace: ml, template: retrain, token_file:"
     " %2$s/tok, parameters: {model: \"{{model}}\", rows: \"{{rows}}\"}}",
     {"tok=canary-argo-token"},
     "/argo/api/v1/workflows/ml/submit",
     "runs",
     VG_RETRAIN_FAILED,
     NULL},
    {"argo",
     "argo_events: {url: \"http://127.0.0.1:%1$d/argo\", namespace: ml, discriminator: drift,"
     " token_file: %2$s/tok}",
     {"tok=canary-argo-token"},
     "/argo/api/v1/events/ml/drift",
     "events",
     VG_RETRAIN_ACCEPTED,
     NULL},
    {"flyte",
     "flyte: {url: \"http://127.0.0.1:%1$d/flyte\", project: delay, launch_plan: wf.retrain,"
     " token_file: %2$s/tok, parameters: {model: \"{{model}}\", rows: \"{{rows}}\", force: true}}",
     {"tok=canary-flyte-token"},
     "/flyte/api/v1/executions",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"prefect",
     "prefect: {url: \"http://127.0.0.1:%1$d/prefect/api\", deployment: retrain delay/prod,"
     " token_file: %2$s/tok, parameters: {model: \"{{model}}\"}, job_variables: {env: {A: b}}}",
     {"tok=canary-prefect-key"},
     "/prefect/api/deployments/0e3a1b52-9c1d-4f6e-8a7b-2c3d4e5f6a7b/create_flow_run",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
    {"dagster",
     "dagster: {url: \"http://127.0.0.1:%1$d/dagster\", job: retrain, location: models,"
     " token_file: %2$s/tok, parameters: {ops: {train: {config: {model: \"{{model}}\"}}}}}",
     {"tok=canary-dagster-token"},
     "/dagster/graphql",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     "mutation"},
    {"kubernetes",
     "kubernetes: {url: \"http://127.0.0.1:%1$d/kubernetes\", namespace: ml, cronjob: nightly,"
     " token_file: %2$s/tok}",
     {"tok=canary-kubernetes-token"},
     "/kubernetes/apis/batch/v1/namespaces/ml/jobs",
     "runs",
     VG_RETRAIN_FAILED,
     NULL},
    {"kubernetes",
     "kubernetes: {url: \"http://127.0.0.1:%1$d/kubernetes\", namespace: ml, token_file: %2$s/tok,"
     " parameters: {MODEL: \"{{model}}\"}, job: {metadata: {labels: {app: retrain}}, spec:"
     " {backoffLimit: 2, template: {spec: {restartPolicy: Never, containers: [{name: train, image:"
     " \"train:1\", args: [\"{{window_from}}\"]}]}}}}}",
     {"tok=canary-kubernetes-token"},
     "/kubernetes/apis/batch/v1/namespaces/ml/jobs",
     "runs",
     VG_RETRAIN_FAILED,
     NULL},
    {"sagemaker",
     "sagemaker: {url: \"http://127.0.0.1:%1$d/sagemaker/\", region: eu-central-1, pipeline:"
     " retrain, token_file: %2$s/tok, parameters: {model: \"{{model}}\", rows: \"{{rows}}\"}}",
     {"tok=AKIAcanary:canary/aws+secret"},
     "/sagemaker/",
     "runs",
     VG_RETRAIN_FAILED,
     NULL},
    {"sagemaker",
     "sagemaker: {url: \"http://127.0.0.1:%1$d/sagemaker/\", region: eu-central-1, pipeline:"
     " retrain, token_command: [/bin/cat, %2$s/tok]}",
     {"tok={\n  \"Version\": 1,\n  \"AccessKeyId\": \"AKIAcanary\",\n  \"SecretAccessKey\":"
      " \"canary/aws+secret\",\n  \"SessionToken\": \"canary-session==\"\n}"},
     "/sagemaker/",
     "runs",
     VG_RETRAIN_FAILED,
     NULL},
    {"vertex",
     "vertex: {url: \"http://127.0.0.1:%1$d/vertex\", project: acme, location: europe-west4,"
     " template_uri: \"https://europe-west4-kfp.pkg.dev/acme/p/retrain/v1\", output:"
     " \"gs://acme/runs\", token_command: [/bin/cat, %2$s/tok], parameters: {model: "
     "\"{{model}}\"}}",
     {"tok=canary-vertex-token"},
     "/vertex/v1/projects/acme/locations/europe-west4/pipelineJobs",
     "runs",
     VG_RETRAIN_SUCCEEDED,
     NULL},
};

struct world {
    struct kit_receiver receiver;
    struct vg_http *http, *asking;
    struct vg_clock *clock;
    struct vg_config *config;
    struct vg_deliver *engine;
};

static void write_secrets(const struct fixture *f, const struct system *system)
{
    for (size_t i = 0; i < 3 && system->secrets[i]; i++) {
        char path[200];
        const char *text = strchr(system->secrets[i], '=') + 1;
        snprintf(path, sizeof path, "%s/%.*s", f->dir, (int)(text - system->secrets[i] - 1),
                 system->secrets[i]);
        fixture_write(path, text, strlen(text));
    }
}

static void remove_secrets(const struct fixture *f, const struct system *system)
{
    for (size_t i = 0; i < 3 && system->secrets[i]; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%.*s", f->dir, (int)strcspn(system->secrets[i], "="),
                 system->secrets[i]);
        unlink(path);
    }
}

static void load(struct fixture *f, struct world *world, const struct system *system)
{
    struct vg_diags diags = {0};
    char keys[1000], text[1500];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(keys, sizeof keys, system->keys, world->receiver.port, f->dir);
#pragma GCC diagnostic pop
    snprintf(text, sizeof text,
             "name: prod\nconnections: {w: {conninfo: host=h}}\nretraining: {delay-model: {%s}}\n",
             keys);

    if (vg_config_parse(text, strlen(text), "p.yaml", &diags, &world->config) < 0)
        fail_msg("%s: %s", keys, diags.items[0].msg);
    vg_diags_free(&diags);
}

static void start(struct fixture *f, struct world *world, const struct system *system)
{
    vg_log_setup(VG_LOG_LEVELS, false);
    write_secrets(f, system);
    kit_start(&world->receiver, NULL);
    load(f, world, system);
    MUST(f, vg_http_new(&world->http, &f->err));
    MUST(f, vg_run_new(world->http, &world->http, &f->err));
    MUST(f, vg_http_new(&world->asking, &f->err));
    MUST(f, vg_clock_real(&world->clock, &f->err));
    MUST(f, vg_deliver_new(f->store, world->http, world->clock, world->config, &world->engine,
                           &f->err));
}

static void stop(struct fixture *f, struct world *world, const struct system *system)
{
    vg_deliver_free(world->engine);
    world->http->ops->free(world->http);
    world->asking->ops->free(world->asking);
    vg_clock_free(world->clock);
    vg_config_free(world->config);
    kit_stop(&world->receiver);
    remove_secrets(f, system);
}

static void put_onset(struct fixture *f, const char *key, int64_t now_us)
{
    struct vg_onset onset = kit_onset();
    struct vg_outgoing row = {
        .sink_kind = VG_SINK_RETRAIN, .sink = onset.model, .created_us = now_us, .next_us = now_us};
    memcpy(onset.key, key, VG_KEY_SIZE);
    memcpy(row.key, key, VG_KEY_SIZE);
    MUST(f, vg_onset_write(&onset, f->arena, &row.body, &f->err));
    MUST(f, vg_store_retrain_run_ask(f->store, key, onset.model, now_us, &f->err));
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

/* Turns until nothing more is to be done; the run as it is then. */
static struct vg_retrain_run work_off(struct fixture *f, struct world *world, const char *key,
                                      int64_t *now_us)
{
    struct vg_retrain_run run;
    bool found = false;
    for (int turn = 0; turn < TURNS && *now_us != VG_NEVER; turn++) {
        int64_t row_us, run_us;
        MUST(f, vg_deliver_drain(world->engine, *now_us, &f->err));
        MUST(f, vg_store_outbox_next(f->store, *now_us, &row_us, &f->err));
        MUST(f, vg_store_retrain_runs_next(f->store, *now_us, &run_us, &f->err));
        if (row_us == VG_NEVER && run_us == VG_NEVER)
            break;
        *now_us = row_us < run_us ? row_us : run_us;
    }
    MUST(f, vg_store_retrain_run(f->store, key, f->arena, &run, &found, &f->err));
    assert_true(found);
    return run;
}

static json_t *ask_clean(struct world *world, const struct system *system)
{
    char path[60];
    snprintf(path, sizeof path, "/state/%s", system->name);
    json_t *seen = kit_ask(world->asking, &world->receiver, path);
    const json_t *refused = kit_at(seen, "refused");
    for (size_t i = 0; i < json_array_size(refused); i++) {
        /* the two answers that the contract itself provokes */
        const char *why = json_string_value(json_array_get(refused, i));
        if (strcmp(why, "old") && strcmp(why, "item"))
            fail_msg("%s: %s", system->name, why);
    }
    return seen;
}

static void expect_held(struct world *world, const struct system *system, size_t n)
{
    json_t *seen = ask_clean(world, system);
    const json_t *held = kit_at(seen, system->held);
    assert_int_equal(json_is_array(held) ? json_array_size(held) : json_object_size(held), n);
    json_decref(seen);
}

static void check_end(const struct system *system, const struct vg_retrain_run *run)
{
    if (run->state != system->end)
        fail_msg("%s: %s, %s", system->keys, vg_retrain_state_name(run->state), run->answer);
    assert_true((run->id && *run->id) || strstr(system->keys, "argo_events"));
    assert_true(run->accepted_us != VG_NEVER);
    assert_true(run->next_us == VG_NEVER);
    assert_true((run->state >= VG_RETRAIN_SUCCEEDED) == (run->ended_us != VG_NEVER));
    assert_null(strstr(run->answer, "canary"));
}

static void expect_decisions(struct fixture *f, const char *key, enum vg_retrain_state end)
{
    struct vg_decision *decisions;
    size_t n, accepted = 0, ended = 0;
    MUST(f, vg_store_decisions(f->store, NULL, 100, f->arena, &decisions, &n, &f->err));
    for (size_t i = 0; i < n; i++) {
        bool mine = !strcmp(decisions[i].key, key);
        accepted += mine && decisions[i].kind == VG_DECIDED_ACCEPTED;
        ended += mine && (decisions[i].kind == VG_DECIDED_SUCCEEDED ||
                          decisions[i].kind == VG_DECIDED_FAILED);
    }
    assert_int_equal(accepted, 1);
    assert_int_equal(ended, end >= VG_RETRAIN_SUCCEEDED);
}

static void check_system(struct fixture *f, const struct system *system, int number)
{
    struct world world = {0};
    char rules[300], keys[2][VG_KEY_SIZE];
    int64_t now_us = NOW + number * VG_WEEK_US; /* what the one before held up is over */
    for (int i = 0; i < 2; i++)
        snprintf(keys[i], VG_KEY_SIZE, "%032d", 10 * number + i);
    start(f, &world, system);
    snprintf(rules, sizeof rules,
             "[{\"path\": \"%s\", \"holds\": \"%s\", \"times\": 1, \"action\": \"reset\","
             " \"effect\": true}]",
             system->starts, system->holds ? system->holds : "");
    /* a workflow that does not know return_run_details refuses it first, which has no effect */
    if (!strstr(system->keys, "old.yml"))
        kit_rules(world.asking, &world.receiver, rules);
    for (int i = 0; i < 2; i++) {
        put_onset(f, keys[i], now_us);
        struct vg_retrain_run run = work_off(f, &world, keys[i], &now_us);
        check_end(system, &run);
        expect_decisions(f, keys[i], system->end);
        expect_held(&world, system, (size_t)i + 1);
        now_us += VG_DAY_US;
    }
    stop(f, &world, system);
}

static void test_each_system(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
        check_system(f, &systems[i], (int)i);
}

/* Airflow takes a run of a paused DAG, and says nothing of it. */
static void test_a_paused_dag(void **state)
{
    struct fixture *f = *state;
    struct system system = systems[0];
    struct world world = {0};
    int64_t now_us = NOW;
    system.keys = "airflow: {url: \"http://127.0.0.1:%1$d/airflow3/\", dag: paused, user: admin,"
                  " password_file: %2$s/pw, follow_for: 0s}";
    start(f, &world, &system);
    put_onset(f, KIT_KEY, now_us);
    struct vg_retrain_run run = work_off(f, &world, KIT_KEY, &now_us);
    assert_int_equal(run.state, VG_RETRAIN_QUEUED);
    assert_true(run.until_us == VG_NEVER);
    assert_non_null(strstr(run.answer, "paused"));
    stop(f, &world, &system);
}

/* What is refused for good is known as that, and asked for once only. */
static void test_a_refusal(void **state)
{
    struct fixture *f = *state;
    struct system system = systems[0];
    struct world world = {0};
    int64_t now_us = NOW;
    system.keys = "airflow: {url: \"http://127.0.0.1:%1$d/airflow3/\", dag: none, user: admin,"
                  " password_file: %2$s/pw}";
    start(f, &world, &system);
    put_onset(f, KIT_KEY, now_us);
    struct vg_retrain_run run = work_off(f, &world, KIT_KEY, &now_us);
    assert_int_equal(run.state, VG_RETRAIN_REFUSED);
    assert_true(run.ended_us != VG_NEVER && run.accepted_us == VG_NEVER);
    stop(f, &world, &system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_system, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_paused_dag, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
