/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Obeys what people ask about retraining, each in one transaction: their word is stored, the guards
 * are looked at with what the store knows now, and what follows is stored with it. */
#include "agent/loop/retrain_obey.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/loop/loop_tell.h"
#include "agent/loop/retrain_facts.h"
#include "pgvigil/failpoint.h"
#include "pgvigil/text.h"

enum { PARTS = 4, KEY_LEAST = 6, ONSETS_MOST = 1000 };

static const char *const verbs[] = {"retrain-approve", "retrain-deny", "retrain-fire"};
enum verb { APPROVE, DENY, FIRE, VERBS };

static enum verb find_verb(const char *verb)
{
    unsigned i = 0;
    while (i < VERBS && strcmp(verbs[i], verb) != 0)
        i++;
    return (enum verb)i;
}

bool vg_retrain_knows(const char *verb)
{
    return find_verb(verb) < VERBS;
}

/* The onset that is open, or the one whose request waits. */
static int find_of_model(struct vg_store *store, const char *model, struct vg_arena *arena,
                         struct vg_onset *out, bool *found, struct vg_error *err)
{
    struct vg_outbox_pending pending;
    if (vg_store_onset(store, model, arena, out, found, err) < 0)
        return -1;
    if (*found)
        return 0;
    if (vg_store_outbox_pending(store, model, arena, &pending, found, err) < 0)
        return -1;
    return *found ? vg_store_onset_of(store, pending.key, arena, out, found, err) : 0;
}

int vg_retrain_find(struct vg_store *store, const struct vg_config *config, const char *what,
                    struct vg_arena *arena, struct vg_onset *out, bool *found, struct vg_error *err)
{
    struct vg_onset *onsets;
    size_t n, length = strlen(what);
    *found = false;
    if (vg_config_retraining(config, what))
        return find_of_model(store, what, arena, out, found, err);
    if (vg_store_onsets(store, NULL, ONSETS_MOST, arena, &onsets, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && length >= KEY_LEAST; i++) {
        if (strncmp(onsets[i].key, what, length) != 0)
            continue;
        if (*found)
            return vg_fail(err, VG_E_USAGE, "several onsets have keys that begin with %.32s", what);
        *out = onsets[i];
        *found = true;
    }
    return 0;
}

/* A wish that was obeyed before a crash, whose row was not marked. */
static int was_obeyed(const struct vg_cycle_env *env, const char *model, int64_t asked_us,
                      struct vg_arena *arena, bool *obeyed, struct vg_error *err)
{
    struct vg_onset *onsets;
    size_t n;
    *obeyed = false;
    if (vg_store_onsets(env->store, model, ONSETS_MOST, arena, &onsets, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        *obeyed |= onsets[i].approval == VG_APPROVAL_GIVEN && onsets[i].approval_us == asked_us &&
                   onsets[i].fired_us != VG_NEVER;
    return 0;
}

/* What came of it, for the person who asked. */
static const char *make_answer(enum verb verb, const struct vg_retrain_out *out,
                               struct vg_arena *arena)
{
    const struct vg_decision *last = &out->decisions[out->ndecisions - 1];
    const struct vg_onset *onset = &out->onset;
    switch (last->kind) {
    case VG_DECIDED_FIRED:
        return vg_arena_printf(arena, "ok: the request for %s is on its way, onset %s",
                               onset->model, onset->key);
    case VG_DECIDED_DRY_RUN:
        return vg_arena_printf(arena, "ok: dry_run: nothing is sent; %s", last->reason);
    case VG_DECIDED_DENIED:
        if (out->withdraw && onset->fired)
            return "ok: denied; the request is not sent any more, but may have arrived before";
        if (onset->by_hand)
            return "ok: denied; the request is taken back";
        return vg_arena_printf(arena,
                               "ok: denied; nothing is asked for until this drift of %s has"
                               " ended",
                               onset->model);
    case VG_DECIDED_ENDED_UNFIRED:
    case VG_DECIDED_ENDED:
        return "the drift has ended meanwhile: nothing is asked for";
    default:
        return vg_arena_printf(
            arena,
            verb == APPROVE ? "ok: approved; withheld for now, and asked for when this has passed:"
                              " %s"
                            : "withheld: %s",
            last->reason);
    }
}

/* What a wish is about. */
struct meant {
    enum verb verb;
    const struct vg_retraining *config;
    struct vg_onset onset; /* not of FIRE */
};

static int fail_ended(const struct vg_onset *onset, struct vg_error *err)
{
    char ended[VG_TIME_TEXT];
    return vg_fail(err, VG_E_USAGE, "the onset %.12s of %s ended at %s", onset->key, onset->model,
                   vg_format_time(onset->ended_us, ended));
}

/* A request that waits can be denied also when its onset has ended. */
static int check_onset(const struct meant *meant, struct vg_retrain_in *in, struct vg_error *err)
{
    const struct vg_onset *onset = &meant->onset;
    if (meant->verb == DENY && in->pending && !strcmp(in->pending->key, onset->key))
        in->onset = in->pending;
    else if (onset->state == VG_ONSET_ENDED)
        return fail_ended(onset, err);
    if (!in->onset || strcmp(in->onset->key, onset->key) != 0)
        return vg_fail(err, VG_E_NOT_FOUND, "the onset %.12s of %s is not the one that is open",
                       onset->key, onset->model);
    return 0;
}

static int act(const struct vg_saying *saying, const struct meant *meant,
               struct vg_retrain_wish *wish, struct vg_retrain_out *out, struct vg_error *err)
{
    struct vg_retrain_in in;
    if (vg_retrain_gather(saying, meant->config, &in, err) < 0)
        return -1;
    in.beside = true;
    if (meant->verb == FIRE)
        return vg_retrain_by_hand(&in, wish, saying->arena, out, err);
    if (check_onset(meant, &in, err) < 0)
        return -1;
    return meant->verb == APPROVE ? vg_retrain_approve(&in, wish, saying->arena, out, err)
                                  : vg_retrain_deny(&in, wish, saying->arena, out, err);
}

/* The onset and the configuration of its model; VG_E_USAGE where the wish makes no sense. */
static int find_meant(const struct vg_cycle_env *env, const char *what, struct vg_arena *arena,
                      struct meant *out, struct vg_error *err)
{
    const struct vg_onset *onset = &out->onset;
    bool found;
    out->config = vg_config_retraining(env->config, what);
    if (out->verb == FIRE)
        return out->config ? 0
                           : vg_fail(err, VG_E_NOT_FOUND, "there is no retraining.%.100s", what);
    if (vg_retrain_find(env->store, env->config, what, arena, &out->onset, &found, err) < 0)
        return -1;
    if (!found)
        return vg_fail(err, VG_E_NOT_FOUND,
                       "no open onset is of this model, or has a key that begins so (with 6"
                       " characters or more): %.60s",
                       what);
    if (onset->state == VG_ONSET_ENDED && out->verb == APPROVE)
        return fail_ended(onset, err);
    out->config = vg_config_retraining(env->config, onset->model);
    if (!out->config)
        return vg_fail(err, VG_E_NOT_FOUND, "there is no retraining.%s any more", onset->model);
    if (out->verb == APPROVE && !out->config->manual)
        return vg_fail(err, VG_E_USAGE,
                       "requests for %s need no approval: retraining.%s has no approval: manual",
                       onset->model, onset->model);
    return 0;
}

static int obey(const struct vg_saying *saying, const struct vg_control *row, const char **answer,
                struct vg_error *err)
{
    const struct vg_cycle_env *env = saying->env;
    struct meant meant = {.verb = find_verb(row->verb)};
    const char *parts[PARTS];
    struct vg_retrain_out out;
    bool obeyed;
    char asked[24];
    if (meant.verb == VERBS)
        return vg_fail(err, VG_E_USAGE, "unknown command '%s'", row->verb);
    if (vg_tell_split(row, PARTS, saying->arena, parts, err) < 0 ||
        find_meant(env, parts[0], saying->arena, &meant, err) < 0 ||
        was_obeyed(env, meant.config->model, row->at_us, saying->arena, &obeyed, err) < 0)
        return -1;
    *answer = "ok";
    if (obeyed)
        return 0;
    struct vg_retrain_wish wish = {.by = parts[1],
                                   .why = parts[2],
                                   .asked_us = row->at_us,
                                   .force = !strcmp(parts[3], "force")};
    snprintf(asked, sizeof asked, "%" PRId64, row->at_us);
    const char *const of[] = {env->agent, meant.config->model, "by hand", asked};
    vg_hash_hex(wish.key, of, 4);
    if (act(saying, &meant, &wish, &out, err) < 0 || vg_retrain_keep(saying, &out, err) < 0)
        return -1;
    *answer = make_answer(meant.verb, &out, saying->arena);
    return *answer ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_retrain_obey(const struct vg_cycle_env *env, const struct vg_control *row, int64_t now_us,
                    struct vg_arena *arena, const char **answer, struct vg_error *err)
{
    const struct vg_cycle now = {.dataset = "", .now_us = now_us, .due_us = now_us};
    const struct vg_saying saying = {env, &now, arena};
    vg_failpoint("before_command");
    int rc = vg_store_begin(env->store, &env->claim, err);
    if (rc == 0) {
        rc = obey(&saying, row, answer, err);
        vg_failpoint("mid_command");
        rc = rc ? rc : vg_store_commit(env->store, err);
        if (rc < 0)
            vg_store_rollback(env->store);
    }
    vg_failpoint("after_command");
    return rc;
}
