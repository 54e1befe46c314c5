/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How it stands with the retraining of models, for people and for programs; layer 6. */
#ifndef PGVIGIL_RETRAIN_SHOW_H
#define PGVIGIL_RETRAIN_SHOW_H

#include "agent/commands/shell.h"
#include "agent/retrain_state.h"

/* The models of the configuration (`only`, or NULL: all). In the shell's arena. */
struct vg_retrain_group {
    const struct vg_retraining *config;
    struct vg_retrain_standing standing;
    struct vg_onset *onsets; /* the newest, those that have not ended first */
    size_t nonsets;
    struct vg_retrain_run *runs; /* the newest first */
    size_t nruns;
    struct vg_decision *decisions; /* the newest first */
    size_t ndecisions;
};
int vg_retrain_load(struct vg_shell *shell, const char *only, size_t most,
                    struct vg_retrain_group **out, size_t *n, struct vg_error *err);
/* A line for each model; nothing where no model is retrained. */
void vg_retrain_lines(const struct vg_retrain_group *groups, size_t n);
/* pgvigil retrain list [MODEL]: an exit code. */
int vg_retrain_list(struct vg_shell *shell, const char *only);
/* The same as JSON on stdout; an exit code. */
int vg_retrain_json(const struct vg_retrain_group *groups, size_t n);

#endif
