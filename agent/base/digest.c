/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4), HMAC (RFC 2104) and base64 (RFC 4648).
 *
 * Written from the standards. Pure; what held a key or a message is overwritten at the end.
 */
#include "pgvigil/digest.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, ROUNDS = 64 };

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void expand(const uint8_t block[BLOCK], uint32_t w[ROUNDS])
{
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *p = block + 4 * i;
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (size_t i = 16; i < ROUNDS; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void compress(uint32_t state[8], const uint8_t block[BLOCK])
{
    uint32_t w[ROUNDS], v[8];
    expand(block, w);
    memcpy(v, state, sizeof v);
    for (size_t i = 0; i < ROUNDS; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t one = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + constants[i] + w[i];
        uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += one;
        v[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += v[i];
    explicit_bzero(w, sizeof w);
    explicit_bzero(v, sizeof v);
}

void vg_sha256_begin(struct vg_sha256 *sha)
{
    *sha = (struct vg_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                        0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void vg_sha256_add(struct vg_sha256 *sha, const void *data, size_t n)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i++) {
        sha->block[sha->bytes++ % BLOCK] = bytes[i];
        if (sha->bytes % BLOCK == 0)
            compress(sha->state, sha->block);
    }
}

void vg_sha256_end(struct vg_sha256 *sha, uint8_t out[VG_SHA256_SIZE])
{
    static const uint8_t padding[BLOCK] = {0x80};
    uint64_t bits = sha->bytes * 8;
    uint8_t length[8];
    size_t used = sha->bytes % BLOCK;
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    vg_sha256_add(sha, padding, used < 56 ? 56 - used : 120 - used);
    vg_sha256_add(sha, length, sizeof length);
    for (size_t i = 0; i < VG_SHA256_SIZE; i++)
        out[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    explicit_bzero(sha, sizeof *sha);
}

void vg_hmac_sha256(const void *key, size_t nkey, const struct vg_bytes *parts, size_t nparts,
                    uint8_t out[VG_SHA256_SIZE])
{
    struct vg_sha256 sha;
    uint8_t inner[BLOCK] = {0}, outer[BLOCK];
    if (nkey > BLOCK) {
        vg_sha256_begin(&sha);
        vg_sha256_add(&sha, key, nkey);
        vg_sha256_end(&sha, inner);
    } else if (nkey) {
        memcpy(inner, key, nkey);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    vg_sha256_begin(&sha);
    vg_sha256_add(&sha, inner, BLOCK);
    for (size_t i = 0; i < nparts; i++)
        vg_sha256_add(&sha, parts[i].data, parts[i].n);
    vg_sha256_end(&sha, out);
    vg_sha256_begin(&sha);
    vg_sha256_add(&sha, outer, BLOCK);
    vg_sha256_add(&sha, out, VG_SHA256_SIZE);
    vg_sha256_end(&sha, out);
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
}

char *vg_sha256_hex(const uint8_t digest[VG_SHA256_SIZE], char out[VG_SHA256_HEX])
{
    for (size_t i = 0; i < VG_SHA256_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return out;
}

/* --- base64 ----------------------------------------------------------------------------------- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void vg_base64_put(struct vg_buf *out, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t three = (uint32_t)p[i] << 16 | (uint32_t)(left > 1 ? p[i + 1] : 0) << 8 |
                         (uint32_t)(left > 2 ? p[i + 2] : 0);
        vg_buf_putc(out, letters[three >> 18]);
        vg_buf_putc(out, letters[three >> 12 & 63]);
        vg_buf_putc(out, left > 1 ? letters[three >> 6 & 63] : '=');
        vg_buf_putc(out, left > 2 ? letters[three & 63] : '=');
    }
}

int vg_base64_read(const char *text, size_t n, uint8_t *out, size_t room)
{
    uint32_t bits = 0;
    int held = 0;
    size_t used = 0;
    for (size_t pads = 0; n && text[n - 1] == '=' && pads < 2; pads++)
        n--;
    if (n % 4 == 1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const char *at = text[i] ? strchr(letters, text[i]) : NULL;
        if (!at)
            return -1;
        bits = bits << 6 | (uint32_t)(at - letters);
        held += 6;
        if (held < 8)
            continue;
        if (used == room)
            return -1;
        held -= 8;
        out[used++] = (uint8_t)(bits >> held);
    }
    return (int)used;
}
