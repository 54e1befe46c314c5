/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of texts, booleans and times: sets of values, formats, lengths, shares. Pure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/suggest_parts.h"

enum { FEW = 30, OFTEN = 10, FORMAT_LEAST = 100, LIST_MAX = 16000, CODE_MAX = 40 };
static const double novel_most = 0.02, top_limit_most = 0.7;

static bool is_plain_text(const struct vg_catalog_column *column)
{
    return strcmp(column->type, "uuid") != 0;
}

/* --- Sets of values --------------------------------------------------------------------------- */

static void put_list(const struct vg_top_entry *entries, size_t n, struct vg_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        vg_buf_puts(out, i ? ", " : "");
        vg_suggest_put(out, entries[i].label, true);
    }
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct vg_top_entry *)a)->label, ((const struct vg_top_entry *)b)->label);
}

/* Long labels are cut and damaged ones mended: they are not the value. */
static bool is_listable(const struct vg_top_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (entries[i].count < OFTEN || strlen(entries[i].label) >= VG_TOP_LABEL - 4 ||
            strstr(entries[i].label, "\xef\xbf\xbd"))
            return false;
    }
    return n > 0;
}

/* Far more rows with one value than ever before: one of them swallows the others. */
static void suggest_top(const struct vg_suggesting *at)
{
    const struct vg_profile_column *column = at->column;
    char why[VG_WHY_TEXT];
    double limit = vg_suggest_share_up(1.4 * column->top_most + 0.02);
    uint64_t half = vg_suggest_count_down((double)vg_profile_median(at->profile) / 2);
    unsigned long long rows = half > VG_PROFILE_LEAST ? half : VG_PROFILE_LEAST;
    if (column->windows < 3 || !(column->top_most > 0) || limit > top_limit_most)
        return;
    snprintf(why, sizeof why, "at most %.2g %% of a window's rows had the same value",
             column->top_most * 100);
    vg_suggest_add(at->list, column->column->name, false, why,
                   "constant: {fail: %g%%, min_rows: %llu}", limit * 100, rows);
}

static void suggest_least_distinct(const struct vg_suggesting *at, size_t n, uint64_t rarest)
{
    const struct vg_profile_column *column = at->column;
    char why[VG_WHY_TEXT];
    if (column->windows < 3 || !(column->distinct_least >= 2))
        return;
    /* All must be there where the rarest is expected often enough in the smallest window. */
    double expected = (double)rarest / (double)(column->windows + 1);
    bool all = column->distinct_least >= (double)n && expected >= 20;
    double least = all ? (double)n : fmax(2, floor(column->distinct_least / 2));
    snprintf(why, sizeof why, "each of %zu windows had %.0f values or more", column->windows,
             floor(column->distinct_least));
    vg_suggest_add(at->list, column->column->name, false, why,
                   "distinct: {min: %.0f, min_rows: %d}", least, VG_PROFILE_LEAST);
}

static bool suggest_allowed(const struct vg_suggesting *at)
{
    const struct vg_column_summary *total = at->column->total;
    struct vg_top_entry entries[FEW];
    char why[VG_WHY_TEXT], rows[VG_COUNT_TEXT];
    bool sampled;
    if (!total->top || vg_top_size(total->top) > FEW)
        return false;
    size_t n = vg_top_largest(total->top, entries, FEW, &sampled);
    if (sampled || !is_listable(entries, n))
        return false;
    uint64_t rarest = entries[n - 1].count;
    qsort(entries, n, sizeof *entries, compare_labels);
    struct vg_buf list;
    vg_buf_init(&list, LIST_MAX);
    put_list(entries, n, &list);
    snprintf(why, sizeof why, "%s of %s rows", n == 1 ? "the only value" : "the values",
             vg_suggest_commas(vg_column_finite(total), rows));
    if (!list.failed)
        vg_suggest_add(at->list, at->column->column->name, false, why, "allowed: [%s]", list.data);
    vg_buf_free(&list);
    suggest_least_distinct(at, n, rarest);
    suggest_top(at);
    return true;
}

static void suggest_categories(const struct vg_suggesting *at)
{
    const struct vg_profile_column *column = at->column;
    char why[VG_WHY_TEXT];
    double value, lo, hi;
    if (!column->total->top || !vg_column_distinct_bounds(column->total, &value, &lo, &hi))
        return;
    bool off = !column->novel_known || column->novel > novel_most || !at->profile->time;
    double limit = fmax(0.02, vg_suggest_share_up(3 * column->novel));
    if (column->novel_known)
        snprintf(why, sizeof why,
                 "%.0f values; at most %.2g %% of a later window's rows had one not seen before",
                 value, column->novel * 100);
    else
        snprintf(why, sizeof why, "%.0f values", value);
    if (column->vanishes || !column->novel_known)
        vg_suggest_add(at->list, column->column->name, off, why, "categories: %g%%", limit * 100);
    else
        vg_suggest_add(at->list, column->column->name, off, why,
                       "categories: {fail: %g%%, missing: 1%%}", limit * 100);
    suggest_least_distinct(at, SIZE_MAX, 0);
    suggest_top(at);
}

/* --- How texts look --------------------------------------------------------------------------- */

static const char *find_class(unsigned sorts)
{
    static const char *const classes[] = {NULL,  "A-Z",    "a-z",    "A-Za-z",
                                          "0-9", "A-Z0-9", "a-z0-9", "A-Za-z0-9"};
    return sorts < VG_PROFILE_REST ? classes[sorts] : NULL;
}

/* Texts of one length are codes; each text has it, so none is empty. */
static bool suggest_code(const struct vg_suggesting *at)
{
    const struct vg_column_summary *total = at->column->total;
    const char *class = find_class(at->column->text.sorts), *name = at->column->column->name;
    char why[VG_WHY_TEXT], rows[VG_COUNT_TEXT];
    unsigned length = total->length_min;
    if (length != total->length_max || !length || length > CODE_MAX)
        return false;
    snprintf(why, sizeof why, "all %s texts", vg_suggest_commas(vg_column_finite(total), rows));
    vg_suggest_add(at->list, name, false, why, "length: {min: %u, max: %u}", length, length);
    if (class)
        vg_suggest_add(at->list, name, false, why, "pattern: \"^[%s]{%u}$\"", class, length);
    return true;
}

static void suggest_free_text(const struct vg_suggesting *at)
{
    const struct vg_column_summary *total = at->column->total;
    const char *name = at->column->column->name;
    char why[VG_WHY_TEXT], of[2 * VG_COUNT_TEXT];
    uint64_t n = vg_column_finite(total);
    snprintf(why, sizeof why, "%s texts are blank", vg_suggest_of(at->column->text.blank, n, of));
    if (!at->column->text.blank)
        vg_suggest_add(at->list, name, n < 1000, why, "blank: 0");
    snprintf(why, sizeof why, "seen %u .. %u characters", total->length_min, total->length_max);
    vg_suggest_add(at->list, name, n < 1000, why, "length: {max: %llu}",
                   (unsigned long long)vg_suggest_count_up(2.0 * total->length_max));
}

void vg_suggest_text(const struct vg_suggesting *at)
{
    const struct vg_column_summary *total = at->column->total;
    const char *format = vg_profile_text_format(&at->column->text);
    char why[VG_WHY_TEXT], rows[VG_COUNT_TEXT];
    uint64_t n = vg_column_finite(total);
    if (!n || !is_plain_text(at->column->column) ||
        (!at->is_key && !at->hides && suggest_allowed(at)))
        return;
    if (!at->is_key && !at->hides)
        suggest_categories(at);
    bool coded = suggest_code(at);
    if (format && n >= FORMAT_LEAST && !(coded && find_class(at->column->text.sorts))) {
        snprintf(why, sizeof why, "all %s texts", vg_suggest_commas(n, rows));
        vg_suggest_add(at->list, at->column->column->name, false, why, "format: %s", format);
    } else if (!coded) {
        suggest_free_text(at);
    }
}

/* --- Booleans and times ----------------------------------------------------------------------- */

void vg_suggest_bool(const struct vg_suggesting *at)
{
    const struct vg_profile_share *trues = &at->column->trues;
    const char *name = at->column->column->name;
    char why[VG_WHY_TEXT];
    if (at->is_key || at->hides || !trues->windows)
        return;
    snprintf(why, sizeof why, "true in %.2g %% .. %.2g %% of the rows of %zu window%s",
             trues->least * 100, trues->most * 100, trues->windows, trues->windows == 1 ? "" : "s");
    uint64_t half = vg_suggest_count_down((double)vg_profile_median(at->profile) / 2);
    unsigned long long rows = half > VG_PROFILE_LEAST ? half : VG_PROFILE_LEAST;
    double min = vg_suggest_share_down(trues->least / 2);
    double max = 1 - vg_suggest_share_down((1 - trues->most) / 2);
    char bounds[80] = "";
    if (min > 0)
        snprintf(bounds, sizeof bounds, ", min: %g%%", min * 100);
    if (max < 1)
        snprintf(bounds + strlen(bounds), sizeof bounds - strlen(bounds), ", max: %g%%", max * 100);
    if (*bounds)
        vg_suggest_add(at->list, name, trues->windows < 3, why,
                       "share: {value: \"true\"%s, min_rows: %llu}", bounds, rows);
    if (!at->column->single && !(min > 0 && max < 1))
        vg_suggest_add(at->list, name, trues->windows < 3, "never all the same in a window",
                       "constant: {min_rows: %d}", VG_PROFILE_LEAST);
}

void vg_suggest_time(const struct vg_suggesting *at)
{
    const struct vg_column_summary *total = at->column->total;
    char why[VG_WHY_TEXT], of[2 * VG_COUNT_TEXT];
    if (!vg_column_finite(total) || at->column->column == at->profile->time)
        return;
    snprintf(why, sizeof why, "%s times are later than their window",
             vg_suggest_of(at->column->ahead, vg_column_finite(total), of));
    vg_suggest_add(at->list, at->column->column->name, at->column->ahead > 0, why, "future: 0");
}
