/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The streams of a column for the check `budget`: tested, put into order, and each said as a
 * measure. What a stream can never see, or never tells, is a standing nodata. Pure. */
#include "checks/check_budget.h"

#include <math.h>
#include <stdio.h>

static const double no_change = 0.995; /* of a p from here on, which is said as 1, no direction */

/* nodata, or with `standing` what no data will change. */
int vg_check_budget_skip(const struct vg_budget_finding *in, bool standing, const char *why)
{
    struct vg_measure *measure = vg_check_budget_add(in);
    if (!measure)
        return -1;
    measure->look = VG_NODATA;
    measure->standing = standing;
    snprintf(measure->why, sizeof measure->why, "%s", why);
    return 0;
}

int vg_check_budget_found(const struct vg_budget_finding *in, const struct vg_budget_found *found)
{
    const struct vg_budget_stream *stream = &in->of->model->streams[found->stream];
    bool alarms = found->p < found->level;
    if (found->look == VG_BUDGET_OTHER_GRID)
        return vg_check_budget_skip(in, false,
                                    "warming up: earlier windows were counted on another grid");
    if (found->look == VG_BUDGET_NOT_COUNTED)
        return vg_check_budget_skip(in, false, "its values were not counted in all windows");
    if (vg_check_budget_stands(stream, found)) {
        char why[VG_WHY];
        vg_budget_say_stream(stream, why);
        return vg_check_budget_skip(in, true, why);
    }
    if (found->look == VG_BUDGET_FEW_ROWS)
        return vg_check_budget_skip(in, false, "fewer rows than 30 in every look-back");
    struct vg_measure *measure = vg_check_budget_add(in);
    if (!measure)
        return -1;
    measure->value = found->value;
    measure->limit = found->limit;
    measure->effect = found->effect;
    measure->p_value = found->p;
    measure->level = found->level;
    measure->slight = found->slight;
    measure->n_now = found->n_now;
    measure->n_ref = found->n_ref;
    measure->direction = found->p < no_change ? found->direction : 0;
    if (alarms || !in->out->terse)
        vg_budget_say_found(in->of, found, measure->why);
    return 0;
}

/* How much nearer to an alarm the first is: p against level on a logarithmic scale. */
static double rate(const struct vg_budget_found *found)
{
    bool looked = found->look == VG_BUDGET_LOOKED && found->level > 0;
    return looked ? log(fmax(found->p, 1e-320)) - log(found->level) : INFINITY;
}

static void sort_found(struct vg_budget_found *found, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && rate(&found[k]) < rate(&found[k - 1]); k--) {
            struct vg_budget_found swap = found[k];
            found[k] = found[k - 1];
            found[k - 1] = swap;
        }
    }
}

int vg_check_budget_streams(struct vg_budget_finding *in, struct vg_budget_found *found, size_t *n,
                            struct vg_error *err)
{
    const struct vg_budget_evidence *of = in->of;
    struct vg_reading *readings =
        vg_arena_array(in->out->arena, VG_BUDGET_STREAMS, sizeof *readings);
    if (!readings)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_budget_test(of->model, (uint32_t)of->column, of->part, of->recent, found, n, err) < 0)
        return -1;
    for (size_t i = 0; i < *n; i++) {
        const struct vg_budget_stream *stream = &of->model->streams[found[i].stream];
        bool looked = found[i].look == VG_BUDGET_LOOKED;
        readings[i] = (struct vg_reading){
            .statistic = vg_budget_kind_name(stream->kind),
            .value = looked ? found[i].value : (double)NAN,
            .limit = looked ? found[i].limit : (double)NAN,
            .p_value = looked ? found[i].p : (double)NAN,
            .level = stream->level,
            .visible = vg_budget_visible(stream, of->recent->least),
        };
    }
    in->readings = readings;
    in->nreadings = *n;
    sort_found(found, *n);
    return 0;
}
