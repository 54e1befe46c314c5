/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of all metrics: name, kind, group, labels, help. Owns nothing else; the exposition, its
 * documentation and their tests read it. The drift gauges are made from the registry of checks, so
 * that a new check appears by itself. A name's kind never changes: a Pushgateway that still holds
 * the old kind would refuse every push. */
#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/metrics/board.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

#define RESULT_LABELS "dataset rule column segment"

#define G VG_METRIC_GAUGE
#define C VG_METRIC_COUNTER
#define H VG_METRIC_HISTOGRAM

static const struct vg_metric_type fixed[VG_M_FIXED] = {
    [VG_M_DATASET_UP] = {"pgvigil_dataset_up", G, true, "dataset",
                         "Whether the last cycle could read the table (1) or not (0)."},
    [VG_M_DATASET_ROWS] = {"pgvigil_dataset_rows", G, true, "dataset",
                           "Rows of the window judged last."},
    [VG_M_DATASET_LATE_ROWS] = {"pgvigil_dataset_late_rows", G, true, "dataset",
                                "Rows that came into the window before the last one after it was "
                                "judged."},
    [VG_M_DATASET_UNTIMED_ROWS] = {"pgvigil_dataset_untimed_rows", G, true, "dataset",
                                   "Rows whose time is NULL or infinite, which no window holds; "
                                   "counted where the time column has an index, each up to "
                                   "100000."},
    [VG_M_DATASET_FUTURE_ROWS] = {"pgvigil_dataset_future_rows", G, true, "dataset",
                                  "Rows whose time is after now; counted where the time column has "
                                  "an index, up to 100000."},
    [VG_M_DATASET_WINDOW_END] = {"pgvigil_dataset_window_end_timestamp_seconds", G, true, "dataset",
                                 "End of the window judged last."},
    [VG_M_DATASET_NEWEST_ROW] = {"pgvigil_dataset_newest_row_timestamp_seconds", G, true, "dataset",
                                 "Newest time in the table that is not in the future."},
    [VG_M_DATASET_LAST_SUCCESS] = {"pgvigil_dataset_last_success_timestamp_seconds", G, true,
                                   "dataset", "When a cycle could last read the table."},
    [VG_M_DATASET_INTERVAL] = {"pgvigil_dataset_interval_seconds", G, true, "dataset",
                               "Time between two cycles, as scheduled."},
    [VG_M_DATASET_LIMIT_REACHED] =
        {"pgvigil_dataset_limit_reached", G, true, "dataset limit",
         "How far a limit was passed in the cycle that looked last: for cost, rows and columns 1 "
         "where it kept the read from being made; values left in the segment other; columns with "
         "more values than are counted."},
    [VG_M_CYCLES] = {"pgvigil_cycles_total", C, true, "dataset",
                     "Cycles since the dataset was first seen."},
    [VG_M_CYCLE_FAILURES] = {"pgvigil_cycle_failures_total", C, true, "dataset",
                             "Cycles that could not read the table."},
    [VG_M_TICKS_SKIPPED] = {"pgvigil_ticks_skipped_total", C, true, "dataset",
                            "Ticks left out because an earlier cycle was still running."},
    [VG_M_WINDOWS_SKIPPED] =
        {"pgvigil_windows_skipped_total", C, true, "dataset",
         "Windows never judged: older than the catch-up reaches, or given up."},
    [VG_M_ROWS_SCANNED] = {"pgvigil_rows_scanned_total", C, true, "dataset",
                           "Rows read from the database."},
    [VG_M_CHECK_STATUS] = {"pgvigil_check_status", G, true, RESULT_LABELS " severity",
                           "Last verdict: 0 pass, 1 nodata, 2 warn, 3 unknown, 4 fail."},
    [VG_M_ALERT_STATE] = {"pgvigil_alert_state", G, true, RESULT_LABELS " severity",
                          "State of the alert: 0 ok, 1 new, 2 pending, 3 blind, 4 clearing, "
                          "5 firing blind, 6 firing."},
    [VG_M_COLUMN_NULLS_RATIO] = {"pgvigil_column_nulls_ratio", G, true, "dataset column segment",
                                 "Share of rows without a value, in the window judged last."},
    [VG_M_COLUMN_MIN] = {"pgvigil_column_min", G, true, "dataset column segment",
                         "Smallest finite value in the window judged last; of a time, seconds "
                         "since 1970."},
    [VG_M_COLUMN_MAX] = {"pgvigil_column_max", G, true, "dataset column segment",
                         "Largest finite value in the window judged last; of a time, seconds since "
                         "1970."},
    [VG_M_COLUMN_MEAN] = {"pgvigil_column_mean", G, true, "dataset column segment",
                          "Mean of the finite values in the window judged last."},
    [VG_M_COLUMN_STDDEV] = {"pgvigil_column_stddev", G, true, "dataset column segment",
                            "Standard deviation of the finite values in the window judged last."},
    [VG_M_COLUMN_DISTINCT] = {"pgvigil_column_distinct", G, true, "dataset column segment",
                              "Estimated number of distinct values in the window judged last."},
    [VG_M_DRIFT_SPREAD] = {"pgvigil_drift_spread", G, true, RESULT_LABELS,
                           "Under the budget: standard deviation over the look-back nearest to an "
                           "alarm, as a multiple of the reference's."},
    [VG_M_DRIFT_LEVELS] = {"pgvigil_drift_value_share", G, true, RESULT_LABELS,
                           "Under the budget: change of the share of the value nearest to an "
                           "alarm."},
    [VG_M_DRIFT_NULLS] = {"pgvigil_drift_null_share", G, true, RESULT_LABELS,
                          "Under the budget: change of the share of NULLs."},
    [VG_M_DRIFT_P_VALUE] = {"pgvigil_drift_p_value", G, true, RESULT_LABELS " statistic",
                            "Under the budget: the smallest p over the look-backs; below "
                            "pgvigil_drift_alarm_level it fails."},
    [VG_M_DRIFT_ALARM_LEVEL] = {"pgvigil_drift_alarm_level", G, true, RESULT_LABELS " statistic",
                                "Under the budget: the p below which the statistic fails, learnt "
                                "from the reference."},
    [VG_M_DRIFT_VISIBLE] = {"pgvigil_drift_smallest_visible", G, true, RESULT_LABELS " statistic",
                            "Under the budget: the smallest change that can be seen in a day, in "
                            "the unit of the statistic."},
    [VG_M_DRIFT_EXPECTED] = {"pgvigil_drift_expected_incidents", G, true, "dataset",
                             "False incidents a week to expect of the budget, by its replay over "
                             "the reference."},
    [VG_M_BUILD_INFO] = {"pgvigil_build_info", G, false, "version",
                         "Always 1; the label names the version that runs."},
    [VG_M_CYCLE_DURATION] = {"pgvigil_cycle_duration_seconds", H, false, "",
                             "How long cycles took, from opening the snapshot to the commit."},
    [VG_M_RELOAD_OK] = {"pgvigil_config_last_reload_successful", G, false, "",
                        "Whether all files loaded when they were last read (1) or not (0)."},
    [VG_M_RELOAD_TIME] = {"pgvigil_config_last_reload_success_timestamp_seconds", G, false, "",
                          "When all files last loaded."},
    [VG_M_RULE_FILE_OK] = {"pgvigil_rule_file_ok", G, false, "file",
                           "Whether the rule file on disk loads (1) or not (0: its last good text "
                           "stays in force)."},
    [VG_M_STATE_IN_PLACE] = {"pgvigil_state_in_place", G, false, "",
                             "Whether the state file and its lock at their paths are those in use "
                             "(1), or were removed or replaced (0)."},
    [VG_M_STATE_WRITABLE] = {"pgvigil_state_writable", G, false, "",
                             "Whether the last commit to the state store took place (1) or failed "
                             "(0)."},
    [VG_M_NOTIFICATIONS] = {"pgvigil_notifications_total", C, false, "receiver",
                            "Attempts to deliver a message; a retraining endpoint is the receiver "
                            "retraining/MODEL."},
    [VG_M_NOTIFICATION_FAILURES] = {"pgvigil_notification_failures_total", C, false, "receiver",
                                    "Attempts that failed; most are tried again."},
    [VG_M_NOTIFICATIONS_DROPPED] = {"pgvigil_notifications_dropped_total", C, false, "receiver",
                                    "Messages set aside because the receiver refused them for "
                                    "good."},
    [VG_M_OUTBOX] = {"pgvigil_outbox_messages", G, false, "receiver",
                     "Messages that wait to be delivered."},
    [VG_M_RETRAIN_DECISIONS] = {"pgvigil_retrain_decisions_total", C, false, "model decision",
                                "Decisions about retraining."},
    [VG_M_RETRAIN_TRIGGERS] = {"pgvigil_retrain_triggers_total", C, false, "system",
                               "Attempts to ask a training system for a retraining."},
    [VG_M_RETRAIN_TRIGGER_FAILURES] = {"pgvigil_retrain_trigger_failures_total", C, false, "system",
                                       "Attempts that failed, or were refused; those that failed "
                                       "are made again."},
    [VG_M_RETRAIN_ASKED] = {"pgvigil_retrain_last_asked_timestamp_seconds", G, false, "model",
                            "When the model's retraining was last asked for."},
    [VG_M_RETRAIN_SUCCEEDED] = {"pgvigil_retrain_last_succeeded_timestamp_seconds", G, false,
                                "model", "When a run that was followed last succeeded."},
    [VG_M_RETRAIN_FAILED] = {"pgvigil_retrain_last_failed_timestamp_seconds", G, false, "model",
                             "When a request was last refused, or a run that was followed failed "
                             "or was lost sight of."},
    [VG_M_RETRAIN_PENDING] = {"pgvigil_retrain_pending", G, false, "model",
                              "Requests for retraining that wait for approval."},
    [VG_M_QUARANTINE_KEYS] = {"pgvigil_quarantine_keys_total", C, false, "dataset",
                              "Keys of offending rows that were written to the quarantine, or were "
                              "there already."},
    [VG_M_QUARANTINE_FAILURES] = {"pgvigil_quarantine_failures_total", C, false, "dataset",
                                  "Attempts to write the keys of one rule and window that failed; "
                                  "they are tried again for a week."},
    [VG_M_PUSHES] = {"pgvigil_pushes_total", C, false, "",
                     "Requests to the Pushgateway that were answered, or given up."},
    [VG_M_PUSH_FAILURES] = {"pgvigil_push_failures_total", C, false, "",
                            "Requests to the Pushgateway that failed."},
    [VG_M_PUSH_LAST_SUCCESS] = {"pgvigil_push_last_success_timestamp_seconds", G, false, "",
                                "When the Pushgateway last took a push."},
    [VG_M_PUSH_REJECTED] = {"pgvigil_push_rejected_families", G, false, "",
                            "Families of metrics that the Pushgateway rejects, over all groups."},
    [VG_M_SERIES_DROPPED] =
        {"pgvigil_series_dropped_total", C, false, "",
         "Series left out because there were too many, counted at every cycle."},
    [VG_M_LOG_MESSAGES] = {"pgvigil_log_messages_total", C, false, "level",
                           "Lines of the log, written or below the level that is written."},
    /* The words of other programs' process metrics: a Pushgateway has its own of these names. */
    [VG_M_PROCESS_CPU] = {"process_cpu_seconds_total", C, false, "",
                          "Total user and system CPU time spent in seconds."},
    [VG_M_PROCESS_START] = {"process_start_time_seconds", G, false, "",
                            "Start time of the process since unix epoch in seconds."},
    [VG_M_PROCESS_RESIDENT] = {"process_resident_memory_bytes", G, false, "",
                               "Resident memory size in bytes."},
    [VG_M_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", G, false, "",
                              "Virtual memory size in bytes."},
    [VG_M_PROCESS_OPEN_FDS] = {"process_open_fds", G, false, "",
                               "Number of open file descriptors."},
    [VG_M_PROCESS_MAX_FDS] = {"process_max_fds", G, false, "",
                              "Maximum number of open file descriptors."},
    [VG_M_PROCESS_THREADS] = {"process_threads", G, false, "",
                              "Number of operating system threads of the process."},
};

enum { DRIFT_MOST = 64, NAME_SIZE = 96, HELP_SIZE = 480 };

/* Written once, below; read only afterwards. */
static struct {
    pthread_once_t once;
    struct vg_metric_type types[VG_M_FIXED + 2 * DRIFT_MOST];
    char names[2 * DRIFT_MOST][NAME_SIZE], help[DRIFT_MOST][HELP_SIZE];
    const char *checks[DRIFT_MOST];
    size_t ndrift;
} table = {.once = PTHREAD_ONCE_INIT};

/* HELP is one line; a check's own description may not break it. */
static void write_help(char *out, const struct vg_check_type *check)
{
    snprintf(out, HELP_SIZE, "Statistic of the check %s: %s", check->name, check->doc);
    for (char *p = out; *p; p++)
        *p = *p == '\n' || *p == '\\' ? ' ' : *p;
    size_t whole = strlen(out);
    while (whole && !vg_utf8_valid(out, whole))
        whole--;
    out[whole] = '\0';
}

static void write_name(char *out, const char *check, const char *suffix)
{
    snprintf(out, NAME_SIZE, "pgvigil_drift_%s%s", check, suffix);
    for (char *p = out; *p; p++)
        *p = isalnum((unsigned char)*p) ? *p : '_';
}

static void add_drift(const struct vg_check_type *check)
{
    size_t k = table.ndrift++, at = VG_M_FIXED + 2 * k;
    if (k >= DRIFT_MOST)
        BUG("more than %d drift checks", (int)DRIFT_MOST);
    char *name = table.names[2 * k], *threshold = table.names[2 * k + 1];
    write_name(name, check->name, "");
    write_name(threshold, check->name, "_threshold");
    write_help(table.help[k], check);
    table.checks[k] = check->name;
    table.types[at] = (struct vg_metric_type){name, G, true, RESULT_LABELS, table.help[k]};
    table.types[at + 1] = (struct vg_metric_type){threshold, G, true, RESULT_LABELS " level",
                                                  "Limit of the check; level is warn or fail."};
}

static void make_table(void)
{
    memcpy(table.types, fixed, sizeof fixed);
    for (size_t i = 0; i < vg_checks_n; i++) {
        if (vg_checks[i]->class == VG_CLASS_DRIFT && vg_checks[i]->policy != VG_POLICY_BUDGET)
            add_drift(vg_checks[i]);
    }
}

const struct vg_metric_type *vg_metric_types(size_t *n)
{
    if (pthread_once(&table.once, make_table))
        BUG("the table of metrics cannot be made");
    *n = VG_M_FIXED + 2 * table.ndrift;
    return table.types;
}

size_t vg_metric_drift(const char *check)
{
    size_t n;
    vg_metric_types(&n);
    for (size_t k = 0; k < table.ndrift; k++) {
        if (!strcmp(table.checks[k], check))
            return VG_M_FIXED + 2 * k;
    }
    return SIZE_MAX;
}

const char *vg_metric_kind_name(enum vg_metric_kind kind)
{
    static const char *const names[] = {"gauge", "counter", "histogram"};
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "untyped";
}
