/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed values by tables: each type with what it takes and what it refuses, ranges, defaults, the
 * environment, unknown, refused and missing keys; and that every table documents itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/yaml/value.h"
#include "pgvigil/text.h"

static const char *const colours[] = {"red", "green", NULL};

struct all {
    bool truth;
    int64_t whole, duration, time;
    double number, ratio, percent;
    const char *text, *name, *sql, *url, *path;
    struct vg_strings texts, names;
    int choice;
    const struct vg_node *node;
};

#define KEY(name_, type_, field_)                                                                  \
    .name = name_, .type = type_, .offset = offsetof(struct all, field_)

static const struct vg_key keys[] = {
    {KEY("bool", VG_VALUE_BOOL, truth), .fallback = "true"},
    {KEY("int", VG_VALUE_INT, whole), .fallback = "7", .least = "1", .most = "1000"},
    {KEY("number", VG_VALUE_NUMBER, number), .fallback = "-2.5"},
    {KEY("ratio", VG_VALUE_RATIO, ratio), .fallback = "5%"},
    {KEY("percent", VG_VALUE_PERCENT, percent), .most = "100"},
    {KEY("duration", VG_VALUE_DURATION, duration), .fallback = "10m", .most = "30m"},
    {KEY("time", VG_VALUE_TIME, time)},
    {KEY("text", VG_VALUE_STRING, text)},
    {KEY("texts", VG_VALUE_STRINGS, texts)},
    {KEY("name", VG_VALUE_NAME, name)},
    {KEY("names", VG_VALUE_NAMES, names)},
    {KEY("sql", VG_VALUE_SQL, sql)},
    {KEY("url", VG_VALUE_URL, url)},
    {KEY("path", VG_VALUE_PATH, path), .fallback = "here"},
    {KEY("choice", VG_VALUE_CHOICE, choice), .choices = colours, .fallback = "green"},
    {KEY("node", VG_VALUE_NODE, node)},
    {.name = "old", .type = VG_VALUE_REFUSED, .doc = "old is gone", .fallback = "use new"},
};
static const struct vg_key_table table = {"thing", keys, sizeof keys / sizeof *keys};

static const struct vg_zone_step steps[] = {{INT64_MIN, 2 * VG_HOUR_US}};
static const struct vg_zone zone = {"Test/Two", steps, 1};

struct reading {
    struct vg_arena *arena;
    struct vg_diags diags;
    struct vg_part part;
    struct all all;
};

static struct reading read_text(const char *text)
{
    struct reading out = {.arena = vg_arena_new()};
    struct vg_document *document;
    assert_int_equal(vg_yaml_parse(text, strlen(text), "t", out.arena, &out.diags, &document), 0);
    assert_non_null(document->root);
    struct vg_reader r = {.arena = out.arena,
                          .scratch = out.arena,
                          .diags = &out.diags,
                          .document = document,
                          .folder = "etc",
                          .zone = &zone};
    vg_read_table(&r, document->root, &table, &out.part, &out.all);
    assert_false(r.memory);
    assert_int_equal(r.faults, out.diags.errors);
    return out;
}

static void forget(struct reading *r)
{
    vg_diags_free(&r->diags);
    vg_arena_free(r->arena);
}

static void test_defaults(void **state)
{
    (void)state;
    struct reading r = read_text("{}");
    assert_int_equal(r.diags.n, 0);
    assert_true(r.all.truth);
    assert_int_equal(r.all.whole, 7);
    assert_true(r.all.number == -2.5);
    assert_true(r.all.ratio == 0.05);
    assert_int_equal(r.all.duration, 10 * VG_MINUTE_US);
    assert_string_equal(r.all.path, "etc/here");
    assert_int_equal(r.all.choice, 1);
    assert_null(r.all.text);
    for (size_t i = 0; i < r.part.n; i++)
        assert_false(r.part.given[i]);
    forget(&r);
}

static void test_values(void **state)
{
    (void)state;
    struct reading r =
        read_text("bool: false\nint: 12\nnumber: 1e3\nratio: 0.5 %\npercent: 12%\n"
                  "duration: 90s\ntime: 2001-06-13\ntext: 17\ntexts: [a, 'b c', 3]\n"
                  "name: a-B_9.c\nnames: one\nsql: \"x = '${HOME}' and y ~ '$$'\"\n"
                  "url: https://a.b/c?d=e\npath: /x/y/\nchoice: red\nnode: {a: 1}\n");
    assert_int_equal(r.diags.n, 0);
    assert_false(r.all.truth);
    assert_int_equal(r.all.whole, 12);
    assert_true(r.all.number == 1000);
    assert_true(fabs(r.all.ratio - 0.005) < 1e-15);
    assert_true(r.all.percent == 12);
    assert_int_equal(r.all.duration, 90 * VG_US);
    assert_int_equal(r.all.time, INT64_C(992383200) * VG_US);
    assert_string_equal(r.all.text, "17");
    assert_int_equal(r.all.texts.n, 3);
    assert_string_equal(r.all.texts.items[1], "b c");
    assert_string_equal(r.all.name, "a-B_9.c");
    assert_int_equal(r.all.names.n, 1);
    assert_string_equal(r.all.sql, "x = '${HOME}' and y ~ '$$'");
    assert_string_equal(r.all.url, "https://a.b/c?d=e");
    assert_string_equal(r.all.path, "/x/y");
    assert_int_equal(r.all.choice, 0);
    assert_int_equal(r.all.node->n, 1);
    assert_true(vg_part_given(&r.part, "url"));
    assert_true(vg_part_fine(&r.part, "url"));
    assert_false(vg_part_given(&r.part, "old"));
    forget(&r);
}

struct refusal {
    const char *text, *msg, *hint; /* hint NULL: none */
};

static const struct refusal refusals[] = {
    {"bool: yes", "bool: \"yes\" is not true or false", "write true or false"},
    {"bool: off", "bool: \"off\" is not true or false", "write true or false"},
    {"bool: 'true'", "bool: \"true\" in quotes is a text, not true or false",
     "leave the quotes out"},
    {"bool: [true]", "bool must be true or false, not a list", NULL},
    {"bool:", "bool must be true or false, not empty", NULL},
    {"int: 1.5", "int: \"1.5\" is not a whole number", NULL},
    {"int: 1e3", "int: \"1e3\" is not a whole number", "write 1000"},
    {"int: '5'", "int: \"5\" in quotes is a text, not a whole number", "leave the quotes out"},
    {"int: 0", "int: 0 is below 1, the least allowed", NULL},
    {"int: 1001", "int: 1001 is above 1000, the most allowed", NULL},
    {"int: 99999999999999999999", "int: \"99999999999999999999\" is not a whole number", NULL},
    {"number: nan", "number: \"nan\" is not a number", NULL},
    {"number: .inf", "number: \".inf\" is not a number", NULL},
    {"number: 5%", "number: \"5%\" is not a number", "a number, not a share"},
    {"number: 1,000", "number: \"1,000\" is not a number", NULL},
    {"ratio: 140 %", "ratio: 140 % is not between 0 % and 100 %", NULL},
    {"ratio: 5", "ratio: 5 is not between 0 % and 100 %", "5% if per cent is meant"},
    {"ratio: -1%", "ratio: -1% is not between 0 % and 100 %", NULL},
    {"ratio: '0.1'", "ratio: \"0.1\" in quotes is a text, not a ratio such as 1% or 0.01",
     "leave the quotes out"},
    {"ratio: much", "ratio: \"much\" is not a ratio such as 1% or 0.01", NULL},
    {"percent: 101", "percent: 101 is above 100, the most allowed", NULL},
    {"duration: 5 min", "duration: \"5 min\" is not a duration such as 30s, 5m, 8h or 1d",
     "write 5m"},
    {"duration: 5", "duration: \"5\" is not a duration such as 30s, 5m, 8h or 1d",
     "give a unit: 5s, 5m, 5h or 5d"},
    {"duration: 0", "duration: \"0\" is not a duration such as 30s, 5m, 8h or 1d", "write 0s"},
    {"duration: -5m", "duration: \"-5m\" is not a duration such as 30s, 5m, 8h or 1d", NULL},
    {"duration: 1h", "duration: 1h is above 30m, the most allowed", NULL},
    {"time: yesterday",
     "time: \"yesterday\" is not a time such as 2001-06-13 or 2001-06-13T00:10:00Z", NULL},
    {"time: 2001-02-30",
     "time: \"2001-02-30\" is not a time such as 2001-06-13 or 2001-06-13T00:10:00Z", NULL},
    {"text: {a: 1}", "text must be a text, not a mapping", NULL},
    {"text: ''", "text must be a text, not empty", NULL},
    {"text: ~", "text must be a text, not empty", NULL},
    {"texts: []", "texts is an empty list", NULL},
    {"texts: [a, [b]]", "texts must be a text, not a list", NULL},
    {"texts: {a: 1}", "texts must be a text, not a mapping", NULL},
    {"name: a b", "name: \"a b\" is not a name of letters, digits, _ . and -, at most 100", NULL},
    {"names: [a, b, a]", "names: \"a\" is listed twice", NULL},
    {"sql: ' '", "sql: \" \" is not an SQL condition", NULL},
    {"url: ftp://a.b", "url is not an address that begins with http:// or https://", NULL},
    {"url: https:///x", "url is not an address that begins with http:// or https://", NULL},
    {"url: https://a.b/ c", "url is not an address that begins with http:// or https://", NULL},
    {"url: htp://u:secret@a.b", "url is not an address that begins with http:// or https://", NULL},
    {"choice: gren", "choice: \"gren\" is not one of the words allowed here",
     "did you mean \"green\"?"},
    {"choice: elephant", "choice: \"elephant\" is not one of the words allowed here",
     "known here: red, green"},
    {"old: 1", "old is gone", "use new"},
    {"nodes: 1", "unknown key \"nodes\" in thing", "did you mean \"node\"?"},
    {"text: ${PGVIGIL_TEST_NONE}", "text: the environment variable PGVIGIL_TEST_NONE is not set",
     "set it, or write ${PGVIGIL_TEST_NONE:-default}"},
    {"text: ${9A}", "text: \"${9A}\" is not the name of an environment variable",
     "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign"},
    {"text: x ${A", "text: \"${A\" is not the name of an environment variable",
     "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign"},
    {"text: ${A:?b}", "text: \"${A:?b}\" is not the name of an environment variable",
     "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign"},
    {"int: ${PGVIGIL_TEST_WORD}", "int: \"${PGVIGIL_TEST_WORD}\" is not a whole number", NULL},
};

static void test_refusals(void **state)
{
    (void)state;
    assert_int_equal(setenv("PGVIGIL_TEST_WORD", "hunter2", 1), 0);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct reading r = read_text(refusals[i].text);
        assert_int_equal(r.diags.errors, 1);
        assert_string_equal(r.diags.items[0].msg, refusals[i].msg);
        if (refusals[i].hint)
            assert_string_equal(r.diags.items[0].hint, refusals[i].hint);
        else
            assert_null(r.diags.items[0].hint);
        forget(&r);
    }
}

static void test_environment(void **state)
{
    (void)state;
    static const struct {
        const char *text, *out;
    } rows[] = {
        {"text: a${PGVIGIL_TEST_X}b", "ax\ny: zb"},
        {"text: ${PGVIGIL_TEST_NONE:-none}", "none"},
        {"text: ${PGVIGIL_TEST_NONE:-}!", "!"},
        {"text: \"${PGVIGIL_TEST_X:-none}\"", "x\ny: z"},
        {"text: $$${PGVIGIL_TEST_NONE:-a}$$", "$a$"},
        {"text: $HOME ^a$", "$HOME ^a$"},
        {"text: $${A}", "${A}"},
        {"text: ${PGVIGIL_TEST_DOLLAR}", "${PGVIGIL_TEST_X}"},
    };
    assert_int_equal(setenv("PGVIGIL_TEST_X", "x\ny: z", 1), 0);
    assert_int_equal(setenv("PGVIGIL_TEST_DOLLAR", "${PGVIGIL_TEST_X}", 1), 0);
    assert_int_equal(setenv("PGVIGIL_TEST_FIVE", "5", 1), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading r = read_text(rows[i].text);
        assert_int_equal(r.diags.n, 0);
        assert_string_equal(r.all.text, rows[i].out);
        forget(&r);
    }
    /* In a flow mapping braces need quotes: the number in them is a number all the same. */
    struct reading r =
        read_text("{int: \"${PGVIGIL_TEST_FIVE}\", names: [\"a${PGVIGIL_TEST_FIVE}\"]}");
    assert_int_equal(r.diags.n, 0);
    assert_int_equal(r.all.whole, 5);
    assert_string_equal(r.all.names.items[0], "a5");
    forget(&r);
    /* Keys are never touched. */
    r = read_text("${PGVIGIL_TEST_FIVE}: 1");
    assert_int_equal(r.diags.errors, 1);
    assert_string_equal(r.diags.items[0].msg, "unknown key \"${PGVIGIL_TEST_FIVE}\" in thing");
    forget(&r);
    assert_int_equal(setenv("PGVIGIL_TEST_BYTES", "a\xff", 1), 0);
    r = read_text("text: ${PGVIGIL_TEST_BYTES}");
    assert_string_equal(r.diags.items[0].msg, "text is not valid UTF-8 with its variables");
    forget(&r);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text, *advice;
    } rows[] = {
        {"5 min", "write 5m"},
        {"5 Minutes", "write 5m"},
        {"5M", "write 5m"},
        {"1h30m", "write 90m"},
        {"1 hour 30 mins", "write 90m"},
        {"90 sec", "write 90s"},
        {"2 days", "write 2d"},
        {"1.5 h", "write 90m"},
        {"250 msec", "write 250ms"},
        {"2 weeks", "write 2w"},
        {"10", "give a unit: 10s, 10m, 10h or 10d"},
        {"1 month", NULL},
        {"", NULL},
        {"soon", NULL},
        {"5 5 min", NULL},
        {"1..5 min", NULL},
    };
    struct vg_arena *arena = vg_arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *advice = vg_duration_advice(rows[i].text, arena);
        if (rows[i].advice)
            assert_string_equal(advice, rows[i].advice);
        else
            assert_null(advice);
    }
    vg_arena_free(arena);
}

/* Every fault of a mapping is found in one go, each at its own place. */
static void test_all_faults(void **state)
{
    (void)state;
    struct reading r = read_text("bool: 1\nint: x\nfoo: 1\nold: 2\nratio: 2\nnames: [a, a, b c]\n");
    assert_int_equal(r.diags.errors, 7);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(r.diags.items[i].loc.line, i + 1);
    assert_int_equal(r.diags.items[5].loc.column, 12);
    assert_int_equal(r.diags.items[6].loc.column, 15);
    assert_true(vg_part_given(&r.part, "bool"));
    assert_false(vg_part_fine(&r.part, "bool"));
    assert_true(r.all.truth); /* the default stays */
    forget(&r);
}

static void test_names(void **state)
{
    (void)state;
    char name[102];
    memset(name, 'a', sizeof name);
    name[101] = '\0';
    assert_false(vg_name_valid(name));
    name[100] = '\0';
    assert_true(vg_name_valid(name));
    assert_false(vg_name_valid(""));
    assert_false(vg_name_valid("a/b"));
    assert_false(vg_name_valid("\xc3\xa9"));
    assert_true(vg_name_valid("Flights_2001.v-2"));
}

/* Texts of messages are cut at a character and never carry what controls a terminal. */
static void test_shown(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_reader r = {.arena = arena, .scratch = arena};
    char text[200] = "";
    for (size_t i = 0; i < 70; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 3);
    assert_int_equal(strlen(vg_read_shown(&r, text)), 2 * 60 + 3);
    assert_string_equal(vg_read_shown(&r, "a\nb\x1b[1m\xff"), "a b\xef\xbf\xbd[1m\xef\xbf\xbd");
    assert_string_equal(vg_read_shown(&r, "x password=hunter2 y"), "x password=******* y");
    vg_arena_free(arena);
}

static void check_table(const struct vg_key_table *one, struct vg_arena *arena)
{
    assert_true(one->n > 0 && one->n <= 64);
    for (size_t i = 0; i < one->n; i++) {
        const struct vg_key *key = &one->keys[i];
        if (!key->doc || !*key->doc || !*vg_key_type_name(key, arena))
            fail_msg("%s.%s is not documented", one->mapping, key->name);
        assert_non_null(vg_key_default(key));
        assert_true(!key->fallback || !key->required);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(key->name, one->keys[k].name);
    }
}

static void test_documentation(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    size_t n;
    const struct vg_key_table *const *tables = vg_config_tables(&n);
    for (size_t i = 0; i < n; i++)
        check_table(tables[i], arena);
    assert_true(n >= 11);
    tables = vg_rule_tables(&n);
    for (size_t i = 0; i < n; i++)
        check_table(tables[i], arena);
    assert_true(n >= 11);
    assert_string_equal(vg_key_type_name(&keys[14], arena), "red|green");
    assert_string_equal(vg_key_default(&keys[5]), "10m");
    assert_string_equal(vg_key_default(&keys[6]), "");
    vg_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_environment),
        cmocka_unit_test(test_durations),     cmocka_unit_test(test_all_faults),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_shown),
        cmocka_unit_test(test_documentation),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
