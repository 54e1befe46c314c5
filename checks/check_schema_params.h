/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be set of the schema check; layer 3, pure. */
#ifndef PGVIGIL_CHECKS_CHECK_SCHEMA_PARAMS_H
#define PGVIGIL_CHECKS_CHECK_SCHEMA_PARAMS_H

#include "checks/check_schema_diff.h"
#include "pgvigil/check.h"

enum vg_schema_level { VG_SCHEMA_FAIL, VG_SCHEMA_WARN, VG_SCHEMA_IGNORE, VG_SCHEMA_BY_CLASS };

struct vg_schema_params {
    int of[VG_SCHEMA_KINDS];     /* level by enum vg_schema_kind */
    int64_t partitions_ahead_us; /* 0: one window */
};
/* Of a rule that is not in the file. */
extern const struct vg_schema_params vg_schema_defaults;
enum { VG_SCHEMA_PARAMS = VG_SCHEMA_KINDS + 1 };
extern const struct vg_param vg_schema_param_table[VG_SCHEMA_PARAMS];

#endif
