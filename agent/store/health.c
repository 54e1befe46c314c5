/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the store is where it was opened and takes what is written.
 *
 * Owns the identities of the file and its lock, and what the last commit said. Looks at names only:
 * a file that was removed or replaced stays in use as it is open. Has a mutex of its own, so that
 * nobody who asks waits for a commit; whoever looks at the files holds no lock, so that a file
 * system that does not answer stops him alone. Says every change in the log, once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/store/inner.h"
#include "pgvigil/log.h"

enum { LOOK_EVERY_S = 10, STARTING_S = 5 };

static int64_t read_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void lock_health(struct vg_store *store)
{
    if (pthread_mutex_lock(&store->health.mutex) != 0)
        BUG("the mutex of the store's health cannot be locked");
}

static void unlock_health(struct vg_store *store)
{
    if (pthread_mutex_unlock(&store->health.mutex) != 0)
        BUG("the mutex of the store's health is not held");
}

static void fill_identity(struct vg_file_identity *out, const struct stat *st)
{
    *out = (struct vg_file_identity){true, st->st_dev, st->st_ino};
}

/* --- Where it is ----------------------------------------------------------------------- */

void vg_health_forget(struct vg_store *store)
{
    lock_health(store);
    store->health.file.known = false;
    unlock_health(store);
}

void vg_health_remember(struct vg_store *store)
{
    struct stat file, lock;
    if (store->mode == VG_STORE_COMMAND)
        return;
    bool has_file = stat(store->path, &file) == 0;
    bool has_lock = fstat(store->lock_fd, &lock) == 0;
    lock_health(store);
    if (has_file)
        fill_identity(&store->health.file, &file);
    if (!store->health.lock.known && has_lock)
        fill_identity(&store->health.lock, &lock);
    unlock_health(store);
}

/* What became of a file, NULL for nothing. One that cannot be looked at may be there all the same.
 */
static const char *judge_place(const char *path, const struct vg_file_identity *was)
{
    struct stat st;
    if (!was->known)
        return NULL;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? "removed" : NULL;
    return st.st_dev == was->device && st.st_ino == was->inode ? NULL : "replaced";
}

/* Static words, so that they are compared by address. */
static void tell_place(const char *path, const char *what, const char *was, const char *is)
{
    if (was == is)
        return;
    if (!is)
        vg_log(VG_LOG_INFO, "state store: a file is in its place again", "file", what, "path", path,
               NULL);
    else
        vg_log(VG_LOG_ERROR,
               "state store: a file in use was removed or replaced; the open one stays in use until"
               " the end of the process and is lost then",
               "file", what, "path", path, "what", is, "hint",
               "restart pgvigil to use what stands there now", NULL);
}

/* Under the mutex; whether the caller is the one who looks. */
static bool begin_look(struct vg_store *store, int64_t every_s, struct vg_health *was)
{
    struct vg_health *health = &store->health;
    if (health->looking || read_clock_s() - health->looked_s < every_s)
        return false;
    health->looking = true;
    *was = *health;
    return true;
}

static bool is_same(const struct vg_file_identity *a, const struct vg_file_identity *b)
{
    return a->known == b->known && a->device == b->device && a->inode == b->inode;
}

/* Where the store was opened again meanwhile, the look was at another file than the one in use. */
static void look(struct vg_store *store, int64_t every_s)
{
    char lock[PATH_MAX + 8];
    struct vg_health was, *health = &store->health;
    lock_health(store);
    bool mine = begin_look(store, every_s, &was);
    unlock_health(store);
    if (!mine)
        return;
    snprintf(lock, sizeof lock, "%s.lock", store->path);
    const char *file_lost = judge_place(store->path, &was.file);
    const char *lock_lost = judge_place(lock, &was.lock);
    lock_health(store);
    if (is_same(&was.file, &health->file) && is_same(&was.lock, &health->lock)) {
        tell_place(store->path, "state", health->file_lost, file_lost);
        tell_place(lock, "lock", health->lock_lost, lock_lost);
        health->file_lost = file_lost;
        health->lock_lost = lock_lost;
    }
    health->looked_s = read_clock_s();
    health->looking = false;
    unlock_health(store);
}

void vg_health_look(struct vg_store *store)
{
    if (store->mode != VG_STORE_COMMAND)
        look(store, LOOK_EVERY_S);
}

/* --- Whether it can be written --------------------------------------------------------- */

/* Not the faults of what was asked of it. */
static bool is_of_storage(enum vg_code code)
{
    return code == VG_E_IO || code == VG_E_PERMISSION || code == VG_E_STATE ||
           code == VG_E_TIMEOUT || code == VG_E_MEMORY;
}

void vg_health_failed(struct vg_store *store, const struct vg_error *err)
{
    if (!err || !is_of_storage(err->code))
        return;
    lock_health(store);
    store->health.write_failed = true;
    store->health.unwritten++;
    store->health.why = *err;
    unlock_health(store);
}

void vg_health_wrote(struct vg_store *store)
{
    lock_health(store);
    store->health.write_failed = false;
    unlock_health(store);
}

int64_t vg_store_unwritten(struct vg_store *store)
{
    lock_health(store);
    int64_t n = store->health.unwritten;
    unlock_health(store);
    return n;
}

int vg_store_probe(struct vg_store *store, struct vg_error *err)
{
    char text[32 << 10];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    static const char put[] = "INSERT INTO meta (key, value) VALUES ('probe', $1)"
                              " ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    if (vg_sql_run(store, &VG_SQL(put, vg_p_text(text)), err) < 0)
        return -1;
    return vg_sql_run(store, &VG_SQL_PLAIN("DELETE FROM meta WHERE key = 'probe'"), err);
}

void vg_store_health(struct vg_store *store, struct vg_store_health *out)
{
    struct vg_health *health = &store->health;
    if (store->mode != VG_STORE_COMMAND)
        look(store, 0);
    lock_health(store);
    *out = (struct vg_store_health){
        .in_place = !health->file_lost && !health->lock_lost,
        .writable = !health->write_failed,
    };
    if (health->file_lost)
        snprintf(out->why, sizeof out->why, "the state store %s was %s while in use", store->path,
                 health->file_lost);
    else if (health->lock_lost)
        snprintf(out->why, sizeof out->why,
                 "the lock %s.lock of the state store was %s while in"
                 " use",
                 store->path, health->lock_lost);
    else if (health->write_failed)
        snprintf(out->why, sizeof out->why, "the last commit failed: %s", health->why.msg);
    unlock_health(store);
}

/* For a while: who has just begun makes its ballast last. */
static bool is_held(const char *lock)
{
    struct stat signed_at;
    if (stat(lock, &signed_at) != 0 || time(NULL) - signed_at.st_mtime < STARTING_S)
        return false;
    int fd = open(lock, O_RDONLY | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return held;
}

bool vg_store_cramped(const struct vg_store *store)
{
    char name[PATH_MAX];
    struct stat ballast;
    if (snprintf(name, sizeof name, "%s.ballast", store->path) >= (int)sizeof name ||
        stat(name, &ballast) == 0 || errno != ENOENT)
        return false;
    snprintf(name, sizeof name, "%s.lock", store->path);
    return is_held(name);
}
