/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program of the user's for every receiver that is not here: it reads the message as JSON from
 * its standard input, and says by its exit code whether it has told it.
 *
 * Pure; the program is run by agent/run. It is not run by a shell, and no text of a message is part
 * of its arguments. 0: told; 64 and 65 (EX_USAGE, EX_DATAERR): refused for good; all else is tried
 * again.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/hook.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"

enum { ITEMS = 50, QUOTED_CHARS = 120, TEXT_BYTES = 1 << 20, EXIT_USAGE = 64, EXIT_DATA = 65 };

static json_t *make_links(const struct vg_letter *letter)
{
    json_t *links = json_object();
    for (size_t i = 0; i < letter->nlinks; i++) {
        if (vg_receiver_set(links, letter->links[i].label, json_string(letter->links[i].url))) {
            json_decref(links);
            return NULL;
        }
    }
    return links;
}

/* The body of Alertmanager's webhooks, and beside it what that has no place for. */
static json_t *make_body(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_error *err)
{
    const struct vg_message *message = in->message;
    struct vg_letter letter;
    struct vg_buf text;
    if (vg_letter_make(in, &(const struct vg_letter_room){ITEMS, TEXT_BYTES}, arena, &letter, err) <
        0)
        return NULL;
    vg_buf_init(&text, TEXT_BYTES);
    vg_letter_write(&text, &letter);
    json_t *body = vg_hook_body(in, SIZE_MAX, arena);
    int bad = text.failed || !body ||
              vg_receiver_set(body, "kind", json_string(vg_message_kind_name(message->kind))) ||
              vg_receiver_set(body, "key", json_string(message->key)) ||
              vg_receiver_set(body, "severity", json_string(vg_severity_name(message->severity))) ||
              vg_receiver_set(body, "title", json_string(letter.title)) ||
              vg_receiver_set(body, "text", json_string(text.data)) ||
              vg_receiver_set(body, "links", make_links(&letter));
    vg_buf_free(&text);
    if (!bad)
        return body;
    json_decref(body);
    vg_fail(err, VG_E_MEMORY, "out of memory");
    return NULL;
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_strings *run = &in->receiver->run;
    *out = (struct vg_request){0};
    if (!run->n)
        return vg_fail(err, VG_E_CONFIG, "no program is given");
    const char **argv = vg_arena_array(arena, run->n + 1, sizeof *argv);
    if (!argv)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < run->n; i++)
        argv[i] = run->items[i];
    json_t *body = make_body(in, arena, err);
    if (!body)
        return -1;
    int rc = vg_receiver_request(&in->receiver->endpoint, argv[0], body, arena, out, err);
    json_decref(body);
    out->run = argv;
    out->headers = NULL;
    out->nheaders = 0;
    return rc;
}

static enum vg_outcome answer(const struct vg_response *response, int64_t *retry_after_us,
                              char *why, size_t why_size)
{
    int code = response->status - VG_STATUS_EXIT;
    (void)retry_after_us;
    if (!response->status) {
        snprintf(why, why_size, "%s", response->error.msg);
        return VG_RETRY;
    }
    json_t *said = vg_receiver_text(response->body, QUOTED_CHARS);
    const char *words = said ? json_string_value(said) : "";
    snprintf(why, why_size, words && *words ? "exit code %d: %s" : "exit code %d", code, words);
    json_decref(said);
    if (code == 0)
        return VG_DELIVERED;
    return code == EXIT_USAGE || code == EXIT_DATA ? VG_PERMANENT : VG_RETRY;
}

const struct vg_sink_ops vg_receiver_command = {
    .name = "command",
    .doc = "a program of your own: reads the message as JSON, its exit code is the answer",
    .render = render,
    .answer = answer,
};
