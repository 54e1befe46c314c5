/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files in tests: reads a text against a small configuration and finds its rules. Fails the
 * test where result and faults disagree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rule_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/rules/rule.h"

const char rule_kit_config[] = "connections:\n"
                               "  warehouse: {conninfo: \"service=warehouse\"}\n"
                               "  archive: {conninfo: \"service=archive\"}\n"
                               "receivers:\n"
                               "  ops: {webhook: {url: \"https://example.test/ops\"}}\n"
                               "  oncall: {webhook: {url: \"https://example.test/oncall\"}}\n"
                               "  audit: {webhook: {url: \"https://example.test/audit\"}}\n";

struct rule_kit rule_kit_read(const char *config, const char *text)
{
    struct rule_kit kit = {.arena = vg_arena_new()};
    assert_non_null(kit.arena);
    if (vg_config_parse(config, strlen(config), "pgvigil.yaml", &kit.diags, &kit.config) < 0)
        fail_msg("%s", kit.diags.items[0].msg);
    assert_int_equal(kit.diags.n, 0);
    struct vg_rule_text in = {text, strlen(text), "rule.yaml", kit.config, false};
    int rc = vg_rule_parse(&in, kit.arena, &kit.diags, &kit.dataset);
    assert_int_equal(rc, kit.diags.errors ? -1 : 0);
    assert_int_equal(rc == 0, kit.dataset != NULL);
    return kit;
}

struct rule_kit rule_kit_fine(const char *config, const char *text)
{
    struct rule_kit kit = rule_kit_read(config, text);
    if (kit.diags.n) {
        char *printed = rule_kit_print(&kit.diags);
        print_message("%s", printed);
        free(printed);
    }
    assert_int_equal(kit.diags.n, 0);
    return kit;
}

void rule_kit_free(struct rule_kit *kit)
{
    vg_diags_free(&kit->diags);
    vg_arena_free(kit->arena);
    vg_config_free(kit->config);
}

const struct vg_rule *rule_kit_find(const struct rule_kit *kit, const char *id)
{
    const struct vg_rule *found = NULL;
    assert_non_null(kit->dataset);
    for (size_t i = 0; i < kit->dataset->nrules; i++) {
        if (!strcmp(kit->dataset->rules[i].id, id))
            found = &kit->dataset->rules[i];
    }
    if (!found)
        fail_msg("there is no rule %s", id);
    return found;
}

char *rule_kit_print(const struct vg_diags *diags)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    vg_diags_print(diags, out, false);
    fclose(out);
    return text;
}
