/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the state store around one cycle: transactions (session.c), progress and windows,
 * alerts and incidents, renaming and retiring. */
#include "tests/unit/store_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- Transactions ---------------------------------------------------------------------- */

static size_t count_datasets(struct fixture *f)
{
    struct vg_strings names;
    MUST(f, vg_store_datasets(f->store, f->arena, &names, &f->err));
    return names.n;
}

static void put_progress(struct fixture *f, const char *dataset)
{
    struct vg_progress progress = {.first_seen_us = 1, .watermark_us = VG_NEVER};
    MUST(f, vg_store_progress_put(f->store, dataset, &progress, &f->err));
}

static void test_commit_and_rollback(void **state)
{
    struct fixture *f = *state;
    const struct vg_claim claim = {"me", 1};
    MUST(f, vg_store_begin(f->store, &claim, &f->err));
    put_progress(f, "a");
    vg_store_rollback(f->store);
    assert_int_equal(count_datasets(f), 0);
    MUST(f, vg_store_begin(f->store, &claim, &f->err));
    put_progress(f, "a");
    assert_int_equal(count_datasets(f), 1);
    MUST(f, vg_store_commit(f->store, &f->err));
    assert_int_equal(count_datasets(f), 1);
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    assert_int_equal(count_datasets(f), 1);
}

static void test_order_of_calls(void **state)
{
    struct fixture *f = *state;
    REFUSED(f, VG_E_INTERNAL, vg_store_commit(f->store, &f->err));
    vg_store_rollback(f->store);
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    REFUSED(f, VG_E_INTERNAL, vg_store_begin(f->store, NULL, &f->err));
    vg_store_rollback(f->store);
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    MUST(f, vg_store_commit(f->store, &f->err));
    vg_store_rollback(f->store);
    put_progress(f, "a");
}

/* Whatever the caller makes of it: a statement that failed takes the whole transaction along. */
static void test_failed_statement(void **state)
{
    struct fixture *f = *state;
    struct vg_error ignored;
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    put_progress(f, "a");
    assert_int_equal(
        vg_sql_run(f->store, &VG_SQL_PLAIN("INSERT INTO meta VALUES ('k', NULL)"), &ignored), -1);
    struct vg_progress progress = {.first_seen_us = 1};
    REFUSED(f, VG_E_INTERNAL, vg_store_progress_put(f->store, "b", &progress, &f->err));
    REFUSED(f, VG_E_INTERNAL, vg_store_commit(f->store, &f->err));
    assert_int_equal(count_datasets(f), 0);
    put_progress(f, "c");
    assert_int_equal(count_datasets(f), 1);
}

/* A question with the answer "no such thing" is not a failed statement. */
static void test_refusal_is_no_failure(void **state)
{
    struct fixture *f = *state;
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    put_progress(f, "a");
    REFUSED(f, VG_E_NOT_FOUND, vg_store_reference_use(f->store, "a", 3, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_outbox_sent(f->store, 99, 1, &f->err));
    MUST(f, vg_store_commit(f->store, &f->err));
    assert_int_equal(count_datasets(f), 1);
}

/* --- Progress and windows -------------------------------------------------------------- */

static void test_progress(void **state)
{
    struct fixture *f = *state;
    struct vg_progress got, put = {
                                .known = true,
                                .first_seen_us = 1,
                                .watermark_us = VG_NEVER,
                                .judged_us = 3,
                                .success_us = 4,
                                .tick_us = 5,
                                .failures = 6,
                                .scan_failures = 7,
                                .retry_us = VG_NEVER,
                                .cycles = 8,
                                .cycle_failures = 9,
                                .ticks_skipped = 10,
                                .windows_skipped = 11,
                                .rows_scanned = UINT64_MAX,
                                .model = "delay-model",
                                .role = VG_ROLE_LABELS,
                            };
    MUST(f, vg_store_progress(f->store, "d", f->arena, &got, &f->err));
    assert_false(got.known);
    assert_int_equal(got.watermark_us, VG_NEVER);
    assert_int_equal(got.first_seen_us, VG_NEVER);
    assert_int_equal(got.retry_us, VG_NEVER);
    for (int i = 0; i < 2; i++) {
        MUST(f, vg_store_progress_put(f->store, "d", &put, &f->err));
        MUST(f, vg_store_progress(f->store, "d", f->arena, &got, &f->err));
        assert_true(got.known);
        assert_int_equal(got.first_seen_us, put.first_seen_us);
        assert_int_equal(got.watermark_us, put.watermark_us);
        assert_int_equal(got.judged_us, put.judged_us);
        assert_int_equal(got.success_us, put.success_us);
        assert_int_equal(got.tick_us, put.tick_us);
        assert_int_equal(got.failures, put.failures);
        assert_int_equal(got.scan_failures, put.scan_failures);
        assert_int_equal(got.retry_us, put.retry_us);
        assert_int_equal(got.cycles, put.cycles);
        assert_int_equal(got.cycle_failures, put.cycle_failures);
        assert_int_equal(got.ticks_skipped, put.ticks_skipped);
        assert_int_equal(got.windows_skipped, put.windows_skipped);
        assert_int_equal(got.rows_scanned, i ? 12 : INT64_MAX);
        assert_int_equal(got.role, put.role);
        assert_string_equal(got.model, "delay-model");
        put.watermark_us = 100;
        put.rows_scanned = 12;
    }
    put.model = NULL;
    MUST(f, vg_store_progress_put(f->store, "d", &put, &f->err));
    MUST(f, vg_store_progress(f->store, "d", f->arena, &got, &f->err));
    assert_null(got.model);
}

static void put_window(struct fixture *f, const char *dataset, int hour,
                       enum vg_window_status status, uint64_t rows)
{
    const struct vg_window_row row = {.window = made_hour(hour),
                                      .due_us = hour,
                                      .committed_us = hour + 1,
                                      .status = status,
                                      .rows = rows,
                                      .probe_rows = -1};
    MUST(f, vg_store_window_put(f->store, dataset, &row, &f->err));
}

static void test_windows(void **state)
{
    struct fixture *f = *state;
    struct vg_window_row row, *open;
    bool found;
    size_t n;
    MUST(f, vg_store_window_newest(f->store, "d", &row, &found, &f->err));
    assert_false(found);
    put_window(f, "d", 1, VG_WINDOW_JUDGED, 10);
    put_window(f, "d", 2, VG_WINDOW_EMPTY, 0);
    put_window(f, "d", 3, VG_WINDOW_JUDGED, 30);
    put_window(f, "d", 4, VG_WINDOW_UNREADABLE, 0);
    put_window(f, "d", 5, VG_WINDOW_EMPTY, 0);
    put_window(f, "d", 6, VG_WINDOW_SKIPPED, 0);
    put_window(f, "other", 7, VG_WINDOW_JUDGED, 70);
    put_window(f, "other", 8, VG_WINDOW_EMPTY, 0);
    MUST(f, vg_store_window_newest(f->store, "d", &row, &found, &f->err));
    assert_true(found);
    assert_int_equal(row.window.start_us, made_hour(3).start_us);
    assert_int_equal(row.rows, 30);
    MUST(f, vg_store_windows_open(f->store, "d", 0, f->arena, &open, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(open[0].window.start_us, made_hour(2).start_us);
    assert_int_equal(open[1].window.start_us, made_hour(5).start_us);
    assert_int_equal(open[1].probe_rows, -1);
    MUST(f,
         vg_store_windows_open(f->store, "d", made_hour(2).end_us, f->arena, &open, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f,
         vg_store_windows_open(f->store, "d", made_hour(5).end_us, f->arena, &open, &n, &f->err));
    assert_int_equal(n, 0);
    assert_null(open);
    /* Filled late: the empty commit is replaced. */
    put_window(f, "d", 5, VG_WINDOW_JUDGED, 50);
    MUST(f, vg_store_window(f->store, "d", made_hour(5).start_us, &row, &found, &f->err));
    assert_true(found);
    assert_int_equal(row.status, VG_WINDOW_JUDGED);
    assert_int_equal(row.rows, 50);
    assert_int_equal(row.due_us, 5);
    assert_int_equal(row.committed_us, 6);
    assert_int_equal(row.window.end_us, made_hour(5).end_us);
    MUST(f, vg_store_window(f->store, "d", made_hour(7).start_us, &row, &found, &f->err));
    assert_false(found);
}

/* --- Alerts and incidents -------------------------------------------------------------- */

static void assert_same_alert(const struct vg_alert *a, const struct vg_alert *b)
{
    assert_string_equal(a->dataset, b->dataset);
    assert_string_equal(a->rule, b->rule);
    assert_string_equal(a->segment, b->segment);
    assert_string_equal(a->check, b->check);
    assert_true(vg_streq(a->column, b->column));
    assert_int_equal(a->class, b->class);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->good, b->good);
    assert_int_equal(a->bad, b->bad);
    assert_int_equal(a->blind, b->blind);
    assert_int_equal(a->blind_since_us, b->blind_since_us);
    assert_int_equal(a->onset_us, b->onset_us);
    assert_int_equal(a->due_us, b->due_us);
    assert_int_equal(a->changed_us, b->changed_us);
    assert_int_equal(a->reminded_us, b->reminded_us);
    assert_string_equal(a->incident, b->incident);
    assert_int_equal(a->untold, b->untold);
    assert_string_equal(a->why, b->why);
    assert_true(a->value == b->value);
    assert_true(isnan(a->limit) && isnan(b->limit));
    assert_int_equal(a->unit, b->unit);
    assert_int_equal(a->verdict, b->verdict);
    assert_true(a->worst.at_us == b->worst.at_us && a->worst.value == b->worst.value);
    assert_true(a->worst.limit == b->worst.limit && a->worst.verdict == b->worst.verdict);
    assert_int_equal(a->is_private, b->is_private);
    assert_true(vg_streq(a->runbook, b->runbook));
}

static void test_alerts(void **state)
{
    struct fixture *f = *state;
    struct vg_alert *got, first = made_alert("b", VG_ALERT_FIRING),
                          second = made_alert("a", VG_ALERT_NEW);
    size_t n;
    second.segment = "carrier=AA";
    second.column = second.runbook = NULL;
    MUST(f, vg_store_alert_put(f->store, &first, &f->err));
    MUST(f, vg_store_alert_put(f->store, &second, &f->err));
    first.state = VG_ALERT_CLEARING;
    first.incident[0] = '\0';
    MUST(f, vg_store_alert_put(f->store, &first, &f->err));
    MUST(f, vg_store_alerts(f->store, "d", f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_same_alert(&got[0], &second);
    assert_same_alert(&got[1], &first);
    MUST(f, vg_store_alerts(f->store, "x", f->arena, &got, &n, &f->err));
    assert_int_equal(n, 0);
    MUST(f, vg_store_alert_delete(f->store, "d", "a", "", &f->err));
    MUST(f, vg_store_alerts(f->store, NULL, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    MUST(f, vg_store_alert_delete(f->store, "d", "a", "carrier=AA", &f->err));
    MUST(f, vg_store_alerts(f->store, NULL, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 1);
}

/* Values that are not finite come back as NAN. */
static void test_not_finite(void **state)
{
    struct fixture *f = *state;
    static const double odd[] = {NAN, INFINITY, -INFINITY};
    struct vg_alert *got, alert = made_alert("r", VG_ALERT_OK);
    size_t n;
    for (size_t i = 0; i < 3; i++) {
        alert.value = odd[i];
        MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
        MUST(f, vg_store_alerts(f->store, NULL, f->arena, &got, &n, &f->err));
        assert_true(isnan(got[0].value));
    }
}

static void test_alert_rename(void **state)
{
    struct fixture *f = *state;
    struct vg_alert *got, alert = made_alert("old", VG_ALERT_FIRING);
    struct vg_result result = made_result("old", VG_FAIL);
    struct vg_cycle cycle = made_cycle(1, &result, 1);
    struct vg_latest *latest;
    size_t n;
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    /* The cycle that finds the new id stores its result before it moves the alert. */
    result.rule = "new";
    cycle = made_cycle(2, &result, 1);
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    MUST(f, vg_store_alert_rename(f->store, "d", "old", "new", &f->err));
    MUST(f, vg_store_commit(f->store, &f->err));
    MUST(f, vg_store_alert_rename(f->store, "d", "old", "new", &f->err));
    MUST(f, vg_store_alerts(f->store, "d", f->arena, &got, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(got[0].rule, "new");
    assert_int_equal(got[0].state, VG_ALERT_FIRING);
    MUST(f, vg_store_latest(f->store, "d", f->arena, &latest, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(latest[0].rule, "new");
    assert_int_equal(latest[0].window_end_us, made_hour(2).end_us);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM result WHERE rule = 'new'"), 2);
    /* Both ids have an alert: neither is lost. */
    alert.rule = "old";
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    MUST(f, vg_store_alert_rename(f->store, "d", "old", "new", &f->err));
    MUST(f, vg_store_alerts(f->store, "d", f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
}

static struct vg_incident made_incident(const char *key, int64_t due_us, int64_t closed_us)
{
    static const char *const receivers[] = {"ops", "oncall"};
    struct vg_incident incident = {
        .dataset = "d",
        .severity = VG_SEVERITY_WARNING,
        .opened_due_us = due_us,
        .first_us = due_us + 1,
        .closed_us = closed_us,
        .onset_us = 2,
        .told_us = 3,
        .to = {receivers, 2},
    };
    snprintf(incident.key, sizeof incident.key, "%s", key);
    return incident;
}

static void test_incidents(void **state)
{
    struct fixture *f = *state;
    struct vg_incident *got, one = made_incident("k1", 10, VG_NEVER),
                             two = made_incident("k2", 20, VG_NEVER),
                             other = made_incident("k3", 15, VG_NEVER);
    size_t n;
    other.dataset = "other";
    other.to.n = 0;
    MUST(f, vg_store_incident_put(f->store, &one, &f->err));
    MUST(f, vg_store_incident_put(f->store, &two, &f->err));
    MUST(f, vg_store_incident_put(f->store, &other, &f->err));
    MUST(f, vg_store_incidents(f->store, "d", true, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(got[0].key, "k2");
    assert_int_equal(got[0].severity, VG_SEVERITY_WARNING);
    assert_int_equal(got[0].first_us, 21);
    assert_int_equal(got[0].closed_us, VG_NEVER);
    assert_int_equal(got[0].onset_us, 2);
    assert_int_equal(got[0].told_us, 3);
    assert_int_equal(got[0].to.n, 2);
    assert_string_equal(got[0].to.items[0], "ops");
    assert_string_equal(got[0].to.items[1], "oncall");
    two.closed_us = 99;
    two.to.n = 1;
    static const struct {
        int64_t told_us;
        size_t n; /* open, or with an end that has not been told */
    } ends[] = {{3, 2}, {VG_NEVER, 2}, {99, 1}, {100, 1}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        two.told_us = ends[i].told_us;
        MUST(f, vg_store_incident_put(f->store, &two, &f->err));
        MUST(f, vg_store_incidents(f->store, "d", true, f->arena, &got, &n, &f->err));
        assert_int_equal(n, ends[i].n);
        assert_string_equal(got[n - 1].key, "k1");
    }
    MUST(f, vg_store_incidents(f->store, "d", false, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(got[0].closed_us, 99);
    assert_int_equal(got[0].to.n, 1);
    MUST(f, vg_store_incidents(f->store, NULL, true, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(got[0].dataset, "other");
    assert_int_equal(got[0].to.n, 0);
    MUST(f, vg_store_incidents(f->store, NULL, false, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 3);
}

/* --- Renaming and retiring ------------------------------------------------------------- */

static void fill_dataset(struct fixture *f)
{
    struct vg_result result = made_result("r", VG_FAIL);
    struct vg_cycle cycle = made_cycle(1, &result, 1);
    struct vg_alert alert = made_alert("r", VG_ALERT_FIRING);
    struct vg_incident incident = made_incident("k1", 10, VG_NEVER);
    struct made_column *made = made_column("delay", 50, 10);
    const struct vg_summary summary = {.rows = 50, .columns = &made->column, .ncolumns = 1};
    const struct vg_reference meta = {.spec = "s"};
    int64_t version;
    put_progress(f, "d");
    put_window(f, "d", 1, VG_WINDOW_JUDGED, 10);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    MUST(f, vg_store_incident_put(f->store, &incident, &f->err));
    MUST(f, vg_store_summary_add(f->store, "d", &cycle.window, &summary, &f->err));
    MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, &f->err));
    MUST(f, vg_store_reference_done(f->store, version, 1, NULL, 1, &f->err));
    free_column(made);
}

static void test_rename(void **state)
{
    struct fixture *f = *state;
    struct vg_strings names;
    struct vg_reference_row *references;
    int64_t version;
    size_t n;
    const struct vg_reference meta = {.spec = "t"};
    fill_dataset(f);
    /* A reference that stayed behind when "new" was retired long ago. */
    MUST(f, vg_store_reference_begin(f->store, "new", &meta, &version, &f->err));
    MUST(f, vg_store_reference_done(f->store, version, 1, NULL, 1, &f->err));
    MUST(f, vg_store_rename(f->store, "d", "d", &f->err));
    MUST(f, vg_store_rename(f->store, "unknown", "new", &f->err));
    MUST(f, vg_store_rename(f->store, "d", "new", &f->err));
    MUST(f, vg_store_datasets(f->store, f->arena, &names, &f->err));
    assert_int_equal(names.n, 1);
    assert_string_equal(names.items[0], "new");
    static const char *const counts[] = {
        "SELECT count(*) FROM scanned_window WHERE dataset = 'new'",
        "SELECT count(*) FROM latest WHERE dataset = 'new'",
        "SELECT count(*) FROM result WHERE dataset = 'new'",
        "SELECT count(*) FROM alert WHERE dataset = 'new'",
        "SELECT count(*) FROM incident WHERE dataset = 'new'",
        "SELECT count(*) FROM summary WHERE dataset = 'new'",
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        assert_int_equal(fixture_int(f->store, counts[i]), 1);
    MUST(f, vg_store_references(f->store, "new", f->arena, &references, &n, &f->err));
    assert_int_equal(n, 2);
    assert_false(references[0].active);
    assert_true(references[1].active);
    /* A dataset that takes the old id is another one; the new one is known and stays as it is. */
    put_progress(f, "d");
    MUST(f, vg_store_rename(f->store, "d", "new", &f->err));
    assert_int_equal(count_datasets(f), 2);
}

static void test_retire(void **state)
{
    struct fixture *f = *state;
    struct vg_reference_row *references;
    size_t n;
    fill_dataset(f);
    put_progress(f, "other");
    MUST(f, vg_store_retire(f->store, "d", &f->err));
    assert_int_equal(count_datasets(f), 1);
    static const char *const gone[] = {
        "SELECT count(*) FROM scanned_window",
        "SELECT count(*) FROM latest",
        "SELECT count(*) FROM alert",
        "SELECT count(*) FROM summary",
        "SELECT count(*) FROM dataset WHERE dataset = 'd'",
    };
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        assert_int_equal(fixture_int(f->store, gone[i]), 0);
    MUST(f, vg_store_references(f->store, "d", f->arena, &references, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM result"), 1);
}

/* Names are data: quotes, newlines, markup, emoji and no text at all. */
static void test_odd_names(void **state)
{
    struct fixture *f = *state;
    static const char *const odd[] = {"a'b", "a\"b",    "a\nb", "a;--", "%s$1?", "\xf0\x9f\x99\x82",
                                      "",    "\xff\xfe"};
    struct vg_strings names;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        put_progress(f, odd[i]);
    MUST(f, vg_store_datasets(f->store, f->arena, &names, &f->err));
    assert_int_equal(names.n, sizeof odd / sizeof odd[0]);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        size_t same = 0;
        for (size_t j = 0; j < names.n; j++)
            same += !strcmp(names.items[j], odd[i]);
        assert_int_equal(same, 1);
    }
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_commit_and_rollback),
        OPEN(test_order_of_calls),
        OPEN(test_failed_statement),
        OPEN(test_refusal_is_no_failure),
        OPEN(test_progress),
        OPEN(test_windows),
        OPEN(test_alerts),
        OPEN(test_not_finite),
        OPEN(test_alert_rename),
        OPEN(test_incidents),
        OPEN(test_rename),
        OPEN(test_retire),
        OPEN(test_odd_names),
    };
    return cmocka_run_group_tests_name("test_store_cycle", tests, NULL, NULL);
}
