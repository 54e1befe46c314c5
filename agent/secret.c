/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets from files, wiped after use, and the masking of what looks like one in a shown line.
 * Promises that no message here holds a byte of a secret. Masking errs towards hiding too much. */
#include "agent/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum vg_code judge_errno(int e)
{
    if (e == ENOENT || e == ENOTDIR)
        return VG_E_NOT_FOUND;
    return e == EACCES || e == EPERM || e == ELOOP ? VG_E_PERMISSION : VG_E_IO;
}

static int open_secret(const char *path, struct vg_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return vg_fail(err, judge_errno(errno), "secret file %s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return vg_fail(err, VG_E_CONFIG, "secret file %s is not a regular file", path);
}

/* Reads at most room bytes; the number read, or -1. */
static ssize_t read_whole(int fd, char *data, size_t room, const char *path, struct vg_error *err)
{
    size_t got = 0;
    while (got < room) {
        ssize_t k = read(fd, data + got, room - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return vg_fail(err, VG_E_IO, "secret file %s: %s", path, strerror(errno));
        if (k == 0)
            break;
        got += (size_t)k;
    }
    return (ssize_t)got;
}

int vg_secret_read(const char *path, struct vg_secret *out, struct vg_error *err)
{
    *out = (struct vg_secret){0};
    int rc = -1;
    size_t room = VG_SECRET_MAX + 1;
    char *data = malloc(room);
    int fd = open_secret(path, err);
    ssize_t got = -1;
    if (fd < 0)
        goto out;
    if (!data) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
        goto out;
    }
    got = read_whole(fd, data, room, path, err);
    if (got < 0)
        goto out;
    size_t n = (size_t)got;
    while (n && n < room && (data[n - 1] == '\n' || data[n - 1] == '\r'))
        n--;
    size_t blanks = 0;
    while (blanks < n && isspace((unsigned char)data[blanks]))
        blanks++;
    if (n == room)
        vg_fail(err, VG_E_LIMIT, "secret file %s has more than 65536 bytes", path);
    else if (blanks == n)
        vg_fail(err, VG_E_CONFIG, "secret file %s %s", path, n ? "holds only blanks" : "is empty");
    else if (memchr(data, '\0', n))
        vg_fail(err, VG_E_CONFIG, "secret file %s holds a NUL", path);
    else if (!(out->text = malloc(n + 1)))
        vg_fail(err, VG_E_MEMORY, "out of memory");
    else
        rc = 0;
    if (rc == 0) {
        memcpy(out->text, data, n);
        out->text[n] = '\0';
        out->len = n;
    }
out:
    if (fd >= 0)
        close(fd);
    if (data)
        explicit_bzero(data, room);
    free(data);
    return rc;
}

void vg_secret_free(struct vg_secret *secret)
{
    if (secret->text)
        explicit_bzero(secret->text, secret->len);
    free(secret->text);
    *secret = (struct vg_secret){0};
}

/* Whether it holds line ends at most; of a longer one nothing is read. */
static bool is_empty(const char *path, off_t size)
{
    char text[2] = "";
    int fd = size > 0 && size <= 2 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1, ends = 0;
    while (ends < n && (text[ends] == '\n' || text[ends] == '\r'))
        ends++;
    explicit_bzero(text, sizeof text);
    if (fd >= 0)
        close(fd);
    return size == 0 || (n >= 0 && ends == n);
}

enum vg_secret_state vg_secret_inspect(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == EACCES ? VG_SECRET_UNUSABLE : VG_SECRET_MISSING;
    if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
        return VG_SECRET_UNUSABLE;
    if (is_empty(path, st.st_size))
        return VG_SECRET_EMPTY;
    return st.st_mode & S_IROTH ? VG_SECRET_EXPOSED : VG_SECRET_FINE;
}

/* --- Masking ---------------------------------------------------------------------------------- */

struct span {
    size_t from, to;
};

static size_t skip_blanks(const char *s, size_t n, size_t i)
{
    while (i < n && (s[i] == ' ' || s[i] == '\t'))
        i++;
    return i;
}

/* Where a value written without quotes inside a longer text ends. */
static size_t find_end(const char *s, size_t n, size_t i)
{
    while (i < n && !strchr(" \t\"'&", s[i]))
        i++;
    return i;
}

/* The value after a word such as `password`, when `=` or `:` follows the word at i. After `:` it
 * may hold anything, so that all of the line is hidden. */
static bool find_value(const char *s, size_t n, size_t i, struct span *out)
{
    if (i < n && (s[i] == '"' || s[i] == '\''))
        i++;
    i = skip_blanks(s, n, i);
    if (i >= n || (s[i] != '=' && s[i] != ':'))
        return false;
    bool whole = s[i] == ':';
    i = skip_blanks(s, n, i + 1);
    if (whole && (i >= n || s[i] == '{' || s[i] == '['))
        return false;
    char quote = !whole && i < n && (s[i] == '\'' || s[i] == '"') ? s[i++] : 0;
    const char *end = quote ? memchr(s + i, quote, n - i) : NULL;
    if (whole || quote)
        *out = (struct span){i, end ? (size_t)(end - s) : n};
    else
        *out = (struct span){i, find_end(s, n, i)};
    return out->from < out->to;
}

static bool has_word(const char *s, size_t n, size_t i, const char *word)
{
    size_t k = strlen(word);
    return n - i >= k && !strncasecmp(s + i, word, k);
}

/* The password of scheme://user:password@host, or the whole of what stands before the @. */
static bool find_userinfo(const char *s, size_t n, size_t i, struct span *out)
{
    size_t from = i + 3, at = 0, to = from;
    for (; to < n && !strchr(" \t\"'", s[to]); to++) {
        if (s[to] == '@')
            at = to;
    }
    if (at <= from)
        return false;
    const char *colon = memchr(s + from, ':', at - from);
    *out = (struct span){colon ? (size_t)(colon - s) + 1 : from, at};
    return true;
}

/* A secret that something at i announces. */
static bool find_secret(const char *s, size_t n, size_t i, struct span *out)
{
    static const char *const words[] = {"password", "passwd", "pwd",     "secret",       "token",
                                        "api_key",  "apikey", "api-key", "authorization"};
    static const char *const others[] = {"routing_key", "sig", "signature", "access_key"};
    if (has_word(s, n, i, "://") && find_userinfo(s, n, i, out))
        return true;
    if (has_word(s, n, i, "hooks.slack.com/")) {
        *out = (struct span){i + strlen("hooks.slack.com/"), find_end(s, n, i)};
        return out->from < out->to;
    }
    if (has_word(s, n, i, "bearer ")) {
        *out = (struct span){i + strlen("bearer "), find_end(s, n, i + strlen("bearer "))};
        return out->from < out->to;
    }
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (has_word(s, n, i, words[k]) && find_value(s, n, i + strlen(words[k]), out))
            return true;
    }
    bool begins = i == 0 || !isalnum((unsigned char)s[i - 1]);
    for (size_t k = 0; begins && k < sizeof others / sizeof others[0]; k++) {
        if (has_word(s, n, i, others[k]) && find_value(s, n, i + strlen(others[k]), out))
            return true;
    }
    return false;
}

void vg_secret_mask(struct vg_buf *out, const char *line, size_t n)
{
    bool *hidden = vg_array(n, sizeof *hidden);
    for (size_t i = 0; hidden && i < n; i++) {
        struct span span;
        if (find_secret(line, n, i, &span))
            memset(hidden + span.from, true, (span.to - span.from) * sizeof *hidden);
    }
    for (size_t i = 0; i < n; i++) {
        if (hidden && !hidden[i])
            vg_buf_putc(out, line[i]);
        else if (((unsigned char)line[i] & 0xc0) != 0x80)
            vg_buf_putc(out, '*');
    }
    free(hidden);
}
