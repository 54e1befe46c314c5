/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Collecting what a backtest comes to. Incidents are followed by the alerts that are part of them,
 * as they are committed; an incident has ended when none is active any more. Pure. */
#include "agent/backtest.h"

#include <stdlib.h>
#include <string.h>

#include "agent/window.h"
#include "pgvigil/text.h"

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_backtest_open(struct vg_backtest *test, const struct vg_dataset *dataset,
                     const struct vg_injection *injections, size_t n, struct vg_error *err)
{
    *test = (struct vg_backtest){
        .arena = vg_arena_new(),
        .dataset = dataset->id,
        .zone = dataset->zone,
        .window_us = dataset->schedule.window_us,
        .nchanges = n,
    };
    if (test->arena)
        test->changes = vg_arena_array(test->arena, n, sizeof *test->changes);
    if (!test->changes) {
        vg_backtest_close(test);
        return fail_memory(err);
    }
    for (size_t i = 0; i < n; i++)
        test->changes[i] = (struct vg_backtest_change){.injection = &injections[i]};
    return 0;
}

void vg_backtest_close(struct vg_backtest *test)
{
    for (size_t i = 0; i < test->nincidents; i++)
        free(test->incidents[i].alerts);
    for (size_t i = 0; i < test->nrules; i++) {
        for (size_t k = 0; k < test->rules[i].nseries; k++)
            free(test->rules[i].series[k].values);
        free(test->rules[i].series);
    }
    free(test->incidents);
    free(test->weeks);
    free(test->judged);
    vg_arena_free(test->arena);
    memset(test, 0, sizeof *test);
}

struct vg_backtest_rule *vg_backtest_rule(struct vg_backtest *test, const char *id,
                                          const char *column)
{
    for (size_t i = 0; i < test->nrules; i++) {
        struct vg_backtest_rule *rule = &test->rules[i];
        if (!strcmp(rule->id, id) && vg_streq(rule->column, column))
            return rule;
    }
    return NULL;
}

/* --- Results ---------------------------------------------------------------------------------- */

struct vg_backtest_rule *vg_backtest_next(struct vg_backtest *test, const char *id, size_t *at)
{
    for (size_t i = 0; i < test->nrules; i++, ++*at) {
        if (*at >= test->nrules)
            *at = 0;
        if (!strcmp(test->rules[*at].id, id))
            return &test->rules[*at];
    }
    return NULL;
}

/* --- Incidents -------------------------------------------------------------------------------- */

static bool is_active(const struct vg_alert *alert)
{
    return *alert->incident &&
           (alert->state == VG_ALERT_FIRING || alert->state == VG_ALERT_CLEARING ||
            alert->state == VG_ALERT_BLIND || alert->state == VG_ALERT_FIRING_BLIND);
}

static struct vg_backtest_incident *find_incident(struct vg_backtest *test, const char *key)
{
    for (size_t i = test->nincidents; i > 0; i--) {
        if (!strcmp(test->incidents[i - 1].key, key))
            return &test->incidents[i - 1];
    }
    return NULL;
}

static struct vg_backtest_incident *open_incident(struct vg_backtest *test,
                                                  const struct vg_alert *alert, int64_t due_us)
{
    if (vg_grow((void **)&test->incidents, &test->incidents_size, test->nincidents + 1,
                sizeof *test->incidents) < 0)
        return NULL;
    struct vg_backtest_incident *incident = &test->incidents[test->nincidents++];
    *incident = (struct vg_backtest_incident){
        .severity = alert->severity,
        .onset_us = alert->onset_us == VG_NEVER ? due_us : alert->onset_us,
        .opened_us = due_us,
        .closed_us = VG_NEVER,
    };
    memcpy(incident->key, alert->incident, VG_KEY_SIZE);
    return incident;
}

static struct vg_backtest_alert *find_member(const struct vg_backtest_incident *incident,
                                             const struct vg_alert *alert)
{
    const char *segment = *alert->segment ? alert->segment : NULL;
    for (size_t i = 0; i < incident->nalerts; i++) {
        struct vg_backtest_alert *member = &incident->alerts[i];
        if (!strcmp(member->rule, alert->rule) && vg_streq(member->segment, segment))
            return member;
    }
    return NULL;
}

static int add_member(struct vg_backtest *test, struct vg_backtest_incident *incident,
                      const struct vg_alert *alert, int64_t due_us, struct vg_error *err)
{
    struct vg_arena *arena = test->arena;
    if (vg_grow((void **)&incident->alerts, &incident->size, incident->nalerts + 1,
                sizeof *incident->alerts) < 0)
        return fail_memory(err);
    struct vg_backtest_alert member = {
        .rule = vg_arena_strdup(arena, alert->rule),
        .check = vg_arena_strdup(arena, alert->check),
        .column = vg_arena_strdup(arena, alert->column),
        .segment = *alert->segment ? vg_arena_strdup(arena, alert->segment) : NULL,
        .class = alert->class,
        .blind = alert->state == VG_ALERT_BLIND,
        .onset_us = alert->onset_us == VG_NEVER ? due_us : alert->onset_us,
        .fired_us = due_us,
        .ended_us = VG_NEVER,
        .value = alert->value,
        .limit = alert->limit,
        .unit = alert->unit,
        .why = vg_arena_strdup(arena, alert->why),
    };
    bool whole = member.rule && member.check && member.why && (member.column || !alert->column) &&
                 (member.segment || !*alert->segment);
    if (!whole)
        return fail_memory(err);
    if (member.onset_us < incident->onset_us)
        incident->onset_us = member.onset_us;
    incident->alerts[incident->nalerts++] = member;
    size_t at = 0;
    struct vg_backtest_rule *rule = vg_backtest_next(test, alert->rule, &at);
    if (rule)
        rule->fired++;
    return 0;
}

static int take_active(struct vg_backtest *test, const struct vg_alert *alert, int64_t due_us,
                       struct vg_error *err)
{
    struct vg_backtest_incident *incident = find_incident(test, alert->incident);
    if (!incident)
        incident = open_incident(test, alert, due_us);
    if (!incident)
        return fail_memory(err);
    struct vg_backtest_alert *member = find_member(incident, alert);
    if (!member)
        return add_member(test, incident, alert, due_us, err);
    member->ended_us = VG_NEVER;
    return 0;
}

/* Members that are active no more have ended, and so have incidents without any. */
static void end_members(struct vg_backtest *test, const struct vg_alert *alerts, size_t n,
                        int64_t due_us)
{
    for (size_t i = 0; i < test->nincidents; i++) {
        struct vg_backtest_incident *incident = &test->incidents[i];
        size_t active = 0;
        for (size_t m = 0; incident->closed_us == VG_NEVER && m < incident->nalerts; m++) {
            struct vg_backtest_alert *member = &incident->alerts[m];
            const struct vg_alert *alert = NULL;
            for (size_t a = 0; a < n && !alert; a++) {
                bool same = is_active(&alerts[a]) && !strcmp(alerts[a].incident, incident->key) &&
                            find_member(incident, &alerts[a]) == member;
                alert = same ? &alerts[a] : NULL;
            }
            if (!alert && member->ended_us == VG_NEVER)
                member->ended_us = due_us;
            active += alert != NULL;
        }
        if (incident->closed_us == VG_NEVER && !active)
            incident->closed_us = due_us;
    }
}

/* --- Injected changes ------------------------------------------------------------------------- */

/* Whether an alert can be about the change: of its column, or of the rows as such. */
static bool concerns(const struct vg_injection *injection, const struct vg_alert *alert)
{
    if (!injection->column)
        return true;
    if (alert->column)
        return !strcmp(alert->column, injection->column);
    return alert->class == VG_CLASS_DRIFT;
}

/* Whether the rule is firing then without any change, too. */
static bool fires_anyway(const struct vg_backtest *control, const struct vg_alert *alert,
                         int64_t due_us)
{
    for (size_t i = 0; control && i < control->nincidents; i++) {
        const struct vg_backtest_alert *member = find_member(&control->incidents[i], alert);
        if (member && member->fired_us <= due_us &&
            (member->ended_us == VG_NEVER || member->ended_us > due_us))
            return true;
    }
    return false;
}

static int look_for(struct vg_backtest *test, struct vg_backtest_change *change,
                    const struct vg_cycle *cycle, const struct vg_alert *alert,
                    struct vg_error *err)
{
    const struct vg_injection *injection = change->injection;
    bool firing = is_active(alert) && alert->state != VG_ALERT_BLIND;
    if (change->found || !firing || cycle->window.end_us <= injection->from_us ||
        cycle->window.start_us >= injection->to_us || !concerns(injection, alert))
        return 0;
    if (fires_anyway(test->control, alert, cycle->due_us)) {
        if (!change->before && !(change->before = vg_arena_strdup(test->arena, alert->rule)))
            return fail_memory(err);
        return 0;
    }
    change->found = vg_arena_strdup(test->arena, alert->rule);
    change->why = vg_arena_strdup(test->arena, alert->why);
    change->found_us = cycle->due_us;
    return change->found && change->why ? 0 : fail_memory(err);
}

int64_t vg_backtest_delay(const struct vg_backtest *test, const struct vg_backtest_change *change)
{
    int64_t from_us = change->injection->from_us;
    return change->found_us - (from_us < test->from_us ? test->from_us : from_us);
}

int vg_backtest_take(struct vg_backtest *test, const struct vg_cycle *cycle,
                     const struct vg_alert *alerts, size_t nalerts, struct vg_error *err)
{
    size_t at = 0;
    if (test->tunes && vg_backtest_keep(test, cycle, err) < 0)
        return -1;
    for (size_t i = 0; i < cycle->nresults; i++) {
        struct vg_backtest_rule *rule = vg_backtest_next(test, cycle->results[i].rule, &at);
        if (rule)
            rule->verdicts[cycle->results[i].verdict]++;
    }
    for (size_t i = 0; i < nalerts; i++) {
        if (is_active(&alerts[i]) && take_active(test, &alerts[i], cycle->due_us, err) < 0)
            return -1;
        for (size_t c = 0; c < test->nchanges; c++) {
            if (look_for(test, &test->changes[c], cycle, &alerts[i], err) < 0)
                return -1;
        }
    }
    end_members(test, alerts, nalerts, cycle->due_us);
    test->windows++;
    test->empty += cycle->empty;
    test->rows += cycle->rows;
    return 0;
}

/* --- Pages ------------------------------------------------------------------------------------ */

static struct vg_backtest_week *find_week(struct vg_backtest *test, int64_t start_us,
                                          const char *receiver)
{
    size_t at = 0;
    for (; at < test->nweeks; at++) {
        struct vg_backtest_week *week = &test->weeks[at];
        int order = strcmp(week->receiver, receiver);
        if (order == 0 && week->start_us == start_us)
            return week;
        if (order > 0 || (order == 0 && week->start_us > start_us))
            break;
    }
    if (vg_grow((void **)&test->weeks, &test->weeks_size, test->nweeks + 1, sizeof *test->weeks) <
        0)
        return NULL;
    memmove(&test->weeks[at + 1], &test->weeks[at], (test->nweeks - at) * sizeof *test->weeks);
    test->nweeks++;
    test->weeks[at] =
        (struct vg_backtest_week){start_us, vg_arena_strdup(test->arena, receiver), 0, 0};
    return test->weeks[at].receiver ? &test->weeks[at] : NULL;
}

int vg_backtest_tell(struct vg_backtest *test, const struct vg_message *message,
                     const char *receiver, struct vg_error *err)
{
    struct vg_window week;
    vg_window_at(test->zone, VG_WEEK_US, message->at_us, &week);
    struct vg_backtest_week *row = find_week(test, week.start_us, receiver);
    if (!row)
        return fail_memory(err);
    if (message->kind == VG_MSG_OPEN)
        row->opened++;
    else
        row->others++;
    return 0;
}
