/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversion of texts by the rules of the types' input functions. Pure: no locale (the program
 * keeps that of C), no clock, hence no "today". What is doubtful is refused, never guessed. */
#include "agent/pg/decode_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/pg/decode.h"
#include "pgvigil/time.h"

enum {
    TEXT_MAX = 1000,
    NUMERIC_BEFORE = 131072,
    NUMERIC_AFTER = 16383,
    EXPONENT_MAX = 1000000,
    YEAR_MAX = 294276, /* of a timestamp */
    DATE_YEAR_MAX = 5874897
};

static enum vg_cell convert_bool(const char *text, double *out)
{
    static const struct {
        const char *word;
        size_t least; /* characters that suffice */
        double value;
    } words[] = {{"true", 1, 1},  {"yes", 1, 1}, {"on", 2, 1},  {"1", 1, 1},
                 {"false", 1, 0}, {"no", 1, 0},  {"off", 2, 0}, {"0", 1, 0}};
    size_t n = strlen(text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (n < words[i].least || n > strlen(words[i].word) ||
            strncasecmp(text, words[i].word, n) != 0)
            continue;
        *out = words[i].value;
        return VG_CELL_VALUE;
    }
    return VG_CELL_UNCAST;
}

static enum vg_cell convert_integer(const char *text, uint32_t oid, double *out)
{
    int64_t most = oid == VG_OID_INT2 ? INT16_MAX : oid == VG_OID_INT4 ? INT32_MAX : INT64_MAX;
    const char *digits = text + (*text == '-' || *text == '+');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return VG_CELL_UNCAST;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno || value > most || value < -most - 1)
        return VG_CELL_UNCAST;
    *out = (double)value;
    return VG_CELL_VALUE;
}

/* nan, inf, infinity with a sign; false for anything else. */
static bool convert_special(const char *text, enum vg_cell *out)
{
    bool minus = *text == '-';
    const char *word = text + (*text == '-' || *text == '+');
    if (!strcasecmp(text, "nan"))
        *out = VG_CELL_NAN;
    else if (!strcasecmp(word, "inf") || !strcasecmp(word, "infinity"))
        *out = minus ? VG_CELL_NINF : VG_CELL_PINF;
    else
        return false;
    return true;
}

struct decimal {
    long before, after; /* digits of the written mantissa */
    long exponent;
    bool zero;
};

/* [+-] digits [. digits] [e [+-] digits], at least one digit in the mantissa. */
static bool read_decimal(const char *text, struct decimal *out)
{
    const char *p = text + (*text == '-' || *text == '+');
    *out = (struct decimal){.zero = true};
    for (; isdigit((unsigned char)*p); p++, out->before++)
        out->zero &= *p == '0';
    if (*p == '.')
        p++;
    for (; p > text && isdigit((unsigned char)*p); p++, out->after++)
        out->zero &= *p == '0';
    if (!out->before && !out->after)
        return false;
    if (*p != 'e' && *p != 'E')
        return !*p;
    const char *digits = p + 1 + (p[1] == '-' || p[1] == '+');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    out->exponent = strtol(p + 1, NULL, 10);
    return true;
}

static enum vg_cell convert_number(const char *text, uint32_t oid, double *out)
{
    enum vg_cell special;
    struct decimal decimal;
    if (convert_special(text, &special))
        return special;
    if (!read_decimal(text, &decimal))
        return VG_CELL_UNCAST;
    double value = oid == VG_OID_FLOAT4 ? (double)strtof(text, NULL) : strtod(text, NULL);
    if (oid != VG_OID_NUMERIC && (isinf(value) || (value == 0 && !decimal.zero)))
        return VG_CELL_UNCAST;
    if (oid == VG_OID_NUMERIC) {
        long exponent = decimal.exponent;
        bool fits = labs(exponent) < EXPONENT_MAX &&
                    (decimal.zero || decimal.before + exponent <= NUMERIC_BEFORE) &&
                    decimal.after - exponent <= NUMERIC_AFTER;
        if (!fits)
            return VG_CELL_UNCAST;
        if (isinf(value))
            return value > 0 ? VG_CELL_PINF : VG_CELL_NINF;
    }
    *out = value == 0 ? 0 : value;
    return VG_CELL_VALUE;
}

/* --- Times ------------------------------------------------------------------------------------ */

struct moment {
    int64_t year, days; /* since 1970 */
    int64_t us;         /* of the day; up to a second beyond its end */
    int64_t offset_us;  /* east of Greenwich */
};

/* So many digits as a number; NULL where there are fewer. */
static const char *read_digits(const char *p, size_t n, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)p[i]))
            return NULL;
        *out = *out * 10 + (p[i] - '0');
    }
    return p + n;
}

static int64_t count_days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static const char *read_date(const char *p, struct moment *out)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t month, day;
    size_t n = strspn(p, "0123456789");
    bool plain = n == 8; /* YYYYMMDD */
    if (n < 4 || (!plain && n > 7))
        return NULL;
    p = read_digits(p, plain ? 4 : n, &out->year);
    p = p && !plain ? (*p == '-' ? p + 1 : NULL) : p;
    p = p ? read_digits(p, 2, &month) : NULL;
    p = p && !plain ? (*p == '-' ? p + 1 : NULL) : p;
    p = p ? read_digits(p, 2, &day) : NULL;
    if (!p || month < 1 || month > 12 || day < 1 || out->year < 1)
        return NULL;
    bool leap = (out->year % 4 == 0 && out->year % 100 != 0) || out->year % 400 == 0;
    if (day > lengths[month - 1] + (leap && month == 2))
        return NULL;
    out->days = count_days(out->year, month, day);
    return p;
}

/* Digits behind the point as microseconds, rounded. */
static const char *read_fraction(const char *p, int64_t *us)
{
    size_t n = strspn(p, "0123456789");
    int64_t value = 0;
    for (size_t i = 0; i < 6; i++)
        value = value * 10 + (i < n ? p[i] - '0' : 0);
    *us += value + (n > 6 && p[6] >= '5');
    return n ? p + n : NULL;
}

static const char *read_clock(const char *p, struct moment *out)
{
    int64_t hour, minute, second = 0;
    p = read_digits(p, 2, &hour);
    p = p && *p == ':' ? read_digits(p + 1, 2, &minute) : NULL;
    bool seconds = p && *p == ':';
    if (seconds)
        p = read_digits(p + 1, 2, &second);
    if (!p || minute > 59 || second > 60)
        return NULL;
    out->us = ((hour * 60 + minute) * 60 + second) * VG_US;
    if (seconds && *p == '.')
        p = read_fraction(p + 1, &out->us);
    return out->us <= VG_DAY_US ? p : NULL;
}

/* Z, UTC, +hh, +hhmm, +hh:mm[:ss]. */
static const char *read_offset(const char *p, struct moment *out)
{
    int64_t hours, minutes = 0, seconds = 0;
    if (!strcasecmp(p, "z") || !strcasecmp(p, "utc") || !strcasecmp(p, "gmt"))
        return p + strlen(p);
    if (*p != '+' && *p != '-')
        return p;
    int64_t sign = *p == '-' ? -1 : 1;
    p = read_digits(p + 1, 2, &hours);
    if (p && *p)
        p = read_digits(p + (*p == ':'), 2, &minutes);
    if (p && *p == ':')
        p = read_digits(p + 1, 2, &seconds);
    if (!p || hours > 15 || minutes > 59 || seconds > 59)
        return NULL;
    out->offset_us = sign * ((hours * 60 + minutes) * 60 + seconds) * VG_US;
    return p;
}

static bool read_moment(const char *text, struct moment *out)
{
    *out = (struct moment){0};
    const char *p = read_date(text, out);
    if (!p || !*p)
        return p != NULL;
    if (*p == 'T' || *p == 't')
        p++;
    else if (!isspace((unsigned char)*p))
        return false;
    p += strspn(p, " ");
    p = read_clock(p, out);
    if (!p)
        return false;
    p = read_offset(p + strspn(p, " "), out);
    return p && !*p;
}

static enum vg_cell convert_time(const char *text, uint32_t oid, double *out)
{
    struct moment moment;
    if (!strcasecmp(text, "infinity") || !strcasecmp(text, "+infinity"))
        return VG_CELL_PINF;
    if (!strcasecmp(text, "-infinity"))
        return VG_CELL_NINF;
    if (!read_moment(text, &moment))
        return VG_CELL_UNCAST;
    bool is_date = oid == VG_OID_DATE;
    if (moment.year > (is_date ? DATE_YEAR_MAX : YEAR_MAX))
        return VG_CELL_UNCAST;
    /* The server ignores what a type has no room for: the time, the offset. */
    int64_t of_day = is_date ? 0 : moment.us;
    int64_t offset = oid == VG_OID_TIMESTAMPTZ ? moment.offset_us : 0;
    *out = (double)moment.days * (double)VG_DAY_US + (double)(of_day - offset);
    return VG_CELL_VALUE;
}

enum vg_cell vg_text_convert(uint32_t oid, const char *text, size_t len, double *out)
{
    char plain[TEXT_MAX + 1];
    *out = 0;
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    while (len && isspace((unsigned char)*text))
        text++, len--;
    if (!len || len > TEXT_MAX || memchr(text, '\0', len))
        return VG_CELL_UNCAST;
    memcpy(plain, text, len);
    plain[len] = '\0';
    switch (oid) {
    case VG_OID_BOOL:
        return convert_bool(plain, out);
    case VG_OID_INT2:
    case VG_OID_INT4:
    case VG_OID_INT8:
        return convert_integer(plain, oid, out);
    case VG_OID_FLOAT4:
    case VG_OID_FLOAT8:
    case VG_OID_NUMERIC:
        return convert_number(plain, oid, out);
    case VG_OID_DATE:
    case VG_OID_TIMESTAMP:
    case VG_OID_TIMESTAMPTZ:
        return convert_time(plain, oid, out);
    default:
        return VG_CELL_UNCAST;
    }
}
