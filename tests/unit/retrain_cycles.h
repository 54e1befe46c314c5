/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cycles of a model that is retrained: one dataset by hours, with drift and with broken data as a
 * test wants them. To be included by one file of a program. */
#ifndef TESTS_UNIT_RETRAIN_CYCLES_H
#define TESTS_UNIT_RETRAIN_CYCLES_H

#include <stdio.h>
#include <string.h>

#include "tests/unit/cycle_kit.h"

#define UNUSED __attribute__((unused))

static const char rules[] =
    "version: 1\n"
    "dataset: predictions\n"
    "model: delays\n"
    "role: predictions\n"
    "source: {connection: warehouse, table: ml.predictions, time_column: at, key: [id]}\n"
    "schedule: {window: 1h, delay: 10m, every: 5m}\n"
    "reference: {from: \"2001-01-01\", to: \"2001-02-01\"}\n"
    "columns:\n"
    "  value: {nulls: 10%, drift: {ks: 0.35}}\n"
    "checks:\n"
    "  - freshness: 8h\n"
    "notify: {to: [ops]}\n";

/* The distribution of value in the reference: 0 .. 99, each as often. */
UNUSED static void add_reference(struct cycle_kit *kit)
{
    const struct vg_reference meta = {.base_us = VG_HOUR_US,
                                      .captured_us = 1,
                                      .resolution = 4096,
                                      .spec = "table ml.train of ml.predictions; window 1h base"};
    const struct vg_reference_column at = {
        .name = "at", .type = "timestamp with time zone", .kind = VG_KIND_TIME, .not_null = true};
    const struct vg_reference_column id = {.name = "id", .type = "bigint", .kind = VG_KIND_NUMBER};
    struct made_column *made = made_column("value", 100, 10);
    struct vg_distribution *fine;
    int64_t version;
    struct vg_store *store = kit->env.store;
    MUST(kit, vg_distribution_of(&made->column, &fine, &kit->err));
    const struct vg_reference_column value = {.name = "value",
                                              .type = "double precision",
                                              .kind = VG_KIND_NUMBER,
                                              .fine = fine,
                                              .total = &made->column};
    MUST(kit, vg_store_reference_begin(store, "predictions", &meta, &version, &kit->err));
    MUST(kit, vg_store_reference_column(store, version, 0, &at, &kit->err));
    MUST(kit, vg_store_reference_column(store, version, 1, &value, &kit->err));
    MUST(kit, vg_store_reference_column(store, version, 2, &id, &kit->err));
    MUST(kit, vg_store_reference_done(store, version, 100, NULL, 1, &kit->err));
    vg_distribution_free(fine);
    free_column(made);
}

UNUSED static void start(struct cycle_kit *kit, void **state, const char *keys)
{
    char config[2000];
    snprintf(config, sizeof config,
             "%sretraining:\n"
             "  delays: {http: {url: \"https://example.test/train\"}, %s}\n",
             rule_kit_config, keys);
    cycle_kit_start(kit, state, config, rules);
    for (size_t i = 0; i < kit->rule.dataset->nrules; i++)
        kit->rule.dataset->rules[i].resolve_after = 1; /* of hours it would take three */
    add_reference(kit);
}

/* One hour of 300 rows, and the cycle that judges it. */
UNUSED static void run_hour(struct cycle_kit *kit, int hour, bool drifts, bool broken)
{
    struct vg_window span = made_hour(hour);
    source_kit_add(&kit->source, &span, 300, drifts ? 80 : 0, 1 / 3.0);
    source_kit_spoil(&kit->source, broken ? 60 : 0);
    kit->decided = 0;
    MUST(kit, cycle_kit_run(kit, cycle_kit_due(hour)));
    cycle_kit_same_progress(kit);
    cycle_kit_expect(kit, "value.drift.ks", drifts ? VG_FAIL : VG_PASS);
    cycle_kit_expect(kit, "value.nulls", broken ? VG_FAIL : VG_PASS);
    cycle_kit_expect(kit, "schema", VG_PASS);
}

/* The requests that wait in the outbox. */
UNUSED static size_t list_requests(struct cycle_kit *kit, struct vg_outgoing *last)
{
    struct vg_outgoing *rows;
    size_t n, requests = 0;
    MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows, &n,
                                  &kit->err));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].sink_kind != VG_SINK_RETRAIN)
            continue;
        *last = rows[i];
        requests++;
    }
    return requests;
}

UNUSED static bool find_onset(struct cycle_kit *kit, struct vg_onset *onset)
{
    bool found;
    MUST(kit,
         vg_store_onset(kit->env.store, "delays", kit->store->arena, onset, &found, &kit->err));
    return found;
}

UNUSED static void expect_decision(const struct cycle_kit *kit, int n, enum vg_decision_kind kind,
                                   const char *words)
{
    assert_int_equal(kit->decided, n);
    assert_string_equal(vg_decision_name(kit->decision.kind), vg_decision_name(kind));
    if (!strstr(kit->decision.reason, words))
        fail_msg("\"%s\" is not in: %s", words, kit->decision.reason);
}

#endif
