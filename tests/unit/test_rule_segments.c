/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/rules/segments.c: segments of a rule file, segment and compare of its rules,
 * and every fault of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/check.h"
#include "tests/unit/rule_kit.h"

#define PLAIN                                                                                      \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: a.b, time_column: at, key: [id]}\n"
#define HEAD PLAIN "reference: {from: 2001-01-01, to: 2001-02-01}\n"

static void test_fine(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config,
        HEAD "segments: [country, {column: vip, values: [true], most: 2}, {column: m, most: 7}]\n"
             "columns:\n"
             "  x:\n"
             "    nulls: {fail: 1%, segment: none}\n"
             "    negative: {fail: 0, segment: country}\n"
             "    drift: {ks: {fail: 0.2, compare: {segment: vip, baseline: true}}}\n"
             "checks: [{volume: 5}]\n");
    const struct vg_dataset *dataset = kit.dataset;
    assert_int_equal(dataset->nsegments, 3);
    assert_string_equal(dataset->segments[0].column, "country");
    assert_int_equal(dataset->segments[0].most, 50);
    assert_int_equal(dataset->segments[0].values.n, 0);
    assert_int_equal(dataset->segments[0].loc.line, 5);
    assert_string_equal(dataset->segments[1].values.items[0], "true");
    assert_int_equal(dataset->segments[2].most, 7);
    assert_true(rule_kit_find(&kit, "x.nulls")->unsegmented);
    assert_null(rule_kit_find(&kit, "x.nulls")->segment);
    assert_string_equal(rule_kit_find(&kit, "x.negative")->segment, "country");
    assert_string_equal(rule_kit_find(&kit, "x.drift.ks")->compare.baseline, "true");
    assert_null(rule_kit_find(&kit, "volume")->segment);
    assert_false(rule_kit_find(&kit, "volume")->unsegmented);
    rule_kit_free(&kit);
}

static const struct {
    const char *text, *msg;
} faults[] = {
    {PLAIN "segments: [c]\n", "without a reference the values of c must be listed"},
    {HEAD "segments: c\n", "segments is a list of at most 8 columns"},
    {HEAD "segments: [a, b, c, d, e, f, g, h, i]\n", "segments is a list of at most 8 columns"},
    {HEAD "segments: [c, c]\n", "segments names c twice"},
    {HEAD "segments: [{values: [a]}]\n", "\"column\" is missing in segments"},
    {HEAD "segments: [{column: c, value: [a]}]\n", "unknown key \"value\" in segments"},
    {HEAD "segments: [{column: c, values: [a, b, a]}]\n", "the value \"a\" stands here twice"},
    {HEAD "segments: [{column: c, values: [a, other]}]\n",
     "the segment \"other\" is that of all values not listed"},
    {HEAD "segments: [{column: c, values: [a, b], most: 1}]\n",
     "2 values are listed, and at most 1 are segments of their own"},
    {HEAD "segments: [{column: c, most: 501}]\n", "most: 501 is above 500, the most allowed"},
    {HEAD "segments: [id]\n", "column id is private, and segments are named by its values"},
    {HEAD "columns: {c: {private: true}}\nsegments: [c]\n",
     "column c is private, and segments are named by its values"},
    {PLAIN "reference: {from: 2001-01-01, to: 2001-02-01, exclude: [c]}\nsegments: [c]\n",
     "the values of c come from the reference, which leaves it out"},
    {HEAD "columns: {x: {nulls: {fail: 0, segment: c}}}\n", "the dataset has no segments"},
    {HEAD "segments: [country]\ncolumns: {x: {nulls: {fail: 0, segment: county}}}\n",
     "\"county\" is none of the columns of segments"},
    {HEAD "segments: [c]\nchecks: [{gaps: {every: 1h, segment: c}}]\n",
     "gaps is judged for all rows only, not per segment: its statement is about all rows"},
    {HEAD "segments: [c]\nchecks: [{freshness: {fail: 8h, segment: c}}]\n",
     "freshness is judged for all rows only, not per segment: it looks at the table, not at the "
     "rows of a window"},
    {HEAD "segments: [c]\ncolumns: {x: {drift: {budget: {segment: c}}}}\n",
     "budget is judged for all rows only, not per segment: what is usual at each hour, and the "
     "budget, are learnt of all rows together"},
    {HEAD "limits: {segments: 9}\nsegments: [{column: c, most: 10}]\n",
     "most: 10 is above limits.segments, which is 9"},
    {HEAD "limits: {segments: 1}\nsegments: [{column: c, values: [a, b]}]\n",
     "2 values are listed, and at most 1 are segments of their own"},
    {HEAD "columns: {x: {drift: {ks: {fail: 0.1, compare: {segment: m, baseline: v1}}}}}\n",
     "the dataset has no segments"},
    {HEAD "segments: [m]\n"
          "columns: {x: {drift: {ks: {fail: 0.1, compare: {segment: m}}}}}\n",
     "\"baseline\" is missing in compare"},
    {HEAD "segments: [{column: m, values: [v1, v2]}]\n"
          "columns: {x: {drift: {ks: {fail: 0.1, compare: {segment: m, baseline: v3}}}}}\n",
     "the baseline \"v3\" is none of the values of m"},
    {HEAD "segments: [m]\n"
          "columns: {x: {nulls: {fail: 0.1, compare: {segment: m, baseline: v3}}}}\n",
     "nulls cannot compare segments: only drift of numbers can"},
    {HEAD "segments: [m]\ncolumns: {x: {drift: {ks: {fail: 0.1, segment: m, compare: {segment: m, "
          "baseline: v3}}}}}\n",
     "compare names the segments already"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct rule_kit kit = rule_kit_read(rule_kit_config, faults[i].text);
        if (kit.diags.n != 1 || strcmp(kit.diags.items[0].msg, faults[i].msg) != 0)
            fail_msg("%s:\n%s", faults[i].text, rule_kit_print(&kit.diags));
        assert_true(kit.diags.items[0].loc.line > 2);
        rule_kit_free(&kit);
    }
}

/* Who names segments would expect it of them, too; one line for the file. */
static void test_budget(void **state)
{
    static const struct {
        const char *text;
        size_t warnings;
    } cases[] = {
        {HEAD "segments: [c]\ncolumns: {'*': {drift: true}, x: {drift: {budget: {min_rows: 5}}}}\n",
         1},
        {HEAD "segments: [c]\ncolumns: {'*': {drift: {budget: {segment: none}}}}\n", 0},
        {HEAD "segments: [c]\ncolumns: {x: {drift: {ks: 0.3}}}\n", 0},
        {HEAD "columns: {'*': {drift: true}}\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rule_kit kit = rule_kit_read(rule_kit_config, cases[i].text);
        assert_non_null(kit.dataset);
        if (kit.diags.n != cases[i].warnings)
            fail_msg("%s:\n%s", cases[i].text, rule_kit_print(&kit.diags));
        for (size_t d = 0; d < kit.diags.n; d++) {
            assert_int_equal(kit.diags.items[d].grade, VG_GRADE_WARNING);
            assert_string_equal(kit.diags.items[d].msg,
                                "drift: true is judged for all rows only, not per segment");
            assert_non_null(strstr(kit.diags.items[d].hint, "segment: none"));
        }
        rule_kit_free(&kit);
    }
}

static void test_long_source(void **state)
{
    (void)state;
    struct rule_kit kit =
        rule_kit_read(rule_kit_config, "version: 1\ndataset: d\n"
                                       "source: {connection: warehouse, table: a.b, time_column: "
                                       "at, long: {name: n, value: v}}\n"
                                       "segments: [{column: c, values: [a]}]\n");
    assert_int_equal(kit.diags.n, 1);
    assert_non_null(strstr(kit.diags.items[0].msg, "a long source has no segments"));
    rule_kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_long_source),
    };
    return cmocka_run_group_tests_name("test_rule_segments", tests, NULL, NULL);
}
