/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world for cycles. */
#include "tests/unit/cycle_kit.h"

#include <stdio.h>
#include <string.h>

#include "pgvigil/log.h"

const char cycle_kit_rules[] =
    "version: 1\n"
    "dataset: flights\n"
    "source: {connection: warehouse, table: ml.flights, time_column: at, key: [id]}\n"
    "schedule: {window: 1h, delay: 10m, every: 5m}\n"
    "private_keys: false\n"
    "columns:\n"
    "  value:\n"
    "    nulls: 10%\n"
    "    range: {min: 0, max: 100, where: \"value > 10\", id: filtered}\n"
    "  id: {range: {min: 1}}\n"
    "checks:\n"
    "  - volume: {min: 2}\n"
    "  - freshness: 8h\n"
    "notify: {to: [ops, audit]}\n";

static struct cycle_kit *kit_of(struct vg_publisher *publisher)
{
    return (struct cycle_kit *)((char *)publisher - offsetof(struct cycle_kit, publisher));
}

static void keep_result(struct seen_result *seen, const struct vg_result *result)
{
    snprintf(seen->rule, sizeof seen->rule, "%s", result->rule);
    snprintf(seen->why, sizeof seen->why, "%s", result->why);
    seen->verdict = result->verdict;
    seen->keys[0] = '\0';
    for (size_t i = 0; i < result->nkeys; i++) {
        size_t used = strlen(seen->keys);
        snprintf(seen->keys + used, sizeof seen->keys - used, "%s%s", i ? " " : "",
                 result->keys[i]);
    }
}

static void publish(struct vg_publisher *self, const struct vg_cycle *cycle,
                    const struct vg_alert *alerts, size_t nalerts)
{
    struct cycle_kit *kit = kit_of(self);
    (void)alerts;
    assert_true(cycle->nresults <= CYCLE_RESULTS);
    kit->published++;
    kit->cycle = *cycle;
    kit->nresults = cycle->nresults;
    kit->nalerts = nalerts;
    for (size_t i = 0; i < cycle->nresults; i++)
        keep_result(&kit->results[i], &cycle->results[i]);
}

static void retire(struct vg_publisher *self, const char *dataset)
{
    assert_string_equal(dataset, "flights");
    kit_of(self)->retired++;
}

static const struct vg_publish_ops publish_ops = {publish, retire};

static void note_commit(void *arg)
{
    ((struct cycle_kit *)arg)->committed++;
}

static void note_decision(void *arg, const struct vg_decision *decision)
{
    struct cycle_kit *kit = arg;
    kit->decided++;
    kit->decision = *decision;
    kit->decision.reason = vg_arena_strdup(kit->store->arena, decision->reason);
}

int64_t cycle_kit_due(int hour)
{
    return made_hour(hour).end_us + 10 * VG_MINUTE_US;
}

void cycle_kit_start(struct cycle_kit *kit, void **state, const char *config, const char *rules)
{
    *kit = (struct cycle_kit){.store = *state};
    vg_log_setup(VG_LOG_LEVELS, false);
    kit->rule = rule_kit_fine(config, rules);
    kit->datasets[0] = kit->rule.dataset;
    kit->rules = (struct vg_ruleset){.datasets = kit->datasets, .ndatasets = 1, .folder_ok = true};
    kit->publisher.ops = &publish_ops;
    source_kit_init(&kit->source);
    kit->env = (struct vg_cycle_env){
        .source = &kit->source.base,
        .store = kit->store->store,
        .commits = true,
        .publisher = &kit->publisher,
        .config = kit->rule.config,
        .rules = &kit->rules,
        .agent = "prod",
        .decided = note_decision,
        .decided_arg = kit,
        .committed = note_commit,
        .committed_arg = kit,
    };
    int64_t now_us = made_hour(0).end_us;
    MUST(kit, vg_clock_virtual(now_us, &kit->env.clock, &kit->err));
    kit->progress = (struct vg_progress){.first_seen_us = now_us,
                                         .watermark_us = VG_NEVER,
                                         .judged_us = VG_NEVER,
                                         .success_us = VG_NEVER,
                                         .tick_us = VG_NEVER,
                                         .retry_us = VG_NEVER};
}

void cycle_kit_stop(struct cycle_kit *kit)
{
    vg_clock_free(kit->env.clock);
    source_kit_free(&kit->source);
    rule_kit_free(&kit->rule);
}

int cycle_kit_run(struct cycle_kit *kit, int64_t at_us)
{
    static const struct vg_span span = {.from_us = VG_NEVER, .until_us = VG_NEVER};
    struct vg_job job;
    kit->env.clock->ops->sleep_until(kit->env.clock, at_us);
    assert_true(vg_due_job(kit->datasets[0], &kit->progress, &span, at_us, &job));
    return vg_cycle_run(&kit->env, &job, &kit->progress, &kit->err);
}

const struct seen_result *cycle_kit_expect(const struct cycle_kit *kit, const char *rule,
                                           enum vg_verdict verdict)
{
    for (size_t i = 0; i < kit->nresults; i++) {
        const struct seen_result *seen = &kit->results[i];
        if (strcmp(seen->rule, rule))
            continue;
        if (seen->verdict != verdict)
            fail_msg("%s is %s, not %s: %s", rule, vg_verdict_name(seen->verdict),
                     vg_verdict_name(verdict), seen->why);
        return seen;
    }
    fail_msg("%s has no result", rule);
    return NULL;
}

void cycle_kit_window(struct cycle_kit *kit, int hour, const char *status, uint64_t rows)
{
    static const char *const names[] = {"judged", "empty", "unreadable", "skipped"};
    struct vg_window_row row = {0};
    bool found;
    MUST(kit, vg_store_window(kit->env.store, kit->datasets[0]->id, made_hour(hour).start_us, &row,
                              &found, &kit->err));
    assert_string_equal(found ? names[row.status] : "none", status);
    assert_int_equal(row.rows, rows);
}

void cycle_kit_same_progress(struct cycle_kit *kit)
{
    struct vg_progress stored;
    const struct vg_progress *own = &kit->progress;
    MUST(kit, vg_store_progress(kit->env.store, kit->datasets[0]->id, kit->store->arena, &stored,
                                &kit->err));
    assert_true(stored.known && own->known);
    assert_int_equal(stored.watermark_us, own->watermark_us);
    assert_int_equal(stored.judged_us, own->judged_us);
    assert_int_equal(stored.success_us, own->success_us);
    assert_int_equal(stored.tick_us, own->tick_us);
    assert_int_equal(stored.failures, own->failures);
    assert_int_equal(stored.scan_failures, own->scan_failures);
    assert_int_equal(stored.retry_us, own->retry_us);
    assert_int_equal(stored.cycles, own->cycles);
    assert_int_equal(stored.rows_scanned, own->rows_scanned);
}
