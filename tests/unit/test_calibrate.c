/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/loop/calibrate.c: days of a reference before and after its rows are no days
 * in which alarms could have been counted. */
#include "tests/unit/rule_kit.h"
#include "tests/unit/store_fixture.h"

#include "agent/clock.h"
#include "agent/loop/calibrate.h"
#include "pgvigil/log.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { DAYS = 20 };

static const char rules[] = "version: 1\n"
                            "dataset: d\n"
                            "source: {connection: warehouse, table: a.b, time_column: at}\n"
                            "schedule: {window: 1h}\n"
                            "reference: {from: 2000-01-01, to: 2002-01-01}\n"
                            "columns: {value: {drift: true}, other: {drift: true}}\n";

static void add_column(struct fixture *f, int64_t version, size_t position, const char *name,
                       int64_t first_us)
{
    struct made_column *made = made_column(name, 400, 1);
    assert_int_equal(vg_column_coarsen(&made->column), 0);
    const struct vg_reference_column column = {.name = made->column.name,
                                               .kind = VG_KIND_NUMBER,
                                               .type = "double precision",
                                               .total = &made->column};
    MUST(f, vg_store_reference_column(f->store, version, position, &column, &f->err));
    for (int hour = 0; hour < 24 * DAYS; hour++) {
        const struct vg_window base = {.start_us = first_us + hour * VG_HOUR_US,
                                       .end_us = first_us + (hour + 1) * VG_HOUR_US};
        MUST(f, vg_store_reference_window(f->store, version, &base, &made->column, &f->err));
    }
    free_column(made);
}

/* The second column begins and ends a day later: rows of either are rows of the table. */
static void calibrate(struct fixture *f, const struct rule_kit *kit, int64_t before, int64_t after,
                      struct vg_budget **out)
{
    const int64_t first_us = 11323 * VG_DAY_US; /* 2001-01-01 */
    const struct vg_reference meta = {.from_us = first_us - before * VG_DAY_US,
                                      .to_us = first_us + (DAYS + 1 + after) * VG_DAY_US,
                                      .base_us = VG_HOUR_US,
                                      .resolution = 4096,
                                      .spec = "spec"};
    const struct vg_dataset *dataset = kit->dataset;
    struct vg_cycle_env env = {.store = f->store, .config = kit->config};
    int64_t version;
    MUST(f, vg_clock_virtual(meta.to_us, &env.clock, &f->err));
    MUST(f, vg_store_reference_begin(f->store, dataset->id, &meta, &version, &f->err));
    add_column(f, version, 0, "value", first_us);
    add_column(f, version, 1, "other", first_us + VG_DAY_US);
    MUST(f, vg_store_reference_done(f->store, version, 8000, NULL, 77, &f->err));
    MUST(f, vg_calibrate_run(&env, dataset, NULL, &f->err));
    MUST(f, vg_calibrate_load(f->store, dataset, out, &f->err));
    vg_clock_free(env.clock);
    assert_non_null(*out);
    assert_int_equal((*out)->from_us, first_us);
}

static void test_only_days_with_rows(void **state)
{
    static const struct {
        int64_t before, after;
    } rows[] = {{0, 0}, {366, 0}, {0, 300}, {380, 20}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fixture *f = *state;
        struct rule_kit kit = rule_kit_fine(rule_kit_config, rules);
        struct vg_budget *model = NULL;
        vg_log_setup(VG_LOG_LEVELS, false);
        calibrate(f, &kit, rows[i].before, rows[i].after, &model);
        assert_int_equal(model->nwindows, (DAYS + 1) * 24);
        assert_true(model->allowed > 2.99 && model->allowed < 3.01);
        assert_int_equal(model->nscales, 4); /* 24 hours are no 28th part of 21 days */
        vg_budget_free(model);
        rule_kit_free(&kit);
    }
}

/* Too many base windows, with rows or not, are refused where the budget would be learnt of them. */
static void test_too_many_windows(void **state)
{
    struct fixture *f = *state;
    const int64_t from_us = 11323 * VG_DAY_US, most = from_us + VG_BUDGET_WINDOWS * VG_HOUR_US;
    static const char plain[] = "version: 1\n"
                                "dataset: d\n"
                                "source: {connection: warehouse, table: a.b, time_column: at}\n"
                                "schedule: {window: 1h}\n"
                                "reference: {from: 2000-01-01, to: 2002-01-01}\n"
                                "columns: {value: {drift: {ks: 0.3}}}\n";
    struct rule_kit kit = rule_kit_fine(rule_kit_config, rules);
    struct rule_kit other = rule_kit_fine(rule_kit_config, plain);
    const struct vg_dataset *dataset = kit.dataset;
    const struct vg_reference meta = {
        .from_us = from_us, .to_us = most + 1, .base_us = VG_HOUR_US, .spec = "spec"};
    const char *why = "none";
    int64_t version;
    MUST(f, vg_calibrate_fits(dataset, from_us, most, VG_HOUR_US, &f->err));
    MUST(f, vg_calibrate_fits(dataset, from_us, most + 1, 2 * VG_HOUR_US, &f->err));
    MUST(f, vg_calibrate_fits(dataset, from_us, most + 1, 0, &f->err)); /* not known yet */
    MUST(f, vg_calibrate_fits(dataset, VG_NEVER, VG_NEVER, VG_HOUR_US, &f->err));
    MUST(f, vg_calibrate_fits(other.dataset, from_us, most + 1, VG_HOUR_US, &f->err));
    REFUSED(f, VG_E_LIMIT, vg_calibrate_fits(dataset, from_us, most + 1, VG_HOUR_US, &f->err));
    assert_string_equal(f->err.hint,
                        "let the reference begin later, or choose a longer drift.base");
    MUST(f, vg_calibrate_hindrance(f->store, dataset, f->arena, &why, &f->err));
    assert_null(why); /* there is no reference */
    MUST(f, vg_store_reference_begin(f->store, dataset->id, &meta, &version, &f->err));
    MUST(f, vg_store_reference_done(f->store, version, 8000, NULL, 77, &f->err));
    MUST(f, vg_calibrate_hindrance(f->store, dataset, f->arena, &why, &f->err));
    assert_non_null(why);
    assert_non_null(strstr(why, "more than 100000 base windows of 1h, those without rows too"));
    rule_kit_free(&kit);
    rule_kit_free(&other);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {OPEN(test_only_days_with_rows), OPEN(test_too_many_windows)};
    return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}
