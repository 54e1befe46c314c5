/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program: finds the command, reads its options by one table, runs it. No logic. */
#include <getopt.h>
#include <gsl/gsl_errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "agent/commands/shell.h"
#include "pgvigil/log.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

static const struct known_option {
    const char *name;
    char letter; /* 0: none */
    const char *argument, *doc;
    size_t offset;
    bool flag;
    const char *only; /* the command that means this by the name; NULL: all others */
} known_options[] = {
#define FLAG(name, field, doc)                                                                     \
    {                                                                                              \
        name, 0, NULL, doc, offsetof(struct vg_options, field), true, NULL                         \
    }
#define TEXT(name, field, arg, doc)                                                                \
    {                                                                                              \
        name, 0, arg, doc, offsetof(struct vg_options, field), false, NULL                         \
    }
#define OWN(name, field, arg, doc, command)                                                        \
    {                                                                                              \
        name, 0, arg, doc, offsetof(struct vg_options, field), false, command                      \
    }
    {"config", 'c', "FILE", "configuration (default ./pgvigil.yaml)",
     offsetof(struct vg_options, config), false, NULL},
    OWN("connect", connection, "NAME", "a connection of pgvigil.yaml, if there are several",
        "init"),
    OWN("time-column", time_column, "NAME", "time of a row; \"\": the table is a state", "init"),
    OWN("from", from, "TIME", "only rows from this time on", "init"),
    OWN("to", to, "TIME", "only rows before this time", "init"),
    OWN("from", from, "TIME", "promote: begin of the range, inclusive", "reference"),
    OWN("to", to, "TIME", "promote: its end, exclusive", "reference"),
    OWN("window", window, "DURATION", "promote: the last so long, to the newest closed window",
        "reference"),
    OWN("output", output, "FILE", "where to write, if not to standard output", "init"),
    OWN("from", from, "TIME", "the first window's start", "backtest"),
    OWN("to", to, "TIME", "the last window's end", "backtest"),
    OWN("inject", inject, "CHANGE", "put a change into the rows; may be repeated", "backtest"),
    OWN("reference", reference, "FROM..TO", "compare with these rows", "backtest"),
    OWN("html", html, "FILE", "write the report there, too", "backtest"),
    {"strict", 0, NULL, "exit with 2 when an incident opened, or a change was not found",
     offsetof(struct vg_options, strict), true, "backtest"},
    {"force", 0, NULL, "cooldown, budgets, quiet times and numbers of rows do not count",
     offsetof(struct vg_options, force), true, "retrain"},
    FLAG("dry-run", dry_run, "print the request that would be sent, and send nothing"),
    TEXT("why", why, "TEXT", "the reason, for the record"),
    FLAG("lookups", lookups, "also replay rules with statements of their own"),
    FLAG("tune", tune, "propose thresholds"),
    FLAG("json", json, "for programs"),
    FLAG("strict", strict, "warnings and missing data fail too (exit 2)"),
    FLAG("once", once, "one committed cycle of what is due, then end (for cron)"),
    FLAG("connect", connect, "also ask the databases"),
    FLAG("force", force, "also if more than half of the datasets would be retired"),
    TEXT("at", at, "TIME", "the newest window that is closed at this time"),
    TEXT("window", window, "DURATION", "another length of the window"),
    TEXT("from", from, "TIME", "replay: the first window's start"),
    TEXT("until", until, "TIME", "replay: no window due after this"),
    TEXT("state", state, "FILE", "another state file"),
    TEXT("backfill", backfill, "TIME", "a first run begins here"),
    TEXT("notify", notify, "RECEIVER", "replay: send to this receiver; may be repeated"),
    TEXT("log-level", log_level, "LEVEL", "debug, info, warn or error"),
    TEXT("log-format", log_format, "FORMAT", "logfmt or json"),
};
enum { KNOWN_OPTIONS = sizeof known_options / sizeof known_options[0], HELP = 1000 };

/* Whether it is an option of this command (or NULL): its own one of a name goes before the others'.
 */
static bool is_meant(size_t i, const struct vg_command *command)
{
    const struct known_option *option = &known_options[i];
    if (option->only)
        return command && !strcmp(option->only, command->name);
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(known_options[j].name, option->name) && is_meant(j, command))
            return false;
    }
    return true;
}

static void print_options(FILE *out, const struct vg_command *command)
{
    char wanted[200];
    snprintf(wanted, sizeof wanted, " config log-level log-format %s ",
             command ? command->options : "");
    for (size_t i = 0; i < KNOWN_OPTIONS; i++) {
        const struct known_option *option = &known_options[i];
        char name[40], text[60];
        snprintf(name, sizeof name, " %s ", option->name);
        if (!strstr(wanted, name) || !is_meant(i, command))
            continue;
        snprintf(text, sizeof text, "%s--%s%s%s", option->letter ? "-c, " : "", option->name,
                 option->argument ? " " : "", option->argument ? option->argument : "");
        fprintf(out, "  %-24s %s\n", text, option->doc);
    }
}

static void print_help(FILE *out)
{
    fputs("pgvigil watches feature and prediction tables in PostgreSQL.\n\n"
          "usage: pgvigil [-c FILE] COMMAND [OPTIONS] [ARGUMENTS]\n\ncommands:\n",
          out);
    for (size_t i = 0; vg_commands[i]; i++)
        fprintf(out, "  %-12s %s\n", vg_commands[i]->name, vg_commands[i]->doc);
    fputs("\noptions of every command:\n", out);
    print_options(out, NULL);
    fputs(
        "\npgvigil COMMAND --help says more. Exit codes: 0 passed, 2 a check failed, 3 something\n"
        "could not be looked at, 64 usage, 70 internal, 75 state in use, 78 configuration.\n",
        out);
}

static void print_command(FILE *out, const struct vg_command *command)
{
    fprintf(out, "usage: pgvigil %s%s%s [OPTIONS]\n\n%s\n\noptions:\n", command->name,
            *command->arguments ? " " : "", command->arguments, command->doc);
    print_options(out, command);
}

static const struct vg_command *find_command(const char *name)
{
    for (size_t i = 0; vg_commands[i]; i++) {
        if (!strcmp(vg_commands[i]->name, name))
            return vg_commands[i];
    }
    return NULL;
}

static int take_option(struct vg_options *options, size_t i, const char *value)
{
    const struct known_option *option = &known_options[i];
    void *field = (char *)options + option->offset;
    if (option->flag) {
        *(bool *)field = true;
    } else if (!strcmp(option->name, "inject")) {
        if (options->ninject == sizeof options->inject / sizeof options->inject[0])
            return -1;
        options->inject[options->ninject++] = value;
    } else if (!strcmp(option->name, "notify")) {
        if (options->nnotify == sizeof options->notify / sizeof options->notify[0])
            return -1;
        options->notify[options->nnotify++] = value;
    } else {
        *(const char **)field = value;
    }
    return 0;
}

static bool takes_argument(const char *text)
{
    for (size_t i = 0; i < KNOWN_OPTIONS; i++) {
        if (!strcmp(text + 2, known_options[i].name) && is_meant(i, NULL))
            return !known_options[i].flag;
    }
    return false;
}

/* The command that the options are for: the first argument that is none. NULL: there is none. */
static const struct vg_command *peek_command(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (*argv[i] != '-')
            return find_command(argv[i]);
        i += !strcmp(argv[i], "-c") || (!strncmp(argv[i], "--", 2) && takes_argument(argv[i]));
    }
    return NULL;
}

/* Options may stand before and behind the command; getopt moves them together. 0, HELP or 64. */
static int read_options(int argc, char **argv, struct vg_options *options, uint64_t *given)
{
    struct option table[KNOWN_OPTIONS + 2];
    const struct vg_command *command = peek_command(argc, argv);
    size_t n = 0;
    memset(table, 0, sizeof table);
    for (size_t i = 0; i < KNOWN_OPTIONS; i++) {
        if (is_meant(i, command))
            table[n++] = (struct option){known_options[i].name, known_options[i].flag ? 0 : 1, NULL,
                                         256 + (int)i};
    }
    table[n] = (struct option){"help", 0, NULL, 'h'};
    int c, rc = 0; /* read on behind --help: the command moves to its place */
    while ((c = getopt_long(argc, argv, "c:h", table, NULL)) != -1) {
        if (c == 'h') {
            rc = HELP;
            continue;
        }
        size_t i = c == 'c' ? 0 : (size_t)(c - 256);
        if (c == '?' || take_option(options, i, optarg) < 0)
            return VG_EXIT_USAGE;
        *given |= UINT64_C(1) << i;
    }
    return rc;
}

static int check_options(const struct vg_command *command, uint64_t given)
{
    char wanted[200], name[40];
    snprintf(wanted, sizeof wanted, " config log-level log-format %s ", command->options);
    for (size_t i = 0; i < KNOWN_OPTIONS; i++) {
        snprintf(name, sizeof name, " %s ", known_options[i].name);
        if (!((given >> i) & 1) || strstr(wanted, name))
            continue;
        fprintf(stderr, "pgvigil: %s takes no --%s\n", command->name, known_options[i].name);
        return VG_EXIT_USAGE;
    }
    return 0;
}

static int set_up_log(const struct vg_options *options)
{
    int level = options->log_level ? -1 : VG_LOG_INFO;
    for (int i = 0; options->log_level && i < VG_LOG_LEVELS; i++) {
        if (!strcmp(options->log_level, vg_log_level_name((enum vg_log_level)i)))
            level = i;
    }
    bool json = vg_streq(options->log_format, "json");
    if (level < 0 || (options->log_format && !json && strcmp(options->log_format, "logfmt"))) {
        fputs("pgvigil: --log-level is debug, info, warn or error; --log-format logfmt or json\n",
              stderr);
        return VG_EXIT_USAGE;
    }
    vg_log_setup((enum vg_log_level)level, json);
    return 0;
}

/* Secrets pass through this process: no core dump, no reading of its memory by its user's others.
 */
static void close_doors(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its leak check must attach to the process */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int main(int argc, char **argv)
{
    struct vg_options options = {.config = "pgvigil.yaml"};
    uint64_t given = 0;
    gsl_set_error_handler_off();
    json_set_alloc_funcs(vg_wiped_malloc, vg_wiped_free); /* passwords and tokens are JSON, too */
    close_doors();
    signal(SIGPIPE, SIG_IGN); /* a command tidies up, whoever stopped reading */
    int rc = read_options(argc, argv, &options, &given);
    const struct vg_command *command = optind < argc ? find_command(argv[optind]) : NULL;
    if (rc == HELP) {
        if (command)
            print_command(stdout, command);
        else
            print_help(stdout);
        return VG_EXIT_OK;
    }
    if (rc || !command) {
        if (optind < argc && !command)
            fprintf(stderr, "pgvigil: there is no command %s\n", argv[optind]);
        print_help(stderr);
        return VG_EXIT_USAGE;
    }
    options.arguments = argv + optind + 1;
    options.narguments = argc - optind - 1;
    if (options.narguments < command->least ||
        (command->most >= 0 && options.narguments > command->most)) {
        print_command(stderr, command);
        return VG_EXIT_USAGE;
    }
    rc = check_options(command, given);
    if (!rc)
        rc = set_up_log(&options);
    return rc ? rc : vg_shell_written(command->run(&options));
}
