/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the values of a column are watched by the check `budget`: where their stream can see
 * nothing, another one of the column may alarm, but not pass for it. Pure. */
#include "checks/check_budget.h"

bool vg_check_budget_stands(const struct vg_budget_stream *stream,
                            const struct vg_budget_found *found)
{
    return stream->not_stationary || (stream->blind && !(found->p < found->level));
}

static bool is_of_values(const struct vg_budget_stream *stream)
{
    return stream->kind == VG_BUDGET_KS || stream->kind == VG_BUDGET_LEVELS;
}

bool vg_check_budget_unwatched(const struct vg_budget *model, const struct vg_budget_found *found,
                               size_t n)
{
    bool any = false, all = true;
    for (size_t i = 0; i < n; i++) {
        const struct vg_budget_stream *stream = &model->streams[found[i].stream];
        any |= is_of_values(stream);
        all &= !is_of_values(stream) || vg_check_budget_stands(stream, &found[i]);
    }
    return any && all;
}

bool vg_check_budget_decides(const struct vg_budget *model, const struct vg_budget_found *found)
{
    return is_of_values(&model->streams[found->stream]) || found->p < found->level;
}
