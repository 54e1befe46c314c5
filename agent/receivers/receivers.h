/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What receivers share: the meaning of HTTP answers and the request around a body.
 *
 * Pure, like the receivers themselves: no clock, no socket, no file, no log. vg_sink_of (ports.h)
 * is the registry; a new receiver is one file and one line in pgvigil/receivers.def.
 */
#ifndef PGVIGIL_AGENT_RECEIVERS_H
#define PGVIGIL_AGENT_RECEIVERS_H

#include <jansson.h>
#include <stddef.h>

#include "pgvigil/ports.h"

#define VG_RECEIVER(upper, lower, doc) extern const struct vg_sink_ops vg_receiver_##lower;
#include "pgvigil/receivers.def"
#undef VG_RECEIVER

/* The answer policy of every receiver and trigger, where it has none of its own: 2xx is delivered;
 * no answer, 408, 425, 429 and 5xx are tried again; all else, redirects too, is permanent. *why
 * gets a sentence with the first words of the body. */
enum vg_outcome vg_receiver_answer(const struct vg_response *response, int64_t *retry_after_us,
                                   char *why, size_t why_size);

/* A cleaned JSON string of at most max_chars characters, "…" at the end if it was cut; JSON null
 * for NULL. NULL when out of memory. */
json_t *vg_receiver_text(const char *s, size_t max_chars);

/* RFC 3339; JSON null for VG_NEVER. NULL when out of memory. */
json_t *vg_receiver_time(int64_t us);

/* Puts value (a reference is stolen, NULL is an error) into object: 0 or -1. */
int vg_receiver_set(json_t *object, const char *key, json_t *value);
/* The same of a text as by vg_receiver_text; nothing for NULL, or where nothing is left of it. */
int vg_receiver_set_text(json_t *object, const char *key, const char *s, size_t max_chars);
/* What was made, unless something went bad in the making: then it is given up, and NULL. */
json_t *vg_receiver_made(json_t *made, int bad);

/* A url that may stand in a message: http or https, what could end it percent-encoded, at most 500
 * bytes. In arena; NULL when it is none. */
const char *vg_receiver_link(const char *url, struct vg_arena *arena);

/* JSON as text in arena; flags beside those of every body: JSON_SORT_KEYS, or 0. NULL when out of
 * memory. */
char *vg_receiver_dump(const json_t *json, size_t flags, struct vg_arena *arena, size_t *size);
/* Gives the request this body, which stays the caller's. VG_E_LIMIT. */
int vg_receiver_body(const json_t *body, struct vg_arena *arena, struct vg_request *out,
                     struct vg_error *err);

/* Fills *out: method and rights of the endpoint, its headers after Content-Type, and body as JSON
 * text in arena. VG_E_CONFIG when url is NULL. body stays the caller's. */
int vg_receiver_request(const struct vg_endpoint *endpoint, const char *url, const json_t *body,
                        struct vg_arena *arena, struct vg_request *out, struct vg_error *err);
/* The same without a body yet: its Content-Type is `type`, or none for NULL, unless the endpoint
 * has its own. */
int vg_receiver_wrap(const struct vg_endpoint *endpoint, const char *url, const char *type,
                     struct vg_arena *arena, struct vg_request *out, struct vg_error *err);
/* Gives the request one more header, in the place of another of its name; key and value must live
 * as long as it. */
int vg_receiver_header(struct vg_request *request, const char *key, const char *value,
                       struct vg_arena *arena, struct vg_error *err);
/* base without its last slashes, and path; in arena, NULL without memory. */
const char *vg_receiver_join(const char *base, const char *path, struct vg_arena *arena);

/* Raises *retry_after_us to the number of seconds that the body, JSON, has under `key`. */
void vg_receiver_retry_after(const struct vg_response *response, const char *key,
                             int64_t *retry_after_us);

/* The title: the receiver's template, else the program's own; one clean line, not empty. */
void vg_receiver_title(struct vg_buf *out, const struct vg_sink_in *in);

#endif
