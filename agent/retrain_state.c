/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line about a model's retraining for the page, `status` and `retrain list`: what it waits for,
 * and who can do something about it. Pure. */
#include "agent/retrain_state.h"

static bool is_withheld(const struct vg_retrain_standing *standing)
{
    return standing->decision && standing->decision->kind == VG_DECIDED_WITHHELD;
}

const char *vg_retrain_state_word(const struct vg_retrain_standing *standing)
{
    const struct vg_onset *onset = standing->onset;
    if (!onset)
        return "quiet";
    if (onset->state == VG_ONSET_FIRED)
        return onset->fired ? "asked" : "dry_run";
    if (onset->approval == VG_APPROVAL_DENIED)
        return "denied";
    return onset->approval == VG_APPROVAL_ASKED && !is_withheld(standing) ? "waiting" : "withheld";
}

static void say_run(struct vg_buf *out, const struct vg_retrain_run *run)
{
    char at[VG_TIME_TEXT];
    vg_buf_puts(out, vg_retrain_state_name(run->state));
    if (run->state >= VG_RETRAIN_SUCCEEDED)
        vg_buf_printf(out, " at %s", vg_format_time(run->ended_us, at));
    if (run->id)
        vg_buf_printf(out, ", run %s", run->id);
    if (run->url)
        vg_buf_printf(out, ", %s", run->url);
}

static void say_open(struct vg_buf *out, const struct vg_retrain_standing *standing)
{
    const struct vg_onset *onset = standing->onset;
    char since[VG_TIME_TEXT];
    if (onset->approval == VG_APPROVAL_DENIED) {
        vg_buf_printf(out, "denied by %s until the drift has ended: %s",
                      onset->approval_by ? onset->approval_by : "somebody",
                      onset->approval_why ? onset->approval_why : "");
        return;
    }
    if (onset->approval == VG_APPROVAL_ASKED)
        vg_buf_printf(out, "waits for approval since %s: pgvigil retrain approve %.12s",
                      vg_format_time(onset->approval_us, since), onset->key);
    if (onset->approval == VG_APPROVAL_GIVEN)
        vg_buf_printf(out, "approved by %s", onset->approval_by ? onset->approval_by : "somebody");
    if (onset->approval != VG_APPROVAL_NONE && is_withheld(standing))
        vg_buf_puts(out, "; ");
    if (is_withheld(standing))
        vg_buf_printf(out, "withheld: %s", standing->decision->reason);
    else if (onset->approval == VG_APPROVAL_NONE)
        vg_buf_puts(out, "not yet judged");
}

void vg_retrain_state_say(struct vg_buf *out, const struct vg_retrain_standing *standing)
{
    const struct vg_onset *onset = standing->onset;
    char at[VG_TIME_TEXT];
    if (onset && onset->state == VG_ONSET_OPEN) {
        say_open(out, standing);
    } else if (onset && !onset->fired) {
        vg_buf_printf(out, "dry run: would have been asked for at %s",
                      vg_format_time(onset->fired_us, at));
    } else if (onset) {
        vg_buf_printf(out, "asked for at %s", vg_format_time(onset->fired_us, at));
    } else {
        vg_buf_puts(out, "no drift");
    }
    bool shown = standing->run && (!onset || onset->state == VG_ONSET_FIRED);
    if (!shown)
        return;
    vg_buf_puts(out, onset ? ": " : "; the last request: ");
    say_run(out, standing->run);
}
