/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of an onset: opened, withheld, awaiting approval, fired, ended. Pure. The guards
 * themselves are in retrain_guard.c. */
#include "agent/retrain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/retrain_guard.h"
#include "pgvigil/text.h"

/* One segment beside another in the same window: no change with time, which is what is trained
 * anew for. */
static bool is_beside(const struct vg_dataset *dataset, const struct vg_alert *alert)
{
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (vg_streq(rule->id, alert->rule))
            return rule->compare.segment != NULL;
    }
    return false;
}

/* A model is retrained for what all rows show, and for what one segment of them does. */
static bool is_watched(const struct vg_retrain_in *in, const struct vg_dataset *dataset,
                       const struct vg_alert *alert)
{
    return (in->config->when >> alert->class) & 1 && !is_beside(dataset, alert);
}

static bool is_burning(const struct vg_alert *alert)
{
    return alert->state == VG_ALERT_FIRING || alert->state == VG_ALERT_CLEARING ||
           alert->state == VG_ALERT_FIRING_BLIND;
}

/* A watched alert of the group that burns; with `newest`, one that has not passed since. */
static bool any_burning(const struct vg_retrain_in *in, bool newest)
{
    for (size_t m = 0; m < in->nmembers; m++) {
        const struct vg_group_member *member = &in->members[m];
        for (size_t i = 0; i < member->nalerts; i++) {
            const struct vg_alert *alert = &member->alerts[i];
            if (is_watched(in, member->dataset, alert) && is_burning(alert) &&
                !(newest && alert->good))
                return true;
        }
    }
    return false;
}

/* The drift alert of this cycle that opens an onset, or NULL. */
static const struct vg_alert *find_opener(const struct vg_retrain_in *in)
{
    for (size_t m = 0; m < in->nmembers; m++) {
        const struct vg_group_member *member = &in->members[m];
        if (strcmp(member->dataset->id, in->cycle->dataset))
            continue;
        /* Nothing fires from a window committed more than 24h after it was due. */
        int64_t due_us = in->cycle->window.end_us + member->dataset->schedule.delay_us;
        if (in->cycle->now_us - due_us > VG_DAY_US)
            continue;
        for (size_t i = 0; i < member->nalerts; i++) {
            const struct vg_alert *alert = &member->alerts[i];
            if (is_watched(in, member->dataset, alert) && alert->state == VG_ALERT_FIRING &&
                alert->verdict == VG_FAIL && alert->bad >= in->config->after)
                return alert;
        }
    }
    return NULL;
}

/* A decision of the agent, or of a person. */
static int decide(const struct vg_retrain_in *in, const char *by, struct vg_retrain_out *out,
                  enum vg_decision_kind kind, const char *reason)
{
    if (!reason)
        return -1;
    if (out->ndecisions == VG_DECISIONS_MAX)
        BUG("more than %d decisions in one cycle", VG_DECISIONS_MAX);
    struct vg_decision *decision = &out->decisions[out->ndecisions++];
    *decision = (struct vg_decision){
        .model = in->config->model,
        .at_us = in->cycle->now_us,
        .kind = kind,
        .reason = reason,
        .by = by,
        .dataset = out->onset.dataset,
        .rule = out->onset.rule,
        .evidence = out->onset.evidence,
        .value = out->onset.value,
        .limit = out->onset.limit,
        .rows = out->onset.rows,
    };
    memcpy(decision->key, out->onset.key, VG_KEY_SIZE);
    return 0;
}

static int open_onset(const struct vg_retrain_in *in, const struct vg_alert *alert,
                      struct vg_arena *arena, struct vg_retrain_out *out)
{
    char due[24];
    snprintf(due, sizeof due, "%" PRId64, in->cycle->due_us);
    const char *parts[] = {in->agent, in->config->model, due};
    out->has_onset = true;
    out->onset = (struct vg_onset){
        .model = in->config->model,
        .dataset = in->cycle->dataset,
        .rule = alert->rule,
        .segment = alert->segment && *alert->segment ? alert->segment : NULL,
        .column = alert->column,
        .check = alert->check,
        .due_us = in->cycle->due_us,
        .evidence = in->cycle->window,
        .state = VG_ONSET_OPEN,
        .fired_us = VG_NEVER,
        .ended_us = VG_NEVER,
        .approval_us = VG_NEVER,
        .value = alert->value,
        .limit = alert->limit,
        .rows = in->cycle->rows,
    };
    vg_hash_hex(out->onset.key, parts, 3);
    return decide(in, NULL, out, VG_DECIDED_OPENED,
                  vg_arena_printf(arena, "%s of %s%s%s: %s", alert->rule, in->cycle->dataset,
                                  out->onset.segment ? ", " : "",
                                  out->onset.segment ? out->onset.segment : "", alert->why));
}

/* What people were told of the onset is over. */
static void say_over(struct vg_retrain_out *out)
{
    if (out->onset.told != VG_TOLD_NOTHING)
        out->tell = VG_TELL_OVER;
    out->failed = out->onset.told == VG_TOLD_FAILED;
    out->onset.told = VG_TOLD_NOTHING;
}

static int end_onset(const struct vg_retrain_in *in, struct vg_arena *arena,
                     struct vg_retrain_out *out)
{
    bool fired = out->onset.fired;
    out->onset.state = VG_ONSET_ENDED;
    out->onset.ended_us = in->cycle->due_us; /* as it began */
    say_over(out);
    return decide(in, NULL, out, fired ? VG_DECIDED_ENDED : VG_DECIDED_ENDED_UNFIRED,
                  vg_arena_printf(arena, "every drift rule of %s is clear", in->config->model));
}

/* Every guard passes, or a person wants it nevertheless; a dry run sends nothing all the same. */
static int fire(const struct vg_retrain_in *in, const char *by, const char *reason,
                struct vg_retrain_out *out)
{
    bool dry = in->config->dry_run;
    out->fire = !dry;
    out->onset.fired = !dry;
    out->onset.state = VG_ONSET_FIRED;
    out->onset.fired_us = in->cycle->now_us;
    say_over(out);
    return decide(in, by, out, dry ? VG_DECIDED_DRY_RUN : VG_DECIDED_FIRED, reason);
}

static int await_approval(const struct vg_retrain_in *in, struct vg_retrain_out *out)
{
    struct vg_onset *onset = &out->onset;
    if (onset->approval == VG_APPROVAL_NONE) {
        onset->approval = VG_APPROVAL_ASKED;
        onset->approval_us = in->cycle->now_us;
        onset->told = VG_TOLD_WAITS;
        out->tell = VG_TELL_WAITS;
    }
    return decide(in, NULL, out, VG_DECIDED_WAITING,
                  "drift persists and every guard of the group passes; somebody must approve");
}

static int try_fire(const struct vg_retrain_in *in, struct vg_arena *arena,
                    struct vg_retrain_out *out)
{
    const struct vg_onset *onset = &out->onset;
    struct vg_guarded guarded;
    const char *reason = "drift persists and every guard of the group passes";
    if (onset->approval == VG_APPROVAL_DENIED)
        return 0; /* until the drift has ended */
    if (vg_retrain_guard(in, onset, arena, &guarded) < 0)
        return -1;
    if (*guarded.firm || *guarded.loose)
        return decide(in, NULL, out, VG_DECIDED_WITHHELD,
                      vg_arena_printf(arena, "%s%s%s", guarded.firm,
                                      *guarded.firm && *guarded.loose ? "; " : "", guarded.loose));
    if (!any_burning(in, true))
        return decide(in, NULL, out, VG_DECIDED_WITHHELD,
                      "the drift does not persist: what still fires is clearing");
    if (in->config->manual && !in->config->dry_run && onset->approval != VG_APPROVAL_GIVEN)
        return await_approval(in, out);
    if (onset->approval == VG_APPROVAL_GIVEN && onset->approval_by)
        reason = vg_arena_printf(arena, "%s, approved by %s", reason, onset->approval_by);
    return fire(in, NULL, reason, out);
}

/* What a dry run would have asked for can be asked for when it is none any more. */
static void wake_dry(const struct vg_retrain_in *in, struct vg_onset *onset)
{
    if (onset->state != VG_ONSET_FIRED || onset->fired || in->config->dry_run)
        return;
    onset->state = VG_ONSET_OPEN;
    onset->fired_us = VG_NEVER;
}

static void take_onset(const struct vg_retrain_in *in, struct vg_retrain_out *out)
{
    out->has_onset = true;
    out->onset = *in->onset;
    wake_dry(in, &out->onset);
}

static int go_on(const struct vg_retrain_in *in, struct vg_arena *arena, struct vg_retrain_out *out)
{
    if (!any_burning(in, false))
        return end_onset(in, arena, out);
    bool tries = out->onset.state == VG_ONSET_OPEN && !out->withdraw;
    return tries ? try_fire(in, arena, out) : 0;
}

/* --- A request that waits in the outbox ------------------------------------------------------- */

static bool is_pending(const struct vg_retrain_in *in)
{
    return in->pending && in->onset && !strcmp(in->pending->key, in->onset->key);
}

static const char *find_objection(const struct vg_retrain_in *in, struct vg_arena *arena)
{
    const struct vg_onset *onset = in->pending;
    bool over = is_pending(in) ? !any_burning(in, false) : !onset->by_hand;
    return over ? vg_arena_printf(arena, "every drift rule of %s is clear", in->config->model)
                : vg_retrain_object(in, onset, arena);
}

/* Nothing of it has left: it is as if it had not been asked for. */
static void take_back(struct vg_onset *onset)
{
    if (onset->state == VG_ONSET_FIRED)
        onset->state = VG_ONSET_OPEN;
    onset->fired = false;
    onset->fired_us = VG_NEVER;
}

/* While nobody has heard of a request it has to pass the guards that made it so. That the drift is
 * clearing takes nothing back before it has ended: it may come and go. */
static int judge_again(const struct vg_retrain_in *in, struct vg_arena *arena,
                       struct vg_retrain_out *out)
{
    const char *why = find_objection(in, arena);
    if (!why)
        return -1;
    if (!*why)
        return 0;
    out->onset = *in->pending;
    take_back(&out->onset);
    out->withdraw = true;
    out->withdrawn = out->onset;
    return decide(in, NULL, out, VG_DECIDED_WITHHELD, vg_arena_printf(arena, "withdrawn: %s", why));
}

static int end_with(int rc, struct vg_error *err)
{
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}

int vg_retrain(const struct vg_retrain_in *in, struct vg_arena *arena, struct vg_retrain_out *out,
               struct vg_error *err)
{
    *out = (struct vg_retrain_out){0};
    int rc = 0;
    if (in->pending && !in->touched && !in->sending && judge_again(in, arena, out) < 0)
        return end_with(-1, err);
    if (in->onset) {
        take_onset(in, out);
        if (out->withdraw && is_pending(in))
            out->onset = out->withdrawn;
    } else {
        const struct vg_alert *opener = in->cycle->has_window ? find_opener(in) : NULL;
        if (!opener)
            return 0;
        rc = open_onset(in, opener, arena, out);
    }
    return end_with(rc < 0 ? rc : go_on(in, arena, out), err);
}

/* --- What people say of it -------------------------------------------------------------------- */

/* The open onset with a person's word on it. */
static int take_word(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                     enum vg_approval approval, struct vg_retrain_out *out, struct vg_error *err)
{
    *out = (struct vg_retrain_out){0};
    take_onset(in, out);
    if (out->onset.state != VG_ONSET_OPEN)
        return vg_fail(err, VG_E_USAGE, "the request of this onset of %s has been made",
                       in->config->model);
    out->onset.approval = approval;
    out->onset.approval_us = wish->asked_us;
    out->onset.approval_by = wish->by;
    out->onset.approval_why = wish->why;
    bool given = approval == VG_APPROVAL_GIVEN;
    if (!given) /* an approval is told when the request is made, or when there will be none */
        say_over(out);
    decide(in, wish->by, out, given ? VG_DECIDED_APPROVED : VG_DECIDED_DENIED,
           *wish->why ? wish->why
           : given    ? "no reason was given"
                      : "");
    return 0;
}

int vg_retrain_approve(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                       struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err)
{
    if (take_word(in, wish, VG_APPROVAL_GIVEN, out, err) < 0)
        return -1;
    return end_with(go_on(in, arena, out), err);
}

/* What may have arrived stays asked for; it is only not sent again. */
static int deny_pending(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                        struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err)
{
    *out = (struct vg_retrain_out){.has_onset = true, .withdraw = true, .onset = *in->onset};
    struct vg_onset *onset = &out->onset;
    if (in->sending)
        return vg_fail(err, VG_E_USAGE, "the request of this onset of %s is being sent just now",
                       in->config->model);
    if (!in->touched)
        take_back(onset);
    onset->approval = VG_APPROVAL_DENIED;
    onset->approval_us = wish->asked_us;
    onset->approval_by = wish->by;
    onset->approval_why = wish->why;
    out->withdrawn = *onset;
    return end_with(
        decide(in, wish->by, out, VG_DECIDED_DENIED,
               vg_arena_printf(arena, "%s; the request is not sent any more%s", wish->why,
                               in->touched ? ", and may have arrived before" : "")),
        err);
}

int vg_retrain_deny(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                    struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err)
{
    if (is_pending(in) && in->onset->fired)
        return deny_pending(in, wish, arena, out, err);
    return take_word(in, wish, VG_APPROVAL_DENIED, out, err);
}

/* The dataset that a request by hand speaks of: predictions before others. */
static const struct vg_group_member *find_subject(const struct vg_retrain_in *in)
{
    const struct vg_group_member *found = NULL;
    for (size_t i = 0; i < in->nmembers; i++) {
        const struct vg_group_member *member = &in->members[i];
        bool better = !found || !found->has_newest ||
                      (member->dataset->role == VG_ROLE_PREDICTIONS &&
                       found->dataset->role != VG_ROLE_PREDICTIONS);
        if (member->has_newest ? better : !found)
            found = member;
    }
    return found;
}

static void make_by_hand(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                         struct vg_retrain_out *out)
{
    const struct vg_group_member *subject = find_subject(in);
    out->onset = (struct vg_onset){
        .model = in->config->model,
        .dataset = subject ? subject->dataset->id : "",
        .rule = "by hand",
        .due_us = in->cycle->now_us,
        .state = VG_ONSET_OPEN,
        .fired_us = VG_NEVER,
        .ended_us = VG_NEVER,
        .approval_us = VG_NEVER,
        .value = (double)NAN,
        .limit = (double)NAN,
        .by_hand = true,
    };
    if (subject && subject->has_newest) {
        out->onset.evidence = subject->newest.window;
        out->onset.rows = subject->newest.rows;
    }
    memcpy(out->onset.key, wish->key, VG_KEY_SIZE);
}

/* That the drift which is open has been asked for: one request for one onset, unless it came to
 * nothing. "" otherwise, NULL out of memory. */
static const char *find_asked(const struct vg_retrain_in *in, struct vg_arena *arena)
{
    char asked[VG_TIME_TEXT];
    const struct vg_onset *onset = in->onset;
    if (!onset || onset->state != VG_ONSET_FIRED || in->failed)
        return "";
    return vg_arena_printf(arena, "this drift was asked for already, at %s (onset %.12s)",
                           vg_format_time(onset->fired_us, asked), onset->key);
}

static int guard_wish(const struct vg_retrain_in *in, const struct vg_onset *onset,
                      struct vg_arena *arena, struct vg_guarded *out)
{
    const char *asked = find_asked(in, arena);
    if (!asked || vg_retrain_guard(in, onset, arena, out) < 0)
        return -1;
    if (*asked)
        out->loose = vg_arena_printf(arena, "%s%s%s", asked, *out->loose ? "; " : "", out->loose);
    return out->loose ? 0 : -1;
}

/* Withheld or fired. */
static int obey_wish(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                     struct vg_arena *arena, struct vg_retrain_out *out)
{
    struct vg_guarded guarded;
    struct vg_onset *onset = &out->onset;
    if (guard_wish(in, onset, arena, &guarded) < 0)
        return -1;
    bool held = *guarded.firm || (*guarded.loose && !wish->force);
    const char *loose = wish->force ? "" : guarded.loose; /* it did not keep it back */
    const char *both = *guarded.firm && *loose ? "; " : "";
    const char *passed = *guarded.loose ? vg_arena_printf(arena, "overridden: %s", guarded.loose)
                                        : "every guard of the group passes";
    if (held)
        return decide(in, wish->by, out, VG_DECIDED_WITHHELD,
                      vg_arena_printf(arena, "asked for by hand (%s): %s%s%s", wish->why,
                                      guarded.firm, both, loose));
    if (!passed)
        return -1;
    onset->approval = VG_APPROVAL_GIVEN;
    onset->approval_us = wish->asked_us;
    onset->approval_by = wish->by;
    onset->approval_why = wish->why;
    out->has_onset = true;
    const char *reason = vg_arena_printf(arena, "asked for by hand: %s; %s", wish->why, passed);
    if (fire(in, wish->by, reason, out) < 0)
        return -1;
    if (onset->by_hand) { /* drift that comes now is another onset */
        onset->state = VG_ONSET_ENDED;
        onset->ended_us = in->cycle->now_us;
    }
    return 0;
}

int vg_retrain_by_hand(const struct vg_retrain_in *in, const struct vg_retrain_wish *wish,
                       struct vg_arena *arena, struct vg_retrain_out *out, struct vg_error *err)
{
    *out = (struct vg_retrain_out){0};
    if (in->onset)
        take_onset(in, out);
    if (!in->onset || out->onset.state != VG_ONSET_OPEN) {
        *out = (struct vg_retrain_out){0};
        make_by_hand(in, wish, out);
    }
    return end_with(obey_wish(in, wish, arena, out), err);
}
