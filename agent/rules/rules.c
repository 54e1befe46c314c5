/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All rule files as one ruleset. A file that does not load is replaced by its last good text, and
 * never stops another. Two files never give one dataset: the later one is in error. */
#include "agent/rules/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/rules/folder.h"
#include "agent/rules/rule.h"
#include "agent/yaml/yaml.h"
#include "pgvigil/text.h"

enum { TOTAL_BYTES = 64 * 1024 * 1024 }; /* of all rule files */

struct load {
    const struct vg_rules_load *in;
    struct vg_diags *diags;
    struct vg_ruleset *rules;
    size_t bytes;
    bool memory;
};

static void report(struct load *load, enum vg_grade grade, const char *path, const char *hint,
                   const char *msg)
{
    vg_diag_add(load->diags, grade, (struct vg_loc){path, 0, 0}, NULL, hint, "%s", msg);
}

static const struct vg_dataset *find_taken(const struct load *load, const char *id)
{
    const struct vg_dataset *found = NULL;
    for (size_t i = 0; i < load->rules->ndatasets && !found; i++) {
        if (vg_streq(load->rules->datasets[i]->id, id))
            found = load->rules->datasets[i];
    }
    return found;
}

/* Parses a text and adds its dataset; false when it does not load. */
static bool add_text(struct load *load, const char *path, const char *text, size_t n,
                     struct vg_diags *diags)
{
    struct vg_dataset *dataset;
    struct vg_ruleset *rules = load->rules;
    struct vg_rule_text in = {text, n, path, load->in->config, load->in->nameless};
    if (vg_rule_parse(&in, rules->arena, diags, &dataset) < 0)
        return false;
    const struct vg_dataset *taken = find_taken(load, dataset->id);
    if (taken) {
        vg_diag_add(diags, VG_GRADE_ERROR, dataset->loc, NULL, "every file names its own dataset",
                    "the dataset \"%s\" is in %s already", dataset->id, taken->file);
        return false;
    }
    rules->datasets[rules->ndatasets++] = dataset;
    return true;
}

/* Reads the file; NULL when it could not be. *skip: it is nothing that could hold rules. */
static const char *read_file(struct load *load, const struct vg_folder *folder, const char *name,
                             const char *path, size_t *n, bool *skip)
{
    int fd = vg_folder_file(folder, name);
    const char *text = NULL;
    struct stat st;
    int e = errno;
    *skip = fd < 0 ? e == ENXIO : fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
    if (*skip)
        report(load, VG_GRADE_WARNING, path, NULL, "skipped: not a regular file");
    else if (fd < 0 && e == EXDEV)
        report(load, VG_GRADE_ERROR, path, "links must be relative and stay inside",
               "the link leads out of the folder of rules");
    else if (fd < 0)
        report(load, VG_GRADE_ERROR, path, NULL, strerror(e));
    else if (vg_yaml_read(fd, path, load->rules->arena, load->diags, &text, n) < 0)
        text = NULL;
    if (text && (load->bytes += *n) > TOTAL_BYTES) {
        report(load, VG_GRADE_ERROR, path, NULL, "the rule files have more than 64 MiB in all");
        text = NULL;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

/* The text that was in force when the file last loaded; its own faults are of no interest. */
static void fall_back(struct load *load, struct vg_rule_file *file)
{
    const struct vg_rules_load *in = load->in;
    const char *old = in->last_good ? in->last_good(in->arg, file->path) : NULL;
    struct vg_diags ignored = {0};
    char *kept = old ? vg_arena_strdup(load->rules->arena, old) : NULL;
    if (!old)
        return;
    if (!kept) {
        load->memory = true;
        return;
    }
    file->last_good = add_text(load, file->path, kept, strlen(kept), &ignored);
    file->text = file->last_good ? kept : NULL;
    if (!file->last_good)
        report(load, VG_GRADE_WARNING, file->path, "it names what no longer exists",
               "its last good version does not load any more either");
    vg_diags_free(&ignored);
}

static void load_file(struct load *load, const struct vg_folder *folder, const char *name)
{
    struct vg_ruleset *rules = load->rules;
    struct vg_rule_file *file = &rules->files[rules->nfiles];
    file->path = vg_arena_printf(rules->arena, "%s/%s", folder->path, name);
    if (!file->path) {
        load->memory = true;
        return;
    }
    size_t n = 0;
    bool skip;
    const char *text = read_file(load, folder, name, file->path, &n, &skip);
    if (skip)
        return;
    rules->nfiles++;
    file->ok = text && add_text(load, file->path, text, n, load->diags);
    file->text = file->ok ? text : NULL;
    if (!file->ok)
        fall_back(load, file);
}

static int compare_datasets(const void *pa, const void *pb)
{
    const struct vg_dataset *a = *(struct vg_dataset *const *)pa;
    const struct vg_dataset *b = *(struct vg_dataset *const *)pb;
    return strcmp(a->id, b->id);
}

/* A model that nothing belongs to would never be retrained. Said only when every file has loaded.
 */
static void check_models(struct load *load)
{
    const struct vg_config *config = load->in->config;
    bool all = load->rules->folder_ok && !load->in->nameless;
    for (size_t i = 0; i < load->rules->nfiles; i++)
        all = all && load->rules->files[i].ok;
    for (size_t m = 0; all && m < config->nretraining; m++) {
        bool named = false;
        for (size_t i = 0; i < load->rules->ndatasets && !named; i++)
            named = vg_streq(load->rules->datasets[i]->model, config->retraining[m].model);
        if (!named)
            vg_diag_add(load->diags, VG_GRADE_WARNING, config->retraining[m].loc, NULL,
                        "a rule file names its model with model:",
                        "no dataset belongs to the model \"%s\"", config->retraining[m].model);
    }
}

static void load_folder(struct load *load)
{
    struct vg_ruleset *rules = load->rules;
    struct vg_folder folder;
    if (vg_folder_open(load->in->config->rules, rules->arena, load->diags, &folder) < 0)
        return;
    rules->files = vg_arena_array(rules->arena, folder.n + 1, sizeof *rules->files);
    rules->datasets = vg_arena_array(rules->arena, folder.n + 1, sizeof *rules->datasets);
    load->memory = !rules->files || !rules->datasets;
    for (size_t i = 0; i < folder.n && !load->memory; i++)
        load_file(load, &folder, folder.names[i]);
    rules->folder_ok = rules->nfiles > 0;
    if (!rules->nfiles && !load->memory)
        report(load, VG_GRADE_ERROR, folder.path, "rule files end in .yaml or .yml",
               "the folder holds no rule file");
    vg_folder_close(&folder);
}

static int compare_path(const void *path, const void *file)
{
    return strcmp(path, ((const struct vg_rule_file *)file)->path);
}

const struct vg_rule_file *vg_ruleset_file(const struct vg_ruleset *rules, const char *path)
{
    if (!rules->nfiles)
        return NULL;
    return bsearch(path, rules->files, rules->nfiles, sizeof *rules->files, compare_path);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct vg_rule_file *)a)->path, ((const struct vg_rule_file *)b)->path);
}

static void add_file(struct load *load, const char *path, bool ok)
{
    struct vg_ruleset *rules = load->rules;
    struct vg_rule_file *file = &rules->files[rules->nfiles++];
    *file = (struct vg_rule_file){.path = vg_arena_strdup(rules->arena, path), .ok = ok};
    if (!file->path)
        load->memory = true;
}

static void revive(struct load *load, const struct vg_strings *paths, const struct vg_ruleset *disk)
{
    struct vg_ruleset *rules = load->rules;
    size_t most = paths->n + disk->nfiles + 1;
    rules->revived = true;
    rules->files = vg_arena_array(rules->arena, most, sizeof *rules->files);
    rules->datasets = vg_arena_array(rules->arena, most, sizeof *rules->datasets);
    load->memory = !rules->files || !rules->datasets;
    for (size_t i = 0; i < paths->n && !load->memory; i++) {
        const struct vg_rule_file *found = vg_ruleset_file(disk, paths->items[i]);
        add_file(load, paths->items[i], found && found->ok);
        if (!load->memory)
            fall_back(load, &rules->files[i]);
    }
    const struct vg_ruleset kept = *rules;
    for (size_t i = 0; i < disk->nfiles && !load->memory; i++) {
        if (!vg_ruleset_file(&kept, disk->files[i].path))
            add_file(load, disk->files[i].path, disk->files[i].ok);
    }
    if (!load->memory && rules->nfiles)
        qsort(rules->files, rules->nfiles, sizeof *rules->files, compare_files);
}

static int open_load(struct load *load, struct vg_error *err)
{
    struct vg_arena *arena = vg_arena_new();
    load->rules = arena ? vg_arena_alloc(arena, sizeof *load->rules) : NULL;
    if (!load->rules) {
        vg_arena_free(arena);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    load->rules->arena = arena;
    return 0;
}

static int close_load(struct load *load, struct vg_ruleset **out, struct vg_error *err)
{
    struct vg_ruleset *rules = load->rules;
    if (load->memory) {
        vg_arena_free(rules->arena);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    if (rules->ndatasets)
        qsort(rules->datasets, rules->ndatasets, sizeof *rules->datasets, compare_datasets);
    *out = rules;
    return 0;
}

int vg_rules_load(const struct vg_rules_load *in, struct vg_diags *diags, struct vg_ruleset **out,
                  struct vg_error *err)
{
    struct load load = {.in = in, .diags = diags};
    *out = NULL;
    if (open_load(&load, err) < 0)
        return -1;
    load_folder(&load);
    if (!load.memory)
        check_models(&load);
    return close_load(&load, out, err);
}

int vg_rules_revive(const struct vg_rules_load *in, const struct vg_strings *paths,
                    const struct vg_ruleset *disk, struct vg_diags *diags, struct vg_ruleset **out,
                    struct vg_error *err)
{
    struct load load = {.in = in, .diags = diags};
    *out = NULL;
    if (open_load(&load, err) < 0)
        return -1;
    revive(&load, paths, disk);
    return close_load(&load, out, err);
}

void vg_ruleset_free(struct vg_ruleset *rules)
{
    if (rules)
        vg_arena_free(rules->arena);
}
