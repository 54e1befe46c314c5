/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made-up profiles of one column, and looking for what is suggested of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/suggest_kit.h"

void make_profile(struct made *made, const char *name, const char *type, enum vg_kind kind)
{
    int64_t from_us = 11323 * VG_DAY_US; /* 2001-01-01, a Monday */
    memset(made, 0, sizeof *made);
    made->arena = vg_arena_new();
    made->catalog_columns[0] = (struct vg_catalog_column){.name = "at",
                                                          .type = "timestamp with time zone",
                                                          .kind = VG_KIND_TIME,
                                                          .not_null = true,
                                                          .indexed_first = true};
    made->catalog_columns[1] = (struct vg_catalog_column){.name = name, .type = type, .kind = kind};
    made->catalog = (struct vg_catalog){.columns = made->catalog_columns, .n = 2};
    for (size_t w = 0; w < WINDOWS; w++)
        made->windows[w] = (struct vg_profile_window){from_us + (int64_t)w * VG_DAY_US, 1000};
    struct vg_window range = {from_us, from_us + WINDOWS * VG_DAY_US, false};
    made->profile = (struct vg_profile){.connection = "warehouse",
                                        .table = "ml.t",
                                        .dataset = "t",
                                        .zone = &vg_utc,
                                        .catalog = &made->catalog,
                                        .time = &made->catalog_columns[0],
                                        .window_us = VG_DAY_US,
                                        .range = range,
                                        .reference = range,
                                        .rows = MANY,
                                        .oldest_us = from_us,
                                        .newest_us = range.end_us - VG_HOUR_US,
                                        .gap_us = 5 * VG_HOUR_US,
                                        .windows = made->windows,
                                        .nwindows = WINDOWS,
                                        .columns = made->columns,
                                        .ncolumns = 2};
    made->columns[0].column = &made->catalog_columns[0];
    made->columns[1] = (struct vg_profile_column){.column = &made->catalog_columns[1],
                                                  .windows = WINDOWS,
                                                  .distinct_least = (double)NAN,
                                                  .nulls = {.windows = WINDOWS, .rows = 1000}};
    vg_profile_text_begin(&made->columns[1].text);
}

void count_cells(struct made *made, const double *numbers, const char *const *texts, size_t n)
{
    struct vg_profile_column *column = &made->columns[1];
    const struct vg_catalog_column *catalog = column->column;
    uint8_t *state = vg_array(n, 1);
    double *num = vg_array(n, sizeof *num);
    struct vg_slice *raw = vg_array(n, sizeof *raw);
    struct vg_error err;
    for (size_t i = 0; i < n; i++) {
        bool null = texts ? !texts[i] : isnan(numbers[i]);
        state[i] = null ? VG_CELL_NULL : VG_CELL_VALUE;
        num[i] = texts || null ? 0 : numbers[i];
        raw[i] = texts && !null ? (struct vg_slice){texts[i], (uint32_t)strlen(texts[i])}
                                : (struct vg_slice){"", 0};
        if (texts && !null)
            vg_profile_text_add(&column->text, raw[i]);
    }
    unsigned parts = texts ? VG_PART_HLL | VG_PART_TOP : VG_PART_HLL | VG_PART_QUANTILE;
    struct vg_column cells = {
        .kind = catalog->kind, .special = n, .state = state, .num = num, .raw = raw};
    column->total = calloc(1, sizeof *column->total);
    assert_int_equal(vg_column_init(column->total, catalog->name, catalog->kind, NULL, parts, &err),
                     0);
    assert_int_equal(vg_column_count(column->total, &cells, n, &err), 0);
    free(state);
    free(num);
    free(raw);
}

void suggest(struct made *made)
{
    struct vg_error err;
    assert_int_equal(vg_suggest(&made->profile, made->arena, &made->list, &err), 0);
}

void free_made(struct made *made)
{
    vg_profile_clear(&made->profile);
    vg_arena_free(made->arena);
}

const char *find_rule(const struct made *made, const char *begin, char *out, size_t size)
{
    for (size_t i = 0; i < made->list.n; i++) {
        const struct vg_suggestion *item = &made->list.items[i];
        if (strncmp(item->yaml, begin, strlen(begin)) != 0)
            continue;
        snprintf(out, size, "%s%s", item->off ? "-" : "+", item->yaml);
        return out;
    }
    return NULL;
}

void assert_rule(const struct made *made, const char *begin, const char *expected)
{
    char text[400];
    const char *found = find_rule(made, begin, text, sizeof text);
    if (!vg_streq(found, expected))
        fail_msg("%s: %s, not %s", begin, found ? found : "none", expected ? expected : "none");
}

const char *why_of(const struct made *made, const char *begin)
{
    for (size_t i = 0; i < made->list.n; i++) {
        if (!strncmp(made->list.items[i].yaml, begin, strlen(begin)))
            return made->list.items[i].why;
    }
    return "";
}

void count_ramp(struct made *made)
{
    double numbers[MANY];
    for (size_t k = 0; k < MANY; k++)
        numbers[k] = 1 + (double)k / MANY;
    count_cells(made, numbers, NULL, MANY);
    made->columns[1].nfew = VG_PROFILE_FEW + 1;
}
