/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alert state machine. Owns the table of transitions and the rules of the streaks. Pure: what
 * it emits is for others to tell. Being unable to look never starts and never clears a fire. */
#include "agent/alert.h"

#include <math.h>
#include <string.h>

enum {
    FIRE = VG_EMIT_FIRE,
    CLEAR = VG_EMIT_CLEAR,
    BLIND = VG_EMIT_BLIND,
    SIGHTED = VG_EMIT_SIGHTED
};

#define NEW          VG_ALERT_NEW
#define OK           VG_ALERT_OK
#define PENDING      VG_ALERT_PENDING
#define FIRING       VG_ALERT_FIRING
#define CLEARING     VG_ALERT_CLEARING
#define UNSEEN       VG_ALERT_BLIND
#define FIRING_BLIND VG_ALERT_FIRING_BLIND

/* Columns: good, good+, bad, bad+, blind, blind+, skip. */
static const struct vg_transition table[VG_ALERT_STATES][VG_INPUTS] = {
    [NEW] = {{OK, 0}, {OK, 0}, {PENDING, 0}, {FIRING, FIRE}, {NEW, 0}, {UNSEEN, BLIND}, {NEW, 0}},
    [OK] = {{OK, 0}, {OK, 0}, {PENDING, 0}, {FIRING, FIRE}, {OK, 0}, {UNSEEN, BLIND}, {OK, 0}},
    [PENDING] = {{OK, 0},
                 {OK, 0},
                 {PENDING, 0},
                 {FIRING, FIRE},
                 {PENDING, 0},
                 {UNSEEN, BLIND},
                 {PENDING, 0}},
    [FIRING] = {{CLEARING, 0},
                {OK, CLEAR},
                {FIRING, 0},
                {FIRING, 0},
                {FIRING, 0},
                {FIRING_BLIND, BLIND},
                {FIRING, 0}},
    [CLEARING] = {{CLEARING, 0},
                  {OK, CLEAR},
                  {FIRING, 0},
                  {FIRING, 0},
                  {CLEARING, 0},
                  {FIRING_BLIND, BLIND},
                  {CLEARING, 0}},
    [UNSEEN] = {{OK, SIGHTED},
                {OK, SIGHTED},
                {PENDING, SIGHTED},
                {FIRING, SIGHTED | FIRE},
                {UNSEEN, 0},
                {UNSEEN, 0},
                {NEW, SIGHTED}},
    [FIRING_BLIND] = {{CLEARING, SIGHTED},
                      {OK, SIGHTED | CLEAR},
                      {FIRING, SIGHTED},
                      {FIRING, SIGHTED},
                      {FIRING_BLIND, 0},
                      {FIRING_BLIND, 0},
                      {FIRING, SIGHTED}},
};

const char *vg_alert_input_name(enum vg_alert_input input)
{
    static const char *const names[] = {"good", "good+", "bad", "bad+", "blind", "blind+", "skip"};
    return names[input];
}

const char *vg_alert_state_name(enum vg_alert_state state)
{
    static const char *const names[] = {
        [OK] = "ok",         [NEW] = "new",           [PENDING] = "pending",
        [UNSEEN] = "blind",  [CLEARING] = "clearing", [FIRING_BLIND] = "firing_blind",
        [FIRING] = "firing",
    };
    return names[state];
}

struct vg_transition vg_alert_transition(enum vg_alert_state from, enum vg_alert_input input)
{
    return table[from][input];
}

bool vg_alert_active(enum vg_alert_state state)
{
    return state == FIRING || state == CLEARING || state == UNSEEN || state == FIRING_BLIND;
}

void vg_alert_init(struct vg_alert *alert, const struct vg_result *result, const char *dataset,
                   int64_t now_us)
{
    *alert = (struct vg_alert){
        .dataset = dataset,
        .rule = result->rule,
        .segment = result->segment ? result->segment : "",
        .state = NEW,
        .severity = result->severity,
        .blind_since_us = VG_NEVER,
        .onset_us = VG_NEVER,
        .due_us = VG_NEVER,
        .changed_us = now_us,
        .reminded_us = VG_NEVER,
        .why = "",
    };
}

/* A warning is bad only where somebody wants to hear of warnings. */
static bool is_bad(const struct vg_result *result)
{
    return result->verdict == VG_FAIL || (result->verdict == VG_WARN && result->warn_to.n);
}

static enum vg_alert_input add_blind(struct vg_alert *alert, const struct vg_result *result,
                                     int64_t now_us)
{
    if (!alert->blind++)
        alert->blind_since_us = now_us;
    bool enough = alert->blind >= 2 && now_us - alert->blind_since_us >= result->blind_after_us;
    return enough ? VG_IN_BLIND_PLUS : VG_IN_BLIND;
}

static void end_blind(struct vg_alert *alert)
{
    alert->blind = 0;
    alert->blind_since_us = VG_NEVER;
}

/* When it was so: the start of the window, or the tick. */
static int64_t find_moment(const struct vg_result *result, const struct vg_cycle *cycle)
{
    bool window = result->cadence == VG_ON_WINDOW && cycle->has_window;
    return window ? cycle->window.start_us : cycle->due_us;
}

/* A fail is graver than a warning; of two alike the one farther beyond its limit is. What is judged
 * by p has none: its values have no limit, or are of several statistics without a common unit. */
static void note_worst(struct vg_alert *alert, const struct vg_result *result,
                       const struct vg_cycle *cycle)
{
    bool warns = result->verdict == VG_WARN && isfinite(result->warn_limit);
    const struct vg_worst now = {.at_us = find_moment(result, cycle),
                                 .value = result->value,
                                 .limit = warns ? result->warn_limit : result->limit,
                                 .verdict = result->verdict};
    const struct vg_worst *was = &alert->worst;
    if (isnan(now.value))
        return;
    if (result->by_p) {
        alert->worst.at_us = 0; /* of another policy, before a reload */
        return;
    }
    double beyond = fabs(now.value - (isfinite(now.limit) ? now.limit : 0));
    double before = fabs(was->value - (isfinite(was->limit) ? was->limit : 0));
    bool alike = now.verdict == was->verdict;
    if (!was->at_us || now.verdict > was->verdict || (alike && beyond > before))
        alert->worst = now;
}

static enum vg_alert_input read_input(struct vg_alert *alert, const struct vg_result *result,
                                      const struct vg_cycle *cycle)
{
    if (result->verdict == VG_UNKNOWN)
        return add_blind(alert, result, cycle->now_us);
    end_blind(alert);
    bool burning =
        alert->state == FIRING || alert->state == CLEARING || alert->state == FIRING_BLIND;
    /* What can no longer be judged may not fire for ever, nor is a failure of long ago one in a
     * row. */
    if (result->verdict == VG_NODATA && !(result->standing && (burning || alert->bad)))
        return VG_IN_SKIP;
    /* A window filled late says nothing of what fires since a later one. */
    if (cycle->late && burning && !is_bad(result) && alert->onset_us > cycle->window.start_us)
        return VG_IN_SKIP;
    if (!is_bad(result)) {
        alert->good++;
        alert->bad = 0;
        return alert->good >= result->resolve_after ? VG_IN_GOOD_PLUS : VG_IN_GOOD;
    }
    if (!alert->bad++ && !burning) {
        alert->onset_us = find_moment(result, cycle);
        alert->worst.at_us = 0;
    }
    note_worst(alert, result, cycle);
    alert->good = 0;
    return alert->bad >= result->after ? VG_IN_BAD_PLUS : VG_IN_BAD;
}

/* The first fail of what fired as a warning raises it to the rule's severity. */
static unsigned raise_severity(struct vg_alert *alert, const struct vg_result *result,
                               unsigned emits)
{
    enum vg_severity now = result->verdict == VG_WARN ? VG_SEVERITY_WARNING : result->severity;
    if (emits & (FIRE | BLIND)) {
        bool burning = alert->state == FIRING_BLIND;
        if (!burning)
            alert->severity = now;
        return 0;
    }
    if (alert->state == FIRING && result->verdict == VG_FAIL && alert->severity < now) {
        alert->severity = now;
        return VG_EMIT_ESCALATE;
    }
    return 0;
}

unsigned vg_alert_step(struct vg_alert *alert, const struct vg_result *result,
                       const struct vg_cycle *cycle)
{
    enum vg_alert_input input = read_input(alert, result, cycle);
    struct vg_transition step = table[alert->state][input];
    if (step.to != alert->state)
        alert->changed_us = cycle->now_us;
    alert->state = step.to;
    unsigned emits = step.emits | raise_severity(alert, result, step.emits);
    if (emits & (FIRE | BLIND | VG_EMIT_ESCALATE))
        alert->due_us = cycle->due_us;
    if (step.emits & BLIND && step.to == UNSEEN) {
        alert->onset_us = alert->blind_since_us;
        alert->worst.at_us = 0;
    }
    alert->check = result->check;
    alert->column = result->column;
    alert->class = result->class;
    alert->why = result->why;
    alert->value = result->value;
    alert->limit = result->limit;
    alert->unit = result->unit;
    alert->verdict = result->verdict;
    alert->runbook = result->runbook;
    return emits;
}

unsigned vg_alert_retire(struct vg_alert *alert, int64_t now_us)
{
    unsigned emits = 0;
    if (alert->state == UNSEEN)
        emits = SIGHTED;
    else if (vg_alert_active(alert->state))
        emits = CLEAR;
    alert->state = OK;
    alert->changed_us = now_us;
    alert->why = "rule removed";
    return emits;
}

static void print_cell(FILE *out, struct vg_transition step)
{
    char text[40];
    snprintf(text, sizeof text, "%s%s%s%s%s", vg_alert_state_name(step.to),
             step.emits & SIGHTED ? " SIGHTED" : "", step.emits & FIRE ? " FIRE" : "",
             step.emits & CLEAR ? " CLEAR" : "", step.emits & BLIND ? " BLIND" : "");
    fprintf(out, "  %-20s", text);
}

void vg_alert_print_table(FILE *out)
{
    static const enum vg_alert_state order[] = {NEW,      OK,     PENDING,     FIRING,
                                                CLEARING, UNSEEN, FIRING_BLIND};
    fprintf(out, "%-14s", "from \\ on");
    for (size_t i = 0; i < VG_INPUTS; i++)
        fprintf(out, "  %-20s", vg_alert_input_name((enum vg_alert_input)i));
    fputc('\n', out);
    for (size_t s = 0; s < sizeof order / sizeof order[0]; s++) {
        fprintf(out, "%-14s", vg_alert_state_name(order[s]));
        for (size_t i = 0; i < VG_INPUTS; i++)
            print_cell(out, table[order[s]][i]);
        fputc('\n', out);
    }
}
