/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last base windows of a replay. Each column is what the store would have read back; it is
 * written to the store once, when its base window is over or before the store is asked. */
#include <stdlib.h>
#include <string.h>

#include "agent/loop/carry_inner.h"
#include "pgvigil/log.h"

enum { BODY_MAX = 16 << 20 };

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static void forget_counts(struct vg_carried_column *column)
{
    vg_budget_counts_free(column->counts);
    column->counts = NULL;
}

void vg_carry_forget_counts(struct vg_carry *carry)
{
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++) {
        for (size_t c = 0; c < carry->bases[i].ncolumns; c++)
            forget_counts(&carry->bases[i].columns[c]);
    }
}

static void clear_base(struct vg_carried_base *base)
{
    for (size_t i = 0; i < base->ncolumns; i++) {
        forget_counts(&base->columns[i]);
        vg_column_free(base->columns[i].column);
    }
    base->ncolumns = 0;
}

void vg_carry_forget_bases(struct vg_carry *carry)
{
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++) {
        clear_base(&carry->bases[i]);
        free(carry->bases[i].columns);
        carry->bases[i] = (struct vg_carried_base){.columns = NULL};
    }
    carry->nbases = carry->next = 0;
}

static struct vg_carried_base *find_newest(struct vg_carry *carry)
{
    size_t at = (carry->next + VG_BUDGET_LOOK - 1) % VG_BUDGET_LOOK;
    return carry->nbases ? &carry->bases[at] : NULL;
}

static struct vg_carried_column *find_column(struct vg_carried_base *base, const char *name)
{
    for (size_t i = 0; i < base->ncolumns; i++) {
        if (!strcmp(base->columns[i].column->name, name))
            return &base->columns[i];
    }
    return NULL;
}

static int store_column(const struct vg_carry *carry, const struct vg_window *base,
                        const struct vg_column_summary *column, struct vg_error *err)
{
    struct vg_buf buf;
    vg_buf_init(&buf, BODY_MAX);
    int rc = vg_column_write(column, &buf, err);
    const struct vg_summary_body body = {column->name, buf.data, buf.len};
    if (rc == 0)
        rc = vg_store_summary_put(carry->store, carry->dataset, base, &body, err);
    vg_buf_free(&buf);
    return rc;
}

int vg_carry_flush(struct vg_carry *carry, struct vg_error *err)
{
    struct vg_carried_base *base = find_newest(carry);
    for (size_t i = 0; base && i < base->ncolumns; i++) {
        struct vg_carried_column *column = &base->columns[i];
        if (column->stored)
            continue;
        if (store_column(carry, &base->window, column->column, err) < 0)
            return -1;
        column->stored = true;
    }
    return 0;
}

static bool is_same(const struct vg_window *a, const struct vg_window *b)
{
    return a->start_us == b->start_us && a->end_us == b->end_us;
}

static struct vg_carried_base *open_base(struct vg_carry *carry, const struct vg_window *window,
                                         struct vg_error *err)
{
    struct vg_carried_base *base = find_newest(carry);
    if (base && is_same(&base->window, window))
        return base;
    if (vg_carry_flush(carry, err) < 0)
        return NULL;
    base = &carry->bases[carry->next];
    clear_base(base);
    base->window = *window;
    carry->next = (carry->next + 1) % VG_BUDGET_LOOK;
    carry->nbases += carry->nbases < VG_BUDGET_LOOK;
    return base;
}

static void tell_replaced(const struct vg_carry *carry, const char *column, const char *why)
{
    vg_log(VG_LOG_WARN, "a stored summary could not be added to and is replaced", "dataset",
           carry->dataset, "column", column, "why", why, NULL);
}

/* 1: added, 0: another grid or kind, which begins anew. */
static int add_to(const struct vg_carry *carry, struct vg_column_summary *old,
                  const struct vg_column_summary *column, struct vg_error *err)
{
    struct vg_error fault = {.code = VG_OK};
    if (old->grid_id != column->grid_id || old->kind != column->kind)
        return 0;
    if (vg_column_merge(old, column, &fault) == 0)
        return 1;
    if (fault.code == VG_E_MEMORY)
        return fail_memory(err);
    tell_replaced(carry, column->name, fault.msg);
    return 0;
}

static int add_column(struct vg_carry *carry, struct vg_carried_base *base,
                      struct vg_column_summary *column, struct vg_error *err)
{
    struct vg_carried_column *into = find_column(base, column->name);
    int added = into ? add_to(carry, into->column, column, err) : 0;
    if (added < 0)
        return -1;
    struct vg_column_summary *taken = added ? NULL : vg_column_take(column);
    if (!added && !taken)
        return fail_memory(err);
    if (!into && vg_grow((void **)&base->columns, &base->columns_size, base->ncolumns + 1,
                         sizeof *base->columns) < 0) {
        vg_column_free(taken);
        return fail_memory(err);
    }
    if (!into) {
        into = &base->columns[base->ncolumns++];
        *into = (struct vg_carried_column){.column = NULL};
    }
    into->stored = false;
    forget_counts(into);
    if (taken) {
        vg_column_free(into->column);
        into->column = taken;
    }
    return 0;
}

void vg_carry_only(struct vg_carry *carry, const struct vg_strings *columns)
{
    carry->only = columns;
}

static bool is_wanted(const struct vg_carry *carry, const char *name)
{
    bool wanted = !carry->only;
    for (size_t i = 0; !wanted && i < carry->only->n; i++)
        wanted = !strcmp(carry->only->items[i], name);
    return wanted;
}

int vg_carry_add(struct vg_carry *carry, const struct vg_window *window, struct vg_summary *summary,
                 struct vg_error *err)
{
    struct vg_carried_base *base = open_base(carry, window, err);
    for (size_t i = 0; base && i < summary->ncolumns; i++) {
        struct vg_column_summary *column = &summary->columns[i];
        if (is_wanted(carry, column->name) && add_column(carry, base, column, err) < 0)
            return -1;
    }
    return base ? 0 : -1;
}

static struct vg_carried_column *find_carried(struct vg_carry *carry,
                                              const struct vg_window *window, const char *name)
{
    for (size_t i = 0; i < VG_BUDGET_LOOK; i++) {
        struct vg_carried_base *base = &carry->bases[i];
        if (base->ncolumns && is_same(&base->window, window))
            return find_column(base, name);
    }
    return NULL;
}

int vg_carry_summary(struct vg_carry *carry, const struct vg_window *window, const char *name,
                     const struct vg_budget_part *part, struct vg_carried *out,
                     struct vg_error *err)
{
    struct vg_carried_column *column = find_carried(carry, window, name);
    *out = (struct vg_carried){NULL, NULL};
    if (!column)
        return 0;
    if (part && !column->counts) {
        column->counts = vg_budget_count(part, column->column);
        if (!column->counts)
            return fail_memory(err);
    }
    *out = (struct vg_carried){column->column, part ? column->counts : NULL};
    return 0;
}
