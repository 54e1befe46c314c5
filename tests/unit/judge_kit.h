/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for judge: rules of one dataset, measures, and the results made of them. */
#ifndef PGVIGIL_TESTS_JUDGE_KIT_H
#define PGVIGIL_TESTS_JUDGE_KIT_H

#include "agent/judge.h"

enum { JUDGE_RULES = 8 };

struct world {
    struct vg_arena *arena;
    struct vg_dataset dataset;
    struct vg_rule rules[JUDGE_RULES];
    struct vg_measures measures;
    struct vg_result *results;
    size_t n;
};

/* Windows of one hour, no rule, no measure. The world must stay where it is. */
void start(struct world *world);
void stop(struct world *world);
/* Makes rule `at` ("a", "b" ...) one of this check, with every default and no limit. */
struct vg_rule *set_rule(struct world *world, size_t at, const char *check);
/* Adds a measure of that rule over 1000 rows. */
struct vg_measure *add(struct world *world, size_t rule, double value);
/* Judges all measures; asserts that this succeeds with so many results. */
const struct vg_result *judge(struct world *world, size_t expected);
void assert_verdict(const struct vg_result *result, enum vg_verdict verdict);

#endif
