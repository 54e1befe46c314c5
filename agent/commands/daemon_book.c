/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading and reloading: files into a book, and what everybody has to hear of it. */
#include <stdlib.h>
#include <string.h>

#include "agent/commands/daemon.h"
#include "agent/config/config.h"
#include "agent/pg/pg.h"
#include "agent/rules/rules.h"
#include "agent/triggers/systems.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

static void free_book(struct vg_book *book)
{
    vg_ruleset_free(book->rules);
    vg_config_free(book->config);
    free(book);
}

struct vg_book *vg_daemon_book(struct vg_daemon *daemon)
{
    struct vg_book *book = calloc(1, sizeof *book);
    if (!book)
        return NULL;
    book->config = daemon->shell.config;
    book->rules = daemon->shell.rules;
    book->free = free_book;
    daemon->shell.config = NULL;
    daemon->shell.rules = NULL;
    return book;
}

static int64_t read_clock(const struct vg_daemon *daemon)
{
    return daemon->shell.clock->ops->now_us(daemon->shell.clock);
}

/* The text of a file that loads is kept: it serves when the file is broken or missing later. */
static void keep_texts(struct vg_daemon *daemon, const struct vg_ruleset *rules)
{
    struct vg_error err = {0};
    for (size_t i = 0; i < rules->nfiles; i++) {
        const struct vg_rule_file *file = &rules->files[i];
        if (file->ok && !file->last_good && file->text &&
            vg_store_file_put(daemon->shell.store, file->path, file->text, read_clock(daemon),
                              &err) < 0)
            vg_log(VG_LOG_ERROR, "cannot keep the text of a rule file", "file", file->path, "error",
                   err.msg, NULL);
    }
}

/* Whether files that are no longer there have gone for good. */
static int find_settled(struct vg_daemon *daemon, const struct vg_book *book,
                        struct vg_arena *arena, bool *settled, struct vg_error *err)
{
    struct vg_strings known;
    struct vg_retirement retirement;
    *settled = false;
    if (book->rules->revived || (!book->rules->folder_ok && !book->forced))
        return 0;
    if (vg_store_datasets(daemon->shell.store, arena, &known, err) < 0 ||
        vg_book_retirement(book->rules, &known, book->forced, arena, &retirement, err) < 0)
        return -1;
    *settled = !retirement.refused;
    return 0;
}

/* A file that was taken away must not come back when the folder is lost one day. */
static void forget_texts(struct vg_daemon *daemon, const struct vg_book *book)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_strings paths = {0};
    bool settled = false;
    int rc = arena ? find_settled(daemon, book, arena, &settled, &err)
                   : vg_fail(&err, VG_E_MEMORY, "out of memory");
    if (rc == 0 && settled)
        rc = vg_store_files(daemon->shell.store, arena, &paths, &err);
    for (size_t i = 0; rc == 0 && i < paths.n; i++) {
        if (!vg_ruleset_file(book->rules, paths.items[i]))
            rc = vg_store_file_delete(daemon->shell.store, paths.items[i], &err);
    }
    if (rc < 0)
        vg_log(VG_LOG_ERROR, "cannot forget the texts of removed rule files", "error", err.msg,
               NULL);
    vg_arena_free(arena);
}

static const char *describe_file(const struct vg_rule_file *file, bool revived)
{
    if (!file->last_good)
        return file->ok ? NULL : "rule file broken, not in force";
    return revived ? "the last good version of a rule file runs, out of the state"
                   : "rule file broken, its last good version runs";
}

static void log_files(const struct vg_book *book)
{
    const struct vg_ruleset *rules = book->rules;
    for (size_t i = 0; i < rules->nfiles; i++) {
        const char *what = describe_file(&rules->files[i], rules->revived);
        if (what)
            vg_log(VG_LOG_ERROR, what, "file", rules->files[i].path, NULL);
    }
    if (!rules->folder_ok && !rules->revived)
        vg_log(book->forced ? VG_LOG_WARN : VG_LOG_ERROR, vg_no_folder, "accepted",
               book->forced ? "by reload --force" : NULL, NULL);
}

static void set_problem(struct vg_daemon *daemon, const char *what, const char *why)
{
    pthread_mutex_lock(&daemon->book_mutex);
    snprintf(daemon->problem, sizeof daemon->problem, "%s%s%s", what, why ? ": " : "",
             why ? why : "");
    pthread_mutex_unlock(&daemon->book_mutex);
}

static void tell_problem(struct vg_daemon *daemon, const struct vg_book *book, bool ok)
{
    static const char broken[] =
        "a rule file does not load; its last good version is in force if there is one";
    if (!book->rules->revived) {
        set_problem(daemon, ok ? "" : broken, NULL);
        return;
    }
    set_problem(daemon, "the last good rules run, out of the state, and nothing is retired",
                daemon->revived);
    vg_log(VG_LOG_ERROR, "the last good rules run, out of the state; nothing is retired", "reason",
           daemon->revived, "hint",
           "pgvigil reload when the folder is back; if this is meant: pgvigil reload --force",
           NULL);
}

void vg_daemon_tell(struct vg_daemon *daemon, const struct vg_book *book)
{
    bool ok = (book->rules->folder_ok || book->forced) && !book->rules->revived;
    for (size_t i = 0; i < book->rules->nfiles; i++)
        ok &= book->rules->files[i].ok;
    keep_texts(daemon, book->rules);
    forget_texts(daemon, book);
    log_files(book);
    vg_metrics_receivers(daemon->metrics, book->config->receivers, book->config->nreceivers);
    vg_metrics_models(daemon->metrics, book->config->retraining, book->config->nretraining);
    for (size_t i = 0; i < book->config->nretraining; i++)
        vg_metrics_system(daemon->metrics, vg_trigger_of(&book->config->retraining[i])->name);
    vg_metrics_rule_files(daemon->metrics, book->rules->files, book->rules->nfiles);
    vg_metrics_quarantines(daemon->metrics, book->rules);
    vg_metrics_reloaded(daemon->metrics, ok, read_clock(daemon));
    tell_problem(daemon, book, ok);
}

/* --- what the loop calls ---------------------------------------------------------------------- */

static struct vg_book *load_book(void *arg)
{
    struct vg_daemon *daemon = arg;
    struct vg_shell *shell = &daemon->shell;
    int rc = vg_config_load(shell->options->config, &shell->diags, &shell->config);
    vg_shell_show_diags(shell);
    if (rc == 0)
        rc = vg_shell_rules(shell);
    struct vg_book *book = rc == 0 ? vg_daemon_book(daemon) : NULL;
    if (book)
        return book;
    vg_config_free(shell->config);
    vg_ruleset_free(shell->rules);
    shell->config = NULL;
    shell->rules = NULL;
    vg_metrics_reloaded(daemon->metrics, false, read_clock(daemon));
    vg_log(VG_LOG_ERROR, "reload failed, the configuration in force stays", "file",
           shell->options->config, NULL);
    return NULL;
}

static void tell_fixed(struct vg_daemon *daemon, const struct vg_config *config)
{
    char text[VG_FIXED_TEXT];
    vg_fixed_compare(&daemon->shell, &daemon->fixed, config, text);
    pthread_mutex_lock(&daemon->book_mutex);
    if (!*daemon->problem)
        snprintf(daemon->problem, sizeof daemon->problem, "%.*s", (int)sizeof daemon->problem - 1,
                 text);
    pthread_mutex_unlock(&daemon->book_mutex);
}

static void tell_loaded(void *arg, const struct vg_book *book)
{
    struct vg_daemon *daemon = arg;
    struct vg_error err = {0};
    vg_pg_source_reload(daemon->shell.source, book->config);
    if (vg_deliver_reload(daemon->deliver, book->config, &err) < 0)
        vg_log(VG_LOG_ERROR, "receivers not reloaded", "error", err.msg, NULL);
    /* After the rights to push there, or the new address would be asked without them. */
    if (vg_push_retarget(daemon->push, book->config->push_url, book->config->push_job, &err) < 0)
        vg_log(VG_LOG_ERROR, "Pushgateway not reloaded", "error", err.msg, NULL);
    vg_daemon_tell(daemon, book);
    tell_fixed(daemon, book->config);
    char datasets[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, "reloaded", "datasets",
           vg_format_double((double)book->rules->ndatasets, datasets), NULL);
}

static void drain_outbox(void *arg, int64_t now_us)
{
    struct vg_daemon *daemon = arg;
    struct vg_error err = {0};
    if (vg_deliver_drain(daemon->deliver, now_us, &err) < 0 && err.code != VG_E_CANCELLED)
        vg_log(VG_LOG_ERROR, "delivery failed", "error", err.msg, NULL);
}

static void tell_outbox(struct vg_daemon *daemon)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    struct vg_outbox_count *counts;
    size_t n;
    if (arena && vg_store_outbox_counts(daemon->shell.store, arena, &counts, &n, &err) == 0)
        vg_metrics_outbox(daemon->metrics, counts, n);
    vg_arena_free(arena);
}

/* As the store has it: those that waited before a restart wait still. */
static void tell_pending(struct vg_daemon *daemon)
{
    struct vg_error err = {0};
    struct vg_arena *arena = vg_arena_new();
    const struct vg_config *config = daemon->loop.book->config; /* the scheduler changes it */
    for (size_t i = 0; arena && i < config->nretraining; i++) {
        const char *model = config->retraining[i].model;
        struct vg_onset onset;
        bool found;
        if (vg_store_onset(daemon->shell.store, model, arena, &onset, &found, &err) == 0)
            vg_metrics_pending(daemon->metrics, model,
                               found && onset.state == VG_ONSET_OPEN &&
                                   onset.approval == VG_APPROVAL_ASKED);
    }
    vg_arena_free(arena);
}

static void idle(void *arg, int64_t now_us)
{
    struct vg_daemon *daemon = arg;
    struct vg_error err = {0};
    if (vg_store_trim(daemon->shell.store, now_us, &err) < 0)
        vg_log(VG_LOG_ERROR, "cannot trim the state", "error", err.msg, NULL);
    tell_outbox(daemon);
    tell_pending(daemon);
    struct vg_store_health health;
    vg_store_health(daemon->shell.store, &health);
    vg_metrics_state(daemon->metrics, &health);
    vg_push_own(daemon->push);
    /* who asks for it drives the cycles: where he hangs, or nothing can be stored, it stays away */
    if (health.in_place && health.writable)
        vg_deliver_beat(daemon->deliver);
}

void vg_daemon_finish(struct vg_daemon *daemon)
{
    struct vg_clock *clock = daemon->shell.clock;
    if (!daemon->push)
        return;
    tell_outbox(daemon);
    vg_push_own(daemon->push);
    drain_outbox(daemon, clock->ops->now_us(clock));
}

/* Files in force that the folder does not hold any more do not load. */
static void tell_missing(struct vg_daemon *daemon, const struct vg_ruleset *fresh)
{
    const struct vg_ruleset *old = daemon->loop.book->rules;
    struct vg_rule_file *files = vg_array(fresh->nfiles + old->nfiles + 1, sizeof *files);
    size_t n = 0;
    for (; files && n < fresh->nfiles; n++)
        files[n] = fresh->files[n];
    for (size_t i = 0; files && i < old->nfiles; i++) {
        if (!vg_ruleset_file(fresh, old->files[i].path))
            files[n++] = (struct vg_rule_file){.path = old->files[i].path};
    }
    if (files)
        vg_metrics_rule_files(daemon->metrics, files, n);
    free(files);
}

static void tell_refused(void *arg, const struct vg_book *fresh, const char *why)
{
    struct vg_daemon *daemon = arg;
    tell_missing(daemon, fresh->rules);
    vg_metrics_reloaded(daemon->metrics, false, read_clock(daemon));
    set_problem(daemon, "the rules in force stay, and nothing is retired", why);
}

const struct vg_shell_ops vg_daemon_shell_ops = {
    .refused = tell_refused,
    .load = load_book,
    .loaded = tell_loaded,
    .drain = drain_outbox,
    .idle = idle,
};
