/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the checks of texts that decide themselves: checks/check_blank.c, check_length.c
 * and check_format.c, with rules as they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgvigil/check.h"
#include "tests/unit/check_kit.h"
#include "tests/unit/rule_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A rule file with these checks of the column `name`. */
static struct rule_kit read_rules(const char *checks)
{
    char text[2000];
    int n = snprintf(text, sizeof text,
                     "version: 1\ndataset: people\n"
                     "source: {connection: warehouse, table: ml.people}\nschedule: {window: 1d}\n"
                     "columns:\n  name:\n    %s\n",
                     checks);
    assert_in_range(n, 1, sizeof text - 1);
    return rule_kit_fine(rule_kit_config, text);
}

/* Asserts that the file is refused with these words. */
static void assert_refused(const char *checks, const char *words)
{
    char text[2000];
    snprintf(text, sizeof text,
             "version: 1\ndataset: people\n"
             "source: {connection: warehouse, table: ml.people}\nschedule: {window: 1d}\n"
             "columns:\n  name:\n    %s\n",
             checks);
    struct rule_kit kit = rule_kit_read(rule_kit_config, text);
    char *said = rule_kit_print(&kit.diags);
    if (!strstr(said, words))
        fail_msg("'%s' is not in: %s", words, said);
    free(said);
    rule_kit_free(&kit);
}

static int ask_bytes(const struct vg_rule *rule, const char *text, size_t n, bool warn)
{
    struct vg_cell_view cell = {.kind = VG_KIND_TEXT, .text = {text, (uint32_t)n}};
    return rule->type->offends(rule, &cell, warn);
}

static int ask(const struct vg_rule *rule, const char *text)
{
    return ask_bytes(rule, text, strlen(text), false);
}

static int ask_null(const struct vg_rule *rule)
{
    struct vg_cell_view cell = {.kind = VG_KIND_TEXT, .state = VG_VIEW_NULL};
    return rule->type->offends(rule, &cell, false);
}

static void test_blank(void **state)
{
    (void)state;
    static const char *const blank[] = {
        "",
        " ",
        "\t\n\v\f\r ",
        "\xc2\xa0",
        "\xc2\x85",
        "\xe1\x9a\x80",
        "\xe2\x80\x80\xe2\x80\x8a",
        "\xe2\x80\xa8\xe2\x80\xa9",
        "\xe2\x80\xaf\xe2\x81\x9f\xe3\x80\x80",
    };
    static const char *const written[] = {
        "a",        " a",   "a ",       "\xc2\xa0.", "0",    "\xe2\x80\x8b", /* zero width */
        "\xe2\x80",                                                          /* cut */
        "\xe2",     "\xc2", "\xe3\x80", "\xc3\xa4",  "\x01",
    };
    struct rule_kit kit = read_rules("blank: 1%");
    const struct vg_rule *rule = rule_kit_find(&kit, "name.blank");
    assert_true(rule->limits.fail == 0.01);
    for (size_t i = 0; i < COUNT(blank); i++)
        assert_int_equal(ask(rule, blank[i]), 1);
    for (size_t i = 0; i < COUNT(written); i++)
        assert_int_equal(ask(rule, written[i]), 0);
    assert_int_equal(ask_bytes(rule, " \0 ", 3, false), 0);
    assert_int_equal(ask_null(rule), -1);
    rule_kit_free(&kit);
}

static void test_length(void **state)
{
    (void)state;
    struct rule_kit kit = read_rules("length: {min: 2, max: 4, warn: {max: 3}}");
    const struct vg_rule *rule = rule_kit_find(&kit, "name.length");
    assert_true(rule->limits.has_fail && rule->limits.fail == 0);
    static const struct {
        const char *text;
        int offends, warns;
    } rows[] = {
        {"", 1, 0},
        {"a", 1, 0},
        {"ab", 0, 0},
        {"abc", 0, 0},
        {"abcd", 0, 1},
        {"abcde", 1, 1},
        {"\xc3\xa4\xe2\x82\xac", 0, 0}, /* two characters */
        {"\xf0\x9f\x98\x80", 1, 0},     /* one of four bytes */
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xc3\xa4\xc3\xa4", 0, 1},
        {"    ", 0, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = strlen(rows[i].text);
        assert_int_equal(ask_bytes(rule, rows[i].text, n, false), rows[i].offends);
        assert_int_equal(ask_bytes(rule, rows[i].text, n, true), rows[i].warns);
    }
    assert_int_equal(ask_null(rule), -1);
    rule_kit_free(&kit);
}

static void test_bounds_of_length(void **state)
{
    (void)state;
    assert_refused("length: {min: -1}", "no text has a length below 0");
    assert_refused("length: {max: \"2001-01-01\"}", "no text has a length like that");
    assert_refused("length: {max: 3, warn: {max: -2}}", "no text has a length below 0");
    assert_refused("length: {fail: 1%}", "length needs a limit");
    assert_refused("length: 3", "length must be a mapping");
}

static void test_format(void **state)
{
    (void)state;
    struct rule_kit kit = read_rules("format: [{is: email}, {is: iban, id: account, fail: 2%}]");
    const struct vg_rule *email = rule_kit_find(&kit, "name.format");
    const struct vg_rule *iban = rule_kit_find(&kit, "account");
    assert_int_equal(ask(email, "a@b.de"), 0);
    assert_int_equal(ask(email, "DE89370400440532013000"), 1);
    assert_int_equal(ask(email, ""), 1);
    assert_int_equal(ask_null(email), -1);
    assert_int_equal(ask(iban, "DE89370400440532013000"), 0);
    assert_int_equal(ask(iban, "a@b.de"), 1);
    assert_true(iban->limits.fail == 0.02);
    rule_kit_free(&kit);
    kit = read_rules("format: longitude"); /* the last of the list */
    assert_int_equal(ask(rule_kit_find(&kit, "name.format"), "180"), 0);
    assert_int_equal(ask(rule_kit_find(&kit, "name.format"), "181"), 1);
    rule_kit_free(&kit);
    assert_refused("format: e-mail", "email");
    assert_refused("format: {fail: 1%}", "is");
}

/* What each says, over counts made up. */
static void test_measures(void **state)
{
    (void)state;
    static const struct {
        const char *checks, *id, *why;
    } rows[] = {
        {"blank: true", "name.blank", "3 of 40 rows empty or white space only"},
        {"length: {min: 2}", "name.length", "3 of 40 rows shorter than 2 characters"},
        {"length: {max: 20}", "name.length", "3 of 40 rows longer than 20 characters"},
        {"length: {min: 2, max: 20}", "name.length",
         "3 of 40 rows with a length outside [2, 20] characters"},
        {"format: uuid", "name.format", "3 of 40 rows not of the format uuid"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rule_kit rules = read_rules(rows[i].checks);
        const struct vg_rule *rule = rule_kit_find(&rules, rows[i].id);
        struct vg_predicate_summary predicate = {
            .id = vg_arena_strdup(rules.arena, rows[i].id), .tested = 40, .offending = 3};
        struct kit kit;
        kit_init(&kit, rule->type->name, "name");
        kit.rule.params = rule->params;
        kit.rule.limits = rule->limits;
        kit.now.predicates = &predicate;
        kit.now.npredicates = 1;
        const struct vg_measure *measure = kit_measure(&kit, 1);
        kit_assert_found(measure, 0.075, rows[i].why);
        assert_true(measure->n_now == 40 && measure->at_most == VG_FAIL);
        kit.now.npredicates = 0;
        kit_assert_skipped(kit_measure(&kit, 1), VG_UNKNOWN, "column name does not exist");
        kit_free(&kit);
        rule_kit_free(&rules);
    }
}

static void test_warn_bounds_only_warn(void **state)
{
    (void)state;
    struct vg_predicate_summary predicates[] = {
        {.id = "name.length", .tested = 40, .offending = 1},
        {.id = "name.length#warn", .tested = 40, .offending = 10}};
    struct kit kit;
    kit_init(&kit, "length", "name");
    kit.now.predicates = predicates;
    kit.now.npredicates = COUNT(predicates);
    kit.rule.limits.bounds = (struct vg_bounds){.has_max = true, .max = 9};
    kit.rule.limits.warn_bounds = (struct vg_bounds){.has_min = true, .min = 3};
    kit_assert_found(kit_measure(&kit, 2), 0.025, "1 of 40 rows longer than 9 characters");
    kit_assert_found(&kit.measures.items[1], 0.25, "10 of 40 rows shorter than 3 characters");
    assert_int_equal(kit.measures.items[1].at_most, VG_WARN);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blank),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_bounds_of_length),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_measures),
        cmocka_unit_test(test_warn_bounds_only_warn),
    };
    return cmocka_run_group_tests_name("check_texts", tests, NULL, NULL);
}
