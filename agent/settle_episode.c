/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Episodes: the time from a fire, or a blindness, to its end, as far as a catch-up holds it back.
 * One that began before and was told is kept for the sake of its end. What they mean for messages
 * is settle_message.c's. Pure. */
#include "agent/settle_episode.h"

#include <math.h>
#include <string.h>

#include "agent/alert.h"
#include "agent/settle_quiet.h"
#include "pgvigil/text.h"

static struct vg_episode *find_open(struct vg_settle_out *out, const struct vg_alert *alert)
{
    for (size_t i = 0; i < out->nepisodes; i++) {
        struct vg_episode *episode = &out->episodes[i];
        if (!episode->over && vg_streq(episode->rule, alert->rule) &&
            vg_streq(episode->segment, alert->segment))
            return episode;
    }
    return NULL;
}

static struct vg_episode *add_episode(const struct vg_settle_in *in, struct vg_settle_out *out,
                                      const struct vg_alert *alert)
{
    struct vg_episode *episode = &out->episodes[out->nepisodes++];
    *episode = (struct vg_episode){
        .dataset = in->cycle->dataset,
        .rule = alert->rule,
        .segment = alert->segment,
        .due_us = in->cycle->due_us,
        .ended_us = VG_NEVER,
    };
    return episode;
}

/* What is known of it now. */
static void describe(struct vg_episode *episode, const struct vg_alert *alert,
                     const struct vg_result *result)
{
    episode->check = alert->check;
    episode->column = alert->column;
    episode->class = alert->class;
    episode->severity = alert->severity;
    episode->onset_us = alert->onset_us;
    memcpy(episode->incident, alert->incident, VG_KEY_SIZE);
    episode->value = alert->value;
    episode->limit = alert->limit;
    episode->p_value = result ? result->p_value : (double)NAN;
    episode->unit = alert->unit;
    episode->verdict = alert->verdict;
    episode->why = alert->why;
    episode->runbook = alert->runbook;
    if (result)
        episode->to = result->verdict == VG_WARN ? result->warn_to : result->to;
}

static int64_t find_moment(const struct vg_cycle *cycle, const struct vg_result *result)
{
    bool window = result && result->cadence == VG_ON_WINDOW && cycle->has_window;
    return window ? cycle->window.start_us : cycle->due_us;
}

/* It ends with the first good look after the last bad one, as it begins with the first bad one. */
static void follow(const struct vg_settle_in *in, struct vg_episode *episode,
                   const struct vg_alert *alert, const struct vg_result *result)
{
    bool looked = result && result->verdict != VG_UNKNOWN && result->verdict != VG_NODATA;
    if (looked && alert->bad)
        episode->ended_us = VG_NEVER;
    else if (looked && episode->ended_us == VG_NEVER)
        episode->ended_us = find_moment(in->cycle, result);
}

static void end(const struct vg_settle_in *in, struct vg_episode *episode, struct vg_alert *alert,
                const struct vg_result *result)
{
    if (episode->ended_us == VG_NEVER)
        episode->ended_us = find_moment(in->cycle, result);
    episode->over = true;
    episode->worst = alert->worst;
    alert->untold = 0;
    alert->incident[0] = '\0';
}

bool vg_settle_episode(const struct vg_settle_in *in, struct vg_settle_out *out,
                       struct vg_alert *alert, const struct vg_result *result,
                       struct vg_settle_step step)
{
    bool active = vg_alert_active(alert->state);
    bool ends = step.was_active && !active;
    bool begins =
        step.emits & VG_EMIT_FIRE || (step.emits & VG_EMIT_BLIND && alert->state == VG_ALERT_BLIND);
    /* Without an episode an older version was stopped while catching up, or it was silenced. */
    bool untold = ends && alert->untold & VG_EMIT_FIRE && !vg_quiet_muted(in, alert);
    struct vg_episode *episode = find_open(out, alert);
    if (!episode && (untold || (in->catching_up && (begins || ends)))) {
        episode = add_episode(in, out, alert);
        episode->known = ends && !untold;
        episode->emits = ends ? alert->untold : 0;
        describe(episode, alert, result);
    } else if (episode && (begins || step.emits & VG_EMIT_ESCALATE)) {
        describe(episode, alert, result);
    }
    if (!episode)
        return false;
    episode->emits |= step.emits;
    follow(in, episode, alert, result);
    if (ends)
        end(in, episode, alert, result);
    return !episode->over;
}
