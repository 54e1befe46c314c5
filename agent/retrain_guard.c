/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guards of a retraining request: data of the whole group seen and sound, nothing stale,
 * cooldown and budget kept, nothing in flight. Pure. Not knowing withholds, as failing does. */
#include "agent/retrain_guard.h"

#include <string.h>

#include "agent/window.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

enum { REASONS_MAX = 4000 };

static const unsigned guarded = 1U << VG_CLASS_SCHEMA | 1U << VG_CLASS_QUALITY |
                                1U << VG_CLASS_FRESHNESS | 1U << VG_CLASS_VOLUME;

__attribute__((format(printf, 2, 3))) static void add_reason(struct vg_buf *out, const char *fmt,
                                                             ...)
{
    if (out->len > REASONS_MAX / 2)
        return; /* enough said; the onset is withheld already */
    if (out->len)
        vg_buf_puts(out, "; ");
    va_list ap;
    va_start(ap, fmt);
    vg_buf_vprintf(out, fmt, ap);
    va_end(ap);
}

/* nodata never withholds by itself: the latest other verdict counts if it is recent enough. */
static void guard_nodata(const struct vg_group_member *member, const struct vg_latest *latest,
                         int64_t now_us, struct vg_buf *out)
{
    int64_t window = member->dataset->schedule.window_us;
    int64_t recent = 2 * window > VG_DAY_US ? 2 * window : VG_DAY_US;
    bool counts = latest->decided != VG_NODATA && now_us - latest->decided_us <= recent;
    if (counts && (latest->decided == VG_FAIL || latest->decided == VG_UNKNOWN))
        add_reason(out, "%s of %s: no data now, before that %s", latest->rule, member->dataset->id,
                   vg_verdict_name(latest->decided));
}

static void guard_result(const struct vg_group_member *member, const struct vg_latest *latest,
                         int64_t now_us, struct vg_buf *out)
{
    const char *id = member->dataset->id;
    bool windowed = latest->cadence == VG_ON_WINDOW;
    if (windowed && member->has_newest && latest->window_end_us != VG_NEVER &&
        latest->window_end_us < member->newest.window.end_us)
        add_reason(out, "%s of %s has no verdict on the newest window", latest->rule, id);
    else if (latest->verdict == VG_NODATA)
        guard_nodata(member, latest, now_us, out);
    else if (latest->verdict == VG_FAIL || latest->verdict == VG_UNKNOWN)
        add_reason(out, "%s of %s: %s, %s", latest->rule, id, vg_verdict_name(latest->verdict),
                   latest->why);
}

static const struct vg_latest *find_latest(const struct vg_group_member *member, const char *rule)
{
    for (size_t i = 0; i < member->nlatest; i++) {
        if (!strcmp(member->latest[i].rule, rule))
            return &member->latest[i];
    }
    return NULL;
}

/* A rule of the file that has never answered withholds; "*" rules are known by their results only.
 */
static void guard_missing(const struct vg_group_member *member, struct vg_buf *out)
{
    const struct vg_dataset *dataset = member->dataset;
    for (size_t i = 0; i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        bool wild = rule->column && !strcmp(rule->column, "*");
        bool later = rule->type->needs & VG_NEEDS_REVISIT; /* a window was not read again yet */
        if (!wild && !later && (guarded >> rule->type->class) & 1 && !find_latest(member, rule->id))
            add_reason(out, "%s of %s has not been checked", rule->id, dataset->id);
    }
}

static void guard_window(const struct vg_group_member *member, const struct vg_onset *onset,
                         int64_t now_us, struct vg_buf *out)
{
    const struct vg_dataset *dataset = member->dataset;
    char seen[VG_TIME_TEXT], need[VG_TIME_TEXT];
    if (!member->has_newest) {
        add_reason(out, "no window of %s with rows has been judged", dataset->id);
        return;
    }
    if (member->newest.committed_us - member->newest.due_us > VG_DAY_US)
        add_reason(out, "the newest window of %s was judged more than 24h after it was due",
                   dataset->id);
    int64_t until = onset->evidence.end_us;
    if (dataset->role == VG_ROLE_LABELS) {
        struct vg_window newest_due;
        vg_window_newest_due(dataset, now_us, &newest_due);
        until = newest_due.end_us;
    }
    if (member->newest.window.end_us < until)
        add_reason(out, "%s has been judged up to %s only, %s is needed", dataset->id,
                   vg_format_time(member->newest.window.end_us, seen), vg_format_time(until, need));
}

static void guard_member(const struct vg_retrain_in *in, const struct vg_group_member *member,
                         const struct vg_onset *onset, struct vg_buf *out)
{
    int64_t now_us = in->cycle->now_us;
    if (member->progress.failures)
        add_reason(out, "%s could not be read", member->dataset->id);
    guard_window(member, onset, now_us, out);
    guard_missing(member, out);
    for (size_t i = 0; i < member->nlatest; i++) {
        if ((guarded >> member->latest[i].class) & 1)
            guard_result(member, &member->latest[i], now_us, out);
    }
}

static void guard_budget(const struct vg_retrain_in *in, struct vg_buf *out)
{
    int64_t now_us = in->cycle->now_us;
    char when[VG_TIME_TEXT];
    size_t week = 0;
    for (size_t i = 0; i < in->nfired; i++)
        week += now_us - in->fired[i] < VG_WEEK_US;
    if (in->nfired && now_us - in->fired[0] < in->config->cooldown_us)
        add_reason(out, "cooldown until %s",
                   vg_format_time(in->fired[0] + in->config->cooldown_us, when));
    if (week >= (size_t)in->config->max_per_week)
        add_reason(out, "%zu requests in the last week, %d allowed", week,
                   in->config->max_per_week);
    if (in->in_flight)
        add_reason(out, "a request is still being delivered");
}

int vg_retrain_guard(const struct vg_retrain_in *in, const struct vg_onset *onset,
                     struct vg_arena *arena, char **reasons)
{
    struct vg_buf out;
    vg_buf_init(&out, REASONS_MAX);
    const struct vg_cycle *cycle = in->cycle;
    if (in->catching_up)
        add_reason(&out, "older windows of %s are still being caught up", cycle->dataset);
    for (size_t i = 0; i < in->nmembers; i++)
        guard_member(in, &in->members[i], onset, &out);
    guard_budget(in, &out);
    *reasons = out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return *reasons ? 0 : -1;
}
