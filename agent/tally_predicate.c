/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rows break a rule. The check type decides; it is spared the rows whose answer is known:
 * numbers inside the rule's bounds, repeated nulls and truths, short texts just asked about.
 * Offending rows are counted, and of their keys those of smallest hash are kept. */
#include <math.h>
#include <string.h>

#include "agent/tally.h"
#include "agent/tally_rows.h"
#include "pgvigil/check.h"

enum { MEMO_BITS = 6, MEMO_SLOTS = 1 << MEMO_BITS, FREE = -2 };

/* Answers of one predicate within one batch; `offends` is pure, so asking again would be the same.
 */
struct memo {
    int of_state[VG_CELLS]; /* of those that are no value; FREE: not asked yet */
    struct {
        struct vg_short_text key;
        uint32_t len;
        int answer;
    } texts[MEMO_SLOTS];
};

struct test {
    const struct vg_rule *rule;
    bool warn;
    const struct vg_column *view;
    size_t n, noffenders;
    uint64_t tested;
    struct vg_cell_view cell; /* the one asked about */
    struct memo memo;
    uint32_t offenders[VG_BATCH_ROWS]; /* places in the view */
};

static int ask(struct test *test)
{
    return test->rule->type->offends(test->rule, &test->cell, test->warn);
}

static int ask_number(struct test *test, double num)
{
    test->cell.state = VG_VIEW_VALUE;
    test->cell.num = num;
    return ask(test);
}

static int ask_text(struct test *test, struct vg_slice text)
{
    test->cell.state = VG_VIEW_VALUE;
    test->cell.text = text;
    return ask(test);
}

static int ask_short_text(struct test *test, struct vg_slice text, bool *is_new)
{
    struct vg_short_text key = vg_short_text_of(text.data, text.len);
    size_t slot = vg_short_text_slot(key, text.len, MEMO_BITS);
    struct memo *memo = &test->memo;
    *is_new = memo->texts[slot].answer == FREE || memo->texts[slot].len != text.len ||
              memo->texts[slot].key.head != key.head || memo->texts[slot].key.tail != key.tail;
    if (*is_new) {
        memo->texts[slot].key = key;
        memo->texts[slot].len = text.len;
        memo->texts[slot].answer = ask_text(test, text);
    }
    return memo->texts[slot].answer;
}

/* The answer to a cell that is no value. */
static int recall(struct test *test, uint8_t state)
{
    if (state == VG_CELL_UNCAST)
        return -1; /* no value to be tested; the check `cast` counts it */
    if (test->memo.of_state[state] == FREE) {
        struct vg_cell_view cell = {.kind = test->cell.kind,
                                    .state = (enum vg_cell_state)state,
                                    .until_us = test->cell.until_us};
        test->memo.of_state[state] = test->rule->type->offends(test->rule, &cell, test->warn);
    }
    return test->memo.of_state[state];
}

static void note(struct test *test, size_t i, int answer)
{
    test->tested += answer >= 0;
    if (answer > 0)
        test->offenders[test->noffenders++] = (uint32_t)i;
}

/* Texts that do not repeat are no longer looked for among those just asked about. */
static void test_texts(struct test *test)
{
    const struct vg_column *view = test->view;
    bool plain = view->wire_oid != VG_OID_BPCHAR && view->wire_oid != VG_OID_UUID;
    size_t met = 0, news = 0;
    char space[36];
    for (size_t i = 0; i < MEMO_SLOTS; i++)
        test->memo.texts[i].answer = FREE;
    for (size_t i = 0; i < test->n; i++) {
        if (view->state[i] != VG_CELL_VALUE) {
            note(test, i, recall(test, view->state[i]));
            continue;
        }
        struct vg_slice text = plain ? view->raw[i] : vg_text_cell(view, i, space);
        bool is_new = true, repeats = news < MEMO_SLOTS || 2 * news < met;
        bool remembers = text.len <= VG_SHORT_TEXT && repeats;
        note(test, i, remembers ? ask_short_text(test, text, &is_new) : ask_text(test, text));
        met++;
        news += is_new;
    }
}

/* Both truths are asked about once; what is left are rows without a value, and those that offend.
 */
static void test_truths(struct test *test)
{
    const struct vg_column *view = test->view;
    size_t found[2] = {0, 0}, nlisted = 0;
    bool listed[2] = {false, false};
    for (size_t i = 0; i < test->n; i++)
        found[view->num[i] != 0] += view->state[i] == VG_CELL_VALUE;
    for (size_t truth = 0; truth < 2; truth++) {
        int answer = found[truth] ? ask_number(test, (double)truth) : 0;
        listed[truth] = answer > 0;
        test->tested += answer == 0 ? found[truth] : 0;
    }
    if (!view->special && !listed[0] && !listed[1])
        return;
    for (size_t i = 0; i < test->n; i++) {
        test->offenders[nlisted] = (uint32_t)i;
        nlisted += (view->state[i] != VG_CELL_VALUE) | listed[view->num[i] != 0];
    }
    for (size_t k = 0; k < nlisted; k++) {
        size_t i = test->offenders[k]; /* note() has written fewer than have been read */
        bool value = view->state[i] == VG_CELL_VALUE;
        note(test, i, value ? 1 : recall(test, view->state[i]));
    }
}

/* Numbers and times; of what has no numbers, whether there is a value. */
static void test_values(struct test *test)
{
    const struct vg_column *view = test->view;
    for (size_t i = 0; i < test->n; i++) {
        uint8_t state = view->state[i];
        note(test, i,
             state == VG_CELL_VALUE ? ask_number(test, view->num ? view->num[i] : 0)
                                    : recall(test, state));
    }
}

static size_t count_outside(const double *x, size_t n, double lo, double hi)
{
    typedef double pair __attribute__((vector_size(16)));
    typedef int64_t mask __attribute__((vector_size(16)));
    pair low = {lo, lo}, high = {hi, hi};
    mask outside = {0, 0};
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        pair v;
        memcpy(&v, x + i, sizeof v);
        outside -= (v < low) | (v > high);
    }
    if (i < n)
        outside[0] += x[i] < lo || x[i] > hi;
    return (size_t)(outside[0] + outside[1]);
}

/* Bounds on numbers: most batches have no row outside and end with one pass over the values. */
static void test_bounds(struct test *test, const struct vg_bounds *bounds)
{
    const struct vg_column *view = test->view;
    double lo = bounds->has_min ? bounds->min : -INFINITY;
    double hi = bounds->has_max ? bounds->max : INFINITY;
    if (!view->special && !count_outside(view->num, test->n, lo, hi)) {
        test->tested += test->n;
        return;
    }
    size_t nlisted = 0;
    for (size_t i = 0; i < test->n; i++) {
        double x = view->num[i];
        test->offenders[nlisted] = (uint32_t)i;
        nlisted += !((view->state[i] == VG_CELL_VALUE) & (x >= lo) & (x <= hi));
    }
    test->tested += test->n - nlisted;
    for (size_t k = 0; k < nlisted; k++) {
        size_t i = test->offenders[k]; /* note() has written fewer than have been read */
        bool value = view->state[i] == VG_CELL_VALUE;
        note(test, i, value ? ask_number(test, view->num[i]) : recall(test, view->state[i]));
    }
}

/* The plan's instant as the column writes it. */
static int64_t find_until(int64_t until_us, const struct vg_rule *rule,
                          const struct vg_column *view)
{
    bool naive = view->wire_oid == VG_OID_DATE || view->wire_oid == VG_OID_TIMESTAMP;
    if (view->kind != VG_KIND_TIME)
        return 0;
    return naive ? vg_zone_local(rule->dataset->zone, until_us) : until_us;
}

int vg_tally_offends(const struct vg_rule *rule, bool warn, const struct vg_column *column,
                     size_t row, int64_t until_us)
{
    char space[36];
    const struct vg_check_type *type = rule->type;
    struct vg_cell_view cell = {.kind = column->kind,
                                .state = (enum vg_cell_state)column->state[row],
                                .until_us = find_until(until_us, rule, column)};
    if (column->state[row] == VG_CELL_UNCAST)
        return -1;
    if (cell.state == VG_VIEW_VALUE && column->kind == VG_KIND_TEXT)
        cell.text = vg_text_cell(column, row, space);
    else if (cell.state == VG_VIEW_VALUE && column->num)
        cell.num = column->num[row];
    return (type->offends ? type->offends : type->blames)(rule, &cell, warn);
}

static void write_key(const struct vg_tally_plan *plan, const struct vg_batch *batch, size_t row,
                      char out[VG_KEY_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t k = 0; k < plan->nkeys; k++) {
        if (k && len + 3 < VG_KEY_TEXT) {
            memcpy(out + len, ", ", 3);
            len += 2;
        }
        vg_cell_text(&batch->cols[plan->keys[k]], row, out + len, VG_KEY_TEXT - len);
        len += strlen(out + len);
    }
}

/* Keeps the key of one offending row; its hash is made once for all predicates of the batch. */
static int keep_key(struct vg_tally_rows *rows, size_t place, const struct vg_tally_plan *plan,
                    struct vg_predicate_summary *into, struct vg_error *err)
{
    size_t row = rows->all ? rows->first + place : rows->selected[place];
    size_t slot = row - rows->first;
    char text[VG_KEY_TEXT];
    bool written = !rows->key_known[slot];
    if (written) {
        write_key(plan, rows->batch, row, text);
        rows->key_hash[slot] = vg_hash64(text, strlen(text));
        rows->key_known[slot] = true;
    }
    if (!vg_predicate_wants(into, rows->key_hash[slot]))
        return 0;
    if (!written)
        write_key(plan, rows->batch, row, text);
    return vg_predicate_add_key(into, rows->key_hash[slot], text, err);
}

int vg_tally_test(struct vg_tally_rows *rows, const struct vg_column *view,
                  const struct vg_tally_plan *plan, const struct vg_tally_predicate *predicate,
                  struct vg_predicate_summary *into, struct vg_error *err)
{
    const struct vg_rule *rule = predicate->rule;
    const struct vg_limits *limits = &rule->limits;
    const struct vg_bounds *bounds = predicate->warn ? &limits->warn_bounds : &limits->bounds;
    bool number = view->kind == VG_KIND_NUMBER || view->kind == VG_KIND_TIME;
    bool bounded = rule->type->bounds == VG_BOUNDS_ON_ROWS && (bounds->has_min || bounds->has_max);
    struct test test;
    test.rule = rule;
    test.warn = predicate->warn;
    test.view = view;
    test.n = rows->n;
    test.noffenders = 0;
    test.tested = 0;
    test.cell = (struct vg_cell_view){.kind = view->kind,
                                      .until_us = find_until(plan->until_us, rule, view)};
    for (size_t i = 0; i < VG_CELLS; i++)
        test.memo.of_state[i] = FREE;
    if (number && bounded)
        test_bounds(&test, bounds);
    else if (view->kind == VG_KIND_TEXT)
        test_texts(&test);
    else if (view->kind == VG_KIND_BOOL)
        test_truths(&test);
    else
        test_values(&test);
    into->tested += test.tested;
    into->offending += test.noffenders;
    for (size_t k = 0; into->max_keys && k < test.noffenders; k++) {
        if (keep_key(rows, test.offenders[k], plan, into, err) < 0)
            return -1;
    }
    return 0;
}

int vg_tally_blame(struct vg_tally_rows *rows, size_t tested, const struct vg_tally_plan *plan,
                   struct vg_predicate_summary *into, struct vg_error *err)
{
    into->tested += tested;
    into->offending += rows->n;
    for (size_t i = 0; into->max_keys && i < rows->n; i++) {
        if (keep_key(rows, i, plan, into, err) < 0)
            return -1;
    }
    return 0;
}
