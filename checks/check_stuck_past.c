/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of how many windows running the fingerprint is the same, by what those before left. */
#include "checks/check_stuck_print.h"
#include "pgvigil/text.h"

struct of { /* whose fingerprints */
    const char *rule, *segment;
};

/* Of the first *left marks, the last of which may be of this window or of a later one; those from
 * the window on are taken off. */
static const struct vg_mark *find_mark(const struct of *of, const struct vg_history *history,
                                       const struct vg_window *window, size_t *left)
{
    const struct vg_mark *found = NULL;
    for (; *left && history->marks[*left - 1].start_us >= window->start_us; --*left) {
        const struct vg_mark *mark = &history->marks[*left - 1];
        if (mark->start_us == window->start_us && vg_streq(mark->rule, of->rule) &&
            vg_streq(mark->segment, of->segment))
            found = mark;
    }
    return found;
}

size_t vg_stuck_same(const struct vg_rule *rule, const struct vg_evidence *evidence,
                     uint64_t fingerprint)
{
    const struct vg_history *history = evidence->history;
    const struct of of = {rule->id, evidence->segment ? evidence->segment : ""};
    if (!history)
        return 0;
    size_t same = 1, left = history->nmarks;
    for (size_t i = history->n; i-- > 0; same++) {
        const struct vg_mark *mark = find_mark(&of, history, &history->windows[i].window, &left);
        if (!mark && same == 1)
            return 0;
        if (!mark || mark->fingerprint != fingerprint)
            break;
    }
    return history->n ? same : 0;
}
