/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is due for a dataset, and when something will be next; layer 3, pure. */
#ifndef PGVIGIL_DUE_H
#define PGVIGIL_DUE_H

#include "pgvigil/rule.h"
#include "pgvigil/store.h"

/* One cycle to run. */
struct vg_job {
    const struct vg_dataset *dataset;
    int64_t due_us; /* natural due time: window end + delay, or the tick's */
    bool tick, window;
    struct vg_window range;   /* of the window */
    bool late;                /* the window had been committed empty */
    bool revisit;             /* a window that was judged is read again; no tick, no window */
    bool next_due;            /* the window after it is due too */
    bool catching_up;         /* another window is due behind this one */
    int64_t ticks_skipped;    /* ticks that passed unrun */
    struct vg_window skipped; /* time skipped before this window; start = end: none */
};

/* Limits of a replay (`run --from --until`), or of a first run (`--backfill`). */
struct vg_span {
    bool tick_now;    /* what was never looked at is due now (cron may be slower than ticks) */
    int64_t from_us;  /* a first run begins with the first window starting at or after it;
                       * VG_NEVER: with the newest closed one */
    int64_t until_us; /* no window due after it, no tick after it; VG_NEVER: no end */
};

/* When the next cycle is due (maybe in the past); VG_NEVER: never within the span. */
int64_t vg_due_next(const struct vg_dataset *dataset, const struct vg_progress *stored,
                    const struct vg_span *span, int64_t now_us);
/* The job at now; false when nothing is due. */
bool vg_due_job(const struct vg_dataset *dataset, const struct vg_progress *stored,
                const struct vg_span *span, int64_t now_us, struct vg_job *out);
/* After the n-th failure in a row: 1, 2, 4 ... ticks later, at most an hour. */
int64_t vg_due_retry(const struct vg_dataset *dataset, int failures, int64_t now_us);

#endif
