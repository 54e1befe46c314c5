/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one transaction of a cycle: results, summaries, alert states, incidents, outbox, retraining,
 * windows and progress, all or nothing; then the figures are published. */
#include "agent/loop/cycle_commit.h"

#include <stdlib.h>
#include <string.h>

#include "agent/loop/carry.h"
#include "agent/loop/cycle_budget.h"
#include "agent/loop/cycle_change.h"
#include "agent/loop/cycle_remind.h"
#include "agent/loop/cycle_revisit.h"
#include "agent/loop/cycle_still.h"
#include "agent/loop/cycle_structure.h"
#include "agent/loop/offenders.h"
#include "agent/message.h"
#include "agent/plan_bind.h"
#include "agent/settle.h"
#include "agent/settle_quiet.h"
#include "agent/summary/private.h"
#include "agent/window.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

void vg_cycle_advance(const struct vg_work *work, struct vg_progress *after)
{
    const struct vg_cycle *cycle = &work->cycle;
    const struct vg_job *job = &work->job;
    *after = work->before;
    after->known = true;
    after->model = job->dataset->model;
    after->role = job->dataset->role;
    after->cycles++;
    after->ticks_skipped += job->ticks_skipped;
    if (job->tick)
        after->tick_us = job->late ? after->tick_us : cycle->now_us;
    if (cycle->failed)
        after->cycle_failures++;
    if (cycle->failed && job->revisit)
        return; /* windows and ticks go on: only its own next time moves */
    if (cycle->failed && !cycle->unreadable) {
        after->failures++;
        after->retry_us = vg_due_retry(job->dataset, after->failures, cycle->now_us);
        return;
    }
    after->failures = 0;
    after->retry_us = VG_NEVER;
    if (!cycle->failed)
        after->success_us = cycle->now_us;
    if (cycle->revisited)
        after->rows_scanned += cycle->rows;
    if (cycle->unchanged) { /* what was judged then stands */
        after->scan_failures = 0;
        after->watermark_us = cycle->window.end_us;
        after->judged_us = cycle->now_us;
    }
    if (!cycle->has_window)
        return;
    after->scan_failures = 0;
    if (!job->late)
        after->watermark_us = cycle->window.end_us;
    after->rows_scanned += cycle->rows;
    if (!cycle->empty && !cycle->failed)
        after->judged_us = cycle->now_us;
}

/* Stored alerts of rules that the file no longer names. */
static int find_gone(const struct vg_settling *settling, const struct vg_alert *alerts, size_t n,
                     struct vg_arena *arena, struct vg_strings out[2])
{
    const char **items = vg_arena_array(arena, n, sizeof *items);
    const char **segments = vg_arena_array(arena, n, sizeof *segments);
    size_t gone = 0;
    for (size_t i = 0; items && segments && i < n; i++) {
        if (!settling->dataset || vg_plan_names(settling->dataset, settling->plan, &alerts[i]))
            continue;
        items[gone] = alerts[i].rule;
        segments[gone++] = alerts[i].segment;
    }
    out[0] = (struct vg_strings){items, gone};
    out[1] = (struct vg_strings){segments, gone};
    return items && segments ? 0 : -1;
}

/* `was:` on a rule carries the alert of its former id over. */
static int carry_over(struct vg_store *store, const struct vg_dataset *dataset,
                      struct vg_error *err)
{
    for (size_t i = 0; dataset && i < dataset->nrules; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (rule->was && vg_store_alert_rename(store, dataset->id, rule->was, rule->id, err) < 0)
            return -1;
    }
    return 0;
}

static bool is_chosen(const struct vg_cycle_env *env, const char *receiver)
{
    const struct vg_strings *only = env->only_receivers;
    for (size_t i = 0; only && i < only->n; i++) {
        if (!strcmp(only->items[i], receiver))
            return true;
    }
    return !only;
}

int vg_cycle_post(const struct vg_cycle_env *env, const struct vg_message *message,
                  const struct vg_strings *to, struct vg_arena *arena, struct vg_error *err)
{
    const char *body = NULL;
    if (!env->posted && vg_message_write(message, arena, &body, err) < 0)
        return -1;
    for (size_t i = 0; i < to->n; i++) {
        if (!is_chosen(env, to->items[i]))
            continue;
        if (env->posted) {
            env->posted(env->posted_arg, message, to->items[i]);
            continue;
        }
        struct vg_outgoing row = {
            .sink_kind = VG_SINK_RECEIVER,
            .sink = to->items[i],
            .kind = message->kind,
            .severity = message->severity,
            .body = body,
            .created_us = message->at_us,
            .next_us = message->at_us,
        };
        memcpy(row.key, message->key, VG_KEY_SIZE);
        if (vg_store_outbox_put(env->store, &row, err) < 0)
            return -1;
    }
    return 0;
}

/* Keys of rows go into messages only where the file says so. */
static void hide_keys(struct vg_message *message)
{
    for (size_t i = 0; i < message->nitems; i++)
        message->items[i].nkeys = 0;
}

static int store_states(const struct vg_cycle_env *env, const struct vg_settle_in *in,
                        const struct vg_settle_out *settled, struct vg_error *err)
{
    struct vg_store *store = env->store;
    if (settled->told && in->nepisodes &&
        vg_store_episodes_clear(store, in->cycle->dataset, err) < 0)
        return -1;
    for (size_t i = 0; i < settled->nalerts; i++) {
        const struct vg_alert *alert = &settled->alerts[i];
        int rc = settled->retired[i] ? vg_store_alert_delete(store, alert->dataset, alert->rule,
                                                             alert->segment, err)
                                     : vg_store_alert_put(store, alert, err);
        if (rc < 0)
            return -1;
    }
    for (size_t i = 0; i < settled->nincidents; i++) {
        if (vg_store_incident_put(store, &settled->incidents[i], err) < 0)
            return -1;
    }
    for (size_t i = 0; !settled->told && i < settled->nepisodes; i++) {
        if (vg_store_episode_put(store, &settled->episodes[i], err) < 0)
            return -1;
    }
    return 0;
}

static int store_settled(const struct vg_cycle_env *env, const struct vg_settle_in *in,
                         struct vg_settle_out *settled, struct vg_arena *arena,
                         struct vg_error *err)
{
    const struct vg_dataset *dataset = in->dataset;
    int rc =
        env->carry ? vg_carry_keep(env->carry, settled, err) : store_states(env, in, settled, err);
    if (rc < 0)
        return -1;
    for (size_t i = 0; i < settled->nmessages; i++) {
        if (!dataset || !dataset->expose_values)
            hide_keys(&settled->messages[i]);
        if (!env->carry && vg_cycle_remind(env, dataset, &settled->messages[i], arena, err) < 0)
            return -1;
        if (settled->messages[i].kind != VG_MSG_RESOLVE &&
            vg_cycle_post(env, &settled->messages[i], &settled->receivers[i], arena, err) < 0)
            return -1;
    }
    return 0;
}

/* Which incidents of other datasets speak for this one while its connection is lost. */
static int find_lost(const struct vg_cycle_env *env, const struct vg_settling *settling,
                     struct vg_arena *arena, struct vg_settle_in *in, struct vg_error *err)
{
    const struct vg_dataset *own = settling->dataset;
    struct vg_incident *incidents;
    struct vg_alert *alerts;
    size_t n, nalerts;
    if (!own || !env->rules || !settling->cycle->failed)
        return 0;
    if (vg_store_incidents(env->store, NULL, true, arena, &incidents, &n, err) < 0 ||
        vg_store_alerts(env->store, NULL, arena, &alerts, &nalerts, err) < 0)
        return -1;
    struct vg_incident *lost = vg_arena_array(arena, n + 1, sizeof *lost);
    if (!lost)
        return fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct vg_dataset *other = vg_ruleset_find(env->rules, incidents[i].dataset);
        bool stands = other && other != own && vg_streq(other->connection, own->connection) &&
                      incidents[i].told_us != VG_NEVER && incidents[i].closed_us == VG_NEVER;
        bool gone = false;
        for (size_t a = 0; a < nalerts && stands && !gone; a++)
            gone = !strcmp(alerts[a].incident, incidents[i].key) && vg_quiet_lost(&alerts[a]);
        if (gone)
            lost[in->nlost++] = incidents[i];
    }
    in->lost = lost;
    for (size_t i = 0; i < env->rules->ndatasets; i++)
        in->neighbours += env->rules->datasets[i] != own &&
                          vg_streq(env->rules->datasets[i]->connection, own->connection);
    return 0;
}

/* What was settled before. */
static int load_settled(const struct vg_cycle_env *env, const struct vg_settling *settling,
                        struct vg_arena *arena, struct vg_settle_in *in, struct vg_error *err)
{
    struct vg_alert *alerts;
    struct vg_incident *incidents;
    struct vg_episode *episodes;
    const char *id = settling->cycle->dataset;
    bool all = !in->catching_up || settling->cycle->failed;
    if (env->carry) {
        vg_carry_settled(env->carry, in);
        return 0;
    }
    if (carry_over(env->store, in->dataset, err) < 0 ||
        vg_store_alerts(env->store, id, arena, &alerts, &in->nalerts, err) < 0 ||
        vg_store_incidents(env->store, id, true, arena, &incidents, &in->nincidents, err) < 0 ||
        vg_store_episodes(env->store, id, all, arena, &episodes, &in->nepisodes, err) < 0)
        return -1;
    in->alerts = alerts;
    in->incidents = incidents;
    in->episodes = episodes;
    if (vg_cycle_silences(env, settling->cycle->now_us, arena, in, err) < 0)
        return -1;
    return find_lost(env, settling, arena, in, err);
}

int vg_cycle_settle(const struct vg_cycle_env *env, struct vg_settling *settling,
                    struct vg_arena *arena, struct vg_error *err)
{
    const struct vg_cycle *cycle = settling->cycle;
    struct vg_settle_in in = {
        .cycle = cycle,
        .agent = env->agent,
        .dataset = settling->dataset,
        .catching_up = settling->catching_up,
        .url = vg_cycle_page(env->config->external_url, cycle->dataset, arena),
        .dashboard = vg_cycle_dashboard(env->config->dashboard_url, cycle->dataset, arena),
        .quiet = env->config->quiet,
        .nquiet = env->config->nquiet,
        .routes = env->config->routes,
        .nroutes = env->config->nroutes,
    };
    struct vg_strings gone[2];
    if (load_settled(env, settling, arena, &in, err) < 0)
        return -1;
    if (find_gone(settling, in.alerts, in.nalerts, arena, gone) < 0)
        return fail_memory(err);
    in.gone = &gone[0];
    in.gone_segments = &gone[1];
    struct vg_settle_out settled;
    if (vg_settle(&in, arena, &settled, err) < 0)
        return -1;
    vg_failpoint("settled");
    settling->alerts = settled.alerts;
    settling->nalerts = settled.nalerts;
    settling->messages = settled.messages;
    settling->receivers = settled.receivers;
    settling->nmessages = settled.nmessages;
    return store_settled(env, &in, &settled, arena, err);
}

static int store_skipped(const struct vg_work *work, struct vg_progress *after,
                         struct vg_error *err)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_window *skipped = &work->job.skipped;
    struct vg_window_row row = {
        .committed_us = work->cycle.now_us, .status = VG_WINDOW_SKIPPED, .probe_rows = -1};
    row.window.end_us = skipped->start_us;
    for (int stored = 0; row.window.end_us < skipped->end_us; stored++) {
        vg_window_at(dataset->zone, dataset->schedule.window_us, row.window.end_us, &row.window);
        row.due_us = row.window.end_us + dataset->schedule.delay_us;
        after->windows_skipped++;
        if (stored < 1000 && vg_store_window_put(work->env->store, dataset->id, &row, err) < 0)
            return -1;
    }
    return 0;
}

/* Base windows are sums of windows: cells that one of them must hide would be missing in the sum,
 * so none are kept. */
static void hide_column(struct vg_column_summary *column)
{
    vg_private_column(column);
    free(column->coarse);
    column->coarse = NULL;
    column->coarse_cells = 0;
    column->grid = NULL;
    column->grid_id = 0;
}

void vg_cycle_hide_private(const struct vg_work *work)
{
    struct vg_summary *summary = work->cycle.summary;
    for (size_t i = 0; i < summary->ncolumns; i++) {
        if (vg_dataset_is_private(work->job.dataset, summary->columns[i].name))
            hide_column(&summary->columns[i]);
    }
}

int64_t vg_cycle_base_us(const struct vg_work *work)
{
    int64_t base_us = work->job.dataset->schedule.window_us;
    bool longer = work->reference && work->reference->base_us > base_us;
    return longer ? work->reference->base_us : base_us;
}

void vg_cycle_base(const struct vg_work *work, const struct vg_window *window,
                   struct vg_window *out)
{
    *out = *window;
    if (work->plan.time)
        vg_window_at(work->job.dataset->zone, vg_cycle_base_us(work), window->start_us, out);
}

static int store_window(const struct vg_work *work, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    const struct vg_dataset *dataset = work->job.dataset;
    if (!cycle->has_window)
        return 0;
    struct vg_window_row row = {
        .window = cycle->window,
        .due_us = cycle->window.end_us + dataset->schedule.delay_us,
        .committed_us = cycle->now_us,
        .status = cycle->unreadable ? VG_WINDOW_UNREADABLE
                  : cycle->empty    ? VG_WINDOW_EMPTY
                                    : VG_WINDOW_JUDGED,
        .rows = cycle->rows,
        .probe_rows = -1,
    };
    struct vg_carry *carry = work->env->carry;
    int rc = carry ? vg_carry_window_put(carry, &row, err)
                   : vg_store_window_put(work->env->store, dataset->id, &row, err);
    if (rc < 0)
        return -1;
    if (!cycle->summary || cycle->empty)
        return 0;
    vg_cycle_hide_private(work);
    struct vg_window base;
    vg_cycle_base(work, &cycle->window, &base);
    if (carry)
        return vg_carry_add(carry, &base, cycle->summary, err);
    return vg_store_summary_add(work->env->store, dataset->id, &base, cycle->summary, err);
}

static int store_parts(struct vg_work *work, struct vg_progress *after,
                       struct vg_settling *settling, struct vg_error *err)
{
    struct vg_store *store = work->env->store;
    const char *id = work->job.dataset->id;
    for (size_t i = 0; i < work->nprobed; i++) {
        if (vg_store_window_put(store, id, &work->probed[i], err) < 0)
            return -1;
    }
    if (store_skipped(work, after, err) < 0 || store_window(work, err) < 0 ||
        vg_store_results_put(store, &work->cycle, err) < 0 || vg_offenders_note(work, err) < 0 ||
        vg_cycle_settle(work->env, settling, work->arena, err) < 0 ||
        vg_cycle_budget_store(work, err) < 0 || vg_cycle_structure_store(work, err) < 0 ||
        vg_cycle_still_store(work, err) < 0 || vg_cycle_revisit_store(work, after, err) < 0 ||
        vg_store_progress_put(store, id, after, err) < 0 || vg_cycle_retrain(work, err) < 0)
        return -1;
    return vg_cycle_tell_ends(work->env, settling, work->arena, err);
}

static void publish(struct vg_work *work, const struct vg_progress *after,
                    const struct vg_settling *settling)
{
    struct vg_cycle *cycle = &work->cycle;
    cycle->cycles = (uint64_t)after->cycles;
    cycle->cycle_failures = (uint64_t)after->cycle_failures;
    cycle->ticks_skipped = (uint64_t)after->ticks_skipped;
    cycle->windows_skipped = (uint64_t)after->windows_skipped;
    cycle->rows_scanned = after->rows_scanned;
    cycle->last_success_us = after->success_us;
    if (work->env->publisher)
        work->env->publisher->ops->publish(work->env->publisher, cycle, settling->alerts,
                                           settling->nalerts);
}

/* Asked inside the transaction: what a reload does to the dataset are later transactions of the
 * same store, begun after the barrier was raised. So either this commit comes first as a whole and
 * is carried over, or it is refused. */
static bool is_superseded(const struct vg_cycle_env *env)
{
    return env->barrier && *env->barrier > env->book;
}

static bool has_marks(const struct vg_cycle *cycle)
{
    for (size_t i = 0; i < cycle->nresults; i++) {
        if (cycle->results[i].fingerprint)
            return true;
    }
    return false;
}

/* Of a replay: what its later cycles read. */
static int carry_parts(struct vg_work *work, struct vg_settling *settling, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    if (store_window(work, err) < 0 ||
        (has_marks(cycle) && vg_store_marks_put(work->env->store, cycle, err) < 0) ||
        vg_cycle_settle(work->env, settling, work->arena, err) < 0 ||
        vg_cycle_tell_ends(work->env, settling, work->arena, err) < 0)
        return -1;
    return vg_cycle_budget_store(work, err);
}

int vg_cycle_commit(struct vg_work *work, struct vg_error *err)
{
    struct vg_store *store = work->env->store;
    struct vg_progress after;
    struct vg_settling settling = {
        .dataset = work->job.dataset,
        .cycle = &work->cycle,
        .plan = &work->plan,
        .catching_up = work->job.catching_up,
    };
    vg_cycle_advance(work, &after);
    if (work->env->carry) {
        if (carry_parts(work, &settling, err) < 0)
            return -1;
        publish(work, &after, &settling);
        work->before = after;
        return 0;
    }
    vg_failpoint("before_commit");
    if (vg_store_begin(store, &work->env->claim, err) < 0)
        return -1;
    if (is_superseded(work->env)) {
        vg_store_rollback(store);
        return vg_fail(err, VG_E_CANCELLED, "a reload came between");
    }
    if (store_parts(work, &after, &settling, err) < 0) {
        vg_store_rollback(store);
        return -1;
    }
    if (vg_store_commit(store, err) < 0)
        return -1;
    vg_failpoint("after_commit");
    if (work->env->committed)
        work->env->committed(work->env->committed_arg);
    publish(work, &after, &settling);
    work->before = after;
    return 0;
}
