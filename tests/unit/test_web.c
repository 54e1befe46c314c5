/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the web server (agent/web/web.c) over real sockets: what it answers, what it
 * refuses, and that slow, long or senseless requests hold nobody up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/web/web.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { ANSWER_SIZE = 1 << 16, PATIENCE_MS = 20000, PROMPT_MS = 10000 };

/* --- The pages and the server ----------------------------------------------------------------- */

struct world {
    struct vg_web *web;
    atomic_int metrics_asked, report_asked;
    atomic_bool broken, unready, large;
};

static int give_metrics(void *arg, struct vg_buf *out)
{
    struct world *world = arg;
    world->metrics_asked++;
    for (size_t i = 0; world->large && i < (8 << 20) / 16; i++)
        vg_buf_puts(out, "# of this length");
    vg_buf_puts(out, "up 1\n");
    return world->broken ? -1 : 0;
}

static int give_report(void *arg, struct vg_buf *out)
{
    struct world *world = arg;
    world->report_asked++;
    vg_buf_puts(out, "<!DOCTYPE html><p>all is well</p>");
    return world->broken ? -1 : 0;
}

static bool give_ready(void *arg, struct vg_buf *why)
{
    struct world *world = arg;
    if (world->unready)
        vg_buf_puts(why, "no database has been reached yet");
    return !world->unready;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct vg_error err = {0};
    struct vg_web_pages pages = {world, give_metrics, give_report, give_ready};
    if (!world || vg_web_start("127.0.0.1", 0, &pages, &world->web, &err) < 0)
        return -1;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    vg_web_stop(world->web);
    free(world);
    return 0;
}

/* --- A client --------------------------------------------------------------------------------- */

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_connection(const struct world *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)vg_web_port(world->web)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* As much as it takes; false when the other side has closed. */
static bool say(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t done = send(fd, text, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        text += done;
        n -= (size_t)done;
    }
    return true;
}

/* Everything up to the end of the connection, which must come. */
static size_t hear(int fd, char *out, size_t size)
{
    size_t n = 0;
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, PATIENCE_MS) != 1) {
            print_error("the connection stays open\n");
            fail();
        }
        ssize_t got = recv(fd, out + n, size - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    out[n] = '\0';
    close(fd);
    return n;
}

/* The whole answer to a whole request. */
static char *ask(const struct world *world, const char *request)
{
    static char answer[ANSWER_SIZE];
    int fd = open_connection(world);
    say(fd, request, strlen(request));
    hear(fd, answer, sizeof answer);
    return answer;
}

static int status_of(const char *answer)
{
    int status = 0;
    return sscanf(answer, "HTTP/1.1 %d ", &status) == 1 ? status : 0;
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

/* --- What it answers -------------------------------------------------------------------------- */

static void test_pages(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *path, *type, *body;
    } cases[] = {
        {"/metrics", "text/plain; version=0.0.4; charset=utf-8", "up 1\n"},
        {"/metrics?name=x", "text/plain; version=0.0.4; charset=utf-8", "up 1\n"},
        {"/", "text/html; charset=utf-8", "<!DOCTYPE html><p>all is well</p>"},
        {"/-/healthy", "text/plain; charset=utf-8", "healthy\n"},
        {"/-/ready", "text/plain; charset=utf-8", "ready\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char request[200], want[200];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].path);
        const char *answer = ask(world, request);
        assert_int_equal(status_of(answer), 200);
        snprintf(want, sizeof want, "\r\nContent-Type: %s\r\n", cases[i].type);
        assert_non_null(strstr(answer, want));
        assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
        assert_non_null(strstr(answer, "\r\nContent-Security-Policy: default-src 'none';"));
        assert_string_equal(body_of(answer), cases[i].body);
        memcpy(request, "HEAD", 4);
        snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].path);
        answer = ask(world, request);
        assert_int_equal(status_of(answer), 200);
        assert_non_null(strstr(answer, want));
        snprintf(want, sizeof want, "\r\nContent-Length: %zu\r\n", strlen(cases[i].body));
        assert_non_null(strstr(answer, want));
        assert_string_equal(body_of(answer), "");
    }
}

static void test_readiness_says_why(void **state)
{
    struct world *world = *state;
    world->unready = true;
    const char *answer = ask(world, "GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(answer), 503);
    assert_string_equal(body_of(answer), "no database has been reached yet\n");
    assert_int_equal(status_of(ask(world, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
}

static void test_a_page_that_fails(void **state)
{
    struct world *world = *state;
    world->broken = true;
    assert_int_equal(status_of(ask(world, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")), 500);
    const char *answer = ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(answer), 500);
    assert_null(strstr(answer, "all is well"));
    world->broken = false;
    assert_int_equal(status_of(ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
}

/* The report costs reads of the store: a flood of requests makes few of them. */
static void test_the_report_is_kept_for_a_moment(void **state)
{
    struct world *world = *state;
    int64_t begun_ms = clock_ms();
    for (int i = 0; i < 50; i++)
        assert_int_equal(status_of(ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
    assert_in_range(world->report_asked, 1, 2 + (clock_ms() - begun_ms) / 1000);
}

/* --- What it refuses -------------------------------------------------------------------------- */

static void test_everything_else_is_refused(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405},
        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405},
        {"DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413},
        {"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413},
        {"GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"GET //metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"GET /-/quit HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"GET /METRICS HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"GET /metrics HTTP/1.1\r\n\r\n", 400}, /* no Host */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *answer = ask(world, cases[i].request);
        if (status_of(answer) != cases[i].status)
            print_error("%s\n%s\n", cases[i].request, answer);
        assert_int_equal(status_of(answer), cases[i].status);
        if (cases[i].status == 405)
            assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
    }
    assert_int_equal(world->metrics_asked, 0);
}

static void test_long_headers_are_refused(void **state)
{
    struct world *world = *state;
    char *request = calloc(1, 70000);
    assert_non_null(request);
    memset(request, 'x', 65000);
    memcpy(request, "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Long: ", 40);
    memcpy(request + 65000, "\r\n\r\n", 5);
    const char *answer = ask(world, request);
    assert_in_range(status_of(answer), 0, 499);
    assert_int_not_equal(status_of(answer), 200);
    memset(request, 'y', 65000);
    memcpy(request, "GET /", 5);
    assert_int_not_equal(status_of(ask(world, request)), 200);
    assert_int_equal(world->metrics_asked, 0);
    free(request);
}

static void test_senseless_bytes(void **state)
{
    struct world *world = *state;
    static const char words[][12] = {"GET", " ",    "/",     "/metrics",  "HTTP/1.1", "\r\n",
                                     "\n",  "Host", ": a",   "\r\n\r\n",  "\x80\xff", "%00",
                                     "\t",  "POST", "Range", "Connection"};
    static char answer[ANSWER_SIZE];
    uint32_t seed = 1;
    int64_t begun_ms = clock_ms();
    for (int i = 0; i < 1000; i++) {
        int fd = open_connection(world);
        for (int k = 0; k < 12; k++) {
            seed = seed * 1664525U + 1013904223U;
            const char *word = words[seed >> 28];
            if (!say(fd, word, strlen(word)))
                break;
        }
        shutdown(fd, SHUT_WR);
        hear(fd, answer, sizeof answer); /* which comes at once, not with the deadline */
    }
    assert_in_range(clock_ms() - begun_ms, 0, 10000);
    assert_int_equal(status_of(ask(world, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
}

/* --- Who holds it up -------------------------------------------------------------------------- */

static void test_clients_that_trickle_are_cut_off(void **state)
{
    struct world *world = *state;
    enum { SLOW = VG_WEB_WAITING };
    int fds[SLOW];
    int64_t begun_ms = clock_ms();
    for (size_t i = 0; i < SLOW; i++) {
        fds[i] = open_connection(world);
        say(fds[i], "GET / HTTP/1.1\r\n", 16);
    }
    /* every 100 ms a byte on every connection: an idle time-out alone would never end them */
    size_t open = SLOW;
    while (open && clock_ms() - begun_ms < PATIENCE_MS) {
        poll(NULL, 0, 100);
        open = 0;
        for (size_t i = 0; i < SLOW; i++) {
            say(fds[i], "x", 1);
            open += recv(fds[i], &(char){0}, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
        }
    }
    assert_int_equal(open, 0);
    assert_in_range(clock_ms() - begun_ms, 2000, VG_WEB_REQUEST_S * 1000 + 2000);
    for (size_t i = 0; i < SLOW; i++)
        close(fds[i]);
    const char *answer = ask(world, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
}

/* However many have connected before and say nothing, or not enough. */
static void test_half_open_connections_hold_nobody_up(void **state)
{
    struct world *world = *state;
    static const size_t crowds[] = {32, 200, VG_WEB_CONNECTIONS, 600};
    static int fds[600];
    for (size_t i = 0; i < COUNT(crowds); i++) {
        for (size_t k = 0; k < crowds[i]; k++) {
            fds[k] = open_connection(world);
            if (k % 2)
                say(fds[k], "GET /metrics HT", 15);
        }
        int64_t begun_ms = clock_ms();
        assert_int_equal(status_of(ask(world, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
        assert_int_equal(status_of(ask(world, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
        assert_in_range(clock_ms() - begun_ms, 0, PROMPT_MS);
        for (size_t k = 0; k < crowds[i]; k++)
            close(fds[k]);
    }
}

/* Answers that nobody takes fill neither the memory nor the connections. */
static void test_readers_that_do_not_read(void **state)
{
    struct world *world = *state;
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    int fds[2 * VG_WEB_PAGES];
    world->large = true;
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = open_connection(world);
        say(fds[i], request, strlen(request));
    }
    int64_t begun_ms = clock_ms();
    assert_int_equal(status_of(ask(world, "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")), 200);
    assert_in_range(clock_ms() - begun_ms, 0, PROMPT_MS);
    int status = status_of(ask(world, request)), early = 0;
    for (; status == 200 && clock_ms() - begun_ms < PATIENCE_MS; early++) /* it accepts them yet */
        status = status_of(ask(world, request));
    assert_int_equal(status, 503);
    assert_in_range(world->metrics_asked, 1, VG_WEB_PAGES + early);
    world->large = false;
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    while (status_of(ask(world, request)) != 200 && clock_ms() - begun_ms < PATIENCE_MS)
        ;
    assert_in_range(clock_ms() - begun_ms, 0, 5000);
}

static void test_stopping_does_not_wait_for_clients(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct vg_error err = {0};
    struct vg_web_pages pages = {world, give_metrics, give_report, give_ready};
    (void)state;
    assert_non_null(world);
    assert_int_equal(vg_web_start("localhost", 0, &pages, &world->web, &err), 0);
    int fd = open_connection(world);
    say(fd, "GET / HT", 8);
    int64_t begun_ms = clock_ms();
    vg_web_stop(world->web);
    assert_true(clock_ms() - begun_ms < 2000);
    close(fd);
    free(world);
    vg_web_stop(NULL);
}

/* --- Starting --------------------------------------------------------------------------------- */

static void test_faults_of_starting(void **state)
{
    struct world *world = *state;
    struct vg_web_pages pages = {world, give_metrics, give_report, give_ready};
    struct vg_web *other = NULL;
    struct vg_error err = {0};
    assert_in_range(vg_web_port(world->web), 1, 65535);
    assert_int_equal(vg_web_start("127.0.0.1", vg_web_port(world->web), &pages, &other, &err), -1);
    assert_int_equal(err.code, VG_E_IO);
    assert_non_null(strstr(err.msg, "127.0.0.1 port"));
    assert_int_equal(vg_web_start("example.test", 0, &pages, &other, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    assert_true(*err.hint);
    assert_int_equal(vg_web_start("192.0.2.1", 0, &pages, &other, &err), -1); /* not ours */
    assert_int_equal(err.code, VG_E_IO);
    assert_null(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages),
        TEST(test_readiness_says_why),
        TEST(test_a_page_that_fails),
        TEST(test_the_report_is_kept_for_a_moment),
        TEST(test_everything_else_is_refused),
        TEST(test_long_headers_are_refused),
        TEST(test_senseless_bytes),
        TEST(test_clients_that_trickle_are_cut_off),
        TEST(test_half_open_connections_hold_nobody_up),
        TEST(test_readers_that_do_not_read),
        cmocka_unit_test(test_stopping_does_not_wait_for_clients),
        TEST(test_faults_of_starting),
    };
    return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
