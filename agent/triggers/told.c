/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an answer tells of a run: whether it was made, how it is, and why. Pure. */
#include <jansson.h>
#include <string.h>

#include "agent/triggers/systems.h"

enum { WORD_SIZE = 60, REASON_SIZE = 120 };

bool vg_trigger_made(const struct vg_response *response, struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (response->status == 403 && strstr(response->body, "exceeded quota"))
        said->outcome = VG_RETRY;
    if (response->status != 409)
        return took;
    bool there = vg_trigger_exists(response) || strstr(response->body, "ALREADY_EXISTS");
    said->outcome = there ? VG_DELIVERED : VG_RETRY;
    return there;
}

static bool is_cut_object(const struct vg_response *response, const char *ours)
{
    const char *begin = response->body + strspn(response->body, " \t\r\n");
    return *begin == '{' && ours && strstr(begin, ours);
}

bool vg_trigger_told(const struct vg_response *response, const char *path, const char *ours,
                     struct vg_trigger_said *said)
{
    char id[WORD_SIZE];
    if (response->status == 409)
        return true;
    json_t *body = vg_trigger_body(response);
    bool told = *vg_trigger_at(body, path, id, sizeof id) || is_cut_object(response, ours);
    json_decref(body);
    if (!told)
        vg_trigger_refuse(said, VG_RETRY,
                          "status %d, with an answer that names no run: whether there is one is"
                          " unclear",
                          response->status);
    return told;
}

void vg_trigger_tell(const struct vg_trigger_telling *telling, const json_t *body,
                     struct vg_trigger_said *said)
{
    char word[WORD_SIZE], reason[REASON_SIZE] = "";
    vg_trigger_at(body, telling->state, word, sizeof word);
    if (telling->reason)
        vg_trigger_at(body, telling->reason, reason, sizeof reason);
    said->state = vg_trigger_state(telling->words, telling->nwords, word);
    snprintf(said->why, sizeof said->why, "%s is %s%s%s", telling->what, *word ? word : "there",
             *reason ? ": " : "", reason);
}
