/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts for people with {{variables}} of a message.
 *
 * Pure. One walk over the text serves both checking and writing, so that what was accepted is what
 * is written. Every value is cleaned to one line when it is put in; nothing is escaped.
 */
#include "agent/template.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "agent/phrase.h"
#include "pgvigil/text.h"

enum { VALUE_BYTES = 1 << 16, WORD = 64, CUT_MOST = 4000 };

/* --- Variables -------------------------------------------------------------------------------- */

enum part { MESSAGE, ITEM };
enum form { TEXT, TIME, PHRASE };

struct variable {
    struct vg_template_word word;
    enum part part;
    enum form form;
    size_t offset; /* of TEXT and TIME */
    void (*write)(struct vg_buf *out, const struct vg_message *message);
};

static void write_kind(struct vg_buf *out, const struct vg_message *message)
{
    vg_buf_puts(out, vg_message_kind_name(message->kind));
}

static void write_severity(struct vg_buf *out, const struct vg_message *message)
{
    vg_buf_puts(out, vg_severity_name(message->severity));
}

static void write_key(struct vg_buf *out, const struct vg_message *message)
{
    vg_phrase_clean(out, message->key);
}

static void write_rows(struct vg_buf *out, const struct vg_message *message)
{
    if (message->has_window)
        vg_buf_printf(out, "%llu", (unsigned long long)message->rows);
}

static void write_alerts(struct vg_buf *out, const struct vg_message *message)
{
    vg_buf_printf(out, "%zu", message->nitems + message->more);
}

static void write_bound(struct vg_buf *out, const struct vg_message *message, int64_t us)
{
    char time[VG_TIME_TEXT];
    if (message->has_window)
        vg_buf_puts(out, vg_format_time(us, time));
}

static void write_from(struct vg_buf *out, const struct vg_message *message)
{
    write_bound(out, message, message->window.start_us);
}

static void write_to(struct vg_buf *out, const struct vg_message *message)
{
    write_bound(out, message, message->window.end_us);
}

static void write_number(struct vg_buf *out, const struct vg_message *message, double x)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    if (lead && isfinite(x))
        vg_phrase_value(out, x, lead->unit, lead->class);
}

static void write_value(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    write_number(out, message, lead ? lead->value : (double)NAN);
}

static void write_limit(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    write_number(out, message, lead ? lead->limit : (double)NAN);
}

static void write_p(struct vg_buf *out, const struct vg_message *message)
{
    char number[VG_NUMBER_TEXT];
    const struct vg_message_item *lead = vg_phrase_lead(message);
    if (lead && isfinite(lead->p_value))
        vg_buf_puts(out, vg_format_human(lead->p_value, 3, number));
}

static void write_what(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    if (lead)
        vg_phrase_item(out, lead);
}

static void write_basis(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    if (lead)
        vg_phrase_basis(out, message, lead);
}

static void write_worst(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    if (lead)
        vg_phrase_worst(out, lead);
}

#define OF_MESSAGE(name_, doc_)                                                                    \
    {                                                                                              \
        .word = {#name_, doc_}, .offset = offsetof(struct vg_message, name_)                       \
    }
#define OF_ITEM(name_, doc_)                                                                       \
    {                                                                                              \
        .word = {#name_, doc_}, .part = ITEM, .offset = offsetof(struct vg_message_item, name_)    \
    }
#define WRITTEN(name_, write_, doc_)                                                               \
    {                                                                                              \
        .word = {name_, doc_}, .form = PHRASE, .write = write_                                     \
    }

static const struct variable variables[] = {
    WRITTEN("title", vg_phrase_title, "the program's own title"),
    WRITTEN("state", vg_phrase_state,
            "CRITICAL, CRITICAL UPDATE, STILL CRITICAL, RESOLVED, ..., as a title begins"),
    WRITTEN("kind", write_kind,
            "open, update, remind, resolve, summary, test, acknowledge, change"),
    WRITTEN("severity", write_severity, "info, warning or critical"),
    OF_MESSAGE(agent, "name of the agent"),
    OF_MESSAGE(dataset, "id of the dataset"),
    OF_MESSAGE(table, "the table it reads"),
    OF_MESSAGE(connection, "the connection it is read by"),
    OF_MESSAGE(model, "the model it belongs to"),
    OF_MESSAGE(role, "features, predictions or labels"),
    OF_MESSAGE(owner, "who answers for it"),
    WRITTEN("impact", vg_phrase_impact, "what it may break"),
    WRITTEN("key", write_key, "key of the incident"),
    {.word = {"since", "when it began, UTC"},
     .form = TIME,
     .offset = offsetof(struct vg_message, onset_us)},
    WRITTEN("window_from", write_from, "begin of the window"),
    WRITTEN("window_to", write_to, "end of the window"),
    WRITTEN("rows", write_rows, "rows of the window"),
    WRITTEN("place", vg_phrase_place, "table, connection, window, rows, model, owner in one line"),
    WRITTEN("standing", vg_phrase_standing, "how many alerts fire and have cleared"),
    WRITTEN("alerts", write_alerts, "how many alerts the message lists"),
    OF_MESSAGE(url, "address of the page"),
    OF_MESSAGE(dashboard, "address of the dashboard"),
    OF_MESSAGE(runbook, "address of the dataset's runbook"),
    OF_MESSAGE(by, "who acknowledged"),
    OF_MESSAGE(retraining, "of an end: what became of the retraining of the model"),
    WRITTEN("what", write_what, "the first alert in one line"),
    WRITTEN("value", write_value, "its value, in its unit"),
    WRITTEN("limit", write_limit, "its limit"),
    WRITTEN("p_value", write_p, "its p-value"),
    WRITTEN("basis", write_basis, "rows it rests on, and the reference it was compared with"),
    WRITTEN("worst", write_worst, "the worst value since it began, its limit and when it was so"),
    OF_ITEM(rule, "its rule"),
    OF_ITEM(check, "its check"),
    OF_ITEM(column, "its column"),
    OF_ITEM(segment, "its segment"),
    OF_ITEM(why, "the check's own words"),
    OF_ITEM(description, "description of the rule"),
};
enum { VARIABLES = sizeof variables / sizeof variables[0] };

static void write_variable(struct vg_buf *out, const struct variable *variable,
                           const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    const char *base = variable->part == ITEM ? (const char *)lead : (const char *)message;
    const char *at = base ? base + variable->offset : NULL;
    char time[VG_TIME_TEXT];
    if (variable->form == PHRASE) {
        variable->write(out, message);
    } else if (at && variable->form == TIME) {
        int64_t us = *(const int64_t *)(const void *)at;
        vg_buf_puts(out, us == VG_NEVER ? "" : vg_format_time(us, time));
    } else if (at) {
        const char *text = *(const char *const *)(const void *)at;
        vg_phrase_clean(out, text ? text : "");
    }
}

/* --- Filters ---------------------------------------------------------------------------------- */

enum filter_kind { UPPER, LOWER, CUT, DEFAULT };
static const struct vg_template_word filters[] = {
    [UPPER] = {"upper", "ASCII letters in upper case"},
    [LOWER] = {"lower", "ASCII letters in lower case"},
    [CUT] = {"cut", "cut:N, at most N characters, the last an ellipsis"},
    [DEFAULT] = {"default", "default:TEXT, this text where there is none"},
};
static const char *const examples[] = {
    [UPPER] = "{{severity | upper}}",
    [LOWER] = "{{dataset | lower}}",
    [CUT] = "{{why | cut:80}}",
    [DEFAULT] = "{{owner | default:nobody}}",
};
enum { FILTERS = sizeof filters / sizeof filters[0] };

const struct vg_template_word *vg_template_variable(size_t i)
{
    return i < VARIABLES ? &variables[i].word : NULL;
}

const struct vg_template_word *vg_template_filter(size_t i)
{
    return i < FILTERS ? &filters[i] : NULL;
}

static void turn_case(struct vg_buf *text, char first, char last)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] >= first && text->data[i] <= last)
            text->data[i] = (char)(text->data[i] ^ 0x20);
    }
}

static void cut_text(struct vg_buf *text, size_t most)
{
    if (vg_utf8_prefix(text->data, text->len, most) == text->len)
        return;
    text->len = vg_utf8_prefix(text->data, text->len, most - 1);
    text->data[text->len] = '\0';
    vg_buf_puts(text, "\xe2\x80\xa6");
}

/* --- The walk --------------------------------------------------------------------------------- */

struct walk {
    const char *text, *at;
    const struct vg_message *message; /* NULL: only checked */
    struct vg_buf value;
    char word[WORD];
    struct vg_error *err;
};

static void skip_blanks(struct walk *walk)
{
    walk->at += strspn(walk->at, " \t\n");
}

/* A word into walk->word; its length. */
static size_t read_word(struct walk *walk)
{
    size_t n = strspn(walk->at, "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    snprintf(walk->word, WORD, "%.*s", (int)(n < WORD ? n : WORD - 1), walk->at);
    return n;
}

static int fail_word(struct walk *walk, const char *what, const struct vg_template_word *first,
                     size_t n, size_t size)
{
    const char *names[VARIABLES];
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)first + i * size;
        names[i] = ((const struct vg_template_word *)(const void *)at)->name;
    }
    enum { SHORT = 5 }; /* of a short word the nearest is often quite another */
    const char *nearest = vg_nearest(walk->word, names, n);
    if (nearest && strlen(walk->word) <= SHORT && strncasecmp(nearest, walk->word, 1) != 0)
        nearest = NULL;
    vg_fail(walk->err, VG_E_CONFIG, "there is no %s \"%s\"", what, walk->word);
    if (nearest)
        return vg_hint(walk->err, "did you mean %s?", nearest);
    struct vg_buf all;
    vg_buf_init(&all, 1000);
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    vg_hint(walk->err, "there are: %s", all.data);
    vg_buf_free(&all);
    return -1;
}

static int read_variable(struct walk *walk)
{
    skip_blanks(walk);
    size_t n = read_word(walk), i = 0;
    if (!n) {
        vg_fail(walk->err, VG_E_CONFIG, "a name is missing after {{");
        return vg_hint(walk->err, "for example {{dataset}}");
    }
    while (i < VARIABLES && strcmp(variables[i].word.name, walk->word))
        i++;
    if (i == VARIABLES)
        return fail_word(walk, "variable", &variables[0].word, VARIABLES, sizeof variables[0]);
    walk->at += n;
    vg_buf_clear(&walk->value);
    if (walk->message)
        write_variable(&walk->value, &variables[i], walk->message);
    return 0;
}

/* The argument behind the colon: a word, or a text in quotes. NULL-length when there is none. */
static int read_argument(struct walk *walk, const char **argument, size_t *n)
{
    *argument = NULL;
    *n = 0;
    skip_blanks(walk);
    if (*walk->at != ':')
        return 0;
    walk->at++;
    skip_blanks(walk);
    char quote = *walk->at;
    if (quote == '"' || quote == '\'') {
        const char *end = strchr(walk->at + 1, quote);
        if (!end)
            return vg_fail(walk->err, VG_E_CONFIG, "the quote is not closed");
        *argument = walk->at + 1;
        *n = (size_t)(end - *argument);
        walk->at = end + 1;
        return 0;
    }
    *argument = walk->at;
    *n = strcspn(walk->at, " |}\t\n");
    walk->at += *n;
    return 0;
}

static int apply_filter(struct walk *walk, size_t filter, const char *argument, size_t n)
{
    size_t most = 0;
    bool takes = filter == CUT || filter == DEFAULT;
    if (takes != (argument != NULL)) {
        vg_fail(walk->err, VG_E_CONFIG,
                takes ? "%s needs a colon and what it works with"
                      : "%s takes nothing behind a colon",
                filters[filter].name);
        return vg_hint(walk->err, "for example %s", examples[filter]);
    }
    for (size_t i = 0; filter == CUT && i < n && most <= CUT_MOST; i++)
        most = argument[i] >= '0' && argument[i] <= '9' ? most * 10 + (size_t)(argument[i] - '0')
                                                        : CUT_MOST + 1;
    if (filter == CUT && (most < 1 || most > CUT_MOST)) {
        vg_fail(walk->err, VG_E_CONFIG, "cut needs a number of characters, 1 to %d", CUT_MOST);
        return vg_hint(walk->err, "for example {{why | cut:80}}");
    }
    if (filter == UPPER)
        turn_case(&walk->value, 'a', 'z');
    if (filter == LOWER)
        turn_case(&walk->value, 'A', 'Z');
    if (filter == CUT)
        cut_text(&walk->value, most);
    if (filter == DEFAULT && !walk->value.len)
        vg_buf_add(&walk->value, argument, n);
    return 0;
}

static int read_filter(struct walk *walk)
{
    const char *argument;
    size_t n, i = 0;
    skip_blanks(walk);
    const char *begun = walk->at;
    n = read_word(walk);
    while (i < FILTERS && strcmp(filters[i].name, walk->word))
        i++;
    if (i == FILTERS)
        return fail_word(walk, "filter", filters, FILTERS, sizeof filters[0]);
    walk->at += n;
    if (read_argument(walk, &argument, &n) < 0)
        return -1;
    const char *end = walk->at;
    walk->at = begun; /* what is wrong with it is wrong there */
    if (apply_filter(walk, i, argument, n) < 0)
        return -1;
    walk->at = end;
    return 0;
}

/* {{ ... }}, of which walk->at is the begin. */
static int read_braces(struct walk *walk)
{
    const char *open = walk->at;
    walk->at += 2;
    if (read_variable(walk) < 0)
        return -1;
    for (skip_blanks(walk); *walk->at == '|'; skip_blanks(walk)) {
        walk->at++;
        if (read_filter(walk) < 0)
            return -1;
    }
    if (!strncmp(walk->at, "}}", 2)) {
        walk->at += 2;
        return 0;
    }
    if (!strstr(walk->at, "}}"))
        walk->at = open;
    vg_fail(walk->err, VG_E_CONFIG,
            walk->at == open ? "{{ is not closed" : "}} or | is missing here");
    return vg_hint(walk->err, "{{name}} or {{name | filter:argument}}");
}

static int walk_over(struct walk *walk, struct vg_buf *out)
{
    int rc = 0;
    vg_buf_init(&walk->value, VALUE_BYTES);
    walk->at = walk->text;
    while (!rc && *walk->at) {
        const char *open = strstr(walk->at, "{{");
        size_t plain = open ? (size_t)(open - walk->at) : strlen(walk->at);
        if (out)
            vg_utf8_clean(out, walk->at, plain, true);
        walk->at += plain;
        rc = open ? read_braces(walk) : 0;
        if (!rc && open && out)
            vg_buf_add(out, walk->value.data, walk->value.len);
    }
    vg_buf_free(&walk->value);
    return rc;
}

int vg_template_check(const char *text, size_t *at, struct vg_error *err)
{
    struct walk walk = {.text = text, .err = err};
    int rc = walk_over(&walk, NULL);
    *at = rc ? (size_t)(walk.at - text) : 0;
    return rc;
}

void vg_template_write(struct vg_buf *out, const char *text, const struct vg_message *message)
{
    struct vg_error ignored = {0};
    struct walk walk = {.text = text, .message = message, .err = &ignored};
    if (walk_over(&walk, out) < 0)
        out->failed = true;
}
