/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the checks whose rows PostgreSQL judges, from the rule as it is written to the SQL
 * it becomes: checks/ask_row.c, check_pattern.c, check_condition.c, check_delay.c. */
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

static struct vg_catalog_column columns[] = {
    {.name = "name", .quoted = "name", .type = "text", .kind = VG_KIND_TEXT, .wire_oid = 25},
    {.name = "a\"b", .quoted = "\"a\"\"b\"", .type = "text", .kind = VG_KIND_TEXT, .wire_oid = 25},
    {.name = "at", .quoted = "at", .type = "timestamptz", .kind = VG_KIND_TIME, .wire_oid = 1184},
    {.name = "Born", .quoted = "\"Born\"", .type = "date", .kind = VG_KIND_TIME, .wire_oid = 1082},
    {.name = "wall", .quoted = "wall", .type = "timestamp", .kind = VG_KIND_TIME, .wire_oid = 1114},
    {.name = "secret",
     .quoted = "secret",
     .type = "timestamptz",
     .kind = VG_KIND_TIME,
     .wire_oid = 1184,
     .unreadable = true},
};
static const struct vg_catalog catalog = {
    .quoted = "ml.people", .columns = columns, .n = COUNT(columns)};

static struct rule_kit read_file(const char *checks, bool timed, bool fine)
{
    char text[2000];
    int n = snprintf(text, sizeof text,
                     "version: 1\ndataset: people\ntimezone: Europe/Berlin\n"
                     "source: {connection: warehouse, table: ml.people%s}\n"
                     "schedule: {window: 1d}\n%s\n",
                     timed ? ", time_column: at" : "", checks);
    assert_in_range(n, 1, sizeof text - 1);
    return fine ? rule_kit_fine(rule_kit_config, text) : rule_kit_read(rule_kit_config, text);
}

/* What `condition` of the file's last rule writes; NULL: it failed. On the heap. */
static char *write_last(const struct rule_kit *kit, struct vg_error *err)
{
    const struct vg_rule *rule = &kit->dataset->rules[kit->dataset->nrules - 1];
    struct vg_asked asked = {.rule = rule,
                             .catalog = &catalog,
                             .column =
                                 rule->column ? vg_catalog_find(&catalog, rule->column) : NULL};
    struct vg_buf out;
    vg_buf_init(&out, 10000);
    int rc = rule->type->condition(&asked, &out, err);
    char *text = rc < 0 ? NULL : vg_buf_take(&out);
    vg_buf_free(&out);
    return text;
}

static void assert_sql(const char *checks, const char *want)
{
    struct vg_error err = {0};
    struct rule_kit kit = read_file(checks, true, true);
    char *sql = write_last(&kit, &err);
    assert_non_null(sql);
    assert_string_equal(sql, want);
    free(sql);
    rule_kit_free(&kit);
}

#define MATCH(op, regex, of, op2)                                                                  \
    "CASE WHEN (''::pg_catalog.text OPERATOR(pg_catalog." op ") " regex                            \
    ") IS NULL THEN NULL ELSE " of "::pg_catalog.text OPERATOR(pg_catalog." op2 ") " regex " END"

static void test_pattern(void **state)
{
    (void)state;
    /* a plain one is matched here */
    assert_sql("columns: {name: {pattern: '^[A-Z]+$'}}", "");
    assert_sql("columns: {name: {pattern: '^(a|b)$'}}", MATCH("~", "'^(a|b)$'", "name", "!~"));
    assert_sql("columns: {'a\"b': {pattern: {regex: 'x|y', not: true}}}",
               MATCH("~", "'x|y'", "\"a\"\"b\"", "~"));
    assert_sql("columns: {name: {pattern: {regex: 'x', case_insensitive: true}}}",
               MATCH("~*", "'x'", "name", "!~*"));
    assert_sql("columns: {name: {pattern: {regex: 'x', case_insensitive: true, not: true}}}",
               MATCH("~*", "'x'", "name", "~*"));
    /* nothing in a regular expression ends the literal */
    assert_sql("columns: {name: {pattern: \"^\\\\d+' OR '1'='1\"}}",
               MATCH("~", "E'^\\\\d+'' OR ''1''=''1'", "name", "!~"));
    assert_sql("columns: {name: {pattern: \"\\\\'); DROP TABLE x; --\"}}",
               MATCH("~", "E'\\\\''); DROP TABLE x; --'", "name", "!~"));
}

static void test_condition(void **state)
{
    (void)state;
    assert_sql("checks: [{condition: 'a <= b'}]", "NOT (\na <= b\n)");
    assert_sql("checks: [{condition: {holds: 'a <= b OR c', nulls: fail, id: ordered}}]",
               "(\na <= b OR c\n) IS NOT TRUE");
    assert_sql("checks: [{condition: 'a > 0 -- positive'}]", "NOT (\na > 0 -- positive\n)");
}

#define DELAY(a, b, to, from, most)                                                                \
    "CASE WHEN " a " IS NULL OR " b " IS NULL THEN NULL WHEN pg_catalog.isfinite(" a               \
    ") AND pg_catalog.isfinite(" b ") THEN " to " - " from " > '" most                             \
    " microseconds'::pg_catalog.interval"
#define BORN "pg_catalog.timezone('Europe/Berlin', \"Born\"::pg_catalog.timestamp)"
#define WALL "pg_catalog.timezone('Europe/Berlin', wall::pg_catalog.timestamp)"

static void test_delay(void **state)
{
    (void)state;
    assert_sql("checks: [{delay: {from: wall, most: 1h}}]",
               DELAY("wall", "at", "at", WALL, "3600000000") " OR at < " WALL " ELSE true END");
    assert_sql("checks: [{delay: {from: at, to: Born, most: 250ms, negative: skip}}]",
               DELAY("at", "\"Born\"", BORN, "at", "250000") " ELSE true END");
}

static void test_columns_that_do_not_serve(void **state)
{
    (void)state;
    static const struct {
        const char *checks, *why;
        enum vg_code code;
    } rows[] = {
        {"checks: [{delay: {from: gone, most: 1h}}]", "column gone does not exist in ml.people",
         VG_E_NOT_FOUND},
        {"checks: [{delay: {from: wall, to: gone, most: 1h}}]",
         "column gone does not exist in ml.people", VG_E_NOT_FOUND},
        {"checks: [{delay: {from: name, most: 1h}}]", "delay does not fit column name of type text",
         VG_E_CONFIG},
        {"checks: [{delay: {from: secret, most: 1h}}]", "no permission to read column secret",
         VG_E_CONFIG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vg_error err = {0};
        struct rule_kit kit = read_file(rows[i].checks, true, true);
        assert_null(write_last(&kit, &err));
        assert_int_equal(err.code, rows[i].code);
        assert_string_equal(err.msg, rows[i].why);
        rule_kit_free(&kit);
    }
}

static void test_faults_of_rules(void **state)
{
    (void)state;
    static const struct {
        const char *checks;
        bool timed;
        const char *words;
    } rows[] = {
        {"checks: [{delay: {from: wall, most: 1h}}]", false, "delay needs \"to\""},
        {"checks: [{delay: {from: at, most: 1h}}]", true, "delay from at to itself is always 0"},
        {"checks: [{delay: {most: 1h}}]", true, "from"},
        {"checks: [{delay: {from: wall}}]", true, "most"},
        {"checks: [{delay: {from: wall, most: 1h, negative: no}}]", true, "negative"},
        {"checks: [{condition: 'a) OR (true'}]", true, "a parenthesis is closed"},
        {"checks: [{condition: 'a; DROP TABLE x'}]", true, "semicolon"},
        {"checks: [{condition: {nulls: fail}}]", true, "holds"},
        {"columns: {name: {condition: 'a'}}", true, "condition"},
        {"columns: {name: {pattern: {not: true}}}", true, "regex"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rule_kit kit = read_file(rows[i].checks, rows[i].timed, false);
        char *said = rule_kit_print(&kit.diags);
        if (!kit.diags.errors || !strstr(said, rows[i].words))
            fail_msg("'%s' is not in: %s", rows[i].words, said);
        free(said);
        rule_kit_free(&kit);
    }
}

static void test_measures(void **state)
{
    (void)state;
    static const struct {
        const char *checks, *why;
    } rows[] = {
        {"columns: {name: {pattern: x}}", "3 of 40 rows do not match the pattern"},
        {"columns: {name: {pattern: {regex: x, not: true}}}", "3 of 40 rows match the pattern"},
        {"checks: [{condition: a}]", "3 of 40 rows do not meet the condition"},
        {"checks: [{delay: {from: wall, most: 90s}}]",
         "3 of 40 rows took more than 90s or less than nothing from wall to at"},
        {"checks: [{delay: {from: wall, to: Born, most: 1d, negative: skip}}]",
         "3 of 40 rows took more than 1d from wall to Born"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rule_kit rules = read_file(rows[i].checks, true, true);
        const struct vg_rule *rule = &rules.dataset->rules[rules.dataset->nrules - 1];
        struct vg_predicate_summary predicate = {
            .id = vg_arena_strdup(rules.arena, rule->id), .tested = 40, .offending = 3};
        struct kit kit;
        kit_init(&kit, rule->type->name, rule->column);
        kit.rule = *rule;
        kit.now.predicates = &predicate;
        kit.now.npredicates = 1;
        kit_assert_found(kit_measure(&kit, 1), 0.075, rows[i].why);
        kit.now.npredicates = 0;
        assert_int_equal(kit_measure(&kit, 1)->look, VG_UNKNOWN);
        kit_free(&kit);
        rule_kit_free(&rules);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern),         cmocka_unit_test(test_condition),
        cmocka_unit_test(test_delay),           cmocka_unit_test(test_columns_that_do_not_serve),
        cmocka_unit_test(test_faults_of_rules), cmocka_unit_test(test_measures),
    };
    return cmocka_run_group_tests_name("ask_row", tests, NULL, NULL);
}
