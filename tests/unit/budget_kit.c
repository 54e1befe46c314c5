/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Summaries of base windows made by hand. */
#include "tests/unit/budget_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"

void vg_kit_numbers(struct vg_column_summary *out, const char *name, uint64_t grid_id,
                    size_t ncells)
{
    assert_int_equal(vg_column_init(out, name, VG_KIND_NUMBER, NULL, 0, NULL), 0);
    out->coarse = calloc(ncells, sizeof *out->coarse);
    out->coarse_cells = (uint32_t)ncells;
    out->grid_id = grid_id;
}

void vg_kit_text(struct vg_column_summary *out, const char *name)
{
    assert_int_equal(vg_column_init(out, name, VG_KIND_TEXT, NULL, VG_PART_TOP, NULL), 0);
}

void vg_kit_add(struct vg_column_summary *window, const char *value, uint64_t count)
{
    struct vg_slice slice = {value, (uint32_t)strlen(value)};
    uint64_t hash = vg_hash64(value, slice.len);
    if (count)
        assert_int_equal(vg_top_add(window->top, hash, count, slice), 0);
    window->rows += count;
}

uint8_t *vg_kit_damage(const void *blob, size_t size, size_t seed)
{
    uint8_t *bytes = malloc(size ? size : 1);
    memcpy(bytes, blob, size);
    if (size < 9)
        return bytes;
    uint64_t random = vg_hash64(&seed, sizeof seed);
    bytes[random % (size - 8)] = (uint8_t)(random >> 32);
    uint64_t checksum = vg_hash64(bytes, size - 8);
    for (int i = 0; i < 8 && random >> 63; i++)
        bytes[size - 8 + (size_t)i] = (uint8_t)(checksum >> (8 * i));
    return bytes;
}

void vg_kit_check_limit(const struct vg_budget_stream *stream, const struct vg_budget_found *found)
{
    bool low = stream->kind != VG_BUDGET_KS && found->direction < 0;
    bool beyond = low ? found->value < found->limit : found->value > found->limit;
    if (beyond == (found->p < found->level))
        return;
    print_error("stream %u: p %.17g, level %.17g, but value %.17g, limit %.17g\n", found->stream,
                found->p, found->level, found->value, found->limit);
    fail();
}
