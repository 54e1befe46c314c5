/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil.yaml: its own keys, connections, the web server's address, the Pushgateway and the
 * defaults of rule files. What is spoken to by HTTP is in agent/config/http.c. Reads no secret;
 * looks only whether the files that hold them are there and who may read them. */
#include "agent/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/reading.h"
#include "agent/config/url.h"
#include "agent/pg/pg.h"
#include "agent/secret.h"
#include "agent/yaml/value_defaults.h"
#include "pgvigil/text.h"

struct vg_loc vg_config_loc(const struct vg_config_reading *in, struct vg_loc loc)
{
    loc.file = in->config->file;
    return loc;
}

bool vg_config_named(struct vg_config_reading *in, const struct vg_node *node, const char *what)
{
    if (node->kind == VG_NODE_BAD)
        return false;
    if (node->kind != VG_NODE_MAPPING) {
        vg_read_fault(&in->r, node->loc, vg_read_printf(&in->r, "%s: {name: {...}}", what),
                      "%s must be a mapping, not %s", what,
                      vg_node_null(node) ? "empty" : vg_node_noun(node));
        return false;
    }
    for (size_t i = 0; i < node->n; i++) {
        if (!vg_name_valid(node->entries[i].key))
            vg_read_fault(&in->r, node->entries[i].loc,
                          "letters, digits, _ . and -, at most 100 of them",
                          "\"%s\" cannot be a name", vg_read_shown(&in->r, node->entries[i].key));
    }
    return true;
}

void vg_config_secret(struct vg_config_reading *in, const struct vg_node *mapping, const char *key,
                      const char *path)
{
    const struct vg_node *node = path ? vg_node_get(mapping, key) : NULL;
    if (!node)
        return;
    switch (vg_secret_inspect(path)) {
    case VG_SECRET_FINE:
        break;
    case VG_SECRET_MISSING:
        vg_read_warning(&in->r, node->loc, NULL, "%s: there is no such file", key);
        break;
    case VG_SECRET_EMPTY:
        vg_read_warning(&in->r, node->loc, "write the secret to it, and nothing else",
                        "%s: this file is empty", key);
        break;
    case VG_SECRET_UNUSABLE:
        vg_read_warning(&in->r, node->loc, NULL, "%s: this file cannot be read", key);
        break;
    case VG_SECRET_EXPOSED:
        vg_read_warning(&in->r, node->loc, "chmod 0600",
                        "%s: every user of the machine may read this file", key);
        break;
    }
}

void vg_config_program(struct vg_config_reading *in, const struct vg_node *run, const char *key,
                       const char *path)
{
    struct stat st;
    const struct vg_node *node = run->kind == VG_NODE_SEQUENCE && run->n ? run->items[0] : run;
    if (stat(path, &st) < 0)
        vg_read_warning(&in->r, node->loc, NULL, "%s: there is no such program", key);
    else if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        vg_read_warning(&in->r, node->loc, S_ISREG(st.st_mode) ? "chmod +x" : NULL,
                        "%s: this cannot be executed", key);
}

/* --- Connections, web, Pushgateway ------------------------------------------------------------ */

static void check_conninfo(struct vg_config_reading *in, struct vg_loc loc, const char *conninfo)
{
    struct vg_error err = {0};
    if (vg_conninfo_has_password(conninfo))
        vg_read_fault(&in->r, loc, "write it to a file and name that: password_file",
                      "a password does not stand in this file");
    else if (vg_pg_conninfo_check(conninfo, &err) < 0)
        vg_read_fault(&in->r, loc, vg_read_printf(&in->r, "%s", err.hint), "%s", err.msg);
}

static void read_connection(struct vg_config_reading *in, const struct vg_entry *entry,
                            struct vg_connection *out)
{
    struct vg_raw_connection raw = {0};
    struct vg_part part;
    if (!vg_read_table(&in->r, entry->value, &vg_connection_table, &part, &raw))
        return;
    if (vg_part_fine(&part, "conninfo"))
        check_conninfo(in, vg_node_get(entry->value, "conninfo")->loc, raw.conninfo);
    vg_config_secret(in, entry->value, "password_file", raw.password_file);
    out->conninfo = raw.conninfo;
    out->password_file = raw.password_file;
    out->max_connections = raw.max_connections;
    out->max_replica_lag_us = raw.max_replica_lag_us;
}

static void read_connections(struct vg_config_reading *in, const struct vg_node *node)
{
    struct vg_config *config = in->config;
    if (!vg_config_named(in, node, "connections"))
        return;
    config->connections = vg_arena_array(in->r.arena, node->n + 1, sizeof *config->connections);
    in->r.memory = in->r.memory || !config->connections;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        struct vg_connection *connection = &config->connections[config->nconnections++];
        connection->name = vg_arena_strdup(in->r.arena, node->entries[i].key);
        connection->loc = vg_config_loc(in, node->entries[i].loc);
        in->r.memory = in->r.memory || !connection->name;
        read_connection(in, &node->entries[i], connection);
    }
}

/* host:port or [address]:port. */
static bool split_listen(struct vg_config_reading *in, const char *text, const char **host,
                         int *port)
{
    const char *colon = strrchr(text, ':');
    int64_t number;
    if (!colon || colon == text || vg_parse_int64(colon + 1, &number) < 0 ||
        !isdigit((unsigned char)colon[1]) || number > 65535)
        return false;
    bool bracketed = text[0] == '[' && colon[-1] == ']' && colon - text > 2;
    size_t n = (size_t)(colon - text);
    if (!bracketed && memchr(text, ':', n))
        return false;
    *host = bracketed ? vg_arena_strndup(in->r.arena, text + 1, n - 2)
                      : vg_arena_strndup(in->r.arena, text, n);
    in->r.memory = in->r.memory || !*host;
    *port = (int)number;
    return true;
}

static void read_web(struct vg_config_reading *in, const struct vg_node *node)
{
    struct vg_raw_web raw = {0};
    struct vg_part part;
    struct vg_config *config = in->config;
    if (!vg_read_table(&in->r, node, &vg_web_table, &part, &raw))
        return;
    if (vg_part_fine(&part, "listen") &&
        !split_listen(in, raw.listen, &config->listen_host, &config->listen_port)) {
        const struct vg_node *listen = vg_node_get(node, "listen");
        vg_read_fault(&in->r, listen->loc, "127.0.0.1:9787; port 0 takes any that is free",
                      "listen: \"%s\" is not address:port", vg_read_shown(&in->r, listen->text));
    }
    vg_read_link(&in->r, vg_node_get(node, "dashboard_url"), "dashboard_url", raw.dashboard_url,
                 true);
    config->external_url = raw.external_url;
    config->dashboard_url = raw.dashboard_url;
    config->web_datasets_always = raw.datasets == 1;
}

static void read_pushgateway(struct vg_config_reading *in, const struct vg_node *node)
{
    struct vg_raw_endpoint raw;
    struct vg_config *config = in->config;
    vg_config_endpoint(in, node, &vg_pushgateway_table, &raw, &config->push);
    config->push_url = config->push.url;
    config->push_job = raw.job ? raw.job : config->push_job;
    config->push.method = NULL; /* each push has its own */
}

/* --- Defaults --------------------------------------------------------------------------------- */

static void take_notify(struct vg_config *config, const struct vg_notify_given *notify)
{
    config->default_to = notify->to;
    config->default_warn_to = notify->warn;
    config->default_remind_set = notify->remind_us != VG_DEFAULT;
    config->default_remind_us = config->default_remind_set ? notify->remind_us : 0;
    config->default_group_for_set = notify->group_for_us != VG_DEFAULT;
    config->default_group_for_us = config->default_group_for_set ? notify->group_for_us : 0;
    config->default_after = (int)notify->after;
    config->default_resolve_after = (int)notify->resolve_after;
    config->default_blind_after_us = notify->blind_after_us;
}

static void read_defaults(struct vg_config_reading *in, const struct vg_node *node)
{
    struct vg_raw_defaults raw = {0};
    struct vg_part part;
    struct vg_config *config = in->config;
    struct vg_schedule_given schedule = {0};
    struct vg_notify_given notify;
    if (!vg_read_table(&in->r, node, &vg_defaults_table, &part, &raw))
        return;
    config->default_digest = (int)raw.digest;
    config->default_digest_within_us = raw.digest_within_us;
    if (raw.schedule)
        vg_read_schedule(&in->r, raw.schedule, &schedule);
    config->default_schedule = schedule.schedule;
    config->default_schedule_set = schedule.set;
    if (raw.sample)
        config->default_sample_set = vg_read_sample(&in->r, raw.sample, &config->default_sample);
    if (raw.limits)
        vg_read_caps(&in->r, raw.limits, &config->default_caps);
    if (raw.notify) {
        vg_read_notify(&in->r, raw.notify, &vg_notify_table, config, &notify);
        take_notify(config, &notify);
    }
    const char *zone = raw.timezone ? raw.timezone : schedule.timezone;
    const struct vg_node *where = raw.timezone ? node : raw.schedule;
    if (raw.timezone && schedule.timezone)
        vg_read_fault(&in->r, vg_node_get(raw.schedule, "timezone")->loc, NULL,
                      "timezone is given twice");
    else if (zone && vg_read_zone(&in->r, vg_node_get(where, "timezone")->loc, zone, in->r.scratch))
        config->default_timezone = zone;
}

/* What receivers do not say about digests is that of the defaults; only those for people gather. */
static void complete_digests(struct vg_config *config)
{
    for (size_t i = 0; i < config->nreceivers; i++) {
        struct vg_receiver *receiver = &config->receivers[i];
        if (receiver->digest == VG_DEFAULT)
            receiver->digest = config->default_digest;
        if (!receiver->digest_within_us)
            receiver->digest_within_us = config->default_digest_within_us;
    }
}

static void read_all(struct vg_config_reading *in, const struct vg_node *root)
{
    struct vg_raw_config raw = {0};
    struct vg_part part;
    struct vg_config *config = in->config;
    vg_read_table(&in->r, root, &vg_config_table, &part, &raw);
    config->name = raw.name;
    config->rules = raw.rules;
    config->state = raw.state;
    config->workers = (size_t)raw.workers;
    if (raw.connections)
        read_connections(in, raw.connections);
    else if (!vg_part_given(&part, "connections") && !root->partial)
        vg_read_fault(&in->r, root->loc, "connections: {warehouse: {conninfo: \"service=...\"}}",
                      "\"connections\" is missing in pgvigil.yaml");
    if (raw.web)
        read_web(in, raw.web);
    if (raw.pushgateway)
        read_pushgateway(in, raw.pushgateway);
    if (raw.receivers)
        vg_config_receivers(in, raw.receivers);
    vg_config_telling(in, root, &raw);
    if (raw.retraining)
        vg_config_retrainings(in, raw.retraining);
    if (raw.defaults)
        read_defaults(in, raw.defaults);
    complete_digests(config);
}

/* --- The file --------------------------------------------------------------------------------- */

static struct vg_config *new_config(const char *path)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_config *config = arena ? vg_arena_alloc(arena, sizeof *config) : NULL;
    if (config && (config->file = vg_arena_strdup(arena, path)) &&
        (config->users = vg_arena_alloc(arena, sizeof *config->users))) {
        atomic_init(config->users, 1);
        config->arena = arena;
        config->push_job = "pgvigil";
        config->default_digest = 5;
        config->default_digest_within_us = 30 * VG_US;
        config->default_after = config->default_resolve_after = VG_DEFAULT;
        config->default_blind_after_us = VG_DEFAULT;
        return config;
    }
    vg_arena_free(arena);
    return NULL;
}

static void report_file(struct vg_diags *diags, const char *path, const char *msg)
{
    vg_diag_add(diags, VG_GRADE_ERROR, (struct vg_loc){path, 0, 0}, NULL, NULL, "%s", msg);
}

/* The folder of a path: "" for the working directory, with its slash for the root. */
static char *find_folder(const char *path, struct vg_arena *arena)
{
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    return vg_arena_strndup(arena, path, n);
}

/* With `faulty`, also a configuration that has errors, as far as it was read. */
static int parse(const char *text, size_t n, const char *path, bool faulty, struct vg_diags *diags,
                 struct vg_config **out)
{
    size_t errors = diags->errors;
    struct vg_document *document = NULL;
    struct vg_config *config = new_config(path);
    struct vg_arena *scratch = vg_arena_new();
    struct vg_config_reading in = {.config = config};
    *out = NULL;
    char *folder = scratch ? find_folder(path, scratch) : NULL;
    if (!config || !folder || vg_yaml_parse(text, n, path, scratch, diags, &document) < 0 ||
        vg_config_hide(document, scratch) < 0) {
        report_file(diags, path, "out of memory");
        goto out;
    }
    in.r = (struct vg_reader){.arena = config->arena,
                              .scratch = scratch,
                              .diags = diags,
                              .document = document,
                              .folder = folder};
    if (document->root)
        read_all(&in, document->root);
    if (in.r.memory)
        report_file(diags, path, "out of memory");
    if (diags->errors == errors || (faulty && config->rules)) {
        *out = config;
        config = NULL;
    }
out:
    vg_config_free(config);
    vg_arena_free(scratch);
    return *out ? 0 : -1;
}

int vg_config_parse(const char *text, size_t n, const char *path, struct vg_diags *diags,
                    struct vg_config **out)
{
    return parse(text, n, path, false, diags, out);
}

static int load(const char *path, bool faulty, struct vg_diags *diags, struct vg_config **out)
{
    int rc = -1;
    const char *text;
    size_t n;
    *out = NULL;
    struct vg_arena *arena = vg_arena_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        report_file(diags, path, strerror(errno));
    else if (!arena)
        report_file(diags, path, "out of memory");
    else if (vg_yaml_read(fd, path, arena, diags, &text, &n) == 0)
        rc = parse(text, n, path, faulty, diags, out);
    if (fd >= 0)
        close(fd);
    vg_arena_free(arena);
    return rc;
}

int vg_config_load(const char *path, struct vg_diags *diags, struct vg_config **out)
{
    return load(path, false, diags, out);
}

int vg_config_load_faulty(const char *path, struct vg_diags *diags, struct vg_config **out)
{
    return load(path, true, diags, out);
}

const struct vg_config *vg_config_hold(const struct vg_config *config)
{
    if (config && config->users)
        atomic_fetch_add(config->users, 1);
    return config;
}

void vg_config_drop(const struct vg_config *config)
{
    if (config && config->users && atomic_fetch_sub(config->users, 1) == 1)
        vg_arena_free(config->arena);
}

void vg_config_free(struct vg_config *config)
{
    vg_config_drop(config);
}
