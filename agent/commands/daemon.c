/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting the daemon together, in the order in which its parts need each other, and taking it apart
 * in the reverse order. */
#include "agent/commands/daemon.h"

#include <string.h>

#include "agent/clock.h"
#include "agent/commands/revival.h"
#include "agent/http/http.h"
#include "agent/run/run.h"
#include "agent/web/report.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

/* --- the pages (called by the web server's thread) -------------------------------------------- */

static int page_metrics(void *arg, struct vg_buf *out)
{
    struct vg_daemon *daemon = arg;
    pthread_mutex_lock(&daemon->loop.mutex);
    const struct vg_config *config = daemon->loop.book->config;
    bool datasets = !config->push_url || config->web_datasets_always;
    pthread_mutex_unlock(&daemon->loop.mutex);
    struct vg_metrics_scope scope = {.agent = true, .datasets = datasets};
    struct vg_store_health health;
    vg_store_health(daemon->shell.store, &health);
    vg_metrics_state(daemon->metrics, &health);
    return vg_metrics_render(daemon->metrics, &scope, out);
}

static int page_report(void *arg, struct vg_buf *out)
{
    struct vg_daemon *daemon = arg;
    struct vg_error err = {0};
    char problem[sizeof daemon->problem];
    pthread_mutex_lock(&daemon->book_mutex);
    memcpy(problem, daemon->problem, sizeof problem);
    pthread_mutex_unlock(&daemon->book_mutex);
    pthread_mutex_lock(&daemon->loop.mutex);
    struct vg_book *book = vg_loop_hold(&daemon->loop);
    pthread_mutex_unlock(&daemon->loop.mutex);
    struct vg_report_about about = {.name = daemon->shell.agent,
                                    .version = VG_VERSION,
                                    .problem = *problem ? problem : NULL,
                                    .config = book->config,
                                    .rules = book->rules};
    int64_t now_us = daemon->shell.clock->ops->now_us(daemon->shell.clock);
    int rc = vg_report_page(daemon->shell.store, &about, now_us, out, &err);
    pthread_mutex_lock(&daemon->loop.mutex);
    vg_loop_release(&daemon->loop, book);
    pthread_mutex_unlock(&daemon->loop.mutex);
    if (rc == 0)
        return 0;
    vg_log(VG_LOG_ERROR, "the page cannot be made", "error", err.msg, NULL);
    return -1;
}

/* Said also where all is well: until then nothing new is learnt of these datasets' windows. */
static void say_behind(struct vg_daemon *daemon, bool ready, struct vg_buf *why)
{
    char until[VG_TIME_TEXT];
    int64_t until_us, now_us = daemon->shell.clock->ops->now_us(daemon->shell.clock);
    size_t n = vg_loop_behind(&daemon->loop, now_us, &until_us);
    if (n)
        vg_buf_printf(why,
                      "%sthe clock is behind windows that were judged: those of %zu datasets are"
                      " judged again when it has passed %s",
                      ready ? "ready, but " : "", n, vg_format_time(until_us, until));
}

static bool page_ready(void *arg, struct vg_buf *why)
{
    struct vg_daemon *daemon = arg;
    bool ready = false;
    pthread_mutex_lock(&daemon->loop.mutex);
    for (size_t i = 0; i < daemon->loop.nslots; i++)
        ready |= daemon->loop.slots[i]->progress.success_us != VG_NEVER;
    pthread_mutex_unlock(&daemon->loop.mutex);
    if (!ready)
        vg_buf_puts(why, "no database has been reached yet\n");
    struct vg_store_health health;
    vg_store_health(daemon->shell.store, &health);
    if (health.in_place && health.writable) {
        say_behind(daemon, ready, why);
        return ready;
    }
    vg_buf_printf(why, "%s\n", health.why);
    return false;
}

/* --- hooks ------------------------------------------------------------------------------------ */

static void on_notified(void *arg, enum vg_sink_kind kind, const char *sink,
                        enum vg_outcome outcome)
{
    vg_metrics_notified(((struct vg_daemon *)arg)->metrics, kind, sink, outcome);
}

static void on_decided(void *arg, const struct vg_decision *decision)
{
    vg_metrics_decided(((struct vg_daemon *)arg)->metrics, decision->model, decision->kind);
}

static void on_asked(void *arg, const struct vg_retrain_run *run, enum vg_outcome outcome)
{
    struct vg_daemon *daemon = arg;
    vg_metrics_triggered(daemon->metrics, run->system, outcome);
    vg_metrics_retrained(daemon->metrics, run);
}

static void on_ran(void *arg, const struct vg_retrain_run *run)
{
    vg_metrics_retrained(((struct vg_daemon *)arg)->metrics, run);
}

static void on_quarantined(void *arg, const struct vg_offenders *row, bool failed)
{
    vg_metrics_quarantined(((struct vg_daemon *)arg)->metrics, row->dataset, row->keys, failed);
}

static void on_pushed(void *arg, const char *url, const char *method,
                      const struct vg_response *response, int64_t now_us)
{
    struct vg_daemon *daemon = arg;
    if (daemon->push)
        vg_push_answered(daemon->push, url, method, response, now_us);
}

static void on_committed(void *arg)
{
    struct vg_daemon *daemon = arg;
    if (daemon->threaded)
        vg_deliver_wake(daemon->deliver);
}

static void on_urged(void *arg, const char *sink)
{
    vg_deliver_urge(((struct vg_daemon *)arg)->deliver, sink);
}

static int send_push(void *arg, const char *url, const char *method, char *body, size_t n)
{
    return vg_deliver_push(((struct vg_daemon *)arg)->deliver, url, method, body, n);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_delivery(struct vg_daemon *daemon, struct vg_error *err)
{
    struct vg_shell *shell = &daemon->shell;
    if (vg_http_new(&daemon->http, err) < 0 || vg_run_new(daemon->http, &daemon->http, err) < 0 ||
        vg_deliver_new(shell->store, daemon->http, shell->clock, shell->config, &daemon->deliver,
                       err) < 0)
        return -1;
    struct vg_deliver_hooks hooks = {
        .arg = daemon,
        .notified = on_notified,
        .decided = on_decided,
        .asked = on_asked,
        .ran = on_ran,
        .pushed = on_pushed,
    };
    vg_deliver_hooks(daemon->deliver, &hooks);
    daemon->metrics = vg_metrics_new(VG_VERSION);
    if (!daemon->metrics)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    struct vg_push_target target = {
        .url = shell->config->push_url,
        .job = shell->config->push_job,
        .instance = shell->agent,
        .send = send_push,
        .arg = daemon,
    };
    return vg_push_new(&target, daemon->metrics, shell->store, &daemon->push, err);
}

static int open_loop(struct vg_daemon *daemon, const struct vg_span *span, struct vg_error *err)
{
    struct vg_shell *shell = &daemon->shell;
    struct vg_cycle_env env = {
        .source = shell->source,
        .store = shell->store,
        .commits = true,
        .clock = shell->clock,
        .publisher = vg_push_publisher(daemon->push),
        .agent = shell->agent,
        .claim = {shell->agent, 1},
        .only_receivers = daemon->only.items ? &daemon->only : NULL,
        .past = span->until_us != VG_NEVER,
        .progress = vg_shell_progress,
        .decided = on_decided,
        .decided_arg = daemon,
        .committed = on_committed,
        .committed_arg = daemon,
        .urged = on_urged,
        .urged_arg = daemon,
        .quarantined = on_quarantined,
        .quarantined_arg = daemon,
    };
    if (vg_metrics_restore(daemon->metrics, shell->store, shell->rules, err) < 0)
        return -1;
    struct vg_book *book = vg_daemon_book(daemon);
    if (!book)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    struct vg_shell_ops ops = vg_daemon_shell_ops;
    ops.arg = daemon;
    if (vg_loop_init(&daemon->loop, &env, &ops, book, err) < 0) {
        book->free(book);
        return -1;
    }
    daemon->loop.span = *span;
    daemon->loop_ready = true;
    vg_deliver_watch(daemon->deliver, &daemon->loop.stop);
    vg_daemon_tell(daemon, book);
    return vg_push_begin(daemon->push, book->rules, err);
}

static int open_web(struct vg_daemon *daemon, struct vg_error *err)
{
    const struct vg_config *config = daemon->loop.book->config;
    if (!config->listen_host)
        return 0;
    struct vg_web_pages pages = {daemon, page_metrics, page_report, page_ready};
    if (vg_web_start(config->listen_host, config->listen_port, &pages, &daemon->web, err) < 0)
        return -1;
    char port[VG_NUMBER_TEXT];
    vg_log(VG_LOG_INFO, "listening", "host", config->listen_host, "port",
           vg_format_double(vg_web_port(daemon->web), port), NULL);
    return 0;
}

static int choose_receivers(struct vg_daemon *daemon)
{
    const struct vg_options *options = daemon->shell.options;
    const char **names = vg_arena_array(daemon->shell.arena, options->nnotify + 1, sizeof *names);
    if (!names)
        return VG_EXIT_INTERNAL;
    for (size_t i = 0; i < options->nnotify; i++) {
        names[i] = options->notify[i];
        if (!vg_config_receiver(daemon->shell.config, names[i])) {
            fprintf(stderr, "pgvigil: there is no receiver %s\n", names[i]);
            return VG_EXIT_USAGE;
        }
    }
    daemon->only = (struct vg_strings){names, options->nnotify};
    return 0;
}

static int use_virtual_clock(struct vg_shell *shell, int64_t from_us)
{
    struct vg_error err = {0};
    vg_clock_free(shell->clock);
    shell->clock = NULL;
    return vg_clock_virtual(from_us, &shell->clock, &err) < 0 ? vg_shell_fail(&err) : 0;
}

static int open_parts(struct vg_daemon *daemon, enum vg_daemon_mode mode,
                      const struct vg_span *span)
{
    struct vg_error err = {0};
    if (open_delivery(daemon, &err) < 0 || open_loop(daemon, span, &err) < 0)
        return vg_shell_fail(&err);
    if (mode != VG_DAEMON_RUN)
        return 0;
    if (open_web(daemon, &err) < 0)
        return vg_shell_fail(&err);
    daemon->threaded = true;
    return vg_deliver_start(daemon->deliver, &err) < 0 ? vg_shell_fail(&err) : 0;
}

int vg_daemon_open(struct vg_daemon *daemon, const struct vg_options *options,
                   enum vg_daemon_mode mode, const struct vg_span *span)
{
    memset(daemon, 0, sizeof *daemon);
    if (pthread_mutex_init(&daemon->book_mutex, NULL))
        return VG_EXIT_INTERNAL;
    struct vg_shell *shell = &daemon->shell;
    bool replay = mode == VG_DAEMON_REPLAY;
    int rc = vg_shell_open(shell, options);
    if (!rc)
        rc = vg_shell_store(shell, replay ? VG_STORE_REPLAY : VG_STORE_DAEMON);
    if (!rc && replay)
        rc = use_virtual_clock(shell, span->from_us);
    if (!rc && replay)
        rc = choose_receivers(daemon);
    if (!rc)
        rc = vg_shell_rules(shell);
    if (!rc && !replay) /* a replay is of the files as they are */
        rc = vg_revive_rules(shell, &daemon->revived);
    if (!rc)
        rc = vg_shell_source(shell);
    if (!rc)
        rc = vg_fixed_note(shell, &daemon->fixed);
    return rc ? rc : open_parts(daemon, mode, span);
}

void vg_daemon_close(struct vg_daemon *daemon)
{
    vg_web_stop(daemon->web);
    if (daemon->deliver && daemon->threaded)
        vg_deliver_stop(daemon->deliver);
    if (daemon->loop_ready)
        vg_loop_free(&daemon->loop);
    vg_push_free(daemon->push);
    vg_deliver_free(daemon->deliver);
    vg_metrics_free(daemon->metrics);
    if (daemon->http)
        daemon->http->ops->free(daemon->http);
    vg_shell_close(&daemon->shell);
    pthread_mutex_destroy(&daemon->book_mutex);
}
