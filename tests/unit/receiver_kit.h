/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/receiver.py as a child process, for tests of the HTTP client: it is started on a free port,
 * told what to do, and asked what it has seen.
 */
#ifndef TESTS_UNIT_RECEIVER_KIT_H
#define TESTS_UNIT_RECEIVER_KIT_H

#include <jansson.h>
#include <sys/types.h>

#include "pgvigil/ports.h"

struct kit_receiver {
    pid_t pid;
    int port;
    int alive; /* when this pipe ends, as it does with this process, the receiver ends */
};

/* Runs a program to its end; its exit code. argv ends with NULL. */
int kit_run(const char *const *argv);
/* Starts the receiver with further arguments (NULL-terminated). */
void kit_start(struct kit_receiver *receiver, const char *const *more);
void kit_stop(struct kit_receiver *receiver);
/* Starts tests/receivers/proxy.py before a receiver: a port for each fault. Ended by kit_stop. */
void kit_start_proxy(struct kit_receiver *proxy, const struct kit_receiver *to,
                     const char *const *faults, size_t n, int *ports);

/* One exchange by the client under test; fails after 20 s. The response lives until the next. */
const struct vg_response *kit_exchange(struct vg_http *http, const struct vg_request *request);
/* Replaces the rules of the receiver; `rules` is a JSON list. */
void kit_rules(struct vg_http *http, const struct kit_receiver *receiver, const char *rules);
/* GET of /state or /requests/last, parsed; the caller frees it. */
json_t *kit_ask(struct vg_http *http, const struct kit_receiver *receiver, const char *path);

#endif
