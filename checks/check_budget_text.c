/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the check `budget` says of its streams, in words. Pure. The commands use the same words, so
 * that a verdict and the status speak alike. */
#include "checks/check_budget_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/text.h"

enum { DIGITS = 3 };

const char *vg_budget_say_kind(enum vg_budget_kind kind)
{
    static const char *const names[VG_BUDGET_KINDS] = {
        [VG_BUDGET_KS] = "distribution",
        [VG_BUDGET_SPREAD] = "spread",
        [VG_BUDGET_LEVELS] = "shares of values",
        [VG_BUDGET_NULLS] = "null rate",
    };
    return names[kind];
}

const char *vg_budget_say_reason(enum vg_budget_reason reason)
{
    static const char *const names[VG_BUDGET_REASONS] = {
        [VG_BUDGET_TESTED] = "",
        [VG_BUDGET_CALENDAR] = "values are not tested: they follow the calendar",
        [VG_BUDGET_IDENTIFIER] = "values are not tested: it looks like an identifier",
        [VG_BUDGET_CROWDED] = "values are not tested: there are too many in a base window",
        [VG_BUDGET_UNCOUNTED] = "values are not tested: the reference keeps no counts of them",
        [VG_BUDGET_NO_VALUES] = "values are not tested: the reference has none but nulls",
        [VG_BUDGET_NOT_FINITE] = "values are not tested: the reference has no finite number",
        [VG_BUDGET_FEW_VALUES] = "values are not tested: the reference has fewer than 30",
    };
    return names[reason];
}

static const char *name_value(enum vg_budget_value which)
{
    static const char *const names[] = {
        [VG_BUDGET_NO_VALUE] = "a value",
        [VG_BUDGET_ONE] = "one value",
        [VG_BUDGET_OTHER] = "the less frequent values",
        [VG_BUDGET_UNSEEN] = "values unknown to the reference",
        [VG_BUDGET_RARE] = "the rare values together",
        [VG_BUDGET_NULL] = "NULLs",
    };
    return names[which];
}

char *vg_budget_say_share(double share, char out[VG_SHARE_TEXT])
{
    char number[VG_NUMBER_TEXT];
    snprintf(out, VG_SHARE_TEXT, "%s%%", vg_format_human(100 * share, DIGITS, number));
    return out;
}

static int say_value(const struct vg_budget_evidence *of, const struct vg_budget_found *found,
                     char *out, size_t size)
{
    char value[VG_NUMBER_TEXT], expected[VG_SHARE_TEXT], share[VG_SHARE_TEXT];
    vg_format_human(found->value, DIGITS, value);
    switch (of->model->streams[found->stream].kind) {
    case VG_BUDGET_KS:
        return snprintf(out, size, "D %s", value);
    case VG_BUDGET_SPREAD:
        return snprintf(out, size, "standard deviation %s times the reference's", value);
    default:
        vg_budget_say_share(found->expected, expected);
        vg_budget_say_share(found->expected + found->value, share);
        return snprintf(out, size, "share of %s %s, expected %s", name_value(found->which), share,
                        expected);
    }
}

void vg_budget_say_found(const struct vg_budget_evidence *of, const struct vg_budget_found *found,
                         char out[VG_WHY])
{
    char base[VG_DURATION_TEXT];
    int n = say_value(of, found, out, VG_WHY);
    vg_format_duration(of->model->base_us, base);
    if (n < 0 || n >= VG_WHY)
        return;
    if (found->scale > 1)
        snprintf(out + n, VG_WHY - (size_t)n, " over the last %u base windows of %s", found->scale,
                 base);
    else
        snprintf(out + n, VG_WHY - (size_t)n, " in the base window of %s", base);
}

/* A value that was never seen is noticed long before a change of a frequent one: both are said. */
static void say_levels(const struct vg_budget_stream *stream, char out[VG_WHY / 2])
{
    char share[VG_SHARE_TEXT], top[VG_NUMBER_TEXT];
    vg_budget_say_share(stream->visible, share);
    int n = stream->visible_of == VG_BUDGET_UNSEEN
                ? snprintf(out, VG_WHY / 2, "an unseen value risen to %s", share)
                : snprintf(out, VG_WHY / 2, "%s risen by %.*s points",
                           name_value(stream->visible_of), (int)strlen(share) - 1, share);
    if (n < 0 || n >= VG_WHY / 2)
        return;
    vg_format_human(100 * stream->visible_top, DIGITS, top);
    if (isinf(stream->visible_top))
        snprintf(out + n, VG_WHY / 2 - (size_t)n, ", no rise of the most frequent");
    else if (stream->visible_top > stream->visible)
        snprintf(out + n, VG_WHY / 2 - (size_t)n, ", the most frequent by %s points", top);
}

void vg_budget_say_visible(const struct vg_budget_stream *stream, char out[VG_WHY / 2])
{
    char number[VG_NUMBER_TEXT];
    vg_format_human(stream->visible, DIGITS, number);
    if (isinf(stream->visible)) {
        snprintf(out, VG_WHY / 2, "none");
        return;
    }
    switch (stream->kind) {
    case VG_BUDGET_KS:
        snprintf(out, VG_WHY / 2, "a distance D of %s", number);
        return;
    case VG_BUDGET_SPREAD:
        snprintf(out, VG_WHY / 2, "a standard deviation %s times the usual", number);
        return;
    case VG_BUDGET_LEVELS:
        say_levels(stream, out);
        return;
    default:
        vg_format_human(100 * stream->visible, DIGITS, number);
        snprintf(out, VG_WHY / 2, "a null rate risen by %s points", number);
    }
}

void vg_budget_say_stream(const struct vg_budget_stream *stream, char out[VG_WHY])
{
    char visible[VG_WHY / 2];
    const char *kind = vg_budget_say_kind(stream->kind);
    vg_budget_say_visible(stream, visible);
    *out = '\0';
    if (stream->not_stationary)
        snprintf(out, VG_WHY,
                 "%s: the reference is not stationary, so it is not calibrated: choose a later "
                 "start",
                 kind);
    else if (stream->blind && isinf(stream->visible))
        snprintf(out, VG_WHY, "%s: blind, it can see no change at all", kind);
    else if (stream->blind)
        snprintf(out, VG_WHY, "%s: blind, the smallest change it can see is %s", kind, visible);
    else if (stream->noisy && stream->level < stream->own)
        snprintf(out, VG_WHY, "%s: noisy, but the level of all streams is strict enough for it",
                 kind);
    else if (stream->noisy)
        snprintf(out, VG_WHY, "%s: noisy, with a stricter level of its own", kind);
}
