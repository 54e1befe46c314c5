/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times in the store that lie too far in the future, because the clock was set back.
 *
 * Touches only what waits for a time: messages, training runs that are followed, keys of offending
 * rows. What was judged, and when, stays as it was recorded.
 */
#include "agent/store/inner.h"

static const int64_t longest_us = VG_HOUR_US; /* no back-off is longer */

int vg_store_set_back(struct vg_store *store, int64_t now_us, int64_t back_us, struct vg_error *err)
{
    static const char *const earlier[] = {
        "UPDATE outbox SET next_us = next_us - $1 WHERE state IN (0, 3) AND next_us > $2"
        " AND next_us < 9223372036854775807",
        "UPDATE outbox SET held_us = held_us - $1 WHERE held_us > $2",
        "UPDATE retrain_run SET next_us = next_us - $1 WHERE next_us > $2"
        " AND next_us < 9223372036854775807",
        "UPDATE offenders SET next_us = next_us - $1 WHERE state = 0 AND next_us > $2",
    };
    static const char *const now[] = {
        "UPDATE outbox SET next_us = $1 WHERE state IN (0, 3) AND next_us > $2"
        " AND next_us < 9223372036854775807",
        "UPDATE outbox SET held_us = $1 WHERE held_us > $2",
        "UPDATE retrain_run SET next_us = $1 WHERE next_us > $2"
        " AND next_us < 9223372036854775807",
        "UPDATE offenders SET next_us = $1 WHERE state = 0 AND next_us > $2",
    };
    const char *const *texts = back_us ? earlier : now;
    int64_t to_us = back_us ? back_us : now_us;
    int64_t after_us = back_us ? now_us : now_us + longest_us;
    struct vg_scope scope; /* all or nothing: nobody is to be moved twice by one jump */
    if (vg_scope_enter(store, VG_DB_WRITE, &scope, err) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof now / sizeof now[0]; i++)
        rc = vg_sql_run(store, &VG_SQL(texts[i], vg_p_int(to_us), vg_p_int(after_us)), err);
    return vg_scope_leave(store, &scope, rc, err);
}
