/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil check: looks, scans and judges without writing any state or sending anything. */
#include <string.h>

#include "agent/clock.h"
#include "agent/commands/shell.h"
#include "agent/commands/show.h"
#include "agent/loop/cycle.h"
#include "agent/window.h"
#include "pgvigil/text.h"

struct check_run {
    struct vg_shell *shell;
    struct vg_cycle_env env;
    int64_t now_us;
    struct vg_show *show;
    int exit_code;
};

static int read_times(struct check_run *run, const struct vg_dataset *dataset,
                      struct vg_dataset *copy)
{
    const struct vg_options *options = run->shell->options;
    *copy = *dataset;
    if (options->at && !dataset->time_column) {
        fprintf(stderr, "pgvigil: %s has no time column: --at does not apply\n", dataset->id);
        return VG_EXIT_USAGE;
    }
    if (options->window &&
        (vg_parse_duration(options->window, &copy->schedule.window_us) < 0 ||
         copy->schedule.window_us <= 0 || copy->schedule.window_us > VG_WEEK_US)) {
        fprintf(stderr, "pgvigil: --window %s is not a window (15m, 1h, 1d ...)\n",
                options->window);
        return VG_EXIT_USAGE;
    }
    return 0;
}

static int load_progress(struct check_run *run, const struct vg_dataset *dataset,
                         struct vg_progress *progress, struct vg_error *err)
{
    *progress = (struct vg_progress){0};
    if (run->shell->store &&
        vg_store_progress(run->shell->store, dataset->id, run->shell->arena, progress, err) < 0)
        return -1;
    if (!progress->known)
        *progress = (struct vg_progress){.first_seen_us = run->now_us,
                                         .judged_us = VG_NEVER,
                                         .watermark_us = VG_NEVER,
                                         .tick_us = VG_NEVER,
                                         .success_us = VG_NEVER,
                                         .retry_us = VG_NEVER};
    return 0;
}

/* What a dataset's results say about the exit code. */
static int rate_cycle(const struct vg_cycle *cycle, bool strict)
{
    if (cycle->failed)
        return VG_EXIT_BLIND;
    int code = VG_EXIT_OK;
    size_t judged = 0, windowed = 0;
    for (size_t i = 0; i < cycle->nresults; i++) {
        const struct vg_result *result = &cycle->results[i];
        enum vg_verdict verdict = result->verdict;
        bool is_window = result->cadence == VG_ON_WINDOW;
        windowed += is_window;
        judged += is_window && verdict != VG_NODATA && verdict != VG_UNKNOWN;
        if (verdict == VG_UNKNOWN)
            code = vg_exit_worst(code, VG_EXIT_BLIND);
        bool lacks = verdict == VG_NODATA && !result->standing;
        if (verdict == VG_FAIL || (strict && (verdict == VG_WARN || lacks)))
            code = vg_exit_worst(code, VG_EXIT_FAILED);
    }
    return windowed && !judged ? vg_exit_worst(code, VG_EXIT_BLIND) : code;
}

/* A computed column without rules, which has no verdict to say that the server refuses it. */
static void warn_refused(const struct vg_work *work)
{
    const struct vg_catalog *catalog = work->catalog;
    for (size_t i = 0; catalog && i < catalog->n; i++) {
        const struct vg_catalog_column *column = &catalog->columns[i];
        bool told = !column->problem;
        for (size_t r = 0; r < work->plan.nbound && !told; r++)
            told = vg_streq(work->plan.bound[r].rule.column, column->name);
        if (told)
            continue;
        fprintf(stderr, "pgvigil: warning: %s: column ", work->job.dataset->id);
        vg_show_text(stderr, column->name);
        fputs(" cannot be computed: ", stderr);
        vg_show_text(stderr, column->problem);
        fputc('\n', stderr);
    }
}

static int check_dataset(struct check_run *run, const struct vg_dataset *dataset)
{
    struct vg_dataset copy;
    struct vg_error err = {0};
    struct vg_progress progress;
    struct vg_work work;
    int rc = read_times(run, dataset, &copy);
    if (rc)
        return rc;
    struct vg_job job = {.dataset = &copy, .due_us = run->now_us, .tick = true, .window = true};
    vg_window_newest_due(&copy, run->now_us, &job.range);
    if (load_progress(run, &copy, &progress, &err) < 0 ||
        vg_cycle_begin(&work, &run->env, &job, &progress, &err) < 0)
        return vg_shell_fail(&err);
    bool scanning;
    if (vg_cycle_read(&work, &scanning, &err) < 0) {
        work.cycle.failed = true;
        work.cycle.has_window = false;
        work.cycle.error = err;
    }
    vg_shell_progress_end();
    warn_refused(&work);
    if (vg_cycle_judge(&work, &err) < 0) {
        rc = vg_shell_fail(&err);
    } else {
        if (work.reference) {
            work.cycle.reference_version = work.reference->version;
            work.cycle.reference_from_us = work.reference->from_us;
            work.cycle.reference_to_us = work.reference->to_us;
            work.cycle.reference_rows = work.reference->rows;
        }
        rc = vg_show_cycle(run->show, &work.cycle, work.plan.time != NULL) < 0
                 ? VG_EXIT_INTERNAL
                 : rate_cycle(&work.cycle, run->shell->options->strict);
    }
    vg_cycle_end(&work);
    return rc;
}

static int open_all(struct check_run *run)
{
    struct vg_shell *shell = run->shell;
    struct vg_error err = {0};
    int rc = vg_shell_store(shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(shell);
    if (!rc)
        rc = vg_shell_source(shell);
    if (rc)
        return rc;
    run->now_us = shell->clock->ops->now_us(shell->clock);
    if (shell->options->at) {
        if (vg_parse_time(shell->options->at, &vg_utc, &run->now_us) < 0) {
            fprintf(stderr, "pgvigil: --at %s is not a time (2001-06-13T00:10:00Z)\n",
                    shell->options->at);
            return VG_EXIT_USAGE;
        }
        vg_clock_free(shell->clock);
        shell->clock = NULL;
        if (vg_clock_virtual(run->now_us, &shell->clock, &err) < 0)
            return vg_shell_fail(&err);
    }
    run->env = vg_shell_env(shell);
    run->env.past = shell->options->at != NULL;
    return 0;
}

static int run_check(const struct vg_options *options)
{
    struct vg_shell shell;
    struct check_run run = {.shell = &shell};
    const struct vg_dataset *const *datasets;
    size_t n;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, options);
    if (!rc)
        rc = open_all(&run);
    if (!rc)
        rc = vg_shell_datasets(&shell, &datasets, &n);
    if (!rc)
        run.show = vg_show_begin(stdout, options->json, run.now_us);
    if (!rc && !run.show)
        rc = VG_EXIT_INTERNAL;
    for (size_t i = 0; run.show && i < n && !vg_shell_stop; i++)
        rc = vg_exit_worst(rc, check_dataset(&run, datasets[i]));
    if (run.show && vg_show_end(run.show) < 0)
        rc = VG_EXIT_INTERNAL;
    if (shell.faulty)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    if (vg_shell_stop)
        rc = vg_exit_worst(rc, VG_EXIT_BLIND);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_check;
const struct vg_command vg_command_check = {
    .name = "check",
    .arguments = "[DATASET...]",
    .doc = "judge the newest closed window now; writes no state, sends nothing",
    .options = "at window json strict state",
    .most = -1,
    .run = run_check,
};
