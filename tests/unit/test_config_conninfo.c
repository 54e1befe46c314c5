/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connection strings that libpq cannot parse are faults of pgvigil.yaml at their place; no piece of
 * them is repeated in the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/config/config.h"

static void test_faulty_conninfo(void **state)
{
    (void)state;
    static const struct {
        const char *conninfo, *msg;
    } faults[] = {
        {"warehouse", "missing \"...\" in connection info string"},
        {"host=h prot=5432", "invalid connection option \"...\""},
        {"host='h", "unterminated quoted string in connection info string"},
        {"postgresql://[::1/db", "end of string reached when looking for matching \"...\""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct vg_diags diags = {0};
        struct vg_config *config;
        char text[200], msg[200];
        int n = snprintf(text, sizeof text, "connections:\n  a:\n      conninfo: \"%s\"\n",
                         faults[i].conninfo);
        assert_int_equal(vg_config_parse(text, (size_t)n, "pgvigil.yaml", &diags, &config), -1);
        const struct vg_diag *fault = &diags.items[0];
        assert_int_equal(fault->grade, VG_GRADE_ERROR);
        snprintf(msg, sizeof msg, "the conninfo cannot be parsed: %s", faults[i].msg);
        assert_int_equal(strncmp(fault->msg, msg, strlen(msg)), 0);
        assert_int_equal(fault->loc.line, 3);
        assert_int_equal(fault->loc.column, 17);
        assert_non_null(strstr(fault->hint, "host=db port=5432"));
        vg_diags_free(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faulty_conninfo)};
    return cmocka_run_group_tests_name("config_conninfo", tests, NULL, NULL);
}
