/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes, silences, heartbeat and alarm_to of pgvigil.yaml: who is told, and who is not. */
#include <stddef.h>

#include "agent/config/reading.h"
#include "agent/yaml/value_defaults.h"
#include "agent/yaml/value_quiet.h"

static const char *const methods[] = {"GET", "POST", NULL};

#define IN(field) offsetof(struct vg_raw_endpoint, field)

static const struct vg_key heartbeat_keys[] = {
    {"url", VG_VALUE_URL, IN(url), .doc = "address, where it is no secret"},
    {"url_file", VG_VALUE_PATH, IN(url_file),
     .doc = "file that holds the address, where it is a secret"},
    {"method", VG_VALUE_CHOICE, IN(method), .choices = methods, .fallback = "GET",
     .doc = "HTTP method"},
    {"every", VG_VALUE_DURATION, IN(every_us), .fallback = "1m", .least = "1m", .most = "1d",
     .doc = "time between two; the switch should wait for three of them"},
    {"ca_file", VG_VALUE_PATH, IN(ca_file), .shown = "the system's",
     .doc = "certificates to trust"},
    {"insecure_http", VG_VALUE_BOOL, IN(insecure_http), .fallback = "false",
     .doc = "allows http to other than loopback addresses"},
    {"allow_private", VG_VALUE_BOOL, IN(allow_private), .fallback = "false",
     .doc = "allows private and local addresses"},
    {"timeout", VG_VALUE_DURATION, IN(timeout_us), .fallback = "10s", .least = "100ms",
     .most = "30s", .doc = "limit of one request"},
};
const struct vg_key_table vg_heartbeat_table = {"heartbeat", heartbeat_keys,
                                                sizeof heartbeat_keys / sizeof *heartbeat_keys};

void vg_config_telling(struct vg_config_reading *in, const struct vg_node *root,
                       const struct vg_raw_config *raw)
{
    struct vg_config *config = in->config;
    if (raw->routes)
        vg_read_routes(&in->r, raw->routes, config, &config->routes, &config->nroutes);
    if (raw->silences)
        vg_read_quiets(&in->r, raw->silences, &config->quiet, &config->nquiet);
    if (raw->heartbeat) {
        struct vg_raw_endpoint endpoint;
        vg_config_endpoint(in, raw->heartbeat, &vg_heartbeat_table, &endpoint, &config->heartbeat);
        config->heartbeat.method = methods[endpoint.method];
        config->heartbeat_every_us = endpoint.every_us;
    }
    config->alarm_to = raw->alarm_to;
    if (raw->alarm_to.n && vg_node_get(root, "alarm_to"))
        vg_read_receivers(&in->r, vg_node_get(root, "alarm_to"), &raw->alarm_to, config);
}
