/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules and configuration as plain data; layer 1.
 *
 * Filled by the rim (agent/rules, agent/config) from YAML, never changed afterwards, and freed
 * with the ruleset's arena. Nothing here knows how it was written or how it will be judged.
 */
#ifndef PGVIGIL_RULE_H
#define PGVIGIL_RULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgvigil/catalog.h"
#include "pgvigil/error.h"
#include "pgvigil/mem.h"
#include "pgvigil/time.h"

struct vg_check_type; /* check.h */

struct vg_strings {
    const char *const *items;
    size_t n;
};

enum vg_class {
    VG_CLASS_SCHEMA,
    VG_CLASS_QUALITY,
    VG_CLASS_FRESHNESS,
    VG_CLASS_VOLUME,
    VG_CLASS_DRIFT,
    VG_CLASS_PERFORMANCE,
    VG_CLASSES
};
enum vg_cadence { VG_ON_TICK, VG_ON_WINDOW };
enum vg_severity { VG_SEVERITY_INFO, VG_SEVERITY_WARNING, VG_SEVERITY_CRITICAL, VG_SEVERITIES };
enum vg_policy { VG_POLICY_THRESHOLD, VG_POLICY_P_VALUE, VG_POLICY_BH, VG_POLICY_BUDGET };
enum vg_role { VG_ROLE_NONE, VG_ROLE_FEATURES, VG_ROLE_PREDICTIONS, VG_ROLE_LABELS };

const char *vg_class_name(enum vg_class class);
const char *vg_cadence_name(enum vg_cadence cadence);
const char *vg_severity_name(enum vg_severity severity);
const char *vg_policy_name(enum vg_policy policy);
const char *vg_role_name(enum vg_role role); /* NULL for VG_ROLE_NONE */

struct vg_bounds {
    bool has_min, has_max;
    double min, max; /* inclusive; times are microseconds since 1970 */
};

/* What a rule compares with. A scalar limit fails above it; bounds fail outside. */
struct vg_limits {
    bool has_fail, has_warn;
    double fail, warn; /* in the unit of the check's value */
    struct vg_bounds bounds, warn_bounds;
};

enum {
    VG_DEFAULT = -1
}; /* of after, resolve_after, min_rows, blind_after_us: the contract's default */

/* One segment of a column tested against another of the same window. */
struct vg_compare {
    const char *segment; /* column of a segmentation; NULL: the rule compares with the reference */
    const char *baseline;
    struct vg_loc loc;
};

struct vg_rule {
    const char *id;     /* stable; default column.check */
    const char *was;    /* former id whose alerts and history are carried over; or NULL */
    const char *column; /* NULL for a check of the dataset; "*" only before binding */
    struct vg_loc loc;
    const struct vg_dataset *dataset;
    const struct vg_check_type *type;
    const void *params; /* struct of the check type, filled by its table; or NULL */
    struct vg_limits limits;
    enum vg_policy policy;
    enum vg_severity severity; /* default critical */
    const char *where;         /* SQL condition on rows, or NULL */
    const char *segment;       /* only segments of this column; NULL: of all */
    bool unsegmented;          /* all rows only */
    size_t against;            /* 0: dataset->reference, i: dataset->others[i - 1] */
    struct vg_compare compare;
    int64_t min_rows;         /* or VG_DEFAULT */
    int after, resolve_after; /* or VG_DEFAULT */
    int64_t blind_after_us;   /* or VG_DEFAULT */
    struct vg_strings to,
        warn_to; /* receivers of fails, of warnings; from the dataset if not given */
    bool routed; /* no file of rules names `to`: routes decide, where one fits */
    const char *description, *runbook;
    struct vg_strings tags;
    bool implicit; /* not in the file: reach, judged, schema */
};

struct vg_schedule {
    int64_t window_us; /* 1 day and 1 week are calendar days and weeks */
    bool window_given;
    int64_t delay_us, every_us;
    int64_t late_us, catch_up_us, nodata_after_us;
    /* How long after it was judged a window is read again: revisit and immutable, ascending. */
    int64_t revisit_us[9];
    size_t nrevisits;
    int64_t immutable_us; /* a window must not change for so long; 0: it may */
};
enum { VG_REVISITS = 8 }; /* most of revisit */

/* What one scan may cost; 0: no limit. */
struct vg_caps {
    double cost;           /* of the scan, as the server estimates it */
    int64_t rows, columns; /* that are read */
    int64_t segments;      /* values of a column that are segments of their own; 0: 50 */
    int64_t categories;    /* values of a column that are counted; 0: VG_TOP_EXACT */
};

enum vg_sample_mode { VG_SAMPLE_ALL, VG_SAMPLE_ROWS, VG_SAMPLE_PERCENT };
struct vg_sample {
    enum vg_sample_mode mode;
    double amount; /* rows, or percent in (0, 100] */
};

enum vg_reference_kind {
    VG_REF_NONE,
    VG_REF_WINDOW,
    VG_REF_TABLE,
    VG_REF_FILTER,
    VG_REF_CAPTURE_NOW,
    VG_REF_ROLLING /* the last days before the window, captured anew at each turn of `every` */
};

/* With which of the reference's base windows a window is compared: all, or those of its slot. */
enum vg_season {
    VG_SEASON_NONE,
    VG_SEASON_HOUR_OF_DAY,
    VG_SEASON_DAY_TYPE, /* hour of the day on weekdays, on Saturdays, on Sundays */
    VG_SEASON_HOUR_OF_WEEK
};
const char *vg_season_name(enum vg_season season); /* for people; NULL for VG_SEASON_NONE */

/* A span that a reference leaves out, as people named it. */
struct vg_except {
    int64_t from_us, to_us;
    const char *why;
};
enum { VG_REFERENCES = 8, VG_EXCEPTS = 100 }; /* most of a dataset, of a reference */

struct vg_reference_spec {
    const char *name; /* default "reference" */
    enum vg_reference_kind kind;
    struct vg_loc loc;
    int64_t from_us, to_us; /* of VG_REF_WINDOW */
    const char *table;      /* of VG_REF_TABLE */
    const char *filter;     /* of VG_REF_FILTER: SQL condition */
    struct vg_loc filter_loc;
    uint32_t resolution; /* 200 .. 65536, default 4096 */
    int64_t timeout_us;  /* default 10 minutes */
    struct vg_strings exclude;
    int64_t rolling_us, every_us; /* of VG_REF_ROLLING */
    struct vg_except *except;     /* with a time column */
    size_t nexcept;
    enum vg_season season;
};
#define VG_REFERENCE_NAME "reference"

/* What of a model's output a column holds. */
enum vg_prediction {
    VG_PREDICTION_NONE,
    VG_PREDICTION_PROBABILITY, /* of the positive class, 0 to 1 */
    VG_PREDICTION_CLASS,
    VG_PREDICTION_SCORE,
    VG_PREDICTION_CONFIDENCE /* max(p, 1 - p) of a probability, made by the reader */
};
const char *vg_prediction_name(enum vg_prediction prediction); /* NULL for none */

/* Which alerts are meant. Texts are patterns with * and ?; NULL and 0: any. */
struct vg_match {
    const char *dataset, *rule, *tag;
    unsigned severities; /* set of 1 << enum vg_severity */
};
/* Hours of the local day, on some days; from after until: over midnight, counted to the day on
 * which they begin. */
struct vg_hours {
    bool given;
    unsigned days; /* set of 1 << day, Monday is 0 */
    int64_t from_us, until_us;
    const struct vg_zone *zone;
};
/* A time in which nobody is told of some alerts: planned, or recurring. */
struct vg_quiet {
    struct vg_match match;
    struct vg_hours hours;
    int64_t from_us, until_us; /* INT64_MIN, VG_NEVER: without a begin, an end */
    const char *why;
    struct vg_loc loc;
};
/* Who is told where a rule file names nobody. */
struct vg_route {
    struct vg_match match;
    struct vg_hours hours;
    struct vg_strings to;
    bool more; /* the next one that fits adds its receivers */
    struct vg_loc loc;
};

struct vg_column_spec { /* one entry of columns: */
    const char *name;   /* or "*" */
    enum vg_prediction prediction;
    struct vg_loc loc;
    const char *type; /* declared type, or NULL */
    bool is_private;
    bool undrifted;   /* `drift: false`: "*" does not put it under the budget */
    const char *expr; /* SQL expression that computes it, or NULL: a column of the source */
    struct vg_loc expr_loc;
};

/* How much a feature counts for the model. */
struct vg_importance {
    const char *column;
    double weight; /* at least 0 */
    struct vg_loc loc;
};
enum { VG_IMPORTANCES = 2000 }; /* most of a dataset */

/* A column by whose values rows are told apart; each value, and all others together, is a segment,
 * "column=value" and "column=other". */
struct vg_segment_spec {
    const char *column;
    struct vg_loc loc;
    struct vg_strings values; /* none: the most frequent of the reference */
    size_t most;
};
enum { VG_SEGMENTATIONS = 8, VG_SEGMENT_VALUES = 500 }; /* most of a dataset, of one column */
#define VG_SEGMENT_OTHER "other"

/* One row per entity and feature: each name becomes a column. */
struct vg_long_source {
    const char *name, *value; /* columns; NULL: the source is not long */
    enum vg_codec codec;      /* of the values */
    const char *entity_key;   /* with a codec: the column of the serialised keys */
    struct vg_strings entity; /* the join keys in it, in their order; they are computed columns */
    struct vg_loc loc;
};
enum { VG_LONG_NAMES = 500 }; /* most names of a long source */

/* Where the keys of all offending rows are written, by a role of the user's that may. */
struct vg_quarantine {
    const char *connection; /* NULL: nowhere */
    const char *table;      /* schema.table, checked */
    int64_t limit;          /* keys of one rule and window, at most */
    struct vg_loc loc;
};

struct vg_dataset {
    const char *id;
    const char *was;
    const char *file; /* path as shown to people, e.g. "rules/flights.yaml" */
    struct vg_loc loc;
    const char *model; /* or NULL */
    enum vg_role role;
    const char *owner, *runbook, *description;
    const char *impact; /* what breaks when its data do, or NULL */
    const char *connection;
    struct vg_loc connection_loc;
    const char *table; /* as written: "schema.table" or "table"; of a query "the query" */
    const char *query; /* one SELECT that is read instead of a table, or NULL */
    struct vg_long_source long_source;
    struct vg_loc table_loc;
    const char *filter; /* SQL condition or NULL */
    struct vg_loc filter_loc;
    const char *time_column; /* or NULL: the table is a state */
    struct vg_loc time_loc;
    struct vg_strings key;
    bool private_keys; /* default true */
    const struct vg_zone *zone;
    struct vg_schedule schedule;
    struct vg_sample sample;
    struct vg_caps caps;
    bool skip_unchanged; /* a table without time column is not read while its counters stand */
    bool long_scan;
    int64_t timeout_us, scan_timeout_us;
    struct vg_reference_spec reference; /* what rules are judged against unless they say */
    struct vg_reference_spec *others;   /* of references:, without that one */
    size_t nothers;
    int64_t base_us;       /* drift.base, or 0: by the 200-row rule */
    double budget_per_day; /* drift.budget: false incidents of policy `budget` */
    /* drift.min_...: smaller changes are no alarm of that policy: D, |ratio of standard deviations
     * - 1|, |difference of shares|; 0: any may be. */
    double min_distance, min_spread, min_share;
    struct vg_column_spec *columns;
    size_t ncolumns;
    struct vg_importance *importances;
    size_t nimportances;
    struct vg_segment_spec *segments;
    size_t nsegments;
    struct vg_strings to, warn_to;
    int64_t remind_us;    /* 0: never */
    int64_t group_for_us; /* default 4h */
    bool expose_values;
    size_t max_offending; /* keys kept per rule, default 10 */
    struct vg_quiet *quiet;
    size_t nquiet;
    struct vg_quarantine quarantine;
    struct vg_rule *rules; /* in file order, implicit ones first */
    size_t nrules;
};

/* Whether no value of the column may be kept or shown: it says so, "*" does, or the values of its
 * long source, or it is part of a private key, or holds what a decoded source serialises. */
bool vg_dataset_is_private(const struct vg_dataset *dataset, const char *column);

struct vg_pair {
    const char *key, *value;
};

struct vg_connection {
    const char *name;
    struct vg_loc loc;
    const char *conninfo;
    const char *password_file;  /* or NULL; read at every connect */
    int64_t max_connections;    /* open at the same time; 0: no limit */
    int64_t max_replica_lag_us; /* a standby further behind is not read; 0: no limit */
};

enum vg_receiver_kind {
#define VG_RECEIVER(upper, lower, doc) VG_RECEIVER_##upper,
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
    VG_RECEIVER_KINDS
};
const char *vg_receiver_kind_name(enum vg_receiver_kind kind);

/* Where an HTTP request goes and with which rights. Secrets are files, read at every use. */
struct vg_endpoint {
    const char *url, *url_file; /* one of them */
    const char *method;         /* default POST */
    const struct vg_pair *headers;
    size_t nheaders;
    const char *token_file; /* Authorization: Bearer; or NULL */
    const char *ca_file;    /* or NULL */
    bool insecure_http, allow_private;
    int64_t timeout_us; /* default 10 s, at most 30 s */
};

enum vg_webhook_format {
    VG_FORMAT_ALERTMANAGER, /* version 4 of its webhooks */
    VG_FORMAT_CLOUDEVENTS,  /* structured */
    VG_FORMAT_CLOUDEVENTS_BINARY,
    VG_FORMAT_STANDARD, /* {type, timestamp, data} of Standard Webhooks */
};

struct vg_receiver {
    const char *name;
    struct vg_loc loc;
    enum vg_receiver_kind kind;
    struct vg_endpoint endpoint;
    const char *routing_key_file; /* PagerDuty */
    /* Templates for people's text (template.h), or NULL: the program's own words. */
    const char *title, *text;
    const char *channel; /* Slack, where a bot's token is given */
    const char *team;    /* Opsgenie: who is to answer, or NULL */
    enum vg_webhook_format format;
    /* Standard Webhooks: signs, and signs too while receivers change over; or NULL. */
    const char *signing_file, *former_signing_file;
    const char *from; /* e-mail */
    struct vg_strings to;
    const char *user, *password_file;
    struct vg_strings run; /* command: absolute path and arguments */
    int64_t refresh_us;    /* Alertmanager: between two reports of what still fires */
    bool changes;          /* PagerDuty: also told when a retraining is asked for */
    /* For people: more messages than these within so long are told in one; 0: never. */
    int digest;
    int64_t digest_within_us;
};

/* Whether the rows a model was trained on become the reference when its run has succeeded. */
enum vg_promote { VG_PROMOTE_NOT, VG_PROMOTE_SUCCESS, VG_PROMOTE_MANUAL };

struct vg_trigger_ops;
struct vg_trigger_settings;
struct vg_retraining {
    const char *model;
    struct vg_loc loc;
    unsigned when; /* bit set of 1 << enum vg_class; only drift today */
    int after;     /* fails in a row, default 1 */
    struct vg_endpoint http;
    const char *body; /* JSON text with {{name}} inside strings, or NULL: the default */
    /* The training system and its own keys (agent/triggers/systems.h); NULL: http, none. */
    const struct vg_trigger_ops *system;
    const struct vg_trigger_settings *settings;
    int64_t cooldown_us;          /* default 24h */
    int max_per_week;             /* default 2 */
    int max_per_day;              /* 0: no limit */
    int64_t min_rows, min_labels; /* new since the last request; 0: any number */
    struct vg_loc min_labels_loc;
    int64_t in_flight_us;   /* a run counts as over after this; VG_DEFAULT */
    struct vg_quiet *quiet; /* nothing is asked for then; only their times count */
    size_t nquiet;
    bool manual;  /* somebody must approve */
    bool dry_run; /* decides and records, sends nothing */
    enum vg_promote promote;
    int64_t promote_us; /* length of the range that becomes the reference */
};

struct vg_config {
    struct vg_arena *arena; /* owns all of it */
    atomic_int *users;      /* who holds it, of one that was loaded; else NULL */
    const char *file;       /* path given */
    const char *name;       /* NULL: made once, kept in the store */
    const char *rules;      /* folder, absolute or relative to the working directory */
    const char *state;      /* path of the SQLite file */
    struct vg_connection *connections;
    size_t nconnections;
    const char *listen_host;
    int listen_port;           /* NULL host: no web server; port 0: any */
    const char *external_url;  /* or NULL */
    const char *dashboard_url; /* with {{dataset}} in it, or NULL */
    bool web_datasets_always;
    const char *push_url;    /* or NULL */
    const char *push_job;    /* default "pgvigil" */
    struct vg_endpoint push; /* url repeated, timeout */
    struct vg_receiver *receivers;
    size_t nreceivers;
    struct vg_retraining *retraining;
    size_t nretraining;
    struct vg_quiet *quiet; /* of all datasets */
    size_t nquiet;
    struct vg_route *routes;
    size_t nroutes;
    struct vg_endpoint heartbeat; /* asked while the program is alive; no url, no url_file: none */
    int64_t heartbeat_every_us;
    struct vg_strings alarm_to; /* hear of receivers that fail; none: the first other one */
    size_t workers;             /* scan threads, default 4 */
    struct vg_schedule default_schedule;
    unsigned default_schedule_set; /* bits of enum below */
    struct vg_sample default_sample;
    bool default_sample_set;
    struct vg_caps default_caps;
    struct vg_strings default_to, default_warn_to;
    int64_t default_remind_us;
    bool default_remind_set;
    int64_t default_group_for_us;
    bool default_group_for_set;
    int default_after, default_resolve_after; /* or VG_DEFAULT */
    int64_t default_blind_after_us;           /* or VG_DEFAULT */
    const char *default_timezone;             /* or NULL */
    int default_digest;                       /* of receivers that do not say: 5, 30 s */
    int64_t default_digest_within_us;
};
enum {
    VG_SET_WINDOW = 1,
    VG_SET_DELAY = 2,
    VG_SET_EVERY = 4,
    VG_SET_LATE = 8,
    VG_SET_CATCH_UP = 16,
    VG_SET_NODATA_AFTER = 32,
    VG_SET_REVISIT = 64,
    VG_SET_IMMUTABLE = 128
};

/* Who needs a configuration beyond the reload that replaces it holds it and lets it go; the last of
 * them frees it. From any thread; one that was not loaded stays as it is. NULL is fine. */
const struct vg_config *vg_config_hold(const struct vg_config *config);
void vg_config_drop(const struct vg_config *config);

const struct vg_receiver *vg_config_receiver(const struct vg_config *config, const char *name);
const struct vg_connection *vg_config_connection(const struct vg_config *config, const char *name);
const struct vg_retraining *vg_config_retraining(const struct vg_config *config, const char *model);

/* One rule file as it stands: `text` is what was read now, good says whether it loaded. */
struct vg_rule_file {
    const char *path; /* as shown to people */
    const char *text; /* the text whose rules are in force, or NULL: none ever was */
    bool ok;          /* the file on disk loads */
    bool last_good;   /* a text out of the store is in force because the one on disk does not load,
                       * or because what the folder holds is refused as a whole */
};

struct vg_ruleset {
    struct vg_arena *arena;
    struct vg_dataset **datasets;
    size_t ndatasets; /* sorted by id */
    struct vg_rule_file *files;
    size_t nfiles;
    bool folder_ok; /* false: folder unreadable or without rule files; retires nothing */
    bool revived;   /* the folder is refused: all rules are of last good texts; not folder_ok */
};
const struct vg_dataset *vg_ruleset_find(const struct vg_ruleset *rules, const char *id);

#endif
