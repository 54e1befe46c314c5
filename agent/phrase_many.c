/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences about many incidents that are told at once: how many, how grave, what they have in
 * common, and one line for each.
 *
 * Pure. Text of rules, tables and models is cleaned when it is appended; nothing is escaped.
 */
#include "agent/phrase.h"
#include "pgvigil/text.h"

enum { KEY_SHOWN = 8 };

static void put_named(struct vg_buf *out, const char *before, const char *text)
{
    if (!text || !*text)
        return;
    vg_buf_puts(out, before);
    vg_phrase_clean(out, text);
}

/* What is asked of something that is over. */
static void put_end(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_message_item *lead = vg_phrase_lead(message);
    if (lead && lead->worst.at_us) {
        vg_buf_puts(out, "; worst: ");
        vg_phrase_worst(out, lead);
    }
    put_named(out, "; ", message->retraining);
}

void vg_phrase_one(struct vg_buf *out, const struct vg_message *message)
{
    char time[VG_TIME_TEXT];
    const char *since = message->kind == VG_MSG_RESOLVE ? ", begun " : ", since ";
    vg_phrase_title(out, message);
    if (message->onset_us != VG_NEVER)
        vg_buf_printf(out, "%s%s", since, vg_format_time(message->onset_us, time));
    vg_buf_printf(out, " [%.*s]", KEY_SHOWN, message->key);
    if (message->kind == VG_MSG_RESOLVE) {
        put_end(out, message);
        return;
    }
    put_named(out, "; may break: ", message->impact);
}

static const char *choose_verb(const struct vg_message *message)
{
    const struct vg_gathered *many = message->gathered;
    if (message->kind == VG_MSG_RESOLVE)
        return "have ended";
    if (message->kind == VG_MSG_REMIND)
        return "still stand";
    return !many->updates                    ? "opened"
           : many->updates < many->incidents ? "opened or changed"
                                             : "changed";
}

void vg_phrase_many(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_gathered *many = message->gathered;
    static const char *const shouted[VG_SEVERITIES] = {"INFO", "WARNING", "CRITICAL"};
    const char *separator = ": ";
    if (message->kind == VG_MSG_RESOLVE)
        vg_buf_puts(out, "RESOLVED");
    else
        vg_buf_printf(out, "%s%s", message->kind == VG_MSG_REMIND ? "STILL " : "",
                      shouted[message->severity]);
    vg_buf_printf(out, " %zu incidents %s", many->incidents, choose_verb(message));
    for (int i = VG_SEVERITIES - 1; i >= 0; i--) {
        if (!many->by_severity[i])
            continue;
        vg_buf_printf(out, "%s%zu %s", separator, many->by_severity[i],
                      vg_severity_name((enum vg_severity)i));
        separator = ", ";
    }
    if (message->connection) {
        vg_buf_puts(out, ", all on ");
        vg_phrase_clean(out, message->connection);
    }
}

void vg_phrase_many_place(struct vg_buf *out, const struct vg_message *message)
{
    const struct vg_gathered *many = message->gathered;
    vg_buf_printf(out, many->datasets == 1 ? "%zu dataset" : "%zu datasets", many->datasets);
    if (message->connection) {
        vg_buf_puts(out, ", all on connection ");
        vg_phrase_clean(out, message->connection);
    }
    if (many->check && message->kind != VG_MSG_RESOLVE) {
        bool unseen = vg_streq(many->check, "reach");
        vg_buf_puts(out, unseen ? ": none of them can be read; look at the server first ("
                                : ": all of them fail the same check (");
        vg_phrase_clean(out, many->check);
        vg_buf_putc(out, ')');
    }
    if (message->owner) {
        vg_buf_puts(out, ", owner ");
        vg_phrase_clean(out, message->owner);
    }
}

void vg_phrase_many_impact(struct vg_buf *out, const struct vg_gathered *many)
{
    enum { NAMED = sizeof many->models / sizeof many->models[0] };
    size_t n = many->nmodels < NAMED ? many->nmodels : NAMED;
    for (size_t i = 0; i < n; i++) {
        vg_buf_puts(out, i ? ", " : many->nmodels == 1 ? "the model " : "the models ");
        vg_phrase_clean(out, many->models[i]);
    }
    if (many->nmodels > n)
        vg_buf_printf(out, " and %zu more", many->nmodels - n);
}
