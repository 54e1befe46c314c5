/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loops of the decoder, one for each wire type: no branch on data in the common case, no
 * allocation, no bounds to check. Nulls decode to whatever stands at the start of the buffer and
 * are set right afterwards, only in columns that have some. */
#include "agent/pg/decode_column.h"

#include <math.h>
#include <stdbool.h>

#include "agent/pg/decode.h"
#include "agent/pg/decode_feast.h"
#include "agent/pg/decode_text.h"
#include "agent/pg/decode_wire.h"
#include "pgvigil/time.h"

/* The wire counts from 2000-01-01. */
enum { EPOCH_DAYS = 10957 };
#define EPOCH_US       (EPOCH_DAYS * VG_DAY_US)
#define FLOAT8_SPECIAL UINT64_C(0x7ff0000000000000)
#define FLOAT4_SPECIAL UINT32_C(0x7f800000)

static int decode_bool(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    for (size_t r = 0; r < n; r++)
        f->num[r] = base[f->at[r]] != 0 ? 1.0 : 0.0;
    return 0;
}

static int decode_int2(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    for (size_t r = 0; r < n; r++)
        f->num[r] = (int16_t)read_u16(base + f->at[r]);
    return 0;
}

static int decode_int4(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    for (size_t r = 0; r < n; r++)
        f->num[r] = (int32_t)read_u32(base + f->at[r]);
    return 0;
}

static int decode_int8(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    for (size_t r = 0; r < n; r++)
        f->num[r] = (double)(int64_t)read_u64(base + f->at[r]);
    return 0;
}

static int decode_float4(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    int special = 0;
    for (size_t r = 0; r < n; r++) {
        uint32_t bits = read_u32(base + f->at[r]);
        float x;
        memcpy(&x, &bits, sizeof x);
        f->num[r] = x;
        special |= (bits & FLOAT4_SPECIAL) == FLOAT4_SPECIAL;
    }
    return special;
}

static int decode_float8(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    int special = 0;
    for (size_t r = 0; r < n; r++) {
        uint64_t bits = read_u64(base + f->at[r]);
        memcpy(&f->num[r], &bits, sizeof bits);
        special |= (bits & FLOAT8_SPECIAL) == FLOAT8_SPECIAL;
    }
    return special;
}

static int decode_numeric(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    int special = 0;
    for (size_t r = 0; r < n; r++) {
        uint32_t at = f->at[r];
        if (!at)
            continue;
        if (vg_numeric_double(base + at, read_u32(base + at - 4), &f->num[r]) != 0) {
            *bad = r;
            return -1;
        }
        special |= !isfinite(f->num[r]);
    }
    return special;
}

static int decode_date(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    int special = 0;
    for (size_t r = 0; r < n; r++) {
        int32_t days = (int32_t)read_u32(base + f->at[r]);
        bool edge = days == INT32_MAX || days == INT32_MIN;
        double us = ((double)days + EPOCH_DAYS) * (double)VG_DAY_US;
        f->num[r] = edge ? (days > 0 ? INFINITY : -INFINITY) : us;
        special |= edge;
    }
    return special;
}

static int decode_timestamp(struct vg_field *f, const uint8_t *base, size_t n, size_t *bad)
{
    (void)bad;
    int special = 0;
    for (size_t r = 0; r < n; r++) {
        int64_t us = (int64_t)read_u64(base + f->at[r]);
        bool edge = us == INT64_MAX || us == INT64_MIN;
        /* The last 30 years of the type's range do not fit when counted from 1970. */
        double since_1970 =
            us > INT64_MAX - EPOCH_US ? (double)us + (double)EPOCH_US : (double)(us + EPOCH_US);
        f->num[r] = edge ? (us > 0 ? INFINITY : -INFINITY) : since_1970;
        special |= edge;
    }
    return special;
}

static const struct wire_type {
    uint32_t oid;
    enum vg_kind kind;
    uint32_t width;
    vg_field_decode *decode;
} wire_types[] = {
    {VG_OID_BOOL, VG_KIND_BOOL, 1, decode_bool},
    {VG_OID_INT2, VG_KIND_NUMBER, 2, decode_int2},
    {VG_OID_INT4, VG_KIND_NUMBER, 4, decode_int4},
    {VG_OID_INT8, VG_KIND_NUMBER, 8, decode_int8},
    {VG_OID_FLOAT4, VG_KIND_NUMBER, 4, decode_float4},
    {VG_OID_FLOAT8, VG_KIND_NUMBER, 8, decode_float8},
    {VG_OID_NUMERIC, VG_KIND_NUMBER, 0, decode_numeric},
    {VG_OID_DATE, VG_KIND_TIME, 4, decode_date},
    {VG_OID_TIMESTAMP, VG_KIND_TIME, 8, decode_timestamp},
    {VG_OID_TIMESTAMPTZ, VG_KIND_TIME, 8, decode_timestamp},
    {VG_OID_UUID, VG_KIND_TEXT, 16, NULL},
    {VG_OID_CHAR, VG_KIND_TEXT, 1, NULL},
    {VG_OID_NAME, VG_KIND_TEXT, 0, NULL},
    {VG_OID_TEXT, VG_KIND_TEXT, 0, NULL},
    {VG_OID_BPCHAR, VG_KIND_TEXT, 0, NULL},
    {VG_OID_VARCHAR, VG_KIND_TEXT, 0, NULL},
};

static const struct wire_type *find_wire_type(uint32_t oid)
{
    for (size_t i = 0; i < sizeof wire_types / sizeof *wire_types; i++)
        if (wire_types[i].oid == oid)
            return &wire_types[i];
    return NULL;
}

enum vg_kind vg_wire_kind(uint32_t wire_oid)
{
    const struct wire_type *type = find_wire_type(wire_oid);
    return type ? type->kind : VG_KIND_OTHER;
}

static int setup_decoded(const struct vg_query_column *column)
{
    uint32_t oid = column->cast_oid;
    enum vg_kind kind = vg_array_element(oid) ? VG_KIND_NUMBER : vg_wire_kind(oid);
    return column->wire_oid == VG_OID_BYTEA && kind == column->kind ? 0 : -1;
}

int vg_field_setup(struct vg_field *field, const struct vg_query_column *column)
{
    enum vg_kind kind = column->kind;
    field->kind = kind;
    field->wire_oid = column->wire_oid;
    field->cast_oid = column->cast_oid;
    field->codec = column->codec;
    if (column->codec)
        return setup_decoded(column);
    if (kind == VG_KIND_OTHER)
        return 0;
    if (column->cast_oid)
        return column->wire_oid == VG_OID_TEXT && vg_wire_kind(column->cast_oid) == kind ? 0 : -1;
    const struct wire_type *type = find_wire_type(column->wire_oid);
    /* Every enum has an identity of its own; its labels travel as text. */
    if (!type)
        return kind == VG_KIND_TEXT ? 0 : -1;
    field->width = type->width;
    field->decode = type->decode;
    return type->kind == kind ? 0 : -1;
}

/* Sets the state of each row, and num to 0 where there is no value; returns how many. */
static size_t mark_specials(struct vg_field *f, size_t n)
{
    size_t specials = 0;
    for (size_t r = 0; r < n; r++) {
        uint8_t state = VG_CELL_VALUE;
        if (f->at[r] == 0)
            state = VG_CELL_NULL;
        else if (f->num && !isfinite(f->num[r]))
            state = isnan(f->num[r]) ? VG_CELL_NAN : f->num[r] > 0 ? VG_CELL_PINF : VG_CELL_NINF;
        f->state[r] = state;
        if (state != VG_CELL_VALUE) {
            specials++;
            if (f->num)
                f->num[r] = 0.0;
        }
    }
    return specials;
}

static uint32_t trim_text(const struct vg_field *f, const char *text, uint32_t len)
{
    if (f->wire_oid == VG_OID_BPCHAR)
        while (len > 0 && text[len - 1] == ' ')
            len--;
    else if (f->wire_oid == VG_OID_CHAR && text[0] == '\0')
        len = 0;
    return len;
}

static void slice_raw(struct vg_field *f, const uint8_t *base, size_t n)
{
    bool trims = f->wire_oid == VG_OID_BPCHAR || f->wire_oid == VG_OID_CHAR;
    for (size_t r = 0; r < n; r++) {
        uint32_t at = f->at[r];
        const char *data = (const char *)base + at;
        uint32_t len = at ? read_u32(base + at - 4) : 0;
        if (trims && len)
            len = trim_text(f, data, len);
        f->raw[r] = (struct vg_slice){data, len};
    }
}

/* Converts the texts of n rows; returns how many are no plain value. */
static size_t convert_texts(struct vg_field *f, const uint8_t *base, size_t n)
{
    size_t specials = 0;
    for (size_t r = 0; r < n; r++) {
        uint32_t at = f->at[r];
        enum vg_cell state = VG_CELL_NULL;
        f->num[r] = 0.0;
        if (at)
            state = vg_text_convert(f->cast_oid, (const char *)base + at, read_u32(base + at - 4),
                                    &f->num[r]);
        f->state[r] = (uint8_t)state;
        specials += state != VG_CELL_VALUE;
    }
    return specials;
}

/* Decodes the messages of n rows; returns how many are no plain value. */
static size_t decode_messages(struct vg_field *f, const uint8_t *base, size_t n)
{
    size_t specials = 0;
    for (size_t r = 0; r < n; r++) {
        uint32_t at = f->at[r];
        enum vg_cell state = VG_CELL_NULL;
        struct vg_slice text = {(const char *)base, 0};
        double num = 0;
        if (at)
            state = vg_feast_convert(f->cast_oid, base + at, read_u32(base + at - 4), &num, &text);
        if (state == VG_CELL_NULL)
            text.len = 0;
        f->state[r] = (uint8_t)state;
        specials += state != VG_CELL_VALUE;
        if (f->num)
            f->num[r] = num;
        if (f->raw)
            f->raw[r] = text;
    }
    return specials;
}

int vg_field_batch(struct vg_field *field, const uint8_t *base, size_t n, const uint8_t *clean,
                   struct vg_column *out, size_t *bad)
{
    int special = field->decode ? field->decode(field, base, n, bad) : 0;
    if (special < 0)
        return -1;
    if (field->raw && !field->codec)
        slice_raw(field, base, n);
    *out = (struct vg_column){.kind = field->kind,
                              .wire_oid = field->wire_oid,
                              .state = clean,
                              .num = field->num,
                              .raw = field->raw};
    if (field->codec) {
        out->special = decode_messages(field, base, n);
        out->state = field->state;
    } else if (field->cast_oid) {
        out->special = convert_texts(field, base, n);
        out->state = field->state;
    } else if (special || field->nulls) {
        out->special = mark_specials(field, n);
        out->state = field->state;
    }
    return 0;
}
