/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading days and hours as people write them. Pure. Nothing that it lets through can be anything
 * but a day or an hour. */
#include "checks/ask_calendar.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

static int find_day(const char *name)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    for (int day = 0; day < 7; day++) {
        if (vg_streq(days[day], name))
            return day + 1;
    }
    return 0;
}

static bool read_hours(const char *hours, struct vg_ask_calendar *out)
{
    static const char form[] = "dd:dd-dd:dd";
    bool fits = strlen(hours) == sizeof form - 1;
    for (size_t i = 0; fits && i < sizeof form - 1; i++)
        fits = form[i] == 'd' ? hours[i] >= '0' && hours[i] <= '9' : hours[i] == form[i];
    if (!fits)
        return false;
    snprintf(out->from, sizeof out->from, "%.5s", hours);
    snprintf(out->to, sizeof out->to, "%.5s", hours + 6);
    out->has_hours = true;
    return strcmp(out->from, "24:00") < 0 && out->from[3] < '6' && strcmp(out->to, "24:00") <= 0 &&
           out->to[3] < '6' && strcmp(out->from, out->to) != 0;
}

const char *vg_ask_calendar_read(const struct vg_strings *except, const char *hours,
                                 struct vg_ask_calendar *out)
{
    *out = (struct vg_ask_calendar){0};
    for (size_t i = 0; i < except->n; i++) {
        int day = find_day(except->items[i]);
        if (!day)
            return "except lists days of the week: monday to sunday";
        out->days_off |= 1U << day;
    }
    if (out->days_off == 0xfe)
        return "except leaves no day of the week";
    if (hours && !read_hours(hours, out))
        return "hours are written as \"08:00-18:00\"";
    return NULL;
}
