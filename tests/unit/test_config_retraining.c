/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a retraining may be asked for: the keys of agent/config/guards.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config/config.h"
#include "tests/unit/rule_kit.h"

static struct vg_config *parse(const char *keys, struct vg_diags *diags)
{
    char text[2000];
    struct vg_config *config = NULL;
    int n = snprintf(text, sizeof text,
                     "%sretraining:\n"
                     "  m:\n"
                     "    http: {url: \"http://127.0.0.1:1/x\"}\n"
                     "%s",
                     rule_kit_config, keys);
    *diags = (struct vg_diags){0};
    if (vg_config_parse(text, (size_t)n, "p.yaml", diags, &config) < 0)
        assert_null(config);
    return config;
}

static void test_defaults(void **state)
{
    (void)state;
    struct vg_diags diags;
    struct vg_config *config = parse("", &diags);
    assert_non_null(config);
    const struct vg_retraining *r = &config->retraining[0];
    assert_int_equal(r->max_per_day + r->min_rows + r->min_labels, 0);
    assert_true(r->in_flight_us == VG_DEFAULT && r->nquiet == 0);
    assert_false(r->manual || r->dry_run);
    assert_int_equal(r->promote, VG_PROMOTE_NOT);
    vg_config_free(config);
}

static void test_guards(void **state)
{
    (void)state;
    struct vg_diags diags;
    struct vg_config *config = parse("    max_per_day: 1\n"
                                     "    min_rows: 5000\n"
                                     "    min_labels: 200\n"
                                     "    in_flight_for: 6h\n"
                                     "    approval: manual\n"
                                     "    dry_run: true\n"
                                     "    quiet:\n"
                                     "      - {days: [sat], between: \"22:00-06:00\"}\n"
                                     "      - {until: \"2001-01-01\", why: freeze}\n"
                                     "    promote: {after: manual, window: 14d}\n",
                                     &diags);
    assert_non_null(config);
    assert_int_equal(diags.n, 0);
    const struct vg_retraining *r = &config->retraining[0];
    assert_int_equal(r->max_per_day, 1);
    assert_int_equal(r->min_rows, 5000);
    assert_int_equal(r->min_labels, 200);
    assert_true(r->in_flight_us == 6 * VG_HOUR_US);
    assert_true(r->manual && r->dry_run);
    assert_int_equal(r->nquiet, 2);
    assert_true(r->quiet[0].hours.given && r->quiet[0].hours.days == 1u << 5);
    assert_true(r->quiet[0].from_us == INT64_MIN && r->quiet[0].until_us == VG_NEVER);
    assert_string_equal(r->quiet[1].why, "freeze");
    assert_false(r->quiet[1].hours.given);
    assert_int_equal(r->promote, VG_PROMOTE_MANUAL);
    assert_true(r->promote_us == 14 * VG_DAY_US);
    vg_config_free(config);
    config = parse("    promote: {window: 1w}\n    in_flight_for: 0s\n", &diags);
    assert_non_null(config);
    assert_int_equal(config->retraining[0].promote, VG_PROMOTE_SUCCESS);
    assert_true(config->retraining[0].in_flight_us == 0);
    vg_config_free(config);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *words;
    } cases[] = {
        {"    approval: maybe\n", "approval"},
        {"    quiet: {days: [sat]}\n", "quiet must be a list"},
        {"    quiet: [{rule: x}]\n", "rule"},
        {"    quiet: [{from: 2001-02-01, until: 2001-01-01}]\n",
         "a quiet time ends before it begins"},
        {"    promote: {after: success}\n", "\"window\" is missing"},
        {"    promote: {after: never, window: 1d}\n", "after"},
        {"    min_rows: 0\n", "min_rows"},
        {"    max_per_day: 0\n", "max_per_day"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_diags diags;
        assert_null(parse(cases[i].keys, &diags));
        char *printed = rule_kit_print(&diags);
        if (!strstr(printed, cases[i].words))
            fail_msg("%s does not say: %s", printed, cases[i].words);
        free(printed);
        vg_diags_free(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("config_retraining", tests, NULL, NULL);
}
