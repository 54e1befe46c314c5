/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of rule files: its list of names, and the opening of one of them so that no link leads
 * out of it. Opens nothing but regular files for good; a FIFO never blocks. */
#include "agent/rules/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/rules/rules.h"

static const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

static void report(struct vg_diags *diags, enum vg_grade grade, const char *path, const char *hint,
                   const char *msg)
{
    vg_diag_add(diags, grade, (struct vg_loc){path, 0, 0}, NULL, hint, "%s", msg);
}

static bool is_rule_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    const char **items;
    size_t n, size;
};

static int collect_names(DIR *dir, struct vg_arena *arena, struct names *names)
{
    for (struct dirent *entry; errno = 0, (entry = readdir(dir));) {
        if (!is_rule_file(entry->d_name))
            continue;
        if (names->n == VG_RULE_FILES_MAX) {
            errno = EMFILE;
            return -1;
        }
        if (vg_grow((void **)&names->items, &names->size, names->n + 1, sizeof *names->items) < 0 ||
            !(names->items[names->n] = vg_arena_strdup(arena, entry->d_name))) {
            errno = ENOMEM;
            return -1;
        }
        names->n++;
    }
    return errno ? -1 : 0;
}

static const char *explain(int e)
{
    return e == EMFILE ? "the folder holds more than 10000 rule files" : strerror(e);
}

/* The folder's own descriptor goes to readdir as a copy: closedir closes it. */
static int list_folder(struct vg_folder *folder, struct vg_arena *arena, struct vg_diags *diags)
{
    struct names names = {0};
    int copy = fcntl(folder->fd, F_DUPFD_CLOEXEC, 0), rc = -1;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir && copy >= 0)
        close(copy);
    if (dir && collect_names(dir, arena, &names) == 0)
        rc = 0;
    int e = errno;
    const char **kept = rc < 0 ? NULL : vg_arena_array(arena, names.n + 1, sizeof *kept);
    if (kept && names.n) {
        memcpy(kept, names.items, names.n * sizeof *kept);
        qsort(kept, names.n, sizeof *kept, compare_names);
    }
    if (!kept)
        report(diags, VG_GRADE_ERROR, folder->path, NULL, explain(rc < 0 ? e : ENOMEM));
    folder->names = kept;
    folder->n = kept ? names.n : 0;
    if (dir)
        closedir(dir);
    free(names.items);
    return kept ? 0 : -1;
}

int vg_folder_open(const char *path, struct vg_arena *arena, struct vg_diags *diags,
                   struct vg_folder *out)
{
    *out = (struct vg_folder){.path = path, .fd = -1};
    out->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (out->fd < 0 || fstat(out->fd, &st) < 0) {
        report(diags, VG_GRADE_ERROR, path, "rules: names the folder of rule files",
               strerror(errno));
        vg_folder_close(out);
        return -1;
    }
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
        report(diags, VG_GRADE_WARNING, path, "chmod o-w",
               "every user of the machine may put rule files into this folder");
    if (list_folder(out, arena, diags) < 0) {
        vg_folder_close(out);
        return -1;
    }
    return 0;
}

void vg_folder_close(struct vg_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

int vg_folder_file_by_path(const struct vg_folder *folder, const char *name)
{
    char *home = realpath(folder->path, NULL), *path = NULL, *file = NULL;
    int fd = -1;
    if (home && asprintf(&path, "%s/%s", home, name) < 0)
        path = NULL;
    file = path ? realpath(path, NULL) : NULL;
    size_t n = home ? strlen(home) : 0;
    if (file && !strncmp(file, home, n) && (file[n] == '/' || n == 1))
        fd = open(file, flags | O_NOFOLLOW);
    else if (file)
        errno = EXDEV;
    int e = errno;
    free(home);
    free(path);
    free(file);
    errno = e;
    return fd;
}

int vg_folder_file(const struct vg_folder *folder, const char *name)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_BENEATH};
    long fd = -1;
    /* A rename anywhere in the system may make the kernel ask for another try. */
    for (int attempt = 0; attempt < 10; attempt++) {
        fd = syscall(SYS_openat2, folder->fd, name, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
        return vg_folder_file_by_path(folder, name);
    return (int)fd;
}
