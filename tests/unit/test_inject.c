/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agent/inject*.c: what is written and what it does to rows. */
#include "agent/inject.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgvigil/text.h"

enum { ROWS = 1000 };

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not %.17g", a, b);
}

static struct vg_injection parse(struct vg_arena *arena, const char *text)
{
    struct vg_error err = {0};
    struct vg_injection out;
    if (vg_inject_parse(text, arena, &out, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return out;
}

static void test_reads(void **state)
{
    static const struct {
        const char *text, *column, *value;
        enum vg_inject_kind kind;
        double amount;
        bool in_sd;
        const char *from, *to;
    } cases[] = {
        {"x: shift 0.25sd from 2001-04-01", "x", NULL, VG_INJECT_SHIFT, 0.25, true,
         "2001-04-01T00:00:00Z", NULL},
        {"  x :shift -3 from 2001-04-01T01:30 to 2001-05-01 ", "x", NULL, VG_INJECT_SHIFT, -3,
         false, "2001-04-01T01:30:00Z", "2001-05-01T00:00:00Z"},
        {"\"a: \"\"b\": scale 1.5 from 2001-04-01", "a: \"b", NULL, VG_INJECT_SCALE, 1.5, false,
         "2001-04-01T00:00:00Z", NULL},
        {"x: unit 60 from 2001-04-01", "x", NULL, VG_INJECT_UNIT, 60, false, "2001-04-01T00:00:00Z",
         NULL},
        {"x: nulls 5% from 2001-04-01", "x", NULL, VG_INJECT_NULLS, 0.05, false,
         "2001-04-01T00:00:00Z", NULL},
        {"x: share 'it''s from' 0.1 from 2001-04-01", "x", "it's from", VG_INJECT_SHARE, 0.1, false,
         "2001-04-01T00:00:00Z", NULL},
        {"x: new 1% from 2001-04-01", "x", "(injected)", VG_INJECT_NEW, 0.01, false,
         "2001-04-01T00:00:00Z", NULL},
        {"x: new ZZZ 1% from 2001-04-01", "x", "ZZZ", VG_INJECT_NEW, 0.01, false,
         "2001-04-01T00:00:00Z", NULL},
        {"x: stuck from 2001-04-01", "x", NULL, VG_INJECT_STUCK, 0, false, "2001-04-01T00:00:00Z",
         NULL},
        {"*: duplicated 100% from 2001-04-01", NULL, NULL, VG_INJECT_DUPLICATED, 1, false,
         "2001-04-01T00:00:00Z", NULL},
        {"\"*\": stuck from 2001-04-01", "*", NULL, VG_INJECT_STUCK, 0, false,
         "2001-04-01T00:00:00Z", NULL},
    };
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_injection got = parse(arena, cases[i].text);
        char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
        assert_true(vg_streq(got.column, cases[i].column));
        assert_true(vg_streq(got.value, cases[i].value));
        assert_int_equal(got.kind, cases[i].kind);
        assert_near(got.amount, cases[i].amount, 0);
        assert_int_equal(got.in_sd, cases[i].in_sd);
        assert_string_equal(vg_format_time(got.from_us, from), cases[i].from);
        if (cases[i].to)
            assert_string_equal(vg_format_time(got.to_us, to), cases[i].to);
        else
            assert_true(got.to_us == VG_NEVER);
    }
    vg_arena_free(arena);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "colon"},
        {"x", "colon"},
        {": shift 1 from 2001-04-01", "colon"},
        {"\"x: shift 1 from 2001-04-01", "colon"},
        {"x:", "missing behind the column"},
        {"x: shfit 1 from 2001-04-01", "there is no change shfit"},
        {"x: shift from 2001-04-01", "is not a number"},
        {"x: shift sd from 2001-04-01", "is not a number"},
        {"x: shift 1e999 from 2001-04-01", "is not a number"},
        {"x: scale 2sd from 2001-04-01", "is not a number"},
        {"x: shift 0sd from 2001-04-01", "shift 0sd changes nothing"},
        {"x: scale 1 from 2001-04-01", "scale 1 changes nothing"},
        {"x: unit 1.0 from 2001-04-01", "unit 1.0 changes nothing"},
        {"x: nulls 0 from 2001-04-01", "not a share"},
        {"x: nulls 101% from 2001-04-01", "not a share"},
        {"x: nulls", "needs a share"},
        {"x: share 5% from 2001-04-01", "needs a value and a share"},
        {"x: share 'a 5% from 2001-04-01", "quote is not closed"},
        {"x: shift 1", "from when on"},
        {"x: shift 1 from", "is not a time"},
        {"x: shift 1 from tomorrow", "is not a time"},
        {"x: shift 1 from 2001-04-01 to 2001-04-01", "ends before it begins"},
        {"x: shift 1 from 2001-04-01 until 2001-04-02", "not understood"},
        {"*: shift 1 from 2001-04-01", "is of a column"},
        {"x: duplicated 10% from 2001-04-01", "whole rows"},
        {"x: shift 1 2 3 4 5 6 7 8 9", "too many words"},
    };
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_error err = {0};
        struct vg_injection out;
        assert_int_equal(vg_inject_parse(cases[i].text, arena, &out, &err), -1);
        assert_int_equal(err.code, VG_E_USAGE);
        if (!strstr(err.msg, cases[i].said))
            fail_msg("%s: %s", cases[i].text, err.msg);
    }
    vg_arena_free(arena);
}

/* --- rows --- */

/* Columns: n int4, f float8, t text, b boolean, and n once more, with its wire bytes. */
static struct vg_catalog_column columns[] = {
    {.name = "n", .quoted = "n", .wire_oid = 23, .kind = VG_KIND_NUMBER},
    {.name = "f", .quoted = "f", .wire_oid = 701, .kind = VG_KIND_NUMBER},
    {.name = "t", .quoted = "t", .wire_oid = 25, .kind = VG_KIND_TEXT},
    {.name = "b", .quoted = "b", .wire_oid = 16, .kind = VG_KIND_BOOL},
    {.name = "u", .quoted = "u", .wire_oid = 2950, .kind = VG_KIND_TEXT},
    {.name = "unread", .quoted = "unread", .wire_oid = 701, .kind = VG_KIND_NUMBER},
};
static const struct vg_catalog catalog = {.columns = columns, .n = 6};
static const char *const items[] = {"n", "f", "t", "b", "n"};
enum { ITEMS = 5 };

struct rows {
    uint8_t state[ROWS], special[ROWS];
    double n[ROWS], f[ROWS], b[ROWS];
    struct vg_slice t[ROWS];
    int64_t at_us[ROWS];
    struct vg_column cols[ITEMS];
    struct vg_batch batch;
};

static void fill(struct rows *rows, int64_t from_us)
{
    static const char *const words[] = {"red", "green"};
    memset(rows, 0, sizeof *rows);
    for (size_t r = 0; r < ROWS; r++) {
        rows->n[r] = (double)(r % 10);
        rows->f[r] = (double)r / 7;
        rows->t[r] = (struct vg_slice){words[r % 2], (uint32_t)strlen(words[r % 2])};
        rows->at_us[r] = from_us + (int64_t)r * VG_MINUTE_US;
        rows->special[r] = r % 100 == 99 ? VG_CELL_NULL : VG_CELL_VALUE;
    }
    rows->cols[0] = (struct vg_column){VG_KIND_NUMBER, 23, 0, rows->state, rows->n, NULL};
    rows->cols[1] = (struct vg_column){VG_KIND_NUMBER, 701, 10, rows->special, rows->f, NULL};
    rows->cols[2] = (struct vg_column){VG_KIND_TEXT, 25, 0, rows->state, NULL, rows->t};
    rows->cols[3] = (struct vg_column){VG_KIND_BOOL, 16, 0, rows->state, rows->b, NULL};
    rows->cols[4] = rows->cols[0];
    rows->batch = (struct vg_batch){ROWS, ITEMS, rows->cols};
}

struct bench {
    struct vg_arena *arena;
    struct vg_injection injections[4];
    size_t n;
    struct vg_injector *injector;
    struct rows rows;
    struct vg_batch out;
    const uint8_t *times;
};

static void bind_text(struct bench *bench, const char *const *texts, size_t n)
{
    const struct vg_inject_scan scan = {&catalog, NULL, items, ITEMS, "at"};
    struct vg_error err = {0};
    uint32_t unread;
    memset(bench, 0, sizeof *bench);
    bench->arena = vg_arena_new();
    for (size_t i = 0; i < n; i++)
        bench->injections[i] = parse(bench->arena, texts[i]);
    if (vg_injector_new(bench->injections, n, &scan, &bench->injector, &unread, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(unread, 0);
}

static void apply(struct bench *bench, int64_t from_us)
{
    struct vg_error err = {0};
    fill(&bench->rows, from_us);
    assert_int_equal(vg_injector_apply(bench->injector, &bench->rows.batch, bench->rows.at_us,
                                       &bench->out, &bench->times, &err),
                     0);
}

static void done(struct bench *bench)
{
    vg_injector_free(bench->injector);
    vg_arena_free(bench->arena);
    free(bench);
}

static struct bench *run(const char *text)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bind_text(bench, &text, 1);
    apply(bench, 0); /* from 1970-01-01, a minute apart; the change is at 08:20, row 500 */
    return bench;
}

static void test_numbers(void **state)
{
    (void)state;
    struct bench *bench = run("f: shift 2.5 from 1970-01-01T08:20");
    assert_null(bench->times);
    for (size_t r = 0; r < ROWS; r++) {
        double was = bench->rows.f[r], is = bench->out.cols[1].num[r];
        bool null = bench->rows.special[r] == VG_CELL_NULL;
        assert_near(is - was, r >= 500 && !null ? 2.5 : 0, 1e-12);
    }
    assert_int_equal(bench->out.cols[1].special, 10);
    assert_ptr_equal(bench->out.cols[0].num, bench->rows.n);
    done(bench);
    bench = run("f: unit 60 from 1970-01-01T08:20 to 1970-01-01T10:00");
    assert_near(bench->out.cols[1].num[499], bench->rows.f[499], 0);
    assert_near(bench->out.cols[1].num[500], 60 * bench->rows.f[500], 1e-9);
    assert_near(bench->out.cols[1].num[600], bench->rows.f[600], 0);
    done(bench);
}

/* Whole numbers stay whole, and their mean moves by a part of one. Both items of the column. */
static void test_whole_numbers(void **state)
{
    (void)state;
    struct bench *bench = run("n: shift 0.25 from 1970-01-01");
    double moved = 0;
    for (size_t r = 0; r < ROWS; r++) {
        double is = bench->out.cols[0].num[r];
        assert_near(is, floor(is), 0);
        assert_near(is, bench->out.cols[4].num[r], 0);
        moved += is - bench->rows.n[r];
    }
    assert_near(moved / ROWS, 0.25, 0.05);
    done(bench);
}

static void test_shares(void **state)
{
    static const struct {
        const char *text;
        size_t column;
        const char *value;
    } cases[] = {
        {"t: nulls 20% from 1970-01-01T08:20", 2, NULL},
        {"t: share blue 20% from 1970-01-01T08:20", 2, "blue"},
        {"t: new 20% from 1970-01-01T08:20", 2, "(injected)"},
        {"b: share true 20% from 1970-01-01T08:20", 3, "true"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench *bench = run(cases[i].text);
        const struct vg_column *column = &bench->out.cols[cases[i].column];
        size_t early = 0, late = 0;
        for (size_t r = 0; r < ROWS; r++) {
            bool met = cases[i].column == 3 ? column->num[r] == 1
                       : cases[i].value
                           ? column->raw[r].len == strlen(cases[i].value) &&
                                 !memcmp(column->raw[r].data, cases[i].value, column->raw[r].len)
                           : column->state[r] == VG_CELL_NULL && !column->raw[r].len;
            *(r < 500 ? &early : &late) += met;
        }
        assert_int_equal(early, 0);
        assert_in_range(late, 60, 140);
        assert_int_equal(column->special, cases[i].value ? 0 : late);
        done(bench);
    }
}

static void test_stuck(void **state)
{
    (void)state;
    struct bench *bench = run("t: stuck from 1970-01-01T08:20 to 1970-01-02T00:00");
    for (size_t r = 0; r < ROWS; r++) {
        struct vg_slice is = bench->out.cols[2].raw[r];
        struct vg_slice due = r < 500 ? bench->rows.t[r] : bench->rows.t[499];
        assert_int_equal(is.len, due.len);
        assert_memory_equal(is.data, due.data, due.len);
    }
    /* Batches later the value is still the one from before; behind the end it is no more. */
    apply(bench, (24 * 60 - 500) * VG_MINUTE_US);
    assert_memory_equal(bench->out.cols[2].raw[498].data, "green", 5);
    assert_memory_equal(bench->out.cols[2].raw[500].data, "red", 3);
    assert_memory_equal(bench->out.cols[2].raw[0].data, "green", 5);
    done(bench);
}

static void test_rows(void **state)
{
    static const char *const texts[] = {"*: duplicated 30% from 1970-01-01T08:20",
                                        "*: missing 40% from 1970-01-01T08:20"};
    (void)state;
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bind_text(bench, texts, 2);
    apply(bench, 0);
    size_t count[3] = {0};
    for (size_t r = 0; r < ROWS; r++) {
        assert_in_range(bench->times[r], 0, 2);
        assert_true(r >= 500 || bench->times[r] == 1);
        count[bench->times[r]] += r >= 500;
    }
    assert_in_range(count[0], 150, 250); /* 40 % of 500 */
    assert_in_range(count[2], 60, 120);  /* 18 % */
    /* The same stream again is the same. */
    uint8_t first[ROWS];
    memcpy(first, bench->times, sizeof first);
    vg_injector_free(bench->injector);
    vg_arena_free(bench->arena);
    bind_text(bench, texts, 2);
    apply(bench, 0);
    assert_memory_equal(first, bench->times, sizeof first);
    done(bench);
}

static void test_fits(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"none: stuck from 1970-01-01", "no such column"},
        {"t: shift 1 from 1970-01-01", "no numbers"},
        {"n: share 1 5% from 1970-01-01", "no category"},
        {"u: new 5% from 1970-01-01", "no category"},
        {"b: new 5% from 1970-01-01", "no category"},
        {"b: share maybe 5% from 1970-01-01", "true or false"},
        {"n: shift 1sd from 1970-01-01", "spread"},
        {"f: nulls 5% from 1970-01-01", "time column"},
        {"n: scale 2 from 1970-01-01", "spread"},
    };
    (void)state;
    const struct vg_inject_scan scan = {&catalog, NULL, items, ITEMS, "f"};
    struct vg_arena *arena = vg_arena_new();
    struct vg_injector *injector;
    uint32_t unread;
    struct vg_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vg_injection one = parse(arena, cases[i].text);
        assert_int_equal(vg_injector_new(&one, 1, &scan, &injector, &unread, &err), -1);
        assert_int_equal(err.code, VG_E_USAGE);
        if (!strstr(err.msg, cases[i].said))
            fail_msg("%s: %s", cases[i].text, err.msg);
    }
    struct vg_injection two[] = {parse(arena, "t: stuck from 1970-01-01"),
                                 parse(arena, "unread: shift 1 from 1970-01-01")};
    assert_int_equal(vg_injector_new(two, 2, &scan, &injector, &unread, &err), 0);
    assert_int_equal(unread, 2);
    vg_injector_free(injector);
    vg_arena_free(arena);
}

/* A value of the reference is no new one; without a reference nothing is known. */
static void test_new_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool reference;
        int want;
    } cases[] = {
        {"t: new DE 5% from 1970-01-01", true, -1},
        {"t: new DEU 5% from 1970-01-01", true, 0},
        {"t: share DE 5% from 1970-01-01", true, 0},
        {"t: new DE 5% from 1970-01-01", false, 0},
    };
    struct vg_arena *arena = vg_arena_new();
    struct vg_error err = {0};
    struct vg_column_summary total;
    assert_int_equal(vg_column_init(&total, "t", VG_KIND_TEXT, NULL, VG_PART_TOP, &err), 0);
    const uint8_t fine[] = {VG_CELL_VALUE};
    struct vg_slice raw[] = {{"DE", 2}};
    struct vg_column one = {.kind = VG_KIND_TEXT, .state = fine, .raw = raw};
    assert_int_equal(vg_column_count(&total, &one, 1, &err), 0);
    struct vg_reference_column column = {.name = "t", .kind = VG_KIND_TEXT, .total = &total};
    struct vg_reference reference = {.columns = &column, .ncolumns = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct vg_inject_scan scan = {&catalog, cases[i].reference ? &reference : NULL, items,
                                            ITEMS, NULL};
        struct vg_injection change = parse(arena, cases[i].text);
        struct vg_injector *injector = NULL;
        uint32_t unread;
        assert_int_equal(vg_injector_new(&change, 1, &scan, &injector, &unread, &err),
                         cases[i].want);
        if (cases[i].want < 0)
            assert_non_null(strstr(err.msg, "the value is in the reference"));
        else
            vg_injector_free(injector);
    }
    vg_column_clear(&total);
    vg_arena_free(arena);
}

/* Mean and standard deviation are the reference's. */
static void test_of_reference(void **state)
{
    (void)state;
    struct vg_arena *arena = vg_arena_new();
    struct vg_error err = {0};
    struct vg_column_summary total;
    assert_int_equal(vg_column_init(&total, "f", VG_KIND_NUMBER, NULL, 0, &err), 0);
    const double values[] = {8, 12};
    const uint8_t fine[] = {0, 0};
    struct vg_column two = {VG_KIND_NUMBER, 701, 0, fine, values, NULL};
    assert_int_equal(vg_column_count(&total, &two, 2, &err), 0);
    struct vg_reference_column column = {.name = "f", .kind = VG_KIND_NUMBER, .total = &total};
    struct vg_reference reference = {.columns = &column, .ncolumns = 1};
    const struct vg_inject_scan scan = {&catalog, &reference, items, ITEMS, NULL};
    double sd = vg_column_stddev(&total);
    static const char *const texts[] = {"f: shift 2sd from 1970-01-01",
                                        "f: scale 3 from 1970-01-01"};
    struct rows *rows = calloc(1, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < 2; i++) {
        struct vg_injection one = parse(arena, texts[i]);
        struct vg_injector *injector;
        struct vg_batch out;
        const uint8_t *times;
        uint32_t unread;
        fill(rows, 0);
        assert_int_equal(vg_injector_new(&one, 1, &scan, &injector, &unread, &err), 0);
        assert_int_equal(vg_injector_apply(injector, &rows->batch, rows->at_us, &out, &times, &err),
                         0);
        double was = rows->f[14], due = i ? 10 + 3 * (was - 10) : was + 2 * sd;
        assert_near(out.cols[1].num[14], due, 1e-12);
        vg_injector_free(injector);
    }
    free(rows);
    vg_column_clear(&total);
    const double same[] = {8, 8};
    struct vg_column constant = {VG_KIND_NUMBER, 701, 0, fine, same, NULL};
    assert_int_equal(vg_column_init(&total, "f", VG_KIND_NUMBER, NULL, 0, &err), 0);
    assert_int_equal(vg_column_count(&total, &constant, 2, &err), 0);
    struct vg_injection none = parse(arena, texts[0]);
    struct vg_injector *injector;
    uint32_t unread;
    assert_int_equal(vg_injector_new(&none, 1, &scan, &injector, &unread, &err), -1);
    assert_non_null(strstr(err.msg, "constant"));
    vg_column_clear(&total);
    vg_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),         cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_new_values),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_whole_numbers), cmocka_unit_test(test_shares),
        cmocka_unit_test(test_stuck),         cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fits),          cmocka_unit_test(test_of_reference),
    };
    return cmocka_run_group_tests_name("inject", tests, NULL, NULL);
}
