/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a stream of the budget can see, and why it never alarms or sees little, in words. Pure; for
 * verdicts and commands alike. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks/check_budget_text.h"

enum { DIGITS = 3 };

/* A value that was never seen is noticed long before a change of a frequent one: both are said. */
static void say_levels(const struct vg_budget_stream *stream, char out[VG_WHY / 2])
{
    char share[VG_SHARE_TEXT], top[VG_NUMBER_TEXT];
    vg_budget_say_share(stream->visible, share);
    int n = stream->visible_of == VG_BUDGET_UNSEEN
                ? snprintf(out, VG_WHY / 2, "an unseen value risen to %s", share)
                : snprintf(out, VG_WHY / 2, "%s risen by %.*s points",
                           vg_budget_say_value(stream->visible_of), (int)strlen(share) - 1, share);
    if (n < 0 || n >= VG_WHY / 2)
        return;
    vg_format_human(100 * stream->visible_top, DIGITS, top);
    if (isinf(stream->visible_top))
        snprintf(out + n, VG_WHY / 2 - (size_t)n, ", no rise of the most frequent");
    else if (stream->visible_top > stream->visible)
        snprintf(out + n, VG_WHY / 2 - (size_t)n, ", the most frequent by %s points", top);
}

static bool sees_nothing(const struct vg_budget_stream *stream)
{
    static const double no_floor[VG_BUDGET_KINDS];
    return isinf(vg_budget_visible(stream, no_floor));
}

void vg_budget_say_visible(const struct vg_budget_stream *stream, char out[VG_WHY / 2])
{
    char number[VG_NUMBER_TEXT];
    vg_format_human(stream->visible, DIGITS, number);
    if (sees_nothing(stream)) {
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

/* Of shares it is rises that are told of: a fall is seen where a rise has no room. */
static bool is_share(enum vg_budget_kind kind)
{
    return kind == VG_BUDGET_LEVELS || kind == VG_BUDGET_NULLS;
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
    else if (stream->blind && sees_nothing(stream))
        snprintf(out, VG_WHY, "%s: blind, it can see no %s", kind,
                 is_share(stream->kind) ? "rise, whatever its size" : "change at all");
    else if (stream->blind)
        snprintf(out, VG_WHY, "%s: blind, the smallest change it can see is %s", kind, visible);
    else if (stream->noisy && stream->level < stream->own)
        snprintf(out, VG_WHY, "%s: noisy, but the level of all streams is strict enough for it",
                 kind);
    else if (stream->noisy)
        snprintf(out, VG_WHY, "%s: noisy, with a stricter level of its own", kind);
}
