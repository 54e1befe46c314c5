/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements of the store, and how their rows become structs.
 *
 * Promises that texts live in the caller's arena, that numbers taken for enums are within range,
 * and that every failure of a row is reported once, at its end. Knows no table.
 */
#include <stdlib.h>

#include "agent/store/inner.h"

int vg_sql_change(struct vg_store *store, const struct vg_sql *sql, int64_t *changed,
                  struct vg_error *err)
{
    int64_t n = 0;
    if (vg_call_enter(store, err) < 0)
        return -1;
    store->writing = true;
    int rc = store->db->ops->run(store->db, sql, &n, err);
    store->writes += n > 0;
    if (rc == 0 && changed)
        *changed = n;
    return vg_call_leave(store, rc, err);
}

int vg_sql_run(struct vg_store *store, const struct vg_sql *sql, struct vg_error *err)
{
    return vg_sql_change(store, sql, NULL, err);
}

/* --- Columns --------------------------------------------------------------------------- */

static void fail_row(struct vg_sql_row *row, enum vg_code code, const char *what)
{
    if (!row->failed)
        vg_fail(row->err, code, "state store %s: %s", row->store->path, what);
    row->failed = true;
}

int64_t vg_row_int(struct vg_sql_row *row)
{
    return row->store->db->ops->get_int(row->rows, row->column++);
}

uint64_t vg_row_count(struct vg_sql_row *row)
{
    int64_t x = vg_row_int(row);
    return x < 0 ? 0 : (uint64_t)x;
}

bool vg_row_bool(struct vg_sql_row *row)
{
    return vg_row_int(row) != 0;
}

double vg_row_real(struct vg_sql_row *row)
{
    return row->store->db->ops->get_real(row->rows, row->column++);
}

const char *vg_row_text(struct vg_sql_row *row)
{
    const char *s = row->store->db->ops->get_text(row->rows, row->column++);
    if (!s)
        return NULL;
    const char *out = row->arena ? vg_arena_strdup(row->arena, s) : NULL;
    if (!out)
        fail_row(row, VG_E_MEMORY, "out of memory");
    return out;
}

void vg_row_key(struct vg_sql_row *row, char out[VG_KEY_SIZE])
{
    const char *s = row->store->db->ops->get_text(row->rows, row->column++);
    snprintf(out, VG_KEY_SIZE, "%s", s ? s : "");
}

struct vg_worst vg_row_worst(struct vg_sql_row *row)
{
    struct vg_worst worst = {.at_us = vg_row_int(row)};
    worst.value = vg_row_real(row);
    worst.limit = vg_row_real(row);
    worst.verdict = (enum vg_verdict)vg_row_enum(row, VG_FAIL + 1);
    return worst;
}

struct vg_window vg_row_window(struct vg_sql_row *row)
{
    struct vg_window window = {.start_us = vg_row_int(row)};
    window.end_us = vg_row_int(row);
    window.repeated = vg_row_bool(row);
    return window;
}

int vg_row_enum(struct vg_sql_row *row, int n)
{
    int64_t x = vg_row_int(row);
    if (x >= 0 && x < n)
        return (int)x;
    fail_row(row, VG_E_STATE, "a stored number is not one that this program knows");
    row->store->db->trouble = VG_DB_DAMAGED;
    return 0;
}

const void *vg_row_blob(struct vg_sql_row *row, size_t *size)
{
    return row->store->db->ops->get_blob(row->rows, row->column++, size);
}

void vg_row_skip(struct vg_sql_row *row)
{
    row->column++;
}

/* --- Rows ------------------------------------------------------------------------------ */

/* Steps and reads one row; *more false at the end. */
static int next_row(struct vg_sql_row *row, const struct vg_sql_shape *shape, void *item,
                    bool *more)
{
    if (row->store->db->ops->next(row->rows, more, row->err) < 0)
        return -1;
    if (!*more)
        return 0;
    row->column = 0;
    memset(item, 0, shape->size);
    shape->read(row, item);
    return row->failed ? -1 : 0;
}

/* `writing`: the statement also changes something. */
static int read_one(const struct vg_sql *sql, const struct vg_sql_shape *shape, bool writing,
                    struct vg_sql_row *row, void *item)
{
    struct vg_store *store = row->store;
    bool more = false;
    memset(item, 0, shape->size);
    if (vg_call_enter(store, row->err) < 0)
        return -1;
    store->writing = writing;
    store->writes += writing;
    const struct vg_db_ops *ops = store->db->ops;
    int rc = ops->query(store->db, sql, &row->rows, row->err);
    if (rc == 0)
        rc = next_row(row, shape, item, &more);
    ops->done(row->rows);
    return vg_call_leave(store, rc, row->err) < 0 ? -1 : more;
}

int vg_sql_one(struct vg_store *store, const struct vg_sql *sql, const struct vg_sql_shape *shape,
               void *item, bool *found, struct vg_error *err)
{
    struct vg_sql_row row = {.store = store, .arena = shape->arena, .err = err};
    int rc = read_one(sql, shape, false, &row, item);
    *found = rc > 0;
    return rc < 0 ? -1 : 0;
}

/* Room for another item, in doubling steps; the arena keeps the outgrown ones until it is freed. */
static int make_room(struct vg_sql_row *row, size_t size, size_t n, size_t *room, char **items)
{
    if (n < *room)
        return 0;
    size_t larger = *room ? *room * 2 : 16;
    char *moved = vg_arena_array(row->arena, larger, size);
    if (!moved) {
        fail_row(row, VG_E_MEMORY, "out of memory");
        return -1;
    }
    if (n)
        memcpy(moved, *items, n * size);
    *items = moved;
    *room = larger;
    return 0;
}

int vg_sql_list(struct vg_store *store, const struct vg_sql *sql, const struct vg_sql_shape *shape,
                void **items, size_t *n, struct vg_error *err)
{
    return vg_sql_list_given(store, sql, shape, NULL, items, n, err);
}

int vg_sql_list_given(struct vg_store *store, const struct vg_sql *sql,
                      const struct vg_sql_shape *shape, const void *given, void **items, size_t *n,
                      struct vg_error *err)
{
    struct vg_sql_row row = {.store = store, .arena = shape->arena, .err = err, .given = given};
    char *list = NULL;
    size_t len = 0, room = 0;
    bool more = true;
    *items = NULL;
    *n = 0;
    if (vg_call_enter(store, err) < 0)
        return -1;
    const struct vg_db_ops *ops = store->db->ops;
    int rc = ops->query(store->db, sql, &row.rows, err);
    while (rc == 0 && more) {
        rc = make_room(&row, shape->size, len, &room, &list);
        if (rc == 0)
            rc = next_row(&row, shape, list + len * shape->size, &more);
        len += rc == 0 && more;
    }
    ops->done(row.rows);
    if (rc == 0) {
        *items = len ? list : NULL;
        *n = len;
    }
    return vg_call_leave(store, rc, err);
}

static void read_int(struct vg_sql_row *row, void *item)
{
    *(int64_t *)item = vg_row_int(row);
}

int vg_sql_int(struct vg_store *store, const struct vg_sql *sql, int64_t *out, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_int, NULL};
    int64_t value;
    bool found;
    if (vg_sql_one(store, sql, &shape, &value, &found, err) < 0)
        return -1;
    if (found)
        *out = value;
    return 0;
}

int vg_sql_made(struct vg_store *store, const struct vg_sql *sql, int64_t *out,
                struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_int, NULL};
    struct vg_sql_row row = {.store = store, .err = err};
    return read_one(sql, &shape, true, &row, out) < 0 ? -1 : 0;
}

static void read_text(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

int vg_sql_strings(struct vg_store *store, const struct vg_sql *sql, struct vg_arena *arena,
                   struct vg_strings *out, struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof(char *), read_text, arena};
    void *items;
    if (vg_sql_list(store, sql, &shape, &items, &out->n, err) < 0)
        return -1;
    out->items = items;
    return 0;
}
