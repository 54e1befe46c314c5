/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a table is open: days of the week and local hours; layer 3, pure. */
#ifndef PGVIGIL_ASK_CALENDAR_H
#define PGVIGIL_ASK_CALENDAR_H

#include "pgvigil/rule.h"

struct vg_ask_calendar {
    unsigned days_off; /* bits by ISO day of the week, Monday is 1 */
    bool has_hours;
    char from[6], to[6]; /* "08:00", "24:00"; `to` may lie before `from`: over midnight */
};
/* From "saturday", ... and "08:00-18:00" (or NULL). What is wrong with them, or NULL. */
const char *vg_ask_calendar_read(const struct vg_strings *except, const char *hours,
                                 struct vg_ask_calendar *out);

#endif
