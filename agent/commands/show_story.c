/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The story of a drift as JSON: what the sentence says, and the numbers it leaves out. What does
 * not apply, or may not be shown, is null. */
#include "agent/commands/show_story.h"

#include <math.h>
#include <string.h>

#include "pgvigil/mem.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *vg_show_json_text(const char *s)
{
    if (!s)
        return json_null();
    struct vg_buf clean;
    vg_buf_init(&clean, 1 << 20);
    vg_utf8_clean(&clean, s, strlen(s), false);
    json_t *text = json_string(clean.data);
    vg_buf_free(&clean);
    return text;
}

static json_t *make_quantiles(const double quantiles[VG_STORY_QUANTILES])
{
    if (isnan(quantiles[1]))
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "p10", make_number(quantiles[0]), "p50",
                     make_number(quantiles[1]), "p90", make_number(quantiles[2]));
}

static json_t *make_part(const struct vg_story *story, const struct vg_story_part *part)
{
    if (story->shape >= VG_STORY_LEVEL)
        return json_null();
    return json_pack("{s:o, s:o, s:[o, o], s:o, s:o}", "from", make_number(part->from), "to",
                     make_number(part->to), "of_reference", make_number(part->lowest),
                     make_number(part->highest), "share_then", make_number(part->then), "share_now",
                     make_number(part->now));
}

json_t *vg_show_story(const struct vg_story *story)
{
    char time[VG_TIME_TEXT];
    if (!story)
        return json_null();
    bool level = story->shape >= VG_STORY_LEVEL;
    bool since = story->since_us != VG_NEVER;
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "shape",
                     vg_story_shape_name(story->shape), "share", make_number(story->share),
                     "quantiles_then", make_quantiles(story->then), "quantiles_now",
                     make_quantiles(story->now), "gained", make_part(story, &story->gained), "lost",
                     make_part(story, &story->lost), "level", vg_show_json_text(story->level),
                     "level_then", make_number(level ? story->level_then : (double)NAN),
                     "level_now", make_number(level ? story->level_now : (double)NAN), "segment",
                     vg_show_json_text(story->segment), "segment_share",
                     make_number(story->segment ? story->segment_share : (double)NAN), "since",
                     vg_show_json_text(since ? vg_format_time(story->since_us, time) : NULL),
                     "since_or_earlier", since && story->earlier);
}
