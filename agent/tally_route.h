/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of a long source and their numbers; layer 3, pure.
 *
 * A row of a long source belongs to the column whose name it carries. Routes are numbered from 1 in
 * the order given; 0 is every name that is none of them, and NULL.
 */
#ifndef PGVIGIL_AGENT_TALLY_ROUTE_H
#define PGVIGIL_AGENT_TALLY_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"
#include "pgvigil/mem.h"
#include "pgvigil/rule.h"

struct vg_routes {
    size_t n; /* at most VG_LONG_NAMES */
    const char *const *names;
    uint32_t *slots; /* hash table: routes, 0 where free */
    size_t nslots;   /* a power of two, or 0 without names */
};

/* Names are borrowed and differ. 0, or -1 when out of memory. */
int vg_routes_make(const char *const *names, size_t n, struct vg_arena *arena,
                   struct vg_routes *out);
uint32_t vg_routes_find(const struct vg_routes *routes, struct vg_slice name);
/* The same of a TEXT or BOOL column, by the values themselves ("true", "false"): 0 is every value
 * that is none of the names, and none. */
void vg_routes_sort(const struct vg_routes *routes, const struct vg_column *column, size_t first,
                    size_t n, uint32_t *out);
/* The routes of rows first .. first + n - 1 of a TEXT column. */
void vg_routes_read(const struct vg_routes *routes, const struct vg_column *column, size_t first,
                    size_t n, uint32_t *out);

#endif
