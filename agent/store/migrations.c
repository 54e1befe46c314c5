/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the state store as numbered migrations.
 *
 * A migration that has been released is never changed: a change is a new one, at the end. How they
 * are run, and what they make compared with a store, is in schema.c.
 */
#include "agent/store/inner.h"

/* Times are microseconds since 1970 UTC; the largest integer is "never". A segment is "" for none.
 * Enums are stored as numbers, so their order is part of the schema. */
static const char *const first_tables[] = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) {table}",

    "CREATE TABLE dataset (dataset TEXT PRIMARY KEY, model TEXT, role {int} NOT NULL,"
    " first_seen_us {int} NOT NULL, watermark_us {int} NOT NULL, judged_us {int} NOT NULL,"
    " success_us {int} NOT NULL, tick_us {int} NOT NULL, retry_us {int} NOT NULL,"
    " failures {int} NOT NULL, scan_failures {int} NOT NULL, cycles {int} NOT NULL,"
    " cycle_failures {int} NOT NULL, ticks_skipped {int} NOT NULL,"
    " windows_skipped {int} NOT NULL, rows_scanned {int} NOT NULL) {table}",

    "CREATE TABLE scanned_window (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, due_us {int} NOT NULL,"
    " committed_us {int} NOT NULL, status {int} NOT NULL, row_count {int} NOT NULL,"
    " probe_rows {int} NOT NULL, PRIMARY KEY (dataset, start_us)) {table}",
    "CREATE INDEX scanned_window_judged ON scanned_window (dataset, end_us)"
    " WHERE status = 0 AND row_count > 0",
    "CREATE INDEX scanned_window_open ON scanned_window (dataset, end_us) WHERE status = 1",
    "CREATE INDEX scanned_window_age ON scanned_window (end_us)",

    "CREATE TABLE result (id {id}, dataset TEXT NOT NULL, rule TEXT NOT NULL,"
    " segment TEXT NOT NULL, check_name TEXT NOT NULL, column_name TEXT, class {int} NOT NULL,"
    " cadence {int} NOT NULL, verdict {int} NOT NULL, severity {int} NOT NULL,"
    " unit {int} NOT NULL, at_us {int} NOT NULL, due_us {int} NOT NULL, window_start_us {int},"
    " window_end_us {int}, reference_version {int}, sample TEXT, value {real}, lo {real},"
    " hi {real}, limit_value {real}, warn_limit {real}, p_value {real}, level {real},"
    " effect {real}, n {real}, n_ref {real}, direction {int} NOT NULL, why TEXT NOT NULL) {table}",
    "CREATE INDEX result_window ON result (dataset, window_start_us)",
    "CREATE INDEX result_age ON result (at_us)",
    "CREATE INDEX result_rule ON result (dataset, rule, segment, id)",

    /* The last result of each rule; offending: the keys shown of rows that offend. */
    "CREATE TABLE latest (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " check_name TEXT NOT NULL, column_name TEXT, why TEXT NOT NULL, class {int} NOT NULL,"
    " cadence {int} NOT NULL, severity {int} NOT NULL, unit {int} NOT NULL,"
    " verdict {int} NOT NULL, at_us {int} NOT NULL, window_end_us {int} NOT NULL,"
    " decided {int} NOT NULL, decided_us {int} NOT NULL, decided_window_end_us {int} NOT NULL,"
    " value {real}, limit_value {real}, p_value {real}, kept_us {int} NOT NULL, offending TEXT,"
    " prediction {int} NOT NULL DEFAULT 0, moved {real}, importance {real},"
    " rank {int} NOT NULL DEFAULT 0, PRIMARY KEY (dataset, rule, segment)) {table}",

    "CREATE TABLE summary (dataset TEXT NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL,"
    " column_name TEXT NOT NULL, body {blob} NOT NULL, PRIMARY KEY (dataset, start_us,"
    " column_name)) {table}",
    "CREATE INDEX summary_age ON summary (end_us)",

    /* Several of a dataset, each with a name; those that follow time; the tables' structure. */
    "CREATE TABLE reference (version {id}, dataset TEXT NOT NULL, spec TEXT NOT NULL,"
    " from_us {int} NOT NULL, to_us {int} NOT NULL, base_us {int} NOT NULL,"
    " captured_us {int} NOT NULL, row_count {int} NOT NULL, resolution {int} NOT NULL,"
    " columns {int} NOT NULL, windows {int} NOT NULL, state {int} NOT NULL,"
    " active {int} NOT NULL, error TEXT, structure TEXT, name TEXT NOT NULL DEFAULT 'reference',"
    " rolling {int} NOT NULL DEFAULT 0, stands_for TEXT, given_by TEXT) {table}",
    "CREATE INDEX reference_dataset ON reference (dataset, version)",
    "CREATE UNIQUE INDEX reference_in_use ON reference (dataset, name) WHERE active = 1",

    /* computed: by the rule file. */
    "CREATE TABLE reference_column (version {int} NOT NULL REFERENCES reference ON DELETE CASCADE,"
    " position {int} NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, kind {int} NOT NULL,"
    " not_null {int} NOT NULL, total {blob}, fine {blob}, computed {int} NOT NULL DEFAULT 0,"
    " PRIMARY KEY (version, position)) {table}",

    "CREATE TABLE reference_window (version {int} NOT NULL REFERENCES reference ON DELETE CASCADE,"
    " column_name TEXT NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL,"
    " repeated {int} NOT NULL, body {blob} NOT NULL, PRIMARY KEY (version, column_name,"
    " start_us)) {table}",

    /* worst_*: the gravest that was seen since its onset; is_private: of the column, when the alert
     * was last settled. */
    "CREATE TABLE alert (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " check_name TEXT NOT NULL, column_name TEXT, class {int} NOT NULL, state {int} NOT NULL,"
    " severity {int} NOT NULL, good {int} NOT NULL, bad {int} NOT NULL, blind {int} NOT NULL,"
    " blind_since_us {int} NOT NULL, onset_us {int} NOT NULL, due_us {int} NOT NULL,"
    " changed_us {int} NOT NULL, reminded_us {int} NOT NULL, incident TEXT NOT NULL,"
    " untold {int} NOT NULL, why TEXT NOT NULL, value {real}, limit_value {real},"
    " unit {int} NOT NULL, verdict {int} NOT NULL, runbook TEXT,"
    " proposed {int} NOT NULL DEFAULT 0, worst_us {int} NOT NULL DEFAULT 0, worst_value {real},"
    " worst_limit {real}, worst_verdict {int} NOT NULL DEFAULT 0,"
    " is_private {int} NOT NULL DEFAULT 0, PRIMARY KEY (dataset, rule, segment)) {table}",

    /* rules: what it is about; acked_*: who has taken it on. */
    "CREATE TABLE incident (key TEXT PRIMARY KEY, dataset TEXT NOT NULL, severity {int} NOT NULL,"
    " opened_due_us {int} NOT NULL, first_us {int} NOT NULL, closed_us {int} NOT NULL,"
    " onset_us {int} NOT NULL, told_us {int} NOT NULL,"
    " acked_us {int} NOT NULL DEFAULT 9223372036854775807, acked_by TEXT, rules TEXT) {table}",
    "CREATE INDEX incident_dataset ON incident (dataset, opened_due_us)",
    "CREATE INDEX incident_closed ON incident (closed_us)",

    "CREATE TABLE incident_receiver (key TEXT NOT NULL REFERENCES incident ON DELETE CASCADE,"
    " position {int} NOT NULL, receiver TEXT NOT NULL, PRIMARY KEY (key, position)) {table}",

    /* step: requests of a message that are done; touched: may have reached its receiver unseen;
     * held_us: what a receiver asked for; went_to: where a request for retraining went; digest: the
     * message that it was first told in; turn_us: whose turn it is. Kind 7 is VG_MSG_CHANGE. */
    "CREATE TABLE outbox (id {id}, sink_kind {int} NOT NULL, sink TEXT NOT NULL,"
    " key TEXT NOT NULL, kind {int} NOT NULL, body TEXT NOT NULL, created_us {int} NOT NULL,"
    " next_us {int} NOT NULL, attempts {int} NOT NULL, last_error TEXT, state {int} NOT NULL,"
    " ended_us {int}, step {int} NOT NULL DEFAULT 0, bytes {int} NOT NULL DEFAULT 0,"
    " touched {int} NOT NULL DEFAULT 0, held_us {int} NOT NULL DEFAULT 0, went_to TEXT,"
    " digest TEXT, severity {int} NOT NULL DEFAULT 0, turn_us {int} NOT NULL DEFAULT 0) {table}",
    "CREATE INDEX outbox_waiting ON outbox (sink_kind, sink, key, id) WHERE state = 0",
    "CREATE INDEX outbox_age ON outbox (ended_us)",
    "CREATE INDEX outbox_going ON outbox (next_us) WHERE state IN (0, 3)",
    "CREATE INDEX outbox_standing ON outbox (sink_kind, sink, key, id) WHERE state = 3",
    "CREATE INDEX outbox_room ON outbox (sink_kind, sink, kind, id, bytes) WHERE state = 0",
    "CREATE INDEX outbox_dead ON outbox (id) WHERE state = 2",
    "CREATE INDEX outbox_told ON outbox (key, sink) WHERE sink_kind = 0 AND kind = 0",
    "CREATE INDEX outbox_held ON outbox (sink_kind, sink, held_us) WHERE held_us > 0",
    "CREATE INDEX outbox_change ON outbox (key, sink) WHERE sink_kind = 0 AND kind = 7",
    "CREATE INDEX outbox_next ON outbox (sink_kind, sink, state, turn_us, id)"
    " WHERE state IN (0, 3)",

    "CREATE TABLE outbox_total (sink_kind {int} NOT NULL, sink TEXT NOT NULL,"
    " sent {int} NOT NULL, dead {int} NOT NULL, dropped {int} NOT NULL DEFAULT 0,"
    " PRIMARY KEY (sink_kind, sink)) {table}",

    /* approval_*: who approved a retraining, or not; told, outcome: what people were told of it. */
    "CREATE TABLE onset (key TEXT PRIMARY KEY, model TEXT NOT NULL, dataset TEXT NOT NULL,"
    " rule TEXT NOT NULL, check_name TEXT, column_name TEXT, due_us {int} NOT NULL,"
    " start_us {int} NOT NULL, end_us {int} NOT NULL, repeated {int} NOT NULL,"
    " state {int} NOT NULL, fired {int} NOT NULL, fired_us {int} NOT NULL,"
    " ended_us {int} NOT NULL, value {real}, limit_value {real}, row_count {int} NOT NULL,"
    " segment TEXT NOT NULL DEFAULT '', by_hand {int} NOT NULL DEFAULT 0,"
    " approval {int} NOT NULL DEFAULT 0, approval_us {int} NOT NULL DEFAULT 9223372036854775807,"
    " approval_by TEXT, approval_why TEXT, told {int} NOT NULL DEFAULT 0,"
    " outcome {int} NOT NULL DEFAULT 0) {table}",
    "CREATE INDEX onset_model ON onset (model, due_us)",
    "CREATE INDEX onset_outcome ON onset (key) WHERE fired = 1 AND outcome < 2",

    /* Who decided on what grounds. */
    "CREATE TABLE decision (id {id}, model TEXT NOT NULL, key TEXT NOT NULL,"
    " at_us {int} NOT NULL, kind {int} NOT NULL, reason TEXT NOT NULL, given_by TEXT,"
    " dataset TEXT, rule TEXT, start_us {int} NOT NULL DEFAULT 0,"
    " end_us {int} NOT NULL DEFAULT 0, repeated {int} NOT NULL DEFAULT 0, value {real},"
    " limit_value {real}, row_count {int} NOT NULL DEFAULT 0) {table}",
    "CREATE INDEX decision_key ON decision (key, id)",
    "CREATE INDEX decision_model ON decision (model, id)",
    "CREATE INDEX decision_age ON decision (at_us)",

    "CREATE TABLE control (id {id}, verb TEXT NOT NULL, argument TEXT, given_by TEXT,"
    " at_us {int} NOT NULL, answer TEXT, done_us {int}) {table}",
    "CREATE INDEX control_pending ON control (id) WHERE done_us IS NULL",

    "CREATE TABLE rule_file (path TEXT PRIMARY KEY, body TEXT NOT NULL,"
    " at_us {int} NOT NULL) {table}",

    "CREATE TABLE pushed (dataset TEXT PRIMARY KEY, url TEXT NOT NULL) {table}",

    /* What a catch-up holds back. */
    "CREATE TABLE episode (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " due_us {int} NOT NULL, known {int} NOT NULL, check_name TEXT NOT NULL, column_name TEXT,"
    " class {int} NOT NULL, severity {int} NOT NULL, onset_us {int} NOT NULL,"
    " ended_us {int} NOT NULL, over {int} NOT NULL, incident TEXT NOT NULL, emits {int} NOT NULL,"
    " value {real}, limit_value {real}, p_value {real}, unit {int} NOT NULL,"
    " verdict {int} NOT NULL, why TEXT NOT NULL, runbook TEXT, receivers TEXT NOT NULL,"
    " worst_us {int} NOT NULL DEFAULT 0, worst_value {real}, worst_limit {real},"
    " worst_verdict {int} NOT NULL DEFAULT 0, PRIMARY KEY (dataset, rule, segment, due_us,"
    " known)) {table}",
    "CREATE INDEX episode_open ON episode (dataset) WHERE over = 0",

    /* What rules saw in windows. */
    "CREATE TABLE fingerprint (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL, hash {int} NOT NULL,"
    " PRIMARY KEY (dataset, start_us, rule, segment)) {table}",
    "CREATE INDEX fingerprint_age ON fingerprint (end_us)",

    /* Tables as last seen. */
    "CREATE TABLE structure (dataset TEXT PRIMARY KEY, body TEXT NOT NULL,"
    " at_us {int} NOT NULL) {table}",

    /* Windows that are to be read again, the parts that theirs are of the summaries of longer base
     * windows, and tables that are not read while nothing changes. */
    "CREATE TABLE checked_window (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, checked_us {int} NOT NULL,"
    " read_us {int} NOT NULL, next_us {int} NOT NULL, failures {int} NOT NULL,"
    " body {blob} NOT NULL, PRIMARY KEY (dataset, start_us)) {table}",
    "CREATE INDEX checked_window_next ON checked_window (dataset, next_us)",
    "CREATE INDEX checked_window_age ON checked_window (end_us)",

    "CREATE TABLE summary_part (dataset TEXT NOT NULL, base_us {int} NOT NULL,"
    " column_name TEXT NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL,"
    " body {blob} NOT NULL, PRIMARY KEY (dataset, base_us, column_name, start_us)) {table}",
    "CREATE INDEX summary_part_age ON summary_part (end_us)",

    "CREATE TABLE standstill (dataset TEXT PRIMARY KEY, body TEXT NOT NULL,"
    " since_us {int} NOT NULL) {table}",

    /* Keys of rows that offend, still to be written to a table of the user's. */
    "CREATE TABLE offenders (dataset TEXT NOT NULL, rule TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, warn {int} NOT NULL, at_us {int} NOT NULL,"
    " state {int} NOT NULL, attempts {int} NOT NULL, next_us {int} NOT NULL,"
    " key_count {int} NOT NULL, cut {int} NOT NULL, why TEXT, PRIMARY KEY (dataset, rule,"
    " start_us)) {table}",
    "CREATE INDEX offenders_waiting ON offenders (next_us) WHERE state = 0",
    "CREATE INDEX offenders_age ON offenders (at_us)",

    /* Coarse counts of the columns of a reference for each of its segments. */
    "CREATE TABLE reference_segment (version {int} NOT NULL REFERENCES reference ON DELETE CASCADE,"
    " segment TEXT NOT NULL, column_name TEXT NOT NULL, total {blob} NOT NULL,"
    " PRIMARY KEY (version, segment, column_name)) {table}",

    /* What the budget learnt from a reference, and the new values it has told of. */
    "CREATE TABLE calibration (id {id},"
    " version {int} NOT NULL REFERENCES reference ON DELETE CASCADE, inputs TEXT NOT NULL,"
    " at_us {int} NOT NULL, body {blob}) {table}",
    "CREATE INDEX calibration_version ON calibration (version)",

    "CREATE TABLE calibration_part (calibration {int} NOT NULL REFERENCES calibration ON DELETE "
    "CASCADE,"
    " column_name TEXT NOT NULL, body {blob} NOT NULL, PRIMARY KEY (calibration,"
    " column_name)) {table}",

    "CREATE TABLE told_value (version {int} NOT NULL REFERENCES reference ON DELETE CASCADE,"
    " column_name TEXT NOT NULL, hash {int} NOT NULL, at_us {int} NOT NULL, PRIMARY KEY (version,"
    " column_name, hash)) {table}",

    /* What receivers answered that is needed again. */
    "CREATE TABLE kept (sink_kind {int} NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " body TEXT NOT NULL, at_us {int} NOT NULL, PRIMARY KEY (sink_kind, sink, key)) {table}",
    "CREATE INDEX kept_age ON kept (at_us)",

    /* What became of references. */
    "CREATE TABLE reference_change (id {id}, dataset TEXT NOT NULL, name TEXT NOT NULL,"
    " version {int} NOT NULL, former {int} NOT NULL, how {int} NOT NULL, given_by TEXT,"
    " at_us {int} NOT NULL) {table}",
    "CREATE INDEX reference_change_dataset ON reference_change (dataset, id)",
    "CREATE INDEX reference_change_age ON reference_change (at_us)",

    /* Receivers that fail and were reported. */
    "CREATE TABLE trouble (sink_kind {int} NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " since_us {int} NOT NULL, told TEXT NOT NULL, PRIMARY KEY (sink_kind, sink)) {table}",

    "CREATE TABLE silence (id {id}, dataset TEXT, rule TEXT, tag TEXT, severities {int} NOT NULL,"
    " from_us {int} NOT NULL, until_us {int} NOT NULL, made_us {int} NOT NULL,"
    " given_by TEXT NOT NULL, why TEXT NOT NULL) {table}",
    "CREATE INDEX silence_end ON silence (until_us)",

    /* How the numeric columns of a reference depend on each other. */
    "CREATE TABLE reference_pairs (version {int} PRIMARY KEY REFERENCES reference ON DELETE "
    "CASCADE,"
    " body {blob} NOT NULL) {table}",

    /* What becomes of requests for retraining. */
    "CREATE TABLE retrain_run (key TEXT PRIMARY KEY, model TEXT NOT NULL, system TEXT NOT NULL,"
    " run_id TEXT, url TEXT, state {int} NOT NULL, asked_us {int} NOT NULL,"
    " accepted_us {int} NOT NULL, changed_us {int} NOT NULL, ended_us {int} NOT NULL,"
    " next_us {int} NOT NULL, until_us {int} NOT NULL, looks {int} NOT NULL, answer TEXT,"
    " place TEXT) {table}",
    "CREATE INDEX retrain_run_model ON retrain_run (model, asked_us)",
    "CREATE INDEX retrain_run_next ON retrain_run (next_us)",
    NULL,
};

const struct vg_migration vg_migrations[] = {
    {"the first tables", first_tables},
};
const size_t vg_migrations_n = sizeof vg_migrations / sizeof vg_migrations[0];
