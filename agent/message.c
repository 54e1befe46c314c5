/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages and onsets as JSON text and back.
 *
 * One table of fields per struct drives both directions, so that they cannot differ. Numbers that
 * are not finite have no JSON form: NaN is null, the infinities are the strings +Inf and -Inf.
 */
#include "agent/message.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "pgvigil/text.h"

const char *vg_message_kind_name(enum vg_message_kind kind)
{
    static const char *const names[] = {"open",    "update", "remind",      "resolve",
                                        "summary", "test",   "acknowledge", "change"};
    return names[kind];
}

enum field_type {
    TEXT,
    NEEDED,
    KEY,
    NAME,
    BOOLEAN,
    INT64,
    MAYBE64,
    UINT64,
    UNSIGNED,
    DOUBLE,
    MAYBE
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    const char *(*word)(int value); /* of NAME: the word of a value */
    int values;                     /* of NAME: how many there are */
};

static const char *kind_word(int value)
{
    return vg_message_kind_name((enum vg_message_kind)value);
}

static const char *severity_word(int value)
{
    return vg_severity_name((enum vg_severity)value);
}

static const char *state_word(int value)
{
    return vg_alert_state_name((enum vg_alert_state)value);
}

static const char *verdict_word(int value)
{
    return vg_verdict_name((enum vg_verdict)value);
}

static const char *unit_word(int value)
{
    return vg_unit_name((enum vg_unit)value);
}

static const char *onset_word(int value)
{
    static const char *const words[] = {"open", "fired", "ended"};
    return words[value];
}

#define MESSAGE(field) offsetof(struct vg_message, field)
static const struct field message_fields[] = {
    {"kind", NAME, MESSAGE(kind), kind_word, VG_MSG_KINDS},
    {"key", KEY, MESSAGE(key), NULL, 0},
    {"agent", TEXT, MESSAGE(agent), NULL, 0},
    {"dataset", NEEDED, MESSAGE(dataset), NULL, 0},
    {"model", TEXT, MESSAGE(model), NULL, 0},
    {"connection", TEXT, MESSAGE(connection), NULL, 0},
    {"table", TEXT, MESSAGE(table), NULL, 0},
    {"owner", TEXT, MESSAGE(owner), NULL, 0},
    {"runbook", TEXT, MESSAGE(runbook), NULL, 0},
    {"severity", NAME, MESSAGE(severity), severity_word, VG_SEVERITIES},
    {"at_us", INT64, MESSAGE(at_us), NULL, 0},
    {"onset_us", INT64, MESSAGE(onset_us), NULL, 0},
    {"opened_us", INT64, MESSAGE(opened_us), NULL, 0},
    {"has_window", BOOLEAN, MESSAGE(has_window), NULL, 0},
    {"window_from_us", INT64, MESSAGE(window.start_us), NULL, 0},
    {"window_to_us", INT64, MESSAGE(window.end_us), NULL, 0},
    {"window_repeated", BOOLEAN, MESSAGE(window.repeated), NULL, 0},
    {"rows", UINT64, MESSAGE(rows), NULL, 0},
    {"url", TEXT, MESSAGE(url), NULL, 0},
    {"dashboard", TEXT, MESSAGE(dashboard), NULL, 0},
    {"role", TEXT, MESSAGE(role), NULL, 0},
    {"impact", TEXT, MESSAGE(impact), NULL, 0},
    {"by", TEXT, MESSAGE(by), NULL, 0},
    {"reference", TEXT, MESSAGE(reference), NULL, 0},
    {"retraining", TEXT, MESSAGE(retraining), NULL, 0},
    {"reference_from_us", MAYBE64, MESSAGE(reference_from_us), NULL, 0},
    {"reference_to_us", MAYBE64, MESSAGE(reference_to_us), NULL, 0},
};

#define ITEM(field) offsetof(struct vg_message_item, field)
static const struct field item_fields[] = {
    {"rule", NEEDED, ITEM(rule), NULL, 0},
    {"check", NEEDED, ITEM(check), NULL, 0},
    {"column", TEXT, ITEM(column), NULL, 0},
    {"segment", TEXT, ITEM(segment), NULL, 0},
    {"class", NEEDED, ITEM(class), NULL, 0},
    {"emits", UNSIGNED, ITEM(emits), NULL, 0},
    {"state", NAME, ITEM(state), state_word, VG_ALERT_STATES},
    {"verdict", NAME, ITEM(verdict), verdict_word, VG_FAIL + 1},
    {"unit", NAME, ITEM(unit), unit_word, VG_UNIT_ROWS + 1},
    {"value", DOUBLE, ITEM(value), NULL, 0},
    {"limit", DOUBLE, ITEM(limit), NULL, 0},
    {"p_value", DOUBLE, ITEM(p_value), NULL, 0},
    {"onset_us", INT64, ITEM(onset_us), NULL, 0},
    {"ended_us", MAYBE64, ITEM(ended_us), NULL, 0},
    {"n", MAYBE, ITEM(n), NULL, 0},
    {"n_ref", MAYBE, ITEM(n_ref), NULL, 0},
    {"reference", TEXT, ITEM(reference), NULL, 0},
    {"worst", MAYBE, ITEM(worst.value), NULL, 0},
    {"worst_limit", MAYBE, ITEM(worst.limit), NULL, 0},
    {"worst_us", MAYBE64, ITEM(worst.at_us), NULL, 0},
    {"why", NEEDED, ITEM(why), NULL, 0},
    {"description", TEXT, ITEM(description), NULL, 0},
    {"runbook", TEXT, ITEM(runbook), NULL, 0},
};

#define ONSET(field) offsetof(struct vg_onset, field)
static const struct field onset_fields[] = {
    {"key", KEY, ONSET(key), NULL, 0},
    {"model", NEEDED, ONSET(model), NULL, 0},
    {"dataset", NEEDED, ONSET(dataset), NULL, 0},
    {"rule", NEEDED, ONSET(rule), NULL, 0},
    {"due_us", INT64, ONSET(due_us), NULL, 0},
    {"window_from_us", INT64, ONSET(evidence.start_us), NULL, 0},
    {"window_to_us", INT64, ONSET(evidence.end_us), NULL, 0},
    {"window_repeated", BOOLEAN, ONSET(evidence.repeated), NULL, 0},
    {"state", NAME, ONSET(state), onset_word, VG_ONSET_ENDED + 1},
    {"fired", BOOLEAN, ONSET(fired), NULL, 0},
    {"fired_us", INT64, ONSET(fired_us), NULL, 0},
    {"ended_us", INT64, ONSET(ended_us), NULL, 0},
    {"value", DOUBLE, ONSET(value), NULL, 0},
    {"limit", DOUBLE, ONSET(limit), NULL, 0},
    {"rows", UINT64, ONSET(rows), NULL, 0},
    {"column", TEXT, ONSET(column), NULL, 0},
    {"segment", TEXT, ONSET(segment), NULL, 0},
    {"check", TEXT, ONSET(check), NULL, 0},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- Writing ---------------------------------------------------------------------------------- */

static json_t *write_text(const char *s)
{
    if (!s)
        return json_null();
    size_t n = vg_utf8_prefix(s, strlen(s), VG_MESSAGE_TEXT);
    if (vg_utf8_valid(s, n))
        return json_stringn(s, n);
    struct vg_buf clean;
    vg_buf_init(&clean, 4 * VG_MESSAGE_TEXT);
    vg_utf8_clean(&clean, s, n, false);
    json_t *repaired = clean.failed ? NULL : json_stringn(clean.data, clean.len);
    vg_buf_free(&clean);
    return repaired;
}

static json_t *write_double(double x)
{
    if (isnan(x))
        return json_null();
    return isinf(x) ? json_string(x > 0 ? "+Inf" : "-Inf") : json_real(x);
}

static json_t *write_field(const struct field *field, const void *at)
{
    switch (field->type) {
    case TEXT:
    case NEEDED:
        return write_text(*(const char *const *)at);
    case KEY:
        return write_text(at);
    case NAME:
        return json_string(field->word(*(const int *)at));
    case BOOLEAN:
        return json_boolean(*(const bool *)at);
    case INT64:
    case MAYBE64:
        return json_integer(*(const int64_t *)at);
    case UINT64:
        return json_integer((json_int_t)(*(const uint64_t *)at & INT64_MAX));
    case UNSIGNED:
        return json_integer(*(const unsigned *)at);
    case DOUBLE:
    case MAYBE:
        return write_double(*(const double *)at);
    }
    return NULL;
}

/* An object of the fields, or NULL out of memory. */
static json_t *write_fields(const void *record, const struct field *fields, size_t n)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < n; i++) {
        const char *at = (const char *)record + fields[i].offset;
        if (json_object_set_new(object, fields[i].name, write_field(&fields[i], at)) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *write_item(const struct vg_message_item *item)
{
    json_t *object = write_fields(item, item_fields, COUNT(item_fields));
    json_t *keys = json_array();
    int bad = object ? json_object_set_new(object, "keys", keys) : -1;
    for (size_t i = 0; !bad && i < item->nkeys; i++)
        bad = json_array_append_new(keys, write_text(item->keys[i]));
    if (!bad)
        return object;
    json_decref(object ? object : keys);
    return NULL;
}

/* Items in which something happened come first: if any are left out, then those that only stand. */
static int write_items(json_t *array, const struct vg_message *message)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < message->nitems; i++) {
            const struct vg_message_item *item = &message->items[i];
            bool now = (item->emits != 0) == (pass == 0);
            if (!now || json_array_size(array) >= VG_MESSAGE_ITEMS)
                continue;
            if (json_array_append_new(array, write_item(item)) < 0)
                return -1;
        }
    }
    return 0;
}

static int add_dumped(const char *text, size_t n, void *arg)
{
    struct vg_buf *buf = arg;
    vg_buf_add(buf, text, n);
    return buf->failed ? -1 : 0;
}

static int dump(const json_t *object, struct vg_arena *arena, const char **out,
                struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, VG_MESSAGE_BYTES);
    int rc = json_dump_callback(object, add_dumped, &buf, JSON_COMPACT | JSON_REAL_PRECISION(17));
    *out = rc ? NULL : vg_arena_strdup(arena, buf.data);
    bool too_long = rc && buf.len > VG_MESSAGE_BYTES / 2;
    vg_buf_free(&buf);
    if (too_long)
        return vg_fail(err, VG_E_LIMIT, "a message is longer than %d bytes", VG_MESSAGE_BYTES);
    return *out ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

int vg_message_write(const struct vg_message *message, struct vg_arena *arena, const char **out,
                     struct vg_error *err)
{
    json_t *object = write_fields(message, message_fields, COUNT(message_fields));
    json_t *items = json_array();
    int bad = object && items ? write_items(items, message) : -1;
    size_t more = message->more + message->nitems - json_array_size(items);
    bad = bad || json_object_set(object, "items", items) ||
          json_object_set_new(object, "more", json_integer((json_int_t)more));
    int rc = bad ? vg_fail(err, VG_E_MEMORY, "out of memory") : dump(object, arena, out, err);
    json_decref(items);
    json_decref(object);
    return rc;
}

int vg_onset_write(const struct vg_onset *onset, struct vg_arena *arena, const char **out,
                   struct vg_error *err)
{
    json_t *object = write_fields(onset, onset_fields, COUNT(onset_fields));
    int rc = object ? dump(object, arena, out, err) : vg_fail(err, VG_E_MEMORY, "out of memory");
    json_decref(object);
    return rc;
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct reader {
    struct vg_arena *arena;
    bool starved; /* memory was refused: the text itself may be fine */
};

static int read_name(const struct field *field, const char *word, int *out)
{
    for (int value = 0; word && value < field->values; value++) {
        if (!strcmp(word, field->word(value))) {
            *out = value;
            return 0;
        }
    }
    return -1;
}

static int read_double(const json_t *value, double *out)
{
    const char *word = json_string_value(value);
    if (json_is_number(value))
        *out = json_number_value(value);
    else if (json_is_null(value))
        *out = NAN;
    else if (word && (!strcmp(word, "+Inf") || !strcmp(word, "-Inf")))
        *out = *word == '+' ? INFINITY : -INFINITY;
    else
        return -1;
    return 0;
}

static int read_text(const json_t *value, struct reader *reader, const char **out)
{
    *out = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return -1;
    *out = vg_arena_strdup(reader->arena, json_string_value(value));
    reader->starved = reader->starved || !*out;
    return *out ? 0 : -1;
}

static int read_key(const json_t *value, char *out)
{
    const char *key = json_string_value(value);
    if (!key || strlen(key) >= VG_KEY_SIZE)
        return -1;
    memcpy(out, key, strlen(key) + 1);
    return 0;
}

static int read_integer(const json_t *value, json_int_t least, json_int_t most, json_int_t *out)
{
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= least && *out <= most ? 0 : -1;
}

static int read_field(const struct field *field, const json_t *value, void *at,
                      struct reader *reader)
{
    json_int_t whole = 0;
    int rc = 0;
    switch (field->type) {
    case NEEDED:
        return json_is_string(value) ? read_text(value, reader, at) : -1;
    case TEXT:
        return read_text(value, reader, at);
    case KEY:
        return read_key(value, at);
    case NAME:
        return read_name(field, json_string_value(value), at);
    case BOOLEAN:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value) ? 0 : -1;
    case MAYBE64: /* absent in what an older version wrote: 0 */
        if (!value)
            return 0;
        /* fall through */
    case INT64:
        rc = read_integer(value, INT64_MIN, INT64_MAX, &whole);
        *(int64_t *)at = whole;
        return rc;
    case UINT64:
        rc = read_integer(value, 0, INT64_MAX, &whole);
        *(uint64_t *)at = (uint64_t)whole;
        return rc;
    case UNSIGNED:
        rc = read_integer(value, 0, UINT32_MAX, &whole);
        *(unsigned *)at = (unsigned)whole;
        return rc;
    case MAYBE: /* absent in what an older version wrote: NaN */
        *(double *)at = NAN;
        if (!value)
            return 0;
        /* fall through */
    case DOUBLE:
        return read_double(value, at);
    }
    return -1;
}

static int read_fields(const json_t *object, const struct field *fields, size_t n, void *record,
                       struct reader *reader)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (read_field(&fields[i], value, (char *)record + fields[i].offset, reader) < 0)
            return -1;
    }
    return 0;
}

static int read_item(const json_t *object, struct vg_message_item *item, struct reader *reader)
{
    const json_t *keys = json_object_get(object, "keys");
    size_t n = json_array_size(keys);
    const char **texts = vg_arena_array(reader->arena, n, sizeof *texts);
    reader->starved = reader->starved || (!texts && n);
    if (reader->starved || read_fields(object, item_fields, COUNT(item_fields), item, reader) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (read_text(json_array_get(keys, i), reader, &texts[i]) < 0 || !texts[i])
            return -1;
    }
    item->keys = texts;
    item->nkeys = n;
    return 0;
}

static int read_message(const json_t *object, struct reader *reader, struct vg_message *out)
{
    const json_t *items = json_object_get(object, "items");
    out->nitems = json_array_size(items);
    out->items = vg_arena_array(reader->arena, out->nitems, sizeof *out->items);
    reader->starved = reader->starved || (!out->items && out->nitems);
    if (reader->starved || !json_is_array(items))
        return -1;
    out->more = (size_t)json_integer_value(json_object_get(object, "more"));
    for (size_t i = 0; i < out->nitems; i++) {
        if (read_item(json_array_get(items, i), &out->items[i], reader) < 0)
            return -1;
    }
    return read_fields(object, message_fields, COUNT(message_fields), out, reader);
}

static json_t *parse(const char *json, struct vg_error *err)
{
    json_error_t where;
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &where);
    if (!object && json_error_code(&where) == json_error_out_of_memory)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    else if (!object)
        vg_fail(err, VG_E_DATA, "this is not JSON: %s", where.text);
    return object;
}

static int end_reading(int rc, const struct reader *reader, const char *what, struct vg_error *err)
{
    if (rc && reader->starved)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    return rc ? vg_fail(err, VG_E_DATA, "this JSON is not %s", what) : 0;
}

int vg_message_read(const char *json, struct vg_arena *arena, struct vg_message *out,
                    struct vg_error *err)
{
    struct reader reader = {.arena = arena};
    *out = (struct vg_message){0};
    json_t *object = parse(json, err);
    if (!object)
        return -1;
    int rc = read_message(object, &reader, out);
    json_decref(object);
    return end_reading(rc, &reader, "a message", err);
}

int vg_onset_read(const char *json, struct vg_arena *arena, struct vg_onset *out,
                  struct vg_error *err)
{
    struct reader reader = {.arena = arena};
    *out = (struct vg_onset){0};
    json_t *object = parse(json, err);
    if (!object)
        return -1;
    int rc = read_fields(object, onset_fields, COUNT(onset_fields), out, &reader);
    json_decref(object);
    return end_reading(rc, &reader, "an onset", err);
}
