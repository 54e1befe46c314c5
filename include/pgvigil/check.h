/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contract of a check type; layer 2.
 *
 * A check is one const struct in one file under checks/, below 120 lines, with no YAML, SQL, time,
 * log or alert in it. Its tables drive parsing, validation, `pgvigil checks`, JSON and metrics.
 * A new check is that file and one line in checks/checks.def.
 */
#ifndef PGVIGIL_CHECK_H
#define PGVIGIL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/catalog.h"
#include "pgvigil/result.h"
#include "pgvigil/rule.h"
#include "pgvigil/summary.h"

enum vg_param_type {
    VG_PARAM_BOOL,     /* bool */
    VG_PARAM_INT,      /* int64_t */
    VG_PARAM_NUMBER,   /* double */
    VG_PARAM_RATIO,    /* double; "1%" or 0.01; 0 .. 1 */
    VG_PARAM_DURATION, /* int64_t microseconds */
    VG_PARAM_STRING,   /* const char * */
    VG_PARAM_STRINGS,  /* struct vg_strings: a list of scalars as text */
    VG_PARAM_CHOICE,   /* int: index into choices */
};
struct vg_param {
    const char *name;
    enum vg_param_type type;
    size_t offset; /* in the params struct */
    bool required;
    const char *fallback;       /* default as text, or NULL: zero */
    const char *const *choices; /* NULL-terminated, of VG_PARAM_CHOICE */
    const char *doc;
};

/* What the plan must make the scan count for a rule. */
enum vg_needs {
    VG_NEEDS_COLUMN = 1,   /* the basic counts of its column */
    VG_NEEDS_CELLS = 2,    /* fine cells on the reference's grid */
    VG_NEEDS_TOP = 4,      /* top values of a category */
    VG_NEEDS_PREDICATE = 8 /* offending rows by `offends` */
};

/* On what min and max of the long form bear. */
enum vg_bounds_use {
    VG_BOUNDS_NONE,     /* the check has no min and max */
    VG_BOUNDS_ON_VALUE, /* judge compares the measured value with them */
    VG_BOUNDS_ON_ROWS,  /* the predicate compares rows; limit is the share allowed outside */
};

/* One cell as a predicate sees it. */
struct vg_cell_view {
    enum vg_kind kind;
    enum vg_cell_state {
        VG_VIEW_VALUE,
        VG_VIEW_NULL,
        VG_VIEW_NAN,
        VG_VIEW_PINF,
        VG_VIEW_NINF
    } state;
    double num;
    struct vg_slice text; /* of TEXT (uuid as its 36 characters), else len 0 */
};

struct vg_live {            /* what a tick knows besides the catalogue */
    bool has_newest;        /* newest_us was looked up */
    int64_t newest_us;      /* newest time <= now; VG_NEVER: the table has no such row */
    const char *newest_why; /* why it could not be looked up, or NULL */
    int64_t
        last_judged_us; /* clock when a window with rows was last judged, or first seen if never */
    const char
        *stale_rule; /* a rule without verdict but nodata for longer than nodata_after, or NULL */
    const struct vg_error *error; /* the read failed; NULL: fine */
};

struct vg_history; /* base-window summaries; for later checks */

/* The whole world a check sees. */
struct vg_evidence {
    const struct vg_summary *now;         /* of the rule's variant; NULL on a tick */
    const struct vg_reference *reference; /* NULL: none yet */
    bool reference_failed;                /* the last capture failed: drift is unknown */
    const char *reference_why;            /* sentence: why there is none */
    const struct vg_catalog *catalog;     /* NULL when the read failed */
    const struct vg_live *live;           /* NULL off ticks */
    const struct vg_window *window;       /* NULL off windows */
    const struct vg_history *history;     /* may be NULL */
    int64_t now_us;
};

struct vg_check_type {
    const char *name, *doc;
    enum vg_class class;
    enum vg_cadence cadence;
    enum vg_unit unit;    /* of value and limit */
    bool of_column;       /* written under columns:, else under checks: */
    bool implicit;        /* every dataset has one, written or not */
    bool filterable;      /* `where:` makes sense */
    bool needs_reference; /* nodata or unknown without one */
    unsigned kinds;       /* bit set of 1 << enum vg_kind it fits; 0: all */
    unsigned needs;
    enum vg_bounds_use bounds;
    enum vg_policy policy;    /* default */
    int64_t min_rows;         /* default of min_rows; 0: none needed */
    const char *shorthand;    /* what a scalar or list sets: "fail", "min", a param */
    const char *default_fail; /* limit when none is written, as text; NULL: required */
    const struct vg_param *params;
    size_t nparams, params_size;
    /* Cross-field faults only; may be NULL. */
    void (*validate)(const struct vg_rule *rule, struct vg_diags *diags);
    /* Builds from the params, once they are filled, what `offends` needs to be fast, in the
     * ruleset's arena. To be called before all that follows. 0, or -1 out of memory; may be
     * NULL. */
    int (*prepare)(void *params, struct vg_arena *arena);
    /* With VG_NEEDS_PREDICATE: -1 the row is not tested, 0 fine, 1 offends. `warn`: against the
     * warn bounds; called for them only if the rule has some. Pure, called once per row. */
    int (*offends)(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn);
    /* 0..n measurements. -1 only for VG_E_MEMORY and VG_E_INTERNAL. */
    int (*measure)(const struct vg_rule *rule, const struct vg_evidence *evidence,
                   struct vg_measures *out, struct vg_error *err);
};

/* Help for `measure`: what was counted of the rule's column. 1: *out is set; 0: it was not counted,
 * and a measure says so (unknown); -1: VG_E_MEMORY. */
int vg_evidence_column(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       struct vg_measures *measures, const struct vg_column_summary **out,
                       struct vg_error *err);
/* The same of its predicate (`suffix` "" or "#warn"). 1: *out is a new measure with the share of
 * the tested rows that offend and a `why` to be completed: "286 of 3593 rows". */
int vg_evidence_offending(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          const char *suffix, struct vg_measures *measures, struct vg_measure **out,
                          struct vg_error *err);

/* The registry: checks/checks.def in order. */
extern const struct vg_check_type *const vg_checks[];
extern const size_t vg_checks_n;
const struct vg_check_type *vg_check_find(const char *name);

#endif
