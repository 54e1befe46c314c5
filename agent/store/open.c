/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing the state store.
 *
 * Owns the daemon's lock and the decision what a file is: ours, empty, damaged, newer, another
 * program's. Promises that nothing is written to a file before that is known, and that a damaged
 * one is set aside, never overwritten. Opens again by the same steps after a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/store/inner.h"
#include "pgvigil/log.h"

enum { LEAST_BYTES = 512 }; /* the smallest page */

/* --- The file and its lock ------------------------------------------------------------- */

static int take_lock(struct vg_store *store, struct vg_error *err)
{
    char *name = NULL, holder[24] = "";
    if (asprintf(&name, "%s.lock", store->path) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    int rc = 0;
    store->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        rc = vg_fail(err, errno == EACCES || errno == EROFS ? VG_E_PERMISSION : VG_E_IO,
                     "cannot open the lock of the state store, %s: %s", name, strerror(errno));
    } else if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        enum vg_code code = errno == EWOULDBLOCK ? VG_E_LOCKED : VG_E_IO;
        ssize_t n = pread(store->lock_fd, holder, sizeof holder - 1, 0);
        holder[n > 0 ? strspn(holder, "0123456789") : 0] = '\0';
        rc = vg_fail(err, code, "the state store %s is in use by another pgvigil%s%s", store->path,
                     *holder ? ", process " : "", holder);
    } else {
        store->known_place = pread(store->lock_fd, holder, 1, 0) == 1;
    }
    free(name);
    return rc;
}

/* The number is for people, and says later that a store has been here. */
static int sign_lock(struct vg_store *store, struct vg_error *err)
{
    if (ftruncate(store->lock_fd, 0) == 0 && dprintf(store->lock_fd, "%ld\n", (long)getpid()) > 0)
        return 0;
    return vg_fail(err, VG_E_IO, "cannot write the lock of the state store, %s.lock: %s",
                   store->path, strerror(errno));
}

static int make_file(const char *path, struct vg_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return vg_fail(err, errno == EACCES || errno == EROFS ? VG_E_PERMISSION : VG_E_IO,
                       "cannot make the state store %s: %s", path, strerror(errno));
    close(fd);
    return 0;
}

/* Only names and sizes: opening and closing the file itself would drop SQLite's own locks on it. */
static int look_at_file(struct vg_store *store, bool *damaged, struct vg_error *err)
{
    struct stat st;
    bool there = stat(store->path, &st) == 0;
    if (!there && errno != ENOENT)
        return vg_fail(err, errno == EACCES ? VG_E_PERMISSION : VG_E_IO, "state store %s: %s",
                       store->path, strerror(errno));
    if (there && !S_ISREG(st.st_mode))
        return vg_fail(err, VG_E_IO, "state store %s is not a file", store->path);
    /* SQLite would take the shortest of all for new ones. */
    if (there && st.st_size > 0 && st.st_size < LEAST_BYTES) {
        *damaged = true;
        return vg_fail(err, VG_E_STATE, "state store %s is cut off after %lld bytes", store->path,
                       (long long)st.st_size);
    }
    if (store->mode == VG_STORE_COMMAND) {
        if (there && st.st_size > 0)
            return 0;
        vg_fail(err, VG_E_NOT_FOUND, "there is no state store %s", store->path);
        return vg_hint(err, "pgvigil run makes it; another one is named by state: or --state");
    }
    if (vg_quarantine_orphan(store->path)) {
        *damaged = true;
        return vg_fail(err, VG_E_STATE, "state store %s is empty, but its write-ahead log is not",
                       store->path);
    }
    return there ? 0 : make_file(store->path, err);
}

/* --- What is in it --------------------------------------------------------------------- */

static int examine(struct vg_store *store, struct vg_db *db, bool *damaged, struct vg_error *err)
{
    bool sound = true;
    if (store->doubt == VG_DOUBT_NONE)
        return 0;
    int rc = db->ops->examine(db, store->doubt == VG_DOUBT_GRAVE, &sound, err);
    *damaged = rc == 0 && !sound;
    return sound ? 0 : -1;
}

static int refuse_version(const struct vg_store *store, int64_t version, struct vg_error *err)
{
    long long have = (long long)version, know = (long long)vg_schema_latest();
    if (have > know) {
        vg_fail(err, VG_E_STATE, "state store %s is of version %lld, this program knows up to %lld",
                store->path, have, know);
        return vg_hint(err, "use the newer pgvigil that wrote it, or another state file");
    }
    if (have <= VG_SCHEMA_UNRELEASED) {
        vg_fail(err, VG_E_STATE, "state store %s is of version %lld, from before the first release",
                store->path, have);
        return vg_hint(err, "move it away, or name another state file; references are captured"
                            " again");
    }
    vg_fail(err, VG_E_STATE, "state store %s is of version %lld, this program needs %lld",
            store->path, have, know);
    return vg_hint(err, "pgvigil run brings it up to date");
}

/* Statements that any store answers fail only because of what is in the file. */
static bool is_about_file(const struct vg_error *err)
{
    return err->code == VG_E_STATE || err->code == VG_E_INTERNAL;
}

/* What the store says of its own version; -1 where it says nothing, as in another program's file.
 */
static int read_recorded(struct vg_db *db, int64_t *recorded, struct vg_error *err)
{
    struct vg_error local;
    if (vg_schema_recorded(db, recorded, &local) == 0)
        return 0;
    *recorded = -1;
    if (local.code == VG_E_INTERNAL || local.code == VG_E_STATE)
        return 0;
    if (err)
        *err = local;
    return -1;
}

/* Sets *found, or fails; with *damaged when the content contradicts itself. */
static int judge_content(struct vg_store *store, struct vg_db *db, struct vg_db_identity *found,
                         bool *damaged, struct vg_error *err)
{
    int64_t recorded, known = vg_schema_latest();
    bool sound = true;
    struct vg_error local;
    if (db->ops->identify(db, found, &local) < 0) {
        *damaged = is_about_file(&local);
        if (err)
            *err = local;
        return -1;
    }
    if (found->empty)
        return 0;
    if (examine(store, db, damaged, err) < 0 || read_recorded(db, &recorded, err) < 0)
        return -1;
    if (!found->ours && recorded < 1)
        return vg_fail(err, VG_E_STATE, "%s is a database of another program, not a state store",
                       store->path);
    if (recorded != found->version) {
        *damaged = true;
        return vg_fail(err, VG_E_STATE, "state store %s contradicts itself about its version",
                       store->path);
    }
    if (recorded > known || recorded <= VG_SCHEMA_UNRELEASED ||
        (recorded < known && store->mode == VG_STORE_COMMAND))
        return refuse_version(store, recorded, err);
    if (recorded == known && store->doubt != VG_DOUBT_NONE &&
        vg_schema_plausible(db, &sound, err) < 0)
        return -1;
    *damaged = !sound;
    return sound ? 0 : -1;
}

static int read_maker(struct vg_db *db, bool *replay, struct vg_error *err)
{
    struct vg_db_rows *rows = NULL;
    bool more = false;
    int rc = db->ops->query(
        db, &VG_SQL_PLAIN("SELECT value = 'replay' FROM meta WHERE key = 'made_by'"), &rows, err);
    if (rc == 0)
        rc = db->ops->next(rows, &more, err);
    *replay = rc == 0 && more && db->ops->get_int(rows, 0) == 1;
    db->ops->done(rows);
    return rc;
}

static int admit_replay(struct vg_store *store, struct vg_db *db, struct vg_error *err)
{
    bool replay;
    if (read_maker(db, &replay, err) < 0)
        return -1;
    if (replay)
        return 0;
    vg_fail(err, VG_E_LOCKED, "the state store %s holds the state of a daemon", store->path);
    return vg_hint(err, "give a replay a file of its own with --state");
}

static int start_writing(struct vg_store *store, struct vg_db *db,
                         const struct vg_db_identity *found, struct vg_error *err)
{
    const char *maker = store->mode == VG_STORE_REPLAY ? "replay" : "daemon";
    if (store->mode == VG_STORE_REPLAY && !found->empty && admit_replay(store, db, err) < 0)
        return -1;
    if (db->ops->prepare(db, err) < 0 ||
        vg_schema_migrate(db, found->version, vg_migrations, vg_migrations_n, err) < 0 ||
        (!found->ours && db->ops->stamp(db, vg_schema_latest(), err) < 0) ||
        db->ops->run(db,
                     &VG_SQL("INSERT INTO meta (key, value) VALUES ('made_by', $1)"
                             " ON CONFLICT (key) DO NOTHING",
                             vg_p_text(maker)),
                     NULL, err) < 0)
        return -1;
    if (store->started)
        return 0;
    /* A capture that a crash has ended is never completed. */
    return db->ops->run(db, &VG_SQL_PLAIN("DELETE FROM reference WHERE state = 0"), NULL, err);
}

/* --- Opening --------------------------------------------------------------------------- */

static int connect_once(struct vg_store *store, bool *damaged, struct vg_error *err)
{
    struct vg_db *db = NULL;
    struct vg_db_identity found;
    *damaged = false;
    if (look_at_file(store, damaged, err) < 0)
        return -1;
    struct vg_error local = {.code = VG_OK};
    int rc = vg_sqlite_open(store->path, store->mode != VG_STORE_REPLAY, &db, &local);
    *damaged = rc < 0 && is_about_file(&local);
    if (rc == 0)
        rc = judge_content(store, db, &found, damaged, &local);
    if (rc == 0 && store->mode != VG_STORE_COMMAND)
        rc = start_writing(store, db, &found, &local);
    if (rc == 0) {
        store->db = db;
        return 0;
    }
    if (db) {
        *damaged = *damaged || db->trouble == VG_DB_DAMAGED;
        db->ops->close(db);
    }
    if (err)
        *err = local;
    return -1;
}

/* A path given by mistake may lead to any file, which must not be moved. */
static bool was_store(const struct vg_store *store)
{
    static const char mark[] = "SQLite format 3";
    char start[sizeof mark] = "";
    int fd = open(store->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return store->known_place;
    bool marked =
        read(fd, start, sizeof start) == (ssize_t)sizeof start && !memcmp(start, mark, sizeof mark);
    close(fd);
    return marked || store->known_place;
}

int vg_store_connect(struct vg_store *store, struct vg_error *err)
{
    struct vg_error local;
    bool damaged;
    const char *aside;
    vg_health_forget(store);
    int rc = connect_once(store, &damaged, &local);
    if (rc < 0 && damaged && store->mode == VG_STORE_DAEMON && was_store(store)) {
        if (vg_quarantine(store->path, store->names, &aside, err) < 0)
            return -1;
        vg_log(VG_LOG_ERROR, "the state store was damaged; it is set aside and a new one is made",
               "path", store->path, "kept_as", aside, "why", local.msg, NULL);
        store->quarantined = aside;
        rc = connect_once(store, &damaged, &local);
    }
    if (rc < 0) {
        if (err)
            *err = local;
        return -1;
    }
    store->doubt = VG_DOUBT_NONE;
    store->started = true;
    vg_health_remember(store);
    if (store->mode == VG_STORE_DAEMON)
        vg_ballast_make(store->path);
    return 0;
}

static int make_mutexes(struct vg_store *store)
{
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0)
        return -1;
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    int rc = pthread_mutex_init(&store->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    if (rc == 0 && pthread_mutex_init(&store->health.mutex, NULL) == 0)
        return 0;
    if (rc == 0)
        pthread_mutex_destroy(&store->mutex);
    return -1;
}

int vg_store_open(const char *path, enum vg_store_mode mode, struct vg_store **out,
                  struct vg_error *err)
{
    *out = NULL;
    if (!path || !*path)
        return vg_fail(err, VG_E_IO, "the state store has no path");
    struct vg_store *store = calloc(1, sizeof *store);
    if (!store || make_mutexes(store) < 0) {
        free(store);
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    store->mode = mode;
    store->lock_fd = -1;
    store->doubt = mode == VG_STORE_COMMAND ? VG_DOUBT_NONE : VG_DOUBT_SOME;
    /* Two names of one file are one lock. */
    store->path = realpath(path, NULL);
    if (!store->path)
        store->path = strdup(path);
    store->names = vg_arena_new();
    int rc = 0;
    if (!store->path || !store->names) {
        vg_fail(err, VG_E_MEMORY, "out of memory");
        rc = -1;
    }
    if (rc == 0 && mode != VG_STORE_COMMAND)
        rc = take_lock(store, err);
    if (rc == 0)
        rc = vg_store_connect(store, err);
    if (rc == 0 && mode != VG_STORE_COMMAND)
        rc = sign_lock(store, err);
    if (rc < 0) {
        vg_store_close(store);
        return -1;
    }
    *out = store;
    return 0;
}

void vg_store_close(struct vg_store *store)
{
    if (!store)
        return;
    if (store->db) {
        store->db->ops->rollback(store->db);
        store->db->ops->close(store->db);
    }
    /* Last of all: from here on another daemon may have it. */
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_mutex_destroy(&store->mutex);
    pthread_mutex_destroy(&store->health.mutex);
    vg_arena_free(store->names);
    free(store->path);
    free(store);
}

const char *vg_store_quarantined(const struct vg_store *store)
{
    return store->quarantined;
}
