/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A difference in words: names and types, never a value, label or expression. Pure. */
#include "checks/check_schema_diff.h"

#include <stdio.h>

#include "pgvigil/time.h"

static void tell_type(const struct vg_schema_difference *d, char *out, size_t size)
{
    const char *since = d->since == VG_SCHEMA_OF_LAST_LOOK ? " at the last look" : "";
    snprintf(out, size, "column %.63s is %.40s, %s %.40s%s", d->name, d->what,
             d->since == VG_SCHEMA_OF_FILE ? "not" : "was", d->wanted, since);
}

void vg_schema_tell(const struct vg_schema_difference *d, char *out, size_t size)
{
    const char *since = d->since == VG_SCHEMA_OF_LAST_LOOK ? " since the last look" : "";
    char time[VG_TIME_TEXT];
    if (d->kind == VG_SCHEMA_TYPE)
        tell_type(d, out, size);
    else if (d->kind == VG_SCHEMA_PARTITION)
        snprintf(out, size, "no partition takes rows of %s", vg_format_time(d->at_us, time));
    else if (d->kind == VG_SCHEMA_ROW_SECURITY)
        snprintf(out, size, "%s%s", d->what, since);
    else if (d->kind == VG_SCHEMA_ENUM && d->n)
        snprintf(out, size, "column %.63s lost %zu of its %zu labels%s", d->name, d->n, d->of,
                 since);
    else
        snprintf(out, size, "%s %.63s %s%s",
                 d->kind == VG_SCHEMA_CONSTRAINTS ? "constraint" : "column", d->name, d->what,
                 since);
}
