/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets: reading them from files, and keeping them out of texts; layer 4.
 *
 * A secret lives in a file that is read at every use, is wiped when freed, and never stands in a
 * log line, an error or a metric. Messages name the file, never what is in it.
 */
#ifndef PGVIGIL_SECRET_H
#define PGVIGIL_SECRET_H

#include <stddef.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"

enum { VG_SECRET_MAX = 64 * 1024 }; /* bytes of the file */

struct vg_secret {
    char *text; /* NUL-terminated, owned; NULL when empty */
    size_t len;
};

/* Reads a file without its trailing line ends. VG_E_NOT_FOUND, VG_E_PERMISSION, VG_E_IO,
 * VG_E_LIMIT (over VG_SECRET_MAX), VG_E_CONFIG (not a regular file, empty, holds a NUL),
 * VG_E_MEMORY. The mode of the file is not looked at: Kubernetes mounts secrets 0644. */
int vg_secret_read(const char *path, struct vg_secret *out, struct vg_error *err);
/* Wipes and frees the text; the struct is then empty. */
void vg_secret_free(struct vg_secret *secret);

enum vg_secret_state {
    VG_SECRET_FINE,
    VG_SECRET_MISSING,  /* no such file */
    VG_SECRET_UNUSABLE, /* not a regular file, or not readable by this process */
    VG_SECRET_EMPTY,    /* it holds nothing, or line ends only */
    VG_SECRET_EXPOSED,  /* every user of the machine may read it */
};
/* What can be said about a secret's file without reading it; of one or two bytes whether they are
 * line ends. */
enum vg_secret_state vg_secret_inspect(const char *path);

/* Appends a line of a user's file with everything that looks like a secret as asterisks, one for
 * each character so that columns stay: passwords in connection strings and URLs, tokens and keys
 * written in clear, the path of a Slack address. */
void vg_secret_mask(struct vg_buf *out, const char *line, size_t n);

#endif
