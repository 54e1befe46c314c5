/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store's contract where it is about what the budget learnt from a version of a
 * reference, kept as blobs; layer 2. Part of store.h. */
#ifndef PGVIGIL_STORE_CALIBRATION_H
#define PGVIGIL_STORE_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/error.h"
#include "pgvigil/mem.h"

struct vg_store;

struct vg_calibration {
    int64_t id, at_us;
    const char *inputs; /* what it depends on beside the reference, as text */
    const void *body;   /* of the dataset: vg_budget_read() */
    size_t size;
};
/* A new one, with a part for each column, complete when it is done; those of the same version
 * before it then go. VG_E_NOT_FOUND when the version was dropped meanwhile. */
int vg_store_calibration_begin(struct vg_store *store, int64_t version, const char *inputs,
                               int64_t now_us, int64_t *id, struct vg_error *err);
int vg_store_calibration_part(struct vg_store *store, int64_t id, const char *column,
                              const void *body, size_t size, struct vg_error *err);
int vg_store_calibration_done(struct vg_store *store, int64_t id, const void *body, size_t size,
                              struct vg_error *err);
/* The complete one of a version; found false when there is none. In arena. */
int vg_store_calibration(struct vg_store *store, int64_t version, struct vg_arena *arena,
                         struct vg_calibration *out, bool *found, struct vg_error *err);
/* The part of a column; *body NULL when there is none. In arena. */
int vg_store_calibration_column(struct vg_store *store, int64_t id, const char *column,
                                struct vg_arena *arena, const void **body, size_t *size,
                                struct vg_error *err);
/* New values that were told of, by hash: each once for a version of the reference. */
int vg_store_told_put(struct vg_store *store, int64_t version, const char *column, uint64_t hash,
                      int64_t now_us, struct vg_error *err);
int vg_store_told(struct vg_store *store, int64_t version, const char *column,
                  struct vg_arena *arena, uint64_t **out, size_t *n, struct vg_error *err);

#endif
