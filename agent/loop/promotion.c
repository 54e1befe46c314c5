/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a promotion is made of, and how it is written down between a command and the daemon. */
#include "agent/loop/promotion.h"

#include <stdlib.h>
#include <string.h>

#include "agent/reference.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

const char *vg_promotion_write(const char *id, const struct vg_promotion *promotion,
                               struct vg_arena *arena)
{
    return vg_arena_printf(arena, "%s %s %lld %lld", id, promotion->name,
                           (long long)promotion->from_us, (long long)promotion->to_us);
}

/* The next word, cut off in place. */
static char *take_word(char **rest)
{
    char *word = *rest, *end = strchr(word, ' ');
    *rest = end ? end + 1 : word + strlen(word);
    if (end)
        *end = '\0';
    return word;
}

struct vg_promotion *vg_promotion_read(const char *text, const char *by, char *id,
                                       struct vg_error *err)
{
    char *copy = strdup(text), *rest = copy;
    struct vg_promotion *out = calloc(1, sizeof *out);
    if (!copy || !out) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
        goto failed;
    }
    const char *dataset = take_word(&rest), *name = take_word(&rest);
    const char *from = take_word(&rest), *to = take_word(&rest);
    if (!*dataset || strlen(dataset) >= VG_PROMOTION_ID || !*name ||
        vg_parse_int64(from, &out->from_us) < 0 || vg_parse_int64(to, &out->to_us) < 0) {
        vg_fail(err, VG_E_USAGE, "'%s' is not a dataset, a reference and two times", text);
        goto failed;
    }
    memcpy(id, dataset, strlen(dataset) + 1);
    out->name = strdup(name);
    out->by = strdup(by ? by : "");
    free(copy);
    copy = NULL;
    if (out->name && out->by)
        return out;
    vg_fail(err, VG_E_MEMORY, "out of memory");
failed:
    free(copy);
    vg_promotion_free(out);
    return NULL;
}

static const struct vg_reference_spec *find_spec(const struct vg_dataset *dataset, const char *name)
{
    for (size_t i = 0; i <= dataset->nothers; i++) {
        const struct vg_reference_spec *spec = vg_reference_spec_of(dataset, i);
        if (spec->kind != VG_REF_NONE && vg_streq(spec->name, name))
            return spec;
    }
    return NULL;
}

const char *vg_promotion_spec(const struct vg_dataset *dataset, const char *name,
                              struct vg_arena *arena)
{
    const struct vg_reference_spec *spec = find_spec(dataset, name);
    struct vg_dataset item = *dataset;
    if (!spec || spec->kind == VG_REF_ROLLING)
        return NULL;
    item.reference = *spec;
    return vg_capture_spec(&item, arena);
}

int vg_promotion_make(const struct vg_dataset *dataset, const struct vg_promotion *promotion,
                      struct vg_arena *arena, struct vg_dataset *item, struct vg_capture_how *how,
                      struct vg_error *err)
{
    const struct vg_reference_spec *spec = find_spec(dataset, promotion->name);
    const struct vg_window span = {promotion->from_us, promotion->to_us, false};
    if (!spec)
        return vg_fail(err, VG_E_USAGE, "%s has no reference called %s", dataset->id,
                       promotion->name);
    if (spec->kind == VG_REF_ROLLING)
        return vg_fail(err, VG_E_USAGE, "the reference %s of %s is rolling: it moves by itself",
                       promotion->name, dataset->id);
    if (spec->kind != VG_REF_WINDOW) {
        vg_fail(err, VG_E_USAGE, "the reference of %s is not a span of time", dataset->id);
        return vg_hint(err, "pgvigil reference capture %s takes its rows as they are now",
                       dataset->id);
    }
    if (span.end_us <= span.start_us)
        return vg_fail(err, VG_E_USAGE, "the range ends before it begins");
    how->stands_for = vg_promotion_spec(dataset, promotion->name, arena);
    vg_reference_pin(dataset, spec, &span, item);
    item->reference.nexcept = 0; /* those were of the former range */
    return how->stands_for ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

static const char *find_name(struct vg_store *store, const struct vg_reference_change *change,
                             struct vg_arena *arena, struct vg_error *err)
{
    struct vg_reference_row *rows;
    size_t n;
    const char *found = VG_REFERENCE_NAME;
    if (vg_store_references(store, change->dataset, arena, &rows, &n, err) < 0)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].version == change->version)
            found = rows[i].name;
    }
    return found;
}

int vg_promotion_choose(struct vg_store *store, const struct vg_dataset *dataset,
                        struct vg_reference_change *change, struct vg_arena *arena,
                        struct vg_error *err)
{
    char version[VG_NUMBER_TEXT], former[VG_NUMBER_TEXT];
    static const char *const words[] = {
        [VG_REFERENCE_CAPTURED] = "reference captured",
        [VG_REFERENCE_PROMOTED] = "reference promoted",
        [VG_REFERENCE_USED] = "another reference is used",
        [VG_REFERENCE_BACK] = "reference rolled back",
    };
    const char *name = find_name(store, change, arena, err);
    const char *spec = name && dataset ? vg_promotion_spec(dataset, name, arena) : NULL;
    if (!name || vg_store_reference_choose(store, change, spec, arena, err) < 0)
        return -1;
    vg_log(VG_LOG_INFO, words[change->how], "dataset", change->dataset, "reference", name,
           "version", vg_format_double((double)change->version, version), "former",
           vg_format_double((double)change->former, former), "by", change->by, NULL);
    return 0;
}
