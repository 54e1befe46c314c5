/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathers the facts of a model's group from the store, and stores what was decided: onset,
 * request, messages, decisions, all in the caller's transaction. */
#include "agent/loop/retrain_facts.h"

#include <string.h>

#include "agent/message.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- Facts ------------------------------------------------------------------------------------ */

/* A table without time column is read whole each time: its newest reading is what there is. */
static int count_fresh(struct vg_store *store, int64_t since_us, struct vg_group_member *out,
                       struct vg_error *err)
{
    if (out->dataset->time_column)
        return vg_store_rows_since(store, out->dataset->id, since_us, &out->fresh_rows, err);
    if (out->has_newest && out->newest.committed_us > since_us)
        out->fresh_rows = out->newest.rows;
    return 0;
}

static int load_member(const struct vg_saying *saying, const struct vg_dataset *dataset,
                       struct vg_group_member *out, struct vg_error *err)
{
    struct vg_store *store = saying->env->store;
    struct vg_arena *arena = saying->arena;
    struct vg_latest *latest;
    struct vg_alert *alerts;
    out->dataset = dataset;
    if (vg_store_progress(store, dataset->id, arena, &out->progress, err) < 0 ||
        vg_store_window_newest(store, dataset->id, &out->newest, &out->has_newest, err) < 0 ||
        vg_store_latest(store, dataset->id, arena, &latest, &out->nlatest, err) < 0 ||
        vg_store_alerts(store, dataset->id, arena, &alerts, &out->nalerts, err) < 0)
        return -1;
    out->latest = latest;
    out->alerts = alerts;
    return 0;
}

static int load_members(const struct vg_saying *saying, struct vg_retrain_in *in,
                        struct vg_error *err)
{
    const struct vg_ruleset *rules = saying->env->rules;
    int64_t since_us = in->nfired ? in->fired[0] : INT64_MIN;
    bool counts = in->config->min_rows || in->config->min_labels;
    struct vg_group_member *members =
        vg_arena_array(saying->arena, rules->ndatasets + 1, sizeof *members);
    if (!members)
        return fail_memory(err);
    for (size_t i = 0; i < rules->ndatasets; i++) {
        const struct vg_dataset *dataset = rules->datasets[i];
        struct vg_group_member *member = &members[in->nmembers];
        if (!vg_streq(dataset->model, in->config->model))
            continue;
        if (load_member(saying, dataset, member, err) < 0 ||
            (counts && count_fresh(saying->env->store, since_us, member, err) < 0))
            return -1;
        in->nmembers++;
    }
    in->members = members;
    return 0;
}

static int load_flight(const struct vg_saying *saying, struct vg_retrain_in *in,
                       struct vg_error *err)
{
    struct vg_outbox_count *counts;
    size_t n;
    if (vg_store_outbox_counts(saying->env->store, saying->arena, &counts, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        in->in_flight |= counts[i].sink_kind == VG_SINK_RETRAIN && counts[i].waiting > 0 &&
                         vg_streq(counts[i].sink, in->config->model);
    return 0;
}

static enum vg_retrain_flight judge_run(const struct vg_retrain_run *run)
{
    switch (run->state) {
    case VG_RETRAIN_SUCCEEDED:
    case VG_RETRAIN_FAILED:
    case VG_RETRAIN_REFUSED: /* it has started nothing */
        return VG_FLIGHT_OVER;
    case VG_RETRAIN_ASKED:
    case VG_RETRAIN_ACCEPTED:
    case VG_RETRAIN_QUEUED:
    case VG_RETRAIN_RUNNING:
        return run->until_us == VG_NEVER ? VG_FLIGHT_UNKNOWN : VG_FLIGHT_GOING;
    case VG_RETRAIN_LOST:
    case VG_RETRAIN_STATES:
        break;
    }
    return VG_FLIGHT_UNKNOWN;
}

static int load_run(const struct vg_saying *saying, const struct vg_fired *last,
                    struct vg_retrain_in *in, struct vg_error *err)
{
    struct vg_retrain_run run;
    bool found;
    in->run = VG_FLIGHT_OVER; /* a dry run has started nothing */
    if (in->config->dry_run)
        return 0;
    if (vg_store_retrain_run(saying->env->store, last->key, saying->arena, &run, &found, err) < 0)
        return -1;
    in->run = found ? judge_run(&run) : VG_FLIGHT_UNKNOWN;
    in->failed = found && (run.state == VG_RETRAIN_FAILED || run.state == VG_RETRAIN_REFUSED ||
                           run.state == VG_RETRAIN_LOST);
    return 0;
}

static int load_requests(const struct vg_saying *saying, struct vg_retrain_in *in,
                         struct vg_error *err)
{
    const struct vg_fired_of of = {in->config->model, INT64_MIN, in->config->dry_run};
    struct vg_fired *fired;
    if (vg_store_fired(saying->env->store, &of, saying->arena, &fired, &in->nfired, err) < 0)
        return -1;
    int64_t *times = vg_arena_array(saying->arena, in->nfired + 1, sizeof *times);
    if (!times)
        return fail_memory(err);
    for (size_t i = 0; i < in->nfired; i++)
        times[i] = fired[i].at_us;
    in->fired = times;
    if (in->nfired && load_run(saying, &fired[0], in, err) < 0)
        return -1;
    return load_flight(saying, in, err);
}

static int load_pending(const struct vg_saying *saying, struct vg_retrain_in *in,
                        struct vg_error *err)
{
    struct vg_store *store = saying->env->store;
    struct vg_outbox_pending pending;
    struct vg_onset *onset = vg_arena_alloc(saying->arena, sizeof *onset);
    bool found;
    if (!onset)
        return fail_memory(err);
    if (vg_store_outbox_pending(store, in->config->model, saying->arena, &pending, &found, err) < 0)
        return -1;
    if (!found)
        return 0;
    in->touched = pending.touched;
    in->sending = pending.sending;
    if (vg_store_onset_of(store, pending.key, saying->arena, onset, &found, err) < 0)
        return -1;
    in->pending = found ? onset : NULL;
    return 0;
}

int vg_retrain_gather(const struct vg_saying *saying, const struct vg_retraining *config,
                      struct vg_retrain_in *in, struct vg_error *err)
{
    bool found;
    struct vg_onset *onset = vg_arena_alloc(saying->arena, sizeof *onset);
    *in = (struct vg_retrain_in){
        .config = config, .agent = saying->env->agent, .cycle = saying->cycle};
    if (!onset)
        return fail_memory(err);
    if (load_requests(saying, in, err) < 0 || load_members(saying, in, err) < 0 ||
        vg_store_onset(saying->env->store, config->model, saying->arena, onset, &found, err) < 0)
        return -1;
    in->onset = found ? onset : NULL;
    return load_pending(saying, in, err);
}

/* --- What was decided ------------------------------------------------------------------------- */

static int post_request(const struct vg_saying *saying, const struct vg_onset *onset,
                        struct vg_error *err)
{
    struct vg_outgoing row = {
        .sink_kind = VG_SINK_RETRAIN,
        .sink = onset->model,
        .kind = VG_MSG_OPEN,
        .created_us = saying->cycle->now_us,
        .next_us = saying->cycle->now_us,
    };
    memcpy(row.key, onset->key, VG_KEY_SIZE);
    if (vg_onset_write(onset, saying->arena, &row.body, err) < 0 ||
        vg_store_retrain_run_ask(saying->env->store, onset->key, onset->model, row.created_us,
                                 err) < 0)
        return -1;
    return vg_store_outbox_put(saying->env->store, &row, err);
}

static int tell(const struct vg_saying *saying, const struct vg_retrain_out *out,
                struct vg_error *err)
{
    const struct vg_onset *onset = &out->onset;
    struct vg_news news = {.failed = out->failed, .over = out->tell == VG_TELL_OVER};
    if (out->tell == VG_TELL_NOTHING)
        return 0;
    if (out->tell == VG_TELL_WAITS)
        news.why = vg_arena_printf(saying->arena,
                                   "%s would be retrained now; to let it: pgvigil retrain approve"
                                   " %.12s, or else: pgvigil retrain deny %.12s --why TEXT",
                                   onset->model, onset->key, onset->key);
    else if (onset->approval == VG_APPROVAL_DENIED)
        news.why = vg_arena_printf(saying->arena, "denied by %s: %s", onset->approval_by,
                                   onset->approval_why);
    else if (onset->state == VG_ONSET_ENDED && !onset->by_hand)
        news.why = "the drift has ended";
    else if (!onset->fired)
        news.why = "dry_run: no request is made";
    else if (onset->approval == VG_APPROVAL_GIVEN && onset->approval_by)
        news.why = vg_arena_printf(saying->arena, "approved by %s: the request is on its way",
                                   onset->approval_by);
    else
        news.why = "the request is on its way";
    return news.why ? vg_cycle_news(saying, onset, &news, err) : fail_memory(err);
}

int vg_retrain_note(const struct vg_saying *saying, const struct vg_decision *decision,
                    struct vg_error *err)
{
    bool recorded;
    if (vg_store_decision_put(saying->env->store, decision, &recorded, err) < 0)
        return -1;
    if (!recorded)
        return 0;
    vg_log(VG_LOG_INFO, "retraining decision", "model", decision->model, "decision",
           vg_decision_name(decision->kind), "reason", decision->reason, "by", decision->by, NULL);
    if (saying->env->decided)
        saying->env->decided(saying->env->decided_arg, decision);
    return 0;
}

/* People who were told that the run of a former onset failed, which has ended since, hear with the
 * next request that this is of the past. */
static int end_failures(const struct vg_saying *saying, const struct vg_onset *present,
                        struct vg_error *err)
{
    enum { FORMER = 20 };
    const struct vg_news news = {.failed = true, .over = true, .why = "another one was asked for"};
    struct vg_onset *onsets;
    size_t n;
    if (vg_store_onsets(saying->env->store, present->model, FORMER, saying->arena, &onsets, &n,
                        err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (onsets[i].told != VG_TOLD_FAILED || !strcmp(onsets[i].key, present->key))
            continue;
        onsets[i].told = VG_TOLD_NOTHING;
        if (vg_cycle_news(saying, &onsets[i], &news, err) < 0 ||
            vg_store_onset_put(saying->env->store, &onsets[i], err) < 0)
            return -1;
    }
    return 0;
}

static int withdraw(const struct vg_saying *saying, const struct vg_onset *onset,
                    struct vg_error *err)
{
    struct vg_store *store = saying->env->store;
    if (vg_store_outbox_withdraw(store, onset->key, saying->cycle->now_us, err) < 0 ||
        (!onset->fired && vg_store_retrain_run_forget(store, onset->key, err) < 0))
        return -1;
    return vg_store_onset_put(store, onset, err);
}

int vg_retrain_keep(const struct vg_saying *saying, const struct vg_retrain_out *out,
                    struct vg_error *err)
{
    const struct vg_onset *onset = &out->onset;
    if (out->withdraw && withdraw(saying, &out->withdrawn, err) < 0)
        return -1;
    if (out->has_onset && vg_store_onset_put(saying->env->store, onset, err) < 0)
        return -1;
    if (tell(saying, out, err) < 0)
        return -1;
    if (out->fire &&
        (post_request(saying, onset, err) < 0 || vg_cycle_change(saying, onset, err) < 0 ||
         end_failures(saying, onset, err) < 0))
        return -1;
    for (size_t i = 0; i < out->ndecisions; i++) {
        if (vg_retrain_note(saying, &out->decisions[i], err) < 0)
            return -1;
    }
    return 0;
}
