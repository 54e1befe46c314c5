/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model of the budget and its parts, read from the store once for all windows of a replay; of
 * many columns those that find room. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/carry_inner.h"
#include "pgvigil/store_calibration.h"
#include "pgvigil/text.h"

enum { PARTS_MOST = 64 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

void vg_carry_forget_model(struct vg_carry *carry)
{
    for (size_t i = 0; i < carry->nparts; i++) {
        free(carry->parts[i].column);
        vg_budget_part_free(carry->parts[i].part);
    }
    vg_carry_forget_counts(carry);
    free(carry->parts);
    vg_budget_free(carry->model);
    vg_arena_free(carry->model_arena);
    carry->parts = NULL;
    carry->nparts = carry->parts_size = 0;
    carry->model = NULL;
    carry->model_arena = NULL;
    carry->why = NULL;
    carry->version = carry->calibration = 0;
}

static int read_model(struct vg_carry *carry, int64_t version, struct vg_error *err)
{
    struct vg_calibration stored;
    struct vg_error fault = {.code = VG_OK};
    bool found;
    carry->model_arena = vg_arena_new();
    if (!carry->model_arena)
        return fail_memory(err);
    if (vg_store_calibration(carry->store, version, carry->model_arena, &stored, &found, err) < 0)
        return -1;
    if (found && vg_budget_read(stored.body, stored.size, &carry->model, &fault) < 0) {
        carry->why = vg_arena_strdup(carry->model_arena, fault.msg);
        carry->model = NULL;
        if (fault.code == VG_E_MEMORY || !carry->why)
            return fail_memory(err);
    }
    carry->version = version;
    carry->calibration = found ? stored.id : 0;
    return 0;
}

int vg_carry_model(struct vg_carry *carry, int64_t version, const struct vg_budget **model,
                   int64_t *id, const char **why, struct vg_error *err)
{
    if (carry->version != version) {
        vg_carry_forget_model(carry);
        if (read_model(carry, version, err) < 0)
            return -1;
    }
    *model = carry->model;
    *id = carry->calibration;
    *why = carry->why;
    return 0;
}

bool vg_carry_part(const struct vg_carry *carry, const char *column, struct vg_budget_part **part)
{
    for (size_t i = 0; i < carry->nparts; i++) {
        if (!strcmp(carry->parts[i].column, column)) {
            *part = carry->parts[i].part;
            return true;
        }
    }
    return false;
}

bool vg_carry_part_keep(struct vg_carry *carry, const char *column, struct vg_budget_part *part)
{
    char *name = carry->nparts < PARTS_MOST ? strdup(column) : NULL;
    if (!name || vg_grow((void **)&carry->parts, &carry->parts_size, carry->nparts + 1,
                         sizeof *carry->parts) < 0) {
        free(name);
        return false;
    }
    carry->parts[carry->nparts++] = (struct vg_carried_part){name, part};
    return true;
}
