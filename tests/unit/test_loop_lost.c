/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection that is lost, seen through the loop: one dataset speaks for all that are read over
 * it, and nobody is reminded of columns that cannot be looked at. */
#include "tests/unit/loop_kit.h"

#include <stdio.h>
#include <string.h>

#include "agent/message.h"

/* What has been put into the outbox since the last time, delivered: "open x reach; ...". */
static const char *said(struct loop_kit *kit)
{
    struct vg_outgoing *rows;
    size_t n;
    struct vg_buf text;
    vg_buf_init(&text, 10000);
    do {
        MUST(kit, vg_store_outbox_due(kit->env.store, VG_NEVER - 1, 100, kit->store->arena, &rows,
                                      &n, &kit->err));
        for (size_t i = 0; i < n; i++) {
            struct vg_message message;
            MUST(kit, vg_message_read(rows[i].body, kit->store->arena, &message, &kit->err));
            vg_buf_printf(&text, "%s%s %s", text.len ? "; " : "",
                          vg_message_kind_name(message.kind), message.dataset);
            for (size_t k = 0; k < message.nitems; k++)
                vg_buf_printf(&text, " %s", message.items[k].rule);
            MUST(kit, vg_store_outbox_sent(kit->env.store, rows[i].id, 1, &kit->err));
        }
    } while (n);
    const char *out = vg_arena_strdup(kit->store->arena, text.data);
    vg_buf_free(&text);
    return out;
}

/* Five minutes apart, from hour 4 on, in which the columns of both begin to fail. */
static void test_columns_are_silent(void **state)
{
    static const struct {
        int until_minute;
        bool lost;
        const char *said;
    } steps[] = {
        {0, false, "open x value.nulls; open y value.nulls"},
        {65, false, "remind x value.nulls; remind y value.nulls"},
        /* x speaks for the connection, and y says nothing at all */
        {100, true, "update x reach value.nulls"},
        {300, true, "remind x reach value.nulls"},
        {380, false, "update x reach value.nulls; update y reach value.nulls"},
        {445, false, "remind x value.nulls; remind y value.nulls"},
    };
    struct loop_kit kit;
    int64_t start_us = made_hour(4).end_us + 10 * VG_MINUTE_US;
    int minute = 0;
    loop_kit_start(&kit, state, "xy", start_us);
    source_kit_spoil(&kit.source, 20 * 6);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        kit.source.open =
            (struct source_trouble){steps[i].lost ? 1000 : 0, VG_E_CONNECT, NULL, "refused"};
        for (; minute <= steps[i].until_minute; minute += 5) {
            kit.env.clock->ops->sleep_until(kit.env.clock, start_us + minute * VG_MINUTE_US);
            MUST(&kit, vg_loop_once(&kit.loop, &kit.err));
        }
        const char *now = said(&kit);
        if (strcmp(now, steps[i].said) != 0)
            fail_msg("minute %d: %s", steps[i].until_minute, now);
    }
    loop_kit_stop(&kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_columns_are_silent)};
    return cmocka_run_group_tests_name("loop_lost", tests, NULL, NULL);
}
