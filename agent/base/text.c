/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text: UTF-8, numbers, durations and the nearest word. Pure and independent of the locale as long
 * as the program never sets LC_NUMERIC, which it does not. */
#include "pgvigil/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgvigil/time.h"

bool vg_streq(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Length of the valid sequence at s (RFC 3629: no overlong forms, no surrogates), 0 if invalid. */
static size_t measure_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || need > n)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
               (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : need;
}

bool vg_utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    for (size_t i = 0, k; i < n; i += k) {
        k = measure_sequence(p + i, n - i);
        if (!k)
            return false;
    }
    return true;
}

/* C0 without tab and newline, DEL, C1, and the marks that reorder text. */
static bool is_control(const unsigned char *s, size_t k)
{
    if (k == 1)
        return (s[0] < 0x20 && s[0] != '\t' && s[0] != '\n') || s[0] == 0x7f;
    if (k == 2)
        return (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xd8 && s[1] == 0x9c);
    if (k != 3 || s[0] != 0xe2)
        return false;
    return (s[1] == 0x80 && ((s[2] >= 0x8e && s[2] <= 0x8f) || (s[2] >= 0xaa && s[2] <= 0xae))) ||
           (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

/* Valid text; of what the buffer has no room for, the characters that fit. */
static void add_run(struct vg_buf *out, const char *s, size_t n)
{
    bool fits = out->len + n < out->max;
    for (size_t i = 0, k; i < n; i += k) {
        k = fits ? n : measure_sequence((const unsigned char *)s + i, n - i);
        vg_buf_add(out, s + i, k);
    }
}

void vg_utf8_clean(struct vg_buf *out, const char *s, size_t n, bool plain)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t fine = 0; /* where what is fine and not yet appended begins */
    for (size_t i = 0; i < n;) {
        size_t k = measure_sequence(p + i, n - i);
        bool bad = !k || (plain && is_control(p + i, k));
        if (bad) {
            add_run(out, s + fine, i - fine);
            vg_buf_puts(out, "\xef\xbf\xbd");
        }
        i += k ? k : 1;
        fine = bad ? i : fine;
    }
    add_run(out, s + fine, n - fine);
}

size_t vg_utf8_prefix(const char *s, size_t n, size_t max_chars)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t i = 0;
    for (size_t chars = 0; i < n && chars < max_chars; chars++) {
        size_t k = measure_sequence(p + i, n - i);
        i += k ? k : 1;
    }
    return i;
}

size_t vg_utf8_whole(const char *s, size_t n)
{
    size_t last = n;
    while (last > 0 && ((unsigned char)s[last - 1] & 0xc0) == 0x80)
        last--;
    return last > 0 && !vg_utf8_valid(s + last - 1, n - last + 1) ? last - 1 : n;
}

/* Eight bytes at a time: bit 7 set and bit 6 clear marks a continuation, and the product adds up
 * the eight marks. */
uint32_t vg_utf8_count(const char *s, uint32_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint32_t continued = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, s + i, sizeof word);
        uint64_t marks = (word >> 7) & ~(word >> 6) & ones;
        continued += (uint32_t)((marks * ones) >> 56);
    }
    for (; i < n; i++)
        continued += ((unsigned char)s[i] & 0xc0) == 0x80;
    return n - continued;
}

int vg_parse_double(const char *s, double *out)
{
    if (!*s || isspace((unsigned char)*s))
        return -1;
    char *end;
    double x = strtod(s, &end);
    if (*end || !isfinite(x) || strpbrk(s, "xXnN"))
        return -1;
    *out = x;
    return 0;
}

int vg_parse_int64(const char *s, int64_t *out)
{
    if (!*s || isspace((unsigned char)*s))
        return -1;
    char *end;
    errno = 0;
    long long x = strtoll(s, &end, 10);
    if (*end || errno)
        return -1;
    *out = x;
    return 0;
}

static const struct duration_unit {
    const char *name;
    int64_t us;
} duration_units[] = {
    {"ms", 1000},      {"s", VG_US},     {"m", VG_MINUTE_US},
    {"h", VG_HOUR_US}, {"d", VG_DAY_US}, {"w", VG_WEEK_US},
};
enum { DURATION_UNITS = sizeof duration_units / sizeof duration_units[0] };

int vg_parse_duration(const char *s, int64_t *out_us)
{
    size_t digits = strspn(s, "0123456789");
    size_t whole = digits + (s[digits] == '.' ? 1 + strspn(s + digits + 1, "0123456789") : 0);
    if (!digits || whole > 18)
        return -1;
    char number[20];
    memcpy(number, s, whole);
    number[whole] = '\0';
    double amount;
    if (vg_parse_double(number, &amount) < 0)
        return -1;
    for (size_t i = 0; i < DURATION_UNITS; i++) {
        if (strcmp(s + whole, duration_units[i].name))
            continue;
        double us = amount * (double)duration_units[i].us;
        if (us > 4e18)
            return -1;
        *out_us = (int64_t)llround(us);
        return 0;
    }
    return -1;
}

int vg_parse_ratio(const char *s, double *out)
{
    size_t n = strlen(s);
    bool percent = n && s[n - 1] == '%';
    char number[40];
    if (percent)
        n--;
    while (percent && n && s[n - 1] == ' ')
        n--;
    if (!n || n >= sizeof number)
        return -1;
    memcpy(number, s, n);
    number[n] = '\0';
    if (vg_parse_double(number, out) < 0)
        return -1;
    if (percent)
        *out /= 100;
    return 0;
}

char *vg_format_double(double x, char out[VG_NUMBER_TEXT])
{
    if (!isfinite(x)) {
        snprintf(out, VG_NUMBER_TEXT, "%s", isnan(x) ? "NaN" : x > 0 ? "+Inf" : "-Inf");
        return out;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, VG_NUMBER_TEXT, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            break;
    }
    return out;
}

char *vg_format_human(double x, int digits, char out[VG_NUMBER_TEXT])
{
    double size = fabs(x);
    x = size > 0 ? x : size; /* no minus before a zero */
    if (!isfinite(x) || size >= 1e15 || (size < 1e-4 && size > 0)) {
        if (!isfinite(x))
            return vg_format_double(x, out);
        snprintf(out, VG_NUMBER_TEXT, "%.*g", digits, x);
        return out;
    }
    int before = size >= 1  ? (int)floor(log10(size)) + 1
                 : size > 0 ? (int)floor(log10(size)) + 1
                            : 1;
    int after = digits > before ? digits - before : 0;
    snprintf(out, VG_NUMBER_TEXT, "%.*f", after, x);
    if (strchr(out, '.')) {
        char *end = out + strlen(out) - 1;
        while (*end == '0')
            *end-- = '\0';
        if (*end == '.')
            *end = '\0';
    }
    return out;
}

char *vg_format_duration(int64_t us, char out[VG_DURATION_TEXT])
{
    for (size_t i = DURATION_UNITS; i-- > 0;) {
        int64_t unit = duration_units[i].us;
        if (us && us % unit == 0) {
            snprintf(out, VG_DURATION_TEXT, "%lld%s", (long long)(us / unit),
                     duration_units[i].name);
            return out;
        }
    }
    char number[VG_NUMBER_TEXT];
    snprintf(out, VG_DURATION_TEXT, "%ss", vg_format_human((double)us / (double)VG_US, 6, number));
    return out;
}

enum { LONGEST_WORD = 64 };

/* Edit distance with swaps of neighbours (optimal string alignment). */
static size_t measure_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST_WORD || m > LONGEST_WORD)
        return SIZE_MAX;
    size_t d[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= m; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *up = d[(i - 1) % 3], *up2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            best = up[j] + 1 < best ? up[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            row[j] = swapped && up2[j - 2] + 1 < best ? up2[j - 2] + 1 : best;
        }
    }
    return d[n % 3][m];
}

const char *vg_nearest(const char *given, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(given) / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        size_t distance = strcasecmp(given, words[i]) ? measure_distance(given, words[i]) : 0;
        if (distance < least || (distance == least && !best)) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}
