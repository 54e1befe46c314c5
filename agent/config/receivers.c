/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receivers: one kind each, and what of a kind the tables cannot say. Templates are checked here,
 * so that none can fail when it is needed. */
#include <ctype.h>
#include <string.h>

#include "agent/config/reading.h"
#include "agent/config/url.h"
#include "agent/http/http.h"
#include "agent/template.h"
#include "pgvigil/text.h"

enum { MOST_RECIPIENTS = 50 };

/* --- Templates -------------------------------------------------------------------------------- */

/* The place of byte `at` of a block behind "|", which is written as it is read but for the blanks
 * before each line. */
static struct vg_loc find_in_block(const struct vg_document *document, const struct vg_node *node,
                                   size_t at)
{
    struct vg_loc loc = node->loc;
    size_t line = loc.line, begin = 0; /* index of the line behind the bar */
    for (size_t i = 0; i < at; i++) {
        line += node->text[i] == '\n';
        begin = node->text[i] == '\n' ? i + 1 : begin;
    }
    if (line >= document->nlines)
        return loc;
    const char *written = document->text + document->lines[line];
    size_t left = document->size - document->lines[line], blanks;
    size_t n = strcspn(node->text + begin, "\n"), own = strspn(node->text + begin, " ");
    blanks = strspn(written, " ");
    blanks -= own <= blanks ? own : blanks; /* those are of the text */
    if (n > left - blanks || memcmp(written + blanks, node->text + begin, n) != 0)
        return loc;
    loc.line = (uint32_t)line + 1;
    loc.column = (uint32_t)(blanks + (at - begin)) + 1;
    return loc;
}

/* The place of byte `at` of a scalar, where it stands on one line as it was written or in a block
 * of lines; else that of the scalar. */
static struct vg_loc find_place(const struct vg_config_reading *in, const struct vg_node *node,
                                size_t at)
{
    const struct vg_document *document = in->r.document;
    struct vg_loc loc = node->loc;
    if (!loc.line || loc.line > document->nlines)
        return loc;
    size_t start = document->lines[loc.line - 1] + loc.column - 1 + !node->plain;
    size_t n = strcspn(node->text, "\n");
    if (!node->plain && start <= document->size && document->text[start - 1] == '|')
        return find_in_block(document, node, at);
    if (at <= n && start + n <= document->size && !memcmp(document->text + start, node->text, n))
        loc.column += (uint32_t)at + !node->plain;
    return loc;
}

static void check_template(struct vg_config_reading *in, const struct vg_node *mapping,
                           const char *key, const char *text)
{
    const struct vg_node *node = text ? vg_node_get(mapping, key) : NULL;
    struct vg_error err = {0};
    size_t at;
    if (!node || !vg_template_check(text, &at, &err))
        return;
    const char *hint = err.hint[0] ? vg_read_printf(&in->r, "%s", err.hint) : NULL;
    vg_read_fault(&in->r, find_place(in, node, at), hint, "%s: %s", key, err.msg);
}

/* --- What the tables cannot say --------------------------------------------------------------- */

static void check_slack(struct vg_config_reading *in, const struct vg_node *node,
                        const struct vg_raw_endpoint *raw)
{
    const struct vg_node *channel = vg_node_get(node, "channel");
    const struct vg_node *token = vg_node_get(node, "token_file");
    if (node->partial)
        return;
    if (token && !channel)
        vg_read_fault(&in->r, token->loc, "channel: C0123456789",
                      "\"channel\" is missing: a bot must know where to post");
    if (channel && !token)
        vg_read_fault(&in->r, channel->loc, "a bot's token: token_file",
                      "channel: the address of a webhook decides its channel");
    if (token && raw->url_file)
        vg_read_fault(&in->r, token->loc, NULL, "token_file and url_file exclude each other");
}

static void check_webhook(struct vg_config_reading *in, const struct vg_node *node,
                          const struct vg_raw_endpoint *raw)
{
    const struct vg_node *former = vg_node_get(node, "former_signing_secret_file");
    const struct vg_node *format = vg_node_get(node, "format");
    if (former && !raw->signing_file)
        vg_read_fault(&in->r, former->loc, NULL,
                      "former_signing_secret_file needs a signing_secret_file beside it");
    if (format && raw->format == VG_FORMAT_STANDARD && !raw->signing_file && !node->partial)
        vg_read_fault(&in->r, format->loc, "signing_secret_file: a file that holds whsec_...",
                      "format: Standard Webhooks are signed");
    vg_config_secret(in, node, "signing_secret_file", raw->signing_file);
    vg_config_secret(in, node, "former_signing_secret_file", raw->former_signing_file);
}

/* local@domain in the letters that need no quotes: nothing that could begin another header. */
static bool is_address(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-/=?^_`{|}~.";
    size_t local = strspn(s, letters);
    const char *domain = s + local + 1;
    return local && s[local] == '@' && isalnum((unsigned char)*domain) &&
           domain[strspn(domain, letters)] == '\0' && strlen(s) <= 254;
}

static void check_address(struct vg_config_reading *in, const struct vg_node *node, const char *key,
                          const char *address)
{
    if (address && !is_address(address))
        vg_read_fault(&in->r, node->loc, "data-team@example.com",
                      "%s: \"%s\" is not the address of a mailbox", key,
                      vg_read_shown(&in->r, address));
}

static void check_server(struct vg_config_reading *in, const struct vg_node *server,
                         const struct vg_raw_endpoint *raw)
{
    struct vg_error err = {0};
    char host[VG_HOST_TEXT];
    if (vg_http_check_mail_url(raw->server, &err) < 0 || !vg_url_host(raw->server, host))
        vg_read_fault(&in->r, server->loc, "smtp://mail.example.com:587",
                      "server: this is not smtp:// or smtps:// with a host");
    else if (vg_url_has_secret(raw->server))
        vg_read_fault(&in->r, server->loc, "user and password_file",
                      "a secret does not stand in this file");
    else if (vg_host_kind(host) == VG_HOST_UNCLEAR)
        vg_read_fault(&in->r, server->loc, "four numbers with dots",
                      "server: the address of the host is not written in the usual form");
    else if (vg_host_kind(host) == VG_HOST_PRIVATE && !raw->allow_private)
        vg_read_fault(&in->r, server->loc, "set allow_private: true",
                      "server: this is a private or local address");
}

static void check_email(struct vg_config_reading *in, const struct vg_node *node,
                        const struct vg_raw_endpoint *raw)
{
    const struct vg_node *to = vg_node_get(node, "to"), *user = vg_node_get(node, "user");
    if (raw->server)
        check_server(in, vg_node_get(node, "server"), raw);
    check_address(in, vg_node_get(node, "from"), "from", raw->from);
    for (size_t i = 0; i < raw->to.n; i++)
        check_address(in, to->kind == VG_NODE_SEQUENCE ? to->items[i] : to, "to", raw->to.items[i]);
    if (raw->to.n > MOST_RECIPIENTS)
        vg_read_fault(&in->r, to->loc, "a mailing list", "to: at most %d addresses",
                      MOST_RECIPIENTS);
    if (user && !raw->password_file && !node->partial)
        vg_read_fault(&in->r, user->loc, "password_file: a file that holds it",
                      "user: a name to log in with needs its password");
    if (raw->password_file && !user && !node->partial)
        vg_read_fault(&in->r, vg_node_get(node, "password_file")->loc, "user: pgvigil",
                      "password_file: whose password it is is missing");
    vg_config_secret(in, node, "password_file", raw->password_file);
}

static void check_command(struct vg_config_reading *in, const struct vg_node *node,
                          const struct vg_raw_endpoint *raw)
{
    const struct vg_node *run = vg_node_get(node, "run");
    if (!run || !raw->run.n || !raw->run.items[0])
        return;
    if (raw->run.items[0][0] != '/')
        vg_read_fault(&in->r, run->loc, "run: [/usr/local/bin/tell-us]",
                      "run: the path of the program begins with a slash");
    else
        vg_config_program(in, run, "run", raw->run.items[0]);
}

static void check_kind(struct vg_config_reading *in, const struct vg_node *node,
                       enum vg_receiver_kind kind, const struct vg_raw_endpoint *raw)
{
    if (node->kind != VG_NODE_MAPPING)
        return;
    check_template(in, node, "title", raw->title);
    check_template(in, node, "text", raw->text);
    if (kind == VG_RECEIVER_SLACK)
        check_slack(in, node, raw);
    else if (kind == VG_RECEIVER_WEBHOOK)
        check_webhook(in, node, raw);
    else if (kind == VG_RECEIVER_EMAIL)
        check_email(in, node, raw);
    else if (kind == VG_RECEIVER_COMMAND)
        check_command(in, node, raw);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void take_receiver(const struct vg_node *node, const struct vg_raw_endpoint *raw,
                          struct vg_receiver *out)
{
    out->routing_key_file = raw->routing_key_file;
    out->title = raw->title;
    out->text = raw->text;
    out->channel = raw->channel;
    out->team = raw->team;
    out->format = (enum vg_webhook_format)raw->format;
    out->signing_file = raw->signing_file;
    out->former_signing_file = raw->former_signing_file;
    out->from = raw->from;
    out->to = raw->to;
    out->user = raw->user;
    out->password_file = raw->password_file;
    out->run = raw->run;
    out->refresh_us = raw->refresh_us;
    out->changes = raw->changes;
    out->digest = vg_node_get(node, "digest") ? (int)raw->digest : VG_DEFAULT;
    out->digest_within_us = raw->digest_within_us;
    if (raw->server)
        out->endpoint.url = raw->server;
}

static const char *list_kinds(struct vg_config_reading *in)
{
    const char *list = vg_receiver_kind_name(0);
    for (int kind = 1; kind < VG_RECEIVER_KINDS; kind++)
        list = vg_read_printf(&in->r, kind == VG_RECEIVER_KINDS - 1 ? "%s or %s" : "%s, %s",
                              list ? list : "", vg_receiver_kind_name((enum vg_receiver_kind)kind));
    return list;
}

static void read_receiver(struct vg_config_reading *in, const struct vg_entry *entry,
                          struct vg_receiver *out)
{
    static const struct vg_key_table *const tables[VG_RECEIVER_KINDS] = {
#define VG_RECEIVER(upper, lower, doc) &vg_##lower##_table,
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
    };
    struct vg_raw_receiver raw = {0};
    struct vg_part part;
    size_t given = 0;
    if (!vg_read_table(&in->r, entry->value, &vg_receiver_table, &part, &raw))
        return;
    for (int kind = 0; kind < VG_RECEIVER_KINDS; kind++) {
        struct vg_raw_endpoint endpoint;
        if (!raw.kinds[kind])
            continue;
        given++;
        out->kind = (enum vg_receiver_kind)kind;
        vg_config_endpoint(in, raw.kinds[kind], tables[kind], &endpoint, &out->endpoint);
        check_kind(in, raw.kinds[kind], out->kind, &endpoint);
        take_receiver(raw.kinds[kind], &endpoint, out);
    }
    bool unknown = entry->value->n > given;
    if (given != 1 && !(given == 0 && unknown) && !entry->value->partial)
        vg_read_fault(&in->r, entry->loc, list_kinds(in), "a receiver is of one kind, not of %zu",
                      given);
}

void vg_config_receivers(struct vg_config_reading *in, const struct vg_node *node)
{
    struct vg_config *config = in->config;
    if (!vg_config_named(in, node, "receivers"))
        return;
    config->receivers = vg_arena_array(in->r.arena, node->n + 1, sizeof *config->receivers);
    in->r.memory = in->r.memory || !config->receivers;
    for (size_t i = 0; i < node->n && !in->r.memory; i++) {
        struct vg_receiver *receiver = &config->receivers[config->nreceivers++];
        receiver->name = vg_arena_strdup(in->r.arena, node->entries[i].key);
        receiver->loc = vg_config_loc(in, node->entries[i].loc);
        in->r.memory = in->r.memory || !receiver->name;
        read_receiver(in, &node->entries[i], receiver);
    }
}
