/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alerts that stand and that the cycle which tells of them did not look at, or could not judge: at
 * a tick, between two base windows, in a window with too few rows. What was found last, and on what
 * that rested, is known to the store. Changes nothing but the message. */
#include "agent/loop/cycle_remind.h"

#include <math.h>

#include "agent/phrase.h"
#include "agent/reference.h"
#include "pgvigil/text.h"

/* Whether this cycle says nothing of what the alert rests on. */
static bool lacks_evidence(const struct vg_message_item *item)
{
    bool unjudged = item->verdict == VG_NODATA || item->verdict == VG_UNKNOWN;
    return vg_phrase_stands(item) && item->emits == 0 && item->state != VG_ALERT_BLIND &&
           (unjudged || (isnan(item->p_value) && isnan(item->n)));
}

/* A column that has become private shows no value of before either. */
static bool shows_values(const struct vg_dataset *dataset, const struct vg_message_item *item)
{
    return dataset && !(item->column && vg_dataset_is_private(dataset, item->column));
}

static int fill_item(struct vg_store *store, const struct vg_dataset *dataset,
                     struct vg_message_item *item, struct vg_result_basis *basis, bool *found,
                     struct vg_error *err)
{
    const char *segment = item->segment ? item->segment : "";
    if (vg_store_result_basis(store, dataset->id, item->rule, segment, basis, found, err) < 0)
        return -1;
    if (!*found)
        return 0;
    item->p_value = basis->p_value;
    item->n = basis->n;
    item->n_ref = basis->n_ref;
    bool unjudged = item->verdict == VG_NODATA || item->verdict == VG_UNKNOWN;
    if (unjudged && item->state != VG_ALERT_FIRING_BLIND && shows_values(dataset, item)) {
        item->verdict = basis->verdict;
        item->value = basis->value;
        item->limit = basis->limit;
    }
    return 0;
}

static int fill_window(struct vg_store *store, const struct vg_result_basis *basis,
                       struct vg_message *message, struct vg_error *err)
{
    struct vg_window_row row;
    bool found = false;
    if (basis && basis->start_us != VG_NEVER &&
        vg_store_window(store, message->dataset, basis->start_us, &row, &found, err) < 0)
        return -1;
    if (!found && vg_store_window_newest(store, message->dataset, &row, &found, err) < 0)
        return -1;
    if (!found)
        return 0;
    message->has_window = true;
    message->window = row.window;
    message->rows = row.rows;
    return 0;
}

/* What the last look was compared with may be another version than that of this cycle, which knows
 * of none where the read failed. */
static int fill_reference(struct vg_store *store, int64_t version, struct vg_arena *arena,
                          struct vg_message *message, struct vg_message_item *item,
                          struct vg_error *err)
{
    struct vg_reference_row *rows;
    size_t n;
    if (item->reference || !version)
        return 0;
    if (vg_store_references(store, message->dataset, arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct vg_reference_said said = {rows[i].name,    rows[i].spec,  version,
                                               rows[i].from_us, rows[i].to_us, rows[i].captured_us};
        bool same = rows[i].from_us < rows[i].to_us &&
                    rows[i].from_us == message->reference_from_us &&
                    rows[i].to_us == message->reference_to_us;
        if (rows[i].version != version || same)
            continue;
        const char *words = vg_reference_words(&said, arena);
        if (!words)
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        if (!vg_streq(words, message->reference))
            item->reference = words;
    }
    return 0;
}

int vg_cycle_remind(const struct vg_cycle_env *env, const struct vg_dataset *dataset,
                    struct vg_message *message, struct vg_arena *arena, struct vg_error *err)
{
    bool reminds = message->kind == VG_MSG_REMIND, any = false;
    const struct vg_message_item *lead = vg_phrase_lead(message);
    struct vg_result_basis first = {.start_us = VG_NEVER};
    if (!dataset || (!reminds && message->kind != VG_MSG_UPDATE))
        return 0;
    for (size_t i = 0; i < message->nitems; i++) {
        struct vg_message_item *item = &message->items[i];
        struct vg_result_basis basis;
        bool found = false;
        if (lacks_evidence(item) && fill_item(env->store, dataset, item, &basis, &found, err) < 0)
            return -1;
        if (found &&
            fill_reference(env->store, basis.reference_version, arena, message, item, err) < 0)
            return -1;
        if (found && item == lead) {
            first = basis;
            any = true;
            if (!message->reference && message->reference_from_us >= message->reference_to_us)
                message->reference = item->reference;
        }
    }
    if (reminds && (any || !message->has_window))
        return fill_window(env->store, any ? &first : NULL, message, err);
    return 0;
}
