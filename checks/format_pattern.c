/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain regular expressions: repetitions are written out into places, and all ways to match a text
 * are followed at once as bits of a word, one step for each byte (Baeza-Yates and Gonnet, "A new
 * approach to text searching", CACM 1992; Navarro and Raffinot's extension by optional and repeated
 * characters). What is not understood for certain is refused. */
#include "checks/format_pattern.h"

#include <string.h>

#include "checks/format.h"

struct set {
    bool has[128];
};

static bool is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

static void add_range(struct set *set, char from, char to)
{
    for (int c = from; c <= to; c++)
        set->has[c] = true;
}

static bool is_set_char(char c)
{
    return is_printable(c) && !strchr("[]\\^", c);
}

/* What stands between [ and ]: characters and ranges; a hyphen only as the first or the last. */
static bool read_set(const char **at, struct set *set)
{
    const char *s = *at, *first = s;
    for (; *s != ']'; s++) {
        if (!is_set_char(*s) || (*s == '-' && s != first && s[1] != ']'))
            return false;
        if (s[1] != '-' || s[2] == ']') {
            add_range(set, *s, *s);
            continue;
        }
        if (*s == '-' || !is_set_char(s[2]) || s[2] == '-' || s[2] < *s)
            return false;
        add_range(set, *s, s[2]);
        s += 2;
    }
    *at = s + 1;
    return s != first;
}

static bool read_place(const char **at, struct set *set, bool *digits)
{
    const char *s = *at;
    *set = (struct set){{false}};
    if (*s == '[') {
        *at = s + 1;
        return read_set(at, set);
    }
    if (*s == '\\' && s[1] == 'd') {
        add_range(set, '0', '9');
        *digits = true;
    } else if (*s == '\\') {
        if (!is_printable(s[1]) || vg_format_letter(s[1]) || vg_format_digit(s[1]))
            return false;
        add_range(set, s[1], s[1]);
    } else {
        if (!is_printable(*s) || strchr("^$.|()*+?{}]", *s))
            return false;
        add_range(set, *s, *s);
    }
    *at = s + (*s == '\\' ? 2 : 1);
    return true;
}

static bool read_number(const char **at, unsigned *out)
{
    const char *s = *at;
    for (*out = 0; vg_format_digit(*s); s++) {
        if (s - *at == 2)
            return false;
        *out = 10 * *out + (unsigned)(*s - '0');
    }
    bool some = s != *at;
    *at = s;
    return some;
}

struct times {
    unsigned least, most; /* most 0: any number */
};

static bool read_braces(const char **at, struct times *times)
{
    const char *s = *at;
    if (!read_number(&s, &times->least))
        return false;
    times->most = times->least;
    if (*s == ',') {
        s++;
        times->most = 0;
        if (*s != '}' &&
            (!read_number(&s, &times->most) || times->most < times->least || !times->most))
            return false;
    } else if (!times->least) {
        return false;
    }
    *at = s + 1;
    return *s == '}';
}

static bool read_times(const char **at, struct times *times)
{
    const char *s = *at;
    *times = (struct times){1, 1};
    if (!*s || !strchr("*+?{", *s))
        return true;
    *at = s + 1;
    if (*s == '{') {
        if (!read_braces(at, times))
            return false;
    } else {
        *times = (struct times){*s == '+', *s == '?'};
    }
    return !**at ||
           !strchr("*+?{", **at); /* not one after the other, and none that is not greedy */
}

static bool add_places(struct vg_format_pattern *out, const struct set *set, struct times times)
{
    unsigned copies = times.most ? times.most : times.least ? times.least : 1;
    if (out->n + copies > VG_PATTERN_PLACES)
        return false;
    for (unsigned i = 0; i < copies; i++, out->n++) {
        uint64_t bit = UINT64_C(1) << out->n;
        for (int c = 0; c < 128; c++)
            out->of_char[c] |= set->has[c] ? bit : 0;
        out->optional |= i >= times.least ? bit : 0;
        out->repeats |= !times.most && i + 1 == copies ? bit : 0;
    }
    return true;
}

/* Optional places may be passed over. */
static uint64_t pass_over(const struct vg_format_pattern *pattern, uint64_t places)
{
    for (uint64_t more = places & pattern->optional; more; more &= pattern->optional) {
        more = (more << 1) & ~places;
        places |= more;
    }
    return places;
}

bool vg_format_pattern_read(const char *regex, struct vg_format_pattern *out)
{
    const char *s = regex;
    struct set set;
    struct times times;
    *out = (struct vg_format_pattern){.from_start = *s == '^'};
    s += out->from_start;
    while (*s && strcmp(s, "$") != 0) {
        if (!read_place(&s, &set, &out->digits) || !read_times(&s, &times) ||
            !add_places(out, &set, times))
            return false;
    }
    out->to_end = *s == '$';
    out->start = pass_over(out, 1);
    return out->n > 0;
}

bool vg_format_pattern_fits(const struct vg_format_pattern *pattern, struct vg_slice text)
{
    uint64_t matched = UINT64_C(1) << pattern->n, at = pattern->start;
    uint64_t anywhere = pattern->from_start ? 0 : pattern->start;
    for (size_t i = 0; i < text.len && at; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!pattern->to_end && at & matched)
            return true;
        uint64_t fits = c < 128 ? at & pattern->of_char[c] : 0;
        at = pass_over(pattern, fits << 1 | (fits & pattern->repeats)) | anywhere;
    }
    return (at & matched) != 0;
}
