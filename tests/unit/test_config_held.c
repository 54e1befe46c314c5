/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of who holds a configuration (agent/config/config.c): the sanitizers look on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/config/config.h"

static const char text[] = "connections: {warehouse: {conninfo: \"service=warehouse\"}}\n";

/* Whoever holds it has it, and whoever lets it go last frees it. */
static void test_held(void **state)
{
    struct vg_diags diags = {0};
    struct vg_config *config;
    (void)state;
    assert_int_equal(vg_config_parse(text, strlen(text), "pgvigil.yaml", &diags, &config), 0);
    assert_ptr_equal(vg_config_hold(config), config);
    assert_int_equal(*config->users, 2);
    vg_config_free(config);
    assert_string_equal(config->file, "pgvigil.yaml");
    vg_config_drop(config);
    vg_diags_free(&diags);
}

static void test_nobodys(void **state)
{
    static const struct vg_config made = {.file = "made"};
    (void)state;
    vg_config_drop(vg_config_hold(&made));
    assert_string_equal(made.file, "made");
    assert_null(vg_config_hold(NULL));
    vg_config_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_held), cmocka_unit_test(test_nobodys)};
    return cmocka_run_group_tests_name("config_held", tests, NULL, NULL);
}
