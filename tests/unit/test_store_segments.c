/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/reference_segments.c: segments of a reference written and read back as
 * views, and what became of them with their version. */
#include "tests/unit/store_fixture.h"

#include <string.h>

#include "tests/unit/made_batch.h"

static int64_t capture(struct fixture *f, bool complete)
{
    const struct vg_reference meta = {
        .from_us = 10, .to_us = 20, .base_us = VG_HOUR_US, .resolution = 4096, .spec = "spec"};
    struct made_column *made = made_column("a", 100, 10);
    struct vg_distribution *fine = NULL;
    struct vg_error *err = &f->err;
    int64_t version;
    MUST(f, vg_store_reference_begin(f->store, "d", &meta, &version, err));
    MUST(f, vg_distribution_of(&made->column, &fine, err));
    const struct vg_reference_column column = {.name = "a",
                                               .type = "double precision",
                                               .kind = VG_KIND_NUMBER,
                                               .fine = fine,
                                               .total = &made->column};
    MUST(f, vg_store_reference_column(f->store, version, 0, &column, err));
    struct vg_grid *coarse = vg_grid_of_segments(fine->grid);
    static const char *const names[] = {"c=other", "c=DE"};
    double values[8];
    const uint8_t states[8] = {0};
    const struct vg_column rows = {.kind = VG_KIND_NUMBER, .state = states, .num = values};
    for (size_t i = 0; i < 8; i++)
        values[i] = coarse->q[0];
    for (size_t i = 0; i < 2; i++) {
        struct vg_column_summary part;
        MUST(f, vg_column_init(&part, "a", VG_KIND_NUMBER, coarse, 0, err));
        MUST(f, vg_column_count(&part, &rows, 7 + i, err));
        assert_int_equal(vg_column_coarsen(&part), 0);
        MUST(f, vg_store_reference_segment(f->store, version, names[i], &part, err));
        vg_column_clear(&part);
    }
    vg_grid_free(coarse);
    vg_distribution_free(fine);
    free_column(made);
    MUST(f, vg_store_reference_done(f->store, version, 15, complete ? NULL : "broken", 77, err));
    return version;
}

static struct vg_reference *load(struct fixture *f, bool coarse)
{
    struct vg_reference *reference;
    MUST(f, vg_store_reference(f->store, "d", 0, NULL, &reference, &f->err));
    assert_non_null(reference);
    if (coarse)
        assert_int_equal(vg_reference_coarse(reference), 0);
    MUST(f, vg_store_reference_segments(f->store, reference, NULL, &f->err));
    return reference;
}

static void test_read_back(void **state)
{
    struct fixture *f = *state;
    int64_t version = capture(f, true);
    struct vg_reference *reference = load(f, true);
    assert_int_equal(reference->nsegments, 2);
    const struct vg_reference *view = vg_reference_segment(reference, "c=DE");
    assert_non_null(view);
    assert_int_equal(view->version, version);
    assert_int_equal(view->rows, 8);
    assert_int_equal(view->ncolumns, 1);
    const struct vg_reference_column *column = vg_reference_find(view, "a");
    assert_ptr_equal(column->fine->grid, reference->columns[0].coarse);
    assert_int_equal(column->fine->n, 8);
    assert_int_equal(column->fine->cells[1], 8);
    assert_string_equal(column->type, "double precision");
    assert_int_equal(vg_reference_segment(reference, "c=other")->rows, 7);
    assert_null(vg_reference_segment(reference, "c=FR"));
    vg_reference_free(reference);
}

/* Of columns that no rule counts in cells the counts are loaded, of columns not in use nothing;
 * their segments are still known. */
static void test_without_cells(void **state)
{
    struct fixture *f = *state;
    capture(f, true);
    struct vg_reference *reference = load(f, false);
    assert_int_equal(reference->nsegments, 2);
    assert_int_equal(reference->segments[0].view->ncolumns, 1);
    assert_null(reference->segments[0].view->columns[0].fine);
    assert_int_equal(reference->segments[0].view->columns[0].total->rows, 8);
    vg_reference_free(reference);
    const struct vg_strings none = {0};
    MUST(f, vg_store_reference(f->store, "d", 0, NULL, &reference, &f->err));
    MUST(f, vg_store_reference_segments(f->store, reference, &none, &f->err));
    assert_int_equal(reference->nsegments, 2);
    assert_int_equal(reference->segments[0].view->ncolumns, 0);
    vg_reference_free(reference);
}

static void test_complete_ones_do_not_change(void **state)
{
    struct fixture *f = *state;
    int64_t version = capture(f, true);
    struct made_column *made = made_column("a", 10, 10);
    assert_int_equal(vg_store_reference_segment(f->store, version, "c=X", &made->column, &f->err),
                     -1);
    assert_int_equal(f->err.code, VG_E_USAGE);
    free_column(made);
}

static void test_gone_with_their_version(void **state)
{
    struct fixture *f = *state;
    int64_t first = capture(f, true);
    capture(f, false);
    struct vg_reference *reference = load(f, true);
    assert_int_equal(reference->version, first);
    assert_int_equal(reference->nsegments, 2);
    vg_reference_free(reference);
    int64_t second = capture(f, true);
    MUST(f, vg_store_reference_drop(f->store, "d", first, &f->err));
    reference = load(f, true);
    assert_int_equal(reference->version, second);
    assert_int_equal(reference->nsegments, 2);
    vg_reference_free(reference);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(test_read_back),
        OPEN(test_without_cells),
        OPEN(test_complete_ones_do_not_change),
        OPEN(test_gone_with_their_version),
    };
    return cmocka_run_group_tests_name("test_store_segments", tests, NULL, NULL);
}
