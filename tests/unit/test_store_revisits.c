/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows to be read again, parts of base windows that can be replaced, and tables that stand
 * still, as they are stored. */
#include "tests/unit/store_fixture.h"

#include <string.h>

static struct vg_checked make_checked(int hour, int64_t next_us)
{
    return (struct vg_checked){.window = made_hour(hour),
                               .checked_us = 100,
                               .read_us = 200,
                               .next_us = next_us,
                               .failures = 2,
                               .body = "a\0b",
                               .size = 3};
}

static void put(struct fixture *f, int hour, int64_t next_us)
{
    struct vg_checked row = make_checked(hour, next_us);
    MUST(f, vg_store_checked_put(f->store, "d", &row, &f->err));
}

static int64_t next_of(struct fixture *f)
{
    int64_t next_us;
    struct vg_progress progress;
    MUST(f, vg_store_checked_next(f->store, "d", &next_us, &f->err));
    MUST(f, vg_store_progress(f->store, "d", f->arena, &progress, &f->err));
    if (progress.known)
        assert_int_equal(progress.revisit_us, next_us);
    return next_us;
}

static void test_checked(void **state)
{
    struct fixture *f = *state;
    struct vg_checked found;
    bool some;
    struct vg_progress progress = {.known = true};
    MUST(f, vg_store_progress_put(f->store, "d", &progress, &f->err));
    assert_int_equal(next_of(f), 0);
    MUST(f, vg_store_checked_due(f->store, "d", VG_NEVER, f->arena, &found, &some, &f->err));
    assert_false(some);
    put(f, 1, 5000);
    put(f, 2, 4000);
    put(f, 3, 6000);
    assert_int_equal(next_of(f), 4000);
    MUST(f, vg_store_checked_due(f->store, "d", 3999, f->arena, &found, &some, &f->err));
    assert_false(some);
    MUST(f, vg_store_checked_due(f->store, "d", 9000, f->arena, &found, &some, &f->err));
    assert_true(some && found.size == 3 && !memcmp(found.body, "a\0b", 3));
    assert_int_equal(found.window.start_us, made_hour(2).start_us);
    assert_true(found.checked_us == 100 && found.read_us == 200 && found.failures == 2);
    put(f, 2, 7000); /* replaced */
    assert_int_equal(next_of(f), 5000);
    put(f, 1, 0); /* no more */
    assert_int_equal(next_of(f), 6000);
    MUST(f, vg_store_rename(f->store, "d", "e", &f->err));
    assert_int_equal(next_of(f), 0);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM checked_window"), 2);
    MUST(f, vg_store_retire(f->store, "e", &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM checked_window"), 0);
}

static void test_standstill(void **state)
{
    struct fixture *f = *state;
    const char *text;
    int64_t since_us;
    MUST(f, vg_store_standstill(f->store, "d", f->arena, &text, &since_us, &f->err));
    assert_null(text);
    MUST(f, vg_store_standstill_put(f->store, "d", "one", 10, &f->err));
    MUST(f, vg_store_standstill_put(f->store, "d", "one", 20, &f->err));
    MUST(f, vg_store_standstill(f->store, "d", f->arena, &text, &since_us, &f->err));
    assert_string_equal(text, "one");
    assert_int_equal(since_us, 10);
    MUST(f, vg_store_standstill_put(f->store, "d", "two", 30, &f->err));
    MUST(f, vg_store_standstill(f->store, "d", f->arena, &text, &since_us, &f->err));
    assert_string_equal(text, "two");
    assert_int_equal(since_us, 30);
    MUST(f, vg_store_standstill_put(f->store, "d", NULL, 40, &f->err));
    MUST(f, vg_store_standstill(f->store, "d", f->arena, &text, &since_us, &f->err));
    assert_null(text);
}

/* --- Parts ----------------------------------------------------------------------------- */

static const struct vg_window *base_of(void)
{
    static struct vg_window base;
    base = (struct vg_window){made_hour(0).start_us, made_hour(3).end_us, false};
    return &base;
}

static struct vg_summary summary_of(struct made_column *made)
{
    return (struct vg_summary){.rows = made->column.rows, .columns = &made->column, .ncolumns = 1};
}

static void judge(struct fixture *f, int hour, int n, bool part)
{
    struct made_column *made = made_column("x", n, 10);
    struct vg_summary summary = summary_of(made);
    struct vg_window window = made_hour(hour);
    if (part)
        MUST(f, vg_store_summary_part(f->store, "d", base_of(), &window, &summary, &f->err));
    MUST(f, vg_store_summary_add(f->store, "d", base_of(), &summary, &f->err));
    free_column(made);
}

static void replace(struct fixture *f, int hour, int n)
{
    struct made_column *made = made_column("x", n, 10);
    struct vg_summary summary = summary_of(made);
    struct vg_window window = made_hour(hour);
    MUST(f, vg_store_summary_replace(f->store, "d", base_of(), &window, &summary, &f->err));
    free_column(made);
}

static void read_body(struct vg_sql_row *row, void *item)
{
    size_t size;
    const void *body = vg_row_blob(row, &size);
    row->failed = vg_column_read(body, size, item, row->err) < 0;
}

static void assert_stored(struct fixture *f, uint64_t rows, double max)
{
    const struct vg_sql_shape shape = {sizeof(void *), read_body, NULL};
    struct vg_column_summary *column;
    bool found;
    MUST(f, vg_sql_one(f->store, &VG_SQL_PLAIN("SELECT body FROM summary"), &shape, &column, &found,
                       &f->err));
    assert_true(found);
    assert_int_equal(column->rows, rows);
    assert_true(column->max == max);
    vg_column_free(column);
}

/* A maximum cannot be taken out of a sum: the sum is made anew of the parts. */
static void test_parts(void **state)
{
    struct fixture *f = *state;
    judge(f, 0, 10, true);
    judge(f, 1, 90, true);
    judge(f, 2, 20, true);
    assert_stored(f, 120, 89);
    replace(f, 1, 30);
    assert_stored(f, 60, 29);
    replace(f, 0, 50);
    assert_stored(f, 100, 49);
    judge(f, 3, 5, true); /* windows are still added as ever */
    assert_stored(f, 105, 49);
    replace(f, 0, 1);
    assert_stored(f, 56, 29);
}

/* What was added before its part was kept cannot be replaced: then nothing is. */
static void test_part_missing(void **state)
{
    struct fixture *f = *state;
    judge(f, 0, 10, false);
    judge(f, 1, 90, true);
    replace(f, 1, 30);
    assert_stored(f, 100, 89);
}

static void test_whole_window(void **state)
{
    struct fixture *f = *state;
    struct vg_window window = made_hour(0);
    for (int n = 10; n <= 20; n += 10) {
        struct made_column *made = made_column("x", n, 10);
        struct vg_summary summary = summary_of(made);
        if (n == 10)
            MUST(f, vg_store_summary_add(f->store, "d", &window, &summary, &f->err));
        else
            MUST(f, vg_store_summary_replace(f->store, "d", &window, &window, &summary, &f->err));
        free_column(made);
    }
    assert_stored(f, 20, 19);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM summary_part"), 0);
}

static void test_settle(void **state)
{
    struct fixture *f = *state;
    judge(f, 0, 10, true);
    put(f, 2, 1000);
    MUST(f, vg_store_summary_settle(f->store, "d", base_of(), &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM summary_part"), 1);
    put(f, 2, 0);
    put(f, 4, 1000); /* of the base window after it */
    MUST(f, vg_store_summary_settle(f->store, "d", base_of(), &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM summary_part"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_checked),      TEST(test_standstill),   TEST(test_parts),
        TEST(test_part_missing), TEST(test_whole_window), TEST(test_settle),
    };
    return cmocka_run_group_tests_name("store_revisits", tests, NULL, NULL);
}
