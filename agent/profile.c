/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is chosen before rows are read: the time column, the window, the days of the reference. By
 * the catalogue and a few figures; names only tip the balance. Pure. */
#include "agent/profile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOUR_ROWS = 200, MONTH_LEAST = 28 };

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcasecmp(text + n - k, end);
}

static bool has_any(const char *text, const char *const *words, size_t n)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < n; i++) {
        size_t k = strlen(words[i]);
        for (size_t at = 0; at + k <= length; at++) {
            if (!strncasecmp(text + at, words[i], k))
                return true;
        }
    }
    return false;
}

/* Of a row's own time, not of a thing the row speaks of; what is changed later sorts rows anew. */
static int rate_name(const char *name)
{
    static const char *const fits[] = {"time", "date", "created", "event", "stamp"};
    static const char *const doubts[] = {"birth", "expir", "delet", "updat", "modifi", "valid",
                                         "due",   "until", "end",   "last",  "finish", "sent"};
    int points = 0;
    if (ends_with(name, "_at") || ends_with(name, "_ts") || !strcasecmp(name, "at") ||
        !strcasecmp(name, "ts") || has_any(name, fits, sizeof fits / sizeof *fits))
        points += 2;
    return has_any(name, doubts, sizeof doubts / sizeof *doubts) ? points - 3 : points;
}

const struct vg_catalog_column *vg_profile_time(const struct vg_catalog *catalog)
{
    const struct vg_catalog_column *best = NULL;
    int most = 1; /* a nullable column without index or telling name is none */
    for (size_t i = 0; i < catalog->n; i++) {
        const struct vg_catalog_column *column = &catalog->columns[i];
        if (column->kind != VG_KIND_TIME || column->unreadable || column->problem)
            continue;
        bool splits = catalog->range_column && !strcmp(catalog->range_column, column->name);
        int points = rate_name(column->name) + 16 * splits + 8 * column->indexed_first +
                     4 * column->not_null + (column->wire_oid != VG_OID_DATE);
        if (points > most) {
            most = points;
            best = column;
        }
    }
    return best;
}

int64_t vg_profile_window_us(const struct vg_catalog_column *time, uint64_t hour_median)
{
    bool hours = time && time->wire_oid != VG_OID_DATE && hour_median >= HOUR_ROWS;
    return hours ? VG_HOUR_US : VG_DAY_US;
}

/* Days from the civil calendar's month that begins at this local day, or 0. */
static int64_t find_month(int64_t local_us)
{
    char text[VG_TIME_TEXT], next[VG_TIME_TEXT];
    vg_format_time(local_us, text);
    if (strncmp(text + 8, "01", 2) != 0)
        return 0;
    for (int64_t days = MONTH_LEAST; days <= 31; days++) {
        vg_format_time(local_us + days * VG_DAY_US, next);
        if (!strncmp(next + 8, "01", 2))
            return days;
    }
    return 0;
}

struct vg_window vg_profile_reference(const struct vg_zone *zone, const struct vg_window *range)
{
    int64_t from = vg_zone_local(zone, range->start_us), to = vg_zone_local(zone, range->end_us);
    int64_t past = from % VG_DAY_US, over = to % VG_DAY_US;
    from -= past < 0 ? past + VG_DAY_US : past;
    if (over)
        to += VG_DAY_US - (over < 0 ? over + VG_DAY_US : over);
    int64_t days = (to - from) / VG_DAY_US, month = find_month(from);
    if (days > VG_PROFILE_DAYS)
        days = month ? month : MONTH_LEAST;
    return (struct vg_window){vg_zone_instant(zone, from),
                              vg_zone_instant(zone, from + days * VG_DAY_US), false};
}

bool vg_profile_sounds_private(const char *name)
{
    static const char *const words[] = {
        "email", "phone",    "mobile",  "address", "street",  "surname", "lastname",  "last_name",
        "birth", "passport", "passwor", "iban",    "social_", "ssn",     "firstname", "first_name"};
    return has_any(name, words, sizeof words / sizeof *words);
}

static int compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t vg_profile_median(const struct vg_profile *profile)
{
    uint64_t *rows = vg_array(profile->nwindows, sizeof *rows);
    size_t n = rows ? profile->nwindows : 0;
    for (size_t i = 0; i < n; i++)
        rows[i] = profile->windows[i].rows;
    if (n)
        qsort(rows, n, sizeof *rows, compare_counts);
    uint64_t median = n ? rows[n / 2] : 0;
    free(rows);
    return median;
}

bool vg_profile_is_key(const struct vg_profile *profile, const char *column)
{
    for (size_t i = 0; i < profile->nkey; i++) {
        if (!strcmp(profile->key[i], column))
            return true;
    }
    return false;
}

const struct vg_profile_column *vg_profile_find(const struct vg_profile *profile,
                                                const char *column)
{
    for (size_t i = 0; i < profile->ncolumns; i++) {
        if (!strcmp(profile->columns[i].column->name, column))
            return &profile->columns[i];
    }
    return NULL;
}

void vg_profile_clear(struct vg_profile *profile)
{
    for (size_t i = 0; i < profile->ncolumns; i++) {
        vg_column_free(profile->columns[i].total);
        profile->columns[i].total = NULL;
    }
}
