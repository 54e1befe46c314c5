/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rule file says of references against what the store holds of them. */
#include "agent/loop/wanted.h"

#include "agent/loop/calibrate.h"
#include "agent/reference.h"
#include "agent/window.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

struct search {
    const struct vg_cycle_env *env;
    const struct vg_dataset *dataset;
    bool all;
    struct vg_arena *arena;
    const struct vg_reference_row *rows;
    size_t nrows;
    struct vg_wanted *out;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* The version made of this, or standing in for it; NULL: there is none. */
static const struct vg_reference_row *find_row(const struct search *search, const char *name,
                                               const char *spec)
{
    for (size_t i = 0; i < search->nrows; i++) {
        const struct vg_reference_row *row = &search->rows[i];
        if (row->complete && vg_streq(row->name, name) &&
            (vg_streq(row->spec, spec) || vg_streq(row->stands_for, spec)))
            return row;
    }
    return NULL;
}

/* The file said rolling meanwhile, and says again what was captured before. */
static int take_back(const struct search *search, const struct vg_reference_row *found,
                     struct vg_error *err)
{
    for (size_t i = 0; i < search->nrows; i++) {
        const struct vg_reference_row *row = &search->rows[i];
        bool rolled = row->active && row->rolling && vg_streq(row->name, found->name);
        struct vg_reference_change change = {
            .dataset = found->dataset,
            .version = found->version,
            .how = VG_REFERENCE_USED,
            .at_us = search->env->clock->ops->now_us(search->env->clock),
        };
        if (rolled && !found->rolling)
            return vg_store_reference_choose(search->env->store, &change, NULL, search->arena, err);
    }
    return 0;
}

static int want(struct search *search, const struct vg_dataset *item, int64_t ready_us,
                struct vg_error *err)
{
    struct vg_wanted *out = search->out;
    const char *spec = vg_capture_spec(item, search->arena);
    if (!spec)
        return fail_memory(err);
    const struct vg_reference_row *found = find_row(search, item->reference.name, spec);
    if (found && !search->all)
        return take_back(search, found, err);
    for (size_t i = 0; i < out->n; i++) {
        const struct vg_reference_spec *known = &out->items[i].reference;
        if (vg_streq(known->name, item->reference.name) && known->to_us == item->reference.to_us)
            return 0;
    }
    out->ready_us[out->n] = ready_us;
    out->items[out->n++] = *item;
    return 0;
}

/* The newest version, and the one that judges the newest closed window. */
static int want_rolling(struct search *search, const struct vg_reference_spec *spec,
                        struct vg_error *err)
{
    const struct vg_dataset *dataset = search->dataset;
    int64_t now_us = search->env->clock->ops->now_us(search->env->clock), next_us;
    struct vg_window spans[2], closed;
    struct vg_dataset item;
    vg_reference_newest(dataset, spec, now_us, &spans[0], &next_us);
    vg_window_newest_due(dataset, now_us, &closed);
    vg_reference_span(dataset, spec, closed.start_us, &spans[1]);
    if (next_us < search->out->next_us)
        search->out->next_us = next_us;
    for (size_t i = 0; i < (search->all ? 1 : 2); i++) {
        vg_reference_pin(dataset, spec, &spans[i], &item);
        if (want(search, &item, spans[i].end_us + dataset->schedule.delay_us, err) < 0)
            return -1;
    }
    return 0;
}

static int want_spec(struct search *search, const struct vg_reference_spec *spec,
                     struct vg_error *err)
{
    const struct vg_dataset *dataset = search->dataset;
    struct vg_dataset item = *dataset;
    if (spec->kind == VG_REF_NONE)
        return 0;
    if (spec->kind == VG_REF_ROLLING)
        return want_rolling(search, spec, err);
    item.reference = *spec;
    item.others = NULL;
    item.nothers = 0;
    bool timed = spec->kind == VG_REF_WINDOW;
    return want(search, &item, timed ? spec->to_us + dataset->schedule.delay_us : INT64_MIN, err);
}

int vg_wanted_find(const struct vg_cycle_env *env, const struct vg_dataset *dataset, bool all,
                   struct vg_arena *arena, struct vg_wanted *out, struct vg_error *err)
{
    struct search search = {env, dataset, all, arena, NULL, 0, out};
    struct vg_reference_row *rows;
    size_t most = 2 * (dataset->nothers + 1);
    *out = (struct vg_wanted){.next_us = VG_NEVER};
    out->items = vg_arena_array(arena, most, sizeof *out->items);
    out->ready_us = vg_arena_array(arena, most, sizeof *out->ready_us);
    if (!out->items || !out->ready_us)
        return fail_memory(err);
    if (vg_store_references(env->store, dataset->id, arena, &rows, &search.nrows, err) < 0)
        return -1;
    search.rows = rows;
    for (size_t i = 0; i <= dataset->nothers; i++) {
        if (want_spec(&search, vg_reference_spec_of(dataset, i), err) < 0)
            return -1;
    }
    return 0;
}

static void log_captured(const struct vg_dataset *item, const struct vg_capture_result *result,
                         const struct vg_capture_how *how)
{
    char version[VG_NUMBER_TEXT], rows[VG_NUMBER_TEXT], windows[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, how->stands_for ? "reference promoted" : "reference captured", "dataset",
           item->id, "version", vg_format_double((double)result->version, version), "rows",
           vg_format_double((double)result->rows, rows), "base_windows",
           vg_format_double((double)result->windows, windows), "reference", item->reference.name,
           "by", how->by, NULL);
}

int vg_wanted_capture(const struct vg_cycle_env *env, const struct vg_dataset *item,
                      const struct vg_capture_how *how, struct vg_error *err)
{
    struct vg_capture_result result = {0};
    int rc = vg_capture_run(env, item, how, &result, err);
    if (rc == 0)
        log_captured(item, &result, how);
    else if (err->code != VG_E_CANCELLED)
        vg_log(VG_LOG_WARN, "capturing the reference failed", "dataset", item->id, "reference",
               item->reference.name, "error", err->msg, "hint", *err->hint ? err->hint : NULL,
               NULL);
    return rc;
}

static bool was_tried(const struct search *search, const char *name, const char *spec)
{
    for (size_t i = 0; i < search->nrows; i++) {
        const struct vg_reference_row *row = &search->rows[i];
        if (vg_streq(row->name, name) && vg_streq(row->spec, spec) && (row->complete || row->error))
            return true;
    }
    return false;
}

static int catch_up(struct search *search, int64_t start_us, struct vg_error *err)
{
    static const struct vg_capture_how how = {.patient = false};
    const struct vg_dataset *dataset = search->dataset;
    struct vg_reference_row *rows;
    if (vg_store_references(search->env->store, dataset->id, search->arena, &rows, &search->nrows,
                            err) < 0)
        return -1;
    search->rows = rows;
    for (size_t i = 0; i <= dataset->nothers; i++) {
        const struct vg_reference_spec *spec = vg_reference_spec_of(dataset, i);
        struct vg_window span;
        struct vg_dataset item;
        if (spec->kind != VG_REF_ROLLING)
            continue;
        vg_reference_span(dataset, spec, start_us, &span);
        vg_reference_pin(dataset, spec, &span, &item);
        const char *text = vg_capture_spec(&item, search->arena);
        if (!text)
            return fail_memory(err);
        if (!was_tried(search, spec->name, text) &&
            vg_wanted_capture(search->env, &item, &how, err) < 0 && err->code == VG_E_CANCELLED)
            return -1;
    }
    if (dataset->reference.kind == VG_REF_ROLLING)
        return vg_calibrate_window(search->env, dataset, start_us, err);
    return 0;
}

void vg_wanted_catch_up(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                        int64_t start_us)
{
    struct vg_error err = {0};
    struct search search = {.env = env, .dataset = dataset, .arena = vg_arena_new()};
    bool rolls = false;
    for (size_t i = 0; i <= dataset->nothers; i++)
        rolls |= vg_reference_spec_of(dataset, i)->kind == VG_REF_ROLLING;
    if (rolls && (!search.arena || catch_up(&search, start_us, &err) < 0) &&
        err.code != VG_E_CANCELLED)
        vg_log(VG_LOG_WARN, "a reference is not ready", "dataset", dataset->id, "error", err.msg,
               NULL);
    vg_arena_free(search.arena);
}
