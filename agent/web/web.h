/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's small web server: /, /metrics, /-/healthy, /-/ready, and nothing else.
 *
 * The only file that knows libmicrohttpd. One thread of its own, which calls the pages: they must
 * be thread-safe. GET and HEAD only, no body, no query; requests that are too long, too slow or too
 * many are refused, and who connects without asking makes room for who comes after. It can change
 * nothing in the agent.
 */
#ifndef PGVIGIL_AGENT_WEB_H
#define PGVIGIL_AGENT_WEB_H

#include <stdbool.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"

enum {
    VG_WEB_CONNECTIONS = 256,   /* at once */
    VG_WEB_WAITING = 192,       /* of them at most, for a request; for more the oldest are closed */
    VG_WEB_PAGES = 32,          /* / and /metrics, on their way at once; more are answered 503 */
    VG_WEB_HEADER_BYTES = 8192, /* of a request line and its headers */
    VG_WEB_REQUEST_S = 3,       /* from the connection to the end of its headers */
    VG_WEB_ANSWER_S = 10,       /* from there until the answer has been read */
};

struct vg_web_pages {
    void *arg;
    /* Append to `out`; -1: the answer is 500. */
    int (*metrics)(void *arg, struct vg_buf *out); /* text format 0.0.4 */
    int (*report)(void *arg, struct vg_buf *out);  /* HTML */
    /* Whether the agent can do its work; appends why not. */
    bool (*ready)(void *arg, struct vg_buf *why);
};

struct vg_web;
/* Listens on a numeric address or "localhost"; port 0: any free one. Pages are copied. VG_E_CONFIG
 * for a host that is no address, VG_E_IO when it cannot listen, VG_E_MEMORY. */
int vg_web_start(const char *host, int port, const struct vg_web_pages *pages, struct vg_web **out,
                 struct vg_error *err);
/* The port it listens on. */
int vg_web_port(const struct vg_web *web);
/* Closes everything and waits for the thread; NULL is fine. */
void vg_web_stop(struct vg_web *web);

#endif
