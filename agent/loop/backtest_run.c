/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one pass of a backtest. Owns the cutting of the stream into windows and the work that each is
 * judged with; what judging and committing are is the live cycle's. Rows are never kept. */
#include "agent/loop/backtest_run.h"

#include <stdlib.h>
#include <string.h>

#include "agent/loop/backtest_beside.h"
#include "agent/loop/backtest_cost.h"
#include "agent/loop/carry.h"
#include "agent/loop/cycle_ask.h"
#include "agent/loop/cycle_reference.h"
#include "agent/loop/cycle_segments.h"
#include "agent/window.h"
#include "pgvigil/text.h"

struct run {
    const struct vg_backtest_task *task;
    struct vg_backtest *out;
    struct vg_cycle_env env;
    struct vg_dataset dataset; /* a copy without what a backtest does not do */
    struct vg_work bound;      /* catalogue, reference, plan and session of all windows */
    struct vg_beside beside;   /* references that are not the same for all */
    const struct vg_work *now; /* what the open window is judged with */
    struct vg_injector *injector;
    struct vg_progress progress;
    struct vg_strings drifting; /* columns whose past is told of */
    struct vg_publisher recorder;
    struct vg_window window; /* the one that is open, or comes next */
    struct vg_tally_plan counted;
    struct vg_tally *tally; /* NULL: none is open */
    int64_t at_us[VG_BATCH_ROWS];
    int64_t measured_ns;
    bool costs_known, failed;
    struct vg_error failure; /* of a hook */
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* --- What a cycle tells ----------------------------------------------------------------------- */

static struct run *of_recorder(struct vg_publisher *self)
{
    return (struct run *)((char *)self - offsetof(struct run, recorder));
}

static void record_cycle(struct vg_publisher *self, const struct vg_cycle *cycle,
                         const struct vg_alert *alerts, size_t nalerts)
{
    struct run *run = of_recorder(self);
    if (!run->failed)
        run->failed = vg_backtest_take(run->out, cycle, alerts, nalerts, &run->failure) < 0;
}

static void record_retirement(struct vg_publisher *self, const char *dataset)
{
    (void)self;
    (void)dataset;
}

static const struct vg_publish_ops recorder_ops = {record_cycle, record_retirement};

static void record_message(void *arg, const struct vg_message *message, const char *receiver)
{
    struct run *run = arg;
    if (!run->failed)
        run->failed = vg_backtest_tell(run->out, message, receiver, &run->failure) < 0;
}

static void record_time(void *arg, const struct vg_rule *rule, bool done)
{
    struct run *run = arg;
    int64_t now_ns = run->task->elapsed_ns();
    struct vg_backtest_rule *of = done ? vg_backtest_rule(run->out, rule->id, rule->column) : NULL;
    if (of)
        of->judging_ns += (uint64_t)(now_ns - run->measured_ns);
    run->measured_ns = now_ns;
}

/* --- What is replayed ------------------------------------------------------------------------- */

static int choose_rules(struct run *run, struct vg_error *err)
{
    struct vg_plan *plan = &run->bound.plan;
    struct vg_backtest *out = run->out;
    struct vg_bound *kept = vg_arena_array(run->bound.arena, plan->nbound, sizeof *kept);
    out->rules = vg_arena_array(out->arena, plan->nbound, sizeof *out->rules);
    if (!kept || !out->rules)
        return fail_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_bound *bound = &plan->bound[i];
        struct vg_backtest_rule *rule = &out->rules[out->nrules++];
        *rule = (struct vg_backtest_rule){
            .id = vg_arena_strdup(out->arena, bound->rule.id),
            .check = bound->rule.type->name,
            .column = vg_arena_strdup(out->arena, bound->rule.column),
            .rule = vg_arena_alloc(out->arena, sizeof bound->rule),
            .why_not = vg_backtest_why_not(bound, run->task->lookups),
            .unaware =
                bound->condition || bound->rule.where || bound->rule.type->needs & VG_NEEDS_LOOKUP,
            .row_ns = vg_backtest_unmeasured,
            .tuned = vg_backtest_unmeasured,
        };
        if (!rule->id || !rule->rule || (bound->rule.column && !rule->column))
            return fail_memory(err);
        memcpy((void *)(uintptr_t)rule->rule, &bound->rule, sizeof bound->rule);
        if (!rule->why_not)
            kept[n++] = *bound;
    }
    plan->bound = kept;
    plan->nbound = n;
    return 0;
}

static int bind_changes(struct run *run, struct vg_error *err)
{
    const struct vg_plan *plan = &run->bound.plan;
    const struct vg_inject_scan scan = {run->bound.catalog, run->bound.reference, plan->items,
                                        plan->nitems, run->dataset.time_column};
    uint32_t unread;
    if (!run->task->ninjections)
        return 0;
    if (vg_injector_new(run->task->injections, run->task->ninjections, &scan, &run->injector,
                        &unread, err) < 0)
        return -1;
    for (size_t i = 0; i < run->task->ninjections; i++) {
        const struct vg_injection *injection = &run->task->injections[i];
        run->out->changes[i].unread = (unread >> i) & 1;
        run->out->changes[i].outside =
            injection->from_us >= run->out->to_us || injection->to_us <= run->out->from_us;
    }
    return 0;
}

/* --- One window ------------------------------------------------------------------------------- */

/* Statements of rules, in a session of this window's: the scan has its own. */
static int ask(struct run *run, struct vg_work *work, struct vg_error *err)
{
    struct vg_source *source = run->env.source;
    struct vg_limits_of_session limits = {run->dataset.timeout_us, run->env.stop};
    if (run->task->lookups &&
        source->ops->open(source, run->dataset.connection, &limits, &work->session, err) < 0)
        return -1;
    int rc = vg_cycle_ask(work, err);
    if (work->session)
        source->ops->close(work->session);
    work->session = NULL;
    return rc;
}

static int take_counts(struct run *run, struct vg_work *work, struct vg_error *err)
{
    const struct vg_tally_plan *plan = &work->plan.tally;
    work->summaries = vg_arena_array(work->arena, plan->nvariants, sizeof *work->summaries);
    if (!work->summaries)
        return fail_memory(err);
    for (size_t v = 0; v < plan->nvariants; v++)
        work->summaries[work->nsummaries++] = vg_tally_take(run->tally, v);
    vg_cycle_reference_hide(work);
    if (plan->nsplits && vg_cycle_segments_take(work, run->tally, err) < 0)
        return -1;
    work->cycle.summary = work->summaries[0];
    work->cycle.rows = work->summaries[0]->rows;
    work->cycle.empty = work->cycle.rows == 0;
    return work->cycle.empty ? 0 : ask(run, work, err);
}

static void borrow(const struct vg_work *from, struct vg_work *work)
{
    work->catalog = from->catalog;
    work->plan = from->plan;
    work->reference = from->reference;
    work->reference_failed = from->reference_failed;
    work->reference_why = from->reference_why;
    work->others = from->others;
    work->nothers = from->nothers;
    work->cycle.private_columns = work->plan.private_columns;
}

static int judge_window(struct run *run, struct vg_error *err)
{
    struct vg_clock *clock = run->env.clock;
    struct vg_work work;
    struct vg_job job = {
        .dataset = &run->dataset,
        .due_us = run->window.end_us + run->dataset.schedule.delay_us,
        .window = true,
        .range = run->window,
        .skipped = {run->window.start_us, run->window.start_us, false},
    };
    clock->ops->sleep_until(clock, job.due_us);
    if (vg_cycle_begin(&work, &run->env, &job, &run->progress, err) < 0)
        return -1;
    borrow(run->now, &work);
    int rc = take_counts(run, &work, err);
    if (rc == 0)
        rc = vg_cycle_judge(&work, err);
    if (rc == 0)
        rc = vg_cycle_commit(&work, err);
    run->progress = work.before;
    work.reference = NULL; /* they serve the other windows, too */
    work.others = NULL;
    work.nothers = 0;
    vg_cycle_end(&work);
    if (rc == 0 && run->failed) {
        *err = run->failure;
        return -1;
    }
    return rc;
}

static int open_window(struct run *run, struct vg_error *err)
{
    if (vg_beside_at(&run->beside, &run->window, &run->now, err) < 0)
        return -1;
    run->counted = run->now->plan.tally;
    run->counted.until_us = run->window.end_us;
    return vg_tally_new(&run->counted, &run->tally, err);
}

static int close_window(struct run *run, struct vg_error *err)
{
    const struct vg_backtest_task *task = run->task;
    if (run->env.stop && *run->env.stop)
        return vg_fail(err, VG_E_CANCELLED, "stopped");
    int rc = judge_window(run, err);
    vg_tally_free(run->tally);
    run->tally = NULL;
    if (task->progress)
        task->progress(run->dataset.id, (double)(run->window.end_us - run->out->from_us) /
                                            (double)(run->out->to_us - run->out->from_us));
    vg_window_next(run->dataset.zone, run->dataset.schedule.window_us, &run->window, &run->window);
    return rc;
}

/* The window of this instant is open afterwards; those without rows before it are closed. */
static int reach(struct run *run, int64_t at_us, struct vg_error *err)
{
    while (run->tally || at_us >= run->window.end_us) {
        if (run->tally && at_us < run->window.end_us)
            return 0;
        if (!run->tally && open_window(run, err) < 0)
            return -1;
        if (close_window(run, err) < 0)
            return -1;
    }
    return open_window(run, err);
}

/* --- The stream ------------------------------------------------------------------------------- */

/* Rows first .. first + n - 1, each as often as it comes. */
static int add_rows(struct run *run, const struct vg_batch *batch, const uint8_t *times,
                    size_t first, size_t n, struct vg_error *err)
{
    if (!times)
        return vg_tally_add_range(run->tally, batch, first, n, err);
    for (size_t r = first, end; r < first + n; r = end) {
        for (end = r + 1; end < first + n && times[end] == times[r];)
            end++;
        for (uint8_t t = 0; t < times[r]; t++) {
            if (vg_tally_add_range(run->tally, batch, r, end - r, err) < 0)
                return -1;
        }
    }
    return 0;
}

static int cut_batch(struct run *run, const struct vg_batch *batch, const uint8_t *times,
                     struct vg_error *err)
{
    for (size_t first = 0, n; first < batch->nrows; first += n) {
        if (reach(run, run->at_us[first], err) < 0)
            return -1;
        n = 1;
        while (first + n < batch->nrows && run->at_us[first + n] < run->window.end_us)
            n++;
        if (add_rows(run, batch, times, first, n, err) < 0)
            return -1;
    }
    return 0;
}

static int take_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct run *run = arg;
    const struct vg_plan *plan = &run->bound.plan;
    const struct vg_column *time = &batch->cols[plan->time_item];
    for (size_t r = 0; r < batch->nrows; r++)
        run->at_us[r] = vg_sql_cell_instant(&run->dataset, plan->time, time->num[r]);
    if (!run->costs_known && batch->nrows >= VG_BACKTEST_COST_ROWS) {
        run->costs_known = true;
        if (vg_backtest_cost(&run->bound, batch, run->task->elapsed_ns, run->out, err) < 0)
            return -1;
    }
    struct vg_batch changed = *batch;
    const uint8_t *times = NULL;
    if (run->injector &&
        vg_injector_apply(run->injector, batch, run->at_us, &changed, &times, err) < 0)
        return -1;
    return cut_batch(run, &changed, times, err);
}

static int read_rows(struct run *run, struct vg_error *err)
{
    struct vg_plan *plan = &run->bound.plan;
    struct vg_window range = {run->out->from_us, run->out->to_us, false};
    struct vg_rows_of rows = vg_plan_rows(plan, &range, 0);
    struct vg_query query = {
        .sql = vg_sql_copy(&rows, plan->items, plan->nitems, true, run->bound.arena),
        .columns = plan->query,
        .ncolumns = plan->nitems,
        .timeout_us = VG_DAY_US,
    };
    if (!query.sql)
        return fail_memory(err);
    int rc = run->env.source->ops->scan(run->bound.session, &query, take_batch, run, err);
    while (rc == 0 && (run->tally || run->window.end_us <= run->out->to_us)) {
        if (!run->tally)
            rc = open_window(run, err);
        if (rc == 0)
            rc = close_window(run, err);
    }
    return rc;
}

/* Values of the reference are asked for window by window. */
static int rank_values(struct run *run, struct vg_error *err)
{
    const struct vg_reference *reference = run->bound.reference;
    for (size_t i = 0; reference && i < reference->ncolumns; i++) {
        struct vg_column_summary *total = reference->columns[i].total;
        if (total && total->top && vg_top_rank(total->top) < 0)
            return fail_memory(err);
    }
    return 0;
}

/* The past of columns is asked for by the budget and by the stories of drift. */
static int open_carry(struct run *run, struct vg_error *err)
{
    const struct vg_plan *plan = &run->bound.plan;
    const char **items = vg_arena_array(run->bound.arena, plan->nbound, sizeof *items);
    if (!items)
        return fail_memory(err);
    run->drifting.items = items;
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_rule *rule = &plan->bound[i].rule;
        bool told = rule->type->class == VG_CLASS_DRIFT || rule->policy == VG_POLICY_BUDGET;
        if (rule->column && told)
            items[run->drifting.n++] = rule->column;
    }
    if (vg_carry_new(run->env.store, run->dataset.id, &run->env.carry, err) < 0)
        return -1;
    vg_carry_only(run->env.carry, &run->drifting);
    return 0;
}

/* All that cycles write is one transaction, of which nothing stays. */
static int read_in_transaction(struct run *run, struct vg_error *err)
{
    if (vg_store_begin(run->env.store, &run->env.claim, err) < 0)
        return -1;
    int rc = read_rows(run, err);
    vg_store_rollback(run->env.store);
    return rc;
}

/* --- All of it -------------------------------------------------------------------------------- */

/* The windows that lie between the times. */
static int find_span(struct run *run, struct vg_error *err)
{
    const struct vg_backtest_task *task = run->task;
    const struct vg_zone *zone = run->dataset.zone;
    int64_t width = run->dataset.schedule.window_us;
    struct vg_window last;
    vg_window_at(zone, width, task->from_us, &run->window);
    if (run->window.start_us < task->from_us)
        vg_window_next(zone, width, &run->window, &run->window);
    vg_window_at(zone, width, task->to_us, &last);
    run->out->from_us = run->window.start_us;
    run->out->to_us = last.start_us;
    if (run->window.end_us <= run->out->to_us)
        return 0;
    char text[VG_DURATION_TEXT];
    return vg_fail(err, VG_E_USAGE, "no window of %s lies between --from and --to",
                   vg_format_duration(width, text));
}

/* The dataset as it is, but read once and whole, with no keys written and nothing retrained. */
static void copy_dataset(struct run *run)
{
    run->dataset = *run->task->dataset;
    run->dataset.schedule.nrevisits = 0;
    run->dataset.quarantine.connection = NULL;
    run->dataset.sample.mode = VG_SAMPLE_ALL;
    run->dataset.model = NULL;
}

static int bind_all(struct run *run, struct vg_error *err)
{
    struct vg_job job = {.dataset = &run->dataset, .due_us = run->out->to_us, .window = true};
    job.range = (struct vg_window){run->out->from_us, run->out->to_us, false};
    if (vg_cycle_begin(&run->bound, &run->env, &job, &run->progress, err) < 0 ||
        vg_cycle_bind(&run->bound, err) < 0)
        return -1;
    if (run->bound.plan.time_problem || !run->bound.plan.time)
        return vg_fail(err, VG_E_CONFIG, "%s: %s", run->dataset.time_column,
                       run->bound.plan.time_problem ? run->bound.plan.time_problem
                                                    : "there is no such column");
    const struct vg_reference *reference = run->bound.reference;
    if (reference) {
        run->out->reference_from_us = reference->from_us;
        run->out->reference_to_us = reference->to_us;
        run->out->reference_rows = reference->rows;
    }
    if (choose_rules(run, err) < 0)
        return -1;
    vg_beside_begin(&run->beside, &run->bound, run->task->lookups);
    return bind_changes(run, err);
}

int vg_backtest_run(const struct vg_backtest_task *task, struct vg_backtest *out,
                    struct vg_error *err)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return fail_memory(err);
    int64_t begun_ns = task->elapsed_ns();
    run->task = task;
    run->out = out;
    run->env = task->env;
    run->recorder.ops = &recorder_ops;
    run->env.commits = true;
    run->env.publisher = &run->recorder;
    run->env.posted = record_message;
    run->env.posted_arg = run;
    run->env.measuring = record_time;
    run->env.measuring_arg = run;
    run->progress = (struct vg_progress){
        .first_seen_us = task->from_us,
        .judged_us = VG_NEVER,
        .watermark_us = VG_NEVER,
        .tick_us = VG_NEVER,
        .success_us = VG_NEVER,
        .retry_us = VG_NEVER,
    };
    copy_dataset(run);
    int rc = find_span(run, err);
    if (rc == 0)
        rc = bind_all(run, err);
    if (rc == 0)
        rc = rank_values(run, err);
    if (rc == 0)
        rc = open_carry(run, err);
    if (rc == 0)
        rc = read_in_transaction(run, err);
    vg_carry_free(run->env.carry);
    vg_tally_free(run->tally);
    vg_injector_free(run->injector);
    vg_beside_end(&run->beside);
    if (run->bound.arena)
        vg_cycle_end(&run->bound);
    out->seconds = (double)(task->elapsed_ns() - begun_ns) / 1e9;
    free(run);
    return rc;
}
