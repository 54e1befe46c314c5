/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil.yaml while it is read; layer 4, known to this folder only. */
#ifndef PGVIGIL_CONFIG_READING_H
#define PGVIGIL_CONFIG_READING_H

#include "agent/triggers/systems.h"
#include "agent/yaml/value.h"

struct vg_config_reading {
    struct vg_reader r;
    struct vg_config *config; /* in the reader's arena */
};

struct vg_raw_config {
    const char *name, *rules, *state;
    int64_t workers;
    const struct vg_node *connections, *web, *pushgateway, *receivers, *retraining, *defaults,
        *silences, *routes, *heartbeat;
    struct vg_strings alarm_to;
};
struct vg_raw_connection {
    const char *conninfo, *password_file;
    int64_t max_connections, max_replica_lag_us;
};
struct vg_raw_web {
    const char *listen, *external_url, *dashboard_url;
    int datasets;
};
/* One struct for all that is spoken to by HTTP; each table fills its part. */
struct vg_raw_endpoint {
    const char *url, *url_file, *token_file, *ca_file, *routing_key_file, *job;
    int method;
    bool insecure_http, allow_private;
    int64_t timeout_us;
    int64_t every_us; /* of the heartbeat */
    const struct vg_node *headers;
    /* of receivers */
    const char *title, *text, *channel, *team, *server, *from, *user, *password_file;
    const char *signing_file, *former_signing_file;
    struct vg_strings to, run;
    int format;
    bool changes;
    int64_t refresh_us;
    int64_t digest, digest_within_us;
};
struct vg_raw_receiver {
    const struct vg_node *kinds[VG_RECEIVER_KINDS];
};
struct vg_raw_retraining {
    struct vg_strings when;
    int64_t after, cooldown_us, max_per_week, max_per_day, min_rows, min_labels, in_flight_us;
    int approval;
    bool dry_run;
    const struct vg_node *quiet, *promote;
    const struct vg_node *systems[VG_TRIGGER_SYSTEMS]; /* filled by vg_system_table */
};
struct vg_raw_defaults {
    const struct vg_node *schedule, *sample, *limits, *notify;
    const char *timezone;
    int64_t digest, digest_within_us;
};

extern const struct vg_key_table vg_config_table, vg_connection_table, vg_web_table,
    vg_pushgateway_table, vg_receiver_table, vg_retraining_table, vg_system_table,
    vg_defaults_table;
#define VG_RECEIVER(upper, lower, doc) extern const struct vg_key_table vg_##lower##_table;
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
extern const char *const vg_http_methods[];

/* The place in the configuration's own memory. */
struct vg_loc vg_config_loc(const struct vg_config_reading *in, struct vg_loc loc);
/* A mapping from names to mappings: false, and a fault, when it is none or a name is no name. */
bool vg_config_named(struct vg_config_reading *in, const struct vg_node *node, const char *what);
/* Warns of a program that is not there or cannot be executed; `run` is its path or begins with it.
 */
void vg_config_program(struct vg_config_reading *in, const struct vg_node *run, const char *key,
                       const char *path);
/* Warns of a secret's file that is missing, empty, or that everybody may read. */
void vg_config_secret(struct vg_config_reading *in, const struct vg_node *mapping, const char *key,
                      const char *path);

extern const struct vg_key_table vg_heartbeat_table;
/* What stands at the top of the file for people who are told, or not. After the receivers. */
void vg_config_telling(struct vg_config_reading *in, const struct vg_node *root,
                       const struct vg_raw_config *raw);
void vg_config_receivers(struct vg_config_reading *in, const struct vg_node *node);
void vg_config_retrainings(struct vg_config_reading *in, const struct vg_node *node);
/* When a request may be made, and what follows when its run has succeeded. `part` is that of the
 * table, read into raw. */
void vg_config_guards(struct vg_config_reading *in, const struct vg_part *part,
                      const struct vg_raw_retraining *raw, struct vg_retraining *out);
extern const struct vg_key_table vg_promote_table;
extern const char *const vg_approvals[];
/* url, rights, headers and secrets of a mapping; `table` says what it may hold. */
void vg_config_endpoint(struct vg_config_reading *in, const struct vg_node *node,
                        const struct vg_key_table *table, struct vg_raw_endpoint *raw,
                        struct vg_endpoint *out);
/* Finds what must not be shown of the whole file, before anything is reported about it. */
int vg_config_hide(struct vg_document *document, struct vg_arena *arena) VG_MUST_CHECK;

/* The same of a mapping that has been read already, through a part of that table. */
void vg_config_endpoint_of(struct vg_config_reading *in, const struct vg_node *node,
                           const struct vg_key_table *table, const struct vg_part *part,
                           const struct vg_raw_endpoint *raw, struct vg_endpoint *out);

/* A YAML mapping, the value of the key `what`, as JSON text with {{name}} checked; NULL after a
 * fault. */
const char *vg_config_body(struct vg_config_reading *in, const struct vg_node *node,
                           const char *what);

#endif
