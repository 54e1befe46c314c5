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

static const struct {
    const char *name;
    enum vg_class class;
    enum vg_cadence cadence;
    bool of_column, implicit;
    int64_t min_rows;
    const char *kinds; /* other, number, time, bool, text; "" for all */
} promised[] = {
    {"reach", VG_CLASS_FRESHNESS, VG_ON_TICK, false, true, 0, ""},
    {"judged", VG_CLASS_VOLUME, VG_ON_TICK, false, true, 0, ""},
    {"schema", VG_CLASS_SCHEMA, VG_ON_TICK, false, true, 0, ""},
    {"freshness", VG_CLASS_FRESHNESS, VG_ON_TICK, false, false, 0, ""},
    {"delay", VG_CLASS_FRESHNESS, VG_ON_WINDOW, false, false, 1, ""},
    {"stale", VG_CLASS_FRESHNESS, VG_ON_WINDOW, true, false, 0, ""},
    {"volume", VG_CLASS_VOLUME, VG_ON_WINDOW, false, false, 0, ""},
    {"nulls", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, ""},
    {"blank", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "----t"},
    {"length", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "----t"},
    {"pattern", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "----t"},
    {"format", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "----t"},
    {"range", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-nt--"},
    {"zero", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"negative", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"nan", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"future", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "--t--"},
    {"allowed", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n-bt"},
    {"forbidden", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n-bt"},
    {"condition", VG_CLASS_QUALITY, VG_ON_WINDOW, false, false, 1, ""},
    {"unique", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, ""},
    {"duplicates", VG_CLASS_QUALITY, VG_ON_WINDOW, false, false, 1, ""},
    {"lookup", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, ""},
    {"sequence", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-nt--"},
    {"gaps", VG_CLASS_VOLUME, VG_ON_WINDOW, false, false, 0, ""},
    {"metric", VG_CLASS_QUALITY, VG_ON_WINDOW, false, false, 0, ""},
    {"failing", VG_CLASS_QUALITY, VG_ON_WINDOW, false, false, 0, ""},
    {"compare", VG_CLASS_QUALITY, VG_ON_WINDOW, false, false, 0, ""},
    {"late_rows", VG_CLASS_VOLUME, VG_ON_TICK, false, false, 0, ""},
    {"rewritten", VG_CLASS_QUALITY, VG_ON_TICK, false, false, 0, ""},
    {"volume_change", VG_CLASS_VOLUME, VG_ON_WINDOW, false, false, 0, ""},
    {"stuck", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 10, ""},
    {"share", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n-bt"},
    {"categories", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "---bt"},
    {"constant", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 10, "-ntbt"},
    {"distinct", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-ntbt"},
    {"distinct_ratio", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-ntbt"},
    {"mean", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"median", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"quantile", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"stddev", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 2, "-n---"},
    {"sum", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-n---"},
    {"minimum", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-nt--"},
    {"maximum", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-nt--"},
    {"budget", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 0, ""},
    {"ks", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"kuiper", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"cramer_von_mises", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"anderson_darling", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"mann_whitney", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"wasserstein", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"psi", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"js", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"hellinger", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"kl", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"total_variation", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"linf", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"chi_square", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"g", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n-bt"},
    {"log_variance", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, "-n---"},
    {"null_rate", VG_CLASS_DRIFT, VG_ON_WINDOW, true, false, 200, ""},
    {"correlation", VG_CLASS_DRIFT, VG_ON_WINDOW, false, false, 200, ""},
    {"reconstruction", VG_CLASS_DRIFT, VG_ON_WINDOW, false, false, 200, ""},
    {"cast", VG_CLASS_QUALITY, VG_ON_WINDOW, true, false, 1, "-ntbt"},
    {"unknown_names", VG_CLASS_SCHEMA, VG_ON_WINDOW, false, false, 1, ""},
};

static void test_the_promised_checks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(promised); i++) {
        const struct vg_check_type *type = vg_check_find(promised[i].name);
        assert_non_null(type);
        assert_int_equal(type->class, promised[i].class);
        assert_int_equal(type->cadence, promised[i].cadence);
        assert_int_equal(type->of_column, promised[i].of_column);
        assert_int_equal(type->implicit, promised[i].implicit);
        assert_int_equal(type->min_rows, promised[i].min_rows);
        unsigned kinds = 0;
        for (size_t k = 0; promised[i].kinds[k]; k++)
            kinds |= (unsigned)(promised[i].kinds[k] != '-') << k;
        assert_int_equal(type->kinds, kinds);
    }
}

/* What parsing, planning and counting take for granted of every check. */
static void test_tables_are_coherent(void **state)
{
    (void)state;
    for (size_t i = 0; i < vg_checks_n; i++) {
        const struct vg_check_type *type = vg_checks[i];
        bool counts_rows = type->needs & (VG_NEEDS_PREDICATE | VG_NEEDS_CONDITION);
        assert_true(type->name[0] && type->doc[0] && type->measure);
        assert_true(type->doc[strlen(type->doc) - 1] == '.');
        assert_true(counts_rows == (type->offends != NULL));
        assert_true(type->bounds != VG_BOUNDS_ON_ROWS || counts_rows);
        assert_true(!(type->needs & VG_NEEDS_CONDITION) == !type->condition);
        assert_true(!(type->needs & VG_NEEDS_LOOKUP) == !type->lookup);
        assert_true(type->needs & VG_NEEDS_HISTORY || !(type->needs & VG_NEEDS_MARKS));
        assert_true(!type->offends + !type->blames + !type->offenders >= 2);
        assert_true(!type->blames || type->of_column);
        assert_true(!type->offenders || type->lookup);
        unsigned counted =
            type->needs &
            ~(unsigned)(VG_NEEDS_CONDITION | VG_NEEDS_LOOKUP | VG_NEEDS_NAMES | VG_NEEDS_HISTORY |
                        VG_NEEDS_MARKS | VG_NEEDS_REVISIT | VG_NEEDS_OTHERS | VG_NEEDS_PAIRS);
        assert_true(!(type->needs & VG_NEEDS_PAIRS) == !type->ranked);
        bool revisits = type->needs & VG_NEEDS_REVISIT; /* of a window, but not of the newest */
        assert_true(!type->needs || (type->cadence == VG_ON_WINDOW) != revisits);
        assert_true(!counted || type->of_column);
        assert_true(!type->filterable || type->cadence == VG_ON_WINDOW);
        assert_true(!type->kinds || type->of_column);
        assert_true((type->nparams != 0) == (type->params_size != 0));
        assert_true((type->nparams != 0) == (type->params != NULL));
        assert_true(!type->at_limit || type->bounds == VG_BOUNDS_NONE);
        assert_true(!type->is_multiple || type->unit == VG_UNIT_RATIO);
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
