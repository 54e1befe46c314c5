/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of counting the columns of a batch (agent/summary/count.c and texts.c) against a naive
 * recount of the same rows, one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"
#include "tests/unit/made_batch.h"

static void recount_number(struct vg_column_summary *naive, double x)
{
    naive->zeros += naive->kind == VG_KIND_NUMBER && x == 0;
    naive->negatives += naive->kind == VG_KIND_NUMBER && x < 0;
    naive->min = x < naive->min ? x : naive->min;
    naive->max = x > naive->max ? x : naive->max;
    if (naive->fine)
        naive->fine[vg_grid_cell(naive->grid, x)]++;
    if (naive->hll)
        vg_hll_add_numbers(naive->hll, naive->hll_bits, &x, 1);
    struct vg_slice truth = {x != 0 ? "true" : "false", x != 0 ? 4 : 5};
    if (naive->top)
        assert_int_equal(vg_top_add(naive->top, vg_hash64(truth.data, truth.len), 1, truth), 0);
}

static void recount_text(struct vg_column_summary *naive, struct vg_slice text)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < text.len; i++)
        length += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    naive->empties += text.len == 0;
    naive->length_sum += length;
    naive->length_min = length < naive->length_min ? length : naive->length_min;
    naive->length_max = length > naive->length_max ? length : naive->length_max;
    if (naive->hll)
        vg_hll_add(naive->hll, naive->hll_bits, vg_hash64(text.data, text.len));
    if (naive->top)
        assert_int_equal(vg_top_add(naive->top, vg_hash64(text.data, text.len), 1, text), 0);
}

/* Mean and deviation of a column in 113 bits, put where the summary keeps them. */
static void recount_moments(struct vg_column_summary *naive, const struct vg_column *rows, size_t n)
{
    __float128 sum = 0, m2 = 0;
    uint64_t values = vg_column_finite(naive);
    for (size_t i = 0; i < n; i++)
        sum += rows->state[i] == VG_CELL_VALUE ? (__float128)rows->num[i] : 0;
    for (size_t i = 0; values && i < n; i++) {
        __float128 d = (__float128)rows->num[i] - sum / (__float128)values;
        m2 += rows->state[i] == VG_CELL_VALUE ? d * d : 0;
    }
    naive->sum.hi = (double)sum;
    naive->sum.lo = (double)(sum - (__float128)naive->sum.hi);
    naive->m2.hi = (double)m2;
}

static void recount(struct vg_column_summary *naive, const struct vg_column *rows, size_t n)
{
    char space[36];
    for (size_t i = 0; i < n; i++) {
        naive->rows++;
        naive->nulls += rows->state[i] == VG_CELL_NULL;
        naive->nans += rows->state[i] == VG_CELL_NAN;
        naive->pinfs += rows->state[i] == VG_CELL_PINF;
        naive->ninfs += rows->state[i] == VG_CELL_NINF;
        if (rows->state[i] != VG_CELL_VALUE)
            continue;
        if (vg_kind_is_numeric(naive->kind))
            recount_number(naive, rows->num[i] + 0.0);
        else if (naive->kind == VG_KIND_TEXT)
            recount_text(naive, vg_text_cell(rows, i, space));
    }
    if (vg_kind_is_numeric(naive->kind))
        recount_moments(naive, rows, n);
}

static void test_counts_equal_a_recount(void **state)
{
    (void)state;
    static const enum vg_kind kinds[] = {VG_KIND_NUMBER, VG_KIND_TEXT,  VG_KIND_TEXT,
                                         VG_KIND_BOOL,   VG_KIND_TIME,  VG_KIND_OTHER,
                                         VG_KIND_NUMBER, VG_KIND_NUMBER};
    enum { COLUMNS = sizeof kinds / sizeof *kinds };
    struct chance chance = {1};
    struct vg_error err;
    for (int round = 0; round < 150; round++) {
        size_t nrows = chance_below(&chance, round % 5 ? 300 : 3000);
        struct made_batch *made = make_batch(&chance, kinds, COLUMNS, nrows, round % 3 == 0);
        for (size_t c = 0; c < COLUMNS; c++) {
            uint32_t most = chance_below(&chance, 2) ? 90 : 1500;
            struct vg_grid *grid =
                make_grid(&chance, (enum shape)chance_below(&chance, SHAPES), most);
            unsigned parts = chance_below(&chance, 4);
            struct vg_column_summary column, naive;
            const struct vg_grid *used = chance_below(&chance, 3) ? grid : NULL;
            assert_int_equal(vg_column_init(&column, "x", kinds[c], used, parts, &err), 0);
            assert_int_equal(vg_column_init(&naive, "x", kinds[c], used, parts, &err), 0);
            assert_int_equal(vg_column_count(&column, &made->cols[c], nrows, &err), 0);
            recount(&naive, &made->cols[c], nrows);
            assert_same_column(&column, &naive);
            vg_column_clear(&column);
            vg_column_clear(&naive);
            vg_grid_free(grid);
        }
        free_batch(made);
    }
}

/* Texts of all lengths around the longest that wait, of few letters and of many: some columns
 * repeat theirs, some do not, and some begin or end to do so within the batch. */
static void test_repeated_texts_equal_a_recount(void **state)
{
    (void)state;
    enum { ROWS = 2000, ROOM = 24 };
    static const char *const letters[] = {"a", "b", "\xc3\x9f", "c", "d", "e"};
    static char texts[ROWS][ROOM];
    static const uint8_t states[ROWS];
    static struct vg_slice raw[ROWS];
    struct vg_column rows = {.kind = VG_KIND_TEXT, .wire_oid = 25, .state = states, .raw = raw};
    struct chance chance = {9};
    struct vg_error err;
    for (int round = 0; round < 60; round++) {
        uint32_t longest = 1 + chance_below(&chance, ROOM - 2), turn = chance_below(&chance, ROWS);
        uint32_t many = chance_below(&chance, 2);
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t few = (i < turn) == many ? 2 : 6, n = chance_below(&chance, longest + 1);
            raw[i] = (struct vg_slice){texts[i], 0};
            while (raw[i].len < n) {
                const char *letter = letters[chance_below(&chance, few)];
                memcpy(texts[i] + raw[i].len, letter, strlen(letter));
                raw[i].len += (uint32_t)strlen(letter);
            }
        }
        struct vg_column_summary column, naive;
        unsigned parts = VG_PART_HLL | VG_PART_TOP;
        assert_int_equal(vg_column_init(&column, "x", VG_KIND_TEXT, NULL, parts, &err), 0);
        assert_int_equal(vg_column_init(&naive, "x", VG_KIND_TEXT, NULL, parts, &err), 0);
        assert_int_equal(vg_column_count(&column, &rows, ROWS, &err), 0);
        recount(&naive, &rows, ROWS);
        assert_same_column(&column, &naive);
        vg_column_clear(&column);
        vg_column_clear(&naive);
    }
}

static void test_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t length;
    } cases[] = {{"", 0},
                 {"a", 1},
                 {"sevenxx", 7},
                 {"eight888", 8},
                 {"nine99999", 9},
                 {"Zürich", 6},
                 {"日本語", 3},
                 {"日本語日本語", 6},
                 {"🙂", 1},
                 {"ab🙂cd🙂ef🙂", 9},
                 {"äöüäöüäöüäöüäöü", 15}};
    struct vg_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t value = VG_CELL_VALUE;
        struct vg_slice raw = {cases[i].text, (uint32_t)strlen(cases[i].text)};
        struct vg_column rows = {
            .kind = VG_KIND_TEXT, .wire_oid = 25, .state = &value, .raw = &raw};
        struct vg_column_summary column;
        assert_int_equal(vg_column_init(&column, "t", VG_KIND_TEXT, NULL, 0, &err), 0);
        assert_int_equal(vg_column_count(&column, &rows, 1, &err), 0);
        assert_int_equal(column.length_sum, cases[i].length);
        assert_true(column.length_min == column.length_sum &&
                    column.length_max == column.length_min);
        assert_int_equal(column.empties, raw.len == 0);
        vg_column_clear(&column);
    }
}

static void test_uuid_is_counted_as_its_text(void **state)
{
    (void)state;
    static const char text[] = "0123abcd-4567-89ef-0001-fedcba987654";
    static const char bytes[] = "\x01\x23\xab\xcd\x45\x67\x89\xef\x00\x01\xfe\xdc\xba\x98\x76\x54";
    uint8_t value = VG_CELL_VALUE;
    struct vg_slice raw = {bytes, 16};
    struct vg_column rows = {.kind = VG_KIND_TEXT, .wire_oid = 2950, .state = &value, .raw = &raw};
    struct vg_column_summary column;
    struct vg_top_entry entry;
    struct vg_error err;
    bool sampled;
    assert_int_equal(vg_column_init(&column, "u", VG_KIND_TEXT, NULL, VG_PART_TOP, &err), 0);
    assert_int_equal(vg_column_count(&column, &rows, 1, &err), 0);
    assert_int_equal(column.length_max, 36);
    assert_int_equal(vg_top_largest(column.top, &entry, 1, &sampled), 1);
    assert_string_equal(entry.label, text);
    assert_int_equal(vg_top_count(column.top, text, 36), 1);
    vg_column_clear(&column);
}

/* The blanks that fill up a character(n) mean nothing, in PostgreSQL neither. */
static void test_padding_is_no_text(void **state)
{
    (void)state;
    static const struct vg_slice raw[] = {{"ab  ", 4}, {" a  ", 4}, {"    ", 4}, {"a\t  ", 4}};
    static const uint8_t states[] = {VG_CELL_VALUE, VG_CELL_VALUE, VG_CELL_VALUE, VG_CELL_VALUE};
    static const uint32_t lengths[] = {2, 2, 0, 2};
    struct vg_column rows = {.kind = VG_KIND_TEXT, .state = states, .raw = raw};
    char space[36];
    for (size_t i = 0; i < 4; i++) {
        rows.wire_oid = 1042;
        assert_int_equal(vg_text_cell(&rows, i, space).len, lengths[i]);
        rows.wire_oid = 25;
        assert_int_equal(vg_text_cell(&rows, i, space).len, 4);
    }
    rows.wire_oid = 1042;
    struct vg_column_summary column;
    struct vg_error err;
    assert_int_equal(vg_column_init(&column, "c", VG_KIND_TEXT, NULL, 0, &err), 0);
    assert_int_equal(vg_column_count(&column, &rows, 4, &err), 0);
    assert_int_equal(column.length_sum, 6);
    assert_int_equal(column.empties, 1);
    vg_column_clear(&column);
}

static void test_parts_follow_the_kind(void **state)
{
    (void)state;
    static const struct {
        enum vg_kind kind;
        bool hll, top, fine;
    } cases[] = {{VG_KIND_NUMBER, true, false, true},
                 {VG_KIND_TIME, true, false, true},
                 {VG_KIND_BOOL, true, true, true},
                 {VG_KIND_TEXT, true, true, false},
                 {VG_KIND_OTHER, false, false, false}};
    struct vg_grid *grid = vg_grid_new((double[]){0, 1}, 2, true);
    struct vg_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_column_summary column;
        assert_int_equal(
            vg_column_init(&column, "x", cases[i].kind, grid, VG_PART_HLL | VG_PART_TOP, &err), 0);
        assert_int_equal(column.hll != NULL, cases[i].hll);
        assert_int_equal(column.top != NULL, cases[i].top);
        assert_int_equal(column.fine != NULL, cases[i].fine);
        assert_int_equal(column.grid_id != 0, cases[i].fine);
        vg_column_clear(&column);
    }
    vg_grid_free(grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_equal_a_recount),
        cmocka_unit_test(test_repeated_texts_equal_a_recount),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_uuid_is_counted_as_its_text),
        cmocka_unit_test(test_padding_is_no_text),
        cmocka_unit_test(test_parts_follow_the_kind),
    };
    return cmocka_run_group_tests_name("test_summary_count", tests, NULL, NULL);
}
