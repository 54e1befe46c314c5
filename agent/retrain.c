/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of an onset: opened, withheld, fired, ended. Pure. The guards themselves are in
 * retrain_guard.c. */
#include "agent/retrain.h"

#include <inttypes.h>
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

static bool is_burning(enum vg_alert_state state)
{
    return state == VG_ALERT_FIRING || state == VG_ALERT_CLEARING || state == VG_ALERT_FIRING_BLIND;
}

static bool any_burning(const struct vg_retrain_in *in)
{
    for (size_t m = 0; m < in->nmembers; m++) {
        const struct vg_group_member *member = &in->members[m];
        for (size_t i = 0; i < member->nalerts; i++) {
            if (is_watched(in, member->dataset, &member->alerts[i]) &&
                is_burning(member->alerts[i].state))
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

static int decide(const struct vg_retrain_in *in, struct vg_retrain_out *out,
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
        .value = alert->value,
        .limit = alert->limit,
        .rows = in->cycle->rows,
    };
    vg_hash_hex(out->onset.key, parts, 3);
    return decide(in, out, VG_DECIDED_OPENED,
                  vg_arena_printf(arena, "%s of %s%s%s: %s", alert->rule, in->cycle->dataset,
                                  out->onset.segment ? ", " : "",
                                  out->onset.segment ? out->onset.segment : "", alert->why));
}

static int end_onset(const struct vg_retrain_in *in, struct vg_arena *arena,
                     struct vg_retrain_out *out)
{
    bool fired = out->onset.fired;
    out->onset.state = VG_ONSET_ENDED;
    out->onset.ended_us = in->cycle->now_us;
    return decide(in, out, fired ? VG_DECIDED_ENDED : VG_DECIDED_ENDED_UNFIRED,
                  vg_arena_printf(arena, "every drift rule of %s is clear", in->config->model));
}

static int try_fire(const struct vg_retrain_in *in, struct vg_arena *arena,
                    struct vg_retrain_out *out)
{
    char *reasons;
    if (vg_retrain_guard(in, &out->onset, arena, &reasons) < 0)
        return -1;
    if (*reasons)
        return decide(in, out, VG_DECIDED_WITHHELD, reasons);
    out->fire = true;
    out->onset.fired = true;
    out->onset.state = VG_ONSET_FIRED;
    out->onset.fired_us = in->cycle->now_us;
    return decide(in, out, VG_DECIDED_FIRED, "drift persists and every guard of the group passes");
}

int vg_retrain(const struct vg_retrain_in *in, struct vg_arena *arena, struct vg_retrain_out *out,
               struct vg_error *err)
{
    *out = (struct vg_retrain_out){0};
    int rc = 0;
    if (in->onset) {
        out->has_onset = true;
        out->onset = *in->onset;
    } else {
        const struct vg_alert *opener = in->cycle->has_window ? find_opener(in) : NULL;
        if (!opener)
            return 0;
        rc = open_onset(in, opener, arena, out);
    }
    if (rc == 0 && !any_burning(in))
        rc = end_onset(in, arena, out);
    else if (rc == 0 && !out->onset.fired)
        rc = try_fire(in, arena, out);
    return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}
