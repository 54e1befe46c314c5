/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mappings that stand in rule files and under `defaults:` of pgvigil.yaml alike: schedule,
 * sample, notify; layer 4.
 */
#ifndef PGVIGIL_VALUE_DEFAULTS_H
#define PGVIGIL_VALUE_DEFAULTS_H

#include "agent/yaml/value.h"

extern const struct vg_key_table vg_schedule_table, vg_sample_table, vg_limits_table,
    vg_notify_table, vg_rule_notify_table;

/* What a schedule gives: only the fields whose bit is in `set` (VG_SET_WINDOW ...) are meaningful.
 */
struct vg_schedule_given {
    struct vg_schedule schedule;
    unsigned set;
    const char *timezone; /* NULL: not given */
};
void vg_read_schedule(struct vg_reader *r, const struct vg_node *node,
                      struct vg_schedule_given *out);
/* One more time at which windows are read again, in its place. There must be room for it. */
void vg_schedule_revisit(struct vg_schedule *schedule, int64_t wait_us);
/* NULL when windows may have this length, else a sentence why not. */
const char *vg_window_fault(int64_t window_us);

/* all, {rows: n} or {percent: p}. False after a fault. */
bool vg_read_sample(struct vg_reader *r, const struct vg_node *node, struct vg_sample *out);

/* {cost: n, rows: n, columns: n}; what is not given stays as it is in *out. */
void vg_read_caps(struct vg_reader *r, const struct vg_node *node, struct vg_caps *out);

/* What `notify` gives; times and counts are VG_DEFAULT where they are not given. */
struct vg_notify_given {
    struct vg_strings to, warn;
    bool has_to, has_warn;
    int64_t remind_us, group_for_us, blind_after_us;
    int64_t after, resolve_after;
};
/* A list of receivers, one receiver, or the mapping of this table. Receivers must be known to
 * config (NULL: any is). */
void vg_read_notify(struct vg_reader *r, const struct vg_node *node,
                    const struct vg_key_table *table, const struct vg_config *config,
                    struct vg_notify_given *out);

/* Reports names that are no receivers of config (NULL: any is). `node` is what they were read from.
 */
void vg_read_receivers(struct vg_reader *r, const struct vg_node *node,
                       const struct vg_strings *names, const struct vg_config *config);

/* The zone of a name, or NULL after a fault at loc. */
const struct vg_zone *vg_read_zone(struct vg_reader *r, struct vg_loc loc, const char *name,
                                   struct vg_arena *arena);

#endif
