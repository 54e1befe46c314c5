/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What training systems read answers with: the policy they share, values of a JSON body, words for
 * the state of a run. Pure. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/systems.h"
#include "pgvigil/text.h"

enum { TEXT_BYTES = 1 << 16, PART_SIZE = 80 };

/* Rights that have run out come back, and so does a server's patience: GitHub says 403 then. */
static bool may_pass(const struct vg_response *response)
{
    bool limited = response->retry_after_us > 0 || strcasestr(response->body, "rate limit");
    return response->status == 401 || (response->status == 403 && limited);
}

bool vg_trigger_took(const struct vg_response *response, struct vg_trigger_said *said)
{
    said->outcome =
        vg_receiver_answer(response, &said->retry_after_us, said->why, sizeof said->why);
    if (may_pass(response))
        said->outcome = VG_RETRY;
    return said->outcome == VG_DELIVERED;
}

bool vg_trigger_found(const struct vg_response *response, const char *what,
                      struct vg_trigger_said *said)
{
    if (response->status != 404)
        return vg_trigger_took(response, said);
    said->state = VG_RETRAIN_LOST;
    snprintf(said->why, sizeof said->why, "%s was deleted", what);
    return false;
}

json_t *vg_trigger_body(const struct vg_response *response)
{
    json_t *body = json_loadb(response->body, response->body_size, JSON_DECODE_ANY, NULL);
    return body ? body : json_null();
}

json_t *vg_trigger_look(const struct vg_response *response, const char *list,
                        struct vg_trigger_said *said)
{
    json_t *body = response->whole ? vg_trigger_body(response) : json_null();
    const json_t *found = list && *list ? json_object_get(body, list) : body;
    if (list ? json_is_array(found) : json_is_object(found))
        return body;
    json_decref(body);
    vg_trigger_refuse(said, VG_RETRY,
                      "status %d, with an answer that is cut off or not as expected",
                      response->status);
    return NULL;
}

bool vg_trigger_exists(const struct vg_response *response)
{
    json_t *body = vg_trigger_body(response);
    bool exists = json_integer_value(json_object_get(body, "code")) == 6;
    json_decref(body);
    return exists || strstr(response->body, "AlreadyExists");
}

static const json_t *step_into(const json_t *node, const char *part)
{
    if (json_is_array(node) && isdigit((unsigned char)*part))
        return json_array_get(node, (size_t)strtoul(part, NULL, 10));
    return json_object_get(node, part);
}

static const json_t *find_value(const json_t *node, const char *path)
{
    while (node && *path) {
        char part[PART_SIZE];
        size_t n = strcspn(path, "/");
        if (n >= sizeof part)
            return NULL;
        memcpy(part, path, n);
        part[n] = '\0';
        node = step_into(node, part);
        path += n + (path[n] == '/');
    }
    return node;
}

char *vg_trigger_at(const json_t *body, const char *path, char *out, size_t size)
{
    const json_t *value = find_value(body, path);
    struct vg_buf clean;
    vg_buf_init(&clean, TEXT_BYTES);
    if (json_is_string(value))
        vg_utf8_clean(&clean, json_string_value(value), json_string_length(value), true);
    else if (json_is_integer(value))
        vg_buf_printf(&clean, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        vg_buf_puts(&clean, json_is_true(value) ? "true" : "false");
    size_t n = clean.failed ? 0 : clean.len < size ? clean.len : size - 1;
    while (n && n < clean.len && ((unsigned char)clean.data[n] & 0xc0) == 0x80)
        n--; /* not in the middle of a character */
    memcpy(out, clean.data, n);
    out[n] = '\0';
    vg_buf_free(&clean);
    return out;
}

void vg_trigger_more(struct vg_trigger_said *said, int step)
{
    said->outcome = VG_DELIVERED;
    said->more = true;
    said->step = step;
}

void vg_trigger_refuse(struct vg_trigger_said *said, enum vg_outcome outcome, const char *format,
                       ...)
{
    va_list args;
    said->outcome = outcome;
    said->more = false;
    va_start(args, format);
    vsnprintf(said->why, sizeof said->why, format, args);
    va_end(args);
}

enum vg_retrain_state vg_trigger_state(const struct vg_trigger_word *words, size_t n,
                                       const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcasecmp(words[i].word, word))
            return words[i].state;
    }
    return VG_RETRAIN_ASKED;
}
