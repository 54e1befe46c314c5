/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil init TABLE: looks at all rows of a table once and writes a rule file that fits them. It
 * needs no rule files and no state, and never overwrites a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands/shell.h"
#include "agent/loop/profile.h"
#include "agent/suggest.h"
#include "agent/zone.h"
#include "pgvigil/text.h"

enum { FILE_MAX = 16 << 20, NAME_MAX_BYTES = 100 };

/* --- What is asked for ------------------------------------------------------------------------ */

static int choose_connection(struct vg_shell *shell, const char **out)
{
    const struct vg_config *config = shell->config;
    const char *given = shell->options->connection;
    const char **names = vg_arena_array(shell->arena, config->nconnections + 1, sizeof *names);
    if (!names)
        return VG_EXIT_INTERNAL;
    for (size_t i = 0; i < config->nconnections; i++)
        names[i] = config->connections[i].name;
    *out = given ? given : names[0];
    if (given && !vg_config_connection(config, given)) {
        const char *near = vg_nearest(given, names, config->nconnections);
        fprintf(stderr, "pgvigil: %s has no connection %s\n", config->file, given);
        if (near)
            fprintf(stderr, "    hint: did you mean %s?\n", near);
        return VG_EXIT_USAGE;
    }
    if (given || config->nconnections == 1)
        return 0;
    fprintf(stderr, "pgvigil: %s has %zu connections: name one with --connect\n", config->file,
            config->nconnections);
    for (size_t i = 0; i < config->nconnections; i++)
        fprintf(stderr, "    %s\n", names[i]);
    return VG_EXIT_USAGE;
}

/* The table's name without schema and quotes, with what no name of a dataset may hold as "_". */
static const char *make_name(const char *table, struct vg_arena *arena)
{
    static const char fits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strlen(table);
    bool quoted = n > 1 && table[n - 1] == '"';
    n -= quoted;
    size_t begin = n;
    while (begin > 0 && table[begin - 1] != (quoted ? '"' : '.'))
        begin--;
    char *name = vg_arena_strndup(arena, table + begin,
                                  n - begin < NAME_MAX_BYTES ? n - begin : NAME_MAX_BYTES);
    for (char *c = name; c && *c; c++) {
        if (!strchr(fits, *c))
            *c = '_';
    }
    return name && !*name ? "table" : name;
}

static int read_time(const char *option, const char *text, const struct vg_zone *zone, int64_t *out)
{
    if (!text || vg_parse_time(text, zone, out) == 0)
        return 0;
    fprintf(stderr, "pgvigil: %s %s is not a time (2001-06-13, 2001-06-13T00:10:00Z)\n", option,
            text);
    return VG_EXIT_USAGE;
}

static int read_ask(struct vg_shell *shell, struct vg_profile_ask *ask)
{
    const struct vg_options *options = shell->options;
    struct vg_error err = {0};
    *ask = (struct vg_profile_ask){.table = options->arguments[0],
                                   .time_column = options->time_column,
                                   .from_us = INT64_MIN,
                                   .to_us = VG_NEVER,
                                   .timezone = shell->config->default_timezone,
                                   .zone = &vg_utc};
    int rc = choose_connection(shell, &ask->connection);
    if (rc)
        return rc;
    if (ask->timezone) {
        ask->zone = vg_zone_load(ask->timezone, shell->arena, &err);
        if (!ask->zone)
            return vg_shell_fail(&err);
    }
    ask->dataset = make_name(ask->table, shell->arena);
    if (!ask->dataset)
        return VG_EXIT_INTERNAL;
    rc = read_time("--from", options->from, ask->zone, &ask->from_us);
    return rc ? rc : read_time("--to", options->to, ask->zone, &ask->to_us);
}

/* --- The file --------------------------------------------------------------------------------- */

static int fail_output(const char *path)
{
    bool there = errno == EEXIST;
    fprintf(stderr, "pgvigil: %s: %s\n", path,
            there ? "the file is there already and is not overwritten" : strerror(errno));
    return there ? VG_EXIT_USAGE : VG_EXIT_INTERNAL;
}

/* A file that could not be written whole is taken away again. */
static int write_text(const char *path, const struct vg_buf *text)
{
    FILE *out = path ? fopen(path, "wx") : stdout;
    if (!out)
        return fail_output(path);
    bool fine = fwrite(text->data, 1, text->len, out) == text->len && fflush(out) == 0;
    int fault = errno;
    if (path && fclose(out) != 0 && fine) {
        fault = errno;
        fine = false;
    }
    if (fine)
        return 0;
    if (path)
        unlink(path);
    fprintf(stderr, "pgvigil: cannot write %s: %s\n", path ? path : "to standard output",
            strerror(fault));
    return VG_EXIT_INTERNAL;
}

static void report(const struct vg_profile *profile, const struct vg_suggestions *list,
                   const char *path)
{
    size_t off = 0;
    for (size_t i = 0; i < list->n; i++)
        off += list->items[i].off;
    fprintf(stderr, "%s: %llu rows, %zu columns%s%s; %zu rules in %s, %zu more commented out\n",
            profile->table, (unsigned long long)profile->rows, profile->ncolumns,
            profile->time ? ", time column " : ", no time column",
            profile->time ? profile->time->name : "", list->n - off - profile->ncolumns, path, off);
}

static int suggest(struct vg_shell *shell, const struct vg_profile_ask *ask)
{
    struct vg_error err = {0};
    struct vg_cycle_env env = vg_shell_env(shell);
    struct vg_profile profile = {0};
    struct vg_suggestions list;
    struct vg_buf text;
    const char *path = shell->options->output;
    vg_buf_init(&text, FILE_MAX);
    int rc = vg_profile_read(&env, ask, shell->arena, &profile, &err);
    vg_shell_progress_end();
    if (rc == 0)
        rc = vg_suggest(&profile, shell->arena, &list, &err);
    if (rc == 0) {
        vg_suggest_write(&profile, &list, &text);
        rc = text.failed ? vg_fail(&err, VG_E_MEMORY, "out of memory") : 0;
    }
    int code = 0;
    if (rc < 0) /* the table was named on the command line */
        code = err.code == VG_E_NOT_FOUND || err.code == VG_E_CONFIG
                   ? (vg_shell_fail(&err), VG_EXIT_USAGE)
                   : vg_shell_fail(&err);
    else
        code = write_text(path, &text);
    if (!code && path)
        report(&profile, &list, path);
    vg_profile_clear(&profile);
    vg_buf_free(&text);
    return code;
}

static int run_init(const struct vg_options *options)
{
    struct vg_shell shell;
    struct vg_profile_ask ask;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, options);
    if (!rc && options->output && access(options->output, F_OK) == 0) {
        errno = EEXIST;
        rc = fail_output(options->output);
    }
    if (!rc)
        rc = read_ask(&shell, &ask);
    if (!rc)
        rc = vg_shell_source(&shell);
    if (!rc)
        rc = suggest(&shell, &ask);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_init;
const struct vg_command vg_command_init = {
    .name = "init",
    .arguments = "TABLE",
    .doc = "look at a table once and write a commented rule file for it",
    .options = "connect time-column from to output",
    .least = 1,
    .most = 1,
    .run = run_init,
};
