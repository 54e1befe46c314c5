/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines as they leave by stderr: logfmt and JSON, what is escaped, long texts, levels, counts.
 * Standard error is a file for the length of one line. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pgvigil/log.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct capture {
    FILE *file;
    int saved;
    char text[70000];
};

static void begin(struct capture *capture)
{
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->saved = dup(STDERR_FILENO);
    assert_true(capture->saved >= 0);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

/* What was written, NUL-terminated; standard error is itself again. */
static const char *finish(struct capture *capture)
{
    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    close(capture->saved);
    rewind(capture->file);
    size_t n = fread(capture->text, 1, sizeof capture->text - 1, capture->file);
    capture->text[n] = '\0';
    fclose(capture->file);
    return capture->text;
}

/* The line behind its time, which must be one of this hour. */
static const char *skip_time(const char *line)
{
    int64_t us;
    char text[VG_TIME_TEXT] = "";
    assert_int_equal(strncmp(line, "ts=", 3), 0);
    size_t n = strcspn(line + 3, " ");
    assert_in_range(n, 20, sizeof text - 1);
    memcpy(text, line + 3, n);
    assert_int_equal(vg_parse_time(text, &vg_utc, &us), 0);
    assert_true(us > INT64_C(1000000000) * VG_US);
    return line + 3 + n;
}

static const struct pair_case {
    const char *value, *logfmt; /* as it stands behind key= */
} pair_cases[] = {
    {"plain", "plain"},
    {"a.b/c:d-e", "a.b/c:d-e"},
    {"", "\"\""},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"line\nbreak", "\"line\\nbreak\""},
    {"tab\there", "\"tab\\u0009here\""},
    {"\x1b[31m", "\"\\u001b[31m\""},
    {"\x7f", "\"\\u007f\""},
    {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
    {"bad\xff", "\"bad\xef\xbf\xbd\""},
    {"\xc2\x80", "\"\\u0080\""},
    {"a\xc2\x9b"
     "31m",
     "\"a\\u009b31m\""},
    {"\xc2\xa0", "\"\xc2\xa0\""},
    {"\xd8\x9c", "\"\\u061c\""},
    {"\xe2\x80\x8e\xe2\x80\x8f", "\"\\u200e\\u200f\""},
    {"\xe2\x80\xaa\xe2\x80\xae", "\"\\u202a\\u202e\""},
    {"\xe2\x80\xa9\xe2\x80\xaf", "\"\xe2\x80\xa9\xe2\x80\xaf\""},
    {"\xe2\x81\xa6\xe2\x81\xa9", "\"\\u2066\\u2069\""},
    {"\xe2\x81\xa5\xe2\x81\xaa", "\"\xe2\x81\xa5\xe2\x81\xaa\""},
    {"\xe6\xb0\xb4 \xd0\x9c", "\"\xe6\xb0\xb4 \xd0\x9c\""},
};

static void test_logfmt(void **state)
{
    (void)state;
    vg_log_setup(VG_LOG_DEBUG, false);
    for (size_t i = 0; i < COUNT(pair_cases); i++) {
        struct capture capture;
        char want[200];
        begin(&capture);
        vg_log(VG_LOG_INFO, "window judged", "gone", NULL, "key", pair_cases[i].value, "rows", "7",
               NULL);
        const char *line = skip_time(finish(&capture));
        snprintf(want, sizeof want, " level=info msg=\"window judged\" key=%s rows=7\n",
                 pair_cases[i].logfmt);
        assert_string_equal(line, want);
    }
}

static void test_json(void **state)
{
    (void)state;
    vg_log_setup(VG_LOG_DEBUG, true);
    for (size_t i = 0; i < COUNT(pair_cases); i++) {
        struct capture capture;
        begin(&capture);
        vg_log(VG_LOG_WARN, "read failed", "gone", NULL, "key", pair_cases[i].value, NULL);
        const char *text = finish(&capture);
        assert_int_equal(strcspn(text, "\n"), strlen(text) - 1); /* one line */
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        assert_int_equal(json_object_size(line), 4);
        assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
        assert_string_equal(json_string_value(json_object_get(line, "msg")), "read failed");
        const char *value = pair_cases[i].value;
        if (!vg_utf8_valid(value, strlen(value)))
            value = "bad\xef\xbf\xbd";
        assert_string_equal(json_string_value(json_object_get(line, "key")), value);
        json_decref(line);
    }
}

static void test_levels_and_counts(void **state)
{
    (void)state;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int least = VG_LOG_DEBUG; least <= VG_LOG_LEVELS; least++) {
        vg_log_setup((enum vg_log_level)least, false);
        for (int level = VG_LOG_DEBUG; level < VG_LOG_LEVELS; level++) {
            struct capture capture;
            char want[40];
            uint64_t before = vg_log_count((enum vg_log_level)level);
            begin(&capture);
            vg_log((enum vg_log_level)level, "said", NULL);
            const char *text = finish(&capture);
            snprintf(want, sizeof want, " level=%s msg=said\n", names[level]);
            assert_string_equal(level < least ? text : skip_time(text), level < least ? "" : want);
            assert_int_equal(vg_log_count((enum vg_log_level)level), before + 1);
            assert_string_equal(vg_log_level_name((enum vg_log_level)level), names[level]);
        }
    }
    assert_int_equal(vg_log_count(VG_LOG_LEVELS), 0);
    assert_string_equal(vg_log_level_name(VG_LOG_LEVELS), "error");
}

/* A text of any length leaves its line whole and shorter: nothing is lost silently. */
static void test_long_lines_are_cut(void **state)
{
    (void)state;
    static const char *const pieces[] = {"x", "\xe2\x82\xac", "\x01", "a b"};
    static char longest[50000];
    for (size_t i = 0; i < 2 * COUNT(pieces); i++) {
        const char *piece = pieces[i / 2];
        size_t size = strlen(piece), n = 0;
        for (; n + size < sizeof longest; n += size)
            memcpy(longest + n, piece, size);
        longest[n] = '\0';
        vg_log_setup(VG_LOG_INFO, i % 2);
        struct capture capture;
        begin(&capture);
        vg_log(VG_LOG_ERROR, "long", "first", longest, "second", longest, "third", "3", NULL);
        const char *text = finish(&capture);
        assert_in_range(strlen(text), 1000, 20000);
        assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
        assert_true(vg_utf8_valid(text, strlen(text)));
        if (i % 2) {
            json_t *line = json_loads(text, 0, NULL);
            assert_non_null(line);
            assert_non_null(json_object_get(line, "third"));
            json_decref(line);
        }
    }
}

/* A closed standard error must not stop the agent. */
static void test_closed_stderr(void **state)
{
    (void)state;
    vg_log_setup(VG_LOG_INFO, false);
    struct capture capture;
    begin(&capture);
    close(STDERR_FILENO);
    uint64_t before = vg_log_count(VG_LOG_INFO);
    vg_log(VG_LOG_INFO, "nobody hears", NULL);
    assert_int_equal(vg_log_count(VG_LOG_INFO), before + 1);
    assert_string_equal(finish(&capture), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logfmt),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_levels_and_counts),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_closed_stderr),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
