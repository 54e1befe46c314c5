/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The web server. Owns its socket, its thread and the connections on it. Promises that nobody can
 * hold it up: a connection has a deadline for its request and one for taking the answer, whatever
 * trickles over it, and carries one request. May not write to anything but the answer. */
#include "agent/web/web.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pgvigil/text.h"

enum {
    PAGE_BYTES = 64 << 20,
    REPORT_AGE_MS = 1000, /* the report costs reads of the store: made at most so often */
    IDLE_MS = 60000,
    SILENT_S = 5, /* nothing sent, nothing taken */
    BACKLOG = 512,
};

struct link { /* one connection */
    int fd;
    bool asked; /* its request is whole */
    bool page;  /* for a page, which may be large and is kept until it has been taken */
    int64_t deadline_ms;
};

struct vg_web {
    struct vg_web_pages pages;
    struct MHD_Daemon *daemon;
    int epoll_fd, wake_fd, port;
    atomic_bool stop;
    pthread_t thread;
    /* of the thread alone */
    struct link links[VG_WEB_CONNECTIONS];
    size_t nlinks;
    struct vg_buf report;
    int64_t report_ms;
};

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Answers --------------------------------------------------------------------------------- */

static const char plain_text[] = "text/plain; charset=utf-8";
static const char metrics_text[] = "text/plain; version=0.0.4; charset=utf-8";
static const char html_text[] = "text/html; charset=utf-8";

struct answer {
    unsigned status;
    const char *type;
    const char *data;
    size_t n;
};

static enum MHD_Result queue_answer(struct MHD_Connection *connection, const struct answer *answer)
{
    static const char *const always[][2] = {
        {"Connection", "close"},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri "
                                    "'none'; form-action 'none'; frame-ancestors 'none'"},
    };
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->n, (void *)answer->data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    enum MHD_Result ok = MHD_add_response_header(response, "Content-Type", answer->type);
    for (size_t i = 0; ok && i < sizeof always / sizeof always[0]; i++)
        ok = MHD_add_response_header(response, always[i][0], always[i][1]);
    if (ok && answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        ok = MHD_add_response_header(response, "Allow", "GET, HEAD");
    if (ok)
        ok = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return ok;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
                                   const char *text)
{
    struct answer answer = {status, plain_text, text, strlen(text)};
    return queue_answer(connection, &answer);
}

static enum MHD_Result answer_healthy(struct vg_web *web, struct MHD_Connection *connection)
{
    (void)web;
    return answer_text(connection, MHD_HTTP_OK, "healthy\n");
}

static enum MHD_Result answer_ready(struct vg_web *web, struct MHD_Connection *connection)
{
    struct vg_buf why;
    vg_buf_init(&why, PAGE_BYTES);
    bool ready = web->pages.ready(web->pages.arg, &why);
    vg_buf_puts(&why, why.len ? "" : ready ? "ready" : "not ready");
    vg_buf_putc(&why, '\n');
    unsigned status = ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    enum MHD_Result ok = answer_text(connection, status, why.data);
    vg_buf_free(&why);
    return ok;
}

static enum MHD_Result answer_metrics(struct vg_web *web, struct MHD_Connection *connection)
{
    struct vg_buf page;
    vg_buf_init(&page, PAGE_BYTES);
    int rc = web->pages.metrics(web->pages.arg, &page);
    struct answer answer = {MHD_HTTP_OK, metrics_text, page.data, page.len};
    enum MHD_Result ok;
    if (rc < 0 || page.failed)
        ok = answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                         "metrics failed, see the log\n");
    else
        ok = queue_answer(connection, &answer);
    vg_buf_free(&page);
    return ok;
}

static enum MHD_Result answer_report(struct vg_web *web, struct MHD_Connection *connection)
{
    int64_t now_ms = read_clock_ms();
    if (!web->report.len || now_ms >= web->report_ms + REPORT_AGE_MS) {
        vg_buf_clear(&web->report);
        int rc = web->pages.report(web->pages.arg, &web->report);
        if (rc < 0 || web->report.failed) {
            vg_buf_clear(&web->report);
            return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                               "report failed, see the log\n");
        }
        web->report_ms = now_ms;
    }
    struct answer answer = {MHD_HTTP_OK, html_text, web->report.data, web->report.len};
    return queue_answer(connection, &answer);
}

static const struct route {
    const char *path;
    enum MHD_Result (*answer)(struct vg_web *web, struct MHD_Connection *connection);
} routes[] = {
    {"/", answer_report},
    {"/metrics", answer_metrics},
    {"/-/healthy", answer_healthy},
    {"/-/ready", answer_ready},
};

static bool is_page(const struct route *route)
{
    return route->answer == answer_report || route->answer == answer_metrics;
}

static size_t count_links(const struct vg_web *web, bool asked, bool page)
{
    size_t n = 0;
    for (size_t i = 0; i < web->nlinks; i++)
        n += web->links[i].asked == asked && web->links[i].page == page;
    return n;
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    return coding || (length && strcmp(length, "0") != 0);
}

static struct link *find_link(struct vg_web *web, int fd)
{
    for (size_t i = 0; i < web->nlinks; i++) {
        if (web->links[i].fd == fd)
            return &web->links[i];
    }
    return NULL;
}

static int get_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* What the library hands to the function below: more than our own functions may take. */
#define HANDLER_PARAMETERS                                                                         \
    void *arg, struct MHD_Connection *connection, const char *url, const char *method,             \
        const char *version, const char *upload, size_t *upload_size, void **request

/* Called once the headers are there. */
static enum MHD_Result handle(HANDLER_PARAMETERS)
{
    struct vg_web *web = arg;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)request;
    struct link *link = find_link(web, get_socket(connection));
    if (link) {
        link->asked = true;
        link->deadline_ms = read_clock_ms() + VG_WEB_ANSWER_S * 1000;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    if (has_body(connection))
        return answer_text(connection, MHD_HTTP_CONTENT_TOO_LARGE, "no body, please\n");
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(url, routes[i].path) != 0)
            continue;
        if (is_page(&routes[i]) && count_links(web, true, true) >= VG_WEB_PAGES)
            return answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many readers\n");
        if (link)
            link->page = is_page(&routes[i]);
        return routes[i].answer(web, connection);
    }
    return answer_text(connection, MHD_HTTP_NOT_FOUND, "not found\n");
}

/* --- Connections ----------------------------------------------------------------------------- */

static void watch_connection(void *arg, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode what)
{
    struct vg_web *web = arg;
    int fd = get_socket(connection);
    (void)context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED && web->nlinks < VG_WEB_CONNECTIONS) {
        web->links[web->nlinks++] = (struct link){
            .fd = fd, .deadline_ms = read_clock_ms() + (int64_t)VG_WEB_REQUEST_S * 1000};
        return;
    }
    struct link *link = find_link(web, fd);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED && link)
        *link = web->links[--web->nlinks];
}

/* Whether the other side has closed or broken off, and everything it said has been read. */
static bool has_ended(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* The library's own time-out starts again with every byte; this one does not. And where the end of
 * a connection comes together with the last bytes, the library sees the bytes only. */
static void close_hopeless(struct vg_web *web, int64_t now_ms)
{
    for (size_t i = 0; i < web->nlinks; i++) {
        const struct link *link = &web->links[i];
        if (link->deadline_ms <= now_ms || (!link->asked && has_ended(link->fd)))
            shutdown(link->fd, SHUT_RDWR);
    }
}

/* Who has waited longest with no request is the least likely to have one. */
static void make_room(struct vg_web *web)
{
    size_t waiting = count_links(web, false, false);
    for (; waiting > VG_WEB_WAITING; waiting--) {
        struct link *oldest = NULL;
        for (size_t i = 0; i < web->nlinks; i++) {
            struct link *link = &web->links[i];
            if (!link->asked && (!oldest || link->deadline_ms < oldest->deadline_ms))
                oldest = link;
        }
        shutdown(oldest->fd, SHUT_RDWR);
        oldest->asked = true; /* it no longer waits; its end is seen in the next run */
        oldest->deadline_ms = read_clock_ms();
    }
}

static int64_t measure_wait(const struct vg_web *web, int64_t now_ms)
{
    int64_t wait = IDLE_MS;
    MHD_UNSIGNED_LONG_LONG library_ms;
    if (MHD_get_timeout(web->daemon, &library_ms) == MHD_YES && library_ms < IDLE_MS)
        wait = (int64_t)library_ms;
    for (size_t i = 0; i < web->nlinks; i++) {
        int64_t left = web->links[i].deadline_ms - now_ms;
        wait = left < wait ? left : wait;
    }
    return wait < 1 ? 1 : wait;
}

/* At its limit the library listens again only in the run after one that closed a connection. */
static void run_daemon(struct vg_web *web)
{
    size_t before;
    do {
        before = web->nlinks;
        MHD_run(web->daemon);
    } while (web->nlinks < before);
}

static void *serve(void *arg)
{
    struct vg_web *web = arg;
    while (!web->stop) {
        struct pollfd fds[2] = {{.fd = web->epoll_fd, .events = POLLIN},
                                {.fd = web->wake_fd, .events = POLLIN}};
        poll(fds, 2, (int)measure_wait(web, read_clock_ms()));
        run_daemon(web);
        close_hopeless(web, read_clock_ms());
        make_room(web);
    }
    return NULL;
}

/* --- Life ------------------------------------------------------------------------------------ */

static int get_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char port[8];
    int64_t number;
    if (getsockname(fd, (struct sockaddr *)&address, &size) ||
        getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) ||
        vg_parse_int64(port, &number) < 0)
        return -1;
    return (int)number;
}

static int bind_socket(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG)) {
        int kept = errno;
        close(fd);
        errno = kept;
        return -1;
    }
    return fd;
}

static int open_listener(const char *host, int port, int *out, struct vg_error *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    char number[16];
    snprintf(number, sizeof number, "%d", port);
    const char *numeric = !strcmp(host, "localhost") ? "127.0.0.1" : host;
    if (getaddrinfo(numeric, number, &hints, &address)) {
        vg_fail(err, VG_E_CONFIG, "web.listen: '%s' is not an IP address", host);
        return vg_hint(err, "write an address of this machine, for example 127.0.0.1:%d", port);
    }
    *out = bind_socket(address);
    int why = errno;
    freeaddrinfo(address);
    if (*out >= 0)
        return 0;
    return vg_fail(err, VG_E_IO, "cannot listen on %s port %d: %s", host, port, strerror(why));
}

static struct MHD_Daemon *start_daemon(struct vg_web *web, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, web, MHD_OPTION_LISTEN_SOCKET,
                            (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)VG_WEB_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)SILENT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)VG_WEB_HEADER_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_NOTIFY_CONNECTION, watch_connection, web, MHD_OPTION_END);
}

/* The thread takes no signal: they belong to the program's own. */
static int start_thread(struct vg_web *web)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before))
        return -1;
    int failed = pthread_create(&web->thread, NULL, serve, web);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? -1 : 0;
}

static void free_web(struct vg_web *web)
{
    if (web->daemon)
        MHD_stop_daemon(web->daemon); /* and the socket */
    if (web->wake_fd >= 0)
        close(web->wake_fd);
    vg_buf_free(&web->report);
    free(web);
}

int vg_web_start(const char *host, int port, const struct vg_web_pages *pages, struct vg_web **out,
                 struct vg_error *err)
{
    int fd;
    if (open_listener(host, port, &fd, err) < 0)
        return -1;
    struct vg_web *web = calloc(1, sizeof *web);
    if (!web) {
        close(fd);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    web->pages = *pages;
    vg_buf_init(&web->report, PAGE_BYTES);
    web->port = get_port(fd);
    web->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    web->daemon = start_daemon(web, fd);
    if (!web->daemon)
        close(fd);
    const union MHD_DaemonInfo *info =
        web->daemon ? MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    web->epoll_fd = info ? info->epoll_fd : -1;
    if (web->epoll_fd < 0 || web->wake_fd < 0 || web->port < 0 || start_thread(web) < 0) {
        free_web(web);
        return vg_fail(err, VG_E_IO, "the web server on %s port %d does not start", host, port);
    }
    *out = web;
    return 0;
}

int vg_web_port(const struct vg_web *web)
{
    return web->port;
}

void vg_web_stop(struct vg_web *web)
{
    if (!web)
        return;
    web->stop = true;
    uint64_t one = 1;
    if (write(web->wake_fd, &one, sizeof one) < 0)
        BUG("the web server cannot be woken");
    pthread_join(web->thread, NULL);
    free_web(web);
}
