/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of Feast's online store: serialised feast.types.Value messages; layer 4, pure. */
#ifndef PGVIGIL_AGENT_PG_DECODE_FEAST_H
#define PGVIGIL_AGENT_PG_DECODE_FEAST_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"

/* The value of a message as one of the type `oid` (its fixed identity; an array: the number of its
 * elements). In *num numbers, truths and microseconds since 1970, as the decoder gives them; in
 * *text (part of data) that of a text. VG_CELL_NULL for no bytes and for the message's own null,
 * NAN, PINF, NINF, and VG_CELL_UNCAST for what is no message of one known field or no value of the
 * type. No byte is trusted. oid 0: whether there is a value at all, whatever it is.
 *
 * A value fits a type that holds it exactly: integers of either width any integer type in whose
 * range they are, and numeric, double precision; float: real, double precision and numeric; double:
 * the last two; bool, string and unix timestamp: bool, text or varchar, timestamp or timestamptz.
 * An array type fits the list of such values. */
enum vg_cell vg_feast_convert(uint32_t oid, const uint8_t *data, size_t len, double *num,
                              struct vg_slice *text);

#endif
