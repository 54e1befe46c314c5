/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: what is due runs, in threads and real time, or in one thread and virtual time; layer 5.
 *
 * A slot per dataset holds its progress and when it is due next. Never two cycles of one dataset at
 * once. The daemon has a scheduler (the calling thread), workers, and one thread that captures
 * references; a replay does the same things one after the other. What the loop needs of the shell
 * (loading files, telling others of a new book, sending) comes as functions.
 */
#ifndef PGVIGIL_LOOP_H
#define PGVIGIL_LOOP_H

#include <pthread.h>

#include "agent/loop/book.h"
#include "agent/loop/cycle.h"
#include "agent/loop/promotion.h"

struct vg_shell_ops {
    /* A new book from the files; NULL when pgvigil.yaml itself does not load (already said). */
    struct vg_book *(*load)(void *arg);
    /* The book is in force from now on: tell receivers, metrics, connections. */
    void (*loaded)(void *arg, const struct vg_book *book);
    /* A load was refused after all; the book in force stays. */
    void (*refused)(void *arg, const struct vg_book *fresh, const char *why);
    /* Without threads: sends what is due and waits for the answers. */
    void (*drain)(void *arg, int64_t now_us);
    /* Daemon: about once a minute, for what is not urgent (figures of the agent itself). */
    void (*idle)(void *arg, int64_t now_us);
    void *arg;
};

struct vg_slot { /* one dataset */
    char *id;
    struct vg_progress progress; /* its text fields are not used here */
    int64_t next_us;
    bool busy, queued;
    bool gone; /* no longer in the rules; kept while its last cycle is on the way */
    /* A cycle begun with an older book than this one commits nothing. */
    atomic_int barrier;
    int64_t capture_us; /* not to be captured before; VG_NEVER: nothing to capture */
    int capture_failures;
    bool capture_patient;           /* asked for by a person: however long it takes */
    struct vg_promotion *promotion; /* asked for by a person; or NULL */
    int lost;                       /* cycles lost in a row, not those whose read failed */
};

struct vg_loop {
    struct vg_cycle_env env; /* config, rules: those of the book, set per cycle */
    struct vg_shell_ops shell;
    struct vg_span span;
    atomic_bool stop, reload; /* set by signals; the clock is woken too */
    pthread_mutex_t mutex;
    pthread_cond_t work; /* a slot was queued, or stop */
    struct vg_book *book;
    struct vg_slot **slots;
    size_t nslots;
    atomic_bool force_reload, last_load_ok;
    /* Under the mutex: a snapshot for the keys of offending rows, and when to look for others. */
    struct vg_session *offended_session;
    char *offended_dataset;
    int64_t offenders_us;
    bool offenders_idle;           /* who writes them waits, and would take a snapshot at once */
    bool store_lost;               /* under the mutex: it took no cycle, and none begins */
    int64_t probe_us;              /* when to ask it again */
    int64_t follow_us, promote_us; /* when to look at training runs again, and ask once more */
    int64_t seen_us;               /* the clock when the scheduler last looked; 0: not yet */
    int64_t failed_cycles;         /* lost or unread; the exit code of --once and of replays */
};

/* env: everything but config, rules and stop. The book is taken over. */
int vg_loop_init(struct vg_loop *loop, const struct vg_cycle_env *env,
                 const struct vg_shell_ops *shell, struct vg_book *book, struct vg_error *err);
void vg_loop_free(struct vg_loop *loop);

/* The daemon: returns when stop is set and the workers have ended. */
int vg_loop_run(struct vg_loop *loop, size_t workers, struct vg_error *err);
/* One cycle of everything that is due at now, in this thread. */
int vg_loop_once(struct vg_loop *loop, struct vg_error *err);
/* Virtual time: every window of the span in the order of due times, in this thread. */
int vg_loop_replay(struct vg_loop *loop, struct vg_error *err);

/* From a signal handler. */
void vg_loop_stop(struct vg_loop *loop);
void vg_loop_reload(struct vg_loop *loop);

/* --- between the files of the loop ------------------------------------------------------------ */

/* Only the scheduler's thread changes the list of slots and the book, so it may read both without
 * the mutex. No call of the store is made under the mutex: others must not wait for its disk. */

/* Brings a book into force (at the start: the one that is): datasets get new names, what the rules
 * no longer name is ended, new slots learn their progress. `decided`: that it may retire what it
 * does is known. Without the mutex. -1 when a dataset could not be taken up; or, for want of
 * memory, nothing has changed and loop->book is as before. */
int vg_loop_adopt(struct vg_loop *loop, struct vg_book *book, bool decided, struct vg_error *err);
/* The environment of what is done between cycles, with the book in force. */
struct vg_cycle_env vg_loop_env(const struct vg_loop *loop);
/* The dataset's slot; NULL for one that is gone. */
struct vg_slot *vg_loop_slot(const struct vg_loop *loop, const char *id);
/* Replaces the book by a fresh one; keeps the old one when there is none. Takes the mutex. */
void vg_loop_renew(struct vg_loop *loop);
struct vg_book *vg_loop_hold(struct vg_loop *loop); /* under the mutex */
void vg_loop_release(struct vg_loop *loop, struct vg_book *book);
/* Runs what is due for the slot, without the mutex; sets its progress and next time. */
void vg_loop_cycle(struct vg_loop *loop, struct vg_slot *slot);
/* How a cycle ended. */
struct vg_cycle_end {
    int rc;
    bool unwritten; /* meanwhile the store failed to write, by its own account */
    int64_t began_us;
};
/* When a cycle that was lost, as the n-th in a row, is run again; where it is the store that takes
 * none, the others wait for it too (loop_store.c). Under the mutex. */
int64_t vg_loop_lost(struct vg_loop *loop, const struct vg_dataset *dataset, int n,
                     const struct vg_cycle_end *end);
/* Asks a store that took no cycle whether it takes what is written again, every two seconds. By the
 * scheduler's thread, without the mutex. */
void vg_loop_probe(struct vg_loop *loop, int64_t now_us);
/* Captures the reference of a dataset if it is still wanted. Without the mutex. */
void vg_loop_capture(struct vg_loop *loop, const char *id);
/* Keys of offending rows (loop_offenders.c). A replay writes none. */
void vg_loop_offended(void *arg, const char *dataset, struct vg_session *session);
void *vg_loop_offenders_on(void *arg);        /* the thread */
void vg_loop_offenders(struct vg_loop *loop); /* without it: what is due now */
/* Without it, after a cycle: what its snapshot was kept for. */
void vg_loop_offenders_kept(struct vg_loop *loop);
void vg_loop_offenders_free(struct vg_loop *loop);
/* What people ask about retraining (loop_retrain.c). */
int vg_loop_retrain(struct vg_loop *loop, const struct vg_control *row, struct vg_arena *arena,
                    const char **answer, struct vg_error *err);
/* What follows from training runs that have ended. By the scheduler's thread. */
void vg_loop_follow(struct vg_loop *loop);
/* Compares the clock with what it was: true when it was set back by a second or more, which is said
 * and taken out of all times that are waited for (loop_clock.c). By the scheduler's thread. */
bool vg_loop_set_back(struct vg_loop *loop, int64_t now_us);
/* How many datasets have judged windows that end after now, and in *until_us, unless NULL, the last
 * of these ends: the clock was ahead, or was set back. Takes the mutex. */
size_t vg_loop_behind(struct vg_loop *loop, int64_t now_us, int64_t *until_us);
/* Rows that commands left in the store: reload, capture, use, drop. */
void vg_loop_control(struct vg_loop *loop);
/* What is to be captured or calibrated next, as soon as it may be. Without the mutex. */
void vg_loop_plan_capture(struct vg_loop *loop, const char *id);
/* Whether a reference of the dataset is to be captured or calibrated, from what the store holds.
 * Without the mutex. */
enum vg_need { VG_NEED_NOTHING, VG_NEED_CAPTURE, VG_NEED_CALIBRATE, VG_NEED_UNREADABLE };
struct vg_need_of {
    enum vg_need need;
    int64_t at_us; /* when it can be done; without a need, when there will be one */
};
struct vg_need_of vg_loop_need(const struct vg_loop *loop, const struct vg_dataset *dataset);
/* When; VG_NEVER: not. Under the mutex. */
int64_t vg_loop_capture_time(const struct vg_loop *loop, const struct vg_slot *slot,
                             const struct vg_need_of *need);

#endif
