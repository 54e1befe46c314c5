/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil reference capture|list|show|drop, and the way to promote|rollback|use. */
#include <stdlib.h>
#include <string.h>

#include "agent/commands/control.h"
#include "agent/commands/promote.h"
#include "agent/commands/rehearsal.h"
#include "agent/commands/show.h"
#include "agent/loop/calibrate.h"
#include "agent/loop/wanted.h"
#include "pgvigil/text.h"

/* --- capture ---------------------------------------------------------------------------------- */

static void print_captured(const struct vg_dataset *item, const struct vg_capture_result *result,
                           const char *done)
{
    char base[VG_DURATION_TEXT];
    bool plain = vg_streq(item->reference.name, VG_REFERENCE_NAME);
    printf("%s: reference %lld %s%s%s%s: %llu rows, %zu columns, %zu base windows%s%s\n", item->id,
           (long long)result->version, plain ? "" : "(", plain ? "" : item->reference.name,
           plain ? "" : ") ", done, (unsigned long long)result->rows, result->columns,
           result->windows, result->base_us ? " of " : "",
           result->base_us ? vg_format_duration(result->base_us, base) : "");
}

static int capture_item(struct vg_shell *shell, const struct vg_dataset *item,
                        const struct vg_capture_how *how)
{
    struct vg_error err = {0};
    struct vg_capture_result result;
    struct vg_cycle_env env = vg_shell_env(shell);
    int rc = vg_capture_run(&env, item, how, &result, &err);
    vg_shell_progress_end();
    if (rc < 0) {
        vg_where(&err, "%s", item->id);
        return vg_shell_fail(&err);
    }
    print_captured(item, &result, how->stands_for ? "promoted" : "captured");
    rc = vg_calibrate_run(&env, vg_ruleset_find(shell->rules, item->id), vg_shell_done, &err);
    vg_shell_progress_end();
    if (rc < 0)
        vg_where(&err, "%s", item->id);
    return rc < 0 ? vg_shell_fail(&err) : 0;
}

static int capture_one(struct vg_shell *shell, const struct vg_dataset *dataset)
{
    static const struct vg_capture_how how = {.patient = true};
    struct vg_error err = {0};
    struct vg_wanted wanted;
    struct vg_cycle_env env = vg_shell_env(shell);
    int rc = 0;
    if (vg_wanted_find(&env, dataset, true, shell->arena, &wanted, &err) < 0)
        return vg_shell_fail(&err);
    if (!wanted.n) {
        fprintf(stderr, "pgvigil: %s has no reference: in %s\n", dataset->id, dataset->file);
        return VG_EXIT_USAGE;
    }
    for (size_t i = 0; i < wanted.n && !vg_shell_stop; i++)
        rc = vg_exit_worst(rc, capture_item(shell, &wanted.items[i], &how));
    return rc ? rc : vg_rehearsal_print(shell, dataset, stdout) < 0 ? VG_EXIT_INTERNAL : 0;
}

static int run_capture(struct vg_shell *shell)
{
    const struct vg_dataset *const *datasets;
    size_t n;
    bool beside;
    int rc = vg_control_open(shell, &beside);
    if (!rc)
        rc = vg_shell_rules(shell);
    if (!rc)
        rc = vg_shell_source(shell);
    if (!rc)
        rc = vg_shell_datasets(shell, &datasets, &n);
    if (rc)
        return rc;
    for (size_t i = 0; i < n && !vg_shell_stop; i++) {
        bool none = datasets[i]->reference.kind == VG_REF_NONE && !datasets[i]->nothers &&
                    !shell->options->narguments;
        if (none)
            continue;
        int one = beside ? vg_control_ask(shell, "capture", datasets[i]->id)
                         : capture_one(shell, datasets[i]);
        if (beside && !one)
            printf("%s: the daemon is capturing; `pgvigil reference list` shows it\n",
                   datasets[i]->id);
        rc = vg_exit_worst(rc, one);
    }
    return rc;
}

/* --- list, show ------------------------------------------------------------------------------- */

static const char *state_of(const struct vg_reference_row *row)
{
    return row->active ? "in use" : row->complete ? "kept" : row->error ? "failed" : "unfinished";
}

static const char *print_text(struct vg_arena *arena, int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? NULL : vg_arena_strdup(arena, vg_format_time(us, text));
}

static void print_row(struct vg_arena *arena, const struct vg_reference_row *row,
                      const char **cells)
{
    char base[VG_DURATION_TEXT];
    cells[0] = row->dataset;
    cells[1] = row->name;
    cells[2] = vg_arena_printf(arena, "%lld", (long long)row->version);
    cells[3] = state_of(row);
    cells[4] = vg_arena_printf(arena, "%llu", (unsigned long long)row->rows);
    cells[5] = vg_arena_printf(arena, "%zu", row->ncolumns);
    cells[6] = row->base_us ? vg_arena_printf(arena, "%zu x %s", row->nwindows,
                                              vg_format_duration(row->base_us, base))
                            : vg_arena_printf(arena, "%zu", row->nwindows);
    cells[7] = print_text(arena, row->captured_us);
    cells[8] = row->error ? row->error : row->spec;
}

static int load_rows(struct vg_shell *shell, const char *dataset, struct vg_reference_row **rows,
                     size_t *n)
{
    struct vg_error err = {0};
    int rc = vg_shell_store(shell, VG_STORE_COMMAND);
    *n = 0;
    if (rc || !shell->store)
        return rc;
    return vg_store_references(shell->store, dataset, shell->arena, rows, n, &err) < 0
               ? vg_shell_fail(&err)
               : 0;
}

static int run_list(struct vg_shell *shell)
{
    static const char *const head[] = {"dataset", "reference",    "version",  "state", "rows",
                                       "columns", "base windows", "captured", "what"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct vg_reference_row *rows;
    size_t n;
    const char *only = shell->options->narguments ? shell->options->arguments[0] : NULL;
    int rc = load_rows(shell, only, &rows, &n);
    if (rc)
        return rc;
    const char **cells = vg_arena_array(shell->arena, (n + 1) * COLUMNS, sizeof *cells);
    if (!cells)
        return VG_EXIT_INTERNAL;
    memcpy(cells, head, sizeof head);
    for (size_t i = 0; i < n; i++)
        print_row(shell->arena, &rows[i], cells + (i + 1) * COLUMNS);
    if (n)
        vg_show_table(stdout, cells, n + 1, COLUMNS);
    else
        puts("no reference has been captured");
    return vg_reference_changes_print(shell, only);
}

static const char *print_number(struct vg_arena *arena, double x)
{
    char text[VG_NUMBER_TEXT];
    return x == x ? vg_arena_strdup(arena, vg_format_human(x, 6, text)) : NULL;
}

static bool is_private(const struct vg_shell *shell, const char *dataset, const char *column)
{
    const struct vg_dataset *found = vg_ruleset_find(shell->rules, dataset);
    return found && vg_dataset_is_private(found, column);
}

static void print_column(struct vg_arena *arena, const struct vg_reference_column *column,
                         bool secret, const char **cells)
{
    const struct vg_column_summary *total = column->total;
    bool numbers = total && column->kind == VG_KIND_NUMBER && vg_column_finite(total);
    cells[0] = column->name;
    cells[1] = column->type;
    cells[2] = column->not_null ? "not null" : NULL;
    if (!total)
        return;
    double nulls = vg_column_null_ratio(total);
    cells[3] = nulls == nulls ? vg_arena_printf(arena, "%.3g %%", 100 * nulls) : NULL;
    cells[4] = print_number(arena, vg_column_distinct(total));
    if (numbers && !secret) {
        cells[5] = print_number(arena, total->min);
        cells[6] = print_number(arena, vg_column_mean(total));
        cells[7] = print_number(arena, total->max);
    }
    if (column->fine)
        cells[8] = vg_arena_printf(arena, "%u %s", column->fine->grid->n,
                                   column->fine->grid->exact ? "values, exact" : "quantiles");
}

static int run_show(struct vg_shell *shell)
{
    static const char *const head[] = {"column", "type", "",    "nulls", "distinct",
                                       "min",    "mean", "max", "grid"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct vg_error err = {0};
    struct vg_reference *reference = NULL;
    const char *dataset = shell->options->arguments[0];
    int64_t version = 0;
    if (shell->options->narguments > 1 &&
        vg_parse_int64(shell->options->arguments[1], &version) < 0)
        return VG_EXIT_USAGE;
    int rc = vg_shell_store(shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(shell);
    if (rc)
        return rc;
    if (shell->store &&
        vg_store_reference(shell->store, dataset, version, NULL, &reference, &err) < 0)
        return vg_shell_fail(&err);
    if (!reference) {
        fprintf(stderr, "pgvigil: %s has no such reference\n", dataset);
        return VG_EXIT_USAGE;
    }
    const char **cells =
        vg_arena_array(shell->arena, (reference->ncolumns + 1) * COLUMNS, sizeof *cells);
    if (cells) {
        memcpy(cells, head, sizeof head);
        for (size_t i = 0; i < reference->ncolumns; i++)
            print_column(shell->arena, &reference->columns[i],
                         is_private(shell, dataset, reference->columns[i].name),
                         cells + (i + 1) * COLUMNS);
        vg_show_text(stdout, dataset);
        printf(" reference %lld: ", (long long)reference->version);
        vg_show_text(stdout, reference->spec);
        printf(", %llu rows\n", (unsigned long long)reference->rows);
        vg_show_table(stdout, cells, reference->ncolumns + 1, COLUMNS);
    }
    vg_reference_free(reference);
    return cells ? 0 : VG_EXIT_INTERNAL;
}

/* --- drop ------------------------------------------------------------------------------------- */

static int run_drop(struct vg_shell *shell)
{
    struct vg_error err = {0};
    const char *dataset = shell->options->arguments[0], *text = shell->options->arguments[1];
    int64_t version;
    bool beside;
    if (vg_parse_int64(text, &version) < 0) {
        fprintf(stderr, "pgvigil: %s is not a version\n", text);
        return VG_EXIT_USAGE;
    }
    int rc = vg_control_open(shell, &beside);
    if (rc)
        return rc;
    if (beside) {
        const char *argument = vg_arena_printf(shell->arena, "%s %s", dataset, text);
        return argument ? vg_control_ask(shell, "drop", argument) : VG_EXIT_INTERNAL;
    }
    return vg_store_reference_drop(shell->store, dataset, version, &err) < 0 ? vg_shell_fail(&err)
                                                                             : 0;
}

static int run_verb(struct vg_shell *shell, const char *verb, int narguments)
{
    if (!strcmp(verb, "capture"))
        return run_capture(shell);
    if (!strcmp(verb, "list") && narguments <= 1)
        return run_list(shell);
    if (!strcmp(verb, "show") && (narguments == 1 || narguments == 2))
        return run_show(shell);
    if (!strcmp(verb, "drop") && narguments == 2)
        return run_drop(shell);
    if (!strcmp(verb, "use") && narguments == 2)
        return vg_reference_use(shell);
    if (!strcmp(verb, "promote") && (narguments == 1 || narguments == 2))
        return vg_reference_promote(shell, capture_item);
    if (!strcmp(verb, "rollback") && (narguments == 1 || narguments == 2))
        return vg_reference_rollback(shell);
    fputs(
        "usage: pgvigil reference capture [DATASET...] | list [DATASET] | show DATASET [VERSION]\n"
        "       | promote DATASET [REFERENCE] --from T --to T, or --window DUR\n"
        "       | promote DATASET VERSION | rollback DATASET [REFERENCE]\n"
        "       | use DATASET VERSION | drop DATASET VERSION\n",
        stderr);
    return VG_EXIT_USAGE;
}

static int run_reference(const struct vg_options *options)
{
    struct vg_shell shell;
    struct vg_options rest = *options;
    rest.arguments++;
    rest.narguments--;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, &rest);
    if (!rc)
        rc = run_verb(&shell, options->arguments[0], rest.narguments);
    if (shell.faulty)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_reference;
const struct vg_command vg_command_reference = {
    .name = "reference",
    .arguments = "capture|list|show|promote|rollback|use|drop [DATASET [VERSION]]",
    .doc = "what the tables are compared with",
    .options = "state from to window",
    .least = 1,
    .most = -1,
    .run = run_reference,
};
