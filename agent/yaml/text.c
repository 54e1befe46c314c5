/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of a YAML file: reading it, its lines, and the characters that may stand in it. Reports
 * faults with their line, secrets masked. Replaces each faulty character after reporting it, so
 * that one of them does not hide the faults after it. */
#include "agent/yaml/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/secret.h"
#include "pgvigil/text.h"

enum { SHOWN_COLUMNS = 200, SEARCHED_BYTES = 2000, TEXT_FAULTS_MAX = 100 };

/* Bytes of a line without its end. */
static size_t measure_line(const struct vg_document *document, size_t line)
{
    size_t from = document->lines[line - 1];
    size_t end = line < document->nlines ? document->lines[line] : document->size;
    while (end > from && (document->text[end - 1] == '\n' || document->text[end - 1] == '\r'))
        end--;
    return end - from;
}

int vg_document_hide(struct vg_document *document, struct vg_loc loc, struct vg_arena *arena)
{
    struct vg_hidden *hidden = vg_arena_alloc(arena, sizeof *hidden);
    if (!hidden)
        return -1;
    *hidden = (struct vg_hidden){loc.line, loc.column, document->hidden};
    document->hidden = hidden;
    return 0;
}

/* What stands at a hidden place or after it becomes one asterisk a character. */
static void hide_rest(const struct vg_document *document, uint32_t line, struct vg_buf *text)
{
    uint32_t first = UINT32_MAX, column = 0;
    for (const struct vg_hidden *h = document->hidden; h; h = h->next) {
        if (h->line == line && h->column < first)
            first = h->column;
    }
    size_t kept = 0;
    for (size_t i = 0; i < text->len; i++) {
        bool begins = ((unsigned char)text->data[i] & 0xc0) != 0x80;
        column += begins;
        if (column < first)
            text->data[kept++] = text->data[i];
        else if (begins)
            text->data[kept++] = '*';
    }
    text->len = kept;
    text->data[kept] = '\0';
}

/* The line as it may be shown, in out; false when there is none. */
static bool show_line(const struct vg_document *document, struct vg_loc loc, struct vg_buf *out)
{
    if (!loc.line || loc.line > document->nlines || loc.column > SHOWN_COLUMNS)
        return false;
    struct vg_buf masked;
    vg_buf_init(&masked, SEARCHED_BYTES);
    const char *from = document->text + document->lines[loc.line - 1];
    size_t n = measure_line(document, loc.line);
    vg_secret_mask(&masked, from, n < SEARCHED_BYTES ? n : SEARCHED_BYTES);
    if (document->hidden && masked.len)
        hide_rest(document, loc.line, &masked);
    vg_utf8_clean(out, masked.data, vg_utf8_prefix(masked.data, masked.len, SHOWN_COLUMNS), true);
    bool fine = !masked.failed && !out->failed;
    vg_buf_free(&masked);
    return fine;
}

void vg_document_fault(const struct vg_document *document, struct vg_diags *diags,
                       enum vg_grade grade, struct vg_loc loc, const char *hint, const char *fmt,
                       ...)
{
    char *msg = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&msg, fmt, ap) < 0)
        msg = NULL;
    va_end(ap);
    struct vg_buf line;
    vg_buf_init(&line, 4 * SHOWN_COLUMNS);
    bool shown = show_line(document, loc, &line);
    vg_diag_add(diags, grade, loc, shown ? line.data : NULL, hint, "%s",
                msg ? msg : "out of memory");
    vg_buf_free(&line);
    free(msg);
}

void vg_document_complete(const struct vg_document *document, struct vg_diags *diags, size_t from)
{
    for (size_t i = from; i < diags->n; i++) {
        struct vg_diag *diag = &diags->items[i];
        struct vg_buf line;
        vg_buf_init(&line, 4 * SHOWN_COLUMNS);
        if (!diag->line_text && show_line(document, diag->loc, &line))
            diag->line_text = vg_buf_take(&line);
        vg_buf_free(&line);
    }
}

static int index_lines(struct vg_document *document, struct vg_arena *arena)
{
    const char *text = document->text;
    size_t n = 1;
    for (size_t i = 0; i < document->size; i++)
        n += text[i] == '\n' || text[i] == '\r';
    uint32_t *lines = vg_arena_array(arena, n, sizeof *lines);
    if (!lines)
        return -1;
    size_t line = 1;
    lines[0] = document->size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (size_t i = 0; i < document->size; i++) {
        if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n'))
            lines[line++] = (uint32_t)(i + 1);
    }
    document->lines = lines;
    document->nlines = line;
    return 0;
}

struct scan {
    struct vg_document *document;
    struct vg_diags *diags;
    char *text; /* the copy being cleaned */
    size_t faults;
    bool blanked;
};

static void report(struct scan *scan, size_t line, size_t column, const char *hint, const char *msg)
{
    struct vg_loc loc = {scan->document->path, (uint32_t)line, (uint32_t)column};
    if (scan->faults++ < TEXT_FAULTS_MAX)
        vg_document_fault(scan->document, scan->diags, VG_GRADE_ERROR, loc, hint, "%s", msg);
}

/* Bytes of the character at s (at least 1); *fault is what is wrong with it, or NULL. */
static size_t judge_character(const unsigned char *s, size_t n, const char **fault)
{
    size_t k = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    *fault = NULL;
    if (k > n || !vg_utf8_valid((const char *)s, k)) {
        *fault = "this is not valid UTF-8";
        return 1;
    }
    bool control = (s[0] < 0x20 && s[0] != '\t') || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
    bool separator = k == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9);
    bool mark = k == 3 && s[0] == 0xef &&
                ((s[1] == 0xbb && s[2] == 0xbf) || (s[1] == 0xbf && s[2] >= 0xbe));
    if (control)
        *fault = "control characters cannot stand in a YAML file";
    else if (separator || mark)
        *fault = "this invisible character cannot stand in a YAML file";
    return k;
}

/* Reports the first faulty character of a line, replaces all of them. */
static void scan_characters(struct scan *scan, size_t line, size_t from, size_t n)
{
    bool told = false;
    for (size_t i = 0, column = 1, k; i < n; i += k, column++) {
        const char *fault;
        k = judge_character((unsigned char *)scan->text + from + i, n - i, &fault);
        if (!fault)
            continue;
        if (!told)
            report(scan, line, column, NULL, fault);
        told = true;
        memset(scan->text + from + i, '_', k);
    }
}

/* Tabs are harmless in lines that hold nothing else or a comment. Elsewhere the line is kept with
 * blanks for them, unless they indent it: then what it belongs to is not known, and it is blanked.
 */
static void scan_tabs(struct scan *scan, size_t line, size_t from, size_t n)
{
    char *s = scan->text + from;
    const char *tab = memchr(s, '\t', n);
    if (!tab)
        return;
    size_t indent = strspn(s, " \t");
    bool idle = indent >= n || s[indent] == '#';
    size_t at = (size_t)(tab - s);
    size_t column = 1;
    for (size_t i = 0; i < at; i++)
        column += ((unsigned char)s[i] & 0xc0) != 0x80;
    if (!idle)
        report(scan, line, column, "use spaces", "tabs cannot stand in a YAML file");
    if (!idle && at < indent) {
        scan->blanked = true;
        memset(s, ' ', n);
    }
    for (size_t i = 0; i < n; i++)
        s[i] = s[i] == '\t' ? ' ' : s[i];
}

int vg_yaml_text_scan(struct vg_document *document, struct vg_arena *arena, struct vg_diags *diags,
                      struct vg_yaml_text *out)
{
    *out = (struct vg_yaml_text){0};
    if (document->size > VG_YAML_BYTES) {
        vg_document_fault(document, diags, VG_GRADE_ERROR, (struct vg_loc){document->path, 0, 0},
                          NULL, "the file has %zu bytes, at most %d are read", document->size,
                          VG_YAML_BYTES);
        out->hopeless = true;
        return 0;
    }
    char *copy = vg_arena_strndup(arena, document->text, document->size);
    if (!copy || index_lines(document, arena) < 0)
        return -1;
    struct scan scan = {document, diags, copy, 0, false};
    for (size_t line = 1; line <= document->nlines; line++) {
        size_t n = measure_line(document, line);
        scan_characters(&scan, line, document->lines[line - 1], n);
        scan_tabs(&scan, line, document->lines[line - 1], n);
    }
    if (scan.faults > TEXT_FAULTS_MAX)
        vg_document_fault(document, diags, VG_GRADE_ERROR, (struct vg_loc){document->path, 0, 0},
                          NULL, "%zu more lines hold such characters",
                          scan.faults - TEXT_FAULTS_MAX);
    size_t mark = document->lines[0];
    *out = (struct vg_yaml_text){copy + mark, document->size - mark, scan.blanked, false};
    return 0;
}

static int refuse_file(const char *path, struct vg_diags *diags, const char *hint, const char *msg)
{
    vg_diag_add(diags, VG_GRADE_ERROR, (struct vg_loc){path, 0, 0}, NULL, hint, "%s", msg);
    return -1;
}

static int judge_file(const struct stat *st, const char *path, struct vg_diags *diags)
{
    if (!S_ISREG(st->st_mode))
        return refuse_file(path, diags, NULL, "this is not a regular file");
    if (st->st_mode & S_IWOTH)
        return refuse_file(path, diags, "chmod o-w",
                           "every user of the machine may write this file");
    if (st->st_mode & S_IWGRP)
        vg_diag_add(diags, VG_GRADE_WARNING, (struct vg_loc){path, 0, 0}, NULL, "chmod g-w",
                    "a whole group may write this file");
    return 0;
}

int vg_yaml_read(int fd, const char *path, struct vg_arena *arena, struct vg_diags *diags,
                 const char **text, size_t *n)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return refuse_file(path, diags, NULL, strerror(errno));
    if (judge_file(&st, path, diags) < 0)
        return -1;
    size_t room = VG_YAML_BYTES + 1, got = 0;
    if (st.st_size >= 0 && (size_t)st.st_size < room)
        room = (size_t)st.st_size + 1;
    char *data = vg_arena_alloc(arena, room + 1);
    if (!data)
        return refuse_file(path, diags, NULL, "out of memory");
    while (got < room) {
        ssize_t k = read(fd, data + got, room - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return refuse_file(path, diags, NULL, strerror(errno));
        if (k == 0)
            break;
        got += (size_t)k;
    }
    if (got > VG_YAML_BYTES)
        return refuse_file(path, diags, NULL, "the file has more than 262144 bytes");
    if (got == room)
        return refuse_file(path, diags, NULL, "the file changed while it was read");
    *text = data;
    *n = got;
    return 0;
}
