/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/plan_faults.c: values that cannot occur, columns that cannot be ranked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/plan_faults.h"
#include "checks/check_pairs.h"
#include "pgvigil/text.h"
#include "tests/unit/ask_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int find_value_fault(struct ask_kit *kit, const struct vg_catalog_column *column,
                            struct vg_plan_fault *fault)
{
    *fault = (struct vg_plan_fault){0};
    return vg_plan_value_fault(&kit->base.rule, column, kit->base.arena, fault);
}

static void test_share(void **state)
{
    (void)state;
    const uint64_t labels[] = {vg_hash64("late", 4), vg_hash64("early", 5)};
    const struct vg_catalog_column mood = {.name = "c",
                                           .type = "public.mood",
                                           .kind = VG_KIND_TEXT,
                                           .labels = labels,
                                           .nlabels = COUNT(labels)},
                                   truth = {.name = "c", .type = "boolean", .kind = VG_KIND_BOOL};
    const struct {
        const struct vg_catalog_column *column;
        const char *value;
        bool least;
        const char *said; /* NULL: nothing */
    } rows[] = {
        {&mood, "late", true, NULL},
        {&mood, "Late", true,
         "\"Late\" first, cannot be in column c of type public.mood: the rule "
         "can never pass"},
        {&mood, "Late", false, "can never fail"},
        {&mood, "", false, "can never fail"},
        {&truth, "true", true, NULL},
        {&truth, "yes", true, "type boolean: the rule can never pass"},
        {&truth, "1", false, "type boolean: the rule can never fail"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ask_kit kit;
        struct vg_plan_fault fault;
        ask_kit_init(&kit, "share", NULL);
        *(const char **)ask_kit_param(&kit, "value") = rows[i].value;
        kit.base.rule.limits.bounds =
            (struct vg_bounds){.has_min = rows[i].least, .min = .1, .has_max = true, .max = .5};
        int rc = find_value_fault(&kit, rows[i].column, &fault);
        assert_int_equal(rc, rows[i].said != NULL);
        if (rc) {
            assert_true(fault.grave);
            assert_non_null(fault.hint);
            assert_non_null(strstr(fault.text, "1 of 1 value, "));
            if (!strstr(fault.text, rows[i].said))
                fail_msg("%s", fault.text);
        }
        ask_kit_free(&kit);
    }
}

static void test_lists(void **state)
{
    (void)state;
    static const char *const values[] = {"1", "two", "3"};
    const struct vg_catalog_column number = {
        .name = "n", .type = "integer", .kind = VG_KIND_NUMBER};
    struct ask_kit kit;
    struct vg_plan_fault fault;
    ask_kit_init(&kit, "allowed", NULL);
    ask_kit_list(&kit, "values", values, 3);
    assert_int_equal(find_value_fault(&kit, &number, &fault), 1);
    assert_false(fault.grave); /* a slip: the others can occur */
    assert_non_null(strstr(fault.text, "1 of 3 values, \"two\" first"));
    assert_null(strstr(fault.text, "never"));
    ask_kit_list(&kit, "values", values + 1, 1);
    assert_int_equal(find_value_fault(&kit, &number, &fault), 1);
    assert_non_null(strstr(fault.text, "the rule can never pass"));
    ask_kit_free(&kit);
    ask_kit_init(&kit, "forbidden", NULL);
    ask_kit_list(&kit, "values", values + 1, 1);
    assert_int_equal(find_value_fault(&kit, &number, &fault), 1);
    assert_non_null(strstr(fault.text, "the rule can never fail"));
    ask_kit_list(&kit, "values", values, 1);
    assert_int_equal(find_value_fault(&kit, &number, &fault), 0);
    ask_kit_free(&kit);
    ask_kit_init(&kit, "nulls", NULL); /* it has no values */
    assert_int_equal(find_value_fault(&kit, &number, &fault), 0);
    ask_kit_free(&kit);
}

static void test_pairs(void **state)
{
    (void)state;
    static const char *const left_out[] = {"odd"}, *const key[] = {"id"};
    struct vg_catalog_column columns[] = {
        {.name = "id", .type = "bigint", .kind = VG_KIND_NUMBER},
        {.name = "price", .type = "real", .kind = VG_KIND_NUMBER},
        {.name = "origin", .type = "text", .kind = VG_KIND_TEXT},
        {.name = "odd", .type = "real", .kind = VG_KIND_NUMBER},
        {.name = "hidden", .type = "real", .kind = VG_KIND_NUMBER, .unreadable = true},
        {.name = "cost", .type = "real", .kind = VG_KIND_NUMBER},
    };
    static const struct {
        const char *named[2];
        size_t n, columns; /* of the table */
        const char *said, *hint;
    } rows[] = {
        {{"price", "cost"}, 2, 6, NULL, NULL},
        {{"price", "id"}, 2, 6, NULL, NULL}, /* the key may be named */
        {{NULL}, 0, 6, NULL, NULL},
        {{"price", "costs"}, 2, 6, "column costs does not exist in t", "did you mean \"cost\"?"},
        {{"zzzzzzzz", "cost"}, 2, 6, "column zzzzzzzz does not exist in t", NULL},
        {{"price", "origin"}, 2, 6, "column origin is of type text, and only numbers are", "expr"},
        {{"odd", "cost"}, 2, 6, "column odd is left out of the reference", "reference.exclude"},
        {{"hidden", "cost"}, 2, 6, "no permission to read column hidden", "SELECT"},
        {{NULL}, 0, 5, "t has one column of numbers", "name two"},
        {{NULL}, 0, 1, "t has no column of numbers", "name two"},
    };
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        struct ask_kit kit;
        struct vg_plan_fault fault = {0};
        const struct vg_catalog catalog = {.columns = columns, .n = rows[i / 2].columns};
        ask_kit_init(&kit, i % 2 ? "correlation" : "reconstruction", NULL);
        ask_kit_list(&kit, "columns", rows[i / 2].named, rows[i / 2].n);
        kit.base.dataset.table = "t";
        kit.base.dataset.key = (struct vg_strings){key, 1};
        kit.base.dataset.reference.exclude = (struct vg_strings){left_out, 1};
        int rc = vg_plan_pairs_fault(&kit.base.rule, &catalog, kit.base.arena, &fault);
        assert_int_equal(rc, rows[i / 2].said != NULL);
        if (rc && !strstr(fault.text, rows[i / 2].said))
            fail_msg("%s", fault.text);
        if (rc && rows[i / 2].hint && !strstr(fault.hint, rows[i / 2].hint))
            fail_msg("%s", fault.hint);
        assert_true(!rc || fault.grave);
        ask_kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_pairs),
    };
    return cmocka_run_group_tests_name("plan_faults", tests, NULL, NULL);
}
