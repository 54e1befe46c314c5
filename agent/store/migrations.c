/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the state store as numbered migrations.
 *
 * A migration that has been released is never changed: a change is a new one. How they are run, and
 * what they make compared with a store, is in schema.c.
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

    "CREATE TABLE latest (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " check_name TEXT NOT NULL, column_name TEXT, why TEXT NOT NULL, class {int} NOT NULL,"
    " cadence {int} NOT NULL, severity {int} NOT NULL, unit {int} NOT NULL,"
    " verdict {int} NOT NULL, at_us {int} NOT NULL, window_end_us {int} NOT NULL,"
    " decided {int} NOT NULL, decided_us {int} NOT NULL, decided_window_end_us {int} NOT NULL,"
    " value {real}, limit_value {real}, p_value {real}, kept_us {int} NOT NULL,"
    " PRIMARY KEY (dataset, rule, segment)) {table}",

    "CREATE TABLE summary (dataset TEXT NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL,"
    " column_name TEXT NOT NULL, body {blob} NOT NULL,"
    " PRIMARY KEY (dataset, start_us, column_name)) {table}",
    "CREATE INDEX summary_age ON summary (end_us)",

    "CREATE TABLE reference (version {id}, dataset TEXT NOT NULL, spec TEXT NOT NULL,"
    " from_us {int} NOT NULL, to_us {int} NOT NULL, base_us {int} NOT NULL,"
    " captured_us {int} NOT NULL, row_count {int} NOT NULL, resolution {int} NOT NULL,"
    " columns {int} NOT NULL, windows {int} NOT NULL, state {int} NOT NULL,"
    " active {int} NOT NULL, error TEXT) {table}",
    "CREATE INDEX reference_dataset ON reference (dataset, version)",
    "CREATE UNIQUE INDEX reference_active ON reference (dataset) WHERE active = 1",
    "CREATE TABLE reference_column (version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, position {int} NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,"
    " kind {int} NOT NULL, not_null {int} NOT NULL, total {blob}, fine {blob},"
    " PRIMARY KEY (version, position)) {table}",
    "CREATE TABLE reference_window (version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, column_name TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, body {blob} NOT NULL,"
    " PRIMARY KEY (version, column_name, start_us)) {table}",

    "CREATE TABLE alert (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " check_name TEXT NOT NULL, column_name TEXT, class {int} NOT NULL, state {int} NOT NULL,"
    " severity {int} NOT NULL, good {int} NOT NULL, bad {int} NOT NULL, blind {int} NOT NULL,"
    " blind_since_us {int} NOT NULL, onset_us {int} NOT NULL, due_us {int} NOT NULL,"
    " changed_us {int} NOT NULL, reminded_us {int} NOT NULL, incident TEXT NOT NULL,"
    " untold {int} NOT NULL, why TEXT NOT NULL, value {real}, limit_value {real},"
    " unit {int} NOT NULL, verdict {int} NOT NULL, runbook TEXT,"
    " PRIMARY KEY (dataset, rule, segment)) {table}",

    "CREATE TABLE incident (key TEXT PRIMARY KEY, dataset TEXT NOT NULL, severity {int} NOT NULL,"
    " opened_due_us {int} NOT NULL, first_us {int} NOT NULL, closed_us {int} NOT NULL,"
    " onset_us {int} NOT NULL, told_us {int} NOT NULL) {table}",
    "CREATE INDEX incident_dataset ON incident (dataset, opened_due_us)",
    "CREATE INDEX incident_closed ON incident (closed_us)",
    "CREATE TABLE incident_receiver (key TEXT NOT NULL REFERENCES incident ON DELETE CASCADE,"
    " position {int} NOT NULL, receiver TEXT NOT NULL, PRIMARY KEY (key, position)) {table}",

    "CREATE TABLE outbox (id {id}, sink_kind {int} NOT NULL, sink TEXT NOT NULL,"
    " key TEXT NOT NULL, kind {int} NOT NULL, body TEXT NOT NULL, created_us {int} NOT NULL,"
    " next_us {int} NOT NULL, attempts {int} NOT NULL, last_error TEXT, state {int} NOT NULL,"
    " ended_us {int}) {table}",
    "CREATE INDEX outbox_waiting ON outbox (sink_kind, sink, key, id) WHERE state = 0",
    "CREATE INDEX outbox_age ON outbox (ended_us)",
    "CREATE TABLE outbox_total (sink_kind {int} NOT NULL, sink TEXT NOT NULL,"
    " sent {int} NOT NULL, dead {int} NOT NULL, PRIMARY KEY (sink_kind, sink)) {table}",

    "CREATE TABLE onset (key TEXT PRIMARY KEY, model TEXT NOT NULL, dataset TEXT NOT NULL,"
    " rule TEXT NOT NULL, check_name TEXT, column_name TEXT, due_us {int} NOT NULL,"
    " start_us {int} NOT NULL, end_us {int} NOT NULL, repeated {int} NOT NULL,"
    " state {int} NOT NULL, fired {int} NOT NULL, fired_us {int} NOT NULL,"
    " ended_us {int} NOT NULL, value {real}, limit_value {real}, row_count {int} NOT NULL) {table}",
    "CREATE INDEX onset_model ON onset (model, due_us)",
    "CREATE TABLE decision (id {id}, model TEXT NOT NULL, key TEXT NOT NULL, at_us {int} NOT NULL,"
    " kind {int} NOT NULL, reason TEXT NOT NULL) {table}",
    "CREATE INDEX decision_key ON decision (key, id)",
    "CREATE INDEX decision_model ON decision (model, id)",
    "CREATE INDEX decision_age ON decision (at_us)",

    "CREATE TABLE control (id {id}, verb TEXT NOT NULL, argument TEXT, given_by TEXT,"
    " at_us {int} NOT NULL, answer TEXT, done_us {int}) {table}",
    "CREATE INDEX control_pending ON control (id) WHERE done_us IS NULL",
    "CREATE TABLE rule_file (path TEXT PRIMARY KEY, body TEXT NOT NULL, at_us {int} NOT NULL)"
    " {table}",
    "CREATE TABLE pushed (dataset TEXT PRIMARY KEY, url TEXT NOT NULL) {table}",
    NULL,
};

static const char *const episodes[] = {
    "CREATE TABLE episode (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " due_us {int} NOT NULL, known {int} NOT NULL, check_name TEXT NOT NULL, column_name TEXT,"
    " class {int} NOT NULL, severity {int} NOT NULL, onset_us {int} NOT NULL,"
    " ended_us {int} NOT NULL, over {int} NOT NULL, incident TEXT NOT NULL, emits {int} NOT NULL,"
    " value {real}, limit_value {real}, p_value {real}, unit {int} NOT NULL,"
    " verdict {int} NOT NULL, why TEXT NOT NULL, runbook TEXT, receivers TEXT NOT NULL,"
    " PRIMARY KEY (dataset, rule, segment, due_us, known)) {table}",
    "CREATE INDEX episode_open ON episode (dataset) WHERE over = 0",
    NULL,
};

static const char *const fingerprints[] = {
    "CREATE TABLE fingerprint (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL, hash {int} NOT NULL,"
    " PRIMARY KEY (dataset, start_us, rule, segment)) {table}",
    "CREATE INDEX fingerprint_age ON fingerprint (end_us)",
    NULL,
};

/* Of the tables that are watched: of each reference, and as last seen. */
static const char *const structures[] = {
    "ALTER TABLE reference ADD COLUMN structure TEXT",
    "CREATE TABLE structure (dataset TEXT PRIMARY KEY, body TEXT NOT NULL, at_us {int} NOT NULL)"
    " {table}",
    NULL,
};

/* Columns of a reference that a rule file computed. */
static const char *const computed[] = {
    "ALTER TABLE reference_column ADD COLUMN computed {int} NOT NULL DEFAULT 0",
    NULL,
};

/* Windows that are to be read again, the parts that theirs are of the summaries of longer base
 * windows, and tables that are not read while nothing changes. */
static const char *const revisits[] = {
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
    NULL,
};

/* Rows that offend: the keys shown of a rule's latest result, and those still to be written to a
 * table of the user's. */
static const char *const offending_rows[] = {
    "ALTER TABLE latest ADD COLUMN offending TEXT",
    "CREATE TABLE offenders (dataset TEXT NOT NULL, rule TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, warn {int} NOT NULL, at_us {int} NOT NULL,"
    " state {int} NOT NULL, attempts {int} NOT NULL, next_us {int} NOT NULL,"
    " key_count {int} NOT NULL, cut {int} NOT NULL, why TEXT,"
    " PRIMARY KEY (dataset, rule, start_us)) {table}",
    "CREATE INDEX offenders_waiting ON offenders (next_us) WHERE state = 0",
    "CREATE INDEX offenders_age ON offenders (at_us)",
    NULL,
};

/* Coarse counts of the columns of a reference for each of its segments. */
static const char *const segments[] = {
    "CREATE TABLE reference_segment (version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, segment TEXT NOT NULL, column_name TEXT NOT NULL, total {blob} NOT NULL,"
    " PRIMARY KEY (version, segment, column_name)) {table}",
    NULL,
};

/* The segment whose drift opened an onset. */
static const char *const onsets_of_segments[] = {
    "ALTER TABLE onset ADD COLUMN segment TEXT NOT NULL DEFAULT ''",
    NULL,
};

/* What the budget learnt from a reference, and the new values it has told of. */
static const char *const calibrations[] = {
    "CREATE TABLE calibration (id {id}, version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, inputs TEXT NOT NULL, at_us {int} NOT NULL, body {blob}) {table}",
    "CREATE INDEX calibration_version ON calibration (version)",
    "CREATE TABLE calibration_part (calibration {int} NOT NULL REFERENCES calibration"
    " ON DELETE CASCADE, column_name TEXT NOT NULL, body {blob} NOT NULL,"
    " PRIMARY KEY (calibration, column_name)) {table}",
    "CREATE TABLE told_value (version {int} NOT NULL REFERENCES reference ON DELETE CASCADE,"
    " column_name TEXT NOT NULL, hash {int} NOT NULL, at_us {int} NOT NULL,"
    " PRIMARY KEY (version, column_name, hash)) {table}",
    NULL,
};

/* What receivers answered, messages of several requests, and those told again while they stand. */
static const char *const answers[] = {
    "ALTER TABLE outbox ADD COLUMN step {int} NOT NULL DEFAULT 0",
    "CREATE INDEX outbox_going ON outbox (next_us) WHERE state IN (0, 3)",
    "CREATE INDEX outbox_standing ON outbox (sink_kind, sink, key, id) WHERE state = 3",
    "CREATE TABLE kept (sink_kind {int} NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " body TEXT NOT NULL, at_us {int} NOT NULL, PRIMARY KEY (sink_kind, sink, key)) {table}",
    "CREATE INDEX kept_age ON kept (at_us)",
    NULL,
};

/* Several references of a dataset, each with a name, those that follow time, and what became of
 * them. */
static const char *const references[] = {
    "ALTER TABLE reference ADD COLUMN name TEXT NOT NULL DEFAULT 'reference'",
    "ALTER TABLE reference ADD COLUMN rolling {int} NOT NULL DEFAULT 0",
    "ALTER TABLE reference ADD COLUMN stands_for TEXT",
    "ALTER TABLE reference ADD COLUMN given_by TEXT",
    "DROP INDEX reference_active",
    "CREATE UNIQUE INDEX reference_in_use ON reference (dataset, name) WHERE active = 1",
    "CREATE TABLE reference_change (id {id}, dataset TEXT NOT NULL, name TEXT NOT NULL,"
    " version {int} NOT NULL, former {int} NOT NULL, how {int} NOT NULL, given_by TEXT,"
    " at_us {int} NOT NULL) {table}",
    "CREATE INDEX reference_change_dataset ON reference_change (dataset, id)",
    "CREATE INDEX reference_change_age ON reference_change (at_us)",
    "ALTER TABLE alert ADD COLUMN proposed {int} NOT NULL DEFAULT 0",
    "ALTER TABLE latest ADD COLUMN prediction {int} NOT NULL DEFAULT 0",
    "ALTER TABLE latest ADD COLUMN moved {real}",
    "ALTER TABLE latest ADD COLUMN importance {real}",
    "ALTER TABLE latest ADD COLUMN rank {int} NOT NULL DEFAULT 0",
    NULL,
};

/* What a full outbox lets go of first, what may have reached a receiver unseen, receivers that fail
 * and were reported, silences, and who has taken an incident on. */
static const char *const quiet[] = {
    "ALTER TABLE outbox ADD COLUMN bytes {int} NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN touched {int} NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN held_us {int} NOT NULL DEFAULT 0",
    "CREATE INDEX outbox_room ON outbox (sink_kind, sink, kind, id, bytes) WHERE state = 0",
    "CREATE INDEX outbox_dead ON outbox (id) WHERE state = 2",
    "ALTER TABLE outbox_total ADD COLUMN dropped {int} NOT NULL DEFAULT 0",
    "ALTER TABLE incident ADD COLUMN acked_us {int} NOT NULL DEFAULT 9223372036854775807",
    "ALTER TABLE incident ADD COLUMN acked_by TEXT",
    "CREATE TABLE trouble (sink_kind {int} NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " since_us {int} NOT NULL, told TEXT NOT NULL, PRIMARY KEY (sink_kind, sink)) {table}",
    "CREATE TABLE silence (id {id}, dataset TEXT, rule TEXT, tag TEXT, severities {int} NOT NULL,"
    " from_us {int} NOT NULL, until_us {int} NOT NULL, made_us {int} NOT NULL,"
    " given_by TEXT NOT NULL, why TEXT NOT NULL) {table}",
    "CREATE INDEX silence_end ON silence (until_us)",
    NULL,
};

/* How the numeric columns of a reference depend on each other. */
static const char *const pairs[] = {
    "CREATE TABLE reference_pairs (version {int} PRIMARY KEY REFERENCES reference"
    " ON DELETE CASCADE, body {blob} NOT NULL) {table}",
    NULL,
};

/* What becomes of requests for retraining. */
static const char *const runs[] = {
    "CREATE TABLE retrain_run (key TEXT PRIMARY KEY, model TEXT NOT NULL, system TEXT NOT NULL,"
    " run_id TEXT, url TEXT, state {int} NOT NULL, asked_us {int} NOT NULL,"
    " accepted_us {int} NOT NULL, changed_us {int} NOT NULL, ended_us {int} NOT NULL,"
    " next_us {int} NOT NULL, until_us {int} NOT NULL, looks {int} NOT NULL, answer TEXT) {table}",
    "CREATE INDEX retrain_run_model ON retrain_run (model, asked_us)",
    "CREATE INDEX retrain_run_next ON retrain_run (next_us)",
    NULL,
};

/* Who approved a retraining or not, what people were told, and who decided on what grounds. */
static const char *const approvals[] = {
    "ALTER TABLE onset ADD COLUMN by_hand {int} NOT NULL DEFAULT 0",
    "ALTER TABLE onset ADD COLUMN approval {int} NOT NULL DEFAULT 0",
    "ALTER TABLE onset ADD COLUMN approval_us {int} NOT NULL DEFAULT 9223372036854775807",
    "ALTER TABLE onset ADD COLUMN approval_by TEXT",
    "ALTER TABLE onset ADD COLUMN approval_why TEXT",
    "ALTER TABLE onset ADD COLUMN told {int} NOT NULL DEFAULT 0",
    "ALTER TABLE onset ADD COLUMN outcome {int} NOT NULL DEFAULT 0",
    "CREATE INDEX onset_outcome ON onset (key) WHERE fired = 1 AND outcome < 2",
    "ALTER TABLE decision ADD COLUMN given_by TEXT",
    "ALTER TABLE decision ADD COLUMN dataset TEXT",
    "ALTER TABLE decision ADD COLUMN rule TEXT",
    "ALTER TABLE decision ADD COLUMN start_us {int} NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN end_us {int} NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN repeated {int} NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN value {real}",
    "ALTER TABLE decision ADD COLUMN limit_value {real}",
    "ALTER TABLE decision ADD COLUMN row_count {int} NOT NULL DEFAULT 0",
    NULL,
};

/* Who was told of a key, and what receivers asked for: both are asked for within transactions. */
static const char *const asked_often[] = {
    "CREATE INDEX outbox_told ON outbox (key, sink) WHERE sink_kind = 0 AND kind = 0",
    "CREATE INDEX outbox_held ON outbox (sink_kind, sink, held_us) WHERE held_us > 0",
    NULL,
};

/* What an incident is about. */
static const char *const abouts[] = {
    "ALTER TABLE incident ADD COLUMN rules TEXT",
    NULL,
};

/* Where requests for retraining went, and which messages were first told in one with others. */
static const char *const attempts[] = {
    "ALTER TABLE outbox ADD COLUMN went_to TEXT",
    "ALTER TABLE outbox ADD COLUMN digest TEXT",
    /* 7 is VG_MSG_CHANGE */
    "CREATE INDEX outbox_change ON outbox (key, sink) WHERE sink_kind = 0 AND kind = 7",
    "ALTER TABLE retrain_run ADD COLUMN place TEXT",
    NULL,
};

/* What is next at each receiver. */
static const char *const next_of_each[] = {
    "CREATE INDEX outbox_next ON outbox (sink_kind, sink, state, id) WHERE state IN (0, 3)",
    NULL,
};

/* How grave messages are, and whose turn it is: of what waits already nobody knows, so it goes as
 * it came. */
static const char *const gravity[] = {
    "ALTER TABLE outbox ADD COLUMN severity {int} NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN turn_us {int} NOT NULL DEFAULT 0",
    "UPDATE outbox SET turn_us = created_us",
    "DROP INDEX outbox_next",
    "CREATE INDEX outbox_next ON outbox (sink_kind, sink, state, turn_us, id)"
    " WHERE state IN (0, 3)",
    NULL,
};

/* The gravest that was seen of an alert since its onset. */
static const char *const worsts[] = {
    "ALTER TABLE alert ADD COLUMN worst_us {int} NOT NULL DEFAULT 0",
    "ALTER TABLE alert ADD COLUMN worst_value {real}",
    "ALTER TABLE alert ADD COLUMN worst_limit {real}",
    "ALTER TABLE alert ADD COLUMN worst_verdict {int} NOT NULL DEFAULT 0",
    "ALTER TABLE episode ADD COLUMN worst_us {int} NOT NULL DEFAULT 0",
    "ALTER TABLE episode ADD COLUMN worst_value {real}",
    "ALTER TABLE episode ADD COLUMN worst_limit {real}",
    "ALTER TABLE episode ADD COLUMN worst_verdict {int} NOT NULL DEFAULT 0",
    NULL,
};

/* The last results of a rule: asked for every item of a message, within a transaction. */
static const char *const results_of_rules[] = {
    "CREATE INDEX result_rule ON result (dataset, rule, segment, id)",
    NULL,
};

/* Whether the column was private when the alert was last settled. */
static const char *const private_alerts[] = {
    "ALTER TABLE alert ADD COLUMN is_private {int} NOT NULL DEFAULT 0",
    NULL,
};

const struct vg_migration vg_migrations[] = {
    {"the first tables", first_tables},
    {"what a catch-up holds back", episodes},
    {"what rules saw in windows", fingerprints},
    {"structures of tables", structures},
    {"columns that rule files compute", computed},
    {"windows to be read again", revisits},
    {"rows that offend", offending_rows},
    {"segments of references", segments},
    {"onsets of segments", onsets_of_segments},
    {"what the budget learns", calibrations},
    {"what receivers answered", answers},
    {"references that follow time, and several of them", references},
    {"the outbox's room, silences, acknowledgements", quiet},
    {"dependence between columns", pairs},
    {"what becomes of requests for retraining", runs},
    {"who approved a retraining", approvals},
    {"what is asked of the outbox often", asked_often},
    {"what an incident is about", abouts},
    {"where and with what messages were tried", attempts},
    {"what is next at each receiver", next_of_each},
    {"how grave messages are", gravity},
    {"the gravest that alerts saw", worsts},
    {"the last results of a rule", results_of_rules},
    {"alerts of private columns", private_alerts},
};
const size_t vg_migrations_n = sizeof vg_migrations / sizeof vg_migrations[0];
