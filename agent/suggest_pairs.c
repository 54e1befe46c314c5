/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions across two columns that no row broke: texts of one set that are never equal, a boolean
 * that says on which side of a limit a number lies, a number that is part of a time. Pure. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/suggest_parts.h"

enum {
    ROWS_LEAST = 1000,
    SIDE_LEAST = 100,
    SET_MOST = 2000,
    DIGITS = 6,
    NAME_CUT = 45,
    YAML_MAX = 1 << 12
};

static void put_name(struct vg_buf *out, const char *name)
{
    for (size_t i = 0; name[i] && i < NAME_CUT; i++) {
        char c = name[i];
        bool fits =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        vg_buf_putc(out, fits ? c : '_');
    }
}

/* The condition in single quotes, where only those are doubled. Names with control characters are
 * left out. */
void vg_suggest_condition(const char *a, const char *b, const char *condition, const char *why,
                          struct vg_suggestions *list)
{
    struct vg_buf out;
    vg_buf_init(&out, YAML_MAX);
    vg_buf_puts(&out, "condition: {id: ");
    put_name(&out, a);
    vg_buf_putc(&out, '-');
    put_name(&out, b);
    vg_buf_puts(&out, ", holds: '");
    for (const char *c = condition; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            out.failed = true;
        vg_buf_printf(&out, "%s%c", *c == '\'' ? "'" : "", *c);
    }
    vg_buf_puts(&out, "'}");
    if (!out.failed)
        vg_suggest_add(list, NULL, false, why, "%s", out.data);
    vg_buf_free(&out);
}

/* Whether half of the smaller set's values are the other's too: then equality would be possible. */
static bool share_values(const struct vg_column_summary *a, const struct vg_column_summary *b,
                         struct vg_suggestions *list)
{
    bool sampled;
    if (!a->top || !b->top || vg_top_size(a->top) > SET_MOST || vg_top_size(b->top) > SET_MOST)
        return false;
    if (vg_top_size(a->top) > vg_top_size(b->top)) {
        const struct vg_column_summary *swap = a;
        a = b;
        b = swap;
    }
    struct vg_top_entry *entries =
        vg_arena_array(list->arena, vg_top_size(a->top) + 1, sizeof *entries);
    if (!entries) {
        list->failed = true;
        return false;
    }
    size_t n = vg_top_largest(a->top, entries, vg_top_size(a->top), &sampled), both = 0;
    for (size_t i = 0; i < n; i++)
        both += vg_top_count_hash(b->top, entries[i].hash) > 0;
    return n > 1 && 2 * both >= n;
}

static void suggest_unequal(const struct vg_profile *profile, const struct vg_profile_pair *pair,
                            struct vg_suggestions *list)
{
    const struct vg_profile_column *a = &profile->columns[pair->a], *b = &profile->columns[pair->b];
    char why[VG_WHY_TEXT], of[2 * VG_COUNT_TEXT];
    if (!a->total || !b->total || !share_values(a->total, b->total, list))
        return;
    const char *condition =
        vg_arena_printf(list->arena, "%s <> %s", a->column->quoted, b->column->quoted);
    snprintf(why, sizeof why, "values of one set, equal in %s rows",
             vg_suggest_of(0, pair->rows, of));
    if (condition)
        vg_suggest_condition(a->column->name, b->column->name, condition, why, list);
    list->failed |= !condition;
}

/* The limit of fewest digits in (below, from]; NAN: there is none. */
static double find_limit(double below, double from)
{
    double scale = 1;
    for (int digits = 0; digits <= DIGITS; digits++, scale *= 10) {
        double limit = floor(from * scale) / scale;
        if (limit > below && limit <= from)
            return limit;
    }
    return (double)NAN;
}

static void suggest_limit(const struct vg_profile *profile, const struct vg_profile_pair *pair,
                          struct vg_suggestions *list)
{
    const struct vg_catalog_column *flag = profile->columns[pair->a].column;
    const struct vg_catalog_column *number = profile->columns[pair->b].column;
    char why[VG_WHY_TEXT], a[VG_NUMBER_TEXT], b[VG_NUMBER_TEXT], rows[VG_COUNT_TEXT];
    double limit = find_limit(pair->below, pair->from);
    if (pair->trues < SIDE_LEAST || pair->rows - pair->trues < SIDE_LEAST || isnan(limit))
        return;
    snprintf(why, sizeof why, "false up to %s, true from %s, in all %s rows",
             vg_format_human(pair->below, 6, a), vg_format_human(pair->from, 6, b),
             vg_suggest_commas(pair->rows, rows));
    const char *condition = vg_arena_printf(list->arena, "%s = (%s >= %s)", flag->quoted,
                                            number->quoted, vg_format_human(limit, 12, a));
    if (condition)
        vg_suggest_condition(flag->name, number->name, condition, why, list);
    list->failed |= !condition;
}

void vg_suggest_pairs(const struct vg_profile *profile, struct vg_suggestions *list)
{
    for (size_t i = 0; i < profile->npairs; i++) {
        const struct vg_profile_pair *pair = &profile->pairs[i];
        const char *a = profile->columns[pair->a].column->name;
        const char *b = profile->columns[pair->b].column->name;
        bool hidden = vg_profile_is_key(profile, a) || vg_profile_is_key(profile, b) ||
                      vg_profile_sounds_private(a) || vg_profile_sounds_private(b);
        if (pair->broken || pair->rows < ROWS_LEAST || hidden)
            continue;
        if (pair->threshold)
            suggest_limit(profile, pair, list);
        else
            suggest_unequal(profile, pair, list);
    }
    for (size_t i = 0; i < profile->ncolumns; i++) {
        const struct vg_profile_column *column = &profile->columns[i];
        const char *name = column->column->name;
        if (!vg_profile_is_key(profile, name) && !vg_profile_sounds_private(name))
            vg_suggest_clock(profile, column, list);
    }
}
