/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executions of a pipeline of Amazon SageMaker, with a ClientRequestToken.
 *
 * Pure; whoever sends a request signs it. The credentials are JSON as the AWS tools print them, or
 * id:secret[:session]. Errors come as 400 with a type, some of which pass.
 */
#include <jansson.h>
#include <string.h>

#include "agent/receivers/receivers.h"
#include "agent/triggers/keys.h"

struct settings {
    struct vg_trigger_settings base;
    const char *region, *pipeline;
};

static const struct vg_key keys[] = {
    {"region", VG_VALUE_STRING, offsetof(struct settings, region), .required = true,
     .doc = "region of the pipeline, such as eu-central-1"},
    {"pipeline", VG_VALUE_STRING, offsetof(struct settings, pipeline), .required = true,
     .doc = "name or ARN of the pipeline"},
    {"url", VG_VALUE_URL, IN_SETTINGS(url), .shown = "the region's",
     .doc = "another address of the service: that of a VPC endpoint"},
    VG_KEYS_TOKEN("credentials: JSON as credential_process prints it, or id:secret:session"),
    VG_KEY_INPUTS("parameters of the pipeline; {{model}} and its like are replaced in texts"),
    VG_KEY_FOLLOW,
    VG_KEYS_RIGHTS,
};
static const struct vg_key_table table = {"sagemaker", VG_KEYS(keys)};

static const char *const environment[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                          "AWS_SESSION_TOKEN", NULL};

static const struct vg_trigger_word words[] = {
    {"Executing", VG_RETRAIN_RUNNING},   {"Stopping", VG_RETRAIN_RUNNING},
    {"Stopped", VG_RETRAIN_FAILED},      {"Failed", VG_RETRAIN_FAILED},
    {"Succeeded", VG_RETRAIN_SUCCEEDED},
};
static const struct vg_trigger_telling telling = {"the execution", "PipelineExecutionStatus",
                                                  "FailureReason", VG_WORDS(words)};

static const struct settings *settings_of(const struct vg_retraining *retraining)
{
    return (const struct settings *)(const void *)retraining->settings;
}

static int check(const struct vg_retraining *retraining, const char **key, struct vg_error *err)
{
    const char *region = settings_of(retraining)->region;
    *key = "region";
    if (*region && strlen(region) < 40 &&
        !region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return 0;
    vg_fail(err, VG_E_CONFIG, "region: this is not the name of a region");
    return vg_hint(err, "region: eu-central-1");
}

/* --- Credentials ------------------------------------------------------------------------------ */

static const char *copy_member(const json_t *json, const char *name, struct vg_arena *arena)
{
    return vg_arena_strdup(arena, json_string_value(json_object_get(json, name)));
}

/* *session: NULL where there is none. */
static int read_credentials(const char *token, struct vg_arena *arena, struct vg_aws *out,
                            const char **session, struct vg_error *err)
{
    *session = NULL;
    if (token && token[strspn(token, " \t\r\n")] == '{') {
        json_t *json = json_loads(token, 0, NULL);
        out->id = copy_member(json, "AccessKeyId", arena);
        out->secret = copy_member(json, "SecretAccessKey", arena);
        *session = copy_member(json, "SessionToken", arena);
        json_decref(json);
    } else if (token) {
        const char *colon = strchr(token, ':');
        size_t n = colon ? strcspn(colon + 1, ":") : 0;
        out->id = colon ? vg_arena_strndup(arena, token, (size_t)(colon - token)) : NULL;
        out->secret = n ? vg_arena_strndup(arena, colon + 1, n) : NULL;
        if (n && colon[1 + n])
            *session = colon + 2 + n;
    }
    if (*session && !**session)
        *session = NULL;
    if (out->id && *out->id && out->secret && *out->secret)
        return 0;
    vg_fail(err, VG_E_CONFIG, "sagemaker: the credentials are neither JSON nor id:secret");
    return vg_hint(err, "token_command: [/usr/bin/aws, configure, export-credentials]");
}

/* --- Requests --------------------------------------------------------------------------------- */

static const char *find_url(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    const char *region = settings_of(in->retraining)->region;
    if (in->url)
        return in->url;
    return vg_arena_printf(arena, "https://api.sagemaker.%s.amazonaws.com%s/", region,
                           strncmp(region, "cn-", 3) ? "" : ".cn");
}

/* Errors of signatures repeat the headers. The id is half of what the secret file holds. */
static int hide(struct vg_request *out, const struct vg_aws *aws, const char *session,
                struct vg_arena *arena, struct vg_error *err)
{
    const char **secrets = vg_arena_array(arena, 3, sizeof *secrets);
    if (!secrets)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    secrets[0] = aws->id;
    secrets[1] = aws->secret;
    secrets[2] = session;
    out->secrets = secrets;
    out->nsecrets = session ? 3 : 2;
    return 0;
}

static int call(const struct vg_trigger_in *in, const char *target, json_t *body,
                struct vg_arena *arena, struct vg_request *out, struct vg_error *err)
{
    struct vg_trigger_in bare = *in;
    const char *session;
    struct vg_aws *aws = vg_arena_alloc(arena, sizeof *aws);
    bare.token = NULL; /* there is no Authorization but the signature */
    if (!aws) {
        json_decref(body);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    int rc = vg_trigger_post(&bare, find_url(in, arena), body, arena, out, err);
    rc = rc ? rc : read_credentials(in->token, arena, aws, &session, err);
    rc =
        rc ? rc : vg_receiver_header(out, "Content-Type", "application/x-amz-json-1.1", arena, err);
    rc = rc ? rc : vg_receiver_header(out, "X-Amz-Target", target, arena, err);
    if (!rc && session)
        rc = vg_receiver_header(out, "X-Amz-Security-Token", session, arena, err);
    rc = rc ? rc : hide(out, aws, session, arena, err);
    aws->region = settings_of(in->retraining)->region;
    aws->service = "sagemaker";
    out->aws = rc ? NULL : aws;
    return rc;
}

static json_t *make_parameters(const struct vg_trigger_in *in, struct vg_arena *arena)
{
    struct vg_pair *given;
    size_t n;
    json_t *list = json_array();
    int bad = vg_trigger_texts(vg_trigger_filled(in, in->retraining->body), 0, arena, &given, &n);
    for (size_t i = 0; !bad && i < n; i++)
        bad = json_array_append_new(
            list, json_pack("{s:s, s:s}", "Name", given[i].key, "Value", given[i].value));
    return vg_receiver_made(list, bad);
}

static int render(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const char *name = vg_trigger_label(in, arena);
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:o}", "PipelineName",
                             settings_of(in->retraining)->pipeline, "ClientRequestToken", name,
                             "PipelineExecutionDisplayName", name, "PipelineExecutionDescription",
                             vg_trigger_note(in), "PipelineParameters", make_parameters(in, arena));
    return call(in, "SageMaker.StartPipelineExecution", body, arena, out, err);
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* Of an error: its type without the name space before it, and whether it passes. */
static void read_error(const struct vg_response *response, struct vg_trigger_said *said)
{
    static const char *const passing[] = {
        "ThrottlingException",   "Throttling",     "ResourceLimitExceeded", "ConflictException",
        "ExpiredTokenException", "RequestExpired", "ServiceUnavailable",    "InternalFailure"};
    char type[100], message[100];
    json_t *body = vg_trigger_body(response);
    vg_trigger_at(body, "__type", type, sizeof type);
    if (!*vg_trigger_at(body, "message", message, sizeof message))
        vg_trigger_at(body, "Message", message, sizeof message);
    json_decref(body);
    const char *name = strrchr(type, '#') ? strrchr(type, '#') + 1 : type;
    if (!*name)
        return;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (!strcmp(name, passing[i]))
            said->outcome = VG_RETRY;
    }
    snprintf(said->why, sizeof said->why, "status %d, %.60s: %s", response->status, name, message);
}

static bool take(const struct vg_response *response, struct vg_trigger_said *said)
{
    bool took = vg_trigger_took(response, said);
    if (!took && response->status)
        read_error(response, said);
    return took;
}

static void answer(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said)
{
    (void)in;
    if (!take(response, said) || !vg_trigger_told(response, "PipelineExecutionArn", NULL, said))
        return;
    json_t *body = vg_trigger_body(response);
    vg_trigger_at(body, "PipelineExecutionArn", said->id, sizeof said->id);
    json_decref(body);
}

/* --- What became of it ------------------------------------------------------------------------ */

static int follow(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    return call(in, "SageMaker.DescribePipelineExecution",
                json_pack("{s:s}", "PipelineExecutionArn", in->run->id), arena, out, err);
}

static void followed(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said)
{
    (void)in;
    if (!take(response, said)) {
        if (strstr(said->why, "ResourceNotFound")) {
            said->outcome = VG_DELIVERED;
            said->state = VG_RETRAIN_LOST;
        }
        return;
    }
    json_t *body = vg_trigger_body(response);
    vg_trigger_tell(&telling, body, said);
    json_decref(body);
}

const struct vg_trigger_ops vg_trigger_sagemaker = {
    .name = "sagemaker",
    .doc = "an execution of a pipeline of Amazon SageMaker",
    .keys = &table,
    .settings_size = sizeof(struct settings),
    .environment = environment,
    .check = check,
    .render = render,
    .answer = answer,
    .follow = follow,
    .followed = followed,
};
