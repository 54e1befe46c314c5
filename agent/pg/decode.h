/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder of COPY ... (FORMAT binary): a stream of bytes in, columnar batches out; layer 4.
 *
 * Pure: no socket, no clock. Trusts no byte: lengths and counts are checked before use, and what
 * does not fit is VG_E_DATA. Memory depends on the number of columns and on the largest single row.
 */
#ifndef PGVIGIL_AGENT_DECODE_H
#define PGVIGIL_AGENT_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"
#include "pgvigil/error.h"
#include "pgvigil/oid.h"
#include "pgvigil/ports.h"

/* The kind of a base type that is no enum. */
enum vg_kind vg_wire_kind(uint32_t wire_oid);

struct vg_decoder;

/* Columns are copied. `each` gets every batch; -1 from it ends the feeding call with its error.
 * In a batch: `num` is NULL for TEXT and OTHER, `raw` is NULL unless asked for (TEXT always has
 * it). The text of char(n) comes without its padding, a uuid as its 16 bytes. A numeric too large
 * for a double counts as infinite, one too small as 0. VG_E_MEMORY; VG_E_INTERNAL when kind and
 * wire_oid contradict each other. */
int vg_decoder_new(const struct vg_query_column *columns, size_t ncolumns,
                   int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
                   void *arg, struct vg_decoder **out, struct vg_error *err) VG_MUST_CHECK;
/* The next bytes of the stream, cut anywhere. VG_E_DATA, VG_E_MEMORY, VG_E_LIMIT (a row of more
 * than 1 GiB), or what `each` said. After an error the decoder is good for freeing only. */
int vg_decoder_feed(struct vg_decoder *decoder, const void *data, size_t size,
                    struct vg_error *err) VG_MUST_CHECK;
/* The stream has ended: hands over the last batch. VG_E_DATA when it ended in the middle. */
int vg_decoder_finish(struct vg_decoder *decoder, struct vg_error *err) VG_MUST_CHECK;
/* Rows read so far, those of the unfinished batch included. */
uint64_t vg_decoder_rows(const struct vg_decoder *decoder);
/* Size of the largest single row so far, in bytes. */
size_t vg_decoder_largest(const struct vg_decoder *decoder);
void vg_decoder_free(struct vg_decoder *decoder); /* NULL is fine */

/* A numeric on the wire as the double nearest to it, the same that numeric::float8 gives on the
 * server; NaN and infinities as such. 0, or -1 when the bytes are no numeric. */
int vg_numeric_double(const uint8_t *wire, size_t size, double *out);
/* The same as exact decimal text, cut at size - 1 bytes. Returns out, "" when it is no numeric. */
char *vg_numeric_text(const uint8_t *wire, size_t wire_size, char *out, size_t size);

#endif
