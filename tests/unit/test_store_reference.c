/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/reference_write.c and reference_read.c: capture, versions, use, drop,
 * and what is read back. */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/made_batch.h"

enum { WINDOWS = 40 };

static int64_t begin(struct fixture *f, const char *dataset)
{
    const struct vg_reference meta = {.from_us = 10,
                                      .to_us = 20,
                                      .base_us = VG_HOUR_US,
                                      .captured_us = 30,
                                      .resolution = 4096,
                                      .spec = "from 10 to 20"};
    int64_t version;
    MUST(f, vg_store_reference_begin(f->store, dataset, &meta, &version, &f->err));
    assert_true(version > 0);
    return version;
}

static void put_column(struct fixture *f, int64_t version, size_t position,
                       struct made_column *made)
{
    struct vg_distribution *fine = NULL;
    MUST(f, vg_distribution_of(&made->column, &fine, &f->err));
    const struct vg_reference_column column = {.name = made->column.name,
                                               .type = "double precision",
                                               .kind = VG_KIND_NUMBER,
                                               .not_null = position == 0,
                                               .fine = fine,
                                               .total = &made->column};
    MUST(f, vg_store_reference_column(f->store, version, position, &column, &f->err));
    vg_distribution_free(fine);
}

/* Two numbers and a column of which only nulls are counted, with their base windows. */
static int64_t capture(struct fixture *f, const char *dataset)
{
    int64_t version = begin(f, dataset);
    struct made_column *a = made_column("a", 100, 10), *b = made_column("b", 60, 7);
    const struct vg_reference_column plain = {.name = "c", .type = "point", .kind = VG_KIND_OTHER};
    for (int i = WINDOWS - 1; i >= 0; i--) {
        struct vg_window base = made_hour(i);
        struct made_column *part = made_column("a", i, 10);
        base.repeated = i == 3;
        MUST(f, vg_store_reference_window(f->store, version, &base, &part->column, &f->err));
        free_column(part);
    }
    put_column(f, version, 1, b);
    put_column(f, version, 0, a);
    MUST(f, vg_store_reference_column(f->store, version, 2, &plain, &f->err));
    free_column(a);
    free_column(b);
    return version;
}

static int64_t complete(struct fixture *f, const char *dataset)
{
    int64_t version = capture(f, dataset);
    MUST(f, vg_store_reference_done(f->store, version, 105943, NULL, 77, &f->err));
    return version;
}

static struct vg_reference_row *list(struct fixture *f, const char *dataset, size_t want)
{
    struct vg_reference_row *rows;
    size_t n;
    MUST(f, vg_store_references(f->store, dataset, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, want);
    return rows;
}

static struct vg_reference *load(struct fixture *f, int64_t version, const struct vg_strings *fine)
{
    struct vg_reference *out;
    MUST(f, vg_store_reference(f->store, "d", version, fine, &out, &f->err));
    return out;
}

static void test_read_back(void **state)
{
    struct fixture *f = *state;
    assert_null(load(f, 0, NULL));
    int64_t version = complete(f, "d");
    struct vg_reference *got = load(f, 0, NULL);
    assert_non_null(got);
    assert_int_equal(got->version, version);
    assert_int_equal(got->from_us, 10);
    assert_int_equal(got->to_us, 20);
    assert_int_equal(got->base_us, VG_HOUR_US);
    assert_int_equal(got->captured_us, 77);
    assert_int_equal(got->rows, 105943);
    assert_int_equal(got->resolution, 4096);
    assert_string_equal(got->spec, "from 10 to 20");
    assert_int_equal(got->ncolumns, 3);
    assert_string_equal(got->columns[0].name, "a");
    assert_string_equal(got->columns[0].type, "double precision");
    assert_true(got->columns[0].not_null);
    assert_false(got->columns[1].not_null);
    assert_int_equal(got->columns[2].kind, VG_KIND_OTHER);
    assert_null(got->columns[2].fine);
    assert_null(got->columns[2].total);
    struct made_column *a = made_column("a", 100, 10);
    const struct vg_distribution *fine = got->columns[0].fine;
    assert_int_equal(fine->n, 100);
    assert_int_equal(fine->grid->id, a->grid->id);
    assert_memory_equal(fine->cells, a->column.fine,
                        (2 * (size_t)a->grid->n + 1) * sizeof *fine->cells);
    /* The coarse counts come back on the grid of the fine ones. */
    assert_ptr_equal(got->columns[0].total->grid, fine->grid);
    assert_null(got->columns[0].total->fine);
    assert_int_equal(got->columns[0].total->rows, 100);
    free_column(a);
    vg_reference_free(got);
}

static void test_fine_of_some(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"b", "unknown"};
    const struct vg_strings some = {names, 2}, none = {NULL, 0};
    complete(f, "d");
    struct vg_reference *got = load(f, 0, &some);
    assert_null(got->columns[0].fine);
    assert_non_null(got->columns[0].total);
    assert_non_null(got->columns[1].fine);
    vg_reference_free(got);
    got = load(f, 0, &none);
    assert_null(got->columns[1].fine);
    assert_non_null(got->columns[1].total);
    vg_reference_free(got);
}

struct seen {
    int n;
    int stop_at; /* -1: never */
    int64_t last_us;
    bool ordered, right;
    struct fixture *f;
};

static int see(void *arg, const struct vg_window *base, const struct vg_column_summary *summary,
               struct vg_error *err)
{
    struct seen *seen = arg;
    struct vg_strings names;
    seen->ordered = seen->ordered && base->start_us > seen->last_us;
    seen->right = seen->right && summary->rows == (uint64_t)seen->n &&
                  base->end_us == made_hour(seen->n).end_us && base->repeated == (seen->n == 3);
    seen->last_us = base->start_us;
    /* The store may be used in between. */
    MUST(seen->f, vg_store_datasets(seen->f->store, seen->f->arena, &names, &seen->f->err));
    if (seen->n++ == seen->stop_at)
        return vg_fail(err, VG_E_CANCELLED, "enough");
    return 0;
}

static void test_series(void **state)
{
    struct fixture *f = *state;
    int64_t version = complete(f, "d");
    struct seen seen = {
        .stop_at = -1, .last_us = INT64_MIN, .ordered = true, .right = true, .f = f};
    MUST(f, vg_store_reference_windows(f->store, version, "a", see, &seen, &f->err));
    assert_int_equal(seen.n, WINDOWS);
    assert_true(seen.ordered && seen.right);
    seen = (struct seen){.stop_at = 5, .last_us = INT64_MIN, .f = f};
    REFUSED(f, VG_E_CANCELLED,
            vg_store_reference_windows(f->store, version, "a", see, &seen, &f->err));
    assert_int_equal(seen.n, 6);
    seen = (struct seen){.stop_at = -1, .f = f};
    MUST(f, vg_store_reference_windows(f->store, version, "b", see, &seen, &f->err));
    assert_int_equal(seen.n, 0);
}

/* --- Versions -------------------------------------------------------------------------- */

static void test_versions(void **state)
{
    struct fixture *f = *state;
    int64_t first = complete(f, "d"), other = complete(f, "e"), second = capture(f, "d");
    assert_true(first < other && other < second);
    struct vg_reference_row *rows = list(f, "d", 2);
    assert_int_equal(rows[0].version, second);
    assert_false(rows[0].active || rows[0].complete);
    assert_true(rows[1].active && rows[1].complete);
    assert_int_equal(rows[1].ncolumns, 3);
    assert_int_equal(rows[1].nwindows, WINDOWS);
    assert_int_equal(rows[1].rows, 105943);
    assert_string_equal(rows[1].dataset, "d");
    assert_null(rows[1].error);
    /* The old one judges until the new one is complete. */
    struct vg_reference *got = load(f, 0, NULL);
    assert_int_equal(got->version, first);
    vg_reference_free(got);
    assert_null(load(f, second, NULL));
    assert_null(load(f, other, NULL));
    MUST(f, vg_store_reference_done(f->store, second, 1, NULL, 78, &f->err));
    rows = list(f, "d", 2);
    assert_true(rows[0].active && !rows[1].active);
    assert_true(list(f, "e", 1)[0].active);
    list(f, NULL, 3);
    got = load(f, first, NULL);
    assert_int_equal(got->version, first);
    vg_reference_free(got);
}

static void test_failure(void **state)
{
    struct fixture *f = *state;
    int64_t first = complete(f, "d"), second = capture(f, "d");
    MUST(f, vg_store_reference_done(f->store, second, 0, "no rows", 79, &f->err));
    struct vg_reference_row *rows = list(f, "d", 2);
    assert_string_equal(rows[0].error, "no rows");
    assert_int_equal(rows[0].captured_us, 79);
    assert_false(rows[0].complete || rows[0].active);
    assert_int_equal(rows[1].version, first);
    assert_true(rows[1].active);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM reference_window"), WINDOWS);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM reference_column"), 3);
}

static void test_immutable(void **state)
{
    struct fixture *f = *state;
    int64_t version = complete(f, "d");
    struct made_column *made = made_column("a", 10, 10);
    const struct vg_window base = made_hour(1);
    const struct vg_reference_column column = {.name = "x", .type = "t"};
    REFUSED(f, VG_E_USAGE,
            vg_store_reference_window(f->store, version, &base, &made->column, &f->err));
    REFUSED(f, VG_E_USAGE, vg_store_reference_column(f->store, version, 0, &column, &f->err));
    REFUSED(f, VG_E_USAGE, vg_store_reference_done(f->store, version, 1, NULL, 1, &f->err));
    REFUSED(f, VG_E_USAGE, vg_store_reference_done(f->store, version, 1, "failed", 1, &f->err));
    REFUSED(f, VG_E_NOT_FOUND,
            vg_store_reference_window(f->store, 99, &base, &made->column, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_reference_done(f->store, 99, 1, NULL, 1, &f->err));
    assert_true(list(f, "d", 1)[0].complete);
    free_column(made);
}

static void test_use(void **state)
{
    struct fixture *f = *state;
    int64_t first = complete(f, "d"), second = complete(f, "d"), third = capture(f, "d");
    MUST(f, vg_store_reference_use(f->store, "d", first, &f->err));
    MUST(f, vg_store_reference_use(f->store, "d", first, &f->err));
    struct vg_reference_row *rows = list(f, "d", 3);
    assert_true(rows[2].active && !rows[1].active && !rows[0].active);
    REFUSED(f, VG_E_USAGE, vg_store_reference_use(f->store, "d", third, &f->err));
    MUST(f, vg_store_reference_done(f->store, third, 0, "no rows", 1, &f->err));
    REFUSED(f, VG_E_USAGE, vg_store_reference_use(f->store, "d", third, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_reference_use(f->store, "e", second, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_reference_use(f->store, "d", 99, &f->err));
    assert_string_not_equal(f->err.hint, "");
    assert_true(list(f, "d", 3)[2].active);
}

static void test_drop(void **state)
{
    struct fixture *f = *state;
    int64_t first = complete(f, "d"), second = complete(f, "d"), third = capture(f, "d");
    REFUSED(f, VG_E_USAGE, vg_store_reference_drop(f->store, "d", second, &f->err));
    assert_non_null(strstr(f->err.msg, "in use"));
    REFUSED(f, VG_E_USAGE, vg_store_reference_drop(f->store, "d", third, &f->err));
    REFUSED(f, VG_E_NOT_FOUND, vg_store_reference_drop(f->store, "e", first, &f->err));
    MUST(f, vg_store_reference_drop(f->store, "d", first, &f->err));
    list(f, "d", 2);
    MUST(f, vg_store_reference_done(f->store, third, 0, "no rows", 1, &f->err));
    /* A failed one does not count as another to be used. */
    MUST(f, vg_store_reference_drop(f->store, "d", second, &f->err));
    assert_null(load(f, 0, NULL));
    MUST(f, vg_store_reference_drop(f->store, "d", third, &f->err));
    assert_int_equal(fixture_int(f->store, "SELECT (SELECT count(*) FROM reference_window) +"
                                           " (SELECT count(*) FROM reference_column)"),
                     0);
    /* Numbers are not given twice. */
    assert_true(begin(f, "d") > third);
}

/* What a crash left incomplete goes when a daemon starts, and only that. */
static void test_incomplete_at_start(void **state)
{
    struct fixture *f = *state;
    int64_t first = complete(f, "d");
    capture(f, "d");
    fixture_close(f);
    fixture_open(f, VG_STORE_COMMAND);
    list(f, "d", 2);
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    assert_int_equal(list(f, "d", 1)[0].version, first);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM reference_window"), WINDOWS);
}

/* Hurried rows leave the connection as durable as it was. */
static void test_durable_again(void **state)
{
    struct fixture *f = *state;
    capture(f, "d");
    assert_int_equal(fixture_int(f->store, "PRAGMA synchronous"), 2);
    struct made_column *made = made_column("a", 10, 10);
    const struct vg_window base = made_hour(1);
    REFUSED(f, VG_E_NOT_FOUND,
            vg_store_reference_window(f->store, 99, &base, &made->column, &f->err));
    assert_int_equal(fixture_int(f->store, "PRAGMA synchronous"), 2);
    free_column(made);
}

static void test_damaged_blob(void **state)
{
    struct fixture *f = *state;
    struct vg_reference *got;
    complete(f, "d");
    fixture_exec(f->store, "UPDATE reference_column SET fine = x'00112233445566778899'"
                           " WHERE name = 'b'");
    assert_int_equal(vg_store_reference(f->store, "d", 0, NULL, &got, &f->err), -1);
    assert_null(got);
    assert_non_null(strstr(f->err.msg, "column b"));
    const struct vg_strings none = {NULL, 0};
    got = load(f, 0, &none);
    assert_non_null(got);
    vg_reference_free(got);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_read_back),     OPEN(test_fine_of_some), OPEN(test_series),
        OPEN(test_versions),      OPEN(test_failure),      OPEN(test_immutable),
        OPEN(test_use),           OPEN(test_drop),         OPEN(test_incomplete_at_start),
        OPEN(test_durable_again), OPEN(test_damaged_blob),
    };
    return cmocka_run_group_tests_name("test_store_reference", tests, NULL, NULL);
}
