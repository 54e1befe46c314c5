/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/outbox.c: what is due in which order, retries, dead rows, counts. */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

static int64_t put(struct fixture *f, const char *sink, const char *key, int64_t next_us)
{
    const struct vg_outgoing row = made_outgoing(sink, key, next_us);
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    return fixture_int(f->store, "SELECT max(id) FROM outbox");
}

/* The ids that are due, as text: "1 3 4". */
static const char *due(struct fixture *f, int64_t now_us, size_t per_sink)
{
    struct vg_outgoing *rows;
    size_t n;
    struct vg_buf text;
    MUST(f, vg_store_outbox_due(f->store, now_us, per_sink, f->arena, &rows, &n, &f->err));
    vg_buf_init(&text, 10000);
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(&text, "%s%lld", i ? " " : "", (long long)rows[i].id);
    const char *out = vg_arena_strdup(f->arena, text.data);
    vg_buf_free(&text);
    return out;
}

static int64_t next(struct fixture *f, int64_t now_us)
{
    int64_t out;
    MUST(f, vg_store_outbox_next(f->store, now_us, &out, &f->err));
    return out;
}

static void test_fields(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing *rows, row = made_outgoing("ops", "k1", 10);
    size_t n;
    row.sink_kind = VG_SINK_RETRAIN;
    row.kind = VG_MSG_RESOLVE;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    MUST(f, vg_store_outbox_due(f->store, 10, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].sink_kind, VG_SINK_RETRAIN);
    assert_string_equal(rows[0].sink, "ops");
    assert_string_equal(rows[0].key, "k1");
    assert_int_equal(rows[0].kind, VG_MSG_RESOLVE);
    assert_string_equal(rows[0].body, row.body);
    assert_int_equal(rows[0].created_us, 1);
    assert_int_equal(rows[0].next_us, 10);
    assert_int_equal(rows[0].attempts, 0);
    assert_null(rows[0].last_error);
    MUST(f, vg_store_outbox_retry(f->store, rows[0].id, 20, "429", &f->err));
    MUST(f, vg_store_outbox_due(f->store, 19, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 0);
    MUST(f, vg_store_outbox_due(f->store, 20, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].attempts, 1);
    assert_string_equal(rows[0].last_error, "429");
}

/* Only the oldest of a (sink, key); another sink or key is not held up. */
static void test_order(void **state)
{
    struct fixture *f = *state;
    put(f, "ops", "k1", 10);    /* 1 */
    put(f, "ops", "k1", 10);    /* 2 */
    put(f, "ops", "k2", 10);    /* 3 */
    put(f, "oncall", "k1", 10); /* 4 */
    put(f, "oncall", "k1", 5);  /* 5: due before 4, yet never sent before it */
    assert_string_equal(due(f, 9, 10), "");
    assert_string_equal(due(f, 10, 10), "1 3 4");
    MUST(f, vg_store_outbox_retry(f->store, 1, 100, "timeout", &f->err));
    assert_string_equal(due(f, 50, 10), "3 4");
    MUST(f, vg_store_outbox_sent(f->store, 4, 50, &f->err));
    assert_string_equal(due(f, 50, 10), "3 5");
    MUST(f, vg_store_outbox_dead(f->store, 1, 60, "404", &f->err));
    assert_string_equal(due(f, 60, 10), "2 3 5");
    MUST(f, vg_store_outbox_sent(f->store, 2, 60, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 3, 60, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 5, 60, &f->err));
    assert_string_equal(due(f, VG_NEVER, 10), "");
}

/* The gravest of those that are listed at all; never before what waits of its own key, but that is
 * as grave as what has become of it. */
static void test_the_gravest_first(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *key;
        enum vg_severity severity;
        enum vg_message_kind kind;
    } rows[] = {{"k1", VG_SEVERITY_INFO, VG_MSG_OPEN},
                {"k2", VG_SEVERITY_WARNING, VG_MSG_OPEN},
                {"k3", VG_SEVERITY_CRITICAL, VG_MSG_OPEN},
                {"k4", VG_SEVERITY_CRITICAL, VG_MSG_RESOLVE}, /* ends are in no hurry */
                {"k5", VG_SEVERITY_WARNING, VG_MSG_OPEN},
                {"k1", VG_SEVERITY_CRITICAL, VG_MSG_UPDATE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_outgoing row = made_outgoing("ops", rows[i].key, 10);
        row.severity = rows[i].severity;
        row.kind = rows[i].kind;
        if (i == 5)
            assert_string_equal(due(f, 10, 1), "3");
        MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    }
    assert_string_equal(due(f, 10, 1), "1");
    assert_string_equal(due(f, 10, 3), "1 2 3");
    struct vg_outgoing *first;
    size_t n;
    MUST(f, vg_store_outbox_due(f->store, 10, 1, f->arena, &first, &n, &f->err));
    assert_int_equal(first->severity, VG_SEVERITY_CRITICAL);
    assert_int_equal(first->turn_us, 1 - VG_SEVERITY_CRITICAL * VG_US);
    assert_string_equal(due(f, 10, 10), "1 2 3 4 5");
    MUST(f, vg_store_outbox_sent(f->store, 1, 10, &f->err));
    assert_string_equal(due(f, 10, 2), "3 6");
}

/* What has waited goes before what is graver and came a second later. */
static void test_nothing_waits_for_ever(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        char key[VG_KEY_SIZE];
        snprintf(key, sizeof key, "k%d", i);
        struct vg_outgoing row = made_outgoing("ops", key, 10);
        row.severity = i ? VG_SEVERITY_CRITICAL : VG_SEVERITY_WARNING;
        row.created_us = 1 + i * 400 * 1000;
        MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    }
    assert_string_equal(due(f, 10, 1), "2");
    assert_string_equal(due(f, 10, 2), "2 3");
    assert_string_equal(due(f, 10, 3), "1 2 3");
}

/* Set back by an hour while a message waits ten seconds; and found so by a start. */
static void test_set_back(void **state)
{
    struct fixture *f = *state;
    int64_t then = 100 * VG_HOUR_US, now = then - VG_HOUR_US;
    put(f, "ops", "k1", then);
    put(f, "ops", "k2", now - 5);
    MUST(f, vg_store_outbox_retry(f->store, 1, then + 10 * VG_US, "429", &f->err));
    MUST(f, vg_store_set_back(f->store, now, VG_HOUR_US, &f->err));
    assert_string_equal(due(f, now, 10), "2");
    assert_string_equal(due(f, now + 10 * VG_US, 10), "1 2");
    MUST(f, vg_store_outbox_retry(f->store, 1, now + VG_HOUR_US, "429", &f->err));
    MUST(f, vg_store_outbox_retry(f->store, 2, now + VG_HOUR_US + 1, "429", &f->err));
    MUST(f, vg_store_set_back(f->store, now, 0, &f->err)); /* an hour may be meant, no more */
    assert_string_equal(due(f, now, 10), "2");
    assert_string_equal(due(f, now + VG_HOUR_US, 10), "1 2");
}

/* A receiver and a model of one name are two sinks. */
static void test_kinds_of_sink(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing row = made_outgoing("same", "k", 1);
    put(f, "same", "k", 1);
    row.sink_kind = VG_SINK_RETRAIN;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    assert_string_equal(due(f, 1, 1), "1 2");
}

static void test_most_per_sink(void **state)
{
    struct fixture *f = *state;
    char key[16];
    for (int i = 0; i < 6; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put(f, i % 2 ? "ops" : "oncall", key, 6 - i);
    }
    assert_string_equal(due(f, 10, 1), "1 2");
    assert_string_equal(due(f, 10, 2), "1 2 3 4");
    assert_string_equal(due(f, 10, 9), "1 2 3 4 5 6");
    /* Those that are not due yet take no place. */
    assert_string_equal(due(f, 3, 1), "4 5");
    assert_string_equal(due(f, 10, 0), "");
}

static void test_next(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(next(f, 0), VG_NEVER);
    put(f, "ops", "k1", 50);
    put(f, "ops", "k1", 20); /* behind 1 */
    put(f, "ops", "k2", 70);
    assert_int_equal(next(f, 0), 50);
    assert_int_equal(next(f, 50), 70);
    assert_int_equal(next(f, 70), VG_NEVER);
    MUST(f, vg_store_outbox_sent(f->store, 1, 50, &f->err));
    assert_int_equal(next(f, 0), 20);
    MUST(f, vg_store_outbox_sent(f->store, 2, 50, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 3, 50, &f->err));
    assert_int_equal(next(f, 0), VG_NEVER);
}

static void test_counts(void **state)
{
    struct fixture *f = *state;
    struct vg_outbox_count *counts;
    size_t n;
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    assert_int_equal(n, 0);
    for (int i = 0; i < 5; i++)
        put(f, "ops", "k1", 1);
    put(f, "oncall", "k1", 1);
    MUST(f, vg_store_outbox_sent(f->store, 1, 2, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 2, 2, &f->err));
    MUST(f, vg_store_outbox_dead(f->store, 3, 2, "410", &f->err));
    /* Said twice, as after a commit whose outcome was unknown, it counts once. */
    MUST(f, vg_store_outbox_sent(f->store, 1, 3, &f->err));
    MUST(f, vg_store_outbox_dead(f->store, 1, 3, "late", &f->err));
    MUST(f, vg_store_outbox_retry(f->store, 1, 3, "late", &f->err));
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(counts[0].sink, "oncall");
    assert_int_equal(counts[0].waiting, 1);
    assert_int_equal(counts[0].sent, 0);
    assert_string_equal(counts[1].sink, "ops");
    assert_int_equal(counts[1].sink_kind, VG_SINK_RECEIVER);
    assert_int_equal(counts[1].waiting, 2);
    assert_int_equal(counts[1].sent, 2);
    assert_int_equal(counts[1].dead, 1);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox WHERE last_error = '410'"),
                     1);
    REFUSED(f, VG_E_NOT_FOUND, vg_store_outbox_sent(f->store, 99, 1, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_outbox_dead(f->store, 99, 1, "x", &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_outbox_retry(f->store, 99, 1, "x", &f->err));
}

/* Against the rule written down the plain way: for every (sink, key) the first waiting row, if due,
 * and of these the first few of each sink. */
static void test_against_plain_rule(void **state)
{
    struct fixture *f = *state;
    enum { ROWS = 300, SINKS = 3, KEYS = 10 };
    struct {
        int sink, key;
        int64_t next_us;
        bool ended;
    } rows[ROWS + 1];
    uint64_t seed = 42;
    char sink[16], key[16];
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    for (int i = 1; i <= ROWS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        rows[i].sink = (int)(seed >> 40) % SINKS;
        rows[i].key = (int)(seed >> 45) % KEYS;
        rows[i].next_us = (int64_t)(seed >> 50) % 100;
        rows[i].ended = (seed >> 60) % 3 == 0;
        snprintf(sink, sizeof sink, "s%d", rows[i].sink);
        snprintf(key, sizeof key, "k%d", rows[i].key);
        assert_int_equal(put(f, sink, key, rows[i].next_us), i);
        if (rows[i].ended)
            MUST(f, vg_store_outbox_sent(f->store, i, 1, &f->err));
    }
    MUST(f, vg_store_commit(f->store, &f->err));
    for (int now = 0; now <= 100; now += 10) {
        struct vg_buf want;
        int places[SINKS] = {0};
        bool seen[SINKS][KEYS] = {{false}};
        vg_buf_init(&want, 10000);
        for (int i = 1; i <= ROWS; i++) {
            if (rows[i].ended || seen[rows[i].sink][rows[i].key])
                continue;
            seen[rows[i].sink][rows[i].key] = true;
            if (rows[i].next_us <= now && places[rows[i].sink]++ < 4)
                vg_buf_printf(&want, "%s%d", want.len ? " " : "", i);
        }
        assert_string_equal(due(f, now, 4), want.data);
        vg_buf_free(&want);
    }
}

/* What is kept is that of the first answer, until it is forgotten. */
static void test_kept_answers(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing *rows;
    size_t n;
    put(f, "ops", "k1", 10);
    put(f, "ops", "k1", 10);
    put(f, "oncall", "k1", 10);
    MUST(f, vg_store_outbox_keep(f->store, 1, "C1 1.2", 10, &f->err));
    MUST(f, vg_store_outbox_keep(f->store, 1, "C1 9.9", 10, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 1, 10, &f->err));
    MUST(f, vg_store_outbox_due(f->store, 10, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].kept, "C1 1.2");
    assert_null(rows[1].kept);
    MUST(f, vg_store_outbox_keep(f->store, 2, NULL, 10, &f->err));
    MUST(f, vg_store_outbox_due(f->store, 10, 5, f->arena, &rows, &n, &f->err));
    assert_null(rows[0].kept);
    MUST(f, vg_store_outbox_keep(f->store, 2, "C1 3.4", 20, &f->err));
    MUST(f, vg_store_trim(f->store, 399 * VG_DAY_US, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM kept"), 1);
    MUST(f, vg_store_trim(f->store, 401 * VG_DAY_US, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM kept"), 0);
}

static void test_steps(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing *rows;
    size_t n;
    put(f, "ops", "k1", 10);
    MUST(f, vg_store_outbox_retry(f->store, 1, 15, "429", &f->err));
    MUST(f, vg_store_outbox_step(f->store, 1, 20, &f->err));
    MUST(f, vg_store_outbox_due(f->store, 20, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].step, 1);
    assert_int_equal(rows[0].attempts, 0);
    REFUSED(f, VG_E_NOT_FOUND, vg_store_outbox_step(f->store, 7, 20, &f->err));
}

/* A row that stands is told again, holds up nothing, and gives way to what is newer. */
static void test_what_stands(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing *rows;
    struct vg_outbox_count *counts;
    size_t n;
    put(f, "am", "k1", 10); /* 1 */
    put(f, "am", "k2", 10); /* 2 */
    MUST(f, vg_store_outbox_stand(f->store, 1, 10, 70, &f->err));
    assert_string_equal(due(f, 69, 5), "2");
    assert_int_equal(next(f, 10), 70);
    assert_string_equal(due(f, 70, 5), "1 2");
    MUST(f, vg_store_outbox_due(f->store, 70, 1, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1); /* what was never told goes first */
    assert_int_equal(rows[0].id, 2);
    MUST(f, vg_store_outbox_sent(f->store, 2, 70, &f->err));
    MUST(f, vg_store_outbox_due(f->store, 70, 1, f->arena, &rows, &n, &f->err));
    assert_true(n == 1 && rows[0].id == 1 && rows[0].standing);
    MUST(f, vg_store_outbox_stand(f->store, 1, 70, 130, &f->err));
    MUST(f, vg_store_outbox_retry(f->store, 1, 131, "503", &f->err));
    assert_string_equal(due(f, 130, 5), "");
    assert_string_equal(due(f, 131, 5), "1");
    put(f, "am", "k1", 10); /* 3 */
    assert_string_equal(due(f, 140, 5), "3");
    MUST(f, vg_store_outbox_stand(f->store, 3, 140, 200, &f->err));
    assert_string_equal(due(f, 200, 5), "3"); /* 1 has been followed */
    MUST(f, vg_store_outbox_dead(f->store, 3, 200, "400", &f->err));
    assert_string_equal(due(f, 1000, 5), "");
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    assert_true(n == 1 && counts[0].sent == 3 && counts[0].dead == 0 && counts[0].waiting == 0);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_set_back),
        OPEN(test_fields),
        OPEN(test_order),
        OPEN(test_the_gravest_first),
        OPEN(test_nothing_waits_for_ever),
        OPEN(test_kinds_of_sink),
        OPEN(test_most_per_sink),
        OPEN(test_next),
        OPEN(test_counts),
        OPEN(test_kept_answers),
        OPEN(test_steps),
        OPEN(test_what_stands),
        OPEN(test_against_plain_rule),
    };
    return cmocka_run_group_tests_name("test_store_outbox", tests, NULL, NULL);
}
