/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/cycle_remind.c: what alerts rest on that the cycle did not judge. */
#include "tests/unit/store_fixture.h"

#include <math.h>
#include <string.h>

#include "agent/loop/cycle_remind.h"

static const struct vg_dataset dataset = {.id = "d"};

/* Of an alert that fires, of which the cycle says nothing. */
static struct vg_message_item make_item(const char *rule)
{
    return (struct vg_message_item){.rule = rule,
                                    .column = "delay",
                                    .state = VG_ALERT_FIRING,
                                    .verdict = VG_FAIL,
                                    .value = 0.5,
                                    .limit = 0.35,
                                    .p_value = (double)NAN,
                                    .n = (double)NAN,
                                    .n_ref = (double)NAN};
}

static void put_result(struct fixture *f, int hour, enum vg_verdict verdict, double p_value)
{
    struct vg_result result = made_result("drift", verdict);
    bool judged = verdict == VG_FAIL;
    const struct vg_window_row row = {.window = made_hour(hour),
                                      .due_us = made_hour(hour).end_us,
                                      .committed_us = made_hour(hour).end_us,
                                      .status = VG_WINDOW_JUDGED,
                                      .rows = judged ? 3458 : 12,
                                      .probe_rows = -1};
    result.segment = NULL;
    result.value = judged ? 0.61 : (double)NAN;
    result.p_value = p_value;
    result.n = judged ? 3400 : 12;
    result.n_ref = judged ? 2000 : (double)NAN;
    struct vg_cycle cycle = made_cycle(hour, &result, 1);
    MUST(f, vg_store_window_put(f->store, "d", &row, &f->err));
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
}

static void put_window(struct fixture *f, int hour, double p_value)
{
    put_result(f, hour, VG_FAIL, p_value);
}

static void fill(struct fixture *f, const struct vg_dataset *of, struct vg_message *message)
{
    const struct vg_cycle_env env = {.store = f->store};
    MUST(f, vg_cycle_remind(&env, of, message, f->arena, &f->err));
}

static void test_at_a_tick(void **state)
{
    struct fixture *f = *state;
    struct vg_message_item items[] = {make_item("drift"), make_item("never")};
    struct vg_message message = {
        .kind = VG_MSG_REMIND, .dataset = "d", .items = items, .nitems = 2};
    put_window(f, 1, 0.5);
    put_window(f, 2, 0.001);
    fill(f, &dataset, &message);
    assert_true(message.has_window && message.rows == 3458);
    assert_true(message.window.end_us == made_hour(2).end_us);
    assert_true(fabs(items[0].p_value - 0.001) < 1e-9);
    assert_true(fabs(items[0].n - 3400) < 0.5 && fabs(items[0].n_ref - 2000) < 0.5);
    assert_true(items[0].value == 0.5); /* as the alert knows it */
    assert_true(isnan(items[1].p_value) && isnan(items[1].n));
}

/* At night there are too few rows, and the window is another one: what was found last is told. */
static void test_what_could_not_be_judged(void **state)
{
    struct fixture *f = *state;
    for (int ticks = 0; ticks < 2; ticks++) {
        struct vg_message_item item = make_item("drift");
        struct vg_message message = {.kind = VG_MSG_REMIND,
                                     .dataset = "d",
                                     .items = &item,
                                     .nitems = 1,
                                     .has_window = !ticks,
                                     .window = made_hour(3),
                                     .rows = 12};
        item.verdict = VG_NODATA;
        item.value = NAN;
        item.n = ticks ? (double)NAN : 12;
        put_window(f, 2, 0.001);
        put_result(f, 3, VG_NODATA, NAN);
        fill(f, &dataset, &message);
        assert_true(item.verdict == VG_FAIL && item.value == 0.61);
        assert_true(fabs(item.p_value - 0.001) < 1e-9);
        assert_true(fabs(item.n - 3400) < 0.5 && fabs(item.n_ref - 2000) < 0.5);
        assert_true(message.window.end_us == made_hour(2).end_us && message.rows == 3458);
    }
}

/* What cannot be looked at is told so; and of a column that has become private no value. */
static void test_values_that_stay_away(void **state)
{
    struct fixture *f = *state;
    struct vg_column_spec column = {.name = "delay", .is_private = true};
    const struct vg_dataset closed = {.id = "d", .columns = &column, .ncolumns = 1};
    put_window(f, 2, 0.001);
    for (int blind = 0; blind < 2; blind++) {
        struct vg_message_item item = make_item("drift");
        struct vg_message message = {
            .kind = VG_MSG_REMIND, .dataset = "d", .items = &item, .nitems = 1};
        item.verdict = VG_UNKNOWN;
        item.value = NAN;
        item.state = blind ? VG_ALERT_FIRING_BLIND : VG_ALERT_FIRING;
        fill(f, blind ? &dataset : &closed, &message);
        assert_true(item.verdict == VG_UNKNOWN && isnan(item.value));
        assert_true(fabs(item.n - 3400) < 0.5);
    }
}

/* What the cycle knows itself stays; of an update only what merely stands is filled in. */
static void test_what_stays(void **state)
{
    struct fixture *f = *state;
    struct vg_message_item items[] = {make_item("drift"), make_item("drift")};
    struct vg_message message = {
        .kind = VG_MSG_UPDATE, .dataset = "d", .items = items, .nitems = 2};
    items[0].emits = VG_EMIT_FIRE;
    put_window(f, 1, 0.5);
    fill(f, &dataset, &message);
    assert_false(message.has_window);
    assert_true(isnan(items[0].p_value) && items[1].p_value == 0.5);
    message.kind = VG_MSG_OPEN;
    items[1] = make_item("drift");
    fill(f, &dataset, &message);
    assert_true(isnan(items[1].p_value));
    message.kind = VG_MSG_REMIND;
    message.has_window = true;
    message.rows = 7;
    items[0].n = items[1].n = 7;
    fill(f, &dataset, &message);
    assert_true(message.rows == 7 && isnan(items[0].p_value) && isnan(items[1].p_value));
}

/* Where the read failed, the version that the last look was against is found in the store. */
static void test_the_reference_of_then(void **state)
{
    struct fixture *f = *state;
    struct vg_message_item item = make_item("drift");
    struct vg_message message = {
        .kind = VG_MSG_REMIND, .dataset = "d", .items = &item, .nitems = 1};
    const struct vg_reference meta = {.from_us = VG_NEVER,
                                      .to_us = VG_NEVER,
                                      .captured_us = 1,
                                      .resolution = 4096,
                                      .spec = "table ml.train of ml.d; window 1h base auto"};
    int64_t version = 0;
    while (version < 7) /* as made_cycle() says */
        MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, &f->err));
    put_window(f, 1, 0.5);
    fill(f, &dataset, &message);
    assert_non_null(message.reference);
    assert_string_equal(message.reference, "the reference table ml.train (version 7)");
}

/* A reference that follows time is another one at the window at hand: each is told with its rows.
 */
static void test_another_version(void **state)
{
    struct fixture *f = *state;
    const struct vg_reference meta = {.from_us = made_hour(-100).start_us,
                                      .to_us = made_hour(0).end_us,
                                      .captured_us = 1,
                                      .resolution = 4096,
                                      .spec = "rolling of ml.d; window 1h base auto"};
    int64_t version = 0;
    while (version < 7) /* as made_cycle() says */
        MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, &f->err));
    put_window(f, 1, 0.5);
    for (int same = 0; same < 2; same++) {
        struct vg_message_item item = make_item("drift");
        struct vg_message message = {
            .kind = VG_MSG_REMIND,
            .dataset = "d",
            .items = &item,
            .nitems = 1,
            .reference_from_us = made_hour(same ? -100 : 300).start_us,
            .reference_to_us = made_hour(same ? 0 : 399).end_us,
        };
        fill(f, &dataset, &message);
        assert_int_equal(item.reference != NULL, !same);
        if (!same)
            assert_non_null(strstr(item.reference, "the reference from 2001-05-"));
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_at_a_tick),
        WITH(test_what_could_not_be_judged),
        WITH(test_values_that_stay_away),
        WITH(test_what_stays),
        WITH(test_the_reference_of_then),
        WITH(test_another_version),
    };
    return cmocka_run_group_tests_name("cycle_remind", tests, NULL, NULL);
}
