/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of messages and onsets as JSON (agent/message.c): what is written reads back equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/message.h"
#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void assert_same_number(double a, double b)
{
    assert_true((isnan(a) && isnan(b)) || a == b);
}

static void assert_same_text(const char *a, const char *b)
{
    if (!vg_streq(a, b))
        fail_msg("'%s' is not '%s'", a ? a : "NULL", b ? b : "NULL");
}

static void assert_same_item(const struct vg_message_item *a, const struct vg_message_item *b)
{
    assert_same_text(a->rule, b->rule);
    assert_same_text(a->check, b->check);
    assert_same_text(a->column, b->column);
    assert_same_text(a->segment, b->segment);
    assert_same_text(a->class, b->class);
    assert_int_equal(a->emits, b->emits);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->unit, b->unit);
    assert_same_number(a->value, b->value);
    assert_same_number(a->limit, b->limit);
    assert_same_number(a->p_value, b->p_value);
    assert_int_equal(a->onset_us, b->onset_us);
    assert_int_equal(a->ended_us, b->ended_us);
    assert_same_text(a->reference, b->reference);
    assert_int_equal(a->worst.at_us, b->worst.at_us);
    assert_same_number(a->worst.value, b->worst.value);
    assert_same_number(a->worst.limit, b->worst.limit);
    assert_same_text(a->why, b->why);
    assert_same_text(a->description, b->description);
    assert_same_text(a->runbook, b->runbook);
    assert_int_equal(a->nkeys, b->nkeys);
    for (size_t i = 0; i < a->nkeys; i++)
        assert_same_text(a->keys[i], b->keys[i]);
}

static void assert_same_message(const struct vg_message *a, const struct vg_message *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->key, b->key);
    assert_same_text(a->agent, b->agent);
    assert_same_text(a->dataset, b->dataset);
    assert_same_text(a->model, b->model);
    assert_same_text(a->connection, b->connection);
    assert_same_text(a->table, b->table);
    assert_same_text(a->owner, b->owner);
    assert_same_text(a->runbook, b->runbook);
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->at_us, b->at_us);
    assert_int_equal(a->onset_us, b->onset_us);
    assert_int_equal(a->opened_us, b->opened_us);
    assert_int_equal(a->has_window, b->has_window);
    assert_int_equal(a->window.start_us, b->window.start_us);
    assert_int_equal(a->window.end_us, b->window.end_us);
    assert_int_equal(a->window.repeated, b->window.repeated);
    assert_int_equal(a->rows, b->rows);
    assert_same_text(a->url, b->url);
    assert_same_text(a->retraining, b->retraining);
    assert_same_text(a->reference, b->reference);
    assert_int_equal(a->more, b->more);
    assert_int_equal(a->nitems, b->nitems);
    for (size_t i = 0; i < a->nitems; i++)
        assert_same_item(&a->items[i], &b->items[i]);
}

static struct vg_message reread(const struct vg_message *message, struct vg_arena *arena)
{
    const char *json;
    struct vg_message back = {0};
    struct vg_error err = {0};
    if (vg_message_write(message, arena, &json, &err) < 0 ||
        vg_message_read(json, arena, &back, &err) < 0)
        fail_msg("%s", err.msg);
    return back;
}

static void test_a_message_reads_back_equal(void **state)
{
    (void)state;
    static const char *const keys[] = {"17", "a \"b\"", "2001-06-12T00:00:00Z"};
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item items[4];
    struct vg_message message = kit_message(items);
    items[1] = items[2] = items[3] = items[0];
    items[1].column = NULL;
    items[1].segment = "ORD";
    items[1].value = -INFINITY;
    items[1].limit = INFINITY;
    items[1].p_value = NAN;
    items[1].onset_us = VG_NEVER;
    items[2].ended_us = INT64_C(992390400000000);
    items[1].description = "two\nlines";
    items[1].keys = keys;
    items[1].nkeys = 3;
    items[2].value = 0.1 + 0.2; /* needs 17 digits */
    items[2].limit = 5e-324;
    items[3].value = -1e300;
    items[3].worst = (struct vg_worst){.at_us = 5, .value = 0.612, .limit = NAN};
    items[3].reference = "the reference yesterday";
    message.reference = "the reference table ml.train (version 3)";
    message.retraining = "retraining of delay-model: none was asked for";
    message.nitems = 4;
    message.url = "https://vigil.example.test/#delay";
    message.rows = INT64_MAX;
    message.window.repeated = true;
    message.owner = NULL;
    message.onset_us = VG_NEVER;
    message.at_us = -1;
    message.more = 12;
    for (int kind = 0; kind <= VG_MSG_TEST; kind++) {
        message.kind = (enum vg_message_kind)kind;
        message.severity = (enum vg_severity)(kind % VG_SEVERITIES);
        items[0].unit = (enum vg_unit)(kind % (VG_UNIT_ROWS + 1));
        items[0].verdict = (enum vg_verdict)(kind % (VG_FAIL + 1));
        struct vg_message back = reread(&message, arena);
        assert_same_message(&back, &message);
    }
    for (int at = 0; at < VG_ALERT_STATES; at++) {
        items[0].state = (enum vg_alert_state)at;
        items[0].emits = 1U << at;
        struct vg_message back = reread(&message, arena);
        assert_same_message(&back, &message);
    }
    vg_arena_free(arena);
}

/* A row that an older version left in the outbox says nothing of an end. */
static void test_a_message_without_ends_is_read(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item items[4];
    struct vg_message message = kit_message(items), back;
    struct vg_error err = {0};
    const char *json;
    assert_int_equal(vg_message_write(&message, arena, &json, &err), 0);
    const char *end = strstr(json, ",\"ended_us\":0");
    assert_non_null(end);
    const char *rest = end + strlen(",\"ended_us\":0");
    const char *old = vg_arena_printf(arena, "%.*s%s", (int)(end - json), json, rest);
    assert_int_equal(vg_message_read(old, arena, &back, &err), 0);
    assert_same_message(&message, &back);
    vg_arena_free(arena);
}

static void test_an_onset_reads_back_equal(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_onset onset = kit_onset(), back;
    struct vg_error err = {0};
    const char *json;
    for (int at = 0; at <= VG_ONSET_ENDED; at++) {
        onset.state = (enum vg_onset_state)at;
        onset.column = at ? "probability" : NULL;
        onset.limit = at ? 0.35 : (double)NAN;
        assert_int_equal(vg_onset_write(&onset, arena, &json, &err), 0);
        assert_int_equal(vg_onset_read(json, arena, &back, &err), 0);
        assert_string_equal(back.key, onset.key);
        assert_same_text(back.model, onset.model);
        assert_same_text(back.dataset, onset.dataset);
        assert_same_text(back.rule, onset.rule);
        assert_same_text(back.column, onset.column);
        assert_same_text(back.check, onset.check);
        assert_int_equal(back.state, onset.state);
        assert_int_equal(back.fired, onset.fired);
        assert_int_equal(back.due_us, onset.due_us);
        assert_int_equal(back.fired_us, onset.fired_us);
        assert_int_equal(back.ended_us, VG_NEVER);
        assert_int_equal(back.evidence.start_us, onset.evidence.start_us);
        assert_int_equal(back.evidence.end_us, onset.evidence.end_us);
        assert_same_number(back.value, onset.value);
        assert_same_number(back.limit, onset.limit);
        assert_int_equal(back.rows, onset.rows);
    }
    vg_arena_free(arena);
}

static void test_of_very_many_items_what_happened_stays(void **state)
{
    (void)state;
    enum { MANY = 10000, NEWS = 150 };
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item first;
    struct vg_message message = kit_message(&first);
    message.items = vg_arena_array(arena, MANY, sizeof *message.items);
    message.nitems = MANY;
    for (size_t i = 0; i < MANY; i++) {
        message.items[i] = first;
        message.items[i].emits = i >= MANY - NEWS ? VG_EMIT_FIRE : 0;
        message.items[i].rule = vg_arena_printf(arena, "rule-%zu", i);
    }
    message.more = 5;
    struct vg_message back = reread(&message, arena);
    assert_int_equal(back.nitems, VG_MESSAGE_ITEMS);
    assert_int_equal(back.more, 5 + MANY - VG_MESSAGE_ITEMS);
    assert_string_equal(back.items[0].rule, "rule-9850");
    assert_string_equal(back.items[NEWS - 1].rule, "rule-9999");
    assert_string_equal(back.items[NEWS].rule, "rule-0");
    vg_arena_free(arena);
}

static void test_hostile_text_is_repaired_and_cut(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 1000; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        kit_poison(&message, &seed, arena);
        struct vg_message back = reread(&message, arena);
        assert_true(vg_utf8_valid(back.table, strlen(back.table)));
        assert_true(strlen(back.table) <= 4 * VG_MESSAGE_TEXT);
        if (vg_utf8_valid(message.table, strlen(message.table)) &&
            strlen(message.table) <= VG_MESSAGE_TEXT)
            assert_string_equal(back.table, message.table);
        /* what was repaired once stays as it is */
        struct vg_message again = reread(&back, arena);
        assert_same_message(&again, &back);
        vg_arena_free(arena);
    }
}

static void test_anything_else_is_refused(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item item;
    struct vg_message message = kit_message(&item), back;
    struct vg_onset onset;
    struct vg_error err = {0};
    const char *json;
    assert_int_equal(vg_message_write(&message, arena, &json, &err), 0);
    static const struct {
        const char *from, *to;
    } damage[] = {
        {"\"kind\":\"open\"", "\"kind\":\"opened\""},
        {"\"dataset\":\"delay_predictions\"", "\"dataset\":null"},
        {"\"rule\":\"score-drift\"", "\"rule\":7"},
        {"\"items\":[", "\"things\":["},
        {"\"rows\":3458", "\"rows\":-1"},
        {"\"value\":", "\"value\":\"much\",\"was\":"},
        {"\"has_window\":true", "\"has_window\":1"},
        {"\"key\":\"", "\"key\":\"longer than any key can be, far longer"},
        {"\"keys\":[]", "\"keys\":[1]"},
        {"{", ""},
        {"}", "},"},
    };
    for (size_t i = 0; i < COUNT(damage); i++) {
        const char *at = strstr(json, damage[i].from);
        assert_non_null(at);
        const char *bad = vg_arena_printf(arena, "%.*s%s%s", (int)(at - json), json, damage[i].to,
                                          at + strlen(damage[i].from));
        err = (struct vg_error){0};
        if (vg_message_read(bad, arena, &back, &err) == 0)
            fail_msg("read: %s", bad);
        assert_int_equal(err.code, VG_E_DATA);
    }
    assert_int_equal(vg_onset_read(json, arena, &onset, &err), -1);
    assert_int_equal(vg_message_read("", arena, &back, &err), -1);
    assert_int_equal(vg_message_read("[]", arena, &back, &err), -1);
    vg_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_reads_back_equal),
        cmocka_unit_test(test_a_message_without_ends_is_read),
        cmocka_unit_test(test_an_onset_reads_back_equal),
        cmocka_unit_test(test_of_very_many_items_what_happened_stays),
        cmocka_unit_test(test_hostile_text_is_repaired_and_cut),
        cmocka_unit_test(test_anything_else_is_refused),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
