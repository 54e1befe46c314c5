/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A layer between SQLite and its files for the tests of the state store: the n-th operation fails,
 * once or for ever; and every write is recorded, so that the files can be made again as a power cut
 * could have left them. */
#ifndef TESTS_UNIT_STORE_VFS_H
#define TESTS_UNIT_STORE_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vfs_operation { VFS_READ = 1, VFS_WRITE = 2, VFS_SYNC = 4, VFS_TRUNCATE = 8, VFS_OPEN = 16 };

/* From now on every file that SQLite opens in this process goes through the layer. */
void vfs_install(void);

/* The nth of these operations fails with this code of SQLite, and with `ever` all after it. */
void vfs_fail(unsigned operations, int nth, bool ever, int code);
/* No more failures; how many there were since vfs_fail(). */
int vfs_heal(void);

/* From now on files may grow by so many bytes together, then the disk is full; -1: by any. */
void vfs_room(int64_t bytes);

/* Starts to record what is written to this file and its log, whose present bytes are taken as safe;
 * -1 in memory or reading. */
int vfs_record(const char *path);
void vfs_stop(void);
/* Operations recorded so far. */
size_t vfs_recorded(void);
/* Writes the file and its log to `path` as a power cut after the first `n` operations could have
 * left them: what was synced is there, of the rest each half kilobyte is there or not, as the seed
 * says. */
int vfs_cut(size_t n, uint64_t seed, const char *path);

#endif
