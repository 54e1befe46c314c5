/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rim as the core sees it: source, clock, HTTP, sinks; layer 2.
 *
 * Four small interfaces, each with a real and a fake implementation. No implementation is named
 * here. The state store's contract is store.h.
 */
#ifndef PGVIGIL_PORTS_H
#define PGVIGIL_PORTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"
#include "pgvigil/catalog.h"
#include "pgvigil/event.h"
#include "pgvigil/rule.h"

/* --- Source: PostgreSQL. A session is one REPEATABLE READ READ ONLY snapshot. ----------------- */

struct vg_session;
struct vg_source {
    const struct vg_source_ops *ops;
};

struct vg_limits_of_session {
    int64_t timeout_us;      /* connect, catalogue, tick statements */
    const atomic_bool *stop; /* set by a signal: give up with VG_E_CANCELLED; may be NULL */
};

struct vg_query_column {
    enum vg_kind kind;
    uint32_t wire_oid;
    bool raw;            /* keep the wire bytes (keys); TEXT always does */
    uint32_t cast_oid;   /* not 0: the wire carries text, to be converted to this type; kind is the
                        * type's. What cannot be is VG_CELL_UNCAST. */
    enum vg_codec codec; /* the wire carries bytes, to be decoded to cast_oid, which may be any type
                          * or 0: then only nulls are told apart */
};
struct vg_query {
    const char *sql; /* COPY (...) TO STDOUT (FORMAT binary) */
    const struct vg_query_column *columns;
    size_t ncolumns;
    int64_t timeout_us;
    void (*progress)(void *arg, uint64_t rows); /* about every second; may be NULL */
    void *progress_arg;
};

struct vg_source_ops {
    /* Opens a snapshot on the named connection. VG_E_CONNECT, VG_E_PERMISSION, VG_E_TIMEOUT ... */
    int (*open)(struct vg_source *self, const char *connection,
                const struct vg_limits_of_session *limits, struct vg_session **out,
                struct vg_error *err);
    /* table as written in the rule file; VG_E_NOT_FOUND when there is none. Result in arena. */
    int (*catalog)(struct vg_session *session, const char *table, struct vg_arena *arena,
                   const struct vg_catalog **out, struct vg_error *err);
    /* Streams rows in batches. A batch callback may return -1 to stop (its err is passed on). */
    int (*scan)(struct vg_session *session, const struct vg_query *query,
                int (*each)(void *arg, const struct vg_batch *batch, struct vg_error *err),
                void *arg, struct vg_error *err);
    /* A statement with a small result; params may hold NULLs. Result in arena, at most 10 000
     * rows. */
    int (*rows)(struct vg_session *session, const char *sql, const char *const *params,
                size_t nparams, struct vg_arena *arena, struct vg_rows *out, struct vg_error *err);
    /* The same without parameters, with a limit of time of its own. */
    int (*ask)(struct vg_session *session, const char *sql, int64_t timeout_us,
               struct vg_arena *arena, struct vg_rows *out, struct vg_error *err);
    /* ROLLBACK, and the connection kept for the next session or closed. NULL is fine. */
    void (*close)(struct vg_session *session);
    void (*free)(struct vg_source *self);
    /* Names and types of the columns of a SELECT, which is not run. In arena. */
    int (*describe)(struct vg_session *session, const char *select, struct vg_arena *arena,
                    struct vg_described **out, size_t *n, struct vg_error *err);
    /* The one thing that is ever written: a table of the user's. Opens a transaction that may
     * write, on the named connection, to be ended by close(), which undoes what was not
     * committed; idle_us: the longest that passes between two statements of it. */
    int (*begin)(struct vg_source *self, const char *connection,
                 const struct vg_limits_of_session *limits, int64_t idle_us,
                 struct vg_session **out, struct vg_error *err);
    /* One statement without rows in such a transaction; *changed: rows it touched. */
    int (*write)(struct vg_session *session, const char *sql, const char *const *params,
                 size_t nparams, uint64_t *changed, struct vg_error *err);
    int (*commit)(struct vg_session *session, struct vg_error *err);
};

/* --- Clock ------------------------------------------------------------------------------------ */

struct vg_clock {
    const struct vg_clock_ops *ops;
};
struct vg_clock_ops {
    int64_t (*now_us)(struct vg_clock *self);
    /* Returns at `until_us`, or before when woken. A virtual clock jumps. */
    void (*sleep_until)(struct vg_clock *self, int64_t until_us);
    void (*wake)(struct vg_clock *self); /* from any thread, and from a signal handler */
};

/* --- HTTP client ------------------------------------------------------------------------------ */

/* Mail instead of HTTP: the URL is smtp:// or smtps://, the body the whole message, lines ended by
 * CRLF. */
struct vg_mail {
    const char *from;
    const char *const *to;
    size_t nto;
    const char *user, *password; /* or NULL */
};

/* Rights of Amazon Web Services: a request is signed with them, Signature Version 4. */
struct vg_aws {
    const char *region, *service, *id, *secret;
};

struct vg_request {
    const char *method, *url;
    const struct vg_pair *headers;
    size_t nheaders;
    const void *body;
    size_t body_size;
    const char *ca_file;
    bool insecure_http, allow_private;
    int64_t timeout_us;
    const struct vg_mail *mail; /* or NULL */
    const struct vg_aws *aws;   /* or NULL; then there is no header Authorization */
    /* What of the above is secret, texts or whole addresses: struck out where the answer's body
     * repeats it, as errors of servers do. */
    const char *const *secrets;
    size_t nsecrets;
    /* A program instead of HTTP, or NULL: absolute path and arguments, ended by NULL; the body is
     * its standard input, the headers are added to its environment. */
    const char *const *run;
    bool secret; /* of a program: what it prints is a secret, and its standard error is not kept */
    /* For the delivery engine. `more`: another request of the same message follows this one.
     * `again_us`: so long after its delivery it is made anew, until something newer is delivered;
     * 0: never. */
    bool more;
    int64_t again_us;
};
enum { VG_STATUS_EXIT = 1000 };
struct vg_response {
    /* 0: no answer, error says why. Of mail: the server's reply code. Of a program:
     * VG_STATUS_EXIT and its exit code. */
    int status;
    char body[65537];
    size_t body_size;       /* at most 64 KiB kept, NUL-terminated */
    int64_t retry_after_us; /* of Retry-After in seconds or as a date, else 0; not capped */
    char location[1024];    /* of the header of this name, "" without, or where it is longer */
    struct vg_error error;
    /* The answer came to its end, and body is all of it. Of HTTP; of a program: false. */
    bool whole;
};
struct vg_http {
    const struct vg_http_ops *ops;
};
struct vg_http_ops {
    /* Begins a request (all text is copied). `tag` comes back with its answer. */
    int (*start)(struct vg_http *self, const struct vg_request *request, void *tag,
                 struct vg_error *err);
    /* Waits at most until something is answered or timeout; true: *tag and *out (borrowed until the
     * next call) are set; false: nothing yet. */
    bool (*poll)(struct vg_http *self, int64_t timeout_us, void **tag,
                 const struct vg_response **out);
    void (*wake)(struct vg_http *self); /* ends a poll, from any thread */
    void (*free)(struct vg_http *self);
};

/* --- Sinks: receivers and triggers render requests and read answers; both pure ---------------- */

enum vg_outcome {
    VG_DELIVERED,
    VG_RETRY,
    VG_PERMANENT,
    VG_AFRESH /* what was kept of this receiver's answers holds no more: again without it */
};

/* What a rendering may know. */
struct vg_sink_in {
    const struct vg_receiver *receiver;
    const struct vg_message *message;
    const char *secret; /* text of url_file, routing_key_file or password_file, trimmed, or NULL */
    const char *signing[2]; /* secrets of signatures, the newest first; or NULL */
    const char *kept;       /* of the answer to the first message of this key, or NULL */
    int step;               /* requests of this message that are done */
    int64_t now_us;         /* of this attempt */
};

struct vg_sink_ops {
    const char *name, *doc;
    /* The service takes one request every spacing_us, after a burst; 0: as many as come. */
    int64_t spacing_us;
    int burst;
    bool gathers;       /* read by people: of many messages one is made, message->gathered */
    const char *scheme; /* of Authorization with the token_file; NULL: Bearer */
    /* The request for a message, in arena. Reads no clock and no socket. A request whose url is
     * NULL: there is nothing to send to this receiver, and the message counts as delivered. */
    int (*render)(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err);
    /* What an answer means; *retry_after_us may be raised from the body. why gets a short
     * sentence. */
    enum vg_outcome (*answer)(const struct vg_response *response, int64_t *retry_after_us,
                              char *why, size_t why_size);
    /* What is to be kept of an answer that delivered, for later messages of the same key; nothing
     * appended: nothing. Never a secret. NULL: it keeps nothing. */
    void (*keep)(const struct vg_response *response, struct vg_buf *out);
};
const struct vg_sink_ops *vg_sink_of(enum vg_receiver_kind kind);

/* --- Publisher: Pushgateway, /metrics --------------------------------------------------------- */

struct vg_publisher {
    const struct vg_publish_ops *ops;
};
struct vg_publish_ops {
    /* Takes a copy of what it needs; never blocks on a network. `alerts`: all of the dataset's, as
     * committed with the cycle; what was shown of a rule that is in neither is forgotten. */
    void (*publish)(struct vg_publisher *self, const struct vg_cycle *cycle,
                    const struct vg_alert *alerts, size_t nalerts);
    void (*retire)(struct vg_publisher *self, const char *dataset);
};

#endif
