/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of what people mean by a key or a model (vg_retrain_find of
 * agent/loop/retrain_obey.c), as pgvigil retrain resolves it before it asks for anything. */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

#include "agent/loop/retrain_obey.h"

static struct vg_retraining retraining[] = {{.model = "delays"}, {.model = "abcdef"}};
static const struct vg_config config = {.retraining = retraining, .nretraining = 2};

static void put(struct fixture *f, const char *key, const char *model, enum vg_onset_state state)
{
    struct vg_onset onset = {
        .model = model,
        .dataset = "d",
        .rule = "r",
        .due_us = fixture_int(f->store, "SELECT count(*) FROM onset"),
        .state = state,
        .fired_us = VG_NEVER,
        .ended_us = state == VG_ONSET_ENDED ? 5 : VG_NEVER,
        .approval_us = VG_NEVER,
    };
    snprintf(onset.key, sizeof onset.key, "%s", key);
    MUST(f, vg_store_onset_put(f->store, &onset, &f->err));
}

static void put_request(struct fixture *f, const char *key, const char *model)
{
    struct vg_outgoing row = made_outgoing(model, key, 10);
    row.sink_kind = VG_SINK_RETRAIN;
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

/* The key that is meant; "" for none, "?" for several. */
static const char *find(struct fixture *f, const char *what)
{
    struct vg_onset onset;
    bool found;
    f->err = (struct vg_error){0};
    if (vg_retrain_find(f->store, &config, what, f->arena, &onset, &found, &f->err) == 0)
        return found ? vg_arena_strdup(f->arena, onset.key) : "";
    assert_int_equal(f->err.code, VG_E_USAGE);
    assert_non_null(strstr(f->err.msg, "several onsets have keys that begin with"));
    assert_non_null(strstr(f->err.msg, what));
    return "?";
}

static void test_keys(void **state)
{
    static const struct {
        const char *what, *key;
    } cases[] = {
        {"0123456789", "0123456789aaaaaaaaaaaaaaaaaaaaaa"},
        {"0123456789aaaaaaaaaaaaaaaaaaaaaa", "0123456789aaaaaaaaaaaaaaaaaaaaaa"},
        {"0123456789aaaaaaaaaaaaaaaaaaaaaab", ""}, /* longer than any */
        {"012345", "?"},                           /* of two */
        {"01234567", "?"},
        {"012345678", "0123456789aaaaaaaaaaaaaaaaaaaaaa"},
        {"012345670", "012345670bbbbbbbbbbbbbbbbbbbbbbb"},
        {"01234", ""}, /* too short to be meant as a key */
        {"", ""},
        {"ffffff", ""},
        {"0123456789AAAAAAAA", ""},
        {"e2e2e2", "e2e2e2cccccccccccccccccccccccccc"}, /* ended: who acts says so */
        {"other", ""},                                  /* a model that is not configured */
    };
    struct fixture *f = *state;
    put(f, "0123456789aaaaaaaaaaaaaaaaaaaaaa", "delays", VG_ONSET_OPEN);
    put(f, "012345670bbbbbbbbbbbbbbbbbbbbbbb", "other", VG_ONSET_ENDED);
    put(f, "e2e2e2cccccccccccccccccccccccccc", "other", VG_ONSET_ENDED);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(find(f, cases[i].what), cases[i].key) != 0)
            fail_msg("'%s' is '%s'", cases[i].what, find(f, cases[i].what));
    }
}

/* A model is its open onset, or else the one whose request waits; never one of its keys. */
static void test_models(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(find(f, "delays"), "");
    put(f, "11111111111111111111111111111111", "delays", VG_ONSET_ENDED);
    assert_string_equal(find(f, "delays"), "");
    put_request(f, "11111111111111111111111111111111", "delays");
    assert_string_equal(find(f, "delays"), "11111111111111111111111111111111");
    put(f, "22222222222222222222222222222222", "delays", VG_ONSET_OPEN);
    assert_string_equal(find(f, "delays"), "22222222222222222222222222222222");
    put_request(f, "99999999999999999999999999999999", "abcdef"); /* nothing is known of it */
    assert_string_equal(find(f, "abcdef"), "");
    put(f, "abcdef33333333333333333333333333", "delays", VG_ONSET_ENDED);
    assert_string_equal(find(f, "abcdef"), "");
    assert_string_equal(find(f, "abcdef3"), "abcdef33333333333333333333333333");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_keys), TEST(test_models)};
    return cmocka_run_group_tests_name("retrain_find", tests, NULL, NULL);
}
