/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key quarantine of rule files: what it refuses, what it warns of, its defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/rule_kit.h"

static void test_quarantine(void **state)
{
    (void)state;
    static const char head[] =
        "version: 1\ndataset: d\n"
        "source: {connection: warehouse, table: a.b, time_column: at, key: [id]}\n";
    static const struct {
        const char *text, *msg;
        bool fine;
    } rows[] = {
        {"quarantine: {connection: warehouse, table: a.c}\n",
         "quarantine is written by the role that reads: what pgvigil watches is no longer out of "
         "its reach",
         true},
        {"quarantine: {connection: archives, table: a.c}\n", "there is no connection \"archives\"",
         false},
        {"quarantine: {connection: archive, table: c}\n", "\"c\" is no name of a table", false},
        {"quarantine: {connection: archive, table: 'a.b; DROP TABLE a.b'}\n",
         "\"a.b; DROP TABLE a.b\" is no name of a table", false},
        {"quarantine: {connection: archive}\n", "\"table\" is missing in quarantine", false},
        {"quarantine: {connection: archive, table: a.c, limit: 0}\n",
         "limit: 0 is below 1, the least allowed", false},
    };
    char text[1000];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%s%s", head, rows[i].text);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        assert_int_equal(kit.diags.n, 1);
        assert_string_equal(kit.diags.items[0].msg, rows[i].msg);
        assert_int_equal(kit.dataset != NULL, rows[i].fine);
        rule_kit_free(&kit);
    }
    struct rule_kit kit = rule_kit_read(
        rule_kit_config, "version: 1\ndataset: d\n"
                         "source: {connection: warehouse, table: a.b, time_column: at}\n"
                         "quarantine: {connection: archive, table: a.c}\n");
    assert_int_equal(kit.diags.errors, 1);
    assert_string_equal(kit.diags.items[0].msg, "quarantine writes keys, and the source has none");
    rule_kit_free(&kit);
    snprintf(text, sizeof text, "%squarantine: {connection: archive, table: '\"A\".c'}\n", head);
    kit = rule_kit_fine(rule_kit_config, text);
    assert_string_equal(kit.dataset->quarantine.connection, "archive");
    assert_string_equal(kit.dataset->quarantine.table, "\"A\".c");
    assert_int_equal(kit.dataset->quarantine.limit, 1000000);
    rule_kit_free(&kit);
}

/* Keys are written while rows are read, so one connection cannot do for both. */
static void test_connections_left(void **state)
{
    (void)state;
    static const char text[] =
        "version: 1\ndataset: d\n"
        "source: {connection: warehouse, table: a.b, time_column: at, key: [id]}\n"
        "quarantine: {connection: %s, table: a.c}\n";
    static const struct {
        int most;
        const char *connection;
        int errors, warnings;
    } rows[] = {{1, "warehouse", 1, 0}, {2, "warehouse", 0, 1}, {1, "archive", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char config[300], file[400];
        snprintf(config, sizeof config,
                 "connections:\n"
                 "  warehouse: {conninfo: \"service=warehouse\", max_connections: %d}\n"
                 "  archive: {conninfo: \"service=archive\", max_connections: 1}\n",
                 rows[i].most);
        snprintf(file, sizeof file, text, rows[i].connection);
        struct rule_kit kit = rule_kit_read(config, file);
        assert_int_equal(kit.diags.errors, rows[i].errors);
        assert_int_equal(kit.diags.n, rows[i].errors + rows[i].warnings);
        if (rows[i].errors)
            assert_string_equal(kit.diags.items[0].msg,
                                "keys are written while rows are read, and connection "
                                "\"warehouse\" has max_connections 1");
        rule_kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_connections_left),
    };
    return cmocka_run_group_tests_name("rule_quarantine", tests, NULL, NULL);
}
