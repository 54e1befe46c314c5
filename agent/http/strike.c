/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Servers repeat in their errors what they were asked: "no such hook: /T1/B1/x7f...", "invalid
 * token xoxb-...". Such a body is quoted in logs, in the state and to other receivers.
 *
 * Promises that no secret of a request, whole or a long part of its address, stands in the answer's
 * body that leaves the client. Pure. */
#include <string.h>
#include <strings.h>

#include "agent/http/http.h"

/* Shorter ones are words that everybody uses. */
enum { PART_LEAST = 8, TEXT_LEAST = 4, HIDDEN_BYTES = 1 << 20 };

static void note(struct vg_buf *out, const char *text, size_t n)
{
    vg_buf_add(out, text, n);
    vg_buf_putc(out, '\0');
}

static void note_address(struct vg_buf *out, const char *path)
{
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, "/?&=#");
        if (n >= PART_LEAST)
            note(out, at, n);
        at += n + (at[n] != '\0');
    }
}

void vg_http_note_secrets(const struct vg_request *request, struct vg_buf *out)
{
    vg_buf_init_wiped(out, HIDDEN_BYTES);
    for (size_t i = 0; i < request->nsecrets; i++) {
        const char *text = request->secrets[i], *host = strstr(text, "://");
        if (host && (!strncasecmp(text, "http", 4) || !strncasecmp(text, "smtp", 4)))
            note_address(out, host + 3 + strcspn(host + 3, "/?#"));
        else if (strlen(text) >= TEXT_LEAST)
            note(out, text, strlen(text));
    }
}

void vg_http_strike(const struct vg_buf *hidden, char *body, size_t *n)
{
    if (hidden->failed) {
        *body = '\0';
        *n = 0;
    }
    for (size_t from = 0; from < hidden->len;) {
        const char *text = hidden->data + from;
        size_t length = strlen(text), left = *n;
        for (char *at = body; (at = memmem(at, left, text, length)); at += length) {
            memset(at, '*', length);
            left = *n - (size_t)(at - body) - length;
        }
        from += length + 1;
    }
}
