/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of the table: freshness, volume and its season, hours without rows, the key of several
 * columns, feeds that repeat themselves. Pure. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/suggest_parts.h"
#include "pgvigil/sort.h"

enum { SEASON_WEEKS = 3, HOUR_LEAST = 5, HOURS_LEAST = 6, DAYS_LEAST = 7, WINDOWS_LEAST = 3 };
/* Freshness is a multiple of the longest gap, but no less than a window and a half: rows at rest do
 * not tell whether they came one by one or at night. */
static const double gap_times = 3, windows_least = 1.5, season_least = 0.4;
/* Twice the rows of a week before may be a good day. */
static const double change_most = 2.2;

/* --- Freshness -------------------------------------------------------------------------------- */

static void suggest_freshness(const struct vg_profile *profile, struct vg_suggestions *list)
{
    char limit[VG_DURATION_TEXT], gap[VG_VALUE_TEXT], newest[VG_TIME_TEXT], why[VG_WHY_TEXT];
    if (!profile->time || !profile->gap_us)
        return;
    double least = windows_least * (double)profile->window_us;
    vg_suggest_duration((int64_t)fmax(gap_times * (double)profile->gap_us, least), limit);
    vg_value_text((double)profile->gap_us / (double)VG_US, VG_UNIT_SECONDS, 3, gap);
    snprintf(why, sizeof why, "never longer than %s without a row; newest %s", gap,
             vg_format_time(profile->newest_us, newest));
    vg_suggest_add(list, NULL, false, why, "freshness: %s", limit);
}

/* --- Volume ----------------------------------------------------------------------------------- */

struct volume {
    double *rows; /* per whole window, those without rows included; sorted */
    size_t n, empty, partial;
};

/* The first and the last window may be cut off by the range: they count unless they hold less than
 * half of what the others do. */
static int count_volume(const struct vg_profile *profile, struct vg_arena *arena,
                        struct volume *out)
{
    size_t n = profile->nwindows;
    *out = (struct volume){.rows = vg_arena_array(arena, n, sizeof *out->rows), .n = n};
    if (!out->rows || !n)
        return out->rows ? 0 : -1;
    for (size_t i = 0; i < n; i++)
        out->rows[i] = (double)profile->windows[i].rows;
    double first = out->rows[0], last = out->rows[n - 1];
    vg_sort_doubles(out->rows, n);
    double half = out->rows[n / 2] / 2;
    if (n > WINDOWS_LEAST)
        out->partial = (size_t)(first < half) + (size_t)(last < half);
    int64_t span = profile->windows[n - 1].start_us - profile->windows[0].start_us;
    double all = round((double)span / (double)profile->window_us) + 1;
    out->empty = all > (double)n ? (size_t)(all - (double)n) : 0;
    return 0;
}

/* Sorted upwards, the partial ones stand below the half; they are the least or were outliers. */
static double find_share(const struct volume *volume, double q)
{
    size_t first = volume->partial, n = volume->n - first;
    return volume->rows[first + (size_t)(q * (double)(n - 1) + 0.5)];
}

static void suggest_volume(const struct vg_profile *profile, const struct volume *volume,
                           struct vg_suggestions *list)
{
    char why[VG_WHY_TEXT], least[VG_COUNT_TEXT], most[VG_COUNT_TEXT], half[VG_COUNT_TEXT];
    if (volume->n == volume->partial)
        return;
    double lo = find_share(volume, 0), q05 = find_share(volume, 0.05),
           q95 = find_share(volume, 0.95);
    double median = find_share(volume, 0.5), hi = volume->rows[volume->n - 1];
    uint64_t max = vg_suggest_count_up(fmax(2.5 * q95, 1.2 * hi));
    /* A window far below the others is passed by, and still passes. */
    uint64_t min = vg_suggest_count_down(fmin(0.9 * lo, 0.95 * q05));
    snprintf(why, sizeof why, "%zu window%s: %s .. %s rows, median %s%s", volume->n,
             volume->n == 1 ? "" : "s", vg_suggest_commas((uint64_t)lo, least),
             vg_suggest_commas((uint64_t)hi, most), vg_suggest_commas((uint64_t)median, half),
             volume->partial ? ", partial ones aside" : "");
    bool off = volume->n < WINDOWS_LEAST && profile->time;
    if (min > 1 && (double)min > median / 100)
        vg_suggest_add(list, NULL, off, why, "volume: {min: %llu, max: %llu}",
                       (unsigned long long)min, (unsigned long long)max);
    else
        vg_suggest_add(list, NULL, off, why, "volume: {max: %llu}", (unsigned long long)max);
}

/* --- Seasons ---------------------------------------------------------------------------------- */

enum { SLOTS = 168 };
struct season {
    double sum[SLOTS], n[SLOTS];
    double total, squares, count;
};

static size_t find_slot(const struct vg_profile *profile, int64_t start_us)
{
    static const int64_t monday_us = -3 * VG_DAY_US; /* 1970-01-01 was a Thursday */
    int64_t past = (vg_zone_local(profile->zone, start_us) - monday_us) % VG_WEEK_US;
    past += past < 0 ? VG_WEEK_US : 0;
    return (size_t)(past / (profile->window_us < VG_DAY_US ? VG_HOUR_US : VG_DAY_US));
}

/* The share of the variance between windows that the slot of the week explains. */
static double find_season(const struct vg_profile *profile, struct season *season)
{
    *season = (struct season){.count = 0};
    for (size_t i = 1; i + 1 < profile->nwindows; i++) {
        size_t slot = find_slot(profile, profile->windows[i].start_us);
        double rows = (double)profile->windows[i].rows;
        season->sum[slot] += rows;
        season->n[slot]++;
        season->total += rows;
        season->squares += rows * rows;
        season->count++;
    }
    double mean = season->total / season->count, between = 0;
    double all = season->squares - season->count * mean * mean;
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (season->n[slot] > 0)
            between += season->sum[slot] * season->sum[slot] / season->n[slot];
    }
    between -= season->count * mean * mean;
    return all > 0 ? between / all : 0;
}

/* Rows as a multiple of those a week before: the least and the most. */
static size_t find_multiples(const struct vg_profile *profile, double *least, double *most)
{
    size_t n = 0, then = 0;
    for (size_t i = 1; i + 1 < profile->nwindows; i++) {
        int64_t week = profile->windows[i].start_us - VG_WEEK_US;
        while (then < i && profile->windows[then].start_us < week)
            then++;
        if (profile->windows[then].start_us != week || !then ||
            profile->windows[then].rows < VG_PROFILE_LEAST)
            continue;
        double multiple = (double)profile->windows[i].rows / (double)profile->windows[then].rows;
        *least = n ? fmin(*least, multiple) : multiple;
        *most = n ? fmax(*most, multiple) : multiple;
        n++;
    }
    return n;
}

static void put_days(const struct season *season, char *out, size_t size)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    char rows[VG_COUNT_TEXT];
    *out = '\0';
    for (size_t day = 0; day < 7; day++) {
        size_t used = strlen(out);
        if (season->n[day] > 0)
            snprintf(out + used, size - used, "%s%s %s", used ? ", " : "", days[day],
                     vg_suggest_commas((uint64_t)(season->sum[day] / season->n[day]), rows));
    }
}

static void suggest_change(const struct vg_profile *profile, struct vg_suggestions *list)
{
    char why[VG_WHY_TEXT], days[120] = "";
    struct season season;
    double least = 0, most = 0;
    if (profile->nwindows < 2 + SEASON_WEEKS * (size_t)(VG_WEEK_US / profile->window_us))
        return;
    double explained = find_season(profile, &season);
    size_t n = find_multiples(profile, &least, &most);
    if (n < DAYS_LEAST)
        return;
    bool seasonal = explained >= season_least;
    if (profile->window_us >= VG_DAY_US)
        put_days(&season, days, sizeof days);
    snprintf(why, sizeof why,
             "%s; %.2f to %.2f times the rows of a week before, %.0f %% of the variance is the "
             "week's",
             *days ? days : "hours of the week", least, most, explained * 100);
    vg_suggest_add(list, NULL, !seasonal, why,
                   "volume_change: {against: same_time, min: %.0f%%, max: %.0f%%}",
                   floor(least * 80), ceil(fmax(most * 1.25, change_most) * 100));
}

/* --- Hours ------------------------------------------------------------------------------------ */

static void suggest_gaps(const struct vg_profile *profile, struct vg_suggestions *list)
{
    char why[VG_WHY_TEXT];
    size_t best = 0, length = 0, run = 0;
    if (!profile->time || profile->window_us != VG_DAY_US || profile->hour_days < DAYS_LEAST ||
        !profile->time->indexed_first)
        return;
    for (size_t h = 0; h < 24; h++) {
        run = profile->hour_least[h] >= HOUR_LEAST ? run + 1 : 0;
        if (run > length) {
            length = run;
            best = h + 1 - run;
        }
    }
    if (length < HOURS_LEAST)
        return;
    uint64_t least = profile->hour_least[best];
    for (size_t h = best; h < best + length; h++)
        least = profile->hour_least[h] < least ? profile->hour_least[h] : least;
    snprintf(why, sizeof why, "each of these hours had %llu rows or more on each of %zu days",
             (unsigned long long)least, profile->hour_days);
    if (length == 24)
        vg_suggest_add(list, NULL, false, why, "gaps: {every: 1h, look_back: 1d}");
    else
        vg_suggest_add(list, NULL, false, why,
                       "gaps: {every: 1h, look_back: 1d, hours: \"%02zu:00-%02zu:%s\"}", best,
                       best + length == 24 ? 23 : best + length, best + length == 24 ? "59" : "00");
}

/* --- All of it -------------------------------------------------------------------------------- */

void vg_suggest_table(const struct vg_profile *profile, struct vg_suggestions *list)
{
    struct volume volume;
    suggest_freshness(profile, list);
    if (count_volume(profile, list->arena, &volume) < 0) {
        list->failed = true;
        return;
    }
    suggest_volume(profile, &volume, list);
    if (profile->time)
        suggest_change(profile, list);
    suggest_gaps(profile, list);
    if (profile->nkey > 1)
        vg_suggest_add(list, NULL, false, profile->key_why, "unique: 0");
    vg_suggest_pairs(profile, list);
}
