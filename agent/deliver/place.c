/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a training system is, so that a request that may have arrived, and a run that was started,
 * are looked for there and nowhere else, whatever a reload has made of the configuration since.
 *
 * Every text among the keys of a system's table counts but those below: a key that is added later
 * makes another place rather than none.
 */
#include <string.h>

#include "agent/deliver/chain.h"
#include "pgvigil/text.h"

enum { PLACE_BYTES = 4 * VG_SECRET_MAX };

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

static void put(struct vg_buf *out, const char *text)
{
    vg_buf_puts(out, text ? text : "");
    vg_buf_putc(out, '\n');
}

static void put_key(struct vg_buf *out, const struct vg_key *key, const void *settings)
{
    const void *at = (const char *)settings + key->offset;
    if (is_manner(key->name))
        return;
    if (key->type == VG_VALUE_STRING) {
        put(out, key->name);
        put(out, *(const char *const *)at);
    } else if (key->type == VG_VALUE_STRINGS) {
        const struct vg_strings *texts = at;
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
    struct vg_buf text;
    if (retraining->http.url_file && vg_secret_read(retraining->http.url_file, &address, err) < 0)
        return -1;
    vg_buf_init_wiped(&text, PLACE_BYTES);
    put(&text, system->name);
    put(&text, address.text ? address.text : retraining->http.url);
    for (size_t i = 0; table && retraining->settings && i < table->n; i++)
        put_key(&text, &table->keys[i], retraining->settings);
    int rc = text.failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    const char *const parts[] = {rc ? "" : text.data};
    vg_hash_hex(out, parts, 1);
    vg_buf_free(&text);
    vg_secret_free(&address);
    return rc;
}
