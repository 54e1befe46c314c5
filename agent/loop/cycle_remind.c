/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reminder is due at a tick, which judges no window: what it reminds of was found in the newest
 * one, and the store knows on what that rested. Changes nothing but the message. */
#include "agent/loop/cycle_remind.h"

#include <math.h>

static int fill_item(struct vg_store *store, const char *dataset, struct vg_message_item *item,
                     struct vg_error *err)
{
    const char *segment = item->segment ? item->segment : "";
    struct vg_result_basis basis;
    bool found;
    if (vg_store_result_basis(store, dataset, item->rule, segment, &basis, &found, err) < 0)
        return -1;
    if (!found)
        return 0;
    item->p_value = basis.p_value;
    item->n = basis.n;
    item->n_ref = basis.n_ref;
    return 0;
}

int vg_cycle_remind(const struct vg_cycle_env *env, struct vg_message *message,
                    struct vg_error *err)
{
    struct vg_window_row newest;
    bool found;
    if (message->kind != VG_MSG_REMIND || message->has_window)
        return 0;
    if (vg_store_window_newest(env->store, message->dataset, &newest, &found, err) < 0)
        return -1;
    if (found) {
        message->has_window = true;
        message->window = newest.window;
        message->rows = newest.rows;
    }
    for (size_t i = 0; i < message->nitems; i++) {
        struct vg_message_item *item = &message->items[i];
        if (isnan(item->p_value) && isnan(item->n) &&
            fill_item(env->store, message->dataset, item, err) < 0)
            return -1;
    }
    return 0;
}
