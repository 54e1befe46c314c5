/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycles, results and alerts of a small world, and a board to put them on, for the tests of what
 * monitoring systems see. The dataset is "predictions", the time noon of 12 June 2001. */
#ifndef PGVIGIL_TESTS_BOARD_H
#define PGVIGIL_TESTS_BOARD_H

#include "agent/metrics/metrics.h"
#include "pgvigil/result.h"

extern const int64_t board_noon_us;

/* A pass with no figures. */
struct vg_result board_result(const char *rule, const char *check, enum vg_class class,
                              enum vg_cadence cadence);
/* score-drift: ks on probability, 0.35 fails, 0.25 warns. */
struct vg_result board_drift(double value, enum vg_verdict verdict);
struct vg_result board_freshness(enum vg_verdict verdict);
/* A tick that could read. */
struct vg_cycle board_cycle(const char *dataset);
/* Makes it the cycle of yesterday's window with these results, which are borrowed. */
void board_window(struct vg_cycle *cycle, struct vg_result *results, size_t n);
struct vg_alert board_alert(const char *rule, enum vg_alert_state state);

void board_publish(struct vg_metrics *metrics, const struct vg_cycle *cycle,
                   const struct vg_alert *alerts, size_t n);
/* The scope as text, read by exposition_check(); to be freed. */
char *board_text(struct vg_metrics *metrics, struct vg_metrics_scope scope);
char *board_group(struct vg_metrics *metrics, const char *dataset);
/* Fail the test unless the series has this value; unless no series has this name. */
void board_assert(const char *text, const char *series, double want);
void board_assert_absent(const char *text, const char *name);

#endif
