/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of a cycle's table. What was last seen is replaced in the transaction that stores
 * the verdicts on the difference, and only by a cycle that had such a verdict: so each change is
 * told, and told once. */
#include "agent/loop/cycle_structure.h"

#include <string.h>

#include "pgvigil/log.h"

enum { STRUCTURE_MAX = 8 << 20 };

int vg_cycle_structure_text(const struct vg_catalog *catalog, struct vg_arena *arena,
                            const char **out, struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, STRUCTURE_MAX);
    vg_catalog_write(catalog, &buf);
    bool large = buf.failed && buf.len >= STRUCTURE_MAX / 2;
    *out = buf.failed ? NULL : vg_arena_strdup(arena, buf.data);
    vg_buf_free(&buf);
    if (*out)
        return 0;
    return large ? vg_fail(err, VG_E_LIMIT, "the structure of %s takes more than 8 MiB",
                           catalog->quoted)
                 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

bool vg_cycle_structure_too_large(struct vg_error *err)
{
    if (err->code != VG_E_LIMIT)
        return false;
    memset(err, 0, sizeof *err);
    return true;
}

int vg_cycle_structure_load(struct vg_work *work, struct vg_error *err)
{
    work->last_structure = NULL;
    if (!work->env->store || !work->job.tick)
        return 0;
    if (vg_store_structure(work->env->store, work->job.dataset->id, work->arena,
                           &work->last_structure, err) < 0)
        return -1;
    if (work->last_structure && !*work->last_structure)
        work->last_structure = NULL; /* it was too large */
    return 0;
}

/* An empty text takes the place of what was stored, so that no change is told again and again; it
 * also says that the log was told. */
static int leave_out(const struct vg_work *work, struct vg_error *err)
{
    const char *id = work->job.dataset->id;
    const char *stored;
    struct vg_error why = *err;
    memset(err, 0, sizeof *err);
    if (vg_store_structure(work->env->store, id, work->arena, &stored, err) < 0)
        return -1;
    if (stored && !*stored)
        return 0;
    vg_log(VG_LOG_WARN, "the table's structure is too large to be kept: its changes are not told",
           "dataset", id, "error", why.msg, NULL);
    return vg_store_structure_put(work->env->store, id, "", work->cycle.now_us, err);
}

int vg_cycle_structure_store(const struct vg_work *work, struct vg_error *err)
{
    const struct vg_cycle *cycle = &work->cycle;
    bool compared = cycle->ticked && work->catalog && (!cycle->failed || cycle->unreadable);
    const char *text;
    if (!compared)
        return 0;
    if (vg_cycle_structure_text(work->catalog, work->arena, &text, err) < 0)
        return err->code == VG_E_LIMIT ? leave_out(work, err) : -1;
    return vg_store_structure_put(work->env->store, work->job.dataset->id, text, cycle->now_us,
                                  err);
}
