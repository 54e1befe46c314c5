/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of made columns under the policy `budget`: its reference of 28 days is kept as blobs, as
 * the agent keeps it, learnt by vg_budget_calibrate(), and every hour tested by vg_budget_test().
 * Ends the program when something fails. */
#ifndef PGVIGIL_TESTS_BENCH_DRIFT_WATCH_H
#define PGVIGIL_TESTS_BENCH_DRIFT_WATCH_H

#include <jansson.h>

#include "peers.h"
#include "pgvigil/budget.h"

struct watch {
    gsl_rng *rng;
    struct draw_plan plan; /* of the reference */
    size_t n;
    struct draw_column *columns;
    struct vg_buf *windows; /* per column: the blob of each hour, with its size before it */
    bool with_peers;
    struct peer_reference *peers; /* learnt with the columns, if so */
    struct vg_buf *blobs;
    struct vg_budget_part **parts;
    struct vg_budget *budget;
    double seconds; /* that learning took */
};

void watch_begin(struct watch *watch, unsigned long seed, size_t columns, bool with_peers);
/* Draws the reference of a column. */
void watch_add(struct watch *watch, size_t column, enum draw_table table, struct draw_law law);
void watch_learn(struct watch *watch);
/* What was learnt: levels, streams that are not stationary or blind, struck windows, seconds. */
json_t *watch_report(const struct watch *watch);
/* alarm[h] for the hours from .. to of a series that follows the reference, drawn from a look-back
 * before `from` on, as far as the series goes back. p of all hours at once, by the functions that
 * the agent's test and its replay share; an hour with p below its level is in alarm if the agent's
 * own test says so. A sample of the others is tested by it, too, and the program ends when the two
 * differ. */
void watch_series(const struct watch *watch, size_t column, const struct draw_series *series,
                  size_t from, size_t to, bool *alarm);
void watch_end(struct watch *watch);

#endif
