/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Base windows and slots: where a window lies in the local week, how long it should be, and how
 * finely hours and days are told apart. Pure. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/budget/parts.h"
#include "agent/window.h"

enum { SLOT_WINDOWS = 4, REFERENCE_PARTS = 28, LEAST_ROWS = 200 };

static const uint32_t all_scales[VG_BUDGET_SCALES] = {1, 2, 4, 8, 24};

double vg_budget_per_day(int64_t base_us)
{
    return (double)VG_DAY_US / (double)base_us;
}

struct vg_budget_place vg_budget_place(const struct vg_zone *zone, int64_t base_us,
                                       int64_t start_us)
{
    const int64_t monday_us = -3 * VG_DAY_US; /* 1970-01-01 was a Thursday */
    int64_t week = (vg_zone_local(zone, start_us) - monday_us) % VG_WEEK_US;
    week += week < 0 ? VG_WEEK_US : 0;
    return (struct vg_budget_place){.of_day = (uint32_t)(week % VG_DAY_US / base_us),
                                    .day = (uint32_t)(week / VG_DAY_US)};
}

int vg_budget_starts(const struct vg_zone *zone, int64_t base_us, int64_t from_us, int64_t to_us,
                     int64_t **out, size_t *n, struct vg_error *err)
{
    struct vg_window window;
    void *starts = NULL;
    size_t capacity = 0;
    *out = NULL;
    *n = 0;
    vg_window_at(zone, base_us, from_us, &window);
    while (window.start_us < to_us) {
        if (*n == VG_BUDGET_WINDOWS) {
            free(starts);
            return vg_fail(err, VG_E_LIMIT, "the reference has more than %d base windows",
                           VG_BUDGET_WINDOWS);
        }
        if (vg_grow(&starts, &capacity, *n + 1, sizeof **out) < 0) {
            free(starts);
            return vg_fail(err, VG_E_MEMORY, "out of memory");
        }
        ((int64_t *)starts)[(*n)++] = window.start_us;
        vg_window_next(zone, base_us, &window, &window);
    }
    *out = starts;
    return 0;
}

void vg_budget_starts_before(const struct vg_zone *zone, int64_t base_us, int64_t newest_us,
                             size_t n, int64_t *out)
{
    struct vg_window window;
    vg_window_at(zone, base_us, newest_us, &window);
    for (size_t i = n; i-- > 0;) {
        out[i] = window.start_us;
        vg_window_before(zone, base_us, &window, &window);
    }
}

static int compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Twice the median of the non-empty windows of so many hours; windows cut short do not count. */
static uint64_t find_twice_median(const uint64_t *rows, size_t n, size_t hours, uint64_t *scratch)
{
    size_t filled = 0;
    for (size_t at = 0; at + hours <= n; at += hours) {
        uint64_t sum = 0;
        for (size_t h = at; h < at + hours; h++)
            sum += rows[h];
        if (sum)
            scratch[filled++] = sum;
    }
    if (!filled)
        return 0;
    qsort(scratch, filled, sizeof *scratch, compare_counts);
    return scratch[(filled - 1) / 2] + scratch[filled / 2];
}

int vg_budget_base_hours(const uint64_t *rows, size_t n)
{
    static const int hours[] = {1, 2, 3, 4, 6, 12};
    uint64_t *scratch = vg_array(n ? n : 1, sizeof *scratch);
    if (!scratch)
        return -1;
    int found = 24;
    for (size_t i = 0; i < sizeof hours / sizeof *hours && found == 24; i++) {
        size_t span = (size_t)hours[i];
        if (find_twice_median(rows, n, span, scratch) >= 2 * (uint64_t)LEAST_ROWS)
            found = hours[i];
    }
    free(scratch);
    return found;
}

uint32_t vg_calendar_slot(const struct vg_calendar *calendar, struct vg_budget_place place)
{
    if (!calendar->types)
        return 0;
    uint32_t per_day = (uint32_t)calendar->per_day;
    uint32_t type = place.day < 5 ? 0 : place.day - 4;
    type = type < calendar->types ? type : calendar->types - 1;
    return (place.of_day < per_day ? place.of_day : per_day - 1) + per_day * type;
}

static bool fills_slots(const struct vg_calendar *calendar, const struct vg_budget_place *places,
                        size_t n)
{
    for (uint32_t slot = 0; slot < calendar->nslots; slot++) {
        size_t windows = 0;
        for (size_t w = 0; w < n && windows < SLOT_WINDOWS; w++)
            windows += vg_calendar_slot(calendar, places[w]) == slot;
        if (windows < SLOT_WINDOWS)
            return false;
    }
    return true;
}

void vg_calendar_of(const struct vg_budget_place *places, size_t n, double per_day,
                    struct vg_calendar *out)
{
    *out = (struct vg_calendar){.per_day = per_day};
    for (size_t i = 0; i < VG_BUDGET_SCALES; i++) {
        if (i == 0 || (size_t)all_scales[i] * REFERENCE_PARTS <= n)
            out->scales[out->nscales++] = all_scales[i];
    }
    for (out->types = per_day >= 4 ? 3 : 0; out->types; out->types--) {
        out->nslots = (uint32_t)per_day * out->types;
        if (n >= (size_t)SLOT_WINDOWS * out->nslots && fills_slots(out, places, n))
            return;
    }
    out->nslots = 1;
}

double vg_calendar_repeats(const struct vg_calendar *calendar, uint32_t scale)
{
    return calendar->types ? ceil(scale / calendar->per_day) : 1;
}

struct vg_calendar vg_calendar_read(const struct vg_budget *budget)
{
    struct vg_calendar calendar = {.per_day = budget->per_day,
                                   .types = budget->day_types,
                                   .nslots = budget->nslots,
                                   .nscales = budget->nscales};
    memcpy(calendar.scales, budget->scales, sizeof calendar.scales);
    return calendar;
}

void vg_calendar_set(struct vg_budget *budget, const struct vg_calendar *calendar)
{
    budget->per_day = calendar->per_day;
    budget->day_types = calendar->types;
    budget->nslots = calendar->nslots;
    budget->nscales = calendar->nscales;
    memcpy(budget->scales, calendar->scales, sizeof budget->scales);
    budget->gap = calendar->per_day >= 1 ? (uint32_t)calendar->per_day : 1;
}

uint32_t vg_budget_slot(const struct vg_budget *budget, struct vg_budget_place place)
{
    struct vg_calendar calendar = vg_calendar_read(budget);
    return vg_calendar_slot(&calendar, place);
}

bool vg_budget_must_have_rows(const struct vg_budget *budget, struct vg_budget_place place)
{
    return !budget->seen_thin[vg_budget_slot(budget, place)];
}
