/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files in tests: a small configuration and the reading of a text with it. */
#ifndef PGVIGIL_TESTS_RULE_KIT_H
#define PGVIGIL_TESTS_RULE_KIT_H

#include "pgvigil/error.h"
#include "pgvigil/rule.h"

struct rule_kit {
    struct vg_config *config;
    struct vg_arena *arena;
    struct vg_diags diags;
    struct vg_dataset *dataset; /* NULL after a fault */
};

/* The configuration of most tests: connections warehouse and archive, receivers ops, oncall and
 * audit, nothing else. */
extern const char rule_kit_config[];

/* Reads a rule file with this configuration; asserts that dataset and faults agree. */
struct rule_kit rule_kit_read(const char *config, const char *text);
/* The same, and asserts that there is no fault at all. */
struct rule_kit rule_kit_fine(const char *config, const char *text);
void rule_kit_free(struct rule_kit *kit);
/* The rule of this id; fails the test when there is none. */
const struct vg_rule *rule_kit_find(const struct rule_kit *kit, const char *id);
/* The faults as they are printed, on the heap. */
char *rule_kit_print(const struct vg_diags *diags);

#endif
