/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells of a batch as text, and look-ups in a catalogue; layer 4, pure. Texts are valid UTF-8,
 * whatever bytes the server sent, and never longer than asked for. Wire bytes are preferred to the
 * double where a batch has them: keys above 2^53 and numerics stay exact. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pg/decode.h"
#include "agent/pg/decode_wire.h"
#include "pgvigil/batch.h"
#include "pgvigil/catalog.h"
#include "pgvigil/time.h"

enum { UUID_BYTES = 16 };

const char *vg_kind_name(enum vg_kind kind)
{
    switch (kind) {
    case VG_KIND_NUMBER:
        return "number";
    case VG_KIND_TIME:
        return "time";
    case VG_KIND_BOOL:
        return "bool";
    case VG_KIND_TEXT:
        return "text";
    case VG_KIND_OTHER:
        break;
    }
    return "other";
}

const struct vg_catalog_column *vg_catalog_find(const struct vg_catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->n; i++)
        if (vg_streq(catalog->columns[i].name, name))
            return &catalog->columns[i];
    return NULL;
}

static void put_text(const struct vg_slice *raw, char *out, size_t size)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t len = 0;
    for (size_t i = 0; i < raw->len;) {
        size_t k = vg_utf8_prefix(raw->data + i, raw->len - i, 1);
        bool valid = vg_utf8_valid(raw->data + i, k) && raw->data[i] != '\0';
        const char *piece = valid ? raw->data + i : replacement;
        size_t n = valid ? k : sizeof replacement - 1;
        if (len + n >= size)
            break;
        memcpy(out + len, piece, n);
        len += n;
        i += k;
    }
    out[len] = '\0';
}

/* Hexadecimal digits of n bytes after `prefix`, with the dashes of a uuid if asked for. */
static void put_hex(const struct vg_slice *raw, const char *prefix, bool dashes, char *out,
                    size_t size)
{
    int len = snprintf(out, size, "%s", prefix);
    for (size_t i = 0; i < raw->len && len >= 0 && (size_t)len + 3 < size; i++) {
        const char *dash = dashes && (i == 4 || i == 6 || i == 8 || i == 10) ? "-" : "";
        len += snprintf(out + len, size - (size_t)len, "%s%02x", dash, (uint8_t)raw->data[i]);
    }
}

static void put_float4(float x, char *out, size_t size)
{
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out, size, "%.*g", digits, (double)x);
        if (strtof(out, NULL) == x)
            return;
    }
}

static void put_integer(int64_t x, char *out, size_t size)
{
    snprintf(out, size, "%lld", (long long)x);
}

static void put_number(const struct vg_column *column, size_t row, char *out, size_t size)
{
    char text[VG_NUMBER_TEXT];
    double x = column->num[row];
    const uint8_t *wire = column->raw ? (const uint8_t *)column->raw[row].data : NULL;
    switch (column->wire_oid) {
    case VG_OID_INT8:
        put_integer(wire ? (int64_t)read_u64(wire) : (int64_t)x, out, size);
        return;
    case VG_OID_INT2:
    case VG_OID_INT4:
        put_integer((int64_t)x, out, size);
        return;
    case VG_OID_FLOAT4:
        put_float4((float)x, out, size);
        return;
    case VG_OID_NUMERIC:
        if (wire) {
            vg_numeric_text(wire, column->raw[row].len, out, size);
            return;
        }
        break;
    default:
        break;
    }
    snprintf(out, size, "%s", vg_format_double(x, text));
}

/* A date as its day, a timestamp as the wall clock it is, a timestamptz in UTC. */
static void put_time(const struct vg_column *column, size_t row, char *out, size_t size)
{
    char text[VG_TIME_TEXT];
    double us = column->num[row];
    if (fabs(us) >= 0x1p63) {
        snprintf(out, size, "%g days since 1970", us / (double)VG_DAY_US);
        return;
    }
    vg_format_time((int64_t)us, text);
    if (column->wire_oid == VG_OID_DATE)
        text[strcspn(text, "T")] = '\0';
    else if (column->wire_oid == VG_OID_TIMESTAMP)
        text[strcspn(text, "Z")] = '\0';
    snprintf(out, size, "%s", text);
}

static const char *name_state(const struct vg_column *column, size_t row)
{
    bool is_time = column->kind == VG_KIND_TIME;
    switch (column->state[row]) {
    case VG_CELL_NULL:
        return "NULL";
    case VG_CELL_NAN:
        return "NaN";
    case VG_CELL_PINF:
        return is_time ? "infinity" : "+Inf";
    case VG_CELL_NINF:
        return is_time ? "-infinity" : "-Inf";
    default:
        return NULL;
    }
}

/* The text that could not be converted, or the bytes, where they were kept. */
static void put_uncast(const struct vg_column *column, const struct vg_slice *raw, char *out,
                       size_t size)
{
    if (raw && column->wire_oid == VG_OID_BYTEA)
        put_hex(raw, "\\x", false, out, size);
    else if (raw)
        put_text(raw, out, size);
    else
        snprintf(out, size, "?");
}

char *vg_cell_text(const struct vg_column *column, size_t row, char *out, size_t size)
{
    const char *special = name_state(column, row);
    const struct vg_slice *raw = column->raw ? &column->raw[row] : NULL;
    if (size == 0)
        return out;
    if (special)
        snprintf(out, size, "%s", special);
    else if (column->state[row] == VG_CELL_UNCAST)
        put_uncast(column, raw, out, size);
    else if (column->kind == VG_KIND_NUMBER)
        put_number(column, row, out, size);
    else if (column->kind == VG_KIND_TIME)
        put_time(column, row, out, size);
    else if (column->kind == VG_KIND_BOOL)
        snprintf(out, size, "%s", column->num[row] != 0 ? "true" : "false");
    else if (!raw)
        snprintf(out, size, "?");
    else if (column->kind == VG_KIND_OTHER)
        put_hex(raw, "\\x", false, out, size);
    else if (column->wire_oid == VG_OID_UUID && raw->len == UUID_BYTES)
        put_hex(raw, "", true, out, size);
    else
        put_text(raw, out, size);
    return out;
}
