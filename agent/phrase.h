/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences for people about a message: what, by how much against what, since when.
 *
 * Pure, shared by the receivers. Everything appended is valid UTF-8 without control characters; it
 * is not escaped for any markup, which is the receiver's part. Values are those of the message:
 * what must not be told is not in it.
 */
#ifndef PGVIGIL_AGENT_PHRASE_H
#define PGVIGIL_AGENT_PHRASE_H

#include <stddef.h>

#include "pgvigil/event.h"
#include "pgvigil/mem.h"
#include "pgvigil/rule.h"

/* Whether the alert of an item still stands after the cycle: it fires, or cannot be looked at. */
bool vg_phrase_stands(const struct vg_message_item *item);

/* Text of any origin as one line: controls and broken bytes replaced, white space folded. */
void vg_phrase_clean(struct vg_buf *out, const char *s);

/* "0.384", "3.1%", "2310 rows", "9h 12m": a value in its unit. Ratios of drift and performance are
 * plain numbers, other ratios percent. */
void vg_phrase_value(struct vg_buf *out, double value, enum vg_unit unit, const char *class);

/* "CRITICAL delay_predictions: ks of probability 0.384, above 0.35". One line. */
/* The first words of the title: "CRITICAL", "STILL WARNING", "RESOLVED". */
void vg_phrase_state(struct vg_buf *out, const struct vg_message *message);
void vg_phrase_title(struct vg_buf *out, const struct vg_message *message);

/* The item a title speaks of: one that began to stand now, else one that stands, else the first;
 * NULL without items. */
const struct vg_message_item *vg_phrase_lead(const struct vg_message *message);

/* "ks of probability fires: 0.384, above the limit 0.35 (p < 0.001), since 2001-06-12T00:00:00Z".
 * One line, without the check's own words (item->why). */
void vg_phrase_item(struct vg_buf *out, const struct vg_message_item *item);

/* The gravest that was seen since it began: "0.612, above the limit 0.35, at 2001-06-14T00:00:00Z".
 * Nothing where it is not known. */
void vg_phrase_worst(struct vg_buf *out, const struct vg_message_item *item);

/* Where and how much: "table ml.delay_predictions on warehouse, window 2001-06-12T00:00:00Z to
 * 2001-06-13T00:00:00Z, 3458 rows". One line. */
void vg_phrase_place(struct vg_buf *out, const struct vg_message *message);

/* What an item rests on: "3458 rows against 105943 of the reference from 2001-01-01T00:00:00Z to
 * 2001-02-01T00:00:00Z", or "... of the reference table ml.train (version 3)". Nothing where it is
 * not known. */
void vg_phrase_basis(struct vg_buf *out, const struct vg_message *message,
                     const struct vg_message_item *item);

/* What it may break: the rule file's own words and what follows from the model. Nothing where
 * neither is known. */
void vg_phrase_impact(struct vg_buf *out, const struct vg_message *message);

/* What to do: the runbook of the first alert that stands and has one, else the dataset's; or NULL.
 */
const char *vg_phrase_runbook(const struct vg_message *message);

/* Of a message as one of many: its title, since when, the beginning of its key, by which it can be
 * acknowledged, and what it may break. One line. */
void vg_phrase_one(struct vg_buf *out, const struct vg_message *message);
/* Of many incidents: "CRITICAL 23 incidents opened: 4 critical, 19 warning, all on warehouse"; what
 * they have in common; the models that may break. One line each. */
void vg_phrase_many(struct vg_buf *out, const struct vg_message *message);
void vg_phrase_many_place(struct vg_buf *out, const struct vg_message *message);
void vg_phrase_many_impact(struct vg_buf *out, const struct vg_gathered *many);

/* What stands now: "2 alerts fire, 1 cannot be looked at, 3 have cleared". One line. */
void vg_phrase_standing(struct vg_buf *out, const struct vg_message *message);

/* What a silence or a route is about, as people write it: "dataset=a* severity=warning", or
 * "everything". */
void vg_phrase_match(struct vg_buf *out, const struct vg_match *match);

/* Silences of files that are not over: those of config, then those of each dataset, which then say
 * of which. Both may be NULL. In arena; -1 in memory. */
int vg_phrase_quiets(const struct vg_config *config, const struct vg_ruleset *rules, int64_t now_us,
                     struct vg_arena *arena, struct vg_quiet **out, size_t *n);
enum { VG_WEEKDAYS = 7 };
const char *vg_phrase_day(unsigned day); /* "mon" is 0 */
/* "22:00-06:00"; nothing for the whole day. */
void vg_phrase_between(struct vg_buf *out, const struct vg_hours *hours);
/* "mon tue 22:00-06:00 Europe/Berlin"; nothing where none were given. */
void vg_phrase_hours(struct vg_buf *out, const struct vg_hours *hours);

#endif
