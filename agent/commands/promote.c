/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choosing the version of a reference: by a range, by its number, or the one before. Beside a
 * daemon it is the daemon that acts. */
#include "agent/commands/promote.h"

#include <string.h>
#include <unistd.h>

#include "agent/commands/control.h"
#include "agent/loop/promotion.h"
#include "agent/window.h"
#include "pgvigil/text.h"

/* The dataset of the first argument. */
static int find_dataset(struct vg_shell *shell, const struct vg_dataset **out)
{
    const struct vg_dataset *const *found;
    struct vg_options one = *shell->options;
    const struct vg_options *all = shell->options;
    size_t n;
    int rc = vg_shell_rules(shell);
    one.narguments = 1;
    shell->options = &one;
    if (!rc)
        rc = vg_shell_datasets(shell, &found, &n);
    shell->options = all;
    if (!rc)
        *out = found[0];
    return rc;
}

static int fail_usage(const char *message)
{
    fprintf(stderr, "pgvigil: %s\n", message);
    return VG_EXIT_USAGE;
}

static const char *name_user(struct vg_shell *shell)
{
    return vg_arena_printf(shell->arena, "uid %u", (unsigned)getuid());
}

/* --- a version -------------------------------------------------------------------------------- */

static const char *const verbs[] = {[VG_REFERENCE_PROMOTED] = "choose",
                                    [VG_REFERENCE_USED] = "use",
                                    [VG_REFERENCE_BACK] = "rollback"};

static int choose_version(struct vg_shell *shell, const struct vg_dataset *dataset, const char *id,
                          int64_t version, enum vg_reference_how how)
{
    struct vg_error err = {0};
    bool beside = false;
    int rc = shell->store ? 0 : vg_control_open(shell, &beside);
    if (rc)
        return rc;
    if (beside) {
        const char *text = vg_arena_printf(shell->arena, "%s %lld", id, (long long)version);
        rc = text ? vg_control_ask(shell, verbs[how], text) : VG_EXIT_INTERNAL;
    } else {
        struct vg_reference_change change = {
            .dataset = id,
            .version = version,
            .how = how,
            .by = name_user(shell),
            .at_us = shell->clock->ops->now_us(shell->clock),
        };
        if (vg_promotion_choose(shell->store, dataset, &change, shell->arena, &err) < 0)
            return vg_shell_fail(&err);
    }
    if (!rc)
        printf("%s: reference %lld is in use\n", id, (long long)version);
    return rc;
}

int vg_reference_use(struct vg_shell *shell)
{
    const struct vg_dataset *dataset = NULL;
    int64_t version;
    if (vg_parse_int64(shell->options->arguments[1], &version) < 0)
        return fail_usage("reference use DATASET VERSION: that is not a version");
    /* A dataset that the files no longer name may still have references. */
    int rc = vg_shell_rules(shell);
    if (rc)
        return rc;
    dataset = vg_ruleset_find(shell->rules, shell->options->arguments[0]);
    return choose_version(shell, dataset, shell->options->arguments[0], version, VG_REFERENCE_USED);
}

int vg_reference_rollback(struct vg_shell *shell)
{
    struct vg_error err = {0};
    const struct vg_dataset *dataset;
    const char *id = shell->options->arguments[0];
    int64_t version;
    int rc = find_dataset(shell, &dataset);
    if (rc)
        return rc;
    const char *name =
        shell->options->narguments > 1 ? shell->options->arguments[1] : dataset->reference.name;
    struct vg_store *beside = NULL;
    if (vg_store_open(shell->options->state ? shell->options->state : shell->config->state,
                      VG_STORE_COMMAND, &beside, &err) < 0)
        return vg_shell_fail(&err);
    int found = vg_store_reference_former(beside, id, name, &version, &err);
    vg_store_close(beside);
    return found < 0 ? vg_shell_fail(&err)
                     : choose_version(shell, dataset, id, version, VG_REFERENCE_BACK);
}

/* --- a range ---------------------------------------------------------------------------------- */

/* --from and --to, or the last --window until the end of the newest closed window. */
static int read_range(struct vg_shell *shell, const struct vg_dataset *dataset,
                      struct vg_promotion *out)
{
    const struct vg_options *options = shell->options;
    int64_t length_us;
    if (options->window && !options->from && !options->to) {
        struct vg_window newest;
        if (vg_parse_duration(options->window, &length_us) < 0 || length_us <= 0)
            return fail_usage("--window is no duration: write 28d");
        vg_window_newest_due(dataset, shell->clock->ops->now_us(shell->clock), &newest);
        out->from_us = newest.end_us - length_us;
        out->to_us = newest.end_us;
        return 0;
    }
    if (!options->from || !options->to || options->window)
        return fail_usage("reference promote wants --from and --to, or --window, or a version");
    if (vg_parse_time(options->from, dataset->zone, &out->from_us) < 0 ||
        vg_parse_time(options->to, dataset->zone, &out->to_us) < 0)
        return fail_usage("--from and --to are times: 2001-01-31 or 2001-01-31T12:00:00Z");
    if (out->to_us > shell->clock->ops->now_us(shell->clock))
        return fail_usage("the range is not over yet");
    return 0;
}

static int promote_range(struct vg_shell *shell, const struct vg_dataset *dataset,
                         const struct vg_promotion *promotion,
                         int (*capture)(struct vg_shell *, const struct vg_dataset *,
                                        const struct vg_capture_how *))
{
    struct vg_error err = {0};
    struct vg_dataset item;
    struct vg_capture_how how = {.patient = true, .by = name_user(shell)};
    bool beside;
    if (vg_promotion_make(dataset, promotion, shell->arena, &item, &how, &err) < 0)
        return vg_shell_fail(&err);
    int rc = vg_control_open(shell, &beside);
    if (rc)
        return rc;
    if (!beside) {
        rc = vg_shell_source(shell);
        return rc ? rc : capture(shell, &item, &how);
    }
    const char *text = vg_promotion_write(dataset->id, promotion, shell->arena);
    rc = text ? vg_control_ask(shell, "promote", text) : VG_EXIT_INTERNAL;
    if (!rc)
        printf("%s: the daemon is capturing; `pgvigil reference list` shows it\n", dataset->id);
    return rc;
}

int vg_reference_promote(struct vg_shell *shell,
                         int (*capture)(struct vg_shell *shell, const struct vg_dataset *item,
                                        const struct vg_capture_how *how))
{
    const struct vg_options *options = shell->options;
    const struct vg_dataset *dataset;
    bool ranged = options->from || options->to || options->window;
    const char *second = options->narguments > 1 ? options->arguments[1] : NULL;
    int64_t version;
    int rc = find_dataset(shell, &dataset);
    if (rc)
        return rc;
    if (second && !ranged && vg_parse_int64(second, &version) == 0)
        return choose_version(shell, dataset, dataset->id, version, VG_REFERENCE_PROMOTED);
    /* Names in a rule file are not written to. */
    char *name = vg_arena_strdup(shell->arena, second ? second : dataset->reference.name);
    struct vg_promotion promotion = {.name = name};
    if (!name)
        return VG_EXIT_INTERNAL;
    rc = read_range(shell, dataset, &promotion);
    return rc ? rc : promote_range(shell, dataset, &promotion, capture);
}

/* --- what became of them ---------------------------------------------------------------------- */

int vg_reference_changes_print(struct vg_shell *shell, const char *dataset)
{
    static const char *const words[] = {
        [VG_REFERENCE_CAPTURED] = "captured",
        [VG_REFERENCE_PROMOTED] = "promoted",
        [VG_REFERENCE_USED] = "used",
        [VG_REFERENCE_BACK] = "rolled back to",
    };
    struct vg_error err = {0};
    struct vg_reference_change *rows;
    size_t n;
    char at[VG_TIME_TEXT];
    if (!shell->store)
        return 0;
    if (vg_store_reference_changes(shell->store, dataset, shell->arena, &rows, &n, &err) < 0)
        return vg_shell_fail(&err);
    for (size_t i = 0; i < n && i < 20; i++) {
        printf("%s%s  %s %s: %s %lld", i ? "" : "\n", vg_format_time(rows[i].at_us, at),
               rows[i].dataset, rows[i].name, words[rows[i].how], (long long)rows[i].version);
        if (rows[i].former)
            printf(" instead of %lld", (long long)rows[i].former);
        printf("%s%s\n", rows[i].by ? ", by " : "", rows[i].by ? rows[i].by : "");
    }
    return 0;
}
