/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changes while the daemon runs: the book (reload), and what the rows ask that commands leave
 * in the store. How a book comes into force is loop_adopt.c's. */
#include <string.h>

#include "agent/loop/loop.h"
#include "agent/loop/loop_tell.h"
#include "agent/loop/retrain_obey.h"
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

/* Only the scheduler's thread changes the book, and asks for this. */
struct vg_cycle_env vg_loop_env(const struct vg_loop *loop)
{
    struct vg_cycle_env env = loop->env;
    env.config = loop->book->config;
    env.rules = loop->book->rules;
    return env;
}

static int64_t read_clock(struct vg_loop *loop)
{
    return loop->env.clock->ops->now_us(loop->env.clock);
}

/* Why the book must not come into force, or NULL: a folder that vanished is an accident, and the
 * datasets go on as they are. */
static const char *refuse_book(struct vg_loop *loop, const struct vg_book *fresh)
{
    struct vg_error err = {0};
    struct vg_retirement retirement = {0};
    struct vg_strings stored, known;
    struct vg_arena *arena = vg_arena_new();
    if (!arena || vg_store_datasets(loop->env.store, arena, &stored, &err) < 0 ||
        vg_book_known(&stored, loop->book->rules, arena, &known, &err) < 0 ||
        vg_book_retirement(fresh->rules, &known, fresh->forced, arena, &retirement, &err) < 0)
        retirement.refused = "the state cannot be read";
    vg_arena_free(arena);
    return retirement.refused;
}

static void bring_into_force(struct vg_loop *loop, struct vg_book *fresh)
{
    struct vg_error err = {0};
    struct vg_book *old = loop->book;
    fresh->refs = 1;
    fresh->number = old->number + 1;
    loop->last_load_ok = true;
    if (vg_loop_adopt(loop, fresh, true, &err) < 0)
        loop->last_load_ok = false;
    if (loop->book != fresh) {
        vg_log(VG_LOG_ERROR, "reload failed, the rules in force stay", "error", err.msg, NULL);
        loop->shell.refused(loop->shell.arg, fresh, err.msg);
        fresh->free(fresh);
        return;
    }
    /* Others may still look into the old configuration until they have heard of the new one. */
    loop->shell.loaded(loop->shell.arg, fresh);
    pthread_mutex_lock(&loop->mutex);
    vg_loop_release(loop, old);
    pthread_mutex_unlock(&loop->mutex);
}

void vg_loop_renew(struct vg_loop *loop)
{
    vg_failpoint("reload");
    bool forced = atomic_exchange(&loop->force_reload, false);
    struct vg_book *fresh = loop->shell.load(loop->shell.arg);
    if (!fresh) {
        loop->last_load_ok = false;
        return;
    }
    fresh->forced = forced;
    const char *refused = refuse_book(loop, fresh);
    if (!refused) {
        bring_into_force(loop, fresh);
        return;
    }
    loop->last_load_ok = false;
    vg_log(VG_LOG_ERROR, "nothing is retired, the rules in force stay", "reason", refused, "hint",
           "if this is meant: pgvigil reload --force", NULL);
    loop->shell.refused(loop->shell.arg, fresh, refused);
    fresh->free(fresh);
}

/* --- commands beside the daemon --------------------------------------------------------------- */

/* "DATASET VERSION" into its two parts. */
static int read_switch(const char *text, char id[VG_PROMOTION_ID], int64_t *version,
                       struct vg_error *err)
{
    const char *space = strchr(text, ' ');
    size_t n = space ? (size_t)(space - text) : 0;
    if (!n || n >= VG_PROMOTION_ID || vg_parse_int64(space + 1, version) < 0)
        return vg_fail(err, VG_E_USAGE, "'%s' is not a dataset and a version", text);
    memcpy(id, text, n);
    id[n] = '\0';
    return 0;
}

static int drop_reference(struct vg_loop *loop, const struct vg_control *row, struct vg_error *err)
{
    char id[VG_PROMOTION_ID];
    int64_t version;
    if (read_switch(row->argument, id, &version, err) < 0)
        return -1;
    int rc = vg_store_reference_drop(loop->env.store, id, version, err);
    if (rc == 0)
        vg_loop_plan_capture(loop, id); /* another version may be in use, without a calibration */
    return rc;
}

static int choose_reference(struct vg_loop *loop, const struct vg_control *row,
                            enum vg_reference_how how, struct vg_error *err)
{
    char id[VG_PROMOTION_ID];
    struct vg_reference_change change = {
        .dataset = id, .how = how, .by = row->by, .at_us = read_clock(loop)};
    struct vg_arena *arena = vg_arena_new();
    int rc = -1;
    if (!arena)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    else if (read_switch(row->argument, id, &change.version, err) == 0)
        rc = vg_promotion_choose(loop->env.store, vg_ruleset_find(loop->book->rules, id), &change,
                                 arena, err);
    vg_arena_free(arena);
    if (rc == 0)
        vg_loop_plan_capture(loop, id); /* it may lack a calibration */
    return rc;
}

static int ask_promotion(struct vg_loop *loop, const struct vg_control *row, struct vg_error *err)
{
    char id[VG_PROMOTION_ID];
    struct vg_promotion *promotion = vg_promotion_read(row->argument, row->by, id, err);
    if (!promotion)
        return -1;
    pthread_mutex_lock(&loop->mutex);
    struct vg_slot *slot = vg_loop_slot(loop, id);
    struct vg_promotion *other = promotion;
    if (slot) {
        other = slot->promotion;
        slot->promotion = promotion;
        slot->capture_us = 0;
    }
    pthread_cond_broadcast(&loop->work);
    pthread_mutex_unlock(&loop->mutex);
    vg_promotion_free(other);
    return slot ? 0 : vg_fail(err, VG_E_NOT_FOUND, "there is no dataset %s", id);
}

static int ask_capture(struct vg_loop *loop, const struct vg_control *row, struct vg_error *err)
{
    pthread_mutex_lock(&loop->mutex);
    struct vg_slot *slot = vg_loop_slot(loop, row->argument);
    if (slot) {
        slot->capture_us = 0;
        slot->capture_patient = true;
    }
    pthread_cond_broadcast(&loop->work);
    pthread_mutex_unlock(&loop->mutex);
    return slot ? 0 : vg_fail(err, VG_E_NOT_FOUND, "there is no dataset %s", row->argument);
}

/* *answer stays as it is where it says nothing more than that it was done. */
static int obey(struct vg_loop *loop, const struct vg_control *row, struct vg_arena *arena,
                const char **answer, struct vg_error *err)
{
    static const char kept[] = "nothing has changed, the rules in force stay: ";
    static const char forced[] = "; where datasets are to be retired by it: pgvigil reload --force";
    if (!strcmp(row->verb, "reload")) {
        loop->force_reload = vg_streq(row->argument, "force");
        const struct vg_book *before = loop->book;
        vg_loop_renew(loop);
        return loop->last_load_ok
                   ? 0
                   : vg_fail(err, VG_E_CONFIG, "%sthe log says what is wrong%s",
                             loop->book == before ? kept : "", loop->book == before ? forced : "");
    }
    if (!strcmp(row->verb, "capture"))
        return ask_capture(loop, row, err);
    if (!strcmp(row->verb, "promote"))
        return ask_promotion(loop, row, err);
    if (!strcmp(row->verb, "choose"))
        return choose_reference(loop, row, VG_REFERENCE_PROMOTED, err);
    if (!strcmp(row->verb, "rollback"))
        return choose_reference(loop, row, VG_REFERENCE_BACK, err);
    if (!strcmp(row->verb, "use"))
        return choose_reference(loop, row, VG_REFERENCE_USED, err);
    if (!strcmp(row->verb, "drop"))
        return drop_reference(loop, row, err);
    if (vg_retrain_knows(row->verb))
        return vg_loop_retrain(loop, row, arena, answer, err);
    if (vg_tell_knows(row->verb)) {
        const struct vg_cycle_env env = vg_loop_env(loop);
        int rc = vg_tell_obey(&env, row, read_clock(loop), arena, answer, err);
        const char *sink;
        if (rc == 0 && loop->env.urged && vg_tell_urges(loop->env.store, row, arena, &sink))
            loop->env.urged(loop->env.urged_arg, sink);
        if (rc == 0 && loop->env.committed) /* something may be due */
            loop->env.committed(loop->env.committed_arg);
        return rc;
    }
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
        const char *answer = "ok";
        int rc = obey(loop, &rows[i], arena, &answer, &err);
        vg_log(VG_LOG_INFO, "command", "verb", rows[i].verb, "argument", rows[i].argument, "by",
               rows[i].by, "error", rc < 0 ? err.msg : NULL, NULL);
        if (vg_store_control_done(loop->env.store, rows[i].id, rc < 0 ? err.msg : answer,
                                  read_clock(loop), &err) < 0)
            vg_log(VG_LOG_ERROR, "cannot answer a command", "error", err.msg, NULL);
    }
out:
    vg_arena_free(arena);
}
