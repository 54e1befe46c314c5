/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions that read Feast's serialised values and keys in the server, byte by byte: PostgreSQL
 * has no function for them. Pure. No value of a row makes one of them fail: what does not fit is
 * NULL. Names of their own begin with pgv_, so that none of the table's is hidden. */
#include "agent/sql_feast.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql.h"

static uint32_t find_oid(const char *name, size_t len)
{
    static const struct {
        const char *name;
        uint32_t oid;
    } more[] = {{"text", VG_OID_TEXT},
                {"varchar", VG_OID_VARCHAR},
                {"character varying", VG_OID_VARCHAR},
                {"bytea", VG_OID_BYTEA}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (strlen(more[i].name) == len && !strncmp(more[i].name, name, len))
            return more[i].oid;
    }
    return vg_sql_type_oid(name, len);
}

static enum vg_kind kind_of(uint32_t oid)
{
    switch (oid) {
    case VG_OID_BOOL:
        return VG_KIND_BOOL;
    case VG_OID_TEXT:
    case VG_OID_VARCHAR:
        return VG_KIND_TEXT;
    case VG_OID_TIMESTAMP:
    case VG_OID_TIMESTAMPTZ:
        return VG_KIND_TIME;
    case VG_OID_BYTEA:
        return VG_KIND_OTHER;
    default:
        return VG_KIND_NUMBER;
    }
}

bool vg_feast_type(const char *name, struct vg_feast_type *out)
{
    size_t len = strlen(name);
    bool list = len > 2 && !strcmp(name + len - 2, "[]");
    uint32_t oid = find_oid(name, list ? len - 2 : len);
    *out = (struct vg_feast_type){0, VG_KIND_OTHER};
    if (!vg_array_of(oid))
        return false;
    if (list)
        *out = (struct vg_feast_type){vg_array_of(oid), VG_KIND_NUMBER};
    else if (oid != VG_OID_BYTEA)
        *out = (struct vg_feast_type){oid, kind_of(oid)};
    return true;
}

/* --- Pieces ----------------------------------------------------------------------------------- */

/* So many bytes from `at` (in SQL, from 0), the least first, as a bigint. They must be there. */
static void put_bits(struct vg_buf *out, const char *bytes, const char *at, int n)
{
    for (int i = 0; i < n; i++)
        vg_buf_printf(out, "%s(pg_catalog.get_byte(%s, (%s + %d)::int4)::int8 << %d)",
                      i ? " | " : "(", bytes, at, i, 8 * i);
    vg_buf_putc(out, ')');
}

/* "(SELECT value FROM (SELECT integer AS pgv_v))": the integer of a whole message; none where a
 * byte says that it goes on and it does not, or the other way round. */
static void put_integer(struct vg_buf *out, const char *bytes, const char *value)
{
    vg_buf_printf(out,
                  "(SELECT %s FROM (SELECT pg_catalog.bit_or((pg_catalog.get_byte(%s, pgv_i)::int8"
                  " & 127) << (7 * (pgv_i - 1))) AS pgv_v\n"
                  "FROM pg_catalog.generate_series(1, pg_catalog.octet_length(%s) - 1) AS pgv_i\n",
                  value, bytes, bytes);
    vg_buf_printf(out,
                  "HAVING pg_catalog.bool_and(pg_catalog.get_byte(%s, pgv_i) BETWEEN"
                  " CASE WHEN pgv_i < pg_catalog.octet_length(%s) - 1 THEN 128 ELSE 0 END AND"
                  " CASE WHEN pgv_i < pg_catalog.octet_length(%s) - 1 THEN 255 WHEN pgv_i = 10"
                  " THEN 1 ELSE 127 END)) AS pgv_n)",
                  bytes, bytes, bytes);
}

/* The text in `bytes`, an expression; NULL where they are no UTF-8 without a zero byte: converting
 * those would end the statement. A server of another encoding has only what is ASCII. */
static void put_utf8(struct vg_buf *out, const char *bytes)
{
    static const char whole[] =
        "^(?:0[1-9a-f]|[1-7].|(?:c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|ed[89].[89ab]."
        "|e[1-9a-cef][89ab].[89ab].|f0[9ab].(?:[89ab].){2}|f[1-3](?:[89ab].){3}"
        "|f48.(?:[89ab].){2})*$";
    vg_buf_printf(out,
                  "CASE WHEN pg_catalog.encode(%s, 'hex') ~ CASE WHEN"
                  " pg_catalog.getdatabaseencoding() IN ('UTF8', 'SQL_ASCII') THEN\n'%s'\n"
                  "ELSE '^(?:0[1-9a-f]|[1-7].)*$' END"
                  " THEN pg_catalog.convert_from(%s, 'UTF8') END",
                  bytes, whole, bytes);
}

/* A number of IEEE 754 out of its bits, exactly: a power of two times an integer. The power is
 * taken in two steps, since the server's own fails where its result is not normal. */
static void put_float(struct vg_buf *out, const char *bytes, bool wide)
{
    int digits = wide ? 52 : 23, bias = wide ? 1075 : 150, all = wide ? 2047 : 255;
    const char *one = wide ? "4503599627370496" : "8388608";
    vg_buf_printf(
        out,
        "(SELECT CASE WHEN pgv_x = %d THEN CASE WHEN pgv_m <> 0 THEN 'NaN'"
        " WHEN pgv_s THEN '-Infinity' ELSE 'Infinity' END::float8\n"
        "ELSE CASE WHEN pgv_s THEN -1 ELSE 1 END"
        " * (pgv_m + CASE WHEN pgv_x > 0 THEN %s ELSE 0 END)::float8\n"
        "  * pg_catalog.power(2::float8, (greatest(pgv_x, 1) - %d + CASE WHEN pgv_x < 1000"
        " THEN %d ELSE 0 END)::float8)\n"
        "  * CASE WHEN pgv_x < 1000 THEN pg_catalog.power(2::float8, %d::float8)"
        " ELSE 1 END END\n"
        "FROM (SELECT pgv_b < 0 AS pgv_s, (pgv_b >> %d) & %d AS pgv_x,"
        " pgv_b & (%s - 1) AS pgv_m\n"
        "FROM (SELECT ",
        all, one, bias, wide ? 1000 : 0, wide ? -1000 : 0, digits, all, one);
    put_bits(out, bytes, "1", wide ? 8 : 4);
    /* The sign of a half stands where that of a bigint does. */
    vg_buf_printf(out, "%s AS pgv_b OFFSET 0) AS pgv_c OFFSET 0) AS pgv_f)",
                  wide ? "" : " << 32 >> 32");
}

/* "WHEN condition THEN": the message begins with this tag and has so many bytes, the tag too. */
static void put_when(struct vg_buf *out, const char *bytes, int tag, int least, int most)
{
    vg_buf_printf(out,
                  "\nWHEN pg_catalog.get_byte(%s, 0) = %d AND pg_catalog.octet_length(%s)"
                  " BETWEEN %d AND %d THEN ",
                  bytes, tag, bytes, least, most);
}

/* --- Values ----------------------------------------------------------------------------------- */

enum { TAG_STRING = 0x12, TAG_INT32 = 0x18, TAG_INT64 = 0x20, TAG_DOUBLE = 0x29, TAG_FLOAT = 0x35 };
enum { TAG_BOOL = 0x38, TAG_TIMESTAMP = 0x40, VARINT_MOST = 11, LENGTHS = 4 };
enum { TEXT_MOST = 64 << 20 }; /* a regular expression takes eight times as much */

static void put_integers(struct vg_buf *out, const char *bytes, uint32_t oid)
{
    char value[160];
    const char *type = oid == VG_OID_INT4      ? "int4"
                       : oid == VG_OID_INT2    ? "int2"
                       : oid == VG_OID_FLOAT8  ? "float8"
                       : oid == VG_OID_NUMERIC ? "numeric"
                                               : "int8";
    for (int half = 0; half < 2; half++) {
        bool small = oid == VG_OID_INT2, middle = !small && (half || oid == VG_OID_INT4);
        if (small || middle)
            snprintf(value, sizeof value, "CASE WHEN pgv_v BETWEEN %d AND %d THEN pgv_v::%s END",
                     small ? INT16_MIN : INT32_MIN, small ? INT16_MAX : INT32_MAX, type);
        else
            snprintf(value, sizeof value, "pgv_v::%s", type);
        put_when(out, bytes, half ? TAG_INT32 : TAG_INT64, 2, VARINT_MOST);
        put_integer(out, bytes, value);
    }
}

static void put_floats(struct vg_buf *out, const char *bytes, uint32_t oid)
{
    /* From float8 to numeric the server rounds to 15 digits; by way of text it does not. */
    const char *cast = oid == VG_OID_FLOAT4    ? "::float4"
                       : oid == VG_OID_NUMERIC ? "::text::numeric"
                                               : "";
    if (oid != VG_OID_FLOAT4) {
        put_when(out, bytes, TAG_DOUBLE, 9, 9);
        put_float(out, bytes, true);
        vg_buf_puts(out, cast);
    }
    put_when(out, bytes, TAG_FLOAT, 5, 5);
    put_float(out, bytes, false);
    vg_buf_puts(out, cast);
}

/* The length of a text takes a byte for each 7 bits, all but the last with the eighth bit; it must
 * be that of all the rest. */
static void put_text(struct vg_buf *out, const char *bytes)
{
    for (int n = 1; n <= LENGTHS; n++) {
        struct vg_buf rest;
        vg_buf_init(&rest, 1 << 18);
        vg_buf_printf(&rest, "pg_catalog.substr(%s, %d)", bytes, n + 2);
        int least = (n == 1 ? 0 : 1 << (7 * (n - 1))) + n + 1;
        put_when(out, bytes, TAG_STRING, least, n < LENGTHS ? (1 << (7 * n)) + n : TEXT_MOST);
        vg_buf_puts(out, "CASE WHEN ");
        for (int i = 0; i < n; i++)
            vg_buf_printf(out, "%s(pg_catalog.get_byte(%s, %d) - %d << %d)", i ? " + " : "", bytes,
                          i + 1, i + 1 < n ? 128 : 0, 7 * i);
        vg_buf_printf(out,
                      " = pg_catalog.octet_length(%s) - %d\nAND pg_catalog.get_byte(%s, %d)"
                      " < 128",
                      bytes, n + 1, bytes, n);
        for (int i = 1; i < n; i++)
            vg_buf_printf(out, " AND pg_catalog.get_byte(%s, %d) > 127", bytes, i);
        vg_buf_puts(out, "\nTHEN ");
        put_utf8(out, rest.failed ? "" : rest.data);
        vg_buf_puts(out, " END");
        out->failed |= rest.failed;
        vg_buf_free(&rest);
    }
}

static void put_timestamp(struct vg_buf *out, const char *bytes, uint32_t oid)
{
    char value[256];
    snprintf(value, sizeof value,
             "CASE WHEN pgv_v BETWEEN %" PRId64 " AND %" PRId64
             " THEN %spg_catalog.to_timestamp(pgv_v::float8)%s END",
             VG_SECONDS_LEAST, VG_SECONDS_MOST,
             oid == VG_OID_TIMESTAMP ? "pg_catalog.timezone('UTC', " : "",
             oid == VG_OID_TIMESTAMP ? ")" : "");
    put_when(out, bytes, TAG_TIMESTAMP, 2, VARINT_MOST);
    put_integer(out, bytes, value);
}

void vg_feast_put_value(struct vg_buf *out, const char *value, uint32_t oid)
{
    if (!oid || vg_array_element(oid)) {
        vg_buf_puts(out, value);
        return;
    }
    vg_buf_printf(out, "CASE WHEN pg_catalog.octet_length(%s) < 2 THEN NULL", value);
    if (oid == VG_OID_BOOL) {
        put_when(out, value, TAG_BOOL, 2, 2);
        vg_buf_printf(out, "CASE pg_catalog.get_byte(%s, 1) WHEN 1 THEN true WHEN 0 THEN false END",
                      value);
    }
    if (oid == VG_OID_TEXT || oid == VG_OID_VARCHAR)
        put_text(out, value);
    if (oid == VG_OID_TIMESTAMP || oid == VG_OID_TIMESTAMPTZ)
        put_timestamp(out, value, oid);
    if (oid == VG_OID_INT8 || oid == VG_OID_INT4 || oid == VG_OID_INT2 || oid == VG_OID_FLOAT8 ||
        oid == VG_OID_NUMERIC)
        put_integers(out, value, oid);
    if (oid == VG_OID_FLOAT4 || oid == VG_OID_FLOAT8 || oid == VG_OID_NUMERIC)
        put_floats(out, value, oid);
    vg_buf_puts(out, " END");
}

/* --- Keys ------------------------------------------------------------------------------------- */

enum { KEY_STRING = 2, KEY_INT32 = 3, KEY_INT64 = 4, WORD = 4 };

static size_t put_hex_word(struct vg_buf *out, size_t word)
{
    for (int i = 0; i < WORD; i++)
        vg_buf_printf(out, "%02x", (unsigned)(word >> (8 * i)) & 0xff);
    return WORD;
}

/* Their number and names, in the order of the names, are the same in every key. Returns bytes. */
static size_t put_head(struct vg_buf *out, const struct vg_strings *keys)
{
    vg_buf_puts(out, "'\\x");
    size_t bytes = put_hex_word(out, keys->n);
    for (size_t i = 0; i < keys->n; i++) {
        size_t len = strlen(keys->items[i]);
        bytes += put_hex_word(out, KEY_STRING) + put_hex_word(out, len) + len;
        for (size_t c = 0; c < len; c++)
            vg_buf_printf(out, "%02x", (unsigned char)keys->items[i][c]);
    }
    vg_buf_puts(out, "'::bytea");
    return bytes;
}

/* The value of one key, which begins at pgv_p with its type and length. */
static void put_key_value(struct vg_buf *out, const char *name, uint32_t oid)
{
    const char *text = oid == VG_OID_TEXT ? "::text" : "";
    vg_buf_puts(out, "CASE WHEN pgv_t = 4 AND pgv_l = 8 THEN ");
    if (oid == VG_OID_INT4) {
        vg_buf_puts(out, "(SELECT CASE WHEN pgv_v BETWEEN -2147483648 AND 2147483647 THEN"
                         " pgv_v::int4 END FROM (SELECT ");
        put_bits(out, name, "pgv_p + 8", 8);
        vg_buf_puts(out, " AS pgv_v) AS pgv_w)");
    } else {
        put_bits(out, name, "pgv_p + 8", 8);
        vg_buf_puts(out, text);
    }
    vg_buf_puts(out, "\nWHEN pgv_t = 3 AND pgv_l = 4 THEN (");
    put_bits(out, name, "pgv_p + 8", 4);
    vg_buf_printf(out, " << 32 >> 32)%s", oid == VG_OID_INT4 ? "::int4" : text);
    if (oid == VG_OID_TEXT) {
        struct vg_buf bytes;
        vg_buf_init(&bytes, 1 << 18);
        vg_buf_printf(&bytes, "pg_catalog.substr(%s, (pgv_p + 9)::int4, pgv_l::int4)", name);
        vg_buf_printf(out, "\nWHEN pgv_t = 2 AND pgv_l < %d THEN ", TEXT_MOST);
        put_utf8(out, bytes.failed ? "" : bytes.data);
        out->failed |= bytes.failed;
        vg_buf_free(&bytes);
    }
    vg_buf_puts(out, " END");
}

/* Type and length of the key at `at`, and where it begins; NULL where the bytes end before. */
static void put_place(struct vg_buf *out, const char *name, const char *from)
{
    vg_buf_printf(out,
                  "(SELECT pgv_p, pgv_t, CASE WHEN pgv_p + 8 + pgv_l <="
                  " pg_catalog.octet_length(%s) THEN pgv_l END AS pgv_l\n"
                  "FROM (SELECT pgv_p, CASE WHEN pgv_p + 8 <= pg_catalog.octet_length(%s)"
                  " THEN ",
                  name, name);
    put_bits(out, name, "pgv_p", WORD);
    vg_buf_printf(out, " END AS pgv_t, CASE WHEN pgv_p + 8 <= pg_catalog.octet_length(%s) THEN ",
                  name);
    put_bits(out, name, "pgv_p + 4", WORD);
    vg_buf_printf(out,
                  " END AS pgv_l\nFROM (SELECT %s AS pgv_p OFFSET 0) AS pgv_a OFFSET 0) AS"
                  " pgv_h OFFSET 0) AS pgv_k",
                  from);
}

/* Where key number `at` begins, from 0; of the number of keys: where the bytes must end. */
static void put_start(struct vg_buf *out, const char *name, size_t head, size_t at)
{
    struct vg_buf from;
    vg_buf_init(&from, 1 << 18);
    vg_buf_printf(&from, "%zu::int8", head);
    for (size_t i = 0; i < at && !from.failed; i++) {
        struct vg_buf next;
        vg_buf_init(&next, 1 << 18);
        vg_buf_puts(&next, "(SELECT pgv_p + 8 + pgv_l FROM ");
        put_place(&next, name, from.data);
        vg_buf_putc(&next, ')');
        vg_buf_free(&from);
        from = next;
    }
    vg_buf_puts(out, from.failed ? "" : from.data);
    out->failed |= from.failed;
    vg_buf_free(&from);
}

void vg_feast_put_key(struct vg_buf *out, const char *entity_key, const struct vg_strings *keys,
                      size_t at, uint32_t oid)
{
    struct vg_buf head, from;
    vg_buf_init(&head, 1 << 18);
    vg_buf_init(&from, 1 << 18);
    size_t bytes = put_head(&head, keys);
    put_start(&from, entity_key, bytes, at);
    vg_buf_printf(out,
                  "CASE WHEN pg_catalog.octet_length(%s) > 0 AND pg_catalog.substr(%s, 1, %zu) ="
                  " %s\nAND pg_catalog.octet_length(%s) = ",
                  entity_key, entity_key, bytes, head.failed ? "" : head.data, entity_key);
    put_start(out, entity_key, bytes, keys->n);
    vg_buf_puts(out, "\nTHEN (SELECT ");
    put_key_value(out, entity_key, oid);
    vg_buf_puts(out, "\nFROM ");
    put_place(out, entity_key, from.failed ? "" : from.data);
    vg_buf_puts(out, ") END");
    out->failed |= from.failed || head.failed;
    vg_buf_free(&from);
    vg_buf_free(&head);
}
