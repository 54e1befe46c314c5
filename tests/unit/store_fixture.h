/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the state store share: a folder of their own, an open store, made-up data. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/store/inner.h"
#include "pgvigil/store.h"

struct fixture {
    char dir[128];
    char path[160]; /* of the state file */
    struct vg_store *store;
    struct vg_arena *arena;
    struct vg_error err;
};

/* As cmocka's setup and teardown: a new folder, with and without a daemon's store open in it. */
int fixture_setup(void **state);
int fixture_setup_closed(void **state);
int fixture_teardown(void **state);

/* Fails the test unless the call succeeded, or failed with this code. */
#define MUST(f, call)          fixture_must((call), &(f)->err, #call, __LINE__)
#define REFUSED(f, want, call) fixture_refused((call), (want), &(f)->err, #call, __LINE__)
void fixture_must(int rc, const struct vg_error *err, const char *call, int line);
void fixture_refused(int rc, enum vg_code want, const struct vg_error *err, const char *call,
                     int line);

void fixture_open(struct fixture *f, enum vg_store_mode mode);
void fixture_close(struct fixture *f);
/* A path beside the state file; one static buffer, good until the next call. */
const char *fixture_beside(const struct fixture *f, const char *suffix);
/* How many files in the folder have this in their name. */
size_t fixture_files(const struct fixture *f, const char *part);
/* The bytes of a file on the heap. */
char *fixture_read(const char *path, size_t *size);
void fixture_write(const char *path, const void *data, size_t size);

/* Statements past the store's functions. `text` may be any text. */
void fixture_exec(struct vg_store *store, const char *text);
/* A number; `text` must be a constant. */
int64_t fixture_int(struct vg_store *store, const char *text);

/* A result with every field set. */
struct vg_result made_result(const char *rule, enum vg_verdict verdict);
/* A cycle of dataset "d" over the n-th hour, judged two minutes after its end. */
struct vg_cycle made_cycle(int hour, struct vg_result *results, size_t n);
struct vg_alert made_alert(const char *rule, enum vg_alert_state state);
struct vg_outgoing made_outgoing(const char *sink, const char *key, int64_t next_us);
struct vg_window made_hour(int hour);
/* A numeric column of n rows 0, 1 ... n - 1, counted on the grid 0, step, 2 step ... 9 step. */
struct made_column {
    struct vg_grid *grid;
    struct vg_column_summary column;
};
struct made_column *made_column(const char *name, int n, double step);
void free_column(struct made_column *made);

#endif
