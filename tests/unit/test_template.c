/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/template.c: what is written, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "agent/template.h"
#include "tests/unit/delivery_kit.h"

static void expect_text(const struct vg_message *message, const char *text, const char *want)
{
    struct vg_buf out;
    size_t at;
    struct vg_error err = {0};
    if (vg_template_check(text, &at, &err) < 0)
        fail_msg("%s is refused at %zu: %s", text, at, err.msg);
    vg_buf_init(&out, 1 << 16);
    vg_template_write(&out, text, message);
    assert_false(out.failed);
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

static void test_what_is_written(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"no braces { } }} here", "no braces { } }} here"},
        {"{{dataset}}", "delay_predictions"},
        {"a {{ dataset }} b", "a delay_predictions b"},
        {"{{severity|upper}}: {{ kind | upper | lower }}", "CRITICAL: open"},
        {"{{value}} over {{limit}}, p {{p_value}}", "0.384 over 0.35, p 1e-09"},
        {"{{check}} of {{column}} by {{rule}}", "ks of probability by score-drift"},
        {"{{since}} {{window_from}} {{window_to}} {{rows}}",
         "2001-06-12T00:00:00Z 2001-06-12T00:00:00Z 2001-06-13T00:00:00Z 3458"},
        {"{{segment | default:none}} {{segment | default:\"no | }} segment\"}}",
         "none no | }} segment"},
        {"{{dataset | cut:5}} {{dataset | cut:17}} {{dataset | cut:1}}",
         "dela\xe2\x80\xa6 delay_predictions \xe2\x80\xa6"},
        {"{{by}}|{{dashboard}}|{{role}}", "||"},
        {"{{impact}}", "the model delay-model"},
        {"two\nlines of {{alerts}}", "two\nlines of 1"},
    };
    (void)state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_text(&message, cases[i].text, cases[i].want);
    message.nitems = 0;
    expect_text(&message, "{{check}}{{value}}{{what}}{{basis}}.", ".");
}

/* What is put in is never read again. */
static void test_values_are_no_templates(void **state)
{
    (void)state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    message.dataset = "{{owner}}\n{{key | upper}} \x1b[0m \xff";
    expect_text(&message, "{{dataset}}", "{{owner}} {{key | upper}} \xef\xbf\xbd[0m \xef\xbf\xbd");
    item.column = "\xe2\x80\xae"
                  "evil";
    expect_text(&message, "{{column}}",
                "\xef\xbf\xbd"
                "evil");
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *msg, *hint;
    } cases[] = {
        {"a {{", 4, "a name is missing after {{", "for example {{dataset}}"},
        {"{{dataset", 0, "{{ is not closed", "{{name}} or {{name | filter:argument}}"},
        {"x {{datset}}", 4, "there is no variable \"datset\"", "did you mean dataset?"},
        {"{{dataset | uper}}", 12, "there is no filter \"uper\"", "did you mean upper?"},
        {"{{dataset | zzz}}", 12, "there is no filter \"zzz\"",
         "there are: upper, lower, cut, default"},
        {"{{dataset | cut}}", 12, "cut needs a colon and what it works with",
         "for example {{why | cut:80}}"},
        {"{{dataset | upper:3}}", 12, "upper takes nothing behind a colon",
         "for example {{severity | upper}}"},
        {"{{dataset | cut:no}}", 12, "cut needs a number of characters, 1 to 4000",
         "for example {{why | cut:80}}"},
        {"{{dataset | cut:0}}", 12, "cut needs a number of characters, 1 to 4000", NULL},
        {"{{dataset | cut:99999999999999999999}}", 12,
         "cut needs a number of characters, 1 to 4000", NULL},
        {"{{dataset | default:\"x}}", 20, "the quote is not closed", ""},
        {"{{dataset | default}}", 12, "default needs a colon and what it works with",
         "for example {{owner | default:nobody}}"},
        {"{{dataset owner}}", 10, "}} or | is missing here", NULL},
        {"{{#if x}}", 2, "a name is missing after {{", NULL},
        {"{{dataset.owner}}", 9, "}} or | is missing here", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_error err = {0};
        size_t at;
        assert_int_equal(vg_template_check(cases[i].text, &at, &err), -1);
        assert_int_equal(err.code, VG_E_CONFIG);
        assert_string_equal(err.msg, cases[i].msg);
        if (at != cases[i].at)
            fail_msg("%s: at %zu, not %zu", cases[i].text, at, cases[i].at);
        if (cases[i].hint)
            assert_string_equal(err.hint, cases[i].hint);
    }
}

/* A short word that is quite another is not proposed. */
static void test_no_wild_guess(void **state)
{
    struct vg_error err = {0};
    size_t at;
    (void)state;
    assert_int_equal(vg_template_check("{{nope}}", &at, &err), -1);
    assert_null(strstr(err.hint, "did you mean"));
    assert_int_equal(vg_template_check("{{rol}}", &at, &err), -1);
    assert_string_equal(err.hint, "did you mean role?");
}

static void test_the_state(void **state)
{
    static const struct {
        enum vg_message_kind kind;
        const char *want;
    } cases[] = {
        {VG_MSG_OPEN, "CRITICAL"},
        {VG_MSG_UPDATE, "CRITICAL UPDATE"},
        {VG_MSG_REMIND, "STILL CRITICAL"},
        {VG_MSG_RESOLVE, "RESOLVED"},
        {VG_MSG_TEST, "TEST"},
        {VG_MSG_ACKNOWLEDGE, "ACKNOWLEDGED"},
    };
    (void)state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        message.kind = cases[i].kind;
        expect_text(&message, "{{state}}", cases[i].want);
    }
}

/* Every variable and filter of the documentation is one. */
static void test_words(void **state)
{
    (void)state;
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    size_t i;
    for (i = 0; vg_template_variable(i); i++) {
        char text[80];
        struct vg_buf out;
        size_t at;
        snprintf(text, sizeof text, "{{%s}}", vg_template_variable(i)->name);
        assert_int_equal(vg_template_check(text, &at, NULL), 0);
        vg_buf_init(&out, 1 << 16);
        vg_template_write(&out, text, &message);
        assert_false(out.failed);
        vg_buf_free(&out);
        assert_true(*vg_template_variable(i)->doc);
    }
    assert_true(i > 25);
    for (i = 0; vg_template_filter(i); i++)
        assert_true(*vg_template_filter(i)->doc);
    assert_int_equal(i, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written), cmocka_unit_test(test_values_are_no_templates),
        cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_no_wild_guess),
        cmocka_unit_test(test_the_state),       cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
