/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences for people about a message: what, by how much against what, since when.
 *
 * Pure. Text of rules, tables and columns is cleaned when it is appended; nothing is escaped.
 */
#include "agent/phrase.h"

#include <math.h>
#include <string.h>

#include "pgvigil/text.h"

enum { LONGEST_TEXT = 4000, MOST_DIGITS = 12, VALUE_SIZE = VG_NUMBER_TEXT + 32 };

bool vg_phrase_stands(const struct vg_message_item *item)
{
    return item->state == VG_ALERT_FIRING || item->state == VG_ALERT_CLEARING ||
           item->state == VG_ALERT_FIRING_BLIND || item->state == VG_ALERT_BLIND;
}

static bool is_blind(const struct vg_message_item *item)
{
    return item->state == VG_ALERT_BLIND || item->state == VG_ALERT_FIRING_BLIND;
}

void vg_phrase_clean(struct vg_buf *out, const char *s)
{
    size_t start = out->len, end = start;
    vg_utf8_clean(out, s, vg_utf8_prefix(s, strlen(s), LONGEST_TEXT), true);
    for (size_t i = start; i < out->len; i++) {
        char c = out->data[i];
        bool space = c == ' ' || c == '\t' || c == '\n';
        if (!space)
            out->data[end++] = c;
        else if (end > start && out->data[end - 1] != ' ')
            out->data[end++] = ' ';
    }
    if (end > start && out->data[end - 1] == ' ')
        end--;
    if (end == out->len)
        return;
    out->len = end;
    out->data[end] = '\0';
}

/* --- Values ----------------------------------------------------------------------------------- */

static void format_span(char out[VALUE_SIZE], double seconds)
{
    char number[VG_NUMBER_TEXT];
    double size = fabs(seconds);
    const char *sign = seconds < 0 ? "-" : "";
    if (size < 120 || size > 1e12) {
        snprintf(out, VALUE_SIZE, "%s%s s", sign, vg_format_human(size, 3, number));
        return;
    }
    long long minutes = llround(size / 60), hours = minutes / 60, days = hours / 24;
    if (minutes < 120)
        snprintf(out, VALUE_SIZE, "%s%lld min", sign, minutes);
    else if (hours < 48)
        snprintf(out, VALUE_SIZE, minutes % 60 ? "%s%lld h %lld min" : "%s%lld h", sign, hours,
                 minutes % 60);
    else
        snprintf(out, VALUE_SIZE, hours % 24 ? "%s%lld d %lld h" : "%s%lld d", sign, days,
                 hours % 24);
}

static void format_value(char out[VALUE_SIZE], double value, int digits, enum vg_unit unit,
                         const char *class)
{
    char number[VG_NUMBER_TEXT];
    bool share = unit == VG_UNIT_RATIO && strcmp(class, "drift") && strcmp(class, "performance");
    if (!isfinite(value))
        snprintf(out, VALUE_SIZE, "%s", isnan(value) ? "unknown" : "infinite");
    else if (share)
        snprintf(out, VALUE_SIZE, "%s%%", vg_format_human(value * 100, digits, number));
    else if (unit == VG_UNIT_SECONDS)
        format_span(out, value);
    else if (unit == VG_UNIT_ROWS)
        snprintf(out, VALUE_SIZE, fabs(value) < 1e15 ? "%.0f rows" : "%g rows", value);
    else
        snprintf(out, VALUE_SIZE, "%s", vg_format_human(value, digits, number));
}

void vg_phrase_value(struct vg_buf *out, double value, enum vg_unit unit, const char *class)
{
    char text[VALUE_SIZE];
    format_value(text, value, 3, unit, class);
    vg_buf_puts(out, text);
}

/* "0.384, above the limit 0.35"; nothing where there is no value. */
static void write_relation(struct vg_buf *out, const struct vg_message_item *item, const char *of)
{
    char value[VALUE_SIZE], limit[VALUE_SIZE];
    double x = item->value, bound = item->limit;
    int digits = 3;
    /* a breach by little must not read as equal */
    do {
        format_value(value, x, digits, item->unit, item->class);
        format_value(limit, bound, digits, item->unit, item->class);
    } while (x != bound && !strcmp(value, limit) && ++digits <= MOST_DIGITS);
    vg_buf_puts(out, value);
    if (!isfinite(bound))
        return;
    bool broken = item->verdict == VG_FAIL || item->verdict == VG_WARN;
    const char *side = !broken || x == bound ? "" : x > bound ? "above " : "below ";
    vg_buf_printf(out, ", %s%s%s", side, of, limit);
}

static bool has_relation(const struct vg_message_item *item)
{
    bool judged = item->verdict != VG_UNKNOWN && item->verdict != VG_NODATA;
    return judged && !isnan(item->value) && !is_blind(item);
}

/* --- Items ------------------------------------------------------------------------------------ */

/* Statistics of drift have names that mean little to whoever is woken by them. */
static void write_subject(struct vg_buf *out, const struct vg_message_item *item)
{
    bool named = vg_streq(item->class, "drift") && strcmp(item->check, "drift") != 0;
    vg_buf_puts(out, named ? "drift (" : "");
    vg_phrase_clean(out, item->check);
    vg_buf_puts(out, named ? ")" : "");
    if (item->column && *item->column) {
        vg_buf_puts(out, " of ");
        vg_phrase_clean(out, item->column);
    }
    if (item->segment && *item->segment) {
        vg_buf_puts(out, " in ");
        vg_phrase_clean(out, item->segment);
    }
}

/* Of what is no check: a retraining that waits for people, and a run that has ended badly. */
static const char *choose_retraining(const struct vg_message_item *item)
{
    bool run = !strcmp(item->rule, "retraining.run");
    if (vg_phrase_stands(item))
        return run ? "has failed" : "waits for approval";
    return run ? "is of the past" : "waits no longer for approval";
}

static const char *choose_status(const struct vg_message_item *item)
{
    if (!strcmp(item->class, "retraining"))
        return choose_retraining(item);
    if (!vg_phrase_stands(item)) {
        if (item->emits & VG_EMIT_CLEAR)
            return item->emits & VG_EMIT_FIRE ? "fired and has cleared" : "has cleared";
        if (item->emits & VG_EMIT_SIGHTED)
            return item->emits & VG_EMIT_BLIND ? "could not be looked at for a while"
                                               : "can be looked at again";
        return "has ended";
    }
    if (item->state == VG_ALERT_BLIND)
        return item->emits & VG_EMIT_BLIND ? "cannot be looked at" : "still cannot be looked at";
    if (item->state == VG_ALERT_FIRING_BLIND)
        return "fires, and cannot be looked at now";
    if (item->state == VG_ALERT_CLEARING)
        return "still fires, though the last look was good";
    if (item->emits & VG_EMIT_ESCALATE)
        return "fires now, after a warning";
    if (item->emits & VG_EMIT_FIRE)
        return "fires";
    return item->emits & VG_EMIT_SIGHTED ? "can be looked at again, and fires" : "still fires";
}

static void write_time(struct vg_buf *out, const char *before, int64_t us)
{
    char time[VG_TIME_TEXT];
    if (us != VG_NEVER)
        vg_buf_printf(out, "%s%s", before, vg_format_time(us, time));
}

void vg_phrase_worst(struct vg_buf *out, const struct vg_message_item *item)
{
    struct vg_message_item then = *item;
    if (!item->worst.at_us || isnan(item->worst.value))
        return;
    then.value = item->worst.value;
    then.limit = item->worst.limit;
    then.verdict = VG_FAIL;
    write_relation(out, &then, "the limit ");
    write_time(out, ", at ", item->worst.at_us);
}

/* Of what ended, and of what stands where it is no news and was graver. */
static void add_worst(struct vg_buf *out, const struct vg_message_item *item)
{
    bool stands = vg_phrase_stands(item), graver = item->worst.value != item->value;
    size_t start = out->len;
    if (stands && (item->emits || !graver))
        return;
    vg_buf_puts(out, stands ? "; the worst so far was " : "; the worst was ");
    size_t before = out->len;
    vg_phrase_worst(out, item);
    if (out->len > before)
        return;
    out->len = start;
    out->data[start] = '\0';
}

void vg_phrase_item(struct vg_buf *out, const struct vg_message_item *item)
{
    char p[VG_NUMBER_TEXT];
    write_subject(out, item);
    vg_buf_printf(out, " %s", choose_status(item));
    if (has_relation(item)) {
        vg_buf_puts(out, ": ");
        write_relation(out, item, "the limit ");
        if (item->p_value < 0.001)
            vg_buf_puts(out, " (p < 0.001)");
        else if (!isnan(item->p_value))
            vg_buf_printf(out, " (p = %s)", vg_format_human(item->p_value, 2, p));
    }
    write_time(out, vg_phrase_stands(item) ? ", since " : ", begun ", item->onset_us);
    if (item->ended_us && !vg_phrase_stands(item))
        write_time(out, ", ended ", item->ended_us);
    vg_buf_puts(out, ", rule ");
    vg_phrase_clean(out, item->rule);
    add_worst(out, item);
}

/* --- The message ------------------------------------------------------------------------------ */

static size_t count_standing(const struct vg_message *message)
{
    size_t n = 0;
    for (size_t i = 0; i < message->nitems; i++)
        n += vg_phrase_stands(&message->items[i]);
    return n;
}

const struct vg_message_item *vg_phrase_lead(const struct vg_message *message)
{
    const unsigned news = VG_EMIT_FIRE | VG_EMIT_ESCALATE | VG_EMIT_BLIND;
    const struct vg_message_item *lead = NULL;
    for (size_t i = 0; i < message->nitems; i++) {
        const struct vg_message_item *item = &message->items[i];
        if (vg_phrase_stands(item) && (item->emits & news))
            return item;
        if (!lead && vg_phrase_stands(item))
            lead = item;
    }
    return lead ? lead : message->nitems ? message->items : NULL;
}

void vg_phrase_state(struct vg_buf *out, const struct vg_message *message)
{
    static const char *const shouted[VG_SEVERITIES] = {"INFO", "WARNING", "CRITICAL"};
    const char *severity = shouted[message->severity];
    switch (message->kind) {
    case VG_MSG_OPEN:
        vg_buf_puts(out, severity);
        break;
    case VG_MSG_UPDATE:
        vg_buf_printf(out, "%s UPDATE", severity);
        break;
    case VG_MSG_REMIND:
        vg_buf_printf(out, "STILL %s", severity);
        break;
    case VG_MSG_RESOLVE:
        vg_buf_puts(out, "RESOLVED");
        break;
    case VG_MSG_SUMMARY:
        vg_buf_puts(out, "SUMMARY");
        break;
    case VG_MSG_TEST:
        vg_buf_puts(out, "TEST");
        break;
    case VG_MSG_ACKNOWLEDGE:
        vg_buf_puts(out, "ACKNOWLEDGED");
        break;
    case VG_MSG_CHANGE:
        vg_buf_puts(out, "RETRAINING ");
        if (message->model && *message->model) {
            vg_buf_puts(out, "of ");
            vg_phrase_clean(out, message->model);
            vg_buf_putc(out, ' ');
        }
        vg_buf_puts(out, "asked for because of");
        break;
    case VG_MSG_KINDS:
        break;
    }
}

static void write_lead(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    size_t standing = count_standing(message);
    size_t others = (standing ? standing : message->nitems) - 1 + message->more;
    if (!lead)
        return;
    vg_buf_puts(out, ": ");
    write_subject(out, lead);
    bool unseen = lead->emits & VG_EMIT_BLIND && !(lead->emits & VG_EMIT_FIRE);
    if (message->kind == VG_MSG_RESOLVE && strcmp(lead->class, "retraining") != 0) {
        vg_buf_puts(out, " has cleared");
    } else if (message->kind == VG_MSG_SUMMARY) {
        vg_buf_puts(out, unseen ? " could not be looked at" : " fired and has cleared");
        vg_buf_puts(out, " while windows were caught up");
    } else if (has_relation(lead)) {
        vg_buf_putc(out, ' ');
        write_relation(out, lead, "");
    } else {
        vg_buf_printf(out, " %s", choose_status(lead));
    }
    if (others)
        vg_buf_printf(out, ", and %zu more", others);
}

static void write_named(struct vg_buf *out, const char *before, const char *name)
{
    if (!name || !*name)
        return;
    vg_buf_puts(out, before);
    vg_phrase_clean(out, name);
}

void vg_phrase_title(struct vg_buf *out, const struct vg_message *message)
{
    vg_phrase_state(out, message);
    vg_buf_putc(out, ' ');
    vg_phrase_clean(out, message->dataset);
    if (message->kind == VG_MSG_TEST)
        vg_buf_puts(out, ": a test message, nothing has happened");
    else
        write_lead(out, message);
    if (message->kind == VG_MSG_ACKNOWLEDGE)
        write_named(out, ", by ", message->by);
}

void vg_phrase_place(struct vg_buf *out, const struct vg_message *message)
{
    bool table = message->table && *message->table;
    write_named(out, table ? "table " : "dataset ", table ? message->table : message->dataset);
    write_named(out, " on ", message->connection);
    if (message->has_window) {
        write_time(out, ", window ", message->window.start_us);
        write_time(out, " to ", message->window.end_us);
        vg_buf_printf(out, ", %llu rows", (unsigned long long)message->rows);
    }
    write_named(out, ", model ", message->model);
    write_named(out, ", owner ", message->owner);
}

/* How long it has lasted, so that nobody must subtract times of day. */
static void write_lasting(struct vg_buf *out, const struct vg_message *message)
{
    char span[VALUE_SIZE];
    bool ended = message->kind == VG_MSG_RESOLVE, stands = message->kind == VG_MSG_REMIND;
    if ((!ended && !stands) || message->onset_us >= message->at_us)
        return;
    format_span(span, (double)(message->at_us - message->onset_us) / 1e6);
    vg_buf_printf(out, ended ? ", after %s" : ", for %s by now", span);
}

void vg_phrase_standing(struct vg_buf *out, const struct vg_message *message)
{
    size_t firing = 0, blind = 0, ended = 0;
    for (size_t i = 0; i < message->nitems; i++) {
        const struct vg_message_item *item = &message->items[i];
        if (!vg_phrase_stands(item))
            ended++;
        else if (item->state == VG_ALERT_BLIND)
            blind++;
        else
            firing++;
    }
    const char *separator = "";
    if (message->kind == VG_MSG_SUMMARY) {
        vg_buf_printf(out, "%zu began and ended while windows were caught up",
                      ended + message->more);
        return;
    }
    if (!firing && !blind && message->nitems && !strcmp(message->items[0].class, "retraining")) {
        vg_buf_puts(out, "this is of the retraining: whether drift still fires its alerts tell");
        return;
    }
    if (!firing && !blind)
        vg_buf_puts(out, "nothing fires any more");
    if (firing) {
        vg_buf_printf(out, firing == 1 ? "%zu alert fires" : "%zu alerts fire", firing);
        separator = ", ";
    }
    if (blind)
        vg_buf_printf(out, "%s%zu cannot be looked at", separator, blind);
    if (ended)
        vg_buf_printf(out, ended == 1 ? ", %zu has cleared" : ", %zu have cleared", ended);
    if (message->more)
        vg_buf_printf(out, ", %zu more not listed", message->more);
    write_lasting(out, message);
}
