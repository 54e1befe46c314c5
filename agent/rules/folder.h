/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of rule files as the file system holds it; layer 4, known to this folder only. */
#ifndef PGVIGIL_RULES_FOLDER_H
#define PGVIGIL_RULES_FOLDER_H

#include "pgvigil/error.h"
#include "pgvigil/mem.h"

struct vg_folder {
    const char *path;
    int fd;                   /* -1: not open */
    const char *const *names; /* *.yaml and *.yml without hidden ones, sorted */
    size_t n;
};

/* Opens and lists the folder. -1 after a fault, which is in diags. Names are in arena. */
int vg_folder_open(const char *path, struct vg_arena *arena, struct vg_diags *diags,
                   struct vg_folder *out) VG_MUST_CHECK;
void vg_folder_close(struct vg_folder *folder);

/* Opens a file for reading, never waiting for one that is no regular file. Links are followed as
 * long as they stay inside the folder. The descriptor, or -1 and errno: EXDEV a link leads out. */
int vg_folder_file(const struct vg_folder *folder, const char *name);
/* The same without openat2(), for kernels that lack it or do not allow it. */
int vg_folder_file_by_path(const struct vg_folder *folder, const char *name);

#endif
