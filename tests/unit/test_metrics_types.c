/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the table of metrics (agent/metrics_types.c): names by the rules of Prometheus,
 * drift gauges of every registered check, and docs/metrics.md word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics.h"
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
        bool is_drift = vg_checks[i]->class == VG_CLASS_DRIFT;
        drift += is_drift;
        snprintf(name, sizeof name, "pgvigil_drift_%s", vg_checks[i]->name);
        assert_int_equal(is_metric(name), is_drift);
        snprintf(name, sizeof name, "pgvigil_drift_%s_threshold", vg_checks[i]->name);
        assert_int_equal(is_metric(name), is_drift);
    }
    assert_true(drift > 0);
}

enum { LINE_SIZE = 2000 };

/* Whether the page has exactly this line. */
static bool has_line(const char *page, const char *line)
{
    const char *at = strstr(page, line);
    size_t n = strlen(line);
    return at && (at == page || at[-1] == '\n') && at[n] == '\n' && !strstr(at + n, line);
}

static size_t count_rows(const char *page)
{
    size_t n = 0;
    for (const char *at = page; (at = strstr(at, "\n| `p")) != NULL; at++)
        n++;
    return n;
}

static char *read_page(const char *path)
{
    struct vg_buf page;
    char block[4096];
    vg_buf_init(&page, 1 << 20);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        vg_buf_add(&page, block, n);
    assert_int_equal(fclose(file), 0);
    char *text = vg_buf_take(&page);
    assert_non_null(text);
    return text;
}

/* docs/metrics.md has one row `| name | kind | labels | help |` per metric, two for the gauges of
 * all drift checks (a new check needs none), and no other rows. */
static void test_documentation_is_the_table(void **state)
{
    (void)state;
    char *page = read_page("docs/metrics.md");
    size_t n, wanted = 2;
    const struct vg_metric_type *types = vg_metric_types(&n);
    for (size_t i = 0; i < n; i++) {
        char line[LINE_SIZE];
        if (!strncmp(types[i].name, "pgvigil_drift_", 14))
            continue;
        wanted++;
        snprintf(line, sizeof line, "| `%s` | %s | %s | %s |", types[i].name,
                 vg_metric_kind_name(types[i].kind), *types[i].labels ? types[i].labels : "–",
                 types[i].help);
        if (!has_line(page, line)) {
            print_error("docs/metrics.md should hold this row, once:\n%s\n", line);
            fail();
        }
    }
    assert_non_null(strstr(page, "\n| `pgvigil_drift_CHECK` | gauge |"));
    assert_non_null(strstr(page, "\n| `pgvigil_drift_CHECK_threshold` | gauge |"));
    assert_int_equal(count_rows(page), wanted);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_follows_the_naming_rules),
        cmocka_unit_test(test_every_drift_check_has_its_gauges),
        cmocka_unit_test(test_documentation_is_the_table),
    };
    return cmocka_run_group_tests_name("metrics_types", tests, NULL, NULL);
}
