/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Servers repeat in their errors what they were asked: "no such hook: /T1/B1/x7f...", "invalid
 * token xoxb-...", in the writing of wherever they say it: JSON, HTML, an address, base64. Such a
 * body is quoted in logs, in the state and to other receivers.
 *
 * Promises that no secret of a request, whole or a long part of its address, stands in the answer's
 * body that leaves the client, in none of these writings. Pure. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/http/http.h"
#include "pgvigil/digest.h"

/* Shorter ones are words that everybody uses. */
enum { PART_LEAST = 8, TEXT_LEAST = 4, BASE64_LEAST = 4, HIDDEN_BYTES = 4 << 20 };

/* --- What is looked for ----------------------------------------------------------------------- */

static void note(struct vg_buf *out, const char *text, size_t n)
{
    vg_buf_add(out, text, n);
    vg_buf_putc(out, '\0');
}

/* In the other alphabet too, where that makes a difference. */
static void note_base64(struct vg_buf *out, char *text, size_t n)
{
    bool differs = false;
    if (n < BASE64_LEAST)
        return;
    note(out, text, n);
    for (size_t i = 0; i < n; i++) {
        differs = differs || text[i] == '+' || text[i] == '/';
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }
    if (differs)
        note(out, text, n);
}

/* In base64 a text looks in three ways, by what stands before it ("user:" of Basic): those of its
 * characters that depend on nothing else. */
static void note_encoded(struct vg_buf *out, const char *text, size_t n)
{
    static const size_t first[] = {0, 2, 3};
    struct vg_buf shifted, coded;
    vg_buf_init_wiped(&shifted, HIDDEN_BYTES);
    vg_buf_init_wiped(&coded, HIDDEN_BYTES);
    for (size_t shift = 0; shift < 3; shift++) {
        vg_buf_clear(&shifted);
        vg_buf_clear(&coded);
        vg_buf_add(&shifted, "\0\0", shift);
        vg_buf_add(&shifted, text, n);
        vg_base64_put(&coded, shifted.data, shifted.len);
        size_t whole = (shift + n) * 8 / 6; /* all of whose bits are the text's */
        if (!coded.failed && whole > first[shift])
            note_base64(out, coded.data + first[shift], whole - first[shift]);
    }
    if (shifted.failed || coded.failed)
        out->failed = true;
    vg_buf_free(&shifted);
    vg_buf_free(&coded);
}

static int read_hex(const char *at, size_t digits, size_t left, uint32_t *out)
{
    *out = 0;
    if (left < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        unsigned char c = (unsigned char)at[i];
        if (!isxdigit(c))
            return -1;
        *out = *out * 16 + (uint32_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    return 0;
}

/* Of an address as it is asked for; what %XX stands for is written out in errors. */
static void note_part(struct vg_buf *out, const char *part, size_t n)
{
    struct vg_buf plain;
    vg_buf_init_wiped(&plain, HIDDEN_BYTES);
    for (size_t i = 0; i < n; i++) {
        uint32_t code;
        bool coded = part[i] == '%' && !read_hex(part + i + 1, 2, n - i - 1, &code) && code;
        vg_buf_putc(&plain, coded ? (char)code : part[i]);
        i += coded ? 2 : 0;
    }
    note(out, part, n);
    note_encoded(out, part, n);
    if (plain.len != n)
        note(out, plain.data, plain.len);
    out->failed = out->failed || plain.failed;
    vg_buf_free(&plain);
}

static void note_address(struct vg_buf *out, const char *path)
{
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, "/?&=#");
        if (n >= PART_LEAST)
            note_part(out, at, n);
        at += n + (at[n] != '\0');
    }
}

void vg_http_note_secrets(const struct vg_request *request, struct vg_buf *out)
{
    vg_buf_init_wiped(out, HIDDEN_BYTES);
    for (size_t i = 0; i < request->nsecrets; i++) {
        const char *text = request->secrets[i], *host = strstr(text, "://");
        size_t n = strlen(text);
        if (host && (!strncasecmp(text, "http", 4) || !strncasecmp(text, "smtp", 4))) {
            note_address(out, host + 3 + strcspn(host + 3, "/?#"));
        } else if (n >= TEXT_LEAST) {
            note(out, text, n);
            note_encoded(out, text, n);
        }
    }
}

/* --- How a character may be written ----------------------------------------------------------- */

/* A character, or a byte that is none. */
struct letter {
    uint32_t code;
    size_t size;
};

static struct letter read_letter(const char *s, size_t left)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t size = u[0] < 0xc0 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    uint32_t code = size == 1 ? u[0] : u[0] & (0x7fU >> size);
    if (size > left)
        return (struct letter){u[0], 1};
    for (size_t i = 1; i < size; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return (struct letter){u[0], 1};
        code = code << 6 | (u[i] & 0x3fU);
    }
    return (struct letter){code, size};
}

/* \n, \", \/, \u00e9, \ud83d\ude00; within a string within a string with more backslashes. */
static size_t match_json(uint32_t code, const char *at, size_t left)
{
    static const char names[] = "n\nt\tr\rb\bf\f";
    size_t n = 0;
    uint32_t unit, low;
    while (n < left && at[n] == '\\')
        n++;
    if (!n || n == left)
        return 0;
    if (at[n] == 'u' && !read_hex(at + n + 1, 4, left - n - 1, &unit)) {
        if (unit == code)
            return n + 5;
        bool pair = code > 0xffff && unit == 0xd800 + ((code - 0x10000) >> 10) && left - n > 10 &&
                    at[n + 5] == '\\' && at[n + 6] == 'u' && !read_hex(at + n + 7, 4, 4, &low);
        return pair && low == 0xdc00 + ((code - 0x10000) & 0x3ff) ? n + 11 : 0;
    }
    for (size_t i = 0; names[i]; i += 2) {
        if (at[n] == names[i] && code == (unsigned char)names[i + 1])
            return n + 1;
    }
    return code < 0x80 && ispunct((int)code) && at[n] == (char)code ? n + 1 : 0;
}

/* Backslashes are written twice, or four times in a string within a string; an odd one behind them
 * belongs to what follows. */
static size_t match_backslashes(const char *s, const char *at, size_t left, size_t *taken)
{
    size_t n = 0, k = strspn(s, "\\");
    uint32_t unit;
    while (n < left && at[n] == '\\')
        n++;
    *taken = k;
    if (n < left && at[n] == 'u' && !read_hex(at + n + 1, 4, left - n - 1, &unit) && unit == '\\')
        return 0;
    return !k ? 0 : 4 * k <= n ? 4 * k : 2 * k <= n ? 2 * k : k <= n ? k : 0;
}

/* &amp;, &#38;, &#x26; */
static size_t match_html(uint32_t code, const char *at, size_t left)
{
    static const struct {
        const char *name;
        uint32_t code;
    } names[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
                 {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", 0xa0}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i].name);
        if (code == names[i].code && n <= left && !strncasecmp(at, names[i].name, n))
            return n;
    }
    if (left < 4 || at[0] != '&' || at[1] != '#')
        return 0;
    bool hex = at[2] == 'x' || at[2] == 'X';
    char *end;
    /* the body ends with a NUL */
    unsigned long number = strtoul(at + 2 + hex, &end, hex ? 16 : 10);
    bool fits = isxdigit((unsigned char)at[2 + hex]) && number == code && end < at + left;
    return fits && *end == ';' ? (size_t)(end - at) + 1 : 0;
}

/* %E9, %25E9: one byte. */
static size_t match_percent(unsigned char byte, const char *at, size_t left)
{
    uint32_t code;
    size_t n = 1;
    if (*at == '+')
        return byte == ' ';
    if (*at != '%')
        return 0;
    while (!read_hex(at + n, 2, left - n, &code)) {
        if (code == byte)
            return n + 2;
        if (code != '%')
            return 0;
        n += 2;
    }
    return 0;
}

/* What is looked for, and whether what it shares with a writing (a secret that has % in it) is
 * taken as it stands. */
struct wanted {
    const char *text;
    size_t n;
    bool plain;
};

/* How many bytes at `at` say what stands at `s`, which is of what is wanted; *taken of s. 0:
 * something else. */
static size_t match_letter(const struct wanted *wanted, const char *s, const char *at, size_t left,
                           size_t *taken)
{
    *taken = 1;
    if (!strchr("\\&%+", *at) || (wanted->plain && *at == *s))
        return *at == *s;
    size_t n = match_backslashes(s, at, left, taken);
    if (n)
        return n;
    const struct letter letter = read_letter(s, (size_t)(wanted->text + wanted->n - s));
    *taken = letter.size;
    n = match_json(letter.code, at, left);
    n = n ? n : match_html(letter.code, at, left);
    if (n)
        return n;
    *taken = 1;
    n = match_percent((unsigned char)*s, at, left);
    return n ? n : *at == *s;
}

/* How many bytes at `at` say the text; 0: they do not. Where the body was cut in the middle of it,
 * what there is of it. */
static size_t match_text(const struct wanted *wanted, const char *at, size_t left, bool cut)
{
    size_t said = 0, read = 0;
    while (read < wanted->n && said < left) {
        size_t taken;
        size_t more = match_letter(wanted, wanted->text + read, at + said, left - said, &taken);
        if (!more)
            return 0;
        said += more;
        read += taken;
    }
    return read >= wanted->n || (cut && read >= TEXT_LEAST) ? said : 0;
}

/* --- Striking out ----------------------------------------------------------------------------- */

/* All of them are found before one is struck out, or what two have in common would save the rest of
 * the second. */
static void mark(const struct vg_buf *hidden, const char *body, size_t n, bool *struck)
{
    bool cut = n >= VG_HTTP_BODY_BYTES;
    for (size_t from = 0; from < hidden->len;) {
        const char *text = hidden->data + from;
        size_t length = strlen(text);
        for (size_t i = 0; i < 2 * n; i++) {
            const struct wanted wanted = {text, length, i % 2};
            size_t said = match_text(&wanted, body + i / 2, n - i / 2, cut);
            memset(struck + i / 2, true, said * sizeof *struck);
        }
        from += length + 1;
    }
}

void vg_http_strike(const struct vg_buf *hidden, char *body, size_t *n)
{
    bool *struck = hidden->failed || !hidden->len ? NULL : calloc(*n + 1, sizeof *struck);
    if (struck)
        mark(hidden, body, *n, struck);
    for (size_t i = 0; struck && i < *n; i++)
        body[i] = struck[i] ? '*' : body[i];
    if (hidden->failed || (hidden->len && !struck)) {
        *body = '\0';
        *n = 0;
    }
    free(struck);
}
