/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rule file: suggestions one a line, each with its evidence behind it, or above it where the
 * line would be too long. Pure. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/suggest_parts.h"

enum { LINE = 100, COMMENT_AT = 40, DATE = 10 };

/* --- Scalars ---------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Words with letters and few signs, which nothing in YAML reads as anything but text. */
static bool is_plain(const char *text)
{
    static const char *const taken[] = {"true", "false", "null", "yes", "no",  "on",
                                        "off",  "y",     "n",    "inf", "nan", "all"};
    size_t n = strlen(text);
    if (!n || (!is_letter(text[0]) && text[0] != '_') || text[n - 1] == ' ')
        return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (!strcasecmp(text, taken[i]))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && !strchr("_.- ", text[i]))
            return false;
    }
    return true;
}

/* What YAML takes for a line's end, or refuses, unless it is escaped: the control characters U+0080
 * to U+009F, U+2028, U+2029, U+FEFF, U+FFFE and U+FFFF. Its bytes, or 0. */
static size_t find_special(const unsigned char *c, unsigned *point)
{
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
        *point = c[1];
        return 2;
    }
    if ((c[0] & 0xf0) != 0xe0 || !c[1] || !c[2])
        return 0;
    *point = (c[0] & 0x0fU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);
    bool special = *point == 0x2028 || *point == 0x2029 || *point == 0xfeff || *point >= 0xfffe;
    return special ? 3 : 0;
}

void vg_suggest_put(struct vg_buf *out, const char *text, bool value)
{
    unsigned point;
    if (is_plain(text)) {
        vg_buf_puts(out, text);
        return;
    }
    vg_buf_putc(out, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        size_t special = find_special(c, &point);
        if (special) {
            vg_buf_printf(out, "\\u%04x", point);
            c += special - 1;
        } else if (*c < 0x20 || *c == 0x7f)
            vg_buf_printf(out, "\\x%02x", *c);
        else
            vg_buf_printf(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        if (*c == '$' && value)
            vg_buf_putc(out, '$');
    }
    vg_buf_putc(out, '"');
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void put_spaces(struct vg_buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vg_buf_putc(out, ' ');
}

/* A comment on lines of its own, broken between words. */
static void put_comment(struct vg_buf *out, size_t indent, const char *text)
{
    while (*text) {
        size_t room = LINE - indent - 2, n = strlen(text);
        if (n > room) {
            n = room;
            while (n > 1 && text[n] != ' ')
                n--;
            n = n > 1 ? n : room;
        }
        put_spaces(out, indent);
        vg_buf_printf(out, "# %.*s\n", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
}

static void put_line(struct vg_buf *out, size_t indent, const char *yaml, const char *why, bool off)
{
    size_t length = indent + strlen(yaml) + (off ? 2 : 0);
    size_t at = length + 2 > COMMENT_AT ? length + 2 : COMMENT_AT;
    bool above = why && at + 2 + strlen(why) > LINE;
    if (above)
        put_comment(out, indent, why);
    put_spaces(out, indent);
    vg_buf_printf(out, "%s%s", off ? "# " : "", yaml);
    if (why && !above) {
        put_spaces(out, at - length);
        vg_buf_printf(out, "# %s", why);
    }
    vg_buf_putc(out, '\n');
}

static void put_setting(struct vg_buf *out, const char *name, const char *text, const char *why)
{
    struct vg_buf line;
    vg_buf_init(&line, 1 << 12);
    vg_buf_printf(&line, "%s: ", name);
    vg_suggest_put(&line, text, true);
    put_line(out, 2, line.data, why, false);
    out->failed |= line.failed;
    vg_buf_free(&line);
}

/* --- Head ------------------------------------------------------------------------------------- */

static void write_head(const struct vg_profile *profile, struct vg_buf *out)
{
    char rows[VG_COUNT_TEXT], from[VG_TIME_TEXT], to[VG_TIME_TEXT];
    struct vg_buf text;
    vg_buf_init(&text, 1 << 12);
    vg_buf_puts(&text, "Rules for ");
    vg_utf8_clean(&text, profile->table, strcspn(profile->table, "\n\t"), true);
    vg_buf_printf(&text, ", suggested by `pgvigil init` from %s rows",
                  vg_suggest_commas(profile->rows, rows));
    if (profile->time)
        vg_buf_printf(&text, ", %s to %s", vg_format_time(profile->oldest_us, from),
                      vg_format_time(profile->newest_us, to));
    if (profile->left_before_us)
        vg_buf_puts(&text, "; rows of single days more than a year before those were left out");
    vg_buf_puts(&text, ". Beside or above each rule stands what it rests on. Rules that these rows "
                       "alone do not justify are commented out. Every dataset also has `reach`, "
                       "`judged` and `schema`.");
    put_comment(out, 0, text.data);
    out->failed |= text.failed;
    vg_buf_free(&text);
    put_comment(out, 0, "Next: pgvigil validate --connect, then pgvigil check.");
    vg_buf_puts(out, "version: 1\ndataset: ");
    vg_suggest_put(out, profile->dataset, true);
    vg_buf_puts(out,
                "\n# model: name\n# role: features, predictions or labels\n# owner: who answers"
                " for the table\n");
    if (profile->timezone) {
        vg_buf_puts(out, "timezone: ");
        vg_suggest_put(out, profile->timezone, true);
        vg_buf_putc(out, '\n');
    }
}

static void write_source(const struct vg_profile *profile, struct vg_buf *out)
{
    const struct vg_catalog_column *time = profile->time;
    char why[VG_WHY_TEXT];
    vg_buf_puts(out, "\nsource:\n");
    put_setting(out, "connection", profile->connection, NULL);
    put_setting(out, "table", profile->table, NULL);
    if (time) {
        snprintf(why, sizeof why, "%.80s%s%s", time->type, time->not_null ? ", NOT NULL" : "",
                 time->indexed_first ? ", an index begins with it"
                                     : "; no index begins with it: one would make ticks cheap");
        put_setting(out, "time_column", time->name, why);
    } else {
        vg_buf_puts(out, "  # no time column: the table is a state, read whole at each window\n");
    }
    if (!profile->nkey) {
        vg_buf_puts(out, "  # key: [...]: there is no primary key and no unique index\n");
        return;
    }
    struct vg_buf key;
    vg_buf_init(&key, 1 << 12);
    vg_buf_puts(&key, "key: [");
    for (size_t i = 0; i < profile->nkey; i++) {
        vg_buf_puts(&key, i ? ", " : "");
        vg_suggest_put(&key, profile->key[i], true);
    }
    vg_buf_putc(&key, ']');
    put_line(out, 2, key.data, profile->key_why, false);
    out->failed |= key.failed;
    vg_buf_free(&key);
}

static void write_reference(const struct vg_profile *profile, struct vg_buf *out)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT], line[VG_WHY_TEXT], why[VG_WHY_TEXT];
    const struct vg_window *reference = &profile->reference;
    if (!profile->time) {
        put_line(out, 0, "reference: {capture: now}", "the table as it is when first seen", false);
        return;
    }
    vg_format_time(vg_zone_local(profile->zone, reference->start_us), from);
    vg_format_time(vg_zone_local(profile->zone, reference->end_us), to);
    snprintf(line, sizeof line, "reference: {from: \"%.*s\", to: \"%.*s\"}", DATE, from, DATE, to);
    bool all = reference->end_us >= profile->range.end_us;
    snprintf(why, sizeof why, "%" PRId64 " days: %s",
             (reference->end_us - reference->start_us + VG_HOUR_US) / VG_DAY_US,
             all ? "all that were seen"
                 : "the oldest that were seen; choose days when all was well");
    put_line(out, 0, line, why, false);
}

static void write_schedule(const struct vg_profile *profile, struct vg_buf *out)
{
    char why[VG_WHY_TEXT], hour[VG_COUNT_TEXT];
    bool hourly = profile->window_us < VG_DAY_US;
    snprintf(why, sizeof why, "%s rows an hour in the median",
             vg_suggest_commas(profile->hour_median, hour));
    put_line(out, 0,
             hourly ? "schedule: {window: 1h, delay: 5m}"
                    : "schedule: {window: 1d, delay: 10m, every: 1h}",
             profile->hour_median ? why : NULL, false);
    if (!profile->time && profile->catalog->bytes > INT64_C(1) << 30)
        put_line(out, 0, "long_scan: true", "it is larger than 1 GB", false);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void write_columns(const struct vg_suggestions *list, struct vg_buf *out)
{
    const char *open = NULL;
    for (size_t i = 0; i < list->n; i++) {
        const struct vg_suggestion *item = &list->items[i];
        if (!item->column)
            continue;
        if (!open)
            vg_buf_puts(out, "\ncolumns:\n");
        if (!open || strcmp(open, item->column) != 0) {
            vg_buf_puts(out, "  ");
            vg_suggest_put(out, item->column, false);
            vg_buf_puts(out, ":\n");
        }
        open = item->column;
        put_line(out, 4, item->yaml, item->why, item->off);
    }
}

static void write_checks(const struct vg_suggestions *list, struct vg_buf *out)
{
    bool any = false;
    struct vg_buf line;
    vg_buf_init(&line, 1 << 16);
    for (size_t i = 0; i < list->n; i++)
        any |= !list->items[i].column && !list->items[i].off;
    vg_buf_puts(out, any ? "\nchecks:\n" : "\n# checks:\n");
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].column)
            continue;
        vg_buf_clear(&line);
        vg_buf_printf(&line, "- %s", list->items[i].yaml);
        put_line(out, 2, line.data, list->items[i].why, list->items[i].off);
        out->failed |= line.failed;
    }
    vg_buf_free(&line);
}

void vg_suggest_write(const struct vg_profile *profile, const struct vg_suggestions *suggestions,
                      struct vg_buf *out)
{
    write_head(profile, out);
    write_source(profile, out);
    vg_buf_putc(out, '\n');
    write_schedule(profile, out);
    write_reference(profile, out);
    write_columns(suggestions, out);
    write_checks(suggestions, out);
    vg_buf_puts(out, "\n# notify: {to: [receiver], remind: 4h}\n");
}
