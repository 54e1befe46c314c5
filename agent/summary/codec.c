/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of a blob: varints, doubles, a frame of version and checksum. Reading trusts nothing:
 * whatever the bytes, it stays inside them and says `bad` once something does not hold. */
#include "agent/summary/codec.h"

#include <math.h>
#include <string.h>

#include "pgvigil/text.h"

enum { CHECKSUM = 8 };

void vg_blob_begin(struct vg_buf *out, uint8_t version, size_t *start)
{
    *start = out->len;
    vg_buf_add(out, &version, 1);
}

void vg_blob_end(struct vg_buf *out, size_t start)
{
    if (!out->failed)
        vg_blob_put_u64(out, vg_hash64(out->data + start, out->len - start));
}

void vg_blob_put_count(struct vg_buf *out, uint64_t x)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; x >= 0x80; x >>= 7)
        bytes[n++] = (uint8_t)(x | 0x80);
    bytes[n++] = (uint8_t)x;
    vg_buf_add(out, bytes, n);
}

void vg_blob_put_counts(struct vg_buf *out, const uint64_t *x, size_t n)
{
    enum { ROOM = 512, LONGEST = 10 };
    uint8_t bytes[ROOM];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t rest = x[i];
        for (; rest >= 0x80; rest >>= 7)
            bytes[used++] = (uint8_t)(rest | 0x80);
        bytes[used++] = (uint8_t)rest;
        if (used > ROOM - LONGEST) {
            vg_buf_add(out, bytes, used);
            used = 0;
        }
    }
    vg_buf_add(out, bytes, used);
}

void vg_blob_put_u64(struct vg_buf *out, uint64_t x)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(x >> (8 * i));
    vg_buf_add(out, bytes, sizeof bytes);
}

void vg_blob_put_double(struct vg_buf *out, double x)
{
    double plain = isnan(x) ? (double)NAN : x;
    uint64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    vg_blob_put_u64(out, bits);
}

int vg_blob_open(struct vg_blob *blob, const void *data, size_t size, uint8_t version,
                 struct vg_error *err)
{
    const uint8_t *bytes = data;
    *blob = (struct vg_blob){.bad = true};
    if (!bytes || size < 1 + CHECKSUM)
        return vg_fail(err, VG_E_STATE, "a stored summary is cut short at %zu bytes", size);
    struct vg_blob tail = {.at = bytes + size - CHECKSUM, .end = bytes + size};
    if (vg_blob_u64(&tail) != vg_hash64(bytes, size - CHECKSUM))
        return vg_fail(err, VG_E_STATE, "a stored summary of %zu bytes is damaged (checksum)",
                       size);
    if (bytes[0] != version)
        return vg_fail(err, VG_E_STATE, "a stored summary has format %u, this program reads %u",
                       bytes[0], version);
    *blob = (struct vg_blob){.at = bytes + 1, .end = bytes + size - CHECKSUM};
    return 0;
}

const uint8_t *vg_blob_bytes(struct vg_blob *blob, size_t n)
{
    if (blob->bad || (size_t)(blob->end - blob->at) < n) {
        blob->bad = true;
        return NULL;
    }
    const uint8_t *bytes = blob->at;
    blob->at += n;
    return bytes;
}

uint8_t vg_blob_byte(struct vg_blob *blob)
{
    const uint8_t *byte = vg_blob_bytes(blob, 1);
    return byte ? *byte : 0;
}

uint64_t vg_blob_count(struct vg_blob *blob)
{
    uint64_t x = 0;
    if (!blob->bad && blob->at < blob->end && *blob->at < 0x80)
        return *blob->at++;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = vg_blob_byte(blob);
        if (shift == 63 && byte > 1)
            break;
        x |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return x;
    }
    blob->bad = true;
    return 0;
}

uint64_t vg_blob_count_to(struct vg_blob *blob, uint64_t most)
{
    uint64_t x = vg_blob_count(blob);
    if (x <= most)
        return x;
    blob->bad = true;
    return 0;
}

uint64_t vg_blob_u64(struct vg_blob *blob)
{
    const uint8_t *bytes = vg_blob_bytes(blob, 8);
    uint64_t x = 0;
    for (int i = 0; bytes && i < 8; i++)
        x |= (uint64_t)bytes[i] << (8 * i);
    return x;
}

double vg_blob_double(struct vg_blob *blob)
{
    uint64_t bits = vg_blob_u64(blob);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
