/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil silence, acknowledge, outbox: what people do about messages, through the running daemon,
 * or on the state itself where none runs. */
#include <inttypes.h>
#include <string.h>

#include "agent/commands/control.h"
#include "agent/commands/show.h"
#include "agent/loop/loop_tell.h"
#include "agent/yaml/value.h"
#include "pgvigil/text.h"

/* Asks the daemon, or does it where there is none. */
static int act(struct vg_shell *shell, bool beside, const char *verb, const char *argument)
{
    struct vg_error err = {0};
    struct vg_control row = {.verb = verb, .argument = argument, .by = ""};
    if (!argument)
        return VG_EXIT_INTERNAL;
    if (beside)
        return vg_control_ask(shell, verb, argument);
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    if (vg_tell_obey(shell->store, &row, shell->agent, now_us, &err) == 0)
        return 0;
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

struct wish {
    const char *dataset, *rule, *tag, *severity, *from, *until, *for_, *by, *why;
};

static bool read_wish(const struct vg_options *options, struct wish *out)
{
    static const struct {
        const char *name;
        size_t offset;
    } words[] = {
        {"dataset", offsetof(struct wish, dataset)}, {"rule", offsetof(struct wish, rule)},
        {"tag", offsetof(struct wish, tag)},         {"severity", offsetof(struct wish, severity)},
        {"from", offsetof(struct wish, from)},       {"until", offsetof(struct wish, until)},
        {"for", offsetof(struct wish, for_)},        {"by", offsetof(struct wish, by)},
        {"why", offsetof(struct wish, why)},
    };
    for (int i = 1; i < options->narguments; i++) {
        const char *argument = options->arguments[i];
        size_t n = strcspn(argument, "="), k = 0;
        while (k < sizeof words / sizeof words[0] &&
               (strlen(words[k].name) != n || strncmp(words[k].name, argument, n) != 0))
            k++;
        if (!argument[n] || k == sizeof words / sizeof words[0]) {
            fprintf(stderr,
                    "pgvigil: '%s' is none of dataset= rule= tag= severity= from= until="
                    " for= by= why=\n",
                    argument);
            return false;
        }
        memcpy((char *)out + words[k].offset, &(const char *){argument + n + 1},
               sizeof(const char *));
    }
    return true;
}

static bool read_span(struct vg_shell *shell, const struct wish *wish, int64_t now_us,
                      int64_t *from_us, int64_t *until_us)
{
    static const struct vg_key span = {.name = "for", .type = VG_VALUE_DURATION};
    struct vg_reader reader = {.arena = shell->arena, .scratch = shell->arena};
    int64_t us = 0;
    *from_us = now_us;
    if (wish->from && vg_parse_time(wish->from, &vg_utc, from_us) < 0)
        fprintf(stderr, "pgvigil: from=%s is not a time\n", wish->from);
    else if (!wish->for_ == !wish->until)
        fputs("pgvigil: a silence has an end: for=2h or until=TIME\n", stderr);
    else if (wish->until && vg_parse_time(wish->until, &vg_utc, until_us) < 0)
        fprintf(stderr, "pgvigil: until=%s is not a time\n", wish->until);
    else if (wish->for_ && !vg_value_default(&reader, &span, wish->for_, &us))
        fprintf(stderr, "pgvigil: for=%s is not a duration such as 90m or 2h\n", wish->for_);
    else {
        *until_us = wish->for_ ? *from_us + us : *until_us;
        return true;
    }
    return false;
}

static bool read_severities(const char *text, unsigned *out)
{
    *out = 0;
    while (text && *text) {
        size_t n = strcspn(text, ",");
        unsigned bit = 0;
        for (unsigned i = 0; i < VG_SEVERITIES; i++) {
            const char *name = vg_severity_name((enum vg_severity)i);
            bit |= strlen(name) == n && !strncmp(name, text, n) ? 1u << i : 0;
        }
        if (!bit) {
            fputs("pgvigil: severity= takes info, warning, critical\n", stderr);
            return false;
        }
        *out |= bit;
        text += n + (text[n] == ',');
    }
    return true;
}

static const char *show_match(struct vg_arena *arena, const struct vg_match *match)
{
    struct vg_buf text;
    vg_buf_init(&text, 1 << 16);
    if (match->dataset)
        vg_buf_printf(&text, "dataset=%s ", match->dataset);
    if (match->rule)
        vg_buf_printf(&text, "rule=%s ", match->rule);
    if (match->tag)
        vg_buf_printf(&text, "tag=%s ", match->tag);
    for (unsigned i = 0; i < VG_SEVERITIES; i++) {
        if (match->severities >> i & 1)
            vg_buf_printf(&text, "severity=%s ", vg_severity_name((enum vg_severity)i));
    }
    const char *out = vg_arena_strndup(arena, text.len ? text.data : "everything ",
                                       text.len ? text.len - 1 : strlen("everything"));
    vg_buf_free(&text);
    return out;
}

static int add_silence(struct vg_shell *shell, bool beside)
{
    struct wish wish = {0};
    int64_t from_us, until_us = 0, now_us = shell->clock->ops->now_us(shell->clock);
    unsigned severities;
    if (!read_wish(shell->options, &wish) || !read_severities(wish.severity, &severities) ||
        !read_span(shell, &wish, now_us, &from_us, &until_us))
        return VG_EXIT_USAGE;
    struct vg_buf text;
    vg_buf_init(&text, 1 << 16);
    vg_buf_printf(&text, "%u\t%" PRId64 "\t%" PRId64, severities, from_us, until_us);
    put_part(&text, wish.dataset);
    put_part(&text, wish.rule);
    put_part(&text, wish.tag);
    put_part(&text, wish.by ? wish.by : vg_control_who(shell->arena));
    put_part(&text, wish.why);
    int rc = act(shell, beside, "silence", text.failed ? NULL : text.data);
    vg_buf_free(&text);
    if (!rc) {
        const struct vg_match match = {wish.dataset, wish.rule, wish.tag, severities};
        char from[VG_TIME_TEXT], until[VG_TIME_TEXT];
        printf("nobody is told of %s from %s until %s\n", show_match(shell->arena, &match),
               vg_format_time(from_us, from), vg_format_time(until_us, until));
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
    return fail_usage("silence list | expire NUMBER | add [dataset=ID] [rule=ID] [tag=TAG]"
                      " [severity=LIST] [from=TIME] for=2h|until=TIME [by=NAME] [why=TEXT]");
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
    int rc = vg_shell_open(&shell, options);
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
