/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measurements: their list, and names and texts of verdicts, units and values; layer 1, pure. */
#include "pgvigil/result.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgvigil/mem.h"
#include "pgvigil/text.h"

const char *vg_verdict_name(enum vg_verdict verdict)
{
    static const char *const names[] = {
        [VG_PASS] = "pass",       [VG_NODATA] = "nodata", [VG_WARN] = "warn",
        [VG_UNKNOWN] = "unknown", [VG_FAIL] = "fail",
    };
    return names[verdict];
}

const char *vg_story_shape_name(enum vg_story_shape shape)
{
    static const char *const names[] = {
        [VG_STORY_HIGHER] = "higher",     [VG_STORY_LOWER] = "lower", [VG_STORY_WIDER] = "wider",
        [VG_STORY_NARROWER] = "narrower", [VG_STORY_OTHER] = "other", [VG_STORY_LEVEL] = "level",
        [VG_STORY_NULLS] = "nulls",
    };
    return names[shape];
}

const char *vg_unit_name(enum vg_unit unit)
{
    static const char *const names[] = {
        [VG_UNIT_NONE] = "none",       [VG_UNIT_RATIO] = "ratio", [VG_UNIT_COUNT] = "count",
        [VG_UNIT_SECONDS] = "seconds", [VG_UNIT_ROWS] = "rows",
    };
    return names[unit];
}

/* The largest unit of which there are at least two; less than two seconds stay seconds. */
static void write_seconds(double value, int digits, char out[VG_VALUE_TEXT])
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    size_t i = 0;
    while (i < 3 && !(fabs(value) >= 2 * units[i].seconds))
        i++;
    char number[VG_NUMBER_TEXT];
    snprintf(out, VG_VALUE_TEXT, "%s%s", vg_format_human(value / units[i].seconds, digits, number),
             units[i].name);
}

char *vg_value_text(double value, enum vg_unit unit, int digits, char out[VG_VALUE_TEXT])
{
    char number[VG_NUMBER_TEXT];
    if (unit == VG_UNIT_SECONDS && isfinite(value))
        write_seconds(value, digits, out);
    else
        snprintf(out, VG_VALUE_TEXT, "%s", vg_format_human(value, digits, number));
    return out;
}

struct vg_measure *vg_measure_add(struct vg_measures *measures, const struct vg_rule *rule)
{
    if (measures->n == measures->size) {
        size_t size = measures->size ? 2 * measures->size : 16;
        struct vg_measure *items = vg_arena_array(measures->arena, size, sizeof *items);
        if (!items)
            return NULL;
        if (measures->n)
            memcpy(items, measures->items, measures->n * sizeof *items);
        measures->items = items;
        measures->size = size;
    }
    struct vg_measure *measure = &measures->items[measures->n++];
    *measure = (struct vg_measure){
        .rule = rule,
        .look = VG_PASS,
        .at_most = VG_FAIL,
        .value = NAN,
        .lo = NAN,
        .hi = NAN,
        .effect = NAN,
        .p_value = NAN,
        .level = NAN,
        .n_now = NAN,
        .n_ref = NAN,
        .limit = NAN,
    };
    return measure;
}

int vg_measure_skip(struct vg_measures *measures, const struct vg_rule *rule, enum vg_verdict look,
                    const char *fmt, ...)
{
    struct vg_measure *measure = vg_measure_add(measures, rule);
    if (!measure)
        return -1;
    measure->look = look;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(measure->why, sizeof measure->why, fmt, ap);
    va_end(ap);
    return 0;
}

const char *vg_limit_name(enum vg_limit limit)
{
    static const char *const names[VG_LIMITS] = {
        [VG_LIMIT_COST] = "cost",
        [VG_LIMIT_ROWS] = "rows",
        [VG_LIMIT_COLUMNS] = "columns",
        [VG_LIMIT_SEGMENTS] = "segments",
        [VG_LIMIT_CATEGORIES] = "categories",
    };
    return names[limit];
}
