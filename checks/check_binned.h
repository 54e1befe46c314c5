/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the drift checks on shares have in common: the bins of numbers, the categories, and what is
 * said of them. Layer 3, pure. */
#ifndef PGVIGIL_CHECK_BINNED_H
#define PGVIGIL_CHECK_BINNED_H

#include "checks/check_drift.h"
#include "checks/stat_bins.h"

struct vg_binned_param {
    int64_t bins;
};
enum { VG_BINNED_PARAMS = 1 };
extern const struct vg_param vg_binned_params[VG_BINNED_PARAMS];
void vg_binned_validate(const struct vg_rule *rule, struct vg_diags *diags);

/* What all their types say. */
#define VG_BINNED_TYPE                                                                             \
    VG_DRIFT_TYPE, .of_column = true,                                                              \
                   .kinds = 1 << VG_KIND_NUMBER | 1 << VG_KIND_BOOL | 1 << VG_KIND_TEXT,           \
                   .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS | VG_NEEDS_TOP, .shorthand = "fail",  \
                   .params = vg_binned_params, .nparams = VG_BINNED_PARAMS,                        \
                   .params_size = sizeof(struct vg_binned_param), .validate = vg_binned_validate

struct vg_binned {
    struct vg_bins bins; /* in the arena of the measures; the sparse ones counted together */
    struct vg_measure *measure;
    bool categories;
};

/* The window and the reference in the same bins: 1, and a measure to be filled; 0, and a measure
 * says why not; -1 VG_E_MEMORY. */
int vg_binned_find(const struct vg_rule *rule, const struct vg_evidence *evidence,
                   struct vg_measures *out, struct vg_binned *binned, struct vg_error *err);
/* Sets value and effect, and says "PSI 0.31 over 10 bins, noise floor 0.04 at 500 rows"; no floor:
 * NAN. */
void vg_binned_say(struct vg_binned *binned, const char *name, double value, double floor);

#endif
