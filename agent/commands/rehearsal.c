/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading a rehearsal from the store: D of each base window against the whole, on the coarse grid.
 */
#include "agent/commands/rehearsal.h"

#include <math.h>
#include <string.h>

#include "agent/commands/budget_show.h"
#include "agent/reference.h"
#include "agent/rehearse.h"
#include "checks/stat_ks.h"
#include "pgvigil/check.h"
#include "pgvigil/text.h"

struct series { /* of one column */
    struct vg_arena *arena;
    const struct vg_column_summary *total;
    int64_t min_rows;
    struct vg_window *windows;
    double *d;
    size_t n, size;
};

static int add_window(void *arg, const struct vg_window *base,
                      const struct vg_column_summary *column, struct vg_error *err)
{
    struct series *series = arg;
    if (series->n == series->size)
        return vg_fail(err, VG_E_INTERNAL, "more base windows than the reference says");
    double d = (double)NAN;
    bool enough = vg_column_finite(column) >= (uint64_t)series->min_rows;
    if (enough && column->coarse && column->grid_id == series->total->grid_id &&
        column->coarse_cells == series->total->coarse_cells) {
        struct vg_ks_counts counts = {series->total->coarse, column->coarse, column->coarse_cells,
                                      true};
        struct vg_ks ks;
        vg_ks_compare(&counts, &ks);
        d = ks.d;
    }
    series->windows[series->n] = *base;
    series->d[series->n++] = d;
    return 0;
}

static bool is_rehearsed(const struct vg_rule *rule)
{
    return !vg_reference_apart(rule) && rule->type->class == VG_CLASS_DRIFT &&
           rule->policy == VG_POLICY_THRESHOLD && rule->column && strcmp(rule->column, "*") &&
           rule->limits.has_fail && vg_streq(rule->type->name, "ks");
}

static int load_rule(struct vg_shell *shell, const struct vg_reference *reference, size_t nwindows,
                     const struct vg_rule *rule, struct vg_rehearsal *out, struct vg_error *err)
{
    const struct vg_reference_column *column = vg_reference_find(reference, rule->column);
    if (!column || !column->total || !column->total->coarse)
        return 0;
    struct series series = {.arena = shell->arena, .total = column->total, .size = nwindows};
    series.min_rows = rule->min_rows == VG_DEFAULT ? rule->type->min_rows : rule->min_rows;
    series.windows = vg_arena_array(shell->arena, nwindows, sizeof *series.windows);
    series.d = vg_arena_array(shell->arena, nwindows, sizeof *series.d);
    if (!series.windows || !series.d)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_store_reference_windows(shell->store, reference->version, rule->column, add_window,
                                   &series, err) < 0)
        return -1;
    out->windows = series.windows;
    out->nwindows = series.n;
    out->rules[out->nrules++] = (struct vg_rehearsed_rule){.rule = rule, .d = series.d};
    return 0;
}

static int load(struct vg_shell *shell, const struct vg_reference *reference, size_t nwindows,
                const struct vg_dataset *dataset, struct vg_rehearsal *out, struct vg_error *err)
{
    *out = (struct vg_rehearsal){.dataset = dataset};
    out->rules = vg_arena_array(shell->arena, dataset->nrules, sizeof *out->rules);
    if (!out->rules)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < dataset->nrules; i++) {
        if (is_rehearsed(&dataset->rules[i]) &&
            load_rule(shell, reference, nwindows, &dataset->rules[i], out, err) < 0)
            return -1;
    }
    return out->nrules ? vg_rehearse(out, err) : 0;
}

static void print(const struct vg_rehearsal *rehearsal, FILE *out)
{
    if (!rehearsal->nrules || rehearsal->nwindows < 2)
        return;
    int64_t span =
        rehearsal->windows[rehearsal->nwindows - 1].end_us - rehearsal->windows[0].start_us;
    fprintf(
        out,
        "%s%s: over its reference the drift rules would have opened %zu incident%s in %.3g days\n",
        rehearsal->incidents > 1 ? "warning: " : "", rehearsal->dataset->id, rehearsal->incidents,
        rehearsal->incidents == 1 ? "" : "s", (double)span / (double)VG_DAY_US);
    for (size_t i = 0; i < rehearsal->nrules; i++) {
        const struct vg_rehearsed_rule *rule = &rehearsal->rules[i];
        char limit[VG_NUMBER_TEXT], least[VG_NUMBER_TEXT];
        fprintf(out, "  %s: %zu at %s; smallest limit that opens at most one: %s\n", rule->rule->id,
                rule->incidents, vg_format_human(rule->rule->limits.fail, 4, limit),
                isnan(rule->least) ? "none" : vg_format_human(rule->least, 4, least));
    }
}

int vg_rehearsal_print(struct vg_shell *shell, const struct vg_dataset *dataset, FILE *out)
{
    struct vg_error err = {0};
    struct vg_reference *reference = NULL;
    struct vg_reference_row *rows;
    struct vg_rehearsal rehearsal = {0};
    struct vg_strings none = {0};
    size_t n, nwindows = 0;
    if (!shell->store)
        return 0;
    int64_t version;
    int rc = vg_store_reference_of(shell->store, dataset->id, dataset->reference.name, VG_NEVER,
                                   &version, &err);
    if (rc == 0 && version)
        rc = vg_store_reference(shell->store, dataset->id, version, &none, &reference, &err);
    if (rc == 0 && reference)
        rc = vg_store_references(shell->store, dataset->id, shell->arena, &rows, &n, &err);
    for (size_t i = 0; rc == 0 && reference && i < n; i++) {
        if (rows[i].version == reference->version)
            nwindows = rows[i].nwindows;
    }
    if (rc == 0 && nwindows)
        rc = load(shell, reference, nwindows, dataset, &rehearsal, &err);
    if (rc == 0)
        print(&rehearsal, out);
    else
        vg_shell_fail(&err);
    vg_reference_free(reference);
    return rc == 0 ? vg_budget_print(shell, dataset, out) : rc;
}
