/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rows break a rule. The check type decides; it is spared the rows whose answer is known:
 * numbers inside the rule's bounds, repeated nulls and truths, short texts just asked about.
 * Offending rows are counted, and of their keys those of smallest hash are kept. */
#include <math.h>
#include <string.h>

#include "agent/tally.h"
#include "agent/tally_rows.h"
#include "pgvigil/check.h"

enum { MEMO_SLOTS = 64, MEMO_TEXT = 24 };

/* Answers of one predicate within one batch; `offends` is pure, so asking again would be the same.
 */
struct memo {
    bool known[VG_CELLS][2]; /* by state and truth */
    int answer[VG_CELLS][2];
    struct {
        bool known;
        uint8_t len;
        int answer;
        char text[MEMO_TEXT];
    } texts[MEMO_SLOTS];
};

struct test {
    const struct vg_rule *rule;
    bool warn;
    const struct vg_column *view;
    size_t n, noffenders;
    uint64_t tested;
    int64_t until_us;
    struct memo memo;
    uint32_t offenders[VG_BATCH_ROWS]; /* places in the view */
};

static struct vg_cell_view view_cell(const struct vg_column *view, size_t i, int64_t until_us,
                                     char space[36])
{
    struct vg_cell_view cell = {
        .kind = view->kind, .state = (enum vg_cell_state)view->state[i], .until_us = until_us};
    if (cell.state == VG_VIEW_VALUE && view->kind == VG_KIND_TEXT)
        cell.text = vg_text_cell(view, i, space);
    else if (cell.state == VG_VIEW_VALUE && view->num)
        cell.num = view->num[i];
    return cell;
}

static int ask(struct test *test, size_t i)
{
    char space[36];
    struct vg_cell_view cell = view_cell(test->view, i, test->until_us, space);
    return test->rule->type->offends(test->rule, &cell, test->warn);
}

static int ask_short_text(struct test *test, size_t i)
{
    struct vg_slice raw = test->view->raw[i];
    if (!raw.len || raw.len > MEMO_TEXT)
        return ask(test, i);
    unsigned char first = (unsigned char)raw.data[0], last = (unsigned char)raw.data[raw.len - 1];
    unsigned char middle = (unsigned char)raw.data[raw.len / 2];
    size_t slot = (first + 5u * last + 17u * raw.len + 23u * middle) % MEMO_SLOTS;
    struct memo *memo = &test->memo;
    if (!memo->texts[slot].known || memo->texts[slot].len != raw.len ||
        memcmp(memo->texts[slot].text, raw.data, raw.len) != 0) {
        memo->texts[slot].known = true;
        memo->texts[slot].len = (uint8_t)raw.len;
        memcpy(memo->texts[slot].text, raw.data, raw.len);
        memo->texts[slot].answer = ask(test, i);
    }
    return memo->texts[slot].answer;
}

static int recall(struct test *test, size_t i)
{
    const struct vg_column *view = test->view;
    uint8_t state = view->state[i];
    bool truth = view->kind == VG_KIND_BOOL && view->num[i] != 0;
    if (state == VG_CELL_UNCAST)
        return -1; /* no value to be tested; the check `cast` counts it */
    if (state == VG_CELL_VALUE && view->kind == VG_KIND_TEXT)
        return ask_short_text(test, i);
    if (state == VG_CELL_VALUE && view->kind != VG_KIND_BOOL)
        return ask(test, i);
    if (!test->memo.known[state][truth]) {
        test->memo.known[state][truth] = true;
        test->memo.answer[state][truth] = ask(test, i);
    }
    return test->memo.answer[state][truth];
}

static void note(struct test *test, size_t i, int answer)
{
    test->tested += answer >= 0;
    if (answer > 0)
        test->offenders[test->noffenders++] = (uint32_t)i;
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
    size_t inside = 0;
    for (size_t i = 0; i < test->n; i++) {
        double x = view->num[i];
        bool fine = (view->state[i] == VG_CELL_VALUE) & (x >= lo) & (x <= hi);
        inside += fine;
        if (!fine)
            note(test, i, recall(test, i));
    }
    test->tested += inside;
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
    if (column->state[row] == VG_CELL_UNCAST)
        return -1;
    struct vg_cell_view cell = view_cell(column, row, find_until(until_us, rule, column), space);
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
    struct test test;
    test.rule = rule;
    test.warn = predicate->warn;
    test.view = view;
    test.n = rows->n;
    test.noffenders = 0;
    test.tested = 0;
    test.until_us = find_until(plan->until_us, rule, view);
    memset(test.memo.known, 0, sizeof test.memo.known);
    for (size_t i = 0; i < MEMO_SLOTS; i++)
        test.memo.texts[i].known = false;
    if (number && rule->type->bounds == VG_BOUNDS_ON_ROWS && (bounds->has_min || bounds->has_max)) {
        test_bounds(&test, bounds);
    } else {
        for (size_t i = 0; i < test.n; i++)
            note(&test, i, recall(&test, i));
    }
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
