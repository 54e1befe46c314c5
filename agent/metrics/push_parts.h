/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the groups on a Pushgateway, shared by agent/metrics/push*.c only: push.c pushes them,
 * push_move.c knows where they were before. */
#ifndef PGVIGIL_AGENT_METRICS_PUSH_PARTS_H
#define PGVIGIL_AGENT_METRICS_PUSH_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/metrics/push.h"

enum { VG_PUSH_URL_BYTES = 1 << 16 };

enum vg_group_state {
    GROUP_WHOLE,    /* pushed as a whole, but for rejected families */
    GROUP_SPLIT,    /* a whole push was rejected: families are tried one by one */
    GROUP_DELETING, /* DELETE has been asked for and not been answered well */
};

struct vg_push_group {
    char *dataset; /* "": the agent's own */
    char *url;
    enum vg_group_state state;
    bool remembered; /* the store knows the URL */
    bool moved;      /* stands where the target was before; is only there to be deleted */
    unsigned tries;  /* of moved: requests to delete it */
    bool searched;   /* families were tried since the last reset: do not start again */
    size_t trying;   /* of GROUP_SPLIT: position in the table of metrics */
    unsigned waits;  /* pushes left out since the last family was tried */
    unsigned pushes; /* since families were rejected */
    bool *rejected;  /* by position in the table */
};

struct vg_push {
    struct vg_publisher publisher; /* first: this is one */
    struct vg_metrics *metrics;
    struct vg_store *store;
    struct vg_push_target target; /* texts owned */
    pthread_mutex_t lock;         /* around the groups */
    struct vg_push_group **groups;
    size_t n, size, families;
};

/* Under the lock. url: NULL for the one that the target gives this dataset. NULL without memory. */
struct vg_push_group *vg_push_add(struct vg_push *push, const char *dataset, const char *url);
/* Under the lock: the one that is pushed, or was until the dataset was retired. */
struct vg_push_group *vg_push_find(const struct vg_push *push, const char *dataset);
void vg_push_remove(struct vg_push *push, const struct vg_push_group *group);
void vg_push_free_group(struct vg_push_group *group);
/* Without the lock. */
void vg_push_group_now(struct vg_push *push, const char *dataset);
void vg_push_delete_groups(struct vg_push *push);

/* --- push_move.c ------------------------------------------------------------------------------ */
/* A group that an earlier run has pushed. Under the lock; -1 without memory. */
int vg_push_take_pushed(struct vg_push *push, const struct vg_pushed *pushed, bool wanted);
/* The store forgets a group that has gone, unless the dataset has another. Without the lock. */
void vg_push_forget(struct vg_push *push, const char *dataset);
/* Takes out moved groups that are not to be deleted any more. Without the lock. */
void vg_push_finish_moved(struct vg_push *push);

#endif
