/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The story of a drift as one plain sentence. Pure. */
#include "agent/story.h"

#include <math.h>

#include "pgvigil/text.h"
#include "pgvigil/time.h"

static const double hardly_any = 1e-6; /* a share that is nobody's number */

static void add_number(struct vg_buf *out, const char *before, double x)
{
    char text[VG_NUMBER_TEXT];
    vg_buf_printf(out, "%s%s", before, vg_format_human(x, 3, text));
}

static void add_percent(struct vg_buf *out, const char *before, double share)
{
    add_number(out, before, 100 * share);
    vg_buf_puts(out, "%");
}

static void add_shape(const struct vg_story *story, struct vg_buf *out)
{
    static const char *const words[] = {
        [VG_STORY_HIGHER] = "values are higher",
        [VG_STORY_LOWER] = "values are lower",
        [VG_STORY_WIDER] = "values are spread wider",
        [VG_STORY_NARROWER] = "values are closer together",
        [VG_STORY_OTHER] = "values are distributed differently",
    };
    static const char *const names[] = {"10% quantile ", "median ", "90% quantile "};
    vg_buf_puts(out, words[story->shape]);
    bool ends = story->shape == VG_STORY_WIDER || story->shape == VG_STORY_NARROWER;
    for (int i = ends ? 0 : 1, first = i; i < VG_STORY_QUANTILES; i += 2) {
        if (isnan(story->then[i]) || isnan(story->now[i]))
            continue;
        vg_buf_puts(out, i == first ? ": " : ", ");
        add_number(out, names[i], story->now[i]);
        add_number(out, ", was ", story->then[i]);
    }
}

/* "above 15.2", "from 3 to 8", "0"; of a private column by its place in the reference. */
static void add_place(const struct vg_story_part *part, struct vg_buf *out)
{
    if (isnan(part->from)) {
        add_percent(out, "in what was the reference from ", part->lowest);
        add_percent(out, " to ", part->highest);
    } else if (part->one) {
        add_number(out, "", part->from);
    } else if (isinf(part->from)) {
        add_number(out, "below ", part->to);
    } else if (isinf(part->to)) {
        add_number(out, "above ", part->from);
    } else {
        add_number(out, "from ", part->from);
        add_number(out, " to ", part->to);
    }
}

static void add_part(const struct vg_story_part *part, struct vg_buf *out)
{
    add_percent(out, "; ", part->now);
    vg_buf_puts(out, " of the rows are ");
    add_place(part, out);
    add_percent(out, ", were ", part->then);
}

static void add_level(const struct vg_story *story, struct vg_buf *out)
{
    if (story->shape == VG_STORY_NULLS)
        vg_buf_puts(out, "NULLs are ");
    else if (story->unseen)
        vg_buf_puts(out, "values that the reference never saw are ");
    else if (story->together)
        vg_buf_printf(out, "%s are ", story->together);
    else if (story->level)
        vg_buf_printf(out, "\"%s\" is ", story->level);
    else
        vg_buf_puts(out, "one value is ");
    add_percent(out, "", story->level_now);
    vg_buf_puts(out, " of the rows");
    bool many = story->shape == VG_STORY_NULLS || story->together;
    if (story->together && story->level_then < hardly_any)
        vg_buf_puts(out, story->unseen ? "" : ", were next to none");
    else if (!story->unseen)
        add_percent(out, many ? ", were " : ", was ", story->level_then);
}

void vg_story_write(const struct vg_story *story, struct vg_buf *out)
{
    char time[VG_TIME_TEXT];
    if (story->shape >= VG_STORY_LEVEL) {
        add_level(story, out);
    } else {
        add_shape(story, out);
        add_part(&story->gained, out);
    }
    add_percent(out, "; at least ", story->share);
    vg_buf_puts(out, " of the rows concerned");
    if (story->segment) {
        vg_buf_printf(out, "; most in %s", story->segment);
        add_percent(out, ", ", story->segment_share);
    }
    if (story->since_us != VG_NEVER)
        vg_buf_printf(out, "; since %s%s", vg_format_time(story->since_us, time),
                      story->earlier ? " or earlier" : "");
}
