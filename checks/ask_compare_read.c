/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the answers of a comparison mean. Pure. Keys of two connections are compared in buckets of
 * their hashes: where buckets differ, some keys do, at least as many as their counts differ, or one
 * on each side; a few keys among many are counted exactly so. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks/ask_compare.h"
#include "pgvigil/text.h"

/* Sums of reals depend on the order of the rows within this. */
static const double rounding = 1e-9;

enum { WHAT_TEXT = 100 };

/* A cell of one side: of its own answer, or of its half of the only one. */
static const char *find_total(const struct vg_evidence *evidence, bool theirs, size_t i)
{
    const struct vg_rows *rows = &evidence->answers[0];
    if (evidence->nanswers > 1)
        return vg_ask_cell(&evidence->answers[theirs], 0, i);
    return vg_ask_cell(rows, 0, (theirs ? rows->ncols / 2 : 0) + i);
}

static double read_total(const struct vg_evidence *evidence, bool theirs, size_t i)
{
    double out;
    const char *cell = find_total(evidence, theirs, i);
    return cell && vg_parse_double(cell, &out) == 0 ? out : NAN;
}

/* |a - b| / max(|a|, |b|); 0 for two zeros or two NULLs, 1 for one NULL; NAN where one is no finite
 * number: NaN and infinities differ from others by nothing that can be told. */
static double find_difference(const struct vg_evidence *evidence, size_t i)
{
    bool none = !find_total(evidence, false, i), none_there = !find_total(evidence, true, i);
    double a = read_total(evidence, false, i), b = read_total(evidence, true, i);
    if ((!none && isnan(a)) || (!none_there && isnan(b)))
        return NAN;
    if (none || none_there)
        return none != none_there;
    double largest = fmax(fabs(a), fabs(b));
    /* halves, so that the difference of the largest numbers is one too */
    return largest > 0 ? fabs(a / 2 - b / 2) / largest * 2 : 0;
}

static void say_not_finite(const char *what, struct vg_measure *measure)
{
    measure->look = VG_UNKNOWN;
    measure->value = measure->effect = NAN;
    snprintf(measure->why, sizeof measure->why, "%s: NaN or infinite on one side at least", what);
}

static void read_rows(const struct vg_evidence *evidence, struct vg_measure *measure)
{
    double ours = read_total(evidence, false, 0), theirs = read_total(evidence, true, 0);
    measure->value = measure->effect = find_difference(evidence, 0);
    measure->n_now = ours;
    measure->n_ref = theirs;
    if (isnan(measure->value))
        say_not_finite("the number of rows", measure);
    else
        snprintf(measure->why, sizeof measure->why, "%.0f rows here, %.0f there", ours, theirs);
}

static void read_sums(const struct vg_ask_compare *params, const struct vg_evidence *evidence,
                      struct vg_measure *measure)
{
    size_t worst = 0;
    measure->n_now = read_total(evidence, false, 0);
    measure->n_ref = read_total(evidence, true, 0);
    measure->value = 0;
    for (size_t i = 0; i < params->columns.n; i++) {
        double difference = find_difference(evidence, i + 1);
        if (isnan(difference)) {
            char what[WHAT_TEXT];
            snprintf(what, sizeof what, "the sum of %s", params->columns.items[i]);
            say_not_finite(what, measure);
            return;
        }
        difference = difference < rounding ? 0 : difference;
        worst = difference > measure->value ? i : worst;
        measure->value = fmax(measure->value, difference);
    }
    measure->effect = measure->value;
    if (measure->value > 0)
        snprintf(measure->why, sizeof measure->why, "the sums of %s differ most",
                 params->columns.items[worst]);
    else
        snprintf(measure->why, sizeof measure->why, "the sums of %zu column%s are equal",
                 params->columns.n, params->columns.n == 1 ? "" : "s");
}

/* --- keys --- */

static const char *const lacking[] = {[VG_ASK_EITHER] = "on one side only",
                                      [VG_ASK_THEIRS] = "missing there",
                                      [VG_ASK_OURS] = "missing here"};

static void read_keys(const struct vg_ask_compare *params, const struct vg_evidence *evidence,
                      struct vg_measure *measure)
{
    const struct vg_rows *rows = &evidence->answers[0];
    double n = vg_ask_number(rows, 0, 1), bad = vg_ask_number(rows, 0, 2);
    measure->n_now = n;
    if (n > 0)
        measure->value = measure->effect = bad / n;
    snprintf(measure->why, sizeof measure->why, "%.0f of %.0f keys %s", bad, n,
             lacking[params->missing]);
}

struct bucket {
    double n;
    const char *sum;
};

static void read_buckets(const struct vg_rows *rows, struct bucket *out)
{
    for (size_t row = 0; row < rows->nrows; row++) {
        double b = vg_ask_number(rows, row, 0);
        if (b >= 0 && b < VG_ASK_BUCKETS)
            out[(size_t)b] =
                (struct bucket){vg_ask_number(rows, row, 1), vg_ask_cell(rows, row, 2)};
    }
}

/* Least numbers of keys on one side only: *ours that are missing there, *theirs here. */
static void count_lone(const struct bucket *a, const struct bucket *b, double *ours, double *theirs)
{
    for (size_t i = 0; i < VG_ASK_BUCKETS; i++) {
        double more = a[i].n - b[i].n;
        bool same = more == 0 && vg_streq(a[i].sum, b[i].sum);
        *ours += same ? 0 : fmax(more, more == 0);
        *theirs += same ? 0 : fmax(-more, more == 0);
    }
}

static int read_hashes(const struct vg_ask_compare *params, const struct vg_evidence *evidence,
                       struct vg_arena *arena, struct vg_measure *measure, struct vg_error *err)
{
    struct bucket *a = vg_arena_array(arena, VG_ASK_BUCKETS, sizeof *a);
    struct bucket *b = vg_arena_array(arena, VG_ASK_BUCKETS, sizeof *b);
    double ours = 0, theirs = 0, n = 0;
    if (!a || !b)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    read_buckets(&evidence->answers[0], a);
    read_buckets(&evidence->answers[1], b);
    count_lone(a, b, &ours, &theirs);
    for (size_t i = 0; i < VG_ASK_BUCKETS; i++)
        n += a[i].n;
    n += theirs; /* keys of both sides together */
    double bad = (params->missing != VG_ASK_OURS ? ours : 0) +
                 (params->missing != VG_ASK_THEIRS ? theirs : 0);
    measure->n_now = n;
    if (n > 0)
        measure->value = measure->effect = bad / n;
    snprintf(measure->why, sizeof measure->why,
             "%s%.0f of %.0f keys %s, by hashes on two connections", bad > 0 ? "at least " : "",
             bad, n, lacking[params->missing]);
    return 0;
}

/* --- values --- */

/* The keys of the sample that the places in the answer mean. */
static int take_sampled_keys(const struct vg_evidence *evidence, struct vg_arena *arena,
                             struct vg_measure *measure, struct vg_error *err)
{
    const struct vg_rows *sample = &evidence->answers[0], *rows = &evidence->answers[1];
    const char **keys = vg_arena_array(arena, rows->nrows, sizeof *keys);
    size_t n = 0;
    if (!keys)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t row = 1; row < rows->nrows; row++) {
        double place = vg_ask_number(rows, row, 4);
        const char *key = place >= 1 ? vg_ask_cell(sample, (size_t)place, 1) : NULL;
        if (key)
            keys[n++] = key;
    }
    measure->keys = n ? keys : NULL;
    measure->nkeys = n;
    return 0;
}

static void read_values(const struct vg_ask_compare *params, const struct vg_rows *rows,
                        bool sampled, struct vg_measure *measure)
{
    double n = vg_ask_number(rows, 0, 1), bad = vg_ask_number(rows, 0, 2), most = 0;
    const char *worst = NULL;
    for (size_t i = 0; i < params->columns.n; i++) {
        double differ = vg_ask_number(rows, 0, 5 + i);
        worst = differ > most ? params->columns.items[i] : worst;
        most = fmax(most, differ);
    }
    measure->n_now = n;
    if (n > 0)
        measure->value = measure->effect = bad / n;
    int used = snprintf(measure->why, sizeof measure->why, "%.0f of %.0f%s keys of both differ",
                        bad, n, sampled ? " sampled" : "");
    if (worst)
        snprintf(measure->why + used, sizeof measure->why - (size_t)used, ", most in %s (%.0f)",
                 worst, most);
}

int vg_ask_compare_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                           struct vg_measures *measures, struct vg_error *err)
{
    const struct vg_ask_compare *params = rule->params;
    bool elsewhere = vg_ask_compare_elsewhere(rule);
    struct vg_measure *measure = vg_measure_add(measures, rule);
    static const struct vg_rows nothing;
    const struct vg_rows *last =
        elsewhere && evidence->nanswers < 2 ? &nothing : &evidence->answers[evidence->nanswers - 1];
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (params->what == VG_ASK_ROWS)
        read_rows(evidence, measure);
    else if (params->what == VG_ASK_SUMS)
        read_sums(params, evidence, measure);
    else if (params->what == VG_ASK_KEYS && elsewhere)
        return read_hashes(params, evidence, measures->arena, measure, err);
    else if (params->what == VG_ASK_KEYS)
        read_keys(params, evidence, measure);
    else if (last == &nothing)
        measure->n_now = 0; /* a sample of no rows */
    else
        read_values(params, last, elsewhere, measure);
    bool keyed = params->what == VG_ASK_KEYS || params->what == VG_ASK_VALUES;
    if (!keyed || last == &nothing)
        return 0;
    return elsewhere ? take_sampled_keys(evidence, measures->arena, measure, err)
                     : vg_ask_take_keys(last, 4, measures->arena, measure, err);
}
