/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The finding of one rule now, and the story of its drift, whatever the verdict. */
#include "agent/commands/explain_drift.h"

#include <string.h>

#include "agent/commands/show.h"
#include "agent/loop/cycle_story.h"
#include "agent/story.h"
#include "agent/window.h"
#include "pgvigil/text.h"

enum { SENTENCE_MAX = 4096 };

static int print_result(struct vg_work *work, const struct vg_result *result, struct vg_error *err)
{
    struct vg_story *story = NULL;
    printf("%s %s%s%s: ", vg_verdict_name(result->verdict), result->rule,
           result->segment ? " " : "", result->segment ? result->segment : "");
    vg_show_text(stdout, result->why);
    putchar('\n');
    if (result->story) /* it is told already */
        return 0;
    int rc = vg_cycle_story(work, result, &story, err);
    if (rc <= 0)
        return rc;
    struct vg_buf text;
    vg_buf_init(&text, SENTENCE_MAX);
    vg_story_write(story, &text);
    fputs("  ", stdout);
    vg_show_text(stdout, text.failed ? "" : text.data);
    putchar('\n');
    rc = text.failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    vg_buf_free(&text);
    return rc;
}

static int explain(struct vg_work *work, const char *rule, bool *found, struct vg_error *err)
{
    bool scanning;
    int rc = vg_cycle_read(work, &scanning, err);
    vg_shell_progress_end();
    if (rc < 0 || vg_cycle_judge(work, err) < 0)
        return -1;
    for (size_t i = 0; i < work->cycle.nresults; i++) {
        const struct vg_result *result = &work->cycle.results[i];
        if (!vg_streq(result->rule, rule))
            continue;
        *found = true;
        if (print_result(work, result, err) < 0)
            return -1;
    }
    return 0;
}

int vg_explain_drift(struct vg_shell *shell, const struct vg_dataset *dataset, const char *rule)
{
    struct vg_error err = {0};
    struct vg_cycle_env env = vg_shell_env(shell);
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    struct vg_job job = {.dataset = dataset, .due_us = now_us, .tick = true, .window = true};
    struct vg_progress progress = {.first_seen_us = now_us,
                                   .judged_us = VG_NEVER,
                                   .watermark_us = VG_NEVER,
                                   .tick_us = VG_NEVER,
                                   .success_us = VG_NEVER,
                                   .retry_us = VG_NEVER};
    struct vg_work work;
    bool found = false;
    vg_window_newest_due(dataset, now_us, &job.range);
    if (vg_cycle_begin(&work, &env, &job, &progress, &err) < 0)
        return vg_shell_fail(&err);
    int rc = explain(&work, rule, &found, &err);
    vg_cycle_end(&work);
    if (rc < 0)
        return vg_shell_fail(&err);
    if (found)
        return VG_EXIT_OK;
    fprintf(stderr, "pgvigil: no rule %s has a result of dataset %s\n", rule, dataset->id);
    return VG_EXIT_USAGE;
}
