/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds between two columns of every row: texts that are never equal, and numbers that are
 * larger wherever a boolean is true. A pair that one row breaks costs nothing from then on. */
#include <math.h>
#include <string.h>

#include "agent/profile_watch.h"

static void add_pair(struct vg_profile *profile, size_t a, size_t b, bool threshold)
{
    if (profile->npairs == VG_PROFILE_PAIRS)
        return;
    profile->pairs[profile->npairs++] = (struct vg_profile_pair){
        .a = a, .b = b, .threshold = threshold, .below = -INFINITY, .from = INFINITY};
}

int vg_pairs_begin(struct vg_profile *profile, size_t n, struct vg_arena *arena)
{
    profile->pairs = vg_arena_array(arena, VG_PROFILE_PAIRS, sizeof *profile->pairs);
    if (!profile->pairs)
        return -1;
    for (size_t a = 0; a < n; a++) {
        enum vg_kind kind = profile->columns[a].column->kind;
        for (size_t b = 0; b < n; b++) {
            enum vg_kind other = profile->columns[b].column->kind;
            if (kind == VG_KIND_BOOL && other == VG_KIND_NUMBER)
                add_pair(profile, a, b, true);
            if (kind == VG_KIND_TEXT && other == VG_KIND_TEXT && a < b)
                add_pair(profile, a, b, false);
        }
    }
    return 0;
}

static bool are_equal(const struct vg_column *a, const struct vg_column *b, size_t row)
{
    char space[2][36];
    struct vg_slice x = vg_text_cell(a, row, space[0]), y = vg_text_cell(b, row, space[1]);
    return x.len == y.len && (!x.len || !memcmp(x.data, y.data, x.len));
}

static void look_at_row(struct vg_profile_pair *pair, const struct vg_column *a,
                        const struct vg_column *b, size_t row)
{
    pair->rows++;
    if (!pair->threshold) {
        pair->broken = are_equal(a, b, row);
        return;
    }
    if (a->num[row] > 0) {
        pair->trues++;
        pair->from = fmin(pair->from, b->num[row]);
    } else {
        pair->below = fmax(pair->below, b->num[row]);
    }
    pair->broken = pair->below >= pair->from;
}

void vg_pairs_rows(struct vg_profile *profile, const size_t *source, const struct vg_batch *batch,
                   size_t first, size_t n)
{
    for (size_t i = 0; i < profile->npairs; i++) {
        struct vg_profile_pair *pair = &profile->pairs[i];
        const struct vg_column *a = &batch->cols[source[pair->a]];
        const struct vg_column *b = &batch->cols[source[pair->b]];
        for (size_t row = first; row < first + n && !pair->broken; row++) {
            if (a->state[row] == VG_CELL_VALUE && b->state[row] == VG_CELL_VALUE)
                look_at_row(pair, a, b, row);
        }
    }
}
