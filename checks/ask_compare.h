/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statements that compare two tables, on one connection or two, and the reading of their
 * answers; layer 3, pure. */
#ifndef PGVIGIL_ASK_COMPARE_H
#define PGVIGIL_ASK_COMPARE_H

#include "checks/ask_parts.h"

enum { VG_ASK_ROWS, VG_ASK_KEYS, VG_ASK_SUMS, VG_ASK_VALUES };
enum { VG_ASK_EITHER, VG_ASK_THEIRS, VG_ASK_OURS };
/* On two connections: keys are compared in so many buckets of their hashes. */
enum { VG_ASK_BUCKETS = 8192 };

/* Params of the check. */
struct vg_ask_compare {
    const char *with, *connection, *time_column, *filter;
    struct vg_strings on, columns, newest;
    int what, missing;
    double tolerance, relative;
    int64_t sample;
};
bool vg_ask_compare_elsewhere(const struct vg_rule *rule);
/* Statement number asked->nanswers, on whose connection *theirs says; nothing when all are
 * answered. VG_E_NOT_FOUND, VG_E_CONFIG. */
int vg_ask_compare(const struct vg_asked *asked, struct vg_buf *out, bool *theirs,
                   struct vg_error *err);
/* A new measure from all answers (see ask_compare_read.c). 0, or -1 VG_E_MEMORY. */
int vg_ask_compare_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *measures, struct vg_error *err);

#endif
