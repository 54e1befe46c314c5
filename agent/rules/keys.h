/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of rule files, and what they fill; layer 4, known to this folder only. */
#ifndef PGVIGIL_RULE_KEYS_H
#define PGVIGIL_RULE_KEYS_H

#include "agent/yaml/value_defaults.h"
#include "pgvigil/check.h"

struct vg_raw_dataset {
    int64_t version;
    struct vg_dataset dataset; /* its own scalars are filled in place */
    int role;                  /* index of the choice; -1 without */
    const char *timezone;      /* NULL: not given */
    int64_t max_offending;
    const struct vg_node *source, *schedule, *sample, *limits, *reference, *drift, *columns,
        *checks, *notify, *quarantine, *segments, *references, *importances, *silences;
};

struct vg_raw_source {
    const char *connection, *table, *query, *filter, *time_column;
    struct vg_strings key;
    const struct vg_node *wide; /* long: */
};

struct vg_raw_quarantine {
    const char *connection, *table;
    int64_t limit;
};

struct vg_raw_segment {
    const char *column;
    struct vg_strings values;
    int64_t most;
};

struct vg_raw_reference {
    int64_t from_us, to_us, timeout_us, resolution;
    int64_t rolling_us, every_us;
    const char *table, *filter;
    int capture, season;
    const struct vg_node *except;
    struct vg_strings exclude;
};

struct vg_raw_except {
    int64_t from_us, to_us;
    const char *why;
};

struct vg_raw_drift {
    int64_t base_us;
    const char *budget;
    double min_distance, min_spread, min_share;
};

struct vg_raw_column {
    const char *type, *expr;
    bool is_private;
    int prediction; /* index of the choice */
    const struct vg_node *drift;
};

/* The long form of a check, but for its parameters. */
struct vg_raw_check {
    const struct vg_node *fail, *warn, *min, *max, *notify, *compare;
    const char *id, *was, *where, *segment, *against, *description, *runbook;
    int severity, policy;
    int64_t min_rows, after, resolve_after, blind_after_us;
    struct vg_strings tags;
};

struct vg_raw_bounds {
    const struct vg_node *min, *max;
};

struct vg_raw_long {
    const char *name, *value, *entity_key;
    int decode; /* index of the choice, or -1 */
    const struct vg_node *entity;
};

extern const struct vg_key_table vg_quarantine_table, vg_dataset_table, vg_source_table,
    vg_long_table, vg_reference_table, vg_drift_table, vg_column_table, vg_check_table,
    vg_bounds_table, vg_segment_table, vg_compare_table, vg_except_table;

/* A parameter of a check as a key of its mapping. */
struct vg_key vg_param_key(const struct vg_param *param);

#endif
