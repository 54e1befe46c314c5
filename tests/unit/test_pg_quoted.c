/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/pg/quoted.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "agent/pg/session.h"

static void test_hides(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        bool is_cut;
        const char *said, *shown;
    } rows[] = {
        {"22P02", false, "invalid input syntax for type integer: \"123-45\"",
         "invalid input syntax for type integer: \"\""},
        {"22P02", false, "invalid input syntax for type integer: \"\"123-45\"\"",
         "invalid input syntax for type integer: \"\""},
        {"22P02", false, "invalid input syntax for type date: \"a\"b\"c\" d\"",
         "invalid input syntax for type date: \"\""},
        {"22003", false, "value \"99\"\"99\" is out of range for type integer",
         "value \"\" is out of range for type integer"},
        {"22007", false, "invalid value \"secret\" for \"YYYY\"", "invalid value \"\""},
        {"22P02", true, "invalid input syntax for type json: \"\"a\" and mu",
         "invalid input syntax for type json: \""},
        {"22P02", false, "invalid input syntax for type integer: \"12",
         "invalid input syntax for type integer: \""},
        {"22P02", false, "ung\u00fcltige Eingabesyntax f\u00fcr Typ integer: \u00bb123-45\u00ab",
         "ung\u00fcltige Eingabesyntax f\u00fcr Typ integer: "},
        {"22P02", false, "syntaxe en entr\u00e9e invalide : \u00ab 123-45 \u00bb",
         "syntaxe en entr\u00e9e invalide : "},
        {"22012", false, "division by zero", "division by zero"},
        {"23514", false, "value \"x\" violates \"c\"", "value \"\""},
        {"P0001", false, "no such patient: \"Ann \"X\" Lee\"", "no such patient: \"\""},
        {"42601", false, "syntax error in tsquery: \"12 34\"", "syntax error in tsquery: \"\""},
        {"42601", false, "syntax error at or near \"FORM\"", "syntax error at or near \"FORM\""},
        {"42703", false, "column \"a\"\"b\" does not exist", "column \"a\"\"b\" does not exist"},
        {"42P01", false, "relation \"x.y\" does not exist", "relation \"x.y\" does not exist"},
        {"55P03", false, "could not obtain lock on relation \"t\"",
         "could not obtain lock on relation \"t\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s", rows[i].said);
        vg_pg_hide_values(rows[i].sqlstate, text, rows[i].is_cut);
        assert_string_equal(text, rows[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hides)};
    return cmocka_run_group_tests_name("pg_quoted", tests, NULL, NULL);
}
