/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person asks next about a message: what it rests on, and what it may break. Also what a
 * silence is about.
 *
 * Pure. Text of rules and models is cleaned when it is appended; nothing is escaped.
 */
#include <math.h>
#include <string.h>

#include "agent/phrase.h"
#include "pgvigil/text.h"

void vg_phrase_basis(struct vg_buf *out, const struct vg_message *message,
                     const struct vg_message_item *item)
{
    char time[VG_TIME_TEXT];
    if (!(item->n > 0) || !isfinite(item->n))
        return;
    vg_buf_printf(out, "%.0f rows", item->n);
    if (!(item->n_ref > 0) || !isfinite(item->n_ref))
        return;
    const char *reference = item->reference ? item->reference : message->reference;
    vg_buf_printf(out, " against %.0f of ", item->n_ref);
    if (reference && *reference) {
        vg_phrase_clean(out, reference);
        return;
    }
    vg_buf_puts(out, "the reference");
    if (message->reference_from_us >= message->reference_to_us)
        return;
    vg_buf_printf(out, " from %s", vg_format_time(message->reference_from_us, time));
    vg_buf_printf(out, " to %s", vg_format_time(message->reference_to_us, time));
}

void vg_phrase_impact(struct vg_buf *out, const struct vg_message *message)
{
    static const struct {
        const char *role, *before, *after;
    } roles[] = {
        {"features", "predictions of the model ", ", which reads this table"},
        {"predictions", "what uses the predictions of the model ", ""},
        {"labels", "telling how well the model ", " performs, and retraining it"},
        {NULL, "the model ", ""},
    };
    bool own = message->impact && *message->impact;
    size_t i = 0;
    if (own)
        vg_phrase_clean(out, message->impact);
    if (!message->model || !*message->model)
        return;
    while (roles[i].role && !vg_streq(roles[i].role, message->role))
        i++;
    vg_buf_puts(out, own ? "; " : "");
    vg_buf_puts(out, roles[i].before);
    vg_phrase_clean(out, message->model);
    vg_buf_puts(out, roles[i].after);
}

const char *vg_phrase_runbook(const struct vg_message *message)
{
    for (size_t i = 0; i < message->nitems; i++) {
        if (message->items[i].runbook && vg_phrase_stands(&message->items[i]))
            return message->items[i].runbook;
    }
    return message->runbook;
}

static void put_pattern(struct vg_buf *out, size_t start, const char *name, const char *pattern)
{
    if (pattern)
        vg_buf_printf(out, "%s%s=%s", out->len > start ? " " : "", name, pattern);
}

void vg_phrase_match(struct vg_buf *out, const struct vg_match *match)
{
    size_t start = out->len;
    put_pattern(out, start, "dataset", match->dataset);
    put_pattern(out, start, "rule", match->rule);
    put_pattern(out, start, "tag", match->tag);
    for (unsigned i = 0; i < VG_SEVERITIES; i++) {
        if (match->severities >> i & 1)
            put_pattern(out, start, "severity", vg_severity_name((enum vg_severity)i));
    }
    if (out->len == start)
        vg_buf_puts(out, "everything");
}
