/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil silence, acknowledge, outbox: what people do about messages, through the running daemon,
 * or on the state itself where none runs. */
#include <inttypes.h>
#include <string.h>

#include "agent/commands/control.h"
#include "agent/commands/show.h"
#include "agent/commands/silence_wish.h"
#include "agent/loop/loop_tell.h"
#include "agent/phrase.h"
#include "pgvigil/text.h"

/* Asks the daemon, or does it where there is none. */
static int act(struct vg_shell *shell, bool beside, const char *verb, const char *argument)
{
    struct vg_error err = {0};
    struct vg_control row = {.verb = verb, .argument = argument, .by = ""};
    const char *answer;
    if (!argument)
        return VG_EXIT_INTERNAL;
    if (beside)
        return vg_control_ask(shell, verb, argument);
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    const struct vg_cycle_env env = vg_shell_env(shell);
    if (vg_tell_obey(&env, &row, now_us, shell->arena, &answer, &err) == 0) {
        if (!strncmp(answer, "ok: ", 4))
            puts(answer + 4);
        return 0;
    }
    fprintf(stderr, "pgvigil: %s\n", err.msg);
    return err.code == VG_E_NOT_FOUND ? VG_EXIT_FAILED : vg_exit_of(&err);
}

static int fail_usage(const char *usage)
{
    fprintf(stderr, "usage: pgvigil %s\n", usage);
    return VG_EXIT_USAGE;
}

/* A part of an argument: tabs and line ends stand between parts, and are blanks here. */
static void put_part(struct vg_buf *out, const char *text)
{
    vg_buf_putc(out, '\t');
    for (const char *p = text ? text : ""; *p; p++)
        vg_buf_putc(out, (unsigned char)*p < ' ' ? ' ' : *p);
}

/* --- silence ---------------------------------------------------------------------------------- */

static const char *show_match(struct vg_arena *arena, const struct vg_match *match)
{
    struct vg_buf text;
    vg_buf_init(&text, 1 << 16);
    vg_phrase_match(&text, match);
    const char *out = text.failed ? NULL : vg_arena_strdup(arena, text.data);
    vg_buf_free(&text);
    return out ? out : "";
}

/* What is odd about it never keeps it from being made. */
static void warn_of(struct vg_shell *shell, const struct vg_silence *row)
{
    struct vg_error err = {0};
    struct vg_buf text;
    vg_buf_init(&text, 1 << 16);
    if (vg_silence_doubt(shell->store, row, shell->arena, &text, &err) < 0)
        fprintf(stderr, "pgvigil: %s\n", err.msg);
    for (const char *line = text.len ? text.data : ""; *line;) {
        size_t n = strcspn(line, "\n");
        fprintf(stderr, "pgvigil: warning: %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    vg_buf_free(&text);
}

static int add_silence(struct vg_shell *shell, bool beside)
{
    struct vg_error err = {0};
    struct vg_silence wish;
    const struct vg_options *options = shell->options;
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    if (vg_silence_read(options->arguments + 1, options->narguments - 1, now_us, shell->arena,
                        &wish, &err) < 0) {
        fprintf(stderr, "pgvigil: %s\n", err.msg);
        return VG_EXIT_USAGE;
    }
    struct vg_buf text;
    vg_buf_init(&text, 1 << 16);
    vg_buf_printf(&text, "%u\t%" PRId64 "\t%" PRId64, wish.match.severities, wish.from_us,
                  wish.until_us);
    put_part(&text, wish.match.dataset);
    put_part(&text, wish.match.rule);
    put_part(&text, wish.match.tag);
    put_part(&text, wish.by ? wish.by : vg_control_who(shell->arena));
    put_part(&text, wish.why);
    int rc = act(shell, beside, "silence", text.failed ? NULL : text.data);
    vg_buf_free(&text);
    if (!rc) {
        char from[VG_TIME_TEXT], until[VG_TIME_TEXT];
        printf("nobody is told of %s from %s until %s\n", show_match(shell->arena, &wish.match),
               vg_format_time(wish.from_us, from), vg_format_time(wish.until_us, until));
        warn_of(shell, &wish);
    }
    return rc;
}

static int list_silences(struct vg_shell *shell)
{
    static const char *const head[] = {"number", "what", "from", "until", "by", "why"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct vg_error err = {0};
    struct vg_silence *rows;
    size_t n;
    struct vg_arena *arena = shell->arena;
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    if (vg_store_silences(shell->store, now_us, arena, &rows, &n, &err) < 0)
        return vg_shell_fail(&err);
    const char **cells = vg_arena_array(arena, (n + 1) * COLUMNS, sizeof *cells);
    if (!cells)
        return VG_EXIT_INTERNAL;
    memcpy(cells, head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        const char **row = cells + (i + 1) * COLUMNS;
        char from[VG_TIME_TEXT], until[VG_TIME_TEXT];
        row[0] = vg_arena_printf(arena, "%" PRId64, rows[i].id);
        row[1] = show_match(arena, &rows[i].match);
        row[2] = vg_arena_strdup(arena, vg_format_time(rows[i].from_us, from));
        row[3] = vg_arena_strdup(arena, vg_format_time(rows[i].until_us, until));
        row[4] = rows[i].by;
        row[5] = rows[i].why;
    }
    vg_show_table(stdout, cells, n + 1, COLUMNS);
    return 0;
}

/* --- outbox ----------------------------------------------------------------------------------- */

static int list_outbox(struct vg_shell *shell)
{
    static const char *const head[] = {"number", "receiver", "message",  "incident",
                                       "since",  "state",    "attempts", "last answer"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct vg_error err = {0};
    struct vg_outbox_row *rows;
    size_t n;
    struct vg_arena *arena = shell->arena;
    if (vg_store_outbox_list(shell->store, arena, &rows, &n, &err) < 0)
        return vg_shell_fail(&err);
    const char **cells = vg_arena_array(arena, (n + 1) * COLUMNS, sizeof *cells);
    if (!cells)
        return VG_EXIT_INTERNAL;
    memcpy(cells, head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        const struct vg_outgoing *row = &rows[i].row;
        bool retrain = row->sink_kind == VG_SINK_RETRAIN;
        const char **cell = cells + (i + 1) * COLUMNS;
        char since[VG_TIME_TEXT];
        cell[0] = vg_arena_printf(arena, "%" PRId64, row->id);
        cell[1] = row->sink;
        cell[2] = retrain ? "retraining" : vg_message_kind_name(row->kind);
        cell[3] = vg_arena_printf(arena, "%.12s", row->key);
        cell[4] = vg_arena_strdup(arena, vg_format_time(row->created_us, since));
        cell[5] = rows[i].dead ? "set aside" : "waits";
        cell[6] = vg_arena_printf(arena, "%d", row->attempts);
        cell[7] = row->last_error;
    }
    vg_show_table(stdout, cells, n + 1, COLUMNS);
    return 0;
}

static int move_outbox(struct vg_shell *shell, bool beside, bool retry)
{
    const struct vg_options *options = shell->options;
    const char *which = options->narguments > 1 ? options->arguments[1] : "";
    int64_t number;
    bool all = !strcmp(which, "all");
    if ((!all && vg_parse_int64(which, &number) < 0) || options->narguments > (all ? 3 : 2))
        return fail_usage("outbox list | retry NUMBER | retry all [RECEIVER] | drop NUMBER |"
                          " drop all [RECEIVER]");
    const char *receiver = options->narguments > 2 ? options->arguments[2] : "";
    return act(shell, beside, retry ? "outbox-retry" : "outbox-drop",
               vg_arena_printf(shell->arena, "%s\t%s", which, receiver));
}

/* --- the commands ----------------------------------------------------------------------------- */

static int do_silence(struct vg_shell *shell, bool beside)
{
    const struct vg_options *options = shell->options;
    const char *verb = options->arguments[0];
    if (!strcmp(verb, "list"))
        return list_silences(shell);
    if (!strcmp(verb, "add") && options->narguments > 1)
        return add_silence(shell, beside);
    if (!strcmp(verb, "expire") && options->narguments == 2)
        return act(shell, beside, "expire", options->arguments[1]);
    return fail_usage("silence list | expire NUMBER | add dataset=ID|rule=ID|tag=TAG|severity=LIST"
                      "... [from=TIME] for=2h|until=TIME [by=NAME] [why=TEXT]");
}

static int do_outbox(struct vg_shell *shell, bool beside)
{
    const char *verb = shell->options->arguments[0];
    if (!strcmp(verb, "list"))
        return list_outbox(shell);
    if (!strcmp(verb, "retry") || !strcmp(verb, "drop"))
        return move_outbox(shell, beside, *verb == 'r');
    return fail_usage("outbox list | retry NUMBER | retry all [RECEIVER] | drop NUMBER |"
                      " drop all [RECEIVER]");
}

static int do_acknowledge(struct vg_shell *shell, bool beside)
{
    const struct vg_options *options = shell->options;
    const char *by = options->narguments > 1 ? options->arguments[1] : vg_control_who(shell->arena);
    struct vg_buf text;
    if (!beside && vg_shell_rules(shell) != 0) /* what is said of the dataset; faults are shown */
        return VG_EXIT_INTERNAL;
    vg_buf_init(&text, 1 << 16);
    vg_buf_puts(&text, options->arguments[0]);
    put_part(&text, by);
    int rc = act(shell, beside, "acknowledge", text.failed ? NULL : text.data);
    vg_buf_free(&text);
    if (!rc)
        printf("%s has taken it on: no more reminders, news are still told\n", by);
    return rc;
}

static int run_with(const struct vg_options *options, int (*act_on)(struct vg_shell *, bool))
{
    struct vg_shell shell;
    bool beside = false;
    int rc = vg_shell_open_state(&shell, options);
    if (!rc)
        rc = vg_control_open(&shell, &beside);
    if (!rc)
        rc = act_on(&shell, beside);
    vg_shell_close(&shell);
    return rc;
}

static int run_silence(const struct vg_options *options)
{
    return run_with(options, do_silence);
}

static int run_outbox(const struct vg_options *options)
{
    return run_with(options, do_outbox);
}

static int run_acknowledge(const struct vg_options *options)
{
    return run_with(options, do_acknowledge);
}

extern const struct vg_command vg_command_silence, vg_command_outbox, vg_command_acknowledge;
const struct vg_command vg_command_silence = {
    .name = "silence",
    .arguments = "add KEY=VALUE... | list | expire NUMBER",
    .doc = "keep messages back for a while, or no longer",
    .options = "state",
    .least = 1,
    .most = -1,
    .run = run_silence,
};
const struct vg_command vg_command_outbox = {
    .name = "outbox",
    .arguments = "list | retry NUMBER | retry all [RECEIVER] | drop NUMBER | drop all [RECEIVER]",
    .doc = "messages that wait or were refused: show, send again, let go",
    .options = "state",
    .least = 1,
    .most = 3,
    .run = run_outbox,
};
const struct vg_command vg_command_acknowledge = {
    .name = "acknowledge",
    .arguments = "KEY|DATASET [BY]",
    .doc = "an open incident is being looked at: no more reminders of it",
    .options = "state",
    .least = 1,
    .most = 2,
    .run = run_acknowledge,
};
