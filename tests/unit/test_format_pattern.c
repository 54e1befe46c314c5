/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which expressions are plain, and what they match. That the server says the same of many more
 * texts is tested in tests/e2e/test_pattern.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "checks/format_pattern.h"

static const struct {
    const char *regex, *fits, *misses;
} plain[] = {
    {"^[A-Z]{2}-\\d{5}$", "AB-01234", "AB-0123"},
    {"^[A-Z]{2}-\\d{5}$", "ZZ-99999", "ZZ-99999 "},
    {"^abc$", "abc", "abcd"},
    {"^abc", "abcd", "aabc"},
    {"abc$", "aabc", "abcd"},
    {"abc", "xabcx", "ab c"},
    {"aab", "aaab", "aba"},
    {"^a?b*c+$", "ccc", "ab"},
    {"^a?b*c+$", "abbbc", "aac"},
    {"^a{2,3}$", "aaa", "aaaa"},
    {"^a{2,}$", "aaaaaaaa", "a"},
    {"^a{0,2}$", "", "aaa"},
    {"^[a-z0-9_-]+$", "a-b_9", "a b"},
    {"^[-+]?[0-9]+\\.[0-9]{2}$", "-12.50", "12,50"},
    {"^[0-9]*$", "", "\xd9\xa3"},
    {"^\\$[ ]x$", "$ x", "$x"},
    {"x*", "anything", NULL},
    {"^[a-z]?[a-z]?[a-z]?9$", "ab9", "abcd9"},
    {"[0-9]$", "a1b2", "a1b2c"},
};

static const char *const not_plain[] = {
    "",      "^",           "^$",     "a|b",         "(a)",      "a**",        "a+?",   "*a",
    "^*a",   "a{,2}",       "a{2,1}", "a{0}",        "a{0,0}",   "a{2",        "a{",    "a{100}",
    "a{63}", ".",           "\\w",    "\\s",         "\\",       "\\1",        "\\D",   "[^a]",
    "[]a]",  "[[:alpha:]]", "[a",     "[z-a]",       "[a-",      "[a-c-e]",    "[\\d]", "[a-\\]",
    "a^b",   "a$b",         "a}",     "a]",          "\xc3\xa4", "[\xc3\xa4]", "a\tb",  "***:a",
    "(?i)a", "[]",          "[a--]",  "[.-a]{2}{3}", "\\x41",
};

static struct vg_slice slice(const char *text)
{
    return (struct vg_slice){text, (uint32_t)strlen(text)};
}

static void test_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct vg_format_pattern pattern;
        if (!vg_format_pattern_read(plain[i].regex, &pattern))
            fail_msg("%s is plain", plain[i].regex);
        if (!vg_format_pattern_fits(&pattern, slice(plain[i].fits)))
            fail_msg("%s matches '%s'", plain[i].regex, plain[i].fits);
        if (plain[i].misses && vg_format_pattern_fits(&pattern, slice(plain[i].misses)))
            fail_msg("%s does not match '%s'", plain[i].regex, plain[i].misses);
    }
}

static void test_not_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_plain / sizeof *not_plain; i++) {
        struct vg_format_pattern pattern;
        if (vg_format_pattern_read(not_plain[i], &pattern))
            fail_msg("'%s' is left to the server", not_plain[i]);
    }
}

static void test_digits(void **state)
{
    (void)state;
    struct vg_format_pattern pattern;
    assert_true(vg_format_pattern_read("^[0-9]\\d$", &pattern));
    assert_true(pattern.digits && pattern.from_start && pattern.to_end);
    assert_true(vg_format_pattern_read("[0-9]", &pattern));
    assert_false(pattern.digits || pattern.from_start || pattern.to_end);
}

/* As many places as there is room for, the last of them repeated. */
static void test_room(void **state)
{
    (void)state;
    char text[200];
    struct vg_format_pattern pattern;
    assert_true(vg_format_pattern_read("^a{61}b*$", &pattern));
    memset(text, 'a', 61);
    memset(text + 61, 'b', 100);
    text[161] = '\0';
    assert_true(vg_format_pattern_fits(&pattern, slice(text)));
    assert_false(vg_format_pattern_fits(&pattern, slice(text + 1)));
    text[100] = 'a';
    assert_false(vg_format_pattern_fits(&pattern, slice(text)));
    assert_true(vg_format_pattern_read("^a{62}$", &pattern));
    assert_false(vg_format_pattern_read("^a{62}b$", &pattern));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_not_plain),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests_name("format_pattern", tests, NULL, NULL);
}
