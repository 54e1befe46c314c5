/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/catalog.c: structures as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/catalog.h"
#include "pgvigil/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct vg_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = vg_arena_new();
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    vg_arena_free(arena);
    return 0;
}

static char *write_text(const struct vg_catalog *catalog)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 1 << 20);
    vg_catalog_write(catalog, &buf);
    char *text = vg_buf_take(&buf);
    assert_non_null(text);
    return text;
}

static const char *const key_columns[] = {"id", "tab\tin\nit\\n"};
static const uint64_t labels[] = {1, UINT64_MAX, 0xabc};

static void fill(struct vg_catalog *out, struct vg_catalog_column *columns,
                 struct vg_catalog_constraint *constraints)
{
    columns[0] = (struct vg_catalog_column){
        .name = "id",
        .type = "bigint",
        .base_type = "bigint",
        .kind = VG_KIND_NUMBER,
        .not_null = true,
        .identity = 'a',
    };
    columns[1] = (struct vg_catalog_column){
        .name = "tab\tin\nit\\n",
        .type = "public.\"my\tmood\"",
        .base_type = "text",
        .collation = "C",
        .kind = VG_KIND_TEXT,
        .unreadable = true,
        .generated = 's',
        .value_hash = UINT64_MAX,
        .labels = labels,
        .nlabels = COUNT(labels),
    };
    columns[2] = (struct vg_catalog_column){.name = "made", .type = "text", .computed = true};
    constraints[0] = (struct vg_catalog_constraint){.kind = 'p',
                                                    .valid = true,
                                                    .name = "t_pkey",
                                                    .hash = 9,
                                                    .columns = key_columns,
                                                    .ncolumns = COUNT(key_columns)};
    constraints[1] = (struct vg_catalog_constraint){.kind = 'c', .name = "-", .hash = 0};
    *out = (struct vg_catalog){
        .relkind = 'p',
        .quoted = "public.\"a\tb\"",
        .server_version = 150004,
        .row_security = true,
        .columns = columns,
        .n = 3,
        .constraints = constraints,
        .nconstraints = 2,
    };
}

static void test_round_trip(void **state)
{
    (void)state;
    struct vg_catalog catalog;
    struct vg_catalog_column columns[3];
    struct vg_catalog_constraint constraints[2];
    const struct vg_catalog *got;
    struct vg_error err;
    fill(&catalog, columns, constraints);
    char *text = write_text(&catalog);
    assert_int_equal(vg_catalog_read(text, arena, &got, &err), 0);
    assert_string_equal(got->quoted, catalog.quoted);
    assert_int_equal(got->relkind, 'p');
    assert_int_equal(got->server_version, 150000);
    assert_true(got->row_security);
    assert_int_equal(got->n, 2); /* what the rule file computes is not the table's */
    for (size_t i = 0; i < 2; i++) {
        const struct vg_catalog_column *a = &columns[i], *b = &got->columns[i];
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->type, b->type);
        assert_true(vg_streq(a->base_type, b->base_type));
        assert_true(vg_streq(a->collation, b->collation));
        assert_true(a->kind == b->kind && a->not_null == b->not_null);
        assert_true(a->unreadable == b->unreadable && a->value_hash == b->value_hash);
        assert_true(a->generated == b->generated && a->identity == b->identity);
        assert_int_equal(a->nlabels, b->nlabels);
        for (size_t k = 0; k < a->nlabels; k++)
            assert_true(a->labels[k] == b->labels[k]);
    }
    assert_int_equal(got->nconstraints, 2);
    assert_true(got->constraints[0].valid && got->constraints[0].kind == 'p');
    assert_true(got->constraints[0].hash == 9 && got->constraints[0].ncolumns == 2);
    assert_string_equal(got->constraints[0].columns[1], key_columns[1]);
    assert_true(!got->constraints[1].valid && got->constraints[1].ncolumns == 0);
    assert_string_equal(got->constraints[1].name, "-");
    char *again = write_text(got);
    assert_string_equal(text, again);
    free(text);
    free(again);
}

/* Cut anywhere, or with any byte gone, it is refused or read, and nothing worse. */
static void test_damage(void **state)
{
    (void)state;
    struct vg_catalog catalog;
    struct vg_catalog_column columns[3];
    struct vg_catalog_constraint constraints[2];
    const struct vg_catalog *got;
    struct vg_error err;
    size_t refused = 0;
    fill(&catalog, columns, constraints);
    char *text = write_text(&catalog);
    size_t n = strlen(text);
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < n; i++) {
        memcpy(copy, text, n + 1);
        copy[i] = '\0';
        if (vg_catalog_read(copy, arena, &got, &err) < 0) {
            assert_int_equal(err.code, VG_E_DATA);
            refused++;
        }
        memmove(copy + i, text + i + 1, n - i);
        if (vg_catalog_read(copy, arena, &got, &err) < 0)
            assert_int_equal(err.code, VG_E_DATA);
    }
    assert_true(refused >= n - 5); /* but where a line ends behind the table's */
    free(copy);
    free(text);
}

static void test_refused(void **state)
{
    (void)state;
#define HEAD  "pgvigil schema 1\n"
#define TABLE HEAD "table\tt\tr\t-\t15\n"
    static const char *const texts[] = {
        "",
        "pgvigil schema 1",
        "pgvigil schema 10\ntable\tt\tr\t-\t15\n",
        "pgvigil schema 2\ntable\tt\tr\t-\t15\n",
        HEAD,
        HEAD "table\tt\tr\t-\n",
        TABLE "\n",
        TABLE "index\tx\n",
        TABLE "column\tx\n",
        TABLE "column\tx\ttext\ttext\tC\t4\t-\t-\t-\t-\t0\t",
        TABLE "column\tx\ttext\ttext\tC\t5\t-\t-\t-\t-\t0\t\n",
        TABLE "column\tx\ttext\ttext\tC\t41\t-\t-\t-\t-\t0\t\n",
        TABLE "column\tx\ttext\ttext\tC\t4\t-\t-\t-\t-\tz\t\n",
        TABLE "column\tx\ttext\ttext\tC\t4\t-\t-\t-\t-\t-1\t\n",
        TABLE "column\tx\ttext\ttext\tC\t4\t-\t-\t-\t-\t11112222333344445\t\n",
        TABLE "column\tx\ttext\ttext\tC\t4\t-\t-\t-\t-\t0\t1,\n",
        TABLE "column\tx\ttext\ttext\tC\t4\t-\t-\t-\t-\t0\t1;2\n",
        TABLE "constraint\tx\tp\tv\n",
        TABLE "constraint\tx\tp\tv\tq\n",
    };
    const struct vg_catalog *got;
    struct vg_error err;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (vg_catalog_read(texts[i], arena, &got, &err) == 0)
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(err.code, VG_E_DATA);
    }
    assert_int_equal(vg_catalog_read(TABLE, arena, &got, &err), 0);
    assert_int_equal(vg_catalog_read(TABLE "column\tx\ttext\ttext\t\t4\t-\t-\t-\t-\t0\t1,2\n",
                                     arena, &got, &err),
                     0);
    assert_int_equal(got->columns[0].nlabels, 2);
    assert_null(got->columns[0].collation);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void test_what_a_column_can_hold(void **state)
{
    (void)state;
    const uint64_t moods[] = {vg_hash64("sad", 3), vg_hash64("Happy", 5)};
    const struct vg_catalog_column of[] = {
        {.name = "b", .kind = VG_KIND_BOOL},
        {.name = "e", .kind = VG_KIND_TEXT, .labels = moods, .nlabels = COUNT(moods)},
        {.name = "n", .kind = VG_KIND_NUMBER},
        {.name = "t", .kind = VG_KIND_TEXT},
    };
    static const struct {
        size_t of;
        const char *value;
        bool can;
    } rows[] = {
        {0, "true", true},   {0, "false", true},    {0, "yes", false},      {0, "t", false},
        {0, "TRUE", false},  {0, "", false},        {1, "sad", true},       {1, "Happy", true},
        {1, "happy", false}, {1, "", false},        {1, "sad ", false},     {2, "1e3", true},
        {2, "-0.5", true},   {2, "NaN", true},      {2, "-Infinity", true}, {2, "twelve", false},
        {2, "", false},      {3, "anything", true}, {3, "", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (vg_catalog_can_hold(&of[rows[i].of], rows[i].value) != rows[i].can)
            fail_msg("column %s, value \"%s\"", of[rows[i].of].name, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),
        TEST(test_damage),
        TEST(test_refused),
        TEST(test_what_a_column_can_hold),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
