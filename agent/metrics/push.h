/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The groups on a Pushgateway: one per dataset and one of the agent's own.
 *
 * A publisher in front of the board: it hands every cycle on to the board and then replaces the
 * dataset's group and the agent's. It renders and addresses requests; sending them, one at a time
 * for a URL and the last one only, is the business of whoever gives `send`. Thread-safe; holds no
 * lock while it calls `send` or the store.
 */
#ifndef PGVIGIL_AGENT_PUSH_H
#define PGVIGIL_AGENT_PUSH_H

#include <stddef.h>

#include "agent/metrics/metrics.h"
#include "pgvigil/error.h"
#include "pgvigil/ports.h"
#include "pgvigil/rule.h"
#include "pgvigil/store.h"

/* The header that goes with every body. */
#define VG_PUSH_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Hands a request over; never waits for its answer. `body` (n bytes, from malloc, NULL for DELETE)
 * belongs to the callee from the call on, also when it returns -1: not taken. */
typedef int vg_push_send(void *arg, const char *url, const char *method, char *body, size_t n);

struct vg_push_target {
    const char *url; /* of the gateway, without /metrics; NULL: nothing is pushed */
    const char *job;
    const char *instance; /* the agent's name */
    vg_push_send *send;
    void *arg;
};

struct vg_push;
/* Texts are copied; metrics and store are borrowed and must live longer. VG_E_MEMORY. */
int vg_push_new(const struct vg_push_target *target, struct vg_metrics *metrics,
                struct vg_store *store, struct vg_push **out, struct vg_error *err);
void vg_push_free(struct vg_push *push);
/* Borrowed; what the loop publishes to instead of the board's own publisher. */
struct vg_publisher *vg_push_publisher(struct vg_push *push);

/* From a reload, in one thread at a time: another address of the gateway (NULL: none) or another
 * job. What was pushed is pushed there at once; the groups at the former address are asked to be
 * deleted, five times at most, and then left there, which the log says. -1, VG_E_MEMORY: nothing
 * has changed. */
int vg_push_retarget(struct vg_push *push, const char *url, const char *job, struct vg_error *err);

/* At start: asks for the deletion of groups that the store remembers and that no dataset of these
 * rules has now (retired while we were down, or another address). */
int vg_push_begin(struct vg_push *push, const struct vg_ruleset *rules, struct vg_error *err);
/* Replaces the agent's own group, and asks again for deletions that have not been answered. */
void vg_push_own(struct vg_push *push);

/* To be called for every request handed to `send`, once it is over: the status of the answer, 0
 * when there was none, and its body. After a 400 the group is sent family by family, the ones
 * refused are named in the log and left out for a while, and the rest is pushed. */
void vg_push_answered(struct vg_push *push, const char *url, const char *method,
                      const struct vg_response *response, int64_t now_us);

/* Appends the address of a group: <url>/metrics/job/<job>/instance/<instance>, and with a dataset
 * /dataset@base64/<id>. Values of other characters than letters, digits, ".", "_", "~", "-" are
 * written in URL-safe base64 without padding under a name with "@base64". */
void vg_push_url(struct vg_buf *out, const struct vg_push_target *target, const char *dataset);

#endif
