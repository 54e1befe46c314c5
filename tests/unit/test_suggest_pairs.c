/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions across two columns: found in batches of literals, broken by one row, and written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/profile_watch.h"
#include "tests/unit/suggest_kit.h"

static void set_names(struct made *made, const char *a, const char *quoted_a, const char *b,
                      const char *quoted_b)
{
    made->catalog_columns[0].name = a;
    made->catalog_columns[0].quoted = quoted_a;
    made->catalog_columns[1].name = b;
    made->catalog_columns[1].quoted = quoted_b;
    made->list = (struct vg_suggestions){.arena = made->arena};
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        double below, from;
        bool broken;
        uint64_t trues;
        const char *rule;
    } cases[] = {
        {0.4999, 0.5001, false, 500,
         "+condition: {id: late-p, holds: '\"late\" = (\"p''s\" >= 0.5)'}"},
        {0.1, 0.9, false, 500, "+condition: {id: late-p, holds: '\"late\" = (\"p''s\" >= 0.9)'}"},
        {15, 16, false, 500, "+condition: {id: late-p, holds: '\"late\" = (\"p''s\" >= 16)'}"},
        {-20, -3, false, 500, "+condition: {id: late-p, holds: '\"late\" = (\"p''s\" >= -3)'}"},
        {1e-12, 2e-12, false, 500, NULL}, /* no limit of a few digits */
        {0.4, 0.6, true, 500, NULL},
        {0.4, 0.6, false, 99, NULL},
        {0.4, 0.6, false, 3901, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made;
        struct vg_profile_pair pair = {.a = 0,
                                       .b = 1,
                                       .threshold = true,
                                       .broken = cases[i].broken,
                                       .rows = MANY,
                                       .trues = cases[i].trues,
                                       .below = cases[i].below,
                                       .from = cases[i].from};
        make_profile(&made, "p", "real", VG_KIND_NUMBER);
        set_names(&made, "late", "\"late\"", "p", "\"p's\"");
        made.profile.pairs = &pair;
        made.profile.npairs = 1;
        vg_suggest_pairs(&made.profile, &made.list);
        assert_rule(&made, "condition", cases[i].rule);
        free_made(&made);
    }
}

static void test_unequal_texts(void **state)
{
    (void)state;
    static const char *const other[] = {"ATL", "LGA", "ORD", "PHL"};
    static const char *const apart[] = {"x", "y", "z", "w"};
    for (int shared = 0; shared < 2; shared++) {
        struct made made;
        const char *cells[MANY];
        struct vg_profile_pair pair = {.a = 0, .b = 1, .rows = MANY};
        make_profile(&made, "to", "text", VG_KIND_TEXT);
        for (size_t k = 0; k < MANY; k++)
            cells[k] = shared ? other[k % 4] : apart[k % 4];
        count_cells(&made, NULL, cells, MANY);
        struct made from;
        make_profile(&from, "from", "text", VG_KIND_TEXT);
        for (size_t k = 0; k < MANY; k++)
            cells[k] = other[(k + 1) % 4];
        count_cells(&from, NULL, cells, MANY);
        made.columns[0].total = from.columns[1].total;
        from.columns[1].total = NULL;
        set_names(&made, "from", "\"from\"", "to", "\"to\"");
        made.profile.pairs = &pair;
        made.profile.npairs = 1;
        vg_suggest_pairs(&made.profile, &made.list);
        assert_rule(&made, "condition",
                    shared ? "+condition: {id: from-to, holds: '\"from\" <> \"to\"'}" : NULL);
        if (shared)
            assert_string_equal(why_of(&made, "condition"),
                                "values of one set, equal in 0 of 4,000 rows");
        made.list.n = 0;
        made.profile.key[0] = "from"; /* nothing is said of a key */
        made.profile.nkey = 1;
        vg_suggest_pairs(&made.profile, &made.list);
        assert_rule(&made, "condition", NULL);
        free_made(&made);
        free_made(&from);
    }
}

enum { ROWS = 4 };

/* texts NULL: numbers without a null. */
static void fill_cells(const char *const *texts, uint8_t *states, struct vg_slice *raw)
{
    for (size_t r = 0; r < ROWS; r++) {
        const char *text = texts ? texts[r] : "";
        states[r] = text ? VG_CELL_VALUE : VG_CELL_NULL;
        raw[r] = (struct vg_slice){text ? text : "", text ? (uint32_t)strlen(text) : 0};
    }
}

static void test_rows_break_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *texts[2][ROWS]; /* NULL is null */
        double flags[ROWS], numbers[ROWS];
        bool equal, mixed;
        uint64_t rows;
    } cases[] = {
        {{{"a", "b", "c", "d"}, {"b", "c", "d", "a"}}, {0, 1, 0, 1}, {1, 5, 2, 9}, false, false, 4},
        {{{"a", "b", "c", "d"}, {"b", "c", "c", "a"}}, {0, 1, 0, 1}, {1, 5, 6, 9}, true, true, 4},
        {{{"a", NULL, "c", "d"}, {"b", NULL, "d", "a"}},
         {0, 1, 0, 1},
         {1, 5, 5, 9},
         false,
         true,
         3},
        {{{"", "b", "c", "d"}, {"", "c", "d", "a"}}, {0, 0, 0, 0}, {1, 5, 5, 9}, true, false, 4},
    };
    static const size_t source[4] = {0, 1, 2, 3};
    static const enum vg_kind kinds[4] = {VG_KIND_TEXT, VG_KIND_TEXT, VG_KIND_BOOL, VG_KIND_NUMBER};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vg_catalog_column catalog[4] = {
            {.name = "a"}, {.name = "b"}, {.name = "f"}, {.name = "x"}};
        struct vg_profile_column columns[4];
        struct vg_column cells[4];
        uint8_t states[4][ROWS];
        struct vg_slice raw[4][ROWS];
        struct vg_arena *arena = vg_arena_new();
        for (size_t c = 0; c < 4; c++) {
            const char *const *texts = c < 2 ? cases[i].texts[c] : NULL;
            catalog[c].kind = kinds[c];
            columns[c] = (struct vg_profile_column){.column = &catalog[c]};
            fill_cells(texts, states[c], raw[c]);
            cells[c] = (struct vg_column){.kind = kinds[c],
                                          .state = states[c],
                                          .num = c == 2 ? cases[i].flags : cases[i].numbers,
                                          .raw = raw[c]};
        }
        struct vg_profile profile = {.columns = columns, .ncolumns = 4};
        struct vg_batch batch = {ROWS, 4, cells};
        assert_int_equal(vg_pairs_begin(&profile, 4, arena), 0);
        assert_int_equal(profile.npairs, 2);
        vg_pairs_rows(&profile, source, &batch, 0, 1);
        vg_pairs_rows(&profile, source, &batch, 1, ROWS - 1);
        for (size_t p = 0; p < 2; p++) {
            const struct vg_profile_pair *pair = &profile.pairs[p];
            assert_int_equal(pair->broken, pair->threshold ? cases[i].mixed : cases[i].equal);
            if (!pair->broken && !pair->threshold)
                assert_int_equal(pair->rows, cases[i].rows);
        }
        vg_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unequal_texts),
        cmocka_unit_test(test_rows_break_pairs),
    };
    return cmocka_run_group_tests_name("test_suggest_pairs", tests, NULL, NULL);
}
