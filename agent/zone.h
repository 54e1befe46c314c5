/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time zones by IANA name as tables of offsets; layer 4.
 *
 * The only file that asks the system for a zone. What it makes is a plain table from 1970 to 2100,
 * so that everything else stays a pure function of its arguments.
 */
#ifndef PGVIGIL_ZONE_H
#define PGVIGIL_ZONE_H

#include "pgvigil/error.h"
#include "pgvigil/mem.h"
#include "pgvigil/time.h"

/* The zone of this IANA name, in arena; vg_utc for "UTC". NULL with VG_E_NOT_FOUND for a name that
 * the system's time zone data does not hold (the hint names the nearest one), or VG_E_MEMORY. */
const struct vg_zone *vg_zone_load(const char *iana_name, struct vg_arena *arena,
                                   struct vg_error *err);

#endif
