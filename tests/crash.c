/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is killed by tests/e2e/test_crash.py: the commit of a cycle with settling and retraining,
 * the state store, the delivery engine and the HTTP client as the daemon has them, driven by a plan
 * instead of a database, so that a life lasts a fraction of a second.
 *
 *   crash STATE CONFIG EPOCH STEPS
 *
 * Every dataset looks at steps 0 .. STEPS - 1, a second each after EPOCH (seconds since 1970), one
 * cycle each, and fails at those that the plan below names; where it stopped is in the state, in
 * the transaction of the cycle. The last one without a model is silenced by a command. What a
 * receiver refuses is sent again by a command. Ends with 0 when all steps are done and nothing
 * waits.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "agent/config/config.h"
#include "agent/deliver/parts.h"
#include "agent/http/http.h"
#include "agent/loop/cycle_commit.h"
#include "agent/loop/loop_tell.h"
#include "agent/rules/rule.h"
#include "agent/triggers/systems.h"
#include "pgvigil/check.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum {
    DATASETS = 6,
    MODELS = 2, /* the last of them */
    PERIOD = 10,
    FROM = 4,
    TO = 8,
    KINDS = 4,
    RESULTS = 16,
    PAUSE_MS = 12,
    PATIENCE_MS = 120000
};
#define STEP_US VG_US

struct life {
    struct vg_store *store;
    struct vg_http *http;
    struct vg_clock *clock;
    struct vg_deliver *deliver;
    struct vg_config *config;
    struct vg_arena *rules_arena;
    struct vg_dataset *datasets[DATASETS];
    struct vg_ruleset rules;
    struct vg_cycle_env env;
    struct vg_pair number; /* a header, so that the receiver knows who sent what */
    int64_t epoch_us;
    int steps;
};

static void must(int rc, const struct vg_error *err, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "crash: %s: %s\n", what, err->msg);
    exit(70);
}

static void must_read(int rc, struct vg_diags *diags, const char *what)
{
    if (rc == 0 && !diags->n) {
        vg_diags_free(diags);
        return;
    }
    fprintf(stderr, "crash: %s\n", what);
    vg_diags_print(diags, stderr, false);
    exit(70);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* --- The plan --------------------------------------------------------------------------------- */

static bool has_model(int dataset)
{
    return dataset >= DATASETS - MODELS;
}

/* Steps 4 to 7 of every ten fail, shifted from dataset to dataset; the last ten pass. */
static bool fails(const struct life *life, int dataset, int step)
{
    int at = (step + dataset) % PERIOD;
    return at >= FROM && at < TO && step >= PERIOD && step < life->steps - PERIOD;
}

/* What fails in a dataset of a model is drift. Its data are broken beside it never, in the first
 * half of the time, all the time, or in the second half. */
static bool is_broken(const struct life *life, int dataset, int step)
{
    int at = (step + dataset) % PERIOD, kind = (step + dataset) / PERIOD % KINDS;
    bool late = at >= (FROM + TO) / 2;
    return fails(life, dataset, step) && (kind == 2 || (kind == 1 && !late) || (kind == 3 && late));
}

/* --- The world -------------------------------------------------------------------------------- */

static struct vg_dataset *make_dataset(struct life *life, int index)
{
    static const char plain[] =
        "version: 1\n"
        "dataset: d%d\n"
        "source: {connection: warehouse, table: t, time_column: at}\n"
        "schedule: {window: 1m, delay: 0s, every: 1m}\n"
        "columns:\n"
        "  y: {nulls: {fail: 0, notify: [oncall, chat]}, range: {min: 0, severity: warning}}\n"
        "notify: {to: [chat], after: 1, resolve_after: 1}\n";
    static const char model[] = "version: 1\n"
                                "dataset: d%d\n"
                                "model: m%d\n"
                                "role: predictions\n"
                                "source: {connection: warehouse, table: t, time_column: at}\n"
                                "schedule: {window: 1m, delay: 0s, every: 1m}\n"
                                "reference: {from: \"2001-01-01\", to: \"2001-02-01\"}\n"
                                "columns: {y: {nulls: 0}, z: {drift: {ks: 0.5}}}\n"
                                "notify: {to: [chat], after: 1, resolve_after: 1}\n";
    char text[1000];
    struct vg_diags diags = {0};
    struct vg_dataset *dataset;
    if (has_model(index))
        snprintf(text, sizeof text, model, index, index - DATASETS + MODELS);
    else
        snprintf(text, sizeof text, plain, index);
    struct vg_rule_text in = {text, strlen(text), "rules", life->config, false};
    must_read(vg_rule_parse(&in, life->rules_arena, &diags, &dataset), &diags, "rules");
    dataset->group_for_us = STEP_US;
    return dataset;
}

/* As no configuration can have it: minutes would pass. */
static void hurry(struct life *life)
{
    static const char *const alarmed[] = {"audit"};
    struct vg_config *config = life->config;
    config->alarm_to = (struct vg_strings){alarmed, 1};
    for (size_t i = 0; i < config->nreceivers; i++) {
        config->receivers[i].endpoint.headers = &life->number;
        config->receivers[i].endpoint.nheaders = 1;
        config->receivers[i].digest = 1;
    }
    for (size_t i = 0; i < config->nretraining; i++) {
        struct vg_retraining *retraining = &config->retraining[i];
        struct vg_trigger_settings *settings =
            (struct vg_trigger_settings *)(void *)retraining->settings;
        retraining->http.headers = &life->number;
        retraining->http.nheaders = 1;
        retraining->cooldown_us = 0;
        retraining->max_per_week = INT32_MAX;
        retraining->in_flight_us = VG_US / 10;
        settings->follow_for_us = VG_US / 25;
    }
}

static void open_life(struct life *life, char **argv)
{
    struct vg_error err = {0};
    struct vg_diags diags = {0};
    const char *number = getenv("CRASH_LIFE");
    life->number = (struct vg_pair){"X-Life", number ? number : "0"};
    life->rules_arena = vg_arena_new();
    must_read(vg_config_load(argv[2], &diags, &life->config), &diags, argv[2]);
    hurry(life);
    for (int i = 0; i < DATASETS; i++)
        life->datasets[i] = make_dataset(life, i);
    life->rules =
        (struct vg_ruleset){.datasets = life->datasets, .ndatasets = DATASETS, .folder_ok = true};
    must(vg_store_open(argv[1], VG_STORE_DAEMON, &life->store, &err), &err, "store");
    must(vg_clock_real(&life->clock, &err), &err, "clock");
    must(vg_http_new(&life->http, &err), &err, "http");
    must(vg_deliver_new(life->store, life->http, life->clock, life->config, &life->deliver, &err),
         &err, "engine");
    must(vg_deliver_start(life->deliver, &err), &err, "thread");
    life->deliver->paced = false; /* the pace of the service is another test's */
    life->env = (struct vg_cycle_env){.store = life->store,
                                      .commits = true,
                                      .clock = life->clock,
                                      .config = life->config,
                                      .rules = &life->rules,
                                      .agent = "crash"};
}

/* --- Cycles ----------------------------------------------------------------------------------- */

static int64_t due_of(const struct life *life, int step)
{
    return life->epoch_us + step * STEP_US;
}

static bool rule_fails(const struct life *life, const struct vg_rule *rule, int index, int step)
{
    if (rule->implicit || !fails(life, index, step))
        return false;
    return !has_model(index) || rule->type->class == VG_CLASS_DRIFT || is_broken(life, index, step);
}

static void fill_result(const struct life *life, const struct vg_rule *rule, int index, int step,
                        struct vg_result *out)
{
    bool bad = rule_fails(life, rule, index, step);
    *out = (struct vg_result){.rule = rule->id,
                              .check = rule->type->name,
                              .column = rule->column,
                              .class = rule->type->class,
                              .cadence = rule->type->cadence,
                              .verdict = bad ? VG_FAIL : VG_PASS,
                              .severity = rule->severity,
                              .value = 1,
                              .limit = 0,
                              .p_value = (double)NAN,
                              .why = bad ? "made to fail" : "made to pass",
                              .after = 1,
                              .resolve_after = 1,
                              .to = rule->to};
}

static void run_step(struct life *life, int index, int step, const struct vg_progress *before)
{
    struct vg_error err = {0};
    struct vg_result results[RESULTS];
    struct vg_dataset *dataset = life->datasets[index];
    struct vg_work work = {.arena = vg_arena_new(), .env = &life->env, .before = *before};
    size_t n = dataset->nrules < RESULTS ? dataset->nrules : RESULTS;
    int64_t due_us = due_of(life, step);
    for (size_t i = 0; i < n; i++)
        fill_result(life, &dataset->rules[i], index, step, &results[i]);
    work.job = (struct vg_job){.dataset = dataset,
                               .due_us = due_us,
                               .tick = true,
                               .window = true,
                               .range = {due_us - STEP_US, due_us, false},
                               .skipped = {due_us - STEP_US, due_us - STEP_US, false}};
    work.cycle = (struct vg_cycle){.dataset = dataset->id,
                                   .model = dataset->model,
                                   .connection = dataset->connection,
                                   .role = dataset->role,
                                   .due_us = due_us,
                                   .now_us = life->clock->ops->now_us(life->clock),
                                   .ticked = true,
                                   .has_window = true,
                                   .window = work.job.range,
                                   .rows = 100,
                                   .newest_us = VG_NEVER,
                                   .every_us = STEP_US,
                                   .results = results,
                                   .nresults = n};
    must(vg_cycle_commit(&work, &err), &err, "commit");
    vg_deliver_wake(life->deliver);
    vg_arena_free(work.arena);
}

/* The step that the dataset has come to. */
static int find_step(struct life *life, int index, struct vg_arena *arena, struct vg_progress *out)
{
    struct vg_error err = {0};
    must(vg_store_progress(life->store, life->datasets[index]->id, arena, out, &err), &err,
         "progress");
    if (out->known && out->watermark_us != VG_NEVER)
        return (int)((out->watermark_us - life->epoch_us) / STEP_US) + 1;
    *out = (struct vg_progress){.first_seen_us = life->epoch_us,
                                .watermark_us = VG_NEVER,
                                .judged_us = VG_NEVER,
                                .success_us = VG_NEVER,
                                .tick_us = VG_NEVER,
                                .retry_us = VG_NEVER};
    return 0;
}

/* False when it had been done before. */
static bool do_step(struct life *life, int index, int step)
{
    struct vg_progress before;
    struct vg_arena *arena = vg_arena_new();
    bool due = find_step(life, index, arena, &before) <= step;
    if (due)
        run_step(life, index, step, &before);
    vg_arena_free(arena);
    return due;
}

/* --- Commands --------------------------------------------------------------------------------- */

/* A command as a person gives it. That there is nothing to do is no fault. */
static void command(struct life *life, const char *verb, const char *argument)
{
    struct vg_error err = {0};
    const struct vg_control row = {.verb = verb, .argument = argument};
    struct vg_arena *arena = vg_arena_new();
    const char *answer;
    int64_t now_us = life->clock->ops->now_us(life->clock);
    const struct vg_cycle_env env = {.store = life->store, .agent = "crash"};
    int rc = vg_tell_obey(&env, &row, now_us, arena, &answer, &err);
    vg_arena_free(arena);
    bool idle = err.code == VG_E_NOT_FOUND || err.code == VG_E_USAGE;
    must(rc < 0 && !idle, &err, verb);
}

static void silence_last(struct life *life)
{
    char text[100];
    struct vg_error err = {0};
    struct vg_silence *rows;
    size_t n;
    struct vg_arena *arena = vg_arena_new();
    must(vg_store_silences(life->store, 0, arena, &rows, &n, &err), &err, "silences");
    snprintf(text, sizeof text, "0\t0\t%" PRId64 "\td%d\t\t\tnobody\ttest", VG_NEVER,
             DATASETS - MODELS - 1);
    if (!n)
        command(life, "silence", text);
    vg_arena_free(arena);
}

static int64_t count_waiting(struct life *life)
{
    struct vg_error err = {0};
    struct vg_outbox_row *rows;
    size_t n;
    int64_t waiting = 0;
    struct vg_arena *arena = vg_arena_new();
    must(vg_store_outbox_list(life->store, arena, &rows, &n, &err), &err, "outbox");
    for (size_t i = 0; i < n; i++)
        waiting += !rows[i].dead;
    vg_arena_free(arena);
    return waiting;
}

/* The first step that one of them has not done. */
static int find_first(struct life *life)
{
    struct vg_progress before;
    int first = life->steps;
    struct vg_arena *arena = vg_arena_new();
    for (int i = 0; i < DATASETS; i++) {
        int step = find_step(life, i, arena, &before);
        first = step < first ? step : first;
    }
    vg_arena_free(arena);
    return first;
}

static void live(struct life *life)
{
    silence_last(life);
    for (int step = find_first(life); step < life->steps; step++) {
        bool any = false;
        for (int i = 0; i < DATASETS; i++)
            any |= do_step(life, i, step);
        if (any)
            pause_ms(PAUSE_MS);
        if (any && step % 3 == 0)
            command(life, "outbox-retry", "all\t");
    }
    for (long ms = 0; count_waiting(life) && ms < PATIENCE_MS; ms += 100) {
        command(life, "outbox-retry", "all\t");
        pause_ms(100);
    }
}

int main(int argc, char **argv)
{
    static struct life life;
    if (argc != 5)
        return 64;
    vg_log_setup(VG_LOG_ERROR, false);
    life.epoch_us = strtoll(argv[3], NULL, 10) * VG_US;
    life.steps = (int)strtol(argv[4], NULL, 10);
    open_life(&life, argv);
    live(&life);
    vg_deliver_stop(life.deliver);
    int64_t waiting = count_waiting(&life);
    vg_deliver_free(life.deliver);
    life.http->ops->free(life.http);
    vg_clock_free(life.clock);
    vg_store_close(life.store);
    vg_config_free(life.config);
    vg_arena_free(life.rules_arena);
    return waiting ? 1 : 0;
}
