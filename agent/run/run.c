/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs run with a message as their standard input: a thread waits for each of them.
 *
 * Promises that a program's whole group is gone when its answer is there or its time is over, that
 * the daemon never waits longer than that, and that nothing of its environment or descriptors is
 * inherited.
 */
#include "agent/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.h"
#include "pgvigil/time.h"

enum { BODY_MOST = 65536, POLL_MS = 50, HEADERS_MOST = 20 };
static const int64_t default_us = 10 * VG_US;

struct job {
    struct job *next;
    struct runner *runner;
    void *tag;
    char **argv, **env;
    char *input;
    size_t ninput, nsent;
    int64_t end_us; /* on the monotonic clock */
    pthread_t thread;
    bool secret;
    bool done; /* under the lock: the response is whole, the thread may be joined */
    struct vg_response *response;
};

struct runner {
    struct vg_http port;
    struct vg_http *inner;
    pthread_mutex_t lock;
    struct job *jobs; /* under the lock */
    atomic_bool stopping;
    struct vg_response *answered; /* handed out last */
};

static struct runner *runner_of(struct vg_http *port)
{
    return (struct runner *)port;
}

/* --- A job and what it holds ------------------------------------------------------------------ */

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        free(texts[i]);
    free(texts);
}

/* What a program has printed may be a secret. */
static void free_response(struct vg_response *response)
{
    if (response)
        explicit_bzero(response->body, response->body_size);
    free(response);
}

static void free_job(struct job *job)
{
    if (!job)
        return;
    free_texts(job->argv);
    free_texts(job->env);
    free(job->input);
    free_response(job->response);
    free(job);
}

static char **copy_texts(const char *const *texts)
{
    size_t n = 0;
    while (texts[n])
        n++;
    char **copy = vg_array(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        if (!(copy[i] = strdup(texts[i]))) {
            free_texts(copy);
            return NULL;
        }
    }
    return copy;
}

/* Nothing of the daemon's: a path, a language, a place, and what the request adds. */
static char **make_env(const struct vg_request *request)
{
    static const char *const fixed[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                                        "HOME=/", NULL};
    size_t n = 3;
    char **env = vg_array(n + HEADERS_MOST + 1, sizeof *env);
    bool failed = !env;
    for (size_t i = 0; !failed && i < n; i++)
        failed = !(env[i] = strdup(fixed[i]));
    for (size_t i = 0; !failed && i < request->nheaders && i < HEADERS_MOST; i++, n++)
        failed = asprintf(&env[n], "%s=%s", request->headers[i].key, request->headers[i].value) < 0;
    if (!failed)
        return env;
    free_texts(env);
    return NULL;
}

static struct job *make_job(struct runner *runner, const struct vg_request *request, void *tag)
{
    struct job *job = vg_array(1, sizeof *job);
    if (!job)
        return NULL;
    job->runner = runner;
    job->tag = tag;
    job->argv = copy_texts(request->run);
    job->env = make_env(request);
    job->input = malloc(request->body_size + 1);
    job->response = vg_array(1, sizeof *job->response);
    job->ninput = request->body_size;
    job->secret = request->secret;
    job->end_us =
        vg_clock_steady_us() + (request->timeout_us > 0 ? request->timeout_us : default_us);
    if (!job->argv || !job->env || !job->input || !job->response) {
        free_job(job);
        return NULL;
    }
    if (request->body_size)
        memcpy(job->input, request->body, request->body_size);
    return job;
}

/* --- Starting a program ----------------------------------------------------------------------- */

static int set_actions(posix_spawn_file_actions_t *actions, int in, int out, bool secret)
{
    int rc = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (secret)
        rc =
            rc ? rc
               : posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    else
        rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, out, STDERR_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return rc ? rc : posix_spawn_file_actions_addchdir_np(actions, "/");
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETSIGMASK);
    rc = rc ? rc : posix_spawnattr_setpgroup(attributes, 0);
    rc = rc ? rc : posix_spawnattr_setsigdefault(attributes, &all);
    return rc ? rc : posix_spawnattr_setsigmask(attributes, &none);
}

/* 0 or an error number. */
static int spawn(const struct job *job, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (!rc) {
        rc = set_actions(&actions, in, out, job->secret);
        rc = rc ? rc : set_attributes(&attributes);
        rc = rc ? rc : posix_spawn(pid, job->argv[0], &actions, &attributes, job->argv, job->env);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* --- Waiting for it --------------------------------------------------------------------------- */

/* Gives it what it takes; -1 when it wants no more, or has all. */
static int give_input(struct job *job, int fd)
{
    ssize_t k = write(fd, job->input + job->nsent, job->ninput - job->nsent);
    if (k > 0)
        job->nsent += (size_t)k;
    bool later = k < 0 && (errno == EAGAIN || errno == EINTR);
    return (k < 0 && !later) || job->nsent == job->ninput ? -1 : 0;
}

/* Keeps the first of what it says; -1 at the end of it. */
static int take_output(struct job *job, int fd)
{
    char piece[4096];
    ssize_t k = read(fd, piece, sizeof piece);
    if (k < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    size_t room = BODY_MOST - job->response->body_size;
    size_t n = (size_t)k < room ? (size_t)k : room;
    memcpy(job->response->body + job->response->body_size, piece, n);
    job->response->body_size += n;
    explicit_bzero(piece, (size_t)k);
    return k ? 0 : -1;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Until it has ended, its time is over, or the daemon stops. True when it has ended: *status. What
 * it has started and left behind may hold its output open, so that its end counts, not that of the
 * output. */
static bool attend(struct job *job, pid_t pid, int *in, int *out, int *status)
{
    while (vg_clock_steady_us() < job->end_us && !atomic_load(&job->runner->stopping)) {
        struct pollfd ends[] = {{*out, POLLIN, 0}, {*in, POLLOUT, 0}};
        bool ended = waitpid(pid, status, WNOHANG) == pid;
        if (poll(ends, 2, ended ? 0 : POLL_MS) > 0) {
            if (ends[1].revents && give_input(job, *in) < 0)
                close_end(in);
            if (ends[0].revents && take_output(job, *out) < 0)
                close_end(out);
        }
        if (ended)
            return true;
    }
    return false;
}

static void explain_end(struct job *job, bool ended, int status)
{
    struct vg_response *response = job->response;
    if (!ended)
        vg_fail(&response->error, VG_E_TIMEOUT, "%s had not ended in time and was killed",
                job->argv[0]);
    else if (WIFEXITED(status))
        response->status = VG_STATUS_EXIT + WEXITSTATUS(status);
    else
        vg_fail(&response->error, VG_E_IO, "%s was ended by signal %d", job->argv[0],
                WTERMSIG(status));
}

static void run_program(struct job *job, int to_child[2], int from_child[2])
{
    pid_t pid;
    int status = 0;
    int rc = spawn(job, to_child[0], from_child[1], &pid);
    close_end(&to_child[0]);
    close_end(&from_child[1]);
    if (rc) {
        vg_fail(&job->response->error, VG_E_IO, "%s cannot be started: %s", job->argv[0],
                strerror(rc));
        return;
    }
    if (!job->ninput)
        close_end(&to_child[1]);
    bool ended = attend(job, pid, &to_child[1], &from_child[0], &status);
    kill(-pid, SIGKILL); /* also what it has left behind */
    if (!ended)
        waitpid(pid, &status, 0);
    explain_end(job, ended, status);
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    struct runner *runner = job->runner;
    int to_child[2] = {-1, -1}, from_child[2] = {-1, -1};
    if (pipe2(to_child, O_CLOEXEC) < 0 || pipe2(from_child, O_CLOEXEC) < 0 ||
        fcntl(to_child[1], F_SETFL, O_NONBLOCK) < 0 ||
        fcntl(from_child[0], F_SETFL, O_NONBLOCK) < 0)
        vg_fail(&job->response->error, VG_E_IO, "no pipe: %s", strerror(errno));
    else
        run_program(job, to_child, from_child);
    for (size_t i = 0; i < 2; i++) {
        close_end(&to_child[i]);
        close_end(&from_child[i]);
    }
    pthread_mutex_lock(&runner->lock);
    job->done = true;
    pthread_mutex_unlock(&runner->lock);
    runner->inner->ops->wake(runner->inner);
    return NULL;
}

/* --- The port --------------------------------------------------------------------------------- */

static int start_job(struct runner *runner, const struct vg_request *request, void *tag,
                     struct vg_error *err)
{
    sigset_t all, old;
    struct job *job = make_job(runner, request, tag);
    if (!job)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    pthread_mutex_lock(&runner->lock);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&job->thread, NULL, run_job, job);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!error) {
        job->next = runner->jobs;
        runner->jobs = job;
    }
    pthread_mutex_unlock(&runner->lock);
    if (!error)
        return 0;
    free_job(job);
    return vg_fail(err, VG_E_INTERNAL, "no thread for a program: %s", strerror(error));
}

static int start(struct vg_http *self, const struct vg_request *request, void *tag,
                 struct vg_error *err)
{
    struct runner *runner = runner_of(self);
    if (request->run)
        return start_job(runner, request, tag, err);
    return runner->inner->ops->start(runner->inner, request, tag, err);
}

static struct job *take_done(struct runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    struct job **link = &runner->jobs;
    while (*link && !(*link)->done)
        link = &(*link)->next;
    struct job *job = *link;
    if (job)
        *link = job->next;
    pthread_mutex_unlock(&runner->lock);
    return job;
}

static bool take_answer(struct runner *runner, void **tag, const struct vg_response **out)
{
    struct job *job = take_done(runner);
    if (!job)
        return false;
    pthread_join(job->thread, NULL);
    runner->answered = job->response;
    job->response = NULL;
    *tag = job->tag;
    *out = runner->answered;
    free_job(job);
    return true;
}

static bool poll_answers(struct vg_http *self, int64_t timeout_us, void **tag,
                         const struct vg_response **out)
{
    struct runner *runner = runner_of(self);
    /* Not kept for longer than it may be read: it may be a token. */
    free_response(runner->answered);
    runner->answered = NULL;
    if (take_answer(runner, tag, out))
        return true;
    if (runner->inner->ops->poll(runner->inner, timeout_us, tag, out))
        return true;
    return take_answer(runner, tag, out);
}

static void wake(struct vg_http *self)
{
    struct runner *runner = runner_of(self);
    runner->inner->ops->wake(runner->inner);
}

static void free_runner(struct vg_http *self)
{
    if (!self)
        return;
    struct runner *runner = runner_of(self);
    atomic_store(&runner->stopping, true);
    while (runner->jobs) {
        struct job *job = runner->jobs;
        runner->jobs = job->next;
        pthread_join(job->thread, NULL);
        free_job(job);
    }
    runner->inner->ops->free(runner->inner);
    pthread_mutex_destroy(&runner->lock);
    free_response(runner->answered);
    free(runner);
}

static const struct vg_http_ops runner_ops = {
    .start = start, .poll = poll_answers, .wake = wake, .free = free_runner};

int vg_run_new(struct vg_http *inner, struct vg_http **out, struct vg_error *err)
{
    *out = NULL;
    struct runner *runner = vg_array(1, sizeof *runner);
    if (runner && pthread_mutex_init(&runner->lock, NULL)) {
        free(runner);
        runner = NULL;
    }
    if (!runner) {
        inner->ops->free(inner);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    runner->port.ops = &runner_ops;
    runner->inner = inner;
    *out = &runner->port;
    return 0;
}
