/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256, HMAC and base64, for signatures that receivers check; layer 0. Pure.
 *
 * FIPS 180-4, RFC 2104, RFC 4648. What held a key is overwritten before these return.
 */
#ifndef PGVIGIL_DIGEST_H
#define PGVIGIL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/mem.h"

enum { VG_SHA256_SIZE = 32, VG_SHA256_HEX = 65 };

struct vg_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};
void vg_sha256_begin(struct vg_sha256 *sha);
void vg_sha256_add(struct vg_sha256 *sha, const void *data, size_t n);
/* Ends it and overwrites *sha. */
void vg_sha256_end(struct vg_sha256 *sha, uint8_t out[VG_SHA256_SIZE]);

/* One of the parts of what is signed. */
struct vg_bytes {
    const void *data;
    size_t n;
};
/* HMAC-SHA256 of the parts one after the other. */
void vg_hmac_sha256(const void *key, size_t nkey, const struct vg_bytes *parts, size_t nparts,
                    uint8_t out[VG_SHA256_SIZE]);
/* 64 lower-case hex digits. Returns out. */
char *vg_sha256_hex(const uint8_t digest[VG_SHA256_SIZE], char out[VG_SHA256_HEX]);

/* Appends the standard alphabet with padding. */
void vg_base64_put(struct vg_buf *out, const void *data, size_t n);
/* The bytes of n characters of base64, padded or not, into out (room bytes); their number, or -1
 * when it is none or does not fit. */
int vg_base64_read(const char *text, size_t n, uint8_t *out, size_t room);

#endif
