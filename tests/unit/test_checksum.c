/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checksums of windows: order does not count, every change does, how much is told, and bytes from
 * the store are trusted no further than they reach. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/checksum.h"

enum { MOST = 20000 };

/* Rows of a bigint key and a value that may be null. */
struct table {
    uint64_t key[MOST], value[MOST];
    bool null[MOST];
    size_t n;
};

static const size_t all_columns[] = {0, 1}, key_columns[] = {0};
static const struct vg_checksum_plan keyed = {.columns = all_columns,
                                              .keys = key_columns,
                                              .ncolumns = 2,
                                              .nkeys = 1,
                                              .scope = 11,
                                              .keys_scope = 12};

static struct table *make_table(size_t n)
{
    struct table *table = calloc(1, sizeof *table);
    assert_non_null(table);
    table->n = n;
    for (size_t i = 0; i < n; i++) {
        table->key[i] = i + 1;
        table->value[i] = i * 7 + 3;
    }
    return table;
}

/* In batches of 1000 rows, from the end where `backwards`. */
static void count(const struct table *table, const struct vg_checksum_plan *plan, bool backwards,
                  struct vg_checksum *out)
{
    memset(out, 0, sizeof *out);
    for (size_t from = 0; from < table->n; from += 1000) {
        size_t n = table->n - from < 1000 ? table->n - from : 1000;
        struct vg_slice raw[2][1000];
        uint8_t state[2][1000] = {{0}};
        for (size_t i = 0; i < n; i++) {
            size_t row = backwards ? table->n - 1 - from - i : from + i;
            raw[0][i] = (struct vg_slice){(const char *)&table->key[row], 8};
            raw[1][i] =
                (struct vg_slice){(const char *)&table->value[row], table->null[row] ? 0 : 8};
            state[1][i] = table->null[row] ? VG_CELL_NULL : VG_CELL_VALUE;
        }
        const struct vg_column cols[] = {{.state = state[0], .raw = raw[0]},
                                         {.state = state[1], .raw = raw[1]}};
        vg_checksum_add(out, plan, &(struct vg_batch){n, 2, cols});
    }
    static const struct vg_strings none;
    const struct vg_summary empty = {.rows = table->n};
    struct vg_arena *arena = vg_arena_new();
    assert_int_equal(vg_checksum_finish(out, plan, table->n, &empty, &none, arena), 0);
    out->sums = NULL; /* the arena's */
    vg_arena_free(arena);
}

static struct vg_revisit compare(const struct table *then, const struct table *now,
                                 const struct vg_checksum_plan *plan)
{
    struct vg_checksum a, b;
    struct vg_revisit out = {0};
    count(then, plan, false, &a);
    count(now, plan, true, &b);
    vg_checksum_compare(&a, &b, &out);
    return out;
}

static void test_same(void **state)
{
    (void)state;
    struct table *table = make_table(5321);
    struct vg_revisit revisit = compare(table, table, &keyed);
    assert_true(revisit.same && revisit.compared);
    assert_true(revisit.added == 0 && revisit.removed == 0 && revisit.changed == 0);
    free(table);
}

struct change {
    size_t rows, added, removed, changed;
};

static void apply(struct table *table, const struct change *change)
{
    for (size_t i = 0; i < change->changed; i++)
        table->value[i * 3 % change->rows] += 1000000;
    for (size_t i = 0; i < change->removed; i++) { /* the last one takes its place */
        table->n--;
        table->key[1 + i] = table->key[table->n];
        table->value[1 + i] = table->value[table->n];
    }
    for (size_t i = 0; i < change->added; i++) {
        table->key[table->n] = 900000 + i;
        table->value[table->n++] = i;
    }
}

static void assert_about(double found, size_t want, double tolerance)
{
    if (fabs(found - (double)want) > tolerance)
        fail_msg("%g where %zu +- %g is due", found, want, tolerance);
}

/* Few are counted exactly, many within three standard errors of all that differs. */
static void test_changes(void **state)
{
    (void)state;
    static const struct change cases[] = {
        {1000, 1, 0, 0},    {1000, 0, 1, 0},     {1000, 0, 0, 1},        {1, 0, 0, 1},
        {5000, 4, 3, 0},    {10000, 500, 0, 0},  {10000, 0, 500, 0},     {10000, 0, 0, 500},
        {10000, 0, 0, 100}, {10000, 2000, 0, 0}, {10000, 1000, 1000, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct change *c = &cases[i];
        struct table *then = make_table(c->rows), *now = make_table(c->rows);
        apply(now, c);
        struct vg_revisit revisit = compare(then, now, &keyed);
        double differing = (double)(c->added + c->removed + 2 * c->changed);
        double tolerance = differing <= 8 ? 2 : 3 * sqrt(2.0 / VG_SKETCH_CELLS) * differing;
        assert_false(revisit.same);
        assert_true(revisit.added + revisit.removed + revisit.changed >= 1);
        assert_about(revisit.added, c->added, tolerance);
        assert_about(revisit.removed, c->removed, tolerance);
        assert_about(revisit.changed, c->changed, tolerance);
        assert_true(revisit.added - revisit.removed == (double)c->added - (double)c->removed);
        free(then);
        free(now);
    }
}

/* A null is no empty text, and one bit of one value is enough. */
static void test_smallest(void **state)
{
    (void)state;
    struct table *then = make_table(300), *now = make_table(300);
    for (size_t i = 0; i < 300; i++) {
        now->value[i] ^= 1;
        assert_false(compare(then, now, &keyed).same);
        now->value[i] ^= 1;
    }
    now->null[5] = true;
    assert_false(compare(then, now, &keyed).same);
    free(then);
    free(now);
}

static void test_without_key(void **state)
{
    (void)state;
    struct vg_checksum_plan plan = keyed;
    plan.nkeys = 0;
    struct table *then = make_table(1000), *now = make_table(1000);
    apply(now, &(struct change){1000, 0, 0, 1});
    struct vg_revisit revisit = compare(then, now, &plan);
    assert_true(revisit.added == 0 && revisit.removed == 0 && revisit.changed == 1);
    free(then);
    free(now);
}

static void test_not_comparable(void **state)
{
    (void)state;
    struct table *then = make_table(1000), *now = make_table(1003);
    struct vg_checksum_plan plan = keyed;
    struct vg_checksum a, b;
    struct vg_revisit revisit = {0};
    count(then, &keyed, false, &a);
    plan.scope = 99;
    count(now, &plan, false, &b);
    vg_checksum_compare(&a, &b, &revisit);
    assert_true(!revisit.compared && revisit.why_not && !revisit.same);
    assert_true(revisit.added == 3 && revisit.removed == 0 && revisit.changed == 0);
    free(then);
    free(now);
}

/* Of fewer than ten rows with something private nothing is kept that could be guessed from. */
static void test_private(void **state)
{
    (void)state;
    struct vg_checksum_plan plan = keyed;
    struct vg_checksum checksum;
    plan.is_private = true;
    for (size_t n = 9; n <= 10; n++) {
        struct table *table = make_table(n);
        count(table, &plan, false, &checksum);
        assert_int_equal(checksum.whole.scope, n < 10 ? 0 : 11);
        assert_int_equal(checksum.keys.scope, n < 10 ? 0 : 12);
        assert_int_equal(checksum.whole.total != 0, n >= 10);
        free(table);
    }
}

static void test_sums(void **state)
{
    (void)state;
    const struct vg_checksum_sum before[] = {{"amount", 10, 100}, {"tax", 10, 5}};
    const struct vg_checksum_sum after[] = {{"amount", 10, 100.00000000001}, {"tax", 10, 6}};
    struct vg_checksum a = {.rows = 10, .sums = before, .nsums = 2};
    struct vg_checksum b = {.rows = 10, .sums = after, .nsums = 1};
    struct vg_revisit revisit = {0};
    vg_checksum_compare(&a, &b, &revisit);
    assert_true(revisit.same); /* the last digit of a sum says nothing */
    b.nsums = 2;
    revisit = (struct vg_revisit){0};
    vg_checksum_compare(&a, &b, &revisit);
    assert_false(revisit.same);
    assert_string_equal(revisit.column, "tax");
    assert_true(revisit.changed == 1 && revisit.sum_then == 5 && revisit.sum_now == 6);
}

static void test_bytes(void **state)
{
    (void)state;
    const struct vg_checksum_sum sums[] = {{"amount", 10, -1e300}, {"x", 0, NAN}};
    struct table *table = make_table(777);
    struct vg_checksum out, in;
    struct vg_error err = {0};
    struct vg_buf buf;
    count(table, &keyed, false, &out);
    out.sums = sums;
    out.nsums = 2;
    vg_buf_init(&buf, 1 << 20);
    vg_checksum_write(&out, &buf);
    assert_false(buf.failed);
    struct vg_arena *arena = vg_arena_new();
    assert_int_equal(vg_checksum_read(buf.data, buf.len, arena, &in, &err), 0);
    assert_int_equal(in.rows, 777);
    assert_memory_equal(&in.keys, &out.keys, sizeof in.keys);
    assert_memory_equal(&in.whole, &out.whole, sizeof in.whole);
    assert_string_equal(in.sums[0].column, "amount");
    assert_true(in.nsums == 2 && in.sums[0].sum == -1e300 && isnan(in.sums[1].sum));
    for (size_t n = 0; n < buf.len; n++) { /* cut anywhere it is refused */
        char *cut = malloc(n ? n : 1);
        memcpy(cut, buf.data, n);
        assert_int_equal(vg_checksum_read(cut, n, arena, &in, &err), -1);
        assert_int_equal(err.code, VG_E_DATA);
        free(cut);
    }
    vg_buf_putc(&buf, 'x');
    assert_int_equal(vg_checksum_read(buf.data, buf.len, arena, &in, &err), -1);
    vg_arena_free(arena);
    vg_buf_free(&buf);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),     cmocka_unit_test(test_changes),
        cmocka_unit_test(test_smallest), cmocka_unit_test(test_without_key),
        cmocka_unit_test(test_private),  cmocka_unit_test(test_not_comparable),
        cmocka_unit_test(test_sums),     cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
