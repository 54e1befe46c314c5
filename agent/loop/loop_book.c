/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changes while the daemon runs: the book (reload), and what the rows ask that commands leave
 * in the store. How a book comes into force is loop_adopt.c's. */
#include <string.h>

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
    int rc = use ? vg_store_reference_use(loop->env.store, id, version, err)
                 : vg_store_reference_drop(loop->env.store, id, version, err);
    if (rc == 0)
        vg_loop_plan_capture(loop, id); /* it may lack a calibration */
    return rc;
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
