/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of rule files; layer 4.
 *
 * Reads every *.yaml and *.yml of the folder, one dataset each, in the order of their names. A file
 * that does not load never stops the others: its last good text stays in force if there is one.
 */
#ifndef PGVIGIL_RULES_H
#define PGVIGIL_RULES_H

#include "pgvigil/error.h"
#include "pgvigil/rule.h"

struct vg_rules_load {
    const struct vg_config *config;
    /* The last good text of a rule file (path as shown to people), borrowed until the load returns;
     * NULL when there is none. May be NULL itself. */
    const char *(*last_good)(void *arg, const char *path);
    void *arg;
    bool nameless; /* the configuration has faults: what names it knows is not certain */
};

enum { VG_RULE_FILES_MAX = 10000 }; /* of a folder */

/* Faults of files go to diags and are no failure of the call: look at vg_rule_file.ok and at
 * folder_ok. -1 only with VG_E_MEMORY. *out is owned by the caller. */
int vg_rules_load(const struct vg_rules_load *in, struct vg_diags *diags, struct vg_ruleset **out,
                  struct vg_error *err) VG_MUST_CHECK;
/* The file of this path, or NULL. */
const struct vg_rule_file *vg_ruleset_file(const struct vg_ruleset *rules, const char *path);
/* Rules out of last good texts alone, of the files at `paths` (sorted): for a start at which what
 * the folder holds (`disk`) is refused as a whole. The files are those of both; `ok` says of each
 * whether the folder holds it and it loads. -1 only with VG_E_MEMORY. */
int vg_rules_revive(const struct vg_rules_load *in, const struct vg_strings *paths,
                    const struct vg_ruleset *disk, struct vg_diags *diags, struct vg_ruleset **out,
                    struct vg_error *err) VG_MUST_CHECK;
void vg_ruleset_free(struct vg_ruleset *rules); /* NULL is fine */

#endif
