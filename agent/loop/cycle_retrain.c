/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a committed cycle means for its model's retraining: asks the pure rules, and stores onset,
 * decisions and the request in the cycle's transaction. */
#include "agent/loop/cycle_commit.h"
#include "agent/loop/retrain_facts.h"

int vg_cycle_retrain(const struct vg_work *work, struct vg_error *err)
{
    const char *model = work->job.dataset->model;
    const struct vg_retraining *config =
        model ? vg_config_retraining(work->env->config, model) : NULL;
    if (!config)
        return 0;
    const struct vg_saying saying = {work->env, &work->cycle, work->arena};
    struct vg_retrain_in in;
    struct vg_retrain_out out;
    if (vg_retrain_gather(&saying, config, &in, err) < 0)
        return -1;
    in.catching_up = work->job.catching_up;
    if (vg_retrain(&in, work->arena, &out, err) < 0)
        return -1;
    return vg_retrain_keep(&saying, &out, err);
}
