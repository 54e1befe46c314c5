/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agent/loop/carry*.c: what a replay hands on in memory is what the store would have given back.
 * Each test does the same to both and compares. */
#include "agent/loop/carry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settle.h"
#include "tests/unit/store_fixture.h"

static struct vg_carry *open_carry(struct fixture *f)
{
    struct vg_carry *carry;
    MUST(f, vg_carry_new(f->store, "d", &carry, &f->err));
    return carry;
}

/* --- Alerts and incidents ----------------------------------------------------------------- */

static void same_number(double a, double b)
{
    assert_true((isnan(a) && isnan(b)) || a == b);
}

static void same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_string_equal(a, b);
}

static void same_alert(const struct vg_alert *a, const struct vg_alert *b)
{
    same_text(a->dataset, b->dataset);
    same_text(a->rule, b->rule);
    same_text(a->segment, b->segment);
    same_text(a->check, b->check);
    same_text(a->column, b->column);
    same_text(a->why, b->why);
    same_text(a->runbook, b->runbook);
    same_text(a->incident, b->incident);
    same_number(a->value, b->value);
    same_number(a->limit, b->limit);
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
    assert_int_equal(a->untold, b->untold);
    assert_int_equal(a->unit, b->unit);
    assert_int_equal(a->verdict, b->verdict);
    assert_true(a->worst.at_us == b->worst.at_us && a->worst.value == b->worst.value);
    assert_true(a->worst.limit == b->worst.limit && a->worst.verdict == b->worst.verdict);
    assert_int_equal(a->proposed, b->proposed);
}

static void test_alerts(void **state)
{
    struct fixture *f = *state;
    struct vg_carry *carry = open_carry(f);
    struct vg_alert alerts[] = {made_alert("z", VG_ALERT_FIRING), made_alert("b", VG_ALERT_OK),
                                made_alert("b", VG_ALERT_PENDING), made_alert("gone", VG_ALERT_OK),
                                made_alert("B", VG_ALERT_BLIND)};
    const size_t n = sizeof alerts / sizeof *alerts;
    bool retired[] = {false, false, false, true, false};
    alerts[0].value = INFINITY;
    alerts[1].segment = NULL;
    alerts[1].why = NULL;
    alerts[1].column = NULL;
    alerts[1].limit = -INFINITY;
    alerts[2].segment = "carrier=UA";
    struct vg_settle_out settled = {
        .alerts = alerts, .nalerts = n, .retired = retired, .told = true};
    for (int times = 0; times < 3; times++) {
        struct vg_settle_in in = {.cycle = NULL};
        struct vg_alert *stored;
        size_t nstored;
        MUST(f, vg_carry_keep(carry, &settled, &f->err));
        for (size_t i = 0; i < settled.nalerts; i++) {
            if (!retired[i])
                MUST(f, vg_store_alert_put(f->store, &alerts[i], &f->err));
        }
        MUST(f, vg_store_alerts(f->store, "d", f->arena, &stored, &nstored, &f->err));
        vg_carry_settled(carry, &in);
        assert_int_equal(in.nalerts, n - 1);
        assert_int_equal(in.nalerts, nstored);
        for (size_t i = 0; i < nstored; i++)
            same_alert(&in.alerts[i], &stored[i]);
        /* What was handed on is changed and handed on again. */
        memcpy(alerts, in.alerts, in.nalerts * sizeof *alerts);
        settled.nalerts = in.nalerts;
        retired[3] = false;
        alerts[times].good++;
    }
    vg_carry_free(carry);
}

static struct vg_incident made_incident(const char *key, int64_t opened_us, int64_t closed_us,
                                        int64_t told_us)
{
    static const char *const to[] = {"ops", "oncall"};
    struct vg_incident out = {
        .dataset = "d",
        .severity = VG_SEVERITY_CRITICAL,
        .opened_due_us = opened_us,
        .first_us = opened_us,
        .closed_us = closed_us,
        .onset_us = opened_us - 5,
        .told_us = told_us,
        .to = {(const char *const *)to, 2},
        .acked_us = VG_NEVER,
    };
    snprintf(out.key, sizeof out.key, "%s", key);
    return out;
}

static void test_incidents(void **state)
{
    struct fixture *f = *state;
    struct vg_carry *carry = open_carry(f);
    struct vg_incident incidents[] = {
        made_incident("b", 10, VG_NEVER, 10), made_incident("over", 20, 30, 30),
        made_incident("untold", 20, 30, VG_NEVER), made_incident("to tell", 40, 50, 45),
        made_incident("a", 10, VG_NEVER, VG_NEVER)};
    const size_t n = sizeof incidents / sizeof *incidents;
    const struct vg_settle_out settled = {.incidents = incidents, .nincidents = n, .told = true};
    struct vg_settle_in in = {.cycle = NULL};
    struct vg_incident *stored;
    size_t nstored;
    for (size_t i = 0; i < n; i++)
        MUST(f, vg_store_incident_put(f->store, &incidents[i], &f->err));
    MUST(f, vg_store_incidents(f->store, "d", true, f->arena, &stored, &nstored, &f->err));
    MUST(f, vg_carry_keep(carry, &settled, &f->err));
    vg_carry_settled(carry, &in);
    assert_int_equal(nstored, 4);
    assert_int_equal(in.nincidents, nstored);
    for (size_t i = 0; i < nstored; i++) {
        const struct vg_incident *a = &in.incidents[i], *b = &stored[i];
        assert_string_equal(a->key, b->key);
        same_text(a->dataset, b->dataset);
        same_text(a->acked_by, b->acked_by);
        assert_int_equal(a->severity, b->severity);
        assert_int_equal(a->opened_due_us, b->opened_due_us);
        assert_int_equal(a->first_us, b->first_us);
        assert_int_equal(a->closed_us, b->closed_us);
        assert_int_equal(a->onset_us, b->onset_us);
        assert_int_equal(a->told_us, b->told_us);
        assert_int_equal(a->acked_us, b->acked_us);
        assert_int_equal(a->to.n, b->to.n);
        for (size_t t = 0; t < b->to.n; t++)
            assert_string_equal(a->to.items[t], b->to.items[t]);
    }
    vg_carry_free(carry);
}

/* Only of what begins to fire, or fires more severely, is anything kept. */
static void test_burning(void **state)
{
    static const struct {
        enum vg_alert_state state;
        enum vg_severity severity;
        enum vg_verdict verdict;
        bool burns;
    } rows[] = {
        {VG_ALERT_FIRING, VG_SEVERITY_CRITICAL, VG_FAIL, true},
        {VG_ALERT_CLEARING, VG_SEVERITY_CRITICAL, VG_FAIL, true},
        {VG_ALERT_FIRING_BLIND, VG_SEVERITY_CRITICAL, VG_FAIL, true},
        {VG_ALERT_FIRING, VG_SEVERITY_WARNING, VG_FAIL, false},
        {VG_ALERT_FIRING, VG_SEVERITY_WARNING, VG_WARN, true},
        {VG_ALERT_PENDING, VG_SEVERITY_CRITICAL, VG_FAIL, false},
        {VG_ALERT_BLIND, VG_SEVERITY_CRITICAL, VG_FAIL, false},
        {VG_ALERT_OK, VG_SEVERITY_CRITICAL, VG_FAIL, false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vg_carry *carry = open_carry(f);
        struct vg_alert alert = made_alert("x", rows[i].state);
        bool retired = false;
        alert.segment = "";
        alert.severity = rows[i].severity;
        const struct vg_settle_out settled = {
            .alerts = &alert, .nalerts = 1, .retired = &retired, .told = true};
        struct vg_result result = {
            .rule = "x", .verdict = rows[i].verdict, .severity = VG_SEVERITY_CRITICAL};
        assert_false(vg_carry_burns(carry, &result));
        MUST(f, vg_carry_keep(carry, &settled, &f->err));
        assert_int_equal(vg_carry_burns(carry, &result), rows[i].burns);
        result.segment = "carrier=UA";
        assert_false(vg_carry_burns(carry, &result));
        vg_carry_free(carry);
    }
}

/* --- Windows ------------------------------------------------------------------------------ */

static void same_window(const struct vg_window_row *a, const struct vg_window_row *b)
{
    assert_int_equal(a->window.start_us, b->window.start_us);
    assert_int_equal(a->window.end_us, b->window.end_us);
    assert_int_equal(a->window.repeated, b->window.repeated);
    assert_int_equal(a->due_us, b->due_us);
    assert_int_equal(a->committed_us, b->committed_us);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->probe_rows, b->probe_rows);
}

static void test_windows(void **state)
{
    struct fixture *f = *state;
    struct vg_carry *carry = open_carry(f);
    for (int hour = 0; hour < 40; hour++) {
        struct vg_window_row row = {
            .window = made_hour(hour),
            .due_us = hour + 1,
            .committed_us = hour + 2,
            .status = hour % 3 ? VG_WINDOW_JUDGED : VG_WINDOW_EMPTY,
            .rows = hour % 3 ? (uint64_t)(hour % 5) : 0,
            .probe_rows = -1,
        };
        MUST(f, vg_carry_window_put(carry, &row, &f->err));
        MUST(f, vg_store_window_put(f->store, "d", &row, &f->err));
    }
    for (int hour = -1; hour <= 40; hour++) {
        struct vg_window_row row;
        bool found;
        MUST(f, vg_store_window(f->store, "d", made_hour(hour).start_us, &row, &found, &f->err));
        const struct vg_window_row *carried = vg_carry_window(carry, made_hour(hour).start_us);
        assert_int_equal(carried != NULL, found);
        if (found)
            same_window(carried, &row);
    }
    for (int first = -2; first < 42; first += 7) {
        struct vg_window span = {made_hour(first).start_us, made_hour(first + 9).end_us - 1, false};
        struct vg_window_row *stored, *carried;
        size_t nstored, ncarried;
        MUST(f,
             vg_store_windows_judged(f->store, "d", &span, f->arena, &stored, &nstored, &f->err));
        MUST(f, vg_carry_windows_judged(carry, &span, f->arena, &carried, &ncarried, &f->err));
        assert_int_equal(ncarried, nstored);
        for (size_t i = 0; i < nstored; i++)
            same_window(&carried[i], &stored[i]);
    }
    vg_carry_free(carry);
}

/* Long replays let go of what nobody looks back on. */
static void test_old_windows_go(void **state)
{
    struct fixture *f = *state;
    struct vg_carry *carry = open_carry(f);
    const int last = 24 * 700;
    for (int hour = 0; hour <= last; hour++) {
        struct vg_window_row row = {.window = made_hour(hour), .status = VG_WINDOW_EMPTY};
        MUST(f, vg_carry_window_put(carry, &row, &f->err));
    }
    assert_null(vg_carry_window(carry, made_hour(0).start_us));
    assert_non_null(vg_carry_window(carry, made_hour(last - 24 * 190).start_us));
    assert_non_null(vg_carry_window(carry, made_hour(last).start_us));
    vg_carry_free(carry);
}

/* --- Base windows ------------------------------------------------------------------------- */

static void add(struct fixture *f, struct vg_carry *carry, const struct vg_window *base,
                struct made_column *made)
{
    struct vg_summary summary = {.rows = made->column.rows, .columns = &made->column};
    summary.ncolumns = 1;
    if (carry)
        MUST(f, vg_carry_add(carry, base, &summary, &f->err));
    else
        MUST(f, vg_store_summary_add(f->store, "d", base, &summary, &f->err));
}

static void same_column(struct fixture *f, const struct vg_column_summary *a,
                        const struct vg_column_summary *b)
{
    struct vg_buf x, y;
    vg_buf_init(&x, 1 << 20);
    vg_buf_init(&y, 1 << 20);
    assert_int_equal(a == NULL, b == NULL);
    if (a) {
        MUST(f, vg_column_write(a, &x, &f->err));
        MUST(f, vg_column_write(b, &y, &f->err));
    }
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    vg_buf_free(&x);
    vg_buf_free(&y);
}

/* What no replay asks of base windows. */
static void drop_unasked(struct vg_column_summary *column)
{
    struct vg_column_summary *kept = vg_column_take(column);
    assert_non_null(kept);
    struct vg_column_summary rest = *column;
    *column = *kept;
    *kept = rest;
    vg_column_free(kept);
}

/* Of one column, in a base window of three hours each: what is carried, and what was stored of it.
 */
static void compare_bases(struct fixture *f, struct vg_carry *carry, struct vg_store *plain,
                          int nbases)
{
    struct vg_store *scratch = f->store;
    for (int k = 0; k < nbases; k++) {
        struct vg_window base = {made_hour(3 * k).start_us, made_hour(3 * k + 2).end_us, false};
        struct vg_carried carried;
        struct vg_column_summary *stored, *flushed;
        MUST(f, vg_store_summary(plain, "d", &base, "x", &stored, &f->err));
        drop_unasked(stored);
        MUST(f, vg_carry_summary(carry, &base, "x", NULL, &carried, &f->err));
        if (k >= nbases - VG_BUDGET_LOOK)
            same_column(f, carried.summary, stored);
        else
            assert_null(carried.summary);
        MUST(f, vg_store_summary(scratch, "d", &base, "x", &flushed, &f->err));
        same_column(f, flushed, stored);
        vg_column_free(stored);
        vg_column_free(flushed);
    }
}

static void test_base_windows(void **state)
{
    enum { BASES = VG_BUDGET_LOOK + 6 };
    struct fixture *f = *state;
    struct vg_carry *carry = open_carry(f);
    struct vg_store *plain, *scratch = f->store;
    fixture_write(fixture_beside(f, "-plain"), "", 0);
    MUST(f, vg_store_open(fixture_beside(f, "-plain"), VG_STORE_REPLAY, &plain, &f->err));
    for (int hour = 0; hour < 3 * BASES; hour++) {
        int k = hour / 3;
        struct vg_window base = {made_hour(3 * k).start_us, made_hour(3 * k + 2).end_us, false};
        /* The grid changes in the middle of the fourth, where the sum begins anew. */
        struct made_column *made = made_column("x", 5 + hour % 11, hour < 10 ? 1 : 2);
        f->store = plain;
        add(f, NULL, &base, made);
        f->store = scratch;
        add(f, carry, &base, made); /* takes out of the column what it keeps */
        if (hour == 40) {
            MUST(f, vg_carry_flush(carry, &f->err));
            MUST(f, vg_carry_flush(carry, &f->err));
        }
        free_column(made);
    }
    MUST(f, vg_carry_flush(carry, &f->err));
    compare_bases(f, carry, plain, BASES);
    struct vg_carried none;
    struct vg_window other = {made_hour(0).start_us, made_hour(0).end_us, false};
    MUST(f, vg_carry_summary(carry, &other, "x", NULL, &none, &f->err));
    assert_null(none.summary);
    vg_store_close(plain);
    vg_carry_free(carry);
}

/* --- The budget --------------------------------------------------------------------------- */

static void test_no_model(void **state)
{
    struct fixture *f = *state;
    struct vg_carry *carry = open_carry(f);
    const struct vg_budget *model;
    struct vg_budget_part *part;
    const char *why;
    int64_t id;
    for (int twice = 0; twice < 2; twice++) {
        MUST(f, vg_carry_model(carry, 7, &model, &id, &why, &f->err));
        assert_null(model);
        assert_null(why);
        assert_int_equal(id, 0);
    }
    assert_false(vg_carry_part(carry, "x", &part));
    assert_true(vg_carry_part_keep(carry, "x", NULL));
    assert_true(vg_carry_part(carry, "x", &part));
    assert_null(part);
    MUST(f, vg_carry_model(carry, 8, &model, &id, &why, &f->err));
    assert_false(vg_carry_part(carry, "x", &part)); /* it was of another reference */
    for (int i = 0; i < 64; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        assert_true(vg_carry_part_keep(carry, name, NULL));
    }
    assert_false(vg_carry_part_keep(carry, "one too many", NULL));
    vg_carry_free(carry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alerts, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_incidents, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_burning, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_windows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_old_windows_go, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_base_windows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_model, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("carry", tests, NULL, NULL);
}
