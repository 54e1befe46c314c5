/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a text is JSON (RFC 8259). Pure; descends at most DEPTH_MAX levels, so that no text can
 * use up the stack, and keeps nothing of what it reads. */
#include "checks/format.h"

#include <string.h>

enum { DEPTH_MAX = 200 };

struct reading {
    const char *at, *end;
    int depth;
};

static bool read_value(struct reading *in);

static void skip_space(struct reading *in)
{
    while (in->at < in->end && *in->at && strchr(" \t\n\r", *in->at))
        in->at++;
}

static bool take(struct reading *in, char c)
{
    bool found = in->at < in->end && *in->at == c;
    in->at += found;
    return found;
}

static bool read_word(struct reading *in, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(in->end - in->at) < n || memcmp(in->at, word, n) != 0)
        return false;
    in->at += n;
    return true;
}

/* Behind a backslash. */
static bool read_escape(struct reading *in)
{
    if (in->at == in->end)
        return false;
    char c = *in->at++;
    if (c != 'u')
        return c && strchr("\"\\/bfnrt", c);
    if (in->end - in->at < 4 || !vg_format_all(in->at, 4, vg_format_hex_digit))
        return false;
    in->at += 4;
    return true;
}

static bool read_string(struct reading *in)
{
    if (!take(in, '"'))
        return false;
    while (in->at < in->end) {
        char c = *in->at++;
        if (c == '"')
            return true;
        if ((unsigned char)c < 0x20 || (c == '\\' && !read_escape(in)))
            return false;
    }
    return false;
}

static size_t read_digits(struct reading *in)
{
    const char *begin = in->at;
    while (in->at < in->end && vg_format_digit(*in->at))
        in->at++;
    return (size_t)(in->at - begin);
}

static bool read_number(struct reading *in)
{
    take(in, '-');
    if (!take(in, '0') && !read_digits(in))
        return false;
    if (take(in, '.') && !read_digits(in))
        return false;
    if (!take(in, 'e') && !take(in, 'E'))
        return true;
    if (!take(in, '+'))
        take(in, '-');
    return read_digits(in) > 0;
}

/* The members up to `close`; of an object each has a name before it. */
static bool read_members(struct reading *in, char close)
{
    skip_space(in);
    if (take(in, close))
        return true;
    do {
        skip_space(in);
        if (close == '}') {
            bool named = read_string(in);
            skip_space(in);
            if (!named || !take(in, ':'))
                return false;
        }
        if (!read_value(in))
            return false;
    } while (take(in, ','));
    return take(in, close);
}

/* One value with the white space around it. */
static bool read_value(struct reading *in)
{
    skip_space(in);
    if (in->at == in->end)
        return false;
    bool fine;
    char c = *in->at;
    if (c == '{' || c == '[') {
        in->at++;
        fine = ++in->depth <= DEPTH_MAX && read_members(in, c == '{' ? '}' : ']');
        in->depth--;
    } else if (c == '"') {
        fine = read_string(in);
    } else if (c == 't' || c == 'f' || c == 'n') {
        fine = read_word(in, c == 't' ? "true" : c == 'f' ? "false" : "null");
    } else {
        fine = read_number(in);
    }
    skip_space(in);
    return fine;
}

bool vg_format_is_json(struct vg_slice text)
{
    struct reading in = {.at = text.data, .end = text.data + text.len};
    return text.len && vg_utf8_valid(text.data, text.len) && read_value(&in) && in.at == in.end;
}
