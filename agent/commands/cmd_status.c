/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil status: what the store knows, beside a running daemon or without one. */
#include <string.h>

#include "agent/commands/rehearsal.h"
#include "agent/commands/revival.h"
#include "agent/commands/shell.h"
#include "agent/commands/show.h"
#include "agent/commands/status_json.h"
#include "agent/phrase.h"
#include "agent/plan_segments.h"
#include "agent/rank.h"
#include "agent/settle_proposal.h"
#include "pgvigil/text.h"

static const char *show_time(struct vg_arena *arena, int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? NULL : vg_arena_strdup(arena, vg_format_time(us, text));
}

static const char *worst_verdict(const struct vg_latest *latest, size_t n, const char *dataset)
{
    enum vg_verdict worst = VG_PASS;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(latest[i].dataset, dataset))
            continue;
        any = true;
        worst = latest[i].verdict > worst ? latest[i].verdict : worst;
    }
    return any ? vg_verdict_name(worst) : NULL;
}

static int print_datasets(struct vg_shell *shell, const struct vg_status *status,
                          struct vg_error *err)
{
    static const char *const head[] = {"dataset", "worst",        "newest window",
                                       "rows",    "last success", "failures"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct vg_arena *arena = shell->arena;
    size_t n = status->datasets.n;
    const char **cells = vg_arena_array(arena, (n + 1) * COLUMNS, sizeof *cells);
    if (!cells)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    memcpy(cells, head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        const char **row = cells + (i + 1) * COLUMNS, *id = status->datasets.items[i];
        struct vg_progress progress;
        struct vg_window_row newest;
        bool found;
        if (vg_store_progress(shell->store, id, arena, &progress, err) < 0 ||
            vg_store_window_newest(shell->store, id, &newest, &found, err) < 0)
            return -1;
        row[0] = id;
        row[1] = worst_verdict(status->latest, status->nlatest, id);
        row[2] = found ? show_time(arena, newest.window.start_us) : NULL;
        row[3] = found ? vg_arena_printf(arena, "%llu", (unsigned long long)newest.rows) : NULL;
        row[4] = show_time(arena, progress.success_us);
        row[5] = vg_arena_printf(arena, "%d", progress.failures);
    }
    vg_show_table(stdout, cells, n + 1, COLUMNS);
    return 0;
}

/* A clock that was set back, or was ahead. */
static int print_behind(struct vg_shell *shell, const struct vg_status *status,
                        struct vg_error *err)
{
    char until[VG_TIME_TEXT];
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    for (size_t i = 0; i < status->datasets.n; i++) {
        struct vg_progress progress;
        const char *id = status->datasets.items[i];
        if (vg_store_progress(shell->store, id, shell->arena, &progress, err) < 0)
            return -1;
        if (progress.watermark_us != VG_NEVER && progress.watermark_us > now_us)
            printf("  clock    %s: windows up to %s were judged, and it is not that late: the next"
                   " one is judged when its time comes\n",
                   id, vg_format_time(progress.watermark_us, until));
    }
    return 0;
}

static int print_results(const struct vg_status *status, struct vg_arena *arena)
{
    size_t *places = vg_arena_array(arena, status->nlatest + 1, sizeof *places);
    size_t n = places ? vg_rank_worst(status->latest, status->nlatest, places) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct vg_latest *latest = &status->latest[places[i]];
        printf("  %-7s  %s %s%s%s: %s\n", vg_verdict_name(latest->verdict), latest->dataset,
               latest->rule, *latest->segment ? " " : "", latest->segment, latest->why);
    }
    return places ? 0 : -1;
}

static void print_incidents(const struct vg_status *status)
{
    char opened[VG_TIME_TEXT], closed[VG_TIME_TEXT], acked[VG_TIME_TEXT];
    printf("\nincidents\n");
    for (size_t i = 0; i < status->nincidents; i++) {
        const struct vg_incident *incident = &status->incidents[i];
        bool open = incident->closed_us == VG_NEVER;
        printf("  %-6s  %s %s  opened %s%s%s  key %.12s  %s", open ? "open" : "closed",
               incident->dataset, vg_severity_name(incident->severity),
               vg_format_time(incident->opened_due_us, opened), open ? "" : ", closed ",
               open ? "" : vg_format_time(incident->closed_us, closed), incident->key,
               incident->rules ? incident->rules : "");
        if (incident->acked_us != VG_NEVER)
            printf("  acknowledged by %s at %s", incident->acked_by ? incident->acked_by : "?",
                   vg_format_time(incident->acked_us, acked));
        putchar('\n');
    }
    if (!status->nincidents)
        puts("  none");
}

static void print_proposal(const struct vg_shell *shell, const struct vg_alert *alert)
{
    const struct vg_dataset *dataset = vg_ruleset_find(shell->rules, alert->dataset);
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    bool due = vg_proposal_due(alert, dataset, now_us);
    const char *text = due ? vg_proposal_text(alert, now_us, shell->arena) : NULL;
    if (text)
        printf("                %s\n", text);
}

static void print_alerts(const struct vg_shell *shell, const struct vg_status *status)
{
    char since[VG_TIME_TEXT];
    for (size_t i = 0; i < status->nalerts; i++) {
        const struct vg_alert *alert = &status->alerts[i];
        if (alert->state == VG_ALERT_OK || alert->state == VG_ALERT_NEW)
            continue;
        printf("  %-12s  %s %s%s%s since %s: %s\n", vg_alert_state_name(alert->state),
               alert->dataset, alert->rule, *alert->segment ? " " : "", alert->segment,
               vg_format_time(alert->onset_us, since), alert->why);
        print_proposal(shell, alert);
    }
}

static void print_decisions(const struct vg_status *status)
{
    char at[VG_TIME_TEXT];
    if (status->ngroups)
        printf("\nretraining\n");
    vg_retrain_lines(status->groups, status->ngroups);
    printf("\nretraining decisions, newest first\n");
    for (size_t i = 0; i < status->ndecisions; i++) {
        const struct vg_decision *decision = &status->decisions[i];
        printf("  %s  %s  %s%s%s: %s\n", vg_format_time(decision->at_us, at), decision->model,
               vg_decision_name(decision->kind), decision->by ? " by " : "",
               decision->by ? decision->by : "", decision->reason);
    }
    if (!status->ndecisions)
        puts("  none");
}

static void print_outbox(const struct vg_status *status)
{
    printf("\ndeliveries\n");
    for (size_t i = 0; i < status->ncounts; i++) {
        const struct vg_outbox_count *count = &status->counts[i];
        printf("  %s %s: %lld sent, %lld waiting, %lld set aside\n",
               count->sink_kind == VG_SINK_RETRAIN ? "retraining" : "receiver", count->sink,
               (long long)count->sent, (long long)count->waiting, (long long)count->dead);
    }
    if (!status->ncounts)
        puts("  none");
}

/* As "pgvigil.yaml:12: tag=nightly, without an end, sat sun 01:00-04:30 UTC: the batch runs". */
static void print_quiet(const struct vg_quiet *quiet, int64_t now_us)
{
    char from[VG_TIME_TEXT], until[VG_TIME_TEXT];
    struct vg_buf what, hours;
    vg_buf_init(&what, 1 << 16);
    vg_buf_init(&hours, 1 << 10);
    vg_phrase_match(&what, &quiet->match);
    vg_phrase_hours(&hours, &quiet->hours);
    printf("  %s:%u: %s", quiet->loc.file, quiet->loc.line, what.failed ? "" : what.data);
    if (quiet->from_us != INT64_MIN)
        printf(", %s %s", quiet->from_us > now_us ? "from" : "since",
               vg_format_time(quiet->from_us, from));
    if (quiet->until_us == VG_NEVER)
        printf(", without an end");
    else
        printf("%suntil %s", quiet->from_us == INT64_MIN ? ", " : " ",
               vg_format_time(quiet->until_us, until));
    printf("%s%s%s%s\n", hours.len ? ", " : "", hours.data, quiet->why ? ": " : "",
           quiet->why ? quiet->why : "");
    vg_buf_free(&what);
    vg_buf_free(&hours);
}

static void print_silences(const struct vg_status *status, int64_t now_us)
{
    if (status->nsilences || status->nquiets)
        puts("\nsilences");
    for (size_t i = 0; i < status->nsilences; i++) {
        const struct vg_silence *silence = &status->silences[i];
        char from[VG_TIME_TEXT], until[VG_TIME_TEXT];
        struct vg_buf text;
        vg_buf_init(&text, 1 << 16);
        vg_phrase_match(&text, &silence->match);
        printf("  %lld: %s, %s %s until %s, by %s%s%s\n", (long long)silence->id,
               text.failed ? "" : text.data, silence->from_us > now_us ? "from" : "since",
               vg_format_time(silence->from_us, from), vg_format_time(silence->until_us, until),
               silence->by, *silence->why ? ": " : "", silence->why);
        vg_buf_free(&text);
    }
    for (size_t i = 0; i < status->nquiets; i++)
        print_quiet(&status->quiets[i], now_us);
}

/* What is written whole is no news. */
static void print_offenders(const struct vg_status *status)
{
    char start[VG_TIME_TEXT];
    bool any = false;
    for (size_t i = 0; i < status->noffenders; i++) {
        const struct vg_offenders *row = &status->offenders[i];
        bool written = row->state == VG_OFFENDERS_WRITTEN;
        if (written && !row->cut)
            continue;
        if (!any)
            puts("\nquarantine");
        any = true;
        printf("  %-8s  %s %s, window %s: ",
               written                              ? "cut"
               : row->state == VG_OFFENDERS_WAITING ? "waiting"
                                                    : "given up",
               row->dataset, row->rule, vg_format_time(row->window.start_us, start));
        if (written)
            printf("%llu keys written, there are more than quarantine.limit\n",
                   (unsigned long long)row->keys);
        else
            printf("%s\n", row->why ? row->why : "not written yet");
    }
}

static void print_files(const struct vg_shell *shell, const struct vg_status *status)
{
    if (status->revived)
        printf("  the last good rules are in force, out of the state, and nothing is retired: %s\n"
               "    hint: pgvigil reload when the folder is back; if this is meant: pgvigil reload"
               " --force\n",
               status->revived);
    for (size_t i = 0; i < shell->rules->nfiles; i++) {
        const struct vg_rule_file *file = &shell->rules->files[i];
        if (!file->ok)
            printf("  %s does not load%s\n", file->path,
                   file->last_good ? "; its last good version is in force" : "");
    }
}

/* Columns with more values than are counted. */
static void print_sampled(const struct vg_dataset *dataset, const struct vg_reference *reference)
{
    for (size_t i = 0; reference && i < reference->ncolumns; i++) {
        const struct vg_column_summary *total = reference->columns[i].total;
        if (total && total->top && vg_top_sampled(total->top))
            printf("  %s: more than %zu values of %s in the reference, of which a sample is "
                   "counted: limits.categories\n",
                   dataset->id, vg_top_size(total->top), reference->columns[i].name);
    }
}

/* Values of the reference that are no segments of their own: the cap was reached. */
static int print_capped(struct vg_shell *shell, const struct vg_dataset *dataset,
                        struct vg_arena *arena, struct vg_error *err)
{
    struct vg_strings none = {0};
    struct vg_reference *reference = NULL;
    int64_t version;
    int rc = vg_store_reference_of(shell->store, dataset->id, dataset->reference.name, VG_NEVER,
                                   &version, err);
    if (rc == 0 && version)
        rc = vg_store_reference(shell->store, dataset->id, version, &none, &reference, err);
    for (size_t i = 0; rc == 0 && reference && i < dataset->nsegments; i++) {
        const struct vg_segment_spec *spec = &dataset->segments[i];
        const struct vg_reference_column *column = vg_reference_find(reference, spec->column);
        struct vg_segment_choice choice = {.told = NULL};
        if (column && vg_segment_values(spec, column->total, arena, &choice) < 0)
            rc = vg_fail(err, VG_E_MEMORY, "out of memory");
        else if (choice.told)
            printf("  %s: %s\n", dataset->id, choice.told);
    }
    print_sampled(dataset, reference);
    vg_reference_free(reference);
    return rc;
}

static int print_segments(struct vg_shell *shell, struct vg_arena *arena, struct vg_error *err)
{
    for (size_t i = 0; i < shell->rules->ndatasets; i++) {
        const struct vg_dataset *dataset = shell->rules->datasets[i];
        bool has_reference = dataset->reference.kind != VG_REF_NONE;
        if (has_reference && print_capped(shell, dataset, arena, err) < 0)
            return -1;
    }
    return 0;
}

static void print_notice(const char *notice)
{
    for (const char *line = notice ? notice : ""; *line;) {
        size_t n = strcspn(line, "\n");
        printf("warning: %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    if (notice)
        putchar('\n');
}

/* What could not be stored, a cycle that was lost for one, stands nowhere else. */
static void look_at_disk(const struct vg_shell *shell, struct vg_status *status)
{
    if (vg_store_cramped(shell->store))
        status->trouble =
            "the disk of the state is full, or was: its ballast is gone, and cycles are"
            " lost once nothing more can be written; free space: df, and the log";
}

static int load_status(struct vg_shell *shell, struct vg_status *status, struct vg_error *err)
{
    struct vg_store *store = shell->store;
    struct vg_arena *arena = shell->arena;
    if (vg_store_datasets(store, arena, &status->datasets, err) < 0 ||
        vg_store_latest(store, NULL, arena, &status->latest, &status->nlatest, err) < 0 ||
        vg_store_alerts(store, NULL, arena, &status->alerts, &status->nalerts, err) < 0 ||
        vg_store_incidents(store, NULL, false, arena, &status->incidents, &status->nincidents,
                           err) < 0 ||
        vg_store_decisions(store, NULL, 50, arena, &status->decisions, &status->ndecisions, err) <
            0 ||
        vg_retrain_load(shell, NULL, 20, &status->groups, &status->ngroups, err) < 0 ||
        vg_store_outbox_counts(store, arena, &status->counts, &status->ncounts, err) < 0 ||
        vg_store_offenders(store, arena, &status->offenders, &status->noffenders, err) < 0 ||
        vg_store_silences(store, shell->clock->ops->now_us(shell->clock), arena, &status->silences,
                          &status->nsilences, err) < 0 ||
        vg_store_notice(store, arena, &status->notice, err) < 0)
        return -1;
    if (status->nincidents > 20)
        status->nincidents = 20;
    return vg_rank_latest(status->latest, status->nlatest, arena) < 0
               ? vg_fail(err, VG_E_MEMORY, "out of memory")
               : 0;
}

static int print_status(struct vg_shell *shell)
{
    struct vg_error err = {0};
    struct vg_status status = {0};
    int rc = shell->bare ? 0 : vg_revive_rules(shell, &status.revived);
    if (rc)
        return rc;
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    if (load_status(shell, &status, &err) < 0)
        return vg_shell_fail(&err);
    if (vg_phrase_quiets(shell->config, shell->rules, now_us, shell->arena, &status.quiets,
                         &status.nquiets) < 0)
        return VG_EXIT_INTERNAL;
    look_at_disk(shell, &status);
    int fine = status.trouble ? VG_EXIT_BLIND : VG_EXIT_OK;
    if (shell->options->json)
        return vg_exit_worst(vg_status_json(shell, &status), fine);
    printf("pgvigil %s, agent %s\n\n", VG_VERSION, shell->agent);
    print_notice(status.trouble);
    print_notice(status.notice);
    if (print_datasets(shell, &status, &err) < 0 || print_behind(shell, &status, &err) < 0)
        return vg_shell_fail(&err);
    if (print_results(&status, shell->arena) < 0)
        return VG_EXIT_INTERNAL;
    print_files(shell, &status);
    print_incidents(&status);
    print_alerts(shell, &status);
    print_decisions(&status);
    print_outbox(&status);
    print_silences(&status, now_us);
    print_offenders(&status);
    printf("\nreferences\n");
    for (size_t i = 0; i < shell->rules->ndatasets; i++) {
        if (vg_rehearsal_print(shell, shell->rules->datasets[i], stdout) < 0)
            return VG_EXIT_INTERNAL;
    }
    return print_segments(shell, shell->arena, &err) < 0 ? vg_shell_fail(&err) : fine;
}

static int run_status(const struct vg_options *options)
{
    struct vg_shell shell;
    int rc = vg_shell_open_state(&shell, options);
    if (!rc)
        rc = vg_shell_store(&shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(&shell);
    if (!rc && !shell.store)
        printf("no state yet: %s\n"
               "    hint: a daemon that was started before state: was changed uses the former file"
               " until its restart: pgvigil status --state FORMER\n",
               options->state ? options->state : shell.config->state);
    else if (!rc)
        rc = print_status(&shell);
    if (shell.faulty && !options->state) /* who names a state asks about that state */
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_status;
const struct vg_command vg_command_status = {
    .name = "status",
    .arguments = "",
    .doc = "datasets, alerts, incidents, deliveries, retraining decisions with their reasons",
    .options = "json state",
    .run = run_status,
};
