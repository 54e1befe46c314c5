/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats of dates and times: the extended format of ISO 8601 as RFC 3339 and PostgreSQL write it,
 * in the Gregorian calendar, years 0001 to 9999. Pure. */
#include "checks/format.h"

static bool is_date(const char *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = vg_format_digits(s, 4), month = vg_format_digits(s + 5, 2);
    int day = vg_format_digits(s + 8, 2);
    if (s[4] != '-' || s[7] != '-' || year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (leap && month == 2);
}

static bool is_two(const char *s, int most)
{
    int value = vg_format_digits(s, 2);
    return value >= 0 && value <= most;
}

/* Z, +hh, +hhmm, +hh:mm or nothing. */
static bool is_offset(const char *s, size_t n)
{
    if (n == 0 || (n == 1 && *s == 'Z'))
        return true;
    if ((*s != '+' && *s != '-') || n < 3 || !is_two(s + 1, 15))
        return false;
    if (n == 6)
        return s[3] == ':' && is_two(s + 4, 59);
    return n == 3 || (n == 5 && is_two(s + 3, 59));
}

static bool is_time(const char *s, size_t n)
{
    if (n < 5 || !is_two(s, 23) || s[2] != ':' || !is_two(s + 3, 59))
        return false;
    if (n < 8 || s[5] != ':')
        return is_offset(s + 5, n - 5);
    size_t at = 8;
    if (!is_two(s + 6, 60)) /* 60: a leap second */
        return false;
    if (at < n && s[at] == '.') {
        size_t begin = ++at;
        while (at < n && vg_format_digit(s[at]))
            at++;
        if (at == begin)
            return false;
    }
    return is_offset(s + at, n - at);
}

bool vg_format_is_iso_date(struct vg_slice text)
{
    return text.len == 10 && is_date(text.data);
}

bool vg_format_is_iso_time(struct vg_slice text)
{
    return is_time(text.data, text.len);
}

bool vg_format_is_iso_datetime(struct vg_slice text)
{
    return text.len > 11 && is_date(text.data) && (text.data[10] == 'T' || text.data[10] == ' ') &&
           is_time(text.data + 11, text.len - 11);
}
