/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of training systems share; see systems_kit.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <strings.h>

#include "tests/unit/systems_kit.h"

static struct vg_config *load(const char *keys, struct vg_diags *diags)
{
    struct vg_config *config;
    char text[1500];
    *diags = (struct vg_diags){0};
    snprintf(text, sizeof text,
             "connections: {w: {conninfo: host=h}}\nretraining: {delay-model: {%s}}\n", keys);
    return vg_config_parse(text, strlen(text), "p.yaml", diags, &config) < 0 ? NULL : config;
}

void systems_begin(struct asked *asked, const char *keys)
{
    struct vg_diags diags;
    *asked = (struct asked){.config = load(keys, &diags), .arena = vg_arena_new()};
    if (!asked->config)
        fail_msg("%s: %s", keys, diags.items[0].msg);
    vg_diags_free(&diags);
    const struct vg_retraining *retraining = &asked->config->retraining[0];
    asked->onset = kit_onset();
    asked->system = vg_trigger_of(retraining);
    asked->in = (struct vg_trigger_in){
        .retraining = retraining,
        .url = retraining->http.url,
        .agent = "prod",
        .key = asked->onset.key,
        .onset = &asked->onset,
        .token = "token",
        .password = "password",
        .asked_us = asked->onset.due_us,
        .now_us = KIT_JUNE_12,
    };
}

void systems_end(struct asked *asked)
{
    vg_config_free(asked->config);
    vg_arena_free(asked->arena);
}

const char *systems_ask(struct asked *asked, int step)
{
    struct vg_error err = {0};
    asked->in.step = step;
    if (asked->system->render(&asked->in, asked->arena, &asked->request, &err) < 0)
        fail_msg("%s", err.msg);
    return asked->request.body ? asked->request.body : "";
}

const struct vg_trigger_said *systems_take(struct asked *asked, int status, const char *body)
{
    asked->said = (struct vg_trigger_said){0};
    vg_buf_init_wiped(&asked->said.token, 1000);
    asked->system->answer(&asked->in, kit_response(status, body), &asked->said);
    vg_buf_free(&asked->said.token);
    return &asked->said;
}

const char *systems_follow(struct asked *asked, const char *id)
{
    struct vg_error err = {0};
    asked->run.id = id;
    asked->in.run = &asked->run;
    asked->in.onset = NULL;
    asked->in.step = 0;
    if (asked->system->follow(&asked->in, asked->arena, &asked->request, &err) < 0)
        fail_msg("%s", err.msg);
    return asked->request.body ? asked->request.body : "";
}

const struct vg_trigger_said *systems_look(struct asked *asked, int status, const char *body)
{
    asked->said = (struct vg_trigger_said){0};
    asked->system->followed(&asked->in, kit_response(status, body), &asked->said);
    return &asked->said;
}

/* Beside warnings of files that are not there. */
void systems_refuse(const char *keys, const char *msg)
{
    struct vg_diags diags;
    struct vg_config *config = load(keys, &diags);
    bool found = false;
    for (size_t i = 0; i < diags.n; i++)
        found = found || (strstr(diags.items[i].msg, msg) && diags.items[i].loc.line);
    if (config || diags.errors != 1 || !found)
        fail_msg("%s: %s", keys, diags.n ? diags.items[0].msg : "loads");
    vg_diags_free(&diags);
    vg_config_free(config);
}

const char *systems_header(const struct asked *asked, const char *name)
{
    for (size_t i = 0; i < asked->request.nheaders; i++) {
        if (!strcasecmp(asked->request.headers[i].key, name))
            return asked->request.headers[i].value;
    }
    return "";
}
