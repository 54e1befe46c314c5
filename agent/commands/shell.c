/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands have in common. Opens things in the order config, store, rules, source, and
 * says on stderr what cannot be opened; holds no logic of its own. */
#include "agent/commands/shell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/config/config.h"
#include "agent/pg/pg.h"
#include "agent/rules/rules.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

atomic_bool vg_shell_stop;

static int rank_exit(int code)
{
    static const int order[] = {VG_EXIT_OK,   VG_EXIT_FAILED,   VG_EXIT_BLIND, VG_EXIT_CONFIG,
                                VG_EXIT_BUSY, VG_EXIT_INTERNAL, VG_EXIT_USAGE};
    int rank = 0;
    for (int i = 0; i < (int)(sizeof order / sizeof order[0]); i++)
        rank = order[i] == code ? i : rank;
    return rank;
}

int vg_exit_worst(int a, int b)
{
    return rank_exit(a) >= rank_exit(b) ? a : b;
}

int vg_exit_of(const struct vg_error *err)
{
    switch (err->code) {
    case VG_OK:
        return VG_EXIT_OK;
    case VG_E_CONFIG:
        return VG_EXIT_CONFIG;
    case VG_E_USAGE:
        return VG_EXIT_USAGE;
    case VG_E_LOCKED:
        return VG_EXIT_BUSY;
    case VG_E_CONNECT:
    case VG_E_PERMISSION:
    case VG_E_TIMEOUT:
    case VG_E_QUERY:
    case VG_E_NOT_FOUND:
    case VG_E_DATA:
    case VG_E_LIMIT:
    case VG_E_BLIND:
    case VG_E_HTTP:
    case VG_E_CANCELLED:
        return VG_EXIT_BLIND;
    default:
        return VG_EXIT_INTERNAL;
    }
}

bool vg_shell_colour(FILE *out)
{
    return isatty(fileno(out)) && !getenv("NO_COLOR");
}

int vg_shell_fail(const struct vg_error *err)
{
    if (err->code == VG_E_CANCELLED && vg_shell_stop) {
        fputs("pgvigil: stopped before it was finished\n", stderr);
        return vg_exit_of(err);
    }
    if (err->loc.file && err->loc.line)
        fprintf(stderr, "%s:%u:%u: error: %s\n", err->loc.file, err->loc.line, err->loc.column,
                err->msg);
    else
        fprintf(stderr, "pgvigil: %s\n", err->msg);
    if (*err->hint)
        fprintf(stderr, "    hint: %s\n", err->hint);
    return vg_exit_of(err);
}

/* In a log of JSON lines faults are lines too. */
static void log_diag(const struct vg_diag *diag)
{
    char line[24], column[24];
    snprintf(line, sizeof line, "%u", diag->loc.line);
    snprintf(column, sizeof column, "%u", diag->loc.column);
    vg_log(diag->grade == VG_GRADE_ERROR ? VG_LOG_ERROR : VG_LOG_WARN, "fault in a file", "file",
           diag->loc.file, "line", line, "column", column, "error", diag->msg, "hint", diag->hint,
           NULL);
}

void vg_shell_show_diags(struct vg_shell *shell)
{
    bool json = vg_streq(shell->options->log_format, "json");
    for (size_t i = 0; json && i < shell->diags.n; i++)
        log_diag(&shell->diags.items[i]);
    if (!json)
        vg_diags_print(&shell->diags, stderr, vg_shell_colour(stderr));
    vg_diags_free(&shell->diags);
}

int vg_shell_open(struct vg_shell *shell, const struct vg_options *options)
{
    memset(shell, 0, sizeof *shell);
    shell->options = options;
    struct vg_error err = {0};
    shell->arena = vg_arena_new();
    if (!shell->arena)
        return vg_fail(&err, VG_E_MEMORY, "out of memory"), vg_shell_fail(&err);
    int rc = vg_config_load(options->config, &shell->diags, &shell->config);
    vg_shell_show_diags(shell);
    if (rc < 0)
        return VG_EXIT_CONFIG;
    return vg_clock_real(&shell->clock, &err) < 0 ? vg_shell_fail(&err) : 0;
}

int vg_shell_open_state(struct vg_shell *shell, const struct vg_options *options)
{
    static const char none[] =
        "connections: {none: {conninfo: \"host=127.0.0.1 dbname=none user=none\"}}\n";
    struct vg_error err = {0};
    int rc = vg_shell_open(shell, options);
    if (rc != VG_EXIT_CONFIG || shell->config || !options->state)
        return rc;
    if (vg_config_parse(none, sizeof none - 1, options->config, &shell->diags, &shell->config) < 0)
        return vg_shell_show_diags(shell), VG_EXIT_CONFIG;
    shell->bare = true;
    fputs("pgvigil: without the configuration, on the state that was given\n", stderr);
    return vg_clock_real(&shell->clock, &err) < 0 ? vg_shell_fail(&err) : 0;
}

int vg_shell_store(struct vg_shell *shell, enum vg_store_mode mode)
{
    struct vg_error err = {0};
    const char *path = shell->options->state ? shell->options->state : shell->config->state;
    if (vg_store_open(path, mode, &shell->store, &err) < 0) {
        if (mode == VG_STORE_COMMAND && err.code == VG_E_NOT_FOUND)
            return 0;
        return vg_shell_fail(&err);
    }
    const char *given = mode == VG_STORE_COMMAND ? NULL : shell->config->name;
    if (vg_store_name(shell->store, given, shell->arena, &shell->agent, &err) < 0)
        return vg_shell_fail(&err);
    return 0;
}

static const char *find_last_good(void *arg, const char *path)
{
    struct vg_shell *shell = arg;
    struct vg_error err = {0};
    const char *text = NULL;
    if (shell->store && vg_store_file(shell->store, path, shell->arena, &text, &err) < 0)
        vg_shell_fail(&err);
    return text;
}

static int use_no_rules(struct vg_shell *shell)
{
    struct vg_arena *arena = vg_arena_new();
    shell->rules = arena ? vg_arena_alloc(arena, sizeof *shell->rules) : NULL;
    if (!shell->rules) {
        vg_arena_free(arena);
        return VG_EXIT_INTERNAL;
    }
    *shell->rules = (struct vg_ruleset){.arena = arena, .folder_ok = true};
    return 0;
}

int vg_shell_rules(struct vg_shell *shell)
{
    struct vg_error err = {0};
    if (shell->bare)
        return use_no_rules(shell);
    struct vg_rules_load load = {
        .config = shell->config, .last_good = find_last_good, .arg = shell};
    int rc = vg_rules_load(&load, &shell->diags, &shell->rules, &err);
    shell->faulty = shell->diags.errors > 0;
    vg_shell_show_diags(shell);
    if (rc < 0)
        return vg_shell_fail(&err);
    if (!shell->rules->folder_ok)
        shell->faulty = true;
    return 0;
}

int vg_shell_source(struct vg_shell *shell)
{
    struct vg_error err = {0};
    return vg_pg_source_new(shell->config, &shell->source, &err) < 0 ? vg_shell_fail(&err) : 0;
}

struct vg_cycle_env vg_shell_env(const struct vg_shell *shell)
{
    return (struct vg_cycle_env){
        .source = shell->source,
        .store = shell->store,
        .clock = shell->clock,
        .config = shell->config,
        .rules = shell->rules,
        .agent = shell->agent ? shell->agent : "command",
        .claim = {shell->agent, 1},
        .stop = &vg_shell_stop,
        .progress = vg_shell_progress,
    };
}

void vg_shell_close(struct vg_shell *shell)
{
    if (shell->source)
        shell->source->ops->free(shell->source);
    vg_store_close(shell->store);
    vg_ruleset_free(shell->rules);
    vg_config_free(shell->config);
    vg_clock_free(shell->clock);
    vg_arena_free(shell->arena);
    vg_diags_free(&shell->diags);
    memset(shell, 0, sizeof *shell);
}

static void take_stop(int signal)
{
    (void)signal;
    vg_shell_stop = true;
}

void vg_shell_signals(void)
{
    struct sigaction action = {.sa_handler = take_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void vg_shell_progress(void *arg, const char *dataset, uint64_t rows)
{
    (void)arg;
    char text[VG_NUMBER_TEXT];
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s: %s rows\033[K", dataset, vg_format_human((double)rows, 12, text));
}

void vg_shell_done(const char *dataset, double done)
{
    vg_shell_bar(dataset, "calibrating", done);
}

/* Columns of the terminal; 80 where it does not say. */
static int find_width(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

int vg_shell_bar_text(const char *dataset, const char *doing, double done, int width, char *out,
                      size_t size)
{
    enum { MOST = 40, LEAST = 5 };
    static const char bar[MOST + 1] = "########################################";
    double share = done > 0 ? done < 1 ? done : 1 : 0;
    int room =
        width - 1 - (int)strlen(dataset) - (int)strlen(doing) - 10; /* ": ", " [", "] 100%" */
    if (room > MOST)
        room = MOST;
    if (room < LEAST) /* a line that wraps cannot be written over */
        return snprintf(out, size, "%.*s%4.0f%%", width > 6 ? width - 6 : 0, dataset, 100 * share);
    int filled = (int)(share * room);
    return snprintf(out, size, "%s: %s [%.*s%*s] %3.0f%%", dataset, doing, filled, bar,
                    room - filled, "", 100 * share);
}

void vg_shell_bar(const char *dataset, const char *doing, double done)
{
    char text[512];
    if (!isatty(STDERR_FILENO))
        return;
    vg_shell_bar_text(dataset, doing, done, find_width(), text, sizeof text);
    fprintf(stderr, "\r%s\033[K", text);
}

int vg_shell_written(int rc)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    failed |= fflush(stdout) == EOF;
    if (!failed)
        return rc;
    int why = errno;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    bool unread = poll(&out, 1, 0) == 1 && out.revents & POLLERR;
    if (!unread)
        fprintf(stderr, "pgvigil: the output could not be written%s%s\n", why ? ": " : "",
                why ? strerror(why) : "");
    return vg_exit_worst(rc, VG_EXIT_INTERNAL);
}

void vg_shell_progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int fail_dataset(const struct vg_shell *shell, const char *name)
{
    const char **names = vg_arena_array(shell->arena, shell->rules->ndatasets, sizeof *names);
    for (size_t i = 0; names && i < shell->rules->ndatasets; i++)
        names[i] = shell->rules->datasets[i]->id;
    const char *near = names ? vg_nearest(name, names, shell->rules->ndatasets) : NULL;
    fprintf(stderr, "pgvigil: there is no dataset %s\n", name);
    if (near)
        fprintf(stderr, "    hint: did you mean %s?\n", near);
    return shell->faulty ? VG_EXIT_CONFIG : VG_EXIT_USAGE;
}

int vg_shell_datasets(struct vg_shell *shell, const struct vg_dataset *const **out, size_t *n)
{
    const struct vg_options *options = shell->options;
    *n = options->narguments ? (size_t)options->narguments : shell->rules->ndatasets;
    const struct vg_dataset **list = vg_arena_array(shell->arena, *n, sizeof *list);
    if (!list)
        return VG_EXIT_INTERNAL;
    for (size_t i = 0; i < *n; i++) {
        list[i] = options->narguments ? vg_ruleset_find(shell->rules, options->arguments[i])
                                      : shell->rules->datasets[i];
        if (!list[i])
            return fail_dataset(shell, options->arguments[i]);
    }
    *out = list;
    return 0;
}
