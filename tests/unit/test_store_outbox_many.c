/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/outbox_many.c: what can be told together, what was begun to be, and
 * what goes beside it. */
#include "tests/unit/store_fixture.h"

#include <string.h>

static int64_t put_kind(struct fixture *f, const char *sink, const char *key,
                        enum vg_message_kind kind)
{
    struct vg_outgoing row = made_outgoing(sink, key, 10);
    row.kind = kind;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    return fixture_int(f->store, "SELECT max(id) FROM outbox");
}

static int64_t put(struct fixture *f, const char *sink, const char *key, int64_t next_us)
{
    const struct vg_outgoing row = made_outgoing(sink, key, next_us);
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    return fixture_int(f->store, "SELECT max(id) FROM outbox");
}

/* Ids of what can be told in one message. */
static const char *gather(struct fixture *f)
{
    struct vg_outgoing *rows;
    size_t n;
    struct vg_buf text;
    MUST(f, vg_store_outbox_gather(f->store, "ops", 10, f->arena, &rows, &n, &f->err));
    vg_buf_init(&text, 10000);
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(&text, "%s%lld", i ? " " : "", (long long)rows[i].id);
    const char *out = vg_arena_strdup(f->arena, text.data);
    vg_buf_free(&text);
    return out;
}

static void test_what_can_be_told_together(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"k1", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        put(f, "ops", keys[i], i == 6 ? 11 : 10);
    put(f, "oncall", "k1", 10);
    struct vg_outgoing row = made_outgoing("ops", "k9", 10);
    row.kind = VG_MSG_ACKNOWLEDGE;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    assert_string_equal(gather(f), "1 3 4 5 6 8"); /* 2 is behind 1, 7 is not due */
    MUST(f, vg_store_outbox_step(f->store, 3, 10, &f->err));
    MUST(f, vg_store_outbox_keep(f->store, 4, "C1 1.2", 10, &f->err));
    MUST(f, vg_store_outbox_keep(f->store, 5, "C1 1.2" VG_KEPT_GATHERED, 10, &f->err));
    MUST(f, vg_store_outbox_dead(f->store, 6, 10, "404", &f->err));
    assert_string_equal(gather(f), "1 5 8");
    const char *body;
    MUST(f, vg_store_outbox_body(f->store, 5, f->arena, &body, &f->err));
    assert_string_equal(body, row.body);
    assert_int_equal(vg_store_outbox_body(f->store, 99, f->arena, &body, &f->err), -1);
    assert_int_equal(f->err.code, VG_E_NOT_FOUND);
}

/* A message of many that was delivered and not recorded as a whole is not recorded at all. */
static void test_many_are_sent_as_one(void **state)
{
    struct fixture *f = *state;
    static const struct vg_claim claim = {.owner = "", .epoch = 0};
    put(f, "ops", "k1", 10);
    put(f, "ops", "k2", 10);
    MUST(f, vg_store_begin(f->store, &claim, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 1, 10, &f->err));
    vg_store_rollback(f->store); /* as a crash would */
    assert_string_equal(gather(f), "1 2");
    MUST(f, vg_store_begin(f->store, &claim, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 1, 10, &f->err));
    MUST(f, vg_store_outbox_sent(f->store, 2, 10, &f->err));
    MUST(f, vg_store_commit(f->store, &f->err));
    assert_string_equal(gather(f), "");
}

/* Ids of the rows that were begun under a key. */
static const char *begun(struct fixture *f, const char *digest)
{
    struct vg_outgoing *rows;
    size_t n;
    struct vg_buf text;
    MUST(f, vg_store_outbox_digest(f->store, "ops", digest, f->arena, &rows, &n, &f->err));
    vg_buf_init(&text, 1000);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(rows[i].digest, digest);
        vg_buf_printf(&text, "%s%lld", i ? " " : "", (long long)rows[i].id);
    }
    const char *out = vg_arena_strdup(f->arena, text.data);
    vg_buf_free(&text);
    return out;
}

/* Whenever they are due, for this receiver, until they have ended. */
static void test_what_was_begun(void **state)
{
    struct fixture *f = *state;
    static const int64_t ids[] = {1, 2, 4};
    put(f, "ops", "k1", 10);
    put(f, "ops", "k2", 10);
    put(f, "ops", "k3", 10);
    put(f, "ops", "k4", 10);
    MUST(f, vg_store_outbox_begun(f->store, ids, 3, "d1", &f->err));
    MUST(f, vg_store_outbox_retry(f->store, 2, 500, "later", &f->err));
    assert_string_equal(begun(f, "d1"), "1 2 4");
    assert_string_equal(begun(f, "d2"), "");
    MUST(f, vg_store_outbox_sent(f->store, 4, 20, &f->err));
    assert_string_equal(begun(f, "d1"), "1 2");
    struct vg_outgoing *rows;
    size_t n;
    MUST(f, vg_store_outbox_due(f->store, 10, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].digest, "d1");
    assert_null(rows[1].digest);
    /* refused before anybody read it, or perhaps read the time before */
    MUST(f, vg_store_outbox_touch(f->store, 1, &f->err));
    MUST(f, vg_store_outbox_apart(f->store, 1, false, &f->err));
    MUST(f, vg_store_outbox_apart(f->store, 2, false, &f->err));
    assert_string_equal(begun(f, "d1"), "1");
    MUST(f, vg_store_outbox_apart(f->store, 1, true, &f->err));
    assert_string_equal(begun(f, "d1"), "");
}

/* A reminder takes no place in what was begun. */
static void test_reminders_stay_where_they_are(void **state)
{
    struct fixture *f = *state;
    static const int64_t second[] = {2};
    put_kind(f, "ops", "k1", VG_MSG_REMIND);
    put_kind(f, "ops", "k1", VG_MSG_REMIND);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox WHERE state = 0"), 1);
    MUST(f, vg_store_outbox_begun(f->store, second, 1, "d1", &f->err));
    put_kind(f, "ops", "k1", VG_MSG_REMIND);
    assert_string_equal(begun(f, "d1"), "2");
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox WHERE state = 0"), 2);
}

static int64_t first_beside(struct fixture *f, bool news, bool reminders, bool ends)
{
    const struct vg_outbox_beside beside = {
        .sink = "ops", .now_us = 10, .held = {news, reminders, ends}};
    struct vg_outgoing row;
    bool found;
    MUST(f, vg_store_outbox_first(f->store, &beside, f->arena, &row, &found, &f->err));
    if (found) {
        assert_null(row.digest);
        assert_string_equal(row.sink, "ops");
        assert_true(strlen(row.body) > 0);
    }
    return found ? row.id : 0;
}

/* However many wait, the first of those that need not. */
static void test_the_first_beside_them(void **state)
{
    struct fixture *f = *state;
    char key[20];
    for (int i = 0; i < 20; i++) { /* 1 .. 20 */
        snprintf(key, sizeof key, "n%d", i);
        put_kind(f, "ops", key, i % 2 ? VG_MSG_OPEN : VG_MSG_UPDATE);
    }
    assert_int_equal(first_beside(f, false, false, false), 1);
    assert_int_equal(first_beside(f, true, true, true), 0);
    put_kind(f, "ops", "r", VG_MSG_REMIND);                        /* 21 */
    put_kind(f, "ops", "e", VG_MSG_RESOLVE);                       /* 22 */
    put_kind(f, "oncall", "a", VG_MSG_ACKNOWLEDGE);                /* 23 */
    int64_t behind = put_kind(f, "ops", "n3", VG_MSG_ACKNOWLEDGE); /* 24 */
    int64_t free_one = put_kind(f, "ops", "x", VG_MSG_ACKNOWLEDGE);
    assert_int_equal(first_beside(f, true, false, false), 21);
    assert_int_equal(first_beside(f, true, true, false), 22);
    assert_int_equal(first_beside(f, true, true, true), free_one);
    assert_true(behind < free_one); /* order within a key is kept */
    MUST(f, vg_store_outbox_retry(f->store, free_one, 10, "busy", &f->err));
    int64_t fresh = put_kind(f, "ops", "y", VG_MSG_TEST);
    assert_int_equal(first_beside(f, true, true, true), fresh); /* tried less */
    /* what cannot be told with others is not held with them */
    MUST(f, vg_store_outbox_step(f->store, 5, 10, &f->err));
    assert_int_equal(first_beside(f, true, true, true), 5);
    static const int64_t ids[] = {5};
    MUST(f, vg_store_outbox_begun(f->store, ids, 1, "d1", &f->err));
    assert_int_equal(first_beside(f, true, true, true), fresh);
    assert_int_equal(first_beside(f, false, true, true), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Of what is held one may go, and the gravest comes first. */
static void test_the_gravest_beside_them(void **state)
{
    struct fixture *f = *state;
    char key[20];
    for (int i = 0; i < 6; i++) { /* 1 .. 6: info, warning, critical, info ... */
        struct vg_outgoing row;
        snprintf(key, sizeof key, "n%d", i);
        row = made_outgoing("ops", key, 10);
        row.severity = (enum vg_severity)(i % VG_SEVERITIES);
        MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    }
    assert_string_equal(gather(f), "3 6 2 5 1 4");
    struct vg_outbox_beside beside = {.sink = "ops", .now_us = 10};
    struct vg_outgoing row;
    bool found;
    MUST(f, vg_store_outbox_first(f->store, &beside, f->arena, &row, &found, &f->err));
    assert_true(found && row.id == 3 && row.severity == VG_SEVERITY_CRITICAL);
    beside.held[0] = true;
    MUST(f, vg_store_outbox_first(f->store, &beside, f->arena, &row, &found, &f->err));
    assert_false(found);
    beside.but[0] = 5;
    MUST(f, vg_store_outbox_first(f->store, &beside, f->arena, &row, &found, &f->err));
    assert_true(found && row.id == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_can_be_told_together),
        TEST(test_many_are_sent_as_one),
        TEST(test_what_was_begun),
        TEST(test_reminders_stay_where_they_are),
        TEST(test_the_first_beside_them),
        TEST(test_the_gravest_beside_them),
    };
    return cmocka_run_group_tests_name("store_outbox_many", tests, NULL, NULL);
}
