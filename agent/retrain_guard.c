/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guards of a retraining request: data of the whole group seen and sound, nothing stale, enough
 * of them new, cooldown and budgets kept, nothing in flight, no quiet time. Pure. Not knowing
 * withholds, as failing does. */
#include "agent/retrain_guard.h"

#include <string.h>

#include "agent/settle_quiet.h"
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
    int64_t until = onset->by_hand ? INT64_MIN : onset->evidence.end_us;
    if (dataset->role == VG_ROLE_LABELS) {
        struct vg_window newest_due;
        vg_window_newest_due(dataset, now_us, &newest_due);
        until = newest_due.end_us;
    }
    if (member->newest.window.end_us < until)
        add_reason(out, "%s has been judged up to %s only, %s is needed", dataset->id,
                   vg_format_time(member->newest.window.end_us, seen), vg_format_time(until, need));
}

/* Without a cycle nobody has looked just now: what was due a while ago must have been looked at. */
static void guard_looked(const struct vg_group_member *member, int64_t now_us, struct vg_buf *out)
{
    const struct vg_dataset *dataset = member->dataset;
    struct vg_window due;
    char seen[VG_TIME_TEXT];
    int64_t until = member->progress.watermark_us;
    vg_window_newest_due(dataset, now_us - dataset->schedule.window_us, &due);
    if (!member->progress.known || until == VG_NEVER)
        add_reason(out, "%s has not been looked at", dataset->id);
    else if (until < due.end_us)
        add_reason(out, "%s has been looked at up to %s only, and more was due", dataset->id,
                   vg_format_time(until, seen));
}

static void guard_member(const struct vg_retrain_in *in, const struct vg_group_member *member,
                         const struct vg_onset *onset, struct vg_buf *out)
{
    int64_t now_us = in->cycle->now_us;
    if (member->progress.failures)
        add_reason(out, "%s could not be read", member->dataset->id);
    if (in->beside)
        guard_looked(member, now_us, out);
    guard_window(member, onset, now_us, out);
    guard_missing(member, out);
    for (size_t i = 0; i < member->nlatest; i++) {
        if ((guarded >> member->latest[i].class) & 1)
            guard_result(member, &member->latest[i], now_us, out);
    }
}

/* --- What a person may override --------------------------------------------------------------- */

static void guard_rows(const struct vg_retrain_in *in, struct vg_buf *out)
{
    bool labelled = false;
    char since[VG_TIME_TEXT];
    for (size_t i = 0; i < in->nmembers; i++) {
        const struct vg_group_member *member = &in->members[i];
        bool labels = member->dataset->role == VG_ROLE_LABELS;
        int64_t least = labels ? in->config->min_labels : in->config->min_rows;
        labelled = labelled || labels;
        if (member->fresh_rows >= (uint64_t)least)
            continue;
        add_reason(out, "%s has %llu new %s%s%s, %lld are needed", member->dataset->id,
                   (unsigned long long)member->fresh_rows, labels ? "labels" : "rows",
                   in->nfired ? " since " : "",
                   in->nfired ? vg_format_time(in->fired[0], since) : "", (long long)least);
    }
    if (in->config->min_labels && !labelled)
        add_reason(out, "min_labels is set, and no dataset of %s holds labels", in->config->model);
}

static size_t count_since(const struct vg_retrain_in *in, int64_t span_us)
{
    size_t n = 0;
    for (size_t i = 0; i < in->nfired; i++)
        n += in->cycle->now_us - in->fired[i] < span_us;
    return n;
}

static void guard_budget(const struct vg_retrain_in *in, struct vg_buf *out)
{
    const struct vg_retraining *config = in->config;
    char when[VG_TIME_TEXT];
    size_t day = count_since(in, VG_DAY_US), week = count_since(in, VG_WEEK_US);
    if (in->nfired && in->cycle->now_us - in->fired[0] < config->cooldown_us)
        add_reason(out, "cooldown until %s",
                   vg_format_time(in->fired[0] + config->cooldown_us, when));
    if (config->max_per_day && day >= (size_t)config->max_per_day)
        add_reason(out, "%zu request%s in the last day, %d allowed", day, day == 1 ? "" : "s",
                   config->max_per_day);
    if (week >= (size_t)config->max_per_week)
        add_reason(out, "%zu requests in the last week, %d allowed", week, config->max_per_week);
}

static bool is_quiet(const struct vg_quiet *quiet, int64_t at_us)
{
    return at_us >= quiet->from_us && at_us < quiet->until_us &&
           vg_quiet_hours(&quiet->hours, at_us);
}

/* Not those in which it was asked for at forced_us, which only a person can do. */
static void guard_quiet(const struct vg_retrain_in *in, int64_t forced_us, struct vg_buf *out)
{
    int64_t now_us = in->cycle->now_us;
    for (size_t i = 0; i < in->config->nquiet; i++) {
        const struct vg_quiet *quiet = &in->config->quiet[i];
        bool forced = forced_us != VG_NEVER && is_quiet(quiet, forced_us);
        if (is_quiet(quiet, now_us) && !forced)
            add_reason(out, "a quiet time%s%s", quiet->why ? ": " : "",
                       quiet->why ? quiet->why : "");
    }
}

/* --- Under way -------------------------------------------------------------------------------- */

int64_t vg_retrain_over_us(const struct vg_retraining *config, int64_t fired_us,
                           enum vg_retrain_flight run)
{
    int64_t most_us = config->in_flight_us;
    if (most_us == VG_DEFAULT)
        most_us = run == VG_FLIGHT_GOING ? VG_WEEK_US : 0; /* what is not followed has a cooldown */
    return run == VG_FLIGHT_OVER ? fired_us : fired_us + most_us;
}

static void guard_flight(const struct vg_retrain_in *in, struct vg_buf *out)
{
    char asked[VG_TIME_TEXT], over[VG_TIME_TEXT];
    int64_t now_us = in->cycle->now_us;
    if (in->in_flight)
        add_reason(out, "a request is still being delivered");
    int64_t over_us = in->nfired ? vg_retrain_over_us(in->config, in->fired[0], in->run) : now_us;
    if (in->in_flight || over_us <= now_us)
        return;
    vg_format_time(in->fired[0], asked);
    add_reason(out, "%s asked for at %s %s, and counts as under way until %s",
               in->run == VG_FLIGHT_GOING ? "the run" : "whether the run", asked,
               in->run == VG_FLIGHT_GOING ? "has not ended" : "has ended is not known",
               vg_format_time(over_us, over));
}

static const char *take_reasons(struct vg_buf *buf, struct vg_arena *arena)
{
    const char *text = buf->failed ? NULL : vg_arena_strdup(arena, buf->len ? buf->data : "");
    vg_buf_free(buf);
    return text;
}

static void guard_data(const struct vg_retrain_in *in, const struct vg_onset *onset,
                       struct vg_buf *out)
{
    if (in->catching_up)
        add_reason(out, "older windows of %s are still being caught up", in->cycle->dataset);
    if (!in->nmembers)
        add_reason(out, "no rule file names the model %s", in->config->model);
    for (size_t i = 0; i < in->nmembers; i++)
        guard_member(in, &in->members[i], onset, out);
}

const char *vg_retrain_object(const struct vg_retrain_in *in, const struct vg_onset *onset,
                              struct vg_arena *arena)
{
    struct vg_buf text;
    bool asked = onset->approval == VG_APPROVAL_GIVEN;
    vg_buf_init(&text, REASONS_MAX);
    if (in->config->dry_run)
        add_reason(&text, "dry_run is set");
    guard_data(in, onset, &text);
    guard_quiet(in, asked ? onset->fired_us : VG_NEVER, &text);
    return take_reasons(&text, arena);
}

int vg_retrain_guard(const struct vg_retrain_in *in, const struct vg_onset *onset,
                     struct vg_arena *arena, struct vg_guarded *out)
{
    struct vg_buf firm, loose;
    vg_buf_init(&firm, REASONS_MAX);
    vg_buf_init(&loose, REASONS_MAX);
    guard_data(in, onset, &firm);
    guard_flight(in, &firm);
    guard_rows(in, &loose);
    guard_budget(in, &loose);
    guard_quiet(in, VG_NEVER, &loose);
    out->firm = take_reasons(&firm, arena);
    out->loose = take_reasons(&loose, arena);
    return out->firm && out->loose ? 0 : -1;
}
