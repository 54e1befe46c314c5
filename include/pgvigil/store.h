/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store's contract; layer 2.
 *
 * One cycle's results, alert states, watermark, outbox rows and retraining decisions go into one
 * transaction before anything is sent. Back ends differ only in a thin driver (agent/store/), one
 * suite of tests runs on each. Every call is thread-safe; begin .. commit excludes other threads.
 * What a call hands out lives in the arena it was given.
 */
#ifndef PGVIGIL_STORE_H
#define PGVIGIL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/event.h"
#include "pgvigil/result.h"
#include "pgvigil/summary.h"

struct vg_store;

enum vg_store_mode {
    VG_STORE_DAEMON,  /* created if missing, migrated, locked: VG_E_LOCKED if another holds it */
    VG_STORE_REPLAY,  /* as DAEMON, but must be empty or made by a replay: else VG_E_LOCKED */
    VG_STORE_COMMAND, /* beside a daemon: must exist (VG_E_NOT_FOUND), reads, and inserts control
                         rows */
};
int vg_store_open(const char *path, enum vg_store_mode mode, struct vg_store **out,
                  struct vg_error *err);
void vg_store_close(struct vg_store *store);
/* Where a damaged state file was put when a new one had to be made, or NULL; valid until the store
 * is closed. It may also be set while the store is in use: then what it held is gone, as at a first
 * start. DAEMON only; the other modes refuse a damaged file with VG_E_STATE. */
const char *vg_store_quarantined(const struct vg_store *store);

/* Whether the store is what it was when it was opened. Waits for no commit; from any thread. */
struct vg_store_health {
    bool in_place; /* the file and its lock at their paths are those that are in use */
    bool writable; /* the last attempt to write took place */
    char why[600]; /* what is wrong, a sentence without its full stop; "" */
};
void vg_store_health(struct vg_store *store, struct vg_store_health *out);
/* How many attempts to write have failed since it was opened. Waits for no commit; from any
 * thread. */
int64_t vg_store_unwritten(struct vg_store *store);
/* Of a store that a daemon uses, asked beside it: its ballast is gone, for the disk was full. */
bool vg_store_cramped(const struct vg_store *store);
/* Stores some 32 KiB and deletes them: 0 when what is written is taken. */
int vg_store_probe(struct vg_store *store, struct vg_error *err);

/* One text that the daemon leaves for commands beside it; NULL: none. In arena. */
int vg_store_notice_put(struct vg_store *store, const char *text, struct vg_error *err);
int vg_store_notice(struct vg_store *store, struct vg_arena *arena, const char **out,
                    struct vg_error *err);

/* The agent's name: `given` if not NULL (and remembered), else the one made once. In arena. */
int vg_store_name(struct vg_store *store, const char *given, struct vg_arena *arena,
                  const char **out, struct vg_error *err);

/* begin locks the store to the calling thread until commit or rollback; it does not nest. A
 * statement that failed in between makes commit fail, so that nothing half done is stored. After
 * commit, also a failed one, the transaction is over. VG_E_IO at commit: whether it was stored is
 * unknown; the next call connects anew, so read what is there before doing it again. */
struct vg_claim {
    const char *owner;
    int64_t epoch;
};
int vg_store_begin(struct vg_store *store, const struct vg_claim *claim, struct vg_error *err);
int vg_store_commit(struct vg_store *store, struct vg_error *err);
void vg_store_rollback(struct vg_store *store);

/* --- Progress of a dataset ------------------------------------------------------------- */
struct vg_progress {
    bool known; /* a row exists */
    int64_t first_seen_us;
    int64_t watermark_us; /* end of the newest committed window, VG_NEVER: none yet */
    int64_t judged_us;    /* clock when a window with rows was last committed, VG_NEVER */
    int64_t success_us;   /* clock of the last cycle that could read, VG_NEVER */
    int64_t tick_us;      /* due time of the last tick, VG_NEVER */
    int failures;         /* reads failed in a row */
    int scan_failures;    /* of the due window, in the scan */
    int64_t retry_us;     /* not before; VG_NEVER: no back-off */
    int64_t cycles, cycle_failures, ticks_skipped, windows_skipped;
    uint64_t rows_scanned;
    int64_t revisit_us; /* when the next window is to be read again; 0: none. Of checked_put(). */
    const char *model;
    enum vg_role role;
};
int vg_store_progress(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                      struct vg_progress *out, struct vg_error *err);
int vg_store_progress_put(struct vg_store *store, const char *dataset,
                          const struct vg_progress *progress, struct vg_error *err);
/* Names of all datasets the store knows. */
int vg_store_datasets(struct vg_store *store, struct vg_arena *arena, struct vg_strings *out,
                      struct vg_error *err);
/* `was:`: moves alerts, references, windows and history of a dataset to its new id. Does nothing
 * when the new id is known already. */
int vg_store_rename(struct vg_store *store, const char *was, const char *id, struct vg_error *err);
/* Forgets progress, windows, summaries, latest and alerts of a retired dataset; references and the
 * history of results stay. */
int vg_store_retire(struct vg_store *store, const char *dataset, struct vg_error *err);

/* The structure (vg_catalog_write) of a table as it was last seen; NULL: never. In arena. */
int vg_store_structure(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                       const char **out, struct vg_error *err);
/* The same one again costs no write. */
int vg_store_structure_put(struct vg_store *store, const char *dataset, const char *text,
                           int64_t now_us, struct vg_error *err);

/* What a table without time column was when it was read, as one text: while that text stays, its
 * rows are the same. since_us: the first time. NULL: unknown. In arena. */
int vg_store_standstill(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                        const char **out, int64_t *since_us, struct vg_error *err);
/* NULL: unknown from now on. The same text again keeps since_us. */
int vg_store_standstill_put(struct vg_store *store, const char *dataset, const char *text,
                            int64_t now_us, struct vg_error *err);

/* --- Windows --------------------------------------------------------------------------- */
enum vg_window_status {
    VG_WINDOW_JUDGED,
    VG_WINDOW_EMPTY,
    VG_WINDOW_UNREADABLE,
    VG_WINDOW_SKIPPED
};
struct vg_window_row {
    struct vg_window window;
    int64_t due_us, committed_us;
    enum vg_window_status status;
    uint64_t rows;
    int64_t probe_rows; /* of an open empty window: rows at the last probe, -1 none seen */
};
int vg_store_window_put(struct vg_store *store, const char *dataset,
                        const struct vg_window_row *row, struct vg_error *err);
/* found false when there is none. */
int vg_store_window(struct vg_store *store, const char *dataset, int64_t start_us,
                    struct vg_window_row *out, bool *found, struct vg_error *err);
/* EMPTY windows whose end is after since_us, oldest first. */
int vg_store_windows_open(struct vg_store *store, const char *dataset, int64_t since_us,
                          struct vg_arena *arena, struct vg_window_row **out, size_t *n,
                          struct vg_error *err);
/* Windows inside the span that were judged with rows, oldest first. */
int vg_store_windows_judged(struct vg_store *store, const char *dataset,
                            const struct vg_window *span, struct vg_arena *arena,
                            struct vg_window_row **out, size_t *n, struct vg_error *err);
/* Fingerprints of the windows inside the span, oldest first; vg_store_results_put() keeps them. Of
 * segments, those from recent_us on, and those whole weeks (and up to an hour) before its end. */
struct vg_mark; /* check.h */
struct vg_marks_of {
    const char *dataset;
    struct vg_window span;
    int64_t recent_us;
};
int vg_store_marks(struct vg_store *store, const struct vg_marks_of *of, struct vg_arena *arena,
                   struct vg_mark **out, size_t *n, struct vg_error *err);
/* Keeps those of a cycle's results alone, instead of what the window had before. */
int vg_store_marks_put(struct vg_store *store, const struct vg_cycle *cycle, struct vg_error *err);
/* The newest window with rows; found false when there is none. */
int vg_store_window_newest(struct vg_store *store, const char *dataset, struct vg_window_row *out,
                           bool *found, struct vg_error *err);

/* --- Results and summaries ------------------------------------------------------------- */
/* History and latest result of every rule in the cycle. A window judged again replaces its rows in
 * the history; a tick's result enters it when its verdict changes, and else once an hour. What an
 * older window says late is not the latest. */
int vg_store_results_put(struct vg_store *store, const struct vg_cycle *cycle,
                         struct vg_error *err);
struct vg_latest {
    const char *dataset, *rule, *segment;
    const char *check, *column, *why;
    enum vg_class class;
    enum vg_cadence cadence;
    enum vg_severity severity;
    enum vg_unit unit;
    enum vg_verdict verdict;      /* of the newest result */
    int64_t at_us, window_end_us; /* clock; end of its window, VG_NEVER on a tick */
    enum vg_verdict decided;      /* newest result other than nodata; VG_NODATA: none ever;
                                     VG_UNKNOWN also of a standing nodata */
    int64_t decided_us, decided_window_end_us;
    double value, limit, p_value;
    struct vg_strings keys; /* of rows that offend, the first; none where they are private */
    bool prediction;        /* these as vg_result has them */
    double moved, importance;
    int rank;
};
/* Of one dataset, or of all with NULL; ordered by dataset, rule, segment. */
int vg_store_latest(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                    struct vg_latest **out, size_t *n, struct vg_error *err);
/* The newest result of a rule that was neither nodata nor unknown. NAN: does not apply. */
struct vg_result_basis {
    enum vg_verdict verdict;
    double value, limit, p_value, n, n_ref;
    int64_t start_us;          /* of its window; VG_NEVER: of none */
    int64_t reference_version; /* of the dataset's first reference then; 0: none */
};
int vg_store_result_basis(struct vg_store *store, const char *dataset, const char *rule,
                          const char *segment, struct vg_result_basis *out, bool *found,
                          struct vg_error *err);
/* A window that was judged and is to be read again. */
struct vg_checked {
    struct vg_window window;
    int64_t checked_us; /* clock when it was judged */
    int64_t read_us;    /* when it was last read */
    int64_t next_us;    /* when it is to be read again; 0: no more, the row goes */
    int failures;       /* reads of this time that failed */
    const void *body;   /* its checksum (agent/checksum.h) */
    size_t size;
};
int vg_store_checked_put(struct vg_store *store, const char *dataset, const struct vg_checked *row,
                         struct vg_error *err);
/* The one that is to be read again first, if that is at or before now_us. In arena. */
int vg_store_checked_due(struct vg_store *store, const char *dataset, int64_t now_us,
                         struct vg_arena *arena, struct vg_checked *out, bool *found,
                         struct vg_error *err);
/* When the next one is to be read again; 0: none. */
int vg_store_checked_next(struct vg_store *store, const char *dataset, int64_t *next_us,
                          struct vg_error *err);

/* Keeps the part that a window is of its base window's summaries, so that it can be replaced. */
int vg_store_summary_part(struct vg_store *store, const char *dataset, const struct vg_window *base,
                          const struct vg_window *window, const struct vg_summary *summary,
                          struct vg_error *err);
/* Puts the window's summaries in the place of those it was added with. Where the parts of the base
 * window were not all kept, it stays as it is, and the log says so. */
int vg_store_summary_replace(struct vg_store *store, const char *dataset,
                             const struct vg_window *base, const struct vg_window *window,
                             const struct vg_summary *summary, struct vg_error *err);
/* Lets go of the parts of base windows none of whose windows will be read again. */
int vg_store_summary_settle(struct vg_store *store, const char *dataset,
                            const struct vg_window *base, struct vg_error *err);
/* Adds the coarse summaries of a window to those of its base window [start, end). */
int vg_store_summary_add(struct vg_store *store, const char *dataset, const struct vg_window *base,
                         const struct vg_summary *summary, struct vg_error *err);

/* Puts a column's summary (vg_column_write) in the place of what its base window had. */
struct vg_summary_body {
    const char *column;
    const void *data;
    size_t size;
};
int vg_store_summary_put(struct vg_store *store, const char *dataset, const struct vg_window *base,
                         const struct vg_summary_body *body, struct vg_error *err);
/* The newest base windows of one column that began before then, at most VG_SUMMARY_WINDOWS, oldest
 * first; one that cannot be read is left out. The summaries are to be freed with
 * vg_column_free(). */
enum { VG_SUMMARY_WINDOWS = 1000 };
struct vg_stored_window {
    struct vg_window window;
    struct vg_column_summary *column;
};
struct vg_stored_windows {
    struct vg_stored_window *items;
    size_t n;
};
int vg_store_summary_windows(struct vg_store *store, const char *dataset, const char *column,
                             int64_t before_us, struct vg_arena *arena,
                             struct vg_stored_windows *out, struct vg_error *err);
/* Of one column in one base window; NULL: none, or of another length. To be freed with
 * vg_column_free(). */
int vg_store_summary(struct vg_store *store, const char *dataset, const struct vg_window *base,
                     const char *column, struct vg_column_summary **out, struct vg_error *err);

/* --- Offending rows whose keys go to a table of the user's ------------------------------ */
enum vg_offenders_state { VG_OFFENDERS_WAITING, VG_OFFENDERS_WRITTEN, VG_OFFENDERS_GIVEN_UP };
struct vg_offenders { /* of one rule in one window */
    const char *dataset, *rule;
    struct vg_window window;
    bool warn;     /* those beyond the warn bounds */
    int64_t at_us; /* clock when it was judged */
    enum vg_offenders_state state;
    int attempts;
    int64_t next_us; /* WAITING: not before */
    uint64_t keys;   /* WRITTEN: that were found, at most the limit */
    bool cut;        /* there were more */
    const char *why; /* what went wrong last, or NULL */
};
/* A new one, WAITING, instead of what the rule and window had before. */
int vg_store_offenders_add(struct vg_store *store, const struct vg_offenders *row,
                           struct vg_error *err);
/* State, attempts, next_us, keys, cut and why of the one of the same at_us; one that was added
 * meanwhile stays as it is. */
int vg_store_offenders_put(struct vg_store *store, const struct vg_offenders *row,
                           struct vg_error *err);
/* WAITING ones whose time has come, by dataset and window; at most 1000. */
int vg_store_offenders_due(struct vg_store *store, int64_t now_us, struct vg_arena *arena,
                           struct vg_offenders **out, size_t *n, struct vg_error *err);
/* When the next one comes due, VG_NEVER when none waits. */
int vg_store_offenders_next(struct vg_store *store, int64_t *out, struct vg_error *err);
/* WAITING ones first, then the others from the newest on; at most 100. */
int vg_store_offenders(struct vg_store *store, struct vg_arena *arena, struct vg_offenders **out,
                       size_t *n, struct vg_error *err);

/* --- References: rows per (reference, column, base window) ----------------------------- */
struct vg_reference_row {
    int64_t version;
    const char *dataset, *name, *spec;
    bool rolling;
    const char *stands_for; /* promoted: the spec of the file that it stands in for, or NULL */
    int64_t from_us, to_us, base_us, captured_us;
    uint64_t rows;
    uint32_t resolution;
    size_t ncolumns, nwindows;
    bool active, complete;
    const char *error; /* why a capture failed, or NULL */
};
int vg_store_reference_begin(struct vg_store *store, const char *dataset,
                             const struct vg_reference *meta, int64_t *version,
                             struct vg_error *err);
/* fine and total may be NULL. */
int vg_store_reference_column(struct vg_store *store, int64_t version, size_t position,
                              const struct vg_reference_column *column, struct vg_error *err);
int vg_store_reference_window(struct vg_store *store, int64_t version, const struct vg_window *base,
                              const struct vg_column_summary *column, struct vg_error *err);
/* One column of one segment, with coarse counts. */
int vg_store_reference_segment(struct vg_store *store, int64_t version, const char *segment,
                               const struct vg_column_summary *column, struct vg_error *err);
/* How columns of the reference depend on each other. */
int vg_store_reference_pairs_put(struct vg_store *store, int64_t version,
                                 const struct vg_pairs *pairs, struct vg_error *err);
/* Loads them into `reference`; it keeps none where it was captured without. */
int vg_store_reference_pairs(struct vg_store *store, struct vg_reference *reference,
                             struct vg_error *err);
/* Loads into `reference` the segments it was captured with: of these columns, or (NULL) all. */
int vg_store_reference_segments(struct vg_store *store, struct vg_reference *reference,
                                const struct vg_strings *columns, struct vg_error *err);
/* Complete and active (the one used before becomes inactive); or failed, with the reason. Complete
 * ones never change again (VG_E_USAGE). Versions that a crash left incomplete go when a daemon
 * starts. */
int vg_store_reference_done(struct vg_store *store, int64_t version, uint64_t rows,
                            const char *failure, int64_t now_us, struct vg_error *err);
/* All of a dataset (NULL: of all), newest first. */
int vg_store_references(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                        struct vg_reference_row **out, size_t *n, struct vg_error *err);
/* The version of a reference of this name that is in force: the active one, or with until_us (else
 * VG_NEVER) the newest complete one whose end is at or before it. *version 0 when there is none. */
int vg_store_reference_of(struct vg_store *store, const char *dataset, const char *name,
                          int64_t until_us, int64_t *version, struct vg_error *err);
/* The active reference of a dataset (version 0), or that version, with the fine distributions of
 * the columns named in `fine` (NULL: of all). *out NULL when there is none. */
int vg_store_reference(struct vg_store *store, const char *dataset, int64_t version,
                       const struct vg_strings *fine, struct vg_reference **out,
                       struct vg_error *err);
/* Each base-window summary of one column in time order. */
int vg_store_reference_windows(struct vg_store *store, int64_t version, const char *column,
                               int (*each)(void *arg, const struct vg_window *base,
                                           const struct vg_column_summary *summary,
                                           struct vg_error *err),
                               void *arg, struct vg_error *err);
/* The starts of its first and its last stored one, as only windows with rows are; without any both
 * stay as they are. */
int vg_store_reference_filled(struct vg_store *store, int64_t version, const char *column,
                              int64_t *first_us, int64_t *last_us, struct vg_error *err);
/* Only complete versions can be used. The active one can be dropped only when it is the dataset's
 * last complete one, and none while it is being captured. VG_E_NOT_FOUND, VG_E_USAGE. */
int vg_store_reference_use(struct vg_store *store, const char *dataset, int64_t version,
                           struct vg_error *err);
int vg_store_reference_drop(struct vg_store *store, const char *dataset, int64_t version,
                            struct vg_error *err);

/* What became of the references of a dataset, for people; kept as long as what is audited. */
enum vg_reference_how {
    VG_REFERENCE_CAPTURED,
    VG_REFERENCE_PROMOTED,
    VG_REFERENCE_USED,
    VG_REFERENCE_BACK
};
struct vg_reference_change {
    const char *dataset, *name;
    int64_t version, former; /* former 0: none was in use */
    enum vg_reference_how how;
    const char *by; /* or NULL: the agent itself */
    int64_t at_us;
};
/* Newest first, at most 200. NULL: of all datasets. */
int vg_store_reference_changes(struct vg_store *store, const char *dataset, struct vg_arena *arena,
                               struct vg_reference_change **out, size_t *n, struct vg_error *err);
/* Uses change->version (change->dataset, how, by, at_us), and keeps that it did; name and former
 * are filled in, in arena. stands_for (or NULL): the spec of the file, which is then not captured
 * again. Errors as of vg_store_reference_use(). */
int vg_store_reference_choose(struct vg_store *store, struct vg_reference_change *change,
                              const char *stands_for, struct vg_arena *arena, struct vg_error *err);
/* The version that was in use before the one that is now; VG_E_NOT_FOUND when that is not known. */
int vg_store_reference_former(struct vg_store *store, const char *dataset, const char *name,
                              int64_t *version, struct vg_error *err);

/* --- Alerts and incidents -------------------------------------------------------------- */
int vg_store_alerts(struct vg_store *store, const char *dataset /* NULL: all */,
                    struct vg_arena *arena, struct vg_alert **out, size_t *n, struct vg_error *err);
int vg_store_alert_put(struct vg_store *store, const struct vg_alert *alert, struct vg_error *err);
/* Of a rule that was retired: its latest result goes too. */
int vg_store_alert_delete(struct vg_store *store, const char *dataset, const char *rule,
                          const char *segment, struct vg_error *err);
/* `was:` of a rule: alert, latest result and history, where the new id has none yet. */
int vg_store_alert_rename(struct vg_store *store, const char *dataset, const char *was,
                          const char *rule, struct vg_error *err);
/* open_only: those not closed, or whose end has not been told (told_us before closed_us, or never).
 * Newest first, at most 1000. */
int vg_store_incidents(struct vg_store *store, const char *dataset /* NULL: all */, bool open_only,
                       struct vg_arena *arena, struct vg_incident **out, size_t *n,
                       struct vg_error *err);
/* Who acknowledged it, and when, stays as it is stored. */
int vg_store_incident_put(struct vg_store *store, const struct vg_incident *incident,
                          struct vg_error *err);
/* Somebody has taken an open incident on. VG_E_NOT_FOUND. */
int vg_store_incident_ack(struct vg_store *store, const char *key, const char *by, int64_t now_us,
                          struct vg_error *err);
/* What a catch-up holds back, in the order it began; `all`: also what is over. `to` holds names
 * without line ends. */
int vg_store_episodes(struct vg_store *store, const char *dataset, bool all, struct vg_arena *arena,
                      struct vg_episode **out, size_t *n, struct vg_error *err);
/* One for each (dataset, rule, segment, due_us, known). */
int vg_store_episode_put(struct vg_store *store, const struct vg_episode *episode,
                         struct vg_error *err);
/* All of a dataset: they have been told. */
int vg_store_episodes_clear(struct vg_store *store, const char *dataset, struct vg_error *err);

/* --- Outbox ---------------------------------------------------------------------------- */
/* A reminder takes the place of those of its sink and key that wait and were not begun to be told
 * with others; while a trigger or an update of them waits, it is not put at all. */
int vg_store_outbox_put(struct vg_store *store, const struct vg_outgoing *row,
                        struct vg_error *err);
/* Rows that may be tried now: of every (sink, key) only the oldest, and only if its next_us has
 * come; per sink at most `per_sink`. Order by id. */
int vg_store_outbox_due(struct vg_store *store, int64_t now_us, size_t per_sink,
                        struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                        struct vg_error *err);
/* When the next row comes due after now, VG_NEVER when none waits. */
int vg_store_outbox_next(struct vg_store *store, int64_t now_us, int64_t *out,
                         struct vg_error *err);
/* The end of a row, or another try later; attempts grow by one. A row that has ended stays as it
 * is, so saying it twice is harmless. VG_E_NOT_FOUND. */
int vg_store_outbox_sent(struct vg_store *store, int64_t id, int64_t now_us, struct vg_error *err);
int vg_store_outbox_retry(struct vg_store *store, int64_t id, int64_t next_us, const char *why,
                          struct vg_error *err);
int vg_store_outbox_dead(struct vg_store *store, int64_t id, int64_t now_us, const char *why,
                         struct vg_error *err);
/* Another request of the row follows at once; what is done of it counts as done from now on. */
int vg_store_outbox_step(struct vg_store *store, int64_t id, int64_t now_us, struct vg_error *err);
/* Sent, and to be sent again at next_us, until a newer row of the same sink and key has been. Such
 * a row holds up no other. The first time it counts as sent. */
int vg_store_outbox_stand(struct vg_store *store, int64_t id, int64_t now_us, int64_t next_us,
                          struct vg_error *err);
/* Keeps what the receiver answered for later messages of the row's sink and key, where nothing is
 * kept yet; NULL: forgets it. Trimmed 400d later. */
int vg_store_outbox_keep(struct vg_store *store, int64_t id, const char *text, int64_t now_us,
                         struct vg_error *err);
/* sent, dead and dropped (for want of room) count all there ever were, also those trimmed since. */
struct vg_outbox_count {
    const char *sink;
    enum vg_sink_kind sink_kind;
    int64_t waiting, dead, sent, dropped;
};
int vg_store_outbox_counts(struct vg_store *store, struct vg_arena *arena,
                           struct vg_outbox_count **out, size_t *n, struct vg_error *err);

/* --- Commands beside the daemon, files, groups ----------------------------------------- */
struct vg_control {
    int64_t id;
    const char *verb, *argument, *by;
    int64_t at_us;
};
int vg_store_control_put(struct vg_store *store, const struct vg_control *row, int64_t *id,
                         struct vg_error *err);
int vg_store_control_pending(struct vg_store *store, struct vg_arena *arena,
                             struct vg_control **out, size_t *n, struct vg_error *err);
int vg_store_control_done(struct vg_store *store, int64_t id, const char *answer, int64_t now_us,
                          struct vg_error *err);
/* The answer to a control row, NULL while the daemon has not come to it. */
int vg_store_control_answer(struct vg_store *store, int64_t id, struct vg_arena *arena,
                            const char **out, struct vg_error *err);

int vg_store_file_put(struct vg_store *store, const char *path, const char *text, int64_t now_us,
                      struct vg_error *err);
int vg_store_file(struct vg_store *store, const char *path, struct vg_arena *arena,
                  const char **out /* NULL: none */, struct vg_error *err);
int vg_store_file_delete(struct vg_store *store, const char *path, struct vg_error *err);
/* Paths of all files whose text is kept, sorted. In arena. */
int vg_store_files(struct vg_store *store, struct vg_arena *arena, struct vg_strings *out,
                   struct vg_error *err);

int vg_store_pushed_put(struct vg_store *store, const char *dataset, const char *url,
                        struct vg_error *err);
struct vg_pushed {
    const char *dataset, *url;
};
int vg_store_pushed(struct vg_store *store, struct vg_arena *arena, struct vg_pushed **out,
                    size_t *n, struct vg_error *err);
int vg_store_pushed_delete(struct vg_store *store, const char *dataset, struct vg_error *err);

/* Deletes in small steps what retention lets go of: results after 30d, fingerprints after 36d,
 * summaries after the longer of 8d and 35 base windows, the text of sent messages after 30d,
 * windows, decisions, messages, ended onsets, runs of training systems, closed incidents and failed
 * references after 400d. */
int vg_store_trim(struct vg_store *store, int64_t now_us, struct vg_error *err);

#include "pgvigil/store_calibration.h"
#include "pgvigil/store_onsets.h"
#include "pgvigil/store_retraining.h"
#include "pgvigil/store_telling.h"

#endif
