/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Applying changes to batches: copies of the columns that change, and how often each row comes.
 * Which rows are met is a hash of the change and the row's number. Pure; keeps of a stream its
 * length and the last values before columns got stuck. */
#include "agent/inject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql.h"
#include "pgvigil/text.h"

enum { INT2 = 21, INT4 = 23, INT8 = 20, UUID = 2950 };

/* A column of a batch that some change touches: its copy. */
struct copy {
    bool used;
    uint8_t *state;
    double *num;
    struct vg_slice *raw;
};

/* The value at which a column is stuck. */
struct last {
    bool known, shown;
    uint8_t state;
    double num;
    char *raw;
    uint32_t len;
    size_t size;
};

struct bound {
    const struct vg_injection *injection;
    size_t *targets; /* columns of a batch */
    size_t ntargets;
    struct last *last; /* per target */
    double add, mean;  /* of shift; of scale */
    bool whole;        /* the column holds whole numbers */
};

struct vg_injector {
    struct bound bound[VG_INJECTIONS];
    size_t n, ncols;
    struct copy *copies;    /* per column of a batch */
    struct vg_column *cols; /* of the batch handed out */
    uint8_t *times;         /* of its rows */
    bool rows_change;
    uint64_t seen; /* rows before the batch */
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int fail_fit(const struct vg_injection *injection, struct vg_error *err, const char *why)
{
    return vg_fail(err, VG_E_USAGE, "--inject \"%s\": %s", injection->text, why);
}

/* --- Binding ---------------------------------------------------------------------------------- */

static bool is_of_numbers(enum vg_inject_kind kind)
{
    return kind == VG_INJECT_SHIFT || kind == VG_INJECT_SCALE || kind == VG_INJECT_UNIT;
}

static int check_fit(const struct vg_injection *injection, const struct vg_inject_scan *scan,
                     const struct vg_catalog_column *column, struct vg_error *err)
{
    const struct vg_catalog *catalog = scan->catalog;
    bool category = injection->kind == VG_INJECT_SHARE || injection->kind == VG_INJECT_NEW;
    if (!column)
        return fail_fit(injection, err, "there is no such column");
    if (catalog->names)
        return fail_fit(injection, err, "a table of one row per feature is not changed by column");
    if (scan->time_column && !strcmp(scan->time_column, injection->column))
        return fail_fit(injection, err, "the time column says which window a row is of: it stays");
    if (is_of_numbers(injection->kind) && column->kind != VG_KIND_NUMBER)
        return fail_fit(injection, err, "the column holds no numbers");
    if (category && (column->kind != VG_KIND_TEXT || column->wire_oid == UUID) &&
        !(column->kind == VG_KIND_BOOL && injection->kind == VG_INJECT_SHARE))
        return fail_fit(injection, err, "the column is no category");
    if (category && column->kind == VG_KIND_BOOL && strcmp(injection->value, "true") != 0 &&
        strcmp(injection->value, "false") != 0)
        return fail_fit(injection, err, "the value of a boolean is true or false");
    return 0;
}

/* Mean and spread come from the reference. */
static int learn(struct bound *bound, const struct vg_inject_scan *scan, struct vg_error *err)
{
    const struct vg_injection *injection = bound->injection;
    const struct vg_reference_column *column =
        scan->reference ? vg_reference_find(scan->reference, injection->column) : NULL;
    const struct vg_column_summary *total = column ? column->total : NULL;
    bound->add = injection->amount;
    if (injection->kind == VG_INJECT_NEW && total && total->top &&
        vg_top_count_hash(total->top, vg_hash64(injection->value, strlen(injection->value))))
        return fail_fit(injection, err,
                        "the value is in the reference: \"share\" makes a known one more frequent");
    if (injection->kind == VG_INJECT_SCALE || injection->in_sd) {
        double sd = total ? vg_column_stddev(total) : (double)NAN;
        bound->mean = total ? vg_column_mean(total) : (double)NAN;
        if (isnan(sd) || isnan(bound->mean))
            return fail_fit(injection, err, "the reference does not know the column's spread");
        if (sd <= 0)
            return fail_fit(injection, err,
                            "the column is constant in the reference: it has no sd");
        if (injection->in_sd)
            bound->add = injection->amount * sd;
    }
    return 0;
}

static int find_targets(struct bound *bound, const struct vg_inject_scan *scan,
                        const struct vg_catalog_column *column, struct vg_error *err)
{
    bound->targets = vg_array(scan->nitems + 1, sizeof *bound->targets);
    bound->last = vg_array(scan->nitems + 1, sizeof *bound->last);
    if (!bound->targets || !bound->last)
        return fail_memory(err);
    for (size_t i = 0; i < scan->nitems; i++) {
        if (!strcmp(scan->items[i], vg_sql_item(column)))
            bound->targets[bound->ntargets++] = i;
    }
    return 0;
}

static int bind(struct vg_injector *injector, const struct vg_injection *injection,
                const struct vg_inject_scan *scan, struct vg_error *err)
{
    struct bound *bound = &injector->bound[injector->n++];
    *bound = (struct bound){.injection = injection};
    if (!injection->column) {
        injector->rows_change = true;
        return 0;
    }
    const struct vg_catalog_column *column = vg_catalog_find(scan->catalog, injection->column);
    if (check_fit(injection, scan, column, err) < 0 || learn(bound, scan, err) < 0 ||
        find_targets(bound, scan, column, err) < 0)
        return -1;
    bound->whole = column->wire_oid == INT2 || column->wire_oid == INT4 || column->wire_oid == INT8;
    for (size_t i = 0; i < bound->ntargets; i++)
        injector->copies[bound->targets[i]].used = true;
    return 0;
}

static int allocate(struct vg_injector *injector, struct vg_error *err)
{
    for (size_t i = 0; i < injector->ncols; i++) {
        struct copy *copy = &injector->copies[i];
        if (!copy->used)
            continue;
        copy->state = vg_array(VG_BATCH_ROWS, sizeof *copy->state);
        copy->num = vg_array(VG_BATCH_ROWS, sizeof *copy->num);
        copy->raw = vg_array(VG_BATCH_ROWS, sizeof *copy->raw);
        if (!copy->state || !copy->num || !copy->raw)
            return fail_memory(err);
    }
    return 0;
}

int vg_injector_new(const struct vg_injection *items, size_t n, const struct vg_inject_scan *scan,
                    struct vg_injector **out, uint32_t *unread, struct vg_error *err)
{
    *out = NULL;
    *unread = 0;
    if (n > VG_INJECTIONS)
        return vg_fail(err, VG_E_USAGE, "more than %d changes", VG_INJECTIONS);
    struct vg_injector *injector = calloc(1, sizeof *injector);
    if (!injector)
        return fail_memory(err);
    injector->ncols = scan->nitems;
    injector->copies = vg_array(scan->nitems + 1, sizeof *injector->copies);
    injector->cols = vg_array(scan->nitems + 1, sizeof *injector->cols);
    injector->times = vg_array(VG_BATCH_ROWS, sizeof *injector->times);
    int rc = injector->copies && injector->cols && injector->times ? 0 : fail_memory(err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = bind(injector, &items[i], scan, err);
        if (rc == 0 && items[i].column && !injector->bound[i].ntargets)
            *unread |= UINT32_C(1) << i;
    }
    if (rc == 0)
        rc = allocate(injector, err);
    if (rc < 0) {
        vg_injector_free(injector);
        return -1;
    }
    *out = injector;
    return 0;
}

static void free_bound(struct bound *bound)
{
    for (size_t i = 0; i < bound->ntargets; i++)
        free(bound->last[i].raw);
    free(bound->last);
    free(bound->targets);
}

void vg_injector_free(struct vg_injector *injector)
{
    if (!injector)
        return;
    for (size_t i = 0; i < injector->n; i++)
        free_bound(&injector->bound[i]);
    for (size_t i = 0; injector->copies && i < injector->ncols; i++) {
        free(injector->copies[i].state);
        free(injector->copies[i].num);
        free(injector->copies[i].raw);
    }
    free(injector->copies);
    free(injector->cols);
    free(injector->times);
    free(injector);
}

/* --- Applying --------------------------------------------------------------------------------- */

/* A number in [0, 1) that depends on the change and the row alone (the finaliser of splitmix64;
 * Steele, Lea and Flood, 2014). */
static double draw(size_t change, uint64_t row, uint64_t salt)
{
    uint64_t z =
        row * UINT64_C(0x9e3779b97f4a7c15) + (change * 2 + salt + 1) * UINT64_C(0xd1b54a32d192ed03);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static bool is_within(const struct vg_injection *injection, int64_t at_us)
{
    return at_us >= injection->from_us && at_us < injection->to_us;
}

static bool has_share(enum vg_inject_kind kind)
{
    return kind == VG_INJECT_NULLS || kind == VG_INJECT_SHARE || kind == VG_INJECT_NEW ||
           kind == VG_INJECT_DUPLICATED || kind == VG_INJECT_MISSING;
}

/* Of whole numbers one of the two neighbours, so that the mean moves by what was asked for. */
static double change_number(const struct bound *bound, double x, double u)
{
    switch (bound->injection->kind) {
    case VG_INJECT_SHIFT:
        x += bound->add;
        break;
    case VG_INJECT_SCALE:
        x = bound->mean + bound->injection->amount * (x - bound->mean);
        break;
    default:
        x *= bound->injection->amount;
    }
    return bound->whole ? floor(x + u) : x;
}

static void set_value(struct copy *copy, enum vg_kind kind, size_t row, const char *value)
{
    copy->state[row] = VG_CELL_VALUE;
    copy->num[row] = kind == VG_KIND_BOOL && !strcmp(value, "true") ? 1 : 0;
    copy->raw[row] = (struct vg_slice){0};
    if (kind == VG_KIND_TEXT)
        copy->raw[row] = (struct vg_slice){value, (uint32_t)strlen(value)};
}

static int remember(struct last *last, const struct copy *copy, size_t row, struct vg_error *err)
{
    struct vg_slice raw = copy->raw[row];
    if (vg_grow((void **)&last->raw, &last->size, raw.len + 1, 1) < 0)
        return fail_memory(err);
    if (raw.len)
        memcpy(last->raw, raw.data, raw.len);
    last->len = raw.len;
    last->state = copy->state[row];
    last->num = copy->num[row];
    last->known = true;
    return 0;
}

/* What is remembered is not touched any more once a row shows it. */
static int stick(struct last *last, struct copy *copy, size_t row, bool within,
                 struct vg_error *err)
{
    if (!last->shown && (!within || !last->known)) {
        last->shown = within;
        return remember(last, copy, row, err);
    }
    last->shown = true;
    if (!within)
        return 0;
    copy->state[row] = last->state;
    copy->num[row] = last->num;
    copy->raw[row] = (struct vg_slice){last->raw, last->len};
    return 0;
}

static void change_cell(const struct bound *bound, size_t change, uint64_t number,
                        struct copy *copy, const struct vg_column *column, size_t row)
{
    switch (bound->injection->kind) {
    case VG_INJECT_NULLS:
        copy->state[row] = VG_CELL_NULL;
        copy->num[row] = 0;
        copy->raw[row] = (struct vg_slice){0};
        break;
    case VG_INJECT_SHARE:
    case VG_INJECT_NEW:
        set_value(copy, column->kind, row, bound->injection->value);
        break;
    default:
        if (copy->state[row] == VG_CELL_VALUE)
            copy->num[row] = change_number(bound, copy->num[row], draw(change, number, 1));
    }
}

static int change_column(struct vg_injector *injector, size_t change, size_t target,
                         const struct vg_batch *batch, const int64_t *at_us, struct vg_error *err)
{
    struct bound *bound = &injector->bound[change];
    const struct vg_injection *injection = bound->injection;
    struct copy *copy = &injector->copies[bound->targets[target]];
    const struct vg_column *column = &batch->cols[bound->targets[target]];
    for (size_t r = 0; r < batch->nrows; r++) {
        bool within = is_within(injection, at_us[r]);
        uint64_t number = injector->seen + r;
        if (injection->kind == VG_INJECT_STUCK) {
            if (stick(&bound->last[target], copy, r, within, err) < 0)
                return -1;
            continue;
        }
        bool met = !has_share(injection->kind) || draw(change, number, 0) < injection->amount;
        if (within && met)
            change_cell(bound, change, number, copy, column, r);
    }
    return 0;
}

static void change_rows(struct vg_injector *injector, size_t change, const struct vg_batch *batch,
                        const int64_t *at_us)
{
    const struct vg_injection *injection = injector->bound[change].injection;
    bool twice = injection->kind == VG_INJECT_DUPLICATED;
    for (size_t r = 0; r < batch->nrows; r++) {
        bool met = is_within(injection, at_us[r]) &&
                   draw(change, injector->seen + r, 0) < injection->amount;
        if (met)
            injector->times[r] = (uint8_t)(twice ? 2 * injector->times[r] : 0);
    }
}

static void open_copy(struct copy *copy, const struct vg_column *from, size_t nrows)
{
    memcpy(copy->state, from->state, nrows * sizeof *copy->state);
    for (size_t r = 0; r < nrows; r++) {
        copy->num[r] = from->num ? from->num[r] : 0;
        copy->raw[r] = from->raw ? from->raw[r] : (struct vg_slice){0};
    }
}

static void close_copy(const struct copy *copy, struct vg_column *column, size_t nrows)
{
    column->special = 0;
    for (size_t r = 0; r < nrows; r++)
        column->special += copy->state[r] != VG_CELL_VALUE;
    column->state = copy->state;
    column->num = column->num ? copy->num : NULL;
    column->raw = column->raw ? copy->raw : NULL;
}

int vg_injector_apply(struct vg_injector *injector, const struct vg_batch *batch,
                      const int64_t *at_us, struct vg_batch *out, const uint8_t **times,
                      struct vg_error *err)
{
    if (batch->nrows > VG_BATCH_ROWS || batch->ncols != injector->ncols)
        BUG("a batch of %zu rows and %zu columns", batch->nrows, batch->ncols);
    memset(injector->times, 1, batch->nrows);
    for (size_t i = 0; i < batch->ncols; i++) {
        injector->cols[i] = batch->cols[i];
        if (injector->copies[i].used)
            open_copy(&injector->copies[i], &batch->cols[i], batch->nrows);
    }
    for (size_t c = 0; c < injector->n; c++) {
        if (!injector->bound[c].injection->column)
            change_rows(injector, c, batch, at_us);
        for (size_t t = 0; t < injector->bound[c].ntargets; t++) {
            if (change_column(injector, c, t, batch, at_us, err) < 0)
                return -1;
        }
    }
    for (size_t i = 0; i < batch->ncols; i++) {
        if (injector->copies[i].used)
            close_copy(&injector->copies[i], &injector->cols[i], batch->nrows);
    }
    injector->seen += batch->nrows;
    *out = (struct vg_batch){batch->nrows, batch->ncols, injector->cols};
    *times = injector->rows_change ? injector->times : NULL;
    return 0;
}
