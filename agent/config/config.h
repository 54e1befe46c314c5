/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's own file, pgvigil.yaml; layer 4.
 *
 * Reads it into struct vg_config and reports every fault in it at once. Relative paths in it are
 * relative to its folder. Opens no connection and reads no secret.
 */
#ifndef PGVIGIL_CONFIG_H
#define PGVIGIL_CONFIG_H

#include "pgvigil/error.h"
#include "pgvigil/rule.h"

/* 0 when the file has no error (it may have warnings); else -1 and *out is NULL. Every fault is in
 * diags, those of reading the file too. *out is owned by the caller. */
int vg_config_load(const char *path, struct vg_diags *diags, struct vg_config **out) VG_MUST_CHECK;
/* The same of a file that may have errors: what could be read of it, for its folder of rules alone;
 * -1 where not even that could. */
int vg_config_load_faulty(const char *path, struct vg_diags *diags,
                          struct vg_config **out) VG_MUST_CHECK;
/* vg_config_load() of text in memory; `path` is shown in faults, and its folder is the base of
 * paths. */
int vg_config_parse(const char *text, size_t n, const char *path, struct vg_diags *diags,
                    struct vg_config **out) VG_MUST_CHECK;
void vg_config_free(struct vg_config *config); /* NULL is fine */

#endif
