/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store's contract where it is about retraining: onsets of drift and what was decided
 * about them; layer 2. Part of store.h. */
#ifndef PGVIGIL_STORE_ONSETS_H
#define PGVIGIL_STORE_ONSETS_H

#include "pgvigil/event.h"

struct vg_store;

/* The onset of a model that is open or fired and not ended; *found false when there is none. */
int vg_store_onset(struct vg_store *store, const char *model, struct vg_arena *arena,
                   struct vg_onset *out, bool *found, struct vg_error *err);
/* Whatever its state. */
int vg_store_onset_of(struct vg_store *store, const char *key, struct vg_arena *arena,
                      struct vg_onset *out, bool *found, struct vg_error *err);
int vg_store_onset_put(struct vg_store *store, const struct vg_onset *onset, struct vg_error *err);
/* Of one model, or of all with NULL; those that have not ended first, then newest first. */
int vg_store_onsets(struct vg_store *store, const char *model, size_t most, struct vg_arena *arena,
                    struct vg_onset **out, size_t *n, struct vg_error *err);
/* Those whose run has ended, and about whose outcome something is still to be done; at most 100. */
int vg_store_onsets_over(struct vg_store *store, struct vg_arena *arena, struct vg_onset **out,
                         size_t *n, struct vg_error *err);
/* Onsets of this model that were fired since, newest first; `dry`: also by dry runs. */
struct vg_fired_of {
    const char *model;
    int64_t since_us;
    bool dry;
};
struct vg_fired {
    char key[VG_KEY_SIZE];
    int64_t at_us;
};
int vg_store_fired(struct vg_store *store, const struct vg_fired_of *of, struct vg_arena *arena,
                   struct vg_fired **out, size_t *n, struct vg_error *err);
/* Rows of the dataset's windows that were judged after since_us. */
int vg_store_rows_since(struct vg_store *store, const char *dataset, int64_t since_us,
                        uint64_t *rows, struct vg_error *err);
/* The receivers for which a message that opened this key was put into the outbox. In arena. */
int vg_store_outbox_told(struct vg_store *store, const char *key, struct vg_arena *arena,
                         struct vg_strings *out, struct vg_error *err);
/* Whether this receiver was told that the onset of this key made a request, or is to be. */
int vg_store_outbox_has_change(struct vg_store *store, const char *key, const char *sink, bool *out,
                               struct vg_error *err);
/* Recorded only if it differs in kind, person or reason from the newest one of the same key, and in
 * more than numbers of the reason: a refusal that lasts says others at each window. With
 * dataset NULL the evidence is the onset's as it is stored now. */
int vg_store_decision_put(struct vg_store *store, const struct vg_decision *decision,
                          bool *recorded, struct vg_error *err);
int vg_store_decisions(struct vg_store *store, const char *model /* NULL: all */, size_t most,
                       struct vg_arena *arena, struct vg_decision **out, size_t *n,
                       struct vg_error *err); /* newest first */
/* The newest decision of this kind about one onset. */
int vg_store_decision_of(struct vg_store *store, const char *key, enum vg_decision_kind kind,
                         struct vg_arena *arena, struct vg_decision *out, bool *found,
                         struct vg_error *err);

#endif
