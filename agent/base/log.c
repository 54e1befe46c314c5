/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines to stderr, as logfmt or as JSON. Owns the format and the counts by level; promises one
 * write per line, valid UTF-8 without controls of any kind, and values cut where the line would
 * exceed LINE_LONGEST bytes. */
#include "pgvigil/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pgvigil/mem.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

/* Keys, quotes and the end of a line fit in the room behind its longest text. */
enum { LINE_LONGEST = 16384, LINE_ROOM = 4096, BARE_LONGEST = 1000 };

static _Atomic int least_level = VG_LOG_INFO;
static atomic_bool as_json;
static atomic_uint_fast64_t counts[VG_LOG_LEVELS];

void vg_log_setup(enum vg_log_level least, bool json)
{
    least_level = (int)least;
    as_json = json;
}

const char *vg_log_level_name(enum vg_log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return (size_t)level < VG_LOG_LEVELS ? names[level] : "error";
}

uint64_t vg_log_count(enum vg_log_level level)
{
    return (size_t)level < VG_LOG_LEVELS ? counts[level] : 0;
}

/* The code point at p of valid UTF-8 when it is a C1 control or a mark that reorders text, which a
 * terminal or a reader would obey; else 0. *n: its bytes. */
static unsigned find_hostile(const unsigned char *p, size_t *n)
{
    unsigned two = p[0] == 0xc2 || p[0] == 0xd8 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu) : 0;
    unsigned three = p[0] == 0xe2 ? (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu) : 0;
    *n = three ? 3 : 2;
    if ((two >= 0x80 && two < 0xa0) || two == 0x61c)
        return two;
    bool mark = three == 0x200e || three == 0x200f || (three >= 0x202a && three <= 0x202e) ||
                (three >= 0x2066 && three <= 0x2069);
    return mark ? three : 0;
}

static void put_quoted(struct vg_buf *line, const char *value)
{
    vg_buf_putc(line, '"');
    struct vg_buf clean;
    vg_buf_init(&clean, LINE_LONGEST);
    vg_utf8_clean(&clean, value, strlen(value), false);
    for (const char *p = clean.data; *p; p++) {
        unsigned char c = (unsigned char)*p;
        size_t n;
        if (line->len >= LINE_LONGEST && (c & 0xc0) != 0x80)
            break;
        unsigned hostile = find_hostile((const unsigned char *)p, &n);
        if (c == '"' || c == '\\')
            vg_buf_printf(line, "\\%c", c);
        else if (c == '\n')
            vg_buf_puts(line, "\\n");
        else if (c < 0x20 || c == 0x7f || hostile)
            vg_buf_printf(line, "\\u%04x", hostile ? hostile : c);
        else
            vg_buf_putc(line, *p);
        p += hostile ? n - 1 : 0;
    }
    vg_buf_free(&clean);
    vg_buf_putc(line, '"');
}

static bool is_bare(const char *value)
{
    if (!*value || strlen(value) > BARE_LONGEST)
        return false;
    for (const char *p = value; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

static void put_pair(struct vg_buf *line, const char *key, const char *value)
{
    if (as_json) {
        vg_buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
        put_quoted(line, value);
        return;
    }
    vg_buf_printf(line, "%s%s=", line->len ? " " : "", key);
    if (is_bare(value))
        vg_buf_puts(line, value);
    else
        put_quoted(line, value);
}

static int64_t read_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * VG_US + now.tv_nsec / 1000;
}

static void write_all(const char *data, size_t n)
{
    while (n) {
        ssize_t done = write(STDERR_FILENO, data, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* a closed stderr must not stop the agent */
        data += done;
        n -= (size_t)done;
    }
}

void vg_log(enum vg_log_level level, const char *msg, ...)
{
    counts[level]++;
    if ((int)level < least_level)
        return;
    char when[VG_TIME_TEXT];
    struct vg_buf line;
    vg_buf_init(&line, LINE_LONGEST + LINE_ROOM);
    if (as_json)
        vg_buf_putc(&line, '{');
    put_pair(&line, "ts", vg_format_time(read_clock(), when));
    put_pair(&line, "level", vg_log_level_name(level));
    put_pair(&line, "msg", msg);
    va_list ap;
    va_start(ap, msg);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        if (value)
            put_pair(&line, key, value);
    }
    va_end(ap);
    vg_buf_puts(&line, as_json ? "}\n" : "\n");
    if (!line.failed)
        write_all(line.data, line.len);
    vg_buf_free(&line);
}
