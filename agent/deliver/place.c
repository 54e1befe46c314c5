/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a training system is, so that a request that may have arrived, and a run that was started,
 * are looked for there and nowhere else, whatever a reload has made of the configuration since.
 *
 * Every text among the keys of a system's table counts but those below: of one that nobody thought
 * about another value is another place. The address may be a secret: what is kept is a digest.
 */
#include <string.h>

#include "agent/deliver/chain.h"
#include "pgvigil/digest.h"

/* Keys that say how something is run, or with whose rights. */
static const char *const manners[] = {
    "user",       "ref",     "version",         "pipeline_version_id", "experiment_id",
    "labels",     "alias",   "service_account", "pipeline_root",       "token_command",
    "work_queue", "network", "output",
};

static bool is_manner(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < sizeof manners / sizeof manners[0] && !found; i++)
        found = !strcmp(manners[i], name);
    return found;
}

static void put(struct vg_sha256 *out, const char *text)
{
    const char *known = text ? text : "";
    vg_sha256_add(out, known, strlen(known) + 1);
}

/* What is not given does not count, so that a key which a later version adds changes no place. */
static void put_key(struct vg_sha256 *out, const struct vg_key *key, const void *settings)
{
    const void *at = (const char *)settings + key->offset;
    const char *const *text = at;
    const struct vg_strings *texts = at;
    if (is_manner(key->name))
        return;
    if (key->type == VG_VALUE_STRING && *text) {
        put(out, key->name);
        put(out, *text);
    } else if (key->type == VG_VALUE_STRINGS && texts->n) {
        put(out, key->name);
        for (size_t i = 0; i < texts->n; i++)
            put(out, texts->items[i]);
    }
}

int vg_place_of(const struct vg_retraining *retraining, char out[VG_KEY_SIZE], struct vg_error *err)
{
    const struct vg_trigger_ops *system = vg_trigger_of(retraining);
    const struct vg_key_table *table = system->keys;
    struct vg_secret address = {0};
    struct vg_sha256 sha;
    uint8_t digest[VG_SHA256_SIZE];
    char hex[VG_SHA256_HEX];
    if (retraining->http.url_file && vg_secret_read(retraining->http.url_file, &address, err) < 0)
        return -1;
    vg_sha256_begin(&sha);
    put(&sha, system->name);
    put(&sha, address.text ? address.text : retraining->http.url);
    for (size_t i = 0; table && retraining->settings && i < table->n; i++)
        put_key(&sha, &table->keys[i], retraining->settings);
    vg_sha256_end(&sha, digest);
    memcpy(out, vg_sha256_hex(digest, hex), VG_KEY_SIZE - 1);
    out[VG_KEY_SIZE - 1] = '\0';
    vg_secret_free(&address);
    return 0;
}
