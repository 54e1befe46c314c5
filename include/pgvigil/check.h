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

#include "pgvigil/budget.h"
#include "pgvigil/catalog.h"
#include "pgvigil/result.h"
#include "pgvigil/rule.h"
#include "pgvigil/summary.h"

enum vg_param_type {
    VG_PARAM_BOOL,       /* bool */
    VG_PARAM_INT,        /* int64_t */
    VG_PARAM_NUMBER,     /* double */
    VG_PARAM_RATIO,      /* double; "1%" or 0.01; 0 .. 1 */
    VG_PARAM_DURATION,   /* int64_t microseconds */
    VG_PARAM_STRING,     /* const char * */
    VG_PARAM_STRINGS,    /* struct vg_strings: a list of scalars as text */
    VG_PARAM_CHOICE,     /* int: index into choices */
    VG_PARAM_SQL,        /* const char *: a condition or expression, exactly as written */
    VG_PARAM_TIME,       /* int64_t microseconds since 1970 */
    VG_PARAM_CONNECTION, /* const char *: a connection of pgvigil.yaml */
    VG_PARAM_QUERY,      /* const char *: one SELECT, exactly as written */
    VG_PARAM_VALUE,      /* const char *: a value of a column, which may be an empty text */
    VG_PARAM_VALUES,     /* struct vg_strings: a list of such */
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

/* A window that was read again, against what it was when it was last read. */
struct vg_revisit {
    struct vg_window window;
    int64_t read_us;              /* clock of the last read */
    uint64_t rows_then, rows_now; /* both counted exactly */
    bool compared;                /* the rows themselves, not their number alone */
    const char *why_not;          /* compared: NULL; else why their number alone */
    bool same;                    /* nothing has changed, as far as it was compared */
    /* Rows; exact while they are few, else estimated. Without a key, a changed row may also be one
     * that was removed and another that was added. */
    double added, removed, changed;
    const char *column; /* whose sum has moved most, or NULL; never a private one */
    double sum_then, sum_now;
};

/* What the plan must make the scan count for a rule. */
enum vg_needs {
    VG_NEEDS_COLUMN = 1,     /* the basic counts of its column */
    VG_NEEDS_CELLS = 2,      /* fine cells on the reference's grid */
    VG_NEEDS_TOP = 4,        /* top values of a category */
    VG_NEEDS_PREDICATE = 8,  /* offending rows by `offends` */
    VG_NEEDS_CONDITION = 16, /* offending rows by `condition`, a boolean column of the same scan */
    VG_NEEDS_LOOKUP = 32,    /* answers to `lookup`: statements of its own in the snapshot */
    VG_NEEDS_HISTORY = 64,   /* the windows before, as they were judged */
    VG_NEEDS_QUANTILE = 128, /* quantiles of its column, whatever its reference */
    VG_NEEDS_NAMES = 1024,   /* offending rows: of a long source, those whose name is no column */
    VG_NEEDS_MARKS = 2048,   /* with VG_NEEDS_HISTORY: the fingerprints of those windows, too */
    VG_NEEDS_REVISIT = 1 << 14, /* measured only where a window was read again */
    VG_NEEDS_GAPS = 1 << 20,    /* with VG_NEEDS_CELLS: where the values lie between thresholds */
    VG_NEEDS_PAIRS = 1 << 24,   /* how `ranked` columns depend on each other, two by two */
    VG_NEEDS_OTHERS = 1 << 15 /* its verdict rests on more than the rows of its own table: on other
                                 * tables, or on the clock */
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
    struct vg_slice text; /* of TEXT (uuid as its 36 characters, char(n) without its padding), else
                           * len 0 */
    int64_t until_us;     /* of TIME: the window's end, or now without a time column, as `num` has
                           * it (wall clock where the column has no offset); else 0 */
};

struct vg_live {            /* what a tick knows besides the catalogue */
    bool has_newest;        /* newest_us was looked up */
    int64_t newest_us;      /* newest time <= now; VG_NEVER: the table has no such row */
    const char *newest_why; /* why it could not be looked up, or NULL */
    int64_t unchanged_us;   /* the table was not read: it is as it was then; 0: it was */
    int64_t
        last_judged_us; /* clock when a window with rows was last judged, or first seen if never */
    const char
        *stale_rule; /* a rule without verdict but nodata for longer than nodata_after, or NULL */
    const struct vg_error *error; /* the read failed; NULL: fine */
};

/* The windows that were judged with rows before the one at hand, oldest first, as far back as five
 * weeks. */
struct vg_past {
    struct vg_window window;
    uint64_t rows;
};
/* The fingerprint of what a rule saw in a window before. */
struct vg_mark {
    const char *rule, *segment; /* segment "" for none */
    int64_t start_us;
    uint64_t fingerprint;
};
struct vg_history {
    const struct vg_past *windows;
    size_t n;
    /* Of all rules of the dataset that leave some, by start; none where no rule has
     * VG_NEEDS_MARKS. */
    const struct vg_mark *marks;
    size_t nmarks;
};

/* Of a rule of policy `budget`, when a base window has closed. */
struct vg_budget_evidence {
    const struct vg_budget *model; /* of the dataset; NULL: none, and why says it */
    const char *why;
    int column; /* in the model; -1: it was not calibrated with this column */
    const struct vg_budget_part *part;
    const struct vg_budget_recent *recent; /* the base window that has closed is its last */
    struct vg_window base;
    const char *type_then, *type_now; /* of the column, where they differ; else NULL */
    bool lost; /* its rows are missed: it has none, the one before had them in time, and in the
                * reference there were always some; said of one rule of the dataset */
    const struct vg_budget_new_value *fresh; /* values that were not told of yet */
    size_t nfresh;
};

/* What a check knows when it writes SQL. Identifiers in the catalogue are quoted already. */
struct vg_rows_of; /* agent/sql.h */
/* A column whose values tell rows apart. */
struct vg_asked_split {
    const struct vg_catalog_column *column;
    struct vg_strings values; /* each is a segment; all others together are one more */
};
struct vg_asked {
    const struct vg_rule *rule;
    const struct vg_catalog *catalog;
    const struct vg_catalog_column *column; /* NULL for a check of the dataset */
    const struct vg_rows_of *rows;          /* whose rows are meant; NULL in `condition` */
    const struct vg_window *window;         /* NULL in `condition`, and without a time column */
    const struct vg_rows *answers;          /* those before, in `lookup` */
    size_t nanswers;
    bool shows_keys; /* the answer may hold keys and values of rows: neither is private */
    int64_t now_us;
    /* Of a type that is `grouped`, in `lookup`: with any, the answer has two more columns, the
     * number of the split and the segment's value: 0 and NULL of all rows, from 1 and NULL of the
     * segment of all other values. The measure of each sees its own rows alone. */
    const struct vg_asked_split *splits;
    size_t nsplits;
};
enum { VG_LOOKUPS_MAX = 4 }; /* statements of one rule */

/* The whole world a check sees. */
struct vg_evidence {
    const struct vg_summary *now;         /* of the rule's variant; NULL on a tick */
    const struct vg_reference *reference; /* NULL: none yet */
    bool reference_failed;                /* the last capture failed: drift is unknown */
    const char *reference_why;            /* sentence: why there is none */
    const char *segment;                  /* whose rows these are; NULL: all rows */
    const struct vg_catalog *catalog;     /* NULL when the read failed */
    const struct vg_live *live;           /* NULL off ticks */
    const struct vg_window *window;       /* NULL off windows */
    const struct vg_history *history;     /* with VG_NEEDS_HISTORY; NULL where nothing is stored */
    const struct vg_rows *answers;        /* with VG_NEEDS_LOOKUP, in the order asked */
    size_t nanswers;
    const char *answers_why;                 /* why a statement could not be answered, or NULL */
    const struct vg_revisit *revisit;        /* with VG_NEEDS_REVISIT */
    const struct vg_budget_evidence *budget; /* of policy budget */
    const char *last_structure; /* of the table, by vg_catalog_write(), when it was last seen */
    int64_t now_us;
};

struct vg_check_type {
    const char *name, *doc;
    enum vg_class class;
    enum vg_cadence cadence;
    enum vg_unit unit;     /* of value and limit */
    bool of_column;        /* written under columns:, else under checks: */
    bool of_both;          /* written under either; rule->column is NULL under checks: */
    bool implicit;         /* every dataset has one, written or not */
    bool filterable;       /* `where:` makes sense */
    bool needs_reference;  /* nodata or unknown without one */
    bool is_multiple;      /* of unit ratio: values and limits may be above 1, as 200% */
    bool at_limit;         /* a value at `fail` or `warn` breaks it already */
    bool grouped;          /* its statements answer for each segment, too: see vg_asked.splits */
    size_t answer_columns; /* of a statement that people write: what it must return; 0: any */
    bool has_p;            /* its measures have a p-value, which a policy may limit instead */
    unsigned kinds;        /* bit set of 1 << enum vg_kind it fits; 0: all */
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
    /* With VG_NEEDS_CONDITION: an SQL expression, true where a row offends, false where it is fine,
     * null where it is not tested; counted as a predicate is. VG_E_NOT_FOUND and VG_E_CONFIG make
     * the rule unknown, with the message as the reason. The `offends` of such a type is
     * vg_check_offends_condition. Where it writes nothing, `offends` decides from the cell of the
     * rule's column, as of a predicate. */
    int (*condition)(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err);
    /* With VG_NEEDS_PAIRS: the columns that it wants; none: all that the reference ranked. */
    const struct vg_strings *(*ranked)(const struct vg_rule *rule);
    /* Why a rule of this type is judged for all rows only, or NULL: it is not. May be NULL. */
    const char *(*whole)(const struct vg_rule *rule);
    /* With VG_NEEDS_LOOKUP: called with 0, 1, ... answers until it writes nothing; each text is one
     * SELECT with a small result. Errors as of `condition`. *connection may be set to another than
     * the dataset's: that one then has a snapshot of its own. */
    int (*lookup)(const struct vg_asked *asked, struct vg_buf *out, const char **connection,
                  struct vg_error *err);
    /* Of a type that only counts: as `offends`, asked when the keys of all offending rows are
     * wanted. May be NULL. */
    int (*blames)(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn);
    /* Of a type without both, where it can name the rows that offend: one SELECT of their keys,
     * as columns k1, k2 ... in the order of source.key. Writes nothing where this rule cannot. May
     * be NULL. Errors as of `condition`. */
    int (*offenders)(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err);
    /* 0..n measurements. -1 only for VG_E_MEMORY and VG_E_INTERNAL. */
    int (*measure)(const struct vg_rule *rule, const struct vg_evidence *evidence,
                   struct vg_measures *out, struct vg_error *err);
};

/* Why rules of this type, and this rule, are judged for all rows only and not for each segment, as
 * a sentence's end ("it looks at the table, not at rows"), or NULL: they are. */
const char *vg_check_unsegmented(const struct vg_check_type *type);
const char *vg_rule_unsegmented(const struct vg_rule *rule);

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

/* `offends` of the types with a `condition`. */
int vg_check_offends_condition(const struct vg_rule *rule, const struct vg_cell_view *cell,
                               bool warn);
/* Help for `measure` of a type with `lookup`. true: all was answered; false: a measure says why not
 * (unknown), or *err is VG_E_MEMORY and *failed is set. */
bool vg_evidence_answered(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *measures, bool *failed, struct vg_error *err);

/* The registry: checks/checks.def in order. */
extern const struct vg_check_type *const vg_checks[];
extern const size_t vg_checks_n;
const struct vg_check_type *vg_check_find(const char *name);

#endif
