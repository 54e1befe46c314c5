/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the state store when the disk fails: every read, write and sync of a cycle fails in
 * turn, once and for ever; the disk is full; the power is cut. A cycle is stored whole or not at
 * all, what was committed stays, and the store works again as soon as the disk does.
 *
 * STORE_SEEDS sets how many power cuts are tried. */
#include "tests/unit/store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store_vfs.h"

enum { POWER_CUTS = 150, CYCLES = 40 };

static int write_cycle(struct vg_store *store, int number, struct vg_error *err)
{
    struct vg_result results[3] = {made_result("a", VG_PASS), made_result("b", VG_FAIL),
                                   made_result("c", VG_NODATA)};
    struct vg_cycle cycle = made_cycle(number, results, 3);
    struct vg_alert alert = made_alert("b", VG_ALERT_FIRING);
    struct vg_outgoing row = made_outgoing("ops", "k", number);
    struct vg_progress progress = {.first_seen_us = 1, .watermark_us = number};
    alert.changed_us = number;
    if (vg_store_begin(store, NULL, err) < 0)
        return -1;
    if (vg_store_results_put(store, &cycle, err) < 0 ||
        vg_store_alert_put(store, &alert, err) < 0 || vg_store_outbox_put(store, &row, err) < 0 ||
        vg_store_progress_put(store, "d", &progress, err) < 0) {
        vg_store_rollback(store);
        return -1;
    }
    return vg_store_commit(store, err);
}

/* The number of the last cycle that is stored, all of whose parts must be there; -1 if they are
 * not, -2 if they cannot be read. */
static int last_cycle(struct vg_store *store, struct vg_error *err)
{
    int64_t watermark = 0, alert = 0, sent = 0, results = 0, rows = 0;
    if (vg_sql_int(store, &VG_SQL_PLAIN("SELECT watermark_us FROM dataset"), &watermark, err) < 0 ||
        vg_sql_int(store, &VG_SQL_PLAIN("SELECT changed_us FROM alert"), &alert, err) < 0 ||
        vg_sql_int(store, &VG_SQL_PLAIN("SELECT max(next_us) FROM outbox"), &sent, err) < 0 ||
        vg_sql_int(store, &VG_SQL_PLAIN("SELECT count(*) FROM outbox"), &rows, err) < 0 ||
        vg_sql_int(store, &VG_SQL_PLAIN("SELECT count(*) FROM result"), &results, err) < 0)
        return -2;
    bool whole =
        alert == watermark && sent == watermark && rows == watermark && results == 3 * watermark;
    return whole ? (int)watermark : -1;
}

static bool is_writable(struct vg_store *store)
{
    struct vg_store_health health;
    vg_store_health(store, &health);
    assert_true(health.in_place);
    assert_int_equal(strlen(health.why) > 0, !health.writable);
    return health.writable;
}

/* --- Every operation fails in turn ----------------------------------------------------- */

struct plan {
    unsigned operations;
    int code;
    bool ever;
};

/* One cycle with the nth operation failing; false when the cycle has fewer. */
static bool try_cycle(struct fixture *f, const struct plan *plan, int nth, int *number)
{
    fixture_exec(f->store, "PRAGMA wal_autocheckpoint=10");
    vfs_fail(plan->operations, nth, plan->ever, plan->code);
    int rc = write_cycle(f->store, *number + 1, &f->err);
    if (rc < 0)
        assert_in_set(f->err.code, ((unsigned long[]){VG_E_IO, VG_E_MEMORY}), 2);
    int hits = vfs_heal();
    assert_int_equal(is_writable(f->store), rc == 0);
    /* The outcome is unknown: nothing that the connection remembers is believed. */
    if (rc < 0 && plan->code != SQLITE_FULL)
        assert_null(f->store->db);
    /* Now the disk is well: what is there is read before anything is done again. */
    int stored = last_cycle(f->store, &f->err);
    assert_true(stored == *number + 1 || (rc < 0 && stored == *number));
    *number = stored;
    assert_int_equal(is_writable(f->store), rc == 0); /* that it can be read proves nothing */
    MUST(f, write_cycle(f->store, *number + 1, &f->err));
    assert_true(is_writable(f->store));
    ++*number;
    assert_null(vg_store_quarantined(f->store));
    return hits > 0;
}

static void fail_each(struct fixture *f, const struct plan *plan)
{
    int number = 0, nth = 0;
    MUST(f, write_cycle(f->store, ++number, &f->err));
    do
        nth++;
    while (try_cycle(f, plan, nth, &number) && nth < 500);
    print_message("%d operations failed%s\n", nth - 1, plan->ever ? ", for ever" : "");
    assert_in_range(nth, 2, 499);
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    assert_null(vg_store_quarantined(f->store));
    assert_int_equal(last_cycle(f->store, &f->err), number);
}

static void test_write_fails(void **state)
{
    fail_each(*state, &(struct plan){VFS_WRITE, SQLITE_IOERR_WRITE, false});
}

static void test_write_fails_for_ever(void **state)
{
    fail_each(*state, &(struct plan){VFS_WRITE, SQLITE_IOERR_WRITE, true});
}

static void test_sync_fails(void **state)
{
    fail_each(*state, &(struct plan){VFS_SYNC, SQLITE_IOERR_FSYNC, false});
}

static void test_sync_fails_for_ever(void **state)
{
    fail_each(*state, &(struct plan){VFS_SYNC, SQLITE_IOERR_FSYNC, true});
}

static void test_disk_full(void **state)
{
    fail_each(*state, &(struct plan){VFS_WRITE, SQLITE_FULL, true});
}

/* Reads, with nothing kept in memory. */
static void test_read_fails(void **state)
{
    for (int ever = 0; ever < 2; ever++) {
        struct fixture *f = *state;
        int number = 0, nth = 0, hits;
        MUST(f, vg_store_retire(f->store, "d", &f->err));
        fixture_exec(f->store, "DELETE FROM outbox; DELETE FROM result");
        MUST(f, write_cycle(f->store, ++number, &f->err));
        do {
            fixture_close(f);
            fixture_open(f, VG_STORE_DAEMON);
            fixture_exec(f->store, "PRAGMA shrink_memory; PRAGMA cache_size=1");
            vfs_fail(VFS_READ, ++nth, ever, SQLITE_IOERR_READ);
            int rc = write_cycle(f->store, number + 1, &f->err);
            hits = vfs_heal();
            int stored = last_cycle(f->store, &f->err);
            assert_true(stored == number + 1 || (rc < 0 && stored == number));
            assert_null(vg_store_quarantined(f->store));
            number = stored;
        } while (hits && nth < 500);
        print_message("%d reads failed%s\n", nth - 1, ever ? ", for ever" : "");
        assert_in_range(nth, 2, 499);
    }
}

/* What cannot be read has not failed to be written, be it in a transaction. */
static void test_reading_is_no_writing(void **state)
{
    struct fixture *f = *state;
    MUST(f, write_cycle(f->store, 1, &f->err));
    for (int inside = 0; inside < 2; inside++) {
        int64_t n = 0;
        fixture_close(f);
        fixture_open(f, VG_STORE_DAEMON);
        fixture_exec(f->store, "PRAGMA shrink_memory; PRAGMA cache_size=1");
        if (inside)
            MUST(f, vg_store_begin(f->store, NULL, &f->err));
        vfs_fail(VFS_READ, 1, true, SQLITE_IOERR_READ);
        REFUSED(f, VG_E_IO,
                vg_sql_int(f->store, &VG_SQL_PLAIN("SELECT count(*) FROM result"), &n, &f->err));
        if (inside)
            vg_store_rollback(f->store);
        assert_true(vfs_heal() > 0);
        assert_true(is_writable(f->store));
    }
    assert_int_equal(last_cycle(f->store, &f->err), 1);
}

/* The first operation fails once, then for ever, then the second ... */
static int open_with_fault(struct fixture *f, int step)
{
    vfs_fail(VFS_READ | VFS_WRITE | VFS_SYNC | VFS_TRUNCATE | VFS_OPEN, (step + 1) / 2,
             step % 2 == 0, SQLITE_IOERR);
    return vg_store_open(f->path, VG_STORE_DAEMON, &f->store, &f->err);
}

/* Opening: it fails or works, nothing is set aside, and all is there afterwards. */
static void test_open_fails(void **state)
{
    struct fixture *f = *state;
    MUST(f, write_cycle(f->store, 1, &f->err));
    int step = 0, hits, failed = 0;
    do {
        fixture_close(f);
        step += step < 40 ? 1 : 9; /* of the many that follow one in nine */
        int rc = open_with_fault(f, step);
        hits = vfs_heal();
        failed += rc < 0;
        if (rc < 0) {
            assert_true(f->err.code != VG_E_STATE && f->err.code != VG_E_LOCKED);
            fixture_open(f, VG_STORE_DAEMON);
        }
        assert_int_equal(last_cycle(f->store, &f->err), 1);
        assert_int_equal(fixture_files(f, "damaged"), 0);
    } while (hits && step < 2000);
    print_message("operations 1 to %d failed, %d times it was not opened\n", (step - 1) / 2,
                  failed);
    assert_in_range(step, 2, 1999);
    assert_true(failed > 0);
}

/* The same while a new store is made: what is left is a store or nothing. */
static void test_making_fails(void **state)
{
    struct fixture *f = *state;
    int step = 0, hits;
    fixture_close(f);
    do {
        unlink(f->path);
        unlink(fixture_beside(f, "-wal"));
        unlink(fixture_beside(f, "-shm"));
        step += step < 40 ? 1 : 25;
        int rc = open_with_fault(f, step);
        hits = vfs_heal();
        if (rc < 0)
            fixture_open(f, VG_STORE_DAEMON);
        MUST(f, write_cycle(f->store, 1, &f->err));
        assert_int_equal(last_cycle(f->store, &f->err), 1);
        fixture_close(f);
    } while (hits && step < 2000);
    print_message("operations 1 to %d failed\n", (step - 1) / 2);
    assert_in_range(step, 2, 1999);
    assert_int_equal(fixture_files(f, "damaged"), 0);
}

/* --- A full disk ----------------------------------------------------------------------- */

/* Reads go on; the ballast is given up, and made again when there is room. */
static void test_page_limit(void **state)
{
    struct fixture *f = *state;
    char limit[60];
    int number = 0;
    MUST(f, write_cycle(f->store, ++number, &f->err));
    snprintf(limit, sizeof limit, "PRAGMA max_page_count=%lld",
             (long long)fixture_int(f->store, "PRAGMA page_count") + 2);
    fixture_exec(f->store, limit);
    assert_int_equal(fixture_files(f, "ballast"), 1);
    while (write_cycle(f->store, number + 1, &f->err) == 0)
        number++;
    assert_int_equal(f->err.code, VG_E_IO);
    assert_int_equal(fixture_files(f, "ballast"), 0);
    assert_int_equal(last_cycle(f->store, &f->err), number);
    REFUSED(f, VG_E_IO, write_cycle(f->store, number + 1, &f->err));
    assert_int_equal(last_cycle(f->store, &f->err), number);
    fixture_exec(f->store, "PRAGMA max_page_count=1000000");
    MUST(f, write_cycle(f->store, ++number, &f->err));
    MUST(f, vg_store_trim(f->store, 0, &f->err));
    assert_int_equal(fixture_files(f, "ballast"), 1);
    assert_int_equal(last_cycle(f->store, &f->err), number);
}

/* The ballast makes room for a hundred cycles and more, wherever the log stands; what is committed
 * is read, and with the ballast back the log is as long as otherwise. */
static void test_cycles_from_the_ballast(void **state)
{
    struct fixture *f = *state;
    static const int before[] = {3, 40, 400};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        int number = 0, failed = 0;
        while (number < before[i])
            MUST(f, write_cycle(f->store, ++number, &f->err));
        vfs_room(0);
        while (write_cycle(f->store, number + 1, &f->err) == 0)
            number++;
        assert_int_equal(f->err.code, VG_E_IO);
        assert_int_equal(fixture_files(f, "ballast"), 0);
        int full = number;
        vfs_room(1 << 20); /* what it took */
        while (failed < 3) {
            bool stored = write_cycle(f->store, number + 1, &f->err) == 0;
            number += stored;
            failed = stored ? 0 : failed + 1;
        }
        print_message("%d cycles before, %d from the ballast\n", before[i], number - full);
        assert_true(number - full >= 100);
        assert_int_equal(last_cycle(f->store, &f->err), number);
        assert_true(f->store->sparing);
        vfs_room(-1);
        MUST(f, write_cycle(f->store, ++number, &f->err));
        MUST(f, vg_store_trim(f->store, 0, &f->err));
        assert_int_equal(fixture_files(f, "ballast"), 1);
        assert_false(f->store->sparing);
        fixture_close(f);
        unlink(f->path);
        unlink(fixture_beside(f, "-wal"));
        unlink(fixture_beside(f, "-shm"));
        fixture_open(f, VG_STORE_DAEMON);
    }
}

/* In a process of its own, whose files may not grow further. */
static int fill_up(const char *path)
{
    struct vg_store *store;
    struct vg_error err;
    int number = 0;
    if (vg_store_open(path, VG_STORE_DAEMON, &store, &err) < 0)
        return 1;
    struct rlimit limit = {400000, 400000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    while (number < 3000 && write_cycle(store, number + 1, &err) == 0)
        number++;
    if (number == 3000 || err.code != VG_E_IO)
        return 3;
    for (int i = 0; i < 3; i++) {
        if (last_cycle(store, &err) != number)
            return 4;
        if (write_cycle(store, number + 1, &err) == 0)
            number++;
    }
    vg_store_close(store);
    return 0;
}

static void test_file_size_limit(void **state)
{
    struct fixture *f = *state;
    int status;
    fixture_close(f);
    pid_t child = fork();
    if (child == 0)
        _exit(fill_up(f->path));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_open(f, VG_STORE_DAEMON);
    assert_null(vg_store_quarantined(f->store));
    int number = last_cycle(f->store, &f->err);
    assert_true(number > 0);
    MUST(f, write_cycle(f->store, number + 1, &f->err));
}

/* --- A power cut ----------------------------------------------------------------------- */

/* What was committed is there, what was not is not, and the store is sound. */
static void check_cut(struct fixture *f, const char *path, const size_t *committed)
{
    const char *more = getenv("STORE_SEEDS");
    int64_t cuts = POWER_CUTS;
    int later = 0;
    if (more)
        assert_int_equal(vg_parse_int64(more, &cuts), 0);
    for (int i = 0; i < cuts; i++) {
        struct vg_store *store;
        uint64_t seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1;
        size_t n = (size_t)(seed >> 20) % (vfs_recorded() + 1);
        int least = 0;
        while (least < CYCLES && committed[least + 1] <= n)
            least++;
        assert_int_equal(vfs_cut(n, seed, path), 0);
        MUST(f, vg_store_open(path, VG_STORE_DAEMON, &store, &f->err));
        if (vg_store_quarantined(store) || last_cycle(store, &f->err) < least) {
            print_error("cut %d after %zu operations: cycle %d of at least %d\n", i, n,
                        last_cycle(store, &f->err), least);
            fail();
        }
        later += last_cycle(store, &f->err) > least;
        assert_in_range(last_cycle(store, &f->err), least, least + 1);
        MUST(f, write_cycle(store, last_cycle(store, &f->err) + 1, &f->err));
        vg_store_close(store);
    }
    print_message("%lld power cuts, %d of them with the cycle that was under way\n",
                  (long long)cuts, later);
}

static void test_power_cut(void **state)
{
    struct fixture *f = *state;
    size_t committed[CYCLES + 1] = {0};
    char path[200];
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    fixture_close(f);
    assert_int_equal(vfs_record(f->path), 0);
    fixture_open(f, VG_STORE_DAEMON);
    fixture_exec(f->store, "PRAGMA wal_autocheckpoint=25");
    for (int i = 1; i <= CYCLES; i++) {
        MUST(f, write_cycle(f->store, i, &f->err));
        committed[i] = vfs_recorded();
    }
    snprintf(path, sizeof path, "%s/cut.db", f->dir);
    /* The recorded files stay open: closing would write to them. */
    check_cut(f, path, committed);
    vfs_stop();
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_write_fails),
        OPEN(test_write_fails_for_ever),
        OPEN(test_sync_fails),
        OPEN(test_sync_fails_for_ever),
        OPEN(test_disk_full),
        OPEN(test_read_fails),
        OPEN(test_reading_is_no_writing),
        OPEN(test_open_fails),
        OPEN(test_making_fails),
        OPEN(test_page_limit),
        OPEN(test_cycles_from_the_ballast),
        OPEN(test_file_size_limit),
        OPEN(test_power_cut),
    };
    vfs_install();
    return cmocka_run_group_tests_name("test_store_faults", tests, NULL, NULL);
}
