/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of the state store against a process that dies at any moment, and against many
 * threads. What was committed is there, what was not is not, and the lock is free. */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 5, KILLS = 15, THREADS = 4, ROUNDS = 20 };

/* The first `steps` of the steps of a cycle; the last is the commit. */
static int write_steps(struct vg_store *store, int number, int steps, struct vg_error *err)
{
    struct vg_result result = made_result("a", VG_FAIL);
    struct vg_cycle cycle = made_cycle(number, &result, 1);
    struct vg_outgoing row = made_outgoing("ops", "k", number);
    struct vg_progress progress = {.first_seen_us = 1, .watermark_us = number};
    if (steps > 0 && vg_store_begin(store, NULL, err) < 0)
        return -1;
    if ((steps > 1 && vg_store_results_put(store, &cycle, err) < 0) ||
        (steps > 2 && vg_store_outbox_put(store, &row, err) < 0) ||
        (steps > 3 && vg_store_progress_put(store, "d", &progress, err) < 0))
        return -1;
    return steps > 4 ? vg_store_commit(store, err) : 0;
}

/* The number of the last cycle, all of whose parts must be there. */
static int last_cycle(struct fixture *f)
{
    int64_t results = fixture_int(f->store, "SELECT count(*) FROM result");
    int64_t rows = fixture_int(f->store, "SELECT count(*) FROM outbox");
    int64_t mark = fixture_int(f->store, "SELECT COALESCE(max(watermark_us), 0) FROM dataset");
    assert_int_equal(results, rows);
    assert_int_equal(mark, rows);
    return (int)rows;
}

static void test_exit_between_steps(void **state)
{
    struct fixture *f = *state;
    int number = 0;
    for (int steps = 0; steps <= STEPS; steps++) {
        int status;
        fixture_close(f);
        pid_t child = fork();
        if (child == 0) {
            struct vg_store *store;
            _exit(vg_store_open(f->path, VG_STORE_DAEMON, &store, &f->err) < 0 ||
                  write_steps(store, number + 1, steps, &f->err) < 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        number += steps == STEPS;
        fixture_open(f, VG_STORE_DAEMON);
        assert_int_equal(last_cycle(f), number);
    }
    assert_int_equal(number, 1);
}

/* Says the number of each cycle once it is committed. */
static void run_until_killed(const char *path, int number, int out)
{
    struct vg_store *store;
    struct vg_error err;
    if (vg_store_open(path, VG_STORE_DAEMON, &store, &err) < 0)
        _exit(1);
    for (;;) {
        number++;
        if (write_steps(store, number, STEPS, &err) < 0 ||
            write(out, &number, sizeof number) != (ssize_t)sizeof number)
            _exit(1);
    }
}

static void test_kill(void **state)
{
    struct fixture *f = *state;
    int number = 0, status, ends[2];
    for (int i = 0; i < KILLS; i++) {
        fixture_close(f);
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            run_until_killed(f->path, number, ends[1]);
        close(ends[1]);
        /* After a few commits, in the middle of the next. */
        int said = number;
        for (int j = 0; j <= i % 4; j++)
            assert_int_equal(read(ends[0], &said, sizeof said), sizeof said);
        usleep((useconds_t)(i * 311 % 4000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(ends[0], &said, sizeof said) == (ssize_t)sizeof said)
            ;
        close(ends[0]);
        fixture_open(f, VG_STORE_DAEMON);
        assert_null(vg_store_quarantined(f->store));
        number = last_cycle(f);
        assert_in_range(number, said, said + 1);
    }
}

/* --- Threads --------------------------------------------------------------------------- */

struct worker {
    struct vg_store *store;
    pthread_t thread;
    int failures;
};

static int add_one(struct vg_store *store, struct vg_arena *arena, struct vg_error *err)
{
    struct vg_progress progress;
    struct vg_outgoing row = made_outgoing("ops", "k", 1);
    if (vg_store_begin(store, NULL, err) < 0)
        return -1;
    if (vg_store_progress(store, "d", arena, &progress, err) < 0 ||
        vg_store_outbox_put(store, &row, err) < 0) {
        vg_store_rollback(store);
        return -1;
    }
    progress.cycles++;
    if (vg_store_progress_put(store, "d", &progress, err) < 0) {
        vg_store_rollback(store);
        return -1;
    }
    return vg_store_commit(store, err);
}

/* Reads, adds one and writes, in a transaction; in between reads and writes by itself. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct vg_arena *arena = vg_arena_new();
    struct vg_error err;
    for (int i = 0; i < ROUNDS; i++) {
        struct vg_outgoing *rows;
        struct vg_outbox_count *counts;
        size_t n;
        worker->failures += add_one(worker->store, arena, &err) < 0;
        worker->failures +=
            vg_store_outbox_due(worker->store, VG_NEVER, 1, arena, &rows, &n, &err) < 0 || n > 1 ||
            (n == 1 && vg_store_outbox_sent(worker->store, rows[0].id, 5, &err) < 0);
        worker->failures += vg_store_outbox_counts(worker->store, arena, &counts, &n, &err) < 0;
    }
    vg_arena_free(arena);
    return NULL;
}

static void test_threads(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    struct vg_progress progress;
    struct vg_outbox_count *counts;
    size_t n;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.store = f->store};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    MUST(f, vg_store_progress(f->store, "d", f->arena, &progress, &f->err));
    assert_int_equal(progress.cycles, THREADS * ROUNDS);
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    assert_int_equal(counts[0].waiting + counts[0].sent, THREADS * ROUNDS);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM outbox WHERE state = 1"),
                     counts[0].sent);
}

/* --- Load ------------------------------------------------------------------------------ */

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The limits are some ten times what a quiet machine needs, as test machines are not quiet. */
static void test_time_of_a_cycle(void **state)
{
    enum { COMMITS = 21, RESULTS = 30, ALERTS = 10 };
    struct fixture *f = *state;
    struct vg_result results[RESULTS];
    char names[RESULTS][24];
    double times[COMMITS];
    for (int i = 0; i < RESULTS; i++) {
        snprintf(names[i], sizeof names[i], "rule-%d", i);
        results[i] = made_result(names[i], VG_PASS);
    }
    for (int i = 0; i < COMMITS; i++) {
        struct vg_cycle cycle = made_cycle(i, results, RESULTS);
        double start = milliseconds();
        MUST(f, vg_store_begin(f->store, NULL, &f->err));
        MUST(f, vg_store_results_put(f->store, &cycle, &f->err));
        for (int j = 0; j < ALERTS; j++) {
            struct vg_alert alert = made_alert(names[j], VG_ALERT_OK);
            MUST(f, vg_store_alert_put(f->store, &alert, &f->err));
        }
        MUST(f, vg_store_commit(f->store, &f->err));
        times[i] = milliseconds() - start;
    }
    qsort(times, COMMITS, sizeof times[0], compare);
    print_message("a cycle of 30 results and 10 alerts: median %.1f ms, longest %.1f ms\n",
                  times[COMMITS / 2], times[COMMITS - 1]);
    assert_true(times[COMMITS / 2] < 10000); /* a hang, not a speed, is what fails */
}

static void test_time_of_a_start(void **state)
{
    struct fixture *f = *state;
    struct vg_reference_row *rows;
    struct vg_outgoing *due;
    size_t n;
    fixture_exec(
        f->store,
        "WITH RECURSIVE t (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 10000)"
        " INSERT INTO outbox (sink_kind, sink, key, kind, body, created_us, next_us,"
        " attempts, state) SELECT 0, 's' || (i % 3), 'k' || i, 0, hex(zeroblob(1000)), 0, i,"
        " 0, 0 FROM t");
    fixture_exec(f->store,
                 "WITH RECURSIVE t (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 1000)"
                 " INSERT INTO reference (dataset, spec, from_us, to_us, base_us, captured_us,"
                 " row_count, resolution, columns, windows, state, active)"
                 " SELECT 'd' || i, 'spec', 0, 0, 0, 0, 0, 0, 10, 744, 1, 1 FROM t");
    fixture_close(f);
    double start = milliseconds();
    fixture_open(f, VG_STORE_DAEMON);
    double opened = milliseconds();
    MUST(f, vg_store_references(f->store, NULL, f->arena, &rows, &n, &f->err));
    assert_int_equal(n, 1000);
    double listed = milliseconds();
    MUST(f, vg_store_outbox_due(f->store, VG_NEVER, 4, f->arena, &due, &n, &f->err));
    assert_int_equal(n, 12);
    double end = milliseconds();
    print_message("opened in %.1f ms, 1000 references in %.1f ms, 10000 messages in %.1f ms\n",
                  opened - start, listed - opened, end - listed);
    assert_true(end - start < 30000);
    assert_true(listed - opened < 30000);
}

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_exit_between_steps),
        OPEN(test_kill),
        OPEN(test_threads),
        OPEN(test_time_of_a_cycle),
        OPEN(test_time_of_a_start),
    };
    return cmocka_run_group_tests_name("test_store_crash", tests, NULL, NULL);
}
