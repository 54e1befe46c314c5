/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files: the forms of a check, the defaults of a dataset and how they depend on each other,
 * identities, privacy. The checks are made up here, one for each form that a table can ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/check.h"
#include "pgvigil/text.h"
#include "tests/unit/rule_kit.h"

/* --- Checks of every form --------------------------------------------------------------------- */

struct params {
    bool on;
    int64_t count, span_us;
    double number, ratio;
    const char *word;
    struct vg_strings values;
    int level;
    bool prepared;
};

#define PARAM(name_, type_, field_, required_, fallback_, choices_)                                \
    {                                                                                              \
        name_, type_, offsetof(struct params, field_), required_, fallback_, choices_,             \
            "a parameter"                                                                          \
    }

static const char *const levels[] = {"low", "high", NULL};
static const struct vg_param list_params[] = {
    PARAM("values", VG_PARAM_STRINGS, values, true, NULL, NULL)};
static const struct vg_param flag_params[] = {PARAM("on", VG_PARAM_BOOL, on, false, "true", NULL)};
static const struct vg_param many_params[] = {
    PARAM("count", VG_PARAM_INT, count, false, "3", NULL),
    PARAM("span", VG_PARAM_DURATION, span_us, false, "1h", NULL),
    PARAM("number", VG_PARAM_NUMBER, number, true, NULL, NULL),
    PARAM("ratio", VG_PARAM_RATIO, ratio, false, "10%", NULL),
    PARAM("word", VG_PARAM_STRING, word, false, NULL, NULL),
    PARAM("level", VG_PARAM_CHOICE, level, false, "high", levels),
};

static int prepare(void *params, struct vg_arena *arena)
{
    (void)arena;
    struct params *p = params;
    p->prepared = true;
    return 0;
}

static void validate(const struct vg_rule *rule, struct vg_diags *diags)
{
    const struct params *p = rule->params;
    if (p->number > 100)
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL, NULL, "number is too large");
}

#define PARAMS(p) .params = p, .nparams = sizeof p / sizeof *p, .params_size = sizeof(struct params)

static const struct vg_check_type share = {.name = "share",
                                           .doc = "a share",
                                           .unit = VG_UNIT_RATIO,
                                           .class = VG_CLASS_QUALITY,
                                           .of_column = true,
                                           .filterable = true,
                                           .shorthand = "fail"};
static const struct vg_check_type span = {.name = "span",
                                          .doc = "bounds on rows",
                                          .unit = VG_UNIT_RATIO,
                                          .of_column = true,
                                          .bounds = VG_BOUNDS_ON_ROWS,
                                          .default_fail = "0"};
static const struct vg_check_type list = {.name = "list",
                                          .doc = "a list",
                                          .unit = VG_UNIT_RATIO,
                                          .of_column = true,
                                          .shorthand = "values",
                                          .default_fail = "0",
                                          PARAMS(list_params),
                                          .prepare = prepare};
static const struct vg_check_type flag = {
    .name = "flag", .doc = "a flag", .of_column = true, .shorthand = "on", PARAMS(flag_params)};
static const struct vg_check_type many = {.name = "many",
                                          .doc = "parameters",
                                          .unit = VG_UNIT_COUNT,
                                          .of_column = true,
                                          .default_fail = "5",
                                          PARAMS(many_params),
                                          .validate = validate,
                                          .prepare = prepare};
static const struct vg_check_type far = {.name = "far",
                                         .doc = "drift",
                                         .unit = VG_UNIT_RATIO,
                                         .class = VG_CLASS_DRIFT,
                                         .of_column = true,
                                         .needs_reference = true,
                                         .shorthand = "fail"};
static const struct vg_check_type age = {.name = "age",
                                         .doc = "seconds",
                                         .unit = VG_UNIT_SECONDS,
                                         .class = VG_CLASS_FRESHNESS,
                                         .shorthand = "fail"};
static const struct vg_check_type amount = {.name = "amount",
                                            .doc = "bounds on the value",
                                            .unit = VG_UNIT_ROWS,
                                            .class = VG_CLASS_VOLUME,
                                            .bounds = VG_BOUNDS_ON_VALUE,
                                            .shorthand = "min"};
static const struct vg_check_type alive = {.name = "alive", .doc = "implicit", .implicit = true};
static const struct vg_check_type watch = {.name = "watch",
                                           .doc = "implicit with parameters",
                                           .unit = VG_UNIT_COUNT,
                                           .implicit = true,
                                           .default_fail = "0",
                                           PARAMS(flag_params),
                                           .prepare = prepare};

const struct vg_check_type *const vg_checks[] = {&alive, &watch, &age,  &amount, &share,
                                                 &span,  &list,  &flag, &many,   &far};
const size_t vg_checks_n = sizeof vg_checks / sizeof *vg_checks;

const struct vg_check_type *vg_check_find(const char *name)
{
    const struct vg_check_type *found = NULL;
    for (size_t i = 0; i < vg_checks_n; i++)
        found = !strcmp(vg_checks[i]->name, name) ? vg_checks[i] : found;
    return found;
}

/* --- Texts ------------------------------------------------------------------------------------ */

#define HEADER                                                                                     \
    "version: 1\n"                                                                                 \
    "dataset: d\n"                                                                                 \
    "source: {connection: warehouse, table: s.t, time_column: at, key: [id]}\n"
#define WITH_REFERENCE HEADER "reference: {from: 2001-01-01, to: 2001-02-01}\n"

static struct rule_kit read_column(const char *checks)
{
    char text[2000];
    snprintf(text, sizeof text, WITH_REFERENCE "columns:\n  c:\n    %s\n", checks);
    return rule_kit_read(rule_kit_config, text);
}

static void test_short_forms(void **state)
{
    (void)state;
    struct rule_kit kit =
        rule_kit_fine(rule_kit_config, WITH_REFERENCE
                      "columns:\n"
                      "  c: {share: 5%, list: [a, 1], flag: false, drift: {far: 0.3}}\n"
                      "  e: {list: x, share: 0}\n"
                      "checks:\n"
                      "  - age: 8h\n"
                      "  - amount: 2500\n");
    const struct vg_rule *rule = rule_kit_find(&kit, "c.share");
    assert_true(rule->limits.has_fail && rule->limits.fail == 0.05);
    assert_false(rule->limits.has_warn);
    assert_string_equal(rule->column, "c");
    assert_ptr_equal(rule->type, &share);
    assert_ptr_equal(rule->dataset, kit.dataset);
    assert_int_equal(rule->loc.line, 6);
    assert_int_equal(rule->loc.column, 7);
    assert_string_equal(rule->loc.file, "rule.yaml");
    assert_int_equal(rule->severity, VG_SEVERITY_CRITICAL);
    assert_int_equal(rule->min_rows, VG_DEFAULT);
    assert_int_equal(rule->after, VG_DEFAULT);
    const struct params *params = rule_kit_find(&kit, "c.list")->params;
    assert_int_equal(params->values.n, 2);
    assert_string_equal(params->values.items[1], "1");
    assert_true(params->prepared);
    assert_true(rule_kit_find(&kit, "c.list")->limits.has_fail);
    params = rule_kit_find(&kit, "e.list")->params;
    assert_int_equal(params->values.n, 1);
    params = rule_kit_find(&kit, "c.flag")->params;
    assert_false(params->on);
    assert_true(rule_kit_find(&kit, "c.drift.far")->limits.fail == 0.3);
    assert_true(rule_kit_find(&kit, "age")->limits.fail == 8 * 3600);
    assert_null(rule_kit_find(&kit, "age")->column);
    rule = rule_kit_find(&kit, "amount");
    assert_true(rule->limits.bounds.has_min && rule->limits.bounds.min == 2500);
    assert_false(rule->limits.has_fail);
    rule_kit_free(&kit);
}

static void test_long_form(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config,
        HEADER "notify: {to: [ops], warn: [audit], after: 2, blind_after: 1h}\n"
               "columns:\n"
               "  c:\n"
               "    share:\n"
               "      fail: 5%\n"
               "      warn: 1%\n"
               "      id: mine\n"
               "      was: c.share\n"
               "      severity: info\n"
               "      where: \"x = '${HOME}'\"\n"
               "      min_rows: 50\n"
               "      resolve_after: 4\n"
               "      notify: {to: [oncall]}\n"
               "      description: what it is\n"
               "      runbook: https://example.test/r\n"
               "      tags: [a, b]\n"
               "    many: {number: 7, word: w, level: low, count: 9, span: 2m, ratio: 20%}\n");
    const struct vg_rule *rule = rule_kit_find(&kit, "mine");
    assert_true(rule->limits.fail == 0.05 && rule->limits.has_warn && rule->limits.warn == 0.01);
    assert_string_equal(rule->was, "c.share");
    assert_int_equal(rule->severity, VG_SEVERITY_INFO);
    assert_string_equal(rule->where, "x = '${HOME}'");
    assert_int_equal(rule->min_rows, 50);
    assert_int_equal(rule->after, 2);
    assert_int_equal(rule->resolve_after, 4);
    assert_true(rule->blind_after_us == VG_HOUR_US);
    assert_int_equal(rule->to.n, 1);
    assert_string_equal(rule->to.items[0], "oncall");
    assert_string_equal(rule->warn_to.items[0], "audit");
    assert_string_equal(rule->description, "what it is");
    assert_string_equal(rule->runbook, "https://example.test/r");
    assert_int_equal(rule->tags.n, 2);
    rule = rule_kit_find(&kit, "c.many");
    const struct params *params = rule->params;
    assert_true(params->number == 7 && params->ratio == 0.2);
    assert_string_equal(params->word, "w");
    assert_int_equal(params->level, 0);
    assert_int_equal(params->count, 9);
    assert_true(params->span_us == 2 * VG_MINUTE_US);
    assert_true(rule->limits.has_fail && rule->limits.fail == 5);
    assert_string_equal(rule->to.items[0], "ops");
    rule_kit_free(&kit);
}

static void test_bounds(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(
        rule_kit_config, HEADER "timezone: Europe/Berlin\n"
                                "columns:\n"
                                "  a: {span: {min: -1.5, max: 2, warn: {max: 1}, fail: 1%}}\n"
                                "  b: {span: {min: 2001-06-13, max: \"2001-06-13T00:00:00Z\"}}\n"
                                "  c: {span: {max: 0, warn: 0.5%, fail: 1%}}\n"
                                "  d: {span: {warn: {min: 1}}}\n"
                                "checks:\n"
                                "  - amount: {min: 10, max: 20, warn: {min: 12}}\n");
    const struct vg_limits *limits = &rule_kit_find(&kit, "a.span")->limits;
    assert_true(limits->bounds.has_min && limits->bounds.min == -1.5);
    assert_true(limits->bounds.has_max && limits->bounds.max == 2);
    assert_true(limits->warn_bounds.has_max && limits->warn_bounds.max == 1);
    assert_false(limits->warn_bounds.has_min);
    assert_true(limits->has_fail && limits->fail == 0.01);
    limits = &rule_kit_find(&kit, "b.span")->limits;
    assert_true(limits->bounds.min == 992383200e6);
    assert_true(limits->bounds.max == 992390400e6);
    assert_true(limits->has_fail && limits->fail == 0);
    limits = &rule_kit_find(&kit, "c.span")->limits;
    assert_true(limits->has_warn && limits->warn == 0.005);
    limits = &rule_kit_find(&kit, "d.span")->limits;
    assert_true(limits->warn_bounds.has_min && !limits->bounds.has_min && !limits->bounds.has_max);
    limits = &rule_kit_find(&kit, "amount")->limits;
    assert_true(limits->bounds.max == 20 && limits->warn_bounds.min == 12);
    assert_false(limits->has_fail);
    rule_kit_free(&kit);
}

static void test_order_and_implicit(void **state)
{
    (void)state;
    struct rule_kit kit = rule_kit_fine(rule_kit_config, WITH_REFERENCE
                                        "checks: [{age: 1h}, {watch: {on: false, id: other}}]\n"
                                        "columns:\n"
                                        "  z: {drift: {far: 0.5}, share: 0}\n"
                                        "  a: {share: 0}\n");
    static const char *const ids[] = {"alive", "z.drift.far", "z.share", "a.share", "age", "other"};
    assert_int_equal(kit.dataset->nrules, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(kit.dataset->rules[i].id, ids[i]);
        assert_int_equal(kit.dataset->rules[i].implicit, i == 0);
    }
    rule_kit_free(&kit);
    kit = rule_kit_fine(rule_kit_config, HEADER);
    assert_int_equal(kit.dataset->nrules, 2);
    const struct vg_rule *rule = rule_kit_find(&kit, "watch");
    const struct params *params = rule->params;
    assert_true(rule->implicit && params->on && params->prepared);
    assert_true(rule->limits.has_fail && rule->limits.fail == 0);
    assert_int_equal(rule->loc.line, 2);
    assert_false(rule_kit_find(&kit, "alive")->limits.has_fail);
    rule_kit_free(&kit);
}

static void test_ids(void **state)
{
    (void)state;
    struct rule_kit kit =
        rule_kit_fine(rule_kit_config, WITH_REFERENCE
                      "columns:\n"
                      "  a_1: {share: 0}\n"
                      "  \"b c\": {share: 0, drift: {far: 0.1}}\n"
                      "  'd\"e.f': {share: 0}\n"
                      "  \"\xc3\xa9\": {share: 0}\n"
                      "  \"*\": {share: 1%}\n"
                      "  g: {share: [{fail: 5%}, {fail: 1%, id: strict, where: x}]}\n");
    rule_kit_find(&kit, "a_1.share");
    rule_kit_find(&kit, "\"b c\".share");
    rule_kit_find(&kit, "\"b c\".drift.far");
    rule_kit_find(&kit, "\"d\"\"e.f\".share");
    rule_kit_find(&kit, "\"\xc3\xa9\".share");
    assert_string_equal(rule_kit_find(&kit, "\"*\".share")->column, "*");
    rule_kit_find(&kit, "g.share");
    assert_true(rule_kit_find(&kit, "strict")->limits.fail == 0.01);
    assert_int_equal(kit.dataset->ncolumns, 6);
    rule_kit_free(&kit);
}

struct refusal {
    const char *checks, *msg;
};

/* Each under column c, with one fault. */
static const struct refusal refusals[] = {
    {"share: 140 %", "share: 140 % is not between 0 % and 100 %"},
    {"share:", "share must be a ratio such as 1% or 0.01, not empty"},
    {"share: [1%, 2%]", "share must be a ratio such as 1% or 0.01, not a list"},
    {"share: [{fail: 1%}, 2%]", "several rules of one kind are written as mappings"},
    {"share: false", "share is off unless it has a limit"},
    {"share: {}", "share needs a limit"},
    {"share: {severity: info}", "share needs a limit"},
    {"share: {fail: 1%, warn: 1%}", "warn is not below fail"},
    {"share: {fail: 1%, warn: 2%}", "warn is not below fail"},
    {"share: {fail: 1%, min: 2}", "share has no \"min\""},
    {"share: {fail: 1%, wheer: x}", "unknown key \"wheer\" in share"},
    {"share: {fail: 1%, segment: origin}", "the dataset has no segments"},
    {"share: {fail: 1%, segments: [a]}", "segments are named once for the whole file"},
    {"share: {fail: 1%, id: a b}",
     "id: \"a b\" is not a name of letters, digits, _ . and -, at most 100"},
    {"share: {fail: 1%, id: watch}", "the id \"watch\" belongs to a rule that every dataset has"},
    {"share: {fail: 1%, was: watch}", "was: the rule \"watch\" still exists, in line 2"},
    {"share: {fail: 1%, after: 0}", "after: 0 is below 1, the least allowed"},
    {"share: {fail: 1%, severity: grave}",
     "severity: \"grave\" is not one of the words allowed here"},
    {"share: {fail: 1%, notify: [opps]}", "there is no receiver \"opps\""},
    {"share: {fail: 1%, notify: {remind: 1h}}", "unknown key \"remind\" in notify of a rule"},
    {"share: [{fail: 1%}, {fail: 2%}]", "a second rule of one kind needs an \"id\""},
    {"share: [{fail: 1%}, {fail: 2%, id: c.share}]",
     "the id \"c.share\" is taken by the rule in line 7"},
    {"span: 5", "span must be a mapping, not a single value"},
    {"span: {fail: 1%}", "span needs a limit"},
    {"span: {min: 1, max: 0}", "min is above max"},
    {"span: {min: 2001-01-02, max: 2001-01-01}", "min is above max"},
    {"span: {min: 2001-01-02, max: 5}", "min and max must be of one kind"},
    {"span: {min: x}", "min: \"x\" is neither a number nor a time"},
    {"span: {min: }", "min must be a number, not empty"},
    {"span: {min: 1, warn: {min: 0}}", "min of warn is below min"},
    {"span: {max: 1, warn: {max: 2}}", "max of warn is above max"},
    {"span: {max: 1, warn: {}}", "warn needs min, max or both"},
    {"span: {max: 1, warn: {min: 2, max: 1}}", "min is above max"},
    {"span: {max: 1, warn: 1%}", "warn is not below fail, which is 0 here"},
    {"span: {min: 1, where: x}", "span has no \"where\""},
    {"list: []", "list is an empty list"},
    {"list: {fail: 1%}", "\"values\" is missing in list"},
    {"flag: 1", "flag: \"1\" is not true or false"},
    {"many: {number: 101}", "number is too large"},
    {"many: {number: 1, level: mid}", "level: \"mid\" is not one of the words allowed here"},
    {"many: 5", "many must be a mapping, not a single value"},
    {"far: 0.3", "far does not stand here"},
    {"age: 8h", "age does not stand here"},
    {"drift: {share: 1%}", "share does not stand here"},
    {"drift: 0.3", "drift must be a mapping, not a single value"},
    {"drift: {far: {fail: 0.3, id: x}, fear: 1}", "unknown key \"fear\" in drift"},
    {"private: yes", "private: \"yes\" is not true or false"},
    {"type: [text]", "type must be a text, not a list"},
    {"shares: 1%", "unknown key \"shares\" in column \"c\""},
    {"segments: [a]", "segments are named once for the whole file"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rule_kit kit = read_column(refusals[i].checks);
        if (kit.diags.n != 1 || strcmp(kit.diags.items[0].msg, refusals[i].msg)) {
            char *printed = rule_kit_print(&kit.diags);
            fail_msg("%s:\n%s", refusals[i].checks, printed);
        }
        assert_non_null(kit.diags.items[0].line_text);
        rule_kit_free(&kit);
    }
}

/* What a dataset's own keys refuse; after HEADER, with the line. */
static const struct {
    const char *text, *msg;
    uint32_t line;
} dataset_refusals[] = {
    {"columns: {c: {drift: {far: 0.3}}}\n", "far needs a reference, and the dataset has none", 4},
    {"columns: [c]\n", "columns must be a mapping, not a list", 4},
    {"columns: {c: }\n", "column \"c\" must be a mapping, not empty", 4},
    {"columns: {\"*\": {share: {fail: 1%, id: x}}}\n",
     "rules under \"*\" cannot have \"id\": there is one for each column", 4},
    {"columns: {\"*\": {share: [{fail: 1%}, {fail: 2%}]}}\n",
     "under \"*\" there is one rule of each kind", 4},
    {"columns: {id: {private: true}}\nprivate_keys: false\n",
     "the key is private here, but private_keys is false", 4},
    {"checks: {age: 8h}\n", "checks must be a list, not a mapping", 4},
    {"checks: [age]\n", "an item of checks is one check, not a single value", 4},
    {"checks:\n  - age: 8h\n    amount: 5\n", "an item of checks is one check", 6},
    {"checks: [{}]\n", "an item of checks is one check, not an empty mapping", 4},
    {"checks: [{aeg: 8h}]\n", "unknown key \"aeg\" in checks", 4},
    {"checks: [{share: 1%}]\n", "share does not stand here", 4},
    {"checks: [{age: 8h}, {age: 9h}]\n", "the id \"age\" is taken by the rule in line 4", 4},
    {"checks: [{amount: {fail: 5}}]\n", "amount has no \"fail\"", 4},
    {"checks: [{amount: {min: 5, warn: 7}}]\n", "warn of amount must be a mapping of min and max",
     4},
    {"checks: [{amount: {min: -5}}]\n", "min: -5 is below 0, the least allowed", 4},
    {"checks: [{age: {fail: 1h, where: x}}]\n", "age has no \"where\"", 4},
    {"checks: [{alive: false}]\n", "alive cannot be switched off: every dataset has it", 4},
    {"checks: [{alive: {fail: 1}}]\n", "alive has no \"fail\"", 4},
    {"schedule: {window: 7m}\n", "window: 7m is no length for a window: it does not divide an hour",
     4},
    {"schedule: {window: 5h}\n",
     "window: 5h is no length for a window: windows above 1h have 2h, 3h, 4h, 6h, 8h, 12h, 1d or "
     "1w",
     4},
    {"schedule: {window: 1500ms}\n",
     "window: 1500ms is no length for a window: it does not divide an hour", 4},
    {"schedule: {late: 90m}\n", "late must be at least 2 windows", 4},
    {"schedule: {window: 1d, nodata_after: 36h}\n", "nodata_after must be at least 2 windows", 4},
    {"schedule: {timezone: UTC}\ntimezone: UTC\n", "timezone was given in line 5 already", 4},
    {"timezone: Europe/Berln\n", "the time zone \"Europe/Berln\" is not known to this system", 4},
    {"scan_timeout: 11m\n", "a scan_timeout above 10m needs long_scan: true", 4},
    {"sample: some\n", "this is no sample", 4},
    {"sample: {}\n", "a sample is either rows or percent", 4},
    {"sample: {rows: 5, percent: 5}\n", "a sample is either rows or percent", 4},
    {"sample: {percent: 140}\n", "percent: 140 is above 100, the most allowed", 4},
    {"reference: {}\n", "the reference does not say what it is made of", 4},
    {"reference: {from: 2001-01-01}\n", "\"to\" is missing beside \"from\"", 4},
    {"reference: {to: 2001-01-01}\n", "\"from\" is missing beside \"to\"", 4},
    {"reference: {from: 2001-01-01, to: 2001-01-01}\n", "the reference ends before it begins", 4},
    {"reference: {from: 2001-01-01, to: 2001-02-01, table: a.b}\n",
     "a reference is of one kind only", 4},
    {"reference: {capture: now}\n", "the reference of a table with a time column is a span of time",
     4},
    {"reference: {capture: later}\n", "capture: \"later\" is not one of the words allowed here", 4},
    {"drift: {base: 90m}\n",
     "base: 90m is no length for a window: windows above 1h have 2h, 3h, 4h, 6h, 8h, 12h, 1d or 1w",
     4},
    {"schedule: {window: 2h}\ndrift: {base: 3h}\n", "base must be a whole multiple of the window",
     5},
    {"drift: true\n", "drift: true stands below a column, or below \"*\" for all of them", 4},
    {"notify: {to: [ops, nobody]}\n", "there is no receiver \"nobody\"", 4},
    {"notify: oops\n", "there is no receiver \"oops\"", 4},
    {"was: d\n", "was: a dataset cannot take over from itself", 4},
    {"segments: [origin]\n", "without a reference the values of origin must be listed", 4},
    {"role: feature\n", "role: \"feature\" is not one of the words allowed here", 4},
    {"max_offending: -1\n", "max_offending: -1 is below 0, the least allowed", 4},
    {"isolation: true\n", "unknown key \"isolation\" in a rule file", 4},
};

static void test_dataset_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dataset_refusals / sizeof dataset_refusals[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text, HEADER "%s", dataset_refusals[i].text);
        struct rule_kit kit = rule_kit_read(rule_kit_config, text);
        if (kit.diags.n != 1 || strcmp(kit.diags.items[0].msg, dataset_refusals[i].msg)) {
            char *printed = rule_kit_print(&kit.diags);
            fail_msg("%s:\n%s", dataset_refusals[i].text, printed);
        }
        assert_int_equal(kit.diags.items[0].loc.line, dataset_refusals[i].line);
        rule_kit_free(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_long_form),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_order_and_implicit),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_dataset_refusals),
    };
    return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
