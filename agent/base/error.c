/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors and diagnostics. Owns the filling and the printing of struct vg_error and struct vg_diags.
 * Promises never to fail itself: a diagnostic that cannot be kept is counted as dropped. Knows no
 * domain word. */
#include "pgvigil/error.h"

#include <stdlib.h>
#include <string.h>

#include "pgvigil/mem.h"

const char *vg_code_name(enum vg_code code)
{
    static const char *const names[] = {
        [VG_OK] = "ok",
        [VG_E_INTERNAL] = "internal",
        [VG_E_MEMORY] = "memory",
        [VG_E_LIMIT] = "limit",
        [VG_E_CONFIG] = "config",
        [VG_E_USAGE] = "usage",
        [VG_E_IO] = "io",
        [VG_E_NOT_FOUND] = "not_found",
        [VG_E_CONNECT] = "connect",
        [VG_E_PERMISSION] = "permission",
        [VG_E_TIMEOUT] = "timeout",
        [VG_E_QUERY] = "query",
        [VG_E_DATA] = "data",
        [VG_E_STATE] = "state",
        [VG_E_LOCKED] = "locked",
        [VG_E_HTTP] = "http",
        [VG_E_CANCELLED] = "cancelled",
        [VG_E_BLIND] = "blind",
    };
    size_t n = sizeof names / sizeof names[0];
    return (size_t)code < n && names[code] ? names[code] : "internal";
}

/* Texts are cut at the size of their field; a character that the cut went through goes whole. */
static void drop_half_character(char *text, size_t size)
{
    size_t n = strlen(text), back = 0;
    if (n + 1 < size)
        return;
    while (back < 3 && back < n && ((unsigned char)text[n - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back < n && ((unsigned char)text[n - 1 - back] & 0xc0) == 0xc0)
        text[n - 1 - back] = '\0';
}

__attribute__((format(printf, 2, 0))) static void write_message(struct vg_error *err,
                                                                const char *fmt, va_list ap)
{
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    drop_half_character(err->msg, sizeof err->msg);
}

int vg_fail(struct vg_error *err, enum vg_code code, const char *fmt, ...)
{
    if (!err)
        return -1;
    memset(err, 0, sizeof *err);
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    write_message(err, fmt, ap);
    va_end(ap);
    return -1;
}

int vg_fail_at(struct vg_error *err, struct vg_loc loc, const char *fmt, ...)
{
    if (!err)
        return -1;
    memset(err, 0, sizeof *err);
    err->code = VG_E_CONFIG;
    err->loc = loc;
    va_list ap;
    va_start(ap, fmt);
    write_message(err, fmt, ap);
    va_end(ap);
    return -1;
}

int vg_hint(struct vg_error *err, const char *fmt, ...)
{
    if (!err)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    drop_half_character(err->hint, sizeof err->hint);
    va_end(ap);
    return -1;
}

int vg_where(struct vg_error *err, const char *fmt, ...)
{
    if (!err)
        return -1;
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    size_t n = strlen(err->msg), left = sizeof err->msg - n;
    if (left > 2) {
        memcpy(err->msg + n, ": ", 3);
        size_t more = strnlen(old, left - 3);
        memcpy(err->msg + n + 2, old, more);
        err->msg[n + 2 + more] = '\0';
    }
    drop_half_character(err->msg, sizeof err->msg);
    return -1;
}

static char *copy_text(const char *s)
{
    return s ? strdup(s) : NULL;
}

__attribute__((format(printf, 1, 0))) static char *format_text(const char *fmt, va_list ap)
{
    char *out = NULL;
    return vasprintf(&out, fmt, ap) < 0 ? NULL : out;
}

void vg_diag_add(struct vg_diags *diags, enum vg_grade grade, struct vg_loc loc,
                 const char *line_text, const char *hint, const char *fmt, ...)
{
    if (grade == VG_GRADE_ERROR)
        diags->errors++;
    if (diags->n >= VG_DIAGS_MAX ||
        vg_grow((void **)&diags->items, &diags->size, diags->n + 1, sizeof *diags->items) < 0) {
        diags->dropped++;
        return;
    }
    struct vg_diag *diag = &diags->items[diags->n];
    va_list ap;
    va_start(ap, fmt);
    *diag = (struct vg_diag){
        .grade = grade,
        .loc = {copy_text(loc.file), loc.line, loc.column},
        .msg = format_text(fmt, ap),
        .hint = copy_text(hint && *hint ? hint : NULL),
        .line_text = copy_text(line_text),
    };
    va_end(ap);
    diags->n++;
}

void vg_diag_add_error(struct vg_diags *diags, const struct vg_error *err, const char *line_text)
{
    vg_diag_add(diags, VG_GRADE_ERROR, err->loc, line_text, err->hint, "%s", err->msg);
}

static int compare_diags(const void *pa, const void *pb)
{
    const struct vg_diag *a = *(const struct vg_diag *const *)pa;
    const struct vg_diag *b = *(const struct vg_diag *const *)pb;
    int by_file = strcmp(a->loc.file ? a->loc.file : "", b->loc.file ? b->loc.file : "");
    if (by_file)
        return by_file;
    if (a->loc.line != b->loc.line)
        return a->loc.line < b->loc.line ? -1 : 1;
    if (a->loc.column != b->loc.column)
        return a->loc.column < b->loc.column ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Tabs count as one column and are printed as blanks, so that the caret stands under its place. */
static void print_line(const struct vg_diag *diag, FILE *out)
{
    if (!diag->line_text || !diag->loc.line)
        return;
    fputs("    ", out);
    for (const char *p = diag->line_text; *p && *p != '\n' && *p != '\r'; p++)
        fputc(*p == '\t' ? ' ' : *p, out);
    fputs("\n    ", out);
    for (uint32_t i = 1; i < diag->loc.column; i++)
        fputc(' ', out);
    fputs("^\n", out);
}

static void print_diag(const struct vg_diag *diag, FILE *out, bool colour)
{
    bool error = diag->grade == VG_GRADE_ERROR;
    const char *word = error ? "error" : "warning";
    if (diag->loc.file && diag->loc.line)
        fprintf(out, "%s:%u:%u: ", diag->loc.file, diag->loc.line, diag->loc.column);
    else if (diag->loc.file)
        fprintf(out, "%s: ", diag->loc.file);
    if (colour)
        fprintf(out, "\033[1;%dm%s:\033[0m ", error ? 31 : 33, word);
    else
        fprintf(out, "%s: ", word);
    fprintf(out, "%s\n", diag->msg ? diag->msg : "(out of memory)");
    print_line(diag, out);
    if (diag->hint)
        fprintf(out, "    hint: %s\n", diag->hint);
}

void vg_diags_print(const struct vg_diags *diags, FILE *out, bool colour)
{
    const struct vg_diag **order = vg_array(diags->n + 1, sizeof *order);
    for (size_t i = 0; order && i < diags->n; i++)
        order[i] = &diags->items[i];
    if (order)
        qsort(order, diags->n, sizeof *order, compare_diags);
    for (size_t i = 0; i < diags->n; i++)
        print_diag(order ? order[i] : &diags->items[i], out, colour);
    free(order);
    if (diags->dropped)
        fprintf(out, "and %zu more\n", diags->dropped);
}

size_t vg_diags_errors_in(const struct vg_diags *diags, const char *file)
{
    size_t n = 0;
    for (size_t i = 0; i < diags->n; i++) {
        const struct vg_diag *diag = &diags->items[i];
        n += diag->grade == VG_GRADE_ERROR && diag->loc.file && !strcmp(diag->loc.file, file);
    }
    return n;
}

void vg_diags_free(struct vg_diags *diags)
{
    for (size_t i = 0; i < diags->n; i++) {
        free((char *)(uintptr_t)diags->items[i].loc.file);
        free(diags->items[i].msg);
        free(diags->items[i].hint);
        free(diags->items[i].line_text);
    }
    free(diags->items);
    *diags = (struct vg_diags){0};
}

void vg_bug(const char *file, int line, const char *fmt, ...)
{
    fprintf(stderr, "pgvigil: bug at %s:%d: ", file, line);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
