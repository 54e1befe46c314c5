/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil explain DATASET: the statements that would run, and what the planner thinks they cost. */
#include <string.h>

#include "agent/commands/shell.h"
#include "agent/loop/cycle.h"
#include "agent/window.h"

static void indent(const char *text)
{
    fputs("    ", stdout);
    for (const char *p = text; *p; p++) {
        putchar(*p);
        if (*p == '\n' && p[1])
            fputs("    ", stdout);
    }
    putchar('\n');
}

static int explain_one(struct vg_work *work, const char *what, const char *sql, const char *shown,
                       struct vg_error *err)
{
    const char *explain = sql ? vg_arena_printf(work->arena, "EXPLAIN %s", sql) : NULL;
    struct vg_rows rows;
    if (!explain || !shown)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    printf("-- %s\n%s\n", what, shown);
    if (work->env->source->ops->rows(work->session, explain, NULL, 0, work->arena, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < rows.nrows; i++)
        indent(rows.cells[i]);
    return 0;
}

static int explain_all(struct vg_work *work, struct vg_error *err)
{
    const struct vg_plan *plan = &work->plan;
    struct vg_arena *arena = work->arena;
    if (vg_cycle_look(work, err) < 0)
        return -1;
    if (plan->time_problem)
        return vg_fail(err, VG_E_CONFIG, "%s: %s", work->job.dataset->time_column,
                       plan->time_problem);
    struct vg_rows_of rows = vg_plan_rows(plan, &work->job.range, 0);
    if (work->job.dataset->sample.mode == VG_SAMPLE_PERCENT)
        rows.sample_percent = work->job.dataset->sample.amount;
    const char *select = vg_sql_select(&rows, plan->items, plan->nitems, false, arena);
    const char *copy = vg_sql_copy(&rows, plan->items, plan->nitems, false, arena);
    if (explain_one(work, "each window: one COPY, all rules", select, copy, err) < 0)
        return -1;
    if (!plan->time)
        return 0;
    const char *newest = vg_sql_newest(&rows, work->cycle.now_us, arena);
    if (plan->time->indexed_first &&
        explain_one(work, "each tick: the newest row", newest, newest, err) < 0)
        return -1;
    const char *count = vg_sql_count(&rows, arena);
    return explain_one(work, "with the next window: rows that came late", count, count, err);
}

static int explain(struct vg_shell *shell, const struct vg_dataset *dataset)
{
    struct vg_error err = {0};
    struct vg_cycle_env env = vg_shell_env(shell);
    struct vg_job job = {.dataset = dataset, .window = true};
    struct vg_progress progress = {.judged_us = VG_NEVER};
    struct vg_work work;
    vg_window_newest_due(dataset, shell->clock->ops->now_us(shell->clock), &job.range);
    int rc = vg_cycle_begin(&work, &env, &job, &progress, &err);
    if (rc == 0) {
        rc = explain_all(&work, &err);
        for (size_t i = 0; rc == 0 && i < work.plan.nbound; i++) {
            if (work.plan.bound[i].problem)
                printf("-- %s cannot run: %s\n", work.plan.bound[i].rule.id,
                       work.plan.bound[i].problem);
        }
        vg_cycle_end(&work);
    }
    return rc < 0 ? vg_shell_fail(&err) : 0;
}

static int run_explain(const struct vg_options *options)
{
    struct vg_shell shell;
    const struct vg_dataset *const *datasets;
    size_t n;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, options);
    if (!rc)
        rc = vg_shell_store(&shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(&shell);
    if (!rc)
        rc = vg_shell_source(&shell);
    if (!rc)
        rc = vg_shell_datasets(&shell, &datasets, &n);
    if (!rc)
        rc = explain(&shell, datasets[0]);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_explain;
const struct vg_command vg_command_explain = {
    .name = "explain",
    .arguments = "DATASET",
    .doc = "the SQL that will run, and the planner's cost",
    .options = "state",
    .least = 1,
    .most = 1,
    .run = run_explain,
};
