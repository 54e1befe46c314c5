/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ends of incidents, which are told when the cycle has decided about retraining: whether one
 * was asked for while the incident stood, and what has become of it, is a part of what they say.
 * Reads the records of onsets and runs, and changes nothing but the message. */
#include <string.h>

#include "agent/loop/cycle_commit.h"
#include "pgvigil/text.h"

enum { ONSETS = 20, KEY_SHOWN = 12, ID_SHOWN = 80, REASON_SHOWN = 250 };

/* What is known of the retraining of a model while an incident stood. */
struct known {
    struct vg_onset onset;
    bool has_onset;
    struct vg_retrain_run run;
    bool has_run;
    const char *reason; /* why it was withheld the last time, or NULL */
};

/* By the times at which cycles were due: it began while the incident stood, or was open when the
 * incident began. What ended before is of another one, however late its windows were read. */
static bool overlaps(const struct vg_message *message, const struct vg_onset *onset)
{
    return onset->due_us <= message->at_us &&
           (onset->due_us >= message->opened_us || onset->ended_us > message->opened_us);
}

/* What this incident led to goes before what others did, and then what led to a request. */
static int rate(const struct vg_message *message, const struct vg_onset *onset)
{
    bool own = onset->due_us >= message->opened_us &&
               (onset->by_hand || vg_streq(onset->dataset, message->dataset));
    return 2 * own + onset->fired;
}

/* The best of those of its time; of two alike the newest. */
static int find_onset(struct vg_store *store, const struct vg_message *message,
                      struct vg_arena *arena, struct known *known, struct vg_error *err)
{
    struct vg_onset *onsets;
    size_t n;
    if (vg_store_onsets(store, message->model, ONSETS, arena, &onsets, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!overlaps(message, &onsets[i]) ||
            (known->has_onset && rate(message, &onsets[i]) <= rate(message, &known->onset)))
            continue;
        known->onset = onsets[i];
        known->has_onset = true;
    }
    return 0;
}

static int find_reason(struct vg_store *store, struct vg_arena *arena, struct known *known,
                       struct vg_error *err)
{
    struct vg_decision last;
    bool found = false;
    if (vg_store_decision_of(store, known->onset.key, VG_DECIDED_WITHHELD, arena, &last, &found,
                             err) < 0)
        return -1;
    known->reason = found ? last.reason : NULL;
    return 0;
}

static int find(struct vg_store *store, const struct vg_message *message, struct vg_arena *arena,
                struct known *known, struct vg_error *err)
{
    *known = (struct known){.has_onset = false};
    if (find_onset(store, message, arena, known, err) < 0)
        return -1;
    if (known->has_onset &&
        vg_store_retrain_run(store, known->onset.key, arena, &known->run, &known->has_run, err) < 0)
        return -1;
    bool withheld = known->has_onset && !known->has_run;
    return withheld ? find_reason(store, arena, known, err) : 0;
}

/* --- Words ------------------------------------------------------------------------------------ */

static void put_time(struct vg_buf *out, const char *before, int64_t us)
{
    char time[VG_TIME_TEXT];
    if (us != VG_NEVER)
        vg_buf_printf(out, "%s%s", before, vg_format_time(us, time));
}

/* The first characters of a text of others. */
static void put_cut(struct vg_buf *out, const char *before, const char *text, size_t most)
{
    vg_buf_printf(out, "%s%.*s", before, (int)vg_utf8_prefix(text, strlen(text), most), text);
}

static void put_run(struct vg_buf *out, const struct vg_retrain_run *run)
{
    static const char *const states[] = {
        [VG_RETRAIN_ASKED] = "; the request has not been taken yet",
        [VG_RETRAIN_ACCEPTED] = "; the request was taken at ",
        [VG_RETRAIN_QUEUED] = "; the run is queued since ",
        [VG_RETRAIN_RUNNING] = "; the run is under way since ",
        [VG_RETRAIN_SUCCEEDED] = "; it succeeded at ",
        [VG_RETRAIN_FAILED] = "; it failed at ",
        [VG_RETRAIN_REFUSED] = "; the request was refused at ",
        [VG_RETRAIN_LOST] = "; what became of it is not known, and was not at ",
    };
    put_time(out, "asked for at ", run->asked_us);
    if (run->state == VG_RETRAIN_ASKED)
        vg_buf_puts(out, states[run->state]);
    else
        put_time(out, states[run->state], run->changed_us);
    if (run->system && *run->system)
        put_cut(out, " (", run->system, ID_SHOWN);
    if (run->system && *run->system && run->id)
        put_cut(out, ", run ", run->id, ID_SHOWN);
    vg_buf_puts(out, run->system && *run->system ? ")" : "");
}

static void put_unasked(struct vg_buf *out, const struct known *known)
{
    const struct vg_onset *onset = &known->onset;
    if (onset->fired_us != VG_NEVER && !onset->fired) {
        put_time(out, "a dry run, it would have been asked for at ", onset->fired_us);
        return;
    }
    vg_buf_puts(out, onset->state == VG_ONSET_ENDED ? "was not asked for" : "not asked for yet");
    if (onset->approval == VG_APPROVAL_ASKED)
        vg_buf_printf(out, ", it waited for approval (%.*s)", KEY_SHOWN, onset->key);
    else if (onset->approval == VG_APPROVAL_DENIED)
        vg_buf_puts(out, ", it was denied");
    else if (known->reason)
        put_cut(out, ": ", known->reason, REASON_SHOWN);
}

static const char *write_words(const char *model, const struct known *known, struct vg_arena *arena)
{
    struct vg_buf out;
    vg_buf_init(&out, 1 << 16);
    vg_buf_printf(&out, "retraining of %s: ", model);
    if (known->has_run)
        put_run(&out, &known->run);
    else if (known->has_onset)
        put_unasked(&out, known);
    else
        vg_buf_puts(&out, "none was asked for");
    const char *words = out.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&out);
    return words;
}

/* --- Messages --------------------------------------------------------------------------------- */

static bool has_drift(const struct vg_message *message)
{
    bool found = false;
    for (size_t i = 0; i < message->nitems && !found; i++)
        found = vg_streq(message->items[i].class, vg_class_name(VG_CLASS_DRIFT));
    return found;
}

/* Of an incident without drift only what its own dataset has led to. */
static int fill_retraining(const struct vg_cycle_env *env, struct vg_message *message,
                           struct vg_arena *arena, struct vg_error *err)
{
    struct known known;
    if (env->carry || !message->model || !vg_config_retraining(env->config, message->model))
        return 0;
    if (find(env->store, message, arena, &known, err) < 0)
        return -1;
    bool own = known.has_onset && !strcmp(known.onset.dataset, message->dataset);
    if (!has_drift(message) && !own)
        return 0;
    message->retraining = write_words(message->model, &known, arena);
    return message->retraining ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_cycle_tell_ends(const struct vg_cycle_env *env, const struct vg_settling *settling,
                       struct vg_arena *arena, struct vg_error *err)
{
    for (size_t i = 0; i < settling->nmessages; i++) {
        struct vg_message *message = &settling->messages[i];
        if (message->kind == VG_MSG_RESOLVE &&
            (fill_retraining(env, message, arena, err) < 0 ||
             vg_cycle_post(env, message, &settling->receivers[i], arena, err) < 0))
            return -1;
    }
    return 0;
}
