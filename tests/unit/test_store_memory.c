/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the state store when memory runs out inside SQLite: each allocation of opening, of
 * a cycle and of reading fails in turn, once and for ever. Nothing crashes or leaks, what is stored
 * is whole, and the store works again when there is memory. */
#include "tests/unit/store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/store_vfs.h"

enum { EVERY = 40, STEP = 2503 }; /* the first ones one by one, then one in so many */

static struct {
    sqlite3_mem_methods real;
    int countdown; /* 0: nothing fails */
    bool ever, hit;
} memory;

static bool refuses(void)
{
    if (memory.hit)
        return memory.ever;
    if (!memory.countdown || --memory.countdown)
        return false;
    return memory.hit = true;
}

static void *allocate(int size)
{
    return refuses() ? NULL : memory.real.xMalloc(size);
}

static void *reallocate(void *old, int size)
{
    return refuses() ? NULL : memory.real.xRealloc(old, size);
}

static void install(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real) != SQLITE_OK)
        fail();
    sqlite3_mem_methods ours = memory.real;
    ours.xMalloc = allocate;
    ours.xRealloc = reallocate;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK)
        fail();
}

static void starve(int nth, bool ever)
{
    memory.countdown = nth;
    memory.ever = ever;
    memory.hit = false;
}

static bool feed(void)
{
    bool hit = memory.hit;
    starve(0, false);
    return hit;
}

static int next_of(int nth)
{
    return nth + (nth < EVERY ? 1 : STEP);
}

static int write_cycle(struct vg_store *store, int number, struct vg_error *err)
{
    struct vg_result result = made_result("a", VG_FAIL);
    struct vg_cycle cycle = made_cycle(number, &result, 1);
    struct vg_outgoing row = made_outgoing("ops", "k", number);
    if (vg_store_begin(store, NULL, err) < 0)
        return -1;
    if (vg_store_results_put(store, &cycle, err) < 0 || vg_store_outbox_put(store, &row, err) < 0) {
        vg_store_rollback(store);
        return -1;
    }
    return vg_store_commit(store, err);
}

static int64_t stored(struct fixture *f)
{
    int64_t results = fixture_int(f->store, "SELECT count(*) FROM result");
    assert_int_equal(results, fixture_int(f->store, "SELECT count(*) FROM outbox"));
    return results;
}

static void starve_cycle(struct fixture *f, int nth, bool ever, int64_t *count, bool *hit)
{
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    starve(nth, ever);
    int rc = write_cycle(f->store, (int)*count + 1, &f->err);
    *hit = feed();
    if (rc < 0)
        assert_int_equal(f->err.code, VG_E_MEMORY);
    int64_t now = stored(f);
    assert_true(now == *count + (rc == 0));
    *count = now;
}

static void test_cycle(void **state)
{
    struct fixture *f = *state;
    for (int ever = 0; ever < 2; ever++) {
        int64_t count = stored(f);
        bool hit = true;
        int nth, tries = 0;
        for (nth = 1; hit; nth = next_of(nth), tries++)
            starve_cycle(f, nth, ever, &count, &hit);
        print_message("%d of %d allocations failed%s\n", tries - 1, nth, ever ? ", for ever" : "");
        assert_true(tries > EVERY);
        MUST(f, write_cycle(f->store, (int)count + 1, &f->err));
        assert_int_equal(stored(f), count + 1);
    }
    assert_int_equal(fixture_files(f, "damaged"), 0);
}

static void test_open(void **state)
{
    struct fixture *f = *state;
    MUST(f, write_cycle(f->store, 1, &f->err));
    for (int ever = 0; ever < 2; ever++) {
        bool hit = true;
        int nth, tries = 0;
        for (nth = 1; hit; nth = next_of(nth), tries++) {
            fixture_close(f);
            starve(nth, ever);
            int rc = vg_store_open(f->path, VG_STORE_DAEMON, &f->store, &f->err);
            hit = feed();
            if (rc < 0)
                fixture_open(f, VG_STORE_DAEMON);
            assert_int_equal(stored(f), 1);
        }
        print_message("%d of %d allocations failed%s\n", tries - 1, nth, ever ? ", for ever" : "");
        assert_true(tries > EVERY);
    }
    assert_int_equal(fixture_files(f, "damaged"), 0);
}

static void test_reading(void **state)
{
    struct fixture *f = *state;
    MUST(f, write_cycle(f->store, 1, &f->err));
    bool hit = true;
    int tries = 0;
    for (int nth = 1; hit; nth = next_of(nth), tries++) {
        struct vg_outgoing *rows;
        size_t n;
        fixture_close(f);
        fixture_open(f, VG_STORE_DAEMON);
        starve(nth, false);
        int rc = vg_store_outbox_due(f->store, VG_NEVER, 5, f->arena, &rows, &n, &f->err);
        hit = feed();
        if (rc < 0)
            assert_int_equal(f->err.code, VG_E_MEMORY);
        assert_int_equal(n, rc == 0);
    }
    assert_true(tries > 10);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {OPEN(test_cycle), OPEN(test_open), OPEN(test_reading)};
    install();
    vfs_install(); /* for speed: nothing is synced */
    return cmocka_run_group_tests_name("test_store_memory", tests, NULL, NULL);
}
