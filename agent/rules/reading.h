/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A rule file while it is read; layer 4, known to this folder only. */
#ifndef PGVIGIL_RULE_READING_H
#define PGVIGIL_RULE_READING_H

#include "agent/rules/keys.h"

enum { VG_RULE_PLACES = 3 }; /* in a column, in its drift, in checks */

struct vg_rule_reading {
    struct vg_reader r;
    const struct vg_config *config; /* whose defaults hold; or NULL */
    const struct vg_config *names;  /* the same, whose connections and receivers are known */
    struct vg_raw_dataset raw;
    struct vg_dataset *dataset; /* in the reader's arena */
    struct vg_notify_given notify;
    bool names_receivers;                  /* the file has a notify.to of its own */
    bool window_doubtful;                  /* a window was written, but not understood */
    struct vg_part places[VG_RULE_PLACES]; /* the checks as keys, made when first needed */
    struct vg_rule *rules;                 /* on the heap while they grow */
    size_t nrules, size;
};

/* The place in the dataset's own memory. */
struct vg_loc vg_rule_loc(const struct vg_rule_reading *in, struct vg_loc loc);
/* The place of a key in a mapping, or the mapping's. */
struct vg_loc vg_key_loc(const struct vg_node *mapping, const char *key);

/* Whether the table has a time column; *known false: the file does not say. */
bool vg_rule_timed(const struct vg_rule_reading *in, bool *known);
/* Window, ticks, zone and the time limits that follow from them, over the defaults of pgvigil.yaml.
 */
void vg_rule_schedule(struct vg_rule_reading *in);
/* reference:, references: and drift: of the dataset; after the schedule, whose zone and window
 * they need. */
void vg_rule_reference(struct vg_rule_reading *in);
void vg_rule_drift(struct vg_rule_reading *in);
/* "N per day|week|month" into the dataset. */
void vg_rule_budget(struct vg_rule_reading *in, const struct vg_node *node, const char *text,
                    int64_t base_us);
/* `drift: true` of a column adds the rule of the budget, `drift: false` adds none. False: it is
 * neither. */
bool vg_rule_budget_switch(struct vg_rule_reading *in, const struct vg_node *node,
                           const char *column);
/* A scalar that reads false. */
bool vg_node_off(const struct vg_node *node);
/* The policy of a check in its long form, and what it makes of the limits' type. */
void vg_rule_policy(struct vg_rule_reading *in, const struct vg_node *node, int policy,
                    struct vg_rule *rule);
/* Which of the references the rule names; after those, with a fault where there is none. */
void vg_rule_against(struct vg_rule_reading *in, struct vg_loc loc, const char *name,
                     struct vg_rule *rule);

/* source: the table or query, and what else names its rows. */
void vg_rule_source(struct vg_rule_reading *in);
/* decode: and entity: of its long:, and the columns and types that come of it, after columns:. */
void vg_rule_decode(struct vg_rule_reading *in, const struct vg_raw_long *raw);
void vg_rule_decoded(struct vg_rule_reading *in);
/* quarantine: after the source. */
void vg_rule_quarantine(struct vg_rule_reading *in);
/* After the sample is known: whether the source can be sampled so. */
void vg_rule_sample(struct vg_rule_reading *in);
/* The rules that a source brings with it: `cast` of columns that are converted, `unknown_names`. */
void vg_rule_sourced(struct vg_rule_reading *in);

/* The rules that windows read again bring with them: late_rows, rewritten. */
void vg_rule_revisited(struct vg_rule_reading *in);

/* columns: and checks:, and the rules every dataset has. */
void vg_rule_columns(struct vg_rule_reading *in);
void vg_rule_checks(struct vg_rule_reading *in);
void vg_rule_implicit(struct vg_rule_reading *in);
/* segments: after all rules, and what rules say of segments. */
void vg_rule_segments(struct vg_rule_reading *in);
/* A column that holds predictions, whose rules begin at `first`: drift checks of its own where the
 * file gives none, and for a probability the same of the confidence, as a column *more. */
void vg_rule_prediction(struct vg_rule_reading *in, const struct vg_column_spec *column,
                        size_t first, struct vg_column_spec *more);
/* importances: */
void vg_rule_importances(struct vg_rule_reading *in);
/* Ids are unique; what `was` names is gone. */
void vg_rule_identities(struct vg_rule_reading *in);

/* One check as it stands below a column (NULL: below checks:): shorthand, long form or list of long
 * forms. loc is the place of its name. */
struct vg_rule_site {
    const struct vg_check_type *type;
    const char *column;
    struct vg_loc loc;
};
void vg_rule_read(struct vg_rule_reading *in, const struct vg_rule_site *site,
                  const struct vg_node *node);
/* A rule of the site with nothing but defaults, added at the end; NULL without memory. */
struct vg_rule *vg_rule_add(struct vg_rule_reading *in, const struct vg_rule_site *site);

/* Its parameters as their table defaults them. */
void vg_rule_default_params(struct vg_rule_reading *in, struct vg_rule *rule);

/* fail, warn, min and max into limits. `faults`: those of the reader before this rule; after one
 * more no missing limit is reported. */
void vg_rule_limits(struct vg_rule_reading *in, const struct vg_rule_site *site,
                    const struct vg_node *node, const struct vg_raw_check *raw, size_t faults,
                    struct vg_limits *out);
/* The limit of a check that names none: its default_fail. */
void vg_rule_default_limit(const struct vg_check_type *type, struct vg_limits *out);
/* A scalar as limit in the unit of the type. */
bool vg_rule_limit(struct vg_rule_reading *in, const struct vg_check_type *type,
                   const struct vg_node *node, const char *what, double *out);
/* A fault where there is no connection of this name. */
void vg_rule_connection(struct vg_rule_reading *in, const struct vg_node *node, const char *name);
/* Whether checks: (or NULL) has a check of this name. */
bool vg_rule_is_written(const struct vg_node *checks, const char *name);

#endif
