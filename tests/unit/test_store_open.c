/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/store/open.c, quarantine.c, schema.c and name.c: which files are opened, by
 * whom, and what becomes of those that cannot be. */
#include "tests/unit/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_new_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mode_of(f->path), 0600);
    assert_int_equal(mode_of(fixture_beside(f, ".lock")), 0600);
    assert_int_equal(mode_of(fixture_beside(f, ".ballast")), 0600);
    assert_int_equal(fixture_int(f->store, "PRAGMA user_version"), vg_schema_latest());
    assert_int_equal(fixture_int(f->store, "PRAGMA synchronous"), 2);
    assert_int_equal(fixture_int(f->store, "PRAGMA foreign_keys"), 1);
    assert_int_equal(fixture_int(f->store, "PRAGMA trusted_schema"), 0);
    assert_int_equal(fixture_int(f->store, "PRAGMA cell_size_check"), 1);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM pragma_table_list"
                                           " WHERE strict = 0 AND type = 'table'"
                                           " AND name NOT LIKE 'sqlite%'"),
                     0);
    assert_int_equal(fixture_int(f->store, "SELECT count(*) FROM pragma_journal_mode"
                                           " WHERE journal_mode = 'wal'"),
                     1);
    assert_null(vg_store_quarantined(f->store));
}

static void test_opens_again(void **state)
{
    struct fixture *f = *state;
    const char *first, *second;
    MUST(f, vg_store_name(f->store, NULL, f->arena, &first, &f->err));
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    MUST(f, vg_store_name(f->store, NULL, f->arena, &second, &f->err));
    assert_string_equal(first, second);
    assert_int_equal(fixture_files(f, "damaged"), 0);
}

static void test_name(void **state)
{
    struct fixture *f = *state;
    const char *made, *again, *given;
    MUST(f, vg_store_name(f->store, NULL, f->arena, &made, &f->err));
    assert_int_equal(strlen(made), 14);
    assert_memory_equal(made, "agent-", 6);
    assert_int_equal(strspn(made + 6, "0123456789abcdef"), 8);
    MUST(f, vg_store_name(f->store, NULL, f->arena, &again, &f->err));
    assert_string_equal(made, again);
    MUST(f, vg_store_name(f->store, "prod", f->arena, &given, &f->err));
    assert_string_equal(given, "prod");
    MUST(f, vg_store_name(f->store, NULL, f->arena, &again, &f->err));
    assert_string_equal(again, "prod");
}

/* --- Who may open ---------------------------------------------------------------------- */

static void test_second_daemon(void **state)
{
    struct fixture *f = *state;
    struct vg_store *second;
    char number[24];
    REFUSED(f, VG_E_LOCKED, vg_store_open(f->path, VG_STORE_DAEMON, &second, &f->err));
    snprintf(number, sizeof number, "process %ld", (long)getpid());
    assert_non_null(strstr(f->err.msg, number));
    REFUSED(f, VG_E_LOCKED, vg_store_open(f->path, VG_STORE_REPLAY, &second, &f->err));
    pid_t child = fork();
    if (child == 0) {
        int rc = vg_store_open(f->path, VG_STORE_DAEMON, &second, &f->err);
        _exit(rc == -1 && f->err.code == VG_E_LOCKED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
}

/* A file reached by a symbolic link is the same store. */
static void test_second_name(void **state)
{
    struct fixture *f = *state;
    struct vg_store *second;
    const char *other = fixture_beside(f, ".link");
    assert_int_equal(symlink(f->path, other), 0);
    REFUSED(f, VG_E_LOCKED, vg_store_open(other, VG_STORE_DAEMON, &second, &f->err));
}

static void test_command(void **state)
{
    struct fixture *f = *state;
    struct vg_store *command;
    const char *name, *seen;
    struct vg_control row = {.verb = "reload", .by = "someone", .at_us = 5}, *pending;
    size_t n;
    MUST(f, vg_store_name(f->store, "prod", f->arena, &name, &f->err));
    MUST(f, vg_store_open(f->path, VG_STORE_COMMAND, &command, &f->err));
    MUST(f, vg_store_name(command, NULL, f->arena, &seen, &f->err));
    assert_string_equal(seen, "prod");
    assert_false(vg_store_cramped(command));
    assert_int_equal(unlink(fixture_beside(f, ".ballast")), 0);
    assert_false(vg_store_cramped(command)); /* it may not be made yet */
    const struct timespec long_ago[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, fixture_beside(f, ".lock"), long_ago, 0), 0);
    assert_true(vg_store_cramped(command));
    MUST(f, vg_store_control_put(command, &row, NULL, &f->err));
    vg_store_close(command);
    MUST(f, vg_store_control_pending(f->store, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(pending[0].verb, "reload");
    assert_null(pending[0].argument);
}

/* A reader sees what was committed, never what is being written, and is not made to wait. */
static void test_command_beside_writer(void **state)
{
    struct fixture *f = *state;
    struct vg_store *command;
    struct vg_strings names;
    struct vg_progress progress = {.first_seen_us = 1};
    MUST(f, vg_store_open(f->path, VG_STORE_COMMAND, &command, &f->err));
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    MUST(f, vg_store_progress_put(f->store, "d", &progress, &f->err));
    MUST(f, vg_store_datasets(command, f->arena, &names, &f->err));
    assert_int_equal(names.n, 0);
    MUST(f, vg_store_commit(f->store, &f->err));
    MUST(f, vg_store_datasets(command, f->arena, &names, &f->err));
    assert_int_equal(names.n, 1);
    assert_string_equal(names.items[0], "d");
    vg_store_close(command);
}

/* From its beginning on a transaction excludes writers of other processes, and them only. */
static void test_begin_excludes_writers(void **state)
{
    struct fixture *f = *state;
    struct vg_store *command;
    const struct vg_control row = {.verb = "reload", .at_us = 5};
    struct vg_control *pending;
    size_t n;
    MUST(f, vg_store_open(f->path, VG_STORE_COMMAND, &command, &f->err));
    fixture_exec(command, "PRAGMA busy_timeout=20");
    MUST(f, vg_store_begin(f->store, NULL, &f->err));
    REFUSED(f, VG_E_TIMEOUT, vg_store_control_put(command, &row, NULL, &f->err));
    MUST(f, vg_store_control_pending(command, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 0);
    MUST(f, vg_store_commit(f->store, &f->err));
    MUST(f, vg_store_control_put(command, &row, NULL, &f->err));
    vg_store_close(command);
}

static void test_command_without_store(void **state)
{
    struct fixture *f = *state;
    struct vg_store *store;
    REFUSED(f, VG_E_NOT_FOUND, vg_store_open(f->path, VG_STORE_COMMAND, &store, &f->err));
    assert_string_not_equal(f->err.hint, "");
    fixture_write(f->path, "", 0);
    REFUSED(f, VG_E_NOT_FOUND, vg_store_open(f->path, VG_STORE_COMMAND, &store, &f->err));
    assert_int_equal(fixture_files(f, ""), 1);
}

static void test_replay(void **state)
{
    struct fixture *f = *state;
    struct vg_store *second;
    fixture_open(f, VG_STORE_REPLAY);
    assert_int_equal(fixture_int(f->store, "PRAGMA synchronous"), 0);
    REFUSED(f, VG_E_LOCKED, vg_store_open(f->path, VG_STORE_REPLAY, &second, &f->err));
    fixture_close(f);
    fixture_open(f, VG_STORE_REPLAY);
    fixture_close(f);
    assert_int_equal(fixture_files(f, "ballast"), 0);
    MUST(f, vg_store_open(f->path, VG_STORE_COMMAND, &second, &f->err));
    vg_store_close(second);
}

static void test_replay_over_daemon(void **state)
{
    struct fixture *f = *state;
    struct vg_store *second;
    fixture_close(f);
    REFUSED(f, VG_E_LOCKED, vg_store_open(f->path, VG_STORE_REPLAY, &second, &f->err));
    assert_non_null(strstr(f->err.msg, "daemon"));
    fixture_open(f, VG_STORE_DAEMON);
}

/* --- What may be opened ---------------------------------------------------------------- */

static void test_odd_paths(void **state)
{
    struct fixture *f = *state;
    struct vg_store *store;
    char missing[200];
    snprintf(missing, sizeof missing, "%s/no/such/folder.db", f->dir);
    REFUSED(f, VG_E_IO, vg_store_open(missing, VG_STORE_DAEMON, &store, &f->err));
    REFUSED(f, VG_E_IO, vg_store_open("", VG_STORE_DAEMON, &store, &f->err));
    REFUSED(f, VG_E_IO, vg_store_open(f->dir, VG_STORE_DAEMON, &store, &f->err));
    char folder_lock[200];
    snprintf(folder_lock, sizeof folder_lock, "%s.lock", f->dir);
    unlink(folder_lock);
}

/* Names that SQLite would give a meaning are files like others. */
static void test_special_names(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {":memory:", "file:a?mode=memory", "-x"};
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(f->dir), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        MUST(f, vg_store_open(names[i], VG_STORE_DAEMON, &f->store, &f->err));
        fixture_close(f);
        assert_int_equal(access(names[i], F_OK), 0);
    }
    assert_int_equal(chdir(before), 0);
    free(before);
}

/* As another user who may read everything and write nothing. */
static int open_as_nobody(struct fixture *f)
{
    struct vg_store *store;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    int rc = vg_store_open(f->path, VG_STORE_DAEMON, &store, &f->err);
    return rc == -1 && f->err.code == VG_E_PERMISSION ? 0 : 1;
}

static void test_not_writable(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(fixture_beside(f, ".lock"), 0666), 0);
    assert_int_equal(chmod(f->dir, 0555), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(open_as_nobody(f));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(f->dir, 0755), 0);
    assert_int_equal(status, 0);
}

static void test_other_program(void **state)
{
    struct fixture *f = *state;
    struct vg_store *store;
    struct vg_db *db;
    size_t before_size, after_size;
    fixture_write(f->path, "", 0);
    MUST(f, vg_sqlite_open(f->path, true, &db, &f->err));
    MUST(f, db->ops->exec(db, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)", &f->err));
    db->ops->close(db);
    char *before = fixture_read(f->path, &before_size);
    REFUSED(f, VG_E_STATE, vg_store_open(f->path, VG_STORE_DAEMON, &store, &f->err));
    REFUSED(f, VG_E_STATE, vg_store_open(f->path, VG_STORE_REPLAY, &store, &f->err));
    REFUSED(f, VG_E_STATE, vg_store_open(f->path, VG_STORE_COMMAND, &store, &f->err));
    char *after = fixture_read(f->path, &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
}

/* --- Versions -------------------------------------------------------------------------- */

static void set_version(struct fixture *f, int64_t version, int64_t recorded)
{
    char text[200];
    snprintf(text, sizeof text,
             "PRAGMA user_version=%lld; UPDATE meta SET value = '%lld' WHERE key = 'schema'",
             (long long)version, (long long)recorded);
    fixture_exec(f->store, text);
    fixture_close(f);
}

static void test_newer_version(void **state)
{
    struct fixture *f = *state;
    struct vg_store *store;
    set_version(f, 1000, 1000);
    static const enum vg_store_mode modes[] = {VG_STORE_DAEMON, VG_STORE_REPLAY, VG_STORE_COMMAND};
    for (size_t i = 0; i < 3; i++) {
        REFUSED(f, VG_E_STATE, vg_store_open(f->path, modes[i], &store, &f->err));
        assert_non_null(strstr(f->err.msg, "version 1000"));
        assert_string_not_equal(f->err.hint, "");
    }
    assert_int_equal(fixture_files(f, "damaged"), 0);
}

static void test_unreleased_version(void **state)
{
    struct fixture *f = *state;
    struct vg_store *store;
    set_version(f, VG_SCHEMA_UNRELEASED, VG_SCHEMA_UNRELEASED);
    static const enum vg_store_mode modes[] = {VG_STORE_DAEMON, VG_STORE_REPLAY, VG_STORE_COMMAND};
    for (size_t i = 0; i < 3; i++) {
        REFUSED(f, VG_E_STATE, vg_store_open(f->path, modes[i], &store, &f->err));
        assert_non_null(strstr(f->err.msg, "before the first release"));
        assert_string_not_equal(f->err.hint, "");
    }
    assert_int_equal(fixture_files(f, "damaged"), 0);
}

/* A mark that the store itself does not confirm is damage, not a newer program. */
static void test_version_contradicted(void **state)
{
    struct fixture *f = *state;
    set_version(f, 1000, 1);
    fixture_open(f, VG_STORE_DAEMON);
    assert_non_null(vg_store_quarantined(f->store));
    assert_int_equal(access(vg_store_quarantined(f->store), F_OK), 0);
}

static const char *const step_one[] = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) {table}",
    "CREATE TABLE one (id {id}, a {int}, b {real}, c {blob})"
    " {table}",
    NULL};
static const char *const step_two[] = {"ALTER TABLE one ADD COLUMN d TEXT",
                                       "INSERT INTO one (a, d) VALUES (1, 'two')", NULL};
static const char *const step_bad[] = {"CREATE TABLE three (a {int}) {table}",
                                       "INSERT INTO one (nothing) VALUES (3)", NULL};

static int64_t ask(struct vg_db *db, const char *text)
{
    struct vg_error err;
    struct vg_db_rows *rows;
    bool more;
    fixture_must(db->ops->query(db, &VG_SQL_PLAIN(text), &rows, &err), &err, text, 0);
    fixture_must(db->ops->next(rows, &more, &err), &err, text, 0);
    int64_t out = db->ops->get_int(rows, 0);
    db->ops->done(rows);
    return out;
}

/* Steps run once each, in order, and one that fails leaves the version before it. */
static void test_migrations(void **state)
{
    struct fixture *f = *state;
    const struct vg_migration steps[] = {{"one", step_one}, {"two", step_two}, {"bad", step_bad}};
    struct vg_db *db;
    struct vg_db_identity found;
    const int64_t first = VG_SCHEMA_UNRELEASED;
    int64_t recorded;
    fixture_write(f->path, "", 0);
    MUST(f, vg_sqlite_open(f->path, true, &db, &f->err));
    MUST(f, db->ops->identify(db, &found, &f->err));
    assert_true(found.empty);
    MUST(f, vg_schema_migrate(db, 0, steps, 1, &f->err));
    REFUSED(f, VG_E_INTERNAL, vg_schema_migrate(db, first + 1, steps, 3, &f->err));
    assert_non_null(strstr(f->err.msg, "(bad)"));
    MUST(f, db->ops->identify(db, &found, &f->err));
    assert_true(found.ours && !found.empty);
    assert_int_equal(found.version, first + 2);
    MUST(f, vg_schema_recorded(db, &recorded, &f->err));
    assert_int_equal(recorded, first + 2);
    assert_int_equal(ask(db, "SELECT count(*) FROM one WHERE d = 'two'"), 1);
    assert_int_equal(ask(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'three'"), 0);
    MUST(f, vg_schema_migrate(db, first + 2, steps, 2, &f->err));
    assert_int_equal(ask(db, "SELECT count(*) FROM one"), 1);
    db->ops->close(db);
}

/* --- What becomes of the file while it is in use --------------------------------------------- */

static void expect_health(struct fixture *f, bool in_place, const char *why)
{
    struct vg_store_health health;
    vg_store_health(f->store, &health);
    assert_int_equal(health.in_place, in_place);
    assert_true(health.writable);
    if (why)
        assert_non_null(strstr(health.why, why));
    else
        assert_string_equal(health.why, "");
}

/* Moved away and back, replaced, removed; the file and its lock. The open file is used on. */
static void test_taken_away(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", ".lock"};
    for (size_t i = 0; i < 2; i++) {
        char path[200], aside[220];
        const char *name;
        snprintf(path, sizeof path, "%s%s", f->path, names[i]);
        snprintf(aside, sizeof aside, "%s.aside", path);
        expect_health(f, true, NULL);
        assert_int_equal(rename(path, aside), 0);
        expect_health(f, false, "was removed while in use");
        fixture_write(path, "", 0);
        expect_health(f, false, "was replaced while in use");
        MUST(f, vg_store_notice_put(f->store, "still written", &f->err));
        MUST(f, vg_store_notice(f->store, f->arena, &name, &f->err));
        assert_string_equal(name, "still written");
        expect_health(f, false, "was replaced while in use");
        assert_int_equal(rename(aside, path), 0);
        expect_health(f, true, NULL);
    }
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    expect_health(f, true, NULL);
    assert_null(vg_store_quarantined(f->store));
}

static void test_notice(void **state)
{
    struct fixture *f = *state;
    const char *text;
    MUST(f, vg_store_notice(f->store, f->arena, &text, &f->err));
    assert_null(text);
    MUST(f, vg_store_notice_put(f->store, NULL, &f->err));
    MUST(f, vg_store_notice_put(f->store, "one", &f->err));
    MUST(f, vg_store_notice_put(f->store, "two\nlines", &f->err));
    fixture_close(f);
    fixture_open(f, VG_STORE_DAEMON);
    MUST(f, vg_store_notice(f->store, f->arena, &text, &f->err));
    assert_string_equal(text, "two\nlines");
    MUST(f, vg_store_notice_put(f->store, NULL, &f->err));
    MUST(f, vg_store_notice(f->store, f->arena, &text, &f->err));
    assert_null(text);
}

int main(void)
{
#define OPEN(name)   cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, fixture_setup_closed, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_new_file),
        OPEN(test_opens_again),
        OPEN(test_name),
        OPEN(test_notice),
        OPEN(test_taken_away),
        OPEN(test_second_daemon),
        OPEN(test_second_name),
        OPEN(test_command),
        OPEN(test_command_beside_writer),
        OPEN(test_begin_excludes_writers),
        CLOSED(test_command_without_store),
        CLOSED(test_replay),
        OPEN(test_replay_over_daemon),
        CLOSED(test_odd_paths),
        CLOSED(test_special_names),
        OPEN(test_not_writable),
        CLOSED(test_other_program),
        OPEN(test_newer_version),
        OPEN(test_unreleased_version),
        OPEN(test_version_contradicted),
        CLOSED(test_migrations),
    };
    return cmocka_run_group_tests_name("test_store_open", tests, NULL, NULL);
}
