/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world for cycles: a store in a folder of its own, a source without a server, a virtual clock, a
 * publisher that remembers, and one dataset read from rules as a person would write them. */
#ifndef PGVIGIL_TESTS_CYCLE_KIT_H
#define PGVIGIL_TESTS_CYCLE_KIT_H

#include "tests/unit/rule_kit.h"
#include "tests/unit/source_kit.h"
#include "tests/unit/store_fixture.h"

#include "agent/clock.h"
#include "agent/loop/cycle.h"

enum { CYCLE_RESULTS = 32 };

struct seen_result {
    char rule[64], why[VG_WHY + 200], keys[64];
    enum vg_verdict verdict;
};

struct cycle_kit {
    struct fixture *store;
    struct rule_kit rule;
    struct vg_dataset *datasets[1];
    struct vg_ruleset rules;
    struct source_kit source;
    struct vg_publisher publisher;
    struct vg_cycle_env env;
    struct vg_progress progress;
    struct vg_error err;
    /* of the last cycle that was published */
    struct vg_cycle cycle;
    struct seen_result results[CYCLE_RESULTS];
    size_t nresults, nalerts;
    int published, retired, committed, decided;
    struct vg_decision decision; /* the last one, its texts in the store's arena */
};

/* Rules by hour, ten minutes after its end: volume, nulls and range of value, a range with a
 * condition. */
extern const char cycle_kit_rules[];

/* cmocka's setup of a test whose state is the store's fixture. The clock stands at the first
 * hour's end. */
void cycle_kit_start(struct cycle_kit *kit, void **state, const char *config, const char *rules);
void cycle_kit_stop(struct cycle_kit *kit);
/* Moves the clock to `at_us`, asserts that a cycle is due then, and runs it; its return code. */
int cycle_kit_run(struct cycle_kit *kit, int64_t at_us);
/* When the window of the n-th hour is due. */
int64_t cycle_kit_due(int hour);
/* Asserts the verdict of a rule of the last cycle; returns what was seen of it. */
const struct seen_result *cycle_kit_expect(const struct cycle_kit *kit, const char *rule,
                                           enum vg_verdict verdict);
/* Asserts status and rows of the n-th hour as stored; "none" for no such row. */
void cycle_kit_window(struct cycle_kit *kit, int hour, const char *status, uint64_t rows);
/* Asserts that the store holds the progress that the cycle handed out. */
void cycle_kit_same_progress(struct cycle_kit *kit);

#endif
