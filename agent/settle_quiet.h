/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is not told, and who is: silences, inhibition, routes; layer 3, pure. */
#ifndef PGVIGIL_SETTLE_QUIET_H
#define PGVIGIL_SETTLE_QUIET_H

#include "agent/settle.h"

/* Whether a text fits a pattern in which * stands for any characters and ? for one; NULL fits all.
 */
bool vg_quiet_fits(const char *pattern, const char *text);
/* Whether the local time of now_us lies in these hours. Hours that are not given hold always. */
bool vg_quiet_hours(const struct vg_hours *hours, int64_t now_us);
/* The rule of an alert as the file has it, or NULL. */
const struct vg_rule *vg_quiet_rule(const struct vg_settle_in *in, const struct vg_alert *alert);
/* Whether a silence keeps the alert from being told: of the configuration, of the rule file, or one
 * that somebody made. */
bool vg_quiet_muted(const struct vg_settle_in *in, const struct vg_alert *alert);
/* Whether the dataset's alert `reach` stands, which speaks for this other one. */
bool vg_quiet_inhibited(const struct vg_settle_out *out, const struct vg_alert *alert);
/* What reach says of a connection that cannot be made, as against a table that cannot be read. */
bool vg_quiet_lost(const struct vg_alert *alert);
/* Whether the loss of the connection was told of an older incident, at least as grave, to everybody
 * whom this one would tell of the same. */
bool vg_quiet_spoken_for(const struct vg_settle_in *in, const struct vg_incident *incident,
                         const struct vg_alert *alert);
/* The receivers of a failure: those of the routes that fit, where no rule file names any, else
 * result->to. In arena. 0, or -1 out of memory. */
int vg_quiet_route(const struct vg_settle_in *in, const struct vg_alert *alert,
                   const struct vg_result *result, struct vg_arena *arena, struct vg_strings *out);

#endif
