/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mappings by tables: finds each key, reports what is unknown, refused or missing, and asks
 * value_scalar.c for the values. Knows no domain word but names. */
#include "agent/yaml/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/secret.h"
#include "pgvigil/text.h"

enum {
    SHOWN_CHARS = 60,
    SEARCHED_BYTES = 2000,
    WORDS_MAX = 128,
    ADVICE_FAULTS = 200,
    LIST_BYTES = 400,
    MEANT_MAX = 16
};

__attribute__((format(printf, 2, 0))) static char *format_scratch(struct vg_reader *r,
                                                                  const char *fmt, va_list ap)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 4096);
    vg_buf_vprintf(&buf, fmt, ap);
    char *out = buf.failed ? NULL : vg_arena_strdup(r->scratch, buf.data);
    vg_buf_free(&buf);
    return out;
}

const char *vg_read_printf(struct vg_reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *out = format_scratch(r, fmt, ap);
    va_end(ap);
    return out;
}

void vg_read_fault(struct vg_reader *r, struct vg_loc loc, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *msg = format_scratch(r, fmt, ap);
    va_end(ap);
    r->faults++;
    vg_document_fault(r->document, r->diags, VG_GRADE_ERROR, loc, hint, "%s",
                      msg ? msg : "out of memory");
}

void vg_read_warning(struct vg_reader *r, struct vg_loc loc, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *msg = format_scratch(r, fmt, ap);
    va_end(ap);
    vg_document_fault(r->document, r->diags, VG_GRADE_WARNING, loc, hint, "%s",
                      msg ? msg : "out of memory");
}

const char *vg_read_shown(struct vg_reader *r, const char *text)
{
    struct vg_buf buf, masked;
    vg_buf_init(&buf, 1024);
    vg_buf_init(&masked, SEARCHED_BYTES);
    size_t length = strlen(text);
    vg_secret_mask(&masked, text, length < SEARCHED_BYTES ? length : SEARCHED_BYTES);
    size_t n = masked.len, most = vg_utf8_prefix(masked.data, n, SHOWN_CHARS);
    vg_utf8_clean(&buf, masked.data, most, true);
    vg_buf_free(&masked);
    for (size_t i = 0; i < buf.len; i++)
        buf.data[i] = buf.data[i] == '\n' || buf.data[i] == '\t' ? ' ' : buf.data[i];
    if (most < n)
        vg_buf_puts(&buf, "...");
    const char *out = buf.failed ? NULL : vg_arena_strdup(r->scratch, buf.data);
    vg_buf_free(&buf);
    return out ? out : "";
}

const char *vg_read_advice(struct vg_reader *r, const char *given, const char *const *words,
                           size_t n)
{
    /* Looking for the nearest word is dear; nobody reads hints by the hundred. */
    if (r->faults > ADVICE_FAULTS || !n)
        return NULL;
    const char *nearest = vg_nearest(given, words, n);
    if (nearest)
        return vg_read_printf(r, "did you mean \"%s\"?", nearest);
    struct vg_buf list;
    vg_buf_init(&list, LIST_BYTES);
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
    const char *out = list.failed ? NULL : vg_read_printf(r, "known here: %s", list.data);
    vg_buf_free(&list);
    return out;
}

/* --- Keys of a mapping ------------------------------------------------------------------------ */

static size_t find_key(const struct vg_part *part, const char *name)
{
    size_t i = 0;
    while (i < part->n && strcmp(part->keys[i].name, name))
        i++;
    return i;
}

static size_t must_find_key(const struct vg_part *part, const char *name)
{
    size_t i = find_key(part, name);
    if (i == part->n)
        BUG("the table has no key %s", name);
    return i;
}

bool vg_part_given(const struct vg_part *part, const char *name)
{
    return part->given[must_find_key(part, name)];
}

bool vg_part_fine(const struct vg_part *part, const char *name)
{
    size_t i = must_find_key(part, name);
    return part->given[i] && !part->bad[i];
}

void vg_read_defaults(struct vg_reader *r, struct vg_part *part)
{
    if (part->n > VG_PART_KEYS)
        BUG("a table has %zu keys", part->n);
    memset(part->given, 0, sizeof part->given);
    memset(part->bad, 0, sizeof part->bad);
    part->nbad = 0;
    for (size_t i = 0; i < part->n; i++) {
        const struct vg_key *key = &part->keys[i];
        if (!key->fallback || key->type == VG_VALUE_REFUSED)
            continue;
        if (!vg_value_default(r, key, key->fallback, (char *)part->out + key->offset) && !r->memory)
            BUG("the default %s of %s does not fit", key->fallback, key->name);
    }
}

/* What was probably meant by keys that were reported: these are not missing as well. */
struct meant {
    const char *texts[MEANT_MAX];
    size_t n;
};

static void note_meant(struct meant *meant, const char *text)
{
    if (text && meant->n < MEANT_MAX)
        meant->texts[meant->n++] = text;
}

static bool is_meant(const struct meant *meant, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < meant->n && !found; i++)
        found = strstr(meant->texts[i], name) != NULL;
    return found;
}

struct parts {
    struct vg_part *items;
    size_t n;
    const char *what;
    struct meant meant;
};

static void report_unknown(struct vg_reader *r, const struct vg_entry *entry, struct parts *parts)
{
    const char *words[WORDS_MAX];
    size_t n = 0;
    for (size_t p = 0; p < parts->n; p++) {
        for (size_t i = 0; i < parts->items[p].n && n < WORDS_MAX; i++) {
            if (parts->items[p].keys[i].type != VG_VALUE_REFUSED)
                words[n++] = parts->items[p].keys[i].name;
        }
    }
    const char *hint = vg_read_advice(r, entry->key, words, n);
    note_meant(&parts->meant, hint && !strncmp(hint, "did", 3) ? hint : NULL);
    vg_read_fault(r, entry->loc, hint, "unknown key \"%s\" in %s", vg_read_shown(r, entry->key),
                  parts->what);
}

/* Reads the entry if the part knows its key. */
static bool read_entry(struct vg_reader *r, const struct vg_entry *entry, struct parts *parts,
                       struct vg_part *part)
{
    size_t i = find_key(part, entry->key);
    if (i == part->n)
        return false;
    const struct vg_key *key = &part->keys[i];
    part->given[i] = true;
    if (key->type == VG_VALUE_REFUSED) {
        note_meant(&parts->meant, key->fallback);
        vg_read_fault(r, entry->loc, key->fallback, "%s", key->doc);
    } else if (vg_read_value(r, entry->value, key, key->name, (char *)part->out + key->offset)) {
        return true;
    }
    part->bad[i] = true;
    part->nbad++;
    return true;
}

static void report_missing(struct vg_reader *r, const struct vg_node *node,
                           const struct parts *parts, const struct vg_part *part)
{
    for (size_t i = 0; i < part->n; i++) {
        const struct vg_key *key = &part->keys[i];
        if (key->required && !part->given[i] && !is_meant(&parts->meant, key->name))
            vg_read_fault(r, node->loc, key->doc, "\"%s\" is missing in %s", key->name,
                          parts->what);
    }
}

bool vg_read_mapping(struct vg_reader *r, const struct vg_node *node, const char *what,
                     struct vg_part *parts, size_t nparts)
{
    struct parts all = {.items = parts, .n = nparts, .what = what};
    for (size_t p = 0; p < nparts; p++)
        vg_read_defaults(r, &parts[p]);
    if (node->kind == VG_NODE_BAD)
        return false;
    if (node->kind != VG_NODE_MAPPING) {
        vg_read_fault(r, node->loc, "write key: value", "%s must be a mapping, not %s", what,
                      vg_node_null(node) ? "empty" : vg_node_noun(node));
        return false;
    }
    for (size_t e = 0; e < node->n; e++) {
        bool known = false;
        for (size_t p = 0; p < nparts && !known; p++)
            known = read_entry(r, &node->entries[e], &all, &parts[p]);
        if (!known)
            report_unknown(r, &node->entries[e], &all);
    }
    for (size_t p = 0; p < nparts && !node->partial; p++)
        report_missing(r, node, &all, &parts[p]);
    return true;
}

bool vg_read_table(struct vg_reader *r, const struct vg_node *node,
                   const struct vg_key_table *table, struct vg_part *part, void *out)
{
    *part = (struct vg_part){.keys = table->keys, .n = table->n, .out = out};
    return vg_read_mapping(r, node, table->mapping, part, 1);
}

/* --- Documentation ---------------------------------------------------------------------------- */

const char *vg_key_type_name(const struct vg_key *key, struct vg_arena *arena)
{
    static const char *const names[] = {
        [VG_VALUE_BOOL] = "true or false",
        [VG_VALUE_INT] = "integer",
        [VG_VALUE_NUMBER] = "number",
        [VG_VALUE_RATIO] = "ratio",
        [VG_VALUE_PERCENT] = "percent",
        [VG_VALUE_DURATION] = "duration",
        [VG_VALUE_TIME] = "time",
        [VG_VALUE_STRING] = "string",
        [VG_VALUE_STRINGS] = "list",
        [VG_VALUE_CHOICE] = "choice",
        [VG_VALUE_NAME] = "name",
        [VG_VALUE_NAMES] = "names",
        [VG_VALUE_SQL] = "SQL",
        [VG_VALUE_QUERY] = "SQL",
        [VG_VALUE_URL] = "url",
        [VG_VALUE_PATH] = "path",
        [VG_VALUE_NODE] = "mapping",
        [VG_VALUE_REFUSED] = "refused",
    };
    if (key->type == VG_VALUE_NODE && key->shown)
        return key->shown;
    if (key->type != VG_VALUE_CHOICE)
        return names[key->type];
    struct vg_buf buf;
    vg_buf_init(&buf, LIST_BYTES);
    for (size_t i = 0; key->choices[i]; i++)
        vg_buf_printf(&buf, "%s%s", i ? "|" : "", key->choices[i]);
    const char *out = buf.failed ? NULL : vg_arena_strdup(arena, buf.data);
    vg_buf_free(&buf);
    return out ? out : names[key->type];
}

const char *vg_key_default(const struct vg_key *key)
{
    if (key->type == VG_VALUE_REFUSED)
        return "";
    if (key->type != VG_VALUE_NODE && key->shown)
        return key->shown;
    return key->fallback ? key->fallback : "";
}
