/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements beside the scan: what checks look up themselves, which windows went before, and which
 * expression a rejected scan owes its fate to. Everything of the dataset's own connection is read
 * in the cycle's snapshot; a statement that fails costs its own rule. */
#include "agent/loop/cycle_ask.h"

#include "agent/loop/carry.h"
#include "agent/loop/cost.h"
#include "agent/loop/cycle_limits.h"
#include "agent/loop/cycle_segments.h"
#include "agent/loop/source.h"

#include <inttypes.h>
#include <string.h>

#include "pgvigil/failpoint.h"
#include "pgvigil/log.h"

enum { STATEMENT_MAX = 1 << 20, LOOKUP_MAX = 4 << 20, HISTORY_DAYS = 35 };
enum { MARKED_WINDOWS = 64 }; /* whose fingerprints of segments are read */

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

/* Whether the error is one statement's own: it was refused, or it was too slow. */
static bool is_of_statement(const struct vg_error *err)
{
    return vg_source_refused(err) || err->code == VG_E_TIMEOUT;
}

/* --- lookups --- */

struct asking {
    struct vg_work *work;
    const struct vg_bound *bound;
    struct vg_asked_rule *into;
    int64_t until_us; /* when what all statements may take together has passed */
    bool given_up;    /* an answer was too large or too late: the session went with it */
};

int vg_cycle_lookup(struct vg_work *work, const struct vg_bound *bound,
                    const struct vg_asked_rule *before, struct vg_lookup *out, struct vg_error *err)
{
    const struct vg_rule *rule = &bound->rule;
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_rows_of rows = vg_plan_rows(&work->plan, &work->job.range, 0);
    const struct vg_catalog_column *column =
        rule->column ? vg_catalog_find(work->catalog, rule->column) : NULL;
    struct vg_asked asked = {
        .rule = rule,
        .catalog = work->catalog,
        .column = column,
        .rows = &rows,
        .window = rows.range,
        .answers = before->answers,
        .nanswers = before->n,
        .shows_keys = !dataset->private_keys &&
                      !(rule->column && vg_dataset_is_private(dataset, rule->column)),
        .now_us = work->cycle.now_us,
    };
    struct vg_buf buf;
    vg_buf_init(&buf, LOOKUP_MAX);
    *out = (struct vg_lookup){.connection = dataset->connection};
    if (vg_cycle_segments_asked(work, rule, &asked, err) < 0) {
        vg_buf_free(&buf);
        return -1;
    }
    out->split = asked.nsplits > 0;
    int rc = rule->type->lookup(&asked, &buf, &out->connection, err);
    if (rc == 0 && buf.failed)
        rc = vg_fail(err, VG_E_LIMIT, "the statement would be longer than %d MB", LOOKUP_MAX >> 20);
    else if (rc == 0 && buf.len && !(out->sql = vg_arena_strdup(work->arena, buf.data)))
        rc = fail_memory(err);
    out->elsewhere = strcmp(out->connection, dataset->connection) != 0;
    vg_buf_free(&buf);
    return rc;
}

/* What is left of the time that all statements may take together, but never less than one that is
 * not slow needs: one slow statement does not take the others' answers. */
static int64_t find_timeout(const struct asking *asking)
{
    const struct vg_dataset *dataset = asking->work->job.dataset;
    struct vg_clock *clock = asking->work->env->clock;
    int64_t left = asking->until_us - clock->ops->now_us(clock);
    int64_t least = dataset->timeout_us < dataset->scan_timeout_us ? dataset->timeout_us
                                                                   : dataset->scan_timeout_us;
    return left > least ? left : least;
}

/* The server ends transactions that idle: the cycle's own would, while another server works. */
static int keep_waiting(struct asking *asking, int64_t timeout_us, struct vg_error *err)
{
    struct vg_work *work = asking->work;
    struct vg_rows ignored;
    int64_t least_us = 2 * (timeout_us + work->job.dataset->timeout_us) + VG_MINUTE_US;
    const char *sql = vg_arena_printf(
        work->arena,
        "SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', '%" PRId64 "', true)",
        least_us / 1000);
    if (!sql)
        return fail_memory(err);
    return work->env->source->ops->ask(work->session, sql, work->job.dataset->timeout_us,
                                       work->arena, &ignored, err);
}

/* On another connection: a session for this statement alone. */
static int ask_elsewhere(struct asking *asking, const struct vg_lookup *lookup, int64_t timeout_us,
                         struct vg_rows *out, struct vg_error *err)
{
    struct vg_work *work = asking->work;
    struct vg_source *source = work->env->source;
    struct vg_limits_of_session limits = {work->job.dataset->timeout_us, work->env->stop};
    struct vg_session *session;
    int rc = source->ops->open(source, lookup->connection, &limits, &session, err);
    if (rc == 0) {
        struct vg_cost_of of = {source, session, work->job.dataset->caps.cost, limits.timeout_us};
        rc = vg_cost_guard(&of, lookup->sql, work->arena, err);
        if (rc == 0)
            rc = source->ops->ask(session, lookup->sql, timeout_us, work->arena, out, err);
        source->ops->close(session);
    }
    return rc < 0 ? vg_where(err, "connection %s", lookup->connection) : 0;
}

/* 1: answered, 0: the rule has all it wants, -1: err. *elsewhere: the error is another
 * connection's. */
static int ask_next(struct asking *asking, bool *elsewhere, struct vg_error *err)
{
    struct vg_work *work = asking->work;
    struct vg_asked_rule *into = asking->into;
    struct vg_lookup lookup;
    *elsewhere = false;
    if (vg_cycle_lookup(work, asking->bound, into, &lookup, err) < 0)
        return -1;
    if (!lookup.sql)
        return 0;
    if (into->n == VG_LOOKUPS_MAX)
        BUG("%s asks more than %d statements", asking->bound->rule.type->name, VG_LOOKUPS_MAX);
    int64_t timeout_us = find_timeout(asking);
    struct vg_rows *out = &into->answers[into->n];
    if (lookup.elsewhere && !asking->given_up && keep_waiting(asking, timeout_us, err) < 0)
        return -1;
    *elsewhere = lookup.elsewhere;
    if (!*elsewhere && vg_cycle_limits_cost(work, lookup.sql, err) < 0)
        return -1;
    int rc = *elsewhere ? ask_elsewhere(asking, &lookup, timeout_us, out, err)
                        : work->env->source->ops->ask(work->session, lookup.sql, timeout_us,
                                                      work->arena, out, err);
    asking->given_up |= rc < 0 && !*elsewhere && is_of_statement(err) && !*err->sqlstate;
    if (rc < 0)
        return -1;
    into->n++;
    into->split = lookup.split;
    return 1;
}

/* Whether the error costs this rule only. Where an answer was abandoned, its session is of no use
 * for later statements, but the window was read. */
static bool costs_rule(const struct asking *asking, bool elsewhere, const struct vg_error *err)
{
    if (err->code == VG_E_MEMORY || err->code == VG_E_CANCELLED)
        return false;
    if (!elsewhere && !strncmp(err->sqlstate, "40", 2))
        return false; /* a standby's conflict takes the snapshot: all of it is read again */
    return elsewhere || is_of_statement(err) || (asking->given_up && err->code == VG_E_CONNECT);
}

static int ask_rule(struct asking *asking, struct vg_error *err)
{
    bool elsewhere;
    int rc;
    do
        rc = ask_next(asking, &elsewhere, err);
    while (rc > 0);
    if (rc == 0)
        return 0;
    if (!costs_rule(asking, elsewhere, err))
        return -1;
    asking->into->why = vg_arena_strdup(asking->work->arena, err->msg);
    vg_log(VG_LOG_WARN, "a rule's statement was not answered", "dataset",
           asking->work->job.dataset->id, "rule", asking->bound->rule.id, "error", err->msg, "hint",
           *err->hint ? err->hint : NULL, NULL);
    memset(err, 0, sizeof *err);
    return asking->into->why ? 0 : fail_memory(err);
}

static int ask_all(struct vg_work *work, struct vg_error *err)
{
    struct vg_plan *plan = &work->plan;
    struct vg_clock *clock = work->env->clock;
    struct asking asking = {
        .work = work,
        .until_us = clock->ops->now_us(clock) + work->job.dataset->scan_timeout_us,
    };
    work->asked = vg_arena_array(work->arena, plan->nbound, sizeof *work->asked);
    if (!work->asked)
        return fail_memory(err);
    for (size_t i = 0; i < plan->nbound; i++) {
        const struct vg_check_type *type = plan->bound[i].rule.type;
        if (!(type->needs & VG_NEEDS_LOOKUP) || plan->bound[i].problem)
            continue;
        vg_failpoint("lookup");
        asking.bound = &plan->bound[i];
        asking.into = &work->asked[i];
        if (ask_rule(&asking, err) < 0)
            return -1;
    }
    return 0;
}

/* --- the windows before --- */

static int load_history(struct vg_work *work, bool with_marks, struct vg_error *err)
{
    struct vg_past *items;
    struct vg_history *history = vg_arena_alloc(work->arena, sizeof *history);
    struct vg_window_row *rows;
    struct vg_mark *marks = NULL;
    size_t n, nmarks = 0;
    struct vg_store *store = work->env->store;
    const char *id = work->job.dataset->id;
    if (!history)
        return fail_memory(err);
    struct vg_window span = {.end_us = work->job.range.start_us};
    span.start_us = span.end_us - HISTORY_DAYS * VG_DAY_US;
    struct vg_carry *carry = work->env->carry;
    struct vg_marks_of marks_of = {id, span, 0};
    marks_of.recent_us = span.end_us - MARKED_WINDOWS * work->job.dataset->schedule.window_us;
    int rc = carry ? vg_carry_windows_judged(carry, &span, work->arena, &rows, &n, err)
                   : vg_store_windows_judged(store, id, &span, work->arena, &rows, &n, err);
    if (rc < 0 ||
        (with_marks && vg_store_marks(store, &marks_of, work->arena, &marks, &nmarks, err) < 0))
        return -1;
    items = vg_arena_array(work->arena, n, sizeof *items);
    if (!items)
        return fail_memory(err);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct vg_past){rows[i].window, rows[i].rows};
    *history = (struct vg_history){items, n, marks, nmarks};
    work->history = history;
    return 0;
}

int vg_cycle_ask(struct vg_work *work, struct vg_error *err)
{
    unsigned needs = 0;
    for (size_t i = 0; i < work->plan.nbound; i++)
        needs |= work->plan.bound[i].rule.type->needs;
    if (needs & VG_NEEDS_LOOKUP && ask_all(work, err) < 0)
        return -1;
    bool compares = needs & VG_NEEDS_HISTORY && work->env->store && work->plan.time;
    return compares ? load_history(work, needs & VG_NEEDS_MARKS, err) : 0;
}

/* --- expressions at fault --- */

enum trial {
    TRIAL_FINE,
    TRIAL_REJECTED, /* the server will not evaluate it */
    TRIAL_UNKNOWN,  /* refused for another reason: nobody is blamed */
    TRIAL_OVER,     /* so is all that would follow */
    TRIAL_FAILED,
};

/* Too slow, or kept back by the limit of cost, says nothing of the expression; nor does a conflict
 * or a server without resources. */
static enum trial judge_trial(const struct vg_error *err)
{
    static const char *const others[] = {"25", "40", "53", "55", "57", "58", "XX"};
    if (!vg_source_refused(err) && err->code != VG_E_TIMEOUT)
        return TRIAL_FAILED;
    if (!*err->sqlstate || !strncmp(err->sqlstate, "40", 2))
        return TRIAL_OVER; /* the session was given up, or its snapshot is lost */
    bool rejected = err->code != VG_E_TIMEOUT;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        rejected = rejected && strncmp(err->sqlstate, others[i], 2) != 0;
    return rejected ? TRIAL_REJECTED : TRIAL_UNKNOWN;
}

static const char *write_trial(struct vg_work *work, const char *expression, bool whole)
{
    struct vg_rows_of rows = vg_plan_rows(&work->plan, &work->job.range, 0);
    struct vg_buf buf;
    vg_buf_init(&buf, STATEMENT_MAX);
    vg_buf_printf(&buf, whole ? "SELECT pg_catalog.count((\n%s\n))" : "SELECT (\n%s\n)",
                  expression);
    vg_sql_put_rows(&buf, &rows, NULL);
    if (!whole)
        vg_buf_puts(&buf, "\nLIMIT 0");
    const char *sql = buf.failed ? NULL : vg_arena_strdup(work->arena, buf.data);
    vg_buf_free(&buf);
    return sql;
}

static enum trial try_statement(struct vg_work *work, const char *sql, int64_t until_us,
                                struct vg_error *err)
{
    struct vg_source *source = work->env->source;
    struct vg_clock *clock = work->env->clock;
    const struct vg_dataset *dataset = work->job.dataset;
    struct vg_rows ignored;
    int64_t left_us = until_us - clock->ops->now_us(clock);
    if (left_us <= 0)
        return TRIAL_OVER;
    struct vg_cost_of of = {source, work->session, dataset->caps.cost,
                            left_us < dataset->timeout_us ? left_us : dataset->timeout_us};
    if (vg_cost_guard(&of, sql, work->arena, err) < 0)
        return err->code == VG_E_LIMIT && !*err->sqlstate ? TRIAL_UNKNOWN : judge_trial(err);
    left_us = until_us - clock->ops->now_us(clock);
    if (left_us <= 0)
        return TRIAL_OVER;
    int rc = source->ops->ask(work->session, sql, left_us, work->arena, &ignored, err);
    return rc < 0 ? judge_trial(err) : TRIAL_FINE;
}

/* Whether the server evaluates it: for no row first, which shows what can never be, then for
 * all. */
static enum trial try_expression(struct vg_work *work, const char *expression, int64_t until_us,
                                 struct vg_error *err)
{
    enum trial trial = TRIAL_FINE;
    for (int whole = 0; trial == TRIAL_FINE && whole <= 1; whole++) {
        const char *sql = write_trial(work, expression, whole);
        if (!sql) {
            fail_memory(err);
            return TRIAL_FAILED;
        }
        trial = try_statement(work, sql, until_us, err);
    }
    return trial;
}

int vg_cycle_find_rejects(struct vg_work *work, struct vg_error *err)
{
    struct vg_strings all;
    struct vg_clock *clock = work->env->clock;
    int64_t until_us = clock->ops->now_us(clock) + work->job.dataset->scan_timeout_us;
    if (vg_plan_expressions(&work->plan, work->arena, &all) < 0)
        return fail_memory(err);
    struct vg_reject *items = vg_arena_array(work->arena, all.n, sizeof *items);
    enum trial trial = TRIAL_FINE;
    size_t n = 0;
    if (!items)
        return fail_memory(err);
    for (size_t i = 0; i < all.n && trial != TRIAL_OVER; i++) {
        memset(err, 0, sizeof *err);
        trial = try_expression(work, all.items[i], until_us, err);
        if (trial == TRIAL_FAILED)
            return -1;
        if (trial != TRIAL_REJECTED)
            continue;
        items[n].expression = all.items[i];
        items[n].why = vg_arena_strdup(work->arena, err->msg);
        if (!items[n++].why)
            return fail_memory(err);
    }
    memset(err, 0, sizeof *err);
    work->rejects = (struct vg_rejects){items, n};
    return 0;
}
