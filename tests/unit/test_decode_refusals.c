/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder against bytes that no server would send: refused, never believed, never a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/stream_kit.h"

static void test_kind_and_type_must_agree(void **state)
{
    (void)state;
    static const struct vg_query_column wrong[] = {
        {.kind = VG_KIND_NUMBER, .wire_oid = VG_OID_TEXT},
        {.kind = VG_KIND_NUMBER, .wire_oid = 99999},
        {.kind = VG_KIND_TIME, .wire_oid = VG_OID_INT8},
        {.kind = VG_KIND_TEXT, .wire_oid = VG_OID_BOOL},
    };
    struct vg_decoder *decoder;
    struct vg_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(vg_decoder_new(&wrong[i], 1, kit_note_batch, NULL, &decoder, &err), -1);
        assert_int_equal(err.code, VG_E_INTERNAL);
    }
}

static void expect_refusal(const char *bytes, size_t n, const char *what)
{
    for (size_t piece = 1; piece <= n; piece += n > 1 ? n - 1 : 1) {
        struct vg_buf stream = {.data = (char *)(uintptr_t)bytes, .len = n};
        struct seen seen;
        struct vg_error err = {0};
        kit_clear_seen(&seen);
        if (kit_decode(kit_mixed, 4, &stream, piece, &seen, &err) != -1 || err.code != VG_E_DATA)
            fail_msg("%s: not refused (%s)", what, err.msg);
        vg_buf_free(&seen.raw);
    }
}

static void test_refusals(void **state)
{
    (void)state;
#define HEAD "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
    static const struct {
        const char *what, *bytes;
        size_t n;
    } cases[] = {
#define CASE(what, bytes) {what, bytes, sizeof(bytes) - 1}
        CASE("empty", "P"),
        CASE("no signature", "PGCOPX\n\377\r\n\0\0\0\0\0\0\0\0\0"),
        CASE("text", "1\t2\n"),
        CASE("row identities", "PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0"),
        CASE("endless extension", "PGCOPY\n\377\r\n\0\0\0\0\0\177\377\377\377"),
        CASE("no trailer", HEAD),
        CASE("too few fields", HEAD "\0\3"),
        CASE("too many fields", HEAD "\0\5"),
        CASE("negative count", HEAD "\377\376"),
        CASE("length -2", HEAD "\0\4\377\377\377\376"),
        CASE("int4 of 3 bytes", HEAD "\0\4\0\0\0\3abc"),
        CASE("int4 of 2 GB", HEAD "\0\4\177\377\377\377"),
        CASE("half a row", HEAD "\0\4\0\0\0\4abcd"),
        CASE("bytes after the end", HEAD "\377\377x"),
        CASE("bad numeric", HEAD "\0\4\377\377\377\377\0\0\0\3abc\377\377\377\377\377\377\377\377"
                                 "\377\377"),
        CASE("numeric digit 10000", HEAD "\0\4\377\377\377\377\0\0\0\12\0\1\0\0\0\0\0\0\47\20"
                                         "\377\377\377\377\377\377\377\377\377\377"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refusal(cases[i].bytes, cases[i].n, cases[i].what);
}

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Streams with a few bytes changed, cut or doubled: any answer but a crash; rows only if whole. */
static void test_mutations(void **state)
{
    (void)state;
    struct vg_buf original;
    kit_make_mixed(&original, 40, 30);
    size_t good = 0;
    random_state = 20010612;
    for (size_t round = 0; round < 8000; round++) {
        struct vg_buf stream;
        vg_buf_init(&stream, 1 << 20);
        vg_buf_add(&stream, original.data, original.len);
        for (size_t k = next_random() % 4; k < 4; k++)
            stream.data[next_random() % stream.len] =
                (char)(next_random() % 3 ? next_random() : 255);
        if (next_random() % 4 == 0)
            stream.len = next_random() % stream.len;
        struct seen seen;
        struct vg_error err;
        kit_clear_seen(&seen);
        if (kit_decode(kit_mixed, 4, &stream, 1 + next_random() % 400, &seen, &err) == 0)
            good++;
        else
            assert_true(err.code == VG_E_DATA || err.code == VG_E_LIMIT);
        vg_buf_free(&seen.raw);
        vg_buf_free(&stream);
    }
    assert_in_range(good, 1, 7999);
    vg_buf_free(&original);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_and_type_must_agree),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("decode_refusals", tests, NULL, NULL);
}
