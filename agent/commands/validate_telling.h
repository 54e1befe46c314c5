/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pgvigil validate says of routes, silences and guards that can never matter; layer 6. */
#ifndef PGVIGIL_VALIDATE_TELLING_H
#define PGVIGIL_VALIDATE_TELLING_H

#include "pgvigil/error.h"
#include "pgvigil/rule.h"

/* Warns of routes that fit no rule that asks for one, or stand behind one that takes everything
 * they fit, and of silences of datasets, rules or tags that there are not. Rules of columns "*" are
 * known to the database only: where a dataset has such, any id may be a rule of it. Also of
 * silences and quiet times that are over at now_us or never are, and of min_labels without labels.
 */
void vg_validate_telling(const struct vg_config *config, const struct vg_ruleset *rules,
                         int64_t now_us, struct vg_diags *diags);

#endif
