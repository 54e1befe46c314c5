/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules out of the store in place of a folder that is empty, unreadable or mounted half-way. Reads
 * the store and changes nothing in it, so that `status` tells the same beside a daemon. */
#include "agent/commands/revival.h"

#include "agent/loop/book.h"
#include "agent/rules/rules.h"

struct revival {
    struct vg_store *store;
    struct vg_arena *arena;
    struct vg_error *err;
    bool failed; /* the store could not be read */
};

static const char *find_text(void *arg, const char *path)
{
    struct revival *revival = arg;
    const char *text = NULL;
    if (!revival->failed &&
        vg_store_file(revival->store, path, revival->arena, &text, revival->err) < 0)
        revival->failed = true;
    return text;
}

/* Why a start must not take what the folder holds, or NULL. A store that knows no dataset yet may
 * still know the files: the daemon was ended before its first cycle. */
static int judge_folder(const struct vg_shell *shell, const struct vg_strings *paths,
                        struct vg_arena *arena, const char **why, struct vg_error *err)
{
    struct vg_strings known;
    struct vg_retirement retirement;
    if (vg_store_datasets(shell->store, arena, &known, err) < 0 ||
        vg_book_retirement(shell->rules, &known, false, arena, &retirement, err) < 0)
        return -1;
    *why = retirement.refused;
    if (!shell->rules->folder_ok)
        *why = vg_no_folder;
    if (!paths->n)
        *why = NULL;
    return 0;
}

static int read_texts(struct vg_shell *shell, const struct vg_strings *paths,
                      struct vg_arena *arena, const char **why, struct vg_error *err)
{
    struct revival revival = {.store = shell->store, .arena = arena, .err = err};
    struct vg_rules_load load = {.config = shell->config, .last_good = find_text, .arg = &revival};
    struct vg_ruleset *rules;
    if (vg_rules_revive(&load, paths, shell->rules, &shell->diags, &rules, err) < 0)
        return -1;
    if (revival.failed) {
        vg_ruleset_free(rules);
        return -1;
    }
    vg_shell_show_diags(shell);
    if (!rules->ndatasets) {
        *why = NULL;
        vg_ruleset_free(rules);
        return 0;
    }
    vg_ruleset_free(shell->rules);
    shell->rules = rules;
    shell->faulty = true;
    return 0;
}

int vg_revive_rules(struct vg_shell *shell, const char **why)
{
    struct vg_error err = {0};
    struct vg_strings paths;
    *why = NULL;
    if (!shell->store)
        return 0;
    struct vg_arena *arena = vg_arena_new();
    int rc = arena ? 0 : vg_fail(&err, VG_E_MEMORY, "out of memory");
    if (rc == 0)
        rc = vg_store_files(shell->store, arena, &paths, &err);
    if (rc == 0)
        rc = judge_folder(shell, &paths, arena, why, &err);
    if (rc == 0 && *why)
        rc = read_texts(shell, &paths, arena, why, &err);
    vg_arena_free(arena);
    return rc < 0 ? vg_shell_fail(&err) : 0;
}
