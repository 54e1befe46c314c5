/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes put into rows on their way to the tally, for backtests; layer 3, pure.
 *
 * A change is written "COLUMN: KIND ... from TIME [to TIME]", or with "*" for the column where it
 * is of whole rows. Which rows it meets depends on their number in the stream alone, so the same
 * rows with the same changes are the same again. What the server evaluates in the scan (conditions
 * of rules, expressions) has seen the rows as they were.
 */
#ifndef PGVIGIL_AGENT_INJECT_H
#define PGVIGIL_AGENT_INJECT_H

#include "pgvigil/batch.h"
#include "pgvigil/catalog.h"
#include "pgvigil/rule.h"
#include "pgvigil/summary.h"

enum vg_inject_kind {
    VG_INJECT_SHIFT,      /* adds an amount, or so many standard deviations of the reference */
    VG_INJECT_SCALE,      /* multiplies the distance from the reference's mean */
    VG_INJECT_UNIT,       /* multiplies: minutes that come as seconds */
    VG_INJECT_NULLS,      /* a share of the rows is NULL */
    VG_INJECT_SHARE,      /* a share of the rows gets this value of a category */
    VG_INJECT_NEW,        /* a share of the rows gets a value that was never seen */
    VG_INJECT_STUCK,      /* all rows repeat the last value before */
    VG_INJECT_DUPLICATED, /* a share of the rows comes twice */
    VG_INJECT_MISSING,    /* a share of the rows does not come */
    VG_INJECT_KINDS
};
const char *vg_inject_kind_name(enum vg_inject_kind kind);

struct vg_injection {
    const char *text;   /* as written */
    const char *column; /* NULL: whole rows */
    enum vg_inject_kind kind;
    double amount; /* of shift, scale, unit; else a share of the rows, 0 .. 1 */
    bool in_sd;
    const char *value;      /* of share and new */
    int64_t from_us, to_us; /* VG_NEVER: to the end */
};

/* Reads one change; times without a zone are UTC. Texts in arena. VG_E_USAGE with a hint that shows
 * how it is written, VG_E_MEMORY. */
int vg_inject_parse(const char *text, struct vg_arena *arena, struct vg_injection *out,
                    struct vg_error *err);

/* What changes are bound to: a scan that reads these items of these columns. */
struct vg_inject_scan {
    const struct vg_catalog *catalog;
    const struct vg_reference *reference; /* or NULL */
    const char *const *items;             /* per column of a batch, what is read */
    size_t nitems;
    const char *time_column; /* which says what window a row is of, or NULL */
};
struct vg_injector;
/* The injections and all they point to must outlive it. VG_E_USAGE: a change that does not fit its
 * column, or needs a reference; VG_E_MEMORY. *unread: bit set of changes of columns that the scan
 * does not read, which therefore change nothing. At most VG_INJECTIONS. */
enum { VG_INJECTIONS = 32 };
int vg_injector_new(const struct vg_injection *items, size_t n, const struct vg_inject_scan *scan,
                    struct vg_injector **out, uint32_t *unread, struct vg_error *err);
/* The batch as it is after all changes, in the order given, valid until the next call, and how
 * often each row comes (NULL: once). at_us: the instant of each row. VG_E_MEMORY. */
int vg_injector_apply(struct vg_injector *injector, const struct vg_batch *batch,
                      const int64_t *at_us, struct vg_batch *out, const uint8_t **times,
                      struct vg_error *err);
void vg_injector_free(struct vg_injector *injector); /* NULL is fine */

#endif
