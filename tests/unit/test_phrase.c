/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the sentences about a message (agent/phrase.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/phrase.h"
#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_values_in_their_units(void **state)
{
    static const struct {
        double value;
        enum vg_unit unit;
        const char *class, *text;
    } cases[] = {
        {0.384, VG_UNIT_RATIO, "drift", "0.384"},
        {0.0796, VG_UNIT_RATIO, "quality", "7.96%"},
        {0.01, VG_UNIT_RATIO, "quality", "1%"},
        {1, VG_UNIT_RATIO, "quality", "100%"},
        {0.25, VG_UNIT_RATIO, "performance", "0.25"},
        {2310, VG_UNIT_ROWS, "volume", "2310 rows"},
        {0, VG_UNIT_ROWS, "volume", "0 rows"},
        {2, VG_UNIT_COUNT, "schema", "2"},
        {3.14159, VG_UNIT_NONE, "drift", "3.14"},
        {45, VG_UNIT_SECONDS, "freshness", "45 s"},
        {600, VG_UNIT_SECONDS, "freshness", "10 min"},
        {28800, VG_UNIT_SECONDS, "freshness", "8 h"},
        {33120, VG_UNIT_SECONDS, "freshness", "9 h 12 min"},
        {777600, VG_UNIT_SECONDS, "freshness", "9 d"},
        {273600, VG_UNIT_SECONDS, "freshness", "3 d 4 h"},
        {-600, VG_UNIT_SECONDS, "freshness", "-10 min"},
        {NAN, VG_UNIT_SECONDS, "freshness", "unknown"},
        {INFINITY, VG_UNIT_ROWS, "volume", "infinite"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_buf out;
        vg_buf_init(&out, 1000);
        vg_phrase_value(&out, cases[i].value, cases[i].unit, cases[i].class);
        assert_string_equal(out.data, cases[i].text);
        vg_buf_free(&out);
    }
}

static void expect_item(const struct vg_message_item *item, const char *text)
{
    struct vg_buf out;
    vg_buf_init(&out, 4000);
    vg_phrase_item(&out, item);
    assert_string_equal(out.data, text);
    vg_buf_free(&out);
}

static void test_what_by_how_much_since_when(void **state)
{
    (void)state;
    struct vg_message_item item = kit_item();
    expect_item(&item,
                "drift (ks) of probability fires: 0.384, above the limit 0.35 (p < 0.001), since "
                "2001-06-12T00:00:00Z, rule score-drift");
    item.emits = 0;
    item.p_value = 0.0123;
    expect_item(&item,
                "drift (ks) of probability still fires: 0.384, above the limit 0.35 (p = 0.012), "
                "since 2001-06-12T00:00:00Z, rule score-drift");
    item.emits = VG_EMIT_ESCALATE;
    item.p_value = NAN;
    expect_item(
        &item, "drift (ks) of probability fires now, after a warning: 0.384, above the limit 0.35, "
               "since 2001-06-12T00:00:00Z, rule score-drift");
    item.value = 0.35000001;
    expect_item(&item,
                "drift (ks) of probability fires now, after a warning: 0.35000001, above the limit "
                "0.35, since 2001-06-12T00:00:00Z, rule score-drift");
    item = (struct vg_message_item){.rule = "volume",
                                    .check = "volume",
                                    .class = "volume",
                                    .segment = "ORD",
                                    .emits = VG_EMIT_FIRE,
                                    .state = VG_ALERT_FIRING,
                                    .verdict = VG_FAIL,
                                    .unit = VG_UNIT_ROWS,
                                    .value = 1240,
                                    .limit = 2500,
                                    .p_value = NAN,
                                    .onset_us = VG_NEVER,
                                    .why = ""};
    expect_item(&item, "volume in ORD fires: 1240 rows, below the limit 2500 rows, rule volume");
    item.limit = NAN;
    expect_item(&item, "volume in ORD fires: 1240 rows, rule volume");
}

/* What began and ended while windows were caught up. */
static void test_what_has_passed(void **state)
{
    (void)state;
    struct vg_message_item item = kit_item();
    item.state = VG_ALERT_OK;
    item.emits = VG_EMIT_FIRE | VG_EMIT_CLEAR;
    item.ended_us = item.onset_us + 2 * VG_DAY_US;
    expect_item(&item,
                "drift (ks) of probability fired and has cleared: 0.384, above the limit 0.35 (p < "
                "0.001), begun 2001-06-12T00:00:00Z, ended 2001-06-14T00:00:00Z, rule "
                "score-drift");
    item.emits = VG_EMIT_BLIND | VG_EMIT_SIGHTED;
    item.verdict = VG_UNKNOWN;
    item.ended_us = VG_NEVER;
    expect_item(&item, "drift (ks) of probability could not be looked at for a while, begun "
                       "2001-06-12T00:00:00Z, rule score-drift");
}

static void test_what_is_not_seen_has_no_value(void **state)
{
    (void)state;
    struct vg_message_item item = kit_item();
    item.state = VG_ALERT_BLIND;
    item.emits = VG_EMIT_BLIND;
    item.verdict = VG_UNKNOWN;
    expect_item(&item,
                "drift (ks) of probability cannot be looked at, since 2001-06-12T00:00:00Z, rule "
                "score-drift");
    item.state = VG_ALERT_FIRING_BLIND;
    expect_item(&item, "drift (ks) of probability fires, and cannot be looked at now, since "
                       "2001-06-12T00:00:00Z, rule score-drift");
    item.state = VG_ALERT_OK;
    item.emits = VG_EMIT_SIGHTED;
    item.verdict = VG_PASS;
    item.value = 0.21;
    item.p_value = NAN;
    expect_item(&item,
                "drift (ks) of probability can be looked at again: 0.21, the limit 0.35, begun "
                "2001-06-12T00:00:00Z, rule score-drift");
}

static void expect_title(const struct vg_message *message, const char *text)
{
    struct vg_buf out;
    vg_buf_init(&out, 4000);
    vg_phrase_title(&out, message);
    assert_string_equal(out.data, text);
    vg_buf_free(&out);
}

static void test_titles(void **state)
{
    (void)state;
    struct vg_message_item items[3];
    struct vg_message message = kit_message(items);
    expect_title(&message,
                 "CRITICAL delay_predictions: drift (ks) of probability 0.384, above 0.35");
    items[1] = items[2] = items[0];
    items[0].emits = 0; /* what fires now leads */
    items[1].check = "nulls";
    items[1].class = "quality";
    message.nitems = 3;
    message.kind = VG_MSG_UPDATE;
    message.severity = VG_SEVERITY_WARNING;
    expect_title(&message, "WARNING UPDATE delay_predictions: nulls of probability 38.4%, above "
                           "35%, and 2 more");
    message.kind = VG_MSG_REMIND;
    message.more = 7;
    expect_title(&message, "STILL WARNING delay_predictions: nulls of probability 38.4%, above "
                           "35%, and 9 more");
    message.more = 0;
    message.kind = VG_MSG_RESOLVE;
    for (size_t i = 0; i < 3; i++) {
        items[i].state = VG_ALERT_OK;
        items[i].emits = VG_EMIT_CLEAR;
    }
    expect_title(&message,
                 "RESOLVED delay_predictions: drift (ks) of probability has cleared, and 2 more");
    message.kind = VG_MSG_SUMMARY;
    message.nitems = 1;
    expect_title(&message,
                 "SUMMARY delay_predictions: drift (ks) of probability fired and has cleared "
                 "while windows were caught up");
    items[0].emits = VG_EMIT_BLIND | VG_EMIT_SIGHTED;
    message.more = 2;
    expect_title(&message,
                 "SUMMARY delay_predictions: drift (ks) of probability could not be looked at "
                 "while windows were caught up, and 2 more");
    message.more = 0;
    message.kind = VG_MSG_OPEN;
    message.severity = VG_SEVERITY_INFO;
    items[0].state = VG_ALERT_BLIND;
    items[0].emits = VG_EMIT_BLIND;
    expect_title(&message, "INFO delay_predictions: drift (ks) of probability cannot be looked at");
    message.kind = VG_MSG_TEST;
    message.nitems = 0;
    expect_title(&message, "TEST delay_predictions: a test message, nothing has happened");
}

static void test_place_and_standing(void **state)
{
    (void)state;
    struct vg_message_item items[4];
    struct vg_message message = kit_message(items);
    struct vg_buf out;
    vg_buf_init(&out, 4000);
    vg_phrase_place(&out, &message);
    assert_string_equal(out.data, "table ml.delay_predictions on warehouse, window "
                                  "2001-06-12T00:00:00Z to 2001-06-13T00:00:00Z, 3458 rows, model "
                                  "delay-model, owner ml-team");
    vg_buf_clear(&out);
    vg_phrase_standing(&out, &message);
    assert_string_equal(out.data, "1 alert fires");
    items[1] = items[2] = items[3] = items[0];
    items[1].state = VG_ALERT_BLIND;
    items[2].state = VG_ALERT_CLEARING;
    items[3].state = VG_ALERT_OK;
    message.nitems = 4;
    vg_buf_clear(&out);
    vg_phrase_standing(&out, &message);
    assert_string_equal(out.data, "2 alerts fire, 1 cannot be looked at, 1 has cleared");
    items[0].state = items[1].state = items[2].state = VG_ALERT_OK;
    vg_buf_clear(&out);
    vg_phrase_standing(&out, &message);
    assert_string_equal(out.data, "nothing fires any more, 4 have cleared");
    items[0].class = "retraining"; /* it waits for nobody any more, and the drift may go on */
    vg_buf_clear(&out);
    message.nitems = 1;
    vg_phrase_standing(&out, &message);
    assert_string_equal(out.data,
                        "this is of the retraining: whether drift still fires its alerts tell");
    message.nitems = 4;
    message.kind = VG_MSG_SUMMARY;
    message.more = 3;
    vg_buf_clear(&out);
    vg_phrase_standing(&out, &message);
    assert_string_equal(out.data, "7 began and ended while windows were caught up");
    message.table = message.connection = message.model = message.owner = NULL;
    message.has_window = false;
    vg_buf_clear(&out);
    vg_phrase_place(&out, &message);
    assert_string_equal(out.data, "dataset delay_predictions");
    vg_buf_free(&out);
}

static void test_cleaning(void **state)
{
    static const struct {
        const char *given, *clean;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {" \n two\r\n\tlines  ", "two\xef\xbf\xbd lines"},
        {"a\x01z", "a\xef\xbf\xbdz"},
        {"\xff\xc3\xa9", "\xef\xbf\xbd\xc3\xa9"},
        {"\xe2\x80\xaeright", "\xef\xbf\xbdright"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vg_buf out;
        vg_buf_init(&out, 1000);
        vg_buf_puts(&out, "> ");
        vg_phrase_clean(&out, cases[i].given);
        assert_string_equal(out.data + 2, cases[i].clean);
        assert_int_equal(out.len, 2 + strlen(cases[i].clean));
        vg_buf_free(&out);
    }
}

static void test_hostile_names_stay_one_clean_line(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_arena *arena = vg_arena_new();
        struct vg_buf out;
        vg_buf_init(&out, 1 << 20);
        kit_poison(&message, &seed, arena);
        vg_phrase_title(&out, &message);
        vg_phrase_place(&out, &message);
        vg_phrase_item(&out, &item);
        assert_false(out.failed);
        assert_true(vg_utf8_valid(out.data, out.len));
        for (size_t k = 0; k < out.len; k++)
            assert_true((unsigned char)out.data[k] >= 0x20 && out.data[k] != 0x7f);
        vg_buf_free(&out);
        vg_arena_free(arena);
    }
}

/* What it was compared with: a span, or what the message says; an alert may know better. */
static void test_the_basis(void **state)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_buf out;
    (void)state;
    item.n = 3458;
    item.n_ref = 2000;
    vg_buf_init(&out, 4000);
    vg_phrase_basis(&out, &message, &item);
    assert_string_equal(out.data, "3458 rows against 2000 of the reference");
    vg_buf_clear(&out);
    message.reference = "the reference table ml.train (version 3)";
    vg_phrase_basis(&out, &message, &item);
    assert_string_equal(out.data,
                        "3458 rows against 2000 of the reference table ml.train (version 3)");
    vg_buf_clear(&out);
    item.reference = "the reference\nyesterday";
    vg_phrase_basis(&out, &message, &item);
    assert_string_equal(out.data, "3458 rows against 2000 of the reference yesterday");
    vg_buf_free(&out);
}

/* What is over says its worst; what stands does so where it is no news and was graver. */
static void test_the_worst(void **state)
{
    static const struct {
        enum vg_alert_state state;
        unsigned emits;
        double worst;
        const char *says; /* NULL: nothing of it */
    } cases[] = {
        {VG_ALERT_OK, VG_EMIT_CLEAR, 0.612,
         ", rule score-drift; the worst was 0.612, above the limit 0.35, at 2001-06-12T00:00:00Z"},
        {VG_ALERT_OK, VG_EMIT_CLEAR, 0.384, "; the worst was 0.384, above the limit 0.35, at"},
        {VG_ALERT_FIRING, 0, 0.612, "; the worst so far was 0.612, above the limit 0.35, at"},
        {VG_ALERT_FIRING, 0, 0.384, NULL},
        {VG_ALERT_FIRING, VG_EMIT_FIRE, 0.612, NULL},
        {VG_ALERT_OK, VG_EMIT_CLEAR, NAN, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_message_item item;
        struct vg_buf out;
        kit_message(&item);
        item.state = cases[i].state;
        item.emits = cases[i].emits;
        item.value = 0.384;
        item.worst = (struct vg_worst){
            .at_us = KIT_JUNE_12, .value = cases[i].worst, .limit = 0.35, .verdict = VG_FAIL};
        vg_buf_init(&out, 4000);
        vg_phrase_item(&out, &item);
        const char *found = strstr(out.data, cases[i].says ? cases[i].says : "worst");
        if ((found != NULL) != (cases[i].says != NULL))
            fail_msg("case %zu: %s", i, out.data);
        vg_buf_free(&out);
    }
}

/* One of many says what it may break and where to read on; an end need not. */
static void test_one_of_many(void **state)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_buf out;
    (void)state;
    message.impact = "what customers see";
    message.runbook = "https://wiki.test/d";
    vg_buf_init(&out, 4000);
    vg_phrase_one(&out, &message);
    assert_non_null(strstr(out.data, "; may break: what customers see"));
    assert_string_equal(vg_phrase_runbook(&message), "https://wiki.test/d");
    item.runbook = "https://wiki.test/rule";
    assert_string_equal(vg_phrase_runbook(&message), "https://wiki.test/rule");
    vg_buf_clear(&out);
    message.kind = VG_MSG_RESOLVE;
    vg_phrase_one(&out, &message);
    assert_null(strstr(out.data, "may break"));
    vg_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_in_their_units),
        cmocka_unit_test(test_what_by_how_much_since_when),
        cmocka_unit_test(test_what_has_passed),
        cmocka_unit_test(test_what_is_not_seen_has_no_value),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_place_and_standing),
        cmocka_unit_test(test_the_basis),
        cmocka_unit_test(test_the_worst),
        cmocka_unit_test(test_one_of_many),
        cmocka_unit_test(test_cleaning),
        cmocka_unit_test(test_hostile_names_stay_one_clean_line),
    };
    return cmocka_run_group_tests_name("phrase", tests, NULL, NULL);
}
