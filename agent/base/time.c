/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times and zones as pure functions: civil dates (proleptic Gregorian), RFC 3339, and the mapping
 * between instants and wall clocks through a zone's table of offsets. */
#include "pgvigil/time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct vg_zone_step utc_step = {INT64_MIN, 0};
const struct vg_zone vg_utc = {"UTC", &utc_step, 1};

/* Days since 1970-01-01 of a civil date; eras of 400 years. */
static int64_t count_days(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void find_date(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp + (mp < 10 ? 3 : -9);
    *y = yoe + era * 400 + (*m <= 2);
}

static int64_t divide_down(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

char *vg_format_time(int64_t us, char out[VG_TIME_TEXT])
{
    if (us == VG_NEVER) {
        snprintf(out, VG_TIME_TEXT, "never");
        return out;
    }
    int64_t days = divide_down(us, VG_DAY_US), rest = us % VG_DAY_US, y, m, d;
    rest += rest < 0 ? VG_DAY_US : 0;
    find_date(days, &y, &m, &d);
    int64_t s = rest / VG_US, fraction = rest % VG_US;
    int n = snprintf(out, VG_TIME_TEXT, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", (long long)y,
                     (long long)m, (long long)d, (long long)(s / 3600), (long long)(s / 60 % 60),
                     (long long)(s % 60));
    if (fraction)
        snprintf(out + n, VG_TIME_TEXT - (size_t)n, ".%06lldZ", (long long)fraction);
    else
        snprintf(out + n, VG_TIME_TEXT - (size_t)n, "Z");
    return out;
}

/* Index of the step in force at us. */
static size_t find_step(const struct vg_zone *zone, int64_t us)
{
    size_t low = 0, high = zone->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->steps[middle].from_us <= us)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t vg_zone_local(const struct vg_zone *zone, int64_t us)
{
    return us + zone->steps[find_step(zone, us)].offset_us;
}

/* The last step whose own wall clock starts at or before local; offsets stay below 26 hours. */
static size_t find_candidate(const struct vg_zone *zone, int64_t local_us)
{
    size_t i = find_step(zone, local_us - 26 * VG_HOUR_US);
    while (i + 1 < zone->n && zone->steps[i + 1].from_us + zone->steps[i + 1].offset_us <= local_us)
        i++;
    return i;
}

/* Where step i ends on the wall clock of the step itself. */
static int64_t find_local_end(const struct vg_zone *zone, size_t i)
{
    return i + 1 < zone->n ? zone->steps[i + 1].from_us + zone->steps[i].offset_us : INT64_MAX;
}

bool vg_zone_repeated(const struct vg_zone *zone, int64_t local_us, int64_t *from, int64_t *to)
{
    size_t i = find_candidate(zone, local_us);
    if (i == 0)
        return false;
    int64_t again = zone->steps[i].from_us + zone->steps[i].offset_us;
    int64_t until = find_local_end(zone, i - 1);
    if (local_us < again || local_us >= until)
        return false;
    *from = again;
    *to = until;
    return true;
}

int64_t vg_zone_instant(const struct vg_zone *zone, int64_t local_us)
{
    size_t i = find_candidate(zone, local_us);
    int64_t from, to;
    if (i > 0 && vg_zone_repeated(zone, local_us, &from, &to))
        return local_us - zone->steps[i - 1].offset_us;
    /* In a gap the step before has ended and the next has not begun: the instant of the change. */
    if (local_us >= find_local_end(zone, i))
        return zone->steps[i + 1].from_us;
    return local_us - zone->steps[i].offset_us;
}

static bool read_digits(const char **p, int n, int64_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool read_char(const char **p, const char *set)
{
    if (!**p || !strchr(set, **p))
        return false;
    (*p)++;
    return true;
}

static int64_t count_month_days(int64_t y, int64_t m)
{
    return m == 12 ? 31 : count_days(y, m + 1, 1) - count_days(y, m, 1);
}

static bool read_date(const char **p, int64_t *us)
{
    int64_t y, m, d;
    if (!read_digits(p, 4, &y) || !read_char(p, "-") || !read_digits(p, 2, &m) ||
        !read_char(p, "-") || !read_digits(p, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > count_month_days(y, m))
        return false;
    *us = count_days(y, m, d) * VG_DAY_US;
    return true;
}

static bool read_fraction(const char **p, int64_t *us)
{
    int64_t scale = VG_US / 10;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
        *us += (**p - '0') * scale;
    return true;
}

static bool read_clock(const char **p, int64_t *us)
{
    int64_t h, m, s = 0;
    if (!read_digits(p, 2, &h) || !read_char(p, ":") || !read_digits(p, 2, &m))
        return false;
    bool seconds = read_char(p, ":");
    if (seconds && !read_digits(p, 2, &s))
        return false;
    if (h > 23 || m > 59 || s > 59)
        return false;
    *us += (h * 3600 + m * 60 + s) * VG_US;
    return seconds && read_char(p, ".") ? read_fraction(p, us) : true;
}

static bool read_offset(const char **p, bool *given, int64_t *offset_us)
{
    *given = true;
    *offset_us = 0;
    if (read_char(p, "Zz"))
        return true;
    bool minus = **p == '-';
    if (!read_char(p, "+-")) {
        *given = false;
        return true;
    }
    int64_t h, m;
    if (!read_digits(p, 2, &h) || !read_char(p, ":") || !read_digits(p, 2, &m) || h > 23 || m > 59)
        return false;
    *offset_us = (h * 60 + m) * VG_MINUTE_US * (minus ? -1 : 1);
    return true;
}

int vg_parse_time(const char *s, const struct vg_zone *zone, int64_t *out_us)
{
    int64_t local = 0, offset = 0;
    bool given = false;
    if (!read_date(&s, &local))
        return -1;
    if (read_char(&s, "Tt ") && (!read_clock(&s, &local) || !read_offset(&s, &given, &offset)))
        return -1;
    if (*s)
        return -1;
    *out_us = given ? local - offset : vg_zone_instant(zone, local);
    return 0;
}
