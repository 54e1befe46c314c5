/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/results.c and summaries.c: the latest result of a rule and its history,
 * and the summaries of base windows. */
#include "tests/unit/store_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/store/sqlite.h"
#include "tests/unit/made_batch.h"

/* --- Latest and history ---------------------------------------------------------------- */

static struct vg_latest latest_of(struct fixture *f)
{
    struct vg_latest *latest;
    size_t n;
    MUST(f, vg_store_latest(f->store, "d", f->arena, &latest, &n, &f->err));
    assert_int_equal(n, 1);
    return latest[0];
}

static int64_t history(struct fixture *f)
{
    return fixture_int(f->store, "SELECT count(*) FROM result");
}

static void put(struct fixture *f, int hour, enum vg_verdict verdict)
{
    struct vg_result result = made_result("r", verdict);
    struct vg_cycle cycle = made_cycle(hour, &result, 1);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
}

static void test_fields(void **state)
{
    struct fixture *f = *state;
    struct vg_result results[2] = {made_result("r", VG_WARN), made_result("a", VG_PASS)};
    struct vg_latest *latest;
    size_t n;
    results[1].segment = "carrier=AA";
    results[1].column = NULL;
    results[1].value = INFINITY;
    results[1].p_value = NAN;
    struct vg_cycle cycle = made_cycle(1, results, 2);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    cycle.dataset = "c";
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    MUST(f, vg_store_latest(f->store, NULL, f->arena, &latest, &n, &f->err));
    assert_int_equal(n, 4);
    assert_string_equal(latest[0].dataset, "c");
    MUST(f, vg_store_latest(f->store, "d", f->arena, &latest, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(latest[0].rule, "a");
    assert_string_equal(latest[0].segment, "carrier=AA");
    assert_null(latest[0].column);
    assert_true(isnan(latest[0].value) && isnan(latest[0].p_value));
    const struct vg_latest *r = &latest[1];
    assert_string_equal(r->dataset, "d");
    assert_string_equal(r->rule, "r");
    assert_string_equal(r->segment, "");
    assert_string_equal(r->check, "ks");
    assert_string_equal(r->column, "delay");
    assert_string_equal(r->why, "D 0.384 is above 0.35");
    assert_int_equal(r->class, VG_CLASS_DRIFT);
    assert_int_equal(r->cadence, VG_ON_WINDOW);
    assert_int_equal(r->severity, VG_SEVERITY_CRITICAL);
    assert_int_equal(r->unit, VG_UNIT_RATIO);
    assert_int_equal(r->verdict, VG_WARN);
    assert_int_equal(r->at_us, cycle.now_us);
    assert_int_equal(r->window_end_us, cycle.window.end_us);
    assert_int_equal(r->decided, VG_WARN);
    assert_int_equal(r->decided_us, cycle.now_us);
    assert_int_equal(r->decided_window_end_us, cycle.window.end_us);
    assert_true(r->value == 0.384 && r->limit == 0.35 && r->p_value == 0.001);
}

/* Windows in the order in which they are judged, and what is then the latest. `decided` -1: none.
 */
static void test_latest(void **state)
{
    static const struct {
        const char *what;
        struct {
            int hour, verdict;
        } put[3];
        int n, verdict, hour, decided, decided_hour;
    } cases[] = {
        {"one", {{1, VG_PASS}}, 1, VG_PASS, 1, VG_PASS, 1},
        {"none yet", {{1, VG_NODATA}}, 1, VG_NODATA, 1, -1, 0},
        {"newer", {{1, VG_PASS}, {2, VG_FAIL}}, 2, VG_FAIL, 2, VG_FAIL, 2},
        {"nodata keeps what was decided",
         {{1, VG_FAIL}, {2, VG_NODATA}},
         2,
         VG_NODATA,
         2,
         VG_FAIL,
         1},
        {"unknown decides", {{1, VG_PASS}, {2, VG_UNKNOWN}}, 2, VG_UNKNOWN, 2, VG_UNKNOWN, 2},
        {"the same again", {{1, VG_NODATA}, {1, VG_FAIL}}, 2, VG_FAIL, 1, VG_FAIL, 1},
        {"older is not the latest", {{2, VG_PASS}, {1, VG_FAIL}}, 2, VG_PASS, 2, VG_PASS, 2},
        {"older decides behind nodata",
         {{2, VG_NODATA}, {1, VG_FAIL}},
         2,
         VG_NODATA,
         2,
         VG_FAIL,
         1},
        {"filled late, in order",
         {{3, VG_NODATA}, {1, VG_FAIL}, {2, VG_PASS}},
         3,
         VG_NODATA,
         3,
         VG_PASS,
         2},
        {"older does not take back",
         {{3, VG_NODATA}, {2, VG_PASS}, {1, VG_FAIL}},
         3,
         VG_NODATA,
         3,
         VG_PASS,
         2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture *f = *state;
        print_message("%s\n", cases[i].what);
        MUST(f, vg_store_retire(f->store, "d", &f->err));
        for (int j = 0; j < cases[i].n; j++)
            put(f, cases[i].put[j].hour, (enum vg_verdict)cases[i].put[j].verdict);
        struct vg_latest got = latest_of(f);
        assert_int_equal(got.verdict, cases[i].verdict);
        assert_int_equal(got.window_end_us, made_hour(cases[i].hour).end_us);
        if (cases[i].decided < 0) {
            assert_int_equal(got.decided, VG_NODATA);
            assert_int_equal(got.decided_us, VG_NEVER);
            continue;
        }
        assert_int_equal(got.decided, cases[i].decided);
        assert_int_equal(got.decided_window_end_us, made_hour(cases[i].decided_hour).end_us);
    }
}

/* A rule whose cadence changes is not held back by times of the other kind. */
static void test_cadence_changes(void **state)
{
    struct fixture *f = *state;
    struct vg_result result = made_result("r", VG_FAIL);
    struct vg_cycle cycle = made_cycle(5, &result, 1);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    result = made_result("r", VG_PASS);
    result.cadence = VG_ON_TICK;
    cycle = made_cycle(6, &result, 1);
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
    assert_int_equal(latest_of(f).verdict, VG_PASS);
    assert_int_equal(latest_of(f).window_end_us, VG_NEVER);
    put(f, 7, VG_WARN);
    assert_int_equal(latest_of(f).verdict, VG_WARN);
    assert_int_equal(latest_of(f).decided_window_end_us, made_hour(7).end_us);
}

/* A window counts once in the history, however often it is judged. */
static void test_history_of_windows(void **state)
{
    struct fixture *f = *state;
    put(f, 1, VG_NODATA);
    put(f, 2, VG_NODATA);
    put(f, 1, VG_FAIL);
    put(f, 1, VG_FAIL);
    assert_int_equal(history(f), 2);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM result WHERE verdict = 4"), 1);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM result WHERE n_ref = 105943"
                                           " AND lo = 0.38 AND hi = 0.39 AND warn_limit IS NULL"
                                           " AND reference_version = 7 AND level IS NULL"),
                     2);
}

static void tick(struct fixture *f, int minute, enum vg_verdict verdict)
{
    struct vg_result result = made_result("r", verdict);
    struct vg_cycle cycle = made_cycle(1, &result, 1);
    result.cadence = VG_ON_TICK;
    cycle.has_window = false;
    cycle.now_us += minute * VG_MINUTE_US;
    MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
}

static void test_history_of_ticks(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int minute;
        enum vg_verdict verdict;
        int64_t kept;
    } ticks[] = {
        {0, VG_PASS, 1},   {1, VG_PASS, 1},   {59, VG_PASS, 1}, {60, VG_PASS, 2},
        {61, VG_PASS, 2},  {62, VG_FAIL, 3},  {63, VG_FAIL, 3}, {64, VG_PASS, 4},
        {123, VG_PASS, 4}, {124, VG_PASS, 5}, {30, VG_PASS, 6}, {40, VG_PASS, 6},
    };
    for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++) {
        tick(f, ticks[i].minute, ticks[i].verdict);
        assert_int_equal(history(f), ticks[i].kept);
        assert_int_equal(latest_of(f).verdict, ticks[i].verdict);
    }
}

/* --- Summaries ------------------------------------------------------------------------- */

static void add(struct fixture *f, int hour, struct made_column *made)
{
    struct vg_window base = made_hour(hour);
    const struct vg_summary summary = {
        .rows = made->column.rows, .columns = &made->column, .ncolumns = 1};
    MUST(f, vg_store_summary_add(f->store, "d", &base, &summary, &f->err));
}

static void read_body(struct vg_sql_row *row, void *item)
{
    size_t size;
    const void *body = vg_row_blob(row, &size);
    row->failed = vg_column_read(body, size, item, row->err) < 0;
}

static struct vg_column_summary *stored(struct fixture *f)
{
    const struct vg_sql_shape shape = {sizeof(void *), read_body, NULL};
    struct vg_column_summary *out;
    bool found;
    MUST(f, vg_sql_one(f->store, &VG_SQL_PLAIN("SELECT body FROM summary ORDER BY start_us"),
                       &shape, &out, &found, &f->err));
    assert_true(found);
    return out;
}

static void test_summaries_add_up(void **state)
{
    struct fixture *f = *state;
    struct made_column *parts[3] = {made_column("delay", 50, 10), made_column("delay", 80, 10),
                                    made_column("delay", 20, 10)};
    struct made_column *sum = made_column("delay", 0, 10);
    for (int i = 0; i < 3; i++) {
        add(f, 1, parts[i]);
        MUST(f, vg_column_merge(&sum->column, &parts[i]->column, &f->err));
    }
    add(f, 2, parts[0]);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM summary"), 2);
    assert_int_equal(vg_column_coarsen(&sum->column), 0);
    struct vg_column_summary *got = stored(f);
    assert_int_equal(got->rows, 150);
    assert_int_equal(got->grid_id, sum->grid->id);
    assert_int_equal(got->coarse_cells, sum->column.coarse_cells);
    assert_memory_equal(got->coarse, sum->column.coarse, got->coarse_cells * sizeof *got->coarse);
    assert_memory_equal(got->hll, sum->column.hll, VG_HLL_SIZE);
    assert_close(vg_column_mean(got), vg_column_mean(&sum->column), 1e-12);
    assert_close(vg_column_stddev(got), vg_column_stddev(&sum->column), 1e-12);
    vg_column_free(got);
    for (int i = 0; i < 3; i++)
        free_column(parts[i]);
    free_column(sum);
}

/* Cells of another grid are never added: the new ones replace. So does a column of another kind. */
static void test_other_grid_replaces(void **state)
{
    struct fixture *f = *state;
    struct made_column *old = made_column("delay", 50, 10), *new = made_column("delay", 30, 7);
    add(f, 1, old);
    add(f, 1, new);
    struct vg_column_summary *got = stored(f);
    assert_int_equal(got->rows, 30);
    assert_int_equal(got->grid_id, new->grid->id);
    vg_column_free(got);
    new->column.kind = VG_KIND_TIME;
    add(f, 1, new);
    got = stored(f);
    assert_int_equal(got->rows, 30);
    assert_int_equal(got->kind, VG_KIND_TIME);
    vg_column_free(got);
    free_column(old);
    free_column(new);
}

static void test_unreadable_summary(void **state)
{
    struct fixture *f = *state;
    struct made_column *made = made_column("delay", 50, 10);
    add(f, 1, made);
    fixture_exec(f->store, "UPDATE summary SET body = x'0102030405060708090a'");
    add(f, 1, made);
    struct vg_column_summary *got = stored(f);
    assert_int_equal(got->rows, 50);
    vg_column_free(got);
    free_column(made);
}

/* The plan of a statement that the store ran, found by its words: "SEARCH ...\nUSE ...\n". */
static void explain(struct fixture *f, const char *words, char *out, size_t size)
{
    sqlite3 *handle = self_of(f->store->db)->handle;
    sqlite3_stmt *ran = sqlite3_next_stmt(handle, NULL), *plan;
    char text[2000];
    while (ran && !strstr(sqlite3_sql(ran), words))
        ran = sqlite3_next_stmt(handle, ran);
    assert_non_null(ran);
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sqlite3_sql(ran));
    assert_int_equal(sqlite3_prepare_v2(handle, text, -1, &plan, NULL), SQLITE_OK);
    out[0] = '\0';
    for (size_t n = 0; sqlite3_step(plan) == SQLITE_ROW; n = strlen(out))
        snprintf(out + n, size - n, "%s\n", (const char *)sqlite3_column_text(plan, 3));
    sqlite3_finalize(plan);
}

/* Asked for every item of a message, within the transaction of a cycle: a month of results is
 * neither read nor sorted for it. */
static void test_last_look(void **state)
{
    struct fixture *f = *state;
    struct vg_result_basis basis;
    bool found;
    char plan[1000];
    put(f, 1, VG_FAIL);
    put(f, 2, VG_WARN);
    put(f, 3, VG_NODATA);
    put(f, 4, VG_UNKNOWN);
    MUST(f, vg_store_result_basis(f->store, "d", "r", "", &basis, &found, &f->err));
    assert_true(found);
    assert_int_equal(basis.verdict, VG_WARN);
    assert_int_equal(basis.start_us, made_hour(2).start_us);
    explain(f, "FROM result WHERE dataset", plan, sizeof plan);
    assert_string_equal(plan, "SEARCH result USING INDEX result_rule"
                              " (dataset=? AND rule=? AND segment=?)\n");
    MUST(f, vg_store_result_basis(f->store, "d", "s", "", &basis, &found, &f->err));
    assert_false(found);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_fields),
        OPEN(test_latest),
        OPEN(test_cadence_changes),
        OPEN(test_history_of_windows),
        OPEN(test_history_of_ticks),
        OPEN(test_summaries_add_up),
        OPEN(test_other_grid_replaces),
        OPEN(test_unreadable_summary),
        OPEN(test_last_look),
    };
    return cmocka_run_group_tests_name("test_store_results", tests, NULL, NULL);
}
