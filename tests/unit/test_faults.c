/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files with faults: each folder of tests/faults holds a rule.yaml or a pgvigil.yaml and, in
 * `expect`, exactly what is said about it. Rule files are read against pgvigil.yaml of the folder
 * itself. To add a case, write the file, run the test, and copy what it prints once it is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/rules/rule.h"
#include "tests/unit/rule_kit.h"

static const char folder[] = "tests/faults";

struct content {
    char *data; /* NULL: no such file */
    size_t n;
};

static struct content read_file(const char *name, const char *file)
{
    struct content out = {NULL, 0};
    char path[500];
    snprintf(path, sizeof path, "%s/%s/%s", folder, name, file);
    FILE *in = fopen(path, "r");
    if (!in)
        return out;
    out.data = malloc(400000);
    assert_non_null(out.data);
    out.n = fread(out.data, 1, 399999, in);
    out.data[out.n] = '\0';
    fclose(in);
    return out;
}

/* What the reading of the case's file prints. */
static char *read_case(const char *name, struct vg_config *config)
{
    struct vg_diags diags = {0};
    struct content rule = read_file(name, "rule.yaml"), own = read_file(name, "pgvigil.yaml");
    struct vg_arena *arena = vg_arena_new();
    struct vg_config *read = NULL;
    int rc;
    if (rule.data) {
        struct vg_dataset *dataset;
        struct vg_rule_text in = {rule.data, rule.n, "rule.yaml", config, false};
        rc = vg_rule_parse(&in, arena, &diags, &dataset);
    } else {
        if (!own.data)
            fail_msg("%s/%s holds neither rule.yaml nor pgvigil.yaml", folder, name);
        rc = vg_config_parse(own.data, own.n, "pgvigil.yaml", &diags, &read);
    }
    assert_int_equal(rc, -1);
    assert_true(diags.errors > 0);
    char *printed = rule_kit_print(&diags);
    vg_config_free(read);
    vg_arena_free(arena);
    vg_diags_free(&diags);
    free(rule.data);
    free(own.data);
    return printed;
}

static bool check_case(const char *name, struct vg_config *config)
{
    char *printed = read_case(name, config);
    struct content expect = read_file(name, "expect");
    bool fine = expect.data && !strcmp(printed, expect.data);
    if (!fine)
        fprintf(stderr, "--- %s/%s/expect should be:\n%s", folder, name, printed);
    if (strstr(printed, "hunter2")) {
        fprintf(stderr, "--- %s/%s shows the secret\n", folder, name);
        fine = false;
    }
    free(printed);
    free(expect.data);
    return fine;
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !strchr(entry->d_name, '.');
}

static void test_cases(void **state)
{
    (void)state;
    struct vg_diags diags = {0};
    struct vg_config *config;
    struct dirent **entries;
    struct content text = read_file(".", "pgvigil.yaml");
    if (!text.data)
        fail_msg("%s/pgvigil.yaml: %s (run from the repository's root)", folder, strerror(errno));
    assert_int_equal(vg_config_parse(text.data, text.n, "pgvigil.yaml", &diags, &config), 0);
    int n = scandir(folder, &entries, is_case, alphasort), wrong = 0;
    assert_true(n >= 100);
    assert_int_equal(unsetenv("PGVIGIL_NO_SUCH_SCHEMA"), 0);
    assert_int_equal(unsetenv("PGPASSWORD"), 0);
    for (int i = 0; i < n; i++) {
        wrong += !check_case(entries[i]->d_name, config);
        free(entries[i]);
    }
    free(entries);
    free(text.data);
    vg_config_free(config);
    if (wrong)
        fail_msg("%d of %d cases differ", wrong, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
