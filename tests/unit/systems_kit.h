/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of training systems share: one loaded out of its keys, asked for the request of a
 * step, and told an answer. */
#ifndef TESTS_UNIT_SYSTEMS_KIT_H
#define TESTS_UNIT_SYSTEMS_KIT_H

#include "agent/config/config.h"
#include "agent/triggers/systems.h"
#include "tests/unit/delivery_kit.h"

struct asked {
    struct vg_config *config;
    struct vg_arena *arena;
    struct vg_onset onset;
    struct vg_retrain_run run;
    struct vg_trigger_in in;
    const struct vg_trigger_ops *system;
    struct vg_request request;
    struct vg_trigger_said said;
};

/* `keys` such as "airflow: {...}", for delay-model. */
void systems_begin(struct asked *asked, const char *keys);
void systems_end(struct asked *asked);
/* The body of the request of this step; "" without. The whole of it is asked->request. */
const char *systems_ask(struct asked *asked, int step);
/* What an answer to it means. */
const struct vg_trigger_said *systems_take(struct asked *asked, int status, const char *body);
/* The request that follows a run of this id, and what an answer to it means. */
const char *systems_follow(struct asked *asked, const char *id);
const struct vg_trigger_said *systems_look(struct asked *asked, int status, const char *body);
/* Such keys do not load, for this one fault. */
void systems_refuse(const char *keys, const char *msg);
const char *systems_header(const struct asked *asked, const char *name);

#endif
