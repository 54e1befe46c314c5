/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_allowed.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/check_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* As the table of the check says: the params struct with `values` at its offset, prepared. */
static void set_values(struct kit *kit, const char *const *values, size_t n)
{
    const struct vg_check_type *type = kit->rule.type;
    char *params = vg_arena_alloc(kit->arena, type->params_size);
    assert_non_null(params);
    assert_string_equal(type->params[0].name, "values");
    assert_int_equal(type->params[0].type, VG_PARAM_VALUES);
    *(struct vg_strings *)(void *)(params + type->params[0].offset) =
        (struct vg_strings){values, n};
    assert_int_equal(type->prepare(params, kit->arena), 0);
    kit->rule.params = params;
}

static int offends(const struct kit *kit, struct vg_cell_view cell)
{
    return kit->rule.type->offends(&kit->rule, &cell, false);
}

static int offends_text(const struct kit *kit, const char *text)
{
    return offends(
        kit, (struct vg_cell_view){.kind = VG_KIND_TEXT, .text = {text, (uint32_t)strlen(text)}});
}

static int offends_number(const struct kit *kit, double num)
{
    return offends(kit, (struct vg_cell_view){.kind = VG_KIND_NUMBER, .num = num});
}

static void test_text(void **state)
{
    (void)state;
    static const char *const values[] = {"ORD", "SFO", "", "a longer name", "JFK", "1", "JF"};
    struct kit kit;
    kit_init(&kit, "allowed", "origin");
    set_values(&kit, values, COUNT(values));
    for (size_t i = 0; i < COUNT(values); i++)
        assert_int_equal(offends_text(&kit, values[i]), 0);
    assert_int_equal(offends_text(&kit, "ord"), 1);
    assert_int_equal(offends_text(&kit, "OR"), 1);
    assert_int_equal(offends_text(&kit, "ORDX"), 1);
    assert_int_equal(offends_text(&kit, "1.0"), 1); /* text is not a number */
    struct vg_cell_view zero = {.kind = VG_KIND_TEXT, .text = {"OR\0D", 4}};
    assert_int_equal(offends(&kit, zero), 1);
    kit_free(&kit);
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const values[] = {"3", "-1", "0.1", "1e3", "none", "2.50"};
    struct kit kit;
    kit_init(&kit, "allowed", "class");
    set_values(&kit, values, COUNT(values));
    static const double good[] = {3, -1, 0.1, 1000, 2.5, (double)0.1f};
    static const double bad[] = {0, 1, -3, 0.1000001, 999, 2.51};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(offends_number(&kit, good[i]), 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(offends_number(&kit, bad[i]), 1);
    kit_free(&kit);
}

static void test_bool_null_and_infinities(void **state)
{
    (void)state;
    static const char *const values[] = {"true", "1"};
    struct kit kit;
    kit_init(&kit, "allowed", "late");
    set_values(&kit, values, COUNT(values));
    assert_int_equal(offends(&kit, (struct vg_cell_view){.kind = VG_KIND_BOOL, .num = 1}), 0);
    assert_int_equal(offends(&kit, (struct vg_cell_view){.kind = VG_KIND_BOOL, .num = 0}), 1);
    struct vg_cell_view cell = {.kind = VG_KIND_NUMBER, .state = VG_VIEW_NULL};
    assert_int_equal(offends(&kit, cell), -1);
    cell.state = VG_VIEW_NAN;
    assert_int_equal(offends(&kit, cell), 1);
    cell.state = VG_VIEW_PINF;
    assert_int_equal(offends(&kit, cell), 1);
    kit_free(&kit);
}

static void test_thousands_of_values(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct kit kit;
    kit_init(&kit, "allowed", "code");
    const char **values = vg_arena_array(kit.arena, N, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < N; i++)
        values[i] = vg_arena_printf(kit.arena, "%zu", (i * 7919) % N * 2); /* even, unordered */
    set_values(&kit, values, N);
    for (size_t i = 0; i < 2 * N; i++) {
        assert_int_equal(offends_number(&kit, (double)i), i % 2);
        assert_int_equal(offends_text(&kit, vg_arena_printf(kit.arena, "%zu", i)), i % 2);
    }
    kit_free(&kit);
}

static void test_share(void **state)
{
    (void)state;
    static const char *const values[] = {"a", "b"};
    struct kit kit;
    struct vg_predicate_summary predicate = {.id = "origin.allowed", .tested = 400, .offending = 3};
    kit_init(&kit, "allowed", "origin");
    set_values(&kit, values, 2);
    kit.now.predicates = &predicate;
    kit.now.npredicates = 1;
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 0.0075, "3 of 400 rows not among the 2 allowed values");
    assert_true(measure->n_now == 400);
    set_values(&kit, values, 1);
    kit_assert_found(kit_measure(&kit, 1), 0.0075, "3 of 400 rows not among the 1 allowed value");
    kit.now.npredicates = 0;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column origin does not exist");
    kit_free(&kit);
}

static void test_empty_list_is_refused(void **state)
{
    (void)state;
    struct kit kit;
    struct vg_diags diags = {0};
    static const char *const values[] = {"a"};
    kit_init(&kit, "allowed", "origin");
    set_values(&kit, values, 1);
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.n, 0);
    set_values(&kit, values, 0);
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.errors, 1);
    assert_string_equal(diags.items[0].msg, "the list of allowed values is empty");
    vg_diags_free(&diags);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bool_null_and_infinities),
        cmocka_unit_test(test_thousands_of_values),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_empty_list_is_refused),
    };
    return cmocka_run_group_tests_name("check_allowed", tests, NULL, NULL);
}
