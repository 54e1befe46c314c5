/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory: arenas (alignment, zeroes, large pieces, overflow), growing arrays, buffers with their
 * maximum. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/mem.h"

static bool is_zero(const void *data, size_t n)
{
    const char *bytes = data;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* Sizes around those of the blocks; every piece is zeroed, aligned and its own. */
static void test_arena_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,    7,    16, 17,    100, 4000,    4095,    4096,
                                   4097, 9000, 3,  70000, 1,   2000000, 1048576, 5};
    enum { PIECES = 400 };
    static unsigned char *pieces[PIECES];
    struct vg_arena *arena = vg_arena_new();
    assert_non_null(arena);
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = sizes[i % (sizeof sizes / sizeof *sizes)];
        size = size > 10000 && i > 32 ? 1000 : size;
        pieces[i] = vg_arena_alloc(arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        assert_true(is_zero(pieces[i], size));
        memset(pieces[i], (int)(i % 255) + 1, size);
    }
    for (size_t i = 0; i < PIECES; i++)
        assert_int_equal(*pieces[i], (i % 255) + 1); /* no later piece lies over it */
    vg_arena_free(arena);
    vg_arena_free(NULL);
}

static void test_arena_limits(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    assert_non_null(arena);
    assert_null(vg_arena_alloc(arena, SIZE_MAX));
    assert_null(vg_arena_alloc(arena, SIZE_MAX / 2 + 1));
    assert_null(vg_arena_array(arena, SIZE_MAX, 2));
    assert_null(vg_arena_array(arena, SIZE_MAX / 8, 16));
    assert_non_null(vg_arena_array(arena, 0, 8));
    assert_non_null(vg_arena_array(arena, 8, 0));
    double *numbers = vg_arena_array(arena, 1000, sizeof *numbers);
    assert_non_null(numbers);
    assert_true(is_zero(numbers, 1000 * sizeof *numbers));
    vg_arena_free(arena);
}

static void test_arena_texts(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    assert_non_null(arena);
    assert_string_equal(vg_arena_strdup(arena, "text"), "text");
    assert_string_equal(vg_arena_strdup(arena, ""), "");
    assert_null(vg_arena_strdup(arena, NULL));
    assert_string_equal(vg_arena_strndup(arena, "text", 2), "te");
    assert_null(vg_arena_strndup(arena, NULL, 2));
    assert_string_equal(vg_arena_printf(arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(vg_arena_printf(arena, "%s", ""), "");
    char *wide = vg_arena_printf(arena, "%*d", 20000, 7);
    assert_non_null(wide);
    assert_int_equal(strlen(wide), 20000);
    vg_arena_free(arena);
}

static void test_arrays(void **state)
{
    (void)state;
    int *items = vg_array(100, sizeof *items);
    assert_non_null(items);
    assert_true(is_zero(items, 100 * sizeof *items));
    free(items);
    /* sizes the compiler cannot see, or it would warn of them */
    volatile size_t huge = SIZE_MAX / 2;
    assert_null(vg_array(huge, 4));
    void *nothing = vg_array(0, 4);
    assert_non_null(nothing);
    free(nothing);
}

static void test_grow(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    for (size_t need = 1; need <= 1000; need++) {
        assert_int_equal(vg_grow((void **)&items, &capacity, need, sizeof *items), 0);
        assert_true(capacity >= need && (capacity < 2 * need || capacity == 8));
        items[need - 1] = (int)need;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i + 1);
    int *before = items;
    size_t was = capacity;
    assert_int_equal(vg_grow((void **)&items, &capacity, SIZE_MAX, sizeof *items), -1);
    assert_int_equal(vg_grow((void **)&items, &capacity, SIZE_MAX / 4, sizeof *items), -1);
    assert_true(items == before && capacity == was);
    free(items);
}

static void test_buffer(void **state)
{
    (void)state;
    struct vg_buf buf;
    vg_buf_init(&buf, 1000);
    assert_string_equal(buf.data, "");
    vg_buf_clear(&buf);
    vg_buf_puts(&buf, "ab");
    vg_buf_putc(&buf, 'c');
    vg_buf_add(&buf, "\0d", 2);
    vg_buf_printf(&buf, "%03d", 7);
    vg_buf_add(&buf, NULL, 0);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf.data, "abc\0d007", 9);
    vg_buf_clear(&buf);
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.len, 0);
    vg_buf_puts(&buf, "again");
    char *taken = vg_buf_take(&buf);
    assert_string_equal(taken, "again");
    assert_string_equal(buf.data, "");
    free(taken);
    taken = vg_buf_take(&buf); /* of an empty one: an empty text that can be freed */
    assert_string_equal(taken, "");
    free(taken);
    vg_buf_free(&buf);
    vg_buf_free(&buf);
}

/* All of it fits up to the maximum; one byte more fails, and what follows does nothing. */
static void test_buffer_maximum(void **state)
{
    (void)state;
    for (size_t max = 0; max < 40; max++) {
        struct vg_buf buf;
        vg_buf_init(&buf, max);
        for (size_t i = 0; i < max; i++)
            vg_buf_putc(&buf, 'x');
        assert_false(buf.failed);
        assert_int_equal(strlen(buf.data), max);
        vg_buf_printf(&buf, "%s", "y");
        assert_true(buf.failed);
        vg_buf_add(&buf, "", 0);
        vg_buf_puts(&buf, "");
        assert_int_equal(strlen(buf.data), max);
        vg_buf_clear(&buf);
        assert_false(buf.failed);
        vg_buf_printf(&buf, "%s%s", max ? "z" : "", "");
        assert_int_equal(buf.len, max ? 1 : 0);
        vg_buf_add(&buf, "abc", SIZE_MAX - 1); /* a length that would overflow */
        assert_true(buf.failed);
        assert_null(vg_buf_take(&buf));
        assert_false(buf.failed);
        assert_string_equal(buf.data, "");
        vg_buf_free(&buf);
    }
}

/* --- What is overwritten ---------------------------------------------------------------------- */

static void test_wiped_arena(void **state)
{
    (void)state;
    for (int wiped = 0; wiped < 2; wiped++) {
        struct vg_arena *arena = wiped ? vg_arena_new_wiped() : vg_arena_new();
        assert_non_null(arena);
        size_t before = vg_wiped_bytes(), given = 0;
        for (size_t n = 1; n < 100000; given += n, n *= 3)
            memset(vg_arena_alloc(arena, n), 'x', n);
        vg_arena_free(arena);
        if (wiped)
            assert_true(vg_wiped_bytes() - before >= given);
        else
            assert_int_equal(vg_wiped_bytes(), before);
    }
}

static void test_wiped_buffer(void **state)
{
    (void)state;
    struct vg_buf buf;
    vg_buf_init_wiped(&buf, 5000);
    size_t before = vg_wiped_bytes();
    for (int i = 0; i < 5000; i++)
        vg_buf_putc(&buf, (char)('a' + i % 26));
    assert_int_equal(buf.len, 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    assert_true(vg_wiped_bytes() - before >= 4000); /* what it has grown out of */
    before = vg_wiped_bytes();
    vg_buf_putc(&buf, 'x');
    assert_true(buf.failed);
    size_t cap = buf.cap;
    vg_buf_free(&buf);
    assert_int_equal(vg_wiped_bytes() - before, cap);
    assert_true(buf.wiped);
}

static void test_wiped_allocation(void **state)
{
    (void)state;
    char *data = vg_wiped_calloc(10, 10);
    assert_non_null(data);
    for (int i = 0; i < 100; i++)
        assert_int_equal(data[i], 0);
    memset(data, 'y', 100);
    size_t before = vg_wiped_bytes();
    data = vg_wiped_realloc(data, 300);
    assert_int_equal(vg_wiped_bytes() - before, 100);
    assert_int_equal(data[99], 'y');
    data = vg_wiped_realloc(data, 3);
    assert_int_equal(vg_wiped_bytes() - before, 400);
    assert_memory_equal(data, "yyy", 3);
    vg_wiped_free(data);
    assert_int_equal(vg_wiped_bytes() - before, 403);
    vg_wiped_free(NULL);
    char *text = vg_wiped_strdup("abc");
    assert_string_equal(text, "abc");
    vg_wiped_free(text);
    assert_int_equal(vg_wiped_bytes() - before, 407);
    vg_wiped_free(vg_wiped_realloc(NULL, 5));
    assert_null(vg_wiped_calloc(SIZE_MAX / 2, 3));
    assert_null(vg_wiped_malloc(SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_pieces),   cmocka_unit_test(test_arena_limits),
        cmocka_unit_test(test_arena_texts),    cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_grow),           cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_buffer_maximum), cmocka_unit_test(test_wiped_arena),
        cmocka_unit_test(test_wiped_buffer),   cmocka_unit_test(test_wiped_allocation),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
