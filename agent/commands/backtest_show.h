/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backtest for people and for programs; layer 6. */
#ifndef PGVIGIL_BACKTEST_SHOW_H
#define PGVIGIL_BACKTEST_SHOW_H

#include <stdio.h>

#include "agent/backtest.h"

/* Tables. 0, or -1 out of memory. */
int vg_backtest_print(struct vg_backtest *test, FILE *out);
/* One object of JSON. 0, or -1. */
int vg_backtest_json(const struct vg_backtest *test, FILE *out);
/* Appends one HTML document that needs nothing from elsewhere; out->failed where it did not fit. */
void vg_backtest_page(struct vg_backtest *test, struct vg_buf *out);
/* The thresholds that were tuned, as a piece of a rule file. */
void vg_backtest_yaml(const struct vg_backtest *test, struct vg_buf *out);

/* "delay_minutes shifted ..." is as written; what became of it, as a sentence in arena. */
const char *vg_backtest_say_change(const struct vg_backtest *test,
                                   const struct vg_backtest_change *change, struct vg_arena *arena);
/* Incidents that a receiver was told of in a week, in the mean over the time of the test. */
double vg_backtest_pages(const struct vg_backtest *test, const char *receiver);

#endif
