/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a committed cycle means for its model's retraining: gathers the group's facts from the
 * store, asks the pure rules, and stores onset, decisions and the request in the cycle's
 * transaction. */
#include <string.h>

#include "agent/loop/cycle_change.h"
#include "agent/loop/cycle_commit.h"
#include "agent/message.h"
#include "agent/retrain.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static int load_member(struct vg_store *store, const struct vg_dataset *dataset,
                       struct vg_arena *arena, struct vg_group_member *out, struct vg_error *err)
{
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

static int load_members(const struct vg_work *work, struct vg_retrain_in *in, struct vg_error *err)
{
    const struct vg_ruleset *rules = work->env->rules;
    struct vg_group_member *members =
        vg_arena_array(work->arena, rules->ndatasets, sizeof *members);
    if (!members)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < rules->ndatasets; i++) {
        const struct vg_dataset *dataset = rules->datasets[i];
        if (!vg_streq(dataset->model, in->config->model))
            continue;
        if (load_member(work->env->store, dataset, work->arena, &members[in->nmembers++], err) < 0)
            return -1;
    }
    in->members = members;
    return 0;
}

static int load_requests(const struct vg_work *work, struct vg_retrain_in *in, struct vg_error *err)
{
    struct vg_store *store = work->env->store;
    int64_t longest = in->config->cooldown_us > VG_WEEK_US ? in->config->cooldown_us : VG_WEEK_US;
    int64_t *fired;
    struct vg_outbox_count *counts;
    size_t n;
    if (vg_store_fired(store, in->config->model, work->cycle.now_us - longest, work->arena, &fired,
                       &in->nfired, err) < 0 ||
        vg_store_outbox_counts(store, work->arena, &counts, &n, err) < 0)
        return -1;
    in->fired = fired;
    for (size_t i = 0; i < n; i++)
        in->in_flight |= counts[i].sink_kind == VG_SINK_RETRAIN && counts[i].waiting > 0 &&
                         vg_streq(counts[i].sink, in->config->model);
    return 0;
}

static int post_request(const struct vg_work *work, const struct vg_onset *onset,
                        struct vg_error *err)
{
    struct vg_outgoing row = {
        .sink_kind = VG_SINK_RETRAIN,
        .sink = onset->model,
        .kind = VG_MSG_OPEN,
        .created_us = work->cycle.now_us,
        .next_us = work->cycle.now_us,
    };
    memcpy(row.key, onset->key, VG_KEY_SIZE);
    if (vg_onset_write(onset, work->arena, &row.body, err) < 0)
        return -1;
    if (vg_store_retrain_run_ask(work->env->store, onset->key, onset->model, row.created_us, err) <
        0)
        return -1;
    return vg_store_outbox_put(work->env->store, &row, err);
}

static int store_decided(const struct vg_work *work, const struct vg_retrain_out *out,
                         struct vg_error *err)
{
    struct vg_store *store = work->env->store;
    if (out->has_onset && vg_store_onset_put(store, &out->onset, err) < 0)
        return -1;
    if (out->fire &&
        (post_request(work, &out->onset, err) < 0 || vg_cycle_change(work, &out->onset, err) < 0))
        return -1;
    for (size_t i = 0; i < out->ndecisions; i++) {
        const struct vg_decision *decision = &out->decisions[i];
        bool recorded;
        if (vg_store_decision_put(store, decision, &recorded, err) < 0)
            return -1;
        if (recorded)
            vg_log(VG_LOG_INFO, "retraining decision", "model", decision->model, "decision",
                   vg_decision_name(decision->kind), "reason", decision->reason, NULL);
        if (recorded && work->env->decided)
            work->env->decided(work->env->decided_arg, decision);
    }
    return 0;
}

int vg_cycle_retrain(const struct vg_work *work, struct vg_error *err)
{
    const char *model = work->job.dataset->model;
    const struct vg_retraining *config =
        model ? vg_config_retraining(work->env->config, model) : NULL;
    if (!config)
        return 0;
    struct vg_retrain_in in = {
        .config = config,
        .agent = work->env->agent,
        .cycle = &work->cycle,
        .catching_up = work->job.catching_up,
    };
    struct vg_onset onset;
    bool found;
    if (load_members(work, &in, err) < 0 || load_requests(work, &in, err) < 0 ||
        vg_store_onset(work->env->store, model, work->arena, &onset, &found, err) < 0)
        return -1;
    in.onset = found ? &onset : NULL;
    struct vg_retrain_out out;
    if (vg_retrain(&in, work->arena, &out, err) < 0)
        return -1;
    return store_decided(work, &out, err);
}
