/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of all offending rows, written to a table of the user's; layer 5.
 *
 * A cycle only notes, in its own transaction, of which rules and windows keys are to be written,
 * and leaves its snapshot behind. The writing comes after the commit and decides nothing: it is
 * tried again until it is done, or a week has passed. No key is kept here, in the store or in a
 * message. */
#ifndef PGVIGIL_LOOP_OFFENDERS_H
#define PGVIGIL_LOOP_OFFENDERS_H

#include "agent/loop/cycle.h"

enum { VG_OFFENDERS_BATCH = 1000, VG_OFFENDERS_BATCH_BYTES = 256 << 10 };

/* Whether the keys of the rows that offend against this check can be listed at all. */
bool vg_offenders_can(const struct vg_check_type *type);
/* Inside the transaction of a cycle: notes the rules that failed or warned. */
int vg_offenders_note(struct vg_work *work, struct vg_error *err);
/* After it: hands the snapshot over to whom the env names, where something was noted. */
void vg_offenders_leave(struct vg_work *work);

/* Writes what is due: of this dataset only with a session, which is a snapshot of it and is closed
 * here; of all without. Failures are logged, counted by env->quarantined and kept in the store.
 * *next_us: when to come again, VG_NEVER: nothing waits. -1: the store failed. */
int vg_offenders_run(const struct vg_cycle_env *env, const char *dataset,
                     struct vg_session *session, int64_t *next_us, struct vg_error *err);

/* --- offenders_rows.c, offenders_write.c --- */

/* What reads the keys of one rule's offending rows in one window. */
struct vg_offenders_query {
    const struct vg_bound *bound;
    const char *sql; /* COPY of a key as JSON text, then of what decides, if anything does */
    struct vg_query_column columns[2];
    size_t ncolumns;
    bool routes; /* offending are rows whose name is no column */
};
/* VG_E_NOT_FOUND: the rule is not in force any more, or cannot name its rows. In the work's arena.
 * A rule goes by its former id too: the store may not know the new one yet. */
int vg_offenders_query(struct vg_work *work, const struct vg_offenders *row,
                       struct vg_offenders_query *out, struct vg_error *err);
/* Whether row `row` of a batch of it offends. */
bool vg_offenders_is(const struct vg_work *work, const struct vg_offenders *what,
                     const struct vg_offenders_query *query, const struct vg_batch *batch,
                     size_t row);
/* Reads and writes them, in one transaction of the user's table: all or none. keys and cut of the
 * row are set; its state to VG_OFFENDERS_GIVEN_UP where no attempt will ever read them: the rule is
 * not in force any more, or the statement is no good. Whether a server, a table or a right is there
 * can change, and gives nothing up. */
int vg_offenders_write(struct vg_work *work, struct vg_offenders *row, struct vg_error *err);
/* Whether they could be written: the statement with no key, undone. The errors are the same. */
int vg_offenders_try(struct vg_work *work, struct vg_error *err);

#endif
