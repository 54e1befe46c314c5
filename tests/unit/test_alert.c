/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The alert table against the literals of the design, and the rules of the streaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "agent/alert.h"

static const char *const design[VG_ALERT_STATES][VG_INPUTS + 1] = {
    {"new", "ok", "ok", "pending", "firing FIRE", "new", "blind BLIND", "new"},
    {"ok", "ok", "ok", "pending", "firing FIRE", "ok", "blind BLIND", "ok"},
    {"pending", "ok", "ok", "pending", "firing FIRE", "pending", "blind BLIND", "pending"},
    {"firing", "clearing", "ok CLEAR", "firing", "firing", "firing", "firing_blind BLIND",
     "firing"},
    {"clearing", "clearing", "ok CLEAR", "firing", "firing", "clearing", "firing_blind BLIND",
     "clearing"},
    {"blind", "ok SIGHTED", "ok SIGHTED", "pending SIGHTED", "firing SIGHTED FIRE", "blind",
     "blind", "new SIGHTED"},
    {"firing_blind", "clearing SIGHTED", "ok SIGHTED CLEAR", "firing SIGHTED", "firing SIGHTED",
     "firing_blind", "firing_blind", "firing SIGHTED"},
};

static enum vg_alert_state find_state(const char *name)
{
    for (int s = 0; s < VG_ALERT_STATES; s++) {
        if (!strcmp(vg_alert_state_name((enum vg_alert_state)s), name))
            return (enum vg_alert_state)s;
    }
    fail_msg("no state %s", name);
    return VG_ALERT_OK;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t r = 0; r < VG_ALERT_STATES; r++) {
        enum vg_alert_state from = find_state(design[r][0]);
        for (int i = 0; i < VG_INPUTS; i++) {
            struct vg_transition step = vg_alert_transition(from, (enum vg_alert_input)i);
            char text[80];
            snprintf(text, sizeof text, "%s%s%s%s%s", vg_alert_state_name(step.to),
                     step.emits & VG_EMIT_SIGHTED ? " SIGHTED" : "",
                     step.emits & VG_EMIT_FIRE ? " FIRE" : "",
                     step.emits & VG_EMIT_CLEAR ? " CLEAR" : "",
                     step.emits & VG_EMIT_BLIND ? " BLIND" : "");
            assert_string_equal(text, design[r][i + 1]);
        }
    }
}

static struct vg_result make_result(enum vg_verdict verdict)
{
    return (struct vg_result){
        .rule = "r",
        .check = "ks",
        .class = VG_CLASS_DRIFT,
        .cadence = VG_ON_WINDOW,
        .severity = VG_SEVERITY_CRITICAL,
        .verdict = verdict,
        .why = "why",
        .after = 2,
        .resolve_after = 3,
        .blind_after_us = 15 * VG_MINUTE_US,
    };
}

static unsigned feed(struct vg_alert *alert, const char *inputs, int64_t *clock_us)
{
    unsigned emits = 0;
    for (const char *p = inputs; *p; p++, *clock_us += 10 * VG_MINUTE_US) {
        enum vg_verdict verdict = *p == 'g'                ? VG_PASS
                                  : *p == 'b'              ? VG_FAIL
                                  : *p == 'w'              ? VG_WARN
                                  : *p == 's' || *p == 'n' ? VG_NODATA
                                                           : VG_UNKNOWN;
        static const char *const receivers[] = {"ops"};
        struct vg_result result = make_result(verdict);
        result.standing = *p == 'n';
        if (*p == 'w')
            result.warn_to = (struct vg_strings){receivers, 1};
        struct vg_cycle cycle = {.dataset = "d",
                                 .due_us = *clock_us,
                                 .now_us = *clock_us,
                                 .has_window = true,
                                 .window = {*clock_us - VG_HOUR_US, *clock_us, false}};
        emits = vg_alert_step(alert, &result, &cycle);
    }
    return emits;
}

static void test_streaks(void **state)
{
    (void)state;
    static const struct {
        const char *inputs;
        enum vg_alert_state expect;
        unsigned emits; /* of the last input */
    } cases[] = {
        {"b", VG_ALERT_PENDING, 0},
        {"bb", VG_ALERT_FIRING, VG_EMIT_FIRE},
        {"bsb", VG_ALERT_FIRING, VG_EMIT_FIRE}, /* a skip keeps the bad streak */
        {"bub", VG_ALERT_FIRING, VG_EMIT_FIRE}, /* so does a short blindness */
        {"bgb", VG_ALERT_PENDING, 0},           /* a good one ends it */
        {"bnb", VG_ALERT_PENDING, 0},           /* and one that no data will change */
        {"n", VG_ALERT_NEW, 0},
        {"bbgg", VG_ALERT_CLEARING, 0},
        {"bbggg", VG_ALERT_OK, VG_EMIT_CLEAR},
        {"bbggbgg", VG_ALERT_CLEARING, 0}, /* a bad one starts the count anew */
        {"bbgggb", VG_ALERT_PENDING, 0},   /* and no fire follows a single bad one */
        {"uu", VG_ALERT_NEW, 0},           /* two attempts, but only 10 minutes */
        {"uuu", VG_ALERT_BLIND, VG_EMIT_BLIND},
        {"uusuu", VG_ALERT_NEW, 0}, /* a skip zeroes the blind streak */
        {"uuug", VG_ALERT_OK, VG_EMIT_SIGHTED},
        {"uuubb", VG_ALERT_FIRING, VG_EMIT_FIRE},
        {"bbuuu", VG_ALERT_FIRING_BLIND, VG_EMIT_BLIND},
        {"bbuuub", VG_ALERT_FIRING, VG_EMIT_SIGHTED},
        {"bbuuug", VG_ALERT_CLEARING, VG_EMIT_SIGHTED},
        {"bbuuuggg", VG_ALERT_OK, VG_EMIT_CLEAR},
        {"bbuuus", VG_ALERT_FIRING, VG_EMIT_SIGHTED},
        {"ww", VG_ALERT_FIRING, VG_EMIT_FIRE},
        {"wwb", VG_ALERT_FIRING, VG_EMIT_ESCALATE},
        {"wwbb", VG_ALERT_FIRING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_alert alert;
        struct vg_result first = make_result(VG_PASS);
        int64_t clock_us = VG_DAY_US;
        vg_alert_init(&alert, &first, "d", clock_us);
        unsigned emits = feed(&alert, cases[i].inputs, &clock_us);
        if (alert.state != cases[i].expect || emits != cases[i].emits)
            fail_msg("%s: %s, emits %x", cases[i].inputs, vg_alert_state_name(alert.state), emits);
    }
}

static void test_onset_and_severity(void **state)
{
    (void)state;
    struct vg_alert alert;
    struct vg_result first = make_result(VG_PASS);
    int64_t clock_us = VG_DAY_US;
    vg_alert_init(&alert, &first, "d", clock_us);
    feed(&alert, "wb", &clock_us);
    assert_int_equal(alert.onset_us, VG_DAY_US - VG_HOUR_US); /* start of the first bad window */
    assert_int_equal(alert.due_us, VG_DAY_US + 10 * VG_MINUTE_US);
    assert_int_equal(alert.severity, VG_SEVERITY_CRITICAL);
    feed(&alert, "ggg", &clock_us);
    feed(&alert, "ww", &clock_us);
    assert_int_equal(alert.severity, VG_SEVERITY_WARNING);
}

/* The gravest since the onset: a fail before a warning, then what is farther beyond its limit, on
 * the side on which it is. */
static void test_the_worst(void **state)
{
    static const struct {
        enum vg_verdict verdict;
        double value, limit, worst; /* the worst known after it; NAN: none */
    } steps[] = {
        {VG_PASS, 0.1, 0.35, NAN},   {VG_WARN, 0.3, 0.35, 0.3},    {VG_WARN, 0.28, 0.35, 0.3},
        {VG_FAIL, 0.36, 0.35, 0.36}, {VG_WARN, 0.9, 0.35, 0.36},   {VG_FAIL, 0.61, 0.35, 0.61},
        {VG_FAIL, 0.4, 0.35, 0.61},  {VG_UNKNOWN, NAN, NAN, 0.61}, {VG_FAIL, NAN, 0.35, 0.61},
        {VG_PASS, 0.1, 0.35, 0.61},  {VG_PASS, 0.1, 0.35, 0.61},   {VG_PASS, 0.1, 0.35, 0.61},
        {VG_FAIL, 90, 100, 90},      {VG_FAIL, 40, 100, 40},       {VG_FAIL, 99, 100, 40},
        {VG_FAIL, 5, NAN, 40},       {VG_PASS, 200, 100, 40},
    };
    static const char *const ops[] = {"ops"};
    struct vg_alert alert;
    struct vg_result first = make_result(VG_PASS);
    (void)state;
    vg_alert_init(&alert, &first, "d", 0);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t end_us = VG_DAY_US + (int64_t)i * VG_HOUR_US;
        struct vg_result result = make_result(steps[i].verdict);
        struct vg_cycle cycle = {.dataset = "d",
                                 .due_us = end_us,
                                 .now_us = end_us,
                                 .has_window = true,
                                 .window = {end_us - VG_HOUR_US, end_us, false}};
        result.value = steps[i].value;
        result.limit = steps[i].limit;
        result.warn_limit = 0.25;
        result.warn_to = (struct vg_strings){ops, 1};
        vg_alert_step(&alert, &result, &cycle);
        bool known = alert.worst.at_us != 0;
        if (known != !isnan(steps[i].worst) || (known && alert.worst.value != steps[i].worst))
            fail_msg("step %zu: %d %f", i, known, alert.worst.value);
        if (steps[i].worst == steps[i].value)
            assert_int_equal(alert.worst.at_us, cycle.window.start_us);
        if (steps[i].verdict == VG_WARN && alert.worst.verdict == VG_WARN)
            assert_true(alert.worst.limit == 0.25);
    }
}

/* Numbers of several statistics, or without a limit, are not compared; nor do those of before a
 * reload stay, which were. */
static void test_no_worst_by_p(void **state)
{
    (void)state;
    struct vg_alert alert;
    struct vg_result result = make_result(VG_PASS);
    struct vg_cycle cycle = {
        .dataset = "d", .has_window = true, .window = {VG_DAY_US, VG_DAY_US + VG_HOUR_US, false}};
    vg_alert_init(&alert, &result, "d", 0);
    for (int by_p = 0; by_p < 2; by_p++) {
        result = make_result(VG_FAIL);
        result.by_p = by_p;
        result.value = 0.5;
        result.limit = by_p ? (double)NAN : 0.35;
        vg_alert_step(&alert, &result, &cycle);
        assert_int_equal(alert.worst.at_us != 0, !by_p);
    }
}

/* What cannot be looked at after all was well has no worst of before; what fires keeps its own. */
static void test_the_worst_of_the_blind(void **state)
{
    (void)state;
    static const struct {
        const char *looks;
        enum vg_alert_state to;
    } cases[] = {{"bbgggu", VG_ALERT_BLIND}, {"bbu", VG_ALERT_FIRING_BLIND}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_alert alert;
        struct vg_result result = make_result(VG_PASS);
        int64_t clock_us = VG_DAY_US;
        vg_alert_init(&alert, &result, "d", clock_us);
        feed(&alert, cases[i].looks, &clock_us);
        assert_true(alert.worst.at_us != 0);
        clock_us += VG_DAY_US;
        feed(&alert, "u", &clock_us);
        assert_int_equal(alert.state, cases[i].to);
        assert_int_equal(alert.worst.at_us != 0, cases[i].to == VG_ALERT_FIRING_BLIND);
    }
}

/* A window filled late neither clears nor calms what fires since a later one; it may fire itself.
 */
static void test_late_window(void **state)
{
    (void)state;
    struct vg_alert alert;
    struct vg_result result = make_result(VG_PASS);
    int64_t clock_us = VG_DAY_US;
    vg_alert_init(&alert, &result, "d", clock_us);
    feed(&alert, "bb", &clock_us);
    result.resolve_after = 1;
    struct vg_cycle cycle = {.dataset = "d",
                             .late = true,
                             .has_window = true,
                             .now_us = clock_us,
                             .window = {0, VG_HOUR_US, false}};
    assert_int_equal(vg_alert_step(&alert, &result, &cycle), 0);
    assert_int_equal(alert.state, VG_ALERT_FIRING);
    cycle.window.start_us = VG_DAY_US; /* not before the onset */
    assert_int_equal(vg_alert_step(&alert, &result, &cycle), VG_EMIT_CLEAR);
}

static void test_retire(void **state)
{
    (void)state;
    static const struct {
        enum vg_alert_state from;
        unsigned emits;
    } cases[] = {
        {VG_ALERT_OK, 0},
        {VG_ALERT_NEW, 0},
        {VG_ALERT_PENDING, 0},
        {VG_ALERT_FIRING, VG_EMIT_CLEAR},
        {VG_ALERT_CLEARING, VG_EMIT_CLEAR},
        {VG_ALERT_FIRING_BLIND, VG_EMIT_CLEAR},
        {VG_ALERT_BLIND, VG_EMIT_SIGHTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_alert alert = {.state = cases[i].from};
        assert_int_equal(vg_alert_retire(&alert, 5), cases[i].emits);
        assert_int_equal(alert.state, VG_ALERT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_streaks),
        cmocka_unit_test(test_onset_and_severity),
        cmocka_unit_test(test_the_worst),
        cmocka_unit_test(test_no_worst_by_p),
        cmocka_unit_test(test_the_worst_of_the_blind),
        cmocka_unit_test(test_late_window),
        cmocka_unit_test(test_retire),
    };
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
