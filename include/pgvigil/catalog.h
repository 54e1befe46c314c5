/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pg_catalog says of one relation, in a cycle's snapshot; layer 1. Plain data. */
#ifndef PGVIGIL_CATALOG_H
#define PGVIGIL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"
#include "pgvigil/oid.h"

/* What a column's values are to us, whatever their wire type (domains are followed). */
enum vg_kind {
    VG_KIND_OTHER,  /* only nulls can be counted */
    VG_KIND_NUMBER, /* int2 int4 int8 float4 float8 numeric */
    VG_KIND_TIME,   /* date timestamp timestamptz: microseconds since 1970 */
    VG_KIND_BOOL,   /* a category, "true" and "false" */
    VG_KIND_TEXT,   /* text varchar char name enum uuid: a category */
};

/* How a bytea holds a value of another type. */
enum vg_codec {
    VG_CODEC_NONE,
    VG_CODEC_FEAST /* feast.types.Value, serialised */
};
/* The timestamps that PostgreSQL has, in seconds since 1970: 4713 BC to the year 294276. */
#define VG_SECONDS_LEAST INT64_C(-210866803200)
#define VG_SECONDS_MOST  INT64_C(9224318015999)

struct vg_catalog_column {
    const char *name;   /* as stored, UTF-8 cleaned only for display elsewhere */
    const char *quoted; /* as PQescapeIdentifier gave it, for SQL */
    const char *type;   /* format_type(), e.g. "double precision", "numeric(10,2)" */
    uint32_t wire_oid;  /* base type below all domains: what the COPY carries */
    enum vg_kind kind;
    bool not_null;
    bool indexed_first; /* first column of a valid index: min and max are cheap */
    bool unreadable;    /* we have no right to read it */
    /* Structure that only the schema check looks at. */
    const char *base_type;   /* format_type() below all domains, or NULL: the same as type */
    const char *collation;   /* its name, or NULL */
    char collation_provider; /* 'c' libc, 'i' ICU, 'b' the server itself, or 0: not known */
    char generated;          /* 's' stored, 'v' virtual, or 0 */
    char identity;           /* 'a' always, 'd' by default, or 0 */
    uint64_t value_hash;     /* of its default or generation expression, 0: it has none */
    const uint64_t *labels;  /* hashes of the labels of its enum, in their order */
    size_t nlabels;
    /* Of a column that the rule file computes (agent/loop/source.c); `quoted` is then an expression
     * in parentheses. Zero for a column of the relation. */
    bool computed;
    const char *problem; /* why it cannot be computed now, or NULL */
    const char *scan;    /* what the scan reads instead of `quoted`, or NULL */
    uint32_t cast_oid;   /* the scan brings text, converted here to this type; 0: none */
    enum vg_codec codec; /* the scan brings bytes, decoded here to cast_oid (0: to no type) */
    uint32_t route;      /* of a long source: the number of its name, from 1; 0: of every row */
    const char *only;    /* of a long source: SQL condition that its rows meet, or NULL */
};

/* Whether a value as rule files write it ("true", "12.5", a text) can be in the column at all: a
 * bool has two, an enum its labels, a number what is one, NaN and the infinities. */
bool vg_catalog_can_hold(const struct vg_catalog_column *column, const char *value);

struct vg_catalog_constraint {
    char kind; /* p primary key, u unique, f foreign key, c check, x exclusion */
    bool valid;
    const char *name;
    uint64_t hash; /* of its definition, whether validated or not */
    const char *const *columns;
    size_t ncolumns;
};

struct vg_catalog {
    uint32_t oid;
    char relkind;         /* r p v m f, q: a query */
    const char *quoted;   /* schema.table, both quoted; a query: "(...) AS alias" */
    const char *relation; /* the same beneath the columns of `expr`, where `quoted` is a sub-select;
                           * else NULL */
    int64_t bytes;        /* pg_table_size of it and its partitions, -1 unknown */
    double rows_estimate; /* reltuples, -1 unknown */
    const char *server_encoding;
    uint32_t server_version;           /* server_version_num */
    struct vg_catalog_column *columns; /* in attnum order */
    size_t n;
    struct vg_catalog_constraint *constraints; /* by name */
    size_t nconstraints;
    bool row_security;         /* policies decide which rows our role sees */
    const char *range_column;  /* partitioned by ranges of this column first, or NULL */
    const char *const *bounds; /* of its partitions, as the server writes them; with range_column */
    size_t nbounds;
    const char *names; /* of a long source: its column of names; else NULL */
};

/* What the server says of a column of a SELECT. */
struct vg_described {
    const char *name, *quoted;
    const char *type; /* format_type() */
    uint32_t oid;     /* base type below all domains */
    enum vg_kind kind;
};

/* A small result of a statement, as text. */
struct vg_rows {
    size_t nrows, ncols;
    const char *const *cells; /* row-major; NULL for SQL NULL */
};

/* The column of this exact name, or NULL. */
const struct vg_catalog_column *vg_catalog_find(const struct vg_catalog *catalog, const char *name);
const char *vg_kind_name(enum vg_kind kind);
/* The type of the arrays of a type that can be decoded, and that of an array's elements; by their
 * fixed identities, 0 where there is none. */
uint32_t vg_array_of(uint32_t element);
uint32_t vg_array_element(uint32_t array);

/* The structure in a catalogue, as text that is equal for equal structures.
 * Expressions, definitions and labels are in it as hashes. Partitions come and go and are not.
 * Appended to `out`, which says when there is no room. */
void vg_catalog_write(const struct vg_catalog *catalog, struct vg_buf *out);
/* In arena; what the text does not hold is zero. VG_E_DATA for a text of another version or a
 * damaged one, VG_E_MEMORY. */
int vg_catalog_read(const char *text, struct vg_arena *arena, const struct vg_catalog **out,
                    struct vg_error *err);

#endif
