/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The built-in types of PostgreSQL that pgvigil tells apart, by their fixed identity in pg_type;
 * layer 1. Everywhere else a type is named by these. */
#ifndef PGVIGIL_OID_H
#define PGVIGIL_OID_H

enum vg_oid {
    VG_OID_BOOL = 16,
    VG_OID_BYTEA = 17,
    VG_OID_CHAR = 18, /* the one-byte "char" */
    VG_OID_NAME = 19,
    VG_OID_INT8 = 20,
    VG_OID_INT2 = 21,
    VG_OID_INT4 = 23,
    VG_OID_TEXT = 25,
    VG_OID_JSON = 114,
    VG_OID_XML = 142,
    VG_OID_POINT = 600,
    VG_OID_LSEG = 601,
    VG_OID_PATH = 602,
    VG_OID_BOX = 603,
    VG_OID_POLYGON = 604,
    VG_OID_LINE = 628,
    VG_OID_FLOAT4 = 700,
    VG_OID_FLOAT8 = 701,
    VG_OID_CIRCLE = 718,
    VG_OID_BPCHAR = 1042, /* char(n) */
    VG_OID_VARCHAR = 1043,
    VG_OID_DATE = 1082,
    VG_OID_TIMESTAMP = 1114,
    VG_OID_TIMESTAMPTZ = 1184,
    VG_OID_NUMERIC = 1700,
    VG_OID_UUID = 2950,
    /* arrays of them */
    VG_OID_BOOLS = 1000,
    VG_OID_BYTEAS = 1001,
    VG_OID_INT2S = 1005,
    VG_OID_INT4S = 1007,
    VG_OID_TEXTS = 1009,
    VG_OID_VARCHARS = 1015,
    VG_OID_INT8S = 1016,
    VG_OID_FLOAT4S = 1021,
    VG_OID_FLOAT8S = 1022,
    VG_OID_TIMESTAMPS = 1115,
    VG_OID_TIMESTAMPTZS = 1185,
    VG_OID_NUMERICS = 1231
};

#endif
