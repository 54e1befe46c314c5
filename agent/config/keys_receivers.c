/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of receivers: every key of each kind, its type, its default and what it means. A new
 * kind has its table here, under the name that pgvigil/receivers.def gives it. Holds no logic.
 */
#include "agent/config/keys.h"

static const struct vg_key receiver_keys[] = {
#define VG_RECEIVER(upper, lower, doc_)                                                            \
    {.name = #lower,                                                                               \
     .type = VG_VALUE_NODE,                                                                        \
     .offset = sizeof(const struct vg_node *) * VG_RECEIVER_##upper,                               \
     .shown = "mapping " #lower,                                                                   \
     .doc = doc_},
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
};
const struct vg_key_table vg_receiver_table = {"a receiver", TABLE(receiver_keys)};

#define TITLE                                                                                      \
    {                                                                                              \
        "title", VG_VALUE_STRING, IN_ENDPOINT(title), .shown = "the program's own",                \
                                                      .doc = "template of the first line"          \
    }
#define TEXT                                                                                       \
    {                                                                                              \
        "text", VG_VALUE_STRING, IN_ENDPOINT(text),                                                \
            .doc = "template of a text that stands before the alerts"                              \
    }

/* Of those that people read. */
#define DIGEST                                                                                     \
    {"digest",                                                                                     \
     VG_VALUE_INT,                                                                                 \
     IN_ENDPOINT(digest),                                                                          \
     .least = "0",                                                                                 \
     .most = "100",                                                                                \
     .shown = "5, or of defaults",                                                                 \
     .doc = "more incidents than these at once are told in one message; 0: never"},                \
    {                                                                                              \
        "digest_within", VG_VALUE_DURATION, IN_ENDPOINT(digest_within_us),                         \
            .least = "1s", .most = "5m", .shown = "30s, or of defaults",                           \
            .doc = "in how long; what exceeds it waits so long"                                    \
    }

static const struct vg_key slack_keys[] = {
    URL_FILE,
    {"token_file", VG_VALUE_PATH, IN_ENDPOINT(token_file),
     .doc = "file that holds a bot's token (scope chat:write), instead of url_file"},
    SECRET("token", "token_file"),
    {"channel", VG_VALUE_STRING, IN_ENDPOINT(channel), .doc = "where a bot posts; its id, C..."},
    URL("address in clear, for loopback addresses only; with a token, that of the Web API"),
    TITLE,
    TEXT,
    DIGEST,
    RIGHTS,
};
const struct vg_key_table vg_slack_table = {"slack", TABLE(slack_keys)};

static const struct vg_key pagerduty_keys[] = {
    {"routing_key_file", VG_VALUE_PATH, IN_ENDPOINT(routing_key_file), .required = true,
     .doc = "file that holds the integration key"},
    SECRET("routing_key", "routing_key_file"),
    {"url", VG_VALUE_URL, IN_ENDPOINT(url), .fallback = "https://events.pagerduty.com/v2/enqueue",
     .doc = "another endpoint, for example that of the EU"},
    {"changes", VG_VALUE_BOOL, IN_ENDPOINT(changes), .fallback = "true",
     .doc = "a change event when a retraining is asked for"},
    TITLE,
    TEXT,
    RIGHTS,
};
const struct vg_key_table vg_pagerduty_table = {"pagerduty", TABLE(pagerduty_keys)};

static const char *const formats[] = {"alertmanager", "cloudevents", "cloudevents-binary",
                                      "standard", NULL};

static const struct vg_key webhook_keys[] = {
    URL("address, where it is no secret"),
    URL_FILE,
    {"format", VG_VALUE_CHOICE, IN_ENDPOINT(format), .choices = formats, .fallback = "alertmanager",
     .doc = "body: of Alertmanager's webhooks, of CloudEvents, of Standard Webhooks"},
    {"signing_secret_file", VG_VALUE_PATH, IN_ENDPOINT(signing_file),
     .doc = "file that holds whsec_..., by which every request is signed"},
    {"former_signing_secret_file", VG_VALUE_PATH, IN_ENDPOINT(former_signing_file),
     .doc = "a second secret that signs too, while receivers change over"},
    SECRET("signing_secret", "signing_secret_file"),
    METHOD,
    HEADERS,
    RIGHTS,
};
const struct vg_key_table vg_webhook_table = {"webhook", TABLE(webhook_keys)};

static const struct vg_key alertmanager_keys[] = {
    URL("address without /api/v2/alerts; of one Alertmanager, not of a load balancer"),
    URL_FILE,
    {"refresh", VG_VALUE_DURATION, IN_ENDPOINT(refresh_us), .fallback = "1m", .least = "1s",
     .most = "1h", .doc = "time between two reports of what stands; it ends itself after four"},
    HEADERS,
    RIGHTS,
};
const struct vg_key_table vg_alertmanager_table = {"alertmanager", TABLE(alertmanager_keys)};

static const struct vg_key opsgenie_keys[] = {
    {"api_key_file", VG_VALUE_PATH, IN_ENDPOINT(token_file), .required = true,
     .doc = "file that holds the key of an API integration"},
    SECRET("api_key", "api_key_file"),
    {"url", VG_VALUE_URL, IN_ENDPOINT(url),
     .fallback = "https://api.atlassian.com/jsm/ops/integration",
     .doc = "address without /v2/alerts; https://api.opsgenie.com for Opsgenie"},
    {"team", VG_VALUE_STRING, IN_ENDPOINT(team), .doc = "name of the team that is to answer"},
    TITLE,
    TEXT,
    RIGHTS,
};
const struct vg_key_table vg_opsgenie_table = {"opsgenie", TABLE(opsgenie_keys)};

static const struct vg_key teams_keys[] = {
    URL_FILE, URL("address in clear, for loopback addresses only"), TITLE, TEXT, DIGEST, RIGHTS,
};
const struct vg_key_table vg_teams_table = {"teams", TABLE(teams_keys)};

static const struct vg_key discord_keys[] = {
    URL_FILE, URL("address in clear, for loopback addresses only"), TITLE, TEXT, DIGEST, RIGHTS,
};
const struct vg_key_table vg_discord_table = {"discord", TABLE(discord_keys)};

static const struct vg_key email_keys[] = {
    {"server", VG_VALUE_STRING, IN_ENDPOINT(server), .required = true,
     .doc = "smtp://host:587 with STARTTLS, or smtps://host:465"},
    {"from", VG_VALUE_STRING, IN_ENDPOINT(from), .required = true, .doc = "address of the sender"},
    {"to", VG_VALUE_STRINGS, IN_ENDPOINT(to), .required = true,
     .doc = "addresses of the recipients, at most 50"},
    {"user", VG_VALUE_STRING, IN_ENDPOINT(user), .doc = "name to log in with"},
    {"password_file", VG_VALUE_PATH, IN_ENDPOINT(password_file),
     .doc = "file that holds its password"},
    SECRET("password", "password_file"),
    {"ca_file", VG_VALUE_PATH, IN_ENDPOINT(ca_file), .shown = "the system's",
     .doc = "certificates to trust"},
    {"insecure_smtp", VG_VALUE_BOOL, IN_ENDPOINT(insecure_http), .fallback = "false",
     .doc = "goes on without TLS where the server has none"},
    {"allow_private", VG_VALUE_BOOL, IN_ENDPOINT(allow_private), .fallback = "false",
     .doc = "allows private and local addresses"},
    {"timeout", VG_VALUE_DURATION, IN_ENDPOINT(timeout_us), .fallback = "30s", .least = "100ms",
     .most = "2m", .doc = "limit of one mail"},
    TITLE,
    TEXT,
    DIGEST,
};
const struct vg_key_table vg_email_table = {"email", TABLE(email_keys)};

static const struct vg_key command_keys[] = {
    {"run", VG_VALUE_STRINGS, IN_ENDPOINT(run), .required = true,
     .doc = "absolute path of a program, and its arguments; no shell"},
    {"timeout", VG_VALUE_DURATION, IN_ENDPOINT(timeout_us), .fallback = "10s", .least = "100ms",
     .most = "2m", .doc = "after that it is killed with all it has started"},
    TITLE,
    TEXT,
};
const struct vg_key_table vg_command_table = {"command", TABLE(command_keys)};
