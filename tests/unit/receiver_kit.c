/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/receiver.py as a child process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pgvigil/time.h"
#include "tests/unit/receiver_kit.h"

extern char **environ;

static pid_t spawn(const char *const *argv, int in, int out)
{
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char *args[32] = {0};
    for (size_t i = 0; argv[i]; i++) {
        assert_true(i + 1 < sizeof args / sizeof args[0]);
        args[i] = (char *)(uintptr_t)argv[i];
    }
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
    if (posix_spawnp(&pid, args[0], &actions, NULL, args, environ))
        fail_msg("%s cannot be started", args[0]);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

int kit_run(const char *const *argv)
{
    int status;
    pid_t pid = spawn(argv, STDIN_FILENO, STDERR_FILENO);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Starts a server that prints its ports in its first line, which goes into line. */
static void start_server(struct kit_receiver *receiver, const char *const *argv, char *line,
                         int size)
{
    int ends[2], alive[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    receiver->pid = spawn(argv, alive[0], ends[1]);
    receiver->alive = alive[1];
    close(alive[0]);
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    assert_non_null(out);
    if (!fgets(line, size, out))
        fail_msg("%s printed no port", argv[1]);
    fclose(out);
    receiver->port = (int)strtol(line, NULL, 10);
    assert_true(receiver->port > 0);
}

void kit_start(struct kit_receiver *receiver, const char *const *more)
{
    const char *argv[16] = {"/usr/bin/python3", "tests/receiver.py", "--until-eof"};
    char line[32] = "";
    for (size_t i = 0; more && more[i]; i++) {
        assert_true(i + 4 < sizeof argv / sizeof argv[0]);
        argv[i + 3] = more[i];
    }
    start_server(receiver, argv, line, sizeof line);
}

void kit_start_proxy(struct kit_receiver *proxy, const struct kit_receiver *to,
                     const char *const *faults, size_t n, int *ports)
{
    const char *argv[32] = {"/usr/bin/python3", "tests/receivers/proxy.py", "--until-eof", "--to"};
    char line[400] = "", number[16];
    snprintf(number, sizeof number, "%d", to->port);
    argv[4] = number;
    for (size_t i = 0; i < n; i++) {
        assert_true(i + 6 < sizeof argv / sizeof argv[0]);
        argv[i + 5] = faults[i];
    }
    start_server(proxy, argv, line, sizeof line);
    char *at = line;
    for (size_t i = 0; i < n; i++) {
        ports[i] = (int)strtol(at, &at, 10);
        assert_true(ports[i] > 0);
    }
}

void kit_stop(struct kit_receiver *receiver)
{
    int status;
    kill(receiver->pid, SIGTERM);
    close(receiver->alive);
    assert_int_equal(waitpid(receiver->pid, &status, 0), receiver->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

const struct vg_response *kit_exchange(struct vg_http *http, const struct vg_request *request)
{
    const struct vg_response *response;
    struct vg_error err = {0};
    void *tag = NULL;
    int mine;
    if (http->ops->start(http, request, &mine, &err) < 0)
        fail_msg("not started: %s", err.msg);
    if (!http->ops->poll(http, 20 * VG_US, &tag, &response))
        fail_msg("no answer at all");
    assert_ptr_equal(tag, &mine);
    return response;
}

static const struct vg_response *ask(struct vg_http *http, const struct kit_receiver *receiver,
                                     const char *method, const char *path, const char *body)
{
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", receiver->port, path);
    const struct vg_request request = {
        .method = method, .url = url, .body = body, .body_size = body ? strlen(body) : 0};
    const struct vg_response *response = kit_exchange(http, &request);
    if (response->status != 200)
        fail_msg("%s: status %d %s", path, response->status, response->error.msg);
    return response;
}

void kit_rules(struct vg_http *http, const struct kit_receiver *receiver, const char *rules)
{
    char body[2000];
    snprintf(body, sizeof body, "{\"clear\": true, \"rules\": %s}", rules);
    ask(http, receiver, "POST", "/control", body);
}

json_t *kit_ask(struct vg_http *http, const struct kit_receiver *receiver, const char *path)
{
    json_t *root = json_loads(ask(http, receiver, "GET", path, NULL)->body, 0, NULL);
    assert_non_null(root);
    return root;
}
