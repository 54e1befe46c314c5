/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of silences and of routes, in pgvigil.yaml and (silences) in rule files; layer 4. */
#ifndef PGVIGIL_VALUE_QUIET_H
#define PGVIGIL_VALUE_QUIET_H

#include "agent/yaml/value.h"

extern const struct vg_key_table vg_quiet_table, vg_times_table, vg_route_table;

/* A list of mappings, in the reader's arena. */
void vg_read_quiets(struct vg_reader *r, const struct vg_node *node, struct vg_quiet **out,
                    size_t *n);
/* The same of times alone, for whatever is not to happen then. */
void vg_read_times(struct vg_reader *r, const struct vg_node *node, struct vg_quiet **out,
                   size_t *n);
/* Receivers must be known to config. */
void vg_read_routes(struct vg_reader *r, const struct vg_node *node, const struct vg_config *config,
                    struct vg_route **out, size_t *n);

#endif
