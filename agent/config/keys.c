/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of pgvigil.yaml: every key, its type, its default and what it means. Secrets have no
 * key of their own: the keys one would expect are there to say which file to name. Holds no logic.
 */
#include <stddef.h>

#include "agent/config/keys.h"
#include "agent/yaml/value_quiet.h"

#define IN_CONFIG(field) offsetof(struct vg_raw_config, field)

static const struct vg_key config_keys[] = {
    {"name", VG_VALUE_NAME, IN_CONFIG(name), .shown = "made once, kept in the state",
     .doc = "first part of every key; set it where two agents push, or the state may be lost"},
    {"rules", VG_VALUE_PATH, IN_CONFIG(rules), .fallback = "rules", .doc = "folder of rule files"},
    {"state", VG_VALUE_PATH, IN_CONFIG(state), .fallback = "pgvigil.db",
     .doc = "SQLite file, created on first use"},
    NODE(connections, vg_raw_config, "name to connection", "the databases"),
    NODE(web, vg_raw_config, "mapping web", "metrics and health by HTTP"),
    NODE(pushgateway, vg_raw_config, "mapping pushgateway", "where metrics are pushed"),
    NODE(receivers, vg_raw_config, "name to receiver", "who can be told"),
    NODE(retraining, vg_raw_config, "model to retraining", "what retrains a model, and when"),
    NODE(routes, vg_raw_config, "list of routes", "who is told where a rule file names nobody"),
    NODE(silences, vg_raw_config, "list of silences", "times in which nobody is told"),
    NODE(heartbeat, vg_raw_config, "mapping heartbeat",
         "an address that hears that this program is alive"),
    {"alarm_to", VG_VALUE_NAMES, IN_CONFIG(alarm_to), .shown = "the first that is not in trouble",
     .doc = "receivers that hear of others that fail"},
    NODE(defaults, vg_raw_config, "mapping defaults", "what rule files need not repeat"),
    {"workers", VG_VALUE_INT, IN_CONFIG(workers), .fallback = "4", .least = "1", .most = "64",
     .doc = "datasets that are read at the same time"},
};
const struct vg_key_table vg_config_table = {"pgvigil.yaml", TABLE(config_keys)};

static const struct vg_key connection_keys[] = {
    {"conninfo", VG_VALUE_STRING, offsetof(struct vg_raw_connection, conninfo), .required = true,
     .doc = "libpq connection string without the password"},
    {"password_file", VG_VALUE_PATH, offsetof(struct vg_raw_connection, password_file),
     .doc = "file that holds the password, read at every connect"},
    SECRET("password", "password_file"),
    {"max_connections", VG_VALUE_INT, offsetof(struct vg_raw_connection, max_connections),
     .least = "1", .most = "1000", .shown = "no limit",
     .doc = "most sessions at the same time, of scans, captures and lookups together"},
    {"max_replica_lag", VG_VALUE_DURATION, offsetof(struct vg_raw_connection, max_replica_lag_us),
     .least = "1s", .most = "52w", .shown = "no limit",
     .doc = "a standby further behind its primary is not read: no verdict instead of an old one"},
};
const struct vg_key_table vg_connection_table = {"a connection", TABLE(connection_keys)};

static const char *const pages[] = {"auto", "always", NULL};

static const struct vg_key web_keys[] = {
    {"listen", VG_VALUE_STRING, offsetof(struct vg_raw_web, listen), .required = true,
     .doc = "address:port, for example 127.0.0.1:9787"},
    {"external_url", VG_VALUE_URL, offsetof(struct vg_raw_web, external_url),
     .doc = "address that messages link to"},
    {"dashboard_url", VG_VALUE_STRING, offsetof(struct vg_raw_web, dashboard_url),
     .doc = "address of a dashboard, for messages; {{dataset}} in it is replaced"},
    {"datasets", VG_VALUE_CHOICE, offsetof(struct vg_raw_web, datasets), .choices = pages,
     .fallback = "auto", .doc = "auto: series of datasets only where they are not pushed"},
};
const struct vg_key_table vg_web_table = {"web", TABLE(web_keys)};

const char *const vg_http_methods[] = {"POST", "PUT", "PATCH", NULL};

static const struct vg_key pushgateway_keys[] = {
    {"url", VG_VALUE_URL, IN_ENDPOINT(url), .required = true, .doc = "http://127.0.0.1:9091"},
    {"job", VG_VALUE_STRING, IN_ENDPOINT(job), .fallback = "pgvigil", .doc = "job of the groups"},
    HEADERS,
    RIGHTS,
};
const struct vg_key_table vg_pushgateway_table = {"pushgateway", TABLE(pushgateway_keys)};

#define IN_RETRAINING(field) offsetof(struct vg_raw_retraining, field)

static const struct vg_key retraining_keys[] = {
    {"when", VG_VALUE_NAMES, IN_RETRAINING(when), .shown = "[drift]",
     .doc = "classes of checks whose failures ask for it; only drift today"},
    {"after", VG_VALUE_INT, IN_RETRAINING(after), .fallback = "1", .least = "1", .most = "1000",
     .doc = "failures in a row until they ask for it"},
    {"cooldown", VG_VALUE_DURATION, IN_RETRAINING(cooldown_us), .fallback = "24h", .most = "520w",
     .doc = "least time between two requests"},
    {"max_per_week", VG_VALUE_INT, IN_RETRAINING(max_per_week), .fallback = "2", .least = "1",
     .most = "10000", .doc = "most requests in seven days"},
    {"max_per_day", VG_VALUE_INT, IN_RETRAINING(max_per_day), .least = "1", .most = "10000",
     .shown = "no limit", .doc = "most requests in 24 hours"},
    {"min_rows", VG_VALUE_INT, IN_RETRAINING(min_rows), .least = "1", .shown = "any number",
     .doc = "rows judged since the last request in each table of features or predictions"},
    {"min_labels", VG_VALUE_INT, IN_RETRAINING(min_labels), .least = "1", .shown = "any number",
     .doc = "rows judged since the last request in each table of labels"},
    {"in_flight_for", VG_VALUE_DURATION, IN_RETRAINING(in_flight_us), .most = "52w",
     .shown = "7d where the run is followed, else the cooldown",
     .doc = "a run whose end nobody has reported counts as over after this"},
    {.name = "quiet",
     .type = VG_VALUE_NODE,
     .offset = IN_RETRAINING(quiet),
     .shown = "list of quiet times",
     .doc = "times in which no request is made"},
    {"approval", VG_VALUE_CHOICE, IN_RETRAINING(approval), .choices = vg_approvals,
     .fallback = "automatic", .doc = "manual: somebody must approve each request"},
    {"dry_run", VG_VALUE_BOOL, IN_RETRAINING(dry_run), .fallback = "false",
     .doc = "everything is decided and recorded, nothing is sent"},
    {.name = "promote",
     .type = VG_VALUE_NODE,
     .offset = IN_RETRAINING(promote),
     .shown = "mapping promote",
     .doc = "the rows a model was trained on become the reference"},
};
const struct vg_key_table vg_retraining_table = {"a retraining", TABLE(retraining_keys)};

static const struct vg_key system_keys[] = {
#define VG_TRIGGER(upper, lower, doc_)                                                             \
    {.name = #lower,                                                                               \
     .type = VG_VALUE_NODE,                                                                        \
     .offset = sizeof(const struct vg_node *) * VG_TRIGGER_##upper,                                \
     .shown = "mapping " #lower,                                                                   \
     .doc = doc_},
#include "pgvigil/triggers.def"
#undef VG_TRIGGER
};
const struct vg_key_table vg_system_table = {"a training system", TABLE(system_keys)};

static const struct vg_key defaults_keys[] = {
    NODE(schedule, vg_raw_defaults, "mapping schedule", "windows and ticks"),
    NODE(sample, vg_raw_defaults, "all, {rows: n} or {percent: p}", "how much is read"),
    NODE(limits, vg_raw_defaults, "mapping limits", "what one scan may cost"),
    NODE(notify, vg_raw_defaults, "mapping notify, or a list of receivers", "who is told"),
    {"timezone", VG_VALUE_STRING, offsetof(struct vg_raw_defaults, timezone), .shown = "UTC",
     .doc = "IANA name"},
    {"digest", VG_VALUE_INT, offsetof(struct vg_raw_defaults, digest), .fallback = "5",
     .least = "0", .most = "100",
     .doc = "of receivers for people: more incidents at once are told in one message; 0: never"},
    {"digest_within", VG_VALUE_DURATION, offsetof(struct vg_raw_defaults, digest_within_us),
     .fallback = "30s", .least = "1s", .most = "5m", .doc = "in how long"},
};
const struct vg_key_table vg_defaults_table = {"defaults", TABLE(defaults_keys)};

const struct vg_key_table *const *vg_config_tables(size_t *n)
{
    static const struct vg_key_table *const first[] = {
        &vg_config_table,     &vg_connection_table, &vg_web_table,     &vg_pushgateway_table,
        &vg_receiver_table,
#define VG_RECEIVER(upper, lower, doc) &vg_##lower##_table,
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
        &vg_heartbeat_table,  &vg_quiet_table,      &vg_route_table,   &vg_defaults_table,
        &vg_retraining_table, &vg_times_table,      &vg_promote_table, &vg_system_table,
    };
    enum { FIRST = sizeof first / sizeof *first };
    static const struct vg_key_table *tables[FIRST + VG_TRIGGER_SYSTEMS];
    for (size_t i = 0; i < FIRST; i++)
        tables[i] = first[i];
    for (size_t i = 0; i < VG_TRIGGER_SYSTEMS; i++)
        tables[FIRST + i] = vg_trigger_system((enum vg_trigger_system)i)->keys;
    *n = FIRST + VG_TRIGGER_SYSTEMS;
    return tables;
}
