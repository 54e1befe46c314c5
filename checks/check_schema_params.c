/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of what can be set of the schema check. By class: what breaks fails, what loses warns,
 * what is safe is only said. */
#include "checks/check_schema_params.h"

#include <stddef.h>

static const char *const levels[] = {"fail", "warn", "ignore", "class", NULL};

#define BY_CLASS VG_SCHEMA_BY_CLASS
const struct vg_schema_params vg_schema_defaults = {
    .of = {BY_CLASS, VG_SCHEMA_WARN, BY_CLASS, BY_CLASS, BY_CLASS, BY_CLASS, BY_CLASS, BY_CLASS,
           BY_CLASS, BY_CLASS, BY_CLASS, BY_CLASS, BY_CLASS}};

#define LEVEL(name, kind, fallback, doc)                                                           \
    {                                                                                              \
        name, VG_PARAM_CHOICE, offsetof(struct vg_schema_params, of[VG_SCHEMA_##kind]), false,     \
            fallback, levels, doc                                                                  \
    }
const struct vg_param vg_schema_param_table[VG_SCHEMA_PARAMS] = {
    LEVEL("missing", MISSING, "class", "a column is gone: breaking if a rule uses it, else lossy"),
    LEVEL("unexpected", UNEXPECTED, "warn", "a column that the reference did not have"),
    LEVEL("reordered", REORDERED, "class", "the columns stand in another order: safe"),
    LEVEL(
        "type", TYPE, "class",
        "another type: safe if it is of the same family and holds every old value, lossy if it is "
        "of the same sort, else breaking, or lossy if no rule uses the column; another than the "
        "declared one is breaking, unless safe"),
    LEVEL("nullability", NULLABILITY, "class",
          "NOT NULL was dropped: lossy if a rule uses the column, else safe; added: safe"),
    LEVEL("default", DEFAULT, "class",
          "a default was changed or dropped: lossy if a rule uses the column, else safe; added: "
          "safe"),
    LEVEL("generated", GENERATED, "class",
          "a generated column is computed in another way: lossy if a rule uses it, else safe; an "
          "identity changed: safe"),
    LEVEL("enum", ENUM, "class",
          "labels of an enum are gone: breaking if a rule uses the column, else lossy; new ones: "
          "safe"),
    LEVEL("collation", COLLATION, "class",
          "text is compared by another collation: lossy if a rule uses the column, else safe"),
    LEVEL(
        "constraints", CONSTRAINTS, "class",
        "a primary key, unique, foreign key, check or exclusion constraint was dropped, changed "
        "or is no longer validated: breaking if it keeps the dataset's key unique, lossy if a rule "
        "uses a column of it or it has none, else safe; a new one: safe"),
    LEVEL("partition", PARTITION, "class",
          "partitioned by ranges of the time column, and no partition takes rows of now: breaking; "
          "of the time ahead: lossy"),
    {"partitions_ahead", VG_PARAM_DURATION, offsetof(struct vg_schema_params, partitions_ahead_us),
     false, NULL, NULL, "how long ahead partitions must exist, else one window"},
    LEVEL("row_security", ROW_SECURITY, "class",
          "row-level security chooses the rows that the role sees: breaking when it begins, else "
          "lossy, until a reference was captured with it"),
    LEVEL("grants", GRANTS, "class",
          "a column can no longer be read: breaking if a rule uses it, else lossy"),
};
