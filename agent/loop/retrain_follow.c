/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks at runs that have ended: who is told, what is promoted, and whether that has come about.
 * The references themselves are captured by whoever calls this. */
#include "agent/loop/retrain_follow.h"

#include <string.h>

#include "agent/loop/retrain_facts.h"
#include "agent/window.h"
#include "pgvigil/text.h"

enum { REASON_BYTES = 4000 };

struct following {
    struct vg_saying saying;
    const struct vg_retraining *config;
    struct vg_onset *onset;
    struct vg_retrain_run run;
    struct vg_followed *wanted;
    size_t nwanted;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int note(const struct following *following, enum vg_decision_kind kind, struct vg_buf *text,
                struct vg_error *err)
{
    struct vg_decision decision = {
        .model = following->onset->model,
        .at_us = following->saying.cycle->now_us,
        .kind = kind,
        .reason = text->failed ? NULL : vg_arena_strdup(following->saying.arena, text->data),
    };
    vg_buf_free(text);
    if (!decision.reason)
        return fail_memory(err);
    memcpy(decision.key, following->onset->key, VG_KEY_SIZE);
    return vg_retrain_note(&following->saying, &decision, err);
}

/* --- Promotion -------------------------------------------------------------------------------- */

/* The last rows before the request, to the end of the newest window that was due then. */
static void find_span(const struct following *following, const struct vg_dataset *dataset,
                      struct vg_window *out)
{
    struct vg_window newest;
    vg_window_newest_due(dataset, following->onset->fired_us, &newest);
    *out = (struct vg_window){newest.end_us - following->config->promote_us, newest.end_us, false};
}

static bool is_member(const struct following *following, const struct vg_dataset *dataset)
{
    return vg_streq(dataset->model, following->onset->model) &&
           dataset->reference.kind != VG_REF_NONE;
}

enum progress { ABSENT, CAPTURING, CAPTURED, FAILED };

/* How far the capture of this range is, and what there is to say of it. */
static int find_progress(const struct following *following, const struct vg_dataset *dataset,
                         const struct vg_promotion *promotion, enum progress *out, const char **why,
                         struct vg_error *err)
{
    struct vg_arena *arena = following->saying.arena;
    struct vg_capture_how how = {0};
    struct vg_dataset item;
    struct vg_reference_row *rows;
    size_t n;
    *out = ABSENT;
    if (vg_promotion_make(dataset, promotion, arena, &item, &how, err) < 0) {
        *out = FAILED;
        *why = vg_arena_strdup(arena, err->msg);
        *err = (struct vg_error){0};
        return *why ? 0 : fail_memory(err);
    }
    const char *spec = vg_capture_spec(&item, arena);
    if (!spec)
        return fail_memory(err);
    if (vg_store_references(following->saying.env->store, dataset->id, arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && *out == ABSENT; i++) { /* newest first */
        if (!vg_streq(rows[i].spec, spec) || rows[i].captured_us < following->run.ended_us)
            continue;
        *out = rows[i].complete ? CAPTURED : rows[i].error ? FAILED : CAPTURING;
        *why = rows[i].complete ? vg_arena_printf(arena, "version %lld", (long long)rows[i].version)
                                : rows[i].error;
    }
    return 0;
}

static int want(struct following *following, const struct vg_dataset *dataset,
                const struct vg_promotion *promotion, struct vg_error *err)
{
    struct vg_followed *wanted = &following->wanted[following->nwanted++];
    wanted->dataset = vg_arena_strdup(following->saying.arena, dataset->id);
    wanted->promotion = *promotion;
    return wanted->dataset ? 0 : fail_memory(err);
}

static int promote_one(struct following *following, const struct vg_dataset *dataset, bool *over,
                       struct vg_buf *text, struct vg_error *err)
{
    struct vg_arena *arena = following->saying.arena;
    struct vg_window span;
    enum progress progress;
    const char *why = NULL;
    find_span(following, dataset, &span);
    const struct vg_promotion promotion = {
        .name = vg_arena_strdup(arena, dataset->reference.name),
        .by = vg_arena_printf(arena, "retraining %.12s", following->onset->key),
        .from_us = span.start_us,
        .to_us = span.end_us,
    };
    if (!promotion.name || !promotion.by)
        return fail_memory(err);
    if (find_progress(following, dataset, &promotion, &progress, &why, err) < 0)
        return -1;
    *over &= progress == CAPTURED || progress == FAILED;
    vg_buf_printf(text, "%s%s %s: %s", text->len ? "; " : "", dataset->id,
                  progress == CAPTURED ? "promoted" : "not promoted", why ? why : "");
    return progress == ABSENT ? want(following, dataset, &promotion, err) : 0;
}

static int promote(struct following *following, struct vg_error *err)
{
    const struct vg_ruleset *rules = following->saying.env->rules;
    struct vg_buf text;
    bool over = true;
    vg_buf_init(&text, REASON_BYTES);
    for (size_t i = 0; i < rules->ndatasets; i++) {
        if (is_member(following, rules->datasets[i]) &&
            promote_one(following, rules->datasets[i], &over, &text, err) < 0) {
            vg_buf_free(&text);
            return -1;
        }
    }
    if (!text.len)
        vg_buf_puts(&text, "no dataset of the group has a reference");
    following->onset->outcome = over ? VG_OUTCOME_DONE : VG_OUTCOME_PROMOTING;
    if (over)
        return note(following, VG_DECIDED_PROMOTED, &text, err);
    vg_buf_free(&text);
    return 0;
}

/* The commands that a person may type. */
static int propose(struct following *following, struct vg_error *err)
{
    const struct vg_ruleset *rules = following->saying.env->rules;
    struct vg_buf text;
    vg_buf_init(&text, REASON_BYTES);
    vg_buf_puts(&text, "the run has succeeded; to compare with its rows from now on");
    for (size_t i = 0; i < rules->ndatasets; i++) {
        const struct vg_dataset *dataset = rules->datasets[i];
        struct vg_window span;
        char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
        if (!is_member(following, dataset) || dataset->reference.kind != VG_REF_WINDOW)
            continue;
        find_span(following, dataset, &span);
        vg_buf_printf(&text, "; pgvigil reference promote %s --from %s --to %s", dataset->id,
                      vg_format_time(span.start_us, from), vg_format_time(span.end_us, to));
    }
    following->onset->outcome = VG_OUTCOME_DONE;
    return note(following, VG_DECIDED_PROPOSED, &text, err);
}

/* --- Failure ---------------------------------------------------------------------------------- */

static int tell_failure(struct following *following, struct vg_error *err)
{
    const struct vg_retrain_run *run = &following->run;
    const struct vg_news news = {
        .failed = true,
        .why = vg_arena_printf(
            following->saying.arena,
            "the run of %s %s: %s%s%s; pgvigil retrain list %s shows it, and"
            " pgvigil retrain fire %s --why TEXT asks for another",
            run->model, run->state == VG_RETRAIN_LOST ? "was lost sight of" : "has failed",
            run->answer ? run->answer : "no reason is known", run->url ? ", " : "",
            run->url ? run->url : "", run->model, run->model),
    };
    if (!news.why)
        return fail_memory(err);
    following->onset->told = VG_TOLD_FAILED;
    following->onset->outcome = VG_OUTCOME_DONE;
    return vg_cycle_news(&following->saying, following->onset, &news, err);
}

static int settle(struct following *following, struct vg_error *err)
{
    const struct vg_retraining *config = following->config;
    enum vg_retrain_state state = following->run.state;
    if (state == VG_RETRAIN_FAILED || state == VG_RETRAIN_LOST)
        return tell_failure(following, err);
    following->onset->outcome = VG_OUTCOME_DONE;
    if (state != VG_RETRAIN_SUCCEEDED || !config || config->promote == VG_PROMOTE_NOT)
        return 0; /* of a refused request the delivery has told */
    return config->promote == VG_PROMOTE_SUCCESS ? promote(following, err)
                                                 : propose(following, err);
}

/* Inside a transaction: the onset as it is now. */
static int follow_now(struct following *following, struct vg_onset *onset, struct vg_error *err)
{
    const struct vg_cycle_env *env = following->saying.env;
    struct vg_arena *arena = following->saying.arena;
    char key[VG_KEY_SIZE];
    bool found;
    memcpy(key, onset->key, VG_KEY_SIZE);
    if (vg_store_onset_of(env->store, key, arena, onset, &found, err) < 0 ||
        (found && vg_store_retrain_run(env->store, key, arena, &following->run, &found, err) < 0))
        return -1;
    if (!found || following->run.ended_us == VG_NEVER || onset->outcome == VG_OUTCOME_DONE)
        return 0;
    enum vg_onset_outcome before = onset->outcome;
    following->onset = onset;
    following->config = vg_config_retraining(env->config, onset->model);
    if (settle(following, err) < 0)
        return -1;
    return onset->outcome != before ? vg_store_onset_put(env->store, onset, err) : 0;
}

/* In a transaction of its own, so that it keeps no other onset waiting. */
static int follow_one(struct following *following, struct vg_onset *onset, struct vg_error *err)
{
    const struct vg_cycle_env *env = following->saying.env;
    size_t before = following->nwanted;
    if (vg_store_begin(env->store, &env->claim, err) < 0)
        return -1;
    int rc = follow_now(following, onset, err);
    rc = rc ? rc : vg_store_commit(env->store, err);
    if (rc < 0) {
        vg_store_rollback(env->store);
        following->nwanted = before;
    }
    return rc;
}

/* All of them; -1 with the first error. */
static int follow_all(struct following *following, struct vg_onset *onsets, size_t n,
                      struct vg_error *err)
{
    size_t datasets = following->saying.env->rules->ndatasets;
    int rc = 0;
    following->wanted =
        vg_arena_array(following->saying.arena, n * datasets + 1, sizeof *following->wanted);
    if (!following->wanted)
        return fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct vg_error own = {0};
        if (follow_one(following, &onsets[i], &own) == 0)
            continue;
        if (rc == 0)
            *err = own;
        rc = -1;
    }
    return rc;
}

int vg_retrain_follow(const struct vg_cycle_env *env, int64_t now_us, struct vg_arena *arena,
                      struct vg_followed **out, size_t *n, bool *promoting, struct vg_error *err)
{
    const struct vg_cycle now = {.dataset = "", .now_us = now_us, .due_us = now_us};
    struct following following = {.saying = {env, &now, arena}};
    struct vg_onset *onsets;
    size_t nonsets;
    *n = 0;
    *promoting = false;
    /* asked twice a second: nothing is locked where there is nothing to do */
    if (vg_store_onsets_over(env->store, arena, &onsets, &nonsets, err) < 0)
        return -1;
    if (!nonsets)
        return 0;
    int rc = follow_all(&following, onsets, nonsets, err);
    *out = following.wanted;
    *n = following.nwanted;
    *promoting = true;
    return rc;
}
