/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP client behind struct vg_http: libcurl's multi interface, driven by one thread.
 *
 * The only file that knows libcurl. It follows no redirect, uses no proxy, keeps no connection, and
 * connects to no address that the request has no right to. What it says of a URL is scheme and
 * host.
 */
#ifndef PGVIGIL_AGENT_HTTP_H
#define PGVIGIL_AGENT_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"
#include "pgvigil/ports.h"

enum {
    VG_HTTP_BODY_BYTES = 65536, /* of an answer's body are kept; more ends the transfer */
    VG_HTTP_WHERE_SIZE = 280,   /* scheme and host */
};

/* A client. start, poll and free belong to one thread, wake to all. Broken pipes are ignored in the
 * whole process from here on. */
int vg_http_new(struct vg_http **out, struct vg_error *err);

/* "https://hooks.slack.com": what may be shown of a URL. Returns out. */
char *vg_http_where(const char *url, char out[VG_HTTP_WHERE_SIZE]);

/* Whether the URL may be asked at all: https, or http to a literal loopback host (127.x.x.x, [::1],
 * localhost) or with insecure_http. 0, or -1 with VG_E_CONFIG and a hint. */
int vg_http_check_url(const char *url, bool insecure_http, struct vg_error *err);

/* Whether a mail server's address has one of the two schemes. 0, or -1 with VG_E_CONFIG. */
int vg_http_check_mail_url(const char *url, struct vg_error *err);
/* Whether the host is written as a loopback address. */
bool vg_http_is_loopback(const char *url);

/* Whether a connection to this resolved address is allowed. A host that is literally loopback leads
 * to loopback only; other hosts to public addresses, with allow_private to all. */
bool vg_http_address_allowed(const struct sockaddr *address, bool loopback_host,
                             bool allow_private);

/* Whether s may be a method or the name of a header, and whether it may be a header's value. */
bool vg_http_token(const char *s);
bool vg_http_value(const char *s);

/* The request's secrets as texts to look for, into out, which is wiped when it is freed: of an
 * address the parts of its path and query, as somebody who cannot find it names them; of all of it
 * what base64 makes of it. */
void vg_http_note_secrets(const struct vg_request *request, struct vg_buf *out);
/* Puts asterisks over them in an answer's body, also where they are escaped as in JSON, HTML or an
 * address; where they could not be noted nothing is left of it. `body` ends with a NUL. */
void vg_http_strike(const struct vg_buf *hidden, char *body, size_t *n);

/* Microseconds to wait by the text of a Retry-After header: seconds, or a date, which counts from
 * `now_s` (seconds since 1970). 0 for nonsense and for the past. */
int64_t vg_http_retry_after(const char *text, int64_t now_s);

#endif
