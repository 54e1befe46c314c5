/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors and diagnostics: layer 0.
 *
 * Owns the one error struct that every fallible call fills. The origin fills it once; a caller may
 * add where it happened; nobody logs and returns. A user's fault is an error with a place and a
 * hint, ours is BUG(). Knows no domain word.
 */
#ifndef PGVIGIL_ERROR_H
#define PGVIGIL_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum vg_code {
    VG_OK,
    VG_E_INTERNAL,   /* our fault, or a library's */
    VG_E_MEMORY,     /* an allocation failed */
    VG_E_LIMIT,      /* a cap at a door from outside was reached */
    VG_E_CONFIG,     /* the user's files are wrong */
    VG_E_USAGE,      /* the command line is wrong */
    VG_E_IO,         /* file, disk */
    VG_E_NOT_FOUND,  /* a named thing does not exist */
    VG_E_CONNECT,    /* a server could not be reached or refused us */
    VG_E_PERMISSION, /* a server or the system said no */
    VG_E_TIMEOUT,    /* a deadline passed, ours or the server's */
    VG_E_QUERY,      /* the server rejected a statement */
    VG_E_DATA,       /* what came back cannot be decoded */
    VG_E_STATE,      /* the state store is damaged, or newer than this program */
    VG_E_LOCKED,     /* the state store is used by another daemon */
    VG_E_HTTP,       /* an HTTP exchange failed */
    VG_E_CANCELLED,  /* asked to stop */
    VG_E_BLIND,      /* a check could not look; not good, not bad */
};

/* A place in a user's file; line and column are 1-based, line 0 means not from a file. */
struct vg_loc {
    const char *file;
    uint32_t line, column;
};

struct vg_error {
    enum vg_code code;
    struct vg_loc loc;
    char sqlstate[6];
    char msg[400];
    char hint[200];
};

/* Lower-case name of a code as it stands in JSON and logs: "connect", "timeout" ... */
const char *vg_code_name(enum vg_code code);

/* Fills err (may be NULL) and returns -1, so that an origin reads `return vg_fail(err, ...)`. */
int vg_fail(struct vg_error *err, enum vg_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a place in a file. */
int vg_fail_at(struct vg_error *err, struct vg_loc loc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Sets the hint of an error already filled; returns -1. */
int vg_hint(struct vg_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "where: " before the message of an error already filled; returns -1. */
int vg_where(struct vg_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A list of diagnostics: all faults of all files are collected and printed together. */
enum vg_grade { VG_GRADE_WARNING, VG_GRADE_ERROR };
struct vg_diag {
    enum vg_grade grade;
    struct vg_loc loc;            /* loc.file is owned by the list */
    char *msg, *hint, *line_text; /* owned; hint and line_text may be NULL */
};
struct vg_diags {
    struct vg_diag *items;
    size_t n, size;
    size_t errors;  /* how many of the items are errors */
    size_t dropped; /* items lost to the cap of VG_DIAGS_MAX or to memory; counted as errors */
};
enum { VG_DIAGS_MAX = 10000 };

/* Adds one diagnostic. line_text is the line of the file it points into, or NULL. */
void vg_diag_add(struct vg_diags *diags, enum vg_grade grade, struct vg_loc loc,
                 const char *line_text, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Adds an error struct as a diagnostic. */
void vg_diag_add_error(struct vg_diags *diags, const struct vg_error *err, const char *line_text);
/* Prints `file:line:col: error: msg`, the line, a caret and `hint: ...`, in order of file, line. */
void vg_diags_print(const struct vg_diags *diags, FILE *out, bool colour);
/* Number of errors (not warnings) whose place is in this file. */
size_t vg_diags_errors_in(const struct vg_diags *diags, const char *file);
void vg_diags_free(struct vg_diags *diags);

/* A fault of the program itself: says where, and aborts. */
_Noreturn void vg_bug(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define BUG(...) vg_bug(__FILE__, __LINE__, __VA_ARGS__)

#define VG_MUST_CHECK __attribute__((warn_unused_result))

#endif
