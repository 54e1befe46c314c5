/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/outbox_room.c and silences.c: reminders merge, pairs go together, a
 * full outbox drops in order, people re-drive and drop. */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

static int64_t put(struct fixture *f, const char *sink, const char *key, enum vg_message_kind kind)
{
    struct vg_outgoing row = made_outgoing(sink, key, 10);
    int64_t before = fixture_int(f->store, "SELECT COALESCE(max(id), 0) FROM outbox");
    row.kind = kind;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
    int64_t after = fixture_int(f->store, "SELECT max(id) FROM outbox");
    return after == before ? 0 : after;
}

/* What waits or was set aside, as text: "1 2d". */
static const char *list(struct fixture *f)
{
    struct vg_outbox_row *rows;
    size_t n;
    struct vg_buf text;
    MUST(f, vg_store_outbox_list(f->store, f->arena, &rows, &n, &f->err));
    vg_buf_init(&text, 100000);
    for (size_t i = 0; i < n; i++)
        vg_buf_printf(&text, "%s%lld%s", i ? " " : "", (long long)rows[i].row.id,
                      rows[i].dead ? "d" : "");
    const char *out = vg_arena_strdup(f->arena, text.data);
    vg_buf_free(&text);
    return out;
}

static void test_reminders_merge(void **state)
{
    struct fixture *f = *state;
    int64_t open = put(f, "ops", "k1", VG_MSG_OPEN);
    assert_int_equal(put(f, "ops", "k1", VG_MSG_REMIND), 0); /* the trigger says it */
    MUST(f, vg_store_outbox_sent(f->store, open, 20, &f->err));
    for (int i = 0; i < 180; i++) /* a month of a receiver that does not answer */
        assert_true(put(f, "ops", "k1", VG_MSG_REMIND) > 0);
    int64_t other = put(f, "ops", "k2", VG_MSG_REMIND),
            third = put(f, "oncall", "k1", VG_MSG_REMIND);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox WHERE state = 0"), 3);
    char expected[60];
    snprintf(expected, sizeof expected, "%lld %lld %lld", (long long)other - 1, (long long)other,
             (long long)third);
    assert_string_equal(list(f), expected);
    assert_int_equal(put(f, "ops", "k1", VG_MSG_UPDATE), third + 1);
    assert_int_equal(put(f, "ops", "k1", VG_MSG_REMIND), 0);
    /* the one that was under way when it was merged is no failure */
    MUST(f, vg_store_outbox_sent(f->store, 2, 30, &f->err));
    MUST(f, vg_store_outbox_retry(f->store, 3, 30, "503", &f->err));
}

static int64_t held(struct fixture *f, const char *sink)
{
    int64_t until_us = -1;
    MUST(f, vg_store_outbox_held(f->store, VG_SINK_RECEIVER, sink, &until_us, &f->err));
    return until_us;
}

/* What a receiver has asked for holds whatever becomes of the message that it answered. */
static void test_silence_outlives_its_row(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(held(f, "ops"), 0);
    int64_t waits = put(f, "ops", "k1", VG_MSG_OPEN), other = put(f, "oncall", "k1", VG_MSG_OPEN);
    MUST(f, vg_store_outbox_hold(f->store, waits, 100, &f->err));
    MUST(f, vg_store_outbox_hold(f->store, other, 700, &f->err));
    assert_int_equal(held(f, "ops"), 100);
    int64_t stands = put(f, "ops", "k2", VG_MSG_OPEN);
    MUST(f, vg_store_outbox_stand(f->store, stands, 20, 30, &f->err));
    MUST(f, vg_store_outbox_hold(f->store, stands, 200, &f->err));
    assert_int_equal(held(f, "ops"), 200);
    int64_t merged = put(f, "ops", "k3", VG_MSG_REMIND);
    MUST(f, vg_store_outbox_hold(f->store, merged, 300, &f->err));
    put(f, "ops", "k3", VG_MSG_REMIND);
    assert_int_equal(held(f, "ops"), 300);
    int64_t dropped = put(f, "ops", "k4", VG_MSG_OPEN), n;
    const struct vg_outbox_choice choice = {.id = dropped};
    MUST(f, vg_store_outbox_hold(f->store, dropped, 400, &f->err));
    MUST(f, vg_store_outbox_drop(f->store, &choice, 40, &n, &f->err));
    assert_int_equal(held(f, "ops"), 400);
}

static int64_t pair(struct fixture *f, int64_t id)
{
    int64_t n = -1;
    MUST(f, vg_store_outbox_pair(f->store, id, 50, &n, &f->err));
    return n;
}

static void test_a_pair_goes_together(void **state)
{
    struct fixture *f = *state;
    int64_t open = put(f, "ops", "k1", VG_MSG_OPEN);
    put(f, "ops", "k1", VG_MSG_UPDATE);
    assert_int_equal(pair(f, open), 0); /* it has not ended */
    int64_t end = put(f, "ops", "k1", VG_MSG_RESOLVE);
    int64_t other = put(f, "oncall", "k1", VG_MSG_RESOLVE);
    assert_int_equal(pair(f, end), 0);
    MUST(f, vg_store_outbox_retry(f->store, open, 60, "connection refused", &f->err));
    assert_int_equal(pair(f, open), 3);
    assert_int_equal(pair(f, other), 0);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox WHERE state = 0"), 1);
    assert_int_equal(fixture_int(f->store, "SELECT COALESCE(sum(dead + dropped), 0)"
                                           " FROM outbox_total"),
                     0);
}

/* What may have arrived has to be ended: an answer was lost, or the program died in between. */
static void test_a_pair_that_may_have_arrived_stays(void **state)
{
    struct fixture *f = *state;
    int64_t first = put(f, "ops", "k1", VG_MSG_OPEN), second = put(f, "ops", "k2", VG_MSG_OPEN);
    MUST(f, vg_store_outbox_touch(f->store, first, &f->err));
    put(f, "ops", "k1", VG_MSG_RESOLVE);
    put(f, "ops", "k2", VG_MSG_RESOLVE);
    assert_int_equal(pair(f, first), 0);
    MUST(f, vg_store_outbox_recover(f->store, &f->err));
    assert_int_equal(pair(f, second), 0);
    int64_t third = put(f, "ops", "k3", VG_MSG_OPEN);
    put(f, "ops", "k3", VG_MSG_RESOLVE);
    assert_int_equal(pair(f, third), 2);
}

/* What was put behind the end is of another episode. */
static void test_a_pair_spares_what_follows(void **state)
{
    struct fixture *f = *state;
    int64_t open = put(f, "ops", "k1", VG_MSG_OPEN);
    put(f, "ops", "k1", VG_MSG_RESOLVE);
    put(f, "ops", "k1", VG_MSG_OPEN);
    put(f, "ops", "k1", VG_MSG_UPDATE);
    assert_int_equal(pair(f, open), 2);
    assert_string_equal(list(f), "3 4");
}

static struct vg_outbox_room room(struct fixture *f, int64_t rows, int64_t bytes)
{
    struct vg_outbox_room out;
    MUST(f, vg_store_outbox_room(f->store, rows, bytes, 70, &out, &f->err));
    return out;
}

static void test_a_full_outbox_drops_in_order(void **state)
{
    struct fixture *f = *state;
    put(f, "ops", "alone", VG_MSG_OPEN);      /* 1 */
    put(f, "ops", "pair", VG_MSG_OPEN);       /* 2 */
    put(f, "ops", "pair", VG_MSG_RESOLVE);    /* 3 */
    put(f, "ops", "told", VG_MSG_UPDATE);     /* 4 */
    put(f, "ops", "summary", VG_MSG_SUMMARY); /* 5 */
    put(f, "ops", "again", VG_MSG_REMIND);    /* 6 */
    put(f, "ops", "end", VG_MSG_RESOLVE);     /* 7 */
    struct vg_outgoing onset = made_outgoing("model", "o1", 10);
    onset.sink_kind = VG_SINK_RETRAIN;
    MUST(f, vg_store_outbox_put(f->store, &onset, &f->err)); /* 8 */
    assert_int_equal(room(f, 8, 1 << 20).dropped, 0);
    assert_int_equal(room(f, 8, 1 << 20).rows, 8);
    static const struct {
        int64_t most, dropped;
        const char *left;
    } steps[] = {
        {7, 1, "1 2 3 4 5 7 8"}, {6, 1, "1 2 3 4 7 8"}, {5, 1, "1 2 3 7 8"}, {4, 2, "1 7 8"},
        {3, 0, "1 7 8"},         {2, 1, "7 8"},         {1, 1, "8"},         {0, 0, "8"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(room(f, steps[i].most, 1 << 20).dropped, steps[i].dropped);
        assert_string_equal(list(f), steps[i].left);
    }
    assert_int_equal(fixture_int(f->store, "SELECT dropped FROM outbox_total WHERE sink = 'ops'"),
                     7);
}

/* The receiver for which most waits pays, and bytes count like rows. */
static void test_room_by_receiver_and_bytes(void **state)
{
    struct fixture *f = *state;
    char key[20];
    put(f, "live", "k", VG_MSG_REMIND); /* 1 */
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put(f, "down", key, VG_MSG_REMIND);
    }
    struct vg_outbox_room now = room(f, 11, 1 << 20);
    assert_int_equal(now.dropped, 10);
    assert_int_equal(now.rows, 11);
    assert_int_equal(strncmp(list(f), "1 12 13", 7), 0);
    int64_t each = fixture_int(f->store, "SELECT bytes FROM outbox WHERE id = 1");
    assert_true(each > 0);
    now = room(f, 100, 5 * each);
    assert_int_equal(now.rows, 5);
    assert_int_equal(now.bytes, 5 * each);
    assert_int_equal(strncmp(list(f), "1 ", 2), 0);
}

static int64_t redrive(struct fixture *f, int64_t id, const char *sink)
{
    const struct vg_outbox_choice choice = {id, sink};
    int64_t n = -1;
    MUST(f, vg_store_outbox_redrive(f->store, &choice, 90, &n, &f->err));
    return n;
}

static void test_redrive_and_drop(void **state)
{
    struct fixture *f = *state;
    int64_t a = put(f, "ops", "k1", VG_MSG_OPEN), b = put(f, "ops", "k2", VG_MSG_OPEN);
    int64_t end = put(f, "ops", "k2", VG_MSG_RESOLVE), c = put(f, "oncall", "k1", VG_MSG_OPEN);
    MUST(f, vg_store_outbox_dead(f->store, a, 40, "404", &f->err));
    MUST(f, vg_store_outbox_touch(f->store, b, &f->err)); /* it may have arrived the time before */
    MUST(f, vg_store_outbox_dead(f->store, b, 40, "404", &f->err));
    MUST(f, vg_store_outbox_dead(f->store, c, 40, "404", &f->err));
    assert_string_equal(list(f), "1d 2d 3 4d");
    MUST(f, vg_store_outbox_sent(f->store, end, 50, &f->err));
    assert_int_equal(redrive(f, b, NULL), 0); /* its end was delivered: it would open again */
    assert_int_equal(redrive(f, 0, "oncall"), 1);
    assert_int_equal(redrive(f, 99, NULL), 0);
    assert_string_equal(list(f), "1d 2d 4");
    assert_int_equal(redrive(f, 0, NULL), 2);
    assert_int_equal(fixture_int(f->store, "SELECT min(next_us) FROM outbox WHERE state = 0"), 90);
    const struct vg_outbox_choice one = {b, NULL}, all = {0, NULL};
    int64_t n;
    MUST(f, vg_store_outbox_drop(f->store, &one, 95, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f, vg_store_outbox_drop(f->store, &all, 95, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(list(f), "");
}

/* Both of an incident go again, but no trigger behind an end that may have been taken. */
static void test_redrive_of_pairs(void **state)
{
    struct fixture *f = *state;
    int64_t open = put(f, "ops", "k1", VG_MSG_OPEN), end = put(f, "ops", "k1", VG_MSG_RESOLVE);
    for (int again = 0; again < 2; again++) {
        MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
        MUST(f, vg_store_outbox_dead(f->store, end, 41, "404", &f->err));
        assert_int_equal(redrive(f, 0, NULL), 2);
        assert_string_equal(list(f), "1 2");
    }
    MUST(f, vg_store_outbox_touch(f->store, open, &f->err));
    MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
    MUST(f, vg_store_outbox_recover(f->store, &f->err)); /* it may have been sent before the kill */
    MUST(f, vg_store_outbox_dead(f->store, end, 41, "404", &f->err));
    assert_int_equal(redrive(f, open, NULL), 0);
    assert_int_equal(redrive(f, 0, NULL), 1);
    assert_string_equal(list(f), "1d 2");
}

/* Nobody hears of the end of what nobody heard of. */
static void test_an_end_without_a_beginning(void **state)
{
    struct fixture *f = *state;
    int64_t n, open = put(f, "ops", "k1", VG_MSG_OPEN);
    MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
    put(f, "ops", "k1", VG_MSG_RESOLVE);
    assert_string_equal(list(f), "1d 2d");
    assert_int_equal(redrive(f, open, NULL), 1); /* its end goes with it */
    assert_string_equal(list(f), "1 2");
    MUST(f, vg_store_outbox_dead(f->store, open, 50, "404", &f->err));
    assert_string_equal(list(f), "1d 2d");
    MUST(f, vg_store_outbox_aside(f->store, "ops", &n, &f->err));
    assert_int_equal(n, 1);
    const struct vg_outbox_choice choice = {open, NULL};
    MUST(f, vg_store_outbox_drop(f->store, &choice, 60, &n, &f->err));
    assert_string_equal(list(f), "");

    open = put(f, "ops", "k2", VG_MSG_OPEN); /* 3: dropped before its end is known */
    const struct vg_outbox_choice second = {open, NULL};
    MUST(f, vg_store_outbox_dead(f->store, open, 70, "400", &f->err));
    MUST(f, vg_store_outbox_drop(f->store, &second, 80, &n, &f->err));
    put(f, "ops", "k2", VG_MSG_RESOLVE);
    assert_string_equal(list(f), "");
}

/* Who heard of it, or may have, hears the end. */
static void test_an_end_that_is_told(void **state)
{
    struct fixture *f = *state;
    int64_t open = put(f, "ops", "retried", VG_MSG_OPEN); /* 1 */
    MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
    assert_int_equal(redrive(f, open, NULL), 1);
    MUST(f, vg_store_outbox_sent(f->store, open, 50, &f->err));
    put(f, "ops", "retried", VG_MSG_RESOLVE);     /* 2 */
    open = put(f, "ops", "unclear", VG_MSG_OPEN); /* 3 */
    MUST(f, vg_store_outbox_touch(f->store, open, &f->err));
    MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
    put(f, "ops", "unclear", VG_MSG_RESOLVE);  /* 4 */
    open = put(f, "ops", "news", VG_MSG_OPEN); /* 5 */
    MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
    int64_t update = put(f, "ops", "news", VG_MSG_UPDATE); /* 6 */
    put(f, "ops", "news", VG_MSG_RESOLVE);                 /* 7 */
    put(f, "other", "news", VG_MSG_RESOLVE);               /* 8 */
    assert_string_equal(list(f), "2 3d 4 5d 6 7 8");
    MUST(f, vg_store_outbox_sent(f->store, update, 50, &f->err));
    assert_string_equal(list(f), "2 3d 4 5d 7 8");
    put(f, "third", "news", VG_MSG_OPEN);                           /* 9 */
    update = put(f, "third", "news", VG_MSG_UPDATE);                /* 10 */
    put(f, "third", "news", VG_MSG_RESOLVE);                        /* 11 */
    MUST(f, vg_store_outbox_dead(f->store, 9, 60, "404", &f->err)); /* the news may be heard */
    assert_string_equal(list(f), "2 3d 4 5d 7 8 9d 10 11");
    MUST(f, vg_store_outbox_dead(f->store, update, 60, "404", &f->err));
    assert_string_equal(list(f), "2 3d 4 5d 7 8 9d 10d 11d");
}

static void test_trouble_idle(void **state)
{
    struct fixture *f = *state;
    struct vg_strings idle;
    int64_t n, open = put(f, "ops", "k1", VG_MSG_OPEN);
    const struct vg_trouble rows[] = {{.sink = "ops", .key = "t1", .told = ""},
                                      {.sink = "", .key = "t2", .told = ""}};
    MUST(f, vg_store_trouble_put(f->store, &rows[0], &f->err));
    MUST(f, vg_store_trouble_put(f->store, &rows[1], &f->err));
    MUST(f, vg_store_trouble_idle(f->store, f->arena, &idle, &f->err));
    assert_int_equal(idle.n, 0);
    MUST(f, vg_store_outbox_dead(f->store, open, 40, "404", &f->err));
    MUST(f, vg_store_trouble_idle(f->store, f->arena, &idle, &f->err));
    assert_int_equal(idle.n, 0);
    const struct vg_outbox_choice choice = {open, NULL};
    MUST(f, vg_store_outbox_drop(f->store, &choice, 60, &n, &f->err));
    MUST(f, vg_store_trouble_idle(f->store, f->arena, &idle, &f->err));
    assert_int_equal(idle.n, 1);
    assert_string_equal(idle.items[0], "ops");
}

/* Requests for retraining go their own way: a refused one not again, a waiting one not away. */
static void test_requests_are_not_moved(void **state)
{
    struct fixture *f = *state;
    const struct vg_outbox_choice all = {0, NULL}, model = {0, "model"}, other = {0, "ops"};
    struct vg_outgoing request = made_outgoing("model", "o1", 10);
    int64_t n;
    request.sink_kind = VG_SINK_RETRAIN;
    MUST(f, vg_store_outbox_put(f->store, &request, &f->err));
    MUST(f, vg_store_outbox_drop(f->store, &all, 20, &n, &f->err));
    assert_int_equal(n, 0);
    MUST(f, vg_store_outbox_requests(f->store, &model, false, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f, vg_store_outbox_requests(f->store, &other, false, &n, &f->err));
    assert_int_equal(n, 0);
    assert_int_equal(redrive(f, 1, NULL), 1); /* it waits, and is due at once */
    assert_int_equal(fixture_int(f->store, "SELECT touched FROM outbox WHERE id = 1"), 0);
    MUST(f, vg_store_outbox_dead(f->store, 1, 30, "403", &f->err));
    assert_int_equal(redrive(f, 0, NULL), 0);
    MUST(f, vg_store_outbox_requests(f->store, &all, true, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f, vg_store_outbox_drop(f->store, &all, 40, &n, &f->err)); /* nothing is left of it */
    assert_int_equal(n, 1);
}

static const char *went_to(struct fixture *f, int64_t now_us)
{
    struct vg_outgoing *rows;
    size_t n;
    MUST(f, vg_store_outbox_due(f->store, now_us, 5, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    return rows[0].went_to ? rows[0].went_to : "";
}

/* Where a request may have arrived is known as long as it may, after a crash too. */
static void test_where_a_request_went(void **state)
{
    struct fixture *f = *state;
    struct vg_outgoing request = made_outgoing("model", "o1", 10);
    bool claimed;
    request.sink_kind = VG_SINK_RETRAIN;
    MUST(f, vg_store_outbox_put(f->store, &request, &f->err));
    MUST(f, vg_store_outbox_recover(f->store, &f->err)); /* it was never sent */
    assert_int_equal(fixture_int(f->store, "SELECT touched FROM outbox WHERE id = 1"), 0);
    assert_string_equal(went_to(f, 20), "");
    MUST(f, vg_store_outbox_claim(f->store, 1, "A", &claimed, &f->err));
    assert_true(claimed);
    assert_string_equal(went_to(f, 20), "A");
    MUST(f, vg_store_outbox_retry(f->store, 1, 20, "503", &f->err)); /* it was not taken */
    assert_string_equal(went_to(f, 20), "");
    MUST(f, vg_store_outbox_claim(f->store, 1, "B", &claimed, &f->err));
    MUST(f, vg_store_outbox_recover(f->store, &f->err)); /* the program died then */
    assert_string_equal(went_to(f, 20), "B");
    assert_int_equal(fixture_int(f->store, "SELECT touched FROM outbox WHERE id = 1"), 1);
    MUST(f, vg_store_outbox_claim(f->store, 1, "B", &claimed, &f->err));
    MUST(f, vg_store_outbox_retry(f->store, 1, 20, "503", &f->err)); /* but the time before? */
    assert_string_equal(went_to(f, 20), "B");
}

static void test_trouble(void **state)
{
    struct fixture *f = *state;
    struct vg_trouble row = {.sink = "ops", .key = "t1", .since_us = 5, .told = "oncall"}, out;
    bool found;
    MUST(f, vg_store_trouble_put(f->store, &row, &f->err));
    memcpy(row.key, "t2", 3);
    MUST(f, vg_store_trouble_put(f->store, &row, &f->err)); /* the first stays */
    MUST(f, vg_store_trouble(f->store, VG_SINK_RECEIVER, "ops", f->arena, &out, &found, &f->err));
    assert_true(found);
    assert_string_equal(out.key, "t1");
    assert_string_equal(out.told, "oncall");
    MUST(f, vg_store_trouble(f->store, VG_SINK_RETRAIN, "ops", f->arena, &out, &found, &f->err));
    assert_false(found);
    MUST(f, vg_store_trouble_delete(f->store, VG_SINK_RECEIVER, "ops", &f->err));
    MUST(f, vg_store_trouble(f->store, VG_SINK_RECEIVER, "ops", f->arena, &out, &found, &f->err));
    assert_false(found);
}

static void test_silences(void **state)
{
    struct fixture *f = *state;
    struct vg_silence *rows;
    size_t n;
    int64_t first, second;
    const struct vg_silence one = {.match = {.dataset = "d*", .severities = 2},
                                   .from_us = 10,
                                   .until_us = 50,
                                   .made_us = 5,
                                   .by = "uid 7",
                                   .why = "moving house"};
    const struct vg_silence all = {.from_us = 60, .until_us = 90, .by = "uid 7", .why = ""};
    MUST(f, vg_store_silence_put(f->store, &one, &first, &f->err));
    MUST(f, vg_store_silence_put(f->store, &all, &second, &f->err));
    MUST(f, vg_store_silences(f->store, 20, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].match.dataset, "d*");
    assert_null(rows[0].match.rule);
    assert_int_equal(rows[0].match.severities, 2);
    assert_string_equal(rows[0].why, "moving house");
    assert_int_equal(rows[1].from_us, 60);
    MUST(f, vg_store_silence_expire(f->store, first, 20, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_silence_expire(f->store, first, 20, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_silence_expire(f->store, 77, 20, &f->err));
    MUST(f, vg_store_silences(f->store, 20, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1);
    MUST(f, vg_store_silence_expire(f->store, second, 30, &f->err)); /* it had not begun */
    MUST(f, vg_store_silences(f->store, 30, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 0);
}

static void test_acknowledge(void **state)
{
    struct fixture *f = *state;
    struct vg_incident *out, incident = {.key = "i1",
                                         .dataset = "d",
                                         .closed_us = VG_NEVER,
                                         .told_us = VG_NEVER,
                                         .acked_us = VG_NEVER};
    size_t n;
    MUST(f, vg_store_incident_put(f->store, &incident, &f->err));
    MUST(f, vg_store_incidents(f->store, "d", true, f->arena, &out, &n, &f->err));
    assert_true(out[0].acked_us == VG_NEVER);
    assert_null(out[0].acked_by);
    MUST(f, vg_store_incident_ack(f->store, "i1", "kim", 33, &f->err));
    MUST(f, vg_store_incident_put(f->store, &incident, &f->err)); /* a cycle that did not know */
    MUST(f, vg_store_incidents(f->store, "d", true, f->arena, &out, &n, &f->err));
    assert_int_equal(out[0].acked_us, 33);
    assert_string_equal(out[0].acked_by, "kim");
    incident.closed_us = 40;
    MUST(f, vg_store_incident_put(f->store, &incident, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_incident_ack(f->store, "i1", "kim", 50, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_incident_ack(f->store, "i2", "kim", 50, &f->err));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_reminders_merge),
        WITH(test_silence_outlives_its_row),
        WITH(test_a_pair_goes_together),
        WITH(test_a_pair_that_may_have_arrived_stays),
        WITH(test_a_pair_spares_what_follows),
        WITH(test_a_full_outbox_drops_in_order),
        WITH(test_room_by_receiver_and_bytes),
        WITH(test_redrive_and_drop),
        WITH(test_an_end_without_a_beginning),
        WITH(test_an_end_that_is_told),
        WITH(test_trouble_idle),
        WITH(test_redrive_of_pairs),
        WITH(test_requests_are_not_moved),
        WITH(test_where_a_request_went),
        WITH(test_trouble),
        WITH(test_silences),
        WITH(test_acknowledge),
    };
    return cmocka_run_group_tests_name("store_room", tests, NULL, NULL);
}
