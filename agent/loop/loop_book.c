/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changes while the daemon runs: the book (reload), slots, references to be captured, and the
 * rows that commands leave in the store. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/capture.h"
#include "agent/loop/loop.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

struct vg_book *vg_loop_hold(struct vg_loop *loop)
{
    loop->book->refs++;
    return loop->book;
}

void vg_loop_release(struct vg_loop *loop, struct vg_book *book)
{
    (void)loop;
    if (--book->refs == 0)
        book->free(book);
}

static int64_t read_clock(struct vg_loop *loop)
{
    return loop->env.clock->ops->now_us(loop->env.clock);
}

/* --- slots ------------------------------------------------------------------------------------ */

static struct vg_slot *find_slot(struct vg_loop *loop, const char *id)
{
    for (size_t i = 0; i < loop->nslots; i++) {
        if (!strcmp(loop->slots[i]->id, id))
            return loop->slots[i];
    }
    return NULL;
}

int64_t vg_loop_capture_time(struct vg_loop *loop, const struct vg_slot *slot,
                             const struct vg_dataset *dataset)
{
    static const int64_t waits[] = {VG_HOUR_US, 6 * VG_HOUR_US, VG_DAY_US};
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_reference_row *rows;
    size_t n;
    int64_t at = VG_NEVER, now_us = read_clock(loop);
    if (!arena || dataset->reference.kind == VG_REF_NONE)
        goto out;
    const char *spec = vg_capture_spec(dataset, arena);
    at = now_us + VG_MINUTE_US; /* the state cannot be read just now */
    if (!spec || vg_store_references(loop->env.store, dataset->id, arena, &rows, &n, &err) < 0)
        goto out;
    at = VG_NEVER;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].complete && vg_streq(rows[i].spec, spec))
            goto out; /* captured, though another version may be in use */
    }
    at = now_us;
    if (dataset->reference.kind == VG_REF_WINDOW)
        at = dataset->reference.to_us + dataset->schedule.delay_us;
    bool waiting = slot->capture_us != VG_NEVER && slot->capture_us > now_us;
    if (slot->capture_failures && waiting) {
        at = slot->capture_us; /* a reload does not begin the wait anew */
    } else if (slot->capture_failures) {
        size_t step = slot->capture_failures < 3 ? (size_t)slot->capture_failures - 1 : 2;
        at = now_us + waits[step];
    }
out:
    vg_arena_free(arena);
    return at;
}

static int fill_slot(struct vg_loop *loop, struct vg_slot *slot, const struct vg_dataset *dataset,
                     struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    if (!arena)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = 0;
    if (dataset->was)
        rc = vg_store_rename(loop->env.store, dataset->was, dataset->id, err);
    if (rc == 0 && dataset->was && loop->env.publisher)
        loop->env.publisher->ops->retire(loop->env.publisher, dataset->was);
    if (rc == 0)
        rc = vg_store_progress(loop->env.store, dataset->id, arena, &slot->progress, err);
    if (rc == 0 && !slot->progress.known) {
        int64_t now_us = read_clock(loop);
        slot->progress = (struct vg_progress){
            .first_seen_us = now_us,
            .watermark_us = VG_NEVER,
            .judged_us = VG_NEVER,
            .success_us = VG_NEVER,
            .tick_us = VG_NEVER,
            .retry_us = VG_NEVER,
        };
    }
    slot->progress.model = NULL;
    vg_arena_free(arena);
    return rc;
}

/* A slot is in the list only once it knows its progress: zeros would be times. */
static struct vg_slot *make_slot(struct vg_loop *loop, const struct vg_dataset *dataset,
                                 struct vg_error *err)
{
    struct vg_slot *slot = calloc(1, sizeof *slot);
    struct vg_slot **slots = realloc(loop->slots, (loop->nslots + 1) * sizeof *slots);
    if (slots)
        loop->slots = slots;
    if (slot)
        slot->id = strdup(dataset->id);
    if (!slot || !slots || !slot->id)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    else if (fill_slot(loop, slot, dataset, err) == 0)
        return slots[loop->nslots++] = slot;
    vg_log(VG_LOG_ERROR, "dataset not taken up", "dataset", dataset->id, "error", err->msg, NULL);
    if (slot)
        free(slot->id);
    free(slot);
    return NULL;
}

static void drop_slots(struct vg_loop *loop)
{
    size_t kept = 0;
    for (size_t i = 0; i < loop->nslots; i++) {
        struct vg_slot *slot = loop->slots[i];
        if (vg_ruleset_find(loop->book->rules, slot->id) || slot->busy) {
            loop->slots[kept++] = slot; /* a busy one finds no dataset and is never due again */
            continue;
        }
        free(slot->id);
        free(slot);
    }
    loop->nslots = kept;
}

void vg_loop_retire(struct vg_loop *loop)
{
    struct vg_cycle_env env = loop->env;
    env.config = loop->book->config;
    env.rules = loop->book->rules;
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_strings known;
    struct vg_retirement retirement;
    if (!arena || vg_store_datasets(loop->env.store, arena, &known, &err) < 0 ||
        vg_book_retirement(loop->book->rules, &known, loop->force_reload, arena, &retirement,
                           &err) < 0) {
        vg_log(VG_LOG_ERROR, "cannot find retired datasets", "error", err.msg, NULL);
        goto out;
    }
    if (retirement.refused) {
        loop->last_load_ok = false;
        vg_log(VG_LOG_ERROR, "nothing is retired", "reason", retirement.refused, "hint",
               "if this is meant: pgvigil reload --force", NULL);
    }
    for (size_t i = 0; i < retirement.gone.n; i++) {
        if (vg_cycle_retire(&env, retirement.gone.items[i], &err) < 0)
            vg_log(VG_LOG_ERROR, "cannot retire", "dataset", retirement.gone.items[i], "error",
                   err.msg, NULL);
    }
out:
    vg_arena_free(arena);
}

/* Renames come before retirement, or the old id would be retired first. */
int vg_loop_adopt(struct vg_loop *loop, struct vg_error *err)
{
    const struct vg_ruleset *rules = loop->book->rules;
    int rc = 0;
    for (size_t i = 0; i < rules->ndatasets; i++) {
        const struct vg_dataset *dataset = rules->datasets[i];
        struct vg_slot *slot = find_slot(loop, dataset->id);
        if (!slot)
            slot = make_slot(loop, dataset, err);
        if (!slot) {
            rc = -1; /* the others go on; the next reload tries again */
            continue;
        }
        if (!slot->busy)
            slot->next_us = vg_due_next(dataset, &slot->progress, &loop->span, read_clock(loop));
        slot->capture_us = vg_loop_capture_time(loop, slot, dataset);
    }
    drop_slots(loop);
    vg_loop_retire(loop);
    loop->force_reload = false;
    return rc;
}

/* Why the book must not come into force, or NULL: a folder that vanished is an accident, and the
 * datasets go on as they are. */
static const char *refuse_book(struct vg_loop *loop, const struct vg_book *fresh)
{
    struct vg_error err = {0};
    struct vg_retirement retirement = {0};
    struct vg_strings known;
    struct vg_arena *arena = vg_arena_new();
    if (!arena || vg_store_datasets(loop->env.store, arena, &known, &err) < 0 ||
        vg_book_retirement(fresh->rules, &known, loop->force_reload, arena, &retirement, &err) < 0)
        retirement.refused = "the state cannot be read";
    vg_arena_free(arena);
    return retirement.refused;
}

void vg_loop_renew(struct vg_loop *loop)
{
    struct vg_error err = {0};
    vg_failpoint("reload");
    struct vg_book *fresh = loop->shell.load(loop->shell.arg);
    const char *refused = fresh ? refuse_book(loop, fresh) : NULL;
    if (!fresh || refused) {
        loop->last_load_ok = false;
        loop->force_reload = false;
    }
    if (refused) {
        vg_log(VG_LOG_ERROR, "nothing is retired, the rules in force stay", "reason", refused,
               "hint", "if this is meant: pgvigil reload --force", NULL);
        loop->shell.refused(loop->shell.arg);
        fresh->free(fresh);
    }
    if (!fresh || refused)
        return;
    fresh->refs = 1;
    pthread_mutex_lock(&loop->mutex);
    struct vg_book *old = loop->book;
    loop->book = fresh;
    loop->last_load_ok = true;
    vg_failpoint("reload_swap");
    if (vg_loop_adopt(loop, &err) < 0)
        loop->last_load_ok = false;
    pthread_mutex_unlock(&loop->mutex);
    /* Others may still look into the old configuration until they have heard of the new one. */
    loop->shell.loaded(loop->shell.arg, fresh);
    pthread_mutex_lock(&loop->mutex);
    vg_loop_release(loop, old);
    pthread_mutex_unlock(&loop->mutex);
}

/* --- references ------------------------------------------------------------------------------- */

static void log_captured(const char *id, const struct vg_capture_result *result)
{
    char version[VG_NUMBER_TEXT], rows[VG_NUMBER_TEXT], windows[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, "reference captured", "dataset", id, "version",
           vg_format_double((double)result->version, version), "rows",
           vg_format_double((double)result->rows, rows), "base_windows",
           vg_format_double((double)result->windows, windows), NULL);
}

void vg_loop_capture(struct vg_loop *loop, const char *id)
{
    struct vg_error err = {0};
    pthread_mutex_lock(&loop->mutex);
    struct vg_book *book = vg_loop_hold(loop);
    struct vg_cycle_env env = loop->env;
    env.config = book->config;
    env.rules = book->rules;
    struct vg_slot *slot = find_slot(loop, id);
    bool patient = slot && slot->capture_patient;
    if (slot) {
        slot->capture_us = VG_NEVER;
        slot->capture_patient = false;
    }
    pthread_mutex_unlock(&loop->mutex);
    const struct vg_dataset *dataset = slot ? vg_ruleset_find(book->rules, id) : NULL;
    struct vg_capture_result result = {0};
    int rc = dataset ? vg_capture_run(&env, dataset, patient, &result, &err) : 0;
    if (rc < 0 && err.code != VG_E_CANCELLED)
        vg_log(VG_LOG_WARN, "capturing the reference failed", "dataset", id, "error", err.msg,
               "hint", *err.hint ? err.hint : NULL, NULL);
    else if (rc == 0 && dataset)
        log_captured(id, &result);
    pthread_mutex_lock(&loop->mutex);
    /* A reload may have dropped the slot meanwhile, or changed what is to be captured. */
    slot = find_slot(loop, id);
    dataset = vg_ruleset_find(loop->book->rules, id);
    if (slot && dataset) {
        slot->capture_failures = rc < 0 ? slot->capture_failures + 1 : 0;
        slot->capture_us = vg_loop_capture_time(loop, slot, dataset);
    }
    vg_loop_release(loop, book);
    pthread_mutex_unlock(&loop->mutex);
}

/* --- commands beside the daemon --------------------------------------------------------------- */

static int switch_reference(struct vg_loop *loop, const struct vg_control *row, bool use,
                            struct vg_error *err)
{
    char id[128];
    const char *space = strchr(row->argument, ' ');
    int64_t version;
    size_t n = space ? (size_t)(space - row->argument) : 0;
    if (!n || n >= sizeof id || vg_parse_int64(space + 1, &version) < 0)
        return vg_fail(err, VG_E_USAGE, "'%s' is not a dataset and a version", row->argument);
    memcpy(id, row->argument, n);
    id[n] = '\0';
    return use ? vg_store_reference_use(loop->env.store, id, version, err)
               : vg_store_reference_drop(loop->env.store, id, version, err);
}

static int ask_capture(struct vg_loop *loop, const struct vg_control *row, struct vg_error *err)
{
    pthread_mutex_lock(&loop->mutex);
    struct vg_slot *slot = find_slot(loop, row->argument);
    if (slot) {
        slot->capture_us = 0;
        slot->capture_patient = true;
    }
    pthread_cond_broadcast(&loop->work);
    pthread_mutex_unlock(&loop->mutex);
    return slot ? 0 : vg_fail(err, VG_E_NOT_FOUND, "there is no dataset %s", row->argument);
}

static int obey(struct vg_loop *loop, const struct vg_control *row, struct vg_error *err)
{
    if (!strcmp(row->verb, "reload")) {
        loop->force_reload = vg_streq(row->argument, "force");
        vg_loop_renew(loop);
        return loop->last_load_ok ? 0 : vg_fail(err, VG_E_CONFIG, "the log says what is wrong");
    }
    if (!strcmp(row->verb, "capture"))
        return ask_capture(loop, row, err);
    if (!strcmp(row->verb, "use") || !strcmp(row->verb, "drop"))
        return switch_reference(loop, row, *row->verb == 'u', err);
    return vg_fail(err, VG_E_USAGE, "unknown command '%s'", row->verb);
}

void vg_loop_control(struct vg_loop *loop)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_control *rows;
    size_t n;
    if (!arena || vg_store_control_pending(loop->env.store, arena, &rows, &n, &err) < 0) {
        vg_log(VG_LOG_ERROR, "cannot read commands", "error", err.msg, NULL);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        int rc = obey(loop, &rows[i], &err);
        vg_log(VG_LOG_INFO, "command", "verb", rows[i].verb, "argument", rows[i].argument, "by",
               rows[i].by, "error", rc < 0 ? err.msg : NULL, NULL);
        if (vg_store_control_done(loop->env.store, rows[i].id, rc < 0 ? err.msg : "ok",
                                  read_clock(loop), &err) < 0)
            vg_log(VG_LOG_ERROR, "cannot answer a command", "error", err.msg, NULL);
    }
out:
    vg_arena_free(arena);
}
