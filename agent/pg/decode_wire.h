/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Big-endian integers of the wire; part of the decoder, layer 4. Pure, no bounds are checked. */
#ifndef PGVIGIL_AGENT_DECODE_WIRE_H
#define PGVIGIL_AGENT_DECODE_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t read_u16(const uint8_t *p)
{
    uint16_t x;
    memcpy(&x, p, sizeof x);
    return be16toh(x);
}

static inline uint32_t read_u32(const uint8_t *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return be32toh(x);
}

static inline uint64_t read_u64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return be64toh(x);
}

#endif
