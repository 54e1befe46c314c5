/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world for the loop: a store, a source without a server, a virtual clock, and books of datasets
 * named by letters. */
#ifndef PGVIGIL_TESTS_LOOP_KIT_H
#define PGVIGIL_TESTS_LOOP_KIT_H

#include "tests/unit/source_kit.h"
#include "tests/unit/store_fixture.h"

#include <stdatomic.h>

#include "agent/loop/loop.h"

struct loop_kit {
    struct fixture *store;
    struct source_kit source;
    struct vg_cycle_env env;
    struct vg_shell_ops shell;
    struct vg_loop loop;
    struct vg_error err;
    struct vg_publisher publisher;
    bool shown[128];                         /* by letter: published and not retired since */
    const char *next_book;                   /* letters of the next load; NULL: it fails */
    bool folder_lost;                        /* the next load says that the folder gave nothing */
    void (*at_commit)(struct loop_kit *kit); /* once, between a commit and its publishing */
    int loads, loaded, refused, drained, idled, freed;
    atomic_int committed;
    int stop_after; /* commits; 0: never */
};

/* cmocka's setup of a test whose state is the store's fixture: a loop over these datasets, and ten
 * hours of rows. */
void loop_kit_start(struct loop_kit *kit, void **state, const char *letters, int64_t now_us);
/* Asserts that every book was freed, once. */
void loop_kit_stop(struct loop_kit *kit);
/* Asserts all scans, as "a0 b0": table and hour of the window's start. */
void loop_kit_scans(const struct loop_kit *kit, const char *want);
/* Asserts the letters of the datasets that the store knows, and a slot for each in the rules. */
void loop_kit_known(struct loop_kit *kit, const char *want);
/* The slot of a dataset; fails the test when there is none. */
struct vg_slot *loop_kit_slot(struct loop_kit *kit, const char *id);
/* Leaves a command, runs once, and asserts that the answer holds these words. */
void loop_kit_command(struct loop_kit *kit, const char *verb, const char *argument,
                      const char *words);

#endif
