/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alerts, incidents, messages, retraining requests; layer 1. Plain data, copied text. */
#ifndef PGVIGIL_EVENT_H
#define PGVIGIL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/result.h"

enum { VG_KEY_SIZE = 33 };

/* Order as in the metric pgvigil_alert_state and in the printed table. */
enum vg_alert_state {
    VG_ALERT_OK,
    VG_ALERT_NEW,
    VG_ALERT_PENDING,
    VG_ALERT_BLIND,
    VG_ALERT_CLEARING,
    VG_ALERT_FIRING_BLIND,
    VG_ALERT_FIRING,
    VG_ALERT_STATES
};
const char *vg_alert_state_name(enum vg_alert_state state);

/* What a transition emits; a set of bits. */
enum vg_emit {
    VG_EMIT_FIRE = 1,
    VG_EMIT_CLEAR = 2,
    VG_EMIT_BLIND = 4,
    VG_EMIT_SIGHTED = 8,
    VG_EMIT_ESCALATE = 16,
    VG_EMIT_REMIND = 32
};

/* The gravest that was seen of an alert since its onset. */
struct vg_worst {
    int64_t at_us;       /* start of its window, or the tick; 0: nothing that has a value */
    double value, limit; /* limit NAN: none */
    enum vg_verdict verdict;
};

struct vg_alert {
    const char *dataset, *rule, *segment; /* segment "" for none */
    const char *check, *column;           /* column may be NULL */
    enum vg_class class;
    enum vg_alert_state state;
    enum vg_severity severity;  /* of what fires */
    int good, bad, blind;       /* streaks */
    int64_t blind_since_us;     /* first blind of the streak, VG_NEVER without */
    int64_t onset_us;           /* start of the first bad window or tick, VG_NEVER */
    int64_t due_us;             /* due time of the cycle that emitted FIRE or BLIND */
    int64_t changed_us;         /* when the state last changed */
    int64_t reminded_us;        /* last message about it, VG_NEVER */
    char incident[VG_KEY_SIZE]; /* "" for none */
    unsigned untold;            /* emitted while catching up, to be told at its end */
    const char *why;            /* of the last result, never NULL */
    double value, limit;
    enum vg_unit unit;
    enum vg_verdict verdict; /* last */
    struct vg_worst worst;
    bool is_private; /* so is its column: the worst is from since it became so */
    const char *runbook;
    bool proposed; /* that the change may have become normal was said */
};

struct vg_incident {
    char key[VG_KEY_SIZE];
    const char *dataset;
    enum vg_severity severity;
    int64_t opened_due_us; /* due time of the opening cycle */
    int64_t first_us;      /* of its first FIRE or BLIND: group_for counts from it */
    int64_t closed_us;     /* VG_NEVER while open */
    int64_t onset_us;      /* earliest onset of its alerts */
    int64_t told_us;       /* last message; reminders count from it; VG_NEVER: none */
    const char
        *rules; /* that have fired in it: "origin.drift, nulls", cut where many; NULL: not known */
    struct vg_strings to; /* receivers that were told, all must hear the end */
    int64_t acked_us;     /* somebody has taken it on; VG_NEVER: nobody */
    const char *acked_by; /* or NULL */
};

/* A fire, or a time of blindness, that began or ended while windows were caught up, until the end
 * of the catch-up, when it is told. */
struct vg_episode {
    const char *dataset, *rule, *segment; /* segment "" for none */
    const char *check, *column;           /* column may be NULL */
    enum vg_class class;
    enum vg_severity severity;
    int64_t due_us;   /* of the cycle in which it began; with `known`, ended */
    int64_t onset_us; /* start of the first bad window or tick */
    int64_t ended_us; /* start of the first good one after the last bad one; VG_NEVER: none yet */
    bool over;
    bool known;                   /* it began before the catch-up, and that was told */
    char incident[VG_KEY_SIZE];   /* it belonged to */
    unsigned emits;               /* all of it */
    double value, limit, p_value; /* of the first bad look; with `known`, of the last look */
    enum vg_unit unit;
    enum vg_verdict verdict;
    struct vg_worst worst;     /* until its end, where it is over */
    const char *why, *runbook; /* runbook may be NULL */
    struct vg_strings to;      /* who would have been told */
};

enum vg_message_kind {
    VG_MSG_OPEN,
    VG_MSG_UPDATE,
    VG_MSG_REMIND,
    VG_MSG_RESOLVE,
    VG_MSG_SUMMARY,
    VG_MSG_TEST,
    VG_MSG_ACKNOWLEDGE, /* somebody has taken the incident on */
    VG_MSG_CHANGE,      /* a retraining was asked for; its key is the onset's */
    VG_MSG_KINDS
};
const char *vg_message_kind_name(enum vg_message_kind kind);

struct vg_message_item {                         /* one alert in a message */
    const char *rule, *check, *column, *segment; /* the last two may be NULL */
    const char *class;
    unsigned emits; /* what happened to it now; 0: still so */
    enum vg_alert_state state;
    enum vg_verdict verdict;
    enum vg_unit unit;
    double value, limit, p_value;
    int64_t onset_us;
    int64_t ended_us;      /* of what began and ended while windows were caught up; 0: not said */
    double n, n_ref;       /* rows it rests on, now and in the reference; NAN: does not apply */
    struct vg_worst worst; /* its verdict is not stored */
    const char *reference; /* as the message's, where this one was compared with another; or NULL */
    const char *why, *description, *runbook;
    const char *const *keys;
    size_t nkeys;
    bool prediction; /* these two give the order only, and are not stored */
    int rank;
};

/* Many incidents told at once, of a message whose kind says what happened to all of them: OPEN (or
 * changed), REMIND, RESOLVE. Made when it is sent, never stored. */
struct vg_gathered {
    const char *const *lines; /* one an incident, the gravest first */
    /* Per line what leads further, where it is not that of all and of no line before; or NULL. */
    const char *const *runbooks, *const *dashboards;
    size_t nlines;
    size_t incidents, by_severity[VG_SEVERITIES], datasets;
    size_t updates;        /* of the incidents, those that were open before */
    const char *check;     /* of all of them, or NULL */
    const char *models[5]; /* that may break */
    size_t nmodels;        /* of all; those beyond are not named */
};

/* One grouped message per incident and cycle, independent of any receiver. It is stored as JSON in
 * the outbox (event.c) in the transaction that changed the states. */
struct vg_message {
    enum vg_message_kind kind;
    char key[VG_KEY_SIZE]; /* of the incident: groups, threads, deduplicates */
    const char *agent;     /* name of the agent */
    const char *dataset, *model, *connection, *table, *owner,
        *runbook; /* may be NULL but dataset */
    enum vg_severity severity;
    int64_t at_us, onset_us, opened_us;
    bool has_window;
    struct vg_window window;
    uint64_t rows;
    struct vg_message_item *items;
    size_t nitems;
    size_t more;            /* items left out: very many were written as the first */
    const char *url;        /* page, or NULL */
    const char *dashboard;  /* or NULL */
    const char *role;       /* of the dataset for its model, or NULL */
    const char *impact;     /* what it may break, in the words of the rule file; or NULL */
    const char *by;         /* who acknowledged, or NULL */
    const char *retraining; /* of an end: what became of the model's retraining, or NULL */
    /* What was compared with, where it is no span of time: "the reference table ml.train (version
     * 3)"; or NULL. Else its span; 0 and 0: nothing. */
    const char *reference;
    int64_t reference_from_us, reference_to_us;
    const struct vg_gathered *gathered; /* of many incidents, or NULL; then it has no items */
};

/* At the end of what is kept of an answer to a message that told of many incidents. */
#define VG_KEPT_GATHERED " +"

/* A row of the outbox. */
enum vg_sink_kind { VG_SINK_RECEIVER, VG_SINK_RETRAIN };
struct vg_outgoing {
    int64_t id;
    enum vg_sink_kind sink_kind;
    const char *sink;      /* name of the receiver, or of the model */
    char key[VG_KEY_SIZE]; /* incident or onset: order is kept per key */
    enum vg_message_kind kind;
    enum vg_severity severity;
    const char *body;            /* JSON of the message or of the onset */
    int64_t created_us, next_us; /* not to be tried before next_us */
    int64_t turn_us; /* of the store: vg_outgoing_turn() as it was put, or of graver news since */
    int attempts;
    const char *last_error; /* or NULL */
    int step;               /* requests of this message that are done */
    bool standing;          /* it was delivered, and is told again until something newer is */
    const char *kept;       /* what the receiver answered to the first of this key, or NULL */
    const char *went_to;    /* of a request for retraining: where it may have arrived, or NULL */
    const char *digest;     /* the message of many it was sent in, and is sent in again, or NULL */
};

/* When its turn is among what waits for a receiver: as if news had been there a second longer
 * for each degree of its severity. Of what comes at about the same time the gravest goes first, and
 * nothing waits for ever behind graver ones. */
int64_t vg_outgoing_turn(const struct vg_outgoing *row);

/* Retraining: an onset of drift in a group of datasets, and what was decided about it. */
enum vg_onset_state { VG_ONSET_OPEN, VG_ONSET_FIRED, VG_ONSET_ENDED };
/* What people say of an onset; asked: they were told that it waits for them. */
enum vg_approval {
    VG_APPROVAL_NONE,
    VG_APPROVAL_ASKED,
    VG_APPROVAL_GIVEN,
    VG_APPROVAL_DENIED,
    VG_APPROVALS
};
/* What stands of what people were told of an onset; they hear the end of it. */
enum vg_onset_told { VG_TOLD_NOTHING, VG_TOLD_WAITS, VG_TOLD_FAILED, VG_ONSET_TOLDS };
/* What has been done about the end of the run that an onset was given. */
enum vg_onset_outcome {
    VG_OUTCOME_OPEN,
    VG_OUTCOME_PROMOTING, /* its rows are becoming the reference */
    VG_OUTCOME_DONE,
    VG_ONSET_OUTCOMES
};
struct vg_onset {
    char key[VG_KEY_SIZE];
    const char *model, *dataset, *rule; /* what opened it */
    int64_t due_us;                     /* of the opening cycle */
    struct vg_window evidence;          /* window of the verdict that opened it */
    enum vg_onset_state state;
    /* A request was put into the outbox. FIRED without: a dry run. */
    bool fired;
    int64_t fired_us, ended_us; /* VG_NEVER: not. ended_us: due time of the cycle that ended it */
    double value, limit;
    uint64_t rows;
    const char *column, *check;
    const char *segment; /* NULL: all rows */
    bool by_hand;        /* no drift: somebody asked for it */
    enum vg_approval approval;
    int64_t approval_us;                    /* when it came to that; VG_NEVER */
    const char *approval_by, *approval_why; /* of a person; or NULL */
    enum vg_onset_told told;
    enum vg_onset_outcome outcome;
};

/* What became of a request for retraining. Those from VG_RETRAIN_SUCCEEDED on are its end. */
enum vg_retrain_state {
    VG_RETRAIN_ASKED,    /* the request waits in the outbox, or is on its way */
    VG_RETRAIN_ACCEPTED, /* the system took it; no more is known of it, or not yet */
    VG_RETRAIN_QUEUED,
    VG_RETRAIN_RUNNING,
    VG_RETRAIN_SUCCEEDED,
    VG_RETRAIN_FAILED,  /* the training did */
    VG_RETRAIN_REFUSED, /* the request was, for good */
    VG_RETRAIN_LOST,    /* it was followed and its end was not seen in time */
    VG_RETRAIN_STATES
};
const char *vg_retrain_state_name(enum vg_retrain_state state);

enum vg_decision_kind {
    VG_DECIDED_OPENED,
    VG_DECIDED_FIRED,
    VG_DECIDED_WITHHELD,
    VG_DECIDED_ENDED_UNFIRED,
    VG_DECIDED_ENDED,
    VG_DECIDED_ACCEPTED,
    VG_DECIDED_REFUSED,
    VG_DECIDED_STARTED,   /* the training system: the training is queued or runs */
    VG_DECIDED_SUCCEEDED, /* and has ended */
    VG_DECIDED_FAILED,
    VG_DECIDED_LOST,    /* what became of it could not be found out */
    VG_DECIDED_WAITING, /* for approval */
    VG_DECIDED_APPROVED,
    VG_DECIDED_DENIED,
    VG_DECIDED_DRY_RUN,  /* would have fired */
    VG_DECIDED_PROPOSED, /* somebody should promote the rows of the run */
    VG_DECIDED_PROMOTED, /* they are the reference now, where that could be done */
    VG_DECISIONS
};
const char *vg_decision_name(enum vg_decision_kind kind);
struct vg_decision {
    const char *model;
    char key[VG_KEY_SIZE]; /* of the onset */
    int64_t at_us;
    enum vg_decision_kind kind;
    const char *reason; /* sentences, "; " between them */
    const char *by;     /* a person; NULL: the agent itself */
    /* The onset's as it was then, filled in by the store; dataset NULL: there was none. */
    const char *dataset, *rule;
    struct vg_window evidence;
    double value, limit;
    uint64_t rows;
};

#endif
