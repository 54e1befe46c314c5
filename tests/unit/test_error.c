/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors and diagnostics: cutting without breaking a character, order and shape of what is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/error.h"
#include "pgvigil/text.h"

static void test_long_texts_keep_whole_characters(void **state)
{
    (void)state;
    char long_text[1000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(long_text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof long_text; i += 3)
            memcpy(long_text + i, "\xe2\x82\xac", 4);
        struct vg_error err;
        assert_int_equal(vg_fail(&err, VG_E_DATA, "%s", long_text), -1);
        assert_true(vg_utf8_valid(err.msg, strlen(err.msg)));
        assert_true(strlen(err.msg) > sizeof err.msg - 5);
        vg_where(&err, "dataset %zu", shift);
        assert_true(vg_utf8_valid(err.msg, strlen(err.msg)));
        assert_int_equal(strncmp(err.msg, "dataset ", 8), 0);
        vg_hint(&err, "%s", long_text);
        assert_true(vg_utf8_valid(err.hint, strlen(err.hint)));
        vg_where(&err, "%s", long_text);
        assert_true(vg_utf8_valid(err.msg, strlen(err.msg)));
    }
}

static void test_where(void **state)
{
    (void)state;
    struct vg_error err;
    vg_fail(&err, VG_E_QUERY, "no column");
    vg_where(&err, "flights");
    assert_string_equal(err.msg, "flights: no column");
    assert_int_equal(err.code, VG_E_QUERY);
    assert_int_equal(vg_fail(NULL, VG_E_QUERY, "nobody listens"), -1);
}

static void test_diagnostics(void **state)
{
    (void)state;
    struct vg_diags diags = {0};
    struct vg_loc b = {"b.yaml", 1, 1}, a9 = {"a.yaml", 9, 3}, a2 = {"a.yaml", 2, 5};
    vg_diag_add(&diags, VG_GRADE_ERROR, b, NULL, NULL, "third");
    vg_diag_add(&diags, VG_GRADE_WARNING, a9, "  x\ty: 1", "", "second");
    vg_diag_add(&diags, VG_GRADE_ERROR, a2, "key: value\n", "try this", "first %d", 1);
    assert_int_equal(diags.errors, 2);
    assert_int_equal(vg_diags_errors_in(&diags, "a.yaml"), 1);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    vg_diags_print(&diags, out, false);
    fclose(out);
    assert_string_equal(text, "a.yaml:2:5: error: first 1\n"
                              "    key: value\n"
                              "        ^\n"
                              "    hint: try this\n"
                              "a.yaml:9:3: warning: second\n"
                              "      x y: 1\n"
                              "      ^\n"
                              "b.yaml:1:1: error: third\n");
    free(text);
    vg_diags_free(&diags);
}

static void test_diagnostics_are_bounded(void **state)
{
    (void)state;
    struct vg_diags diags = {0};
    struct vg_loc loc = {"a.yaml", 1, 1};
    for (int i = 0; i < VG_DIAGS_MAX + 5; i++)
        vg_diag_add(&diags, VG_GRADE_ERROR, loc, NULL, NULL, "again");
    assert_int_equal(diags.n, VG_DIAGS_MAX);
    assert_int_equal(diags.dropped, 5);
    assert_int_equal(diags.errors, VG_DIAGS_MAX + 5);
    vg_diags_free(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_texts_keep_whole_characters),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_diagnostics),
        cmocka_unit_test(test_diagnostics_are_bounded),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
