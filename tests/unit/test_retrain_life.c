/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random lives of a model's group: verdicts, approvals, denials, requests by hand, answers of the
 * training system, crashes and changed configurations, over a store that is a few variables. At
 * most one request for each onset, none while quality fails or is unknown, none beside another,
 * none against the word of a person, the budgets or a dry run. */
#include "tests/unit/retrain_world.h"

#include <inttypes.h>
#include <stdio.h>

enum { LIVES = 3000, DAYS = 60, REQUESTS = 4 * DAYS };

struct request {
    char key[VG_KEY_SIZE];
    int64_t at_us;
    bool waits, goes; /* in the outbox; its run has not ended */
};

struct life {
    struct world world;
    uint64_t dice;
    int day;
    enum vg_verdict quality;
    bool drifts;
    /* what a store would hold */
    bool has_onset;
    struct vg_onset onset;
    struct request requests[REQUESTS];
    size_t nrequests;
    int64_t fired[REQUESTS];
    int wishes;
    /* what the test knows of the present onset */
    bool approved, denied;
};

static struct {
    size_t fired, approved, by_hand, withheld, waiting, dry, ended_unfired, crashed, forced;
} seen;

static unsigned roll(struct life *life, unsigned sides)
{
    life->dice = life->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(life->dice >> 33) % sides;
}

static bool is_busy(const struct life *life)
{
    bool busy = false;
    for (size_t i = 0; i < life->nrequests; i++)
        busy = busy || life->requests[i].waits || life->requests[i].goes;
    return busy;
}

static void load(struct life *life)
{
    struct vg_retrain_in *in = &life->world.in;
    const struct request *last = life->nrequests ? &life->requests[life->nrequests - 1] : NULL;
    in->onset = life->has_onset ? &life->onset : NULL;
    in->nfired = life->nrequests;
    in->in_flight = false;
    for (size_t i = 0; i < life->nrequests; i++) { /* newest first */
        life->fired[i] = life->requests[life->nrequests - 1 - i].at_us;
        in->in_flight |= life->requests[i].waits;
    }
    in->fired = life->fired;
    in->run = last && last->goes ? VG_FLIGHT_GOING : VG_FLIGHT_OVER;
    in->beside = false;
    in->cycle = &life->world.cycle;
}

/* What must hold whenever a request is put into the outbox. */
static void check_request(const struct life *life, const struct vg_retrain_out *out, bool by_hand,
                          bool force)
{
    const struct vg_retraining *config = &life->world.config;
    int64_t now_us = life->world.in.cycle->now_us;
    size_t week = 0;
    for (size_t i = 0; i < life->nrequests; i++) {
        if (!strcmp(life->requests[i].key, out->onset.key))
            fail_msg("a second request for %s", out->onset.key);
        week += now_us - life->requests[i].at_us < VG_WEEK_US;
        assert_true(force || now_us - life->requests[i].at_us >= config->cooldown_us);
    }
    assert_true(force || week < (size_t)config->max_per_week);
    assert_true(life->quality == VG_PASS || life->quality == VG_WARN);
    assert_false(is_busy(life));
    assert_false(config->dry_run);
    assert_true(by_hand || !life->denied);
    assert_true(by_hand || !config->manual || life->approved);
    assert_true(by_hand || life->drifts);
    assert_true(out->onset.fired && out->onset.fired_us == now_us);
}

static void count_decisions(const struct vg_retrain_out *out)
{
    for (size_t i = 0; i < out->ndecisions; i++) {
        enum vg_decision_kind kind = out->decisions[i].kind;
        seen.withheld += kind == VG_DECIDED_WITHHELD;
        seen.waiting += kind == VG_DECIDED_WAITING;
        seen.dry += kind == VG_DECIDED_DRY_RUN;
        seen.ended_unfired += kind == VG_DECIDED_ENDED_UNFIRED;
        assert_non_null(out->decisions[i].reason);
    }
}

/* The transaction; a crash before its commit leaves everything as it was. */
static bool commit(struct life *life, const struct vg_retrain_out *out)
{
    if (roll(life, 5) == 0) {
        seen.crashed++;
        return false;
    }
    if (out->fire) {
        struct request *request = &life->requests[life->nrequests++];
        assert_true(life->nrequests < REQUESTS);
        *request = (struct request){.at_us = out->onset.fired_us, .waits = true};
        memcpy(request->key, out->onset.key, VG_KEY_SIZE);
        seen.fired++;
    }
    count_decisions(out);
    if (!out->has_onset || out->onset.by_hand)
        return true;
    bool fresh = !life->has_onset || strcmp(life->onset.key, out->onset.key) != 0;
    life->onset = out->onset;
    life->has_onset = out->onset.state != VG_ONSET_ENDED;
    if (fresh || !life->has_onset)
        life->approved = life->denied = false;
    return true;
}

/* --- What happens ----------------------------------------------------------------------------- */

static void judge_day(struct life *life)
{
    static const enum vg_verdict verdicts[] = {VG_PASS, VG_PASS, VG_WARN, VG_FAIL, VG_UNKNOWN};
    struct world *world = &life->world;
    int64_t n = DAY + life->day++;
    life->drifts = life->drifts ? roll(life, 5) > 0 : roll(life, 3) == 0;
    life->quality = verdicts[roll(life, 5)];
    world->drift.state = life->drifts ? VG_ALERT_FIRING : VG_ALERT_OK;
    world->drift.verdict = life->drifts ? VG_FAIL : VG_PASS;
    world->nulls_latest.verdict = world->nulls_latest.decided = life->quality;
    world->nulls_latest.window_end_us = world->nulls_latest.decided_us = day(n).end_us;
    for (size_t i = 0; i < 2; i++) {
        world->members[i].newest.window = day(n);
        world->members[i].newest.due_us = world->members[i].newest.committed_us =
            day(n).end_us + 10 * VG_MINUTE_US;
        world->members[i].progress.known = true;
        world->members[i].progress.watermark_us = day(n).end_us;
    }
    world->cycle.window = day(n);
    world->cycle.due_us = world->cycle.now_us = day(n).end_us + 10 * VG_MINUTE_US;
    load(life);
    step(world);
    if (world->out.fire)
        check_request(life, &world->out, false, false);
    commit(life, &world->out);
}

static void look_from_beside(struct life *life, struct vg_cycle *now)
{
    load(life);
    *now = (struct vg_cycle){
        .dataset = "", .now_us = life->world.cycle.now_us + (int64_t)roll(life, 20) * VG_HOUR_US};
    life->world.in.cycle = now;
    life->world.in.beside = true;
}

static void speak(struct life *life)
{
    struct vg_cycle now;
    struct vg_error err = {0};
    struct world *world = &life->world;
    struct vg_retrain_wish wish = {.by = "ada", .why = "why not"};
    bool deny = roll(life, 3) == 0;
    if (!life->has_onset)
        return;
    look_from_beside(life, &now);
    int rc = deny ? vg_retrain_deny(&world->in, &wish, world->arena, &world->out, &err)
                  : vg_retrain_approve(&world->in, &wish, world->arena, &world->out, &err);
    if (rc < 0) {
        assert_int_equal(err.code, VG_E_USAGE);
        assert_int_equal(life->onset.state, VG_ONSET_FIRED);
        return;
    }
    bool approved = life->approved, denied = life->denied;
    life->approved = !deny;
    life->denied = deny;
    if (world->out.fire)
        check_request(life, &world->out, false, false);
    seen.approved += world->out.fire;
    if (commit(life, &world->out))
        return;
    life->approved = approved;
    life->denied = denied;
}

static void ask_for_one(struct life *life)
{
    struct vg_cycle now;
    struct vg_error err = {0};
    struct world *world = &life->world;
    struct vg_retrain_wish wish = {.by = "ada", .why = "why not", .force = roll(life, 2)};
    look_from_beside(life, &now);
    snprintf(wish.key, sizeof wish.key, "wish %d", life->wishes++);
    assert_int_equal(vg_retrain_by_hand(&world->in, &wish, world->arena, &world->out, &err), 0);
    if (world->out.fire)
        check_request(life, &world->out, true, wish.force);
    if (!commit(life, &world->out))
        return;
    if (world->out.decisions[0].kind != VG_DECIDED_WITHHELD && !world->out.onset.by_hand) {
        life->approved = true; /* also where a dry run kept it back */
        life->denied = false;
    }
    if (!world->out.fire)
        return;
    seen.by_hand++;
    seen.forced += wish.force;
}

/* The training system takes what waits, or refuses it; and its runs end. */
static void answer(struct life *life)
{
    for (size_t i = 0; i < life->nrequests; i++) {
        struct request *request = &life->requests[i];
        if (request->waits && roll(life, 2)) {
            request->waits = false;
            request->goes = roll(life, 4) > 0;
        } else if (request->goes && roll(life, 3) == 0) {
            request->goes = false;
        }
    }
}

static void configure(struct life *life)
{
    struct vg_retraining *config = &life->world.config;
    config->manual = roll(life, 2);
    config->dry_run = roll(life, 5) == 0;
    config->cooldown_us = (int64_t)roll(life, 3) * VG_DAY_US;
    config->max_per_week = 1 + (int)roll(life, 3);
}

static void live(uint64_t seed)
{
    static struct life life;
    life = (struct life){.dice = seed};
    start(&life.world);
    life.world.config.in_flight_us = 520 * VG_WEEK_US; /* no run is forgotten */
    configure(&life);
    while (life.day < DAYS) {
        unsigned what = roll(&life, 10);
        if (what < 5)
            judge_day(&life);
        else if (what < 7)
            answer(&life);
        else if (what == 7)
            speak(&life);
        else if (what == 8 && life.day)
            ask_for_one(&life);
        else if (roll(&life, 6) == 0)
            configure(&life);
    }
    stop(&life.world);
}

static void test_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= LIVES; seed++)
        live(seed * UINT64_C(0x9e3779b97f4a7c15));
    print_message("%d lives of %d days: %zu requests, %zu of them at once with approval, %zu by"
                  " hand (%zu forced); %zu times withheld, %zu waiting, %zu dry, %zu ended unfired,"
                  " %zu crashes\n",
                  LIVES, DAYS, seen.fired, seen.approved, seen.by_hand, seen.forced, seen.withheld,
                  seen.waiting, seen.dry, seen.ended_unfired, seen.crashed);
    /* each of them really happened */
    assert_true(seen.fired > LIVES && seen.approved > LIVES / 10 && seen.by_hand > LIVES / 10 &&
                seen.forced > LIVES / 10 && seen.withheld > LIVES && seen.waiting > LIVES / 10 &&
                seen.dry > LIVES / 10 && seen.ended_unfired > LIVES && seen.crashed > LIVES);
}

/* Without anything in the way a drift is always asked for. */
static void test_nothing_is_withheld_for_no_reason(void **state)
{
    (void)state;
    struct life life = {.dice = 7};
    start(&life.world);
    life.quality = VG_PASS;
    life.drifts = true;
    load(&life);
    step(&life.world);
    assert_true(life.world.out.fire);
    stop(&life.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_nothing_is_withheld_for_no_reason),
    };
    return cmocka_run_group_tests_name("retrain_life", tests, NULL, NULL);
}
