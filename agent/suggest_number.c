/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of numbers: bounds, lists of few values, zeros, how many values there are. Pure. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/suggest_parts.h"
#include "pgvigil/sort.h"

enum { OFTEN = 10, DISTINCT_LEAST = 20, STUCK_LEAST = 100, WINDOWS_LEAST = 5, LIST_MAX = 4000 };

/* What few values are like. */
struct few {
    double sorted[VG_PROFILE_FEW];
    size_t n;
    /* Whole numbers; hardly one left out, and the ends seen often; each seen often. */
    bool whole, dense, often;
};

static void look_at_few(const struct vg_profile_column *column, struct few *few)
{
    few->n = column->nfew;
    few->whole = few->often = true;
    for (size_t i = 0; i < few->n; i++) {
        few->sorted[i] = column->few[i];
        few->whole &= column->few[i] == floor(column->few[i]);
        few->often &= column->few_rows[i] >= OFTEN;
    }
    vg_sort_doubles(few->sorted, few->n);
    double span = few->n ? few->sorted[few->n - 1] - few->sorted[0] + 1 : 0;
    few->dense = few->whole && few->n > 2 && (double)few->n >= 0.75 * span;
    for (size_t i = 0; i < few->n; i++) {
        bool end = column->few[i] == few->sorted[0] || column->few[i] == few->sorted[few->n - 1];
        few->dense &= !end || column->few_rows[i] >= OFTEN;
    }
}

static void suggest_list(const struct vg_suggesting *at, const struct few *few)
{
    const struct vg_column_summary *total = at->column->total;
    struct vg_buf list;
    char number[VG_NUMBER_TEXT], why[VG_WHY_TEXT], rows[VG_COUNT_TEXT];
    vg_buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < few->n; i++)
        vg_buf_printf(&list, "%s%s", i ? ", " : "", vg_format_double(few->sorted[i], number));
    vg_buf_printf(&list, "%s%s%s", total->nans ? ", NaN" : "", total->pinfs ? ", Infinity" : "",
                  total->ninfs ? ", -Infinity" : "");
    snprintf(why, sizeof why, "the %zu values of %s rows", few->n,
             vg_suggest_commas(vg_column_finite(at->column->total), rows));
    if (!list.failed)
        vg_suggest_add(at->list, at->column->column->name, !few->often || few->n < 2, why,
                       "allowed: [%s]", list.data);
    vg_buf_free(&list);
}

/* Of a bound only as many digits as it takes, but those that keep it on its side. */
static const char *put_bound(double bound, bool upper, char out[VG_NUMBER_TEXT])
{
    double shown;
    vg_format_human(bound, 12, out);
    if (vg_parse_double(out, &shown) < 0 || (upper ? shown < bound : shown > bound))
        vg_format_double(bound, out);
    return out;
}

/* NaN and infinities lie outside whatever the bounds: as many as there were may stay. */
static void suggest_range(const struct vg_suggesting *at, double lo, double hi, bool off,
                          const char *more)
{
    const struct vg_column_summary *total = at->column->total;
    const struct vg_profile_share *odd = &at->column->odd;
    char a[VG_NUMBER_TEXT], b[VG_NUMBER_TEXT], why[VG_WHY_TEXT], fail[60] = "";
    char of[2 * VG_COUNT_TEXT];
    int used = snprintf(why, sizeof why, "seen %s .. %s%s", vg_format_human(total->min, 6, a),
                        vg_format_human(total->max, 6, b), more);
    if (total->nans + total->pinfs + total->ninfs > 0) {
        double limit = vg_suggest_share_up(vg_suggest_wilson(odd->hits, odd->rows, 3));
        snprintf(fail, sizeof fail, ", fail: %g%%, min_rows: %d", limit * 100, VG_PROFILE_LEAST);
        snprintf(why + used, sizeof why - (size_t)used, "; NaN or infinite in at most %s rows",
                 vg_suggest_of(odd->hits, odd->rows, of));
        off = off || !odd->windows || limit > 0.3;
    }
    vg_suggest_add(at->list, at->column->column->name, off, why, "range: {min: %s, max: %s%s}",
                   put_bound(lo, false, a), put_bound(hi, true, b), fail);
}

/* Beyond the values seen as much as the rarest hundredth is spread, a quarter of the middle 98 % or
 * a tenth of all, whichever is most; never across 0 or 1 where nothing lies beyond. */
static void suggest_wide_range(const struct vg_suggesting *at, bool off)
{
    const struct vg_column_summary *total = at->column->total;
    double low, high, ignored;
    if (!vg_column_quantile(total, 0.01, &low, &ignored) ||
        !vg_column_quantile(total, 0.99, &ignored, &high))
        return;
    double more = fmax(0.25 * (high - low), 0.1 * (total->max - total->min));
    double less = fmax(more, low - total->min);
    more = fmax(more, total->max - high);
    double span = total->max - total->min + less + more;
    double lo = vg_suggest_down(total->min - less, span);
    double hi = vg_suggest_up(total->max + more, span);
    if (total->min >= 0 && lo < 0)
        lo = 0;
    if (total->max <= 0 && hi > 0)
        hi = 0;
    if (total->max <= 1 && hi > 1)
        hi = 1;
    char a[VG_NUMBER_TEXT], b[VG_NUMBER_TEXT], text[VG_WHY_TEXT];
    snprintf(text, sizeof text, ", 98 %% of them %s .. %s", vg_format_human(low, 4, a),
             vg_format_human(high, 4, b));
    suggest_range(at, lo, hi, off, text);
}

static void suggest_bounds(const struct vg_suggesting *at)
{
    const struct vg_profile_column *column = at->column;
    struct few few = {.n = 0};
    if (column->nfew > VG_PROFILE_FEW) {
        suggest_wide_range(at, false);
        return;
    }
    look_at_few(column, &few);
    if (few.dense)
        suggest_range(at, few.sorted[0], few.sorted[few.n - 1], false, ", and both often");
    else if (few.often || few.n < 2)
        suggest_list(at, &few);
    else
        suggest_wide_range(at, false);
}

static void suggest_zeros(const struct vg_suggesting *at)
{
    const struct vg_profile_column *column = at->column;
    const struct vg_column_summary *total = column->total;
    char why[VG_WHY_TEXT], of[2 * VG_COUNT_TEXT];
    uint64_t n = vg_column_finite(total);
    if (column->nfew <= VG_PROFILE_FEW || n < 1000 || !column->zeros.windows)
        return;
    if (!total->zeros) {
        snprintf(why, sizeof why, "%s numbers are 0", vg_suggest_of(0, n, of));
        bool far = total->min >= 1 || total->max <= -1; /* a share may come to 0 */
        vg_suggest_add(at->list, column->column->name, false, why, far ? "zero: 0" : "zero: 1%%");
        return;
    }
    double limit =
        vg_suggest_share_up(1.5 * vg_suggest_wilson(column->zeros.hits, column->zeros.rows, 3));
    if (limit > 0.3)
        return;
    snprintf(why, sizeof why, "0 in at most %s rows of a window",
             vg_suggest_of(column->zeros.hits, column->zeros.rows, of));
    vg_suggest_add(at->list, column->column->name, false, why, "zero: {fail: %g%%, min_rows: %d}",
                   limit * 100, VG_PROFILE_LEAST);
}

/* Half of the fewest: a feed that repeats itself or was rounded has far fewer. */
static void suggest_distinct(const struct vg_suggesting *at, bool drifts)
{
    const struct vg_profile_column *column = at->column;
    char why[VG_WHY_TEXT];
    if (!column->windows)
        return;
    if (column->distinct_least >= DISTINCT_LEAST) {
        uint64_t least = vg_suggest_count_down(column->distinct_least / 2);
        snprintf(why, sizeof why, "each of %zu window%s had %.0f values or more", column->windows,
                 column->windows == 1 ? "" : "s", floor(column->distinct_least));
        vg_suggest_add(at->list, column->column->name, false, why,
                       "distinct: {min: %llu, min_rows: %d}", (unsigned long long)least,
                       VG_PROFILE_LEAST);
    } else if (!drifts && !column->single) {
        snprintf(why, sizeof why, "in none of %zu windows were all values the same",
                 column->windows);
        vg_suggest_add(at->list, column->column->name, false, why, "constant: {min_rows: %d}",
                       VG_PROFILE_LEAST);
    }
}

/* A quarter or half of how far it varied beyond what was seen, at most half and double: finds
 * extremes and heavy tails that D hardly sees. */
static void suggest_stddev(const struct vg_suggesting *at)
{
    const struct vg_profile_share *spread = &at->column->stddev;
    char a[VG_NUMBER_TEXT], b[VG_NUMBER_TEXT], why[VG_WHY_TEXT];
    if (spread->windows < WINDOWS_LEAST || at->column->nfew <= VG_PROFILE_FEW ||
        !(spread->least > 0) || !isfinite(spread->most))
        return;
    snprintf(why, sizeof why, "%s .. %s in %zu windows", vg_format_human(spread->least, 3, a),
             vg_format_human(spread->most, 3, b), spread->windows);
    double varied = (spread->most - spread->least) / 2;
    double lo = fmax(spread->least / 2, spread->least - fmax(spread->least / 4, varied));
    double hi = fmin(2 * spread->most, spread->most + fmax(spread->most / 4, varied));
    double min = vg_suggest_down(lo, lo), max = vg_suggest_up(hi, hi);
    vg_suggest_add(at->list, at->column->column->name, false, why,
                   "stddev: {min: %s, max: %s, min_rows: %d}", vg_format_human(min, 12, a),
                   vg_format_human(max, 12, b), VG_PROFILE_DRIFT_LEAST);
}

bool vg_suggest_is_whole(const struct vg_catalog_column *column)
{
    static const char *const types[] = {"smallint", "integer", "bigint"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (vg_streq(column->base_type ? column->base_type : column->type, types[i]))
            return true;
    }
    return false;
}

/* Many values with fractions are never the very same twice by chance; whole ones may be those of a
 * timetable. */
static void suggest_stuck(const struct vg_suggesting *at)
{
    char why[VG_WHY_TEXT];
    if (!at->profile->time || at->column->windows < WINDOWS_LEAST ||
        !(at->column->distinct_least >= STUCK_LEAST) || vg_suggest_is_whole(at->column->column))
        return;
    snprintf(why, sizeof why, "with %.0f values or more no window is like the one before",
             floor(at->column->distinct_least));
    vg_suggest_add(at->list, at->column->column->name, false, why, "stuck: 2");
}

static bool is_number_of_a_thing(const struct vg_suggesting *at)
{
    const char *name = at->column->column->name;
    size_t n = strlen(name);
    return at->column->rises || !strcmp(name, "id") || (n > 3 && !strcmp(name + n - 3, "_id"));
}

void vg_suggest_number(const struct vg_suggesting *at)
{
    const struct vg_profile_column *column = at->column;
    struct vg_error ignored;
    bool drifts = false;
    if (!vg_column_finite(column->total) || at->is_key || at->hides)
        return;
    if (is_number_of_a_thing(at)) {
        suggest_wide_range(at, true);
        vg_suggest_add(at->list, column->column->name, true,
                       column->rises ? "it only rises: compared with the past it always drifts"
                                     : "by its name the number of a thing, not a measure",
                       "drift: {ks: 0.3}");
        return;
    }
    suggest_bounds(at);
    suggest_zeros(at);
    if (vg_suggest_drift(at, &drifts, &ignored) < 0)
        at->list->failed = true;
    suggest_stddev(at);
    suggest_distinct(at, drifts);
    suggest_stuck(at);
}
