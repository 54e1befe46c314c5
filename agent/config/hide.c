/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets that someone wrote into pgvigil.yaml although they do not belong there: found before the
 * file is judged, so that no fault on the same line shows them. When in doubt it hides. */
#include <string.h>

#include "agent/config/reading.h"
#include "agent/config/url.h"

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

/* Not loopback, as far as one can see: the path of such an address may be a key. */
static bool is_remote(const char *url)
{
    char host[VG_HOST_TEXT];
    return !vg_url_host(url, host) || vg_host_kind(host) != VG_HOST_LOOPBACK;
}

/* Whether the value of a key is a secret, by the key, by what it stands in and by itself. */
static bool is_secret(const char *parent, const char *key, const char *text)
{
    if (ends_in(key, "_file"))
        return false;
    if (vg_word_is_secret(key, strlen(key)) && strcmp(key, "key"))
        return true;
    if (!strcmp(key, "conninfo"))
        return vg_conninfo_has_password(text);
    if (!strcmp(parent, "slack") || !strcmp(parent, "teams") || !strcmp(parent, "discord"))
        return strstr(key, "url") && is_remote(text);
    return strstr(text, "://") && vg_url_has_secret(text);
}

static int hide_below(struct vg_document *document, const struct vg_node *node, const char *parent,
                      struct vg_arena *arena)
{
    int rc = 0;
    for (size_t i = 0; node->kind == VG_NODE_SEQUENCE && i < node->n && rc == 0; i++)
        rc = hide_below(document, node->items[i], parent, arena);
    for (size_t i = 0; node->kind == VG_NODE_MAPPING && i < node->n && rc == 0; i++) {
        const struct vg_entry *entry = &node->entries[i];
        bool scalar = entry->value->kind == VG_NODE_SCALAR;
        if (!scalar)
            rc = hide_below(document, entry->value, entry->key, arena);
        else if (is_secret(parent, entry->key, entry->value->text))
            rc = vg_document_hide(document, entry->value->loc, arena);
    }
    return rc;
}

int vg_config_hide(struct vg_document *document, struct vg_arena *arena)
{
    return document->root ? hide_below(document, document->root, "", arena) : 0;
}
