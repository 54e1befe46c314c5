/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When drift that lasts puts the reference in question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/settle_proposal.h"

static void test_due(void **state)
{
    static const struct {
        enum vg_class class;
        enum vg_alert_state state;
        enum vg_reference_kind kind;
        int64_t age_us;
        bool due;
    } cases[] = {
        {VG_CLASS_DRIFT, VG_ALERT_FIRING, VG_REF_WINDOW, 14 * VG_DAY_US, true},
        {VG_CLASS_DRIFT, VG_ALERT_CLEARING, VG_REF_WINDOW, 20 * VG_DAY_US, true},
        {VG_CLASS_DRIFT, VG_ALERT_FIRING, VG_REF_WINDOW, 14 * VG_DAY_US - 1, false},
        {VG_CLASS_QUALITY, VG_ALERT_FIRING, VG_REF_WINDOW, 20 * VG_DAY_US, false},
        {VG_CLASS_DRIFT, VG_ALERT_BLIND, VG_REF_WINDOW, 20 * VG_DAY_US, false},
        {VG_CLASS_DRIFT, VG_ALERT_OK, VG_REF_WINDOW, 20 * VG_DAY_US, false},
        {VG_CLASS_DRIFT, VG_ALERT_FIRING, VG_REF_ROLLING, 20 * VG_DAY_US, false},
        {VG_CLASS_DRIFT, VG_ALERT_FIRING, VG_REF_TABLE, 20 * VG_DAY_US, false},
    };
    const int64_t now_us = 1000 * VG_DAY_US;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_dataset dataset = {.reference = {.kind = cases[i].kind}};
        struct vg_alert alert = {
            .class = cases[i].class, .state = cases[i].state, .onset_us = now_us - cases[i].age_us};
        assert_int_equal(vg_proposal_due(&alert, &dataset, now_us), cases[i].due);
        assert_false(vg_proposal_due(&alert, NULL, now_us));
        alert.onset_us = VG_NEVER;
        assert_false(vg_proposal_due(&alert, &dataset, now_us));
    }
    struct vg_reference_spec pinned = {.kind = VG_REF_WINDOW};
    struct vg_dataset two = {
        .reference = {.kind = VG_REF_ROLLING}, .others = &pinned, .nothers = 1};
    struct vg_alert alert = {.class = VG_CLASS_DRIFT, .state = VG_ALERT_FIRING};
    assert_true(vg_proposal_due(&alert, &two, now_us));
}

static void test_text(void **state)
{
    struct vg_arena *arena = vg_arena_new();
    struct vg_alert alert = {.dataset = "flights", .onset_us = 0};
    (void)state;
    assert_string_equal(vg_proposal_text(&alert, 15 * VG_DAY_US + 1, arena),
                        "drifting for 15 days: has the change become normal? Then: pgvigil"
                        " reference promote flights --window 14d");
    vg_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_due), cmocka_unit_test(test_text)};
    return cmocka_run_group_tests_name("settle_proposal", tests, NULL, NULL);
}
