/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats of numbers, truths, versions and encoded bytes, and the sorts of characters that all
 * formats are made of. Pure; looks at each character about once. */
#include "checks/format.h"

#include <math.h>
#include <string.h>
#include <strings.h>

bool vg_format_all(const char *s, size_t n, bool (*sort)(char c))
{
    size_t i = 0;
    while (i < n && sort(s[i]))
        i++;
    return n && i == n;
}

int vg_format_digits(const char *s, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (!vg_format_digit(s[i]))
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

/* --- numbers --- */

static size_t skip_sign(struct vg_slice text)
{
    return text.len && (text.data[0] == '-' || text.data[0] == '+');
}

static size_t skip_digits(struct vg_slice text, size_t at)
{
    while (at < text.len && vg_format_digit(text.data[at]))
        at++;
    return at;
}

bool vg_format_is_integer(struct vg_slice text)
{
    size_t sign = skip_sign(text);
    return vg_format_all(text.data + sign, text.len - sign, vg_format_digit);
}

bool vg_format_is_number(struct vg_slice text)
{
    size_t begin = skip_sign(text), at = skip_digits(text, begin);
    size_t digits = at - begin;
    if (at < text.len && text.data[at] == '.') {
        size_t end = skip_digits(text, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (!digits || at == text.len)
        return digits > 0;
    if (text.data[at] != 'e' && text.data[at] != 'E')
        return false;
    struct vg_slice exponent = {text.data + at + 1, text.len - (uint32_t)at - 1};
    return vg_format_is_integer(exponent);
}

static bool is_within(struct vg_slice text, double most)
{
    char copy[64];
    double value;
    if (text.len >= sizeof copy || !vg_format_is_number(text))
        return false;
    size_t plus = text.data[0] == '+';
    memcpy(copy, text.data + plus, text.len - plus);
    copy[text.len - plus] = '\0';
    return vg_parse_double(copy, &value) == 0 && fabs(value) <= most;
}

bool vg_format_is_latitude(struct vg_slice text)
{
    return is_within(text, 90);
}

bool vg_format_is_longitude(struct vg_slice text)
{
    return is_within(text, 180);
}

bool vg_format_is_boolean(struct vg_slice text)
{
    static const char *const words[] = {"true", "false", "t", "f", "yes", "no",
                                        "y",    "n",     "1", "0", "on",  "off"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == text.len && !strncasecmp(words[i], text.data, text.len))
            return true;
    }
    return false;
}

/* --- versions --- */

/* The parts between dots from `at` to `end`: letters, digits, hyphens; `numeric`: of digits alone,
 * and such parts have no leading zero. Returns how many parts, 0 if one is none. */
static size_t count_parts(const char *at, const char *end, bool digits_only, bool leading_zeros)
{
    for (size_t n = 1;; n++) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        size_t len = (size_t)((dot ? dot : end) - at);
        bool digits = vg_format_all(at, len, vg_format_digit), fine = len > 0;
        for (size_t i = 0; i < len; i++)
            fine &= vg_format_digit(at[i]) || vg_format_letter(at[i]) || at[i] == '-';
        if (!fine || (digits_only && !digits) ||
            (digits && !leading_zeros && len > 1 && *at == '0'))
            return 0;
        if (!dot)
            return n;
        at = dot + 1;
    }
}

bool vg_format_is_semver(struct vg_slice text)
{
    if (!text.len)
        return false;
    const char *end = text.data + text.len;
    const char *plus = memchr(text.data, '+', text.len);
    if (plus && !count_parts(plus + 1, end, false, true))
        return false;
    end = plus ? plus : end;
    const char *hyphen = memchr(text.data, '-', (size_t)(end - text.data));
    if (hyphen && !count_parts(hyphen + 1, end, false, false))
        return false;
    return count_parts(text.data, hyphen ? hyphen : end, true, false) == 3;
}

/* --- bytes --- */

bool vg_format_is_hex(struct vg_slice text)
{
    return vg_format_all(text.data, text.len, vg_format_hex_digit);
}

bool vg_format_is_md5(struct vg_slice text)
{
    return text.len == 32 && vg_format_is_hex(text);
}

bool vg_format_is_sha1(struct vg_slice text)
{
    return text.len == 40 && vg_format_is_hex(text);
}

bool vg_format_is_sha256(struct vg_slice text)
{
    return text.len == 64 && vg_format_is_hex(text);
}

static bool is_base64_digit(char c)
{
    return vg_format_letter(c) || vg_format_digit(c) || c == '+' || c == '/';
}

bool vg_format_is_base64(struct vg_slice text)
{
    size_t n = text.len;
    if (!n || n % 4)
        return false;
    n -= text.data[n - 1] == '=';
    n -= n < text.len && text.data[n - 1] == '=';
    return vg_format_all(text.data, n, is_base64_digit);
}

bool vg_format_is_uuid(struct vg_slice text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.data[i] != '-' : !vg_format_hex_digit(text.data[i]))
            return false;
    }
    return true;
}
