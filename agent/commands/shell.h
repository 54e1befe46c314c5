/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands have in common: options, exit codes, and the opening of files, store and
 * source; layer 6. */
#ifndef PGVIGIL_SHELL_H
#define PGVIGIL_SHELL_H

#include <stdatomic.h>
#include <stdio.h>

#include "agent/loop/cycle.h"
#include "pgvigil/ports.h"
#include "pgvigil/rule.h"
#include "pgvigil/store.h"

enum vg_exit {
    VG_EXIT_OK = 0,
    VG_EXIT_FAILED = 2, /* a check failed; with --strict, also warned or without data */
    VG_EXIT_BLIND = 3,  /* something could not be looked at, or nothing could be judged */
    VG_EXIT_USAGE = 64,
    VG_EXIT_INTERNAL = 70,
    VG_EXIT_BUSY = 75, /* the state is in use by another daemon, or not made by a replay */
    VG_EXIT_CONFIG = 78,
};
/* The gravest of 78, 3, 2; others win over all. */
int vg_exit_worst(int a, int b);
int vg_exit_of(const struct vg_error *err);

/* Every option of every command; zero or NULL when not given. */
struct vg_options {
    const char *config; /* default ./pgvigil.yaml */
    bool json, strict, once, connect, force;
    const char *at, *window, *from, *until, *state, *backfill;
    const char *connection, *time_column, *to, *output;
    bool tune, lookups, dry_run;
    const char *why;
    const char *reference, *html;
    const char *inject[32];
    size_t ninject;
    const char *log_level, *log_format;
    const char *notify[32];
    size_t nnotify;
    char **arguments;
    int narguments;
};

struct vg_command {
    const char *name, *arguments, *doc;
    const char *options; /* names of the options it takes, with a blank between them */
    int least, most;     /* arguments; most -1: any number */
    int (*run)(const struct vg_options *options);
};
extern const struct vg_command *const vg_commands[];

struct vg_shell {
    const struct vg_options *options;
    struct vg_diags diags;
    struct vg_config *config;
    struct vg_ruleset *rules;
    struct vg_store *store; /* NULL: there is none yet */
    struct vg_source *source;
    struct vg_clock *clock;
    struct vg_arena *arena;
    const char *agent; /* name */
    bool faulty;       /* a file has errors: exit code 78 at the end */
    bool bare;         /* without pgvigil.yaml, which cannot be read, on the state alone */
};
/* Reads pgvigil.yaml; on errors prints them and returns an exit code, else 0. */
int vg_shell_open(struct vg_shell *shell, const struct vg_options *options);
/* The same for commands that need the state alone: with --state also where the configuration cannot
 * be read, as it is then that people must be able to acknowledge and to silence. */
int vg_shell_open_state(struct vg_shell *shell, const struct vg_options *options);
/* Opens the store; in COMMAND mode a missing one is no error. 0 or an exit code, said on stderr. */
int vg_shell_store(struct vg_shell *shell, enum vg_store_mode mode);
/* Reads the rule files (the store's last good texts serve where there is a store). Prints all
 * faults. 0 or an exit code; a faulty file among good ones only sets `faulty`. Without pgvigil.yaml
 * there are no rules: they speak of its connections. */
int vg_shell_rules(struct vg_shell *shell);
int vg_shell_source(struct vg_shell *shell);
/* Prints and forgets what was found in files; as log lines with --log-format json. */
void vg_shell_show_diags(struct vg_shell *shell);
/* What a cycle needs, for commands that look and commit nothing. */
struct vg_cycle_env vg_shell_env(const struct vg_shell *shell);
/* Prints an error as people read it and returns the exit code that fits. */
int vg_shell_fail(const struct vg_error *err);
void vg_shell_close(struct vg_shell *shell);

/* Set by SIGINT and SIGTERM once vg_shell_signals() was called. */
extern atomic_bool vg_shell_stop;
void vg_shell_signals(void);
bool vg_shell_colour(FILE *out);
/* A line "label ... rows" on a terminal's stderr while a scan lasts. */
void vg_shell_progress(void *arg, const char *dataset, uint64_t rows);
/* A bar of what is done, 0 .. 1, likewise: of a calibration, and of anything (`doing`). */
void vg_shell_done(const char *dataset, double done);
void vg_shell_bar(const char *dataset, const char *doing, double done);
/* What it shows on a terminal of so many columns, as snprintf() does; less than one line. */
int vg_shell_bar_text(const char *dataset, const char *doing, double done, int width, char *out,
                      size_t size);
void vg_shell_progress_end(void);
/* After a command: rc, or VG_EXIT_INTERNAL where not all of stdout could be written, and says so;
 * not of a pipe that nobody reads any more. */
int vg_shell_written(int rc);

/* The datasets named as arguments, or all. *out in the shell's arena; 0 or 64 with the nearest name
 * as hint. */
int vg_shell_datasets(struct vg_shell *shell, const struct vg_dataset *const **out, size_t *n);

#endif
