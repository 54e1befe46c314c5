/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/check_share.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/unit/check_kit.h"

static void set_value(struct kit *kit, const char *value)
{
    const struct vg_check_type *type = kit->rule.type;
    char *params = vg_arena_alloc(kit->arena, type->params_size);
    assert_non_null(params);
    assert_string_equal(type->params[0].name, "value");
    *(const char **)(void *)(params + type->params[0].offset) = value;
    assert_int_equal(type->prepare(params, kit->arena), 0);
    kit->rule.params = params;
}

static int has(const struct kit *kit, struct vg_cell_view cell)
{
    return kit->rule.type->offends(&kit->rule, &cell, false);
}

static int has_text(const struct kit *kit, const char *text, uint32_t len)
{
    return has(kit, (struct vg_cell_view){.kind = VG_KIND_TEXT, .text = {text, len}});
}

static int has_number(const struct kit *kit, double num)
{
    return has(kit, (struct vg_cell_view){.kind = VG_KIND_NUMBER, .num = num});
}

static void test_texts(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "share", "x");
    set_value(&kit, "card");
    assert_int_equal(has_text(&kit, "card", 4), 1);
    assert_int_equal(has_text(&kit, "Card", 4), 0);
    assert_int_equal(has_text(&kit, "card ", 5), 0);
    assert_int_equal(has_text(&kit, "card\0", 5), 0);
    assert_int_equal(has_text(&kit, "", 0), 0);
    set_value(&kit, "");
    assert_int_equal(has_text(&kit, "", 0), 1);
    set_value(&kit, "1");
    assert_int_equal(has_text(&kit, "1.0", 3), 0); /* text is not a number */
    assert_int_equal(has(&kit, (struct vg_cell_view){.state = VG_VIEW_NULL}), -1);
    kit_free(&kit);
}

static void test_numbers_and_truths(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, "share", "x");
    set_value(&kit, "0.1");
    assert_int_equal(has_number(&kit, 0.1), 1);
    assert_int_equal(has_number(&kit, (double)0.1f), 1); /* as a real column holds it */
    assert_int_equal(has_number(&kit, 0.2), 0);
    struct vg_cell_view nan = {.kind = VG_KIND_NUMBER, .state = VG_VIEW_NAN};
    assert_int_equal(has(&kit, nan), 0);
    set_value(&kit, "nothing");
    assert_int_equal(has_number(&kit, 0), 0);
    set_value(&kit, "true");
    assert_int_equal(has(&kit, (struct vg_cell_view){.kind = VG_KIND_BOOL, .num = 1}), 1);
    assert_int_equal(has(&kit, (struct vg_cell_view){.kind = VG_KIND_BOOL, .num = 0}), 0);
    kit_free(&kit);
}

static void test_measure(void **state)
{
    (void)state;
    struct vg_predicate_summary counts = {.id = "x.share", .tested = 200, .offending = 30};
    struct vg_column_summary column = {.name = "x", .kind = VG_KIND_TEXT};
    struct kit kit;
    kit_init(&kit, "share", "x");
    kit_column(&kit, "x", "text", VG_KIND_TEXT);
    set_value(&kit, "s3cret");
    kit.now = (struct vg_summary){
        .columns = &column, .ncolumns = 1, .predicates = &counts, .npredicates = 1};
    const struct vg_measure *measure = kit_measure(&kit, 1);
    kit_assert_found(measure, 0.15, "30 of 200 rows have the value");
    column.kind = VG_KIND_NUMBER;
    measure = kit_measure(&kit, 1);
    kit_assert_skipped(measure, VG_UNKNOWN, "is no number");
    assert_null(strstr(measure->why, "s3cret"));
    kit.now.npredicates = 0;
    column.kind = VG_KIND_TEXT;
    kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "was not counted");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_numbers_and_truths),
        cmocka_unit_test(test_measure),
    };
    return cmocka_run_group_tests_name("check_share", tests, NULL, NULL);
}
