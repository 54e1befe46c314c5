/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/result.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "pgvigil/result.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_names(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"pass", "nodata", "warn", "unknown", "fail"};
    static const char *const units[] = {"none", "ratio", "count", "seconds", "rows"};
    for (size_t i = 0; i < COUNT(verdicts); i++)
        assert_string_equal(vg_verdict_name((enum vg_verdict)i), verdicts[i]);
    for (size_t i = 0; i < COUNT(units); i++)
        assert_string_equal(vg_unit_name((enum vg_unit)i), units[i]);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        double value;
        enum vg_unit unit;
        int digits;
        const char *text;
    } rows[] = {
        {0.384, VG_UNIT_RATIO, 4, "0.384"},
        {0.38412, VG_UNIT_RATIO, 4, "0.3841"},
        {1.5, VG_UNIT_NONE, 4, "1.5"},
        {3458, VG_UNIT_ROWS, 2, "3458"},
        {5e9, VG_UNIT_COUNT, 2, "5000000000"},
        {0, VG_UNIT_SECONDS, 3, "0s"},
        {1.25, VG_UNIT_SECONDS, 3, "1.25s"},
        {119, VG_UNIT_SECONDS, 3, "119s"},
        {120, VG_UNIT_SECONDS, 3, "2m"},
        {7199, VG_UNIT_SECONDS, 3, "120m"},
        {7200, VG_UNIT_SECONDS, 3, "2h"},
        {32472, VG_UNIT_SECONDS, 3, "9.02h"},
        {172800, VG_UNIT_SECONDS, 3, "2d"},
        {31536000, VG_UNIT_SECONDS, 3, "365d"},
        {-7200, VG_UNIT_SECONDS, 3, "-2h"},
        {INFINITY, VG_UNIT_SECONDS, 3, "+Inf"},
        {NAN, VG_UNIT_ROWS, 3, "NaN"},
        {NAN, VG_UNIT_SECONDS, 3, "NaN"},
        {1e300, VG_UNIT_ROWS, 3, "1e+300"},
        {-1.7976931348623157e308, VG_UNIT_SECONDS, 17, "-2.0806633505350878e+303d"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[VG_VALUE_TEXT];
        assert_ptr_equal(vg_value_text(rows[i].value, rows[i].unit, rows[i].digits, text), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_new_measure(void **state)
{
    (void)state;
    struct vg_measures measures = {.arena = vg_arena_new()};
    struct vg_rule rule = {.id = "a"};
    const struct vg_measure *m = vg_measure_add(&measures, &rule);
    assert_non_null(m);
    assert_ptr_equal(m->rule, &rule);
    assert_null(m->segment);
    assert_true(m->look == VG_PASS && m->at_most == VG_FAIL && !m->bounded && !m->direction);
    assert_true(isnan(m->value) && isnan(m->lo) && isnan(m->hi) && isnan(m->effect));
    assert_true(isnan(m->p_value) && isnan(m->n_now) && isnan(m->n_ref) && isnan(m->limit));
    assert_string_equal(m->why, "");
    vg_arena_free(measures.arena);
}

static void test_list_grows_and_keeps(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct vg_measures measures = {.arena = vg_arena_new()};
    struct vg_rule rules[N];
    for (size_t i = 0; i < N; i++) {
        struct vg_measure *m = vg_measure_add(&measures, &rules[i]);
        assert_non_null(m);
        m->value = (double)i;
    }
    assert_int_equal(measures.n, N);
    for (size_t i = 0; i < N; i++) {
        assert_ptr_equal(measures.items[i].rule, &rules[i]);
        assert_true(measures.items[i].value == (double)i);
    }
    vg_arena_free(measures.arena);
}

static void test_skip(void **state)
{
    (void)state;
    struct vg_measures measures = {.arena = vg_arena_new()};
    struct vg_rule rule = {.id = "a"};
    char longer[2 * VG_WHY];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(vg_measure_skip(&measures, &rule, VG_UNKNOWN, "column %s is gone", "b"), 0);
    assert_int_equal(vg_measure_skip(&measures, &rule, VG_NODATA, "%s", longer), 0);
    assert_int_equal(measures.n, 2);
    assert_int_equal(measures.items[0].look, VG_UNKNOWN);
    assert_string_equal(measures.items[0].why, "column b is gone");
    assert_int_equal(measures.items[1].look, VG_NODATA);
    assert_int_equal(strlen(measures.items[1].why), VG_WHY - 1);
    vg_arena_free(measures.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_new_measure), cmocka_unit_test(test_list_grows_and_keeps),
        cmocka_unit_test(test_skip),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
