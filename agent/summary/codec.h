/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of blobs, of summaries and of what is learnt from them; layer 1, pure.
 *
 * Owns the frame (version, checksum) and the numbers in it. A reader trusts nothing and never
 * leaves its bytes.
 */
#ifndef PGVIGIL_AGENT_SUMMARY_CODEC_H
#define PGVIGIL_AGENT_SUMMARY_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"

/* Version byte, payload, and 8 bytes of XXH3 over both, little-endian throughout. */
void vg_blob_begin(struct vg_buf *out, uint8_t version, size_t *start);
void vg_blob_end(struct vg_buf *out, size_t start);
void vg_blob_put_count(struct vg_buf *out, uint64_t x); /* LEB128: 7 bits a byte */
void vg_blob_put_counts(struct vg_buf *out, const uint64_t *x, size_t n); /* each as above */
void vg_blob_put_u64(struct vg_buf *out, uint64_t x);                     /* 8 bytes */
void vg_blob_put_double(struct vg_buf *out, double x);  /* 8 bytes; any NaN as one NaN */

/* A reader never leaves the blob: past its end, or on nonsense, it sets `bad` and yields zeros. */
struct vg_blob {
    const uint8_t *at, *end;
    bool bad;
};
/* Checks version and checksum. VG_E_STATE. */
int vg_blob_open(struct vg_blob *blob, const void *data, size_t size, uint8_t version,
                 struct vg_error *err);
uint8_t vg_blob_byte(struct vg_blob *blob);
uint64_t vg_blob_count(struct vg_blob *blob);
/* A count that must not exceed most. */
uint64_t vg_blob_count_to(struct vg_blob *blob, uint64_t most);
uint64_t vg_blob_u64(struct vg_blob *blob);
double vg_blob_double(struct vg_blob *blob);
/* n bytes in place, or NULL and bad. */
const uint8_t *vg_blob_bytes(struct vg_blob *blob, size_t n);

#endif
