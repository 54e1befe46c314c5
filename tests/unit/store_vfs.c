/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A layer between SQLite and its files: failures on demand, and a record of writes; store_vfs.h. */
#include "tests/unit/store_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, FILES = 2 }; /* recorded: the file and its log */

struct operation {
    int file;
    enum vfs_operation what;
    int64_t offset; /* or the new size */
    size_t size;
    char *data;
};

static struct {
    sqlite3_vfs *real;
    sqlite3_vfs ours;
    unsigned failing;
    int countdown, hits, code;
    bool ever, recording, limited;
    int64_t left; /* bytes that files may still grow by */
    char path[512];
    char *start[FILES];
    size_t start_size[FILES];
    struct operation *operations;
    size_t n, room;
} vfs;

struct wrapped {
    sqlite3_file base;
    int recorded; /* index of the file, -1: not */
    sqlite3_file *real;
};

/* --- Failures -------------------------------------------------------------------------- */

static int fault(enum vfs_operation what)
{
    if (!(vfs.failing & what))
        return SQLITE_OK;
    if (vfs.countdown > 0 && --vfs.countdown > 0)
        return SQLITE_OK;
    if (vfs.hits && !vfs.ever)
        return SQLITE_OK;
    vfs.hits++;
    return vfs.code;
}

void vfs_fail(unsigned operations, int nth, bool ever, int code)
{
    vfs.failing = operations;
    vfs.countdown = nth;
    vfs.ever = ever;
    vfs.code = code;
    vfs.hits = 0;
}

int vfs_heal(void)
{
    vfs.failing = 0;
    return vfs.hits;
}

void vfs_room(int64_t bytes)
{
    vfs.limited = bytes >= 0;
    vfs.left = bytes;
}

/* Takes the room that a write needs behind the end of its file. */
static int take_room(sqlite3_file *real, sqlite3_int64 end)
{
    sqlite3_int64 size;
    if (!vfs.limited)
        return SQLITE_OK;
    int rc = real->pMethods->xFileSize(real, &size);
    if (rc != SQLITE_OK || end <= size)
        return rc;
    if (end - size > vfs.left)
        return SQLITE_FULL;
    vfs.left -= end - size;
    return SQLITE_OK;
}

/* --- Recording ------------------------------------------------------------------------- */

static void record(const struct wrapped *file, enum vfs_operation what, int64_t offset,
                   const void *data, size_t size)
{
    if (!vfs.recording || file->recorded < 0)
        return;
    if (vfs.n == vfs.room) {
        vfs.room = vfs.room ? vfs.room * 2 : 1024;
        vfs.operations = realloc(vfs.operations, vfs.room * sizeof *vfs.operations);
        if (!vfs.operations)
            abort();
    }
    struct operation *operation = &vfs.operations[vfs.n++];
    *operation = (struct operation){file->recorded, what, offset, size, NULL};
    if (size) {
        operation->data = malloc(size);
        if (!operation->data)
            abort();
        memcpy(operation->data, data, size);
    }
}

static int read_start(const char *path, int i)
{
    free(vfs.start[i]);
    vfs.start[i] = NULL;
    vfs.start_size[i] = 0;
    FILE *in = fopen(path, "rb");
    if (!in)
        return 0;
    fseek(in, 0, SEEK_END);
    vfs.start_size[i] = (size_t)ftell(in);
    rewind(in);
    vfs.start[i] = malloc(vfs.start_size[i] + 1);
    size_t got = vfs.start[i] ? fread(vfs.start[i], 1, vfs.start_size[i], in) : 0;
    fclose(in);
    return vfs.start[i] && got == vfs.start_size[i] ? 0 : -1;
}

int vfs_record(const char *path)
{
    char log[520];
    vfs_stop();
    snprintf(vfs.path, sizeof vfs.path, "%s", path);
    snprintf(log, sizeof log, "%s-wal", path);
    vfs.recording = true;
    return read_start(path, 0) < 0 || read_start(log, 1) < 0 ? -1 : 0;
}

void vfs_stop(void)
{
    for (size_t i = 0; i < vfs.n; i++)
        free(vfs.operations[i].data);
    free(vfs.operations);
    vfs.operations = NULL;
    vfs.n = vfs.room = 0;
    vfs.recording = false;
    for (int i = 0; i < FILES; i++) {
        free(vfs.start[i]);
        vfs.start[i] = NULL;
        vfs.start_size[i] = 0;
    }
}

size_t vfs_recorded(void)
{
    return vfs.n;
}

/* --- A power cut ----------------------------------------------------------------------- */

struct image {
    char *data;
    size_t size, room;
};

static void grow(struct image *image, size_t size)
{
    if (size > image->room) {
        image->data = realloc(image->data, size * 2);
        if (!image->data)
            abort();
        memset(image->data + image->room, 0, size * 2 - image->room);
        image->room = size * 2;
    }
    if (size > image->size)
        image->size = size;
}

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* safe: all of it has reached the disk, else by sectors as chance has it. */
static void apply(struct image *image, const struct operation *operation, bool safe, uint64_t *seed)
{
    if (operation->what == VFS_TRUNCATE) {
        if ((safe || draw(seed) % 2) && (size_t)operation->offset < image->size)
            image->size = (size_t)operation->offset;
        return;
    }
    bool whole = safe || draw(seed) % 4 == 0;
    for (size_t at = 0; at < operation->size; at += SECTOR) {
        size_t size = operation->size - at < SECTOR ? operation->size - at : SECTOR;
        if (!whole && draw(seed) % 2)
            continue;
        grow(image, (size_t)operation->offset + at + size);
        memcpy(image->data + operation->offset + at, operation->data + at, size);
    }
}

static int write_image(const struct image *image, const char *path)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return -1;
    size_t put = fwrite(image->data, 1, image->size, out);
    return fclose(out) == 0 && put == image->size ? 0 : -1;
}

int vfs_cut(size_t n, uint64_t seed, const char *path)
{
    char log[520];
    const char *const paths[FILES] = {path, log};
    int rc = 0;
    snprintf(log, sizeof log, "%s-wal", path);
    for (int file = 0; file < FILES; file++) {
        struct image image = {NULL, 0, 0};
        size_t safe = 0;
        for (size_t i = 0; i < n; i++) {
            if (vfs.operations[i].file == file && vfs.operations[i].what == VFS_SYNC)
                safe = i;
        }
        grow(&image, vfs.start_size[file] + 1);
        image.size = vfs.start_size[file];
        if (image.size)
            memcpy(image.data, vfs.start[file], image.size);
        for (size_t i = 0; i < n; i++) {
            if (vfs.operations[i].file == file && vfs.operations[i].what != VFS_SYNC)
                apply(&image, &vfs.operations[i], i < safe, &seed);
        }
        rc |= write_image(&image, paths[file]);
        free(image.data);
    }
    return rc;
}

/* --- Files ----------------------------------------------------------------------------- */

static struct wrapped *self_of(sqlite3_file *file)
{
    return (struct wrapped *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return self_of(file)->real;
}

static int close_file(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int read_file(sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
    int rc = fault(VFS_READ);
    return rc ? rc : real_of(file)->pMethods->xRead(real_of(file), out, size, offset);
}

static int write_file(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    int rc = fault(VFS_WRITE);
    if (rc == SQLITE_OK)
        rc = take_room(real_of(file), offset + size);
    if (rc == SQLITE_OK)
        rc = real_of(file)->pMethods->xWrite(real_of(file), data, size, offset);
    if (rc == SQLITE_OK)
        record(self_of(file), VFS_WRITE, offset, data, (size_t)size);
    return rc;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = fault(VFS_TRUNCATE);
    if (rc == SQLITE_OK)
        rc = real_of(file)->pMethods->xTruncate(real_of(file), size);
    if (rc == SQLITE_OK)
        record(self_of(file), VFS_TRUNCATE, size, NULL, 0);
    return rc;
}

/* Nothing is really synced, as no power is really cut; that keeps the tests fast. What is written
 * before a sync that fails is there all the same, as it may be on a disk. */
static int sync_file(sqlite3_file *file, int flags)
{
    (void)flags;
    int rc = fault(VFS_SYNC);
    if (rc == SQLITE_OK)
        record(self_of(file), VFS_SYNC, 0, NULL, 0);
    return rc;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int lock_file(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int control_file(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

/* No promise of the disk is believed: a power cut may tear any write. */
static int characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int map_shared(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int lock_shared(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void barrier_shared(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int unmap_shared(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = barrier_shared,
    .xShmUnmap = unmap_shared,
};

/* Which of the recorded files this is; -1: none of them. */
static int index_of(const char *name)
{
    size_t n = strlen(vfs.path);
    if (!name || !n || strncmp(name, vfs.path, n) != 0)
        return -1;
    return !name[n] ? 0 : !strcmp(name + n, "-wal") ? 1 : -1;
}

static int open_file(sqlite3_vfs *ours, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)ours;
    struct wrapped *self = self_of(file);
    int rc = fault(VFS_OPEN);
    file->pMethods = NULL;
    self->real = (sqlite3_file *)(self + 1);
    self->recorded = index_of(name);
    if (rc == SQLITE_OK)
        rc = vfs.real->xOpen(vfs.real, name, self->real, flags, out);
    if (rc == SQLITE_OK)
        file->pMethods = &methods;
    return rc;
}

void vfs_install(void)
{
    vfs.real = sqlite3_vfs_find(NULL);
    vfs.ours = *vfs.real;
    vfs.ours.zName = "pgvigil-test";
    vfs.ours.szOsFile = (int)sizeof(struct wrapped) + vfs.real->szOsFile;
    vfs.ours.xOpen = open_file;
    if (sqlite3_vfs_register(&vfs.ours, 1) != SQLITE_OK)
        abort();
}
