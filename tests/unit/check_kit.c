/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for one check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/check_kit.h"

void kit_init(struct kit *kit, const char *check, const char *column)
{
    *kit = (struct kit){.arena = vg_arena_new()};
    assert_non_null(kit->arena);
    kit->dataset = (struct vg_dataset){
        .id = "flights",
        .file = "rules/flights.yaml",
        .table = "ml.flights",
        .zone = &vg_utc,
        .schedule = {.window_us = VG_DAY_US, .nodata_after_us = 2 * VG_DAY_US},
        .rules = &kit->rule,
        .nrules = 1,
    };
    const struct vg_check_type *type = vg_check_find(check);
    assert_non_null(type);
    kit->rule = (struct vg_rule){
        .id = column ? vg_arena_printf(kit->arena, "%s.%s", column, check) : check,
        .column = column,
        .loc = {"rules/flights.yaml", 12, 5},
        .dataset = &kit->dataset,
        .type = type,
        .severity = VG_SEVERITY_CRITICAL,
        .min_rows = VG_DEFAULT,
        .after = VG_DEFAULT,
        .resolve_after = VG_DEFAULT,
        .blind_after_us = VG_DEFAULT,
    };
    kit->catalog = (struct vg_catalog){.columns = kit->columns};
    kit->live = (struct vg_live){.newest_us = VG_NEVER, .last_judged_us = VG_NEVER};
    kit->evidence = (struct vg_evidence){
        .now = &kit->now,
        .catalog = &kit->catalog,
        .live = &kit->live,
        .window = &kit->window,
        .now_us = 992390400 * VG_US,
    };
    kit->measures = (struct vg_measures){.arena = kit->arena};
}

void kit_free(struct kit *kit)
{
    vg_arena_free(kit->arena);
}

struct vg_catalog_column *kit_column(struct kit *kit, const char *name, const char *type,
                                     enum vg_kind kind)
{
    assert_true(kit->catalog.n < KIT_COLUMNS);
    struct vg_catalog_column *column = &kit->columns[kit->catalog.n++];
    *column = (struct vg_catalog_column){
        .name = name, .quoted = name, .type = type, .kind = kind, .indexed_first = true};
    return column;
}

const struct vg_measure *kit_measure(struct kit *kit, size_t expected)
{
    kit->measures.n = 0;
    assert_int_equal(kit->rule.type->measure(&kit->rule, &kit->evidence, &kit->measures, &kit->err),
                     0);
    assert_int_equal(kit->measures.n, expected);
    for (size_t i = 0; i < expected; i++)
        assert_ptr_equal(kit->measures.items[i].rule, &kit->rule);
    return expected ? &kit->measures.items[0] : NULL;
}

void kit_assert_skipped(const struct vg_measure *measure, enum vg_verdict look, const char *words)
{
    assert_string_equal(vg_verdict_name(measure->look), vg_verdict_name(look));
    if (!strstr(measure->why, words)) {
        print_error("'%s' is not in '%s'\n", words, measure->why);
        fail();
    }
}

void kit_assert_found(const struct vg_measure *measure, double value, const char *why)
{
    assert_string_equal(measure->why, why);
    assert_int_equal(measure->look, VG_PASS);
    bool same = isnan(value) ? isnan(measure->value)
                             : measure->value == value || fabs(measure->value - value) < 1e-12;
    if (!same) {
        print_error("value %.17g, want %.17g\n", measure->value, value);
        fail();
    }
}
