/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of a private column: cells of ten rows or none, and no row's own threshold. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/summary/private.h"

static void test_cells(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 500; round++) {
        uint32_t n = 1 + (uint32_t)rand() % 60;
        double q[60];
        uint64_t cells[121] = {0}, rows = 0;
        for (uint32_t i = 0; i < n; i++)
            q[i] = i * 1.5 - 20;
        for (size_t i = 0; i < 2 * (size_t)n + 1; i++) {
            cells[i] = rand() % 3 ? (uint64_t)(rand() % 4) : (uint64_t)(rand() % 40);
            rows += cells[i];
        }
        struct vg_grid *grid = vg_grid_new(q, n, false);
        struct vg_distribution *made;
        struct vg_error err;
        assert_int_equal(vg_private_distribution(grid, cells, &made, &err), 0);
        uint64_t sum = 0;
        for (size_t i = 0; made && i < 2 * (size_t)made->grid->n + 1; i++) {
            sum += made->cells[i];
            assert_true(made->cells[i] == 0 || made->cells[i] >= VG_PRIVATE_ROWS);
        }
        if (made)
            assert_int_equal(sum, rows);
        for (uint32_t i = 0; made && i < made->grid->n; i++) {
            for (uint32_t k = 0; k < n; k++)
                assert_true(made->grid->q[i] != q[k]);
        }
        vg_distribution_free(made);
        vg_grid_free(grid);
    }
}

static void test_too_few_rows(void **state)
{
    (void)state;
    double q[] = {1, 2, 3};
    uint64_t cells[] = {0, 5, 0, 5, 0, 5, 0};
    struct vg_grid *grid = vg_grid_new(q, 3, true);
    struct vg_distribution *made;
    struct vg_error err;
    assert_int_equal(vg_private_distribution(grid, cells, &made, &err), 0);
    assert_null(made);
    vg_grid_free(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_too_few_rows),
    };
    return cmocka_run_group_tests_name("summary_private", tests, NULL, NULL);
}
