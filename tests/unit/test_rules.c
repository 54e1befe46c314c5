/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of rule files: which files are read, links, modes, last good texts, two files for one
 * dataset, and folders that hold nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/rules/folder.h"
#include "agent/rules/rules.h"
#include "pgvigil/text.h"
#include "tests/unit/rule_kit.h"

/* A folder of its own for each test: <root>/rules is the folder of rules, <root>/out lies beside.
 */
struct stage {
    char root[40];
    struct vg_config *config;
    struct vg_diags diags;
    struct vg_ruleset *rules;
    const char *old_path, *old_text; /* what last_good knows */
    int asked;
};

static const char *at(const struct stage *stage, const char *name)
{
    static char paths[2][100];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", stage->root, name);
    return paths[turn];
}

static void put(const struct stage *stage, const char *name, const char *text, mode_t mode)
{
    int fd = open(at(stage, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void put_dataset(const struct stage *stage, const char *name, const char *id)
{
    char text[200];
    snprintf(
        text, sizeof text,
        "version: 1\ndataset: %s\nsource: {connection: warehouse, table: t, time_column: at}\n",
        id);
    put(stage, name, text, 0644);
}

static struct stage set_stage(const char *more)
{
    struct stage stage = {.root = "/tmp/pgvigil-rules-XXXXXX"};
    char text[1000];
    assert_non_null(mkdtemp(stage.root));
    assert_int_equal(mkdir(at(&stage, "rules"), 0755), 0);
    assert_int_equal(mkdir(at(&stage, "out"), 0755), 0);
    snprintf(text, sizeof text, "%s%s", rule_kit_config, more);
    assert_int_equal(vg_config_parse(text, strlen(text), at(&stage, "pgvigil.yaml"), &stage.diags,
                                     &stage.config),
                     0);
    return stage;
}

static const char *last_good(void *arg, const char *path)
{
    struct stage *stage = arg;
    stage->asked++;
    return stage->old_path && !strcmp(strrchr(path, '/') + 1, stage->old_path) ? stage->old_text
                                                                               : NULL;
}

static void load(struct stage *stage)
{
    struct vg_rules_load in = {.config = stage->config, .last_good = last_good, .arg = stage};
    struct vg_error err = {0};
    vg_ruleset_free(stage->rules);
    vg_diags_free(&stage->diags);
    assert_int_equal(vg_rules_load(&in, &stage->diags, &stage->rules, &err), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at_)
{
    (void)st;
    (void)type;
    (void)at_;
    return remove(path);
}

static void strike(struct stage *stage)
{
    vg_ruleset_free(stage->rules);
    vg_diags_free(&stage->diags);
    vg_config_free(stage->config);
    assert_int_equal(nftw(stage->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_folder(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put_dataset(&stage, "rules/b.yaml", "zebra");
    put_dataset(&stage, "rules/a.yml", "lion");
    put_dataset(&stage, "rules/c.yaml", "ape");
    put(&stage, "rules/.hidden.yaml", "nonsense", 0644);
    put(&stage, "rules/README.md", "nonsense", 0644);
    put(&stage, "rules/d.yaml~", "nonsense", 0644);
    load(&stage);
    assert_int_equal(stage.diags.n, 0);
    assert_true(stage.rules->folder_ok);
    assert_int_equal(stage.rules->nfiles, 3);
    assert_non_null(strstr(stage.rules->files[0].path, "/rules/a.yml"));
    assert_true(stage.rules->files[0].ok);
    assert_false(stage.rules->files[0].last_good);
    assert_non_null(strstr(stage.rules->files[0].text, "dataset: lion"));
    static const char *const ids[] = {"ape", "lion", "zebra"};
    assert_int_equal(stage.rules->ndatasets, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(stage.rules->datasets[i]->id, ids[i]);
    assert_ptr_equal(vg_ruleset_find(stage.rules, "lion"), stage.rules->datasets[1]);
    assert_string_equal(vg_ruleset_find(stage.rules, "zebra")->file, stage.rules->files[1].path);
    assert_null(vg_ruleset_find(stage.rules, "bear"));
    assert_null(vg_ruleset_find(stage.rules, "zzz"));
    strike(&stage);
}

static void test_empty(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put(&stage, "rules/README.md", "nothing", 0644);
    load(&stage);
    assert_false(stage.rules->folder_ok);
    assert_int_equal(stage.diags.errors, 1);
    assert_string_equal(stage.diags.items[0].msg, "the folder holds no rule file");
    assert_int_equal(unlink(at(&stage, "rules/README.md")), 0);
    assert_int_equal(rmdir(at(&stage, "rules")), 0);
    load(&stage);
    assert_false(stage.rules->folder_ok);
    assert_int_equal(stage.rules->nfiles, 0);
    assert_string_equal(stage.diags.items[0].msg, "No such file or directory");
    put(&stage, "rules", "a file", 0644);
    load(&stage);
    assert_false(stage.rules->folder_ok);
    assert_string_equal(stage.diags.items[0].msg, "Not a directory");
    strike(&stage);
}

/* One bad file of many: the others load, and the bad one keeps its last good text. */
static void test_last_good(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    char name[40], id[20];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "rules/f%02d.yaml", i);
        snprintf(id, sizeof id, "d%02d", i);
        put_dataset(&stage, name, id);
    }
    put(&stage, "rules/f07.yaml", "version: 1\ndataset: d07\nsourc: {}\n", 0644);
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 19);
    assert_int_equal(stage.asked, 1);
    assert_false(stage.rules->files[7].ok);
    assert_false(stage.rules->files[7].last_good);
    assert_null(stage.rules->files[7].text);
    assert_int_equal(vg_diags_errors_in(&stage.diags, stage.rules->files[7].path), 1);
    stage.old_path = "f07.yaml";
    stage.old_text = "version: 1\ndataset: d07\nowner: before\n"
                     "source: {connection: warehouse, table: t, time_column: at}\n";
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 20);
    assert_false(stage.rules->files[7].ok);
    assert_true(stage.rules->files[7].last_good);
    assert_string_equal(stage.rules->files[7].text, stage.old_text);
    assert_string_equal(vg_ruleset_find(stage.rules, "d07")->owner, "before");
    assert_int_equal(stage.diags.n, 1); /* that of the file on disk, none of the old text */
    /* An old text that no longer fits is not revived. */
    stage.old_text = "version: 1\ndataset: d07\nsource: {connection: gone, table: t}\n";
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 19);
    assert_false(stage.rules->files[7].last_good);
    assert_null(stage.rules->files[7].text);
    assert_int_equal(stage.diags.n, 2);
    strike(&stage);
}

static const char *old_text(void *arg, const char *path)
{
    static const char *const texts[] = {
        "version: 1\ndataset: a\nsource: {connection: archive, table: t, time_column: at}\n",
        "version: 1\ndataset: b\nsource: {connection: warehouse, table: t, time_column: at}\n",
        "version: 1\ndataset: c\nsource: {connection: gone, table: t}\n",
    };
    (void)arg;
    const char *slash = strrchr(path, '/');
    return slash[1] == 'z' ? NULL : texts[slash[1] - 'a'];
}

/* What the folder holds is refused: all runs by texts of the state, and each file says how it is
 * on disk. */
static void test_revive(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put_dataset(&stage, "rules/a.yaml", "a");
    put_dataset(&stage, "rules/n.yaml", "n");
    put(&stage, "rules/o.yaml", "nonsense", 0644);
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 2);
    vg_diags_free(&stage.diags);
    char paths[4][100];
    const char *list[4];
    for (size_t i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/rules/%c.yaml", stage.root, "abcz"[i]);
        list[i] = paths[i];
    }
    struct vg_rules_load in = {.config = stage.config, .last_good = old_text};
    struct vg_strings all = {list, 4};
    struct vg_ruleset *rules;
    struct vg_error err = {0};
    assert_int_equal(vg_rules_revive(&in, &all, stage.rules, &stage.diags, &rules, &err), 0);
    assert_true(rules->revived && !rules->folder_ok);
    assert_int_equal(rules->ndatasets, 2);
    assert_string_equal(vg_ruleset_find(rules, "a")->connection, "archive");
    assert_non_null(vg_ruleset_find(rules, "b"));
    static const struct {
        char name;
        bool ok, last_good;
    } want[] = {{'a', true, true},  {'b', false, true},  {'c', false, false},
                {'n', true, false}, {'o', false, false}, {'z', false, false}};
    assert_int_equal(rules->nfiles, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct vg_rule_file *file = &rules->files[i];
        assert_int_equal(strrchr(file->path, '/')[1], want[i].name);
        assert_true(file->ok == want[i].ok && file->last_good == want[i].last_good);
        assert_int_equal(file->text != NULL, want[i].last_good);
    }
    assert_int_equal(stage.diags.n, 1); /* c's connection is no longer there */
    assert_string_equal(stage.diags.items[0].msg,
                        "its last good version does not load any more either");
    vg_ruleset_free(rules);
    strike(&stage);
}

static void test_same_dataset(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put_dataset(&stage, "rules/a.yaml", "d");
    put_dataset(&stage, "rules/b.yaml", "d");
    put_dataset(&stage, "rules/c.yaml", "e");
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 2);
    assert_true(stage.rules->files[0].ok);
    assert_false(stage.rules->files[1].ok);
    assert_int_equal(stage.diags.errors, 1);
    assert_non_null(strstr(stage.diags.items[0].msg, "the dataset \"d\" is in "));
    assert_non_null(strstr(stage.diags.items[0].msg, "/rules/a.yaml already"));
    assert_non_null(strstr(stage.diags.items[0].loc.file, "/rules/b.yaml"));
    assert_int_equal(stage.diags.items[0].loc.line, 2);
    /* Its last good text named another dataset, which runs on. */
    stage.old_path = "b.yaml";
    stage.old_text =
        "version: 1\ndataset: f\nsource: {connection: warehouse, table: t, time_column: x}\n";
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 3);
    assert_true(stage.rules->files[1].last_good);
    strike(&stage);
}

static void test_modes(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put_dataset(&stage, "rules/a.yaml", "a");
    put_dataset(&stage, "rules/b.yaml", "b");
    put_dataset(&stage, "rules/c.yaml", "c");
    assert_int_equal(chmod(at(&stage, "rules/b.yaml"), 0664), 0);
    assert_int_equal(chmod(at(&stage, "rules/c.yaml"), 0666), 0);
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 2);
    assert_int_equal(stage.diags.n, 2);
    assert_int_equal(stage.diags.items[0].grade, VG_GRADE_WARNING);
    assert_string_equal(stage.diags.items[1].msg, "every user of the machine may write this file");
    assert_int_equal(chmod(at(&stage, "rules"), 0777), 0);
    load(&stage);
    assert_int_equal(stage.diags.n, 3);
    assert_string_equal(stage.diags.items[0].msg,
                        "every user of the machine may put rule files into this folder");
    strike(&stage);
}

/* What is no regular file is passed over: folders, FIFOs that nobody writes to. */
static void test_others(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put_dataset(&stage, "rules/a.yaml", "a");
    assert_int_equal(mkdir(at(&stage, "rules/b.yaml"), 0755), 0);
    assert_int_equal(mkfifo(at(&stage, "rules/c.yaml"), 0644), 0);
    assert_int_equal(symlink("/dev/null", at(&stage, "rules/d.yaml")), 0);
    load(&stage);
    assert_int_equal(stage.rules->nfiles, 2); /* a, and the link that leads out */
    assert_int_equal(stage.rules->ndatasets, 1);
    assert_int_equal(stage.diags.n, 3);
    assert_int_equal(stage.diags.errors, 1);
    strike(&stage);
}

/* As Kubernetes mounts a ConfigMap: every file a link through ..data to a dated folder. */
static void test_links(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    assert_int_equal(mkdir(at(&stage, "rules/..2026_01"), 0755), 0);
    put_dataset(&stage, "rules/..2026_01/a.yaml", "a");
    assert_int_equal(symlink("..2026_01", at(&stage, "rules/..data")), 0);
    assert_int_equal(symlink("..data/a.yaml", at(&stage, "rules/a.yaml")), 0);
    put_dataset(&stage, "out/b.yaml", "b");
    assert_int_equal(symlink("../out/b.yaml", at(&stage, "rules/b.yaml")), 0);
    assert_int_equal(symlink(at(&stage, "out/b.yaml"), at(&stage, "rules/c.yaml")), 0);
    assert_int_equal(symlink("none.yaml", at(&stage, "rules/d.yaml")), 0);
    assert_int_equal(symlink("e.yaml", at(&stage, "rules/e.yaml")), 0);
    load(&stage);
    assert_int_equal(stage.rules->ndatasets, 1);
    assert_string_equal(stage.rules->datasets[0]->id, "a");
    static const char *const msgs[] = {
        "the link leads out of the folder of rules", "the link leads out of the folder of rules",
        "No such file or directory", "Too many levels of symbolic links"};
    assert_int_equal(stage.diags.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(stage.diags.items[i].msg, msgs[i]);
    /* The update of a ConfigMap: a new folder, and ..data turned to it. */
    assert_int_equal(mkdir(at(&stage, "rules/..2026_02"), 0755), 0);
    put_dataset(&stage, "rules/..2026_02/a.yaml", "a2");
    assert_int_equal(symlink("..2026_02", at(&stage, "rules/..data_tmp")), 0);
    assert_int_equal(rename(at(&stage, "rules/..data_tmp"), at(&stage, "rules/..data")), 0);
    load(&stage);
    assert_string_equal(stage.rules->datasets[0]->id, "a2");
    strike(&stage);
}

/* Both ways of opening a file in the folder agree on what may be opened. */
static void test_opening(void **state)
{
    (void)state;
    struct stage stage = set_stage("");
    put_dataset(&stage, "rules/a.yaml", "a");
    put_dataset(&stage, "out/b.yaml", "b");
    assert_int_equal(mkdir(at(&stage, "rules2"), 0755), 0);
    put_dataset(&stage, "rules2/c.yaml", "c");
    assert_int_equal(symlink("a.yaml", at(&stage, "rules/in.yaml")), 0);
    assert_int_equal(symlink("../out/b.yaml", at(&stage, "rules/out.yaml")), 0);
    assert_int_equal(symlink("../rules2/c.yaml", at(&stage, "rules/beside.yaml")), 0);
    assert_int_equal(symlink("/etc/passwd", at(&stage, "rules/far.yaml")), 0);
    static const struct {
        const char *name;
        int e; /* 0: opens */
    } rows[] = {{"a.yaml", 0},           {"in.yaml", 0},      {"out.yaml", EXDEV},
                {"beside.yaml", EXDEV},  {"far.yaml", EXDEV}, {"none.yaml", ENOENT},
                {"../out/b.yaml", EXDEV}};
    struct vg_folder folder;
    assert_int_equal(
        vg_folder_open(stage.config->rules, stage.config->arena, &stage.diags, &folder), 0);
    assert_int_equal(folder.n, 5);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fds[] = {vg_folder_file(&folder, rows[i].name), -1};
        assert_int_equal(fds[0] < 0 ? errno : 0, rows[i].e);
        fds[1] = vg_folder_file_by_path(&folder, rows[i].name);
        assert_int_equal(fds[1] < 0 ? errno : 0, rows[i].e);
        for (size_t k = 0; k < 2; k++) {
            if (fds[k] >= 0)
                close(fds[k]);
        }
    }
    vg_folder_close(&folder);
    strike(&stage);
}

static void test_models(void **state)
{
    (void)state;
    struct stage stage = set_stage(
        "retraining: {m: {http: {url: \"https://a.b/\"}}, n: {http: {url: \"https://a.b/\"}}}\n");
    put(&stage, "rules/a.yaml",
        "version: 1\ndataset: a\nmodel: m\nsource: {connection: warehouse, table: t, time_column: "
        "at}\n",
        0644);
    load(&stage);
    assert_int_equal(stage.diags.n, 1);
    assert_int_equal(stage.diags.errors, 0);
    assert_string_equal(stage.diags.items[0].msg, "no dataset belongs to the model \"n\"");
    /* While a file is broken nobody knows. */
    put(&stage, "rules/b.yaml", "nonsense", 0644);
    load(&stage);
    assert_int_equal(stage.diags.n, 1);
    assert_int_equal(stage.diags.errors, 1);
    strike(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),    cmocka_unit_test(test_empty),
        cmocka_unit_test(test_last_good), cmocka_unit_test(test_same_dataset),
        cmocka_unit_test(test_modes),     cmocka_unit_test(test_others),
        cmocka_unit_test(test_links),     cmocka_unit_test(test_opening),
        cmocka_unit_test(test_models),    cmocka_unit_test(test_revive),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
