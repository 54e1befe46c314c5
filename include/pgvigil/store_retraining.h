/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store's contract where it is about what training systems do: one run for each onset a
 * request was made for, from the request to the end of the training; layer 2. Part of store.h.
 *
 * The delivery engine alone changes a run after it was asked for; it survives a restart. */
#ifndef PGVIGIL_STORE_RETRAINING_H
#define PGVIGIL_STORE_RETRAINING_H

#include "pgvigil/event.h"
#include "pgvigil/mem.h"

struct vg_error;
struct vg_store;

struct vg_retrain_run {
    char key[VG_KEY_SIZE]; /* of the onset */
    const char *model;
    const char *system; /* "airflow": as in triggers.def; "" before it was first spoken to */
    const char *id;     /* what the training system calls the run, or NULL */
    const char *url;    /* page of the run for people, or NULL */
    enum vg_retrain_state state;
    int64_t asked_us;    /* the request was put into the outbox */
    int64_t accepted_us; /* the system took it; VG_NEVER: not, or not yet */
    int64_t changed_us;  /* of the state */
    int64_t ended_us;    /* succeeded, failed, refused or lost; VG_NEVER: not yet */
    int64_t next_us;     /* the system is asked again what became of it; VG_NEVER: no more */
    int64_t until_us;    /* and no longer than until then, but where it is queued or running: until
                          * it counts as over; VG_NEVER: it is not followed at all */
    int looks;           /* how often it was asked */
    const char *answer;  /* its last answer, a sentence; or NULL */
    const char *place;   /* where it was asked for, a hash: it is followed there only; or NULL */
};

/* The run of an onset; found false when no request was made for it. In arena. */
int vg_store_retrain_run(struct vg_store *store, const char *key, struct vg_arena *arena,
                         struct vg_retrain_run *out, bool *found, struct vg_error *err);
/* Those of a model (NULL: of all), newest first, at most `most`. In arena. */
int vg_store_retrain_runs(struct vg_store *store, const char *model, size_t most,
                          struct vg_arena *arena, struct vg_retrain_run **out, size_t *n,
                          struct vg_error *err);
/* One for each key: a new one, or what is known of it now. */
int vg_store_retrain_run_put(struct vg_store *store, const struct vg_retrain_run *run,
                             struct vg_error *err);
/* A request was put into the outbox: a new run, asked for at now_us; one that is there stays. */
int vg_store_retrain_run_ask(struct vg_store *store, const char *key, const char *model,
                             int64_t now_us, struct vg_error *err);
/* Its request was withdrawn before anybody could take it: there is no run. */
int vg_store_retrain_run_forget(struct vg_store *store, const char *key, struct vg_error *err);
/* Those whose system is to be asked now, by time; at most 100. In arena. */
int vg_store_retrain_runs_due(struct vg_store *store, int64_t now_us, struct vg_arena *arena,
                              struct vg_retrain_run **out, size_t *n, struct vg_error *err);
/* When the next one comes due after now, VG_NEVER when none does. */
int vg_store_retrain_runs_next(struct vg_store *store, int64_t now_us, int64_t *out,
                               struct vg_error *err);

#endif
