/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of suggest*.c; layer 3, pure: one function for each sort of column, figures that people
 * read, and texts of YAML. */
#ifndef PGVIGIL_AGENT_SUGGEST_PARTS_H
#define PGVIGIL_AGENT_SUGGEST_PARTS_H

#include "agent/suggest.h"
#include "pgvigil/text.h"

enum { VG_WHY_TEXT = 240, VG_COUNT_TEXT = 32 };

struct vg_suggesting { /* one column */
    const struct vg_profile *profile;
    const struct vg_profile_column *column;
    struct vg_suggestions *list;
    bool is_key, hides; /* hides: no value of it may be shown */
};

/* Adds one; both texts are copied. why may be NULL. */
void vg_suggest_add(struct vg_suggestions *list, const char *column, bool off, const char *why,
                    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

void vg_suggest_nulls(const struct vg_suggesting *at);
bool vg_suggest_is_whole(const struct vg_catalog_column *column); /* of an integer type */
void vg_suggest_number(const struct vg_suggesting *at);
void vg_suggest_text(const struct vg_suggesting *at);
void vg_suggest_bool(const struct vg_suggesting *at);
void vg_suggest_time(const struct vg_suggesting *at);
/* Whether a limit was suggested that is in force. VG_E_MEMORY. */
int vg_suggest_drift(const struct vg_suggesting *at, bool *on, struct vg_error *err);
/* A condition on columns a and b, as a rule of the dataset. */
void vg_suggest_condition(const char *a, const char *b, const char *condition, const char *why,
                          struct vg_suggestions *list);
/* A number that is a part of the time column. */
void vg_suggest_clock(const struct vg_profile *profile, const struct vg_profile_column *column,
                      struct vg_suggestions *list);
/* Of the key, if it is one whole number. */
void vg_suggest_sequence(const struct vg_suggesting *at);
void vg_suggest_pairs(const struct vg_profile *profile, struct vg_suggestions *list);
void vg_suggest_table(const struct vg_profile *profile, struct vg_suggestions *list);

/* Upper end of the Wilson interval of a share, hits of n, z standard errors wide. */
double vg_suggest_wilson(uint64_t hits, uint64_t n, double z);
/* The next readable share at or above: 0.1 %, 0.2 %, 0.3 %, 0.5 %, 1 % ... 70 %; 1 above. */
double vg_suggest_share_up(double share);
double vg_suggest_share_down(double share); /* 0 below */
/* The next multiple of a readable step, about 1/20 of span, at or below, at or above. */
double vg_suggest_down(double x, double span);
double vg_suggest_up(double x, double span);
/* Two leading digits. */
uint64_t vg_suggest_count_down(double n);
uint64_t vg_suggest_count_up(double n);
/* The next of 1m 2m 5m ... 52w at or above. Returns out. */
char *vg_suggest_duration(int64_t us, char out[VG_DURATION_TEXT]);
/* "105,943" */
char *vg_suggest_commas(uint64_t n, char out[VG_COUNT_TEXT]);
/* "3 of 105,943" */
char *vg_suggest_of(uint64_t hits, uint64_t n, char out[2 * VG_COUNT_TEXT]);

/* A text as a scalar of YAML that reads back as this text; in quotes where it needs them. `value`:
 * dollar signs are doubled. */
void vg_suggest_put(struct vg_buf *out, const char *text, bool value);

#endif
