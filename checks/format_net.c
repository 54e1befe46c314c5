/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats of names and addresses of networks. Pure: decides by spelling alone; whether a host
 * exists is not asked. */
#include "checks/format.h"

#include <string.h>

/* --- addresses --- */

bool vg_format_is_ipv4(struct vg_slice text)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        size_t n = 0;
        while (at + n < text.len && n < 4 && vg_format_digit(text.data[at + n]))
            n++;
        bool fine = n >= 1 && n <= 3 && vg_format_digits(text.data + at, n) <= 255 &&
                    (n == 1 || text.data[at] != '0');
        at += n;
        if (!fine || (part < 3 && (at >= text.len || text.data[at++] != '.')))
            return false;
    }
    return at == text.len;
}

/* The hexadecimal group at `at`: its length, 0 if it is none. */
static size_t find_group(struct vg_slice text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && n < 5 && vg_format_hex_digit(text.data[at + n]))
        n++;
    return n <= 4 ? n : 0;
}

bool vg_format_is_ipv6(struct vg_slice text)
{
    size_t at = 0, groups = 0;
    bool gap = text.len >= 2 && !memcmp(text.data, "::", 2);
    if (gap && text.len == 2)
        return true;
    for (at = gap ? 2 : 0; at < text.len; at++) {
        size_t n = find_group(text, at);
        if (n && at + n < text.len && text.data[at + n] == '.') {
            struct vg_slice rest = {text.data + at, text.len - (uint32_t)at};
            return vg_format_is_ipv4(rest) && (gap ? groups <= 5 : groups == 6);
        }
        groups += n > 0;
        at += n;
        if (n && at == text.len)
            return gap ? groups <= 7 : groups == 8;
        if (!n || text.data[at] != ':')
            return false;
        if (at + 1 < text.len && text.data[at + 1] == ':') {
            if (gap)
                return false;
            gap = true;
            at++;
            if (at + 1 == text.len)
                return groups <= 7;
        }
    }
    return false;
}

bool vg_format_is_ip(struct vg_slice text)
{
    return vg_format_is_ipv4(text) || vg_format_is_ipv6(text);
}

bool vg_format_is_cidr(struct vg_slice text)
{
    const char *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
    if (!slash)
        return false;
    struct vg_slice address = {text.data, (uint32_t)(slash - text.data)};
    size_t n = text.len - address.len - 1;
    int prefix = n >= 1 && n <= 3 ? vg_format_digits(slash + 1, n) : -1;
    if (prefix < 0 || (n > 1 && slash[1] == '0'))
        return false;
    return (prefix <= 32 && vg_format_is_ipv4(address)) ||
           (prefix <= 128 && vg_format_is_ipv6(address));
}

/* Groups of `width` hexadecimal digits with the separator between. */
static bool is_grouped(struct vg_slice text, size_t width, char separator)
{
    for (size_t i = 0; i < text.len; i++) {
        bool between = i % (width + 1) == width;
        if (between ? text.data[i] != separator : !vg_format_hex_digit(text.data[i]))
            return false;
    }
    return true;
}

bool vg_format_is_mac(struct vg_slice text)
{
    if (text.len == 17)
        return is_grouped(text, 2, ':') || is_grouped(text, 2, '-');
    return text.len == 14 && is_grouped(text, 4, '.');
}

/* --- names --- */

static bool is_label(const char *s, size_t n)
{
    bool fine = n >= 1 && n <= 63 && s[0] != '-' && s[n - 1] != '-';
    for (size_t i = 0; fine && i < n; i++)
        fine = vg_format_letter(s[i]) || vg_format_digit(s[i]) || s[i] == '-';
    return fine;
}

/* Labels with dots between, at least so many; the last is no number, else it were an address. */
static bool is_host(const char *s, size_t n, size_t least)
{
    const char *end = s + n, *label = s;
    size_t labels = 0;
    if (!n || n > 253)
        return false;
    for (const char *dot = s; dot; label = dot ? dot + 1 : label, labels++) {
        dot = memchr(label, '.', (size_t)(end - label));
        if (!is_label(label, (size_t)((dot ? dot : end) - label)))
            return false;
    }
    return labels >= least && !vg_format_all(label, (size_t)(end - label), vg_format_digit);
}

/* The characters of RFC 5322's atext. */
static bool is_atom(char c)
{
    return vg_format_letter(c) || vg_format_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

bool vg_format_is_email(struct vg_slice text)
{
    const char *at = text.len && text.len <= 254 ? memchr(text.data, '@', text.len) : NULL;
    if (!at)
        return false;
    size_t n = (size_t)(at - text.data);
    bool fine = n >= 1 && n <= 64 && text.data[0] != '.' && text.data[n - 1] != '.';
    for (size_t i = 0; fine && i < n; i++)
        fine = is_atom(text.data[i]) || (text.data[i] == '.' && text.data[i + 1] != '.');
    return fine && is_host(at + 1, text.len - n - 1, 2);
}

/* --- URLs --- */

static bool is_scheme(const char *s, size_t n)
{
    bool fine = n >= 1 && vg_format_letter(s[0]);
    for (size_t i = 1; fine && i < n; i++)
        fine = vg_format_letter(s[i]) || vg_format_digit(s[i]) || (s[i] && strchr("+-.", s[i]));
    return fine;
}

/* Characters that RFC 3986 allows somewhere behind the scheme; % stands before two digits. */
static bool is_rest(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool fine = vg_format_letter(s[i]) || vg_format_digit(s[i]) ||
                    (s[i] && strchr("-._~:/?#[]@!$&'()*+,;=%", s[i]));
        bool coded = s[i] != '%' ||
                     (i + 2 < n && vg_format_hex_digit(s[i + 1]) && vg_format_hex_digit(s[i + 2]));
        if (!fine || !coded)
            return false;
    }
    return true;
}

static bool is_port(const char *s, size_t n)
{
    return n == 0 || (n <= 5 && vg_format_digits(s, n) >= 0 && vg_format_digits(s, n) <= 65535);
}

/* host, host:port or [ipv6]:port */
static bool is_place(const char *s, size_t n)
{
    const char *close = n && *s == '[' ? memchr(s, ']', n) : NULL;
    if (close) {
        struct vg_slice inner = {s + 1, (uint32_t)(close - s - 1)};
        size_t used = (size_t)(close - s) + 1;
        bool port = used == n || (s[used] == ':' && is_port(s + used + 1, n - used - 1));
        return port && vg_format_is_ipv6(inner);
    }
    const char *colon = n ? memchr(s, ':', n) : NULL;
    size_t host = colon ? (size_t)(colon - s) : n;
    struct vg_slice name = {s, (uint32_t)host};
    bool port = !colon || is_port(colon + 1, n - host - 1);
    return port && (vg_format_is_ipv4(name) || is_host(s, host, 1));
}

bool vg_format_is_url(struct vg_slice text)
{
    const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    size_t scheme = colon ? (size_t)(colon - text.data) : 0;
    if (!colon || text.len - scheme < 4 || memcmp(colon, "://", 3) != 0)
        return false;
    const char *place = colon + 3, *end = text.data + text.len;
    size_t n = 0;
    while (place + n < end && !strchr("/?#", place[n]))
        n++;
    const char *user = memchr(place, '@', n);
    size_t skip = user ? (size_t)(user - place) + 1 : 0;
    const char *fragment = memchr(place, '#', (size_t)(end - place));
    bool once = !fragment || !memchr(fragment + 1, '#', (size_t)(end - fragment - 1));
    return once && is_scheme(text.data, scheme) && is_rest(place, (size_t)(end - place)) &&
           is_place(place + skip, n - skip);
}
