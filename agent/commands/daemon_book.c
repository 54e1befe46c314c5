/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading and reloading: files into a book, and what everybody has to hear of it. */
#include <stdlib.h>
#include <string.h>

#include "agent/commands/daemon.h"
#include "agent/config/config.h"
#include "agent/pg/pg.h"
#include "agent/rules/rules.h"
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

/* The text of a file that loads is kept: it serves when the file is broken later. */
static void keep_texts(struct vg_daemon *daemon, const struct vg_ruleset *rules)
{
    struct vg_error err = {0};
    for (size_t i = 0; i < rules->nfiles; i++) {
        const struct vg_rule_file *file = &rules->files[i];
        if (file->ok && file->text &&
            vg_store_file_put(daemon->shell.store, file->path, file->text, read_clock(daemon),
                              &err) < 0)
            vg_log(VG_LOG_ERROR, "cannot keep the text of a rule file", "file", file->path, "error",
                   err.msg, NULL);
    }
}

static void log_files(const struct vg_ruleset *rules)
{
    for (size_t i = 0; i < rules->nfiles; i++) {
        const struct vg_rule_file *file = &rules->files[i];
        if (!file->ok)
            vg_log(VG_LOG_ERROR,
                   file->last_good ? "rule file broken, its last good version runs"
                                   : "rule file broken, not in force",
                   "file", file->path, NULL);
    }
    if (!rules->folder_ok)
        vg_log(VG_LOG_ERROR, "the rules folder cannot be read or holds no rule file", NULL);
}

void vg_daemon_tell(struct vg_daemon *daemon, const struct vg_book *book)
{
    bool ok = book->rules->folder_ok;
    for (size_t i = 0; i < book->rules->nfiles; i++)
        ok &= book->rules->files[i].ok;
    keep_texts(daemon, book->rules);
    log_files(book->rules);
    vg_metrics_receivers(daemon->metrics, book->config->receivers, book->config->nreceivers);
    vg_metrics_models(daemon->metrics, book->config->retraining, book->config->nretraining);
    vg_metrics_rule_files(daemon->metrics, book->rules->files, book->rules->nfiles);
    vg_metrics_reloaded(daemon->metrics, ok, read_clock(daemon));
    pthread_mutex_lock(&daemon->book_mutex);
    snprintf(daemon->problem, sizeof daemon->problem, "%s",
             ok ? ""
                : "a rule file does not load; its last good version is in force if there is one");
    pthread_mutex_unlock(&daemon->book_mutex);
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

static void tell_loaded(void *arg, const struct vg_book *book)
{
    struct vg_daemon *daemon = arg;
    struct vg_error err = {0};
    vg_pg_source_reload(daemon->shell.source, book->config);
    if (vg_deliver_reload(daemon->deliver, book->config, &err) < 0)
        vg_log(VG_LOG_ERROR, "receivers not reloaded", "error", err.msg, NULL);
    vg_daemon_tell(daemon, book);
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

static void idle(void *arg, int64_t now_us)
{
    struct vg_daemon *daemon = arg;
    struct vg_error err = {0};
    if (vg_store_trim(daemon->shell.store, now_us, &err) < 0)
        vg_log(VG_LOG_ERROR, "cannot trim the state", "error", err.msg, NULL);
    tell_outbox(daemon);
    if (daemon->push)
        vg_push_own(daemon->push);
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

static void tell_refused(void *arg)
{
    struct vg_daemon *daemon = arg;
    vg_metrics_reloaded(daemon->metrics, false, read_clock(daemon));
}

const struct vg_shell_ops vg_daemon_shell_ops = {
    .refused = tell_refused,
    .load = load_book,
    .loaded = tell_loaded,
    .drain = drain_outbox,
    .idle = idle,
};
