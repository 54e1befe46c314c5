/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/commands/retrain_json.c: whatever stands in a store, the list is JSON, and
 * what need not be cleaned is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands/retrain_show.h"

/* What is printed, parsed. */
static json_t *print(const struct vg_retrain_group *group)
{
    json_error_t where;
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);
    assert_true(file && saved >= 0);
    fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    int rc = vg_retrain_json(group, 1);
    fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    assert_int_equal(rc, VG_EXIT_OK);
    rewind(file);
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
    fclose(file);
    if (!root)
        fail_msg("not JSON: %s", where.text);
    return root;
}

static const char *text_at(json_t *root, const char *list, const char *key)
{
    json_t *model = json_array_get(json_object_get(root, "models"), 0);
    json_t *item = json_array_get(json_object_get(model, list), 0);
    const char *text = json_string_value(json_object_get(item, key));
    if (!text)
        fail_msg("%s has no text %s", list, key);
    return text;
}

static const struct {
    const char *said, *shown;
} texts[] = {
    {"plain", "plain"},
    {"", ""},
    {"caf\xc3\xa9 \"quoted\" \\ back", "caf\xc3\xa9 \"quoted\" \\ back"},
    {"two\nlines\tand a tab", "two\nlines\tand a tab"},
    {"cut off\xc3", "cut off\xef\xbf\xbd"},
    {"cut off\xf0\x9f\x98", "cut off\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xff\xfe"
     "bytes",
     "\xef\xbf\xbd\xef\xbf\xbd"
     "bytes"},
    {"\xed\xa0\x80 half a pair", NULL},
    {"\xc0\xaf overlong", NULL},
    {"\x01\x1b[31m controls", NULL},
};

/* Of every text that came from outside. */
static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *said = texts[i].said;
        const struct vg_retraining config = {.model = "delays"};
        struct vg_onset onset = {.key = "k",
                                 .model = "delays",
                                 .dataset = said,
                                 .rule = said,
                                 .column = said,
                                 .check = said,
                                 .segment = said,
                                 .approval_by = said,
                                 .approval_why = said};
        struct vg_retrain_run run = {
            .key = "k", .model = "delays", .system = said, .id = said, .url = said, .answer = said};
        struct vg_decision decision = {.model = "delays",
                                       .key = "k",
                                       .kind = VG_DECIDED_WITHHELD,
                                       .reason = said,
                                       .by = said,
                                       .dataset = said,
                                       .rule = said};
        const struct vg_retrain_group group = {
            .config = &config,
            .standing = {&onset, &run, &decision},
            .onsets = &onset,
            .nonsets = 1,
            .runs = &run,
            .nruns = 1,
            .decisions = &decision,
            .ndecisions = 1,
        };
        static const struct {
            const char *list, *key;
        } places[] = {
            {"onsets", "dataset"},
            {"onsets", "rule"},
            {"onsets", "column"},
            {"onsets", "check"},
            {"onsets", "segment"},
            {"onsets", "approval_by"},
            {"onsets", "approval_why"},
            {"runs", "system"},
            {"runs", "run"},
            {"runs", "url"},
            {"runs", "answer"},
            {"decisions", "by"},
            {"decisions", "reason"},
        };
        json_t *root = print(&group);
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            const char *shown = text_at(root, places[k].list, places[k].key);
            if (texts[i].shown && strcmp(shown, texts[i].shown) != 0)
                fail_msg("%s.%s: '%s' is shown as '%s'", places[k].list, places[k].key, said,
                         shown);
        }
        json_decref(root);
    }
}

/* What is not known is null, and a number that is none too. */
static void test_what_is_missing(void **state)
{
    const struct vg_retraining config = {.model = "delays"};
    struct vg_onset onset = {.key = "k",
                             .model = "delays",
                             .dataset = "d",
                             .rule = "r",
                             .value = (double)NAN,
                             .limit = (double)INFINITY,
                             .fired_us = VG_NEVER,
                             .ended_us = VG_NEVER,
                             .approval_us = VG_NEVER};
    struct vg_decision decision = {.model = "delays", .key = "k"};
    const struct vg_retrain_group group = {
        .config = &config, .onsets = &onset, .nonsets = 1, .decisions = &decision, .ndecisions = 1};
    static const char *const nulls[] = {"column", "check",    "segment",     "value",
                                        "limit",  "fired_at", "approval_by", "approval_why"};
    (void)state;
    json_t *root = print(&group);
    json_t *model = json_array_get(json_object_get(root, "models"), 0);
    json_t *shown = json_array_get(json_object_get(model, "onsets"), 0);
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        assert_true(json_is_null(json_object_get(shown, nulls[i])));
    shown = json_array_get(json_object_get(model, "decisions"), 0);
    assert_true(json_is_null(json_object_get(shown, "evidence")));
    assert_true(json_is_null(json_object_get(shown, "reason")));
    assert_string_equal(json_string_value(json_object_get(shown, "by")), "pgvigil");
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts),
                                       cmocka_unit_test(test_what_is_missing)};
    return cmocka_run_group_tests_name("retrain_json", tests, NULL, NULL);
}
