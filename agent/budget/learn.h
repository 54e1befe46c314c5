/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What calibrating and testing share beyond the mathematics: the values of a category, a column
 * read into series, the part of a column; layer 3, pure. */
#ifndef PGVIGIL_AGENT_BUDGET_LEARN_H
#define PGVIGIL_AGENT_BUDGET_LEARN_H

#include "agent/budget/parts.h"

/* --- values.c: how often each value of a reference occurs, and the rule "new value" ----------- */

enum { VG_VALUES_MOST = 1 << 19 }; /* distinct values of a column that are counted */
struct vg_values;
struct vg_values *vg_values_new(void); /* NULL when out of memory */
void vg_values_free(struct vg_values *values);
/* Counts a value of a window; first: the window is of the reference's first half. 0, or -1 when
 * out of memory. Beyond VG_VALUES_MOST values new ones are dropped and `full` is set. */
int vg_values_add(struct vg_values *values, uint64_t hash, uint64_t count, bool first);
bool vg_values_full(const struct vg_values *values);
size_t vg_values_n(const struct vg_values *values);
double vg_values_rows(const struct vg_values *values);
/* The n most frequent (ties by hash), their hashes and counts; returns how many there are. */
size_t vg_values_largest(const struct vg_values *values, size_t n, uint64_t *hashes,
                         uint64_t *counts);
/* All hashes, ascending. */
void vg_values_hashes(const struct vg_values *values, uint64_t *out);
/* The rule "new value", had it learnt the first half: fed with the second half window by window,
 * the counts of the last `gap` windows together. */
struct vg_rehearsal;
struct vg_rehearsal *vg_rehearsal_new(struct vg_values *values, size_t gap);
void vg_rehearsal_free(struct vg_rehearsal *rehearsal);
/* Moves on to the next window with so many values; adds those of it, -1 out of memory; judges. */
void vg_rehearsal_begin(struct vg_rehearsal *rehearsal, double rows);
int vg_rehearsal_add(struct vg_rehearsal *rehearsal, uint64_t hash, uint64_t count);
void vg_rehearsal_end(struct vg_rehearsal *rehearsal);
uint32_t vg_rehearsal_reported(const struct vg_rehearsal *rehearsal);
/* Whether a new value with this count among so many rows is worth a report. */
bool vg_value_is_news(double count, double rows);

/* --- categories.c: the levels of a category --------------------------------------------------- */

/* Levels: the most frequent values, then the reference's others (where there are more), then the
 * unseen ones (unless none can be). Without `whole` the two are one: more values than are kept. */
struct vg_categories {
    size_t ntop;
    uint64_t hash[VG_BUDGET_TOP];
    char *label[VG_BUDGET_TOP]; /* NULL until seen */
    bool has_other, has_unseen, whole;
    size_t nvalues;
    uint64_t *values; /* ascending; of `whole` */
};
size_t vg_categories_levels(const struct vg_categories *categories);
enum vg_budget_value vg_categories_level(const struct vg_categories *categories, size_t level);
bool vg_categories_has(const struct vg_categories *categories, uint64_t hash);
/* Rows of a window that hold a value. */
double vg_summary_values(const struct vg_column_summary *summary);
/* Counts of the levels of a window into `counts`; their sum into *rows. LOOKED, NOT_COUNTED where
 * the window's values were not counted in full. 0, or -1 when out of memory. */
int vg_categories_count(const struct vg_categories *categories,
                        const struct vg_column_summary *summary, double *counts, double *rows,
                        enum vg_budget_look *look);
/* 1: all values of a window were counted and are in the reference; 0: not so, or it is not known;
 * -1 out of memory. */
int vg_categories_know(const struct vg_categories *categories,
                       const struct vg_column_summary *summary);
/* All entries of a top, on the heap; *sampled: not all values. NULL when out of memory. */
struct vg_top_entry *vg_top_entries(const struct vg_top *top, size_t *n, bool *sampled);

/* --- part.c, part_blob.c ---------------------------------------------------------------------- */

struct vg_budget_part {
    struct vg_arena *arena;
    struct vg_calendar calendar;
    bool uncalibrated;
    bool has[VG_BUDGET_KINDS];
    uint64_t grid_id;
    size_t ncells; /* coarse cells of numbers: 2k+1 */
    struct vg_fit_ks ks;
    const uint64_t *cells; /* of the whole reference, where uncalibrated */
    struct vg_fit_spread spread;
    struct vg_fit_counts levels, nulls;
    struct vg_categories categories;
};
/* Counts by slot, as they are stored: what fits are restored from. */
struct vg_slot_counts {
    size_t width;
    uint64_t *counts; /* nslots x width */
};
int vg_slot_counts_of(const struct vg_series *series, uint32_t nslots, struct vg_arena *arena,
                      struct vg_slot_counts *out);
/* Of rows below each place: width - 1 places make width cells. */
int vg_slot_cells_of(const struct vg_series *series, uint32_t nslots, struct vg_arena *arena,
                     struct vg_slot_counts *out);
/* From counts by slot: everything of a fit but its learnt factors. 0, or -1 out of memory. */
int vg_fit_ks_restore(const struct vg_basis *basis, const struct vg_slot_counts *counts,
                      struct vg_arena *arena, struct vg_fit_ks *out);
int vg_fit_counts_restore(const struct vg_basis *basis, const struct vg_slot_counts *counts,
                          struct vg_arena *arena, struct vg_fit_counts *out);
/* ks: counts in coarse cells; levels, nulls: counts per level. */
struct vg_part_counts {
    struct vg_slot_counts ks, levels, nulls;
};
int vg_budget_part_write(const struct vg_budget_part *part, const struct vg_part_counts *counts,
                         struct vg_buf *out, struct vg_error *err);

/* --- column.c: a column of the reference, read into series ------------------------------------ */

enum vg_feed_mode {
    VG_FEED_LOOK, /* everything but the counts of a category's levels */
    VG_FEED_COUNT /* with `categories` known */
};
/* The state of one visit. begin, visit, end; then the arrays are complete. */
struct vg_budget_feed {
    const struct vg_budget_task *task;
    const struct vg_budget_input *input;
    enum vg_feed_mode mode;
    const bool *struck; /* windows that count as empty, or NULL */
    struct vg_arena *arena;
    size_t next;    /* window */
    double counted; /* rows, and values once more */
    double *all;    /* rows of each window, for the null rate */
    double *nulls;  /* n x 2: present, null */
    bool any_null, any_present;
    double read, present; /* rows of all windows, struck ones too; those that are not null */
    struct vg_calendar_column calendar;
    double *values;   /* rows with a value */
    double *counts;   /* numbers: rows below each place; a category: its levels */
    uint64_t grid_id; /* of numbers */
    size_t width;
    double *m2;
    bool uncounted, crowded;
    struct vg_values *table;          /* LOOK of a category */
    struct vg_categories *categories; /* COUNT of a category */
    struct vg_rehearsal *rehearsal;   /* COUNT of a category, may be NULL */
};
int vg_feed_visit(struct vg_budget_feed *feed, size_t column, struct vg_error *err);
void vg_feed_end(struct vg_budget_feed *feed);

#endif
