/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil run: the daemon; one cycle for cron (--once); a replay on a virtual clock (--from). */
#include <signal.h>
#include <string.h>

#include "agent/commands/daemon.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

/* Signal handlers reach the loop through this; set once before they are installed. */
static struct vg_loop *running;

static void take_signal(int signal)
{
    if (signal == SIGHUP)
        vg_loop_reload(running);
    else
        vg_loop_stop(running);
}

static void install_signals(struct vg_loop *loop)
{
    running = loop;
    struct sigaction action = {.sa_handler = take_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk: the write says so */
}

static int read_time(const char *option, const char *text, int64_t *out)
{
    if (!text || vg_parse_time(text, &vg_utc, out) == 0)
        return 0;
    fprintf(stderr, "pgvigil: --%s %s is not a time (2001-06-13T00:10:00Z)\n", option, text);
    return -1;
}

static int read_span(const struct vg_options *options, enum vg_daemon_mode *mode,
                     struct vg_span *span)
{
    *span = (struct vg_span){options->once, VG_NEVER, VG_NEVER};
    *mode = options->once ? VG_DAEMON_ONCE : VG_DAEMON_RUN;
    bool replay = options->from || options->until;
    if (replay)
        *mode = VG_DAEMON_REPLAY;
    const char *fault = NULL;
    if (replay && (!options->from || !options->until))
        fault = "--from and --until belong together";
    else if (replay && !options->state)
        fault = "a replay needs --state FILE, empty or made by a replay";
    else if (replay && (options->once || options->backfill))
        fault = "a replay takes neither --once nor --backfill";
    else if (!replay && options->nnotify)
        fault = "--notify is for replays; the rule files say who is told";
    if (fault) {
        fprintf(stderr, "pgvigil: %s\n", fault);
        return -1;
    }
    const char *from = replay ? options->from : options->backfill;
    if (read_time(replay ? "from" : "backfill", from, &span->from_us) < 0 ||
        read_time("until", options->until, &span->until_us) < 0)
        return -1;
    if (replay && span->until_us < span->from_us) {
        fputs("pgvigil: --until lies before --from\n", stderr);
        return -1;
    }
    return 0;
}

/* A replay cannot say anything of a table that is only ever as it is now. */
static int check_replay(struct vg_daemon *daemon)
{
    const struct vg_ruleset *rules = daemon->loop.book->rules;
    for (size_t i = 0; i < rules->ndatasets; i++) {
        if (!rules->datasets[i]->time_column) {
            fprintf(stderr, "pgvigil: %s has no time column: --from does not apply\n",
                    rules->datasets[i]->id);
            return VG_EXIT_USAGE;
        }
    }
    return 0;
}

static int rate_latest(struct vg_daemon *daemon, bool strict)
{
    struct vg_error err = {0};
    struct vg_latest *latest;
    size_t n;
    if (vg_store_latest(daemon->shell.store, NULL, daemon->shell.arena, &latest, &n, &err) < 0)
        return vg_shell_fail(&err);
    int code = daemon->loop.failed_cycles ? VG_EXIT_BLIND : VG_EXIT_OK;
    for (size_t i = 0; i < n; i++) {
        enum vg_verdict verdict = latest[i].verdict;
        if (verdict == VG_UNKNOWN)
            code = vg_exit_worst(code, VG_EXIT_BLIND);
        if (verdict == VG_FAIL || (strict && (verdict == VG_WARN || verdict == VG_NODATA)))
            code = vg_exit_worst(code, VG_EXIT_FAILED);
    }
    return code;
}

static int run_mode(struct vg_daemon *daemon, enum vg_daemon_mode mode)
{
    struct vg_error err = {0};
    int rc;
    size_t workers = daemon->loop.book->config->workers;
    vg_log(VG_LOG_INFO, "started", "version", VG_VERSION, "name", daemon->shell.agent, NULL);
    if (mode == VG_DAEMON_REPLAY)
        rc = vg_loop_replay(&daemon->loop, &err);
    else if (mode == VG_DAEMON_ONCE)
        rc = vg_loop_once(&daemon->loop, &err);
    else
        rc = vg_loop_run(&daemon->loop, workers ? workers : 4, &err);
    vg_shell_progress_end();
    if (rc < 0)
        return vg_shell_fail(&err);
    if (mode != VG_DAEMON_RUN)
        vg_daemon_finish(daemon);
    vg_log(VG_LOG_INFO, "stopped", NULL);
    if (mode == VG_DAEMON_ONCE)
        return rate_latest(daemon, daemon->shell.options->strict);
    bool replayed = mode == VG_DAEMON_REPLAY && daemon->loop.failed_cycles > 0;
    return replayed ? VG_EXIT_BLIND : VG_EXIT_OK;
}

static int run_run(const struct vg_options *options)
{
    struct vg_daemon daemon;
    struct vg_span span;
    enum vg_daemon_mode mode;
    if (read_span(options, &mode, &span) < 0)
        return VG_EXIT_USAGE;
    int rc = vg_daemon_open(&daemon, options, mode, &span);
    bool faulty = daemon.shell.faulty;
    if (!rc && mode == VG_DAEMON_REPLAY)
        rc = check_replay(&daemon);
    if (!rc) {
        install_signals(&daemon.loop);
        rc = run_mode(&daemon, mode);
    }
    if (faulty && mode != VG_DAEMON_RUN)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    vg_daemon_close(&daemon);
    return rc;
}

extern const struct vg_command vg_command_run;
const struct vg_command vg_command_run = {
    .name = "run",
    .arguments = "",
    .doc = "the daemon: polls, judges, alerts, pushes metrics, asks for retraining",
    .options = "once from until state notify backfill strict",
    .run = run_run,
};
