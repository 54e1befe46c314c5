/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scalars and lists of scalars by type: bool, numbers, ratios, durations, times, texts, names,
 * choices, addresses, paths. Each fault says what was expected and, where it can be guessed, what
 * to write instead. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql.h"
#include "agent/yaml/value.h"
#include "pgvigil/text.h"

enum { NAME_BYTES = 100, CHOICES_MAX = 32, NAMES_MAX = 1000 };

static const char *const nouns[] = {
    [VG_VALUE_BOOL] = "true or false",
    [VG_VALUE_INT] = "a whole number",
    [VG_VALUE_NUMBER] = "a number",
    [VG_VALUE_RATIO] = "a ratio such as 1% or 0.01",
    [VG_VALUE_PERCENT] = "a percentage such as 10 or 10%",
    [VG_VALUE_DURATION] = "a duration such as 30s, 5m, 8h or 1d",
    [VG_VALUE_TIME] = "a time such as 2001-06-13 or 2001-06-13T00:10:00Z",
    [VG_VALUE_STRING] = "a text",
    [VG_VALUE_STRINGS] = "a list of texts",
    [VG_VALUE_CHOICE] = "one of the words allowed here",
    [VG_VALUE_NAME] = "a name of letters, digits, _ . and -, at most 100",
    [VG_VALUE_NAMES] = "a list of names",
    [VG_VALUE_SQL] = "an SQL condition",
    [VG_VALUE_QUERY] = "a SELECT",
    [VG_VALUE_URL] = "an address that begins with http:// or https://",
    [VG_VALUE_PATH] = "the path of a file",
    [VG_VALUE_NODE] = "a mapping",
    [VG_VALUE_REFUSED] = "",
};

union value {
    bool truth;
    int64_t whole;
    double number;
    const char *text;
    int choice;
};

bool vg_name_valid(const char *name)
{
    size_t n = strlen(name);
    bool fine = n > 0 && n <= NAME_BYTES;
    for (size_t i = 0; fine && i < n; i++)
        fine = (isalnum((unsigned char)name[i]) && (unsigned char)name[i] < 0x80) ||
               strchr("_.-", name[i]);
    return fine;
}

/* --- Durations in other words ----------------------------------------------------------------- */

static int64_t find_unit(const char *word, size_t n)
{
    static const struct {
        const char *names;
        int64_t us;
    } units[] = {
        {" ms msec msecs millisecond milliseconds ", 1000},
        {" s sec secs second seconds ", VG_US},
        {" m min mins minute minutes ", VG_MINUTE_US},
        {" h hr hrs hour hours ", VG_HOUR_US},
        {" d day days ", VG_DAY_US},
        {" w week weeks ", VG_WEEK_US},
    };
    char padded[20] = " ";
    if (!n || n > 15)
        return 0;
    for (size_t i = 0; i < n; i++)
        padded[i + 1] = (char)tolower((unsigned char)word[i]);
    padded[n + 1] = ' ';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strstr(units[i].names, padded))
            return units[i].us;
    }
    return 0;
}

const char *vg_duration_advice(const char *text, struct vg_arena *arena)
{
    double total_us = 0;
    const char *s = text;
    while (*s) {
        s += strspn(s, " ,");
        size_t n = strspn(s, "0123456789.");
        char number[20];
        double amount;
        snprintf(number, sizeof number, "%.*s", (int)(n < 15 ? n : 15), s);
        if (!n || vg_parse_double(number, &amount) < 0)
            return NULL;
        s += n;
        s += strspn(s, " ");
        size_t letters = 0;
        while (isalpha((unsigned char)s[letters]))
            letters++;
        int64_t unit = find_unit(s, letters);
        if (!letters && !*s && s != text)
            return vg_arena_printf(arena, "give a unit: %ss, %sm, %sh or %sd", number, number,
                                   number, number);
        if (!unit)
            return NULL;
        total_us += amount * (double)unit;
        s += letters;
    }
    char out[VG_DURATION_TEXT];
    if (total_us <= 0 || total_us > 1e18)
        return NULL;
    return vg_arena_printf(arena, "write %s", vg_format_duration((int64_t)llround(total_us), out));
}

/* --- Texts as values -------------------------------------------------------------------------- */

static bool parse_bool(const char *text, bool *out)
{
    *out = !strcmp(text, "true");
    return *out || !strcmp(text, "false");
}

static bool parse_percent(const char *text, double *out)
{
    bool marked = strchr(text, '%') != NULL;
    if (vg_parse_ratio(text, out) < 0)
        return false;
    *out *= marked ? 100 : 1;
    return true;
}

static bool parse_choice(const struct vg_key *key, const char *text, int *out)
{
    for (int i = 0; key->choices[i]; i++) {
        if (!strcmp(key->choices[i], text)) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* http or https, printable ASCII without what no address may hold, and a host. */
static bool is_url(const char *text)
{
    size_t scheme = !strncmp(text, "https://", 8) ? 8 : !strncmp(text, "http://", 7) ? 7 : 0;
    bool fine = scheme && text[scheme] && !strchr("/:?#@", text[scheme]);
    for (const char *s = text; fine && *s; s++)
        fine = *s > ' ' && *s < 0x7f && !strchr("\"<>\\^`{|}", *s);
    return fine;
}

static const char *keep_text(struct vg_reader *r, const char *text)
{
    const char *out = vg_arena_strdup(r->arena, text);
    r->memory = r->memory || !out;
    return out;
}

static const char *keep_path(struct vg_reader *r, const char *text)
{
    size_t n = strlen(text);
    while (n > 1 && text[n - 1] == '/')
        n--;
    bool joined = text[0] != '/' && r->folder && *r->folder;
    while (joined && n > 2 && text[0] == '.' && text[1] == '/') {
        text += 2;
        n -= 2;
    }
    const char *out = vg_arena_strndup(r->arena, text, n);
    if (joined) {
        const char *gap = r->folder[strlen(r->folder) - 1] == '/' ? "" : "/";
        out = vg_arena_printf(r->arena, "%s%s%.*s", r->folder, gap, (int)n, text);
    }
    r->memory = r->memory || !out;
    return out;
}

/* Reads text as the key's type; false when it is none. Texts are copied to the arena. */
static bool parse_text(struct vg_reader *r, const struct vg_key *key, const char *text,
                       union value *out)
{
    switch (key->type) {
    case VG_VALUE_BOOL:
        return parse_bool(text, &out->truth);
    case VG_VALUE_INT:
        return vg_parse_int64(text, &out->whole) == 0;
    case VG_VALUE_NUMBER:
        return vg_parse_double(text, &out->number) == 0;
    case VG_VALUE_RATIO:
        return vg_parse_ratio(text, &out->number) == 0;
    case VG_VALUE_PERCENT:
        return parse_percent(text, &out->number);
    case VG_VALUE_DURATION:
        return vg_parse_duration(text, &out->whole) == 0;
    case VG_VALUE_TIME:
        return vg_parse_time(text, r->zone ? r->zone : &vg_utc, &out->whole) == 0;
    case VG_VALUE_CHOICE:
        return parse_choice(key, text, &out->choice);
    case VG_VALUE_PATH:
        return *text && (out->text = keep_path(r, text));
    case VG_VALUE_NAME:
        return vg_name_valid(text) && (out->text = keep_text(r, text));
    case VG_VALUE_URL:
        return is_url(text) && (out->text = keep_text(r, text));
    case VG_VALUE_STRING:
    case VG_VALUE_SQL:
    case VG_VALUE_QUERY:
        return (key->blank || text[strspn(text, " \n")]) && (out->text = keep_text(r, text));
    default:
        return false;
    }
}

static size_t measure_value(enum vg_value_type type)
{
    union value v;
    switch (type) {
    case VG_VALUE_BOOL:
        return sizeof v.truth;
    case VG_VALUE_INT:
    case VG_VALUE_DURATION:
    case VG_VALUE_TIME:
        return sizeof v.whole;
    case VG_VALUE_NUMBER:
    case VG_VALUE_RATIO:
    case VG_VALUE_PERCENT:
        return sizeof v.number;
    case VG_VALUE_CHOICE:
        return sizeof v.choice;
    default:
        return sizeof v.text;
    }
}

bool vg_value_default(struct vg_reader *r, const struct vg_key *key, const char *text, void *out)
{
    union value value = {0};
    if (!parse_text(r, key, text, &value))
        return false;
    memcpy(out, &value, measure_value(key->type));
    return true;
}

/* --- Faults ----------------------------------------------------------------------------------- */

static const char *advise_choice(struct vg_reader *r, const struct vg_key *key, const char *text)
{
    size_t n = 0;
    while (key->choices[n] && n < CHOICES_MAX)
        n++;
    return vg_read_advice(r, text, key->choices, n);
}

static const char *advise(struct vg_reader *r, const struct vg_key *key, const char *text)
{
    double number;
    switch (key->type) {
    case VG_VALUE_BOOL:
        return "write true or false";
    case VG_VALUE_CHOICE:
        return advise_choice(r, key, text);
    case VG_VALUE_DURATION:
        if (!key->least && (!strcmp(text, "never") || !strcmp(text, "0")))
            return "write 0s";
        return vg_duration_advice(text, r->scratch);
    case VG_VALUE_INT:
        if (vg_parse_double(text, &number) == 0 && number == nearbyint(number) &&
            fabs(number) < 1e15)
            return vg_read_printf(r, "write %.0f", number);
        return NULL;
    case VG_VALUE_NUMBER:
        return strchr(text, '%') ? "a number, not a share" : NULL;
    default:
        return NULL;
    }
}

static double as_number(const struct vg_key *key, const union value *value)
{
    bool whole = key->type == VG_VALUE_INT || key->type == VG_VALUE_DURATION;
    return whole ? (double)value->whole : value->number;
}

/* Whether the value lies beyond a bound of the table. */
static bool is_beyond(struct vg_reader *r, const struct vg_key *key, const char *bound, int sign,
                      const union value *value)
{
    union value limit = {0};
    if (!bound)
        return false;
    if (!parse_text(r, key, bound, &limit))
        BUG("the bound %s of %s does not fit", bound, key->name);
    return sign * (as_number(key, value) - as_number(key, &limit)) > 0;
}

static bool check_range(struct vg_reader *r, const struct vg_node *node, const struct vg_key *key,
                        const char *what, const union value *value)
{
    const char *shown = vg_read_shown(r, node->text);
    if (key->type == VG_VALUE_RATIO && !key->most && (value->number < 0 || value->number > 1)) {
        bool bare = !strchr(node->text, '%') && value->number > 1 && value->number <= 100;
        vg_read_fault(r, node->loc,
                      bare ? vg_read_printf(r, "%s%% if per cent is meant", shown) : NULL,
                      "%s: %s is not between 0 %% and 100 %%", what, shown);
        return false;
    }
    bool low = is_beyond(r, key, key->least, -1, value);
    if (!low && !is_beyond(r, key, key->most, 1, value))
        return true;
    vg_read_fault(r, node->loc, NULL, "%s: %s is %s %s, the %s allowed", what, shown,
                  low ? "below" : "above", low ? key->least : key->most, low ? "least" : "most");
    return false;
}

/* Numbers and booleans in quotes are texts, unless the environment made them. */
static bool check_quotes(struct vg_reader *r, const struct vg_node *node, const struct vg_key *key,
                         const char *what)
{
    bool bare =
        key->type == VG_VALUE_BOOL || key->type == VG_VALUE_INT || key->type == VG_VALUE_NUMBER;
    bool percent = strchr(node->text, '%') != NULL;
    bare = bare || ((key->type == VG_VALUE_RATIO || key->type == VG_VALUE_PERCENT) && !percent);
    if (!bare || node->plain || strstr(node->text, "${"))
        return true;
    vg_read_fault(r, node->loc, "leave the quotes out", "%s: \"%s\" in quotes is a text, not %s",
                  what, vg_read_shown(r, node->text), nouns[key->type]);
    return false;
}

/* --- Values ----------------------------------------------------------------------------------- */

static bool read_scalar(struct vg_reader *r, const struct vg_node *node, const struct vg_key *key,
                        const char *what, union value *out)
{
    if (node->kind == VG_NODE_BAD)
        return false;
    if (node->kind != VG_NODE_SCALAR || vg_node_null(node)) {
        vg_read_fault(r, node->loc, NULL, "%s must be %s, not %s", what, nouns[key->type],
                      vg_node_null(node) ? "empty" : vg_node_noun(node));
        return false;
    }
    bool sql = key->type == VG_VALUE_SQL || key->type == VG_VALUE_QUERY;
    const char *text = sql ? node->text : vg_read_text(r, node, what);
    if (!text || !check_quotes(r, node, key, what))
        return false;
    if (!parse_text(r, key, text, out)) {
        const char *shown = vg_read_shown(r, node->text);
        /* What stands in the environment is no one's business: advice on the written text only. */
        const char *hint = strstr(node->text, "${") ? NULL : advise(r, key, text);
        if (key->type == VG_VALUE_URL) /* an address that is a key need not be shown twice */
            vg_read_fault(r, node->loc, hint, "%s is not %s", what, nouns[key->type]);
        else if (*text)
            vg_read_fault(r, node->loc, hint, "%s: \"%s\" is not %s", what, shown,
                          nouns[key->type]);
        else
            vg_read_fault(r, node->loc, NULL, "%s must be %s, not empty", what, nouns[key->type]);
        return false;
    }
    const char *fault = key->type == VG_VALUE_QUERY ? vg_sql_query_fault(text)
                        : sql                       ? vg_sql_condition_fault(text)
                                                    : NULL;
    if (fault) {
        vg_read_fault(r, node->loc, NULL, "%s: %s", what, fault);
        return false;
    }
    return check_range(r, node, key, what, out);
}

static bool is_listed(const struct vg_node *const *items, const char *const *texts, size_t n,
                      const char *text)
{
    bool listed = false;
    for (size_t i = 0; i < n && !listed; i++)
        listed = items[i]->kind == VG_NODE_SCALAR && texts[i] && !strcmp(texts[i], text);
    return listed;
}

static bool read_list(struct vg_reader *r, const struct vg_node *node, const struct vg_key *key,
                      const char *what, struct vg_strings *out)
{
    bool names = key->type == VG_VALUE_NAMES, fine = true;
    struct vg_key item = *key;
    item.type = names ? VG_VALUE_NAME : VG_VALUE_STRING;
    const struct vg_node *one[] = {node};
    bool list = node->kind == VG_NODE_SEQUENCE;
    const struct vg_node *const *items = list ? node->items : one;
    size_t n = list ? node->n : 1;
    const char **texts = vg_arena_array(r->arena, n ? n : 1, sizeof *texts);
    r->memory = r->memory || !texts;
    if (names && n > NAMES_MAX) {
        vg_read_fault(r, node->loc, NULL, "%s has %zu names, at most %d", what, n, NAMES_MAX);
        return false;
    }
    if (list && !n && !names && !node->partial) {
        vg_read_fault(r, node->loc, NULL, "%s is an empty list", what);
        return false;
    }
    for (size_t i = 0; texts && i < n; i++) {
        union value value = {0};
        bool good = read_scalar(r, items[i], &item, what, &value);
        texts[i] = good ? value.text : NULL;
        if (good && names && is_listed(items, texts, i, value.text)) {
            vg_read_fault(r, items[i]->loc, NULL, "%s: \"%s\" is listed twice", what,
                          vg_read_shown(r, value.text));
            good = false;
        }
        fine = fine && good;
    }
    /* After a fault the list is still there, with gaps, for what else may be said of its items. */
    *out = (struct vg_strings){texts, texts ? n : 0};
    return fine && texts;
}

bool vg_read_value(struct vg_reader *r, const struct vg_node *node, const struct vg_key *key,
                   const char *what, void *out)
{
    if (key->type == VG_VALUE_NODE) {
        memcpy(out, &node, sizeof node);
        return node->kind != VG_NODE_BAD;
    }
    if (key->type == VG_VALUE_STRINGS || key->type == VG_VALUE_NAMES) {
        struct vg_strings list = {0};
        bool fine = node->kind != VG_NODE_BAD && read_list(r, node, key, what, &list);
        memcpy(out, &list, sizeof list);
        return fine;
    }
    union value value = {0};
    bool fine = read_scalar(r, node, key, what, &value);
    if (fine)
        memcpy(out, &value, measure_value(key->type));
    return fine;
}
