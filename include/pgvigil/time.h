/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times as int64 microseconds since 1970-01-01 UTC, and a time zone as a table; layer 0. Pure.
 *
 * A zone is a sorted table of offsets, filled once by the rim (agent/zone.c), so that everything
 * that reasons about local time stays a function of its arguments.
 */
#ifndef PGVIGIL_TIME_H
#define PGVIGIL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VG_US        INT64_C(1000000)
#define VG_MINUTE_US (60 * VG_US)
#define VG_HOUR_US   (3600 * VG_US)
#define VG_DAY_US    (24 * VG_HOUR_US)
#define VG_WEEK_US   (7 * VG_DAY_US)
#define VG_NEVER     INT64_MAX /* no such time, later than all */

enum { VG_TIME_TEXT = 40 };
/* "2001-06-13T00:10:00Z", with microseconds only when there are any. Returns out. */
char *vg_format_time(int64_t us, char out[VG_TIME_TEXT]);

struct vg_zone_step {
    int64_t from_us;   /* the offset holds from this instant on */
    int64_t offset_us; /* local = UTC + offset */
};
struct vg_zone {
    const char *name;                 /* IANA name */
    const struct vg_zone_step *steps; /* ascending; steps[0].from_us is INT64_MIN */
    size_t n;
};
extern const struct vg_zone vg_utc;

int64_t vg_zone_local(const struct vg_zone *zone, int64_t us); /* wall clock as if UTC */
/* The first instant whose wall clock is at or past `local` for good: in a gap the instant of the
 * change, in a repeated span the first pass for its start and the second for later ones' end. */
int64_t vg_zone_instant(const struct vg_zone *zone, int64_t local_us);
/* Whether this wall-clock time occurs twice; sets the span [*from, *to) that is repeated. */
bool vg_zone_repeated(const struct vg_zone *zone, int64_t local_us, int64_t *from, int64_t *to);

/* RFC 3339, or without offset taken as wall clock of zone: date, date and time to the second or
 * finer, separated by T or a space. 0 or -1. */
int vg_parse_time(const char *s, const struct vg_zone *zone, int64_t *out_us);

#endif
