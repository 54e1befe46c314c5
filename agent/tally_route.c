/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the names of a long source a row carries. Pure; one hash a row, none where it repeats
 * the name before it. */
#include "agent/tally_route.h"

#include <string.h>

#include "pgvigil/summary.h"
#include "pgvigil/text.h"

_Static_assert((int)VG_SEGMENT_VALUES <= (int)VG_LONG_NAMES, "the values of a segment are routes");

int vg_routes_make(const char *const *names, size_t n, struct vg_arena *arena,
                   struct vg_routes *out)
{
    if (n > VG_LONG_NAMES)
        BUG("%zu names of a long source", n);
    *out = (struct vg_routes){.n = n, .names = names};
    for (out->nslots = n ? 4 : 0; out->nslots && out->nslots < 2 * n;)
        out->nslots *= 2;
    out->slots = vg_arena_array(arena, out->nslots + 1, sizeof *out->slots);
    if (!out->slots)
        return -1;
    for (size_t i = 0; i < n; i++) {
        size_t slot = vg_hash64(names[i], strlen(names[i])) & (out->nslots - 1);
        while (out->slots[slot])
            slot = (slot + 1) & (out->nslots - 1);
        out->slots[slot] = (uint32_t)i + 1;
    }
    return 0;
}

static bool is_name(const struct vg_routes *routes, uint32_t route, struct vg_slice name)
{
    const char *known = routes->names[route - 1];
    return strlen(known) == name.len && (!name.len || !memcmp(known, name.data, name.len));
}

uint32_t vg_routes_find(const struct vg_routes *routes, struct vg_slice name)
{
    if (!routes->nslots)
        return 0;
    size_t slot = vg_hash64(name.data, name.len) & (routes->nslots - 1);
    for (; routes->slots[slot]; slot = (slot + 1) & (routes->nslots - 1)) {
        if (is_name(routes, routes->slots[slot], name))
            return routes->slots[slot];
    }
    return 0;
}

void vg_routes_read(const struct vg_routes *routes, const struct vg_column *column, size_t first,
                    size_t n, uint32_t *out)
{
    uint32_t last = 0;
    for (size_t i = 0; i < n; i++) {
        struct vg_slice name = column->raw[first + i];
        out[i] = 0;
        if (column->state[first + i] != VG_CELL_VALUE)
            continue;
        if (!last || !is_name(routes, last, name))
            last = vg_routes_find(routes, name);
        out[i] = last;
    }
}

void vg_routes_sort(const struct vg_routes *routes, const struct vg_column *column, size_t first,
                    size_t n, uint32_t *out)
{
    char space[36];
    bool truth = column->kind == VG_KIND_BOOL;
    const uint32_t truths[2] = {vg_routes_find(routes, (struct vg_slice){"false", 5}),
                                vg_routes_find(routes, (struct vg_slice){"true", 4})};
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        if (column->state[first + i] != VG_CELL_VALUE)
            continue;
        if (truth)
            out[i] = truths[column->num[first + i] != 0];
        else
            out[i] = vg_routes_find(routes, vg_text_cell(column, first + i, space));
    }
}
