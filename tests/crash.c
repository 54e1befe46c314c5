/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is killed by tests/e2e/test_crash.py: settling, the state store, the delivery engine and
 * the HTTP client as the daemon has them, driven by a plan instead of a database, so that a life
 * lasts a fraction of a second.
 *
 *   crash STATE PORT KEYFILE DATASETS STEPS
 *
 * Dataset i looks at steps 0 .. STEPS - 1, one cycle each, and fails at those that the plan below
 * names; where it stopped is in the state, in the transaction of the cycle. The last dataset is
 * silenced by a command. What a receiver refuses is sent again by a command. Ends with 0 when all
 * steps are done and nothing waits.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "agent/deliver/parts.h"
#include "agent/http/http.h"
#include "agent/loop/cycle_commit.h"
#include "agent/loop/loop_tell.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { PERIOD = 10, FROM = 4, TO = 8, PAUSE_MS = 12, PATIENCE_MS = 120000 };
#define EPOCH_US INT64_C(1000000000000000)

struct life {
    struct vg_store *store;
    struct vg_http *http;
    struct vg_clock *clock;
    struct vg_deliver *deliver;
    struct vg_receiver receivers[2];
    struct vg_config config;
    char url[2][64];
    struct vg_pair number; /* a header, so that the receiver knows who sent what */
    int datasets, steps;
};

static void must(int rc, const struct vg_error *err, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "crash: %s: %s\n", what, err->msg);
    exit(70);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Steps 4 to 7 of every ten fail, shifted from dataset to dataset; the last ten pass. */
static bool fails(const struct life *life, int dataset, int step)
{
    int at = (step + dataset) % PERIOD;
    return at >= FROM && at < TO && step >= PERIOD && step < life->steps - PERIOD;
}

static void open_life(struct life *life, char **argv)
{
    struct vg_error err = {0};
    static const char *const paths[] = {"v2/enqueue", "hook"};
    const char *number = getenv("CRASH_LIFE");
    life->number = (struct vg_pair){"X-Life", number ? number : "0"};
    for (size_t i = 0; i < 2; i++)
        snprintf(life->url[i], sizeof life->url[i], "http://127.0.0.1:%s/%s", argv[2], paths[i]);
    life->receivers[0] = (struct vg_receiver){
        .name = "oncall",
        .kind = VG_RECEIVER_PAGERDUTY,
        .endpoint = {.url = life->url[0], .headers = &life->number, .nheaders = 1},
        .routing_key_file = argv[3]};
    life->receivers[1] = (struct vg_receiver){
        .name = "audit", .kind = VG_RECEIVER_WEBHOOK, .endpoint = {.url = life->url[1]}};
    life->config =
        (struct vg_config){.name = "crash", .receivers = life->receivers, .nreceivers = 2};
    must(vg_store_open(argv[1], VG_STORE_DAEMON, &life->store, &err), &err, "store");
    must(vg_clock_real(&life->clock, &err), &err, "clock");
    must(vg_http_new(&life->http, &err), &err, "http");
    must(vg_deliver_new(life->store, life->http, life->clock, &life->config, &life->deliver, &err),
         &err, "engine");
    must(vg_deliver_start(life->deliver, &err), &err, "thread");
    life->deliver->paced = false; /* the pace of the service is another test's */
}

static void settle_step(struct life *life, const struct vg_dataset *dataset, int index, int step)
{
    static const char *const to[] = {"oncall"};
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    bool bad = fails(life, index, step);
    int64_t now_us = life->clock->ops->now_us(life->clock);
    struct vg_result result = {.rule = "rule",
                               .check = "nulls",
                               .cadence = VG_ON_WINDOW,
                               .verdict = bad ? VG_FAIL : VG_PASS,
                               .severity = VG_SEVERITY_CRITICAL,
                               .value = 1,
                               .limit = 0,
                               .p_value = (double)NAN,
                               .why = bad ? "made to fail" : "made to pass",
                               .after = 1,
                               .resolve_after = 1,
                               .to = {to, 1}};
    struct vg_cycle cycle = {.dataset = dataset->id,
                             .due_us = EPOCH_US + step * VG_MINUTE_US,
                             .now_us = now_us,
                             .results = &result,
                             .nresults = 1};
    struct vg_cycle_env env = {.store = life->store, .config = &life->config, .agent = "crash"};
    struct vg_settling settling = {.dataset = dataset, .cycle = &cycle};
    struct vg_progress after = {.known = true,
                                .first_seen_us = now_us,
                                .watermark_us = step + 1,
                                .judged_us = now_us,
                                .success_us = now_us,
                                .tick_us = VG_NEVER,
                                .retry_us = VG_NEVER};
    struct vg_plan plan = {0};
    settling.plan = &plan;
    must(vg_store_begin(life->store, &env.claim, &err), &err, "begin");
    must(vg_cycle_settle(&env, &settling, arena, &err), &err, "settle");
    must(vg_store_progress_put(life->store, dataset->id, &after, &err), &err, "progress");
    must(vg_store_commit(life->store, &err), &err, "commit");
    vg_deliver_wake(life->deliver);
    vg_arena_free(arena);
}

static int find_step(struct life *life, const char *id)
{
    struct vg_error err = {0};
    struct vg_progress progress;
    struct vg_arena *arena = vg_arena_new();
    must(vg_store_progress(life->store, id, arena, &progress, &err), &err, "progress");
    vg_arena_free(arena);
    return progress.known && progress.watermark_us != VG_NEVER ? (int)progress.watermark_us : 0;
}

/* A command as a person gives it. That there is nothing to do is no fault. */
static void command(struct life *life, const char *verb, const char *argument)
{
    struct vg_error err = {0};
    const struct vg_control row = {.verb = verb, .argument = argument};
    int rc = vg_tell_obey(life->store, &row, "crash", life->clock->ops->now_us(life->clock), &err);
    must(rc < 0 && err.code != VG_E_NOT_FOUND, &err, verb);
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
             life->datasets - 1);
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

static void live(struct life *life)
{
    struct vg_rule rule = {.id = "rule"};
    silence_last(life);
    for (int step = 0; step < life->steps; step++) {
        bool any = false;
        for (int i = 0; i < life->datasets; i++) {
            char id[16];
            snprintf(id, sizeof id, "d%d", i);
            struct vg_dataset dataset = {
                .id = id, .table = "t", .group_for_us = VG_MINUTE_US, .rules = &rule, .nrules = 1};
            rule.dataset = &dataset;
            if (find_step(life, id) > step)
                continue;
            settle_step(life, &dataset, i, step);
            any = true;
        }
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
    if (argc != 6)
        return 64;
    vg_log_setup(VG_LOG_ERROR, false);
    life.datasets = (int)strtol(argv[4], NULL, 10);
    life.steps = (int)strtol(argv[5], NULL, 10);
    open_life(&life, argv);
    live(&life);
    vg_deliver_stop(life.deliver);
    int64_t waiting = count_waiting(&life);
    vg_deliver_free(life.deliver);
    life.http->ops->free(life.http);
    vg_clock_free(life.clock);
    vg_store_close(life.store);
    return waiting ? 1 : 0;
}
