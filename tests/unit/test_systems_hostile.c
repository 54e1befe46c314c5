/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training systems asked about 10 000 onsets whose names were made to break things: requests whose
 * address, headers and body are what they would be for other names. Each system is asked for its
 * share of them, with HOSTILE_EVERYWHERE in the environment each for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"
#include "tests/unit/systems_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT       "url: \"https://a.test/x\", "
#define VALUES                                                                                     \
    "{onset_key: \"{{onset_key}}\", m: \"{{model}} {{dataset}}\", r: \"{{rule}}\","                \
    " c: [\"{{column}}\", \"{{check}}\"]}"
#define NAMES "parameters: " VALUES
#define FLAT  "parameters: {onset_key: \"{{onset_key}}\", m: \"{{model}} {{dataset}} {{rule}}\"}"

enum { ONSETS = 10000, BODY_MOST = 1 << 20, URL_MOST = 8000, STEPS_MOST = 8 };

static const struct system {
    const char *keys;
    int steps;
    const char *memory; /* what the answer before has left, where one must */
} systems[] = {
    {"http: {" AT "body: " VALUES "}", 1, NULL},
    {"http: {" AT "method: PUT}", 1, NULL},
    {"command: {run: [/bin/true], " NAMES "}", 1, NULL},
    {"airflow: {" AT "dag: d}", 4, NULL},
    {"airflow: {" AT "dag: d, version: 2, " NAMES "}", 4, NULL},
    {"github: {repository: a/b, workflow: w.yml, token_file: p.yaml, " FLAT "}", 3, NULL},
    {"github: {repository: a/b, event_type: e, token_file: p.yaml, " NAMES "}", 2, NULL},
    {"gitlab: {project: p/q, token_file: p.yaml, api_token_file: p.yaml, " FLAT "}", 3, "7"},
    {"gitlab: {project: p/q, token_file: p.yaml, api_token_file: p.yaml}", 3, "7"},
    {"jenkins: {" AT "job: j, user: u, token_file: p.yaml, " FLAT "}", 3, NULL},
    {"jenkins: {" AT "job: j, user: u, token_file: p.yaml}", 3, NULL},
    {"mlflow: {" AT "experiment: e, registered_model: m}", 6, "run1"},
    {"kubeflow: {" AT "pipeline_id: p, " FLAT "}", 2, NULL},
    {"argo: {" AT "namespace: n, template: t, " FLAT "}", 1, NULL},
    {"argo_events: {" AT "namespace: n, " NAMES "}", 1, NULL},
    {"flyte: {" AT "project: p, launch_plan: l, version: v, " FLAT "}", 2, NULL},
    {"prefect: {" AT "deployment: a/b, " NAMES "}", 2, "id"},
    {"dagster: {" AT "job: j, location: l, " NAMES "}", 2, NULL},
    {"kubernetes: {" AT "namespace: n, " FLAT ", job: {spec: {template: {spec: {containers: [{name:"
     " c, image: i, args: [\"{{dataset}}\"]}], restartPolicy: Never}}}}}",
     2, NULL},
    {"sagemaker: {region: eu-central-1, pipeline: p, " FLAT "}", 1, NULL},
    {"vertex: {project: p, location: l-1, template_uri: \"https://t.test/a\", output: \"gs://o\", "
     "token_file: p.yaml, " FLAT "}",
     1, NULL},
};
enum { SYSTEMS = COUNT(systems) };

/* --- What must hold --------------------------------------------------------------------------- */

static void check_url(const char *url)
{
    if (*url == '/')
        return; /* of a program */
    assert_memory_equal(url, "https://", 8);
    assert_true(strlen(url) <= URL_MOST);
    for (const char *p = url; *p; p++)
        assert_true((*p > ' ' && *p < 0x7f && !strchr("\"<>\\^`{|}", *p)));
}

static void check_headers(const struct vg_request *request)
{
    for (size_t i = 0; i < request->nheaders; i++) {
        const struct vg_pair *header = &request->headers[i];
        assert_true(*header->key != '\0');
        for (const char *p = header->key; *p; p++)
            assert_true(isalnum((unsigned char)*p) || *p == '-' || *p == '_');
        for (const char *p = header->value; *p; p++)
            assert_true(*p >= ' ' && *p < 0x7f);
    }
}

/* Names and values, each of them encoded. */
static void check_form(const char *body)
{
    for (const char *p = body; *p; p++) {
        if (*p == '%')
            assert_true(isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]));
        else
            assert_true(isalnum((unsigned char)*p) || strchr("-._~+=&*", *p));
    }
}

static json_t *check_json(const char *body)
{
    json_error_t where;
    json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        fail_msg("not JSON: %s at %d", where.text, where.position);
    return root;
}

/* How many values there are in all: names that break out of theirs would make more. */
static size_t count_values(const json_t *at)
{
    const char *name;
    const json_t *value;
    size_t i, n = 1;
    json_array_foreach(at, i, value)
    {
        n += count_values(value);
    }
    json_object_foreach((json_t *)(uintptr_t)at, name, value)
    {
        n += count_values(value);
    }
    if (json_is_string(at))
        assert_true(vg_utf8_valid(json_string_value(at), json_string_length(at)));
    return n;
}

static size_t count_pairs(const char *body)
{
    size_t n = 1;
    for (const char *p = body; (p = strchr(p, '&')); p++)
        n++;
    return n;
}

/* The shape of the body, to be the same whatever the names are. */
static size_t check(const struct asked *asked)
{
    const struct vg_request *request = &asked->request;
    const char *body = request->body;
    check_url(request->url);
    check_headers(request);
    if (!body)
        return 0;
    assert_int_equal(strlen(body), request->body_size);
    assert_true(request->body_size <= BODY_MOST);
    assert_true(vg_utf8_valid(body, request->body_size));
    if (!strcmp(systems_header(asked, "Content-Type"), "application/x-www-form-urlencoded")) {
        check_form(body);
        return count_pairs(body);
    }
    json_t *root = check_json(body);
    size_t n = count_values(root);
    json_decref(root);
    return n;
}

/* --- The run ---------------------------------------------------------------------------------- */

/* All but the model, whose name has letters and digits only. */
static void poison(struct vg_onset *onset, uint64_t *seed, struct vg_arena *arena)
{
    const char **names[] = {&onset->dataset, &onset->rule, &onset->column, &onset->check,
                            &onset->segment};
    for (size_t i = 0; i < COUNT(names); i++)
        *names[i] = kit_hostile_name(seed, arena);
}

static void try_step(struct asked *asked, const struct system *system, int step, size_t *shape)
{
    systems_ask(asked, step);
    size_t n = check(asked);
    *shape = *shape ? *shape : n;
    if (n != *shape)
        fail_msg("%s: step %d has %zu values, not %zu: %s", system->keys, step, n, *shape,
                 (const char *)asked->request.body);
}

static void try_system(const struct system *system, uint64_t *seed)
{
    struct asked asked;
    size_t shapes[STEPS_MOST] = {0};
    systems_begin(&asked, system->keys);
    struct vg_arena *own = asked.arena;
    asked.in.memory = system->memory;
    asked.in.url = asked.in.url ? asked.in.url : "https://a.test";
    if (strstr(system->keys, "sagemaker"))
        asked.in.token = "AKIAx:secret:session";
    asked.onset.segment = "a=b"; /* nothing is left out for want of one */
    for (int step = 0; step < system->steps; step++)
        try_step(&asked, system, step, &shapes[step]);
    int onsets = getenv("HOSTILE_EVERYWHERE") ? ONSETS : ONSETS / (int)SYSTEMS + 1;
    for (int i = 0; i < onsets; i++) {
        asked.arena = vg_arena_new();
        poison(&asked.onset, seed, asked.arena);
        try_step(&asked, system, i % system->steps, &shapes[i % system->steps]);
        vg_arena_free(asked.arena);
    }
    asked.arena = own;
    systems_end(&asked);
}

static void test_ten_thousand_hostile_onsets(void **state)
{
    (void)state;
    uint64_t seed = 20011215;
    for (size_t i = 0; i < SYSTEMS; i++)
        try_system(&systems[i], &seed);
}

static void test_none_is_left_out(void **state)
{
    (void)state;
    for (int system = 0; system < VG_TRIGGER_SYSTEMS; system++) {
        const char *name = vg_trigger_system((enum vg_trigger_system)system)->name;
        size_t found = 0, n = strlen(name);
        for (size_t i = 0; i < SYSTEMS; i++)
            found += !strncmp(systems[i].keys, name, n) && systems[i].keys[n] == ':';
        if (!found)
            fail_msg("%s is not tried", name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_is_left_out),
        cmocka_unit_test(test_ten_thousand_hostile_onsets),
    };
    return cmocka_run_group_tests_name("systems_hostile", tests, NULL, NULL);
}
