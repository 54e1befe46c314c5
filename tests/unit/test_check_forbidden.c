/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_forbidden.c; how values are compared is tested with allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "checks/check_listed.h"
#include "tests/unit/check_kit.h"

static void set_values(struct kit *kit, const char *const *values, size_t n)
{
    struct vg_listed *params = vg_arena_alloc(kit->arena, kit->rule.type->params_size);
    assert_non_null(params);
    params->values = (struct vg_strings){values, n};
    assert_int_equal(kit->rule.type->prepare(params, kit->arena), 0);
    kit->rule.params = params;
}

static int ask(const struct kit *kit, struct vg_cell_view cell)
{
    return kit->rule.type->offends(&kit->rule, &cell, false);
}

static int ask_text(const struct kit *kit, const char *text)
{
    return ask(kit,
               (struct vg_cell_view){.kind = VG_KIND_TEXT, .text = {text, (uint32_t)strlen(text)}});
}

static void test_values(void **state)
{
    (void)state;
    static const char *const values[] = {"N/A", "-999", "", "NaN", "Infinity", "false"};
    struct kit kit;
    kit_init(&kit, "forbidden", "code");
    set_values(&kit, values, 6);
    assert_int_equal(ask_text(&kit, "N/A"), 1);
    assert_int_equal(ask_text(&kit, ""), 1);
    assert_int_equal(ask_text(&kit, "n/a"), 0);
    assert_int_equal(ask_text(&kit, "-999.0"), 0);
    assert_int_equal(ask(&kit, (struct vg_cell_view){.kind = VG_KIND_NUMBER, .num = -999}), 1);
    assert_int_equal(ask(&kit, (struct vg_cell_view){.kind = VG_KIND_NUMBER, .num = 0}), 0);
    assert_int_equal(ask(&kit, (struct vg_cell_view){.kind = VG_KIND_BOOL, .num = 0}), 1);
    assert_int_equal(ask(&kit, (struct vg_cell_view){.kind = VG_KIND_BOOL, .num = 1}), 0);
    struct vg_cell_view cell = {.kind = VG_KIND_NUMBER, .state = VG_VIEW_NULL};
    assert_int_equal(ask(&kit, cell), -1);
    cell.state = VG_VIEW_NAN;
    assert_int_equal(ask(&kit, cell), 1);
    cell.state = VG_VIEW_PINF;
    assert_int_equal(ask(&kit, cell), 1);
    cell.state = VG_VIEW_NINF;
    assert_int_equal(ask(&kit, cell), 0);
    kit_free(&kit);
}

static void test_share(void **state)
{
    (void)state;
    static const char *const values[] = {"a", "b"};
    struct vg_predicate_summary predicate = {.id = "code.forbidden", .tested = 400, .offending = 3};
    struct vg_diags diags = {0};
    struct kit kit;
    kit_init(&kit, "forbidden", "code");
    set_values(&kit, values, 2);
    kit.now.predicates = &predicate;
    kit.now.npredicates = 1;
    kit_assert_found(kit_measure(&kit, 1), 0.0075, "3 of 400 rows among the 2 forbidden values");
    kit.rule.type->validate(&kit.rule, &diags);
    assert_int_equal(diags.n, 0);
    set_values(&kit, values, 0);
    kit.rule.type->validate(&kit.rule, &diags);
    assert_string_equal(diags.items[0].msg, "the list of forbidden values is empty");
    vg_diags_free(&diags);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_share),
    };
    return cmocka_run_group_tests_name("check_forbidden", tests, NULL, NULL);
}
