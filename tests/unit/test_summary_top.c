/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of top values (agent/summary/top.c): exact counts, the bottom-k sample against a
 * recount in any split and order, labels, ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/summary/parts.h"
#include "tests/unit/made_batch.h"

static struct vg_slice slice_of(const char *text)
{
    return (struct vg_slice){text, (uint32_t)strlen(text)};
}

static void add_text(struct vg_top *top, const char *text, uint64_t count)
{
    assert_int_equal(vg_top_add(top, vg_hash64(text, strlen(text)), count, slice_of(text)), 0);
}

static void test_ranks(void **state)
{
    (void)state;
    struct vg_top *top = vg_top_new(VG_TOP_EXACT);
    struct vg_top_entry out[5];
    bool sampled = true;
    assert_int_equal(vg_top_largest(top, out, 5, &sampled), 0);
    assert_false(sampled);
    static const char *const texts[] = {"d", "a", "c", "b", "e", "a", "c", "c", "e"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_text(top, texts[i], 1);
    static const char *const expect[] = {"c", "a", "e", "b", "d"};
    for (size_t n = 0; n <= 5; n++) {
        assert_int_equal(vg_top_largest(top, out, n, &sampled), n);
        for (size_t i = 0; i < n; i++)
            assert_string_equal(out[i].label, expect[i]);
    }
    assert_int_equal(vg_top_count(top, "c", 1), 3);
    assert_int_equal(vg_top_count(top, "x", 1), 0);
    assert_int_equal(vg_top_size(top), 5);
    vg_top_free(top);
    vg_top_free(NULL);
}

static void test_labels(void **state)
{
    (void)state;
    char longest[301], cut[301], broken[301];
    memset(longest, 'x', 300);
    longest[300] = '\0';
    snprintf(cut, sizeof cut, "%.199s€ after", longest); /* the euro sign ends at byte 202 */
    snprintf(broken, sizeof broken, "%.199s\xff!", longest);
    const struct {
        const char *value;
        size_t len;
        const char *start;
    } cases[] = {
        {"", 0, ""},
        {longest, 200, longest},
        {cut, 199, longest},
        {broken, 199, longest},
        {"\xc3", 3, "\xef\xbf\xbd"},
        {"a\xffz", 5, "a\xef\xbf\xbdz"},
        {"Zürich", 7, "Zürich"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_top *top = vg_top_new(VG_TOP_EXACT);
        struct vg_top_entry entry;
        bool sampled;
        add_text(top, cases[i].value, 2);
        assert_int_equal(vg_top_largest(top, &entry, 1, &sampled), 1);
        assert_int_equal(strlen(entry.label), cases[i].len);
        assert_memory_equal(entry.label, cases[i].start, cases[i].len);
        assert_true(vg_utf8_valid(entry.label, strlen(entry.label)));
        assert_int_equal(vg_top_count(top, cases[i].value, strlen(cases[i].value)), 2);
        vg_top_free(top);
    }
}

/* Two long values that differ after the cut are two entries with one label. */
static void test_long_values_are_told_apart(void **state)
{
    (void)state;
    char a[300], b[300];
    struct vg_top_entry out[2];
    bool sampled;
    memset(a, 'y', sizeof a);
    a[299] = '\0';
    memcpy(b, a, sizeof b);
    b[298] = 'z';
    struct vg_top *top = vg_top_new(VG_TOP_EXACT);
    add_text(top, a, 1);
    add_text(top, b, 1);
    assert_int_equal(vg_top_largest(top, out, 2, &sampled), 2);
    assert_string_equal(out[0].label, out[1].label);
    assert_true(out[0].hash < out[1].hash);
    vg_top_free(top);
}

/* --- the sample ------------------------------------------------------------------------------- */

enum { VALUES = 26000, ROWS = 120000 };

struct row {
    uint64_t hash;
    uint32_t value;
};

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

static void add_rows(struct vg_top *top, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[24];
        snprintf(text, sizeof text, "v%u", rows[i].value);
        assert_int_equal(vg_top_add(top, rows[i].hash, 1, slice_of(text)), 0);
    }
}

/* Skewed: small numbers come often, most of the values once or twice. */
static void make_rows(struct chance *chance, struct row *rows, size_t n, uint32_t values)
{
    for (size_t i = 0; i < n; i++) {
        double skewed = chance_unit(chance) * chance_unit(chance);
        char text[24];
        rows[i].value = (uint32_t)(skewed * values);
        int len = snprintf(text, sizeof text, "v%u", rows[i].value);
        rows[i].hash = vg_hash64(text, (size_t)len);
    }
}

/* The table against a recount of all rows: the smallest hashes, each with all its rows. */
static void assert_recount(const struct vg_top *top, const struct row *rows, size_t n)
{
    struct row *sorted = vg_array(n, sizeof *sorted);
    struct vg_top_entry *list = vg_array(vg_top_size(top), sizeof *list);
    size_t k = 0;
    assert_true(sorted && list);
    memcpy(sorted, rows, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_rows);
    vg_top_list(top, list);
    for (size_t i = 0, j; i < n; i = j, k++) {
        for (j = i; j < n && sorted[j].hash == sorted[i].hash;)
            j++;
        if (k >= VG_TOP_EXACT)
            continue;
        char text[24];
        snprintf(text, sizeof text, "v%u", sorted[i].value);
        assert_true(k < vg_top_size(top) && list[k].hash == sorted[i].hash);
        assert_int_equal(list[k].count, j - i);
        assert_string_equal(list[k].label, text);
    }
    assert_int_equal(vg_top_size(top), k < VG_TOP_EXACT ? k : VG_TOP_EXACT);
    assert_int_equal(vg_top_sampled(top), k > VG_TOP_EXACT);
    free(sorted);
    free(list);
}

static void shuffle(struct chance *chance, struct row *rows, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = chance_below(chance, (uint32_t)i);
        struct row held = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = held;
    }
}

enum order { SHUFFLED, ASCENDING, DESCENDING, ORDERS };

static void arrange(struct chance *chance, struct row *rows, size_t n, enum order order)
{
    shuffle(chance, rows, n);
    if (order == SHUFFLED)
        return;
    qsort(rows, n, sizeof *rows, compare_rows);                 /* evicts nothing */
    for (size_t i = 0; order == DESCENDING && i < n / 2; i++) { /* evicts most */
        struct row held = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = held;
    }
}

/* Rows as given and in random parts. */
static void check_sample(struct chance *chance, const struct row *rows, size_t all)
{
    struct vg_top *whole = vg_top_new(VG_TOP_EXACT), *merged = vg_top_new(VG_TOP_EXACT);
    add_rows(whole, rows, all);
    assert_recount(whole, rows, all);
    for (size_t from = 0, n; from < all; from += n) {
        struct vg_top *part = vg_top_new(VG_TOP_EXACT);
        n = chance_below(chance, 70000);
        n = n < all - from ? n : all - from;
        add_rows(part, rows + from, n);
        assert_int_equal(vg_top_merge(merged, part), 0);
        vg_top_free(part);
    }
    assert_recount(merged, rows, all);
    vg_top_free(whole);
    vg_top_free(merged);
}

static void test_sample_in_any_split_and_order(void **state)
{
    (void)state;
    static const uint32_t values[] = {40, 9000, 13000, VALUES};
    struct chance chance = {4};
    struct row *rows = vg_array(ROWS, sizeof *rows);
    assert_non_null(rows);
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        make_rows(&chance, rows, ROWS, values[v]);
        for (int order = 0; order < ORDERS; order++) {
            arrange(&chance, rows, ROWS, (enum order)order);
            check_sample(&chance, rows, ROWS);
        }
    }
    free(rows);
}

/* Exactly as many values as are kept: no sample; one more: a sample. */
static void test_edge_of_the_sample(void **state)
{
    (void)state;
    struct vg_top *top = vg_top_new(VG_TOP_EXACT);
    char text[24];
    for (uint32_t i = 0; i < 3 * VG_TOP_EXACT; i++) {
        snprintf(text, sizeof text, "v%u", i % VG_TOP_EXACT);
        add_text(top, text, 1);
    }
    assert_int_equal(vg_top_size(top), VG_TOP_EXACT);
    assert_false(vg_top_sampled(top));
    add_text(top, "one more", 1);
    assert_int_equal(vg_top_size(top), VG_TOP_EXACT);
    assert_true(vg_top_sampled(top));
    struct vg_top *copy = vg_top_new(VG_TOP_EXACT); /* all it holds finds room there */
    assert_int_equal(vg_top_merge(copy, top), 0);
    assert_true(vg_top_sampled(copy));
    vg_top_free(copy);
    vg_top_free(top);
}

/* Tables that may keep little, of parts and of the whole, and of parts that may keep more. */
static void test_small_tables(void **state)
{
    (void)state;
    enum { SOME = 300, SMALL = 20 };
    struct vg_top *whole = vg_top_new(SMALL), *merged = vg_top_new(SMALL), *wide = vg_top_new(50);
    struct vg_top *part = vg_top_new(SMALL), *large = vg_top_new(SOME);
    char text[16];
    for (uint32_t i = 0; i < 5 * SOME; i++) {
        snprintf(text, sizeof text, "v%u", i * 7 % SOME);
        add_text(whole, text, 1);
        add_text(i % 3 ? merged : part, text, 1);
        add_text(wide, text, 1);
        add_text(large, text, 1);
    }
    assert_int_equal(vg_top_merge(merged, part), 0);
    struct vg_top *cut = vg_top_new(SOME);
    assert_int_equal(vg_top_merge(cut, large), 0); /* all of them */
    assert_int_equal(vg_top_size(cut), SOME);
    assert_false(vg_top_sampled(cut));
    struct vg_top *empty = vg_top_new(SOME);
    assert_int_equal(vg_top_merge(empty, whole), 0);
    assert_int_equal(vg_top_size(empty), SMALL);
    assert_int_equal(vg_top_merge(large, wide), 0); /* cut to 50, counts added where both hold it */
    assert_int_equal(vg_top_size(large), 50);
    assert_true(vg_top_sampled(large) && vg_top_sampled(merged) && vg_top_sampled(whole));
    struct vg_top_entry a[SMALL], b[SMALL], c[50];
    vg_top_list(whole, a);
    vg_top_list(merged, b);
    vg_top_list(large, c);
    for (size_t i = 0; i < SMALL; i++) {
        assert_true(a[i].hash == b[i].hash && a[i].count == b[i].count && a[i].count == 5);
        assert_true(a[i].hash == c[i].hash && c[i].count == 10);
    }
    struct vg_top *all[] = {whole, merged, wide, part, large, cut, empty};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        vg_top_free(all[i]);
}

/* The order that is kept is that of the counts, and goes with them. */
static void test_kept_order(void **state)
{
    struct vg_top *top = vg_top_new(100);
    struct vg_top_entry before[100], after[100], all[100];
    bool sampled;
    (void)state;
    assert_non_null(top);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 30; i++) {
            char label[16];
            int len = snprintf(label, sizeof label, "v%d", i * (round + 1));
            struct vg_slice slice = {label, (uint32_t)len};
            uint64_t hash = vg_hash64(label, (size_t)len), times = (uint64_t)(i * 7 % 13 + 1);
            assert_int_equal(vg_top_add(top, hash, times, slice), 0);
        }
        size_t n = vg_top_largest(top, before, 100, &sampled);
        assert_int_equal(vg_top_rank(top), 0);
        assert_int_equal(vg_top_largest(top, after, 100, &sampled), n);
        assert_memory_equal(before, after, n * sizeof *before);
        assert_int_equal(vg_top_largest(top, after, 3, &sampled), 3);
        assert_memory_equal(before, after, 3 * sizeof *before);
        uint64_t sum = 0, rows = 0;
        vg_top_all(top, all);
        for (size_t i = 0; i < n; i++) {
            sum += all[i].count;
            rows += before[i].count;
        }
        assert_int_equal(sum, rows);
    }
    vg_top_free(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_small_tables),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_long_values_are_told_apart),
        cmocka_unit_test(test_sample_in_any_split_and_order),
        cmocka_unit_test(test_edge_of_the_sample),
        cmocka_unit_test(test_kept_order),
    };
    return cmocka_run_group_tests_name("test_summary_top", tests, NULL, NULL);
}
