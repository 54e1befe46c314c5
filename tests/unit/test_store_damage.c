/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the state store on damaged files: cut off, overwritten, with flipped bits, found so
 * at the start or while in use. A daemon always starts, and what it sets aside is kept.
 *
 * STORE_SEEDS sets how many flips and cuts are tried. */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/store_vfs.h"

enum { TRIES = 250, ALERTS = 60 };

static void put_alerts(struct fixture *f, int n)
{
    char rule[20];
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    for (int i = 0; i < n; i++) {
        snprintf(rule, sizeof rule, "rule-%d", i);
        struct vg_alert alert = made_alert(rule, VG_ALERT_FIRING);
        MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    }
    MUST(f, vg_store_commit(f->store, &f->err));
}

static size_t count_alerts(struct fixture *f)
{
    struct vg_alert *alerts;
    size_t n;
    MUST(f, vg_store_alerts(f->store, NULL, f->arena, &alerts, &n, &f->err));
    return n;
}

static void assert_kept(struct fixture *f, const void *bytes, size_t size)
{
    const char *aside = vg_store_quarantined(f->store);
    size_t kept_size;
    assert_non_null(aside);
    char *kept = fixture_read(aside, &kept_size);
    assert_int_equal(kept_size, size);
    assert_memory_equal(kept, bytes, size);
    free(kept);
}

/* The new store works, and is sound when it is opened once more. */
static void assert_works(struct fixture *f)
{
    assert_int_equal(count_alerts(f), 0);
    put_alerts(f, 3);
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    assert_null(vg_store_quarantined(f->store));
    assert_int_equal(count_alerts(f), 3);
}

static void test_not_a_database(void **state)
{
    struct fixture *f = *state;
    struct vg_store *store;
    char text[5000];
    memset(text, 'x', sizeof text);
    fixture_write(f->path, text, sizeof text);
    REFUSED(f, VG_E_STATE, vg_store_open(f->path, VG_STORE_COMMAND, &store, &f->err));
    REFUSED(f, VG_E_STATE, vg_store_open(f->path, VG_STORE_REPLAY, &store, &f->err));
    /* No store was ever here: the path may be a mistake, and the file dear to somebody. */
    for (int i = 0; i < 2; i++)
        REFUSED(f, VG_E_STATE, vg_store_open(f->path, VG_STORE_DAEMON, &store, &f->err));
    assert_int_equal(fixture_files(f, "damaged"), 0);
    fixture_write(fixture_beside(f, ".lock"), "1\n", 2);
    fixture_open(f, VG_STORE_DAEMON);
    assert_kept(f, text, sizeof text);
    assert_works(f);
}

static void test_twice_in_a_second(void **state)
{
    struct fixture *f = *state;
    fixture_write(fixture_beside(f, ".lock"), "1\n", 2);
    for (int i = 0; i < 3; i++) {
        fixture_write(f->path, "garbage", 7);
        fixture_open(f, VG_STORE_DAEMON);
        fixture_close(f);
    }
    assert_int_equal(fixture_files(f, "damaged"), 3);
}

static void test_cut_off(void **state)
{
    struct fixture *f = *state;
    size_t size;
    put_alerts(f, ALERTS);
    fixture_close(f);
    char *whole = fixture_read(f->path, &size);
    const size_t keep[] = {1, 50, 100, 512, 4096, 8192, size / 2, size - 8192, size - 4096};
    for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
        fixture_write(f->path, whole, keep[i]);
        fixture_open(f, VG_STORE_DAEMON);
        assert_kept(f, whole, keep[i]);
        assert_works(f);
        fixture_close(f);
    }
    free(whole);
}

/* The log of a store in use, as a crash would leave it, beside a file that has been emptied. */
static void test_log_without_file(void **state)
{
    struct fixture *f = *state;
    size_t size;
    char log[200];
    put_alerts(f, ALERTS);
    snprintf(log, sizeof log, "%s", fixture_beside(f, "-wal"));
    char *bytes = fixture_read(log, &size);
    assert_true(size > 0);
    fixture_close(f);
    for (int emptied = 0; emptied < 2; emptied++) {
        unlink(f->path);
        if (emptied)
            fixture_write(f->path, "", 0);
        fixture_write(log, bytes, size);
        fixture_open(f, VG_STORE_DAEMON);
        assert_non_null(vg_store_quarantined(f->store));
        assert_works(f);
        fixture_close(f);
    }
    assert_int_equal(fixture_files(f, "-wal"), 2);
    free(bytes);
}

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* One bit of what is used, half of the time in the pages of header and schema; or all behind some
 * place is gone. */
static void write_damaged(struct fixture *f, char *whole, size_t size, uint64_t *seed)
{
    if (draw(seed) % 8 == 0) {
        fixture_write(f->path, whole, 1 + draw(seed) % (size - 1));
        return;
    }
    size_t at = draw(seed) % (draw(seed) % 2 ? size : 8192);
    char bit = (char)(1 << draw(seed) % 8);
    while (!whole[at])
        at = (at + 1) % size;
    whole[at] ^= bit;
    fixture_write(f->path, whole, size);
    whole[at] ^= bit;
}

static void remove_aside(const char *aside)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char path[256];
    for (size_t i = 0; aside && i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(path, sizeof path, "%s%s", aside, parts[i]);
        unlink(path);
    }
}

/* Opens and uses it; whether it was set aside at once. */
static bool try_damaged(struct fixture *f)
{
    struct vg_alert *alerts;
    struct vg_arena *arena = vg_arena_new();
    size_t n;
    fixture_open(f, VG_STORE_DAEMON);
    bool damaged = vg_store_quarantined(f->store) != NULL;
    int rc = vg_store_alerts(f->store, NULL, arena, &alerts, &n, &f->err);
    if (rc == 0)
        assert_true(damaged ? n == 0 : n <= ALERTS);
    else
        assert_int_equal(f->err.code, VG_E_STATE);
    MUST(f, vg_store_alerts(f->store, NULL, arena, &alerts, &n, &f->err));
    remove_aside(vg_store_quarantined(f->store));
    fixture_close(f);
    vg_arena_free(arena);
    return damaged;
}

/* Whatever bit is flipped: it opens, nothing crashes, and either what was stored is there or the
 * file is set aside. Only a flip inside a stored value cannot be seen. */
static void test_flips_and_cuts(void **state)
{
    struct fixture *f = *state;
    size_t size, found = 0;
    uint64_t seed = 20010613;
    int64_t tries = TRIES;
    if (getenv("STORE_SEEDS"))
        assert_int_equal(vg_parse_int64(getenv("STORE_SEEDS"), &tries), 0);
    put_alerts(f, ALERTS);
    fixture_close(f);
    char *whole = fixture_read(f->path, &size);
    for (int64_t i = 0; i < tries; i++) {
        write_damaged(f, whole, size, &seed);
        found += try_damaged(f);
    }
    free(whole);
    print_message("%zu of %lld were found at the start\n", found, (long long)tries);
    assert_true(found > (size_t)tries / 2);
}

/* --- Found while in use ---------------------------------------------------------------- */

/* A number that is out of range is found when it is read; then the file is examined and set aside.
 */
static void test_bad_number_in_use(void **state)
{
    struct fixture *f = *state;
    struct vg_alert *alerts;
    size_t n;
    put_alerts(f, 2);
    assert_null(vg_store_quarantined(f->store));
    fixture_exec(f->store, "UPDATE alert SET state = 77 WHERE rule = 'rule-1'");
    REFUSED(f, VG_E_STATE, vg_store_alerts(f->store, NULL, f->arena, &alerts, &n, &f->err));
    assert_int_equal(count_alerts(f), 0);
    assert_non_null(vg_store_quarantined(f->store));
    assert_works(f);
}

static void test_bad_number_at_start(void **state)
{
    struct fixture *f = *state;
    static const char *const faults[] = {
        "UPDATE alert SET verdict = -1 WHERE rule = 'rule-1'",
        "UPDATE alert SET class = 9",
        "INSERT INTO dataset VALUES ('d', NULL, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
        "INSERT INTO outbox (sink_kind, sink, key, kind, body, created_us, next_us, attempts, "
        "state)"
        " VALUES (0, 's', 'k', 99, '', 0, 0, 0, 0)",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        put_alerts(f, 2);
        fixture_exec(f->store, faults[i]);
        fixture_close(f);
        fixture_open(f, VG_STORE_DAEMON);
        assert_non_null(vg_store_quarantined(f->store));
        assert_int_equal(count_alerts(f), 0);
    }
}

/* Pages of an open file are overwritten: the next reads fail, then a new store is there. */
static void test_overwritten_in_use(void **state)
{
    struct fixture *f = *state;
    put_alerts(f, ALERTS);
    fixture_exec(f->store, "PRAGMA wal_checkpoint(TRUNCATE)");
    /* A connection of its own, so that nothing is answered from memory. */
    fixture_exec(f->store, "PRAGMA shrink_memory; PRAGMA cache_size=0");
    fixture_exec(f->store, "VACUUM");
    fixture_exec(f->store, "PRAGMA wal_checkpoint(TRUNCATE)");
    FILE *file = fopen(f->path, "r+b");
    assert_non_null(file);
    char zeros[4096] = {0};
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    for (long at = 4096; at < size; at += 4096) {
        fseek(file, at, SEEK_SET);
        assert_int_equal(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
    }
    /* Not closed before the end: that would drop SQLite's locks of this process. */
    fflush(file);
    struct vg_alert *alerts;
    size_t n;
    int rc = 0;
    for (int tries = 0; tries < 3 && !vg_store_quarantined(f->store); tries++)
        rc |= vg_store_alerts(f->store, NULL, f->arena, &alerts, &n, &f->err);
    assert_int_equal(rc, -1);
    assert_non_null(vg_store_quarantined(f->store));
    fclose(file);
    assert_works(f);
}

/* A transaction that meets damage is not committed, and the one after it is, in the new store. */
static void test_damage_in_transaction(void **state)
{
    struct fixture *f = *state;
    struct vg_alert *alerts, alert = made_alert("new", VG_ALERT_OK);
    size_t n;
    put_alerts(f, 2);
    fixture_exec(f->store, "UPDATE alert SET state = 77");
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
    REFUSED(f, VG_E_STATE, vg_store_alerts(f->store, NULL, f->arena, &alerts, &n, &f->err));
    REFUSED(f, VG_E_STATE, vg_store_alert_put(f->store, &alert, &f->err));
    REFUSED(f, VG_E_STATE, vg_store_commit(f->store, &f->err));
    assert_int_equal(count_alerts(f), 0);
    assert_works(f);
}

int main(void)
{
#define OPEN(name)   cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, fixture_setup_closed, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLOSED(test_not_a_database),
        CLOSED(test_twice_in_a_second),
        OPEN(test_cut_off),
        OPEN(test_log_without_file),
        OPEN(test_flips_and_cuts),
        OPEN(test_bad_number_in_use),
        OPEN(test_bad_number_at_start),
        OPEN(test_overwritten_in_use),
        OPEN(test_damage_in_transaction),
    };
    vfs_install(); /* for speed: nothing is synced */
    return cmocka_run_group_tests_name("test_store_damage", tests, NULL, NULL);
}
