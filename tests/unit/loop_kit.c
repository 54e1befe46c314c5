/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world for the loop: letters for datasets, and shell functions that count. */
#include "tests/unit/loop_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "pgvigil/log.h"
#include "tests/unit/rule_kit.h"

enum { DATASETS = 6 };

/* A book of some of the datasets below, by letter, in the order of letters. */
struct made_book {
    struct vg_book base;
    struct rule_kit kits[DATASETS + 1]; /* the last one for its configuration */
    struct vg_dataset *datasets[DATASETS];
    struct vg_ruleset rules;
    int *freed;
};

static const struct {
    char letter;
    const char *head, *schedule;
} texts[] = {
    {'a', "dataset: a\n", "{window: 1h, delay: 10m, every: 5m}"},
    {'b', "dataset: b\n", "{window: 2h, delay: 25m, every: 5m}"},
    {'c', "dataset: c\n", "{window: 1h, delay: 40m, every: 5m}"},
    {'n', "dataset: n\nwas: a\n", "{window: 1h, delay: 10m, every: 5m}"},
    /* f fires from the first window on, and becomes g; both share a model with m */
    {'f', "dataset: f\nmodel: delays\n", "{window: 1h, delay: 10m, every: 5m}"},
    {'g', "dataset: g\nwas: f\nmodel: delays\n", "{window: 1h, delay: 10m, every: 5m}"},
    {'m', "dataset: m\nmodel: delays\n", "{window: 1h, delay: 10m, every: 5m}"},
    /* x and y are told of, and remind every hour */
    {'x', "dataset: x\ncolumns: {value: {nulls: 10%}}\nnotify: {to: [ops], remind: 1h}\n",
     "{window: 1h, delay: 10m, every: 5m}"},
    {'y', "dataset: y\ncolumns: {value: {nulls: 10%}}\nnotify: {to: [ops], remind: 1h}\n",
     "{window: 1h, delay: 10m, every: 5m}"},
    {'r', "dataset: r\nreference: {from: \"2001-01-01\", to: \"2001-01-02\"}\n",
     "{window: 1h, delay: 10m, every: 5m}"},
};

static void free_book(struct vg_book *book)
{
    struct made_book *made = (struct made_book *)book;
    for (size_t i = 0; i <= DATASETS; i++)
        rule_kit_free(&made->kits[i]);
    ++*made->freed;
    free(made);
}

static struct vg_book *make_book(struct loop_kit *kit, const char *letters)
{
    struct made_book *made = calloc(1, sizeof *made);
    assert_non_null(made);
    for (size_t i = 0; letters[i]; i++) {
        char text[500];
        size_t t = 0;
        while (texts[t].letter != letters[i])
            t++;
        snprintf(text, sizeof text,
                 "version: 1\n%ssource: {connection: warehouse, table: ml.%c, time_column: at}\n"
                 "schedule: %s\nchecks:\n  - volume: {min: %d}\n",
                 texts[t].head, letters[i], texts[t].schedule, strchr("fg", letters[i]) ? 100 : 1);
        made->kits[i] = rule_kit_fine(rule_kit_config, text);
        made->datasets[made->rules.ndatasets++] = made->kits[i].dataset;
    }
    made->rules.datasets = made->datasets;
    made->kits[DATASETS] = rule_kit_fine(rule_kit_config, "version: 1\ndataset: x\nsource:"
                                                          " {connection: warehouse, table: t,"
                                                          " time_column: at}\n");
    made->rules.folder_ok = !kit->folder_lost;
    made->freed = &kit->freed;
    made->base = (struct vg_book){.config = made->kits[DATASETS].config, .rules = &made->rules};
    made->base.free = free_book;
    return &made->base;
}

static struct vg_book *load(void *arg)
{
    struct loop_kit *kit = arg;
    kit->loads++;
    return kit->next_book ? make_book(kit, kit->next_book) : NULL;
}

static void note_loaded(void *arg, const struct vg_book *book)
{
    struct loop_kit *kit = arg;
    assert_true(book == kit->loop.book);
    kit->loaded++;
}

static void note_refused(void *arg, const struct vg_book *fresh, const char *why)
{
    assert_true(fresh && why);
    ((struct loop_kit *)arg)->refused++;
}

static void note_drain(void *arg, int64_t now_us)
{
    struct loop_kit *kit = arg;
    assert_int_equal(now_us, kit->env.clock->ops->now_us(kit->env.clock));
    kit->drained++;
}

static void note_idle(void *arg, int64_t now_us)
{
    (void)now_us;
    ((struct loop_kit *)arg)->idled++;
}

static struct loop_kit *kit_of(struct vg_publisher *publisher)
{
    return (struct loop_kit *)((char *)publisher - offsetof(struct loop_kit, publisher));
}

static void show(struct vg_publisher *self, const struct vg_cycle *cycle,
                 const struct vg_alert *alerts, size_t nalerts)
{
    (void)alerts;
    (void)nalerts;
    kit_of(self)->shown[(unsigned char)*cycle->dataset] = true;
}

static void hide(struct vg_publisher *self, const char *dataset)
{
    kit_of(self)->shown[(unsigned char)*dataset] = false;
}

static const struct vg_publish_ops publish_ops = {show, hide};

static void note_commit(void *arg)
{
    struct loop_kit *kit = arg;
    void (*at_commit)(struct loop_kit *) = kit->at_commit;
    kit->at_commit = NULL;
    if (at_commit)
        at_commit(kit);
    if (++kit->committed == kit->stop_after)
        vg_loop_stop(&kit->loop);
}

/* A loop over these datasets; ten hours of rows. */
void loop_kit_start(struct loop_kit *kit, void **state, const char *letters, int64_t now_us)
{
    *kit = (struct loop_kit){.store = *state};
    vg_log_setup(VG_LOG_LEVELS, false);
    source_kit_init(&kit->source);
    for (int hour = 0; hour < 10; hour++) {
        struct vg_window span = made_hour(hour);
        source_kit_add(&kit->source, &span, 20, 0, 1);
    }
    MUST(kit, vg_clock_virtual(now_us, &kit->env.clock, &kit->err));
    kit->env.source = &kit->source.base;
    kit->env.store = kit->store->store;
    kit->env.commits = true;
    kit->publisher.ops = &publish_ops;
    kit->env.publisher = &kit->publisher;
    kit->env.agent = "prod";
    kit->env.committed = note_commit;
    kit->env.committed_arg = kit;
    kit->shell = (struct vg_shell_ops){.load = load,
                                       .loaded = note_loaded,
                                       .refused = note_refused,
                                       .drain = note_drain,
                                       .idle = note_idle,
                                       .arg = kit};
    MUST(kit, vg_loop_init(&kit->loop, &kit->env, &kit->shell, make_book(kit, letters), &kit->err));
}

void loop_kit_stop(struct loop_kit *kit)
{
    vg_loop_free(&kit->loop);
    assert_int_equal(kit->freed, kit->loaded + kit->refused + 1); /* every book, once */
    vg_clock_free(kit->env.clock);
    source_kit_free(&kit->source);
}

/* Asserts the scans since the first of them, as "a0 b0": table and hour of the window's start. */
void loop_kit_scans(const struct loop_kit *kit, const char *want)
{
    struct vg_buf out;
    vg_buf_init(&out, 10000);
    for (size_t i = 0; i < kit->source.nscans && i < SOURCE_SCANS; i++) {
        const struct source_scan *scan = &kit->source.scans[i];
        int64_t hour = (scan->from_us - made_hour(0).start_us) / VG_HOUR_US;
        vg_buf_printf(&out, "%s%s%lld", i ? " " : "", scan->table + strlen("ml."), (long long)hour);
    }
    assert_string_equal(out.data, want);
    vg_buf_free(&out);
}

/* Asserts the letters of the datasets that the store knows. */
void loop_kit_known(struct loop_kit *kit, const char *want)
{
    struct vg_strings known;
    MUST(kit, vg_store_datasets(kit->env.store, kit->store->arena, &known, &kit->err));
    assert_int_equal(known.n, strlen(want));
    for (size_t i = 0; i < known.n; i++)
        assert_non_null(strstr(want, known.items[i]));
    assert_int_equal(kit->loop.nslots, kit->loop.book->rules->ndatasets);
}

struct vg_slot *loop_kit_slot(struct loop_kit *kit, const char *id)
{
    for (size_t i = 0; i < kit->loop.nslots; i++) {
        if (!strcmp(kit->loop.slots[i]->id, id))
            return kit->loop.slots[i];
    }
    fail_msg("there is no slot %s", id);
    return NULL;
}

/* Leaves a command, runs once, and asserts that the answer holds these words. */
void loop_kit_command(struct loop_kit *kit, const char *verb, const char *argument,
                      const char *words)
{
    struct vg_control row = {.verb = verb, .argument = argument, .by = "test", .at_us = 1};
    int64_t id;
    const char *answer;
    MUST(kit, vg_store_control_put(kit->env.store, &row, &id, &kit->err));
    MUST(kit, vg_loop_once(&kit->loop, &kit->err));
    MUST(kit, vg_store_control_answer(kit->env.store, id, kit->store->arena, &answer, &kit->err));
    assert_non_null(answer);
    if (!strstr(answer, words))
        fail_msg("%s %s: %s", verb, argument, answer);
}
