/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One column of a batch, from where its fields lie to numbers, states and slices; layer 4, pure.
 *
 * Part of the decoder. The walk over the rows (decode.c) has checked every length before a column
 * is decoded, so the loops here look at values only.
 */
#ifndef PGVIGIL_AGENT_DECODE_COLUMN_H
#define PGVIGIL_AGENT_DECODE_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"
#include "pgvigil/ports.h"

struct vg_field;
/* Fills num for n rows. Returns whether some value is special, -1 for malformed bytes (in *bad the
 * row). Rows that are null may yield anything. */
typedef int vg_field_decode(struct vg_field *field, const uint8_t *base, size_t n, size_t *bad);

struct vg_field {
    enum vg_kind kind;
    uint32_t wire_oid;
    uint32_t width;          /* bytes on the wire, 0: any number */
    vg_field_decode *decode; /* NULL: no numbers */
    uint32_t cast_oid;       /* text or bytes to be converted to this type; 0: none */
    enum vg_codec codec;     /* of the bytes */
    size_t nulls;            /* of the batch, counted by the walk */
    uint32_t *at; /* per row: where its bytes begin, 0: null; their length stands before */
    uint8_t *state;
    double *num;          /* NULL of TEXT and OTHER */
    struct vg_slice *raw; /* NULL when nobody asked */
};

/* Sets kind, wire_oid, cast_oid, codec, width and decode. 0, or -1 when the column contradicts
 * itself. */
int vg_field_setup(struct vg_field *field, const struct vg_query_column *column);
/* Decodes n rows whose bytes lie in base and describes them in *out; `clean` is n states of VALUE.
 * At least 8 bytes of base are readable. 0, or -1 for malformed bytes, with the row in *bad. */
int vg_field_batch(struct vg_field *field, const uint8_t *base, size_t n, const uint8_t *clean,
                   struct vg_column *out, size_t *bad);

#endif
