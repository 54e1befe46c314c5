/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the table of metrics (agent/metrics/types.c): names by the rules of Prometheus, and
 * drift gauges of every registered check. That docs/metrics.md is this table: tests/docs.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/metrics.h"
#include "pgvigil/check.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static void test_table_follows_the_naming_rules(void **state)
{
    (void)state;
    static const char *const clashing[] = {"job", "instance", "type", "service", "env", "le"};
    size_t n;
    const struct vg_metric_type *types = vg_metric_types(&n);
    assert_true(n > 40);
    for (size_t i = 0; i < n; i++) {
        assert_true(!strncmp(types[i].name, "pgvigil_", 8) ||
                    !strncmp(types[i].name, "process_", 8));
        assert_int_equal(ends_with(types[i].name, "_total"), types[i].kind == VG_METRIC_COUNTER);
        assert_true(strlen(types[i].help) > 10 && !strchr(types[i].help, '\n'));
        assert_true(ends_with(types[i].help, "."));
        for (size_t k = 0; k < COUNT(clashing); k++)
            assert_string_not_equal(types[i].labels, clashing[k]);
        if (types[i].of_dataset)
            assert_int_equal(strncmp(types[i].labels, "dataset", 7), 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(types[i].name, types[k].name);
    }
}

static bool is_metric(const char *name)
{
    size_t n;
    const struct vg_metric_type *types = vg_metric_types(&n);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(types[i].name, name))
            return true;
    }
    return false;
}

static void test_every_drift_check_has_its_gauges(void **state)
{
    (void)state;
    size_t drift = 0;
    for (size_t i = 0; i < vg_checks_n; i++) {
        char name[100];
        /* The budget shows its statistics one by one instead. */
        bool is_drift =
            vg_checks[i]->class == VG_CLASS_DRIFT && vg_checks[i]->policy != VG_POLICY_BUDGET;
        drift += is_drift;
        snprintf(name, sizeof name, "pgvigil_drift_%s", vg_checks[i]->name);
        assert_int_equal(is_metric(name), is_drift);
        snprintf(name, sizeof name, "pgvigil_drift_%s_threshold", vg_checks[i]->name);
        assert_int_equal(is_metric(name), is_drift);
    }
    assert_true(drift > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_follows_the_naming_rules),
        cmocka_unit_test(test_every_drift_check_has_its_gauges),
    };
    return cmocka_run_group_tests_name("metrics_types", tests, NULL, NULL);
}
