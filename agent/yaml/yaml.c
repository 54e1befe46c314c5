/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML events as a tree. Owns the use of libyaml, whose cost is quadratic in nesting: depth and
 * events are counted at each start, so that a hostile file ends early. What is refused (anchors,
 * tags, duplicate keys ...) is reported and read past where the rest still makes sense. */
#include "agent/yaml/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "agent/yaml/text.h"
#include "pgvigil/text.h"

struct reading {
    yaml_parser_t parser;
    struct vg_arena *arena;
    struct vg_diags *diags;
    struct vg_document *document;
    size_t events;
    int depth;
    bool stopped; /* nothing more will be read */
    bool memory;  /* ran out of it */
    bool blanked; /* lines were: what is missing or wrong in form may be their fault */
};

static struct vg_loc locate(const struct reading *r, yaml_mark_t mark)
{
    return (struct vg_loc){r->document->path, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

#define REPORT(r, loc, hint, ...)                                                                  \
    vg_document_fault((r)->document, (r)->diags, VG_GRADE_ERROR, loc, hint, __VA_ARGS__)

static const struct {
    const char *problem, *hint;
} syntax_hints[] = {
    {"mapping values are not allowed", "a text that holds \": \" needs quotes; else look at the "
                                       "indentation of this line and the one above"},
    {"found character that cannot start", "put the value in quotes"},
    {"did not find expected key", "look at the indentation of this line and for an open quote"},
    {"did not find expected ',' or",
     "a bracket opened before is not closed, or a comma is missing"},
    {"could not find expected ':'", "a key is followed by a colon and a blank"},
    {"found unexpected end of stream", "a quote opened before is not closed"},
    {"did not find expected '-'", "every item of a list begins with a dash in the same column"},
    {"found unknown escape character", "in double quotes a backslash is written twice"},
    {"block sequence entries are not allowed", "put the list on a line of its own"},
};

static void report_syntax(struct reading *r)
{
    const yaml_parser_t *parser = &r->parser;
    r->stopped = true;
    if (parser->error == YAML_MEMORY_ERROR) {
        r->memory = true;
        return;
    }
    if (r->blanked)
        return;
    const char *problem = parser->problem ? parser->problem : "this cannot be read";
    const char *hint = NULL;
    for (size_t i = 0; i < sizeof syntax_hints / sizeof syntax_hints[0] && !hint; i++) {
        if (strstr(problem, syntax_hints[i].problem))
            hint = syntax_hints[i].hint;
    }
    struct vg_loc loc = locate(r, parser->problem_mark);
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        REPORT(r, loc, hint, "%s (%s from line %zu on)", problem, parser->context,
               parser->context_mark.line + 1);
    else
        REPORT(r, loc, hint, "%s", problem);
}

/* The next event, to be deleted by the caller; false at the end of what can be read. */
static bool next_event(struct reading *r, yaml_event_t *event)
{
    if (r->stopped)
        return false;
    if (!yaml_parser_parse(&r->parser, event)) {
        report_syntax(r);
        return false;
    }
    bool start =
        event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
    const char *fault = NULL;
    if (++r->events > VG_YAML_EVENTS)
        fault = "the file is too large: at most 50000 keys and values are read";
    else if (start && r->depth >= VG_YAML_DEPTH)
        fault = "the nesting is too deep: at most 32 levels are read";
    if (!fault)
        return true;
    REPORT(r, locate(r, event->start_mark), NULL, "%s", fault);
    yaml_event_delete(event);
    r->stopped = true;
    return false;
}

static struct vg_node *new_node(struct reading *r, enum vg_node_kind kind, struct vg_loc loc)
{
    struct vg_node *node = vg_arena_alloc(r->arena, sizeof *node);
    if (!node) {
        r->memory = r->stopped = true;
        return NULL;
    }
    node->kind = kind;
    node->loc = loc;
    return node;
}

/* Reports what may not decorate a node; true when the node is then of no use. */
static bool refuse_properties(struct reading *r, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct vg_loc loc = locate(r, event->start_mark);
    if (anchor)
        REPORT(r, loc, "write the value out where it is needed", "anchors are not allowed");
    if (tag)
        REPORT(r, loc, "quotes make a text of a value", "tags are not allowed");
    return tag && event->type == YAML_SCALAR_EVENT;
}

static const char *find_scalar_fault(const yaml_event_t *event)
{
    if (event->data.scalar.length > VG_YAML_SCALAR)
        return "this text is too long: at most 8192 bytes are read";
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
        return "a text cannot hold the character NUL";
    return NULL;
}

static struct vg_node *read_scalar(struct reading *r, const yaml_event_t *event)
{
    struct vg_loc loc = locate(r, event->start_mark);
    const char *fault = find_scalar_fault(event);
    bool bad = refuse_properties(r, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (fault)
        REPORT(r, loc, NULL, "%s", fault);
    struct vg_node *node = new_node(r, fault || bad ? VG_NODE_BAD : VG_NODE_SCALAR, loc);
    if (!node)
        return NULL;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->n = event->data.scalar.length;
    node->text =
        vg_arena_strndup(r->arena, (const char *)event->data.scalar.value, fault ? 0 : node->n);
    if (!node->text)
        r->memory = r->stopped = true;
    return node;
}

static struct vg_node *read_node(struct reading *r, const yaml_event_t *event);

static struct vg_node *read_sequence(struct reading *r, const yaml_event_t *start)
{
    struct vg_node *node = new_node(r, VG_NODE_SEQUENCE, locate(r, start->start_mark));
    refuse_properties(r, start, start->data.sequence_start.anchor, start->data.sequence_start.tag);
    const struct vg_node **items = NULL;
    size_t n = 0, room = 0;
    r->depth++;
    bool ended = false;
    yaml_event_t event;
    while (node && !ended && next_event(r, &event)) {
        ended = event.type == YAML_SEQUENCE_END_EVENT;
        if (!ended && vg_grow((void **)&items, &room, n + 1, sizeof *items) < 0)
            r->memory = r->stopped = true;
        else if (!ended && (items[n] = read_node(r, &event)))
            n++;
        yaml_event_delete(&event);
    }
    r->depth--;
    const struct vg_node **kept = vg_arena_array(r->arena, n ? n : 1, sizeof *kept);
    if (node && kept && n)
        memcpy(kept, items, n * sizeof *kept);
    free(items);
    if (!node || !kept) {
        r->memory = r->stopped = true;
        return NULL;
    }
    node->items = kept;
    node->n = n;
    node->partial = !ended || r->blanked;
    return node;
}

/* The key that an event stands for; NULL when it was refused. */
static const char *read_key(struct reading *r, const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT) {
        bool template = event->type == YAML_MAPPING_START_EVENT;
        struct vg_node *passed = read_node(r, event);
        if (passed && passed->kind != VG_NODE_BAD)
            REPORT(r, passed->loc, template ? "put {{...}} in quotes" : NULL,
                   "a key must be a single word, not %s", vg_node_noun(passed));
        return NULL;
    }
    struct vg_node *key = read_scalar(r, event);
    if (!key || key->kind == VG_NODE_BAD)
        return NULL;
    if (!key->n) {
        REPORT(r, key->loc, NULL, "a key is missing here");
        return NULL;
    }
    return key->text;
}

static bool read_entry(struct reading *r, const yaml_event_t *event, struct vg_entry *entry)
{
    entry->loc = locate(r, event->start_mark);
    entry->key = read_key(r, event);
    yaml_event_t value;
    if (!next_event(r, &value))
        return false;
    entry->value = read_node(r, &value);
    yaml_event_delete(&value);
    return entry->key && entry->value;
}

static int compare_entries(const void *pa, const void *pb)
{
    const struct vg_entry *a = *(const struct vg_entry *const *)pa;
    const struct vg_entry *b = *(const struct vg_entry *const *)pb;
    int order = strcmp(a->key, b->key);
    return order ? order : a < b ? -1 : a > b;
}

/* Reports keys given twice; the first one counts. */
static size_t drop_duplicates(struct reading *r, struct vg_entry *entries, size_t n)
{
    const struct vg_entry **order = vg_array(n, sizeof *order);
    if (!order) {
        r->memory = r->stopped = true;
        return n;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = &entries[i];
    qsort(order, n, sizeof *order, compare_entries);
    const struct vg_entry *first = NULL;
    for (size_t i = 0; i < n; i++) {
        struct vg_entry *entry = &entries[order[i] - entries];
        if (!first || strcmp(first->key, entry->key)) {
            first = entry;
            continue;
        }
        REPORT(r, entry->loc, NULL, "the key \"%.*s\" was given in line %u already",
               (int)vg_utf8_prefix(entry->key, strlen(entry->key), 60), entry->key,
               first->loc.line);
        entry->value = NULL;
    }
    free(order);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].value)
            entries[kept++] = entries[i];
    }
    return kept;
}

/* Where reading ends in the midst of a mapping, a plain text before it may have run into the next
 * line. */
static const struct vg_node *doubt_value(struct reading *r, const struct vg_node *value)
{
    struct vg_node *bad = value->plain ? new_node(r, VG_NODE_BAD, value->loc) : NULL;
    return bad ? bad : value;
}

static struct vg_node *read_mapping(struct reading *r, const yaml_event_t *start)
{
    struct vg_node *node = new_node(r, VG_NODE_MAPPING, locate(r, start->start_mark));
    refuse_properties(r, start, start->data.mapping_start.anchor, start->data.mapping_start.tag);
    struct vg_entry *entries = NULL;
    size_t n = 0, room = 0;
    r->depth++;
    bool ended = false;
    yaml_event_t event;
    while (node && !ended && next_event(r, &event)) {
        ended = event.type == YAML_MAPPING_END_EVENT;
        if (!ended && vg_grow((void **)&entries, &room, n + 1, sizeof *entries) < 0)
            r->memory = r->stopped = true;
        else if (!ended && read_entry(r, &event, &entries[n]))
            n++;
        yaml_event_delete(&event);
    }
    r->depth--;
    if (n && !ended)
        entries[n - 1].value = doubt_value(r, entries[n - 1].value);
    n = n > 1 ? drop_duplicates(r, entries, n) : n;
    struct vg_entry *kept = vg_arena_array(r->arena, n ? n : 1, sizeof *kept);
    if (node && kept && n)
        memcpy(kept, entries, n * sizeof *kept);
    free(entries);
    if (!node || !kept) {
        r->memory = r->stopped = true;
        return NULL;
    }
    node->entries = kept;
    node->n = n;
    node->partial = !ended || r->blanked;
    return node;
}

static struct vg_node *read_node(struct reading *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return read_sequence(r, event);
    case YAML_MAPPING_START_EVENT:
        return read_mapping(r, event);
    case YAML_ALIAS_EVENT:
        REPORT(r, locate(r, event->start_mark), "write the value out", "aliases are not allowed");
        return new_node(r, VG_NODE_BAD, locate(r, event->start_mark));
    default:
        REPORT(r, locate(r, event->start_mark), NULL, "this cannot be read");
        r->stopped = true;
        return NULL;
    }
}

static void take_root(struct reading *r, const struct vg_node *root)
{
    if (!root || root->kind == VG_NODE_BAD)
        return;
    if (root->kind == VG_NODE_MAPPING)
        r->document->root = root;
    else if (vg_node_null(root))
        REPORT(r, ((struct vg_loc){r->document->path, 1, 1}), NULL, "the file is empty");
    else
        REPORT(r, root->loc, "write key: value", "the file must be a mapping, not %s",
               vg_node_noun(root));
}

static void read_stream(struct reading *r)
{
    yaml_event_t event;
    size_t documents = 0;
    bool ended = false;
    while (!ended && next_event(r, &event)) {
        ended = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
            REPORT(r, locate(r, event.start_mark), "write one file for each",
                   "a second document begins here");
            ended = true;
        } else if (event.type != YAML_STREAM_START_EVENT && !ended &&
                   event.type != YAML_DOCUMENT_START_EVENT &&
                   event.type != YAML_DOCUMENT_END_EVENT) {
            take_root(r, read_node(r, &event));
        }
        yaml_event_delete(&event);
    }
    if (ended && !documents)
        REPORT(r, ((struct vg_loc){r->document->path, 1, 1}), NULL, "the file is empty");
}

int vg_yaml_parse(const char *text, size_t n, const char *path, struct vg_arena *arena,
                  struct vg_diags *diags, struct vg_document **out)
{
    struct vg_document *document = vg_arena_alloc(arena, sizeof *document);
    *out = document;
    if (!document || !(document->path = vg_arena_strdup(arena, path)))
        return -1;
    document->text = text;
    document->size = n;
    struct vg_yaml_text clean;
    if (vg_yaml_text_scan(document, arena, diags, &clean) < 0)
        return -1;
    if (clean.hopeless)
        return 0;
    struct reading r = {
        .arena = arena, .diags = diags, .document = document, .blanked = clean.blanked};
    if (!yaml_parser_initialize(&r.parser))
        return -1;
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)clean.text, clean.n);
    read_stream(&r);
    yaml_parser_delete(&r.parser);
    return r.memory ? -1 : 0;
}

const struct vg_node *vg_node_get(const struct vg_node *mapping, const char *key)
{
    for (size_t i = 0; mapping && mapping->kind == VG_NODE_MAPPING && i < mapping->n; i++) {
        if (!strcmp(mapping->entries[i].key, key))
            return mapping->entries[i].value;
    }
    return NULL;
}

bool vg_node_null(const struct vg_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    bool null = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        null =
            null || (node->kind == VG_NODE_SCALAR && node->plain && !strcmp(node->text, words[i]));
    return null;
}

const char *vg_node_noun(const struct vg_node *node)
{
    static const char *const nouns[] = {
        [VG_NODE_BAD] = "something unreadable",
        [VG_NODE_SCALAR] = "a single value",
        [VG_NODE_SEQUENCE] = "a list",
        [VG_NODE_MAPPING] = "a mapping",
    };
    return nouns[node->kind];
}
