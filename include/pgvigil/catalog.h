/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pg_catalog says of one relation, in a cycle's snapshot; layer 1. Plain data. */
#ifndef PGVIGIL_CATALOG_H
#define PGVIGIL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a column's values are to us, whatever their wire type (domains are followed). */
enum vg_kind {
    VG_KIND_OTHER,  /* only nulls can be counted */
    VG_KIND_NUMBER, /* int2 int4 int8 float4 float8 numeric */
    VG_KIND_TIME,   /* date timestamp timestamptz: microseconds since 1970 */
    VG_KIND_BOOL,   /* a category, "true" and "false" */
    VG_KIND_TEXT,   /* text varchar char name enum uuid: a category */
};

struct vg_catalog_column {
    const char *name;   /* as stored, UTF-8 cleaned only for display elsewhere */
    const char *quoted; /* as PQescapeIdentifier gave it, for SQL */
    const char *type;   /* format_type(), e.g. "double precision", "numeric(10,2)" */
    uint32_t wire_oid;  /* base type below all domains: what the COPY carries */
    enum vg_kind kind;
    bool not_null;
    bool indexed_first; /* first column of a valid index: min and max are cheap */
    bool unreadable;    /* we have no right to read it */
};

struct vg_catalog {
    uint32_t oid;
    char relkind;         /* r p v m f */
    const char *quoted;   /* schema.table, both quoted */
    int64_t bytes;        /* pg_table_size of it and its partitions, -1 unknown */
    double rows_estimate; /* reltuples, -1 unknown */
    const char *server_encoding;
    uint32_t server_version;           /* server_version_num */
    struct vg_catalog_column *columns; /* in attnum order */
    size_t n;
};

/* The column of this exact name, or NULL. */
const struct vg_catalog_column *vg_catalog_find(const struct vg_catalog *catalog, const char *name);
const char *vg_kind_name(enum vg_kind kind);

#endif
