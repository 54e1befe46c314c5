/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Setting a damaged state file aside, and the ballast that is given up when the disk is full.
 *
 * Owns the names of the files beside the state file. Nothing is ever deleted but the ballast: a
 * damaged file stays where a person can look at it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/store/inner.h"

enum { BALLAST_BYTES = 1 << 20, TRIES = 100 };

static char *join(const char *path, const char *suffix)
{
    char *out = NULL;
    return asprintf(&out, "%s%s", path, suffix) < 0 ? NULL : out;
}

/* Neither the file nor its log may be there: one of them can be missing. */
static bool is_taken(const char *name)
{
    char *log = join(name, "-wal");
    bool taken = !log || access(log, F_OK) == 0 || access(name, F_OK) == 0;
    free(log);
    return taken;
}

/* A name in arena that no file has yet. */
static const char *free_name(const char *path, struct vg_arena *arena)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || !strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts))
        snprintf(stamp, sizeof stamp, "%lld", (long long)now);
    for (int i = 1; i <= TRIES; i++) {
        const char *name = i == 1 ? vg_arena_printf(arena, "%s.damaged-%s", path, stamp)
                                  : vg_arena_printf(arena, "%s.damaged-%s-%d", path, stamp, i);
        if (!name || !is_taken(name))
            return name;
    }
    return NULL;
}

static int move_one(const char *path, const char *aside, const char *suffix, struct vg_error *err)
{
    char *from = join(path, suffix), *to = join(aside, suffix);
    int rc = 0;
    if (!from || !to)
        rc = vg_fail(err, VG_E_MEMORY, "out of memory");
    else if (rename(from, to) != 0 && errno != ENOENT)
        rc = vg_fail(err, VG_E_IO, "damaged state store: cannot rename %s to %s: %s", from, to,
                     strerror(errno));
    free(from);
    free(to);
    return rc;
}

int vg_quarantine(const char *path, struct vg_arena *arena, const char **aside,
                  struct vg_error *err)
{
    *aside = free_name(path, arena);
    if (!*aside)
        return vg_fail(err, VG_E_IO, "damaged state store: no free name beside %s", path);
    /* The file first: a crash in between leaves a log without its file, which is noticed. */
    if (move_one(path, *aside, "", err) < 0 || move_one(path, *aside, "-wal", err) < 0)
        return -1;
    return move_one(path, *aside, "-shm", err);
}

bool vg_quarantine_orphan(const char *path)
{
    struct stat file, log;
    if (stat(path, &file) == 0 && file.st_size > 0)
        return false;
    char *name = join(path, "-wal");
    bool orphan = name && stat(name, &log) == 0 && log.st_size > 0;
    free(name);
    return orphan;
}

bool vg_ballast_make(const char *path)
{
    char *name = join(path, ".ballast");
    int fd = name ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool there = name && fd < 0 && errno == EEXIST;
    if (fd >= 0) {
        int rc = posix_fallocate(fd, 0, BALLAST_BYTES);
        there = close(fd) == 0 && rc == 0;
        if (!there)
            unlink(name);
    }
    free(name);
    return there;
}

bool vg_ballast_free(const char *path)
{
    char *name = join(path, ".ballast");
    bool freed = name && unlink(name) == 0;
    free(name);
    return freed;
}
