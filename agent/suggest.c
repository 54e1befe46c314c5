/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a profile to suggestions, column by column. Pure. */
#include "agent/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/suggest_parts.h"

enum { YAML_MAX = 1 << 16, NULLS_SURE = 1000 };

void vg_suggest_add(struct vg_suggestions *list, const char *column, bool off, const char *why,
                    const char *fmt, ...)
{
    struct vg_buf text;
    va_list ap;
    if (list->n == list->size) {
        size_t size = list->size ? 2 * list->size : 64;
        struct vg_suggestion *items = vg_arena_array(list->arena, size, sizeof *items);
        if (items && list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->size = items ? size : 0;
        list->n = items ? list->n : 0;
    }
    vg_buf_init(&text, YAML_MAX);
    va_start(ap, fmt);
    vg_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    struct vg_suggestion made = {
        .column = column,
        .yaml = text.failed ? NULL : vg_arena_strdup(list->arena, text.data),
        .why = vg_arena_strdup(list->arena, why),
        .off = off,
    };
    vg_buf_free(&text);
    list->failed |= !list->items || !made.yaml || (why && !made.why);
    if (list->items && made.yaml)
        list->items[list->n++] = made;
}

/* --- Nulls ------------------------------------------------------------------------------------ */

static void suggest_no_nulls(const struct vg_suggesting *at)
{
    const struct vg_catalog_column *column = at->column->column;
    char why[VG_WHY_TEXT], of[2 * VG_COUNT_TEXT];
    uint64_t rows = at->column->total->rows;
    snprintf(why, sizeof why, "%s%s rows null", column->not_null ? "NOT NULL; " : "",
             vg_suggest_of(0, rows, of));
    if (column->not_null || rows >= NULLS_SURE)
        vg_suggest_add(at->list, column->name, false, why, "nulls: 0");
    else
        vg_suggest_add(at->list, column->name, false, why, "nulls: %g%%",
                       vg_suggest_share_up(vg_suggest_wilson(0, rows, 2)) * 100);
}

void vg_suggest_nulls(const struct vg_suggesting *at)
{
    const struct vg_column_summary *total = at->column->total;
    const struct vg_profile_share *share = &at->column->nulls;
    const char *name = at->column->column->name;
    char why[VG_WHY_TEXT], all[2 * VG_COUNT_TEXT], worst[2 * VG_COUNT_TEXT];
    if (!total->nulls) {
        suggest_no_nulls(at);
        return;
    }
    uint64_t hits = share->windows ? share->hits : total->nulls;
    uint64_t rows = share->windows ? share->rows : total->rows;
    double limit = vg_suggest_share_up(3 * vg_suggest_wilson(hits, rows, 3));
    snprintf(why, sizeof why, "%s rows null, %s in the worst window",
             vg_suggest_of(total->nulls, total->rows, all), vg_suggest_of(hits, rows, worst));
    if (limit >= 1)
        vg_suggest_add(at->list, name, true, why, "nulls: 100%%");
    else if (share->windows && share->windows < at->profile->nwindows)
        vg_suggest_add(at->list, name, false, why, "nulls: {fail: %g%%, min_rows: %d}", limit * 100,
                       VG_PROFILE_LEAST);
    else
        vg_suggest_add(at->list, name, false, why, "nulls: %g%%", limit * 100);
}

/* --- Columns ---------------------------------------------------------------------------------- */

static void suggest_key(const struct vg_suggesting *at)
{
    if (at->is_key && at->profile->nkey == 1)
        vg_suggest_add(at->list, at->column->column->name, false, at->profile->key_why,
                       "unique: 0");
    if (at->is_key && at->profile->nkey == 1 && vg_suggest_is_whole(at->column->column))
        vg_suggest_sequence(at);
}

static bool hides_values(const struct vg_profile_column *column)
{
    static const char *const private[] = {"email", "phone", "iban", "ip", "ipv4", "ipv6"};
    const char *format = vg_profile_text_format(&column->text);
    if (vg_profile_sounds_private(column->column->name))
        return true;
    if (column->column->kind != VG_KIND_TEXT || !vg_column_finite(column->total))
        return false;
    for (size_t i = 0; i < sizeof private / sizeof *private; i++) {
        if (vg_streq(format, private[i]))
            return true;
    }
    return false;
}

static void suggest_column(const struct vg_suggesting *at)
{
    const struct vg_catalog_column *column = at->column->column;
    struct vg_buf type;
    vg_buf_init(&type, YAML_MAX);
    vg_suggest_put(&type, column->type, true);
    vg_suggest_add(at->list, column->name, false, NULL, "type: %s", type.data);
    at->list->failed |= type.failed;
    vg_buf_free(&type);
    if (at->hides && !at->is_key)
        vg_suggest_add(at->list, column->name, false, "by its name or its texts", "private: true");
    if (column != at->profile->time)
        vg_suggest_nulls(at);
    suggest_key(at);
    switch (column->kind) {
    case VG_KIND_NUMBER:
        vg_suggest_number(at);
        break;
    case VG_KIND_TEXT:
        vg_suggest_text(at);
        break;
    case VG_KIND_BOOL:
        vg_suggest_bool(at);
        break;
    case VG_KIND_TIME:
        vg_suggest_time(at);
        break;
    default:
        break;
    }
}

int vg_suggest(const struct vg_profile *profile, struct vg_arena *arena, struct vg_suggestions *out,
               struct vg_error *err)
{
    *out = (struct vg_suggestions){.arena = arena};
    for (size_t i = 0; i < profile->ncolumns; i++) {
        const struct vg_profile_column *column = &profile->columns[i];
        if (!column->total || !strcmp(column->column->name, "*"))
            continue; /* below columns: "*" means all of them */
        struct vg_suggesting at = {
            .profile = profile,
            .column = column,
            .list = out,
            .is_key = vg_profile_is_key(profile, column->column->name),
            .hides = hides_values(column),
        };
        suggest_column(&at);
    }
    vg_suggest_table(profile, out);
    return out->failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
}
