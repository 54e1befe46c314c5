/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil validate [--connect]: every fault of every file in one run; with --connect also what the
 * databases say: columns that do not exist, missing indexes, and a rehearsal over the reference. */
#include <string.h>

#include "agent/commands/rehearsal.h"
#include "agent/commands/shell.h"
#include "agent/commands/validate_telling.h"
#include "agent/config/config.h"
#include "agent/loop/cycle.h"
#include "agent/loop/cycle_ask.h"
#include "agent/loop/offenders.h"
#include "agent/plan_faults.h"
#include "agent/rules/rules.h"
#include "agent/window.h"
#include "checks/check_schema_type.h"
#include "pgvigil/text.h"

/* In a session of its own: an error ends the transaction. sql NULL: there was no memory for it. */
static int ask_server(struct vg_work *work, const char *sql, struct vg_rows *rows,
                      struct vg_error *err)
{
    struct vg_source *source = work->env->source;
    struct vg_session *session = NULL;
    struct vg_limits_of_session limits = {work->job.dataset->timeout_us, work->env->stop};
    int rc = sql ? source->ops->open(source, work->job.dataset->connection, &limits, &session, err)
                 : vg_fail(err, VG_E_MEMORY, "out of memory");
    if (rc == 0)
        rc = source->ops->rows(session, sql, NULL, 0, work->arena, rows, err);
    if (session)
        source->ops->close(session);
    return rc;
}

/* A condition of the user's is tried on no row at all: the server parses and types it. */
static bool try_condition(struct vg_work *work, struct vg_diags *diags, struct vg_loc loc,
                          const char *what, const char *condition)
{
    struct vg_error err = {0};
    struct vg_rows rows;
    const char *sql = vg_arena_printf(work->arena, "SELECT 1 FROM %s WHERE (\n%s\n) LIMIT 0",
                                      work->catalog->quoted, condition);
    bool fine = ask_server(work, sql, &rows, &err) == 0;
    if (!fine)
        vg_diag_add(diags, VG_GRADE_ERROR, loc, NULL, err.hint, "%s: %s", what, err.msg);
    return fine;
}

/* A statement of the user's tells what it returns when no row of it is asked for. */
static int count_columns(struct vg_work *work, size_t wanted, const char *statement,
                         struct vg_error *err)
{
    struct vg_rows rows;
    const char *sql =
        vg_arena_printf(work->arena, "SELECT * FROM (\n%s\n) AS q LIMIT 0", statement);
    if (ask_server(work, sql, &rows, err) < 0)
        return -1;
    if (rows.ncols == wanted)
        return 0;
    vg_fail(err, VG_E_CONFIG, "the statement returns %zu columns, and %zu is read", rows.ncols,
            wanted);
    return vg_hint(err, "return one number, as SELECT count(*) FROM :table does; a rule for each");
}

/* The first statement of a rule that has some is planned, not run; those after it would need its
 * answer. */
static void try_lookup(struct vg_work *work, struct vg_diags *diags, const struct vg_bound *bound)
{
    struct vg_error err = {0};
    struct vg_rows rows;
    struct vg_lookup lookup;
    const struct vg_asked_rule none = {0};
    int rc = vg_cycle_lookup(work, bound, &none, &lookup, &err);
    const char *sql =
        rc == 0 && lookup.sql ? vg_arena_printf(work->arena, "EXPLAIN %s", lookup.sql) : NULL;
    if (rc == 0 && lookup.sql)
        rc = ask_server(work, sql, &rows, &err);
    if (rc == 0 && lookup.sql && bound->rule.type->answer_columns)
        rc = count_columns(work, bound->rule.type->answer_columns, lookup.sql, &err);
    if (rc < 0)
        vg_diag_add(diags, VG_GRADE_ERROR, bound->rule.loc, NULL, *err.hint ? err.hint : NULL,
                    "%s: %s", bound->rule.id, err.msg);
}

/* Rows that a policy hides from us look like rows that are not there: windows are then empty. */
static void report_row_security(struct vg_work *work, struct vg_diags *diags)
{
    struct vg_error err = {0};
    struct vg_rows rows;
    const struct vg_dataset *dataset = work->job.dataset;
    if (dataset->query)
        return; /* of which tables it reads nothing is known */
    const char *sql =
        vg_arena_printf(work->arena,
                        "SELECT pg_catalog.row_security_active(%u::pg_catalog.oid)::text,"
                        " current_user::text",
                        work->catalog->oid);
    if (ask_server(work, sql, &rows, &err) < 0)
        vg_diag_add(diags, VG_GRADE_WARNING, dataset->table_loc, NULL, err.hint,
                    "it is unknown whether row security hides rows of %s: %s", dataset->table,
                    err.msg);
    else if (rows.nrows == 1 && rows.ncols == 2 && vg_streq(rows.cells[0], "true"))
        vg_diag_add(diags, VG_GRADE_WARNING, dataset->table_loc, NULL,
                    "only rows that its policies let this role see are watched; without a policy"
                    " for the role there are none (CREATE POLICY, or a role with BYPASSRLS)",
                    "row security is enabled on %s and applies to role %s", dataset->table,
                    rows.cells[1] ? rows.cells[1] : "?");
}

static void report_fault(struct vg_diags *diags, const struct vg_rule *rule, int rc,
                         const struct vg_plan_fault *fault)
{
    if (rc < 0)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, NULL, "%s: out of memory", rule->id);
    else if (rc > 0)
        vg_diag_add(diags, fault->grave ? VG_GRADE_ERROR : VG_GRADE_WARNING, rule->loc, NULL,
                    fault->hint, "%s", fault->text);
}

/* What the columns of a rule can never bear. */
static void report_columns(struct vg_work *work, struct vg_diags *diags, const struct vg_rule *rule)
{
    struct vg_plan_fault fault = {0};
    const struct vg_catalog_column *column =
        rule->column ? vg_catalog_find(work->catalog, rule->column) : NULL;
    if (column)
        report_fault(diags, rule, vg_plan_value_fault(rule, column, work->arena, &fault), &fault);
    fault = (struct vg_plan_fault){0};
    report_fault(diags, rule, vg_plan_pairs_fault(rule, work->catalog, work->arena, &fault),
                 &fault);
}

static void report_rules(struct vg_work *work, struct vg_diags *diags)
{
    for (size_t i = 0; i < work->plan.nbound; i++) {
        const struct vg_bound *bound = &work->plan.bound[i];
        if (bound->problem)
            vg_diag_add(diags, VG_GRADE_ERROR, bound->rule.loc, NULL, NULL, "%s: %s",
                        bound->rule.id, bound->problem);
        bool fine = !bound->problem;
        if (fine)
            report_columns(work, diags, &bound->rule);
        if (fine && bound->rule.where)
            fine = try_condition(work, diags, bound->rule.loc, "where", bound->rule.where);
        if (!bound->problem && bound->condition)
            try_condition(work, diags, bound->rule.loc, bound->rule.id, bound->condition);
        if (fine && bound->rule.type->needs & VG_NEEDS_LOOKUP && !work->plan.time_problem)
            try_lookup(work, diags, bound);
    }
}

static void report_keys(struct vg_work *work, struct vg_diags *diags)
{
    const struct vg_dataset *dataset = work->job.dataset;
    for (size_t i = 0; i < dataset->key.n; i++) {
        if (!vg_catalog_find(work->catalog, dataset->key.items[i]))
            vg_diag_add(diags, VG_GRADE_ERROR, dataset->table_loc, NULL, NULL,
                        "key column %s does not exist in %s", dataset->key.items[i],
                        dataset->table);
    }
}

static void report_importances(struct vg_work *work, struct vg_diags *diags)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_catalog *catalog = work->catalog;
    const char **names = vg_arena_array(work->arena, catalog->n + 1, sizeof *names);
    for (size_t i = 0; names && i < catalog->n; i++)
        names[i] = catalog->columns[i].name;
    for (size_t i = 0; i < dataset->nimportances; i++) {
        const struct vg_importance *importance = &dataset->importances[i];
        if (vg_catalog_find(catalog, importance->column))
            continue;
        const char *near = names ? vg_nearest(importance->column, names, catalog->n) : NULL;
        const char *hint = near ? vg_arena_printf(work->arena, "did you mean %s?", near) : NULL;
        vg_diag_add(diags, VG_GRADE_ERROR, importance->loc, NULL, hint,
                    "importances: there is no column %s in %s", importance->column,
                    dataset->query ? "the query" : dataset->table);
    }
}

/* As the rule schema judges it, whose grade is the file's to choose. */
static void report_type(struct vg_diags *diags, const struct vg_column_spec *spec,
                        const struct vg_catalog_column *column)
{
    const char *base = column->base_type ? column->base_type : column->type;
    const struct vg_schema_typed said = {spec->type, column->kind}, is = {base, column->kind};
    if (spec->type && !vg_schema_type_same(column->type, spec->type) &&
        vg_schema_type_change(&said, &is) != VG_SCHEMA_SAFE)
        vg_diag_add(diags, VG_GRADE_WARNING, spec->loc, NULL, NULL,
                    "column %s is %s, but its type is declared as %s", spec->name, column->type,
                    spec->type);
}

/* Columns that cannot be computed, or are of another type than they say. */
static void report_computed(struct vg_work *work, struct vg_diags *diags)
{
    const struct vg_dataset *dataset = work->job.dataset;
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        const struct vg_column_spec *spec = &dataset->columns[i];
        const struct vg_catalog_column *column = vg_catalog_find(work->catalog, spec->name);
        if (column && !spec->expr && !dataset->long_source.name)
            report_type(diags, spec, column);
        if (!spec->expr || !column)
            continue;
        if (column->problem)
            vg_diag_add(diags, VG_GRADE_ERROR, spec->expr_loc, NULL, NULL,
                        "column %s cannot be computed: %s", spec->name, column->problem);
        else if (!vg_schema_type_same(column->type, spec->type))
            vg_diag_add(diags, VG_GRADE_ERROR, spec->expr_loc, NULL, NULL,
                        "column %s is computed as %s, but its type is declared as %s", spec->name,
                        column->type, spec->type);
    }
}

static void report_segments(const struct vg_plan *plan, struct vg_diags *diags)
{
    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct vg_plan_split *split = &plan->splits[i];
        if (split->problem)
            vg_diag_add(diags, VG_GRADE_ERROR, split->spec->loc, NULL, NULL, "%s", split->problem);
        if (split->told)
            vg_diag_add(diags, VG_GRADE_WARNING, split->spec->loc, NULL,
                        split->scattered ? "name another column, or list the values that matter"
                                         : "raise most, or list the values that matter",
                        "%s", split->told);
    }
}

static void report_dataset(struct vg_work *work, struct vg_diags *diags)
{
    const struct vg_dataset *dataset = work->job.dataset;
    const struct vg_plan *plan = &work->plan;
    if (plan->time_problem)
        vg_diag_add(diags, VG_GRADE_ERROR, dataset->time_loc, NULL, NULL, "%s: %s",
                    dataset->time_column, plan->time_problem);
    else if (plan->time && !plan->time->indexed_first)
        vg_diag_add(diags, VG_GRADE_WARNING, dataset->time_loc, NULL,
                    "an index on the time column makes ticks and windows cheap",
                    dataset->query || plan->time->computed
                        ? "whether an index serves %s is not known: freshness comes from the scan, "
                          "once per window"
                        : "no index begins with %s: freshness comes from the scan, once per window",
                    dataset->time_column);
    report_computed(work, diags);
    report_row_security(work, diags);
    if (dataset->filter)
        try_condition(work, diags, dataset->filter_loc, "filter", dataset->filter);
    if (dataset->reference.filter)
        try_condition(work, diags, dataset->reference.filter_loc, "reference filter",
                      dataset->reference.filter);
    report_keys(work, diags);
    report_importances(work, diags);
    report_segments(plan, diags);
    report_rules(work, diags);
}

static int connect_dataset(struct vg_shell *shell, const struct vg_dataset *dataset)
{
    struct vg_error err = {0};
    struct vg_cycle_env env = vg_shell_env(shell);
    struct vg_job job = {.dataset = dataset, .tick = true};
    struct vg_progress progress = {.judged_us = VG_NEVER};
    struct vg_work work;
    vg_window_newest_due(dataset, shell->clock->ops->now_us(shell->clock), &job.range);
    if (vg_cycle_begin(&work, &env, &job, &progress, &err) < 0)
        return vg_shell_fail(&err);
    int rc = 0;
    if (vg_cycle_look(&work, &err) < 0 && !work.plan.catalog) {
        bool config = err.code == VG_E_NOT_FOUND;
        vg_diag_add(&shell->diags, VG_GRADE_ERROR,
                    config ? dataset->table_loc : dataset->connection_loc, NULL, err.hint, "%s",
                    err.msg);
        rc = config ? VG_EXIT_CONFIG : VG_EXIT_BLIND;
    } else {
        report_dataset(&work, &shell->diags);
    }
    if (dataset->quarantine.connection && vg_offenders_try(&work, &err) < 0)
        vg_diag_add(&shell->diags, VG_GRADE_ERROR, dataset->quarantine.loc, NULL, err.hint, "%s",
                    err.msg);
    vg_cycle_end(&work);
    return rc;
}

static int connect_all(struct vg_shell *shell)
{
    int rc = vg_shell_store(shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_source(shell);
    for (size_t i = 0; !vg_shell_stop && i < shell->rules->ndatasets; i++) {
        if (rc == VG_EXIT_INTERNAL)
            break;
        rc = vg_exit_worst(rc, connect_dataset(shell, shell->rules->datasets[i]));
    }
    shell->faulty |= shell->diags.errors > 0;
    vg_diags_print(&shell->diags, stderr, vg_shell_colour(stderr));
    for (size_t i = 0; i < shell->rules->ndatasets; i++) {
        if (vg_rehearsal_print(shell, shell->rules->datasets[i], stdout) < 0)
            rc = VG_EXIT_INTERNAL;
    }
    return rc;
}

/* Beside a configuration with errors: what is wrong with the rule files by themselves. */
static void check_alone(struct vg_shell *shell)
{
    struct vg_error err = {0};
    struct vg_diags told = {0}; /* already */
    int rc = vg_config_load_faulty(shell->options->config, &told, &shell->config);
    vg_diags_free(&told);
    if (rc < 0)
        return;
    const struct vg_rules_load load = {.config = shell->config, .nameless = true};
    if (vg_rules_load(&load, &shell->diags, &shell->rules, &err) < 0)
        vg_shell_fail(&err);
    vg_shell_show_diags(shell);
    fprintf(stderr,
            "pgvigil: the rule files of %s are checked by themselves: which connections, receivers"
            " and models there are is not known while %s has errors\n",
            shell->config->rules, shell->options->config);
}

static int run_validate(const struct vg_options *options)
{
    struct vg_shell shell;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, options);
    if (rc == VG_EXIT_CONFIG && shell.arena && !shell.config)
        check_alone(&shell);
    if (!rc)
        rc = vg_shell_rules(&shell);
    if (!rc)
        vg_validate_telling(shell.config, shell.rules, shell.clock->ops->now_us(shell.clock),
                            &shell.diags);
    if (!rc && options->connect)
        rc = connect_all(&shell);
    else if (!rc)
        vg_shell_show_diags(&shell);
    if (shell.rules && !shell.rules->folder_ok)
        fprintf(stderr, "pgvigil: %s cannot be read or holds no rule file\n", shell.config->rules);
    if (shell.faulty)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    if (!rc) {
        size_t rules = 0;
        for (size_t i = 0; i < shell.rules->ndatasets; i++)
            rules += shell.rules->datasets[i]->nrules;
        printf("%zu file%s, %zu dataset%s, %zu rules: no errors\n", shell.rules->nfiles,
               shell.rules->nfiles == 1 ? "" : "s", shell.rules->ndatasets,
               shell.rules->ndatasets == 1 ? "" : "s", rules);
    }
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_validate;
const struct vg_command vg_command_validate = {
    .name = "validate",
    .arguments = "",
    .doc = "read all files and report every fault at once",
    .options = "connect state",
    .run = run_validate,
};
