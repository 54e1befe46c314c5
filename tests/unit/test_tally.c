/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the tally (agent/tally.c, agent/tally_predicate.c): variants, times, predicates and
 * keys against a naive recount; any cut of the rows into batches; plans and batches that do not
 * fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tally.h"
#include "pgvigil/check.h"
#include "tests/unit/made_batch.h"

enum { NUMBER, TEXT, ID, UUID, TRUTH, WHEN, OTHER, COLUMNS };
static const enum vg_kind kinds[COLUMNS] = {VG_KIND_NUMBER, VG_KIND_TEXT, VG_KIND_NUMBER,
                                            VG_KIND_TEXT,   VG_KIND_BOOL, VG_KIND_TIME,
                                            VG_KIND_OTHER};

/* --- Check types ------------------------------------------------------------------------------ */

static int asked; /* values (not nulls) about which a check was asked */

static int range_offends(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    const struct vg_bounds *bounds = warn ? &rule->limits.warn_bounds : &rule->limits.bounds;
    if (cell->state == VG_VIEW_NULL)
        return -1;
    asked++;
    if (cell->state != VG_VIEW_VALUE)
        return 1;
    return (bounds->has_min && cell->num < bounds->min) ||
           (bounds->has_max && cell->num > bounds->max);
}

/* Of odd length, true, or not a number: something for every kind and state. */
static int odd_offends(const struct vg_rule *rule, const struct vg_cell_view *cell, bool warn)
{
    (void)rule;
    (void)warn;
    if (cell->state == VG_VIEW_NULL)
        return cell->kind == VG_KIND_OTHER ? 1 : -1;
    if (cell->kind == VG_KIND_TEXT)
        return cell->text.len % 2 || (cell->text.len && cell->text.data[0] == 'v');
    if (cell->kind == VG_KIND_BOOL)
        return cell->num != 0;
    return cell->state != VG_VIEW_VALUE || cell->num > 0;
}

static const struct vg_check_type range_type = {
    .name = "range", .bounds = VG_BOUNDS_ON_ROWS, .offends = range_offends};
static const struct vg_check_type slow_type = {.name = "slow", .offends = range_offends};
static const struct vg_check_type odd_type = {.name = "odd", .offends = odd_offends};

/* --- The plan used throughout ----------------------------------------------------------------- */

enum { RULES = 9, VARIANTS = 3 };

struct fixture {
    struct vg_rule rules[RULES];
    struct vg_tally_column columns[COLUMNS];
    struct vg_tally_predicate predicates[2 * RULES];
    struct vg_tally_variant variants[VARIANTS];
    struct vg_tally_plan plan;
    struct vg_grid *grid;
};

static const size_t some_columns[] = {ID, NUMBER};
static const size_t key_columns[] = {ID, TEXT};

static struct fixture *make_fixture(struct chance *chance)
{
    static const char *const names[COLUMNS] = {"n", "t", "id", "u", "b", "at", "o"};
    static const size_t sources[RULES] = {NUMBER, NUMBER, TEXT, UUID, TRUTH, OTHER, WHEN, WHEN, ID};
    static const char *const ids[RULES] = {"fast",  "slow",    "odd.t",   "odd.u", "odd.b",
                                           "odd.o", "at.fast", "at.slow", "odd.id"};
    static const struct vg_check_type *const types[RULES] = {&range_type, &slow_type, &odd_type,
                                                             &odd_type,   &odd_type,  &odd_type,
                                                             &range_type, &slow_type, &odd_type};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    double low = make_value(chance, SHAPE_TIES), high = low + chance_below(chance, 12);
    bool large = chance_below(chance, 2);
    fixture->grid = make_grid(chance, large ? SHAPE_NORMAL : SHAPE_TIES, large ? 700 : 30);
    for (size_t c = 0; c < COLUMNS; c++)
        fixture->columns[c] =
            (struct vg_tally_column){.name = names[c],
                                     .source = c,
                                     .kind = kinds[c],
                                     .grid = fixture->grid,
                                     .distinct = true,
                                     .top = kinds[c] == VG_KIND_TEXT || kinds[c] == VG_KIND_BOOL};
    for (size_t r = 0; r < RULES; r++) {
        bool time = sources[r] == WHEN;
        fixture->rules[r] = (struct vg_rule){.id = ids[r], .type = types[r]};
        fixture->rules[r].limits.bounds = (struct vg_bounds){
            r < 6 || r % 2, true, time ? 1e15 + 1e11 : low, time ? 1e15 + 5e11 : high};
        fixture->rules[r].limits.warn_bounds = (struct vg_bounds){true, false, low + 1, 0};
        for (size_t warn = 0; warn < 2; warn++)
            fixture->predicates[2 * r + warn] =
                (struct vg_tally_predicate){.rule = &fixture->rules[r],
                                            .warn = warn,
                                            .source = sources[r],
                                            .variant = warn ? 1 + r % 2 : 0};
    }
    fixture->variants[0] = (struct vg_tally_variant){.condition = VG_TALLY_NONE};
    fixture->variants[1] = (struct vg_tally_variant){TRUTH, some_columns, 2, false};
    fixture->variants[2] = (struct vg_tally_variant){.condition = TRUTH, .none = true};
    fixture->plan = (struct vg_tally_plan){.columns = fixture->columns,
                                           .ncolumns = COLUMNS,
                                           .predicates = fixture->predicates,
                                           .npredicates = 2 * RULES,
                                           .variants = fixture->variants,
                                           .nvariants = VARIANTS,
                                           .keys = key_columns,
                                           .nkeys = 2,
                                           .max_keys = 5,
                                           .time = WHEN};
    return fixture;
}

static void free_fixture(struct fixture *fixture)
{
    vg_grid_free(fixture->grid);
    free(fixture);
}

/* --- The naive recount: one row at a time, everything asked ----------------------------------- */

static struct vg_cell_view view_cell(const struct vg_column *column, size_t row, char space[36])
{
    struct vg_cell_view cell = {.kind = column->kind,
                                .state = (enum vg_cell_state)column->state[row]};
    if (cell.state == VG_VIEW_VALUE && column->kind == VG_KIND_TEXT)
        cell.text = vg_text_cell(column, row, space);
    else if (cell.state == VG_VIEW_VALUE && column->num)
        cell.num = column->num[row];
    return cell;
}

static void recount_predicates(const struct fixture *fixture, const struct vg_batch *batch,
                               size_t row, size_t variant, struct vg_summary *into)
{
    struct vg_predicate_summary *predicate = into->predicates;
    struct vg_error err;
    for (size_t i = 0; i < fixture->plan.npredicates; i++) {
        const struct vg_tally_predicate *of = &fixture->predicates[i];
        char space[36], first[VG_KEY_TEXT], second[VG_KEY_TEXT], key[2 * VG_KEY_TEXT + 2];
        if (of->variant != variant)
            continue;
        struct vg_cell_view cell = view_cell(&batch->cols[of->source], row, space);
        int answer = of->rule->type->offends(of->rule, &cell, of->warn);
        predicate->tested += answer >= 0;
        predicate->offending += answer > 0;
        if (answer > 0) {
            vg_cell_text(&batch->cols[ID], row, first, sizeof first);
            vg_cell_text(&batch->cols[TEXT], row, second, VG_KEY_TEXT - strlen(first) - 2);
            snprintf(key, sizeof key, "%s, %s", first, second);
            uint64_t hash = vg_hash64(key, strlen(key));
            assert_int_equal(vg_predicate_add_key(predicate, hash, key, &err), 0);
        }
        predicate++;
    }
}

/* The summary of a variant, its columns counted over the picked rows. */
static struct vg_summary *recount(const struct fixture *fixture, const struct made_batch *made,
                                  size_t variant)
{
    struct vg_error err;
    struct vg_tally *tally;
    assert_int_equal(vg_tally_new(&fixture->plan, &tally, &err), 0);
    struct vg_summary *naive = vg_tally_take(tally, variant);
    const struct vg_batch *batch = &made->batch;
    uint32_t *rows = vg_array(batch->nrows, sizeof *rows);
    size_t n = 0;
    vg_tally_free(tally);
    for (uint32_t row = 0; row < batch->nrows; row++) {
        const struct vg_column *truth = &batch->cols[TRUTH], *when = &batch->cols[WHEN];
        if (variant && (truth->state[row] != VG_CELL_VALUE || truth->num[row] != 1))
            continue;
        naive->null_times += when->state[row] == VG_CELL_NULL;
        naive->infinite_times +=
            when->state[row] == VG_CELL_PINF || when->state[row] == VG_CELL_NINF;
        if (when->state[row] != VG_CELL_VALUE)
            continue;
        rows[n++] = row;
        recount_predicates(fixture, batch, row, variant, naive);
    }
    struct made_batch *picked = pick_rows(made, rows, n);
    naive->rows = n;
    for (size_t i = 0; i < naive->ncolumns; i++) {
        size_t column = variant ? some_columns[i] : i;
        assert_int_equal(vg_column_count(&naive->columns[i], &picked->cols[column], n, &err), 0);
    }
    free_batch(picked);
    free(rows);
    return naive;
}

static void test_tally_equals_a_recount(void **state)
{
    (void)state;
    struct chance chance = {1};
    struct vg_error err;
    for (int round = 0; round < 128; round++) {
        size_t n = chance_below(&chance, round % 16 ? 250 : 20000);
        struct made_batch *made = make_batch(&chance, kinds, COLUMNS, n, round % 5 == 0);
        struct fixture *fixture = make_fixture(&chance);
        struct vg_tally *tally;
        assert_int_equal(vg_tally_new(&fixture->plan, &tally, &err), 0);
        if (round % 2) {
            assert_int_equal(vg_tally_add(tally, &made->batch, &err), 0);
        } else {
            for (size_t from = 0, k; from < n; from += k) {
                k = 1 + chance_below(&chance, (uint32_t)(n - from));
                assert_int_equal(vg_tally_add_range(tally, &made->batch, from, k, &err), 0);
            }
        }
        for (size_t v = 0; v < VARIANTS; v++) {
            struct vg_summary *counted = vg_tally_take(tally, v);
            struct vg_summary *naive = recount(fixture, made, v);
            assert_same_summary(counted, naive);
            vg_summary_free(counted);
            vg_summary_free(naive);
        }
        vg_tally_free(tally);
        free_fixture(fixture);
        free_batch(made);
    }
}

/* Values inside the bounds need no question; those outside and everything special do. */
static void test_bounds_spare_questions(void **state)
{
    (void)state;
    static const double num[] = {0, 5, 10, 10.5, -0.5, 0, 0};
    static const uint8_t states[] = {0, 0, 0, 0, 0, VG_CELL_NAN, VG_CELL_NULL};
    struct vg_column column = {.kind = VG_KIND_NUMBER, .special = 2, .state = states, .num = num};
    struct vg_batch batch = {7, 1, &column};
    struct vg_rule rule = {.id = "r", .type = &range_type};
    rule.limits.bounds = (struct vg_bounds){true, true, 0, 10};
    struct vg_tally_predicate predicate = {.rule = &rule};
    struct vg_tally_variant all = {.condition = VG_TALLY_NONE};
    struct vg_tally_plan plan = {.predicates = &predicate,
                                 .npredicates = 1,
                                 .variants = &all,
                                 .nvariants = 1,
                                 .time = VG_TALLY_NONE,
                                 .max_keys = 3};
    struct vg_tally *tally;
    struct vg_error err;
    asked = 0;
    assert_int_equal(vg_tally_new(&plan, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &batch, &err), 0);
    assert_int_equal(asked, 3);
    assert_int_equal(vg_tally_add_range(tally, &batch, 0, 3, &err), 0);
    assert_int_equal(asked, 3);
    struct vg_summary *summary = vg_tally_take(tally, 0);
    assert_true(summary->predicates[0].tested == 9 && summary->predicates[0].offending == 3);
    assert_int_equal(summary->predicates[0].nkeys, 0); /* no key columns, no keys */
    assert_string_equal(summary->predicates[0].id, "r");
    vg_summary_free(summary);
    vg_tally_free(tally);
}

/* Texts of two letters and many lengths: any two of them may come together in the memo of answers.
 */
static void test_short_texts_are_told_apart(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    static char texts[ROWS][20];
    static const uint8_t states[ROWS];
    struct vg_slice raw[ROWS];
    struct chance chance = {4};
    struct vg_column column = {.kind = VG_KIND_TEXT, .wire_oid = 25, .state = states, .raw = raw};
    struct vg_batch batch = {ROWS, 1, &column};
    struct vg_rule rule = {.id = "r", .type = &odd_type};
    struct vg_tally_predicate predicate = {.rule = &rule};
    struct vg_tally_variant all = {.condition = VG_TALLY_NONE};
    struct vg_tally_plan plan = {.predicates = &predicate,
                                 .npredicates = 1,
                                 .variants = &all,
                                 .nvariants = 1,
                                 .time = VG_TALLY_NONE};
    struct vg_tally *tally;
    struct vg_error err;
    uint64_t odd = 0;
    assert_int_equal(vg_tally_new(&plan, &tally, &err), 0);
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < ROWS; i++) {
            raw[i] = (struct vg_slice){texts[i], 1 + chance_below(&chance, 20)};
            odd += raw[i].len % 2;
            for (uint32_t k = 0; k < raw[i].len; k++)
                texts[i][k] = chance_below(&chance, 4) ? 'a' : 'b';
        }
        assert_int_equal(vg_tally_add(tally, &batch, &err), 0);
    }
    struct vg_summary *summary = vg_tally_take(tally, 0);
    assert_true(summary->predicates[0].offending == odd);
    vg_summary_free(summary);
    vg_tally_free(tally);
}

/* Batches are cut anywhere: the summary of one tally over all equals that of any other cut, merged.
 */
static void test_cuts_make_no_difference(void **state)
{
    (void)state;
    struct chance chance = {2};
    struct vg_error err;
    for (int round = 0; round < 40; round++) {
        size_t n = 1 + chance_below(&chance, 1500);
        struct made_batch *made = make_batch(&chance, kinds, COLUMNS, n, false);
        struct fixture *fixture = make_fixture(&chance);
        struct vg_tally *whole, *part;
        struct vg_summary *merged = NULL;
        assert_int_equal(vg_tally_new(&fixture->plan, &whole, &err), 0);
        assert_int_equal(vg_tally_add(whole, &made->batch, &err), 0);
        for (size_t from = 0, k; from < n; from += k) {
            k = 1 + chance_below(&chance, (uint32_t)(n - from));
            assert_int_equal(vg_tally_new(&fixture->plan, &part, &err), 0);
            assert_int_equal(vg_tally_add_range(part, &made->batch, from, k, &err), 0);
            struct vg_summary *taken = vg_tally_take(part, 1);
            if (merged)
                assert_int_equal(vg_summary_merge(merged, taken, &err), 0);
            if (merged)
                vg_summary_free(taken);
            merged = merged ? merged : taken;
            vg_tally_free(part);
        }
        struct vg_summary *all = vg_tally_take(whole, 1);
        assert_same_summary(all, merged);
        vg_summary_free(all);
        vg_summary_free(merged);
        vg_tally_free(whole);
        free_fixture(fixture);
        free_batch(made);
    }
}

/* Two keys of full length still make a text that fits, cut on a character. */
static void test_long_keys(void **state)
{
    (void)state;
    char text[400];
    for (size_t i = 0; i + 2 < sizeof text; i += 3)
        memcpy(text + i, "€", 3);
    static const uint8_t states[1];
    struct vg_slice raw = {text, 399};
    struct vg_column column = {.kind = VG_KIND_TEXT, .wire_oid = 25, .state = states, .raw = &raw};
    struct vg_batch batch = {1, 1, &column};
    struct vg_rule rule = {.id = "r", .type = &odd_type};
    struct vg_tally_predicate predicate = {.rule = &rule};
    struct vg_tally_variant all = {.condition = VG_TALLY_NONE};
    static const size_t keys[] = {0, 0, 0};
    struct vg_tally_plan plan = {.predicates = &predicate,
                                 .npredicates = 1,
                                 .variants = &all,
                                 .nvariants = 1,
                                 .time = VG_TALLY_NONE,
                                 .max_keys = 3,
                                 .keys = keys,
                                 .nkeys = 3};
    struct vg_error err;
    for (uint32_t len = 1; len < 399; len += 2) {
        struct vg_tally *tally;
        raw.len = len;
        assert_int_equal(vg_tally_new(&plan, &tally, &err), 0);
        assert_int_equal(vg_tally_add(tally, &batch, &err), 0);
        struct vg_summary *summary = vg_tally_take(tally, 0);
        assert_int_equal(summary->predicates[0].nkeys, 1);
        const char *key = summary->predicates[0].keys[0];
        assert_true(strlen(key) < VG_KEY_TEXT && vg_utf8_valid(key, strlen(key)));
        if (len < 60) /* both separators are there */
            assert_true(strstr(strstr(key, ", ") + 1, ", ") != NULL);
        vg_summary_free(summary);
        vg_tally_free(tally);
    }
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    struct chance chance = {3};
    struct vg_error err;
    struct vg_tally *tally;
    struct made_batch *made = make_batch(&chance, kinds, COLUMNS, 10, true);
    struct fixture *fixture = make_fixture(&chance);
    struct vg_batch narrow = made->batch;
    narrow.ncols--;
    assert_int_equal(vg_tally_new(&fixture->plan, &tally, &err), 0);
    assert_int_equal(vg_tally_add(tally, &narrow, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    assert_int_equal(vg_tally_add_range(tally, &made->batch, 5, 6, &err), -1);
    assert_int_equal(vg_tally_add_range(tally, &made->batch, 11, 0, &err), -1);
    assert_int_equal(vg_tally_add_range(tally, &made->batch, 10, 0, &err), 0);
    made->cols[TRUTH].kind = VG_KIND_NUMBER;
    assert_int_equal(vg_tally_add(tally, &made->batch, &err), -1);
    made->cols[TRUTH].kind = VG_KIND_BOOL;
    vg_tally_free(tally);
    vg_tally_free(NULL);

    struct vg_tally_plan plan = fixture->plan;
    plan.nvariants = 0;
    assert_int_equal(vg_tally_new(&plan, &tally, &err), -1);
    assert_int_equal(err.code, VG_E_INTERNAL);
    assert_null(tally);
    plan.nvariants = 2; /* predicates name a third */
    assert_int_equal(vg_tally_new(&plan, &tally, &err), -1);
    plan.nvariants = VARIANTS;
    plan.ncolumns = 1; /* a variant names more */
    assert_int_equal(vg_tally_new(&plan, &tally, &err), -1);
    free_fixture(fixture);
    free_batch(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tally_equals_a_recount),
        cmocka_unit_test(test_bounds_spare_questions),
        cmocka_unit_test(test_short_texts_are_told_apart),
        cmocka_unit_test(test_cuts_make_no_difference),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests_name("test_tally", tests, NULL, NULL);
}
