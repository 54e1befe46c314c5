/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With which rights a request goes to a Pushgateway.
 *
 * Promises that headers and token of one gateway are never sent to another: a request has the
 * rights of the gateway that its URL belongs to, or none. A gateway that a reload replaced is kept
 * with its rights, so that the groups there can be deleted.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/deliver/parts.h"
#include "pgvigil/text.h"

enum { FORMER_MOST = 4 };

/* Whether the group stands on the gateway: <gateway>/metrics/... */
static bool belongs_to(const char *group_url, const char *gateway)
{
    static const char path[] = "/metrics/";
    size_t n = gateway ? strlen(gateway) : 0;
    while (n && gateway[n - 1] == '/')
        n--;
    return n && !strncmp(group_url, gateway, n) && !strncmp(group_url + n, path, sizeof path - 1);
}

const struct vg_endpoint *vg_deliver_rights(const struct vg_deliver *deliver, const char *group_url,
                                            struct vg_endpoint *bare, bool *elsewhere)
{
    const struct vg_endpoint *own = &deliver->config->push;
    *elsewhere = !belongs_to(group_url, deliver->config->push_url);
    if (!*elsewhere)
        return own;
    for (const struct vg_former_gateway *f = deliver->former; f; f = f->next) {
        if (belongs_to(group_url, f->endpoint.url))
            return &f->endpoint;
    }
    *bare = (struct vg_endpoint){
        .insecure_http = own->insecure_http,
        .allow_private = own->allow_private,
        .timeout_us = own->timeout_us,
    };
    return bare;
}

static bool copy_text(struct vg_arena *arena, const char *from, const char **to)
{
    *to = vg_arena_strdup(arena, from);
    return *to || !from;
}

static bool copy_endpoint(struct vg_arena *arena, const struct vg_endpoint *from,
                          struct vg_endpoint *to)
{
    struct vg_pair *headers = vg_arena_array(arena, from->nheaders + 1, sizeof *headers);
    *to = *from;
    to->headers = headers;
    bool fine = headers && copy_text(arena, from->url, &to->url) &&
                copy_text(arena, from->token_file, &to->token_file) &&
                copy_text(arena, from->ca_file, &to->ca_file);
    for (size_t i = 0; fine && i < from->nheaders; i++)
        fine = copy_text(arena, from->headers[i].key, &headers[i].key) &&
               copy_text(arena, from->headers[i].value, &headers[i].value);
    return fine;
}

static void free_former(struct vg_former_gateway *former)
{
    if (!former)
        return;
    vg_arena_free(former->arena);
    free(former);
}

static void drop_oldest(struct vg_deliver *deliver)
{
    struct vg_former_gateway **link = &deliver->former;
    for (size_t n = 0; *link && n < FORMER_MOST; n++)
        link = &(*link)->next;
    free_former(*link); /* one is added at a time, so that it is the last */
    *link = NULL;
}

int vg_deliver_retire_gateway(struct vg_deliver *deliver, struct vg_error *err)
{
    const struct vg_config *config = deliver->config;
    if (!config || !config->push_url)
        return 0;
    struct vg_former_gateway *former = vg_array(1, sizeof *former);
    if (former)
        former->arena = vg_arena_new();
    if (!former || !former->arena ||
        !copy_endpoint(former->arena, &config->push, &former->endpoint) ||
        !copy_text(former->arena, config->push_url, &former->endpoint.url)) {
        free_former(former);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    former->next = deliver->former;
    deliver->former = former;
    drop_oldest(deliver);
    return 0;
}

void vg_deliver_forget_gateways(struct vg_deliver *deliver)
{
    while (deliver->former) {
        struct vg_former_gateway *next = deliver->former->next;
        free_former(deliver->former);
        deliver->former = next;
    }
}
