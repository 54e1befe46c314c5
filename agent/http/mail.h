/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mail over SMTP as one of the transfers of the HTTP client; known to this folder only. */
#ifndef PGVIGIL_AGENT_HTTP_MAIL_H
#define PGVIGIL_AGENT_HTTP_MAIL_H

#include <curl/curl.h>

#include "pgvigil/ports.h"

/* What must live as long as the transfer: recipients, and the text that is left to send. */
struct vg_mail_upload;

/* Turns an easy handle, of which URL, address checks, CA file and times are set, into one that
 * sends request->mail. *out is to be freed whatever is returned. */
CURLcode vg_mail_set(CURL *easy, const struct vg_request *request, struct vg_mail_upload **out);
/* A line that the server has said. */
void vg_mail_hear(struct vg_mail_upload *upload, const char *reply, size_t n);
/* Whether there is a user, and the server has not let it log in: libcurl goes on without where the
 * server offers no AUTH. The text is not given then. */
bool vg_mail_is_stranger(const struct vg_mail_upload *upload);
void vg_mail_free(struct vg_mail_upload *upload); /* NULL is fine */

#endif
