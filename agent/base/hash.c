/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes that are the same on every machine and in every version: XXH3 of libxxhash, seed 0. The
 * only file that knows the library. */
#include <stdio.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* for a state on the stack */
#include <xxhash.h>

#include "pgvigil/text.h"

uint64_t vg_hash64(const void *data, size_t n)
{
    return XXH3_64bits(data, n);
}

void vg_hash_hex(char out[33], const char *const *parts, size_t n)
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (size_t i = 0; i < n; i++)
        XXH3_128bits_update(&state, parts[i], strlen(parts[i]) + 1);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}
