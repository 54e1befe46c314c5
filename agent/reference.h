/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rows a reference is of when it moves with time, and which of its base windows a window is
 * compared with; layer 3, pure: functions of the rule file and of the window alone, so that live
 * runs, catch-up and replays judge alike. */
#ifndef PGVIGIL_REFERENCE_H
#define PGVIGIL_REFERENCE_H

#include "pgvigil/result.h"
#include "pgvigil/rule.h"

/* The i-th reference of a dataset: 0 is what rules are judged against unless they say otherwise. */
const struct vg_reference_spec *vg_reference_spec_of(const struct vg_dataset *dataset, size_t i);

/* The turns of a rolling reference are the local times that `every` divides time into; each turn
 * has a version, of the rolling_us before it. It judges the windows that start at or after the turn
 * and a seventh of `every` (a day of a week), which is the time to capture it in, until the next
 * one does. So a version ends before every window it judges.
 * The span of the version that judges the window starting at start_us. */
void vg_reference_span(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                       int64_t start_us, struct vg_window *out);
/* The span of the newest turn whose rows are complete at now (the delay has passed), and when the
 * next one's are. */
void vg_reference_newest(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                         int64_t now_us, struct vg_window *out, int64_t *next_us);
/* The dataset with this span as its one reference, pinned, as a capture wants it. */
void vg_reference_pin(const struct vg_dataset *dataset, const struct vg_reference_spec *spec,
                      const struct vg_window *span, struct vg_dataset *out);

/* A number that base windows of the same slot share, by the local hour and day of their start. */
int vg_reference_slot(const struct vg_zone *zone, enum vg_season season, int64_t start_us);

/* A version for people: "the reference from 2001-01-01T00:00:00Z to 2001-02-01T00:00:00Z", "the
 * reference table ml.train (version 3)", "the reference chosen by a filter (version 3)", "the
 * reference captured at ... (version 3)"; behind "reference" its name, where it has one of its own.
 * What is no span is told by the text of what was captured, as a rule file may have changed since.
 * In arena; NULL out of memory. */
struct vg_reference_said {
    const char *name, *spec; /* name NULL: "reference" */
    int64_t version, from_us, to_us, captured_us;
};
const char *vg_reference_words(const struct vg_reference_said *said, struct vg_arena *arena);

/* Whether the rule is judged apart from the others: against another reference than the first, or
 * against a part of it. The budget is not: it learns its seasons from the whole first reference. */
bool vg_reference_apart(const struct vg_rule *rule);

#endif
