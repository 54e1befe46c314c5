/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Protobuf as far as feast.types.Value needs it: one field, whose number says what it holds. Pure.
 * Every length is checked against what is left before a byte is read; anything but one well-formed
 * field that fills the message is no value. */
#include "agent/pg/decode_feast.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "agent/pg/decode.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

enum { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };
enum { VARINT_MAX = 10 };

/* The fields of Value; a list has the number of its elements' field and 10 more. */
enum {
    FIELD_BYTES = 1,
    FIELD_STRING,
    FIELD_INT32,
    FIELD_INT64,
    FIELD_DOUBLE,
    FIELD_FLOAT,
    FIELD_BOOL,
    FIELD_TIMESTAMP,
    FIELD_LIST = 10,
    FIELD_NULL = 19
};

struct bytes {
    const uint8_t *at, *end;
};

/* One field: an integer or the bits of a number, or the bytes of a text or list. */
struct field {
    unsigned number, wire;
    uint64_t bits;
    struct bytes payload;
};

static bool read_varint(struct bytes *in, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < VARINT_MAX && in->at < in->end; i++) {
        uint8_t byte = *in->at++;
        if (i == VARINT_MAX - 1 && byte > 1)
            return false;
        *out |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(struct bytes *in, size_t size, uint64_t *out)
{
    *out = 0;
    if ((size_t)(in->end - in->at) < size)
        return false;
    for (size_t i = 0; i < size; i++)
        *out |= (uint64_t)*in->at++ << (8 * i);
    return true;
}

static bool read_bytes(struct bytes *in, struct bytes *out)
{
    uint64_t len;
    if (!read_varint(in, &len) || len > (uint64_t)(in->end - in->at))
        return false;
    *out = (struct bytes){in->at, in->at + len};
    in->at += len;
    return true;
}

static bool read_field(struct bytes *in, struct field *out)
{
    uint64_t tag;
    if (!read_varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > UINT16_MAX)
        return false;
    *out = (struct field){.number = (unsigned)(tag >> 3), .wire = tag & 7};
    switch (out->wire) {
    case WIRE_VARINT:
        return read_varint(in, &out->bits);
    case WIRE_FIXED64:
        return read_fixed(in, 8, &out->bits);
    case WIRE_FIXED32:
        return read_fixed(in, 4, &out->bits);
    case WIRE_BYTES:
        return read_bytes(in, &out->payload);
    default:
        return false;
    }
}

/* How the values of a scalar field travel. */
static unsigned wire_of(unsigned number)
{
    static const uint8_t wires[] = {
        [FIELD_BYTES] = WIRE_BYTES,  [FIELD_STRING] = WIRE_BYTES,     [FIELD_INT32] = WIRE_VARINT,
        [FIELD_INT64] = WIRE_VARINT, [FIELD_DOUBLE] = WIRE_FIXED64,   [FIELD_FLOAT] = WIRE_FIXED32,
        [FIELD_BOOL] = WIRE_VARINT,  [FIELD_TIMESTAMP] = WIRE_VARINT,
    };
    return wires[number];
}

/* Whether the field is one of Value, in the form that it must have. */
static bool is_known(const struct field *field)
{
    if (field->number >= FIELD_BYTES && field->number <= FIELD_TIMESTAMP)
        return field->wire == wire_of(field->number);
    if (field->number > FIELD_LIST && field->number <= FIELD_LIST + FIELD_TIMESTAMP)
        return field->wire == WIRE_BYTES;
    return field->number == FIELD_NULL && field->wire == WIRE_VARINT && field->bits == 0;
}

/* --- Scalars ---------------------------------------------------------------------------------- */

static enum vg_cell take_number(double value, double *num)
{
    if (!isfinite(value))
        return isnan(value) ? VG_CELL_NAN : value > 0 ? VG_CELL_PINF : VG_CELL_NINF;
    *num = value;
    return VG_CELL_VALUE;
}

static enum vg_cell convert_integer(uint32_t oid, const struct field *field, double *num)
{
    int64_t value = (int64_t)field->bits;
    bool small = value >= INT16_MIN && value <= INT16_MAX;
    bool middle = value >= INT32_MIN && value <= INT32_MAX;
    if (field->number == FIELD_INT32 && !middle)
        return VG_CELL_UNCAST;
    bool fits = oid == VG_OID_INT8 || oid == VG_OID_NUMERIC || oid == VG_OID_FLOAT8 ||
                (oid == VG_OID_INT4 && middle) || (oid == VG_OID_INT2 && small);
    return fits ? take_number((double)value, num) : VG_CELL_UNCAST;
}

static enum vg_cell convert_float(uint32_t oid, const struct field *field, double *num)
{
    bool wide = field->number == FIELD_DOUBLE;
    uint32_t half = (uint32_t)field->bits;
    double value;
    float single;
    memcpy(&value, &field->bits, sizeof value);
    memcpy(&single, &half, sizeof single);
    if (oid != VG_OID_FLOAT8 && oid != VG_OID_NUMERIC && (oid != VG_OID_FLOAT4 || wide))
        return VG_CELL_UNCAST;
    return take_number(wide ? value : (double)single, num);
}

static enum vg_cell convert_bool(uint32_t oid, const struct field *field, double *num)
{
    if (oid != VG_OID_BOOL || field->bits > 1)
        return VG_CELL_UNCAST;
    return take_number((double)field->bits, num);
}

/* Seconds; those that no timestamp of PostgreSQL has are no value. */
static enum vg_cell convert_time(uint32_t oid, const struct field *field, double *num)
{
    int64_t seconds = (int64_t)field->bits;
    bool fits = seconds >= VG_SECONDS_LEAST && seconds <= VG_SECONDS_MOST;
    if ((oid != VG_OID_TIMESTAMP && oid != VG_OID_TIMESTAMPTZ) || !fits)
        return VG_CELL_UNCAST;
    return take_number((double)seconds * (double)VG_US, num);
}

static enum vg_cell convert_string(uint32_t oid, const struct field *field, struct vg_slice *text)
{
    const char *data = (const char *)field->payload.at;
    size_t len = (size_t)(field->payload.end - field->payload.at);
    bool whole = vg_utf8_valid(data, len) && (!len || !memchr(data, '\0', len));
    if ((oid != VG_OID_TEXT && oid != VG_OID_VARCHAR) || !whole)
        return VG_CELL_UNCAST;
    *text = (struct vg_slice){data, (uint32_t)len};
    return VG_CELL_VALUE;
}

/* --- Lists ------------------------------------------------------------------------------------ */

/* The elements of one packed piece; false when it is damaged. */
static bool count_packed(struct bytes piece, unsigned wire, double *num)
{
    uint64_t bits;
    for (; piece.at < piece.end; *num += 1) {
        bool read = wire == WIRE_VARINT    ? read_varint(&piece, &bits)
                    : wire == WIRE_FIXED64 ? read_fixed(&piece, 8, &bits)
                                           : read_fixed(&piece, 4, &bits);
        if (!read)
            return false;
    }
    return true;
}

/* Its message has one repeated field of number 1: each element, or a piece of packed ones. */
static bool count_elements(const struct field *list, double *num)
{
    unsigned wire = wire_of(list->number - FIELD_LIST);
    struct bytes in = list->payload;
    struct field field;
    *num = 0;
    while (in.at < in.end) {
        if (!read_field(&in, &field) || field.number != 1)
            return false;
        if (field.wire == wire)
            *num += 1;
        else if (field.wire != WIRE_BYTES || !count_packed(field.payload, wire, num))
            return false;
    }
    return true;
}

/* Whether the elements of a list are what an array of this type holds. */
static bool holds(uint32_t element, unsigned number)
{
    switch (number) {
    case FIELD_BYTES:
        return element == VG_OID_BYTEA;
    case FIELD_STRING:
        return element == VG_OID_TEXT || element == VG_OID_VARCHAR;
    case FIELD_INT32:
        if (element == VG_OID_INT4)
            return true;
        /* fall through */
    case FIELD_INT64:
        return element == VG_OID_INT8 || element == VG_OID_NUMERIC || element == VG_OID_FLOAT8;
    case FIELD_FLOAT:
        if (element == VG_OID_FLOAT4)
            return true;
        /* fall through */
    case FIELD_DOUBLE:
        return element == VG_OID_FLOAT8 || element == VG_OID_NUMERIC;
    case FIELD_BOOL:
        return element == VG_OID_BOOL;
    default:
        return element == VG_OID_TIMESTAMP || element == VG_OID_TIMESTAMPTZ;
    }
}

/* --- All -------------------------------------------------------------------------------------- */

static enum vg_cell convert_list(uint32_t oid, const struct field *field, double *num)
{
    uint32_t element = vg_array_element(oid);
    bool fine = element && holds(element, field->number - FIELD_LIST) && count_elements(field, num);
    if (!fine)
        *num = 0;
    return fine ? VG_CELL_VALUE : VG_CELL_UNCAST;
}

enum vg_cell vg_feast_convert(uint32_t oid, const uint8_t *data, size_t len, double *num,
                              struct vg_slice *text)
{
    struct bytes in = {data, data + len};
    struct field field;
    *num = 0;
    *text = (struct vg_slice){(const char *)data, (uint32_t)len};
    if (!len)
        return VG_CELL_NULL;
    if (!read_field(&in, &field) || in.at != in.end || !is_known(&field))
        return oid ? VG_CELL_UNCAST : VG_CELL_VALUE;
    if (field.number == FIELD_NULL)
        return VG_CELL_NULL;
    if (!oid)
        return VG_CELL_VALUE;
    switch (field.number) {
    case FIELD_BYTES:
        return VG_CELL_UNCAST;
    case FIELD_STRING:
        return convert_string(oid, &field, text);
    case FIELD_INT32:
    case FIELD_INT64:
        return convert_integer(oid, &field, num);
    case FIELD_DOUBLE:
    case FIELD_FLOAT:
        return convert_float(oid, &field, num);
    case FIELD_BOOL:
        return convert_bool(oid, &field, num);
    case FIELD_TIMESTAMP:
        return convert_time(oid, &field, num);
    default:
        return convert_list(oid, &field, num);
    }
}
