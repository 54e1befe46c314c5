/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/cycle_remind.c: what a reminder rests on that is due at a tick. */
#include "tests/unit/store_fixture.h"

#include <math.h>
#include <string.h>

#include "agent/loop/cycle_remind.h"

static struct vg_message_item make_item(const char *rule)
{
    return (struct vg_message_item){
        .rule = rule, .p_value = (double)NAN, .n = (double)NAN, .n_ref = (double)NAN};
}

static void put_window(struct fixture *f, int hour, double p_value)
{
    struct vg_result result = made_result("drift", VG_FAIL);
    const struct vg_window_row row = {.window = made_hour(hour),
                                      .due_us = made_hour(hour).end_us,
                                      .committed_us = made_hour(hour).end_us,
                                      .status = VG_WINDOW_JUDGED,
                                      .rows = 3458,
                                      .probe_rows = -1};
    result.segment = NULL;
    result.p_value = p_value;
    result.n = 3400;
    result.n_ref = 2000;
    struct vg_cycle cycle = made_cycle(hour, &result, 1);
    MUST(f, vg_store_window_put(f->store, "d", &row, &f->err));
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
}

static void test_at_a_tick(void **state)
{
    struct fixture *f = *state;
    const struct vg_cycle_env env = {.store = f->store};
    struct vg_message_item items[] = {make_item("drift"), make_item("never")};
    struct vg_message message = {
        .kind = VG_MSG_REMIND, .dataset = "d", .items = items, .nitems = 2};
    put_window(f, 1, 0.5);
    put_window(f, 2, 0.001);
    MUST(f, vg_cycle_remind(&env, &message, &f->err));
    assert_true(message.has_window && message.rows == 3458);
    assert_true(message.window.end_us == made_hour(2).end_us);
    assert_true(fabs(items[0].p_value - 0.001) < 1e-9);
    assert_true(fabs(items[0].n - 3400) < 0.5 && fabs(items[0].n_ref - 2000) < 0.5);
    assert_true(isnan(items[1].p_value) && isnan(items[1].n));
}

/* What the cycle knows itself stays, and only reminders are filled in. */
static void test_what_stays(void **state)
{
    struct fixture *f = *state;
    const struct vg_cycle_env env = {.store = f->store};
    struct vg_message_item item = make_item("drift");
    struct vg_message message = {
        .kind = VG_MSG_UPDATE, .dataset = "d", .items = &item, .nitems = 1};
    put_window(f, 1, 0.5);
    MUST(f, vg_cycle_remind(&env, &message, &f->err));
    assert_false(message.has_window);
    assert_true(isnan(item.p_value));
    message.kind = VG_MSG_REMIND;
    message.has_window = true;
    message.rows = 7;
    MUST(f, vg_cycle_remind(&env, &message, &f->err));
    assert_true(message.rows == 7 && isnan(item.p_value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_at_a_tick, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_stays, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("cycle_remind", tests, NULL, NULL);
}
