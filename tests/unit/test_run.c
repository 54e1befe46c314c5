/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/run/run.c: programs with input, their exit codes, and their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/http/http.h"
#include "agent/run/run.h"
#include "pgvigil/log.h"
#include "pgvigil/time.h"
#include "tests/unit/receiver_kit.h"

static struct vg_http *port;

static int set_up(void **state)
{
    struct vg_http *inner = NULL;
    (void)state;
    vg_log_setup(VG_LOG_LEVELS, false);
    return vg_http_new(&inner, NULL) || vg_run_new(inner, &port, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    port->ops->free(port);
    return 0;
}

static const struct vg_response *run(const char *script, const char *input, int64_t timeout_us)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const struct vg_pair pair = {"PGVIGIL_TEST", "a b"};
    const struct vg_request request = {.method = "POST",
                                       .url = argv[0],
                                       .run = argv,
                                       .headers = &pair,
                                       .nheaders = 1,
                                       .body = input,
                                       .body_size = strlen(input),
                                       .timeout_us = timeout_us};
    return kit_exchange(port, &request);
}

static void test_what_programs_answer(void **state)
{
    static const struct {
        const char *script, *input, *output;
        int code;
    } cases[] = {
        {"cat", "a\nb", "a\nb", 0},
        {"exit 65", "never read", "", 65},
        {"echo out; echo err >&2; exit 3", "", "out\nerr\n", 3},
        {"echo \"$PGVIGIL_TEST $HOME ${USER-none} $PWD\"", "", "a b / none /\n", 0},
        {"ls /proc/self/fd | tr '\\n' ' '", "", "0 1 2 3 ", 0},
        {"sleep 60 & echo begun", "", "begun\n", 0}, /* what it leaves behind keeps nobody */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct vg_response *response = run(cases[i].script, cases[i].input, 10 * VG_US);
        assert_int_equal(response->status, VG_STATUS_EXIT + cases[i].code);
        assert_string_equal(response->body, cases[i].output);
    }
}

static void test_much_of_everything(void **state)
{
    (void)state;
    size_t n = 3 << 20;
    char *input = malloc(n + 1);
    assert_non_null(input);
    memset(input, 'x', n);
    input[n] = '\0';
    const struct vg_response *response = run("wc -c | tr -d ' \\n'; exit 1", input, 20 * VG_US);
    assert_int_equal(response->status, VG_STATUS_EXIT + 1);
    assert_string_equal(response->body, "3145728");
    response = run("head -c 1000000 /dev/zero | tr '\\0' y", "", 20 * VG_US);
    assert_int_equal(response->status, VG_STATUS_EXIT);
    assert_int_equal(response->body_size, 65536);
    assert_int_equal(response->body[65536], '\0');
    free(input);
}

static void test_programs_that_do_not_end_well(void **state)
{
    (void)state;
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    const struct vg_response *response = run("trap '' TERM; sleep 60", "", VG_US / 5);
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_int_equal(response->status, 0);
    assert_int_equal(response->error.code, VG_E_TIMEOUT);
    assert_true(now.tv_sec - begun.tv_sec < 15);
    response = run("kill -9 $$", "", VG_US * 10);
    assert_int_equal(response->status, 0);
    assert_non_null(strstr(response->error.msg, "signal 9"));
    const char *argv[] = {"/nonexistent/program", NULL};
    const struct vg_request request = {.method = "POST", .url = argv[0], .run = argv};
    response = kit_exchange(port, &request);
    assert_int_equal(response->status, 0);
    assert_non_null(strstr(response->error.msg, "cannot be started"));
}

/* Freed while a program runs: it is killed, and nothing waits for it. */
static void test_the_end_of_the_daemon(void **state)
{
    (void)state;
    struct vg_http *inner = NULL, *other = NULL;
    struct timespec begun, now;
    const char *argv[] = {"/bin/sleep", "60", NULL};
    const struct vg_request request = {
        .method = "POST", .url = argv[0], .run = argv, .timeout_us = VG_HOUR_US};
    assert_int_equal(vg_http_new(&inner, NULL) || vg_run_new(inner, &other, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    assert_int_equal(other->ops->start(other, &request, NULL, NULL), 0);
    other->ops->free(other);
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true(now.tv_sec - begun.tv_sec < 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_programs_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_much_of_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_programs_that_do_not_end_well, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_of_the_daemon, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
