/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is retired by a load. Pure: a folder that vanished is an accident, not a decision. */
#include "agent/loop/book.h"

#include <string.h>

const char vg_no_folder[] = "the rules folder cannot be read or holds no rule file";

static bool was_renamed(const struct vg_ruleset *rules, const char *id)
{
    for (size_t i = 0; i < rules->ndatasets; i++) {
        const char *was = rules->datasets[i]->was;
        if (was && !strcmp(was, id))
            return true;
    }
    return false;
}

int vg_book_retirement(const struct vg_ruleset *rules, const struct vg_strings *known, bool force,
                       struct vg_arena *arena, struct vg_retirement *out, struct vg_error *err)
{
    *out = (struct vg_retirement){0};
    const char **gone = vg_arena_array(arena, known->n, sizeof *gone);
    if (!gone)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < known->n; i++) {
        const char *id = known->items[i];
        if (!vg_ruleset_find(rules, id) && !was_renamed(rules, id))
            gone[n++] = id;
    }
    if (!n)
        return 0;
    if (!rules->folder_ok && !force)
        out->refused = vg_no_folder;
    else if (2 * n > known->n && !force)
        out->refused = "more than half of the datasets would be retired";
    else
        out->gone = (struct vg_strings){gone, n};
    return 0;
}

int vg_book_known(const struct vg_strings *stored, const struct vg_ruleset *in_force,
                  struct vg_arena *arena, struct vg_strings *out, struct vg_error *err)
{
    const char **known = vg_arena_array(arena, stored->n + in_force->ndatasets, sizeof *known);
    if (!known)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < stored->n; i++) {
        if (!vg_ruleset_find(in_force, stored->items[i]))
            known[n++] = stored->items[i];
    }
    for (size_t i = 0; i < in_force->ndatasets; i++)
        known[n++] = in_force->datasets[i]->id;
    *out = (struct vg_strings){known, n};
    return 0;
}
