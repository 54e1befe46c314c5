/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences between what a table has and what it should have; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_DIFF_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_DIFF_H

#include <stdbool.h>

#include "pgvigil/catalog.h"
#include "pgvigil/rule.h"
#include "pgvigil/summary.h"

enum vg_schema_kind {
    VG_SCHEMA_MISSING,      /* of the reference or named in the rule file, but not in the table */
    VG_SCHEMA_UNEXPECTED,   /* in the table, but neither there */
    VG_SCHEMA_REORDERED,    /* the columns stand in another order */
    VG_SCHEMA_TYPE,         /* another type than declared, else than in the reference */
    VG_SCHEMA_NULLABILITY,  /* NOT NULL was added or dropped */
    VG_SCHEMA_DEFAULT,      /* a default was added, changed or dropped */
    VG_SCHEMA_GENERATED,    /* generated or identity columns became others */
    VG_SCHEMA_ENUM,         /* the labels of an enum */
    VG_SCHEMA_COLLATION,    /* text is compared by other rules */
    VG_SCHEMA_CONSTRAINTS,  /* keys and checks dropped, changed, no longer validated, or new */
    VG_SCHEMA_PARTITION,    /* no partition takes the rows of the time to come */
    VG_SCHEMA_ROW_SECURITY, /* policies choose the rows that the role sees */
    VG_SCHEMA_GRANTS,       /* a column can no longer be read */
    VG_SCHEMA_KINDS
};

/* What a difference means for the columns that the rule file names. */
enum vg_schema_class {
    VG_SCHEMA_SAFE,    /* every value means what it meant */
    VG_SCHEMA_LOSSY,   /* values may be cut, coarser, missing or other than they were */
    VG_SCHEMA_BREAKING /* what reads the column gets something else, or nothing */
};

enum vg_schema_since { VG_SCHEMA_OF_REFERENCE, VG_SCHEMA_OF_LAST_LOOK, VG_SCHEMA_OF_FILE };

struct vg_schema_difference {
    enum vg_schema_kind kind;
    enum vg_schema_class class;
    enum vg_schema_since since; /* with what was compared */
    const char *name;           /* column or constraint; NULL: the table */
    const char *what;           /* "is missing"; of a type what it is now */
    const char *wanted;         /* of a type what it was, or should be */
    size_t n, of;               /* labels that are gone, of so many */
    int64_t at_us;              /* of a partition: the first instant that none takes */
};
/* "column delay is text, was integer", in `size` bytes. */
void vg_schema_tell(const struct vg_schema_difference *difference, char *out, size_t size);

struct vg_schema_view {
    const struct vg_dataset *dataset;
    const struct vg_catalog *now;
    const struct vg_reference *reference; /* or NULL */
    const struct vg_catalog *then; /* structure of the reference, of this very table; or NULL */
    const struct vg_catalog *last; /* of the table when it was last seen, or NULL */
    int64_t now_us, ahead_us;      /* partitions are wanted until now_us + ahead_us */
    struct vg_arena *arena;
    void (*each)(void *arg, const struct vg_schema_difference *difference);
    void *arg;
    bool failed; /* out of memory */
};

/* Calls `each` for every difference: first the reference's columns in its order, then those that
 * only the rule file names, then the unexpected ones in the table's order, then what else differs
 * from the reference, what only the last look shows, and what is wrong whatever was. A declared
 * type overrides the reference's. A reference taken from another table says nothing of this one but
 * its columns and types. */
void vg_schema_compare(struct vg_schema_view *view);

/* A structure as it was stored; NULL when there is none, of another table, or of another version of
 * the program: there is nothing to compare with then. */
const struct vg_catalog *vg_schema_read(struct vg_schema_view *view, const char *text);

/* Its parts. `since` says what `then` is. */
void vg_schema_compare_structure(const struct vg_schema_view *view, const struct vg_catalog *then,
                                 enum vg_schema_since since);
void vg_schema_compare_facts(const struct vg_schema_view *view, const struct vg_catalog *then,
                             enum vg_schema_since since);
void vg_schema_compare_order(const struct vg_schema_view *view, const struct vg_catalog *then,
                             enum vg_schema_since since);
void vg_schema_compare_constraints(const struct vg_schema_view *view, const struct vg_catalog *then,
                                   enum vg_schema_since since);
void vg_schema_compare_last(const struct vg_schema_view *view);
void vg_schema_look_ahead(struct vg_schema_view *view);
void vg_schema_compare_type(const struct vg_schema_view *view,
                            const struct vg_catalog_column *actual,
                            const struct vg_catalog_column *was, enum vg_schema_since since);
void vg_schema_compare_declared(const struct vg_schema_view *view,
                                const struct vg_catalog_column *actual, const char *declared);
void vg_schema_tell_of(const struct vg_schema_view *view, struct vg_schema_difference difference);

/* The k-th column that the rule file names: columns, rules, key, time. NULL for a name of none, and
 * with *end set behind the last. */
const char *vg_schema_name_at(const struct vg_dataset *dataset, size_t k, bool *end);
/* Whether the rule file names the column, in one of its first `most` places. */
bool vg_schema_is_named(const struct vg_dataset *dataset, const char *column, size_t most);
/* Whether what the rule file watches depends on the column: it is named, or a rule of "*" fits. */
bool vg_schema_is_used(const struct vg_dataset *dataset, const char *column, enum vg_kind kind);
/* Whether the reference leaves it out as the rule file says. */
bool vg_schema_is_excluded(const struct vg_dataset *dataset, const char *column);
/* The type that the rule file says, or NULL. */
const char *vg_schema_declared(const struct vg_dataset *dataset, const char *column);

#endif
