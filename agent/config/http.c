/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever is spoken to by HTTP: endpoints of receivers, the Pushgateway and training systems.
 * Holds the rules of safety that can be checked by text: http for loopback only, private addresses
 * only when allowed, no secret in clear. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "agent/config/reading.h"
#include "agent/config/url.h"
#include "pgvigil/text.h"

static const char use_file[] = "write it to a file and name that: url_file";

/* Whether the host may be spoken to at all; the rest of the rules is about how. */
static bool check_host(struct vg_config_reading *in, const struct vg_node *url, const char *host,
                       bool allow_private)
{
    enum vg_host_kind kind = vg_host_kind(host);
    if (kind == VG_HOST_UNCLEAR)
        vg_read_fault(&in->r, url->loc, "four numbers with dots, or an IPv6 address in brackets",
                      "url: the address of the host is not written in the usual form");
    else if (kind == VG_HOST_PRIVATE && !allow_private)
        vg_read_fault(&in->r, url->loc, "set allow_private: true",
                      "url: this is a private or local address");
    else
        return true;
    return false;
}

static bool has_key(const struct vg_key_table *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++) {
        if (!strcmp(table->keys[i].name, name))
            return true;
    }
    return false;
}

/* The service whose address alone lets anybody post, or NULL. */
static const char *find_keyed(const struct vg_key_table *table)
{
    return table == &vg_slack_table     ? "Slack"
           : table == &vg_teams_table   ? "Teams"
           : table == &vg_discord_table ? "Discord"
                                        : NULL;
}

static void check_url(struct vg_config_reading *in, const struct vg_node *url,
                      const struct vg_key_table *table, const struct vg_raw_endpoint *raw)
{
    const char *keyed = raw->token_file ? NULL : find_keyed(table);
    char host[VG_HOST_TEXT];
    if (!vg_url_host(raw->url, host)) {
        vg_read_fault(&in->r, url->loc, NULL, "url: the host or the port cannot be read");
        return;
    }
    bool loopback = vg_host_kind(host) == VG_HOST_LOOPBACK;
    if (keyed && !loopback)
        vg_read_fault(&in->r, url->loc, use_file, "the address of a %s webhook is a secret", keyed);
    else if (!keyed && vg_url_has_secret(raw->url))
        vg_read_fault(&in->r, url->loc, has_key(table, "url_file") ? use_file : "token_file",
                      "a secret does not stand in this file");
    else if (check_host(in, url, host, raw->allow_private) && vg_url_is_plain(raw->url) &&
             !loopback && !raw->insecure_http)
        vg_read_fault(&in->r, url->loc, "use https, or set insecure_http: true",
                      "url: http is for loopback addresses only");
}

/* One of url and url_file, where the table has both. */
static void check_choice(struct vg_config_reading *in, const struct vg_node *node,
                         const struct vg_key_table *table)
{
    const struct vg_node *url = vg_node_get(node, "url"), *file = vg_node_get(node, "url_file");
    const char *keyed = find_keyed(table);
    if (!has_key(table, "url_file") || node->partial ||
        (table == &vg_slack_table && vg_node_get(node, "token_file")))
        return;
    if (url && file)
        vg_read_fault(&in->r, file->loc, NULL, "url and url_file exclude each other");
    else if (!url && !file)
        vg_read_fault(
            &in->r, node->loc,
            keyed ? vg_read_printf(&in->r, "the address of a %s webhook is a secret", keyed) : NULL,
            keyed ? "\"url_file\" is missing in %s" : "\"url\" or \"url_file\" is missing in %s",
            table->mapping);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static bool is_header(const char *name)
{
    return *name && !name[strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static bool is_own_header(const char *name)
{
    static const char *const own[] = {"content-length", "transfer-encoding", "connection",
                                      "content-encoding", "expect"};
    bool found = false;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        found = found || !strcasecmp(own[i], name);
    return found;
}

static bool is_earlier(const struct vg_node *node, size_t i)
{
    bool found = false;
    for (size_t k = 0; k < i && !found; k++)
        found = !strcasecmp(node->entries[k].key, node->entries[i].key);
    return found;
}

static bool check_header(struct vg_config_reading *in, const struct vg_node *node, size_t i)
{
    const struct vg_entry *entry = &node->entries[i];
    const char *shown = vg_read_shown(&in->r, entry->key);
    size_t faults = in->r.faults;
    if (!is_header(entry->key))
        vg_read_fault(&in->r, entry->loc, NULL, "\"%s\" is not the name of a header", shown);
    else if (vg_word_is_secret(entry->key, strlen(entry->key)))
        vg_read_fault(&in->r, entry->loc,
                      "token_file: a file whose text becomes Authorization: "
                      "Bearer",
                      "a secret does not stand in this file: header %s", shown);
    else if (is_own_header(entry->key))
        vg_read_fault(&in->r, entry->loc, NULL, "the header %s is set by the program", shown);
    else if (is_earlier(node, i))
        vg_read_fault(&in->r, entry->loc, NULL, "the header %s was given already", shown);
    return in->r.faults == faults;
}

static bool is_header_value(const char *s)
{
    bool fine = true;
    for (; *s && fine; s++)
        fine = (unsigned char)*s >= 0x20 && *s != 0x7f;
    return fine;
}

static void read_headers(struct vg_config_reading *in, const struct vg_node *node,
                         struct vg_endpoint *out)
{
    static const struct vg_key text = {.name = "header", .type = VG_VALUE_STRING};
    if (node->kind != VG_NODE_MAPPING || node->n > 100) {
        if (node->kind != VG_NODE_BAD)
            vg_read_fault(&in->r, node->loc, "headers: {X-Team: data}",
                          "headers must be a mapping of at most 100 headers");
        return;
    }
    struct vg_pair *pairs = vg_arena_array(in->r.arena, node->n + 1, sizeof *pairs);
    in->r.memory = in->r.memory || !pairs;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        const struct vg_entry *entry = &node->entries[i];
        struct vg_pair *pair = &pairs[out->nheaders];
        if (!check_header(in, node, i) ||
            !vg_read_value(&in->r, entry->value, &text, entry->key, &pair->value))
            continue;
        if (!is_header_value(pair->value)) {
            vg_read_fault(&in->r, entry->value->loc, NULL,
                          "a header holds no line ends or control characters");
            continue;
        }
        pair->key = vg_arena_strdup(in->r.arena, entry->key);
        in->r.memory = in->r.memory || !pair->key;
        out->nheaders++;
    }
    out->headers = pairs;
}

void vg_config_endpoint_of(struct vg_config_reading *in, const struct vg_node *node,
                           const struct vg_key_table *table, const struct vg_part *part,
                           const struct vg_raw_endpoint *raw, struct vg_endpoint *out)
{
    check_choice(in, node, table);
    if (has_key(table, "url") && vg_part_fine(part, "url"))
        check_url(in, vg_node_get(node, "url"), table, raw);
    vg_config_secret(in, node, "url_file", raw->url_file);
    vg_config_secret(in, node, "token_file", raw->token_file);
    vg_config_secret(in, node, "api_key_file", raw->token_file);
    vg_config_secret(in, node, "routing_key_file", raw->routing_key_file);
    *out = (struct vg_endpoint){
        .url = raw->url,
        .url_file = raw->url_file,
        .method = vg_http_methods[raw->method],
        .token_file = raw->token_file,
        .ca_file = raw->ca_file,
        .insecure_http = raw->insecure_http,
        .allow_private = raw->allow_private,
        .timeout_us = raw->timeout_us,
    };
    if (raw->headers)
        read_headers(in, raw->headers, out);
}

void vg_config_endpoint(struct vg_config_reading *in, const struct vg_node *node,
                        const struct vg_key_table *table, struct vg_raw_endpoint *raw,
                        struct vg_endpoint *out)
{
    struct vg_part part;
    *raw = (struct vg_raw_endpoint){0};
    if (vg_read_table(&in->r, node, table, &part, raw))
        vg_config_endpoint_of(in, node, table, &part, raw, out);
}
