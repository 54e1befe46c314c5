/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was set aside or dropped, and what follows from it: an end goes with a beginning that nobody
 * heard of, and a receiver is in trouble as long as a beginning of its is set aside.
 *
 * States of rows as in outbox.c: 0 waits, 1 sent, 2 set aside, 3 stands, 5 let go of. Kinds as in
 * enum vg_message_kind: 0 to 2 are heard of as the beginning, 3 is the end.
 */
#include "agent/store/inner.h"

#define UNHEARD "'nobody heard that it began'"
/* The beginning in a state, of the end that is the row of the outbox. */
#define BEGAN(states)                                                                              \
    " EXISTS (SELECT 1 FROM outbox AS o WHERE o.sink_kind = 0 AND o.kind = 0"                      \
    " AND o.key = outbox.key AND o.sink = outbox.sink AND o.id < outbox.id AND o.state IN " states
#define OF_ROW " AND ($2 = 0 OR (sink, key) IN (SELECT sink, key FROM outbox WHERE id = $2))"

int vg_outbox_part(struct vg_store *store, int64_t id, int64_t now_us, struct vg_error *err)
{
    /* touched 1: the beginning may have arrived before it was refused */
    static const char hold[] =
        "UPDATE outbox SET state = 2, ended_us = $1, last_error = " UNHEARD
        " WHERE state = 0 AND sink_kind = 0 AND kind = 3" OF_ROW " AND" BEGAN(
            "(2, 5)") " AND o.touched = 0)"
                      " AND NOT EXISTS (SELECT 1 FROM outbox AS h WHERE h.sink_kind = 0 AND h.kind "
                      "IN (0, 1, 2)"
                      " AND h.key = outbox.key AND h.sink = outbox.sink AND h.id < outbox.id"
                      " AND (h.state IN (0, 1, 3) OR h.touched <> 0))";
    static const char wake[] =
        "UPDATE outbox SET state = 0, ended_us = NULL, next_us = $1, last_error = NULL"
        " WHERE state = 2 AND sink_kind = 0 AND kind = 3 AND last_error = " UNHEARD OF_ROW
        " AND" BEGAN("(0)") ")";
    static const char drop[] =
        "UPDATE outbox SET state = 5, ended_us = $1, body = '' WHERE state = 2 AND sink_kind = 0"
        " AND kind = 3 AND last_error = " UNHEARD OF_ROW " AND NOT" BEGAN("(0, 2)") ")";
    static const char *const texts[] = {hold, wake, drop};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof texts[0]; i++)
        rc = vg_sql_run(store, &VG_SQL(texts[i], vg_p_int(now_us), vg_p_int(id)), err);
    return rc;
}

int vg_store_outbox_aside(struct vg_store *store, const char *sink, int64_t *n,
                          struct vg_error *err)
{
    static const char text[] = "SELECT count(*) FROM outbox WHERE state = 2 AND sink_kind = 0"
                               " AND kind = 0 AND sink = $1";
    *n = 0;
    return vg_sql_int(store, &VG_SQL(text, vg_p_text(sink)), n, err);
}

int vg_store_trouble_idle(struct vg_store *store, struct vg_arena *arena, struct vg_strings *out,
                          struct vg_error *err)
{
    static const char text[] =
        "SELECT t.sink FROM trouble AS t WHERE t.sink_kind = 0 AND t.sink <> ''"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS w WHERE w.state = 0 AND w.sink_kind = 0"
        " AND w.sink = t.sink) AND NOT EXISTS (SELECT 1 FROM outbox AS d WHERE d.state = 2"
        " AND d.sink_kind = 0 AND d.sink = t.sink) ORDER BY t.sink";
    return vg_sql_strings(store, &VG_SQL_PLAIN(text), arena, out, err);
}
