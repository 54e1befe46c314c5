/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the board (agent/metrics/metrics.c, agent/metrics/render.c): the agent's own
 * counts, what is rendered for whom, and readers beside writers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/metrics.h"
#include "pgvigil/log.h"
#include "tests/unit/board.h"
#include "tests/unit/exposition.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- The agent's own ------------------------------------------------------------------------- */

static void announce(struct vg_metrics *metrics)
{
    const struct vg_receiver receivers[] = {{.name = "ops"}, {.name = "on call"}};
    const struct vg_retraining models[] = {{.model = "delay-model"}};
    vg_metrics_receivers(metrics, receivers, 2);
    vg_metrics_models(metrics, models, 1);
}

static void test_counters_appear_before_first_use(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1.2.3");
    announce(metrics);
    vg_metrics_pushing(metrics);
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    static const char *const zero[] = {
        "pgvigil_notifications_total{receiver=\"ops\"}",
        "pgvigil_notification_failures_total{receiver=\"on call\"}",
        "pgvigil_notifications_dropped_total{receiver=\"ops\"}",
        "pgvigil_outbox_messages{receiver=\"ops\"}",
        "pgvigil_outbox_messages{receiver=\"retraining/delay-model\"}",
        "pgvigil_retrain_decisions_total{model=\"delay-model\",decision=\"fired\"}",
        "pgvigil_retrain_decisions_total{model=\"delay-model\",decision=\"withheld\"}",
        "pgvigil_retrain_decisions_total{model=\"delay-model\",decision=\"refused\"}",
        "pgvigil_pushes_total",
        "pgvigil_push_failures_total",
        "pgvigil_series_dropped_total",
        "pgvigil_cycle_duration_seconds_count",
        "pgvigil_cycle_duration_seconds_bucket{le=\"+Inf\"}",
    };
    for (size_t i = 0; i < COUNT(zero); i++)
        board_assert(text, zero[i], 0);
    board_assert(text, "pgvigil_build_info{version=\"1.2.3\"}", 1);
    assert_int_equal(exposition_count(text, "pgvigil_log_messages_total"), VG_LOG_LEVELS);
    static const char *const process[] = {
        "process_cpu_seconds_total", "process_start_time_seconds",
        "process_open_fds",          "process_resident_memory_bytes",
        "process_max_fds",           "process_virtual_memory_bytes",
        "process_threads",
    };
    double value;
    for (size_t i = 0; i < COUNT(process); i++)
        assert_true(exposition_value(text, process[i], &value) && value >= 0);
    assert_true(exposition_value(text, "process_resident_memory_bytes", &value) && value > 1e5);
    assert_true(exposition_value(text, "process_start_time_seconds", &value) && value > 1.6e9);
    exposition_promtool(text);
    free(text);
    vg_metrics_free(metrics);
}

/* Whether a request waits for approval: by what is decided, and by what a restart finds. */
static void test_what_waits_for_approval(void **state)
{
    (void)state;
    static const struct {
        enum vg_decision_kind kind;
        double want;
    } steps[] = {
        {VG_DECIDED_OPENED, 0},   {VG_DECIDED_WAITING, 1},       {VG_DECIDED_WITHHELD, 1},
        {VG_DECIDED_APPROVED, 0}, {VG_DECIDED_WAITING, 1},       {VG_DECIDED_DENIED, 0},
        {VG_DECIDED_WAITING, 1},  {VG_DECIDED_FIRED, 0},         {VG_DECIDED_WAITING, 1},
        {VG_DECIDED_ENDED, 1},    {VG_DECIDED_ENDED_UNFIRED, 0},
    };
    double value = -1;
    static const char series[] = "pgvigil_retrain_pending{model=\"delay-model\"}";
    struct vg_metrics *metrics = vg_metrics_new("1");
    announce(metrics);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        vg_metrics_decided(metrics, "delay-model", steps[i].kind);
        char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
        assert_true(exposition_value(text, series, &value) && value == steps[i].want);
        free(text);
    }
    vg_metrics_pending(metrics, "delay-model", 1);
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    assert_true(exposition_value(text, series, &value) && value == 1);
    free(text);
    vg_metrics_free(metrics);
}

static void test_deliveries_and_decisions_are_counted(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    announce(metrics);
    vg_metrics_notified(metrics, VG_SINK_RECEIVER, "ops", VG_DELIVERED);
    vg_metrics_notified(metrics, VG_SINK_RECEIVER, "ops", VG_RETRY);
    vg_metrics_notified(metrics, VG_SINK_RECEIVER, "ops", VG_PERMANENT);
    vg_metrics_notified(metrics, VG_SINK_RETRAIN, "delay-model", VG_DELIVERED);
    vg_metrics_decided(metrics, "delay-model", VG_DECIDED_WITHHELD);
    vg_metrics_decided(metrics, "delay-model", VG_DECIDED_WITHHELD);
    struct vg_outbox_count counts[] = {{"ops", VG_SINK_RECEIVER, 3, 1, 9, 2},
                                       {"delay-model", VG_SINK_RETRAIN, 1, 0, 0, 0}};
    vg_metrics_outbox(metrics, counts, 2);
    vg_metrics_outbox(metrics, counts, 1); /* the second waits no more */
    vg_metrics_pushed(metrics, true, board_noon_us);
    vg_metrics_pushed(metrics, false, board_noon_us + VG_US);
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    static const struct {
        const char *series;
        double want;
    } cases[] = {
        {"pgvigil_notifications_total{receiver=\"ops\"}", 3},
        {"pgvigil_notification_failures_total{receiver=\"ops\"}", 2},
        {"pgvigil_notifications_dropped_total{receiver=\"ops\"}", 3},
        {"pgvigil_notifications_total{receiver=\"retraining/delay-model\"}", 1},
        {"pgvigil_retrain_decisions_total{model=\"delay-model\",decision=\"withheld\"}", 2},
        {"pgvigil_outbox_messages{receiver=\"ops\"}", 3},
        {"pgvigil_outbox_messages{receiver=\"retraining/delay-model\"}", 0},
        {"pgvigil_pushes_total", 2},
        {"pgvigil_push_failures_total", 1},
        {"pgvigil_push_last_success_timestamp_seconds", 992347200},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        board_assert(text, cases[i].series, cases[i].want);
    free(text);
    vg_metrics_free(metrics);
}

static void test_configuration(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    struct vg_rule_file files[] = {{.path = "rules/a.yaml", .ok = true},
                                   {.path = "rules/b.yaml", .ok = false}};
    vg_metrics_reloaded(metrics, true, board_noon_us);
    vg_metrics_rule_files(metrics, files, 2);
    vg_metrics_reloaded(metrics, false, board_noon_us + VG_US);
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, "pgvigil_config_last_reload_successful", 0);
    board_assert(text, "pgvigil_config_last_reload_success_timestamp_seconds", 992347200);
    board_assert(text, "pgvigil_rule_file_ok{file=\"rules/a.yaml\"}", 1);
    board_assert(text, "pgvigil_rule_file_ok{file=\"rules/b.yaml\"}", 0);
    free(text);
    vg_metrics_rule_files(metrics, &files[1], 1);
    text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    assert_int_equal(exposition_count(text, "pgvigil_rule_file_ok"), 1);
    free(text);
    vg_metrics_free(metrics);
}

static void test_the_state_store(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    for (int i = 0; i < 4; i++) {
        struct vg_store_health health = {.in_place = i & 1, .writable = i & 2};
        vg_metrics_state(metrics, &health);
        char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
        board_assert(text, "pgvigil_state_in_place", i & 1);
        board_assert(text, "pgvigil_state_writable", i >> 1);
        free(text);
    }
    vg_metrics_free(metrics);
}

static void test_histogram_of_cycles(void **state)
{
    (void)state;
    static const double seconds[] = {0.005, 0.01, 0.25, 2, 4000, NAN, -1};
    struct vg_metrics *metrics = vg_metrics_new("1");
    for (size_t i = 0; i < COUNT(seconds); i++) {
        struct vg_cycle cycle = board_cycle("d");
        cycle.seconds = seconds[i];
        board_publish(metrics, &cycle, NULL, 0);
    }
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, "pgvigil_cycle_duration_seconds_bucket{le=\"0.01\"}", 2);
    board_assert(text, "pgvigil_cycle_duration_seconds_bucket{le=\"0.3\"}", 3);
    board_assert(text, "pgvigil_cycle_duration_seconds_bucket{le=\"3\"}", 4);
    board_assert(text, "pgvigil_cycle_duration_seconds_bucket{le=\"1800\"}", 4);
    board_assert(text, "pgvigil_cycle_duration_seconds_bucket{le=\"+Inf\"}", 5);
    board_assert(text, "pgvigil_cycle_duration_seconds_count", 5);
    board_assert(text, "pgvigil_cycle_duration_seconds_sum", 0.005 + 0.01 + 0.25 + 2 + 4000);
    free(text);
    vg_metrics_free(metrics);
}

/* --- Scopes, threads ------------------------------------------------------------------------- */

static void test_scopes(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    struct vg_cycle a = board_cycle("a"), b = board_cycle("b");
    board_publish(metrics, &b, NULL, 0);
    board_publish(metrics, &a, NULL, 0);
    char *all = board_text(metrics, (struct vg_metrics_scope){.agent = true, .datasets = true});
    assert_int_equal(exposition_count(all, "pgvigil_dataset_up"), 2);
    assert_true(strstr(all, "{dataset=\"a\"}") < strstr(all, "{dataset=\"b\"}"));
    assert_int_equal(exposition_count(all, "pgvigil_build_info"), 1);
    exposition_promtool(all);
    char *own = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert_absent(own, "pgvigil_dataset_up");
    char *one = board_group(metrics, "a");
    assert_int_equal(exposition_count(one, "pgvigil_dataset_up"), 1);
    board_assert_absent(one, "pgvigil_build_info");
    board_assert_absent(one, "pgvigil_cycle_duration_seconds_count");
    char *none = board_group(metrics, "c");
    assert_string_equal(none, "");
    struct vg_metrics_scope family = {.dataset = "a", .only = "pgvigil_cycles_total"};
    char *only = board_text(metrics, family);
    assert_int_equal(exposition_count(only, NULL), 1);
    assert_int_equal(exposition_count(only, "pgvigil_cycles_total"), 1);
    size_t n;
    vg_metric_types(&n);
    bool *skip = calloc(n, sizeof *skip);
    skip[0] = true;
    char *rest = board_text(metrics, (struct vg_metrics_scope){.dataset = "a", .skip = skip});
    assert_int_equal(exposition_count(rest, NULL), exposition_count(one, NULL) - 1);
    free(skip);
    char *const texts[] = {all, own, one, none, only, rest};
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    vg_metrics_free(metrics);
}

static void test_a_page_too_large_is_an_error(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    struct vg_buf out;
    vg_buf_init(&out, 100);
    struct vg_metrics_scope scope = {.agent = true};
    assert_int_equal(vg_metrics_render(metrics, &scope, &out), -1);
    vg_buf_free(&out);
    vg_metrics_free(metrics);
}

static void *publish_many(void *arg)
{
    struct vg_result both[] = {board_drift(0.2, VG_PASS), board_freshness(VG_PASS)};
    struct vg_alert alert = board_alert("score-drift", VG_ALERT_OK);
    struct vg_cycle cycle = board_cycle("predictions");
    board_window(&cycle, both, 2);
    for (int i = 0; i < 300; i++) {
        both[0].value = both[0].limit = both[0].warn_limit = i;
        board_publish(arg, &cycle, &alert, i % 2 ? 1 : 0);
        vg_metrics_notified(arg, VG_SINK_RECEIVER, "ops", VG_DELIVERED);
    }
    return NULL;
}

/* A reader sees the whole of a cycle: value and limits of one rule belong together. */
static void test_readers_see_whole_cycles(void **state)
{
    (void)state;
    struct vg_metrics *metrics = vg_metrics_new("1");
    pthread_t threads[2];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publish_many, metrics), 0);
    for (int i = 0; i < 100; i++) {
        char *text =
            board_text(metrics, (struct vg_metrics_scope){.agent = true, .datasets = true});
        double value, limit;
        const char *labels =
            "{dataset=\"predictions\",rule=\"score-drift\",column=\"probability\",segment=\"\"";
        char series[200], threshold[200];
        snprintf(series, sizeof series, "pgvigil_drift_ks%s}", labels);
        snprintf(threshold, sizeof threshold, "pgvigil_drift_ks_threshold%s,level=\"fail\"}",
                 labels);
        if (exposition_value(text, series, &value)) {
            assert_true(exposition_value(text, threshold, &limit));
            assert_true(value == limit);
        }
        free(text);
    }
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    char *text = board_text(metrics, (struct vg_metrics_scope){.agent = true});
    board_assert(text, "pgvigil_notifications_total{receiver=\"ops\"}", 600);
    board_assert(text, "pgvigil_cycle_duration_seconds_count", 600);
    free(text);
    vg_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_appear_before_first_use),
        cmocka_unit_test(test_what_waits_for_approval),
        cmocka_unit_test(test_deliveries_and_decisions_are_counted),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_the_state_store),
        cmocka_unit_test(test_histogram_of_cycles),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_a_page_too_large_is_an_error),
        cmocka_unit_test(test_readers_see_whole_cycles),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
