/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of requests for retraining between which the configuration is replaced
 * (agent/deliver/chain.c, training.c, follow.c, place.c): what was asked at one system is never
 * asked at another, and what has come to its end says so once. Also rows that go away meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "agent/deliver/chain.h"
#include "tests/unit/training_world.h"

/* --- Other configurations --------------------------------------------------------------------- */

static struct vg_retraining elsewhere_retraining[] = {{.model = "delay-model",
                                                       .system = &made_up,
                                                       .settings = &settings,
                                                       .http = {.url = "https://other.test"}}};
static struct vg_config elsewhere = {
    .name = "prod", .retraining = elsewhere_retraining, .nretraining = 1};

static struct vg_trigger_ops renamed; /* made_up under another name */
static struct vg_retraining renamed_retraining[] = {{.model = "delay-model",
                                                     .system = &renamed,
                                                     .settings = &settings,
                                                     .http = {.url = "https://train.test"}}};
static struct vg_config another_system = {
    .name = "prod", .retraining = renamed_retraining, .nretraining = 1};

static const struct vg_config *const others[] = {&elsewhere, &another_system, &empty};
enum { OTHERS = sizeof others / sizeof others[0] };

static void reload(const struct vg_config *to)
{
    struct vg_error err = {0};
    if (vg_deliver_reload(engine, to, &err) < 0)
        fail_msg("%s", err.msg);
}

/* Sends what is due, and leaves the answer under way. */
static void send(int64_t now_us)
{
    struct vg_error err = {0};
    int64_t again_us;
    fake_clock.now_us = now_us;
    if (vg_deliver_turn(engine, now_us, &again_us, &err) < 0)
        fail_msg("%s", err.msg);
    assert_true(vg_deliver_under_way(engine));
}

/* An onset whose request is under way while everything else is taken away. */
static int64_t send_onset(int status, const char *body)
{
    answer_with("train.test/ask/", 1, status, body);
    int64_t id = put_onset();
    send(NOW);
    return id;
}

/* Every test with each of the other configurations. */
static int begin_with(const struct vg_config *other)
{
    renamed = made_up;
    renamed.name = "renamed";
    return other ? 0 : -1;
}

static void end_with_lost(int64_t id)
{
    assert_int_equal(state_of(id), FAKE_DEAD);
    assert_int_equal(run()->state, VG_RETRAIN_LOST);
    assert_string_equal(run()->system, "made-up");
    assert_true(run()->next_us == VG_NEVER && run()->ended_us != VG_NEVER);
    assert_int_equal(store.decisions[store.ndecisions - 1].kind, VG_DECIDED_LOST);
    assert_int_equal(nran, 1);
    assert_int_equal(ran[0], VG_RETRAIN_LOST);
    size_t requests = http.n, decisions = store.ndecisions;
    for (int hour = 1; hour < 30; hour++)
        drain(NOW + VG_HOUR_US + hour * VG_HOUR_US);
    assert_int_equal(http.n, requests);
    assert_int_equal(store.ndecisions, decisions);
    assert_int_equal(fake_http_count(&http, "other.test"), 0);
}

/* --- Reloads ---------------------------------------------------------------------------------- */

/* What was accepted is accepted, where it was; and is looked for nowhere else. */
static void test_an_answer_after_a_reload(void **state)
{
    for (size_t i = 0; i < OTHERS; i++) {
        assert_int_equal(begin_with(others[i]), 0);
        int64_t id = send_onset(200, "ok");
        reload(others[i]);
        drain(NOW + VG_US);
        assert_int_equal(state_of(id), FAKE_SENT);
        assert_int_equal(run()->state, VG_RETRAIN_ACCEPTED);
        assert_string_equal(run()->system, "made-up");
        assert_string_equal(run()->id, "r1");
        assert_int_equal(store.ndecisions, 1);
        assert_int_equal(store.decisions[0].kind, VG_DECIDED_ACCEPTED);
        for (int minute = 2; minute < 60; minute++)
            drain(NOW + minute * VG_MINUTE_US);
        assert_int_equal(http.n, 1); /* nobody was asked */
        assert_int_equal(run()->state, VG_RETRAIN_LOST);
        assert_non_null(strstr(run()->answer, "not in the configuration any more"));
        assert_int_equal(store.ndecisions, 2); /* once */
        assert_int_equal(store.decisions[1].kind, VG_DECIDED_LOST);
        assert_int_equal(nran, 1);
        tear_down(state);
        set_up(state);
    }
}

/* Tokens and all, of one system, are of no use at another. */
static void test_a_chain_goes_on_where_it_began(void **state)
{
    (void)state;
    answer_with("/ask/1", 1, 200, "further");
    answer_with("/ask/2", 1, 200, "ok");
    int64_t id = send_onset(200, "login");
    reload(&elsewhere);
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_SENT);
    assert_int_equal(fake_http_count(&http, "train.test/ask/"), 3);
    assert_int_equal(fake_http_count(&http, "other.test"), 0);
    assert_string_equal(http.requests[2].authorization, "Bearer " SECRET);
}

/* It may have started a training: another system would start a second one. */
static void test_an_unclear_request_goes_nowhere_else(void **state)
{
    static const int unclear[] = {0, 500, 504};
    for (size_t i = 0; i < OTHERS * 3; i++) {
        assert_int_equal(begin_with(others[i / 3]), 0);
        int64_t id = send_onset(unclear[i % 3], "");
        reload(others[i / 3]);
        drain(NOW);
        assert_int_equal(state_of(id), FAKE_WAITING);
        drain(NOW + VG_HOUR_US);
        assert_non_null(strstr(run()->answer, "is not sent to another"));
        end_with_lost(id);
        tear_down(state);
        set_up(state);
    }
}

/* Not after a restart either; what was refused for the time being has arrived nowhere. */
static void test_a_restart_with_another_configuration(void **state)
{
    for (int refused = 0; refused < 2; refused++) {
        const struct vg_config mine = config;
        int64_t id = send_onset(refused ? 503 : 0, "");
        if (refused)
            drain(NOW);
        vg_deliver_free(engine);
        for (size_t i = 0; i < http.n; i++)
            http.requests[i].answered = true; /* where it was not, nobody is there to hear */
        config = elsewhere;
        make_engine();
        answer_with("other.test/ask/", -1, 200, "ok");
        drain(NOW + VG_HOUR_US);
        if (refused)
            assert_int_equal(state_of(id), FAKE_SENT);
        else
            end_with_lost(id);
        config = mine;
        tear_down(state);
        set_up(state);
    }
}

static void test_what_has_not_arrived_goes_to_the_new_one(void **state)
{
    static const int refusals[] = {429, 503};
    for (size_t i = 0; i < 2; i++) {
        answer_with("other.test/ask/", -1, 200, "ok");
        int64_t id = send_onset(refusals[i], "");
        reload(&elsewhere);
        drain(NOW);
        drain(NOW + VG_HOUR_US);
        assert_int_equal(state_of(id), FAKE_SENT);
        assert_int_equal(fake_http_count(&http, "train.test"), 1);
        assert_int_equal(run()->state, VG_RETRAIN_ACCEPTED);
        assert_string_equal(store.runs[0].row.place, store.rows[id - 1].went_to);
        tear_down(state);
        set_up(state);
    }
}

/* A model that is not there just now waits, and can be withdrawn meanwhile. */
static void test_absent_for_a_while(void **state)
{
    (void)state;
    reload(&empty);
    int64_t id = put_onset();
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_WAITING);
    assert_string_equal(store.rows[id - 1].went_to, ""); /* not claimed */
    assert_int_equal(store.run_puts, 0);
    answer_with("/ask/", -1, 200, "ok");
    reload(&config);
    drain(NOW + VG_US);
    assert_int_equal(state_of(id), FAKE_SENT);
}

/* New rights, limits and parameters: the same runs. */
static void test_new_rights(void **state)
{
    (void)state;
    accept();
    static struct vg_trigger_settings changed;
    changed = (struct vg_trigger_settings){.follow_for_us = VG_HOUR_US, .user = "other"};
    struct vg_retraining same[] = {retraining[0]};
    same[0].settings = &changed;
    same[0].body = "{}";
    same[0].cooldown_us = 1;
    const struct vg_config after = {.name = "prod", .retraining = same, .nretraining = 1};
    answer_with("/run/r1", -1, 200, "done");
    reload(&after);
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(run()->state, VG_RETRAIN_SUCCEEDED);
    reload(&config);
}

/* A chain keeps the configuration it began with, and no longer than it lasts. */
static void test_what_a_chain_holds(void **state)
{
    atomic_int users = 1;
    struct vg_config counted = config;
    (void)state;
    counted.users = &users;
    reload(&counted);
    send_onset(200, "ok");
    assert_int_equal(users, 2);
    reload(&config);
    assert_int_equal(users, 2);
    drain(NOW);
    assert_int_equal(users, 1);
    reload(&counted);
    store.withdrawn = put_onset();
    drain(NOW + VG_US);
    assert_int_equal(users, 1);
    counted.nretraining = 0;
    put_onset(); /* of a model that is not in it */
    drain(NOW + 2 * VG_US);
    assert_int_equal(users, 1);
    drain(NOW + VG_MINUTE_US); /* the run is looked at */
    assert_int_equal(users, 1);
    reload(&config);
}

/* --- Rows that go away ------------------------------------------------------------------------ */

static void test_withdrawn_before_it_is_claimed(void **state)
{
    (void)state;
    int64_t id = put_onset();
    store.withdrawn = id;
    drain(NOW);
    assert_int_equal(state_of(id), FAKE_GONE);
    assert_int_equal(http.n, 0);
    assert_int_equal(store.run_puts, 0);
    assert_int_equal(store.ndecisions, 0);
    assert_int_equal(nasked, 0);
    answer_with("/ask/", -1, 200, "ok"); /* and the lane is free */
    assert_int_equal(put_onset(), 2);
    drain(NOW + VG_US);
    assert_int_equal(state_of(2), FAKE_SENT);
}

/* As after a store that was damaged: what is known of the run is kept all the same. */
static void test_accepted_without_its_row(void **state)
{
    (void)state;
    int64_t id = send_onset(200, "ok");
    store.rows[id - 1].state = FAKE_GONE;
    drain(NOW);
    assert_int_equal(run()->state, VG_RETRAIN_ACCEPTED);
    assert_string_equal(run()->id, "r1");
    assert_int_equal(store.ndecisions, 1);
    assert_int_equal(store.decisions[0].kind, VG_DECIDED_ACCEPTED);
    answer_with("/run/r1", -1, 200, "done");
    drain(NOW + VG_MINUTE_US);
    assert_int_equal(run()->state, VG_RETRAIN_SUCCEEDED);
}

/* Nobody would ask again: it has ended, and people hear of it. */
static void test_not_accepted_without_its_row(void **state)
{
    static struct vg_receiver receivers[] = {
        {.name = "audit", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = "https://audit.test/"}}};
    struct vg_config watched = config;
    (void)state;
    watched.receivers = receivers;
    watched.nreceivers = 1;
    reload(&watched);
    int64_t id = send_onset(503, "busy");
    store.rows[id - 1].state = FAKE_GONE;
    drain(NOW);
    assert_int_equal(run()->state, VG_RETRAIN_LOST);
    assert_non_null(strstr(run()->answer, "has left the outbox, and is not sent again"));
    assert_true(run()->ended_us == NOW && run()->next_us == VG_NEVER);
    assert_int_equal(store.ndecisions, 1);
    assert_int_equal(store.decisions[0].kind, VG_DECIDED_LOST);
    assert_int_equal(fake_http_count(&http, "audit.test"), 1);
    assert_non_null(strstr(fake_http_nth(&http, "audit.test", 0)->body,
                           "was to get a message that is not in the outbox any more"));
    drain(NOW + VG_HOUR_US);
    assert_int_equal(fake_http_count(&http, "audit.test"), 1);
    reload(&config);
}

/* --- Places ----------------------------------------------------------------------------------- */

struct job_settings {
    struct vg_trigger_settings base;
    const char *dag, *ref;
};
#define KEY(name_, type_, field)                                                                   \
    {                                                                                              \
        .name = name_, .type = type_, .offset = offsetof(struct job_settings, field)               \
    }
static const struct vg_key job_keys[] = {
    KEY("url", VG_VALUE_URL, base.url),
    KEY("dag", VG_VALUE_STRING, dag),
    KEY("ref", VG_VALUE_STRING, ref),
    KEY("user", VG_VALUE_STRING, base.user),
    KEY("run", VG_VALUE_STRINGS, base.run),
    KEY("token_command", VG_VALUE_STRINGS, base.token_command),
    KEY("token_file", VG_VALUE_PATH, base.token_file),
};
static const struct vg_key_table job_table = {"jobs", job_keys, 7};
static const struct vg_trigger_ops jobs = {.name = "jobs", .keys = &job_table};
static const struct vg_trigger_ops tasks = {.name = "tasks", .keys = &job_table};

static void test_what_makes_a_place(void **state)
{
    static const char *program[] = {"/bin/train", "x"}, *longer[] = {"/bin/train", "x", "y"};
    const struct vg_strings run_x = {program, 2}, run_y = {longer, 3};
    const struct {
        const struct vg_trigger_ops *system;
        const char *url, *dag, *ref, *user, *token_file;
        struct vg_strings run, token_command;
        bool same;
    } cases[] = {
        {&jobs, "https://a.test", "d1", "main", "me", "f", run_x, run_x, true},
        {&jobs, "https://a.test", "d1", "v2", "me", "f", run_x, run_x, true},
        {&jobs, "https://a.test", "d1", NULL, NULL, "g", run_x, run_y, true},
        {&tasks, "https://a.test", "d1", "main", "me", "f", run_x, run_x, false},
        {&jobs, "https://b.test", "d1", "main", "me", "f", run_x, run_x, false},
        {&jobs, "https://a.test", "d2", "main", "me", "f", run_x, run_x, false},
        {&jobs, "https://a.test", NULL, "main", "me", "f", run_x, run_x, false},
        {&jobs, "https://a.test", "d1", "main", "me", "f", run_y, run_x, false},
        {&jobs, NULL, "d1", "main", "me", "f", run_x, run_x, false},
    };
    char first[VG_KEY_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct job_settings own = {
            .base = {.user = cases[i].user,
                     .token_file = cases[i].token_file,
                     .run = cases[i].run,
                     .token_command = cases[i].token_command},
            .dag = cases[i].dag,
            .ref = cases[i].ref,
        };
        const struct vg_retraining made = {
            .system = cases[i].system, .settings = &own.base, .http = {.url = cases[i].url}};
        char place[VG_KEY_SIZE];
        assert_int_equal(vg_place_of(&made, place, NULL), 0);
        if (!i)
            memcpy(first, place, sizeof first);
        if (!strcmp(first, place) != cases[i].same)
            fail_msg("case %zu", i);
    }
}

/* The address may be a secret: what its file holds counts, and is not what is stored. */
static void test_a_place_in_a_file(void **state)
{
    char path[] = "/tmp/vg_place_XXXXXX", places[2][VG_KEY_SIZE];
    struct vg_error err = {0};
    int fd = mkstemp(path);
    const struct vg_retraining made = {.system = &jobs, .http = {.url_file = path}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pwrite(fd, i ? "https://b.test/" SECRET : "https://a.test/" SECRET, 30, 0),
                         30);
        assert_int_equal(vg_place_of(&made, places[i], NULL), 0);
        assert_null(strstr(places[i], "canary"));
    }
    assert_string_not_equal(places[0], places[1]);
    close(fd);
    unlink(path);
    assert_int_equal(vg_place_of(&made, places[0], &err), -1);
    assert_int_equal(err.code, VG_E_NOT_FOUND);
}

static bool is_in(const char *name, const char *const *list)
{
    size_t i = 0;
    while (list[i] && strcmp(list[i], name) != 0)
        i++;
    return list[i] != NULL;
}

static const char *const says_where[] = {
    "dag",          "namespace",        "template", "discriminator", "job",         "repository",
    "location",     "project",          "domain",   "launch_plan",   "workflow",    "event_type",
    "cronjob",      "experiment",       "pipeline", "deployment",    "pipeline_id", "region",
    "template_uri", "registered_model", NULL};
static const char *const says_how[] = {
    "user",       "ref",    "version", "pipeline_version_id", "experiment_id",
    "labels",     "alias",  "network", "service_account",     "pipeline_root",
    "work_queue", "output", NULL};

static void check_key(const struct vg_trigger_ops *system, const struct vg_key *key)
{
    char *own = calloc(1, system->settings_size), places[2][VG_KEY_SIZE];
    const struct vg_retraining made = {.system = system, .settings = (void *)own};
    assert_int_equal(vg_place_of(&made, places[0], NULL), 0);
    *(const char **)(void *)(own + key->offset) = "x";
    assert_int_equal(vg_place_of(&made, places[1], NULL), 0);
    if (!is_in(key->name, strcmp(places[0], places[1]) ? says_where : says_how))
        fail_msg("%s of %s: does it say where its runs are?", key->name, system->name);
    free(own);
}

/* Every text of every system counts, but those that were thought about. */
static void test_keys_of_all_systems(void **state)
{
    (void)state;
    for (int i = 0; i < VG_TRIGGER_SYSTEMS; i++) {
        const struct vg_trigger_ops *system = vg_trigger_system((enum vg_trigger_system)i);
        for (size_t k = 0; k < system->keys->n; k++) {
            if (system->keys->keys[k].type == VG_VALUE_STRING)
                check_key(system, &system->keys->keys[k]);
        }
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_an_answer_after_a_reload),
        WITH(test_a_chain_goes_on_where_it_began),
        WITH(test_an_unclear_request_goes_nowhere_else),
        WITH(test_a_restart_with_another_configuration),
        WITH(test_what_has_not_arrived_goes_to_the_new_one),
        WITH(test_absent_for_a_while),
        WITH(test_new_rights),
        WITH(test_what_a_chain_holds),
        WITH(test_withdrawn_before_it_is_claimed),
        WITH(test_accepted_without_its_row),
        WITH(test_not_accepted_without_its_row),
        cmocka_unit_test(test_what_makes_a_place),
        cmocka_unit_test(test_a_place_in_a_file),
        cmocka_unit_test(test_keys_of_all_systems),
    };
    return cmocka_run_group_tests_name("deliver_reload", tests, NULL, NULL);
}
