/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a book comes into force. Owns the list of slots and the order: barriers against cycles on
 * their way, then what the store has to hear (new names, retirements), then the swap. Only barriers
 * and swap are under the mutex; neither calls the store. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/loop.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static int64_t read_clock(struct vg_loop *loop)
{
    return loop->env.clock->ops->now_us(loop->env.clock);
}

struct vg_slot *vg_loop_slot(const struct vg_loop *loop, const char *id)
{
    for (size_t i = 0; i < loop->nslots; i++) {
        if (!loop->slots[i]->gone && !strcmp(loop->slots[i]->id, id))
            return loop->slots[i];
    }
    return NULL;
}

/* --- Barriers --------------------------------------------------------------------------------- */

/* Whether a dataset of this model is given another name. Until the store has heard of it, the group
 * seems to lack a member, and a commit could end an onset that goes on. */
static bool is_model_renamed(const struct vg_ruleset *old, const struct vg_ruleset *fresh,
                             const char *model)
{
    for (size_t i = 0; model && i < fresh->ndatasets; i++) {
        const char *was = fresh->datasets[i]->was;
        const struct vg_dataset *before = was ? vg_ruleset_find(old, was) : NULL;
        if (before && !vg_ruleset_find(fresh, was) && vg_streq(before->model, model))
            return true;
    }
    return false;
}

/* From here on no cycle of the old book commits for what goes or changes its name; what was
 * committed before is carried over or ended with the rest. */
static void raise_barriers(struct vg_loop *loop, const struct vg_book *fresh)
{
    const struct vg_ruleset *old = loop->book->rules;
    pthread_mutex_lock(&loop->mutex);
    for (size_t i = 0; i < loop->nslots; i++) {
        struct vg_slot *slot = loop->slots[i];
        const struct vg_dataset *dataset = vg_ruleset_find(old, slot->id);
        if (!vg_ruleset_find(fresh->rules, slot->id)) {
            slot->gone = true;
            slot->next_us = slot->capture_us = VG_NEVER;
        } else if (!dataset || !is_model_renamed(old, fresh->rules, dataset->model)) {
            continue;
        }
        slot->barrier = fresh->number;
    }
    pthread_mutex_unlock(&loop->mutex);
}

/* --- What the store has to hear --------------------------------------------------------------- */

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
    if (slot)
        slot->id = strdup(dataset->id);
    if (!slot || !slot->id)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    else if (fill_slot(loop, slot, dataset, err) == 0)
        return slot;
    vg_log(VG_LOG_ERROR, "dataset not taken up", "dataset", dataset->id, "error", err->msg, NULL);
    if (slot)
        free(slot->id);
    free(slot);
    return NULL;
}

/* Ends what the store knows and the rules do not name. */
static void retire(struct vg_loop *loop, const struct vg_book *book, bool decided)
{
    struct vg_cycle_env env = loop->env;
    env.config = book->config;
    env.rules = book->rules;
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_strings known;
    struct vg_retirement retirement;
    if (!arena || vg_store_datasets(loop->env.store, arena, &known, &err) < 0 ||
        vg_book_retirement(book->rules, &known, decided, arena, &retirement, &err) < 0) {
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

/* --- The swap --------------------------------------------------------------------------------- */

struct adoption {
    struct vg_book *book;
    struct vg_slot **slots; /* the list to be; room for every slot there can be */
    size_t n;
    struct vg_slot **own;     /* per dataset of the book; NULL: not taken up */
    struct vg_need_of *needs; /* per dataset */
};

/* Old slots that stay. One whose last cycle is on the way is let go by a later reload. */
static void keep_slots(struct vg_loop *loop, struct adoption *adoption)
{
    for (size_t i = 0; i < loop->nslots; i++) {
        struct vg_slot *slot = loop->slots[i];
        if (!slot->gone || slot->busy) {
            adoption->slots[adoption->n++] = slot;
            continue;
        }
        vg_promotion_free(slot->promotion);
        free(slot->id);
        free(slot);
    }
}

static void swap_book(struct vg_loop *loop, struct adoption *adoption)
{
    const struct vg_ruleset *rules = adoption->book->rules;
    int64_t now_us = read_clock(loop);
    pthread_mutex_lock(&loop->mutex);
    loop->book = adoption->book;
    keep_slots(loop, adoption);
    for (size_t i = 0; i < rules->ndatasets; i++) {
        struct vg_slot *slot = adoption->own[i];
        if (!slot)
            continue;
        if (!slot->busy) /* a busy one looks into the rules when its cycle ends */
            slot->next_us = vg_due_next(rules->datasets[i], &slot->progress, &loop->span, now_us);
        if (!slot->capture_patient && !slot->promotion) /* a person's wish outlives a reload */
            slot->capture_us = vg_loop_capture_time(loop, slot, &adoption->needs[i]);
    }
    struct vg_slot **old = loop->slots;
    loop->slots = adoption->slots;
    loop->nslots = adoption->n;
    pthread_mutex_unlock(&loop->mutex);
    free(old);
}

static int take_up(struct vg_loop *loop, struct adoption *adoption, struct vg_error *err)
{
    const struct vg_ruleset *rules = adoption->book->rules;
    int rc = 0;
    for (size_t i = 0; i < rules->ndatasets; i++) {
        struct vg_slot *slot = vg_loop_slot(loop, rules->datasets[i]->id);
        if (!slot && (slot = make_slot(loop, rules->datasets[i], err)) != NULL)
            adoption->slots[adoption->n++] = slot;
        adoption->own[i] = slot;
        if (slot)
            adoption->needs[i] = vg_loop_need(loop, rules->datasets[i]);
        else
            rc = -1; /* the others go on; the next reload tries again */
    }
    return rc;
}

int vg_loop_adopt(struct vg_loop *loop, struct vg_book *book, bool decided, struct vg_error *err)
{
    size_t n = book->rules->ndatasets;
    struct adoption adoption = {.book = book};
    struct vg_arena *arena = vg_arena_new();
    int rc = -1;
    if (arena) {
        adoption.own = vg_arena_array(arena, n + 1, sizeof *adoption.own);
        adoption.needs = vg_arena_array(arena, n + 1, sizeof *adoption.needs);
        adoption.slots = calloc(loop->nslots + n + 1, sizeof *adoption.slots);
    }
    if (!adoption.own || !adoption.needs || !adoption.slots) {
        free(adoption.slots);
        vg_fail(err, VG_E_MEMORY, "out of memory");
        goto out;
    }
    if (book != loop->book) {
        raise_barriers(loop, book);
        vg_failpoint("reload_swap");
    }
    rc = take_up(loop, &adoption, err); /* first the new names, or the old ones would be retired */
    retire(loop, book, decided);
    swap_book(loop, &adoption);
out:
    vg_arena_free(arena);
    return rc;
}
