/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil retrain list: of each model its state, its onsets, the runs of its requests, and what was
 * decided, by whom, why and on what grounds. */
#include "agent/commands/retrain_show.h"

#include <math.h>
#include <string.h>

#include "agent/commands/show.h"

enum { LIST_MOST = 20, LINE_BYTES = 1 << 16 };

/* --- Loading ---------------------------------------------------------------------------------- */

static void find_standing(struct vg_retrain_group *group)
{
    struct vg_retrain_standing *standing = &group->standing;
    if (group->nonsets && group->onsets[0].state != VG_ONSET_ENDED)
        standing->onset = &group->onsets[0];
    if (group->nruns)
        standing->run = &group->runs[0];
    for (size_t i = 0; standing->onset && i < group->ndecisions && !standing->decision; i++) {
        if (!strcmp(group->decisions[i].key, standing->onset->key))
            standing->decision = &group->decisions[i];
    }
}

static int load_group(struct vg_shell *shell, size_t most, struct vg_retrain_group *group,
                      struct vg_error *err)
{
    struct vg_store *store = shell->store;
    struct vg_arena *arena = shell->arena;
    const char *model = group->config->model;
    if (vg_store_onsets(store, model, most, arena, &group->onsets, &group->nonsets, err) < 0 ||
        vg_store_retrain_runs(store, model, most, arena, &group->runs, &group->nruns, err) < 0 ||
        vg_store_decisions(store, model, most, arena, &group->decisions, &group->ndecisions, err) <
            0)
        return -1;
    find_standing(group);
    return 0;
}

int vg_retrain_load(struct vg_shell *shell, const char *only, size_t most,
                    struct vg_retrain_group **out, size_t *n, struct vg_error *err)
{
    const struct vg_config *config = shell->config;
    struct vg_retrain_group *groups =
        vg_arena_array(shell->arena, config->nretraining + 1, sizeof *groups);
    *n = 0;
    *out = groups;
    if (!groups)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < config->nretraining; i++) {
        if (only && strcmp(config->retraining[i].model, only) != 0)
            continue;
        groups[*n].config = &config->retraining[i];
        if (load_group(shell, most, &groups[(*n)++], err) < 0)
            return -1;
    }
    return 0;
}

/* --- For people ------------------------------------------------------------------------------- */

void vg_retrain_lines(const struct vg_retrain_group *groups, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct vg_buf line;
        vg_buf_init(&line, LINE_BYTES);
        vg_retrain_state_say(&line, &groups[i].standing);
        printf("  %s%s: ", groups[i].config->model, groups[i].config->dry_run ? " (dry run)" : "");
        vg_show_text(stdout, line.failed ? "too long to be shown" : line.data);
        putchar('\n');
        vg_buf_free(&line);
    }
}

static const char *show_time(struct vg_arena *arena, int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? NULL : vg_arena_strdup(arena, vg_format_time(us, text));
}

static const char *show_number(struct vg_arena *arena, double x)
{
    char text[VG_NUMBER_TEXT];
    return isfinite(x) ? vg_arena_strdup(arena, vg_format_human(x, 4, text)) : NULL;
}

static const char *name_state(const struct vg_onset *onset)
{
    if (onset->state == VG_ONSET_ENDED)
        return onset->by_hand ? "by hand" : "ended";
    if (onset->state == VG_ONSET_FIRED)
        return onset->fired ? "asked for" : "dry run";
    return onset->approval == VG_APPROVAL_DENIED  ? "denied"
           : onset->approval == VG_APPROVAL_ASKED ? "waits"
                                                  : "open";
}

static const struct vg_retrain_run *find_run(const struct vg_retrain_group *group, const char *key)
{
    for (size_t i = 0; i < group->nruns; i++) {
        if (!strcmp(group->runs[i].key, key))
            return &group->runs[i];
    }
    return NULL;
}

static int print_onsets(struct vg_arena *arena, const struct vg_retrain_group *group)
{
    static const char *const head[] = {"  onset", "state", "dataset", "rule",  "window",
                                       "value",   "limit", "rows",    "asked", "run"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    const char **cells = vg_arena_array(arena, (group->nonsets + 1) * COLUMNS, sizeof *cells);
    if (!cells)
        return VG_EXIT_INTERNAL;
    memcpy(cells, head, sizeof head);
    for (size_t i = 0; i < group->nonsets; i++) {
        const struct vg_onset *onset = &group->onsets[i];
        const struct vg_retrain_run *run = find_run(group, onset->key);
        const char **row = cells + (i + 1) * COLUMNS;
        row[0] = vg_arena_printf(arena, "  %.12s", onset->key);
        row[1] = name_state(onset);
        row[2] = onset->dataset;
        row[3] = onset->rule;
        row[4] = show_time(arena, onset->evidence.start_us);
        row[5] = show_number(arena, onset->value);
        row[6] = show_number(arena, onset->limit);
        row[7] = vg_arena_printf(arena, "%llu", (unsigned long long)onset->rows);
        row[8] = show_time(arena, onset->fired_us);
        row[9] = run ? vg_retrain_state_name(run->state) : NULL;
    }
    if (group->nonsets)
        vg_show_table(stdout, cells, group->nonsets + 1, COLUMNS);
    return 0;
}

static void print_decisions(const struct vg_retrain_group *group)
{
    char at[VG_TIME_TEXT];
    for (size_t i = 0; i < group->ndecisions; i++) {
        const struct vg_decision *decision = &group->decisions[i];
        printf("  %s  %.12s  %s", vg_format_time(decision->at_us, at), decision->key,
               vg_decision_name(decision->kind));
        if (decision->by) {
            fputs(" by ", stdout);
            vg_show_text(stdout, decision->by);
        }
        fputs(": ", stdout);
        vg_show_text(stdout, decision->reason);
        putchar('\n');
    }
    if (!group->ndecisions)
        puts("  nothing has been decided yet");
}

int vg_retrain_list(struct vg_shell *shell, const char *only)
{
    struct vg_error err = {0};
    struct vg_retrain_group *groups;
    size_t n;
    if (vg_retrain_load(shell, only, LIST_MOST, &groups, &n, &err) < 0)
        return vg_shell_fail(&err);
    if (shell->options->json)
        return vg_retrain_json(groups, n);
    if (!n)
        puts("no model is retrained: pgvigil.yaml has no retraining");
    for (size_t i = 0; i < n; i++) {
        if (i)
            putchar('\n');
        vg_retrain_lines(&groups[i], 1);
        if (print_onsets(shell->arena, &groups[i]))
            return VG_EXIT_INTERNAL;
        print_decisions(&groups[i]);
    }
    return 0;
}
