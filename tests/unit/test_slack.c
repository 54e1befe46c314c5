/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the Slack receiver (agent/receivers/slack.c): what a person reads, Slack's limits,
 * and that no text of a table or a rule is ever markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"
#include "tests/unit/delivery_kit.h"

static const struct vg_receiver receiver = {
    .name = "ops",
    .kind = VG_RECEIVER_SLACK,
    .endpoint = {.url = "https://hooks.slack.example.test/services/T0/B0/XYZ",
                 .timeout_us = 10 * VG_US},
};

static void test_what_a_person_reads(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item items[2];
    struct vg_message message = kit_message(items);
    static const char *const keys[] = {"17", "42"};
    message.url = "https://vigil.example.test/delay";
    message.role = "features";
    items[0].description = "Scores must keep January's shape.";
    items[0].keys = keys;
    items[0].nkeys = 2;
    struct vg_request request;
    json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
    assert_string_equal(request.url, receiver.endpoint.url);
    assert_string_equal(request.method, "POST");
    assert_string_equal(request.headers[0].key, "Content-Type");
    assert_string_equal(request.headers[0].value, "application/json");
    assert_int_equal(request.timeout_us, 10 * VG_US);
    const char *title = "CRITICAL delay_predictions: drift (ks) of probability 0.384, above 0.35";
    assert_string_equal(kit_text(body, "text"), title);
    assert_string_equal(kit_text(body, "blocks/0/type"), "header");
    assert_string_equal(kit_text(body, "blocks/0/text/type"), "plain_text");
    assert_string_equal(kit_text(body, "blocks/0/text/text"), title);
    assert_string_equal(kit_text(body, "attachments/0/color"), "#d00000");
    assert_string_equal(kit_text(body, "attachments/0/blocks/0/text/type"), "plain_text");
    assert_string_equal(
        kit_text(body, "attachments/0/blocks/0/text/text"),
        "drift (ks) of probability fires: 0.384, above the limit 0.35 (p &lt; 0.001), since "
        "2001-06-12T00:00:00Z, rule score-drift\n"
        "the largest distance is at 0.41\n"
        "Scores must keep January's shape.\n"
        "first rows: 17, 42");
    assert_string_equal(kit_text(body, "attachments/0/blocks/1/text/text"),
                        "may break: predictions of the model delay-model, which reads this table");
    assert_string_equal(kit_text(body, "attachments/0/blocks/2/text/text"),
                        "<https://vigil.example.test/delay|Open the report>  \xc2\xb7  "
                        "<https://wiki.example.test/delay?a=1&amp;b=2|Runbook>");
    assert_string_equal(kit_text(body, "attachments/0/blocks/3/elements/0/text"),
                        "1 alert fires \xc2\xb7 table ml.delay_predictions on warehouse, window "
                        "2001-06-12T00:00:00Z to 2001-06-13T00:00:00Z, 3458 rows, model "
                        "delay-model, owner ml-team \xc2\xb7 incident " KIT_KEY
                        " \xc2\xb7 agent prod");
    json_decref(body);
    vg_arena_free(arena);
}

static void test_colours_and_kinds(void **state)
{
    static const struct {
        enum vg_message_kind kind;
        enum vg_severity severity;
        const char *colour, *title_begins;
    } cases[] = {
        {VG_MSG_OPEN, VG_SEVERITY_WARNING, "#e8a317", "WARNING delay_predictions"},
        {VG_MSG_UPDATE, VG_SEVERITY_CRITICAL, "#d00000", "CRITICAL UPDATE delay_predictions"},
        {VG_MSG_REMIND, VG_SEVERITY_CRITICAL, "#d00000", "STILL CRITICAL delay_predictions"},
        {VG_MSG_RESOLVE, VG_SEVERITY_CRITICAL, "#2eb67d", "RESOLVED delay_predictions"},
        {VG_MSG_SUMMARY, VG_SEVERITY_CRITICAL, "#2eb67d", "SUMMARY delay_predictions"},
        {VG_MSG_TEST, VG_SEVERITY_INFO, "#1264a3", "TEST delay_predictions"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        message.kind = cases[i].kind;
        message.severity = cases[i].severity;
        message.nitems = message.kind != VG_MSG_TEST;
        json_t *body = kit_render(&receiver, "https://secret.test/x", &message, arena, &request);
        assert_string_equal(request.url, "https://secret.test/x");
        assert_string_equal(kit_text(body, "attachments/0/color"), cases[i].colour);
        const char *title = kit_text(body, "text");
        if (strncmp(title, cases[i].title_begins, strlen(cases[i].title_begins)))
            fail_msg("'%s' does not begin with '%s'", title, cases[i].title_begins);
        json_decref(body);
        vg_arena_free(arena);
    }
}

static size_t count_units(const char *s)
{
    size_t units = 0;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        units += (c & 0xc0) != 0x80 ? 1 : 0;
        units += c >= 0xf0 ? 1 : 0;
    }
    return units;
}

static const char *skip_entity(const char *s)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;"};
    for (size_t i = 0; i < 3; i++) {
        if (!strncmp(s, entities[i], strlen(entities[i])))
            return s + strlen(entities[i]);
    }
    fail_msg("an ampersand that is no entity: %.30s", s);
    return NULL;
}

/* A link as the receiver makes it: nothing in it can end it early. */
static const char *skip_link(const char *s)
{
    if (strncmp(s, "<https://", 9) && strncmp(s, "<http://", 8))
        fail_msg("markup: %.40s", s);
    s += 1 + strcspn(s + 1, "<>| \n");
    if (!strncmp(s, "|Runbook>", 9))
        return s + 9;
    if (strncmp(s, "|Open the report>", 17) && strncmp(s, "|Dashboard>", 11))
        fail_msg("a link that is not ours: %.40s", s);
    return s + strcspn(s, ">") + 1;
}

static size_t assert_tame(const json_t *text_object)
{
    const char *text = json_string_value(json_object_get(text_object, "text"));
    const char *type = json_string_value(json_object_get(text_object, "type"));
    assert_non_null(text);
    assert_non_null(type);
    assert_true(*text);
    bool links = !strcmp(type, "mrkdwn");
    if (links)
        assert_true(json_is_true(json_object_get(text_object, "verbatim")));
    for (const char *p = text; *p;) {
        if (*p == '&')
            p = skip_entity(p);
        else if (*p == '<' && links)
            p = skip_link(p);
        else if (*p == '<' || *p == '>')
            fail_msg("raw markup: %.40s", p);
        else
            p++;
    }
    return count_units(text);
}

static size_t assert_block_limits(const json_t *block)
{
    const char *type = json_string_value(json_object_get(block, "type"));
    const json_t *text = json_object_get(block, "text");
    if (!strcmp(type, "context"))
        text = json_array_get(json_object_get(block, "elements"), 0);
    size_t units = assert_tame(text);
    assert_true(units <= (strcmp(type, "header") ? 3000 : 150));
    return units;
}

static void assert_limits(const json_t *body)
{
    size_t total = 0, i;
    const json_t *block, *more = kit_at(body, "attachments/0/blocks");
    assert_true(json_array_size(more) <= 50);
    json_array_foreach(kit_at(body, "blocks"), i, block)
    {
        total += assert_block_limits(block);
    }
    json_array_foreach(more, i, block)
    {
        total += assert_block_limits(block);
    }
    assert_true(total < 12000);
    json_t *fallback = json_pack("{s:s, s:O}", "type", "plain_text", "text", kit_at(body, "text"));
    assert_true(assert_tame(fallback) <= 300);
    json_decref(fallback);
}

static void test_hostile_names_are_never_markup(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 10000; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item items[3];
        struct vg_message message = kit_message(items);
        struct vg_request request;
        items[1] = items[2] = items[0];
        message.nitems = (size_t)(i % 4);
        message.kind = (enum vg_message_kind)(i % (VG_MSG_TEST + 1));
        kit_poison(&message, &seed, arena);
        if (i % 2) /* also as what follows a URL that is one */
            message.url = vg_arena_printf(arena, "https://x.test/%s", message.url);
        json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
        assert_limits(body);
        json_decref(body);
        vg_arena_free(arena);
    }
}

static void test_many_items_and_long_texts(void **state)
{
    (void)state;
    enum { MANY = 200 };
    struct vg_arena *arena = vg_arena_new();
    struct vg_message_item first;
    struct vg_message message = kit_message(&first);
    struct vg_request request;
    char *lots = vg_arena_alloc(arena, 20001);
    message.items = vg_arena_array(arena, MANY, sizeof *message.items);
    message.nitems = MANY;
    message.more = 9;
    for (size_t i = 0; i < MANY; i++)
        message.items[i] = first;
    json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
    assert_limits(body);
    assert_string_equal(kit_text(body, "attachments/0/blocks/10/text/text"), "and 199 more");
    json_decref(body);

    static const char *const fillers[] = {"<", "&", "x", "\xf0\x9f\x92\xa9", "\xff"};
    for (size_t f = 0; f < sizeof fillers / sizeof fillers[0]; f++) {
        size_t n = strlen(fillers[f]);
        for (size_t i = 0; i < 20000; i++)
            lots[i] = fillers[f][i % n];
        lots[20000 / n * n] = '\0';
        for (size_t i = 0; i < MANY; i++)
            message.items[i].column = message.items[i].why = message.items[i].description = lots;
        message.dataset = message.table = message.owner = lots;
        body = kit_render(&receiver, NULL, &message, arena, &request);
        assert_limits(body);
        const char *title = kit_text(body, "blocks/0/text/text");
        assert_string_equal(title + strlen(title) - 3, "\xe2\x80\xa6");
        json_decref(body);
    }
    vg_arena_free(arena);
}

static void test_links_that_are_none(void **state)
{
    static const char *const urls[] = {"javascript:alert(1)", "ftp://x.test/", "wiki page", "",
                                       NULL};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct vg_arena *arena = vg_arena_new();
        struct vg_message_item item;
        struct vg_message message = kit_message(&item);
        struct vg_request request;
        message.runbook = urls[i];
        message.model = NULL;
        json_t *body = kit_render(&receiver, NULL, &message, arena, &request);
        assert_int_equal(json_array_size(kit_at(body, "attachments/0/blocks")), 2);
        json_decref(body);
        vg_arena_free(arena);
    }
    struct vg_arena *arena = vg_arena_new();
    assert_string_equal(vg_receiver_link("https://x.test/a b|c>\"d\xc3\xa9", arena),
                        "https://x.test/a%20b%7Cc%3E%22d%C3%A9");
    vg_arena_free(arena);
}

static void test_answers(void **state)
{
    (void)state;
    const struct vg_sink_ops *slack = vg_sink_of(VG_RECEIVER_SLACK);
    kit_expect_answer(slack, 200, "ok", VG_DELIVERED);
    kit_expect_answer(slack, 200, " ok\n", VG_DELIVERED);
    kit_expect_answer(slack, 200, "", VG_RETRY);
    kit_expect_answer(slack, 200, "okay", VG_PERMANENT);
    kit_expect_answer(slack, 200, "<html>log in</html>", VG_PERMANENT);
    kit_expect_answer(slack, 400, "invalid_payload", VG_PERMANENT);
    kit_expect_answer(slack, 403, "invalid_token", VG_PERMANENT);
    kit_expect_answer(slack, 404, "channel_not_found", VG_PERMANENT);
    kit_expect_answer(slack, 410, "channel_is_archived", VG_PERMANENT);
    kit_expect_answer(slack, 302, "", VG_PERMANENT);
    kit_expect_answer(slack, 500, "rollup_error", VG_RETRY);
    kit_expect_answer(slack, 429, "", VG_RETRY);
    kit_expect_answer(slack, 0, "", VG_RETRY);
    char why[200];
    int64_t retry_after_us = 0;
    struct vg_response *limited =
        kit_response(429, "{\"retry_after\":1.5,\"ok\":false,\"error\":\"rate_limited\"}");
    assert_int_equal(slack->answer(limited, &retry_after_us, why, sizeof why), VG_RETRY);
    assert_int_equal(retry_after_us, 1500000);
    limited->retry_after_us = 30 * VG_US;
    assert_int_equal(slack->answer(limited, &retry_after_us, why, sizeof why), VG_RETRY);
    assert_int_equal(retry_after_us, 30 * VG_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_person_reads),
        cmocka_unit_test(test_colours_and_kinds),
        cmocka_unit_test(test_hostile_names_are_never_markup),
        cmocka_unit_test(test_many_items_and_long_texts),
        cmocka_unit_test(test_links_that_are_none),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests_name("slack", tests, NULL, NULL);
}
