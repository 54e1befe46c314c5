/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/registry.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pgvigil/check.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_names_are_unique_and_found(void **state)
{
    (void)state;
    assert_true(vg_checks_n >= 9);
    for (size_t i = 0; i < vg_checks_n; i++) {
        assert_ptr_equal(vg_check_find(vg_checks[i]->name), vg_checks[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(vg_checks[i]->name, vg_checks[j]->name);
    }
    assert_null(vg_check_find("no such check"));
    assert_null(vg_check_find(""));
    assert_null(vg_check_find(NULL));
}

static void test_the_promised_checks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum vg_class class;
        enum vg_cadence cadence;
        bool of_column, implicit;
        int64_t min_rows;
        const char *kinds; /* other, number, time, bool, text; "" for all */
    } rows[] = {
        {"reach", VG_CLASS_FRESHNESS, VG_ON_TICK, false, true, 0, ""},
        {"judged", VG_CLASS_VOLUME, VG_ON_TICK, false, true, 0, ""},
        {"schema", VG_CLASS_SCHEMA, VG_ON_TICK, false, true, 0, ""},
        {"freshness", VG_CLASS_FRESHNESS, VG_ON_TICK, false, false, 0, ""},
        {"volume", VG_CLASS_VOLUME, VG_ON_WINDOW, false, false, 0, ""},
        {"nulls", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, ""},
        {"range", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-nt--"},
        {"allowed", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n-bt"},
        {"ks", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct vg_check_type *type = vg_check_find(rows[i].name);
        assert_non_null(type);
        assert_int_equal(type->class, rows[i].class);
        assert_int_equal(type->cadence, rows[i].cadence);
        assert_int_equal(type->of_column, rows[i].of_column);
        assert_int_equal(type->implicit, rows[i].implicit);
        assert_int_equal(type->min_rows, rows[i].min_rows);
        unsigned kinds = 0;
        for (size_t k = 0; rows[i].kinds[k]; k++)
            kinds |= (unsigned)(rows[i].kinds[k] != '-') << k;
        assert_int_equal(type->kinds, kinds);
    }
}

/* What parsing, planning and counting take for granted of every check. */
static void test_tables_are_coherent(void **state)
{
    (void)state;
    for (size_t i = 0; i < vg_checks_n; i++) {
        const struct vg_check_type *type = vg_checks[i];
        bool counts_rows = type->needs & VG_NEEDS_PREDICATE;
        assert_true(type->name[0] && type->doc[0] && type->measure);
        assert_true(type->doc[strlen(type->doc) - 1] == '.');
        assert_true(counts_rows == (type->offends != NULL));
        assert_true(type->bounds != VG_BOUNDS_ON_ROWS || counts_rows);
        assert_true(!type->needs || (type->of_column && type->cadence == VG_ON_WINDOW));
        assert_true(!type->filterable || type->cadence == VG_ON_WINDOW);
        assert_true(!type->kinds || type->of_column);
        assert_true((type->nparams != 0) == (type->params_size != 0));
        assert_true((type->nparams != 0) == (type->params != NULL));
        for (size_t p = 0; p < type->nparams; p++) {
            const struct vg_param *param = &type->params[p];
            assert_true(param->name[0] && param->doc[0]);
            assert_true(param->offset < type->params_size);
            assert_true((param->type == VG_PARAM_CHOICE) == (param->choices != NULL));
            assert_true(!(param->required && param->fallback));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique_and_found),
        cmocka_unit_test(test_the_promised_checks),
        cmocka_unit_test(test_tables_are_coherent),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
