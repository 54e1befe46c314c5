/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The templates of retraining requests: JSON whose strings are filled in with what is known of an
 * onset.
 *
 * Pure. The template is parsed first and its strings are replaced afterwards, so that what a value
 * holds can never change the shape of the body.
 */
#include "agent/triggers/trigger.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "pgvigil/text.h"

enum { TEXT_BYTES = 1 << 20, NAME_SIZE = 40, DEPTH = 32 };

static const char default_body[] =
    "{\"model\":\"{{model}}\",\"onset_key\":\"{{onset_key}}\",\"dataset\":\"{{dataset}}\","
    "\"rule\":\"{{rule}}\",\"column\":\"{{column}}\",\"check\":\"{{check}}\","
    "\"value\":\"{{value}}\",\"limit\":\"{{limit}}\",\"rows\":\"{{rows}}\","
    "\"window_from\":\"{{window_from}}\",\"window_to\":\"{{window_to}}\","
    "\"onset_due\":\"{{onset_due}}\",\"agent\":\"{{agent}}\"}";

/* The last three are numbers. */
enum place {
    MODEL,
    KEY,
    DATASET,
    RULE,
    COLUMN,
    CHECK,
    SEGMENT,
    FROM,
    TO,
    DUE,
    AGENT,
    VALUE,
    LIMIT,
    ROWS,
    PLACES,
    UNKNOWN = PLACES
};
static const char *const place_names[PLACES] = {
    "model",       "onset_key", "dataset",   "rule",  "column", "check", "segment",
    "window_from", "window_to", "onset_due", "agent", "value",  "limit", "rows"};

static enum place find_place(const char *name, size_t n)
{
    for (int i = 0; i < PLACES; i++) {
        if (strlen(place_names[i]) == n && !memcmp(place_names[i], name, n))
            return (enum place)i;
    }
    return UNKNOWN;
}

/* The next {{ name }} in s: its start, or NULL; the name without spaces, and where it ends. */
static const char *next_place(const char *s, const char **name, size_t *name_size,
                              const char **after)
{
    const char *open = strstr(s, "{{"), *close = open ? strstr(open, "}}") : NULL;
    if (!close)
        return NULL;
    *name = open + 2 + strspn(open + 2, " ");
    *name_size = *name < close ? strcspn(*name, " }") : 0;
    *after = close + 2;
    return open;
}

/* --- Values ----------------------------------------------------------------------------------- */

static double number_of(const struct vg_onset *onset, enum place place)
{
    return place == VALUE ? onset->value : place == LIMIT ? onset->limit : (double)onset->rows;
}

static const char *text_of(const struct vg_trigger_in *in, enum place place,
                           char scratch[VG_TIME_TEXT])
{
    const struct vg_onset *onset = in->onset;
    switch (place) {
    case MODEL:
        return onset->model;
    case KEY:
        return onset->key;
    case DATASET:
        return onset->dataset;
    case RULE:
        return onset->rule;
    case COLUMN:
        return onset->column ? onset->column : "";
    case CHECK:
        return onset->check ? onset->check : "";
    case SEGMENT:
        return onset->segment ? onset->segment : "";
    case FROM:
        return vg_format_time(onset->evidence.start_us, scratch);
    case TO:
        return vg_format_time(onset->evidence.end_us, scratch);
    case DUE:
        return vg_format_time(onset->due_us, scratch);
    case AGENT:
        return in->agent ? in->agent : "";
    case VALUE:
    case LIMIT:
    case ROWS:
        return vg_format_double(number_of(onset, place), scratch);
    case PLACES:
        break;
    }
    return "";
}

static json_t *make_number(const struct vg_onset *onset, enum place place)
{
    double x = number_of(onset, place);
    if (place == ROWS)
        return json_integer((json_int_t)onset->rows);
    return isfinite(x) ? json_real(x) : json_null();
}

/* --- Templates -------------------------------------------------------------------------------- */

/* The string with its placeholders replaced; a number if it is one placeholder of a number. */
static json_t *fill_string(const char *s, const struct vg_trigger_in *in)
{
    char scratch[VG_TIME_TEXT];
    const char *name, *after;
    size_t n;
    struct vg_buf out;
    const char *open = next_place(s, &name, &n, &after);
    if (open == s && !*after) {
        enum place only = find_place(name, n);
        if (only >= VALUE && only < PLACES)
            return make_number(in->onset, only);
    }
    vg_buf_init(&out, TEXT_BYTES);
    while ((open = next_place(s, &name, &n, &after))) {
        enum place place = find_place(name, n);
        const char *text = place == UNKNOWN ? "" : text_of(in, place, scratch);
        vg_buf_add(&out, s, (size_t)(open - s));
        vg_utf8_clean(&out, text, strlen(text), true);
        s = after;
    }
    vg_buf_puts(&out, s);
    json_t *filled = out.failed ? NULL : json_stringn(out.data, out.len);
    vg_buf_free(&out);
    return filled;
}

/* A filled copy of a template; NULL out of memory or nested too deep. */
static json_t *fill(const json_t *node, const struct vg_trigger_in *in, int depth)
{
    size_t i;
    const char *key;
    json_t *child, *copy = NULL;
    if (depth > DEPTH)
        return NULL;
    if (json_is_string(node))
        return fill_string(json_string_value(node), in);
    if (!json_is_object(node) && !json_is_array(node))
        return json_deep_copy(node);
    int bad = 0;
    copy = json_is_object(node) ? json_object() : json_array();
    json_object_foreach((json_t *)(uintptr_t)node, key, child)
    {
        bad = bad || json_object_set_new(copy, key, fill(child, in, depth + 1));
    }
    json_array_foreach(node, i, child)
    {
        bad = bad || json_array_append_new(copy, fill(child, in, depth + 1));
    }
    if (!bad)
        return copy;
    json_decref(copy);
    return NULL;
}

static int check_string(const char *s, struct vg_error *err)
{
    const char *name, *after;
    size_t n;
    for (; next_place(s, &name, &n, &after); s = after) {
        char given[NAME_SIZE];
        if (find_place(name, n) != UNKNOWN)
            continue;
        snprintf(given, sizeof given, "%.*s", (int)n, name);
        const char *near = vg_nearest(given, place_names, PLACES);
        vg_fail(err, VG_E_CONFIG, "there is no placeholder {{%s}}", given);
        return near ? vg_hint(err, "did you mean {{%s}}?", near)
                    : vg_hint(err,
                              "known are model, onset_key, dataset, rule, column, check, value, "
                              "limit, rows, window_from, window_to, onset_due, agent");
    }
    return 0;
}

static int check_node(const json_t *node, int depth, struct vg_error *err)
{
    size_t i;
    const char *key;
    json_t *child;
    int rc = 0;
    if (depth > DEPTH)
        return vg_fail(err, VG_E_CONFIG, "the body is nested deeper than %d", DEPTH);
    if (json_is_string(node))
        return check_string(json_string_value(node), err);
    json_object_foreach((json_t *)(uintptr_t)node, key, child)
    {
        rc = rc ? rc : check_node(child, depth + 1, err);
    }
    json_array_foreach(node, i, child)
    {
        rc = rc ? rc : check_node(child, depth + 1, err);
    }
    return rc;
}

/* The template of a body (NULL: the default), checked. */
static json_t *load_template(const char *body, struct vg_error *err)
{
    json_error_t where;
    json_t *root = json_loads(body ? body : default_body, JSON_REJECT_DUPLICATES, &where);
    if (!root && json_error_code(&where) == json_error_out_of_memory) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
    } else if (!root) {
        vg_fail(err, VG_E_CONFIG, "the body is not JSON: line %d: %s", where.line, where.text);
        vg_hint(err, "placeholders such as {{value}} stand inside quotes");
    } else if (check_node(root, 0, err) < 0) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

const char *const *vg_trigger_places(size_t *n)
{
    *n = PLACES;
    return place_names;
}

json_t *vg_trigger_filled(const struct vg_trigger_in *in, const char *text)
{
    json_t *root = load_template(text ? text : "{}", NULL);
    json_t *filled = root && in->onset ? fill(root, in, 0) : NULL;
    json_decref(root);
    return filled;
}

json_t *vg_trigger_parameters(const struct vg_trigger_in *in)
{
    const char *text = in->retraining->body;
    return vg_trigger_filled(in, text ? text : default_body);
}

int vg_trigger_check(const char *body, struct vg_error *err)
{
    json_t *root = load_template(body, err);
    json_decref(root);
    return root ? 0 : -1;
}
