/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program of the user's for every training system that is not here: it reads the request as JSON
 * from its standard input, and says by its exit code whether it has started the training.
 *
 * Pure; the program is run by agent/run, by no shell. 0: accepted; 75 (EX_TEMPFAIL) and an end by a
 * signal or for want of time: again later, so that it must itself tell that a key was there before;
 * all else: refused for good.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

enum { EXIT_LATER = 75, QUOTED_CHARS = 120 };

static const struct vg_key keys[] = {
    {"run", VG_VALUE_STRINGS, IN_SETTINGS(run), .required = true,
     .doc = "absolute path of a program, and its arguments; no shell"},
    VG_KEY_PARAMETERS("what it reads as JSON; {{model}} and its like are replaced in texts"),
    VG_KEY_TIMEOUT("10s", "2m", "after that it is killed with all it has started"),
};
static const struct vg_key_table table = {"command of a retraining", VG_KEYS(keys)};

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const struct vg_strings *run = &retraining->settings->run;
    *key = "run";
    if (run->n && run->items[0][0] == '/')
        return 0;
    vg_fail(err, VG_E_CONFIG, "run: the path of the program begins with a slash");
    return vg_hint(err, "run: [/usr/local/bin/retrain]");
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_strings *run = &in->retraining->settings->run;
    const char **argv = vg_arena_array(arena, run->n + 1, sizeof *argv);
    if (!argv)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < run->n; i++)
        argv[i] = run->items[i];
    if (vg_trigger_post(in, argv[0], vg_trigger_parameters(in), arena, out, err) < 0)
        return -1;
    out->run = argv;
    out->headers = NULL;
    out->nheaders = 0;
    return 0;
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    int code = response->status - VG_STATUS_EXIT;
    (void)in;
    if (!response->status) {
        vg_trigger_refuse(said, VG_RETRY, "%.190s", response->error.msg);
        return;
    }
    json_t *text = vg_receiver_text(response->body, QUOTED_CHARS);
    const char *words = text ? json_string_value(text) : NULL;
    enum vg_outcome outcome = code == 0            ? VG_DELIVERED
                              : code == EXIT_LATER ? VG_RETRY
                                                   : VG_PERMANENT;
    if (words && *words)
        vg_trigger_refuse(said, outcome, "exit code %d: %.170s", code, words);
    else
        vg_trigger_refuse(said, outcome, "exit code %d", code);
    json_decref(text);
}

const struct vg_trigger_ops vg_trigger_command = {
    .name = "command",
    .doc = "a program of your own: reads the request as JSON, its exit code is the answer",
    .keys = &table,
    .settings_size = sizeof(struct vg_trigger_settings),
    .check = check,
    .render = render,
    .answer = answer,
};
