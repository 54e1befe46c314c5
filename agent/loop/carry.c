/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alerts, incidents and windows that a replay hands on from cycle to cycle. Each is copied as the
 * store would have kept it: in its order, without what it leaves out, numbers that are none as
 * NAN. */
#include "agent/loop/carry_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t kept_us = 200 * VG_DAY_US; /* windows are looked back on less far */

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_carry_new(struct vg_store *store, const char *dataset, struct vg_carry **out,
                 struct vg_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return fail_memory(err);
    (*out)->store = store;
    (*out)->dataset = dataset;
    return 0;
}

void vg_carry_free(struct vg_carry *carry)
{
    if (!carry)
        return;
    vg_carry_forget_model(carry);
    vg_carry_forget_bases(carry);
    vg_arena_free(carry->settled);
    vg_arena_free(carry->before);
    free(carry->windows);
    free(carry);
}

/* --- Alerts and incidents ----------------------------------------------------------------- */

void vg_carry_settled(const struct vg_carry *carry, struct vg_settle_in *in)
{
    in->alerts = carry->alerts;
    in->nalerts = carry->nalerts;
    in->incidents = carry->incidents;
    in->nincidents = carry->nincidents;
}

bool vg_carry_burns(const struct vg_carry *carry, const struct vg_result *result)
{
    const char *segment = result->segment ? result->segment : "";
    enum vg_severity now = result->verdict == VG_WARN ? VG_SEVERITY_WARNING : result->severity;
    for (size_t i = 0; i < carry->nalerts; i++) {
        const struct vg_alert *alert = &carry->alerts[i];
        bool fires = alert->state == VG_ALERT_FIRING || alert->state == VG_ALERT_CLEARING ||
                     alert->state == VG_ALERT_FIRING_BLIND;
        if (!strcmp(alert->rule, result->rule) && !strcmp(alert->segment, segment))
            return fires && alert->severity >= now;
    }
    return false;
}

/* Copies of texts; *whole becomes false when one could not be made. */
static const char *copy_text(struct vg_arena *arena, const char *text, bool *whole)
{
    const char *copy = vg_arena_strdup(arena, text);
    *whole &= copy || !text;
    return copy;
}

static double as_stored(double x)
{
    return isfinite(x) ? x : (double)NAN;
}

static bool copy_alert(const struct vg_alert *from, struct vg_arena *arena, struct vg_alert *out)
{
    bool whole = true;
    *out = *from;
    out->dataset = copy_text(arena, from->dataset, &whole);
    out->rule = copy_text(arena, from->rule, &whole);
    out->segment = copy_text(arena, from->segment ? from->segment : "", &whole);
    out->check = copy_text(arena, from->check, &whole);
    out->column = copy_text(arena, from->column, &whole);
    out->why = copy_text(arena, from->why ? from->why : "", &whole);
    out->runbook = copy_text(arena, from->runbook, &whole);
    out->value = as_stored(from->value);
    out->limit = as_stored(from->limit);
    return whole;
}

static int compare_alerts(const void *a, const void *b)
{
    const struct vg_alert *x = a, *y = b;
    int order = strcmp(x->rule, y->rule);
    return order ? order : strcmp(x->segment, y->segment);
}

static bool copy_alerts(const struct vg_settle_out *settled, struct vg_arena *arena,
                        struct vg_carry *out)
{
    out->alerts = vg_arena_array(arena, settled->nalerts, sizeof *out->alerts);
    out->nalerts = 0;
    for (size_t i = 0; out->alerts && i < settled->nalerts; i++) {
        if (settled->retired[i])
            continue;
        if (!copy_alert(&settled->alerts[i], arena, &out->alerts[out->nalerts++]))
            return false;
    }
    if (out->nalerts)
        qsort(out->alerts, out->nalerts, sizeof *out->alerts, compare_alerts);
    return out->alerts != NULL;
}

static bool is_open(const struct vg_incident *incident)
{
    return incident->closed_us == VG_NEVER || incident->told_us == VG_NEVER ||
           incident->told_us < incident->closed_us;
}

static bool copy_incident(const struct vg_incident *from, struct vg_arena *arena,
                          struct vg_incident *out)
{
    bool whole = true;
    const char **to = vg_arena_array(arena, from->to.n, sizeof *to);
    *out = *from;
    out->dataset = copy_text(arena, from->dataset, &whole);
    out->acked_by = copy_text(arena, from->acked_by, &whole);
    out->rules = copy_text(arena, from->rules, &whole);
    for (size_t i = 0; to && i < from->to.n; i++)
        to[i] = copy_text(arena, from->to.items[i], &whole);
    out->to.items = to;
    return whole && to;
}

/* The newest first. */
static int compare_incidents(const void *a, const void *b)
{
    const struct vg_incident *x = a, *y = b;
    if (x->opened_due_us != y->opened_due_us)
        return x->opened_due_us < y->opened_due_us ? 1 : -1;
    return strcmp(x->key, y->key);
}

static bool copy_incidents(const struct vg_settle_out *settled, struct vg_arena *arena,
                           struct vg_carry *out)
{
    out->incidents = vg_arena_array(arena, settled->nincidents, sizeof *out->incidents);
    out->nincidents = 0;
    for (size_t i = 0; out->incidents && i < settled->nincidents; i++) {
        const struct vg_incident *incident = &settled->incidents[i];
        if (!is_open(incident))
            continue;
        if (!copy_incident(incident, arena, &out->incidents[out->nincidents++]))
            return false;
    }
    if (out->nincidents)
        qsort(out->incidents, out->nincidents, sizeof *out->incidents, compare_incidents);
    return out->incidents != NULL;
}

int vg_carry_keep(struct vg_carry *carry, const struct vg_settle_out *settled, struct vg_error *err)
{
    struct vg_carry next = *carry;
    struct vg_arena *arena = vg_arena_new();
    if (!settled->told)
        BUG("a replay holds messages back");
    if (!arena || !copy_alerts(settled, arena, &next) || !copy_incidents(settled, arena, &next)) {
        vg_arena_free(arena);
        return fail_memory(err);
    }
    vg_arena_free(carry->before);
    next.before = carry->settled;
    next.settled = arena;
    *carry = next;
    return 0;
}

/* --- Windows ------------------------------------------------------------------------------ */

/* The first window that begins at or after then. */
static size_t find_window(const struct vg_carry *carry, int64_t start_us)
{
    size_t first = 0, n = carry->nwindows;
    while (n) {
        size_t half = n / 2;
        bool before = carry->windows[first + half].window.start_us < start_us;
        first += before ? half + 1 : 0;
        n = before ? n - half - 1 : half;
    }
    return first;
}

int vg_carry_window_put(struct vg_carry *carry, const struct vg_window_row *row,
                        struct vg_error *err)
{
    size_t at = find_window(carry, row->window.start_us);
    if (at < carry->nwindows) {
        if (carry->windows[at].window.start_us != row->window.start_us)
            BUG("a replay goes back in time");
        carry->windows[at] = *row;
        return 0;
    }
    if (carry->nwindows && carry->nwindows == carry->windows_size) {
        size_t old = find_window(carry, row->window.start_us - kept_us);
        carry->nwindows -= old;
        memmove(carry->windows, carry->windows + old, carry->nwindows * sizeof *carry->windows);
    }
    if (vg_grow((void **)&carry->windows, &carry->windows_size, carry->nwindows + 1,
                sizeof *carry->windows) < 0)
        return fail_memory(err);
    carry->windows[carry->nwindows++] = *row;
    return 0;
}

const struct vg_window_row *vg_carry_window(const struct vg_carry *carry, int64_t start_us)
{
    size_t at = find_window(carry, start_us);
    bool found = at < carry->nwindows && carry->windows[at].window.start_us == start_us;
    return found ? &carry->windows[at] : NULL;
}

int vg_carry_windows_judged(const struct vg_carry *carry, const struct vg_window *span,
                            struct vg_arena *arena, struct vg_window_row **out, size_t *n,
                            struct vg_error *err)
{
    size_t at = find_window(carry, span->start_us);
    *n = 0;
    *out = vg_arena_array(arena, carry->nwindows - at, sizeof **out);
    if (!*out)
        return fail_memory(err);
    for (; at < carry->nwindows; at++) {
        const struct vg_window_row *row = &carry->windows[at];
        if (row->status == VG_WINDOW_JUDGED && row->rows && row->window.end_us <= span->end_us)
            (*out)[(*n)++] = *row;
    }
    return 0;
}
