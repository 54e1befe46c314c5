/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/onsets.c, control.c and trim.c: onsets and decisions, what commands
 * ask, rule files, pushed groups, and what retention lets go of. */
#include "tests/unit/store_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- Retraining ------------------------------------------------------------------------ */

static struct vg_onset made_onset(const char *key, int64_t due_us)
{
    struct vg_onset onset = {
        .model = "m",
        .dataset = "d",
        .rule = "r",
        .due_us = due_us,
        .evidence = made_hour(1),
        .state = VG_ONSET_OPEN,
        .fired_us = VG_NEVER,
        .ended_us = VG_NEVER,
        .value = 0.384,
        .limit = NAN,
        .rows = 3458,
        .column = "delay",
        .check = "ks",
    };
    onset.evidence.repeated = true;
    snprintf(onset.key, sizeof onset.key, "%s", key);
    return onset;
}

static void test_onset(void **state)
{
    struct fixture *f = *state;
    struct vg_onset got, onset = made_onset("k1", 10);
    bool found;
    MUST(f, vg_store_onset(f->store, "m", f->arena, &got, &found, &f->err));
    assert_false(found);
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    MUST(f, vg_store_onset(f->store, "m", f->arena, &got, &found, &f->err));
    assert_true(found);
    assert_string_equal(got.key, "k1");
    assert_string_equal(got.model, "m");
    assert_string_equal(got.dataset, "d");
    assert_string_equal(got.rule, "r");
    assert_string_equal(got.column, "delay");
    assert_string_equal(got.check, "ks");
    assert_int_equal(got.due_us, 10);
    assert_int_equal(got.evidence.start_us, onset.evidence.start_us);
    assert_int_equal(got.evidence.end_us, onset.evidence.end_us);
    assert_true(got.evidence.repeated);
    assert_int_equal(got.state, VG_ONSET_OPEN);
    assert_false(got.fired);
    assert_int_equal(got.fired_us, VG_NEVER);
    assert_int_equal(got.ended_us, VG_NEVER);
    assert_true(got.value == 0.384 && isnan(got.limit));
    assert_int_equal(got.rows, 3458);
    assert_false(got.by_hand);
    assert_int_equal(got.approval, VG_APPROVAL_NONE);
    assert_null(got.approval_by);
    onset.state = VG_ONSET_FIRED;
    onset.fired = true;
    onset.fired_us = 20;
    onset.by_hand = true;
    onset.approval = VG_APPROVAL_DENIED;
    onset.approval_us = 15;
    onset.approval_by = "ada";
    onset.approval_why = "not on a Friday";
    onset.told = VG_TOLD_FAILED;
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    MUST(f, vg_store_onset(f->store, "m", f->arena, &got, &found, &f->err));
    assert_true(found && got.fired && got.state == VG_ONSET_FIRED);
    assert_true(got.by_hand);
    assert_int_equal(got.approval, VG_APPROVAL_DENIED);
    assert_int_equal(got.approval_us, 15);
    assert_string_equal(got.approval_by, "ada");
    assert_string_equal(got.approval_why, "not on a Friday");
    assert_int_equal(got.told, VG_TOLD_FAILED);
    onset.state = VG_ONSET_ENDED;
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    MUST(f, vg_store_onset(f->store, "m", f->arena, &got, &found, &f->err));
    assert_false(found);
    MUST(f, vg_store_onset(f->store, "other", f->arena, &got, &found, &f->err));
    assert_false(found);
}

static void test_onsets_are_listed(void **state)
{
    struct fixture *f = *state;
    struct vg_onset *got;
    size_t n;
    struct vg_onset onset = made_onset("a", 1);
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err)); /* open, the oldest */
    for (int i = 0; i < 3; i++) {
        char key[2] = {(char)('b' + i), '\0'};
        onset = made_onset(key, 2 + i);
        onset.model = i == 2 ? "other" : "m";
        onset.state = VG_ONSET_ENDED;
        MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    }
    MUST(f, vg_store_onsets(f->store, "m", 10, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 3);
    assert_string_equal(got[0].key, "a"); /* what has not ended is first */
    assert_string_equal(got[1].key, "c");
    assert_string_equal(got[2].key, "b");
    MUST(f, vg_store_onsets(f->store, NULL, 2, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(got[1].key, "d");
}

/* Windows that were judged after a time, with rows; the others do not count. */
static void test_rows_since(void **state)
{
    struct fixture *f = *state;
    uint64_t rows;
    for (int i = 0; i < 5; i++) {
        const struct vg_window_row row = {
            .window = made_hour(i),
            .due_us = 1,
            .committed_us = 100 * i,
            .status = i == 3 ? VG_WINDOW_UNREADABLE : VG_WINDOW_JUDGED,
            .rows = 10 + (uint64_t)i,
            .probe_rows = -1,
        };
        MUST(f, vg_store_window_put(f->store, i == 4 ? "other" : "d", &row, &f->err));
    }
    MUST(f, vg_store_rows_since(f->store, "d", INT64_MIN, &rows, &f->err));
    assert_int_equal(rows, 10 + 11 + 12);
    MUST(f, vg_store_rows_since(f->store, "d", 100, &rows, &f->err));
    assert_int_equal(rows, 12);
    MUST(f, vg_store_rows_since(f->store, "unknown", 0, &rows, &f->err));
    assert_int_equal(rows, 0);
}

/* Who is to hear that something is over: those for whom it was put into the outbox. */
static void test_who_was_told(void **state)
{
    struct fixture *f = *state;
    struct vg_strings told;
    static const struct {
        const char *sink, *key;
        enum vg_message_kind kind;
    } rows[] = {{"b", "k", VG_MSG_OPEN},
                {"a", "k", VG_MSG_OPEN},
                {"b", "k", VG_MSG_OPEN},
                {"c", "k", VG_MSG_CHANGE},
                {"d", "other", VG_MSG_OPEN}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_outgoing row = {.sink = rows[i].sink, .kind = rows[i].kind, .body = "{}"};
        snprintf(row.key, sizeof row.key, "%s", rows[i].key);
        MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    }
    MUST(f, vg_store_outbox_told(f->store, "k", f->arena, &told, &f->err));
    assert_int_equal(told.n, 2);
    assert_string_equal(told.items[0], "a");
    assert_string_equal(told.items[1], "b");
}

static void test_fired(void **state)
{
    struct fixture *f = *state;
    static const int64_t times[] = {30, 10, 20, 40};
    struct vg_fired *got;
    size_t n;
    char key[16];
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "k%d", i);
        struct vg_onset onset = made_onset(key, i);
        onset.fired = times[i] != 40;
        onset.fired_us = times[i];
        onset.state = VG_ONSET_ENDED;
        MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    }
    struct vg_fired_of of = {"m", 20, false};
    MUST(f, vg_store_fired(f->store, &of, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(got[0].at_us, 30);
    assert_string_equal(got[0].key, "k0");
    assert_int_equal(got[1].at_us, 20);
    of.dry = true; /* the fourth was a dry run's */
    MUST(f, vg_store_fired(f->store, &of, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 3);
    assert_int_equal(got[0].at_us, 40);
    of.model = "other";
    MUST(f, vg_store_fired(f->store, &of, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 0);
}

static bool decide(struct fixture *f, const char *key, enum vg_decision_kind kind,
                   const char *reason)
{
    struct vg_decision decision = {.model = "m", .at_us = 5, .kind = kind, .reason = reason};
    bool recorded;
    snprintf(decision.key, sizeof decision.key, "%s", key);
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    return recorded;
}

/* The grounds of a decision are the onset's as they were then, and whose it is counts. */
static void test_grounds_of_decisions(void **state)
{
    struct fixture *f = *state;
    struct vg_decision *got;
    size_t n;
    bool recorded;
    struct vg_onset onset = made_onset("k1", 10);
    struct vg_decision decision = {
        .model = "m", .key = "k1", .at_us = 5, .kind = VG_DECIDED_WITHHELD, .reason = "nulls"};
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    onset.dataset = "renamed";
    onset.value = 0.5;
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    decision.by = "ada";
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    assert_true(recorded);
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    assert_false(recorded);
    snprintf(decision.key, sizeof decision.key, "unknown");
    MUST(f, vg_store_decision_put(f->store, &decision, &recorded, &f->err));
    MUST(f, vg_store_decisions(f->store, "m", 10, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 3);
    assert_null(got[0].dataset);
    assert_string_equal(got[1].by, "ada");
    assert_string_equal(got[1].dataset, "renamed");
    assert_true(got[1].value == 0.5);
    assert_null(got[2].by);
    assert_string_equal(got[2].dataset, "d");
    assert_string_equal(got[2].rule, "r");
    assert_int_equal(got[2].evidence.end_us, made_hour(1).end_us);
    assert_true(got[2].value == 0.384 && isnan(got[2].limit));
    assert_int_equal(got[2].rows, 3458);
}

static void test_decisions(void **state)
{
    struct fixture *f = *state;
    struct vg_decision *got;
    size_t n;
    assert_true(decide(f, "k1", VG_DECIDED_OPENED, "drift"));
    assert_true(decide(f, "k1", VG_DECIDED_WITHHELD, "nulls fail"));
    assert_false(decide(f, "k1", VG_DECIDED_WITHHELD, "nulls fail"));
    assert_true(decide(f, "k2", VG_DECIDED_WITHHELD, "nulls fail"));
    assert_false(decide(f, "k1", VG_DECIDED_WITHHELD, "nulls fail"));
    assert_true(decide(f, "k1", VG_DECIDED_WITHHELD, "range fails"));
    assert_true(decide(f, "k1", VG_DECIDED_WITHHELD, "x1: 5 of 31 rows null (16.1%)"));
    assert_false(decide(f, "k1", VG_DECIDED_WITHHELD, "x1: 45 of 225 rows null (20%)"));
    assert_true(decide(f, "k1", VG_DECIDED_WITHHELD, "x2: 45 of 225 rows null (20%)"));
    assert_true(decide(f, "k1", VG_DECIDED_WITHHELD, "nulls fail"));
    assert_true(decide(f, "k1", VG_DECIDED_FIRED, "nulls fail"));
    MUST(f, vg_store_decisions(f->store, "m", 3, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 3);
    assert_int_equal(got[0].kind, VG_DECIDED_FIRED);
    assert_string_equal(got[1].reason, "nulls fail");
    assert_string_equal(got[2].reason, "x2: 45 of 225 rows null (20%)");
    assert_string_equal(got[0].key, "k1");
    assert_string_equal(got[0].model, "m");
    assert_int_equal(got[0].at_us, 5);
    MUST(f, vg_store_decisions(f->store, NULL, 100, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 8);
    MUST(f, vg_store_decisions(f->store, "other", 100, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 0);
}

/* --- Control, files, groups ------------------------------------------------------------ */

static void test_control(void **state)
{
    struct fixture *f = *state;
    const struct vg_control put = {.verb = "use", .argument = "d 3", .by = "someone", .at_us = 7};
    struct vg_control *pending;
    const char *answer;
    int64_t first, second;
    size_t n;
    MUST(f, vg_store_control_put(f->store, &put, &first, &f->err));
    MUST(f, vg_store_control_put(f->store, &put, &second, &f->err));
    assert_true(second > first);
    MUST(f, vg_store_control_pending(f->store, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(pending[0].id, first);
    assert_string_equal(pending[0].verb, "use");
    assert_string_equal(pending[0].argument, "d 3");
    assert_string_equal(pending[0].by, "someone");
    assert_int_equal(pending[0].at_us, 7);
    MUST(f, vg_store_control_answer(f->store, first, f->arena, &answer, &f->err));
    assert_null(answer);
    MUST(f, vg_store_control_done(f->store, first, "used", 9, &f->err));
    MUST(f, vg_store_control_answer(f->store, first, f->arena, &answer, &f->err));
    assert_string_equal(answer, "used");
    MUST(f, vg_store_control_pending(f->store, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f, vg_store_control_done(f->store, second, NULL, 9, &f->err));
    MUST(f, vg_store_control_answer(f->store, second, f->arena, &answer, &f->err));
    assert_string_equal(answer, "");
    REFUSED(f, VG_E_NOT_FOUND, vg_store_control_answer(f->store, 99, f->arena, &answer, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_control_done(f->store, 99, "x", 9, &f->err));
}

static void test_files(void **state)
{
    struct fixture *f = *state;
    const char *text;
    MUST(f, vg_store_file(f->store, "rules/a.yaml", f->arena, &text, &f->err));
    assert_null(text);
    MUST(f, vg_store_file_put(f->store, "rules/a.yaml", "version: 1\n", 5, &f->err));
    MUST(f, vg_store_file_put(f->store, "rules/a.yaml", "version: 1\n", 6, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT at_us FROM rule_file"), 5);
    MUST(f, vg_store_file_put(f->store, "rules/a.yaml", "version: 2\n", 7, &f->err));
    MUST(f, vg_store_file(f->store, "rules/a.yaml", f->arena, &text, &f->err));
    assert_string_equal(text, "version: 2\n");
    MUST(f, vg_store_file_put(f->store, "rules/B.yaml", "version: 1\n", 8, &f->err));
    struct vg_strings paths;
    MUST(f, vg_store_files(f->store, f->arena, &paths, &f->err));
    assert_int_equal(paths.n, 2);
    assert_string_equal(paths.items[0], "rules/B.yaml");
    assert_string_equal(paths.items[1], "rules/a.yaml");
    MUST(f, vg_store_file_delete(f->store, "rules/a.yaml", &f->err));
    MUST(f, vg_store_file(f->store, "rules/a.yaml", f->arena, &text, &f->err));
    assert_null(text);
    MUST(f, vg_store_files(f->store, f->arena, &paths, &f->err));
    assert_int_equal(paths.n, 1);
}

static void test_pushed(void **state)
{
    struct fixture *f = *state;
    struct vg_pushed *got;
    size_t n;
    MUST(f, vg_store_pushed_put(f->store, "b", "http://127.0.0.1/b", &f->err));
    MUST(f, vg_store_pushed_put(f->store, "a", "http://127.0.0.1/old", &f->err));
    MUST(f, vg_store_pushed_put(f->store, "a", "http://127.0.0.1/a", &f->err));
    MUST(f, vg_store_pushed(f->store, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(got[0].dataset, "a");
    assert_string_equal(got[0].url, "http://127.0.0.1/a");
    MUST(f, vg_store_pushed_delete(f->store, "a", &f->err));
    MUST(f, vg_store_pushed(f->store, f->arena, &got, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(got[0].dataset, "b");
}

/* --- Trimming -------------------------------------------------------------------------- */

static const int64_t now_us = 1000 * VG_DAY_US;

/* Rows by hand, `days` old; {age} is replaced by the time. */
static void insert_aged(struct fixture *f, const char *format, int days)
{
    char text[600], time[24];
    struct vg_buf out;
    snprintf(time, sizeof time, "%lld", (long long)(now_us - days * VG_DAY_US));
    vg_buf_init(&out, sizeof text);
    for (const char *s = format; *s;) {
        bool age = !strncmp(s, "{age}", 5);
        vg_buf_add(&out, age ? time : s, age ? strlen(time) : 1);
        s += age ? 5 : 1;
    }
    fixture_exec(f->store, out.data);
    vg_buf_free(&out);
}

static void test_trim(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *insert, *count;
        int kept, gone; /* days */
    } cases[] = {
        {"INSERT INTO result (dataset, rule, segment, check_name, class, cadence, verdict, "
         "severity,"
         " unit, at_us, due_us, direction, why)"
         " VALUES ('d', 'r', '', 'ks', 0, 0, 0, 0, 0, {age}, 0, 0, '')",
         "SELECT count(*) FROM result", 29, 31},
        /* base windows of an hour: 8 days */
        {"INSERT INTO summary VALUES ('d', {age} - 3600000000, {age}, 'c', x'00')",
         "SELECT count(*) FROM summary", 7, 9},
        /* base windows of a day: 35 of them */
        {"INSERT INTO summary VALUES ('e', {age} - 86400000000, {age}, 'c', x'00')",
         "SELECT count(*) FROM summary", 34, 36},
        {"INSERT INTO fingerprint VALUES ('d', {age} - 1, {age}, 'r', '', 7)",
         "SELECT count(*) FROM fingerprint", 35, 37},
        {"INSERT INTO scanned_window VALUES ('d', {age} - 1, {age}, 0, 0, 0, 0, 1, -1)",
         "SELECT count(*) FROM scanned_window", 399, 401},
        {"INSERT INTO decision (model, key, at_us, kind, reason) VALUES ('m', 'k', {age}, 0, '')",
         "SELECT count(*) FROM decision", 399, 401},
        {"INSERT INTO outbox (sink_kind, sink, key, kind, body, created_us, next_us, attempts,"
         " state, ended_us) VALUES (0, 's', 'k', 0, '', 0, 0, 1, 2, {age})",
         "SELECT count(*) FROM outbox", 399, 401},
        {"INSERT INTO incident (key, dataset, severity, opened_due_us,"
         " first_us, closed_us, onset_us, told_us) VALUES ('k' || {age}, 'd', 0, 0, 0, {age}, 0, "
         "0)",
         "SELECT count(*) FROM incident", 399, 401},
        {"INSERT INTO onset VALUES ('k' || {age}, 'm', 'd', 'r', NULL, NULL, 0, 0, 0, 0, 2, 0, 0,"
         " {age}, NULL, NULL, 0, '', 0, 0, 0, NULL, NULL, 0, 0)",
         "SELECT count(*) FROM onset", 399, 401},
        {"INSERT INTO control (verb, at_us, answer, done_us) VALUES ('v', 0, '', {age})",
         "SELECT count(*) FROM control", 399, 401},
        {"INSERT INTO reference (dataset, spec, from_us, to_us, base_us, captured_us, row_count,"
         " resolution, columns, windows, state, active) VALUES ('d', '', 0, 0, 0, {age}, 0, 0, 0, "
         "0,"
         " 2, 0)",
         "SELECT count(*) FROM reference", 399, 401},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t before = fixture_int(f->store, cases[i].count);
        insert_aged(f, cases[i].insert, cases[i].kept);
        insert_aged(f, cases[i].insert, cases[i].gone);
        assert_int_equal(fixture_int(f->store, cases[i].count), before + 2);
        MUST(f, vg_store_trim(f->store, now_us, &f->err));
        assert_int_equal(fixture_int(f->store, cases[i].count), before + 1);
    }
}

/* What waits, is open or in use stays, however old. */
static void test_trim_keeps(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing row = made_outgoing("ops", "k", 1);
    struct vg_onset onset = made_onset("k", 1);
    const struct vg_reference meta = {.spec = "s"};
    const struct vg_control control = {.verb = "v", .at_us = 1};
    struct vg_incident incident = {.dataset = "d", .closed_us = VG_NEVER, .key = "k"};
    struct vg_alert alert = made_alert("r", VG_ALERT_FIRING);
    int64_t version;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
    MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, &f->err));
    MUST(f, vg_store_reference_done(f->store, version, 1, NULL, 1, &f->err));
    MUST(f, vg_store_control_put(f->store, &control, NULL, &f->err));
    MUST(f, vg_store_incident_put(f->store, &incident, &f->err));
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    MUST(f, vg_store_trim(f->store, now_us, &f->err));
    static const char *const counts[] = {
        "SELECT count(*) FROM outbox",    "SELECT count(*) FROM onset",
        "SELECT count(*) FROM reference", "SELECT count(*) FROM control",
        "SELECT count(*) FROM incident",  "SELECT count(*) FROM alert",
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        assert_int_equal(fixture_int(f->store, counts[i]), 1);
}

/* The text of sent messages goes before their row, and totals stay when the row has gone too. */
static void test_trim_sent(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing row = made_outgoing("ops", "k", 1);
    struct vg_outbox_count *counts;
    size_t n;
    for (int i = 0; i < 3; i++)
        MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 1, now_us - 29 * VG_DAY_US, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 2, now_us - 31 * VG_DAY_US, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 3, now_us - 401 * VG_DAY_US, &f->err));
    MUST(f, vg_store_trim(f->store, now_us, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox"), 2);
    assert_int_equal(fixture_int(f->store, "SELECT id FROM outbox WHERE body = ''"), 2);
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(counts[0].sent, 3);
}

static void test_trim_thousands(void **state)
{
    struct fixture *f = *state;
    fixture_exec(f->store,
                 "WITH RECURSIVE t (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 5000)"
                 " INSERT INTO result (dataset, rule, segment, check_name, class, cadence, verdict,"
                 " severity, unit, at_us, due_us, direction, why)"
                 " SELECT 'd', 'r', '', 'ks', 0, 0, 0, 0, 0, i, 0, 0, '' FROM t");
    MUST(f, vg_store_trim(f->store, now_us, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM result"), 0);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_onset),
        OPEN(test_onsets_are_listed),
        OPEN(test_rows_since),
        OPEN(test_who_was_told),
        OPEN(test_grounds_of_decisions),
        OPEN(test_fired),
        OPEN(test_decisions),
        OPEN(test_control),
        OPEN(test_files),
        OPEN(test_pushed),
        OPEN(test_trim),
        OPEN(test_trim_keeps),
        OPEN(test_trim_sent),
        OPEN(test_trim_thousands),
    };
    return cmocka_run_group_tests_name("test_store_control", tests, NULL, NULL);
}
