/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the board of metrics, shared by its sources only: the positions in the table, samples
 * and lists of them. A list belongs to one dataset, lives in one arena and is never changed once it
 * is on the board, only replaced. */
#ifndef PGVIGIL_AGENT_METRICS_BOARD_H
#define PGVIGIL_AGENT_METRICS_BOARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/metrics/metrics.h"
#include "pgvigil/mem.h"
#include "pgvigil/result.h"

/* Positions in the table; the drift gauges follow, two for every check of class drift. */
enum vg_metric_id {
    VG_M_DATASET_UP,
    VG_M_DATASET_ROWS,
    VG_M_DATASET_LATE_ROWS,
    VG_M_DATASET_UNTIMED_ROWS,
    VG_M_DATASET_FUTURE_ROWS,
    VG_M_DATASET_WINDOW_END,
    VG_M_DATASET_NEWEST_ROW,
    VG_M_DATASET_LAST_SUCCESS,
    VG_M_DATASET_INTERVAL,
    VG_M_DATASET_LIMIT_REACHED,
    VG_M_CYCLES,
    VG_M_CYCLE_FAILURES,
    VG_M_TICKS_SKIPPED,
    VG_M_WINDOWS_SKIPPED,
    VG_M_ROWS_SCANNED,
    VG_M_CHECK_STATUS,
    VG_M_ALERT_STATE,
    VG_M_COLUMN_NULLS_RATIO,
    VG_M_COLUMN_MIN,
    VG_M_COLUMN_MAX,
    VG_M_COLUMN_MEAN,
    VG_M_COLUMN_STDDEV,
    VG_M_COLUMN_DISTINCT,
    VG_M_DRIFT_SPREAD,
    VG_M_DRIFT_LEVELS,
    VG_M_DRIFT_NULLS,
    VG_M_DRIFT_P_VALUE,
    VG_M_DRIFT_ALARM_LEVEL,
    VG_M_DRIFT_VISIBLE,
    VG_M_DRIFT_EXPECTED,
    VG_M_BUILD_INFO,
    VG_M_CYCLE_DURATION,
    VG_M_RELOAD_OK,
    VG_M_RELOAD_TIME,
    VG_M_RULE_FILE_OK,
    VG_M_STATE_IN_PLACE,
    VG_M_STATE_WRITABLE,
    VG_M_NOTIFICATIONS,
    VG_M_NOTIFICATION_FAILURES,
    VG_M_NOTIFICATIONS_DROPPED,
    VG_M_OUTBOX,
    VG_M_RETRAIN_DECISIONS,
    VG_M_RETRAIN_TRIGGERS,
    VG_M_RETRAIN_TRIGGER_FAILURES,
    VG_M_RETRAIN_ASKED,
    VG_M_RETRAIN_SUCCEEDED,
    VG_M_RETRAIN_FAILED,
    VG_M_RETRAIN_PENDING,
    VG_M_QUARANTINE_KEYS,
    VG_M_QUARANTINE_FAILURES,
    VG_M_PUSHES,
    VG_M_PUSH_FAILURES,
    VG_M_PUSH_LAST_SUCCESS,
    VG_M_PUSH_REJECTED,
    VG_M_SERIES_DROPPED,
    VG_M_LOG_MESSAGES,
    VG_M_PROCESS_CPU,
    VG_M_PROCESS_START,
    VG_M_PROCESS_RESIDENT,
    VG_M_PROCESS_VIRTUAL,
    VG_M_PROCESS_OPEN_FDS,
    VG_M_PROCESS_MAX_FDS,
    VG_M_PROCESS_THREADS,
    VG_M_FIXED
};
/* The gauge of a drift check, and one further its threshold; SIZE_MAX for another check. The
 * budget has none: it shows its statistics one by one. */
size_t vg_metric_drift(const char *check);

/* What a sample came from, and so what replaces it. */
enum vg_sample_part {
    VG_PART_DATASET, /* kept until a newer value comes */
    VG_PART_ALERT,   /* replaced by every cycle */
    VG_PART_TICK,    /* results of tick rules: by the next tick */
    VG_PART_WINDOW,  /* results of window rules: by the next window */
    VG_PART_BASE,    /* results of the budget: by the next of the same rule */
    VG_PART_COLUMN,  /* statistics of columns: by the next window */
    VG_PART_LIMIT,   /* limits reached: when they are looked at again */
};

struct vg_sample_value {
    size_t metric;
    enum vg_sample_part part;
    const char *rule;   /* of alerts and results, else NULL */
    const char *labels; /* `name="value",...`, escaped */
    double value;
};

struct vg_samples {
    struct vg_arena *arena;
    struct vg_sample_value *items;
    size_t n, size, most; /* at most `most` are kept */
    size_t dropped;       /* past the cap, or with the labels of another */
    bool failed;          /* memory was short */
};
int vg_samples_init(struct vg_samples *samples, size_t most);
void vg_samples_free(struct vg_samples *samples);

struct vg_label {
    const char *name, *value; /* a NULL value is "" */
};
/* Labels as they stand between the braces: valid UTF-8, escaped, cut. */
void vg_labels_put(struct vg_buf *out, const struct vg_label *labels, size_t n);
/* Adds a copy, its texts in the list's arena; a NaN is no sample. */
void vg_samples_add(struct vg_samples *samples, const struct vg_sample_value *sample);
/* Sorts by metric and labels, and drops what would be a second series of one name. */
void vg_samples_finish(struct vg_samples *samples);

/* Everything the board shows of a dataset after this cycle: what the cycle says, and what of `old`
 * (may be NULL) it does not replace. */
void vg_samples_of_cycle(struct vg_samples *out, const struct vg_samples *old,
                         const struct vg_cycle *cycle, const struct vg_alert *alerts, size_t n);

/* Figures of this process from /proc; NaN where one cannot be read. */
struct vg_process {
    double cpu_seconds, start_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, threads;
};
void vg_process_read(struct vg_process *out);

/* Upper bounds in seconds of the histogram of cycles, ascending; +Inf follows. */
enum { VG_DURATION_BOUNDS = 12 };
extern const double vg_duration_bounds[VG_DURATION_BOUNDS];

struct vg_board_dataset {
    char *id;
    struct vg_samples samples;
};

struct vg_metrics {
    struct vg_publisher publisher;     /* first: the board is one */
    pthread_mutex_t lock;              /* around all below */
    struct vg_board_dataset *datasets; /* by id */
    size_t n, size;
    struct vg_samples own;                      /* in the order of their making */
    uint64_t durations[VG_DURATION_BOUNDS + 1]; /* each bucket alone, not cumulative */
    double duration_sum;
};

/* Puts a cycle on the board without counting it as one that ran. */
void vg_metrics_take(struct vg_metrics *metrics, const struct vg_cycle *cycle,
                     const struct vg_alert *alerts, size_t n);

#endif
