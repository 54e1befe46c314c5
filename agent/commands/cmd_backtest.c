/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil backtest: the rules of a dataset over past windows, in one pass, beside the live state,
 * which is only read. What the cycles commit goes into a state of its own that is removed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/commands/backtest_show.h"
#include "agent/commands/shell.h"
#include "agent/loop/backtest_run.h"
#include "agent/loop/calibrate.h"
#include "agent/loop/capture.h"
#include "agent/reference.h"
#include "pgvigil/store_turns.h"
#include "pgvigil/text.h"

enum { PAGE_BYTES = 32 << 20 };

struct backtest {
    struct vg_shell *shell;
    struct vg_dataset dataset; /* a copy, whose reference may be another */
    struct vg_injection changes[VG_INJECTIONS];
    struct vg_backtest_task task;
    struct vg_backtest result;
    struct vg_backtest control; /* the same without changes, where there are any */
    struct vg_clock *clock;
    struct vg_store *scratch;
    char *folder; /* of the scratch state */
};

static int fail_usage(const char *text)
{
    fprintf(stderr, "pgvigil: %s\n", text);
    return VG_EXIT_USAGE;
}

/* --- The command line ------------------------------------------------------------------------- */

static int read_time(const char *option, const char *text, int64_t *out)
{
    if (vg_parse_time(text, &vg_utc, out) == 0)
        return 0;
    fprintf(stderr, "pgvigil: --%s %s is not a time (2001-06-13T00:10:00Z)\n", option, text);
    return VG_EXIT_USAGE;
}

static int read_reference(struct backtest *run)
{
    const char *text = run->shell->options->reference, *dots = text ? strstr(text, "..") : NULL;
    struct vg_reference_spec *spec = &run->dataset.reference;
    if (!text)
        return 0;
    const char *from = dots ? vg_arena_strndup(run->shell->arena, text, (size_t)(dots - text)) : "";
    if (!dots || !from)
        return fail_usage("--reference is two times with .. between them");
    int rc = read_time("reference", from, &spec->from_us);
    if (!rc)
        rc = read_time("reference", dots + 2, &spec->to_us);
    if (!rc && spec->to_us <= spec->from_us)
        rc = fail_usage("--reference ends before it begins");
    spec->kind = VG_REF_WINDOW;
    if (!spec->resolution) { /* the file has no reference */
        spec->resolution = 4096;
        spec->timeout_us = VG_DAY_US;
    }
    return rc;
}

static int read_changes(struct backtest *run)
{
    const struct vg_options *options = run->shell->options;
    struct vg_error err = {0};
    if (options->ninject && options->tune)
        return fail_usage("--tune proposes thresholds for the rows as they are: without --inject");
    for (size_t i = 0; i < options->ninject; i++) {
        if (vg_inject_parse(options->inject[i], run->shell->arena, &run->changes[i], &err) < 0)
            return vg_shell_fail(&err);
    }
    run->task.injections = run->changes;
    run->task.ninjections = options->ninject;
    return 0;
}

static int read_options(struct backtest *run)
{
    const struct vg_options *options = run->shell->options;
    struct vg_backtest_task *task = &run->task;
    const struct vg_dataset *const *datasets;
    size_t n;
    int rc = vg_shell_datasets(run->shell, &datasets, &n);
    if (rc)
        return rc;
    run->dataset = *datasets[0];
    if (!run->dataset.time_column) {
        fprintf(stderr, "pgvigil: %s has no time column: there are no past windows\n",
                run->dataset.id);
        return VG_EXIT_USAGE;
    }
    if (!options->from || !options->to)
        return fail_usage("a backtest needs --from and --to");
    rc = read_time("from", options->from, &task->from_us);
    if (!rc)
        rc = read_time("to", options->to, &task->to_us);
    if (!rc && task->to_us == task->from_us)
        rc = fail_usage("--to and --from are the same: no window lies between them");
    if (!rc && task->to_us < task->from_us)
        rc = fail_usage("--to lies before --from");
    if (!rc)
        rc = read_reference(run);
    task->dataset = &run->dataset;
    task->lookups = options->lookups;
    return rc ? rc : read_changes(run);
}

/* --- A state of its own ----------------------------------------------------------------------- */

static int open_scratch(struct backtest *run)
{
    struct vg_error err = {0};
    const char *base = getenv("TMPDIR");
    char *folder = NULL;
    if (asprintf(&folder, "%s/pgvigil-backtest.XXXXXX", base && *base ? base : "/tmp") < 0)
        return VG_EXIT_INTERNAL;
    if (!mkdtemp(folder)) {
        vg_fail(&err, VG_E_IO, "cannot make the folder %s: %s", folder, strerror(errno));
        free(folder);
        return vg_shell_fail(&err);
    }
    run->folder = folder;
    const char *path = vg_arena_printf(run->shell->arena, "%s/state.db", folder);
    if (!path)
        return VG_EXIT_INTERNAL;
    if (vg_store_open(path, VG_STORE_REPLAY, &run->scratch, &err) < 0)
        return vg_shell_fail(&err);
    vg_store_keep_turns(run->scratch);
    return 0;
}

static void remove_scratch(struct backtest *run)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
    vg_store_close(run->scratch);
    for (size_t i = 0; run->folder && i < sizeof ends / sizeof *ends; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/state.db%s", run->folder, ends[i]) >= 0 && unlink(path) < 0 &&
            errno != ENOENT)
            fprintf(stderr, "pgvigil: cannot remove %s: %s\n", path, strerror(errno));
        free(path);
    }
    if (run->folder && rmdir(run->folder) < 0)
        fprintf(stderr, "pgvigil: cannot remove %s: %s\n", run->folder, strerror(errno));
    free(run->folder);
}

/* --- Running ---------------------------------------------------------------------------------- */

static int64_t read_elapsed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void show_progress(const char *dataset, double done)
{
    vg_shell_bar(dataset, "backtest", done);
}

static void show_calibration(const char *dataset, double done)
{
    vg_shell_done(dataset, done);
}

/* A reference in use, or one captured for this alone. */
static int take_one(struct backtest *run, size_t i, struct vg_error *err)
{
    const struct vg_reference_spec *spec = vg_reference_spec_of(&run->dataset, i);
    bool given = !i && run->shell->options->reference;
    struct vg_capture_result result;
    struct vg_dataset item = run->dataset;
    int64_t version = 0;
    if (spec->kind == VG_REF_NONE || spec->kind == VG_REF_ROLLING)
        return 0;
    if (!given && run->shell->store &&
        vg_backtest_reference(run->shell->store, run->scratch, &run->dataset, spec, &version, err) <
            0)
        return -1;
    if (!i)
        run->result.reference_version = version;
    if (version)
        return 0;
    item.reference = *spec;
    item.others = NULL;
    item.nothers = 0;
    if (vg_capture_run(&run->task.env, &item, &(struct vg_capture_how){.patient = true}, &result,
                       err) == 0)
        return 0;
    vg_where(err, "capturing the reference %s", spec->name);
    return -1;
}

static int take_references(struct backtest *run)
{
    struct vg_error err = {0};
    bool rolls = false;
    for (size_t i = 0; i <= run->dataset.nothers; i++) {
        const struct vg_reference_spec *spec = vg_reference_spec_of(&run->dataset, i);
        rolls |= spec->kind == VG_REF_ROLLING;
        if (take_one(run, i, &err) < 0)
            return vg_shell_fail(&err);
    }
    run->result.reference_captured = !run->result.reference_version;
    run->result.reference_rolls = run->dataset.reference.kind == VG_REF_ROLLING;
    if (rolls)
        vg_backtest_turns(&run->task);
    if (run->dataset.reference.kind != VG_REF_NONE && !run->result.reference_rolls &&
        vg_calibrate_run(&run->task.env, &run->dataset, show_calibration, &err) < 0)
        return vg_shell_fail(&err);
    vg_shell_progress_end();
    return 0;
}

/* The windows with these changes, from the first on. */
static int replay(struct backtest *run, const struct vg_injection *changes, size_t n,
                  struct vg_backtest *out, struct vg_error *err)
{
    struct vg_backtest_task *task = &run->task;
    vg_clock_free(run->clock);
    run->clock = NULL;
    if (vg_clock_virtual(task->from_us, &run->clock, err) < 0)
        return -1;
    task->env.clock = run->clock;
    task->injections = changes;
    task->ninjections = n;
    int rc = vg_backtest_run(task, out, err);
    vg_shell_progress_end();
    return rc;
}

/* Whether an alert of one may be due to another: they are of one column, or one is of all rows. */
static bool is_entangled(const struct backtest *run, size_t n, size_t change)
{
    const char *column = run->changes[change].column;
    for (size_t i = 0; i < n; i++) {
        const char *other = run->changes[i].column;
        if (i != change && (!column || !other || !strcmp(column, other)))
            return true;
    }
    return false;
}

/* What becomes of one change where it is the only one. */
static int find_alone(struct backtest *run, size_t i, struct vg_error *err)
{
    struct vg_backtest alone;
    struct vg_backtest_change *change = &run->result.changes[i], *found;
    struct vg_arena *arena = run->result.arena;
    if (vg_backtest_open(&alone, &run->dataset, &run->changes[i], 1, err) < 0)
        return -1;
    alone.control = &run->control;
    int rc = replay(run, &run->changes[i], 1, &alone, err);
    found = alone.changes;
    if (rc == 0) {
        change->found = vg_arena_strdup(arena, found->found);
        change->why = vg_arena_strdup(arena, found->why);
        change->before = vg_arena_strdup(arena, found->before);
        change->found_us = found->found_us;
        if ((found->found && (!change->found || !change->why)) ||
            (found->before && !change->before))
            rc = vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    vg_backtest_close(&alone);
    return rc;
}

/* Without the changes, with all of them, and with those alone that might be taken for another. */
static int replay_all(struct backtest *run, size_t n, struct vg_error *err)
{
    if (n) {
        if (vg_backtest_open(&run->control, &run->dataset, NULL, 0, err) < 0 ||
            replay(run, NULL, 0, &run->control, err) < 0)
            return -1;
        run->result.control = &run->control;
    }
    if (replay(run, run->changes, n, &run->result, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (is_entangled(run, n, i) && find_alone(run, i, err) < 0)
            return -1;
    }
    return 0;
}

static int run_all(struct backtest *run)
{
    struct vg_error err = {0};
    struct vg_backtest_task *task = &run->task;
    size_t n = task->ninjections;
    if (vg_clock_virtual(task->from_us, &run->clock, &err) < 0)
        return vg_shell_fail(&err);
    task->env = vg_shell_env(run->shell);
    task->env.store = run->scratch;
    task->env.commits = true;
    task->env.clock = run->clock;
    task->env.claim = (struct vg_claim){"backtest", 1};
    task->elapsed_ns = read_elapsed;
    task->progress = show_progress;
    if (vg_backtest_open(&run->result, &run->dataset, run->changes, n, &err) < 0)
        return vg_shell_fail(&err);
    run->result.tunes = run->shell->options->tune;
    int rc = take_references(run);
    if (rc)
        return rc;
    rc = replay_all(run, n, &err);
    if (rc == 0 && run->result.tunes)
        rc = vg_backtest_tune(&run->result, &run->dataset, &err);
    return rc < 0 ? vg_shell_fail(&err) : 0;
}

/* --- What is shown ---------------------------------------------------------------------------- */

static int write_page(struct backtest *run)
{
    const char *path = run->shell->options->html;
    struct vg_buf page;
    if (!path)
        return 0;
    vg_buf_init(&page, PAGE_BYTES);
    vg_backtest_page(&run->result, &page);
    FILE *file = page.failed ? NULL : fopen(path, "w");
    bool written = file && fwrite(page.data, 1, page.len, file) == page.len;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "pgvigil: cannot write %s: %s\n", path,
                page.failed ? "the report is too large" : strerror(errno));
    vg_buf_free(&page);
    return written ? 0 : VG_EXIT_INTERNAL;
}

/* Whether any rule came to a verdict. */
static bool has_judged(const struct vg_backtest *result)
{
    uint64_t judged = 0;
    for (size_t i = 0; i < result->nrules; i++) {
        const uint64_t *verdicts = result->rules[i].verdicts;
        judged += verdicts[VG_PASS] + verdicts[VG_WARN] + verdicts[VG_FAIL];
    }
    return judged > 0;
}

static int rate(const struct backtest *run)
{
    const struct vg_backtest *result = &run->result;
    bool missed = false;
    for (size_t i = 0; i < result->nchanges; i++)
        missed |= !result->changes[i].found;
    bool bad = result->nchanges ? missed : result->nincidents > 0;
    const char *why = !result->rows         ? "there is no row between --from and --to"
                      : !has_judged(result) ? "no rule came to a verdict in any window"
                                            : NULL;
    if (why)
        return fprintf(stderr, "pgvigil: %s: %s\n", result->dataset, why), VG_EXIT_BLIND;
    return run->shell->options->strict && bad ? VG_EXIT_FAILED : VG_EXIT_OK;
}

static int show(struct backtest *run)
{
    int shown = run->shell->options->json ? vg_backtest_json(&run->result, stdout)
                                          : vg_backtest_print(&run->result, stdout);
    if (shown < 0 && ferror(stdout))
        return VG_EXIT_INTERNAL; /* which is said at the end of all commands */
    if (shown < 0)
        return fprintf(stderr, "pgvigil: the report cannot be printed\n"), VG_EXIT_INTERNAL;
    int rc = write_page(run);
    return rc ? rc : rate(run);
}

static int run_backtest(const struct vg_options *options)
{
    struct vg_shell shell;
    struct backtest *run = calloc(1, sizeof *run);
    if (!run)
        return VG_EXIT_INTERNAL;
    run->shell = &shell;
    vg_shell_signals();
    int rc = vg_shell_open(&shell, options);
    if (!rc)
        rc = vg_shell_store(&shell, VG_STORE_COMMAND);
    if (!rc)
        rc = vg_shell_rules(&shell);
    if (!rc)
        rc = vg_shell_source(&shell);
    if (!rc)
        rc = read_options(run);
    if (!rc)
        rc = open_scratch(run);
    if (!rc)
        rc = run_all(run);
    if (!rc)
        rc = show(run);
    if (shell.faulty)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    if (run->result.arena)
        vg_backtest_close(&run->result);
    if (run->control.arena)
        vg_backtest_close(&run->control);
    remove_scratch(run);
    vg_clock_free(run->clock);
    vg_shell_close(&shell);
    free(run);
    return rc;
}

extern const struct vg_command vg_command_backtest;
const struct vg_command vg_command_backtest = {
    .name = "backtest",
    .arguments = "DATASET",
    .doc = "the rules over past windows: incidents, pages, cost; whether changes are found",
    .options = "from to inject reference lookups tune json html strict state",
    .least = 1,
    .most = 1,
    .run = run_backtest,
};
