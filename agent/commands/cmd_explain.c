/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil explain DATASET: the statements that would run, what the planner thinks they cost,
 * and for each rule what answers it. With a RULE: what it finds now, and how its drift came. */
#include <string.h>

#include "agent/commands/budget_show.h"
#include "agent/commands/explain_drift.h"
#include "agent/commands/shell.h"
#include "agent/loop/cycle.h"
#include "agent/loop/cycle_ask.h"
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

/* Those after the first need its answer: they are told of, not shown. */
static int explain_lookup(struct vg_work *work, const struct vg_bound *bound, struct vg_error *err)
{
    const struct vg_asked_rule none = {0};
    struct vg_lookup lookup;
    if (vg_cycle_lookup(work, bound, &none, &lookup, err) < 0)
        return -1;
    struct vg_rows rows;
    const char *explain =
        lookup.sql ? vg_arena_printf(work->arena, "EXPLAIN %s", lookup.sql) : NULL;
    if (!lookup.sql)
        return 0;
    if (!explain)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    printf("-- %s: a statement of its own\n%s\n", bound->rule.id, lookup.sql);
    if (work->env->source->ops->ask(work->session, explain, work->job.dataset->timeout_us,
                                    work->arena, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < rows.nrows; i++)
        indent(rows.cells[i]);
    return 0;
}

static const char *find_answer(const struct vg_bound *bound)
{
    const struct vg_check_type *type = bound->rule.type;
    if (type->cadence == VG_ON_TICK)
        return "looked up at each tick";
    if (type->policy == VG_POLICY_BUDGET)
        return "the scan's summary, added to those of the last base windows";
    if (bound->condition)
        return "rows of the scan for which this is true";
    if (type->needs & (VG_NEEDS_PREDICATE | VG_NEEDS_CONDITION))
        return "rows of the scan";
    return "the scan's summary";
}

static void explain_segments(const struct vg_plan *plan)
{
    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct vg_plan_split *split = &plan->splits[i];
        if (split->problem)
            printf("-- %s\n", split->problem);
        else if (!split->known)
            printf("-- segments of %s: not known before there is a reference\n",
                   split->spec->column);
        else if (!split->scattered)
            printf("-- segments of %s: %zu value%s and other\n", split->spec->column,
                   split->values.n, split->values.n == 1 ? "" : "s");
        if (split->told)
            printf("-- %s\n", split->told);
    }
    if (plan->nsplits)
        printf("-- counts of %zu segments and %zu columns: %.1f KiB of memory\n", plan->nsegments,
               plan->tally.ncolumns, (double)plan->segment_bytes / 1024);
    if (plan->segment_values)
        printf("-- up to %u values of a category are counted exactly in each segment\n",
               plan->segment_values);
}

static int explain_rule(struct vg_work *work, const struct vg_bound *bound, struct vg_error *err)
{
    const struct vg_rule *rule = &bound->rule;
    if (bound->problem) {
        printf("-- %s cannot run: %s\n", rule->id, bound->problem);
        return 0;
    }
    if (!(rule->type->needs & VG_NEEDS_LOOKUP)) {
        printf("-- %s: %s\n", rule->id, find_answer(bound));
        if (bound->condition)
            indent(bound->condition);
        return 0;
    }
    if (explain_lookup(work, bound, err) == 0)
        return 0;
    if (err->code == VG_E_MEMORY || err->code == VG_E_CANCELLED || err->code == VG_E_CONNECT)
        return -1;
    printf("-- %s cannot run: %s\n", rule->id, err->msg);
    memset(err, 0, sizeof *err);
    return 0;
}

/* What becomes of the columns that the rule file computes. */
static void explain_columns(const struct vg_catalog *catalog)
{
    size_t names = 0;
    for (size_t i = 0; catalog && i < catalog->n; i++) {
        const struct vg_catalog_column *column = &catalog->columns[i];
        names += column->route != 0;
        if (column->cast_oid && !column->route)
            printf("-- %s: text, converted here to %s; what cannot be is counted by cast\n",
                   column->name, column->type);
        else if (column->computed && !column->route && !column->problem)
            printf("-- %s: computed by the server as %s\n", column->name, column->type);
    }
    if (names)
        printf("-- each row goes to one of %zu columns by its %s\n", names, catalog->names);
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
        if (rc == 0)
            explain_columns(work.catalog);
        if (rc == 0)
            explain_segments(&work.plan);
        for (size_t i = 0; rc == 0 && i < work.plan.nbound; i++)
            rc = explain_rule(&work, &work.plan.bound[i], &err);
        vg_cycle_end(&work);
    }
    if (rc == 0 && vg_budget_print(shell, dataset, stdout) < 0)
        return VG_EXIT_INTERNAL;
    return rc < 0 ? vg_shell_fail(&err) : 0;
}

static int run_explain(const struct vg_options *options)
{
    struct vg_shell shell;
    const struct vg_dataset *const *datasets;
    size_t n;
    struct vg_options named = *options; /* the dataset alone */
    const char *rule = options->narguments > 1 ? options->arguments[1] : NULL;
    named.narguments = 1;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, &named);
    if (!rc)
        rc = vg_shell_store(&shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(&shell);
    if (!rc)
        rc = vg_shell_source(&shell);
    if (!rc)
        rc = vg_shell_datasets(&shell, &datasets, &n);
    if (!rc)
        rc = rule ? vg_explain_drift(&shell, datasets[0], rule) : explain(&shell, datasets[0]);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_explain;
const struct vg_command vg_command_explain = {
    .name = "explain",
    .arguments = "DATASET [RULE]",
    .doc =
        "the SQL that will run, and its cost; of a rule, what it finds now and the drift's story",
    .options = "state",
    .least = 1,
    .most = 2,
    .run = run_explain,
};
