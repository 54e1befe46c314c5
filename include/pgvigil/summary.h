/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The summary of a set of rows: mergeable, bounded, serialisable, never rows; layer 1.
 *
 * Counts, minima, maxima, cells and HyperLogLog are identical in any split and order of the rows;
 * sums are compensated and agree within 1e-12 relative. Numbers are counted on the grid of the
 * reference on two levels: fine (for the window being judged, dropped after the commit) and coarse
 * (a subset of the thresholds, kept).
 */
#ifndef PGVIGIL_SUMMARY_H
#define PGVIGIL_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"
#include "pgvigil/catalog.h"
#include "pgvigil/error.h"
#include "pgvigil/mem.h"
#include "pgvigil/text.h"

enum {
    VG_COARSE = 200,
    VG_HLL_BITS = 12,
    VG_HLL_SIZE = 1 << VG_HLL_BITS,
    VG_HLL_SMALL_BITS = 10, /* of a segment: 1 kB, standard error 3.25 % */
    VG_TOP_EXACT = 10000,
    VG_TOP_LABEL = 200,
    VG_KEY_TEXT = 200
};

/* Thresholds q[0] < ... < q[n-1] (finite). They cut the line into 2n+1 cells:
 *   cell 2i is the open gap below q[i] (2n: above the last), cell 2i+1 the atom {q[i]}. */
struct vg_grid {
    uint64_t id; /* hash of thresholds and coarse subset, never 0: equal ids, equal grids */
    uint32_t n;
    bool exact; /* q are all distinct values of the reference */
    double *q;
    uint32_t ncoarse;
    uint32_t *coarse;            /* ascending indices into q; the coarse grid */
    struct vg_grid_index *index; /* of grid.c: speeds the search; NULL: plain binary search */
};
enum { VG_GRID_MAX = 65536 }; /* most thresholds of a grid */
/* A grid of owned copies. q must be finite and strictly ascending, n 1 .. VG_GRID_MAX, or it is a
 * BUG(). -0.0 becomes 0.0. All thresholds are coarse while they are at most VG_COARSE; else
 * VG_COARSE of them spread evenly. NULL when out of memory. */
struct vg_grid *vg_grid_new(const double *q, uint32_t n, bool exact);
/* With the coarse subset given instead of chosen evenly. */
struct vg_grid *vg_grid_new_coarse(const double *q, uint32_t n, bool exact, const uint32_t *coarse,
                                   uint32_t ncoarse);
void vg_grid_free(struct vg_grid *grid);
uint32_t vg_grid_cell(const struct vg_grid *grid, double x); /* the cell of a finite x */
/* Adds 1 to the cell of each of n finite values: vg_grid_cell() over an array, several at a time.
 */
void vg_grid_count(const struct vg_grid *grid, const double *x, size_t n, uint64_t *cells);
/* The cell of each of n finite values. */
void vg_grid_find(const struct vg_grid *grid, const double *x, size_t n, uint32_t *cells);
/* Chooses the coarse subset anew by the masses in the 2n+1 cells of a reference: for j = 1 .. 200
 * the threshold nearest to its j/201 quantile (nearest in mass), doubles dropped; all of them while
 * they are at most VG_COARSE; no change without any mass. Changes grid->id, so to be called before
 * anything is counted on it.
 * 0, or -1 when out of memory. */
int vg_grid_choose_coarse(struct vg_grid *grid, const uint64_t *cells);

/* An unevaluated sum hi + lo of two doubles, about 106 bits. */
struct vg_dd {
    double hi, lo;
};
struct vg_dd vg_dd_add(struct vg_dd a, struct vg_dd b);
struct vg_dd vg_dd_mul(struct vg_dd a, double b);

struct vg_quantiles; /* counts of numbers in cells that become coarser as they spread */
struct vg_top;       /* counts of the values of a category */
struct vg_pairs;     /* cross products of the ranks of columns */
struct vg_top_entry {
    const char *label; /* UTF-8, cut at VG_TOP_LABEL bytes */
    uint64_t hash;     /* of the whole value */
    uint64_t count;
};

struct vg_column_summary {
    char *name;
    enum vg_kind kind;
    uint64_t rows, nulls, nans, pinfs, ninfs; /* rows: all rows counted */
    uint64_t uncast;                          /* texts that are no value of the column's type */
    uint64_t zeros, negatives;                /* of numbers */
    double min, max;                          /* of finite values; meaningless without any */
    struct vg_dd sum, m2;                     /* sum of values, sum of squared deviations */
    uint64_t empties, length_sum;             /* of text, in characters */
    uint32_t length_min, length_max;
    const struct vg_grid *grid; /* borrowed; NULL: not counted in cells */
    uint64_t *fine;             /* 2 grid->n + 1 cells, or NULL */
    struct vg_dd *gaps;         /* per gap of the grid, grid->n + 1 of them: sum of the values'
                                 * distances from the threshold below it, of gap 0 from q[0]
                                 * (negative); kept as long as `fine`; or NULL */
    uint64_t *coarse;           /* 2 grid->ncoarse + 1 cells, or NULL */
    uint32_t coarse_cells;      /* length of coarse, also where grid is NULL */
    uint64_t grid_id;           /* of the cells; 0 without */
    uint8_t *hll;               /* 1 << hll_bits registers, or NULL */
    uint8_t hll_bits;
    struct vg_top *top;             /* or NULL */
    struct vg_quantiles *quantiles; /* of NUMBER and TIME, or NULL */
};

/* Rows that break a condition of one rule: how many, and a few of their keys. */
struct vg_predicate_summary {
    char *id; /* of the rule, "#warn" added for its warn bounds */
    uint64_t tested, offending;
    char **keys; /* the max_keys smallest by hash, NUL-terminated text, sorted by it */
    uint64_t *key_hashes;
    size_t nkeys, max_keys;
};

struct vg_summary {
    uint64_t rows;
    uint64_t null_times, infinite_times;
    struct vg_column_summary *columns;
    size_t ncolumns;
    struct vg_predicate_summary *predicates;
    size_t npredicates;
    struct vg_pairs *pairs; /* of ranks, summary_pairs.h; or NULL */
};

/* --- Building: what the tally does, batch by batch -------------------------------------------- */

enum { VG_PART_HLL = 1, VG_PART_TOP = 2, VG_PART_QUANTILE = 4, VG_PART_GAPS = 64 };
/* An empty summary of one column in place; the grid is borrowed, fine cells are allocated with it.
 * parts: bits above. 0, or VG_E_MEMORY. To be emptied by vg_column_clear(). */
int vg_column_init(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                   const struct vg_grid *grid, unsigned parts, struct vg_error *err) VG_MUST_CHECK;
/* What parts may take. vg_column_init() uses VG_HLL_BITS, VG_TOP_EXACT and VG_QUANTILE_CELLS. */
struct vg_part_sizes {
    unsigned parts;
    uint8_t hll_bits;
    uint32_t values; /* of a category that are counted exactly, at most VG_TOP_EXACT */
    uint32_t cells;  /* of quantiles, at most VG_QUANTILE_CELLS */
};
enum { VG_QUANTILE_CELLS = 4096, VG_QUANTILE_SMALL_CELLS = 120 };
int vg_column_init_sized(struct vg_column_summary *column, const char *name, enum vg_kind kind,
                         const struct vg_grid *grid, const struct vg_part_sizes *sizes,
                         struct vg_error *err) VG_MUST_CHECK;
void vg_column_clear(struct vg_column_summary *column);
/* Counts nrows rows of a batch's column (same kind). VG_E_MEMORY. */
int vg_column_count(struct vg_column_summary *column, const struct vg_column *rows, size_t nrows,
                    struct vg_error *err) VG_MUST_CHECK;
/* A zeroed summary with room for so many columns and predicates, each to be initialised in place by
 * the caller. NULL when out of memory. */
struct vg_summary *vg_summary_new(size_t ncolumns, size_t npredicates);
int vg_predicate_init(struct vg_predicate_summary *predicate, const char *id, bool warn,
                      size_t max_keys, struct vg_error *err) VG_MUST_CHECK;
/* The text of the cell of a TEXT column: as it is, a char(n) without its padding, a uuid as its 36
 * characters (then in `space`). */
struct vg_slice vg_text_cell(const struct vg_column *rows, size_t row, char space[36]);
/* Whether a key with this hash (vg_hash64 of its text) may be among the kept ones; and keeping it.
 * The same key twice is one key. */
bool vg_predicate_wants(const struct vg_predicate_summary *predicate, uint64_t key_hash);
int vg_predicate_add_key(struct vg_predicate_summary *predicate, uint64_t key_hash, const char *key,
                         struct vg_error *err) VG_MUST_CHECK;

/* --- Reading ---------------------------------------------------------------------------------- */

/* Statistics of one column; NAN where there are no finite values (sd: fewer than two), and where
 * sums of such large values could overflow in some order (so it is the same in every order). */
uint64_t vg_column_finite(const struct vg_column_summary *column);
double vg_column_mean(const struct vg_column_summary *column);
double vg_column_stddev(const struct vg_column_summary *column);
double vg_column_distinct(const struct vg_column_summary *column); /* HyperLogLog estimate */
/* How many distinct finite values, and between which numbers that lies: equal where it was counted
 * exactly, else three standard errors of the estimate. false: it was not counted. */
bool vg_column_distinct_bounds(const struct vg_column_summary *column, double *value, double *lo,
                               double *hi);
/* The q-quantile (0 .. 1) of the finite values, interpolated as percentile_cont() does it, lies
 * between *lo and *hi, equal where it is known exactly. Of fine cells and quantiles whichever holds
 * it closer. false: there are no finite values, or it was not counted. */
bool vg_column_quantile(const struct vg_column_summary *column, double q, double *lo, double *hi);
/* The share of rows that are null; NAN without rows. */
double vg_column_null_ratio(const struct vg_column_summary *column);
/* Sums the fine cells into coarse ones (allocates `coarse` where missing). 0, or -1 no memory. */
int vg_column_coarsen(struct vg_column_summary *column);
/* Takes out of a column what base windows are looked at for: its coarse cells and top values leave
 * it, plain counts and extremes are copied. So it would be read back from its blob, but without
 * distinct values and quantiles. To be freed with vg_column_free(). NULL when out of memory. */
struct vg_column_summary *vg_column_take(struct vg_column_summary *column) VG_MUST_CHECK;
/* Gives a column that was read its grid back. VG_E_INTERNAL when its cells are of another grid. */
int vg_column_attach(struct vg_column_summary *column, const struct vg_grid *grid,
                     struct vg_error *err) VG_MUST_CHECK;

const struct vg_column_summary *vg_summary_column(const struct vg_summary *summary,
                                                  const char *name);
const struct vg_predicate_summary *vg_summary_predicate(const struct vg_summary *summary,
                                                        const char *id);
/* Adds b to a: same name and kind, grids equal by id. What only one of them holds (fine cells, top
 * values, distinct) is dropped, as it would not cover all rows; coarse cells are made from fine
 * ones where needed. VG_E_INTERNAL on a mismatch (a is unchanged), VG_E_MEMORY (a is good for
 * freeing). */
int vg_column_merge(struct vg_column_summary *a, const struct vg_column_summary *b,
                    struct vg_error *err);
/* Adds b to a: same columns and predicates in the same order; errors as above. */
int vg_summary_merge(struct vg_summary *a, const struct vg_summary *b, struct vg_error *err);
void vg_summary_free(struct vg_summary *summary); /* and the struct itself; NULL is fine */

/* Categories: the n largest by count (ties by label) into out, borrowed from top; returns how many.
 * `sampled` is set when there were more values than may be kept, and only a hash sample was. */
size_t vg_top_largest(const struct vg_top *top, struct vg_top_entry *out, size_t n, bool *sampled);
uint64_t vg_top_count(const struct vg_top *top, const char *label, size_t len);
/* Of the value with this hash, as vg_top_entry has it. */
uint64_t vg_top_count_hash(const struct vg_top *top, uint64_t hash);
size_t vg_top_size(const struct vg_top *top); /* values kept */
/* All entries, in no order; out has room for vg_top_size(). */
void vg_top_all(const struct vg_top *top, struct vg_top_entry *out);
/* Keeps the order of vg_top_largest() until the counts change: for what is asked often, such as a
 * reference. 0, or -1 when out of memory. */
int vg_top_rank(struct vg_top *top);
bool vg_top_sampled(const struct vg_top *top);

/* Blobs: version byte, payload, XXH3 checksum. Fine cells are never written. `out` is appended to.
 * Reading checks everything and needs nothing else; grids are attached by the caller. */
int vg_column_write(const struct vg_column_summary *column, struct vg_buf *out,
                    struct vg_error *err);
int vg_column_read(const void *data, size_t size, struct vg_column_summary **out,
                   struct vg_error *err);
void vg_column_free(struct vg_column_summary *column);

/* The fine distribution of a reference column: its grid and the counts in the grid's cells. */
struct vg_distribution {
    struct vg_grid *grid; /* owned */
    uint64_t *cells;      /* 2 grid->n + 1, owned */
    uint64_t n;           /* sum of cells */
};
int vg_distribution_write(const struct vg_distribution *dist, struct vg_buf *out,
                          struct vg_error *err);
int vg_distribution_read(const void *data, size_t size, struct vg_distribution **out,
                         struct vg_error *err);
/* An owned copy of a column's grid and fine cells. VG_E_INTERNAL without fine cells, VG_E_MEMORY.
 */
int vg_distribution_of(const struct vg_column_summary *column, struct vg_distribution **out,
                       struct vg_error *err);
void vg_distribution_free(struct vg_distribution *dist);

/* A stored reference. Columns' distributions are loaded for the columns in use. */
struct vg_reference_column {
    const char *name;
    const char *type;
    enum vg_kind kind;
    bool not_null;
    bool computed;                   /* the rule file computed it */
    struct vg_distribution *fine;    /* numbers in use; NULL otherwise */
    struct vg_column_summary *total; /* coarse summary of the whole reference, or NULL */
    struct vg_grid *coarse;          /* what segments are counted on: the coarse thresholds of fine;
                                      * NULL: they are not */
};
struct vg_reference;
/* The rows of one segment in the reference. */
struct vg_reference_segment {
    const char *name;          /* "column=value" */
    struct vg_reference *view; /* columns counted on `coarse`, their only grid */
};
struct vg_reference {
    struct vg_arena *arena;
    int64_t version;
    int64_t from_us, to_us; /* VG_NEVER both for table, filter, capture */
    int64_t base_us;        /* length of its base windows, 0: one for all */
    int64_t captured_us;
    uint64_t rows;
    uint32_t resolution;
    const char *name;       /* of the dataset's references; NULL: "reference" */
    bool rolling;           /* one of many that follow each other */
    const char *stands_for; /* promoted: the spec of the file that it stands in for, or NULL */
    const char *given_by;   /* promoted: by whom, or NULL */
    const char *spec;       /* canonical text of what was captured */
    const char *structure;  /* of the table, as vg_catalog_write() wrote it; NULL: not kept */
    struct vg_reference_column *columns;
    size_t ncolumns; /* the fingerprint, in table order */
    struct vg_reference_segment *segments;
    size_t nsegments;       /* loaded with vg_store_reference_segments() */
    struct vg_pairs *pairs; /* loaded with vg_store_reference_pairs(); NULL: captured without */
};
const struct vg_reference_column *vg_reference_find(const struct vg_reference *reference,
                                                    const char *name);
/* The grid of segments of a column: the coarse thresholds of `fine`. NULL when out of memory. */
struct vg_grid *vg_grid_of_segments(const struct vg_grid *fine);
/* Makes `coarse` of all columns with a fine distribution. 0, or -1 when out of memory. */
int vg_reference_coarse(struct vg_reference *reference);
/* Of a segment of this name; NULL: the reference was captured without it. */
const struct vg_reference *vg_reference_segment(const struct vg_reference *reference,
                                                const char *name);
void vg_reference_free(struct vg_reference *reference);

#endif
